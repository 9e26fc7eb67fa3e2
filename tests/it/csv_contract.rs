//! The columns are a contract.

use crate::support::Bench;

const SUMMARY: &str = "scenario,engine,strategy,seed,peers,streams,clean,timeout,peer_fin,peer_reset,bad_xml,closed,\
unfinished,sent,delivered,deferred,lost,lost_to_closer,lost_to_peer,streams_with_loss,release_p50_us,release_p90_us,\
release_p99_us,release_max_us,notice_p50_us,notice_p90_us,notice_p99_us,never_noticed,teardown_p50_us,teardown_p90_us,\
teardown_p99_us,teardown_max_us,gone_p50_us,packets,bytes,retransmissions,resets,peak_open_sockets,socket_us,\
time_wait_us,violations";
const STREAMS: &str = "strategy,seed,stream,node,class,closer,responder,outcome,decision_us,release_us,notice_us,\
teardown_us,gone_us,sent,delivered,deferred,lost,packets,bytes,retransmissions,resets";
const LOST: &str = "strategy,seed,stream,direction,stanza,sent_us,size,place,at_us";
const PERCENTILES: &str = "strategy,metric,percentile,value_us,count";

#[test]
fn the_headers_are_frozen() {
    let bench = Bench::new();
    bench.succeed(&["compare", "kernel-teardown", "--peers", "20", "--streams", "--quiet", "--out", "o"]);
    for (file, header) in
        [("summary.csv", SUMMARY), ("streams.csv", STREAMS), ("lost.csv", LOST), ("percentiles.csv", PERCENTILES)]
    {
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
    let rows = crate::support::rows(&bench.path("o").join("summary.csv"));
    let seen: Vec<&str> = rows.iter().map(|r| r["links.wire.latency"].as_str()).collect();
    assert_eq!(seen, ["10000", "10000", "1000000", "1000000"]);
    let header = std::fs::read_to_string(bench.path("o").join("summary.csv")).expect("summary.csv");
    assert!(header.starts_with("scenario,engine,strategy,seed,links.wire.latency,peers,"), "{header}");
}

#[test]
fn every_stream_balances_and_the_rows_add_up() {
    let bench = Bench::new();
    bench.succeed(&["compare", "misbehaving", "--peers", "150", "--streams", "--quiet", "--out", "o"]);
    let (streams, summary) = (
        crate::support::rows(&bench.path("o").join("streams.csv")),
        crate::support::rows(&bench.path("o").join("summary.csv")),
    );
    let sum = |row: &crate::support::Row, columns: &[&str]| -> u64 {
        columns.iter().map(|c| row[*c].parse::<u64>().expect("a number")).sum()
    };
    for row in &streams {
        assert_eq!(sum(row, &["sent"]), sum(row, &["delivered", "lost"]), "{row:?}");
    }
    let lost_rows = crate::support::rows(&bench.path("o").join("lost.csv"));
    for row in &summary {
        let mine: Vec<_> = streams.iter().filter(|s| s["strategy"] == row["strategy"]).cloned().collect();
        for column in ["sent", "delivered", "deferred", "lost", "packets", "bytes", "retransmissions", "resets"] {
            assert_eq!(sum(row, &[column]), mine.iter().map(|s| sum(s, &[column])).sum::<u64>(), "{column}");
        }
        let outcomes = ["clean", "timeout", "peer_fin", "peer_reset", "bad_xml", "closed", "unfinished"];
        assert_eq!(sum(row, &["streams"]), sum(row, &outcomes));
        assert_eq!(sum(row, &["lost"]), sum(row, &["lost_to_closer", "lost_to_peer"]));
        let died = lost_rows.iter().filter(|l| l["strategy"] == row["strategy"]).count() as u64;
        assert_eq!(sum(row, &["lost"]), died);
    }
}
