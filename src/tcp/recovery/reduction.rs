//! Proportional rate reduction (RFC 6937): for each segment that arrives about as many leave as the new window allows.

use crate::tcp::congestion::NO_THRESHOLD;
use crate::tcp::recovery::CaState;
use crate::tcp::{Cx, Socket};

impl Socket {
    /// The window is to shrink to the new threshold (`tcp_init_cwnd_reduction`).
    pub(super) fn begin_reduction(&mut self) {
        self.rec.high = self.snd.nxt;
        self.rec.probe = None;
        self.rec.prior_cwnd = self.cc.cwnd;
        self.rec.reduction = (0, 0);
        self.cc.reduce_threshold();
    }

    /// Proportional rate reduction (RFC 6937, `tcp_cwnd_reduction`).
    pub(super) fn reduce(&mut self, cx: Cx<'_>, delivered: u64, newly_lost: u64, advanced: bool) {
        if delivered == 0 || self.rec.prior_cwnd == 0 {
            return;
        }
        self.rec.reduction.0 += delivered;
        let (arrived, sent) = self.rec.reduction;
        let in_flight = self.in_flight();
        let threshold = self.cc.threshold;
        let more = if in_flight > threshold {
            (threshold * arrived).div_ceil(self.rec.prior_cwnd).saturating_sub(sent)
        } else {
            let grown = u64::from(advanced && newly_lost == 0);
            (arrived.saturating_sub(sent).max(delivered) + grown).min(threshold - in_flight)
        };
        let more = more.max(u64::from(sent == 0));
        self.cc.set(cx.now, in_flight + more);
    }

    pub(super) fn end_reduction(&mut self, cx: Cx<'_>) {
        let reduced = self.rec.state == CaState::Reduced || self.rec.undo_from.is_some();
        if self.cc.threshold < NO_THRESHOLD && reduced {
            self.cc.set(cx.now, self.cc.threshold);
        }
    }
}
