//! The finding in words, and the table with its intervals.

use crate::ledger::metric::Metric;
use crate::report::html::{Cell, NAMED, Part, Table, each, interval, list, metric, named};
use crate::report::reading::{Point, Results, Study};
use crate::report::units::{count, digits, percent, ratio, things, time};
use crate::time::Micros;

/// Rows of the table at most: a grid of a thousand points is for summary.csv.
const ROWS: usize = 160;

pub(super) fn part(study: &Study, focus: &Point) -> Part {
    let mut part = Part::new("verdict", "Verdict");
    part.texts = words(study, focus);
    part.tables.push(table(study));
    part
}

/// The finding, in sentences.
fn words(study: &Study, focus: &Point) -> Vec<String> {
    let mut texts = Vec::new();
    if study.points.len() > 1 {
        texts.extend(ranges(study));
        texts.push(format!("The strategies differ most at {}.", named(focus)));
    } else {
        texts.push(loss(focus));
    }
    texts.extend(price(focus));
    texts.extend(certainty(study, focus));
    texts.extend(missing(study));
    texts
}

/// What each lost; of many, those that lost least and most.
fn loss(point: &Point) -> String {
    let sorted: Vec<Results> = by_loss(point).into_iter().cloned().collect();
    let words = |results: &Results| {
        let (name, lost, sent) = (&results.strategy, results.sum("lost"), results.sum("sent"));
        if lost == 0 {
            return format!("{name} lost none of {}", things(sent, "stanza", "stanzas"));
        }
        format!(
            "{name} lost 1 stanza in {} ({} of {}, on {} of the streams; {} to the closer, {} to its peer)",
            count((sent + lost / 2) / lost),
            count(lost),
            count(sent),
            percent(results.sum("streams_with_loss"), results.sum("streams")),
            count(results.sum("lost_to_closer")),
            count(results.sum("lost_to_peer"))
        )
    };
    each(&sorted, Results::loss, words).replacen("of ", if sorted.len() > NAMED { "Of " } else { "of " }, 1) + "."
}

/// What it costs to close by the strategy that lost least instead of the one that lost most.
fn price(point: &Point) -> Option<String> {
    let sorted = by_loss(point);
    let [safe, .., hasty] = sorted.as_slice() else { return None };
    let name = |results: &Results| results.strategy.clone();
    let [a, b] = [safe, hasty].map(|results| percentile(results, Metric::Release, 50.0));
    let [held, other] = [safe, hasty].map(|results| micros(results.socket_time()));
    Some(format!(
        "In time: {} lets go of its socket {a} after the decision at the median, {} after {b}; the closer's kernel holds a socket {} \
         and {} a stream on average.",
        name(safe),
        name(hasty),
        time(held),
        time(other)
    ))
}

/// How sure that is.
fn certainty(study: &Study, focus: &Point) -> Vec<String> {
    let seeds = focus.strategies.first().map_or(0, |results| results.each("streams").len());
    let (mut sure, mut more, mut fewer, mut open) = (Vec::new(), 0, 0, 0);
    for (i, results) in focus.strategies.iter().enumerate() {
        let Some(row) = interval(study, focus, i, metric::LOSS) else { continue };
        let Some((low, high)) = row.difference.interval else { continue };
        let (name, reference) = (&results.strategy, &row.reference);
        let between = |low, high| format!("between {} and {} stanzas a stream", digits(low), digits(high));
        sure.push(if low > 0.0 {
            more += 1;
            format!("{name} loses {} more than {reference}", between(low, high))
        } else if high < 0.0 {
            fewer += 1;
            format!("{name} loses {} fewer than {reference}", between(-high, -low))
        } else {
            open += 1;
            format!("whether {name} loses more or less than {reference} is not certain ({})", between(low, high))
        });
    }
    if sure.len() > NAMED {
        sure = vec![format!(
            "{more} strategies lose more than the reference with certainty, {fewer} lose fewer, of {open} it cannot be said"
        )];
    }
    if !sure.is_empty() {
        return vec![format!("Over {} (95 %, all together): {}.", things(seeds as u64, "seed", "seeds"), list(&sure))];
    }
    let many = seeds;
    let seeds = things(many as u64, "seed", "seeds");
    let give = if many == 1 { "gives" } else { "give" };
    vec![format!("{seeds} {give} no interval for the differences; run with --seeds 10 to get one.")]
}

/// What the run cannot say, because it ended too early.
fn missing(study: &Study) -> Option<String> {
    let all = study.points.iter().flat_map(|point| &point.strategies);
    let worst = all.max_by_key(|results| results.sum("unfinished")).filter(|results| results.sum("unfinished") > 0)?;
    Some(format!(
        "{} of {} streams of {} were not closed when the run ended; their times are missing.",
        count(worst.sum("unfinished")),
        count(worst.sum("streams")),
        worst.strategy
    ))
}

/// For each strategy the range of its loss over the sweep.
fn ranges(study: &Study) -> Vec<String> {
    let mut names: Vec<&str> = Vec::new();
    for results in study.points.iter().flat_map(|point| &point.strategies) {
        if !names.contains(&results.strategy.as_str()) {
            names.push(&results.strategy);
        }
    }
    names.into_iter().filter_map(|name| range(study, name)).collect()
}

fn range(study: &Study, name: &str) -> Option<String> {
    let mut found: Vec<(&Point, &Results)> = Vec::new();
    for point in &study.points {
        found
            .extend(point.strategies.iter().filter(|results| results.strategy == name).map(|results| (point, results)));
    }
    let order = |a: &&(&Point, &Results), b: &&(&Point, &Results)| a.1.loss().total_cmp(&b.1.loss());
    let ((low_at, low), (high_at, high)) = (found.iter().min_by(order)?, found.iter().max_by(order)?);
    if high.sum("lost") == 0 {
        return Some(format!(
            "{name} lost nothing at any of {}.",
            things(found.len() as u64, "sweep point", "sweep points")
        ));
    }
    let [least, most] = [low, high].map(|results| ratio(results.sum("lost"), results.sum("streams")));
    Some(format!("{name} lost between {least} ({}) and {most} ({}) stanzas a stream.", named(low_at), named(high_at)))
}

fn table(study: &Study) -> Table {
    let mut head = study.keys.clone();
    let columns = [
        "strategy",
        "lost a stream",
        "streams with loss",
        "release p50",
        "release p99",
        "notice p50",
        "never noticed",
        "teardown p50",
        "teardown p99",
        "socket time a stream",
        "resets a stream",
    ];
    head.extend(columns.map(str::to_owned));
    let mut rows = Vec::new();
    for point in &study.points {
        for (i, results) in point.strategies.iter().enumerate() {
            let mut row: Vec<Cell> = point.varied.iter().map(|(key, value)| shown(key, value).into()).collect();
            row.extend(cells(study, point, i, results));
            rows.push(row);
        }
    }
    let all = rows.len();
    rows.truncate(ROWS);
    let more =
        if all > ROWS { format!(" The first {ROWS} of {all} rows; summary.csv has them all.") } else { String::new() };
    let intervals = if study.intervals.is_empty() { "" } else { " Small: 95 % intervals over seeds." };
    let caption = format!("What each strategy lost and took, all seeds together.{intervals}{more}");
    Table { caption, head, rows, open: true }
}

fn shown(key: &str, value: &str) -> String {
    crate::report::chart::axis::varied_label(key, value)
}

fn cells(study: &Study, point: &Point, i: usize, results: &Results) -> Vec<Cell> {
    let streams = results.sum("streams");
    let with = |text: String, metric: &str, show: &dyn Fn(f64) -> String| {
        let limits = interval(study, point, i, metric).and_then(|row| row.value.interval);
        let interval = limits.map_or_else(String::new, |(low, high)| format!("{} to {}", show(low), show(high)));
        Cell { text, interval }
    };
    let share = |value: f64| format!("{} %", digits(100.0 * value));
    let timed = |metric: Metric, percent: f64| -> Cell {
        let text = percentile(results, metric, percent);
        with(text, &format!("{}_p{percent}_us", metric.name()), &|us| time(micros(us)))
    };
    vec![
        results.strategy.clone().into(),
        with(ratio(results.sum("lost"), streams), metric::LOSS, &digits),
        with(percent(results.sum("streams_with_loss"), streams), metric::WITH_LOSS, &share),
        timed(Metric::Release, 50.0),
        timed(Metric::Release, 99.0),
        timed(Metric::Notice, 50.0),
        with(percent(results.sum("never_noticed"), results.decided()), metric::NEVER_NOTICED, &share),
        timed(Metric::Teardown, 50.0),
        timed(Metric::Teardown, 99.0),
        with(time(micros(results.socket_time())), metric::SOCKET, &|us| time(micros(us))),
        ratio(results.sum("resets"), streams).into(),
    ]
}

/// A percentile for people.
pub(super) fn percentile(results: &Results, metric: Metric, percentile: f64) -> String {
    match results.spectrum(metric).at(percentile) {
        None => "-".to_owned(),
        Some(None) => "never".to_owned(),
        Some(Some(us)) => time(Micros::new(us)),
    }
}

/// A time of whole microseconds for people.
pub(super) fn shown_time(us: u64) -> String {
    time(Micros::new(us))
}

/// Whole microseconds of a mean or an interval's end, for display.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time for display, not below zero")]
pub(super) fn micros(us: f64) -> Micros {
    Micros::new(us.max(0.0).round() as u64)
}

/// Fewest stanzas lost a stream first; the scenario's order among equals.
pub(super) fn by_loss(point: &Point) -> Vec<&Results> {
    let mut sorted: Vec<&Results> = point.strategies.iter().collect();
    sorted.sort_by(|a, b| a.loss().total_cmp(&b.loss()));
    sorted
}
