//! A line of limited rate with a drop-tail queue before it.
//!
//! The state is one number, the work still to be done, in units of which a line of `b` bits a second does `b` in a
//! microsecond. So a microsecond takes a whole number of units off and a packet adds a whole number: nothing is
//! rounded, and after a million packets the line is as late as arithmetic on paper says.

use serde::{Deserialize, Serialize};

use crate::time::{Micros, SimTime};

/// Units of work in a byte.
const UNITS_A_BYTE: u64 = 8 * 1_000_000;

/// A line of limited rate with a drop-tail queue before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// Bits a second, positive.
    pub bits_per_second: u64,
    /// Bytes that may wait; a packet that would exceed it is dropped. The packet being sent counts with what is
    /// still to be sent of it. A queue smaller than a full packet passes no full packet.
    pub queue_bytes: u64,
}

/// The state of a line: what is still to be sent, as of an instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    work: u64,
    as_of: SimTime,
}

impl Line {
    /// Puts a packet into the queue: how long until its last bit has left, or `None` if the queue is full.
    ///
    /// Packets must come in the order of time.
    pub(crate) fn send(&mut self, limit: RateLimit, now: SimTime, bytes: u32) -> Option<Micros> {
        // A rate of zero is refused before a run; here it must only not divide.
        let rate = limit.bits_per_second.max(1);
        let done = now.since(self.as_of).get().saturating_mul(rate);
        self.work = self.work.saturating_sub(done);
        self.as_of = now;
        let work = self.work.saturating_add(u64::from(bytes) * UNITS_A_BYTE);
        if work > limit.queue_bytes.saturating_mul(UNITS_A_BYTE) {
            return None;
        }
        self.work = work;
        Some(Micros::new(work.div_ceil(rate)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: RateLimit = RateLimit { bits_per_second: 7_000_000, queue_bytes: 1 << 40 };

    #[test]
    fn packets_back_to_back_leave_when_the_sum_of_their_bits_has_left() {
        let mut line = Line::default();
        for n in 1..=100_000_u64 {
            let until = line.send(LIMIT, SimTime::ZERO, 1_500).unwrap();
            assert_eq!(until.get(), (n * 12_000_000_000).div_ceil(7_000_000));
        }
    }

    #[test]
    fn fractions_of_a_microsecond_are_not_lost_while_the_line_stays_busy() {
        // 1500 bytes take 1714 2/7 microseconds. Sent one every 1714, the line falls behind by 2/7 each.
        let mut line = Line::default();
        for n in 0..70_000_u64 {
            let until = line.send(LIMIT, SimTime::from_micros(n * 1_714), 1_500).unwrap();
            assert_eq!(until.get(), ((n + 1) * 12_000).div_ceil(7) - n * 1_714);
        }
    }

    #[test]
    fn an_idle_line_owes_nothing() {
        let mut line = Line::default();
        assert_eq!(line.send(LIMIT, SimTime::ZERO, 1_500), Some(Micros::new(1_715)));
        assert_eq!(line.send(LIMIT, SimTime::from_micros(1_000_000), 1_500), Some(Micros::new(1_715)));
    }

    #[test]
    fn the_queue_takes_exactly_what_it_holds() {
        let limit = RateLimit { bits_per_second: 8_000_000, queue_bytes: 3_000 };
        let mut line = Line::default();
        let at = SimTime::from_micros;
        assert_eq!(line.send(limit, at(0), 1_500), Some(Micros::new(1_500)));
        assert_eq!(line.send(limit, at(0), 1_500), Some(Micros::new(3_000)));
        assert_eq!(line.send(limit, at(0), 1), None);
        // One byte a microsecond: after 99 there is room for 99, not for 100.
        assert_eq!(line.send(limit, at(99), 100), None);
        assert_eq!(line.send(limit, at(99), 99), Some(Micros::new(3_000)));
        assert_eq!(line.send(limit, at(99), 1), None);
    }

    proptest! {
        #[test]
        fn the_line_agrees_with_exact_fractions(
            rate in 1_u64..10_000_000_000,
            queue in 0_u64..100_000,
            packets in prop::collection::vec((0_u64..5_000, 40_u32..2_000), 1..200),
        ) {
            let limit = RateLimit { bits_per_second: rate, queue_bytes: queue };
            let mut line = Line::default();
            // The reference keeps the instant at which the line is free, times the rate, in 128 bits.
            let (mut clock, mut free) = (SimTime::ZERO, 0_u128);
            for (gap, bytes) in packets {
                clock += Micros::new(gap);
                let now = u128::from(clock.as_micros());
                let start = free.max(now * u128::from(rate));
                let end = start + u128::from(bytes) * 8_000_000;
                let waiting = end - now * u128::from(rate);
                let got = line.send(limit, clock, bytes);
                if waiting > u128::from(queue) * 8_000_000 {
                    prop_assert_eq!(got, None);
                } else {
                    free = end;
                    let until = end.div_ceil(u128::from(rate)) - now;
                    prop_assert_eq!(got.map(|us| u128::from(us.get())), Some(until));
                }
            }
        }
    }
}
