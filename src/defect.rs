//! Defects that are there on purpose, to see whether those who look for defects find them.
//!
//! They exist only with the cargo feature `defects`, which no build has that anybody uses: without it `is` is false
//! where it is compiled, and nothing of a defect is left.

/// A defect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Defect {
    /// A delivered stanza is not counted, now and then.
    ConservationOffByOne = 1,
    /// A kernel's timer for orphans in FIN-WAIT-2 does nothing.
    TimerIgnored,
    /// A RST that fits is not heeded.
    ResetSwallowed,
    /// A closer writes one byte after its tag.
    ByteAfterTag,
    /// Every byte that comes lets a closer wait a little longer.
    DripExtendsTimeout,
    /// A byte of what came out of order is another one.
    ReassemblyGarbled,
}

impl Defect {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::ConservationOffByOne,
        Self::TimerIgnored,
        Self::ResetSwallowed,
        Self::ByteAfterTag,
        Self::DripExtendsTimeout,
        Self::ReassemblyGarbled,
    ];

    /// As the command line names it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ConservationOffByOne => "conservation-off-by-one",
            Self::TimerIgnored => "timer-ignored",
            Self::ResetSwallowed => "reset-swallowed",
            Self::ByteAfterTag => "byte-after-tag",
            Self::DripExtendsTimeout => "drip-extends-timeout",
            Self::ReassemblyGarbled => "reassembly-garbled",
        }
    }
}

#[cfg(feature = "defects")]
mod chosen {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::Defect;

    static CHOSEN: AtomicU8 = AtomicU8::new(0);

    /// Whether this program has this defect.
    pub fn is(defect: Defect) -> bool {
        CHOSEN.load(Ordering::Relaxed) == defect as u8
    }

    /// This program has this defect from now on.
    pub fn choose(defect: Defect) {
        CHOSEN.store(defect as u8, Ordering::Relaxed);
    }
}

#[cfg(feature = "defects")]
pub use chosen::{choose, is};

/// Whether this program has this defect: without the feature, no.
#[cfg(not(feature = "defects"))]
pub(crate) const fn is(_defect: Defect) -> bool {
    false
}
