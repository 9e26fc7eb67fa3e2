//! What comes out of a stream: the few facts about each top-level element that a simulated party acts on.
//!
//! Nothing here owns memory: an [`Item`] is a small value, so that a million stanzas cost no allocation of their own.

use super::config::{Condition, StreamKind};

/// One thing read from a stream, in the order of the bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item {
    /// The stream header, `<stream:stream …>`.
    Header(Header),
    /// A whole top-level element: a stanza, features, a SASL element, a stream error.
    Element(Element),
    /// `</stream:stream>`.
    CloseTag,
}

/// A stream header (RFC 6120 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// What the default namespace says; `None` for another one than `jabber:client` and `jabber:server`.
    pub kind: Option<StreamKind>,
    /// Bytes on the wire, the XML declaration not counted.
    pub size: u32,
}

/// A top-level element, from its `<` to its last `>`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element {
    /// What it is, by namespace and local name.
    pub name: Name,
    /// The `type` attribute of an [`Name::Iq`]; `None` elsewhere, and where it is missing or unknown.
    pub iq: Option<IqType>,
    /// The number in the `id` attribute, or in `previd` (XEP-0198): decimal digits, behind one letter or none (`c17`, `q3`,
    /// `17`).
    pub number: Option<u32>,
    /// The `h` attribute of an element of XEP-0198: stanzas handled, modulo 2^32; `None` elsewhere, and where it is no
    /// such number.
    pub h: Option<u32>,
    /// What is inside: the first child that has a name of its own in [`Child`], else [`Child::Other`] or [`Child::None`].
    pub child: Child,
    /// Bytes on the wire, tags included.
    pub size: u32,
}

/// What a top-level element is. Right local name in the right namespace, whatever the prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Name {
    /// `features` of the streams namespace (RFC 6120 §4.3.2).
    Features,
    /// SASL `auth` (RFC 6120 §6.4.2).
    Auth,
    /// SASL `success` (RFC 6120 §6.4.6): a new stream begins behind it.
    Success,
    /// `message` of the stream's content namespace.
    Message,
    /// `presence` of the stream's content namespace.
    Presence,
    /// `iq` of the stream's content namespace.
    Iq,
    /// `error` of the streams namespace (RFC 6120 §4.9).
    StreamError,
    /// An element of XEP-0198.
    Management(Management),
    /// Anything else.
    Other,
}

/// The elements of stream management (XEP-0198) that stand at the top of a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Management {
    /// `enable`: a client turns it on (§3).
    Enable,
    /// `enabled`: it is on (§3).
    Enabled,
    /// `r`: asks for an acknowledgement (§4).
    Request,
    /// `a`: acknowledges (§4).
    Ack,
    /// `resume`: a client asks for its former session (§5).
    Resume,
    /// `resumed`: it has it again (§5).
    Resumed,
    /// `failed`: it was not turned on or not resumed (§5, §6).
    Failed,
}

/// The four types of an info/query stanza (RFC 6120 §8.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IqType {
    /// A question.
    Get,
    /// An order.
    Set,
    /// The answer.
    Result,
    /// The refusal.
    Error,
}

/// What is inside a top-level element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Child {
    /// No element.
    None,
    /// `ping` (XEP-0199).
    Ping,
    /// `bind` (RFC 6120 §7), in features and in an iq.
    Bind,
    /// SASL `mechanisms` (RFC 6120 §6.3.3), in features.
    Mechanisms,
    /// `sm` (XEP-0198 §2), in features that offer nothing of the above.
    Management,
    /// The condition of a stream error, one that a closer here may send.
    Condition(Condition),
    /// Elements, but none of the above.
    Other,
}
