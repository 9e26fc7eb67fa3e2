//! The keys of the `reconnect` table.

use super::{POSITIVE_TIME, PROBABILITY, TIMES, default, optional};
use crate::scenario::shape::{Choice, Shape, TableShape};

pub(super) const RECONNECT: TableShape = TableShape {
    what: "a reconnect table",
    keys: &[&[
        default(
            "delay",
            "Time from the end of a stream until the first try; RFC 6120 section 3.3 says up to a minute.",
            TIMES,
            "{ uniform = [\"0s\", \"1m\"] }",
        ),
        default(
            "backoff",
            "Wait after the first failed try; it doubles with each further one.",
            POSITIVE_TIME,
            "\"10s\"",
        ),
        default("ceiling", "The longest such wait.", POSITIVE_TIME, "\"5m\""),
        default("jitter", "The share of each such wait that is random.", PROBABILITY, "0.5"),
        optional(
            "tries",
            "Give up after this many failed tries in a row; never without it.",
            Shape::Integer { low: 1, high: 1_000_000 },
        ),
        optional(
            "times",
            "How often a peer may come back; without it as often as there are addresses.",
            Shape::Integer { low: 1, high: 16_777_213 },
        ),
        optional(
            "on",
            "The classes whose peers come back; all without it.",
            Shape::List { each: &Shape::Name, least: 1 },
        ),
    ]],
    choice: Choice::Free,
};
