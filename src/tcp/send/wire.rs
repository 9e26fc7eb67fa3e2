//! Segments as they leave: headers, options, retransmissions and window probes.

use crate::net::segment::{Flags, Segment, Seq};
use crate::tcp::send::{Sent, Tags};
use crate::tcp::seq::{Offset, clamp32};
use crate::tcp::{Cx, Socket, State};

impl Socket {
    /// Puts `start..end` on the wire.
    pub(in crate::tcp) fn emit(&mut self, cx: Cx<'_>, start: Offset, end: Offset, tags: Tags) {
        if tags.any(Tags::SYN) {
            let flags = Flags { syn: true, ack: self.state != State::SynSent, ..Flags::default() };
            let segment = self.syn_segment(cx, flags);
            self.out.push_back(segment);
            return;
        }
        let flags = Flags { ack: true, psh: tags.any(Tags::PSH), fin: tags.any(Tags::FIN), ..Flags::default() };
        let seq = self.snd.space.seq(start);
        self.snd.newest = end;
        let mut segment = self.header(cx, seq, flags);
        segment.payload = self.snd.payload(start, end);
        self.out.push_back(segment);
    }

    /// A segment without payload, acknowledging what came so far.
    pub(in crate::tcp) fn header(&mut self, cx: Cx<'_>, seq: Seq, flags: Flags) -> Segment {
        let mut segment = Segment {
            source_port: self.local_port,
            destination_port: self.remote_port,
            seq,
            ack: self.rcv.space.seq(self.rcv.nxt),
            flags,
            window: 0,
            ..Segment::default()
        };
        segment.window = self.advertise_window();
        if self.agreed.timestamps {
            segment.options.timestamps = Some((self.timestamp(cx.now), self.rcv.ts_recent));
        }
        if self.agreed.sack {
            let room = if self.agreed.timestamps { 3 } else { 4 };
            self.rcv.write_sacks(&mut segment.options.sack, room);
        }
        self.note_ack_sent(cx);
        segment
    }

    /// A SYN or SYN-ACK: window not scaled, options offered or confirmed.
    pub(in crate::tcp) fn syn_segment(&mut self, cx: Cx<'_>, flags: Flags) -> Segment {
        let mut segment = Segment {
            source_port: self.local_port,
            destination_port: self.remote_port,
            seq: self.snd.space.seq(Offset::SYN),
            flags,
            window: u16::try_from(self.rcv.window).unwrap_or(u16::MAX),
            ..Segment::default()
        };
        if flags.ack {
            segment.ack = self.rcv.space.seq(self.rcv.nxt);
        }
        segment.options.mss = u16::try_from(cx.kernel.mss).ok();
        segment.options.sack_permitted = self.agreed.sack;
        segment.options.window_scale = self.agreed.scaling.then_some(self.rcv.scale);
        segment.options.timestamps =
            self.agreed.timestamps.then(|| (self.timestamp(cx.now), if flags.ack { self.rcv.ts_recent } else { 0 }));
        segment
    }

    /// A sequence number for segments without data that the peer will accept even if it shrank its window.
    pub(in crate::tcp) fn acceptable_seq(&self) -> Seq {
        let edge = self.snd.window_end();
        let beyond = self.snd.nxt.since(edge);
        let keep = beyond == 0 || (self.agreed.scaling && beyond < 1 << self.snd.scale);
        self.snd.space.seq(if keep { self.snd.nxt } else { edge })
    }

    /// Sends a segment in flight again, at most `segment_size` of it and merged with small ones behind it
    /// (`__tcp_retransmit_skb`). False if the peer's window does not allow it.
    pub(in crate::tcp) fn send_again(&mut self, cx: Cx<'_>, place: usize) -> bool {
        let mss = self.segment_size(cx);
        let Some(sent) = self.snd.flight.get(place).copied() else { return false };
        let edge = self.snd.window_end();
        if sent.start >= edge && sent.start != self.snd.una && self.state.is_synchronized() {
            return false;
        }
        let data = sent.end.min(self.snd.data_end()).since(sent.start);
        let room = edge.since(sent.start);
        let most = if room == 0 { mss } else { mss.min(room) };
        if data > most && !sent.tags.any(Tags::SYN) {
            self.split(place, most);
        } else if cx.kernel.tcp_retrans_collapse && !sent.tags.any(Tags::SYN) {
            self.collapse(place, most, edge);
        }
        if self.snd.flight[place].start < self.snd.data_end() && !sent.tags.any(Tags::SYN) {
            self.note_data_sent(cx);
        }
        let sent = &mut self.snd.flight[place];
        sent.at = cx.now;
        sent.delivered = self.rec.delivered;
        sent.tags = sent.tags.with(Tags::EVER);
        let Sent { start, end, tags, .. } = *sent;
        self.retransmissions += 1;
        self.rec.total_retransmissions += 1;
        self.emit(cx, start, end, tags);
        true
    }

    /// Cuts a segment in flight after `size` bytes: the MSS or the window became smaller.
    fn split(&mut self, place: usize, size: u64) {
        let whole = self.snd.flight[place];
        let cut = whole.start.plus(size);
        self.snd.flight[place] = Sent { end: cut, tags: whole.tags.without(Tags::PSH.with(Tags::FIN)), ..whole };
        self.snd.flight.insert(place + 1, Sent { start: cut, ..whole });
        self.rec.count_extra(whole.tags);
    }

    /// Takes the segments behind `place` into it while they fit (`tcp_retrans_try_collapse`).
    fn collapse(&mut self, place: usize, most: u64, edge: Offset) {
        while let (Some(first), Some(next)) = (self.snd.flight.get(place), self.snd.flight.get(place + 1)) {
            let data = next.end.min(self.snd.data_end()).since(first.start);
            if data > most || next.end > edge || first.tags.with(next.tags).any(Tags::SACKED) {
                break;
            }
            let next = *next;
            let flags = Tags::PSH.with(Tags::FIN).with(Tags::EVER);
            let kept = next.tags.without(Tags::LOST.with(Tags::RETRANS));
            debug_assert!(kept.without(flags) == Tags::default(), "only flags pass over");
            self.snd.flight[place].tags = self.snd.flight[place].tags.with(kept);
            self.snd.flight[place].end = next.end;
            self.snd.flight.remove(place + 1);
            self.rec.count_fewer(next.tags, !self.agreed.sack);
        }
    }

    /// Sends the part of the next segment that the window lets through, or a byte the peer has already
    /// acknowledged, to make it answer (`tcp_write_wakeup`).
    pub(in crate::tcp) fn wake_peer(&mut self, cx: Cx<'_>) {
        let window = self.snd.window_end().since(self.snd.nxt);
        if window > 0
            && let Some(chunk) = self.snd.chunks.front().copied()
        {
            let mss = self.segment_size(cx);
            let data = chunk.end.min(self.snd.data_end()).since(self.snd.nxt);
            let size = data.min(window).min(mss);
            self.send_new(cx, chunk, size, mss);
            // Unlike other segments a probe carries PSH even in the middle of a write.
            if let (Some(sent), Some(segment)) = (self.snd.flight.back_mut(), self.out.back_mut()) {
                sent.tags = sent.tags.with(Tags::PSH);
                segment.flags.psh = true;
            }
            return;
        }
        let seq = self.snd.space.seq(self.snd.una.minus(1));
        let segment = self.header(cx, seq, Flags { ack: true, ..Flags::default() });
        self.out.push_back(segment);
    }

    /// The window field of the segments that we send.
    fn advertise_window(&mut self) -> u16 {
        let window = self.select_window();
        u16::try_from(clamp32(window >> self.rcv.scale)).unwrap_or(u16::MAX)
    }
}
