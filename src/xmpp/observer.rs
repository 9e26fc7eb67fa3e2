//! Counts what a closer wrote after its close tag, from the bytes alone.

/// The tag, spelt out once more on purpose: this observer shares nothing with the writer that it checks.
const TAG: &[u8; 16] = b"</stream:stream>";

/// Watches the bytes that a kernel accepted from one side of a stream, in order, in pieces of any size.
///
/// XEP-0190 §2.1 and RFC 6120 §4.4 allow not one byte after the tag. By type nobody here can write one
/// ([`StreamWriter::close`](super::writer::StreamWriter::close)); this is the second, independent check.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CloseTagObserver {
    /// How many bytes of the tag the last bytes seen are; all of them once the tag has gone by.
    matched: u8,
    violations: u64,
}

impl CloseTagObserver {
    /// Has seen nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sees the next bytes.
    pub fn observe(&mut self, mut bytes: &[u8]) {
        while usize::from(self.matched) < TAG.len() {
            if self.matched == 0 {
                let Some(at) = memchr::memchr(TAG[0], bytes) else { return };
                bytes = &bytes[at..];
            }
            let Some((&byte, rest)) = bytes.split_first() else { return };
            if byte == TAG[usize::from(self.matched)] {
                self.matched += 1;
                bytes = rest;
            } else {
                // The tag has only one `<`, its first byte, so a broken match can begin anew nowhere but here.
                self.matched = 0;
            }
        }
        self.violations += bytes.len() as u64;
    }

    /// Whether the close tag has gone by.
    pub fn closed(&self) -> bool {
        usize::from(self.matched) == TAG.len()
    }

    /// Bytes seen after the close tag.
    pub fn violations(&self) -> u64 {
        self.violations
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(pieces: &[&[u8]]) -> CloseTagObserver {
        let mut observer = CloseTagObserver::new();
        for piece in pieces {
            observer.observe(piece);
        }
        observer
    }

    #[test]
    fn nothing_after_the_tag_is_no_violation() {
        let seen = watch(&[b"<message/>", b"</stream:stream>"]);
        assert_eq!((seen.closed(), seen.violations()), (true, 0));
    }

    #[test]
    fn every_byte_after_the_tag_counts() {
        let seen = watch(&[b"<message/></stream:stream>\n<m", b"", b"essage/>"]);
        assert_eq!((seen.closed(), seen.violations()), (true, 11));
    }

    #[test]
    fn every_split_gives_the_same() {
        let session = b"<a></</stream:</stream:strea></stream:stream></stream:stream>x";
        for first in 0..=session.len() {
            for second in first..=session.len() {
                let seen = watch(&[&session[..first], &session[first..second], &session[second..]]);
                assert_eq!((seen.closed(), seen.violations()), (true, 17), "split at {first} and {second}");
            }
        }
    }

    #[test]
    fn what_only_looks_like_the_tag_is_not_one() {
        let seen = watch(&[b"</stream:strea", b"n></stream:error></stream", b":stream"]);
        assert_eq!((seen.closed(), seen.violations()), (false, 0));
    }
}
