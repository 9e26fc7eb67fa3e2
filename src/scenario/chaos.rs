//! What goes wrong in a run: the entries of the `chaos` schedule, as a scenario says them.
//!
//! When an entry strikes is drawn once for a run and is the same for all whom it strikes; whom it strikes is drawn for
//! each stream by itself. A host resolves both before the run.

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::id::{NodeId, Side};
use crate::net::disturbance::Disturbance;
use crate::time::{Micros, Shift};

/// One entry.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Chaos {
    /// When it strikes.
    pub at: Instants,
    /// For how long, drawn for each strike; `None` is until the end of the run, or not at all where there is nothing that
    /// lasts.
    pub lasts: Option<Distribution>,
    /// What it does.
    pub action: Action,
    /// Whom it strikes.
    pub on: Target,
}

/// When an entry strikes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Instants {
    /// Once.
    Once(Micros),
    /// At every multiple of a time, each later by up to the jitter, uniformly.
    Every {
        /// The time; the first strike is at this.
        every: Micros,
        /// The jitter.
        jitter: Micros,
    },
    /// As a Poisson process of so many strikes a second.
    Poisson(f64),
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// To packets on their way.
    Link(Disturbance, Way),
    /// To machines.
    Machine(Mishap),
    /// The middlebox forgets the connection.
    NatExpire,
    /// Somebody on the way forges a segment that fits exactly.
    Inject(Forgery, Way),
}

impl Action {
    /// As `do` names it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Link(what, _) => what.name(),
            Self::Machine(Mishap::Freeze) => "freeze",
            Self::Machine(Mishap::Hang) => "hang",
            Self::Machine(Mishap::Crash) => "crash",
            Self::Machine(Mishap::Reboot) => "reboot",
            Self::Machine(Mishap::Restart) => "restart",
            Self::Machine(Mishap::ClockJump(_)) => "clock-jump",
            Self::NatExpire => "nat-expire",
            Self::Inject(Forgery::Reset, _) => "inject-reset",
            Self::Inject(Forgery::Fin, _) => "inject-fin",
        }
    }
}

/// What befalls a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Mishap {
    /// It stands still: packets queue, timers are late.
    Freeze,
    /// Its application stands still; its kernel goes on.
    Hang,
    /// It is off for good, without a word.
    Crash,
    /// It is off, then knows nothing of the connections that it had.
    Reboot,
    /// The server's application is told to exit: it closes every open stream by the strategy under test and drops those
    /// that are being opened. Nobody listens until another one is started. The old one lingers until its last stream is
    /// released.
    Restart,
    /// Its wall clock jumps. Kernel timers are monotonic and do not care; the application's own limits (idle, close
    /// timeout, ping timeout) are met so much earlier, or later.
    ClockJump(Shift),
}

/// A forged segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Forgery {
    /// RST.
    Reset,
    /// FIN.
    Fin,
}

/// Which way packets go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Either way.
    #[default]
    Both,
    /// From client to server.
    ToServer,
    /// From server to client.
    ToClient,
}

impl Way {
    /// Whether this is the way of packets to `side`.
    pub const fn leads_to(self, side: Side) -> bool {
        match self {
            Self::Both => true,
            Self::ToServer => matches!(side, Side::Server),
            Self::ToClient => matches!(side, Side::Client),
        }
    }
}

/// Whom an entry strikes: streams, and which machines of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Target {
    /// Every stream, the machines at both ends.
    All,
    /// Every stream, the server nodes.
    Server,
    /// The streams of one node, that node.
    Node(NodeId),
    /// The streams of a class (by index), its peers.
    Class(usize),
    /// Each stream with this probability, drawn anew at each strike; its peer.
    Share(f64),
}

impl Target {
    /// Whether the machine at `side` of a stream is struck.
    pub const fn strikes_machine(&self, side: Side) -> bool {
        match self {
            Self::All => true,
            Self::Server | Self::Node(_) => matches!(side, Side::Server),
            Self::Class(_) | Self::Share(_) => matches!(side, Side::Client),
        }
    }
}

/// Actions without a parameter, as `do` names them, with what `farewell list` says of each.
pub const PLAIN: [(&str, &str); 9] = [
    ("partition", "no packet gets through, of one way or of both"),
    ("freeze", "the machine stands still: packets queue, timers are late"),
    ("hang", "the application stands still; its kernel goes on acknowledging"),
    ("crash", "the machine is off for good: silence"),
    ("reboot", "the machine is off, then answers with RST whatever belongs to an old connection"),
    ("restart", "the server closes every stream by the strategy, exits, refuses, and listens again"),
    ("nat-expire", "the middlebox of the link forgets the connection"),
    ("inject-reset", "somebody on the way forges a RST that fits exactly"),
    ("inject-fin", "somebody on the way forges a FIN that fits exactly"),
];

/// Actions with a parameter: the main keys of a `do` table.
pub const WITH_PARAMETER: [(&str, &str); 8] = [
    ("loss", "each packet is lost with this probability"),
    ("latency", "this latency is added: a duration or a distribution"),
    ("rate", "the link is no faster than this; `queue` bytes may wait"),
    ("reorder", "this share of the packets is held back by up to `by`, and others overtake them"),
    ("duplicate", "each packet arrives twice with this probability"),
    ("corrupt", "the checksum of each packet fails with this probability: it is lost"),
    (
        "drop-matching",
        "packets of a kind are lost: syn, fin, rst, ack, data, close-tag, stream-error, or { text = \"...\" }",
    ),
    ("clock-jump", "the wall clock jumps: idle limit, close and ping timeout are met so much earlier, or later"),
];

/// The names of [`PLAIN`].
pub(super) const WORDS: &[&str] = &{
    let mut words = [""; PLAIN.len()];
    let mut i = 0;
    while i < PLAIN.len() {
        words[i] = PLAIN[i].0;
        i += 1;
    }
    words
};

/// Names of the kinds of packets.
pub(super) const PATTERNS: &[&str] = &["syn", "fin", "rst", "ack", "data", "close-tag", "stream-error"];
