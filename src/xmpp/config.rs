//! What a scenario may configure of the applications: closings, responders, traffic, negotiation.

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::time::Micros;

/// How a closer closes (XEP-0190, RFC 6120 §4.4 and what deployed software does instead).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Strategy {
    /// Tag, read on until the other tag, close.
    Handshake,
    /// Tag, FIN (`shutdown(WR)`), read on until the other tag, close.
    HandshakeHalfClose,
    /// Stream error, tag, close at once.
    TimeoutError,
    /// Stream error, tag, then wait as the handshake does (RFC 6120 §4.9.1.1 with §4.4).
    ErrorHandshake,
    /// Close without a tag.
    AbruptClose,
    /// `SO_LINGER` 0 and close: a RST.
    AbruptReset,
    /// Tag, close at once.
    TagAndClose,
    /// XEP-0199 ping first; no answer means dead, then drop; an answer means handshake.
    PingThenHandshake,
}

/// The condition of a stream error (RFC 6120 §4.9.3) that a closer sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Condition {
    /// `connection-timeout` (§4.9.3.4).
    ConnectionTimeout,
    /// `conflict` (§4.9.3.3).
    Conflict,
    /// `policy-violation` (§4.9.3.14): what an administrator's kick commonly says.
    PolicyViolation,
    /// `system-shutdown` (§4.9.3.20).
    SystemShutdown,
}

/// What becomes of stanzas that come while the closer waits for the other tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InWait {
    /// They are processed as before.
    Process,
    /// They are read and thrown away.
    Discard,
}

/// A ping (XEP-0199) before the decision takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// How long the answer may take.
    pub timeout: Micros,
    /// What an answer leads to: the closer's strategy, or the stream stays open (it is not dead).
    pub answered: Answered,
    /// What silence leads to: TCP dropped without a word, or the closer's strategy.
    pub unanswered: Unanswered,
}

/// What follows an answered ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Answered {
    /// The stream is closed by the strategy.
    Close,
    /// The stream stays open.
    Stay,
}

/// What follows an unanswered ping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unanswered {
    /// `close()` without a tag.
    Drop,
    /// The stream is closed by the strategy.
    Close,
}

/// Everything that one closer does, resolved: strategy, switches and times.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct CloserProfile {
    /// The strategy.
    pub strategy: Strategy,
    /// The stream error, where the strategy sends one.
    pub condition: Condition,
    /// How long it waits for the other tag; `None` waits for ever.
    pub timeout: Option<Micros>,
    /// What it does with stanzas that come while it waits.
    pub in_wait: InWait,
    /// From the decision on the application reads nothing for this long; an error goes at once, tag and close after it.
    pub grace: Micros,
    /// A ping before anything else.
    pub ping: Option<Ping>,
}

/// What the other side does when it is told, one of the fourteen of the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Responder {
    /// Finishes what it is writing, its tag, then `close()` at once.
    Compliant,
    /// Its tag, then closes when the closer's FIN has come (after an error: at once).
    WaitsForFin,
    /// A delay before its tag, in which it goes on writing; then as `Compliant`.
    Slow,
    /// Never answers, writes no more, keeps the connection for good.
    Silent,
    /// Ignores the tag and goes on sending stanzas until it reads end of file or a reset.
    KeepsTalking,
    /// FIN without a tag: `close()`.
    FinOnly,
    /// RST: `SO_LINGER` 0 and `close()`.
    Resets,
    /// Its tag, then more stanzas, until end of file or a reset.
    WritesAfterClose,
    /// Its tag, then holds TCP open for good.
    TagButNoFin,
    /// Powered off at a random moment of the idle time: no packet ever again.
    Vanished,
    /// From a random moment of the idle time on the application neither reads nor writes; its kernel acknowledges.
    Hung,
    /// Half a stanza, then FIN.
    Truncates,
    /// Bytes that are not XML.
    Garbage,
    /// One byte at a time, to hold the closer.
    Drips,
}

/// How a side answers being told, resolved. A plain responder answers a tag and an error alike, a preset may not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ResponderProfile {
    /// When the other side's tag comes first.
    pub on_tag: Responder,
    /// When a stream error comes first.
    pub on_error: Responder,
    /// Time between reading the tag and answering it.
    pub delay: Distribution,
    /// The same after an error, where it differs.
    pub error_delay: Option<Distribution>,
    /// Whether the application goes on reading and writing during the delay (ejabberd does not read: what comes stays unread).
    pub reads_in_delay: bool,
    /// After its tag it shuts down its writing side and waits for the other FIN, instead of `close()` (aioxmpp).
    pub half_closes: bool,
    /// Whether it still sends its tag when it reads end of file behind the other's tag, before it has answered
    /// (Prosody does not: it takes a FIN for the end of the session, even when a tag came with it).
    pub answers_half_close: bool,
    /// Interval between the bytes of `Drips`.
    pub drip_interval: Micros,
}

/// When a closer decides.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum When {
    /// This long after the stream is up.
    After(Distribution),
    /// After this long without a stanza either way; looked for only every `sweep` (0: a timer of its own).
    Idle {
        /// The idle limit.
        idle: Distribution,
        /// The sweep interval.
        sweep: Micros,
    },
}

/// Who decides to close.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum By {
    /// The server.
    Server,
    /// The client.
    Client,
    /// Both in the same moment, each by the strategy under test. The server's closing is the one that is measured.
    Both,
}

/// How a stream is opened (RFC 6120 §4.2, §6, §7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Negotiation {
    /// Header, features, SASL, restart, bind: the real number of round trips (four).
    Full,
    /// Header and features.
    Minimal,
}

/// Stream management (XEP-0198), the same at both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamManagement {
    /// An acknowledgement is asked for behind every so many stanzas.
    pub request_every: Option<u32>,
    /// An acknowledgement is asked for this long after the first stanza that was not asked for.
    pub request_interval: Option<Micros>,
    /// Most stanzas that may be unacknowledged; a sender at it asks, and writes no more until an answer comes.
    pub window: Option<u32>,
    /// A session is kept so long after its stream has ended, and may be resumed; `None`: no session ever is.
    pub resume: Option<Micros>,
    /// What a close tag does to a session.
    pub after_tag: AfterTag,
    /// Whether stanzas that nobody acknowledged are written again on the peer's next stream if the session is not resumed.
    pub resend: bool,
}

impl StreamManagement {
    /// Nothing is asked for by itself, and no session is kept.
    pub const PLAIN: Self = Self {
        request_every: None,
        request_interval: None,
        window: None,
        resume: None,
        after_tag: AfterTag::End,
        resend: false,
    };
}

/// What a close tag does to a session of XEP-0198.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AfterTag {
    /// It ends it (XEP-0198 §5: a stream that is closed cannot be resumed).
    End,
    /// It keeps it, as some software does.
    Keep,
}

/// What kind of stream: its namespace and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StreamKind {
    /// `jabber:client`, port 5222.
    ClientToServer,
    /// `jabber:server`, port 5269.
    ServerToServer,
}

/// When one side writes stanzas, and how big they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Traffic {
    /// The client's.
    pub client: Option<Source>,
    /// The server's.
    pub server: Option<Source>,
}

/// One side's stanzas.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The instants.
    pub process: Process,
    /// Size of each stanza in bytes as on the wire, at least [`MIN_STANZA`].
    pub size: Distribution,
    /// Stop after this many.
    pub count: Option<u32>,
}

/// When stanzas are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Process {
    /// A Poisson process of this rate a second, from the moment the stream is up.
    Poisson(f64),
    /// Every so often; the first a uniform random part of the interval after the stream is up, so that peers are not in step.
    Periodic(Micros),
    /// Bursts: the time between bursts, stanzas a burst, time between the stanzas of a burst.
    Bursts {
        /// Time from the start of one burst to the next.
        every: Distribution,
        /// Stanzas in a burst.
        stanzas: u32,
        /// Time between two stanzas of a burst.
        spacing: Distribution,
    },
    /// One stanza in answer to each that comes, after a think time.
    Respond {
        /// Think time.
        after: Distribution,
    },
}

/// The smallest stanza that can be written.
pub const MIN_STANZA: u32 = 48;

/// The largest stanza that is written or read (RFC 6120 §13.12 asks for at least 10,000).
pub const MAX_STANZA: u32 = 262_144;
