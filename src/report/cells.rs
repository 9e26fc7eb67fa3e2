//! cells.bin: every finished node without loss, one after another as they end or in the order of the plan.
//!
//! A line of text with version and form; then frames, each the length of its contents (8 bytes, the lowest first), the SHA-256
//! of length and contents, and the contents: of the first frame the [`Study`], of every other a [`Task`] and what remains
//! of its node. What a crash cut off or a disk spoilt is thus known, and is computed again.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::experiment::kept::{FORM, Kept, Task};
use crate::experiment::shard::Shard;
use crate::experiment::{Plan, Whereabouts};
use crate::report::manifest::Provenance;
use crate::scenario::measure::Measure;
use crate::scenario::study::Precision;
use crate::scenario::{SweepPoint, sha256, to_json};

/// The file's name.
pub const NAME: &str = "cells.bin";

/// What the nodes of a file are nodes of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// The engine's name.
    pub engine: String,
    /// The options that decide, as JSON.
    pub options: String,
    /// The seeds of the whole study; all there may be where `until` says when to stop.
    pub seeds: Vec<u64>,
    /// When no more seeds are added.
    pub until: Option<Precision>,
    /// The strategy to which the others are compared, by its place among them.
    pub reference: usize,
    /// The rows of comparison.csv.
    pub metrics: Vec<Measure>,
    /// Whether every stream's record is kept.
    pub streams: bool,
    /// Which part of the study was to be run; `None` for all of it.
    pub shard: Option<Shard>,
    /// The sweep points.
    pub points: Vec<SweepPoint>,
}

impl Study {
    /// What a plan will run.
    pub fn of(plan: &Plan, shard: Option<Shard>, engine: &str, provenance: &Provenance) -> Self {
        Self {
            engine: engine.to_owned(),
            options: provenance.options.to_string(),
            seeds: plan.seeds.clone(),
            until: plan.until,
            reference: plan.reference,
            metrics: plan.metrics.clone(),
            streams: plan.streams,
            shard,
            points: plan.points.clone(),
        }
    }

    /// The plan, for so many threads.
    pub fn plan(&self, jobs: usize) -> Plan {
        Plan {
            points: self.points.clone(),
            seeds: self.seeds.clone(),
            until: self.until,
            reference: self.reference,
            metrics: self.metrics.clone(),
            jobs,
            streams: self.streams,
        }
    }

    /// SHA-256 over the scenarios of all sweep points, seeds aside: the manifest's `scenario_sha256`.
    pub fn scenario_sha256(&self) -> String {
        let scenarios = self.points.iter().map(|point| super::manifest::without_seed(to_json(&point.scenario)));
        sha256(&serde_json::Value::Array(scenarios.collect()))
    }

    /// The first thing in which this differs from `other` that decides what is computed, seeds and shards aside: its name, and
    /// both values.
    pub fn difference(&self, other: &Self) -> Option<(String, String, String)> {
        let own = |what: &str, a: String, b: String| (a != b).then(|| (what.to_owned(), a, b));
        own("engine", self.engine.clone(), other.engine.clone())
            .or_else(|| own("scenario hash", self.scenario_sha256(), other.scenario_sha256()))
            .or_else(|| own("--streams", self.streams.to_string(), other.streams.to_string()))
            .or_else(|| own("reference strategy", self.reference.to_string(), other.reference.to_string()))
            .or_else(|| own("metrics", self.metric_names(), other.metric_names()))
            .or_else(|| own("--until", self.until_in_words(), other.until_in_words()))
    }

    fn metric_names(&self) -> String {
        self.metrics.iter().map(|measure| measure.name()).collect::<Vec<_>>().join(", ")
    }

    fn until_in_words(&self) -> String {
        self.until.map_or_else(|| "none".to_owned(), |precision| precision.to_string())
    }

    /// The options.
    pub fn options(&self) -> serde_json::Value {
        serde_json::from_str(&self.options).unwrap_or_default()
    }
}

/// The beginning of a file, as contents.
///
/// # Errors
/// Where the study cannot be written down, which it has no reason to be.
pub fn beginning(study: &Study) -> io::Result<Vec<u8>> {
    let mut bytes = first_line().into_bytes();
    bytes.extend(frame(&postcard::to_stdvec(study).map_err(io::Error::other)?));
    Ok(bytes)
}

/// A node, as contents.
///
/// # Errors
/// Where the task cannot be written down, which it has no reason to be.
pub fn record(task: Task, node: &[u8]) -> io::Result<Vec<u8>> {
    let mut contents = postcard::to_stdvec(&task).map_err(io::Error::other)?;
    contents.extend_from_slice(node);
    Ok(frame(&contents))
}

fn first_line() -> String {
    format!("farewell {} cells {FORM}\n", env!("CARGO_PKG_VERSION"))
}

fn frame(contents: &[u8]) -> Vec<u8> {
    let length = (contents.len() as u64).to_le_bytes();
    [&length[..], &hash(length, contents), contents].concat()
}

fn hash(length: [u8; 8], contents: &[u8]) -> [u8; 32] {
    Sha256::new().chain_update(length).chain_update(contents).finalize().into()
}

/// Reads a frame; `Ok(Err(length))` if its contents are not what was written, `Ok(Err(0))` at the end of what can be read.
fn read_frame(from: &mut (impl Read + ?Sized), left: u64) -> io::Result<Result<Vec<u8>, u64>> {
    let (mut length, mut expected) = ([0; 8], [0; 32]);
    if left < FRAME {
        return Ok(Err(0));
    }
    from.read_exact(&mut length)?;
    from.read_exact(&mut expected)?;
    let bytes = u64::from_le_bytes(length);
    if bytes > left - FRAME {
        return Ok(Err(0));
    }
    let mut contents = vec![0; usize::try_from(bytes).map_err(io::Error::other)?];
    from.read_exact(&mut contents)?;
    Ok(if hash(length, &contents) == expected { Ok(contents) } else { Err(FRAME + bytes) })
}

/// Bytes of a frame beside its contents.
const FRAME: u64 = 8 + 32;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// The system refused.
    #[error("cannot read {}: {cause}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It is another version's.
    #[error("{} was written by {found}; this is {ours}", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// Who wrote it.
        found: String,
        /// Who reads it.
        ours: String,
    },
    /// It does not say what its cells belong to.
    #[error("{} is damaged: it does not say what its cells belong to", .0.display())]
    Damaged(PathBuf),
}

/// A file that was opened, with the place of each node that is whole.
#[derive(Debug)]
pub struct Cells {
    path: PathBuf,
    study: Study,
    places: BTreeMap<Task, u64>,
    damaged: usize,
    end: u64,
}

impl Cells {
    /// Reads a file through.
    ///
    /// # Errors
    /// Where it cannot be read, or does not begin as it should. Nodes that are damaged are no error: they are not there.
    pub fn open(path: &Path) -> Result<Self, CellsError> {
        let io = |cause| CellsError::Io { path: path.to_owned(), cause };
        let file = File::open(path).map_err(io)?;
        let length = file.metadata().map_err(io)?.len();
        let mut file = BufReader::new(file);
        let mut line = Vec::new();
        file.by_ref().take(100).read_until(b'\n', &mut line).map_err(io)?;
        if line != first_line().as_bytes() {
            return Err(stranger(path, &line));
        }
        let mut at = line.len() as u64;
        let beginning = read_frame(&mut file, length - at).map_err(io)?;
        let study = beginning.ok().and_then(|contents| {
            at += FRAME + contents.len() as u64;
            postcard::from_bytes(&contents).ok()
        });
        let study = study.ok_or_else(|| CellsError::Damaged(path.to_owned()))?;
        let mut cells = Self { path: path.to_owned(), study, places: BTreeMap::new(), damaged: 0, end: at };
        while at < length {
            match read_frame(&mut file, length - at).map_err(io)? {
                Ok(contents) => {
                    if let Ok((task, _)) = postcard::take_from_bytes(&contents) {
                        cells.places.insert(task, at);
                    }
                    at += FRAME + contents.len() as u64;
                    cells.end = at;
                }
                Err(skipped) => {
                    cells.damaged += 1;
                    at = if skipped == 0 { length } else { at + skipped };
                }
            }
        }
        Ok(cells)
    }

    /// What the nodes belong to.
    pub const fn study(&self) -> &Study {
        &self.study
    }

    /// The nodes that are whole, in the order of the plan.
    pub fn tasks(&self) -> impl Iterator<Item = Task> {
        self.places.keys().copied()
    }

    /// How many nodes are whole.
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no node is whole.
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// How many are not; what is behind one whose length is spoilt counts as one.
    pub const fn damaged(&self) -> usize {
        self.damaged
    }

    /// Where the last whole node ends.
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// The words for a task in messages.
    pub fn whereabouts(&self, task: Task) -> Whereabouts {
        self.study.plan(1).whereabouts(task)
    }

    fn read(&self, at: u64) -> io::Result<Option<Vec<u8>>> {
        let mut file = File::open(&self.path)?;
        let left = file.metadata()?.len().saturating_sub(at);
        file.seek(SeekFrom::Start(at))?;
        Ok(read_frame(&mut file, left)?.ok())
    }
}

impl Kept for Cells {
    fn find(&self, task: Task) -> Option<Vec<u8>> {
        // It was whole when the file was opened. Where it cannot be read any more, it is computed again.
        let contents = self.read(*self.places.get(&task)?).ok()??;
        let (found, node) = postcard::take_from_bytes::<Task>(&contents).ok()?;
        (found == task).then(|| node.to_vec())
    }
}

/// A first line that is not ours: of another version, or of something else.
fn stranger(path: &Path, line: &[u8]) -> CellsError {
    let path = path.to_owned();
    match String::from_utf8_lossy(line).trim_end() {
        text if text.starts_with("farewell ") && text.contains(" cells ") => {
            CellsError::Version { path, found: text.to_owned(), ours: first_line().trim_end().to_owned() }
        }
        _ => CellsError::Damaged(path),
    }
}
