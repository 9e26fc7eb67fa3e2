//! RACK: a segment is lost when one sent later has arrived and a reordering window has passed (RFC 8985,
//! `tcp_recovery.c`).

use crate::tcp::recovery::CaState;
use crate::tcp::send::{Sent, Tags};
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Socket, Timer};
use crate::time::{Micros, SimTime};

/// Added to every reordering and probe timeout (`TCP_TIMEOUT_MIN_US`).
pub(super) const TIMER_SLACK: Micros = Micros::from_millis(2);
/// Bits of `tcp_recovery`.
const STATIC_WINDOW: u64 = 2;
const NO_DUPLICATE_THRESHOLD: u64 = 4;
/// Recoveries for which a widened window lasts.
const PERSIST: u8 = 16;

/// The most recently sent segment that has arrived, and the reordering window.
#[derive(Debug)]
pub(super) struct Rack {
    sent_at: SimTime,
    end: Offset,
    rtt: Micros,
    /// Something new arrived since losses were looked for.
    pub(super) advanced: bool,
    steps: u8,
    persist: u8,
    pub(super) dsack_seen: bool,
    last_widened: u32,
    /// The last timestamp the peer echoed.
    pub(super) last_echo: Option<u32>,
}

impl Rack {
    pub(super) fn new() -> Self {
        Self {
            sent_at: SimTime::ZERO,
            end: Offset::SYN,
            rtt: Micros::ZERO,
            advanced: false,
            steps: 1,
            persist: 0,
            dsack_seen: false,
            last_widened: 0,
            last_echo: None,
        }
    }

    /// A recovery was undone: the widened window lasts longer.
    pub(super) fn persist(&mut self) {
        self.persist = self.persist.saturating_add(1).min(PERSIST);
    }

    /// A recovery ended without undo: the widened window lasts one recovery less.
    pub(super) fn relax(&mut self) {
        self.persist = self.persist.saturating_sub(1);
    }

    fn is_later(&self, sent: &Sent) -> bool {
        self.sent_at > sent.at || (self.sent_at == sent.at && self.end > sent.end)
    }
}

impl Socket {
    /// A segment has arrived (`tcp_rack_advance`).
    pub(super) fn note_arrival(&mut self, cx: Cx<'_>, sent: &Sent) {
        let rtt = cx.now.since(sent.at);
        let resent = sent.tags.any(Tags::RETRANS.with(Tags::EVER));
        if resent && self.rtt.minimum().is_none_or(|least| rtt < least) {
            // Too soon after the retransmission: it was the original that arrived.
            return;
        }
        let rack = &mut self.rec.rack;
        rack.advanced = true;
        rack.rtt = rtt;
        if sent.at > rack.sent_at || (sent.at == rack.sent_at && sent.end > rack.end) {
            rack.sent_at = sent.at;
            rack.end = sent.end;
        }
    }

    /// The reordering window (`tcp_rack_reo_wnd`).
    fn reordering_window(&self, cx: Cx<'_>) -> Micros {
        if !self.rec.reordering_seen {
            let enough = self.rec.sacked >= self.rec.reordering && cx.kernel.tcp_recovery & NO_DUPLICATE_THRESHOLD == 0;
            if self.rec.state >= CaState::Recovery || enough {
                return Micros::ZERO;
            }
        }
        let Some(least) = self.rtt.minimum() else { return Micros::ZERO };
        Micros::new((least.get() >> 2) * u64::from(self.rec.rack.steps)).min(self.rtt.smoothed())
    }

    /// How long until a segment counts as lost: negative is zero.
    pub(super) fn time_until_lost(&self, cx: Cx<'_>, sent: &Sent, window: Micros) -> Micros {
        (self.rec.rack.rtt + window) - cx.now.since(sent.at)
    }

    /// Marks what is lost by now and returns how long until more may be (`tcp_rack_detect_loss`).
    fn detect_losses(&mut self, cx: Cx<'_>) -> Micros {
        let window = self.reordering_window(cx);
        let mut wait = Micros::ZERO;
        for place in 0..self.snd.flight.len() {
            let sent = self.snd.flight[place];
            let pending = sent.tags.any(Tags::LOST) && !sent.tags.any(Tags::RETRANS);
            if sent.tags.any(Tags::SACKED) || pending {
                continue;
            }
            if !self.rec.rack.is_later(&sent) {
                if self.rec.total_retransmissions == 0 {
                    // Nothing was sent out of order: all that follow are younger.
                    break;
                }
                continue;
            }
            let left = self.time_until_lost(cx, &sent, window);
            if left == Micros::ZERO {
                self.mark_lost(place);
            } else {
                wait = wait.max(left);
            }
        }
        wait
    }

    /// After an ACK: look for losses if anything new arrived; come back when the reordering window is over.
    pub(super) fn detect_losses_after_ack(&mut self, cx: Cx<'_>) {
        if !std::mem::take(&mut self.rec.rack.advanced) {
            return;
        }
        let wait = self.detect_losses(cx);
        if wait > Micros::ZERO {
            self.timers.transmit = Some((cx.kernel.expiry(cx.now, wait + TIMER_SLACK), Timer::Reorder));
        }
    }

    /// The reordering window is over (`tcp_rack_reo_timeout`).
    pub(in crate::tcp) fn on_reorder_timeout(&mut self, cx: Cx<'_>) {
        let before = self.in_flight();
        let lost_before = self.rec.lost_ever;
        self.detect_losses(cx);
        if before != self.in_flight() {
            if self.rec.state != CaState::Recovery {
                self.enter_recovery();
                let lost = u64::from(self.rec.lost_ever - lost_before);
                self.reduce(cx, 1, lost, false);
            }
            self.resend_lost(cx);
        }
        if !self.timers.is_pending(Timer::Retransmit) {
            self.rearm_rto(cx);
        }
    }

    /// Widens the window after a duplicate was reported, for some recoveries (`tcp_rack_update_reo_wnd`).
    pub(super) fn update_reordering_window(&mut self, cx: Cx<'_>, delivered_before: u32) {
        if cx.kernel.tcp_recovery & STATIC_WINDOW != 0 {
            return;
        }
        let delivered = self.rec.delivered;
        let rack = &mut self.rec.rack;
        if delivered_before < rack.last_widened {
            rack.dsack_seen = false;
        }
        if rack.dsack_seen {
            rack.steps = rack.steps.saturating_add(1);
            rack.dsack_seen = false;
            rack.last_widened = delivered;
            rack.persist = PERSIST;
        } else if rack.persist == 0 {
            rack.steps = 1;
        }
    }
}
