//! An endpoint of the server and what it shares with others: workers, the queue before them, and `accept()`.

use crate::dist::Distribution;
use crate::host::Plan;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::rng::{Purpose, Rng};

/// One stream's stanzas at the workers. Each takes a time of its own, which is the same under every strategy.
#[derive(Debug)]
pub(super) struct Service {
    rng: Rng,
    /// Stanzas that workers are through with and the application has not taken back.
    done: u32,
}

impl Service {
    pub(super) fn of(side: Side, plan: &Plan, local: usize) -> Option<Box<Self>> {
        if side != Side::Server {
            return None;
        }
        plan.scenario().server.as_ref()?.service.as_ref()?;
        Some(Box::new(Self { rng: Rng::new(plan.seed(), plan.entity(local), Purpose::Service), done: 0 }))
    }

    fn time(&mut self, of: &Distribution) -> crate::time::Micros {
        of.draw_micros(&mut self.rng)
    }
}

impl Endpoint {
    /// The desk has called: a worker is through with a stanza, there is room in the queue, or a connection may be accepted.
    pub(super) fn handle_desk(&mut self, visit: &mut Visit<'_, '_>) {
        let (local, now) = (visit.local, visit.now);
        let Some(desk) = &mut visit.desk else { return };
        if desk.next_deadline(local).is_none_or(|due| due > now) {
            return;
        }
        let account = visit.effects.book.account();
        while desk.finish(local, now, account) {
            if let Some(service) = &mut self.service {
                service.done += 1;
            }
        }
        let poked = desk.take_poke(local);
        if self.on && !self.is_frozen() {
            self.settle(visit);
        } else {
            // Whose machine stands still does not accept; when it goes on, the connection takes its place again.
            desk.gone_from_lobby(local, now);
        }
        if let (true, Some(desk)) = (poked, &mut visit.desk) {
            desk.has_read(now);
        }
    }

    /// The application takes back what a worker is through with: whether there was anything.
    pub(super) fn hear_served(&mut self, visit: &mut Visit<'_, '_>) -> bool {
        let Some(service) = self.service.as_mut().filter(|service| service.done > 0) else { return false };
        service.done -= 1;
        self.party.handle_served(visit.now);
        self.report(visit);
        true
    }

    /// Queues the stanzas that were just read.
    pub(super) fn ask_for_service(&mut self, visit: &mut Visit<'_, '_>) {
        let (Some(service), Some(desk)) = (&mut self.service, &mut visit.desk) else { return };
        let Some(time) = visit.plan.scenario().server.as_ref().and_then(|server| server.service.as_ref()) else {
            return;
        };
        for _ in 0..self.party.take_arrivals() {
            desk.arrive(visit.local, visit.now, service.time(time), visit.effects.book.account());
        }
    }
}

impl Visit<'_, '_> {
    fn reckons(&self) -> bool {
        let scenario = self.plan.scenario();
        scenario.server.is_some() && self.side == scenario.server_side()
    }

    /// Whether the server's application accepts the connection now; a client's is its own at once.
    pub(super) fn accepts(&mut self) -> bool {
        if let Some(desk) = &mut self.desk {
            if !desk.accepts(self.local, self.now) {
                return false;
            }
            self.listener.accept();
        }
        if self.reckons() {
            self.effects.book.account().takes(self.local, self.now);
        }
        true
    }

    /// The application no longer owns a socket.
    pub(super) fn frees(&mut self) {
        if !self.reckons() {
            return;
        }
        let account = self.effects.book.account();
        account.lets_go(self.local, self.now);
        if let Some(desk) = &mut self.desk {
            desk.frees(self.now);
            desk.leaves(self.local, self.now, account);
        }
    }

    /// Whether the queue has room for what there is to read.
    pub(super) fn lets_read(&mut self) -> bool {
        self.desk.as_mut().is_none_or(|desk| desk.lets_read(self.local))
    }

    /// A request is gone, or the connection that it had become before anyone accepted it.
    pub(super) fn request_gone(&mut self) {
        if self.desk.as_mut().is_some_and(|desk| desk.gone_from_lobby(self.local, self.now)) {
            self.listener.accept();
        } else {
            self.listener.on_request_gone();
        }
    }

    /// A connection was asked for and not granted.
    pub(super) fn refuses(&mut self) {
        if self.reckons() {
            self.effects.book.account().refuses(self.now);
        }
    }
}
