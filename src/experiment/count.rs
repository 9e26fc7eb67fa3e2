//! Counts over streams, with what an interval needs to know of how they come in batches.

use serde::{Deserialize, Serialize};

use crate::ledger::record::StreamRecord;

/// Something counted in each stream and summed over streams.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Σz, z being the count of one stream.
    pub total: u64,
    /// Σz²: as large as the total where each comes alone.
    pub squared: u64,
    /// Streams with z above zero.
    pub streams: u64,
}

impl Count {
    fn add(&mut self, z: u64) {
        self.total += z;
        self.squared += z * z;
        self.streams += u64::from(z > 0);
    }

    fn merge(&mut self, other: &Self) {
        self.total += other.total;
        self.squared += other.squared;
        self.streams += other.streams;
    }
}

/// The counts of one cell that may be rare, and whose events do not come one by one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Stanzas lost, both ways.
    pub lost: Count,
    /// Stanzas lost on their way to the closer.
    pub lost_to_closer: Count,
    /// Stanzas lost on their way to the peer.
    pub lost_to_peer: Count,
    /// Retransmissions, both ways.
    pub retransmissions: Count,
    /// Resets, both ways.
    pub resets: Count,
}

impl Counts {
    /// Adds a stream.
    pub(super) fn add(&mut self, stream: &StreamRecord) {
        let (to_closer, to_peer) = (u64::from(stream.to_closer.lost), u64::from(stream.to_peer.lost));
        self.lost.add(to_closer + to_peer);
        self.lost_to_closer.add(to_closer);
        self.lost_to_peer.add(to_peer);
        self.retransmissions.add(stream.retransmissions.into());
        self.resets.add(stream.resets.into());
    }

    /// Adds the counts of other streams.
    pub(super) fn merge(&mut self, other: &Self) {
        self.lost.merge(&other.lost);
        self.lost_to_closer.merge(&other.lost_to_closer);
        self.lost_to_peer.merge(&other.lost_to_peer);
        self.retransmissions.merge(&other.retransmissions);
        self.resets.merge(&other.resets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn squares_tell_batches_from_single_events() {
        let (mut single, mut batch) = (Count::default(), Count::default());
        for (one, other) in [(0, 0), (1, 4), (1, 0), (1, 0), (1, 0)] {
            single.add(one);
            batch.add(other);
        }
        assert_eq!(single, Count { total: 4, squared: 4, streams: 4 });
        assert_eq!(batch, Count { total: 4, squared: 16, streams: 1 });
        single.merge(&batch);
        assert_eq!(single, Count { total: 8, squared: 20, streams: 5 });
    }
}
