//! Intervals. The independent unit is the seed, never the stream: streams of one seed share its luck.
//!
//! - [`events`]: Q, exact limits on the effective count, for shares of streams and for things counted in them.
//! - [`means`]: t over seeds, for percentiles, peaks and sums that are never rare.
//! - [`differences`]: paired t over seeds; where few seeds show any difference, joined with what [`mover`] makes of the two
//!   single intervals, because a t interval of mostly zeros is too narrow.
//!
//! Which of them covers what was found by simulation, and is tried again on this program's own seeds by `scripts/coverage`.
//! What looks better on easy data does not cover here: Wilson and Clopper-Pearson over pooled streams, plain t for rare losses,
//! the bootstrap over seeds, the jackknife.

pub mod differences;
pub mod events;
pub mod means;
pub mod mover;
mod quantile;

/// Fewer seeds than this give no interval for a share of streams.
pub const SEEDS_FOR_SHARE: usize = 5;
/// Fewer seeds than this give no other interval.
pub const SEEDS: usize = 10;
/// Fewer streams with an event than this give no interval for the number of events a stream.
pub const STREAMS_WITH_EVENTS: u64 = 10;
/// A percentile of one seed counts if it leaves at least this many closings above it.
pub const ABOVE_PERCENTILE: u64 = 20;
/// The level of a single interval, and of all differences at one sweep point together.
pub const LEVEL: f64 = 0.95;

/// An estimate between two limits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// Lower limit.
    pub low: f64,
    /// The estimate.
    pub estimate: f64,
    /// Upper limit.
    pub high: f64,
}

impl Interval {
    /// From limit to limit.
    pub fn width(&self) -> f64 {
        self.high - self.low
    }

    /// The larger half of the width as a share of the estimate; `None` where the estimate is 0.
    pub fn relative(&self) -> Option<f64> {
        let half = (self.estimate - self.low).max(self.high - self.estimate);
        (self.estimate != 0.0).then(|| half / self.estimate.abs())
    }
}

/// The level of each of the differences of `strategies` from one of them, so that all of them hold together at [`LEVEL`]
/// (Bonferroni).
pub fn level_of_each(strategies: usize) -> f64 {
    1.0 - (1.0 - LEVEL) / real(strategies.saturating_sub(1).max(1) as u64)
}

/// Mean and sample variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = real(values.len() as u64);
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, squares / (n - 1.0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of streams, stanzas and microseconds are far below 2^53")]
pub(super) fn real(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod testing {
    //! Counts of the published test vectors, 2,000 streams a seed.

    use super::events::{Events, Nature};

    pub(super) const MANY: [u64; 10] = [190, 205, 171, 222, 198, 240, 165, 201, 188, 210];
    pub(super) const FEW: [u64; 10] = [0, 0, 1, 0, 0, 0, 0, 2, 0, 0];

    pub(super) fn things(counts: &[u64], batch: f64) -> Events {
        Events { counts: counts.to_vec(), trials: vec![2_000; counts.len()], nature: Nature::Things { batch } }
    }

    pub(super) fn streams(counts: &[u64], of: u64) -> Events {
        Events { counts: counts.to_vec(), trials: vec![of; counts.len()], nature: Nature::Streams }
    }

    pub(super) fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 2e-5 * expected.abs(), "{found} is not {expected}");
    }
}
