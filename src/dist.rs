//! Distributions of latencies, delays and sizes, drawn with `libm` so that every platform draws the same bits.
//!
//! Where the quantile function has a closed form it is inverted (one uniform draw a value); a normal value costs two
//! uniform draws (Box and Muller 1958, the sine half thrown away, so that a generator's state is all there is to
//! remember), a gamma value as many as Marsaglia and Tsang (2000) need.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::rng::Rng;
use crate::time::Micros;

/// A distribution of a non-negative quantity in its base unit: microseconds for times, bytes for sizes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Distribution {
    /// Always the same value.
    Constant(f64),
    /// Uniform between two values.
    Uniform {
        /// Smallest value.
        low: f64,
        /// Largest value.
        high: f64,
    },
    /// Exponential with the given mean.
    Exponential {
        /// Mean.
        mean: f64,
    },
    /// Normal, truncated at zero (drawn again while negative).
    Normal {
        /// Mean of the untruncated distribution.
        mean: f64,
        /// Standard deviation of the untruncated distribution.
        sd: f64,
    },
    /// Log-normal: the logarithm is normal.
    LogNormal {
        /// Median, the exponential of the logarithm's mean.
        median: f64,
        /// Standard deviation of the logarithm, a plain number.
        sigma: f64,
    },
    /// Gamma.
    Gamma {
        /// Shape, a plain number.
        shape: f64,
        /// Mean (shape times scale).
        mean: f64,
    },
    /// Pareto (type I).
    Pareto {
        /// Smallest possible value (scale).
        minimum: f64,
        /// Tail index, a plain number; the mean is infinite at 1 and below.
        shape: f64,
    },
    /// Weibull.
    Weibull {
        /// Scale.
        scale: f64,
        /// Shape, a plain number.
        shape: f64,
    },
    /// Values drawn with equal probability from a list, as read from a file.
    Empirical(Arc<[f64]>),
}

impl Distribution {
    /// The length `d`, always.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    pub const fn always(d: Micros) -> Self {
        Self::Constant(d.get() as f64)
    }

    /// A uniform random part of the length `d`.
    #[expect(clippy::cast_precision_loss, reason = "exact up to 285 years")]
    pub const fn part_of(d: Micros) -> Self {
        Self::Uniform { low: 0.0, high: d.get() as f64 }
    }

    /// One value, never negative, in the base unit.
    ///
    /// Constants draw nothing from `rng`. Parameters are taken to be legal (positive shapes, scales and lists; a
    /// normal mean that is not negative): a scenario checks that.
    pub fn draw(&self, rng: &mut Rng) -> f64 {
        match *self {
            Self::Constant(value) => value,
            Self::Uniform { low, high } => low + (high - low) * rng.unit(),
            Self::Exponential { mean } => mean * standard_exponential(rng),
            Self::Normal { mean, sd } => truncated_normal(mean, sd, rng),
            Self::LogNormal { median, sigma } => median * libm::exp(sigma * standard_normal(rng)),
            Self::Gamma { shape, mean } => mean / shape * standard_gamma(shape, rng),
            Self::Pareto { minimum, shape } => minimum * libm::exp(standard_exponential(rng) / shape),
            Self::Weibull { scale, shape } => scale * libm::pow(standard_exponential(rng), 1.0 / shape),
            Self::Empirical(ref values) => pick(values, rng),
        }
    }

    /// One length of time, rounded once to the nearest microsecond. What is too long to count is the longest length.
    pub fn draw_micros(&self, rng: &mut Rng) -> Micros {
        Micros::new(to_integer(self.draw(rng)))
    }

    /// The mean in the base unit, infinite where the integral does not converge.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Constant(value) => value,
            Self::Uniform { low, high } => f64::midpoint(low, high),
            Self::Exponential { mean } | Self::Gamma { mean, .. } => mean,
            Self::Normal { mean, sd } => truncated_normal_mean(mean, sd),
            Self::LogNormal { median, sigma } => median * libm::exp(sigma * sigma / 2.0),
            Self::Pareto { shape, .. } if shape <= 1.0 => f64::INFINITY,
            Self::Pareto { minimum, shape } => minimum * shape / (shape - 1.0),
            Self::Weibull { scale, shape } => scale * libm::tgamma(1.0 + 1.0 / shape),
            Self::Empirical(ref values) => values.iter().sum::<f64>() / length(values),
        }
    }
}

/// Exponential with mean one, by inversion.
fn standard_exponential(rng: &mut Rng) -> f64 {
    -libm::log(rng.positive_unit())
}

/// Normal with mean zero and standard deviation one: two uniform draws, always.
fn standard_normal(rng: &mut Rng) -> f64 {
    let radius = libm::sqrt(2.0 * standard_exponential(rng));
    radius * libm::cos(2.0 * std::f64::consts::PI * rng.unit())
}

/// Draws again while negative. With a mean of zero or more every second draw is accepted on average; the bound is
/// there so that no parameter, however wrong, can hang a run.
fn truncated_normal(mean: f64, sd: f64, rng: &mut Rng) -> f64 {
    const DRAWS_MAX: u32 = 1_000;
    for _ in 0..DRAWS_MAX {
        let value = mean + sd * standard_normal(rng);
        if value >= 0.0 {
            return value;
        }
    }
    0.0
}

/// Mean of a normal distribution given that it is not negative: `mean + sd * density / survival` at zero.
fn truncated_normal_mean(mean: f64, sd: f64) -> f64 {
    if sd <= 0.0 {
        return mean;
    }
    let zero = -mean / sd;
    let density = libm::exp(-zero * zero / 2.0) / libm::sqrt(2.0 * std::f64::consts::PI);
    let survival = libm::erfc(zero / std::f64::consts::SQRT_2) / 2.0;
    mean + sd * density / survival
}

/// Gamma with scale one (Marsaglia and Tsang, "A simple method for generating gamma variables", 2000); below shape one
/// by way of the next higher shape (their section 6).
fn standard_gamma(shape: f64, rng: &mut Rng) -> f64 {
    if shape < 1.0 {
        let boost = libm::exp(-standard_exponential(rng) / shape);
        return boost * standard_gamma(shape + 1.0, rng);
    }
    let d = shape - 1.0 / 3.0;
    let c = 1.0 / libm::sqrt(9.0 * d);
    loop {
        let x = standard_normal(rng);
        let v = (1.0 + c * x) * (1.0 + c * x) * (1.0 + c * x);
        let log_u = -standard_exponential(rng);
        if v > 0.0 && log_u < 0.5 * x * x + d - d * v + d * libm::log(v) {
            return d * v;
        }
    }
}

/// One of the values, each with equal probability; zero from an empty list.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below the list's length")]
fn pick(values: &[f64], rng: &mut Rng) -> f64 {
    let index = (rng.unit() * length(values)) as usize;
    values.get(index).copied().unwrap_or(0.0)
}

#[expect(clippy::cast_precision_loss, reason = "no list has 2^53 values")]
fn length(values: &[f64]) -> f64 {
    values.len() as f64
}

/// The nearest integer: what is not a number or negative is zero, what is too large the largest.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is wanted"
)]
pub(crate) fn to_integer(value: f64) -> u64 {
    value.round() as u64
}

#[cfg(test)]
mod tests {
    use std::f64::consts::{LN_2, LN_10};

    use super::*;
    use crate::rng::Purpose;

    const DRAWS: u32 = 200_000;

    fn sorted_draws(distribution: &Distribution) -> Vec<f64> {
        let mut rng = Rng::new(7, 11, Purpose::Behaviour);
        let mut values: Vec<f64> = (0..DRAWS).map(|_| distribution.draw(&mut rng)).collect();
        values.sort_by(f64::total_cmp);
        values
    }

    fn mean_and_variance(values: &[f64]) -> (f64, f64) {
        let n = f64::from(DRAWS);
        let mean = values.iter().sum::<f64>() / n;
        (mean, values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n)
    }

    /// Mean, variance (where given) and quantiles of 200,000 draws, each within `slack` of its true value.
    fn check(distribution: &Distribution, variance: Option<f64>, quantiles: &[(f64, f64)], slack: f64) {
        let values = sorted_draws(distribution);
        let (mean, spread) = mean_and_variance(&values);
        let near = |what: &str, found: f64, expected: f64| {
            let error = (found - expected).abs() / expected.abs().max(1e-9);
            assert!(error < slack, "{distribution:?}: {what} is {found}, should be near {expected}");
        };
        if distribution.mean().is_finite() {
            near("mean", mean, distribution.mean());
        }
        if let Some(variance) = variance {
            near("variance", spread, variance);
        }
        for &(p, expected) in quantiles {
            let index = to_integer(p * f64::from(DRAWS));
            near(&format!("quantile {p}"), values[usize::try_from(index).unwrap()], expected);
        }
    }

    #[test]
    fn constants_draw_nothing() {
        let mut rng = Rng::new(1, 1, Purpose::Behaviour);
        let mut untouched = rng.clone();
        assert_eq!(Distribution::always(Micros::from_millis(20)).draw_micros(&mut rng), Micros::from_millis(20));
        assert_eq!(rng.next_u64(), untouched.next_u64());
    }

    #[test]
    fn uniform_values_fill_their_range() {
        let d = Distribution::Uniform { low: 2.0, high: 5.0 };
        check(&d, Some(9.0 / 12.0), &[(0.1, 2.3), (0.5, 3.5), (0.9, 4.7)], 0.01);
        let values = sorted_draws(&d);
        assert!(values[0] >= 2.0 && values[values.len() - 1] < 5.0);
    }

    #[test]
    fn exponential_values_have_their_quantiles() {
        let d = Distribution::Exponential { mean: 4.0 };
        check(&d, Some(16.0), &[(0.5, 4.0 * LN_2), (0.9, 4.0 * LN_10), (0.99, 8.0 * LN_10)], 0.02);
    }

    #[test]
    fn normal_values_far_from_zero_are_plain_normal() {
        let d = Distribution::Normal { mean: 100.0, sd: 5.0 };
        check(&d, Some(25.0), &[(0.025, 90.2), (0.5, 100.0), (0.975, 109.8)], 0.01);
    }

    #[test]
    fn normal_values_near_zero_are_cut_off_there() {
        // Half normal: mean sqrt(2/pi), variance 1 - 2/pi, median 0.67449.
        let d = Distribution::Normal { mean: 0.0, sd: 1.0 };
        assert!((d.mean() - 0.797_884_56).abs() < 1e-8);
        check(&d, Some(0.363_380_2), &[(0.5, 0.674_49), (0.95, 1.959_96)], 0.015);
        assert!(sorted_draws(&d)[0] >= 0.0);
    }

    #[test]
    fn a_normal_that_is_hardly_ever_positive_still_ends() {
        let mut rng = Rng::new(1, 1, Purpose::Behaviour);
        assert!(Distribution::Normal { mean: -1e9, sd: 1.0 }.draw(&mut rng) >= 0.0);
        assert!((Distribution::Normal { mean: 3.0, sd: 0.0 }.mean() - 3.0).abs() < 1e-12);
    }

    #[test]
    fn log_normal_values_have_their_median_and_spread() {
        let sigma: f64 = 0.5;
        let variance = (libm::exp(0.25) - 1.0) * libm::exp(0.25) * 900.0;
        let d = Distribution::LogNormal { median: 30.0, sigma };
        check(
            &d,
            Some(variance),
            &[(0.5, 30.0), (0.8413, 30.0 * libm::exp(sigma)), (0.1587, 30.0 / libm::exp(sigma))],
            0.03,
        );
    }

    #[test]
    fn gamma_values_have_their_quantiles_above_and_below_shape_one() {
        // Shape 2, scale 2 is chi-square with 4 degrees of freedom; shape 0.5, scale 2 with one.
        let wide = Distribution::Gamma { shape: 2.0, mean: 4.0 };
        check(&wide, Some(8.0), &[(0.5, 3.356_69), (0.95, 9.487_73)], 0.02);
        let steep = Distribution::Gamma { shape: 0.5, mean: 1.0 };
        check(&steep, Some(2.0), &[(0.5, 0.454_94), (0.95, 3.841_46)], 0.03);
    }

    #[test]
    fn pareto_values_have_their_quantiles_and_perhaps_no_mean() {
        let d = Distribution::Pareto { minimum: 10.0, shape: 3.0 };
        check(&d, None, &[(0.5, 10.0 * libm::pow(2.0, 1.0 / 3.0)), (0.99, 10.0 * libm::pow(100.0, 1.0 / 3.0))], 0.02);
        assert!((d.mean() - 15.0).abs() < 1e-9);
        assert!(Distribution::Pareto { minimum: 1.0, shape: 1.0 }.mean().is_infinite());
    }

    #[test]
    fn weibull_values_have_their_quantiles() {
        // Shape 2 is the Rayleigh distribution: variance scale^2 (1 - pi/4).
        let d = Distribution::Weibull { scale: 2.0, shape: 2.0 };
        let variance = 4.0 * (1.0 - std::f64::consts::FRAC_PI_4);
        check(&d, Some(variance), &[(0.5, 2.0 * 0.832_555), (0.9, 2.0 * 1.517_427)], 0.015);
    }

    #[test]
    fn empirical_values_come_with_equal_probability() {
        let d = Distribution::Empirical(Arc::from([1.0, 2.0, 3.0, 10.0]));
        check(&d, Some(12.5), &[(0.24, 1.0), (0.26, 2.0), (0.74, 3.0), (0.76, 10.0)], 0.01);
    }

    #[test]
    fn lengths_are_rounded_once_and_never_wrap() {
        let mut rng = Rng::new(1, 1, Purpose::Behaviour);
        let mut length = |us: f64| Distribution::Constant(us).draw_micros(&mut rng).get();
        assert_eq!([length(1.4), length(1.5), length(-3.0), length(f64::NAN)], [1, 2, 0, 0]);
        assert_eq!(length(f64::INFINITY), u64::MAX);
    }

    #[test]
    fn the_first_draws_are_pinned() {
        let mut rng = Rng::new(3, 5, Purpose::Behaviour);
        let pinned: Vec<u64> = [
            Distribution::Exponential { mean: 1e6 },
            Distribution::Normal { mean: 1e6, sd: 1e5 },
            Distribution::LogNormal { median: 1e6, sigma: 1.0 },
            Distribution::Gamma { shape: 0.7, mean: 1e6 },
            Distribution::Pareto { minimum: 1e6, shape: 1.5 },
            Distribution::Weibull { scale: 1e6, shape: 0.5 },
        ]
        .iter()
        .map(|d| d.draw_micros(&mut rng).get())
        .collect();
        assert_eq!(pinned, [3_200_635, 1_040_993, 262_163, 1_134_864, 3_036_644, 114_355]);
    }
}
