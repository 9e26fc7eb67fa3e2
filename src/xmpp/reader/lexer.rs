//! The only file that names the XML parser crate: rxml's raw parser behind three functions.
//!
//! What it refuses by itself: whatever is not well-formed, comments, processing instructions, document types, entities
//! beyond the five, names and values above [`MAX_TOKEN`], wrong nesting. What it lets pass and the reader has to check:
//! duplicate attributes and undeclared prefixes.

use rxml::error::EndOrError;
use rxml::parser::{Options, WithOptions as _};
use rxml::{Parse as _, RawEvent, RawParser};

use super::error::{ReadError, Restriction};

/// Longest name or attribute value, in bytes.
pub(super) const MAX_TOKEN: usize = 8192;

/// One event of the parser, which owns its strings.
pub(super) struct Event(RawEvent);

/// An event as the reader looks at it. A missing prefix is an empty one.
pub(super) enum Token<'a> {
    /// `<?xml version='1.0'?>`.
    Declaration,
    /// `<prefix:local`.
    Open { prefix: &'a str, local: &'a str },
    /// `prefix:local='value'`, namespace declarations included.
    Attribute { prefix: &'a str, local: &'a str, value: &'a str },
    /// `>` of a start tag, or of an empty element: then [`Token::Foot`] follows without a byte.
    HeadEnd,
    /// `>` of an end tag.
    Foot,
    /// Character data.
    Text,
}

impl Event {
    pub(super) fn token(&self) -> Token<'_> {
        match &self.0 {
            RawEvent::XmlDeclaration(..) => Token::Declaration,
            RawEvent::ElementHeadOpen(_, (prefix, local)) => {
                Token::Open { prefix: prefix.as_deref().map_or("", |prefix| prefix.as_str()), local: local.as_str() }
            }
            RawEvent::Attribute(_, (prefix, local), value) => Token::Attribute {
                prefix: prefix.as_deref().map_or("", |prefix| prefix.as_str()),
                local: local.as_str(),
                value,
            },
            RawEvent::ElementHeadClose(_) => Token::HeadEnd,
            RawEvent::ElementFoot(_) => Token::Foot,
            RawEvent::Text(..) => Token::Text,
        }
    }
}

/// The tokenizer of one stream.
#[derive(Debug)]
pub(super) struct Lexer(RawParser);

impl Lexer {
    pub(super) fn new() -> Self {
        Self(RawParser::with_options(Options { max_token_length: MAX_TOKEN, ..Options::default() }))
    }

    /// The next event from the front of `bytes`; `None` when all of them are used up and the next one is not whole.
    ///
    /// An event is handed out with the byte that completes it: no byte behind that one is taken.
    pub(super) fn next(&mut self, bytes: &mut &[u8]) -> Result<Option<Event>, ReadError> {
        match self.0.parse(bytes, false) {
            // Carriage returns in a value escape the parser's own count.
            Ok(Some(RawEvent::Attribute(_, _, value))) if value.len() > MAX_TOKEN => Err(ReadError::TooLong),
            Ok(event) => Ok(event.map(Event)),
            Err(EndOrError::NeedMoreData) => Ok(None),
            Err(EndOrError::Error(error)) => Err(refusal(error)),
        }
    }

    /// Gives back memory that only a token in the making needs.
    pub(super) fn release(&mut self) {
        self.0.release_temporaries();
    }
}

/// What an error of the parser means here. Its texts are pinned by the hostile inputs in the tests.
fn refusal(error: rxml::Error) -> ReadError {
    match error {
        rxml::Error::RestrictedXml("comments") => ReadError::Restricted(Restriction::Comment),
        rxml::Error::RestrictedXml("processing instructions") => {
            ReadError::Restricted(Restriction::ProcessingInstruction)
        }
        rxml::Error::RestrictedXml("long name or reference" | "event too long") => ReadError::TooLong,
        rxml::Error::RestrictedXml(_) => ReadError::Restricted(Restriction::Declaration),
        rxml::Error::InvalidSyntax("malformed cdata or comment section start") => {
            ReadError::Restricted(Restriction::DocumentType)
        }
        rxml::Error::UndeclaredEntity => ReadError::Restricted(Restriction::Entity),
        rxml::Error::DuplicateAttribute => ReadError::DuplicateAttribute,
        rxml::Error::UndeclaredNamespacePrefix(_) => ReadError::UndeclaredPrefix,
        rxml::Error::InvalidEof(_)
        | rxml::Error::InvalidChar(..)
        | rxml::Error::UnexpectedChar(..)
        | rxml::Error::UnexpectedByte(..)
        | rxml::Error::InvalidSyntax(_)
        | rxml::Error::UnexpectedToken(..)
        | rxml::Error::ElementMismatch
        | rxml::Error::MultiColonName(_)
        | rxml::Error::EmptyNamePart(_)
        | rxml::Error::ReservedNamespacePrefix
        | rxml::Error::ReservedNamespaceName
        | rxml::Error::InvalidLocalName(_)
        | rxml::Error::EmptyNamespaceUri
        | rxml::Error::InvalidUtf8Byte(_) => ReadError::NotWellFormed,
    }
}
