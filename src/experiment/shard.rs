//! A part of a plan for one machine of many: every N-th node, in the order of the plan.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::engine::Engine;
use crate::experiment::cell::Cell;
use crate::experiment::kept::{Finished, Kept, Task};
use crate::experiment::pool::Taker;
use crate::experiment::{ExperimentError, NodeError, NodeSink, Observer, Plan, Work, keep, tasks};

/// Shard `number` of `of`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Shard {
    number: u32,
    of: u32,
}

impl Shard {
    /// The only shard there is.
    pub const ALL: Self = Self { number: 1, of: 1 };

    /// Shard `number` of `of`, from 1; `None` if there is no such shard.
    pub fn new(number: u32, of: u32) -> Option<Self> {
        (1..=of).contains(&number).then_some(Self { number, of })
    }

    /// Its number, from 1.
    pub const fn number(self) -> u32 {
        self.number
    }

    /// How many there are.
    pub const fn of(self) -> u32 {
        self.of
    }

    /// Its tasks of a plan.
    pub fn tasks(self, plan: &Plan) -> Vec<Task> {
        tasks(plan).into_iter().skip(self.number as usize - 1).step_by(self.of as usize).collect()
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers = text.split_once('/').and_then(|(number, of)| Some((number.parse().ok()?, of.parse().ok()?)));
        let shard = numbers.and_then(|(number, of)| Self::new(number, of));
        shard.ok_or_else(|| "allowed: I/N, the I-th of N shards, counted from 1, as in 1/4 to 4/4".to_owned())
    }
}

/// Who takes the nodes of a shard, in order.
pub trait ShardSink: NodeSink {
    /// A node's turn has come, with its figures as if it were a cell of its own.
    ///
    /// # Errors
    /// Where it cannot be kept: the run stops.
    fn alone(&mut self, plan: &Plan, engine: &'static str, task: Task, node: &Cell) -> Result<(), Self::Error>;
}

/// Runs one shard of a plan and hands its nodes to `sink` in order. Nodes that are `kept` are not run again.
///
/// # Errors
/// As [`run`](super::run).
pub fn run<S: ShardSink>(
    plan: &Plan,
    shard: Shard,
    engine: &dyn Engine,
    kept: &dyn Kept,
    sink: &mut S,
    observer: &dyn Observer,
) -> Result<(), ExperimentError<S::Error>> {
    let tasks = shard.tasks(plan);
    let mut nodes = Nodes { plan, engine: engine.name(), observer, last: None, sink };
    Work::new(plan, engine, kept, observer)?.run(&tasks, &mut nodes)?;
    nodes.end_cell();
    Ok(())
}

/// Hands nodes on as they are.
struct Nodes<'a, S> {
    plan: &'a Plan,
    engine: &'static str,
    observer: &'a dyn Observer,
    last: Option<Task>,
    sink: &'a mut S,
}

impl<S> Nodes<'_, S> {
    /// The shard has no more nodes of the last one's cell.
    fn end_cell(&mut self) {
        if self.last.take().is_some() {
            self.observer.cell_done();
        }
    }
}

impl<S: ShardSink> Taker<Task, Result<Finished, NodeError>> for Nodes<'_, S> {
    type Error = ExperimentError<S::Error>;

    fn come(&mut self, task: &Task, result: &Result<Finished, NodeError>) -> Result<(), Self::Error> {
        keep(*task, result, self.sink)
    }

    fn take(&mut self, task: &Task, result: Result<Finished, NodeError>) -> Result<(), Self::Error> {
        if self.last.is_some_and(|last| Task { node: task.node, ..last } != *task) {
            self.end_cell();
        }
        self.last = Some(*task);
        let Finished { part, bytes, .. } = result.map_err(|cause| self.plan.failure(*task, cause))?;
        self.sink.node(*task, &bytes).map_err(ExperimentError::Sink)?;
        self.sink.alone(self.plan, self.engine, *task, &Cell::new(task.seed, part)).map_err(ExperimentError::Sink)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::{self, point, scenario};

    #[test]
    fn shards_are_written_as_a_fraction_from_one_on() {
        let shard: Shard = "3/7".parse().unwrap();
        assert_eq!((shard.number(), shard.of(), shard.to_string()), (3, 7, "3/7".to_owned()));
        for wrong in ["0/7", "8/7", "3", "3/", "/7", "a/b", "-1/7", "3/7/9", "0/0"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn together_the_shards_are_the_plan_and_none_overlap() {
        let points = vec![point(scenario(&["handshake", "timeout-error"], 10, 3))];
        let plan = testing::plan(points, vec![1, 2, 9]);
        for of in [1, 2, 7, 30] {
            let mut all: Vec<Task> = (1..=of).flat_map(|i| Shard::new(i, of).unwrap().tasks(&plan)).collect();
            all.sort_unstable();
            assert_eq!(all, tasks(&plan));
        }
    }
}
