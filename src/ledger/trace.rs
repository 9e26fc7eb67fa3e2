//! One stream's life, event by event, for people to read: what `farewell trace` shows.
//!
//! Segments come as text because the ledger knows no network; [`crate::net::notation`] writes them.

use crate::id::Side;
use crate::ledger::fate::Place;
use crate::time::SimTime;

/// Something that happened to a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceEvent {
    /// When: the departure of a packet.
    pub at: SimTime,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A kernel sent a packet.
    Packet {
        /// Whose kernel.
        from: Side,
        /// The segment as text.
        segment: String,
        /// What becomes of it.
        passage: Passage,
    },
    /// A kernel's socket entered a TCP state, or ceased to be.
    State {
        /// Whose kernel.
        side: Side,
        /// Its name as `ss` and RFC 9293 write it.
        name: &'static str,
    },
    /// A timer of a kernel fired.
    Timer {
        /// Whose kernel.
        side: Side,
        /// Its name.
        name: &'static str,
    },
    /// An application called its kernel.
    Syscall {
        /// Whose application.
        side: Side,
        /// The call with its result, as `strace` would write it.
        text: String,
    },
    /// An application did or learnt something else: a tag came, a close timeout ran out.
    App {
        /// Whose application.
        side: Side,
        /// What it was.
        text: String,
    },
    /// A stanza came one step further.
    Stanza {
        /// Who wrote it.
        from: Side,
        /// Its number in its direction, from 0.
        number: u32,
        /// The step.
        step: StanzaStep,
    },
    /// An instant from or to which the results count.
    Mark(Mark),
}

/// What becomes of a packet on its link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passage {
    /// It arrives.
    Arrives(SimTime),
    /// It arrives twice.
    ArrivesTwice(SimTime, SimTime),
    /// It never arrives, and why, in a word or two.
    Dropped(&'static str),
}

/// A step in the life of a stanza.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StanzaStep {
    /// Its first byte was accepted by the sender's kernel.
    Sent {
        /// Its size in bytes.
        size: u32,
    },
    /// It was parsed whole by the other application.
    Delivered,
    /// Its sender held it back.
    Deferred,
    /// It died there.
    Lost(Place),
}

/// The instants from or to which the results count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mark {
    /// The closer decided.
    Decision,
    /// The peer's application knows.
    Notice,
    /// The closer's application let go of its socket.
    Release,
    /// Neither kernel holds the connection, TIME-WAIT aside.
    Teardown,
    /// TIME-WAIT is over too.
    Gone,
}

impl Mark {
    /// As the definitions call it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Decision => "decision",
            Self::Notice => "notice",
            Self::Release => "release",
            Self::Teardown => "teardown",
            Self::Gone => "gone",
        }
    }
}
