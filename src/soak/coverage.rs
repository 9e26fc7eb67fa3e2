//! What a soak has reached, counted: so that a promise which held is known to have been at stake.

use std::collections::BTreeMap;

use toml::{Table, Value};

use crate::engine::Witness;
use crate::id::Side;
use crate::ledger::fate::{Outcome, Place};
use crate::ledger::record::NodeLedger;
use crate::scenario::Scenario;
use crate::scenario::shape::{Shape, TableShape};
use crate::scenario::{SCENARIO, chaos, closer_names, kernel_keys, responder_names};
use crate::soak::ranges;
use crate::tcp::{State, Timer};

/// The amount of packets and deadlines.
pub(crate) const STEPS: &str = "packets and deadlines";

/// The amount of runs that were given up although nothing was wrong with them.
pub const GIVEN_UP: &str = "runs given up as too long";

/// What is counted, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// How much there was.
    Amount,
    /// Streams whose closing ended so.
    Outcome,
    /// Lost stanzas that died there.
    Place,
    /// Streams that were closed by it.
    Closer,
    /// Streams whose peer answered so.
    Responder,
    /// Sockets of servers that entered the state.
    ServerState,
    /// Sockets of clients that entered the state.
    ClientState,
    /// Timers of kernels that fired.
    Timer,
    /// Ends of streams that an action of the chaos schedule struck, by each strike.
    Chaos,
    /// Scenarios that have the key.
    Key,
    /// Scenarios in which the key has this value, of those that can be listed.
    Value,
}

impl Kind {
    /// All, in order.
    pub const ALL: [Self; 11] = [
        Self::Amount,
        Self::Outcome,
        Self::Place,
        Self::Closer,
        Self::Responder,
        Self::ServerState,
        Self::ClientState,
        Self::Timer,
        Self::Chaos,
        Self::Key,
        Self::Value,
    ];

    /// As written in the `kind` column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Amount => "amount",
            Self::Outcome => "outcome",
            Self::Place => "place",
            Self::Closer => "closer",
            Self::Responder => "responder",
            Self::ServerState => "server-state",
            Self::ClientState => "client-state",
            Self::Timer => "timer",
            Self::Chaos => "chaos",
            Self::Key => "key",
            Self::Value => "value",
        }
    }
}

/// Counts by kind and name. What can be reached and was not has a count of 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<(Kind, String), u64>);

impl Coverage {
    /// All that can be reached, with nothing reached yet.
    pub(crate) fn expected() -> Self {
        let mut coverage = Self::default();
        let names: [(Kind, Vec<&str>); 8] = [
            (Kind::Outcome, Outcome::ALL.map(Outcome::name).into()),
            (Kind::Place, Place::ALL.map(Place::name).into()),
            (Kind::Closer, closer_names()),
            (Kind::Responder, responder_names()),
            (Kind::ServerState, states_of(Side::Server)),
            (Kind::ClientState, states_of(Side::Client)),
            (Kind::Timer, Timer::ALL.map(Timer::name).into()),
            (Kind::Chaos, chaos::PLAIN.iter().chain(&chaos::WITH_PARAMETER).map(|(name, _)| *name).collect()),
        ];
        for (kind, names) in names {
            for name in names {
                coverage.add(kind, name, 0);
            }
        }
        coverage.add(Kind::Amount, GIVEN_UP, 0);
        coverage.expect_table(&SCENARIO, "");
        coverage
    }

    fn expect_table(&mut self, table: &TableShape, path: &str) {
        for key in table.all() {
            let place = join(path, key.name);
            if ranges::presence(&place) > 0.0 {
                self.add(Kind::Key, &place, 0);
                self.expect(&key.shape, &place);
            }
        }
    }

    fn expect(&mut self, shape: &Shape, path: &str) {
        match shape {
            Shape::Table(table) => self.expect_table(table, path),
            Shape::Named(each) => self.expect(each, &join(path, "*")),
            Shape::List { each, .. } | Shape::Range(each) => self.expect(each, path),
            Shape::Either(shapes) => shapes.iter().for_each(|shape| self.expect(shape, path)),
            Shape::Kernel => {
                for (name, _, shape, _) in kernel_keys() {
                    self.add(Kind::Key, &join(path, name), 0);
                    self.expect(&shape, &join(path, name));
                }
            }
            Shape::Word(words) => words.iter().for_each(|word| self.add(Kind::Value, &value(path, word), 0)),
            Shape::Reference { known, .. } => {
                for word in known() {
                    self.add(Kind::Value, &value(path, word), 0);
                }
            }
            Shape::Boolean => [true, false].iter().for_each(|b| self.add(Kind::Value, &value(path, &b.to_string()), 0)),
            Shape::Text
            | Shape::Name
            | Shape::Integer { .. }
            | Shape::Number(_)
            | Shape::Duration { .. }
            | Shape::DurationOrNone
            | Shape::Shift
            | Shape::Rate
            | Shape::Bytes
            | Shape::File(_)
            | Shape::Grid
            | Shape::Precision => {}
        }
    }

    fn add(&mut self, kind: Kind, name: &str, count: u64) {
        *self.0.entry((kind, name.to_owned())).or_default() += count;
    }

    /// One more of an amount.
    pub(crate) fn count(&mut self, what: &str) {
        self.add(Kind::Amount, what, 1);
    }

    /// So many more of an amount.
    pub(crate) fn count_many(&mut self, what: &str, count: u64) {
        self.add(Kind::Amount, what, count);
    }

    /// The keys and values of a scenario's document.
    pub(crate) fn add_document(&mut self, document: &Table) {
        self.table(&SCENARIO, document, "");
    }

    fn table(&mut self, shape: &TableShape, table: &Table, path: &str) {
        for key in shape.all() {
            if let Some(value) = table.get(key.name) {
                let place = join(path, key.name);
                self.add(Kind::Key, &place, 1);
                self.value(&key.shape, value, &place);
            }
        }
    }

    fn value(&mut self, shape: &Shape, found: &Value, path: &str) {
        match (shape, found) {
            (Shape::Table(shape), Value::Table(table)) => self.table(shape, table, path),
            (Shape::Named(each), Value::Table(table)) => {
                table.values().for_each(|found| self.value(each, found, &join(path, "*")));
            }
            (Shape::Kernel, Value::Table(table)) => {
                for (name, _, shape, _) in kernel_keys() {
                    if let Some(found) = table.get(name) {
                        self.add(Kind::Key, &join(path, name), 1);
                        self.value(&shape, found, &join(path, name));
                    }
                }
            }
            (Shape::List { each, .. } | Shape::Range(each), Value::Array(list)) => {
                for found in list {
                    self.value(each, found, path);
                }
            }
            (Shape::Either(shapes), _) => shapes.iter().for_each(|shape| self.value(shape, found, path)),
            (Shape::Word(words), Value::String(text)) if words.contains(&text.as_str()) => {
                self.add(Kind::Value, &value(path, text), 1);
            }
            (Shape::Reference { known, .. }, Value::String(text)) if known().contains(&text.as_str()) => {
                self.add(Kind::Value, &value(path, text), 1);
            }
            (Shape::Boolean, Value::Boolean(b)) => self.add(Kind::Value, &value(path, &b.to_string()), 1),
            _ => {}
        }
    }

    /// What a node's run reached.
    pub(crate) fn add_run(&mut self, scenario: &Scenario, contender: usize, ledger: &NodeLedger, witness: &Witness) {
        let closers = &scenario.strategies[contender].closers;
        for record in &ledger.streams {
            self.add(Kind::Outcome, record.outcome.name(), 1);
            self.add(Kind::Closer, &closers[usize::from(record.closer)].name, record.decision.map_or(0, |_| 1));
            let class = &scenario.classes[usize::from(record.class)];
            self.add(Kind::Responder, &class.responder_name, record.decision.map_or(0, |_| 1));
            for totals in [record.to_closer, record.to_peer] {
                self.count_many("stanzas", totals.sent.into());
                self.count_many("stanzas lost", totals.lost.into());
            }
        }
        ledger.lost.iter().for_each(|stanza| self.add(Kind::Place, stanza.place.name(), 1));
        for (kind, side) in [(Kind::ServerState, Side::Server), (Kind::ClientState, Side::Client)] {
            for (state, count) in State::HELD.iter().zip(witness.states[side.index()]).filter(|(_, count)| *count > 0) {
                self.add(kind, state.name(), count);
            }
        }
        for (timer, count) in Timer::ALL.iter().zip(witness.timers) {
            self.add(Kind::Timer, timer.name(), count);
        }
        witness.struck.iter().for_each(|(action, count)| self.add(Kind::Chaos, action, *count));
        self.count("runs of a node under a strategy");
        self.count_many("streams", ledger.streams.len() as u64);
        self.count_many(STEPS, witness.steps());
        self.count_many("bytes compared", witness.bytes);
        self.count_many("resets that ended a socket", witness.resets);
        self.count_many("sessions taken over from a stream that was up", witness.replaced);
        for end in witness.streams.iter().flatten().filter(|end| end.let_go.is_some()) {
            self.count(if end.state.is_some() { "closed sockets still there" } else { "closed sockets gone" });
        }
    }

    /// Adds another's counts.
    pub(crate) fn merge(&mut self, other: &Self) {
        for ((kind, name), count) in &other.0 {
            self.add(*kind, name, *count);
        }
    }

    /// Kind, name and count in the order of kinds and names.
    pub fn rows(&self) -> impl Iterator<Item = (Kind, &str, u64)> {
        self.0.iter().map(|((kind, name), count)| (*kind, name.as_str(), *count))
    }

    /// How many of one kind were reached, of how many.
    pub fn reached(&self, kind: Kind) -> (usize, usize) {
        let of_kind = || self.rows().filter(|(of, ..)| *of == kind);
        (of_kind().filter(|(.., count)| *count > 0).count(), of_kind().count())
    }

    /// The names of one kind that were never reached.
    pub fn missing(&self, kind: Kind) -> Vec<&str> {
        self.rows().filter(|(of, _, count)| *of == kind && *count == 0).map(|(_, name, _)| name).collect()
    }

    /// An amount.
    pub fn amount(&self, what: &str) -> u64 {
        self.0.get(&(Kind::Amount, what.to_owned())).copied().unwrap_or(0)
    }
}

/// States that a socket of this side can be in: only who connects sends a SYN, only who listens answers one.
fn states_of(side: Side) -> Vec<&'static str> {
    let other = if side == Side::Server { State::SynSent } else { State::SynReceived };
    State::HELD.into_iter().filter(|state| *state != other).map(State::name).collect()
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

fn value(path: &str, value: &str) -> String {
    format!("{path} = {value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_reached_is_there_from_the_start_and_what_was_reached_is_counted() {
        let mut coverage = Coverage::expected();
        assert!(coverage.missing(Kind::Value).contains(&"closing.by = client"));
        assert!(coverage.missing(Kind::Key).contains(&"class.link.up.latency.lognormal"));
        let text = "strategies = [\"handshake\"]\n[closing]\nby = \"client\"\n[[class]]\nlink = \"lan\"\n[kernel]\ntcp_sack = false\n";
        coverage.add_document(&text.parse().unwrap());
        for reached in ["closing.by = client", "strategies = handshake", "class.link = lan", "kernel.tcp_sack = false"]
        {
            assert!(!coverage.missing(Kind::Value).contains(&reached), "{reached}");
        }
        assert!(!coverage.missing(Kind::Key).contains(&"kernel.tcp_sack"));
        let (reached, of) = coverage.reached(Kind::Value);
        assert!(reached == 4 && of > 100, "{reached} of {of}");
    }
}
