//! The finding: what the run says about loss, what that costs, and how sure it is, in plain sentences with the figures.

use crate::experiment::comparison::{Comparison, ContenderResult, PointResult};
use crate::experiment::statistics::{self, Interval, SEEDS_FOR_DIFFERENCE, SEEDS_FOR_SHARE};
use crate::ledger::metric::Metric;
use crate::report::units::{count, digits, float, observed, percent, ratio, things, time};
use crate::time::Micros;

/// Strategies that are named one by one; of more, only the best and the worst.
const NAMED: usize = 4;

/// The sentences, in order.
pub fn finding(comparison: &Comparison) -> Vec<String> {
    match comparison.points.as_slice() {
        [] => Vec::new(),
        [point] => {
            let sentences = [Some(loss(point)), price(point), Some(certainty(point, comparison.seeds.len()))];
            sentences.into_iter().flatten().collect()
        }
        points => {
            let mut sentences = sweep(points);
            if comparison.seeds.len() < SEEDS_FOR_SHARE {
                sentences.push(no_interval(comparison.seeds.len()));
            }
            sentences
        }
    }
}

fn loss(point: &PointResult) -> String {
    let contenders = by_loss(&point.contenders);
    if contenders.iter().all(|c| c.total.sent == 0) {
        return "No stanza was sent, so nothing could be lost.".into();
    }
    if contenders.iter().all(|c| c.total.lost() == 0) && contenders.len() > 1 {
        let sent: Vec<String> =
            contenders.iter().map(|c| format!("0 of {} by {}", count(c.total.sent), c.strategy)).collect();
        return format!("No stanza was lost ({}): in loss these ways of closing do not differ here.", list(&sent));
    }
    if contenders.len() <= NAMED {
        return contenders.iter().map(|c| lost(c)).collect::<Vec<_>>().join("; ") + ".";
    }
    let spotless = contenders.iter().take_while(|c| c.total.lost() == 0).count();
    let (best, worst) = (contenders[spotless], contenders[contenders.len() - 1]);
    let names: Vec<String> = contenders[..spotless].iter().map(|c| c.strategy.clone()).collect();
    let first = match names.as_slice() {
        [] => String::new(),
        names => format!("{} lost nothing. ", list(names)),
    };
    if spotless + 1 == contenders.len() {
        return format!("{first}{}.", lost(worst));
    }
    let others = if spotless == 0 { "fewest" } else { "fewest of the others" };
    format!("{first}Most: {}; {others}: {}.", lost(worst), lost(best))
}

/// What one strategy lost.
fn lost(contender: &ContenderResult) -> String {
    let total = &contender.total;
    let name = &contender.strategy;
    match total.lost() {
        0 => format!("{name} lost none of {}", things(total.sent, "stanza", "stanzas")),
        lost => format!(
            "{name} lost 1 stanza in {} ({} of {}, on {} of the streams; {} to the closer, {} to its peer)",
            count((total.sent + lost / 2) / lost),
            count(lost),
            count(total.sent),
            percent(total.streams_with_loss, total.streams),
            count(total.lost_to_closer),
            count(total.lost_to_peer)
        ),
    }
}

/// What it costs to close by the strategy that lost least instead of the one that lost most.
fn price(point: &PointResult) -> Option<String> {
    let contenders = by_loss(&point.contenders);
    let (safe, hasty) = match contenders.as_slice() {
        [] | [_] => return None,
        [first, .., last] => (*first, *last),
    };
    let differs = loss_order(safe, hasty).is_ne();
    let subject =
        if differs { format!("The price of {}", safe.strategy) } else { format!("In time, {}", safe.strategy) };
    let [a, b] = [safe, hasty].map(|c| c.figures(Metric::Release));
    let link = if differs { ": its application lets go" } else { " lets go" };
    Some(format!(
        "{subject}{link} {} after the decision at the median (p99 {}), that of {} after {} (p99 {}); {}.",
        observed(a.p50, a.count),
        observed(a.p99, a.count),
        hasty.strategy,
        observed(b.p50, b.count),
        observed(b.p99, b.count),
        sockets(safe, hasty)
    ))
}

fn sockets(safe: &ContenderResult, hasty: &ContenderResult) -> String {
    let mean = |c: &ContenderResult| Micros::new(c.total.socket_time.get().checked_div(c.total.decided).unwrap_or(0));
    let (a, b) = (mean(safe), mean(hasty));
    match a.cmp(&b) {
        std::cmp::Ordering::Equal => format!("the closer's kernel holds a socket for {} either way", time(a)),
        std::cmp::Ordering::Greater => {
            format!(
                "the closer's kernel holds a socket {} longer on average ({} against {})",
                time(a - b),
                time(a),
                time(b)
            )
        }
        std::cmp::Ordering::Less => {
            format!(
                "the closer's kernel holds a socket {} less on average ({} against {})",
                time(b - a),
                time(a),
                time(b)
            )
        }
    }
}

/// What the number of seeds allows to say of the differences.
fn certainty(point: &PointResult, seeds: usize) -> String {
    if seeds < SEEDS_FOR_SHARE {
        return no_interval(seeds);
    }
    let Some((reference, other)) = opponents(&point.contenders) else { return single(&point.contenders, seeds) };
    if seeds < SEEDS_FOR_DIFFERENCE {
        return single(&point.contenders, seeds) + " An interval for the difference takes `--seeds 10`.";
    }
    let Some(interval) = lost_difference(reference, other, point.contenders.len()) else { return no_interval(seeds) };
    let Interval { low, high, .. } = interval;
    let limits = |low: f64, high: f64| format!("between {} and {}", digits(low), digits(high));
    let (a, b) = (&reference.strategy, &other.strategy);
    if low > 0.0 {
        format!("Over {seeds} seeds {b} loses {} stanzas a stream more than {a} (95 %).", limits(low, high))
    } else if high < 0.0 {
        format!("Over {seeds} seeds {b} loses {} stanzas a stream fewer than {a} (95 %).", limits(-high, -low))
    } else {
        format!(
            "Over {seeds} seeds the difference in loss between {a} and {b} is not certain: {} stanzas a stream (95 %).",
            limits(low, high)
        )
    }
}

fn no_interval(seeds: usize) -> String {
    format!("{} give no interval; `--seeds 10` does.", things(seeds as u64, "seed", "seeds"))
        .replace("1 seed give ", "1 seed gives ")
}

/// The interval of the strategy that lost most.
fn single(contenders: &[ContenderResult], seeds: usize) -> String {
    let Some(worst) = by_loss(contenders).pop() else { return no_interval(seeds) };
    let counts: Vec<u64> = worst.seeds.iter().map(|seed| seed.tally.streams_with_loss).collect();
    let Some(interval) = statistics::share(&counts, streams_a_seed(worst), 0.95) else { return no_interval(seeds) };
    let zero = counts.iter().all(|&n| n == 0);
    let rule = if zero { format!(", fewer than 1 in {}", count(worst.total.streams / 3)) } else { String::new() };
    format!(
        "Over {seeds} seeds between {} and {} % of the streams lose something under {} (95 %){rule}.",
        digits(100.0 * interval.low),
        digits(100.0 * interval.high),
        worst.strategy
    )
}

/// The first strategy, to which others are compared, and the one that differs most from it.
fn opponents(contenders: &[ContenderResult]) -> Option<(&ContenderResult, &ContenderResult)> {
    let (reference, others) = contenders.split_first()?;
    let distance = |c: &&ContenderResult| c.total.lost().abs_diff(reference.total.lost());
    Some((reference, others.iter().rev().max_by_key(distance)?))
}

/// The interval of the difference in stanzas lost a stream, wide enough that those of all `strategies` hold together.
fn lost_difference(reference: &ContenderResult, other: &ContenderResult, strategies: usize) -> Option<Interval> {
    let counts = |c: &ContenderResult| c.seeds.iter().map(|seed| seed.tally.lost()).collect::<Vec<_>>();
    let batch = |c: &ContenderResult| match c.total.lost() {
        0 => 1.0,
        lost => float(c.total.lost_squared) / float(lost),
    };
    let level = 1.0 - 0.05 / float(strategies.saturating_sub(1).max(1) as u64);
    let batches = [batch(reference), batch(other)];
    statistics::difference(&counts(reference), &counts(other), batches, streams_a_seed(reference), level)
}

fn streams_a_seed(contender: &ContenderResult) -> u64 {
    contender.seeds.first().map_or(0, |seed| seed.tally.streams)
}

/// For each strategy the range of its loss over the sweep, which may vary the strategies too.
fn sweep(points: &[PointResult]) -> Vec<String> {
    let mut sentences = Vec::new();
    let mut named: Vec<&str> = Vec::new();
    for name in points.iter().flat_map(|point| &point.contenders).map(|contender| contender.strategy.as_str()) {
        if !named.contains(&name) {
            named.push(name);
            sentences.extend(range(name, points));
        }
    }
    sentences
}

fn range(name: &str, points: &[PointResult]) -> Option<String> {
    let results: Vec<(&PointResult, &ContenderResult)> = points
        .iter()
        .filter_map(|point| Some((point, point.contenders.iter().find(|contender| contender.strategy == name)?)))
        .collect();
    let order = |a: &&(&PointResult, &ContenderResult), b: &&(&PointResult, &ContenderResult)| loss_order(a.1, b.1);
    let ((low_at, low), (high_at, high)) = (results.iter().min_by(order)?, results.iter().max_by(order)?);
    let [least, most] = [low, high].map(|c| ratio(c.total.lost(), c.total.streams));
    Some(if high.total.lost() == 0 {
        format!("{name} lost nothing at any of {}.", things(results.len() as u64, "sweep point", "sweep points"))
    } else if loss_order(low, high).is_eq() {
        format!("{name} lost {least} stanzas a stream at every sweep point.")
    } else {
        format!("{name} lost between {least} ({}) and {most} ({}) stanzas a stream.", values(low_at), values(high_at))
    })
}

fn values(point: &PointResult) -> String {
    let values: Vec<String> = point.varied.iter().map(|(key, value)| format!("{key}={value}")).collect();
    values.join(", ")
}

/// Fewest stanzas lost a stream first; the scenario's order among equals.
fn by_loss(contenders: &[ContenderResult]) -> Vec<&ContenderResult> {
    let mut sorted: Vec<_> = contenders.iter().collect();
    sorted.sort_by(|a, b| loss_order(a, b));
    sorted
}

/// Fewer stanzas lost a stream first.
fn loss_order(a: &ContenderResult, b: &ContenderResult) -> std::cmp::Ordering {
    (a.total.lost() * b.total.streams).cmp(&(b.total.lost() * a.total.streams))
}

/// `a`, `a and b`, `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
