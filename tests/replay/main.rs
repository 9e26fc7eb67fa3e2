//! Streams of real kernels, replayed packet for packet.
//!
//! `tests/data/packets/*.log` holds what `scripts/measure-teardown` noted of single streams between two real kernels: every
//! call of the applications, and every packet with the instants at which one kernel sent it and the other got it. Each
//! end is replayed alone: its socket gets the same calls and packets at the same instants, and must answer with the
//! packets that the real kernel sent: same flags, places, lengths, acknowledgements and SACK blocks, at the same time.
//!
//! `FAREWELL_PACKETS=FILE` replays a whole log (`measure-teardown --packets`) instead, and tells how many ends differ.

mod end;
mod log;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use end::{Difference, replay};
use log::{Note, Side, read};

/// The streams of a log.
fn streams(path: &Path, phase: u64) -> BTreeMap<u32, Vec<Note>> {
    let mut streams: BTreeMap<u32, Vec<Note>> = BTreeMap::new();
    for note in read(path, phase) {
        streams.entry(note.stream).or_default().push(note);
    }
    streams
}

/// Replays both ends of every stream; returns how many ends there were, and what differed.
fn differences(path: &Path, phase: u64) -> (usize, Vec<(u32, Side, Difference)>) {
    let streams = streams(path, phase);
    let mut found = Vec::new();
    for (stream, notes) in &streams {
        if std::env::var("STREAM").is_ok_and(|t| t.parse::<u32>() != Ok(*stream)) {
            continue;
        }
        for side in [Side::Client, Side::Server] {
            found.extend(replay(notes, side).err().map(|difference| (*stream, side, difference)));
        }
    }
    (2 * streams.len(), found)
}

fn main() {
    let path = PathBuf::from(std::env::var("FAREWELL_PACKETS").expect("FAREWELL_PACKETS"));
    let phase: u64 = std::env::var("FAREWELL_PHASE").map_or(0, |t| t.parse().expect("us"));
    let (ends, found) = differences(&path, phase);
    let mut kinds: BTreeMap<&str, Vec<&(u32, Side, Difference)>> = BTreeMap::new();
    for entry in &found {
        kinds.entry(entry.2.kind).or_default().push(entry);
    }
    println!("{} of {ends} ends differ", found.len());
    for (kind, list) in &kinds {
        println!("== {kind}: {}", list.len());
        for (stream, side, difference) in list.iter().take(std::env::var("N").map_or(6, |t| t.parse().expect("n"))) {
            println!("  stream {stream} {side:?}: {}", difference.text);
        }
    }
}
