//! report.html: from the files of a directory alone, the same bytes each time, and from no other files.

use std::path::Path;

use crate::support::{Bench, bytes_of, text};

const RUN: [&str; 8] = ["compare", "kernel-teardown", "--peers", "60", "--quiet", "--engine", "event", "--out"];

fn run(bench: &Bench, out: &str, more: &[&str]) {
    let args: Vec<&str> = RUN.iter().copied().chain([out]).chain(more.iter().copied()).collect();
    bench.succeed(&args);
}

/// In hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

#[test]
fn the_page_is_the_same_whoever_asks_for_it_and_the_manifest_lists_it() {
    let bench = Bench::new();
    run(&bench, "at-once", &["--report"]);
    run(&bench, "later", &[]);
    assert!(!bench.path("later/report.html").exists());
    let said = bench.succeed(&["report", "later"]);
    assert_eq!(said, format!("Report: {}\n", Path::new("later").join("report.html").display()));
    let files = bytes_of(&bench.path("at-once"));
    assert_eq!(files, bytes_of(&bench.path("later")), "another directory, the same bytes");
    bench.succeed(&["report", "later"]);
    assert_eq!(files, bytes_of(&bench.path("later")), "made again, the same bytes");
    let manifest: serde_json::Value = serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    assert_eq!(manifest["files"]["report.html"], sha256(&files["report.html"]));
    assert_eq!(manifest["files"].as_object().expect("files").len() + 1, files.len(), "nothing unlisted");
    assert!(files["report.html"].len() < 500_000);
    run(&bench, "later", &[]);
    assert!(!bench.path("later/report.html").exists(), "a page of an earlier run does not stay");
}

#[test]
fn a_sweep_of_two_keys_with_streams_has_a_page_too() {
    let bench = Bench::new();
    let vary = ["--vary", "links.wire.latency=10ms,50ms", "--vary", "links.wire.loss=0,0.1", "--seeds", "2"];
    run(&bench, "o", &[&vary[..], &["--streams", "--report"]].concat());
    let page = text(&bytes_of(&bench.path("o"))["report.html"]);
    assert!(page.contains("<section id=\"sweep\"") && page.contains("then by teardown"), "{page}");
}

#[test]
fn what_was_borne_and_who_came_back_are_on_the_page() {
    let bench = Bench::new();
    let small = ["--set", "peers=60", "--vary", "closing.timeout=1s,5s", "--seeds", "2", "--quiet", "--report"];
    bench.succeed(&[&["compare", "s2s-outgoing", "--out", "o"][..], &small].concat());
    let page = text(&bytes_of(&bench.path("o"))["report.html"]);
    assert!(page.contains("<section id=\"capacity\"") && page.contains("<th scope=\"col\">ports</th>"), "{page}");
    assert!(page.contains("<section id=\"returns\"") && !page.contains("delivered twice"), "{page}");
    bench.succeed(&[&["compare", "resumption", "--out", "o"][..], &small].concat());
    let page = text(&bytes_of(&bench.path("o"))["report.html"]);
    assert!(!page.contains("<section id=\"capacity\"") && page.contains("delivered twice"), "{page}");
}

/// The commands that the page names.
fn commands(page: &str) -> Vec<String> {
    let begin = "aria-label=\"Command\">";
    page.split(begin).skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

#[test]
fn the_commands_on_the_page_show_what_was_lost() {
    let bench = Bench::new();
    let vary = ["--vary", "links.wire.latency=10ms,250ms", "--set", "links.wire.loss=0.02", "--report"];
    run(&bench, "o", &vary);
    let page = text(&bytes_of(&bench.path("o"))["report.html"]);
    let commands = commands(&page);
    assert_eq!(commands.len(), 10);
    for command in commands.iter().step_by(5) {
        let words: Vec<&str> = command.split(' ').collect();
        assert_eq!(words[0], "farewell");
        let chart = bench.succeed(&words[1..]);
        let lost = chart.matches("LOST").count();
        let row =
            page.split(command.as_str()).nth(1).and_then(|rest| rest.split("<th scope=\"row\">lost</th><td>").nth(1));
        let told = row.and_then(|rest| rest.split(' ').next()).and_then(|n| n.parse::<usize>().ok());
        assert_eq!(Some(lost), told, "{command}\n{chart}");
        assert!(lost > 0);
    }
    assert_eq!(page.matches("aria-label=\"Sequence chart of stream").count(), 10);
}

/// A directory that `report` must refuse with status 2, as it is after `spoil`, naming all of `must_say`.
fn refused(spoil: impl Fn(&Path), must_say: &[&str]) {
    let bench = Bench::new();
    run(&bench, "o", &[]);
    spoil(&bench.path("o"));
    let before = bytes_of(&bench.path("o"));
    let output = bench.run(&["report", "o"]);
    let err = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{err}");
    for word in must_say {
        assert!(err.contains(word), "{word:?} is not in: {err}");
    }
    assert!(!err.contains("panicked") && output.stdout.is_empty(), "{err}");
    assert_eq!(bytes_of(&bench.path("o")), before, "a refused report leaves all as it was");
}

#[expect(clippy::disallowed_methods, reason = "a test spoils its own files")]
fn edit(dir: &Path, name: &str, from: &str, to: &str) {
    let old = std::fs::read_to_string(dir.join(name)).expect("the file");
    assert!(old.contains(from), "{from} is not in {name}");
    std::fs::write(dir.join(name), old.replacen(from, to, 1)).expect("the file again");
}

#[test]
fn files_that_are_not_what_the_run_wrote_are_refused() {
    refused(
        |dir| edit(dir, "summary.csv", "handshake", "handshakes"),
        &["summary.csv", "SHA-256", "manifest.json", "allowed"],
    );
    refused(|dir| std::fs::remove_file(dir.join("lost.csv")).expect("gone"), &["lost.csv", "manifest.json lists it"]);
    refused(
        |dir| std::fs::remove_file(dir.join("manifest.json")).expect("gone"),
        &["manifest.json", "farewell compare"],
    );
    refused(|dir| edit(dir, "manifest.json", "\"peers\": 60", "\"peers\": 61"), &["manifest.json", "SHA-256"]);
    refused(|dir| edit(dir, "manifest.json", "farewell", "goodbye"), &["manifest.json", "not written by farewell"]);
    refused(|dir| edit(dir, "manifest.json", "{", "["), &["manifest.json", "allowed"]);
    refused(|dir| edit(dir, "manifest.json", "\"lost.csv\"", "\"../lost.csv\""), &["../lost.csv"]);
}

#[test]
fn a_table_with_the_right_hash_and_wrong_contents_is_refused_by_line() {
    let hashed = |from: &'static str, to: &'static str| {
        move |dir: &Path| {
            let hash = |dir: &Path| sha256(&std::fs::read(dir.join("percentiles.csv")).expect("the file"));
            let old = hash(dir);
            edit(dir, "percentiles.csv", from, to);
            edit(dir, "manifest.json", &old, &hash(dir));
        }
    };
    refused(hashed("handshake,release,0,", "handshake,release,0,x"), &["percentiles.csv:2", "whole number"]);
    refused(hashed("handshake,release,0,", "nobody,release,0,"), &["percentiles.csv:2", "no strategy `nobody`"]);
    refused(hashed(",count", ",amount"), &["percentiles.csv:1", "no column `count`"]);
}

#[test]
fn what_is_no_result_directory_is_refused() {
    let bench = Bench::new();
    let path = bench.file("file", "");
    for dir in ["nowhere", ".", path.to_str().expect("UTF-8")] {
        let output = bench.run(&["report", dir]);
        let err = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{err}");
        assert!(
            err.contains("manifest.json") && err.contains("allowed: a directory that `farewell compare` wrote"),
            "{err}"
        );
    }
    assert_eq!(bytes_of(&bench.path("")).len(), 1, "nothing was left behind");
}
