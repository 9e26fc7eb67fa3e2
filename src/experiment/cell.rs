//! What remains of a cell (strategy, seed, sweep point) once its nodes are folded together.

use serde::{Deserialize, Serialize};

use crate::experiment::capacity::{CapacityResult, Load};
use crate::experiment::count::Counts;
use crate::experiment::returns::ReturnsResult;
use crate::ledger::census::{self, Census};
use crate::ledger::fate::{Observed, Outcome};
use crate::ledger::metric::{Metric, Percentile, Ranked, Sample};
use crate::ledger::record::{LostStanza, NodeLedger, StreamRecord};
use crate::ledger::returns::Returns;
use crate::ledger::survival::Quantile;
use crate::scenario::Scenario;
use crate::time::{Micros, SimTime};

/// Sums over streams.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Streams.
    pub streams: u64,
    /// Streams whose closer decided.
    pub decided: u64,
    /// Streams by outcome, in the order of [`Outcome::ALL`].
    pub outcomes: [u64; 7],
    /// Stanzas sent, both ways.
    pub sent: u64,
    /// Stanzas delivered, both ways.
    pub delivered: u64,
    /// Stanzas held back, both ways.
    pub deferred: u64,
    /// Stanzas lost on their way to the closer.
    pub lost_to_closer: u64,
    /// Stanzas lost on their way to the peer.
    pub lost_to_peer: u64,
    /// Those of the lost whose stream was never to be closed: no closing can be blamed for them.
    pub lost_undecided: u64,
    /// Streams that lost something.
    pub streams_with_loss: u64,
    /// Packets.
    pub packets: u64,
    /// Bytes with headers.
    pub bytes: u64,
    /// Retransmissions.
    pub retransmissions: u64,
    /// Resets.
    pub resets: u64,
    /// Time from decision to the end of the closer's kernel socket.
    pub socket_time: Micros,
    /// Time in TIME-WAIT at the closer.
    pub time_wait: Micros,
    /// Bytes written after the close tag.
    pub violations: u64,
    /// Lost stanzas that were delivered on another stream of their peer.
    pub recovered: u64,
    /// Stanzas that were delivered more than once, on several streams.
    pub duplicated: u64,
    /// Losses, retransmissions and resets with what their intervals need.
    pub counts: Counts,
}

impl Tally {
    /// Streams with this outcome.
    pub const fn outcome(&self, outcome: Outcome) -> u64 {
        self.outcomes[outcome as usize]
    }

    /// Stanzas lost, both ways.
    pub const fn lost(&self) -> u64 {
        self.lost_to_closer + self.lost_to_peer
    }

    /// Lost stanzas that never arrived on any stream.
    pub const fn lost_for_good(&self) -> u64 {
        self.lost() - self.recovered
    }

    fn add(&mut self, stream: &StreamRecord) {
        let (closer, peer) = (stream.to_closer, stream.to_peer);
        let lost = u64::from(closer.lost) + u64::from(peer.lost);
        self.streams += 1;
        self.decided += u64::from(stream.decision.is_some());
        self.outcomes[stream.outcome as usize] += 1;
        self.sent += u64::from(closer.sent) + u64::from(peer.sent);
        self.delivered += u64::from(closer.delivered) + u64::from(peer.delivered);
        self.deferred += u64::from(closer.deferred) + u64::from(peer.deferred);
        self.lost_to_closer += u64::from(closer.lost);
        self.lost_to_peer += u64::from(peer.lost);
        self.lost_undecided += if stream.decision.is_none() { lost } else { 0 };
        self.streams_with_loss += u64::from(lost > 0);
        self.packets += u64::from(stream.packets);
        self.bytes += stream.bytes;
        self.retransmissions += u64::from(stream.retransmissions);
        self.resets += u64::from(stream.resets);
        self.violations += stream.violations;
        self.recovered += u64::from(stream.recovered);
        self.duplicated += u64::from(stream.duplicated);
        self.counts.add(stream);
        if stream.decision.is_some() {
            self.socket_time += stream.socket_time;
            self.time_wait += stream.time_wait;
        }
    }

    /// Adds another tally.
    pub fn merge(&mut self, other: &Self) {
        for (mine, theirs) in self.outcomes.iter_mut().zip(other.outcomes) {
            *mine += theirs;
        }
        self.streams += other.streams;
        self.decided += other.decided;
        self.sent += other.sent;
        self.delivered += other.delivered;
        self.deferred += other.deferred;
        self.lost_to_closer += other.lost_to_closer;
        self.lost_to_peer += other.lost_to_peer;
        self.lost_undecided += other.lost_undecided;
        self.streams_with_loss += other.streams_with_loss;
        self.packets += other.packets;
        self.bytes += other.bytes;
        self.retransmissions += other.retransmissions;
        self.resets += other.resets;
        self.socket_time += other.socket_time;
        self.time_wait += other.time_wait;
        self.violations += other.violations;
        self.recovered += other.recovered;
        self.duplicated += other.duplicated;
        self.counts.merge(&other.counts);
    }
}

/// A node's ledger, reduced to what its cell needs.
///
/// It is what `cells.bin` holds of a node: whoever changes a field here or below gives [`kept::FORM`](super::kept::FORM)
/// a new number.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Part {
    tally: Tally,
    samples: [Sample; 4],
    #[serde(with = "crate::ledger::ascending")]
    opened: Vec<SimTime>,
    #[serde(with = "crate::ledger::ascending")]
    closed: Vec<SimTime>,
    census: Census,
    returns: Option<Returns>,
    load: Option<Load>,
    lost: Vec<LostStanza>,
    streams: Vec<StreamRecord>,
}

impl Part {
    /// Reduces the ledger of a node's run; the streams themselves are kept only where `keep_streams`.
    pub(super) fn of(ledger: NodeLedger, scenario: &Scenario, keep_streams: bool) -> Self {
        let end = SimTime::ZERO + scenario.duration;
        let mut part = Self { census: ledger.census, returns: ledger.returns, lost: ledger.lost, ..Self::default() };
        for stream in &ledger.streams {
            part.tally.add(stream);
            if let Some(decision) = stream.decision {
                for (sample, metric) in part.samples.iter_mut().zip(Metric::ALL) {
                    record(sample, metric, stream, end.since(decision));
                }
            }
            if let Some((from, until)) = stream.server_socket {
                part.opened.push(from);
                part.closed.push(until);
            }
        }
        part.samples.iter_mut().for_each(Sample::sort);
        part.opened.sort_unstable();
        part.closed.sort_unstable();
        part.load = scenario.server.as_ref().map(|server| {
            let most = peak(part.opened.clone(), part.closed.clone());
            Load::of(server, ledger.capacity, &part.census, most, scenario.duration)
        });
        if keep_streams {
            part.streams = ledger.streams;
        }
        part
    }

    /// Adds another node.
    pub(super) fn merge(&mut self, other: Self) {
        self.tally.merge(&other.tally);
        for (mine, theirs) in self.samples.iter_mut().zip(&other.samples) {
            mine.merge(theirs);
        }
        self.opened.extend(other.opened);
        self.closed.extend(other.closed);
        self.census.merge(&other.census);
        if let Some(theirs) = other.returns {
            self.returns.get_or_insert_default().merge(&theirs);
        }
        match (&mut self.load, other.load) {
            (Some(mine), Some(theirs)) => mine.merge(&theirs),
            (mine @ None, theirs) => *mine = theirs,
            (Some(_), None) => {}
        }
        self.lost.extend(other.lost);
        self.streams.extend(other.streams);
    }
}

/// Adds a closing that was `age` old when the run ended. What has not come by then may still have been on its way, except
/// that nobody is told any more once neither kernel holds the connection.
fn record(sample: &mut Sample, metric: Metric, stream: &StreamRecord, age: Micros) {
    let observed = metric.of(stream);
    let hopeless = metric == Metric::Notice && stream.teardown != Observed::Never;
    if observed == Observed::Never && !hopeless { sample.cut_off(age) } else { sample.record(observed) }
}

/// The numbers of one cell: a row of summary.csv without its keys, and what intervals need beyond that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedResult {
    /// The seed.
    pub seed: u64,
    /// Sums over its streams.
    pub tally: Tally,
    /// Percentiles of each metric, by [`Metric::index`].
    pub figures: [Figures; 4],
    /// The largest number of server sockets, TIME-WAIT aside, that were held at once over all nodes.
    pub peak_open_sockets: u64,
    /// The largest number of server sockets in TIME-WAIT at a whole second, over all nodes.
    pub peak_time_wait: u64,
    /// For intervals: each metric, by [`Metric::index`], at each of [`QUANTILES`].
    pub quantiles: Quantiles,
    /// Who came back, where clients do.
    pub returns: Option<ReturnsResult>,
    /// What the servers bore, where that is reckoned.
    pub capacity: Option<CapacityResult>,
}

/// The percentiles that have intervals.
pub const QUANTILES: [Percentile; 3] = [Percentile::P50, Percentile::P90, Percentile::P99];

/// Each metric, by [`Metric::index`], at each of [`QUANTILES`].
pub type Quantiles = [[Quantile; QUANTILES.len()]; Metric::ALL.len()];

/// The quantiles of one sample a metric.
pub(super) fn quantiles(samples: &[Ranked; 4]) -> Quantiles {
    std::array::from_fn(|metric| QUANTILES.map(|p| samples[metric].quantile(p)))
}

/// Percentiles of one metric over the closings of one cell, or of all seeds together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// Median; this and the others are `None` where they fall among closings in which it never happened.
    pub p50: Option<Micros>,
    /// 90th percentile.
    pub p90: Option<Micros>,
    /// 99th percentile.
    pub p99: Option<Micros>,
    /// Largest; `None` as soon as it never happened once.
    pub max: Option<Micros>,
    /// Closings in which it never happened.
    pub never: u64,
    /// Closings.
    pub count: u64,
}

impl Figures {
    /// The figures of a sample.
    pub fn of(sample: &Ranked) -> Self {
        let [p50, p90, p99, max] =
            [Percentile::P50, Percentile::P90, Percentile::P99, Percentile::MAX].map(|p| sample.percentile(p));
        Self { p50, p90, p99, max, never: sample.never(), count: sample.count() }
    }
}

/// One strategy under one seed at one sweep point.
#[derive(Clone, Debug)]
pub struct Cell {
    /// Its numbers.
    pub result: SeedResult,
    /// Every closing's times, by [`Metric::index`].
    pub samples: [Ranked; 4],
    /// Server sockets by TCP state over time.
    pub census: Census,
    /// The servers' load over time, where that is reckoned.
    pub(super) load: Option<Load>,
    /// Lost stanzas in order of stream, direction, number.
    pub lost: Vec<LostStanza>,
    /// Streams in order of their number; empty unless they were asked for.
    pub streams: Vec<StreamRecord>,
}

impl Cell {
    pub(super) fn new(seed: u64, part: Part) -> Self {
        let Part { tally, samples, opened, closed, census, returns, load, mut lost, mut streams } = part;
        lost.sort_by_key(|stanza| (stanza.stream, stanza.direction, stanza.stanza));
        streams.sort_by_key(|stream| stream.stream);
        let samples = samples.map(Sample::sorted);
        let figures = std::array::from_fn(|i| Figures::of(&samples[i]));
        let result = SeedResult {
            seed,
            tally,
            figures,
            peak_open_sockets: peak(opened, closed),
            peak_time_wait: most_in_time_wait(&census),
            quantiles: quantiles(&samples),
            returns: returns.map(ReturnsResult::of),
            capacity: load.as_ref().map(|load| load.worst),
        };
        Self { result, samples, census, load, lost, streams }
    }
}

fn most_in_time_wait(census: &Census) -> u64 {
    let seconds = census.seconds();
    // A census counts openings before closings, so no count is negative.
    let most = seconds.iter().map(|sockets| sockets[census::TIME_WAIT]).max();
    most.and_then(|most| u64::try_from(most).ok()).unwrap_or(0)
}

/// The largest number of intervals `[opened, closed)` that overlap.
fn peak(mut opened: Vec<SimTime>, mut closed: Vec<SimTime>) -> u64 {
    opened.sort_unstable();
    closed.sort_unstable();
    let mut gone = 0;
    let open_after = |(i, at): (usize, &SimTime)| {
        while closed.get(gone).is_some_and(|end| end <= at) {
            gone += 1;
        }
        i + 1 - gone.min(i + 1)
    };
    opened.iter().enumerate().map(open_after).max().unwrap_or(0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peak_counts_sockets_held_at_the_same_instant() {
        let at = |times: &[u64]| times.iter().map(|&us| SimTime::from_micros(us)).collect::<Vec<_>>();
        assert_eq!(peak(at(&[]), at(&[])), 0);
        assert_eq!(peak(at(&[0, 10, 20]), at(&[10, 20, 30])), 1, "one ends as the next begins");
        assert_eq!(peak(at(&[0, 5, 20, 9]), at(&[10, 11, 30, 12])), 3);
        assert_eq!(peak(at(&[7]), at(&[7])), 0, "a socket of no duration is never held");
    }
}
