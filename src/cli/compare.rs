//! `farewell compare`: the main job, from a plan to files, a table and a finding.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::CompareArgs;
use crate::cli::interrupt::Interrupt;
use crate::cli::message::Warning;
use crate::cli::progress::Bar;
use crate::cli::{self, Failure, forecast, report};
use crate::engine::Engine;
use crate::experiment::comparison::Comparison;
use crate::experiment::kept::Kept;
use crate::experiment::shard::{self, Shard};
use crate::experiment::{self, ExperimentError, Plan};
use crate::report::cells::Study;
use crate::report::files::Files;
use crate::report::json::document;
use crate::report::manifest::Provenance;
use crate::report::partial::Earlier;
use crate::report::shard::ShardFiles;
use crate::report::{WriteError, hdr, table, verdict};
use crate::scenario::{Loaded, SweepPoint, to_json};

/// Everything that the arguments said.
#[derive(Clone, Debug)]
pub(super) struct Job {
    pub(super) plan: Plan,
    pub(super) out: PathBuf,
    pub(super) provenance: Provenance,
    pub(super) resume: bool,
    /// Whether report.html is wanted.
    pub(super) report: bool,
    pub(super) show: Show,
}

/// What goes to standard output and standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Show {
    /// The bar, the table, the finding and the warnings.
    Everything,
    /// The bar, the comparison as JSON, the warnings.
    Json,
    /// Nothing but errors.
    Nothing,
}

impl Show {
    /// What `--json` and `--quiet` say.
    pub(super) const fn of(json: bool, quiet: bool) -> Self {
        if json {
            Self::Json
        } else if quiet {
            Self::Nothing
        } else {
            Self::Everything
        }
    }
}

impl From<ExperimentError<WriteError>> for Failure {
    fn from(error: ExperimentError<WriteError>) -> Self {
        Self::Run(error.to_string())
    }
}

impl From<WriteError> for Failure {
    fn from(error: WriteError) -> Self {
        let wrong = matches!(error, WriteError::OtherStudy { .. });
        if wrong { Self::Argument(error.to_string()) } else { Self::Run(error.to_string()) }
    }
}

/// Runs the command.
///
/// # Errors
/// Where the scenario is not legal, a node fails, or something cannot be written.
pub fn run(
    args: &CompareArgs,
    engine: &dyn Engine,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<(), Failure> {
    let job = job(args)?;
    for point in &job.plan.points {
        engine.accepts(&point.scenario).map_err(|refusal| Failure::Argument(refusal.to_string()))?;
    }
    if args.dry_run {
        return forecast::run(&job, engine, stdout);
    }
    compare(&job, engine, stdout, stderr, width())
}

/// The width of the terminal, if standard output is one.
pub(super) fn width() -> Option<u16> {
    let terminal = io::stdout().is_terminal().then(|| terminal_size::terminal_size_of(io::stdout())).flatten();
    terminal.map(|(width, _)| width.0)
}

/// How many threads can run at once.
pub(super) fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

/// What the arguments ask for, once the scenario has turned out to be legal.
fn job(args: &CompareArgs) -> Result<Job, Failure> {
    if args.varies.iter().any(|vary| vary.split('=').next().is_some_and(|key| key.trim() == "seed")) {
        return Err(Failure::Argument("--vary seed: seeds are varied by --seed and --seeds".to_owned()));
    }
    let Loaded { study, points } = cli::load(&args.scenario, &args.changes(), &args.varies)?;
    let Some(SweepPoint { scenario, .. }) = points.first() else {
        return Err(Failure::Argument("--vary: there are no values to vary".to_owned()));
    };
    if let (Some(shard), Some(until)) = (args.shard, study.until) {
        return Err(Failure::Argument(format!(
            "--shard {shard} with --until {until}: how many cells there will be is known when all others are; \
             allowed: --seeds"
        )));
    }
    // A scenario's seeds are TOML integers, which end here.
    let last = u64::try_from(i64::MAX).unwrap_or(u64::MAX);
    let end = scenario.seed.saturating_add(study.seeds.into());
    if end > last {
        let (first, seeds) = (scenario.seed, study.seeds);
        return Err(Failure::Argument(format!(
            "--seeds {seeds}: there are not so many from {first} on; the last is {last}"
        )));
    }
    Ok(Job {
        out: args.out.clone().unwrap_or_else(|| default_out(&scenario.name, args.shard)),
        resume: args.resume,
        provenance: provenance(args, &points),
        report: args.report,
        show: Show::of(args.json, args.quiet),
        plan: Plan {
            seeds: (scenario.seed..end).collect(),
            until: study.until,
            reference: study.reference,
            metrics: study.metrics,
            jobs: args.jobs.map_or_else(cores, usize::from),
            streams: args.streams,
            points,
        },
    })
}

/// `results/SCENARIO`, whatever the scenario calls itself; of a shard `results/SCENARIO-shards/I-of-N`.
fn default_out(name: &str, shard: Option<Shard>) -> PathBuf {
    let plain = hdr::plain(name);
    let hidden = plain.trim_start_matches('.');
    let name = if hidden.is_empty() { "unnamed" } else { hidden };
    match shard {
        None => Path::new("results").join(name),
        Some(shard) => {
            let shards = Path::new("results").join(format!("{name}-shards"));
            shards.join(format!("{}-of-{}", shard.number(), shard.of()))
        }
    }
}

/// The options that decide what is in the files; the number of threads and the place do not.
fn provenance(args: &CompareArgs, points: &[SweepPoint]) -> Provenance {
    let file_name = Path::new(&args.scenario).file_name().map(std::ffi::OsStr::to_string_lossy);
    let options = json!({
        "scenario": file_name,
        "strategy": args.strategies,
        "peers": args.peers,
        "seed": args.seed,
        "seeds": args.seeds,
        "until": args.until,
        "reference": args.reference,
        "metric": args.metrics,
        "set": args.values.sets,
        "vary": args.varies,
        "streams": args.streams,
    });
    let scenarios = points.iter().map(|point| to_json(&point.scenario)).collect();
    Provenance { options, scenarios, shard: args.shard }
}

/// Runs the job. `width` is that of the terminal, if `out` is one.
///
/// The place for the files is claimed before anything runs, and they are in place before anything is shown.
fn compare(
    job: &Job,
    engine: &dyn Engine,
    out: &mut dyn Write,
    err: &mut dyn Write,
    width: Option<u16>,
) -> Result<(), Failure> {
    match job.provenance.shard {
        Some(shard) => one_shard(job, shard, engine, out, err),
        None => whole(job, engine, None, out, err, width),
    }
}

/// Runs all of the job; cells come from `kept`, or else from what an interrupted run left.
pub(super) fn whole(
    job: &Job,
    engine: &dyn Engine,
    kept: Option<&dyn Kept>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    width: Option<u16>,
) -> Result<(), Failure> {
    let interrupt = Interrupt::watched().map_err(|error| Failure::Run(error.to_string()))?;
    let study = Study::of(&job.plan, None, engine.name(), &job.provenance);
    let (mut files, earlier) = Files::begin(&job.out, &study, job.resume)?;
    say_earlier(job, &earlier, err)?;
    let bar = Bar::on_stderr(job.show != Show::Nothing, interrupt);
    let result = experiment::run(&job.plan, engine, kept.unwrap_or(&earlier), &mut files, &bar);
    bar.clear();
    if matches!(result, Err(ExperimentError::Interrupted)) {
        return Err(interrupted(files.give_up()));
    }
    let comparison = result?;
    files.commit(&job.plan, &comparison, &job.provenance)?;
    let report = job.report.then(|| report::write(&job.out)).transpose()?;
    Ok(show(job, &comparison, report.as_deref(), out, err, width)?)
}

/// Runs one shard of the job. What it says is for logs: its cells say little before they are merged.
fn one_shard(
    job: &Job,
    shard: Shard,
    engine: &dyn Engine,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<(), Failure> {
    let interrupt = Interrupt::watched().map_err(|error| Failure::Run(error.to_string()))?;
    let study = Study::of(&job.plan, Some(shard), engine.name(), &job.provenance);
    let (mut files, earlier) = ShardFiles::begin(&job.out, &study, job.resume)?;
    say_earlier(job, &earlier, err)?;
    let bar = Bar::on_stderr(job.show != Show::Nothing, interrupt);
    let result = shard::run(&job.plan, shard, engine, &earlier, &mut files, &bar);
    bar.clear();
    if matches!(result, Err(ExperimentError::Interrupted)) {
        return Err(interrupted(files.give_up()));
    }
    result?;
    files.commit(&job.plan, engine.name(), &job.provenance)?;
    let (own, all) = (shard.tasks(&job.plan).len(), experiment::tasks(&job.plan).len());
    let name = job.plan.points.first().map_or("", |point| point.scenario.name.as_str());
    match job.show {
        Show::Everything => {
            writeln!(out, "{name}: shard {shard}, {own} of {all} cells, engine {}", engine.name())?;
            writeln!(out, "Files: {}", job.out.display())?;
        }
        Show::Json => {
            let shard = shard.to_string();
            let document =
                json!({ "scenario": name, "shard": shard, "cells": own, "of": all, "engine": engine.name() });
            writeln!(out, "{document:#}")?;
        }
        Show::Nothing => {}
    }
    Ok(())
}

fn interrupted((nodes, dir): (usize, PathBuf)) -> Failure {
    let cells = if nodes == 1 { "1 cell is".to_owned() } else { format!("{nodes} cells are") };
    Failure::Interrupted(match nodes {
        0 => "no cell was finished, and nothing is left".to_owned(),
        _ => {
            format!("{cells} finished and kept in {}; the same command with --resume goes on from there", dir.display())
        }
    })
}

/// What became of the cells that an earlier run left.
fn say_earlier(job: &Job, earlier: &Earlier, err: &mut dyn Write) -> io::Result<()> {
    if job.show == Show::Nothing {
        return Ok(());
    }
    let (found, damaged) = earlier.found();
    if found + damaged > 0 {
        let again = if damaged > 0 { format!("; {damaged} damaged, computed again") } else { String::new() };
        writeln!(err, "resumed: {found} cells are finished{again}")?;
    }
    if earlier.discarded > 0 {
        let discarded = earlier.discarded;
        writeln!(
            err,
            "warning: {discarded} finished cells of an interrupted run were there and are not used: without --resume a run begins anew"
        )?;
    }
    Ok(())
}

fn show(
    job: &Job,
    comparison: &Comparison,
    report: Option<&Path>,
    out: &mut dyn Write,
    err: &mut dyn Write,
    width: Option<u16>,
) -> io::Result<()> {
    let finding = verdict::finding(comparison);
    let warnings: Vec<String> = Warning::of(comparison).iter().map(ToString::to_string).collect();
    match job.show {
        Show::Everything => {
            writeln!(out, "{}\n", heading(job, comparison))?;
            writeln!(out, "{}", table::render(comparison, width))?;
            for sentence in &finding {
                writeln!(out, "{}", wrapped(sentence, width))?;
            }
            writeln!(out, "\nFiles: {}", job.out.display())?;
            if let Some(report) = report {
                writeln!(out, "Report: {}", report.display())?;
            }
        }
        Show::Json => writeln!(out, "{:#}", document(comparison, &finding, &warnings))?,
        Show::Nothing => {}
    }
    out.flush()?;
    if job.show != Show::Nothing {
        for warning in &warnings {
            writeln!(err, "warning: {}", wrapped(warning, width))?;
        }
    }
    Ok(())
}

/// What was run, in one line.
fn heading(job: &Job, comparison: &Comparison) -> String {
    let points = job.plan.points.len();
    let scenario = job.plan.points.first().map(|point| &point.scenario);
    let (name, peers) = scenario.map_or(("", 0), |s| (s.name.as_str(), s.peers));
    let seeds = match comparison.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds", seeds.len()),
    };
    let sweep = if points > 1 { format!(", {points} sweep points") } else { String::new() };
    format!("{name}: {peers} peers, {seeds}{sweep}, engine {}", comparison.engine)
}

/// Breaks between words, where there is a width.
pub(super) fn wrapped(text: &str, width: Option<u16>) -> String {
    let Some(width) = width else { return text.to_owned() };
    let mut lines = String::new();
    let mut column = 0;
    for word in text.split(' ') {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > usize::from(width) {
            lines.push('\n');
            column = 0;
        } else if column > 0 {
            lines.push(' ');
            column += 1;
        }
        lines.push_str(word);
        column += length;
    }
    lines
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;
    use serde_json::Value;

    use super::*;
    use crate::cli::args::{Cli, Command};
    use crate::experiment::testing::MadeUp;

    fn args(out: &Path, options: &[&str]) -> CompareArgs {
        let fixed = ["farewell", "compare", "kernel-teardown", "--peers=100", "--out"];
        let arguments =
            fixed.iter().map(AsRef::as_ref).chain([out.as_os_str()]).chain(options.iter().map(AsRef::as_ref));
        let Command::Compare(args) = Cli::try_parse_from(arguments).unwrap().command else { panic!("not compare") };
        args
    }

    fn shown(options: &[&str]) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let job = job(&args(dir.path(), options)).unwrap();
        compare(&job, &MadeUp::default(), &mut out, &mut err, None).unwrap();
        assert!(dir.path().join("summary.csv").exists());
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    fn refusal(options: &[&str]) -> (u8, String) {
        let failure = job(&args(Path::new("nowhere"), options)).unwrap_err();
        (failure.status(), failure.to_string())
    }

    #[test]
    fn a_run_shows_what_was_run_a_table_the_finding_and_where_the_files_are() {
        let (out, err) = shown(&["--strategy=handshake", "--strategy=timeout-error", "--seed=7"]);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "kernel-teardown: 100 peers, seed 7, engine made-up");
        assert!(lines[2].starts_with("strategy") && lines[5].starts_with("handshake"), "{out}");
        assert!(lines[8].starts_with("handshake lost none of 500 stanzas; "), "{out}");
        assert!(lines.last().unwrap().starts_with("Files: "), "{out}");
        assert_eq!(err, "");
    }

    #[test]
    fn quiet_shows_nothing_and_json_only_json() {
        assert_eq!(shown(&["--quiet"]), (String::new(), String::new()));
        let (out, err) = shown(&["--json"]);
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["scenario"], "kernel-teardown");
        assert_eq!(err, "");
    }

    #[test]
    fn the_manifest_has_the_options_that_decide_and_no_others() {
        let manifest = |options: &[&str]| {
            let dir = tempfile::tempdir().unwrap();
            let job = job(&args(dir.path(), options)).unwrap();
            compare(&job, &MadeUp::default(), &mut io::sink(), &mut io::sink(), None).unwrap();
            std::fs::read_to_string(dir.path().join("manifest.json")).unwrap()
        };
        let one = manifest(&["--seeds=3", "--jobs=1"]);
        assert_eq!(one, manifest(&["--seeds=3", "--jobs=2", "--json"]));
        let read: Value = serde_json::from_str(&one).unwrap();
        assert_eq!(read["seeds"], json!([1, 2, 3]));
        assert_eq!(read["options"]["peers"], "100");
        assert_eq!(read["points"][0]["scenario"]["peers"], 100);
        let other: Value = serde_json::from_str(&manifest(&["--seed=9"])).unwrap();
        assert_eq!(other["scenario_sha256"], read["scenario_sha256"], "other seeds, the same scenario");
        assert_ne!(other["files"], read["files"]);
    }

    #[test]
    fn seeds_that_do_not_exist_and_varied_seeds_are_bad_arguments() {
        assert_eq!(
            refusal(&["--vary=seed=1,2"]),
            (2, "error: --vary seed: seeds are varied by --seed and --seeds".to_owned())
        );
        let (status, text) = refusal(&["--seed=9223372036854775806", "--seeds=3"]);
        assert!(status == 2 && text.ends_with("the last is 9223372036854775807"), "{text}");
    }

    #[test]
    fn results_go_to_a_directory_of_the_scenarios_name_wherever_that_points() {
        let of = |name: &str| default_out(name, None).display().to_string();
        assert_eq!(of("idle-c2s"), "results/idle-c2s");
        assert_eq!(of("../../etc"), "results/%2F..%2Fetc");
        assert_eq!(of(".."), "results/unnamed");
    }

    /// Takes nothing.
    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_behind_standard_output_is_a_failure() {
        let dir = tempfile::tempdir().unwrap();
        let job = job(&args(dir.path(), &[])).unwrap();
        let failure = compare(&job, &MadeUp::default(), &mut Full, &mut io::sink(), None).unwrap_err();
        assert_eq!(failure.status(), 1);
        assert!(failure.to_string().starts_with("error: cannot write to standard output: "), "{failure}");
    }

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(wrapped("one two three", Some(8)), "one two\nthree");
        assert_eq!(wrapped("one two three", None), "one two three");
        assert_eq!(wrapped("incomprehensible", Some(5)), "incomprehensible");
    }
}
