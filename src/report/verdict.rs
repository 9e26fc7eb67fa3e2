//! The finding: what the run says about loss, what that costs, and how sure it is, in plain sentences with the figures.

use crate::experiment::comparison::{Comparison, ContenderResult, PointResult};
use crate::ledger::metric::Metric;
use crate::report::again;
use crate::report::certainty;
use crate::report::returning;
use crate::report::units::{count, observed, percent, ratio, things, time};
use crate::time::Micros;

/// Strategies that are named one by one; of more, only the best and the worst.
pub(super) const NAMED: usize = 4;

/// The sentences, in order.
pub fn finding(comparison: &Comparison) -> Vec<String> {
    let mut sentences = of_points(&comparison.points);
    sentences.extend(comparison.until.map(|precision| certainty::reached(&comparison.points, precision)));
    sentences
}

fn of_points(points: &[PointResult]) -> Vec<String> {
    match points {
        [] => Vec::new(),
        [point] => {
            let mut sentences = vec![loss(point)];
            sentences.extend(certainty::differences(point));
            sentences.extend(certainty::price(point).or_else(|| price(point)));
            sentences.extend(returning::sentences(point));
            sentences.extend(again::sentence(point));
            sentences.extend(certainty::limits(point));
            sentences
        }
        points => {
            let mut sentences = sweep(points);
            sentences.extend(certainty::of_sweep(points));
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

pub(super) fn values(point: &PointResult) -> String {
    let values: Vec<String> = point.varied.iter().map(|(key, value)| format!("{key}={value}")).collect();
    values.join(", ")
}

/// Fewest stanzas lost a stream first; the scenario's order among equals.
pub(super) fn by_loss(contenders: &[ContenderResult]) -> Vec<&ContenderResult> {
    let mut sorted: Vec<_> = contenders.iter().collect();
    sorted.sort_by(|a, b| loss_order(a, b));
    sorted
}

/// Fewer stanzas lost a stream first.
fn loss_order(a: &ContenderResult, b: &ContenderResult) -> std::cmp::Ordering {
    (a.total.lost() * b.total.streams).cmp(&(b.total.lost() * a.total.streams))
}

/// `a`, `a and b`, `a, b and c`.
pub(super) fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}
