//! The keys of the `random_chaos` table.

use super::chaos::TARGET;
use super::{POSITIVE, POSITIVE_TIMES, default, optional};
use crate::scenario::random_chaos::KINDS;
use crate::scenario::shape::{Choice, Key, TableShape};

pub(super) const RANDOM_CHAOS: TableShape = TableShape {
    what: "a table of kinds of chaos with strikes a minute",
    keys: &[
        &[
            default(
                "for",
                "How long a strike lasts, where its kind lasts.",
                POSITIVE_TIMES,
                "{ exponential = \"2s\" }",
            ),
            default("on", "Whom it strikes, as in an entry of the schedule.", TARGET, "{ share = 0.1 }"),
        ],
        &OF_KINDS,
    ],
    choice: Choice::Free,
};

const OF_KINDS: [Key; KINDS.len()] = {
    let mut keys = [const { optional("", "", POSITIVE) }; KINDS.len()];
    let mut i = 0;
    while i < KINDS.len() {
        keys[i] = optional(KINDS[i].0, KINDS[i].1, POSITIVE);
        i += 1;
    }
    keys
};
