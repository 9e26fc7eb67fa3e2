//! A range of values of one key, to be searched: `1s..60s`, `100..20000`, `0..0.05`.

use crate::scenario::units;
use crate::time::Micros;

/// Digits of a value that is searched for: one more would cost three times the runs and say nothing to a person.
const DIGITS: usize = 3;

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Durations, in microseconds.
    Time,
    /// Whole numbers.
    Whole,
    /// Any numbers.
    Real,
}

/// From where to where, both included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Span {
    low: f64,
    high: f64,
    kind: Kind,
}

impl Span {
    /// Reads `LOW..HIGH`.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let Some((low, high)) = text.split_once("..") else {
            return Err(format!("found {text:?}; a range is written as LOW..HIGH, as in 1s..60s or 0..0.05"));
        };
        let [(low, one), (high, other)] = [end(low.trim())?, end(high.trim())?];
        let kind = match (one, other) {
            (Kind::Time, Kind::Time) => Kind::Time,
            (Kind::Time, _) | (_, Kind::Time) => {
                return Err(format!("found {text:?}; both ends are durations, or both are numbers"));
            }
            (Kind::Whole, Kind::Whole) => Kind::Whole,
            (Kind::Real, _) | (_, Kind::Real) => Kind::Real,
        };
        if low < high {
            Ok(Self { low, high, kind })
        } else {
            Err(format!("found {text:?}; the lower end comes first"))
        }
    }

    /// Whole numbers.
    #[expect(clippy::cast_precision_loss, reason = "counts of peers are far below 2^53")]
    pub const fn whole(low: u64, high: u64) -> Self {
        Self { low: low as f64, high: high as f64, kind: Kind::Whole }
    }

    /// `count` values from end to end, at least two: evenly spaced in their logarithm where there is one. Fewer where they
    /// would be the same.
    pub fn grid(&self, count: u32) -> Vec<f64> {
        let last = f64::from(count.max(2) - 1);
        let mut values: Vec<f64> = (0..count.max(2)).map(|n| self.rounded(self.at(f64::from(n) / last))).collect();
        // Rounding moves neither end.
        if let [first, .., end] = values.as_mut_slice() {
            (*first, *end) = (self.low, self.high);
        }
        values.dedup();
        values
    }

    /// The value at this share of the way.
    fn at(&self, share: f64) -> f64 {
        let Self { low, high, .. } = *self;
        if low > 0.0 { low * libm::pow(high / low, share) } else { low + (high - low) * share }
    }

    /// The value in the middle of two, if there is one with few digits that is neither of them.
    pub fn between(&self, low: f64, high: f64) -> Option<f64> {
        let middle = self.rounded(Self { low, high, kind: self.kind }.at(0.5));
        (low < middle && middle < high).then_some(middle)
    }

    /// The same with few digits, and whole where it counts something.
    fn rounded(&self, value: f64) -> f64 {
        let few: f64 = format!("{value:.*e}", DIGITS - 1).parse().unwrap_or(value);
        if self.kind == Kind::Real { few } else { few.round() }
    }

    /// A value as a scenario writes it.
    pub fn text(&self, value: f64) -> String {
        match self.kind {
            Kind::Time => format!("{value:.0}us"),
            Kind::Whole => format!("{value:.0}"),
            Kind::Real => value.to_string(),
        }
    }

    /// A value for people.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "durations are not negative, far below 2^53 us"
    )]
    pub fn shown(&self, value: f64) -> String {
        if self.kind == Kind::Time { Micros::new(value as u64).to_string() } else { self.text(value) }
    }

    /// The lower end.
    pub const fn low(&self) -> f64 {
        self.low
    }

    /// The upper end.
    pub const fn high(&self) -> f64 {
        self.high
    }
}

/// A duration in microseconds, or a number that is not negative.
#[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53 us")]
fn end(text: &str) -> Result<(f64, Kind), String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() && number >= 0.0 => {
            Ok((number, if text.bytes().all(|b| b.is_ascii_digit()) { Kind::Whole } else { Kind::Real }))
        }
        Ok(_) => Err(format!("found {text:?}; a value that is searched for is not negative")),
        Err(_) => units::duration(text).map(|time| (time.get() as f64, Kind::Time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_of_one_kind_and_go_up() {
        assert_eq!(Span::parse("1s..60s").unwrap(), Span { low: 1e6, high: 6e7, kind: Kind::Time });
        assert_eq!(Span::parse("100 .. 20000").unwrap(), Span { low: 1e2, high: 2e4, kind: Kind::Whole });
        assert_eq!(Span::parse("0..0.05").unwrap().kind, Kind::Real);
        for (text, part) in [
            ("5s", "LOW..HIGH"),
            ("5s..1s", "comes first"),
            ("1s..5", "both ends"),
            ("-1..5", "not negative"),
            ("1x..5s", "is written as"),
            ("nan..5", "not negative"),
        ] {
            let message = Span::parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn a_grid_is_geometric_where_it_can_be_and_has_both_ends() {
        let span = Span::parse("1s..64s").unwrap();
        assert_eq!(span.grid(4).into_iter().map(|v| span.shown(v)).collect::<Vec<_>>(), ["1s", "4s", "16s", "64s"]);
        assert_eq!(Span::parse("0..4").unwrap().grid(5), [0.0, 1.0, 2.0, 3.0, 4.0]);
        assert_eq!(Span::parse("1..3").unwrap().grid(9), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn the_middle_has_three_digits_and_at_last_there_is_none() {
        let span = Span::parse("1s..60s").unwrap();
        assert_eq!(span.between(1e6, 4e6), Some(2e6));
        let (mut low, mut steps) = (1e6, 0);
        while let Some(middle) = span.between(low, 6e7) {
            (low, steps) = (middle, steps + 1);
        }
        assert!(steps < 20 && (low - 5.99e7).abs() < 1.0, "{low} after {steps}");
        assert_eq!(Span::whole(1, 9).between(4.0, 5.0), None);
    }
}
