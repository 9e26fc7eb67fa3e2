//! The two engines write the same bytes: that is why the fast one can be trusted.

use crate::support::{Bench, text};

#[test]
fn both_engines_write_the_same_bytes_for_every_built_in_scenario() {
    let bench = Bench::new();
    for name in farewell::scenario::builtin::names() {
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

#[test]
fn both_engines_capture_the_same_packets_and_tell_the_same_story() {
    let bench = Bench::new();
    for (name, stream) in [("idle-c2s", "7"), ("misbehaving", "3"), ("misbehaving", "40"), ("s2s-idle", "11")] {
        let [ours, theirs] = ["turmoil", "event"].map(|engine| {
            let capture = format!("{engine}.pcap");
            let chart = bench.succeed(&["trace", name, "--stream", stream, "--engine", engine, "--pcap", &capture]);
            (chart, std::fs::read(bench.path(&capture)).expect("a capture"))
        });
        assert_eq!(ours.0, theirs.0, "the chart of {name}, stream {stream}");
        assert!(ours.1 == theirs.1, "the capture of {name}, stream {stream}");
    }
}

fn files(bench: &Bench, out: &str) -> std::collections::BTreeMap<String, Vec<u8>> {
    let mut files = crate::support::bytes_of(&bench.path(out));
    files.remove("manifest.json").expect("a manifest");
    files
}
