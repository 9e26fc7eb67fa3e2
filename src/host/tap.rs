//! An observer of one stream: notes what the trace shows and what a capture holds. Changes nothing.

use crate::host::Witness;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::ledger::trace::{Mark, Passage, StanzaStep, TraceEvent, What};
use crate::net::link::Verdict;
use crate::net::notation::Origins;
use crate::net::packet::Packet;
use crate::net::segment::Segment;
use crate::tcp::{State, Timer};
use crate::time::SimTime;
use crate::xmpp::party::{Fact, Syscall};

/// What was seen of the traced stream, in the order in which its two hosts did it.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    local: Option<usize>,
    origins: Origins,
    /// The events; those of one side are in order of time.
    pub events: Vec<TraceEvent>,
    /// Packets as an observer at the server's network card sees them, with the instant.
    pub capture: Vec<(SimTime, Packet)>,
    /// An observer of all streams.
    pub(super) witness: Option<Box<Witness>>,
}

impl Trace {
    /// Observes the `local`-th stream of its node, or none.
    pub fn new(local: Option<usize>) -> Self {
        Self { local, ..Self::default() }
    }

    /// Observes no stream; the witness observes all.
    pub fn witnessed(witness: Witness) -> Self {
        Self { witness: Some(Box::new(witness)), ..Self::default() }
    }

    /// The witness, if there was one.
    pub fn into_witness(self) -> Option<Witness> {
        self.witness.map(|witness| *witness)
    }
}

impl Visit<'_, '_> {
    fn traced(&mut self) -> Option<&mut Trace> {
        let local = self.local;
        Some(&mut *self.effects.trace).filter(|t| t.local == Some(local))
    }

    fn note(&mut self, what: What) {
        let at = self.now;
        if let Some(trace) = self.traced() {
            trace.events.push(TraceEvent { at, what });
        }
    }

    pub(super) fn arrived(&mut self, packet: &Packet) {
        self.witness_packet();
        let (at, server) = (self.now, self.side == Side::Server);
        if let Some(trace) = self.traced().filter(|_| server) {
            trace.capture.push((at, packet.clone()));
        }
    }

    /// A segment left; `packet` is what it would be on the wire.
    pub(super) fn left(&mut self, segment: &Segment, verdict: Verdict) {
        let (at, side) = (self.now, self.side);
        if self.traced().is_none() {
            return;
        }
        let packet = self.packet(at, 0, segment.clone());
        let Some(trace) = self.traced() else { return };
        trace.origins.learn(side, segment);
        let passage = match verdict {
            Verdict::Deliver(arrival) => Passage::Arrives(arrival),
            Verdict::DeliverTwice(first, second) => Passage::ArrivesTwice(first, second),
            Verdict::Drop(cause) => Passage::Dropped(cause.name()),
        };
        let what = What::Packet { from: side, segment: format!("{:#}", trace.origins.show(side, segment)), passage };
        trace.events.push(TraceEvent { at, what });
        if side == Side::Server {
            trace.capture.push((at, packet));
        }
    }

    pub(super) fn called(&mut self, call: Syscall) {
        self.witness_call(call);
        let text = match call {
            Syscall::ShutdownWrite => "shutdown(SHUT_WR)",
            Syscall::Close => "close()",
            Syscall::Abort => "SO_LINGER 0, close()",
            Syscall::PowerOff => "power off",
        };
        self.note(What::Syscall { side: self.side, text: text.into() });
    }

    /// Chaos struck this side, or is over for it.
    pub(super) fn struck(&mut self, how: &str) {
        if self.traced().is_some() {
            self.note(What::App { side: self.side, text: format!("chaos: {how}") });
        }
    }

    /// The application wrote these bytes: what is not a stanza is named.
    pub(super) fn wrote(&mut self, bytes: &[u8]) {
        self.witness_written(bytes);
        let Some(_) = self.traced() else { return };
        let text = String::from_utf8_lossy(bytes);
        let marks = [
            ("<stream:stream", "header"),
            ("<enable ", "enable"),
            ("<enabled ", "enabled"),
            ("<resume ", "resume"),
            ("<resumed ", "resumed"),
            ("<failed ", "failed"),
            ("<r xmlns='urn:xmpp:sm:3'", "ack request"),
            ("<a xmlns='urn:xmpp:sm:3'", "ack"),
            ("<stream:error", "error"),
            ("</stream:stream>", "close tag"),
        ];
        let named: Vec<&str> = marks.iter().filter(|(mark, _)| text.contains(mark)).map(|(_, name)| *name).collect();
        if !named.is_empty() {
            self.note(What::App { side: self.side, text: format!("writes {}", named.join(" and ")) });
        }
    }

    pub(super) fn timer(&mut self, timer: Timer) {
        self.witness_timer(timer);
        self.note(What::Timer { side: self.side, name: timer.name() });
    }

    pub(super) fn entered(&mut self, state: State) {
        self.witness_state(state);
        self.note(What::State { side: self.side, name: state.name() });
    }

    pub(super) fn stated(&mut self, fact: &Fact) {
        let side = self.side;
        let measured = side == self.plan.closer_side();
        let stanza = |from, number, step| Some(What::Stanza { from, number, step });
        let app = |text: &str| Some(What::App { side, text: text.into() });
        let what = match *fact {
            Fact::Up => app("stream is up"),
            Fact::Sent { stanza: number, size, .. } => stanza(side, number, StanzaStep::Sent { size }),
            Fact::Delivered { stanza: number } => stanza(side.other(), number, StanzaStep::Delivered),
            Fact::Deferred(count) => app(&format!("holds back {count}")),
            Fact::Again { stanza, of } => {
                app(&format!("writes stanza {} of an earlier stream again, as {stanza}", of.1))
            }
            Fact::Decided if measured => Some(What::Mark(Mark::Decision)),
            Fact::Released(_) if measured => Some(What::Mark(Mark::Release)),
            Fact::Noticed if !measured => Some(What::Mark(Mark::Notice)),
            // The closed ledger tells where stanzas died.
            Fact::Unprocessed { .. }
            | Fact::Late { .. }
            | Fact::Decided
            | Fact::Released(_)
            | Fact::Noticed
            | Fact::Disorder(_) => None,
        };
        if let Some(what) = what {
            self.note(what);
        }
    }
}
