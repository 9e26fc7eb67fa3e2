//! One stream's life as a sequence chart: five columns from application to application, one line an event.
//!
//! A packet has a line where it leaves and one where it arrives, each at the edge of its kernel with an arrow to or
//! from the link; one that never arrives ends in an `x`. Texts too long for their column go on in the next line,
//! which has no time.

use crate::id::Side;
use crate::ledger::fate::Place;
use crate::ledger::trace::{Mark, Passage, StanzaStep, TraceEvent, What};
use crate::time::SimTime;

/// Width of the time: 99,999 seconds with microseconds.
const TIME: usize = 12;
/// Width of each application's column.
const APP: usize = 22;
/// Width that both kernels and the link between them share.
const WIRE: usize = 56;
/// How far an arrow reaches from its kernel, if its text is not longer.
const REACH: usize = 32;

/// Draws the chart: at most 119 columns wide (in the first 99,999 seconds), lines end in a newline and in no space.
///
/// Events of the same microsecond stay in the order given, arrivals first: what a packet causes stands below it.
pub fn render(events: &[TraceEvent]) -> String {
    let decision = events.iter().find(|event| event.what == What::Mark(Mark::Decision)).map(|event| event.at);
    let mut rows: Vec<Row> = Vec::new();
    for event in events {
        rows_of(event, decision, &mut rows);
    }
    rows.sort_by_key(|row| (row.at, !row.early));
    let mut chart = String::from(
        "c7 is the client's stanza number 7, s7 the server's. Sequence numbers are relative. x: the packet never arrives.\n\n",
    );
    let title = format!("{:<22}{:^12}{:>22}", "client kernel", "link", "server kernel");
    line(&mut chart, "time in s", "client app", &title, "server app");
    line(&mut chart, &"-".repeat(TIME), &"-".repeat(APP), &"-".repeat(WIRE), &"-".repeat(APP));
    for row in &rows {
        row.draw(&mut chart);
    }
    chart
}

/// Where a row's text stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    App(Side),
    Kernel(Side),
    Link,
}

/// What a packet does at the edge of a kernel.
#[derive(Clone, Copy)]
enum Arrow {
    None,
    Leaves,
    Arrives,
    Dropped(&'static str),
}

/// An event at one place.
struct Row {
    at: SimTime,
    /// Stands before everything else of its microsecond.
    early: bool,
    column: Column,
    arrow: Arrow,
    text: String,
}

fn rows_of(event: &TraceEvent, decision: Option<SimTime>, rows: &mut Vec<Row>) {
    let at = event.at;
    let mut plain = |column, text| rows.push(Row { at, early: false, column, arrow: Arrow::None, text });
    match &event.what {
        What::Packet { from, segment, passage } => packet_rows(at, *from, segment, *passage, rows),
        What::State { side, name } => plain(Column::Kernel(*side), format!("[{name}]")),
        What::Timer { side, name } => plain(Column::Kernel(*side), format!("* {name} timer")),
        What::Syscall { side, text } | What::App { side, text } => plain(Column::App(*side), text.clone()),
        What::Stanza { from, number, step } => {
            let (column, text) = stanza(*from, *number, *step);
            plain(column, text);
        }
        What::Mark(mark) => {
            let text = match decision {
                Some(decision) if *mark != Mark::Decision => {
                    format!("==== {}: {} after the decision ====", mark.name(), at.since(decision))
                }
                _ => format!("==== {} ====", mark.name()),
            };
            plain(Column::Link, text);
        }
    }
}

fn packet_rows(at: SimTime, from: Side, segment: &str, passage: Passage, rows: &mut Vec<Row>) {
    let leaving = if let Passage::Dropped(cause) = passage { Arrow::Dropped(cause) } else { Arrow::Leaves };
    rows.push(Row { at, early: false, column: Column::Kernel(from), arrow: leaving, text: segment.to_owned() });
    let mut arrives = |arrival: SimTime, text: String| {
        let column = Column::Kernel(from.other());
        // On a link without latency the departure still comes first.
        rows.push(Row { at: arrival, early: arrival > at, column, arrow: Arrow::Arrives, text });
    };
    match passage {
        Passage::Arrives(arrival) => arrives(arrival, segment.to_owned()),
        Passage::ArrivesTwice(first, last) => {
            arrives(first, segment.to_owned());
            arrives(last, format!("{segment} (copy)"));
        }
        Passage::Dropped(_) => {}
    }
}

fn stanza(from: Side, number: u32, step: StanzaStep) -> (Column, String) {
    let letter = match from {
        Side::Client => 'c',
        Side::Server => 's',
    };
    match step {
        StanzaStep::Sent { size } => (Column::App(from), format!("{letter}{number} sent, {size} bytes")),
        StanzaStep::Delivered => (Column::App(from.other()), format!("{letter}{number} delivered")),
        StanzaStep::Deferred => (Column::App(from), format!("{letter}{number} deferred")),
        StanzaStep::Lost(place) => {
            let column = match place {
                Place::SenderQueue => Column::Kernel(from),
                Place::Network => Column::Link,
                Place::ReceiverQueue | Place::Refused => Column::Kernel(from.other()),
                Place::Unprocessed => Column::App(from.other()),
            };
            (column, format!("! {letter}{number} LOST: {}", place.name()))
        }
    }
}

impl Row {
    fn draw(&self, chart: &mut String) {
        let time = self.at.to_string();
        let width = match (self.column, self.arrow) {
            (Column::App(_), _) => APP,
            (_, Arrow::None) => WIRE,
            (_, Arrow::Leaves | Arrow::Arrives) => WIRE - " -->".len(),
            (_, Arrow::Dropped(cause)) => WIRE - " --x ".len() - cause.len(),
        };
        for (index, text) in wrap(&self.text, width).iter().enumerate() {
            let first = index == 0;
            let time = if first { &time } else { "" };
            match self.column {
                Column::App(Side::Client) => line(chart, time, text, "", ""),
                Column::App(Side::Server) => line(chart, time, "", "", text),
                Column::Link => line(chart, time, "", &format!("{text:^WIRE$}"), ""),
                Column::Kernel(side) => {
                    let arrow = if first { self.arrow } else { Arrow::None };
                    line(chart, time, "", &at_kernel(side, arrow, text), "");
                }
            }
        }
    }
}

/// A text at its kernel's edge of the wire, with its arrow.
fn at_kernel(side: Side, arrow: Arrow, text: &str) -> String {
    let shaft = "-".repeat(REACH.saturating_sub(text.chars().count() + 2).max(2));
    let drawn = match (side, arrow) {
        (_, Arrow::None) => text.to_owned(),
        (Side::Client, Arrow::Leaves) => format!("{text} {shaft}>"),
        (Side::Client, Arrow::Arrives) => format!("{text} <{shaft}"),
        (Side::Client, Arrow::Dropped(cause)) => format!("{text} {shaft}x {cause}"),
        (Side::Server, Arrow::Leaves) => format!("<{shaft} {text}"),
        (Side::Server, Arrow::Arrives) => format!("{shaft}> {text}"),
        (Side::Server, Arrow::Dropped(cause)) => format!("{cause} x{shaft} {text}"),
    };
    match side {
        Side::Client => drawn,
        Side::Server => format!("{drawn:>WIRE$}"),
    }
}

fn line(chart: &mut String, time: &str, client: &str, wire: &str, server: &str) {
    let whole = format!("{time:>TIME$} {client:<APP$} | {wire:<WIRE$} | {server}");
    chart.push_str(whole.trim_end());
    chart.push('\n');
}

/// Cuts a text at its spaces into lines of at most `width` characters, at least one; a longer word is cut anywhere.
/// Control characters would spoil the columns and become dots.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let printable: String = text.chars().map(|c| if c.is_control() { '.' } else { c }).collect();
    let mut lines = vec![String::new()];
    let mut used = 0;
    for word in printable.split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length <= width {
            lines.last_mut().expect("there is always a line").push(' ');
            used += 1;
        } else if used > 0 {
            lines.push(String::new());
            used = 0;
        }
        for c in word.chars() {
            if used == width {
                lines.push(String::new());
                used = 0;
            }
            lines.last_mut().expect("there is always a line").push(c);
            used += 1;
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: Side = Side::Client;
    const SERVER: Side = Side::Server;

    fn event(us: u64, what: What) -> TraceEvent {
        TraceEvent { at: SimTime::from_micros(us), what }
    }

    fn packet(us: u64, from: Side, segment: &str) -> TraceEvent {
        let passage = Passage::Arrives(SimTime::from_micros(us + 20_000));
        event(us, What::Packet { from, segment: segment.into(), passage })
    }

    fn dropped(us: u64, from: Side, segment: &str, cause: &'static str) -> TraceEvent {
        event(us, What::Packet { from, segment: segment.into(), passage: Passage::Dropped(cause) })
    }

    fn syscall(us: u64, side: Side, text: &str) -> TraceEvent {
        event(us, What::Syscall { side, text: text.into() })
    }

    fn stanza(us: u64, from: Side, number: u32, step: StanzaStep) -> TraceEvent {
        event(us, What::Stanza { from, number, step })
    }

    fn state(us: u64, side: Side, name: &'static str) -> TraceEvent {
        event(us, What::State { side, name })
    }

    fn mark(us: u64, mark: Mark) -> TraceEvent {
        event(us, What::Mark(mark))
    }

    #[test]
    fn a_life_reads_from_top_to_bottom() {
        let timer = |us, side, name| event(us, What::Timer { side, name });
        let syn_ack = "S. 0:0(0) ack 1 win 65160 <mss 1460,sackOK,wscale 7>";
        let chart = render(&[
            syscall(0, CLIENT, "connect()"),
            state(0, CLIENT, "SYN-SENT"),
            dropped(0, CLIENT, "S 0:0(0) win 64240 <mss 1460,sackOK,wscale 7>", "lost"),
            timer(1_000_000, CLIENT, "retransmission"),
            packet(1_000_000, CLIENT, "S 0:0(0) win 64240 <mss 1460,sackOK,wscale 7>"),
            packet(1_020_000, SERVER, syn_ack),
            state(1_020_000, SERVER, "SYN-RECEIVED"),
            state(1_040_000, CLIENT, "ESTABLISHED"),
            packet(1_040_000, CLIENT, ". 1:1(0) ack 1 win 502"),
            stanza(2_000_000, CLIENT, 0, StanzaStep::Sent { size: 200 }),
            packet(2_000_000, CLIENT, "P. 1:201(200) ack 1 win 502"),
            mark(2_010_000, Mark::Decision),
            syscall(2_010_000, SERVER, "write(</stream:stream>) = 16"),
            syscall(2_010_000, SERVER, "close() = 0"),
            mark(2_010_000, Mark::Release),
            packet(2_010_000, SERVER, "P. 1:17(16) ack 1 win 509"),
            packet(2_020_000, SERVER, "R 17:17(0) win 0"),
            stanza(2_020_000, CLIENT, 0, StanzaStep::Lost(Place::Refused)),
            stanza(2_025_000, CLIENT, 1, StanzaStep::Lost(Place::SenderQueue)),
            stanza(2_026_000, SERVER, 0, StanzaStep::Lost(Place::Network)),
            stanza(2_027_000, CLIENT, 2, StanzaStep::Deferred),
            event(2_030_000, What::App { side: CLIENT, text: "reads </stream:stream>".into() }),
            stanza(2_030_000, SERVER, 1, StanzaStep::Delivered),
            mark(2_030_000, Mark::Notice),
            dropped(2_035_000, SERVER, "F. 17:17(0) ack 1 win 509", "queue full"),
        ]);
        insta::assert_snapshot!(chart, @r"
        c7 is the client's stanza number 7, s7 the server's. Sequence numbers are relative. x: the packet never arrives.

           time in s client app             | client kernel             link             server kernel | server app
        ------------ ---------------------- | -------------------------------------------------------- | ----------------------
            0.000000 connect()              |                                                          |
            0.000000                        | [SYN-SENT]                                               |
            0.000000                        | S 0:0(0) win 64240 <mss 1460,sackOK,wscale 7> --x lost   |
            1.000000                        | * retransmission timer                                   |
            1.000000                        | S 0:0(0) win 64240 <mss 1460,sackOK,wscale 7> -->        |
            1.020000                        |        --> S 0:0(0) win 64240 <mss 1460,sackOK,wscale 7> |
            1.020000                        | <-- S. 0:0(0) ack 1 win 65160 <mss 1460,sackOK,wscale 7> |
            1.020000                        |                                           [SYN-RECEIVED] |
            1.040000                        | S. 0:0(0) ack 1 win 65160 <mss 1460,sackOK,wscale 7> <-- |
            1.040000                        | [ESTABLISHED]                                            |
            1.040000                        | . 1:1(0) ack 1 win 502 -------->                         |
            1.060000                        |                         --------> . 1:1(0) ack 1 win 502 |
            2.000000 c0 sent, 200 bytes     |                                                          |
            2.000000                        | P. 1:201(200) ack 1 win 502 --->                         |
            2.010000                        |                    ==== decision ====                    |
            2.010000                        |                                                          | write(</stream:stream>
                                            |                                                          | ) = 16
            2.010000                        |                                                          | close() = 0
            2.010000                        |         ==== release: 0s after the decision ====         |
            2.010000                        |                         <----- P. 1:17(16) ack 1 win 509 |
            2.020000                        |                         ---> P. 1:201(200) ack 1 win 502 |
            2.020000                        |                         <-------------- R 17:17(0) win 0 |
            2.020000                        |                                       ! c0 LOST: refused |
            2.025000                        | ! c1 LOST: sender-queue                                  |
            2.026000                        |                    ! s0 LOST: network                    |
            2.027000 c2 deferred            |                                                          |
            2.030000                        | P. 1:17(16) ack 1 win 509 <-----                         |
            2.030000 reads </stream:stream> |                                                          |
            2.030000 s1 delivered           |                                                          |
            2.030000                        |        ==== notice: 20ms after the decision ====         |
            2.035000                        |              queue full x----- F. 17:17(0) ack 1 win 509 |
            2.040000                        | R 17:17(0) win 0 <--------------                         |
        ");
    }

    #[test]
    fn a_doubled_packet_arrives_twice() {
        let at = SimTime::from_micros;
        let passage = Passage::ArrivesTwice(at(30), at(40));
        let chart = render(&[
            event(10, What::Packet { from: SERVER, segment: ". 1:1(0) ack 1 win 9".into(), passage }),
            event(40, What::Timer { side: CLIENT, name: "delayed ACK" }),
        ]);
        let rows: Vec<&str> = chart.lines().skip(4).collect();
        assert_eq!(rows.len(), 4);
        assert!(rows[1].starts_with("    0.000030") && rows[1].contains("| . 1:1(0) ack 1 win 9 <---"), "{chart}");
        assert!(
            rows[2].starts_with("    0.000040") && rows[2].contains("| . 1:1(0) ack 1 win 9 (copy) <--"),
            "{chart}"
        );
        assert!(rows[3].contains("| * delayed ACK timer"), "{chart}");
    }

    #[test]
    fn what_a_packet_causes_stands_below_its_arrival() {
        // Fed side by side: the server's events come after all of the client's.
        let chart = render(&[
            state(20_000, CLIENT, "CLOSED"),
            packet(20_000, CLIENT, "R 1:1(0) win 0"),
            packet(0, SERVER, "F. 1:1(0) ack 1 win 9"),
        ]);
        let rows: Vec<&str> = chart.lines().skip(5).collect();
        assert!(
            rows[0].contains("| F. 1:1(0)") && rows[1].contains("[CLOSED]") && rows[2].contains("| R 1:1"),
            "{chart}"
        );
    }

    #[test]
    fn on_a_link_without_latency_the_departure_comes_first() {
        let passage = Passage::Arrives(SimTime::ZERO);
        let chart = render(&[event(0, What::Packet { from: CLIENT, segment: "S 0:0(0) win 9".into(), passage })]);
        let rows: Vec<&str> = chart.lines().skip(4).collect();
        assert!(rows[0].contains("| S 0:0(0) win 9 ---") && rows[1].ends_with("-> S 0:0(0) win 9 |"), "{chart}");
    }

    #[test]
    fn no_text_breaks_the_columns() {
        let long = format!("a word of {} and\nmore, \u{e9}\u{e8}\t", "x".repeat(300));
        let mut events = vec![stanza(u64::MAX, SERVER, u32::MAX, StanzaStep::Lost(Place::Unprocessed))];
        for side in Side::BOTH {
            events.push(packet(0, side, &long));
            events.push(dropped(0, side, &long, "queue full"));
            events.push(syscall(99_999_000_000, side, &long));
        }
        let chart = render(&events);
        assert!(
            chart.lines().skip(4).filter(|line| !line.starts_with("18446744")).all(|line| line.chars().count() <= 119)
        );
        for line in chart.lines().skip(2).filter(|line| !line.starts_with("18446744")) {
            assert_eq!((line.chars().nth(36), line.chars().nth(95)), (Some('|'), Some('|')), "{line}");
            assert_eq!(line.trim_end(), line);
        }
    }

    #[test]
    fn words_stay_whole_where_they_fit() {
        assert_eq!(wrap("", 5), [""]);
        assert_eq!(wrap("ab cd ef", 5), ["ab cd", "ef"]);
        assert_eq!(wrap("abcdefg hi", 5), ["abcde", "fg hi"]);
    }
}
