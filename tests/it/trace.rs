//! `farewell trace`: a stream's life on the screen, and as a capture that other people's tools read without complaint.

use std::path::Path;
use std::process::Command;

use crate::support::{Bench, rows, skip, text};

/// Wireshark's complaints about a TCP stream, those aside that are none.
const COMPLAINTS: &str = "tcp.analysis.flags && !tcp.analysis.window_update";

/// Fields of each packet of a capture, or `None` where there is no tshark.
fn tshark(capture: &Path, filter: &str, fields: &[&str]) -> Option<Vec<Vec<String>>> {
    let mut tshark = Command::new("tshark");
    tshark.arg("-r").arg(capture).args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
    tshark.args(["-T", "fields", "-E", "separator=;", "-Y", filter]);
    tshark.args(fields.iter().flat_map(|field| ["-e", field]));
    let output = match tshark.output() {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
        Err(error) => panic!("tshark: {error}"),
    };
    assert!(output.status.success(), "tshark: {}", text(&output.stderr));
    Some(text(&output.stdout).lines().map(|line| line.split(';').map(str::to_owned).collect()).collect())
}

/// A stream of `kernel-teardown` with 60 peers in which timeout-error loses a stanza.
fn a_stream_with_loss(bench: &Bench) -> String {
    let strategy = ["--strategy", "timeout-error"];
    bench.succeed(&[&["compare", "kernel-teardown", "--peers", "60", "--quiet", "--out", "o"][..], &strategy].concat());
    let lost = rows(&bench.path("o/lost.csv"));
    lost.first().expect("60 streams lose some five stanzas")["stream"].clone()
}

#[test]
fn the_chart_of_a_stream_with_loss_tells_how_it_came_to_it() {
    let bench = Bench::new();
    let stream = a_stream_with_loss(&bench);
    let options = ["--strategy", "timeout-error", "--stream", &stream, "--set", "peers=60"];
    let chart = bench.succeed(&[&["trace", "kernel-teardown"][..], &options].concat());
    let lost = rows(&bench.path("o/lost.csv")).remove(0);
    let stanza = format!("c{} sent, 200 bytes", lost["stanza"]);
    let death = format!("! c{} LOST: {}", lost["stanza"], lost["place"]);
    let mut from = 0;
    // In this order: the stanza may leave before or after the decision, the reset answers it.
    for word in ["stream is up", "==== decision ====", "==== release: 0s after", "==== notice", " R", "==== teardown"] {
        let found = chart[from..].find(word).unwrap_or_else(|| panic!("no {word:?} behind byte {from} of\n{chart}"));
        from += found;
    }
    for word in [stanza, death] {
        assert!(chart.contains(&word), "no {word:?} in\n{chart}");
    }
    let lost_at: f64 = lost["at_us"].parse::<f64>().expect("a time") / 1e6;
    let line = chart.lines().find(|l| l.contains("LOST")).expect("the death");
    assert_eq!(line.split_whitespace().next(), Some(format!("{lost_at:.6}").as_str()), "{line}");
    assert!(chart.lines().all(|l| l.chars().count() <= 119), "wider than promised:\n{chart}");
}

#[test]
fn a_capture_opens_in_wireshark_without_complaint() {
    let bench = Bench::new();
    let stream = a_stream_with_loss(&bench);
    for strategy in ["handshake", "timeout-error", "abrupt-reset"] {
        let options = ["--strategy", strategy, "--stream", &stream, "--set", "peers=60", "--pcap", "one.pcap"];
        bench.succeed(&[&["trace", "kernel-teardown"][..], &options].concat());
        let capture = bench.path("one.pcap");
        let fields =
            ["frame.time_epoch", "tcp.flags.syn", "tcp.flags.reset", "tcp.checksum.status", "ip.checksum.status"];
        let Some(packets) = tshark(&capture, "tcp", &fields) else {
            return skip("trace", "tshark is not here");
        };
        assert_eq!(packets.len(), tshark(&capture, "frame", &["frame.number"]).expect("tshark").len(), "all is TCP");
        assert!(packets[0][1] == "1" || packets[0][1] == "True", "the first packet is the SYN: {:?}", packets[0]);
        assert!(packets.iter().all(|p| p[3] == "1" && p[4] == "1"), "bad checksums: {packets:?}");
        let times: Vec<f64> = packets.iter().map(|p| p[0].parse().expect("a time")).collect();
        assert!(times[0] >= 0.0 && times.is_sorted() && times.iter().all(|t| *t < 90.0), "{times:?}");
        let reset = packets.iter().any(|p| p[2] == "1" || p[2] == "True");
        assert_eq!(reset, strategy != "handshake", "{strategy}");
        let complaints = tshark(&capture, COMPLAINTS, &["frame.number", "_ws.expert.message"]).expect("tshark");
        assert!(complaints.is_empty(), "{strategy}: {complaints:?}");
        let xmpp = tshark(&capture, "xmpp", &["frame.number"]).expect("tshark").len();
        assert!(xmpp > 3, "{strategy}: {xmpp} packets are dissected as XMPP");
    }
}

/// What was dropped on its way must look like that, and like nothing else.
#[test]
fn a_capture_of_a_lossy_link_shows_retransmissions_and_no_damage() {
    let bench = Bench::new();
    let set = ["--set", "peers=20", "--set", "links.wire.loss=0.2", "--stream", "3", "--pcap", "one.pcap"];
    bench.succeed(&[&["trace", "kernel-teardown"][..], &set].concat());
    let capture = bench.path("one.pcap");
    let Some(bad) = tshark(&capture, "tcp.checksum.status != 1 || ip.checksum.status != 1", &["frame.number"]) else {
        return skip("trace", "tshark is not here");
    };
    assert!(bad.is_empty(), "{bad:?}");
    let explained = "tcp.analysis.flags && !tcp.analysis.retransmission && !tcp.analysis.duplicate_ack \
                     && !tcp.analysis.lost_segment && !tcp.analysis.out_of_order && !tcp.analysis.ack_lost_segment \
                     && !tcp.analysis.window_update && !tcp.analysis.keep_alive";
    let unexplained = tshark(&capture, explained, &["frame.number", "_ws.expert.message"]).expect("tshark");
    assert!(unexplained.is_empty(), "{unexplained:?}");
}
