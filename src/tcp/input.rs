//! What a segment does when it arrives, in the order of RFC 9293 §3.10.7 and of Linux's `tcp_rcv_state_process`.

use crate::defect::{self, Defect};
use crate::net::segment::{Flags, Segment};
use crate::tcp::close::reset_for;
use crate::tcp::receive::Taken;
use crate::tcp::recovery::Verdict;
use crate::tcp::send::Push;
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Errno, Socket, State};

/// Timestamps may go back by this much without being old (`TCP_PAWS_WINDOW`).
pub(super) const PAWS_SLACK: i32 = 1;

/// Where a segment stands in the peer's stream: its first number and the one behind its last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) start: Offset,
    pub(super) end: Offset,
}

impl Socket {
    /// Takes a segment in. Poll for what it caused.
    pub fn handle_segment(&mut self, cx: Cx<'_>, segment: &Segment) {
        if self.modes.bucket {
            self.on_bucket(cx, segment);
            return;
        }
        match self.state {
            State::Closed => self.refuse(segment),
            State::SynSent => self.on_syn_sent(cx, segment),
            State::SynReceived if self.modes.request => self.on_request(cx, segment),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => self.on_connected(cx, segment),
        }
    }

    /// Answers with a RST made from the segment alone.
    pub(super) fn refuse(&mut self, segment: &Segment) {
        self.out.extend(reset_for(segment));
    }

    pub(super) fn place(&self, segment: &Segment) -> Place {
        let start = self.rcv.space.offset(segment.seq, self.rcv.nxt);
        Place { start, end: start.plus(u64::from(segment.sequence_length())) }
    }

    /// The part for every state with a peer: check, acknowledge, change state, take the text.
    fn on_connected(&mut self, cx: Cx<'_>, segment: &Segment) {
        let flags = segment.flags;
        if !flags.ack && !flags.rst && !flags.syn {
            return;
        }
        let place = self.place(segment);
        if !self.is_acceptable(cx, segment, place) {
            return;
        }
        let predicted = self.is_predicted(segment, place);
        let has_text = place.start != place.end;
        if predicted && has_text {
            self.take_text(cx, segment, place);
        }
        let verdict = self.process_ack(cx, segment, place.start);
        if self.state == State::SynReceived {
            if verdict != Verdict::Good {
                self.refuse(segment);
                return;
            }
            self.on_crossed_syn_acked(cx, segment, place.start);
        } else if matches!(verdict, Verdict::TooOld | Verdict::Unsent) {
            self.send_challenge(cx);
            return;
        }
        if !self.on_fin_acked(cx, segment, place) {
            return;
        }
        if !predicted {
            self.take_text(cx, segment, place);
        }
        if self.state != State::Closed && !self.modes.bucket {
            self.push_pending(cx, Push::Normal);
            if has_text || !predicted {
                self.check_ack(cx);
            }
        }
    }

    /// A segment with nothing unexpected in its header (header prediction of `tcp_rcv_established`): its text is taken in
    /// before its acknowledgement, and without text it leaves a pending ACK of ours alone.
    fn is_predicted(&self, segment: &Segment, place: Place) -> bool {
        let flags = Flags { psh: false, ..segment.flags };
        self.state == State::Established
            && flags == Flags { ack: true, ..Flags::default() }
            && place.start == self.rcv.nxt
            && self.snd.space.offset(segment.ack, self.snd.una) <= self.snd.nxt
            && !self.rcv.has_gap()
            && self.rcv.window > 0
            && segment.options.sack[0].is_none()
            && segment.options.timestamps.is_some() == self.agreed.timestamps
            && u64::from(segment.window) << self.snd.scale == self.snd.window
    }

    /// Steps 1 to 4: timestamps, sequence number, RST, SYN (`tcp_validate_incoming`). False drops the segment.
    fn is_acceptable(&mut self, cx: Cx<'_>, segment: &Segment, place: Place) -> bool {
        let flags = segment.flags;
        if self.is_old_by_timestamp(cx, segment, place) && !flags.rst {
            if flags.syn {
                self.send_challenge(cx);
            } else if !self.is_old_bare_ack(segment, place) {
                self.answer_unacceptable(cx, segment, place);
            }
            return false;
        }
        if !self.is_in_window(segment, place) {
            if flags.rst {
                if self.is_reset_of_fin(place) {
                    self.on_reset(cx);
                }
            } else if flags.syn {
                self.send_challenge(cx);
            } else {
                self.answer_unacceptable(cx, segment, place);
            }
            return false;
        }
        if flags.rst {
            let exact = place.start == self.rcv.nxt || self.is_reset_of_fin(place);
            let rightmost = self.agreed.sack && self.rcv.rightmost_sack() == Some(place.start);
            if exact || rightmost {
                if defect::is(Defect::ResetSwallowed) {
                    return false;
                }
                self.on_reset(cx);
            } else {
                self.send_challenge(cx);
            }
            return false;
        }
        if flags.syn && !self.is_crossed_syn_ack(segment, place) {
            self.send_challenge(cx);
            return false;
        }
        true
    }

    /// The SYN-ACK of a simultaneous open.
    fn is_crossed_syn_ack(&self, segment: &Segment, place: Place) -> bool {
        self.state == State::SynReceived
            && segment.flags.ack
            && place.start.plus(1) == place.end
            && place.end == self.rcv.nxt
            && segment.ack == self.snd.space.seq(self.snd.nxt)
    }

    /// After the peer's FIN a RST may also carry the number of that FIN.
    fn is_reset_of_fin(&self, place: Place) -> bool {
        place.start.plus(1) == self.rcv.nxt && matches!(self.state, State::CloseWait | State::LastAck | State::Closing)
    }

    /// RFC 7323 §5.3, with the exception for ACKs that overtook each other (`tcp_disordered_ack_check`).
    fn is_old_by_timestamp(&self, cx: Cx<'_>, segment: &Segment, place: Place) -> bool {
        let Some((value, _)) = segment.options.timestamps.filter(|_| self.agreed.timestamps) else { return false };
        if !self.rcv.is_stale(cx.now, value, PAWS_SLACK) {
            return false;
        }
        let bare = segment.flags.ack && place.start == place.end && place.start == self.rcv.nxt;
        let repeats = self.snd.space.offset(segment.ack, self.snd.una) == self.snd.una;
        let same_window = u64::from(segment.window) << self.snd.scale == self.snd.window;
        let replay = i32::try_from(self.rtt.rto.get() / 1_000).unwrap_or(i32::MAX);
        !(bare && repeats && same_window && !self.rcv.is_stale(cx.now, value, replay))
    }

    /// A bare ACK from before what we have: overtaken, not worth an answer.
    fn is_old_bare_ack(&self, segment: &Segment, place: Place) -> bool {
        segment.flags.ack && place.start == place.end && place.start < self.rcv.nxt
    }

    fn answer_unacceptable(&mut self, cx: Cx<'_>, segment: &Segment, place: Place) {
        // Data is never part of a loop of ACKs, so only the rest is limited (`tcp_oow_rate_limited`).
        let bare = place.start == place.end || segment.flags.syn;
        if !bare || !self.is_rate_limited(cx) {
            self.send_duplicate_ack(cx, place.start, place.end);
        }
    }

    fn is_in_window(&self, segment: &Segment, place: Place) -> bool {
        let limit = self.rcv.nxt.plus(self.rcv.window_left());
        if place.end < self.rcv.acked {
            return false;
        }
        place.end.minus(u64::from(segment.flags.fin)) <= limit || (place.start <= limit && self.rcv.unread() == 0)
    }

    /// A RST that counts (`tcp_reset`).
    pub(super) fn on_reset(&mut self, cx: Cx<'_>) {
        self.error = Some(match self.state {
            State::SynSent => Errno::ECONNREFUSED,
            State::CloseWait => Errno::EPIPE,
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::Closing
            | State::LastAck
            | State::TimeWait
            | State::Closed => Errno::ECONNRESET,
        });
        self.finish();
        if cx.kernel.reset_discards_received {
            self.rcv.drop_unread();
        }
    }

    /// Takes the text and the FIN of a segment (steps 7 and 8).
    fn take_text(&mut self, cx: Cx<'_>, segment: &Segment, place: Place) {
        let reads_no_more = self.modes.read_closed;
        match self.state {
            State::CloseWait | State::Closing | State::LastAck if place.start >= self.rcv.nxt => return,
            State::CloseWait | State::Closing | State::LastAck | State::FinWait1 | State::FinWait2
                if reads_no_more && self.has_new_text(segment, place) =>
            {
                // Nobody will ever read it: the peer must know (RFC 1122 §4.2.2.13).
                self.on_reset(cx);
                self.refuse(segment);
                return;
            }
            State::TimeWait | State::Closed | State::SynSent | State::SynReceived => return,
            State::Established
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::FinWait1
            | State::FinWait2 => {}
        }
        if place.start == place.end {
            return;
        }
        if self.rcv.is_exhausted(segment.payload.len()) {
            self.ack.schedule_now();
            return;
        }
        let had_fin = self.rcv.fin;
        let dsack = self.agreed.sack && cx.kernel.tcp_dsack;
        match self.rcv.accept(place.start, &segment.payload, segment.flags.fin, dsack) {
            Taken::InOrder { len, filled } => {
                if len > 0 {
                    let (window, rto) = (self.rcv.window, self.rtt.rto);
                    self.ack.on_data(cx, segment, cx.kernel.mss, window, rto);
                }
                if filled {
                    self.ack.schedule_now();
                }
                if self.rcv.fin && !had_fin {
                    self.on_fin(cx);
                }
            }
            Taken::Early => self.ack.schedule(),
            Taken::Duplicate | Taken::Outside => {
                self.ack.enter_quick(cx.kernel, self.rcv.window);
                self.ack.schedule();
            }
        }
    }

    /// Whether the segment has bytes beyond what came.
    pub(super) fn has_new_text(&self, segment: &Segment, place: Place) -> bool {
        place.start != place.end && place.end.minus(u64::from(segment.flags.fin)) > self.rcv.nxt
    }
}
