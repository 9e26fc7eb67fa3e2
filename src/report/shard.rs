//! The files of a shard: cells.bin, a table of what is in it, and the manifest.

use std::path::{Path, PathBuf};

use crate::experiment::cell::Cell;
use crate::experiment::kept::Task;
use crate::experiment::rows::NodeRow;
use crate::experiment::shard::ShardSink;
use crate::experiment::{NodeSink, Plan};
use crate::report::cells::Study;
use crate::report::csv::CsvFile;
use crate::report::files::CellsFile;
use crate::report::manifest::{self, Provenance, Ran};
use crate::report::partial::{Earlier, Partial};
use crate::report::{Output, WriteError};

/// The name of the table.
pub const TABLE: &str = "cells.csv";

/// The files of one shard.
#[derive(Debug)]
pub struct ShardFiles {
    // Dropped before the output, so that the directory is empty when that goes.
    partial: Partial,
    output: Output,
    cells: CellsFile,
    table: CsvFile,
}

impl ShardFiles {
    /// Begins all files in `dir`: with what an interrupted run of the same shard left there, if it is to be resumed.
    ///
    /// # Errors
    /// Where nothing can be written there, or what was left is another study's.
    pub fn begin(dir: &Path, study: &Study, resume: bool) -> Result<(Self, Earlier), WriteError> {
        let output = Output::begin(dir)?;
        let (partial, earlier) = Partial::begin(dir, study, resume)?;
        let varied = study.points.first().map_or(&[][..], |point| &point.varied);
        let files = Self {
            cells: CellsFile::create(&output, study)?,
            table: CsvFile::create::<NodeRow<'_>>(&output, TABLE, varied)?,
            partial,
            output,
        };
        Ok((files, earlier))
    }

    /// The run is given up: the nodes that are finished stay. Says how many they are, and where.
    pub fn give_up(mut self) -> (usize, PathBuf) {
        self.partial.keep()
    }

    /// Completes all files, adds the manifest and puts them in place.
    ///
    /// # Errors
    /// Where a file cannot be completed or moved.
    pub fn commit(self, plan: &Plan, engine: &str, provenance: &Provenance) -> Result<(), WriteError> {
        let Self { partial, mut output, cells, table } = self;
        table.finish(&mut output)?;
        cells.finish(&mut output)?;
        manifest::write(&mut output, plan, &Ran::all(plan, engine), provenance)?;
        output.commit()?;
        partial.done();
        Ok(())
    }
}

impl NodeSink for ShardFiles {
    type Error = WriteError;

    fn finished(&mut self, task: Task, bytes: &[u8]) -> Result<(), WriteError> {
        self.partial.add(task, bytes)
    }

    fn node(&mut self, task: Task, bytes: &[u8]) -> Result<(), WriteError> {
        self.cells.add(task, bytes)
    }
}

impl ShardSink for ShardFiles {
    fn alone(&mut self, plan: &Plan, engine: &'static str, task: Task, node: &Cell) -> Result<(), WriteError> {
        let row = NodeRow::new(plan, engine, task, &node.result);
        self.table.write(&plan.point(task).varied, [row])
    }
}
