//! A run that is killed leaves the results of the run before it, or none, never half of its own; and the next one works.
//! With --resume the next one goes on where the first ended, and writes what that would have written.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use proptest::prelude::Rng as _;

use crate::support::{Bench, bytes_of, text};

/// Runs long enough to be killed in the middle: some ten thousand closings, seed after seed.
const LONG: [&str; 8] = ["compare", "kernel-teardown", "--engine=turmoil", "--peers", "500", "--seeds", "40", "--out"];
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

/// The files that a user sees as results: what is still aside, and finished cells, do not count.
fn results(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = bytes_of(dir);
    files.retain(|name, _| !name.starts_with(".farewell-tmp/") && !name.starts_with(".farewell-partial/"));
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

/// A study of some forty cells that lasts a few seconds.
const STUDY: [&str; 12] = [
    "compare",
    "kernel-teardown",
    "--engine=turmoil",
    "--peers",
    "200",
    "--seeds",
    "5",
    "--vary",
    "links.wire.loss=0,0.01,0.05,0.1",
    "--jobs",
    "2",
    "--out",
];

/// Starts the study into `out`, strikes it with `signal` after some time, and gives its status and what it said.
fn struck(bench: &Bench, options: &[&str], signal: &str, after: Duration) -> (ExitStatus, String) {
    let mut run = bench.farewell(&STUDY);
    run.arg("out").args(options).stdout(Stdio::null()).stderr(Stdio::piped());
    let run = run.spawn().expect("the binary runs");
    wait(after);
    let kill = Command::new("kill").args([format!("-{signal}"), run.id().to_string()]).output().expect("kill runs");
    drop(kill);
    let output = run.wait_with_output().expect("the struck run");
    (output.status, text(&output.stderr))
}

/// A moment within the run that differs from test run to test run; it is printed where a test fails.
fn moments() -> Vec<u64> {
    let seed = proptest::test_runner::TestRunner::default().rng().next_u64();
    (0..4).map(|i| 50 + (seed >> (i * 16)) % 1_500).collect()
}

#[test]
fn an_interrupted_run_keeps_its_cells_and_resumed_writes_the_same_bytes() {
    let bench = Bench::new();
    bench.succeed(&[&STUDY[..], &["reference", "--quiet"]].concat());
    let reference = bytes_of(&bench.path("reference"));
    let moments = moments();
    let mut interrupted = 0;
    for (signal, after) in ["INT", "TERM", "INT", "INT"].iter().zip(&moments) {
        let (status, said) = struck(&bench, &["--resume"], signal, Duration::from_millis(*after));
        if status.code() == Some(130) {
            interrupted += 1;
            assert!(said.contains("interrupted: "), "{moments:?}: {said}");
            // Nothing but the finished cells is left.
            let left = if bench.path("out").exists() { bytes_of(&bench.path("out")) } else { BTreeMap::new() };
            assert!(left.keys().all(|name| name == ".farewell-partial/cells.bin"), "{moments:?}: {:?}", left.keys());
        } else {
            assert!(status.success() || status.signal().is_some(), "{moments:?}: {status:?} {said}");
        }
    }
    bench.succeed(&[&STUDY[..], &["out", "--resume", "--quiet"]].concat());
    assert!(bytes_of(&bench.path("out")) == reference, "after {moments:?}, {interrupted} times interrupted");
}

#[test]
fn a_run_killed_three_times_writes_the_same_bytes() {
    let bench = Bench::new();
    bench.succeed(&[&STUDY[..], &["reference", "--quiet"]].concat());
    let reference = bytes_of(&bench.path("reference"));
    let moments = moments();
    for after in &moments[..3] {
        struck(&bench, &["--resume", "--quiet"], "KILL", Duration::from_millis(*after));
    }
    bench.succeed(&[&STUDY[..], &["out", "--resume", "--quiet"]].concat());
    assert!(bytes_of(&bench.path("out")) == reference, "killed after {moments:?} ms");
}

/// Runs the study until some of its cells are on disk, then interrupts it.
fn interrupted_in_the_middle(bench: &Bench) -> u64 {
    let mut run = bench.farewell(&STUDY);
    let mut run = run.arg("out").stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
    let cells = bench.path("out/.farewell-partial/cells.bin");
    let length = |path: &Path| std::fs::metadata(path).map_or(0, |found| found.len());
    while length(&cells) < 20_000 {
        assert!(run.try_wait().expect("a child").is_none(), "the run was over before it could be interrupted");
        wait(Duration::from_millis(2));
    }
    Command::new("kill").args(["-INT".to_owned(), run.id().to_string()]).status().expect("kill runs");
    assert_eq!(run.wait().expect("the interrupted run").code(), Some(130));
    length(&cells)
}

#[test]
fn cells_that_were_damaged_are_computed_again() {
    let bench = Bench::new();
    bench.succeed(&[&STUDY[..], &["reference", "--quiet"]].concat());
    let reference = bytes_of(&bench.path("reference"));
    let cells = bench.path("out/.farewell-partial/cells.bin");
    // A byte in the middle, a cut end, the first byte of all.
    let damages: [fn(&mut Vec<u8>); 3] = [
        |bytes| {
            let middle = bytes.len() * 2 / 3;
            bytes[middle] ^= 1;
        },
        |bytes| bytes.truncate(bytes.len() - 7),
        |bytes| bytes[0] ^= 1,
    ];
    for damage in damages {
        interrupted_in_the_middle(&bench);
        let mut bytes = std::fs::read(&cells).expect("cells");
        damage(&mut bytes);
        replace(&cells, &bytes);
        bench.succeed(&[&STUDY[..], &["out", "--resume", "--quiet"]].concat());
        assert!(bytes_of(&bench.path("out")) == reference);
        std::fs::remove_dir_all(bench.path("out")).expect("the output directory");
    }
}

#[expect(clippy::disallowed_methods, reason = "a test damages a file")]
fn replace(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).expect("a file");
}

#[test]
fn only_the_same_run_can_be_resumed() {
    let bench = Bench::new();
    let length = interrupted_in_the_middle(&bench);
    for (change, what) in [
        (&["--set", "closing.timeout=1s"][..], "scenario hash was "),
        (&["--engine=event"], "engine was turmoil, is now event"),
        (&["--streams"], "--streams was false, is now true"),
        (&["--shard", "1/2"], "--shard was none, is now 1/2"),
        (&["--seed", "2"], "seed"),
    ] {
        let study = STUDY.iter().filter(|word| !(word.starts_with("--engine") && change[0].starts_with("--engine")));
        let words: Vec<&str> = study.chain(&["out", "--resume"]).chain(change).copied().collect();
        let output = bench.run(&words);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{change:?}: {err}");
        assert!(err.contains(".farewell-partial holds cells of another run") && err.contains(what), "{err}");
        let left = std::fs::metadata(bench.path("out/.farewell-partial/cells.bin")).expect("the cells").len();
        assert_eq!(left, length, "{change:?} changed what was kept");
    }
    // Without --resume a run begins anew, and says so.
    let output = bench.run(&["compare", "kernel-teardown", "--peers", "5", "--out", "out"]);
    assert!(output.status.success());
    assert!(text(&output.stderr).contains("finished cells of an interrupted run were there and are not used"));
    assert!(!bench.path("out/.farewell-partial").exists());
}

#[test]
fn a_long_cell_is_interrupted_within_a_second() {
    let bench = Bench::new();
    let mut run =
        bench.farewell(&["compare", "benchmark", "--peers", "300000", "--set", "nodes=1", "--out", "new/out"]);
    let mut run = run.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    wait(Duration::from_millis(700));
    assert!(run.try_wait().expect("a child").is_none(), "the run was over before it could be interrupted");
    Command::new("kill").args(["-INT".to_owned(), run.id().to_string()]).status().expect("kill runs");
    let output = run.wait_with_output().expect("the interrupted run");
    assert_eq!(output.status.code(), Some(130));
    assert!(text(&output.stderr).contains("no cell was finished, and nothing is left"), "{}", text(&output.stderr));
    assert!(!bench.path("new").exists(), "directories that were made for the results are gone again");
}
