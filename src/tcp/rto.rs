//! Round-trip time and retransmission timeout: RFC 6298 as Linux computes it (`tcp_rtt_estimator` of `tcp_input.c`).
//!
//! Two things differ from the letter of the RFC: the floor of 200 ms holds for the variance term, so that the
//! timeout is SRTT + 200 ms at least, and the variance falls at most once a round trip.

use crate::tcp::seq::Offset;
use crate::tcp::sysctl::Kernel;
use crate::time::{Micros, SimTime};

/// Timeout before there is a sample (RFC 6298 2.1, `TCP_TIMEOUT_INIT`).
pub(super) const INITIAL: Micros = Micros::from_secs(1);
/// Timeout when the handshake gave no sample because it was retransmitted (RFC 6298 5.7, `TCP_TIMEOUT_FALLBACK`).
const FALLBACK: Micros = Micros::from_secs(3);
/// How long a minimum counts (`tcp_min_rtt_wlen`).
const MINIMUM_LIFE: Micros = Micros::from_secs(300);

/// The estimator of one connection.
#[derive(Debug)]
pub(super) struct Rtt {
    /// Smoothed round-trip time times eight; 0 before the first sample.
    smoothed8: u64,
    /// Mean deviation times four.
    deviation4: u64,
    /// Largest `deviation4` of this round trip.
    deviation4_max: u64,
    /// The variance term of the timeout.
    variance: u64,
    /// When the round trip ends: an ACK beyond this.
    round: Offset,
    minimum: u64,
    minimum_at: SimTime,
    /// The timeout, doubled by backoff, in whole ticks.
    pub(super) rto: Micros,
    /// How often it was doubled.
    pub(super) backoff: u32,
}

impl Rtt {
    pub(super) fn new() -> Self {
        Self {
            smoothed8: 0,
            deviation4: 0,
            deviation4_max: 0,
            variance: 0,
            round: Offset::SYN,
            minimum: u64::MAX,
            minimum_at: SimTime::ZERO,
            rto: INITIAL,
            backoff: 0,
        }
    }

    /// Smoothed round-trip time; zero before the first sample.
    pub(super) fn smoothed(&self) -> Micros {
        Micros::new(self.smoothed8 >> 3)
    }

    /// Mean deviation of the round-trip time.
    pub(super) fn deviation(&self) -> Micros {
        Micros::new(self.deviation4 >> 2)
    }

    /// Whether there was a sample.
    pub(super) fn is_known(&self) -> bool {
        self.smoothed8 != 0
    }

    /// Smallest round-trip time of the last five minutes; `None` before the first sample.
    pub(super) fn minimum(&self) -> Option<Micros> {
        (self.minimum != u64::MAX).then_some(Micros::new(self.minimum))
    }

    /// A sample; `una` and `nxt` are the edges of what is in flight. Ends the backoff.
    pub(super) fn sample(&mut self, kernel: &Kernel, rtt: Micros, una: Offset, nxt: Offset) {
        let floor = kernel.tcp_rto_min_us.get();
        let rtt = rtt.get();
        if self.smoothed8 == 0 {
            self.smoothed8 = rtt << 3;
            self.deviation4 = rtt << 1;
            self.variance = self.deviation4.max(floor);
            self.deviation4_max = self.variance;
            self.round = nxt;
        } else {
            self.update(rtt, floor, una, nxt);
        }
        self.smoothed8 = self.smoothed8.max(1);
        self.backoff = 0;
        self.set(kernel);
    }

    fn update(&mut self, rtt: u64, floor: u64, una: Offset, nxt: Offset) {
        let smoothed = self.smoothed8 >> 3;
        let quarter = self.deviation4 >> 2;
        if rtt >= smoothed {
            let error = rtt - smoothed;
            self.smoothed8 += error;
            self.deviation4 = self.deviation4 + error - quarter;
        } else {
            let error = smoothed - rtt;
            self.smoothed8 -= error;
            // A falling round-trip time raises the deviation eight times slower.
            if error > quarter {
                self.deviation4 += (error - quarter) >> 3;
            } else {
                self.deviation4 -= quarter - error;
            }
        }
        if self.deviation4 > self.deviation4_max {
            self.deviation4_max = self.deviation4;
            self.variance = self.variance.max(self.deviation4_max);
        }
        if una > self.round {
            if self.deviation4_max < self.variance {
                self.variance -= (self.variance - self.deviation4_max) >> 2;
            }
            self.round = nxt;
            self.deviation4_max = floor;
        }
    }

    /// Sets the timeout from the estimate, without backoff.
    pub(super) fn set(&mut self, kernel: &Kernel) {
        let us = Micros::new((self.smoothed8 >> 3) + self.variance);
        self.rto = kernel.ticks(us).min(kernel.tcp_rto_max_ms);
    }

    /// Notes the round-trip time of the segment that an ACK covered last.
    pub(super) fn note_minimum(&mut self, now: SimTime, rtt: Micros, maybe_delayed: bool) {
        let rtt = rtt.get().max(1);
        if maybe_delayed && rtt > self.minimum {
            return;
        }
        if rtt <= self.minimum || now.since(self.minimum_at) > MINIMUM_LIFE {
            self.minimum = rtt;
            self.minimum_at = now;
        }
    }

    /// Doubles the timeout.
    pub(super) fn back_off(&mut self, kernel: &Kernel) {
        self.backoff += 1;
        self.rto = (self.rto * 2).min(kernel.tcp_rto_max_ms);
    }

    /// The handshake is over: without a sample from it the timeout is 3 s.
    pub(super) fn established(&mut self) {
        if self.smoothed8 == 0 {
            self.variance = FALLBACK.get();
            self.deviation4 = self.variance;
            self.deviation4_max = self.variance;
            self.rto = FALLBACK;
        }
    }
}

/// How long `retries` retransmissions take, from the first one on, if the timeout starts at `first` and doubles
/// up to the ceiling (`tcp_model_timeout` of `tcp_timer.c`).
pub(super) fn time_of_retries(kernel: &Kernel, retries: u64, first: Micros) -> Micros {
    let ceiling = kernel.tcp_rto_max_ms;
    let doublings = u64::from((ceiling.get() / first.get().max(1)).max(1).ilog2());
    let steps = retries.min(doublings);
    first * ((2 << steps) - 1) + ceiling * (retries - steps)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(us: &[u64]) -> Rtt {
        let kernel = Kernel::default();
        let mut rtt = Rtt::new();
        let mut edge = Offset::FIRST;
        for &us in us {
            rtt.sample(&kernel, Micros::new(us), edge.plus(1), edge.plus(1));
            edge = edge.plus(2);
        }
        rtt
    }

    #[test]
    fn the_floor_holds_for_the_variance_so_the_timeout_is_srtt_plus_200ms() {
        // 40 ms + 200 ms, a whole number of 4 ms ticks.
        assert_eq!(samples(&[40_000]).rto, Micros::from_millis(240));
        assert_eq!(samples(&[40_500; 20]).rto, Micros::from_millis(244));
    }

    #[test]
    fn a_long_first_sample_gives_three_times_itself() {
        assert_eq!(samples(&[400_000]).rto, Micros::from_millis(1_200));
    }

    #[test]
    fn the_variance_decays_to_the_floor_by_round_trips() {
        let late = samples(&[[400_000].as_slice(), &[20_000; 200]].concat());
        assert!(late.rto < Micros::from_millis(230), "{}", late.rto);
    }

    #[test]
    fn without_a_sample_from_the_handshake_the_timeout_is_3s() {
        let mut rtt = Rtt::new();
        rtt.established();
        assert_eq!(rtt.rto, Micros::from_secs(3));
    }

    #[test]
    fn fifteen_retries_are_924_seconds_as_the_kernel_documents() {
        let kernel = Kernel::default();
        assert_eq!(time_of_retries(&kernel, 15, Micros::from_millis(200)), Micros::from_millis(924_600));
        assert_eq!(time_of_retries(&kernel, 2, Micros::from_millis(200)), Micros::from_millis(1_400));
    }
}
