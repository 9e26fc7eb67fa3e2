//! The server as a resource: waits against queueing theory, back-pressure, accept queues, file limits, and what is reckoned.

use farewell::engine::{Engine as _, Event, NodeRun, Turmoil, Unwatched};
use farewell::experiment::balance;
use farewell::id::NodeId;
use farewell::ledger::capacity::Capacity;
use farewell::ledger::record::NodeLedger;
use farewell::scenario::Scenario;

use crate::support::{Bench, number, rows, text};

/// Clients on a link of 20 ms that write, and are closed at the end.
fn scenario(peers: u32, duration: &str, rate: f64, rest: &str) -> String {
    format!(
        "duration = \"{duration}\"\npeers = {peers}\nseed = 5\nstrategies = [\"handshake\"]\narrivals = {{ over = \"1s\" }}\n\
         negotiation = \"minimal\"\n[closing]\nby = \"server\"\nafter = \"1h\"\n\
         [[class]]\nname = \"all\"\nlink = \"wire\"\ntraffic = \"chatter\"\n\
         [links.wire]\nlatency = \"20ms\"\n[traffic.chatter]\nclient = {{ poisson = {rate:.3}, size = 200 }}\n{rest}\n"
    )
}

fn event(text: &str, seed: u64) -> NodeLedger {
    let scenario = Scenario::from_toml(text).unwrap_or_else(|e| panic!("{e}"));
    let node = NodeRun { scenario: &scenario, contender: 0, seed, node: NodeId(0) };
    let ledger = Event.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    balance::check(&ledger).unwrap_or_else(|e| panic!("{e}"));
    ledger
}

/// What both engines say, which must be the same.
fn both(text: &str) -> (NodeLedger, Capacity) {
    let scenario = Scenario::from_toml(text).unwrap_or_else(|e| panic!("{e}"));
    let node = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node: NodeId(0) };
    let one = event(text, scenario.seed);
    let other = Turmoil.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
    let differing = one.streams.iter().zip(&other.streams).find(|(a, b)| a != b);
    assert!(one == other, "the engines differ: {differing:?} {:?} {:?}", one.capacity, other.capacity);
    let capacity = one.capacity.clone().expect("an account");
    (one, capacity)
}

/// Mean wait in microseconds over some seeds of a server with a load of 0.6 a worker, and stanzas that were served.
#[expect(clippy::cast_precision_loss, reason = "sums of waits are far below 2^53")]
fn mean_wait(service: &str, workers: u32) -> f64 {
    // 600 stanzas a second for each worker that needs 1 ms for one.
    let rate = 600.0 * f64::from(workers) / 400.0;
    let text = scenario(400, "60s", rate, &format!("[server]\nservice = {service}\nworkers = {workers}"));
    let runs = (1..=3).map(|seed| event(&text, seed).capacity.expect("an account"));
    let (waited, served) = runs.fold((0, 0), |(w, n), run| (w + run.waited.get(), n + run.served));
    assert!(served > 95_000, "{served}");
    waited as f64 / served as f64
}

fn close(found: f64, expected: f64) {
    assert!((found / expected - 1.0).abs() < 0.05, "a mean wait of {found:.1} us, expected {expected:.1} us");
}

/// Mean wait in units of the service time with so many workers and Poisson arrivals (Crommelin 1932): who is there a service
/// time later is who was there and not in service, and who came meanwhile.
fn crommelin(workers: usize, load: f64) -> f64 {
    const MOST: usize = 400;
    let rate = load * workers as f64;
    let mut coming = vec![libm::exp(-rate)];
    (1..MOST).for_each(|k| coming.push(coming[k - 1] * rate / k as f64));
    let mut there = vec![0.0; MOST];
    there[0] = 1.0;
    for _ in 0..2_000 {
        let mut next = vec![0.0; MOST];
        for (n, p) in there.iter().enumerate().filter(|(_, p)| **p > 1e-18) {
            let left = n.saturating_sub(workers);
            (left..MOST).zip(&coming).for_each(|(m, q)| next[m] += p * q);
        }
        there = next;
    }
    let mean: f64 = there.iter().enumerate().map(|(n, p)| n as f64 * p).sum();
    mean / rate - 1.0
}

#[test]
fn fixed_service_and_one_worker_wait_as_in_m_d_1() {
    // ρ / (2 μ (1 − ρ)) (Pollaczek and Khinchine).
    let expected = 1_000.0 * 0.6 / (2.0 * 0.4);
    assert!((1_000.0 * crommelin(1, 0.6) / expected - 1.0).abs() < 1e-6);
    close(mean_wait("\"1ms\"", 1), expected);
}

#[test]
fn workers_stand_still_with_their_server() {
    // A load of nine tenths, so that some work is always under way when the server stops.
    let still = |what: &str, on: &str| {
        let chaos = format!("[[chaos]]\nat = \"20s\"\nfor = \"10s\"\ndo = \"{what}\"\non = \"{on}\"\n");
        let server = format!("[server]\nservice = \"90ms\"\nworkers = 1\n{chaos}");
        let (_, capacity) = both(&scenario(20, "60s", 0.5, &server));
        let busy: u64 = capacity.busy_us[20..30].iter().sum();
        assert!(
            capacity.busy_us[30..35].iter().sum::<u64>() > 4_900_000,
            "{what}: what came meanwhile is served behind"
        );
        assert!(capacity.served * 90_000 < capacity.busy_us.iter().sum::<u64>() + 90_000, "{what}: whole services");
        busy
    };
    assert_eq!([still("freeze", "server"), still("hang", "node 0")], [0, 0]);
}

#[test]
fn fixed_service_and_two_workers_wait_as_in_m_d_2() {
    close(mean_wait("\"1ms\"", 2), 1_000.0 * crommelin(2, 0.6));
}

#[test]
fn exponential_service_waits_as_in_m_m_1() {
    // ρ / (μ (1 − ρ)).
    close(mean_wait("{ exponential = \"1ms\" }", 1), 1_000.0 * 0.6 / 0.4);
}

#[test]
fn a_full_queue_stops_the_application_from_reading_and_loses_nothing_while_it_is_open() {
    let text = scenario(20, "60s", 10.0, "[server]\nservice = \"20ms\"\nqueue = 5\n[kernel]\ntcp_syncookies = true");
    let (ledger, capacity) = both(&text);
    // Four times what the worker can do: it is never idle. A read is taken in whole, some 80 stanzas; the rest stays in kernels.
    assert!(capacity.most_waiting >= 5 && capacity.most_waiting < 90, "{capacity:?}");
    assert!(capacity.busy_us[10..50].iter().all(|us| *us == 1_000_000), "{:?}", capacity.busy_us);
    let delivered: u64 = ledger.streams.iter().map(|s| u64::from(s.to_closer.delivered)).sum();
    assert!(capacity.served - delivered <= 5, "{} {delivered}", capacity.served);
}

#[test]
fn an_overloaded_server_times_out_clients_that_answered() {
    let closing = |service: &str| {
        scenario(50, "40s", 4.0, &format!("[server]\nservice = \"{service}\""))
            .replace("\"1h\"", "{ uniform = [\"10s\", \"12s\"] }")
    };
    let timeouts = |text: &str| {
        let (ledger, _) = both(text);
        ledger.streams.iter().filter(|s| s.outcome == farewell::ledger::fate::Outcome::Timeout).count()
    };
    // 200 stanzas a second: a worker that needs 1 ms has time, one that needs 20 ms has the tags behind a queue of many seconds.
    assert_eq!(timeouts(&closing("1ms")), 0);
    assert!(timeouts(&closing("20ms")) > 25);
}

#[test]
fn connections_wait_for_accept_and_what_the_backlog_does_not_hold_is_refused() {
    let open = |rest: &str| scenario(60, "30s", 0.5, rest).replace("over = \"1s\"", "over = \"100ms\"");
    let (_, slow) = both(&open("[server]\naccept_rate = 10"));
    // Ten a second: after 3 s some 30 are accepted, after 8 s all.
    assert!((28..=33).contains(&slow.streams[3]) && slow.streams[8] == 60, "{:?}", slow.streams);
    assert!(slow.refused.is_empty(), "{:?}", slow.refused);
    let (_, full) = both(&open("[server]\naccept_rate = 10\nbacklog = 4"));
    assert!(full.refused.iter().sum::<u64>() > 20, "{:?}", full.refused);
    assert!(full.streams[8] <= 60);
}

#[test]
fn an_application_owns_no_more_sockets_than_it_has_files_for() {
    let text = scenario(60, "40s", 0.5, "[server]\nfiles = 25").replace("\"1h\"", "{ uniform = [\"5s\", \"6s\"] }");
    let (ledger, capacity) = both(&text);
    assert_eq!(capacity.streams.iter().max(), Some(&25));
    // As streams are closed, those that waited are accepted: all had their turn.
    assert!(ledger.streams.iter().all(|stream| stream.decision.is_some()));
}

#[test]
fn who_waits_to_be_accepted_when_the_server_restarts_is_reset() {
    let chaos =
        "[[chaos]]\nat = \"3s\"\nfor = \"2s\"\ndo = \"restart\"\non = \"server\"\n[reconnect]\ndelay = \"1s\"\n";
    let text = scenario(40, "40s", 0.5, &format!("[server]\nfiles = 10\n{chaos}"));
    let (ledger, _) = both(&text);
    let back = ledger.returns.expect("returns");
    assert!(back.balances() && back.connects > 80, "{back:?}");
}

#[test]
fn capacity_csv_and_the_timeline_say_what_was_borne() {
    let bench = Bench::new();
    let limits =
        "[server]\nservice = \"1ms\"\nmemory = { stream = \"100kB\" }\nlimits = { sockets = 20, memory = \"1GiB\" }";
    bench.file("server.toml", &scenario(30, "20s", 2.0, limits));
    bench.succeed(&["compare", "server.toml", "--out", "o"]);
    let row = &rows(&bench.path("o/capacity.csv"))[0];
    let of = |column| number(row, column);
    assert!((of("peak_sockets") - 30.0).abs() < 1e-9 && (of("peak_streams") - 30.0).abs() < 1e-9, "{row:?}");
    assert!((of("peak_memory_bytes") - 30.0 * 103_850.0).abs() < 1e-9, "{row:?}");
    assert!((of("utilisation") - 0.06).abs() < 0.01 && of("wait_mean_us") > 10.0, "{row:?}");
    assert!(of("above_sockets_s") > 15.0 && of("above_memory_s") < 1e-9 && row["above_queue_s"].is_empty(), "{row:?}");
    let timeline = rows(&bench.path("o/timeline.csv"));
    let at = |second: usize, column| number(&timeline[second], column);
    assert!((at(10, "streams") - 30.0).abs() < 1e-9 && (at(10, "memory_bytes") - 30.0 * 103_850.0).abs() < 1e-9);
    assert!(at(10, "utilisation") > 0.0 && at(10, "utilisation") < 0.3);
}

#[test]
fn what_a_server_cannot_have_is_refused() {
    let bench = Bench::new();
    for (table, why) in [
        ("[server]\nworkers = 2", "`server.workers` without `server.service`"),
        ("[server]\nservice = \"0s\"", "service"),
        ("[server]\nserivce = \"1ms\"", "nearest: `service`"),
        ("[server]\nlimits = { memory = \"8\" }", "memory"),
    ] {
        bench.file("bad.toml", &scenario(3, "5s", 1.0, table));
        let output = bench.run(&["check", "bad.toml"]);
        let err = text(&output.stderr);
        assert!(output.status.code() == Some(2) && err.contains(why), "{table}: {err}");
    }
}

/// A machine that opens 20 streams within half a second, and closes each 1 s after it is up.
fn outgoing(ports: &str, rest: &str) -> String {
    format!(
        "duration = \"100s\"\npeers = 20\nseed = 5\nkind = \"s2s\"\nstrategies = [\"handshake\", \"abrupt-reset\"]\n\
         arrivals = {{ over = \"500ms\" }}\nnegotiation = \"minimal\"\n[closing]\nby = \"client\"\nafter = \"1s\"\n\
         [server]\noutgoing = {{ {ports} }}\n\
         [[class]]\nname = \"all\"\nlink = \"wire\"\n[links.wire]\nlatency = \"20ms\"\n{rest}\n"
    )
}

#[test]
fn a_server_that_opens_its_streams_needs_a_port_for_each_until_time_wait_is_over() {
    let (ledger, capacity) = both(&outgoing("", ""));
    assert_eq!((capacity.most_ports, capacity.refused.iter().sum::<u64>()), (20, 0));
    // The census is that of the machine that opens and closes: it is in TIME-WAIT for 60 s.
    let in_time_wait = |second: usize| ledger.census.seconds()[second][farewell::ledger::census::TIME_WAIT];
    assert_eq!(
        [5, 60, 63].map(|second| if second < ledger.census.seconds().len() { in_time_wait(second) } else { 0 }),
        [20, 20, 0]
    );
    assert_eq!(capacity.streams[1], 20, "all are up at 1 s");
    let (_, spread) = both(&outgoing("destinations = 4", ""));
    assert_eq!(spread.most_ports, 5);
}

#[test]
fn without_a_port_a_stream_is_never_opened_or_later() {
    let (ledger, capacity) = both(&outgoing("ports = 8", ""));
    assert_eq!((capacity.most_ports, capacity.refused.iter().sum::<u64>()), (8, 12));
    assert_eq!(ledger.streams.iter().filter(|stream| stream.decision.is_some()).count(), 8);
    // Who tries again finds one when TIME-WAIT is over.
    let again = "[reconnect]\ndelay = \"200s\"\nbackoff = \"7s\"\nceiling = \"7s\"\njitter = 0.0";
    let (ledger, capacity) = both(&outgoing("ports = 8", again));
    assert_eq!(capacity.most_ports, 8);
    assert!(capacity.refused.iter().sum::<u64>() > 12, "{:?}", capacity.refused);
    assert_eq!(ledger.streams.iter().filter(|stream| stream.decision.is_some()).count(), 16, "8 more after 61 s");
}

#[test]
fn a_reset_gives_its_port_back_at_once() {
    let scenario = Scenario::from_toml(&outgoing("ports = 20", "")).unwrap_or_else(|e| panic!("{e}"));
    let peak = |contender| {
        let node = NodeRun { scenario: &scenario, contender, seed: 5, node: NodeId(0) };
        let ledger = Event.run(&node, &Unwatched).unwrap_or_else(|e| panic!("{e}"));
        ledger.census.seconds().get(30).map_or(0, |second| second.iter().sum::<i64>())
    };
    assert_eq!((peak(0), peak(1)), (20, 0));
}

#[test]
fn what_listens_is_refused_at_a_server_that_opens() {
    let refused = Scenario::from_toml(&outgoing("", "").replace("[server]", "[server]\nfiles = 10")).unwrap_err();
    assert!(refused.to_string().contains("`server.files` beside `server.outgoing`"), "{refused}");
}

#[test]
fn a_plan_finds_how_many_streams_the_ports_suffice_for() {
    let bench = Bench::new();
    bench.file("out.toml", &outgoing("", ""));
    let said = bench.succeed(&["plan", "out.toml", "--limit", "ports=50", "--strategy", "handshake", "--json"]);
    let document: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let text = document.to_string();
    assert!(text.contains("\"peers\":50") && text.contains("\"ports\""), "{text}");
    for (text, why) in [
        (outgoing("ports = 30", ""), "cannot be exceeded"),
        (outgoing("", "").replace("outgoing = {  }", "memory = {}"), "opens no streams"),
    ] {
        bench.file("out.toml", &text);
        let output = bench.run(&["plan", "out.toml", "--limit", "ports=50"]);
        assert_eq!(output.status.code(), Some(2));
        assert!(self::text(&output.stderr).contains(why), "{}", self::text(&output.stderr));
    }
}
