//! The key table: every key of a scenario file, once. The walker, the JSON Schema and the messages read it.

mod chaos;
mod random_chaos;
mod reconnect;
mod server;
mod sockets;

use crate::net::profile;
use crate::scenario::catalog;
use crate::scenario::measure;
use crate::scenario::shape::{Bounds, Choice, Key, Need, Quantity, Shape, TableShape};
use crate::time::Micros;
use crate::xmpp::config::{MAX_STANZA, MIN_STANZA};

const TIME: Shape = Shape::Duration { low: Micros::ZERO };
const POSITIVE_TIME: Shape = Shape::Duration { low: Micros::new(1) };
const POSITIVE: Shape = Shape::Number(Bounds::Positive);
const NOT_NEGATIVE: Shape = Shape::Number(Bounds::NotNegative);
const PROBABILITY: Shape = Shape::Number(Bounds::Probability);
const STANZA: Shape = Shape::Integer { low: MIN_STANZA as u64, high: MAX_STANZA as u64 };
const COUNT: Shape = Shape::Integer { low: 1, high: 1_000_000_000 };

/// The most peers that a scenario may have.
const MOST_PEERS: u64 = 10_000_000;

const fn key(name: &'static str, about: &'static str, shape: Shape, need: Need) -> Key {
    Key { name, about, shape, need }
}

const fn required(name: &'static str, about: &'static str, shape: Shape) -> Key {
    key(name, about, shape, Need::Required)
}

const fn optional(name: &'static str, about: &'static str, shape: Shape) -> Key {
    key(name, about, shape, Need::Optional)
}

const fn default(name: &'static str, about: &'static str, shape: Shape, value: &'static str) -> Key {
    key(name, about, shape, Need::Default(value))
}

/// The keys of which a distribution table has exactly one.
macro_rules! families {
    ($($more:literal),*) => {
        &[$($more,)* "uniform", "exponential", "normal", "lognormal", "gamma", "pareto", "weibull", "file"]
    };
}

const FAMILIES: &[&str] = families![];

/// The keys of a distribution table over one kind of quantity: `$low` where zero is allowed, `$value` where it is not.
macro_rules! distribution_keys {
    ($low:expr, $value:expr, $quantity:expr) => {
        &[
            optional("uniform", "Uniform between two values.", Shape::Range(&$low)),
            optional("exponential", "Exponential with this mean.", $value),
            optional("normal", "Normal, truncated at zero.", Shape::Table(&TableShape {
                what: "a table with `mean` and `sd`",
                keys: &[&[
                    required("mean", "Mean before truncation.", $value),
                    required("sd", "Standard deviation before truncation.", $low),
                ]],
                choice: Choice::Free,
            })),
            optional("lognormal", "Log-normal.", Shape::Table(&TableShape {
                what: "a table with `median` and `sigma`",
                keys: &[&[
                    required("median", "Median.", $value),
                    required("sigma", "Standard deviation of the logarithm.", NOT_NEGATIVE),
                ]],
                choice: Choice::Free,
            })),
            optional("gamma", "Gamma.", Shape::Table(&TableShape {
                what: "a table with `shape` and `mean`",
                keys: &[&[required("shape", "Shape.", POSITIVE), required("mean", "Mean: shape times scale.", $value)]],
                choice: Choice::Free,
            })),
            optional("pareto", "Pareto, type I.", Shape::Table(&TableShape {
                what: "a table with `minimum` and `shape`",
                keys: &[&[
                    required("minimum", "Smallest possible value.", $value),
                    required("shape", "Tail index; the mean is infinite at 1 and below.", POSITIVE),
                ]],
                choice: Choice::Free,
            })),
            optional("weibull", "Weibull.", Shape::Table(&TableShape {
                what: "a table with `scale` and `shape`",
                keys: &[&[required("scale", "Scale.", $value), required("shape", "Shape.", POSITIVE)]],
                choice: Choice::Free,
            })),
            optional(
                "file",
                "Values drawn with equal probability from a file, one a line; its path is relative to the scenario file.",
                Shape::File($quantity),
            ),
        ]
    };
}

const TIME_KEYS: &[Key] = distribution_keys!(TIME, POSITIVE_TIME, Quantity::Time);
const SIZE_KEYS: &[Key] = distribution_keys!(STANZA, STANZA, Quantity::Size);

const TIME_TABLE: Shape = Shape::Table(&TableShape {
    what: "a distribution table such as { uniform = [\"10ms\", \"30ms\"] }",
    keys: &[TIME_KEYS],
    choice: Choice::One(FAMILIES),
});
const SIZE_TABLE: Shape = Shape::Table(&TableShape {
    what: "a distribution table such as { uniform = [80, 400] }",
    keys: &[SIZE_KEYS],
    choice: Choice::One(FAMILIES),
});

const TIMES: Shape = Shape::Either(&[TIME, TIME_TABLE]);
const POSITIVE_TIMES: Shape = Shape::Either(&[POSITIVE_TIME, TIME_TABLE]);
const SIZES: Shape = Shape::Either(&[STANZA, SIZE_TABLE]);

const ARRIVALS: Shape = Shape::Either(&[
    TIME,
    Shape::Table(&TableShape {
        what: "a table with `over`, `poisson`, `at` or a distribution",
        keys: &[
            &[
                optional("over", "Uniformly from the start until this long after it.", POSITIVE_TIME),
                optional(
                    "poisson",
                    "As a Poisson process of this many streams a second until all are there.",
                    POSITIVE,
                ),
                optional("at", "All at this instant.", TIME),
            ],
            TIME_KEYS,
        ],
        choice: Choice::One(families!["over", "poisson", "at"]),
    }),
]);

const CLOSING: TableShape = TableShape {
    what: "a table of closing keys",
    keys: &[&[
        default("by", "Who decides to close.", Shape::Word(&["server", "client", "both"]), "\"server\""),
        optional("after", "Close this long after the stream is up.", TIMES),
        optional("idle", "Close after this long without a stanza either way.", POSITIVE_TIMES),
        optional("sweep", "Look for idle streams only this often.", POSITIVE_TIME),
        default("timeout", "How long to wait for the other close tag.", Shape::DurationOrNone, "\"5s\""),
        default(
            "in_wait",
            "What becomes of stanzas that come during that wait.",
            Shape::Word(&["process", "discard"]),
            "\"process\"",
        ),
        default("grace", "How long nothing is read between decision and tag.", TIME, "\"0s\""),
        default("ping_timeout", "How long the answer to a ping may take.", POSITIVE_TIME, "\"32s\""),
        default(
            "condition",
            "The stream error that is sent where one is sent (RFC 6120 section 4.9.3).",
            Shape::Word(&["connection-timeout", "conflict", "policy-violation", "system-shutdown"]),
            "\"connection-timeout\"",
        ),
    ]],
    choice: Choice::AtMostOne(&["after", "idle"]),
};

const CLASS: TableShape = TableShape {
    what: "a class table",
    keys: &[&[
        required("name", "Name of the class.", Shape::Name),
        default("weight", "Share of the peers, relative to the other classes.", POSITIVE, "1"),
        required(
            "link",
            "The link: a built-in profile, a table under `links`, or a table written here.",
            Shape::Either(&[
                Shape::Reference { what: "a link", known: profile::names, open: true },
                Shape::Table(&LINK),
            ]),
        ),
        default(
            "responder",
            "What the other side does when it is told: a responder or a preset.",
            Shape::Reference { what: "a responder or a preset", known: catalog::responder_names, open: false },
            "\"compliant\"",
        ),
        optional(
            "traffic",
            "Stanzas: a table under `traffic` or one written here; none without it.",
            Shape::Either(&[
                Shape::Reference { what: "a traffic table", known: Vec::new, open: true },
                Shape::Table(&TRAFFIC),
            ]),
        ),
        optional("delay", "Time that a plain responder takes to answer the tag; `slow` has one by default.", TIMES),
        optional("drip_interval", "Time between the bytes of a `drips` responder.", POSITIVE_TIME),
    ]],
    choice: Choice::Free,
};

const LOSS: Shape = Shape::Either(&[
    PROBABILITY,
    Shape::Table(&TableShape {
        what: "a table such as { gilbert = { p = 0.01, r = 0.3 } }",
        keys: &[&[required(
            "gilbert",
            "Gilbert-Elliott with the four parameters of netem's gemodel.",
            Shape::Table(&TableShape {
                what: "a table with `p` and `r`",
                keys: &[&[
                    required("p", "Probability of going from good to bad, a packet.", PROBABILITY),
                    required("r", "Probability of going from bad to good, a packet.", PROBABILITY),
                    default("bad_loss", "Loss probability in the bad state (netem's 1-h).", PROBABILITY, "1.0"),
                    default("good_loss", "Loss probability in the good state (netem's 1-k).", PROBABILITY, "0.0"),
                ]],
                choice: Choice::Free,
            }),
        )]],
        choice: Choice::Free,
    }),
]);

const DIRECTION_KEYS: &[Key] = &[
    optional("latency", "One-way latency: a duration or a distribution table.", POSITIVE_TIMES),
    optional(
        "floor",
        "Draws below this are raised to it; 2ms where the distribution has no lowest value of its own.",
        POSITIVE_TIME,
    ),
    optional("loss", "Loss of packets of every kind: a probability or a model table.", LOSS),
    optional("duplicate", "Probability that a packet arrives twice.", PROBABILITY),
    optional("reorder", "Whether a packet may overtake another.", Shape::Boolean),
    optional("rate", "Bits a second; without it the line is infinitely fast.", Shape::Rate),
    optional("queue", "Bytes that may wait before a line of limited rate, 64KiB if not given.", Shape::Bytes),
];

const DIRECTION: TableShape =
    TableShape { what: "a table of link keys", keys: &[DIRECTION_KEYS], choice: Choice::Free };

const MIDDLEBOX: TableShape = TableShape {
    what: "a table with `nat_idle`",
    keys: &[&[
        required("nat_idle", "After this long without a packet a connection is forgotten.", POSITIVE_TIME),
        default(
            "on_expiry",
            "Whether packets of a forgotten connection are dropped, or answered with a RST.",
            Shape::Word(&["drop", "reset"]),
            "\"drop\"",
        ),
    ]],
    choice: Choice::Free,
};

const FIREWALL: TableShape = TableShape {
    what: "a table with `table` or `syn_rate`",
    keys: &[&[
        optional("table", "The most connections that it knows at once.", COUNT),
        default(
            "on_full",
            "Whether a SYN that it does not let in is dropped, or answered with a RST.",
            Shape::Word(&["drop", "reset"]),
            "\"drop\"",
        ),
        optional("syn_rate", "The most SYNs a second, on average.", Shape::Integer { low: 1, high: 1_000_000 }),
        default("burst", "How many of them may come at once.", Shape::Integer { low: 1, high: 1_000_000 }, "5"),
    ]],
    choice: Choice::Free,
};

const PROXY: TableShape = TableShape {
    what: "a table of proxy keys",
    keys: &[&[
        default("latency", "One-way latency between proxy and server.", POSITIVE_TIME, "\"500us\""),
        default(
            "half_close",
            "Whether end of file is handed on while the other way stays open, or ends both ways.",
            Shape::Boolean,
            "true",
        ),
        default(
            "on_reset",
            "What the other side gets when a connection failed: a RST, or a close.",
            Shape::Word(&["reset", "close"]),
            "\"reset\"",
        ),
        optional("idle", "Close both connections after this long without a byte either way.", POSITIVE_TIME),
        default("buffer", "Bytes that it holds of each direction.", Shape::Bytes, "\"16KiB\""),
    ]],
    choice: Choice::Free,
};

const LINK: TableShape = TableShape {
    what: "a link table",
    keys: &[
        DIRECTION_KEYS,
        &[
            optional(
                "profile",
                "A built-in profile that the other keys change.",
                Shape::Reference { what: "a built-in link profile", known: profile::names, open: false },
            ),
            optional("up", "What differs from client to server.", Shape::Table(&DIRECTION)),
            optional("down", "What differs from server to client.", Shape::Table(&DIRECTION)),
            optional("middlebox", "A NAT or firewall beside the client.", Shape::Table(&MIDDLEBOX)),
            optional("proxy", "A proxy before the server that ends TCP on both sides.", Shape::Table(&PROXY)),
            optional(
                "firewall",
                "A firewall before the server, the same for all streams of a node and class.",
                Shape::Table(&FIREWALL),
            ),
        ],
    ],
    choice: Choice::Free,
};

const SOURCE: TableShape = TableShape {
    what: "a table with `poisson`, `periodic`, `bursts` or `respond`, and `size`",
    keys: &[&[
        optional("poisson", "A Poisson process of this many stanzas a second.", Shape::Number(Bounds::Positive)),
        optional("periodic", "One stanza every so often.", POSITIVE_TIME),
        optional(
            "bursts",
            "Bursts of stanzas.",
            Shape::Table(&TableShape {
                what: "a table with `every` and `stanzas`",
                keys: &[&[
                    required("every", "Time from the start of one burst to the next.", POSITIVE_TIMES),
                    required("stanzas", "Stanzas in a burst.", Shape::Integer { low: 1, high: 100_000 }),
                    default("spacing", "Time between two stanzas of a burst.", TIMES, "\"0s\""),
                ]],
                choice: Choice::Free,
            }),
        ),
        optional("respond", "One stanza in answer to each that comes, after this think time.", TIMES),
        required("size", "Size of each stanza in bytes: a number or a distribution table.", SIZES),
        optional("count", "Stop after this many stanzas.", COUNT),
    ]],
    choice: Choice::One(&["poisson", "periodic", "bursts", "respond"]),
};

const TRAFFIC: TableShape = TableShape {
    what: "a traffic table with `client` or `server`",
    keys: &[&[
        optional("client", "What the client writes.", Shape::Table(&SOURCE)),
        optional("server", "What the server writes.", Shape::Table(&SOURCE)),
    ]],
    choice: Choice::Some(&["client", "server"]),
};

const MANAGEMENT: TableShape = TableShape {
    what: "a table of stream management keys",
    keys: &[&[
        default("enable", "Whether streams have it; without the table none has.", Shape::Boolean, "true"),
        optional(
            "request_every",
            "Ask for an acknowledgement behind every so many stanzas; 5 where nothing else is said.",
            COUNT,
        ),
        optional(
            "request_interval",
            "Ask for an acknowledgement this long after the first stanza that was not asked for.",
            POSITIVE_TIME,
        ),
        optional(
            "window",
            "Most unacknowledged stanzas; a sender at it asks, and writes no more until an answer comes.",
            COUNT,
        ),
        optional(
            "resume",
            "Keep a session this long after its stream has ended, so that the peer's next stream can resume it.",
            POSITIVE_TIME,
        ),
        optional("after_tag", "What a close tag does to a session: `end` without it.", Shape::Word(&["end", "keep"])),
        optional(
            "unresumed",
            "What becomes of stanzas that nobody acknowledged if the session is not resumed: `resend` where there is a \
             `resume`, else `drop`.",
            Shape::Word(&["resend", "drop"]),
        ),
    ]],
    choice: Choice::Free,
};

const METRIC: Shape = Shape::Reference { what: "a metric", known: measure::names, open: false };

const STUDY: TableShape = TableShape {
    what: "a study table",
    keys: &[&[
        optional(
            "seeds",
            "Run with this many seeds, from `seed` on; with `until` the most there may be. One without it.",
            Shape::Integer { low: 1, high: 100_000 },
        ),
        optional("vary", "The grid: for each key path of the scenario a list of its values.", Shape::Grid),
        optional("reference", "The strategy to which the others are compared; the first without it.", STRATEGY),
        optional("metrics", "The rows of comparison.csv; all without it.", Shape::List { each: &METRIC, least: 1 }),
        optional(
            "until",
            "Double the seeds, from 10 on, until every strategy's interval of a metric is as narrow as this on either side, \
             as a share of the estimate.",
            Shape::Precision,
        ),
    ]],
    choice: Choice::Free,
};

const STRATEGY: Shape =
    Shape::Reference { what: "a strategy, a preset or a mix", known: catalog::closer_names, open: true };

/// The scenario file.
pub(crate) const SCENARIO: TableShape = TableShape {
    what: "a scenario",
    keys: &[&[
        optional("name", "Name of the scenario; the file's name without it.", Shape::Name),
        required("duration", "Simulated time at which the run ends.", POSITIVE_TIME),
        required("peers", "Peers over all nodes.", Shape::Integer { low: 1, high: MOST_PEERS }),
        default(
            "nodes",
            "Server nodes; peers are dealt out to them.",
            Shape::Integer { low: 1, high: MOST_PEERS },
            "1",
        ),
        default("seed", "Seed of every random draw.", Shape::Integer { low: 0, high: i64::MAX as u64 }, "1"),
        default(
            "strategies",
            "Strategies, presets and mixes to compare, in order.",
            Shape::List { each: &STRATEGY, least: 1 },
            "[\"handshake\", \"timeout-error\"]",
        ),
        default("arrivals", "When streams open, from the start of the run.", ARRIVALS, "{ at = \"0s\" }"),
        default("kind", "Client to server, or server to server.", Shape::Word(&["c2s", "s2s"]), "\"c2s\""),
        default(
            "negotiation",
            "Every round trip from header to bind, or header and features only.",
            Shape::Word(&["full", "minimal"]),
            "\"full\"",
        ),
        default("closing", "Who closes, when and how.", Shape::Table(&CLOSING), "{}"),
        required("class", "Classes of peers.", Shape::List { each: &Shape::Table(&CLASS), least: 1 }),
        default("links", "Links by name.", Shape::Named(&Shape::Table(&LINK)), "{}"),
        default("traffic", "Traffic by name.", Shape::Named(&Shape::Table(&TRAFFIC)), "{}"),
        default(
            "mix",
            "Populations of closers by name: weights of strategies and presets.",
            Shape::Named(&Shape::Named(&POSITIVE)),
            "{}",
        ),
        default(
            "chaos",
            "What goes wrong, when and where.",
            Shape::List { each: &Shape::Table(&chaos::CHAOS), least: 0 },
            "[]",
        ),
        optional(
            "random_chaos",
            "What goes wrong at random: strikes a minute of each kind.",
            Shape::Table(&random_chaos::RANDOM_CHAOS),
        ),
        optional("reconnect", "How clients whose stream has ended come back.", Shape::Table(&reconnect::RECONNECT)),
        optional(
            "server",
            "What each server node has, and what it is meant to stay below.",
            Shape::Table(&server::SERVER),
        ),
        optional("sockets", "Options that the applications set on their sockets.", Shape::Table(&sockets::SOCKETS)),
        default(
            "study",
            "How often the scenario is run, over which grid, and how it is compared.",
            Shape::Table(&STUDY),
            "{}",
        ),
        optional(
            "stream_management",
            "Stream management (XEP-0198) on every stream, at both sides.",
            Shape::Table(&MANAGEMENT),
        ),
        default("kernel", "Settings of the simulated kernel by Linux sysctl name, or `preset`.", Shape::Kernel, "{}"),
    ]],
    choice: Choice::Free,
};
