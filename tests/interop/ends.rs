//! The two ends: farewell's socket and smoltcp's, each behind the same few calls.
//!
//! Both take datagrams and give datagrams, and both have an application that writes, reads, and ends as it is told.

use std::collections::VecDeque;

use farewell::net::segment::Seq;
use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Cx, Errno, Identity, Socket, State, reset_for};
use farewell::time::SimTime;
use smoltcp::iface::{Config, Interface, SocketHandle, SocketSet};
use smoltcp::phy::{Device, DeviceCapabilities, Medium, RxToken, TxToken};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{HardwareAddress, IpAddress, IpCidr};

use crate::wire::{ADDRESSES, datagram, segment};

/// The port that is listened at, and the port from which it is called.
const PORTS: [u16; 2] = [5_222, 40_000];

/// What a read came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    /// This many bytes.
    Bytes(usize),
    /// Nothing yet.
    Later,
    /// The peer's FIN came.
    End,
    /// The connection broke.
    Broken,
}

/// farewell's socket with its kernel.
pub(crate) struct Ours {
    kernel: Kernel,
    /// `None` while the listener waits for a SYN.
    pub(crate) socket: Option<Socket>,
    now: SimTime,
}

impl Ours {
    /// An end that listens, or that calls at once.
    pub(crate) fn new(kernel: Kernel, active: bool, now: SimTime) -> Self {
        let identity =
            Identity { local_port: PORTS[1], remote_port: PORTS[0], iss: Seq(u32::MAX - 9_000), ts_offset: 7 };
        let socket = active.then(|| Socket::connect(Cx { now, kernel: &kernel }, identity));
        Self { kernel, socket, now }
    }

    /// Does something with the socket, if there is one.
    pub(crate) fn act<T>(&mut self, now: SimTime, act: impl FnOnce(&mut Socket, Cx<'_>) -> T) -> Option<T> {
        self.now = now;
        self.socket.as_mut().map(|socket| act(socket, Cx { now, kernel: &self.kernel }))
    }

    pub(crate) fn arrive(&mut self, now: SimTime, bytes: &[u8]) -> Option<Vec<u8>> {
        let segment = segment(bytes);
        let open = self.socket.as_ref().is_some_and(|socket| socket.state() != State::Closed);
        if open {
            self.act(now, |socket, cx| socket.handle_segment(cx, &segment));
        } else if self.socket.is_none() && segment.flags.syn && !segment.flags.ack && !segment.flags.rst {
            let [local_port, remote_port] = PORTS;
            let identity = Identity { local_port, remote_port, iss: Seq(u32::MAX - 70_000), ts_offset: 7 };
            self.socket = Some(Socket::accept(Cx { now, kernel: &self.kernel }, identity, &segment));
        } else {
            return reset_for(&segment).map(|reset| datagram(&reset));
        }
        None
    }

    pub(crate) fn leave(&mut self) -> Option<Vec<u8>> {
        let cx = Cx { now: self.now, kernel: &self.kernel };
        self.socket.as_mut()?.poll_transmit(cx).map(|segment| datagram(&segment))
    }

    pub(crate) fn deadline(&self) -> Option<SimTime> {
        self.socket.as_ref()?.next_deadline().map(|(at, _)| at)
    }

    pub(crate) fn write(&mut self, now: SimTime, bytes: &[u8]) -> usize {
        self.act(now, |socket, cx| socket.send(cx, bytes)).and_then(Result::ok).unwrap_or(0)
    }

    pub(crate) fn read(&mut self, now: SimTime, into: &mut Vec<u8>, max: usize) -> Read {
        match self.act(now, |socket, cx| socket.recv(cx, into, max)) {
            Some(Ok(0)) => Read::End,
            Some(Ok(n)) => Read::Bytes(n),
            None | Some(Err(Errno::EAGAIN)) => Read::Later,
            Some(Err(_)) => Read::Broken,
        }
    }
}

/// smoltcp's interface as a pair of queues.
#[derive(Default)]
struct Queues {
    arrived: VecDeque<Vec<u8>>,
    leaving: VecDeque<Vec<u8>>,
}

struct Arrived(Vec<u8>);

struct Leaving<'a>(&'a mut VecDeque<Vec<u8>>);

impl RxToken for Arrived {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, read: F) -> R {
        read(&self.0)
    }
}

impl TxToken for Leaving<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, fill: F) -> R {
        let mut bytes = vec![0; len];
        let done = fill(&mut bytes);
        self.0.push_back(bytes);
        done
    }
}

impl Device for Queues {
    type RxToken<'a> = Arrived;
    type TxToken<'a> = Leaving<'a>;

    fn receive(&mut self, _now: Instant) -> Option<(Arrived, Leaving<'_>)> {
        let bytes = self.arrived.pop_front()?;
        Some((Arrived(bytes), Leaving(&mut self.leaving)))
    }

    fn transmit(&mut self, _now: Instant) -> Option<Leaving<'_>> {
        Some(Leaving(&mut self.leaving))
    }

    fn capabilities(&self) -> DeviceCapabilities {
        let mut capabilities = DeviceCapabilities::default();
        capabilities.medium = Medium::Ip;
        capabilities.max_transmission_unit = 1_500;
        capabilities
    }
}

/// How smoltcp is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setup {
    /// Bytes of each of its two buffers.
    pub(crate) buffer: usize,
    /// Nagle's algorithm.
    pub(crate) nagle: bool,
    /// Delayed acknowledgement.
    pub(crate) delayed_ack: bool,
    /// Timestamps (RFC 7323).
    pub(crate) timestamps: bool,
}

/// smoltcp's socket with its interface.
pub(crate) struct Theirs {
    interface: Interface,
    queues: Queues,
    sockets: SocketSet<'static>,
    handle: SocketHandle,
}

fn instant(now: SimTime) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap())
}

impl Theirs {
    /// An end that listens, or that calls at once.
    pub(crate) fn new(setup: Setup, active: bool, seed: u64, now: SimTime) -> Self {
        let mut queues = Queues::default();
        let mut config = Config::new(HardwareAddress::Ip);
        config.random_seed = seed;
        let mut interface = Interface::new(config, &mut queues, instant(now));
        let [ours, theirs] = ADDRESSES.map(IpAddress::Ipv4);
        interface.update_ip_addrs(|list| list.push(IpCidr::new(theirs, 24)).unwrap());
        let buffer = || tcp::SocketBuffer::new(vec![0; setup.buffer]);
        let mut socket = tcp::Socket::new(buffer(), buffer());
        socket.set_nagle_enabled(setup.nagle);
        socket.set_ack_delay(setup.delayed_ack.then_some(Duration::from_millis(10)));
        // A number that stands still is a legal clock (RFC 7323 §5.4 asks that it never goes back).
        socket.set_tsval_generator(setup.timestamps.then_some(|| 1_000));
        // smoltcp sends a RST once, and waits in FIN-WAIT-2 for ever: without these a lost RST leaves it there.
        socket.set_keep_alive(Some(Duration::from_secs(75)));
        socket.set_timeout(Some(Duration::from_secs(1_200)));
        if active {
            socket.connect(interface.context(), (ours, PORTS[0]), PORTS[1]).unwrap();
        } else {
            socket.listen(PORTS[0]).unwrap();
        }
        let mut sockets = SocketSet::new(Vec::new());
        let handle = sockets.add(socket);
        Self { interface, queues, sockets, handle }
    }

    pub(crate) fn socket(&mut self) -> &mut tcp::Socket<'static> {
        self.sockets.get_mut(self.handle)
    }

    pub(crate) fn arrive(&mut self, bytes: Vec<u8>) {
        self.queues.arrived.push_back(bytes);
    }

    /// Lets the interface work; what it sends comes out of [`Theirs::leave`].
    pub(crate) fn poll(&mut self, now: SimTime) {
        self.interface.poll(instant(now), &mut self.queues, &mut self.sockets);
    }

    pub(crate) fn leave(&mut self) -> Option<Vec<u8>> {
        self.queues.leaving.pop_front()
    }

    /// When it wants to work again; never before the next microsecond, having just worked.
    pub(crate) fn deadline(&mut self, now: SimTime) -> Option<SimTime> {
        let at = self.interface.poll_at(instant(now), &self.sockets)?;
        let at = u64::try_from(at.total_micros()).unwrap();
        Some(SimTime::from_micros(at.max(now.as_micros() + 1)))
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> usize {
        if self.socket().can_send() { self.socket().send_slice(bytes).unwrap() } else { 0 }
    }

    pub(crate) fn read(&mut self, into: &mut Vec<u8>, max: usize) -> Read {
        let mut bytes = vec![0; max];
        match self.socket().recv_slice(&mut bytes) {
            Ok(0) => Read::Later,
            Ok(n) => {
                into.extend_from_slice(&bytes[..n]);
                Read::Bytes(n)
            }
            Err(tcp::RecvError::Finished) => Read::End,
            Err(tcp::RecvError::InvalidState) => Read::Broken,
        }
    }
}
