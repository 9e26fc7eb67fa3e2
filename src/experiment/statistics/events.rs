//! Q: exact Poisson limits on the effective count, widened from normal to t (Garwood 1936; Rao & Scott 1992; Korn & Graubard
//! 1998). Shares above 0.05 take the binomial limits of Clopper and Pearson on the effective count instead.
//!
//! The effective count is smaller than the real one by the factor f: by how much seeds differ more than chance alone would have
//! it, or by how much events come in batches, whichever is larger.

use super::{Interval, LEVEL, moments, quantile, real};

/// A larger share has binomial limits.
const LARGE_SHARE: f64 = 0.05;

/// What happened under one strategy, one entry a seed.
#[derive(Clone, Debug, PartialEq)]
pub struct Events {
    /// How often it happened.
    pub counts: Vec<u64>,
    /// Streams in which it could happen.
    pub trials: Vec<u64>,
    /// Whether it could happen more than once in each.
    pub nature: Nature,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Nature {
    /// Streams: at most one event in each.
    Streams,
    /// Things of which a stream may have several.
    Things {
        /// Σz²/Σz with z the things of each stream: 1 where they come alone.
        batch: f64,
    },
}

/// Which limits an interval has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limits {
    /// Q.
    Poisson,
    /// Clopper and Pearson.
    Binomial,
}

impl Events {
    /// All events.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// All streams.
    pub fn trials(&self) -> u64 {
        self.trials.iter().sum()
    }

    /// Events a stream, over all seeds; `None` without streams.
    pub fn rate(&self) -> Option<f64> {
        (self.trials() > 0).then(|| real(self.total()) / real(self.trials()))
    }

    /// Events a stream in each seed; `None` where a seed has no stream.
    pub fn rates(&self) -> Option<Vec<f64>> {
        let rate = |(&count, &trials): (&u64, &u64)| (trials > 0).then(|| real(count) / real(trials));
        self.counts.iter().zip(&self.trials).map(rate).collect()
    }

    /// The interval at [`LEVEL`] with its kind; `None` for one seed. Whether there are enough of them is the caller's matter.
    pub fn interval(&self) -> Option<(Interval, Limits)> {
        self.interval_at(LEVEL)
    }

    pub(super) fn interval_at(&self, level: f64) -> Option<(Interval, Limits)> {
        let estimate = self.rate()?;
        let values: Vec<f64> = self.counts.iter().map(|&x| real(x)).collect();
        let (mean, variance) = moments(&values);
        let (total, n) = (real(self.total()), real(self.trials()));
        let alpha = quantile::widened_alpha(self.counts.len(), level)?;
        let (limits, (low, high)) = match self.nature {
            Nature::Streams if estimate > LARGE_SHARE => {
                let share = mean / (n / real(self.counts.len() as u64));
                (Limits::Binomial, binomial(total, n, factor(variance / (mean * (1.0 - share))), alpha)?)
            }
            Nature::Streams => (Limits::Poisson, poisson(total, n, factor(variance / mean), alpha)?),
            Nature::Things { batch } => {
                (Limits::Poisson, poisson(total, n, factor(variance / mean).max(batch), alpha)?)
            }
        };
        Some((Interval { low, estimate, high }, limits))
    }
}

/// A ratio of variances as a factor: at least 1, also where there is nothing to divide by.
fn factor(ratio: f64) -> f64 {
    if ratio.is_finite() { ratio.max(1.0) } else { 1.0 }
}

/// Limits of `total` events among `n` whose variance is `f` times that of a Poisson count.
fn poisson(total: f64, n: f64, f: f64, alpha: f64) -> Option<(f64, f64)> {
    let effective = total / f;
    let scale = f / (2.0 * n);
    // Below half an effective event the library's quantile stops at its absolute precision.
    let low = if effective < 0.5 { 0.0 } else { scale * quantile::chi_squared(alpha / 2.0, 2.0 * effective)? };
    Some((low, scale * quantile::chi_squared(1.0 - alpha / 2.0, 2.0 * effective + 2.0)?))
}

/// Clopper-Pearson limits on the effective count.
fn binomial(total: f64, n: f64, f: f64, alpha: f64) -> Option<(f64, f64)> {
    let (events, trials) = (total / f, n / f);
    let low = quantile::beta(alpha / 2.0, events, trials - events + 1.0)?;
    let all = trials - events <= 0.0;
    let high = if all { 1.0 } else { quantile::beta(1.0 - alpha / 2.0, events + 1.0, trials - events)? };
    Some((low, high))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FEW, MANY, close, streams, things};
    use super::*;

    #[test]
    fn poisson_limits_meet_the_vectors() {
        for (counts, f, low, high) in [
            (&[0; 10][..], 1.0, 0.0, 0.000_221_797),
            (&FEW[..], 1.518_52, 1.189_63e-5, 0.000_618_809),
            (&MANY[..], 2.520_38, 0.091_663_1, 0.107_814),
            (&[3, 0, 5, 1, 2][..], 1.681_82, 0.000_269_685, 0.002_924_92),
        ] {
            let values: Vec<f64> = counts.iter().map(|&x| real(x)).collect();
            let (mean, variance) = moments(&values);
            close(factor(variance / mean), f);
            let (interval, limits) = things(counts, 1.0).interval().unwrap();
            assert_eq!(limits, Limits::Poisson);
            close(interval.low, low);
            close(interval.high, high);
        }
    }

    #[test]
    fn a_large_share_has_binomial_limits_and_stays_below_one() {
        let of = |counts: &[u64]| streams(counts, 100).interval().unwrap();
        let (all, limits) = of(&[100; 5]);
        assert_eq!(limits, Limits::Binomial);
        assert!(all.low > 0.98 && all.high <= 1.0, "{all:?}");
        let (most, _) = of(&[97, 99, 98, 100, 96]);
        assert!(most.low < 0.98 && most.high < 1.0, "{most:?}");
        assert_eq!(of(&[5; 5]).1, Limits::Poisson, "0.05 is not above 0.05");
    }

    #[test]
    fn deaths_in_batches_widen_an_interval() {
        let width = |batch| things(&FEW, batch).interval().unwrap().0.width();
        assert!(width(3.0) > width(1.0));
        assert_eq!(width(1.2).to_bits(), width(1.0).to_bits(), "seeds differ by more than that already");
    }

    #[test]
    fn without_streams_there_is_nothing_to_say() {
        assert_eq!(streams(&[0, 0], 0).interval(), None);
        assert_eq!(streams(&[0, 0], 0).rates(), None);
    }
}
