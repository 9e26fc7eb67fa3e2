//! The accounting of a listening socket: half-open requests and connections that wait for `accept()`
//! (`tcp_conn_request`, `inet_csk_complete_hashdance`). The sockets themselves are the caller's.

use crate::tcp::sysctl::Kernel;

/// What a listener says to a segment that asks something of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Go on.
    Granted,
    /// Drop the segment; the peer will try again.
    Ignored,
    /// Answer with a RST (`tcp_abort_on_overflow`).
    Refused,
}

/// The queues of a listening socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listener {
    backlog: u64,
    requests: u64,
    ready: u64,
}

impl Listener {
    /// `listen(backlog)`, cut to `somaxconn`.
    pub fn new(kernel: &Kernel, backlog: u64) -> Self {
        Self { backlog: backlog.min(kernel.somaxconn), requests: 0, ready: 0 }
    }

    /// `listen()` again: only the backlog changes.
    pub fn set_backlog(&mut self, kernel: &Kernel, backlog: u64) {
        self.backlog = backlog.min(kernel.somaxconn);
    }

    /// A SYN came: if granted, a request is counted and [`super::Socket::accept`] may follow.
    pub fn on_syn(&mut self, kernel: &Kernel) -> Admission {
        // inet_csk_reqsk_queue_is_full(): one more than the backlog, as in the accept queue.
        let crowded = self.requests > self.backlog;
        let scarce = kernel.tcp_max_syn_backlog.saturating_sub(self.requests) < kernel.tcp_max_syn_backlog >> 2;
        if self.is_full() || (!kernel.tcp_syncookies && (crowded || scarce)) {
            return Admission::Ignored;
        }
        self.requests += 1;
        Admission::Granted
    }

    /// A request completes its handshake: if granted it waits for [`Listener::accept`] from now on. A request that is
    /// ignored stays one and its SYN-ACK is sent again; one that is refused is gone.
    pub fn on_established(&mut self, kernel: &Kernel) -> Admission {
        if self.is_full() {
            if !kernel.tcp_abort_on_overflow {
                return Admission::Ignored;
            }
            self.on_request_gone();
            return Admission::Refused;
        }
        self.on_request_gone();
        self.ready += 1;
        Admission::Granted
    }

    /// A request died: reset, or nobody answered its SYN-ACK.
    pub fn on_request_gone(&mut self) {
        self.requests = self.requests.saturating_sub(1);
    }

    /// `accept()`: takes one connection off the queue, if one waits.
    pub fn accept(&mut self) -> bool {
        let waits = self.ready > 0;
        self.ready -= u64::from(waits);
        waits
    }

    /// Connections that wait for `accept()`.
    pub fn ready(&self) -> u64 {
        self.ready
    }

    /// Handshakes under way.
    pub fn requests(&self) -> u64 {
        self.requests
    }

    /// Linux lets one more wait than the backlog says (`sk_acceptq_is_full`).
    fn is_full(&self) -> bool {
        self.ready > self.backlog
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_of_one_holds_two_and_drops_the_third_syn() {
        let kernel = Kernel::default();
        let mut listener = Listener::new(&kernel, 1);
        for _ in 0..2 {
            assert_eq!(listener.on_syn(&kernel), Admission::Granted);
            assert_eq!(listener.on_established(&kernel), Admission::Granted);
        }
        assert_eq!(listener.on_syn(&kernel), Admission::Ignored);
        assert!(listener.accept());
        assert_eq!(listener.on_syn(&kernel), Admission::Granted);
        assert_eq!((listener.ready(), listener.requests()), (1, 1));
    }

    #[test]
    fn an_overflow_is_ignored_or_refused_as_the_sysctl_says() {
        let mut kernel = Kernel::default();
        let mut listener = Listener::new(&kernel, 0);
        for _ in 0..2 {
            assert_eq!(listener.on_syn(&kernel), Admission::Granted);
        }
        assert_eq!(listener.on_established(&kernel), Admission::Granted);
        assert_eq!(listener.on_established(&kernel), Admission::Ignored);
        assert_eq!(listener.requests(), 1);
        kernel.tcp_abort_on_overflow = true;
        assert_eq!(listener.on_established(&kernel), Admission::Refused);
        assert_eq!(listener.requests(), 0);
    }

    #[test]
    fn without_cookies_a_full_syn_queue_drops() {
        let kernel = Kernel { tcp_syncookies: false, ..Kernel::default() };
        let mut listener = Listener::new(&kernel, 1);
        assert_eq!(listener.on_syn(&kernel), Admission::Granted);
        assert_eq!(listener.on_syn(&kernel), Admission::Granted);
        assert_eq!(listener.on_syn(&kernel), Admission::Ignored);
        listener.on_request_gone();
        assert_eq!(listener.on_syn(&kernel), Admission::Granted);
    }
}
