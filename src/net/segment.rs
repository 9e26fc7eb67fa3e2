//! A TCP segment as a value that holds only legal contents (RFC 9293 §3.1), and its bytes on the wire.

/// A 32-bit sequence number. It has no order: compare a difference, or turn it into an offset of the stream.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Seq(pub u32);

impl Seq {
    /// The number `n` bytes further on.
    #[must_use]
    pub const fn plus(self, n: u32) -> Self {
        Self(self.0.wrapping_add(n))
    }

    /// Signed distance from `other` to here, right for distances below 2^31.
    #[expect(clippy::cast_possible_wrap, reason = "two's complement is the definition of the distance")]
    pub const fn distance_from(self, other: Self) -> i32 {
        self.0.wrapping_sub(other.0) as i32
    }
}

/// The flags of a segment that the model uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[expect(clippy::struct_excessive_bools, reason = "they are the header's bits, any combination is possible")]
pub struct Flags {
    /// SYN: opens the connection.
    pub syn: bool,
    /// FIN: no more data from the sender.
    pub fin: bool,
    /// RST: the connection is void.
    pub rst: bool,
    /// PSH: hand the data to the application.
    pub psh: bool,
    /// ACK: the acknowledgement number counts.
    pub ack: bool,
}

/// A block of the SACK option (RFC 2018): left edge, right edge (exclusive).
pub type SackBlock = (Seq, Seq);

/// TCP options the model speaks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Maximum segment size (only with SYN).
    pub mss: Option<u16>,
    /// Window scale (RFC 7323 §2, only with SYN).
    pub window_scale: Option<u8>,
    /// SACK permitted (RFC 2018 §2, only with SYN).
    pub sack_permitted: bool,
    /// Timestamps (RFC 7323 §3): value and echo reply.
    pub timestamps: Option<(u32, u32)>,
    /// Up to four SACK blocks, the most recent first; a D-SACK (RFC 2883) is always the first. Blocks stand at the
    /// front, and beside timestamps there is room for three.
    pub sack: [Option<SackBlock>; 4],
}

/// A TCP segment: header fields and payload.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first byte (of the SYN, where there is one).
    pub seq: Seq,
    /// Acknowledgement number, meaningful with `flags.ack`.
    pub ack: Seq,
    /// Flags.
    pub flags: Flags,
    /// Window as in the header, not yet scaled.
    pub window: u16,
    /// Options.
    pub options: Options,
    /// Payload bytes.
    pub payload: Vec<u8>,
}

impl Segment {
    /// How many sequence numbers the segment takes: payload, SYN and FIN.
    #[expect(clippy::cast_possible_truncation, reason = "a payload is at most 64 KiB")]
    pub fn sequence_length(&self) -> u32 {
        self.payload.len() as u32 + u32::from(self.flags.syn) + u32::from(self.flags.fin)
    }

    /// Bytes on the wire: IPv4 header, TCP header with options, payload.
    #[expect(clippy::cast_possible_truncation, reason = "a payload is at most 64 KiB")]
    pub fn wire_length(&self) -> u32 {
        (IPV4_HEADER + TCP_HEADER + self.options.encoded_length() + self.payload.len()) as u32
    }
}

/// Bytes of an IPv4 header without options.
pub const IPV4_HEADER: usize = 20;
/// Bytes of a TCP header without options.
pub const TCP_HEADER: usize = 20;

#[cfg(test)]
pub(crate) mod testing {
    //! Legal segments at random, for property tests.

    use super::*;
    use proptest::collection::vec;
    use proptest::option::of;
    use proptest::prelude::*;

    fn flags() -> impl Strategy<Value = Flags> {
        any::<[bool; 5]>().prop_map(|[syn, fin, rst, psh, ack]| Flags { syn, fin, rst, psh, ack })
    }

    fn options() -> impl Strategy<Value = Options> {
        let blocks = vec((any::<u32>(), any::<u32>()), 0..=3);
        (of(any::<u16>()), of(any::<u8>()), any::<bool>(), of(any::<(u32, u32)>()), blocks).prop_map(
            |(mss, window_scale, sack_permitted, timestamps, blocks)| {
                let mut options = Options { mss, window_scale, sack_permitted, timestamps, ..Options::default() };
                // What stands in a SYN and SACK blocks exclude each other in practice; together they would not fit.
                if mss.is_none() && window_scale.is_none() && !sack_permitted {
                    for (slot, (left, right)) in options.sack.iter_mut().zip(blocks) {
                        *slot = Some((Seq(left), Seq(right)));
                    }
                }
                options
            },
        )
    }

    /// Any segment whose options fit.
    pub(crate) fn segment() -> impl Strategy<Value = Segment> {
        (any::<[u16; 3]>(), any::<[u32; 2]>(), flags(), options(), vec(any::<u8>(), 0..300)).prop_map(
            |([source_port, destination_port, window], [seq, ack], flags, options, payload)| Segment {
                source_port,
                destination_port,
                seq: Seq(seq),
                ack: Seq(ack),
                flags,
                window,
                options,
                payload,
            },
        )
    }
}
