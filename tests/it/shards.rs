//! Shards, and studies with different seeds, become the files of one run, byte for byte, or are refused.

use std::path::{Path, PathBuf};

use crate::support::{Bench, bytes_of, text};

/// A study of 3 sweep points, 4 seeds, 2 strategies and 2 nodes: 48 cells.
const STUDY: [&str; 12] = [
    "compare",
    "kernel-teardown",
    "--engine=event",
    "--peers=40",
    "--set=nodes=2",
    "--seeds=4",
    "--vary=links.wire.loss=0,0.05,0.1",
    "--streams",
    "--quiet",
    "--jobs=1",
    "--seed=3",
    "--out",
];

/// The study's shards in directories of their own.
fn shards(bench: &Bench, of: u32) -> Vec<String> {
    let run = |number: u32| {
        let dir = format!("shards/{number}");
        bench.succeed(&[&STUDY[..], &[&dir, "--shard", &format!("{number}/{of}")]].concat());
        dir
    };
    (1..=of).map(run).collect()
}

fn merge(bench: &Bench, dirs: &[String], out: &str) {
    let dirs = dirs.iter().map(String::as_str);
    bench.succeed(&["merge", "--quiet", "--out", out].into_iter().chain(dirs).collect::<Vec<_>>());
}

/// Merges what cannot be merged: nothing is written, and standard error says why.
fn refused(bench: &Bench, dirs: &[String], why: &str) {
    let dirs = dirs.iter().map(String::as_str);
    let args: Vec<&str> = ["merge", "--out", "refused"].into_iter().chain(dirs).collect();
    let output = bench.run(&args);
    let err = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(2), ""), "{args:?}: {err}");
    assert!(err.contains(why), "{args:?}: {err}");
    assert!(!bench.path("refused").exists(), "{args:?} wrote something");
}

#[expect(clippy::disallowed_methods, reason = "a test copies and edits files")]
fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
    std::fs::write(path, bytes).expect("a file");
}

fn copy(from: &Path, to: &Path) {
    for (name, bytes) in bytes_of(from) {
        write(&to.join(name), &bytes);
    }
}

/// A copy of a directory with one file edited.
fn edited(bench: &Bench, dir: &str, file: &str, edit: impl FnOnce(&mut Vec<u8>)) -> String {
    let copied = "edited".to_owned();
    if bench.path(&copied).exists() {
        std::fs::remove_dir_all(bench.path(&copied)).expect("the copy of before");
    }
    copy(&bench.path(dir), &bench.path(&copied));
    let path: PathBuf = bench.path(&copied).join(file);
    let mut bytes = std::fs::read(&path).expect("a file");
    edit(&mut bytes);
    write(&path, &bytes);
    copied
}

#[test]
fn seven_shards_are_one_run_wherever_they_lie() {
    let bench = Bench::new();
    bench.succeed(&[&STUDY[..], &["whole"]].concat());
    let whole = bytes_of(&bench.path("whole"));
    let mut dirs = shards(&bench, 7);
    merge(&bench, &dirs, "merged");
    assert!(bytes_of(&bench.path("merged")) == whole);
    // Another place, another name, another order; and a directory that holds a merge already.
    copy(&bench.path("shards/2"), &bench.path("elsewhere/two of seven"));
    dirs[1] = "elsewhere/two of seven".to_owned();
    dirs.reverse();
    merge(&bench, &dirs, "merged");
    assert!(bytes_of(&bench.path("merged")) == whole);
    // More shards than cells: some are empty.
    std::fs::remove_dir_all(bench.path("shards")).expect("the shards");
    let many = shards(&bench, 50);
    merge(&bench, &many, "many");
    assert!(bytes_of(&bench.path("many")) == whole);
}

#[test]
fn a_shard_is_the_same_at_any_number_of_jobs_and_can_be_resumed() {
    let bench = Bench::new();
    let of = |out: &str, options: &[&str]| {
        bench.succeed(&[&STUDY[..9], &["--seed=3", "--shard=2/3", "--out", out], options].concat());
        bytes_of(&bench.path(out))
    };
    let one = of("one", &["--jobs=1"]);
    assert!(one.keys().eq(["cells.bin", "cells.csv", "manifest.json"]), "{:?}", one.keys());
    assert!(of("four", &["--jobs=4"]) == one);
    // A shard that is whole already is not run again, and stays as it is.
    assert!(of("one", &["--resume"]) == one);
}

#[test]
fn studies_with_other_seeds_become_one_and_that_can_grow_again() {
    let bench = Bench::new();
    let study = |seed: &str, seeds: &str, out: &str| {
        bench.succeed(&[&STUDY[..5], &["--quiet", "--seed", seed, "--seeds", seeds, "--out", out]].concat());
    };
    study("1", "9", "whole");
    study("1", "3", "a");
    study("4", "2", "b");
    study("6", "4", "c");
    merge(&bench, &["b".to_owned(), "a".to_owned()], "ab");
    merge(&bench, &["ab".to_owned(), "c".to_owned()], "abc");
    assert!(bytes_of(&bench.path("abc")) == bytes_of(&bench.path("whole")));
    refused(&bench, &["a".to_owned(), "b".to_owned(), "a".to_owned()], "a and a overlap: both have seed 1, ");
}

#[test]
fn what_is_not_one_whole_study_is_refused_with_the_reason() {
    let bench = Bench::new();
    let dirs = shards(&bench, 4);
    let with = |last: &str| [&dirs[..3], &[last.to_owned()]].concat();
    refused(&bench, &dirs[1..], "12 of 48 cells are missing: seed 3, strategy handshake, node 0, links.wire.loss=0;");
    refused(&bench, &dirs[1..], "9 more; no directory is shard 1/4");
    refused(&bench, &with("shards/1"), "shards/1 and shards/1 overlap: both have seed 3, strategy handshake, node 0");
    let other = [&STUDY[..11], &["--set=closing.timeout=1s", "--shard=4/4", "--out", "other"]].concat();
    bench.succeed(&other);
    refused(&bench, &with("other"), "shards/1 and other are of different studies: scenario hash");
    bench.succeed(&[&STUDY[..2], &STUDY[3..11], &["--engine=turmoil", "--shard=4/4", "--out", "turmoil"]].concat());
    refused(&bench, &with("turmoil"), "are of different studies: engine event and turmoil");
    let table = edited(&bench, "shards/4", "cells.csv", |bytes| bytes.extend(b"x"));
    refused(&bench, &with(&table), "edited/cells.csv is damaged: its SHA-256 is not that of the manifest");
    let cells = edited(&bench, "shards/4", "cells.bin", |bytes| *bytes.last_mut().expect("a byte") ^= 1);
    refused(&bench, &with(&cells), "edited/cells.bin is damaged: its SHA-256 is not that of the manifest");
    let replaced = |from: &str, to: &str| {
        edited(&bench, "shards/4", "manifest.json", |bytes| *bytes = text(bytes).replacen(from, to, 1).into_bytes())
    };
    let version = replaced(concat!(r#""version": ""#, env!("CARGO_PKG_VERSION")), r#""version": "0.0.9"#);
    refused(&bench, &with(&version), "edited was written by farewell 0.0.9, this is ");
    let shard = replaced(r#""shard": "4/4""#, r#""shard": "1/4""#);
    refused(&bench, &with(&shard), "edited/manifest.json is damaged: its shard is not that of cells.bin");
    std::fs::remove_file(bench.path("shards/4/cells.bin")).expect("a file");
    refused(&bench, &dirs, "shards/4/cells.bin is damaged: No such file");
}

#[test]
fn directories_without_cells_are_refused() {
    let bench = Bench::new();
    refused(&bench, &["nowhere".to_owned()], "nowhere: not a directory that farewell wrote");
    bench.succeed(&["compare", "kernel-teardown", "--peers=5", "--quiet", "--out=single"]);
    refused(&bench, &["single".to_owned()], "single has no cells.bin: a run of a single seed keeps none");
    bench.succeed(&["compare", "kernel-teardown", "--peers=5", "--quiet", "--out=one", "--shard=1/1"]);
    merge(&bench, &["one".to_owned()], "merged");
    assert!(bytes_of(&bench.path("merged")) == bytes_of(&bench.path("single")));
    let output = bench.run(&["merge", "one", "--out", "./one"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--out one: it is to be merged itself"), "{}", text(&output.stderr));
}

#[test]
fn a_dry_run_counts_cells_and_writes_nothing() {
    let bench = Bench::new();
    let loud: Vec<&str> = STUDY.iter().filter(|word| **word != "--quiet").copied().collect();
    let said = bench.succeed(&[&loud[..], &["dry", "--dry-run"]].concat());
    for line in ["cells    48 = 3 sweep points x 4 seeds x 2 strategies x 2 nodes\n", "streams  960\n", " core-hours\n"]
    {
        assert!(said.contains(line), "{said}");
    }
    let said = bench.succeed(&[&loud[..], &["dry", "--dry-run", "--json", "--shard=2/7"]].concat());
    let json: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!((&json["cells"], &json["streams"]), (&7.into(), &140.into()));
    assert!(json["core_seconds"].as_f64() > Some(0.0) && json["disk_bytes"].as_f64() > Some(0.0), "{json}");
    assert!(bytes_of(&bench.path("")).is_empty());
}

#[test]
fn a_study_that_decides_by_its_own_cells_is_neither_sharded_nor_merged() {
    let bench = Bench::new();
    let until = ["compare", "kernel-teardown", "--engine=event", "--peers=20", "--seeds=10", "--until=50%", "--quiet"];
    let output = bench.run(&[&until[..], &["--shard=1/2"]].concat());
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--shard 1/2 with --until lost=50%"), "{}", text(&output.stderr));
    bench.succeed(&[&until[..], &["--out=until"]].concat());
    let first = bytes_of(&bench.path("until"));
    refused(&bench, &["until".to_owned()], "until: a study with --until cannot be merged");
    // It can be resumed: here from all of its cells.
    bench.succeed(&[&until[..], &["--out=until", "--resume"]].concat());
    assert!(bytes_of(&bench.path("until")) == first);
}
