//! The application at one end of a stream: bytes and time in; bytes, system calls and facts out.
//!
//! A [`Party`] knows no TCP. Its driver calls one `handle_*` method for each thing that happens, in the order of time, and
//! after each: offers [`Party::pending_bytes`] to `send()` and reports what the kernel took with
//! [`Party::handle_accepted`], zero included; makes the system calls of [`Party::poll_syscall`]; takes the facts of
//! [`Party::poll_fact`], which all bear the time of that call. While [`Party::wants_to_read`] is false it calls neither
//! `recv()` nor [`Party::handle_eof`]: bytes and end of file stay in the kernel. At [`Party::next_deadline`] it calls
//! [`Party::handle_deadline`].
//!
//! What ends a stream before its closer has decided (the other side's tag, end of file, a reset) is the closer's
//! decision too: decision, notice and release fall into one instant, and the outcome says what it was. A tag is then
//! answered as a compliant responder does, with the outcome `clean`.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::id::Side;
use crate::rng::Rng;
use crate::time::SimTime;
use crate::xmpp::config::{
    CloserProfile, InWait, MAX_STANZA, Negotiation, Responder, ResponderProfile, Source, StreamKind,
};
use crate::xmpp::idle::DecisionPlan;
use crate::xmpp::negotiation::{Opening, Progress};
use crate::xmpp::outbox::{Outbox, Stanza};
use crate::xmpp::phase::Phase;
use crate::xmpp::reader::{ReadError, Reader};
use crate::xmpp::stanza::{Child, Element, IqType, Item, Name};
use crate::xmpp::traffic::Traffic;

/// What all parties of one kind share.
#[derive(Clone, Debug, PartialEq)]
pub struct PartyConfig {
    /// Which end.
    pub side: Side,
    /// What kind of stream.
    pub kind: StreamKind,
    /// How it is opened.
    pub negotiation: Negotiation,
    /// What it does about closing.
    pub role: Role,
    /// Its stanzas.
    pub source: Option<Source>,
}

/// What a party does about closing.
#[derive(Clone, Debug, PartialEq)]
pub enum Role {
    /// It closes, and its closing is measured.
    Closer(CloserProfile),
    /// It closes in the same moment as the closer that is measured. It has noticed the closing when it has read the other
    /// side's tag, end of file or a reset, or has let go of its own socket.
    ClosesToo(CloserProfile),
    /// It is told.
    Responder(ResponderProfile),
}

/// What a party wants of its kernel, besides sending and receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syscall {
    /// `shutdown(SHUT_WR)`.
    ShutdownWrite,
    /// `close()`.
    Close,
    /// `SO_LINGER` 0 and `close()`.
    Abort,
    /// The machine is switched off.
    PowerOff,
}

/// How a closing ended for the closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side's tag came.
    Clean,
    /// It did not come in time.
    Timeout,
    /// End of file came instead.
    PeerFin,
    /// A reset (or another socket error) came instead.
    PeerReset,
    /// Something came that is not XML, or not allowed in a stream.
    BadXml,
    /// The closer did not wait.
    Closed,
}

/// What happened, for the ledger. Only messages are stanzas here: negotiation and pings are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This side of the stream is up: traffic begins.
    Up,
    /// The kernel took a stanza's first byte.
    Sent {
        /// Its number in its direction, from 0.
        stanza: u32,
        /// Its size in bytes.
        size: u32,
        /// Offset in this side's stream just after its last byte.
        end: u64,
    },
    /// So many stanzas were held back: nothing of them was written, the stream is closing.
    Deferred(u32),
    /// A stanza was read whole and processed.
    Delivered {
        /// Its number in its direction.
        stanza: u32,
    },
    /// A stanza was read whole after the application had stopped processing.
    Unprocessed {
        /// Its number in its direction.
        stanza: u32,
    },
    /// The closer decided.
    Decided,
    /// This application knows that the stream is over: it has read the tag, end of file or a reset.
    Noticed,
    /// The closer let go of its socket.
    Released(Outcome),
    /// Something came that cannot come while both sides are ours: an error of the simulator.
    Disorder(Disorder),
}

/// An error of the simulator, seen by the side that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// A stanza out of order.
    Number {
        /// The number that was next.
        expected: u32,
        /// The number that it bears.
        found: Option<u32>,
    },
    /// An element that nobody writes at this point.
    Unexpected(Item),
    /// Bytes that cannot be read, from a side that writes none such.
    Unreadable(ReadError),
}

/// One application at one end of one stream.
#[derive(Debug)]
pub struct Party {
    pub(super) config: Arc<PartyConfig>,
    pub(super) plan: DecisionPlan,
    pub(super) phase: Phase,
    pub(super) out: Outbox,
    reader: Reader,
    traffic: Traffic,
    pub(super) behaviour: Rng,
    facts: VecDeque<Fact>,
    /// `shutdown()` is wanted.
    pub(super) shuts: bool,
    /// The last system call is wanted.
    leaves: Option<Syscall>,
    /// The instant from which the plan counts.
    pub(super) since: SimTime,
    /// When a responder vanishes or hangs.
    moment: Option<SimTime>,
    /// The number of the next stanza to be written.
    written: u32,
    /// The number of the next stanza to come.
    heard: u32,
    /// Pings asked so far.
    pub(super) pings: u32,
    pub(super) decided: bool,
    noticed: bool,
    /// The other side's tag has come.
    tag_heard: bool,
    /// A stream error has come.
    pub(super) errored: bool,
    /// End of file has come.
    pub(super) eof: bool,
    /// The socket has failed, and the application has not looked yet.
    pub(super) broken: bool,
}

impl Party {
    /// A party whose TCP connection is not up. `plan` is the stream's, the same at both ends; a closer decides by it, a
    /// responder that vanishes or hangs does so within it.
    pub fn new(config: Arc<PartyConfig>, plan: DecisionPlan, traffic: Rng, behaviour: Rng) -> Self {
        Self {
            config,
            plan,
            phase: Phase::Connecting,
            out: Outbox::default(),
            reader: Reader::new(MAX_STANZA),
            traffic: Traffic::new(traffic),
            behaviour,
            facts: VecDeque::new(),
            shuts: false,
            leaves: None,
            since: SimTime::ZERO,
            moment: None,
            written: 0,
            heard: 0,
            pings: 0,
            decided: false,
            noticed: false,
            tag_heard: false,
            errored: false,
            eof: false,
            broken: false,
        }
    }

    /// TCP is up.
    pub fn handle_connected(&mut self, _now: SimTime) {
        if matches!(self.phase, Phase::Connecting) {
            self.phase = Phase::Opening(Opening::begin(&self.config, &mut self.out));
        }
    }

    /// `recv()` gave these bytes.
    pub fn handle_bytes(&mut self, now: SimTime, bytes: &[u8]) {
        let mut rest = bytes;
        // Behind the close tag nothing is read any more, as an application does that has stopped its parser.
        while self.wants_to_read() && !self.tag_heard {
            match self.reader.next(&mut rest) {
                Ok(Some(item)) => self.hear(now, item),
                Ok(None) => break,
                Err(error) => self.hear_nonsense(now, error),
            }
        }
        self.settle(now);
    }

    /// `recv()` gave end of file.
    pub fn handle_eof(&mut self, now: SimTime) {
        self.eof = true;
        if !self.is_up() {
            self.finish(Outcome::PeerFin, Syscall::Close);
        } else if self.role_is_closer() {
            self.closer_hears_end(Outcome::PeerFin);
        } else {
            self.responder_hears_eof();
        }
        self.settle(now);
    }

    /// The socket failed: reset, timed out, or a write was refused.
    pub fn handle_reset(&mut self, now: SimTime) {
        self.broken = true;
        if !self.is_up() {
            self.finish(Outcome::PeerReset, Syscall::Close);
        } else if self.role_is_closer() {
            self.closer_hears_end(Outcome::PeerReset);
        } else {
            self.responder_hears_reset();
        }
        self.settle(now);
    }

    /// The kernel took the first `n` bytes of [`Self::pending_bytes`].
    ///
    /// # Panics
    ///
    /// If more were taken than were pending.
    pub fn handle_accepted(&mut self, now: SimTime, n: usize) {
        let facts = &mut self.facts;
        self.out.accept(n, |stanza, end| {
            facts.push_back(Fact::Sent { stanza: stanza.number, size: stanza.size, end });
        });
        if let Phase::Leaving { outcome, hasty: true, .. } = self.phase {
            // The kernel is full, and this application does not wait for it.
            self.finish(outcome, Syscall::Close);
        }
        self.settle(now);
    }

    /// [`Self::next_deadline`] has come.
    pub fn handle_deadline(&mut self, now: SimTime) {
        if self.moment.is_some_and(|moment| moment <= now) {
            self.drop_out();
            return;
        }
        self.write_traffic(now);
        while self.phase_deadline().is_some_and(|at| at <= now) {
            self.expire(now);
        }
        self.settle(now);
    }

    /// Whether the application calls `recv()`.
    pub fn wants_to_read(&self) -> bool {
        self.phase.reads(self.reads_in_delay())
    }

    /// Bytes to be offered to `send()`.
    pub fn pending_bytes(&self) -> &[u8] {
        self.out.pending()
    }

    /// The next system call that is wanted: [`Syscall::ShutdownWrite`] and [`Syscall::Close`] come only when nothing is
    /// pending.
    pub fn poll_syscall(&mut self) -> Option<Syscall> {
        if std::mem::take(&mut self.shuts) {
            return Some(Syscall::ShutdownWrite);
        }
        self.leaves.take()
    }

    /// The next fact.
    pub fn poll_fact(&mut self) -> Option<Fact> {
        let fact = self.facts.pop_front();
        if self.facts.is_empty() {
            // A party at rest owns no memory.
            self.facts = VecDeque::new();
        }
        fact
    }

    /// When [`Self::handle_deadline`] is to be called.
    pub fn next_deadline(&self) -> Option<SimTime> {
        [self.moment, self.traffic.next(), self.phase_deadline()].into_iter().flatten().min()
    }

    /// When the phase ends by itself, or the closer decides.
    fn phase_deadline(&self) -> Option<SimTime> {
        match self.phase {
            Phase::Open(_) if self.role_is_closer() => self.plan.due(self.since),
            _ => self.phase.deadline(),
        }
    }

    fn expire(&mut self, now: SimTime) {
        match std::mem::replace(&mut self.phase, Phase::Done) {
            Phase::Open(writer) => self.decide(now, writer),
            Phase::Pinging { writer, .. } => self.ping_unanswered(now, writer),
            Phase::Grace { writer, .. } => self.say_goodbye(now, writer),
            Phase::Delaying { writer, answer, .. } => self.answer(now, answer, writer),
            Phase::Dripping { writer, next } => self.drip(writer, next),
            Phase::AwaitingTag { .. } => self.finish(Outcome::Timeout, Syscall::Close),
            Phase::Leaving { outcome, .. } => self.finish(outcome, Syscall::Close),
            phase @ (Phase::Connecting
            | Phase::Opening(_)
            | Phase::Talking(_)
            | Phase::Scribbling(_)
            | Phase::AwaitingFin { .. }
            | Phase::Holding
            | Phase::Hung
            | Phase::Done) => self.phase = phase,
        }
    }

    fn role_is_closer(&self) -> bool {
        self.closer_profile().is_some()
    }

    /// Whether the stream is, or was, up.
    fn is_up(&self) -> bool {
        !matches!(self.phase, Phase::Connecting | Phase::Opening(_))
    }

    /// One item was read.
    fn hear(&mut self, now: SimTime, item: Item) {
        if matches!(self.phase, Phase::Opening(_)) {
            return self.negotiate(now, item);
        }
        match item {
            Item::CloseTag => {
                self.tag_heard = true;
                self.notice();
                if self.role_is_closer() { self.closer_hears_tag() } else { self.responder_hears_tag(now) }
            }
            Item::Element(element) => match element.name {
                Name::Message => self.hear_stanza(now, element.number),
                Name::Iq => self.hear_iq(now, element),
                Name::StreamError => self.errored = true,
                Name::Features | Name::Auth | Name::Success | Name::Presence | Name::Other => {
                    self.disorder(Disorder::Unexpected(item));
                }
            },
            Item::Header(_) => self.disorder(Disorder::Unexpected(item)),
        }
    }

    fn negotiate(&mut self, now: SimTime, item: Item) {
        let Phase::Opening(opening) = std::mem::replace(&mut self.phase, Phase::Done) else { return };
        match opening.handle(&self.config, item, &mut self.out) {
            Ok(Progress::Opening(opening)) => self.phase = Phase::Opening(opening),
            Ok(Progress::Restarted(opening)) => {
                self.reader.restart();
                self.phase = Phase::Opening(opening);
            }
            Ok(Progress::Up(writer)) => {
                self.phase = Phase::Open(writer);
                self.begin(now);
            }
            Err(disorder) => {
                self.disorder(disorder);
                self.finish(Outcome::BadXml, Syscall::Close);
            }
        }
    }

    /// The stream is up.
    fn begin(&mut self, now: SimTime) {
        self.facts.push_back(Fact::Up);
        self.since = now;
        if let Some(source) = &self.config.source {
            self.traffic.start(source, now);
        }
        if let Role::Responder(profile) = &self.config.role
            && matches!(profile.on_tag, Responder::Vanished | Responder::Hung)
        {
            self.moment = self.plan.moment_within(now, &mut self.behaviour);
        }
    }

    fn hear_stanza(&mut self, now: SimTime, number: Option<u32>) {
        if number != Some(self.heard) {
            return self.disorder(Disorder::Number { expected: self.heard, found: number });
        }
        let stanza = self.heard;
        self.heard += 1;
        if matches!(self.phase, Phase::AwaitingTag { .. })
            && self.closer_profile().is_some_and(|profile| profile.in_wait == InWait::Discard)
        {
            self.facts.push_back(Fact::Unprocessed { stanza });
            return;
        }
        self.facts.push_back(Fact::Delivered { stanza });
        if let Some(source) = &self.config.source {
            self.traffic.heard(source, now);
        }
        self.active(now);
    }

    fn hear_iq(&mut self, now: SimTime, element: Element) {
        let asks = matches!((element.iq, element.child), (Some(IqType::Get | IqType::Set), Child::Ping));
        let answers = matches!(element.iq, Some(IqType::Result | IqType::Error));
        match element.number {
            Some(number) if asks => {
                if let Some(writer) = self.phase.pen(self.reads_in_delay())
                    && self.answers_pings()
                {
                    self.out.push(None, |bytes| writer.ping_result(number, bytes));
                }
            }
            Some(number) if answers => {
                if matches!(self.phase, Phase::Pinging { number: asked, .. } if asked == number) {
                    self.ping_answered(now);
                }
            }
            Some(_) | None => self.disorder(Disorder::Unexpected(Item::Element(element))),
        }
    }

    fn hear_nonsense(&mut self, _now: SimTime, error: ReadError) {
        if self.role_is_closer() && self.is_up() {
            self.has_decided();
        } else {
            self.disorder(Disorder::Unreadable(error));
        }
        self.finish(Outcome::BadXml, Syscall::Close);
    }

    /// Stanzas that are due: written where there is a pen, held back where there is none any more.
    fn write_traffic(&mut self, now: SimTime) {
        let config = Arc::clone(&self.config);
        let Some(source) = &config.source else { return };
        while let Some(size) = self.traffic.take(source, now) {
            self.write_stanza(now, size);
        }
    }

    pub(super) fn write_stanza(&mut self, now: SimTime, size: u32) {
        let stanza = Some(Stanza { number: self.written, size });
        let closing = self.decided;
        match (self.phase.pen(self.reads_in_delay()), &self.phase) {
            (Some(writer), _) if !closing => self.out.push(stanza, |bytes| writer.message(self.written, size, bytes)),
            (_, Phase::Scribbling(writer)) => self.out.push(stanza, |bytes| writer.message(self.written, size, bytes)),
            _ => return self.defer(1),
        }
        self.written += 1;
        self.active(now);
    }

    /// A stanza went one way or the other.
    fn active(&mut self, now: SimTime) {
        if matches!(self.plan, DecisionPlan::Idle { .. }) {
            self.since = now;
        }
    }

    /// Acts on the kernel's having taken everything.
    fn settle(&mut self, _now: SimTime) {
        if !self.out.is_empty() {
            return;
        }
        match &mut self.phase {
            Phase::Leaving { outcome, .. } => {
                let outcome = *outcome;
                self.finish(outcome, Syscall::Close);
            }
            Phase::AwaitingTag { shut, .. } | Phase::AwaitingFin { shut } => self.shuts |= std::mem::take(shut),
            _ => {}
        }
    }

    /// Lets go of the socket.
    pub(super) fn finish(&mut self, outcome: Outcome, last: Syscall) {
        let held_back = self.out.abandon();
        self.defer(held_back);
        self.traffic.stop();
        self.moment = None;
        self.phase = Phase::Done;
        self.leaves = Some(last);
        if self.decided {
            if matches!(self.config.role, Role::ClosesToo(_)) {
                self.notice();
            }
            self.facts.push_back(Fact::Released(outcome));
        }
    }

    /// The application stops for good without knowing anything: its traffic ends, nothing it had is held back.
    pub(super) fn stop(&mut self, phase: Phase) {
        self.out.abandon();
        self.traffic.stop();
        self.moment = None;
        self.phase = phase;
    }

    /// The machine is switched off.
    pub(super) fn power_off(&mut self) {
        self.stop(Phase::Done);
        self.leaves = Some(Syscall::PowerOff);
    }

    /// Closes when the kernel has taken what is pending.
    pub(super) fn leave(&mut self, outcome: Outcome, give_up: Option<SimTime>) {
        self.phase = Phase::Leaving { outcome, hasty: false, give_up };
    }

    pub(super) fn defer(&mut self, count: u32) {
        match self.facts.back_mut() {
            _ if count == 0 => {}
            Some(Fact::Deferred(before)) => *before += count,
            _ => self.facts.push_back(Fact::Deferred(count)),
        }
    }

    pub(super) fn has_decided(&mut self) {
        if !self.decided {
            self.decided = true;
            self.facts.push_back(Fact::Decided);
        }
    }

    pub(super) fn notice(&mut self) {
        if !self.noticed {
            self.noticed = true;
            self.facts.push_back(Fact::Noticed);
        }
    }

    fn disorder(&mut self, disorder: Disorder) {
        self.facts.push_back(Fact::Disorder(disorder));
    }
}
#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;
    use crate::time::Micros;
    use crate::xmpp::config::Strategy;
    use crate::xmpp::testing::{Pair, at, poisson};
    use crate::xmpp::writer::StreamWriter;

    /// A server that is up at time zero, and the pen of its client.
    fn server(role: Role) -> (Party, StreamWriter) {
        let config = PartyConfig {
            side: Side::Server,
            kind: StreamKind::ClientToServer,
            negotiation: Negotiation::Minimal,
            role,
            source: None,
        };
        let rng = || Rng::new(1, 1, Purpose::Behaviour);
        let mut party = Party::new(Arc::new(config), DecisionPlan::AfterUp(Micros::from_secs(1)), rng(), rng());
        let mut header = Vec::new();
        let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut header);
        party.handle_connected(at(0));
        party.handle_bytes(at(0), &header);
        let n = party.pending_bytes().len();
        party.handle_accepted(at(0), n);
        assert_eq!(facts(&mut party), [Fact::Up]);
        (party, writer)
    }

    fn facts(party: &mut Party) -> Vec<Fact> {
        std::iter::from_fn(|| party.poll_fact()).collect()
    }

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes);
        bytes
    }

    #[test]
    fn stanzas_are_processed_when_they_are_whole_and_must_come_in_order() {
        let (mut party, pen) = server(Role::Closer(CloserProfile::plain(Strategy::Handshake)));
        let bytes = written(|out| (0..2).for_each(|number| pen.message(number, 100, out)));
        party.handle_bytes(at(1), &bytes[..150]);
        assert_eq!(facts(&mut party), [Fact::Delivered { stanza: 0 }]);
        party.handle_bytes(at(2), &bytes[150..]);
        assert_eq!(facts(&mut party), [Fact::Delivered { stanza: 1 }]);
        party.handle_bytes(at(3), &written(|out| pen.message(7, 100, out)));
        let gap = Disorder::Number { expected: 2, found: Some(7) };
        assert_eq!(facts(&mut party), [Fact::Disorder(gap)]);
    }

    #[test]
    fn what_nobody_writes_at_this_point_is_an_error_of_the_simulator() {
        let (mut party, pen) = server(Role::Closer(CloserProfile::plain(Strategy::Handshake)));
        party.handle_bytes(at(1), &written(|out| pen.auth(out)));
        assert!(matches!(facts(&mut party)[..], [Fact::Disorder(Disorder::Unexpected(Item::Element(_)))]));
        let (mut party, _) = server(Role::Responder(ResponderProfile::plain(Responder::Compliant)));
        party.handle_bytes(at(1), b"not XML");
        assert!(matches!(facts(&mut party)[..], [Fact::Disorder(Disorder::Unreadable(_))]));
        assert_eq!(party.poll_syscall(), Some(Syscall::Close));
    }

    #[test]
    fn an_answer_to_another_ping_counts_for_nothing() {
        let (mut party, pen) = server(Role::Closer(CloserProfile::plain(Strategy::PingThenHandshake)));
        party.handle_deadline(at(1_000));
        let n = party.pending_bytes().len();
        party.handle_accepted(at(1_000), n);
        party.handle_bytes(at(1_001), &written(|out| pen.ping_result(9, out)));
        assert!(party.pending_bytes().is_empty(), "still waiting");
        party.handle_bytes(at(1_002), &written(|out| pen.ping_result(0, out)));
        assert_eq!(party.pending_bytes(), b"</stream:stream>");
    }

    #[test]
    fn a_ping_is_answered_with_its_number() {
        let (mut party, pen) = server(Role::Responder(ResponderProfile::plain(Responder::Compliant)));
        party.handle_bytes(at(1), &written(|out| pen.ping_get(42, out)));
        let answer = String::from_utf8_lossy(party.pending_bytes()).into_owned();
        assert!(answer.contains("id='q42'") && answer.contains("type='result'"), "{answer}");
        assert_eq!(facts(&mut party), [], "a ping is no stanza of the ledger");
    }

    #[test]
    fn once_it_has_let_go_it_does_nothing_at_all() {
        let (mut party, pen) = server(Role::Closer(CloserProfile::plain(Strategy::TagAndClose)));
        party.handle_deadline(at(1_000));
        let n = party.pending_bytes().len();
        party.handle_accepted(at(1_000), n);
        assert_eq!(party.poll_syscall(), Some(Syscall::Close));
        facts(&mut party);
        party.handle_bytes(at(1_001), &written(|out| pen.message(0, 100, out)));
        party.handle_eof(at(1_001));
        party.handle_reset(at(1_001));
        party.handle_deadline(at(1_002));
        assert_eq!((party.poll_syscall(), party.next_deadline(), party.wants_to_read()), (None, None, false));
        assert_eq!(facts(&mut party), []);
    }

    #[test]
    fn the_same_numbers_give_the_same_life() {
        let life = || {
            let builder = Pair::builder().responder(Responder::Slow);
            let mut pair = builder.peer_writes(poisson(50.0)).closer_writes(poisson(50.0)).open_stream(17);
            pair.run_until(at(30_000));
            Side::BOTH.map(|side| (pair.facts(side).to_vec(), pair.transcript(side)))
        };
        assert_eq!(life(), life());
    }

    #[test]
    fn a_party_at_rest_is_small() {
        let own = size_of::<Party>() - size_of::<Reader>();
        assert!(own <= 328, "{own} bytes beside its reader");
    }
}
