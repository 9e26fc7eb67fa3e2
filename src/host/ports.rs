//! The ephemeral ports of a machine that opens the streams of a node itself.
//!
//! A connection is known by two addresses and two ports, and the remote port is always the same: towards each remote address a
//! local port can be in use once. It is free again when the kernel holds nothing of its connection any more, TIME-WAIT
//! included: what `tcp_tw_reuse = 1` could take from a connection in TIME-WAIT stays with it, as it does with the 0 and 2
//! (loopback only) of Linux. Where no port is free `connect()` gives EADDRNOTAVAIL.

use crate::host::application::Application;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::scenario::server::Outgoing;

/// Ports in use.
#[derive(Debug)]
pub(super) struct Ports {
    /// So many can be towards one remote address.
    most: u32,
    /// So many are, by remote address.
    used: Vec<u32>,
}

impl Ports {
    pub(super) fn new(outgoing: &Outgoing, peers: usize) -> Self {
        let destinations = peers.min(outgoing.destinations as usize).max(1);
        Self { most: outgoing.ports.unwrap_or(u32::MAX), used: vec![0; destinations] }
    }

    /// Ports that are in use towards the remote address of a peer.
    fn towards(&mut self, peer: usize) -> &mut u32 {
        let destinations = self.used.len();
        &mut self.used[peer % destinations]
    }

    /// Takes one, if one is free, and says how many are in use now.
    fn take(&mut self, peer: usize) -> Option<u32> {
        let most = self.most;
        let used = self.towards(peer);
        (*used < most).then(|| {
            *used += 1;
            *used
        })
    }
}

impl Visit<'_, '_> {
    /// Takes a port for a connection, where ports are counted: whether one was free.
    pub(super) fn takes_port(&mut self) -> bool {
        let Some(ports) = &mut self.ports else { return true };
        let Some(used) = ports.take(self.plan.first_life(self.local)) else { return false };
        self.effects.book.account().ports(used.into());
        true
    }

    /// The kernel holds nothing of a connection any more.
    pub(super) fn frees_port(&mut self) {
        if let Some(ports) = &mut self.ports {
            *ports.towards(self.plan.first_life(self.local)) -= 1;
        }
    }
}

impl Endpoint {
    /// There is no port to connect from.
    pub(super) fn finds_no_port(&mut self, visit: &mut Visit<'_, '_>) {
        visit.refuses();
        if !self.fails_to_connect(visit, false) {
            self.application = Application::Owns;
            self.party.handle_reset(visit.now);
            self.settle(visit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_remote_address_has_all_ports() {
        let mut ports = Ports::new(&Outgoing { ports: Some(2), destinations: 2 }, 100);
        // Peers 0, 2 and 4 lead to one address, 1 and 3 to the other.
        assert_eq!([0, 2, 4, 1].map(|peer| ports.take(peer)), [Some(1), Some(2), None, Some(1)]);
        *ports.towards(2) -= 1;
        assert_eq!([4, 0, 3].map(|peer| ports.take(peer)), [Some(2), None, Some(2)]);
    }

    #[test]
    fn no_address_is_without_a_peer() {
        let mut ports = Ports::new(&Outgoing { ports: None, destinations: 100 }, 3);
        assert_eq!((0..6).map(|peer| ports.take(peer)).collect::<Vec<_>>(), [1, 1, 1, 2, 2, 2].map(Some));
    }
}
