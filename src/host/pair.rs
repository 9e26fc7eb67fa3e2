//! Both ends of one stream by themselves, or of all streams of one peer, for an engine that takes them one after the other.

use std::rc::Rc;

use crate::host::cast::Cast;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::host::{Effects, Host, Plan};
use crate::id::Side;
use crate::net::packet::Packet;
use crate::tcp::Listener;
use crate::time::SimTime;

/// What the pairs of a node have in common.
pub struct Company {
    plan: Rc<Plan>,
    /// By [`Side::index`].
    casts: [Rc<Cast>; 2],
    listener: Listener,
    scratch: Vec<u8>,
}

impl Company {
    /// The company of a node; `None` if its streams depend on each other, so that they must share their time.
    pub fn of(plan: &Rc<Plan>) -> Option<Self> {
        let scenario = plan.scenario();
        let listener = Listener::new(&scenario.kernel, scenario.kernel.somaxconn);
        let casts = Side::BOTH.map(|side| Rc::new(Cast::new(side, plan)));
        (!scenario.streams_meet()).then(|| Self { plan: Rc::clone(plan), casts, listener, scratch: Vec::new() })
    }

    /// The two hosts of the node's `peer`-th peer alone, for all its lives: by [`Side::index`].
    pub fn hosts(&self, peer: usize) -> [Host; 2] {
        Side::BOTH.map(|side| Host::with_cast(side, &self.plan, &self.casts[side.index()], peer, self.plan.len()))
    }

    /// Both ends of the node's `local`-th stream before it opens.
    pub fn pair(&mut self, local: usize) -> Pair<'_> {
        let ends = Side::BOTH.map(|side| {
            let party = self.casts[side.index()].party(local);
            Endpoint::new(side, &self.plan, local, party)
        });
        Pair { company: self, local, ends }
    }
}

/// Both ends of one stream.
pub struct Pair<'a> {
    company: &'a mut Company,
    local: usize,
    /// By [`Side::index`].
    ends: [Endpoint; 2],
}

impl Pair<'_> {
    /// When a side next wants to be called.
    pub fn next_deadline(&self, side: Side) -> Option<SimTime> {
        self.ends[side.index()].next_deadline()
    }

    /// A packet arrives at a side.
    pub fn handle_packet(&mut self, now: SimTime, side: Side, packet: &Packet, effects: &mut Effects<'_>) {
        self.visit(now, side, effects, |endpoint, visit| endpoint.handle_packet(visit, packet));
    }

    /// A side's deadline is due.
    pub fn handle_deadline(&mut self, now: SimTime, side: Side, effects: &mut Effects<'_>) {
        self.visit(now, side, effects, Endpoint::handle_deadline);
    }

    fn visit<'b>(
        &mut self,
        now: SimTime,
        side: Side,
        effects: &mut Effects<'b>,
        what: impl FnOnce(&mut Endpoint, &mut Visit<'_, 'b>),
    ) {
        let Company { plan, listener, scratch, .. } = &mut *self.company;
        let mut visit = Visit {
            now,
            local: self.local,
            side,
            plan,
            listener,
            desk: None,
            ports: None,
            gate: None,
            scratch,
            effects,
        };
        what(&mut self.ends[side.index()], &mut visit);
    }

    /// The run is over: what is still held is written into the ledger.
    pub fn finish(mut self, end: SimTime, effects: &mut Effects<'_>) {
        for side in Side::BOTH {
            self.ends[side.index()].finish(end, self.local, side, effects.book);
        }
    }
}
