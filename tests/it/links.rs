//! Links do what their keys say, as seen in the chart of a busy stream.

use crate::support::{Bench, number, one_class};

/// A packet from client to server in a chart.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Passage {
    Leaves,
    Dropped,
    DroppedByQueue,
    Arrives,
}

/// One client that writes a stanza each 20 ms for 100 s and is closed after that, on a link of which `link` says more.
fn busy(link: &str, traffic: &str) -> String {
    // Behind the traffic comes what is in `link`; the link of the setting goes.
    one_class(1, "20ms", 1.0, "compliant", link)
        .replace("client = { poisson = 1.000, size = 200 }", traffic)
        .replacen("[links.wire]\nlatency = \"20ms\"\n", "", 1)
        .replace("after = { uniform = [\"2s\", \"3s\"] }", "after = \"100s\"")
        .replace("duration = \"90s\"", "duration = \"400s\"")
}

const STEADY: &str = "client = { periodic = \"20ms\", size = 200 }";

/// What became of each packet with a payload from client to server, with the time of it in seconds.
fn packets_up(scenario: &str) -> Vec<(f64, Passage)> {
    let bench = Bench::new();
    bench.file("s.toml", scenario);
    let chart = bench.succeed(&["trace", "s.toml", "--strategy", "handshake"]);
    let mut found = Vec::new();
    for line in chart.lines() {
        let mut columns = line.split('|');
        let (Some(left), Some(wire)) = (columns.next(), columns.next()) else { continue };
        let Some(time) = left.split_whitespace().next().and_then(|t| t.parse().ok()) else { continue };
        let wire = wire.trim();
        // `P.` or `.`, then first:last(length): what the client's kernel sends begins with it, what comes to the server ends so.
        let passage = if wire.ends_with('>') {
            Passage::Leaves
        } else if wire.ends_with("x lost") {
            Passage::Dropped
        } else if wire.ends_with("x queue full") {
            Passage::DroppedByQueue
        } else if wire.starts_with('-') {
            Passage::Arrives
        } else {
            continue;
        };
        if !wire.contains("(0)") {
            found.push((time, passage));
        }
    }
    found
}

fn count(packets: &[(f64, Passage)], passage: Passage) -> f64 {
    packets.iter().filter(|(_, p)| *p == passage).count() as f64
}

/// Share of packets dropped, and mean length of a row of drops.
fn losses(loss: &str) -> (f64, f64, f64) {
    let link = format!("[links.wire]\nlatency = \"20ms\"\nup = {{ loss = {loss} }}\n[kernel]\ntcp_retries2 = 30\n");
    let packets = packets_up(&busy(&link, STEADY));
    let fates: Vec<bool> =
        packets.iter().filter(|(_, p)| *p != Passage::Arrives).map(|(_, p)| *p == Passage::Dropped).collect();
    let dropped = fates.iter().filter(|d| **d).count() as f64;
    let rows =
        fates.iter().zip(std::iter::once(&false).chain(&fates)).filter(|(now, before)| **now && !**before).count();
    (dropped / fates.len() as f64, dropped / rows.max(1) as f64, fates.len() as f64)
}

#[test]
fn independent_loss_has_its_mean_and_no_bursts() {
    for p in [0.0_f64, 0.02, 0.1, 0.3] {
        let (share, row, n) = losses(&p.to_string());
        let error = 4.0 * (p * (1.0 - p) / n).sqrt();
        assert!((share - p).abs() <= error, "loss {p}: {share} of {n}");
        assert!(p == 0.0 || (row - 1.0 / (1.0 - p)).abs() < 0.2, "loss {p}: rows of {row}");
    }
}

#[test]
fn gilbert_elliott_loss_has_its_mean_and_its_bursts() {
    let (share, row, n) = losses("{ gilbert = { p = 0.05, r = 0.4 } }");
    let mean: f64 = 0.05 / 0.45;
    // A row of 1/r losses counts as little more than one draw.
    let error = 4.0 * (mean * (1.0 - mean) / (n * 0.4)).sqrt();
    assert!((share - mean).abs() < error, "{share} of {n}, {mean} expected");
    assert!((row - 2.5).abs() < 0.6, "rows of {row}, 2.5 expected");
    let (share, row, _) = losses("{ gilbert = { p = 0.05, r = 0.4, bad_loss = 0.5, good_loss = 0.01 } }");
    let mean: f64 = 0.01 * 0.4 / 0.45 + 0.5 * 0.05 / 0.45;
    assert!((share - mean).abs() < 0.5 * mean && row < 2.2, "{share} lost in rows of {row}, {mean} expected");
}

#[test]
fn a_limited_rate_spaces_packets_and_a_full_queue_drops_them() {
    // 200 stanzas of 1,000 bytes at once, 100,000 bits a second: 16 s of line for 200 kB, of which 8,000 bytes may wait.
    let link = "[links.wire]\nlatency = \"20ms\"\nup = { rate = \"100kbit\", queue = 8000 }\n";
    let burst = "client = { bursts = { every = \"50s\", stanzas = 200 }, size = 1000 }";
    let packets = packets_up(&busy(link, burst));
    assert!(count(&packets, Passage::DroppedByQueue) > 0.0, "the queue was never full");
    assert_eq!(count(&packets, Passage::Dropped), 0.0, "nothing but the queue drops");
    assert_eq!(count(&packets, Passage::Leaves), count(&packets, Passage::Arrives));
    let arrivals: Vec<f64> = packets.iter().filter(|(_, p)| *p == Passage::Arrives).map(|(t, _)| *t).collect();
    // No second of line carries more than a second's worth, in packets of at least 1,000 bytes.
    for (i, start) in arrivals.iter().enumerate() {
        let within = arrivals[i..].iter().take_while(|t| **t < start + 1.0).count();
        assert!(within <= 14, "{within} packets arrive within a second of {start}");
    }
    // What waits waits no longer than the queue is long: 8,000 bytes are 640 ms.
    let bench = Bench::new();
    let results =
        bench.compare(&busy(link, burst).replace("peers = 1\n", "peers = 20\n"), &["--strategy", "handshake"]);
    let row = results.summary("handshake");
    assert_eq!((number(&row, "lost"), number(&row, "violations")), (0.0, 0.0));
    assert!(number(&row, "retransmissions") > 0.0);
}

#[test]
fn duplicates_and_overtaking_are_there_and_break_nothing() {
    let link = "[links.wire]\nlatency = { uniform = [\"5ms\", \"95ms\"] }\nreorder = true\nduplicate = 0.1\n";
    let packets = packets_up(&busy(link, STEADY));
    let (left, came) = (count(&packets, Passage::Leaves), count(&packets, Passage::Arrives));
    let error = 4.0 * (left * 0.1 * 0.9).sqrt();
    assert!((came - 1.1 * left).abs() < error, "{came} came of {left} packets, a tenth of them twice");
    let results = Bench::new().compare(&busy(link, STEADY).replace("peers = 1\n", "peers = 20\n"), &[]);
    for row in results.rows("summary.csv") {
        assert_eq!((number(&row, "violations"), number(&row, "unfinished")), (0.0, 0.0), "{}", row["strategy"]);
        assert!(row["strategy"] != "handshake" || row["lost"] == "0", "the handshake lost {}", row["lost"]);
    }
}

#[test]
fn every_link_profile_carries_streams() {
    let bench = Bench::new();
    let list = bench.succeed(&["list", "links"]);
    let names: Vec<&str> = list.lines().skip(1).filter_map(|l| l.split_whitespace().next()).collect();
    assert!(names.len() >= 8, "{list}");
    let scenario = one_class(80, "20ms", 2.0, "compliant", "");
    let (head, class) = scenario.split_once("[[class]]").expect("a class");
    let (_, rest) = class.split_once("[traffic.chatter]").expect("traffic");
    let classes: Vec<String> = names
        .iter()
        .map(|n| format!("[[class]]\nname = {n:?}\nlink = {n:?}\nresponder = \"compliant\"\ntraffic = \"chatter\"\n"))
        .collect();
    let results = Bench::new()
        .compare(&format!("{head}{}[traffic.chatter]{rest}", classes.concat()), &["--set", "closing.timeout=60s"]);
    for row in results.rows("streams.csv").iter().filter(|r| r["strategy"] == "handshake") {
        assert_eq!((row["outcome"].as_str(), row["lost"].as_str()), ("clean", "0"), "{row:?}");
    }
}
