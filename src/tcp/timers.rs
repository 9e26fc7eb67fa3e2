//! Which timers a socket has, and when the next one fires.
//!
//! As in Linux there are three slots: one for everything that concerns transmission (only one of these can be
//! pending), one for the delayed ACK, one for the life of the connection.

use crate::defect::{self, Defect};
use crate::tcp::{Cx, Socket};
use crate::time::SimTime;

/// Why a socket wakes up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timer {
    /// The retransmission timeout (RFC 6298), of data, FIN, SYN or SYN-ACK.
    Retransmit,
    /// Tail-loss probe (RFC 8985 §7).
    LossProbe,
    /// The reordering window of RACK is over (RFC 8985 §6.3).
    Reorder,
    /// Probe of a closed window (RFC 9293 §3.8.6.1).
    WindowProbe,
    /// An ACK was held back long enough.
    DelayedAck,
    /// Idle long enough for a keepalive probe.
    Keepalive,
    /// An orphan has waited long enough for the peer's FIN.
    FinWait2,
    /// TIME-WAIT is over.
    TimeWait,
}

impl Timer {
    /// Every timer, in the order of the variants.
    pub const ALL: [Self; 8] = [
        Self::Retransmit,
        Self::LossProbe,
        Self::Reorder,
        Self::WindowProbe,
        Self::DelayedAck,
        Self::Keepalive,
        Self::FinWait2,
        Self::TimeWait,
    ];

    /// A short name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Retransmit => "retransmission",
            Self::LossProbe => "tail-loss probe",
            Self::Reorder => "reordering",
            Self::WindowProbe => "window probe",
            Self::DelayedAck => "delayed ACK",
            Self::Keepalive => "keepalive",
            Self::FinWait2 => "FIN-WAIT-2",
            Self::TimeWait => "TIME-WAIT",
        }
    }
}

/// The pending timers of a socket.
#[derive(Debug, Default)]
pub(super) struct Timers {
    /// Retransmission, loss probe, reordering or window probe.
    pub(super) transmit: Option<(SimTime, Timer)>,
    /// The delayed ACK.
    pub(super) delayed_ack: Option<SimTime>,
    /// Keepalive, FIN-WAIT-2 or TIME-WAIT.
    pub(super) life: Option<(SimTime, Timer)>,
}

impl Timers {
    /// The next one to fire.
    pub(super) fn next(&self) -> Option<(SimTime, Timer)> {
        let mut next = self.delayed_ack.map(|at| (at, Timer::DelayedAck));
        for other in [self.transmit, self.life] {
            if let Some((at, _)) = other
                && next.is_none_or(|(earliest, _)| at < earliest)
            {
                next = other;
            }
        }
        next
    }

    /// Whether this transmission timer is pending.
    pub(super) fn is_pending(&self, timer: Timer) -> bool {
        self.transmit.is_some_and(|(_, pending)| pending == timer)
    }
}

impl Socket {
    /// The next instant at which [`Socket::handle_deadline`] must be called, and what for.
    pub fn next_deadline(&self) -> Option<(SimTime, Timer)> {
        self.timers.next()
    }

    /// Fires every timer that is due at or before `cx.now`.
    pub fn handle_deadline(&mut self, cx: Cx<'_>) {
        while let Some((at, timer)) = self.timers.next() {
            if at > cx.now {
                break;
            }
            match timer {
                Timer::DelayedAck => self.timers.delayed_ack = None,
                Timer::Retransmit | Timer::WindowProbe => self.timers.transmit = None,
                // These two ask which timer they stand in for, and rearm in any case.
                Timer::LossProbe | Timer::Reorder => {}
                Timer::Keepalive | Timer::FinWait2 | Timer::TimeWait => self.timers.life = None,
            }
            match timer {
                Timer::DelayedAck => self.on_delayed_ack(cx),
                Timer::Retransmit => self.on_retransmission_timeout(cx),
                Timer::LossProbe => self.send_loss_probe(cx),
                Timer::Reorder => self.on_reorder_timeout(cx),
                Timer::WindowProbe => self.on_window_probe(cx),
                Timer::Keepalive => self.on_keepalive(cx),
                Timer::FinWait2 if defect::is(Defect::TimerIgnored) => {}
                Timer::FinWait2 => self.on_fin_wait_2_timeout(cx),
                Timer::TimeWait => self.finish(),
            }
        }
    }
}
