//! What strategies are compared by: the `metric` column of comparison.csv, and the names that a study may use.

use serde::{Deserialize, Serialize};

use crate::scenario::error::choices;

/// A number that a strategy has at a sweep point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Measure {
    /// Stanzas lost a stream, both ways.
    Lost,
    /// Stanzas lost a stream on their way to the closer.
    LostToCloser,
    /// Stanzas lost a stream on their way to its peer.
    LostToPeer,
    /// Share of the streams that lost at least one stanza.
    StreamsWithLoss,
    /// Share of the streams whose closer waited in vain.
    Timeout,
    /// Share of the streams whose closing was not over, or not begun, when the run ended.
    Unfinished,
    /// Share of the closings that never came to the point.
    Never(Stage),
    /// A percentile of the time until the point.
    Time(Stage, Rank),
    /// Time that the closer's kernel held a socket, a closing.
    SocketTime,
    /// Time that the closer's kernel held the connection in TIME-WAIT, a closing.
    TimeWait,
    /// Mean over seeds of the largest number of server sockets held at once.
    PeakOpenSockets,
    /// The largest of those numbers.
    MostOpenSockets,
    /// Mean over seeds of the largest number of server sockets in TIME-WAIT at a whole second.
    PeakTimeWait,
    /// The largest of those numbers.
    MostTimeWait,
    /// Packets a stream, both ways.
    Packets,
    /// Bytes a stream with headers, both ways.
    Bytes,
    /// Retransmissions a stream, both ways.
    Retransmissions,
    /// Resets a stream, both ways.
    Resets,
}

/// A point in the course of a closing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    /// The closer's application lets go of its socket.
    Release,
    /// The peer's application knows.
    Notice,
    /// Neither kernel holds the connection, TIME-WAIT aside.
    Teardown,
    /// TIME-WAIT is over too.
    Gone,
}

/// A percentile that has an interval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rank {
    /// The median.
    P50,
    /// Nine tenths are no larger.
    P90,
    /// All but one in a hundred are no larger.
    P99,
}

/// What a measure's value counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Events a stream.
    EachStream,
    /// A share, from 0 to 1.
    Share,
    /// Microseconds.
    Micros,
    /// Sockets.
    Sockets,
}

use Rank::{P50, P90, P99};
use Stage::{Gone, Notice, Release, Teardown};

/// Every measure with its name and what it is, in the order of the rows.
const TABLE: [(Measure, &str, &str); 32] = [
    (Measure::Lost, "lost", "stanzas lost a stream"),
    (Measure::LostToCloser, "lost_to_closer", "stanzas lost a stream on their way to the closer"),
    (Measure::LostToPeer, "lost_to_peer", "stanzas lost a stream on their way to its peer"),
    (Measure::StreamsWithLoss, "streams_with_loss", "share of the streams that lost at least one stanza"),
    (Measure::Timeout, "timeout", "share of the streams whose closer waited in vain"),
    (Measure::Unfinished, "unfinished", "share of the streams whose closing was not over when the run ended"),
    (Measure::Never(Release), "never_released", "share of the closings whose closer never let go of its socket"),
    (Measure::Never(Notice), "never_noticed", "share of the closings of which the peer never learned"),
    (Measure::Never(Teardown), "never_torn_down", "share of the closings in which a kernel still held the connection"),
    (Measure::Never(Gone), "never_gone", "the same, TIME-WAIT included"),
    (Measure::Time(Release, P50), "release_p50_us", "median time until the closer lets go of its socket"),
    (Measure::Time(Release, P90), "release_p90_us", "90th percentile of that time"),
    (Measure::Time(Release, P99), "release_p99_us", "99th percentile of that time"),
    (Measure::Time(Notice, P50), "notice_p50_us", "median time until the peer knows"),
    (Measure::Time(Notice, P90), "notice_p90_us", "90th percentile of that time"),
    (Measure::Time(Notice, P99), "notice_p99_us", "99th percentile of that time"),
    (Measure::Time(Teardown, P50), "teardown_p50_us", "median time until no kernel holds the connection"),
    (Measure::Time(Teardown, P90), "teardown_p90_us", "90th percentile of that time"),
    (Measure::Time(Teardown, P99), "teardown_p99_us", "99th percentile of that time"),
    (Measure::Time(Gone, P50), "gone_p50_us", "median time until TIME-WAIT is over too"),
    (Measure::Time(Gone, P90), "gone_p90_us", "90th percentile of that time"),
    (Measure::Time(Gone, P99), "gone_p99_us", "99th percentile of that time"),
    (Measure::SocketTime, "socket_us", "mean time that the closer's kernel holds a socket after the decision"),
    (Measure::TimeWait, "time_wait_us", "mean time that the closer's kernel spends in TIME-WAIT"),
    (Measure::PeakOpenSockets, "peak_open_sockets", "most server sockets at once, mean over seeds"),
    (Measure::MostOpenSockets, "most_open_sockets", "most server sockets at once, largest of all seeds"),
    (Measure::PeakTimeWait, "peak_time_wait", "most server sockets in TIME-WAIT at a second, mean over seeds"),
    (Measure::MostTimeWait, "most_time_wait", "most server sockets in TIME-WAIT at a second, largest of all seeds"),
    (Measure::Packets, "packets", "packets a stream, both ways"),
    (Measure::Bytes, "bytes", "bytes a stream with headers, both ways"),
    (Measure::Retransmissions, "retransmissions", "retransmissions a stream, both ways"),
    (Measure::Resets, "resets", "resets a stream, both ways"),
];

/// The names in the same order.
pub(super) fn names() -> Vec<&'static str> {
    TABLE.iter().map(|(_, name, _)| *name).collect()
}

impl Measure {
    /// All measures, in the order of the rows.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|(measure, ..)| *measure)
    }

    fn row(self) -> (&'static str, &'static str) {
        TABLE.iter().find(|(measure, ..)| *measure == self).map_or(("", ""), |(_, name, about)| (name, about))
    }

    /// As written in the `metric` column.
    pub fn name(self) -> &'static str {
        self.row().0
    }

    /// What it is, for people.
    pub fn about(self) -> &'static str {
        self.row().1
    }

    /// The measure of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        TABLE.iter().find(|(_, known, _)| *known == name).map(|(measure, ..)| *measure)
    }

    /// The measure of this name.
    ///
    /// # Errors
    /// That there is none, and the nearest.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::by_name(name).ok_or_else(|| format!("no metric is called {name:?}; {}", choices(name, &names())))
    }

    /// What its value counts.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Lost
            | Self::LostToCloser
            | Self::LostToPeer
            | Self::Packets
            | Self::Bytes
            | Self::Retransmissions
            | Self::Resets => Unit::EachStream,
            Self::StreamsWithLoss | Self::Timeout | Self::Unfinished | Self::Never(_) => Unit::Share,
            Self::Time(..) | Self::SocketTime | Self::TimeWait => Unit::Micros,
            Self::PeakOpenSockets | Self::MostOpenSockets | Self::PeakTimeWait | Self::MostTimeWait => Unit::Sockets,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_has_one_name_and_is_found_by_it() {
        let mut names: Vec<&str> = Measure::all().map(Measure::name).collect();
        assert_eq!(names, super::names());
        assert!(Measure::all().all(|measure| Measure::by_name(measure.name()) == Some(measure)));
        assert!(Measure::all().all(|measure| !measure.about().is_empty()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), TABLE.len());
        for stage in [Release, Notice, Teardown, Gone] {
            for rank in [P50, P90, P99] {
                assert!(Measure::Time(stage, rank).name().ends_with("_us"));
            }
            assert!(Measure::Never(stage).name().starts_with("never_"));
        }
    }
}
