//! Who came back, and what stream management brought back with them.

use crate::report::html::capacity::whole;
use crate::report::html::{Cell, Part, Table, each, opening};
use crate::report::reading::{Columns, Point, Results, Study};
use crate::report::units::{count, micros, share};

/// None where nobody comes back.
pub(super) fn part(study: &Study, focus: &Point) -> Option<Part> {
    if !focus.strategies.iter().any(|results| results.returns.has("absences")) {
        return None;
    }
    let mut part = Part::new("returns", "Coming back");
    part.texts.push(opening(study, focus, &finding(focus)));
    part.tables.push(absences(focus));
    if focus.strategies.iter().any(|results| results.sum("recovered") + results.sum("duplicated") > 0) {
        part.tables.push(written_again(focus));
    }
    Some(part)
}

fn finding(point: &Point) -> String {
    let words = |results: &Results| {
        let returns = &results.returns;
        format!(
            "after {}, {} of {} absences ended with a new stream, half of all within {}",
            results.strategy,
            whole(returns.sum("returned")),
            whole(returns.sum("absences")),
            after(returns, "back_p50_us")
        )
    };
    each(&point.strategies, |results| results.returns.longest("back_p50_us").unwrap_or(f64::INFINITY), words) + "."
}

/// A time of which no seed may lack one, since there it never came.
fn after(returns: &Columns, column: &str) -> String {
    let none = if returns.sum("absences") > 0.0 { "never" } else { "-" };
    returns.longest(column).map_or_else(|| none.to_owned(), micros)
}

fn absences(point: &Point) -> Table {
    let head = [
        "strategy",
        "absences",
        "ended",
        "50 % back",
        "90 % back",
        "99 % back",
        "gave up",
        "tries",
        "refused",
        "most tries a second",
        "stanzas that waited",
        "longest wait",
    ];
    let row = |results: &Results| -> Vec<Cell> {
        let returns = &results.returns;
        let (absences, returned) = (returns.sum("absences"), returns.sum("returned"));
        vec![
            results.strategy.clone().into(),
            whole(absences).into(),
            if absences > 0.0 { share(returned / absences) } else { "-".to_owned() }.into(),
            after(returns, "back_p50_us").into(),
            after(returns, "back_p90_us").into(),
            after(returns, "back_p99_us").into(),
            whole(returns.sum("gave_up")).into(),
            whole(returns.sum("connects")).into(),
            whole(returns.sum("refused")).into(),
            whole(returns.most("peak_connects")).into(),
            whole(returns.sum("delayed")).into(),
            micros(returns.most("delay_max_us")).into(),
        ]
    };
    Table {
        caption: "From the end of a stream until the next one is up: counts of all seeds, times of the slowest seed."
            .into(),
        head: head.map(str::to_owned).to_vec(),
        rows: point.strategies.iter().map(row).collect(),
        open: true,
    }
}

fn written_again(point: &Point) -> Table {
    let columns = ["lost", "recovered", "lost_for_good", "duplicated"];
    let row = |results: &Results| {
        let mut row: Vec<Cell> = vec![results.strategy.clone().into()];
        row.extend(columns.iter().map(|column| Cell::from(count(results.sum(column)))));
        row
    };
    Table {
        caption: "Stanzas that were lost on their stream, and what stream management did for them on a later one."
            .into(),
        head: ["strategy", "lost", "recovered", "lost for good", "delivered twice"].map(str::to_owned).to_vec(),
        rows: point.strategies.iter().map(row).collect(),
        open: true,
    }
}
