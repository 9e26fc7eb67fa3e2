//! Files and texts: they format what `experiment` computed, and compute nothing.
//!
//! [`Output`] is the only way to a file of a result directory: files are written aside, and all of them are put in place
//! together when the last is whole. [`files::Files`] is the list of them.

pub mod cells;
mod chart;
pub mod csv;
pub mod files;
pub mod frontier;
pub mod hdr;
pub mod html;
pub mod json;
pub mod manifest;
pub mod merge;
pub mod partial;
pub mod pcap;
pub mod plan;
pub mod publish;
pub mod reading;
pub mod sequence;
pub mod shard;
pub mod table;
pub mod verdict;

mod again;
mod certainty;
mod returning;
mod units;

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

/// The directory inside the output directory in which files are written before they are whole.
const ASIDE: &str = ".farewell-tmp";

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The system refused.
    #[error("cannot write {}: {cause}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// The output directory is something else.
    #[error("cannot write results to {}: it is not a directory", .0.display())]
    NotADirectory(PathBuf),
    /// A directory is where a file belongs.
    #[error("cannot write {}: it is a directory", .0.display())]
    IsADirectory(PathBuf),
    /// The directory's manifest is not one of ours.
    #[error("{} was not written by farewell and would be replaced; allowed: another output directory", .0.display())]
    Foreign(PathBuf),
    /// Another run has not finished.
    #[error("another run is writing to {}", .0.display())]
    Busy(PathBuf),
    /// What is to be resumed is not what is to be run.
    #[error(
        "--resume: {} holds cells of another run: {what} was {then}, is now {now}; \
         allowed: the same version, scenario and options, or no --resume, which begins anew",
        dir.join(partial::DIR).display()
    )]
    OtherStudy {
        /// The output directory.
        dir: PathBuf,
        /// What differs.
        what: String,
        /// What it was.
        then: String,
        /// What it is.
        now: String,
    },
}

/// Gives an I/O error the path it happened at.
fn at(path: &Path) -> impl FnOnce(io::Error) -> WriteError {
    let path = path.to_owned();
    move |cause| WriteError::Io { path, cause }
}

/// A set of files that appears in a directory whole or not at all.
///
/// Dropped before [`Output::commit`], it leaves the directory as it was. A run that is killed leaves the directory
/// `.farewell-tmp` behind, which the next run there removes.
#[derive(Debug)]
pub struct Output {
    dir: PathBuf,
    lock: Option<File>,
    created: Vec<PathBuf>,
    whole: Vec<WholeFile>,
}

/// A file that is complete, still aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeFile {
    /// Its name in the output directory.
    pub name: String,
    /// SHA-256 of its contents in hexadecimal.
    pub sha256: String,
}

impl Output {
    /// Prepares to write to `dir`, which is created if it does not exist.
    ///
    /// # Errors
    /// Where nothing can be written there, or should not.
    pub fn begin(dir: &Path) -> Result<Self, WriteError> {
        if fs::metadata(dir).is_ok_and(|found| !found.is_dir()) {
            return Err(WriteError::NotADirectory(dir.to_owned()));
        }
        for name in files::FIXED {
            if dir.join(name).is_dir() {
                return Err(WriteError::IsADirectory(dir.join(name)));
            }
        }
        if dir.join(manifest::NAME).exists() && manifest::files_listed(dir).is_none() {
            return Err(WriteError::Foreign(dir.join(manifest::NAME)));
        }
        // From here on dropping the value undoes what was done.
        let mut output = Self { dir: dir.to_owned(), lock: None, created: Vec::new(), whole: Vec::new() };
        let missing: Vec<_> = dir.ancestors().take_while(|d| !d.as_os_str().is_empty() && !d.exists()).collect();
        for dir in missing.into_iter().rev() {
            fs::create_dir(dir).map_err(at(dir))?;
            output.created.push(dir.to_owned());
        }
        output.claim()?;
        Ok(output)
    }

    /// Takes hold of the directory aside, empties it of what a killed run left, and keeps other runs out.
    fn claim(&mut self) -> Result<(), WriteError> {
        let aside = self.dir.join(ASIDE);
        fs::create_dir_all(&aside).map_err(at(&self.dir))?;
        let path = aside.join("lock");
        let lock = OpenOptions::new().create(true).append(true).open(&path).map_err(at(&path))?;
        if matches!(lock.try_lock(), Err(TryLockError::WouldBlock)) {
            return Err(WriteError::Busy(self.dir.clone()));
        }
        self.lock = Some(lock);
        for part in ["new", "old"] {
            let part = aside.join(part);
            if part.exists() {
                fs::remove_dir_all(&part).map_err(at(&part))?;
            }
            fs::create_dir(&part).map_err(at(&part))?;
        }
        Ok(())
    }

    /// A new file.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub fn create(&self, name: &str) -> Result<NewFile, WriteError> {
        let path = self.aside("new", name);
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(at(&self.dir.join(name)))?;
        let hashing = Hashing { file, hash: Sha256::new() };
        Ok(NewFile { path: self.dir.join(name), name: name.to_owned(), writer: BufWriter::new(hashing) })
    }

    /// The file has all its contents.
    ///
    /// # Errors
    /// Where its contents cannot reach the disk.
    pub fn finish(&mut self, file: NewFile) -> Result<(), WriteError> {
        let NewFile { path, name, writer } = file;
        let Hashing { file, hash } = writer.into_inner().map_err(io::IntoInnerError::into_error).map_err(at(&path))?;
        file.sync_all().map_err(at(&path))?;
        self.whole.push(WholeFile { name, sha256: hexadecimal(&hash.finalize()) });
        Ok(())
    }

    /// Creates, fills and finishes a file.
    ///
    /// # Errors
    /// Where any of it fails.
    pub fn write(&mut self, name: &str, contents: &[u8]) -> Result<(), WriteError> {
        let mut file = self.create(name)?;
        file.write_all(contents).map_err(at(&file.path))?;
        self.finish(file)
    }

    /// The files that are whole so far, by name.
    pub fn whole(&self) -> Vec<WholeFile> {
        let mut files = self.whole.clone();
        files.sort_by(|a, b| a.name.cmp(&b.name));
        files
    }

    /// Puts all files in place, removes those of an earlier run that this one did not write, leaves others alone.
    ///
    /// # Errors
    /// Where a file cannot be moved; everything is then put back as it was.
    pub fn commit(mut self) -> Result<(), WriteError> {
        let mut old: Vec<String> = manifest::files_listed(&self.dir).unwrap_or_default();
        old.extend(files::FIXED.map(str::to_owned));
        old.extend(self.whole.iter().map(|file| file.name.clone()));
        // A set without a manifest says of itself that it is not whole: so its old one goes first, its new one comes last.
        old.sort_by_key(|name| (name != manifest::NAME, name.clone()));
        old.dedup();
        self.whole.sort_by_key(|file| (file.name == manifest::NAME, file.name.clone()));
        let away = old.iter().map(|name| (self.dir.join(name), self.aside("old", name)));
        let home = self.whole.iter().map(|file| (self.aside("new", &file.name), self.dir.join(&file.name)));
        move_all(away.filter(|(from, _)| from.symlink_metadata().is_ok()).chain(home))?;
        self.created.clear();
        Ok(())
    }

    /// Puts the files in place, each over the one of its name, in the order in which they were finished; leaves all others.
    ///
    /// # Errors
    /// Where a file cannot be moved.
    pub fn add(self) -> Result<(), WriteError> {
        for file in &self.whole {
            let to = self.dir.join(&file.name);
            fs::rename(self.aside("new", &file.name), &to).map_err(at(&to))?;
        }
        Ok(())
    }

    fn aside(&self, part: &str, name: &str) -> PathBuf {
        self.dir.join(ASIDE).join(part).join(name)
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // Nobody is left to tell of a failure here, and a leftover is removed by the next run. Without the lock the directory
        // aside may be another run's: then it is not empty, and stays.
        let aside = self.dir.join(ASIDE);
        drop(if self.lock.take().is_some() { fs::remove_dir_all(aside) } else { fs::remove_dir(aside) });
        for dir in self.created.iter().rev() {
            drop(fs::remove_dir(dir));
        }
    }
}

/// Renames one by one; at the first failure renames back what was renamed.
fn move_all(moves: impl Iterator<Item = (PathBuf, PathBuf)>) -> Result<(), WriteError> {
    let mut done = Vec::new();
    for (from, to) in moves {
        if let Err(cause) = fs::rename(&from, &to) {
            for (from, to) in done.iter().rev() {
                drop(fs::rename::<&PathBuf, &PathBuf>(to, from));
            }
            return Err(WriteError::Io { path: to, cause });
        }
        done.push((from, to));
    }
    Ok(())
}

/// A file that is being written.
#[derive(Debug)]
pub struct NewFile {
    path: PathBuf,
    name: String,
    writer: BufWriter<Hashing>,
}

impl NewFile {
    /// Where it will be.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// Hashes what goes into the file.
#[derive(Debug)]
struct Hashing {
    file: File,
    hash: Sha256,
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Two lower-case digits a byte.
fn hexadecimal(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or('?');
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// SHA-256 of `bytes` in hexadecimal.
fn sha256(bytes: &[u8]) -> String {
    hexadecimal(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests;
