//! A small scenario and an engine that makes up ledgers, for the tests of this module and of `report`.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::engine::{Engine, NodeRun, Progress, RunError, Trace};
use crate::experiment::comparison::{Comparison, PointResult};
use crate::experiment::kept::{Nothing, Task};
use crate::experiment::{Group, NodeSink, Observer, Plan, Pooled, Sink, run};
use crate::id::StreamId;
use crate::ledger::fate::{Direction, Observed, Outcome, Place};
use crate::ledger::record::{LostStanza, NodeLedger, StreamRecord, Totals};
use crate::rng::{Purpose, Rng};
use crate::scenario::measure::Measure;
use crate::scenario::{Scenario, SweepPoint};
use crate::time::{Micros, SimTime};

/// A scenario of `peers` peers on `nodes` nodes for 10 s.
pub(crate) fn scenario(strategies: &[&str], peers: u32, nodes: u32) -> Scenario {
    let text = format!(
        r#"
        name = "made-up"
        duration = "10s"
        peers = {peers}
        nodes = {nodes}
        strategies = {strategies:?}
        closing = {{ by = "server", after = "1s" }}
        class = [{{ name = "all", link = "lan", responder = "compliant" }}]
        "#
    );
    Scenario::from_toml(&text).unwrap_or_else(|errors| panic!("{errors}"))
}

/// The scenario as the only sweep point.
pub(crate) fn point(scenario: Scenario) -> SweepPoint {
    SweepPoint { varied: Vec::new(), scenario }
}

/// An engine whose streams release after 40 ms and a bit; those of the second strategy release at once and lose a stanza
/// each fourth time. Every tenth peer never notices.
#[derive(Debug, Default)]
pub(crate) struct MadeUp {
    /// Streams of the first strategy lose a stanza without a place of death under this seed.
    pub unbalanced_seed: Option<u64>,
    /// The engine refuses this seed.
    pub refused_seed: Option<u64>,
    /// The engine breaks under this seed.
    pub broken_seed: Option<u64>,
    /// Nodes that were run.
    pub runs: AtomicU32,
}

impl MadeUp {
    fn break_under(&self, seed: u64) {
        assert!(self.broken_seed != Some(seed), "a segment of negative length");
    }
}

impl Engine for MadeUp {
    fn name(&self) -> &'static str {
        "made-up"
    }

    fn accepts(&self, _scenario: &Scenario) -> Result<(), RunError> {
        Ok(())
    }

    fn trace(&self, _node: &NodeRun<'_>, _stream: StreamId) -> Result<(NodeLedger, Trace), RunError> {
        Err(RunError::Failed("made-up streams have no life to trace".into()))
    }

    fn run(&self, run: &NodeRun<'_>, progress: &dyn Progress) -> Result<NodeLedger, RunError> {
        self.runs.fetch_add(1, Ordering::Relaxed);
        if self.refused_seed == Some(run.seed) {
            return Err(RunError::Failed("no tick is short enough".into()));
        }
        self.break_under(run.seed);
        progress.reached(SimTime::from_micros(5_000_000))?;
        let mut ledger = NodeLedger::default();
        for stream in (run.node.0..run.scenario.peers).step_by(run.scenario.nodes as usize) {
            one_stream(run, stream, &mut ledger);
        }
        if self.unbalanced_seed == Some(run.seed) && run.contender == 0 {
            ledger.streams[0].to_closer.lost += 1;
        }
        Ok(ledger)
    }
}

fn one_stream(run: &NodeRun<'_>, stream: u32, ledger: &mut NodeLedger) {
    let mut rng = Rng::new(run.seed, stream.into(), Purpose::Behaviour);
    let jitter = Micros::new(u64::from(rng.next_u32() % 2_000));
    let decision = SimTime::from_micros(1_000_000) + jitter * 1_000;
    let quick = run.contender > 0;
    let lost = u32::from(quick && rng.next_u32().is_multiple_of(4));
    let noticed = !rng.next_u32().is_multiple_of(10);
    let release = if quick { Micros::ZERO } else { Micros::from_millis(40) + jitter };
    let teardown = Micros::from_millis(80) + jitter;
    ledger.census.add(2, SimTime::ZERO, decision + teardown);
    ledger.streams.push(StreamRecord {
        stream: StreamId(stream),
        node: run.node,
        class: 0,
        closer: 0,
        outcome: if quick { Outcome::Closed } else { Outcome::Clean },
        decision: Some(decision),
        release: Observed::After(release),
        notice: if noticed { Observed::After(Micros::from_millis(20)) } else { Observed::Never },
        teardown: Observed::After(teardown),
        gone: Observed::After(teardown + Micros::from_secs(60)),
        socket_time: teardown,
        time_wait: Micros::ZERO,
        server_socket: Some((SimTime::ZERO, decision + teardown)),
        to_closer: Totals { sent: 5, delivered: 5 - lost, deferred: 0, lost },
        to_peer: Totals::default(),
        packets: 20,
        bytes: 2_000,
        retransmissions: 0,
        resets: lost,
        violations: 0,
        recovered: 0,
        duplicated: 0,
    });
    ledger.lost.extend((0..lost).map(|_| LostStanza {
        stream: StreamId(stream),
        direction: Direction::ToCloser,
        stanza: 4,
        sent: decision,
        size: 200,
        place: Place::Refused,
        at: decision + Micros::from_millis(20),
    }));
}

/// A plan of two threads without streams.
pub(crate) fn plan(points: Vec<SweepPoint>, seeds: Vec<u64>) -> Plan {
    Plan { points, seeds, until: None, reference: 0, metrics: Measure::all().collect(), jobs: 2, streams: false }
}

/// What comes of a made-up run under `seeds` seeds.
pub(crate) fn compared(strategies: &[&str], seeds: u64, peers: u32) -> Comparison {
    let points = vec![point(scenario(strategies, peers, 2.min(peers)))];
    run(&plan(points, (1..=seeds).collect()), &MadeUp::default(), &Nothing, &mut Nowhere, &Nobody)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// A sink that keeps nothing.
pub(crate) struct Nowhere;

impl NodeSink for Nowhere {
    type Error = Infallible;

    fn finished(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn group(&mut self, _: &Group<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn pooled(&mut self, _: &Pooled<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn compared(&mut self, _: &PointResult) -> Result<(), Infallible> {
        Ok(())
    }
}

/// An observer that looks away.
pub(crate) struct Nobody;

impl Observer for Nobody {
    fn planned(&self, _: u64, _: Micros) {}
    fn advanced(&self, _: u32, _: Micros, _: SimTime) {}
    fn node_done(&self, _: u32) {}
}
