//! `farewell compare --dry-run`: how many cells, and what they will cost, from small samples run on this machine.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::io::Write;
use std::time::Duration;

use serde_json::json;

use crate::cli::Failure;
use crate::cli::compare::{Job, Show};
use crate::engine::Engine;
use crate::experiment::cell::Cell;
use crate::experiment::kept::{Nothing, Task};
use crate::experiment::shard::{self, Shard, ShardSink};
use crate::experiment::{self, ExperimentError, NodeSink, Observer, Plan};
use crate::scenario::{Scenario, SweepPoint};
use crate::time::{Micros, SimTime};

/// Peers of the two samples: a node's cost is taken to grow evenly from the one to the other and on.
const SAMPLES: [u32; 2] = [100, 1_000];

/// Sweep points that are sampled at most, evenly spaced.
const POINTS: usize = 5;

/// No more samples are begun after so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of a row of the tables that grow, on average.
const ROW: u64 = 55;

/// Bytes that the figures of a cell take.
const FIGURES: u64 = 4_096;

/// What a number of peers on one node costs.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    peers: f64,
    seconds: f64,
    cell_bytes: f64,
    lost: f64,
}

/// What is to be expected.
#[derive(Debug)]
struct Forecast {
    cells: usize,
    cells_of_all: usize,
    streams: u64,
    core_seconds: f64,
    threads: usize,
    memory: Option<f64>,
    cells_disk: f64,
    tables_disk: f64,
}

/// Prints what a job would cost. Nothing is written.
pub(super) fn run(job: &Job, engine: &dyn Engine, out: &mut dyn Write) -> Result<(), Failure> {
    let tasks = match job.provenance.shard {
        Some(shard) => shard.tasks(&job.plan),
        None => experiment::tasks(&job.plan),
    };
    let forecast = forecast(&job.plan, &tasks, engine)?;
    match job.show {
        Show::Everything => write!(out, "{}", forecast.in_words(job, engine))?,
        Show::Json => writeln!(out, "{:#}", forecast.as_json())?,
        Show::Nothing => {}
    }
    Ok(())
}

fn forecast(plan: &Plan, tasks: &[Task], engine: &dyn Engine) -> Result<Forecast, Failure> {
    let before = resident();
    let line = sampled(plan, engine)?;
    let peak = resident().and_then(|after| Some((after.peak - before?.now) / line[1].peers.max(1.0)));
    let mut sum = Forecast {
        cells: tasks.len(),
        cells_of_all: experiment::tasks(plan).len(),
        streams: 0,
        core_seconds: 0.0,
        threads: plan.jobs.min(tasks.len().max(1)),
        memory: None,
        cells_disk: 0.0,
        tables_disk: 0.0,
    };
    let (mut most, mut seconds) = (0, 0.0);
    for task in tasks {
        let scenario = &plan.point(*task).scenario;
        let peers = experiment::peers_of(scenario, task.node);
        most = most.max(peers);
        sum.streams += u64::from(peers);
        sum.core_seconds += at(&line, peers, |cost| cost.seconds);
        sum.cells_disk += at(&line, peers, |cost| cost.cell_bytes);
        sum.tables_disk += at(&line, peers, |cost| cost.lost) * real(ROW);
        sum.tables_disk += if plan.streams { f64::from(peers) * 2.0 * real(ROW) } else { 0.0 };
        seconds += real(scenario.duration.get()) / 1e6 / f64::from(scenario.nodes);
    }
    sum.tables_disk += seconds * real(ROW);
    // The threads each run a node; the times of all closings of a sweep point are held until its last seed is there, and then
    // once more to be pooled; of every cell its figures remain.
    let held = |point: &SweepPoint| u64::from(point.scenario.peers) * point.scenario.strategies.len() as u64 * 64;
    let held =
        plan.points.iter().map(held).max().unwrap_or(0) * plan.seeds.len() as u64 + FIGURES * sum.cells_of_all as u64;
    sum.memory = before
        .zip(peak)
        .map(|(before, a_peer)| before.now + a_peer.max(0.0) * f64::from(most) * real(sum.threads as u64) + real(held));
    Ok(sum)
}

impl Forecast {
    fn in_words(&self, job: &Job, engine: &dyn Engine) -> String {
        let plan = &job.plan;
        let first = plan.points.first().map(|point| &point.scenario);
        let (name, strategies, nodes) = first.map_or(("", 0, 0), |s| (s.name.as_str(), s.strategies.len(), s.nodes));
        let mut text = format!("{name}: a dry run, engine {}; nothing was written\n\n", engine.name());
        let of = match job.provenance.shard {
            Some(shard) => format!("shard {shard} of {} = ", self.cells_of_all),
            None => String::new(),
        };
        let lines = [
            (
                "cells",
                format!(
                    "{} = {of}{} sweep points x {} seeds x {strategies} strategies x {nodes} nodes",
                    self.cells,
                    plan.points.len(),
                    plan.seeds.len()
                ),
            ),
            ("streams", self.streams.to_string()),
            (
                "time",
                format!(
                    "about {} on {} threads: {:.3} core-hours",
                    duration(self.core_seconds / real(self.threads as u64)),
                    self.threads,
                    self.core_seconds / 3_600.0
                ),
            ),
            (
                "memory",
                self.memory.map_or_else(|| "unknown on this system".to_owned(), |m| format!("about {}", bytes(m))),
            ),
            (
                "disk",
                format!(
                    "about {}, and {} more for cells while it runs",
                    bytes(self.tables_disk + self.cells_disk),
                    bytes(self.cells_disk)
                ),
            ),
        ];
        for (what, value) in lines {
            writeln!(text, "{what:9}{value}").ok();
        }
        if let Some(until) = plan.until {
            writeln!(text, "\nThat is the most: the study ends as soon as it knows {until}.").ok();
        }
        let [few, many] = SAMPLES;
        text + &format!(
            "\nFrom the CPU time of samples of up to {few} and {many} peers on this machine; other machines differ.\n"
        )
    }

    fn as_json(&self) -> serde_json::Value {
        json!({
            "cells": self.cells,
            "streams": self.streams,
            "core_seconds": self.core_seconds,
            "threads": self.threads,
            "memory_bytes": self.memory,
            "disk_bytes": self.tables_disk + self.cells_disk,
            "cells_bytes": self.cells_disk,
        })
    }
}

/// The line through both samples, at so many peers.
fn at(line: &[Cost; 2], peers: u32, what: fn(&Cost) -> f64) -> f64 {
    let [few, many] = line;
    let width = many.peers - few.peers;
    let slope = if width > 0.0 { ((what(many) - what(few)) / width).max(0.0) } else { 0.0 };
    (what(few) + slope * (f64::from(peers) - few.peers)).max(0.0)
}

/// The mean cost of a node with few and with many peers, over strategies and some sweep points.
fn sampled(plan: &Plan, engine: &dyn Engine) -> Result<[Cost; 2], Failure> {
    let begun = cpu_time();
    let (mut line, mut points) = ([Cost::default(); 2], 0.0);
    let step = plan.points.len().div_ceil(POINTS).max(1);
    for point in plan.points.iter().step_by(step) {
        if cpu_time().saturating_sub(begun) > PATIENCE {
            break;
        }
        points += 1.0;
        for (cost, peers) in line.iter_mut().zip(SAMPLES) {
            let peers = peers.min(experiment::peers_of(&point.scenario, crate::id::NodeId(0)));
            let scenario = Scenario { peers, nodes: 1, ..point.scenario.clone() };
            let seeds = plan.seeds.iter().take(1).copied().collect();
            let points = vec![SweepPoint { varied: Vec::new(), scenario }];
            let metrics = plan.metrics.clone();
            let sample = Plan { points, seeds, until: None, reference: 0, metrics, jobs: 1, streams: plan.streams };
            let before = cpu_time();
            let mut seen = Seen::default();
            shard::run(&sample, Shard::ALL, engine, &Nothing, &mut seen, &Unwatched)
                .map_err(|error: ExperimentError<Infallible>| Failure::Run(error.to_string()))?;
            cost.peers = f64::from(peers);
            cost.seconds += cpu_time().saturating_sub(before).as_secs_f64() / seen.nodes;
            cost.cell_bytes += seen.bytes / seen.nodes;
            cost.lost += seen.lost / seen.nodes;
        }
    }
    for cost in &mut line {
        cost.seconds /= points;
        cost.cell_bytes /= points;
        cost.lost /= points;
    }
    Ok(line)
}

/// Adds up what samples leave.
#[derive(Debug, Default)]
struct Seen {
    nodes: f64,
    bytes: f64,
    lost: f64,
}

impl NodeSink for Seen {
    type Error = Infallible;

    fn finished(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Task, bytes: &[u8]) -> Result<(), Infallible> {
        self.nodes += 1.0;
        self.bytes += real(bytes.len() as u64);
        Ok(())
    }
}

impl ShardSink for Seen {
    fn alone(&mut self, _: &Plan, _: &'static str, _: Task, node: &Cell) -> Result<(), Infallible> {
        self.lost += real(node.lost.len() as u64);
        Ok(())
    }
}

struct Unwatched;

impl Observer for Unwatched {
    fn planned(&self, _: u64, _: Micros) {}
    fn advanced(&self, _: u32, _: Micros, _: SimTime) {}
    fn node_done(&self, _: u32) {}
}

/// CPU time of the process, which other processes do not lengthen.
#[cfg(unix)]
fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let (seconds, nanoseconds) = (u64::try_from(time.tv_sec), u32::try_from(time.tv_nsec));
    Duration::new(seconds.unwrap_or(0), nanoseconds.unwrap_or(0))
}

/// Real time stands for it elsewhere.
#[cfg(not(unix))]
#[expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "it says how long a run takes")]
fn cpu_time() -> Duration {
    static BEGUN: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    BEGUN.get_or_init(std::time::Instant::now).elapsed()
}

/// Bytes of memory that the process holds now, and held at most.
#[derive(Clone, Copy, Debug)]
struct Resident {
    now: f64,
    peak: f64,
}

/// What Linux says; `None` elsewhere.
fn resident() -> Option<Resident> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let of = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<f64>().ok().map(|kib| kib * 1_024.0)
    };
    Some(Resident { now: of("VmRSS:")?, peak: of("VmHWM:")? })
}

fn duration(seconds: f64) -> String {
    match seconds {
        s if s < 100.0 => format!("{s:.1} s"),
        s if s < 6_000.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3_600.0),
    }
}

fn bytes(bytes: f64) -> String {
    match bytes / 1e6 {
        mb if mb < 10.0 => format!("{mb:.1} MB"),
        mb if mb < 10_000.0 => format!("{mb:.0} MB"),
        mb => format!("{:.1} GB", mb / 1e3),
    }
}

#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn real(n: u64) -> f64 {
    n as f64
}
