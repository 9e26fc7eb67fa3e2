//! How often a key is there, and from where its value is drawn: the limits of the key table are those of what makes sense,
//! these are those of what a run of a few milliseconds can be made of. A key that is not named here gets a common range.

use toml::Value;

use crate::time::Micros;

/// From where a value is drawn: log-uniformly between two numbers; zero now and then where that is the lower one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) low: f64,
    pub(super) high: f64,
}

const fn span(low: f64, high: f64) -> Span {
    Span { low, high }
}

const MS: f64 = 1e3;
const S: f64 = 1e6;

/// What may stand behind a key of a time or a size: the families of distributions with their parameters.
const FAMILIES: [&str; 13] = [
    "uniform",
    "exponential",
    "normal",
    "lognormal",
    "gamma",
    "pareto",
    "weibull",
    "mean",
    "sd",
    "median",
    "minimum",
    "scale",
    "fixed",
];

/// Shares of scenarios, or of tables, that have a key; by the end of its path.
const PRESENCE: [(&str, f64); 56] = [
    // Nothing of a run depends on these.
    ("name", 0.0),
    ("study", 0.0),
    ("file", 0.0),
    // Without them most runs would be alike.
    ("seed", 1.0),
    ("arrivals", 0.8),
    ("strategies", 0.97),
    ("closing", 0.97),
    ("closing.by", 0.6),
    ("closing.timeout", 0.8),
    ("closing.in_wait", 0.4),
    ("closing.grace", 0.25),
    ("responder", 0.97),
    ("class.traffic", 0.9),
    ("class.delay", 0.1),
    ("class.drip_interval", 0.1),
    ("traffic.client", 0.6),
    ("traffic.server", 0.5),
    ("traffic.*.client", 0.6),
    ("traffic.*.server", 0.5),
    ("class.link.latency", 1.0),
    ("links.*.latency", 1.0),
    ("class.link.profile", 0.1),
    ("links.*.profile", 0.1),
    ("middlebox", 0.25),
    ("links", 0.3),
    ("traffic", 0.3),
    ("mix", 0.2),
    ("nodes", 0.3),
    ("kernel", 0.5),
    ("chaos", 0.75),
    ("chaos.for", 0.7),
    ("chaos.way", 0.2),
    ("loss", 0.4),
    ("latency", 0.25),
    ("queue", 0.15),
    ("firewall", 0.1),
    ("proxy", 0.15),
    ("proxy.idle", 0.15),
    ("random_chaos", 0.15),
    ("random_chaos.nat-expire", 0.05),
    ("server.service", 0.8),
    ("server.queue", 0.3),
    ("server.outgoing", 0.15),
    ("outgoing.ports", 0.8),
    ("sockets", 0.2),
    ("reconnect", 0.4),
    ("stream_management", 0.4),
    // By default after up to a minute, when most runs are over.
    ("reconnect.delay", 0.9),
    ("reconnect.backoff", 0.8),
    ("stream_management.resume", 0.8),
    ("stream_management.enable", 0.1),
    ("sockets.server", 0.7),
    ("sockets.client", 0.7),
    ("sockets.server.keepalive", 0.8),
    ("sockets.client.keepalive", 0.8),
    ("rate", 0.2),
];

/// A key of a table that has it this often where nothing is said.
const PRESENT: f64 = 0.3;

/// Times in microseconds; by the end of the path, families left away.
const TIMES: [(&str, Span); 36] = [
    ("arrivals", span(1.0 * MS, 3.0 * S)),
    ("arrivals.over", span(1.0 * MS, 4.0 * S)),
    ("arrivals.at", span(0.0, 3.0 * S)),
    ("closing.after", span(0.0, 8.0 * S)),
    ("closing.idle", span(100.0 * MS, 8.0 * S)),
    ("closing.sweep", span(100.0 * MS, 5.0 * S)),
    ("closing.timeout", span(1.0 * MS, 15.0 * S)),
    ("closing.grace", span(0.0, 1.0 * S)),
    ("closing.ping_timeout", span(10.0 * MS, 10.0 * S)),
    ("class.delay", span(0.0, 6.0 * S)),
    ("drip_interval", span(2.0 * MS, 2.0 * S)),
    ("latency", span(1.0 * MS, 400.0 * MS)),
    ("floor", span(1.0 * MS, 5.0 * MS)),
    ("nat_idle", span(20.0 * MS, 20.0 * S)),
    ("periodic", span(20.0 * MS, 5.0 * S)),
    ("bursts.every", span(100.0 * MS, 5.0 * S)),
    ("spacing", span(0.0, 50.0 * MS)),
    ("respond", span(0.0, 1.0 * S)),
    ("chaos.do.latency", span(1.0 * MS, 2.0 * S)),
    ("chaos.do.by", span(1.0 * MS, 300.0 * MS)),
    ("server.service", span(10.0, 30.0 * MS)),
    ("clock-jump", span(1.0 * MS, 3_600.0 * S)),
    ("tcp_fin_timeout", span(0.0, 90.0 * S)),
    ("tcp_rto_min_us", span(1.0 * MS, 2.0 * S)),
    ("tcp_rto_max_ms", span(1.0 * S, 60.0 * S)),
    ("tcp_keepalive_time", span(1.0 * S, 60.0 * S)),
    ("tcp_keepalive_intvl", span(1.0 * S, 30.0 * S)),
    // Without a limit a forged FIN makes two kernels acknowledge each other as fast as the link is: so does Linux.
    ("tcp_invalid_ratelimit", span(10.0 * MS, 1.0 * S)),
    ("reconnect.delay", span(1.0 * MS, 4.0 * S)),
    ("reconnect.backoff", span(1.0 * MS, 4.0 * S)),
    ("user_timeout", span(10.0 * MS, 30.0 * S)),
    ("time_wait", span(0.0, 90.0 * S)),
    ("delayed_ack_min", span(0.0, 500.0 * MS)),
    ("delayed_ack_max", span(0.0, 500.0 * MS)),
    ("tick", span(0.0, 10.0 * MS)),
    ("", span(1.0 * MS, 10.0 * S)),
];

/// Whole numbers, as above.
const INTEGERS: [(&str, Span); 15] = [
    ("peers", span(1.0, 8.0)),
    ("nodes", span(1.0, 3.0)),
    ("seed", span(1.0, 1e9)),
    ("server.workers", span(1.0, 4.0)),
    ("server.queue", span(1.0, 60.0)),
    ("server.accept_rate", span(1.0, 100.0)),
    ("outgoing.ports", span(1.0, 8.0)),
    ("outgoing.destinations", span(1.0, 3.0)),
    ("size", span(48.0, 8_000.0)),
    ("stanzas", span(1.0, 60.0)),
    ("count", span(1.0, 40.0)),
    ("initial_cwnd", span(1.0, 40.0)),
    ("somaxconn", span(0.0, 8.0)),
    ("tcp_max_syn_backlog", span(1.0, 8.0)),
    ("", span(0.0, 12.0)),
];

/// Numbers, as above.
const NUMBERS: [(&str, Span); 6] = [
    ("sigma", span(0.0, 1.2)),
    ("shape", span(0.6, 6.0)),
    ("arrivals.poisson", span(2.0, 100.0)),
    ("chaos.at.poisson", span(0.02, 2.0)),
    ("poisson", span(0.1, 40.0)),
    ("", span(0.1, 8.0)),
];

/// The value of the longest key that `path` ends with.
fn of<T: Copy>(table: &[(&str, T)], path: &str) -> Option<T> {
    let ends =
        |key: &str| path.strip_suffix(key).is_some_and(|rest| key.is_empty() || rest.is_empty() || rest.ends_with('.'));
    table.iter().filter(|(key, _)| ends(key)).max_by_key(|(key, _)| key.len()).map(|(_, value)| *value)
}

/// A path without the distribution at its end.
fn plain(path: &str) -> &str {
    let mut path = path;
    while let Some((above, last)) = path.rsplit_once('.') {
        if !FAMILIES.contains(&last) {
            break;
        }
        path = above;
    }
    path
}

/// Share of the tables that have this key.
pub(super) fn presence(path: &str) -> f64 {
    of(&PRESENCE, path).unwrap_or(PRESENT)
}

/// The same in a run that lasts so long: in a long one nobody talks all the time.
pub(super) fn presence_in(path: &str, duration: Micros) -> f64 {
    let ends = path.rsplit('.').next() == Some("count");
    if ends && duration > LONG { 1.0 } else { presence(path) }
}

/// A run that is longer than this has traffic that ends.
const LONG: Micros = Micros::from_secs(60);

/// How long a run lasts: mostly seconds, now and then long enough for the slowest timers of the kernel.
pub(super) fn duration(luck: f64) -> Span {
    match luck {
        x if x < 0.7 => span(2.0 * S, 60.0 * S),
        x if x < 0.9 => span(60.0 * S, 300.0 * S),
        _ => span(300.0 * S, 7_200.0 * S),
    }
}

/// Keys of the scenario in the order of drawing: those whose names others use come first.
pub(super) fn order(path: &str, key: &str) -> usize {
    let first = ["links", "traffic", "mix", "class"];
    let place = if path.is_empty() { first.iter().position(|name| *name == key) } else { None };
    place.unwrap_or(first.len())
}

/// From where a time is drawn, in microseconds.
pub(super) fn time(path: &str, duration: Micros) -> Span {
    #[expect(clippy::cast_precision_loss, reason = "durations are far below 2^53 us")]
    let whole = duration.get() as f64;
    match path {
        "chaos.at" => span(whole / 1e3, whole * 0.9),
        "chaos.at.every" => span(whole / 50.0, whole * 0.9),
        "chaos.at.jitter" => span(0.0, whole / 5.0),
        "chaos.for" => span(1.0 * MS, whole / 2.0),
        _ if duration > LONG && busy(plain(path)) => span(whole / 2e3, whole / 10.0),
        _ => of(&TIMES, plain(path)).unwrap_or(span(1.0 * MS, 10.0 * S)),
    }
}

/// Times that pass again and again: of a pinged peer, of acknowledgements, of tries. In a long run they are not short.
fn busy(path: &str) -> bool {
    ["drip_interval", "closing.after", "closing.idle", "request_interval", "reconnect.delay", "reconnect.backoff"]
        .iter()
        .any(|end| path.ends_with(end))
}

/// From where a whole number is drawn.
#[expect(clippy::cast_precision_loss, reason = "limits are where doubles are exact enough")]
pub(super) fn integer(path: &str, low: u64, high: u64) -> Span {
    let common = of(&INTEGERS, plain(path)).unwrap_or(span(0.0, 12.0));
    let low = (low as f64).max(common.low);
    Span { low, high: common.high.max(low + 8.0).min(high as f64) }
}

/// From where a number is drawn.
pub(super) fn number(path: &str, duration: Micros) -> Span {
    let common = of(&NUMBERS, path).unwrap_or(span(0.1, 8.0));
    // As often in a long run as in a short one.
    if path == "chaos.at.poisson" && duration > LONG { span(0.02 / 60.0, 0.05) } else { common }
}

/// From where a rate is drawn, in kbit a second.
pub(super) fn rate(_path: &str) -> Span {
    span(8.0, 5_000.0)
}

/// From where a size in bytes is drawn.
pub(super) fn bytes(path: &str) -> Span {
    if path.ends_with("mss") { span(88.0, 9_000.0) } else { span(1_024.0, 300_000.0) }
}

/// The longest list of this key.
pub(super) fn most_in_list(path: &str) -> usize {
    match path {
        "chaos" => 4,
        "class" => 3,
        _ => 2,
    }
}

/// Two values, the smaller first.
pub(super) fn ascending(mut pair: [Value; 2]) -> [Value; 2] {
    pair.sort_by_key(weight_of);
    pair
}

/// How much a value is, for sorting: of a text its time or size.
pub(super) fn weight_of(value: &Value) -> u64 {
    match value {
        Value::Integer(n) => n.unsigned_abs(),
        Value::String(text) => match humantime::parse_duration(text) {
            Ok(time) => u64::try_from(time.as_micros()).unwrap_or(u64::MAX),
            Err(_) => text.trim_end_matches('B').parse().unwrap_or(0),
        },
        Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) | Value::Array(_) | Value::Table(_) => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_end_of_a_path_counts_and_distributions_are_left_away() {
        assert_eq!(of(&TIMES, plain("class.link.up.latency.normal.mean")), of(&TIMES, "latency"));
        assert_ne!(of(&TIMES, "chaos.do.latency"), of(&TIMES, "class.link.latency"));
        assert_eq!(presence("links.*.latency").to_bits(), 1.0_f64.to_bits());
        assert_eq!(presence("something.new").to_bits(), PRESENT.to_bits());
        assert_eq!(integer("new.key", 3, 5), span(3.0, 5.0));
    }
}
