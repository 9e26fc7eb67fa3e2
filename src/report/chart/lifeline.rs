//! One stream's life as a drawing: both kernels as lines down the page, packets as arrows between them.
//!
//! Each event has a row of its own, as in [`crate::report::sequence`]: what lies microseconds apart stays legible. Shown is the part
//! around the closing; of a long one the middle is left out, and said to be.

use plotters::style::text_anchor::{HPos, VPos};

use crate::id::Side;
use crate::ledger::trace::{Mark, Passage, StanzaStep, TraceEvent, What};
use crate::report::chart::{Area, Colour, Drawn, GRID, INK, LETTER, MUTED, SERIES, letters, line, svg, write};
use crate::report::units::time;
use crate::time::SimTime;

/// Pixels of the drawing from left to right.
const WIDTH: i32 = 840;
/// Where the client's kernel is.
const CLIENT: i32 = 268;
/// Where the server's kernel is.
const SERVER: i32 = 588;
/// Pixels of a row.
const ROW: i32 = 20;
/// Pixels above the first row: the names.
const TOP: i32 = 34;
/// Rows before the first of interest, and how far before the decision that may be.
const BEFORE: (usize, usize) = (3, 12);
/// Rows at the beginning and at the end of what is shown.
const SHOWN: (usize, usize) = (34, 8);

/// Packets.
const PACKET: Colour = SERIES[0];
/// What is lost.
const LOST: Colour = SERIES[1];

/// What stands in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Entry {
    /// A packet leaves; its number, sender and text.
    Leaves(usize, Side, String),
    /// The packet of this number arrives.
    Arrives(usize),
    /// It never does, and why.
    Dropped(usize, Side, String, &'static str),
    /// A text beside a kernel.
    Note(Side, String, Colour),
    /// Stanzas of these numbers died in one place at once; beside this kernel, with the letter of their sender.
    Lost { side: Side, letter: char, first: u32, last: u32, place: &'static str },
    /// An instant that the results know.
    Mark(String),
    /// So many rows are left out.
    Gap(usize),
}

/// A row with its time.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    at: SimTime,
    /// Stands before everything else of its microsecond.
    early: bool,
    entry: Entry,
}

/// The drawing.
pub(in crate::report) fn draw(events: &[TraceEvent]) -> String {
    let rows = shown(merged(rows(events)));
    let height = TOP + ROW * i32::try_from(rows.len() + 1).unwrap_or(1);
    let size = [WIDTH, height].map(|n| u32::try_from(n).unwrap_or(0));
    svg((size[0], size[1]), |area| {
        for (name, x) in [("client", CLIENT), ("server", SERVER)] {
            write(area, &format!("{name}'s kernel"), (x, 2), (HPos::Center, VPos::Top), INK)?;
            line(area, &[(x, TOP - 10), (x, height - 4)], MUTED, 2)?;
        }
        write(area, "seconds", (78, 2), (HPos::Right, VPos::Top), MUTED)?;
        arrows(area, &rows)?;
        for (row, y) in rows.iter().zip((TOP + ROW / 2..).step_by(20)) {
            texts(area, row, y)?;
        }
        Ok(())
    })
}

/// The instants from the decision on, in words.
pub(in crate::report) fn instants(events: &[TraceEvent]) -> Vec<(String, String)> {
    let marks = || {
        events.iter().filter_map(|event| if let What::Mark(mark) = event.what { Some((mark, event.at)) } else { None })
    };
    let Some((_, decision)) = marks().find(|(mark, _)| *mark == Mark::Decision) else { return Vec::new() };
    let mut found: Vec<(Mark, SimTime)> = marks().collect();
    found.sort_by_key(|(mark, at)| (*at, *mark));
    let words = |mark: Mark, at: SimTime| match mark {
        Mark::Decision => format!("at second {at}"),
        Mark::Notice | Mark::Release | Mark::Teardown | Mark::Gone => {
            format!("{} after the decision", time(at.since(decision)))
        }
    };
    found.into_iter().map(|(mark, at)| (mark.name().to_owned(), words(mark, at))).collect()
}

/// Where it becomes interesting: a little before the decision, further back where a stanza was sent that is lost later.
fn beginning(rows: &[Row]) -> usize {
    let decision = rows.iter().position(|row| row.entry == Entry::Mark(Mark::Decision.name().to_owned()));
    let lost = |name: &str| {
        let died = |row: &Row| match &row.entry {
            Entry::Lost { letter, first, last, .. } => (*first..=*last).any(|n| name == format!("{letter}{n} ")),
            Entry::Leaves(..)
            | Entry::Arrives(_)
            | Entry::Dropped(..)
            | Entry::Note(..)
            | Entry::Mark(_)
            | Entry::Gap(_) => false,
        };
        rows.iter().any(died)
    };
    let sent = rows.iter().position(|row| match &row.entry {
        Entry::Note(_, text, _) => text.find("sent, ").is_some_and(|end| lost(&text[..end])),
        Entry::Leaves(..)
        | Entry::Arrives(_)
        | Entry::Dropped(..)
        | Entry::Lost { .. }
        | Entry::Mark(_)
        | Entry::Gap(_) => false,
    });
    let (before, most) = BEFORE;
    match (decision, sent) {
        (Some(decision), Some(sent)) => sent.clamp(decision.saturating_sub(most), decision).saturating_sub(before),
        (Some(at), None) | (None, Some(at)) => at.saturating_sub(before),
        (None, None) => 0,
    }
}

fn rows(events: &[TraceEvent]) -> Vec<Row> {
    let decision = events.iter().find(|event| event.what == What::Mark(Mark::Decision)).map(|event| event.at);
    let mut rows = Vec::new();
    for (number, event) in events.iter().enumerate() {
        let at = event.at;
        let mut add = |at, early, entry| rows.push(Row { at, early, entry });
        match &event.what {
            What::Packet { from, segment, passage } => {
                let text = short(segment);
                match *passage {
                    Passage::Dropped(cause) => add(at, false, Entry::Dropped(number, *from, text, cause)),
                    Passage::Arrives(arrival) | Passage::ArrivesTwice(arrival, _) => {
                        add(at, false, Entry::Leaves(number, *from, text));
                        // On a link without latency the departure still comes first.
                        add(arrival, arrival > at, Entry::Arrives(number));
                    }
                }
            }
            What::State { side, name } => add(at, false, Entry::Note(*side, format!("[{name}]"), MUTED)),
            What::Timer { side, name } => add(at, false, Entry::Note(*side, format!("{name} timer"), MUTED)),
            What::Syscall { side, text } | What::App { side, text } => {
                add(at, false, Entry::Note(*side, text.clone(), INK));
            }
            What::Stanza { from, number, step } => add(at, false, stanza(*from, *number, *step)),
            What::Mark(mark) => {
                let after = decision
                    .filter(|_| *mark != Mark::Decision)
                    .map(|decision| format!(" after {}", time(at.since(decision))));
                add(at, false, Entry::Mark(format!("{}{}", mark.name(), after.unwrap_or_default())));
            }
        }
    }
    rows.sort_by_key(|row| (row.at, !row.early));
    rows
}

fn stanza(from: Side, number: u32, step: StanzaStep) -> Entry {
    let letter = if from == Side::Client { 'c' } else { 's' };
    let name = format!("{letter}{number}");
    match step {
        StanzaStep::Sent { size } => Entry::Note(from, format!("{name} sent, {size} bytes"), INK),
        StanzaStep::Delivered => Entry::Note(from.other(), format!("{name} delivered"), INK),
        StanzaStep::Deferred => Entry::Note(from, format!("{name} deferred"), INK),
        StanzaStep::Lost(place) => {
            Entry::Lost { side: from.other(), letter, first: number, last: number, place: place.name() }
        }
    }
}

/// A segment without its window and options.
fn short(segment: &str) -> String {
    let end = segment.find(" win ").or_else(|| segment.find(" <")).unwrap_or(segment.len());
    segment[..end].to_owned()
}

/// Stanzas that died one after the other at once share a row.
fn merged(rows: Vec<Row>) -> Vec<Row> {
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        if let Some(before) = merged.last_mut()
            && before.at == row.at
            && let Entry::Lost { side, letter, last, place, .. } = &mut before.entry
            && let Entry::Lost { side: of, letter: other, first, place: there, .. } = &row.entry
            && (*side, *letter, *place) == (*of, *other, *there)
            && last.checked_add(1) == Some(*first)
        {
            *last = *first;
        } else {
            merged.push(row);
        }
    }
    merged
}

/// The rows around the closing; of many the middle is left out, but for the instants and deaths in it.
fn shown(mut rows: Vec<Row>) -> Vec<Row> {
    rows.drain(..beginning(&rows));
    let (head, tail) = SHOWN;
    let last = rows.len().saturating_sub(tail);
    let mut shown: Vec<Row> = Vec::new();
    for (i, row) in rows.into_iter().enumerate() {
        if i < head || i >= last || matches!(row.entry, Entry::Mark(_) | Entry::Lost { .. }) {
            shown.push(row);
        } else if let Some(Row { entry: Entry::Gap(rows), .. }) = shown.last_mut() {
            *rows += 1;
        } else {
            shown.push(Row { entry: Entry::Gap(1), ..row });
        }
    }
    shown
}

fn arrows(area: &Area<'_>, rows: &[Row]) -> Drawn {
    let y = |row: usize| TOP + ROW / 2 + ROW * i32::try_from(row).unwrap_or(0);
    let ends = |side: Side| if side == Side::Client { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    for (row, found) in rows.iter().enumerate() {
        match &found.entry {
            Entry::Leaves(number, side, _) => {
                let (from, to) = ends(*side);
                let arrival = (row..rows.len()).find(|&other| rows[other].entry == Entry::Arrives(*number));
                if let Some(arrival) = arrival {
                    arrow(area, (from, y(row)), (to, y(arrival)))?;
                } else {
                    // It arrives in what is left out.
                    line(area, &[(from, y(row)), (i32::midpoint(from, to), y(row) + ROW)], PACKET, 1)?;
                }
            }
            Entry::Dropped(_, side, ..) => {
                let (from, to) = ends(*side);
                let (x, end) = (i32::midpoint(from, to), y(row) + ROW / 2);
                line(area, &[(from, y(row)), (x, end)], LOST, 1)?;
                line(area, &[(x - 5, end - 5), (x + 5, end + 5)], LOST, 2)?;
                line(area, &[(x - 5, end + 5), (x + 5, end - 5)], LOST, 2)?;
            }
            Entry::Arrives(_) | Entry::Note(..) | Entry::Lost { .. } | Entry::Mark(_) | Entry::Gap(_) => {}
        }
    }
    Ok(())
}

/// A line with a head.
fn arrow(area: &Area<'_>, from: (i32, i32), to: (i32, i32)) -> Drawn {
    line(area, &[from, to], PACKET, 1)?;
    let back = if to.0 > from.0 { -9 } else { 9 };
    // The head follows the slope, in whole pixels.
    let lean = back * (to.1 - from.1) / (to.0 - from.0).abs().max(1) * (to.0 - from.0).signum();
    line(area, &[(to.0 + back, to.1 - 4 + lean), to, (to.0 + back, to.1 + 4 + lean)], PACKET, 2)
}

fn texts(area: &Area<'_>, row: &Row, y: i32) -> Drawn {
    let seconds = |area| write(area, &row.at.to_string(), (78, y), (HPos::Right, VPos::Center), MUTED);
    let beside = |side: Side, text: &str, colour: Colour| match side {
        Side::Client => {
            write(area, &fitted(text, CLIENT - 10 - 84), (CLIENT - 8, y), (HPos::Right, VPos::Center), colour)
        }
        Side::Server => {
            write(area, &fitted(text, WIDTH - SERVER - 12), (SERVER + 8, y), (HPos::Left, VPos::Center), colour)
        }
    };
    // A packet's text stands at the end where it leaves, above its line.
    let wire = |side: Side, text: &str, colour: Colour| match side {
        Side::Client => {
            write(area, &fitted(text, SERVER - CLIENT - 16), (CLIENT + 8, y - 6), (HPos::Left, VPos::Center), colour)
        }
        Side::Server => {
            write(area, &fitted(text, SERVER - CLIENT - 16), (SERVER - 8, y - 6), (HPos::Right, VPos::Center), colour)
        }
    };
    match &row.entry {
        Entry::Leaves(_, side, text) => wire(*side, text, PACKET)?,
        Entry::Dropped(_, side, text, cause) => wire(*side, &format!("{text} ({cause})"), LOST)?,
        Entry::Note(side, text, colour) => beside(*side, text, *colour)?,
        Entry::Lost { side, letter, first, last, place } => {
            let more = if first == last { String::new() } else { format!(" to {letter}{last}") };
            beside(*side, &format!("{letter}{first}{more} lost: {place}"), LOST)?;
        }
        Entry::Mark(text) => {
            let end = WIDTH - 14 - letters(text) * LETTER;
            for (from, to) in [(84, CLIENT - 4), (CLIENT + 4, SERVER - 4), (SERVER + 4, end)] {
                line(area, &[(from, y), (to, y)], GRID, 2)?;
            }
            write(area, text, (WIDTH - 8, y), (HPos::Right, VPos::Center), INK)?;
        }
        Entry::Gap(rows) => {
            let text = format!("… {rows} more events …");
            return write(area, &text, (i32::midpoint(CLIENT, SERVER), y), (HPos::Center, VPos::Center), MUTED);
        }
        // The arrow shows it.
        Entry::Arrives(_) => {}
    }
    seconds(area)
}

/// A text cut to so many pixels; control characters become dots.
fn fitted(text: &str, pixels: i32) -> String {
    let room = usize::try_from(pixels / LETTER).unwrap_or(0);
    let mut printable: Vec<char> = text.chars().map(|c| if c.is_control() { '.' } else { c }).collect();
    if printable.len() > room {
        printable.truncate(room.saturating_sub(1));
        printable.push('…');
    }
    printable.into_iter().collect()
}
