//! `farewell plan`: how many peers a server holds within its limits.

use crate::support::{Bench, number, one_class, rows, text};

#[test]
fn the_largest_number_of_peers_is_between_one_that_keeps_all_limits_and_one_that_does_not() {
    let bench = Bench::new();
    bench.file("wire.toml", &one_class(20, "20ms", 0.2, "compliant", ""));
    let args = ["plan", "wire.toml", "--limit", "sockets=50", "--limit", "memory=1GiB", "--strategy", "handshake"];
    let said = bench.succeed(&[&args[..], &["--out", "o"]].concat());
    assert!(said.contains("handshake: ") && said.contains(" peers keep all limits; "), "{said}");
    assert!(said.contains(" sockets instead of 50."), "{said}");
    let probes = rows(&bench.path("o/plan.csv"));
    let found: Vec<_> = probes.iter().filter(|row| row["found"] == "yes").collect();
    let [found] = found[..] else { panic!("{probes:?}") };
    let next = probes.iter().find(|row| number(row, "peers") > number(found, "peers")).expect("one that does not");
    assert!(number(found, "sockets") <= 50.0 && number(next, "sockets") > 50.0, "{found:?} {next:?}");
    assert_eq!((found["exceeded"].as_str(), next["exceeded"].as_str()), ("", "sockets"));
    // Streams come over 10 s and last 2 s to 3 s: some 4 peers for each socket.
    assert!((100.0..220.0).contains(&number(found, "peers")), "{found:?}");
    // Without a table of its own the scenario is reckoned with what things cost by default.
    assert!(number(found, "memory_bytes") >= 83_850.0 * 40.0, "{found:?}");
    let json = bench.succeed(&[&args[..], &["--out", "o", "--json", "--seeds=2"]].concat());
    let read: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(read["strategies"][0]["binds"][0], "sockets");
}

#[test]
fn limits_that_are_none_are_refused_and_one_that_is_never_kept_is_told() {
    let bench = Bench::new();
    bench.file("wire.toml", &one_class(20, "20ms", 0.2, "compliant", ""));
    for (limit, why) in [("sockets", "RESOURCE=MOST"), ("sokets=5", "nearest: `sockets`"), ("memory=5", "1500B")] {
        let output = bench.run(&["plan", "wire.toml", "--limit", limit, "--out", "refused"]);
        let err = text(&output.stderr);
        assert!(output.status.code() == Some(2) && err.contains(why), "{limit}: {err}");
        assert!(!bench.path("refused").exists());
    }
    let said = bench.succeed(&["plan", "wire.toml", "--limit", "sockets=0", "--out", "o", "--strategy", "handshake"]);
    assert!(said.contains("handshake: not even 1 keeps all limits: it takes 1 sockets instead of 0."), "{said}");
}
