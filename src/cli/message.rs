//! Every warning: what was seen, why it matters, and what helps.

use std::fmt;

use crate::experiment::comparison::{Comparison, ContenderResult};
use crate::ledger::fate::Outcome;
use crate::time::Micros;

/// A reason to look twice before trusting a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Warning {
    /// Closings were not over when the run ended.
    Unfinished {
        /// Where it was worst.
        strategy: String,
        /// Streams.
        unfinished: u64,
        /// Of so many.
        streams: u64,
        /// Simulated time of the run.
        duration: Micros,
    },
    /// Lost stanzas of streams that nobody was closing.
    LostWithoutClosing {
        /// Whose.
        strategy: String,
        /// Stanzas.
        lost: u64,
    },
    /// Bytes after a close tag: the strategy breaks RFC 6120 §4.4.
    Violations {
        /// Whose.
        strategy: String,
        /// Bytes.
        bytes: u64,
    },
}

impl Warning {
    /// The warnings that a run deserves; each kind once, where it is worst.
    pub fn of(comparison: &Comparison) -> Vec<Self> {
        let all = || comparison.points.iter().flat_map(|p| p.contenders.iter().map(move |c| (p, c)));
        let worst = |amount: fn(&ContenderResult) -> u64| {
            // Of equals the first, where `max_by_key` takes the last.
            all().filter(|(_, c)| amount(c) > 0).reduce(|best, c| if amount(c.1) > amount(best.1) { c } else { best })
        };
        let mut warnings = Vec::new();
        if let Some((point, c)) = worst(|c| c.total.outcome(Outcome::Unfinished)) {
            warnings.push(Self::Unfinished {
                strategy: c.strategy.clone(),
                unfinished: c.total.outcome(Outcome::Unfinished),
                streams: c.total.streams,
                duration: point.scenario.duration,
            });
        }
        if let Some((_, c)) = worst(|c| c.total.lost_undecided) {
            warnings.push(Self::LostWithoutClosing { strategy: c.strategy.clone(), lost: c.total.lost_undecided });
        }
        if let Some((_, c)) = worst(|c| c.total.violations) {
            warnings.push(Self::Violations { strategy: c.strategy.clone(), bytes: c.total.violations });
        }
        warnings
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished { strategy, unfinished, streams, duration } => write!(
                f,
                "{unfinished} of {streams} streams of {strategy} were not closed when the run ended after {duration}: \
                 it was too short for them, and their times are missing; a longer one helps: `--set duration=...`"
            ),
            Self::LostWithoutClosing { strategy, lost } => write!(
                f,
                "{lost} lost stanzas of {strategy} belong to streams whose closer had not decided when the run ended: \
                 no closing lost them; a longer run helps: `--set duration=...`"
            ),
            Self::Violations { strategy, bytes } => {
                write!(f, "{strategy} wrote {bytes} bytes after its close tag, which RFC 6120 section 4.4 forbids")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::comparison::PointResult;
    use crate::experiment::testing::scenario;

    fn comparison(change: impl Fn(&mut ContenderResult)) -> Comparison {
        let strategies = ["handshake", "timeout-error"];
        let contender = |(i, name): (u64, &&str)| {
            let mut contender = ContenderResult {
                strategy: (*name).to_owned(),
                seeds: Vec::new(),
                total: crate::experiment::cell::Tally { streams: 100 + i, ..Default::default() },
                figures: Default::default(),
                quantiles: Default::default(),
            };
            change(&mut contender);
            contender
        };
        let contenders = (0..).zip(&strategies).map(contender).collect();
        let point =
            PointResult { varied: Vec::new(), scenario: scenario(&strategies, 100, 1), contenders, reference: 0 };
        Comparison { engine: "made-up", seeds: vec![1], until: None, points: vec![point] }
    }

    #[test]
    fn a_good_run_deserves_no_warning() {
        assert_eq!(Warning::of(&comparison(|_| ())), []);
    }

    #[test]
    fn closings_that_the_end_cut_off_are_named_where_they_are_most() {
        let cut = comparison(|c| c.total.outcomes[Outcome::Unfinished as usize] = c.total.streams - 98);
        let warnings = Warning::of(&cut);
        let [warning] = &warnings[..] else { panic!("{warnings:?}") };
        assert!(warning.to_string().starts_with(
            "3 of 101 streams of timeout-error were not closed when the run ended after 10s: it was too short"
        ));
    }

    #[test]
    fn bytes_after_the_tag_are_named() {
        let warnings = Warning::of(&comparison(|c| c.total.violations = 7));
        assert_eq!(
            warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
            ["handshake wrote 7 bytes after its close tag, which RFC 6120 section 4.4 forbids"]
        );
    }
}
