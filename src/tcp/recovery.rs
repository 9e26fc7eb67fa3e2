//! Loss detection and recovery: what is lost, when to send it again, and how much may be in flight meanwhile
//! (`tcp_fastretrans_alert` of Linux).
//!
//! [`acked`] takes an ACK apart, [`sack`] keeps the scoreboard, [`rack`] finds losses by time (RFC 8985),
//! [`timeout`] has the retransmission timeout, F-RTO (RFC 5682) and the tail-loss probe. This file holds their common
//! state and the way from one congestion state to the next, with proportional rate reduction (RFC 6937) and undo.

mod acked;
mod rack;
mod reduction;
mod sack;
mod timeout;
mod undo;

use crate::tcp::send::Tags;
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Socket, Timer};
use crate::time::{Micros, SimTime};

use acked::Ack;
pub(super) use acked::Verdict;
use rack::Rack;

/// The congestion state (`tcp_ca_state`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CaState {
    /// Nothing odd.
    Open,
    /// Duplicates or SACKs came, no loss is proven.
    Disorder,
    /// The window is being reduced without loss in flight.
    Reduced,
    /// Fast recovery.
    Recovery,
    /// The retransmission timeout struck.
    Loss,
}

/// What to send at the end of an ACK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resend {
    Nothing,
    /// What is marked lost.
    Lost,
    /// New data, to find out whether the timeout was spurious (F-RTO).
    New,
}

/// What is known about losses of one connection. Counts are segments.
#[derive(Debug)]
pub(super) struct Recovery {
    pub(super) state: CaState,
    /// Segments the peer has behind a gap (counted from duplicate ACKs where there is no SACK).
    sacked: u32,
    lost: u32,
    /// Sent again and not yet acknowledged.
    resent: u32,
    /// Segments delivered so far, and those that were marked lost so far.
    pub(super) delivered: u32,
    lost_ever: u32,
    /// Recovery ends when this is acknowledged.
    high: Offset,
    /// Where undo would begin; `None` when it is impossible.
    undo_from: Option<Offset>,
    /// Retransmissions not yet shown to be superfluous; `None` before the first.
    undo_left: Option<u32>,
    prior_threshold: u64,
    prior_cwnd: u64,
    /// Proportional rate reduction: delivered and sent since it began.
    reduction: (u64, u64),
    frto: bool,
    /// The tail-loss probe in flight: what was sent when it went out.
    probe: Option<Offset>,
    /// It was a retransmission.
    probe_resent: bool,
    /// Segments by which one may be late.
    pub(super) reordering: u32,
    reordering_seen: bool,
    duplicates_reported: u32,
    pub(super) total_retransmissions: u32,
    /// Timeouts in a row without progress, and ever.
    pub(super) timeouts: u64,
    pub(super) total_timeouts: u64,
    /// When the first retransmission of this recovery left.
    pub(super) first_retransmission: Option<SimTime>,
    rack: Rack,
}

impl Recovery {
    pub(super) fn new(reordering: u64) -> Self {
        Self {
            state: CaState::Open,
            sacked: 0,
            lost: 0,
            resent: 0,
            delivered: 0,
            lost_ever: 0,
            high: Offset::SYN,
            undo_from: None,
            undo_left: None,
            prior_threshold: 0,
            prior_cwnd: 0,
            reduction: (0, 0),
            frto: false,
            probe: None,
            probe_resent: false,
            reordering: u32::try_from(reordering).unwrap_or(u32::MAX),
            reordering_seen: false,
            duplicates_reported: 0,
            total_retransmissions: 0,
            timeouts: 0,
            total_timeouts: 0,
            first_retransmission: None,
            rack: Rack::new(),
        }
    }

    /// Nothing is in flight any more: the queue was purged.
    pub(super) fn forget_flight(&mut self) {
        self.sacked = 0;
        self.lost = 0;
        self.resent = 0;
    }

    /// Segments the peer has behind a gap.
    pub(super) fn sacked(&self) -> u32 {
        self.sacked
    }

    /// Segments taken for lost.
    pub(super) fn lost(&self) -> u32 {
        self.lost
    }

    /// Segments sent again and not yet acknowledged.
    pub(super) fn resent(&self) -> u32 {
        self.resent
    }

    fn is_reducing(&self) -> bool {
        matches!(self.state, CaState::Reduced | CaState::Recovery)
    }

    pub(super) fn count_sent_in_reduction(&mut self, segments: u64) {
        if self.is_reducing() {
            self.reduction.1 += segments;
        }
    }

    /// A segment with these tags was cut in two.
    pub(super) fn count_extra(&mut self, tags: Tags) {
        self.sacked += u32::from(tags.any(Tags::SACKED));
        self.lost += u32::from(tags.any(Tags::LOST));
        self.resent += u32::from(tags.any(Tags::RETRANS));
    }

    /// A segment with these tags was merged into the one before it.
    pub(super) fn count_fewer(&mut self, tags: Tags, reno: bool) {
        if reno {
            self.sacked = self.sacked.saturating_sub(1);
        }
        self.lost -= u32::from(tags.any(Tags::LOST));
        self.resent -= u32::from(tags.any(Tags::RETRANS));
    }

    /// The handshake is over: what a retransmitted SYN left behind does not count.
    pub(super) fn established(&mut self) {
        self.first_retransmission = None;
        self.timeouts = 0;
        self.undo_from = None;
        self.undo_left = None;
        self.state = CaState::Open;
    }
}

impl Socket {
    /// Segments that may still be on the way (RFC 6675 pipe, `tcp_packets_in_flight`).
    pub(super) fn in_flight(&self) -> u64 {
        let out = self.snd.flight.len() as u64;
        (out + u64::from(self.rec.resent)).saturating_sub(u64::from(self.rec.sacked) + u64::from(self.rec.lost))
    }

    fn any_resent(&self) -> bool {
        self.rec.resent > 0 || self.snd.flight.front().is_some_and(|sent| sent.tags.any(Tags::EVER))
    }

    /// Marks a segment lost, or lost again (`tcp_mark_skb_lost`).
    fn mark_lost(&mut self, place: usize) {
        let Some(sent) = self.snd.flight.get_mut(place) else { return };
        if sent.tags.any(Tags::SACKED) {
            return;
        }
        if !sent.tags.any(Tags::LOST) {
            sent.tags = sent.tags.with(Tags::LOST);
            self.rec.lost += 1;
            self.rec.lost_ever += 1;
        } else if sent.tags.any(Tags::RETRANS) {
            sent.tags = sent.tags.without(Tags::RETRANS);
            self.rec.resent -= 1;
            self.rec.lost_ever += 1;
        }
    }

    /// Sends a lost segment again and notes it for undo (`tcp_retransmit_skb`).
    fn resend(&mut self, cx: Cx<'_>, place: usize) -> bool {
        let done = self.send_again(cx, place);
        if done {
            let sent = &mut self.snd.flight[place];
            if !sent.tags.any(Tags::RETRANS) {
                sent.tags = sent.tags.with(Tags::RETRANS);
                self.rec.resent += 1;
            }
        }
        self.rec.first_retransmission.get_or_insert(cx.now);
        self.rec.undo_left = Some(self.rec.undo_left.unwrap_or(0) + 1);
        done
    }

    /// Sends again what is marked lost, as far as the window allows (`tcp_xmit_retransmit_queue`).
    fn resend_lost(&mut self, cx: Cx<'_>) {
        let mut rearm = false;
        let mut place = 0;
        while place < self.snd.flight.len() && self.rec.resent < self.rec.lost {
            if self.in_flight() >= self.cc.cwnd {
                break;
            }
            let tags = self.snd.flight[place].tags;
            if tags.any(Tags::LOST) && !tags.any(Tags::SACKED.with(Tags::RETRANS)) {
                if !self.resend(cx, place) {
                    break;
                }
                self.rec.count_sent_in_reduction(1);
                rearm |= place == 0 && !self.timers.is_pending(Timer::Reorder);
            }
            place += 1;
        }
        if rearm {
            self.timers.transmit = Some((cx.kernel.expiry(cx.now, self.rtt.rto), Timer::Retransmit));
        }
    }

    /// Arms the retransmission timeout (`tcp_rearm_rto`): from now, or from when the first segment in flight was
    /// sent if another timer took its place meanwhile.
    pub(super) fn rearm_rto(&mut self, cx: Cx<'_>) {
        if self.snd.flight.is_empty() {
            self.timers.transmit = None;
            return;
        }
        let stood_in = self.timers.is_pending(Timer::Reorder) || self.timers.is_pending(Timer::LossProbe);
        let delay = if stood_in { self.rto_left(cx).max(Micros::new(1)) } else { self.rtt.rto };
        self.timers.transmit = Some((cx.kernel.expiry(cx.now, delay), Timer::Retransmit));
    }

    /// Time until the first segment in flight times out.
    fn rto_left(&self, cx: Cx<'_>) -> Micros {
        self.snd.flight.front().map_or(Micros::ZERO, |sent| (sent.at + self.rtt.rto).since(cx.now))
    }

    /// The congestion state machine, entered with every ACK that is not plain progress.
    fn on_dubious_ack(&mut self, cx: Cx<'_>, ack: &mut Ack, duplicate: bool) -> Resend {
        let reno = !self.agreed.sack;
        if self.snd.flight.is_empty() {
            self.rec.sacked = 0;
        }
        if ack.reneging {
            self.wait_for_reneged(cx);
            ack.set_timer = false;
            return Resend::Nothing;
        }
        if self.rec.state == CaState::Open {
            self.rec.first_retransmission = None;
        } else if self.snd.una >= self.rec.high && self.leave_state(cx, reno) {
            return Resend::Nothing;
        }
        match self.rec.state {
            CaState::Recovery => {
                if !ack.advanced {
                    self.count_duplicate(cx, duplicate && reno);
                } else if self.undo_partially(cx, ack) {
                    return Resend::Nothing;
                }
                if self.undo_by_dsack(cx) {
                    self.stay_open();
                }
                self.identify_losses(cx, ack);
                if self.rec.state != CaState::Recovery {
                    if self.rec.lost == 0 {
                        return Resend::Nothing;
                    }
                    self.enter_recovery();
                }
                return Resend::Lost;
            }
            CaState::Loss => {
                let resend = self.process_timeout_ack(cx, ack, duplicate);
                self.identify_losses(cx, ack);
                if self.rec.state != CaState::Open && !ack.lost_again {
                    return resend;
                }
            }
            CaState::Open | CaState::Disorder | CaState::Reduced => {}
        }
        if reno {
            if ack.advanced {
                self.rec.sacked = 0;
            }
            self.count_duplicate(cx, duplicate);
        }
        if self.rec.state <= CaState::Disorder {
            self.undo_by_dsack(cx);
        }
        self.identify_losses(cx, ack);
        if self.rec.lost == 0 {
            self.try_to_open();
            return Resend::Nothing;
        }
        self.enter_recovery();
        Resend::Lost
    }

    /// Everything that was out when the state began is acknowledged. True if the ACK ends here.
    fn leave_state(&mut self, cx: Cx<'_>, reno: bool) -> bool {
        match self.rec.state {
            CaState::Reduced => {
                if self.snd.una != self.rec.high {
                    self.end_reduction(cx);
                    self.rec.state = CaState::Open;
                }
            }
            CaState::Recovery => {
                if reno {
                    self.rec.sacked = 0;
                }
                if self.undo_recovery(cx) {
                    return true;
                }
                self.end_reduction(cx);
            }
            CaState::Open | CaState::Disorder | CaState::Loss => {}
        }
        false
    }

    fn identify_losses(&mut self, cx: Cx<'_>, ack: &mut Ack) {
        if !self.agreed.sack {
            let enough = self.rec.state < CaState::Recovery && self.rec.sacked >= self.rec.reordering;
            if enough || (self.rec.state == CaState::Recovery && ack.advanced) {
                self.mark_first_lost();
            }
            return;
        }
        let before = self.rec.resent;
        if self.detect_losses_after_ack(cx) {
            ack.set_timer = false;
        }
        ack.lost_again |= before > self.rec.resent;
    }

    /// NewReno: the first segment in flight is the lost one.
    fn mark_first_lost(&mut self) {
        if self.snd.flight.front().is_some_and(|sent| !sent.tags.any(Tags::LOST)) {
            self.mark_lost(0);
        }
    }

    /// Without SACK a duplicate ACK says that some segment arrived (`tcp_add_reno_sack`).
    fn count_duplicate(&mut self, cx: Cx<'_>, duplicate: bool) {
        if duplicate {
            let before = self.rec.sacked;
            self.rec.sacked += 1;
            self.limit_reno_count(cx, 0);
            self.rec.delivered += self.rec.sacked.saturating_sub(before);
        }
    }

    /// More duplicates than segments: something was reordered.
    fn limit_reno_count(&mut self, cx: Cx<'_>, addend: u32) {
        let out = u32::try_from(self.snd.flight.len()).unwrap_or(u32::MAX);
        let holes = self.rec.lost.max(1).min(out);
        if self.rec.sacked + holes > out {
            self.rec.sacked = out - holes;
            let most = u32::try_from(cx.kernel.tcp_reordering).unwrap_or(u32::MAX).max(300);
            self.rec.reordering = (out + addend).min(most).max(self.rec.reordering);
            self.rec.reordering_seen = true;
        }
    }

    fn enter_recovery(&mut self) {
        if !self.any_resent() {
            self.rec.first_retransmission = None;
        }
        self.rec.prior_threshold = 0;
        self.remember_for_undo();
        if !self.rec.is_reducing() {
            self.rec.prior_threshold = self.cc.current_threshold();
            self.begin_reduction();
        }
        self.rec.state = CaState::Recovery;
    }

    fn try_to_open(&mut self) {
        if !self.any_resent() {
            self.rec.first_retransmission = None;
        }
        if self.rec.state != CaState::Reduced {
            self.stay_open();
        }
    }

    fn stay_open(&mut self) {
        let disorder = self.rec.sacked + self.rec.lost > 0 || self.any_resent();
        let state = if disorder { CaState::Disorder } else { CaState::Open };
        if self.rec.state != state {
            self.rec.state = state;
            self.rec.high = self.snd.nxt;
        }
    }
}
