//! The referee: the parser crate's events beside those of the lexer, for the same bytes.

use rxml::error::EndOrError;
use rxml::parser::{Options, WithOptions as _};
use rxml::{Parse as _, RawEvent, RawParser};

use super::error::{ReadError, Restriction};
use super::lexer::{Event, Lexer, MAX_TOKEN};
use super::names::Names;
use super::root::Root;

/// An event with its strings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    Declaration,
    /// A start tag's name with its prefix.
    Open(String),
    /// An attribute's name with its prefix, and its value if it is one that the reader looks at.
    Attribute(String, String),
    HeadEnd,
    Foot,
}

/// Events up to the end of the root, and the error that came instead.
type Seeing = (Vec<Seen>, Option<ReadError>);

/// What the referee sees.
pub(super) fn referee(mut bytes: &[u8]) -> Seeing {
    let mut parser = RawParser::with_options(Options { max_token_length: MAX_TOKEN, ..Options::default() });
    let mut seen = Vec::new();
    let mut depth = 0;
    loop {
        let name = |prefix: Option<String>, local: String| match prefix {
            Some(prefix) => format!("{prefix}:{local}"),
            None => local,
        };
        match parser.parse(&mut bytes, false) {
            // Carriage returns in a value escape the parser's own count.
            Ok(Some(RawEvent::Attribute(_, _, value))) if value.len() > MAX_TOKEN => {
                return (seen, Some(ReadError::TooLong));
            }
            Ok(Some(RawEvent::XmlDeclaration(..))) => seen.push(Seen::Declaration),
            Ok(Some(RawEvent::ElementHeadOpen(_, (prefix, local)))) => {
                depth += 1;
                seen.push(Seen::Open(name(prefix.map(Into::into), local.into())));
            }
            Ok(Some(RawEvent::Attribute(_, (prefix, local), value))) => {
                let name = name(prefix.map(Into::into), local.into());
                let value = if is_looked_at(&name) { value } else { String::new() };
                seen.push(Seen::Attribute(name, value));
            }
            Ok(Some(RawEvent::ElementHeadClose(_))) => seen.push(Seen::HeadEnd),
            Ok(Some(RawEvent::ElementFoot(_))) => {
                depth -= 1;
                seen.push(Seen::Foot);
                if depth == 0 {
                    return (seen, None);
                }
            }
            Ok(Some(RawEvent::Text(..))) => {}
            Ok(None) | Err(EndOrError::NeedMoreData) => return (seen, None),
            Err(EndOrError::Error(error)) => return (seen, Some(refusal(error))),
        }
    }
}

/// What the lexer sees, in pieces.
pub(super) fn lexer<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Seeing {
    let (mut lexer, mut names, mut seen, mut depth) = (Lexer::new(true), Names::default(), Vec::new(), 0);
    for mut piece in pieces {
        loop {
            let before = piece;
            let event = lexer.next(&mut piece, &mut names);
            let taken = &before[..before.len() - piece.len()];
            // Outside the root the reader lets nothing but white space behind a declaration get here.
            let is_blank = taken.iter().all(u8::is_ascii_whitespace) && !seen.is_empty();
            if depth == 0 && (event == Ok(Some(Event::Section)) || event == Ok(Some(Event::Text)) && !is_blank) {
                return (seen, Some(ReadError::NotWellFormed));
            }
            match event.and_then(|event| event.map(|event| see(event, &mut names, &mut seen)).transpose()) {
                Ok(None) => break,
                Ok(Some(by)) => depth += by,
                Err(error) => return (seen, Some(error)),
            }
            if depth == 0 && seen.last() == Some(&Seen::Foot) {
                return (seen, None);
            }
        }
        assert!(piece.is_empty(), "{} bytes were left over", piece.len());
    }
    (seen, None)
}

/// Notes an event and says by how much the depth changes.
fn see(event: Event, names: &mut Names, seen: &mut Vec<Seen>) -> Result<i32, ReadError> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("names and values are valid");
    match event {
        Event::Declaration => seen.push(Seen::Declaration),
        Event::Open => {
            seen.push(Seen::Open(text(names.element())));
            return Ok(1);
        }
        Event::Attribute => {
            let (name, value) = names.last_attribute();
            let attribute = Seen::Attribute(text(name), text(value));
            names.attribute(&Root::Absent)?;
            seen.push(attribute);
        }
        Event::HeadEnd => {
            names.settle();
            seen.push(Seen::HeadEnd);
        }
        Event::Empty => {
            names.settle();
            names.close();
            seen.extend([Seen::HeadEnd, Seen::Foot]);
            return Ok(-1);
        }
        Event::Close => names.close_tag(&Root::Absent)?,
        Event::Foot => {
            names.close();
            seen.push(Seen::Foot);
            return Ok(-1);
        }
        Event::Text | Event::Section => {}
    }
    Ok(0)
}

/// Whether the reader keeps the value of such an attribute.
fn is_looked_at(name: &str) -> bool {
    matches!(name, "id" | "type" | "xmlns" | "h" | "previd") || name.starts_with("xmlns:")
}

/// What an error of the referee means here.
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
