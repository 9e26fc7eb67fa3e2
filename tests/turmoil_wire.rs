//! What the simulator takes for granted about turmoil's datagrams: with no latency and a large enough queue none is lost,
//! none overtakes another, none is late, and none costs more because others are in flight.

#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the test stands where the driver of turmoil stands"
)]

use std::cell::RefCell;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::timeout_at;
use turmoil::net::UdpSocket;
use turmoil::{Builder, Sim};

const PORT: u16 = 9;
const TICK: Duration = Duration::from_millis(10);
const HOSTS: [&str; 2] = ["clients", "server"];

/// What one host saw of the other's datagrams.
#[derive(Default)]
struct Seen {
    received: u32,
    out_of_order: u32,
    late: u32,
    damaged: u32,
}

type Log = Rc<RefCell<[Seen; 2]>>;

/// The cheapest wire: what is sent goes straight to the queue of deliverables, so the list of datagrams in flight,
/// which turmoil walks through for every datagram sent, stays empty.
fn wire(queue: usize) -> Sim<'static> {
    Builder::new()
        .tick_duration(TICK)
        .simulation_duration(Duration::from_secs(3_600))
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::ZERO)
        .fail_rate(0.0)
        .udp_capacity(queue)
        .rng_seed(0)
        .build()
}

/// A datagram: its number, when it was sent, and a filling that depends on both.
fn datagram(number: u32, sent: Duration) -> Vec<u8> {
    let sent = u64::try_from(sent.as_micros()).expect("the run is short");
    let mut bytes = number.to_be_bytes().to_vec();
    bytes.extend_from_slice(&sent.to_be_bytes());
    bytes.resize(12 + number as usize % 200, number.to_be_bytes()[3]);
    bytes
}

fn note(bytes: &[u8], seen: &mut Seen) {
    let number = u32::from_be_bytes(bytes[..4].try_into().expect("four bytes"));
    let sent = Duration::from_micros(u64::from_be_bytes(bytes[4..12].try_into().expect("eight bytes")));
    // On time is: before anything of the tick that follows the one in which it was sent.
    let next_tick = u32::try_from(sent.as_micros() / TICK.as_micros()).expect("the run is short") + 1;
    seen.late += u32::from(turmoil::sim_elapsed().expect("inside a host") > TICK * next_tick);
    seen.out_of_order += u32::from(number != seen.received);
    seen.damaged += u32::from(bytes != datagram(number, sent));
    seen.received += 1;
}

/// Sends a burst every 3 ms, so at many places within a tick, and takes in what comes in the meantime.
async fn card(me: usize, quiet: Duration, bursts: u32, burst: u32, log: Log) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    let peer = SocketAddr::new(turmoil::lookup(HOSTS[1 - me]), PORT);
    let start = tokio::time::Instant::now();
    let mut sent_bursts = 0;
    let mut buffer = [0; 2_048];
    loop {
        let next = if sent_bursts < bursts { Duration::from_millis(3) * (sent_bursts + 1) } else { 360 * TICK };
        let timed_out = timeout_at(start + quiet + next, socket.readable()).await.is_err();
        while let Ok((length, _)) = socket.try_recv_from(&mut buffer) {
            note(&buffer[..length], &mut log.borrow_mut()[me]);
        }
        if timed_out && sent_bursts < bursts {
            let now = turmoil::sim_elapsed().expect("inside a host");
            for number in sent_bursts * burst..(sent_bursts + 1) * burst {
                socket.try_send_to(&datagram(number, now), peer)?;
            }
            sent_bursts += 1;
        }
    }
}

/// Both hosts send bursts to each other after a quiet time; a hundred ticks pass.
fn exchange(queue: usize, quiet: Duration, bursts: u32, burst: u32) -> Log {
    let log = Log::default();
    let mut sim = wire(queue);
    for (me, name) in HOSTS.into_iter().enumerate() {
        let log = Rc::clone(&log);
        sim.host(name, move || card(me, quiet, bursts, burst, Rc::clone(&log)));
    }
    for _ in 0..100 {
        sim.step().expect("no host fails");
    }
    log
}

#[test]
fn ten_thousand_datagrams_a_tick_arrive_whole_in_order_and_in_time() {
    let log = exchange(1 << 20, TICK, 60, 3_500);
    for seen in log.borrow().iter() {
        assert_eq!((seen.received, seen.out_of_order, seen.late, seen.damaged), (60 * 3_500, 0, 0, 0));
    }
}

#[test]
fn a_queue_that_is_too_small_loses_datagrams_without_a_word() {
    let log = exchange(64, TICK, 1, 100);
    for seen in log.borrow().iter() {
        assert_eq!(seen.received, 64);
    }
}

#[test]
fn a_card_that_is_not_up_yet_loses_datagrams_without_a_word() {
    // Hosts run one after the other: in its first tick the first one sends to a second that has not begun.
    let log = exchange(1 << 20, Duration::ZERO, 1, 100);
    let [clients, server] = &*log.borrow();
    assert_eq!((clients.received, server.received), (100, 0));
}

#[test]
fn a_tick_shorter_than_a_millisecond_is_none() {
    // tokio's timers count milliseconds: the host's clock runs ahead of the simulation's.
    let clock = Rc::new(RefCell::new(Duration::ZERO));
    let mut sim = Builder::new().tick_duration(Duration::from_micros(250)).build();
    let shared = Rc::clone(&clock);
    sim.client("host", async move {
        let start = tokio::time::Instant::now();
        loop {
            timeout_at(tokio::time::Instant::now() + Duration::from_millis(1), std::future::pending::<IpAddr>())
                .await
                .expect_err("nothing else ends the wait");
            *shared.borrow_mut() = start.elapsed();
        }
    });
    for _ in 0..40 {
        sim.step().expect("the host goes on");
    }
    assert_eq!(sim.elapsed(), Duration::from_millis(10));
    assert!(*clock.borrow() > Duration::from_millis(30), "{:?}", clock.borrow());
}
