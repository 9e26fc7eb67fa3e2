//! Other people's readers open the files: `scripts/check-readers` on a small sweep and on a run of many strategies.

use std::process::Command;

use crate::support::{Bench, root, skip, text};

#[test]
fn other_readers_find_in_the_files_what_the_files_say_of_each_other() {
    let import = Command::new("python3").args(["-c", "import pandas, duckdb, hdrh"]).output();
    if !import.is_ok_and(|found| found.status.success()) {
        return skip("readers", "python3 with pandas, duckdb and hdrhistogram is not here");
    }
    let bench = Bench::new();
    let runs = [
        ("plain", "misbehaving", &["--peers", "120", "--streams", "--seeds", "2"][..]),
        ("sweep", "kernel-teardown", &["--peers", "40", "--vary", "links.wire.latency=10ms,1s", "--streams"]),
        ("bare", "idle-c2s", &["--peers", "40"]),
    ];
    for (out, scenario, options) in runs {
        bench.succeed(&[&["compare", scenario, "--quiet", "--out", out][..], options].concat());
        let check = Command::new(root().join("scripts/check-readers")).arg(bench.path(out)).output();
        let check = check.expect("the script runs");
        assert!(check.status.success(), "{out}: {}{}", text(&check.stdout), text(&check.stderr));
        assert!(!text(&check.stdout).contains("skipped"), "{}", text(&check.stdout));
    }
}
