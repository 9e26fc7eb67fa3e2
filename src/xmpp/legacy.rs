//! What an application keeps for the next stream of the same peer: stanzas that it held back, and those that come while
//! there is no stream.

use std::collections::VecDeque;

use crate::time::SimTime;

/// A stanza that waits for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its size in bytes.
    pub size: u32,
    /// When it was, or would have been, written.
    pub written: SimTime,
}

/// What a party leaves, and what the same peer's next party at the same end begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legacy {
    /// Stanzas that were held back, in order.
    pub waiting: VecDeque<Waiting>,
    /// From when on the traffic of the next stream counts: since then there has been nothing to write it on. `None`: from
    /// its own up.
    pub since: Option<SimTime>,
}

/// The legacy of a party whose stream is not over.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    pub(super) legacy: Legacy,
    /// Stanzas of which the kernel has taken nothing yet, by number.
    unsent: VecDeque<(u32, Waiting)>,
}

impl Keeping {
    /// Begins with what the party before left.
    pub(super) fn new(legacy: Legacy) -> Self {
        Self { legacy, unsent: VecDeque::new() }
    }

    /// A stanza waits for its kernel.
    pub(super) fn wrote(&mut self, number: u32, stanza: Waiting) {
        self.unsent.push_back((number, stanza));
    }

    /// The kernel took the first byte of a stanza.
    pub(super) fn sent(&mut self, number: u32) {
        while self.unsent.front().is_some_and(|(first, _)| *first <= number) {
            self.unsent.pop_front();
        }
    }

    /// A stanza is held back.
    pub(super) fn defers(&mut self, stanza: Waiting) {
        self.legacy.waiting.push_back(stanza);
    }

    /// What waits for the kernel is held back: it was written before anything that was held back already.
    pub(super) fn withdraw(&mut self) {
        for (_, stanza) in self.unsent.drain(..).rev() {
            self.legacy.waiting.push_front(stanza);
        }
    }
}
