//! Opening a stream: from the first byte until it is up (RFC 6120 §4.2, §4.3, §6, §7).
//!
//! `minimal` is header and features: one round trip. `full` is header, features, SASL, restart, header, features, bind:
//! four round trips as a client needs them; a stream between servers has no resource to bind and takes three.
//! Stream management (XEP-0198 §3) takes one more in each: a client that waits for `<enabled/>` before its first stanza.
//! The server's side is up when it has written its last word, the client's when it has read that.

use crate::id::Side;
use crate::time::Micros;
use crate::xmpp::config::{Negotiation, StreamKind};
use crate::xmpp::fact::Disorder;
use crate::xmpp::outbox::Outbox;
use crate::xmpp::party::PartyConfig;
use crate::xmpp::stanza::{Child, Element, IqType, Item, Management, Name};
use crate::xmpp::writer::{Features, StreamWriter};

/// A stream that is being opened.
#[derive(Debug)]
pub(super) enum Opening {
    /// A server before the other side's header.
    AwaitingStream,
    /// Something was written, and this is to come next.
    Awaiting(Awaited, StreamWriter),
}

/// What comes next.
#[derive(Clone, Copy, Debug)]
pub(super) enum Awaited {
    /// Client: the server's first features.
    Features,
    /// Client: SASL success.
    Success,
    /// Client: features after the restart.
    FeaturesAgain,
    /// Client: the answer to its bind request.
    Bound,
    /// Client: stream management is on.
    Enabled,
    /// Client: its former session, or that there is none.
    Resumed,
    /// Server: SASL auth.
    Auth,
    /// Server: the header after the restart.
    HeaderAgain,
    /// Server: the bind request.
    Bind,
    /// Server: the wish for stream management.
    Enable,
}

/// How far an item has brought the opening.
#[derive(Debug)]
pub(super) enum Progress {
    /// Not there yet.
    Opening(Opening),
    /// Not there yet, and what is read next is a new stream.
    Restarted(Opening),
    /// Not there yet: the session that is asked for must be handed over by a stream that is still up; then comes the same
    /// item again.
    Claims(Opening),
    /// The stream is up.
    Up(StreamWriter, Agreed),
}

/// What was agreed on about the session (XEP-0198 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Agreed {
    /// A new one, with its identifier if it can be resumed; or none.
    Anew(Option<u32>),
    /// The former one goes on; the other side has handled so many stanzas in it.
    Resumed(u32),
}

/// What a party remembers when it opens a stream.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Memory {
    /// The former session that can be resumed: its identifier, and how many stanzas were handled in it.
    pub(super) session: Option<(u32, u32)>,
    /// The identifier of the next session and how long it is kept, if sessions can be resumed.
    pub(super) next: Option<(u32, Micros)>,
    /// Whether another stream may still hold the session that is asked for.
    pub(super) held: bool,
}

impl Opening {
    /// TCP is up: the client speaks first.
    pub(super) fn begin(config: &PartyConfig, out: &mut Outbox) -> Self {
        match config.side {
            Side::Client => {
                let writer = out.push(None, |bytes| StreamWriter::open(config.kind, config.side, bytes));
                Self::Awaiting(Awaited::Features, writer)
            }
            Side::Server => Self::AwaitingStream,
        }
    }

    /// Takes the next item and writes what has to be written.
    pub(super) fn handle(
        self,
        config: &PartyConfig,
        memory: &Memory,
        item: Item,
        out: &mut Outbox,
    ) -> Result<Progress, Disorder> {
        match (self, item) {
            (Self::AwaitingStream, Item::Header(_)) => Ok(Self::welcome(config, out)),
            (Self::Awaiting(Awaited::HeaderAgain, writer), Item::Header(_)) => {
                Ok(Self::welcome_again(config, writer, out))
            }
            // A server's header says nothing that its features do not say.
            (this @ Self::Awaiting(Awaited::Features | Awaited::FeaturesAgain, _), Item::Header(_)) => {
                Ok(Progress::Opening(this))
            }
            (Self::Awaiting(awaited, writer), Item::Element(element)) => {
                Self::step(config, memory, awaited, writer, element, out)
            }
            (Self::AwaitingStream | Self::Awaiting(..), item) => Err(Disorder::Unexpected(item)),
        }
    }

    /// The server's first answer.
    fn welcome(config: &PartyConfig, out: &mut Outbox) -> Progress {
        out.push(None, |bytes| {
            let writer = StreamWriter::open(config.kind, config.side, bytes);
            match config.negotiation {
                Negotiation::Minimal => Self::last_features(config, writer, bytes),
                Negotiation::Full => {
                    writer.features(Features::Sasl, bytes);
                    Progress::Opening(Self::Awaiting(Awaited::Auth, writer))
                }
            }
        })
    }

    /// The server's answer to the header after the restart.
    fn welcome_again(config: &PartyConfig, writer: StreamWriter, out: &mut Outbox) -> Progress {
        out.push(None, |bytes| {
            writer.restart(bytes);
            match config.kind {
                StreamKind::ClientToServer => {
                    let managed = config.management.is_some();
                    writer.features(if managed { Features::BindAndManagement } else { Features::Bind }, bytes);
                    Progress::Opening(Self::Awaiting(Awaited::Bind, writer))
                }
                StreamKind::ServerToServer => Self::last_features(config, writer, bytes),
            }
        })
    }

    /// The server's features where no resource is to be bound.
    fn last_features(config: &PartyConfig, writer: StreamWriter, bytes: &mut Vec<u8>) -> Progress {
        if config.management.is_some() {
            writer.features(Features::Management, bytes);
            return Progress::Opening(Self::Awaiting(Awaited::Enable, writer));
        }
        writer.features(Features::None, bytes);
        Progress::Up(writer, Agreed::Anew(None))
    }

    /// All that needs no stream management is agreed on: the client's next step, if there is one.
    fn enable(config: &PartyConfig, memory: &Memory, writer: StreamWriter, out: &mut Outbox) -> Progress {
        if config.management.is_none() {
            return Progress::Up(writer, Agreed::Anew(None));
        }
        out.push(None, |bytes| writer.enable(memory.next.is_some(), bytes));
        Progress::Opening(Self::Awaiting(Awaited::Enabled, writer))
    }

    /// The client's step when all but resource and session is agreed on: it asks for its former session, if it has one.
    fn begin_session(
        config: &PartyConfig,
        memory: &Memory,
        binds: bool,
        writer: StreamWriter,
        out: &mut Outbox,
    ) -> Progress {
        if let (Some((id, handled)), true) = (memory.session, config.management.is_some()) {
            out.push(None, |bytes| writer.resume(id, handled, bytes));
            return Progress::Opening(Self::Awaiting(Awaited::Resumed, writer));
        }
        Self::bind_or_enable(config, memory, binds, writer, out)
    }

    fn bind_or_enable(
        config: &PartyConfig,
        memory: &Memory,
        binds: bool,
        writer: StreamWriter,
        out: &mut Outbox,
    ) -> Progress {
        if !binds {
            return Self::enable(config, memory, writer, out);
        }
        out.push(None, |bytes| writer.bind_set(0, bytes));
        Progress::Opening(Self::Awaiting(Awaited::Bound, writer))
    }

    /// The server's answer to a client that asks for a former session: it has it, or goes on awaiting what it did.
    fn resume(memory: &Memory, awaited: Awaited, writer: StreamWriter, element: Element, out: &mut Outbox) -> Progress {
        match (memory.session, element.number, element.h) {
            (Some((id, handled)), Some(asked), Some(h)) if id == asked => {
                out.push(None, |bytes| writer.resumed(id, handled, bytes));
                Progress::Up(writer, Agreed::Resumed(h))
            }
            (None, Some(_), Some(_)) if memory.held => Progress::Claims(Self::Awaiting(awaited, writer)),
            _ => {
                out.push(None, |bytes| writer.failed(None, bytes));
                Progress::Opening(Self::Awaiting(awaited, writer))
            }
        }
    }

    fn step(
        config: &PartyConfig,
        memory: &Memory,
        awaited: Awaited,
        writer: StreamWriter,
        element: Element,
        out: &mut Outbox,
    ) -> Result<Progress, Disorder> {
        let full = config.negotiation == Negotiation::Full;
        match (awaited, element.name, element.iq) {
            (Awaited::Features, Name::Features, _) if full => {
                out.push(None, |bytes| writer.auth(bytes));
                Ok(Progress::Opening(Self::Awaiting(Awaited::Success, writer)))
            }
            (Awaited::Success, Name::Success, _) => {
                out.push(None, |bytes| writer.restart(bytes));
                Ok(Progress::Restarted(Self::Awaiting(Awaited::FeaturesAgain, writer)))
            }
            (Awaited::FeaturesAgain, Name::Features, _) if element.child == Child::Bind => {
                Ok(Self::begin_session(config, memory, true, writer, out))
            }
            (Awaited::Features | Awaited::FeaturesAgain, Name::Features, _)
                if config.management.is_none() || element.child == Child::Management =>
            {
                Ok(Self::begin_session(config, memory, false, writer, out))
            }
            (Awaited::Bound, Name::Iq, Some(IqType::Result)) => Ok(Self::enable(config, memory, writer, out)),
            (Awaited::Enabled, Name::Management(Management::Enabled), _) => {
                let id = element.number.filter(|_| memory.next.is_some());
                Ok(Progress::Up(writer, Agreed::Anew(id)))
            }
            (Awaited::Resumed, Name::Management(Management::Resumed), _) => {
                let h = element.h.ok_or(Disorder::Unexpected(Item::Element(element)))?;
                Ok(Progress::Up(writer, Agreed::Resumed(h)))
            }
            (Awaited::Resumed, Name::Management(Management::Failed), _) => {
                let binds = full && config.kind == StreamKind::ClientToServer;
                Ok(Self::bind_or_enable(config, memory, binds, writer, out))
            }
            (Awaited::Bind | Awaited::Enable, Name::Management(Management::Resume), _) => {
                Ok(Self::resume(memory, awaited, writer, element, out))
            }
            (Awaited::Enable, Name::Management(Management::Enable), _) => {
                out.push(None, |bytes| writer.enabled(memory.next.map(|(id, within)| (id, seconds(within))), bytes));
                Ok(Progress::Up(writer, Agreed::Anew(memory.next.map(|(id, _)| id))))
            }
            (Awaited::Auth, Name::Auth, _) => {
                out.push(None, |bytes| writer.success(bytes));
                Ok(Progress::Restarted(Self::Awaiting(Awaited::HeaderAgain, writer)))
            }
            (Awaited::Bind, Name::Iq, Some(IqType::Set)) => {
                let number = element.number.ok_or(Disorder::Unexpected(Item::Element(element)))?;
                out.push(None, |bytes| writer.bind_result(number, bytes));
                Ok(match config.management {
                    Some(_) => Progress::Opening(Self::Awaiting(Awaited::Enable, writer)),
                    None => Progress::Up(writer, Agreed::Anew(None)),
                })
            }
            _ => Err(Disorder::Unexpected(Item::Element(element))),
        }
    }
}

/// Whole seconds, as the `max` attribute has them.
fn seconds(time: Micros) -> u32 {
    u32::try_from(time.get() / 1_000_000).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::SimTime;
    use crate::xmpp::config::{Responder, StreamManagement};
    use crate::xmpp::testing::{Builder, Pair};

    /// When each side was up, with 10 ms one way.
    fn ups(kind: StreamKind, negotiation: Negotiation) -> [Option<SimTime>; 2] {
        let builder = Pair::builder().kind(kind).negotiation(negotiation).responder(Responder::Compliant);
        up_of(builder)
    }

    fn up_of(builder: Builder) -> [Option<SimTime>; 2] {
        let mut pair = builder.open();
        pair.run_until(SimTime::ZERO + Micros::from_secs(1));
        pair.assert_orderly();
        Side::BOTH.map(|side| pair.up(side))
    }

    fn ms(times: [u64; 2]) -> [Option<SimTime>; 2] {
        times.map(|ms| Some(SimTime::ZERO + Micros::from_millis(ms)))
    }

    #[test]
    fn minimal_is_one_round_trip() {
        for kind in [StreamKind::ClientToServer, StreamKind::ServerToServer] {
            assert_eq!(ups(kind, Negotiation::Minimal), ms([20, 10]));
        }
    }

    #[test]
    fn full_is_four_round_trips_for_a_client() {
        assert_eq!(ups(StreamKind::ClientToServer, Negotiation::Full), ms([80, 70]));
    }

    #[test]
    fn stream_management_takes_one_more() {
        let management = StreamManagement {
            request_every: Some(5),
            request_interval: None,
            window: None,
            ..StreamManagement::PLAIN
        };
        for (kind, negotiation, wanted) in [
            (StreamKind::ClientToServer, Negotiation::Minimal, [40, 30]),
            (StreamKind::ClientToServer, Negotiation::Full, [100, 90]),
            (StreamKind::ServerToServer, Negotiation::Full, [80, 70]),
        ] {
            let builder = Pair::builder().kind(kind).negotiation(negotiation).responder(Responder::Compliant);
            assert_eq!(up_of(builder.managed(management)), ms(wanted), "{kind:?} {negotiation:?}");
        }
    }

    #[test]
    fn full_is_three_round_trips_between_servers() {
        assert_eq!(ups(StreamKind::ServerToServer, Negotiation::Full), ms([60, 50]));
    }
}
