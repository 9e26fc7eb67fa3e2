//! NewReno: half the window after a loss, one segment a round trip after slow start (RFC 5681).

use super::{Control, Sample};
use crate::time::SimTime;

/// It remembers nothing.
#[derive(Debug)]
pub(super) struct NewReno;

impl Control for NewReno {
    fn threshold(&mut self, cwnd: u64) -> u64 {
        (cwnd >> 1).max(2)
    }

    fn pace(&mut self, _now: SimTime, cwnd: u64, _acked: u64) -> u64 {
        cwnd
    }

    fn on_sample(&mut self, _fact: &Sample) -> bool {
        false
    }

    fn on_timeout(&mut self) {}

    fn on_start(&mut self, _now: SimTime, _last_sent: SimTime) {}
}
