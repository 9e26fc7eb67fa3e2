//! What `farewell plan` leaves: every number of peers that was tried, and what was found.

use serde_json::{Value, json};

use crate::experiment::Plan;
use crate::experiment::planning::{Limit, Planned, Probe, Resource};
use crate::experiment::rows::ProbeRow;
use crate::report::csv::CsvFile;
use crate::report::manifest::{self, Provenance, Ran};
use crate::report::units::{bytes, count};
use crate::report::verdict::list;
use crate::report::{Output, WriteError, table};

/// The table of what was tried.
pub const TABLE: &str = "plan.csv";

/// Writes plan.csv and the manifest into `output` and puts them in place.
///
/// # Errors
/// Where a file cannot be written.
pub fn write(
    mut output: Output,
    planned: &[Planned],
    limits: &[Limit],
    (plan, engine, from): (&Plan, &str, &Provenance),
) -> Result<(), WriteError> {
    let mut file = CsvFile::create::<ProbeRow<'_>>(&output, TABLE, &[])?;
    for of in planned {
        file.write(&[], of.probes.iter().map(|probe| ProbeRow { planned: of, probe, limits }))?;
    }
    file.finish(&mut output)?;
    manifest::write(&mut output, plan, &Ran::all(plan, engine), from)?;
    output.commit()
}

fn amount(resource: Resource, n: u64) -> String {
    if resource == Resource::Memory { bytes(n) } else { count(n) }
}

/// A limit for people: `sockets 50,000`.
pub fn in_words(limit: &Limit) -> String {
    format!("{} {}", limit.resource.name(), amount(limit.resource, limit.most))
}

/// One row a strategy: how many peers, what binds, and what they take.
pub fn rendered(planned: &[Planned], limits: &[Limit]) -> String {
    let mut header = vec!["strategy".to_owned(), "peers".to_owned(), "what binds".to_owned()];
    header.extend(limits.iter().map(|limit| limit.resource.name().to_owned()));
    let rows = planned.iter().map(|of| {
        let found = found(of);
        let mut row = vec![of.strategy.clone(), of.peers.map_or_else(|| "none".to_owned(), count), binds(of)];
        let taken =
            |limit: &Limit| found.map_or_else(|| "-".to_owned(), |p| amount(limit.resource, p.takes(limit.resource)));
        row.extend(limits.iter().map(taken));
        row
    });
    table::plain(&[vec![header], rows.collect()].concat(), 1)
}

fn found(of: &Planned) -> Option<&Probe> {
    of.probes.iter().find(|probe| Some(probe.peers) == of.peers)
}

fn binds(of: &Planned) -> String {
    if of.binds.is_empty() {
        return "nothing".to_owned();
    }
    list(&of.binds.iter().map(|resource| resource.name().to_owned()).collect::<Vec<_>>())
}

/// One sentence a strategy.
pub fn sentences(planned: &[Planned], limits: &[Limit]) -> Vec<String> {
    planned.iter().map(|of| sentence(of, limits)).collect()
}

fn sentence(of: &Planned, limits: &[Limit]) -> String {
    let name = &of.strategy;
    let more = of.probes.iter().find(|probe| of.peers.is_none_or(|peers| probe.peers > peers));
    let over = |probe: &Probe| {
        let over: Vec<String> = (limits.iter())
            .filter(|limit| of.binds.contains(&limit.resource))
            .map(|limit| {
                let (taken, most) = (probe.takes(limit.resource), limit.most);
                format!(
                    "{} {} instead of {}",
                    amount(limit.resource, taken),
                    if limit.resource == Resource::Memory { "of memory" } else { limit.resource.name() },
                    amount(limit.resource, most)
                )
            })
            .collect();
        list(&over)
    };
    match (of.peers, more) {
        (Some(peers), Some(more)) => {
            format!("{name}: {} peers keep all limits; {} take {}.", count(peers), count(more.peers), over(more))
        }
        (Some(peers), None) => format!("{name}: {} peers keep all limits, and more were not tried.", count(peers)),
        (None, Some(more)) => {
            format!("{name}: not even {} keeps all limits: it takes {}.", count(more.peers), over(more))
        }
        (None, None) => format!("{name}: nothing was tried."),
    }
}

/// The same for `--json`.
pub fn document(planned: &[Planned], limits: &[Limit], engine: &str, scenario: &str, seeds: &[u64]) -> Value {
    let takes = |probe: &Probe| -> Value {
        Resource::ALL.iter().map(|(resource, name, _)| ((*name).to_owned(), json!(probe.takes(*resource)))).collect()
    };
    let strategies = planned.iter().map(|of| {
        json!({
            "strategy": of.strategy,
            "peers": of.peers,
            "binds": of.binds.iter().map(|resource| resource.name()).collect::<Vec<_>>(),
            "takes": found(of).map(takes),
        })
    });
    json!({
        "program": "farewell",
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": scenario,
        "engine": engine,
        "seeds": seeds,
        "limits": limits.iter().map(|limit| (limit.resource.name().to_owned(), json!(limit.most))).collect::<Value>(),
        "strategies": strategies.collect::<Vec<_>>(),
        "finding": sentences(planned, limits),
    })
}
