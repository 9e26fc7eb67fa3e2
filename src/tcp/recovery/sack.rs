//! The scoreboard: SACK and D-SACK blocks (RFC 2018, RFC 2883), reordering and reneging.

use crate::net::segment::Segment;
use crate::tcp::recovery::acked::Ack;
use crate::tcp::send::Tags;
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Socket, Timer};
use crate::time::Micros;

/// Largest reordering that is believed (`tcp_max_reordering`).
const REORDERING_MAX: u64 = 300;

impl Socket {
    /// Marks what the SACK blocks cover (`tcp_sacktag_write_queue`).
    pub(super) fn tag_sacked(&mut self, cx: Cx<'_>, segment: &Segment, ack: &mut Ack) {
        if !self.agreed.sack || segment.options.sack[0].is_none() {
            return;
        }
        let number = self.snd.space.offset(segment.ack, self.snd.una);
        let place = |seq| self.snd.space.offset(seq, self.snd.una);
        let blocks: Vec<(Offset, Offset)> =
            segment.options.sack.iter().flatten().map(|(start, end)| (place(*start), place(*end))).collect();
        let duplicate = self.note_dsack(&blocks, number, ack);
        // In the order of the stream, as Linux walks its queue: the first segment found gives the round-trip time.
        let mut ordered: Vec<_> = blocks.iter().enumerate().map(|(i, block)| (*block, duplicate && i == 0)).collect();
        ordered.sort_by_key(|((start, _), _)| *start);
        for ((start, end), duplicate) in ordered {
            let legal = start < end && end <= self.snd.nxt && end > ack.una_before;
            if legal {
                self.tag_block(cx, start, end, duplicate, ack);
            }
        }
        if let Some(lowest) = ack.reordered {
            self.note_reordering(cx, lowest);
        }
    }

    /// Whether the first block reports something received twice, and what follows from it.
    fn note_dsack(&mut self, blocks: &[(Offset, Offset)], number: Offset, ack: &mut Ack) -> bool {
        let Some(&(start, end)) = blocks.first() else { return false };
        let inside = blocks.get(1).is_some_and(|&(low, high)| low <= start && end <= high);
        let size = end.since(start);
        if !(start < number || inside) || size == 0 || size > self.snd.max_window {
            return false;
        }
        let mss = self.agreed.mss.max(1);
        let segments = if size > mss {
            u32::try_from(size.div_ceil(mss)).unwrap_or(u32::MAX)
        } else {
            ack.dsack_of_probe |= self.rec.probe == Some(end);
            1
        };
        self.rec.duplicates_reported = self.rec.duplicates_reported.saturating_add(segments);
        if self.rec.duplicates_reported > self.rec.total_retransmissions {
            // The network duplicated it, not we.
            return false;
        }
        if self.rec.reordering_seen && !ack.dsack_of_probe {
            self.rec.rack.dsack_seen = true;
        }
        ack.dsack = true;
        // What was sent again needlessly has left the network too.
        self.rec.delivered += segments;
        if self.rec.undo_from.is_some_and(|from| end > from)
            && end <= ack.una_before
            && let Some(left) = self.rec.undo_left.as_mut()
        {
            *left = left.saturating_sub(segments);
        }
        true
    }

    /// Tags the segments that lie wholly within a block.
    fn tag_block(&mut self, cx: Cx<'_>, start: Offset, end: Offset, duplicate: bool, ack: &mut Ack) {
        let first = self.snd.flight.partition_point(|sent| sent.start < start);
        let highest = self.snd.highest_sacked();
        for place in first..self.snd.flight.len() {
            if self.snd.flight[place].end > end {
                break;
            }
            if duplicate || !self.snd.flight[place].tags.any(Tags::SACKED) {
                self.tag_one(cx, place, highest, duplicate, ack);
            }
        }
    }

    /// One segment is reported (`tcp_sacktag_one`).
    fn tag_one(&mut self, cx: Cx<'_>, place: usize, highest: Offset, duplicate: bool, ack: &mut Ack) {
        let sent = self.snd.flight[place];
        let resent = sent.tags.any(Tags::RETRANS.with(Tags::EVER));
        if duplicate && resent {
            if self.rec.undo_from.is_some_and(|from| sent.end > from)
                && let Some(left) = self.rec.undo_left.as_mut()
            {
                *left = left.saturating_sub(1);
            }
            if sent.tags.any(Tags::SACKED) {
                ack.note_reordered(sent.start);
            }
        }
        if sent.end <= self.snd.una {
            return;
        }
        let mut tags = sent.tags;
        if !tags.any(Tags::SACKED) {
            self.note_arrival(cx, &sent);
            if tags.any(Tags::RETRANS) {
                if tags.any(Tags::LOST) {
                    tags = tags.without(Tags::LOST.with(Tags::RETRANS));
                    self.rec.lost -= 1;
                    self.rec.resent -= 1;
                }
            } else {
                if !resent {
                    if sent.start < highest {
                        ack.note_reordered(sent.start);
                    }
                    ack.original_acked |= sent.end <= self.rec.high;
                    let first = ack.sacked_sent.map_or(sent.at, |(first, _)| first);
                    ack.sacked_sent = Some((first, sent.at));
                }
                self.rec.lost -= u32::from(tags.any(Tags::LOST));
                tags = tags.without(Tags::LOST);
            }
            tags = tags.with(Tags::SACKED);
            ack.newly_sacked = true;
            ack.note_arrival(&sent);
            self.rec.sacked += 1;
            self.rec.delivered += 1;
        }
        if duplicate && tags.any(Tags::RETRANS) {
            tags = tags.without(Tags::RETRANS);
            self.rec.resent -= 1;
        }
        self.snd.flight[place].tags = tags;
    }

    /// Something below the highest SACK arrived late.
    pub(super) fn note_reordering(&mut self, cx: Cx<'_>, lowest: Offset) {
        let fack = self.snd.highest_sacked();
        self.note_reordering_below(cx, lowest, fack);
    }

    pub(super) fn note_reordering_below(&mut self, cx: Cx<'_>, lowest: Offset, fack: Offset) {
        if lowest >= fack {
            return;
        }
        let mss = self.segment_size(cx).max(1);
        let segments = fack.since(lowest).div_ceil(mss).min(REORDERING_MAX);
        self.rec.reordering = self.rec.reordering.max(u32::try_from(segments).unwrap_or(u32::MAX));
        self.rec.reordering_seen = true;
    }

    /// The peer acknowledged up to a segment it had sacked, not beyond: it may have dropped it. Wait half a round
    /// trip before believing that (`tcp_check_sack_reneging`).
    pub(super) fn wait_for_reneged(&mut self, cx: Cx<'_>) {
        let delay = Micros::new(self.rtt.smoothed().get() / 2).max(Micros::from_millis(10));
        self.timers.transmit = Some((cx.kernel.expiry(cx.now, delay), Timer::Retransmit));
    }
}
