//! The `[study]` table: how often a scenario is run, over which grid, and what its strategies are compared by.

use serde::{Deserialize, Serialize};

use crate::scenario::Contender;
use crate::scenario::error::{Problem, choices};
use crate::scenario::measure::{self, Measure};
use crate::scenario::tree::{Item, Table, Tree};

/// The most seeds of a study that stops by itself, unless it says how many.
const MOST_SEEDS: u32 = 1_280;

/// The seeds that such a study starts with.
pub const FIRST_SEEDS: u32 = 10;

/// How often and by what strategies are compared; the grid is in the sweep points.
#[derive(Clone, Debug, PartialEq)]
pub struct Study {
    /// Seeds; where the study stops by itself, the most it may have.
    pub seeds: u32,
    /// The strategy to which the others are compared, by its place among them.
    pub reference: usize,
    /// The rows of comparison.csv, in order.
    pub metrics: Vec<Measure>,
    /// When a study whose number of seeds is not fixed stops.
    pub until: Option<Precision>,
}

/// A relative precision.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Precision {
    /// Of what.
    pub measure: Measure,
    /// Half the width of the interval, as a share of the estimate.
    pub relative: f64,
}

impl std::fmt::Display for Precision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A percentage was written with few digits; the product may have more.
        let percent = (self.relative * 1e8).round() / 1e6;
        write!(f, "{}={percent}%", self.measure.name())
    }
}

/// `10%`, or `METRIC=10%`.
pub(super) fn precision(text: &str) -> Result<Precision, String> {
    let (name, percent) = text.split_once('=').unwrap_or((Measure::Lost.name(), text));
    let name = name.trim();
    let measure = Measure::named(name)?;
    if matches!(measure, Measure::MostOpenSockets | Measure::MostTimeWait) {
        return Err(format!("the largest value that was seen, {name}, has no interval"));
    }
    let number = percent.trim().strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(percent) if percent > 0.0 && percent < 100.0 => Ok(Precision { measure, relative: percent / 100.0 }),
        Some(_) => Err(format!("found {text:?}; allowed: above 0%, below 100%")),
        None => Err(format!("found {text:?}; a percentage ends in %")),
    }
}

/// The study of a checked document with these strategies; `None` if there are problems.
pub(super) fn study(root: &Table, strategies: &[Contender], problems: &mut Vec<Problem>) -> Option<Study> {
    let table = root.table("study")?;
    let until = table.get("until").and_then(|tree| if let Item::Precision(p) = tree.item { Some(p) } else { None });
    let seeds = seeds(table, until.is_some(), problems);
    let reference = reference(table, strategies, problems);
    let metrics = match table.get("metrics").and_then(Tree::list) {
        Some(list) => metrics(list, problems),
        None => Measure::all().collect(),
    };
    Some(Study { seeds: seeds?, reference: reference?, metrics, until })
}

fn seeds(table: &Table, until: bool, problems: &mut Vec<Problem>) -> Option<u32> {
    let Some(tree) = table.get("seeds") else { return Some(if until { MOST_SEEDS } else { 1 }) };
    let seeds = table.count("seeds")?;
    if until && seeds < FIRST_SEEDS {
        problems.push(Problem {
            title: "`study.seeds` is too small for `study.until`".to_owned(),
            label: format!("found {seeds}, the most seeds there may be; it starts with {FIRST_SEEDS}"),
            origin: tree.origin.clone(),
        });
        return None;
    }
    Some(seeds)
}

fn reference(table: &Table, strategies: &[Contender], problems: &mut Vec<Problem>) -> Option<usize> {
    let Some(tree) = table.get("reference") else { return Some(0) };
    let name = tree.text()?;
    let found = strategies.iter().position(|contender| contender.name == name);
    if found.is_none() {
        let names: Vec<&str> = strategies.iter().map(|contender| contender.name.as_str()).collect();
        problems.push(Problem {
            title: format!("the reference `{name}` is not one of the strategies"),
            label: choices(name, &names),
            origin: tree.origin.clone(),
        });
    }
    found
}

fn metrics(list: &[Tree], problems: &mut Vec<Problem>) -> Vec<Measure> {
    let mut metrics = Vec::new();
    for tree in list {
        let Some(name) = tree.text() else { continue };
        let Some(measure) = Measure::by_name(name) else {
            let title = format!("no metric is called `{name}`");
            problems.push(Problem { title, label: choices(name, &measure::names()), origin: tree.origin.clone() });
            continue;
        };
        if metrics.contains(&measure) {
            problems.push(Problem {
                title: format!("the metric `{}` is listed twice", measure.name()),
                label: "each has its rows once".to_owned(),
                origin: tree.origin.clone(),
            });
        }
        metrics.push(measure);
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_precision_names_its_metric_or_means_loss() {
        let shown = |text| precision(text).map(|p| p.to_string());
        assert_eq!(shown("10%"), Ok("lost=10%".to_owned()));
        assert_eq!(shown(" release_p50_us = 2.5 % "), Ok("release_p50_us=2.5%".to_owned()));
        for text in ["10", "0%", "100%", "nan%", "lots=5%", "most_open_sockets=5%", "=5%", ""] {
            assert!(precision(text).is_err(), "{text}");
        }
    }
}
