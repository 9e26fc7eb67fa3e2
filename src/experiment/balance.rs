//! The sums of every stream must balance, both directions, every run.
//!
//! This looks at what a node leaves behind and shares no code with what wrote it.

use crate::id::StreamId;
use crate::ledger::fate::{Direction, Observed, Outcome};
use crate::ledger::metric::Metric;
use crate::ledger::record::{LostStanza, NodeLedger, StreamRecord, Totals};
use crate::ledger::returns::Returns;

/// What does not balance, and in which stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Imbalance {
    /// Stanzas appeared or disappeared.
    #[error(
        "stream {}, {}: {} stanzas were sent, but {} delivered and {} lost",
        stream.0, direction.name(), totals.sent, totals.delivered, totals.lost
    )]
    Stanzas {
        /// The stream.
        stream: StreamId,
        /// The way.
        direction: Direction,
        /// Its totals.
        totals: Totals,
    },
    /// Lost stanzas without a place of death, or more of them than were lost.
    #[error("stream {}, {}: {lost} stanzas lost, but {listed} with a place of death", stream.0, direction.name())]
    Places {
        /// The stream.
        stream: StreamId,
        /// The way.
        direction: Direction,
        /// Lost by the totals.
        lost: u32,
        /// Lost by the list.
        listed: u32,
    },
    /// More lost stanzas came back than were lost.
    #[error("stream {}: {recovered} of {lost} lost stanzas were delivered on another stream", stream.0)]
    Recovered {
        /// The stream.
        stream: StreamId,
        /// Lost, both ways.
        lost: u32,
        /// Delivered on another stream.
        recovered: u32,
    },
    /// A closing that was never decided has an outcome or a time.
    #[error("stream {}: its closer never decided, but its closing is {} or has a time", stream.0, outcome.name())]
    Undecided {
        /// The stream.
        stream: StreamId,
        /// Its outcome.
        outcome: Outcome,
    },
    /// An absence without an end, or with two.
    #[error(
        "peers were away {} times, but came back {}, gave up {}, stayed away {} and were still away {} times",
        .0.absences, .0.returned, .0.gave_up, .0.stayed_away, .0.still_away
    )]
    Absences(Box<Returns>),
    /// Streams or lost stanzas are missing, doubled or out of order.
    #[error("stream {}: streams and lost stanzas do not come one after another in order", stream.0)]
    Order {
        /// The first stream that is not where it should be.
        stream: StreamId,
    },
}

/// Checks every stream of a node.
///
/// # Errors
/// The first imbalance.
pub fn check(ledger: &NodeLedger) -> Result<(), Imbalance> {
    let mut lost = ledger.lost.as_slice();
    let mut before = None;
    for stream in &ledger.streams {
        if before.replace(stream.stream) >= Some(stream.stream) {
            return Err(Imbalance::Order { stream: stream.stream });
        }
        let own = lost.partition_point(|stanza| stanza.stream <= stream.stream);
        check_stream(stream, &lost[..own])?;
        lost = &lost[own..];
    }
    if let Some(returns) = ledger.returns.as_ref().filter(|returns| !returns.balances()) {
        return Err(Imbalance::Absences(Box::new(returns.clone())));
    }
    match lost {
        [] => Ok(()),
        [stanza, ..] => Err(Imbalance::Order { stream: stanza.stream }),
    }
}

fn check_stream(record: &StreamRecord, lost: &[LostStanza]) -> Result<(), Imbalance> {
    let stream = record.stream;
    if lost.iter().any(|stanza| stanza.stream != stream) || !lost.is_sorted_by(|a, b| key(a) < key(b)) {
        return Err(Imbalance::Order { stream });
    }
    for (direction, totals) in [(Direction::ToCloser, record.to_closer), (Direction::ToPeer, record.to_peer)] {
        if u64::from(totals.sent) != u64::from(totals.delivered) + u64::from(totals.lost) {
            return Err(Imbalance::Stanzas { stream, direction, totals });
        }
        let listed = lost.iter().filter(|stanza| stanza.direction == direction).fold(0, |n, _| n + 1);
        if listed != totals.lost {
            return Err(Imbalance::Places { stream, direction, lost: totals.lost, listed });
        }
    }
    let (lost, recovered) = (record.to_closer.lost + record.to_peer.lost, record.recovered);
    if recovered > lost {
        return Err(Imbalance::Recovered { stream, lost, recovered });
    }
    let happened = Metric::ALL.iter().any(|metric| metric.of(record) != Observed::Never);
    if record.decision.is_none() && (happened || record.outcome != Outcome::Unfinished) {
        return Err(Imbalance::Undecided { stream, outcome: record.outcome });
    }
    Ok(())
}

fn key(stanza: &LostStanza) -> (Direction, u32) {
    (stanza.direction, stanza.stanza)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::{Engine, NodeRun, Unwatched};
    use crate::experiment::testing::{MadeUp, scenario};
    use crate::id::NodeId;

    /// A ledger that balances, with lost stanzas.
    fn ledger() -> NodeLedger {
        let scenario = scenario(&["handshake", "timeout-error"], 40, 1);
        let run = NodeRun { scenario: &scenario, contender: 1, seed: 1, node: NodeId(0) };
        MadeUp::default().run(&run, &Unwatched).unwrap()
    }

    fn found(damage: impl FnOnce(&mut NodeLedger)) -> String {
        let mut ledger = ledger();
        assert_eq!(check(&ledger), Ok(()));
        damage(&mut ledger);
        check(&ledger).unwrap_err().to_string()
    }

    #[test]
    fn a_lost_stanza_needs_a_place_of_death() {
        let stream = ledger().lost.last().unwrap().stream.0;
        let text = found(|ledger| ledger.lost.truncate(ledger.lost.len() - 1));
        assert_eq!(text, format!("stream {stream}, to-closer: 1 stanzas lost, but 0 with a place of death"));
        let text = found(|ledger| ledger.lost[0].direction = Direction::ToPeer);
        assert!(text.ends_with("1 stanzas lost, but 0 with a place of death"), "{text}");
    }

    #[test]
    fn nothing_is_listed_twice_or_out_of_order() {
        let twice = found(|ledger| ledger.lost.insert(0, ledger.lost[0].clone()));
        let swapped = found(|ledger| ledger.streams.swap(3, 4));
        let stranger = found(|ledger| {
            let mut stanza = ledger.lost[0].clone();
            stanza.stream = StreamId(40);
            ledger.lost.push(stanza);
        });
        for text in [twice, swapped, stranger] {
            assert!(text.ends_with("do not come one after another in order"), "{text}");
        }
    }

    #[test]
    fn every_absence_has_one_end() {
        let text = found(|ledger| ledger.returns = Some(Returns { absences: 3, returned: 2, ..Returns::default() }));
        assert_eq!(
            text,
            "peers were away 3 times, but came back 2, gave up 0, stayed away 0 and were still away 0 times"
        );
    }

    #[test]
    fn a_closing_without_a_decision_has_neither_outcome_nor_time() {
        let text = found(|ledger| ledger.streams[2].decision = None);
        assert_eq!(text, "stream 2: its closer never decided, but its closing is closed or has a time");
    }
}
