//! Quantities as people write them: durations, bit rates, sizes in bytes.

use crate::time::{Micros, Shift};

/// The longest duration that any key takes: a year.
pub(super) const LONGEST: Micros = Micros::from_secs(365 * 24 * 3600);

/// A duration with its unit, as `250ms`, `5s` or `1h 30m`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn duration(text: &str) -> Result<Micros, String> {
    if text.trim().parse::<f64>().is_ok() {
        return Err(format!("found {text:?}; a duration needs a unit, as in 5s or 250ms"));
    }
    if text.trim_start().starts_with('-') {
        return Err(format!("found {text:?}; a duration cannot be negative"));
    }
    let parsed = humantime::parse_duration(text.trim())
        .map_err(|_| format!("found {text:?}; a duration is written as 250us, 20ms, 5s, 2m or 1h 30m"))?;
    if parsed.subsec_nanos() % 1_000 != 0 {
        return Err(format!("found {text:?}; the smallest unit of time is the microsecond (1us)"));
    }
    match u64::try_from(parsed.as_micros()).map(Micros::new) {
        Ok(time) if time <= LONGEST => Ok(time),
        _ => Err(format!("found {text:?}; the longest duration is 365 days")),
    }
}

/// A change of a clock: a duration with a sign before it where it goes back, not zero.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn shift(text: &str) -> Result<Shift, String> {
    let (length, back) = text.trim().strip_prefix('-').map_or((text, false), |rest| (rest, true));
    let length = duration(length)?;
    if length == Micros::ZERO {
        return Err(format!("found {text:?}; a clock that does not move"));
    }
    let forward = Shift::new(i64::try_from(length.get()).unwrap_or(i64::MAX));
    Ok(if back { forward.back() } else { forward })
}

const RATES: [(&str, u64); 4] = [("Gbit", 1_000_000_000), ("Mbit", 1_000_000), ("kbit", 1_000), ("bit", 1)];

/// A bit rate in bits a second, as `10Mbit` or `10Mbit/s`.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn rate(text: &str) -> Result<u64, String> {
    let bare = text.trim().trim_end_matches("/s");
    quantity(bare, &RATES)
        .filter(|rate| (1..=1_000_000_000_000).contains(rate))
        .ok_or_else(|| format!("found {text:?}; a rate is written as 512kbit, 10Mbit or 1Gbit, at most 1000Gbit"))
}

const SIZES: [(&str, u64); 7] = [
    ("GiB", 1 << 30),
    ("GB", 1_000_000_000),
    ("MiB", 1 << 20),
    ("KiB", 1 << 10),
    ("MB", 1_000_000),
    ("kB", 1_000),
    ("B", 1),
];

/// A size in bytes, as `64KiB` or `1500B`.
///
/// # Errors
///
/// What is wrong with it.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    quantity(text.trim(), &SIZES)
        .filter(|size| (1..=1 << 40).contains(size))
        .ok_or_else(|| format!("found {text:?}; a size is written as 1500B, 64KiB or 1MiB, at most 1024GiB"))
}

/// A decimal number followed by one of the units.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range before the cast")]
#[expect(clippy::cast_precision_loss, reason = "units are far below 2^53")]
fn quantity(text: &str, units: &[(&str, u64)]) -> Option<u64> {
    let (digits, unit) = units.iter().find_map(|(name, unit)| Some((text.strip_suffix(name)?.trim_end(), *unit)))?;
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return None;
    }
    let value = digits.parse::<f64>().ok()? * unit as f64;
    (0.0..9e15).contains(&value).then_some(value.round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_need_a_unit_and_whole_microseconds() {
        assert_eq!(duration("1h 30m"), Ok(Micros::from_secs(5_400)));
        assert_eq!(duration("250us"), Ok(Micros::new(250)));
        assert_eq!(duration("0s"), Ok(Micros::ZERO));
        for (text, part) in [
            ("5", "needs a unit"),
            ("-5s", "negative"),
            ("5 apples", "is written as"),
            ("3ns", "microsecond"),
            ("2y", "365"),
        ] {
            let message = duration(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn rates_are_decimal_and_sizes_tell_kib_from_kb() {
        assert_eq!(rate("10Mbit"), Ok(10_000_000));
        assert_eq!(rate("1.5Mbit/s"), Ok(1_500_000));
        assert_eq!(bytes("64KiB"), Ok(65_536));
        assert_eq!(bytes("64kB"), Ok(64_000));
        assert_eq!(bytes("1500B"), Ok(1_500));
        assert!(rate("10").is_err());
        assert!(rate("-1Mbit").is_err());
        assert!(rate("0bit").is_err());
        assert!(bytes("nanB").is_err());
    }
}
