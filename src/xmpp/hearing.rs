//! What a party does with what it reads.

use crate::time::SimTime;
use crate::xmpp::config::{InWait, Responder};
use crate::xmpp::fact::{Disorder, Fact, Outcome, Syscall};
use crate::xmpp::negotiation::{Agreed, Progress};
use crate::xmpp::party::{Party, Role};
use crate::xmpp::phase::Phase;
use crate::xmpp::reader::ReadError;
use crate::xmpp::stanza::{Child, Element, IqType, Item, Name};

impl Party {
    /// One item was read.
    pub(super) fn hear(&mut self, now: SimTime, item: Item) {
        if matches!(self.phase, Phase::Opening(_)) {
            return self.negotiate(now, item);
        }
        match item {
            Item::CloseTag => {
                self.heard.tag = true;
                if self.minds_tags() {
                    self.notice();
                }
                if self.role_is_closer() { self.closer_hears_tag() } else { self.responder_hears_tag(now) }
            }
            Item::Element(element) => match element.name {
                Name::Message => self.hear_stanza(now, element.number),
                Name::Iq => self.hear_iq(now, element),
                Name::StreamError => self.heard.error = true,
                Name::Management(what) => self.hear_management(now, what, element),
                Name::Features | Name::Auth | Name::Success | Name::Presence | Name::Other => {
                    self.disorder(Disorder::Unexpected(item));
                }
            },
            Item::Header(_) => self.disorder(Disorder::Unexpected(item)),
        }
    }

    pub(super) fn negotiate(&mut self, now: SimTime, item: Item) {
        let Phase::Opening(opening) = std::mem::replace(&mut self.phase, Phase::Done) else { return };
        let memory = self.memory(now);
        match opening.handle(&self.config, &memory, item, &mut self.out) {
            Ok(Progress::Opening(opening)) => self.phase = Phase::Opening(opening),
            Ok(Progress::Claims(opening)) => {
                self.phase = Phase::Opening(opening);
                if let Some(keeping) = &mut self.keeping {
                    keeping.claim = Some(item);
                }
            }
            Ok(Progress::Restarted(opening)) => {
                self.reader.restart();
                self.phase = Phase::Opening(opening);
            }
            Ok(Progress::Up(writer, agreed)) => {
                self.phase = Phase::Open(writer);
                self.begin(now, agreed);
            }
            Err(disorder) => {
                self.disorder(disorder);
                self.finish(Outcome::BadXml, Syscall::Close);
            }
        }
    }

    /// The stream is up.
    fn begin(&mut self, now: SimTime, agreed: Agreed) {
        self.facts.push_back(Fact::Up);
        self.count_from(now);
        self.counts_session(agreed);
        self.begin_management(agreed);
        self.begin_traffic(now);
        if let Role::Responder(profile) = &self.config.role
            && matches!(profile.on_tag, Responder::Vanished | Responder::Hung)
        {
            self.moment = self.plan.moment_within(now, &mut self.behaviour);
        }
    }

    fn hear_stanza(&mut self, now: SimTime, number: Option<u32>) {
        if number != Some(self.next_heard) {
            return self.disorder(Disorder::Number { expected: self.next_heard, found: number });
        }
        let stanza = self.next_heard;
        self.next_heard += 1;
        if matches!(self.phase, Phase::AwaitingTag { .. })
            && self.closer_profile().is_some_and(|profile| profile.in_wait == InWait::Discard)
        {
            self.facts.push_back(Fact::Unprocessed { stanza });
            return;
        }
        self.facts.push_back(Fact::Delivered { stanza });
        self.handled_stanza();
        if let Some(source) = &self.config.source {
            self.traffic.heard(source, now);
        }
        self.active(now);
    }

    fn hear_iq(&mut self, now: SimTime, element: Element) {
        let asks = matches!((element.iq, element.child), (Some(IqType::Get | IqType::Set), Child::Ping));
        let answers = matches!(element.iq, Some(IqType::Result | IqType::Error));
        self.handled_stanza();
        match element.number {
            Some(number) if asks => {
                if let Some(writer) = self.phase.pen(self.reads_in_delay())
                    && self.answers_pings()
                {
                    self.out.push(None, |bytes| writer.ping_result(number, bytes));
                    self.wrote_stanza(now, None);
                }
            }
            Some(number) if answers => {
                self.ping_answered(now, number);
            }
            Some(_) | None => self.disorder(Disorder::Unexpected(Item::Element(element))),
        }
    }

    pub(super) fn hear_nonsense(&mut self, error: ReadError) {
        if self.role_is_closer() && self.is_up() {
            self.has_decided();
        } else {
            self.disorder(Disorder::Unreadable(error));
        }
        self.finish(Outcome::BadXml, Syscall::Close);
    }

    pub(super) fn disorder(&mut self, disorder: Disorder) {
        self.facts.push_back(Fact::Disorder(disorder));
    }
}
