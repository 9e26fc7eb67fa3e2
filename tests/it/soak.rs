//! `farewell chaos`: random scenarios, the same counts at any number of threads, and what it once found.

use crate::support::{Bench, text};

#[test]
fn counts_depend_on_seed_and_runs_alone() {
    let bench = Bench::new();
    let soak = |jobs: &str, out: &str| {
        let said = bench.succeed(&["chaos", "--runs", "150", "--seed", "2", "--jobs", jobs, "--out", out, "--quiet"]);
        let counts = std::fs::read_to_string(bench.path(out).join("coverage.csv")).expect("the counts");
        let table: Vec<String> = said.lines().filter(|line| !line.starts_with("Files:")).map(str::to_owned).collect();
        (table.join("\n"), counts)
    };
    let (one, two) = (soak("1", "a"), soak("2", "b"));
    assert!(one == two, "one thread gives\n{}\ntwo give\n{}", one.0, two.0);
    assert!(one.0.starts_with("150 runs of seed 2; 0 broken\n"), "{}", one.0);
    for reached in ["outcome: 7 of 7 reached", "place: 5 of 5 reached", "server-state: 8 of 8 reached"] {
        assert!(one.0.contains(reached), "{reached} is not in\n{}", one.0);
    }
    assert!(one.1.starts_with("kind,name,count\namount,"), "{}", one.1);
}

#[test]
fn what_a_soak_once_found_is_found_no_more() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/regressions");
    let mut replayed = 0;
    #[expect(clippy::disallowed_methods, reason = "the order of the directory does not matter here")]
    for entry in std::fs::read_dir(dir).expect("the regressions") {
        let path = entry.expect("an entry").path();
        let path = path.to_str().expect("UTF-8");
        let said = Bench::new().succeed(&["chaos", "--replay", path]);
        assert!(said.contains("every promise holds"), "{said}");
        replayed += 1;
    }
    assert!(replayed > 0);
}

#[test]
fn a_time_limit_ends_a_soak_and_says_that_the_machine_decided() {
    let said = Bench::new().succeed(&["chaos", "--minutes", "0.02", "--out", "out", "--quiet"]);
    assert!(said.contains("as many as this machine did in the time given"), "{said}");
}

#[test]
fn bad_arguments_are_refused() {
    for (args, why) in [
        (&["chaos", "--runs", "0"][..], "invalid value '0'"),
        (&["chaos", "--minutes", "-1"], "invalid value"),
        (&["chaos", "--replay", "nowhere.toml"], "nowhere.toml"),
        (&["chaos", "--replay", "misbehaving", "--runs", "3"], "cannot be used with"),
    ] {
        let output = Bench::new().run(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).contains(why), "{args:?}: {}", text(&output.stderr));
    }
}
