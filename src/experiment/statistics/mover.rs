//! MOVER: the interval of a difference from the interval of each side (Donner & Zou 2012).

use super::Interval;

/// The interval of `b` less `a`.
pub fn mover(a: Interval, b: Interval) -> Interval {
    let estimate = b.estimate - a.estimate;
    let below = libm::hypot(b.estimate - b.low, a.high - a.estimate);
    let above = libm::hypot(b.high - b.estimate, a.estimate - a.low);
    Interval { low: estimate - below, estimate, high: estimate + above }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_add_up_like_the_sides_of_a_right_angle() {
        let a = Interval { low: 1.0, estimate: 4.0, high: 8.0 };
        let b = Interval { low: 7.0, estimate: 10.0, high: 14.0 };
        assert_eq!(mover(a, b), Interval { low: 1.0, estimate: 6.0, high: 11.0 });
    }
}
