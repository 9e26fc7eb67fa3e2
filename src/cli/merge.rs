//! `farewell merge`: shards, or studies with different seeds, become the files of one run.

use std::io::Write;
use std::path::Path;

use clap::ValueEnum as _;

use crate::cli::args::{EngineName, MergeArgs};
use crate::cli::compare::{self, Job, Show};
use crate::cli::{Failure, engine};
use crate::engine::{Engine, NodeRun, Progress, RunError, Trace};
use crate::id::StreamId;
use crate::ledger::record::NodeLedger;
use crate::report::manifest::Provenance;
use crate::report::merge::{MergeError, Union};
use crate::scenario::{Scenario, to_json};

impl From<MergeError> for Failure {
    fn from(error: MergeError) -> Self {
        Self::Argument(error.to_string())
    }
}

/// Runs the command.
///
/// # Errors
/// Where the directories are not one study, or something cannot be written.
pub(super) fn run(args: &MergeArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<(), Failure> {
    if let Some(dir) = args.dirs.iter().find(|dir| same_place(dir, &args.out)) {
        let dir = dir.display();
        return Err(Failure::Argument(format!("--out {dir}: it is to be merged itself; allowed: another directory")));
    }
    let union = Union::open(&args.dirs)?;
    let study = union.study();
    let Ok(name) = EngineName::from_str(&study.engine, false) else {
        return Err(Failure::Argument(format!("the cells are of an engine that is not known here: {}", study.engine)));
    };
    let scenarios = study.points.iter().map(|point| to_json(&point.scenario)).collect();
    let job = Job {
        plan: study.plan(compare::cores()),
        out: args.out.clone(),
        provenance: Provenance { options: study.options(), scenarios, shard: None },
        resume: false,
        report: false,
        show: Show::of(args.json, args.quiet),
    };
    compare::whole(&job, &Recorded(engine(name)), Some(&union), stdout, stderr, compare::width())
}

fn same_place(a: &Path, b: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    real(a) == real(b)
}

/// An engine whose runs are all on disk: what is asked of it is not there any more.
struct Recorded(&'static dyn Engine);

impl Engine for Recorded {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn accepts(&self, scenario: &Scenario) -> Result<(), RunError> {
        self.0.accepts(scenario)
    }

    fn run(&self, _: &NodeRun<'_>, _: &dyn Progress) -> Result<NodeLedger, RunError> {
        Err(RunError::Failed("it was changed while it was merged".to_owned()))
    }

    fn trace(&self, _: &NodeRun<'_>, _: StreamId) -> Result<(NodeLedger, Trace), RunError> {
        Err(RunError::Failed("cells have no packets".to_owned()))
    }
}
