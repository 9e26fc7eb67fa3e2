//! Streams of real kernels, replayed packet for packet.
//!
//! `tests/data/packets.log` holds what `scripts/measure-teardown --packets` noted of single streams between two real kernels:
//! every call of the applications, and every packet with the instants at which one kernel sent it and the other got it.
//! Each end is replayed alone: its socket gets the same calls and packets at the same instants, and must answer with the
//! packets that the real kernel sent (same flags, places, lengths, acknowledgements and SACK blocks, at the same time), with
//! the same congestion window and timeout at each call.
//!
//! `FAREWELL_PACKETS=FILE cargo test --release --test replay -- --ignored --nocapture` replays a whole log and tells what
//! differs. A machine's timers fire at ticks of its own count, which the log does not tell: of 64 counts the one with the
//! fewest differences is taken. What is left is mostly the machine's: timers that fired late or on the other side of a tick.

mod end;
mod log;

use std::collections::BTreeMap;
use std::path::Path;

use end::{Difference, replay};
use log::{Note, Side, read};

/// A tick of the measured kernels.
const TICK_US: u64 = 4_000;

type Streams = BTreeMap<u32, Vec<Note>>;

/// The streams of a log whose ticks are `phase` us off.
fn streams(path: &Path, phase: u64) -> Streams {
    let mut streams = Streams::new();
    for note in read(path, phase) {
        streams.entry(note.stream).or_default().push(note);
    }
    streams
}

/// Replays both ends of the first streams; returns what differed.
fn differences(streams: &Streams, most: usize) -> Vec<(u32, Side, Difference)> {
    let mut found = Vec::new();
    for (stream, notes) in streams.iter().take(most) {
        for side in [Side::Client, Side::Server] {
            found.extend(replay(notes, side).err().map(|difference| (*stream, side, difference)));
        }
    }
    found
}

#[test]
fn a_recorded_stream_is_answered_packet_for_packet() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/packets.log");
    let streams = streams(&path, 0);
    assert!(streams.len() >= 40, "{} streams", streams.len());
    let resent = streams.values().flatten().filter(|note| note.is_lost()).count();
    assert!(resent >= 400, "only {resent} packets were lost");
    let found = differences(&streams, usize::MAX);
    let lines: Vec<_> =
        found.iter().map(|(stream, side, d)| format!("stream {stream}, {side:?}: {}", d.text)).collect();
    assert!(found.is_empty(), "{}", lines.join("\n"));
}

#[test]
#[ignore = "replays the log that FAREWELL_PACKETS names"]
#[expect(clippy::disallowed_methods, reason = "which log to replay")]
fn a_whole_log() {
    let path = std::env::var("FAREWELL_PACKETS").expect("FAREWELL_PACKETS names a log");
    let path = Path::new(&path);
    let phase = (0..64).map(|ticks| ticks * TICK_US).min_by_key(|phase| differences(&streams(path, *phase), 100).len());
    let phase = phase.expect("64 phases");
    let streams = streams(path, phase);
    let found = differences(&streams, usize::MAX);
    println!("{} of {} ends differ (ticks {phase} us off)", found.len(), 2 * streams.len());
    let mut kinds: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for entry in &found {
        kinds.entry(entry.2.kind).or_default().push(entry);
    }
    for (kind, list) in &kinds {
        println!("{kind}: {}", list.len());
        for (stream, side, difference) in list.iter().take(10) {
            println!("  stream {stream} {side:?}: {}", difference.text);
        }
    }
}
