//! Loss against what it costs to avoid it: socket time.

use crate::report::chart::axis::Axis;
use crate::report::chart::curves::{Spot, spots};
use crate::report::chart::series;
use crate::report::html::verdict::micros;
use crate::report::html::{Cell, DRAWN, Figure, NAMED, Part, Table, interval, list, metric, opening};
use crate::report::reading::{Point, Results, Study};
use crate::report::units::{digits, things, time};

pub(super) fn part(study: &Study, focus: &Point) -> Part {
    let mut part = Part::new("frontier", "Loss against socket time");
    let bars = if study.intervals.is_empty() { "" } else { " Lines are 95 % intervals." };
    part.texts.push(opening(
        study,
        focus,
        &format!("a point a strategy: further down loses less, further left holds sockets for less time.{bars}"),
    ));
    part.figures.push(figure(study, focus));
    part
}

/// An interval, as far as there is one.
type Ends = Option<(f64, f64)>;

fn figure(study: &Study, point: &Point) -> Figure {
    let ends = |i, metric, scale: f64| -> Ends {
        let (low, high) = interval(study, point, i, metric)?.value.interval?;
        Some((low * scale, high * scale))
    };
    let all: Vec<(&Results, Ends, Ends)> = (point.strategies.iter().enumerate())
        .map(|(i, results)| (results, ends(i, metric::SOCKET, 1e-6), ends(i, metric::LOSS, 1.0)))
        .collect();
    let both = |ends: Ends| ends.into_iter().flat_map(|(low, high)| [low, high]);
    let wide = all.iter().flat_map(|(results, wide, _)| both(*wide).chain([results.socket_time() / 1e6]));
    let high = all.iter().flat_map(|(results, _, high)| both(*high).chain([results.loss()]));
    let x = Axis::linear("socket time a stream in s", wide);
    let y = Axis::linear("stanzas lost a stream", high);
    let drawn: Vec<Spot> = (all.iter().enumerate())
        .map(|(index, (results, wide, high))| Spot {
            name: if index < DRAWN { results.strategy.clone() } else { String::new() },
            index,
            colour: series(index),
            at: (results.socket_time() / 1e6, results.loss()),
            wide: *wide,
            high: *high,
        })
        .collect();
    let range = |ends: Ends, show: &dyn Fn(f64) -> String| {
        ends.map_or_else(String::new, |(low, high)| format!("{} to {}", show(low), show(high)))
    };
    let rows = all.iter().map(|(results, wide, high)| {
        vec![
            results.strategy.clone().into(),
            Cell { text: digits(results.loss()), interval: range(*high, &digits) },
            Cell { text: time(micros(results.socket_time())), interval: range(*wide, &|s| time(micros(s * 1e6))) },
        ]
    });
    let table = Table {
        caption: "Loss and socket time of each strategy.".into(),
        head: ["strategy", "lost a stream", "socket time a stream"].map(str::to_owned).to_vec(),
        rows: rows.collect(),
        open: true,
    };
    Figure { finding: finding(point), svg: spots(&x, &y, &drawn), legend: Vec::new(), table }
}

/// Whether a strategy is no worse than another in both, and better in one.
fn beats(a: &Results, b: &Results) -> bool {
    let (loss, time) = (a.loss().total_cmp(&b.loss()), a.socket_time().total_cmp(&b.socket_time()));
    loss.is_le() && time.is_le() && (loss.is_lt() || time.is_lt())
}

/// The strategies than which none is better in both.
fn finding(point: &Point) -> String {
    let beaten = |results: &Results| point.strategies.iter().any(|other| beats(other, results));
    let (rest, front): (Vec<&Results>, Vec<&Results>) = point.strategies.iter().partition(|results| beaten(results));
    let words = |results: &&Results| {
        format!(
            "{} ({} lost a stream for {})",
            results.strategy,
            digits(results.loss()),
            time(micros(results.socket_time()))
        )
    };
    let mut named: Vec<String> = front.iter().take(NAMED).map(words).collect();
    if front.len() > NAMED {
        named.push(things((front.len() - NAMED) as u64, "more", "more"));
    }
    let begin = if front.len() == 1 { "Best in both" } else { "None is better in both than these" };
    let rest = match rest.as_slice() {
        [] => String::new(),
        [one] => format!(" {} is worse than one of them.", one.strategy),
        several => format!(" The other {} are each worse than one of them.", several.len()),
    };
    format!("{begin}: {}.{rest}", list(&named))
}
