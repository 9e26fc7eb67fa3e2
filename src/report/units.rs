//! Numbers for people.

use crate::time::Micros;

/// Milliseconds or seconds with three significant digits: `41.2 ms`, `5.00 s`, `0 ms`.
pub(super) fn time(time: Micros) -> String {
    micros(float(time.get()))
}

/// The same of a computed number of microseconds, which may be negative.
pub(super) fn micros(us: f64) -> String {
    // 999.6 ms would be shown as 1000 ms.
    if us.abs() < 999_500.0 { digits(us / 1_000.0) + " ms" } else { digits(us / 1_000_000.0) + " s" }
}

/// A computed share in percent.
pub(super) fn share(share: f64) -> String {
    let percent = 100.0 * share;
    if share < 1.0 && percent > 99.5 { format!("{:.2} %", percent.min(99.99)) } else { digits(percent) + " %" }
}

/// A time that may never have come. `-` where there was nothing to time.
pub(super) fn observed(value: Option<Micros>, closings: u64) -> String {
    match value {
        Some(value) => time(value),
        None if closings == 0 => "-".into(),
        None => "never".into(),
    }
}

/// Thousands separated: `9,876`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `n` of one thing or of several.
pub(super) fn things(n: u64, one: &str, several: &str) -> String {
    format!("{} {}", count(n), if n == 1 { one } else { several })
}

/// Bytes with two digits behind the point: `7.81 GiB`.
pub(super) fn bytes(n: u64) -> String {
    let units = [("GiB", 1_u64 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match units.iter().find(|(_, unit)| n >= *unit) {
        Some((name, unit)) => format!("{:.2} {name}", float(n) / float(*unit)),
        None => format!("{n} B"),
    }
}

/// A quotient with three significant digits: `0.0801`, `0`. `-` where there is nothing to divide by.
pub(super) fn ratio(part: u64, whole: u64) -> String {
    if whole == 0 { "-".into() } else { digits(float(part) / float(whole)) }
}

/// A share in percent: `7.90 %`, `0 %`, `100 %`. What is not all or none is never shown as such.
pub(super) fn percent(part: u64, whole: u64) -> String {
    if whole == 0 {
        return "-".into();
    }
    let share = 100.0 * float(part) / float(whole);
    let text = if part < whole && share > 99.5 { format!("{:.2}", share.min(99.99)) } else { digits(share) };
    text + " %"
}

/// Three significant digits, at least none and at most six after the point; zero is `0`.
pub(super) fn digits(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        0.0 | 99.95.. => 0,
        9.995.. => 1,
        0.9995.. => 2,
        0.099_95.. => 3,
        0.009_995.. => 4,
        0.000_999_5.. => 5,
        _ => 6,
    };
    format!("{value:.decimals$}")
}

/// For display only: beyond 2^53 the last digits do not matter.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
pub(super) fn float(n: u64) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_largest_unit_that_they_reach() {
        assert_eq!(
            [0, 1_023, 1_024, 10 << 20, (1 << 33) + (1 << 29)].map(bytes),
            ["0 B", "1023 B", "1.00 KiB", "10.00 MiB", "8.50 GiB"]
        );
    }

    #[test]
    fn times_have_three_digits_in_the_unit_a_person_would_choose() {
        for (us, text) in [
            (0, "0 ms"),
            (250, "0.250 ms"),
            (41_234, "41.2 ms"),
            (99_960, "100 ms"),
            (999_499, "999 ms"),
            (999_600, "1.00 s"),
            (5_000_000, "5.00 s"),
            (75_340_000, "75.3 s"),
            (3_600_000_000, "3600 s"),
        ] {
            assert_eq!(time(Micros::new(us)), text);
        }
    }

    #[test]
    fn shares_are_never_rounded_to_all_or_none() {
        assert_eq!(percent(0, 9), "0 %");
        assert_eq!(percent(1, 1_000_000), "0.000100 %");
        assert_eq!(percent(999_999, 1_000_000), "99.99 %");
        assert_eq!(percent(9, 9), "100 %");
        assert_eq!(percent(79, 1_000), "7.90 %");
        assert_eq!(percent(0, 0), "-");
    }

    #[test]
    fn counts_have_separators() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(count), ["0", "999", "1,000", "1,234,567"]);
    }
}
