//! What a script says, as values: events in order, each with its line, its time and its action.

use farewell::net::segment::Flags;

/// A parsed script.
#[derive(Debug, Default)]
pub(crate) struct Script {
    /// `--tolerance_usecs=`, where the script sets it.
    pub(crate) tolerance: Option<i64>,
    /// Settings made before the first event.
    pub(crate) setup: Vec<Setting>,
    /// The events, in the order of the file.
    pub(crate) events: Vec<Event>,
}

/// One timed event.
#[derive(Debug)]
pub(crate) struct Event {
    /// Line of its time.
    pub(crate) line: usize,
    /// When it is to happen.
    pub(crate) at: When,
    /// What is to happen.
    pub(crate) action: Action,
}

/// The time of an event in microseconds, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// `0.1`: since the start of the script.
    Absolute(i64),
    /// `0.1~0.2`.
    AbsoluteRange(i64, i64),
    /// `+.1`: since the event before.
    Relative(i64),
    /// `+.1~+.2`.
    RelativeRange(i64, i64),
    /// `*`: whenever it comes.
    Any,
}

/// What an event does.
#[derive(Debug)]
pub(crate) enum Action {
    /// `<`: a segment that arrives at the kernel under test.
    Inbound(Packet),
    /// `>`: a segment that it must send.
    Outbound(Packet),
    /// A system call and its result.
    Call(Call),
    /// Backtick command: sysctl settings.
    Command(Vec<Setting>),
    /// `%{ assert ... }%`.
    Code(String),
}

/// One `name=value` of a sysctl line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    /// Line of the command.
    pub(crate) line: usize,
    /// Full name, such as `net.ipv4.tcp_retries2`.
    pub(crate) name: String,
    /// Value as text; several numbers are separated by single spaces.
    pub(crate) value: String,
}

/// A segment as a script shows it; numbers are the script's, not the wire's.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    /// Flags.
    pub(crate) flags: Flags,
    /// First sequence number.
    pub(crate) seq: u32,
    /// Payload length.
    pub(crate) length: u32,
    /// Acknowledgement number; zero where none is shown.
    pub(crate) ack: u32,
    /// Window field, where shown.
    pub(crate) window: Option<u16>,
    /// Options; `None` is `<...>`.
    pub(crate) options: Option<Vec<TcpOption>>,
    /// Explicit source and destination port.
    pub(crate) ports: Option<(u16, u16)>,
}

/// One TCP option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum TcpOption {
    /// `mss 1000`.
    Mss(u16),
    /// `wscale 7`.
    WindowScale(u8),
    /// `sackOK`.
    SackPermitted,
    /// `sack 1001:2001 3001:4001`.
    Sack(Vec<(u32, u32)>),
    /// `TS val 100 ecr 200`.
    Timestamps(u32, u32),
    /// `nop` or `eol`: only a place in the header.
    Padding,
}

/// A system call with what it must return.
#[derive(Debug)]
pub(crate) struct Call {
    /// Its name.
    pub(crate) name: String,
    /// Its arguments.
    pub(crate) arguments: Vec<Value>,
    /// The result it must have.
    pub(crate) result: i64,
    /// The errno it must set, by name.
    pub(crate) errno: Option<String>,
    /// `0.1...0.3`: it blocks until then.
    pub(crate) until: Option<i64>,
}

/// An argument of a system call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// `...`
    Ellipsis,
    /// A number.
    Number(i64),
    /// A symbol, or several joined by `|`.
    Words(Vec<String>),
    /// `[...]`
    List(Vec<Value>),
    /// `{onoff=1, linger=0}`
    Fields(Vec<(String, Value)>),
    /// `"text"`
    Text(String),
}

impl Value {
    /// The number, if it is one.
    pub(crate) fn number(&self) -> Option<i64> {
        if let Self::Number(n) = self { Some(*n) } else { None }
    }
}
