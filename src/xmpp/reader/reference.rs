//! References: `&lt;`, `&#65;`, `&#x41;`.

use super::bytes::{self, NAME};
use super::characters::is_allowed;
use super::error::{ReadError, Restriction};

/// Longest name of an entity, and most digits of a character.
const MAX_REFERENCE: usize = 8;

/// A reference in the making: what stands between `&` and `;`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reference {
    kind: Kind,
    text: [u8; MAX_REFERENCE],
    length: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Entity,
    Decimal,
    Hexadecimal,
}

impl Reference {
    /// Behind `&`.
    pub(super) fn new() -> Self {
        Self { kind: Kind::Entity, text: [0; MAX_REFERENCE], length: 0 }
    }

    /// Takes the next byte; with `;` comes the character.
    pub(super) fn push(&mut self, byte: u8) -> Result<Option<char>, ReadError> {
        let belongs = match (self.kind, byte) {
            (_, b';') => return self.resolve().map(Some),
            (Kind::Entity, b'#') if self.length == 0 => {
                self.kind = Kind::Decimal;
                return Ok(None);
            }
            (Kind::Decimal, b'x') if self.length == 0 => {
                self.kind = Kind::Hexadecimal;
                return Ok(None);
            }
            (Kind::Entity, _) => bytes::is(NAME, byte),
            (Kind::Decimal, _) => byte.is_ascii_digit(),
            (Kind::Hexadecimal, _) => byte.is_ascii_hexdigit(),
        };
        if !belongs {
            return Err(ReadError::NotWellFormed);
        }
        let place = self.text.get_mut(usize::from(self.length));
        *place.ok_or(ReadError::Restricted(Restriction::Entity))? = byte;
        self.length += 1;
        Ok(None)
    }

    fn resolve(&self) -> Result<char, ReadError> {
        let text = &self.text[..usize::from(self.length)];
        let radix = match self.kind {
            Kind::Entity => return entity(text),
            Kind::Decimal => 10,
            Kind::Hexadecimal => 16,
        };
        let digits = std::str::from_utf8(text).ok();
        let code = digits.and_then(|digits| u32::from_str_radix(digits, radix).ok());
        code.and_then(char::from_u32).filter(|&character| is_allowed(character)).ok_or(ReadError::NotWellFormed)
    }
}

/// The five entities that need no document type.
fn entity(name: &[u8]) -> Result<char, ReadError> {
    match name {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"apos" => Ok('\''),
        b"quot" => Ok('"'),
        b"" => Err(ReadError::NotWellFormed),
        _ => Err(ReadError::Restricted(Restriction::Entity)),
    }
}
