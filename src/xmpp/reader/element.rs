//! The facts about one top-level element, gathered while it comes in.

use super::namespace::Namespace;
use crate::xmpp::config::{Condition, StreamKind};
use crate::xmpp::stanza::{Child, Element, IqType, Management, Name};

/// A top-level element in the making.
#[derive(Debug)]
pub(super) struct Building {
    name: Name,
    iq: Option<IqType>,
    number: Option<u32>,
    h: Option<u32>,
    child: Child,
}

impl Default for Building {
    fn default() -> Self {
        Self { name: Name::Other, iq: None, number: None, h: None, child: Child::None }
    }
}

impl Building {
    /// An attribute without prefix of the top-level element; its name is resolved only later, in [`Self::top`].
    pub(super) fn attribute(&mut self, local: &[u8], value: &[u8]) {
        match local {
            b"id" | b"previd" => self.number = number(value),
            b"h" => self.h = decimal(value),
            b"type" => {
                self.iq = match value {
                    b"get" => Some(IqType::Get),
                    b"set" => Some(IqType::Set),
                    b"result" => Some(IqType::Result),
                    b"error" => Some(IqType::Error),
                    _ => None,
                }
            }
            _ => {}
        }
    }

    /// The start tag of the top-level element is whole, in a stream of this kind.
    pub(super) fn top(&mut self, kind: Option<StreamKind>, namespace: Namespace, local: &[u8]) {
        let content = match kind {
            Some(StreamKind::ClientToServer) => namespace == Namespace::Client,
            Some(StreamKind::ServerToServer) => namespace == Namespace::Server,
            None => false,
        };
        self.name = match (namespace, local) {
            (Namespace::Streams, b"features") => Name::Features,
            (Namespace::Streams, b"error") => Name::StreamError,
            (Namespace::Sasl, b"auth") => Name::Auth,
            (Namespace::Sasl, b"success") => Name::Success,
            (Namespace::Management, local) => management(local).map_or(Name::Other, Name::Management),
            (_, b"message") if content => Name::Message,
            (_, b"presence") if content => Name::Presence,
            (_, b"iq") if content => Name::Iq,
            _ => Name::Other,
        };
        if self.name != Name::Iq {
            self.iq = None;
        }
        if !matches!(self.name, Name::Management(_)) {
            self.h = None;
        }
    }

    /// The start tag of an element inside it is whole.
    pub(super) fn child(&mut self, namespace: Namespace, local: &[u8]) {
        if matches!(self.child, Child::None | Child::Other) {
            self.child = match (namespace, local) {
                (Namespace::Ping, b"ping") => Child::Ping,
                (Namespace::Bind, b"bind") => Child::Bind,
                (Namespace::Sasl, b"mechanisms") => Child::Mechanisms,
                (Namespace::Management, b"sm") => Child::Management,
                (Namespace::StreamErrors, b"connection-timeout") => Child::Condition(Condition::ConnectionTimeout),
                (Namespace::StreamErrors, b"conflict") => Child::Condition(Condition::Conflict),
                (Namespace::StreamErrors, b"policy-violation") => Child::Condition(Condition::PolicyViolation),
                (Namespace::StreamErrors, b"system-shutdown") => Child::Condition(Condition::SystemShutdown),
                _ => Child::Other,
            };
        }
    }

    /// The element is whole and was `size` bytes long.
    pub(super) fn finish(&self, size: u32) -> Element {
        Element { name: self.name, iq: self.iq, number: self.number, h: self.h, child: self.child, size }
    }
}

/// The element of XEP-0198 with this local name.
fn management(local: &[u8]) -> Option<Management> {
    Some(match local {
        b"enable" => Management::Enable,
        b"enabled" => Management::Enabled,
        b"r" => Management::Request,
        b"a" => Management::Ack,
        b"resume" => Management::Resume,
        b"resumed" => Management::Resumed,
        b"failed" => Management::Failed,
        _ => return None,
    })
}

/// The number in an id: decimal digits, behind one letter or none.
fn number(id: &[u8]) -> Option<u32> {
    let digits = match id {
        [first, digits @ ..] if first.is_ascii_alphabetic() => digits,
        digits => digits,
    };
    decimal(digits)
}

/// A number below 2^32 in decimal digits.
fn decimal(digits: &[u8]) -> Option<u32> {
    let add = |number: u32, digit: &u8| {
        let digit = digit.checked_sub(b'0').filter(|digit| *digit < 10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    if digits.is_empty() { None } else { digits.iter().try_fold(0, add) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stand_behind_one_letter_or_none() {
        for (id, wanted) in [
            ("c17", Some(17)),
            ("17", Some(17)),
            ("q0", Some(0)),
            ("s4294967295", Some(u32::MAX)),
            ("s4294967296", None),
            ("", None),
            ("c", None),
            ("cc1", None),
            ("1c", None),
            ("+1", None),
            ("c+1", None),
            ("é1", None),
        ] {
            assert_eq!(number(id.as_bytes()), wanted, "id {id:?}");
        }
    }
}
