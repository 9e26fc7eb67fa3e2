//! Compares what the kernel under test sent with what the script expects, in the script's numbers.

use std::fmt::Write as _;

use farewell::net::segment::{Flags, Options, Segment};
use farewell::time::SimTime;

use crate::flow::{Flow, pattern};
use crate::script::{Packet, TcpOption};

/// A segment that the kernel sent, and when.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    pub(crate) at: SimTime,
    pub(crate) segment: Segment,
}

/// Joins a segment to the ones before it, as a sniffer behind segmentation offload would see them.
///
/// Fails where the two are not parts of one stretch of data.
pub(crate) fn join(sofar: &mut Sent, next: &Sent) -> Result<(), String> {
    let (a, b) = (&mut sofar.segment, &next.segment);
    let end = a.seq.plus(a.sequence_length());
    if b.seq != end || a.ack != b.ack || a.window != b.window || a.flags.fin || b.flags.syn || b.flags.rst {
        return Err("the segments sent do not join up to the expected one".to_owned());
    }
    a.payload.extend_from_slice(&b.payload);
    a.flags.fin |= b.flags.fin;
    // Linux sets PSH on whatever it hands to segmentation offload (__tcp_transmit_skb).
    a.flags.psh = true;
    Ok(())
}

/// Compares a segment with the expected packet; the error names the first field that differs.
pub(crate) fn compare(flow: &Flow, expected: &Packet, sent: &Segment) -> Result<(), String> {
    let syn = sent.flags.syn;
    for (name, wanted, found) in [
        ("SYN", expected.flags.syn, syn),
        ("FIN", expected.flags.fin, sent.flags.fin),
        ("RST", expected.flags.rst, sent.flags.rst),
        ("ACK", expected.flags.ack, sent.flags.ack),
    ] {
        if wanted != found {
            return Err(format!("flag {name} is {}", if found { "set" } else { "not set" }));
        }
    }
    if expected.flags.psh && !sent.flags.psh {
        return Err("flag PSH is not set".to_owned());
    }
    differs("sequence number", expected.seq, flow.local_to_script(sent.seq, syn))?;
    differs("payload length", expected.length as usize, sent.payload.len())?;
    if sent.flags.ack {
        differs("acknowledgement number", expected.ack, flow.remote_to_script(sent.ack, syn))?;
    }
    if let Some(window) = expected.window {
        differs("window", window, sent.window)?;
    }
    if let Some(options) = &expected.options {
        compare_options(flow, options, &sent.options, syn)?;
    }
    let first = flow.local_to_script(sent.seq, syn).wrapping_sub(1);
    if let Some(i) = (0u32..).zip(&sent.payload).position(|(i, byte)| *byte != pattern(first.wrapping_add(i))) {
        return Err(format!("byte {i} of the payload is not the byte that was written there"));
    }
    Ok(())
}

fn differs<T: Copy + PartialEq + std::fmt::Display>(name: &str, wanted: T, found: T) -> Result<(), String> {
    if wanted == found { Ok(()) } else { Err(format!("{name} is {found}, not {wanted}")) }
}

/// The options compare as a set: their order and padding are a matter of encoding.
/// The value of a timestamp is not compared, its echo is.
fn compare_options(flow: &Flow, expected: &[TcpOption], sent: &Options, syn: bool) -> Result<(), String> {
    let found = shown_options(flow, sent, syn);
    let without_values = |options: &[TcpOption]| -> Vec<TcpOption> {
        let kept = options.iter().filter(|option| **option != TcpOption::Padding).map(|option| match option {
            TcpOption::Timestamps(_, echo) => TcpOption::Timestamps(0, *echo),
            other => other.clone(),
        });
        let mut kept: Vec<_> = kept.collect();
        kept.sort_by_key(|option| format!("{option:?}"));
        kept
    };
    if without_values(expected) == without_values(&found) {
        return Ok(());
    }
    Err(format!("options are {}, not {}", list(&found), list(expected)))
}

/// The options of a segment in the script's numbers.
fn shown_options(flow: &Flow, options: &Options, syn: bool) -> Vec<TcpOption> {
    let mut shown = Vec::new();
    shown.extend(options.mss.map(TcpOption::Mss));
    if options.sack_permitted {
        shown.push(TcpOption::SackPermitted);
    }
    if let Some((value, echo)) = options.timestamps {
        let (wire, script) = flow.first_timestamp.unwrap_or((value, 0));
        shown.push(TcpOption::Timestamps(value.wrapping_sub(wire).wrapping_add(script), echo));
    }
    shown.extend(options.window_scale.map(TcpOption::WindowScale));
    let blocks = options.sack.iter().flatten();
    let blocks: Vec<_> =
        blocks.map(|(l, r)| (flow.remote_to_script(*l, syn), flow.remote_to_script(*r, syn))).collect();
    if !blocks.is_empty() {
        shown.push(TcpOption::Sack(blocks));
    }
    shown
}

fn list(options: &[TcpOption]) -> String {
    let shown = options.iter().map(|option| match option {
        TcpOption::Mss(n) => format!("mss {n}"),
        TcpOption::WindowScale(n) => format!("wscale {n}"),
        TcpOption::SackPermitted => "sackOK".to_owned(),
        TcpOption::Timestamps(value, echo) => format!("TS val {value} ecr {echo}"),
        TcpOption::Padding => "nop".to_owned(),
        TcpOption::Sack(blocks) => {
            blocks.iter().fold("sack".to_owned(), |text, (left, right)| format!("{text} {left}:{right}"))
        }
    });
    let shown: Vec<_> = shown.collect();
    if shown.is_empty() { "none".to_owned() } else { format!("<{}>", shown.join(",")) }
}

/// A sent segment as a script would show it.
pub(crate) fn show_sent(flow: &Flow, sent: &Segment) -> String {
    let syn = sent.flags.syn;
    let seq = flow.local_to_script(sent.seq, syn);
    let length = u32::try_from(sent.payload.len()).unwrap_or(u32::MAX);
    let ack = flow.remote_to_script(sent.ack, syn);
    let options = shown_options(flow, &sent.options, syn);
    let mut text = line(sent.flags, seq, length, ack, Some(sent.window));
    if !options.is_empty() {
        text = format!("{text} {}", list(&options));
    }
    text
}

/// An expected packet as the script shows it.
pub(crate) fn show_expected(packet: &Packet) -> String {
    let text = line(packet.flags, packet.seq, packet.length, packet.ack, packet.window);
    match packet.options.as_deref() {
        None => format!("{text} <...>"),
        Some([]) => text,
        Some(options) => format!("{text} {}", list(options)),
    }
}

fn line(flags: Flags, seq: u32, length: u32, ack: u32, window: Option<u16>) -> String {
    let mut text = String::new();
    for (set, letter) in [(flags.syn, 'S'), (flags.fin, 'F'), (flags.rst, 'R'), (flags.psh, 'P'), (flags.ack, '.')] {
        if set {
            text.push(letter);
        }
    }
    let end = seq.wrapping_add(length);
    // Writing to a String cannot fail.
    let mut write = |piece: std::fmt::Arguments<'_>| text.write_fmt(piece).expect("a String takes any text");
    write(format_args!(" {seq}:{end}({length})"));
    if flags.ack {
        write(format_args!(" ack {ack}"));
    }
    if let Some(window) = window {
        write(format_args!(" win {window}"));
    }
    text
}
