//! Axes: the range that holds all values, with ticks where a person would put them.

use crate::report::units;

/// An axis in the units in which it is drawn: logarithms where it is logarithmic.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::report) struct Axis {
    /// What it shows, with its unit.
    pub title: String,
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
    /// Where the ticks are, with their labels.
    pub ticks: Vec<(f64, String)>,
}

/// Times shorter than this many microseconds are drawn there: nothing has its place on a logarithm.
pub(in crate::report) const AT_ONCE: f64 = 100.0;

impl Axis {
    /// A linear axis that holds all of `values`, and zero.
    pub(in crate::report) fn linear(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|v| v.is_finite())
            .fold((0.0, 0.0), |(low, high): (f64, f64), v| (low.min(v), high.max(v)));
        let high = if low < high { high } else { low + 1.0 };
        let step = step((high - low) / 5.0);
        let (first, last) = ((low / step).floor(), (high / step).ceil());
        let ticks = counted(first, last).map(|n| (n * step, plain(n * step, step))).collect();
        Self { title: title.to_owned(), low: first * step, high: last * step, ticks }
    }

    /// The same, with a step more on each side where values would touch the end: nothing is drawn on the edge.
    pub(in crate::report) fn centred(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let values: Vec<f64> = values.into_iter().filter(|v| v.is_finite()).collect();
        let ends = values.iter().fold((0.0, 0.0), |(low, high): (f64, f64), v| (low.min(*v), high.max(*v)));
        let margin = 0.05 * (ends.1 - ends.0);
        Self::linear(title, values.into_iter().chain([ends.0 - margin, ends.1 + margin]))
    }

    /// A logarithmic axis of times in microseconds; what is drawn at the lower end was at once.
    pub(in crate::report) fn times(title: &str, values: impl IntoIterator<Item = f64>) -> Self {
        let logarithms = values.into_iter().filter(|v| v.is_finite()).map(log_time);
        let (low, high) =
            logarithms.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = if low <= high { (low, high) } else { (log_time(1e3), log_time(1e6)) };
        let (low, high) = ((low + 1e-9).floor(), (high - 1e-9).ceil());
        let high = high.max(low + 1.0);
        let label = |exponent: f64| {
            if exponent <= log_time(0.0) { "at once".to_owned() } else { tick_time(libm::exp10(exponent)) }
        };
        let ticks = counted(low, high).map(|exponent| (exponent, label(exponent))).collect();
        Self { title: title.to_owned(), low, high, ticks }
    }

    /// The axis of percentiles: the logarithm of 1/(1 − p), up to the rank of the largest of `count`.
    pub(in crate::report) fn percentiles(count: u64) -> Self {
        let last = libm::log10(units::float(count.max(10)));
        let named = [(0.0, "0 %"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99")];
        let ticks = named.into_iter().map(|(share, label)| (odds(share), label.to_owned()));
        let ticks = ticks.filter(|(at, _)| *at <= last).collect();
        Self { title: "percentile, on the scale of 1/(1−p)".to_owned(), low: 0.0, high: last, ticks }
    }

    /// An axis of places, one a label.
    pub(in crate::report) fn places(title: &str, labels: &[String]) -> Self {
        let ticks = labels.iter().enumerate().map(|(i, label)| (units::float(i as u64), label.clone())).collect();
        let high = units::float(labels.len().max(1) as u64) - 0.5;
        Self { title: title.to_owned(), low: -0.5, high, ticks }
    }

    /// A linear or logarithmic axis of one varied key's values, with a tick at each, and the place of each.
    /// Values that are no numbers stand in their order.
    pub(in crate::report) fn varied(key: &str, values: &[String]) -> (Self, Vec<f64>) {
        let numbers: Option<Vec<f64>> = values.iter().map(|value| value.parse().ok()).collect();
        let labels: Vec<String> = values.iter().map(|value| varied_label(key, value)).collect();
        let Some(mut numbers) = numbers.filter(|numbers| numbers.iter().all(|n| n.is_finite()) && numbers.len() > 1)
        else {
            let axis = Self::places(key, &labels);
            return (axis, (0..values.len()).map(|i| units::float(i as u64)).collect());
        };
        let ends = |numbers: &[f64]| {
            numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), &n| (low.min(n), high.max(n)))
        };
        let (low, high) = ends(&numbers);
        if low > 0.0 && high / low >= 20.0 {
            for n in &mut numbers {
                *n = libm::log10(*n);
            }
        }
        let (low, high) = ends(&numbers);
        let margin = 0.03 * (high - low).max(1e-9);
        let mut ticks: Vec<(f64, String)> = numbers.iter().copied().zip(labels).collect();
        thin(&mut ticks, high - low);
        (Self { title: key.to_owned(), low: low - margin, high: high + margin, ticks }, numbers)
    }
}

/// Takes out ticks whose labels would touch.
fn thin(ticks: &mut Vec<(f64, String)>, range: f64) {
    ticks.sort_by(|a, b| a.0.total_cmp(&b.0));
    ticks.dedup_by(|a, b| a.0.total_cmp(&b.0).is_eq());
    let mut last = f64::NEG_INFINITY;
    ticks.retain(|(at, _)| {
        let fits = at - last >= range / 9.0;
        if fits {
            last = *at;
        }
        fits
    });
}

/// A varied value for people: a duration is in microseconds in the files.
pub(in crate::report) fn varied_label(key: &str, value: &str) -> String {
    match value.parse::<f64>() {
        Ok(us) if is_time(key) && us >= 0.0 => tick_time(us),
        _ => value.to_owned(),
    }
}

/// Whether the values of a key are durations.
pub(in crate::report) fn is_time(key: &str) -> bool {
    TIMES.iter().any(|end| key.rsplit('.').next() == Some(end))
}

/// Last parts of keys that hold durations.
const TIMES: [&str; 13] = [
    "timeout",
    "latency",
    "grace",
    "after",
    "idle",
    "sweep",
    "duration",
    "delay",
    "over",
    "tcp_fin_timeout",
    "jitter",
    "error_delay",
    "drip_interval",
];

/// Decimal logarithm of a time, no smaller than what counts as at once.
pub(in crate::report) fn log_time(us: f64) -> f64 {
    libm::log10(us.max(AT_ONCE))
}

/// Decimal logarithm of 1/(1 − share).
pub(in crate::report) fn odds(share: f64) -> f64 {
    -libm::log10((1.0 - share).max(1e-12))
}

/// A time at a tick, with no more digits than it has.
pub(in crate::report) fn tick_time(us: f64) -> String {
    let (value, unit) = match us {
        ..1e3 if us > 0.0 && us < 100.0 => (us, "us"),
        ..999_999.5 => (us / 1e3, "ms"),
        ..3.6e9 => (us / 1e6, "s"),
        _ => (us / 3.6e9, "h"),
    };
    format!("{} {unit}", trimmed(&format!("{value:.3}")))
}

/// Without zeros at the end.
fn trimmed(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

/// The next of 1, 2 or 5 times a power of ten.
fn step(rough: f64) -> f64 {
    let power = libm::exp10(libm::log10(rough).floor());
    let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= rough * (1.0 - 1e-9));
    times.unwrap_or(10.0) * power
}

/// With as many digits as the step needs.
fn plain(value: f64, step: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "digits of a step between ticks")]
    let decimals = (-libm::log10(step) + 1e-9).ceil().clamp(0.0, 9.0) as usize;
    let text = format!("{value:.decimals$}");
    if text.trim_matches(['-', '0', '.']).is_empty() { "0".to_owned() } else { text }
}

/// Whole numbers from one to another.
fn counted(first: f64, last: f64) -> impl Iterator<Item = f64> {
    std::iter::successors(Some(first), |n| Some(n + 1.0)).take_while(move |n| *n <= last + 0.5)
}
