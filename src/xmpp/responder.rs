//! The fourteen responders: one table row each.

use crate::dist::Distribution;
use crate::time::Micros;
use crate::xmpp::config::{Responder, ResponderProfile};

/// A responder's name and what `farewell list` says of it.
struct Row(Responder, &'static str, &'static str);

/// The table of responders, in the order of the design.
const TABLE: [Row; 14] = [
    Row(Responder::Compliant, "compliant", "finishes what it is writing, its tag, then close at once, as servers do"),
    Row(Responder::WaitsForFin, "waits-for-fin", "its tag, then close when the FIN has come (after an error: at once)"),
    Row(
        Responder::Slow,
        "slow",
        "a delay in which it goes on writing (default: exponential, mean 2 s), then as compliant",
    ),
    Row(Responder::Silent, "silent", "never answers, writes no more, keeps the connection for good"),
    Row(Responder::KeepsTalking, "keeps-talking", "ignores the tag and sends on until it reads end of file or a reset"),
    Row(Responder::FinOnly, "fin-only", "close without a tag"),
    Row(Responder::Resets, "resets", "reset: SO_LINGER 0 and close"),
    Row(Responder::WritesAfterClose, "writes-after-close", "its tag, one more stanza behind it, and all that come"),
    Row(Responder::TagButNoFin, "tag-but-no-fin", "its tag, then holds TCP open for good"),
    Row(Responder::Vanished, "vanished", "powered off at a random moment before the closing: no packet ever again"),
    Row(Responder::Hung, "hung", "stops reading and writing at such a moment; its kernel acknowledges"),
    Row(Responder::Truncates, "truncates", "half a stanza, then close"),
    Row(Responder::Garbage, "garbage", "bytes that are not XML"),
    Row(
        Responder::Drips,
        "drips",
        "one byte of an endless stanza at a time (default: each 500 ms), to hold the closer",
    ),
];

/// Interval between the bytes of [`Responder::Drips`] where nothing else is said.
pub const DRIP_INTERVAL: Micros = Micros::from_millis(500);

/// Delay of [`Responder::Slow`] where nothing else is said: an assumption (no measurement is known), such that one peer
/// in twelve outlasts the usual close timeout of 5 s.
pub const SLOW_DELAY: Distribution = Distribution::Exponential { mean: 2e6 };

impl Responder {
    /// All responders, in the order of lists.
    pub const ALL: [Self; TABLE.len()] = {
        let mut all = [Self::Compliant; TABLE.len()];
        let mut i = 0;
        while i < TABLE.len() {
            all[i] = TABLE[i].0;
            i += 1;
        }
        all
    };

    /// As written in a scenario and in the `responder` column.
    pub fn name(self) -> &'static str {
        self.row().1
    }

    /// What it does, in one line.
    pub fn about(self) -> &'static str {
        self.row().2
    }

    /// The responder with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|row| row.1 == name).map(|row| row.0)
    }

    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }
}

impl ResponderProfile {
    /// The responder itself, to a tag and to an error alike, with its default delay.
    pub const fn plain(responder: Responder) -> Self {
        let delay = if matches!(responder, Responder::Slow) { SLOW_DELAY } else { Distribution::Constant(0.0) };
        Self::new(responder, responder, delay, None)
    }

    /// Reads in its delay, closes, answers a half close.
    pub(super) const fn new(
        on_tag: Responder,
        on_error: Responder,
        delay: Distribution,
        error_delay: Option<Distribution>,
    ) -> Self {
        Self {
            on_tag,
            on_error,
            delay,
            error_delay,
            reads_in_delay: true,
            half_closes: false,
            answers_half_close: true,
            drip_interval: DRIP_INTERVAL,
        }
    }
}

#[cfg(test)]
mod table_tests {
    use super::*;

    #[test]
    fn every_responder_stands_in_its_row() {
        for responder in Responder::ALL {
            assert_eq!(responder.row().0, responder);
            assert_eq!(Responder::from_name(responder.name()), Some(responder));
            assert!(!responder.about().is_empty());
        }
        assert_eq!(Responder::from_name("rude"), None);
    }
}
