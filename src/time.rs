//! Simulated time: integer microseconds, as two types that cannot be confused.
//!
//! [`SimTime`] is an instant since the start of the run, [`Micros`] a length of time. The difference of two
//! instants is a length; two instants cannot be added. Nothing here knows a real clock.

use std::fmt;
use std::ops::{Add, AddAssign, Mul, Sub};

use serde::{Deserialize, Serialize};

/// An instant of a run: microseconds since its start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SimTime(u64);

/// A length of simulated time in microseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Micros(u64);

impl SimTime {
    /// The start of a run.
    pub const ZERO: Self = Self(0);
    /// Later than any event: the instant of what never happens.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `us` microseconds after the start.
    pub const fn from_micros(us: u64) -> Self {
        Self(us)
    }

    /// Microseconds since the start.
    pub const fn as_micros(self) -> u64 {
        self.0
    }

    /// Time since `earlier`, zero if `earlier` is in fact later.
    pub const fn since(self, earlier: Self) -> Micros {
        Micros(self.0.saturating_sub(earlier.0))
    }

    /// The instant so much later, or earlier if `by` is negative; not before the start.
    #[must_use]
    pub const fn moved(self, by: Shift) -> Self {
        Self(self.0.saturating_add_signed(by.0))
    }
}

/// A change of a clock in microseconds: forward, or back if it is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shift(i64);

impl Shift {
    /// A change by `us` microseconds.
    pub const fn new(us: i64) -> Self {
        Self(us)
    }

    /// The change in microseconds.
    pub const fn get(self) -> i64 {
        self.0
    }

    /// The other way.
    #[must_use]
    pub const fn back(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// One after the other.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Shift {
    /// As a length of time, with its sign if it is negative.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        write!(f, "{sign}{}", Micros::new(self.0.unsigned_abs()))
    }
}

impl Micros {
    /// No time at all.
    pub const ZERO: Self = Self(0);

    /// A length of `us` microseconds.
    pub const fn new(us: u64) -> Self {
        Self(us)
    }

    /// A length of `ms` milliseconds.
    pub const fn from_millis(ms: u64) -> Self {
        Self(ms * 1_000)
    }

    /// A length of `s` seconds.
    pub const fn from_secs(s: u64) -> Self {
        Self(s * 1_000_000)
    }

    /// The length in microseconds.
    pub const fn get(self) -> u64 {
        self.0
    }

    /// The difference, zero where it would be negative.
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Add<Micros> for SimTime {
    type Output = Self;
    fn add(self, d: Micros) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}

impl AddAssign<Micros> for SimTime {
    fn add_assign(&mut self, d: Micros) {
        *self = *self + d;
    }
}

impl Add for Micros {
    type Output = Self;
    fn add(self, d: Self) -> Self {
        Self(self.0.saturating_add(d.0))
    }
}

impl AddAssign for Micros {
    fn add_assign(&mut self, d: Self) {
        *self = *self + d;
    }
}

impl Sub for Micros {
    type Output = Self;
    fn sub(self, d: Self) -> Self {
        self.saturating_sub(d)
    }
}

impl Mul<u64> for Micros {
    type Output = Self;
    fn mul(self, n: u64) -> Self {
        Self(self.0.saturating_mul(n))
    }
}

impl fmt::Display for Micros {
    /// In the unit a person would choose: `1.25s`, `40ms`, `250us`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.write_str("0s"),
            1_000_000.. => (1_000_000, "s"),
            1_000.. => (1_000, "ms"),
            _ => (1, "us"),
        };
        let (whole, rest) = (self.0 / unit, self.0 % unit);
        if rest == 0 {
            return write!(f, "{whole}{name}");
        }
        let digits = unit.ilog10() as usize;
        let fraction = format!("{rest:0digits$}");
        write!(f, "{whole}.{}{name}", fraction.trim_end_matches('0'))
    }
}

impl fmt::Display for SimTime {
    /// Seconds with six decimals, as packet captures show them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:06}", self.0 / 1_000_000, self.0 % 1_000_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_shown_in_the_unit_a_person_would_choose() {
        for (us, text) in [(0, "0s"), (7, "7us"), (1_500, "1.5ms"), (40_000, "40ms"), (1_250_000, "1.25s")] {
            assert_eq!(Micros::new(us).to_string(), text);
        }
    }

    #[test]
    fn time_since_a_later_instant_is_zero() {
        assert_eq!(SimTime::from_micros(5).since(SimTime::from_micros(9)), Micros::ZERO);
        assert_eq!(SimTime::from_micros(9).since(SimTime::from_micros(5)), Micros::new(4));
    }
}
