//! One direction of a link: bandwidth, then loss and duplication, then latency. Knows no TCP state.

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::net::bandwidth::Line;
use crate::net::disturbance::Overlay;
use crate::net::firewall::Firewall;
use crate::net::latency::{self, Latency};
use crate::net::loss::{Copies, Loss};
use crate::net::middlebox::Middlebox;
use crate::net::proxy::Proxy;
use crate::net::segment::Segment;
use crate::rng::{Purpose, Rng};
use crate::time::{Micros, SimTime};

pub use crate::net::bandwidth::RateLimit;
pub use crate::net::loss::LossModel;

/// A link between a peer and its server: each direction by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LinkConfig {
    /// From client to server.
    pub up: DirectionConfig,
    /// From server to client.
    pub down: DirectionConfig,
    /// What stands between the client and the link, if anything does.
    pub middlebox: Option<Middlebox>,
    /// What stands between the link and the server, for all streams of a node and class together, if anything does.
    pub firewall: Option<Firewall>,
    /// What ends the client's connection before the server, and has one of its own to it, if anything does.
    pub proxy: Option<Proxy>,
}

/// What one direction of a link does to packets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionConfig {
    /// One-way latency in microseconds, drawn for each packet. Never below [`DirectionConfig::latency_floor`].
    pub latency: Distribution,
    /// Draws below this are raised to it, so that an engine may rely on it (the tick of turmoil).
    pub latency_floor: Micros,
    /// Whether a packet may overtake another: otherwise it arrives no earlier than the one before it.
    pub reorder: bool,
    /// Loss of packets of every kind.
    pub loss: LossModel,
    /// Probability that a packet that is not lost arrives twice, the copy with a latency of its own.
    pub duplicate: f64,
    /// Serialisation at a limited rate; `None` is an infinitely fast line.
    pub rate: Option<RateLimit>,
}

/// What a link decided about one packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It arrives at this instant.
    Deliver(SimTime),
    /// It arrives twice, first and last; both may be the same instant.
    DeliverTwice(SimTime, SimTime),
    /// It never arrives.
    Drop(DropCause),
}

/// Why a packet never arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DropCause {
    /// The loss model took it.
    Loss,
    /// The queue before a line of limited rate was full.
    QueueFull,
    /// Nothing gets through for a time.
    Partition,
    /// Its checksum fails.
    Corrupt,
    /// Packets of its kind do not get through.
    Filtered,
    /// A middlebox does not know its connection any more.
    Forgotten,
}

impl DropCause {
    /// In a word or two, as traces show it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Loss => "lost",
            Self::QueueFull => "queue full",
            Self::Partition => "partition",
            Self::Corrupt => "corrupted",
            Self::Filtered => "filtered",
            Self::Forgotten => "no NAT entry",
        }
    }
}

/// The state of one direction of one link, with its own generators. The configuration is shared by many links and
/// comes with every call; it must not change during a run.
#[derive(Clone, Debug)]
pub struct Direction {
    line: Line,
    loss: Loss,
    latency: Latency,
}

impl Direction {
    /// A fresh direction of the link of `entity` (a stream's number): from client to server if `up`.
    pub fn new(seed: u64, entity: u64, up: bool) -> Self {
        let (loss, latency) =
            if up { (Purpose::LossUp, Purpose::LatencyUp) } else { (Purpose::LossDown, Purpose::LatencyDown) };
        Self {
            line: Line::default(),
            loss: Loss::new(Rng::new(seed, entity, loss)),
            latency: Latency::new(Rng::new(seed, entity, latency)),
        }
    }

    /// Decides what becomes of a packet of `wire_bytes` (with IP and TCP headers) that enters the link at `now`.
    ///
    /// Packets must come in the order of time. The draws are made for every packet, one that finds the queue full
    /// included: what happens to one packet shifts no draw of another.
    pub fn verdict(&mut self, config: &DirectionConfig, now: SimTime, wire_bytes: u32) -> Verdict {
        let Draws { sending, copies, latency } = self.draw(config, now, wire_bytes);
        let Some(sending) = sending else {
            return Verdict::Drop(DropCause::QueueFull);
        };
        let departure = now + sending;
        match copies {
            Copies::None => Verdict::Drop(DropCause::Loss),
            Copies::One => Verdict::Deliver(self.latency.arrival(config, departure, latency)),
            Copies::Two(rng) => self.twice(config, departure, [latency, Micros::ZERO], rng),
        }
    }

    /// As [`Direction::verdict`], on what the overlay adds. The link's own draws are the same with and without it.
    pub fn verdict_under(
        &mut self,
        config: &DirectionConfig,
        overlay: &mut Overlay,
        now: SimTime,
        segment: &Segment,
    ) -> Verdict {
        let wire_bytes = segment.wire_length();
        let Draws { sending, copies, latency } = self.draw(config, now, wire_bytes);
        let impact = overlay.judge(now, segment);
        let Some(sending) = sending else {
            return Verdict::Drop(DropCause::QueueFull);
        };
        let copy = match copies {
            Copies::None => return Verdict::Drop(DropCause::Loss),
            Copies::One => impact.copy,
            Copies::Two(rng) => Some(rng),
        };
        if let Some(cause) = impact.dropped {
            return Verdict::Drop(cause);
        }
        let departure = now + sending;
        let Some(waited) = overlay.send(now, departure, wire_bytes) else {
            return Verdict::Drop(DropCause::QueueFull);
        };
        let (departure, late) = (departure + waited, impact.held_back);
        match copy {
            None => Verdict::Deliver(self.latency.arrival(config, departure, latency + impact.extra) + late),
            Some(rng) => match self.twice(config, departure, [latency, impact.extra], rng) {
                Verdict::DeliverTwice(one, other) => Verdict::DeliverTwice(one + late, other + late),
                verdict @ (Verdict::Deliver(_) | Verdict::Drop(_)) => verdict,
            },
        }
    }

    /// What is drawn for every packet.
    #[inline]
    fn draw(&mut self, config: &DirectionConfig, now: SimTime, wire_bytes: u32) -> Draws {
        let sending = match config.rate {
            None => Some(Micros::ZERO),
            Some(limit) => self.line.send(limit, now, wire_bytes),
        };
        Draws { sending, copies: self.loss.next(config), latency: self.latency.draw(config) }
    }

    /// A packet and its copy: the copy has a latency of its own, and what is added to both.
    fn twice(
        &mut self,
        config: &DirectionConfig,
        departure: SimTime,
        [latency, added]: [Micros; 2],
        mut rng: Rng,
    ) -> Verdict {
        let one = self.latency.arrival(config, departure, latency + added);
        let other = self.latency.arrival(config, departure, latency::draw(config, &mut rng) + added);
        Verdict::DeliverTwice(one.min(other), one.max(other))
    }
}

/// What the link itself does to a packet.
struct Draws {
    /// How long until its last bit has left; `None` if the queue is full.
    sending: Option<Micros>,
    copies: Copies,
    latency: Micros,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::disturbance::{Disturbance, Episode};

    const LATENCY: f64 = 20_000.0;

    fn config() -> DirectionConfig {
        DirectionConfig {
            latency: Distribution::Constant(LATENCY),
            latency_floor: Micros::ZERO,
            reorder: false,
            loss: LossModel::Independent(0.0),
            duplicate: 0.0,
            rate: None,
        }
    }

    fn jittery() -> DirectionConfig {
        DirectionConfig { latency: Distribution::Uniform { low: 10_000.0, high: 90_000.0 }, reorder: true, ..config() }
    }

    /// Verdicts on `n` packets of 1500 bytes, sent `gap` microseconds apart.
    fn verdicts(config: &DirectionConfig, n: u64, gap: u64) -> Vec<Verdict> {
        let mut direction = Direction::new(5, 77, true);
        (0..n).map(|i| direction.verdict(config, SimTime::from_micros(i * gap), 1_500)).collect()
    }

    fn arrivals(verdicts: &[Verdict]) -> Vec<Option<u64>> {
        verdicts
            .iter()
            .map(|verdict| match verdict {
                Verdict::Deliver(at) | Verdict::DeliverTwice(at, _) => Some(at.as_micros()),
                Verdict::Drop(_) => None,
            })
            .collect()
    }

    #[test]
    fn a_direction_is_small() {
        assert!(size_of::<Direction>() <= 64, "{}", size_of::<Direction>());
    }

    #[test]
    fn a_plain_link_delays_every_packet_by_its_latency() {
        let expected: Vec<Option<u64>> = (0..100).map(|i| Some(i * 7 + 20_000)).collect();
        assert_eq!(arrivals(&verdicts(&config(), 100, 7)), expected);
    }

    #[test]
    fn latency_is_raised_to_the_floor() {
        let config = DirectionConfig { latency_floor: Micros::new(50_000), ..jittery() };
        let seen = arrivals(&verdicts(&config, 1_000, 0));
        assert_eq!(seen.iter().flatten().min(), Some(&50_000));
        assert!(seen.iter().flatten().any(|&at| at > 80_000));
    }

    #[test]
    fn packets_stay_in_order_unless_the_link_reorders() {
        let in_order = arrivals(&verdicts(&DirectionConfig { reorder: false, ..jittery() }, 2_000, 500));
        assert!(in_order.is_sorted());
        let free = arrivals(&verdicts(&jittery(), 2_000, 500));
        assert!(!free.is_sorted());
        // A packet in order arrives when the slowest of those before it has arrived.
        let mut slowest = None;
        for (ordered, free) in in_order.iter().zip(free) {
            slowest = slowest.max(free);
            assert_eq!(*ordered, slowest);
        }
    }

    #[test]
    fn loss_leaves_the_latency_of_other_packets_alone() {
        let whole = arrivals(&verdicts(&jittery(), 2_000, 500));
        let lossy = DirectionConfig { loss: LossModel::Independent(0.3), ..jittery() };
        let lossy = arrivals(&verdicts(&lossy, 2_000, 500));
        assert!(lossy.iter().filter(|at| at.is_none()).count() > 500);
        assert!(lossy.iter().zip(&whole).all(|(some, all)| some.is_none() || some == all));
    }

    #[test]
    fn latency_and_rate_leave_the_fate_of_packets_alone() {
        let lossy = DirectionConfig { loss: LossModel::Independent(0.3), duplicate: 0.1, ..config() };
        let fates = |config: &DirectionConfig, gap| -> Vec<u8> {
            let kind = |verdict: &Verdict| match verdict {
                Verdict::Deliver(_) => 1,
                Verdict::DeliverTwice(..) => 2,
                Verdict::Drop(_) => 0,
            };
            verdicts(config, 1_000, gap).iter().map(kind).collect()
        };
        let other = DirectionConfig {
            latency: jittery().latency,
            rate: Some(RateLimit { bits_per_second: 1_000_000, queue_bytes: 1 << 30 }),
            ..lossy.clone()
        };
        assert_eq!(fates(&lossy, 0), fates(&other, 333));
    }

    #[test]
    fn copies_leave_the_latency_of_other_packets_alone_and_have_their_own() {
        let once = arrivals(&verdicts(&jittery(), 2_000, 500));
        let twice = verdicts(&DirectionConfig { duplicate: 0.2, ..jittery() }, 2_000, 500);
        let mut copies = 0;
        for (sent, (once, verdict)) in (0_u64..).step_by(500).zip(once.into_iter().zip(twice)) {
            match verdict {
                Verdict::Deliver(at) => assert_eq!(Some(at.as_micros()), once),
                Verdict::DeliverTwice(first, last) => {
                    copies += 1;
                    assert!(first <= last);
                    assert!([first, last].iter().any(|at| Some(at.as_micros()) == once));
                    assert!([first, last].iter().all(|at| (10_000..=90_000).contains(&(at.as_micros() - sent))));
                }
                Verdict::Drop(cause) => panic!("{cause:?}"),
            }
        }
        assert!((330..470).contains(&copies), "{copies}");
    }

    #[test]
    fn a_copy_in_order_arrives_behind_its_packet_and_before_the_next() {
        let config = DirectionConfig { duplicate: 0.5, reorder: false, ..jittery() };
        let mut last = SimTime::ZERO;
        for verdict in verdicts(&config, 2_000, 500) {
            let (first, second) = match verdict {
                Verdict::Deliver(at) => (at, at),
                Verdict::DeliverTwice(first, second) => (first, second),
                Verdict::Drop(cause) => panic!("{cause:?}"),
            };
            assert!(last <= first && first <= second);
            last = second;
        }
    }

    #[test]
    fn a_limited_rate_spaces_packets_exactly() {
        let rate = RateLimit { bits_per_second: 7_000_000, queue_bytes: 1 << 40 };
        let config = DirectionConfig { rate: Some(rate), ..config() };
        let expected: Vec<Option<u64>> = (1..=5_000).map(|n| Some((n * 12_000_u64).div_ceil(7) + 20_000)).collect();
        assert_eq!(arrivals(&verdicts(&config, 5_000, 0)), expected);
    }

    #[test]
    fn a_full_queue_drops_the_tail_and_shifts_no_draw() {
        let rate = RateLimit { bits_per_second: 12_000_000, queue_bytes: 15_000 };
        let limited = DirectionConfig { rate: Some(rate), loss: LossModel::Independent(0.5), ..config() };
        // One packet a millisecond leaves, four arrive: the queue is full after 13.
        let seen = verdicts(&limited, 400, 250);
        let full = |verdict: &Verdict| *verdict == Verdict::Drop(DropCause::QueueFull);
        assert_eq!(seen.iter().position(full), Some(13));
        let accepted = seen.iter().filter(|verdict| !full(verdict)).count();
        assert!((107..=111).contains(&accepted), "{accepted}");
        let free = verdicts(&DirectionConfig { rate: None, ..limited }, 400, 250);
        for (seen, free) in seen.iter().zip(&free).filter(|(seen, _)| !full(seen)) {
            let lost = |verdict: &Verdict| *verdict == Verdict::Drop(DropCause::Loss);
            assert_eq!(lost(seen), lost(free));
        }
    }

    fn under(config: &DirectionConfig, what: Disturbance, n: u64, gap: u64) -> Vec<Verdict> {
        let (mut direction, mut overlay) = (Direction::new(5, 77, true), Overlay::default());
        let always = Episode { from: SimTime::ZERO, until: SimTime::MAX };
        overlay.add(what, Rng::new(5, 77, Purpose::ChaosUp), vec![always]);
        let segment = Segment { payload: vec![0; 1_460], ..Segment::default() };
        (0..n).map(|i| direction.verdict_under(config, &mut overlay, SimTime::from_micros(i * gap), &segment)).collect()
    }

    #[test]
    fn an_overlay_leaves_the_draws_of_the_link_alone() {
        let config = DirectionConfig { loss: LossModel::Independent(0.2), duplicate: 0.1, ..jittery() };
        let plain = verdicts(&config, 2_000, 500);
        for what in [Disturbance::Loss(0.3), Disturbance::Corrupt(0.3), Disturbance::Duplicate(0.0)] {
            let seen = under(&config, what, 2_000, 500);
            assert!(seen.iter().zip(&plain).all(|(a, b)| a == b || matches!(a, Verdict::Drop(_))));
        }
        let later = under(&config, Disturbance::Latency(Distribution::Constant(7_000.0)), 2_000, 500);
        for (seen, plain) in arrivals(&later).into_iter().zip(arrivals(&plain)) {
            assert!(seen.is_none() && plain.is_none() || seen > plain);
        }
    }

    #[test]
    fn a_packet_that_is_held_back_is_overtaken_and_holds_up_no_other() {
        let what = Disturbance::Reorder { share: 0.25, by: Micros::from_millis(50) };
        let seen = arrivals(&under(&config(), what, 2_000, 500));
        let late: Vec<u64> =
            (0..).step_by(500).zip(&seen).map(|(sent, at)| at.expect("no loss") - sent - 20_000).collect();
        let held = late.iter().filter(|l| **l > 0).count();
        assert!((420..580).contains(&held), "{held}");
        assert!(late.iter().all(|l| *l <= 50_000) && !seen.is_sorted());
    }

    #[test]
    fn copies_of_an_overlay_come_after_a_latency_of_their_own() {
        let seen = under(&jittery(), Disturbance::Duplicate(0.5), 2_000, 500);
        let twice = seen.iter().filter(|v| matches!(v, Verdict::DeliverTwice(one, other) if one != other)).count();
        assert!((900..1_100).contains(&twice), "{twice}");
    }

    #[test]
    fn streams_and_directions_have_losses_of_their_own() {
        let lossy = DirectionConfig { loss: LossModel::Independent(0.5), ..config() };
        let fates = |entity, up| {
            let mut direction = Direction::new(5, entity, up);
            (0..64).map(|_| direction.verdict(&lossy, SimTime::ZERO, 40)).collect::<Vec<_>>()
        };
        assert_eq!(fates(1, true), fates(1, true));
        assert_ne!(fates(1, true), fates(1, false));
        assert_ne!(fates(1, true), fates(2, true));
    }
}
