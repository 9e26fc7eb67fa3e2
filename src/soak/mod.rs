//! Soaking: random legal scenarios with random chaos, each run held against everything that must hold of any run.
//!
//! Every run depends on the soak's seed and its own number alone, so that a soak gives the same counts at any number of
//! threads, and any of its runs can be had again. A run that breaks a promise is shrunk to a small scenario that breaks the same.

mod check;
mod coverage;
mod document;
mod draw;
mod guard;
mod ranges;
mod shrink;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::ops::Range;

use rayon::prelude::*;

pub use check::{Broken, Promise};
pub use coverage::{Coverage, GIVEN_UP, Kind};
pub use guard::is_guarded;

use crate::scenario::{ScenarioErrors, SourceText, load};
use crate::soak::check::{Depth, MOST_STEPS, Reference, check};
use crate::soak::draw::Drawn;
use crate::soak::guard::guarded;

/// Every so many runs one is held against the reference engine.
const REFERENCE_EVERY: u64 = 25;

/// Every so many runs one is run twice.
const TWICE_EVERY: u64 = 5;

/// So many runs that broke the same promise are told of; the others are counted.
pub const TOLD_OF_EACH: u64 = 10;

/// A run that broke a promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The soak's seed.
    pub seed: u64,
    /// The number of the run.
    pub run: u64,
    /// What it broke.
    pub broken: Broken,
    /// A small scenario file that breaks the same; that of the run where another of the same kind was shrunk before.
    pub scenario: String,
    /// Whether it is small.
    pub shrunk: bool,
}

/// A soak: runs so far and what they reached.
#[derive(Debug)]
pub struct Soak {
    seed: u64,
    threads: rayon::ThreadPool,
    from: u64,
    next: u64,
    coverage: Coverage,
    /// How many runs broke each.
    broken: BTreeMap<Promise, u64>,
}

impl Soak {
    /// A soak that begins with the run of this number.
    ///
    /// # Errors
    /// Where the system gives no threads.
    pub fn new(seed: u64, from: u64, jobs: usize) -> Result<Self, rayon::ThreadPoolBuildError> {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(jobs).build()?;
        Ok(Self { seed, threads, from, next: from, coverage: Coverage::expected(), broken: BTreeMap::new() })
    }

    /// Does the next `count` runs; gives those that broke a promise, in order, but not more than [`TOLD_OF_EACH`] for each promise.
    pub fn advance(&mut self, count: u64) -> Vec<Finding> {
        let runs = self.next..self.next.saturating_add(count);
        self.next = runs.end;
        let seed = self.seed;
        let done: Vec<Done> = self.threads.install(|| numbers(runs).map(|run| once(seed, run)).collect());
        let mut findings = Vec::new();
        for Done { run, coverage, broken } in done {
            self.coverage.merge(&coverage);
            if let Some((drawn, broken)) = broken {
                findings.extend(self.finding(run, drawn, broken));
            }
        }
        findings
    }

    /// The first run that breaks a promise is shrunk for it; others of the kind are most often the same defect.
    fn finding(&mut self, run: u64, drawn: Option<Drawn>, broken: Broken) -> Option<Finding> {
        let count = self.broken.entry(broken.promise).or_default();
        *count += 1;
        let (first, told) = (*count == 1, *count <= TOLD_OF_EACH);
        let seed = self.seed;
        let Some(drawn) = drawn else {
            return told.then(|| Finding { seed, run, broken, scenario: String::new(), shrunk: false });
        };
        let (document, broken) = if first { shrink::shrink(&drawn.document, broken) } else { (drawn.document, broken) };
        told.then(|| Finding { seed, run, broken, scenario: document::text(&document), shrunk: first })
    }

    /// Runs so far.
    pub fn runs(&self) -> u64 {
        self.next - self.from
    }

    /// Runs that broke a promise.
    pub fn broken(&self) -> u64 {
        self.broken.values().sum()
    }

    /// What was reached.
    pub fn coverage(&self) -> &Coverage {
        &self.coverage
    }
}

/// One run that is over.
struct Done {
    run: u64,
    coverage: Coverage,
    broken: Option<(Option<Drawn>, Broken)>,
}

/// One by one: a run may take a thousand times as long as the next.
fn numbers(runs: Range<u64>) -> impl IndexedParallelIterator<Item = u64> {
    let runs: Vec<u64> = runs.collect();
    runs.into_par_iter().with_max_len(1)
}

/// Draws one scenario and runs it.
fn once(seed: u64, run: u64) -> Done {
    let mut coverage = Coverage::default();
    coverage.count("scenarios");
    let broken = match guarded(|| draw::scenario(seed, run)) {
        Ok(Ok(drawn)) => {
            coverage.count_many("scenarios drawn anew", drawn.redrawn);
            coverage.add_document(&drawn.document);
            let engines = if run.is_multiple_of(REFERENCE_EVERY) { Reference::Cheap } else { Reference::No };
            let depth = Depth { steps: MOST_STEPS, engines, twice: run.is_multiple_of(TWICE_EVERY) };
            check(&drawn.scenario, depth, &mut coverage).err().map(|broken| (Some(drawn), broken))
        }
        Ok(Err(refused)) => {
            Some((None, Broken { promise: Promise::Runs, what: format!("nothing legal was drawn: {refused}") }))
        }
        Err(said) => {
            Some((None, Broken { promise: Promise::NoPanic, what: format!("while a scenario was read: {said}") }))
        }
    };
    Done { run, coverage, broken }
}

/// What came of one scenario that was held against every promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// All hold.
    Holds,
    /// One does not.
    Breaks(Broken),
    /// Some run of it is longer than is looked at.
    GivenUp,
}

/// Holds one scenario against every promise, under both engines and twice.
///
/// # Errors
/// Everything that is wrong with the scenario.
pub fn replay(source: &SourceText) -> Result<Replayed, ScenarioErrors> {
    let points = load(source, &[], &[])?;
    let mut coverage = Coverage::default();
    let broken = points.iter().find_map(|point| check(&point.scenario, Depth::FULL, &mut coverage).err());
    let given_up = coverage.amount(GIVEN_UP) > 0;
    Ok(broken.map_or(if given_up { Replayed::GivenUp } else { Replayed::Holds }, Replayed::Breaks))
}
