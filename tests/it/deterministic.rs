//! Same scenario and seed, same bytes: twice, and at any number of jobs.

use crate::support::{Bench, bytes_of};

#[test]
fn the_same_run_writes_the_same_bytes_at_any_number_of_jobs() {
    let bench = Bench::new();
    let runs = [("a", "1"), ("b", "1"), ("c", "2"), ("d", "8")];
    for (out, jobs) in runs {
        let common = ["compare", "misbehaving", "--peers", "90", "--set", "nodes=3", "--seeds", "2", "--streams"];
        let mut args = common.to_vec();
        args.extend(["--set", "duration=\"40s\"", "--jobs", jobs, "--out", out, "--quiet"]);
        bench.succeed(&args);
    }
    let first = bytes_of(&bench.path("a"));
    assert!(first.len() >= 7, "files: {:?}", first.keys());
    for (out, _) in &runs[1..] {
        let other = bytes_of(&bench.path(out));
        assert_eq!(first.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
        for (name, bytes) in &first {
            assert!(other[name] == *bytes, "{name} differs between runs a and {out}");
        }
    }
}

#[test]
fn strategies_see_the_same_traffic_until_they_differ() {
    let bench = Bench::new();
    let run = |strategies: &[&str], out: &str| {
        let mut args = vec!["compare", "kernel-teardown", "--peers", "50", "--streams", "--quiet", "--out", out];
        args.extend(strategies.iter().flat_map(|s| ["--strategy", s]));
        bench.succeed(&args);
        let rows = crate::support::rows(&bench.path(out).join("streams.csv"));
        rows.into_iter().filter(|r| r["strategy"] == "timeout-error").collect::<Vec<_>>()
    };
    assert_eq!(run(&["handshake", "timeout-error"], "both"), run(&["timeout-error"], "alone"));
    let rows = crate::support::rows(&bench.path("both").join("streams.csv"));
    for pair in rows.chunks(2) {
        assert_eq!(pair[0]["stream"], pair[1]["stream"]);
        assert_eq!(pair[0]["decision_us"], pair[1]["decision_us"]);
    }
}
