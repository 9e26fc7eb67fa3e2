//! What an application asks of a socket. Nothing here blocks: what would is `EAGAIN`.

use std::fmt;

use crate::tcp::send::Push;
use crate::tcp::{Cx, Socket, State};

/// Errors of system calls, by their Linux names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Errno {
    /// Would block.
    EAGAIN,
    /// The peer sent a RST.
    ECONNRESET,
    /// Writing is over.
    EPIPE,
    /// The peer refused the connection.
    ECONNREFUSED,
    /// The peer did not answer.
    ETIMEDOUT,
    /// There is no connection.
    ENOTCONN,
    /// The connection is being made.
    EINPROGRESS,
    /// The argument makes no sense.
    EINVAL,
}

impl Errno {
    /// The symbol, as in `ECONNRESET`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::EAGAIN => "EAGAIN",
            Self::ECONNRESET => "ECONNRESET",
            Self::EPIPE => "EPIPE",
            Self::ECONNREFUSED => "ECONNREFUSED",
            Self::ETIMEDOUT => "ETIMEDOUT",
            Self::ENOTCONN => "ENOTCONN",
            Self::EINPROGRESS => "EINPROGRESS",
            Self::EINVAL => "EINVAL",
        }
    }
}

impl fmt::Display for Errno {
    /// What `strerror` says.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::EAGAIN => "Resource temporarily unavailable",
            Self::ECONNRESET => "Connection reset by peer",
            Self::EPIPE => "Broken pipe",
            Self::ECONNREFUSED => "Connection refused",
            Self::ETIMEDOUT => "Connection timed out",
            Self::ENOTCONN => "Transport endpoint is not connected",
            Self::EINPROGRESS => "Operation now in progress",
            Self::EINVAL => "Invalid argument",
        })
    }
}

impl std::error::Error for Errno {}

impl Socket {
    /// `write()`: takes what fits into the send buffer and returns how much that was.
    ///
    /// # Errors
    /// `EAGAIN` when the buffer is full or the handshake is not over, the pending error of the connection once,
    /// then `EPIPE`.
    pub fn send(&mut self, cx: Cx<'_>, data: &[u8]) -> Result<usize, Errno> {
        if !self.state.can_send() {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            let opening = matches!(self.state, State::SynSent | State::SynReceived);
            return Err(if opening { Errno::EAGAIN } else { Errno::EPIPE });
        }
        if self.modes.write_closed || self.error.is_some() {
            return Err(self.error.take().unwrap_or(Errno::EPIPE));
        }
        let room = self.send_room();
        if data.is_empty() {
            return Ok(0);
        }
        if room == 0 {
            return Err(Errno::EAGAIN);
        }
        let n = data.len().min(room);
        self.queue_data(cx, &data[..n]);
        Ok(n)
    }

    /// `read()`: appends up to `max` bytes to `buf`; `Ok(0)` is end of file.
    ///
    /// # Errors
    /// `EAGAIN` when nothing is there yet; when the queue is empty, the pending error of the connection, once.
    pub fn recv(&mut self, cx: Cx<'_>, buf: &mut Vec<u8>, max: usize) -> Result<usize, Errno> {
        let n = self.rcv.take(buf, max);
        self.check_ack_after_read(cx, n);
        if n > 0 || max == 0 || self.modes.done {
            return Ok(n);
        }
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        if self.modes.read_closed {
            return Ok(0);
        }
        Err(if self.state == State::Closed { Errno::ENOTCONN } else { Errno::EAGAIN })
    }

    /// `shutdown(SHUT_WR)`: the FIN follows what is queued.
    ///
    /// # Errors
    /// `ENOTCONN` when there is no connection.
    pub fn shutdown_write(&mut self, cx: Cx<'_>) -> Result<(), Errno> {
        match self.state {
            State::Closed | State::TimeWait => return Err(Errno::ENOTCONN),
            State::SynSent => {
                self.finish();
                return Ok(());
            }
            State::Established => {
                self.modes.write_closed = true;
                self.state = State::FinWait1;
                self.queue_fin(cx);
            }
            State::CloseWait => {
                self.modes.write_closed = true;
                self.state = State::LastAck;
                self.queue_fin(cx);
            }
            State::SynReceived | State::FinWait1 | State::FinWait2 | State::Closing | State::LastAck => {
                self.modes.write_closed = true;
            }
        }
        Ok(())
    }

    /// `shutdown(SHUT_RD)`: reading ends; what arrives later is still acknowledged.
    ///
    /// # Errors
    /// `ENOTCONN` when there is no connection.
    pub fn shutdown_read(&mut self, _cx: Cx<'_>) -> Result<(), Errno> {
        match self.state {
            State::Closed | State::TimeWait => Err(Errno::ENOTCONN),
            State::SynSent => {
                self.finish();
                Ok(())
            }
            State::SynReceived
            | State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck => {
                self.modes.read_closed = true;
                Ok(())
            }
        }
    }

    /// `SO_ERROR`: the pending error, once.
    pub fn take_error(&mut self) -> Option<Errno> {
        self.error.take()
    }

    /// `TCP_NODELAY`: whether small segments leave at once although others are in flight.
    pub fn set_nodelay(&mut self, cx: Cx<'_>, on: bool) {
        self.modes.nodelay = on;
        if on && self.state.is_synchronized() && !self.modes.bucket {
            self.push_pending(cx, Push::All);
        }
    }

    /// `SO_SNDBUF`: room for this many bytes, in place of the kernel's choice.
    pub fn set_send_buffer(&mut self, bytes: u64) {
        self.snd.fixed_limit = Some(bytes.max(2_304));
        self.snd.limit = bytes.max(2_304);
    }

    /// `SO_RCVBUF`: room for this many bytes. Set right after birth, before the first poll, it also narrows the
    /// window of the SYN or SYN-ACK and chooses its scale.
    pub fn set_receive_buffer(&mut self, bytes: u64) {
        self.rcv.space_total = bytes.max(1_152);
        if let Some(syn) = self.out.front_mut().filter(|first| first.flags.syn) {
            self.rcv.narrow(self.agreed.scaling);
            syn.window = u16::try_from(self.rcv.window).unwrap_or(u16::MAX);
            syn.options.window_scale = self.agreed.scaling.then_some(self.rcv.scale);
        }
    }
}
