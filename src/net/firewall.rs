//! A stateful firewall at the server's end of a link: a table of connections that can be full, and a limit of SYNs a second.
//!
//! All streams of a node on one class's link share it. It judges only SYNs that would open a connection; everything else passes and
//! keeps its entry. How long an entry stays without a packet is that of Linux (`nf_conntrack_proto_tcp.c`, `tcp_timeouts`): 2 min
//! before the handshake is over and after both FINs, 5 days between, 10 s after a RST.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::id::Side;
use crate::net::middlebox::OnExpiry;
use crate::net::segment::Segment;
use crate::time::{Micros, SimTime};

/// What a firewall allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// The most connections in its table; `None`: any number.
    pub table: Option<u32>,
    /// What becomes of a SYN that it does not let in.
    pub on_full: OnExpiry,
    /// The most SYNs a second that open a connection, on average; `None`: any number.
    pub syn_rate: Option<u32>,
    /// How many of them may come at once.
    pub burst: u32,
}

const OPENING: Micros = Micros::from_secs(120);
const ESTABLISHED: Micros = Micros::from_secs(5 * 24 * 3_600);
const CLOSED: Micros = Micros::from_secs(120);
const RESET: Micros = Micros::from_secs(10);

/// Millionths of a SYN.
const ONE: u64 = 1_000_000;

/// A connection by the number of its stream in the node and the client's port.
type Key = (usize, u16);

#[derive(Clone, Copy, Debug)]
struct Entry {
    expires: SimTime,
    established: bool,
    /// Whose FIN has passed, by [`Side::index`].
    fins: [bool; 2],
}

/// The state of a firewall.
#[derive(Clone, Debug)]
pub struct Gate {
    config: Firewall,
    entries: BTreeMap<Key, Entry>,
    expiries: BTreeSet<(SimTime, Key)>,
    /// Millionths of SYNs that may pass, as of `filled`.
    tokens: u64,
    filled: SimTime,
}

impl Gate {
    /// An empty table, and all of a burst to spend.
    pub fn new(config: Firewall) -> Self {
        let tokens = u64::from(config.burst) * ONE;
        Self { config, entries: BTreeMap::new(), expiries: BTreeSet::new(), tokens, filled: SimTime::ZERO }
    }

    /// Whether a segment passes at `now`. Segments must come in the order of time.
    pub fn passes(&mut self, stream: usize, sender: Side, segment: &Segment, now: SimTime) -> bool {
        while let Some((expires, key)) = self.expiries.first().copied().filter(|(expires, _)| *expires <= now) {
            self.expiries.remove(&(expires, key));
            self.entries.remove(&key);
        }
        let port = if sender == Side::Client { segment.source_port } else { segment.destination_port };
        let key = (stream, port);
        let known = self.entries.get(&key).copied();
        let opens = sender == Side::Client && segment.flags.syn && !segment.flags.ack;
        if known.is_none() && !opens {
            // What belongs to no entry is none of its business: a RST of a kernel that knows nothing, an old duplicate.
            return true;
        }
        if known.is_none() && !self.lets_in(now) {
            return false;
        }
        self.keep(key, known, sender, segment, now);
        true
    }

    fn lets_in(&mut self, now: SimTime) -> bool {
        if self.config.table.is_some_and(|most| self.entries.len() >= most as usize) {
            return false;
        }
        let Some(rate) = self.config.syn_rate else { return true };
        let most = u64::from(self.config.burst) * ONE;
        let gained = now.since(self.filled).get().saturating_mul(rate.into());
        self.tokens = self.tokens.saturating_add(gained).min(most);
        self.filled = now;
        let enough = self.tokens >= ONE;
        if enough {
            self.tokens -= ONE;
        }
        enough
    }

    fn keep(&mut self, key: Key, known: Option<Entry>, sender: Side, segment: &Segment, now: SimTime) {
        if let Some(entry) = known {
            self.expiries.remove(&(entry.expires, key));
        }
        let mut entry = known.unwrap_or(Entry { expires: now, established: false, fins: [false; 2] });
        entry.established |= sender == Side::Client && segment.flags.ack;
        entry.fins[sender.index()] |= segment.flags.fin;
        let stays = match entry {
            _ if segment.flags.rst => RESET,
            Entry { fins: [true, true], .. } => CLOSED,
            Entry { established: true, .. } => ESTABLISHED,
            Entry { .. } => OPENING,
        };
        entry.expires = now + stays;
        self.entries.insert(key, entry);
        self.expiries.insert((entry.expires, key));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::Flags;

    fn at(s: u64) -> SimTime {
        SimTime::ZERO + Micros::from_secs(s)
    }

    fn segment(port: u16, flags: Flags) -> Segment {
        Segment { source_port: port, destination_port: port, flags, ..Segment::default() }
    }

    fn syn(port: u16) -> Segment {
        segment(port, Flags { syn: true, ..Flags::default() })
    }

    const NONE: Flags = Flags { syn: false, fin: false, rst: false, psh: false, ack: false };
    const FIN: Flags = Flags { fin: true, ack: true, ..NONE };

    #[test]
    fn a_full_table_lets_nobody_in_until_an_entry_is_gone() {
        let config = Firewall { table: Some(2), on_full: OnExpiry::Drop, syn_rate: None, burst: 1 };
        let mut gate = Gate::new(config);
        assert!(gate.passes(0, Side::Client, &syn(1), at(0)) && gate.passes(1, Side::Client, &syn(2), at(0)));
        assert!(!gate.passes(2, Side::Client, &syn(3), at(1)));
        assert!(gate.passes(0, Side::Client, &syn(1), at(2)), "a SYN that is sent again has its entry");
        for side in Side::BOTH {
            assert!(gate.passes(1, side, &segment(2, FIN), at(3)));
        }
        assert!(!gate.passes(2, Side::Client, &syn(3), at(121)));
        assert!(gate.passes(2, Side::Client, &syn(3), at(122)), "two minutes after the last SYN of the first");
        assert!(!gate.passes(3, Side::Client, &syn(4), at(122)));
        assert!(gate.passes(3, Side::Client, &syn(4), at(123)), "two minutes after the second FIN of the other");
    }

    #[test]
    fn an_entry_that_is_established_stays_for_days_and_a_reset_ends_it() {
        let config = Firewall { table: Some(1), on_full: OnExpiry::Reset, syn_rate: None, burst: 1 };
        let mut gate = Gate::new(config);
        assert!(gate.passes(0, Side::Client, &syn(1), at(0)));
        assert!(gate.passes(0, Side::Client, &segment(1, Flags { ack: true, ..NONE }), at(1)));
        assert!(!gate.passes(1, Side::Client, &syn(2), at(4 * 24 * 3_600)));
        assert!(gate.passes(0, Side::Server, &segment(1, Flags { rst: true, ..NONE }), at(4 * 24 * 3_600)));
        assert!(gate.passes(1, Side::Client, &syn(2), at(4 * 24 * 3_600 + 10)));
    }

    #[test]
    fn syns_pass_in_bursts_and_on_average_no_faster_than_the_rate() {
        let config = Firewall { table: None, on_full: OnExpiry::Drop, syn_rate: Some(10), burst: 5 };
        let mut gate = Gate::new(config);
        let passed = |gate: &mut Gate, from: usize, now| {
            (from..from + 100).filter(|n| gate.passes(*n, Side::Client, &syn(1), now)).count()
        };
        assert_eq!(passed(&mut gate, 0, at(0)), 5);
        assert_eq!(passed(&mut gate, 100, SimTime::from_micros(300_000)), 3);
        assert_eq!(passed(&mut gate, 200, at(100)), 5);
    }
}
