//! Stream management: what acknowledgements do, the same under both engines, and what they cost.

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::NodeId;
use farewell::ledger::fate::{Observed, Outcome};
use farewell::ledger::record::{NodeLedger, StreamRecord};
use farewell::scenario::Scenario;
use farewell::time::Micros;

use crate::support::Bench;

/// Chatty clients on a link of 20 ms that are closed 5 to 8 s after their streams are up.
fn chatty(strategy: &str, rest: &str) -> String {
    format!(
        "duration = \"60s\"\npeers = 80\nseed = 7\nstrategies = [{strategy:?}]\narrivals = {{ over = \"2s\" }}\n\
         [closing]\nby = \"server\"\nafter = {{ uniform = [\"5s\", \"8s\"] }}\n\
         [[class]]\nname = \"all\"\nlink = \"wire\"\ntraffic = \"chatter\"\n[links.wire]\nlatency = \"20ms\"\n\
         [traffic.chatter]\nclient = {{ poisson = 20.0, size = 200 }}\nserver = {{ poisson = 5.0, size = 300 }}\n{rest}\n"
    )
}

/// What both engines say, which must balance and be the same.
fn run(scenario: &str) -> NodeLedger {
    let scenario = Scenario::from_toml(scenario).unwrap_or_else(|e| panic!("{e}"));
    let node = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node: NodeId(0) };
    let event = Event.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    let turmoil = Turmoil.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    balance::check(&event).unwrap_or_else(|e| panic!("{e}"));
    let differing = event.streams.iter().zip(&turmoil.streams).find(|(a, b)| a != b);
    assert!(event == turmoil, "the engines differ: {differing:?}");
    event
}

fn sum(ledger: &NodeLedger, of: impl Fn(&StreamRecord) -> u64) -> u64 {
    ledger.streams.iter().map(of).sum()
}

fn sent(stream: &StreamRecord) -> u64 {
    u64::from(stream.to_closer.sent + stream.to_peer.sent)
}

#[test]
fn acknowledgements_cost_packets_and_bytes_and_save_nobody_by_themselves() {
    let costs = |rest: &str| {
        let ledger = run(&chatty("timeout-error", rest));
        let stanzas = sum(&ledger, sent);
        let lost = sum(&ledger, |s| u64::from(s.to_closer.lost));
        [stanzas, lost, sum(&ledger, |s| s.packets.into()), sum(&ledger, |s| s.bytes)]
    };
    let none = costs("");
    let off = costs("[stream_management]\nenable = false\nrequest_every = 1");
    assert_eq!(none, off, "what is not turned on is not there");
    let rare = costs("[stream_management]\nrequest_every = 20");
    let often = costs("[stream_management]\nrequest_every = 1");
    let per_stanza = |cost: [u64; 4], of: usize| cost[of] as f64 / cost[0] as f64;
    assert!(per_stanza(rare, 2) > per_stanza(none, 2) && per_stanza(often, 2) > 1.2 * per_stanza(rare, 2));
    // A request and its answer are 26 and 33 to 35 bytes, and the answer has 40 to 52 bytes of headers where nothing else goes that way.
    let extra = per_stanza(often, 3) - per_stanza(none, 3);
    assert!((60.0..150.0).contains(&extra), "{extra} bytes a stanza");
    let expected = 80.0 * 20.0 * 0.040;
    for cost in [none, rare, often] {
        assert!(
            (cost[1] as f64 - expected).abs() < 4.0 * expected.sqrt(),
            "{} lost, about {expected} in flight",
            cost[1]
        );
    }
}

#[test]
fn a_handshake_loses_nothing_under_any_window() {
    for window in [1, 3, 50] {
        let ledger = run(&chatty("handshake", &format!("[stream_management]\nwindow = {window}")));
        assert_eq!(sum(&ledger, |s| u64::from(s.to_closer.lost + s.to_peer.lost)), 0, "window {window}");
        let deferred = sum(&ledger, |s| s.to_closer.deferred.into());
        // A window of one is a queue with one server whose service time is the round trip of 40 ms: of a Poisson process
        // that keeps it busy to 0.8, 1.6 wait on average (M/D/1).
        let expected = if window == 1 { 77..180 } else { 0..25 };
        assert!(expected.contains(&deferred), "window {window}: {deferred} held back");
    }
}

#[test]
fn a_trace_shows_requests_and_answers() {
    let bench = Bench::new();
    let path = bench.file("managed.toml", &chatty("handshake", "[stream_management]\nrequest_every = 5"));
    let [event, turmoil] = ["event", "turmoil"]
        .map(|engine| bench.succeed(&["trace", path.to_str().expect("UTF-8"), "--stream", "3", "--engine", engine]));
    assert_eq!(event, turmoil);
    for what in ["writes enable ", "writes enabled\n", "writes ack request ", "writes ack\n", "writes ack and close\n"]
    {
        assert!(event.contains(what), "no {what:?} in\n{event}");
    }
}

/// Clients whose server closes them without a tag and who come back twice.
fn coming_back(strategy: &str, management: &str) -> NodeLedger {
    let rest = format!("[reconnect]\ndelay = \"1s\"\ntimes = 2\n[stream_management]\n{management}");
    run(&chatty(strategy, &rest))
}

/// Lost, recovered, duplicated, over all streams but the last of each peer, which nobody follows.
fn followed(ledger: &NodeLedger) -> [u64; 3] {
    let first = ledger.streams.iter().filter(|stream| stream.stream.0 < 160);
    first.fold([0; 3], |[lost, recovered, duplicated], stream| {
        let gone = u64::from(stream.to_closer.lost + stream.to_peer.lost);
        [lost + gone, recovered + u64::from(stream.recovered), duplicated + u64::from(stream.duplicated)]
    })
}

#[test]
fn a_session_that_is_resumed_recovers_all_that_was_lost_and_doubles_nothing() {
    let [lost, recovered, duplicated] = followed(&coming_back("abrupt-close", "resume = \"1m\""));
    assert!(lost > 100, "{lost}");
    assert_eq!((recovered, duplicated), (lost, 0));
    let without = followed(&coming_back("abrupt-close", "request_every = 5"));
    assert!(without[0] > 100 && without[1..] == [0, 0], "{without:?}");
}

#[test]
fn a_tag_ends_the_session_and_what_nobody_acknowledged_is_written_again() {
    let [lost, recovered, _] = followed(&coming_back("timeout-error", "resume = \"1m\""));
    assert!(lost > 100 && recovered == lost, "{recovered} of {lost}");
    let ledger = coming_back("timeout-error", "resume = \"1m\"");
    let duplicated = sum(&ledger, |stream| stream.duplicated.into());
    assert!(duplicated > 50, "what was delivered and not acknowledged arrives twice: {duplicated}");
    let kept = coming_back("timeout-error", "resume = \"1m\"\nafter_tag = \"keep\"");
    assert_eq!(sum(&kept, |stream| stream.duplicated.into()), 0, "a session that is kept knows what arrived");
    let dropped = coming_back("timeout-error", "resume = \"1m\"\nunresumed = \"drop\"");
    assert_eq!(sum(&dropped, |stream| u64::from(stream.recovered + stream.duplicated)), 0);
}

#[test]
fn who_comes_back_too_late_is_not_resumed() {
    // Clients come back after 1 s.
    let [lost, recovered, duplicated] = followed(&coming_back("abrupt-close", "resume = \"200ms\""));
    assert!(recovered == lost && duplicated > 0, "written again on a new session: {lost} {recovered} {duplicated}");
    let [lost, recovered, _] = followed(&coming_back("abrupt-close", "resume = \"200ms\"\nunresumed = \"drop\""));
    assert!(lost > 100 && recovered == 0, "{lost} {recovered}");
}

#[test]
fn summary_and_streams_say_what_came_back() {
    let bench = Bench::new();
    let rest = "[reconnect]\ndelay = \"1s\"\ntimes = 2\n[stream_management]\nresume = \"1m\"";
    bench.file("back.toml", &chatty("abrupt-close", rest));
    let said = bench.succeed(&["compare", "back.toml", "--streams", "--out", "o"]);
    assert!(said.contains("Written again on later streams: of "), "{said}");
    let summary = &crate::support::rows(&bench.path("o/summary.csv"))[0];
    let streams = crate::support::rows(&bench.path("o/streams.csv"));
    let number = crate::support::number;
    for column in ["recovered", "duplicated", "lost_for_good"] {
        let all: f64 = streams.iter().map(|row| number(row, column)).sum();
        assert!((all - number(summary, column)).abs() < 1e-9, "{column}");
    }
    assert!((number(summary, "lost") - number(summary, "recovered") - number(summary, "lost_for_good")).abs() < 1e-9);
}

/// Clients that a forged RST cuts off at 4 s, while nothing reaches the server, which has nothing to write and does not hear of it.
fn cut_off(management: &str) -> NodeLedger {
    let chaos = "[[chaos]]\nat = \"3600ms\"\nfor = \"1500ms\"\ndo = \"partition\"\nway = \"to-server\"\non = \"all\"\n\
                 [[chaos]]\nat = \"4s\"\ndo = \"inject-reset\"\nway = \"to-client\"\non = \"all\"";
    let text = chatty("handshake", &format!("{chaos}\n[reconnect]\ndelay = \"1s\"\n[stream_management]\n{management}"));
    let stays = text.replace("after = { uniform = [\"5s\", \"8s\"] }", "after = \"1h\"");
    run(&stays.replace("poisson = 5.0", "poisson = 0.01"))
}

#[test]
fn who_comes_back_while_the_server_still_holds_the_old_stream_takes_the_session_over() {
    let cut = cut_off("resume = \"1m\"");
    let (old, new) = cut.streams.split_at(80);
    assert_eq!(new.len(), 80, "everybody came back");
    let lost: u64 = old.iter().map(|stream| u64::from(stream.to_closer.lost + stream.to_peer.lost)).sum();
    let recovered: u64 = old.iter().map(|stream| u64::from(stream.recovered)).sum();
    assert!(lost > 500 && recovered == lost, "{recovered} of {lost}");
    assert_eq!(sum(&cut, |stream| stream.duplicated.into()), 0);
    // Who asks for the session of a stream that is still up gets it: the server lets go of the old stream at once.
    let replaced: Vec<_> = old.iter().filter(|stream| stream.outcome == Outcome::Closed).collect();
    assert!(replaced.len() > 50, "{}", replaced.len());
    for stream in replaced {
        let decision = stream.decision.expect("a decision").as_micros();
        assert!(decision > 5_100_000, "{decision}");
        assert_eq!(stream.release, Observed::After(Micros::ZERO));
    }
}

#[test]
fn without_resumption_the_old_stream_stays_until_its_kernel_gives_it_up() {
    let cut = cut_off("request_every = 5");
    let decided = cut.streams[..80].iter().filter(|stream| stream.decision.is_some());
    assert_eq!(sum(&cut, |stream| u64::from(stream.recovered)), 0);
    assert!(decided.count() > 0);
}

#[test]
fn behind_a_silent_nat_all_that_was_lost_arrives_on_the_next_stream() {
    // The server closes a stream on which nothing came for as long as its client needs to give up and come back, so that now and
    // then it waits for a tag when the next stream begins: what it holds back then is for that one.
    let text = include_str!("../../simulations/silent-nat.toml").replace("peers = 1000", "peers = 40");
    let text =
        text.replace("idle = \"2m\"", "idle = \"1m\"").replace("user_timeout = \"10s\"", "user_timeout = \"25s\"");
    let ledger = run(&text.replace("duration = \"10m\"", "duration = \"5m\""));
    let is_last = |stream: &StreamRecord| !ledger.streams.iter().any(|next| next.stream.0 == stream.stream.0 + 40);
    let followed = ledger.streams.iter().filter(|stream| !is_last(stream));
    let [lost, recovered] = followed.fold([0, 0], |[lost, recovered], stream| {
        [lost + stream.to_closer.lost + stream.to_peer.lost, recovered + stream.recovered]
    });
    assert!(lost > 20 && recovered == lost, "{recovered} of {lost}");
}
