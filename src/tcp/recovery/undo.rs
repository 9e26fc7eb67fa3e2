//! Taking a reduction of the window back when the retransmissions turn out to have been superfluous: by D-SACK, by
//! echoed timestamps (Eifel, RFC 3522) or by F-RTO.

use crate::net::segment::Seq;
use crate::tcp::recovery::CaState;
use crate::tcp::recovery::acked::Ack;
use crate::tcp::send::Tags;
use crate::tcp::{Cx, Socket};

impl Socket {
    /// Notes where undo would begin (`tcp_init_undo`).
    pub(super) fn remember_for_undo(&mut self) {
        self.rec.undo_from = Some(self.snd.una);
        let probes = u32::from(self.rec.probe.is_some() && self.rec.probe_resent);
        let out = self.rec.resent + probes;
        self.rec.undo_left = (out > 0).then_some(out);
    }

    /// Whether the retransmissions turned out to be superfluous.
    pub(super) fn may_undo(&self, ack: Option<&Ack>) -> bool {
        self.rec.undo_from.is_some() && (self.rec.undo_left == Some(0) || self.original_arrived(ack))
    }

    /// The echoed timestamp is older than the first retransmission (Eifel, RFC 3522), or nothing was sent again.
    pub(super) fn original_arrived(&self, ack: Option<&Ack>) -> bool {
        let Some(first) = self.rec.first_retransmission else { return true };
        let echo = ack.and_then(|ack| ack.echo).or(self.rec.rack.last_echo);
        echo.is_some_and(|echo| {
            let first = self.timestamp(first);
            Seq(echo).distance_from(Seq(first)) < 0
        })
    }

    /// Takes the reduction back (`tcp_undo_cwnd_reduction`).
    pub(super) fn undo(&mut self, cx: Cx<'_>, unmark: bool) {
        if unmark {
            for sent in &mut self.snd.flight {
                sent.tags = sent.tags.without(Tags::LOST);
            }
            self.rec.lost = 0;
        }
        if self.rec.prior_threshold > 0 {
            let cwnd = self.cc.cwnd.max(self.rec.prior_cwnd);
            self.cc.set(cx.now, cwnd);
            self.cc.threshold = self.cc.threshold.max(self.rec.prior_threshold);
        }
        self.rec.undo_from = None;
        self.rec.rack.advanced = true;
    }

    /// Recovery is complete. True if the state is held until more is acknowledged (without SACK, RFC 6582).
    pub(super) fn undo_recovery(&mut self, cx: Cx<'_>) -> bool {
        if self.may_undo(None) {
            self.undo(cx, false);
        } else {
            self.rec.rack.relax();
        }
        if self.holds_state() {
            return true;
        }
        self.rec.state = CaState::Open;
        false
    }

    pub(super) fn holds_state(&mut self) -> bool {
        let hold = self.snd.una == self.rec.high && !self.agreed.sack;
        if hold && !self.any_resent() {
            self.rec.first_retransmission = None;
        }
        hold
    }

    /// All retransmissions were reported as received twice.
    pub(super) fn undo_by_dsack(&mut self, cx: Cx<'_>) -> bool {
        let undo = self.rec.undo_from.is_some() && self.rec.undo_left == Some(0);
        if undo {
            self.rec.rack.persist();
            self.undo(cx, false);
        }
        undo
    }

    /// A partial ACK in recovery that the original caused: the hole was only late.
    pub(super) fn undo_partially(&mut self, cx: Cx<'_>, ack: &Ack) -> bool {
        if self.rec.undo_from.is_none() || !self.original_arrived(Some(ack)) {
            return false;
        }
        self.note_reordering(cx, ack.una_before);
        if self.rec.resent > 0 {
            return true;
        }
        if !self.any_resent() {
            self.rec.first_retransmission = None;
        }
        self.undo(cx, true);
        self.stay_open();
        false
    }
}
