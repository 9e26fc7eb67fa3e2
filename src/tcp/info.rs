//! What a socket tells about itself, as `getsockopt(TCP_INFO)` of Linux does (`tcp_get_info`).

use crate::tcp::recovery::CaState;
use crate::tcp::seq::Offset;
use crate::tcp::{Cx, Errno, Socket, State};
use crate::time::Micros;

/// A snapshot of a socket. Counts are segments where nothing else is said; the comment has Linux's name.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "facts that come in any combination")]
pub struct Info {
    /// `tcpi_ca_state`: 0 open, 1 disorder, 2 window reduced, 3 recovery, 4 loss.
    pub congestion_state: u8,
    /// `tcpi_retransmits`: timeouts in a row without progress.
    pub timeouts: u64,
    /// `tcpi_probes`: probes of a closed window or an idle peer that nobody answered.
    pub probes: u64,
    /// `tcpi_backoff`: how often the timeout was doubled.
    pub backoff: u32,
    /// Timestamps were agreed on (`TCPI_OPT_TIMESTAMPS`).
    pub timestamps: bool,
    /// Selective acknowledgement was agreed on (`TCPI_OPT_SACK`).
    pub sack: bool,
    /// The window scales of the peer and ours, where agreed on (`tcpi_snd_wscale`, `tcpi_rcv_wscale`).
    pub scales: Option<(u8, u8)>,
    /// `tcpi_rto`.
    pub timeout: Micros,
    /// `tcpi_snd_mss` in bytes.
    pub segment_size: u64,
    /// `tcpi_rcv_mss` in bytes: the peer's segments, as far as seen.
    pub peer_segment_size: u64,
    /// `tcpi_advmss` in bytes.
    pub announced_size: u64,
    /// `tcpi_unacked`.
    pub unacknowledged: u64,
    /// `tcpi_sacked`; duplicate ACKs where there is no SACK.
    pub sacked: u32,
    /// `tcpi_lost`.
    pub lost: u32,
    /// `tcpi_retrans`: sent again and not yet acknowledged.
    pub resent: u32,
    /// `tcpi_total_retrans`.
    pub total_resent: u32,
    /// `tcpi_last_data_sent`.
    pub since_sent: Micros,
    /// `tcpi_last_data_recv`.
    pub since_data: Micros,
    /// `tcpi_rtt`; zero before the first sample.
    pub round_trip: Micros,
    /// `tcpi_rttvar`.
    pub deviation: Micros,
    /// `tcpi_min_rtt`, if there is a sample.
    pub shortest_round_trip: Option<Micros>,
    /// `tcpi_snd_ssthresh`.
    pub threshold: u64,
    /// `tcpi_snd_cwnd`.
    pub window: u64,
    /// `tcpi_reordering`.
    pub reordering: u32,
    /// `tcpi_delivered`, the SYN included.
    pub delivered: u32,
    /// `tcpi_bytes_acked`, our FIN included; an active opener's kernel counts its SYN, too.
    pub bytes_acknowledged: u64,
    /// `tcpi_bytes_received`, the peer's FIN included.
    pub bytes_received: u64,
    /// `tcpi_notsent_bytes`.
    pub bytes_unsent: u64,
    /// `tcpi_snd_wnd`: what the peer offers, in bytes.
    pub peer_window: u64,
    /// `tcpi_rcv_wnd`: what we offered last, in bytes.
    pub own_window: u64,
    /// The error that the next call will report.
    pub error: Option<Errno>,
    /// Reading has ended, or is not wanted any more (`RCV_SHUTDOWN`).
    pub read_closed: bool,
    /// Writing has ended (`SEND_SHUTDOWN`).
    pub write_closed: bool,
}

impl Socket {
    /// What there is to know about the socket now.
    pub fn info(&self, cx: Cx<'_>) -> Info {
        let agreed = self.state != State::SynSent;
        let options = if self.agreed.timestamps { 12 } else { 0 };
        Info {
            congestion_state: match self.rec.state {
                CaState::Open => 0,
                CaState::Disorder => 1,
                CaState::Reduced => 2,
                CaState::Recovery => 3,
                CaState::Loss => 4,
            },
            timeouts: self.rec.timeouts,
            probes: self.probe.sent,
            backoff: self.rtt.backoff,
            timestamps: agreed && self.agreed.timestamps,
            sack: agreed && self.agreed.sack,
            scales: (agreed && self.agreed.scaling).then_some((self.snd.scale, self.rcv.scale)),
            timeout: self.rtt.rto,
            segment_size: self.segment_size(cx),
            peer_segment_size: self.ack.segment_estimate,
            announced_size: cx.kernel.mss.saturating_sub(options),
            unacknowledged: self.snd.flight.len() as u64,
            sacked: self.rec.sacked(),
            lost: self.rec.lost(),
            resent: self.rec.resent(),
            total_resent: self.rec.total_retransmissions,
            since_sent: cx.now.since(self.snd.last_sent),
            since_data: self.ack.idle(cx.now),
            round_trip: self.rtt.smoothed(),
            deviation: self.rtt.deviation(),
            shortest_round_trip: self.rtt.minimum(),
            threshold: self.cc.threshold,
            window: self.cc.cwnd,
            reordering: self.rec.reordering,
            delivered: self.rec.delivered,
            bytes_acknowledged: self.snd.una.since(Offset::FIRST),
            bytes_received: self.rcv.nxt.since(Offset::FIRST),
            bytes_unsent: self.snd.end.since(self.snd.nxt),
            peer_window: self.snd.window,
            own_window: self.rcv.window,
            error: self.error,
            read_closed: self.modes.read_closed,
            write_closed: self.modes.write_closed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::sysctl::Kernel;
    use crate::tcp::{Identity, Seq};
    use crate::time::SimTime;

    #[test]
    fn a_socket_that_waits_for_an_answer_has_agreed_on_nothing() {
        let kernel = Kernel::default();
        let cx = Cx { now: SimTime::from_micros(5), kernel: &kernel };
        let id = Identity { local_port: 1, remote_port: 2, iss: Seq(7), ts_offset: 0 };
        let info = Socket::connect(cx, id).info(cx);
        assert_eq!((info.unacknowledged, info.bytes_acknowledged, info.bytes_received), (1, 0, 0));
        assert_eq!((info.timestamps, info.sack, info.scales), (false, false, None));
        assert_eq!((info.timeout, info.shortest_round_trip, info.error), (Micros::from_secs(1), None, None));
    }
}
