//! manifest.json: what was run, and the SHA-256 of every file beside it. No clock, no host, no absolute path.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::experiment::Plan;
use crate::experiment::comparison::Comparison;
use crate::experiment::shard::Shard;
use crate::report::{Output, WholeFile, sha256};

/// Its name.
pub const NAME: &str = "manifest.json";

/// What a run's files were made from.
#[derive(Clone, Debug, PartialEq)]
pub struct Provenance {
    /// The command and its options, without those that do not change a byte of the files.
    pub options: Value,
    /// The resolved scenario of each sweep point, in order.
    pub scenarios: Vec<Value>,
    /// Which part of the study this is; `None` for all of it.
    pub shard: Option<Shard>,
}

/// What was run of a plan.
#[derive(Clone, Debug)]
pub struct Ran<'a> {
    engine: &'a str,
    seeds: &'a [u64],
    seeds_of_points: Vec<usize>,
}

impl<'a> Ran<'a> {
    /// What a comparison is made of.
    pub fn of(comparison: &'a Comparison) -> Self {
        let seeds_of_points = comparison.points.iter().map(|point| point.reference().seeds.len()).collect();
        Self { engine: comparison.engine, seeds: &comparison.seeds, seeds_of_points }
    }

    /// All of a plan, or a shard of all of it.
    pub fn all(plan: &'a Plan, engine: &'a str) -> Self {
        Self { engine, seeds: &plan.seeds, seeds_of_points: vec![plan.seeds.len(); plan.points.len()] }
    }
}

/// The contents of the file.
///
/// The `scenario_sha256` are those of the scenario as JSON without white space. The seed is taken out of the scenario
/// (the seeds that were run stand beside it), so that runs of one scenario under different seeds have the same hash.
pub fn contents(plan: &Plan, ran: &Ran<'_>, provenance: &Provenance, files: &[WholeFile]) -> String {
    let scenarios: Vec<Value> = provenance.scenarios.iter().cloned().map(without_seed).collect();
    let points = plan.points.iter().zip(&ran.seeds_of_points).zip(&scenarios).map(|((point, seeds), scenario)| {
        let varied: Map<String, Value> = point.varied.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
        json!({
            "varied": varied,
            "seeds": seeds,
            "scenario_sha256": hash(scenario),
            "scenario": scenario,
        })
    });
    let points: Vec<Value> = points.collect();
    let files: Map<String, Value> = files.iter().map(|f| (f.name.clone(), json!(f.sha256))).collect();
    let name = scenarios.first().map_or(&Value::Null, |scenario| &scenario["name"]);
    let mut manifest = json!({
        "program": "farewell",
        "version": env!("CARGO_PKG_VERSION"),
        "engine": ran.engine,
        "scenario": name,
        "scenario_sha256": hash(&Value::Array(scenarios.clone())),
        "seeds": ran.seeds,
        "study": study(plan),
        "options": provenance.options,
        "points": points,
        "files": files,
    });
    if let (Some(shard), Some(keys)) = (provenance.shard, manifest.as_object_mut()) {
        keys.insert("shard".to_owned(), json!(shard.to_string()));
    }
    format!("{manifest:#}\n")
}

/// How the strategies were compared, and whether the number of seeds was fixed before the first of them was run.
fn study(plan: &Plan) -> Value {
    let strategies = plan.points.first().map(|point| &point.scenario.strategies);
    let reference = strategies.and_then(|all| all.get(plan.reference)).map(|contender| contender.name.as_str());
    let metrics: Vec<&str> = plan.metrics.iter().map(|measure| measure.name()).collect();
    json!({
        "reference": reference,
        "metrics": metrics,
        "seeds_fixed": plan.until.is_none(),
        "until": plan.until.map(|precision| precision.to_string()),
        "most_seeds": plan.until.map(|_| plan.seeds.len()),
    })
}

/// A scenario as JSON without its seed: the seeds that were run stand beside it.
pub(super) fn without_seed(mut scenario: Value) -> Value {
    if let Some(keys) = scenario.as_object_mut() {
        keys.shift_remove("seed");
    }
    scenario
}

fn hash(scenario: &Value) -> String {
    sha256(scenario.to_string().as_bytes())
}

/// The files that the manifest in `dir` lists, itself included; `None` if there is none or it is not ours.
pub(super) fn files_listed(dir: &Path) -> Option<Vec<String>> {
    let manifest: Value = serde_json::from_slice(&std::fs::read(dir.join(NAME)).ok()?).ok()?;
    if manifest["program"] != "farewell" {
        return None;
    }
    let names = manifest["files"].as_object()?.keys().filter(|name| is_plain(name)).cloned();
    Some(names.chain([NAME.to_owned()]).collect())
}

/// Whether a name is that of a file in the same directory: a manifest may have been edited.
pub(super) fn is_plain(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('.') && !name.contains(['/', '\\'])
}

/// Writes it: the last file of a set.
///
/// # Errors
/// Where it cannot be written.
pub fn write(
    output: &mut Output,
    plan: &Plan,
    ran: &Ran<'_>,
    provenance: &Provenance,
) -> Result<(), crate::report::WriteError> {
    let contents = contents(plan, ran, provenance, &output.whole());
    output.write(NAME, contents.as_bytes())
}
