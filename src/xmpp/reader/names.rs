//! Names: of the elements that are open, of the attributes of a start tag, and the namespaces that are declared.
//!
//! Namespaces in XML 1.0: every prefix in use is declared in scope (§5), and no element has two attributes of the same
//! expanded name (§6.3). All bytes lie in one buffer, the innermost element's last: what an element brought goes with it.

use smallvec::SmallVec;

use super::characters::split_name;
use super::namespace::Namespace;
use super::root::Root;
use super::{MAX_ATTRIBUTES, ReadError};

/// Most namespace declarations in scope at a time. They are searched one by one, so their number bounds the time a
/// name takes.
const MAX_DECLARATIONS: usize = 128;

/// A name in [`Names::text`]: prefix from `start` to `colon`, local name from `local` to `end`.
#[derive(Clone, Copy, Debug)]
struct Span {
    start: u32,
    colon: u32,
    local: u32,
    end: u32,
}

/// One namespace declaration in scope.
#[derive(Clone, Copy, Debug)]
struct Declaration {
    /// How many elements were open, with the one that declares it.
    depth: u8,
    namespace: Namespace,
    /// Where the prefix lies; empty for the default namespace.
    prefix: (u32, u32),
    /// Where the name of an unknown namespace lies; else empty.
    unknown: (u32, u32),
}

/// The names and namespaces of a top-level element, or of the header while it comes in.
///
/// What a stanza usually needs is held without an allocation.
#[derive(Debug, Default)]
pub(super) struct Names {
    text: SmallVec<[u8; 128]>,
    /// The elements that are open.
    open: SmallVec<[Span; 4]>,
    /// The attributes of the start tag that is coming in.
    attributes: SmallVec<[Span; 6]>,
    declarations: SmallVec<[Declaration; 2]>,
    /// Where the name that is coming in begins; behind an attribute's name, where its value does.
    begun: usize,
}

impl Names {
    /// A name begins.
    pub(super) fn begin(&mut self) {
        self.begun = self.text.len();
    }

    /// Some bytes of a name, or of a value that is kept.
    pub(super) fn extend(&mut self, bytes: &[u8]) {
        self.text.extend_from_slice(bytes);
    }

    /// The name that has come in is an element's.
    pub(super) fn open(&mut self) -> Result<(), ReadError> {
        let span = self.span()?;
        self.open.push(span);
        self.attributes.clear();
        Ok(())
    }

    /// The name that has come in is an attribute's. Says whether its value means something and is to be kept.
    pub(super) fn attribute_name(&mut self) -> Result<bool, ReadError> {
        let span = self.span()?;
        self.attributes.push(span);
        self.begun = self.text.len();
        match (self.prefix(span), self.local(span)) {
            (b"xmlns", b"xmlns") => Err(ReadError::NotWellFormed),
            (b"xmlns", _) | (b"", b"xmlns" | b"id" | b"type" | b"h" | b"previd") => Ok(true),
            _ => Ok(false),
        }
    }

    /// The last attribute: its name with its prefix, and its value if that was kept.
    pub(super) fn last_attribute(&self) -> (&[u8], &[u8]) {
        let name = self.attributes.last().map_or(b"" as &[u8], |span| self.at(span.start, span.end));
        (name, &self.text[self.begun..])
    }

    /// The last attribute is whole.
    pub(super) fn attribute(&mut self, root: &Root) -> Result<(), ReadError> {
        if self.attributes.len() > MAX_ATTRIBUTES {
            return Err(ReadError::TooManyAttributes);
        }
        let Some(&span) = self.attributes.last() else { return Ok(()) };
        let mut value_stays = false;
        let prefix = match (self.prefix(span), self.local(span)) {
            (b"", b"xmlns") => Some((0, 0)),
            (b"xmlns", _) => Some((span.local, span.end)),
            _ => None,
        };
        if let Some(prefix) = prefix {
            value_stays = self.declare(prefix, root)?;
        }
        if !value_stays {
            self.text.truncate(self.begun);
        }
        Ok(())
    }

    /// The start tag is whole: checks all its names and returns the element's.
    pub(super) fn head_end(&self, root: &Root) -> Result<(Namespace, &[u8]), ReadError> {
        for (index, attribute) in self.attributes.iter().enumerate() {
            let (prefix, local) = (self.prefix(*attribute), self.local(*attribute));
            let earlier = self.attributes[..index].iter().filter(|other| self.local(**other) == local);
            let expanded = self.expanded(prefix, root)?;
            for other in earlier {
                let other = self.prefix(*other);
                if other == prefix || expanded.is_some() && self.expanded(other, root)? == expanded {
                    return Err(ReadError::DuplicateAttribute);
                }
            }
        }
        let Some(element) = self.open.last() else { return Err(ReadError::NotWellFormed) };
        let (namespace, _) = self.resolve(self.prefix(*element), root)?;
        Ok((namespace, self.local(*element)))
    }

    /// The start tag has been dealt with: only what its element needs is kept.
    pub(super) fn settle(&mut self) {
        let declares = self.declarations.last().is_some_and(|last| usize::from(last.depth) == self.open.len());
        if let Some(element) = self.open.last()
            && !declares
        {
            self.text.truncate(element.end as usize);
        }
        self.attributes.clear();
    }

    /// The name that has come in is an end tag's: checks that it is the innermost element's and forgets it.
    pub(super) fn close_tag(&mut self, root: &Root) -> Result<(), ReadError> {
        let found = &self.text[self.begun..];
        let wanted = if self.open.is_empty() { root.name() } else { self.element() };
        // No element has an empty name.
        if found != wanted || found.is_empty() {
            return Err(ReadError::NotWellFormed);
        }
        self.text.truncate(self.begun);
        Ok(())
    }

    /// The innermost element has ended, and its declarations with it.
    pub(super) fn close(&mut self) {
        let depth = self.open.len();
        while self.declarations.last().is_some_and(|declaration| usize::from(declaration.depth) == depth) {
            self.declarations.pop();
        }
        if let Some(element) = self.open.pop() {
            self.text.truncate(element.start as usize);
        }
    }

    /// The innermost element's name with its prefix.
    pub(super) fn element(&self) -> &[u8] {
        self.open.last().map_or(b"", |span| self.at(span.start, span.end))
    }

    /// How many declarations are in scope.
    pub(super) fn declared(&self) -> usize {
        self.declarations.len()
    }

    /// The innermost declaration of a prefix: the namespace, with its name if it is unknown.
    pub(super) fn find(&self, prefix: &[u8]) -> Option<(Namespace, &[u8])> {
        let is_it = |declaration: &&Declaration| self.at(declaration.prefix.0, declaration.prefix.1) == prefix;
        let declaration = self.declarations.iter().rev().find(is_it)?;
        Some((declaration.namespace, self.at(declaration.unknown.0, declaration.unknown.1)))
    }

    /// The namespace of a prefix, of the default if the prefix is empty; with its name if it is unknown.
    pub(super) fn resolve<'a>(&'a self, prefix: &[u8], root: &'a Root) -> Result<(Namespace, &'a [u8]), ReadError> {
        match self.find(prefix).or_else(|| root.find(prefix)) {
            Some(found) => Ok(found),
            None if prefix.is_empty() => Ok((Namespace::Absent, b"")),
            None if prefix == b"xml" => Ok((Namespace::Xml, b"")),
            None => Err(ReadError::UndeclaredPrefix),
        }
    }

    /// The namespace of an attribute: without a prefix it has none, whatever the default is, and declarations have none.
    fn expanded<'a>(&'a self, prefix: &[u8], root: &'a Root) -> Result<Option<(Namespace, &'a [u8])>, ReadError> {
        if prefix.is_empty() || prefix == b"xmlns" { Ok(None) } else { self.resolve(prefix, root).map(Some) }
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// The last attribute declares the prefix that lies there. Says whether its value has to stay.
    fn declare(&mut self, prefix: (u32, u32), root: &Root) -> Result<bool, ReadError> {
        let value = &self.text[self.begun..];
        let namespace = Namespace::of(value);
        match (self.at(prefix.0, prefix.1), namespace) {
            (b"xml", Namespace::Xml) => return Ok(false),
            (b"xml", _) | (_, Namespace::Xml | Namespace::Xmlns) => return Err(ReadError::NotWellFormed),
            (b"", _) => {}
            (_, Namespace::Absent) => return Err(ReadError::NotWellFormed),
            _ => {}
        }
        if self.declarations.len() + root.declared() >= MAX_DECLARATIONS {
            return Err(ReadError::TooManyAttributes);
        }
        let stays = namespace == Namespace::Unknown;
        let unknown = if stays { (offset(self.begun), offset(self.text.len())) } else { (0, 0) };
        let depth = u8::try_from(self.open.len()).map_err(|_| ReadError::TooDeep)?;
        self.declarations.push(Declaration { depth, namespace, prefix, unknown });
        Ok(stays)
    }

    /// Where the name lies that has come in; checks it.
    fn span(&self) -> Result<Span, ReadError> {
        let (prefix, local) = split_name(&self.text[self.begun..])?;
        let at = |place: usize| offset(self.begun + place);
        Ok(Span { start: at(0), colon: at(prefix), local: at(local), end: offset(self.text.len()) })
    }

    fn at(&self, from: u32, to: u32) -> &[u8] {
        &self.text[from as usize..to as usize]
    }

    fn prefix(&self, span: Span) -> &[u8] {
        self.at(span.start, span.colon)
    }

    fn local(&self, span: Span) -> &[u8] {
        self.at(span.local, span.end)
    }
}

/// Places in the buffer fit: it is no longer than a stanza.
fn offset(place: usize) -> u32 {
    u32::try_from(place).expect("a stanza's length is 32 bits")
}
