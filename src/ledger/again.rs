//! Stanzas that were written again on a later stream of the same peer, because nobody had acknowledged them.
//!
//! A stanza and its copies are one message to a user. It is *recovered* for a stream that lost it if any of them was delivered,
//! and *duplicated* for every further delivery after the first.

use std::collections::{BTreeMap, BTreeSet};

use crate::id::StreamId;
use crate::ledger::fate::Direction;
use crate::ledger::record::{LostStanza, StreamRecord};

/// A stanza: its stream, its way, its number.
type Key = (StreamId, Direction, u32);

/// Which stanzas are copies of which.
#[derive(Debug, Default)]
pub(crate) struct Again {
    /// From each copy to the one that it was made of.
    links: BTreeMap<Key, Key>,
}

impl Again {
    /// `copy` was written because nobody had acknowledged `of`.
    pub(crate) fn add(&mut self, copy: Key, of: Key) {
        self.links.insert(copy, of);
    }

    /// All streams of some peers are over, with all that they lost: writes into their records what copies came to.
    pub(crate) fn settle(&mut self, records: &mut [StreamRecord], lost: &[LostStanza]) {
        if self.links.is_empty() {
            return;
        }
        let place: BTreeMap<StreamId, usize> = records.iter().enumerate().map(|(i, r)| (r.stream, i)).collect();
        let dead: BTreeSet<Key> = lost.iter().map(|stanza| (stanza.stream, stanza.direction, stanza.stanza)).collect();
        // Streams of a peer are numbered in their order, so that a set of keys is in the order of writing.
        let mut families: BTreeMap<Key, BTreeSet<Key>> = BTreeMap::new();
        // A copy comes after what it was made of, and copies of copies may be many.
        let mut firsts: BTreeMap<Key, Key> = BTreeMap::new();
        for (copy, of) in &self.links {
            let first = firsts.get(of).copied().unwrap_or(*of);
            firsts.insert(*copy, first);
            families.entry(first).or_default().extend([first, *copy]);
        }
        for members in families.values() {
            // A copy that was held back again was never sent.
            let was_sent = |key: &&Key| place.get(&key.0).is_some_and(|&i| key.2 < sent(&records[i], key.1));
            let (gone, arrived): (Vec<Key>, Vec<Key>) =
                members.iter().filter(was_sent).partition(|key| dead.contains(key));
            if !arrived.is_empty() {
                for i in gone.iter().filter_map(|key| place.get(&key.0)) {
                    records[*i].recovered += 1;
                }
            }
            for i in arrived.iter().skip(1).filter_map(|key| place.get(&key.0)) {
                records[*i].duplicated += 1;
            }
        }
        self.links.clear();
    }
}

fn sent(record: &StreamRecord, direction: Direction) -> u32 {
    match direction {
        Direction::ToCloser => record.to_closer.sent,
        Direction::ToPeer => record.to_peer.sent,
    }
}
