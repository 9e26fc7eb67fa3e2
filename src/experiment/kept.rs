//! Nodes that were finished before: how one is written down without loss, and where it is looked for.
//!
//! A node's result depends on nothing but the plan, so one that was computed at another time, by another process or on another
//! machine stands for the computation. Whoever keeps the bytes answers for their being whole.

use serde::{Deserialize, Serialize};

use crate::experiment::cell::Part;
use crate::id::NodeId;

/// The number of the form in which nodes are written down. Another form, another number: a test holds them together.
pub const FORM: u32 = 3;

/// One node of one cell, by its place in the plan; in the order in which results are handed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Task {
    /// Index into the plan's sweep points.
    pub point: u32,
    /// The seed.
    pub seed: u64,
    /// Index into the scenario's strategies.
    pub contender: u32,
    /// The node.
    pub node: NodeId,
}

/// Where nodes that are already finished are found.
pub trait Kept: Sync {
    /// What [`NodeSink::finished`](super::NodeSink::finished) was given for a task, if it is still whole.
    fn find(&self, task: Task) -> Option<Vec<u8>>;
}

/// Nothing was computed before.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Kept for Nothing {
    fn find(&self, _: Task) -> Option<Vec<u8>> {
        None
    }
}

/// A finished node with its written form.
pub(super) struct Finished {
    pub(super) part: Part,
    pub(super) bytes: Vec<u8>,
    /// Whether it was computed now.
    pub(super) new: bool,
}

impl Finished {
    /// A node that was computed now.
    pub(super) fn new(part: Part) -> Result<Self, postcard::Error> {
        Ok(Self { bytes: postcard::to_stdvec(&part)?, part, new: true })
    }

    /// A node that was kept; `None` if that is not what the bytes are.
    pub(super) fn found(bytes: Vec<u8>) -> Option<Self> {
        let (part, rest) = postcard::take_from_bytes(&bytes).ok()?;
        rest.is_empty().then_some(Self { part, bytes, new: false })
    }
}
