//! How often do the intervals of comparison.csv hold? Small studies of this program's own seeds, each held against what all of
//! them together say. Prints one row a metric and strategy as CSV; fails where too few hold.
//!
//!     cargo run --release --example coverage
//!
//! The truth is the mean over all studies, known twenty times as well as from one of 400.

use std::convert::Infallible;
use std::io::{self, Write};
use std::process::ExitCode;

use farewell::engine::Event;
use farewell::experiment::comparison::{ContenderResult, PointResult};
use farewell::experiment::kept::{Nothing, Task};
use farewell::experiment::statistics::Interval;
use farewell::experiment::{Group, NodeSink, Observer, Plan, Pooled, Sink, run};
use farewell::scenario::measure::Measure;
use farewell::scenario::{Change, Loaded, SourceText, load_study};
use farewell::time::{Micros, SimTime};

/// Small studies of each kind.
const STUDIES: usize = 400;
/// Seeds of each.
const SEEDS: usize = 10;
/// Peers under each seed: enough for p90.
const PEERS: u32 = 200;
/// Scenarios with two and with four strategies.
const SCENARIOS: [&str; 2] = ["idle-c2s", "misbehaving"];
/// In the place of a strategy: the differences of all others from the reference, holding together.
const DIFFERENCES: &str = "(differences)";
/// What must hold of those that say 95 %.
const LEAST: f64 = 0.93;

/// A sink and observer that keep nothing.
struct Nowhere;

impl NodeSink for Nowhere {
    type Error = Infallible;

    fn finished(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Sink for Nowhere {
    fn group(&mut self, _: &Group<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn pooled(&mut self, _: &Pooled<'_>) -> Result<(), Infallible> {
        Ok(())
    }

    fn compared(&mut self, _: &PointResult) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Observer for Nowhere {
    fn planned(&self, _: u64, _: Micros) {}
    fn advanced(&self, _: u32, _: Micros, _: SimTime) {}
    fn node_done(&self, _: u32) {}
}

/// How often one interval held.
struct Held {
    scenario: &'static str,
    seeds: usize,
    metric: &'static str,
    /// The strategy, or [`DIFFERENCES`].
    strategy: String,
    /// Studies that have it.
    intervals: u32,
    /// Those in which it held.
    good: u32,
}

fn main() -> ExitCode {
    match SCENARIOS
        .into_iter()
        .map(studies)
        .collect::<Result<Vec<_>, String>>()
        .and_then(|held| told(&held.into_iter().flatten().collect::<Vec<_>>()))
    {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(message) => {
            writeln!(io::stderr(), "error: {message}").ok();
            ExitCode::FAILURE
        }
    }
}

/// Runs all studies of a scenario as one plan, and takes them apart again.
fn studies(name: &'static str) -> Result<Vec<Held>, String> {
    let option = |key, value: String| Change::Option { option: "coverage", key, value };
    let changes = [option("peers", PEERS.to_string()), option("nodes", "1".to_owned())];
    let source = SourceText::find(name).map_err(|e| e.to_string())?;
    let Loaded { study, points } = load_study(&source, &changes, &[]).map_err(|e| e.to_string())?;
    let plan = Plan {
        points,
        seeds: (1..).take(STUDIES * SEEDS).collect(),
        until: None,
        reference: study.reference,
        metrics: study.metrics,
        jobs: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        streams: false,
    };
    let comparison = run(&plan, &Event, &Nothing, &mut Nowhere, &Nowhere).map_err(|e| e.to_string())?;
    let all = &comparison.points[0];
    let mut held = held_in(name, all, SEEDS);
    held.extend(held_in(name, all, SEEDS / 2));
    Ok(held)
}

/// How often the intervals of studies of so many seeds held.
fn held_in(scenario: &'static str, all: &PointResult, seeds: usize) -> Vec<Held> {
    let small: Vec<PointResult> = (0..STUDIES)
        .map(|study| {
            let own = study * SEEDS..study * SEEDS + seeds;
            let under = |c: &ContenderResult| c.under(&c.seeds[own.clone()]);
            PointResult { contenders: all.contenders.iter().map(under).collect(), ..all.clone() }
        })
        .collect();
    let mut rows = Vec::new();
    for metric in Measure::all() {
        for (i, contender) in all.contenders.iter().enumerate() {
            let alone = |point: &PointResult| point.estimate(metric, &point.contenders[i]).interval();
            let truth = all.estimate(metric, contender).value;
            let held =
                truth.and_then(|truth| held_of(small.iter().filter_map(alone).map(|interval| vec![(interval, truth)])));
            rows.extend(held.map(|(intervals, good)| Held {
                scenario,
                seeds,
                metric: metric.name(),
                strategy: contender.strategy.clone(),
                intervals,
                good,
            }));
        }
        // Differences say that they hold together.
        let truths: Option<Vec<f64>> =
            all.others().map(|other| all.estimate(metric, other).difference?.value).collect();
        let together = |point: &PointResult| -> Option<Vec<Interval>> {
            point.others().map(|other| point.estimate(metric, other).difference?.interval()).collect()
        };
        let pairs = |truths: &[f64], found: Vec<Interval>| found.into_iter().zip(truths.iter().copied()).collect();
        let held =
            truths.and_then(|truths| held_of(small.iter().filter_map(together).map(|found| pairs(&truths, found))));
        rows.extend(held.map(|(intervals, good)| Held {
            scenario,
            seeds,
            metric: metric.name(),
            strategy: DIFFERENCES.to_owned(),
            intervals,
            good,
        }));
    }
    rows
}

/// How many studies have all intervals of a kind, and in how many of those each holds its truth; `None` without any, and where
/// the number is the same in every study: there is nothing to miss.
fn held_of(studies: impl Iterator<Item = Vec<(Interval, f64)>>) -> Option<(u32, u32)> {
    let studies: Vec<Vec<(Interval, f64)>> = studies.collect();
    let varies = studies.iter().flatten().any(|(interval, truth)| (interval.estimate - truth).abs() > 1e-12);
    let holds =
        |study: &&Vec<(Interval, f64)>| study.iter().all(|(found, truth)| found.low <= *truth && *truth <= found.high);
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    varies.then(|| (count(studies.len()), count(studies.iter().filter(holds).count())))
}

/// Prints everything, and on standard error what is worst; whether enough held.
fn told(all: &[Held]) -> Result<bool, String> {
    let share = |held: &Held| f64::from(held.good) / f64::from(held.intervals);
    let mut csv = csv::WriterBuilder::new().terminator(csv::Terminator::Any(b'\n')).from_writer(io::stdout());
    let header = ["scenario", "seeds", "metric", "strategy", "studies", "held", "coverage"];
    csv.write_record(header).map_err(|e| e.to_string())?;
    for row in all {
        let numbers = [row.intervals.to_string(), row.good.to_string(), format!("{:.4}", share(row))];
        let names = [row.scenario, &row.seeds.to_string(), row.metric, &row.strategy];
        csv.write_record(names.into_iter().map(str::to_owned).chain(numbers)).map_err(|e| e.to_string())?;
    }
    csv.flush().map_err(|e| e.to_string())?;
    let mut fine = true;
    let mut err = io::stderr();
    for (kind, differences) in [("single numbers", false), ("differences", true)] {
        // An interval that only some studies have is one of those in which more happened.
        let whole = || {
            all.iter().filter(|row| (row.strategy == DIFFERENCES) == differences && row.intervals as usize == STUDIES)
        };
        let (held, of) = whole().fold((0, 0), |(held, of), row| (held + row.good, of + row.intervals));
        let mean = f64::from(held) / f64::from(of);
        fine &= mean >= LEAST;
        writeln!(err, "{kind}: {held} of {of} intervals hold, {:.2} %", 100.0 * mean).map_err(|e| e.to_string())?;
        let mut worst: Vec<&Held> = whole().collect();
        worst.sort_by(|a, b| share(a).total_cmp(&share(b)));
        for row in worst.iter().take(5) {
            let Held { scenario, seeds, metric, strategy, good, intervals } = row;
            writeln!(err, "  {good}/{intervals}  {metric}, {strategy}, {seeds} seeds of {scenario}")
                .map_err(|e| e.to_string())?;
        }
    }
    Ok(fine)
}
