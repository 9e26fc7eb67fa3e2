//! Moves packets and time. Knows no strategy, no XMPP and no TCP state.

pub mod agenda;
mod duet;
mod event;
mod station;
mod turmoil;

use thiserror::Error;

use crate::id::{NodeId, StreamId};
use crate::ledger::balance::Imbalance;
use crate::ledger::record::NodeLedger;
use crate::scenario::Scenario;
use crate::time::{Micros, SimTime};

pub use crate::host::{Seen, Trace, Witness};
pub use event::Event;
pub use turmoil::Turmoil;

/// One node's run: a share of a scenario under one contender and one seed.
#[derive(Clone, Copy, Debug)]
pub struct NodeRun<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// Index into `Scenario::strategies`.
    pub contender: usize,
    /// The seed.
    pub seed: u64,
    /// The node.
    pub node: NodeId,
}

/// Told how far a node's run has come.
pub trait Progress: Sync {
    /// Simulated time has reached `now`.
    ///
    /// # Errors
    /// [`RunError::Interrupted`] where nobody waits for the rest.
    fn reached(&self, now: SimTime) -> Result<(), RunError>;
}

/// Progress that nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn reached(&self, _now: SimTime) -> Result<(), RunError> {
        Ok(())
    }
}

/// Runs nodes.
pub trait Engine: Sync {
    /// As written in the `engine` column.
    fn name(&self) -> &'static str;

    /// Whether the engine can run the scenario at all.
    ///
    /// # Errors
    /// What the scenario asks for that the engine cannot keep.
    fn accepts(&self, scenario: &Scenario) -> Result<(), RunError>;

    /// Runs one node to the end of the scenario's duration.
    ///
    /// # Errors
    /// A scenario that the engine cannot run, or an invariant that broke.
    fn run(&self, node: &NodeRun<'_>, progress: &dyn Progress) -> Result<NodeLedger, RunError>;

    /// The same, observing one stream. The ledger has that stream, and others as the engine likes.
    ///
    /// # Errors
    /// As [`Engine::run`].
    fn trace(&self, node: &NodeRun<'_>, stream: StreamId) -> Result<(NodeLedger, Trace), RunError>;

    /// The same as [`Engine::run`], with a witness of every stream, which comes back.
    ///
    /// # Errors
    /// As [`Engine::run`], and of an engine that has no packets to be seen.
    ///
    /// # Panics
    /// Where the run takes more steps than the witness allows.
    fn witness(&self, _node: &NodeRun<'_>, _witness: Witness) -> Result<(NodeLedger, Witness), RunError> {
        Err(lost_witness())
    }
}

/// Why a run did not come to its end.
#[derive(Clone, Debug, Error)]
pub enum RunError {
    /// A link is faster than the engine can keep exact.
    #[error("a latency of {latency} is too short for the {engine} engine; allowed: at least {least} on every link")]
    TooFast {
        /// The engine's name.
        engine: &'static str,
        /// The fastest link's latency.
        latency: Micros,
        /// The shortest latency the engine can keep.
        least: Micros,
    },
    /// A stream did not balance.
    #[error(transparent)]
    Imbalance(#[from] Imbalance),
    /// Nobody waits for the rest: [`Progress`] said so.
    #[error("interrupted")]
    Interrupted,
    /// The engine itself failed.
    #[error("{0}")]
    Failed(String),
}

/// Refuses a scenario with a link faster than the `least` latency that the engine can keep exact.
fn refuse_faster(scenario: &Scenario, engine: &'static str, least: Micros) -> Result<(), RunError> {
    let latency = scenario.fastest_latency();
    if latency < least { Err(RunError::TooFast { engine, latency, least }) } else { Ok(()) }
}

/// A run gives back what it was given.
fn lost_witness() -> RunError {
    RunError::Failed("the witness of a run was lost".into())
}

/// Simulated time handed to [`Progress`] in steps of at least this.
const PROGRESS_STEP: Micros = Micros::from_millis(100);

/// The first instant that is not simulated any more.
fn end_of(scenario: &Scenario) -> SimTime {
    SimTime::ZERO + scenario.duration
}
