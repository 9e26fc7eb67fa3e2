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
    /// Up to four SACK blocks, the most recent first; a D-SACK (RFC 2883) is always the first.
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
}
