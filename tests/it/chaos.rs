//! What chaos does to closings: each action as its name promises, the same under both engines, and nothing to those whom it
//! does not strike.

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::NodeId;
use farewell::ledger::fate::{Observed, Outcome, Place};
use farewell::ledger::record::{NodeLedger, StreamRecord};
use farewell::scenario::Scenario;
use farewell::time::{Micros, SimTime};

use crate::support::{Bench, text};

/// Phones that open over 2 s, write once a second, and are closed 15 to 18 s after that, on a link of 20 ms.
fn phones(strategy: &str, rest: &str) -> String {
    format!(
        "duration = \"200s\"\npeers = 60\nseed = 3\nstrategies = [{strategy:?}]\narrivals = {{ over = \"2s\" }}\n\
         negotiation = \"minimal\"\n[closing]\nby = \"server\"\nafter = {{ uniform = [\"15s\", \"18s\"] }}\ntimeout = \"5s\"\n\
         [[class]]\nname = \"phones\"\nlink = \"wire\"\ntraffic = \"chatter\"\n\
         [links.wire]\nlatency = \"20ms\"\n[traffic.chatter]\nclient = {{ poisson = 1.0, size = 200 }}\n{rest}\n"
    )
}

fn entry(at: &str, lasts: &str, action: &str, on: &str) -> String {
    let lasts = if lasts.is_empty() { String::new() } else { format!("for = {lasts:?}\n") };
    format!("[[chaos]]\nat = {at:?}\n{lasts}do = {action}\non = {on:?}\n")
}

/// What both engines say of every node, which must balance and be the same.
fn run(scenario: &str) -> NodeLedger {
    let scenario = Scenario::from_toml(scenario).unwrap_or_else(|e| panic!("{e}"));
    let mut all = NodeLedger::default();
    for node in (0..scenario.nodes).map(NodeId) {
        let node = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node };
        let event = Event.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
        let turmoil = Turmoil.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
        balance::check(&event).unwrap_or_else(|e| panic!("{e}"));
        let differing = event.streams.iter().zip(&turmoil.streams).find(|(a, b)| a != b);
        assert!(event == turmoil, "the engines differ: {differing:?}");
        all.streams.extend(event.streams);
        all.lost.extend(event.lost);
        (all.returns, all.capacity) = (event.returns, event.capacity);
    }
    all
}

fn released(stream: &StreamRecord) -> Micros {
    let Observed::After(time) = stream.release else { panic!("not released: {stream:?}") };
    time
}

const TIMEOUT: Micros = Micros::from_secs(5);

#[test]
fn a_partition_longer_than_the_close_timeout_ends_every_stream_in_timeout_on_time() {
    for strategy in ["handshake", "handshake-half-close", "error-handshake"] {
        let ledger = run(&phones(strategy, &entry("10s", "60s", "\"partition\"", "all")));
        for stream in &ledger.streams {
            assert_eq!((stream.outcome, released(stream)), (Outcome::Timeout, TIMEOUT), "{strategy}: {stream:?}");
        }
        assert!(ledger.lost.iter().all(|l| l.at >= SimTime::ZERO + Micros::from_secs(10)), "none was lost before");
    }
    // A short one is bridged by retransmission: the handshake still loses nothing.
    let ledger = run(&phones("handshake", &entry("16s", "1s", "\"partition\"", "phones")));
    assert!(ledger.streams.iter().all(|s| s.outcome == Outcome::Clean) && ledger.lost.is_empty());
}

#[test]
fn a_partition_of_one_way_lets_the_other_way_through() {
    let one_way =
        |way| run(&phones("timeout-error", &format!("{}way = \"{way}\"\n", entry("10s", "", "\"partition\"", "all"))));
    let up = one_way("to-server");
    assert!(up.streams.iter().all(|s| matches!(s.notice, Observed::After(_))), "the phones are told");
    assert!(up.streams.iter().any(|s| s.to_closer.lost > 0));
    let down = one_way("to-client");
    let delivered = |ledger: &NodeLedger| ledger.streams.iter().map(|s| s.to_closer.delivered).sum::<u32>();
    assert!(delivered(&down) > delivered(&up) + 60, "what the phones write arrives until their windows are full");
    assert!(down.streams.iter().all(|s| s.notice == Observed::Never), "and nobody tells them");
}

/// Phones behind a NAT of 10 s that write as `client` says.
fn behind_nat(strategy: &str, on_expiry: &str, client: &str) -> String {
    phones(strategy, "")
        .replace(
            "latency = \"20ms\"\n",
            &format!("latency = \"20ms\"\nmiddlebox = {{ nat_idle = \"10s\", on_expiry = \"{on_expiry}\" }}\n"),
        )
        .replace("client = { poisson = 1.0, size = 200 }", client)
}

#[test]
fn behind_an_expired_nat_the_notice_never_comes_to_those_who_write_nothing() {
    // One stanza in the first second, and nothing more.
    let quiet = "client = { periodic = \"1s\", size = 200, count = 1 }";
    for on_expiry in ["drop", "reset"] {
        let ledger = run(&behind_nat("timeout-error", on_expiry, quiet));
        for stream in &ledger.streams {
            assert_eq!((stream.outcome, stream.notice), (Outcome::Closed, Observed::Never), "{on_expiry}: {stream:?}");
        }
        let resets: u32 = ledger.streams.iter().map(|s| s.resets).sum();
        assert_eq!(resets, 0, "that of a middlebox is no kernel's");
        // A RST ends the server's orphan at once; without one it tries until its kernel gives up.
        let held = ledger.streams.iter().map(|s| s.socket_time).max().expect("streams");
        assert_eq!(held < Micros::from_secs(1), on_expiry == "reset", "{on_expiry}: {held}");
    }
    let ledger = run(&behind_nat("handshake", "reset", quiet));
    assert!(ledger.streams.iter().all(|s| s.outcome == Outcome::PeerReset));
    // Traffic keeps the entry.
    let ledger = run(&behind_nat("timeout-error", "drop", "client = { periodic = \"4s\", size = 200 }"));
    assert!(ledger.streams.iter().all(|s| matches!(s.notice, Observed::After(_))));
}

#[test]
fn a_nat_that_is_made_to_forget_resets_who_writes_on() {
    let forgets = entry("12s", "", "\"nat-expire\"", "phones");
    let writes = "client = { periodic = \"2s\", size = 200 }";
    let ledger = run(&(behind_nat("handshake", "reset", writes) + &forgets));
    // Whose packet was on its way at the moment is reset first; the others write within 2 s, and know before the decision.
    for stream in &ledger.streams {
        assert!(stream.notice < Observed::After(Micros::from_secs(2)), "{stream:?}");
        assert_eq!(stream.outcome, Outcome::PeerReset);
    }
    assert!(ledger.streams.iter().filter(|s| s.notice == Observed::After(Micros::ZERO)).count() > 40);
    let ledger = run(&(behind_nat("handshake", "drop", writes) + &forgets));
    assert!(ledger.streams.iter().all(|s| (s.outcome, s.release) == (Outcome::Timeout, Observed::After(TIMEOUT))));
}

#[test]
fn a_crash_is_silence_and_after_a_reboot_there_is_a_reset() {
    let crashed = run(&phones("handshake", &entry("10s", "", "\"crash\"", "phones")));
    for stream in &crashed.streams {
        assert_eq!((stream.outcome, released(stream)), (Outcome::Timeout, TIMEOUT), "{stream:?}");
        assert_eq!((stream.notice, stream.resets), (Observed::Never, 0));
    }
    let rebooted = run(&phones("handshake", &entry("10s", "2s", "\"reboot\"", "phones")));
    for stream in &rebooted.streams {
        assert_eq!((stream.outcome, released(stream)), (Outcome::PeerReset, Micros::from_millis(40)), "{stream:?}");
        assert_eq!((stream.notice, stream.resets), (Observed::Never, 1));
    }
}

#[test]
fn a_server_that_reboots_forgets_its_streams_and_takes_new_ones() {
    let scenario = phones("handshake", &entry("10s", "2s", "\"reboot\"", "server"))
        .replace("over = \"2s\"", "uniform = [\"5s\", \"20s\"]");
    let ledger = run(&scenario);
    let (forgotten, taken): (Vec<_>, Vec<_>) = ledger.streams.iter().partition(|s| s.decision.is_none());
    assert!(forgotten.len() > 10 && taken.len() > 30, "{} {}", forgotten.len(), taken.len());
    assert!(forgotten.iter().all(|s| s.outcome == Outcome::Unfinished && s.resets > 0), "their next stanza is refused");
    assert!(taken.iter().all(|s| s.outcome == Outcome::Clean));
    assert!(ledger.lost.iter().any(|l| l.place == Place::Refused));
}

#[test]
fn a_server_that_restarts_closes_every_stream_by_its_strategy_and_listens_again() {
    let ten = SimTime::ZERO + Micros::from_secs(10);
    let restarts = entry("10s", "3s", "\"restart\"", "server");
    let asked = run(&phones("handshake", &restarts));
    for stream in &asked.streams {
        assert_eq!((stream.decision, stream.outcome), (Some(ten), Outcome::Clean), "{stream:?}");
        assert_eq!((released(stream), stream.to_closer.lost), (Micros::from_millis(40), 0));
    }
    let told = run(&phones("timeout-error", &restarts));
    assert!(told.streams.iter().all(|s| (s.decision, s.outcome) == (Some(ten), Outcome::Closed)));
    assert!(told.streams.iter().any(|s| s.to_closer.lost > 0));
    // The old process lingers while it waits for its peers, and a preset that would only ask closes all the same.
    let silent = run(&phones("handshake", &restarts).replace("[[class]]", "[[class]]\nresponder = \"silent\""));
    assert!(silent.streams.iter().all(|s| (s.outcome, released(s)) == (Outcome::Timeout, TIMEOUT)));
    let pings = run(&phones("ejabberd-23-c2s", &restarts));
    assert!(pings.streams.iter().all(|s| s.decision == Some(ten)));
}

#[test]
fn while_a_server_restarts_it_refuses_and_drops_what_is_being_opened() {
    let scenario = phones("handshake", &entry("10s", "3s", "\"restart\"", "all"))
        .replace("over = \"2s\"", "uniform = [\"8s\", \"15s\"]")
        .replace("negotiation = \"minimal\"", "negotiation = \"full\"")
        .replace("latency = \"20ms\"", "latency = \"100ms\"")
        .replace("peers = 60", "peers = 300\nnodes = 2");
    let ledger = run(&scenario);
    let (up, never): (Vec<_>, Vec<_>) = ledger.streams.iter().partition(|s| s.decision.is_some());
    assert!(up.iter().all(|s| s.outcome == Outcome::Clean));
    let at_once = up.iter().filter(|s| s.decision == Some(SimTime::ZERO + Micros::from_secs(10))).count();
    // 7 s of arrivals: 2 s and less the negotiation before the strike, 3 s of nobody, 2 s after it.
    assert!((35..90).contains(&at_once) && (60..120).contains(&(up.len() - at_once)), "{at_once} of {}", up.len());
    assert!(never.iter().all(|s| s.outcome == Outcome::Unfinished && s.resets + s.to_closer.sent <= 2), "{never:?}");
    assert!(never.iter().filter(|s| s.packets == 2 && s.resets == 1).count() > 80, "a SYN and a refusal");
    assert!(ledger.lost.is_empty());
}

#[test]
fn a_server_that_stands_still_is_told_to_exit_when_it_goes_on() {
    for action in ["\"freeze\"", "\"hang\""] {
        let strikes = entry("8s", "5s", action, "server") + &entry("10s", "3s", "\"restart\"", "server");
        let ledger = run(&phones("handshake", &strikes));
        let back = SimTime::ZERO + Micros::from_secs(13);
        assert!(ledger.streams.iter().all(|s| (s.decision, s.outcome) == (Some(back), Outcome::Clean)), "{action}");
    }
}

/// Phones that write nothing after their first second, under an idle limit of 20 s.
fn idle(strategy: &str, rest: &str) -> String {
    phones(strategy, rest)
        .replace("after = { uniform = [\"15s\", \"18s\"] }", "idle = \"20s\"")
        .replace("client = { poisson = 1.0, size = 200 }", "client = { periodic = \"500ms\", size = 200, count = 1 }")
}

#[test]
fn a_clock_that_jumps_forward_makes_all_idle_at_once_and_one_that_jumps_back_delays_them() {
    let decisions = |rest: &str| run(&idle("handshake", rest)).streams.iter().map(|s| s.decision).collect::<Vec<_>>();
    let (calm, ten) = (decisions(""), SimTime::ZERO + Micros::from_secs(10));
    assert!(calm.iter().all(|d| *d > Some(SimTime::ZERO + Micros::from_secs(19))));
    assert!(decisions(&entry("10s", "", "{ clock-jump = \"1h\" }", "server")).iter().all(|d| *d == Some(ten)));
    let back = decisions(&entry("10s", "", "{ clock-jump = \"-30s\" }", "all"));
    let later: Vec<_> = calm.iter().map(|d| d.map(|d| d + Micros::from_secs(30))).collect();
    assert_eq!(back, later);
    let ends_meet =
        entry("10s", "", "{ clock-jump = \"5s\" }", "server") + &entry("11s", "", "{ clock-jump = \"-5s\" }", "server");
    assert_eq!(decisions(&ends_meet), calm);
    assert_eq!(decisions(&entry("10s", "", "{ clock-jump = \"1h\" }", "phones")), calm, "the clock of others");
}

#[test]
fn a_clock_that_jumps_moves_the_end_of_a_wait_and_of_a_ping() {
    let silent = |strategy, shift: &str| {
        let jump = entry("18500ms", "", &format!("{{ clock-jump = \"{shift}\" }}"), "server");
        let scenario = phones(strategy, &jump).replace("[[class]]", "[[class]]\nresponder = \"silent\"");
        let scenario = scenario.replace("after = { uniform = [\"15s\", \"18s\"] }", "after = \"15s\"");
        run(&scenario.replace("timeout = \"5s\"", "timeout = \"5s\"\nping_timeout = \"6s\"")).streams
    };
    let jumps = SimTime::ZERO + Micros::from_millis(18_500);
    for (strategy, limit) in [("handshake", Micros::from_secs(5)), ("ping-then-handshake", Micros::from_secs(6))] {
        for stream in silent(strategy, "1s") {
            assert_eq!(
                (stream.outcome, released(&stream)),
                (Outcome::Timeout, limit - Micros::from_secs(1)),
                "{stream:?}"
            );
        }
        for stream in silent(strategy, "-2s") {
            assert_eq!(released(&stream), limit + Micros::from_secs(2), "{stream:?}");
        }
        for stream in silent(strategy, "1h") {
            assert_eq!(stream.decision.map(|d| d + released(&stream)), Some(jumps), "all at once: {stream:?}");
        }
    }
}

#[test]
fn who_stands_still_is_late_and_loses_nothing() {
    for action in ["\"freeze\"", "\"hang\""] {
        let short = run(&phones("handshake", &entry("14s", "4s", action, "phones")));
        assert!(short.streams.iter().all(|s| s.outcome == Outcome::Clean && s.to_closer.lost == 0), "{action}");
        let late = short.streams.iter().filter(|s| released(s) > Micros::from_millis(41)).count();
        assert!(late > 10, "{action}: {late} waited for their phone");
        let long = run(&phones("handshake", &entry("14s", "20s", action, "phones")));
        assert!(long.streams.iter().all(|s| (s.outcome, released(s)) == (Outcome::Timeout, TIMEOUT)), "{action}");
        // A closer that stands still decides when it goes on.
        let closer = run(&phones("handshake", &entry("14s", "10s", action, "server")));
        let back = SimTime::ZERO + Micros::from_secs(24);
        assert!(closer.streams.iter().all(|s| s.decision == Some(back) && s.outcome == Outcome::Clean), "{action}");
        assert!(closer.streams.iter().all(|s| s.to_closer.lost == 0), "{action}");
    }
}

#[test]
fn a_forged_segment_ends_a_stream_at_once() {
    for (action, outcome) in [("\"inject-reset\"", Outcome::PeerReset), ("\"inject-fin\"", Outcome::PeerFin)] {
        let forged = entry("10s", "", action, "all") + "way = \"to-server\"\n";
        let ledger = run(&phones("handshake", &forged));
        for stream in &ledger.streams {
            assert_eq!(stream.outcome, outcome, "{stream:?}");
            assert_eq!(stream.decision, Some(SimTime::ZERO + Micros::from_secs(10)));
        }
    }
    let ledger =
        run(&phones("timeout-error", &(entry("10s", "", "\"inject-reset\"", "all") + "way = \"to-client\"\n")));
    assert!(
        ledger.streams.iter().all(|s| s.notice == Observed::After(Micros::ZERO)),
        "the phones know before the server"
    );
}

#[test]
fn packets_of_a_kind_can_be_taken() {
    let tags = run(&phones("handshake", &entry("10s", "", "{ drop-matching = \"close-tag\" }", "all")));
    assert!(tags.streams.iter().all(|s| (s.outcome, released(s)) == (Outcome::Timeout, TIMEOUT)));
    let fins = run(&phones("handshake", &entry("10s", "", "{ drop-matching = \"fin\" }", "all")));
    assert!(
        fins.streams.iter().all(|s| s.outcome == Outcome::Clean && s.teardown > Observed::After(Micros::from_secs(60)))
    );
    let stanzas = run(&phones("handshake", &entry("10s", "", "{ drop-matching = { text = \"<message\" } }", "phones")));
    assert!(stanzas.lost.iter().all(|l| l.sent >= SimTime::ZERO + Micros::from_secs(9)) && stanzas.lost.len() > 60);
}

#[test]
fn loss_and_corruption_cost_retransmissions_and_latency_costs_time() {
    let sum = |ledger: &NodeLedger| ledger.streams.iter().map(|s| s.retransmissions).sum::<u32>();
    let calm = run(&phones("handshake", ""));
    assert_eq!(sum(&calm), 0);
    for action in ["{ loss = 0.2 }", "{ corrupt = 0.2 }"] {
        let lossy = run(&phones("handshake", &entry("5s", "", action, "phones")));
        assert!(sum(&lossy) > 60, "{action}: {}", sum(&lossy));
        assert!(
            lossy.streams.iter().filter(|s| s.outcome == Outcome::Clean).all(|s| s.to_closer.lost == 0),
            "{action}"
        );
    }
    let slow = run(&phones("handshake", &entry("5s", "", "{ latency = \"300ms\" }", "all")));
    let told = Observed::After(Micros::from_millis(640));
    assert!(slow.streams.iter().all(|s| s.release >= told), "2 x (20 + 300) ms");
    assert!(slow.streams.iter().filter(|s| s.release == told).count() > 40, "unless retransmissions come between");
    for action in ["{ rate = \"64kbit\" }", "{ reorder = 0.3 }", "{ duplicate = 0.3 }"] {
        let other = run(&phones("handshake", &entry("5s", "", action, "all")));
        assert!(other.streams.iter().all(|s| s.outcome == Outcome::Clean && s.to_closer.lost == 0), "{action}");
        assert_ne!(other.streams, calm.streams, "{action}");
    }
}

const EVERYTHING: &str = r#"
[[chaos]]
at = { every = "5s", jitter = "2s" }
for = "1s"
do = { loss = 0.5 }
on = { share = 0.5 }
[[chaos]]
at = { poisson = 0.2 }
for = "500ms"
do = "freeze"
on = "phones"
[[chaos]]
at = "13s"
for = "3s"
do = "hang"
on = { share = 0.3 }
[[chaos]]
at = { poisson = 0.05 }
do = "inject-reset"
on = { share = 0.1 }
[[chaos]]
at = "14s"
for = "1s"
do = "reboot"
on = "node 1"
[[chaos]]
at = "16s"
do = "crash"
on = { share = 0.1 }
[[chaos]]
at = "11s"
do = { reorder = 0.2 }
on = "phones"
"#;

#[test]
fn those_whom_chaos_does_not_strike_do_as_without_it() {
    let bystanders = "[[class]]\nname = \"laptops\"\nlink = \"wifi\"\ntraffic = \"chatter\"\n";
    let strikes: String = ["\"freeze\"", "{ loss = 0.4 }", "{ latency = \"1s\" }"]
        .map(|action| entry("5s", "30s", action, "phones"))
        .concat();
    let (calm, struck) = (run(&phones("handshake", bystanders)), run(&phones("handshake", &(strikes + bystanders))));
    let of =
        |ledger: &NodeLedger, class| ledger.streams.iter().filter(|s| s.class == class).cloned().collect::<Vec<_>>();
    assert!(of(&calm, 1).len() > 15);
    assert_eq!(of(&calm, 1), of(&struck, 1));
    assert_ne!(of(&calm, 0), of(&struck, 0));
}

#[test]
fn everything_at_once_balances_and_is_the_same_under_both_engines_and_without_syn_cookies() {
    for kernel in ["", "[kernel]\ntcp_syncookies = false\n"] {
        let scenario =
            phones("timeout-error", &(EVERYTHING.to_owned() + kernel)).replace("peers = 60", "peers = 60\nnodes = 2");
        let ledger = run(&scenario);
        let outcomes = |o| ledger.streams.iter().filter(|s| s.outcome == o).count();
        assert!(outcomes(Outcome::Unfinished) > 5 && outcomes(Outcome::Closed) > 5, "{:?}", ledger.streams);
    }
}

#[test]
fn the_command_line_checks_runs_and_traces_chaos() {
    let bench = Bench::new();
    bench.file("s.toml", &phones("handshake", &entry("10s", "60s", "\"partition\"", "all")));
    let said = bench.succeed(&["check", "s.toml"]);
    assert!(said.contains("chaos       partition at 10s for 60s, on all"), "{said}");
    let chart = bench.succeed(&["trace", "s.toml"]);
    assert!(chart.contains("x partition"), "{chart}");
    bench.succeed(&["compare", "s.toml", "--quiet", "--vary", "chaos.0.for=1s,60s", "--out", "o"]);
    let rows = crate::support::rows(&bench.path("o/summary.csv"));
    let timeouts: Vec<(&str, &str)> = rows.iter().map(|r| (r["chaos.0.for"].as_str(), r["timeout"].as_str())).collect();
    assert_eq!(timeouts, [("1000000", "0"), ("60000000", "60")]);
    let listed = bench.succeed(&["list", "chaos"]);
    for action in ["partition", "nat-expire", "drop-matching", "reboot", "restart", "clock-jump"] {
        assert!(listed.contains(&format!("  {action} ")), "{listed}");
    }
    bench.file("bad.toml", &phones("handshake", &entry("10s", "60s", "\"partitoin\"", "all")));
    let refused = bench.run(&["compare", "bad.toml"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("nearest: `partition`"), "{}", text(&refused.stderr));
}

/// Clients that all come within a second to a server behind a firewall.
fn behind_a_firewall(firewall: &str, rest: &str) -> String {
    format!(
        "duration = \"300s\"\npeers = 60\nseed = 9\nstrategies = [\"handshake\"]\narrivals = {{ over = \"1s\" }}\n\
         negotiation = \"minimal\"\n[closing]\nby = \"server\"\nafter = \"10s\"\n\
         [[class]]\nname = \"all\"\nlink = \"wire\"\n\
         [links.wire]\nlatency = \"20ms\"\nfirewall = {{ {firewall} }}\n{rest}\n"
    )
}

#[test]
fn a_firewall_with_a_full_table_lets_in_who_comes_when_entries_are_gone() {
    let decided = |ledger: &NodeLedger| ledger.streams.iter().filter(|stream| stream.decision.is_some()).count();
    // Closed after 10 s, forgotten 120 s later; a client sends its last SYN after 127 s, and its next try is at 131 s.
    let ledger = run(&behind_a_firewall("table = 25", ""));
    assert_eq!(decided(&ledger), 25, "the others gave up while entries were still there");
    let back = "[reconnect]\nbackoff = \"20s\"\nceiling = \"20s\"\njitter = 0.0\ntimes = 1\ndelay = \"1h\"";
    let patient = run(&behind_a_firewall("table = 25, on_full = \"reset\"", back).replace("300s", "200s"));
    assert_eq!(decided(&patient), 50, "who is refused tries again: a second set of 25 after 130 s");
    let returns = patient.returns.expect("returns");
    assert!(returns.refused > 200, "{returns:?}");
}

#[test]
fn a_firewall_lets_in_no_more_syns_than_its_rate() {
    let slow = run(&behind_a_firewall("syn_rate = 5, burst = 10", "[server]\nlimits = { sockets = 10 }"));
    let all = slow.streams.iter().filter(|stream| stream.decision.is_some()).count();
    assert_eq!(all, 60, "a SYN that was dropped is sent again");
    let capacity = slow.capacity.expect("an account");
    assert!(capacity.streams[1] <= 15 && capacity.refused.iter().sum::<u64>() >= 45, "{capacity:?}");
}
