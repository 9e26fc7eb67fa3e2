//! The simulated kernel's TCP socket, as Linux 6.18 does it, sans-IO. Knows nothing of XMPP, links or the ledger.
//!
//! A [`Socket`] has four kinds of method:
//!
//! - **what arrives**: [`Socket::handle_segment`] and [`Socket::handle_deadline`];
//! - **what the application does**: [`Socket::send`], [`Socket::recv`], [`Socket::shutdown_write`],
//!   [`Socket::close`] and the other calls of `syscall` and `close`, none of which blocks;
//! - **what leaves**: [`Socket::poll_transmit`], called until it returns `None` after any of the above, then
//!   [`Socket::next_deadline`];
//! - **getters**, among them the custody of each byte ([`Socket::accepted`], [`Socket::acknowledged`],
//!   [`Socket::received`], [`Socket::read`]), which stay valid when the socket is closed.
//!
//! Time and configuration come in as a [`Cx`]; nothing else is looked at. Read RFC 9293 (TCP), RFC 6298 (timeout),
//! RFC 8985 (RACK-TLP), RFC 6937 (rate reduction), RFC 5682 (F-RTO), RFC 7323 (timestamps) and RFC 5961 (blind
//! attacks) before changing it; where Linux departs from them the comment names the kernel's function.
//!
//! Left out: urgent data, ECN, TCP Fast Open, MD5 and AO, path MTU discovery, pacing, SACK compression, the
//! growth of buffers by use, per-destination metrics, ICMP.

mod ack;
mod close;
mod congestion;
mod handshake;
mod info;
mod input;
mod listener;
mod probe;
mod receive;
mod recovery;
mod rto;
mod send;
mod seq;
mod state;
mod syscall;
pub mod sysctl;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod timers;

use std::collections::VecDeque;

use crate::net::segment::{Segment, Seq};
use crate::time::{Micros, SimTime};

pub use close::reset_for;
pub use info::Info;
pub use listener::{Admission, Listener};
pub use state::State;
pub use syscall::Errno;
pub use timers::Timer;

use ack::Acks;
use congestion::Congestion;
use probe::Probes;
use receive::Receiver;
use recovery::Recovery;
use rto::Rtt;
use send::Sender;
use sysctl::Kernel;
use timers::Timers;

/// What every call needs from outside: the time and the kernel's configuration, read live as sysctls are.
#[derive(Clone, Copy, Debug)]
pub struct Cx<'a> {
    /// Now.
    pub now: SimTime,
    /// The configuration of this host.
    pub kernel: &'a Kernel,
}

/// What distinguishes a connection; chosen by the caller, who owns ports and randomness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Our port.
    pub local_port: u16,
    /// The peer's port.
    pub remote_port: u16,
    /// Initial sequence number.
    pub iss: Seq,
    /// What is added to the millisecond clock of our timestamps (RFC 7323 §5.4).
    pub ts_offset: u32,
}

/// What both ends agreed on with their SYNs.
#[derive(Clone, Copy, Debug)]
struct Agreed {
    /// The peer's largest segment (536 where it named none).
    mss: u64,
    sack: bool,
    timestamps: bool,
    scaling: bool,
}

/// Yes-or-no facts of a socket.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a socket flag of Linux of its own")]
struct Modes {
    /// No application holds the socket (`SOCK_DEAD`).
    orphan: bool,
    /// The application reads no more, or the FIN came (`RCV_SHUTDOWN`).
    read_closed: bool,
    /// Nothing more may be written (`SEND_SHUTDOWN`).
    write_closed: bool,
    /// The peer's FIN was received (`SOCK_DONE`): reading ends without an error.
    done: bool,
    /// Only a TIME-WAIT bucket is left (`inet_timewait_sock`): TIME-WAIT, or FIN-WAIT-2 of an orphan.
    bucket: bool,
    /// Only a request is there (`request_sock`): SYN-RECEIVED of a passive open.
    request: bool,
    /// Nagle's algorithm is off.
    nodelay: bool,
}

/// `TCP_LINGER2`: how long an orphan stays in FIN-WAIT-2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum FinWait2 {
    /// As long as `tcp_fin_timeout` says.
    #[default]
    Kernel,
    /// As long as this.
    For(Micros),
    /// Not at all.
    Skipped,
}

/// Socket options that an application set.
#[derive(Debug, Default)]
struct Choices {
    linger: Option<Micros>,
    fin_wait_2: FinWait2,
    keepalive_idle: Option<Micros>,
    keepalive_interval: Option<Micros>,
    keepalive_count: Option<u32>,
    user_timeout: Option<Micros>,
}

impl Choices {
    const NONE: &Self = &Self {
        linger: None,
        fin_wait_2: FinWait2::Kernel,
        keepalive_idle: None,
        keepalive_interval: None,
        keepalive_count: None,
        user_timeout: None,
    };
}

/// One end of a TCP connection.
#[derive(Debug)]
pub struct Socket {
    local_port: u16,
    remote_port: u16,
    ts_offset: u32,
    state: State,
    modes: Modes,
    error: Option<Errno>,
    /// Boxed, since few sockets have any.
    choices: Option<Box<Choices>>,
    agreed: Agreed,
    snd: Sender,
    rcv: Receiver,
    ack: Acks,
    rtt: Rtt,
    rec: Recovery,
    cc: Congestion,
    probe: Probes,
    timers: Timers,
    out: VecDeque<Segment>,
    retransmissions: u32,
}

impl Socket {
    /// The next segment to put on the wire. Call until `None` after every other call.
    pub fn poll_transmit(&mut self, _cx: Cx<'_>) -> Option<Segment> {
        self.out.pop_front()
    }

    /// Gives back the memory of queues that are empty. Who drives many sockets calls this when it leaves one for a while;
    /// who drives one at a time need not.
    pub fn rest(&mut self) {
        if self.out.is_empty() {
            self.out = VecDeque::new();
        }
        self.snd.rest();
        self.rcv.rest();
    }

    /// The state.
    pub fn state(&self) -> State {
        self.state
    }

    /// Our port.
    pub fn local_port(&self) -> u16 {
        self.local_port
    }

    /// The peer's port.
    pub fn remote_port(&self) -> u16 {
        self.remote_port
    }

    /// Whether no application holds the socket any more.
    pub fn is_orphan(&self) -> bool {
        self.modes.orphan
    }

    /// Whether [`Socket::recv`] would return something else than `EAGAIN`.
    pub fn is_readable(&self) -> bool {
        self.rcv.unread() > 0 || self.modes.read_closed || self.error.is_some() || self.state == State::Closed
    }

    /// How many bytes [`Socket::send`] would take now. 0 where sending is over; the call then tells why.
    pub fn send_space(&self) -> usize {
        if !self.state.can_send() || self.modes.write_closed { 0 } else { self.send_room() }
    }

    /// Data, SYN and FIN segments sent again so far.
    pub fn retransmissions(&self) -> u32 {
        self.retransmissions
    }

    /// Bytes taken from the application by [`Socket::send`].
    pub fn accepted(&self) -> u64 {
        self.snd.accepted()
    }

    /// Bytes sent at least once.
    pub fn transmitted(&self) -> u64 {
        self.snd.nxt.bytes().min(self.snd.accepted())
    }

    /// Bytes the peer's kernel acknowledged.
    pub fn acknowledged(&self) -> u64 {
        self.snd.una.bytes().min(self.snd.accepted())
    }

    /// Bytes received without a gap.
    pub fn received(&self) -> u64 {
        self.rcv.contiguous()
    }

    /// Bytes taken by the application with [`Socket::recv`].
    pub fn read(&self) -> u64 {
        self.rcv.copied.bytes()
    }

    /// Whether byte `offset` of the peer's stream has reached this kernel: read, queued or out of order.
    pub fn holds(&self, offset: u64) -> bool {
        self.rcv.holds(offset)
    }

    /// Smoothed round-trip time, once there is a sample.
    pub fn round_trip_time(&self) -> Option<Micros> {
        self.rtt.is_known().then(|| self.rtt.smoothed())
    }

    /// The retransmission timeout as it stands.
    pub fn retransmission_timeout(&self) -> Micros {
        self.rtt.rto
    }

    /// Segments that may be in flight.
    pub fn congestion_window(&self) -> u64 {
        self.cc.cwnd
    }

    fn choices(&self) -> &Choices {
        self.choices.as_deref().unwrap_or(Choices::NONE)
    }

    fn choices_mut(&mut self) -> &mut Choices {
        self.choices.get_or_insert_default()
    }

    /// Our timestamp clock: milliseconds (RFC 7323 §5.4).
    #[expect(clippy::cast_possible_truncation, reason = "the clock wraps")]
    fn timestamp(&self, now: SimTime) -> u32 {
        ((now.as_micros() / 1_000) as u32).wrapping_add(self.ts_offset)
    }

    /// The connection is no more: what was not acknowledged is gone, what was received stays readable.
    fn finish(&mut self) {
        self.state = State::Closed;
        self.modes.read_closed = true;
        self.modes.write_closed = true;
        self.modes.bucket = false;
        self.modes.request = false;
        self.timers = Timers::default();
        self.purge_sending();
        self.rcv.drop_out_of_order();
        if self.modes.orphan {
            self.rcv.drop_unread();
        }
    }
}
