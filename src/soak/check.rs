//! What must hold of every run, whatever the scenario asks for.

use std::fmt;

use crate::engine::{Engine as _, Event, NodeRun, RunError, Seen, Turmoil, Unwatched, Witness};
use crate::experiment::balance;
use crate::id::{NodeId, Side, StreamId};
use crate::ledger::balance::Imbalance;
use crate::ledger::fate::{Observed, Outcome};
use crate::ledger::record::{NodeLedger, StreamRecord};
use crate::scenario::{Scenario, WeightedCloser, from_json, to_json};
use crate::soak::coverage::{Coverage, GIVEN_UP};
use crate::soak::guard::guarded;
use crate::tcp::State;
use crate::tcp::sysctl::Kernel;
use crate::time::{Micros, SimTime};
use crate::xmpp::config::By;

/// Packets and deadlines after which a node's run counts as one that does not end, or, if it has carried much, is given up.
pub(crate) const MOST_STEPS: u64 = 4_000_000;

/// Ticks of the reference engine beyond which a run is left to the fast one, in a sample.
const MOST_TICKS: u64 = 40_000;

/// Which promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Promise {
    /// Nothing panics.
    NoPanic,
    /// Every run comes to its end.
    Ends,
    /// The manifest's scenario is the scenario.
    Manifest,
    /// Every stanza has one fate: the sums balance.
    Conservation,
    /// What is processed is what was written, in order.
    Order,
    /// What an application reads is what the other wrote, byte for byte.
    Bytes,
    /// A reset that fits ends the socket.
    ResetsCount,
    /// After the close tag nothing is written.
    NothingAfterTag,
    /// The close timeout holds to the microsecond.
    CloseTimeout,
    /// No kernel holds the socket of a closed stream for ever.
    NoSocketForEver,
    /// What is recorded of a stream is consistent.
    Record,
    /// Engines agree.
    Engines,
    /// The same run has the same result.
    Repeatable,
    /// A legal scenario can be run.
    Runs,
}

impl Promise {
    /// In a few words, with hyphens: a part of a file name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NoPanic => "no-panic",
            Self::Ends => "every-run-ends",
            Self::Manifest => "manifest-is-the-scenario",
            Self::Conservation => "conservation",
            Self::Order => "stanzas-in-order",
            Self::Bytes => "bytes-intact",
            Self::ResetsCount => "resets-count",
            Self::NothingAfterTag => "nothing-after-the-tag",
            Self::CloseTimeout => "close-timeout-holds",
            Self::NoSocketForEver => "no-socket-for-ever",
            Self::Record => "records-consistent",
            Self::Engines => "engines-agree",
            Self::Repeatable => "repeatable",
            Self::Runs => "legal-scenarios-run",
        }
    }
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// Which.
    pub promise: Promise,
    /// What happened, and where.
    pub what: String,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.promise.name(), self.what)
    }
}

/// How much is checked beyond what every run is checked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Depth {
    /// Packets and deadlines of a node that are looked at.
    pub(crate) steps: u64,
    /// Run it under the reference engine too, whatever that costs or only if it is cheap.
    pub(crate) engines: Reference,
    /// Run it twice.
    pub(crate) twice: bool,
}

/// Whether the reference engine is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// No.
    No,
    /// If it takes no more than a moment.
    Cheap,
    /// If it can.
    Asked,
}

impl Depth {
    /// All there is.
    pub(crate) const FULL: Self = Self { steps: MOST_STEPS, engines: Reference::Asked, twice: true };
}

/// Runs every strategy of a scenario on every node and checks it; what was reached goes into `coverage`, up to where a run was
/// given up.
pub(crate) fn check(scenario: &Scenario, depth: Depth, coverage: &mut Coverage) -> Result<(), Broken> {
    let checked = guarded(|| checked(scenario, depth, coverage));
    checked.unwrap_or_else(|what| {
        if what.starts_with(Witness::LONG) {
            coverage.count(GIVEN_UP);
            return Ok(());
        }
        let promise = if what.starts_with(Witness::BUSY) { Promise::Ends } else { Promise::NoPanic };
        Err(Broken { promise, what })
    })
}

fn checked(scenario: &Scenario, depth: Depth, coverage: &mut Coverage) -> Result<(), Broken> {
    manifest(scenario)?;
    for (contender, strategy) in scenario.strategies.iter().enumerate() {
        let mut peers = 0;
        for node in (0..scenario.nodes).map(NodeId) {
            let run = NodeRun { scenario, contender, seed: scenario.seed, node };
            let place = |broken: Broken| Broken {
                what: format!("strategy {}, node {}: {}", strategy.name, node.0, broken.what),
                ..broken
            };
            let (ledger, witness) =
                Event.witness(&run, Witness::new(depth.steps)).map_err(|error| ended(&error)).map_err(place)?;
            coverage.add_run(scenario, contender, &ledger, &witness);
            node_holds(&run, &ledger, &witness).map_err(place)?;
            peers += ledger.streams.iter().filter(|record| record.stream.0 < scenario.peers).count();
            deeper(&run, &ledger, depth, coverage).map_err(place)?;
        }
        if peers != scenario.peers as usize {
            let what = format!("strategy {}: {peers} streams of {} peers", strategy.name, scenario.peers);
            return Err(Broken { promise: Promise::Record, what });
        }
    }
    Ok(())
}

/// What must also be so under the other engine, and once more under the same.
fn deeper(run: &NodeRun<'_>, ledger: &NodeLedger, depth: Depth, coverage: &mut Coverage) -> Result<(), Broken> {
    if depth.twice {
        // Without a witness, so that this also says that a witness changes nothing.
        let again = Event.run(run, &Unwatched).map_err(|error| ended(&error))?;
        differ(ledger, &again).map_or(Ok(()), |what| Err(Broken { promise: Promise::Repeatable, what }))?;
        coverage.count("twice");
    }
    let ask = match depth.engines {
        Reference::No => false,
        Reference::Cheap => ticks(run.scenario) <= MOST_TICKS,
        Reference::Asked => true,
    };
    if ask && Turmoil.accepts(run.scenario).is_ok() {
        let other = Turmoil.run(run, &Unwatched).map_err(|error| ended(&error))?;
        differ(ledger, &other).map_or(Ok(()), |what| Err(Broken { promise: Promise::Engines, what }))?;
        coverage.count("under both engines");
    }
    Ok(())
}

fn ticks(scenario: &Scenario) -> u64 {
    let tick = Micros::new((scenario.fastest_latency().get() / 2).clamp(50, 10_000));
    scenario.duration.get() / tick.get()
}

/// A run that did not come to its end.
fn ended(error: &RunError) -> Broken {
    let promise = match error {
        RunError::Imbalance(Imbalance::Broken { .. } | Imbalance::Order { .. }) => Promise::Order,
        RunError::Imbalance(Imbalance::Sum { .. }) => Promise::Conservation,
        RunError::TooFast { .. } | RunError::Interrupted | RunError::Failed(_) => Promise::Runs,
    };
    Broken { promise, what: error.to_string() }
}

fn manifest(scenario: &Scenario) -> Result<(), Broken> {
    let broken = |what: String| Err(Broken { promise: Promise::Manifest, what });
    let mut json = to_json(scenario);
    if let Some(keys) = json.as_object_mut() {
        keys.shift_remove("seed");
    }
    match from_json(&json, scenario.seed) {
        Ok(again) if again == *scenario => Ok(()),
        Ok(again) => broken(format!("what is read back differs: {again:?}, was {scenario:?}")),
        Err(why) => broken(why),
    }
}

/// The first thing that differs between two ledgers of a node.
fn differ(one: &NodeLedger, other: &NodeLedger) -> Option<String> {
    if one == other {
        return None;
    }
    let stream = one.streams.iter().zip(&other.streams).find(|(a, b)| a != b).map(|pair| format!("{pair:?}"));
    let lost = || one.lost.iter().zip(&other.lost).find(|(a, b)| a != b).map(|pair| format!("{pair:?}"));
    let rest = || "the census, or the number of streams or of lost stanzas".to_owned();
    Some(stream.or_else(lost).unwrap_or_else(rest))
}

fn node_holds(run: &NodeRun<'_>, ledger: &NodeLedger, witness: &Witness) -> Result<(), Broken> {
    balance::check(ledger).map_err(|e| Broken { promise: Promise::Conservation, what: e.to_string() })?;
    if let Some(what) = &witness.garbled {
        return Err(Broken { promise: Promise::Bytes, what: what.clone() });
    }
    if let Some(what) = &witness.survived {
        return Err(Broken { promise: Promise::ResetsCount, what: what.clone() });
    }
    let closers = &run.scenario.strategies[run.contender].closers;
    let unseen = [Seen::default(), Seen::default()];
    let first_lives = ledger.streams.iter().filter(|record| record.stream.0 < run.scenario.peers).count();
    for record in &ledger.streams {
        let ends = witness.streams.get(place(run.scenario, record.stream, first_lives)).unwrap_or(&unseen);
        let stream = Stream { scenario: run.scenario, record, closer: &closers[usize::from(record.closer)], ends };
        stream.holds().map_err(|broken| Broken {
            what: format!("stream {}: {}; {record:?}", record.stream.0, broken.what),
            ..broken
        })?;
    }
    Ok(())
}

/// A stream's place among those of its node: peers are dealt out in turn, and each of their lives follows on the one before.
fn place(scenario: &Scenario, stream: StreamId, first_lives: usize) -> usize {
    let (life, peer) = (stream.0 / scenario.peers, stream.0 % scenario.peers);
    (peer / scenario.nodes) as usize + life as usize * first_lives
}

/// One stream with all that is known of it.
struct Stream<'a> {
    scenario: &'a Scenario,
    record: &'a StreamRecord,
    closer: &'a WeightedCloser,
    ends: &'a [Seen; 2],
}

fn time(observed: Observed) -> Option<Micros> {
    if let Observed::After(time) = observed { Some(time) } else { None }
}

impl Stream<'_> {
    fn holds(&self) -> Result<(), Broken> {
        let promises: [(Promise, Option<String>); 4] = [
            (Promise::Record, self.is_inconsistent()),
            (Promise::NothingAfterTag, self.writes_after_tag()),
            (Promise::CloseTimeout, self.outlives_its_timeout()),
            (Promise::NoSocketForEver, self.holds_a_socket()),
        ];
        let broken = promises.into_iter().find_map(|(promise, what)| Some(Broken { promise, what: what? }));
        broken.map_or(Ok(()), Err)
    }

    fn end(&self) -> SimTime {
        SimTime::ZERO + self.scenario.duration
    }

    /// Sides whose application closes by the closer's rules.
    fn closing_sides(&self) -> &'static [Side] {
        match self.scenario.by {
            By::Server => &[Side::Server],
            By::Client => &[Side::Client],
            By::Both => &Side::BOTH,
        }
    }

    fn closer_side(&self) -> Side {
        if self.scenario.by == By::Client { Side::Client } else { Side::Server }
    }

    fn is_inconsistent(&self) -> Option<String> {
        let record = self.record;
        let times = [record.release, record.notice, record.teardown, record.gone];
        // A release may come after the teardown: a reset takes the socket from an application that still waits.
        let swapped =
            matches!((time(record.teardown), time(record.gone)), (Some(teardown), Some(gone)) if gone < teardown);
        let late = record.decision.is_some_and(|d| times.iter().filter_map(|t| time(*t)).any(|t| d + t > self.end()));
        let undecided = record.decision.is_none();
        let wrong = [
            (swapped, "gone comes before teardown"),
            (late, "something happened after the end of the run"),
            (undecided && times.iter().any(|t| time(*t).is_some()), "closed without a decision"),
            (undecided && record.outcome != Outcome::Unfinished, "has an outcome without a decision"),
            (record.outcome != Outcome::Unfinished && time(record.release).is_none(), "ended without a release"),
        ];
        wrong.iter().find(|(broken, _)| *broken).map(|(_, what)| (*what).to_owned())
    }

    fn writes_after_tag(&self) -> Option<String> {
        let counted = self.record.violations;
        let seen = self.closing_sides().iter().map(|side| self.ends[side.index()].behind_tag).sum::<u64>();
        (counted + seen > 0)
            .then(|| format!("{counted} bytes after the close tag by the ledger, {seen} by the witness"))
    }

    /// A closer that waits is gone when its timeout has passed since its tag; and it is gone no sooner where it says that
    /// this was why.
    fn outlives_its_timeout(&self) -> Option<String> {
        let profile = &self.closer.profile;
        let timeout = profile.timeout.filter(|_| profile.strategy.waits())?;
        for side in self.closing_sides() {
            let end = &self.ends[side.index()];
            let Some(tag) = end.tag.filter(|_| !end.struck) else { continue };
            let due = tag + timeout;
            if due < self.end() && end.let_go.is_none_or(|gone| gone > due) {
                return Some(format!(
                    "the {side:?} wrote its tag at {tag} and let go at {:?}, not by {due}",
                    end.let_go
                ));
            }
        }
        let struck = self.ends[self.closer_side().index()].struck;
        let release = time(self.record.release)?;
        if struck || self.record.outcome != Outcome::Timeout {
            return None;
        }
        let whole = profile.grace + timeout;
        let exact = match profile.ping.or(crate::xmpp::config::CloserProfile::plain(profile.strategy).ping) {
            None => release == whole,
            // An unanswered ping is a timeout too, and an answered one took some time of its own.
            Some(ping) => release == Micros::ZERO || release == ping.timeout || release >= whole,
        };
        (!exact).then(|| {
            format!("timed out {release} after the decision; the timeout is {timeout}, the grace {}", profile.grace)
        })
    }

    /// Whether a kernel still holds a socket that no timer can explain any more.
    fn holds_a_socket(&self) -> Option<String> {
        Side::BOTH.into_iter().find_map(|side| {
            let end = &self.ends[side.index()];
            let (state, since) = end.state.filter(|_| !end.struck)?;
            // The kernel's own state needs no application that has let go.
            let let_go = if state == State::TimeWait { since } else { end.let_go? };
            let quiet = since.max(let_go).max(end.last_packet.unwrap_or(let_go));
            let (held, most) = (self.end().since(quiet), longest(&self.scenario.kernel, state));
            let state = state.name();
            (held > most).then(|| {
                format!("the {side:?} is in {state} since {since}, let go at {let_go}, hears nothing for {held}: {most} is the most")
            })
        })
    }
}

/// The longest that a kernel holds an orphan in a state while nothing comes.
fn longest(kernel: &Kernel, state: State) -> Micros {
    let longest = match state {
        // `tcp_fin_time`: at least three and a half retransmission timeouts.
        State::FinWait2 => {
            let time = kernel.tcp_fin_timeout.max(Micros::new(kernel.tcp_rto_max_ms.get() * 7 / 2));
            // Longer than TIME-WAIT, it is what exceeds that, twice: as a socket, then as a bucket (`tcp_keepalive_timer`).
            time.max(Micros::new(time.get().saturating_sub(kernel.time_wait.get()) * 2))
        }
        State::TimeWait => kernel.time_wait,
        // All attempts to send the rest, at the slowest pace; RFC 9293 has no such limit, Linux counts (tcp_orphan_retries).
        State::SynSent
        | State::SynReceived
        | State::Established
        | State::FinWait1
        | State::CloseWait
        | State::Closing
        | State::LastAck
        | State::Closed => {
            let attempts = if kernel.tcp_orphan_retries == 0 { 8 } else { kernel.tcp_orphan_retries };
            kernel.tcp_rto_max_ms * (attempts + 4)
        }
    };
    // What the timer wheel adds at most.
    longest + Micros::new(longest.get() / 8) + Micros::from_secs(1)
}
