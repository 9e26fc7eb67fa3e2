//! The log of `scripts/measure-teardown --packets`: one line a call or packet.

use std::fmt;
use std::path::Path;

use farewell::net::segment::{Flags, Options, Segment, Seq};
use farewell::time::SimTime;

/// Which end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Client,
    Server,
}

/// What happened.
#[derive(Clone, Debug)]
pub(crate) enum What {
    Connect,
    Write(usize, Told),
    Read(Told),
    Close,
    /// Sent, and got by the other end then, if at all.
    Packet {
        delivered: Option<SimTime>,
        segment: Box<Segment>,
    },
}

/// What the real kernel told of the socket then (`TCP_INFO`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) state: u32,
    pub(crate) window: u64,
    pub(crate) threshold: u64,
    pub(crate) timeout_us: u64,
}

/// One line.
#[derive(Clone, Debug)]
pub(crate) struct Note {
    pub(crate) at: SimTime,
    pub(crate) stream: u32,
    pub(crate) side: Side,
    pub(crate) what: What,
}

impl Note {
    /// Whether this is a packet that the link dropped.
    pub(crate) fn is_lost(&self) -> bool {
        matches!(self.what, What::Packet { delivered: None, .. })
    }
}

/// A segment as this test compares and shows it.
#[derive(PartialEq, Eq)]
pub(crate) struct Shape {
    flags: Flags,
    seq: u32,
    len: usize,
    ack: u32,
    sack: [Option<(Seq, Seq)>; 4],
}

impl Shape {
    pub(crate) fn of(segment: &Segment) -> Self {
        let flags = Flags { psh: false, ..segment.flags };
        let ack = if flags.ack { segment.ack.0 } else { 0 };
        Self { flags, seq: segment.seq.0, len: segment.payload.len(), ack, sack: segment.options.sack }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = self.flags;
        for (set, letter) in [(on.syn, 'S'), (on.fin, 'F'), (on.rst, 'R'), (on.ack, '.')] {
            if set {
                write!(f, "{letter}")?;
            }
        }
        write!(f, " {}({}) ack {}", self.seq, self.len, self.ack)?;
        for (low, high) in self.sack.iter().flatten() {
            write!(f, " sack {}-{}", low.0, high.0)?;
        }
        Ok(())
    }
}

fn segment(side: Side, fields: &[&str]) -> Segment {
    let number = |i: usize| fields[i].parse::<u32>().expect("a number");
    let flags = u8::from_str_radix(fields[0], 16).expect("flags");
    let bit = |n: u8| flags & (1 << n) != 0;
    let flags = Flags { fin: bit(0), syn: bit(1), rst: bit(2), psh: bit(3), ack: bit(4) };
    let mut options = Options { timestamps: (number(5) != 0).then_some((number(5), number(6))), ..Options::default() };
    if flags.syn {
        options.mss = Some(1460);
        options.window_scale = Some(10);
        options.sack_permitted = true;
    }
    for (slot, block) in options.sack.iter_mut().zip(&fields[7..]) {
        let (low, high) = block.split_once('-').expect("a block");
        *slot = Some((Seq(low.parse().expect("an edge")), Seq(high.parse().expect("an edge"))));
    }
    let (source_port, destination_port) = if side == Side::Client { (40_000, 5_222) } else { (5_222, 40_000) };
    Segment {
        source_port,
        destination_port,
        seq: Seq(number(1)),
        ack: Seq(number(2)),
        flags,
        window: u16::try_from(number(4)).expect("a window"),
        options,
        payload: vec![b'x'; usize::try_from(number(3)).expect("a length")],
    }
}

/// `phase` is how far the machine's timer wheel is from a multiple of its largest period, in us.
fn note(line: &str, phase: u64) -> Note {
    let fields: Vec<&str> = line.split(' ').collect();
    let time = |text: &str| SimTime::from_micros(text.parse::<u64>().expect("a time") - phase);
    let side = if fields[2] == "client" { Side::Client } else { Side::Server };
    let count = || fields[4].parse().expect("a count");
    let told = || {
        let of = |i: usize| fields[i].parse::<u64>().expect("a number");
        Told { state: fields[5].parse().expect("a state"), window: of(6), threshold: of(7), timeout_us: of(8) }
    };
    let what = match fields[3] {
        "connect" => What::Connect,
        "write" => What::Write(count(), told()),
        "read" => What::Read(told()),
        "close" => What::Close,
        "packet" => What::Packet {
            delivered: (fields[4] != "0").then(|| time(fields[4])),
            segment: Box::new(segment(side, &fields[5..])),
        },
        other => panic!("`{other}` is no kind of note"),
    };
    Note { at: time(fields[0]), stream: fields[1].parse().expect("a stream"), side, what }
}

/// Reads a log.
pub(crate) fn read(path: &Path, phase: u64) -> Vec<Note> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    text.lines().map(|line| note(line, phase)).collect()
}
