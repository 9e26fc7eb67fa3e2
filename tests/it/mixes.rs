//! Mixes, presets, seeds and sweeps do what they say.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Bench, Row, number, one_class};

/// Every preset that is listed: its name and whether it is known how it answers.
fn presets() -> Vec<(String, bool)> {
    let list = Bench::new().succeed(&["list", "presets"]);
    let mut found: Vec<(String, bool)> = Vec::new();
    for line in list.lines().skip(1) {
        if let Some((name, _)) =
            line.strip_prefix("  ").filter(|l| !l.starts_with(' ')).and_then(|l| l.split_once(": "))
        {
            found.push((name.to_owned(), false));
        } else if line.trim_start().starts_with("closes by") {
            found.last_mut().expect("a preset").1 = line.contains("answers ");
        }
    }
    assert!(found.len() >= 30 && found.iter().any(|(name, _)| name == "prosody-0.12-c2s"), "{list}");
    found
}

fn quoted<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// `after` takes the place of the presets' own idle limits, which would make some of the runs a day long.
#[test]
fn every_preset_runs_as_a_strategy_and_as_a_responder() {
    let presets = presets();
    let plain = one_class(2 * u32::try_from(presets.len()).expect("few"), "20ms", 2.0, "compliant", "");
    let strategies = format!("strategies = [{}]", quoted(presets.iter().map(|(name, _)| name)));
    let closers = plain.replace("strategies = [\"handshake\", \"timeout-error\"]", &strategies);
    let rows = Bench::new().compare(&closers, &[]).rows("summary.csv");
    assert_eq!(rows.len(), presets.len());
    for row in &rows {
        let (strategy, decided) = (&row["strategy"], number(row, "streams") - number(row, "unfinished"));
        assert_eq!(number(row, "violations"), 0.0, "{strategy}");
        // What pings first never closes on peers that answer.
        let pings = ["ejabberd-23-ping-kill", "openfire-5-c2s-idle"].contains(&strategy.as_str());
        assert!(decided == number(row, "streams") || pings, "{strategy}: {decided} closings");
    }
    let answering: Vec<&String> = presets.iter().filter(|(_, answers)| *answers).map(|(name, _)| name).collect();
    let class = |name: &&String| {
        format!(
            "[[class]]\nname = {name:?}\nlink = {{ latency = \"20ms\" }}\nresponder = {name:?}\n\
             traffic = {{ client = {{ poisson = 2.0, size = 200 }} }}\n"
        )
    };
    let classes: Vec<String> = answering.iter().map(class).collect();
    let responders = plain.split("[[class]]").next().expect("the head").to_owned() + &classes.concat();
    let results = Bench::new().compare(&responders, &["--peers", "300"]);
    let seen: BTreeSet<String> = results.rows("streams.csv").iter().map(|row| row["responder"].clone()).collect();
    assert_eq!(seen, answering.into_iter().cloned().collect());
    for row in results.rows("summary.csv") {
        assert_eq!((number(&row, "unfinished"), number(&row, "violations")), (0.0, 0.0), "{}", row["strategy"]);
    }
}

#[test]
fn a_mix_draws_its_closers_by_weight_and_each_closes_in_its_own_way() {
    let mix = "[mix.half-deployed]\nhandshake = 3\ntimeout-error = 1\n";
    let scenario =
        one_class(1_200, "20ms", 2.0, "compliant", mix).replace("strategies = [", "strategies = [\"half-deployed\", ");
    let results = Bench::new().compare(&scenario, &[]);
    let mut streams: BTreeMap<String, Vec<Row>> = BTreeMap::new();
    for row in results.rows("streams.csv") {
        streams.entry(row["strategy"].clone()).or_default().push(row);
    }
    let mixed = &streams["half-deployed"];
    let share = mixed.iter().filter(|r| r["closer"] == "handshake").count() as f64 / mixed.len() as f64;
    assert!((share - 0.75).abs() < 4.0 * (0.75_f64 * 0.25 / 1_200.0).sqrt(), "{share} close by handshake");
    // A stream of the mix is, to the microsecond, the stream of the strategy that it drew.
    for row in mixed {
        let pure = streams[&row["closer"]].iter().find(|r| r["stream"] == row["stream"]).expect("the same stream");
        let mut same = pure.clone();
        same.insert("strategy".to_owned(), "half-deployed".to_owned());
        assert_eq!(*row, same);
    }
}

#[test]
fn the_seed_changes_the_results_and_each_seed_has_its_row() {
    let bench = Bench::new();
    let run = |out: &str, options: &[&str]| {
        bench.succeed(
            &[&["compare", "kernel-teardown", "--peers", "60", "--quiet", "--out", out][..], options].concat(),
        );
        crate::support::rows(&bench.path(out).join("summary.csv"))
    };
    let three = run("three", &["--seed", "5", "--seeds", "3"]);
    let named: Vec<(&str, &str)> = three.iter().map(|r| (r["seed"].as_str(), r["strategy"].as_str())).collect();
    let promised = ["5", "6", "7"].map(|seed| [(seed, "handshake"), (seed, "timeout-error")]).concat();
    assert_eq!(named, promised);
    let sent: BTreeSet<&str> = three.iter().map(|r| r["sent"].as_str()).collect();
    assert!(sent.len() >= 3, "each seed draws other traffic: {sent:?}");
    // The middle seed alone gives the same rows.
    assert_eq!(run("six", &["--seed", "6"]), three[2..4]);
}
