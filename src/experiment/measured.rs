//! What a strategy's cells say of one measure, in the form that its interval needs.

use crate::experiment::cell::{QUANTILES, SeedResult, Tally};
use crate::experiment::comparison::ContenderResult;
use crate::experiment::count::{Count, Counts};
use crate::experiment::statistics::events::{Events, Nature};
use crate::experiment::statistics::{ABOVE_PERCENTILE, real};
use crate::ledger::fate::Outcome;
use crate::ledger::metric::Metric;
use crate::ledger::survival::Quantile;
use crate::scenario::measure::{Measure, Rank, Stage};
use crate::time::Micros;

/// One measure of one strategy, one entry a seed.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Measured {
    /// Events in streams; for things of which a stream may have several, in how many streams there were some.
    Events { events: Events, streams_with: Option<u64> },
    /// A percentile.
    Percentile(Percentiles),
    /// A mean of each seed, never rare; `None` where a seed has nothing to take it of.
    Means(Option<Vec<f64>>),
    /// A number of each seed of which the mean counts.
    Peaks(Vec<f64>),
    /// A number of each seed of which the largest counts.
    Largest(u64),
}

/// A percentile in each seed and over all of them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Percentiles {
    /// Each seed's.
    pub(super) seeds: Vec<Quantile>,
    /// That of all closings together.
    pub(super) pooled: Quantile,
    /// Closings in which it came.
    pub(super) came: u64,
    /// Whether every seed leaves enough closings above it to count.
    pub(super) enough: bool,
    /// Streams that a seed needs for that.
    pub(super) needed: u64,
}

impl Percentiles {
    /// Each seed's value, where all of them have one.
    pub(super) fn values(&self) -> Option<Vec<f64>> {
        self.seeds.iter().map(|seed| seed.value.map(|us| real(us.get()))).collect()
    }
}

impl Measured {
    /// Takes a measure from a strategy's results.
    pub(super) fn of(measure: Measure, contender: &ContenderResult) -> Self {
        let things = |pick: fn(&Counts) -> &Count| things(contender, pick);
        let streams = |count: fn(&Tally) -> u64| streams(contender, count);
        match measure {
            Measure::Lost => things(|counts| &counts.lost),
            Measure::LostToCloser => things(|counts| &counts.lost_to_closer),
            Measure::LostToPeer => things(|counts| &counts.lost_to_peer),
            Measure::Retransmissions => things(|counts| &counts.retransmissions),
            Measure::Resets => things(|counts| &counts.resets),
            Measure::StreamsWithLoss => streams(|tally| tally.streams_with_loss),
            Measure::Timeout => streams(|tally| tally.outcome(Outcome::Timeout)),
            Measure::Unfinished => streams(|tally| tally.outcome(Outcome::Unfinished)),
            Measure::Never(stage) => never(contender, metric(stage)),
            Measure::Time(stage, rank) => Self::Percentile(percentiles(contender, metric(stage), rank)),
            Measure::SocketTime => means(contender, |tally| (tally.socket_time.get(), tally.decided)),
            Measure::TimeWait => means(contender, |tally| (tally.time_wait.get(), tally.decided)),
            Measure::Packets => means(contender, |tally| (tally.packets, tally.streams)),
            Measure::Bytes => means(contender, |tally| (tally.bytes, tally.streams)),
            Measure::PeakOpenSockets => peaks(contender, |seed| seed.peak_open_sockets),
            Measure::PeakTimeWait => peaks(contender, |seed| seed.peak_time_wait),
            Measure::MostOpenSockets => largest(contender, |seed| seed.peak_open_sockets),
            Measure::MostTimeWait => largest(contender, |seed| seed.peak_time_wait),
        }
    }

    /// How often the event happened, where the measure counts one: for a percentile, in how many closings it came.
    pub(super) fn happened(&self) -> Option<u64> {
        match self {
            Self::Events { events, .. } => Some(events.total()),
            Self::Percentile(percentiles) => Some(percentiles.came),
            Self::Means(_) | Self::Peaks(_) | Self::Largest(_) => None,
        }
    }
}

/// Streams that the measure is about: those whose closer decided, where it is about closings.
pub(super) fn streams_of(measure: Measure, total: &Tally) -> u64 {
    match measure {
        Measure::Never(_) | Measure::Time(..) | Measure::SocketTime | Measure::TimeWait => total.decided,
        Measure::Lost
        | Measure::LostToCloser
        | Measure::LostToPeer
        | Measure::StreamsWithLoss
        | Measure::Timeout
        | Measure::Unfinished
        | Measure::PeakOpenSockets
        | Measure::MostOpenSockets
        | Measure::PeakTimeWait
        | Measure::MostTimeWait
        | Measure::Packets
        | Measure::Bytes
        | Measure::Retransmissions
        | Measure::Resets => total.streams,
    }
}

const fn metric(stage: Stage) -> Metric {
    match stage {
        Stage::Release => Metric::Release,
        Stage::Notice => Metric::Notice,
        Stage::Teardown => Metric::Teardown,
        Stage::Gone => Metric::Gone,
    }
}

fn things(contender: &ContenderResult, pick: fn(&Counts) -> &Count) -> Measured {
    let total = pick(&contender.total.counts);
    let batch = if total.total > 0 { real(total.squared) / real(total.total) } else { 1.0 };
    let counts = contender.seeds.iter().map(|seed| pick(&seed.tally.counts).total).collect();
    let trials = contender.seeds.iter().map(|seed| seed.tally.streams).collect();
    let events = Events { counts, trials, nature: Nature::Things { batch } };
    Measured::Events { events, streams_with: Some(total.streams) }
}

fn streams(contender: &ContenderResult, count: fn(&Tally) -> u64) -> Measured {
    let counts = contender.seeds.iter().map(|seed| count(&seed.tally)).collect();
    let trials = contender.seeds.iter().map(|seed| seed.tally.streams).collect();
    Measured::Events { events: Events { counts, trials, nature: Nature::Streams }, streams_with: None }
}

fn never(contender: &ContenderResult, metric: Metric) -> Measured {
    let counts = contender.seeds.iter().map(|seed| seed.figures[metric.index()].never).collect();
    let trials = contender.seeds.iter().map(|seed| seed.figures[metric.index()].count).collect();
    Measured::Events { events: Events { counts, trials, nature: Nature::Streams }, streams_with: None }
}

fn percentiles(contender: &ContenderResult, metric: Metric, rank: Rank) -> Percentiles {
    let at = rank as usize;
    let p = QUANTILES[at];
    let seeds: Vec<Quantile> = contender.seeds.iter().map(|seed| seed.quantiles[metric.index()][at]).collect();
    let enough = seeds.iter().zip(&contender.seeds).all(|(quantile, seed)| {
        let closings = seed.figures[metric.index()].count;
        let followed = !quantile.cut_off || quantile.value.is_none() || quantile.at_risk >= ABOVE_PERCENTILE;
        p.leaves(ABOVE_PERCENTILE, closings) && followed
    });
    let figures = contender.figures(metric);
    Percentiles {
        seeds,
        pooled: contender.quantiles[metric.index()][at],
        came: figures.count - figures.never,
        enough,
        needed: p.needs(ABOVE_PERCENTILE),
    }
}

fn means(contender: &ContenderResult, sum: fn(&Tally) -> (u64, u64)) -> Measured {
    let mean = |seed: &SeedResult| {
        let (sum, of) = sum(&seed.tally);
        (of > 0).then(|| real(sum) / real(of))
    };
    Measured::Means(contender.seeds.iter().map(mean).collect())
}

fn peaks(contender: &ContenderResult, peak: fn(&SeedResult) -> u64) -> Measured {
    Measured::Peaks(contender.seeds.iter().map(|seed| real(peak(seed))).collect())
}

fn largest(contender: &ContenderResult, peak: fn(&SeedResult) -> u64) -> Measured {
    Measured::Largest(contender.seeds.iter().map(peak).max().unwrap_or(0))
}

/// A pooled percentile in microseconds.
pub(super) fn pooled(quantile: Quantile) -> Option<f64> {
    quantile.value.map(|us: Micros| real(us.get()))
}
