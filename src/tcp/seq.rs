//! Sequence numbers: 32 bits on the wire, 64 bits inside.
//!
//! The socket computes with [`Offset`], which never wraps; [`Space::offset`] is the only place that unwraps a
//! number from the wire, near an offset that is known. Wrap-around bugs have one place to live.

use crate::net::segment::Seq;

/// A place in one direction's sequence space. The SYN stands at [`Offset::SYN`], the first byte one further on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offset(u64);

impl Offset {
    /// Where the SYN stands. High, so that old numbers before it are still offsets.
    pub(super) const SYN: Self = Self(1 << 33);
    /// Where the first byte of data stands.
    pub(super) const FIRST: Self = Self(Self::SYN.0 + 1);

    /// `n` further on.
    pub(super) const fn plus(self, n: u64) -> Self {
        Self(self.0 + n)
    }

    /// `n` back.
    pub(super) const fn minus(self, n: u64) -> Self {
        Self(self.0.saturating_sub(n))
    }

    /// How far this is beyond `earlier`, 0 if it is not.
    pub(super) const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }

    /// The number of data bytes before this place, counted from the start of the stream.
    pub(super) const fn bytes(self) -> u64 {
        self.0.saturating_sub(Self::FIRST.0)
    }
}

/// One direction's sequence space: the initial sequence number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space(pub(super) Seq);

impl Space {
    /// The number on the wire.
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what the wire carries")]
    pub(super) const fn seq(self, offset: Offset) -> Seq {
        self.0.plus(offset.0.wrapping_sub(Offset::SYN.0) as u32)
    }

    /// The offset with this number that is nearest to `near`.
    pub(super) const fn offset(self, seq: Seq, near: Offset) -> Offset {
        let distance = seq.distance_from(self.seq(near));
        Offset(near.0.saturating_add_signed(distance as i64))
    }
}

/// A length as the 32 bits of a header field or counter, saturating.
pub(super) fn clamp32(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unwrapping_is_right_on_both_sides_of_a_wrap() {
        let space = Space(Seq(u32::MAX - 9));
        let near = Offset::FIRST.plus(5_000_000_000);
        for distance in [0_u64, 1, 9, 10, 11, 2_000_000_000] {
            for place in [near.plus(distance), near.minus(distance)] {
                assert_eq!(space.offset(space.seq(place), near), place);
            }
        }
    }

    #[test]
    fn numbers_before_the_syn_are_offsets_too() {
        let space = Space(Seq(5));
        assert_eq!(space.offset(Seq(u32::MAX), Offset::SYN), Offset::SYN.minus(6));
        assert_eq!(Offset::SYN.bytes(), 0);
        assert_eq!(Offset::FIRST.plus(7).bytes(), 7);
    }
}
