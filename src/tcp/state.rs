//! The states of RFC 9293 §3.3.2, without LISTEN (a [`super::Listener`] is no socket).

use std::fmt;

/// The state of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Our SYN is out.
    SynSent,
    /// A SYN came, our SYN-ACK is out.
    SynReceived,
    /// Both directions are open.
    Established,
    /// Our FIN is queued or out, the peer's has not come.
    FinWait1,
    /// Our FIN is acknowledged, the peer's has not come.
    FinWait2,
    /// The peer's FIN came, ours is not queued.
    CloseWait,
    /// Both FINs crossed, ours is not acknowledged.
    Closing,
    /// The peer's FIN came first, ours is not acknowledged.
    LastAck,
    /// Both FINs are acknowledged; waiting for old segments to die.
    TimeWait,
    /// No connection.
    Closed,
}

impl State {
    /// Every state a kernel holds a connection in, in the order of [`State::index`].
    pub const HELD: [Self; 9] = [
        Self::SynSent,
        Self::SynReceived,
        Self::Established,
        Self::FinWait1,
        Self::FinWait2,
        Self::CloseWait,
        Self::Closing,
        Self::LastAck,
        Self::TimeWait,
    ];

    /// 0 to 8 in the order of a connection's life, `None` for [`State::Closed`].
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::SynSent => Some(0),
            Self::SynReceived => Some(1),
            Self::Established => Some(2),
            Self::FinWait1 => Some(3),
            Self::FinWait2 => Some(4),
            Self::CloseWait => Some(5),
            Self::Closing => Some(6),
            Self::LastAck => Some(7),
            Self::TimeWait => Some(8),
            Self::Closed => None,
        }
    }

    /// Whether data may still be queued for sending.
    pub(super) const fn can_send(self) -> bool {
        matches!(self, Self::Established | Self::CloseWait)
    }

    /// Whether the handshake is over and a connection is there.
    pub(super) const fn is_synchronized(self) -> bool {
        !matches!(self, Self::SynSent | Self::SynReceived | Self::Closed)
    }
}

impl State {
    /// The RFC's name, as in `FIN-WAIT-2`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SynSent => "SYN-SENT",
            Self::SynReceived => "SYN-RECEIVED",
            Self::Established => "ESTABLISHED",
            Self::FinWait1 => "FIN-WAIT-1",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::CloseWait => "CLOSE-WAIT",
            Self::Closing => "CLOSING",
            Self::LastAck => "LAST-ACK",
            Self::TimeWait => "TIME-WAIT",
            Self::Closed => "CLOSED",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_index_follows_the_list() {
        for (i, state) in State::HELD.into_iter().enumerate() {
            assert_eq!(state.index(), Some(i));
        }
        assert_eq!(State::Closed.index(), None);
    }
}
