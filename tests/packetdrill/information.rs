//! The names that `%{ ... }%` can use: `TCP_INFO` of the conversation under test, and the kernel's constants.

use farewell::tcp::{Info, State};
use farewell::time::Micros;

/// States in the order of their numbers, which begin with 1.
const STATES: [&str; 11] = [
    "TCP_ESTABLISHED",
    "TCP_SYN_SENT",
    "TCP_SYN_RECV",
    "TCP_FIN_WAIT1",
    "TCP_FIN_WAIT2",
    "TCP_TIME_WAIT",
    "TCP_CLOSE",
    "TCP_CLOSE_WAIT",
    "TCP_LAST_ACK",
    "TCP_LISTEN",
    "TCP_CLOSING",
];

/// Other constants.
const NAMED: [(&str, i64); 8] = [
    ("TCP_CA_Open", 0),
    ("TCP_CA_Disorder", 1),
    ("TCP_CA_CWR", 2),
    ("TCP_CA_Recovery", 3),
    ("TCP_CA_Loss", 4),
    ("TCPI_OPT_TIMESTAMPS", 1),
    ("TCPI_OPT_SACK", 2),
    ("TCPI_OPT_WSCALE", 4),
];

/// A constant of the kernel.
pub(crate) fn constant(name: &str) -> Option<i64> {
    let state = (1_i64..).zip(STATES).find(|(_, state)| *state == name).map(|(number, _)| number);
    state.or_else(|| NAMED.iter().find(|(known, _)| *known == name).map(|(_, value)| *value))
}

/// Linux's number of a state. TIME-WAIT is a socket of its own there, the descriptor's is closed by then.
pub(crate) fn state_number(state: State) -> i64 {
    match state {
        State::Established => 1,
        State::SynSent => 2,
        State::SynReceived => 3,
        State::FinWait1 => 4,
        State::FinWait2 => 5,
        State::TimeWait | State::Closed => 7,
        State::CloseWait => 8,
        State::LastAck => 9,
        State::Closing => 11,
    }
}

/// A field of `TCP_INFO` other than the state. `opened` is true for a connection that `connect` began.
pub(crate) fn field(info: &Info, opened: bool, name: &str) -> Option<i64> {
    let options = i64::from(info.timestamps) | i64::from(info.sack) << 1 | i64::from(info.scales.is_some()) << 2;
    let milliseconds = |us: u64| us / 1_000;
    let value: u64 = match name {
        "tcpi_ca_state" => u64::from(info.congestion_state),
        "tcpi_retransmits" => info.timeouts,
        "tcpi_probes" => info.probes,
        "tcpi_backoff" => u64::from(info.backoff),
        "tcpi_options" => return Some(options),
        "tcpi_snd_wscale" => info.scales.map_or(0, |(peer, _)| u64::from(peer)),
        "tcpi_rcv_wscale" => info.scales.map_or(0, |(_, own)| u64::from(own)),
        "tcpi_rto" => info.timeout.get(),
        "tcpi_snd_mss" => info.segment_size,
        "tcpi_rcv_mss" => info.peer_segment_size,
        "tcpi_advmss" => info.announced_size,
        // Packetdrill's device, as Ethernet.
        "tcpi_pmtu" => 1_500,
        "tcpi_unacked" => info.unacknowledged,
        "tcpi_sacked" => u64::from(info.sacked),
        "tcpi_lost" => u64::from(info.lost),
        "tcpi_retrans" => u64::from(info.resent),
        "tcpi_total_retrans" => u64::from(info.total_resent),
        "tcpi_last_data_sent" => milliseconds(info.since_sent.get()),
        "tcpi_last_data_recv" => milliseconds(info.since_data.get()),
        "tcpi_rtt" => info.round_trip.get(),
        "tcpi_rttvar" => info.deviation.get(),
        "tcpi_min_rtt" => info.shortest_round_trip.map_or(u64::from(u32::MAX), Micros::get),
        "tcpi_snd_ssthresh" => info.threshold,
        "tcpi_snd_cwnd" => info.window,
        "tcpi_reordering" => u64::from(info.reordering),
        "tcpi_delivered" => u64::from(info.delivered),
        // Linux counts the SYN of whoever opened the connection.
        "tcpi_bytes_acked" => info.bytes_acknowledged + u64::from(opened && info.round_trip.get() > 0),
        "tcpi_bytes_received" => info.bytes_received,
        "tcpi_notsent_bytes" => info.bytes_unsent,
        "tcpi_snd_wnd" => info.peer_window,
        "tcpi_rcv_wnd" => info.own_window,
        _ => return None,
    };
    i64::try_from(value).ok()
}
