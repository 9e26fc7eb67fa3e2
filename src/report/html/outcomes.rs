//! How closings ended for the closer.

use crate::ledger::fate::Outcome;
use crate::report::chart::axis::Axis;
use crate::report::chart::bars::{Bar, bars};
use crate::report::chart::{Colour, PARTS};
use crate::report::html::{Cell, Figure, Part, Sample, Table, each, opening};
use crate::report::reading::{Point, Results, Study, share};
use crate::report::units::{count, percent};

/// The colour of each outcome, in the order of [`Outcome::ALL`].
const COLOURS: [Colour; 7] = [PARTS[5], PARTS[3], PARTS[2], PARTS[7], PARTS[6], PARTS[0], PARTS[8]];

pub(super) fn part(study: &Study, focus: &Point) -> Part {
    let mut part = Part::new("outcomes", "How closings ended");
    part.texts.push(opening(study, focus,
        "as the closer saw it: the other tag came (clean), its patience ran out (timeout), end of file, a reset or broken XML came \
         instead, it did not wait (closed), or the run was over first (unfinished)."
    ));
    let rows: Vec<Bar> = focus.strategies.iter().map(bar).collect();
    let x = Axis::linear("% of streams", [100.0]);
    let legend = seen(focus).into_iter().map(|(outcome, colour)| Sample::part(colour, outcome.name())).collect();
    part.figures.push(Figure { finding: finding(focus), svg: bars(&x, &rows), legend, table: table(focus) });
    part
}

/// Streams with this outcome.
fn of(results: &Results, outcome: Outcome) -> u64 {
    results.sum(&outcome.name().replace('-', "_"))
}

fn bar(results: &Results) -> Bar {
    let streams = results.sum("streams");
    let parts = Outcome::ALL.iter().zip(COLOURS).map(|(o, colour)| (colour, 100.0 * share(of(results, *o), streams)));
    let note = format!("{} streams", count(streams));
    Bar { name: results.strategy.clone(), note, parts: parts.collect() }
}

/// The outcomes that any stream had, with their colours.
fn seen(point: &Point) -> Vec<(Outcome, Colour)> {
    let any = |outcome: Outcome| point.strategies.iter().any(|results| of(results, outcome) > 0);
    Outcome::ALL.into_iter().zip(COLOURS).filter(|(outcome, _)| any(*outcome)).collect()
}

fn table(point: &Point) -> Table {
    let mut head = vec!["strategy".to_owned()];
    head.extend(seen(point).iter().map(|(outcome, _)| outcome.name().to_owned()));
    head.push("streams".to_owned());
    let row = |results: &Results| {
        let mut row: Vec<Cell> = vec![results.strategy.clone().into()];
        row.extend(seen(point).into_iter().map(|(outcome, _)| Cell::from(count(of(results, outcome)))));
        row.push(count(results.sum("streams")).into());
        row
    };
    let rows = point.strategies.iter().map(row).collect();
    Table { caption: "Streams by outcome, all seeds together.".into(), head, rows, open: true }
}

/// The commonest outcome of each strategy.
fn finding(point: &Point) -> String {
    let words = |results: &Results| {
        let counted = Outcome::ALL.iter().map(|outcome| (outcome, of(results, *outcome)));
        let most = counted.reduce(|a, b| if b.1 > a.1 { b } else { a });
        most.map_or_else(String::new, |(outcome, n)| {
            format!("{} {} {}", results.strategy, percent(n, results.sum("streams")), outcome.name())
        })
    };
    let clean = |results: &Results| share(of(results, Outcome::Clean), results.sum("streams"));
    format!("Commonest outcomes: {}.", each(&point.strategies, clean, words))
}
