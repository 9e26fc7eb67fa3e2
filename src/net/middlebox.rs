//! A middlebox beside the client: a NAT or a stateful firewall that forgets a connection which is silent for too long.
//!
//! It stands at the client's end of the link: it sees what the client sends when that leaves, and what the server sends
//! when that arrives. Every packet that it lets through, either way, refreshes its entry (RFC 5382 REQ-5 speaks of the
//! idle time-out). Only a SYN of the client makes one: what belongs to a forgotten connection does not pass, as with Linux's
//! `nf_conntrack_tcp_loose = 0`. Its table has room for all.

use serde::{Deserialize, Serialize};

use crate::net::segment::Segment;
use crate::time::{Micros, SimTime};

/// What a middlebox does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Middlebox {
    /// After this long without a packet the connection is forgotten.
    pub nat_idle: Micros,
    /// What becomes of a packet of a forgotten connection.
    pub on_expiry: OnExpiry,
}

/// What becomes of a packet of a connection that a middlebox has forgotten.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnExpiry {
    /// It is dropped without a word.
    Drop,
    /// It is dropped and its sender gets a RST.
    Reset,
}

/// The middlebox's entry for one connection.
#[derive(Clone, Copy, Debug, Default)]
pub struct Mapping {
    /// When the last packet passed.
    last: Option<SimTime>,
}

impl Mapping {
    /// Whether a packet passes at `now`. Packets of both ways must come in the order of time.
    pub fn passes(&mut self, config: &Middlebox, now: SimTime, segment: &Segment, from_client: bool) -> bool {
        let opens = from_client && segment.flags.syn && !segment.flags.ack;
        let known = self.last.is_some_and(|last| now.since(last) < config.nat_idle);
        let passes = opens || known;
        if passes {
            self.last = Some(now);
        }
        passes
    }

    /// The entry is gone.
    pub fn expire(&mut self) {
        self.last = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::Flags;

    #[test]
    fn traffic_either_way_keeps_a_connection_known_and_silence_ends_it() {
        let config = Middlebox { nat_idle: Micros::from_secs(10), on_expiry: OnExpiry::Drop };
        let at = |s: u64| SimTime::from_micros(s * 1_000_000);
        let syn = Segment { flags: Flags { syn: true, ..Flags::default() }, ..Segment::default() };
        let data = Segment { payload: vec![1], ..Segment::default() };
        let mut mapping = Mapping::default();
        assert!(!mapping.passes(&config, at(0), &data, true), "nothing opened it");
        assert!(!mapping.passes(&config, at(0), &syn, false), "not from outside");
        assert!(mapping.passes(&config, at(1), &syn, true));
        assert!(mapping.passes(&config, at(10), &data, false));
        assert!(mapping.passes(&config, at(19), &data, true));
        assert!(!mapping.passes(&config, at(29), &data, true), "ten seconds after the last");
        assert!(!mapping.passes(&config, at(29), &data, false));
        assert!(mapping.passes(&config, at(30), &syn, true), "a SYN opens it anew");
        mapping.expire();
        assert!(!mapping.passes(&config, at(30), &data, true));
    }
}
