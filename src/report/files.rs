//! The files of a result directory, filled as results come.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::experiment::comparison::{Comparison, PointResult};
use crate::experiment::kept::Task;
use crate::experiment::rows::{
    CapacityRow, ComparisonRow, LostRow, PercentileRow, ReturnsRow, StreamRow, SummaryRow, TimelineRow,
};
use crate::experiment::{Group, NodeSink, Plan, Pooled, Sink};
use crate::report::cells::{self, Study};
use crate::report::csv::CsvFile;
use crate::report::frontier;
use crate::report::manifest::{self, Provenance, Ran};
use crate::report::partial::{Earlier, Partial};
use crate::report::plan;
use crate::report::reading::REPORT;
use crate::report::{NewFile, Output, WriteError, at, hdr, shard};
use crate::scenario::measure::Measure;

/// Files whose names do not depend on the scenario; streams.csv and the report only where they were asked for, others
/// only where the scenario has what they are about.
pub(super) const FIXED: [&str; 16] = [
    "summary.csv",
    "streams.csv",
    "lost.csv",
    "percentiles.csv",
    "comparison.csv",
    "timeline.csv",
    "returns.csv",
    "capacity.csv",
    frontier::TABLE,
    frontier::FOUND,
    frontier::PLOT,
    plan::TABLE,
    cells::NAME,
    shard::TABLE,
    REPORT,
    manifest::NAME,
];

/// The files of one run.
#[derive(Debug)]
pub struct Files {
    // Dropped before the output, so that the directory is empty when that goes.
    partial: Partial,
    output: Output,
    summary: CsvFile,
    streams: Option<CsvFile>,
    lost: CsvFile,
    percentiles: CsvFile,
    comparison: CsvFile,
    metrics: Vec<Measure>,
    timeline: CsvFile,
    returns: Option<CsvFile>,
    capacity: Option<CsvFile>,
    cells: Option<CellsFile>,
    points: usize,
}

impl Files {
    /// Begins all files in `dir`: with what an interrupted run of the same study left there, if it is to be resumed.
    ///
    /// # Errors
    /// Where nothing can be written there, or what was left is another study's.
    pub fn begin(dir: &Path, study: &Study, resume: bool) -> Result<(Self, Earlier), WriteError> {
        let output = Output::begin(dir)?;
        let (partial, earlier) = Partial::begin(dir, study, resume)?;
        let varied = study.points.first().map_or(&[][..], |point| &point.varied);
        let streams =
            study.streams.then(|| CsvFile::create::<StreamRow<'_>>(&output, "streams.csv", varied)).transpose()?;
        let comes_back = study.points.iter().any(|point| point.scenario.reconnect.is_some());
        let returns =
            comes_back.then(|| CsvFile::create::<ReturnsRow<'_>>(&output, "returns.csv", varied)).transpose()?;
        let reckons = study.points.iter().any(|point| point.scenario.server.is_some());
        let capacity =
            reckons.then(|| CsvFile::create::<CapacityRow<'_>>(&output, "capacity.csv", varied)).transpose()?;
        let files = Self {
            summary: CsvFile::create::<SummaryRow<'_>>(&output, "summary.csv", varied)?,
            streams,
            lost: CsvFile::create::<LostRow<'_>>(&output, "lost.csv", varied)?,
            percentiles: CsvFile::create::<PercentileRow<'_>>(&output, "percentiles.csv", varied)?,
            comparison: CsvFile::create::<ComparisonRow<'_>>(&output, "comparison.csv", varied)?,
            metrics: study.metrics.clone(),
            timeline: CsvFile::create::<TimelineRow<'_>>(&output, "timeline.csv", varied)?,
            returns,
            capacity,
            cells: is_study(study).then(|| CellsFile::create(&output, study)).transpose()?,
            partial,
            output,
            points: 0,
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
    pub fn commit(self, plan: &Plan, comparison: &Comparison, provenance: &Provenance) -> Result<(), WriteError> {
        let Self {
            partial,
            mut output,
            summary,
            streams,
            lost,
            percentiles,
            comparison: compared,
            timeline,
            returns,
            capacity,
            cells,
            ..
        } = self;
        let always = [summary, lost, percentiles, compared, timeline];
        for file in always.into_iter().chain(streams).chain(returns).chain(capacity) {
            file.finish(&mut output)?;
        }
        if let Some(cells) = cells {
            cells.finish(&mut output)?;
        }
        manifest::write(&mut output, plan, &Ran::of(comparison), provenance)?;
        output.commit()?;
        partial.done();
        Ok(())
    }
}

/// Whether a run's cells are worth keeping: more seeds may be added to it.
fn is_study(study: &Study) -> bool {
    study.seeds.len() > 1 || study.points.len() > 1
}

/// cells.bin as it will be: in the order of the plan.
#[derive(Debug)]
pub(super) struct CellsFile {
    file: NewFile,
}

impl CellsFile {
    pub(super) fn create(output: &Output, study: &Study) -> Result<Self, WriteError> {
        let mut file = output.create(cells::NAME)?;
        let beginning = cells::beginning(study).map_err(at(file.path()))?;
        file.write_all(&beginning).map_err(at(file.path()))?;
        Ok(Self { file })
    }

    pub(super) fn add(&mut self, task: Task, node: &[u8]) -> Result<(), WriteError> {
        let record = cells::record(task, node).map_err(at(self.file.path()))?;
        self.file.write_all(&record).map_err(at(self.file.path()))
    }

    pub(super) fn finish(self, output: &mut Output) -> Result<(), WriteError> {
        output.finish(self.file)
    }
}

impl NodeSink for Files {
    type Error = WriteError;

    fn finished(&mut self, task: Task, bytes: &[u8]) -> Result<(), WriteError> {
        self.partial.add(task, bytes)
    }

    fn node(&mut self, task: Task, bytes: &[u8]) -> Result<(), WriteError> {
        self.cells.as_mut().map_or(Ok(()), |cells| cells.add(task, bytes))
    }
}

impl Sink for Files {
    fn group(&mut self, group: &Group<'_>) -> Result<(), WriteError> {
        let varied = &group.point.varied;
        self.summary.write(varied, group.summary())?;
        self.lost.write(varied, group.lost())?;
        self.timeline.write(varied, group.timeline())?;
        if let Some(returns) = &mut self.returns {
            returns.write(varied, group.returns())?;
        }
        if let Some(capacity) = &mut self.capacity {
            capacity.write(varied, group.capacity())?;
        }
        self.streams.as_mut().map_or(Ok(()), |streams| streams.write(varied, group.streams()))
    }

    fn pooled(&mut self, pooled: &Pooled<'_>) -> Result<(), WriteError> {
        let point = pooled.point;
        self.points += 1;
        self.percentiles.write(&point.varied, pooled.percentiles())?;
        for (strategy, metric, sample) in pooled.named() {
            let name = hdr::file_name(metric, strategy, &point.varied, self.points);
            let log = hdr::log(strategy, metric, sample, point.scenario.duration)
                .map_err(at(&self.output.dir.join(&name)))?;
            self.output.write(&name, &log)?;
        }
        Ok(())
    }

    fn compared(&mut self, point: &PointResult) -> Result<(), WriteError> {
        self.comparison.write(&point.varied, point.comparison(self.metrics.iter().copied()))
    }
}
