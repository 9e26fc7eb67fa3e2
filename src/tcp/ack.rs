//! When an ACK leaves: at once, delayed, with data, or as a challenge (`tcp_event_data_recv`,
//! `__tcp_ack_snd_check` and `tcp_send_delayed_ack` of Linux).
//!
//! Quick mode: at the start, after a long pause and after anything odd the next segments (up to 16) are answered at
//! once, since the peer may be in slow start or recovery. Interactive mode: as soon as the application has answered
//! within the usual time, an answer is expected again and the ACK waits for it, 40 ms at first.

use crate::net::segment::{Flags, Segment};
use crate::tcp::seq::Offset;
use crate::tcp::sysctl::Kernel;
use crate::tcp::{Cx, Socket, State};
use crate::time::{Micros, SimTime};

/// Most segments answered at once (`TCP_MAX_QUICKACKS`).
const QUICK: u64 = 16;

/// Flags of a pending ACK.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the ICSK_ACK_ bits of Linux")]
struct Pending {
    scheduled: bool,
    /// A segment ended a write.
    pushed: bool,
    /// A second one did.
    pushed_again: bool,
    /// Whatever the mode, answer at once.
    now: bool,
}

/// The state of acknowledging.
#[derive(Debug)]
pub(super) struct Acks {
    pending: Pending,
    /// How many more segments are answered at once.
    quick: u64,
    /// Interactive mode (`pingpong`).
    interactive: bool,
    /// The usual time between segments; zero until the first data.
    interval: Micros,
    last_received: SimTime,
    /// The peer's segment size, as far as seen (`rcv_mss`).
    pub(super) segment_estimate: u64,
    last_size: u64,
    /// When the pending delayed ACK is due, before rounding to the timer wheel.
    due: SimTime,
    /// When the last ACK for something unacceptable left.
    last_odd: Option<SimTime>,
    /// The second in which challenges were counted, and how many.
    challenges: (u64, u64),
}

impl Acks {
    pub(super) fn new(now: SimTime) -> Self {
        Self {
            pending: Pending::default(),
            quick: 0,
            interactive: false,
            interval: Micros::ZERO,
            last_received: now,
            segment_estimate: 536,
            last_size: 0,
            due: SimTime::ZERO,
            last_odd: None,
            challenges: (0, 0),
        }
    }

    /// The connection is established: what the peer's segments may measure at first (`tcp_initialize_rcv_mss`).
    pub(super) fn established(&mut self, tick: SimTime, mss: u64, window: u64) {
        self.segment_estimate = mss.min(window / 2).clamp(88, 536);
        self.last_received = tick;
    }

    pub(super) fn schedule(&mut self) {
        self.pending.scheduled = true;
    }

    pub(super) fn schedule_now(&mut self) {
        self.pending.scheduled = true;
        self.pending.now = true;
    }

    /// The peer closed: an answer is expected (our FIN), so the ACK waits for it.
    pub(super) fn enter_interactive(&mut self) {
        self.interactive = true;
    }

    pub(super) fn forget_quick(&mut self) {
        self.quick = 0;
    }

    fn raise_quick(&mut self, window: u64) {
        // tcp_incr_quickack(): two where the window has not room for one pair of segments, but one where it has for one.
        let segments = window / (2 * self.segment_estimate.max(1));
        self.quick = self.quick.max(if segments == 0 { 2 } else { segments.min(QUICK) });
    }

    /// The peer is guessing: answer at once for a while (`tcp_enter_quickack_mode`).
    pub(super) fn enter_quick(&mut self, kernel: &Kernel, window: u64) {
        self.raise_quick(window);
        self.interactive = false;
        self.interval = kernel.delayed_ack_min;
    }

    /// Data was sent at `tick`.
    pub(super) fn on_data_sent(&mut self, tick: SimTime) {
        if tick.since(self.last_received) < self.interval {
            self.interactive = true;
        }
    }

    /// Learns the peer's segment size (`tcp_measure_rcv_mss`).
    fn measure(&mut self, segment: &Segment, mss: u64) {
        let last = std::mem::take(&mut self.last_size);
        let len = segment.payload.len() as u64;
        if len >= self.segment_estimate {
            self.segment_estimate = len.min(mss);
            self.pending.pushed |= segment.flags.psh;
            return;
        }
        let timestamps = if segment.options.timestamps.is_some() { 12 } else { 0 };
        let bare = !segment.flags.psh && !segment.flags.fin;
        if len + timestamps >= 536 || (len + timestamps >= 88 && bare) {
            self.last_size = len;
            if len == last {
                self.segment_estimate = len;
                return;
            }
        }
        self.pending.pushed_again |= self.pending.pushed;
        self.pending.pushed = true;
    }

    /// Data came in order (`tcp_event_data_recv`).
    pub(super) fn on_data(&mut self, cx: Cx<'_>, segment: &Segment, mss: u64, window: u64, rto: Micros) {
        self.schedule();
        self.measure(segment, mss);
        let tick = cx.kernel.last_tick(cx.now);
        let least = cx.kernel.delayed_ack_min;
        if self.interval == Micros::ZERO {
            self.raise_quick(window);
            self.interval = least.max(Micros::new(1));
        } else {
            let pause = tick.since(self.last_received);
            let half = cx.kernel.whole_ticks(Micros::new(self.interval.get() >> 1));
            if pause.get() <= least.get() / 2 {
                self.interval = half + Micros::new(least.get() / 2);
            } else if pause < self.interval {
                self.interval = (half + pause).min(rto);
            } else if pause > rto {
                self.raise_quick(window);
            }
        }
        self.last_received = tick;
    }

    /// How long the ACK may wait (`tcp_send_delayed_ack`).
    fn delay(&self, kernel: &Kernel, rtt: Option<Micros>) -> Micros {
        let mut delay = self.interval;
        if delay > kernel.delayed_ack_min {
            let mut most = Micros::from_millis(500);
            if self.interactive || self.pending.pushed {
                most = kernel.delayed_ack_max;
            }
            if let Some(rtt) = rtt {
                most = most.min(kernel.ticks(rtt).max(kernel.delayed_ack_min));
            }
            delay = delay.min(most);
        }
        kernel.ticks(delay.min(kernel.delayed_ack_max))
    }

    /// Time since data last came.
    pub(super) fn idle(&self, now: SimTime) -> Micros {
        now.since(self.last_received)
    }
}

impl Socket {
    /// A segment with an ACK leaves: nothing is pending any more (`tcp_event_ack_sent`).
    pub(super) fn note_ack_sent(&mut self, cx: Cx<'_>) {
        if self.ack.quick > 0 && self.ack.pending.scheduled {
            self.ack.quick -= 1;
            if self.ack.quick == 0 {
                self.ack.interval = cx.kernel.delayed_ack_min;
            }
        }
        self.ack.pending = Pending::default();
        self.timers.delayed_ack = None;
    }

    /// Sends a bare ACK.
    pub(super) fn send_ack(&mut self, cx: Cx<'_>) {
        if self.state == State::Closed {
            return;
        }
        let seq = self.acceptable_seq();
        let segment = self.header(cx, seq, Flags { ack: true, ..Flags::default() });
        self.out.push_back(segment);
    }

    /// After a segment was taken in: acknowledge at once, later, or not at all.
    pub(super) fn check_ack(&mut self, cx: Cx<'_>) {
        if !self.ack.pending.scheduled || self.state == State::Closed || self.modes.bucket {
            return;
        }
        let waiting = self.rcv.nxt.since(self.rcv.acked);
        let second = waiting > self.ack.segment_estimate
            && (self.rcv.nxt == self.rcv.copied || self.usable_window() >= self.rcv.window);
        let quick = self.ack.quick > 0 && !self.ack.interactive;
        if second || quick || self.ack.pending.now || self.rcv.has_gap() {
            self.send_ack(cx);
        } else {
            self.delay_ack(cx);
        }
    }

    fn delay_ack(&mut self, cx: Cx<'_>) {
        let rtt = self.rtt.is_known().then(|| self.rtt.smoothed());
        let delay = self.ack.delay(cx.kernel, rtt);
        let tick = cx.kernel.last_tick(cx.now);
        if self.timers.delayed_ack.is_some() {
            // About to fire anyway: do not wake up for it.
            if self.ack.due <= tick + Micros::new(delay.get() >> 2) {
                self.send_ack(cx);
                return;
            }
            if self.ack.due <= tick + delay {
                return;
            }
        }
        self.ack.due = tick + delay;
        self.timers.delayed_ack = Some(cx.kernel.expiry(cx.now, delay));
    }

    /// The delayed ACK is due: no answer came, so do not expect one next time.
    pub(super) fn on_delayed_ack(&mut self, cx: Cx<'_>) {
        if !self.ack.pending.scheduled {
            return;
        }
        if self.ack.interactive {
            self.ack.interactive = false;
            self.ack.interval = cx.kernel.delayed_ack_min;
        } else {
            self.ack.interval = (self.ack.interval * 2).min(self.rtt.rto);
        }
        self.send_ack(cx);
    }

    /// The application has read `copied` bytes: acknowledge if that was waited for, or if the window opened
    /// by much (`tcp_cleanup_rbuf`).
    pub(super) fn check_ack_after_read(&mut self, cx: Cx<'_>, copied: usize) {
        if !self.state.is_synchronized() || self.modes.bucket {
            return;
        }
        let pending = self.ack.pending;
        let pushed = pending.pushed_again || (pending.pushed && !self.ack.interactive);
        let waited = pending.scheduled
            && (self.rcv.nxt.since(self.rcv.acked) > self.ack.segment_estimate
                || (copied > 0 && pushed && self.rcv.unread() == 0));
        if waited {
            self.send_ack(cx);
            return;
        }
        let left = self.rcv.window_left();
        if copied > 0 && !self.modes.read_closed && 2 * left <= self.rcv.space_total {
            let fresh = self.usable_window();
            if fresh > 0 && fresh >= 2 * left {
                self.send_ack(cx);
            }
        }
    }

    /// Whether an answer to an unacceptable segment would come too soon after the last (`tcp_invalid_ratelimit`).
    pub(super) fn is_rate_limited(&mut self, cx: Cx<'_>) -> bool {
        if self.ack.last_odd.is_some_and(|last| cx.now.since(last) < cx.kernel.tcp_invalid_ratelimit) {
            return true;
        }
        self.ack.last_odd = Some(cx.now);
        false
    }

    /// RFC 5961: asks the peer whether it meant it.
    pub(super) fn send_challenge(&mut self, cx: Cx<'_>) {
        if self.is_rate_limited(cx) {
            return;
        }
        let second = cx.now.as_micros() / 1_000_000;
        if self.ack.challenges.0 != second {
            self.ack.challenges = (second, 0);
        }
        if self.ack.challenges.1 < cx.kernel.tcp_challenge_ack_limit {
            self.ack.challenges.1 += 1;
            self.send_ack(cx);
        }
    }

    /// Answers a segment outside the window, reporting a duplicate where it is one (`tcp_send_dupack`).
    pub(super) fn send_duplicate_ack(&mut self, cx: Cx<'_>, start: Offset, end: Offset) {
        if end > start && start < self.rcv.nxt {
            self.ack.enter_quick(cx.kernel, self.rcv.window);
            if self.agreed.sack && cx.kernel.tcp_dsack {
                self.rcv.note_duplicate(start, end);
            }
        }
        self.send_ack(cx);
    }
}
