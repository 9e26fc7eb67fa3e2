//! What a whole run says: the numbers behind the table, the finding and `--json`.

use crate::experiment::cell::{Figures, SeedResult, Tally};
use crate::ledger::metric::{Metric, Ranked};
use crate::scenario::{Scenario, SweepPoint};

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The engine's name.
    pub engine: &'static str,
    /// The seeds, in order.
    pub seeds: Vec<u64>,
    /// One result a sweep point, in order.
    pub points: Vec<PointResult>,
}

/// All strategies at one sweep point.
#[derive(Clone, Debug, PartialEq)]
pub struct PointResult {
    /// Varied keys with their values; empty where nothing is swept.
    pub varied: Vec<(String, String)>,
    /// The scenario.
    pub scenario: Scenario,
    /// One result a strategy, in the scenario's order.
    pub contenders: Vec<ContenderResult>,
}

impl PointResult {
    pub(super) fn new(point: &SweepPoint, contenders: Vec<ContenderResult>) -> Self {
        Self { varied: point.varied.clone(), scenario: point.scenario.clone(), contenders }
    }
}

/// One strategy at one sweep point, all seeds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContenderResult {
    /// The strategy's name.
    pub strategy: String,
    /// One result a seed, in order.
    pub seeds: Vec<SeedResult>,
    /// Sums over seeds.
    pub total: Tally,
    /// Percentiles over the closings of all seeds, by [`Metric::index`].
    pub figures: [Figures; 4],
}

impl ContenderResult {
    pub(super) fn new(strategy: &str, seeds: Vec<SeedResult>, samples: &[Ranked; 4]) -> Self {
        let mut total = Tally::default();
        for seed in &seeds {
            total.merge(&seed.tally);
        }
        let figures = std::array::from_fn(|i| Figures::of(&samples[i]));
        Self { strategy: strategy.to_owned(), seeds, total, figures }
    }

    /// Percentiles of a metric over the closings of all seeds.
    pub const fn figures(&self, metric: Metric) -> &Figures {
        &self.figures[metric.index()]
    }
}
