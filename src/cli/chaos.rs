//! `farewell chaos`: random scenarios with random chaos, until something breaks.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use indicatif::{HumanCount, ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::Failure;
use crate::cli::args::ChaosArgs;
use crate::cli::compare::cores;
use crate::cli::interrupt::Interrupt;
use crate::report::{Output, table};
use crate::scenario::SourceText;
use crate::soak::{self, Coverage, Finding, Kind, Replayed, Soak};

/// Runs where neither their number nor their time is given.
const RUNS: u64 = 1_000;

/// Runs of each thread between two looks at the clock.
const AT_ONCE: u64 = 256;

/// Where no bar can be drawn, a line is written so often.
const LINE_EVERY: Duration = Duration::from_secs(60);

/// The file of counts.
const COVERAGE: &str = "coverage.csv";

/// Runs the command.
///
/// # Errors
/// Where a promise was broken, or what was found cannot be written.
pub(super) fn run(args: &ChaosArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<(), Failure> {
    #[cfg(feature = "defects")]
    inject(args)?;
    // A panic of a run is a finding, and is told as one.
    let told = Arc::new(std::panic::take_hook());
    let also_told = Arc::clone(&told);
    std::panic::set_hook(Box::new(move |panic| {
        if !soak::is_guarded() {
            also_told(panic);
        }
    }));
    let result = match &args.replay {
        Some(file) => replay(file, stdout),
        None => soak(args, stdout, stderr),
    };
    std::panic::set_hook(Box::new(move |panic| told(panic)));
    result
}

/// From here on the program is defective.
#[cfg(feature = "defects")]
fn inject(args: &ChaosArgs) -> Result<(), Failure> {
    use crate::defect::{Defect, choose};

    let Some(name) = &args.defect else { return Ok(()) };
    let allowed = || Defect::ALL.map(Defect::name).join(", ");
    let found = Defect::ALL.into_iter().find(|defect| defect.name() == name);
    let defect = found.ok_or_else(|| Failure::Argument(format!("--defect: found {name:?}; allowed: {}", allowed())))?;
    choose(defect);
    Ok(())
}

fn replay(file: &str, stdout: &mut dyn Write) -> Result<(), Failure> {
    match soak::replay(&SourceText::find(file)?)? {
        Replayed::Holds => Ok(writeln!(stdout, "{file}: every promise holds, under both engines and twice")?),
        Replayed::Breaks(broken) => Err(Failure::Run(format!("{file} breaks {broken}"))),
        Replayed::GivenUp => {
            Err(Failure::Run(format!("{file} is longer than is looked at: fewer peers, or less time")))
        }
    }
}

fn soak(args: &ChaosArgs, stdout: &mut dyn Write, stderr: &mut dyn Write) -> Result<(), Failure> {
    let interrupt = Interrupt::watched().map_err(|error| Failure::Run(error.to_string()))?;
    let jobs = args.jobs.map_or_else(cores, usize::from);
    let mut soak = Soak::new(args.seed, args.from, jobs).map_err(|error| Failure::Run(error.to_string()))?;
    let mut output = Output::begin(&args.out)?;
    let limit = Limit::of(args);
    let bar = bar(&limit, args.quiet);
    let mut found = false;
    let mut next_line = LINE_EVERY;
    while !(interrupt.asked() || found && args.first) {
        let left = limit.left(&soak, bar.elapsed());
        if left == 0 {
            break;
        }
        for finding in soak.advance(left.min(AT_ONCE * jobs as u64)) {
            found = true;
            let name = file_name(&finding);
            output.write(&name, told(&finding, &args.out.join(&name)).as_bytes())?;
            bar.suspend(|| {
                let (run, seed, broken) = (finding.run, finding.seed, &finding.broken);
                writeln!(stderr, "broken: seed {seed}, run {run}: {broken}; {}", args.out.join(&name).display())
            })?;
        }
        bar.set_position(limit.position(&soak, bar.elapsed()));
        let so_far = progress(&soak, bar.elapsed());
        if bar.is_hidden() && !args.quiet && bar.elapsed() >= next_line {
            next_line = bar.elapsed() + LINE_EVERY;
            writeln!(stderr, "{so_far}")?;
        }
        bar.set_message(so_far);
    }
    let elapsed = bar.elapsed();
    bar.finish_and_clear();
    output.write(COVERAGE, csv(soak.coverage()).as_bytes())?;
    output.add()?;
    if !args.quiet {
        writeln!(stderr, "{}", progress(&soak, elapsed))?;
    }
    say(args, &soak, stdout)?;
    let (runs, broken, dir) = (soak.runs(), soak.broken(), args.out.display());
    if broken > 0 {
        let most = soak::TOLD_OF_EACH;
        let which = if broken > most { format!(" (of each promise the first {most})") } else { String::new() };
        return Err(Failure::Run(format!(
            "{broken} of {runs} runs broke a promise; their scenarios are in {dir}{which}"
        )));
    }
    if interrupt.asked() {
        return Err(Failure::Interrupted(format!("after {runs} runs, none of which broke a promise")));
    }
    Ok(())
}

/// When a soak is over.
struct Limit {
    runs: Option<u64>,
    time: Option<Duration>,
}

impl Limit {
    fn of(args: &ChaosArgs) -> Self {
        let time = args.minutes.map(|minutes| Duration::from_secs_f64(minutes * 60.0));
        Self { runs: args.runs.or(if time.is_none() { Some(RUNS) } else { None }), time }
    }

    /// Runs that may still be begun.
    fn left(&self, soak: &Soak, elapsed: Duration) -> u64 {
        if self.time.is_some_and(|time| elapsed >= time) {
            return 0;
        }
        self.runs.map_or(u64::MAX, |runs| runs.saturating_sub(soak.runs()))
    }

    /// Where the bar stands: in runs, or else in seconds.
    fn position(&self, soak: &Soak, elapsed: Duration) -> u64 {
        if self.runs.is_some() { soak.runs() } else { elapsed.as_secs() }
    }
}

fn bar(limit: &Limit, quiet: bool) -> ProgressBar {
    let target = if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
    let length = limit.runs.unwrap_or_else(|| limit.time.map_or(0, |time| time.as_secs()));
    let bar = ProgressBar::with_draw_target(Some(length), target);
    if let Ok(style) = ProgressStyle::with_template("{bar:24} {percent:>3} %  {msg}") {
        bar.set_style(style.progress_chars("=> "));
    }
    bar
}

fn progress(soak: &Soak, elapsed: Duration) -> String {
    let (runs, seconds) = (soak.runs(), elapsed.as_secs_f64());
    #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
    let rate = runs as f64 / seconds.max(0.001);
    format!("{} runs in {seconds:.0} s, {rate:.0} runs a second, {} broken", HumanCount(runs), soak.broken())
}

fn file_name(finding: &Finding) -> String {
    format!("{}-seed-{}-run-{}.toml", finding.broken.promise.name(), finding.seed, finding.run)
}

/// A broken scenario as a file: what broke, how to see it again, and the scenario.
fn told(finding: &Finding, path: &Path) -> String {
    let Finding { seed, run, broken, scenario, shrunk } = finding;
    let small = if *shrunk { "The smallest scenario found that breaks it" } else { "The scenario" };
    let what = broken.to_string().replace('\n', "\n# ");
    format!(
        "# Broken promise {what}\n# {small}; run {run} of farewell chaos --seed {seed} (--from {run} --runs 1). Again:\n\
         #   farewell chaos --replay {}\n{scenario}",
        path.display()
    )
}

/// The counts as CSV.
fn csv(coverage: &Coverage) -> String {
    let mut text = "kind,name,count\n".to_owned();
    for (kind, name, count) in coverage.rows() {
        // No name holds a comma, a quote or a line feed.
        writeln!(text, "{},{name},{count}", kind.name()).unwrap_or(());
    }
    text
}

/// What was reached, and what was not.
fn say(args: &ChaosArgs, soak: &Soak, out: &mut dyn Write) -> io::Result<()> {
    let coverage = soak.coverage();
    let amount = |what: &str| HumanCount(coverage.amount(what));
    let until = if args.minutes.is_some() { ", as many as this machine did in the time given" } else { "" };
    writeln!(out, "{} runs of seed {}{until}; {} broken", HumanCount(soak.runs()), args.seed, soak.broken())?;
    writeln!(
        out,
        "{} streams, {} stanzas, {} packets and deadlines; {} runs of a node under a strategy, {} of them under both engines, {} twice",
        amount("streams"),
        amount("stanzas"),
        amount("packets and deadlines"),
        amount("runs of a node under a strategy"),
        amount("under both engines"),
        amount("twice"),
    )?;
    if coverage.amount(soak::GIVEN_UP) > 0 {
        writeln!(out, "{} runs were longer than it pays to look at, and given up", amount(soak::GIVEN_UP))?;
    }
    let shown = [
        Kind::Outcome,
        Kind::Place,
        Kind::ServerState,
        Kind::ClientState,
        Kind::Timer,
        Kind::Chaos,
        Kind::Closer,
        Kind::Responder,
    ];
    for kind in shown {
        let rows = coverage.rows().filter(|(of, ..)| *of == kind);
        let all: Vec<String> = rows.map(|(_, name, count)| format!("{name} {}", HumanCount(count))).collect();
        writeln!(out, "\n{}:\n{}", kind.name(), table::wrapped(&all.join(", "), WIDTH))?;
    }
    writeln!(out)?;
    for kind in Kind::ALL.into_iter().filter(|kind| *kind != Kind::Amount) {
        let (reached, of) = coverage.reached(kind);
        let missing = coverage.missing(kind).join(", ");
        let missing = if missing.is_empty() { String::new() } else { format!("; never: {missing}") };
        writeln!(out, "{}", table::wrapped(&format!("{}: {reached} of {of} reached{missing}", kind.name()), WIDTH))?;
    }
    writeln!(out, "\nFiles: {}", args.out.display())
}

/// Columns of text that is wrapped.
const WIDTH: usize = 118;
