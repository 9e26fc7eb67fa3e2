//! Who came back in a cell: a row of returns.csv without its keys.

use serde::{Deserialize, Serialize};

use crate::experiment::cell::Figures;
use crate::ledger::returns::Returns;

/// What the peers of one cell did about coming back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReturnsResult {
    /// Peers that were away at least once.
    pub peers_away: u64,
    /// Absences: each from the instant at which a client lost its stream until its next stream is up.
    pub absences: u64,
    /// Absences that ended with a new stream.
    pub returned: u64,
    /// Absences without end because the client gave up.
    pub gave_up: u64,
    /// Absences without end because the machine is off for good, or the peer may come back no more.
    pub stayed_away: u64,
    /// Absences that the end of the run cut off.
    pub still_away: u64,
    /// Connections asked for, the first of each peer included.
    pub connects: u64,
    /// Those that came to nothing.
    pub failed_tries: u64,
    /// Those of them that a RST answered.
    pub refused: u64,
    /// The most connections asked for within one second at one node.
    pub peak_connects: u64,
    /// The most returns within one second at one node.
    pub peak_returns: u64,
    /// Lengths of absences; one without end ranks last.
    pub back: Figures,
    /// How much later than without the absence a stanza was delivered that waited for the next stream.
    pub delay: Figures,
}

impl ReturnsResult {
    /// The figures of all nodes together.
    pub(super) fn of(returns: Returns) -> Self {
        Self {
            peers_away: returns.peers_away,
            absences: returns.absences,
            returned: returns.returned,
            gave_up: returns.gave_up,
            stayed_away: returns.stayed_away,
            still_away: returns.still_away,
            connects: returns.connects,
            failed_tries: returns.failed_tries,
            refused: returns.refused,
            peak_connects: returns.peak_connects,
            peak_returns: returns.peak_returns,
            back: Figures::of(&returns.back.sorted()),
            delay: Figures::of(&returns.delay.sorted()),
        }
    }
}
