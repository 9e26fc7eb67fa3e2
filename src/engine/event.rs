//! The fast engine: the same hosts under priority queues, without a wire between them.
//!
//! No packet arrives sooner after its departure than the fastest link's latency. So within a window of that length
//! neither host can disturb the other: each handles all that is due to it in the window, and then the packets that came
//! out change hands. Every event has its own exact time, as under the reference engine.

use std::rc::Rc;

use crate::engine::station::Station;
use crate::engine::{Engine, NodeRun, PROGRESS_STEP, Progress, RunError, Trace, Unwatched, end_of, refuse_faster};
use crate::host::{Effects, Host, Plan};
use crate::id::StreamId;
use crate::ledger::book::Book;
use crate::ledger::record::NodeLedger;
use crate::scenario::Scenario;
use crate::time::{Micros, SimTime};

/// The engine that runs hosts under priority queues.
#[derive(Clone, Copy, Debug, Default)]
pub struct Event;

impl Engine for Event {
    fn name(&self) -> &'static str {
        "event"
    }

    fn accepts(&self, scenario: &Scenario) -> Result<(), RunError> {
        refuse_faster(scenario, self.name(), Micros::new(1))
    }

    fn run(&self, node: &NodeRun<'_>, progress: &dyn Progress) -> Result<NodeLedger, RunError> {
        self.accepts(node.scenario)?;
        Ok(simulate(node, None, progress)?.0)
    }

    fn trace(&self, node: &NodeRun<'_>, stream: StreamId) -> Result<(NodeLedger, Trace), RunError> {
        self.accepts(node.scenario)?;
        simulate(node, Some(stream), &Unwatched)
    }
}

fn simulate(
    node: &NodeRun<'_>,
    traced: Option<StreamId>,
    progress: &dyn Progress,
) -> Result<(NodeLedger, Trace), RunError> {
    let plan = Rc::new(Plan::new(node.scenario, node.contender, node.seed, node.node));
    let mut book = Book::new(node.node, plan.entries());
    let mut trace = Trace::new(traced.map(|s| plan.local_number(s)));
    let mut stations = [Station::new(Host::server(&plan)), Station::new(Host::clients(&plan, 0, 1))];
    let (end, window) = (end_of(node.scenario), node.scenario.fastest_latency());
    let mut packets = Vec::new();
    let mut told = SimTime::ZERO;
    while let Some(next) = stations.iter().filter_map(Station::next).min().filter(|n| *n < end) {
        let limit = (next + window).min(end);
        for here in 0..2 {
            let mut effects = Effects { packets: &mut packets, book: &mut book, trace: &mut trace };
            stations[here].run_before(limit, &mut effects);
            packets.drain(..).for_each(|packet| stations[1 - here].hold(packet));
        }
        if next.since(told) >= PROGRESS_STEP {
            progress.reached(next);
            told = next;
        }
        if let Some(imbalance) = book.imbalance() {
            return Err(imbalance.clone().into());
        }
    }
    progress.reached(end);
    for station in stations {
        station.into_host().finish(end, &mut book);
    }
    Ok((book.close(end)?, trace))
}
