//! `farewell tune`: the value of a parameter that keeps a budget, and the files that say so.

use crate::support::{Bench, bytes_of, number, one_class, rows, text};

/// Peers that answer the close tag 2 s to 4 s after it came: what they lose depends on the wait.
fn slow() -> String {
    let delay = "responder = \"slow\"\ndelay = { uniform = [\"2s\", \"4s\"] }";
    one_class(60, "20ms", 2.0, "slow", "").replace("responder = \"slow\"", delay)
}

#[test]
fn the_smallest_timeout_that_keeps_a_budget_lies_between_probes_that_do_and_do_not() {
    let bench = Bench::new();
    bench.file("slow.toml", &slow());
    let args = ["tune", "slow.toml", "--parameter", "closing.timeout=500ms..20s", "--budget", "lost=0.05"];
    let said = bench.succeed(&[&args[..], &["--strategy", "handshake", "--out", "o"]].concat());
    assert!(said.contains("handshake: the smallest closing.timeout with lost of at most 0.0500 is "), "{said}");
    let found = &rows(&bench.path("o/tuned.csv"))[0];
    let [low, value, high] = ["low", "value", "high"].map(|column| number(found, column));
    assert!(5e5 < low && low <= value && value <= high && high < 5e6, "{found:?}");
    let probes = rows(&bench.path("o/frontier.csv"));
    assert!(probes.len() > 9);
    for probe in &probes {
        let (timeout, lost) = (number(probe, "closing.timeout"), number(probe, "lost"));
        assert_eq!(lost <= 0.05, timeout >= value, "{probe:?} beside {value}");
        assert_eq!(probe["meets"] == "surely", number(probe, "lost_high") <= 0.05, "{probe:?}");
        assert!(number(probe, "socket_us_low") <= number(probe, "socket_us"), "{probe:?}");
    }
    let drawing = text(&bytes_of(&bench.path("o"))["frontier.svg"]);
    assert!(drawing.starts_with("<svg xmlns=") && drawing.contains("handshake: "), "{drawing}");
    bench.succeed(&[&args[..], &["--strategy", "handshake", "--out", "p", "--jobs=1"]].concat());
    assert!(bytes_of(&bench.path("o")) == bytes_of(&bench.path("p")), "the number of threads shows");
}

#[test]
fn a_budget_that_cannot_be_kept_and_the_largest_value_are_told() {
    let bench = Bench::new();
    bench.file("slow.toml", &slow());
    let tune = |more: &[&str]| {
        let args = ["tune", "slow.toml", "--parameter", "closing.timeout=1s..8s", "--seeds=2", "--points=3", "--out=o"];
        bench.succeed(&[&args[..], more].concat())
    };
    let said = tune(&["--strategy", "timeout-error", "--budget", "lost=0"]);
    assert!(
        said.contains("timeout-error: no closing.timeout from 1s to 8s has lost of at most 0: at 1s lost is "),
        "{said}"
    );
    let said = tune(&["--strategy", "handshake", "--budget", "socket_us=2500ms", "--largest", "--json"]);
    let read: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let value = read["strategies"][0]["value"].as_str().expect("a value");
    assert!(value.starts_with("2.") && read["wanted"] == "largest", "{value}");
}

#[test]
fn what_cannot_be_tuned_is_refused_and_leaves_nothing() {
    let bench = Bench::new();
    bench.file("slow.toml", &slow());
    for (parameter, budget, why) in [
        ("closing.timeout", "lost=1", "KEY=LOW..HIGH"),
        ("closing.timeout=5s..1s", "lost=1", "comes first"),
        ("closing.timeoutt=1s..5s", "lost=1", "nearest: `timeout`"),
        ("closing.timeout=1..5", "lost=1", "needs a unit"),
        ("seed=1..5", "lost=1", "cannot be varied"),
        ("closing.timeout=1s..5s", "losst=1", "nearest: `lost`"),
        ("closing.timeout=1s..5s", "socket_us=3", "a time such as 2s"),
    ] {
        let output =
            bench.run(&["tune", "slow.toml", "--parameter", parameter, "--budget", budget, "--out", "refused"]);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{parameter} {budget}: {err}");
        assert!(err.contains(why), "{parameter} {budget}: {err}");
        let written = [format!("error: --parameter {parameter}: "), format!("error: --budget {budget}: ")];
        assert!(written.iter().any(|option| err.contains(option)), "not as it was written: {err}");
        assert!(!bench.path("refused").exists());
    }
}
