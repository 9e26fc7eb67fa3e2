//! One application on one socket on its outgoing line: the only place where XMPP meets TCP.
//!
//! Everything that can happen to an endpoint is a packet or a deadline. After each the endpoint *settles*: the
//! application reads what there is, writes what it wants, makes its system calls, until nothing changes; then the
//! kernel's segments leave.

use crate::host::Plan;
use crate::host::application::Application;
use crate::host::comeback::{Comeback, Departure};
use crate::host::custody::payload_range;
use crate::host::ordeal::Ordeal;
use crate::host::proxy::Proxy;
use crate::host::service::Service;
use crate::host::visit::Visit;
use crate::id::{Side, StreamId};
use crate::ledger::book::{Book, Remains};
use crate::net::addr;
use crate::net::link::{Direction, Verdict};
use crate::net::packet::Packet;
use crate::net::segment::{Segment, Seq};
use crate::rng::{Purpose, Rng};
use crate::scenario::sockets::SocketOptions;
use crate::tcp::{self, Admission, Identity, Socket, State};
use crate::time::SimTime;
use crate::xmpp::config::StreamKind;
use crate::xmpp::observer::CloseTagObserver;
use crate::xmpp::party::Party;

/// One side of one stream.
pub(super) struct Endpoint {
    pub(super) party: Party,
    pub(super) socket: Option<Box<Socket>>,
    pub(super) application: Application,
    pub(super) line: Direction,
    packets_sent: u32,
    /// When the client connects, or tries again.
    pub(super) opens: SimTime,
    pub(super) on: bool,
    pub(super) state: State,
    pub(super) observer: Option<CloseTagObserver>,
    /// Both initial sequence numbers: own, then the peer's.
    pub(super) iss: [Seq; 2],
    timestamp_offset: u32,
    /// Offset up to which the peer's stream had come when the socket was dropped.
    pub(super) received: u64,
    /// What chaos has for it.
    pub(super) ordeal: Option<Box<Ordeal>>,
    /// How the client comes back, if it does.
    pub(super) comeback: Option<Box<Comeback>>,
    /// Its stanzas at the server's workers, if they wait for any.
    pub(super) service: Option<Box<Service>>,
    /// The proxy before it, if there is one.
    pub(super) proxy: Option<Box<Proxy>>,
}

impl Endpoint {
    pub(super) fn new(side: Side, plan: &Plan, local: usize, party: Party) -> Self {
        let entity = plan.entity(local);
        let mut kernel = Rng::new(plan.seed(), entity, Purpose::Kernel);
        let facts = [kernel.next_u32(), kernel.next_u32(), kernel.next_u32(), kernel.next_u32()];
        let (mine, theirs) = (side.index(), side.other().index());
        Self {
            party,
            socket: None,
            application: Application::Waiting,
            line: Direction::new(plan.seed(), entity, side == Side::Client),
            packets_sent: 0,
            opens: if side == Side::Client { plan.of(local).opens } else { SimTime::MAX },
            on: true,
            state: State::Closed,
            observer: (side == plan.closer_side()).then(CloseTagObserver::default),
            iss: [Seq(facts[mine]), Seq(facts[theirs])],
            timestamp_offset: facts[2 + mine],
            received: 0,
            ordeal: Ordeal::of(side, plan, local),
            comeback: Comeback::of(side, plan, local, None),
            service: Service::of(side, plan, local),
            proxy: Proxy::of(side, plan, local),
        }
    }

    /// One side of a further life, which begins now: the client's `after` its departure from the one before.
    pub(super) fn reborn(
        side: Side,
        plan: &Plan,
        local: usize,
        party: Party,
        now: SimTime,
        after: Option<&Departure>,
    ) -> Self {
        let mut endpoint = Self::new(side, plan, local, party);
        endpoint.opens = after.map_or(SimTime::MAX, |departure| departure.opens);
        endpoint.on = endpoint.ordeal.as_mut().is_none_or(|ordeal| ordeal.catch_up(now));
        endpoint.comeback = Comeback::of(side, plan, local, after);
        endpoint
    }

    pub(super) fn next_deadline(&self) -> Option<SimTime> {
        let own = match &self.ordeal {
            None => self.own_deadline(true),
            Some(ordeal) => self.troubled_deadline(ordeal),
        };
        match &self.proxy {
            None => own,
            Some(proxy) => [own, proxy.next_deadline()].into_iter().flatten().min(),
        }
    }

    /// When a connection is to be opened, the kernel's timer, or the application's if it `acts`.
    #[inline]
    pub(super) fn own_deadline(&self, acts: bool) -> Option<SimTime> {
        if !self.on {
            return None;
        }
        let mut next = self.opens;
        if let Some((due, _)) = self.socket.as_ref().and_then(|s| s.next_deadline()) {
            next = next.min(due);
        }
        if acts
            && self.application != Application::LetGo
            && let Some(due) = self.party.next_deadline()
        {
            next = next.min(due);
        }
        (next != SimTime::MAX).then_some(next)
    }

    pub(super) fn handle_packet(&mut self, visit: &mut Visit<'_, '_>, packet: &Packet) {
        if visit.gate.is_some() && !self.is_let_in(visit, packet) {
            return;
        }
        if self.proxy.is_some() {
            return self.meets_proxy(visit, packet);
        }
        self.meets_server(visit, packet);
    }

    /// A packet comes to the machine itself.
    #[inline]
    pub(super) fn meets_server(&mut self, visit: &mut Visit<'_, '_>, packet: &Packet) {
        if self.ordeal.is_some() && self.is_kept_off(visit, packet) {
            return;
        }
        self.take_packet(visit, packet);
    }

    #[inline]
    pub(super) fn take_packet(&mut self, visit: &mut Visit<'_, '_>, packet: &Packet) {
        let segment = &packet.segment;
        let near = self.socket.as_ref().map_or(self.received, |s| s.received());
        let payload = payload_range(segment, self.iss[1], near);
        if !self.on {
            self.perished(visit, packet);
            return;
        }
        visit.arrived(packet);
        if visit.plan.scenario().reconnect.is_some() && self.is_stray(visit, segment) {
            return;
        }
        let cx = visit.cx();
        if let Some(socket) = &mut self.socket {
            if socket.completes_handshake(segment) && !admitted(visit) {
                visit.refuses();
                // The queue is full: the client's next segment, or the SYN-ACK sent again, is the next try.
                return;
            }
            let doomed = visit.is_witnessed() && is_fatal(segment, socket, self.iss[1]);
            socket.handle_segment(cx, segment);
            if doomed {
                visit.witness_reset(socket.state());
            }
        } else if self.may_accept(visit, segment) {
            self.adopt(visit, Socket::accept(cx, self.identity(visit, Some(segment)), segment));
        } else {
            if segment.flags.syn && !segment.flags.ack {
                visit.refuses();
            }
            if let Some(reset) = tcp::reset_for(segment) {
                self.emit(visit, reset);
            }
        }
        if let Some((from, until)) = payload {
            self.note_refusal(visit, from, until);
        }
        self.settle(visit);
    }

    /// Whether a segment is of another try than the one that the socket is for: it meets no socket. A new request takes the
    /// place of an old one, whose client is no longer there.
    fn is_stray(&mut self, visit: &mut Visit<'_, '_>, segment: &Segment) -> bool {
        let Some(socket) = &self.socket else { return false };
        if (socket.local_port(), socket.remote_port()) == (segment.destination_port, segment.source_port) {
            return false;
        }
        let request = segment.flags.syn && !segment.flags.ack && !segment.flags.rst;
        if request && visit.side == Side::Server && self.state == State::SynReceived {
            bury(visit, socket);
            visit.listener.on_request_gone();
            (self.socket, self.application, self.state) = (None, Application::Waiting, State::Closed);
            return false;
        }
        if let Some(reset) = tcp::reset_for(segment) {
            self.emit(visit, reset);
        }
        true
    }

    /// Data that came where no application owns the socket any more dies here, unless the kernel had it already.
    fn note_refusal(&self, visit: &mut Visit<'_, '_>, from: u64, until: u64) {
        let (held, closed) = match &self.socket {
            Some(socket) => (socket.holds(until - 1), socket.state() == State::Closed),
            None => (until <= self.received, true),
        };
        if !held && (closed || self.application == Application::LetGo) {
            visit.effects.book.refused(visit.local, visit.side.other(), from, until, visit.now);
        }
    }

    pub(super) fn handle_deadline(&mut self, visit: &mut Visit<'_, '_>) {
        visit.witness_deadline();
        if self.proxy.is_some() {
            self.handle_proxy(visit);
        }
        if self.ordeal.is_some() {
            self.suffer(visit);
        }
        if !self.on || self.is_frozen() {
            return;
        }
        let now = visit.now;
        if self.opens <= now {
            self.opens = SimTime::MAX;
            if self.comeback.is_some() {
                visit.effects.book.returns().connects(now);
            }
            if visit.takes_port() {
                self.adopt(visit, Socket::connect(visit.cx(), self.identity(visit, None)));
                self.settle(visit);
            } else {
                self.finds_no_port(visit);
            }
        }
        if let Some(socket) = &mut self.socket
            && let Some((due, timer)) = socket.next_deadline()
            && due <= now
        {
            visit.timer(timer);
            socket.handle_deadline(visit.cx());
            self.settle(visit);
        }
        let acts = self.application != Application::LetGo && self.acts();
        if acts && self.party.next_deadline().is_some_and(|due| due <= now) {
            self.party.handle_deadline(now);
            self.settle(visit);
        }
    }

    /// The listening server accepts one connection for each stream: a SYN that comes after it has ended is an old
    /// duplicate and is refused like any segment that meets no socket.
    fn may_accept(&self, visit: &mut Visit<'_, '_>, segment: &Segment) -> bool {
        visit.side == Side::Server
            && segment.flags.syn
            && !segment.flags.ack
            && !segment.flags.rst
            && self.application == Application::Waiting
            && self.ordeal.as_ref().is_none_or(|o| o.listens(visit.now))
            && visit.listener.on_syn(&visit.plan.scenario().kernel) == Admission::Granted
    }

    /// Of a socket that connects, or that a request asks for. Each try connects from a port of its own.
    pub(super) fn identity(&self, visit: &Visit<'_, '_>, request: Option<&Segment>) -> Identity {
        let before = self.comeback.as_ref().map_or(0, |comeback| comeback.ports);
        let client = request.map_or_else(
            || addr::client_port(StreamId(visit.stream().0.wrapping_add(before))),
            |request| request.source_port,
        );
        let server = server_port(visit);
        let (local_port, remote_port) = match visit.side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        Identity { local_port, remote_port, iss: self.iss[0], ts_offset: self.timestamp_offset }
    }

    fn adopt(&mut self, visit: &mut Visit<'_, '_>, mut socket: Socket) {
        let SocketOptions { keepalive, user_timeout } = *visit.plan.scenario().sockets.at(visit.side);
        socket.set_nodelay(visit.cx(), true);
        if keepalive {
            socket.set_keepalive(visit.cx(), true, None, None, None);
        }
        if user_timeout.is_some() {
            socket.set_user_timeout(user_timeout);
        }
        self.socket = Some(Box::new(socket));
        self.application = Application::Connecting;
        visit.effects.book.socket_born(visit.local, visit.side, visit.now);
    }

    /// Lets the application do all it can at this instant, then the kernel send what that led to.
    pub(super) fn settle(&mut self, visit: &mut Visit<'_, '_>) {
        self.announce(visit);
        if self.party.has_facts() {
            // They bear this instant, even where no system call follows from them yet.
            self.report(visit);
        }
        while self.on
            && self.acts()
            && (self.hear_served(visit) | self.read(visit) | self.write(visit) | self.call(visit))
        {}
        self.transmit(visit);
        self.note_state(visit);
    }

    /// The machine is off: its kernel is gone with all it held, and nothing answers any more.
    pub(super) fn power_off(&mut self, visit: &mut Visit<'_, '_>) {
        self.on = false;
        self.party.forget_legacy();
        self.drop_socket(visit);
    }

    /// The kernel no longer knows the connection, and tells nobody.
    pub(super) fn drop_socket(&mut self, visit: &mut Visit<'_, '_>) {
        let before = std::mem::replace(&mut self.application, Application::LetGo);
        let owned = before != Application::LetGo;
        if matches!(before, Application::Owns | Application::ReadAll) {
            visit.frees();
        }
        let dead = std::mem::replace(&mut self.state, State::Closed) == State::Closed;
        let Some(socket) = self.socket.take() else { return };
        if owned {
            let book = &mut *visit.effects.book;
            book.let_go(visit.local, visit.side, socket.read(), |o| socket.holds(o), visit.now);
            self.received = socket.received();
        }
        if !dead {
            bury(visit, &socket);
        }
    }

    /// Sends what the kernel wants to send.
    pub(super) fn transmit(&mut self, visit: &mut Visit<'_, '_>) {
        while let Some(segment) = self.socket.as_mut().and_then(|s| s.poll_transmit(visit.cx())) {
            self.emit(visit, segment);
        }
    }

    /// A segment leaves the machine.
    fn emit(&mut self, visit: &mut Visit<'_, '_>, segment: Segment) {
        if self.proxy.is_some() {
            return self.send_to_proxy(visit, segment);
        }
        self.send_on_link(visit, segment);
    }

    /// Puts one segment on the line.
    pub(super) fn send_on_link(&mut self, visit: &mut Visit<'_, '_>, segment: Segment) {
        let bytes = segment.wire_length();
        if let Some(gate) = &mut visit.gate {
            gate.passes(visit.local, Side::Server, &segment, visit.now);
        }
        visit.effects.book.packet(visit.local, bytes, segment.flags.rst);
        let troubled = if self.ordeal.is_some() { self.troubled_verdict(visit, &segment) } else { None };
        let verdict = troubled.unwrap_or_else(|| self.line.verdict(visit.line(), visit.now, bytes));
        self.post(visit, segment, verdict);
    }

    /// The line has decided about a segment.
    #[inline]
    pub(super) fn post(&mut self, visit: &mut Visit<'_, '_>, segment: Segment, verdict: Verdict) {
        let number = self.packets_sent;
        self.packets_sent += 2;
        visit.left(&segment, verdict);
        match verdict {
            Verdict::Deliver(at) => visit.ship(at, number, segment),
            Verdict::DeliverTwice(first, second) => {
                visit.ship(first, number, segment.clone());
                visit.ship(second, number + 1, segment);
            }
            Verdict::Drop(_) => {
                let near = self.socket.as_ref().map_or(0, |s| s.transmitted());
                if let Some((from, until)) = payload_range(&segment, self.iss[0], near) {
                    visit.effects.book.dropped(visit.local, visit.side, from, until, visit.now);
                }
            }
        }
    }

    /// Tells the ledger what state the socket is in, and buries it when it is closed and nobody owns it.
    fn note_state(&mut self, visit: &mut Visit<'_, '_>) {
        let Some(socket) = &self.socket else { return };
        let state = socket.state();
        if state != self.state {
            self.state = state;
            visit.entered(state);
            match state.index() {
                Some(index) => visit.effects.book.socket_state(visit.local, visit.side, index, visit.now),
                None => bury(visit, socket),
            }
            if state == State::TimeWait {
                visit.effects.book.socket_left(visit.local, visit.side, visit.now);
            }
        }
        if state == State::Closed && matches!(self.application, Application::LetGo | Application::Waiting) {
            self.socket = None;
        }
    }

    /// Gives back the memory of queues in which nothing waits.
    pub(super) fn rest(&mut self) {
        self.party.rest();
        if let Some(socket) = &mut self.socket {
            socket.rest();
        }
    }

    /// The run is over: what the kernel and the application still hold goes into the ledger.
    pub(super) fn finish(&mut self, end: SimTime, local: usize, side: Side, book: &mut Book) {
        if let Some(observer) = &self.observer {
            book.violations(local, observer.violations());
        }
        self.stays(end, book);
        let Some(socket) = &self.socket else { return };
        if self.application != Application::LetGo {
            book.let_go(local, side, socket.read(), |o| socket.holds(o), end);
        }
        if socket.state() != State::Closed {
            book.still_there(local, side, remains(socket));
            book.retransmissions(local, socket.retransmissions());
        }
    }
}

/// Whether the listener lets a request become a connection; without a desk the application accepts it in the same instant.
fn admitted(visit: &mut Visit<'_, '_>) -> bool {
    visit.listener.on_established(&visit.plan.scenario().kernel) == Admission::Granted
        && (visit.desk.is_some() || visit.listener.accept())
}

/// Whether a segment is a RST that fits exactly, before the peer's FIN has come (RFC 5961 §3.2).
fn is_fatal(segment: &Segment, socket: &Socket, peer: Seq) -> bool {
    #[expect(clippy::cast_possible_truncation, reason = "sequence numbers count modulo 2^32")]
    let next = peer.plus(1).plus(socket.received() as u32);
    let open = matches!(socket.state(), State::Established | State::FinWait1 | State::FinWait2);
    segment.flags.rst && open && segment.seq == next
}

/// The kernel no longer holds anything of the connection.
fn bury(visit: &mut Visit<'_, '_>, socket: &Socket) {
    visit.frees_port();
    let book = &mut *visit.effects.book;
    book.socket_gone(visit.local, visit.side, remains(socket), visit.now);
    book.retransmissions(visit.local, socket.retransmissions());
}

fn server_port(visit: &Visit<'_, '_>) -> u16 {
    match visit.plan.scenario().kind {
        StreamKind::ClientToServer => addr::CLIENT_TO_SERVER,
        StreamKind::ServerToServer => addr::SERVER_TO_SERVER,
    }
}

fn remains(socket: &Socket) -> Remains {
    Remains { transmitted: socket.transmitted(), acknowledged: socket.acknowledged() }
}
