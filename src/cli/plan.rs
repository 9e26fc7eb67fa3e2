//! `farewell plan`: how many peers a server holds within its limits, and which limit binds.

use std::io::Write;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::cli::args::PlanArgs;
use crate::cli::compare::{Show, cores, width, wrapped};
use crate::cli::interrupt::Interrupt;
use crate::cli::progress::Bar;
use crate::cli::tune::measured;
use crate::cli::{Failure, sets};
use crate::engine::Engine;
use crate::experiment::Plan;
use crate::experiment::planning::{Limit, Planned, Probe, Resource, plan};
use crate::net::addr::MAX_STREAMS;
use crate::report::manifest::Provenance;
use crate::report::{Output, hdr, plan as report};
use crate::scenario::measure::Measure;
use crate::scenario::server::Outgoing;
use crate::scenario::{Change, Scenario, SourceText, SweepPoint, load_changed, to_json};

/// Runs the command.
///
/// # Errors
/// Where the scenario or a limit is not legal, a node fails, or something cannot be written.
pub(super) fn run(args: &PlanArgs, engine: &dyn Engine, stdout: &mut dyn Write) -> Result<(), Failure> {
    let limits: Vec<Limit> = args.limits.iter().map(|text| limit(text)).collect::<Result<_, _>>()?;
    let source = SourceText::find(&args.scenario)?;
    let point = at(&source, args, None)?;
    engine.accepts(&point.scenario).map_err(|refusal| Failure::Argument(refusal.to_string()))?;
    let scenario = point.scenario.clone();
    limits.iter().try_for_each(|limit| refuse_idle(limit, &scenario))?;
    let out = args.out.clone().unwrap_or_else(|| default_out(&scenario.name));
    let output = Output::begin(&out)?;
    let interrupt = Interrupt::watched().map_err(|error| Failure::Run(error.to_string()))?;
    let show = Show::of(args.json, args.quiet);
    let bar = Bar::on_stderr(show != Show::Nothing, interrupt);
    let whole = of_points(args, vec![point]);
    let planned = search(args, &source, &scenario, &limits, engine, &bar);
    bar.clear();
    let planned = planned?;
    report::write(output, &planned, &limits, (&whole, engine.name(), &provenance(args, &whole)))?;
    match show {
        Show::Everything => {
            let within: Vec<String> = limits.iter().map(report::in_words).collect();
            let seeds =
                if args.seeds == 1 { format!("seed {}", scenario.seed) } else { format!("{} seeds", args.seeds) };
            writeln!(
                stdout,
                "{}: peers within {}; {seeds}, engine {}\n",
                scenario.name,
                within.join(", "),
                engine.name()
            )?;
            writeln!(stdout, "{}", report::rendered(&planned, &limits))?;
            for sentence in report::sentences(&planned, &limits) {
                writeln!(stdout, "{}", wrapped(&sentence, width()))?;
            }
            writeln!(stdout, "\nFiles: {}", out.display())?;
        }
        Show::Json => {
            let document = report::document(&planned, &limits, engine.name(), &scenario.name, &whole.seeds);
            writeln!(stdout, "{document:#}")?;
        }
        Show::Nothing => {}
    }
    Ok(())
}

/// Refuses a limit that no number of peers can exceed.
fn refuse_idle(limit: &Limit, scenario: &Scenario) -> Result<(), Failure> {
    let outgoing = scenario.server.as_ref().and_then(|server| server.outgoing);
    let why = match outgoing {
        _ if limit.resource != Resource::Ports => return Ok(()),
        None => "the server opens no streams; allowed with [server] outgoing = {}".to_owned(),
        Some(Outgoing { ports: Some(ports), .. }) if u64::from(ports) <= limit.most => {
            format!(
                "it cannot be exceeded, since server.outgoing.ports is {ports}; allowed: --limit refused=0, or no such key"
            )
        }
        Some(_) => return Ok(()),
    };
    Err(Failure::Argument(format!("--limit {}={}: {why}", limit.resource.name(), limit.most)))
}

/// `results/SCENARIO-plan`.
fn default_out(name: &str) -> PathBuf {
    Path::new("results").join(format!("{}-plan", hdr::plain(name).trim_start_matches('.')))
}

/// The scenario with so many peers; what its server bears is reckoned, whether it says so or not.
fn at(source: &SourceText, args: &PlanArgs, peers: Option<u64>) -> Result<SweepPoint, Failure> {
    let mut changes = sets(&args.values.sets);
    if !args.strategies.is_empty() {
        changes.push(Change::strategies(args.strategies.clone()));
    }
    changes.extend(args.seed.clone().map(|value| Change::Option { option: "--seed", key: "seed", value }));
    let peers = peers.map(|peers| peers.to_string());
    changes.extend(peers.map(|value| Change::Option { option: "--peers", key: "peers", value }));
    let first = |changes: &[Change]| -> Result<Option<SweepPoint>, Failure> {
        Ok(load_changed(source, changes, &[])?.into_iter().next())
    };
    let mut point = first(&changes)?;
    if point.as_ref().is_some_and(|point| point.scenario.server.is_none()) {
        // Any key of the table makes it, and all others have their defaults.
        changes.push(Change::Set("server.memory.socket=3850B".to_owned()));
        point = first(&changes)?;
    }
    point.ok_or_else(|| Failure::Argument("there is no scenario".to_owned()))
}

fn of_points(args: &PlanArgs, points: Vec<SweepPoint>) -> Plan {
    let first = points.first().map_or(1, |point| point.scenario.seed);
    Plan {
        seeds: (first..first.saturating_add(args.seeds.into())).collect(),
        until: None,
        reference: 0,
        metrics: Measure::all().collect(),
        jobs: args.jobs.map_or_else(cores, usize::from),
        streams: false,
        points,
    }
}

fn search(
    args: &PlanArgs,
    source: &SourceText,
    scenario: &Scenario,
    limits: &[Limit],
    engine: &dyn Engine,
    bar: &Bar,
) -> Result<Vec<Planned>, Failure> {
    let lives = scenario.reconnect.as_ref().map_or(1, |back| u64::from(back.times) + 1);
    // Who comes back as often as there are addresses may do so less often with more peers.
    let most = if lives > 1_000 { MAX_STREAMS.into() } else { u64::from(MAX_STREAMS) / lives };
    let names = scenario.strategies.iter().map(|contender| contender.name.clone());
    names
        .map(|name| {
            plan(&name, limits, scenario.peers.into(), most, |peers| {
                let mut point = at(source, args, Some(peers))?;
                point.scenario.strategies.retain(|contender| contender.name == name);
                let results = measured(&of_points(args, vec![point]), engine, bar)?;
                let seeds = results.iter().flat_map(|point| &point.contenders).flat_map(|contender| &contender.seeds);
                Ok(Probe { peers, capacity: seeds.filter_map(|seed| seed.capacity).collect() })
            })
        })
        .collect()
}

/// The options that decide what is in the files.
fn provenance(args: &PlanArgs, plan: &Plan) -> Provenance {
    let file_name = Path::new(&args.scenario).file_name().map(std::ffi::OsStr::to_string_lossy);
    let options = json!({
        "command": "plan",
        "scenario": file_name,
        "limit": args.limits,
        "strategy": args.strategies,
        "seed": args.seed,
        "seeds": args.seeds,
        "set": args.values.sets,
    });
    let scenarios = plan.points.iter().map(|point| to_json(&point.scenario)).collect();
    Provenance { options, scenarios, shard: None }
}

/// `RESOURCE=MOST`, memory with its unit.
fn limit(text: &str) -> Result<Limit, Failure> {
    let wrong = |message: String| Failure::Argument(format!("--limit {text}: {message}"));
    let Some((name, most)) = text.split_once('=') else {
        return Err(wrong("a limit is written as RESOURCE=MOST, as in sockets=50000 or memory=8GiB".to_owned()));
    };
    let (name, most) = (name.trim(), most.trim());
    let Some((resource, ..)) = Resource::ALL.iter().find(|(_, known, _)| *known == name) else {
        let names = Resource::ALL.map(|(_, name, _)| name);
        return Err(wrong(format!("nothing is called {name:?}; {}", crate::scenario::choices(name, &names))));
    };
    let most = if *resource == Resource::Memory {
        crate::scenario::bytes(most).map_err(wrong)?
    } else {
        most.parse().map_err(|_| wrong(format!("found {most:?}; allowed is a whole number such as 50000")))?
    };
    Ok(Limit { resource: *resource, most })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_whole_numbers_and_memory_has_a_unit() {
        let read = |text: &str| limit(text).map(|limit| (limit.resource, limit.most));
        assert_eq!(read("sockets=50000").unwrap(), (Resource::Sockets, 50_000));
        assert_eq!(read("memory = 8GiB").unwrap(), (Resource::Memory, 8 << 30));
        for (text, part) in [
            ("sockets", "RESOURCE=MOST"),
            ("socket=1", "nearest: `sockets`"),
            ("sockets=many", "a whole number"),
            ("memory=8", "a size is written as"),
        ] {
            let failure = limit(text).unwrap_err();
            assert!(failure.status() == 2 && failure.to_string().contains(part), "{text}: {failure}");
        }
    }
}
