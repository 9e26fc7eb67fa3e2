//! The two engines write the same bytes: that is why the fast one can be trusted.

use crate::support::{Bench, text};

#[test]
fn both_engines_write_the_same_bytes_for_every_built_in_scenario() {
    let bench = Bench::new();
    for name in [
        "idle-c2s",
        "real-closers",
        "kernel-teardown",
        "compliant-only",
        "misbehaving",
        "s2s-idle",
        "simultaneous",
        "benchmark",
    ] {
        for engine in ["turmoil", "event"] {
            let out = format!("{name}-{engine}");
            let common = ["compare", name, "--peers", "60", "--streams", "--quiet"];
            bench.succeed(&[&common[..], &["--engine", engine, "--out", &out]].concat());
        }
        let [ours, theirs] = ["turmoil", "event"].map(|engine| files(&bench, &format!("{name}-{engine}")));
        assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
        for (file, bytes) in &ours {
            let (a, b) = (text(bytes), text(&theirs[file]).replace(",event,", ",turmoil,"));
            let differing = a.lines().zip(b.lines()).find(|(x, y)| x != y);
            assert!(a == b, "{name}: {file} differs, first in\n{differing:?}");
        }
    }
}

fn files(bench: &Bench, out: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = crate::support::bytes_of(&bench.path(out));
    files.remove("manifest.json").expect("a manifest");
    files
}
