//! What a whole run says: the numbers behind the table, the finding and `--json`.

use crate::experiment::cell::{Figures, Quantiles, SeedResult, Tally, quantiles};
use crate::experiment::estimate::{Estimate, estimate};
use crate::ledger::metric::{Metric, Ranked};
use crate::scenario::measure::Measure;
use crate::scenario::study::Precision;
use crate::scenario::{Scenario, SweepPoint};

/// A whole run.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The engine's name.
    pub engine: &'static str,
    /// The seeds, in order; where seeds were added until enough was known, those of the point that took most.
    pub seeds: Vec<u64>,
    /// What seeds were added for, where their number was not fixed beforehand.
    pub until: Option<Precision>,
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
    /// The one to which the others are compared.
    pub reference: usize,
}

impl PointResult {
    pub(super) fn new(point: &SweepPoint, reference: usize, contenders: Vec<ContenderResult>) -> Self {
        Self { varied: point.varied.clone(), scenario: point.scenario.clone(), contenders, reference }
    }

    /// The strategy to which the others are compared.
    pub fn reference(&self) -> &ContenderResult {
        &self.contenders[self.reference]
    }

    /// The strategies that are compared to the reference, in order.
    pub fn others(&self) -> impl Iterator<Item = &ContenderResult> {
        let others = self.contenders.iter().enumerate().filter(|(i, _)| *i != self.reference);
        others.map(|(_, contender)| contender)
    }

    /// What can be said of a measure under a strategy.
    pub fn estimate(&self, measure: Measure, contender: &ContenderResult) -> Estimate {
        let reference = self.reference();
        let against = (contender.strategy != reference.strategy).then_some(reference);
        estimate(measure, contender, against, self.contenders.len())
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
    /// The same with closings that were cut off reckoned in up to their age, for comparison.csv.
    pub quantiles: Quantiles,
}

impl ContenderResult {
    pub(super) fn new(strategy: &str, seeds: Vec<SeedResult>, samples: &[Ranked; 4]) -> Self {
        let mut total = Tally::default();
        for seed in &seeds {
            total.merge(&seed.tally);
        }
        let figures = std::array::from_fn(|i| Figures::of(&samples[i]));
        Self { strategy: strategy.to_owned(), seeds, total, figures, quantiles: quantiles(samples) }
    }

    /// The same strategy under fewer seeds, as if a smaller study had run these. It has no percentiles over all closings
    /// together: those are not in the results of the seeds.
    #[must_use]
    pub fn under(&self, seeds: &[SeedResult]) -> Self {
        Self::new(&self.strategy, seeds.to_vec(), &Default::default())
    }

    /// Percentiles of a metric over the closings of all seeds.
    pub const fn figures(&self, metric: Metric) -> &Figures {
        &self.figures[metric.index()]
    }
}
