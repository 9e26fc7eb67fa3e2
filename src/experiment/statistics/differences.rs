//! Differences of two strategies, paired by seed: under one seed both see the same traffic and the same network.

use super::events::Events;
use super::means::mean_at;
use super::mover::mover;
use super::{Interval, moments, quantile, real};

/// Fewer seeds that differ at all than this, or than half of them, make plain paired t too narrow.
const DIFFERING: usize = 6;

/// Paired t interval at `level` for the mean of `b` less `a`; `None` for fewer than two seeds or unequal numbers of them.
pub fn paired(a: &[f64], b: &[f64], level: f64) -> Option<Interval> {
    if a.len() != b.len() {
        return None;
    }
    let differences: Vec<f64> = a.iter().zip(b).map(|(a, b)| b - a).collect();
    mean_at(&differences, level)
}

/// The interval of `b` less `a` as if they had not been run on the same seeds: what pairing is compared with.
pub fn unpaired(a: &[f64], b: &[f64], level: f64) -> Option<Interval> {
    if a.len() < 2 || b.len() < 2 {
        return None;
    }
    let ((mean_a, of_a), (mean_b, of_b)) = (moments(a), moments(b));
    let variance = of_a / real(a.len() as u64) + of_b / real(b.len() as u64);
    let half = quantile::t(a.len() + b.len() - 1, level)? * variance.sqrt();
    let estimate = mean_b - mean_a;
    Some(Interval { low: estimate - half, estimate, high: estimate + half })
}

/// The interval at `level` for the events a stream of `b` less those of `a`, and whether MOVER had to help.
pub fn of_events(a: &Events, b: &Events, level: f64) -> Option<(Interval, bool)> {
    let paired = paired(&a.rates()?, &b.rates()?, level)?;
    let differing = a.counts.iter().zip(&b.counts).filter(|(a, b)| a != b).count();
    if differing >= DIFFERING && 2 * differing >= a.counts.len() {
        return Some((paired, false));
    }
    let mover = mover(a.interval_at(level)?.0, b.interval_at(level)?.0);
    Some((Interval { low: paired.low.min(mover.low), high: paired.high.max(mover.high), ..paired }, true))
}

#[cfg(test)]
mod tests {
    use super::super::testing::{FEW, MANY, close, things};
    use super::*;

    #[test]
    fn differences_meet_the_vectors() {
        let (plain, helped) = of_events(&things(&FEW, 1.0), &things(&MANY, 1.0), 0.95).unwrap();
        close(plain.low, 0.091_293_5);
        close(plain.high, 0.107_406);
        assert!(!helped);
        let rare = [0, 1, 0, 0, 0, 0, 2, 0, 0, 0];
        let (rare, helped) = of_events(&things(&[0; 10], 1.0), &things(&rare, 1.0), 0.95).unwrap();
        close(rare.low, -0.000_111_279);
        close(rare.high, 0.000_618_809);
        assert!(helped);
    }

    #[test]
    fn deaths_in_batches_widen_a_difference() {
        let width = |batch| of_events(&things(&[0; 10], 1.0), &things(&FEW, batch), 0.95).unwrap().0.width();
        assert!(width(5.0) > width(1.0));
    }

    #[test]
    fn seeds_that_move_both_sides_alike_cancel() {
        let (a, b) = ([1.0, 5.0, 9.0, 4.0], [2.0, 6.0, 10.0, 5.0]);
        let together = paired(&a, &b, 0.95).unwrap();
        assert_eq!((together.estimate, together.width()), (1.0, 0.0));
        let apart = unpaired(&a, &b, 0.95).unwrap();
        assert!(apart.width() > 10.0, "{apart:?}");
        // Two samples of four: t with six degrees of freedom, 2.44691, and the variance 10.9167 of both.
        close(apart.high - 1.0, 2.446_912 * (2.0 * 10.916_666_7_f64 / 4.0).sqrt());
    }

    #[test]
    fn unequal_numbers_of_seeds_cannot_be_paired() {
        assert_eq!(paired(&[1.0, 2.0], &[1.0, 2.0, 3.0], 0.95), None);
    }
}
