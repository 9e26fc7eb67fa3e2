//! The eight strategies: one table row each, and the one state machine that they are variants of.

use crate::defect::{self, Defect};
use crate::time::{Micros, SimTime};
use crate::xmpp::config::{Answered, CloserProfile, Condition, InWait, Ping, Strategy, Unanswered};
use crate::xmpp::fact::{Outcome, Syscall};
use crate::xmpp::idle::DecisionPlan;
use crate::xmpp::outbox::Outbox;
use crate::xmpp::party::{End, Party, Role};
use crate::xmpp::phase::Phase;
use crate::xmpp::writer::StreamWriter;

/// A strategy's name and what `farewell list` says of it.
struct Row(Strategy, &'static str, &'static str);

/// The table of strategies, in the order of the design.
const TABLE: [Row; 8] = [
    Row(Strategy::Handshake, "handshake", "tag, read on until the other tag comes, close (XEP-0190, RFC 6120 4.4)"),
    Row(Strategy::HandshakeHalfClose, "handshake-half-close", "tag, FIN, read on until the other tag comes, close"),
    Row(Strategy::TimeoutError, "timeout-error", "connection-timeout error, tag, close at once: the bad habit"),
    Row(Strategy::ErrorHandshake, "error-handshake", "error, tag, then wait as the handshake does (RFC 6120 4.9.1.1)"),
    Row(Strategy::AbruptClose, "abrupt-close", "close without a tag"),
    Row(Strategy::AbruptReset, "abrupt-reset", "reset: SO_LINGER 0 and close"),
    Row(Strategy::TagAndClose, "tag-and-close", "tag, close at once"),
    Row(
        Strategy::PingThenHandshake,
        "ping-then-handshake",
        "XEP-0199 ping first; answered: handshake; no answer: drop without a tag",
    ),
];

/// How long an answer to a ping may take where nothing else is said: ejabberd's `mod_ping`.
pub const PING_TIMEOUT: Micros = Micros::from_secs(32);

/// How long a closer waits for the other tag where nothing else is said: Prosody and Smack.
pub const CLOSE_TIMEOUT: Micros = Micros::from_secs(5);

impl Strategy {
    /// All strategies, in the order of lists.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self::Handshake; TABLE.len()];
        let mut i = 0;
        while i < TABLE.len() {
            all[i] = TABLE[i].0;
            i += 1;
        }
        all
    };

    /// As written in a scenario and in the `strategy` column.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it does, in one line.
    pub fn about(self) -> &'static str {
        self.row().2
    }

    /// The strategy with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    /// Whether it waits for the other tag.
    pub const fn waits(self) -> bool {
        match self {
            Self::Handshake | Self::HandshakeHalfClose | Self::ErrorHandshake | Self::PingThenHandshake => true,
            Self::TimeoutError | Self::AbruptClose | Self::AbruptReset | Self::TagAndClose => false,
        }
    }

    /// Whether it sends a stream error before its tag.
    pub const fn sends_error(self) -> bool {
        matches!(self, Self::TimeoutError | Self::ErrorHandshake)
    }

    /// Whether it sends a close tag.
    pub const fn sends_tag(self) -> bool {
        !matches!(self, Self::AbruptClose | Self::AbruptReset)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

impl CloserProfile {
    /// The strategy with the commonest parameters: [`CLOSE_TIMEOUT`], what comes in the wait is processed, no grace,
    /// `connection-timeout` where an error is sent, and a ping only where the strategy has one.
    pub const fn plain(strategy: Strategy) -> Self {
        Self {
            strategy,
            condition: Condition::ConnectionTimeout,
            timeout: Some(CLOSE_TIMEOUT),
            in_wait: InWait::Process,
            grace: Micros::ZERO,
            ping: match strategy {
                Strategy::PingThenHandshake => Some(Ping::BEFORE_HANDSHAKE),
                Strategy::Handshake
                | Strategy::HandshakeHalfClose
                | Strategy::TimeoutError
                | Strategy::ErrorHandshake
                | Strategy::AbruptClose
                | Strategy::AbruptReset
                | Strategy::TagAndClose => None,
            },
        }
    }

    /// The ping that goes before the closing: the configured one, or the one that the strategy itself brings.
    pub(super) fn first_ping(&self) -> Option<Ping> {
        self.ping.or(Self::plain(self.strategy).ping)
    }
}

impl Ping {
    /// What `ping-then-handshake` does where nothing else is said.
    pub const BEFORE_HANDSHAKE: Self =
        Self { timeout: PING_TIMEOUT, answered: Answered::Close, unanswered: Unanswered::Drop };
}

/// What a closer does. Called only in a closer's phases.
impl Party {
    /// The closer's profile, if this party closes.
    pub(super) fn closer_profile(&self) -> Option<&CloserProfile> {
        match &self.config.role {
            Role::Closer(profile) | Role::ClosesToo(profile) => Some(profile),
            Role::Responder(_) => None,
        }
    }

    /// The time has come: ask first, or close.
    pub(super) fn decide(&mut self, now: SimTime, writer: StreamWriter) {
        let Some(ping) = self.closer_profile().and_then(CloserProfile::first_ping) else {
            return self.close_stream(now, writer);
        };
        if ping.answered == Answered::Close {
            self.has_decided();
        }
        let number = self.pings;
        self.pings += 1;
        self.out.push(None, |bytes| writer.ping_get(number, bytes));
        self.phase = Phase::Pinging { writer, number, answered: ping.answered, until: now + ping.timeout };
        self.wrote_stanza(now, None);
    }

    /// The process is to exit. Who would ask only to stay if there is an answer does not ask.
    pub(super) fn closer_exits(&mut self, now: SimTime) {
        let stays = |ping: Ping| ping.answered == Answered::Stay;
        let asks_to_stay = self.closer_profile().and_then(CloserProfile::first_ping).is_some_and(stays);
        let asks = matches!(self.phase, Phase::Pinging { .. });
        if asks && !asks_to_stay {
            // Its closing has begun.
            return;
        }
        let Some(writer) = self.phase.take_pen() else { return };
        if asks_to_stay {
            self.close_stream(now, writer);
        } else {
            self.decide(now, writer);
        }
    }

    /// Ping `number` was answered: the other side is alive.
    pub(super) fn ping_answered(&mut self, now: SimTime, number: u32) {
        let Phase::Pinging { number: asked, answered, .. } = self.phase else { return };
        if asked != number {
            return;
        }
        let Some(writer) = self.phase.take_pen() else { return };
        match answered {
            Answered::Close => self.close_stream(now, writer),
            Answered::Stay => {
                self.phase = Phase::Open(writer);
                self.count_from(now);
                if matches!(self.plan, DecisionPlan::At(_)) {
                    // The one instant of this plan is over.
                    self.plan = DecisionPlan::Never;
                }
            }
        }
    }

    /// The other side seems dead.
    pub(super) fn ping_unanswered(&mut self, now: SimTime, writer: StreamWriter) {
        self.has_decided();
        match self.closer_profile().and_then(CloserProfile::first_ping).map(|ping| ping.unanswered) {
            Some(Unanswered::Close) => self.close_stream(now, writer),
            Some(Unanswered::Drop) | None => self.finish(Outcome::Timeout, Syscall::Close),
        }
    }

    /// From the decision up to the last word: what waits for the kernel, the error, the grace.
    fn close_stream(&mut self, now: SimTime, writer: StreamWriter) {
        self.has_decided();
        let Some(&CloserProfile { strategy, condition, grace, .. }) = self.closer_profile() else { return };
        if !strategy.waits() {
            // Who closes at once does not wait for its queue. Behind half a stanza nothing can be said.
            if self.out.is_torn() && grace == Micros::ZERO && strategy.sends_tag() {
                return self.finish(Outcome::Closed, Syscall::Close);
            }
            self.hold_back(Outbox::withdraw);
        }
        if strategy.sends_tag() {
            self.acknowledge_for_the_last_time(&writer);
        }
        if strategy.sends_error() {
            self.out.push(None, |bytes| writer.error(condition, bytes));
        }
        if grace > Micros::ZERO {
            self.phase = Phase::Grace { writer, until: now + grace };
        } else {
            self.say_goodbye(now, writer);
        }
    }

    /// The last word. It takes the pen away, and what follows has none.
    pub(super) fn say_goodbye(&mut self, now: SimTime, writer: StreamWriter) {
        let Some(&CloserProfile { strategy, timeout, .. }) = self.closer_profile() else { return };
        let give_up = timeout.map(|timeout| now + timeout);
        match strategy {
            Strategy::AbruptClose => self.finish(Outcome::Closed, Syscall::Close),
            Strategy::AbruptReset => self.finish(Outcome::Closed, Syscall::Abort),
            Strategy::TagAndClose | Strategy::TimeoutError => {
                if self.end == End::Failure || self.out.is_torn() {
                    return self.finish(Outcome::Closed, Syscall::Close);
                }
                self.out.push(None, |bytes| writer.close(bytes));
                self.phase = Phase::Leaving { outcome: Outcome::Closed, hasty: true, give_up };
            }
            Strategy::Handshake
            | Strategy::HandshakeHalfClose
            | Strategy::ErrorHandshake
            | Strategy::PingThenHandshake => {
                if self.end == End::Failure {
                    return self.finish(Outcome::PeerReset, Syscall::Close);
                }
                self.out.push(None, |bytes| writer.close(bytes));
                if defect::is(Defect::ByteAfterTag) {
                    self.out.push(None, |bytes| bytes.push(b' '));
                }
                self.phase = Phase::AwaitingTag { give_up, shut: strategy == Strategy::HandshakeHalfClose };
            }
        }
    }

    /// The other side's tag has come: in answer, in the same moment, or first.
    pub(super) fn closer_hears_tag(&mut self) {
        if let Phase::AwaitingTag { give_up, .. } = self.phase {
            self.leave(Outcome::Clean, give_up);
        } else if let Some(writer) = self.phase.take_pen() {
            self.has_decided();
            self.acknowledge_for_the_last_time(&writer);
            self.out.push(None, |bytes| writer.close(bytes));
            self.leave(Outcome::Clean, None);
        }
    }

    /// End of file or a socket error has come. In the grace nobody reads the socket; what waits for it can still find that it
    /// has failed, and is taken back then.
    pub(super) fn closer_hears_end(&mut self, outcome: Outcome) {
        if matches!(self.phase, Phase::Open(_) | Phase::Pinging { .. } | Phase::AwaitingTag { .. }) {
            self.notice();
            self.has_decided();
            self.finish(outcome, Syscall::Close);
        } else if let Phase::Leaving { outcome: settled, .. } = self.phase
            && self.end == End::Failure
        {
            // How it ends is settled, and nothing can be written any more.
            self.finish(settled, Syscall::Close);
        } else if self.end == End::Failure {
            self.hold_back(Outbox::abandon);
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod table_tests {
    use super::*;

    #[test]
    fn every_strategy_stands_in_its_row() {
        for strategy in Strategy::ALL {
            assert_eq!(strategy.row().0, strategy);
            assert_eq!(Strategy::from_name(strategy.name()), Some(strategy));
            assert!(!strategy.about().is_empty());
        }
        assert_eq!(Strategy::from_name("Handshake"), None);
    }
}
