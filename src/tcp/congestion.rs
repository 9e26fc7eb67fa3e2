//! How much may be in flight. The controller is told facts and asked for a threshold; what recovery does with the
//! window (proportional rate reduction, undo) is in `recovery`.

mod cubic;
mod newreno;

use crate::tcp::seq::Offset;
use crate::tcp::sysctl::{Algorithm, Kernel};
use crate::time::{Micros, SimTime};

use cubic::Cubic;
use newreno::NewReno;

/// A threshold that was never set.
pub(super) const NO_THRESHOLD: u64 = 0x7fff_ffff;

/// What an algorithm decides: the growth after slow start and the cut after a loss.
trait Control {
    /// The new slow-start threshold after a loss, with `cwnd` segments allowed before it.
    fn threshold(&mut self, cwnd: u64) -> u64;
    /// In how many acknowledged segments the window grows by one, beyond slow start.
    fn pace(&mut self, now: SimTime, cwnd: u64, acked: u64) -> u64;
    /// A round-trip time was measured. Returns true if slow start should end here.
    fn on_sample(&mut self, fact: &Sample) -> bool;
    /// The retransmission timeout struck: forget what was learnt.
    fn on_timeout(&mut self);
    /// Sending starts again after `idle` without anything in flight.
    fn on_start(&mut self, now: SimTime, last_sent: SimTime);
}

/// A measured round trip, as an algorithm sees it.
#[derive(Debug)]
pub(super) struct Sample {
    pub(super) now: SimTime,
    pub(super) rtt: Micros,
    pub(super) una: Offset,
    pub(super) nxt: Offset,
    pub(super) cwnd: u64,
    pub(super) slow_start: bool,
}

/// The algorithm of a socket: no pointer, so that a socket stays one block.
#[derive(Debug)]
enum Chosen {
    NewReno(NewReno),
    Cubic(Cubic),
}

impl Chosen {
    fn control(&mut self) -> &mut dyn Control {
        match self {
            Self::NewReno(control) => control,
            Self::Cubic(control) => control,
        }
    }
}

/// The congestion window of a socket, in segments.
#[derive(Debug)]
pub(super) struct Congestion {
    pub(super) cwnd: u64,
    pub(super) threshold: u64,
    /// Acknowledged segments towards the next growth.
    count: u64,
    /// Whether the window limited us in this round.
    limited: bool,
    /// Most segments in flight in this round.
    most: u64,
    round: Offset,
    /// Most segments used since `stamp`.
    used: u64,
    stamp: SimTime,
    chosen: Chosen,
}

impl Congestion {
    pub(super) fn new(kernel: &Kernel, now: SimTime) -> Self {
        let chosen = match kernel.tcp_congestion_control {
            Algorithm::Reno => Chosen::NewReno(NewReno),
            Algorithm::Cubic => Chosen::Cubic(Cubic::default()),
        };
        Self {
            cwnd: kernel.initial_cwnd,
            threshold: NO_THRESHOLD,
            count: 0,
            limited: false,
            most: 0,
            round: Offset::SYN,
            used: 0,
            stamp: now,
            chosen,
        }
    }

    pub(super) fn in_slow_start(&self) -> bool {
        self.cwnd < self.threshold
    }

    /// The threshold, or three quarters of the window where that is more (`tcp_current_ssthresh`).
    pub(super) fn current_threshold(&self) -> u64 {
        self.threshold.max((self.cwnd >> 1) + (self.cwnd >> 2))
    }

    /// The window is set from outside: recovery, undo.
    pub(super) fn set(&mut self, now: SimTime, cwnd: u64) {
        self.cwnd = cwnd.max(1);
        self.count = 0;
        self.stamp = now;
    }

    /// A loss: sets and returns the new threshold.
    pub(super) fn reduce_threshold(&mut self) -> u64 {
        let cwnd = self.cwnd;
        self.threshold = self.chosen.control().threshold(cwnd);
        self.count = 0;
        self.threshold
    }

    /// The retransmission timeout struck.
    pub(super) fn on_timeout(&mut self) {
        self.chosen.control().on_timeout();
    }

    /// A round trip was measured (`HyStart` may end slow start).
    pub(super) fn on_sample(&mut self, now: SimTime, rtt: Micros, una: Offset, nxt: Offset) {
        let fact = Sample { now, rtt, una, nxt, cwnd: self.cwnd, slow_start: self.in_slow_start() };
        if self.chosen.control().on_sample(&fact) {
            self.threshold = self.cwnd;
        }
    }

    /// `acked` segments were delivered outside recovery: grow if the window was the limit.
    pub(super) fn grow(&mut self, now: SimTime, mut acked: u64) {
        // Whether it grows or not, it was looked at (`tcp_cong_avoid`).
        self.stamp = now;
        let limited = self.limited || (self.in_slow_start() && self.cwnd < 2 * self.most);
        if !limited || acked == 0 {
            return;
        }
        if self.in_slow_start() {
            let grown = (self.cwnd + acked).min(self.threshold);
            acked -= grown - self.cwnd;
            self.cwnd = grown;
            if acked == 0 {
                return;
            }
        }
        let cwnd = self.cwnd;
        let pace = self.chosen.control().pace(now, cwnd, acked).max(1);
        if self.count >= pace {
            self.count = 0;
            self.cwnd += 1;
        }
        self.count += acked;
        self.cwnd += self.count / pace;
        self.count %= pace;
    }

    /// Segments were sent: notes whether the window was the limit, and lets an unused window shrink
    /// (RFC 2861, `tcp_cwnd_validate`).
    pub(super) fn validate(&mut self, at: &Usage) {
        if at.una >= self.round || at.limited || (!self.limited && at.in_flight > self.most) {
            self.limited = at.limited;
            self.most = at.in_flight;
            self.round = at.nxt;
        }
        if self.limited || (self.in_slow_start() && self.cwnd < 2 * self.most) {
            self.used = 0;
            self.stamp = at.now;
            return;
        }
        self.used = self.used.max(at.in_flight);
        if at.shrink && at.now.since(self.stamp) >= at.rto {
            let used = self.used.max(at.initial);
            if at.open && used < self.cwnd {
                self.threshold = self.current_threshold();
                self.cwnd = (self.cwnd + used) >> 1;
            }
            self.used = 0;
            self.stamp = at.now;
        }
    }

    /// Data is queued after a pause of `idle` with nothing in flight (RFC 2861, `tcp_cwnd_restart`).
    pub(super) fn restart(&mut self, now: SimTime, idle: Micros, rto: Micros, initial: u64) {
        self.threshold = self.current_threshold();
        let floor = initial.min(self.cwnd);
        let mut cwnd = self.cwnd;
        let mut rest = idle - rto;
        while rest > Micros::ZERO && cwnd > floor {
            cwnd >>= 1;
            rest = rest - rto;
        }
        self.cwnd = cwnd.max(floor);
        self.stamp = now;
        self.used = 0;
    }

    /// The first segment of a new flight goes out.
    pub(super) fn on_start(&mut self, now: SimTime, last_sent: SimTime) {
        self.chosen.control().on_start(now, last_sent);
    }
}

/// How the window was used when segments were sent.
#[derive(Debug)]
pub(super) struct Usage {
    pub(super) now: SimTime,
    pub(super) una: Offset,
    pub(super) nxt: Offset,
    pub(super) in_flight: u64,
    pub(super) limited: bool,
    pub(super) shrink: bool,
    pub(super) open: bool,
    pub(super) rto: Micros,
    pub(super) initial: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(in_flight: u64, limited: bool, at: u64) -> Usage {
        Usage {
            now: SimTime::from_micros(at),
            una: Offset::FIRST,
            nxt: Offset::FIRST.plus(in_flight),
            in_flight,
            limited,
            shrink: true,
            open: true,
            rto: Micros::from_millis(200),
            initial: 10,
        }
    }

    #[test]
    fn slow_start_doubles_only_a_window_that_was_used() {
        let kernel = Kernel::default();
        let mut used = Congestion::new(&kernel, SimTime::ZERO);
        used.validate(&usage(10, true, 0));
        used.grow(SimTime::ZERO, 10);
        assert_eq!(used.cwnd, 20);
        let mut idle = Congestion::new(&kernel, SimTime::ZERO);
        idle.validate(&usage(1, false, 0));
        idle.grow(SimTime::ZERO, 1);
        assert_eq!(idle.cwnd, 10);
    }

    #[test]
    fn cubic_cuts_to_seven_tenths_and_newreno_to_half() {
        for (algorithm, threshold) in [(Algorithm::Cubic, 70), (Algorithm::Reno, 50)] {
            let kernel = Kernel { tcp_congestion_control: algorithm, ..Kernel::default() };
            let mut window = Congestion::new(&kernel, SimTime::ZERO);
            window.cwnd = 100;
            assert_eq!(window.reduce_threshold(), threshold);
        }
    }

    #[test]
    fn a_pause_halves_the_window_once_a_timeout_down_to_the_initial_one() {
        let kernel = Kernel::default();
        let mut window = Congestion::new(&kernel, SimTime::ZERO);
        window.cwnd = 64;
        window.restart(SimTime::ZERO, Micros::from_millis(500), Micros::from_millis(200), 10);
        assert_eq!(window.cwnd, 16);
        window.restart(SimTime::ZERO, Micros::from_secs(60), Micros::from_millis(200), 10);
        assert_eq!(window.cwnd, 10);
    }
}
