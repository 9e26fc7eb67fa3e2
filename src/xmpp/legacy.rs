//! What an application keeps for the next stream of the same peer: stanzas that it held back, and those that come while
//! there is no stream.

use std::collections::VecDeque;

use crate::time::SimTime;
use crate::xmpp::stanza::Item;

/// A stanza that waits for a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its size in bytes.
    pub size: u32,
    /// When it was, or would have been, written.
    pub written: SimTime,
    /// The stanza of an earlier stream that it is written again for.
    pub again: Option<Origin>,
}

/// A stanza by its stream, by the number in the node, and its own number.
pub type Origin = (usize, u32);

/// A session of stream management whose stream has ended (XEP-0198 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// Its identifier.
    pub id: u32,
    /// Stanzas of the other side that were handled.
    pub handled: u32,
    /// Own stanzas that the other side acknowledged.
    pub acknowledged: u32,
    /// Own stanzas written after those, in order; a ping is `None`.
    pub unacknowledged: VecDeque<Option<Waiting>>,
    /// Until when it can be resumed.
    pub until: SimTime,
}

/// What a party leaves, and what the same peer's next party at the same end begins with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Legacy {
    /// Stanzas that were held back, in order.
    pub waiting: VecDeque<Waiting>,
    /// From when on the traffic of the next stream counts: since then there has been nothing to write it on. `None`: from
    /// its own up.
    pub since: Option<SimTime>,
    /// The session that can be resumed, if there is one.
    pub session: Option<Box<Session>>,
    /// Sessions that there have been.
    pub sessions: u32,
}

/// The legacy of a party whose stream is not over.
#[derive(Debug, Default)]
pub(super) struct Keeping {
    /// The stream, by its number in the node.
    pub(super) stream: usize,
    pub(super) legacy: Legacy,
    /// Whether the stream of a former life may still hold the session that the peer asks for.
    pub(super) held: bool,
    /// The request for that session, until it is handed over.
    pub(super) claim: Option<Item>,
    /// Stanzas of which the kernel has taken nothing yet, by number.
    unsent: VecDeque<(u32, Waiting)>,
}

impl Keeping {
    /// Begins with what the party before left.
    pub(super) fn new(stream: usize, legacy: Legacy) -> Self {
        Self { stream, legacy, ..Self::default() }
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

impl Legacy {
    /// Stanzas that are written again come before all that waits: they were written before it.
    pub(super) fn write_again(&mut self, stanzas: impl DoubleEndedIterator<Item = Waiting>) {
        for stanza in stanzas.rev() {
            self.waiting.push_front(stanza);
        }
    }

    /// What a stream leaves that was still up when the peer's next one began.
    pub fn add(&mut self, later: Self) {
        let Self { waiting, since, session, sessions } = later;
        self.waiting.extend(waiting);
        self.since = since.or(self.since);
        self.session = session.or_else(|| self.session.take());
        self.sessions = self.sessions.max(sessions);
    }
}
