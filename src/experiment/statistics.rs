//! Intervals. The independent unit is the seed, never the stream: streams of one seed share its luck.
//!
//! - [`share`]: exact Poisson limits on the effective count, widened from normal to t (Garwood 1936; Rao & Scott 1992;
//!   Korn & Graubard 1998).
//! - [`difference`]: paired t over seeds; where few seeds show any difference, joined with the interval that MOVER
//!   makes of the two single ones (Donner & Zou 2012), because a t interval of mostly zeros is too narrow.

use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, Normal, StudentsT};

/// Fewer seeds than this give no interval for a share.
pub const SEEDS_FOR_SHARE: usize = 5;
/// Fewer seeds than this give no interval for a difference.
pub const SEEDS_FOR_DIFFERENCE: usize = 10;

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

/// Interval at `level` for counts of one event in each seed, out of `trials` in each; `None` from too few seeds.
pub fn share(counts: &[u64], trials: u64, level: f64) -> Option<Interval> {
    (counts.len() >= SEEDS_FOR_SHARE && trials > 0).then(|| counted(counts, trials, None, level)).flatten()
}

/// Interval at `level` for the mean difference a trial of `b` less `a`, paired by seed; `None` from too few seeds.
///
/// Deaths come in batches: `batches` are the factors by which that widens each count, Σz²/Σz for z things lost by a stream.
pub fn difference(a: &[u64], b: &[u64], batches: [f64; 2], trials: u64, level: f64) -> Option<Interval> {
    let seeds = a.len();
    if seeds < SEEDS_FOR_DIFFERENCE || b.len() != seeds || trials == 0 {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(&a, &b)| (real(b) - real(a)) / real(trials)).collect();
    let paired = paired_t(&differences, level)?;
    let differing = a.iter().zip(b).filter(|(a, b)| a != b).count();
    if differing >= 6.max(seeds / 2) {
        return Some(paired);
    }
    let [a, b] = [counted(a, trials, Some(batches[0]), level)?, counted(b, trials, Some(batches[1]), level)?];
    let mover = mover(a, b);
    Some(Interval { low: paired.low.min(mover.low), high: paired.high.max(mover.high), ..paired })
}

/// Mean and its t interval.
fn paired_t(differences: &[f64], level: f64) -> Option<Interval> {
    let (mean, variance) = moments(differences);
    let half = t(differences.len(), level)? * (variance / real(differences.len() as u64)).sqrt();
    Some(Interval { low: mean - half, estimate: mean, high: mean + half })
}

/// The two-sided t quantile with one degree of freedom less than there are seeds.
fn t(seeds: usize, level: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, real(seeds as u64) - 1.0).ok()?.inverse_cdf(0.5 + level / 2.0))
}

/// Interval for a count by the Poisson limits; for a share (which has no batches) of more than 0.05 by the beta quantiles.
fn counted(counts: &[u64], trials: u64, batches: Option<f64>, level: f64) -> Option<Interval> {
    let values: Vec<f64> = counts.iter().map(|&x| real(x)).collect();
    let (mean, variance) = moments(&values);
    let (total, n) = (values.iter().sum::<f64>(), real(trials) * real(counts.len() as u64));
    let alpha = 2.0 * (1.0 - Normal::standard().cdf(t(counts.len(), level)?));
    let estimate = total / n;
    let (low, high) = if estimate > 0.05 && batches.is_none() {
        let spread = variance / (mean * (1.0 - mean / real(trials)));
        beta_limits(total, n, if spread.is_finite() { spread.max(1.0) } else { 1.0 }, alpha)?
    } else {
        let spread = if mean > 0.0 { variance / mean } else { 1.0 };
        poisson_limits(total, n, spread.max(batches.unwrap_or(1.0)).max(1.0), alpha)?
    };
    Some(Interval { low, estimate, high })
}

/// Limits of `total` events among `n` whose variance is `f` times that of a Poisson count.
fn poisson_limits(total: f64, n: f64, f: f64, alpha: f64) -> Option<(f64, f64)> {
    let quantile = |p: f64, freedom: f64| Some(ChiSquared::new(freedom).ok()?.inverse_cdf(p));
    let effective = total / f;
    let scale = f / (2.0 * n);
    // Below half an effective event the library's quantile stops at its absolute precision.
    let low = if effective < 0.5 { 0.0 } else { scale * quantile(alpha / 2.0, 2.0 * effective)? };
    Some((low, scale * quantile(1.0 - alpha / 2.0, 2.0 * effective + 2.0)?))
}

/// Clopper-Pearson limits on the effective count.
fn beta_limits(total: f64, n: f64, f: f64, alpha: f64) -> Option<(f64, f64)> {
    let (events, trials) = (total / f, n / f);
    let quantile = |p: f64, a: f64, b: f64| Some(Beta::new(a, b).ok()?.inverse_cdf(p));
    let low = quantile(alpha / 2.0, events, trials - events + 1.0)?;
    let high = if trials - events <= 0.0 { 1.0 } else { quantile(1.0 - alpha / 2.0, events + 1.0, trials - events)? };
    Some((low, high))
}

/// The interval of `b` less `a` from the interval of each.
fn mover(a: Interval, b: Interval) -> Interval {
    let estimate = b.estimate - a.estimate;
    let below = libm::hypot(b.estimate - b.low, a.high - a.estimate);
    let above = libm::hypot(b.high - b.estimate, a.estimate - a.low);
    Interval { low: estimate - below, estimate, high: estimate + above }
}

/// Mean and sample variance.
fn moments(values: &[f64]) -> (f64, f64) {
    let n = real(values.len() as u64);
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|x| (x - mean) * (x - mean)).sum();
    (mean, squares / (n - 1.0))
}

#[expect(clippy::cast_precision_loss, reason = "counts of streams and stanzas are far below 2^53")]
fn real(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANY: [u64; 10] = [190, 205, 171, 222, 198, 240, 165, 201, 188, 210];
    const FEW: [u64; 10] = [0, 0, 1, 0, 0, 0, 0, 2, 0, 0];

    /// Poisson limits at 95 %, whatever the share, as the published vectors have them.
    fn q(counts: &[u64]) -> (f64, f64) {
        let values: Vec<f64> = counts.iter().map(|&x| real(x)).collect();
        let (mean, variance) = moments(&values);
        let spread = if mean > 0.0 { (variance / mean).max(1.0) } else { 1.0 };
        let alpha = 2.0 * (1.0 - Normal::standard().cdf(t(counts.len(), 0.95).unwrap()));
        poisson_limits(values.iter().sum(), 2_000.0 * real(counts.len() as u64), spread, alpha).unwrap()
    }

    fn close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 2e-5 * expected.abs(), "{found} is not {expected}");
    }

    #[test]
    fn poisson_limits_meet_the_vectors() {
        for (counts, low, high) in [
            (&[0; 10][..], 0.0, 0.000_221_797),
            (&FEW[..], 1.189_63e-5, 0.000_618_809),
            (&MANY[..], 0.091_663_1, 0.107_814),
            (&[3, 0, 5, 1, 2][..], 0.000_269_685, 0.002_924_92),
        ] {
            let (found_low, found_high) = q(counts);
            close(found_low, low);
            close(found_high, high);
        }
    }

    #[test]
    fn differences_meet_the_vectors() {
        let plain = difference(&FEW, &MANY, [1.0, 1.0], 2_000, 0.95).unwrap();
        close(plain.low, 0.091_293_5);
        close(plain.high, 0.107_406);
        let rare = difference(&[0; 10], &[0, 1, 0, 0, 0, 0, 2, 0, 0, 0], [1.0, 1.0], 2_000, 0.95).unwrap();
        close(rare.low, -0.000_111_279);
        close(rare.high, 0.000_618_809);
    }

    #[test]
    fn too_few_seeds_give_no_interval() {
        assert_eq!(share(&MANY[..4], 2_000, 0.95), None);
        assert_eq!(difference(&FEW[..9], &MANY[..9], [1.0, 1.0], 2_000, 0.95), None);
    }

    #[test]
    fn an_interval_of_a_large_share_stays_below_one() {
        let all = share(&[100; 5], 100, 0.95).unwrap();
        assert!(all.low > 0.98 && all.high <= 1.0, "{all:?}");
        let most = share(&[97, 99, 98, 100, 96], 100, 0.95).unwrap();
        assert!(most.low < 0.98 && most.high < 1.0, "{most:?}");
    }

    #[test]
    fn deaths_in_batches_widen_an_interval() {
        let single = difference(&[0; 10], &FEW, [1.0, 1.0], 2_000, 0.95).unwrap();
        let batch = difference(&[0; 10], &FEW, [1.0, 5.0 / 3.0], 2_000, 0.95).unwrap();
        assert!(batch.high > single.high);
    }
}
