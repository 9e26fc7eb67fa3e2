//! What an application has written and its kernel has not taken yet, cut into units that may be held back whole.
//!
//! A unit is one stanza, or anything else that must not be torn: a header, a ping, an error with its tag. A stanza is
//! *sent* when the kernel takes its first byte; one of which nothing was taken can still be held back.

use std::collections::VecDeque;

/// A stanza as the ledger knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stanza {
    /// Its number in its direction.
    pub(super) number: u32,
    /// Its size in bytes.
    pub(super) size: u32,
}

/// One untearable piece of the bytes that wait.
#[derive(Clone, Copy, Debug)]
struct Unit {
    /// Offset in the stream of its first byte.
    start: u64,
    /// Offset just after its last byte.
    end: u64,
    /// What it is, if it is a stanza.
    stanza: Option<Stanza>,
}

/// Bytes in the order in which they go out.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    bytes: Vec<u8>,
    /// How many of `bytes` the kernel has taken.
    head: usize,
    /// Offset in the stream of the next byte that the kernel takes.
    taken: u64,
    /// Units of which the kernel has not taken the last byte.
    units: VecDeque<Unit>,
    /// Whether the close tag was written.
    tagged: bool,
}

impl Outbox {
    /// Whether the close tag was written.
    pub(super) fn is_tagged(&self) -> bool {
        self.tagged
    }

    /// Bytes to be offered to the kernel.
    pub(super) fn pending(&self) -> &[u8] {
        &self.bytes[self.head..]
    }

    /// Whether the kernel has taken everything.
    pub(super) fn is_empty(&self) -> bool {
        self.head == self.bytes.len()
    }

    /// Appends one unit, as `write` writes it.
    pub(super) fn push<T>(&mut self, stanza: Option<Stanza>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let before = self.bytes.len();
        let start = self.end();
        let result = write(&mut self.bytes);
        let written = self.bytes.len() - before;
        if written > 0 {
            self.tagged |= self.bytes.ends_with(b"</stream:stream>");
            self.units.push_back(Unit { start, end: start + written as u64, stanza });
        }
        result
    }

    /// The kernel took `n` bytes. Says for each stanza that has now begun what it is and where it ends.
    ///
    /// # Panics
    ///
    /// If more was taken than was offered.
    pub(super) fn accept(&mut self, n: usize, mut sent: impl FnMut(Stanza, u64)) {
        assert!(n <= self.pending().len(), "the kernel took {n} bytes, offered were {}", self.pending().len());
        let before = self.taken;
        self.head += n;
        self.taken += n as u64;
        for unit in self.units.iter().take_while(|unit| unit.start < self.taken) {
            if let Some(stanza) = unit.stanza.filter(|_| unit.start >= before) {
                sent(stanza, unit.end);
            }
        }
        while self.units.front().is_some_and(|unit| unit.end <= self.taken) {
            self.units.pop_front();
        }
        if self.is_empty() {
            self.clear();
        }
    }

    /// Whether the kernel has taken a part of a unit but not all of it: nothing can be written in its middle.
    pub(super) fn is_torn(&self) -> bool {
        self.units.front().is_some_and(|unit| unit.start < self.taken)
    }

    /// Takes back what has not begun and says how many stanzas that were. A unit that has begun stays.
    pub(super) fn withdraw(&mut self) -> u32 {
        let keep = usize::from(self.is_torn());
        let Some(first) = self.units.get(keep) else { return 0 };
        let from = self.head + to_usize(first.start - self.taken);
        self.bytes.truncate(from);
        let stanzas = self.units.drain(keep..).filter(|unit| unit.stanza.is_some()).count();
        if self.is_empty() {
            self.clear();
        }
        u32::try_from(stanzas).unwrap_or(u32::MAX)
    }

    /// Takes back what has not begun and gives up the rest of what has: nothing waits any more.
    pub(super) fn abandon(&mut self) -> u32 {
        let withdrawn = self.withdraw();
        self.clear();
        withdrawn
    }

    /// Offset just after the last byte written.
    fn end(&self) -> u64 {
        self.taken + self.pending().len() as u64
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.units.clear();
        self.head = 0;
    }

    /// Gives back the memory of an outbox in which nothing waits.
    pub(super) fn rest(&mut self) {
        if self.is_empty() {
            self.bytes = Vec::new();
            self.units = VecDeque::new();
        }
    }
}

/// Lengths of what is in memory fit.
fn to_usize(n: u64) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn boxed(sizes: &[u32]) -> Outbox {
        let mut out = Outbox::default();
        for (number, &size) in (0..).zip(sizes) {
            out.push(Some(Stanza { number, size }), |bytes| bytes.resize(bytes.len() + size as usize, b'x'));
        }
        out
    }

    fn accept(out: &mut Outbox, n: usize) -> Vec<(u32, u64)> {
        let mut sent = Vec::new();
        out.accept(n, |stanza, end| sent.push((stanza.number, end)));
        sent
    }

    #[test]
    fn a_stanza_is_sent_with_its_first_byte_and_only_once() {
        let mut out = boxed(&[10, 20, 5]);
        assert_eq!(accept(&mut out, 0), []);
        assert_eq!(accept(&mut out, 1), [(0, 10)]);
        assert_eq!(accept(&mut out, 9), [], "the second has not begun");
        assert_eq!(accept(&mut out, 25), [(1, 30), (2, 35)]);
        assert!(out.is_empty());
    }

    #[test]
    fn what_has_not_begun_can_be_taken_back() {
        let mut out = boxed(&[10, 20, 5]);
        accept(&mut out, 4);
        assert!(out.is_torn());
        assert_eq!(out.withdraw(), 2);
        assert_eq!(out.pending().len(), 6, "the rest of the first stays");
        accept(&mut out, 6);
        assert_eq!((out.is_torn(), out.is_empty(), out.withdraw()), (false, true, 0));
    }

    #[test]
    fn abandoned_bytes_are_gone_and_offsets_go_on() {
        let mut out = boxed(&[10, 20]);
        accept(&mut out, 10);
        assert_eq!((out.is_torn(), out.abandon()), (false, 1));
        assert!(out.is_empty());
        out.push(Some(Stanza { number: 1, size: 3 }), |bytes| bytes.extend_from_slice(b"abc"));
        assert_eq!(accept(&mut out, 3), [(1, 13)]);
    }

    #[test]
    fn what_is_no_stanza_is_never_reported_or_counted() {
        let mut out = Outbox::default();
        out.push(None, |bytes| bytes.extend_from_slice(b"<stream>"));
        out.push(Some(Stanza { number: 0, size: 2 }), |bytes| bytes.extend_from_slice(b"ab"));
        out.push(None, |_| ());
        assert_eq!(out.withdraw(), 1);
        assert!(out.is_empty());
    }

    #[test]
    fn at_rest_it_owns_no_memory() {
        let mut out = boxed(&[100; 50]);
        accept(&mut out, 5_000);
        out.rest();
        assert_eq!((out.bytes.capacity(), out.units.capacity()), (0, 0));
    }
}
