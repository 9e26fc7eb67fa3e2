//! Two parties joined by byte queues with a fixed delay: a network without TCP, for dialogues in unit tests.
//!
//! The kernels here are as simple as can be: nothing is lost, `close()` with unread bytes resets, bytes for a closed
//! socket are answered with a reset. How much a kernel takes from its application can be limited.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of fact among many")]

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::dist::Distribution;
use crate::id::Side;
use crate::rng::{Purpose, Rng};
use crate::time::{Micros, SimTime};
use crate::xmpp::config::{
    CloserProfile, Negotiation, Process, Responder, ResponderProfile, Source, Strategy, StreamKind, StreamManagement,
};
use crate::xmpp::fact::{Fact, Outcome, Syscall};
use crate::xmpp::idle::DecisionPlan;
use crate::xmpp::observer::CloseTagObserver;
use crate::xmpp::party::{Party, PartyConfig, Role};

/// One way.
pub(super) const DELAY: Micros = Micros::from_millis(10);

/// Poisson traffic of 200-byte stanzas.
pub(super) fn poisson(rate: f64) -> Source {
    Source { process: Process::Poisson(rate), size: Distribution::Constant(200.0), count: None }
}

/// The instant `ms` milliseconds after the start.
pub(super) fn at(ms: u64) -> SimTime {
    SimTime::ZERO + Micros::from_millis(ms)
}

/// What travels.
#[derive(Debug)]
enum Packet {
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// One machine.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "four independent facts about a socket that is simple on purpose")]
struct Machine {
    party: Party,
    /// How many more bytes its kernel takes.
    room: usize,
    received: Vec<u8>,
    fin: bool,
    /// Whether end of file or a reset was handed to the application.
    told: bool,
    closed: bool,
    off: bool,
    /// Everything that the application wrote and its kernel took.
    transcript: Vec<u8>,
    observer: CloseTagObserver,
    facts: Vec<(SimTime, Fact)>,
    syscalls: Vec<(SimTime, Syscall)>,
}

impl Machine {
    fn new(party: Party) -> Self {
        Self {
            party,
            room: usize::MAX,
            received: Vec::new(),
            fin: false,
            told: false,
            closed: false,
            off: false,
            transcript: Vec::new(),
            observer: CloseTagObserver::new(),
            facts: Vec::new(),
            syscalls: Vec::new(),
        }
    }
}

/// What a pair is made of.
#[derive(Clone, Debug)]
pub(super) struct Builder {
    closer: Side,
    roles: [Role; 2],
    kind: StreamKind,
    negotiation: Negotiation,
    plans: [DecisionPlan; 2],
    sources: [Option<Source>; 2],
    management: Option<StreamManagement>,
}

impl Builder {
    pub(super) fn kind(mut self, kind: StreamKind) -> Self {
        self.kind = kind;
        self
    }

    pub(super) fn negotiation(mut self, negotiation: Negotiation) -> Self {
        self.negotiation = negotiation;
        self
    }

    /// Who closes; the server unless said, and before the roles are.
    pub(super) fn closed_by(mut self, side: Side) -> Self {
        self.closer = side;
        self
    }

    pub(super) fn role(mut self, side: Side, role: Role) -> Self {
        self.roles[side.index()] = role;
        self
    }

    pub(super) fn closer(self, profile: CloserProfile) -> Self {
        let side = self.closer;
        self.role(side, Role::Closer(profile))
    }

    pub(super) fn strategy(self, strategy: Strategy) -> Self {
        self.closer(CloserProfile::plain(strategy))
    }

    pub(super) fn told(self, profile: ResponderProfile) -> Self {
        let side = self.closer.other();
        self.role(side, Role::Responder(profile))
    }

    pub(super) fn responder(self, responder: Responder) -> Self {
        self.told(ResponderProfile::plain(responder))
    }

    pub(super) fn plan(mut self, plan: DecisionPlan) -> Self {
        self.plans = [plan; 2];
        self
    }

    /// A plan of its own for the closer's peer, after that of both.
    pub(super) fn peer_plan(mut self, plan: DecisionPlan) -> Self {
        self.plans[self.closer.other().index()] = plan;
        self
    }

    pub(super) fn managed(mut self, management: StreamManagement) -> Self {
        self.management = Some(management);
        self
    }

    /// Traffic of the closer's peer.
    pub(super) fn peer_writes(mut self, source: Source) -> Self {
        self.sources[self.closer.other().index()] = Some(source);
        self
    }

    /// Traffic of the closer.
    pub(super) fn closer_writes(mut self, source: Source) -> Self {
        self.sources[self.closer.index()] = Some(source);
        self
    }

    /// Connects both sides at time zero.
    pub(super) fn open(self) -> Pair {
        self.open_stream(0)
    }

    /// The same as stream number `stream`, with its own draws.
    pub(super) fn open_stream(self, stream: u64) -> Pair {
        let machines = Side::BOTH.map(|side| {
            let config = PartyConfig {
                side,
                kind: self.kind,
                negotiation: self.negotiation,
                role: self.roles[side.index()].clone(),
                source: self.sources[side.index()].clone(),
                management: self.management,
            };
            let purpose = if side == Side::Client { Purpose::ClientTraffic } else { Purpose::ServerTraffic };
            let rngs = [purpose, Purpose::Behaviour].map(|purpose| Rng::new(1, stream, purpose));
            let [traffic, behaviour] = rngs;
            Machine::new(Party::new(Arc::new(config), self.plans[side.index()], traffic, behaviour))
        });
        let mut pair =
            Pair { machines, closer: self.closer, now: SimTime::ZERO, travelling: BTreeMap::new(), serial: 0 };
        for side in Side::BOTH {
            pair.machines[side.index()].party.handle_connected(SimTime::ZERO);
        }
        for side in Side::BOTH {
            pair.serve(side);
        }
        pair
    }
}

/// Two machines and what travels between them.
#[derive(Debug)]
pub(super) struct Pair {
    machines: [Machine; 2],
    closer: Side,
    now: SimTime,
    travelling: BTreeMap<(SimTime, u64), (Side, Packet)>,
    serial: u64,
}

impl Pair {
    /// A server that closes by the handshake 1 s after up, a compliant client, no traffic.
    pub(super) fn builder() -> Builder {
        Builder {
            closer: Side::Server,
            roles: [
                Role::Responder(ResponderProfile::plain(Responder::Compliant)),
                Role::Closer(CloserProfile::plain(Strategy::Handshake)),
            ],
            kind: StreamKind::ClientToServer,
            negotiation: Negotiation::Minimal,
            plans: [DecisionPlan::AfterUp(Micros::from_secs(1)); 2],
            sources: [None, None],
            management: None,
        }
    }

    /// Lets everything up to and with `end` happen.
    pub(super) fn run_until(&mut self, end: SimTime) {
        loop {
            let arrival = self.travelling.first_key_value().map(|(&(at, _), _)| at);
            let deadlines = Side::BOTH.map(|side| self.deadline(side));
            let next = deadlines.iter().chain([&arrival]).flatten().min().copied();
            let Some(next) = next.filter(|&at| at <= end) else { break };
            assert!(next >= self.now, "time runs backwards");
            self.now = next;
            if arrival == Some(next) {
                self.arrive();
                continue;
            }
            for side in Side::BOTH {
                if deadlines[side.index()] == Some(next) {
                    self.machines[side.index()].party.handle_deadline(next);
                    self.serve(side);
                }
            }
        }
        self.now = end;
    }

    /// From now on the kernel of `side` takes `bytes` more bytes.
    pub(super) fn limit(&mut self, side: Side, bytes: usize) {
        self.machines[side.index()].room = bytes;
        self.serve(side);
    }

    /// Tells `side` of an error that its socket has, a keepalive that failed for instance.
    pub(super) fn reset(&mut self, side: Side) {
        self.machines[side.index()].party.handle_reset(self.now);
        self.serve(side);
    }

    fn deadline(&self, side: Side) -> Option<SimTime> {
        self.machines[side.index()].party.next_deadline()
    }

    fn send(&mut self, from: Side, packet: Packet) {
        self.serial += 1;
        self.travelling.insert((self.now + DELAY, self.serial), (from.other(), packet));
    }

    fn arrive(&mut self) {
        let Some((_, (side, packet))) = self.travelling.pop_first() else { return };
        let machine = &mut self.machines[side.index()];
        match packet {
            _ if machine.off => return,
            Packet::Bytes(_) if machine.closed => return self.send(side, Packet::Reset),
            _ if machine.closed => return,
            Packet::Bytes(bytes) => machine.received.extend(bytes),
            Packet::Fin => machine.fin = true,
            Packet::Reset if !machine.told => {
                machine.told = true;
                machine.party.handle_reset(self.now);
            }
            Packet::Reset => {}
        }
        self.serve(side);
    }

    /// Does for one application what its driver does after each input, until nothing is left to do.
    fn serve(&mut self, side: Side) {
        let now = self.now;
        loop {
            let machine = &mut self.machines[side.index()];
            if machine.closed || machine.off {
                return self.note_facts(side);
            }
            if machine.party.wants_to_read() && !machine.received.is_empty() {
                let bytes = std::mem::take(&mut machine.received);
                machine.party.handle_bytes(now, &bytes);
            } else if machine.party.wants_to_read() && machine.fin && !machine.told {
                machine.told = true;
                machine.party.handle_eof(now);
            }
            self.take_bytes(side);
            self.note_facts(side);
            while let Some(call) = self.machines[side.index()].party.poll_syscall() {
                self.call(side, call);
            }
            let machine = &self.machines[side.index()];
            let more = !machine.received.is_empty() || (machine.fin && !machine.told);
            if !(more && machine.party.wants_to_read()) {
                return self.note_facts(side);
            }
        }
    }

    fn take_bytes(&mut self, side: Side) {
        let machine = &mut self.machines[side.index()];
        let pending = machine.party.pending_bytes();
        if pending.is_empty() {
            return;
        }
        let n = pending.len().min(machine.room);
        let taken = pending[..n].to_vec();
        machine.room -= n;
        machine.transcript.extend_from_slice(&taken);
        machine.observer.observe(&taken);
        machine.party.handle_accepted(self.now, n);
        if n > 0 {
            self.send(side, Packet::Bytes(taken));
        }
    }

    fn note_facts(&mut self, side: Side) {
        let machine = &mut self.machines[side.index()];
        while let Some(fact) = machine.party.poll_fact() {
            machine.facts.push((self.now, fact));
        }
    }

    fn call(&mut self, side: Side, call: Syscall) {
        let machine = &mut self.machines[side.index()];
        machine.syscalls.push((self.now, call));
        match call {
            Syscall::ShutdownWrite => {
                assert!(machine.party.pending_bytes().is_empty(), "shutdown with bytes pending");
                self.send(side, Packet::Fin);
            }
            Syscall::Close | Syscall::Abort => {
                assert!(machine.party.pending_bytes().is_empty(), "close with bytes pending");
                machine.closed = true;
                let resets = call == Syscall::Abort || !machine.received.is_empty();
                self.send(side, if resets { Packet::Reset } else { Packet::Fin });
            }
            Syscall::PowerOff => machine.off = true,
        }
    }

    /// Facts of one side with their times.
    pub(super) fn facts(&self, side: Side) -> &[(SimTime, Fact)] {
        &self.machines[side.index()].facts
    }

    /// System calls of one side with their times.
    pub(super) fn syscalls(&self, side: Side) -> &[(SimTime, Syscall)] {
        &self.machines[side.index()].syscalls
    }

    /// What one side wrote and its kernel took.
    pub(super) fn transcript(&self, side: Side) -> String {
        String::from_utf8_lossy(&self.machines[side.index()].transcript).into_owned()
    }

    pub(super) fn party(&self, side: Side) -> &Party {
        &self.machines[side.index()].party
    }

    /// When the first such fact was noted.
    fn when(&self, side: Side, is: impl Fn(&Fact) -> bool) -> Option<SimTime> {
        self.facts(side).iter().find(|(_, fact)| is(fact)).map(|&(at, _)| at)
    }

    pub(super) fn up(&self, side: Side) -> Option<SimTime> {
        self.when(side, |fact| *fact == Fact::Up)
    }

    /// When the closer decided.
    pub(super) fn decided(&self) -> Option<SimTime> {
        self.when(self.closer, |fact| *fact == Fact::Decided)
    }

    /// When the closer's peer noticed.
    pub(super) fn noticed(&self) -> Option<SimTime> {
        self.when(self.closer.other(), |fact| *fact == Fact::Noticed)
    }

    /// When and how the closer let go.
    pub(super) fn released(&self) -> Option<(SimTime, Outcome)> {
        self.facts(self.closer).iter().find_map(|&(at, fact)| match fact {
            Fact::Released(outcome) => Some((at, outcome)),
            _ => None,
        })
    }

    /// Stanzas of `side`: sent, held back; and of those sent: delivered, read too late.
    pub(super) fn counts(&self, side: Side) -> [u32; 4] {
        let mut counts = [0; 4];
        for (_, fact) in self.facts(side) {
            match fact {
                Fact::Sent { .. } => counts[0] += 1,
                Fact::Deferred(count) => counts[1] += count,
                _ => {}
            }
        }
        for (_, fact) in self.facts(side.other()) {
            match fact {
                Fact::Delivered { .. } => counts[2] += 1,
                Fact::Unprocessed { .. } => counts[3] += 1,
                _ => {}
            }
        }
        counts
    }

    /// Nothing went wrong inside, stanzas are numbered without a gap, and the closer wrote nothing after its tag.
    pub(super) fn assert_orderly(&self) {
        for side in Side::BOTH {
            let facts = self.facts(side);
            assert!(!facts.iter().any(|(_, fact)| matches!(fact, Fact::Disorder(_))), "{facts:?}");
            let mut end_before = 0;
            let sent = facts.iter().filter_map(|(_, fact)| match *fact {
                Fact::Sent { stanza, size, end } => Some((stanza, size, end)),
                _ => None,
            });
            for (expected, (stanza, size, end)) in (0..).zip(sent) {
                assert_eq!(stanza, expected, "numbers of {side:?} have a gap");
                assert!(end >= end_before + u64::from(size), "stanzas of {side:?} overlap");
                end_before = end;
            }
        }
        assert_eq!(self.machines[self.closer.index()].observer.violations(), 0, "bytes after the close tag");
    }
}
