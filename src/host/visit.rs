//! What an endpoint is driven with: the instant, its place in the node, and where effects go.

use crate::host::desk::Desk;
use crate::host::ports::Ports;
use crate::host::{Effects, Plan};
use crate::id::{Side, StreamId};
use crate::net::addr;
use crate::net::firewall::Gate;
use crate::net::link::DirectionConfig;
use crate::net::packet::Packet;
use crate::net::segment::Segment;
use crate::tcp::{Cx, Listener};
use crate::time::SimTime;

/// One call of an endpoint.
pub(super) struct Visit<'a, 'b> {
    pub(super) now: SimTime,
    /// Number of the stream in the node.
    pub(super) local: usize,
    pub(super) side: Side,
    pub(super) plan: &'a Plan,
    pub(super) listener: &'a mut Listener,
    /// What streams share beside the kernel, if they do.
    pub(super) desk: Option<&'a mut Desk>,
    /// The ephemeral ports of clients that are one machine, where they are counted.
    pub(super) ports: Option<&'a mut Ports>,
    /// The firewall between the link and the server, if there is one.
    pub(super) gate: Option<&'a mut Gate>,
    /// A buffer for reads, so that endpoints need none of their own.
    pub(super) scratch: &'a mut Vec<u8>,
    pub(super) effects: &'a mut Effects<'b>,
}

impl<'a> Visit<'a, '_> {
    pub(super) fn cx(&self) -> Cx<'a> {
        Cx { now: self.now, kernel: &self.plan.scenario().kernel }
    }

    pub(super) fn stream(&self) -> StreamId {
        self.plan.stream(self.local)
    }

    /// The line from this side to the other.
    pub(super) fn line(&self) -> &'a DirectionConfig {
        let link = &self.plan.class(self.local).link;
        match self.side {
            Side::Client => &link.up,
            Side::Server => &link.down,
        }
    }

    /// Hands a packet to the engine.
    pub(super) fn ship(&mut self, arrival: SimTime, number: u32, segment: Segment) {
        let packet = self.packet(arrival, number, segment);
        self.effects.packets.push(packet);
    }

    /// The segment with addresses round it.
    pub(super) fn packet(&self, arrival: SimTime, number: u32, segment: Segment) -> Packet {
        let (client, server) = (addr::client_ip(self.stream()), addr::server_ip(self.plan.node()));
        let (source, destination) = match self.side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        Packet { source, destination, departure: self.now, arrival, number, segment }
    }
}
