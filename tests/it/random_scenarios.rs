//! Whatever a legal scenario asks for: every run comes to its end, every stream balances, no closer writes after its tag, and
//! the two engines leave the same ledger.
//!
//! A failing case is printed as a scenario file, seed included, ready for `farewell compare`. `PROPTEST_RNG_SEED` fixes
//! the cases and `PROPTEST_CASES` says how many there are.

use std::fmt::Write as _;

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::NodeId;
use farewell::ledger::fate::{Observed, Outcome};
use farewell::ledger::record::{NodeLedger, StreamRecord};
use farewell::scenario::Scenario;
use farewell::time::SimTime;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

const STRATEGIES: [&str; 16] = [
    "handshake",
    "handshake-half-close",
    "timeout-error",
    "error-handshake",
    "abrupt-close",
    "abrupt-reset",
    "tag-and-close",
    "ping-then-handshake",
    "prosody-0.12-c2s-kick",
    "ejabberd-23-c2s",
    "slixmpp-1.17",
    "aioxmpp-2024",
    "gloox-1.0.24",
    "fluux-go-xmpp-2026",
    "tokio-xmpp-2025",
    "some-of-both",
];

const RESPONDERS: [&str; 17] = [
    "compliant",
    "waits-for-fin",
    "slow",
    "silent",
    "keeps-talking",
    "fin-only",
    "resets",
    "writes-after-close",
    "tag-but-no-fin",
    "vanished",
    "hung",
    "truncates",
    "garbage",
    "drips",
    "xmpp.js-0.14",
    "slixmpp-1.17",
    "fluux-go-xmpp-2026",
];

fn one_of(words: &'static [&'static str]) -> impl Strategy<Value = &'static str> {
    proptest::sample::select(words)
}

/// One end's stanzas, of its own accord.
fn source() -> impl Strategy<Value = String> {
    let size = prop_oneof![(60_u32..4_000).prop_map(|n| n.to_string()), Just("{ uniform = [80, 9000] }".to_owned())];
    let process = prop_oneof![
        (1_u32..300).prop_map(|rate| format!("poisson = {}.{}", rate / 10, rate % 10)),
        (20_u32..3_000).prop_map(|ms| format!("periodic = \"{ms}ms\"")),
        (1_u32..40, 0_u32..30).prop_map(|(n, ms)| {
            format!("bursts = {{ every = {{ exponential = \"2s\" }}, stanzas = {n}, spacing = \"{ms}ms\" }}")
        }),
    ];
    (process, size, proptest::option::of(1_u32..30)).prop_map(|(process, size, count)| {
        let count = count.map_or_else(String::new, |n| format!(", count = {n}"));
        format!("{{ {process}, size = {size}{count} }}")
    })
}

/// One direction's keys, apart from its latency.
fn damage() -> impl Strategy<Value = String> {
    let loss = prop_oneof![
        2 => Just("0.0".to_owned()),
        3 => (0_u32..=30).prop_map(|percent| format!("0.{percent:02}")),
        2 => (1_u32..10, 2_u32..10).prop_map(|(p, r)| format!("{{ gilbert = {{ p = 0.0{p}, r = 0.{r} }} }}")),
    ];
    let rate = proptest::option::of((20_u32..5_000, 4_000_u32..60_000));
    (loss, prop_oneof![Just(0_u32), 1_u32..20], any::<bool>(), rate).prop_map(|(loss, duplicate, reorder, rate)| {
        let rate = rate.map_or_else(String::new, |(k, queue)| format!(", rate = \"{k}kbit\", queue = {queue}"));
        format!("loss = {loss}, duplicate = 0.{duplicate:02}, reorder = {reorder}{rate}")
    })
}

fn class() -> impl Strategy<Value = String> {
    let latency = prop_oneof![
        (2_u32..400).prop_map(|ms| format!("\"{ms}ms\"")),
        (2_u32..50, 1_u32..300).prop_map(|(low, more)| format!("{{ uniform = [\"{low}ms\", \"{}ms\"] }}", low + more)),
        (5_u32..100).prop_map(|ms| format!("{{ lognormal = {{ median = \"{ms}ms\", sigma = 0.7 }} }}")),
    ];
    let answer =
        (0_u32..500, 60_u32..3_000).prop_map(|(ms, size)| format!("{{ respond = \"{ms}ms\", size = {size} }}"));
    let traffic = prop_oneof![
        source().prop_map(|c| format!("client = {c}")),
        source().prop_map(|s| format!("server = {s}")),
        (source(), source()).prop_map(|(c, s)| format!("client = {c}, server = {s}")),
        (source(), answer, any::<bool>()).prop_map(|(asks, answers, swap)| {
            let (c, s) = if swap { (answers, asks) } else { (asks, answers) };
            format!("client = {c}, server = {s}")
        }),
    ];
    let middlebox = prop_oneof![
        2 => Just(String::new()),
        1 => (100_u32..9_000, one_of(&["drop", "reset"]))
            .prop_map(|(ms, expiry)| format!(", middlebox = {{ nat_idle = \"{ms}ms\", on_expiry = {expiry:?} }}")),
    ];
    (one_of(&RESPONDERS), 1_u32..5, latency, damage(), damage(), traffic, middlebox).prop_map(
        |(responder, weight, latency, up, down, traffic, middlebox)| {
            format!(
                "responder = \"{responder}\"\nweight = {weight}\ntraffic = {{ {traffic} }}\n\
                 link = {{ latency = {latency}, up = {{ {up} }}, down = {{ {down} }}{middlebox} }}\n"
            )
        },
    )
}

fn closing() -> impl Strategy<Value = String> {
    let when = prop_oneof![
        (0_u32..4_000, 1_u32..3_000)
            .prop_map(|(from, more)| { format!("after = {{ uniform = [\"{from}ms\", \"{}ms\"] }}", from + more) }),
        (1_u32..5).prop_map(|s| format!("idle = \"{s}s\"")),
        (1_u32..5, 1_u32..5).prop_map(|(idle, sweep)| format!("idle = \"{idle}s\"\nsweep = \"{sweep}s\"")),
    ];
    let timeout = prop_oneof![4 => (200_u32..8_000).prop_map(|ms| format!("{ms}ms")), 1 => Just("none".to_owned())];
    let by = one_of(&["server", "client", "both"]);
    (by, when, timeout, one_of(&["process", "discard"]), prop_oneof![Just(0_u32), 1_u32..300]).prop_map(
        |(by, when, timeout, in_wait, grace)| {
            format!("[closing]\nby = \"{by}\"\n{when}\ntimeout = \"{timeout}\"\nin_wait = \"{in_wait}\"\ngrace = \"{grace}ms\"\nping_timeout = \"3s\"\n")
        },
    )
}

/// What goes wrong. What a middlebox forgets needs one: that entry is for a class that has it.
fn chaos() -> impl Strategy<Value = String> {
    let at = prop_oneof![
        3 => (0_u32..12_000).prop_map(|ms| format!("\"{ms}ms\"")),
        1 => (1_u32..8, 0_u32..3).prop_map(|(s, jitter)| format!("{{ every = \"{s}s\", jitter = \"{jitter}s\" }}")),
        1 => (1_u32..10).prop_map(|n| format!("{{ poisson = 0.{n} }}")),
    ];
    let on = prop_oneof![
        3 => one_of(&["\"all\"", "\"server\"", "\"node 0\"", "\"class-0\""]).prop_map(str::to_owned),
        2 => (1_u32..10).prop_map(|n| format!("{{ share = 0.{n} }}")),
    ];
    let lasts = prop_oneof![
        3 => (1_u32..6_000).prop_map(|ms| format!("for = \"{ms}ms\"\n")),
        1 => (1_u32..3_000).prop_map(|ms| format!("for = {{ exponential = \"{ms}ms\" }}\n")),
        1 => Just(String::new()),
    ];
    let way = || one_of(&["", "", "way = \"to-server\"\n", "way = \"to-client\"\n"]);
    let on_link = prop_oneof![
        Just("\"partition\"".to_owned()),
        (1_u32..10, one_of(&["loss", "corrupt", "duplicate", "reorder"]))
            .prop_map(|(n, what)| format!("{{ {what} = 0.{n} }}")),
        (1_u32..900).prop_map(|ms| format!("{{ latency = {{ exponential = \"{ms}ms\" }} }}")),
        (8_u32..500).prop_map(|k| format!("{{ rate = \"{k}kbit\" }}")),
        one_of(&["syn", "fin", "rst", "ack", "data", "close-tag", "stream-error"])
            .prop_map(|k| format!("{{ drop-matching = {k:?} }}")),
    ];
    let machine = one_of(&["freeze", "hang"]);
    let instant = one_of(&["inject-reset", "inject-fin"]);
    let what = prop_oneof![
        4 => (on_link, lasts.clone(), way()).prop_map(|(action, lasts, way)| format!("do = {action}\n{lasts}{way}")),
        2 => (machine, lasts).prop_map(|(action, lasts)| format!("do = {action:?}\n{lasts}")),
        1 => (1_u32..6_000).prop_map(|ms| format!("do = \"reboot\"\nfor = \"{ms}ms\"\n")),
        1 => (instant, way()).prop_map(|(action, way)| format!("do = {action:?}\n{way}")),
        1 => (1_u32..6_000).prop_map(|ms| format!("do = \"restart\"\nfor = \"{ms}ms\"\n")),
        1 => (one_of(&["", "-"]), 1_u32..20_000)
            .prop_map(|(sign, ms)| format!("do = {{ clock-jump = \"{sign}{ms}ms\" }}\n")),
        1 => Just("do = \"crash\"\n".to_owned()),
        1 => Just("do = \"nat-expire\"\n".to_owned()),
    ];
    (at, what, on).prop_map(|(at, what, on)| {
        let on = if what.contains("nat-expire") {
            "\"class-0\"".to_owned()
        } else if what.contains("restart") {
            "\"server\"".to_owned()
        } else {
            on
        };
        format!("[[chaos]]\nat = {at}\n{what}on = {on}\n")
    })
}

/// Stream management, or none.
fn management() -> impl Strategy<Value = String> {
    let key = |name: &'static str, value: Option<String>| value.map_or(String::new(), |v| format!("{name} = {v}\n"));
    let every = proptest::option::of(1_u32..9).prop_map(move |n| key("request_every", n.map(|n| n.to_string())));
    let interval = proptest::option::of(1_u32..4_000)
        .prop_map(move |ms| key("request_interval", ms.map(|ms| format!("\"{ms}ms\""))));
    let window = proptest::option::of(1_u32..12).prop_map(move |n| key("window", n.map(|n| n.to_string())));
    let on = (every, interval, window).prop_map(|(e, i, w)| format!("[stream_management]\n{e}{i}{w}"));
    prop_oneof![1 => Just(String::new()), 1 => on]
}

/// How peers come back; beside a closing by both sides they cannot.
fn reconnect() -> impl Strategy<Value = String> {
    let delay = prop_oneof![
        Just("\"0s\"".to_owned()),
        (0_u32..4_000).prop_map(|ms| format!("{{ uniform = [\"0s\", \"{ms}ms\"] }}"))
    ];
    let (tries, times) = (proptest::option::of(1_u32..4), proptest::option::of(1_u32..4));
    (delay, 1_u32..3_000, 0_u32..=10, tries, times, any::<bool>()).prop_map(
        |(delay, backoff, jitter, tries, times, some)| {
            let number = |key: &str, n: Option<u32>| n.map_or_else(String::new, |n| format!("{key} = {n}\n"));
            format!(
                "[reconnect]\ndelay = {delay}\nbackoff = \"{backoff}ms\"\nceiling = \"9s\"\njitter = {}.{}\n{}{}{}",
                jitter / 10,
                jitter % 10,
                number("tries", tries),
                number("times", times),
                if some { "on = [\"class-0\"]\n" } else { "" }
            )
        },
    )
}

/// A legal scenario file.
fn scenario() -> impl Strategy<Value = String> {
    let strategies = proptest::sample::subsequence(&STRATEGIES[..], 2);
    let head = (any::<u32>(), 6_u32..20, 1_u32..3, one_of(&["full", "minimal"]), one_of(&["c2s", "s2s"]));
    // Without SYN cookies streams meet in the listen queue, so that an engine must run them together.
    let kernel = one_of(&[
        "",
        "preset = \"rfc9293\"\n",
        "tcp_fin_timeout = \"3s\"\ntcp_orphan_retries = 3\n",
        "tcp_syncookies = false\n",
        "tcp_syncookies = false\nsomaxconn = 2\n",
    ]);
    let chaos = prop_oneof![1 => Just(Vec::new()), 2 => proptest::collection::vec(chaos(), 1..4)];
    let back = prop_oneof![1 => Just(String::new()), 1 => reconnect()];
    let rest = (kernel, chaos, management(), back);
    (head, strategies, closing(), proptest::collection::vec(class(), 1..4), rest).prop_map(
        |((seed, peers, nodes, negotiation, kind), strategies, closing, classes, (kernel, chaos, management, back))| {
            let mut text = format!(
                "duration = \"60s\"\npeers = {peers}\nnodes = {nodes}\nseed = {seed}\nstrategies = {strategies:?}\n\
                 arrivals = {{ over = \"3s\" }}\nkind = \"{kind}\"\nnegotiation = \"{negotiation}\"\n{closing}"
            );
            for (n, class) in classes.iter().enumerate() {
                write!(text, "[[class]]\nname = \"class-{n}\"\n{class}").expect("a string");
            }
            if strategies.contains(&"some-of-both") {
                text += "[mix.some-of-both]\nhandshake = 2\ntimeout-error = 1\nejabberd-23-c2s = 1\n";
            }
            let forgets = classes[0].contains("middlebox");
            // Only a server that closes can restart.
            let restarts = !closing.contains("by = \"client\"");
            let fits =
                |entry: &String| (forgets || !entry.contains("nat-expire")) && (restarts || !entry.contains("restart"));
            text.extend(chaos.into_iter().filter(fits));
            if !closing.contains("both") {
                text += &back;
            }
            text + &management + "[kernel]\n" + kernel
        },
    )
}

/// What must hold of every stream, whatever happened.
fn stream_is_sound(record: &StreamRecord, scenario: &Scenario) -> Result<(), String> {
    let all = format!("{record:?}");
    let sums = [&record.to_closer, &record.to_peer].iter().all(|t| t.sent == t.delivered + t.lost);
    let end = SimTime::ZERO + scenario.duration;
    let time = |observed: Observed| if let Observed::After(time) = observed { Some(time) } else { None };
    // A release may come after the teardown: a reset takes the socket from an application that still waits.
    let ordered =
        !matches!((time(record.teardown), time(record.gone)), (Some(teardown), Some(gone)) if gone < teardown);
    let undecided = record.decision.is_none();
    let times = [record.release, record.notice, record.teardown, record.gone];
    let within = record.decision.is_none_or(|d| times.iter().filter_map(|t| time(*t)).all(|t| d + t <= end));
    let promises = [
        (record.violations == 0, "wrote after its close tag"),
        (sums, "sent is not delivered and lost"),
        (ordered, "gone comes before teardown"),
        (within, "something happened after the end of the run"),
        (!undecided || times.iter().all(|t| time(*t).is_none()), "closed without a decision"),
        (!undecided || record.outcome == Outcome::Unfinished, "has an outcome without a decision"),
        (record.outcome == Outcome::Unfinished || time(record.release).is_some(), "ended without a release"),
    ];
    promises
        .iter()
        .find(|(held, _)| !held)
        .map_or(Ok(()), |(_, what)| Err(format!("stream {} {what}: {all}", record.stream.0)))
}

fn node_is_sound(ledger: &NodeLedger, scenario: &Scenario) -> Result<(), String> {
    balance::check(ledger).map_err(|imbalance| imbalance.to_string())?;
    ledger.streams.iter().try_for_each(|record| stream_is_sound(record, scenario))
}

/// The first thing that differs between two ledgers of a node.
fn difference(one: &NodeLedger, other: &NodeLedger) -> Option<String> {
    let stream = one.streams.iter().zip(&other.streams).find(|(a, b)| a != b).map(|pair| format!("{pair:?}"));
    let lost = || one.lost.iter().zip(&other.lost).find(|(a, b)| a != b).map(|pair| format!("{pair:?}"));
    let rest = || (one != other).then(|| "the census, or the number of streams or of lost stanzas".to_owned());
    stream.or_else(lost).or_else(rest)
}

/// Runs every strategy on every node under both engines, the first node twice.
fn runs_soundly(text: &str) -> Result<(), String> {
    let scenario = Scenario::from_toml(text).map_err(|errors| errors.to_string())?;
    for (contender, strategy) in scenario.strategies.iter().enumerate() {
        let mut streams = 0;
        for node in (0..scenario.nodes).map(NodeId) {
            let node = NodeRun { scenario: &scenario, contender, seed: scenario.seed, node };
            let place = |what: String| format!("strategy {}, node {}: {what}", strategy.name, node.node.0);
            let ledger = Turmoil.run(&node, &Unwatched).map_err(|error| place(error.to_string()))?;
            node_is_sound(&ledger, &scenario).map_err(place)?;
            streams += ledger.streams.len();
            let other = Event.run(&node, &Unwatched).map_err(|error| place(format!("event engine: {error}")))?;
            if let Some(differing) = difference(&ledger, &other) {
                return Err(place(format!("the engines differ, turmoil's ledger first: {differing}")));
            }
            if node.node.0 == 0 && Turmoil.run(&node, &Unwatched).ok() != Some(ledger) {
                return Err(place("a second run has another result".to_owned()));
            }
        }
        let peers = scenario.peers as usize;
        if streams < peers || scenario.reconnect.is_none() && streams > peers {
            return Err(format!("strategy {}: {streams} streams of {} peers", strategy.name, scenario.peers));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        max_shrink_iters: 60,
        ..ProptestConfig::with_cases(cases())
    })]

    #[test]
    fn every_legal_scenario_runs_to_its_end_and_balances(text in scenario()) {
        let result = std::panic::catch_unwind(|| runs_soundly(&text)).unwrap_or_else(|_| Err("panicked".to_owned()));
        if let Err(what) = result {
            return Err(TestCaseError::fail(format!("{what}\n# ---- the scenario ----\n{text}# ----\n")));
        }
    }
}

/// 24, unless the environment says how many: an explicit number in the configuration would win over it.
fn cases() -> u32 {
    #[expect(clippy::disallowed_methods, reason = "how much is tested may depend on the environment")]
    let asked = std::env::var("PROPTEST_CASES");
    asked.ok().and_then(|n| n.parse().ok()).unwrap_or(24)
}
