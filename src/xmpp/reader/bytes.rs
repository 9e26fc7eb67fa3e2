//! Classes of bytes, and runs of bytes of one class.

/// In a name: the ASCII ones, and every byte of a longer character, which is looked at when the name is whole.
pub(super) const NAME: u8 = 1;
/// In text, and only itself there: not `<`, `&`, `]`, nor a control or a longer character.
pub(super) const TEXT: u8 = 2;
/// In an attribute value, and only itself there: not `<`, `&`, a quote, nor a control or a longer character.
pub(super) const VALUE: u8 = 4;
/// White space.
pub(super) const BLANK: u8 = 8;

/// The classes of every byte.
static CLASSES: [u8; 256] = classes();

/// Bytes that are looked at together.
const BLOCK: usize = 16;

const fn classes() -> [u8; 256] {
    let mut classes = [0; 256];
    let mut byte = 0_u8;
    loop {
        let mut class = 0;
        if byte.is_ascii_alphanumeric() || matches!(byte, b':' | b'_' | b'-' | b'.' | 0x80..) {
            class |= NAME;
        }
        if matches!(byte, b' ' | b'\t' | b'\r' | b'\n') {
            class |= BLANK | TEXT;
        }
        if matches!(byte, b' '..0x80) && !matches!(byte, b'<' | b'&') {
            class |= if byte == b']' { 0 } else { TEXT };
            class |= if matches!(byte, b'\'' | b'"') { 0 } else { VALUE };
        }
        classes[byte as usize] = class;
        if byte == u8::MAX {
            return classes;
        }
        byte += 1;
    }
}

/// Whether a byte is of a class.
pub(super) fn is(class: u8, byte: u8) -> bool {
    CLASSES[usize::from(byte)] & class != 0
}

/// How many bytes at the front are of a class.
pub(super) fn run(class: u8, bytes: &[u8]) -> usize {
    bytes.iter().position(|&byte| !is(class, byte)).unwrap_or(bytes.len())
}

/// The same for [`TEXT`], which comes in long runs: by blocks as long as nothing but letters and the like comes.
pub(super) fn text_run(bytes: &[u8]) -> usize {
    let plain = bytes.chunks_exact(BLOCK).take_while(|block| is_plain(block)).count() * BLOCK;
    plain + run(TEXT, &bytes[plain..])
}

/// Whether all bytes are printable ASCII and no markup. Without a branch, so that the compiler looks at them in parallel.
fn is_plain(block: &[u8]) -> bool {
    let special = |byte: u8| {
        let beyond = byte.wrapping_sub(b' ') >= 0x80 - b' ';
        u8::from(beyond) | u8::from(byte == b'<') | u8::from(byte == b'&') | u8::from(byte == b']')
    };
    block.iter().fold(0, |found, &byte| found | special(byte)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_run_of_text_ends_where_the_table_says_wherever_it_begins() {
        for byte in 0..=u8::MAX {
            for at in 0..40 {
                let mut bytes = [b'x'; 40];
                bytes[at] = byte;
                assert_eq!(text_run(&bytes), run(TEXT, &bytes), "byte {byte} at {at}");
            }
        }
    }
}
