//! The keys of an entry of the chaos schedule.

use super::{POSITIVE, POSITIVE_TIME, POSITIVE_TIMES, PROBABILITY, TIME, optional, required};
use crate::scenario::chaos::{PATTERNS, WORDS};
use crate::scenario::shape::{Choice, Shape, TableShape};

pub(super) const CHAOS: TableShape = TableShape {
    what: "a chaos table with `at`, `do` and `on`",
    keys: &[&[
        required(
            "at",
            "When it strikes: once, at every multiple of a time, or as a Poisson process.",
            Shape::Either(&[
                TIME,
                Shape::Table(&TableShape {
                    what: "a table with `every` or `poisson`",
                    keys: &[&[
                        optional("every", "At every multiple of this.", POSITIVE_TIME),
                        optional("jitter", "Each later by up to this, uniformly.", TIME),
                        optional("poisson", "As a Poisson process of this many strikes a second.", POSITIVE),
                    ]],
                    choice: Choice::One(&["every", "poisson"]),
                }),
            ]),
        ),
        optional(
            "for",
            "How long it lasts, drawn for each strike; until the end of the run without it.",
            POSITIVE_TIMES,
        ),
        required("do", "What it does: an action, or a table with one and its parameter.", CHAOS_ACTION),
        optional(
            "way",
            "Packets of which way it strikes; both if not given.",
            Shape::Word(&["both", "to-server", "to-client"]),
        ),
        required("on", "Whom it strikes: all, server, node N, a class, or a share of the peers.", TARGET),
    ]],
    choice: Choice::Free,
};

pub(super) const TARGET: Shape = Shape::Either(&[
    Shape::Reference { what: "a class, server, node N or all", known: chaos_targets, open: true },
    Shape::Table(&TableShape {
        what: "a table such as { share = 0.1 }",
        keys: &[&[required("share", "Each peer with this probability, anew at each strike.", PROBABILITY)]],
        choice: Choice::Free,
    }),
]);

fn chaos_targets() -> Vec<&'static str> {
    vec!["all", "server", "node 0"]
}

const CHAOS_ACTION: Shape = Shape::Either(&[
    Shape::Word(WORDS),
    Shape::Table(&TableShape {
        what: "a table with one of loss, latency, rate, reorder, duplicate, corrupt, drop-matching and clock-jump",
        keys: &[&[
            optional("loss", "Each packet is lost with this probability.", PROBABILITY),
            optional("latency", "This latency is added: a duration or a distribution table.", POSITIVE_TIMES),
            optional("rate", "Bits a second of a line behind the link's own.", Shape::Rate),
            optional("queue", "Bytes that may wait before that line, 64KiB if not given.", Shape::Bytes),
            optional("reorder", "Each packet is held back with this probability.", PROBABILITY),
            optional("by", "It is held back by up to this, 50ms if not given.", POSITIVE_TIME),
            optional("duplicate", "Each packet arrives twice with this probability.", PROBABILITY),
            optional("corrupt", "Each packet is damaged, and so lost, with this probability.", PROBABILITY),
            optional(
                "drop-matching",
                "Packets of this kind are lost.",
                Shape::Either(&[
                    Shape::Word(PATTERNS),
                    Shape::Table(&TableShape {
                        what: "a table such as { text = \"<message\" }",
                        keys: &[&[required("text", "Those whose data holds this, whole in one segment.", Shape::Text)]],
                        choice: Choice::Free,
                    }),
                ]),
            ),
            optional("clock-jump", "The wall clock goes forward by this, or back if it is negative.", Shape::Shift),
        ]],
        choice: Choice::One(&[
            "loss",
            "latency",
            "rate",
            "reorder",
            "duplicate",
            "corrupt",
            "drop-matching",
            "clock-jump",
        ]),
    }),
]);
