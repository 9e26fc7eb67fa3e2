//! Why a stream cannot be read on.

use std::fmt;

/// What ended the reading. Nothing more comes after one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadError {
    /// Not XML, or not XML with namespaces: the syntax, a character, the nesting, a reserved name.
    NotWellFormed,
    /// XML, but what XMPP forbids (RFC 6120 §11.1).
    Restricted(Restriction),
    /// A prefix that no `xmlns:` in scope declares.
    UndeclaredPrefix,
    /// The same attribute twice in one element, by its text or by its namespace.
    DuplicateAttribute,
    /// Elements nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// More than [`MAX_ATTRIBUTES`](super::MAX_ATTRIBUTES) in one element.
    TooManyAttributes,
    /// A name or an attribute value longer than 8192 bytes.
    TooLong,
    /// A top-level element longer than the reader's limit, or a header longer than [`MAX_HEADER`](super::MAX_HEADER).
    StanzaTooBig,
    /// Text between stanzas that is not white space.
    TextOutsideStanza,
    /// The first thing sent is not `<`, or the root is not a stream of the streams namespace.
    NotAStream,
    /// Something that is not white space behind the close tag.
    AfterEnd,
}

/// What RFC 6120 §11.1 forbids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restriction {
    /// `<!-- … -->`.
    Comment,
    /// `<?target …?>`.
    ProcessingInstruction,
    /// `<!DOCTYPE …>` and its like.
    DocumentType,
    /// A reference to another entity than `&lt;`, `&gt;`, `&amp;`, `&apos;` and `&quot;`.
    Entity,
    /// An XML declaration of another version than 1.0, another encoding than UTF-8, or not standalone.
    Declaration,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotWellFormed => "not well-formed XML",
            Self::Restricted(restriction) => return restriction.fmt(f),
            Self::UndeclaredPrefix => "a prefix that is declared nowhere",
            Self::DuplicateAttribute => "an attribute given twice",
            Self::TooDeep => "elements nested deeper than 64",
            Self::TooManyAttributes => "more than 64 attributes in one element",
            Self::TooLong => "a name or a value longer than 8192 bytes",
            Self::StanzaTooBig => "a stanza longer than the limit",
            Self::TextOutsideStanza => "text between stanzas, only white space is allowed",
            Self::NotAStream => "the start of something else, an XMPP stream begins with <stream:stream",
            Self::AfterEnd => "data after the close tag, only white space is allowed",
        })
    }
}

impl fmt::Display for Restriction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Comment => "a comment, XMPP allows none",
            Self::ProcessingInstruction => "a processing instruction, XMPP allows none",
            Self::DocumentType => "a document type, XMPP allows none",
            Self::Entity => "an entity reference, XMPP allows only lt, gt, amp, apos and quot",
            Self::Declaration => "an XML declaration, only version 1.0, UTF-8 and standalone are allowed",
        })
    }
}

impl std::error::Error for ReadError {}
