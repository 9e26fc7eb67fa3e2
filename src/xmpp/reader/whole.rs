//! The short way: a header, a top-level element or a close tag of the usual form that lies whole in the chunk.
//!
//! Nearly everything on an XMPP stream is so. It is read where it lies: nothing is copied, and no state is
//! kept. Whatever is not of the usual form, is not whole or breaks a rule is left untouched to the lexer, which goes the
//! long way from its first byte. So this reader may refuse what it likes; what it takes, the long way must
//! take too, with the same result: the tests hold both against each other.

use super::bytes::{self, BLANK, NAME, VALUE};
use super::element::Building;
use super::lexer::MAX_TOKEN;
use super::namespace::Namespace;
use super::root::Root;
use crate::xmpp::config::StreamKind;
use crate::xmpp::stanza::Element;

/// Deepest nesting that goes the short way, the top-level element counted.
const DEEPEST: usize = 8;

/// Most attributes of one element that go the short way.
const MOST_ATTRIBUTES: usize = 8;

/// What holds for the elements of a stream.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around {
    /// The stream's kind, for [`Building::top`].
    pub(super) kind: Option<StreamKind>,
    /// The default namespace of the header.
    pub(super) default: Namespace,
    /// The namespace of the prefix `stream`.
    pub(super) streams: Namespace,
    /// Longest element in bytes.
    pub(super) limit: u32,
}

/// An element that is open: where its name lies, and the default namespace inside it.
#[derive(Clone, Copy)]
struct Open<'a> {
    name: &'a [u8],
    default: Namespace,
}

/// What follows a start tag.
enum Content {
    Some,
    None,
}

/// The element at the front of `chunk`; `None` if it has to go the long way.
pub(super) fn element(chunk: &[u8], around: Around) -> Option<Element> {
    if chunk.first() != Some(&b'<') {
        return None;
    }
    let mut whole = Whole::new(chunk, around.default);
    let mut building = Building::default();
    loop {
        // At a `<`.
        if whole.rest.get(1) == Some(&b'/') {
            whole.end_tag()?;
        } else if let Content::None = whole.start_tag(around, &mut building)? {
            whole.depth -= 1;
        }
        if whole.depth == 0 {
            let size = u32::try_from(chunk.len() - whole.rest.len()).ok()?;
            return (size <= around.limit).then(|| building.finish(size));
        }
        whole.skip(bytes::text_run(whole.rest));
        if whole.rest.first() != Some(&b'<') {
            return None;
        }
    }
}

/// The XML declaration as nearly everybody writes it.
const DECLARATION: &[u8] = b"<?xml version='1.0'?>";

/// A header at the front of a chunk.
pub(super) struct Opening {
    /// Its bytes, with the declaration before it.
    pub(super) length: usize,
    /// Its own bytes.
    pub(super) size: u32,
    pub(super) root: Root,
}

/// The header at the front of `chunk`, behind a declaration or nothing; `None` if it has to go the long way.
pub(super) fn header(chunk: &[u8], limit: u32) -> Option<Opening> {
    let tag = chunk.strip_prefix(DECLARATION).unwrap_or(chunk);
    let mut whole = Whole::new(tag.strip_prefix(b"<stream:stream")?, Namespace::Absent);
    let root = Root::usual_of(&whole.declarations()?)?;
    whole.rest = whole.rest.strip_prefix(b">")?;
    let size = u32::try_from(tag.len() - whole.rest.len()).ok().filter(|size| *size <= limit)?;
    Some(Opening { length: chunk.len() - whole.rest.len(), size, root })
}

/// What has not been read yet, and the elements that are open.
struct Whole<'a> {
    rest: &'a [u8],
    open: [Open<'a>; DEEPEST],
    depth: usize,
}

/// Prefixes that a header declares (empty for the default), each with its namespace.
type Declarations<'a> = [(&'a [u8], Namespace); 3];

impl<'a> Whole<'a> {
    fn new(rest: &'a [u8], default: Namespace) -> Self {
        Self { rest, open: [Open { name: b"", default }; DEEPEST], depth: 0 }
    }

    fn skip(&mut self, bytes: usize) {
        self.rest = &self.rest[bytes..];
    }

    /// Takes so many bytes.
    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    /// A name up to the byte that ends it: ASCII, not empty, not too long.
    fn name(&mut self) -> Option<&'a [u8]> {
        let name = self.take(bytes::run(NAME, self.rest));
        (starts_name(name) && name.len() <= MAX_TOKEN && name.is_ascii()).then_some(name)
    }

    fn end_tag(&mut self) -> Option<()> {
        let name = self.open[self.depth.checked_sub(1)?].name;
        let tag = self.rest.get(2..name.len() + 3)?;
        if tag[name.len()] != b'>' || tag[..name.len()] != *name {
            return None;
        }
        self.skip(name.len() + 3);
        self.depth -= 1;
        Some(())
    }

    fn start_tag(&mut self, around: Around, building: &mut Building) -> Option<Content> {
        self.skip(1);
        let name = self.name()?;
        if self.depth == DEEPEST {
            return None;
        }
        let outside = if self.depth == 0 { around.default } else { self.open[self.depth - 1].default };
        let default = self.attributes(outside, self.depth == 0, building)?;
        let (namespace, local) = match name.strip_prefix(b"stream:") {
            Some(local) => (around.streams, Some(local).filter(|local| starts_name(local))?),
            None => (default, name),
        };
        if local.contains(&b':') {
            return None;
        }
        match self.depth {
            0 => building.top(around.kind, namespace, local),
            1 => building.child(namespace, local),
            _ => {}
        }
        self.open[self.depth] = Open { name, default };
        self.depth += 1;
        match self.rest {
            [b'>', ..] => {
                self.skip(1);
                Some(Content::Some)
            }
            [b'/', b'>', ..] => {
                self.skip(2);
                Some(Content::None)
            }
            _ => None,
        }
    }

    /// What the attributes of a header declare, up to its `>` or `/`. Places that are not needed stay [`Namespace::Absent`].
    fn declarations(&mut self) -> Option<Declarations<'a>> {
        let mut found: Declarations<'_> = [(b"", Namespace::Absent); 3];
        let mut declared = 0;
        let mut names = [b"" as &[u8]; MOST_ATTRIBUTES];
        for count in 0.. {
            let Some(name) = self.attribute_name(&names[..count.min(MOST_ATTRIBUTES)])? else { break };
            *names.get_mut(count)? = name;
            let value = self.value()?;
            let prefix = match name {
                b"xmlns" => b"",
                b"xml:lang" => continue,
                _ => match name.strip_prefix(b"xmlns:") {
                    Some(prefix) if starts_name(prefix) && !prefix.contains(&b':') => prefix,
                    None if !name.contains(&b':') => continue,
                    _ => return None,
                },
            };
            *found.get_mut(declared)? = (prefix, known(value).filter(|namespace| *namespace != Namespace::Absent)?);
            declared += 1;
        }
        Some(found)
    }

    /// Behind white space the name of the next attribute, which none of the earlier `names` may be; `Some(None)` at the end
    /// of the tag.
    #[expect(clippy::option_option, reason = "no attribute, and not for the short way")]
    fn attribute_name(&mut self, names: &[&[u8]]) -> Option<Option<&'a [u8]>> {
        let blank = bytes::run(BLANK, self.rest);
        self.skip(blank);
        if matches!(self.rest.first()?, b'>' | b'/') {
            return Some(None);
        }
        let name = self.name()?;
        (blank > 0 && !names.contains(&name)).then_some(Some(name))
    }

    /// The attributes of a start tag, up to its `>` or `/`; the default namespace that holds behind them.
    fn attributes(&mut self, outside: Namespace, top: bool, building: &mut Building) -> Option<Namespace> {
        let mut default = outside;
        let mut names = [b"" as &[u8]; MOST_ATTRIBUTES];
        for count in 0.. {
            let Some(name) = self.attribute_name(&names[..count.min(MOST_ATTRIBUTES)])? else { break };
            if name.contains(&b':') {
                return None;
            }
            *names.get_mut(count)? = name;
            let value = self.value()?;
            match name {
                b"xmlns" => default = known(value)?,
                b"id" | b"type" | b"h" | b"previd" if top => building.attribute(name, value),
                _ => {}
            }
        }
        Some(default)
    }

    /// `=` and a value of nothing but itself, in quotes.
    fn value(&mut self) -> Option<&'a [u8]> {
        let &[b'=', quote @ (b'\'' | b'"'), ..] = self.rest else { return None };
        self.skip(2);
        let value = self.take(bytes::run(VALUE, self.rest));
        let ends = self.rest.first() == Some(&quote) && value.len() <= MAX_TOKEN;
        ends.then(|| self.skip(1))?;
        Some(value)
    }
}

/// A namespace that may be declared and needs no name of its own.
fn known(value: &[u8]) -> Option<Namespace> {
    let namespace = Namespace::of(value);
    let may_not = matches!(namespace, Namespace::Unknown | Namespace::Xml | Namespace::Xmlns);
    (!may_not).then_some(namespace)
}

/// Whether a name or a part of one may begin so, among ASCII characters.
fn starts_name(part: &[u8]) -> bool {
    part.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_')
}
