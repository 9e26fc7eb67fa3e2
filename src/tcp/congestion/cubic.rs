//! CUBIC (RFC 9438) with `HyStart`, in the fixed-point arithmetic of Linux's `tcp_cubic.c`.

use super::{Control, Sample};
use crate::tcp::seq::Offset;
use crate::time::{Micros, SimTime};

/// The multiplicative decrease, in 1/1024: 0.7.
const BETA: u64 = 717;
/// Eight times the slope of the friendly Reno window, 3 (1 - beta) / (1 + beta), inverted.
const FRIENDLY8: u64 = 8 * (1_024 + BETA) / 3 / (1_024 - BETA);
/// C = 0.4, in 1/1024.
const SCALE: u64 = 410;
/// `HyStart` looks at windows from this size on.
const HYSTART_LOW: u64 = 16;
/// Samples a round before `HyStart` judges its delay.
const HYSTART_SAMPLES: u32 = 8;
/// ACKs closer than this are one train.
const HYSTART_GAP: Micros = Micros::from_millis(2);
/// The curve is looked at again after this long (a thirty-second of a second).
const RECOMPUTE: Micros = Micros::new(31_250);

/// CUBIC. A connection that never filled its window has learnt nothing and holds no memory for it.
#[derive(Debug, Default)]
pub(super) struct Cubic {
    delay_min: Option<Micros>,
    learnt: Option<Box<Learnt>>,
}

/// What CUBIC remembers.
#[derive(Debug, Default)]
struct Learnt {
    last_max: u64,
    origin: u64,
    /// Time to the origin, in 1/1024 s.
    k: u64,
    epoch: Option<SimTime>,
    pace: u64,
    last_cwnd: u64,
    last_time: SimTime,
    acked: u64,
    friendly: u64,
    found: bool,
    round: Option<Round>,
}

/// One round trip of slow start, as `HyStart` watches it.
#[derive(Debug)]
struct Round {
    start: SimTime,
    last_ack: SimTime,
    end: Offset,
    delay: Micros,
    samples: u32,
}

/// The largest integer whose cube is not above `n`.
fn cube_root(n: u64) -> u64 {
    let mut root = 0_u64;
    for bit in (0..21).rev() {
        let next = root | (1 << bit);
        if next * next * next <= n {
            root = next;
        }
    }
    root
}

impl Learnt {
    fn target(&self, now: SimTime, epoch: SimTime, delay_min: Micros) -> u64 {
        let elapsed = now.since(epoch) + delay_min;
        let t = (elapsed.get() << 10) / 1_000_000;
        let away = u128::from(t.abs_diff(self.k));
        let delta = u64::try_from((u128::from(SCALE) * away * away * away) >> 40).unwrap_or(u64::MAX);
        if t < self.k { self.origin.saturating_sub(delta) } else { self.origin.saturating_add(delta) }
    }

    fn begin(&mut self, now: SimTime, cwnd: u64, acked: u64) -> SimTime {
        self.epoch = Some(now);
        self.acked = acked;
        self.friendly = cwnd;
        if self.last_max <= cwnd {
            self.k = 0;
            self.origin = cwnd;
        } else {
            self.k = cube_root((1 << 40) / SCALE * (self.last_max - cwnd));
            self.origin = self.last_max;
        }
        now
    }

    /// Never slower than Reno would be (RFC 9438 §4.3).
    fn befriend(&mut self, cwnd: u64) {
        let step = ((cwnd * FRIENDLY8) >> 3).max(1);
        // As often as more than a step is left, so that a whole one stays.
        let steps = self.acked.saturating_sub(1) / step;
        self.friendly += steps;
        self.acked -= steps * step;
        if self.friendly > cwnd {
            self.pace = self.pace.min(cwnd / (self.friendly - cwnd));
        }
        self.pace = self.pace.max(2);
    }

    fn hystart(&mut self, fact: &Sample, delay_min: Micros) -> bool {
        let fresh =
            || Round { start: fact.now, last_ack: fact.now, end: fact.nxt, delay: Micros::new(u64::MAX), samples: 0 };
        let round = self.round.get_or_insert_with(fresh);
        if fact.una > round.end {
            *round = fresh();
        }
        if fact.now.since(round.last_ack) <= HYSTART_GAP {
            round.last_ack = fact.now;
            if fact.now.since(round.start).get() > delay_min.get() >> 1 {
                self.found = true;
            }
        }
        round.delay = round.delay.min(fact.rtt);
        if round.samples < HYSTART_SAMPLES {
            round.samples += 1;
        } else {
            let slack = (delay_min.get() >> 3).clamp(4_000, 16_000);
            self.found |= round.delay > delay_min + Micros::new(slack);
        }
        self.found
    }
}

impl Control for Cubic {
    fn threshold(&mut self, cwnd: u64) -> u64 {
        let learnt = self.learnt.get_or_insert_default();
        learnt.epoch = None;
        // Fast convergence: a window that shrank makes room for others.
        learnt.last_max = if cwnd < learnt.last_max { cwnd * (1_024 + BETA) / 2_048 } else { cwnd };
        (cwnd * BETA / 1_024).max(2)
    }

    fn pace(&mut self, now: SimTime, cwnd: u64, acked: u64) -> u64 {
        let delay_min = self.delay_min.unwrap_or(Micros::ZERO);
        let learnt = self.learnt.get_or_insert_default();
        learnt.acked += acked;
        if learnt.last_cwnd == cwnd && now.since(learnt.last_time) <= RECOMPUTE && learnt.pace > 0 {
            return learnt.pace;
        }
        if learnt.epoch.is_none() || now != learnt.last_time {
            learnt.last_cwnd = cwnd;
            learnt.last_time = now;
            let epoch = learnt.epoch.unwrap_or_else(|| learnt.begin(now, cwnd, acked));
            let target = learnt.target(now, epoch, delay_min);
            learnt.pace = if target > cwnd { cwnd / (target - cwnd) } else { 100 * cwnd };
            if learnt.last_max == 0 {
                learnt.pace = learnt.pace.min(20);
            }
        }
        learnt.befriend(cwnd);
        learnt.pace
    }

    fn on_sample(&mut self, fact: &Sample) -> bool {
        let epoch = self.learnt.as_ref().and_then(|learnt| learnt.epoch);
        // Right after a loss the delay is that of recovery.
        if epoch.is_some_and(|epoch| fact.now.since(epoch) < Micros::from_secs(1)) {
            return false;
        }
        let delay_min = self.delay_min.map_or(fact.rtt, |delay| delay.min(fact.rtt)).max(Micros::new(1));
        self.delay_min = Some(delay_min);
        if !fact.slow_start || fact.cwnd < HYSTART_LOW {
            return false;
        }
        let learnt = self.learnt.get_or_insert_default();
        !learnt.found && learnt.hystart(fact, delay_min)
    }

    fn on_timeout(&mut self) {
        *self = Self::default();
    }

    fn on_start(&mut self, now: SimTime, last_sent: SimTime) {
        // Time without anything to send must not count as time to grow.
        if let Some(learnt) = self.learnt.as_mut()
            && let Some(epoch) = learnt.epoch
        {
            learnt.epoch = Some((epoch + now.since(last_sent)).min(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cube_roots() {
        for (n, root) in [(0, 0), (1, 1), (7, 1), (8, 2), (26, 2), (27, 3), (1_000_000, 100), (u64::MAX / 2, 2_097_151)]
        {
            assert_eq!(cube_root(n), root, "of {n}");
        }
    }

    #[test]
    fn the_window_returns_to_the_old_maximum_at_k() {
        let mut cubic = Cubic::default();
        let cwnd = cubic.threshold(100);
        assert_eq!(cwnd, 70);
        let start = SimTime::from_micros(1_000_000);
        cubic.pace(start, cwnd, 1);
        // K = cbrt(30 / 0.4) s = 4.217 s.
        let learnt = cubic.learnt.unwrap();
        let at = |us| learnt.target(start + Micros::new(us), start, Micros::ZERO);
        assert!((70..=71).contains(&at(0)), "{}", at(0));
        assert!((99..=101).contains(&at(4_217_000)), "{}", at(4_217_000));
        assert!(at(6_000_000) > 101);
    }
}
