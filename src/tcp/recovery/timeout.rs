//! The retransmission timeout, how it turns out to have been spurious (F-RTO, RFC 5682), and the tail-loss probe
//! (RFC 8985 §7).

use crate::tcp::probe::orphan_retries;
use crate::tcp::recovery::acked::Ack;
use crate::tcp::recovery::rack::TIMER_SLACK;
use crate::tcp::recovery::{CaState, Resend};
use crate::tcp::rto;
use crate::tcp::send::{Push, Tags};
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Errno, Socket, State, Timer};
use crate::time::Micros;

impl Socket {
    /// Nothing came back in time (`tcp_retransmit_timer`).
    pub(in crate::tcp) fn on_retransmission_timeout(&mut self, cx: Cx<'_>) {
        if self.modes.request {
            self.on_syn_ack_timeout(cx);
            return;
        }
        if self.snd.flight.is_empty() {
            return;
        }
        let shut = self.snd.window == 0 && !self.modes.orphan && self.state.is_synchronized();
        if shut {
            // The peer took its window back: keep asking as long as it answers.
            if cx.now.since(self.probe.last_heard) > cx.kernel.tcp_rto_max_ms {
                self.give_up(Errno::ETIMEDOUT);
                return;
            }
            self.enter_loss(cx);
            self.resend(cx, 0);
        } else {
            if self.is_past_hope(cx) {
                self.give_up(Errno::ETIMEDOUT);
                return;
            }
            self.enter_loss(cx);
            self.rec.timeouts += 1;
            self.rec.total_timeouts += 1;
            self.resend(cx, 0);
        }
        if self.state != State::SynSent || self.rec.total_timeouts > cx.kernel.tcp_syn_linear_timeouts {
            self.rtt.back_off(cx.kernel);
        }
        self.timers.transmit = Some((cx.kernel.expiry(cx.now, self.clamped_rto(cx)), Timer::Retransmit));
    }

    /// Whether retransmission has gone on for too long (`tcp_write_timeout`).
    fn is_past_hope(&self, cx: Cx<'_>) -> bool {
        let kernel = cx.kernel;
        match self.state {
            State::SynSent => {
                self.rec.timeouts >= kernel.tcp_syn_retries + kernel.tcp_syn_linear_timeouts
                    || self.retransmitted_too_long(cx, kernel.tcp_syn_retries)
            }
            State::SynReceived => {
                self.rec.timeouts >= kernel.tcp_syn_retries || self.retransmitted_too_long(cx, kernel.tcp_syn_retries)
            }
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => {
                let retries = if self.modes.orphan {
                    orphan_retries(cx, self.rtt.rto < kernel.tcp_rto_max_ms)
                } else {
                    kernel.tcp_retries2
                };
                self.retransmitted_too_long(cx, retries)
            }
        }
    }

    /// Everything old enough is lost, and one segment may be in flight (`tcp_enter_loss`).
    fn enter_loss(&mut self, cx: Cx<'_>) {
        let fresh = self.rec.state < CaState::Recovery;
        self.mark_timed_out(cx);
        let state = self.rec.state;
        let again = state == CaState::Loss && self.rec.timeouts == 0;
        if state <= CaState::Disorder || self.rec.high <= self.snd.una || again {
            self.rec.prior_threshold = self.cc.current_threshold();
            self.rec.prior_cwnd = self.cc.cwnd;
            self.cc.reduce_threshold();
            self.remember_for_undo();
        }
        self.cc.on_timeout();
        self.cc.set(cx.now, self.in_flight() + 1);
        let usual = u32::try_from(cx.kernel.tcp_reordering).unwrap_or(u32::MAX);
        if state <= CaState::Disorder && self.rec.sacked >= usual {
            self.rec.reordering = self.rec.reordering.min(usual);
        }
        self.rec.state = CaState::Loss;
        self.rec.high = self.snd.nxt;
        self.rec.probe = None;
        self.rec.frto = cx.kernel.tcp_frto != 0 && (fresh || self.rec.timeouts > 0);
    }

    /// Marks lost the first segment and all that are older than a round trip (`tcp_timeout_mark_lost`).
    fn mark_timed_out(&mut self, cx: Cx<'_>) {
        let reneged = self.agreed.sack && self.snd.flight.front().is_some_and(|sent| sent.tags.any(Tags::SACKED));
        if reneged || !self.agreed.sack {
            self.rec.sacked = 0;
        }
        for place in 0..self.snd.flight.len() {
            if reneged {
                let sent = &mut self.snd.flight[place];
                sent.tags = sent.tags.without(Tags::SACKED);
            } else if place > 0 {
                let sent = self.snd.flight[place];
                if self.time_until_lost(cx, &sent, Micros::ZERO) > Micros::ZERO {
                    continue;
                }
            }
            self.mark_lost(place);
        }
    }

    /// An ACK after a timeout (`tcp_process_loss`): was the timeout spurious, is recovery complete?
    pub(super) fn process_timeout_ack(&mut self, cx: Cx<'_>, ack: &Ack, duplicate: bool) -> Resend {
        let recovered = self.snd.una >= self.rec.high;
        if ack.advanced && self.undo_timeout(cx, ack, false) {
            return Resend::Nothing;
        }
        if self.rec.frto {
            // Step 3.b: what was never sent again has arrived, so the timeout was wrong.
            if ack.original_acked && self.undo_timeout(cx, ack, true) {
                return Resend::Nothing;
            }
            if self.snd.nxt > self.rec.high {
                if ack.newly_sacked || duplicate {
                    self.rec.frto = false;
                }
            } else if ack.advanced && !recovered {
                self.rec.high = self.snd.nxt;
                if self.snd.has_unsent() && self.snd.window_end() > self.snd.nxt {
                    return Resend::New;
                }
                self.rec.frto = false;
            }
        }
        if recovered {
            self.undo_recovery(cx);
            return Resend::Nothing;
        }
        if !self.agreed.sack {
            if self.snd.nxt > self.rec.high {
                self.count_duplicate(cx, duplicate);
            } else if ack.advanced {
                self.rec.sacked = 0;
            }
        }
        Resend::Lost
    }

    fn undo_timeout(&mut self, cx: Cx<'_>, ack: &Ack, by_frto: bool) -> bool {
        if !by_frto && !self.may_undo(Some(ack)) {
            return false;
        }
        self.undo(cx, true);
        self.rec.timeouts = 0;
        if self.holds_state() {
            return true;
        }
        if by_frto || self.agreed.sack {
            self.rec.state = CaState::Open;
        }
        true
    }

    /// Arms the tail-loss probe if it applies (`tcp_schedule_loss_probe`): two round trips after the last segment,
    /// with 200 ms more where a lone segment may wait for a delayed ACK, and never later than the timeout.
    pub(in crate::tcp) fn schedule_loss_probe(&mut self, cx: Cx<'_>, advancing: bool) -> bool {
        let calm = matches!(self.rec.state, CaState::Open | CaState::Reduced);
        let on = matches!(cx.kernel.tcp_early_retrans, 3 | 4);
        if !on || self.snd.flight.is_empty() || !self.agreed.sack || !calm {
            return false;
        }
        let mut delay = if self.rtt.is_known() {
            let more = if self.snd.flight.len() == 1 { cx.kernel.tcp_rto_min_us } else { TIMER_SLACK };
            self.rtt.smoothed() * 2 + more
        } else {
            rto::INITIAL
        };
        let left = if advancing { self.rtt.rto } else { self.rto_left(cx) };
        if left > Micros::ZERO {
            delay = delay.min(left);
        }
        self.timers.transmit = Some((cx.kernel.expiry(cx.now, delay), Timer::LossProbe));
        true
    }

    /// Sends new data if there is some, the last segment again if not (`tcp_send_loss_probe`).
    pub(in crate::tcp) fn send_loss_probe(&mut self, cx: Cx<'_>) {
        if self.rec.probe.is_none() {
            self.rec.probe_resent = false;
            let before = self.snd.flight.len();
            let mut sent = false;
            let new = self.window_opened(cx);
            if new {
                self.write_pending(cx, Push::Probe);
                sent = self.snd.flight.len() > before;
            } else if let Some(last) = before.checked_sub(1) {
                sent = self.send_again(cx, last);
                self.rec.probe_resent = sent;
            }
            if sent {
                self.rec.probe = Some(self.snd.nxt);
                // The timeout starts anew with the probe.
                self.timers.transmit = None;
            }
        }
        self.rearm_rto(cx);
    }

    /// An ACK while a probe is out (`tcp_process_tlp_ack`): did the probe repair a loss?
    pub(super) fn process_probe_ack(&mut self, cx: Cx<'_>, number: Offset, ack: &Ack) {
        let Some(edge) = self.rec.probe else { return };
        if number < edge {
            return;
        }
        let nothing_new = !(ack.advanced || ack.newly_sacked || ack.is_no_duplicate());
        if !self.rec.probe_resent || ack.dsack_of_probe {
            self.rec.probe = None;
        } else if number > edge {
            // The probe was needed: a loss, so reduce.
            self.begin_reduction();
            self.rec.state = CaState::Reduced;
            self.end_reduction(cx);
            self.stay_open();
        } else if nothing_new {
            self.rec.probe = None;
        }
    }
}
