//! Segments a second through two sockets on a link of 20 ms each way.
//!
//! `cargo bench --bench socket`; divan prints the segments a second, both ends together: built, carried, handled, answered.

use std::collections::BTreeMap;

use divan::Bencher;
use divan::counter::ItemsCount;
use farewell::dist::Distribution;
use farewell::net::link::{Direction, DirectionConfig, LossModel, Verdict};
use farewell::net::segment::{Segment, Seq};
use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Cx, Identity, Socket};
use farewell::time::{Micros, SimTime};
use mimalloc::MiMalloc;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Bytes that one end writes to the other: a thousand full segments.
const TRANSFER: u64 = 1_448_000;

fn main() {
    divan::main();
}

/// Two sockets, the link between them and what is on its way.
struct Pair {
    kernel: Kernel,
    config: DirectionConfig,
    links: [Direction; 2],
    /// The caller, and the one that is called once its SYN has come.
    ends: [Option<Socket>; 2],
    on_the_way: BTreeMap<(SimTime, u64), (usize, Segment)>,
    now: SimTime,
    segments: u64,
}

impl Pair {
    /// The caller's SYN is on its way.
    fn new(loss: f64) -> Self {
        let (kernel, now) = (Kernel::default(), SimTime::from_micros(1_000));
        let config = DirectionConfig {
            latency: Distribution::Constant(20_000.0),
            latency_floor: Micros::ZERO,
            reorder: false,
            loss: LossModel::Independent(loss),
            duplicate: 0.0,
            rate: None,
        };
        let identity = Identity { local_port: 40_000, remote_port: 5_222, iss: Seq(1), ts_offset: 0 };
        let caller = Socket::connect(Cx { now, kernel: &kernel }, identity);
        let links = [Direction::new(1, 0, true), Direction::new(1, 0, false)];
        let on_the_way = BTreeMap::new();
        let mut pair = Self { kernel, config, links, ends: [Some(caller), None], on_the_way, now, segments: 0 };
        pair.leave(0);
        pair
    }

    /// The segments of one end enter the link.
    fn leave(&mut self, end: usize) {
        let cx = Cx { now: self.now, kernel: &self.kernel };
        let Some(socket) = &mut self.ends[end] else { return };
        while let Some(segment) = socket.poll_transmit(cx) {
            self.segments += 1;
            let verdict = self.links[end].verdict(&self.config, self.now, segment.wire_length());
            if let Verdict::Deliver(at) | Verdict::DeliverTwice(at, _) = verdict {
                self.on_the_way.insert((at, self.segments), (1 - end, segment));
            }
        }
    }

    /// A segment arrives; the first at the called end is the SYN.
    fn arrive(&mut self, end: usize, segment: &Segment) {
        let cx = Cx { now: self.now, kernel: &self.kernel };
        if let Some(socket) = &mut self.ends[end] {
            socket.handle_segment(cx, segment);
        } else {
            let identity = Identity { local_port: 5_222, remote_port: 40_000, iss: Seq(1), ts_offset: 0 };
            self.ends[end] = Some(Socket::accept(cx, identity, segment));
        }
    }

    /// The next thing that is due: the earlier of an arrival and a deadline.
    fn step(&mut self) {
        let deadline = |end: &Option<Socket>| end.as_ref().and_then(Socket::next_deadline).map(|(at, _)| at);
        let deadline = self.ends.iter().filter_map(deadline).min().unwrap_or(SimTime::MAX);
        if let Some(entry) = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= deadline) {
            self.now = entry.key().0;
            let (end, segment) = entry.remove();
            self.arrive(end, &segment);
        } else {
            assert!(deadline < SimTime::MAX, "nothing is due before the transfer is over");
            self.now = deadline;
            let cx = Cx { now: self.now, kernel: &self.kernel };
            self.ends.iter_mut().flatten().for_each(|socket| socket.handle_deadline(cx));
        }
    }
}

/// Opens a connection and moves the transfer from the caller to the called end, each writing and reading what it can at
/// any time. Returns the number of segments that both sent.
fn transfer(loss: f64, data: &[u8], buffer: &mut Vec<u8>) -> u64 {
    let mut pair = Pair::new(loss);
    let mut written = 0;
    while pair.ends[1].as_ref().is_none_or(|called| called.read() < TRANSFER) {
        pair.step();
        let cx = Cx { now: pair.now, kernel: &pair.kernel };
        let [writer, reader] = &mut pair.ends;
        if let Some(n) = writer.as_mut().and_then(|writer| writer.send(cx, &data[written..]).ok()) {
            written += n;
        }
        buffer.clear();
        if let Some(reader) = reader.as_mut().filter(|reader| reader.is_readable()) {
            reader.recv(cx, buffer, usize::MAX).expect("data of an open connection");
        }
        pair.leave(0);
        pair.leave(1);
    }
    pair.segments
}

/// The share of lost segments, both ways.
#[divan::bench(args = [0.0, 0.05])]
fn segments(bencher: Bencher<'_, '_>, loss: f64) {
    let data = vec![b'x'; usize::try_from(TRANSFER).expect("a small number")];
    let mut buffer = Vec::new();
    let sent = transfer(loss, &data, &mut buffer);
    bencher.counter(ItemsCount::new(sent)).bench_local(|| transfer(loss, &data, &mut buffer));
}
