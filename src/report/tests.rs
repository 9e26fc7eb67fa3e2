//! Result directories and texts of a made-up run.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::cells::Study;
use super::files::Files;
use super::manifest::Provenance;
use super::*;
use crate::experiment::cell::Tally;
use crate::experiment::comparison::{Comparison, ContenderResult};
use crate::experiment::kept::Nothing;
use crate::experiment::testing::{self, MadeUp, Nobody, point, scenario};
use crate::experiment::{self, Plan};
use crate::scenario::SweepPoint;
use crate::scenario::measure::Measure;
use crate::scenario::study::Precision;

fn plan(strategies: &[&str], seeds: u64) -> Plan {
    let points = vec![point(scenario(strategies, 200, 2))];
    Plan { streams: true, ..testing::plan(points, (1..=seeds).collect()) }
}

fn provenance(plan: &Plan) -> Provenance {
    let scenario = |point: &SweepPoint| json!({ "name": point.scenario.name, "seed": 9 });
    let scenarios = plan.points.iter().map(scenario).collect();
    Provenance { options: json!({ "streams": true }), scenarios, shard: None }
}

fn run_into(dir: &Path, plan: &Plan, engine: &MadeUp) -> Result<Comparison, String> {
    let study = Study::of(plan, None, "made-up", &provenance(plan));
    let (mut files, _) = Files::begin(dir, &study, false).map_err(|e| e.to_string())?;
    let comparison = experiment::run(plan, engine, &Nothing, &mut files, &Nobody).map_err(|e| e.to_string())?;
    files.commit(plan, &comparison, &provenance(plan)).map_err(|e| e.to_string())?;
    Ok(comparison)
}

fn comparison(strategies: &[&str], seeds: u64) -> Comparison {
    let dir = tempfile::tempdir().unwrap();
    run_into(dir.path(), &plan(strategies, seeds), &MadeUp::default()).unwrap()
}

/// Everything in a directory, directories with a slash.
#[expect(clippy::disallowed_methods, reason = "the names are sorted")]
fn names(dir: &Path) -> Vec<String> {
    let name =
        |entry: fs::DirEntry| entry.file_name().into_string().unwrap() + if entry.path().is_dir() { "/" } else { "" };
    let mut names: Vec<String> = fs::read_dir(dir).unwrap().map(|entry| name(entry.unwrap())).collect();
    names.sort();
    names
}

fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    names(dir).into_iter().map(|name| (name.clone(), fs::read(dir.join(name)).unwrap())).collect()
}

fn put(path: &Path, text: &str) {
    OpenOptions::new().write(true).create(true).truncate(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_directory_holds_what_its_manifest_lists() {
    let dir = tempfile::tempdir().unwrap();
    run_into(dir.path(), &plan(&["handshake", "timeout-error"], 2), &MadeUp::default()).unwrap();
    let manifest: Value = serde_json::from_slice(&fs::read(dir.path().join("manifest.json")).unwrap()).unwrap();
    let listed = manifest["files"].as_object().unwrap();
    let mut expected: Vec<&str> = listed.keys().map(String::as_str).chain(["manifest.json"]).collect();
    expected.sort_unstable();
    assert_eq!(names(dir.path()), expected);
    for (name, hash) in listed {
        assert_eq!(sha256(&fs::read(dir.path().join(name)).unwrap()), hash.as_str().unwrap(), "{name}");
    }
    assert!(listed.contains_key("streams.csv") && listed.contains_key("gone-timeout-error.hlog"));
    assert_eq!(manifest["points"][0]["scenario"], json!({ "name": "made-up" }), "the seeds stand beside it");
    assert_eq!(manifest["points"][0]["scenario_sha256"], sha256(br#"{"name":"made-up"}"#));
}

#[test]
fn csv_files_have_a_header_line_feeds_and_empty_fields_for_never() {
    let dir = tempfile::tempdir().unwrap();
    run_into(dir.path(), &plan(&["handshake", "timeout-error"], 1), &MadeUp::default()).unwrap();
    let streams = fs::read_to_string(dir.path().join("streams.csv")).unwrap();
    let lines: Vec<Vec<&str>> = streams.split_terminator('\n').map(|line| line.split(',').collect()).collect();
    assert!(!streams.contains(['\r', '"']) && lines.iter().all(|line| line.len() == 24));
    let notice = lines[0].iter().position(|&name| name == "notice_us").unwrap();
    assert!(lines.iter().any(|line| line[notice].is_empty()));
    let lossless = tempfile::tempdir().unwrap();
    run_into(lossless.path(), &plan(&["handshake"], 1), &MadeUp::default()).unwrap();
    let lost = fs::read_to_string(lossless.path().join("lost.csv")).unwrap();
    assert_eq!(lost, "strategy,seed,stream,direction,stanza,sent_us,size,place,at_us\n");
}

#[test]
fn a_sweep_has_its_keys_in_every_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut plan = plan(&["handshake"], 1);
    plan.points = ["10000", "20000"]
        .map(|us| SweepPoint {
            varied: vec![("links.wire.latency".into(), us.into())],
            scenario: scenario(&["handshake"], 5, 1),
        })
        .into();
    run_into(dir.path(), &plan, &MadeUp::default()).unwrap();
    for (name, header, row) in [
        (
            "summary.csv",
            "scenario,engine,strategy,seed,links.wire.latency,peers",
            "made-up,made-up,handshake,1,10000,5",
        ),
        ("streams.csv", "strategy,seed,links.wire.latency,stream", "handshake,1,10000,0"),
        ("percentiles.csv", "strategy,links.wire.latency,metric", "handshake,10000,release,0"),
        ("timeline.csv", "strategy,seed,links.wire.latency,second", "handshake,1,10000,0"),
    ] {
        let text = fs::read_to_string(dir.path().join(name)).unwrap();
        assert!(text.starts_with(header) && text.lines().nth(1).unwrap().starts_with(row), "{name}: {text}");
    }
    assert!(names(dir.path()).contains(&"release-handshake-links.wire.latency=20000.hlog".to_owned()));
}

#[test]
fn a_second_run_replaces_the_first_and_leaves_other_files_alone() {
    let dir = tempfile::tempdir().unwrap();
    run_into(dir.path(), &plan(&["handshake", "abrupt-reset"], 1), &MadeUp::default()).unwrap();
    put(&dir.path().join("notes.txt"), "mine");
    put(&dir.path().join("release-mine.hlog"), "mine");
    let again = Plan { streams: false, ..plan(&["handshake"], 1) };
    run_into(dir.path(), &again, &MadeUp::default()).unwrap();
    let fresh = tempfile::tempdir().unwrap();
    run_into(fresh.path(), &again, &MadeUp::default()).unwrap();
    let mut found = contents(dir.path());
    assert_eq!(found.remove("notes.txt").unwrap(), b"mine");
    assert_eq!(found.remove("release-mine.hlog").unwrap(), b"mine");
    assert_eq!(found, contents(fresh.path()));
}

#[test]
fn a_failed_run_leaves_everything_as_it_was() {
    let root = tempfile::tempdir().unwrap();
    let dir = root.path().join("a/b");
    let failing = MadeUp { refused_seed: Some(2), ..MadeUp::default() };
    run_into(&dir, &plan(&["handshake"], 3), &failing).unwrap_err();
    assert_eq!(names(root.path()), [""; 0]);
    run_into(&dir, &plan(&["handshake"], 1), &MadeUp::default()).unwrap();
    let before = contents(&dir);
    run_into(&dir, &plan(&["handshake"], 3), &failing).unwrap_err();
    assert_eq!(contents(&dir), before);
}

#[test]
fn what_a_killed_run_left_is_removed() {
    let dir = tempfile::tempdir().unwrap();
    for part in ["new", "old"] {
        fs::create_dir_all(dir.path().join(ASIDE).join(part)).unwrap();
        put(&dir.path().join(ASIDE).join(part).join("summary.csv"), "half a li");
    }
    run_into(dir.path(), &plan(&["handshake"], 1), &MadeUp::default()).unwrap();
    assert!(!names(dir.path()).contains(&format!("{ASIDE}/")));
}

#[test]
fn two_runs_do_not_write_to_one_directory_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let first = Output::begin(dir.path()).unwrap();
    assert!(matches!(Output::begin(dir.path()), Err(WriteError::Busy(_))));
    drop(first);
    Output::begin(dir.path()).unwrap();
    assert_eq!(names(dir.path()), [""; 0]);
}

#[test]
fn a_place_that_is_not_for_results_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refusal = |path: &Path| run_into(path, &plan(&["handshake"], 1), &MadeUp::default()).unwrap_err();
    let file = dir.path().join("file");
    put(&file, "");
    assert_eq!(refusal(&file), format!("cannot write results to {}: it is not a directory", file.display()));
    assert!(refusal(&file.join("below")).starts_with("cannot write "));
    let foreign = dir.path().join("manifest.json");
    put(&foreign, r#"{ "name": "a web page" }"#);
    assert!(refusal(dir.path()).contains("was not written by farewell"));
    fs::remove_file(foreign).unwrap();
    fs::create_dir(dir.path().join("lost.csv")).unwrap();
    assert!(refusal(dir.path()).ends_with("lost.csv: it is a directory"));
    assert_eq!(names(dir.path()), ["file", "lost.csv/"]);
}

#[test]
fn a_set_that_cannot_be_moved_whole_is_not_moved_at_all() {
    let dir = tempfile::tempdir().unwrap();
    run_into(dir.path(), &plan(&["handshake"], 1), &MadeUp::default()).unwrap();
    let before = contents(dir.path());
    let mut output = Output::begin(dir.path()).unwrap();
    output.write("summary.csv", b"new").unwrap();
    output.write("zebra.hlog", b"new").unwrap();
    fs::remove_file(dir.path().join(ASIDE).join("new/zebra.hlog")).unwrap();
    output.commit().unwrap_err();
    assert_eq!(contents(dir.path()), before);
}

#[test]
fn an_edited_manifest_cannot_reach_other_directories() {
    let dir = tempfile::tempdir().unwrap();
    put(
        &dir.path().join("manifest.json"),
        r#"{ "program": "farewell", "files": { "../x": "", "/etc/x": "", ".git": "", "a.hlog": "" } }"#,
    );
    assert_eq!(manifest::files_listed(dir.path()).unwrap(), ["a.hlog", "manifest.json"]);
}

// The texts.

#[test]
fn the_table_has_one_row_a_strategy() {
    let text = table::render(&comparison(&["handshake", "timeout-error"], 2), None);
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[3].starts_with("handshake ") && lines[4].starts_with("timeout-error "), "{text}");
    assert!(lines[3].contains("0 %") && lines[3].contains("41.") && lines[3].contains("20.0 ms"), "{text}");
}

#[test]
fn a_narrow_terminal_gets_one_column_a_strategy() {
    let comparison = comparison(&["handshake", "timeout-error"], 1);
    for width in [80, 60, 30] {
        let text = table::render(&comparison, Some(width));
        assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}:\n{text}");
    }
    assert!(table::render(&comparison, Some(80)).lines().any(|line| line.starts_with("release p50 ")));
}

#[test]
fn the_finding_says_who_lost_what_and_what_it_costs() {
    let found = verdict::finding(&comparison(&["handshake", "timeout-error"], 1));
    let [loss, price, certainty] = &found[..] else { panic!("{found:?}") };
    assert!(loss.starts_with("handshake lost none of 1,000 stanzas; timeout-error lost 1 stanza in "), "{loss}");
    assert!(loss.contains(" of 1,000, on ") && loss.ends_with(" to its peer)."), "{loss}");
    assert!(price.starts_with("The price of handshake: its application lets go 4"), "{price}");
    assert!(price.contains("that of timeout-error after 0 ms (p99 0 ms)"), "{price}");
    assert_eq!(certainty, "1 seed gives no interval; `--seeds 10` does.");
}

#[test]
fn intervals_come_with_enough_seeds() {
    let five = verdict::finding(&comparison(&["handshake", "timeout-error"], 5));
    assert!(
        five[1].starts_with("Over 5 seeds the share of streams that lose something is between 0 % and "),
        "{five:?}"
    );
    assert!(five[1].ends_with("takes `--seeds 10`."), "{five:?}");
    assert_eq!(five[2], "handshake lost nothing: fewer than 1 in 333 streams would (95 %, one-sided).");
    let ten = verdict::finding(&comparison(&["handshake", "timeout-error"], 10));
    assert!(ten[1].starts_with("Over 10 seeds timeout-error loses 0.2"), "{ten:?}");
    assert!(ten[1].contains(" stanzas a stream more than handshake: between 0.2"), "{ten:?}");
    assert!(ten[1].ends_with(" (95 %)."), "{ten:?}");
    assert!(ten[3].starts_with("The price of handshake against timeout-error: its application lets go 4"), "{ten:?}");
    assert!(ten[3].contains(" later at the median (4") && ten[3].contains(" ms to 4"), "{ten:?}");
    assert!(ten[4].starts_with("Because all strategies meet the same traffic and networks, "), "{ten:?}");
    assert!(ten[5].starts_with("Not to be said from 10 seeds: "), "{ten:?}");
    assert!(ten[5].contains("how sure p99 is (2,000 streams a seed would say it)"), "{ten:?}");
}

#[test]
fn several_differences_hold_together_and_a_sweep_counts_the_sure_ones() {
    let three = verdict::finding(&comparison(&["handshake", "timeout-error", "abrupt-close"], 10));
    assert!(three[1].ends_with("(95 % for all 2 differences together)."), "{three:?}");
    let mut sweep = comparison(&["handshake", "timeout-error"], 10);
    let mut second = sweep.points[0].clone();
    let spotless = second.contenders[0].clone();
    second.contenders[1] = ContenderResult { strategy: "timeout-error".into(), ..spotless };
    sweep.points[0].varied = vec![("peers".into(), "200".into())];
    second.varied = vec![("peers".into(), "400".into())];
    sweep.points.push(second);
    let found = verdict::finding(&sweep).pop().unwrap();
    assert_eq!(
        found,
        "timeout-error: surely loses more than handshake at 1 and does not surely differ from handshake at 1 (peers=400) \
         of 2 sweep points (95 % at each point)."
    );
}

#[test]
fn whether_a_precision_was_reached_is_said() {
    let mut comparison = comparison(&["handshake", "timeout-error"], 10);
    comparison.until = Some(Precision { measure: Measure::StreamsWithLoss, relative: 0.5 });
    let said = |comparison: &Comparison| verdict::finding(comparison).pop().unwrap();
    let text = said(&comparison);
    assert!(text.starts_with("Seeds were added until streams_with_loss=50%, which was reached with 10; "), "{text}");
    comparison.until = Some(Precision { measure: Measure::StreamsWithLoss, relative: 0.01 });
    assert!(said(&comparison).contains(" was not reached with 10, the most there may be; "));
}

#[test]
fn the_table_shows_limits_below_numbers_that_have_them() {
    let text = table::render(&comparison(&["handshake", "timeout-error"], 10), None);
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[3].starts_with("handshake ") && lines[4].starts_with("    "), "{text}");
    assert!(lines[6].contains('–') && lines[6].contains(" %"), "{text}");
    let one = table::render(&comparison(&["handshake", "timeout-error"], 1), None);
    assert!(!one.contains('–'), "{one}");
}

#[test]
fn no_difference_is_said_as_such() {
    let mut comparison = comparison(&["handshake", "timeout-error"], 1);
    comparison.points[0].contenders[1] = comparison.points[0].contenders[0].clone();
    let found = verdict::finding(&comparison).remove(0);
    assert!(found.starts_with("No stanza was lost (0 of 1,000 by handshake and 0 of "), "{found}");
    assert!(found.ends_with("in loss these ways of closing do not differ here."), "{found}");
}

#[test]
fn of_many_strategies_the_worst_and_the_best_of_the_rest_are_named() {
    let many = ["handshake", "timeout-error", "abrupt-close", "abrupt-reset", "tag-and-close"];
    let mut comparison = comparison(&many, 1);
    comparison.points[0].contenders[3].total.lost_to_closer += 50;
    comparison.points[0].contenders[4].total.lost_to_peer += 3;
    let found = verdict::finding(&comparison).remove(0);
    assert!(found.starts_with("handshake lost nothing. Most: abrupt-reset lost 1 stanza in 1"), "{found}");
    assert!(found.contains("; fewest of the others: timeout-error lost 1 stanza in 2"), "{found}");
}

#[test]
fn of_a_sweep_the_range_is_said() {
    let mut comparison = comparison(&["handshake", "timeout-error"], 1);
    let mut second = comparison.points[0].clone();
    comparison.points[0].varied = vec![("peers".into(), "200".into())];
    second.varied = vec![("peers".into(), "400".into())];
    second.contenders[1].total.lost_to_closer = 2;
    comparison.points.push(second);
    let found = verdict::finding(&comparison);
    assert_eq!(found[0], "handshake lost nothing at any of 2 sweep points.");
    assert!(found[1].starts_with("timeout-error lost between 0.0100 (peers=400) and 0.2"), "{found:?}");
    assert_eq!(found[2], "1 seed gives no interval; `--seeds 10` does.");
}

#[test]
fn without_stanzas_nothing_is_said_about_loss() {
    let mut comparison = comparison(&["handshake", "timeout-error"], 1);
    for contender in &mut comparison.points[0].contenders {
        contender.total = Tally { streams: 200, decided: 200, ..Default::default() };
    }
    assert_eq!(verdict::finding(&comparison)[0], "No stanza was sent, so nothing could be lost.");
}

#[test]
fn json_has_the_columns_of_summary_and_the_finding() {
    let comparison = comparison(&["handshake", "timeout-error"], 1);
    let document = json::document(&comparison, &verdict::finding(&comparison), &[]);
    let row = &document["points"][0]["strategies"][1]["seeds"][0];
    assert_eq!(row["strategy"], "timeout-error");
    assert!(row["lost"].as_u64().unwrap() > 0 && row["release_p50_us"] == 0);
    assert_eq!(document["points"][0]["strategies"][0]["all_seeds"]["notice"]["max_us"], Value::Null);
    assert_eq!(document["finding"].as_array().unwrap().len(), 3);
}
