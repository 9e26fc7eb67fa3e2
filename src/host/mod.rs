//! Machines: applications on sockets on links, driven by packets and deadlines. The only place where XMPP meets TCP.
//!
//! A [`Host`] carries one side of many streams. An engine calls [`Host::handle_packet`] when a packet arrives and
//! [`Host::handle_deadline`] when a slot's deadline is due, in the order (time, stream, packets before deadlines,
//! packet number), takes the packets that come out and keeps them until they arrive. Nothing else moves a host.

mod application;
mod cast;
mod comeback;
mod custody;
mod desk;
mod endpoint;
mod ordeal;
mod pair;
mod plan;
mod ports;
mod proxy;
mod schedule;
mod service;
mod standstill;
mod strike;
mod tap;
mod visit;
mod witness;

use std::rc::Rc;

pub use pair::{Company, Pair};
pub use plan::{Plan, StreamPlan};
pub use tap::Trace;
pub use witness::{Seen, Witness};

use crate::host::cast::Cast;
use crate::host::comeback::Departure;
use crate::host::desk::Desk;
use crate::host::endpoint::Endpoint;
use crate::host::ports::Ports;
use crate::host::standstill::Standstill;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::ledger::book::Book;
use crate::net::firewall::Gate;
use crate::net::packet::Packet;
use crate::scenario::Class;
use crate::tcp::Listener;
use crate::time::SimTime;
use crate::xmpp::legacy::Legacy;

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
    /// What the streams of a server share beside the kernel, if they do.
    desk: Option<Desk>,
    /// The ports of clients that are one machine, if that is reckoned.
    ports: Option<Ports>,
    /// The firewalls before a server, by class.
    gates: Vec<Option<Gate>>,
    cast: Rc<Cast>,
    /// The first streams of its peers.
    endpoints: Vec<Endpoint>,
    /// Further lives by slot, those of all its peers in turn: they begin as the peers come back.
    further: Vec<Option<Box<Endpoint>>>,
    /// The slot of a life that has just begun here.
    begun: Option<usize>,
    /// The slots of lives that another one of the same peer has just given something, or taken it from.
    changed: Vec<usize>,
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
        Self::with_cast(side, plan, &Rc::new(Cast::new(side, plan)), first, stride)
    }

    fn with_cast(side: Side, plan: &Rc<Plan>, cast: &Rc<Cast>, first: usize, stride: usize) -> Self {
        let endpoint = |local| Endpoint::new(side, plan, local, cast.heir(local, Legacy::default()));
        let endpoints = (first..plan.len()).step_by(stride).map(endpoint).collect();
        let (kernel, server) = (&plan.scenario().kernel, plan.scenario().server.as_ref());
        let backlog = server.and_then(|server| server.backlog).unwrap_or(kernel.somaxconn);
        let gate = |class: &Class| class.link.firewall.map(Gate::new);
        let gates = if side == Side::Server { plan.scenario().classes.iter().map(gate).collect() } else { Vec::new() };
        let desk = server.filter(|server| side == Side::Server && server.has_desk());
        let desk = desk.map(|server| Desk::new(server, Standstill::of(plan)));
        let outgoing = server.and_then(|server| server.outgoing.as_ref()).filter(|_| side == Side::Client);
        Self {
            side,
            plan: Rc::clone(plan),
            listener: Listener::new(kernel, backlog),
            desk,
            ports: outgoing.map(|outgoing| Ports::new(outgoing, plan.len())),
            gates,
            cast: Rc::clone(cast),
            endpoints,
            further: Vec::new(),
            begun: None,
            changed: Vec::new(),
            scratch: Vec::new(),
            first,
            stride,
        }
    }

    /// How many slots (ends of streams) it carries before any peer has come back.
    pub fn slots(&self) -> usize {
        self.endpoints.len()
    }

    /// The number in the node of the stream in a slot: orders what happens in the same microsecond.
    pub fn local(&self, slot: usize) -> usize {
        let peers = self.endpoints.len();
        if slot < peers {
            return self.first + slot * self.stride;
        }
        self.first + slot % peers * self.stride + slot / peers * self.plan.len()
    }

    /// The slot a packet is for; `None` if its addresses are not of this host.
    pub fn slot_of(&self, packet: &Packet) -> Option<usize> {
        let local = self.plan.local_of(packet, self.side)?;
        let peer = self.plan.first_life(local);
        let slot = peer.checked_sub(self.first)? / self.stride + self.plan.life(local) * self.endpoints.len();
        let known = slot < self.endpoints.len() || self.side == Side::Server || self.endpoint(slot).is_some();
        (known && self.local(slot) == local).then_some(slot)
    }

    fn endpoint(&self, slot: usize) -> Option<&Endpoint> {
        match self.endpoints.get(slot) {
            None => self.further.get(slot - self.endpoints.len())?.as_deref(),
            first => first,
        }
    }

    fn endpoint_mut(&mut self, slot: usize) -> Option<&mut Endpoint> {
        let peers = self.endpoints.len();
        match self.endpoints.get_mut(slot) {
            None => self.further.get_mut(slot - peers)?.as_deref_mut(),
            first => first,
        }
    }

    /// When the slot next wants to be called.
    pub fn next_deadline(&self, slot: usize) -> Option<SimTime> {
        let own = self.endpoint(slot)?.next_deadline();
        match &self.desk {
            None => own,
            Some(desk) => [own, desk.next_deadline(self.local(slot))].into_iter().flatten().min(),
        }
    }

    /// Slots that want to be called at another instant than they said, because of what has happened at others. Only a server
    /// has any, and there slots are numbered as streams are.
    pub fn take_woken(&mut self) -> Vec<usize> {
        let mut woken = self.desk.as_mut().map(Desk::take_woken).unwrap_or_default();
        woken.append(&mut self.changed);
        woken
    }

    /// The slot of a life that has begun since the last call: an engine has not heard of it yet.
    pub fn take_begun(&mut self) -> Option<usize> {
        self.begun.take()
    }

    /// A packet arrives at a slot. At a server it may be the first of a peer that has come back.
    pub fn handle_packet(&mut self, now: SimTime, slot: usize, packet: &Packet, effects: &mut Effects<'_>) {
        if slot >= self.endpoints.len() && self.endpoint(slot).is_none() {
            self.begin(now, slot, None, effects);
        }
        self.visit(now, slot, effects, |endpoint, visit| endpoint.handle_packet(visit, packet));
    }

    /// A slot's deadline is due.
    pub fn handle_deadline(&mut self, now: SimTime, slot: usize, effects: &mut Effects<'_>) {
        if self.desk.is_some() {
            self.visit(now, slot, effects, Endpoint::handle_desk);
        }
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
        let (desk, ports) = (self.desk.as_mut(), self.ports.as_mut());
        let gate = self.gates.get_mut(usize::from(plan.of(local).class)).and_then(Option::as_mut);
        let mut visit = Visit { now, local, side: self.side, plan, listener, desk, ports, gate, scratch, effects };
        let peers = self.endpoints.len();
        let endpoint = match self.endpoints.get_mut(slot) {
            None => self.further.get_mut(slot - peers).and_then(|further| further.as_deref_mut()),
            first => first,
        };
        let Some(endpoint) = endpoint else { return };
        what(endpoint, &mut visit);
        // Of the many endpoints nearly all are at rest at any time, and those shall hold no memory of what has passed.
        endpoint.rest();
        let (claims, leaves) = (endpoint.party.claims_session(), endpoint.has_let_go() && endpoint.party.holds_back());
        if let Some(departure) = endpoint.take_departure() {
            self.begin(now, slot + peers, Some(&departure), effects);
        }
        if claims {
            self.hand_over(now, slot, effects);
        } else if leaves && self.side == Side::Server {
            self.pass_on(now, slot, effects);
        }
    }

    /// The session of a peer goes over from an earlier life, whose stream may still be up, to the one in `slot`.
    fn hand_over<'b>(&mut self, now: SimTime, slot: usize, effects: &mut Effects<'b>) {
        let mut legacy = Legacy::default();
        for earlier in self.lives_before(slot) {
            let Some(endpoint) = self.endpoint_mut(earlier) else { continue };
            if endpoint.can_be_replaced() {
                self.visit(now, earlier, effects, Endpoint::is_replaced);
                self.changed.push(earlier);
            }
            let left = self.endpoint_mut(earlier).filter(|endpoint| endpoint.has_let_go());
            let mut left = left.map(|endpoint| endpoint.party.take_legacy()).unwrap_or_default();
            left.add(legacy);
            legacy = left;
            if legacy.session.is_some() {
                break;
            }
        }
        self.visit(now, slot, effects, |endpoint, visit: &mut Visit<'_, 'b>| endpoint.inherits(visit, legacy));
    }

    /// What a stream held back goes to the peer's next one, which began before this one was let go.
    fn pass_on<'b>(&mut self, now: SimTime, slot: usize, effects: &mut Effects<'b>) {
        let next = slot + self.endpoints.len();
        if self.endpoint(next).is_none() {
            return;
        }
        let Some(endpoint) = self.endpoint_mut(slot) else { return };
        let waiting = endpoint.party.take_waiting();
        self.visit(now, next, effects, |endpoint, visit: &mut Visit<'_, 'b>| endpoint.gets(visit, waiting));
        self.changed.push(next);
    }

    /// The slots of a peer's earlier lives, the last one first.
    fn lives_before(&self, slot: usize) -> impl Iterator<Item = usize> + use<> {
        let peers = self.endpoints.len();
        (0..slot / peers).rev().map(move |life| slot % peers + life * peers)
    }

    /// A life of a peer begins: at its client when that departs from the life before, at its server with the first packet.
    fn begin(&mut self, now: SimTime, slot: usize, after: Option<&Departure>, effects: &mut Effects<'_>) {
        let (local, peers) = (self.local(slot), self.endpoints.len());
        let mut legacy = self.take_legacy(slot);
        if let Some(departure) = after {
            legacy.since = Some(departure.since);
            effects.book.begin_life(local, self.plan.entry(local));
        }
        let mut party = self.cast.heir(local, legacy);
        let mut earlier = self.lives_before(slot);
        if self.side == Side::Server && earlier.any(|slot| self.endpoint(slot).is_some_and(|e| !e.has_let_go())) {
            party.with_rival();
        }
        let endpoint = Endpoint::reborn(self.side, &self.plan, local, party, now, after);
        let place = slot - peers;
        if self.further.len() <= place {
            self.further.resize_with(place + 1, || None);
        }
        self.further[place] = Some(Box::new(endpoint));
        self.begun = Some(slot);
    }

    /// What the peer's last life before the one in `slot` has left here: at a server some may never have got through.
    fn take_legacy(&mut self, slot: usize) -> Legacy {
        for earlier in self.lives_before(slot) {
            if let Some(endpoint) = self.endpoint_mut(earlier) {
                return endpoint.party.take_legacy();
            }
        }
        Legacy::default()
    }

    /// The run is over: what is still held is written into the ledger.
    pub fn finish(&mut self, end: SimTime, book: &mut Book) {
        for slot in 0..self.endpoints.len() + self.further.len() {
            let (local, side) = (self.local(slot), self.side);
            if let Some(endpoint) = self.endpoint_mut(slot) {
                endpoint.finish(end, local, side, book);
            }
        }
    }
}
