//! The keys of the `server` table.

use super::{POSITIVE_TIMES, default, optional};
use crate::scenario::shape::{Choice, Shape, TableShape};

const COUNT: Shape = Shape::Integer { low: 1, high: 100_000_000 };

pub(super) const SERVER: TableShape = TableShape {
    what: "a server table",
    keys: &[&[
        optional("service", "Time that a worker needs for a stanza from a client.", POSITIVE_TIMES),
        default("workers", "Stanzas that can be worked on at once.", Shape::Integer { low: 1, high: 10_000 }, "1"),
        optional(
            "queue",
            "Stanzas that may wait before the application stops reading, so that TCP's window closes.",
            COUNT,
        ),
        optional("files", "The most sockets that the application may own: accept() fails beyond it.", COUNT),
        optional("accept_rate", "The most connections accepted a second.", Shape::Integer { low: 1, high: 1_000_000 }),
        optional(
            "backlog",
            "Connections that may wait for accept(), at most `somaxconn`, which it is without it.",
            Shape::Integer { low: 0, high: 1_000_000 },
        ),
        optional(
            "outgoing",
            "The server opens the streams itself: all clients of a node are one machine, and its sockets are counted.",
            Shape::Table(&OUTGOING),
        ),
        default("memory", "What things cost.", Shape::Table(&MEMORY), "{}"),
        optional(
            "limits",
            "What a node is meant to stay below: capacity.csv counts the seconds above.",
            Shape::Table(&LIMITS),
        ),
    ]],
    choice: Choice::Free,
};

const OUTGOING: TableShape = TableShape {
    what: "a table of outgoing streams",
    keys: &[&[
        optional(
            "ports",
            "Ephemeral ports; without one towards the same remote address a connection cannot be made.",
            Shape::Integer { low: 1, high: 65_535 },
        ),
        default("destinations", "Remote addresses that the streams lead to, in turn.", COUNT, "1"),
    ]],
    choice: Choice::Free,
};

const MEMORY: TableShape = TableShape {
    what: "a table of sizes",
    keys: &[&[
        default("socket", "Bytes of kernel memory that a socket takes.", Shape::Bytes, "\"3850B\""),
        default("request", "Bytes that a half-open request takes.", Shape::Bytes, "\"320B\""),
        default("time_wait", "Bytes that a connection in TIME-WAIT takes.", Shape::Bytes, "\"256B\""),
        default("stream", "Bytes that the application keeps for a stream.", Shape::Bytes, "\"80kB\""),
    ]],
    choice: Choice::Free,
};

const LIMITS: TableShape = TableShape {
    what: "a table of limits",
    keys: &[&[
        optional("sockets", "Server sockets, TIME-WAIT aside.", COUNT),
        optional("memory", "Memory of sockets and streams.", Shape::Bytes),
        optional("queue", "Stanzas that wait.", COUNT),
    ]],
    choice: Choice::Free,
};
