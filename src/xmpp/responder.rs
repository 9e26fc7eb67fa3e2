//! The fourteen responders: one table row each, and one arm each.

use crate::dist::Distribution;
use crate::time::{Micros, SimTime};
use crate::xmpp::config::{Responder, ResponderProfile};
use crate::xmpp::fact::{Outcome, Syscall};
use crate::xmpp::legacy::Waiting;
use crate::xmpp::outbox::Outbox;
use crate::xmpp::party::{End, Party, Role};
use crate::xmpp::phase::Phase;
use crate::xmpp::writer::{RawWriter, StreamWriter};

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

    /// Whether it answers being told, and so may take its time over that.
    pub const fn delays(self) -> bool {
        !matches!(self, Self::KeepsTalking | Self::Silent | Self::Vanished | Self::Hung)
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

/// Size of the stanza that `writes-after-close` writes right behind its tag, and of which `truncates` writes half.
const EXTRA_SIZE: u32 = 200;

/// What a responder does. Its outcome is nobody's: only closers report one.
impl Party {
    /// The responder's profile, if this party is told.
    fn responder_profile(&self) -> Option<&ResponderProfile> {
        match &self.config.role {
            Role::Responder(profile) => Some(profile),
            Role::Closer(_) | Role::ClosesToo(_) => None,
        }
    }

    /// How this party answers what it has read so far.
    fn manner(&self) -> Responder {
        let manner = |profile: &ResponderProfile| if self.heard.error { profile.on_error } else { profile.on_tag };
        self.responder_profile().map_or(Responder::Compliant, manner)
    }

    /// Whether a close tag tells this party anything: one that ignores it knows at end of file or at a reset.
    pub(super) fn minds_tags(&self) -> bool {
        self.manner() != Responder::KeepsTalking
    }

    pub(super) fn reads_in_delay(&self) -> bool {
        self.responder_profile().is_none_or(|profile| profile.reads_in_delay)
    }

    /// Whether a ping is answered: by all that still talk.
    pub(super) fn answers_pings(&self) -> bool {
        self.responder_profile().is_none_or(|profile| profile.on_tag != Responder::Silent)
    }

    /// The moment has come at which this party vanishes or hangs.
    pub(super) fn drop_out(&mut self) {
        match self.responder_profile().map(|profile| profile.on_tag) {
            Some(Responder::Vanished) => self.power_off(),
            _ => self.stop(Phase::Hung),
        }
    }

    /// It is told: the tag has come. An error alone has changed nothing.
    pub(super) fn responder_hears_tag(&mut self, now: SimTime) {
        let Some(writer) = self.phase.take_pen() else { return };
        let manner = self.manner();
        match manner {
            Responder::KeepsTalking => self.phase = Phase::Talking(writer),
            Responder::Silent => self.hold(),
            Responder::Vanished => self.power_off(),
            Responder::Hung => self.stop(Phase::Hung),
            Responder::Compliant
            | Responder::WaitsForFin
            | Responder::Slow
            | Responder::FinOnly
            | Responder::Resets
            | Responder::WritesAfterClose
            | Responder::TagButNoFin
            | Responder::Truncates
            | Responder::Garbage
            | Responder::Drips => match self.draw_delay() {
                Micros::ZERO => self.answer(now, manner, writer),
                delay => self.phase = Phase::Delaying { writer, answer: manner, until: now + delay },
            },
        }
    }

    fn draw_delay(&mut self) -> Micros {
        let Role::Responder(profile) = &self.config.role else { return Micros::ZERO };
        if self.heard.error && profile.on_error == Responder::WaitsForFin {
            // There is no FIN to wait for and nothing to finish: it closes at once.
            return Micros::ZERO;
        }
        let delay = profile.error_delay.as_ref().filter(|_| self.heard.error).unwrap_or(&profile.delay);
        delay.draw_micros(&mut self.behaviour)
    }

    /// The answer itself. After end of file nobody waits for more.
    pub(super) fn answer(&mut self, now: SimTime, manner: Responder, writer: StreamWriter) {
        match manner {
            Responder::Compliant | Responder::Slow => {
                self.acknowledge_for_the_last_time(&writer);
                self.out.push(None, |bytes| writer.close(bytes));
                let half_closes = self.responder_profile().is_some_and(|profile| profile.half_closes);
                self.wait_for_fin(half_closes, half_closes);
            }
            Responder::WaitsForFin => {
                self.acknowledge_for_the_last_time(&writer);
                self.out.push(None, |bytes| writer.close(bytes));
                self.wait_for_fin(!self.heard.error, false);
            }
            Responder::FinOnly => self.finish(Outcome::Closed, Syscall::Close),
            Responder::Resets => self.finish(Outcome::Closed, Syscall::Abort),
            Responder::Truncates => {
                let raw = writer.into_raw();
                self.out.push(None, |bytes| raw.half_message(0, EXTRA_SIZE, bytes));
                self.leave(Outcome::Closed, None);
            }
            Responder::Garbage => {
                let raw = writer.into_raw();
                self.out.push(None, |bytes| raw.garbage(bytes));
                self.wait_for_fin(true, false);
            }
            Responder::Drips => self.drip(writer.into_raw(), now),
            Responder::WritesAfterClose => {
                let raw = writer.into_raw();
                self.out.push(None, |bytes| raw.tag(bytes));
                self.phase = Phase::Scribbling(raw);
                self.write_stanza(now, Waiting { size: EXTRA_SIZE, written: now, again: None });
                if self.end != End::No {
                    self.leave(Outcome::Closed, None);
                }
            }
            Responder::TagButNoFin => {
                self.acknowledge_for_the_last_time(&writer);
                self.out.push(None, |bytes| writer.close(bytes));
                self.phase = Phase::Holding;
            }
            // These answer nothing: `responder_hears_tag` sends none of them here.
            Responder::Silent | Responder::KeepsTalking | Responder::Vanished | Responder::Hung => self.hold(),
        }
    }

    /// Everything is said: closes now, or when the other FIN has come if it `waits`; `shut`: with its own FIN before.
    fn wait_for_fin(&mut self, waits: bool, shut: bool) {
        if waits && self.end == End::No {
            self.phase = Phase::AwaitingFin { shut };
        } else {
            self.leave(Outcome::Closed, None);
        }
    }

    /// Writes no more and never lets go.
    fn hold(&mut self) {
        self.hold_back(Outbox::withdraw);
        self.phase = Phase::Holding;
    }

    /// One more byte, and the next in due time.
    pub(super) fn drip(&mut self, mut raw: RawWriter, now: SimTime) {
        if self.end != End::No {
            return self.leave(Outcome::Closed, None);
        }
        self.out.push(None, |bytes| raw.drip(bytes));
        let interval = self.responder_profile().map_or(DRIP_INTERVAL, |profile| profile.drip_interval);
        self.phase = Phase::Dripping { writer: raw, next: now + interval.max(Micros::new(1)) };
    }

    /// End of file has come. Without a tag before it all but two let go of their socket.
    pub(super) fn responder_hears_eof(&mut self) {
        if matches!(self.phase, Phase::Open(_)) {
            self.notice();
            if self.never_lets_go() {
                self.hold();
            } else {
                self.finish(Outcome::Closed, Syscall::Close);
            }
        } else if matches!(self.phase, Phase::Delaying { .. }) {
            if self.responder_profile().is_some_and(|profile| !profile.answers_half_close) {
                self.finish(Outcome::Closed, Syscall::Close);
            }
        } else if matches!(
            self.phase,
            Phase::Talking(_) | Phase::Scribbling(_) | Phase::Dripping { .. } | Phase::AwaitingFin { .. }
        ) {
            self.notice();
            self.leave(Outcome::Closed, None);
        }
    }

    /// The socket has failed.
    pub(super) fn responder_hears_reset(&mut self) {
        if matches!(self.phase, Phase::Hung | Phase::Done) {
            return;
        }
        self.notice();
        if self.never_lets_go() {
            self.hold_back(Outbox::abandon);
            self.phase = Phase::Holding;
        } else {
            self.finish(Outcome::Closed, Syscall::Close);
        }
    }

    fn never_lets_go(&self) -> bool {
        matches!(self.manner(), Responder::Silent | Responder::TagButNoFin)
    }
}

#[cfg(test)]
mod tests;

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
