//! Data files of empirical distributions: one value a line.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use crate::scenario::shape::Quantity;
use crate::scenario::units;
use crate::xmpp::config::{MAX_STANZA, MIN_STANZA};

/// The largest file that is read.
const LARGEST: u64 = 64 << 20;

/// The bytes of a file that must be text.
///
/// # Errors
///
/// Why it cannot be read, in words that follow the file's name.
pub(super) fn read_text(path: &Path) -> Result<String, String> {
    let cannot = |e: std::io::Error| format!("cannot be read: {}", reason(&e));
    let file = File::open(path).map_err(cannot)?;
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > LARGEST {
        return Err("is larger than 64 MiB".to_owned());
    }
    String::from_utf8(bytes).map_err(|e| {
        let line = 1 + e.as_bytes()[..e.utf8_error().valid_up_to()].iter().filter(|b| **b == b'\n').count();
        format!("is not text: line {line} holds bytes that are not UTF-8")
    })
}

/// An I/O error in words, without the number that the operating system gives it.
fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        std::io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// The values of a data file in base units: microseconds or bytes. Empty lines and lines that begin with `#` are skipped.
///
/// # Errors
///
/// Why it cannot be used, in words that follow the file's name, with the line.
pub(super) fn values(path: &Path, quantity: Quantity) -> Result<Arc<[f64]>, String> {
    let text = read_text(path)?;
    let mut values = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let value = match quantity {
            Quantity::Time => time(line),
            Quantity::Size => size(line),
        };
        values.push(value.map_err(|message| format!("line {}: {message}", i + 1))?);
    }
    if values.is_empty() {
        return Err("holds no value; it must have one a line".to_owned());
    }
    Ok(values.into())
}

/// A duration with its unit, or bare microseconds.
#[expect(clippy::cast_precision_loss, reason = "a year in microseconds is below 2^53")]
fn time(line: &str) -> Result<f64, String> {
    let longest = units::LONGEST.get() as f64;
    match line.parse::<f64>() {
        Ok(us) if (0.0..=longest).contains(&us) => Ok(us),
        Ok(_) => Err(format!("found {line:?}, allowed are 0 to 365 days, in microseconds or with a unit")),
        Err(_) => units::duration(line)
            .map(|t| t.get() as f64)
            .map_err(|_| format!("found {line:?}, allowed is a duration such as 20ms, or microseconds")),
    }
}

fn size(line: &str) -> Result<f64, String> {
    match line.parse::<u32>() {
        Ok(bytes) if (MIN_STANZA..=MAX_STANZA).contains(&bytes) => Ok(f64::from(bytes)),
        _ => Err(format!("found {line:?}, allowed are {MIN_STANZA} to {MAX_STANZA} bytes")),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    #[test]
    fn times_have_a_unit_or_are_microseconds() {
        let file = file(b"# rtt\n20ms\n\n1500\n0.5s\n");
        let values = values(file.path(), Quantity::Time).unwrap();
        assert_eq!(&values[..], [20_000.0, 1_500.0, 500_000.0]);
    }

    #[test]
    fn a_bad_line_is_named() {
        for (bytes, part) in [
            (&b"20ms\nfast\n"[..], "line 2: found \"fast\""),
            (b"-4\n", "line 1: found \"-4\""),
            (b"nan\n", "line 1: found \"nan\""),
            (b"1\n\xff\xfe\n", "line 2 holds bytes"),
            (b"\n\n", "holds no value"),
        ] {
            let message = values(file(bytes).path(), Quantity::Time).unwrap_err();
            assert!(message.contains(part), "{message}");
        }
        assert!(values(file(b"47\n").path(), Quantity::Size).is_err());
    }
}
