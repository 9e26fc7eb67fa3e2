//! What a party does under stream management (XEP-0198): asks, acknowledges, waits for room in its window.
//!
//! Neither `<r/>` nor `<a/>` may be written behind the close tag, so that a party says what it has handled for the
//! last time just before its tag (§7); what it handles while it waits for the other tag is never acknowledged.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::time::SimTime;
use crate::xmpp::config::AfterTag;
use crate::xmpp::fact::{Disorder, Outcome, Syscall};
use crate::xmpp::legacy::{Legacy, Session, Waiting};
use crate::xmpp::management::Management;
use crate::xmpp::negotiation::{Agreed, Memory};
use crate::xmpp::outbox::Stanza;
use crate::xmpp::party::Party;
use crate::xmpp::phase::Phase;
use crate::xmpp::stanza::{self, Element, Item};
use crate::xmpp::writer::StreamWriter;

impl Party {
    /// The stream is up: from now on stanzas are counted, if that was agreed on; in a session that goes on, from where it was.
    pub(super) fn begin_management(&mut self, agreed: Agreed) {
        let Some(config) = &self.config.management else { return };
        let session = self.keeping.as_mut().and_then(|keeping| keeping.legacy.session.take());
        let mut management = Management::default();
        let mut again: VecDeque<Option<Waiting>> = VecDeque::new();
        match (agreed, session) {
            (Agreed::Resumed(h), Some(session)) => {
                management = Management::resumed(session.id, session.handled, h);
                let news = (h.wrapping_sub(session.acknowledged) as usize).min(session.unacknowledged.len());
                again = session.unacknowledged;
                again.drain(..news);
            }
            (Agreed::Anew(id), session) => {
                management.session = id;
                again = session.filter(|_| config.resend).map(|s| s.unacknowledged).unwrap_or_default();
            }
            (Agreed::Resumed(_), None) => {}
        }
        self.management = Some(Box::new(management));
        if let Some(keeping) = &mut self.keeping {
            keeping.legacy.write_again(again.into_iter().flatten());
        }
    }

    /// What is kept of a former session, if it can still be resumed, and the number of the next one.
    pub(super) fn memory(&self, now: SimTime) -> Memory {
        let (Some(keeping), Some(management)) = (&self.keeping, &self.config.management) else {
            return Memory::default();
        };
        let session = keeping.legacy.session.as_ref().filter(|session| now <= session.until);
        Memory {
            session: session.map(|session| (session.id, session.handled)),
            next: management.resume.map(|within| (keeping.legacy.sessions + 1, within)),
            held: keeping.held,
        }
    }

    /// Whether it can hand its session over while its stream is up (XEP-0198 §5): nothing of a closing has been said.
    pub fn is_replaceable(&self) -> bool {
        let session = self.management.as_ref().is_some_and(|management| management.session.is_some());
        session && matches!(self.phase, Phase::Open(_) | Phase::Pinging { .. }) && !self.heard.tag
    }

    /// The peer resumes the session of this stream on another. The old connection is closed without a word, as Prosody's
    /// `mod_smacks` does it: who is there to read it has no session on it any more.
    pub fn handle_replaced(&mut self, _now: SimTime) {
        if !self.is_replaceable() {
            return;
        }
        if self.role_is_closer() {
            self.has_decided();
        }
        self.finish(Outcome::Closed, Syscall::Close);
        self.settle();
    }

    /// Whether stanzas that were held back, or that are to be written again, wait for a stream.
    pub fn holds_back(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| !keeping.legacy.waiting.is_empty())
    }

    /// Those stanzas: they wait here no longer.
    pub fn take_waiting(&mut self) -> VecDeque<Waiting> {
        self.keeping.as_mut().map(|keeping| std::mem::take(&mut keeping.legacy.waiting)).unwrap_or_default()
    }

    /// A former stream of the same peer, which this one did not wait for, has left stanzas: they are written at once, or as soon as
    /// there is a stream that can take them.
    pub fn handle_passed_on(&mut self, now: SimTime, waiting: VecDeque<Waiting>) {
        if self.is_up() && self.may_write() {
            for stanza in waiting {
                self.write_stanza(now, stanza);
            }
            self.settle();
        } else if let Some(keeping) = &mut self.keeping {
            keeping.legacy.waiting.extend(waiting);
        }
    }

    /// Whether the peer has asked for a session that the stream of a former life may hold: [`Self::handle_inherited`] answers.
    pub fn claims_session(&self) -> bool {
        self.keeping.as_ref().is_some_and(|keeping| keeping.claim.is_some())
    }

    /// What the stream has left that held the session; nothing where none did.
    pub fn handle_inherited(&mut self, now: SimTime, legacy: Legacy) {
        let Some(keeping) = &mut self.keeping else { return };
        keeping.held = false;
        keeping.legacy.add(legacy);
        if let Some(item) = keeping.claim.take() {
            self.negotiate(now, item);
        }
        self.settle();
    }

    /// A new session begins.
    pub(super) fn counts_session(&mut self, agreed: Agreed) {
        if let (Some(keeping), Agreed::Anew(Some(id))) = (&mut self.keeping, agreed) {
            keeping.legacy.sessions = id;
        }
    }

    /// The application has let go of its stream: the session stays for a while, or what nobody acknowledged is written again on
    /// the next stream, or nothing of it stays.
    pub(super) fn leave_session(&mut self, now: SimTime) {
        let (Some(keeping), Some(config)) = (&mut self.keeping, &self.config.management) else { return };
        let Some(management) = self.management.take() else { return };
        let (id, stream) = (management.session, keeping.stream);
        let (handled, acknowledged, unacknowledged) = management.into_parts();
        let kept = |stanza: Stanza| Waiting { size: stanza.size, written: now, again: Some((stream, stanza.number)) };
        let unacknowledged: VecDeque<Option<Waiting>> =
            unacknowledged.into_iter().map(|stanza| stanza.map(kept)).collect();
        let tagged = self.heard.tag || self.out.is_tagged();
        match (id, config.resume) {
            (Some(id), Some(within)) if !self.exited && (!tagged || config.after_tag == AfterTag::Keep) => {
                let until = now + within;
                keeping.legacy.session = Some(Box::new(Session { id, handled, acknowledged, unacknowledged, until }));
            }
            _ if config.resend => keeping.legacy.write_again(unacknowledged.into_iter().flatten()),
            _ => {}
        }
    }

    /// An element of stream management was read on a stream that is up.
    pub(super) fn hear_management(&mut self, now: SimTime, what: stanza::Management, element: Element) {
        let Some(management) = &mut self.management else { return self.unexpected(element) };
        match (what, element.h) {
            (stanza::Management::Request, _) => {
                let handled = management.handled();
                // Behind its tag a party answers nothing any more.
                if let Some(writer) = self.phase.pen(self.reads_in_delay()) {
                    self.out.push(None, |bytes| writer.ack(handled, bytes));
                }
            }
            (stanza::Management::Ack, Some(h)) => match management.acknowledge(h) {
                Ok(()) => self.write_what_waits(now),
                Err(_) => self.unexpected(element),
            },
            (
                stanza::Management::Ack
                | stanza::Management::Enable
                | stanza::Management::Enabled
                | stanza::Management::Resume
                | stanza::Management::Resumed
                | stanza::Management::Failed,
                _,
            ) => self.unexpected(element),
        }
    }

    fn unexpected(&mut self, element: Element) {
        self.disorder(Disorder::Unexpected(Item::Element(element)));
    }

    /// A stanza of the other side was handled: its receiver has taken responsibility for it (§4).
    pub(super) fn handled_stanza(&mut self) {
        if let Some(management) = &mut self.management {
            management.handle();
        }
    }

    /// A stanza, or an iq that is none for the ledger, was written: an acknowledgement may be asked for.
    pub(super) fn wrote_stanza(&mut self, now: SimTime, stanza: Option<Stanza>) {
        let (Some(management), Some(config)) = (&mut self.management, &self.config.management) else { return };
        if management.wrote(config, stanza, now) {
            self.request();
        }
    }

    /// Asks for an acknowledgement where something may be written.
    fn request(&mut self) {
        if let (Some(writer), Some(management)) = (self.phase.pen(self.reads_in_delay()), &mut self.management) {
            self.out.push(None, |bytes| writer.ack_request(bytes));
            management.requested();
        }
    }

    /// When an acknowledgement is to be asked for at the latest.
    pub(super) fn request_deadline(&self) -> Option<SimTime> {
        let due = self.management.as_ref()?.due()?;
        self.phase.pen(self.reads_in_delay()).map(|_| due)
    }

    /// Asks if it is time.
    pub(super) fn request_if_due(&mut self, now: SimTime) {
        if self.request_deadline().is_some_and(|due| due <= now) {
            self.request();
        }
    }

    /// Keeps a stanza until the window has room for it; whether it had to.
    pub(super) fn waits_for_room(&mut self, stanza: Waiting) -> bool {
        let (Some(management), Some(config)) = (&mut self.management, &self.config.management) else { return false };
        let waits = management.holds() || !management.has_room(config);
        if waits {
            management.hold(stanza);
        }
        waits
    }

    fn write_what_waits(&mut self, now: SimTime) {
        let config = Arc::clone(&self.config);
        let Some(config) = &config.management else { return };
        while self.may_write()
            && let Some(stanza) = self.management.as_mut().and_then(|m| m.release(config))
        {
            self.put_stanza(now, stanza);
        }
    }

    /// Stanzas that wait have nothing to wait for once nothing more is written: they are held back.
    pub(super) fn hold_back_what_waits(&mut self) {
        if self.may_write() {
            return;
        }
        for stanza in self.forget_what_waits() {
            self.keep_back(stanza);
        }
    }

    /// Says once more what was handled, before the tag: what is not acknowledged then the other side must think lost.
    pub(super) fn acknowledge_for_the_last_time(&mut self, writer: &StreamWriter) {
        if let Some(management) = &self.management {
            self.out.push(None, |bytes| writer.ack(management.handled(), bytes));
        }
    }

    /// Stanzas were taken back from the outbox.
    pub(super) fn withdrawn(&mut self, count: u32) {
        if let Some(management) = &mut self.management {
            management.withdraw(count);
        }
    }

    /// Nothing waits any more; says what did.
    pub(super) fn forget_what_waits(&mut self) -> VecDeque<Waiting> {
        self.management.as_mut().map(|management| management.give_up()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use crate::dist::Distribution;
    use crate::id::Side;
    use crate::time::Micros;
    use crate::xmpp::config::{Process, Responder, Source, Strategy, StreamManagement};
    use crate::xmpp::idle::DecisionPlan;
    use crate::xmpp::testing::{Builder, Pair, at, poisson};

    const EVERY_5: StreamManagement =
        StreamManagement { request_every: Some(5), request_interval: None, window: None, ..StreamManagement::PLAIN };

    fn periodic(ms: u64) -> Source {
        let process = Process::Periodic(Micros::from_millis(ms));
        Source { process, size: Distribution::Constant(200.0), count: None }
    }

    /// Closed 1 s after up.
    fn run(builder: Builder, management: StreamManagement) -> Pair {
        let mut pair = builder.managed(management).open();
        pair.run_until(at(20_000));
        pair.assert_orderly();
        pair
    }

    fn count(transcript: &str, of: &str) -> usize {
        transcript.matches(of).count()
    }

    #[test]
    fn every_request_is_answered_while_the_stream_is_open() {
        let pair = run(Pair::builder().peer_writes(poisson(100.0)).closer_writes(poisson(60.0)), EVERY_5);
        for side in Side::BOTH {
            let (asking, answering) = (pair.transcript(side), pair.transcript(side.other()));
            let requests = count(&asking, "<r xmlns='urn:xmpp:sm:3'/>");
            assert_eq!(requests, pair.counts(side)[0] as usize / 5, "one behind every fifth stanza");
            let acks = count(&answering, "<a xmlns='urn:xmpp:sm:3' h=");
            // What came behind the other side's tag was not answered any more.
            assert!(acks > 5 && acks <= requests + 1, "{acks} acknowledgements of {requests} requests");
        }
    }

    #[test]
    fn the_last_thing_before_a_tag_is_an_acknowledgement() {
        for strategy in [Strategy::Handshake, Strategy::TimeoutError, Strategy::TagAndClose] {
            let pair = run(Pair::builder().strategy(strategy).peer_writes(poisson(50.0)), EVERY_5);
            let said = pair.transcript(Side::Server);
            let tail = &said[said.rfind("<a xmlns").expect("an acknowledgement")..];
            let end = if strategy.sends_error() { "'/><stream:error>" } else { "'/></stream:stream>" };
            assert!(tail.contains(end), "{}: {tail}", strategy.name());
            let told = pair.transcript(Side::Client);
            assert!(told.ends_with("<a xmlns='urn:xmpp:sm:3' h='0'/></stream:stream>"), "{told}");
        }
        let pair = run(Pair::builder().strategy(Strategy::AbruptClose).peer_writes(poisson(50.0)), EVERY_5);
        assert!(!pair.transcript(Side::Server).contains("h='0'/></stream"), "who says nothing says no number either");
    }

    #[test]
    fn a_window_bounds_what_travels_and_what_waits_at_the_end_is_held_back() {
        // A stanza a millisecond, four at a time, and 20 ms until each four are acknowledged.
        let window = StreamManagement {
            request_every: None,
            request_interval: None,
            window: Some(4),
            ..StreamManagement::PLAIN
        };
        let pair = run(Pair::builder().peer_writes(periodic(1)), window);
        let [sent, deferred, delivered, unprocessed] = pair.counts(Side::Client);
        assert!((190..=204).contains(&sent), "{sent} in 1 s");
        assert_eq!((delivered, unprocessed), (sent, 0));
        let free = run(Pair::builder().peer_writes(periodic(1)), EVERY_5);
        assert_eq!(sent + deferred, free.counts(Side::Client)[0] + free.counts(Side::Client)[1]);
        // At the window the sender asks, although no number is given.
        assert_eq!(count(&pair.transcript(Side::Client), "<r "), sent as usize / 4);
    }

    #[test]
    fn an_interval_asks_after_the_last_stanza_of_a_burst() {
        let interval = Some(Micros::from_millis(300));
        let every = StreamManagement {
            request_every: None,
            request_interval: interval,
            window: None,
            ..StreamManagement::PLAIN
        };
        let burst = Source { count: Some(3), ..periodic(10) };
        let pair = run(Pair::builder().peer_writes(burst), every);
        let said = pair.transcript(Side::Client);
        assert_eq!(count(&said, "<r "), 1);
        assert!(said.find("<r ") > said.rfind("<message"), "{said}");
    }

    #[test]
    fn whoever_answers_or_closes_however_nothing_is_out_of_order() {
        for strategy in Strategy::ALL {
            for responder in Responder::ALL {
                for management in [EVERY_5, StreamManagement { window: Some(3), ..EVERY_5 }] {
                    let builder = Pair::builder().strategy(strategy).responder(responder);
                    let builder = builder.peer_writes(poisson(40.0)).closer_writes(poisson(40.0));
                    let mut pair = builder.managed(management).open_stream(strategy as u64);
                    pair.run_until(at(60_000));
                    pair.assert_orderly();
                }
            }
        }
    }

    #[test]
    fn pings_are_stanzas_and_count() {
        let plan = DecisionPlan::AfterUp(Micros::from_millis(100));
        let every = StreamManagement { request_every: Some(1), ..EVERY_5 };
        let pair = run(Pair::builder().strategy(Strategy::PingThenHandshake).plan(plan), every);
        assert!(pair.transcript(Side::Client).contains("<a xmlns='urn:xmpp:sm:3' h='1'/>"));
        assert!(pair.transcript(Side::Server).contains("<a xmlns='urn:xmpp:sm:3' h='1'/>"));
    }
}
