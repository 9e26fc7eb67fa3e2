//! The four measured times of a closing, and exact samples of them with the censored count beside the values.

use serde::{Deserialize, Serialize};

use crate::ledger::fate::Observed;
use crate::ledger::record::StreamRecord;
use crate::time::Micros;

/// A measured time, counted from the closer's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// Until the closer's application lets go of its socket.
    Release,
    /// Until the peer's application knows.
    Notice,
    /// Until neither kernel holds the connection, TIME-WAIT aside.
    Teardown,
    /// Until TIME-WAIT is over too.
    Gone,
}

impl Metric {
    /// All metrics, in the order in which they happen and are reported.
    pub const ALL: [Self; 4] = [Self::Release, Self::Notice, Self::Teardown, Self::Gone];

    /// As written in the `metric` column and in file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Notice => "notice",
            Self::Teardown => "teardown",
            Self::Gone => "gone",
        }
    }

    /// What it measures, for people.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Release => "from the decision until the closer's application lets go of its socket",
            Self::Notice => "from the decision until the peer's application knows",
            Self::Teardown => "from the decision until neither kernel holds the connection, TIME-WAIT aside",
            Self::Gone => "from the decision until TIME-WAIT is over too",
        }
    }

    /// This metric of a stream.
    pub const fn of(self, stream: &StreamRecord) -> Observed {
        match self {
            Self::Release => stream.release,
            Self::Notice => stream.notice,
            Self::Teardown => stream.teardown,
            Self::Gone => stream.gone,
        }
    }

    /// Index into an array with one entry a metric.
    pub const fn index(self) -> usize {
        self as usize
    }
}

/// A percentile in tenths of a percent, so that 99.9 is a whole number and ranks need no floating point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Percentile(u32);

impl Percentile {
    /// The median.
    pub const P50: Self = Self(500);
    /// Nine tenths are no larger.
    pub const P90: Self = Self(900);
    /// All but one in a hundred are no larger.
    pub const P99: Self = Self(990);
    /// The largest.
    pub const MAX: Self = Self(1_000);
    /// The rows of percentiles.csv, ascending.
    pub const REPORTED: [Self; 13] = [
        Self(0),
        Self(10),
        Self(50),
        Self(100),
        Self(250),
        Self::P50,
        Self(750),
        Self::P90,
        Self(950),
        Self::P99,
        Self(995),
        Self(999),
        Self::MAX,
    ];

    /// The percentile that `tenths` tenths of a percent are no larger than; at most 1,000.
    pub const fn of_thousand(tenths: u32) -> Self {
        Self(if tenths > 1_000 { 1_000 } else { tenths })
    }

    /// The share of closings above it.
    pub fn above(self) -> f64 {
        f64::from(1_000 - self.0) / 1_000.0
    }

    /// The fewest closings that leave `least` above it; none do above the largest.
    pub const fn needs(self, least: u64) -> u64 {
        (least * 1_000).div_ceil(if self.0 < 1_000 { 1_000 - self.0 as u64 } else { 1 })
    }

    /// Whether `closings` leave at least `least` above it, to the nearest whole number.
    pub const fn leaves(self, least: u64, closings: u64) -> bool {
        closings * (1_000 - self.0 as u64) + 500 >= least * 1_000
    }

    /// The nearest rank among `n` values, from 1: the smallest rank that leaves no more than the rest above it.
    const fn rank(self, n: u64) -> u64 {
        let rank = (self.0 as u64 * n).div_ceil(1_000);
        if rank == 0 { 1 } else { rank }
    }
}

impl std::fmt::Display for Percentile {
    /// In percent: `50`, `99.9`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (whole, tenth) = (self.0 / 10, self.0 % 10);
        if tenth == 0 { write!(f, "{whole}") } else { write!(f, "{whole}.{tenth}") }
    }
}

/// Observations of one metric while they are collected.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    #[serde(with = "crate::ledger::ascending")]
    values: Vec<u64>,
    #[serde(with = "crate::ledger::ascending")]
    cut_off: Vec<u64>,
    never: u64,
}

impl Sample {
    /// Adds one observation.
    pub fn record(&mut self, observed: Observed) {
        match observed {
            Observed::After(time) => self.values.push(time.get()),
            Observed::Never => self.never += 1,
        }
    }

    /// Adds a closing in which it had not come at this age, when the run ended: so far never.
    pub fn cut_off(&mut self, age: Micros) {
        self.cut_off.push(age.get());
    }

    /// Adds another sample.
    pub fn merge(&mut self, other: &Self) {
        self.values.extend_from_slice(&other.values);
        self.cut_off.extend_from_slice(&other.cut_off);
        self.never += other.never;
    }

    /// Puts the values in order where they are: what is to be written down then takes little room.
    pub fn sort(&mut self) {
        self.values.sort_unstable();
        self.cut_off.sort_unstable();
    }

    /// Puts the values in order: the only way to ask for percentiles.
    pub fn sorted(mut self) -> Ranked {
        self.values.sort_unstable();
        self.cut_off.sort_unstable();
        Ranked { values: self.values, cut_off: self.cut_off, never: self.never }
    }
}

/// Observations of one metric in order. What never came ranks above every value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ranked {
    values: Vec<u64>,
    cut_off: Vec<u64>,
    never: u64,
}

impl Ranked {
    /// All samples together.
    pub fn pooled<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut pool = Self::default();
        for part in parts {
            pool.values.extend_from_slice(&part.values);
            pool.cut_off.extend_from_slice(&part.cut_off);
            pool.never += part.never;
        }
        pool.values.sort_unstable();
        pool.cut_off.sort_unstable();
        pool
    }

    /// The exact value at the nearest rank; `None` where it falls among those that never came, or where there is nothing.
    pub fn percentile(&self, p: Percentile) -> Option<Micros> {
        let rank = usize::try_from(p.rank(self.count())).ok()?;
        self.values.get(rank - 1).map(|&us| Micros::new(us))
    }

    /// How many came no later than `value`.
    pub fn at_or_below(&self, value: Micros) -> u64 {
        self.values.partition_point(|&us| us <= value.get()) as u64
    }

    /// How many came, ever.
    pub fn came(&self) -> u64 {
        self.values.len() as u64
    }

    /// How many never came, those cut off by the end of the run included.
    pub fn never(&self) -> u64 {
        self.never + self.cut_off.len() as u64
    }

    /// How many there are, those that never came included.
    pub fn count(&self) -> u64 {
        self.came() + self.never()
    }

    /// The ages of those that were cut off by the end of the run, ascending, in microseconds.
    pub fn cut_off(&self) -> &[u64] {
        &self.cut_off
    }

    /// The values that came, ascending, in microseconds.
    pub fn values(&self) -> &[u64] {
        &self.values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(values: &[u64], never: u64) -> Ranked {
        let mut sample = Sample::default();
        for &us in values {
            sample.record(Observed::After(Micros::new(us)));
        }
        for _ in 0..never {
            sample.record(Observed::Never);
        }
        sample.sorted()
    }

    #[test]
    fn percentiles_are_values_at_the_nearest_rank() {
        let ten = ranked(&[10, 9, 8, 7, 6, 5, 4, 3, 2, 1], 0);
        let at = |p| ten.percentile(Percentile(p)).map(Micros::get);
        assert_eq!([at(0), at(100), at(101), at(500), at(900), at(990), at(1_000)], [1, 1, 2, 5, 9, 10, 10].map(Some));
    }

    #[test]
    fn what_never_came_ranks_last_and_has_no_value() {
        let sample = ranked(&(1..=19).collect::<Vec<_>>(), 1);
        assert_eq!(sample.percentile(Percentile(950)), Some(Micros::new(19)));
        assert_eq!(sample.percentile(Percentile::P99), None);
        assert_eq!(sample.percentile(Percentile::MAX), None);
        assert_eq!(ranked(&[], 3).percentile(Percentile(0)), None);
        assert_eq!(ranked(&[], 0).percentile(Percentile::P50), None);
    }

    #[test]
    fn a_pool_is_the_sample_of_all() {
        let (a, b) = (ranked(&[5, 1], 1), ranked(&[3], 2));
        assert_eq!(Ranked::pooled([&a, &b]), ranked(&[1, 3, 5], 3));
        assert_eq!(a.at_or_below(Micros::new(4)), 1);
        assert_eq!(a.at_or_below(Micros::new(5)), 2);
    }

    #[test]
    fn percentiles_are_shown_in_percent() {
        let shown: Vec<String> = Percentile::REPORTED.iter().map(ToString::to_string).collect();
        assert_eq!(shown.join(" "), "0 1 5 10 25 50 75 90 95 99 99.5 99.9 100");
    }
}
