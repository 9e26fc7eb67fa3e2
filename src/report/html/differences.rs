//! Paired differences with their intervals, against the reference.

use crate::report::chart::axis::Axis;
use crate::report::chart::bars::{Difference, forest};
use crate::report::chart::series;
use crate::report::html::{Figure, NAMED, Part, Table, metric, opening, sentence};
use crate::report::reading::{IntervalRow, Limits, Point, Results, Study};
use crate::report::units::digits;

/// The metrics that are drawn, where comparison.csv has them; it has more.
const DRAWN: [&str; 6] =
    [metric::LOSS, metric::WITH_LOSS, "release_p50_us", "teardown_p50_us", "teardown_p99_us", metric::SOCKET];

pub(super) fn part(study: &Study, focus: &Point) -> Option<Part> {
    let (reference, others) = focus.strategies.split_first()?;
    if others.is_empty() {
        return None;
    }
    let mut part = Part::new("differences", "Differences");
    let point = study.points.iter().position(|point| point.varied == focus.varied)?;
    let rows: Vec<&IntervalRow> =
        study.intervals.iter().filter(|row| row.point == point && row.difference.estimate.is_some()).collect();
    let name = rows.first().map_or(&reference.strategy, |row| &row.reference);
    part.texts.push(opening(study, focus, &format!(
        "each strategy against {name}. Both meet the same traffic and the same network, seed by seed, so the difference is the \
         strategy's; where its interval does not reach the line, it is not chance."
    )));
    for metric in DRAWN {
        let of: Vec<&IntervalRow> = rows.iter().copied().filter(|row| row.metric == metric).collect();
        if !of.is_empty() {
            part.figures.push(figure(focus, metric, name, &of));
        }
    }
    if part.figures.is_empty() {
        part.figures.push(figure(focus, metric::LOSS, name, &Vec::from_iter(&estimated(point, reference, others))));
    }
    Some(part)
}

/// Differences in loss where nobody has computed intervals: their means alone.
fn estimated(point: usize, reference: &Results, others: &[Results]) -> Vec<IntervalRow> {
    let row = |(i, results): (usize, &Results)| IntervalRow {
        point,
        strategy: i + 1,
        metric: metric::LOSS.to_owned(),
        value: Limits::default(),
        reference: reference.strategy.clone(),
        difference: Limits { estimate: Some(results.loss() - reference.loss()), interval: None },
        method: String::new(),
    };
    others.iter().enumerate().map(row).collect()
}

fn figure(point: &Point, metric: &str, reference: &str, rows: &[&IntervalRow]) -> Figure {
    let sizes = rows.iter().filter_map(|row| row.difference.estimate).map(f64::abs);
    let (scale, title) = unit(metric, sizes.fold(0.0, f64::max));
    let show = |value: f64| signed(value * scale);
    let mut values = Vec::new();
    let mut drawn = Vec::new();
    let mut table = Table {
        caption: format!("{title}: difference to {reference} with its 95 % interval."),
        head: ["strategy", "difference", "lower end", "upper end", "method"].map(str::to_owned).to_vec(),
        rows: Vec::new(),
        open: true,
    };
    let mut words = Vec::new();
    for row in rows {
        let Some(estimate) = row.difference.estimate else { continue };
        let name = point.strategies.get(row.strategy).map_or("", |results| results.strategy.as_str());
        let interval = row.difference.interval;
        let ends = |end: fn((f64, f64)) -> f64| interval.map(end).map_or_else(|| "-".to_owned(), show);
        let (low, high) = (ends(|i| i.0), ends(|i| i.1));
        values.extend(
            [estimate * scale].into_iter().chain(interval.into_iter().flat_map(|(a, b)| [a * scale, b * scale])),
        );
        let note = interval.map_or_else(
            || format!("{}, no interval", show(estimate)),
            |_| format!("{} ({low} to {high})", show(estimate)),
        );
        words.push((estimate, format!("{name} {note}")));
        drawn.push(Difference {
            name: name.to_owned(),
            note,
            index: row.strategy,
            colour: series(row.strategy),
            estimate: estimate * scale,
            interval: interval.map(|(low, high)| (low * scale, high * scale)),
        });
        let method = if row.method.is_empty() { "-" } else { &row.method };
        table.rows.push(vec![name.into(), show(estimate).into(), low.into(), high.into(), method.into()]);
    }
    let x = Axis::centred(&format!("{title}, minus that of {reference}"), values);
    Figure {
        finding: sentence(&format!("{title}, difference to {reference}: {}.", worded(words))),
        svg: forest(&x, &drawn),
        legend: Vec::new(),
        table,
    }
}

/// Each difference in words; of many, the least and the largest.
fn worded(mut words: Vec<(f64, String)>) -> String {
    if words.len() > NAMED {
        words.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (least, largest) = (&words[0].1, &words[words.len() - 1].1);
        return format!("of {} strategies, at one end {least}, at the other {largest}", words.len());
    }
    words.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join("; ")
}

/// What a metric is multiplied by to be shown, and its name with the unit; times of a second and more are in seconds.
fn unit(name: &str, largest: f64) -> (f64, String) {
    if let Some(time) = name.strip_suffix("_us") {
        let (scale, unit) = if largest < 1e6 { (1e-3, "ms") } else { (1e-6, "s") };
        let time = if time == "socket" { "socket time a stream".to_owned() } else { time.replace('_', " ") };
        return (scale, format!("{time} in {unit}"));
    }
    match name {
        metric::LOSS => (1.0, "stanzas lost a stream".to_owned()),
        metric::WITH_LOSS => (100.0, "streams with loss in %".to_owned()),
        metric::NEVER_NOTICED => (100.0, "never noticed in %".to_owned()),
        "timeout" => (100.0, "close timeouts in %".to_owned()),
        other => (1.0, other.replace('_', " ")),
    }
}

/// With its sign, and a true minus.
fn signed(value: f64) -> String {
    let text = digits(value.abs());
    match text.trim_matches(['0', '.']).is_empty() {
        true => "0".to_owned(),
        false if value < 0.0 => format!("−{text}"),
        false => format!("+{text}"),
    }
}
