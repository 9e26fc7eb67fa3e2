//! Every option and its help text.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::experiment::shard::Shard;
use crate::scenario::builtin;

/// Simulate XMPP peers and measure which way of closing an idle stream loses stanzas.
#[derive(Debug, Parser)]
#[command(name = "farewell", version, about, long_about = None, max_term_width = 120)]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run strategies on identical traffic and compare what each loses
    Compare(CompareArgs),
    /// Join shards, or studies with different seeds, into what one run would have written
    Merge(MergeArgs),
    /// Search the value of a parameter that keeps a budget of loss or socket time
    Tune(TuneArgs),
    /// Search the largest number of peers that stays within limits, and say which limit binds
    Plan(PlanArgs),
    /// Validate a scenario and say what it would run
    Check(CheckArgs),
    /// Show scenarios, strategies, responders, presets, links, chaos actions and kernel keys
    List(ListArgs),
    /// Print the JSON Schema of the scenario file
    Schema,
    /// Print one stream's life as a sequence chart
    Trace(TraceArgs),
    /// Run random scenarios with random chaos and check what must hold of any run
    Chaos(ChaosArgs),
    /// Write report.html, one page to send on, into a result directory
    Report(ReportArgs),
}

/// A scenario, by name or path, and the values that change it.
#[derive(Clone, Debug, Default, Args)]
pub struct Values {
    /// Set a scenario key, as in closing.timeout=2s or class.0.responder=hung (can be repeated)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub sets: Vec<String>,
}

/// Options of `compare`.
#[derive(Clone, Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub struct CompareArgs {
    /// Name a built-in scenario or a file
    #[arg(default_value = builtin::DEFAULT)]
    pub scenario: String,
    /// Compare this strategy, preset or mix instead of the scenario's (can be repeated)
    #[arg(long = "strategy", value_name = "NAME")]
    pub strategies: Vec<String>,
    /// Simulate this many peers
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub peers: Option<String>,
    /// Draw all random numbers from this seed
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Repeat with this many seeds, from the first one on; those of the scenario's study without it, or one
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: Option<u32>,
    /// Double the seeds, from 10 on, until a metric is known this precisely, as in 10% (of lost) or resets=2%; to at most
    /// --seeds, or 1280
    #[arg(long, value_name = "PRECISION")]
    pub until: Option<String>,
    /// Compare the others to this strategy; the scenario's first without it
    #[arg(long, value_name = "NAME")]
    pub reference: Option<String>,
    /// Write only this metric to comparison.csv (can be repeated); `farewell list metrics` names all
    #[arg(long = "metric", value_name = "METRIC")]
    pub metrics: Vec<String>,
    /// Move packets and time with this engine
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineName::Event)]
    pub engine: EngineName,
    /// Work on this many threads; all cores without it
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// The values that change the scenario.
    #[command(flatten)]
    pub values: Values,
    /// Run once for each value of a key, as in links.wire.loss=0,0.01,0.05 (can be repeated)
    #[arg(long = "vary", value_name = "KEY=A,B,C")]
    pub varies: Vec<String>,
    /// Write the results to this directory; results/SCENARIO without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Go on where an interrupted run into the same directory ended; it must be the same run
    #[arg(long)]
    pub resume: bool,
    /// Run only every N-th cell, from the I-th on, for `farewell merge`; to results/SCENARIO-shards/I-of-N without --out
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "report")]
    pub shard: Option<Shard>,
    /// Say how many cells there are and what they cost, from samples run on this machine; write nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Write streams.csv too, one row for each stream
    #[arg(long)]
    pub streams: bool,
    /// Write report.html too, one page to send on
    #[arg(long, conflicts_with_all = ["shard", "dry_run"])]
    pub report: bool,
    /// Print the comparison as JSON
    #[arg(long)]
    pub json: bool,
    /// Print no table and show no progress
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}

/// A shard, or what is allowed.
fn shard(text: &str) -> Result<Shard, String> {
    text.parse()
}

/// What moves packets and time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum EngineName {
    /// Priority queues hold the packets: the fast one
    Event,
    /// The turmoil crate carries the packets: the same results, later, from a simulator that others wrote
    Turmoil,
}

/// Options of `merge`.
#[derive(Clone, Debug, Args)]
pub struct MergeArgs {
    /// Name the directories of all shards, or of studies of one scenario with different seeds
    #[arg(required = true, value_name = "DIR")]
    pub dirs: Vec<PathBuf>,
    /// Write the results to this directory
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Print the comparison as JSON
    #[arg(long)]
    pub json: bool,
    /// Print no table and show no progress
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}

/// Options of `tune`.
#[derive(Clone, Debug, Args)]
pub struct TuneArgs {
    /// Name a built-in scenario or a file
    #[arg(default_value = builtin::DEFAULT)]
    pub scenario: String,
    /// Search the values of this key in this range, as in closing.timeout=1s..60s
    #[arg(long, value_name = "KEY=LOW..HIGH")]
    pub parameter: String,
    /// Keep a metric at or below this, as in lost=0.001 (stanzas a stream) or `socket_us=2s` (can be repeated);
    /// `farewell list metrics` names all
    #[arg(long = "budget", value_name = "METRIC=MOST", required = true)]
    pub budgets: Vec<String>,
    /// Search the largest value that keeps the budget instead of the smallest
    #[arg(long)]
    pub largest: bool,
    /// Try this many values before bisection, spaced evenly or by a constant factor
    #[arg(long, value_name = "N", default_value_t = 9, value_parser = clap::value_parser!(u32).range(2..=1_000))]
    pub points: u32,
    /// Tune this strategy, preset or mix instead of the scenario's (can be repeated)
    #[arg(long = "strategy", value_name = "NAME")]
    pub strategies: Vec<String>,
    /// Simulate this many peers
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub peers: Option<String>,
    /// Draw all random numbers from this seed
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Run every value with this many seeds, the same for all
    #[arg(long, value_name = "R", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: u32,
    /// Move packets and time with this engine
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineName::Event)]
    pub engine: EngineName,
    /// Work on this many threads; all cores without it
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// The values that change the scenario.
    #[command(flatten)]
    pub values: Values,
    /// Write the results to this directory; results/SCENARIO-tune without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
    /// Print nothing and show no progress
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}

/// Options of `plan`.
#[derive(Clone, Debug, Args)]
pub struct PlanArgs {
    /// Name a built-in scenario or a file
    #[arg(default_value = builtin::DEFAULT)]
    pub scenario: String,
    /// Let no node take more of this at once, as in sockets=50000 or memory=8GiB (can be repeated); also `time_wait`,
    /// streams, queue, and refused connections
    #[arg(long = "limit", value_name = "RESOURCE=MOST", required = true)]
    pub limits: Vec<String>,
    /// Plan for this strategy, preset or mix instead of the scenario's (can be repeated)
    #[arg(long = "strategy", value_name = "NAME")]
    pub strategies: Vec<String>,
    /// Draw all random numbers from this seed
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Run every number of peers with this many seeds, and count the worst
    #[arg(long, value_name = "R", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub seeds: u32,
    /// Move packets and time with this engine
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineName::Event)]
    pub engine: EngineName,
    /// Work on this many threads; all cores without it
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// The values that change the scenario.
    #[command(flatten)]
    pub values: Values,
    /// Write the results to this directory; results/SCENARIO-plan without it
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print what was found as JSON
    #[arg(long)]
    pub json: bool,
    /// Print nothing and show no progress
    #[arg(long, short, conflicts_with = "json")]
    pub quiet: bool,
}

/// Options of `check`.
#[derive(Clone, Debug, Args)]
pub struct CheckArgs {
    /// Name a built-in scenario or a file
    pub scenario: String,
    /// The values that change the scenario.
    #[command(flatten)]
    pub values: Values,
    /// Check every value of a key, as in links.wire.loss=0,0.01,0.05 (can be repeated)
    #[arg(long = "vary", value_name = "KEY=A,B,C")]
    pub varies: Vec<String>,
    /// Print the resolved scenario as JSON, with every default
    #[arg(long)]
    pub json: bool,
}

/// Options of `list`.
#[derive(Clone, Debug, Args)]
pub struct ListArgs {
    /// Show only this part (can be repeated)
    #[arg(value_enum, value_name = "PART")]
    pub parts: Vec<Part>,
}

/// A part of what `list` shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Built-in scenarios with the question of each
    Scenarios,
    /// Ways of closing
    Strategies,
    /// What the other side does when it is told
    Responders,
    /// Implementations, usable as strategy and as responder, with where that was read
    Presets,
    /// Built-in link profiles
    Links,
    /// Actions of the chaos schedule
    Chaos,
    /// Settings of the simulated kernel
    Kernel,
    /// What strategies are compared by
    Metrics,
}

/// Options of `trace`.
#[derive(Clone, Debug, Args)]
pub struct TraceArgs {
    /// Name a built-in scenario or a file
    pub scenario: String,
    /// Close by this strategy or preset; the scenario's first without it
    #[arg(long, value_name = "NAME")]
    pub strategy: Option<String>,
    /// Show the stream of this number, counted from 0
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub stream: u32,
    /// Draw all random numbers from this seed
    #[arg(long, value_name = "SEED", allow_negative_numbers = true)]
    pub seed: Option<String>,
    /// Move packets and time with this engine
    #[arg(long, value_enum, value_name = "ENGINE", default_value_t = EngineName::Event)]
    pub engine: EngineName,
    /// The values that change the scenario.
    #[command(flatten)]
    pub values: Values,
    /// Write the packets to this file for Wireshark
    #[arg(long, value_name = "FILE")]
    pub pcap: Option<PathBuf>,
}

/// Options of `report`.
#[derive(Clone, Debug, Args)]
pub struct ReportArgs {
    /// Name a directory that `farewell compare` wrote
    #[arg(value_name = "DIR")]
    pub dir: PathBuf,
}

/// Options of `chaos`.
#[derive(Clone, Debug, Args)]
pub struct ChaosArgs {
    /// Do this many runs; 1000 without it and without --minutes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    pub runs: Option<u64>,
    /// Begin no more runs after this many minutes: how many there are then depends on the machine
    #[arg(long, value_name = "M", value_parser = minutes, allow_negative_numbers = true)]
    pub minutes: Option<f64>,
    /// Draw the scenarios from this seed
    #[arg(long, value_name = "S", default_value_t = 1)]
    pub seed: u64,
    /// Begin with the run of this number
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=1_000_000_000_000))]
    pub from: u64,
    /// Work on this many threads; all cores without it
    #[arg(long, value_name = "J", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Write coverage.csv, and each scenario that breaks something, to this directory
    #[arg(long, value_name = "DIR", default_value = "results/chaos")]
    pub out: PathBuf,
    /// End with the first run that breaks something
    #[arg(long)]
    pub first: bool,
    /// Hold the scenario of this file (or a built-in one) against the same, under both engines and twice; no random runs
    #[arg(long, value_name = "FILE", conflicts_with_all = ["runs", "minutes", "seed", "from", "jobs", "out", "first"])]
    pub replay: Option<String>,
    /// Show no progress
    #[arg(long, short)]
    pub quiet: bool,
    /// Have this defect, which a soak must find
    #[cfg(feature = "defects")]
    #[arg(long, value_name = "NAME")]
    pub defect: Option<String>,
}

/// A number of minutes, or what is allowed.
fn minutes(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(minutes) if minutes > 0.0 && minutes <= 1e5 => Ok(minutes),
        _ => Err("allowed is a number of minutes above 0, at most 100000".to_owned()),
    }
}
