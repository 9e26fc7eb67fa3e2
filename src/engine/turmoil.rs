//! The reference engine: the `turmoil` crate as the wire.
//!
//! Each turmoil host is a rack of machines with one UDP socket as its network card; each datagram is one IP packet.
//! One host carries the server, a few carry the clients. A link's verdict has already fixed when a packet arrives:
//! that instant travels in the frame, and the receiving card holds the packet until then. turmoil's clock
//! ticks; a card that wakes at clock T handles everything due before T, each thing at its own exact
//! microsecond. A frame reaches the other card at most two ticks after the packet left, so that arrivals are exact
//! as long as no link is faster than two ticks. That is checked before a run and asserted for every frame.
//!
//! tokio's timers, and so turmoil's clock, count whole milliseconds. A millisecond of turmoil's clock stands for one
//! tick of simulated time, whatever its length: half the fastest link's latency, within limits.
#![expect(clippy::disallowed_methods, reason = "this driver waits on turmoil's simulated clock")]

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::{Duration, UNIX_EPOCH};

use turmoil::net::UdpSocket;

use crate::engine::station::Station;
use crate::engine::{
    Engine, NodeRun, PROGRESS_STEP, Progress, RunError, Trace, Unwatched, Witness, end_of, lost_witness, refuse_faster,
};
use crate::host::{Effects, Host, Plan};
use crate::id::{Side, StreamId};
use crate::ledger::book::Book;
use crate::ledger::record::NodeLedger;
use crate::net::packet::Packet;
use crate::scenario::Scenario;
use crate::time::{Micros, SimTime};

/// The engine that runs hosts on the `turmoil` crate.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turmoil;

/// A shorter tick would cost more than anybody waits for: each takes some 10 us of real time.
const SHORTEST_TICK: Micros = Micros::new(50);

/// A longer tick saves little and makes bursts of frames.
const LONGEST_TICK: Micros = Micros::from_millis(10);

/// The UDP port of every network card.
const CARD_PORT: u16 = 9;

/// What one tick is on turmoil's clock.
const TURMOIL_TICK: Duration = Duration::from_millis(1);

/// Client racks of a node.
const CLIENT_HOSTS: usize = 2;

/// Largest frame: header and a segment with 64 KiB of payload.
const LARGEST_FRAME: usize = 66_000;

impl Engine for Turmoil {
    fn name(&self) -> &'static str {
        "turmoil"
    }

    fn accepts(&self, scenario: &Scenario) -> Result<(), RunError> {
        refuse_faster(scenario, self.name(), SHORTEST_TICK * 2)
    }

    fn run(&self, node: &NodeRun<'_>, progress: &dyn Progress) -> Result<NodeLedger, RunError> {
        self.accepts(node.scenario)?;
        Ok(simulate(node, None, Trace::default(), progress)?.0)
    }

    fn trace(&self, node: &NodeRun<'_>, stream: StreamId) -> Result<(NodeLedger, Trace), RunError> {
        self.accepts(node.scenario)?;
        simulate(node, Some(stream), Trace::default(), &Unwatched)
    }

    fn witness(&self, node: &NodeRun<'_>, witness: Witness) -> Result<(NodeLedger, Witness), RunError> {
        self.accepts(node.scenario)?;
        let (ledger, trace) = simulate(node, None, Trace::witnessed(witness), &Unwatched)?;
        trace.into_witness().map(|witness| (ledger, witness)).ok_or_else(lost_witness)
    }
}

/// What all cards of a node share: one thread runs them all.
struct Wire {
    plan: Rc<Plan>,
    end: SimTime,
    tick: Micros,
    book: RefCell<Book>,
    trace: RefCell<Trace>,
    stations: RefCell<Vec<Station>>,
    in_flight: Cell<usize>,
    client_hosts: usize,
}

fn simulate(
    node: &NodeRun<'_>,
    traced: Option<StreamId>,
    trace: Trace,
    progress: &dyn Progress,
) -> Result<(NodeLedger, Trace), RunError> {
    let wire = Rc::new(Wire::new(node, traced, trace));
    let mut sim = turmoil::Builder::new()
        .epoch(UNIX_EPOCH)
        .rng_seed(node.seed)
        .tick_duration(TURMOIL_TICK)
        .simulation_duration(Duration::MAX)
        .min_message_latency(Duration::ZERO)
        .max_message_latency(Duration::ZERO)
        .udp_capacity(usize::MAX >> 4)
        .build();
    for card in 0..=wire.client_hosts {
        sim.client(card_name(card), run_card(Rc::clone(&wire), card));
    }
    let last = wire.end + wire.tick * 2;
    let (mut clock, mut told) = (SimTime::ZERO, SimTime::ZERO);
    while clock < last && !wire.is_quiet() {
        sim.step().map_err(|e| RunError::Failed(format!("turmoil: {e}")))?;
        clock += wire.tick;
        if clock.since(told) >= PROGRESS_STEP {
            progress.reached(clock.min(wire.end))?;
            told = clock;
        }
        if let Some(imbalance) = wire.book.borrow().imbalance() {
            return Err(imbalance.clone().into());
        }
    }
    progress.reached(wire.end)?;
    drop(sim);
    wire.close()
}

fn card_name(card: usize) -> String {
    format!("card{card}")
}

/// One network card with its rack: card 0 is the server's.
async fn run_card(wire: Rc<Wire>, card: usize) -> turmoil::Result {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, CARD_PORT)).await?;
    let addresses: Vec<SocketAddr> =
        (0..=wire.client_hosts).map(|c| SocketAddr::new(turmoil::lookup(card_name(c)), CARD_PORT)).collect();
    let (mut received, mut frame) = (vec![0; LARGEST_FRAME], Vec::new());
    let mut packets = Vec::new();
    let mut handled = SimTime::ZERO;
    loop {
        while let Ok((length, _)) = socket.try_recv_from(&mut received) {
            wire.receive(card, &received[..length], handled)?;
        }
        let clock = wire.clock();
        handled = clock.min(wire.end);
        let next = wire.run_before(card, handled, &mut packets);
        for packet in packets.drain(..) {
            let target = addresses[wire.card_of(&packet)];
            frame.clear();
            packet.encode(&mut frame);
            socket.try_send_to(&frame, target)?;
        }
        // The first tick after the next thing that is due; without one, only a frame can wake this card.
        let wake = next.filter(|n| *n < wire.end).map(|n| wire.tick_after(n));
        let wait = wake.map_or(Duration::MAX, |w| TURMOIL_TICK * wire.ticks(w.since(clock)));
        if let Ok(readable) = tokio::time::timeout(wait, socket.readable()).await {
            readable?;
        }
    }
}

impl Wire {
    fn new(node: &NodeRun<'_>, traced: Option<StreamId>, trace: Trace) -> Self {
        let plan = Rc::new(Plan::new(node.scenario, node.contender, node.seed, node.node));
        let one_machine = plan.scenario().server_side() == Side::Client;
        let client_hosts = if one_machine { 1 } else { CLIENT_HOSTS.min(plan.len()).max(1) };
        let clients = (0..client_hosts).map(|c| Host::clients(&plan, c, client_hosts));
        let stations = std::iter::once(Host::server(&plan)).chain(clients).map(Station::new).collect();
        let book = Book::new(node.node, plan.entries());
        let half = Micros::new(node.scenario.fastest_latency().get() / 2);
        Self {
            end: end_of(node.scenario),
            tick: half.clamp(SHORTEST_TICK, LONGEST_TICK),
            book: RefCell::new(book),
            trace: RefCell::new(traced.map_or(trace, |s| Trace::new(Some(plan.local_number(s))))),
            stations: RefCell::new(stations),
            in_flight: Cell::new(0),
            client_hosts,
            plan,
        }
    }

    /// Nothing is due anywhere and nothing is under way: the rest of the run changes nothing.
    fn is_quiet(&self) -> bool {
        self.in_flight.get() == 0 && self.stations.borrow().iter().all(|s| s.next().is_none_or(|n| n >= self.end))
    }

    /// Simulated time as the card that runs now sees it.
    fn clock(&self) -> SimTime {
        let ticks = turmoil::elapsed().as_millis() / TURMOIL_TICK.as_millis();
        SimTime::ZERO + self.tick * u64::try_from(ticks).unwrap_or(u64::MAX)
    }

    fn ticks(&self, length: Micros) -> u32 {
        u32::try_from(length.get() / self.tick.get()).unwrap_or(u32::MAX)
    }

    fn tick_after(&self, t: SimTime) -> SimTime {
        SimTime::from_micros((t.as_micros() / self.tick.get() + 1) * self.tick.get())
    }

    fn card_of(&self, packet: &Packet) -> usize {
        let client = self.plan.local_of(packet, Side::Client);
        client.map_or(0, |local| 1 + self.plan.first_life(local) % self.client_hosts)
    }

    fn receive(&self, card: usize, frame: &[u8], handled: SimTime) -> Result<(), String> {
        let packet = Packet::decode(frame).map_err(|e| format!("a frame of {} bytes: {e}", frame.len()))?;
        if packet.arrival < handled {
            return Err(format!("a frame came too late: due at {}, handled up to {handled}", packet.arrival));
        }
        self.in_flight.set(self.in_flight.get() - 1);
        self.stations.borrow_mut()[card].hold(packet);
        Ok(())
    }

    fn run_before(&self, card: usize, limit: SimTime, packets: &mut Vec<Packet>) -> Option<SimTime> {
        let (mut book, mut trace) = (self.book.borrow_mut(), self.trace.borrow_mut());
        let mut stations = self.stations.borrow_mut();
        let mut effects = Effects { packets, book: &mut book, trace: &mut trace };
        stations[card].run_before(limit, &mut effects);
        self.in_flight.set(self.in_flight.get() + effects.packets.len());
        stations[card].next()
    }

    fn close(self: Rc<Self>) -> Result<(NodeLedger, Trace), RunError> {
        let wire = Rc::into_inner(self).ok_or_else(|| RunError::Failed("a card outlived its run".into()))?;
        let mut book = wire.book.into_inner();
        for station in wire.stations.into_inner() {
            station.into_host().finish(wire.end, &mut book);
        }
        Ok((book.close(wire.end)?, wire.trace.into_inner()))
    }
}
