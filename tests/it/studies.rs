//! A study: many seeds, a grid, and what can be said of the differences.

use serde_json::Value;

use crate::support::{Bench, Row, bytes_of, number, one_class, rows};

fn manifest(bench: &Bench, dir: &str) -> Value {
    serde_json::from_slice(&std::fs::read(bench.path(dir).join("manifest.json")).expect("a manifest")).expect("JSON")
}

fn row<'r>(rows: &'r [Row], metric: &str, strategy: &str) -> &'r Row {
    rows.iter().find(|row| row["metric"] == metric && row["strategy"] == strategy).expect("a row")
}

#[test]
fn one_file_is_the_study_and_options_say_the_same() {
    let bench = Bench::new();
    let study = "[study]\nseeds = 3\nreference = \"timeout-error\"\nmetrics = [\"resets\", \"lost\"]\n\
                 [study.vary]\nlinks.wire.latency = [\"10ms\", \"50ms\"]\nclosing.timeout = [\"1s\"]\n";
    bench.file("whole.toml", &one_class(30, "20ms", 2.0, "compliant", study));
    bench.file("plain.toml", &one_class(30, "20ms", 2.0, "compliant", ""));
    bench.succeed(&["compare", "whole.toml", "--quiet", "--out", "whole"]);
    let options = "compare plain.toml --quiet --out plain --seeds 3 --reference timeout-error --metric resets --metric lost \
                   --vary links.wire.latency=10ms,50ms --vary closing.timeout=1s";
    bench.succeed(&options.split_whitespace().collect::<Vec<_>>());
    let (mut whole, mut plain) = (bytes_of(&bench.path("whole")), bytes_of(&bench.path("plain")));
    // These two say how the study was asked for.
    for file in ["manifest.json", "cells.bin"] {
        assert!(whole.remove(file).is_some() && plain.remove(file).is_some(), "{file}");
    }
    let differing: Vec<&String> = whole.keys().filter(|file| plain.get(*file) != whole.get(*file)).collect();
    assert!(differing.is_empty() && whole.len() == plain.len(), "{differing:?} differ");
    assert_eq!(manifest(&bench, "whole")["scenario_sha256"], manifest(&bench, "plain")["scenario_sha256"]);
    let text = String::from_utf8(whole["comparison.csv"].clone()).expect("UTF-8");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[0].starts_with("links.wire.latency,closing.timeout,metric,strategy,"), "{text}");
    assert!(lines[1].starts_with("10000,1000000,resets,handshake,"), "{text}");
    assert_eq!(lines.len(), 1 + 2 * 2 * 2);
}

#[test]
fn ten_seeds_have_intervals_in_the_file_on_the_screen_and_in_json() {
    let bench = Bench::new();
    bench.file("s.toml", &one_class(60, "20ms", 4.0, "compliant", ""));
    let json = bench.succeed(&["compare", "s.toml", "--seeds", "10", "--json", "--out", "a"]);
    let screen = bench.succeed(&["compare", "s.toml", "--seeds", "10", "--out", "b"]);
    assert!(screen.contains("Over 10 seeds timeout-error loses 0.") && screen.contains("(95 %)."), "{screen}");
    assert!(screen.contains("handshake lost nothing: fewer than 1 in 200 streams would"), "{screen}");
    assert!(screen.contains("worth ") && screen.contains("Not to be said from 10 seeds: "), "{screen}");
    let found = rows(&bench.path("a/comparison.csv"));
    let lost = row(&found, "lost", "timeout-error");
    // Written stanzas a second times the round trip are in flight or written before the news arrives.
    let expected = 4.0 * 0.04;
    assert!(number(lost, "low") < expected && expected < number(lost, "high"), "{lost:?}");
    assert_eq!((lost["seeds"].as_str(), lost["streams"].as_str()), ("10", "600"));
    assert!(number(lost, "diff_low") > 0.0 && lost["ratio"].is_empty(), "{lost:?}");
    let handshake = row(&found, "release_p50_us", "handshake");
    assert!(number(handshake, "low") >= 40_000.0 && number(handshake, "high") < 45_000.0, "two one-way delays");
    assert!(row(&found, "release_p99_us", "handshake")["low"].is_empty(), "p99 of 60 streams");
    let document: Value = serde_json::from_str(&json).expect("JSON");
    let listed = document["points"][0]["comparison"].as_array().expect("rows");
    assert_eq!(listed.len(), found.len());
    for (json, csv) in listed.iter().zip(&found) {
        for (column, text) in csv {
            let value = &json[column];
            match value.as_str() {
                Some(name) => assert_eq!(text, name),
                None if value.is_null() => assert_eq!(text, ""),
                None => assert_eq!(text.parse::<f64>().ok(), value.as_f64(), "{column}"),
            }
        }
    }
}

#[test]
fn seeds_are_added_until_enough_is_known_and_the_manifest_says_so() {
    let bench = Bench::new();
    bench.file("s.toml", &one_class(40, "20ms", 2.0, "compliant", ""));
    let run = |most: &str, precision: &str, dir: &str| {
        bench.succeed(&["compare", "s.toml", "--until", precision, "--seeds", most, "--quiet", "--out", dir]);
        (manifest(&bench, dir), rows(&bench.path(dir).join("comparison.csv")))
    };
    let (found, compared) = run("1000", "streams_with_loss=30%", "narrow");
    let seeds = found["seeds"].as_array().expect("seeds").len();
    assert!(seeds > 10 && seeds < 1_000 && seeds.is_multiple_of(10), "{seeds} seeds");
    assert_eq!(found["study"]["seeds_fixed"], false);
    assert_eq!(found["study"]["until"], "streams_with_loss=30%");
    assert_eq!((&found["study"]["most_seeds"], &found["points"][0]["seeds"]), (&1_000.into(), &seeds.into()));
    let share = row(&compared, "streams_with_loss", "timeout-error");
    assert_eq!(number(share, "seeds"), seeds as f64);
    let estimate = number(share, "estimate");
    assert!(number(share, "high") - estimate <= 0.3 * estimate && estimate - number(share, "low") <= 0.3 * estimate);
    assert_eq!(run("15", "streams_with_loss=1%", "capped").0["seeds"].as_array().expect("seeds").len(), 15);
    let refused = bench.run(&["compare", "s.toml", "--until", "lost"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("a percentage ends in %"));
}
