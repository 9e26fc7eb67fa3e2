//! Peers that come back: each further stream is one like any other, opens when it should, and is the same under both engines.

use std::collections::BTreeMap;

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::{NodeId, StreamId};
use farewell::ledger::fate::{Observed, Outcome};
use farewell::ledger::record::{NodeLedger, StreamRecord};
use farewell::ledger::returns::Returns;
use farewell::scenario::Scenario;
use farewell::time::{Micros, SimTime};

use crate::support::{Bench, bytes_of, number, rows, text};

const DELAY: Micros = Micros::from_secs(2);
const LATENCY: Micros = Micros::from_millis(20);

/// Peers on a link of 20 ms that open over 2 s, write once a second, are closed after 10 s, and come back after 2 s.
fn scenario(peers: u32, rest: &str) -> String {
    format!(
        "duration = \"100s\"\npeers = {peers}\nnodes = 2\nseed = 3\nstrategies = [\"handshake\"]\narrivals = {{ over = \"2s\" }}\n\
         negotiation = \"minimal\"\n[closing]\nby = \"server\"\nafter = {{ uniform = [\"9s\", \"11s\"] }}\ntimeout = \"5s\"\n\
         [[class]]\nname = \"phones\"\nlink = \"wire\"\ntraffic = \"chatter\"\n\
         [links.wire]\nlatency = \"20ms\"\n[traffic.chatter]\nclient = {{ poisson = 1.0, size = 200 }}\n\
         server = {{ poisson = 1.0, size = 200 }}\n{rest}\n"
    )
}

fn back(more: &str) -> String {
    format!("[reconnect]\ndelay = \"2s\"\n{more}\n")
}

/// What both engines say of every node, which must balance and be the same.
fn run(text: &str) -> (BTreeMap<StreamId, StreamRecord>, Returns) {
    let scenario = Scenario::from_toml(text).unwrap_or_else(|e| panic!("{e}"));
    let (mut streams, mut returns) = (BTreeMap::new(), Returns::default());
    for node in (0..scenario.nodes).map(NodeId) {
        let node = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node };
        let [event, turmoil]: [NodeLedger; 2] =
            [Event.run(&node, &Unwatched), Turmoil.run(&node, &Unwatched)].map(|r| r.unwrap_or_else(|e| panic!("{e}")));
        balance::check(&event).unwrap_or_else(|e| panic!("{e}"));
        let differing = event.streams.iter().zip(&turmoil.streams).find(|(a, b)| a != b);
        assert!(event == turmoil, "the engines differ: {differing:?}");
        streams.extend(event.streams.into_iter().map(|record| (record.stream, record)));
        returns.merge(&event.returns.unwrap_or_default());
    }
    (streams, returns)
}

/// When a client that answers the server's tag and closes at once let go.
fn left(stream: &StreamRecord) -> SimTime {
    let Observed::After(notice) = stream.notice else { panic!("never told: {stream:?}") };
    stream.decision.expect("a decision") + notice
}

#[test]
fn every_further_stream_of_a_peer_opens_its_delay_after_the_end_of_the_one_before() {
    let (streams, returns) = run(&scenario(40, &back("")));
    let mut further = 0;
    for (number, stream) in streams.range(StreamId(40)..) {
        let before = &streams[&StreamId(number.0 - 40)];
        assert_eq!(stream.server_socket.expect("a socket").0, left(before) + DELAY + LATENCY, "{stream:?}");
        assert_eq!(stream.node, before.node, "a peer stays with its node");
        further += 1;
    }
    // 100 s are some seven rounds of 10 s, 2 s and a few round trips.
    assert!((5 * 40..8 * 40).contains(&further), "{further}");
    assert_eq!((returns.peers_away, returns.failed_tries, returns.gave_up), (40, 0, 0));
    assert_eq!(returns.connects, streams.len() as u64);
    assert!(returns.returned >= further - 40 && returns.returned <= further, "{returns:?}");
    let mut closed = streams.values().filter(|stream| stream.outcome == Outcome::Clean);
    assert!(closed.all(|stream| stream.to_closer.lost + stream.to_peer.lost == 0), "a handshake loses nothing");
}

#[test]
fn what_a_peer_draws_does_not_depend_on_how_many_there_are() {
    let (few, many) = (run(&scenario(10, &back(""))).0, run(&scenario(30, &back(""))).0);
    for (number, stream) in few {
        let (life, peer) = (number.0 / 10, number.0 % 10);
        let other = &many[&StreamId(peer + life * 30)];
        assert_eq!(*other, StreamRecord { stream: other.stream, ..stream }, "life {life} of peer {peer}");
    }
}

#[test]
fn what_was_held_back_or_came_up_in_between_is_delivered_on_the_next_stream() {
    let (streams, returns) = run(&scenario(60, "[reconnect]\ndelay = \"10s\"\n"));
    let delivered: u32 = streams.values().map(|s| s.to_closer.delivered + s.to_peer.delivered).sum();
    // Both sides write once a second, with a stream or without: what the last absence holds back is still to come.
    let expected = 2.0 * 60.0 * 93.0;
    assert!((f64::from(delivered) / expected - 1.0).abs() < 0.06, "{delivered} of {expected}");
    let waited = returns.delay.sorted();
    let share = waited.count() as f64 / f64::from(delivered);
    assert!((0.4..0.6).contains(&share), "{share} waited");
}

#[test]
fn a_machine_that_reboots_comes_back_and_one_that_crashes_does_not() {
    let chaos = "[[chaos]]\nat = \"30s\"\nfor = \"5s\"\ndo = \"reboot\"\non = \"boots\"\n\
                 [[chaos]]\nat = \"30s\"\ndo = \"crash\"\non = \"crashes\"\n";
    let class = |name: &str| format!("[[class]]\nname = \"{name}\"\nlink = \"wire\"\ntraffic = \"chatter\"\n");
    let text = scenario(90, &[&class("boots"), &class("crashes"), chaos, &back("")].concat());
    let (streams, returns) = run(&text);
    let last = |class: u16| streams.values().filter(move |s| s.class == class && s.stream.0 >= 90);
    let late =
        |s: &&StreamRecord| s.server_socket.is_some_and(|(from, _)| from > SimTime::ZERO + Micros::from_secs(35));
    assert!(last(0).filter(late).count() > 30 && last(1).filter(late).count() > 30);
    assert_eq!(last(2).filter(late).count(), 0, "a machine that is off for good opens nothing");
    let crashed = streams.values().filter(|s| s.stream.0 < 90 && s.class == 2).count() as u64;
    assert_eq!(returns.stayed_away, crashed);
}

#[test]
fn who_finds_nobody_tries_again_from_another_port_and_gives_up_after_its_tries() {
    let rest = "[[chaos]]\nat = \"15s\"\nfor = \"30s\"\ndo = \"partition\"\non = \"all\"\n\
                [kernel]\ntcp_syn_retries = 1\ntcp_retries2 = 2\n";
    let patient = run(&scenario(20, &[&back("backoff = \"4s\"\njitter = 0"), rest].concat())).1;
    assert!(patient.failed_tries >= 40 && patient.gave_up == 0, "{patient:?}");
    let settled = patient.failed_tries + patient.returned + 20;
    assert!((settled..=settled + 20).contains(&patient.connects), "some were on their way at the end: {patient:?}");
    let tired = run(&scenario(20, &[&back("backoff = \"4s\"\njitter = 0\ntries = 2"), rest].concat())).1;
    assert_eq!((tired.gave_up, tired.failed_tries), (20, 40), "{tired:?}");
}

#[test]
fn only_the_classes_named_come_back_and_only_so_often() {
    let other = "[[class]]\nname = \"bots\"\nlink = \"wire\"\ntraffic = \"chatter\"\n";
    let (streams, returns) = run(&scenario(30, &[other, &back("on = [\"bots\"]\ntimes = 2")].concat()));
    let bots = streams.values().filter(|s| s.stream.0 < 30 && s.class == 1).count();
    assert_eq!(streams.len(), 30 + 2 * bots);
    assert!(streams.values().all(|s| s.stream.0 < 30 || s.class == 1));
    assert_eq!((returns.returned, returns.stayed_away), (2 * bots as u64, bots as u64));
}

#[test]
fn streams_that_meet_come_back_too() {
    let crowded = "[kernel]\ntcp_syncookies = false\nsomaxconn = 4\n";
    let returns = run(&scenario(40, &[&back(""), crowded].concat())).1;
    assert!(returns.returned > 200, "{returns:?}");
}

#[test]
fn a_further_stream_can_be_traced() {
    let bench = Bench::new();
    bench.file("back.toml", &scenario(20, &back("")));
    let charts =
        ["event", "turmoil"].map(|engine| bench.succeed(&["trace", "back.toml", "--stream", "45", "--engine", engine]));
    assert_eq!(charts[0], charts[1]);
    assert!(charts[0].contains("stream 45") && charts[0].contains("stream is up"), "{}", charts[0]);
    let missing = bench.run(&["trace", "back.toml", "--stream", "1999"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("peer 19 did not come back 99 times"), "{}", text(&missing.stderr));
}

#[test]
fn returns_csv_adds_up_is_the_same_from_shards_and_is_only_there_where_somebody_comes_back() {
    let bench = Bench::new();
    bench.file("back.toml", &scenario(30, &back("times = 2")));
    bench.file("stays.toml", &scenario(30, ""));
    let said = bench.succeed(&["compare", "back.toml", "--seeds", "2", "--out", "whole"]);
    assert!(said.contains("Coming back after handshake: "), "{said}");
    let table = rows(&bench.path("whole/returns.csv"));
    assert_eq!(table.len(), 2);
    for row in &table {
        let of = |column| number(row, column);
        assert_eq!(of("absences"), of("returned") + of("gave_up") + of("stayed_away") + of("still_away"), "{row:?}");
        assert!((of("returned") - 60.0).abs() < 1e-9 && of("connects") >= of("returned") + 30.0, "{row:?}");
        assert!(of("back_p50_us") > 2e6 && of("back_p50_us") <= of("back_p90_us"), "{row:?}");
        assert!(of("delayed") > 0.0 && of("delay_p50_us") <= of("delay_max_us"), "{row:?}");
    }
    let shard = |number| format!("{number}/2");
    let dirs = [1, 2].map(|number| {
        bench.succeed(&["compare", "back.toml", "--seeds", "2", "--shard", &shard(number), "--out", &shard(number)]);
        shard(number)
    });
    bench.succeed(&["merge", "--out", "merged", &dirs[0], &dirs[1]]);
    assert_eq!(bytes_of(&bench.path("whole"))["returns.csv"], bytes_of(&bench.path("merged"))["returns.csv"]);
    bench.succeed(&["compare", "stays.toml", "--out", "whole"]);
    assert!(!bench.path("whole/returns.csv").exists(), "a file of an earlier run stayed");
}
