//! The XML declaration: version 1.0, and UTF-8 and standalone if it says anything of them (RFC 6120 §11.5, §11.6).

use super::error::{ReadError, Restriction};
use super::names::Names;

/// An XML declaration in the making.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Declaration {
    /// How many of `version`, `encoding` and `standalone` have come. They come in this order.
    said: u8,
}

impl Declaration {
    /// The last attribute of `names` is the next of the declaration.
    pub(super) fn attribute(&mut self, names: &mut Names) -> Result<(), ReadError> {
        let (name, value) = names.last_attribute();
        let allowed: &[u8] = match (self.said, name) {
            (0, b"version") => b"1.0",
            (1, b"encoding") => b"utf-8",
            (2, b"standalone") => b"yes",
            _ => return Err(ReadError::NotWellFormed),
        };
        if !value.eq_ignore_ascii_case(allowed) {
            return Err(ReadError::Restricted(Restriction::Declaration));
        }
        self.said += 1;
        names.clear();
        Ok(())
    }

    /// `?>` may come: the version is said.
    pub(super) fn end(self) -> Result<(), ReadError> {
        if self.said > 0 { Ok(()) } else { Err(ReadError::NotWellFormed) }
    }
}
