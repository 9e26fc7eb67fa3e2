//! Events a second of the agenda under which an engine drives a host whose streams share their time.
//!
//! `cargo bench --bench queue`; divan prints the events a second at so many streams.

use std::net::Ipv4Addr;

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use farewell::engine::agenda::{Agenda, Due};
use farewell::net::packet::Packet;
use farewell::net::segment::Segment;
use farewell::time::{Micros, SimTime};

/// Events of a sample.
const EVENTS: u64 = 10_000;

/// From the departure of a packet to its arrival.
const LATENCY: Micros = Micros::from_millis(20);

/// A host wants to be called again after this, and then moves it away with every packet, as a retransmission timer.
const TIMEOUT: Micros = Micros::from_millis(200);

/// The streams begin within this.
const SPREAD: Micros = Micros::from_millis(20);

fn main() {
    divan::main();
}

fn packet(now: SimTime, number: u32) -> Packet {
    let ip = Ipv4Addr::LOCALHOST;
    let segment = Segment::default();
    Packet { source: ip, destination: ip, departure: now, arrival: now + LATENCY, number, segment }
}

/// Every stream has one packet on its way; each that arrives sends the next and moves the stream's deadline.
#[divan::bench(args = [1_000, 10_000, 100_000])]
fn events(bencher: Bencher<'_, '_>, streams: u32) {
    let mut agenda = Agenda::new(streams as usize);
    for stream in 0..streams {
        let begins = SPREAD.get() * u64::from(stream) / u64::from(streams);
        agenda.add_packet(stream as usize, packet(SimTime::from_micros(begins), 0));
    }
    let mut number = 0;
    bencher.counter(ItemsCount::new(EVENTS)).bench_local(|| {
        for _ in 0..EVENTS {
            let (now, slot, due) = agenda.pop_before(SimTime::MAX).expect("a packet is always on its way");
            if let Due::Packet(arrived) = black_box(due) {
                number = arrived.number.wrapping_add(1);
                agenda.add_packet(slot, packet(now, number));
            }
            agenda.arm(slot, Some(now + TIMEOUT));
        }
    });
}
