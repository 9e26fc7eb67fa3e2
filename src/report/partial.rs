//! The finished nodes of a run that is not over, on disk so that an interrupted run can go on.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use crate::experiment::kept::{Kept, Task};
use crate::report::cells::{self, Cells, CellsError, Study};
use crate::report::{WriteError, at};

/// The directory inside the output directory in which finished nodes wait for the others.
pub const DIR: &str = ".farewell-partial";

/// Finished nodes, written as they end.
///
/// Dropped, it removes them, unless they are to be [kept](Partial::keep). A run that is killed leaves them behind.
#[derive(Debug)]
pub struct Partial {
    dir: PathBuf,
    path: PathBuf,
    file: File,
    length: u64,
    nodes: usize,
    keep: bool,
}

/// What an earlier run left in the output directory.
#[derive(Debug, Default)]
pub struct Earlier {
    cells: Option<Cells>,
    /// Nodes of an interrupted run that are not used, because nobody asked to resume it.
    pub discarded: usize,
}

impl Earlier {
    /// How many nodes are found, and how many were damaged.
    pub fn found(&self) -> (usize, usize) {
        self.cells.as_ref().map_or((0, 0), |cells| (cells.len(), cells.damaged()))
    }
}

impl Kept for Earlier {
    fn find(&self, task: Task) -> Option<Vec<u8>> {
        self.cells.as_ref()?.find(task)
    }
}

impl Partial {
    /// Begins in the output directory `dir`, which nobody else writes to: with what an earlier run of the same study left,
    /// if it is to be resumed, or anew.
    ///
    /// # Errors
    /// What was left is to be resumed and belongs to something else; or the file system refuses.
    pub fn begin(dir: &Path, study: &Study, resume: bool) -> Result<(Self, Earlier), WriteError> {
        let partial = dir.join(DIR);
        let path = partial.join(cells::NAME);
        let (earlier, length) = if resume { resumed(dir, &path, study)? } else { (discarded(&path), 0) };
        if length == 0 && partial.exists() {
            fs::remove_dir_all(&partial).map_err(at(&partial))?;
        }
        fs::create_dir_all(&partial).map_err(at(&partial))?;
        let file = OpenOptions::new().create(true).append(true).open(&path).map_err(at(&path))?;
        let nodes = if length == 0 { 0 } else { earlier.found().0 };
        let mut partial = Self { dir: partial, path, file, length, nodes, keep: resume };
        partial.cut()?;
        if length == 0 {
            let beginning = cells::beginning(study).map_err(at(&partial.path))?;
            partial.append(&beginning)?;
        }
        Ok((partial, earlier))
    }

    /// A node is finished.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn add(&mut self, task: Task, node: &[u8]) -> Result<(), WriteError> {
        let record = cells::record(task, node).map_err(at(&self.path))?;
        self.append(&record)?;
        self.nodes += 1;
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        if let Err(cause) = self.file.write_all(bytes) {
            // Half a node would be found out, but takes room on a disk that is full.
            drop(self.cut());
            return Err(at(&self.path)(cause));
        }
        self.length += bytes.len() as u64;
        Ok(())
    }

    fn cut(&mut self) -> Result<(), WriteError> {
        self.file.set_len(self.length).map_err(at(&self.path))
    }

    /// What is there stays for a run that resumes this one. Says how many nodes that is, and where.
    pub fn keep(&mut self) -> (usize, PathBuf) {
        self.keep = true;
        (self.nodes, self.dir.clone())
    }

    /// The results are in place: nothing is to be kept.
    pub fn done(mut self) {
        self.keep = false;
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.keep || self.nodes == 0 {
            // Nobody is left to tell of a failure here, and the next run removes a leftover.
            drop(fs::remove_dir_all(&self.dir));
        }
    }
}

/// What is there to resume, and how long the part of the file is that can be added to.
fn resumed(dir: &Path, path: &Path, study: &Study) -> Result<(Earlier, u64), WriteError> {
    match Cells::open(path) {
        Ok(cells) => {
            if let Some((what, then, now)) = difference(cells.study(), study) {
                return Err(WriteError::OtherStudy { dir: dir.to_owned(), what, then, now });
            }
            let end = cells.end();
            Ok((Earlier { cells: Some(cells), discarded: 0 }, end))
        }
        Err(CellsError::Version { found, ours, .. }) => {
            Err(WriteError::OtherStudy { dir: dir.to_owned(), what: "version".to_owned(), then: found, now: ours })
        }
        Err(CellsError::Io { cause, .. }) if cause.kind() == io::ErrorKind::NotFound => {
            // A study that is whole already has its nodes beside its results.
            let whole = Cells::open(&dir.join(cells::NAME)).ok();
            let same = whole.filter(|cells| difference(cells.study(), study).is_none());
            Ok((Earlier { cells: same, discarded: 0 }, 0))
        }
        Err(CellsError::Io { path, cause }) => Err(WriteError::Io { path, cause }),
        // Nothing of it can be trusted: everything is computed again.
        Err(CellsError::Damaged(_)) => Ok((Earlier::default(), 0)),
    }
}

fn difference(then: &Study, now: &Study) -> Option<(String, String, String)> {
    let shard = |study: &Study| study.shard.map_or_else(|| "none".to_owned(), |shard| shard.to_string());
    let own = |what: &str, a: String, b: String| (a != b).then(|| (what.to_owned(), a, b));
    then.difference(now)
        .or_else(|| own("--shard", shard(then), shard(now)))
        .or_else(|| own("options", then.options.clone(), now.options.clone()))
        .or_else(|| own("seeds", format!("{:?}", then.seeds), format!("{:?}", now.seeds)))
}

fn discarded(path: &Path) -> Earlier {
    let nodes = Cells::open(path).map_or(0, |cells| cells.len());
    Earlier { cells: None, discarded: nodes }
}
