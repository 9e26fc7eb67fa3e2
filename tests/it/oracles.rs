//! Closed forms that the simulation must meet within its sampling error; seeds are fixed.

use crate::support::{Bench, number, one_class};

/// Without loss: the handshake loses nothing and releases after one round trip, timeout-error loses r x 2D a stream.
#[test]
fn without_loss_only_what_is_under_way_is_lost_and_only_by_those_who_do_not_wait() {
    for (latency, rate, two_d) in [("20ms", 2.0, 40_000.0), ("50ms", 5.0, 100_000.0), ("7.5ms", 10.0, 15_000.0)] {
        let peers = 1_500;
        let results = Bench::new().compare(&one_class(peers, latency, rate, "compliant", ""), &[]);
        let handshake = results.summary("handshake");
        assert_eq!(number(&handshake, "lost"), 0.0, "{latency}");
        assert_eq!(number(&handshake, "clean"), f64::from(peers));
        for column in ["release_p50_us", "release_p99_us", "release_max_us"] {
            assert_eq!(number(&handshake, column), two_d, "{column} at {latency}");
        }
        let error = results.summary("timeout-error");
        let expected = rate * two_d / 1e6 * f64::from(peers);
        let lost = number(&error, "lost");
        assert!((lost - expected).abs() < 4.0 * expected.sqrt(), "{latency}: {lost} lost, {expected} expected");
        assert_eq!(number(&error, "release_max_us"), 0.0);
        assert_eq!(number(&error, "lost_to_peer"), 0.0);
    }
}

/// Whatever the network does, a compliant peer's stanzas all arrive, unless the close timeout runs out first.
#[test]
fn the_handshake_with_compliant_peers_loses_nothing_whatever_the_network_does() {
    let rest = r#"
[links.wild]
latency = { uniform = ["5ms", "90ms"] }
reorder = true
loss = 0.15
duplicate = 0.05
"#;
    let scenario = one_class(300, "20ms", 4.0, "compliant", rest)
        .replace("link = \"wire\"", "link = \"wild\"")
        .replace("[links.wire]\nlatency = \"20ms\"\n", "")
        .replace("timeout = \"5s\"", "timeout = \"600s\"")
        .replace("duration = \"90s\"", "duration = \"700s\"");
    for seed in ["1", "2"] {
        let results = Bench::new().compare(&scenario, &["--seed", seed, "--strategy", "handshake"]);
        for stream in results.rows("streams.csv") {
            assert!(stream["outcome"] != "clean" || stream["lost"] == "0", "seed {seed}: {stream:?}");
        }
        let clean = number(&results.summary("handshake"), "clean");
        assert!(clean > 280.0, "seed {seed}: {clean} of 300 clean");
    }
}

/// A peer that has vanished costs the application exactly the close timeout, and every strategy the same orphan time.
#[test]
fn a_vanished_peer_costs_the_close_timeout_and_the_same_orphan_time() {
    let scenario = one_class(40, "20ms", 2.0, "vanished", "").replace("duration = \"90s\"", "duration = \"400s\"");
    let results = Bench::new().compare(&scenario, &[]);
    let (mut waited, mut at_once) = (Vec::new(), Vec::new());
    for stream in results.rows("streams.csv") {
        let orphan = number(&stream, "teardown_us") - number(&stream, "release_us");
        assert_eq!(stream["notice_us"], "");
        if stream["strategy"] == "handshake" {
            assert_eq!((stream["outcome"].as_str(), number(&stream, "release_us")), ("timeout", 5_000_000.0));
            waited.push(orphan);
        } else {
            assert_eq!(number(&stream, "release_us"), 0.0);
            at_once.push(orphan);
        }
    }
    assert_eq!((waited.len(), at_once.len()), (40, 40));
    // Both kernels retransmit into the void until the orphan gives up; the handshake's tag merely began earlier.
    let mean = |v: &[f64]| v.iter().sum::<f64>() / 40.0;
    let (longer, shorter) = (mean(&at_once), mean(&waited));
    assert!(longer > 20e6 && longer < 200e6, "mean orphan time {longer}");
    assert!((longer - shorter).abs() < 0.6 * longer, "{longer} against {shorter}");
}

/// Nothing is ever written after a close tag.
#[test]
fn no_closer_writes_after_its_tag() {
    let all: Vec<&str> = "handshake handshake-half-close timeout-error error-handshake abrupt-close abrupt-reset \
                          tag-and-close ping-then-handshake"
        .split_whitespace()
        .flat_map(|s| ["--strategy", s])
        .collect();
    let rest = "server = { poisson = 20.0, size = 300 }\n";
    let results = Bench::new().compare(&one_class(200, "30ms", 20.0, "keeps-talking", rest), &all);
    let rows = results.rows("summary.csv");
    assert_eq!(rows.len(), 8);
    for row in rows {
        assert_eq!(row["violations"], "0", "{}", row["strategy"]);
        assert!(number(&row, "sent") > 10_000.0);
    }
}
