//! The fast engine: the same hosts under priority queues, without a wire between them.
//!
//! Streams that cannot disturb each other are run one after the other, each from its first SYN to the end of the run: all
//! that one stream needs stays in the processor's nearest memory, and what a node needs does not grow with its
//! streams. Where they do share something, the node's two hosts are run in the order of time. No packet then arrives
//! sooner after its departure than the fastest link's latency, so that within a window of that length neither host can
//! disturb the other: each handles all that is due to it in the window, and then the packets that came out change hands.
//!
//! Either way every event has its own exact time and its place among those of its stream, as under the reference engine.

use std::ops::Range;
use std::rc::Rc;

use crate::engine::duet::Duet;
use crate::engine::station::Station;
use crate::engine::{
    Engine, NodeRun, PROGRESS_STEP, Progress, RunError, Trace, Unwatched, Witness, end_of, lost_witness, refuse_faster,
};
use crate::host::{Company, Effects, Host, Plan};
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
        Ok(simulate(node, None, Trace::default(), progress)?.0)
    }

    fn trace(&self, node: &NodeRun<'_>, stream: StreamId) -> Result<(NodeLedger, Trace), RunError> {
        self.accepts(node.scenario)?;
        simulate(node, Some(stream), Trace::default(), &Unwatched)
    }

    fn witness(&self, node: &NodeRun<'_>, witness: Witness) -> Result<(NodeLedger, Witness), RunError> {
        self.accepts(node.scenario)?;
        let (ledger, trace) = simulate(node, None, Trace::witnessed(witness), &Unwatched)?;
        trace.into_witness().map(|witness| (ledger, witness)).ok_or_else(lost_witness)
    }
}

fn simulate(
    node: &NodeRun<'_>,
    traced: Option<StreamId>,
    mut trace: Trace,
    progress: &dyn Progress,
) -> Result<(NodeLedger, Trace), RunError> {
    let plan = Rc::new(Plan::new(node.scenario, node.contender, node.seed, node.node));
    if let Some(stream) = traced {
        trace = Trace::new(Some(plan.local_number(stream)));
    }
    let peer = |stream| plan.first_life(plan.local_number(stream));
    let peers = traced.map_or(0..plan.len(), |stream| peer(stream)..peer(stream) + 1);
    let book = match Company::of(&plan) {
        Some(company) if plan.scenario().reconnect.is_some() => {
            peer_by_peer(&plan, &company, peers, &mut trace, progress)?
        }
        Some(company) => one_by_one(&plan, company, peers, &mut trace, progress)?,
        None => together(&plan, &mut trace, progress)?,
    };
    let end = end_of(node.scenario);
    progress.reached(end)?;
    Ok((book.close(end)?, trace))
}

/// Each of some streams by itself.
fn one_by_one(
    plan: &Plan,
    mut company: Company,
    streams: Range<usize>,
    trace: &mut Trace,
    progress: &dyn Progress,
) -> Result<Book, RunError> {
    let end = end_of(plan.scenario());
    let mut book = Book::one_by_one(plan.node(), plan.len());
    let (mut packets, mut duet) = (Vec::new(), Duet::default());
    let mut share = Share { plan, progress, told: SimTime::ZERO };
    for local in streams {
        book.begin(local, plan.entry(local));
        let mut effects = Effects { packets: &mut packets, book: &mut book, trace };
        duet.play(company.pair(local), end, &mut effects);
        book.settle(end)?;
        share.done(local)?;
    }
    Ok(book)
}

/// Each of some peers by itself, with all its lives in the order of time.
fn peer_by_peer(
    plan: &Plan,
    company: &Company,
    peers: Range<usize>,
    trace: &mut Trace,
    progress: &dyn Progress,
) -> Result<Book, RunError> {
    let end = end_of(plan.scenario());
    let mut book = Book::one_by_one(plan.node(), plan.len());
    let mut packets = Vec::new();
    let mut share = Share { plan, progress, told: SimTime::ZERO };
    for peer in peers {
        book.begin(peer, plan.entry(peer));
        let mut stations = company.hosts(peer).map(Station::new);
        let mut effects = Effects { packets: &mut packets, book: &mut book, trace };
        while exchange(&mut stations, plan.scenario(), &mut effects).is_some() {}
        for station in stations {
            station.into_host().finish(end, &mut book);
        }
        book.settle(end)?;
        share.done(peer)?;
    }
    Ok(book)
}

/// Tells of peers that are done one after the other: their share stands for the share of the time.
struct Share<'a> {
    plan: &'a Plan,
    progress: &'a dyn Progress,
    told: SimTime,
}

impl Share<'_> {
    fn done(&mut self, peer: usize) -> Result<(), RunError> {
        let end = end_of(self.plan.scenario());
        let reached = SimTime::from_micros(end.as_micros() / self.plan.len() as u64 * peer as u64);
        if reached.since(self.told) >= PROGRESS_STEP {
            self.progress.reached(reached)?;
            self.told = reached;
        }
        Ok(())
    }
}

/// Both stations do all that is due in the next window, then their packets change hands. Says when the window began;
/// `None` if nothing is due before the end.
fn exchange(stations: &mut [Station; 2], scenario: &Scenario, effects: &mut Effects<'_>) -> Option<SimTime> {
    let end = end_of(scenario);
    let next = stations.iter().filter_map(Station::next).min().filter(|next| *next < end)?;
    let limit = (next + scenario.fastest_latency()).min(end);
    for here in 0..2 {
        stations[here].run_before(limit, effects);
        effects.packets.drain(..).for_each(|packet| stations[1 - here].hold(packet));
    }
    Some(next)
}

/// All streams in the order of time.
fn together(plan: &Rc<Plan>, trace: &mut Trace, progress: &dyn Progress) -> Result<Book, RunError> {
    let mut book = Book::new(plan.node(), plan.entries());
    let mut stations = [Station::new(Host::server(plan)), Station::new(Host::clients(plan, 0, 1))];
    let end = end_of(plan.scenario());
    let mut packets = Vec::new();
    let mut told = SimTime::ZERO;
    loop {
        let mut effects = Effects { packets: &mut packets, book: &mut book, trace };
        let Some(next) = exchange(&mut stations, plan.scenario(), &mut effects) else { break };
        if next.since(told) >= PROGRESS_STEP {
            progress.reached(next)?;
            told = next;
        }
        if let Some(imbalance) = book.imbalance() {
            return Err(imbalance.clone().into());
        }
    }
    for station in stations {
        station.into_host().finish(end, &mut book);
    }
    Ok(book)
}
