//! Cells (sweep point, seed, strategy, node), run in parallel and handed on in order.
//!
//! Nodes run on a pool of threads, in whatever order they finish; what they leave is folded in the order of
//! sweep point, seed, strategy and node. So results do not depend on the number of threads, and the first error in
//! that order is the one that is reported. No more than a few nodes are ahead of the fold at any time: what is held in
//! memory is the seed being folded, not the run.

pub mod balance;
pub mod cell;
pub mod comparison;
pub mod count;
pub mod decimal;
pub mod estimate;
pub mod rows;
pub mod statistics;
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

/// Who takes the results as they come, in order.
pub trait Sink {
    /// What may go wrong with taking them.
    type Error;

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
}

/// One node of one cell, by position in the plan.
#[derive(Clone, Copy, Debug)]
struct Task {
    point: usize,
    seed: u64,
    contender: usize,
    node: NodeId,
}

/// Runs the whole plan and hands every result to `sink` in order.
///
/// # Errors
/// The first failure in the order of sweep point, seed, strategy and node; nothing that comes after it is handed on.
pub fn run<S: Sink>(
    plan: &Plan,
    engine: &dyn Engine,
    sink: &mut S,
    observer: &dyn Observer,
) -> Result<Comparison, ExperimentError<S::Error>> {
    let threads = rayon::ThreadPoolBuilder::new()
        .num_threads(plan.jobs)
        .build()
        .map_err(|cause| ExperimentError::Threads { jobs: plan.jobs, cause })?;
    let mut fold = Fold::new(plan, engine.name(), sink, observer);
    let work = |tasks: &[Task], fold: &mut Fold<'_, S>| {
        let peer_time = tasks.iter().fold(Micros::ZERO, |sum, task| {
            let scenario = &plan.points[task.point].scenario;
            sum + scenario.duration * u64::from(peers_of(scenario, task.node))
        });
        observer.planned(tasks.iter().filter(|task| task.node == NodeId(0)).count() as u64, peer_time);
        pool::in_order(
            &threads,
            tasks,
            |task| run_node(plan, engine, *task, observer),
            |task, part| match part {
                Ok(part) => fold.take(*task, part),
                Err(cause) => Err(ExperimentError::Node { place: whereabouts(plan, *task), cause }),
            },
        )
    };
    match plan.until {
        None => work(&tasks(plan), &mut fold)?,
        Some(precision) => {
            for point in 0..plan.points.len() {
                let mut looks = until::Looks::of(plan.seeds.len());
                while let Some(seeds) = looks.next_seeds() {
                    work(&tasks_of(plan, point, &plan.seeds[seeds]), &mut fold)?;
                    if until::narrow_enough(&fold.so_far(&plan.points[point]), precision) {
                        break;
                    }
                }
                fold.end_point(&plan.points[point])?;
            }
        }
    }
    Ok(fold.comparison)
}

/// Every node of the plan, in order.
fn tasks(plan: &Plan) -> Vec<Task> {
    (0..plan.points.len()).flat_map(|point| tasks_of(plan, point, &plan.seeds)).collect()
}

/// Every node of these seeds at a sweep point, in order.
fn tasks_of(plan: &Plan, point: usize, seeds: &[u64]) -> Vec<Task> {
    let scenario = &plan.points[point].scenario;
    let mut tasks = Vec::new();
    for &seed in seeds {
        for contender in 0..scenario.strategies.len() {
            tasks.extend((0..scenario.nodes).map(|node| Task { point, seed, contender, node: NodeId(node) }));
        }
    }
    tasks
}

fn whereabouts(plan: &Plan, task: Task) -> Whereabouts {
    let SweepPoint { varied, scenario } = &plan.points[task.point];
    Whereabouts {
        varied: varied.clone(),
        seed: task.seed,
        strategy: scenario.strategies[task.contender].name.clone(),
        node: task.node,
    }
}

/// Peers dealt out to a node: stream `n` belongs to node `n` modulo the number of nodes.
fn peers_of(scenario: &Scenario, node: NodeId) -> u32 {
    scenario.peers / scenario.nodes + u32::from(node.0 < scenario.peers % scenario.nodes)
}

/// Simulates a node. A broken invariant inside the simulator must name its cell like any other failure, and must not
/// leave the fold waiting: so a panic becomes an error.
fn run_node(plan: &Plan, engine: &dyn Engine, task: Task, observer: &dyn Observer) -> Result<Part, NodeError> {
    catch_unwind(AssertUnwindSafe(|| simulate(plan, engine, task, observer)))
        .unwrap_or_else(|panic| Err(NodeError::Panic(panic_text(panic.as_ref()))))
}

fn simulate(plan: &Plan, engine: &dyn Engine, task: Task, observer: &dyn Observer) -> Result<Part, NodeError> {
    let Task { point, contender, seed, node } = task;
    let scenario = &plan.points[point].scenario;
    let progress = NodeProgress { observer, peers: peers_of(scenario, node), last: AtomicU64::new(0) };
    let ledger = engine.run(&NodeRun { scenario, contender, seed, node }, &progress)?;
    progress.reached(SimTime::ZERO + scenario.duration);
    observer.node_done(progress.peers);
    balance::check(&ledger)?;
    Ok(Part::of(ledger, SimTime::ZERO + scenario.duration, plan.streams))
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
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
    fn reached(&self, now: SimTime) {
        let before = self.last.fetch_max(now.as_micros(), Ordering::Relaxed);
        self.observer.advanced(self.peers, now.since(SimTime::from_micros(before)), now);
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

    fn take(&mut self, task: Task, part: Part) -> Result<(), ExperimentError<S::Error>> {
        let point = &self.plan.points[task.point];
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

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
