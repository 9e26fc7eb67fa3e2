//! Bad arguments end in status 2 (a failed run in 1), say what is wrong, and leave nothing behind.

use crate::support::{Bench, bytes_of, text};

fn refused(args: &[&str], status: i32, must_say: &[&str]) {
    let bench = Bench::new();
    let output = bench.run(args);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(status), "farewell {args:?}\n{err}");
    for word in must_say {
        assert!(err.contains(word), "farewell {args:?} does not say {word:?}:\n{err}");
    }
    assert!(!err.contains("panicked"), "{err}");
    #[expect(clippy::disallowed_methods, reason = "only emptiness matters")]
    let left = std::fs::read_dir(bench.path("")).expect("the directory").count();
    assert_eq!(left, 0, "farewell {args:?} left something behind");
}

#[test]
fn bad_arguments_are_refused_with_status_two() {
    refused(&["compare", "--peers", "0"], 2, &["peers"]);
    refused(&["compare", "--peers", "-3"], 2, &["-3"]);
    refused(&["compare", "--peers", "many"], 2, &["many"]);
    refused(&["compare", "--seeds", "0"], 2, &["seeds"]);
    refused(&["compare", "--strategy", "handshak"], 2, &["handshak", "handshake"]);
    refused(&["compare", "--engine", "steam"], 2, &["steam", "turmoil"]);
    refused(&["compare", "--set", "closing.timeuot=5s"], 2, &["timeuot", "timeout"]);
    refused(&["compare", "--set", "closing.timeout=5"], 2, &["closing.timeout", "unit"]);
    refused(&["compare", "--set", "nonsense"], 2, &["nonsense"]);
    refused(&["compare", "--set", "class.0.responder=hunk"], 2, &["hunk", "hung"]);
    refused(&["compare", "--vary", "links.nowhere.loss=0.1,0.2"], 2, &["nowhere"]);
    refused(&["compare", "no-such-scenario"], 2, &["no-such-scenario"]);
    refused(&["compare", "idle-c2z"], 2, &["idle-c2z", "idle-c2s"]);
    refused(&["comparre"], 2, &["comparre", "compare"]);
    refused(&["compare", "--jobs", "0"], 2, &["--jobs"]);
    refused(&["compare", "--json", "--quiet"], 2, &["--json", "--quiet"]);
    refused(&["compare", "--set", "nodes=0"], 2, &["nodes"]);
    refused(&["compare", "--set", "links.x.loss=0.1"], 2, &["links.x"]);
    refused(&["compare", "--vary", "peers="], 2, &["peers"]);
    refused(&["compare", "--vary", "seed=1,2"], 2, &["--seeds"]);
    refused(&["compare", "--strategy", "handshake", "--strategy", "handshake"], 2, &["handshake"]);
    refused(&["compare", "/"], 2, &["/"]);
    refused(&["list", "strategees"], 2, &["strategees", "strategies"]);
    refused(&["trace", "kernel-teardown", "--stream", "-1"], 2, &["-1"]);
    refused(&[], 2, &["compare"]);
    refused(&["check"], 2, &["SCENARIO"]);
    refused(&["trace", "kernel-teardown", "--stream", "99999999"], 2, &["99999999"]);
    let fast = ["compare", "kernel-teardown", "--engine", "turmoil", "--set", "links.wire.latency=1us"];
    refused(&fast, 2, &["latency"]);
}

#[test]
fn an_output_that_cannot_be_written_fails_the_run_with_status_one() {
    refused(&["compare", "kernel-teardown", "--peers", "5", "--out", "/proc/farewell"], 1, &["/proc/farewell"]);
    refused(&["compare", "kernel-teardown", "--peers", "5", "--out", "/dev/null/x"], 1, &["/dev/null"]);
}

#[test]
fn a_refused_run_leaves_earlier_results_as_they_were() {
    let bench = Bench::new();
    bench.succeed(&["compare", "kernel-teardown", "--peers", "5", "--quiet", "--out", "o"]);
    let before = bytes_of(&bench.path("o"));
    let output = bench.run(&["compare", "kernel-teardown", "--set", "closing.timeout=soon", "--out", "o"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(bytes_of(&bench.path("o")) == before);
    // A file where the directory should be is not replaced either.
    bench.file("f", "mine");
    let output = bench.run(&["compare", "kernel-teardown", "--peers", "5", "--out", "f"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
    assert_eq!(std::fs::read_to_string(bench.path("f")).expect("the file"), "mine");
}
