//! From sequence numbers on the wire to byte offsets of a direction's stream.

use crate::net::segment::{Segment, Seq};

/// The range of stream offsets (0 is the first data byte) that a segment's payload covers, if it has any.
///
/// `iss` is the sender's initial sequence number, `near` an offset known to be within 2 GiB of it.
pub(super) fn payload_range(segment: &Segment, iss: Seq, near: u64) -> Option<(u64, u64)> {
    if segment.payload.is_empty() {
        return None;
    }
    let first = segment.seq.plus(u32::from(segment.flags.syn));
    let start = unwrap(first, iss, near);
    Some((start, start + segment.payload.len() as u64))
}

/// The offset nearest to `near` whose sequence number is `seq`.
fn unwrap(seq: Seq, iss: Seq, near: u64) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers count modulo 2^32")]
    let reference = iss.plus(1).plus(near as u32);
    near.saturating_add_signed(i64::from(seq.distance_from(reference)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_survive_a_wrap_of_the_sequence_number() {
        let iss = Seq(u32::MAX - 10);
        let segment = Segment { seq: Seq(89), payload: vec![0; 7], ..Segment::default() };
        assert_eq!(payload_range(&segment, iss, 0), Some((99, 106)));
        let far = (1_u64 << 32) + 50;
        assert_eq!(payload_range(&segment, iss, far), Some(((1 << 32) + 99, (1 << 32) + 106)));
    }
}
