//! Quantiles of the distributions that intervals are made of.

use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, Normal, StudentsT};

use super::real;

/// The two-sided t quantile with one degree of freedom less than there are seeds; `None` for one seed.
pub(super) fn t(seeds: usize, level: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, real(seeds as u64) - 1.0).ok()?.inverse_cdf(0.5 + level / 2.0))
}

/// What a normal interval leaves out in both tails together when it is as wide as the t interval of so many seeds.
pub(super) fn widened_alpha(seeds: usize, level: f64) -> Option<f64> {
    Some(2.0 * (1.0 - Normal::standard().cdf(t(seeds, level)?)))
}

/// The quantile of χ² at `p`.
pub(super) fn chi_squared(p: f64, freedom: f64) -> Option<f64> {
    Some(ChiSquared::new(freedom).ok()?.inverse_cdf(p))
}

/// The quantile of the beta distribution at `p`.
pub(super) fn beta(p: f64, a: f64, b: f64) -> Option<f64> {
    Some(Beta::new(a, b).ok()?.inverse_cdf(p))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From printed tables.
    #[test]
    fn quantiles_are_those_of_the_tables() {
        let close = |found: Option<f64>, printed: f64| assert!((found.unwrap() - printed).abs() < 6e-4, "{found:?}");
        close(t(10, 0.95), 2.262);
        close(t(5, 0.95), 2.776);
        close(t(30, 0.99), 2.756);
        close(chi_squared(0.975, 10.0), 20.483);
        close(chi_squared(0.025, 2.0), 0.0506);
        close(beta(0.5, 2.0, 2.0), 0.5);
        assert_eq!(t(1, 0.95), None);
    }
}
