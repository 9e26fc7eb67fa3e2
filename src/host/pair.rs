//! Both ends of one stream by themselves, for an engine that takes streams one after the other.

use std::rc::Rc;

use crate::host::cast::Cast;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::host::{Effects, Plan};
use crate::id::Side;
use crate::net::packet::Packet;
use crate::tcp::Listener;
use crate::time::SimTime;

/// What the pairs of a node have in common.
pub struct Company {
    plan: Rc<Plan>,
    /// By [`Side::index`].
    casts: [Cast; 2],
    listener: Listener,
    scratch: Vec<u8>,
}

impl Company {
    /// The company of a node; `None` if its streams depend on each other, so that they must share their time.
    ///
    /// Streams meet in the listening socket only. It refuses a connection because of others if it counts half-open
    /// requests, which it does only without SYN cookies: applications accept in the instant of the handshake's end.
    pub fn of(plan: &Rc<Plan>) -> Option<Self> {
        let kernel = &plan.scenario().kernel;
        let listener = Listener::new(kernel, kernel.somaxconn);
        let casts = Side::BOTH.map(|side| Cast::new(side, plan));
        kernel.tcp_syncookies.then(|| Self { plan: Rc::clone(plan), casts, listener, scratch: Vec::new() })
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
        let mut visit = Visit { now, local: self.local, side, plan, listener, scratch, effects };
        what(&mut self.ends[side.index()], &mut visit);
    }

    /// The run is over: what is still held is written into the ledger.
    pub fn finish(mut self, end: SimTime, effects: &mut Effects<'_>) {
        for side in Side::BOTH {
            self.ends[side.index()].finish(end, self.local, side, effects.book);
        }
    }
}
