//! The host under test: descriptors, listeners and connections of farewell's TCP, found by their ports.

use std::collections::{BTreeMap, VecDeque};

use farewell::net::segment::{Segment, Seq};
use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Admission, Cx, Identity, Listener, Socket, State, reset_for};
use farewell::time::SimTime;

use crate::information;
use crate::script::Setting;
use crate::sockopt::Choice;
use crate::sysctl_line;

/// The port that `bind` gives and `connect` aims at, as packetdrill has it.
pub(crate) const SERVER_PORT: u16 = 8080;
/// The kernel's initial sequence numbers lie shortly before the end of the range, so that they wrap round.
const FIRST_ISS: u32 = u32::MAX - 2_500;
/// Offset of the timestamps that the kernel sends.
const TIMESTAMP_OFFSET: u32 = 4_000_000_000;

/// An open descriptor.
#[derive(Debug)]
pub(crate) struct Descriptor {
    pub(crate) what: What,
    pub(crate) nonblocking: bool,
    /// Socket options set before there was a connection; accepted connections inherit them.
    pub(crate) choices: Vec<Choice>,
    pub(crate) bound: bool,
}

/// What a descriptor stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    /// A socket that is neither connected nor listening.
    Fresh,
    /// A listener, by its port.
    Listener(u16),
    /// A connection, by its number.
    Connection(usize),
}

/// A listening port: its accounting, and which connections are meant.
#[derive(Debug)]
struct Listening {
    listener: Listener,
    choices: Vec<Choice>,
    /// Handshakes under way.
    requests: Vec<usize>,
    /// Connections that wait for `accept`.
    ready: VecDeque<usize>,
}

/// A connection that this host knows, open or orphaned.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "facts that come in any combination")]
pub(crate) struct Connection {
    pub(crate) number: usize,
    local_port: u16,
    remote_port: u16,
    iss: Seq,
    pub(crate) socket: Socket,
    /// Whether a descriptor or a listener still refers to it.
    held: bool,
    /// `SO_KEEPALIVE` as last set.
    pub(crate) keepalive: bool,
    /// Bytes written to it and read from it so far.
    pub(crate) written: u32,
    pub(crate) read: u32,
    /// A blocked or pending `connect()` has reported its success.
    pub(crate) connect_reported: bool,
    /// `connect()` began it.
    opened: bool,
}

/// A simulated host with one peer.
#[derive(Debug)]
pub(crate) struct Machine {
    kernel: Kernel,
    descriptors: BTreeMap<i64, Descriptor>,
    listeners: BTreeMap<u16, Listening>,
    connections: Vec<Connection>,
    created: usize,
    /// Resets for segments that met no socket.
    outgoing: VecDeque<Segment>,
    /// When a lingering `close` gives up waiting.
    pub(crate) alarm: Option<SimTime>,
}

impl Machine {
    pub(crate) fn new() -> Self {
        Self {
            // A bare socket has Nagle's algorithm until the script sets TCP_NODELAY. And the device of packetdrill
            // holds on to the packet sent last, which keeps Linux from merging it into a retransmission.
            kernel: Kernel { nodelay: false, tcp_retrans_collapse: false, ..Kernel::default() },
            descriptors: BTreeMap::new(),
            listeners: BTreeMap::new(),
            connections: Vec::new(),
            created: 0,
            outgoing: VecDeque::new(),
            alarm: None,
        }
    }

    pub(crate) fn cx(&self, now: SimTime) -> Cx<'_> {
        Cx { now, kernel: &self.kernel }
    }

    /// The configuration as it stands.
    pub(crate) fn kernel(&self) -> &Kernel {
        &self.kernel
    }

    /// Sets one sysctl of the simulated kernel.
    pub(crate) fn set(&mut self, setting: &Setting) -> Result<(), String> {
        if !setting.name.starts_with("net.") && !setting.name.starts_with("net/") {
            return Err(format!("sysctl `{}` is not one of the network, others are not supported", setting.name));
        }
        if let Some(constant) = sysctl_line::is_what_the_model_does(&setting.name, &setting.value) {
            return constant;
        }
        self.kernel
            .set_sysctl(&setting.name, &setting.value)
            .map_err(|error| format!("sysctl {}={}: {error}", setting.name, setting.value))
    }

    pub(crate) fn descriptor(&mut self, number: i64) -> Result<&mut Descriptor, String> {
        self.descriptors.get_mut(&number).ok_or_else(|| format!("descriptor {number} is not open"))
    }

    /// Opens a descriptor under the number that the script gives it.
    pub(crate) fn open(&mut self, number: i64, descriptor: Descriptor) -> Result<(), String> {
        if self.descriptors.contains_key(&number) {
            return Err(format!("descriptor {number} is open already"));
        }
        self.descriptors.insert(number, descriptor);
        Ok(())
    }

    /// Takes a descriptor away; what it stood for lives on by itself or not at all.
    pub(crate) fn release(&mut self, number: i64) -> Option<Descriptor> {
        self.descriptors.remove(&number)
    }

    /// The connection of that number, and the context to call it with.
    pub(crate) fn connection(&mut self, now: SimTime, number: usize) -> Option<(&mut Connection, Cx<'_>)> {
        let connection = self.connections.iter_mut().find(|connection| connection.number == number)?;
        Some((connection, Cx { now, kernel: &self.kernel }))
    }

    /// Applies an option to a connection.
    pub(crate) fn choose(&mut self, now: SimTime, number: usize, choice: Choice) {
        if let Some((connection, cx)) = self.connection(now, number) {
            choice.apply(connection, cx);
        }
    }

    fn identity(&mut self, local_port: u16, remote_port: u16) -> Identity {
        let turn = u32::try_from(self.created).unwrap_or(0);
        Identity {
            local_port,
            remote_port,
            iss: Seq(FIRST_ISS).plus(turn.wrapping_mul(250_000_001)),
            ts_offset: TIMESTAMP_OFFSET,
        }
    }

    fn add(&mut self, id: Identity, socket: Socket, opened: bool) -> usize {
        let number = self.created;
        self.created += 1;
        self.connections.push(Connection {
            number,
            local_port: id.local_port,
            remote_port: id.remote_port,
            iss: id.iss,
            socket,
            held: true,
            keepalive: false,
            written: 0,
            read: 0,
            connect_reported: false,
            opened,
        });
        number
    }

    /// Opens a connection to the peer, from the bound port or a free one.
    pub(crate) fn connect(&mut self, now: SimTime, bound: bool, choices: &[Choice]) -> usize {
        let local = if bound { SERVER_PORT } else { 50_000 + u16::try_from(self.created).unwrap_or(0) };
        let id = self.identity(local, SERVER_PORT);
        let socket = Socket::connect(self.cx(now), id);
        let number = self.add(id, socket, true);
        for choice in choices {
            self.choose(now, number, *choice);
        }
        number
    }

    /// Begins to listen; without `bind` on a port that nobody knows.
    pub(crate) fn listen(&mut self, bound: bool, backlog: i64, choices: Vec<Choice>) -> u16 {
        let port = if bound { SERVER_PORT } else { 60_000 + u16::try_from(self.listeners.len()).unwrap_or(0) };
        let listener = Listener::new(&self.kernel, u64::try_from(backlog).unwrap_or(u64::MAX));
        self.listeners.insert(port, Listening { listener, choices, requests: Vec::new(), ready: VecDeque::new() });
        port
    }

    /// The oldest connection that waits to be accepted.
    pub(crate) fn accept(&mut self, port: u16) -> Option<usize> {
        let listening = self.listeners.get_mut(&port)?;
        listening.ready.pop_front().filter(|_| listening.listener.accept())
    }

    /// Ends a listener: requests are forgotten, connections that nobody accepted are aborted.
    pub(crate) fn stop_listening(&mut self, now: SimTime, port: u16) {
        let Some(listening) = self.listeners.remove(&port) else { return };
        for number in listening.requests {
            self.end(now, number, Socket::close);
        }
        for number in listening.ready {
            self.end(now, number, Socket::abort);
        }
    }

    fn end(&mut self, now: SimTime, number: usize, how: fn(&mut Socket, Cx<'_>)) {
        if let Some((connection, cx)) = self.connection(now, number) {
            how(&mut connection.socket, cx);
            connection.held = false;
        }
    }

    /// The application has closed its descriptor: the socket goes on alone.
    pub(crate) fn let_go(&mut self, number: usize) {
        if let Some(connection) = self.connections.iter_mut().find(|connection| connection.number == number) {
            connection.held = false;
        }
    }

    /// A segment arrives.
    pub(crate) fn deliver(&mut self, now: SimTime, segment: &Segment) {
        let ports = (segment.destination_port, segment.source_port);
        let place = self
            .connections
            .iter()
            .position(|c| (c.local_port, c.remote_port) == ports && c.socket.state() != State::Closed);
        let cx = Cx { now, kernel: &self.kernel };
        let opens = segment.flags.syn && !segment.flags.ack && !segment.flags.rst;
        match place {
            Some(place) if opens && self.gives_way(cx, place, segment) => {
                let old = self.connections.remove(place);
                let iss = next_iss(&old);
                self.handle_syn(now, segment, Some(iss));
            }
            Some(place) if self.connections[place].socket.completes_handshake(segment) => {
                self.complete(now, place, segment);
            }
            Some(place) => self.connections[place].socket.handle_segment(cx, segment),
            // What LISTEN throws away without an answer (tcp_rcv_state_process).
            None if !segment.flags.ack
                && (segment.flags.fin || !segment.flags.syn)
                && self.listeners.contains_key(&segment.destination_port) => {}
            None if opens => self.handle_syn(now, segment, None),
            None => self.outgoing.extend(reset_for(segment)),
        }
    }

    /// Whether a connection in TIME-WAIT makes room for the new one that a SYN asks for.
    fn gives_way(&self, cx: Cx<'_>, place: usize, segment: &Segment) -> bool {
        let connection = &self.connections[place];
        self.listeners.contains_key(&connection.local_port) && connection.socket.may_reuse(cx, segment)
    }

    fn handle_syn(&mut self, now: SimTime, segment: &Segment, iss: Option<Seq>) {
        let port = segment.destination_port;
        let Some(listening) = self.listeners.get_mut(&port) else {
            self.outgoing.extend(reset_for(segment));
            return;
        };
        match listening.listener.on_syn(&self.kernel) {
            Admission::Granted => {}
            Admission::Ignored => return,
            Admission::Refused => {
                self.outgoing.extend(reset_for(segment));
                return;
            }
        }
        listening.requests.push(self.created);
        let choices = listening.choices.clone();
        let mut id = self.identity(port, segment.source_port);
        id.iss = iss.unwrap_or(id.iss);
        let socket = Socket::accept(self.cx(now), id, segment);
        let number = self.add(id, socket, false);
        for choice in choices {
            self.choose(now, number, choice);
        }
    }

    /// A segment that would complete a handshake: the listener decides.
    fn complete(&mut self, now: SimTime, place: usize, segment: &Segment) {
        let Connection { number, local_port, .. } = self.connections[place];
        let Some(listening) = self.listeners.get_mut(&local_port) else { return };
        match listening.listener.on_established(&self.kernel) {
            Admission::Ignored => return,
            Admission::Granted => {
                listening.ready.push_back(number);
                let cx = Cx { now, kernel: &self.kernel };
                self.connections[place].socket.handle_segment(cx, segment);
            }
            Admission::Refused => {
                self.connections.remove(place);
                self.outgoing.extend(reset_for(segment));
            }
        }
        listening.requests.retain(|request| *request != number);
    }

    /// Drops connections that are over, and tells listeners of requests that died.
    fn forget_the_dead(&mut self) {
        let dead = |number: usize, all: &[Connection]| {
            all.iter().find(|c| c.number == number).is_none_or(|c| c.socket.state() == State::Closed)
        };
        for listening in self.listeners.values_mut() {
            let before = listening.requests.len();
            listening.requests.retain(|request| !dead(*request, &self.connections));
            for _ in listening.requests.len()..before {
                listening.listener.on_request_gone();
            }
        }
        self.connections.retain(|c| c.held || c.socket.state() != State::Closed);
    }

    /// The next segment that leaves now, if any.
    pub(crate) fn transmit(&mut self, now: SimTime) -> Option<Segment> {
        let cx = Cx { now, kernel: &self.kernel };
        let segment = self.connections.iter_mut().find_map(|connection| connection.socket.poll_transmit(cx));
        let segment = self.outgoing.pop_front().or(segment);
        if segment.is_none() {
            self.forget_the_dead();
        }
        segment
    }

    pub(crate) fn next_deadline(&self) -> Option<SimTime> {
        self.connections.iter().filter_map(|c| c.socket.next_deadline()).map(|(at, _)| at).chain(self.alarm).min()
    }

    pub(crate) fn handle_deadlines(&mut self, now: SimTime) {
        self.alarm = self.alarm.filter(|at| *at > now);
        let cx = Cx { now, kernel: &self.kernel };
        for connection in &mut self.connections {
            if connection.socket.next_deadline().is_some_and(|(at, _)| at <= now) {
                connection.socket.handle_deadline(cx);
            }
        }
    }

    /// Connections accepted from now on inherit an option that was set on their listener.
    pub(crate) fn inherit(&mut self, port: u16, choice: Choice) {
        if let Some(listening) = self.listeners.get_mut(&port) {
            listening.choices.push(choice);
        }
    }

    /// What `%{ ... }%` can ask for: facts of the conversation under test, and constants of the kernel.
    pub(crate) fn information(&self, now: SimTime, local_port: u16, remote_port: u16, name: &str) -> Option<i64> {
        if let Some(value) = information::constant(name) {
            return Some(value);
        }
        let connection = self.connections.iter().find(|c| (c.local_port, c.remote_port) == (local_port, remote_port));
        if name == "tcpi_state" {
            return Some(connection.map_or(7, |connection| information::state_number(connection.socket.state())));
        }
        let connection = connection?;
        information::field(&connection.socket.info(self.cx(now)), connection.opened, name)
    }

    /// Whether a connection waits for `accept`.
    pub(crate) fn has_waiting(&self, port: u16) -> bool {
        self.listeners.get(&port).is_some_and(|listening| !listening.ready.is_empty())
    }

    /// `listen` again on a listener: only the backlog changes.
    pub(crate) fn set_backlog(&mut self, port: u16, backlog: i64) {
        if let Some(listening) = self.listeners.get_mut(&port) {
            listening.listener.set_backlog(&self.kernel, u64::try_from(backlog).unwrap_or(u64::MAX));
        }
    }
}

/// The initial sequence number of a connection that takes over from one in TIME-WAIT (`tcp_timewait_state_process`).
fn next_iss(old: &Connection) -> Seq {
    let sent = u32::try_from(old.socket.transmitted()).unwrap_or(u32::MAX);
    // SYN, data and FIN, then 65535 + 2.
    old.iss.plus(1).plus(sent).plus(1).plus(65_537)
}
