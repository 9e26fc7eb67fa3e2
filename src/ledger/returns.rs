//! Peers that lost their stream: who came back, when, how hard they knocked, and what waited for them.

use serde::{Deserialize, Serialize};

use crate::ledger::fate::Observed;
use crate::ledger::metric::Sample;
use crate::time::{Micros, SimTime};

/// What a node's peers did about coming back. An absence is the time from the instant when a client's application let go of
/// a stream that was up, or lost it with its machine, until its next stream is up.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Returns {
    /// Peers that were away at least once.
    pub peers_away: u64,
    /// Absences.
    pub absences: u64,
    /// Absences that ended with a new stream.
    pub returned: u64,
    /// Absences without end because the client gave up.
    pub gave_up: u64,
    /// Absences without end because the machine is off for good, or the peer may come back no more.
    pub stayed_away: u64,
    /// Absences that the end of the run cut off.
    pub still_away: u64,
    /// Connections asked for: sockets that sent a SYN, the first of each peer included.
    pub connects: u64,
    /// Those that came to nothing.
    pub failed_tries: u64,
    /// Those of them that a RST answered.
    pub refused: u64,
    /// The most connections asked for within one second at one node.
    pub peak_connects: u64,
    /// The most returns within one second at one node.
    pub peak_returns: u64,
    /// Lengths of absences.
    pub back: Sample,
    /// From the instant when a stanza would have been written, or was held back, until it was delivered on a later stream.
    pub delay: Sample,
}

/// Why an absence has no end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parting {
    /// So many tries failed in a row.
    GaveUp,
    /// The machine is off for good, or the peer has come back as often as it may.
    Stayed,
}

impl Returns {
    /// Adds another node. Peaks are those of the worst one, because a node is a machine.
    pub fn merge(&mut self, other: &Self) {
        self.peers_away += other.peers_away;
        self.absences += other.absences;
        self.returned += other.returned;
        self.gave_up += other.gave_up;
        self.stayed_away += other.stayed_away;
        self.still_away += other.still_away;
        self.connects += other.connects;
        self.failed_tries += other.failed_tries;
        self.refused += other.refused;
        self.peak_connects = self.peak_connects.max(other.peak_connects);
        self.peak_returns = self.peak_returns.max(other.peak_returns);
        self.back.merge(&other.back);
        self.delay.merge(&other.delay);
    }

    /// Whether every absence has one end.
    pub const fn balances(&self) -> bool {
        self.absences == self.returned + self.gave_up + self.stayed_away + self.still_away
    }
}

/// The live account of a node.
#[derive(Debug, Default)]
pub struct Tide {
    sum: Returns,
    /// Connections asked for in each second.
    connects: Vec<u32>,
    /// Returns in each second.
    returns: Vec<u32>,
}

impl Tide {
    /// A client asked for a connection.
    pub fn connects(&mut self, now: SimTime) {
        self.sum.connects += 1;
        count(&mut self.connects, now);
    }

    /// A connection that was asked for came to nothing; a RST said so, or nobody answered.
    pub fn failed(&mut self, refused: bool) {
        self.sum.failed_tries += 1;
        self.sum.refused += u64::from(refused);
    }

    /// A peer is without the stream that it had, for the first time or again.
    pub fn left(&mut self, for_the_first_time: bool) {
        self.sum.absences += 1;
        self.sum.peers_away += u64::from(for_the_first_time);
    }

    /// A peer that had been away since `since` has a stream again.
    pub fn returned(&mut self, since: SimTime, now: SimTime) {
        self.sum.returned += 1;
        self.sum.back.record(Observed::After(now.since(since)));
        count(&mut self.returns, now);
    }

    /// A peer that is away will not be back.
    pub fn parted(&mut self, why: Parting) {
        match why {
            Parting::GaveUp => self.sum.gave_up += 1,
            Parting::Stayed => self.sum.stayed_away += 1,
        }
        self.sum.back.record(Observed::Never);
    }

    /// The run ended when a peer had been away for `age`.
    pub fn still_away(&mut self, age: Micros) {
        self.sum.still_away += 1;
        self.sum.back.cut_off(age);
    }

    /// A stanza was delivered on a later stream than it was written for.
    pub fn delayed(&mut self, by: Micros) {
        self.sum.delay.record(Observed::After(by));
    }

    /// The run is over.
    pub fn close(self) -> Returns {
        let Self { mut sum, connects, returns } = self;
        let most = |seconds: Vec<u32>| u64::from(seconds.into_iter().max().unwrap_or(0));
        (sum.peak_connects, sum.peak_returns) = (most(connects), most(returns));
        sum.back.sort();
        sum.delay.sort();
        sum
    }
}

fn count(seconds: &mut Vec<u32>, now: SimTime) {
    let second = usize::try_from(now.as_micros() / 1_000_000).unwrap_or(usize::MAX);
    if seconds.len() <= second {
        seconds.resize(second + 1, 0);
    }
    seconds[second] += 1;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SimTime {
        SimTime::from_micros(ms * 1_000)
    }

    #[test]
    fn every_absence_has_one_end_and_peaks_are_those_of_one_node() {
        let mut tide = Tide::default();
        for (peer, again) in [(0, false), (1, false), (0, true), (2, false)] {
            tide.left(!again);
            tide.connects(at(900 + peer * 60));
        }
        tide.returned(at(100), at(1_999));
        tide.parted(Parting::GaveUp);
        tide.still_away(Micros::from_secs(3));
        assert!(!tide.sum.balances());
        tide.parted(Parting::Stayed);
        let mut node = tide.close();
        assert!(node.balances());
        assert_eq!((node.peers_away, node.absences, node.peak_connects, node.peak_returns), (3, 4, 3, 1));
        let other = node.clone();
        node.merge(&other);
        assert_eq!((node.absences, node.connects, node.peak_connects), (8, 8, 3));
        assert!(node.balances());
    }
}
