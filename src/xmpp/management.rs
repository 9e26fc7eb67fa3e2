//! One side's account of a stream under stream management (XEP-0198): what it has handled, what it wrote and the other
//! side has not acknowledged, and when it asks.
//!
//! Both sides count every stanza (messages, and the iq stanzas of pings) in each direction from the moment at which
//! management is on, modulo 2^32 (§4). Times and bytes are the party's business: this is arithmetic only.

use std::collections::VecDeque;

use crate::time::SimTime;
use crate::xmpp::config::StreamManagement;
use crate::xmpp::legacy::Waiting;
use crate::xmpp::outbox::Stanza;

/// The account of one side.
#[derive(Debug, Default)]
pub(super) struct Management {
    /// Stanzas of the other side that this side has handled.
    handled: u32,
    /// Own stanzas that the other side says it has handled.
    acknowledged: u32,
    /// Own stanzas written after those, oldest first; a ping is `None`.
    unacknowledged: VecDeque<Option<Stanza>>,
    /// How many of them, the newest, no request stands behind.
    unrequested: u32,
    /// When one is to be asked for at the latest.
    due: Option<SimTime>,
    /// Stanzas that wait for room in the window.
    waiting: VecDeque<Waiting>,
    /// The identifier of the session, if it may be resumed.
    pub(super) session: Option<u32>,
}

/// The other side acknowledged more than was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooMany;

impl Management {
    /// The account of a session that goes on: what nobody acknowledged is written again, and counted then.
    pub(super) fn resumed(id: u32, handled: u32, acknowledged: u32) -> Self {
        Self { handled, acknowledged, session: Some(id), ..Self::default() }
    }

    /// What the stream leaves: stanzas handled, own ones acknowledged, own ones not acknowledged.
    pub(super) fn into_parts(self) -> (u32, u32, VecDeque<Option<Stanza>>) {
        (self.handled, self.acknowledged, self.unacknowledged)
    }

    /// One more stanza of the other side was handled.
    pub(super) fn handle(&mut self) {
        self.handled = self.handled.wrapping_add(1);
    }

    /// The `h` of an acknowledgement.
    pub(super) fn handled(&self) -> u32 {
        self.handled
    }

    /// A stanza (`None`: a ping) was written. Says whether a request is to follow it: this is the n-th since the last
    /// one, or nothing more may be written until an acknowledgement comes.
    pub(super) fn wrote(&mut self, config: &StreamManagement, stanza: Option<Stanza>, now: SimTime) -> bool {
        self.unacknowledged.push_back(stanza);
        self.unrequested += 1;
        if let (Some(interval), None) = (config.request_interval, self.due) {
            self.due = Some(now + interval);
        }
        config.request_every.is_some_and(|every| self.unrequested >= every) || !self.has_room(config)
    }

    /// A request was written.
    pub(super) fn requested(&mut self) {
        self.unrequested = 0;
        self.due = None;
    }

    /// When to ask at the latest.
    pub(super) fn due(&self) -> Option<SimTime> {
        self.due
    }

    /// The other side has handled `h` stanzas in all.
    pub(super) fn acknowledge(&mut self, h: u32) -> Result<(), TooMany> {
        let news = h.wrapping_sub(self.acknowledged) as usize;
        if news > self.unacknowledged.len() {
            return Err(TooMany);
        }
        self.unacknowledged.drain(..news);
        self.acknowledged = h;
        // An acknowledgement that nobody asked for may cover what no request stands behind.
        let left = u32::try_from(self.unacknowledged.len()).unwrap_or(u32::MAX);
        self.unrequested = self.unrequested.min(left);
        if self.unrequested == 0 {
            self.due = None;
        }
        Ok(())
    }

    /// Whether one more stanza may be written.
    pub(super) fn has_room(&self, config: &StreamManagement) -> bool {
        config.window.is_none_or(|window| self.unacknowledged.len() < window as usize)
    }

    /// A stanza waits until there is room.
    pub(super) fn hold(&mut self, stanza: Waiting) {
        self.waiting.push_back(stanza);
    }

    /// Whether any stanza waits: those that come later wait behind it.
    pub(super) fn holds(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// The next stanza that waits, if there is room for it.
    pub(super) fn release(&mut self, config: &StreamManagement) -> Option<Waiting> {
        if self.has_room(config) { self.waiting.pop_front() } else { None }
    }

    /// No stanza waits any more; says which did.
    pub(super) fn give_up(&mut self) -> VecDeque<Waiting> {
        std::mem::take(&mut self.waiting)
    }

    /// The last `count` messages were taken back before the kernel had any of them.
    pub(super) fn withdraw(&mut self, count: u32) {
        for _ in 0..count {
            while self.unacknowledged.pop_back().is_some_and(|stanza| stanza.is_none()) {}
        }
        self.requested();
    }

    /// Gives back the memory of queues that are empty.
    pub(super) fn rest(&mut self) {
        if self.unacknowledged.is_empty() {
            self.unacknowledged = VecDeque::new();
        }
        if self.waiting.is_empty() {
            self.waiting = VecDeque::new();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Micros;

    const PLAIN: StreamManagement =
        StreamManagement { request_every: Some(3), request_interval: None, window: None, ..StreamManagement::PLAIN };

    fn at(s: u64) -> SimTime {
        SimTime::ZERO + Micros::from_secs(s)
    }

    fn message(number: u32) -> Stanza {
        Stanza { number, size: 100 }
    }

    /// The numbers of the messages that are not acknowledged.
    fn open(m: &Management) -> Vec<u32> {
        m.unacknowledged.iter().flatten().map(|stanza| stanza.number).collect()
    }

    /// Writes messages, and says behind which of them a request followed.
    fn write(m: &mut Management, config: &StreamManagement, numbers: std::ops::Range<u32>) -> Vec<u32> {
        let mut asked = Vec::new();
        for number in numbers {
            if m.wrote(config, Some(message(number)), at(number.into())) {
                m.requested();
                asked.push(number);
            }
        }
        asked
    }

    #[test]
    fn every_nth_stanza_is_followed_by_a_request() {
        let mut m = Management::default();
        assert_eq!(write(&mut m, &PLAIN, 0..10), [2, 5, 8]);
        m.acknowledge(9).unwrap();
        assert_eq!(open(&m), [9]);
    }

    #[test]
    fn what_is_acknowledged_is_forgotten_and_no_more_than_was_written() {
        let mut m = Management::default();
        write(&mut m, &PLAIN, 0..4);
        assert_eq!(m.acknowledge(5), Err(TooMany));
        assert_eq!(m.acknowledge(u32::MAX), Err(TooMany), "a number that goes back is one far ahead");
        m.acknowledge(2).unwrap();
        m.acknowledge(2).unwrap();
        assert_eq!(open(&m), [2, 3]);
        m.acknowledge(4).unwrap();
        assert!(m.unacknowledged.is_empty());
        assert_eq!(m.acknowledge(3), Err(TooMany));
    }

    /// XEP-0198 §4: behind 2^32 - 1 comes zero.
    #[test]
    fn counters_go_round() {
        let near = u32::MAX - 1;
        let mut m = Management { handled: near, acknowledged: near, ..Management::default() };
        for wanted in [u32::MAX, 0, 1] {
            m.handle();
            assert_eq!(m.handled(), wanted);
        }
        write(&mut m, &PLAIN, 0..5);
        m.acknowledge(u32::MAX).unwrap();
        m.acknowledge(1).unwrap();
        assert_eq!(open(&m), [3, 4]);
        assert_eq!(m.acknowledge(u32::MAX), Err(TooMany));
    }

    #[test]
    fn an_interval_counts_from_the_first_stanza_that_was_not_asked_for() {
        let interval = Some(Micros::from_secs(10));
        let config = StreamManagement {
            request_every: None,
            request_interval: interval,
            window: None,
            ..StreamManagement::PLAIN
        };
        let mut m = Management::default();
        assert_eq!(m.due(), None);
        write(&mut m, &config, 1..4);
        assert_eq!(m.due(), Some(at(11)));
        m.requested();
        assert_eq!(m.due(), None);
        write(&mut m, &config, 4..6);
        assert_eq!(m.due(), Some(at(14)));
        m.acknowledge(4).unwrap();
        assert_eq!(m.due(), Some(at(14)), "one is still open");
        m.acknowledge(5).unwrap();
        assert_eq!(m.due(), None, "it came unasked for");
    }

    #[test]
    fn at_its_window_a_sender_asks_and_waits() {
        let config = StreamManagement {
            window: Some(2),
            request_every: None,
            request_interval: None,
            ..StreamManagement::PLAIN
        };
        let mut m = Management::default();
        assert_eq!(write(&mut m, &config, 0..2), [1]);
        assert!(!m.has_room(&config));
        let stanza = |size| Waiting { size, written: at(1), again: None };
        m.hold(stanza(7));
        m.hold(stanza(8));
        assert_eq!(m.release(&config), None);
        m.acknowledge(1).unwrap();
        assert_eq!(m.release(&config), Some(stanza(7)));
        assert!(m.wrote(&config, Some(message(2)), at(3)), "it is full again");
        assert_eq!(m.release(&config), None);
        assert_eq!(m.give_up(), [stanza(8)]);
        assert!(!m.holds());
    }

    #[test]
    fn what_was_taken_back_was_never_written() {
        let mut m = Management::default();
        write(&mut m, &PLAIN, 0..2);
        m.wrote(&PLAIN, None, at(2));
        write(&mut m, &PLAIN, 2..3);
        m.withdraw(2);
        assert_eq!(open(&m), [0]);
    }
}
