//! Moves packets and time: a node goes in, its ledger comes out. Knows no XMPP and no strategy.

use crate::id::NodeId;
use crate::ledger::record::NodeLedger;
use crate::scenario::Scenario;
use crate::time::SimTime;

/// Runs server nodes.
pub trait Engine: Sync {
    /// As written in the `engine` column.
    fn name(&self) -> &'static str;

    /// Runs one node with its peers until the scenario's duration is over.
    ///
    /// # Errors
    /// A [`RunError`] where the node cannot be simulated to its end.
    fn run(&self, node: &NodeRun<'_>, progress: &dyn Progress) -> Result<NodeLedger, RunError>;
}

/// One node of one cell: the unit of parallel work.
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

/// Who is told how far a node has come.
pub trait Progress: Sync {
    /// Simulated time has reached `now`.
    fn reached(&self, now: SimTime);
}

/// Why a node could not be simulated to its end.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct RunError(pub String);
