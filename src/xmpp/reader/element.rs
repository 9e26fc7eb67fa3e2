//! The facts about one top-level element, gathered while it comes in.

use super::names::Namespace;
use crate::xmpp::config::{Condition, StreamKind};
use crate::xmpp::stanza::{Child, Element, IqType, Name};

/// A top-level element in the making.
#[derive(Debug)]
pub(super) struct Building {
    /// What the header said.
    kind: Option<StreamKind>,
    name: Name,
    iq: Option<IqType>,
    number: Option<u32>,
    child: Child,
}

impl Default for Building {
    fn default() -> Self {
        Self { kind: None, name: Name::Other, iq: None, number: None, child: Child::None }
    }
}

impl Building {
    /// The header has come.
    pub(super) fn stream(&mut self, kind: Option<StreamKind>) {
        self.kind = kind;
    }

    /// An attribute without prefix of the top-level element; its name is resolved only later, in [`Self::top`].
    pub(super) fn attribute(&mut self, local: &str, value: &str) {
        match local {
            "id" => self.number = number(value),
            "type" => {
                self.iq = match value {
                    "get" => Some(IqType::Get),
                    "set" => Some(IqType::Set),
                    "result" => Some(IqType::Result),
                    "error" => Some(IqType::Error),
                    _ => None,
                }
            }
            _ => {}
        }
    }

    /// The start tag of the top-level element is whole.
    pub(super) fn top(&mut self, namespace: Namespace, local: &str) {
        let content = match self.kind {
            Some(StreamKind::ClientToServer) => namespace == Namespace::Client,
            Some(StreamKind::ServerToServer) => namespace == Namespace::Server,
            None => false,
        };
        self.name = match (namespace, local) {
            (Namespace::Streams, "features") => Name::Features,
            (Namespace::Streams, "error") => Name::StreamError,
            (Namespace::Sasl, "auth") => Name::Auth,
            (Namespace::Sasl, "success") => Name::Success,
            (_, "message") if content => Name::Message,
            (_, "presence") if content => Name::Presence,
            (_, "iq") if content => Name::Iq,
            _ => Name::Other,
        };
        if self.name != Name::Iq {
            self.iq = None;
        }
    }

    /// The start tag of an element inside it is whole.
    pub(super) fn child(&mut self, namespace: Namespace, local: &str) {
        if matches!(self.child, Child::None | Child::Other) {
            self.child = match (namespace, local) {
                (Namespace::Ping, "ping") => Child::Ping,
                (Namespace::Bind, "bind") => Child::Bind,
                (Namespace::Sasl, "mechanisms") => Child::Mechanisms,
                (Namespace::StreamErrors, "connection-timeout") => Child::Condition(Condition::ConnectionTimeout),
                (Namespace::StreamErrors, "conflict") => Child::Condition(Condition::Conflict),
                (Namespace::StreamErrors, "policy-violation") => Child::Condition(Condition::PolicyViolation),
                (Namespace::StreamErrors, "system-shutdown") => Child::Condition(Condition::SystemShutdown),
                _ => Child::Other,
            };
        }
    }

    /// The element is whole and was `size` bytes long. Ready for the next.
    pub(super) fn finish(&mut self, size: u32) -> Element {
        let done = std::mem::replace(self, Self { kind: self.kind, ..Self::default() });
        Element { name: done.name, iq: done.iq, number: done.number, child: done.child, size }
    }
}

/// The number in an id: decimal digits, behind one letter or none.
fn number(id: &str) -> Option<u32> {
    let digits = id.strip_prefix(|first: char| first.is_ascii_alphabetic()).unwrap_or(id);
    // `parse` alone would take a sign too.
    if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
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
            assert_eq!(number(id), wanted, "id {id:?}");
        }
    }
}
