//! An IP packet in flight: addresses round a segment, with the instants of its departure and arrival.

use std::net::Ipv4Addr;

use crate::net::segment::Segment;
use crate::time::SimTime;

/// An IP packet that a link has accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Sender.
    pub source: Ipv4Addr,
    /// Receiver.
    pub destination: Ipv4Addr,
    /// When it left the sender's kernel.
    pub departure: SimTime,
    /// When it reaches the receiver's kernel: decided by the link.
    pub arrival: SimTime,
    /// Its number on its link direction, counted from 0: orders packets that arrive in the same microsecond.
    pub number: u32,
    /// What it carries.
    pub segment: Segment,
}
