//! The page of made-up studies: what must stand on it whatever was run.

use serde_json::json;

use crate::id::Side;
use crate::ledger::fate::Place;
use crate::ledger::trace::{Mark, Passage, StanzaStep, TraceEvent, What};
use crate::report::html::{LIMIT, Life, render, trace_command};
use crate::report::reading::testing::{stream, study, with_intervals};
use crate::report::reading::{Columns, Results, Spectrum, Study};
use crate::time::SimTime;

fn page(study: &Study) -> String {
    let page = render(study, &[]);
    complete(&page);
    page
}

/// What holds for every page.
fn complete(page: &str) {
    assert!(page.len() <= LIMIT, "{} bytes", page.len());
    let count = |text: &str| page.matches(text).count();
    assert_eq!(count("<figure"), count("<figure role=\"img\" aria-label=\""), "a figure without label");
    assert!(!page.contains("aria-label=\"\""), "an empty label");
    // The verdict and the files have tables of their own.
    assert_eq!(count("<table>"), count("<figure") + 2, "a figure without numbers");
    for foreign in ["<script", "http:", "https:", "@import", "url(", "NaN", ">inf"] {
        assert!(!page.contains(foreign), "{foreign} in the page");
    }
    for needed in ["<html lang=\"en\">", "name=\"viewport\"", "prefers-color-scheme:dark", "@media print"] {
        assert!(page.contains(needed), "no {needed} in the page");
    }
}

fn sections(page: &str) -> Vec<&str> {
    page.split("<section id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn the_parts_stand_in_their_order() {
    let all = ["verdict", "times", "places", "differences", "sockets", "frontier", "sweep", "outcomes", "provenance"];
    assert_eq!(sections(&page(&study(2, 1, &[("links.a.loss", &["0", "0.1"])]))), all);
    let without: Vec<&str> = all.into_iter().filter(|id| *id != "sweep").collect();
    assert_eq!(sections(&page(&study(2, 1, &[]))), without);
}

/// Strategy `n` as a server that bears it, and peers that come back to it.
fn with_server_and_returns(mut study: Study) -> Study {
    for (n, results) in study.points.iter_mut().flat_map(|point| point.strategies.iter_mut().enumerate()) {
        let mut set = |columns: fn(&mut Results) -> &mut Columns, name: &str, values: [Option<f64>; 2]| {
            columns(results).0.insert(name.to_owned(), values.to_vec());
        };
        let n = if n == 0 { 1.0 } else { 10.0 };
        set(|r| &mut r.capacity, "peak_sockets", [Some(100.0 * n), Some(1_200.0 * n)]);
        set(|r| &mut r.capacity, "peak_memory_bytes", [Some(1_048_576.0 * n), Some(0.0)]);
        set(|r| &mut r.capacity, "refused", [Some(3.0), Some(4.0 * n)]);
        set(|r| &mut r.capacity, "above_queue_s", [None, None]);
        set(|r| &mut r.returns, "absences", [Some(500.0), Some(500.0)]);
        set(|r| &mut r.returns, "returned", [Some(450.0), Some(450.0)]);
        set(|r| &mut r.returns, "back_p50_us", [Some(14_000_000.0), Some(28_000_000.0 * n)]);
        set(|r| &mut r.returns, "back_p99_us", [Some(60_000_000.0), None]);
    }
    study
}

#[test]
fn what_a_server_bears_and_who_comes_back_are_parts_where_they_are_measured() {
    let study = with_server_and_returns(study(2, 2, &[]));
    let page = render(&study, &[]);
    let order = sections(&page);
    assert_eq!(order[4..7], ["sockets", "capacity", "returns"], "{order:?}");
    assert!(page.contains("Strategy-0 needs at most 1,200 sockets"), "the worst seed");
    assert!(page.contains("strategy-1 needs at most 12,000 sockets and 0 in TIME-WAIT at one node, 10.00 MiB with"));
    assert!(page.contains("<td>43</td>"), "refused of both seeds");
    assert!(!page.contains("above its queue"), "a column without a value");
    assert!(page.contains("strategy-0, 900 of 1,000 absences ended with a new stream, half of all within 28.0 s"));
    assert!(page.contains("<td>90.0 %</td><td>28.0 s</td><td>never</td><td>never</td>"), "the slowest seed");
    assert!(!page.contains("delivered twice"), "nothing was written again");
}

#[test]
fn what_is_written_again_has_a_table() {
    let mut study = with_server_and_returns(study(2, 1, &[]));
    let columns = &mut study.points[0].strategies[1].columns;
    columns.insert("recovered".to_owned(), vec![Some(46)]);
    columns.insert("lost_for_good".to_owned(), vec![Some(2)]);
    let page = render(&study, &[]);
    assert!(page.contains("<th scope=\"row\">strategy-1</th><td>1</td><td>46</td><td>2</td><td>0</td>"), "{page}");
}

#[test]
fn the_same_study_gives_the_same_bytes() {
    let study = with_intervals(study(3, 10, &[("a.latency", &["1000", "20000"])]));
    assert_eq!(render(&study, &[]), render(&study, &[]));
}

#[test]
fn one_seed_has_no_interval_and_says_how_to_get_one() {
    let page = page(&study(2, 1, &[]));
    assert!(page.contains("1 seed gives no interval") && page.contains("--seeds 10"));
    assert!(!page.contains("<small>"));
    assert!(page.contains("+0.0100, no interval"), "the difference itself is shown");
}

#[test]
fn intervals_stand_in_words_table_and_chart() {
    let page = page(&with_intervals(study(2, 10, &[])));
    assert!(page.contains("<small>-0.00250 to 0.0225</small>"), "no interval in the table");
    assert!(page.contains("whether strategy-1 loses more or less than strategy-0 is not certain"));
    assert!(page.contains("+0.0100 (−0.00250 to +0.0225)"), "no interval in the chart");
}

#[test]
fn a_difference_beyond_chance_is_called_one() {
    let mut study = with_intervals(study(2, 10, &[]));
    study.intervals[1].difference.interval = Some((0.008, 0.012));
    let said = "strategy-1 loses between 0.00800 and 0.0120 stanzas a stream more than strategy-0";
    assert!(page(&study).contains(said));
    study.intervals[1].difference.interval = Some((-0.012, -0.008));
    assert!(page(&study).contains(&said.replace(" more ", " fewer ")));
}

#[test]
fn one_strategy_has_nothing_to_differ_from() {
    let page = page(&study(1, 10, &[]));
    assert!(!sections(&page).contains(&"differences"));
    assert!(page.contains("strategy-0 lost none of 5,000 stanzas"), "{page}");
}

#[test]
fn of_many_strategies_some_are_drawn_and_all_are_in_the_tables() {
    let page = page(&with_intervals(study(34, 10, &[])));
    assert!(page.contains("The first 8 of 34 strategies are drawn"));
    assert!(page.matches("strategy-33</th>").count() >= 4, "the last one is missing from a table");
    assert!(page.contains("strategies lose more than the reference with certainty"));
}

#[test]
fn nothing_run_and_nothing_lost_is_a_page_too() {
    let mut empty = study(2, 1, &[]);
    for results in &mut empty.points[0].strategies {
        results.columns.clear();
        results.timeline.clear();
        results.places = [0; 5];
        results.spectra = std::array::from_fn(|_| Spectrum::default());
    }
    let page = page(&empty);
    assert!(page.contains("No stream lost a stanza") && page.contains("not measured"));
}

#[test]
fn one_varied_key_gives_lines_with_bands_and_two_give_a_heat_map() {
    let one = study(2, 10, &[("closing.timeout", &["1000000", "5000000", "60000000"])]);
    let bands = |page: &str| page.matches("opacity=\"0.18\"").count();
    assert_eq!(bands(&page(&one)), 0);
    let one = page(&with_intervals(one));
    assert_eq!(bands(&one), 2, "a band a strategy");
    assert!(one.contains("closing.timeout 60 s, where the strategies differ most"), "durations have a unit");
    let two = page(&study(2, 1, &[("a.loss", &["0", "0.1"]), ("a.latency", &["1000", "2000", "5000"])]));
    assert!(two.contains("strategy-1 loses between 0.0100 and 0.0600 stanzas a stream over the grid."));
    let three = page(&study(2, 1, &[("a", &["x", "y"]), ("b", &["x", "y"]), ("c", &["x", "y"])]));
    assert!(three.contains("3 keys were varied at once"));
}

#[test]
fn names_are_text_whatever_is_in_them() {
    let mut odd = study(2, 1, &[]);
    odd.scenario = "<b>&\"x\"".into();
    odd.points[0].strategies[1].strategy = "<script>alert(1)</script>".into();
    odd.worst = vec![stream(0, 3)];
    let page = render(&odd, &[Life::Untold("<i>".into())]);
    assert!(!page.contains("<script") && !page.contains("<b>") && !page.contains("<i>"));
    assert!(page.contains("alert(1)"));
}

fn life(events: u64) -> Life {
    let packet = |us| TraceEvent {
        at: SimTime::from_micros(us),
        what: What::Packet {
            from: Side::Client,
            segment: format!("P. {us}:{us}(0) ack 1 win 502"),
            passage: Passage::Arrives(SimTime::from_micros(us + 500)),
        },
    };
    let mut events: Vec<TraceEvent> = (0..events).map(|n| packet(1_000 * n)).collect();
    events.push(TraceEvent { at: SimTime::from_micros(500), what: What::Mark(Mark::Decision) });
    let lost = What::Stanza { from: Side::Client, number: 0, step: StanzaStep::Lost(Place::Refused) };
    events.push(TraceEvent { at: SimTime::from_micros(1_700), what: lost });
    Life::Traced(events)
}

#[test]
fn the_worst_streams_have_their_command_and_their_life_or_why_not() {
    let mut study = study(2, 1, &[]);
    study.worst = vec![stream(0, 3), stream(0, 4)];
    let page = render(&study, &[life(20), Life::Untold("the weather".into())]);
    assert!(page.contains("farewell trace made-up --strategy strategy-1 --seed 7 --stream 3"));
    assert!(page.contains("c0 lost: refused") && page.contains("<td>at second 0.000500</td>"));
    assert!(page.contains("No chart: the weather"));
    assert_eq!(page.matches("<figure").count(), page.matches("aria-label=\"Sequence chart of stream 3").count() + 9);
}

#[test]
fn the_page_never_grows_beyond_its_limit() {
    let mut study = study(2, 1, &[]);
    study.points[0].scenario = json!({ "peers": 100, "padding": "x".repeat(LIMIT - 110_000) });
    study.worst = (0..10).map(|n| stream(0, n)).collect();
    let lives: Vec<Life> = (0..10).map(|_| life(100)).collect();
    let page = render(&study, &lives);
    assert!(page.len() <= LIMIT, "{} bytes", page.len());
    assert!(page.contains("It would make the page too large"));
    assert!(page.contains("Sequence chart of stream 0"), "what fits is shown");
}

#[test]
fn a_command_has_the_options_as_they_were_written() {
    let mut study =
        study(2, 1, &[("closing.timeout", &["1000000", "5000000"]), ("class.0.responder", &["hung", "slow"])]);
    study.options = json!({
        "scenario": "mine.toml", "strategy": [], "peers": "50", "seed": null, "seeds": 1, "streams": false,
        "set": ["name=\"it's\""], "vary": ["closing.timeout=1s,5s", "class.0.responder=hung,slow"],
    });
    let words = "farewell trace mine.toml --set 'name=\"it'\\''s\"' --set peers=50 --set closing.timeout=5s \
                 --set class.0.responder=hung --strategy strategy-1 --seed 7 --stream 3";
    assert_eq!(trace_command(&study, &stream(2, 3)), words);
    study.options["vary"] = json!([]);
    let unwritten = trace_command(&study, &stream(2, 3));
    assert!(unwritten.contains("closing.timeout=5000000us --set class.0.responder=hung"), "{unwritten}");
    study.engine = "turmoil".into();
    study.options = json!({ "scenario": "idle-c2s", "seeds": 10, "streams": true, "vary": ["a=1,2"], "peers": null });
    let page = render(&study, &[]);
    assert!(page.contains("farewell compare idle-c2s --seeds 10 --streams --vary a=1,2 --engine turmoil --report"));
}
