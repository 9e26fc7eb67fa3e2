//! Machines: applications on sockets on links, driven by packets and deadlines. The only place where XMPP meets TCP.
//!
//! A [`Host`] carries one side of many streams. An engine calls [`Host::handle_packet`] when a packet arrives and
//! [`Host::handle_deadline`] when a slot's deadline is due, in the order (time, stream, packets before deadlines,
//! packet number), takes the packets that come out and keeps them until they arrive. Nothing else moves a host.

mod custody;
mod endpoint;
mod plan;
mod tap;

use std::rc::Rc;

pub use plan::{Plan, StreamPlan};
pub use tap::Tap;

use crate::host::endpoint::{Endpoint, Visit};
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
    pub tap: Option<&'a mut Tap>,
}

/// One side of the streams of a node, or of every `stride`-th of them.
pub struct Host {
    side: Side,
    plan: Rc<Plan>,
    listener: Listener,
    endpoints: Vec<Endpoint>,
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
        let endpoints = (first..plan.len()).step_by(stride).map(|local| Endpoint::new(side, plan, local)).collect();
        let listener = Listener::new(plan.scenario().kernel.somaxconn);
        Self { side, plan: Rc::clone(plan), listener, endpoints, first, stride }
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
        let local = self.local(slot);
        let mut visit = Visit { now, local, side: self.side, plan: &self.plan, listener: &mut self.listener, effects };
        self.endpoints[slot].handle_packet(&mut visit, packet);
    }

    /// A slot's deadline is due.
    pub fn handle_deadline(&mut self, now: SimTime, slot: usize, effects: &mut Effects<'_>) {
        let local = self.local(slot);
        let mut visit = Visit { now, local, side: self.side, plan: &self.plan, listener: &mut self.listener, effects };
        self.endpoints[slot].handle_deadline(&mut visit);
    }

    /// The run is over: what is still held is written into the ledger.
    pub fn finish(&mut self, end: SimTime, book: &mut Book) {
        for slot in 0..self.endpoints.len() {
            let local = self.local(slot);
            self.endpoints[slot].finish(end, local, self.side, book);
        }
    }
}
