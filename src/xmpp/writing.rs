//! What a party does with its stanzas: it writes those that are due, or holds them back.

use std::sync::Arc;

use crate::time::SimTime;
use crate::xmpp::fact::Fact;
use crate::xmpp::legacy::{Legacy, Waiting};
use crate::xmpp::outbox::{Outbox, Stanza};
use crate::xmpp::party::Party;
use crate::xmpp::phase::Phase;

impl Party {
    /// Stanzas that are due: written where there is a pen, held back where there is none any more.
    pub(super) fn write_traffic(&mut self, now: SimTime) {
        let config = Arc::clone(&self.config);
        let Some(source) = &config.source else { return };
        while let Some((due, size)) = self.traffic.take(source, now) {
            self.write_stanza(now, Waiting { size, written: due, again: None });
        }
    }

    /// The stream is up: stanzas that had to wait for it come first, in the order in which they came up. Those were held back
    /// before, or there was no stream when their time came.
    pub(super) fn begin_traffic(&mut self, now: SimTime) {
        let Legacy { waiting, since, session, sessions } = self.take_legacy();
        if let Some(keeping) = &mut self.keeping {
            (keeping.legacy.session, keeping.legacy.sessions) = (session, sessions);
        }
        for stanza in waiting {
            self.write_stanza(now, stanza);
        }
        if let Some(source) = &self.config.source {
            self.traffic.start(source, since.unwrap_or(now));
        }
        if since.is_some() {
            self.write_traffic(now);
        }
    }

    pub(super) fn write_stanza(&mut self, now: SimTime, due: Waiting) {
        if !(self.may_write() && self.waits_for_room(due)) {
            self.put_stanza(now, due);
        }
    }

    /// Whether stanzas may be written by who keeps the rules.
    pub(super) fn may_write(&self) -> bool {
        !self.decided && self.phase.pen(self.reads_in_delay()).is_some()
    }

    /// Writes a stanza, or holds it back where there is no pen.
    pub(super) fn put_stanza(&mut self, now: SimTime, due: Waiting) {
        let size = due.size;
        let stanza = Stanza { number: self.written, size };
        let closing = self.decided;
        match (self.phase.pen(self.reads_in_delay()), &self.phase) {
            (Some(writer), _) if !closing => {
                self.out.push(Some(stanza), |bytes| writer.message(self.written, size, bytes));
            }
            (_, Phase::Scribbling(writer)) => {
                self.out.push(Some(stanza), |bytes| writer.message(self.written, size, bytes));
            }
            _ => return self.keep_back(due),
        }
        if let Some(keeping) = &mut self.keeping {
            keeping.wrote(self.written, due);
            if let Some(of) = due.again {
                self.facts.push_back(Fact::Again { stanza: self.written, of });
            } else if due.written < now {
                self.facts.push_back(Fact::Late { stanza: self.written, written: due.written });
            }
        }
        self.written += 1;
        self.wrote_stanza(now, Some(stanza));
        self.active(now);
    }

    /// Holds back what the kernel has taken nothing of, by either way of taking it back.
    pub(super) fn hold_back(&mut self, take_back: impl FnOnce(&mut Outbox) -> u32) {
        let held_back = take_back(&mut self.out);
        self.withdrawn(held_back);
        if let Some(keeping) = &mut self.keeping {
            keeping.withdraw();
        }
        self.defer(held_back);
    }

    /// Holds one stanza back that was not written.
    pub(super) fn keep_back(&mut self, due: Waiting) {
        if let Some(keeping) = &mut self.keeping {
            keeping.defers(due);
        }
        self.defer(1);
    }

    pub(super) fn defer(&mut self, count: u32) {
        match self.facts.back_mut() {
            _ if count == 0 => {}
            Some(Fact::Deferred(before)) => *before += count,
            _ => self.facts.push_back(Fact::Deferred(count)),
        }
    }
}
