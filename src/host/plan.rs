//! What is settled before a node's run begins: which streams, of which class, by which closer, opening when.
//!
//! A peer that comes back opens a further stream, a *life* of its own: stream number = peer + life * peers. Its class, link,
//! traffic and closer are the peer's; what it draws is its own, whatever the number of peers is. Its place in the node is
//! the peer's + life * peers of the node, so that places have the order of stream numbers.

use crate::host::schedule::Schedule;
use crate::id::{NodeId, Side, StreamId};
use crate::ledger::book::Entry;
use crate::net::addr;
use crate::net::packet::Packet;
use crate::rng::{Purpose, Rng};
use crate::scenario::reconnect::Reconnect;
use crate::scenario::{Class, Scenario, WeightedCloser};
use crate::time::SimTime;
use crate::xmpp::config::By;

/// A node's share of a scenario under one contender and one seed.
#[derive(Clone, Debug)]
pub struct Plan {
    scenario: Scenario,
    contender: usize,
    seed: u64,
    node: NodeId,
    streams: Vec<StreamPlan>,
    schedule: Schedule,
}

/// What is settled of one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamPlan {
    /// Index of its class.
    pub class: u16,
    /// Index of its closer.
    pub closer: u16,
    /// When the client connects.
    pub opens: SimTime,
}

impl Plan {
    /// Deals the streams of `node` out: stream i belongs to node i modulo the number of nodes. Class, closer and
    /// opening are drawn for each stream from generators of its own, so they do not depend on the other streams.
    pub fn new(scenario: &Scenario, contender: usize, seed: u64, node: NodeId) -> Self {
        let closers = &scenario.strategies[contender].closers;
        let streams = (node.0..scenario.peers)
            .step_by(scenario.nodes as usize)
            .map(|i| {
                let mut population = Rng::new(seed, i.into(), Purpose::Population);
                let class = weighted(&mut population, scenario.classes.iter().map(|c| c.weight));
                let opens = SimTime::ZERO + scenario.arrivals.draw_micros(&mut population);
                let mut mix = Rng::new(seed, i.into(), Purpose::Mix);
                let closer = weighted(&mut mix, closers.iter().map(|c| c.weight));
                StreamPlan { class, closer, opens }
            })
            .collect();
        let schedule = Schedule::new(scenario, seed);
        Self { scenario: scenario.clone(), contender, seed, node, streams, schedule }
    }

    /// Number of peers of the node.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether the node has no peer.
    pub fn is_empty(&self) -> bool {
        self.streams.is_empty()
    }

    /// The scenario.
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// When chaos strikes.
    pub(super) fn schedule(&self) -> &Schedule {
        &self.schedule
    }

    /// The node.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The number of the node's `local`-th stream.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "every stream has an address, of which there are fewer than 2^24"
    )]
    pub fn stream(&self, local: usize) -> StreamId {
        let first = self.first_life(local);
        let further = if first == local { 0 } else { self.life(local) as u32 * self.scenario.peers };
        StreamId(first as u32 * self.scenario.nodes + self.node.0 + further)
    }

    /// The place of a stream's peer among those of the node: that of the peer's first stream.
    #[inline]
    pub fn first_life(&self, local: usize) -> usize {
        if local < self.streams.len() { local } else { local % self.streams.len() }
    }

    /// Which life of its peer a stream is, from 0.
    pub fn life(&self, local: usize) -> usize {
        local / self.streams.len()
    }

    /// The place of the same peer's next life.
    pub fn next_life(&self, local: usize) -> usize {
        local + self.streams.len()
    }

    /// Whom a stream's random numbers are drawn for: its peer and the life, whatever the number of peers. Peers and lives
    /// are fewer than 2^24, so the upper half keeps room for the number of an entry of the chaos schedule.
    pub(super) fn entity(&self, local: usize) -> u64 {
        let life = self.life(local) as u64;
        self.peer(local) | (life & 0xff) << 24 | (life >> 8) << 48
    }

    /// The number of a stream's peer: that of the peer's first stream.
    pub(super) fn peer(&self, local: usize) -> u64 {
        self.stream(self.first_life(local)).0.into()
    }

    /// What is settled of a stream; of a further life it opens when the peer is ready.
    pub fn of(&self, local: usize) -> &StreamPlan {
        &self.streams[self.first_life(local)]
    }

    /// A stream's class.
    pub fn class(&self, local: usize) -> &Class {
        &self.scenario.classes[usize::from(self.of(local).class)]
    }

    /// How a stream's peer comes back, if it does.
    pub(super) fn reconnect(&self, local: usize) -> Option<&Reconnect> {
        let reconnect = self.scenario.reconnect.as_ref()?;
        reconnect.concerns(self.of(local).class.into()).then_some(reconnect)
    }

    /// The closers of the contender.
    pub fn closers(&self) -> &[WeightedCloser] {
        &self.scenario.strategies[self.contender].closers
    }

    /// A stream's place in the node: peers are dealt out in turn.
    pub fn local_number(&self, stream: StreamId) -> usize {
        let Scenario { peers, nodes, .. } = self.scenario;
        let (life, peer) = if stream.0 < peers { (0, stream.0) } else { (stream.0 / peers, stream.0 % peers) };
        (peer / nodes) as usize + life as usize * self.streams.len()
    }

    /// A stream's closer.
    pub fn closer(&self, local: usize) -> &WeightedCloser {
        &self.closers()[usize::from(self.of(local).closer)]
    }

    /// The side whose closing is measured.
    pub fn closer_side(&self) -> Side {
        match self.scenario.by {
            By::Server | By::Both => Side::Server,
            By::Client => Side::Client,
        }
    }

    /// The node's stream that a packet belongs to, if it is addressed to `side` of one.
    pub fn local_of(&self, packet: &Packet, side: Side) -> Option<usize> {
        let (client, server) = match side {
            Side::Server => (packet.source, packet.destination),
            Side::Client => (packet.destination, packet.source),
        };
        let stream = addr::stream_of(client)?.0;
        let Scenario { peers, nodes, .. } = self.scenario;
        let life = if stream < peers { 0 } else { stream / peers };
        let lives = self.scenario.reconnect.as_ref().map_or(0, |reconnect| reconnect.times);
        let ours = server == addr::server_ip(self.node) && (stream - life * peers) % nodes == self.node.0;
        (ours && life <= lives).then(|| self.local_number(StreamId(stream)))
    }

    /// The heads of the ledger's pages.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        (0..self.len()).map(|local| self.entry(local))
    }

    /// The head of one stream's page.
    pub fn entry(&self, local: usize) -> Entry {
        let StreamPlan { class, closer, .. } = *self.of(local);
        let (closer_side, server_side) = (self.closer_side(), self.scenario.server_side());
        Entry { stream: self.stream(local), class, closer, closer_side, server_side }
    }
}

/// Draws an index by weight: one draw whatever the weights.
#[expect(clippy::cast_possible_truncation, reason = "classes and closers are far fewer than 65,536")]
fn weighted(rng: &mut Rng, weights: impl Iterator<Item = f64> + Clone) -> u16 {
    let total: f64 = weights.clone().sum();
    let mut left = rng.unit() * total;
    let mut last = 0;
    for (i, weight) in weights.enumerate() {
        if weight > 0.0 {
            last = i;
        }
        if left < weight {
            return i as u16;
        }
        left -= weight;
    }
    last as u16
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::builtin;

    fn scenario(name: &str) -> Scenario {
        Scenario::from_toml(&builtin::by_name(name).expect("a built-in scenario").text).expect("a legal scenario")
    }

    #[test]
    fn streams_are_dealt_out_in_turn_and_found_again_by_address() {
        let mut scenario = scenario("misbehaving");
        (scenario.peers, scenario.nodes) = (11, 3);
        let mut all = Vec::new();
        for node in 0..3 {
            let plan = Plan::new(&scenario, 0, 1, NodeId(node));
            for local in 0..plan.len() {
                let (client, server) = (addr::client_ip(plan.stream(local)), addr::server_ip(NodeId(node)));
                let packet = |source, destination| Packet {
                    source,
                    destination,
                    departure: SimTime::ZERO,
                    arrival: SimTime::ZERO,
                    number: 0,
                    segment: crate::net::segment::Segment::default(),
                };
                assert_eq!(plan.local_of(&packet(client, server), Side::Server), Some(local));
                assert_eq!(plan.local_of(&packet(server, client), Side::Client), Some(local));
                assert_eq!(plan.local_of(&packet(server, client), Side::Server), None);
                all.push(plan.stream(local).0);
            }
        }
        all.sort_unstable();
        assert_eq!(all, (0..11).collect::<Vec<_>>());
    }

    #[test]
    fn a_stream_is_the_same_whatever_the_number_of_nodes_and_peers() {
        let mut few = scenario("misbehaving");
        (few.peers, few.nodes) = (20, 1);
        let mut many = few.clone();
        (many.peers, many.nodes) = (400, 2);
        let (few, many) = (Plan::new(&few, 0, 5, NodeId(0)), Plan::new(&many, 1, 5, NodeId(0)));
        for local in 0..10 {
            let (a, b) = (few.of(local * 2), many.of(local));
            assert_eq!((a.class, a.opens), (b.class, b.opens), "stream {}", local * 2);
        }
    }
}
