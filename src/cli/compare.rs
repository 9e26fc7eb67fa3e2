//! `farewell compare`: the main job, from a plan to files, a table and a finding.

use std::io::{self, Write};
use std::path::PathBuf;

use crate::cli::message::Warning;
use crate::cli::progress::Bar;
use crate::engine::Engine;
use crate::experiment::comparison::Comparison;
use crate::experiment::{self, ExperimentError, Plan};
use crate::report::files::Files;
use crate::report::manifest::Provenance;
use crate::report::{WriteError, json, table, verdict};

/// Everything that the arguments said.
#[derive(Clone, Debug)]
pub struct Job {
    /// What to run.
    pub plan: Plan,
    /// Where the files go.
    pub out: PathBuf,
    /// What the manifest says of it.
    pub provenance: Provenance,
    /// What to show.
    pub show: Show,
}

/// What goes to standard output and standard error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Show {
    /// The bar, the table, the finding and the warnings.
    Everything,
    /// The bar, the comparison as JSON, the warnings.
    Json,
    /// The comparison as JSON, nothing else.
    JsonOnly,
    /// Nothing but errors.
    Nothing,
}

impl Show {
    /// What `--json` and `--quiet` ask for.
    pub const fn new(json: bool, quiet: bool) -> Self {
        match (json, quiet) {
            (false, false) => Self::Everything,
            (true, false) => Self::Json,
            (true, true) => Self::JsonOnly,
            (false, true) => Self::Nothing,
        }
    }

    const fn is_quiet(self) -> bool {
        matches!(self, Self::JsonOnly | Self::Nothing)
    }
}

/// Why the job was not done: exit status 1.
#[derive(Debug, thiserror::Error)]
pub enum CompareError {
    /// A node failed, or a file could not be written while it ran.
    #[error(transparent)]
    Run(#[from] ExperimentError<WriteError>),
    /// A file could not be written before or after.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The comparison could not be shown; the files are in place.
    #[error("cannot write to standard output: {0}")]
    Show(#[from] io::Error),
}

/// Runs the job. `width` is that of the terminal, if `out` is one.
///
/// The place for the files is claimed before anything runs, and they are in place before anything is shown.
///
/// # Errors
/// Where a node fails or something cannot be written; then no file is left behind.
pub fn run(
    job: &Job,
    engine: &dyn Engine,
    out: &mut dyn Write,
    err: &mut dyn Write,
    width: Option<u16>,
) -> Result<(), CompareError> {
    let mut files = Files::begin(&job.out, &job.plan)?;
    let bar = Bar::on_stderr(!job.show.is_quiet());
    let result = experiment::run(&job.plan, engine, &mut files, &bar);
    bar.clear();
    let comparison = result?;
    files.commit(&job.plan, engine.name(), &job.provenance)?;
    match show(job, &comparison, out, err, width) {
        // Who has read enough (`| head`) has not met an error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        shown => Ok(shown?),
    }
}

fn show(
    job: &Job,
    comparison: &Comparison,
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
        }
        Show::Json | Show::JsonOnly => writeln!(out, "{:#}", json::document(comparison, &finding, &warnings))?,
        Show::Nothing => {}
    }
    out.flush()?;
    if !job.show.is_quiet() {
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
fn wrapped(text: &str, width: Option<u16>) -> String {
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
    use serde_json::{Value, json};

    use super::*;
    use crate::experiment::testing::{MadeUp, point, scenario};

    fn job(out: &std::path::Path, show: Show) -> Job {
        let points = vec![point(scenario(&["handshake", "timeout-error"], 100, 2))];
        let plan = Plan { points, seeds: vec![1], jobs: 1, streams: false };
        let provenance = Provenance { options: json!({}), scenarios: vec![json!({ "name": "made-up" })] };
        Job { plan, out: out.to_owned(), provenance, show }
    }

    fn shown(show: Show) -> (String, String) {
        let dir = tempfile::tempdir().unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        run(&job(dir.path(), show), &MadeUp::default(), &mut out, &mut err, None).unwrap();
        assert!(dir.path().join("summary.csv").exists());
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn a_run_shows_what_was_run_a_table_the_finding_and_where_the_files_are() {
        let (out, err) = shown(Show::Everything);
        let lines: Vec<&str> = out.lines().collect();
        assert_eq!(lines[0], "made-up: 100 peers, seed 1, engine made-up");
        assert!(lines[2].starts_with("strategy") && lines[5].starts_with("handshake"), "{out}");
        assert!(lines[8].starts_with("handshake lost none of 500 stanzas; "), "{out}");
        assert!(lines.last().unwrap().starts_with("Files: "), "{out}");
        assert_eq!(err, "");
    }

    #[test]
    fn quiet_shows_nothing_and_json_only_json() {
        assert_eq!(shown(Show::new(false, true)), (String::new(), String::new()));
        let (out, err) = shown(Show::new(true, true));
        assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["scenario"], "made-up");
        assert_eq!(err, "");
    }

    /// Takes nothing.
    struct Full(io::ErrorKind);

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_has_read_enough_is_no_error_and_a_full_disk_is_one() {
        let dir = tempfile::tempdir().unwrap();
        let run =
            |kind| run(&job(dir.path(), Show::Everything), &MadeUp::default(), &mut Full(kind), &mut io::sink(), None);
        run(io::ErrorKind::BrokenPipe).unwrap();
        let error = run(io::ErrorKind::StorageFull).unwrap_err().to_string();
        assert!(error.starts_with("cannot write to standard output: "), "{error}");
    }

    #[test]
    fn sentences_break_between_words() {
        assert_eq!(wrapped("one two three", Some(8)), "one two\nthree");
        assert_eq!(wrapped("one two three", None), "one two three");
        assert_eq!(wrapped("incomprehensible", Some(5)), "incomprehensible");
    }
}
