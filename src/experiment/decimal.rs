//! Computed numbers as files hold them: rounded so far that the last bits of a mathematical library cannot show.

use std::fmt;

/// A number that is not a count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decimal(String);

impl Decimal {
    /// Six significant digits.
    pub fn significant(value: f64) -> Self {
        if value == 0.0 || !value.is_finite() {
            return Self("0".to_owned());
        }
        // The exponent of the rounded value, which may be one more than that of the value.
        let scientific = format!("{value:.5e}");
        let exponent = scientific.rsplit('e').next().and_then(|e| e.parse::<i32>().ok()).unwrap_or(0);
        let decimals = usize::try_from(5 - exponent).unwrap_or(0);
        let rounded: f64 = scientific.parse().unwrap_or(value);
        Self(trimmed(format!("{rounded:.decimals$}")))
    }

    /// Tenths: for microseconds, of which intervals may be narrow far from zero.
    pub fn tenths(value: f64) -> Self {
        Self(trimmed(format!("{value:.1}")))
    }

    /// The number again, as a reader of the file gets it.
    pub fn value(&self) -> f64 {
        self.0.parse().unwrap_or(0.0)
    }
}

/// Without zeros at the end of a fraction, and without the sign of a zero.
fn trimmed(text: String) -> String {
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text };
    if text == "-0" { "0".to_owned() } else { text }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn six_digits_are_kept_and_no_exponent_is_written() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (0.107_814_2, "0.107814"),
            (-1.112_79e-4, "-0.000111279"),
            (1.189_634e-5, "0.0000118963"),
            (999_999.6, "1000000"),
            (0.999_999_96, "1"),
            (12_345_678.0, "12345700"),
            (2.5, "2.5"),
        ] {
            assert_eq!(Decimal::significant(value).to_string(), text);
        }
    }

    #[test]
    fn microseconds_keep_tenths_whatever_their_size() {
        for (value, text) in [(5_001_234.56, "5001234.6"), (38_369.0, "38369"), (-0.01, "0"), (0.25, "0.2")] {
            assert_eq!(Decimal::tenths(value).to_string(), text);
        }
    }
}
