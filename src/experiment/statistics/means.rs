//! Mean over seeds with its t interval.

use super::{Interval, LEVEL, moments, quantile, real};

/// The interval at [`LEVEL`]; `None` for fewer than two seeds.
pub fn mean(values: &[f64]) -> Option<Interval> {
    mean_at(values, LEVEL)
}

pub(super) fn mean_at(values: &[f64], level: f64) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let (mean, variance) = moments(values);
    let half = quantile::t(values.len(), level)? * (variance / real(values.len() as u64)).sqrt();
    Some(Interval { low: mean - half, estimate: mean, high: mean + half })
}

#[cfg(test)]
mod tests {
    use super::super::testing::close;
    use super::*;

    #[test]
    fn it_is_the_interval_of_the_textbook() {
        // Mean 5, standard deviation 2, t = 3.18245 with three degrees of freedom.
        let found = mean(&[3.0, 4.0, 5.0, 8.0]).unwrap();
        let half = 3.182_446 * (14.0_f64 / 3.0).sqrt() / 2.0;
        close(found.estimate, 5.0);
        close(found.low, 5.0 - half);
        close(found.high, 5.0 + half);
        assert_eq!(mean(&[1.0]), None);
    }
}
