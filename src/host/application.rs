//! The application of an endpoint: what it reads from its socket, writes to it and asks of it, and what of that the ledger hears.

use std::collections::VecDeque;

use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::ledger::balance::Imbalance;
use crate::ledger::fate::Outcome;
use crate::tcp::{Errno, State};
use crate::time::Micros;
use crate::xmpp::legacy::{Legacy, Waiting};
use crate::xmpp::party::{self, Fact, Syscall};

/// Most bytes one read takes, as servers commonly do.
const READ_SIZE: usize = 16_384;

/// Who owns the socket's file descriptor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Application {
    /// There is no connection yet.
    Waiting,
    /// The kernel has not said yet that the connection is up.
    Connecting,
    /// The application owns it.
    Owns,
    /// It read end of file and owns it still.
    ReadAll,
    /// It has closed it.
    LetGo,
}

impl Endpoint {
    /// Tells the application that the connection is up, or that it never will be.
    pub(super) fn announce(&mut self, visit: &mut Visit<'_, '_>) {
        let Some(socket) = &mut self.socket else { return };
        if self.application != Application::Connecting {
            return;
        }
        match socket.state() {
            State::SynSent | State::SynReceived => return,
            State::Closed => {
                if visit.side == Side::Server {
                    // A request that never became a connection: no application hears of it, and a SYN may come again.
                    self.application = Application::Waiting;
                    visit.request_gone();
                } else if self.acts() && !self.tries_again(visit) {
                    self.application = Application::Owns;
                    self.party.handle_reset(visit.now);
                }
            }
            State::Established
            | State::FinWait1
            | State::FinWait2
            | State::CloseWait
            | State::Closing
            | State::LastAck
            | State::TimeWait => {
                if !visit.accepts() {
                    return;
                }
                self.application = Application::Owns;
                self.party.handle_connected(visit.now);
            }
        }
        self.report(visit);
    }

    /// One read, if the application wants to; whether anything came of it.
    pub(super) fn read(&mut self, visit: &mut Visit<'_, '_>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        if self.application != Application::Owns || !self.party.wants_to_read() || !socket.is_readable() {
            return false;
        }
        if !visit.lets_read() {
            return false;
        }
        visit.scratch.clear();
        match socket.recv(visit.cx(), visit.scratch, READ_SIZE) {
            Ok(0) => {
                self.application = Application::ReadAll;
                self.party.handle_eof(visit.now);
            }
            Ok(_) => {
                visit.witness_read();
                self.party.handle_bytes(visit.now, visit.scratch);
                self.ask_for_service(visit);
            }
            Err(Errno::EAGAIN) => return false,
            Err(_) => {
                self.application = Application::ReadAll;
                self.party.handle_reset(visit.now);
            }
        }
        self.report(visit);
        true
    }

    /// One write, if the application has something to say; whether the kernel took any of it.
    pub(super) fn write(&mut self, visit: &mut Visit<'_, '_>) -> bool {
        let Some(socket) = &mut self.socket else { return false };
        let bytes = self.party.pending_bytes();
        if bytes.is_empty() || !matches!(self.application, Application::Owns | Application::ReadAll) {
            return false;
        }
        match socket.send(visit.cx(), bytes) {
            Ok(0) | Err(Errno::EAGAIN) => {
                // The kernel is full. An application that does not wait for it gives up here and has a system call to make.
                self.party.handle_accepted(visit.now, 0);
                self.report(visit);
                return false;
            }
            Ok(n) => {
                if let Some(observer) = &mut self.observer {
                    observer.observe(&bytes[..n]);
                }
                visit.wrote(&bytes[..n]);
                self.party.handle_accepted(visit.now, n);
            }
            Err(_) => {
                self.party.handle_reset(visit.now);
                debug_assert!(self.party.pending_bytes().is_empty(), "it would be offered without end");
            }
        }
        self.report(visit);
        true
    }

    /// One system call, if the application has one to make.
    pub(super) fn call(&mut self, visit: &mut Visit<'_, '_>) -> bool {
        if self.application == Application::LetGo {
            return false;
        }
        let Some(call) = self.party.poll_syscall() else { return false };
        visit.called(call);
        match (call, &mut self.socket) {
            (Syscall::PowerOff, _) => {
                self.is_cut_off(visit);
                self.power_off(visit);
            }
            (Syscall::ShutdownWrite, Some(socket)) => {
                if socket.shutdown_write(visit.cx()).is_err() {
                    self.party.handle_reset(visit.now);
                }
            }
            (Syscall::Close | Syscall::Abort, Some(socket)) => {
                if call == Syscall::Abort {
                    socket.set_linger(Some(Micros::ZERO));
                }
                visit.effects.book.let_go(visit.local, visit.side, socket.read(), |o| socket.holds(o), visit.now);
                self.received = socket.received();
                socket.close(visit.cx());
                self.application = Application::LetGo;
                visit.frees();
            }
            (Syscall::ShutdownWrite | Syscall::Close | Syscall::Abort, None) => {
                if std::mem::replace(&mut self.application, Application::LetGo) != Application::LetGo {
                    visit.frees();
                }
            }
        }
        self.report(visit);
        if matches!(call, Syscall::Close | Syscall::Abort) {
            self.party.handle_let_go(visit.now);
            self.departs(visit);
        }
        true
    }

    /// Whether its application no longer owns a connection.
    pub(super) fn has_let_go(&self) -> bool {
        self.application == Application::LetGo
    }

    /// Whether it can hand the session of its stream over to another.
    pub(super) fn can_be_replaced(&self) -> bool {
        self.on && self.acts() && !self.has_let_go() && self.party.is_replaceable()
    }

    /// Its peer resumes the session on another stream.
    pub(super) fn is_replaced(&mut self, visit: &mut Visit<'_, '_>) {
        visit.witness_replaced();
        self.party.handle_replaced(visit.now);
        self.settle(visit);
    }

    /// It gets what its peer's former stream has left, and can answer.
    pub(super) fn inherits(&mut self, visit: &mut Visit<'_, '_>, legacy: Legacy) {
        self.party.handle_inherited(visit.now, legacy);
        self.settle(visit);
    }

    /// It gets what a former stream of its peer has held back.
    pub(super) fn gets(&mut self, visit: &mut Visit<'_, '_>, waiting: VecDeque<Waiting>) {
        self.party.handle_passed_on(visit.now, waiting);
        self.settle(visit);
    }

    /// Hands the application's facts to the ledger.
    pub(super) fn report(&mut self, visit: &mut Visit<'_, '_>) {
        let (local, side, now) = (visit.local, visit.side, visit.now);
        let measured = visit.plan.closer_side();
        while let Some(fact) = self.party.poll_fact() {
            visit.stated(&fact);
            let book = &mut *visit.effects.book;
            match fact {
                Fact::Sent { stanza, size, end } => book.sent(local, side, stanza, size, end, now),
                Fact::Deferred(count) => book.deferred(local, side, count),
                Fact::Late { stanza, written } => book.late(local, side, stanza, written),
                Fact::Again { stanza, of } => book.again(local, side, stanza, of),
                Fact::Delivered { stanza } => book.delivered(local, side, stanza, now),
                Fact::Unprocessed { stanza } => book.unprocessed(local, side, stanza, now),
                Fact::Decided if side == measured => book.decided(local, now),
                Fact::Released(outcome) if side == measured => book.released(local, outcome_of(outcome), now),
                Fact::Noticed if side != measured => book.noticed(local, now),
                Fact::Up if side == Side::Client => self.comes_up(visit),
                Fact::Up | Fact::Decided | Fact::Released(_) | Fact::Noticed => {}
                Fact::Disorder(disorder) => {
                    let stream = book.stream(local);
                    book.refuse(Imbalance::Broken { stream, what: format!("the {side:?} read {disorder:?}") });
                }
            }
        }
    }
}

const fn outcome_of(outcome: party::Outcome) -> Outcome {
    match outcome {
        party::Outcome::Clean => Outcome::Clean,
        party::Outcome::Timeout => Outcome::Timeout,
        party::Outcome::PeerFin => Outcome::PeerFin,
        party::Outcome::PeerReset => Outcome::PeerReset,
        party::Outcome::BadXml => Outcome::BadXml,
        party::Outcome::Closed => Outcome::Closed,
    }
}
