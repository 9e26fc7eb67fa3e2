//! Namespaces and attribute names: what the lexer does not check.
//!
//! Namespaces in XML 1.0: every prefix in use is declared in scope (§5), and no element has two attributes of the same
//! expanded name (§6.3).

use super::{MAX_ATTRIBUTES, ReadError};
use crate::xmpp::config::StreamKind;

/// Most namespace declarations in scope at a time. They are searched one by one, so their number bounds the time a
/// name takes.
const MAX_DECLARATIONS: usize = 128;

/// The namespaces that mean something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Namespace {
    /// No namespace.
    Absent,
    /// `jabber:client`.
    Client,
    /// `jabber:server`.
    Server,
    /// Of the header, features and stream errors.
    Streams,
    /// Of stream error conditions.
    StreamErrors,
    /// Of SASL.
    Sasl,
    /// Of resource binding.
    Bind,
    /// Of XEP-0199.
    Ping,
    /// Of the prefix `xml`.
    Xml,
    /// Of the prefix `xmlns`; nothing may be bound to it.
    Xmlns,
    /// Any other: the declaration keeps its name.
    Unknown,
}

impl Namespace {
    fn of(name: &str) -> Self {
        match name {
            "" => Self::Absent,
            "jabber:client" => Self::Client,
            "jabber:server" => Self::Server,
            "http://etherx.jabber.org/streams" => Self::Streams,
            "urn:ietf:params:xml:ns:xmpp-streams" => Self::StreamErrors,
            "urn:ietf:params:xml:ns:xmpp-sasl" => Self::Sasl,
            "urn:ietf:params:xml:ns:xmpp-bind" => Self::Bind,
            "urn:xmpp:ping" => Self::Ping,
            "http://www.w3.org/XML/1998/namespace" => Self::Xml,
            "http://www.w3.org/2000/xmlns/" => Self::Xmlns,
            _ => Self::Unknown,
        }
    }
}

/// One namespace declaration in scope.
#[derive(Debug)]
struct Declaration {
    /// Depth of the element that declares it.
    depth: u8,
    namespace: Namespace,
    /// Empty for the default namespace.
    prefix: Box<str>,
    /// The name of an unknown namespace, else empty.
    unknown: Box<str>,
}

/// A name in [`Names::text`]: prefix from `start` to `colon`, local name from `colon` to `end`.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    colon: u32,
    end: u32,
}

/// The declarations in scope, and the names of the start tag that is coming in.
#[derive(Debug, Default)]
pub(super) struct Names {
    declarations: Vec<Declaration>,
    text: String,
    /// The element's own name, then its attributes'.
    spans: Vec<Span>,
}

impl Names {
    /// A start tag begins.
    pub(super) fn open(&mut self, prefix: &str, local: &str) {
        self.text.clear();
        self.spans.clear();
        self.push(prefix, local);
    }

    /// An attribute of the start tag of an element at `depth`.
    pub(super) fn attribute(&mut self, depth: u8, prefix: &str, local: &str, value: &str) -> Result<(), ReadError> {
        if self.spans.len() > MAX_ATTRIBUTES {
            return Err(ReadError::TooManyAttributes);
        }
        self.push(prefix, local);
        match (prefix, local) {
            ("", "xmlns") => self.declare(depth, "", value),
            // The lexer has made sure that this is bound to its own namespace only.
            ("xmlns", "xml") => Ok(()),
            ("xmlns", prefix) => self.declare(depth, prefix, value),
            _ => Ok(()),
        }
    }

    /// The start tag is whole: checks all its names and returns the element's.
    pub(super) fn head_end(&self) -> Result<(Namespace, &str), ReadError> {
        let (element, attributes) = self.spans.split_first().expect("a start tag begins with its name");
        for (index, attribute) in attributes.iter().enumerate() {
            let (prefix, local) = (self.prefix(*attribute), self.local(*attribute));
            let earlier = &attributes[..index];
            if earlier.iter().any(|other| self.prefix(*other) == prefix && self.local(*other) == local) {
                return Err(ReadError::DuplicateAttribute);
            }
            // An attribute without a prefix has no namespace, whatever the default is.
            if prefix.is_empty() || prefix == "xmlns" {
                continue;
            }
            let expanded = self.resolve(prefix)?;
            for other in earlier.iter().filter(|other| self.local(**other) == local) {
                let prefix = self.prefix(*other);
                if !prefix.is_empty() && prefix != "xmlns" && self.resolve(prefix)? == expanded {
                    return Err(ReadError::DuplicateAttribute);
                }
            }
        }
        let (namespace, _) = self.resolve(self.prefix(*element))?;
        Ok((namespace, self.local(*element)))
    }

    /// The element at `depth` has ended, and its declarations with it.
    pub(super) fn close(&mut self, depth: u8) {
        while self.declarations.last().is_some_and(|declaration| declaration.depth == depth) {
            self.declarations.pop();
        }
    }

    /// The default namespace as a content namespace.
    pub(super) fn content(&self) -> Option<StreamKind> {
        match self.resolve("") {
            Ok((Namespace::Client, _)) => Some(StreamKind::ClientToServer),
            Ok((Namespace::Server, _)) => Some(StreamKind::ServerToServer),
            _ => None,
        }
    }

    /// Gives back memory that only a start tag in the making needs. `at_rest`: none is.
    pub(super) fn release(&mut self, at_rest: bool) {
        if at_rest {
            self.text = String::new();
            self.spans = Vec::new();
            self.declarations.shrink_to_fit();
        }
    }

    fn push(&mut self, prefix: &str, local: &str) {
        let at = |text: &String| u32::try_from(text.len()).expect("a stanza's length is 32 bits");
        let start = at(&self.text);
        self.text.push_str(prefix);
        let colon = at(&self.text);
        self.text.push_str(local);
        self.spans.push(Span { start, colon, end: at(&self.text) });
    }

    fn prefix(&self, span: Span) -> &str {
        &self.text[span.start as usize..span.colon as usize]
    }

    fn local(&self, span: Span) -> &str {
        &self.text[span.colon as usize..span.end as usize]
    }

    fn declare(&mut self, depth: u8, prefix: &str, name: &str) -> Result<(), ReadError> {
        let namespace = Namespace::of(name);
        if namespace == Namespace::Xmlns {
            return Err(ReadError::NotWellFormed);
        }
        if self.declarations.len() == MAX_DECLARATIONS {
            return Err(ReadError::TooManyAttributes);
        }
        let unknown = if namespace == Namespace::Unknown { name.into() } else { Box::default() };
        self.declarations.push(Declaration { depth, namespace, prefix: prefix.into(), unknown });
        Ok(())
    }

    /// The namespace of a prefix, with its name if that is unknown; of the default if the prefix is empty.
    fn resolve(&self, prefix: &str) -> Result<(Namespace, &str), ReadError> {
        match self.declarations.iter().rev().find(|declaration| &*declaration.prefix == prefix) {
            Some(declaration) => Ok((declaration.namespace, &declaration.unknown)),
            None if prefix.is_empty() => Ok((Namespace::Absent, "")),
            None if prefix == "xml" => Ok((Namespace::Xml, "")),
            None => Err(ReadError::UndeclaredPrefix),
        }
    }
}

#[cfg(test)]
impl Names {
    /// Bytes allocated.
    pub(super) fn heap(&self) -> usize {
        let texts = self.declarations.iter().map(|declaration| declaration.prefix.len() + declaration.unknown.len());
        self.text.capacity()
            + self.spans.capacity() * size_of::<Span>()
            + self.declarations.capacity() * size_of::<Declaration>()
            + texts.sum::<usize>()
    }
}
