//! Distributions of latencies, delays and sizes, drawn with `libm` so that every platform draws the same bits.

use std::sync::Arc;

/// A distribution of a non-negative quantity in its base unit: microseconds for times, bytes for sizes.
#[derive(Clone, Debug, PartialEq)]
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
