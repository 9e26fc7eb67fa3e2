//! Where stanzas die.

use crate::ledger::fate::Place;
use crate::report::chart::axis::Axis;
use crate::report::chart::bars::{Bar, bars};
use crate::report::chart::{Colour, PARTS};
use crate::report::html::{Cell, Figure, Part, Sample, Table, each, opening};
use crate::report::reading::{Point, Results, Study, share};
use crate::report::units::{count, digits};

/// The colour of each place, in the order of [`Place::ALL`].
const COLOURS: [Colour; 5] = [PARTS[1], PARTS[3], PARTS[2], PARTS[5], PARTS[7]];

pub(super) fn part(study: &Study, focus: &Point) -> Part {
    let mut part = Part::new("places", "Where stanzas die");
    part.texts.push(opening(
        study,
        focus,
        "stanzas lost a stream, by the place where they died. What is refused or never read is the closer's doing; the \
         network and a peer that has gone take theirs whatever the strategy.",
    ));
    let rows: Vec<Bar> = focus.strategies.iter().map(bar).collect();
    let x = Axis::linear("stanzas lost a stream", focus.strategies.iter().map(Results::loss));
    let legend = seen(focus).into_iter().map(|place| Sample::part(COLOURS[place], Place::ALL[place].name())).collect();
    part.figures.push(Figure { finding: finding(focus), svg: bars(&x, &rows), legend, table: table(focus) });
    part
}

fn bar(results: &Results) -> Bar {
    let streams = results.sum("streams");
    let parts = COLOURS.into_iter().zip(results.places).map(|(colour, n)| (colour, share(n, streams)));
    let note = if results.sum("lost") == 0 { "none".to_owned() } else { digits(results.loss()) };
    Bar { name: results.strategy.clone(), note, parts: parts.collect() }
}

/// The places where any stanza died, by their index.
fn seen(point: &Point) -> Vec<usize> {
    (0..Place::ALL.len()).filter(|&place| point.strategies.iter().any(|results| results.places[place] > 0)).collect()
}

fn table(point: &Point) -> Table {
    let mut head = vec!["strategy".to_owned()];
    head.extend(seen(point).into_iter().map(|place| Place::ALL[place].name().to_owned()));
    head.extend(["all".to_owned(), "a stream".to_owned()]);
    let row = |results: &Results| {
        let mut row: Vec<Cell> = vec![results.strategy.clone().into()];
        row.extend(seen(point).into_iter().map(|place| Cell::from(count(results.places[place]))));
        row.push(count(results.places.iter().sum()).into());
        row.push(digits(results.loss()).into());
        row
    };
    let rows = point.strategies.iter().map(row).collect();
    Table { caption: "Lost stanzas by place of death, all seeds together.".into(), head, rows, open: true }
}

/// The place where each strategy loses most.
fn finding(point: &Point) -> String {
    let words = |results: &Results| {
        let (name, lost) = (&results.strategy, results.places.iter().sum());
        let most = Place::ALL.iter().zip(results.places).reduce(|a, b| if b.1 > a.1 { b } else { a });
        match most {
            Some((place, n)) if n > 0 => {
                let (each, n, lost) = (digits(results.loss()), count(n), count(lost));
                format!("{name} {each} a stream, most of it {} ({n} of {lost})", place.name())
            }
            _ => format!("{name} none"),
        }
    };
    format!("Stanzas lost: {}.", each(&point.strategies, Results::loss, words))
}
