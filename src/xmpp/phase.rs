//! Where a party is in the life of its stream. A pen exists only in the phases in which something may be written.

use crate::time::{Shift, SimTime};
use crate::xmpp::config::{Answered, Responder};
use crate::xmpp::fact::Outcome;
use crate::xmpp::negotiation::Opening;
use crate::xmpp::writer::{RawWriter, StreamWriter};

/// Where a party is.
#[derive(Debug)]
pub(super) enum Phase {
    /// TCP is not up.
    Connecting,
    /// The stream is being opened.
    Opening(Opening),
    /// The stream is up.
    Open(StreamWriter),
    /// A closer has asked whether the other side is alive.
    Pinging {
        writer: StreamWriter,
        /// The ping's number: any answer that bears it counts.
        number: u32,
        answered: Answered,
        until: SimTime,
    },
    /// A closer has decided, reads nothing, and has not said its last word.
    Grace { writer: StreamWriter, until: SimTime },
    /// A closer has written its tag. It holds no pen, and `give_up`, counted from the tag, is set once: no drip extends it.
    AwaitingTag {
        give_up: Option<SimTime>,
        /// FIN is to follow the tag.
        shut: bool,
    },
    /// A responder was told and has not answered.
    Delaying { writer: StreamWriter, answer: Responder, until: SimTime },
    /// A responder was told and does not care.
    Talking(StreamWriter),
    /// A responder has written its tag and writes on.
    Scribbling(RawWriter),
    /// A responder writes one byte after another.
    Dripping { writer: RawWriter, next: SimTime },
    /// A responder has said its last word and waits for end of file.
    AwaitingFin {
        /// FIN is to follow what was said.
        shut: bool,
    },
    /// A responder says nothing more and never lets go.
    Holding,
    /// The last bytes wait for the kernel; then `close()`.
    Leaving {
        /// How it ended, for a closer.
        outcome: Outcome,
        /// Whether what the kernel does not take at once is given up.
        hasty: bool,
        give_up: Option<SimTime>,
    },
    /// The application neither reads nor writes.
    Hung,
    /// It has let go of its socket.
    Done,
}

impl Phase {
    /// When this phase ends by itself. The decision of an open stream is not among them: it depends on the traffic.
    pub(super) fn deadline(&self) -> Option<SimTime> {
        match *self {
            Self::Pinging { until, .. } | Self::Grace { until, .. } | Self::Delaying { until, .. } => Some(until),
            Self::AwaitingTag { give_up, .. } | Self::Leaving { give_up, .. } => give_up,
            Self::Dripping { next, .. } => Some(next),
            Self::Connecting
            | Self::Opening(_)
            | Self::Open(_)
            | Self::Talking(_)
            | Self::Scribbling(_)
            | Self::AwaitingFin { .. }
            | Self::Holding
            | Self::Hung
            | Self::Done => None,
        }
    }

    /// The wall clock has jumped: the limits of this phase are met so much earlier or later, but not before `now`.
    pub(super) fn move_limits(&mut self, shift: Shift, now: SimTime) {
        match self {
            Self::Pinging { until, .. } => *until = until.moved(shift.back()).max(now),
            Self::AwaitingTag { give_up, .. } | Self::Leaving { give_up, .. } => {
                *give_up = give_up.map(|at| at.moved(shift.back()).max(now));
            }
            Self::Connecting
            | Self::Opening(_)
            | Self::Open(_)
            | Self::Grace { .. }
            | Self::Delaying { .. }
            | Self::Talking(_)
            | Self::Scribbling(_)
            | Self::Dripping { .. }
            | Self::AwaitingFin { .. }
            | Self::Holding
            | Self::Hung
            | Self::Done => {}
        }
    }

    /// The pen, where there is one that keeps the rules. `reads_in_delay` is the responder's.
    pub(super) fn pen(&self, reads_in_delay: bool) -> Option<&StreamWriter> {
        match self {
            Self::Open(writer) | Self::Talking(writer) | Self::Pinging { writer, .. } => Some(writer),
            Self::Delaying { writer, .. } if reads_in_delay => Some(writer),
            Self::Connecting
            | Self::Opening(_)
            | Self::Grace { .. }
            | Self::AwaitingTag { .. }
            | Self::Delaying { .. }
            | Self::Scribbling(_)
            | Self::Dripping { .. }
            | Self::AwaitingFin { .. }
            | Self::Holding
            | Self::Leaving { .. }
            | Self::Hung
            | Self::Done => None,
        }
    }

    /// Takes the pen of an open stream; the caller says what comes next. In any other phase nothing changes.
    pub(super) fn take_pen(&mut self) -> Option<StreamWriter> {
        let phase = std::mem::replace(self, Self::Done);
        if let Self::Open(writer) | Self::Pinging { writer, .. } = phase {
            return Some(writer);
        }
        *self = phase;
        None
    }

    /// Whether the application parses what it has received.
    pub(super) fn parses(&self) -> bool {
        !matches!(self, Self::Connecting | Self::Leaving { .. } | Self::Hung | Self::Done)
    }

    /// Whether the application reads its socket.
    pub(super) fn reads(&self, reads_in_delay: bool) -> bool {
        match self {
            Self::Opening(_)
            | Self::Open(_)
            | Self::Pinging { .. }
            | Self::AwaitingTag { .. }
            | Self::Talking(_)
            | Self::Scribbling(_)
            | Self::Dripping { .. }
            | Self::AwaitingFin { .. }
            | Self::Holding => true,
            Self::Delaying { .. } => reads_in_delay,
            Self::Connecting | Self::Grace { .. } | Self::Leaving { .. } | Self::Hung | Self::Done => false,
        }
    }
}
