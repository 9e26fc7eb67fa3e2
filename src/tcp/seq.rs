//! Sequence numbers: 32 bits on the wire, 64 bits inside.
//!
//! The socket computes with [`Offset`], which never wraps; [`Space::offset`] is the only place that unwraps a
//! number from the wire, near an offset that is known. Wrap-around bugs have one place to live.

use std::num::NonZero;

use crate::net::segment::Seq;

/// A place in one direction's sequence space (never zero, so that an `Option` of it is no larger). The SYN stands at [`Offset::SYN`], the first byte one further on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Offset(NonZero<u64>);

impl Offset {
    /// Where the SYN stands. High, so that old numbers before it are still offsets.
    pub(super) const SYN: Self = Self(NonZero::<u64>::MIN.saturating_add(1 << 33));
    /// Where the first byte of data stands.
    pub(super) const FIRST: Self = Self::SYN.plus(1);

    /// `n` further on.
    pub(super) const fn plus(self, n: u64) -> Self {
        Self(self.0.saturating_add(n))
    }

    /// `n` back.
    pub(super) const fn minus(self, n: u64) -> Self {
        match NonZero::new(self.0.get().saturating_sub(n)) {
            Some(place) => Self(place),
            None => Self(NonZero::<u64>::MIN),
        }
    }

    /// How far this is beyond `earlier`, 0 if it is not.
    pub(super) const fn since(self, earlier: Self) -> u64 {
        self.0.get().saturating_sub(earlier.0.get())
    }

    /// The number of data bytes before this place, counted from the start of the stream.
    pub(super) const fn bytes(self) -> u64 {
        self.0.get().saturating_sub(Self::FIRST.0.get())
    }
}

/// One direction's sequence space: the initial sequence number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Space(pub(super) Seq);

impl Space {
    /// The number on the wire.
    #[expect(clippy::cast_possible_truncation, reason = "the low 32 bits are what the wire carries")]
    pub(super) const fn seq(self, offset: Offset) -> Seq {
        self.0.plus(offset.0.get().wrapping_sub(Offset::SYN.0.get()) as u32)
    }

    /// The offset with this number that is nearest to `near`.
    pub(super) const fn offset(self, seq: Seq, near: Offset) -> Offset {
        let distance = seq.distance_from(self.seq(near));
        if distance < 0 {
            near.minus(distance.unsigned_abs() as u64)
        } else {
            near.plus(distance.unsigned_abs() as u64)
        }
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
