//! IPv4 addresses and ports of the simulated machines, computed from their numbers and back.
//!
//! Clients live in 10.0.0.0/8, one address a stream, so that a connection is known by its client's address alone.
//! Server nodes live in 172.16.0.0/12. Both are private networks (RFC 1918), so no capture names a real machine.

use std::fmt;
use std::net::Ipv4Addr;

use crate::id::{NodeId, StreamId};

/// The port of client streams (RFC 6120 §14.7).
pub const CLIENT_TO_SERVER: u16 = 5222;
/// The port of server streams (RFC 6120 §14.7).
pub const SERVER_TO_SERVER: u16 = 5269;

/// How many streams have an address: 10.0.0.1 to 10.255.255.254.
pub const MAX_STREAMS: u32 = (1 << 24) - 2;
/// How many server nodes have an address: 172.16.0.1 to 172.31.255.254.
pub const MAX_NODES: u32 = (1 << 20) - 2;

const FIRST_CLIENT: u32 = u32::from_be_bytes([10, 0, 0, 1]);
const FIRST_SERVER: u32 = u32::from_be_bytes([172, 16, 0, 1]);

/// The first port that Linux gives to a connecting socket (`net.ipv4.ip_local_port_range`).
const FIRST_EPHEMERAL: u16 = 32_768;
/// How many ports that range has: up to 60999.
const EPHEMERAL_PORTS: u32 = 28_232;

/// An IPv4 address with a TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Address {
    /// IPv4 address.
    pub ip: Ipv4Addr,
    /// TCP port.
    pub port: u16,
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.ip, self.port)
    }
}

/// The address of the machine that opens `stream`.
///
/// # Panics
/// If the stream's number is not below [`MAX_STREAMS`].
pub fn client_ip(stream: StreamId) -> Ipv4Addr {
    assert!(stream.0 < MAX_STREAMS, "stream {} has no address, there are {MAX_STREAMS}", stream.0);
    Ipv4Addr::from_bits(FIRST_CLIENT + stream.0)
}

/// The stream whose client has this address; `None` if it is no client's address.
pub fn stream_of(ip: Ipv4Addr) -> Option<StreamId> {
    ip.to_bits().checked_sub(FIRST_CLIENT).filter(|&n| n < MAX_STREAMS).map(StreamId)
}

/// The port from which the client of `stream` connects: in the range that Linux uses.
pub fn client_port(stream: StreamId) -> u16 {
    let offset = (stream.0 % EPHEMERAL_PORTS) as u16;
    FIRST_EPHEMERAL + offset
}

/// The address of a server node.
///
/// # Panics
/// If the node's number is not below [`MAX_NODES`].
pub fn server_ip(node: NodeId) -> Ipv4Addr {
    assert!(node.0 < MAX_NODES, "node {} has no address, there are {MAX_NODES}", node.0);
    Ipv4Addr::from_bits(FIRST_SERVER + node.0)
}

/// The server node that has this address; `None` if it is no server's address.
pub fn node_of(ip: Ipv4Addr) -> Option<NodeId> {
    ip.to_bits().checked_sub(FIRST_SERVER).filter(|&n| n < MAX_NODES).map(NodeId)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_back_to_their_numbers() {
        for n in [0, 1, 254, 255, 256, 65_535, 9_999_999, MAX_STREAMS - 1] {
            let ip = client_ip(StreamId(n));
            assert_eq!(stream_of(ip), Some(StreamId(n)));
            assert_eq!(node_of(ip), None);
            assert!(ip.is_private() && ip.octets()[0] == 10, "{ip}");
        }
        for n in [0, 1, 255, 65_535, MAX_NODES - 1] {
            let ip = server_ip(NodeId(n));
            assert_eq!(node_of(ip), Some(NodeId(n)));
            assert_eq!(stream_of(ip), None);
            assert!(ip.is_private() && ip.octets()[0] == 172, "{ip}");
        }
    }

    #[test]
    fn addresses_at_the_rim_belong_to_nobody() {
        for ip in
            [[10, 0, 0, 0], [10, 255, 255, 255], [9, 255, 255, 255], [11, 0, 0, 0], [172, 16, 0, 0], [172, 32, 0, 0]]
        {
            assert_eq!((stream_of(ip.into()), node_of(ip.into())), (None, None), "{ip:?}");
        }
    }

    #[test]
    fn client_ports_stay_in_the_range_of_linux() {
        for n in [0, 28_231, 28_232, u32::MAX] {
            assert!((32_768..=60_999).contains(&client_port(StreamId(n))));
        }
        assert_eq!(client_port(StreamId(28_231)), 60_999);
    }
}
