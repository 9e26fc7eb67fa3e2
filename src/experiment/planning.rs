//! How many peers a server holds: what a probe says, and which limit it meets first.

use crate::experiment::capacity::CapacityResult;
use crate::experiment::search::{Wanted, search};
use crate::scenario::span::Span;

/// What can be limited, of the worst node in the worst seed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Resource {
    /// Sockets at once, TIME-WAIT aside.
    Sockets,
    /// Connections in TIME-WAIT at once.
    TimeWait,
    /// Streams that the application owns at once.
    Streams,
    /// Bytes of sockets and streams.
    Memory,
    /// Stanzas that wait for a worker at once.
    Queue,
    /// Connections that were not granted, in the whole run.
    Refused,
    /// Ephemeral ports in use at once towards one remote address.
    Ports,
}

impl Resource {
    /// All of them with their names and what they are.
    pub const ALL: [(Self, &'static str, &'static str); 7] = [
        (Self::Sockets, "sockets", "server sockets at once, TIME-WAIT aside"),
        (Self::TimeWait, "time_wait", "connections in TIME-WAIT at once"),
        (Self::Streams, "streams", "streams that the application owns at once"),
        (Self::Memory, "memory", "memory of sockets and streams"),
        (Self::Queue, "queue", "stanzas that wait for a worker at once"),
        (Self::Refused, "refused", "connections that were not granted, in the whole run"),
        (Self::Ports, "ports", "ephemeral ports in use at once towards one remote address"),
    ];

    /// As `--limit` has it.
    pub fn name(self) -> &'static str {
        Self::ALL.iter().find(|(resource, ..)| *resource == self).map_or("", |(_, name, _)| name)
    }

    /// How much of it a cell took.
    pub const fn of(self, capacity: &CapacityResult) -> u64 {
        match self {
            Self::Sockets => capacity.peak_sockets,
            Self::TimeWait => capacity.peak_time_wait,
            Self::Streams => capacity.peak_streams,
            Self::Memory => capacity.peak_memory,
            Self::Queue => capacity.peak_queue,
            Self::Refused => capacity.refused,
            Self::Ports => match capacity.peak_ports {
                Some(ports) => ports,
                None => 0,
            },
        }
    }
}

/// The most of something that a node may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Of what.
    pub resource: Resource,
    /// The most.
    pub most: u64,
}

/// What so many peers take.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Probe {
    /// Peers.
    pub peers: u64,
    /// One a seed.
    pub capacity: Vec<CapacityResult>,
}

impl Probe {
    /// How much of something is taken in the worst seed.
    pub fn takes(&self, resource: Resource) -> u64 {
        self.capacity.iter().map(|of| resource.of(of)).max().unwrap_or(0)
    }

    /// The limits that are exceeded, in the order in which they were given.
    pub fn exceeds(&self, limits: &[Limit]) -> Vec<Resource> {
        limits.iter().filter(|limit| self.takes(limit.resource) > limit.most).map(|limit| limit.resource).collect()
    }
}

/// What came of the search for one strategy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Planned {
    /// The strategy.
    pub strategy: String,
    /// The largest number of peers within all limits; `None` if not even one is.
    pub peers: Option<u64>,
    /// The limits that the next larger number exceeds; empty if there is none that could be tried.
    pub binds: Vec<Resource>,
    /// Every probe, fewest peers first.
    pub probes: Vec<Probe>,
}

/// Searches the largest number of peers within `limits`, to three digits, from `first` on: doubled while they are kept, or halved
/// until they are, then by bisection. No more than `most` are tried.
///
/// # Errors
/// The first that `probe` gives.
pub fn plan<E>(
    strategy: &str,
    limits: &[Limit],
    first: u64,
    most: u64,
    mut probe: impl FnMut(u64) -> Result<Probe, E>,
) -> Result<Planned, E> {
    let mut probes: Vec<Probe> = Vec::new();
    let mut within = |peers: u64| -> Result<bool, E> {
        let known = probes.iter().find(|known| known.peers == peers);
        let probe = if let Some(known) = known { known.clone() } else { probe(peers)? };
        let kept = probe.exceeds(limits).is_empty();
        probes.retain(|known| known.peers != peers);
        probes.push(probe);
        Ok(kept)
    };
    let (mut low, mut high) = (first.clamp(1, most), first.clamp(1, most));
    let peers = if within(low)? {
        while high < most && within(high)? {
            low = high;
            high = (high * 2).min(most);
        }
        if within(high)? { Some(high) } else { bisect(low, high, &mut within)? }
    } else {
        while low > 1 && !within(low)? {
            high = low;
            low /= 2;
        }
        if within(low)? { bisect(low, high, &mut within)? } else { None }
    };
    probes.sort_by_key(|probe| probe.peers);
    let beyond = probes.iter().find(|probe| peers.is_none_or(|peers| probe.peers > peers));
    let binds = beyond.map(|probe| probe.exceeds(limits)).unwrap_or_default();
    Ok(Planned { strategy: strategy.to_owned(), peers, binds, probes })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "peers are whole, few"
)]
fn bisect<E>(low: u64, high: u64, within: &mut impl FnMut(u64) -> Result<bool, E>) -> Result<Option<u64>, E> {
    let span = Span::whole(low, high);
    let found = search(&span, &[low as f64, high as f64], Wanted::Largest, |peers| within(peers as u64))?;
    Ok(found.map(|peers| peers as u64))
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    /// A socket and 100 bytes a peer.
    fn found(first: u64, sockets: u64, memory: u64, most: u64) -> (Option<u64>, Vec<Resource>, usize) {
        let limits =
            [Limit { resource: Resource::Sockets, most: sockets }, Limit { resource: Resource::Memory, most: memory }];
        let probe = |peers| {
            let capacity =
                CapacityResult { peak_sockets: peers, peak_memory: 100 * peers, ..CapacityResult::default() };
            Ok::<_, Infallible>(Probe { peers, capacity: vec![capacity] })
        };
        let planned = plan("s", &limits, first, most, probe).unwrap_or_else(|never| match never {});
        assert!(planned.probes.is_sorted_by(|a, b| a.peers < b.peers));
        (planned.peers, planned.binds, planned.probes.len())
    }

    #[test]
    fn the_most_peers_are_found_from_above_and_from_below_and_the_limit_that_binds_is_named() {
        assert_eq!(found(10, 700, 1_000_000, 1 << 24).0, Some(700));
        assert_eq!(found(5_000, 700, 1_000_000, 1 << 24).0, Some(700));
        assert_eq!(found(10, 700, 1_000_000, 1 << 24).1, [Resource::Sockets]);
        assert_eq!(found(10, 700, 50_000, 1 << 24).1, [Resource::Memory]);
        assert_eq!(found(10, 699, 69_900, 1 << 24).1, [Resource::Sockets, Resource::Memory]);
    }

    #[test]
    fn where_nothing_is_enough_or_everything_is_there_is_no_limit_that_binds() {
        assert_eq!(found(64, 0, 1_000, 1 << 24), (None, vec![Resource::Sockets], 7));
        assert_eq!(found(64, 1 << 40, 1 << 40, 1_000), (Some(1_000), vec![], 5));
        assert_eq!(found(1, 1, 100, 1_000).0, Some(1));
    }
}
