//! `farewell report`: one page from the files of a result directory, its worst streams run again.

use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use crate::cli::args::ReportArgs;
use crate::cli::{Failure, trace};
use crate::engine::{Engine, Event};
use crate::id::StreamId;
use crate::report::html::{self, Life};
use crate::report::publish;
use crate::report::reading::{ReadError, Stream, Study};
use crate::scenario;

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Self {
        Self::Argument(error.to_string())
    }
}

/// Runs the command.
///
/// # Errors
/// Where the directory is not what a run wrote, or the page cannot be written.
pub(super) fn run(args: &ReportArgs, stdout: &mut dyn Write) -> Result<(), Failure> {
    let path = write(&args.dir)?;
    Ok(writeln!(stdout, "Report: {}", path.display())?)
}

/// Reads `dir`, writes the page into it and says where it is.
///
/// # Errors
/// As [`run`].
pub(super) fn write(dir: &Path) -> Result<PathBuf, Failure> {
    let study = Study::read(dir)?;
    let lives: Vec<Life> = study.worst.iter().map(|stream| life(&study, stream)).collect();
    Ok(publish::publish(dir, &html::render(&study, &lives))?)
}

/// Runs a stream again. The event engine does, as it is the faster one and both give the same.
fn life(study: &Study, stream: &Stream) -> Life {
    let version = env!("CARGO_PKG_VERSION");
    if study.version != version {
        let text = format!(
            "the files were made by farewell {}, this is {version}, which may simulate otherwise.",
            study.version
        );
        return Life::Untold(text);
    }
    // The manifest is as anyone may have left it: what breaks the simulator in there must not break the report.
    let again = catch_unwind(AssertUnwindSafe(|| again(study, stream)));
    match again.unwrap_or_else(|_| Err("the simulator broke on the manifest's scenario.".to_owned())) {
        Ok(events) => Life::Traced(events),
        Err(why) => Life::Untold(why),
    }
}

fn again(study: &Study, stream: &Stream) -> Result<Vec<crate::ledger::trace::TraceEvent>, String> {
    let scenario = scenario::from_json(&study.points[stream.point].scenario, stream.seed)?;
    if scenario.nodes == 0 || stream.number >= scenario.most_streams() {
        return Err(format!("the scenario has no stream {}.", stream.number));
    }
    Event.accepts(&scenario).map_err(|error| error.to_string())?;
    let number = StreamId(stream.number);
    let seen = trace::observe(&scenario, stream.strategy, number, &Event).map_err(|error| error.to_string())?;
    let lost = u64::from(seen.record.to_closer.lost) + u64::from(seen.record.to_peer.lost);
    if lost == stream.lost {
        Ok(seen.events(scenario.by))
    } else {
        Err(format!("run again, it lost {lost}: the files are not what this program computes."))
    }
}
