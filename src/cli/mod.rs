//! The command line: arguments in, text and an exit status out. The only part that knows a terminal.

pub mod args;
mod chaos;
mod check;
pub mod compare;
mod forecast;
pub mod interrupt;
mod list;
mod merge;
pub mod message;
mod plan;
pub mod progress;
mod report;
mod schema;
#[cfg(test)]
mod tests;
mod trace;
mod tune;

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::args::{Cli, Command, CompareArgs, EngineName, TraceArgs, TuneArgs};
use crate::engine::{Engine, Event, Turmoil};
use crate::scenario::{self, Change, Loaded, ScenarioErrors, SourceText};

/// Exit status of a run that failed: an invariant broke, or a file could not be written.
pub const FAILED: u8 = 1;

/// Exit status of bad arguments or a bad scenario.
pub const BAD_INPUT: u8 = 2;

/// Why a command ends early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The scenario is not legal.
    #[error("{0}")]
    Scenario(#[from] ScenarioErrors),
    /// Standard output could not be written.
    #[error("error: cannot write to standard output: {0}")]
    Output(#[from] io::Error),
    /// The command cannot do what the arguments ask for.
    #[error("error: {0}")]
    Argument(String),
    /// The run failed.
    #[error("error: {0}")]
    Run(String),
    /// The run was interrupted.
    #[error("interrupted: {0}")]
    Interrupted(String),
}

impl Failure {
    /// The exit status that says so.
    pub fn status(&self) -> u8 {
        match self {
            Self::Scenario(_) | Self::Argument(_) => BAD_INPUT,
            Self::Output(_) | Self::Run(_) => FAILED,
            Self::Interrupted(_) => interrupt::STATUS,
        }
    }
}

/// Runs a command line, the program's name first. What it has to say goes to `stdout` and `stderr`.
pub fn run<I, A>(arguments: I, stdout: &mut dyn Write, stderr: &mut dyn Write) -> ExitCode
where
    I: IntoIterator<Item = A>,
    A: Into<OsString> + Clone,
{
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => return explain(&error, stdout, stderr),
    };
    let done = match cli.command {
        Command::Check(args) => check::run(&args, stdout),
        Command::List(args) => list::run(&args, stdout),
        Command::Schema => schema::run(stdout),
        Command::Compare(args) => compare::run(&args, engine(args.engine), stdout, stderr),
        Command::Chaos(args) => chaos::run(&args, stdout, stderr),
        Command::Merge(args) => merge::run(&args, stdout, stderr),
        Command::Report(args) => report::run(&args, stdout),
        Command::Plan(args) => plan::run(&args, engine(args.engine), stdout),
        Command::Tune(args) => tune::run(&args, engine(args.engine), stdout, stderr),
        Command::Trace(args) => trace::run(&args, engine(args.engine), stdout),
    };
    match done.and_then(|()| Ok(stdout.flush()?)) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads our output has had enough: nothing is wrong.
        Err(Failure::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(failure) => {
            // If standard error is gone too, only the status is left to tell.
            writeln!(stderr, "{failure}").ok();
            ExitCode::from(failure.status())
        }
    }
}

const fn engine(name: EngineName) -> &'static dyn Engine {
    match name {
        EngineName::Turmoil => &Turmoil,
        EngineName::Event => &Event,
    }
}

/// Help and version go to standard output with status 0, everything else is a mistake in the arguments.
fn explain(error: &clap::Error, stdout: &mut dyn Write, stderr: &mut dyn Write) -> ExitCode {
    let text = error.render();
    if error.use_stderr() {
        write!(stderr, "{text}").ok();
        return ExitCode::from(BAD_INPUT);
    }
    match write!(stdout, "{text}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            writeln!(stderr, "{}", Failure::Output(error)).ok();
            ExitCode::from(FAILED)
        }
        _ => ExitCode::SUCCESS,
    }
}

/// Finds a scenario and puts the values of the command line into it.
///
/// # Errors
///
/// There is no such scenario, or it is not legal.
pub fn load(scenario: &str, changes: &[Change], varies: &[String]) -> Result<Loaded, Failure> {
    Ok(scenario::load_study(&SourceText::find(scenario)?, changes, varies)?)
}

/// The changes of some `--set` options.
fn sets(sets: &[String]) -> Vec<Change> {
    sets.iter().cloned().map(Change::Set).collect()
}

impl CompareArgs {
    /// What the options change in the scenario; those with names of their own win over `--set`.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = sets(&self.values.sets);
        let seeds = self.seeds.map(|seeds| seeds.to_string());
        for (option, key, value) in [
            ("--peers", "peers", &self.peers),
            ("--seed", "seed", &self.seed),
            ("--seeds", "study.seeds", &seeds),
            ("--until", "study.until", &self.until),
            ("--reference", "study.reference", &self.reference),
        ] {
            changes.extend(value.clone().map(|value| Change::Option { option, key, value }));
        }
        if !self.strategies.is_empty() {
            changes.push(Change::strategies(self.strategies.clone()));
        }
        if !self.metrics.is_empty() {
            changes.push(Change::List { option: "--metric", key: "study.metrics", values: self.metrics.clone() });
        }
        changes
    }
}

impl TuneArgs {
    /// What the options change in the scenario; those with names of their own win over `--set`.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = sets(&self.values.sets);
        for (option, key, value) in [("--peers", "peers", &self.peers), ("--seed", "seed", &self.seed)] {
            changes.extend(value.clone().map(|value| Change::Option { option, key, value }));
        }
        if !self.strategies.is_empty() {
            changes.push(Change::strategies(self.strategies.clone()));
        }
        changes
    }
}

impl TraceArgs {
    /// What the options change in the scenario; `--seed` and `--strategy` win over `--set`.
    pub fn changes(&self) -> Vec<Change> {
        let mut changes = sets(&self.values.sets);
        changes.extend(self.seed.clone().map(|value| Change::Option { option: "--seed", key: "seed", value }));
        changes.extend(self.strategy.clone().map(|name| Change::strategies(vec![name])));
        changes
    }
}
