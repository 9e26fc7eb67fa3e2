//! What is known of one stream when a run is over.

use serde::{Deserialize, Serialize};

use crate::id::{NodeId, StreamId};
use crate::ledger::capacity::Capacity;
use crate::ledger::census::Census;
use crate::ledger::fate::{Direction, Observed, Outcome, Place};
use crate::ledger::returns::Returns;
use crate::time::{Micros, SimTime};

/// One stream's life, both directions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// The stream.
    pub stream: StreamId,
    /// Its server node.
    pub node: NodeId,
    /// Index into `Scenario::classes`.
    pub class: u16,
    /// Index into the contender's closers.
    pub closer: u16,
    /// How the closing ended.
    pub outcome: Outcome,
    /// When the closer decided, if it did. Without a decision the four times below are `Never` and count nowhere.
    pub decision: Option<SimTime>,
    /// Decision until the closer's application lets go of its socket.
    pub release: Observed,
    /// Decision until the peer's application knows.
    pub notice: Observed,
    /// Decision until neither kernel holds the connection, TIME-WAIT aside.
    pub teardown: Observed,
    /// Decision until TIME-WAIT is over too.
    pub gone: Observed,
    /// Decision until the end of the closer's kernel socket, TIME-WAIT aside; the end of the run where it never came.
    pub socket_time: Micros,
    /// Time the closer's kernel held the connection in TIME-WAIT (up to the end of the run).
    pub time_wait: Micros,
    /// When the server's kernel socket existed, TIME-WAIT aside: from the SYN on; `None` if there never was one.
    pub server_socket: Option<(SimTime, SimTime)>,
    /// Stanzas on their way to the closer.
    pub to_closer: Totals,
    /// Stanzas on their way to the peer.
    pub to_peer: Totals,
    /// Packets sent, both ways.
    pub packets: u32,
    /// Bytes sent, both ways, with IP and TCP headers.
    pub bytes: u64,
    /// Data segments, SYN and FIN sent again, both ways.
    pub retransmissions: u32,
    /// RST segments sent, both ways.
    pub resets: u32,
    /// Bytes the closer wrote after its close tag.
    pub violations: u64,
    /// Lost stanzas that were delivered on another stream of the peer, where they were written again; both ways.
    pub recovered: u32,
    /// Stanzas that were delivered here though they had been delivered before, on another stream; both ways.
    pub duplicated: u32,
}

/// Stanzas of one direction. `sent == delivered + lost`, and `deferred` were never sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// First byte accepted by the sender's kernel.
    pub sent: u32,
    /// Parsed whole by the other application while it was still processing.
    pub delivered: u32,
    /// Held back by the sender, who knew that the stream was closing.
    pub deferred: u32,
    /// Everything else that was sent.
    pub lost: u32,
}

/// A lost stanza.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostStanza {
    /// Its stream.
    pub stream: StreamId,
    /// Its way.
    pub direction: Direction,
    /// Its number in its direction, from 0.
    pub stanza: u32,
    /// When its first byte was accepted.
    pub sent: SimTime,
    /// Its size in bytes.
    pub size: u32,
    /// Where it died.
    pub place: Place,
    /// When it died, as far as that place has an instant.
    pub at: SimTime,
}

/// Everything a node's run leaves: streams in order of their number, lost stanzas in order of stream, direction, number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeLedger {
    /// One record a stream.
    pub streams: Vec<StreamRecord>,
    /// One a lost stanza.
    pub lost: Vec<LostStanza>,
    /// Server sockets by TCP state over time.
    pub census: Census,
    /// Peers that came back; `None` where none may.
    pub returns: Option<Returns>,
    /// What the server bore; `None` where nothing is reckoned.
    pub capacity: Option<Capacity>,
}
