//! Directories that are to become one: each is checked by itself, then all of them against each other.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::experiment::kept::{Kept, Task};
use crate::experiment::shard::Shard;
use crate::experiment::{Whereabouts, tasks};
use crate::report::cells::{self, Cells, CellsError, Study};
use crate::report::{manifest, partial, sha256};

/// Missing cells that a message names; it counts the others.
const NAMED: usize = 3;

/// Why directories do not make a study.
#[derive(Debug, thiserror::Error)]
pub enum MergeError {
    /// There is no manifest, or it is not one.
    #[error("{}: {}", dir.display(), if *interrupted {
        "its run is not over: the same command with --resume completes it"
    } else {
        "not a directory that farewell wrote: it has no manifest.json that can be read"
    })]
    NotOurs {
        /// The directory.
        dir: PathBuf,
        /// Whether an interrupted run left cells there.
        interrupted: bool,
    },
    /// It is another version's.
    #[error("{} was written by farewell {found}, this is {}; allowed: shards of one version", dir.display(), env!("CARGO_PKG_VERSION"))]
    Version {
        /// The directory.
        dir: PathBuf,
        /// Its version.
        found: String,
    },
    /// A file is not what the manifest says, or the manifest not what the cells say.
    #[error("{} is damaged: {why}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// There are no cells.
    #[error("{} has no {}: a run of a single seed keeps none; run it with --shard 1/1 to merge it", .0.display(), cells::NAME)]
    NoCells(PathBuf),
    /// The cells cannot be read.
    #[error(transparent)]
    Cells(#[from] CellsError),
    /// Two directories are of different studies.
    #[error("{} and {} are of different studies: {what} {one} and {other}", a.display(), b.display())]
    Different {
        /// A directory.
        a: PathBuf,
        /// Another.
        b: PathBuf,
        /// What differs.
        what: String,
        /// What it is in the first.
        one: String,
        /// What it is in the other.
        other: String,
    },
    /// A cell is there twice.
    #[error("{} and {} overlap: both have {cell}", a.display(), b.display())]
    Overlap {
        /// A directory.
        a: PathBuf,
        /// Another.
        b: PathBuf,
        /// The first cell that both have.
        cell: Whereabouts,
    },
    /// How many seeds it has was decided by its own cells.
    #[error("{}: a study with --until cannot be merged: its own results say how many seeds it has", .0.display())]
    Until(PathBuf),
    /// Cells are missing.
    #[error("{} of {all} cells are missing: {}", missing.len(), missing_in_words(missing, shards))]
    Missing {
        /// The cells.
        missing: Vec<Whereabouts>,
        /// Shards that no directory has.
        shards: Vec<Shard>,
        /// Cells of the whole study.
        all: usize,
    },
}

fn missing_in_words(missing: &[Whereabouts], shards: &[Shard]) -> String {
    let mut named: Vec<String> = missing.iter().take(NAMED).map(ToString::to_string).collect();
    if missing.len() > NAMED {
        named.push(format!("{} more", missing.len() - NAMED));
    }
    let shards: Vec<String> = shards.iter().map(ToString::to_string).collect();
    if !shards.is_empty() {
        named.push(format!("no directory is shard {}", shards.join(", ")));
    }
    named.join("; ")
}

/// Directories that make a whole study.
#[derive(Debug)]
pub struct Union {
    study: Study,
    parts: Vec<Cells>,
    /// Which part has a task.
    owners: BTreeMap<Task, usize>,
}

impl Union {
    /// Opens and checks the directories.
    ///
    /// # Errors
    /// The first thing that keeps them from being one study.
    pub fn open(dirs: &[PathBuf]) -> Result<Self, MergeError> {
        let parts: Vec<Cells> = dirs.iter().map(|dir| checked(dir)).collect::<Result<_, _>>()?;
        let study = one_study(dirs, &parts)?;
        let mut owners = BTreeMap::new();
        for (index, part) in parts.iter().enumerate() {
            for task in part.tasks() {
                if let Some(other) = owners.insert(task, index) {
                    let (a, b) = (dirs[other].clone(), dirs[index].clone());
                    return Err(MergeError::Overlap { a, b, cell: part.whereabouts(task) });
                }
            }
        }
        let plan = study.plan(1);
        let all = tasks(&plan);
        let missing: Vec<_> = all.iter().filter(|task| !owners.contains_key(task)).collect();
        if !missing.is_empty() {
            let missing = missing.into_iter().map(|task| plan.whereabouts(*task)).collect();
            return Err(MergeError::Missing { missing, shards: absent(&parts), all: all.len() });
        }
        Ok(Self { study, parts, owners })
    }

    /// The whole study.
    pub const fn study(&self) -> &Study {
        &self.study
    }
}

impl Kept for Union {
    fn find(&self, task: Task) -> Option<Vec<u8>> {
        self.parts[*self.owners.get(&task)?].find(task)
    }
}

/// The shards that nobody has, where all that are there are shards of as many.
fn absent(parts: &[Cells]) -> Vec<Shard> {
    let have: Vec<Shard> = parts.iter().filter_map(|part| part.study().shard).collect();
    match have.first() {
        Some(first) if have.iter().all(|shard| shard.of() == first.of()) => {
            let every = (1..=first.of()).filter_map(|number| Shard::new(number, first.of()));
            every.filter(|shard| !have.contains(shard)).collect()
        }
        _ => Vec::new(),
    }
}

/// The study that all parts belong to: with the seeds of all.
fn one_study(dirs: &[PathBuf], parts: &[Cells]) -> Result<Study, MergeError> {
    let first = parts.iter().map(Cells::study).min_by_key(|study| study.seeds.first().copied());
    let Some(first) = first else {
        return Err(MergeError::Missing { missing: Vec::new(), shards: Vec::new(), all: 0 });
    };
    let mut study = Study { shard: None, ..first.clone() };
    for (dir, part) in dirs.iter().zip(parts) {
        if let Some((what, one, other)) = parts[0].study().difference(part.study()) {
            return Err(MergeError::Different { a: dirs[0].clone(), b: dir.clone(), what, one, other });
        }
        study.seeds.extend(&part.study().seeds);
    }
    study.seeds.sort_unstable();
    study.seeds.dedup();
    if parts.iter().any(|part| part.study().options != study.options) {
        // What one run from the first seed on would have been asked for.
        let mut options = study.options();
        options["seeds"] = json!(study.seeds.len());
        study.options = options.to_string();
    }
    Ok(study)
}

/// Opens a directory and holds every file against the manifest, and the manifest against the cells.
fn checked(dir: &Path) -> Result<Cells, MergeError> {
    let not_ours = || MergeError::NotOurs { dir: dir.to_owned(), interrupted: dir.join(partial::DIR).exists() };
    let path = dir.join(manifest::NAME);
    let read = std::fs::read(&path).map_err(|_| not_ours())?;
    let found: Value = serde_json::from_slice(&read).map_err(|_| not_ours())?;
    if found["program"] != "farewell" {
        return Err(not_ours());
    }
    if found["version"] != env!("CARGO_PKG_VERSION") {
        let version = found["version"].as_str().unwrap_or("unknown").to_owned();
        return Err(MergeError::Version { dir: dir.to_owned(), found: version });
    }
    let files = found["files"].as_object().ok_or_else(not_ours)?;
    for (name, expected) in files {
        if !manifest::is_plain(name) {
            return Err(damaged(path, &format!("it lists {name:?}, which is not beside it")));
        }
        let path = dir.join(name);
        match std::fs::read(&path) {
            Ok(bytes) if *expected == sha256(&bytes) => {}
            Ok(_) => return Err(damaged(path, "its SHA-256 is not that of the manifest")),
            Err(cause) => return Err(damaged(path, &cause.to_string())),
        }
    }
    if !files.contains_key(cells::NAME) {
        return Err(MergeError::NoCells(dir.to_owned()));
    }
    let cells = Cells::open(&dir.join(cells::NAME))?;
    if cells.damaged() > 0 {
        return Err(damaged(dir.join(cells::NAME), "it has cells that are not whole"));
    }
    let study = cells.study();
    if study.until.is_some() {
        return Err(MergeError::Until(dir.to_owned()));
    }
    let said = [
        ("engine", json!(study.engine)),
        ("scenario_sha256", json!(study.scenario_sha256())),
        ("seeds", json!(study.seeds)),
        ("options", study.options()),
        ("shard", study.shard.map_or(Value::Null, |shard| json!(shard.to_string()))),
    ];
    match said.iter().find(|(key, value)| found[*key] != *value) {
        Some((key, _)) => Err(damaged(path, &format!("its {key} is not that of {}", cells::NAME))),
        None => Ok(cells),
    }
}

fn damaged(path: PathBuf, why: &str) -> MergeError {
    MergeError::Damaged { path, why: why.to_owned() }
}
