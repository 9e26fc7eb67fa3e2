//! What is settled before a node's run begins: which streams, of which class, by which closer, opening when.

use crate::host::schedule::Schedule;
use crate::id::{NodeId, Side, StreamId};
use crate::ledger::book::Entry;
use crate::net::addr;
use crate::net::packet::Packet;
use crate::rng::{Purpose, Rng};
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

    /// Number of streams of the node.
    pub fn len(&self) -> usize {
        self.streams.len()
    }

    /// Whether the node has no stream.
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
    #[expect(clippy::cast_possible_truncation, reason = "a stream's number is below `peers`, a u32")]
    pub fn stream(&self, local: usize) -> StreamId {
        StreamId(local as u32 * self.scenario.nodes + self.node.0)
    }

    /// What is settled of a stream.
    pub fn of(&self, local: usize) -> &StreamPlan {
        &self.streams[local]
    }

    /// A stream's class.
    pub fn class(&self, local: usize) -> &Class {
        &self.scenario.classes[usize::from(self.streams[local].class)]
    }

    /// The closers of the contender.
    pub fn closers(&self) -> &[WeightedCloser] {
        &self.scenario.strategies[self.contender].closers
    }

    /// A stream's place in the node: streams are dealt out in turn.
    pub fn local_number(&self, stream: StreamId) -> usize {
        (stream.0 / self.scenario.nodes) as usize
    }

    /// A stream's closer.
    pub fn closer(&self, local: usize) -> &WeightedCloser {
        &self.closers()[usize::from(self.streams[local].closer)]
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
        let ours = server == addr::server_ip(self.node) && stream % self.scenario.nodes == self.node.0;
        let local = self.local_number(StreamId(stream));
        (ours && local < self.streams.len()).then_some(local)
    }

    /// The heads of the ledger's pages.
    pub fn entries(&self) -> impl Iterator<Item = Entry> {
        (0..self.len()).map(|local| self.entry(local))
    }

    /// The head of one stream's page.
    pub fn entry(&self, local: usize) -> Entry {
        let StreamPlan { class, closer, .. } = self.streams[local];
        Entry { stream: self.stream(local), class, closer, closer_side: self.closer_side() }
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
