//! Cells (sweep point, seed, strategy, node), run in parallel and handed on in order.
//!
//! Nodes run on a pool of threads, in whatever order they finish; what they leave is folded in the order of
//! sweep point, seed, strategy and node. So results do not depend on the number of threads, and the first error in
//! that order is the one that is reported. No more than a few nodes are ahead of the fold at any time: what is held in
//! memory is the seed being folded, not the run.

pub mod balance;
pub mod capacity;
pub mod cell;
pub mod comparison;
pub mod count;
pub mod decimal;
pub mod estimate;
pub mod kept;
pub mod planning;
pub mod returns;
pub mod rows;
pub mod search;
pub mod shard;
pub mod statistics;
pub mod tune;
pub mod until;

mod measured;
mod pool;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::engine::{Engine, NodeRun, Progress, RunError};
use crate::id::NodeId;
use crate::ledger::metric::{Metric, Ranked};
use crate::scenario::measure::Measure;
use crate::scenario::study::Precision;
use crate::scenario::{Scenario, SweepPoint};
use crate::time::{Micros, SimTime};

use self::balance::Imbalance;
use self::cell::{Cell, Part, SeedResult};
use self::comparison::{Comparison, ContenderResult, PointResult};
use self::kept::{Finished, Kept, Task};
use self::pool::Taker;
use self::statistics::Interval;

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The sweep points, in order; one without varied keys where nothing is swept. All have the same strategies.
    pub points: Vec<SweepPoint>,
    /// The seeds, in order; all there may be where `until` says when to stop.
    pub seeds: Vec<u64>,
    /// Stop adding seeds at a sweep point when every strategy is this precise.
    pub until: Option<Precision>,
    /// The strategy to which the others are compared, by its place among them.
    pub reference: usize,
    /// The rows of comparison.csv, in order.
    pub metrics: Vec<Measure>,
    /// Threads, at least one.
    pub jobs: usize,
    /// Whether to keep every stream's record for [`Sink::group`].
    pub streams: bool,
}

/// Every strategy under one seed at one sweep point: what paired comparisons are made of.
#[derive(Debug)]
pub struct Group<'a> {
    /// The sweep point.
    pub point: &'a SweepPoint,
    /// The engine's name.
    pub engine: &'static str,
    /// One cell a strategy, in the scenario's order.
    pub cells: Vec<Cell>,
}

/// All seeds of a sweep point together.
#[derive(Debug)]
pub struct Pooled<'a> {
    /// The sweep point.
    pub point: &'a SweepPoint,
    /// One array a strategy, in the scenario's order; one sample a metric, by [`Metric::index`].
    pub samples: Vec<[Ranked; 4]>,
}

/// Who keeps what remains of single nodes.
pub trait NodeSink {
    /// What may go wrong with keeping them.
    type Error;

    /// A node was computed: at once, out of order. `bytes` is all that remains of it, in the form that
    /// [`Kept::find`] gives back.
    ///
    /// # Errors
    /// Where it cannot be kept: the run stops.
    fn finished(&mut self, task: Task, bytes: &[u8]) -> Result<(), Self::Error>;

    /// A node's turn has come, whether it was computed now or found.
    ///
    /// # Errors
    /// Where it cannot be kept: the run stops.
    fn node(&mut self, task: Task, bytes: &[u8]) -> Result<(), Self::Error>;
}

/// Who takes the results as they come, in order.
pub trait Sink: NodeSink {
    /// A seed of a sweep point is complete.
    ///
    /// # Errors
    /// Where the results cannot be kept: the run stops.
    fn group(&mut self, group: &Group<'_>) -> Result<(), Self::Error>;

    /// All seeds of a sweep point are complete.
    ///
    /// # Errors
    /// Where the results cannot be kept: the run stops.
    fn pooled(&mut self, pooled: &Pooled<'_>) -> Result<(), Self::Error>;

    /// What comes of all seeds of a sweep point, after [`Sink::pooled`].
    ///
    /// # Errors
    /// Where the results cannot be kept: the run stops.
    fn compared(&mut self, point: &PointResult) -> Result<(), Self::Error>;
}

/// Who is told how far the run has come.
pub trait Observer: Sync {
    /// Before the first node: how many cells there are, and how much simulated time of how many peers
    /// (the sum over nodes of peers times duration). Again where a study goes on with more seeds: so many more.
    fn planned(&self, cells: u64, peer_time: Micros);

    /// A node with `peers` peers has advanced by `by`, to `now`.
    fn advanced(&self, peers: u32, by: Micros, now: SimTime);

    /// A node with `peers` peers has come to its end.
    fn node_done(&self, peers: u32);

    /// Whether nobody waits for the rest any more. Asked often, from every thread: the run then ends soon.
    fn interrupted(&self) -> bool {
        false
    }

    /// A cell was folded.
    fn cell_done(&self) {}

    /// What is known so far at the sweep point that is being folded, of the strategy of which least is known.
    fn narrowed(&self, measure: Measure, strategy: &str, interval: Interval) {
        let _: (Measure, &str, Interval) = (measure, strategy, interval);
    }
}

/// Why a run stopped.
#[derive(Debug, thiserror::Error)]
pub enum ExperimentError<E> {
    /// A node failed.
    #[error("{place}: {cause}")]
    Node {
        /// The cell and node.
        place: Whereabouts,
        /// What happened.
        cause: NodeError,
    },
    /// The observer was [interrupted](Observer::interrupted).
    #[error("interrupted")]
    Interrupted,
    /// The results could not be kept.
    #[error(transparent)]
    Sink(E),
    /// There are no threads to run on.
    #[error("cannot start {jobs} threads: {cause}")]
    Threads {
        /// Threads asked for.
        jobs: usize,
        /// What the system says.
        cause: rayon::ThreadPoolBuildError,
    },
}

/// A node of a cell, for messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Varied keys with their values.
    pub varied: Vec<(String, String)>,
    /// The seed.
    pub seed: u64,
    /// The strategy.
    pub strategy: String,
    /// The node.
    pub node: NodeId,
}

impl std::fmt::Display for Whereabouts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "seed {}, strategy {}, node {}", self.seed, self.strategy, self.node.0)?;
        self.varied.iter().try_for_each(|(key, value)| write!(f, ", {key}={value}"))
    }
}

/// What can go wrong with one node.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// The engine gave up.
    #[error(transparent)]
    Run(#[from] RunError),
    /// The books do not balance.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
    /// The simulator broke: a fault of the program, not of the scenario.
    #[error("the simulator broke: {0}")]
    Panic(String),
    /// What remains of it cannot be written down.
    #[error("its result cannot be written down: {0}")]
    Form(#[from] postcard::Error),
}

/// Runs the whole plan and hands every result to `sink` in order. Nodes that are `kept` are not run again.
///
/// # Errors
/// The first failure in the order of sweep point, seed, strategy and node; nothing that comes after it is handed on.
pub fn run<S: Sink>(
    plan: &Plan,
    engine: &dyn Engine,
    kept: &dyn Kept,
    sink: &mut S,
    observer: &dyn Observer,
) -> Result<Comparison, ExperimentError<S::Error>> {
    let mut fold = Fold::new(plan, engine.name(), sink, observer);
    let work = Work::new(plan, engine, kept, observer)?;
    match plan.until {
        None => work.run(&tasks(plan), &mut fold)?,
        Some(precision) => {
            for (index, point) in (0..).zip(&plan.points) {
                let mut looks = until::Looks::of(plan.seeds.len());
                while let Some(seeds) = looks.next_seeds() {
                    work.run(&tasks_of(plan, index, &plan.seeds[seeds]), &mut fold)?;
                    if until::narrow_enough(&fold.so_far(point), precision) {
                        break;
                    }
                }
                fold.end_point(point)?;
            }
        }
    }
    Ok(fold.comparison)
}

/// Every node of the plan, in order.
pub fn tasks(plan: &Plan) -> Vec<Task> {
    (0..).zip(&plan.points).flat_map(|(point, _)| tasks_of(plan, point, &plan.seeds)).collect()
}

/// Every node of these seeds at a sweep point, in order.
fn tasks_of(plan: &Plan, point: u32, seeds: &[u64]) -> Vec<Task> {
    let scenario = &plan.points[point as usize].scenario;
    let mut tasks = Vec::new();
    for &seed in seeds {
        for (contender, _) in (0..).zip(&scenario.strategies) {
            tasks.extend((0..scenario.nodes).map(|node| Task { point, seed, contender, node: NodeId(node) }));
        }
    }
    tasks
}

/// What the threads share.
struct Work<'a> {
    plan: &'a Plan,
    engine: &'a dyn Engine,
    kept: &'a dyn Kept,
    observer: &'a dyn Observer,
    threads: rayon::ThreadPool,
}

impl<'a> Work<'a> {
    fn new<E>(
        plan: &'a Plan,
        engine: &'a dyn Engine,
        kept: &'a dyn Kept,
        observer: &'a dyn Observer,
    ) -> Result<Self, ExperimentError<E>> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(plan.jobs).build();
        let threads = threads.map_err(|cause| ExperimentError::Threads { jobs: plan.jobs, cause })?;
        Ok(Self { plan, engine, kept, observer, threads })
    }

    fn run<E, K>(&self, tasks: &[Task], taker: &mut K) -> Result<(), ExperimentError<E>>
    where
        K: Taker<Task, Result<Finished, NodeError>, Error = ExperimentError<E>>,
    {
        let peer_time = tasks.iter().fold(Micros::ZERO, |sum, task| {
            let scenario = &self.plan.point(*task).scenario;
            sum + scenario.duration * u64::from(peers_of(scenario, task.node))
        });
        let cells = tasks.chunk_by(|a, b| Task { node: b.node, ..*a } == *b).count();
        self.observer.planned(cells as u64, peer_time);
        pool::in_order(&self.threads, tasks, |task| self.node(*task), taker)
    }
}

impl Plan {
    /// The sweep point of a task.
    pub fn point(&self, task: Task) -> &SweepPoint {
        &self.points[task.point as usize]
    }

    fn failure<E>(&self, task: Task, cause: NodeError) -> ExperimentError<E> {
        if matches!(cause, NodeError::Run(RunError::Interrupted)) {
            return ExperimentError::Interrupted;
        }
        ExperimentError::Node { place: self.whereabouts(task), cause }
    }

    /// The task in words.
    pub fn whereabouts(&self, task: Task) -> Whereabouts {
        let SweepPoint { varied, scenario } = self.point(task);
        Whereabouts {
            varied: varied.clone(),
            seed: task.seed,
            strategy: scenario.strategies[task.contender as usize].name.clone(),
            node: task.node,
        }
    }
}
/// Peers dealt out to a node: stream `n` belongs to node `n` modulo the number of nodes.
pub fn peers_of(scenario: &Scenario, node: NodeId) -> u32 {
    scenario.peers / scenario.nodes + u32::from(node.0 < scenario.peers % scenario.nodes)
}

impl Work<'_> {
    /// Finds or simulates a node. A broken invariant inside the simulator must name its cell like any other failure, and
    /// must not leave the fold waiting: so a panic becomes an error.
    fn node(&self, task: Task) -> Result<Finished, NodeError> {
        catch_unwind(AssertUnwindSafe(|| self.found(task).map_or_else(|| self.simulate(task), Ok)))
            .unwrap_or_else(|panic| Err(NodeError::Panic(panic_text(panic.as_ref()))))
    }

    fn found(&self, task: Task) -> Option<Finished> {
        let found = Finished::found(self.kept.find(task)?)?;
        let scenario = &self.plan.point(task).scenario;
        let peers = peers_of(scenario, task.node);
        self.observer.advanced(peers, scenario.duration, SimTime::ZERO + scenario.duration);
        self.observer.node_done(peers);
        Some(found)
    }

    fn simulate(&self, task: Task) -> Result<Finished, NodeError> {
        let Self { plan, observer, .. } = self;
        let scenario = &plan.point(task).scenario;
        let progress =
            NodeProgress { observer: *observer, peers: peers_of(scenario, task.node), last: AtomicU64::new(0) };
        progress.reached(SimTime::ZERO)?;
        let node = NodeRun { scenario, contender: task.contender as usize, seed: task.seed, node: task.node };
        let ledger = self.engine.run(&node, &progress)?;
        progress.reached(SimTime::ZERO + scenario.duration)?;
        observer.node_done(progress.peers);
        balance::check(&ledger)?;
        Ok(Finished::new(Part::of(ledger, scenario, plan.streams))?)
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no reason given".into())
}

/// Turns a node's simulated time into steps for the observer.
struct NodeProgress<'a> {
    observer: &'a dyn Observer,
    peers: u32,
    last: AtomicU64,
}

impl Progress for NodeProgress<'_> {
    fn reached(&self, now: SimTime) -> Result<(), RunError> {
        if self.observer.interrupted() {
            return Err(RunError::Interrupted);
        }
        let before = self.last.fetch_max(now.as_micros(), Ordering::Relaxed);
        self.observer.advanced(self.peers, now.since(SimTime::from_micros(before)), now);
        Ok(())
    }
}

/// Folds parts into cells, cells into groups, groups into the comparison.
struct Fold<'a, S> {
    plan: &'a Plan,
    observer: &'a dyn Observer,
    engine: &'static str,
    sink: &'a mut S,
    part: Part,
    cells: Vec<Cell>,
    samples: Vec<Vec<[Ranked; 4]>>,
    results: Vec<Vec<SeedResult>>,
    comparison: Comparison,
}

impl<'a, S: Sink> Fold<'a, S> {
    fn new(plan: &'a Plan, engine: &'static str, sink: &'a mut S, observer: &'a dyn Observer) -> Self {
        Self {
            plan,
            observer,
            engine,
            sink,
            part: Part::default(),
            cells: Vec::new(),
            samples: Vec::new(),
            results: Vec::new(),
            comparison: Comparison { engine, seeds: Vec::new(), until: plan.until, points: Vec::new() },
        }
    }

    fn fold(&mut self, task: Task, part: Part) -> Result<(), ExperimentError<S::Error>> {
        let point = self.plan.point(task);
        self.part.merge(part);
        if task.node.0 + 1 < point.scenario.nodes {
            return Ok(());
        }
        self.cells.push(Cell::new(task.seed, std::mem::take(&mut self.part)));
        self.observer.cell_done();
        if self.cells.len() < point.scenario.strategies.len() {
            return Ok(());
        }
        self.end_group(point)?;
        self.tell(point);
        let last = self.plan.until.is_none() && self.samples.len() == self.plan.seeds.len();
        if last { self.end_point(point) } else { Ok(()) }
    }

    fn end_group(&mut self, point: &SweepPoint) -> Result<(), ExperimentError<S::Error>> {
        let group = Group { point, engine: self.engine, cells: std::mem::take(&mut self.cells) };
        self.sink.group(&group).map_err(ExperimentError::Sink)?;
        let (samples, results) = group.cells.into_iter().map(|cell| (cell.samples, cell.result)).unzip();
        self.samples.push(samples);
        self.results.push(results);
        Ok(())
    }

    /// What the seeds that are folded say of a sweep point.
    fn so_far(&self, point: &SweepPoint) -> PointResult {
        self.result(point, &self.pool(point))
    }

    /// The samples of all seeds together, one array a strategy.
    fn pool(&self, point: &SweepPoint) -> Vec<[Ranked; 4]> {
        let pool = |contender: usize| {
            Metric::ALL.map(|metric| Ranked::pooled(self.samples.iter().map(|seed| &seed[contender][metric.index()])))
        };
        (0..point.scenario.strategies.len()).map(pool).collect()
    }

    fn result(&self, point: &SweepPoint, samples: &[[Ranked; 4]]) -> PointResult {
        let contenders = samples.iter().enumerate().map(|(i, samples)| {
            let of_seeds = self.results.iter().map(|seed| seed[i].clone()).collect();
            ContenderResult::new(&point.scenario.strategies[i].name, of_seeds, samples)
        });
        PointResult::new(point, self.plan.reference, contenders.collect())
    }

    fn end_point(&mut self, point: &SweepPoint) -> Result<(), ExperimentError<S::Error>> {
        let pooled = Pooled { point, samples: self.pool(point) };
        self.sink.pooled(&pooled).map_err(ExperimentError::Sink)?;
        let result = self.result(point, &pooled.samples);
        self.sink.compared(&result).map_err(ExperimentError::Sink)?;
        if self.results.len() > self.comparison.seeds.len() {
            self.comparison.seeds = self.plan.seeds[..self.results.len()].to_vec();
        }
        self.comparison.points.push(result);
        self.samples.clear();
        self.results.clear();
        Ok(())
    }

    /// Tells the observer how much is known, often enough for people.
    fn tell(&self, point: &SweepPoint) {
        /// Beyond this many seeds, only every so many.
        const OFTEN: usize = 32;
        let seeds = self.results.len();
        if seeds > OFTEN && !seeds.is_multiple_of(OFTEN) {
            return;
        }
        let measure = self.plan.until.map_or(Measure::Lost, |precision| precision.measure);
        // Single percentiles are in the results of the seeds; those of all seeds together are not asked for here.
        let result = self.result(point, &vec![Default::default(); point.scenario.strategies.len()]);
        if let Some((strategy, interval)) = until::widest(&result, measure) {
            self.observer.narrowed(measure, strategy, interval);
        }
    }
}

impl<S: Sink> Taker<Task, Result<Finished, NodeError>> for Fold<'_, S> {
    type Error = ExperimentError<S::Error>;

    fn come(&mut self, task: &Task, result: &Result<Finished, NodeError>) -> Result<(), Self::Error> {
        keep(*task, result, self.sink)
    }

    fn take(&mut self, task: &Task, result: Result<Finished, NodeError>) -> Result<(), Self::Error> {
        let finished = result.map_err(|cause| self.plan.failure(*task, cause))?;
        self.sink.node(*task, &finished.bytes).map_err(ExperimentError::Sink)?;
        self.fold(*task, finished.part)
    }
}

/// Keeps a node that was computed now; one that failed waits for its turn.
fn keep<S: NodeSink>(
    task: Task,
    result: &Result<Finished, NodeError>,
    sink: &mut S,
) -> Result<(), ExperimentError<S::Error>> {
    match result {
        Ok(finished) if finished.new => sink.finished(task, &finished.bytes).map_err(ExperimentError::Sink),
        _ => Ok(()),
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
