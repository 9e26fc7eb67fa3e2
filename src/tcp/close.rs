//! How a connection ends: `close()`, `SO_LINGER`, orphans, FIN-WAIT-2, TIME-WAIT and the RST for segments that meet no
//! socket. The page this project is about: what `close()` does in every state is the `match` of [`Socket::close`].

use crate::net::segment::{Flags, Segment, Seq};
use crate::tcp::input::{PAWS_SLACK, Place};
use crate::tcp::{Cx, Errno, FinWait2, Micros, Socket, State, Timer};

/// The RST that answers a segment which meets no socket, ports swapped; `None` for a RST (RFC 9293 §3.10.7.1).
pub fn reset_for(segment: &Segment) -> Option<Segment> {
    if segment.flags.rst {
        return None;
    }
    let (seq, ack, with_ack) = if segment.flags.ack {
        (segment.ack, Seq(0), false)
    } else {
        (Seq(0), segment.seq.plus(segment.sequence_length()), true)
    };
    Some(Segment {
        source_port: segment.destination_port,
        destination_port: segment.source_port,
        seq,
        ack,
        flags: Flags { rst: true, ack: with_ack, ..Flags::default() },
        ..Segment::default()
    })
}

impl Socket {
    /// `close()`: the application lets go of the socket, which lives on as an orphan until the connection is over.
    ///
    /// Unread bytes make it a RST, since they were lost (RFC 2525 §2.17); so does [`Socket::set_linger`] with zero.
    pub fn close(&mut self, cx: Cx<'_>) {
        if self.modes.orphan {
            return;
        }
        let unread = self.rcv.unread() > 0;
        self.rcv.drop_unread();
        self.modes.read_closed = true;
        self.modes.write_closed = true;
        match self.state {
            State::SynSent => self.finish(),
            State::SynReceived if self.modes.request => self.finish(),
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
                if unread =>
            {
                self.send_reset(cx);
                self.finish();
            }
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
                if self.choices().linger == Some(Micros::ZERO) =>
            {
                self.disconnect(cx);
            }
            State::SynReceived | State::Established => {
                self.state = State::FinWait1;
                self.queue_fin(cx);
            }
            State::CloseWait => {
                self.state = State::LastAck;
                self.queue_fin(cx);
            }
            State::FinWait2 => self.orphan_in_fin_wait_2(cx),
            // Our FIN is queued already, or nothing is left to close.
            State::FinWait1 | State::Closing | State::LastAck | State::TimeWait | State::Closed => {}
        }
        self.modes.orphan = true;
        if self.state == State::Closed {
            self.rcv.drop_out_of_order();
        }
    }

    /// What the kernel does to a connection whose listener closed before it was accepted: RST, whatever is unread.
    pub fn abort(&mut self, cx: Cx<'_>) {
        self.rcv.drop_unread();
        match self.state {
            State::Closed | State::TimeWait => {}
            State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => self.disconnect(cx),
        }
        self.modes.orphan = true;
        self.rcv.drop_out_of_order();
    }

    /// `SO_LINGER`: `Some(ZERO)` makes [`Socket::close`] a RST. A longer time would only block the caller.
    pub fn set_linger(&mut self, linger: Option<Micros>) {
        self.choices_mut().linger = linger;
    }

    /// `TCP_LINGER2`: how long an orphan stays in FIN-WAIT-2 instead of `tcp_fin_timeout`; `None`, a negative value
    /// in Linux, is not at all.
    pub fn set_fin_timeout(&mut self, timeout: Option<Micros>) {
        self.choices_mut().fin_wait_2 = match timeout {
            // Zero gives the choice back to the kernel.
            Some(Micros::ZERO) => FinWait2::Kernel,
            Some(time) => FinWait2::For(time),
            None => FinWait2::Skipped,
        };
    }

    /// `tcp_disconnect`: a RST where the peer still believes in the connection.
    fn disconnect(&mut self, cx: Cx<'_>) {
        let reset = match self.state {
            State::SynReceived => !self.modes.request,
            State::Established | State::CloseWait | State::FinWait1 | State::FinWait2 => true,
            State::Closing | State::LastAck => self.snd.nxt != self.snd.end,
            State::SynSent | State::TimeWait | State::Closed => false,
        };
        if reset {
            self.send_reset(cx);
        }
        if reset || self.state == State::SynSent {
            self.error = Some(Errno::ECONNRESET);
        }
        self.finish();
    }

    /// How long an orphan waits for the FIN, at least three and a half timeouts (`tcp_fin_time`).
    fn fin_time(&self, cx: Cx<'_>) -> Micros {
        let configured = match self.choices().fin_wait_2 {
            FinWait2::For(time) => time,
            FinWait2::Kernel | FinWait2::Skipped => cx.kernel.tcp_fin_timeout,
        };
        configured.max(Micros::new(self.rtt.rto.get() * 7 / 2))
    }

    /// An orphan whose FIN is acknowledged: mostly only a bucket is kept of it.
    fn orphan_in_fin_wait_2(&mut self, cx: Cx<'_>) {
        if self.choices().fin_wait_2 == FinWait2::Skipped {
            self.send_reset(cx);
            self.finish();
            return;
        }
        let time = self.fin_time(cx);
        if time > cx.kernel.time_wait {
            self.timers.life = Some((cx.now + (time - cx.kernel.time_wait), Timer::FinWait2));
        } else {
            self.become_bucket(cx, State::FinWait2, time);
        }
    }

    /// The first stage of a long wait in FIN-WAIT-2 is over, or all of it.
    pub(super) fn on_fin_wait_2_timeout(&mut self, cx: Cx<'_>) {
        if self.modes.bucket {
            self.finish();
            return;
        }
        let time = self.fin_time(cx);
        if self.choices().fin_wait_2 != FinWait2::Skipped && time > cx.kernel.time_wait {
            self.become_bucket(cx, State::FinWait2, time - cx.kernel.time_wait);
            return;
        }
        self.send_reset(cx);
        self.finish();
    }

    /// Gives up everything but what TIME-WAIT needs (`tcp_time_wait`).
    fn become_bucket(&mut self, cx: Cx<'_>, state: State, time: Micros) {
        let window = self.rcv.window_left();
        self.state = state;
        self.modes.bucket = true;
        self.modes.write_closed = true;
        self.timers = crate::tcp::Timers::default();
        self.purge_sending();
        self.rcv.drop_out_of_order();
        self.rcv.acked = self.rcv.nxt;
        self.rcv.window = window;
        let (time, timer) = if state == State::TimeWait {
            (cx.kernel.time_wait, Timer::TimeWait)
        } else {
            (time.max(Micros::new(self.rtt.rto.get() * 7 / 2)), Timer::FinWait2)
        };
        self.timers.life = Some((cx.now + time, timer));
    }

    /// The peer's FIN came, with everything before it (`tcp_fin`).
    pub(super) fn on_fin(&mut self, cx: Cx<'_>) {
        self.ack.schedule();
        self.modes.read_closed = true;
        self.modes.done = true;
        match self.state {
            State::SynReceived | State::Established => {
                self.state = State::CloseWait;
                // Our own FIN will probably follow soon and can carry the ACK.
                self.ack.enter_interactive();
            }
            State::FinWait1 => {
                self.send_ack(cx);
                self.state = State::Closing;
            }
            State::FinWait2 => {
                self.send_ack(cx);
                self.become_bucket(cx, State::TimeWait, Micros::ZERO);
            }
            State::CloseWait | State::Closing | State::LastAck | State::TimeWait | State::SynSent | State::Closed => {}
        }
        // Nothing is behind a FIN. An ACK that left just now still reported duplicates (`tcp_fin`).
        self.rcv.drop_out_of_order();
    }

    /// The change of state when our FIN is acknowledged. False if the segment is done with.
    pub(super) fn on_fin_acked(&mut self, cx: Cx<'_>, segment: &Segment, place: Place) -> bool {
        let acked = self.snd.fin && self.snd.una == self.snd.end;
        match self.state {
            State::FinWait1 if acked => {
                self.state = State::FinWait2;
                self.modes.write_closed = true;
                !self.modes.orphan || self.on_orphan_fin_acked(cx, segment, place)
            }
            State::Closing if acked => {
                self.become_bucket(cx, State::TimeWait, Micros::ZERO);
                false
            }
            State::LastAck if acked => {
                self.finish();
                false
            }
            State::FinWait1
            | State::Closing
            | State::LastAck
            | State::SynSent
            | State::SynReceived
            | State::Established
            | State::FinWait2
            | State::CloseWait
            | State::TimeWait
            | State::Closed => true,
        }
    }

    fn on_orphan_fin_acked(&mut self, cx: Cx<'_>, segment: &Segment, place: Place) -> bool {
        if self.choices().fin_wait_2 == FinWait2::Skipped || self.has_new_text(segment, place) {
            self.finish();
            self.refuse(segment);
            return false;
        }
        if segment.flags.fin && self.fin_time(cx) <= cx.kernel.time_wait {
            // It is about to become TIME-WAIT.
            self.timers.life = Some((cx.now + self.fin_time(cx), Timer::FinWait2));
            return true;
        }
        self.orphan_in_fin_wait_2(cx);
        !self.modes.bucket
    }

    /// A segment for TIME-WAIT, or for the FIN-WAIT-2 of an orphan (`tcp_timewait_state_process`).
    pub(super) fn on_bucket(&mut self, cx: Cx<'_>, segment: &Segment) {
        let place = self.place(segment);
        let stamp = segment.options.timestamps.filter(|_| self.agreed.timestamps).map(|(value, _)| value);
        let old = stamp.is_some_and(|value| self.rcv.is_stale(cx.now, value, PAWS_SLACK));
        if self.state == State::FinWait2 {
            self.on_orphan_bucket(cx, segment, place, old);
            return;
        }
        let flags = segment.flags;
        if !old && place.start == self.rcv.nxt && (place.start == place.end || flags.rst) {
            if flags.rst {
                // TIME-WAIT assassination (RFC 1337).
                if !cx.kernel.tcp_rfc1337 {
                    self.finish();
                }
                return;
            }
            self.restart_time_wait(cx);
            if let Some(value) = stamp {
                self.rcv.store_timestamp(cx.now, value);
            }
            return;
        }
        if flags.rst {
            return;
        }
        if old || flags.ack {
            self.restart_time_wait(cx);
        }
        self.answer_from_bucket(cx, segment, place);
    }

    fn on_orphan_bucket(&mut self, cx: Cx<'_>, segment: &Segment, place: Place, old: bool) {
        let flags = segment.flags;
        if old || !self.is_in_bucket_window(place) {
            self.answer_from_bucket(cx, segment, place);
            return;
        }
        if flags.rst {
            self.finish();
            return;
        }
        let syn = flags.syn && place.start >= self.rcv.nxt;
        if !syn && (!flags.ack || place.end <= self.rcv.nxt || place.start == place.end) {
            return;
        }
        if syn || !flags.fin || place.end != self.rcv.nxt.plus(1) {
            // New data after a close nobody can read behind.
            self.finish();
            self.refuse(segment);
            return;
        }
        self.rcv.accept(place.start, &[], true, false);
        self.rcv.acked = self.rcv.nxt;
        self.modes.done = true;
        if let Some((value, _)) = segment.options.timestamps.filter(|_| self.agreed.timestamps) {
            self.rcv.store_timestamp(cx.now, value);
        }
        self.state = State::TimeWait;
        self.restart_time_wait(cx);
        self.send_ack(cx);
    }

    fn is_in_bucket_window(&self, place: Place) -> bool {
        let (low, high) = (self.rcv.nxt, self.rcv.nxt.plus(self.rcv.window));
        place.start == low
            || (place.end > low && place.start < high)
            || (place.start == high && place.start == place.end)
    }

    fn restart_time_wait(&mut self, cx: Cx<'_>) {
        self.timers.life = Some((cx.now + cx.kernel.time_wait, Timer::TimeWait));
    }

    fn answer_from_bucket(&mut self, cx: Cx<'_>, segment: &Segment, place: Place) {
        let bare = place.start == place.end || segment.flags.syn;
        if !segment.flags.rst && (!bare || !self.is_rate_limited(cx)) {
            self.send_ack(cx);
        }
    }

    /// The initial sequence number for a connection that takes the ports of this one out of TIME-WAIT: beyond
    /// everything the old one could have sent (`tcp_timewait_state_process`).
    pub fn successor_iss(&self) -> Seq {
        self.snd.space.seq(self.snd.nxt).plus(65_537)
    }

    /// Whether a SYN may open a new connection on the ports of this one: it is in TIME-WAIT, and the SYN's number or
    /// timestamp is beyond the old ones (RFC 6191, `TCP_TW_SYN`).
    pub fn may_reuse(&self, cx: Cx<'_>, segment: &Segment) -> bool {
        let flags = segment.flags;
        if self.state == State::Closed {
            return true;
        }
        if self.state != State::TimeWait || !flags.syn || flags.ack || flags.rst {
            return false;
        }
        let stamp = segment.options.timestamps.filter(|_| self.agreed.timestamps).map(|(value, _)| value);
        if stamp.is_some_and(|value| self.rcv.is_stale(cx.now, value, PAWS_SLACK)) {
            return false;
        }
        let newer = |value: u32| Seq(value).distance_from(Seq(self.rcv.ts_recent)) > 0;
        self.place(segment).start > self.rcv.nxt || stamp.is_some_and(newer)
    }
}
