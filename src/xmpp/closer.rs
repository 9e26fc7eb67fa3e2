//! The eight strategies: one table row each.

use crate::time::Micros;
use crate::xmpp::config::{Answered, CloserProfile, Condition, InWait, Ping, Strategy, Unanswered};

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
