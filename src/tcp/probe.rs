//! Probes of a closed window and of an idle peer, and `TCP_USER_TIMEOUT` (`tcp_probe_timer`, `tcp_keepalive_timer`).

use crate::net::segment::Flags;
use crate::tcp::rto::time_of_retries;
use crate::tcp::{Cx, Errno, Socket, State, Timer};
use crate::time::{Micros, SimTime};

/// Settings and counters of probing.
#[derive(Debug, Default)]
pub(super) struct Probes {
    pub(super) keepalive: bool,
    /// Probes sent since the peer last answered.
    pub(super) sent: u64,
    /// When window probing began.
    pub(super) since: Option<SimTime>,
    /// When the peer was last heard.
    pub(super) last_heard: SimTime,
}

impl Probes {
    pub(super) fn new(now: SimTime) -> Self {
        Self { last_heard: now, ..Self::default() }
    }
}

impl Socket {
    /// `SO_KEEPALIVE` with `TCP_KEEPIDLE`, `TCP_KEEPINTVL` and `TCP_KEEPCNT`; `None` leaves the kernel's value.
    pub fn set_keepalive(
        &mut self,
        cx: Cx<'_>,
        on: bool,
        idle: Option<Micros>,
        interval: Option<Micros>,
        count: Option<u32>,
    ) {
        let was = self.probe.keepalive;
        self.probe.keepalive = on;
        let before = self.choices().keepalive_idle;
        let changed = idle.is_some() && idle != before;
        if idle.is_some() || interval.is_some() || count.is_some() {
            let choices = self.choices_mut();
            choices.keepalive_idle = idle.or(before);
            choices.keepalive_interval = interval.or(choices.keepalive_interval);
            choices.keepalive_count = count.or(choices.keepalive_count);
        }
        if !self.state.is_synchronized() || self.modes.bucket {
            return;
        }
        if on && (!was || changed) {
            let rest = if was { self.keepalive_idle(cx) - self.idle_time(cx.now) } else { self.keepalive_idle(cx) };
            self.arm_keepalive(cx, rest);
        } else if !on && was && self.timers.life.is_some_and(|(_, timer)| timer == Timer::Keepalive) {
            self.timers.life = None;
        }
    }

    /// Whether `SO_KEEPALIVE` is on.
    pub fn keepalive_is_on(&self) -> bool {
        self.probe.keepalive
    }

    /// `TCP_USER_TIMEOUT`: how long sent data may stay unacknowledged; `None` is the kernel's limit.
    pub fn set_user_timeout(&mut self, timeout: Option<Micros>) {
        self.choices_mut().user_timeout = timeout.filter(|t| *t > Micros::ZERO);
    }

    fn keepalive_idle(&self, cx: Cx<'_>) -> Micros {
        self.choices().keepalive_idle.unwrap_or(cx.kernel.tcp_keepalive_time)
    }

    /// Time since anything came from the peer.
    fn idle_time(&self, now: SimTime) -> Micros {
        self.ack.idle(now).min(now.since(self.probe.last_heard))
    }

    fn arm_keepalive(&mut self, cx: Cx<'_>, delay: Micros) {
        self.timers.life = Some((cx.kernel.expiry(cx.now, delay), Timer::Keepalive));
    }

    /// The connection is established: start watching if asked to.
    pub(super) fn start_keepalive(&mut self, cx: Cx<'_>) {
        self.probe.last_heard = cx.now;
        if self.probe.keepalive {
            self.arm_keepalive(cx, self.keepalive_idle(cx));
        }
    }

    /// Idle for long: probe, or give the peer up.
    pub(super) fn on_keepalive(&mut self, cx: Cx<'_>) {
        if !self.probe.keepalive || !self.state.is_synchronized() {
            return;
        }
        let after = self.keepalive_idle(cx);
        if !self.snd.flight.is_empty() || self.snd.has_unsent() {
            self.arm_keepalive(cx, after);
            return;
        }
        let idle = self.idle_time(cx.now);
        if idle < after {
            self.arm_keepalive(cx, after - idle);
            return;
        }
        let most = self.choices().keepalive_count.map_or(cx.kernel.tcp_keepalive_probes, u64::from);
        let over = match self.choices().user_timeout {
            Some(timeout) => idle >= timeout && self.probe.sent > 0,
            None => self.probe.sent >= most,
        };
        if over {
            self.send_reset(cx);
            self.give_up(Errno::ETIMEDOUT);
            return;
        }
        self.wake_peer(cx);
        self.probe.sent += 1;
        self.arm_keepalive(cx, self.choices().keepalive_interval.unwrap_or(cx.kernel.tcp_keepalive_intvl));
    }

    /// The window is still closed: probe it, or give up.
    pub(super) fn on_window_probe(&mut self, cx: Cx<'_>) {
        if !self.snd.flight.is_empty() || !self.snd.has_unsent() {
            self.probe.sent = 0;
            self.probe.since = None;
            return;
        }
        let since = *self.probe.since.get_or_insert(cx.now);
        let waited = cx.now.since(since);
        if waited > Micros::ZERO && self.choices().user_timeout.is_some_and(|timeout| waited >= timeout) {
            self.give_up(Errno::ETIMEDOUT);
            return;
        }
        let mut most = cx.kernel.tcp_retries2;
        if self.modes.orphan {
            let alive = self.probe_delay(cx) < cx.kernel.tcp_rto_max_ms;
            most = orphan_retries(cx, alive);
            if !alive && u64::from(self.rtt.backoff) >= most {
                self.give_up(Errno::ETIMEDOUT);
                return;
            }
        }
        if self.probe.sent >= most {
            self.give_up(Errno::ETIMEDOUT);
            return;
        }
        self.send_window_probe(cx);
    }

    fn send_window_probe(&mut self, cx: Cx<'_>) {
        self.wake_peer(cx);
        if !self.snd.flight.is_empty() || !self.snd.has_unsent() {
            self.probe.sent = 0;
            self.probe.since = None;
            self.rtt.backoff = 0;
            return;
        }
        self.probe.sent += 1;
        if u64::from(self.rtt.backoff) < cx.kernel.tcp_retries2 {
            self.rtt.backoff += 1;
        }
        self.arm_window_probe(cx);
    }

    /// Arms the window probe, no later than `TCP_USER_TIMEOUT`.
    fn arm_window_probe(&mut self, cx: Cx<'_>) {
        let mut delay = self.probe_delay(cx);
        if let (Some(timeout), Some(since)) = (self.choices().user_timeout, self.probe.since) {
            delay = delay.min((timeout - cx.now.since(since)).max(Micros::from_millis(2)));
        }
        self.timers.transmit = Some((cx.kernel.expiry(cx.now, delay), Timer::WindowProbe));
    }

    /// The wait before the next window probe, doubled each time (`tcp_probe0_when`).
    fn probe_delay(&self, cx: Cx<'_>) -> Micros {
        let ceiling = cx.kernel.tcp_rto_max_ms;
        let doublings = (ceiling.get() / 200_000).max(1).ilog2() + 1;
        (self.probe_base() * (1 << self.rtt.backoff.min(doublings))).min(ceiling)
    }

    /// An ACK came while nothing was in flight: the window may have opened (`tcp_ack_probe`).
    pub(super) fn check_window_probe(&mut self, cx: Cx<'_>) {
        if !self.snd.has_unsent() {
            return;
        }
        if self.window_opened(cx) {
            self.rtt.backoff = 0;
            self.probe.since = None;
            if self.timers.is_pending(Timer::WindowProbe) {
                self.timers.transmit = None;
            }
        } else {
            self.arm_window_probe(cx);
        }
    }

    /// Whether retransmitting has gone on for too long (`retransmits_timed_out`).
    pub(super) fn retransmitted_too_long(&self, cx: Cx<'_>, retries: u64) -> bool {
        let Some(first) = self.rec.first_retransmission else { return false };
        if self.rec.timeouts == 0 {
            return false;
        }
        let limit = self.choices().user_timeout.unwrap_or_else(|| {
            let handshake = matches!(self.state, State::SynSent | State::SynReceived);
            let base = if handshake { Micros::from_secs(1) } else { Micros::from_millis(200) };
            time_of_retries(cx.kernel, retries, base)
        });
        // Timestamps, in which Linux measures this, count milliseconds.
        cx.now.since(first).get() / 1_000 >= limit.get() / 1_000
    }

    /// The retransmission timeout, cut where `TCP_USER_TIMEOUT` ends sooner.
    pub(super) fn clamped_rto(&self, cx: Cx<'_>) -> Micros {
        match (self.choices().user_timeout, self.rec.first_retransmission) {
            (Some(timeout), Some(first)) => {
                let left = timeout - cx.now.since(first);
                self.rtt.rto.min(left.max(Micros::new(1)))
            }
            _ => self.rtt.rto,
        }
    }

    /// Sends a RST of our own accord (`tcp_send_active_reset`).
    pub(super) fn send_reset(&mut self, cx: Cx<'_>) {
        let seq = self.acceptable_seq();
        let segment = self.header(cx, seq, Flags { rst: true, ack: true, ..Flags::default() });
        self.out.push_back(segment);
    }

    /// The peer does not answer (`tcp_write_err`).
    pub(super) fn give_up(&mut self, error: Errno) {
        self.error = Some(error);
        self.finish();
    }
}

/// How many retransmissions an orphan is worth (`tcp_orphan_retries`).
pub(super) fn orphan_retries(cx: Cx<'_>, alive: bool) -> u64 {
    match cx.kernel.tcp_orphan_retries {
        0 if alive => 8,
        retries => retries,
    }
}
