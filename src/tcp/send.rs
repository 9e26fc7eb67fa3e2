//! The send queue, its segmentation and the peer's window.
//!
//! Bytes from the first unacknowledged one on lie in one ring. What was sent is a list of [`Sent`] segments, what was
//! not is a list of chunks: a chunk ends where the kernel's super-segment (skb) would, which decides where PSH
//! stands and when a part may go.

mod defer;
mod wire;

use std::collections::VecDeque;

use crate::net::segment::Seq;
use crate::tcp::congestion::Usage;
use crate::tcp::recovery::CaState;
use crate::tcp::seq::{Offset, Space};
use crate::tcp::timers::Timer;
use crate::tcp::{Cx, Socket, State};
use crate::time::{Micros, SimTime};

/// Segment size where the peer named none (RFC 9293 §3.7.1).
pub(super) const DEFAULT_MSS: u64 = 536;
/// Largest super-segment (`sk_gso_max_size` less headers).
const GSO_MAX: u64 = 65_216;
/// Memory that goes with a segment's data: headers and `struct sk_buff`.
const SEGMENT_OVERHEAD: u64 = 640;

/// What is known of a segment in flight, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tags(u8);

impl Tags {
    /// The peer has it, behind a gap.
    pub(super) const SACKED: Self = Self(1);
    /// Taken for lost.
    pub(super) const LOST: Self = Self(2);
    /// Sent again, and that copy may be in flight.
    pub(super) const RETRANS: Self = Self(4);
    /// Was ever sent again.
    pub(super) const EVER: Self = Self(8);
    /// Ends a write.
    pub(super) const PSH: Self = Self(16);
    /// Ends with our FIN.
    pub(super) const FIN: Self = Self(32);
    /// Is our SYN.
    pub(super) const SYN: Self = Self(64);

    pub(super) const fn any(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    #[must_use]
    pub(super) const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    #[must_use]
    pub(super) const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

/// A segment in flight.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub(super) start: Offset,
    pub(super) end: Offset,
    /// When it was sent last.
    pub(super) at: SimTime,
    /// How many segments were delivered by then.
    pub(super) delivered: u32,
    pub(super) tags: Tags,
}

/// Unsent bytes that leave together; the first chunk begins at `nxt`.
#[derive(Clone, Copy, Debug)]
struct Chunk {
    end: Offset,
    push: bool,
}

/// The sending half of a socket.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) space: Space,
    /// First unacknowledged.
    pub(super) una: Offset,
    /// Next to send.
    pub(super) nxt: Offset,
    /// End of what is queued, the FIN included.
    pub(super) end: Offset,
    /// The peer's window in bytes, and the largest it ever offered.
    pub(super) window: u64,
    pub(super) max_window: u64,
    /// The peer's sequence number at the last window update.
    pub(super) window_seq: Offset,
    pub(super) scale: u8,
    pub(super) fin: bool,
    pub(super) flight: VecDeque<Sent>,
    chunks: VecDeque<Chunk>,
    buffer: VecDeque<u8>,
    /// Where the last segment smaller than the MSS ended (Minshall's form of Nagle's algorithm).
    small: Offset,
    /// Where PSH was last set.
    pushed: Offset,
    /// End of the segment that was put on the wire last.
    newest: Offset,
    pub(super) last_sent: SimTime,
    /// Size of the send buffer, and that where the application set it.
    pub(super) limit: u64,
    pub(super) fixed_limit: Option<u64>,
}

/// How [`Socket::write_pending`] treats small segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Push {
    /// As the socket's option says.
    Normal,
    /// Nagle's algorithm is off for this time.
    All,
    /// One segment beyond the congestion window: a loss probe.
    Probe,
}

impl Sender {
    pub(super) fn new(iss: Seq, now: SimTime, limit: u64) -> Self {
        Self {
            space: Space(iss),
            una: Offset::SYN,
            nxt: Offset::SYN,
            end: Offset::FIRST,
            window: 0,
            max_window: 0,
            window_seq: Offset::SYN,
            scale: 0,
            fin: false,
            flight: VecDeque::new(),
            chunks: VecDeque::new(),
            buffer: VecDeque::new(),
            small: Offset::SYN,
            pushed: Offset::FIRST,
            newest: Offset::SYN,
            last_sent: now,
            limit,
            fixed_limit: None,
        }
    }

    /// Bytes taken from the application.
    pub(super) fn accepted(&self) -> u64 {
        self.end.bytes() - u64::from(self.fin)
    }

    /// Bytes that wait, sent or not.
    pub(super) fn queued(&self) -> u64 {
        self.buffer.len() as u64
    }

    /// The end of the peer's window.
    pub(super) fn window_end(&self) -> Offset {
        self.una.plus(self.window)
    }

    pub(super) fn has_unsent(&self) -> bool {
        !self.chunks.is_empty()
    }

    /// The end of the first unsent segment, if there is one.
    pub(super) fn first_unsent_end(&self, mss: u64) -> Option<Offset> {
        self.chunks.front().map(|chunk| chunk.end.min(self.nxt.plus(mss)))
    }

    /// Where data ends and the FIN would stand.
    fn data_end(&self) -> Offset {
        self.end.minus(u64::from(self.fin))
    }

    /// Appends one write: it joins the last chunk while that is unsent and below `goal`.
    fn append(&mut self, data: &[u8], goal: u64) {
        self.buffer.extend(data);
        let end = self.end.plus(data.len() as u64);
        while self.end < end {
            let start = match self.chunks.len() {
                0 | 1 => self.nxt,
                n => self.chunks[n - 2].end,
            };
            let room = match self.chunks.back_mut() {
                Some(last) if last.end.since(start) < goal => {
                    last.push = false;
                    goal - last.end.since(start)
                }
                full => {
                    // tcp_sendmsg(): in the middle of a write PSH comes with each half window.
                    if let Some(last) = full
                        && self.end > self.pushed.plus(self.max_window >> 1)
                    {
                        last.push = true;
                        self.pushed = self.end;
                    }
                    self.chunks.push_back(Chunk { end: self.end, push: false });
                    goal
                }
            };
            self.end = end.min(self.end.plus(room));
            if let Some(last) = self.chunks.back_mut() {
                last.end = self.end;
            }
        }
        if let Some(last) = self.chunks.back_mut() {
            last.push = true;
            self.pushed = self.end;
        }
    }

    /// Queues the FIN: on the last chunk if that is unsent, otherwise by itself.
    fn append_fin(&mut self) {
        self.fin = true;
        self.end = self.end.plus(1);
        match self.chunks.back_mut() {
            Some(last) => last.end = self.end,
            None => self.chunks.push_back(Chunk { end: self.end, push: false }),
        }
    }

    /// The bytes of `start..end`, without SYN and FIN.
    fn payload(&self, start: Offset, end: Offset) -> Vec<u8> {
        let base = self.una.max(Offset::FIRST);
        let from = index(start.since(base));
        let to = index(end.min(self.data_end()).since(base)).min(self.buffer.len());
        if from >= to {
            return Vec::new();
        }
        let (front, back) = self.buffer.as_slices();
        if to <= front.len() {
            front[from..to].to_vec()
        } else if from >= front.len() {
            back[from - front.len()..to - front.len()].to_vec()
        } else {
            [&front[from..], &back[..to - front.len()]].concat()
        }
    }

    /// Moves the left edge; the bytes before it are not needed any more.
    pub(super) fn advance(&mut self, una: Offset) {
        let base = self.una.max(Offset::FIRST);
        let gone = index(una.min(self.data_end()).since(base)).min(self.buffer.len());
        if gone == self.buffer.len() {
            // From its beginning again, so that what is sent lies in one piece.
            self.buffer.clear();
        } else {
            self.buffer.drain(..gone);
        }
        self.una = una;
    }

    /// Gives back the memory of queues that are empty.
    pub(super) fn rest(&mut self) {
        if self.flight.is_empty() {
            self.flight = VecDeque::new();
        }
        if self.chunks.is_empty() {
            self.chunks = VecDeque::new();
        }
        if self.buffer.is_empty() {
            self.buffer = VecDeque::new();
        }
    }

    /// The highest place the peer acknowledged selectively: just behind it.
    pub(super) fn highest_sacked(&self) -> Offset {
        self.flight.iter().rev().find(|sent| sent.tags.any(Tags::SACKED)).map_or(self.una, |sent| sent.end)
    }
}

/// A length of a queue in memory as an index into it.
#[expect(clippy::cast_possible_truncation, reason = "queues are far below 4 GiB")]
fn index(n: u64) -> usize {
    n as usize
}

impl Socket {
    /// The segment size in use (`tcp_current_mss`): what the peer takes, less the options of each segment, and at
    /// most half of the largest window the peer ever offered.
    pub(super) fn segment_size(&self, cx: Cx<'_>) -> u64 {
        let timestamps = if self.agreed.timestamps { 12 } else { 0 };
        let size = self.agreed.mss.min(cx.kernel.mss).saturating_sub(timestamps).max(36);
        let cutoff = if self.snd.max_window > DEFAULT_MSS { self.snd.max_window >> 1 } else { self.snd.max_window };
        let size = if cutoff > 0 && size > cutoff { cutoff.max(48 - timestamps) } else { size };
        match self.rcv.sack_count() {
            0 => size,
            _ if !self.agreed.sack => size,
            n => size.saturating_sub(4 + 8 * n as u64).max(36),
        }
    }

    /// How much the send buffer still takes.
    pub(super) fn send_room(&self) -> usize {
        index(self.snd.limit.saturating_sub(self.snd.queued()))
    }

    /// Lets the send buffer grow with the congestion window (`tcp_sndbuf_expand`): room for twice that many
    /// segments, in whole pages of memory.
    pub(super) fn fit_send_buffer(&mut self, cx: Cx<'_>) {
        let [_, birth, most] = cx.kernel.tcp_wmem;
        let each = (self.segment_size(cx) + SEGMENT_OVERHEAD).next_power_of_two() + 256;
        let segments = self.cc.cwnd.max(cx.kernel.initial_cwnd).max(u64::from(self.rec.reordering) + 1);
        let fit = (2 * segments * each).min(most).max(birth);
        self.snd.limit = self.snd.fixed_limit.unwrap_or_else(|| self.snd.limit.max(fit));
    }

    /// Takes data into the queue and sends what may go.
    pub(super) fn queue_data(&mut self, cx: Cx<'_>, data: &[u8]) {
        let mss = self.segment_size(cx);
        self.restart_after_idle(cx);
        let bound = if self.snd.max_window > DEFAULT_MSS { self.snd.max_window >> 1 } else { GSO_MAX };
        let goal = (GSO_MAX.min(bound) / mss).max(1) * mss;
        self.snd.append(data, goal);
        self.push_pending(cx, Push::Normal);
    }

    /// Queues the FIN and sends what may go (`tcp_send_fin`).
    pub(super) fn queue_fin(&mut self, cx: Cx<'_>) {
        self.snd.append_fin();
        self.push_pending(cx, Push::All);
    }

    /// Drops everything that waits to be sent or acknowledged.
    pub(super) fn purge_sending(&mut self) {
        self.snd.flight = VecDeque::new();
        self.snd.chunks = VecDeque::new();
        self.snd.buffer = VecDeque::new();
        self.rec.forget_flight();
    }

    pub(super) fn restart_after_idle(&mut self, cx: Cx<'_>) {
        if cx.kernel.tcp_slow_start_after_idle && self.snd.flight.is_empty() {
            let idle = cx.now.since(self.snd.last_sent);
            if idle > self.rtt.rto {
                self.cc.restart(cx.now, idle, self.rtt.rto, cx.kernel.initial_cwnd);
            }
        }
    }

    /// Sends what windows allow; probes the window where nothing is in flight and nothing may go.
    pub(super) fn push_pending(&mut self, cx: Cx<'_>, push: Push) {
        if !self.snd.has_unsent() || self.state == State::Closed {
            return;
        }
        if self.write_pending(cx, push) && self.timers.transmit.is_none() {
            let base = self.probe_base();
            self.timers.transmit = Some((cx.kernel.expiry(cx.now, base), Timer::WindowProbe));
        }
    }

    /// `tcp_write_xmit`: true if nothing is in flight although something waits.
    pub(super) fn write_pending(&mut self, cx: Cx<'_>, push: Push) -> bool {
        let mss = self.segment_size(cx);
        let (mut sent, mut deferred) = (0_u64, false);
        while let Some(chunk) = self.snd.chunks.front().copied() {
            let mut quota = self.cc.cwnd.saturating_sub(self.in_flight());
            if quota == 0 {
                if push != Push::Probe {
                    break;
                }
                quota = 1;
            }
            let Some(mut size) = self.sendable(chunk, mss, quota, push) else { break };
            if push != Push::Probe && chunk.end.min(self.snd.data_end()) > self.snd.nxt.plus(mss) {
                let most = self.super_segment(mss);
                if self.should_defer(cx, chunk, mss, quota, most) {
                    deferred = quota * mss < self.snd.window_end().since(self.snd.nxt);
                    break;
                }
                size = size.min(most);
            }
            sent += self.send_new(cx, chunk, size, mss);
            if push == Push::Probe {
                break;
            }
        }
        let limited = deferred || self.in_flight() >= self.cc.cwnd;
        if sent > 0 || limited {
            self.note_usage(cx, limited);
        }
        if sent > 0 {
            self.rec.count_sent_in_reduction(sent);
            if push != Push::Probe {
                self.schedule_loss_probe(cx, false);
            }
            return false;
        }
        self.snd.flight.is_empty() && self.snd.has_unsent()
    }

    /// How many bytes of the first chunk may go now; `None` if none (a lone FIN is zero bytes).
    fn sendable(&self, chunk: Chunk, mss: u64, quota: u64, push: Push) -> Option<u64> {
        let start = self.snd.nxt;
        let data = chunk.end.min(self.snd.data_end()).since(start);
        let first_end = if data > mss { start.plus(mss) } else { chunk.end };
        if first_end > self.snd.window_end() {
            return None;
        }
        let last = self.snd.chunks.len() == 1;
        let nagle = push == Push::Normal && !self.modes.nodelay;
        let hold =
            nagle && !self.snd.flight.is_empty() && self.snd.small > self.snd.una && self.snd.small <= self.snd.nxt;
        if data <= mss {
            let fin = chunk.end > self.snd.data_end();
            return (!(hold && last && !fin && data < mss)).then_some(data);
        }
        // tcp_mss_split_point(): whole segments, and the small rest only if Nagle's algorithm lets it.
        let most = mss * quota;
        let window = self.snd.window_end().since(start);
        if most <= window && !last {
            return Some(most.min(data));
        }
        let needed = data.min(window);
        if most <= needed {
            return Some(most);
        }
        let rest = needed % mss;
        Some(if rest != 0 && hold { needed - rest } else { needed })
    }

    /// Sends the first `size` bytes of the first chunk as segments; returns how many.
    fn send_new(&mut self, cx: Cx<'_>, chunk: Chunk, size: u64, mss: u64) -> u64 {
        let start = self.snd.nxt;
        let mut end = start.plus(size);
        let whole = end >= chunk.end.min(self.snd.data_end());
        if whole {
            end = chunk.end;
            self.snd.chunks.pop_front();
        }
        if size > 0 {
            self.note_data_sent(cx);
        }
        let was_idle = self.snd.flight.is_empty();
        let mut at = start;
        let mut count = 0;
        while at < end {
            let data_left = start.plus(size).since(at);
            let stop = if data_left > mss { at.plus(mss) } else { end };
            let mut tags = Tags::default();
            if stop == end && whole {
                if chunk.push {
                    tags = tags.with(Tags::PSH);
                }
                if chunk.end > self.snd.data_end() {
                    tags = tags.with(Tags::FIN);
                }
            }
            let delivered = self.rec.delivered;
            self.snd.flight.push_back(Sent { start: at, end: stop, at: cx.now, delivered, tags });
            self.emit(cx, at, stop, tags);
            at = stop;
            count += 1;
        }
        if size < count * mss {
            self.snd.small = end;
        }
        self.snd.nxt = end;
        if was_idle || self.timers.is_pending(Timer::LossProbe) {
            self.rearm_rto(cx);
        }
        count
    }

    /// Data leaves, for the first time or again: a reply soon after data came means a conversation
    /// (`tcp_event_data_sent`).
    pub(super) fn note_data_sent(&mut self, cx: Cx<'_>) {
        if self.in_flight() == 0 {
            self.cc.on_start(cx.now, self.snd.last_sent);
        }
        self.snd.last_sent = cx.now;
        self.ack.on_data_sent(cx.kernel.last_tick(cx.now));
    }

    fn note_usage(&mut self, cx: Cx<'_>, limited: bool) {
        let usage = Usage {
            now: cx.now,
            una: self.snd.una,
            nxt: self.snd.nxt,
            in_flight: self.snd.flight.len() as u64,
            limited,
            shrink: cx.kernel.tcp_slow_start_after_idle,
            open: self.rec.state == CaState::Open && !self.modes.orphan,
            rto: self.rtt.rto,
            initial: cx.kernel.initial_cwnd,
        };
        self.cc.validate(&usage);
    }

    /// Whether the next unsent segment fits into the peer's window.
    pub(super) fn window_opened(&self, cx: Cx<'_>) -> bool {
        self.snd.first_unsent_end(self.segment_size(cx)).is_some_and(|end| end <= self.snd.window_end())
    }

    /// The first wait of a window probe (`tcp_probe0_base`).
    pub(super) fn probe_base(&self) -> Micros {
        self.rtt.rto.max(Micros::from_millis(200))
    }
}
