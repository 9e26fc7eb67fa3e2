//! What a party has read and not heard yet, because each stanza waits for a worker.
//!
//! Stanzas are heard one at a time, as workers get through them ([`Party::handle_served`]); whatever else came behind a stanza is
//! heard after it, the close tag included. While anything waits the party reads no more, so that nothing overtakes it.

use std::collections::VecDeque;

use crate::time::SimTime;
use crate::xmpp::party::Party;
use crate::xmpp::reader::ReadError;
use crate::xmpp::stanza::{Item, Name};

/// Items in the order in which they were read.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    items: VecDeque<Item>,
    /// What came behind them and cannot be read.
    nonsense: Option<ReadError>,
    /// Stanzas that no worker has been asked for.
    pub(super) arrived: u32,
}

impl Inbox {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.nonsense.is_none()
    }
}

/// Whether a worker is needed for an item.
fn takes_work(item: &Item) -> bool {
    matches!(item, Item::Element(element) if element.name == Name::Message)
}

impl Party {
    /// Stanzas wait for workers, once the stream is up.
    #[must_use]
    pub fn with_inbox(mut self) -> Self {
        self.inbox = Some(Box::default());
        self
    }

    /// Whether nothing that was read waits.
    #[inline]
    pub(super) fn has_heard_all(&self) -> bool {
        self.inbox.as_ref().is_none_or(|inbox| inbox.is_empty())
    }

    /// Stanzas that were read since the last call and need a worker each.
    pub fn take_arrivals(&mut self) -> u32 {
        self.inbox.as_mut().map_or(0, |inbox| std::mem::take(&mut inbox.arrived))
    }

    /// A worker is through with the next stanza.
    pub fn handle_served(&mut self, now: SimTime) {
        let next = self.inbox.as_mut().and_then(|inbox| inbox.items.pop_front());
        if let Some(item) = next.filter(|_| self.listens()) {
            self.hear(now, item);
        }
        self.hear_what_takes_no_work(now);
        self.settle();
    }

    /// Reads for the inbox: what it takes in is heard at once if nothing waits before it and it needs no worker.
    pub(super) fn take_in(&mut self, now: SimTime, bytes: &[u8]) {
        let mut rest = bytes;
        while self.listens() {
            let read = self.reader.next(&mut rest);
            let up = self.is_up();
            let Some(inbox) = &mut self.inbox else { return };
            match read {
                Ok(None) => break,
                Ok(Some(item)) if up && (takes_work(&item) || !inbox.items.is_empty()) => {
                    inbox.arrived += u32::from(takes_work(&item));
                    inbox.items.push_back(item);
                    if matches!(item, Item::CloseTag) {
                        break;
                    }
                }
                Ok(Some(item)) => self.hear(now, item),
                Err(error) if inbox.items.is_empty() => return self.hear_nonsense(error),
                Err(error) => {
                    inbox.nonsense = Some(error);
                    break;
                }
            }
        }
    }

    /// Whether what comes is parsed and heard.
    fn listens(&self) -> bool {
        !self.heard.tag && self.phase.parses()
    }

    fn hear_what_takes_no_work(&mut self, now: SimTime) {
        loop {
            let listens = self.listens();
            let Some(inbox) = &mut self.inbox else { return };
            if !listens {
                // What is left is not processed any more.
                (inbox.items, inbox.nonsense) = (VecDeque::new(), None);
                return;
            }
            match inbox.items.front() {
                Some(item) if takes_work(item) => return,
                Some(_) => {
                    if let Some(item) = inbox.items.pop_front() {
                        self.hear(now, item);
                    }
                }
                None => {
                    if let Some(error) = inbox.nonsense.take() {
                        self.hear_nonsense(error);
                    }
                    return;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::id::Side;
    use crate::rng::{Purpose, Rng};
    use crate::time::Micros;
    use crate::xmpp::config::{CloserProfile, Negotiation, Strategy, StreamKind};
    use crate::xmpp::fact::Fact;
    use crate::xmpp::idle::DecisionPlan;
    use crate::xmpp::party::{PartyConfig, Role};
    use crate::xmpp::testing::at;
    use crate::xmpp::writer::StreamWriter;

    fn facts(party: &mut Party) -> Vec<Fact> {
        std::iter::from_fn(|| party.poll_fact()).collect()
    }

    #[test]
    fn stanzas_are_heard_as_they_are_served_and_the_tag_behind_the_last() {
        let config = PartyConfig {
            side: Side::Server,
            kind: StreamKind::ClientToServer,
            negotiation: Negotiation::Minimal,
            role: Role::Closer(CloserProfile::plain(Strategy::Handshake)),
            source: None,
            management: None,
        };
        let rng = || Rng::new(1, 1, Purpose::Behaviour);
        let plan = DecisionPlan::AfterUp(Micros::from_secs(1));
        let mut party = Party::new(Arc::new(config), plan, rng(), rng()).with_inbox();
        let mut bytes = Vec::new();
        let pen = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut bytes);
        (0..2).for_each(|number| pen.message(number, 100, &mut bytes));
        pen.close(&mut bytes);
        party.handle_connected(at(0));
        party.handle_bytes(at(0), &bytes);
        let pending = party.pending_bytes().len();
        party.handle_accepted(at(0), pending);
        assert_eq!(facts(&mut party), [Fact::Up]);
        assert_eq!((party.take_arrivals(), party.take_arrivals(), party.wants_to_read()), (2, 0, false));
        party.handle_served(at(5));
        assert_eq!(facts(&mut party), [Fact::Delivered { stanza: 0 }]);
        assert!(!party.wants_to_read());
        party.handle_served(at(9));
        let heard = facts(&mut party);
        assert_eq!(heard[0], Fact::Delivered { stanza: 1 });
        assert!(heard.contains(&Fact::Decided), "the tag was heard behind it: {heard:?}");
    }
}
