//! Characters beyond ASCII: UTF-8 in pieces, and what XML 1.0 allows.

use super::ReadError;

/// A character of several bytes in the making.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Utf8 {
    /// Bytes still to come; 0: none in the making.
    left: u8,
    code: u32,
    /// The smallest code that needs so many bytes.
    least: u32,
}

impl Utf8 {
    /// Whether the next byte belongs to a character that has begun.
    pub(super) fn is_inside(self) -> bool {
        self.left > 0
    }

    /// Takes the next byte, the first of a character or one inside it.
    pub(super) fn push(&mut self, byte: u8) -> Result<(), ReadError> {
        if self.left == 0 {
            let byte = u32::from(byte);
            *self = match byte {
                0xC2..=0xDF => Self { left: 1, code: byte & 0x1F, least: 0x80 },
                0xE0..=0xEF => Self { left: 2, code: byte & 0x0F, least: 0x800 },
                0xF0..=0xF4 => Self { left: 3, code: byte & 0x07, least: 0x1_0000 },
                _ => return Err(ReadError::NotWellFormed),
            };
            return Ok(());
        }
        if !matches!(byte, 0x80..=0xBF) {
            return Err(ReadError::NotWellFormed);
        }
        self.left -= 1;
        self.code = self.code << 6 | u32::from(byte & 0x3F);
        let allowed = || self.code >= self.least && char::from_u32(self.code).is_some_and(is_allowed);
        if self.left > 0 || allowed() { Ok(()) } else { Err(ReadError::NotWellFormed) }
    }
}

/// Whether XML 1.0 allows a character (§2.2).
pub(super) fn is_allowed(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}

/// Checks a name of bytes of the class [`NAME`](super::bytes::NAME) and says where its local part begins, and where its
/// prefix ends.
pub(super) fn split_name(name: &[u8]) -> Result<(usize, usize), ReadError> {
    let colon = name.iter().position(|&byte| byte == b':');
    let (prefix, local) = colon.map_or((0, 0), |colon| (colon, colon + 1));
    let well_formed = if name.is_ascii() {
        let starts = |part: &[u8]| part.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
        starts(name) && starts(&name[local..]) && !name[local..].contains(&b':')
    } else {
        let starts = |part: &str| part.chars().next().is_some_and(starts_name) && part.chars().all(continues_name);
        std::str::from_utf8(name).is_ok_and(|name| (local == 0 || starts(&name[..prefix])) && starts(&name[local..]))
    };
    if well_formed { Ok((prefix, local)) } else { Err(ReadError::NotWellFormed) }
}

/// Whether a part of a name may begin so (XML 1.0 §2.3 `NameStartChar`, without the colon).
fn starts_name(character: char) -> bool {
    matches!(
        character,
        'A'..='Z'
            | '_'
            | 'a'..='z'
            | '\u{c0}'..='\u{d6}'
            | '\u{d8}'..='\u{f6}'
            | '\u{f8}'..='\u{2ff}'
            | '\u{370}'..='\u{37d}'
            | '\u{37f}'..='\u{1fff}'
            | '\u{200c}'..='\u{200d}'
            | '\u{2070}'..='\u{218f}'
            | '\u{2c00}'..='\u{2fef}'
            | '\u{3001}'..='\u{d7ff}'
            | '\u{f900}'..='\u{fdcf}'
            | '\u{fdf0}'..='\u{fffd}'
            | '\u{10000}'..='\u{effff}'
    )
}

/// Whether a part of a name may go on so (XML 1.0 §2.3 `NameChar`, without the colon).
fn continues_name(character: char) -> bool {
    starts_name(character)
        || matches!(
            character,
            '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decodes(bytes: &[u8]) -> bool {
        let mut utf8 = Utf8::default();
        bytes.iter().all(|&byte| utf8.push(byte).is_ok()) && !utf8.is_inside()
    }

    #[test]
    fn every_character_is_told_as_the_validation_crate_tells_it() {
        use rxml::strings::NcNameStr;
        // The crate leaves out U+FDF0 to U+FFFD, which XML 1.0 allows in names.
        for character in ('\u{80}'..='\u{fdef}').chain('\u{fffe}'..=char::MAX).chain("AZ_az09-.".chars()) {
            let mut buffer = [0; 8];
            let text = character.encode_utf8(&mut buffer);
            if !character.is_ascii() {
                let allowed = !matches!(character, '\u{fffe}' | '\u{ffff}');
                assert_eq!(decodes(text.as_bytes()), allowed, "{character:?}");
            }
            for name in [format!("{character}"), format!("a{character}")] {
                let is_name = <&NcNameStr>::try_from(&*name).is_ok();
                assert_eq!(split_name(name.as_bytes()).is_ok(), is_name, "{name:?}");
            }
        }
    }

    #[test]
    fn two_bytes_and_three_decode_as_the_standard_library_decodes_them() {
        for first in 0x80..=u8::MAX {
            for second in 0..=u8::MAX {
                let two = [first, second];
                assert_eq!(decodes(&two), std::str::from_utf8(&two).is_ok(), "{two:x?}");
                let three = [first, second, 0x80];
                let standard = std::str::from_utf8(&three).is_ok();
                assert_eq!(decodes(&three), standard, "{three:x?}");
                let four = [first, second, 0x80, 0x80];
                assert_eq!(decodes(&four), std::str::from_utf8(&four).is_ok(), "{four:x?}");
            }
        }
    }
}
