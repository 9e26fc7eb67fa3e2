//! comparison.csv: estimates with their intervals, as they were computed when the study was run.

use std::path::Path;

use crate::report::reading::rows::{Belonging, Table};
use crate::report::reading::{ReadError, Study};

/// A row of comparison.csv: one metric of one strategy at one sweep point.
#[derive(Clone, Debug, PartialEq)]
pub struct IntervalRow {
    /// Index of the sweep point.
    pub point: usize,
    /// Index of the strategy.
    pub strategy: usize,
    /// Name of the metric.
    pub metric: String,
    /// Estimate and its interval; the latter only where one may be given.
    pub value: Limits,
    /// Name of the strategy it is compared with; empty for that strategy itself.
    pub reference: String,
    /// Difference to the reference and its interval.
    pub difference: Limits,
    /// The name of the method.
    pub method: String,
}

/// An estimate with the ends of its interval.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Limits {
    /// The estimate.
    pub estimate: Option<f64>,
    /// Lower and upper end.
    pub interval: Option<(f64, f64)>,
}

pub(super) fn read(study: &Study, path: &Path) -> Result<Vec<IntervalRow>, ReadError> {
    let mut table = Table::open(path)?;
    let belonging = Belonging::new(study, &table)?;
    let column = |name: &str| table.column(name);
    let (metric, reference, method) = (column("metric")?, column("reference")?, column("method")?);
    let value = [column("estimate")?, column("low")?, column("high")?];
    let difference = [column("difference")?, column("diff_low")?, column("diff_high")?];
    let mut rows = Vec::new();
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = belonging.of(study, &row)?;
        let limits = |[estimate, low, high]: [usize; 3]| {
            let (low, high) = (row.float(low)?, row.float(high)?);
            Ok::<_, ReadError>(Limits { estimate: row.float(estimate)?, interval: low.zip(high) })
        };
        rows.push(IntervalRow {
            point,
            strategy,
            metric: row.text(metric).to_owned(),
            value: limits(value)?,
            reference: row.text(reference).to_owned(),
            difference: limits(difference)?,
            method: row.text(method).to_owned(),
        });
    }
    Ok(rows)
}
