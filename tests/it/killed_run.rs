//! A run that is killed leaves the results of the run before it, or none, never half of its own; and the next one works.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::support::{Bench, bytes_of, text};

/// Runs long enough to be killed in the middle: some ten thousand closings, seed after seed.
const LONG: [&str; 7] = ["compare", "kernel-teardown", "--peers", "500", "--seeds", "40", "--out"];
const SHORT: [&str; 6] = ["compare", "kernel-teardown", "--peers", "20", "--quiet", "--out"];

/// Kills a long run into `out` with `signal` once it is writing there, some time after that.
fn killed(bench: &Bench, signal: &str, after: Duration) -> ExitStatus {
    let begun = bench.path("out/.farewell-tmp/new/summary.csv");
    let mut run = bench.farewell(&LONG);
    run.args(["out", "--quiet"]).stdout(Stdio::null()).stderr(Stdio::null());
    let mut run = run.spawn().expect("the binary runs");
    while !begun.exists() {
        assert!(run.try_wait().expect("a child").is_none(), "the run ended before it wrote anything");
        wait(Duration::from_millis(2));
    }
    wait(after);
    assert!(run.try_wait().expect("a child").is_none(), "the run was over before it could be killed");
    let kill = Command::new("kill").args([format!("-{signal}"), run.id().to_string()]).status().expect("kill runs");
    assert!(kill.success());
    run.wait().expect("the killed run")
}

#[expect(clippy::disallowed_methods, reason = "the point is to strike another process at some real time")]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// The files that a user sees as results: what is still aside does not count.
fn results(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = bytes_of(dir);
    files.retain(|name, _| !name.starts_with(".farewell-tmp/"));
    files
}

#[test]
fn a_killed_run_leaves_no_half_written_results_and_the_next_run_works() {
    let bench = Bench::new();
    bench.succeed(&[&SHORT[..], &["reference"]].concat());
    let reference = bytes_of(&bench.path("reference"));
    for (signal, number, after) in [("KILL", 9, 0), ("INT", 2, 300), ("KILL", 9, 900)] {
        let status = killed(&bench, signal, Duration::from_millis(after));
        let by_signal = status.signal() == Some(number);
        assert!(by_signal || (signal == "INT" && status.code() == Some(130)), "SIG{signal}: {status:?}");
        // The first strikes an empty directory, the later ones the results of the run before.
        let left = results(&bench.path("out"));
        assert!(left.is_empty() || left == reference, "SIG{signal} left {:?}", left.keys());
        bench.succeed(&[&SHORT[..], &["out"]].concat());
        let again = bytes_of(&bench.path("out"));
        assert!(again == reference, "after SIG{signal}: {:?}", again.keys());
    }
}

#[test]
fn a_second_run_into_a_directory_where_one_is_writing_is_refused() {
    let bench = Bench::new();
    let mut first = bench.farewell(&LONG);
    let mut first = first.args(["out", "--quiet"]).spawn().expect("the binary runs");
    while !bench.path("out/.farewell-tmp/new/summary.csv").exists() {
        wait(Duration::from_millis(2));
    }
    let second = bench.run(&[&SHORT[..], &["out"]].concat());
    first.kill().expect("a child of ours");
    first.wait().expect("the killed run");
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));
    assert!(text(&second.stderr).contains("another run is writing to out"), "{}", text(&second.stderr));
}
