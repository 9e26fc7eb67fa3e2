//! `farewell tune`: the value of a parameter that keeps a budget, with the frontier on which it lies.

use std::convert::Infallible;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::TuneArgs;
use crate::cli::compare::{Show, cores, wrapped};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Bar;
use crate::cli::{self, Failure};
use crate::engine::Engine;
use crate::experiment::comparison::PointResult;
use crate::experiment::kept::{Nothing, Task};
use crate::experiment::search::Wanted;
use crate::experiment::tune::{Budget, Probe, Tuned, tune};
use crate::experiment::{self, ExperimentError, Group, NodeSink, Plan, Pooled, Sink};
use crate::report::frontier::{Frontier, in_words};
use crate::report::manifest::Provenance;
use crate::report::{Output, hdr};
use crate::scenario::measure::{Measure, Unit};
use crate::scenario::span::Span;
use crate::scenario::{Change, SourceText, SweepPoint, load_changed, to_json};

/// What is searched.
struct Search<'a> {
    args: &'a TuneArgs,
    source: SourceText,
    changes: Vec<Change>,
    key: &'a str,
    span: Span,
    wanted: Wanted,
    budgets: Vec<Budget>,
}

/// Runs the command.
///
/// # Errors
/// Where the scenario, the parameter or a budget is not legal, a node fails, or something cannot be written.
pub(super) fn run(
    args: &TuneArgs,
    engine: &dyn Engine,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> Result<(), Failure> {
    let search = Search::of(args)?;
    let grid = search.span.grid(args.points);
    let points = search.points(&grid)?;
    for point in &points {
        engine.accepts(&point.scenario).map_err(|refusal| Failure::Argument(refusal.to_string()))?;
    }
    let plan = search.plan(points);
    let Some(scenario) = plan.points.first().map(|point| point.scenario.clone()) else { return Ok(()) };
    let out = args.out.clone().unwrap_or_else(|| default_out(&scenario.name));
    let output = Output::begin(&out)?;
    let interrupt = Interrupt::watched().map_err(|error| Failure::Run(error.to_string()))?;
    let show = Show::of(args.json, args.quiet);
    let bar = Bar::on_stderr(show != Show::Nothing, interrupt);
    let tuned = search.search(&plan, &grid, engine, &bar);
    bar.clear();
    let tuned = tuned?;
    let frontier = Frontier {
        parameter: search.key,
        span: search.span,
        wanted: search.wanted,
        budgets: &search.budgets,
        tuned: &tuned,
    };
    frontier.write(output, &plan, engine.name(), &search.provenance(&plan))?;
    let width = cli::compare::width();
    match show {
        Show::Everything => {
            let within: Vec<String> = search.budgets.iter().map(in_words).collect();
            writeln!(
                stdout,
                "{}: {} for {}; {} peers, {} seeds, engine {}\n",
                scenario.name,
                search.key,
                within.join(" and "),
                scenario.peers,
                plan.seeds.len(),
                engine.name()
            )?;
            writeln!(stdout, "{}", frontier.table())?;
            for sentence in frontier.sentences() {
                writeln!(stdout, "{}", wrapped(&sentence, width))?;
            }
            writeln!(stdout, "\nFiles: {}", out.display())?;
        }
        Show::Json => writeln!(stdout, "{:#}", frontier.document(engine.name(), &scenario.name, &plan.seeds))?,
        Show::Nothing => {}
    }
    let uneven = tuned.iter().find(|tuned| tuned.uneven).filter(|_| show != Show::Nothing);
    if let Some(tuned) = uneven {
        let text = format!(
            "warning: {} keeps the budget at some values and breaks it again beyond them: {} is not all that decides; more \
             `--seeds` or `--points` say whether that is chance",
            tuned.strategy, search.key
        );
        writeln!(stderr, "{}", wrapped(&text, width))?;
    }
    Ok(())
}

/// `results/SCENARIO-tune`.
fn default_out(name: &str) -> PathBuf {
    let plain = hdr::plain(name);
    Path::new("results").join(format!("{}-tune", plain.trim_start_matches('.')))
}

impl<'a> Search<'a> {
    fn of(args: &'a TuneArgs) -> Result<Self, Failure> {
        let wrong = |message: String| Failure::Argument(format!("--parameter {}: {message}", args.parameter));
        let Some((key, range)) = args.parameter.split_once('=') else {
            return Err(wrong("a parameter is written as KEY=LOW..HIGH, as in closing.timeout=1s..60s".to_owned()));
        };
        let budgets: Vec<Budget> = args.budgets.iter().map(|text| budget(text)).collect::<Result<_, _>>()?;
        Ok(Self {
            args,
            source: SourceText::find(&args.scenario)?,
            changes: args.changes(),
            key: key.trim(),
            span: Span::parse(range).map_err(wrong)?,
            wanted: if args.largest { Wanted::Largest } else { Wanted::Smallest },
            budgets,
        })
    }

    /// The scenario at some values of the parameter.
    fn points(&self, values: &[f64]) -> Result<Vec<SweepPoint>, Failure> {
        let texts: Vec<String> = values.iter().map(|value| self.span.text(*value)).collect();
        let vary = format!("{}={}", self.key, texts.join(","));
        let written = format!("--parameter {}", self.args.parameter);
        let made = format!("--vary {vary}");
        let points = load_changed(&self.source, &self.changes, &[vary]);
        Ok(points.map_err(|errors| errors.in_words_of(&made, &written))?)
    }

    fn plan(&self, points: Vec<SweepPoint>) -> Plan {
        let first = points.first().map_or(1, |point| point.scenario.seed);
        Plan {
            seeds: (first..first.saturating_add(self.args.seeds.into())).collect(),
            until: None,
            reference: 0,
            metrics: Measure::all().collect(),
            jobs: self.args.jobs.map_or_else(cores, usize::from),
            streams: false,
            points,
        }
    }

    fn search(&self, plan: &Plan, grid: &[f64], engine: &dyn Engine, bar: &Bar) -> Result<Vec<Tuned>, Failure> {
        let results = measured(plan, engine, bar)?;
        let names: Vec<String> = results
            .first()
            .map(|point| point.contenders.iter().map(|contender| contender.strategy.clone()).collect())
            .unwrap_or_default();
        let one = |(index, name): (usize, &String)| {
            let probes = results.iter().map(|point| Probe::of(point, index, &self.budgets));
            let known = grid.iter().copied().zip(probes).collect();
            tune(name, &self.span, self.wanted, &self.budgets, known, |value| {
                let mut points = self.points(&[value])?;
                for point in &mut points {
                    // Traffic and network do not depend on who else is compared.
                    point.scenario.strategies.retain(|contender| contender.name == *name);
                }
                let alone = Plan { points, seeds: plan.seeds.clone(), ..plan.clone() };
                let results = measured(&alone, engine, bar)?;
                let result = results.first().ok_or_else(|| Failure::Run("a probe has no result".to_owned()))?;
                Ok(Probe::of(result, 0, &self.budgets))
            })
        };
        names.iter().enumerate().map(one).collect()
    }

    /// The options that decide what is in the files.
    fn provenance(&self, plan: &Plan) -> Provenance {
        let args = self.args;
        let file_name = Path::new(&args.scenario).file_name().map(std::ffi::OsStr::to_string_lossy);
        let options = json!({
            "command": "tune",
            "scenario": file_name,
            "parameter": args.parameter,
            "budget": args.budgets,
            "largest": args.largest,
            "points": args.points,
            "strategy": args.strategies,
            "peers": args.peers,
            "seed": args.seed,
            "seeds": args.seeds,
            "set": args.values.sets,
        });
        let scenarios = plan.points.iter().map(|point| to_json(&point.scenario)).collect();
        Provenance { options, scenarios, shard: None }
    }
}

/// `METRIC=MOST`, a time with its unit.
fn budget(text: &str) -> Result<Budget, Failure> {
    let wrong = |message: String| Failure::Argument(format!("--budget {text}: {message}"));
    let Some((name, most)) = text.split_once('=') else {
        return Err(wrong("a budget is written as METRIC=MOST, as in lost=0.001 or socket_us=2s".to_owned()));
    };
    let (name, most) = (name.trim(), most.trim());
    let measure = Measure::named(name).map_err(wrong)?;
    let range = format!("0..{most}");
    let limit = match measure.unit() {
        Unit::Micros => Span::parse(&format!("0us..{most}")),
        Unit::EachStream | Unit::Share | Unit::Sockets => Span::parse(&range),
    };
    // The budget of nothing is the one number that makes no range.
    let most = match (limit, most.parse::<f64>()) {
        (Ok(span), _) => span.high(),
        (Err(_), Ok(0.0)) => 0.0,
        (Err(message), _) => {
            let found = if measure.unit() == Unit::Micros { "a time such as 2s" } else { "a number such as 0.001" };
            return Err(wrong(format!("allowed is {found}; {message}")));
        }
    };
    if measure.unit() == Unit::Share && most > 1.0 {
        return Err(wrong("a share is at most 1".to_owned()));
    }
    Ok(Budget { measure, most })
}

/// Runs a plan and keeps nothing but what comes of it.
pub(super) fn measured(plan: &Plan, engine: &dyn Engine, bar: &Bar) -> Result<Vec<PointResult>, Failure> {
    let run = experiment::run(plan, engine, &Nothing, &mut Nobody, bar);
    match run {
        Ok(comparison) => Ok(comparison.points),
        Err(ExperimentError::Interrupted) => Err(Failure::Interrupted("nothing was written".to_owned())),
        Err(error) => Err(Failure::Run(error.to_string())),
    }
}

/// Keeps no files.
struct Nobody;

impl NodeSink for Nobody {
    type Error = Infallible;

    fn finished(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }

    fn node(&mut self, _: Task, _: &[u8]) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Sink for Nobody {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn budgets_have_the_unit_of_their_metric() {
        let read = |text: &str| budget(text).map(|budget| (budget.measure, budget.most));
        assert_eq!(read("lost=0.001").unwrap(), (Measure::Lost, 0.001));
        assert_eq!(read("socket_us = 2s").unwrap(), (Measure::SocketTime, 2e6));
        assert_eq!(read("lost=0").unwrap(), (Measure::Lost, 0.0));
        for (text, part) in [
            ("lost", "METRIC=MOST"),
            ("losst=1", "nearest: `lost`"),
            ("socket_us=2", "a time such as 2s"),
            ("lost=2s", "a number such as 0.001"),
            ("lost=-1", "not negative"),
            ("timeout=1.5", "at most 1"),
        ] {
            let failure = budget(text).unwrap_err();
            assert!(failure.status() == 2 && failure.to_string().contains(part), "{text}: {failure}");
        }
    }
}
