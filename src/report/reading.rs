//! What a result directory says: its manifest, and its tables folded by sweep point and strategy.
//!
//! [`Study::read`] trusts no file: each that the manifest lists must be there with the hash it had when it was written.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::ledger::metric::Metric;
use crate::report::{hexadecimal, manifest};
use crate::scenario;

mod interval;
mod rows;

pub use interval::{IntervalRow, Limits};
pub(super) use rows::share;
pub use rows::{Columns, Results, Second, Spectrum, Stream};

/// The page made from the other files; `report` replaces it, so what it was before does not matter.
pub const REPORT: &str = "report.html";

/// Why a directory cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// There is no manifest: nothing to go by.
    #[error("{}: {cause}; allowed: a directory that `farewell compare` wrote, with its {}", path.display(), manifest::NAME)]
    NoManifest {
        /// Where it should be.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The manifest is not one of ours.
    #[error("{}: {what}; allowed: a manifest as `farewell compare` wrote it", path.display())]
    Manifest {
        /// The manifest.
        path: PathBuf,
        /// What is wrong with it.
        what: String,
    },
    /// A listed file cannot be read.
    #[error("{}: {cause}, but {} lists it; allowed: every file of the run as it was written", path.display(), manifest::NAME)]
    Missing {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A listed file has been changed.
    #[error(
        "{} is not the file that the run wrote: its SHA-256 is {found}, {} says {listed}; allowed: the files as they were written (run `compare` again)",
        path.display(), manifest::NAME
    )]
    Edited {
        /// The file.
        path: PathBuf,
        /// Its hash.
        found: String,
        /// The hash that it had.
        listed: String,
    },
    /// A table does not have the columns or values that belong there.
    #[error("{}:{line}: {what}", path.display())]
    Table {
        /// The file.
        path: PathBuf,
        /// Its line, from 1.
        line: u64,
        /// What is wrong.
        what: String,
    },
}

/// A result directory, read and checked.
#[derive(Clone, Debug)]
pub struct Study {
    /// Version of the program that ran it.
    pub version: String,
    /// The engine's name.
    pub engine: String,
    /// The scenario's name.
    pub scenario: String,
    /// The hash of all its sweep points.
    pub scenario_sha256: String,
    /// The seeds, in order.
    pub seeds: Vec<u64>,
    /// The options of the command that wrote it.
    pub options: Value,
    /// Every file with its hash, the report aside.
    pub files: Vec<(String, String)>,
    /// The varied keys, in order.
    pub keys: Vec<String>,
    /// The sweep points, in order; one where nothing is swept.
    pub points: Vec<Point>,
    /// Rows of comparison.csv, if there is one.
    pub intervals: Vec<IntervalRow>,
    /// Streams that lost something or were slow to end, worst first.
    pub worst: Vec<Stream>,
    /// Whether every stream's own times were there to be looked at.
    pub has_streams: bool,
}

/// A sweep point with what every strategy did there.
#[derive(Clone, Debug)]
pub struct Point {
    /// Varied keys with their values.
    pub varied: Vec<(String, String)>,
    /// The resolved scenario without its seed.
    pub scenario: Value,
    /// Its hash.
    pub scenario_sha256: String,
    /// The strategies, in the scenario's order.
    pub strategies: Vec<Results>,
}

impl Study {
    /// Reads `dir`, and no file outside it.
    ///
    /// # Errors
    /// What is missing, edited or malformed, by name.
    pub fn read(dir: &Path) -> Result<Self, ReadError> {
        let path = dir.join(manifest::NAME);
        let text = std::fs::read(&path).map_err(|cause| ReadError::NoManifest { path: path.clone(), cause })?;
        let wrong = |what: &str| ReadError::Manifest { path: path.clone(), what: what.to_owned() };
        let json: Value = serde_json::from_slice(&text).map_err(|error| wrong(&error.to_string()))?;
        let mut study = from_manifest(&json).map_err(|what| wrong(&what))?;
        unedited(&study).map_err(|what| wrong(&what))?;
        for (name, listed) in &study.files {
            check(dir, name, listed)?;
        }
        for name in ["summary.csv", "percentiles.csv", "timeline.csv", "lost.csv"] {
            if !study.files.iter().any(|(listed, _)| listed == name) {
                return Err(wrong(&format!("it does not list {name}")));
            }
        }
        study.fill(dir)?;
        Ok(study)
    }

    /// Whether the directory has this file.
    pub fn has(&self, name: &str) -> bool {
        self.files.iter().any(|(listed, _)| listed == name)
    }

    fn fill(&mut self, dir: &Path) -> Result<(), ReadError> {
        rows::summary(self, &dir.join("summary.csv"))?;
        rows::percentiles(self, &dir.join("percentiles.csv"))?;
        rows::timeline(self, &dir.join("timeline.csv"))?;
        if self.has("capacity.csv") {
            rows::numbers(self, &dir.join("capacity.csv"), |results| &mut results.capacity)?;
        }
        if self.has("returns.csv") {
            rows::numbers(self, &dir.join("returns.csv"), |results| &mut results.returns)?;
        }
        let mut streams = BTreeMap::new();
        rows::lost(self, &dir.join("lost.csv"), &mut streams)?;
        self.has_streams = self.has("streams.csv");
        if self.has_streams {
            rows::streams(self, &dir.join("streams.csv"), &mut streams)?;
        }
        self.worst = rows::worst_first(streams);
        if self.has("comparison.csv") {
            self.intervals = interval::read(self, &dir.join("comparison.csv"))?;
        }
        Ok(())
    }
}

/// SHA-256 of a file's contents, which need not fit into memory.
fn hash_of(path: &Path) -> io::Result<String> {
    let (mut file, mut hash, mut piece) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hexadecimal(&hash.finalize())),
            n => hash.update(&piece[..n]),
        }
    }
}

/// The manifest's own hashes must be those of its scenarios.
fn unedited(study: &Study) -> Result<(), String> {
    for point in &study.points {
        let found = scenario::sha256(&point.scenario);
        if found != point.scenario_sha256 {
            let listed = &point.scenario_sha256;
            return Err(format!("a scenario in `points` has SHA-256 {found}, but {listed} stands beside it"));
        }
    }
    let all = Value::Array(study.points.iter().map(|point| point.scenario.clone()).collect());
    let found = scenario::sha256(&all);
    let listed = &study.scenario_sha256;
    if found == *listed { Ok(()) } else { Err(format!("its scenarios have SHA-256 {found}, but it says {listed}")) }
}

/// The hash of a file must be the one that is listed.
fn check(dir: &Path, name: &str, listed: &str) -> Result<(), ReadError> {
    let path = dir.join(name);
    let found = hash_of(&path).map_err(|cause| ReadError::Missing { path: path.clone(), cause })?;
    if found == *listed { Ok(()) } else { Err(ReadError::Edited { path, found, listed: listed.to_owned() }) }
}

fn from_manifest(json: &Value) -> Result<Study, String> {
    if json["program"] != "farewell" {
        return Err("it was not written by farewell".to_owned());
    }
    let text = |key: &str| json[key].as_str().map(str::to_owned).ok_or_else(|| format!("`{key}` is not a text"));
    let list = |key: &str| json[key].as_array().ok_or_else(|| format!("`{key}` is not a list"));
    let seeds: Option<Vec<u64>> = list("seeds")?.iter().map(Value::as_u64).collect();
    let files = json["files"].as_object().ok_or("`files` is not a table")?;
    let mut checked = Vec::new();
    for (name, hash) in files.iter().filter(|(name, _)| *name != REPORT) {
        if !manifest::is_plain(name) {
            return Err(format!("`files` lists {name:?}, which is not beside it"));
        }
        checked.push((name.clone(), hash.as_str().ok_or("a hash in `files` is not a text")?.to_owned()));
    }
    let points: Vec<Point> = list("points")?.iter().map(point).collect::<Result<_, _>>()?;
    let keys = points.first().ok_or("`points` is empty")?.varied.iter().map(|(key, _)| key.clone()).collect();
    Ok(Study {
        version: text("version")?,
        engine: text("engine")?,
        scenario: text("scenario")?,
        scenario_sha256: text("scenario_sha256")?,
        seeds: seeds.filter(|seeds| !seeds.is_empty()).ok_or("`seeds` is not a list of whole numbers")?,
        options: json["options"].clone(),
        files: checked,
        keys,
        points,
        intervals: Vec::new(),
        worst: Vec::new(),
        has_streams: false,
    })
}

fn point(json: &Value) -> Result<Point, String> {
    let varied = json["varied"].as_object().ok_or("`points` has no `varied`")?;
    let varied = varied.iter().map(|(key, value)| (key.clone(), value.as_str().unwrap_or_default().to_owned()));
    let strategies = json["scenario"]["strategies"].as_array().ok_or("a scenario has no strategies")?;
    let strategies = strategies.iter().map(|strategy| {
        let name = strategy["name"].as_str().ok_or("a strategy has no name")?;
        Ok(Results::new(name))
    });
    Ok(Point {
        varied: varied.collect(),
        scenario: json["scenario"].clone(),
        scenario_sha256: json["scenario_sha256"].as_str().unwrap_or_default().to_owned(),
        strategies: strategies.collect::<Result<_, String>>()?,
    })
}

impl Results {
    /// The percentiles of a metric.
    pub fn spectrum(&self, metric: Metric) -> &Spectrum {
        &self.spectra[metric.index()]
    }
}

#[cfg(test)]
pub(super) mod testing;
