//! A proxy that ends TCP before the server: what it hands on, what dies in it, the same under both engines.

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::NodeId;
use farewell::ledger::fate::{Observed, Outcome};
use farewell::ledger::record::NodeLedger;
use farewell::scenario::Scenario;
use farewell::time::Micros;

/// Clients that write ten stanzas a second on a link of 20 ms and are closed after some seconds.
fn scenario(strategy: &str, responder: &str, proxy: &str, rest: &str) -> String {
    format!(
        "duration = \"60s\"\npeers = 60\nseed = 4\nstrategies = [{strategy:?}]\narrivals = {{ over = \"2s\" }}\n\
         negotiation = \"minimal\"\n[closing]\nby = \"server\"\nafter = {{ uniform = [\"5s\", \"8s\"] }}\ntimeout = \"5s\"\n\
         [[class]]\nname = \"all\"\nlink = \"wire\"\nresponder = {responder:?}\ntraffic = \"chatter\"\n\
         [links.wire]\nlatency = \"20ms\"\n{proxy}\n\
         [traffic.chatter]\nclient = {{ poisson = 10.0, size = 200 }}\nserver = {{ poisson = 10.0, size = 200 }}\n{rest}\n"
    )
}

/// What both engines say, which must balance and be the same.
fn run(text: &str) -> NodeLedger {
    let scenario = Scenario::from_toml(text).unwrap_or_else(|e| panic!("{e}"));
    let node = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node: NodeId(0) };
    let event = Event.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    let turmoil = Turmoil.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    balance::check(&event).unwrap_or_else(|e| panic!("{e}"));
    let differing = event.streams.iter().zip(&turmoil.streams).find(|(a, b)| a != b);
    assert!(event == turmoil, "the engines differ: {differing:?}");
    event
}

fn lost(ledger: &NodeLedger) -> u32 {
    ledger.streams.iter().map(|stream| stream.to_closer.lost + stream.to_peer.lost).sum()
}

fn all_are(ledger: &NodeLedger, outcome: Outcome) -> bool {
    ledger.streams.iter().all(|stream| stream.outcome == outcome)
}

#[test]
fn a_handshake_goes_through_a_proxy_and_is_later_by_its_line() {
    let straight = run(&scenario("handshake", "compliant", "", ""));
    for half_close in [true, false] {
        let proxied = run(&scenario(
            "handshake",
            "compliant",
            &format!("proxy = {{ latency = \"3ms\", half_close = {half_close} }}"),
            "",
        ));
        assert!(all_are(&proxied, Outcome::Clean) && lost(&proxied) == 0, "{half_close}");
        for (near, far) in straight.streams.iter().zip(&proxied.streams) {
            let (Observed::After(near), Observed::After(far)) = (near.release, far.release) else { panic!("{far:?}") };
            // Two ways of 3 ms; what else there is to acknowledge on that line may move it by some of its packets.
            assert!(far - near >= Micros::from_millis(5) && far - near <= Micros::from_millis(8), "{near} {far}");
        }
    }
}

#[test]
fn who_closes_half_loses_behind_a_proxy_that_closes_both_ways() {
    let lost_behind = |proxy: &str| lost(&run(&scenario("handshake-half-close", "compliant", proxy, "")));
    assert_eq!(lost_behind(""), 0);
    assert_eq!(lost_behind("proxy = { half_close = true }"), 0);
    assert!(lost_behind("proxy = { half_close = false }") > 5);
}

#[test]
fn a_reset_of_one_side_reaches_the_other_as_it_says() {
    let after_reset = |on_reset: &str| {
        let proxy = format!("proxy = {{ on_reset = {on_reset:?} }}");
        run(&scenario("handshake", "resets", &proxy, ""))
    };
    assert!(all_are(&after_reset("reset"), Outcome::PeerReset));
    assert!(all_are(&after_reset("close"), Outcome::PeerFin));
}

#[test]
fn a_quiet_proxy_closes_both_sides() {
    // Traffic ends after two stanzas; the proxy waits for 1 s.
    let text = scenario("handshake", "compliant", "proxy = { idle = \"1s\" }", "")
        .replace("poisson = 10.0, size", "poisson = 10.0, count = 2, size");
    let ledger = run(&text);
    let before = ledger.streams.iter().filter(|stream| stream.outcome == Outcome::PeerFin).count();
    assert!(before > 55, "{before} streams ended before the server decided");
}

#[test]
fn what_dies_in_a_proxy_died_in_the_network() {
    // The server's machine is off; the proxy goes on taking what clients write until its own socket gives up.
    let crash = "[[chaos]]\nat = \"4s\"\ndo = \"crash\"\non = \"server\"";
    let ledger = run(&scenario("handshake", "compliant", "proxy = { buffer = \"1KiB\" }", crash));
    let inside = ledger.lost.iter().filter(|stanza| stanza.place == farewell::ledger::fate::Place::Network).count();
    assert!(inside > 100, "{inside}");
}
