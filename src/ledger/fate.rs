//! How a stanza ends, where it dies, how a closing ends.

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// Where a lost stanza died.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Place {
    /// It reached the other kernel and was never read.
    ReceiverQueue,
    /// It arrived after close and was answered with RST.
    Refused,
    /// It was dropped on the way, or still travelling at the end.
    Network,
    /// It was purged or abandoned in the sender's kernel.
    SenderQueue,
    /// It was read after the application had stopped processing.
    Unprocessed,
}

impl Place {
    /// All places, in the order of reports.
    pub const ALL: [Self; 5] =
        [Self::ReceiverQueue, Self::Refused, Self::Network, Self::SenderQueue, Self::Unprocessed];

    /// As written in the `place` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReceiverQueue => "receiver-queue",
            Self::Refused => "refused",
            Self::Network => "network",
            Self::SenderQueue => "sender-queue",
            Self::Unprocessed => "unprocessed",
        }
    }
}

/// How a closing ended for the closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Outcome {
    /// The other side's tag came.
    Clean,
    /// It did not come in time.
    Timeout,
    /// End of file came instead.
    PeerFin,
    /// A reset (or another socket error) came instead.
    PeerReset,
    /// Something came that is not XML, or not allowed in a stream.
    BadXml,
    /// The closer did not wait.
    Closed,
    /// The run ended first, or the closer never decided.
    Unfinished,
}

impl Outcome {
    /// All outcomes, in the order of the columns of summary.csv.
    pub const ALL: [Self; 7] =
        [Self::Clean, Self::Timeout, Self::PeerFin, Self::PeerReset, Self::BadXml, Self::Closed, Self::Unfinished];

    /// As written in the `outcome` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Timeout => "timeout",
            Self::PeerFin => "peer-fin",
            Self::PeerReset => "peer-reset",
            Self::BadXml => "bad-xml",
            Self::Closed => "closed",
            Self::Unfinished => "unfinished",
        }
    }
}

/// Which way a stanza went, seen from who closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Direction {
    /// On its way to the closer.
    ToCloser,
    /// On its way to the closer's peer.
    ToPeer,
}

impl Direction {
    /// As written in the `direction` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ToCloser => "to-closer",
            Self::ToPeer => "to-peer",
        }
    }
}

/// A time counted from the decision that may never have come: never is larger than any time, not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Observed {
    /// It came this long after the decision.
    After(Micros),
    /// It did not come before the run ended.
    Never,
}
