//! The files of a result directory, filled as results come.

use std::path::Path;

use crate::experiment::comparison::{Comparison, PointResult};
use crate::experiment::rows::{ComparisonRow, LostRow, PercentileRow, StreamRow, SummaryRow, TimelineRow};
use crate::experiment::{Group, Plan, Pooled, Sink};
use crate::report::csv::CsvFile;
use crate::report::manifest::{self, Provenance};
use crate::report::reading::REPORT;
use crate::report::{Output, WriteError, at, hdr};
use crate::scenario::measure::Measure;

/// Files whose names do not depend on the scenario; streams.csv and the report only where they were asked for.
pub(super) const FIXED: [&str; 8] = [
    "summary.csv",
    "streams.csv",
    "lost.csv",
    "percentiles.csv",
    "comparison.csv",
    "timeline.csv",
    REPORT,
    manifest::NAME,
];

/// The files of one run.
#[derive(Debug)]
pub struct Files {
    output: Output,
    summary: CsvFile,
    streams: Option<CsvFile>,
    lost: CsvFile,
    percentiles: CsvFile,
    comparison: CsvFile,
    metrics: Vec<Measure>,
    timeline: CsvFile,
    points: usize,
}

impl Files {
    /// Begins all files in `dir`.
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub fn begin(dir: &Path, plan: &Plan) -> Result<Self, WriteError> {
        let output = Output::begin(dir)?;
        let varied = plan.points.first().map_or(&[][..], |point| &point.varied);
        let streams =
            plan.streams.then(|| CsvFile::create::<StreamRow<'_>>(&output, "streams.csv", varied)).transpose()?;
        Ok(Self {
            summary: CsvFile::create::<SummaryRow<'_>>(&output, "summary.csv", varied)?,
            streams,
            lost: CsvFile::create::<LostRow<'_>>(&output, "lost.csv", varied)?,
            percentiles: CsvFile::create::<PercentileRow<'_>>(&output, "percentiles.csv", varied)?,
            comparison: CsvFile::create::<ComparisonRow<'_>>(&output, "comparison.csv", varied)?,
            metrics: plan.metrics.clone(),
            timeline: CsvFile::create::<TimelineRow<'_>>(&output, "timeline.csv", varied)?,
            output,
            points: 0,
        })
    }

    /// Completes all files, adds the manifest and puts them in place.
    ///
    /// # Errors
    /// Where a file cannot be completed or moved.
    pub fn commit(self, plan: &Plan, comparison: &Comparison, provenance: &Provenance) -> Result<(), WriteError> {
        let Self { mut output, summary, streams, lost, percentiles, comparison: compared, timeline, .. } = self;
        let always = [summary, lost, percentiles, compared, timeline];
        for file in always.into_iter().chain(streams) {
            file.finish(&mut output)?;
        }
        manifest::write(&mut output, plan, comparison, provenance)?;
        output.commit()
    }
}

impl Sink for Files {
    type Error = WriteError;

    fn group(&mut self, group: &Group<'_>) -> Result<(), WriteError> {
        let varied = &group.point.varied;
        self.summary.write(varied, group.summary())?;
        self.lost.write(varied, group.lost())?;
        self.timeline.write(varied, group.timeline())?;
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
