//! The options that applications set on their sockets, where a network falls silent at 30 s and nobody closes for an hour.

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::NodeId;
use farewell::ledger::record::NodeLedger;
use farewell::scenario::Scenario;

fn scenario(rest: &str) -> String {
    format!(
        "duration = \"3m\"\npeers = 20\nstrategies = [\"handshake\"]\narrivals = {{ over = \"1s\" }}\n\
         [closing]\nby = \"server\"\nafter = \"1h\"\n\
         [[chaos]]\nat = \"30s\"\ndo = \"partition\"\non = \"all\"\n\
         [kernel]\ntcp_keepalive_time = \"60s\"\ntcp_keepalive_intvl = \"10s\"\ntcp_keepalive_probes = 3\n\
         [[class]]\nname = \"all\"\nlink = \"lan\"\n{rest}\n"
    )
}

/// What both engines say, which must be the same.
fn ledger(rest: &str) -> NodeLedger {
    let scenario = Scenario::from_toml(&scenario(rest)).unwrap_or_else(|e| panic!("{e}"));
    let node = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node: NodeId(0) };
    let one = Event.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    balance::check(&one).unwrap_or_else(|e| panic!("{e}"));
    assert!(one == Turmoil.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}")), "the engines differ");
    one
}

/// Sockets that the server holds at a whole second.
fn held(ledger: &NodeLedger, second: usize) -> i64 {
    ledger.census.seconds().get(second).map_or(0, |states| states.iter().sum())
}

/// A stanza from the server now and then.
const NEWS: &str = "traffic = { server = { periodic = \"7s\", size = 200 } }\n";

#[test]
fn nobody_notices_a_silent_network_without_options() {
    let ledger = ledger("");
    assert_eq!((held(&ledger, 29), held(&ledger, 179)), (20, 20));
}

#[test]
fn a_keepalive_gives_up_after_its_time_and_its_probes() {
    // Last heard within two seconds of the start; 60 s, then three probes that are 10 s apart, each up to an eighth late.
    let ledger = ledger("[sockets]\nserver = { keepalive = true }");
    assert_eq!((held(&ledger, 89), held(&ledger, 104)), (20, 0));
}

#[test]
fn a_client_s_keepalive_is_not_the_server_s() {
    let ledger = ledger("[sockets]\nclient = { keepalive = true }");
    assert_eq!(held(&ledger, 179), 20);
}

#[test]
fn data_that_stays_unacknowledged_for_the_user_timeout_ends_the_connection() {
    // What is written first after 30 s is written by 37 s; the timer that finds 20 s gone by is one of retransmissions.
    let ledger = ledger(&format!("{NEWS}[sockets]\nserver = {{ user_timeout = \"20s\" }}"));
    assert_eq!((held(&ledger, 49), held(&ledger, 70)), (20, 0));
}

#[test]
fn without_it_the_kernel_retransmits_for_minutes() {
    let ledger = ledger(NEWS);
    assert_eq!(held(&ledger, 179), 20);
}
