//! Machines: applications on sockets on links, driven by packets and deadlines. The only place where XMPP meets TCP.
//!
//! A [`Host`] carries one side of many streams. An engine calls [`Host::handle_packet`] when a packet arrives and
//! [`Host::handle_deadline`] when a slot's deadline is due, in the order (time, stream, packets before deadlines,
//! packet number), takes the packets that come out and keeps them until they arrive. Nothing else moves a host.

mod cast;
mod custody;
mod endpoint;
mod ordeal;
mod pair;
mod plan;
mod schedule;
mod strike;
mod tap;
mod visit;

use std::rc::Rc;

pub use pair::{Company, Pair};
pub use plan::{Plan, StreamPlan};
pub use tap::Trace;

use crate::host::cast::Cast;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::ledger::book::Book;
use crate::net::packet::Packet;
use crate::tcp::Listener;
use crate::time::SimTime;

/// What a host does to the world when it is driven.
pub struct Effects<'a> {
    /// Packets that links accepted, each with the instant of its arrival.
    pub packets: &'a mut Vec<Packet>,
    /// The ledger of the node.
    pub book: &'a mut Book,
    /// An observer of the stream that is being traced.
    pub trace: &'a mut Trace,
}

/// One side of the streams of a node, or of every `stride`-th of them.
pub struct Host {
    side: Side,
    plan: Rc<Plan>,
    listener: Listener,
    endpoints: Vec<Endpoint>,
    scratch: Vec<u8>,
    first: usize,
    stride: usize,
}

impl Host {
    /// The server of a node: all its streams.
    pub fn server(plan: &Rc<Plan>) -> Self {
        Self::new(Side::Server, plan, 0, 1)
    }

    /// The clients `first`, `first + stride`, … of a node's streams.
    pub fn clients(plan: &Rc<Plan>, first: usize, stride: usize) -> Self {
        Self::new(Side::Client, plan, first, stride)
    }

    fn new(side: Side, plan: &Rc<Plan>, first: usize, stride: usize) -> Self {
        let cast = Cast::new(side, plan);
        let endpoint = |local| Endpoint::new(side, plan, local, cast.party(local));
        let endpoints = (first..plan.len()).step_by(stride).map(endpoint).collect();
        let kernel = &plan.scenario().kernel;
        let listener = Listener::new(kernel, kernel.somaxconn);
        Self { side, plan: Rc::clone(plan), listener, endpoints, scratch: Vec::new(), first, stride }
    }

    /// How many slots (ends of streams) it carries.
    pub fn slots(&self) -> usize {
        self.endpoints.len()
    }

    /// The number in the node of the stream in a slot: orders what happens in the same microsecond.
    pub fn local(&self, slot: usize) -> usize {
        self.first + slot * self.stride
    }

    /// The slot a packet is for; `None` if its addresses are not of this host.
    pub fn slot_of(&self, packet: &Packet) -> Option<usize> {
        let local = self.plan.local_of(packet, self.side)?;
        let slot = local.checked_sub(self.first)? / self.stride;
        (slot < self.endpoints.len() && self.local(slot) == local).then_some(slot)
    }

    /// When the slot next wants to be called.
    pub fn next_deadline(&self, slot: usize) -> Option<SimTime> {
        self.endpoints[slot].next_deadline()
    }

    /// A packet arrives at a slot.
    pub fn handle_packet(&mut self, now: SimTime, slot: usize, packet: &Packet, effects: &mut Effects<'_>) {
        self.visit(now, slot, effects, |endpoint, visit| endpoint.handle_packet(visit, packet));
    }

    /// A slot's deadline is due.
    pub fn handle_deadline(&mut self, now: SimTime, slot: usize, effects: &mut Effects<'_>) {
        self.visit(now, slot, effects, Endpoint::handle_deadline);
    }

    fn visit<'b>(
        &mut self,
        now: SimTime,
        slot: usize,
        effects: &mut Effects<'b>,
        what: impl FnOnce(&mut Endpoint, &mut Visit<'_, 'b>),
    ) {
        let local = self.local(slot);
        let (plan, listener, scratch) = (&*self.plan, &mut self.listener, &mut self.scratch);
        let mut visit = Visit { now, local, side: self.side, plan, listener, scratch, effects };
        let endpoint = &mut self.endpoints[slot];
        what(endpoint, &mut visit);
        // Of the many endpoints nearly all are at rest at any time, and those shall hold no memory of what has passed.
        endpoint.rest();
    }

    /// The run is over: what is still held is written into the ledger.
    pub fn finish(&mut self, end: SimTime, book: &mut Book) {
        for slot in 0..self.endpoints.len() {
            let local = self.local(slot);
            self.endpoints[slot].finish(end, local, self.side, book);
        }
    }
}
