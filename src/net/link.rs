//! One direction of a link: bandwidth, then loss and duplication, then latency. Knows no TCP state.

use crate::dist::Distribution;
use crate::time::{Micros, SimTime};

/// A link between a peer and its server: each direction by itself.
#[derive(Clone, Debug, PartialEq)]
pub struct LinkConfig {
    /// From client to server.
    pub up: DirectionConfig,
    /// From server to client.
    pub down: DirectionConfig,
}

/// What one direction of a link does to packets.
#[derive(Clone, Debug, PartialEq)]
pub struct DirectionConfig {
    /// One-way latency in microseconds, drawn for each packet. Never below [`DirectionConfig::latency_floor`].
    pub latency: Distribution,
    /// Draws below this are raised to it, so that an engine may rely on it (the tick of turmoil).
    pub latency_floor: Micros,
    /// Whether a packet may overtake another: otherwise it arrives no earlier than the one before it.
    pub reorder: bool,
    /// Loss of packets of every kind.
    pub loss: LossModel,
    /// Probability that a packet arrives twice.
    pub duplicate: f64,
    /// Serialisation at a limited rate; `None` is an infinitely fast line.
    pub rate: Option<RateLimit>,
}

/// Which packets are lost.
#[derive(Clone, Debug, PartialEq)]
pub enum LossModel {
    /// Each packet by itself with this probability.
    Independent(f64),
    /// Gilbert-Elliott in the four-parameter form of netem (`loss gemodel p r 1-h 1-k`), stepped once a packet.
    GilbertElliott {
        /// Probability of going from good to bad.
        p: f64,
        /// Probability of going from bad to good.
        r: f64,
        /// Loss probability in the bad state (netem's 1-h).
        bad_loss: f64,
        /// Loss probability in the good state (netem's 1-k).
        good_loss: f64,
    },
}

/// A line of limited rate with a drop-tail queue before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimit {
    /// Bits a second.
    pub bits_per_second: u64,
    /// Bytes that may wait (the packet being sent included); a packet that would exceed it is dropped.
    pub queue_bytes: u64,
}

/// What a link decided about one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives at this instant.
    Deliver(SimTime),
    /// It arrives twice.
    DeliverTwice(SimTime, SimTime),
    /// It never arrives.
    Drop(DropCause),
}

/// Why a packet never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// The loss model took it.
    Loss,
    /// The queue before a line of limited rate was full.
    QueueFull,
}
