//! Server sockets by TCP state, each second.

use serde::{Deserialize, Serialize};

use crate::time::SimTime;

/// States of the census: those of RFC 9293 a socket can be in, LISTEN and CLOSED aside.
pub const STATES: [&str; 9] = [
    "syn_sent",
    "syn_received",
    "established",
    "fin_wait_1",
    "fin_wait_2",
    "close_wait",
    "closing",
    "last_ack",
    "time_wait",
];

/// The index of SYN-RECEIVED in [`STATES`].
pub const SYN_RECEIVED: usize = 1;

/// The index of TIME-WAIT in [`STATES`].
pub const TIME_WAIT: usize = 8;

/// Counts of sockets at each whole second, kept as differences so that any number of censuses add up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Census {
    differences: Vec<[i64; 9]>,
}

impl Census {
    /// A socket was in state `state` (an index into [`STATES`], below 9) during `[from, until)`.
    pub fn add(&mut self, state: usize, from: SimTime, until: SimTime) {
        let (first, last) = (next_second(from), next_second(until));
        if first == last {
            return;
        }
        if self.differences.len() <= last {
            self.differences.resize(last + 1, [0; 9]);
        }
        self.differences[first][state] += 1;
        self.differences[last][state] -= 1;
    }

    /// Adds another census.
    pub fn merge(&mut self, other: &Self) {
        if self.differences.len() < other.differences.len() {
            self.differences.resize(other.differences.len(), [0; 9]);
        }
        for (mine, theirs) in self.differences.iter_mut().zip(&other.differences) {
            for (a, b) in mine.iter_mut().zip(theirs) {
                *a += b;
            }
        }
    }

    /// Sockets by state at second 0, 1, 2 … until none is left for good.
    pub fn seconds(&self) -> Vec<[i64; 9]> {
        let mut now = [0; 9];
        self.differences
            .iter()
            .map(|d| {
                for (count, change) in now.iter_mut().zip(d) {
                    *count += change;
                }
                now
            })
            .collect()
    }
}

/// The first whole second at or after `t`.
fn next_second(t: SimTime) -> usize {
    usize::try_from(t.as_micros().div_ceil(1_000_000)).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_counts_at_the_whole_seconds_it_covers() {
        let mut census = Census::default();
        census.add(2, SimTime::from_micros(500_000), SimTime::from_micros(2_000_001));
        census.add(2, SimTime::from_micros(1_100_000), SimTime::from_micros(1_900_000));
        let seen: Vec<i64> = census.seconds().iter().map(|s| s[2]).collect();
        assert_eq!(seen, [0, 1, 1, 0]);
    }
}
