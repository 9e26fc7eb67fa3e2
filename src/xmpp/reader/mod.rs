//! The incremental stream parser: bytes in any pieces, items out.
//!
//! A [`Reader`] takes one direction of a stream. It refuses whatever RFC 6120 §11.1 forbids, and whatever could make it
//! need unbounded memory or more than linear time; between stanzas it costs a few hundred bytes.
//!
//! ```
//! use farewell::xmpp::{config::MAX_STANZA, reader::Reader, stanza::Item};
//!
//! let mut reader = Reader::new(MAX_STANZA);
//! let mut chunk: &[u8] = b"<stream:stream xmlns='jabber:client' \
//!     xmlns:stream='http://etherx.jabber.org/streams'><presence/></stream:stre";
//! assert!(matches!(reader.next(&mut chunk), Ok(Some(Item::Header(_)))));
//! assert!(matches!(reader.next(&mut chunk), Ok(Some(Item::Element(_)))));
//! assert_eq!(reader.next(&mut chunk), Ok(None)); // the chunk is used up
//! assert_eq!(reader.next(&mut &b"am>"[..]), Ok(Some(Item::CloseTag)));
//! ```

mod element;
mod error;
#[cfg(test)]
mod hostile;
mod lexer;
mod names;
#[cfg(test)]
mod random;
#[cfg(test)]
mod tests;

use self::element::Building;
pub use self::error::{ReadError, Restriction};
use self::lexer::{Lexer, MAX_TOKEN, Token};
use self::names::{Names, Namespace};
use super::stanza::{Header, Item};

/// Deepest nesting of elements, the stream's root counted.
pub const MAX_DEPTH: u8 = 64;

/// Most attributes of one element, namespace declarations counted.
pub const MAX_ATTRIBUTES: usize = 64;

/// Longest stream header, and longest XML declaration, in bytes.
pub const MAX_HEADER: u32 = 16_384;

/// Where the next byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At the very beginning.
    Start,
    /// In the first piece of markup: an XML declaration or the root's tag.
    First,
    /// Before the root, behind white space or a declaration.
    BeforeRoot,
    /// In the root's start tag.
    Header,
    /// Right behind the header: the root may prove empty (`<stream:stream/>`).
    HeaderEnd,
    /// Between top-level elements: white space, an element or the close tag may come.
    Between,
    /// In a top-level element or in the close tag.
    Inside,
    /// Behind the close tag.
    End,
}

/// Reads one direction of a stream.
#[derive(Debug)]
pub struct Reader {
    lexer: Lexer,
    names: Names,
    building: Building,
    place: Place,
    /// Elements open, the root counted.
    depth: u8,
    /// Bytes since the last `<` that followed [`Place::Start`], [`Place::BeforeRoot`] or [`Place::Between`].
    used: u32,
    limit: u32,
    failed: Option<ReadError>,
}

impl Reader {
    /// A reader that has seen nothing. No top-level element may be longer than `limit` bytes.
    pub fn new(limit: u32) -> Self {
        Self {
            lexer: Lexer::new(),
            names: Names::default(),
            building: Building::default(),
            place: Place::Start,
            depth: 0,
            used: 0,
            limit,
            failed: None,
        }
    }

    /// Takes the next item from the front of `chunk` and moves `chunk` behind its last byte.
    ///
    /// `None`: the chunk is used up (it is empty now) and the next item is not whole. Call again with the next chunk.
    /// Items come one at a time, so that [`Self::restart`] may be called between two; the rest of the chunk stays with
    /// the caller.
    ///
    /// # Errors
    ///
    /// What cannot be read, see [`ReadError`]. From then on every call returns the same error.
    pub fn next(&mut self, chunk: &mut &[u8]) -> Result<Option<Item>, ReadError> {
        if let Some(error) = self.failed {
            return Err(error);
        }
        let result = self.step(chunk);
        match result {
            Ok(Some(_)) => {}
            Ok(None) => {
                self.lexer.release();
                self.names.release(!matches!(self.place, Place::First | Place::Header | Place::Inside));
            }
            // The parser and its memory are of no more use.
            Err(error) => *self = Self { failed: Some(error), ..Self::new(self.limit) },
        }
        result
    }

    /// A new stream begins with the next byte, as after SASL success (RFC 6120 §6.4.6).
    pub fn restart(&mut self) {
        *self = Self::new(self.limit);
    }

    fn step(&mut self, chunk: &mut &[u8]) -> Result<Option<Item>, ReadError> {
        loop {
            self.skip_blank(chunk)?;
            let room = self.room();
            // A look at 8 KiB at a time: the lexer searches all that it is given for the end of a run of text.
            let mut window = &chunk[..chunk.len().min(room).min(MAX_TOKEN)];
            let given = window.len();
            let event = self.lexer.next(&mut window)?;
            let taken = given - window.len();
            *chunk = &chunk[taken..];
            self.used += u32::try_from(taken).expect("a window is at most 8 KiB");
            match event {
                Some(event) => {
                    if let Some(item) = self.take(&event.token())? {
                        return Ok(Some(item));
                    }
                }
                None if self.place == Place::HeaderEnd => self.place = Place::Between,
                None if chunk.is_empty() => return Ok(None),
                None if room == 0 => return Err(ReadError::StanzaTooBig),
                None => {}
            }
        }
    }

    /// Skips white space between elements, which is never buffered; behind it only markup may come.
    fn skip_blank(&mut self, chunk: &mut &[u8]) -> Result<(), ReadError> {
        let next = match self.place {
            Place::Start => Place::First,
            Place::BeforeRoot => Place::Header,
            Place::Between => Place::Inside,
            Place::End => Place::End,
            Place::First | Place::Header | Place::HeaderEnd | Place::Inside => return Ok(()),
        };
        let blank = chunk.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        *chunk = &chunk[blank..];
        match (chunk.first(), self.place) {
            (None, Place::Start) if blank > 0 => self.place = Place::BeforeRoot,
            (None, _) => {}
            (Some(_), Place::End) => return Err(ReadError::AfterEnd),
            (Some(b'<'), place) => {
                // Behind white space there can be no declaration any more.
                self.place = if place == Place::Start && blank > 0 { Place::Header } else { next };
                self.used = 0;
            }
            (Some(_), Place::Between) => return Err(ReadError::TextOutsideStanza),
            (Some(_), _) => return Err(ReadError::NotAStream),
        }
        Ok(())
    }

    /// How many bytes the piece of markup that the next byte belongs to may still have.
    fn room(&self) -> usize {
        let limit = match self.place {
            Place::First | Place::Header => MAX_HEADER,
            Place::Inside => self.limit,
            Place::Start | Place::BeforeRoot | Place::HeaderEnd | Place::Between | Place::End => return 0,
        };
        (limit - self.used) as usize
    }

    fn take(&mut self, token: &Token<'_>) -> Result<Option<Item>, ReadError> {
        match *token {
            Token::Declaration if self.place == Place::First => self.place = Place::BeforeRoot,
            Token::Declaration => return Err(ReadError::NotWellFormed),
            Token::Open { prefix, local } => {
                if self.depth == MAX_DEPTH {
                    return Err(ReadError::TooDeep);
                }
                self.depth += 1;
                self.names.open(prefix, local);
                if self.place == Place::First {
                    self.place = Place::Header;
                }
            }
            Token::Attribute { prefix, local, value } => {
                self.names.attribute(self.depth, prefix, local, value)?;
                if self.depth == 2 && prefix.is_empty() {
                    self.building.attribute(local, value);
                }
            }
            Token::HeadEnd => return self.head_end(),
            Token::Foot => return Ok(self.foot()),
            // Text between top-level elements gets here only in a CDATA section.
            Token::Text if self.depth < 2 => return Err(ReadError::TextOutsideStanza),
            Token::Text => {}
        }
        Ok(None)
    }

    fn head_end(&mut self) -> Result<Option<Item>, ReadError> {
        let (namespace, local) = self.names.head_end()?;
        match self.depth {
            1 => {
                if namespace != Namespace::Streams || local != "stream" {
                    return Err(ReadError::NotAStream);
                }
                self.place = Place::HeaderEnd;
                let kind = self.names.content();
                self.building.stream(kind);
                return Ok(Some(Item::Header(Header { kind, size: self.used })));
            }
            2 => self.building.top(namespace, local),
            3 => self.building.child(namespace, local),
            _ => {}
        }
        Ok(None)
    }

    fn foot(&mut self) -> Option<Item> {
        self.names.close(self.depth);
        self.depth -= 1;
        match self.depth {
            0 => {
                self.place = Place::End;
                Some(Item::CloseTag)
            }
            1 => {
                self.place = Place::Between;
                Some(Item::Element(self.building.finish(self.used)))
            }
            _ => None,
        }
    }
}
