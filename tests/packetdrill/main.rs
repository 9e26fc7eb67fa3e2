//! Replays packetdrill scripts against farewell's TCP socket, in simulated time.
//!
//! Every `.pkt` file below `tests/packetdrill`, or below the directory that `FAREWELL_PKT_DIR` names, is a test of
//! its own. The scripts are in the language of packetdrill, so that the same files can be replayed on a real
//! kernel: `scripts/packetdrill-on-this-kernel` does that.
//!
//! A script is read by [`lexer`] and [`parser`] into a [`script`]; [`runner`] walks through its events and drives
//! a [`machine`], a simulated host whose system calls ([`calls`]) act on the library's sockets; [`flow`] translates
//! numbers between script and wire, and [`expect`] compares the segments that come out. What the runner does not understand is an error, never skipped.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a token or value that is not wanted is a complaint, whatever it is"
)]

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

mod assertion;
mod calls;
mod coverage;
mod expect;
mod flow;
mod information;
mod lexer;
mod machine;
mod mistakes;
mod parser;
mod poll;
mod runner;
mod script;
mod sockopt;
mod sysctl_line;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/packetdrill");
    let named = named_directory();
    let mut ours = Vec::new();
    if named.is_none() {
        ours.extend(mistakes::trials());
        ours.push(coverage::trial(&own));
    }
    let directory = named.unwrap_or(own);
    let mut scripts = Vec::new();
    let found = collect(&directory, &mut scripts);
    let trials: Vec<Trial> = match found {
        Err(error) => vec![complaint(format!("cannot read {}: {error}", directory.display()))],
        Ok(()) if scripts.is_empty() => vec![complaint(format!("no .pkt file below {}", directory.display()))],
        Ok(()) => scripts.into_iter().map(|path| trial(&directory, path)).chain(ours).collect(),
    };
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Which scripts are replayed is the tester's choice.
fn named_directory() -> Option<PathBuf> {
    std::env::var_os("FAREWELL_PKT_DIR").filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Adds every script below `directory`, in the order of their names.
#[expect(clippy::disallowed_methods, reason = "the entries are sorted")]
fn collect(directory: &Path, scripts: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(directory)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            collect(&path, scripts)?;
        } else if path.extension() == Some(OsStr::new("pkt")) {
            scripts.push(path);
        }
    }
    Ok(())
}

/// One test, named like its file below the directory.
fn trial(directory: &Path, path: PathBuf) -> Trial {
    let name = path.strip_prefix(directory).unwrap_or(&path).with_extension("").display().to_string();
    Trial::test(name, move || replay(&path))
}

/// A test that only fails: there is nothing to replay.
fn complaint(text: String) -> Trial {
    Trial::test("scripts", move || Err(Failed::from(text)))
}

fn replay(path: &Path) -> Result<(), Failed> {
    let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    play(&text).map_err(|(line, text)| Failed::from(format!("{}:{line}: {text}", path.display())))
}

/// Parses and plays a script; the error has its line.
fn play(text: &str) -> Result<(), parser::Mistake> {
    let script = parser::parse(text)?;
    runner::run(&script).map_err(|failure| (failure.line, failure.text))
}
