//! Segments as bytes: the TCP header (RFC 9293 §3.1) with its options laid out as Linux lays them out, so that a
//! capture looks like one from a real machine.
//!
//! The checksum is written as zero and not looked at: the simulated wire flips no bits. Captures fill it in.

use thiserror::Error;

use crate::net::segment::{Flags, Options, SackBlock, Segment, Seq, TCP_HEADER};

const END: u8 = 0;
const NOP: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const SACK: u8 = 5;
const TIMESTAMPS: u8 = 8;

/// The longest options field: the header's length counts at most fifteen words.
const MAX_OPTIONS: usize = 40;

const FIN_BIT: u8 = 1;
const SYN_BIT: u8 = 2;
const RST_BIT: u8 = 4;
const PSH_BIT: u8 = 8;
const ACK_BIT: u8 = 16;

/// Why bytes are not a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum DecodeError {
    /// Too few bytes for what they claim to be.
    #[error("{found} bytes where a header needs {needed}")]
    Truncated {
        /// Bytes there are.
        found: usize,
        /// Bytes there should be at least.
        needed: usize,
    },
    /// The header claims to be shorter than a header can be.
    #[error("a TCP header of {0} bytes, it has at least 20")]
    HeaderLength(usize),
    /// An option has a length that it cannot have, or reaches beyond the header.
    #[error("TCP option {kind} with a length of {length}")]
    OptionLength {
        /// The option's number.
        kind: u8,
        /// Its length field, 0 if the header ends before it.
        length: u8,
    },
}

impl Segment {
    /// Appends the segment's bytes: header, options, payload.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut options = Field::default();
        self.options.write(&mut options);
        let header_words = (TCP_HEADER + options.length) / 4;
        out.reserve(TCP_HEADER + options.length + self.payload.len());
        out.extend_from_slice(&self.source_port.to_be_bytes());
        out.extend_from_slice(&self.destination_port.to_be_bytes());
        out.extend_from_slice(&self.seq.0.to_be_bytes());
        out.extend_from_slice(&self.ack.0.to_be_bytes());
        #[expect(clippy::cast_possible_truncation, reason = "a header has at most fifteen words")]
        out.extend_from_slice(&[(header_words as u8) << 4, self.flags.bits()]);
        out.extend_from_slice(&self.window.to_be_bytes());
        out.extend_from_slice(&[0; 4]); // checksum, urgent pointer
        out.extend_from_slice(&options.bytes[..options.length]);
        out.extend_from_slice(&self.payload);
    }

    /// Reads a segment; everything behind the header is payload. Options and flags that the model does not use are
    /// passed over, as RFC 9293 §3.1 asks.
    ///
    /// # Errors
    /// If the bytes are no TCP header, or one of its options has an impossible length.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let truncated = |needed| DecodeError::Truncated { found: bytes.len(), needed };
        let fixed = bytes.first_chunk::<TCP_HEADER>().ok_or(truncated(TCP_HEADER))?;
        let header_length = usize::from(fixed[12] >> 4) * 4;
        if header_length < TCP_HEADER {
            return Err(DecodeError::HeaderLength(header_length));
        }
        let (header, payload) = bytes.split_at_checked(header_length).ok_or(truncated(header_length))?;
        let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, _, flags, w0, w1, _, _, _, _] = *fixed;
        Ok(Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            seq: Seq(u32::from_be_bytes([q0, q1, q2, q3])),
            ack: Seq(u32::from_be_bytes([a0, a1, a2, a3])),
            flags: Flags::from_bits(flags),
            window: u16::from_be_bytes([w0, w1]),
            options: Options::read(&header[TCP_HEADER..])?,
            payload: payload.to_vec(),
        })
    }
}

impl Flags {
    fn bits(self) -> u8 {
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        bit(self.fin, FIN_BIT)
            | bit(self.syn, SYN_BIT)
            | bit(self.rst, RST_BIT)
            | bit(self.psh, PSH_BIT)
            | bit(self.ack, ACK_BIT)
    }

    const fn from_bits(bits: u8) -> Self {
        Self {
            syn: bits & SYN_BIT != 0,
            fin: bits & FIN_BIT != 0,
            rst: bits & RST_BIT != 0,
            psh: bits & PSH_BIT != 0,
            ack: bits & ACK_BIT != 0,
        }
    }
}

impl Options {
    /// Bytes of the options with their padding: a multiple of four, at most forty.
    pub fn encoded_length(&self) -> usize {
        let before_sack = self.length_before_sack();
        match self.sack_blocks(before_sack).count() {
            0 => before_sack,
            blocks => before_sack + 4 + 8 * blocks,
        }
    }

    fn length_before_sack(&self) -> usize {
        let mss = if self.mss.is_some() { 4 } else { 0 };
        let timestamps_and_sack_permitted = match (self.timestamps, self.sack_permitted) {
            (Some(_), _) => 12,
            (None, true) => 4,
            (None, false) => 0,
        };
        let window_scale = if self.window_scale.is_some() { 4 } else { 0 };
        mss + timestamps_and_sack_permitted + window_scale
    }

    /// The blocks for which there is room behind `before_sack` bytes of other options.
    fn sack_blocks(&self, before_sack: usize) -> impl Iterator<Item = SackBlock> {
        let room = (MAX_OPTIONS - before_sack).saturating_sub(4) / 8;
        self.sack.iter().flatten().copied().take(room)
    }

    /// In the order and with the padding of `tcp_options_write`: each option or pair of options fills whole words.
    fn write(&self, field: &mut Field) {
        if let Some(mss) = self.mss {
            let [a, b] = mss.to_be_bytes();
            field.push([MSS, 4, a, b]);
        }
        match (self.timestamps, self.sack_permitted) {
            (Some(_), true) => field.push([SACK_PERMITTED, 2, TIMESTAMPS, 10]),
            (Some(_), false) => field.push([NOP, NOP, TIMESTAMPS, 10]),
            (None, true) => field.push([NOP, NOP, SACK_PERMITTED, 2]),
            (None, false) => {}
        }
        if let Some((value, echo)) = self.timestamps {
            field.push(value.to_be_bytes());
            field.push(echo.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            field.push([NOP, WINDOW_SCALE, 3, shift]);
        }
        let sack_header = field.length;
        for (left, right) in self.sack_blocks(sack_header) {
            if field.length == sack_header {
                field.push([NOP, NOP, SACK, 2]);
            }
            field.push(left.0.to_be_bytes());
            field.push(right.0.to_be_bytes());
            field.bytes[sack_header + 3] += 8;
        }
    }

    fn read(mut rest: &[u8]) -> Result<Self, DecodeError> {
        let mut options = Self::default();
        while let Some((&kind, after)) = rest.split_first() {
            match kind {
                END => break,
                NOP => rest = after,
                _ => {
                    let length = after.first().copied().unwrap_or(0);
                    let wrong = DecodeError::OptionLength { kind, length };
                    let body = rest.get(2..usize::from(length)).ok_or(wrong)?;
                    options.take(kind, body).ok_or(wrong)?;
                    rest = &rest[usize::from(length)..];
                }
            }
        }
        Ok(options)
    }

    /// Notes one option; `None` if its length is not one it can have.
    fn take(&mut self, kind: u8, body: &[u8]) -> Option<()> {
        match kind {
            MSS => self.mss = Some(u16::from_be_bytes(body.try_into().ok()?)),
            WINDOW_SCALE => {
                let [shift] = body.try_into().ok()?;
                self.window_scale = Some(shift);
            }
            SACK_PERMITTED => {
                let [] = body.try_into().ok()?;
                self.sack_permitted = true;
            }
            TIMESTAMPS => self.timestamps = Some(pair(body)?),
            SACK => {
                let fits = !body.is_empty() && body.len().is_multiple_of(8) && body.len() <= 8 * self.sack.len();
                if !fits {
                    return None;
                }
                self.sack = [None; 4];
                for (slot, block) in self.sack.iter_mut().zip(body.chunks_exact(8)) {
                    let (left, right) = pair(block)?;
                    *slot = Some((Seq(left), Seq(right)));
                }
            }
            _ => {}
        }
        Some(())
    }
}

/// Two numbers of 32 bits.
fn pair(bytes: &[u8]) -> Option<(u32, u32)> {
    let (first, second) = bytes.split_first_chunk()?;
    Some((u32::from_be_bytes(*first), u32::from_be_bytes(second.try_into().ok()?)))
}

/// The options field while it is written, word by word.
struct Field {
    bytes: [u8; MAX_OPTIONS],
    length: usize,
}

impl Default for Field {
    fn default() -> Self {
        Self { bytes: [0; MAX_OPTIONS], length: 0 }
    }
}

impl Field {
    fn push(&mut self, word: [u8; 4]) {
        self.bytes[self.length..self.length + 4].copy_from_slice(&word);
        self.length += 4;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::testing;
    use proptest::prelude::*;

    fn encoded(segment: &Segment) -> Vec<u8> {
        let mut bytes = Vec::new();
        segment.encode(&mut bytes);
        bytes
    }

    fn options_of(options: Options) -> Vec<u8> {
        encoded(&Segment { options, ..Segment::default() })[TCP_HEADER..].to_vec()
    }

    #[test]
    fn options_are_laid_out_as_linux_lays_them_out() {
        let syn = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((1, 0)),
            ..Options::default()
        };
        assert_eq!(options_of(syn), [2, 4, 5, 180, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7]);
        let plain = Options { timestamps: None, ..syn };
        assert_eq!(options_of(plain), [2, 4, 5, 180, 1, 1, 4, 2, 1, 3, 3, 7]);
        let data = Options { timestamps: Some((3, 4)), ..Options::default() };
        assert_eq!(options_of(data), [1, 1, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4]);
        let gap = Options { sack: [Some((Seq(5), Seq(9))), None, None, None], ..data };
        assert_eq!(options_of(gap)[12..], [1, 1, 5, 10, 0, 0, 0, 5, 0, 0, 0, 9]);
    }

    #[test]
    fn beside_timestamps_only_three_blocks_have_room() {
        let block = Some((Seq(1), Seq(2)));
        let mut options = Options { sack: [block; 4], ..Options::default() };
        assert_eq!((options_of(options).len(), options.encoded_length()), (36, 36));
        options.timestamps = Some((1, 2));
        assert_eq!((options_of(options).len(), options.encoded_length()), (40, 40));
    }

    #[test]
    fn unknown_options_and_flags_are_passed_over() {
        let mut bytes = encoded(&Segment::default());
        bytes[12] = 7 << 4;
        bytes[13] = 0b1110_0000 | ACK_BIT;
        bytes.extend_from_slice(&[254, 4, 1, 2, 1, 0, 9, 9]);
        let expected = Segment { flags: Flags { ack: true, ..Flags::default() }, ..Segment::default() };
        assert_eq!(Segment::decode(&bytes), Ok(expected));
    }

    #[test]
    fn impossible_headers_are_refused_with_what_was_found() {
        let bytes = encoded(&Segment { options: Options { mss: Some(9), ..Options::default() }, ..Segment::default() });
        let with = |at: usize, value: u8| {
            let mut changed = bytes.clone();
            changed[at] = value;
            Segment::decode(&changed)
        };
        assert_eq!(Segment::decode(&bytes[..19]), Err(DecodeError::Truncated { found: 19, needed: 20 }));
        assert_eq!(Segment::decode(&bytes[..23]), Err(DecodeError::Truncated { found: 23, needed: 24 }));
        assert_eq!(with(12, 4 << 4), Err(DecodeError::HeaderLength(16)));
        for length in [0, 1, 3, 5, 255] {
            assert_eq!(with(21, length), Err(DecodeError::OptionLength { kind: MSS, length }));
        }
        assert_eq!(with(20, SACK), Err(DecodeError::OptionLength { kind: SACK, length: 4 }));
        let mut cut = bytes.clone();
        cut[20..].copy_from_slice(&[NOP, NOP, NOP, MSS]);
        assert_eq!(Segment::decode(&cut), Err(DecodeError::OptionLength { kind: MSS, length: 0 }));
    }

    proptest! {
        #[test]
        fn segments_come_back_as_they_were(segment in testing::segment()) {
            let bytes = encoded(&segment);
            prop_assert_eq!(bytes.len() + crate::net::segment::IPV4_HEADER, segment.wire_length() as usize);
            prop_assert_eq!(Segment::decode(&bytes), Ok(segment));
        }

        #[test]
        fn any_bytes_are_a_segment_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if let Ok(segment) = Segment::decode(&bytes) {
                // What was understood survives being written.
                prop_assert_eq!(Segment::decode(&encoded(&segment)).map(|s| s.payload), Ok(segment.payload));
            }
        }

        #[test]
        fn damaged_options_never_panic(mut bytes in testing::segment().prop_map(|s| encoded(&s)), damage in any::<[(u8, u8); 3]>()) {
            for (at, value) in damage {
                let at = usize::from(at) % bytes.len();
                bytes[at] = value;
            }
            if let Ok(segment) = Segment::decode(&bytes) {
                prop_assert!(segment.options.encoded_length() <= MAX_OPTIONS);
            }
        }
    }
}
