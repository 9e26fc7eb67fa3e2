//! What can be said of one measure under one strategy, and of its difference from the reference: estimates, intervals where
//! enough is known for them, and why not where it is not. A pure function of what the cells left.

use crate::experiment::comparison::ContenderResult;
use crate::experiment::measured::{Measured, Percentiles, pooled, streams_of};
use crate::experiment::statistics::differences::{of_events, paired, unpaired};
use crate::experiment::statistics::events::{Events, Limits};
use crate::experiment::statistics::means::mean;
use crate::experiment::statistics::{Interval, SEEDS, SEEDS_FOR_SHARE, STREAMS_WITH_EVENTS, level_of_each, real};
use crate::scenario::measure::Measure;

/// A measure under a strategy.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    /// What is measured.
    pub measure: Measure,
    /// The number; `None` where there is nothing to take it of, or a percentile falls among closings in which it never came.
    pub value: Option<f64>,
    /// Its limits, or why there are none.
    pub limits: Result<(f64, f64), Gap>,
    /// How number and limits were made.
    pub method: Method,
    /// How it differs from the reference; `None` for the reference itself.
    pub difference: Option<Difference>,
    /// Seeds.
    pub seeds: usize,
    /// Streams or closings that it is about, over all seeds.
    pub streams: u64,
    /// Events that were counted; for a percentile, the closings in which it came.
    pub events: Option<u64>,
}

/// A strategy less the reference.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The number; `None` where one of the two has none.
    pub value: Option<f64>,
    /// Its limits, or why there are none.
    pub limits: Result<(f64, f64), Gap>,
    /// The strategy's number divided by that of the reference, where that is surely above 0.
    pub ratio: Option<f64>,
    /// Whether the limits are joined with those that MOVER makes, because few seeds show any difference.
    pub joined: bool,
    /// Width of the interval that the same seeds would give if the strategies had not shared them.
    pub unpaired_width: Option<f64>,
}

/// How a number and its limits were made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Over all streams; Q.
    Poisson,
    /// Over all streams; Clopper and Pearson on the effective count.
    Binomial,
    /// Mean over seeds; no limits.
    Mean,
    /// Mean over seeds; t.
    MeanOfSeeds,
    /// The same of product-limit percentiles (Kaplan and Meier).
    MeanOfProductLimits,
    /// Over all streams; no limits.
    Pooled,
    /// Over all closings by the product-limit estimate; no limits.
    PooledProductLimit,
    /// The largest of all seeds; no limits.
    Largest,
}

/// Why there are no limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// Too few seeds.
    Seeds {
        /// So many are needed.
        needed: usize,
    },
    /// Too few streams in each seed.
    Streams {
        /// So many are needed.
        needed: u64,
    },
    /// Too few streams in which it happened.
    Events {
        /// It happened in so many.
        streams: u64,
    },
    /// It falls among closings in which it never came.
    Never,
    /// A largest value has none.
    Largest,
    /// There was nothing to measure.
    Nothing,
}

impl Method {
    /// As in the `method` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Poisson => "Q",
            Self::Binomial => "Clopper-Pearson",
            Self::Mean => "mean",
            Self::MeanOfSeeds => "t",
            Self::MeanOfProductLimits => "Kaplan-Meier t",
            Self::Pooled => "pooled",
            Self::PooledProductLimit => "Kaplan-Meier pooled",
            Self::Largest => "largest",
        }
    }
}

impl Estimate {
    /// The interval, if there is one.
    pub fn interval(&self) -> Option<Interval> {
        let (estimate, (low, high)) = (self.value?, self.limits.ok()?);
        Some(Interval { low, estimate, high })
    }

    /// The `method` column: how the number was made, then how its difference was.
    pub fn method_text(&self) -> String {
        let difference = match &self.difference {
            Some(difference) if difference.limits.is_ok() && difference.joined => " / paired t or MOVER",
            Some(difference) if difference.limits.is_ok() => " / paired t",
            _ => "",
        };
        format!("{}{difference}", self.method.name())
    }
}

impl Difference {
    /// The interval, if there is one.
    pub fn interval(&self) -> Option<Interval> {
        let (estimate, (low, high)) = (self.value?, self.limits.ok()?);
        Some(Interval { low, estimate, high })
    }
}

/// Estimates a measure under `contender`, and its difference from `reference`, which is one of so many `strategies`.
pub fn estimate(
    measure: Measure,
    contender: &ContenderResult,
    reference: Option<&ContenderResult>,
    strategies: usize,
) -> Estimate {
    let measured = Measured::of(measure, contender);
    let (value, limits, method) = alone(&measured, contender.seeds.len());
    let difference = reference.map(|reference| {
        let other = Measured::of(measure, reference);
        let base = alone(&other, reference.seeds.len());
        let mut difference = difference(&other, &measured, contender.seeds.len(), level_of_each(strategies));
        let surely = base.1.is_ok_and(|(low, _)| low > 0.0);
        difference.ratio = base.0.zip(value).filter(|_| surely).map(|(base, value)| value / base);
        difference
    });
    Estimate {
        measure,
        value,
        limits,
        method,
        difference,
        seeds: contender.seeds.len(),
        streams: streams_of(measure, &contender.total),
        events: measured.happened(),
    }
}

type Alone = (Option<f64>, Result<(f64, f64), Gap>, Method);

fn alone(measured: &Measured, seeds: usize) -> Alone {
    match measured {
        Measured::Events { events, streams_with } => of_one_kind(events, *streams_with, seeds),
        Measured::Percentile(percentiles) => percentile(percentiles, seeds),
        Measured::Means(None) => (None, Err(Gap::Nothing), Method::Pooled),
        Measured::Means(Some(values)) | Measured::Peaks(values) => {
            let value = values.iter().sum::<f64>() / real(values.len() as u64);
            let limits = mean_limits(values, seeds);
            (Some(value), limits, if limits.is_ok() { Method::MeanOfSeeds } else { Method::Mean })
        }
        Measured::Largest(value) => (Some(real(*value)), Err(Gap::Largest), Method::Largest),
    }
}

/// t limits, which would reach below 0 where the number cannot.
fn mean_limits(values: &[f64], seeds: usize) -> Result<(f64, f64), Gap> {
    if seeds < SEEDS {
        return Err(Gap::Seeds { needed: SEEDS });
    }
    let interval = mean(values).ok_or(Gap::Nothing)?;
    Ok((interval.low.max(0.0), interval.high))
}

fn of_one_kind(events: &Events, streams_with: Option<u64>, seeds: usize) -> Alone {
    let Some(rate) = events.rate() else { return (None, Err(Gap::Nothing), Method::Pooled) };
    let needed = if streams_with.is_some() { SEEDS } else { SEEDS_FOR_SHARE };
    let gap = match streams_with {
        _ if seeds < needed => Some(Gap::Seeds { needed }),
        Some(streams) if streams < STREAMS_WITH_EVENTS => Some(Gap::Events { streams }),
        _ => None,
    };
    match (gap, events.interval()) {
        (Some(gap), _) => (Some(rate), Err(gap), Method::Pooled),
        (None, None) => (Some(rate), Err(Gap::Nothing), Method::Pooled),
        (None, Some((interval, Limits::Poisson))) => (Some(rate), Ok((interval.low, interval.high)), Method::Poisson),
        (None, Some((interval, Limits::Binomial))) => (Some(rate), Ok((interval.low, interval.high)), Method::Binomial),
    }
}

fn percentile(percentiles: &Percentiles, seeds: usize) -> Alone {
    let together = |gap| {
        let method = if percentiles.pooled.cut_off { Method::PooledProductLimit } else { Method::Pooled };
        (pooled(percentiles.pooled), Err(gap), method)
    };
    if seeds < SEEDS {
        return together(Gap::Seeds { needed: SEEDS });
    }
    if !percentiles.enough {
        return together(Gap::Streams { needed: percentiles.needed });
    }
    // A seed whose percentile falls among closings in which it never came has an infinite one, and so has their mean.
    let Some(interval) = percentiles.values().and_then(|values| mean(&values)) else { return together(Gap::Never) };
    let cut_off = percentiles.seeds.iter().any(|seed| seed.cut_off);
    let method = if cut_off { Method::MeanOfProductLimits } else { Method::MeanOfSeeds };
    (Some(interval.estimate), Ok((interval.low.max(0.0), interval.high)), method)
}

/// `b` less `a`.
fn difference(a: &Measured, b: &Measured, seeds: usize, level: f64) -> Difference {
    match (a, b) {
        (Measured::Events { events: a, .. }, Measured::Events { events: b, .. }) => {
            let (Some(of_a), Some(of_b)) = (a.rates(), b.rates()) else { return no_difference(None, Gap::Nothing) };
            let joined = (seeds >= SEEDS).then(|| of_events(a, b, level)).flatten();
            with_limits(&of_a, &of_b, level, joined.ok_or(Gap::Seeds { needed: SEEDS }))
        }
        (Measured::Percentile(a), Measured::Percentile(b)) => of_percentiles(a, b, seeds, level),
        (Measured::Means(Some(a)), Measured::Means(Some(b))) | (Measured::Peaks(a), Measured::Peaks(b)) => {
            let limits = (seeds >= SEEDS).then(|| paired(a, b, level)).flatten().map(|interval| (interval, false));
            with_limits(a, b, level, limits.ok_or(Gap::Seeds { needed: SEEDS }))
        }
        (Measured::Largest(a), Measured::Largest(b)) => no_difference(Some(real(*b) - real(*a)), Gap::Largest),
        _ => no_difference(None, Gap::Nothing),
    }
}

fn of_percentiles(a: &Percentiles, b: &Percentiles, seeds: usize, level: f64) -> Difference {
    let together = pooled(a.pooled).zip(pooled(b.pooled)).map(|(a, b)| b - a);
    if seeds < SEEDS {
        return no_difference(together, Gap::Seeds { needed: SEEDS });
    }
    if !(a.enough && b.enough) {
        return no_difference(together, Gap::Streams { needed: a.needed });
    }
    let (Some(a), Some(b)) = (a.values(), b.values()) else { return no_difference(together, Gap::Never) };
    with_limits(&a, &b, level, paired(&a, &b, level).map(|interval| (interval, false)).ok_or(Gap::Nothing))
}

fn no_difference(value: Option<f64>, gap: Gap) -> Difference {
    Difference { value, limits: Err(gap), ratio: None, joined: false, unpaired_width: None }
}

/// The mean of the per-seed differences with these limits.
fn with_limits(a: &[f64], b: &[f64], level: f64, limits: Result<(Interval, bool), Gap>) -> Difference {
    let sum: f64 = a.iter().zip(b).map(|(a, b)| b - a).sum();
    let value = (!a.is_empty()).then(|| sum / real(a.len() as u64));
    Difference {
        value,
        limits: limits.map(|(interval, _)| (interval.low, interval.high)),
        ratio: None,
        joined: limits.is_ok_and(|(_, joined)| joined),
        unpaired_width: limits.ok().and_then(|_| unpaired(a, b, level)).map(|interval| interval.width()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::testing::compared;
    use crate::scenario::measure::{Rank, Stage};

    /// `measure` of the second strategy of a made-up run.
    fn second(measure: Measure, seeds: u64, peers: u32) -> Estimate {
        let comparison = compared(&["handshake", "timeout-error"], seeds, peers);
        let point = &comparison.points[0];
        estimate(measure, &point.contenders[1], Some(&point.contenders[0]), 2)
    }

    const P50: Measure = Measure::Time(Stage::Notice, Rank::P50);

    #[test]
    fn few_seeds_have_numbers_without_limits() {
        for seeds in [1, 4] {
            for measure in Measure::all() {
                let found = second(measure, seeds, 200);
                assert!(found.limits.is_err(), "{} of {seeds} seeds: {:?}", measure.name(), found.limits);
                let difference = found.difference.unwrap();
                assert!(difference.limits.is_err() && difference.ratio.is_none());
            }
        }
    }

    #[test]
    fn shares_have_limits_from_five_seeds_on_and_all_else_from_ten() {
        assert!(second(Measure::StreamsWithLoss, 5, 200).interval().is_some());
        assert_eq!(second(Measure::Lost, 9, 200).limits, Err(Gap::Seeds { needed: 10 }));
        assert_eq!(second(P50, 9, 200).limits, Err(Gap::Seeds { needed: 10 }));
        let lost = second(Measure::Lost, 10, 200);
        assert_eq!(lost.method_text(), "Q / paired t");
        let interval = lost.interval().unwrap();
        assert!(0.19 < interval.low && interval.low < 0.223 && 0.223 < interval.high, "{interval:?}");
        let difference = lost.difference.unwrap();
        assert!(difference.ratio.is_none(), "the reference lost nothing");
        assert_eq!(difference.value, lost.value, "paired with zeros");
    }

    #[test]
    fn a_percentile_needs_streams_enough_above_it() {
        assert_eq!(second(P50, 10, 38).limits, Err(Gap::Streams { needed: 40 }));
        assert!(second(P50, 10, 40).interval().is_some());
        let p99 = second(Measure::Time(Stage::Teardown, Rank::P99), 10, 200);
        assert_eq!((p99.limits, p99.method), (Err(Gap::Streams { needed: 2_000 }), Method::Pooled));
        assert!(p99.value.is_some());
    }

    #[test]
    fn a_percentile_among_closings_that_never_came_is_empty() {
        // Every tenth peer never notices.
        let p99 = second(Measure::Time(Stage::Notice, Rank::P99), 10, 2_000);
        assert_eq!((p99.value, p99.limits), (None, Err(Gap::Never)));
        let never = second(Measure::Never(Stage::Notice), 10, 2_000);
        assert!((never.value.unwrap() - 0.1).abs() < 0.01 && never.method == Method::Binomial);
    }

    #[test]
    fn few_streams_with_loss_are_counted_and_no_more() {
        let comparison = compared(&["handshake", "timeout-error"], 10, 200);
        let spotless = estimate(Measure::Lost, &comparison.points[0].contenders[0], None, 2);
        assert_eq!((spotless.value, spotless.events), (Some(0.0), Some(0)));
        assert_eq!(spotless.limits, Err(Gap::Events { streams: 0 }));
    }

    #[test]
    fn more_strategies_make_each_difference_wider() {
        let comparison = compared(&["handshake", "timeout-error"], 10, 200);
        let [a, b] = &comparison.points[0].contenders[..] else { panic!("two strategies") };
        let width = |k| estimate(Measure::Lost, b, Some(a), k).difference.unwrap().interval().unwrap().width();
        assert!(width(5) > 1.2 * width(2), "{} {}", width(5), width(2));
    }
}
