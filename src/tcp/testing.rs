//! Tools for unit tests: [`Dialogue`], where a test plays the peer of one socket segment by segment, and [`Pair`],
//! two sockets with a lossy link between them.

use std::collections::BTreeMap;

use crate::net::segment::{Flags, Options, Segment, Seq};
use crate::rng::{Purpose, Rng};
use crate::tcp::sysctl::Kernel;
use crate::tcp::{Cx, Errno, Identity, Socket, State, reset_for};
use crate::time::{Micros, SimTime};

pub(super) const US: Identity = Identity { local_port: 5_222, remote_port: 40_000, iss: Seq(0), ts_offset: 0 };

/// A length of milliseconds.
pub(super) const fn ms(n: u64) -> Micros {
    Micros::from_millis(n)
}

/// The peer's options in a [`Dialogue`]: none but the segment size, or what a modern host offers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    Plain,
    Modern,
}

/// One socket whose peer is the test.
pub(super) struct Dialogue {
    pub(super) kernel: Kernel,
    pub(super) socket: Socket,
    now: SimTime,
    /// Next sequence numbers of the peer and of ours, as the peer sees them.
    peer: u32,
    stamp: Option<u32>,
}

/// What is expected of a segment: flags as packetdrill writes them, place, length and acknowledgement.
pub(super) fn shape(segment: &Segment) -> String {
    let f = segment.flags;
    let letters: String = [(f.fin, 'F'), (f.syn, 'S'), (f.rst, 'R'), (f.psh, 'P'), (f.ack, '.')]
        .into_iter()
        .filter_map(|(on, letter)| on.then_some(letter))
        .collect();
    let start = segment.seq.0;
    let len = u32::try_from(segment.payload.len()).unwrap();
    let ack = if f.ack { format!(" ack {}", segment.ack.0) } else { String::new() };
    format!("{letters} {start}:{}({len}){ack}", start.wrapping_add(len))
}

impl Dialogue {
    /// A connection that the peer opened, established 20 ms after its SYN-ACK left, as in the packetdrill scripts.
    pub(super) fn established(kernel: Kernel, peer: Peer) -> Self {
        let now = SimTime::from_micros(1_000_000);
        let syn = Segment {
            flags: Flags { syn: true, ..Flags::default() },
            window: 32_792,
            options: Options {
                mss: Some(1_000),
                sack_permitted: peer == Peer::Modern,
                window_scale: (peer == Peer::Modern).then_some(0),
                timestamps: (peer == Peer::Modern).then_some((1, 0)),
                ..Options::default()
            },
            ..Segment::default()
        };
        let socket = Socket::accept(Cx { now, kernel: &kernel }, US, &syn);
        let stamp = (peer == Peer::Modern).then_some(1);
        let mut dialogue = Self { kernel, socket, now, peer: 1, stamp };
        assert_eq!(dialogue.next_shape().as_deref(), Some("S. 0:0(0) ack 0"), "the SYN took number 0");
        dialogue.wait(ms(20));
        dialogue.peer_sends(".", 0, 1);
        assert_eq!(dialogue.socket.state(), State::Established);
        dialogue.then_silence();
        dialogue
    }

    pub(super) fn act<T>(&mut self, act: impl FnOnce(&mut Socket, Cx<'_>) -> T) -> T {
        act(&mut self.socket, Cx { now: self.now, kernel: &self.kernel })
    }

    fn next(&mut self) -> Option<Segment> {
        self.act(Socket::poll_transmit)
    }

    fn next_shape(&mut self) -> Option<String> {
        self.next().map(|mut segment| {
            // The peer's numbers begin at 0 with its SYN; SYN-ACKs show what they acknowledge as 0 for clarity.
            if segment.flags.syn {
                segment.ack = Seq(0);
            }
            shape(&segment)
        })
    }

    /// The peer sends `len` bytes with these flags, acknowledging up to `ack`.
    pub(super) fn peer_sends(&mut self, flags: &str, len: usize, ack: u32) {
        let start = self.peer;
        self.peer_sends_at(start, flags, len, ack);
        self.peer = start.wrapping_add(u32::try_from(len).unwrap()) + u32::from(flags.contains('F'));
    }

    /// The same from another place of its stream.
    pub(super) fn peer_sends_at(&mut self, start: u32, flags: &str, len: usize, ack: u32) {
        self.peer_sends_sack(start, flags, len, ack, &[]);
    }

    /// The same with SACK blocks.
    pub(super) fn peer_sends_sack(&mut self, start: u32, flags: &str, len: usize, ack: u32, sack: &[(u32, u32)]) {
        let mut segment = Segment {
            source_port: US.remote_port,
            destination_port: US.local_port,
            seq: Seq(start),
            ack: Seq(ack),
            flags: Flags {
                syn: flags.contains('S'),
                fin: flags.contains('F'),
                rst: flags.contains('R'),
                psh: flags.contains('P'),
                ack: flags.contains('.'),
            },
            window: 32_792,
            payload: vec![b'x'; len],
            ..Segment::default()
        };
        for (slot, (a, b)) in segment.options.sack.iter_mut().zip(sack) {
            *slot = Some((Seq(*a), Seq(*b)));
        }
        let echo = u32::try_from(self.now.as_micros() / 1_000).unwrap() - 20;
        segment.options.timestamps = self.stamp.map(|value| (value, echo));
        self.act(|socket, cx| socket.handle_segment(cx, &segment));
    }

    /// Exactly this leaves next, now.
    pub(super) fn we_send(&mut self, expected: &str) {
        let found = self.next_shape();
        assert_eq!(found.as_deref(), Some(expected), "at {}", self.now);
    }

    /// Nothing more leaves now.
    pub(super) fn then_silence(&mut self) {
        let found = self.next_shape();
        assert_eq!(found, None, "at {}", self.now);
    }

    /// Lets time pass; nothing may leave meanwhile.
    pub(super) fn wait(&mut self, time: Micros) {
        let end = self.now + time;
        while let Some((at, _)) = self.socket.next_deadline().filter(|(at, _)| *at <= end) {
            self.now = self.now.max(at);
            self.act(Socket::handle_deadline);
            self.then_silence();
        }
        self.now = end;
    }

    /// The next segment is this, and leaves between `from` and `to` from now.
    pub(super) fn later_we_send(&mut self, from: Micros, to: Micros, expected: &str) {
        let start = self.now;
        loop {
            let (at, _) = self.socket.next_deadline().expect("a timer is pending");
            assert!(at <= start + to, "nothing left until {at}, {expected} was to leave");
            self.now = self.now.max(at);
            self.act(Socket::handle_deadline);
            if let Some(found) = self.next_shape() {
                assert_eq!(found, expected);
                assert!(self.now >= start + from, "left early, at {}", self.now);
                return;
            }
        }
    }

    pub(super) fn read(&mut self) -> Result<usize, Errno> {
        let mut buf = Vec::new();
        self.act(|socket, cx| socket.recv(cx, &mut buf, 100_000))
    }

    pub(super) fn write(&mut self, len: usize) -> Result<usize, Errno> {
        let data = vec![b'y'; len];
        self.act(|socket, cx| socket.send(cx, &data))
    }
}

/// What the link between a [`Pair`] does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) delay: Micros,
    /// Up to this much more, uniformly: reordering.
    pub(super) jitter: Micros,
    pub(super) loss: f64,
    pub(super) duplicate: f64,
    /// Nothing overtakes.
    pub(super) in_order: bool,
}

/// Two sockets and what is on its way between them.
pub(super) struct Pair {
    pub(super) kernel: Kernel,
    pub(super) ends: [Option<Socket>; 2],
    pub(super) now: SimTime,
    link: Link,
    rng: Rng,
    /// When the last segment arrives at each end.
    last: [SimTime; 2],
    on_the_way: BTreeMap<(SimTime, u64), (usize, Segment)>,
    sent: u64,
    /// Segments put on the wire so far.
    pub(super) segments: u64,
}

impl Pair {
    /// End 0 calls end 1.
    pub(super) fn new(kernel: Kernel, link: Link, seed: u64) -> Self {
        let now = SimTime::from_micros(1_000 + seed % 4_000);
        let id = Identity { local_port: 40_000, remote_port: 5_222, iss: Seq(u32::MAX - 500), ts_offset: 77 };
        let caller = Socket::connect(Cx { now, kernel: &kernel }, id);
        let rng = Rng::new(seed, 0, Purpose::LossUp);
        let mut pair = Self {
            kernel,
            ends: [Some(caller), None],
            now,
            link,
            rng,
            last: [now; 2],
            on_the_way: BTreeMap::new(),
            sent: 0,
            segments: 0,
        };
        pair.flush(0);
        pair
    }

    pub(super) fn unit(&mut self) -> f64 {
        self.rng.unit()
    }

    pub(super) fn act<T>(&mut self, end: usize, act: impl FnOnce(&mut Socket, Cx<'_>) -> T) -> Option<T> {
        let cx = Cx { now: self.now, kernel: &self.kernel };
        let done = self.ends[end].as_mut().map(|socket| act(socket, cx));
        self.flush(end);
        done
    }

    fn flush(&mut self, end: usize) {
        loop {
            let cx = Cx { now: self.now, kernel: &self.kernel };
            let Some(segment) = self.ends[end].as_mut().and_then(|socket| socket.poll_transmit(cx)) else { break };
            self.put(end, &segment);
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    fn put(&mut self, from: usize, segment: &Segment) {
        self.segments += 1;
        let copies = 1 + usize::from(self.rng.happens(self.link.duplicate));
        for _ in 0..copies {
            let lost = self.rng.happens(self.link.loss);
            let more = Micros::new((self.rng.unit() * self.link.jitter.get() as f64) as u64);
            if !lost {
                let mut at = self.now + self.link.delay + more;
                if self.link.in_order {
                    at = at.max(self.last[1 - from]);
                    self.last[1 - from] = at;
                }
                self.on_the_way.insert((at, self.sent), (1 - from, segment.clone()));
                self.sent += 1;
            }
        }
    }

    /// When anything happens next.
    pub(super) fn next(&self) -> Option<SimTime> {
        let arrival = self.on_the_way.keys().next().map(|(at, _)| *at);
        let timers = self.ends.iter().flatten().filter_map(Socket::next_deadline).map(|(at, _)| at);
        timers.chain(arrival).min()
    }

    /// Lets everything happen until `end`.
    pub(super) fn run_until(&mut self, end: SimTime) {
        while let Some(at) = self.next().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            if let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= at) {
                let (to, segment) = entry.remove();
                self.deliver(to, &segment);
            } else {
                for end in 0..2 {
                    self.act(end, Socket::handle_deadline);
                }
            }
        }
        self.now = self.now.max(end);
    }

    fn deliver(&mut self, to: usize, segment: &Segment) {
        let closed = self.ends[to].as_ref().is_none_or(|socket| socket.state() == State::Closed);
        if !closed {
            self.act(to, |socket, cx| socket.handle_segment(cx, segment));
            return;
        }
        let flags = segment.flags;
        if to == 1 && self.ends[1].is_none() && flags.syn && !flags.ack {
            let id = Identity { local_port: 5_222, remote_port: 40_000, iss: Seq(u32::MAX - 99), ts_offset: 5 };
            self.ends[1] = Some(Socket::accept(Cx { now: self.now, kernel: &self.kernel }, id, segment));
            self.flush(1);
        } else if let Some(reset) = reset_for(segment) {
            self.put(to, &reset);
        }
    }
}
