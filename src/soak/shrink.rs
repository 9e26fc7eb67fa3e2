//! From a scenario that breaks a promise to a small one that breaks the same: parts are taken out and values made simpler
//! as long as it does.

use toml::{Table, Value};

use crate::scenario::Scenario;
use crate::soak::check::{Broken, Depth, MOST_STEPS, Promise, Reference, check};
use crate::soak::coverage::{Coverage, GIVEN_UP, STEPS};
use crate::soak::document;
use crate::soak::guard::guarded;

/// Packets and deadlines that may be spent on one scenario: a document that is smaller may be one that takes longer.
const MOST_WORK: u64 = 150_000_000;

/// What a try counts at least.
const LEAST_WORK: u64 = 100_000;

/// The smallest document found, and how it breaks.
pub(crate) fn shrink(document: &Table, broken: Broken) -> (Table, Broken) {
    let mut best = (document.clone(), broken);
    let mut work = 0;
    loop {
        let mut smaller = false;
        for path in paths(&best.0) {
            for change in Change::ALL {
                if work >= MOST_WORK {
                    return best;
                }
                // Something else may have taken the place away by now.
                let mut candidate = best.0.clone();
                if !change.apply(&mut candidate, &path) || candidate == best.0 {
                    continue;
                }
                if let Some(broken) = breaks(&candidate, best.1.promise, &mut work) {
                    best = (candidate, broken);
                    smaller = true;
                    if change == Change::Remove {
                        break;
                    }
                }
            }
        }
        if !smaller {
            return best;
        }
    }
}

/// How a document breaks a promise, if it does; adds what it took to find out.
fn breaks(document: &Table, promise: Promise, work: &mut u64) -> Option<Broken> {
    let broken = match guarded(|| document::load(document)) {
        Ok(scenario) => broken_by(&scenario.ok()?, promise, work),
        Err(what) => Some(Broken { promise: Promise::NoPanic, what }),
    };
    broken.filter(|broken| broken.promise == promise)
}

/// What a scenario breaks, looked at as deep as this promise needs.
fn broken_by(scenario: &Scenario, promise: Promise, work: &mut u64) -> Option<Broken> {
    let depth = Depth {
        steps: MOST_STEPS,
        engines: if promise == Promise::Engines { Reference::Asked } else { Reference::No },
        twice: promise == Promise::Repeatable,
    };
    let mut coverage = Coverage::default();
    let broken = check(scenario, depth, &mut coverage).err();
    let endless = broken.as_ref().is_some_and(|broken| broken.promise == Promise::Ends);
    let stopped = coverage.amount(GIVEN_UP) + u64::from(endless);
    *work += (coverage.amount(STEPS) + stopped * MOST_STEPS).max(LEAST_WORK);
    broken
}

/// A step on the way down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Change {
    /// It is not there.
    Remove,
    /// The smallest number there is, the plainest word.
    Least,
    /// Half of it.
    Half,
    /// With one digit.
    Round,
}

impl Change {
    const ALL: [Self; 4] = [Self::Remove, Self::Least, Self::Half, Self::Round];

    /// Changes what stands at a path; whether it can be changed so.
    fn apply(self, document: &mut Table, path: &[Step]) -> bool {
        let Some((end, above)) = path.split_last() else { return false };
        let Some(parent) = walk(document, above) else { return false };
        if self == Self::Remove {
            return match (parent, end) {
                (Parent::Table(table), Step::Key(key)) => table.remove(key).is_some(),
                (Parent::List(list), Step::Index(index)) if *index < list.len() => {
                    list.remove(*index);
                    true
                }
                _ => false,
            };
        }
        let found = match (parent, end) {
            (Parent::Table(table), Step::Key(key)) => table.get_mut(key),
            (Parent::List(list), Step::Index(index)) => list.get_mut(*index),
            _ => None,
        };
        let Some(found) = found else { return false };
        let simpler = self.simpler(found);
        simpler.is_some_and(|simpler| {
            *found = simpler;
            true
        })
    }

    fn simpler(self, value: &Value) -> Option<Value> {
        match value {
            Value::Integer(n) => Some(Value::Integer(self.number(*n)?)),
            Value::Float(x) => match self {
                Self::Least => Some(Value::Float(1.0)),
                Self::Half => None,
                Self::Round | Self::Remove => format!("{x:.1}").parse().ok().map(Value::Float),
            },
            Value::String(text) => {
                let time = humantime::parse_duration(text).ok()?;
                let us = i64::try_from(time.as_micros()).ok()?;
                let us = u64::try_from(self.number(us)?).ok()?;
                Some(Value::String(crate::time::Micros::new(us).to_string()))
            }
            // The first form of a table that is a value: a plain time.
            Value::Table(_) if self == Self::Least => Some(Value::String("20ms".to_owned())),
            Value::Table(_) | Value::Array(_) | Value::Boolean(_) | Value::Datetime(_) => None,
        }
    }

    fn number(self, n: i64) -> Option<i64> {
        match self {
            Self::Remove => None,
            Self::Least => Some(1),
            Self::Half => Some(n / 2).filter(|half| *half > 0),
            Self::Round => {
                let digit = 10_i64.checked_pow(n.checked_ilog10()?)?;
                Some((n + digit / 2) / digit * digit)
            }
        }
    }
}

/// A step of the way to a value.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Index(usize),
}

enum Parent<'a> {
    Table(&'a mut Table),
    List(&'a mut Vec<Value>),
}

fn walk<'a>(document: &'a mut Table, path: &[Step]) -> Option<Parent<'a>> {
    let mut here = Parent::Table(document);
    for step in path {
        let next = match (here, step) {
            (Parent::Table(table), Step::Key(key)) => table.get_mut(key)?,
            (Parent::List(list), Step::Index(index)) => list.get_mut(*index)?,
            _ => return None,
        };
        here = match next {
            Value::Table(table) => Parent::Table(table),
            Value::Array(list) => Parent::List(list),
            Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {
                return None;
            }
        };
    }
    Some(here)
}

/// The way to every value: what holds others before what it holds, the last of a list first, so that a removal leaves the
/// places of the others alone.
fn paths(document: &Table) -> Vec<Vec<Step>> {
    let mut levels: Vec<Vec<Step>> = Vec::new();
    let mut todo: Vec<(Vec<Step>, &Value)> =
        document.iter().map(|(key, value)| (vec![Step::Key(key.clone())], value)).collect();
    while !todo.is_empty() {
        let mut below = Vec::new();
        for (path, value) in todo {
            let further = |step: Step| [path.as_slice(), &[step]].concat();
            match value {
                Value::Table(table) => {
                    below.extend(table.iter().map(|(key, value)| (further(Step::Key(key.clone())), value)));
                }
                Value::Array(list) => {
                    below.extend(list.iter().enumerate().rev().map(|(i, value)| (further(Step::Index(i)), value)));
                }
                Value::String(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
            }
            levels.push(path);
        }
        todo = below;
    }
    levels
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_lead_down() {
        let mut table: Table = "a = 1234\nt = \"1500ms\"\nx = 0.1234\n[[c]]\nn = 1\n[[c]]\nn = 2\n".parse().unwrap();
        let at = |key: &str| vec![Step::Key(key.to_owned())];
        assert!(Change::Round.apply(&mut table, &at("a")) && Change::Half.apply(&mut table, &at("t")));
        assert!(Change::Round.apply(&mut table, &at("x")));
        assert!(Change::Remove.apply(&mut table, &[Step::Key("c".into()), Step::Index(1)]));
        assert!(!Change::Remove.apply(&mut table, &at("b")) && !Change::Half.apply(&mut table, &at("c")));
        let left: Table = "a = 1000\nt = \"750ms\"\nx = 0.1\n[[c]]\nn = 1\n".parse().unwrap();
        assert_eq!(table, left);
        assert_eq!(paths(&left).len(), 6);
    }

    #[test]
    fn no_step_down_makes_the_loader_panic() {
        for run in 0..40 {
            let document = crate::soak::draw::scenario(12, run).unwrap().document;
            for path in paths(&document) {
                for change in Change::ALL {
                    let mut candidate = document.clone();
                    if change.apply(&mut candidate, &path) {
                        let loaded = guarded(|| document::load(&candidate));
                        assert!(loaded.is_ok(), "run {run}, {change:?} of {path:?}: {loaded:?}");
                    }
                }
            }
        }
    }
}
