//! An IP packet in flight: addresses round a segment, with the instants of its departure and arrival.

use std::net::Ipv4Addr;

use crate::net::segment::Segment;
use crate::net::wire::DecodeError;
use crate::time::SimTime;

/// An IP packet that a link has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// When it left the sender's kernel.
    pub departure: SimTime,
    /// When it reaches the receiver's kernel: decided by the link.
    pub arrival: SimTime,
    /// Its number on its link direction, counted from 0: orders packets that arrive in the same microsecond.
    pub number: u32,
    /// What it carries.
    pub segment: Segment,
}

/// Bytes before the segment in an encoded packet: two addresses, two instants, a number.
const FRAME: usize = 4 + 4 + 8 + 8 + 4;

impl Packet {
    /// Appends the packet as it travels inside a datagram of an engine: addresses, departure, arrival and number, all
    /// big-endian, then the segment. (A capture has a real IPv4 header instead, which has no room for instants.)
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.source.octets());
        out.extend_from_slice(&self.destination.octets());
        out.extend_from_slice(&self.departure.as_micros().to_be_bytes());
        out.extend_from_slice(&self.arrival.as_micros().to_be_bytes());
        out.extend_from_slice(&self.number.to_be_bytes());
        self.segment.encode(out);
    }

    /// Reads what [`Packet::encode`] wrote.
    ///
    /// # Errors
    /// If the bytes are too few, or what follows the frame is no segment.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let (frame, segment) =
            bytes.split_first_chunk::<FRAME>().ok_or(DecodeError::Truncated { found: bytes.len(), needed: FRAME })?;
        let word = |at: usize| u32::from_be_bytes([frame[at], frame[at + 1], frame[at + 2], frame[at + 3]]);
        let instant = |at: usize| SimTime::from_micros(u64::from(word(at)) << 32 | u64::from(word(at + 4)));
        Ok(Self {
            source: Ipv4Addr::from_bits(word(0)),
            destination: Ipv4Addr::from_bits(word(4)),
            departure: instant(8),
            arrival: instant(16),
            number: word(24),
            segment: Segment::decode(segment)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::testing;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn packets_come_back_as_they_were(
            segment in testing::segment(),
            addresses in any::<[u32; 2]>(),
            instants in any::<[u64; 2]>(),
            number in any::<u32>(),
        ) {
            let packet = Packet {
                source: Ipv4Addr::from_bits(addresses[0]),
                destination: Ipv4Addr::from_bits(addresses[1]),
                departure: SimTime::from_micros(instants[0]),
                arrival: SimTime::from_micros(instants[1]),
                number,
                segment,
            };
            let mut bytes = Vec::new();
            packet.encode(&mut bytes);
            prop_assert_eq!(Packet::decode(&bytes), Ok(packet));
        }

        #[test]
        fn any_bytes_are_a_packet_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
            if bytes.len() < FRAME {
                prop_assert_eq!(Packet::decode(&bytes), Err(DecodeError::Truncated { found: bytes.len(), needed: FRAME }));
            } else {
                let expected = Segment::decode(&bytes[FRAME..]);
                prop_assert_eq!(Packet::decode(&bytes).map(|packet| packet.segment), expected);
            }
        }
    }
}
