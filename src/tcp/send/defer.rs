//! Waiting for a larger super-segment: with more to send than the window takes, Linux holds back what is less than
//! it likes to hand to segmentation offload, if the next ACK is about to come anyway.

use crate::tcp::recovery::CaState;
use crate::tcp::send::{Chunk, GSO_MAX};
use crate::tcp::{Cx, Socket};
use crate::time::Micros;

/// Linux waits only this soon after the last segment, and only if the ACK is this near.
const SOON: Micros = Micros::from_millis(1);
/// Fewest segments of a super-segment (`tcp_min_tso_segs`).
const LEAST: u64 = 2;
/// This part of the window goes at once (`tcp_tso_win_divisor`).
const DIVISOR: u64 = 3;

impl Socket {
    /// Whether the first chunk, of more than one segment, waits (`tcp_tso_should_defer`). `size` is the largest
    /// super-segment in bytes, `quota` how many segments the congestion window takes.
    pub(super) fn should_defer(&self, cx: Cx<'_>, chunk: Chunk, mss: u64, quota: u64, size: u64) -> bool {
        let congestion = quota * mss;
        let offered = self.snd.window_end().since(self.snd.nxt);
        let limit = congestion.min(offered);
        if limit >= size || self.rec.state >= CaState::Recovery {
            return false;
        }
        let (Some(head), Some(newest)) = (self.snd.flight.front(), self.snd.flight.back()) else { return false };
        let rtt = self.rtt.smoothed();
        let near = (head.at + rtt).since(cx.now) <= SOON.min(Micros::new(rtt.get() / 2));
        if !near || cx.now.since(newest.at) > SOON {
            return false;
        }
        let length = chunk.end.min(self.snd.data_end()).since(self.snd.nxt);
        let last = self.snd.chunks.len() == 1;
        let much = limit >= self.snd.window.min(self.cc.cwnd * mss) / DIVISOR;
        let fin = chunk.end > self.snd.data_end();
        !much && (last || limit < length) && (limit <= length || !fin)
    }

    /// The largest super-segment in bytes: what the pacing rate sends in a millisecond (`tcp_tso_autosize`).
    pub(super) fn super_segment(&self, mss: u64) -> u64 {
        let Some(least) = self.rtt.minimum() else { return GSO_MAX / mss * mss };
        let rtt = self.rtt.smoothed().get().max(1);
        let percent = if self.cc.cwnd < self.cc.threshold / 2 { 200 } else { 120 };
        let rate = mss * self.cc.cwnd.max(self.snd.flight.len() as u64) * percent * 10_000 / rtt;
        let near = least.get() >> 9;
        let more = if near < 32 { 65_536 >> near } else { 0 };
        (((rate >> 10) + more).min(GSO_MAX) / mss).max(LEAST) * mss
    }
}
