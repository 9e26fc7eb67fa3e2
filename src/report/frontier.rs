//! What `farewell tune` leaves: every probe, what was found, loss against socket time as a drawing, and the same in words.

use serde_json::{Value, json};

use crate::experiment::Plan;
use crate::experiment::rows::{FrontierRow, TunedRow};
use crate::experiment::search::Wanted;
use crate::experiment::tune::{Budget, Probe, Tuned};
use crate::report::chart::axis::Axis;
use crate::report::chart::curves::{Curve, Spot, curves_with};
use crate::report::chart::{alone, series};
use crate::report::csv::CsvFile;
use crate::report::manifest::{self, Provenance, Ran};
use crate::report::units::{digits, micros, share};
use crate::report::{Output, WriteError, table};
use crate::scenario::measure::{Measure, Unit};
use crate::scenario::span::Span;

/// Every probe.
pub const TABLE: &str = "frontier.csv";
/// What was found.
pub const FOUND: &str = "tuned.csv";
/// The drawing.
pub const PLOT: &str = "frontier.svg";

/// A finished search.
#[derive(Debug)]
pub struct Frontier<'a> {
    /// The key that was searched.
    pub parameter: &'a str,
    /// From where to where.
    pub span: Span,
    /// Which of its values is wanted.
    pub wanted: Wanted,
    /// What may be spent.
    pub budgets: &'a [Budget],
    /// One a strategy, in the scenario's order.
    pub tuned: &'a [Tuned],
}

impl Frontier<'_> {
    /// Writes all files and the manifest into `output` and puts them in place.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn write(&self, mut output: Output, plan: &Plan, engine: &str, from: &Provenance) -> Result<(), WriteError> {
        let key = [(self.parameter.to_owned(), String::new())];
        let mut table = CsvFile::create::<FrontierRow<'_>>(&output, TABLE, &key)?;
        for tuned in self.tuned {
            for (_, probe) in &tuned.probes {
                let varied = [(self.parameter.to_owned(), probe.varied.clone())];
                table.write(&varied, [FrontierRow { strategy: &tuned.strategy, probe, budgets: self.budgets }])?;
            }
        }
        table.finish(&mut output)?;
        let mut found = CsvFile::create::<TunedRow<'_>>(&output, FOUND, &[])?;
        let budget: Vec<String> = self.budgets.iter().map(plain).collect();
        found.write(
            &[],
            self.tuned.iter().map(|tuned| TunedRow {
                parameter: self.parameter,
                wanted: self.wanted,
                budget: budget.join(" "),
                tuned,
            }),
        )?;
        found.finish(&mut output)?;
        output.write(PLOT, alone(&self.plot()).as_bytes())?;
        manifest::write(&mut output, plan, &Ran::all(plan, engine), from)?;
        output.commit()
    }

    /// Loss against socket time, a curve a strategy, what was found with its value.
    fn plot(&self) -> String {
        let points = |tuned: &Tuned| -> Vec<(f64, f64)> { tuned.probes.iter().filter_map(|(_, p)| at(p)).collect() };
        let all: Vec<Vec<(f64, f64)>> = self.tuned.iter().map(points).collect();
        let x = Axis::linear("socket time a stream in s", all.iter().flatten().map(|point| point.0));
        let y = Axis::linear("stanzas lost a stream", all.iter().flatten().map(|point| point.1));
        let drawn = all.into_iter().enumerate().map(|(index, points)| Curve {
            index,
            colour: series(index),
            points,
            band: Vec::new(),
            censored: false,
        });
        let drawn: Vec<Curve> = drawn.collect();
        let spots: Vec<Spot> = self.tuned.iter().enumerate().filter_map(|(i, tuned)| self.spot(i, tuned)).collect();
        curves_with(&x, &y, &drawn, &spots)
    }

    /// What was found, or else where the strategy's curve ends.
    fn spot(&self, index: usize, tuned: &Tuned) -> Option<Spot> {
        let found = tuned.value.and_then(|value| tuned.probes.iter().find(|(at, _)| at.total_cmp(&value).is_eq()));
        let (value, probe) = found.or(tuned.probes.last())?;
        let name = match tuned.value {
            Some(_) => format!("{}: {}", tuned.strategy, self.span.shown(*value)),
            None => tuned.strategy.clone(),
        };
        Some(Spot { name, index, colour: series(index), at: at(probe)?, wide: None, high: None })
    }

    /// The probes as a table: one row a strategy and value.
    pub fn table(&self) -> String {
        let mut rows = vec![
            ["strategy", self.parameter, "lost a stream", "socket time a stream", "within budget"]
                .map(str::to_owned)
                .to_vec(),
        ];
        for tuned in self.tuned {
            for (value, probe) in &tuned.probes {
                rows.push(vec![
                    tuned.strategy.clone(),
                    self.span.shown(*value),
                    spent(Measure::Lost, probe.lost.value, probe.lost.limits.ok()),
                    spent(Measure::SocketTime, probe.socket_time.value, probe.socket_time.limits.ok()),
                    probe.sureness(self.budgets).map_or_else(|| "no".to_owned(), |s| format!("{s:?}").to_lowercase()),
                ]);
            }
        }
        table::plain(&rows, 2)
    }

    /// What was found, one sentence a strategy.
    pub fn sentences(&self) -> Vec<String> {
        self.tuned.iter().map(|tuned| self.sentence(tuned)).collect()
    }

    fn sentence(&self, tuned: &Tuned) -> String {
        let Self { parameter, span, budgets, .. } = self;
        let wanted = if self.wanted == Wanted::Smallest { "smallest" } else { "largest" };
        let within: Vec<String> = budgets.iter().map(in_words).collect();
        let within = within.join(" and ");
        let name = &tuned.strategy;
        let Some(value) = tuned.value else {
            return format!(
                "{name}: no {parameter} from {} to {} has {within}: {}.",
                span.shown(span.low()),
                span.shown(span.high()),
                self.ends(tuned)
            );
        };
        let limits = match (tuned.possibly, tuned.surely) {
            _ if !tuned.limits => "; there is no interval (one seed, or a metric that has none)".to_owned(),
            (Some(a), Some(b)) => {
                format!(" (95 %: {} to {})", span.shown(a.min(b)), span.shown(a.max(b)))
            }
            (Some(a), None) => {
                let side = if self.wanted == Wanted::Smallest { "from" } else { "up to" };
                format!(" (95 %: {side} {}; no value in the range keeps it surely)", span.shown(a))
            }
            (None, _) => String::new(),
        };
        let uneven = if tuned.uneven { "; further on the budget is broken again, so look at the frontier" } else { "" };
        format!("{name}: the {wanted} {parameter} with {within} is {}{limits}{uneven}.", span.shown(value))
    }

    /// What is spent at both ends of the range.
    fn ends(&self, tuned: &Tuned) -> String {
        let of = |end: Option<&(f64, Probe)>| {
            end.map_or_else(String::new, |(value, probe)| {
                let spent: Vec<String> = probe
                    .spent
                    .iter()
                    .zip(self.budgets)
                    .map(|(estimate, budget)| {
                        let told = spent(budget.measure, estimate.value, estimate.limits.ok());
                        format!("{} is {}{told}", budget.measure.name(), just_above(budget, estimate.value))
                    })
                    .collect();
                format!("at {} {}", self.span.shown(*value), spent.join(", "))
            })
        };
        format!("{}; {}", of(tuned.probes.first()), of(tuned.probes.last()))
    }

    /// The same for `--json`.
    pub fn document(&self, engine: &str, scenario: &str, seeds: &[u64]) -> Value {
        let strategies = self.tuned.iter().map(|tuned| {
            let shown = |value: Option<f64>| value.map(|value| self.span.shown(value));
            json!({
                "strategy": tuned.strategy,
                "value": shown(tuned.value),
                "surely": shown(tuned.surely),
                "possibly": shown(tuned.possibly),
                "probes": tuned.probes.iter().map(|(value, probe)| json!({
                    "value": self.span.shown(*value),
                    "lost": probe.lost.value,
                    "socket_us": probe.socket_time.value,
                    "meets": probe.sureness(self.budgets).map(|s| format!("{s:?}").to_lowercase()),
                })).collect::<Vec<_>>(),
            })
        });
        json!({
            "program": "farewell",
            "version": env!("CARGO_PKG_VERSION"),
            "scenario": scenario,
            "engine": engine,
            "seeds": seeds,
            "parameter": self.parameter,
            "wanted": if self.wanted == Wanted::Smallest { "smallest" } else { "largest" },
            "budgets": self.budgets.iter().map(plain).collect::<Vec<_>>(),
            "strategies": strategies.collect::<Vec<_>>(),
            "finding": self.sentences(),
        })
    }
}

/// Socket time in seconds, and loss.
fn at(probe: &Probe) -> Option<(f64, f64)> {
    Some((probe.socket_time.value? / 1e6, probe.lost.value?))
}

fn shown(measure: Measure, value: f64) -> String {
    match measure.unit() {
        Unit::Micros => micros(value),
        Unit::Share => share(value),
        Unit::EachStream | Unit::Sockets => digits(value),
    }
}

fn spent(measure: Measure, value: Option<f64>, limits: Option<(f64, f64)>) -> String {
    let Some(value) = value else { return "-".to_owned() };
    let limits = limits
        .map_or_else(String::new, |(low, high)| format!(" ({} to {})", shown(measure, low), shown(measure, high)));
    shown(measure, value) + &limits
}

/// So that nobody reads that 24.0 s is more than 24.0 s.
fn just_above(budget: &Budget, value: Option<f64>) -> &'static str {
    let same = |value: f64| shown(budget.measure, value) == shown(budget.measure, budget.most);
    if value.is_some_and(|value| value > budget.most && same(value)) { "just above " } else { "" }
}

/// As it was asked for, in the unit of the files.
fn plain(budget: &Budget) -> String {
    format!("{}={}", budget.measure.name(), budget.most)
}

/// A budget for people.
pub fn in_words(budget: &Budget) -> String {
    format!("{} of at most {}", budget.measure.name(), shown(budget.measure, budget.most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_rounds_to_the_budget_and_breaks_it_is_said_to_be_above() {
        let budget = Budget { measure: Measure::SocketTime, most: 24e6 };
        let told = |value: f64| just_above(&budget, Some(value));
        assert_eq!([told(24e6), told(24.01e6), told(25e6)], ["", "just above ", ""]);
    }
}
