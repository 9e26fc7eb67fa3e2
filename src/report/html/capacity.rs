//! What the servers bore, where the scenario says what they have.

use crate::report::html::{Cell, Part, Table, each, opening};
use crate::report::reading::{Columns, Point, Results, Study};
use crate::report::units::{bytes, count, digits, micros, share};

/// A column of the table: its heading, the column of capacity.csv, and how its value is shown.
type Shown = (&'static str, &'static str, fn(&Columns, &str) -> String);

const ALWAYS: [Shown; 6] = [
    ("sockets", "peak_sockets", most),
    ("TIME-WAIT", "peak_time_wait", most),
    ("streams", "peak_streams", most),
    ("memory", "peak_memory_bytes", memory),
    ("refused", "refused", sum),
    ("refused a second", "peak_refused", most),
];

/// Columns that are shown where any strategy has a value above zero.
const SOMETIMES: [Shown; 7] = [
    ("waiting", "peak_queue", most),
    ("busiest second", "utilisation", |columns, name| share(columns.most(name))),
    ("longest wait", "wait_max_us", |columns, name| micros(columns.most(name))),
    ("ports", "peak_ports", most),
    ("seconds above its sockets", "above_sockets_s", most),
    ("above its memory", "above_memory_s", most),
    ("above its queue", "above_queue_s", most),
];

/// None where nothing is reckoned.
pub(super) fn part(study: &Study, focus: &Point) -> Option<Part> {
    let borne = |results: &Results| results.capacity.has("peak_sockets");
    if !focus.strategies.iter().any(borne) {
        return None;
    }
    let mut part = Part::new("capacity", "What it takes of a server");
    part.texts.push(opening(study, focus, &finding(focus)));
    part.tables.push(table(focus));
    Some(part)
}

fn finding(point: &Point) -> String {
    let words = |results: &Results| {
        format!(
            "{} needs at most {} sockets and {} in TIME-WAIT at one node, {} with its streams",
            results.strategy,
            most(&results.capacity, "peak_sockets"),
            most(&results.capacity, "peak_time_wait"),
            memory(&results.capacity, "peak_memory_bytes")
        )
    };
    each(&point.strategies, |results| results.capacity.most("peak_memory_bytes"), words) + "."
}

fn table(point: &Point) -> Table {
    let any = |(_, column, _): &&Shown| point.strategies.iter().any(|results| results.capacity.most(column) > 0.0);
    let shown: Vec<&Shown> = ALWAYS.iter().chain(SOMETIMES.iter().filter(any)).collect();
    let mut head = vec!["strategy".to_owned()];
    head.extend(shown.iter().map(|(name, ..)| (*name).to_owned()));
    let row = |results: &Results| {
        let mut row: Vec<Cell> = vec![results.strategy.clone().into()];
        row.extend(shown.iter().map(|(_, column, show)| Cell::from(show(&results.capacity, column))));
        row
    };
    Table {
        caption: "The most at the worst node in the worst seed; refused connections are those of all nodes and seeds."
            .into(),
        head,
        rows: point.strategies.iter().map(row).collect(),
        open: true,
    }
}

fn most(columns: &Columns, name: &str) -> String {
    whole(columns.most(name))
}

fn sum(columns: &Columns, name: &str) -> String {
    whole(columns.sum(name))
}

/// A count that the table holds as a number.
pub(super) fn whole(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole, and below 2^53")]
    let n = value as u64;
    if value < 9e15 { count(n) } else { digits(value) }
}

fn memory(columns: &Columns, name: &str) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "sizes are whole, and below 2^53")]
    let n = columns.most(name) as u64;
    bytes(n)
}
