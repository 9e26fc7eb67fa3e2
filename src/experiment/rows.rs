//! The rows of the CSV files: names, order and values of their columns, in one place.
//!
//! A row has keys, then (in every file) one column for each varied key, then the rest. A change here is a change of the
//! file format: the tests freeze every header.

use crate::experiment::capacity::{CapacityResult, Load, share};
use crate::experiment::cell::{Cell, SeedResult};
use crate::experiment::comparison::PointResult;
use crate::experiment::decimal::Decimal;
use crate::experiment::estimate::{Difference, Estimate};
use crate::experiment::kept::Task;
use crate::experiment::planning::{self, Limit, Planned, Resource};
use crate::experiment::returns::ReturnsResult;
use crate::experiment::search::Wanted;
use crate::experiment::tune::{Budget, Probe, Sureness, Tuned};
use crate::experiment::{Group, Plan, Pooled};
use crate::ledger::census;
use crate::ledger::fate::{Observed, Outcome};
use crate::ledger::metric::{Metric, Percentile, Ranked};
use crate::ledger::record::{LostStanza, StreamRecord};
use crate::scenario::Scenario;
use crate::scenario::measure::{Measure, Unit};
use crate::time::{Micros, SimTime};

/// A field of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Field<'a> {
    /// A count or microseconds.
    Number(u64),
    /// A name.
    Text(&'a str),
    /// A name made for the occasion.
    Owned(String),
    /// A computed number.
    Decimal(Decimal),
    /// What never happened, or cannot be said: an empty field.
    Never,
}

impl<'a> From<&'a str> for Field<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl From<Percentile> for Field<'_> {
    fn from(percentile: Percentile) -> Self {
        Self::Owned(percentile.to_string())
    }
}

impl From<Decimal> for Field<'_> {
    fn from(number: Decimal) -> Self {
        Self::Decimal(number)
    }
}

impl From<u64> for Field<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl From<u32> for Field<'_> {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<Micros> for Field<'_> {
    fn from(time: Micros) -> Self {
        Self::Number(time.get())
    }
}

impl From<SimTime> for Field<'_> {
    fn from(at: SimTime) -> Self {
        Self::Number(at.as_micros())
    }
}

impl<T: Into<Self>> From<Option<T>> for Field<'_> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Never, Into::into)
    }
}

impl From<Observed> for Field<'_> {
    fn from(observed: Observed) -> Self {
        match observed {
            Observed::After(time) => time.into(),
            Observed::Never => Self::Never,
        }
    }
}

/// A row of one of the files.
pub trait Row {
    /// Columns before the varied keys.
    const KEYS: &'static [&'static str];
    /// Columns after them.
    const REST: &'static [&'static str];

    /// Values of the columns before the varied keys.
    fn keys(&self) -> Vec<Field<'_>>;
    /// Values of the columns after them.
    fn rest(&self) -> Vec<Field<'_>>;
}

/// Writes a [`Row`] as two tables of column and value, so that a name cannot come apart from its value.
macro_rules! columns {
    ($type:ty, $row:ident => { $($key:ident: $key_value:expr,)* } varied { $($name:ident: $value:expr,)* }) => {
        impl Row for $type {
            const KEYS: &'static [&'static str] = &[$(stringify!($key)),*];
            const REST: &'static [&'static str] = &[$(stringify!($name)),*];

            fn keys(&self) -> Vec<Field<'_>> {
                let $row = self;
                // A row may have no keys.
                let _: &Self = $row;
                vec![$(Field::from($key_value)),*]
            }

            fn rest(&self) -> Vec<Field<'_>> {
                let $row = self;
                vec![$(Field::from($value)),*]
            }
        }
    };
}

/// A row of summary.csv: one cell.
#[derive(Debug)]
pub struct SummaryRow<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The engine's name.
    pub engine: &'static str,
    /// The strategy's name.
    pub strategy: &'a str,
    /// The numbers.
    pub result: &'a SeedResult,
}

columns! { SummaryRow<'_>, row => {
    scenario: row.scenario.name.as_str(),
    engine: row.engine,
    strategy: row.strategy,
    seed: row.result.seed,
} varied {
    peers: row.scenario.peers,
    streams: row.result.tally.streams,
    clean: row.result.tally.outcome(Outcome::Clean),
    timeout: row.result.tally.outcome(Outcome::Timeout),
    peer_fin: row.result.tally.outcome(Outcome::PeerFin),
    peer_reset: row.result.tally.outcome(Outcome::PeerReset),
    bad_xml: row.result.tally.outcome(Outcome::BadXml),
    closed: row.result.tally.outcome(Outcome::Closed),
    unfinished: row.result.tally.outcome(Outcome::Unfinished),
    sent: row.result.tally.sent,
    delivered: row.result.tally.delivered,
    deferred: row.result.tally.deferred,
    lost: row.result.tally.lost(),
    lost_to_closer: row.result.tally.lost_to_closer,
    lost_to_peer: row.result.tally.lost_to_peer,
    streams_with_loss: row.result.tally.streams_with_loss,
    release_p50_us: row.result.figures[Metric::Release.index()].p50,
    release_p90_us: row.result.figures[Metric::Release.index()].p90,
    release_p99_us: row.result.figures[Metric::Release.index()].p99,
    release_max_us: row.result.figures[Metric::Release.index()].max,
    notice_p50_us: row.result.figures[Metric::Notice.index()].p50,
    notice_p90_us: row.result.figures[Metric::Notice.index()].p90,
    notice_p99_us: row.result.figures[Metric::Notice.index()].p99,
    never_noticed: row.result.figures[Metric::Notice.index()].never,
    teardown_p50_us: row.result.figures[Metric::Teardown.index()].p50,
    teardown_p90_us: row.result.figures[Metric::Teardown.index()].p90,
    teardown_p99_us: row.result.figures[Metric::Teardown.index()].p99,
    teardown_max_us: row.result.figures[Metric::Teardown.index()].max,
    gone_p50_us: row.result.figures[Metric::Gone.index()].p50,
    packets: row.result.tally.packets,
    bytes: row.result.tally.bytes,
    retransmissions: row.result.tally.retransmissions,
    resets: row.result.tally.resets,
    peak_open_sockets: row.result.peak_open_sockets,
    socket_us: row.result.tally.socket_time,
    time_wait_us: row.result.tally.time_wait,
    violations: row.result.tally.violations,
    recovered: row.result.tally.recovered,
    duplicated: row.result.tally.duplicated,
    lost_for_good: row.result.tally.lost_for_good(),
} }

/// A row of a shard's cells.csv: one node of one cell.
#[derive(Debug)]
pub struct NodeRow<'a> {
    scenario: &'a Scenario,
    engine: &'static str,
    strategy: &'a str,
    node: u32,
    result: &'a SeedResult,
}

impl<'a> NodeRow<'a> {
    /// A node with its figures.
    pub fn new(plan: &'a Plan, engine: &'static str, task: Task, result: &'a SeedResult) -> Self {
        let scenario = &plan.point(task).scenario;
        let strategy = scenario.strategies[task.contender as usize].name.as_str();
        Self { scenario, engine, strategy, node: task.node.0, result }
    }
}

columns! { NodeRow<'_>, row => {
    scenario: row.scenario.name.as_str(),
    engine: row.engine,
    strategy: row.strategy,
    seed: row.result.seed,
} varied {
    node: row.node,
    streams: row.result.tally.streams,
    sent: row.result.tally.sent,
    delivered: row.result.tally.delivered,
    deferred: row.result.tally.deferred,
    lost: row.result.tally.lost(),
    streams_with_loss: row.result.tally.streams_with_loss,
    packets: row.result.tally.packets,
    bytes: row.result.tally.bytes,
} }

/// A row of streams.csv: one stream.
#[derive(Debug)]
pub struct StreamRow<'a> {
    scenario: &'a Scenario,
    contender: usize,
    seed: u64,
    stream: &'a StreamRecord,
}

columns! { StreamRow<'_>, row => {
    strategy: row.scenario.strategies[row.contender].name.as_str(),
    seed: row.seed,
} varied {
    stream: row.stream.stream.0,
    node: row.stream.node.0,
    class: row.scenario.classes[usize::from(row.stream.class)].name.as_str(),
    closer: row.scenario.strategies[row.contender].closers[usize::from(row.stream.closer)].name.as_str(),
    responder: row.scenario.classes[usize::from(row.stream.class)].responder_name.as_str(),
    outcome: row.stream.outcome.name(),
    decision_us: row.stream.decision,
    release_us: row.stream.release,
    notice_us: row.stream.notice,
    teardown_us: row.stream.teardown,
    gone_us: row.stream.gone,
    sent: row.stream.to_closer.sent + row.stream.to_peer.sent,
    delivered: row.stream.to_closer.delivered + row.stream.to_peer.delivered,
    deferred: row.stream.to_closer.deferred + row.stream.to_peer.deferred,
    lost: row.stream.to_closer.lost + row.stream.to_peer.lost,
    packets: row.stream.packets,
    bytes: row.stream.bytes,
    retransmissions: row.stream.retransmissions,
    resets: row.stream.resets,
    recovered: row.stream.recovered,
    duplicated: row.stream.duplicated,
    lost_for_good: row.stream.to_closer.lost + row.stream.to_peer.lost - row.stream.recovered,
} }

/// A row of lost.csv: one lost stanza.
#[derive(Debug)]
pub struct LostRow<'a> {
    strategy: &'a str,
    seed: u64,
    stanza: &'a LostStanza,
}

columns! { LostRow<'_>, row => {
    strategy: row.strategy,
    seed: row.seed,
} varied {
    stream: row.stanza.stream.0,
    direction: row.stanza.direction.name(),
    stanza: row.stanza.stanza,
    sent_us: row.stanza.sent,
    size: row.stanza.size,
    place: row.stanza.place.name(),
    at_us: row.stanza.at,
} }

/// A row of timeline.csv: one second of one cell.
#[derive(Debug)]
pub struct TimelineRow<'a> {
    strategy: &'a str,
    seed: u64,
    second: u64,
    sockets: [u64; 9],
    lost_so_far: u64,
    load: Option<LoadAt>,
}

/// The servers' load at one whole second, or within it.
#[derive(Clone, Copy, Debug)]
struct LoadAt {
    streams: u64,
    waiting: u64,
    utilisation: Option<f64>,
    memory: u64,
    refused: u64,
}

columns! { TimelineRow<'_>, row => {
    strategy: row.strategy,
    seed: row.seed,
} varied {
    second: row.second,
    syn_sent: row.sockets[0],
    syn_received: row.sockets[1],
    established: row.sockets[2],
    fin_wait_1: row.sockets[3],
    fin_wait_2: row.sockets[4],
    close_wait: row.sockets[5],
    closing: row.sockets[6],
    last_ack: row.sockets[7],
    time_wait: row.sockets[8],
    lost_so_far: row.lost_so_far,
    streams: row.load.map(|load| load.streams),
    waiting: row.load.map(|load| load.waiting),
    utilisation: row.load.and_then(|load| load.utilisation).map(Decimal::significant),
    memory_bytes: row.load.map(|load| load.memory),
    refused: row.load.map(|load| load.refused),
} }

/// A row of capacity.csv: what the servers bore in one cell.
#[derive(Debug)]
pub struct CapacityRow<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The engine's name.
    pub engine: &'static str,
    /// The strategy's name.
    pub strategy: &'a str,
    /// The seed.
    pub seed: u64,
    /// The numbers.
    pub capacity: &'a CapacityResult,
}

impl<'a> CapacityRow<'a> {
    /// The row of a cell; none where nothing is reckoned.
    pub fn of(scenario: &'a Scenario, engine: &'static str, strategy: &'a str, result: &'a SeedResult) -> Option<Self> {
        let capacity = result.capacity.as_ref()?;
        Some(Self { scenario, engine, strategy, seed: result.seed, capacity })
    }
}

columns! { CapacityRow<'_>, row => {
    scenario: row.scenario.name.as_str(),
    engine: row.engine,
    strategy: row.strategy,
    seed: row.seed,
} varied {
    peak_sockets: row.capacity.peak_sockets,
    peak_time_wait: row.capacity.peak_time_wait,
    peak_streams: row.capacity.peak_streams,
    peak_memory_bytes: row.capacity.peak_memory,
    peak_queue: row.capacity.peak_queue,
    utilisation: row.capacity.utilisation().map(Decimal::significant),
    peak_busy_us: row.capacity.peak_busy_us,
    served: row.capacity.served,
    wait_mean_us: row.capacity.mean_wait().map(Decimal::tenths),
    wait_max_us: row.capacity.longest_wait,
    refused: row.capacity.refused,
    peak_refused: row.capacity.peak_refused,
    above_sockets_s: row.capacity.above_sockets,
    above_memory_s: row.capacity.above_memory,
    above_queue_s: row.capacity.above_queue,
    peak_ports: row.capacity.peak_ports,
} }

/// A row of returns.csv: who came back in one cell.
#[derive(Debug)]
pub struct ReturnsRow<'a> {
    /// The scenario.
    pub scenario: &'a Scenario,
    /// The engine's name.
    pub engine: &'static str,
    /// The strategy's name.
    pub strategy: &'a str,
    /// The seed.
    pub seed: u64,
    /// The numbers.
    pub returns: &'a ReturnsResult,
}

columns! { ReturnsRow<'_>, row => {
    scenario: row.scenario.name.as_str(),
    engine: row.engine,
    strategy: row.strategy,
    seed: row.seed,
} varied {
    peers_away: row.returns.peers_away,
    absences: row.returns.absences,
    returned: row.returns.returned,
    gave_up: row.returns.gave_up,
    stayed_away: row.returns.stayed_away,
    still_away: row.returns.still_away,
    back_p50_us: row.returns.back.p50,
    back_p90_us: row.returns.back.p90,
    back_p99_us: row.returns.back.p99,
    back_max_us: row.returns.back.max,
    connects: row.returns.connects,
    failed_tries: row.returns.failed_tries,
    refused: row.returns.refused,
    peak_connects: row.returns.peak_connects,
    peak_returns: row.returns.peak_returns,
    delayed: row.returns.delay.count,
    delay_p50_us: row.returns.delay.p50,
    delay_p99_us: row.returns.delay.p99,
    delay_max_us: row.returns.delay.max,
} }

impl<'a> ReturnsRow<'a> {
    /// The row of a cell; none where nobody comes back.
    pub fn of(scenario: &'a Scenario, engine: &'static str, strategy: &'a str, result: &'a SeedResult) -> Option<Self> {
        let returns = result.returns.as_ref()?;
        Some(Self { scenario, engine, strategy, seed: result.seed, returns })
    }
}

/// A row of percentiles.csv: one percentile of one metric, all seeds together.
#[derive(Debug)]
pub struct PercentileRow<'a> {
    strategy: &'a str,
    metric: Metric,
    percentile: Percentile,
    value: Option<Micros>,
    count: u64,
}

columns! { PercentileRow<'_>, row => {
    strategy: row.strategy,
} varied {
    metric: row.metric.name(),
    percentile: row.percentile,
    value_us: row.value,
    count: row.count,
} }

/// A row of comparison.csv: one measure of one strategy, all seeds together, and how it differs from the reference.
#[derive(Debug)]
pub struct ComparisonRow<'a> {
    strategy: &'a str,
    reference: &'a str,
    estimate: Estimate,
}

impl ComparisonRow<'_> {
    fn decimal(&self, value: f64) -> Decimal {
        match self.estimate.measure.unit() {
            Unit::Micros | Unit::Sockets => Decimal::tenths(value),
            Unit::EachStream | Unit::Share => Decimal::significant(value),
        }
    }

    fn difference(&self, of: impl Fn(&Difference) -> Option<f64>) -> Option<Decimal> {
        self.estimate.difference.as_ref().and_then(of).map(|value| self.decimal(value))
    }
}

columns! { ComparisonRow<'_>, row => {
} varied {
    metric: row.estimate.measure.name(),
    strategy: row.strategy,
    estimate: row.estimate.value.map(|value| row.decimal(value)),
    low: row.estimate.limits.ok().map(|(low, _)| row.decimal(low)),
    high: row.estimate.limits.ok().map(|(_, high)| row.decimal(high)),
    reference: row.reference,
    difference: row.difference(|difference| difference.value),
    diff_low: row.difference(|difference| difference.limits.ok().map(|(low, _)| low)),
    diff_high: row.difference(|difference| difference.limits.ok().map(|(_, high)| high)),
    ratio: row.estimate.difference.as_ref().and_then(|difference| difference.ratio).map(Decimal::significant),
    seeds: row.estimate.seeds as u64,
    streams: row.estimate.streams,
    events: row.estimate.events,
    method: Field::Owned(row.estimate.method_text()),
} }

/// A row of frontier.csv: one strategy at one value of the parameter.
#[derive(Debug)]
pub struct FrontierRow<'a> {
    /// The strategy.
    pub strategy: &'a str,
    /// What was measured.
    pub probe: &'a Probe,
    /// What may be spent.
    pub budgets: &'a [Budget],
}

columns! { FrontierRow<'_>, row => {
    strategy: row.strategy,
} varied {
    lost: row.probe.lost.value.map(Decimal::significant),
    lost_low: row.probe.lost.limits.ok().map(|(low, _)| Decimal::significant(low)),
    lost_high: row.probe.lost.limits.ok().map(|(_, high)| Decimal::significant(high)),
    socket_us: row.probe.socket_time.value.map(Decimal::tenths),
    socket_us_low: row.probe.socket_time.limits.ok().map(|(low, _)| Decimal::tenths(low)),
    socket_us_high: row.probe.socket_time.limits.ok().map(|(_, high)| Decimal::tenths(high)),
    meets: match row.probe.sureness(row.budgets) {
        Some(Sureness::Surely) => "surely",
        Some(Sureness::Yes) => "yes",
        Some(Sureness::Possibly) => "possibly",
        None => "no",
    },
} }

/// A row of tuned.csv: what was found for one strategy.
#[derive(Debug)]
pub struct TunedRow<'a> {
    /// The key that was searched.
    pub parameter: &'a str,
    /// Which of its values.
    pub wanted: Wanted,
    /// What may be spent, as it was asked for.
    pub budget: String,
    /// What was found.
    pub tuned: &'a Tuned,
}

impl TunedRow<'_> {
    fn varied(&self, value: Option<f64>) -> Option<&str> {
        let value = value?;
        let probe = self.tuned.probes.iter().find(|(at, _)| at.total_cmp(&value).is_eq());
        probe.map(|(_, probe)| probe.varied.as_str())
    }

    /// The two values of the interval, the smaller first.
    fn limits(&self) -> (Option<&str>, Option<&str>) {
        let [surely, possibly] = [self.tuned.surely, self.tuned.possibly].map(|value| self.varied(value));
        if self.wanted == Wanted::Smallest { (possibly, surely) } else { (surely, possibly) }
    }
}

columns! { TunedRow<'_>, row => {
    strategy: row.tuned.strategy.as_str(),
} varied {
    parameter: row.parameter,
    wanted: if row.wanted == Wanted::Smallest { "smallest" } else { "largest" },
    budget: row.budget.as_str(),
    value: row.varied(row.tuned.value),
    low: row.limits().0,
    high: row.limits().1,
} }

/// A row of plan.csv: so many peers under one strategy.
#[derive(Debug)]
pub struct ProbeRow<'a> {
    /// What was found for the strategy.
    pub planned: &'a Planned,
    /// What so many peers take.
    pub probe: &'a planning::Probe,
    /// What a node may take.
    pub limits: &'a [Limit],
}

impl ProbeRow<'_> {
    fn exceeded(&self) -> String {
        let names: Vec<&str> = self.probe.exceeds(self.limits).into_iter().map(Resource::name).collect();
        names.join(" ")
    }
}

columns! { ProbeRow<'_>, row => {
    strategy: row.planned.strategy.as_str(),
} varied {
    peers: row.probe.peers,
    found: if Some(row.probe.peers) == row.planned.peers { "yes" } else { "no" },
    exceeded: Field::Owned(row.exceeded()),
    sockets: row.probe.takes(Resource::Sockets),
    time_wait: row.probe.takes(Resource::TimeWait),
    streams: row.probe.takes(Resource::Streams),
    memory_bytes: row.probe.takes(Resource::Memory),
    queue: row.probe.takes(Resource::Queue),
    refused: row.probe.takes(Resource::Refused),
} }

impl PointResult {
    /// One row for each of these measures and each strategy.
    pub fn comparison(&self, measures: impl IntoIterator<Item = Measure>) -> impl Iterator<Item = ComparisonRow<'_>> {
        let reference = &self.reference().strategy;
        measures.into_iter().flat_map(move |measure| {
            self.contenders.iter().map(move |contender| ComparisonRow {
                strategy: &contender.strategy,
                reference,
                estimate: self.estimate(measure, contender),
            })
        })
    }
}

impl Group<'_> {
    fn named(&self) -> impl Iterator<Item = (&str, &Cell)> {
        let names = self.point.scenario.strategies.iter().map(|contender| contender.name.as_str());
        names.zip(&self.cells)
    }

    /// One row a strategy.
    pub fn summary(&self) -> impl Iterator<Item = SummaryRow<'_>> {
        let (scenario, engine) = (&self.point.scenario, self.engine);
        self.named().map(move |(strategy, cell)| SummaryRow { scenario, engine, strategy, result: &cell.result })
    }

    /// One row a strategy, where clients come back.
    pub fn returns(&self) -> impl Iterator<Item = ReturnsRow<'_>> {
        let (scenario, engine) = (&self.point.scenario, self.engine);
        self.named().filter_map(move |(strategy, cell)| ReturnsRow::of(scenario, engine, strategy, &cell.result))
    }

    /// One row a strategy, where the servers' load is reckoned.
    pub fn capacity(&self) -> impl Iterator<Item = CapacityRow<'_>> {
        let (scenario, engine) = (&self.point.scenario, self.engine);
        self.named().filter_map(move |(strategy, cell)| CapacityRow::of(scenario, engine, strategy, &cell.result))
    }

    /// The streams by number, strategies interleaved, so that every column has values early.
    pub fn streams(&self) -> impl Iterator<Item = StreamRow<'_>> {
        let scenario = &self.point.scenario;
        let mut rows: Vec<_> = (self.cells.iter().enumerate())
            .flat_map(|(contender, cell)| {
                let row = move |stream| StreamRow { scenario, contender, seed: cell.result.seed, stream };
                cell.streams.iter().map(row)
            })
            .collect();
        rows.sort_by_key(|row| row.stream.stream);
        rows.into_iter()
    }

    /// The lost stanzas by stream, strategies interleaved.
    pub fn lost(&self) -> impl Iterator<Item = LostRow<'_>> {
        let mut rows: Vec<_> = self
            .named()
            .flat_map(|(strategy, cell)| {
                cell.lost.iter().map(move |stanza| LostRow { strategy, seed: cell.result.seed, stanza })
            })
            .collect();
        rows.sort_by_key(|row| row.stanza.stream);
        rows.into_iter()
    }

    /// One row for each whole second before the end, strategies interleaved.
    pub fn timeline(&self) -> impl Iterator<Item = TimelineRow<'_>> {
        let duration = self.point.scenario.duration;
        let seconds = duration.get().div_ceil(1_000_000);
        let mut rows: Vec<_> =
            self.named().flat_map(|(strategy, cell)| timeline(strategy, cell, &self.point.scenario, seconds)).collect();
        rows.sort_by_key(|row| row.second);
        rows.into_iter()
    }
}

fn timeline<'a>(
    strategy: &'a str,
    cell: &'a Cell,
    scenario: &'a Scenario,
    seconds: u64,
) -> impl Iterator<Item = TimelineRow<'a>> {
    let seed = cell.result.seed;
    let mut deaths: Vec<SimTime> = cell.lost.iter().map(|stanza| stanza.at).collect();
    deaths.sort_unstable();
    let sockets = cell.census.seconds().into_iter().chain(std::iter::repeat([0; census::STATES.len()]));
    (0..seconds).zip(sockets).map(move |(second, sockets)| {
        let now = SimTime::from_micros(second * 1_000_000);
        let lost_so_far = deaths.partition_point(|&at| at <= now) as u64;
        // A census counts openings before closings, so no count is negative.
        let sockets = sockets.map(|count| u64::try_from(count).unwrap_or(0));
        let load = cell.load.as_ref().map(|load| load_at(load, scenario, second));
        TimelineRow { strategy, seed, second, sockets, lost_so_far, load }
    })
}

fn load_at(load: &Load, scenario: &Scenario, second: u64) -> LoadAt {
    let at = |values: &[u64]| usize::try_from(second).ok().and_then(|second| values.get(second)).copied().unwrap_or(0);
    let server = scenario.server.as_ref().filter(|server| server.service.is_some());
    let workers = server.map_or(0, |server| u64::from(server.workers) * u64::from(scenario.nodes));
    let length = (scenario.duration.get() - second * 1_000_000).min(1_000_000);
    LoadAt {
        streams: at(&load.sum.streams),
        waiting: at(&load.sum.waiting),
        utilisation: share(at(&load.sum.busy_us), workers * length),
        memory: at(&load.memory),
        refused: at(&load.sum.refused),
    }
}

impl Pooled<'_> {
    /// The samples of each strategy, by name and metric.
    pub fn named(&self) -> impl Iterator<Item = (&str, Metric, &Ranked)> {
        let names = self.point.scenario.strategies.iter().map(|contender| contender.name.as_str());
        names
            .zip(&self.samples)
            .flat_map(|(name, samples)| Metric::ALL.map(|metric| (name, metric, &samples[metric.index()])))
    }

    /// The percentiles of each strategy and metric.
    pub fn percentiles(&self) -> impl Iterator<Item = PercentileRow<'_>> {
        self.named().flat_map(|(strategy, metric, sample)| {
            Percentile::REPORTED.map(|percentile| {
                let value = sample.percentile(percentile);
                let count = value.map_or(sample.count(), |value| sample.at_or_below(value));
                PercentileRow { strategy, metric, percentile, value, count }
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header<R: Row>() -> String {
        let columns: Vec<&str> = R::KEYS.iter().chain(&["<varied>"]).chain(R::REST).copied().collect();
        columns.join(",")
    }

    #[test]
    fn the_headers_are_frozen() {
        assert_eq!(
            header::<SummaryRow<'_>>(),
            "scenario,engine,strategy,seed,<varied>,peers,streams,clean,timeout,peer_fin,peer_reset,bad_xml,closed,\
             unfinished,sent,delivered,deferred,lost,lost_to_closer,lost_to_peer,streams_with_loss,release_p50_us,\
             release_p90_us,release_p99_us,release_max_us,notice_p50_us,notice_p90_us,notice_p99_us,never_noticed,\
             teardown_p50_us,teardown_p90_us,teardown_p99_us,teardown_max_us,gone_p50_us,packets,bytes,\
             retransmissions,resets,peak_open_sockets,socket_us,time_wait_us,violations,recovered,\
             duplicated,lost_for_good"
        );
        assert_eq!(
            header::<StreamRow<'_>>(),
            "strategy,seed,<varied>,stream,node,class,closer,responder,outcome,decision_us,release_us,notice_us,\
             teardown_us,gone_us,sent,delivered,deferred,lost,packets,bytes,retransmissions,resets,\
             recovered,duplicated,lost_for_good"
        );
        assert_eq!(header::<LostRow<'_>>(), "strategy,seed,<varied>,stream,direction,stanza,sent_us,size,place,at_us");
        assert_eq!(
            header::<ComparisonRow<'_>>(),
            "<varied>,metric,strategy,estimate,low,high,reference,difference,diff_low,diff_high,ratio,seeds,streams,\
             events,method"
        );
        assert_eq!(
            header::<ReturnsRow<'_>>(),
            "scenario,engine,strategy,seed,<varied>,peers_away,absences,returned,gave_up,stayed_away,still_away,\
             back_p50_us,back_p90_us,back_p99_us,back_max_us,connects,failed_tries,refused,peak_connects,peak_returns,\
             delayed,delay_p50_us,delay_p99_us,delay_max_us"
        );
        assert_eq!(
            header::<FrontierRow<'_>>(),
            "strategy,<varied>,lost,lost_low,lost_high,socket_us,socket_us_low,socket_us_high,meets"
        );
        assert_eq!(header::<TunedRow<'_>>(), "strategy,<varied>,parameter,wanted,budget,value,low,high");
        assert_eq!(
            header::<CapacityRow<'_>>(),
            "scenario,engine,strategy,seed,<varied>,peak_sockets,peak_time_wait,peak_streams,peak_memory_bytes,peak_queue,\
             utilisation,peak_busy_us,served,wait_mean_us,wait_max_us,refused,peak_refused,above_sockets_s,\
             above_memory_s,above_queue_s,peak_ports"
        );
        assert_eq!(header::<PercentileRow<'_>>(), "strategy,<varied>,metric,percentile,value_us,count");
        assert_eq!(
            header::<TimelineRow<'_>>(),
            "strategy,seed,<varied>,second,syn_sent,syn_received,established,fin_wait_1,fin_wait_2,close_wait,\
             closing,last_ack,time_wait,lost_so_far,streams,waiting,utilisation,memory_bytes,refused"
        );
    }

    #[test]
    fn the_timeline_has_the_states_of_the_census() {
        assert_eq!(TimelineRow::REST[1..=census::STATES.len()], census::STATES);
    }
}
