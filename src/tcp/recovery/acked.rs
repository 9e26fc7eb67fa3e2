//! What an ACK says: `tcp_ack` and `tcp_clean_rtx_queue` of Linux.

use crate::net::segment::Segment;
use crate::tcp::recovery::{CaState, Resend};
use crate::tcp::send::{Push, Sent, Tags};
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Socket, State};
use crate::time::{Micros, SimTime};

/// Whether the acknowledgement number was acceptable (RFC 5961 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tcp) enum Verdict {
    /// It is between what was acknowledged and what was sent.
    Good,
    /// It is older than what is acknowledged already.
    Old,
    /// It is much older: not from this window.
    TooOld,
    /// It covers what was never sent.
    Unsent,
}

/// What one ACK brought (the `FLAG_` bits of `tcp_input.c`).
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that come in any combination")]
pub(super) struct Ack {
    pub(super) una_before: Offset,
    pub(super) advanced: bool,
    data: bool,
    window_changed: bool,
    data_acked: bool,
    syn_acked: bool,
    resent_acked: bool,
    pub(super) newly_sacked: bool,
    /// Something never sent again was acknowledged although a timeout had struck.
    pub(super) original_acked: bool,
    pub(super) dsack: bool,
    pub(super) dsack_of_probe: bool,
    pub(super) reneging: bool,
    pub(super) lost_again: bool,
    /// Arm the probe or the timeout anew at the end.
    pub(super) set_timer: bool,
    maybe_delayed: bool,
    /// When the first and the last segment were sent that this ACK newly sacked.
    pub(super) sacked_sent: Option<(SimTime, SimTime)>,
    /// Lowest segment that arrived out of order.
    pub(super) reordered: Option<Offset>,
    /// Largest snapshot of the count of deliveries among what arrived.
    pub(super) delivered_before: Option<u32>,
    /// The timestamp it echoes.
    pub(super) echo: Option<u32>,
}

impl Ack {
    fn new(una: Offset, segment: &Segment) -> Self {
        Self {
            una_before: una,
            advanced: false,
            data: segment.sequence_length() > 0,
            window_changed: false,
            data_acked: false,
            syn_acked: false,
            resent_acked: false,
            newly_sacked: false,
            original_acked: false,
            dsack: false,
            dsack_of_probe: false,
            reneging: false,
            lost_again: false,
            set_timer: false,
            maybe_delayed: false,
            sacked_sent: None,
            reordered: None,
            delivered_before: None,
            echo: segment.options.timestamps.map(|(_, echo)| echo).filter(|echo| *echo != 0),
        }
    }

    fn acked(&self) -> bool {
        self.data_acked || self.syn_acked
    }

    /// It brought something beside an acknowledgement number.
    pub(super) fn is_no_duplicate(&self) -> bool {
        self.data || self.window_changed || self.acked()
    }

    fn is_dubious(&self, state: CaState) -> bool {
        !self.is_no_duplicate() || self.newly_sacked || self.dsack || state != CaState::Open
    }

    /// Notes a segment that arrived.
    pub(super) fn note_arrival(&mut self, sent: &Sent) {
        self.delivered_before = self.delivered_before.max(Some(sent.delivered));
    }

    /// Notes a segment that arrived before an earlier one.
    pub(super) fn note_reordered(&mut self, start: Offset) {
        self.reordered = Some(self.reordered.map_or(start, |lowest| lowest.min(start)));
    }
}

/// What was taken off the head of the flight.
#[derive(Debug, Default)]
struct Cleaned {
    segments: u32,
    first_sent: Option<SimTime>,
    last_sent: Option<SimTime>,
}

impl Socket {
    /// Takes the acknowledgement in; `seq` is where the segment stands in the peer's stream.
    pub(in crate::tcp) fn process_ack(&mut self, cx: Cx<'_>, segment: &Segment, seq: Offset) -> Verdict {
        let before = self.snd.una;
        let number = self.snd.space.offset(segment.ack, self.snd.una);
        let mut ack = Ack::new(before, segment);
        self.rec.rack.last_echo = if self.agreed.timestamps { ack.echo } else { None };
        let delivered_before = self.rec.delivered;
        if number < before {
            return self.process_old_ack(cx, segment, number, &mut ack, delivered_before);
        }
        if number > self.snd.nxt {
            return Verdict::Unsent;
        }
        let fack = if self.agreed.sack { self.snd.highest_sacked() } else { before };
        let sacked_before = self.rec.sacked;
        if number > before {
            ack.advanced = true;
            self.rec.timeouts = 0;
        }
        if self.agreed.timestamps
            && let Some((value, _)) = segment.options.timestamps
        {
            self.rcv.note_timestamp(cx.now, value, seq);
        }
        ack.window_changed = self.update_window(cx, segment, number, seq);
        let was_idle = self.snd.flight.is_empty();
        self.snd.advance(number);
        self.tag_sacked(cx, segment, &mut ack);
        self.probe.sent = 0;
        self.probe.last_heard = cx.now;
        if was_idle {
            if ack.dsack {
                self.on_dubious_ack(cx, &mut ack, false);
            }
            self.check_window_probe(cx);
            self.process_probe_ack(cx, number, &ack);
            return Verdict::Good;
        }
        let lost_before = self.rec.lost_ever;
        self.clean_flight(cx, &mut ack, fack, sacked_before);
        if let Some(delivered) = ack.delivered_before {
            self.update_reordering_window(cx, delivered);
        }
        self.process_probe_ack(cx, number, &ack);
        let mut resend = Resend::Nothing;
        if ack.is_dubious(self.rec.state) {
            let duplicate = !(ack.advanced || ack.is_no_duplicate() || ack.dsack);
            resend = self.on_dubious_ack(cx, &mut ack, duplicate);
        }
        if ack.set_timer && !self.schedule_loss_probe(cx, true) {
            self.rearm_rto(cx);
        }
        let delivered = u64::from(self.rec.delivered - delivered_before);
        self.control_congestion(cx, &ack, delivered, u64::from(self.rec.lost_ever - lost_before));
        self.perform(cx, resend);
        Verdict::Good
    }

    /// An ACK from before the left edge can still carry news in its SACK blocks.
    fn process_old_ack(
        &mut self,
        cx: Cx<'_>,
        segment: &Segment,
        number: Offset,
        ack: &mut Ack,
        delivered_before: u32,
    ) -> Verdict {
        let window = self.snd.max_window.min(self.snd.una.since(Offset::SYN));
        if number < self.snd.una.minus(window) {
            return Verdict::TooOld;
        }
        if segment.options.sack[0].is_some() && self.agreed.sack {
            self.tag_sacked(cx, segment, ack);
            let resend = self.on_dubious_ack(cx, ack, false);
            debug_assert!(self.rec.delivered >= delivered_before, "deliveries only grow");
            self.perform(cx, resend);
        }
        Verdict::Old
    }

    /// The peer's window, if this segment is newer than the last that told it (`tcp_ack_update_window`).
    fn update_window(&mut self, cx: Cx<'_>, segment: &Segment, number: Offset, seq: Offset) -> bool {
        let scale = if segment.flags.syn { 0 } else { self.snd.scale };
        let window = u64::from(segment.window) << scale;
        let newer = number > self.snd.una
            || seq > self.snd.window_seq
            || (seq == self.snd.window_seq && (window > self.snd.window || window == 0));
        if newer {
            self.snd.window_seq = seq;
            if self.snd.window != window {
                self.snd.window = window;
                if self.snd.has_unsent() {
                    self.restart_after_idle(cx);
                }
                self.snd.max_window = self.snd.max_window.max(window);
            }
        }
        newer
    }

    /// Takes what is acknowledged off the flight, and samples the round trip.
    fn clean_flight(&mut self, cx: Cx<'_>, ack: &mut Ack, fack: Offset, sacked_before: u32) {
        let una = self.snd.una;
        let mut cleaned = Cleaned::default();
        let mut lowest_original: Option<Offset> = None;
        while let Some(sent) = self.snd.flight.front().copied() {
            if sent.end > una {
                if sent.start < una
                    && let Some(first) = self.snd.flight.front_mut()
                {
                    first.start = una;
                }
                ack.reneging |= sent.tags.any(Tags::SACKED) && ack.advanced;
                break;
            }
            self.clean_one(cx, ack, &mut cleaned, &sent);
            if !sent.tags.any(Tags::RETRANS.with(Tags::EVER).with(Tags::SACKED)) {
                lowest_original = lowest_original.or(Some(sent.start));
            }
            self.snd.flight.pop_front();
        }
        let sampled = self.sample_round_trip(cx, ack, &cleaned, sacked_before);
        if ack.acked() {
            ack.set_timer = true;
            if self.agreed.sack {
                if let Some(lowest) = lowest_original.filter(|lowest| *lowest < fack) {
                    self.note_reordering_below(cx, lowest, fack);
                }
            } else {
                self.forget_reno_duplicates(cx, cleaned.segments);
                if ack.resent_acked {
                    ack.original_acked = false;
                }
            }
        } else if sampled
            && let (Some((first, _)), Some(head)) = (ack.sacked_sent, self.snd.flight.front())
            && first < head.at
        {
            // The head was sent after what was just sacked: its own timeout has not begun anew.
            ack.set_timer = true;
        }
    }

    fn clean_one(&mut self, cx: Cx<'_>, ack: &mut Ack, cleaned: &mut Cleaned, sent: &Sent) {
        let resent = sent.tags.any(Tags::RETRANS.with(Tags::EVER));
        let sacked = sent.tags.any(Tags::SACKED);
        if resent {
            self.rec.resent -= u32::from(sent.tags.any(Tags::RETRANS));
            ack.resent_acked = true;
        } else if !sacked {
            cleaned.first_sent = cleaned.first_sent.or(Some(sent.at));
            cleaned.last_sent = Some(sent.at);
            ack.original_acked |= sent.end <= self.rec.high;
        }
        if sacked && self.agreed.sack {
            self.rec.sacked -= 1;
        } else if self.agreed.sack {
            self.rec.delivered += 1;
            if !self.was_spurious(ack, sent) {
                self.note_arrival(cx, sent);
            }
        }
        self.rec.lost -= u32::from(sent.tags.any(Tags::LOST));
        ack.note_arrival(sent);
        cleaned.segments += 1;
        if sent.tags.any(Tags::SYN) {
            ack.syn_acked = true;
            self.rec.first_retransmission = None;
        } else {
            ack.data_acked = true;
        }
    }

    /// The echoed timestamp shows that the original arrived, not the retransmission.
    fn was_spurious(&self, ack: &Ack, sent: &Sent) -> bool {
        let resent = sent.tags.any(Tags::RETRANS.with(Tags::EVER));
        resent
            && self.agreed.timestamps
            && ack.echo.is_some_and(|echo| {
                let copy = crate::net::segment::Seq(self.timestamp(sent.at));
                crate::net::segment::Seq(echo).distance_from(copy) < 0
            })
    }

    /// RTT samples: never from what was sent again (Karn), except by the echoed timestamp.
    fn sample_round_trip(&mut self, cx: Cx<'_>, ack: &mut Ack, cleaned: &Cleaned, sacked_before: u32) -> bool {
        let since = |at: SimTime| cx.now.since(at);
        let mut rtt = None;
        let mut last_rtt = None;
        if !ack.resent_acked
            && let (Some(first), Some(last)) = (cleaned.first_sent, cleaned.last_sent)
        {
            rtt = Some(since(first));
            last_rtt = Some(since(last));
            let alone = cleaned.segments == 1 && sacked_before == 0 && !ack.newly_sacked && !ack.dsack;
            let small = self.snd.una.since(ack.una_before) < self.segment_size(cx);
            let next = ack.delivered_before.is_some_and(|before| before + 1 == self.rec.delivered);
            ack.maybe_delayed = alone && small && next && !ack.syn_acked;
        }
        if let Some((first, last)) = ack.sacked_sent {
            rtt = rtt.or(Some(since(first)));
            last_rtt = Some(since(last));
        }
        if rtt.is_none()
            && ack.acked()
            && self.agreed.timestamps
            && let Some(echo) = ack.echo
        {
            let ms = self.timestamp(cx.now).wrapping_sub(echo);
            if ms < u32::MAX / 2 {
                rtt = Some(Micros::from_millis(u64::from(ms.max(1))));
                last_rtt = rtt;
            }
        }
        let (Some(rtt), Some(last_rtt)) = (rtt, last_rtt) else { return false };
        self.rtt.note_minimum(cx.now, last_rtt, ack.maybe_delayed);
        self.rtt.sample(cx.kernel, rtt.max(Micros::new(1)), self.snd.una, self.snd.nxt);
        self.cc.on_sample(cx.now, last_rtt.max(Micros::new(1)), self.snd.una, self.snd.nxt);
        true
    }

    /// Without SACK an ACK of new data eats the duplicates that were counted for it (`tcp_remove_reno_sacks`).
    fn forget_reno_duplicates(&mut self, cx: Cx<'_>, segments: u32) {
        if segments > 0 {
            self.rec.delivered += segments.saturating_sub(self.rec.sacked).max(1);
            self.rec.sacked = self.rec.sacked.saturating_sub(segments - 1);
        }
        if self.snd.flight.is_empty() {
            self.rec.sacked = 0;
        } else {
            self.limit_reno_count(cx, segments);
        }
    }

    fn control_congestion(&mut self, cx: Cx<'_>, ack: &Ack, delivered: u64, lost: u64) {
        if self.rec.is_reducing() {
            self.reduce(cx, delivered, lost, ack.advanced);
        } else {
            let reordered = u64::from(self.rec.reordering) > cx.kernel.tcp_reordering;
            let progress = if reordered { ack.acked() || ack.newly_sacked } else { ack.data_acked };
            if progress {
                let before = self.cc.cwnd;
                self.cc.grow(cx.now, delivered);
                if self.cc.cwnd > before {
                    self.fit_send_buffer(cx);
                }
            }
        }
    }

    /// Sends at the end of an ACK what recovery asked for (`tcp_xmit_recovery`).
    fn perform(&mut self, cx: Cx<'_>, resend: Resend) {
        if resend == Resend::Nothing || self.state == State::SynSent {
            return;
        }
        if resend == Resend::New {
            self.push_pending(cx, Push::All);
            if self.snd.nxt > self.rec.high {
                return;
            }
            self.rec.frto = false;
        }
        self.resend_lost(cx);
    }
}
