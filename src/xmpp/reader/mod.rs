//! The incremental stream parser: bytes in any pieces, items out.
//!
//! A [`Reader`] takes one direction of a stream. It refuses whatever RFC 6120 §11.1 forbids, and whatever could make it
//! need unbounded memory or more than linear time; between stanzas it costs its own size and nothing on the heap.
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

mod bytes;
mod characters;
mod declaration;
mod element;
mod error;
#[cfg(test)]
mod hostile;
mod lexer;
mod names;
mod namespace;
#[cfg(test)]
mod random;
#[cfg(test)]
mod referee;
mod reference;
mod root;
#[cfg(test)]
mod tests;
mod whole;

use self::element::Building;
pub use self::error::{ReadError, Restriction};
use self::lexer::{Event, Lexer};
use self::names::Names;
use self::namespace::Namespace;
use self::root::Root;
use self::whole::Around;
use super::config::StreamKind;
use super::stanza::{Header, Item};

/// Deepest nesting of elements, the stream's root counted.
pub const MAX_DEPTH: u8 = 64;

/// Most attributes of one element, namespace declarations counted.
pub const MAX_ATTRIBUTES: usize = 64;

/// Longest stream header, and longest XML declaration, in bytes.
pub const MAX_HEADER: u32 = 16_384;

/// The close tag as everybody writes it.
const CLOSE_TAG: &[u8] = b"</stream:stream>";

/// What the default namespace of a header says about the stream.
fn kind_of(default: Namespace) -> Option<StreamKind> {
    let kinds = [(Namespace::Client, StreamKind::ClientToServer), (Namespace::Server, StreamKind::ServerToServer)];
    kinds.into_iter().find(|(namespace, _)| *namespace == default).map(|(_, kind)| kind)
}

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
    /// Right behind the header of an empty root (`<stream:stream/>`), which ends without another byte.
    EmptyRoot,
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
    /// What is needed only while something is coming in.
    work: Option<Box<Work>>,
    root: Root,
    /// What the header said.
    kind: Option<StreamKind>,
    place: Place,
    /// Elements open, the root counted.
    depth: u8,
    /// Bytes since the last `<` that followed [`Place::Start`], [`Place::BeforeRoot`] or [`Place::Between`].
    used: u32,
    limit: u32,
    failed: Option<ReadError>,
}

/// A header or a top-level element that is coming in. Lives on the heap only when a chunk ends inside it.
#[derive(Debug)]
struct Work {
    lexer: Lexer,
    names: Names,
    building: Building,
}

impl Work {
    /// `fresh`: nothing has been read yet.
    fn new(fresh: bool) -> Self {
        Self { lexer: Lexer::new(fresh), names: Names::default(), building: Building::default() }
    }
}

impl Reader {
    /// A reader that has seen nothing. No top-level element may be longer than `limit` bytes.
    pub fn new(limit: u32) -> Self {
        Self { work: None, root: Root::Absent, kind: None, place: Place::Start, depth: 0, used: 0, limit, failed: None }
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
        if chunk.is_empty() && self.place != Place::EmptyRoot {
            return Ok(None);
        }
        if let Some(item) = self.whole_item(chunk) {
            return Ok(Some(item));
        }
        let mut boxed = self.work.take();
        let mut local = None;
        let work = match &mut boxed {
            Some(work) => &mut **work,
            None => local.insert(Work::new(self.place == Place::Start)),
        };
        let result = self.step(work, chunk);
        if let Err(error) = result {
            *self = Self { failed: Some(error), ..Self::new(self.limit) };
        } else if matches!(self.place, Place::First | Place::BeforeRoot | Place::Header | Place::Inside) {
            self.work = boxed.or_else(|| local.map(Box::new));
        }
        result
    }

    /// A new stream begins with the next byte, as after SASL success (RFC 6120 §6.4.6).
    pub fn restart(&mut self) {
        *self = Self::new(self.limit);
    }

    /// What stands at the front of a chunk and is read the short way.
    fn whole_item(&mut self, chunk: &mut &[u8]) -> Option<Item> {
        if self.place == Place::Start {
            let opening = whole::header(chunk, MAX_HEADER)?;
            *chunk = &chunk[opening.length..];
            (self.place, self.depth, self.root) = (Place::Between, 1, opening.root);
            self.kind = self.root.usual().and_then(|(default, _)| kind_of(default));
            return Some(Item::Header(Header { kind: self.kind, size: opening.size }));
        }
        let (default, streams) = self.root.usual().filter(|_| self.place == Place::Between)?;
        if let Some(rest) = chunk.strip_prefix(CLOSE_TAG) {
            *chunk = rest;
            (self.place, self.depth) = (Place::End, 0);
            return Some(Item::CloseTag);
        }
        let element = whole::element(chunk, Around { kind: self.kind, default, streams, limit: self.limit })?;
        *chunk = &chunk[element.size as usize..];
        Some(Item::Element(element))
    }

    fn step(&mut self, work: &mut Work, chunk: &mut &[u8]) -> Result<Option<Item>, ReadError> {
        if self.place == Place::EmptyRoot {
            return Ok(self.foot(work));
        }
        loop {
            self.skip_blank(chunk)?;
            let room = self.room();
            let mut window = &chunk[..chunk.len().min(room)];
            let given = window.len();
            let event = work.lexer.next(&mut window, &mut work.names)?;
            let taken = given - window.len();
            *chunk = &chunk[taken..];
            self.used += u32::try_from(taken).expect("there is no more room than 32 bits");
            match event {
                Some(event) => {
                    if let Some(item) = self.take(event, work)? {
                        return Ok(Some(item));
                    }
                }
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
            Place::First | Place::Header | Place::EmptyRoot | Place::Inside => return Ok(()),
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
            Place::Start | Place::BeforeRoot | Place::EmptyRoot | Place::Between | Place::End => return 0,
        };
        (limit - self.used) as usize
    }

    fn take(&mut self, event: Event, work: &mut Work) -> Result<Option<Item>, ReadError> {
        match event {
            Event::Declaration if self.place == Place::First => self.place = Place::BeforeRoot,
            Event::Declaration => return Err(ReadError::NotWellFormed),
            Event::Open => {
                if self.depth == MAX_DEPTH {
                    return Err(ReadError::TooDeep);
                }
                self.depth += 1;
                if self.place == Place::First {
                    self.place = Place::Header;
                }
            }
            Event::Attribute => {
                if self.depth == 2 {
                    let (name, value) = work.names.last_attribute();
                    work.building.attribute(name, value);
                }
                work.names.attribute(&self.root)?;
            }
            Event::HeadEnd => return self.head_end(work),
            Event::Empty => {
                let header = self.head_end(work)?;
                if header.is_some() {
                    self.place = Place::EmptyRoot;
                    return Ok(header);
                }
                return Ok(self.foot(work));
            }
            Event::Close => work.names.close_tag(&self.root)?,
            Event::Foot => return Ok(self.foot(work)),
            Event::Section if self.depth == 0 => return Err(ReadError::NotWellFormed),
            // Text between top-level elements gets here only in, and behind, a CDATA section.
            Event::Text if self.depth < 2 => return Err(ReadError::TextOutsideStanza),
            Event::Section | Event::Text => {}
        }
        Ok(None)
    }

    fn head_end(&mut self, work: &mut Work) -> Result<Option<Item>, ReadError> {
        let (namespace, local) = work.names.head_end(&self.root)?;
        match self.depth {
            1 => {
                if namespace != Namespace::Streams || local != b"stream" {
                    return Err(ReadError::NotAStream);
                }
                self.place = Place::Between;
                self.kind = work.names.find(b"").and_then(|(default, _)| kind_of(default));
                work.names.settle();
                self.root = Root::of(std::mem::take(&mut work.names));
                return Ok(Some(Item::Header(Header { kind: self.kind, size: self.used })));
            }
            2 => work.building.top(self.kind, namespace, local),
            3 => work.building.child(namespace, local),
            _ => {}
        }
        work.names.settle();
        Ok(None)
    }

    fn foot(&mut self, work: &mut Work) -> Option<Item> {
        work.names.close();
        self.depth -= 1;
        match self.depth {
            0 => {
                self.place = Place::End;
                Some(Item::CloseTag)
            }
            1 => {
                self.place = Place::Between;
                Some(Item::Element(work.building.finish(self.used)))
            }
            _ => None,
        }
    }
}
