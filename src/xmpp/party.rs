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
//! answered as a compliant responder does, with the outcome `clean`. A stream that ends before this side is up has no
//! decision and no release, only system calls.
//!
//! Bytes behind the other side's tag, or behind what cannot be read, are received and not parsed: stanzas among them get
//! no fact. They were read and not processed.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::defect::{self, Defect};
use crate::id::Side;
use crate::rng::Rng;
use crate::time::{Micros, Shift, SimTime};
use crate::xmpp::config::{
    CloserProfile, MAX_STANZA, Negotiation, ResponderProfile, Source, StreamKind, StreamManagement,
};
pub use crate::xmpp::fact::{Disorder, Fact, Outcome, Syscall};
use crate::xmpp::idle::{DecisionPlan, Jumped};
use crate::xmpp::inbox::Inbox;
use crate::xmpp::legacy::{Keeping, Legacy};
use crate::xmpp::management::Management;
use crate::xmpp::negotiation::Opening;
use crate::xmpp::outbox::Outbox;
use crate::xmpp::phase::Phase;
use crate::xmpp::reader::Reader;
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
    /// Stream management, if the stream has it.
    pub management: Option<StreamManagement>,
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

/// One application at one end of one stream.
#[derive(Debug)]
pub struct Party {
    pub(super) config: Arc<PartyConfig>,
    pub(super) plan: DecisionPlan,
    pub(super) phase: Phase,
    pub(super) out: Outbox,
    pub(super) reader: Reader,
    pub(super) traffic: Traffic,
    pub(super) behaviour: Rng,
    pub(super) facts: VecDeque<Fact>,
    /// `shutdown()` is wanted.
    pub(super) shuts: bool,
    /// The last system call is wanted.
    leaves: Option<Syscall>,
    /// The instant from which the plan counts.
    pub(super) since: SimTime,
    /// How the wall clock has jumped since then.
    pub(super) jumped: Option<Box<Jumped>>,
    /// When a responder vanishes or hangs.
    pub(super) moment: Option<SimTime>,
    /// The number of the next stanza to be written.
    pub(super) written: u32,
    /// The number of the next stanza to come.
    pub(super) next_heard: u32,
    /// Pings asked so far.
    pub(super) pings: u32,
    pub(super) decided: bool,
    pub(super) heard: Heard,
    pub(super) end: End,
    /// The account of a stream that is up and managed.
    pub(super) management: Option<Box<Management>>,
    /// What it keeps for the peer's next stream, if there may be one.
    pub(super) keeping: Option<Box<Keeping>>,
    /// The process was told to exit: its sessions end with it.
    pub(super) exited: bool,
    /// What it has read and not heard, if stanzas wait for workers.
    pub(super) inbox: Option<Box<Inbox>>,
}

/// What has been heard of the stream's end.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Heard {
    /// A stream error.
    pub(super) error: bool,
    /// The other side's tag.
    pub(super) tag: bool,
    /// Whether [`Fact::Noticed`] was reported.
    noticed: bool,
}

/// What has been heard of the socket's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Nothing.
    No,
    /// End of file.
    Fin,
    /// An error.
    Failure,
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
            jumped: None,
            moment: None,
            written: 0,
            next_heard: 0,
            pings: 0,
            decided: false,
            heard: Heard::default(),
            end: End::No,
            management: None,
            keeping: None,
            exited: false,
            inbox: None,
        }
    }

    /// The peer comes back: this party of the node's `stream`-th stream begins with what the one before it left, and leaves something itself.
    #[must_use]
    pub fn with_legacy(mut self, stream: usize, legacy: Legacy) -> Self {
        self.keeping = Some(Box::new(Keeping::new(stream, legacy)));
        self
    }

    /// The stream of a former life is still up, and may hold the session that the peer will ask for.
    pub fn with_rival(&mut self) {
        if let Some(keeping) = &mut self.keeping {
            keeping.held = true;
        }
    }

    /// Its application has let go of its socket: from now on its stanzas wait for the next stream.
    pub fn handle_let_go(&mut self, now: SimTime) {
        self.leave_session(now);
        if let Some(keeping) = &mut self.keeping {
            keeping.legacy.since = Some(now);
        }
    }

    /// What it leaves to the peer's next stream; what it holds back after that waits no longer for any.
    pub fn take_legacy(&mut self) -> Legacy {
        self.keeping.as_mut().map(|keeping| std::mem::take(&mut keeping.legacy)).unwrap_or_default()
    }

    /// The machine has lost its memory.
    pub fn forget_legacy(&mut self) {
        self.take_legacy();
    }

    /// TCP is up.
    pub fn handle_connected(&mut self, _now: SimTime) {
        if matches!(self.phase, Phase::Connecting) {
            self.phase = Phase::Opening(Opening::begin(&self.config, &mut self.out));
        }
    }

    /// `recv()` gave these bytes.
    pub fn handle_bytes(&mut self, now: SimTime, bytes: &[u8]) {
        if defect::is(Defect::DripExtendsTimeout)
            && let Phase::AwaitingTag { give_up: Some(until), .. } = &mut self.phase
        {
            *until += Micros::from_millis(10) * bytes.len() as u64;
        }
        if self.inbox.is_some() {
            self.take_in(now, bytes);
            return self.settle();
        }
        let mut rest = bytes;
        // What was received is parsed to its end, even if the first part of it makes the application stop receiving.
        // Behind the close tag nothing is parsed any more.
        while !self.heard.tag && self.phase.parses() {
            match self.reader.next(&mut rest) {
                Ok(Some(item)) => self.hear(now, item),
                Ok(None) => break,
                Err(error) => self.hear_nonsense(error),
            }
        }
        self.settle();
    }

    /// `recv()` gave end of file.
    pub fn handle_eof(&mut self, _now: SimTime) {
        self.end = End::Fin;
        if !self.is_up() {
            self.notice();
            self.finish(Outcome::PeerFin, Syscall::Close);
        } else if self.role_is_closer() {
            self.closer_hears_end(Outcome::PeerFin);
        } else {
            self.responder_hears_eof();
        }
        self.settle();
    }

    /// The socket failed: reset, timed out, or a write was refused. After this nothing is pending.
    pub fn handle_reset(&mut self, _now: SimTime) {
        self.end = End::Failure;
        if !self.is_up() {
            self.notice();
            self.finish(Outcome::PeerReset, Syscall::Close);
        } else if self.role_is_closer() {
            self.closer_hears_end(Outcome::PeerReset);
        } else {
            self.responder_hears_reset();
        }
        self.settle();
    }

    /// The kernel took the first `n` bytes of [`Self::pending_bytes`].
    ///
    /// # Panics
    ///
    /// If more were taken than were pending.
    pub fn handle_accepted(&mut self, _now: SimTime, n: usize) {
        let (facts, keeping) = (&mut self.facts, &mut self.keeping);
        self.out.accept(n, |stanza, end| {
            if let Some(keeping) = keeping {
                keeping.sent(stanza.number);
            }
            facts.push_back(Fact::Sent { stanza: stanza.number, size: stanza.size, end });
        });
        if let Phase::Leaving { outcome, hasty: true, .. } = self.phase
            && !self.out.is_empty()
        {
            // The kernel is full, and this application does not wait for it.
            self.finish(outcome, Syscall::Close);
        }
        self.settle();
    }

    /// The process is told to exit. A closer closes its open stream at once, by its strategy; one that is being opened is
    /// dropped, as the kernel does with all sockets of a process that is gone. A closing that has begun goes on.
    pub fn handle_exit(&mut self, now: SimTime) {
        self.exited = true;
        if !self.is_up() {
            self.finish(Outcome::Closed, Syscall::Close);
        } else if self.role_is_closer() {
            self.closer_exits(now);
        }
        self.settle();
    }

    /// The wall clock jumps. The application has its limits by that clock, as servers on Apache MINA have (their
    /// `IoSession` compares `System.currentTimeMillis()`): idle limit, close timeout and ping timeout are met so much
    /// earlier or later, none of them before now. What is no limit of its own stays: the time between decision and tag,
    /// the instant of a decision that the scenario fixes, the time that a responder takes, its traffic.
    pub fn handle_clock_jump(&mut self, now: SimTime, shift: Shift) {
        let before = self.jumped.take().map_or(Shift::default(), |jumped| jumped.by);
        self.jumped = Some(Box::new(Jumped { by: before.and(shift), at: now }));
        self.phase.move_limits(shift, now);
    }

    /// [`Self::next_deadline`] has come.
    pub fn handle_deadline(&mut self, now: SimTime) {
        if self.moment.is_some_and(|moment| moment <= now) {
            self.drop_out();
            return;
        }
        self.write_traffic(now);
        self.request_if_due(now);
        while self.phase_deadline().is_some_and(|at| at <= now) {
            self.expire(now);
        }
        self.settle();
    }

    /// Whether the application calls `recv()`.
    pub fn wants_to_read(&self) -> bool {
        self.phase.reads(self.reads_in_delay()) && self.has_heard_all()
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
        self.facts.pop_front()
    }

    /// Whether [`Party::poll_fact`] would give one.
    #[inline]
    pub fn has_facts(&self) -> bool {
        !self.facts.is_empty()
    }

    /// Gives back the memory of queues that are empty. Who drives many parties calls this when it leaves one for a while;
    /// who drives one at a time need not.
    pub fn rest(&mut self) {
        if self.facts.is_empty() {
            self.facts = VecDeque::new();
        }
        self.out.rest();
        if let Some(management) = &mut self.management {
            management.rest();
        }
    }

    /// When [`Self::handle_deadline`] is to be called.
    pub fn next_deadline(&self) -> Option<SimTime> {
        let sooner = |one: Option<SimTime>, other: Option<SimTime>| match (one, other) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let own = sooner(sooner(self.moment, self.traffic.next()), self.phase_deadline());
        if self.management.is_none() { own } else { sooner(own, self.request_deadline()) }
    }

    /// When the phase ends by itself, or the closer decides.
    fn phase_deadline(&self) -> Option<SimTime> {
        if self.role_is_closer() && matches!(self.phase, Phase::Open(_)) {
            match &self.jumped {
                None => self.plan.due(self.since),
                Some(jumped) => self.plan.due_by_wall_clock(self.since, jumped),
            }
        } else {
            self.phase.deadline()
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

    pub(super) fn role_is_closer(&self) -> bool {
        self.closer_profile().is_some()
    }

    /// Whether the stream is, or was, up.
    pub(super) fn is_up(&self) -> bool {
        !matches!(self.phase, Phase::Connecting | Phase::Opening(_))
    }

    /// A stanza went one way or the other.
    pub(super) fn active(&mut self, now: SimTime) {
        if matches!(self.plan, DecisionPlan::Idle { .. }) {
            self.count_from(now);
        }
    }

    /// The plan counts from now on.
    pub(super) fn count_from(&mut self, now: SimTime) {
        self.since = now;
        self.jumped = None;
    }

    /// Acts on the kernel's having taken everything.
    pub(super) fn settle(&mut self) {
        if self.management.is_some() {
            self.hold_back_what_waits();
        }
        if !self.out.is_empty() {
            return;
        }
        if let Phase::Leaving { outcome, .. } = self.phase {
            self.finish(outcome, Syscall::Close);
        } else if let Phase::AwaitingTag { shut, .. } | Phase::AwaitingFin { shut } = &mut self.phase {
            self.shuts |= std::mem::take(shut);
        }
    }

    /// Lets go of the socket.
    pub(super) fn finish(&mut self, outcome: Outcome, last: Syscall) {
        self.hold_back(Outbox::abandon);
        self.traffic.stop();
        self.moment = None;
        self.phase = Phase::Done;
        self.hold_back_what_waits();
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
        let taken_back = self.out.abandon();
        self.withdrawn(taken_back);
        self.forget_what_waits();
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

    pub(super) fn has_decided(&mut self) {
        if !self.decided {
            self.decided = true;
            self.facts.push_back(Fact::Decided);
        }
    }

    pub(super) fn notice(&mut self) {
        if !self.heard.noticed {
            self.heard.noticed = true;
            self.facts.push_back(Fact::Noticed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;
    use crate::xmpp::config::{Responder, Strategy};
    use crate::xmpp::stanza::Item;
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
            management: None,
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
    fn what_was_received_before_the_grace_began_is_processed() {
        let profile =
            CloserProfile { grace: Micros::from_millis(100), ..CloserProfile::plain(Strategy::PingThenHandshake) };
        let (mut party, pen) = server(Role::Closer(profile));
        party.handle_deadline(at(1_000));
        let n = party.pending_bytes().len();
        party.handle_accepted(at(1_000), n);
        facts(&mut party);
        let bytes = written(|out| {
            pen.ping_result(0, out);
            pen.message(0, 100, out);
            out.extend_from_slice(b"<mess");
        });
        party.handle_bytes(at(1_010), &bytes);
        assert_eq!(facts(&mut party), [Fact::Delivered { stanza: 0 }]);
        assert!(!party.wants_to_read());
        party.handle_deadline(at(1_110));
        let rest = written(|out| pen.message(1, 100, out));
        party.handle_bytes(at(1_111), &rest[5..]);
        assert_eq!(facts(&mut party), [Fact::Delivered { stanza: 1 }], "the parser did not lose its place");
    }

    #[test]
    fn a_peer_that_is_cut_off_before_it_is_up_has_noticed() {
        let mut pair = Pair::builder().open();
        pair.run_until(at(15));
        pair.reset(Side::Client);
        assert_eq!((pair.noticed(), pair.up(Side::Client)), (Some(at(15)), None));
        assert_eq!(pair.syscalls(Side::Client), [(at(15), Syscall::Close)]);
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
        assert!(own <= 360, "{own} bytes beside its reader");
    }
}
