//! A proxy before the server: two sockets of its own, bytes between them, and a line to the server that loses nothing.
//!
//! It stands in the server's slot of a stream: the link ends at its front socket, and the server's socket talks to its back
//! socket. Numbers and ports are those that both ends expect, so that offsets mean the same on either side. It is a
//! machine of its own, which chaos does not strike and whose sockets nobody counts; what dies inside dies in the network.

use std::collections::VecDeque;

use crate::host::Plan;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::net::packet::Packet;
use crate::net::proxy::{OnReset, Proxy as Config};
use crate::net::segment::Segment;
use crate::tcp::{self, Cx, Errno, Identity, Socket, State};
use crate::time::SimTime;

/// Most bytes that it takes from a kernel at once.
const READ_SIZE: usize = 16_384;

/// One direction: bytes that came from one socket and wait for the other.
#[derive(Debug, Default)]
struct Pipe {
    bytes: Vec<u8>,
    /// End of file came behind them.
    ended: bool,
    /// It was handed on.
    shut: bool,
}

/// The proxy of one stream.
#[derive(Debug)]
pub(super) struct Proxy {
    config: Config,
    front: Option<Box<Socket>>,
    back: Option<Box<Socket>>,
    to_server: Pipe,
    to_client: Pipe,
    /// Segments on their way to the server, and from it.
    downstream: VecDeque<(SimTime, Segment)>,
    upstream: VecDeque<(SimTime, Segment)>,
    /// When the last byte was handed on.
    active: SimTime,
    /// It has let go of both sockets.
    over: bool,
    /// The client's port of its last connection.
    port: Option<u16>,
}

/// Who a socket of the proxy is: to the client the server, to the server the client.
#[derive(Clone, Copy, Debug)]
pub(super) struct Roles {
    pub(super) front: Identity,
    pub(super) back: Identity,
}

impl Proxy {
    /// That of a stream's server, if one stands before it.
    pub(super) fn of(side: Side, plan: &Plan, local: usize) -> Option<Box<Self>> {
        let config = plan.class(local).link.proxy.filter(|_| side == Side::Server)?;
        Some(Box::new(Self {
            config,
            front: None,
            back: None,
            to_server: Pipe::default(),
            to_client: Pipe::default(),
            downstream: VecDeque::new(),
            upstream: VecDeque::new(),
            active: SimTime::ZERO,
            over: false,
            port: None,
        }))
    }

    /// When it next wants to be called.
    pub(super) fn next_deadline(&self) -> Option<SimTime> {
        let line = |line: &VecDeque<(SimTime, Segment)>| line.front().map(|(at, _)| *at);
        let timer = |socket: &Option<Box<Socket>>| Some(socket.as_ref()?.next_deadline()?.0);
        let idle = self.config.idle.filter(|_| self.front.is_some() && !self.over).map(|idle| self.active + idle);
        [line(&self.downstream), line(&self.upstream), timer(&self.front), timer(&self.back), idle]
            .into_iter()
            .flatten()
            .min()
    }

    /// A segment came from the client; gives the answer of a kernel that knows nothing of it.
    fn hear_client(&mut self, cx: Cx<'_>, segment: &Segment, roles: impl FnOnce() -> Roles) -> Option<Segment> {
        let opens = segment.flags.syn && !segment.flags.ack && !segment.flags.rst;
        let other_try = self.front.as_ref().is_some_and(|front| front.remote_port() != segment.source_port);
        if opens && self.port != Some(segment.source_port) {
            let roles = roles();
            self.port = Some(segment.source_port);
            let mut front = Socket::accept(cx, roles.front, segment);
            front.set_nodelay(cx, true);
            let mut back = Socket::connect(cx, roles.back);
            back.set_nodelay(cx, true);
            (self.front, self.back) = (Some(Box::new(front)), Some(Box::new(back)));
            (self.to_server, self.to_client) = (Pipe::default(), Pipe::default());
            (self.active, self.over) = (cx.now, false);
            return None;
        }
        match &mut self.front {
            Some(front) if !other_try => front.handle_segment(cx, segment),
            Some(_) | None => return tcp::reset_for(segment),
        }
        None
    }

    /// A segment came from the server.
    fn hear_server(&mut self, cx: Cx<'_>, segment: &Segment) {
        let known = self.back.as_ref().is_some_and(|back| back.local_port() == segment.destination_port);
        match &mut self.back {
            Some(back) if known => back.handle_segment(cx, segment),
            Some(_) | None => {
                if let Some(reset) = tcp::reset_for(segment) {
                    self.downstream.push_back((cx.now + self.config.latency, reset));
                }
            }
        }
    }

    /// Timers that are due.
    fn handle_timers(&mut self, cx: Cx<'_>) {
        for socket in [&mut self.front, &mut self.back].into_iter().flatten() {
            if socket.next_deadline().is_some_and(|(due, _)| due <= cx.now) {
                socket.handle_deadline(cx);
            }
        }
        let quiet = self.config.idle.is_some_and(|idle| self.active + idle <= cx.now);
        if quiet && !self.over {
            self.let_go(cx, false);
        }
    }

    /// Hands on what there is, both ways, until nothing moves.
    fn pump(&mut self, cx: Cx<'_>) {
        if self.over {
            return;
        }
        let most = usize::try_from(self.config.buffer).unwrap_or(usize::MAX);
        let (Some(front), Some(back)) = (&mut self.front, &mut self.back) else { return };
        let mut failed = false;
        loop {
            let down = carry(cx, front, back, &mut self.to_server, most);
            let up = carry(cx, back, front, &mut self.to_client, most);
            let (Ok(down), Ok(up)) = (down, up) else {
                failed = true;
                break;
            };
            if !(down || up) {
                break;
            }
            self.active = cx.now;
        }
        let both = self.to_server.shut && self.to_client.shut;
        let one = self.to_server.shut || self.to_client.shut;
        if failed {
            self.let_go(cx, self.config.on_reset == OnReset::Reset);
        } else if both || one && !self.config.half_close {
            self.let_go(cx, false);
        }
    }

    /// Closes both sockets.
    fn let_go(&mut self, cx: Cx<'_>, reset: bool) {
        self.over = true;
        for socket in [&mut self.front, &mut self.back].into_iter().flatten() {
            if reset {
                socket.abort(cx);
            } else {
                socket.close(cx);
            }
        }
        (self.to_server, self.to_client) = (Pipe::default(), Pipe::default());
    }

    /// Sockets that are gone hold no memory.
    fn bury(&mut self) {
        for socket in [&mut self.front, &mut self.back] {
            if self.over && socket.as_ref().is_some_and(|socket| socket.state() == State::Closed) {
                *socket = None;
            }
        }
    }
}

/// Hands on what one socket has for the other; whether any of it moved.
///
/// # Errors
/// One of the two failed.
fn carry(cx: Cx<'_>, from: &mut Socket, to: &mut Socket, pipe: &mut Pipe, most: usize) -> Result<bool, Errno> {
    let mut moved = false;
    let opening = matches!(from.state(), State::SynSent | State::SynReceived);
    if !opening && !pipe.ended && from.is_readable() && pipe.bytes.len() < most {
        let room = (most - pipe.bytes.len()).min(READ_SIZE);
        match from.recv(cx, &mut pipe.bytes, room) {
            Ok(0) => (pipe.ended, moved) = (true, true),
            Ok(_) => moved = true,
            Err(Errno::EAGAIN) => {}
            Err(error) => return Err(error),
        }
    }
    if !pipe.bytes.is_empty() {
        match to.send(cx, &pipe.bytes) {
            Ok(n) => {
                pipe.bytes.drain(..n);
                moved |= n > 0;
            }
            Err(Errno::EAGAIN) => {}
            Err(error) => return Err(error),
        }
    }
    let up = !matches!(to.state(), State::SynSent | State::SynReceived);
    if pipe.ended && pipe.bytes.is_empty() && !pipe.shut && up {
        // Whose connection is gone needs no end of file.
        to.shutdown_write(cx).or_else(|error| if error == Errno::ENOTCONN { Ok(()) } else { Err(error) })?;
        (pipe.shut, moved) = (true, true);
    }
    Ok(moved)
}

impl Endpoint {
    /// A packet of the client came to the proxy.
    #[cold]
    pub(super) fn meets_proxy(&mut self, visit: &mut Visit<'_, '_>, packet: &Packet) {
        visit.arrived(packet);
        let segment = &packet.segment;
        let front = self.identity(visit, Some(segment));
        let back = Identity {
            local_port: front.remote_port,
            remote_port: front.local_port,
            iss: self.iss[1],
            ts_offset: front.ts_offset,
        };
        let Some(proxy) = &mut self.proxy else { return };
        let answer = proxy.hear_client(visit.cx(), segment, || Roles { front, back });
        if let Some(reset) = answer {
            self.send_on_link(visit, reset);
        }
        self.drive_proxy(visit);
    }

    /// What is due at the proxy, or on the line between it and the server.
    #[cold]
    pub(super) fn handle_proxy(&mut self, visit: &mut Visit<'_, '_>) {
        let cx = visit.cx();
        let due = |line: &mut VecDeque<(SimTime, Segment)>| {
            let first = line.front().is_some_and(|(at, _)| *at <= cx.now);
            if first { line.pop_front().map(|(_, segment)| segment) } else { None }
        };
        while let Some(segment) = self.proxy.as_mut().and_then(|proxy| due(&mut proxy.upstream)) {
            if let Some(proxy) = &mut self.proxy {
                proxy.hear_server(cx, &segment);
            }
        }
        if let Some(proxy) = &mut self.proxy {
            proxy.handle_timers(cx);
        }
        self.drive_proxy(visit);
        while let Some(segment) = self.proxy.as_mut().and_then(|proxy| due(&mut proxy.downstream)) {
            let mut packet = visit.packet(visit.now, 0, segment);
            std::mem::swap(&mut packet.source, &mut packet.destination);
            self.meets_server(visit, &packet);
        }
    }

    /// Lets the proxy do all it can at this instant.
    fn drive_proxy(&mut self, visit: &mut Visit<'_, '_>) {
        let cx = visit.cx();
        let Some(proxy) = &mut self.proxy else { return };
        proxy.pump(cx);
        let latency = proxy.config.latency;
        while let Some(segment) = proxy.back.as_mut().and_then(|back| back.poll_transmit(cx)) {
            visit.effects.book.packet(visit.local, segment.wire_length(), segment.flags.rst);
            proxy.downstream.push_back((cx.now + latency, segment));
        }
        while let Some(segment) =
            self.proxy.as_mut().and_then(|proxy| proxy.front.as_mut()).and_then(|front| front.poll_transmit(cx))
        {
            self.send_on_link(visit, segment);
        }
        if let Some(proxy) = &mut self.proxy {
            proxy.bury();
        }
    }

    /// A segment of the server's own socket, which goes to the proxy.
    #[cold]
    pub(super) fn send_to_proxy(&mut self, visit: &mut Visit<'_, '_>, segment: Segment) {
        visit.effects.book.packet(visit.local, segment.wire_length(), segment.flags.rst);
        if let Some(proxy) = &mut self.proxy {
            proxy.upstream.push_back((visit.now + proxy.config.latency, segment));
        }
    }
}
