//! What an application asks of a socket. Nothing here blocks: what would is `EAGAIN`.

use std::collections::VecDeque;
use std::fmt;

use crate::net::segment::{Flags, Segment};
use crate::tcp::send::{Sent, Tags};
use crate::tcp::seq::Offset;
use crate::tcp::{
    Acks, Agreed, Congestion, Cx, Identity, Micros, Modes, Probes, Receiver, Recovery, Rtt, Sender, Socket, State,
    Timer, Timers, rto,
};

/// Errors of system calls, by their Linux names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(clippy::upper_case_acronyms, reason = "these are their names")]
pub enum Errno {
    /// Would block.
    EAGAIN,
    /// The peer sent a RST.
    ECONNRESET,
    /// Writing is over.
    EPIPE,
    /// The peer refused the connection.
    ECONNREFUSED,
    /// The peer did not answer.
    ETIMEDOUT,
    /// There is no connection.
    ENOTCONN,
    /// The connection is being made.
    EINPROGRESS,
    /// The argument makes no sense.
    EINVAL,
}

impl Errno {
    /// The symbol, as in `ECONNRESET`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EAGAIN => "EAGAIN",
            Self::ECONNRESET => "ECONNRESET",
            Self::EPIPE => "EPIPE",
            Self::ECONNREFUSED => "ECONNREFUSED",
            Self::ETIMEDOUT => "ETIMEDOUT",
            Self::ENOTCONN => "ENOTCONN",
            Self::EINPROGRESS => "EINPROGRESS",
            Self::EINVAL => "EINVAL",
        }
    }
}

impl fmt::Display for Errno {
    /// What `strerror` says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EAGAIN => "Resource temporarily unavailable",
            Self::ECONNRESET => "Connection reset by peer",
            Self::EPIPE => "Broken pipe",
            Self::ECONNREFUSED => "Connection refused",
            Self::ETIMEDOUT => "Connection timed out",
            Self::ENOTCONN => "Transport endpoint is not connected",
            Self::EINPROGRESS => "Operation now in progress",
            Self::EINVAL => "Invalid argument",
        })
    }
}

impl std::error::Error for Errno {}

impl Socket {
    fn new(cx: Cx<'_>, id: Identity, state: State) -> Self {
        let kernel = cx.kernel;
        let mut rcv = Receiver::new(kernel);
        rcv.scale = if kernel.tcp_window_scaling { Receiver::offered_scale(kernel) } else { 0 };
        Self {
            local_port: id.local_port,
            remote_port: id.remote_port,
            ts_offset: id.ts_offset,
            state,
            modes: Modes { nodelay: kernel.nodelay, ..Modes::default() },
            error: None,
            linger: None,
            fin_wait_2: None,
            agreed: Agreed {
                mss: kernel.mss,
                sack: kernel.tcp_sack,
                timestamps: kernel.tcp_timestamps,
                scaling: kernel.tcp_window_scaling,
            },
            snd: Sender::new(id.iss, cx.now, kernel.tcp_wmem[1]),
            rcv,
            ack: Acks::new(cx.now),
            rtt: Rtt::new(),
            rec: Recovery::new(kernel.tcp_reordering),
            cc: Congestion::new(kernel, cx.now),
            probe: Probes::new(cx.now),
            timers: Timers::default(),
            out: VecDeque::new(),
            retransmissions: 0,
        }
    }

    /// `connect()`: the socket is in SYN-SENT and its SYN waits to be polled.
    pub fn connect(cx: Cx<'_>, id: Identity) -> Self {
        let mut socket = Self::new(cx, id, State::SynSent);
        let tags = Tags::SYN;
        let (start, end) = (Offset::SYN, Offset::FIRST);
        socket.snd.flight.push_back(Sent { start, end, at: cx.now, delivered: 0, tags });
        socket.snd.nxt = end;
        // The clock of giving up runs from the first SYN.
        socket.rec.first_retransmission = Some(cx.now);
        socket.emit(cx, start, end, tags);
        socket.timers.transmit = Some((cx.kernel.expiry(cx.now, rto::INITIAL), Timer::Retransmit));
        socket
    }

    /// A SYN came for a listener: the socket is in SYN-RECEIVED and its SYN-ACK waits to be polled.
    pub fn accept(cx: Cx<'_>, id: Identity, syn: &Segment) -> Self {
        let mut socket = Self::new(cx, id, State::SynReceived);
        socket.modes.request = true;
        socket.agree(syn);
        socket.start_receiving(cx, syn);
        socket.snd.nxt = Offset::FIRST;
        // Where the round trip of the handshake begins.
        socket.snd.last_sent = cx.now;
        socket.send_syn_ack(cx);
        socket.timers.transmit = Some((cx.kernel.expiry(cx.now, rto::INITIAL), Timer::Retransmit));
        socket
    }

    fn send_syn_ack(&mut self, cx: Cx<'_>) {
        let segment = self.syn_segment(cx, Flags { syn: true, ack: true, ..Flags::default() });
        self.out.push_back(segment);
    }

    fn send_syn_ack_again(&mut self, cx: Cx<'_>) {
        self.retransmissions += 1;
        self.rec.total_retransmissions += 1;
        self.send_syn_ack(cx);
    }

    /// The wait before the next SYN-ACK.
    fn arm_syn_ack(&mut self, cx: Cx<'_>) {
        let doublings = self.rec.timeouts.min(10);
        let delay = (rto::INITIAL * (1 << doublings)).min(cx.kernel.tcp_rto_max_ms);
        self.timers.transmit = Some((cx.kernel.expiry(cx.now, delay), Timer::Retransmit));
    }

    /// Nobody answered the SYN-ACK (`reqsk_timer_handler`).
    pub(super) fn on_syn_ack_timeout(&mut self, cx: Cx<'_>) {
        if self.rec.timeouts >= cx.kernel.tcp_synack_retries {
            self.give_up(Errno::ETIMEDOUT);
            return;
        }
        self.rec.timeouts += 1;
        self.send_syn_ack_again(cx);
        self.arm_syn_ack(cx);
    }

    /// Whether this segment would complete the handshake of a passive open: ask the listener first.
    pub fn completes_handshake(&self, segment: &Segment) -> bool {
        let flags = segment.flags;
        self.modes.request
            && flags.ack
            && !flags.rst
            && !flags.syn
            && segment.ack == self.snd.space.seq(Offset::FIRST)
            && self.is_in_request_window(segment)
    }

    fn is_in_request_window(&self, segment: &Segment) -> bool {
        let place = self.place(segment);
        let (low, high) = (self.rcv.nxt, self.rcv.nxt.plus(self.rcv.window));
        place.start == low
            || (place.end > low && place.start < high)
            || (place.start == high && place.start == place.end)
    }

    /// A segment for a half-open connection (`tcp_check_req`).
    pub(super) fn on_request(&mut self, cx: Cx<'_>, segment: &Segment) {
        let flags = segment.flags;
        let stamp = segment.options.timestamps.filter(|_| self.agreed.timestamps).map(|(value, _)| value);
        let old = stamp.is_some_and(|value| self.rcv.is_stale(cx.now, value, 0));
        let again = self.place(segment).start == Offset::SYN;
        if again && flags.syn && !flags.ack && !flags.rst && !old {
            if !self.is_rate_limited(cx) {
                self.send_syn_ack_again(cx);
                self.arm_syn_ack(cx);
            }
            return;
        }
        if flags.ack && segment.ack != self.snd.space.seq(Offset::FIRST) {
            self.refuse(segment);
            return;
        }
        if old || !self.is_in_request_window(segment) {
            let bare = segment.payload.is_empty() || flags.syn;
            if !flags.rst && (!bare || !self.is_rate_limited(cx)) {
                self.send_ack(cx);
            }
            return;
        }
        if flags.rst || (flags.syn && !again) {
            if !flags.rst {
                self.refuse(segment);
            }
            self.error = Some(Errno::ECONNRESET);
            self.finish();
            return;
        }
        if flags.ack {
            self.complete_request(cx, segment);
        }
    }

    /// The third segment of the handshake: a socket is born, and the segment is its first.
    fn complete_request(&mut self, cx: Cx<'_>, segment: &Segment) {
        let scaled = u64::from(segment.window) << self.snd.scale;
        self.snd.una = Offset::FIRST;
        self.snd.window = scaled;
        self.snd.max_window = self.snd.max_window.max(scaled);
        self.snd.window_seq = self.place(segment).start;
        self.timers.transmit = None;
        let resent = self.rec.total_retransmissions;
        let measured = if resent == 0 {
            Some(cx.now.since(self.snd.last_sent))
        } else {
            let echo = segment.options.timestamps.filter(|_| self.agreed.timestamps).map(|(_, echo)| echo);
            echo.map(|echo| Micros::from_millis(u64::from(self.timestamp(cx.now).wrapping_sub(echo))))
        };
        if let Some(rtt) = measured.filter(|rtt| *rtt < Micros::from_secs(120)) {
            let rtt = rtt.max(Micros::new(1));
            self.rtt.note_minimum(cx.now, rtt, false);
            self.rtt.sample(cx.kernel, rtt, self.snd.una, self.snd.nxt);
        }
        self.establish(cx, resent);
        self.rec.delivered += 1;
        self.handle_segment(cx, segment);
    }

    /// `write()`: takes what fits into the send buffer and returns how much that was.
    ///
    /// # Errors
    /// `EAGAIN` when the buffer is full or the handshake is not over, the pending error of the connection once,
    /// then `EPIPE`.
    pub fn send(&mut self, cx: Cx<'_>, data: &[u8]) -> Result<usize, Errno> {
        if !self.state.can_send() {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let opening = matches!(self.state, State::SynSent | State::SynReceived);
            return Err(if opening { Errno::EAGAIN } else { Errno::EPIPE });
        }
        if self.modes.write_closed || self.error.is_some() {
            return Err(self.error.take().unwrap_or(Errno::EPIPE));
        }
        let room = self.send_room();
        if data.is_empty() {
            return Ok(0);
        }
        if room == 0 {
            return Err(Errno::EAGAIN);
        }
        let n = data.len().min(room);
        self.queue_data(cx, &data[..n]);
        Ok(n)
    }

    /// `read()`: appends up to `max` bytes to `buf`; `Ok(0)` is end of file.
    ///
    /// # Errors
    /// `EAGAIN` when nothing is there yet; when the queue is empty, the pending error of the connection, once.
    pub fn recv(&mut self, cx: Cx<'_>, buf: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let n = self.rcv.take(buf, max);
        self.check_ack_after_read(cx, n);
        if n > 0 || max == 0 || self.modes.done {
            return Ok(n);
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.modes.read_closed {
            return Ok(0);
        }
        Err(if self.state == State::Closed { Errno::ENOTCONN } else { Errno::EAGAIN })
    }

    /// `shutdown(SHUT_WR)`: the FIN follows what is queued.
    ///
    /// # Errors
    /// `ENOTCONN` when there is no connection.
    pub fn shutdown_write(&mut self, cx: Cx<'_>) -> Result<(), Errno> {
        match self.state {
            State::Closed | State::TimeWait => return Err(Errno::ENOTCONN),
            State::SynSent => {
                self.finish();
                return Ok(());
            }
            State::Established => {
                self.modes.write_closed = true;
                self.state = State::FinWait1;
                self.queue_fin(cx);
            }
            State::CloseWait => {
                self.modes.write_closed = true;
                self.state = State::LastAck;
                self.queue_fin(cx);
            }
            State::SynReceived | State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => {
                self.modes.write_closed = true;
            }
        }
        Ok(())
    }

    /// `shutdown(SHUT_RD)`: reading ends; what arrives later is still acknowledged.
    ///
    /// # Errors
    /// `ENOTCONN` when there is no connection.
    pub fn shutdown_read(&mut self, _cx: Cx<'_>) -> Result<(), Errno> {
        match self.state {
            State::Closed | State::TimeWait => Err(Errno::ENOTCONN),
            State::SynSent => {
                self.finish();
                Ok(())
            }
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => {
                self.modes.read_closed = true;
                Ok(())
            }
        }
    }

    /// `SO_ERROR`: the pending error, once.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// `TCP_NODELAY`: whether small segments leave at once although others are in flight.
    pub fn set_nodelay(&mut self, cx: Cx<'_>, on: bool) {
        self.modes.nodelay = on;
        if on && self.state.is_synchronized() && !self.modes.bucket {
            self.push_pending(cx, crate::tcp::send::Push::All);
        }
    }

    /// `SO_SNDBUF`: room for this many bytes, in place of the kernel's choice.
    pub fn set_send_buffer(&mut self, bytes: u64) {
        self.snd.fixed_limit = Some(bytes.max(2_304));
        self.snd.limit = bytes.max(2_304);
    }

    /// `SO_RCVBUF`: room for this many bytes. To narrow the first window, set it right after birth.
    pub fn set_receive_buffer(&mut self, bytes: u64) {
        self.rcv.space_total = bytes.max(1_152);
    }
}
