//! Percentiles where some closings were still going on when the run ended.
//!
//! What never came ranks above every value, and that is all there is to say as long as the values in question came sooner than any
//! closing was cut off. Where closings were cut off younger than that, counting them as never would make the percentile too
//! large: then the product-limit estimate (Kaplan & Meier 1958) leaves each in the reckoning up to the age it reached.

use serde::{Deserialize, Serialize};

use crate::ledger::metric::{Percentile, Ranked};
use crate::time::Micros;

/// A percentile for intervals: an exact value, not that of a histogram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantile {
    /// The value; `None` where it falls among closings in which it never came.
    pub value: Option<Micros>,
    /// Whether closings that were cut off earlier changed it.
    pub cut_off: bool,
    /// Closings that were neither over nor cut off just before it.
    pub at_risk: u64,
}

impl Ranked {
    /// The percentile, by the product-limit estimate where closings were cut off too early for a plain rank.
    pub fn quantile(&self, p: Percentile) -> Quantile {
        let plain = self.percentile(p);
        let reach = plain.map_or_else(|| self.values().last().copied().unwrap_or(0), Micros::get);
        let early = self.cut_off().first().is_some_and(|&age| age < reach);
        let value = if early { self.product_limit(p) } else { plain };
        Quantile { value, cut_off: early, at_risk: value.map_or(0, |value| self.at_risk(value.get())) }
    }

    /// The smallest value at which the product-limit estimate of the share still going on has come down to what `p` leaves.
    #[expect(clippy::cast_precision_loss, reason = "there are far fewer than 2^53 closings")]
    fn product_limit(&self, p: Percentile) -> Option<Micros> {
        // What rounding of some thousand factors may add up to.
        const SLACK: f64 = 1e-9;
        let goal = p.above() + SLACK;
        let mut going_on = 1.0;
        for run in self.values().chunk_by(|a, b| a == b) {
            going_on *= 1.0 - run.len() as f64 / self.at_risk(run[0]) as f64;
            if going_on <= goal {
                return Some(Micros::new(run[0]));
            }
        }
        None
    }

    fn at_risk(&self, value: u64) -> u64 {
        let before = |ages: &[u64]| ages.partition_point(|&age| age < value) as u64;
        self.count() - before(self.values()) - before(self.cut_off())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fate::Observed;
    use crate::ledger::metric::Sample;

    fn ranked(values: &[u64], cut_off: &[u64], never: u64) -> Ranked {
        let mut sample = Sample::default();
        for &us in values {
            sample.record(Observed::After(Micros::new(us)));
        }
        for &us in cut_off {
            sample.cut_off(Micros::new(us));
        }
        for _ in 0..never {
            sample.record(Observed::Never);
        }
        sample.sorted()
    }

    #[test]
    fn a_textbook_example_gives_the_textbook_curve() {
        // Kaplan & Meier 1958, section 2: deaths at 0.8, 3.1, 5.4, 9.2, losses at 1.0, 2.7, 7.0, 12.1.
        let sample = ranked(&[8, 31, 54, 92], &[10, 27, 70, 121], 0);
        // The estimate there is 7/8, then 7/8 x 4/5 = 0.7, x 3/4 = 0.525, x 1/2 = 0.2625.
        assert_eq!(sample.quantile(Percentile::P50).value, Some(Micros::new(92)));
        assert_eq!(sample.product_limit(Percentile::of_thousand(125)), Some(Micros::new(8)));
        assert_eq!(sample.product_limit(Percentile::of_thousand(126)), Some(Micros::new(31)));
        assert_eq!(sample.product_limit(Percentile::of_thousand(475)), Some(Micros::new(54)));
        assert_eq!(sample.quantile(Percentile::P90).value, None);
        assert_eq!(sample.percentile(Percentile::P50), Some(Micros::new(92)), "the plain rank, by luck");
        assert_eq!(sample.percentile(Percentile::of_thousand(475)), Some(Micros::new(92)), "and here it is too large");
    }

    #[test]
    fn closings_cut_off_young_do_not_make_a_percentile_larger() {
        let sample = ranked(&[10, 20, 30, 40], &[1, 1, 1, 1], 0);
        assert_eq!(sample.percentile(Percentile::P50), Some(Micros::new(40)));
        let found = sample.quantile(Percentile::P50);
        assert_eq!(found, Quantile { value: Some(Micros::new(20)), cut_off: true, at_risk: 3 });
    }

    #[test]
    fn closings_cut_off_older_than_every_value_count_as_never() {
        for sample in [ranked(&[10, 20, 30, 40], &[40, 41], 0), ranked(&[10, 20, 30, 40], &[], 2)] {
            let p50 = sample.quantile(Percentile::P50);
            assert_eq!((p50.value, p50.cut_off), (Some(Micros::new(30)), false));
            assert_eq!(p50.at_risk, 4, "two with a value, two without");
            assert_eq!(sample.quantile(Percentile::P90), Quantile::default());
        }
    }
}
