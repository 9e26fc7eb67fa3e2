//! Bytes of a stream: the pen that the close tag takes away.
//!
//! [`StreamWriter::close`] consumes the writer, so that after the tag no value is left that could write: there is no
//! second tag and no later stanza (XEP-0190 §2.1, RFC 6120 §4.4). Who breaks that rule on purpose takes a
//! [`RawWriter`]. Every method appends to a buffer of the caller and allocates nothing else.
//!
//! Texts are constants, in the lengths that deployed software shows on the wire; addresses are the same for every
//! peer, since each stream is alone on its connection.

use super::config::{Condition, MAX_STANZA, MIN_STANZA, StreamKind};
use crate::id::Side;

/// `</stream:stream>`.
const TAG: &[u8] = b"</stream:stream>";

/// Filler for message bodies, repeated and cut to length. Plain letters: one byte each, nothing to escape.
const FILLER: &[u8] = b"the last thing said before the line goes quiet should still be heard ";

/// What a server offers (RFC 6120 §4.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Features {
    /// SASL mechanisms: the stream is not authenticated yet.
    Sasl,
    /// Resource binding.
    Bind,
    /// Resource binding and stream management (XEP-0198 §2).
    BindAndManagement,
    /// Stream management.
    Management,
    /// Nothing (more): the stream is up.
    None,
}

/// Writes one side of a stream. Neither copied nor cloned: whoever closes it gives it away.
#[derive(Debug)]
pub struct StreamWriter {
    kind: StreamKind,
    side: Side,
}

impl StreamWriter {
    /// Writes the stream header of `side` and hands out the pen.
    pub fn open(kind: StreamKind, side: Side, out: &mut Vec<u8>) -> Self {
        let writer = Self { kind, side };
        writer.restart(out);
        writer
    }

    /// Writes the header again, as after SASL success (RFC 6120 §6.4.6).
    pub fn restart(&self, out: &mut Vec<u8>) {
        let header: &[u8] = match (self.kind, self.side) {
            (StreamKind::ClientToServer, Side::Client) => {
                b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
                  to='capulet.example' version='1.0' xml:lang='en'>"
            }
            (StreamKind::ClientToServer, Side::Server) => {
                b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' \
                  id='4be1f7a02c9d' from='capulet.example' version='1.0' xml:lang='en'>"
            }
            (StreamKind::ServerToServer, Side::Client) => {
                b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
                  xmlns:db='jabber:server:dialback' from='montague.example' to='capulet.example' version='1.0'>"
            }
            (StreamKind::ServerToServer, Side::Server) => {
                b"<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams' \
                  xmlns:db='jabber:server:dialback' id='4be1f7a02c9d' from='capulet.example' to='montague.example' \
                  version='1.0'>"
            }
        };
        out.extend_from_slice(header);
    }

    /// Writes the stream features.
    pub fn features(&self, features: Features, out: &mut Vec<u8>) {
        let element: &[u8] = match (features, self.kind) {
            (Features::Sasl, StreamKind::ClientToServer) => {
                b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>\
                  </mechanisms></stream:features>"
            }
            (Features::Sasl, StreamKind::ServerToServer) => {
                b"<stream:features><mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>EXTERNAL</mechanism>\
                  </mechanisms></stream:features>"
            }
            (Features::Bind, _) => {
                b"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></stream:features>"
            }
            (Features::BindAndManagement, _) => {
                b"<stream:features><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>\
                  </stream:features>"
            }
            (Features::Management, _) => b"<stream:features><sm xmlns='urn:xmpp:sm:3'/></stream:features>",
            (Features::None, _) => b"<stream:features/>",
        };
        out.extend_from_slice(element);
    }

    /// Writes SASL `auth`: PLAIN for a client, EXTERNAL between servers.
    pub fn auth(&self, out: &mut Vec<u8>) {
        let element: &[u8] = match self.kind {
            StreamKind::ClientToServer => {
                b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGp1bGlldABhIHNlY3JldCBvZiBzb21lIGxlbmd0aA==\
                  </auth>"
            }
            StreamKind::ServerToServer => {
                b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='EXTERNAL'>bW9udGFndWUuZXhhbXBsZQ==</auth>"
            }
        };
        out.extend_from_slice(element);
    }

    /// Writes SASL `success`.
    pub fn success(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>");
    }

    /// Asks for a resource (RFC 6120 §7.6.1).
    pub fn bind_set(&self, number: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<iq id='b");
        decimal(number, out);
        out.extend_from_slice(
            b"' type='set'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>balcony</resource></bind></iq>",
        );
    }

    /// Grants the resource.
    pub fn bind_result(&self, number: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<iq id='b");
        decimal(number, out);
        out.extend_from_slice(
            b"' type='result'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>juliet@capulet.example/balcony</jid></bind></iq>",
        );
    }

    /// Asks whether the other side is still there (XEP-0199).
    pub fn ping_get(&self, number: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<iq ");
        out.extend_from_slice(self.full_addresses());
        out.extend_from_slice(b" id='q");
        decimal(number, out);
        out.extend_from_slice(b"' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
    }

    /// Answers a ping: the number is the question's.
    pub fn ping_result(&self, number: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<iq ");
        out.extend_from_slice(self.full_addresses());
        out.extend_from_slice(b" id='q");
        decimal(number, out);
        out.extend_from_slice(b"' type='result'/>");
    }

    /// Turns stream management on (XEP-0198 §3), with sessions that can be resumed if `resume`.
    pub fn enable(&self, resume: bool, out: &mut Vec<u8>) {
        let element: &[u8] =
            if resume { b"<enable xmlns='urn:xmpp:sm:3' resume='true'/>" } else { b"<enable xmlns='urn:xmpp:sm:3'/>" };
        out.extend_from_slice(element);
    }

    /// Says that it is on, with the session's number and how many seconds it is kept if it can be resumed.
    pub fn enabled(&self, resume: Option<(u32, u32)>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<enabled xmlns='urn:xmpp:sm:3'");
        if let Some((session, seconds)) = resume {
            out.extend_from_slice(b" id='");
            session_id(session, out);
            out.extend_from_slice(b"' max='");
            decimal(seconds, out);
            out.extend_from_slice(b"' resume='true'");
        }
        out.extend_from_slice(b"/>");
    }

    /// Asks how many stanzas the other side has handled (XEP-0198 §4).
    pub fn ack_request(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<r xmlns='urn:xmpp:sm:3'/>");
    }

    /// Says how many stanzas this side has handled, modulo 2^32 (XEP-0198 §4).
    pub fn ack(&self, handled: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<a xmlns='urn:xmpp:sm:3' h='");
        decimal(handled, out);
        out.extend_from_slice(b"'/>");
    }

    /// Asks for a former session (XEP-0198 §5) in which this side has handled so many stanzas.
    pub fn resume(&self, session: u32, handled: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<resume");
        former(session, handled, out);
    }

    /// Gives a former session back.
    pub fn resumed(&self, session: u32, handled: u32, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<resumed");
        former(session, handled, out);
    }

    /// Refuses a former session that is unknown (any more); `handled` is said where that much of it is remembered.
    pub fn failed(&self, handled: Option<u32>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"<failed xmlns='urn:xmpp:sm:3'");
        if let Some(handled) = handled {
            out.extend_from_slice(b" h='");
            decimal(handled, out);
            out.extend_from_slice(b"'");
        }
        out.extend_from_slice(b"><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></failed>");
    }

    /// Writes a message of exactly `size` bytes whose `id` carries `number`.
    ///
    /// Where the size allows, it is addressed and typed as a chat message is; below that (89 to 135 bytes, by side,
    /// kind and number) only `id` and body are left, which RFC 6120 §8.1 still allows a client.
    ///
    /// # Panics
    ///
    /// If `size` is not within [`MIN_STANZA`]`..=`[`MAX_STANZA`]: a scenario with such a size is refused before it runs.
    pub fn message(&self, number: u32, size: u32, out: &mut Vec<u8>) {
        assert!(
            (MIN_STANZA..=MAX_STANZA).contains(&size),
            "a message of {size} bytes, allowed are {MIN_STANZA} to {MAX_STANZA}"
        );
        let start = out.len();
        let end = start + size as usize;
        // Room for the addresses too, where they are written first and turn out to be too long.
        out.reserve((size as usize).max(LONGEST_START));
        out.extend_from_slice(b"<message ");
        out.extend_from_slice(self.addresses());
        out.extend_from_slice(match self.side {
            Side::Client => b" id='c",
            Side::Server => b" id='s",
        });
        decimal(number, out);
        out.extend_from_slice(b"' type='chat'><body>");
        if out.len() + BODY_END.len() > end {
            out.truncate(start);
            out.extend_from_slice(b"<message id='");
            decimal(number, out);
            out.extend_from_slice(b"'><body>");
        }
        fill(end - BODY_END.len(), out);
        out.extend_from_slice(BODY_END);
        debug_assert_eq!(out.len(), end, "the smallest message holds every number");
    }

    /// Writes a stream error (RFC 6120 §4.9), without the close tag that has to follow.
    pub fn error(&self, condition: Condition, out: &mut Vec<u8>) {
        out.extend_from_slice(match condition {
            Condition::ConnectionTimeout => b"<stream:error><connection-timeout" as &[u8],
            Condition::Conflict => b"<stream:error><conflict",
            Condition::PolicyViolation => b"<stream:error><policy-violation",
            Condition::SystemShutdown => b"<stream:error><system-shutdown",
        });
        out.extend_from_slice(b" xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>");
    }

    /// Writes the close tag and takes the pen away.
    pub fn close(self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG);
    }

    /// Gives up the promise that nothing follows the tag, for responders that break it on purpose.
    pub fn into_raw(self) -> RawWriter {
        RawWriter { writer: self, dripped: 0 }
    }

    /// Address attributes of a chat message: clients say only `to`, their server stamps the rest.
    fn addresses(&self) -> &'static [u8] {
        match (self.kind, self.side) {
            (StreamKind::ClientToServer, Side::Client) => b"to='romeo@montague.example/orchard'",
            (StreamKind::ClientToServer, Side::Server) => {
                b"from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony'"
            }
            (StreamKind::ServerToServer, Side::Client) => {
                b"from='romeo@montague.example/orchard' to='juliet@capulet.example'"
            }
            (StreamKind::ServerToServer, Side::Server) => {
                b"from='juliet@capulet.example/balcony' to='romeo@montague.example'"
            }
        }
    }

    /// Address attributes of an iq between the two ends of the stream.
    fn full_addresses(&self) -> &'static [u8] {
        match (self.kind, self.side) {
            (StreamKind::ClientToServer, Side::Client) => {
                b"xml:lang='en' from='juliet@capulet.example/balcony-4be1f7a02c9d' to='capulet.example'"
            }
            (StreamKind::ClientToServer, Side::Server) => {
                b"xml:lang='en' from='capulet.example' to='juliet@capulet.example/balcony-4be1f7a02c9d'"
            }
            (StreamKind::ServerToServer, Side::Client) => b"from='montague.example' to='capulet.example'",
            (StreamKind::ServerToServer, Side::Server) => b"from='capulet.example' to='montague.example'",
        }
    }
}

/// More than the start of any message.
const LONGEST_START: usize = 136;

/// The end of every message.
const BODY_END: &[u8] = b"</body></message>";

/// Writes what the rules forbid: for responders that misbehave, never for a closer.
#[derive(Debug)]
pub struct RawWriter {
    writer: StreamWriter,
    /// How many bytes [`Self::drip`] has written.
    dripped: u64,
}

impl RawWriter {
    /// Writes the close tag and keeps the pen.
    pub fn tag(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(TAG);
    }

    /// Writes a whole message, before the tag or after it: as [`StreamWriter::message`].
    ///
    /// # Panics
    ///
    /// As [`StreamWriter::message`].
    pub fn message(&self, number: u32, size: u32, out: &mut Vec<u8>) {
        self.writer.message(number, size, out);
    }

    /// Writes the first half of such a message: `size / 2` bytes.
    ///
    /// # Panics
    ///
    /// As [`StreamWriter::message`].
    pub fn half_message(&self, number: u32, size: u32, out: &mut Vec<u8>) {
        let start = out.len();
        self.writer.message(number, size, out);
        out.truncate(start + size as usize / 2);
    }

    /// Writes bytes that are no XML wherever they stand: a NUL is no character of any document (XML 1.0 §2.2).
    pub fn garbage(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"\0\xff\xfe this is <not> & never was XML \0");
    }

    /// Writes one more byte of a message whose body never ends, to hold the closer.
    pub fn drip(&mut self, out: &mut Vec<u8>) {
        const START: &[u8] = b"<message><body>";
        let at = usize::try_from(self.dripped).ok().and_then(|at| START.get(at));
        out.push(*at.unwrap_or(&b'.'));
        self.dripped += 1;
    }
}

/// Appends what says which former session is meant, and how much of it was handled.
fn former(session: u32, handled: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(b" xmlns='urn:xmpp:sm:3' h='");
    decimal(handled, out);
    out.extend_from_slice(b"' previd='");
    session_id(session, out);
    out.extend_from_slice(b"'/>");
}

/// Appends the identifier of a session: as long as those of deployed servers, which are opaque (XEP-0198 §5).
fn session_id(session: u32, out: &mut Vec<u8>) {
    let mut digits = Vec::with_capacity(10);
    decimal(session, &mut digits);
    out.push(b'm');
    out.resize(out.len() + SESSION_DIGITS - digits.len(), b'0');
    out.extend_from_slice(&digits);
}

/// Digits in the identifier of a session.
const SESSION_DIGITS: usize = 23;

/// Appends a number in decimal digits.
fn decimal(mut number: u32, out: &mut Vec<u8>) {
    let mut digits = [0; 10];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends filler until `out` is `end` bytes long.
fn fill(end: usize, out: &mut Vec<u8>) {
    while out.len() < end {
        let piece = FILLER.len().min(end - out.len());
        out.extend_from_slice(&FILLER[..piece]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KINDS: [StreamKind; 2] = [StreamKind::ClientToServer, StreamKind::ServerToServer];

    fn written(write: impl FnOnce(&StreamWriter, &mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Server, &mut out);
        out.clear();
        write(&writer, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_message_has_the_size_asked_for() {
        for (kind, side) in KINDS.into_iter().flat_map(|kind| Side::BOTH.map(|side| (kind, side))) {
            let mut out = Vec::new();
            let writer = StreamWriter::open(kind, side, &mut out);
            for number in [0, 9, 10, 1_000_000, u32::MAX] {
                for size in (MIN_STANZA..300).chain([1000, 65_537, MAX_STANZA]) {
                    out.clear();
                    out.push(b'x');
                    writer.message(number, size, &mut out);
                    assert_eq!(out.len(), size as usize + 1, "{kind:?} {side:?} number {number}");
                    assert!(out.starts_with(b"x<message ") && out.ends_with(BODY_END));
                }
            }
        }
    }

    #[test]
    #[should_panic(expected = "a message of 47 bytes, allowed are 48 to 262144")]
    fn a_message_that_cannot_be_is_refused() {
        written(|writer, out| writer.message(1, MIN_STANZA - 1, out));
    }

    #[test]
    fn a_message_is_addressed_where_its_size_allows() {
        assert_eq!(
            written(|writer, out| writer.message(17, 140, out)),
            "<message from='romeo@montague.example/orchard' to='juliet@capulet.example/balcony' id='s17' type='chat'>\
             <body>the last thin</body></message>"
        );
        assert_eq!(
            written(|writer, out| writer.message(17, 50, out)),
            "<message id='17'><body>the last t</body></message>"
        );
    }

    /// What was seen on the wire between deployed servers and clients.
    #[test]
    fn sizes_are_those_of_deployed_software() {
        let error = written(|writer, out| writer.error(Condition::ConnectionTimeout, out)).len();
        let tag =
            written(|_, out| StreamWriter::open(StreamKind::ClientToServer, Side::Server, &mut Vec::new()).close(out));
        assert_eq!(tag.len(), 16);
        assert!((107..=196).contains(&(error + tag.len())), "error and tag are {error} bytes and 16");
        let ping = written(|writer, out| writer.ping_get(1, out)).len();
        assert!((140..=180).contains(&ping), "a ping is {ping} bytes");
        let up = written(|writer, out| {
            writer.restart(out);
            writer.features(Features::None, out);
        });
        assert!((190..=230).contains(&up.len()), "header and features are {} bytes", up.len());
    }

    #[test]
    fn numbers_are_decimal() {
        for number in [0, 7, 10, 4096, 1_000_000_000, u32::MAX] {
            let mut out = Vec::new();
            decimal(number, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), number.to_string());
        }
    }

    #[test]
    fn who_breaks_the_rules_can() {
        let mut out = Vec::new();
        let mut raw = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut out).into_raw();
        out.clear();
        raw.tag(&mut out);
        raw.message(1, 60, &mut out);
        assert!(out.starts_with(b"</stream:stream><message "));
        assert_eq!(out.len(), 16 + 60);
        out.clear();
        raw.half_message(2, 61, &mut out);
        assert_eq!(String::from_utf8(out.clone()).unwrap(), "<message id='2'><body>the last");
        out.clear();
        for dripped in 1..=20 {
            raw.drip(&mut out);
            assert_eq!(out.len(), dripped);
        }
        assert_eq!(out, b"<message><body>.....");
    }
}
