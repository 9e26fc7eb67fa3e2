//! The plot scripts draw every figure from the files alone, where their programs are here.

use std::process::Command;

use crate::support::{Bench, bytes_of, root, skip, text};

/// Runs a script on a run without and one with two varied keys, and expects these figures, none of them empty.
fn draws(script: impl Fn(&str) -> Command, always: &[&str], grid: &str) {
    let bench = Bench::new();
    let vary = ["--vary", "links.wire.latency=10ms,250ms", "--vary", "links.wire.loss=0,0.1"];
    for (out, options, more) in [("plain", &["--seeds", "10"][..], None), ("grid", &vary, Some(grid))] {
        let run = ["compare", "kernel-teardown", "--peers", "60", "--quiet", "--out", out];
        bench.succeed(&[&run[..], options].concat());
        let done = script(out).current_dir(bench.path("")).output().expect("the script runs");
        assert!(done.status.success(), "{out}: {}{}", text(&done.stdout), text(&done.stderr));
        let drawn = bytes_of(&bench.path(&format!("{out}-figures")));
        for name in always.iter().chain(&more) {
            let figure = drawn.get(&format!("{name}.svg")).unwrap_or_else(|| panic!("{out}: no {name}.svg: {drawn:?}"));
            // A frame without data is smaller.
            assert!(figure.len() > 5_000, "{out}: {name}.svg has {} bytes", figure.len());
        }
    }
}

#[test]
fn gnuplot_draws_the_figures() {
    if !Command::new("gnuplot").arg("--version").output().is_ok_and(|found| found.status.success()) {
        return skip("plots", "gnuplot is not here");
    }
    let script = |dir: &str| {
        let mut command = Command::new("gnuplot");
        command.args(["-e", &format!("dir='{dir}'")]).arg(root().join("scripts/plot.gp"));
        command
    };
    draws(script, &["loss", "release", "teardown", "differences", "sockets", "frontier"], "heat");
}

#[test]
fn matplotlib_draws_the_figures() {
    let import = Command::new("python3").args(["-c", "import pandas, matplotlib"]).output();
    if !import.is_ok_and(|found| found.status.success()) {
        return skip("plots", "python3 with pandas and matplotlib is not here");
    }
    let script = |dir: &str| {
        let mut command = Command::new(root().join("scripts/plot.py"));
        command.arg(dir);
        command
    };
    draws(script, &["lost", "release", "teardown", "differences", "sockets", "frontier"], "heat");
}
