//! HdrHistogram interval logs: one interval that holds every closing in which the metric happened.
//!
//! The deflated V2 form is the one that the Java, Python and JavaScript readers take. No tag, times from 0.

use std::time::Duration;

use hdrhistogram::Histogram;
use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::IntervalLogWriterBuilder;

use crate::ledger::metric::{Metric, Ranked};
use crate::time::Micros;

/// Significant digits of the values.
const DIGITS: u8 = 3;

/// Longest file name that every file system takes, some room left.
const LONGEST_NAME: usize = 200;

/// The log of one metric of one strategy, as the contents of a file.
///
/// # Errors
/// Where the histogram library refuses, which it has no reason to.
pub fn log(strategy: &str, metric: Metric, sample: &Ranked, duration: Micros) -> std::io::Result<Vec<u8>> {
    let largest = sample.values().last().copied().unwrap_or(0).max(duration.get()).max(2);
    let mut histogram = Histogram::<u64>::new_with_bounds(1, largest, DIGITS).map_err(std::io::Error::other)?;
    for run in sample.values().chunk_by(|a, b| a == b) {
        histogram.record_n(run[0], run.len() as u64).map_err(std::io::Error::other)?;
    }
    let mut log = Vec::new();
    let mut serializer = V2DeflateSerializer::new();
    IntervalLogWriterBuilder::new()
        .add_comment(&format!("[Logged with farewell {}]", env!("CARGO_PKG_VERSION")))
        .add_comment(&format!("{} of strategy {strategy}: {}", metric.name(), metric.meaning()))
        .add_comment(
            "values are microseconds; with -outputValueUnitRatio 1000 HistogramLogProcessor shows milliseconds",
        )
        .add_comment(&format!(
            "{} of {} closings are here; in the other {} it never happened",
            sample.came(),
            sample.count(),
            sample.never()
        ))
        .with_start_time(std::time::UNIX_EPOCH)
        .begin_log_with(&mut log, &mut serializer)?
        .write_histogram(&histogram, Duration::ZERO, Duration::from_micros(duration.get()), None)
        .map_err(|e| std::io::Error::other(format!("{e:?}")))?;
    Ok(log)
}

/// `METRIC-STRATEGY.hlog`, with `-KEY=VALUE` for each varied key; `point` numbers sweep points from 1.
///
/// Names are made [`plain`] in a way that keeps them different. Where the
/// varied keys make a name too long, the number of the sweep point stands for them.
pub fn file_name(metric: Metric, strategy: &str, varied: &[(String, String)], point: usize) -> String {
    let stem = format!("{}-{}", metric.name(), plain(strategy));
    let keys: Vec<String> = varied.iter().map(|(key, value)| format!("-{}={}", plain(key), plain(value))).collect();
    let keys = keys.concat();
    if stem.len() + keys.len() > LONGEST_NAME { format!("{stem}-point={point}.hlog") } else { stem + &keys + ".hlog" }
}

/// A name as part of a file's name: bytes that not every file system takes become `%` and two digits.
pub fn plain(name: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    name.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::fate::Observed;
    use crate::ledger::metric::Sample;
    use base64_text::decode;

    fn sample(values: &[u64]) -> Ranked {
        let mut sample = Sample::default();
        for &us in values {
            sample.record(Observed::After(Micros::new(us)));
        }
        sample.record(Observed::Never);
        sample.sorted()
    }

    #[test]
    fn a_log_reads_back_as_the_values_that_came() {
        let text = String::from_utf8(
            log("handshake", Metric::Release, &sample(&[0, 40_000, 40_000, 5_000_000]), Micros::from_secs(60)).unwrap(),
        )
        .unwrap();
        let (comments, interval): (Vec<&str>, Vec<&str>) = text.lines().partition(|line| line.starts_with('#'));
        assert!(comments.iter().any(|line| line.contains("-outputValueUnitRatio 1000")));
        assert!(comments.iter().any(|line| line.contains("4 of 5 closings")));
        let [line] = interval[..] else { panic!("one interval, not {interval:?}") };
        let fields: Vec<&str> = line.split(',').collect();
        assert_eq!(fields[..2], ["0.000", "60.000"]);
        assert!(fields[3].starts_with("HISTF"), "the deflated form");
        let histogram = decode(fields[3]);
        assert_eq!([histogram.len(), histogram.count_at(0), histogram.count_at(40_000)], [4, 1, 2]);
    }

    #[test]
    fn nothing_that_came_is_a_log_without_values() {
        let text = String::from_utf8(log("x", Metric::Notice, &sample(&[]), Micros::ZERO).unwrap()).unwrap();
        assert_eq!(decode(text.lines().last().unwrap().rsplit(',').next().unwrap()).len(), 0);
    }

    #[test]
    fn file_names_are_different_and_plain() {
        let name = |strategy, varied: &[(&str, &str)]| {
            let varied: Vec<_> = varied.iter().map(|&(k, v)| (k.to_owned(), v.to_owned())).collect();
            file_name(Metric::Teardown, strategy, &varied, 7)
        };
        assert_eq!(name("prosody-0.12-c2s", &[]), "teardown-prosody-0.12-c2s.hlog");
        assert_eq!(name("a/b", &[("links.wire.loss", "0.01")]), "teardown-a%2Fb-links.wire.loss=0.01.hlog");
        assert_eq!(name("x", &[("key", &"long".repeat(60))]), "teardown-x-point=7.hlog");
    }

    /// Just enough base64 for the test, so that the payload is read by other code than wrote it.
    mod base64_text {
        use hdrhistogram::Histogram;
        use hdrhistogram::serialization::Deserializer;

        pub(super) fn decode(text: &str) -> Histogram<u64> {
            let digit = |c: u8| match c {
                b'A'..=b'Z' => c - b'A',
                b'a'..=b'z' => c - b'a' + 26,
                b'0'..=b'9' => c - b'0' + 52,
                b'+' => 62,
                _ => 63,
            };
            let digits: Vec<u8> = text.bytes().filter(|&c| c != b'=').map(digit).collect();
            let bits = digits.chunks(4).flat_map(|four| {
                let word = four.iter().fold(0_u32, |word, &d| word << 6 | u32::from(d)) << (6 * (4 - four.len()));
                word.to_be_bytes()[1..four.len()].to_vec()
            });
            let bytes: Vec<u8> = bits.collect();
            Deserializer::new().deserialize(&mut bytes.as_slice()).unwrap()
        }
    }
}
