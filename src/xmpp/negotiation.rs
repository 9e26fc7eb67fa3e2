//! Opening a stream: from the first byte until it is up (RFC 6120 §4.2, §4.3, §6, §7).
//!
//! `minimal` is header and features: one round trip. `full` is header, features, SASL, restart, header, features, bind:
//! four round trips as a client needs them; a stream between servers has no resource to bind and takes three.
//! Stream management (XEP-0198 §3) takes one more in each: a client that waits for `<enabled/>` before its first stanza.
//! The server's side is up when it has written its last word, the client's when it has read that.

use crate::id::Side;
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
    /// The stream is up.
    Up(StreamWriter),
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
    pub(super) fn handle(self, config: &PartyConfig, item: Item, out: &mut Outbox) -> Result<Progress, Disorder> {
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
                Self::step(config, awaited, writer, element, out)
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
        Progress::Up(writer)
    }

    /// All that needs no stream management is agreed on: the client's next step, if there is one.
    fn enable(config: &PartyConfig, writer: StreamWriter, out: &mut Outbox) -> Progress {
        if config.management.is_none() {
            return Progress::Up(writer);
        }
        out.push(None, |bytes| writer.enable(false, bytes));
        Progress::Opening(Self::Awaiting(Awaited::Enabled, writer))
    }

    fn step(
        config: &PartyConfig,
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
                out.push(None, |bytes| writer.bind_set(0, bytes));
                Ok(Progress::Opening(Self::Awaiting(Awaited::Bound, writer)))
            }
            (Awaited::Features | Awaited::FeaturesAgain, Name::Features, _)
                if config.management.is_none() || element.child == Child::Management =>
            {
                Ok(Self::enable(config, writer, out))
            }
            (Awaited::Bound, Name::Iq, Some(IqType::Result)) => Ok(Self::enable(config, writer, out)),
            (Awaited::Enabled, Name::Management(Management::Enabled), _) => Ok(Progress::Up(writer)),
            (Awaited::Enable, Name::Management(Management::Enable), _) => {
                out.push(None, |bytes| writer.enabled(None, bytes));
                Ok(Progress::Up(writer))
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
                    None => Progress::Up(writer),
                })
            }
            _ => Err(Disorder::Unexpected(Item::Element(element))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::{Micros, SimTime};
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
        let management = StreamManagement { request_every: Some(5), request_interval: None, window: None };
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
