//! Runs with a made-up engine: order, folding, failures.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sha2::Digest as _;

use super::kept::{FORM, Nothing};
use super::rows::{Field, Row};
use super::testing::{MadeUp, Nobody, point, scenario};
use super::*;
use crate::ledger::fate::Outcome;
use crate::scenario::measure::Measure;
use crate::scenario::study::Precision;

/// Keeps every row as text.
#[derive(Debug, Default, PartialEq)]
struct Lines(Vec<String>);

impl Lines {
    fn push(&mut self, file: &str, row: &impl Row) {
        let show = |field: Field<'_>| match field {
            Field::Number(n) => n.to_string(),
            Field::Text(text) => text.to_owned(),
            Field::Owned(text) => text,
            Field::Decimal(number) => number.to_string(),
            Field::Never => String::new(),
        };
        let fields: Vec<String> = row.keys().into_iter().chain(row.rest()).map(show).collect();
        self.0.push(format!("{file}: {}", fields.join(",")));
    }

    fn of(&self, file: &str) -> Vec<Vec<&str>> {
        let lines = self.0.iter().filter_map(|line| line.strip_prefix(file)?.strip_prefix(": "));
        lines.map(|line| line.split(',').collect()).collect()
    }
}

impl NodeSink for Lines {
    type Error = Infallible;

    fn finished(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Sink for Lines {
    fn group(&mut self, group: &Group<'_>) -> Result<(), Infallible> {
        group.summary().for_each(|row| self.push("summary", &row));
        group.streams().for_each(|row| self.push("streams", &row));
        group.lost().for_each(|row| self.push("lost", &row));
        group.timeline().for_each(|row| self.push("timeline", &row));
        Ok(())
    }

    fn pooled(&mut self, pooled: &Pooled<'_>) -> Result<(), Infallible> {
        pooled.percentiles().for_each(|row| self.push("percentiles", &row));
        Ok(())
    }

    fn compared(&mut self, point: &PointResult) -> Result<(), Infallible> {
        point.comparison(Measure::all()).for_each(|row| self.push("comparison", &row));
        Ok(())
    }
}

fn plan(nodes: u32, jobs: usize) -> Plan {
    let points = ["1", "2"].map(|n| SweepPoint {
        varied: vec![("kernel.x".into(), n.into())],
        scenario: scenario(&["handshake", "timeout-error"], 100, nodes),
    });
    Plan { jobs, streams: true, ..testing::plan(points.into(), vec![1, 2, 3]) }
}

fn run_with(engine: &MadeUp, plan: &Plan) -> Result<(Lines, Comparison), ExperimentError<Infallible>> {
    let mut lines = Lines::default();
    let comparison = run(plan, engine, &Nothing, &mut lines, &Nobody)?;
    Ok((lines, comparison))
}

fn refusal(engine: &MadeUp) -> String {
    run_with(engine, &plan(2, 2)).map(drop).unwrap_err().to_string()
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let alone = run_with(&MadeUp::default(), &plan(7, 1)).unwrap();
    assert_eq!(alone, run_with(&MadeUp::default(), &plan(7, 3)).unwrap());
    assert!(alone.0.0.len() > 1_000);
}

#[test]
fn rows_come_by_sweep_point_and_seed_with_the_strategies_interleaved() {
    let (lines, _) = run_with(&MadeUp::default(), &plan(3, 2)).unwrap();
    let summary: Vec<String> = lines.of("summary").iter().map(|row| format!("{} {}", row[3], row[2])).collect();
    let seeds = ["1 handshake", "1 timeout-error", "2 handshake", "2 timeout-error", "3 handshake", "3 timeout-error"];
    assert_eq!(summary, [seeds, seeds].concat());
    let streams: Vec<String> =
        lines.of("streams").iter().take(5).map(|row| format!("{} {} {}", row[1], row[2], row[0])).collect();
    assert_eq!(streams, ["1 0 handshake", "1 0 timeout-error", "1 1 handshake", "1 1 timeout-error", "1 2 handshake"]);
}

#[test]
fn nodes_are_folded_into_one_cell() {
    let (lines, comparison) = run_with(&MadeUp::default(), &plan(7, 2)).unwrap();
    let contender = &comparison.points[0].contenders[1];
    assert_eq!(contender.total.streams, 300);
    assert_eq!(contender.total.outcome(Outcome::Closed), 300);
    assert_eq!(contender.seeds[0].peak_open_sockets, 100);
    let summary = lines.of("summary");
    let lost: u64 = summary.iter().map(|row| row[16].parse::<u64>().unwrap()).sum();
    assert_eq!(lost, lines.of("lost").len() as u64);
    assert_eq!(contender.total.lost() * 2, lost, "two sweep points, the same seeds");
    assert_eq!(lines.of("streams").len(), 2 * 3 * 2 * 100);
}

#[test]
fn the_timeline_has_every_second_before_the_end() {
    let (lines, _) = run_with(&MadeUp::default(), &plan(2, 2)).unwrap();
    let rows = lines.of("timeline");
    assert_eq!(rows.len(), 2 * 3 * 2 * 10);
    assert_eq!(rows[0][..13], ["handshake", "1", "0", "0", "0", "100", "0", "0", "0", "0", "0", "0", "0"]);
    assert_eq!(rows[0][13..], [""; 5], "nothing is reckoned without a server table");
    let (final_row, lost) = (&rows[19], &lines.of("summary")[1][16]);
    assert_eq!([final_row[0], final_row[2], final_row[12]], ["timeout-error", "9", lost]);
}

#[test]
fn a_percentile_among_closings_that_never_ended_is_empty() {
    let (lines, _) = run_with(&MadeUp::default(), &plan(1, 2)).unwrap();
    let rows = lines.of("percentiles");
    let notice: Vec<_> = rows.iter().filter(|row| row[0] == "handshake" && row[1] == "notice").take(13).collect();
    assert_eq!(notice[5][2..4], ["50", "20000"]);
    assert_eq!(notice[12][2..], ["100", "", "300"]);
}

#[test]
fn the_comparison_has_one_row_a_point_measure_and_strategy() {
    let (lines, _) = run_with(&MadeUp::default(), &plan(1, 2)).unwrap();
    let rows = lines.of("comparison");
    assert_eq!(rows.len(), 2 * Measure::all().count() * 2);
    let three_seeds = ["3", "300"];
    assert_eq!(rows[0][..6], ["lost", "handshake", "0", "", "", "handshake"]);
    assert_eq!(rows[0][6..10], [""; 4], "the reference does not differ from itself");
    assert_eq!(rows[0][10..], [three_seeds[0], three_seeds[1], "0", "pooled"]);
    assert_eq!(rows[1][1], "timeout-error");
    assert_eq!((rows[1][2], rows[1][7]), (rows[1][6], ""), "a difference, but no interval from three seeds");
}

#[test]
fn a_failure_names_seed_strategy_and_node() {
    let place = |seed: u64| format!("seed {seed}, strategy handshake, node 0, kernel.x=1: ");
    let refused = MadeUp { refused_seed: Some(2), ..MadeUp::default() };
    assert_eq!(refusal(&refused), place(2) + "no tick is short enough");
    let broken = MadeUp { broken_seed: Some(3), ..MadeUp::default() };
    assert_eq!(refusal(&broken), place(3) + "the simulator broke: a segment of negative length");
    let unbalanced = MadeUp { unbalanced_seed: Some(1), ..MadeUp::default() };
    assert_eq!(refusal(&unbalanced), place(1) + "stream 0, to-closer: 5 stanzas were sent, but 5 delivered and 1 lost");
}

#[test]
fn seeds_double_until_the_interval_is_narrow_enough_and_no_further() {
    let until = |relative: f64, most: u64| {
        let precision = Precision { measure: Measure::StreamsWithLoss, relative };
        let plan = Plan { seeds: (1..=most).collect(), until: Some(precision), ..plan(2, 2) };
        let (lines, comparison) = run_with(&MadeUp::default(), &plan).unwrap();
        let of_points: Vec<usize> = comparison.points.iter().map(|point| point.contenders[1].seeds.len()).collect();
        assert_eq!(comparison.seeds.len(), *of_points.iter().max().unwrap());
        assert_eq!(lines.of("summary").len(), 2 * of_points.iter().sum::<usize>());
        let relative = comparison.points[0].estimate(Measure::StreamsWithLoss, &comparison.points[0].contenders[1]);
        (of_points, relative.interval().unwrap().relative().unwrap())
    };
    let (seeds, relative) = until(0.10, 1_000);
    assert!(seeds[0] > 10 && seeds[0].is_multiple_of(10) && relative <= 0.10, "{seeds:?} {relative}");
    assert_eq!(until(0.5, 1_000).0, [10, 10]);
    assert_eq!(until(0.001, 25).0, [25, 25], "the most there may be");
}

#[test]
fn nothing_is_begun_long_after_a_failure() {
    let engine = MadeUp { refused_seed: Some(0), ..MadeUp::default() };
    let seeds = (0..500).collect();
    let plan = testing::plan(vec![point(scenario(&["handshake"], 10, 1))], seeds);
    assert!(run_with(&engine, &plan).is_err());
    assert!(engine.runs.load(Ordering::Relaxed) <= 8, "the window of two threads");
}

/// Adds up what it is told.
#[derive(Default)]
struct Adder {
    planned: AtomicU64,
    advanced: AtomicU64,
    peers: AtomicU64,
}

impl Observer for Adder {
    fn planned(&self, _: u64, peer_time: Micros) {
        self.planned.fetch_add(peer_time.get(), Ordering::Relaxed);
    }

    fn advanced(&self, peers: u32, by: Micros, _: SimTime) {
        self.advanced.fetch_add((by * u64::from(peers)).get(), Ordering::Relaxed);
    }

    fn node_done(&self, peers: u32) {
        self.peers.fetch_add(peers.into(), Ordering::Relaxed);
    }
}

#[test]
fn progress_ends_where_it_was_planned_to_end() {
    let adder = Adder::default();
    run(&plan(3, 2), &MadeUp::default(), &Nothing, &mut Lines::default(), &adder).unwrap();
    assert_eq!(adder.planned.into_inner(), adder.advanced.into_inner());
    assert_eq!(adder.peers.into_inner(), 2 * 3 * 2 * 100);
}

/// Says when it is enough.
#[derive(Default)]
struct Watch(AtomicBool);

impl Observer for Watch {
    fn planned(&self, _: u64, _: Micros) {}
    fn advanced(&self, _: u32, _: Micros, _: SimTime) {}
    fn node_done(&self, _: u32) {}
    fn interrupted(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Keeps nodes, and interrupts the run once there are enough.
struct Keeper<'a> {
    nodes: BTreeMap<Task, Vec<u8>>,
    lines: Lines,
    enough: usize,
    watch: &'a Watch,
}

impl NodeSink for Keeper<'_> {
    type Error = Infallible;

    fn finished(&mut self, task: Task, bytes: &[u8]) -> Result<(), Infallible> {
        self.nodes.insert(task, bytes.to_vec());
        self.watch.0.store(self.nodes.len() >= self.enough, Ordering::Relaxed);
        Ok(())
    }

    fn node(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Sink for Keeper<'_> {
    fn group(&mut self, group: &Group<'_>) -> Result<(), Infallible> {
        self.lines.group(group)
    }

    fn pooled(&mut self, pooled: &Pooled<'_>) -> Result<(), Infallible> {
        self.lines.pooled(pooled)
    }

    fn compared(&mut self, point: &PointResult) -> Result<(), Infallible> {
        self.lines.compared(point)
    }
}

struct Earlier(BTreeMap<Task, Vec<u8>>);

impl Kept for Earlier {
    fn find(&self, task: Task) -> Option<Vec<u8>> {
        self.0.get(&task).cloned()
    }
}

#[test]
fn an_interrupted_run_goes_on_from_its_nodes_and_leaves_the_same() {
    let plan = plan(3, 2);
    let (lines, comparison) = run_with(&MadeUp::default(), &plan).unwrap();
    let watch = Watch::default();
    let keeper = |enough| Keeper { nodes: BTreeMap::new(), lines: Lines::default(), enough, watch: &watch };
    let mut first = keeper(7);
    let stopped = run(&plan, &MadeUp::default(), &Nothing, &mut first, &watch);
    assert!(matches!(stopped, Err(ExperimentError::Interrupted)), "{stopped:?}");
    let kept = first.nodes.len();
    // Those that were under way may still end.
    assert!((7..tasks(&plan).len()).contains(&kept), "{kept} nodes");
    // One is spoilt: it is run again.
    let mut nodes = first.nodes;
    nodes.first_entry().unwrap().get_mut().push(0);
    watch.0.store(false, Ordering::Relaxed);
    let (mut second, engine) = (keeper(1_000), MadeUp::default());
    let resumed = run(&plan, &engine, &Earlier(nodes), &mut second, &watch).unwrap();
    assert_eq!(engine.runs.into_inner() as usize, tasks(&plan).len() - kept + 1);
    assert!(resumed == comparison && second.lines == lines);
}

/// Whoever changes what is kept of a node gives the form a new number: an older file is then refused, not misread.
#[test]
fn the_form_of_a_node_has_its_number() {
    let plan = plan(1, 1);
    let watch = Watch::default();
    let mut keeper = Keeper { nodes: BTreeMap::new(), lines: Lines::default(), enough: 1_000, watch: &watch };
    run(&plan, &MadeUp::default(), &Nothing, &mut keeper, &watch).unwrap();
    let all: Vec<u8> = keeper.nodes.into_values().flatten().collect();
    let hash = sha2::Sha256::digest(&all).iter().take(4).fold(0_u32, |hash, byte| hash << 8 | u32::from(*byte));
    assert_eq!((FORM, format!("{hash:08x}")), (3, "81c18fac".to_owned()));
}
