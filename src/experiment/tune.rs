//! The value of a parameter that meets a budget: what a probe says, and where budgets begin to hold.
//!
//! Every probe runs the same seeds, so that two values differ by the parameter alone (common random numbers). The interval of
//! the value is where the budget holds for the lower and for the upper limits of what is measured.

use std::collections::BTreeMap;

use crate::experiment::comparison::{ContenderResult, PointResult};
use crate::experiment::estimate::{Estimate, Gap};
use crate::experiment::measured::Measured;
use crate::experiment::search::{Wanted, search};
use crate::scenario::measure::{Measure, Unit};
use crate::scenario::span::Span;

/// What may be spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Budget {
    /// Of what.
    pub measure: Measure,
    /// The most, in the unit of the measure.
    pub most: f64,
}

/// How sure a budget's keeping must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sureness {
    /// The upper limit keeps it.
    Surely,
    /// The estimate does.
    Yes,
    /// Only the lower limit does.
    Possibly,
}

/// One strategy at one value.
#[derive(Clone, Debug, PartialEq)]
pub struct Probe {
    /// The value of the parameter as it stands in a CSV field.
    pub varied: String,
    /// Stanzas lost a stream.
    pub lost: Estimate,
    /// Socket time a closing.
    pub socket_time: Estimate,
    /// What each budget is about, in the order of the budgets.
    pub spent: Vec<Estimate>,
}

impl Probe {
    /// What a result says of one of its strategies.
    pub fn of(point: &PointResult, contender: usize, budgets: &[Budget]) -> Self {
        let contender = &point.contenders[contender];
        let of = |measure| with_limits(point.estimate(measure, contender), contender);
        Self {
            varied: point.varied.last().map_or_else(String::new, |(_, value)| value.clone()),
            lost: of(Measure::Lost),
            socket_time: of(Measure::SocketTime),
            spent: budgets.iter().map(|budget| of(budget.measure)).collect(),
        }
    }

    /// Whether every budget is kept so surely. What has no limits, or no value, keeps nothing surely.
    pub fn keeps(&self, budgets: &[Budget], sureness: Sureness) -> bool {
        self.spent.iter().zip(budgets).all(|(spent, budget)| {
            let limits = spent.limits.ok();
            let value = match sureness {
                Sureness::Surely => limits.map(|(_, high)| high),
                Sureness::Yes => spent.value,
                Sureness::Possibly => limits.map(|(low, _)| low),
            };
            value.is_some_and(|value| value <= budget.most)
        })
    }

    /// How surely every budget is kept; `None` if not even possibly.
    pub fn sureness(&self, budgets: &[Budget]) -> Option<Sureness> {
        let all = [Sureness::Surely, Sureness::Yes, Sureness::Possibly];
        all.into_iter().find(|sureness| self.keeps(budgets, *sureness))
    }

    /// Whether every measure has limits.
    fn has_limits(&self) -> bool {
        self.spent.iter().all(|spent| spent.limits.is_ok())
    }
}

/// What came of the search for one strategy.
#[derive(Clone, Debug, PartialEq)]
pub struct Tuned {
    /// The strategy.
    pub strategy: String,
    /// The wanted value; `None` where no value keeps the budget.
    pub value: Option<f64>,
    /// The value for which the upper limits keep it; `None` where there is none, or there are no limits.
    pub surely: Option<f64>,
    /// The value for which the lower limits keep it; `None` where there is none, or there are no limits.
    pub possibly: Option<f64>,
    /// Whether what was measured has limits.
    pub limits: bool,
    /// Whether the grid keeps the budget in more than one stretch, or on the other side only.
    pub uneven: bool,
    /// Every probe, by value.
    pub probes: Vec<(f64, Probe)>,
}

/// Searches for one strategy, from the probes of the grid and further ones as `probe` gives them.
///
/// # Errors
/// The first that `probe` gives.
pub fn tune<E>(
    strategy: &str,
    span: &Span,
    wanted: Wanted,
    budgets: &[Budget],
    grid: Vec<(f64, Probe)>,
    mut probe: impl FnMut(f64) -> Result<Probe, E>,
) -> Result<Tuned, E> {
    let values: Vec<f64> = grid.iter().map(|(value, _)| *value).collect();
    let kept: Vec<bool> = grid.iter().map(|(_, probe)| probe.keeps(budgets, Sureness::Yes)).collect();
    let limits = grid.iter().all(|(_, probe)| probe.has_limits());
    // Values are not negative, so that their bits have their order.
    let mut probes: BTreeMap<u64, Probe> = grid.into_iter().map(|(value, probe)| (value.to_bits(), probe)).collect();
    let mut of = |sureness| {
        search(span, &values, wanted, |value| {
            if let Some(known) = probes.get(&value.to_bits()) {
                return Ok(known.keeps(budgets, sureness));
            }
            let new = probe(value)?;
            let keeps = new.keeps(budgets, sureness);
            probes.insert(value.to_bits(), new);
            Ok(keeps)
        })
    };
    let value = of(Sureness::Yes)?;
    let surely = if limits { of(Sureness::Surely)? } else { None };
    let possibly = if limits { of(Sureness::Possibly)? } else { None };
    Ok(Tuned {
        strategy: strategy.to_owned(),
        value,
        surely,
        possibly,
        limits,
        uneven: is_uneven(&kept, wanted),
        probes: probes.into_iter().map(|(bits, probe)| (f64::from_bits(bits), probe)).collect(),
    })
}

/// Whether a budget that is kept from the wanted end on is broken again further on.
fn is_uneven(kept: &[bool], wanted: Wanted) -> bool {
    let mut ordered: Vec<bool> = kept.to_vec();
    if wanted == Wanted::Largest {
        ordered.reverse();
    }
    ordered.iter().skip_while(|kept| !**kept).any(|kept| !kept)
}

/// Gives limits to a number that has none in comparison.csv because it rests on too few events: those of a Poisson count, which
/// are wide. Whether they cover was not tested below that number; without any, a budget of next to nothing would never surely be kept.
fn with_limits(estimate: Estimate, contender: &ContenderResult) -> Estimate {
    if !matches!(estimate.limits, Err(Gap::Events { .. })) {
        return estimate;
    }
    let Measured::Events { events, .. } = Measured::of(estimate.measure, contender) else { return estimate };
    let limits = events.interval().map(|(interval, _)| (interval.low, interval.high));
    Estimate { limits: limits.ok_or(Gap::Nothing), ..estimate }
}

impl Budget {
    /// The value in the unit of the measure, as a file has it.
    pub fn unit(&self) -> Unit {
        self.measure.unit()
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::experiment::estimate::Method;

    fn estimate(value: f64, width: f64) -> Estimate {
        Estimate {
            measure: Measure::Lost,
            value: Some(value),
            limits: if width > 0.0 { Ok((value - width, value + width)) } else { Err(Gap::Seeds { needed: 10 }) },
            method: Method::Poisson,
            difference: None,
            seeds: 10,
            streams: 100,
            events: None,
        }
    }

    /// Loss falls as 1/value.
    fn probe(value: f64, width: f64) -> Probe {
        let lost = estimate(1.0 / value, width);
        Probe { varied: value.to_string(), lost: lost.clone(), socket_time: lost.clone(), spent: vec![lost] }
    }

    fn tuned(width: f64) -> Tuned {
        let span = Span::parse("1..100").unwrap();
        let budgets = [Budget { measure: Measure::Lost, most: 0.1 }];
        let grid = span.grid(3).into_iter().map(|value| (value, probe(value, width))).collect();
        tune("s", &span, Wanted::Smallest, &budgets, grid, |value| Ok::<_, Infallible>(probe(value, width)))
            .unwrap_or_else(|never| match never {})
    }

    #[test]
    fn the_interval_of_the_value_is_where_the_limits_keep_the_budget() {
        let tuned = tuned(0.02);
        assert_eq!((tuned.value, tuned.possibly, tuned.surely), (Some(10.0), Some(9.0), Some(13.0)));
        assert!(tuned.limits && !tuned.uneven && tuned.probes.len() > 3);
        assert!(tuned.probes.is_sorted_by(|a, b| a.0 < b.0));
    }

    #[test]
    fn without_limits_there_is_a_value_and_no_interval() {
        let tuned = tuned(0.0);
        assert_eq!((tuned.value, tuned.possibly, tuned.surely, tuned.limits), (Some(10.0), None, None, false));
    }

    #[test]
    fn a_budget_that_is_broken_again_is_noticed() {
        assert!(is_uneven(&[false, true, false], Wanted::Smallest));
        assert!(!is_uneven(&[false, true, true], Wanted::Smallest));
        assert!(is_uneven(&[false, true, true, false, true], Wanted::Largest));
        assert!(!is_uneven(&[true, true, false], Wanted::Largest));
    }
}
