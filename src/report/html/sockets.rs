//! Server sockets by TCP state over time.

use crate::ledger::census;
use crate::report::chart::axis::Axis;
use crate::report::chart::curves::stack;
use crate::report::chart::{Colour, PARTS};
use crate::report::html::{Cell, Figure, Part, Sample, Table, opening};
use crate::report::reading::{Point, Results, Study, share};
use crate::report::units::{count, digits, float};

/// Places along the time at most; of longer runs every so many seconds are shown.
const PLACES: usize = 180;
/// Charts at most.
const CHARTS: usize = 6;

/// The colour of each state, in the order of the census.
const COLOURS: [Colour; census::STATES.len()] =
    [PARTS[7], PARTS[6], PARTS[0], PARTS[3], PARTS[2], PARTS[5], PARTS[4], PARTS[1], PARTS[8]];

pub(super) fn part(study: &Study, focus: &Point) -> Part {
    let mut part = Part::new("sockets", "Sockets over time");
    // Where seeds grew until an interval was narrow enough, points differ in their number.
    let seeds = focus.strategies.first().map_or(1, |results| results.each("streams").len().max(1) as u64);
    let mean = if seeds > 1 { ", the mean over seeds" } else { "" };
    part.texts.push(opening(study, focus, &format!("the server's sockets in each TCP state, second by second{mean}.")));
    let high = focus.strategies.iter().flat_map(|results| &results.timeline);
    let high = high.map(|second| second.sockets.iter().sum::<u64>()).max().unwrap_or(0);
    let y = Axis::linear("sockets", [share(high, seeds)]);
    for results in focus.strategies.iter().take(CHARTS) {
        part.figures.push(figure(results, seeds, &y));
    }
    if focus.strategies.len() > CHARTS {
        part.texts.push(format!("The first {CHARTS} strategies; timeline.csv has them all."));
    }
    part
}

fn figure(results: &Results, seeds: u64, y: &Axis) -> Figure {
    let every = results.timeline.len().div_ceil(PLACES).max(1);
    let shown: Vec<_> = results.timeline.iter().enumerate().step_by(every).collect();
    let places: Vec<f64> = shown.iter().map(|(second, _)| float(*second as u64)).collect();
    let layers: Vec<_> = (0..census::STATES.len())
        .map(|state| (COLOURS[state], shown.iter().map(|(_, second)| share(second.sockets[state], seeds)).collect()))
        .collect();
    let mut x = Axis::linear("seconds", places.iter().copied());
    x.high = places.last().copied().unwrap_or(0.0).max(1.0);
    x.ticks.retain(|(at, _)| *at <= x.high);
    let seen: Vec<usize> = (0..census::STATES.len()).filter(|&state| peak(results, state).is_some()).collect();
    let legend = seen.iter().map(|&state| Sample::part(COLOURS[state], &name(state))).collect();
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for &state in &seen {
        let Some((second, sockets)) = peak(results, state) else { continue };
        rows.push(vec![name(state).into(), digits(share(sockets, seeds)).into(), count(second).into()]);
    }
    let table = Table {
        caption: format!("{}: the most sockets in each state at a whole second.", results.strategy),
        head: ["state", "most", "at second"].map(str::to_owned).to_vec(),
        rows,
        open: true,
    };
    Figure { finding: finding(results), svg: stack(&x, y, &places, &layers), legend, table }
}

/// The second at which most sockets are in a state, with their number summed over seeds; nothing if there never are any.
fn peak(results: &Results, state: usize) -> Option<(u64, u64)> {
    let seconds = results.timeline.iter().zip(0..).map(|(second, at)| (at, second.sockets[state]));
    seconds.filter(|(_, n)| *n > 0).reduce(|best, next| if next.1 > best.1 { next } else { best })
}

/// A state as RFC 9293 writes it.
fn name(state: usize) -> String {
    census::STATES[state].replace('_', "-").to_uppercase()
}

fn finding(results: &Results) -> String {
    let waiting = census::STATES.iter().position(|state| *state == "time_wait");
    let open = count(results.most("peak_open_sockets"));
    let time_wait = waiting.and_then(|state| peak(results, state));
    let last = results.timeline.len().saturating_sub(1);
    let time_wait = time_wait.map_or_else(
        || "none of them ever in TIME-WAIT".to_owned(),
        |(second, _)| {
            if usize::try_from(second).is_ok_and(|second| second == last) {
                "TIME-WAIT still growing at the end".to_owned()
            } else {
                format!("TIME-WAIT highest at second {second}")
            }
        },
    );
    format!("{}: at most {open} open sockets at once, {time_wait}.", results.strategy)
}
