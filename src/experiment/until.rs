//! Seeds until an interval is narrow enough: looked at only when their number has doubled, because each look is a chance to
//! stop by luck (Stein 1945; Chow & Robbins 1965). The intervals then cover somewhat less than they say: 0.94 instead of 0.95
//! on average.

use std::ops::Range;

use crate::experiment::comparison::PointResult;
use crate::experiment::statistics::Interval;
use crate::scenario::measure::Measure;
use crate::scenario::study::{FIRST_SEEDS, Precision};

/// The numbers of seeds at which an interval is looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Looks {
    done: usize,
    most: usize,
}

impl Looks {
    /// Looks up to `most` seeds.
    pub(super) const fn of(most: usize) -> Self {
        Self { done: 0, most }
    }

    /// The seeds to be run before the next look, by their places; `None` when all have been.
    pub(super) fn next_seeds(&mut self) -> Option<Range<usize>> {
        let next = if self.done == 0 { FIRST_SEEDS as usize } else { 2 * self.done }.min(self.most);
        let seeds = self.done..next;
        self.done = next;
        (!seeds.is_empty()).then_some(seeds)
    }
}

/// Whether every strategy is as precise as was asked for. Of one under which it never happened no precision can be asked.
pub fn narrow_enough(point: &PointResult, precision: Precision) -> bool {
    point.contenders.iter().all(|contender| {
        let estimate = point.estimate(precision.measure, contender);
        let never = estimate.value.is_none_or(|value| value == 0.0);
        never || estimate.interval().and_then(|i| i.relative()).is_some_and(|half| half <= precision.relative)
    })
}

/// The strategy whose interval is widest for its estimate, and that interval.
pub(super) fn widest(point: &PointResult, measure: Measure) -> Option<(&str, Interval)> {
    let known = point.contenders.iter().filter_map(|contender| {
        let interval = point.estimate(measure, contender).interval()?;
        Some((contender.strategy.as_str(), interval, interval.relative()?))
    });
    known.max_by(|a, b| a.2.total_cmp(&b.2)).map(|(strategy, interval, _)| (strategy, interval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_double_and_end_at_the_most() {
        let all = |most| {
            let mut looks = Looks::of(most);
            std::iter::from_fn(move || looks.next_seeds()).collect::<Vec<_>>()
        };
        assert_eq!(all(50), [0..10, 10..20, 20..40, 40..50]);
        assert_eq!(all(20), [0..10, 10..20]);
        assert_eq!(all(15), [0..10, 10..15]);
    }
}
