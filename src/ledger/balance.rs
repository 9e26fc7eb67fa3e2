//! The last account of a stream: every stanza one fate, or an error that names the stream.

use thiserror::Error;

use crate::id::{Side, StreamId};
use crate::ledger::book::{Entry, Mark, Page, Underway};
use crate::ledger::fate::{Direction, Place};
use crate::ledger::record::LostStanza;
use crate::time::SimTime;

/// A stream whose account does not add up: a defect of the simulator, never of the scenario.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum Imbalance {
    /// A stanza was sent or arrived out of order, twice, or without having been sent.
    #[error("stream {}: stanza {found} from the {side:?} where {expected} was due", stream.0)]
    Order {
        /// The stream.
        stream: StreamId,
        /// Its sender.
        side: Side,
        /// The number that was due (`u32::MAX`: none was under way).
        expected: u32,
        /// The number that came.
        found: u32,
    },
    /// Sent is not delivered and lost together.
    #[error("stream {}: the {side:?} sent {sent} stanzas, of which {delivered} were delivered and {lost} lost", stream.0)]
    Sum {
        /// The stream.
        stream: StreamId,
        /// The sender.
        side: Side,
        /// Stanzas sent.
        sent: u32,
        /// Stanzas delivered.
        delivered: u32,
        /// Stanzas lost.
        lost: u32,
    },
    /// Something else that must hold did not.
    #[error("stream {}: {what}", stream.0)]
    Broken {
        /// The stream.
        stream: StreamId,
        /// What did not hold.
        what: String,
    },
}

/// Gives every stanza still under way its place of death and checks both directions.
pub(crate) fn settle(page: &mut Page, end: SimTime, lost: &mut Vec<LostStanza>) -> Result<(), Imbalance> {
    for side in Side::BOTH {
        let lane = &mut page.lanes[side.index()];
        let remains = lane.remains;
        for u in std::mem::take(&mut lane.underway) {
            let (place, at) = match u.mark {
                Mark::Unparsed => (Place::Unprocessed, u.marked),
                Mark::Unread => (Place::ReceiverQueue, u.marked),
                Mark::Refused => (Place::Refused, u.marked),
                Mark::Abandoned => (Place::SenderQueue, u.marked),
                Mark::Dropped => (Place::Network, u.marked),
                Mark::None if u.end <= remains.transmitted => (Place::Network, end),
                Mark::None => (Place::SenderQueue, end),
            };
            lane.totals.lost += 1;
            lost.push(death(&page.entry, side, &u, place, at));
        }
        let totals = lane.totals;
        if totals.sent != totals.delivered + totals.lost {
            return Err(Imbalance::Sum {
                stream: page.entry.stream,
                side,
                sent: totals.sent,
                delivered: totals.delivered,
                lost: totals.lost,
            });
        }
    }
    Ok(())
}

/// A stanza that `receiver` read and threw away.
pub(crate) fn unprocessed(entry: &Entry, receiver: Side, underway: &Underway, now: SimTime) -> LostStanza {
    death(entry, receiver.other(), underway, Place::Unprocessed, now)
}

fn death(entry: &Entry, sender: Side, u: &Underway, place: Place, at: SimTime) -> LostStanza {
    let direction = if sender == entry.closer_side { Direction::ToPeer } else { Direction::ToCloser };
    LostStanza { stream: entry.stream, direction, stanza: u.stanza, sent: u.sent, size: u.size, place, at }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;
    use crate::ledger::book::{Book, Remains};
    use crate::ledger::fate::Outcome;

    fn at(us: u64) -> SimTime {
        SimTime::from_micros(us)
    }

    fn book() -> Book {
        let entry =
            Entry { stream: StreamId(7), class: 0, closer: 0, closer_side: Side::Server, server_side: Side::Server };
        Book::new(NodeId(0), std::iter::once(entry))
    }

    #[test]
    fn each_stanza_dies_where_its_last_byte_was_last_seen() {
        let mut b = book();
        for n in 0..6 {
            b.sent(0, Side::Client, n, 100, u64::from(n + 1) * 100, at(n.into()));
        }
        b.delivered(0, Side::Server, 0, at(2));
        b.unprocessed(0, Side::Server, 1, at(20));
        b.let_go(0, Side::Server, 200, |offset| offset < 300, at(30));
        b.refused(0, Side::Client, 300, 400, at(40));
        b.dropped(0, Side::Client, 400, 500, at(41));
        b.dropped(0, Side::Client, 300, 400, at(42));
        b.still_there(0, Side::Client, Remains { transmitted: 500, acknowledged: 300 });
        let ledger = b.close(at(99)).unwrap();
        let places: Vec<_> = ledger.lost.iter().map(|l| (l.stanza, l.place, l.at.as_micros())).collect();
        assert_eq!(
            places,
            [
                (1, Place::Unprocessed, 20),
                (2, Place::ReceiverQueue, 30),
                (3, Place::Refused, 40),
                (4, Place::Network, 41),
                (5, Place::SenderQueue, 99)
            ]
        );
        assert_eq!(ledger.streams[0].to_closer.delivered, 1);
        assert_eq!(ledger.streams[0].to_closer.lost, 5);
        assert_eq!(ledger.streams[0].outcome, Outcome::Unfinished);
    }

    #[test]
    fn a_purged_send_queue_is_the_sender_s_loss_even_if_a_link_dropped_a_copy() {
        let mut b = book();
        b.sent(0, Side::Client, 0, 100, 100, at(1));
        b.dropped(0, Side::Client, 0, 100, at(2));
        b.socket_gone(0, Side::Client, Remains { transmitted: 100, acknowledged: 0 }, at(3));
        let ledger = b.close(at(9)).unwrap();
        assert_eq!((ledger.lost[0].place, ledger.lost[0].at), (Place::SenderQueue, at(3)));
    }

    #[test]
    fn a_stanza_that_comes_twice_or_unsent_stops_the_run() {
        let mut b = book();
        b.sent(0, Side::Client, 0, 100, 100, at(1));
        b.delivered(0, Side::Server, 0, at(2));
        b.delivered(0, Side::Server, 0, at(2));
        let error = b.close(at(9)).unwrap_err();
        assert!(error.to_string().starts_with("stream 7: stanza 0 from the Client"), "{error}");
    }
}
