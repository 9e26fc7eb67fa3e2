//! The handshake, from both ends: SYN-SENT, SYN-RECEIVED of a passive open (a request, as Linux calls it) and
//! of a simultaneous one, and what both sides agree on.

use std::collections::VecDeque;

use crate::net::segment::{Flags, Segment};
use crate::tcp::send::{DEFAULT_MSS, Push, Sent, Tags};
use crate::tcp::seq::Offset;
use crate::tcp::{
    Acks, Agreed, Congestion, Cx, Errno, Identity, Modes, Probes, Receiver, Recovery, Rtt, Sender, Socket, State,
    Timer, Timers, rto,
};
use crate::time::Micros;

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
            choices: None,
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

    /// The answer to our SYN (`tcp_rcv_synsent_state_process`).
    pub(super) fn on_syn_sent(&mut self, cx: Cx<'_>, segment: &Segment) {
        let flags = segment.flags;
        if flags.ack {
            let number = self.snd.space.offset(segment.ack, self.snd.una);
            let echo = segment.options.timestamps.map(|(_, echo)| echo).filter(|echo| *echo != 0);
            let alien = echo.is_some_and(|echo| self.agreed.timestamps && !self.is_own_echo(cx, echo));
            let wrong = number <= self.snd.una || number > self.snd.nxt;
            if wrong || alien {
                if wrong && self.rec.timeouts == 0 {
                    // An old connection of the peer: once it is reset, the next SYN will do.
                    let soon = Micros::new(2 * cx.kernel.tick.get().max(1_000));
                    self.timers.transmit = Some((cx.kernel.expiry(cx.now, soon), Timer::Retransmit));
                }
                self.refuse(segment);
                return;
            }
            if flags.rst {
                self.on_reset(cx);
            } else if flags.syn {
                self.on_syn_acked(cx, segment);
            }
            return;
        }
        if flags.syn && !flags.rst {
            // Both called each other at the same time.
            self.agree(segment);
            self.start_receiving(cx, segment);
            self.state = State::SynReceived;
            let segment = self.syn_segment(cx, Flags { syn: true, ack: true, ..Flags::default() });
            self.out.push_back(segment);
        }
    }

    /// Whether a timestamp was sent by us since the first SYN.
    fn is_own_echo(&self, cx: Cx<'_>, echo: u32) -> bool {
        let first = self.rec.first_retransmission.unwrap_or(cx.now);
        let (first, last) = (self.timestamp(first), self.timestamp(cx.now));
        echo.wrapping_sub(first) <= last.wrapping_sub(first)
    }

    fn on_syn_acked(&mut self, cx: Cx<'_>, segment: &Segment) {
        self.agree(segment);
        self.start_receiving(cx, segment);
        let lost = self.rec.total_retransmissions > 1 && !self.is_of_first_syn(segment);
        let place = self.place(segment);
        self.process_ack(cx, segment, place.start);
        self.snd.window = u64::from(segment.window);
        self.snd.max_window = self.snd.window;
        self.snd.window_seq = place.start;
        self.establish(cx, lost);
        self.send_ack(cx);
        self.push_pending(cx, Push::Normal);
    }

    pub(super) fn on_crossed_syn_acked(&mut self, cx: Cx<'_>, segment: &Segment, start: Offset) {
        let scale = if segment.flags.syn { 0 } else { self.snd.scale };
        self.snd.window = u64::from(segment.window) << scale;
        self.snd.max_window = self.snd.max_window.max(self.snd.window);
        self.snd.window_seq = start;
        let lost = self.rec.total_retransmissions > 1 && !self.is_of_first_syn(segment);
        self.establish(cx, lost);
        if self.modes.write_closed {
            self.state = State::FinWait1;
            self.queue_fin(cx);
        }
    }

    /// Notes the peer's SYN as the start of its stream.
    fn start_receiving(&mut self, cx: Cx<'_>, segment: &Segment) {
        self.rcv.begin(segment.seq);
        self.snd.window = u64::from(segment.window);
        self.snd.max_window = self.snd.window;
        self.snd.window_seq = Offset::SYN;
        if let Some((value, _)) = segment.options.timestamps.filter(|_| self.agreed.timestamps) {
            self.rcv.store_timestamp(cx.now, value);
        }
    }

    /// Keeps of what we offered what the peer's SYN offers too.
    fn agree(&mut self, segment: &Segment) {
        let options = &segment.options;
        self.agreed.mss = options.mss.map_or(DEFAULT_MSS, u64::from).max(48);
        self.agreed.sack &= options.sack_permitted;
        self.agreed.timestamps &= options.timestamps.is_some();
        self.agreed.scaling &= options.window_scale.is_some();
        if self.agreed.scaling {
            self.snd.scale = options.window_scale.unwrap_or(0).min(14);
        } else {
            self.snd.scale = 0;
            self.rcv.scale = 0;
            self.rcv.space_total = self.rcv.space_total.min(u64::from(u16::MAX));
        }
    }

    /// Whether a segment echoes the timestamp of our first SYN or SYN-ACK: that one arrived, sending it again was superfluous
    /// (`tcp_try_undo_spurious_syn`).
    fn is_of_first_syn(&self, segment: &Segment) -> bool {
        let first = if self.modes.request { Some(self.snd.last_sent) } else { self.rec.first_retransmission };
        let echo = segment.options.timestamps.filter(|_| self.agreed.timestamps).map(|(_, echo)| echo);
        first.is_some_and(|first| echo == Some(self.timestamp(first)))
    }

    /// The handshake is complete; `lost` if it timed out, which cuts the first window to one segment.
    fn establish(&mut self, cx: Cx<'_>, lost: bool) {
        self.state = State::Established;
        self.modes.request = false;
        self.rtt.established();
        self.rec.established();
        let first = if lost { 1 } else { cx.kernel.initial_cwnd };
        self.cc = Congestion::new(cx.kernel, cx.now);
        self.cc.set(cx.now, first);
        self.snd.last_sent = cx.now;
        let mss = self.segment_size(cx);
        self.ack.established(cx.kernel.last_tick(cx.now), mss, self.rcv.window);
        self.fit_send_buffer(cx);
        self.start_keepalive(cx);
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
        let lost = resent > 1 && self.rec.timeouts > 0 && !self.is_of_first_syn(segment);
        self.establish(cx, lost);
        self.rec.delivered += 1;
        self.handle_segment(cx, segment);
    }
}
