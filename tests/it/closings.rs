//! Every strategy against every responder ends in the outcome that the table promises.

use std::fmt::Write as _;

use crate::support::{Bench, number};

const RESPONDERS: [&str; 14] = [
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
];

/// Outcomes of a closer that waits, in the order of the responders above.
const WAITS: [&str; 14] = [
    "clean",
    "clean",
    "clean",
    "timeout",
    "timeout",
    "peer-fin",
    "peer-reset",
    "clean",
    "clean",
    "timeout",
    "timeout",
    "peer-fin",
    "bad-xml",
    "timeout",
];

/// The closer's FIN is the end of file on which those who go on writing stop.
const HALF_CLOSES: [&str; 14] = [
    "clean",
    "clean",
    "clean",
    "timeout",
    "peer-fin",
    "peer-fin",
    "peer-reset",
    "clean",
    "clean",
    "timeout",
    "timeout",
    "peer-fin",
    "bad-xml",
    "peer-fin",
];

const DOES_NOT_WAIT: [&str; 14] = ["closed"; 14];

fn promise(strategy: &str) -> [&'static str; 14] {
    match strategy {
        "handshake" | "error-handshake" | "ping-then-handshake" => WAITS,
        "handshake-half-close" => HALF_CLOSES,
        _ => DOES_NOT_WAIT,
    }
}

#[test]
fn every_strategy_ends_with_every_responder_as_promised() {
    let strategies = "handshake handshake-half-close timeout-error error-handshake abrupt-close abrupt-reset \
                      tag-and-close ping-then-handshake";
    let quoted: Vec<String> = strategies.split_whitespace().map(|s| format!("{s:?}")).collect();
    let mut scenario = format!(
        "name = \"pairs\"\nduration = \"200s\"\npeers = 280\nstrategies = [{}]\narrivals = {{ over = \"2s\" }}\n\
         [closing]\nby = \"server\"\nafter = {{ uniform = [\"2s\", \"3s\"] }}\ntimeout = \"5s\"\nping_timeout = \"4s\"\n\
         [links.wire]\nlatency = \"20ms\"\n\
         [traffic.chatter]\nclient = {{ poisson = 2.0, size = 200 }}\nserver = {{ poisson = 1.0, size = 200 }}\n",
        quoted.join(", ")
    );
    for responder in RESPONDERS {
        write!(
            scenario,
            "[[class]]\nname = \"{responder}\"\nweight = 1\nlink = \"wire\"\nresponder = \"{responder}\"\ntraffic = \"chatter\"\n"
        )
        .expect("a string");
    }
    let results = Bench::new().compare(&scenario, &[]);
    let mut seen = std::collections::BTreeMap::new();
    for stream in results.rows("streams.csv") {
        let nth = RESPONDERS.iter().position(|r| *r == stream["class"]).expect("a known class");
        let promised = promise(&stream["strategy"])[nth];
        assert_eq!(stream["outcome"], promised, "{} against {}: {stream:?}", stream["strategy"], stream["class"]);
        if promised == "timeout" {
            let pinged_in_vain = stream["strategy"] == "ping-then-handshake"
                && matches!(stream["class"].as_str(), "silent" | "vanished" | "hung");
            let timeout = if pinged_in_vain { 4_000_000.0 } else { 5_000_000.0 };
            let waited = number(&stream, "release_us");
            let on_time = if stream["strategy"] == "ping-then-handshake" && !pinged_in_vain {
                waited >= timeout
            } else {
                waited == timeout
            };
            assert!(on_time, "{} against {} waited {waited}", stream["strategy"], stream["class"]);
        }
        *seen.entry((stream["strategy"].clone(), stream["class"].clone())).or_insert(0) += 1;
    }
    assert_eq!(seen.len(), 8 * 14, "every pair occurred");
}
