//! The receive queue, reassembly, SACK blocks and the window that we advertise.

use std::collections::VecDeque;

use crate::defect::{self, Defect};
use crate::net::segment::{SackBlock, Seq};
use crate::tcp::seq::{Offset, Space};
use crate::tcp::sysctl::Kernel;
use crate::tcp::{Socket, State};
use crate::time::{Micros, SimTime};

/// A clock that stood still this long says nothing any more (RFC 7323 §5.5, `TCP_PAWS_24DAYS`).
const PAWS_LIFE: Micros = Micros::from_secs(24 * 86_400);
/// SACK blocks that are remembered.
const SACKS: usize = 4;

/// The largest buffer that an application may ask for (`net.core.rmem_max` of Linux 6.18); it counts for the scale.
const RMEM_MAX: u64 = 4_194_304;

/// The smallest scale with which a window of `space` bytes can be written.
fn scale_for(space: u64) -> u8 {
    let mut scale = 0;
    while scale < 14 && space >> scale > u64::from(u16::MAX) {
        scale += 1;
    }
    scale
}

/// The first window of a buffer, in whole segments. A SYN, whose window is not scaled, shows at most 65535 of it.
fn first_window(space: u64, mss: u64) -> u64 {
    if space > mss { space / mss * mss } else { space }
}

/// Bytes that came before their turn.
#[derive(Debug)]
struct Held {
    start: Offset,
    bytes: Vec<u8>,
    fin: bool,
}

impl Held {
    fn end(&self) -> Offset {
        self.start.plus(self.bytes.len() as u64 + u64::from(self.fin))
    }
}

/// The receiving half of a socket.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) space: Space,
    /// Next expected.
    pub(super) nxt: Offset,
    /// `nxt` when the window was last advertised.
    pub(super) acked: Offset,
    /// The window as last advertised, counted from `acked`.
    pub(super) window: u64,
    pub(super) scale: u8,
    /// Whether the peer's FIN is in (`nxt` is beyond it).
    pub(super) fin: bool,
    queue: VecDeque<u8>,
    /// Next byte the application reads.
    pub(super) copied: Offset,
    early: Vec<Held>,
    /// Blocks of `early`, the most recently changed first.
    sacks: Vec<(Offset, Offset)>,
    /// What to report as received twice in the next segment (RFC 2883).
    duplicate: Option<(Offset, Offset)>,
    pub(super) ts_recent: u32,
    ts_recent_at: Option<SimTime>,
    /// Size of the receive buffer, as the window sees it.
    pub(super) space_total: u64,
    /// The size of a segment we announced.
    reserve: u64,
}

/// What became of a segment's text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// It was next: what was behind it may have followed.
    InOrder {
        /// Bytes of this segment that were new.
        len: u64,
        /// The last gap was closed.
        filled: bool,
    },
    /// It waits behind a gap.
    Early,
    /// All of it was here before.
    Duplicate,
    /// It is beyond the window.
    Outside,
}

impl Receiver {
    pub(super) fn new(kernel: &Kernel) -> Self {
        // Half of the memory is for payload (`tcp_win_from_space`), in whole segments at first.
        let space_total = kernel.tcp_rmem[1] / 2;
        let window = first_window(space_total, kernel.mss);
        Self {
            space: Space(Seq(0)),
            nxt: Offset::SYN,
            acked: Offset::SYN,
            window,
            scale: 0,
            fin: false,
            queue: VecDeque::new(),
            copied: Offset::FIRST,
            early: Vec::new(),
            sacks: Vec::new(),
            duplicate: None,
            ts_recent: 0,
            ts_recent_at: None,
            space_total,
            reserve: kernel.mss,
        }
    }

    /// The window scale to offer: enough for the largest receive buffer (`tcp_select_initial_window`).
    pub(super) fn offered_scale(kernel: &Kernel) -> u8 {
        scale_for(kernel.tcp_rmem[2].max(RMEM_MAX))
    }

    /// The application set the size of the buffer before the first segment left: the first window and the scale
    /// follow, and the buffer will never grow.
    pub(super) fn narrow(&mut self, scaling: bool) {
        self.scale = if scaling { scale_for(self.space_total) } else { 0 };
        self.window = first_window(self.space_total, self.reserve);
    }

    /// The peer's SYN came: its number is the start of this space.
    pub(super) fn begin(&mut self, irs: Seq) {
        self.space = Space(irs);
        self.nxt = Offset::FIRST;
        self.acked = Offset::FIRST;
    }

    /// Bytes in the queue.
    pub(super) fn unread(&self) -> u64 {
        self.queue.len() as u64
    }

    /// Bytes of the stream received without a gap.
    pub(super) fn contiguous(&self) -> u64 {
        self.nxt.bytes() - u64::from(self.fin)
    }

    pub(super) fn holds(&self, offset: u64) -> bool {
        let place = Offset::FIRST.plus(offset);
        offset < self.contiguous()
            || self.early.iter().any(|held| place >= held.start && place.since(held.start) < held.bytes.len() as u64)
    }

    pub(super) fn has_gap(&self) -> bool {
        !self.early.is_empty()
    }

    /// What is left of the advertised window.
    pub(super) fn window_left(&self) -> u64 {
        self.acked.plus(self.window).since(self.nxt)
    }

    pub(super) fn drop_out_of_order(&mut self) {
        self.early = Vec::new();
        self.sacks = Vec::new();
        self.duplicate = None;
    }

    pub(super) fn drop_unread(&mut self) {
        self.queue = VecDeque::new();
    }

    /// Moves up to `max` bytes to the application.
    pub(super) fn take(&mut self, buf: &mut Vec<u8>, max: usize) -> usize {
        let n = self.queue.len().min(max);
        let (front, back) = self.queue.as_slices();
        let split = n.min(front.len());
        buf.extend_from_slice(&front[..split]);
        buf.extend_from_slice(&back[..n - split]);
        self.queue.drain(..n);
        self.copied = self.copied.plus(n as u64);
        n
    }

    /// Gives back the memory of a queue that is empty.
    pub(super) fn rest(&mut self) {
        if self.queue.is_empty() {
            self.queue = VecDeque::new();
        }
    }

    /// Takes a segment's text in (`tcp_data_queue`).
    pub(super) fn accept(&mut self, start: Offset, bytes: &[u8], fin: bool, dsack: bool) -> Taken {
        let end = start.plus(bytes.len() as u64 + u64::from(fin));
        let window = self.window_left();
        if start <= self.nxt && end > self.nxt {
            if dsack && start < self.nxt {
                self.duplicate = Some((start, self.nxt));
            }
            let lone_fin = fin && bytes.is_empty();
            if window == 0 && !lone_fin {
                return Taken::Outside;
            }
            let known = usize::try_from(self.nxt.since(start)).unwrap_or(usize::MAX);
            let fresh = bytes.get(known..).unwrap_or(&[]);
            self.queue.extend(fresh);
            self.nxt = end;
            self.fin |= fin;
            let len = fresh.len() as u64;
            return Taken::InOrder { len, filled: self.pull_early(dsack) };
        }
        if end <= self.nxt {
            if dsack {
                self.duplicate = Some((start, end));
            }
            return Taken::Duplicate;
        }
        if start >= self.nxt.plus(window) {
            return Taken::Outside;
        }
        self.keep_early(start, bytes, fin, dsack);
        Taken::Early
    }

    /// Remembers what to report as a duplicate.
    pub(super) fn note_duplicate(&mut self, start: Offset, end: Offset) {
        self.duplicate = Some((start, end.min(self.nxt)));
    }

    /// Moves what has become next to the queue; true if that closed the last gap. What was here before the segment that
    /// closed it, and in that segment too, is reported as received twice (`tcp_ofo_queue`).
    fn pull_early(&mut self, dsack: bool) -> bool {
        if self.early.is_empty() {
            return false;
        }
        if self.fin {
            // Nothing is behind a FIN.
            self.early.clear();
        }
        let twice = self.nxt;
        while self.early.first().is_some_and(|held| held.start <= self.nxt) {
            let mut held = self.early.remove(0);
            if defect::is(Defect::ReassemblyGarbled) {
                held.bytes.iter_mut().take(1).for_each(|byte| *byte ^= 1);
            }
            if dsack && held.start < twice {
                self.extend_duplicate(held.start, held.end().min(twice));
            }
            if held.end() > self.nxt {
                let known = usize::try_from(self.nxt.since(held.start)).unwrap_or(usize::MAX);
                self.queue.extend(held.bytes.get(known..).unwrap_or(&[]));
                self.nxt = held.end();
                self.fin |= held.fin;
            }
        }
        let nxt = self.nxt;
        self.sacks.retain(|(_, end)| *end > nxt);
        if self.early.is_empty() || self.fin {
            self.drop_early();
            return true;
        }
        false
    }

    /// Widens what is reported as a duplicate, if it touches this (`tcp_dsack_extend`).
    fn extend_duplicate(&mut self, start: Offset, end: Offset) {
        match &mut self.duplicate {
            None => self.duplicate = Some((start, end)),
            Some((low, high)) if start <= *high && *low <= end => {
                *low = start.min(*low);
                *high = end.max(*high);
            }
            Some(_) => {}
        }
    }

    fn drop_early(&mut self) {
        self.early = Vec::new();
        self.sacks = Vec::new();
    }

    /// Keeps bytes that came early, without those that are here already, and notes the block for SACK.
    fn keep_early(&mut self, start: Offset, bytes: &[u8], fin: bool, dsack: bool) {
        let end = start.plus(bytes.len() as u64 + u64::from(fin));
        let slice = |from: Offset, to: Offset| {
            let place = |offset: Offset| usize::try_from(offset.since(start)).unwrap_or(usize::MAX).min(bytes.len());
            bytes.get(place(from)..place(to)).unwrap_or(&[]).to_vec()
        };
        let mut twice: Option<(Offset, Offset)> = None;
        let mut at = start;
        let mut place = self.early.partition_point(|held| held.end() <= start);
        while at < end {
            match self.early.get(place) {
                Some(held) if held.start <= at => {
                    let until = held.end().min(end);
                    match &mut twice {
                        Some((_, high)) if *high == at => *high = until,
                        Some(_) => {}
                        None => twice = Some((at, until)),
                    }
                    at = held.end();
                }
                next => {
                    let until = next.map_or(end, |held| held.start.min(end));
                    let piece = Held { start: at, bytes: slice(at, until), fin: fin && until == end };
                    self.early.insert(place, piece);
                    at = until;
                }
            }
            place += 1;
        }
        if dsack {
            self.duplicate = twice.or(self.duplicate);
        }
        self.note_block(start, end);
    }

    /// The block round `start..end` becomes the most recent one.
    fn note_block(&mut self, start: Offset, end: Offset) {
        let (mut low, mut high) = (start, end);
        for held in self.early.iter().rev().filter(|held| held.start <= start) {
            if held.end() >= low {
                low = low.min(held.start);
                high = high.max(held.end());
            }
        }
        for held in self.early.iter().filter(|held| held.start >= start) {
            if held.start <= high {
                high = high.max(held.end());
            }
        }
        self.sacks.retain(|(a, b)| *b < low || *a > high);
        self.sacks.insert(0, (low, high));
        self.sacks.truncate(SACKS);
    }

    /// How many SACK blocks the next segment carries.
    pub(super) fn sack_count(&self) -> usize {
        self.sacks.len() + usize::from(self.duplicate.is_some())
    }

    /// The right edge of the rightmost SACK block.
    pub(super) fn rightmost_sack(&self) -> Option<Offset> {
        self.sacks.iter().map(|(_, end)| *end).max()
    }

    /// Writes the SACK option: the duplicate first, which is then reported.
    pub(super) fn write_sacks(&mut self, option: &mut [Option<SackBlock>; 4], room: usize) {
        if self.sacks.is_empty() && self.duplicate.is_none() {
            return;
        }
        let blocks = self.duplicate.take().into_iter().chain(self.sacks.iter().copied());
        for (slot, (start, end)) in option.iter_mut().zip(blocks).take(room) {
            *slot = Some((self.space.seq(start), self.space.seq(end)));
        }
    }

    /// Whether a timestamp is too old (RFC 7323 §5.3), with `slack` of ticks of the peer's clock.
    pub(super) fn is_stale(&self, now: SimTime, value: u32, slack: i32) -> bool {
        let Some(since) = self.ts_recent_at else { return false };
        Seq(self.ts_recent).distance_from(Seq(value)) > slack && now.since(since) < PAWS_LIFE && self.ts_recent != 0
    }

    /// Notes the timestamp of an acceptable segment that begins at or before what we acknowledged.
    pub(super) fn note_timestamp(&mut self, now: SimTime, value: u32, seq: Offset) {
        if seq <= self.acked && !self.is_stale(now, value, 0) {
            self.store_timestamp(now, value);
        }
    }

    pub(super) fn store_timestamp(&mut self, now: SimTime, value: u32) {
        self.ts_recent = value;
        self.ts_recent_at = Some(now);
    }

    /// Whether the buffer has no room even for what the window allows: windows are rounded up to the scale, and
    /// the kernel keeps twice the window's memory (`tcp_try_rmem_schedule`).
    pub(super) fn is_exhausted(&self, len: usize) -> bool {
        !self.queue.is_empty() && self.memory_used() + len as u64 > 2 * self.space_total
    }

    fn memory_used(&self) -> u64 {
        self.unread() + self.early.iter().map(|held| held.bytes.len() as u64).sum::<u64>()
    }
}

impl Socket {
    /// The window to offer (`__tcp_select_window`): nothing when the buffer is nearly full, so that small gaps
    /// are not announced.
    pub(super) fn usable_window(&self) -> u64 {
        let total = self.rcv.space_total;
        // One segment stays in reserve (tcp_init_buffer_space).
        let clamp = if total > 2 * self.rcv.reserve { total - self.rcv.reserve } else { total };
        let mss = self.ack.segment_estimate.min(clamp);
        let unit = 1_u64 << self.rcv.scale;
        let mut free = total.saturating_sub(self.rcv.memory_used());
        if free < clamp >> 1 {
            free = free / unit * unit;
            if free < total >> 4 || free < mss {
                return 0;
            }
        }
        let free = free.min(clamp);
        if self.rcv.scale > 0 {
            return free.next_multiple_of(unit);
        }
        let window = self.rcv.window;
        if mss > 0 && (window + mss <= free || window > free) {
            free / mss * mss
        } else if mss == clamp && free > window + (clamp >> 1) {
            free
        } else {
            window
        }
    }

    /// Chooses the window of the segment that leaves now; it never takes back what was offered.
    pub(super) fn select_window(&mut self) -> u64 {
        if self.modes.bucket || self.state == State::Closed {
            return self.rcv.window_left();
        }
        let left = self.rcv.window_left();
        let fresh = self.usable_window();
        if self.rcv.memory_used() > self.rcv.space_total / 2 {
            self.ack.forget_quick();
        }
        let unit = 1_u64 << self.rcv.scale;
        let window = if fresh < left { left.next_multiple_of(unit) } else { fresh };
        let most = if self.agreed.scaling { u64::from(u16::MAX) << self.rcv.scale } else { u64::from(u16::MAX) };
        self.rcv.window = window.min(most);
        self.rcv.acked = self.rcv.nxt;
        self.rcv.window
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receiver() -> Receiver {
        let mut receiver = Receiver::new(&Kernel::default());
        receiver.begin(Seq(0));
        receiver
    }

    fn at(n: u64) -> Offset {
        Offset::FIRST.plus(n)
    }

    fn blocks(receiver: &mut Receiver) -> Vec<(u32, u32)> {
        let mut option = [None; 4];
        receiver.write_sacks(&mut option, 4);
        option.into_iter().flatten().map(|(a, b)| (a.0 - 1, b.0 - 1)).collect()
    }

    #[test]
    fn what_fills_a_gap_and_covers_what_was_here_is_reported_as_a_duplicate() {
        let mut receiver = receiver();
        let stream = [7; 40];
        receiver.accept(at(20), &stream[..10], false, true);
        receiver.accept(at(50), &stream[..10], false, true);
        assert_eq!(blocks(&mut receiver), [(50, 60), (20, 30)]);
        // The segment sent again is merged with what followed it.
        receiver.accept(at(0), &stream, false, true);
        assert_eq!(blocks(&mut receiver), [(20, 30), (50, 60)], "the first is below what is acknowledged: 40");
        assert_eq!(blocks(&mut receiver), [(50, 60)], "it is reported once");
    }

    #[test]
    fn pieces_in_any_order_become_one_stream() {
        let stream: Vec<u8> = (0..100).collect();
        let mut receiver = receiver();
        for (from, to) in [(40, 60), (90, 100), (10, 30), (20, 50), (55, 95), (5, 12), (0, 6)] {
            receiver.accept(at(from), &stream[usize::try_from(from).unwrap()..to], to == 100, true);
        }
        assert!(receiver.fin);
        assert_eq!(receiver.contiguous(), 100);
        let mut read = Vec::new();
        receiver.take(&mut read, 1_000);
        assert_eq!(read, stream);
        assert!(!receiver.has_gap());
    }

    #[test]
    fn blocks_are_reported_most_recent_first_and_merge() {
        let mut receiver = receiver();
        receiver.accept(at(10), &[0; 10], false, true);
        receiver.accept(at(40), &[0; 10], false, true);
        assert_eq!(blocks(&mut receiver), [(40, 50), (10, 20)]);
        receiver.accept(at(20), &[0; 10], false, true);
        assert_eq!(blocks(&mut receiver), [(10, 30), (40, 50)]);
        receiver.accept(at(30), &[0; 10], false, true);
        assert_eq!(blocks(&mut receiver), [(10, 50)]);
    }

    #[test]
    fn a_duplicate_is_reported_once_and_first() {
        let mut receiver = receiver();
        receiver.accept(at(0), &[0; 10], false, true);
        assert_eq!(receiver.accept(at(0), &[0; 10], false, true), Taken::Duplicate);
        assert_eq!(blocks(&mut receiver), [(0, 10)]);
        assert_eq!(blocks(&mut receiver), []);
    }

    #[test]
    fn what_waits_behind_a_gap_is_held() {
        let mut receiver = receiver();
        receiver.accept(at(5), &[0; 5], false, true);
        assert!(!receiver.holds(4));
        assert!(receiver.holds(5) && receiver.holds(9));
        assert!(!receiver.holds(10));
    }
}
