//! The columns are a contract.

use std::collections::BTreeSet;

use crate::support::{Bench, Row, bytes_of, number, rows};

const SUMMARY: &str = "scenario,engine,strategy,seed,peers,streams,clean,timeout,peer_fin,peer_reset,bad_xml,closed,\
unfinished,sent,delivered,deferred,lost,lost_to_closer,lost_to_peer,streams_with_loss,release_p50_us,release_p90_us,\
release_p99_us,release_max_us,notice_p50_us,notice_p90_us,notice_p99_us,never_noticed,teardown_p50_us,teardown_p90_us,\
teardown_p99_us,teardown_max_us,gone_p50_us,packets,bytes,retransmissions,resets,peak_open_sockets,socket_us,\
time_wait_us,violations,recovered,duplicated,lost_for_good";
const STREAMS: &str = "strategy,seed,stream,node,class,closer,responder,outcome,decision_us,release_us,notice_us,\
teardown_us,gone_us,sent,delivered,deferred,lost,packets,bytes,retransmissions,resets,recovered,duplicated,lost_for_good";
const LOST: &str = "strategy,seed,stream,direction,stanza,sent_us,size,place,at_us";
const PERCENTILES: &str = "strategy,metric,percentile,value_us,count";
const COMPARISON: &str = "metric,strategy,estimate,low,high,reference,difference,diff_low,diff_high,ratio,seeds,streams,\
events,method";
const TIMELINE: &str = "strategy,seed,second,syn_sent,syn_received,established,fin_wait_1,fin_wait_2,close_wait,closing,\
last_ack,time_wait,lost_so_far,streams,waiting,utilisation,memory_bytes,refused";
const STATES: [&str; 8] =
    ["syn_sent", "syn_received", "established", "fin_wait_1", "fin_wait_2", "close_wait", "closing", "last_ack"];
const OUTCOMES: [&str; 7] = ["clean", "timeout", "peer_fin", "peer_reset", "bad_xml", "closed", "unfinished"];

#[test]
fn the_headers_are_frozen() {
    let bench = Bench::new();
    bench.succeed(&["compare", "kernel-teardown", "--peers", "20", "--streams", "--quiet", "--out", "o"]);
    for (file, header) in [
        ("summary.csv", SUMMARY),
        ("streams.csv", STREAMS),
        ("lost.csv", LOST),
        ("percentiles.csv", PERCENTILES),
        ("comparison.csv", COMPARISON),
        ("timeline.csv", TIMELINE),
    ] {
        let text = std::fs::read_to_string(bench.path("o").join(file)).expect("the file");
        assert_eq!(text.lines().next().expect("a header"), header, "{file}");
        assert!(!text.contains('\r') && text.ends_with('\n'), "{file} has LF line ends");
    }
}

#[test]
fn a_varied_key_is_a_column_in_microseconds() {
    let bench = Bench::new();
    let vary = "links.wire.latency=10ms,1s";
    bench.succeed(&[
        "compare",
        "kernel-teardown",
        "--peers",
        "5",
        "--vary",
        vary,
        "--streams",
        "--quiet",
        "--out",
        "o",
    ]);
    let rows = rows(&bench.path("o").join("summary.csv"));
    let seen: Vec<&str> = rows.iter().map(|r| r["links.wire.latency"].as_str()).collect();
    assert_eq!(seen, ["10000", "10000", "1000000", "1000000"]);
    let header = std::fs::read_to_string(bench.path("o").join("summary.csv")).expect("summary.csv");
    assert!(header.starts_with("scenario,engine,strategy,seed,links.wire.latency,peers,"), "{header}");
}

#[test]
fn every_stream_balances_and_the_rows_add_up() {
    let bench = Bench::new();
    bench.succeed(&["compare", "misbehaving", "--peers", "150", "--streams", "--quiet", "--out", "o"]);
    let (streams, summary) = (rows(&bench.path("o").join("streams.csv")), rows(&bench.path("o").join("summary.csv")));
    let sum = |row: &Row, columns: &[&str]| -> u64 {
        columns.iter().map(|c| row[*c].parse::<u64>().expect("a number")).sum()
    };
    for row in &streams {
        assert_eq!(sum(row, &["sent"]), sum(row, &["delivered", "lost"]), "{row:?}");
    }
    let timeline = rows(&bench.path("o").join("timeline.csv"));
    let lost_rows = rows(&bench.path("o").join("lost.csv"));
    for row in &summary {
        let mine: Vec<_> = streams.iter().filter(|s| s["strategy"] == row["strategy"]).cloned().collect();
        for column in ["sent", "delivered", "deferred", "lost", "packets", "bytes", "retransmissions", "resets"] {
            assert_eq!(sum(row, &[column]), mine.iter().map(|s| sum(s, &[column])).sum::<u64>(), "{column}");
        }
        assert_eq!(sum(row, &["streams"]), sum(row, &OUTCOMES));
        for outcome in OUTCOMES {
            let name = outcome.replace('_', "-");
            assert_eq!(sum(row, &[outcome]), mine.iter().filter(|s| s["outcome"] == name).count() as u64, "{outcome}");
        }
        assert_eq!(sum(row, &["lost"]), sum(row, &["lost_to_closer", "lost_to_peer"]));
        let died = lost_rows.iter().filter(|l| l["strategy"] == row["strategy"]).count() as u64;
        assert_eq!(sum(row, &["lost"]), died);
        let seconds: Vec<_> = timeline.iter().filter(|t| t["strategy"] == row["strategy"]).collect();
        let lost: Vec<u64> = seconds.iter().map(|t| sum(t, &["lost_so_far"])).collect();
        assert!(
            lost.is_sorted() && lost.last().is_some_and(|last| *last <= died),
            "lost_so_far of {}",
            row["strategy"]
        );
        let open = seconds.iter().map(|t| sum(t, &STATES)).max().expect("seconds");
        assert!(open <= sum(row, &["peak_open_sockets"]), "{open} sockets at a second, more than the peak");
    }
}

/// The value of rank `share` among the closings that were decided; what never came is larger than any time.
fn percentile(streams: &[Row], column: &str, share: f64) -> f64 {
    let decided = streams.iter().filter(|s| !s["decision_us"].is_empty());
    let mut times: Vec<f64> = decided.map(|s| number(s, column)).collect();
    times.sort_by(f64::total_cmp);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a rank")]
    let rank = (share * times.len() as f64).ceil() as usize;
    times[rank.max(1) - 1]
}

#[test]
fn percentiles_are_those_of_the_streams_and_never_counts_as_the_largest() {
    let bench = Bench::new();
    bench.succeed(&["compare", "misbehaving", "--peers", "150", "--streams", "--quiet", "--out", "o"]);
    let of = |file: &str| rows(&bench.path("o").join(file));
    let (streams, summary, percentiles) = (of("streams.csv"), of("summary.csv"), of("percentiles.csv"));
    let mut empty = 0;
    for row in &summary {
        let mine: Vec<Row> = streams.iter().filter(|s| s["strategy"] == row["strategy"]).cloned().collect();
        for metric in ["release", "notice", "teardown", "gone"] {
            let own = |name: &str| format!("{metric}_{name}_us");
            for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("max", 1.0)] {
                let expected = percentile(&mine, &format!("{metric}_us"), share);
                if row.contains_key(&own(name)) {
                    assert_eq!(number(row, &own(name)), expected, "{} of {}", own(name), row["strategy"]);
                    empty += usize::from(expected.is_infinite());
                }
                let same = |p: &&Row| {
                    p["strategy"] == row["strategy"]
                        && p["metric"] == metric
                        && number(p, "percentile") == share * 100.0
                };
                if let Some(found) = percentiles.iter().find(same) {
                    assert_eq!(number(found, "value_us"), expected, "{metric} {name} in percentiles.csv");
                }
            }
        }
        let never = mine.iter().filter(|s| !s["decision_us"].is_empty() && s["notice_us"].is_empty()).count();
        assert_eq!(number(row, "never_noticed"), never as f64);
    }
    assert!(empty > 0, "no percentile fell among the censored");
}

#[test]
fn the_manifest_lists_every_file_with_its_hash() {
    use sha2::Digest as _;
    let bench = Bench::new();
    bench.succeed(&["compare", "kernel-teardown", "--peers", "20", "--streams", "--quiet", "--out", "o"]);
    let mut files = bytes_of(&bench.path("o"));
    let manifest = files.remove("manifest.json").expect("a manifest");
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).expect("JSON");
    let listed = manifest["files"].as_object().expect("files");
    assert_eq!(listed.keys().collect::<BTreeSet<_>>(), files.keys().collect::<BTreeSet<_>>());
    for (name, bytes) in &files {
        let hash: String = sha2::Sha256::digest(bytes).iter().flat_map(|b| [b >> 4, b & 15]).map(digit).collect();
        assert_eq!(listed[name], hash, "{name}");
    }
    let text = manifest.to_string();
    assert!(!text.contains(&bench.path("").display().to_string()), "a path of this machine is in the manifest");
    assert_eq!(manifest["version"], env!("CARGO_PKG_VERSION"));
}

fn digit(nibble: u8) -> char {
    char::from_digit(nibble.into(), 16).expect("less than 16")
}
