//! Who plays what: the application of each side of each stream.

use std::rc::Rc;
use std::sync::Arc;

use crate::host::Plan;
use crate::id::Side;
use crate::rng::{Purpose, Rng};
use crate::xmpp::config::By;
use crate::xmpp::idle::DecisionPlan;
use crate::xmpp::legacy::Legacy;
use crate::xmpp::party::{Party, PartyConfig, Role};

/// The configurations of one side's applications, one for each class and closer, shared by all streams that have both.
pub(super) struct Cast {
    side: Side,
    plan: Rc<Plan>,
    closers: usize,
    configs: Vec<Arc<PartyConfig>>,
    /// Whether stanzas wait for workers.
    waits: bool,
}

impl Cast {
    pub(super) fn new(side: Side, plan: &Rc<Plan>) -> Self {
        let scenario = plan.scenario();
        let closers = plan.closers();
        let service = scenario.server.as_ref().and_then(|server| server.service.as_ref());
        let waits = side == Side::Server && service.is_some();
        let configs = scenario.classes.iter().flat_map(|class| {
            closers.iter().map(move |closer| {
                let role = match (scenario.by, side) {
                    (By::Server | By::Both, Side::Server) | (By::Client, Side::Client) => Role::Closer(closer.profile),
                    (By::Both, Side::Client) => Role::ClosesToo(closer.profile),
                    (By::Server, Side::Client) | (By::Client, Side::Server) => Role::Responder(class.responder.clone()),
                };
                let source = match side {
                    Side::Client => class.traffic.client.clone(),
                    Side::Server => class.traffic.server.clone(),
                };
                let (kind, negotiation, management) = (scenario.kind, scenario.negotiation, scenario.stream_management);
                Arc::new(PartyConfig { side, kind, negotiation, role, source, management })
            })
        });
        Self { side, plan: Rc::clone(plan), closers: closers.len(), configs: configs.collect(), waits }
    }

    /// The application of the node's `local`-th stream.
    pub(super) fn party(&self, local: usize) -> Party {
        let (seed, entity) = (self.plan.seed(), self.plan.entity(local));
        let settled = self.plan.of(local);
        let config = &self.configs[usize::from(settled.class) * self.closers + usize::from(settled.closer)];
        let mut decision = Rng::new(seed, entity, Purpose::Decision);
        let when = self.plan.scenario().when.as_ref().or(self.plan.closer(local).when.as_ref());
        let mut plan = when.map_or(DecisionPlan::Never, |w| DecisionPlan::draw(w, &mut decision));
        if self.plan.scenario().by == By::Both {
            plan = plan.simultaneous(settled.opens);
        }
        let traffic = match self.side {
            Side::Client => Purpose::ClientTraffic,
            Side::Server => Purpose::ServerTraffic,
        };
        let (traffic, behaviour) = (Rng::new(seed, entity, traffic), Rng::new(seed, entity, Purpose::Behaviour));
        let party = Party::new(Arc::clone(config), plan, traffic, behaviour);
        if self.waits { party.with_inbox() } else { party }
    }

    /// The application of a stream whose peer comes back, with what the one before it left.
    pub(super) fn heir(&self, local: usize, legacy: Legacy) -> Party {
        let party = self.party(local);
        if self.plan.reconnect(local).is_some() { party.with_legacy(local, legacy) } else { party }
    }
}
