//! Ticks where a person would put them, and drawings that hold what they were given.

use crate::id::Side;
use crate::ledger::fate::Place;
use crate::ledger::trace::{Mark, Passage, StanzaStep, TraceEvent, What};
use crate::report::chart::axis::{Axis, tick_time, varied_label};
use crate::report::chart::bars::{Bar, Difference, bars, forest};
use crate::report::chart::curves::{Curve, curves, stack};
use crate::report::chart::grid::{Side as Edge, heat};
use crate::report::chart::{HEAT, PARTS, colours, lifeline, series};
use crate::time::SimTime;

fn labels(axis: &Axis) -> Vec<&str> {
    axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
}

#[test]
fn a_linear_axis_begins_at_zero_and_has_round_ticks() {
    assert_eq!(labels(&Axis::linear("", [0.112, 0.135])), ["0", "0.05", "0.10", "0.15"]);
    assert_eq!(labels(&Axis::linear("", [-3.0, 4.0])), ["-4", "-2", "0", "2", "4"]);
    assert_eq!(labels(&Axis::linear("", [1_940.0])), ["0", "500", "1000", "1500", "2000"]);
    for nothing in [vec![], vec![0.0], vec![f64::NAN, f64::INFINITY]] {
        let axis = Axis::linear("", nothing);
        assert!(axis.low < axis.high && axis.ticks.len() > 1, "{axis:?}");
    }
}

#[test]
fn no_value_of_a_difference_is_on_the_edge() {
    let axis = Axis::centred("", [0.01, 0.03]);
    assert!(axis.low < 0.0 && axis.high > 0.03, "{axis:?}");
}

#[test]
fn times_have_a_tick_a_decade() {
    assert_eq!(labels(&Axis::times("", [12_000.0, 5e6])), ["10 ms", "100 ms", "1 s", "10 s"]);
    assert_eq!(labels(&Axis::times("", [0.0, 900.0])), ["at once", "1 ms"]);
    assert!(Axis::times("", []).ticks.len() > 1);
    let texts =
        [(0.0, "0 ms"), (50.0, "50 us"), (1_500.0, "1.5 ms"), (999_999.9, "1 s"), (60e6, "60 s"), (7.2e9, "2 h")];
    for (us, text) in texts {
        assert_eq!(tick_time(us), text);
    }
}

#[test]
fn percentiles_reach_as_far_as_there_are_closings() {
    assert_eq!(labels(&Axis::percentiles(2_000)), ["0 %", "50", "90", "99", "99.9"]);
    assert_eq!(labels(&Axis::percentiles(0)), ["0 %", "50", "90"]);
}

#[test]
fn varied_values_stand_where_they_are_or_in_their_order() {
    let of =
        |key: &str, values: &[&str]| Axis::varied(key, &values.iter().map(|v| (*v).to_owned()).collect::<Vec<_>>());
    let (axis, places) = of("closing.timeout", &["1000000", "2000000", "60000000"]);
    assert_eq!(labels(&axis), ["1 s", "2 s", "60 s"]);
    assert!((places[2] - 7.778_151).abs() < 1e-6, "a wide range is logarithmic: {places:?}");
    let (axis, places) = of("links.a.loss", &["0", "0.01", "0.1"]);
    assert_eq!(
        (labels(&axis), places),
        (vec!["0", "0.1"], vec![0.0, 0.01, 0.1]),
        "labels that would touch are left out"
    );
    let (axis, places) = of("class.0.responder", &["hung", "slow"]);
    assert_eq!((labels(&axis), places), (vec!["hung", "slow"], vec![0.0, 1.0]));
    assert_eq!(varied_label("peers", "1000"), "1000");
}

#[test]
fn every_colour_is_one_of_its_own() {
    let mut light: Vec<u32> = colours().map(|colour| colour.light).collect();
    light.sort_unstable();
    light.dedup();
    assert_eq!(light.len(), colours().count(), "two would get the same dark twin");
}

fn curve(points: &[(f64, f64)], censored: bool) -> Curve {
    Curve { index: 0, colour: series(0), points: points.to_vec(), band: Vec::new(), censored }
}

#[test]
fn a_curve_that_ends_because_the_rest_never_came_has_an_arrow() {
    let (x, y) = (Axis::linear("x", [3.0]), Axis::linear("y", [3.0]));
    let lines = |censored| curves(&x, &y, &[curve(&[(0.0, 1.0), (1.0, 2.0)], censored)]).matches("<polyline").count();
    assert_eq!(lines(true), lines(false) + 2);
    assert!(curves(&x, &y, &[curve(&[], true)]).ends_with("</svg>"), "no points, no arrow");
}

#[test]
fn a_stack_has_a_polygon_a_layer_that_is_not_empty() {
    let axis = Axis::linear("", [4.0]);
    let layers = [(PARTS[0], vec![1.0, 2.0]), (PARTS[1], vec![0.0, 0.0]), (PARTS[2], vec![0.0, 1.0])];
    assert_eq!(stack(&axis, &axis, &[0.0, 1.0], &layers).matches("<polygon").count(), 2);
    assert_eq!(stack(&axis, &axis, &[], &[]).matches("<polygon").count(), 0);
}

#[test]
fn a_bar_shows_every_part_that_is_not_nothing() {
    let parts = vec![(PARTS[0], 100.0), (PARTS[1], 0.0001), (PARTS[2], 0.0)];
    let rows = [Bar { name: "a & b".into(), note: "100".into(), parts }];
    let drawn = bars(&Axis::linear("x", [100.0]), &rows);
    assert_eq!(drawn.matches("<rect").count(), 2, "{drawn}");
    assert!(drawn.contains("width=\"1\""), "the small one is a pixel wide");
    assert!(drawn.contains("a &amp; b"));
}

#[test]
fn a_difference_without_interval_is_a_mark_alone() {
    let row = |interval| Difference {
        name: "x".into(),
        note: String::new(),
        index: 1,
        colour: series(1),
        estimate: 1.0,
        interval,
    };
    let lines = |interval| forest(&Axis::centred("", [1.0, 2.0]), &[row(interval)]).matches("<polyline").count();
    assert_eq!(lines(Some((0.5, 2.0))), lines(None) + 3);
}

#[test]
fn a_heat_map_is_strongest_at_the_most_and_empty_where_nothing_was_run() {
    let edge = |labels: &[&str]| Edge { title: "key".into(), labels: labels.iter().map(|l| (*l).to_owned()).collect() };
    let cells = [vec![Some(0.0), Some(2.0)], vec![None, Some(1.0)]];
    let drawn = heat(&edge(&["a", "b"]), &edge(&["c", "d"]), &cells, 2.0);
    assert_eq!(drawn.matches("<rect").count(), 3);
    assert!(drawn.contains(&HEAT[5].attribute()) && drawn.contains(&HEAT[0].attribute()), "{drawn}");
    let nothing = heat(&edge(&["a"]), &edge(&["c"]), &[vec![Some(0.0)]], 0.0);
    assert!(nothing.contains(&HEAT[0].attribute()));
}

fn at(us: u64, what: What) -> TraceEvent {
    TraceEvent { at: SimTime::from_micros(us), what }
}

#[test]
fn a_life_is_shown_around_the_decision_and_the_middle_is_left_out() {
    let packet = |us: u64| {
        let passage =
            if us == 50_000 { Passage::Dropped("lost") } else { Passage::Arrives(SimTime::from_micros(us + 20)) };
        at(us, What::Packet { from: Side::Client, segment: format!("P. {us}:9(9) ack 1 win 502"), passage })
    };
    let mut events: Vec<TraceEvent> = (0..100).map(|n| packet(1_000 * n)).collect();
    events.push(at(40_500, What::Mark(Mark::Decision)));
    events.push(at(90_500, What::Mark(Mark::Release)));
    for number in 3..6 {
        let step = StanzaStep::Lost(Place::Network);
        events.push(at(200_000, What::Stanza { from: Side::Client, number, step }));
    }
    let drawn = lifeline::draw(&events);
    assert!(!drawn.contains("P. 1000:") && drawn.contains("P. 40000:9(9) ack 1"), "{drawn}");
    assert!(drawn.contains("P. 50000:9(9) ack 1 (lost)"), "{drawn}");
    assert!(drawn.contains("more events") && drawn.contains("release after 50.0 ms"), "{drawn}");
    assert!(drawn.contains("c3 to c5 lost: network"), "{drawn}");
    let said = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let instants = [said("decision", "at second 0.040500"), said("release", "50.0 ms after the decision")];
    assert_eq!(lifeline::instants(&events), instants);
    assert!(lifeline::draw(&[]).ends_with("</svg>") && lifeline::instants(&[]).is_empty());
}
