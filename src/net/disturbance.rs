//! What may befall a direction of a link for a time, over what its configuration says.
//!
//! An [`Overlay`] draws from generators of its own, one for each cause: what a link does by itself to a packet is drawn
//! as without it, and one cause does not shift the draws of another. Probabilities take one draw for each packet while
//! their cause lasts, whatever they are, so that what is lost at a small loss is lost at a greater one too.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::net::bandwidth::{Line, RateLimit};
use crate::net::link::DropCause;
use crate::net::segment::Segment;
use crate::rng::Rng;
use crate::time::{Micros, SimTime};

/// What befalls a direction of a link.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Disturbance {
    /// Nothing gets through.
    Partition,
    /// Each packet is lost with this probability.
    Loss(f64),
    /// This latency, drawn for each packet, is added.
    Latency(Distribution),
    /// Behind the link's own line there is another one of this rate, with its queue.
    Rate(RateLimit),
    /// Packets are held back so that those behind overtake them.
    Reorder {
        /// Probability of that.
        share: f64,
        /// They arrive later by up to this, uniformly.
        by: Micros,
    },
    /// Each packet arrives twice with this probability, the copy with a latency of its own.
    Duplicate(f64),
    /// The checksum of each packet fails with this probability: its receiver drops it.
    Corrupt(f64),
    /// Packets of this kind do not get through.
    Matching(Pattern),
}

impl Disturbance {
    /// As a scenario names it.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Partition => "partition",
            Self::Loss(_) => "loss",
            Self::Latency(_) => "latency",
            Self::Rate(_) => "rate",
            Self::Reorder { .. } => "reorder",
            Self::Duplicate(_) => "duplicate",
            Self::Corrupt(_) => "corrupt",
            Self::Matching(_) => "drop-matching",
        }
    }
}

/// A kind of packet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pattern {
    /// Those with SYN.
    Syn,
    /// Those with FIN.
    Fin,
    /// Those with RST.
    Rst,
    /// Those with nothing but ACK: no data, no SYN, FIN or RST.
    Ack,
    /// Those with data.
    Data,
    /// Those whose data holds this text, whole in one segment.
    Text(Arc<str>),
}

impl Pattern {
    /// The pattern of this name.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "syn" => Self::Syn,
            "fin" => Self::Fin,
            "rst" => Self::Rst,
            "ack" => Self::Ack,
            "data" => Self::Data,
            "close-tag" => Self::Text("</stream:stream>".into()),
            "stream-error" => Self::Text("<stream:error".into()),
            _ => return None,
        })
    }

    /// Whether a segment is of this kind.
    pub fn holds(&self, segment: &Segment) -> bool {
        let flags = segment.flags;
        match self {
            Self::Syn => flags.syn,
            Self::Fin => flags.fin,
            Self::Rst => flags.rst,
            Self::Ack => flags.ack && !(flags.syn || flags.fin || flags.rst) && segment.payload.is_empty(),
            Self::Data => !segment.payload.is_empty(),
            Self::Text(text) => segment.payload.windows(text.len()).any(|window| window == text.as_bytes()),
        }
    }
}

/// When a disturbance lasts: from an instant until another, which is outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Episode {
    /// Begin.
    pub from: SimTime,
    /// End.
    pub until: SimTime,
}

impl Episode {
    /// Goes on into one that begins no earlier, if they touch; whether they do.
    pub(crate) fn takes_in(&mut self, later: &Self) -> bool {
        let together = later.from <= self.until;
        if together {
            self.until = self.until.max(later.until);
        }
        together
    }
}

/// A disturbance with its episodes, in order and apart from each other, and its generator.
#[derive(Clone, Debug)]
struct Cause {
    what: Disturbance,
    rng: Rng,
    episodes: Vec<Episode>,
    /// The first episode that is not over.
    next: usize,
    line: Line,
    /// It has done something to a packet, and nobody has asked yet.
    struck: bool,
}

/// Everything that befalls one direction of one link in a run.
#[derive(Clone, Debug, Default)]
pub struct Overlay {
    causes: Vec<Cause>,
}

/// What the causes of the moment do to one packet.
#[derive(Debug, Default)]
pub(crate) struct Impact {
    pub(crate) dropped: Option<DropCause>,
    /// Added to its latency.
    pub(crate) extra: Micros,
    /// It arrives so much later, and others may overtake it.
    pub(crate) held_back: Micros,
    /// It arrives twice; the generator is for the latency of the copy.
    pub(crate) copy: Option<Rng>,
}

impl Overlay {
    /// Adds a cause. `episodes` may overlap and come in any order.
    pub fn add(&mut self, what: Disturbance, rng: Rng, mut episodes: Vec<Episode>) {
        episodes.sort_unstable();
        episodes.dedup_by(|later, earlier| earlier.takes_in(later));
        self.causes.push(Cause { what, rng, episodes, next: 0, line: Line::default(), struck: false });
    }

    /// Whether nothing ever happens.
    pub fn is_empty(&self) -> bool {
        self.causes.is_empty()
    }

    /// Tells the name of every cause that has done something to a packet since this was last asked.
    pub fn take_struck(&mut self, mut tell: impl FnMut(&'static str)) {
        for cause in self.causes.iter_mut().filter(|cause| cause.struck) {
            cause.struck = false;
            tell(cause.what.name());
        }
    }

    /// What happens to a packet that enters the link at `now`. Packets must come in the order of time.
    pub(crate) fn judge(&mut self, now: SimTime, segment: &Segment) -> Impact {
        let mut impact = Impact::default();
        for cause in &mut self.causes {
            if cause.lasts(now) {
                cause.strike(segment, &mut impact);
            }
        }
        impact
    }

    /// How long a packet waits for the lines that are there now and for its own last bit; `None` if a queue is full.
    /// Packets must come in the order of `at`, the time at which they leave the link's own line.
    pub(crate) fn send(&mut self, now: SimTime, at: SimTime, wire_bytes: u32) -> Option<Micros> {
        let mut waited = Micros::ZERO;
        for cause in &mut self.causes {
            if let Disturbance::Rate(limit) = cause.what
                && cause.lasts(now)
            {
                cause.struck = true;
                waited += cause.line.send(limit, at + waited, wire_bytes)?;
            }
        }
        Some(waited)
    }
}

impl Cause {
    fn lasts(&mut self, now: SimTime) -> bool {
        while self.episodes.get(self.next).is_some_and(|episode| episode.until <= now) {
            self.next += 1;
        }
        self.episodes.get(self.next).is_some_and(|episode| episode.from <= now)
    }

    fn strike(&mut self, segment: &Segment, impact: &mut Impact) {
        let (rng, struck) = (&mut self.rng, &mut self.struck);
        let mut drop = |cause, dropped| {
            if dropped {
                *struck = true;
                impact.dropped.get_or_insert(cause);
            }
        };
        match &self.what {
            Disturbance::Partition => drop(DropCause::Partition, true),
            Disturbance::Loss(p) => drop(DropCause::Loss, rng.happens(*p)),
            Disturbance::Corrupt(p) => drop(DropCause::Corrupt, rng.happens(*p)),
            Disturbance::Matching(pattern) => drop(DropCause::Filtered, pattern.holds(segment)),
            Disturbance::Latency(latency) => {
                self.struck = true;
                impact.extra += latency.draw_micros(rng);
            }
            Disturbance::Rate(_) => {}
            Disturbance::Reorder { share, by } => {
                let held_back = Distribution::part_of(*by).draw_micros(rng);
                if rng.happens(*share) {
                    self.struck = true;
                    impact.held_back += held_back;
                }
            }
            Disturbance::Duplicate(p) => {
                let copy = rng.next_u64();
                if rng.happens(*p) {
                    self.struck = true;
                    impact.copy = Some(Rng::of_copy(copy));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::Flags;
    use crate::rng::Purpose;

    fn at(us: u64) -> SimTime {
        SimTime::from_micros(us)
    }

    fn episode(from: u64, until: u64) -> Episode {
        Episode { from: at(from), until: at(until) }
    }

    fn overlay(what: Disturbance, episodes: Vec<Episode>) -> Overlay {
        let mut overlay = Overlay::default();
        overlay.add(what, Rng::new(3, 5, Purpose::ChaosUp), episodes);
        overlay
    }

    fn fates(what: Disturbance, n: u64) -> Vec<bool> {
        let mut overlay = overlay(what, vec![episode(0, u64::MAX)]);
        (0..n).map(|i| overlay.judge(at(i), &Segment::default()).dropped.is_some()).collect()
    }

    #[test]
    fn an_episode_has_its_first_instant_and_not_its_last() {
        let mut overlay = overlay(Disturbance::Partition, vec![episode(20, 30), episode(10, 15), episode(25, 40)]);
        let seen: Vec<u64> = (0..50).filter(|t| overlay.judge(at(*t), &Segment::default()).dropped.is_some()).collect();
        assert_eq!(seen, (10..15).chain(20..40).collect::<Vec<_>>());
    }

    #[test]
    fn loss_has_its_mean_and_what_is_lost_at_a_small_one_is_lost_at_a_greater() {
        let (rare, frequent) = (fates(Disturbance::Loss(0.1), 100_000), fates(Disturbance::Loss(0.3), 100_000));
        assert!(rare.iter().zip(&frequent).all(|(a, b)| !a || *b));
        for (fates, p) in [(rare, 0.1), (frequent, 0.3)] {
            let lost = f64::from(u32::try_from(fates.iter().filter(|l| **l).count()).unwrap());
            let error = 4.0 * (p * (1.0 - p) * 100_000.0_f64).sqrt();
            assert!((lost - p * 100_000.0).abs() < error, "{p}: {lost}");
        }
    }

    #[test]
    fn causes_do_not_shift_each_other() {
        let alone = fates(Disturbance::Loss(0.2), 1_000);
        let mut both = overlay(Disturbance::Duplicate(0.5), vec![episode(100, 600)]);
        both.add(Disturbance::Loss(0.2), Rng::new(3, 5, Purpose::ChaosUp), vec![episode(0, u64::MAX)]);
        let mut copies = 0;
        for (i, lost) in (0_u64..).zip(alone) {
            let impact = both.judge(at(i), &Segment::default());
            assert_eq!(impact.dropped.is_some(), lost);
            copies += u32::from(impact.copy.is_some());
        }
        assert!((190..310).contains(&copies), "{copies}");
    }

    #[test]
    fn patterns_tell_packets_apart() {
        let ack = Flags { ack: true, ..Flags::default() };
        let bare = Segment { flags: ack, ..Segment::default() };
        let data = Segment { payload: b"<a/></stream:stream>".to_vec(), flags: ack, ..Segment::default() };
        let fin = Segment { flags: Flags { fin: true, ..ack }, ..Segment::default() };
        for (name, expected) in [
            ("ack", [true, false, false]),
            ("data", [false, true, false]),
            ("close-tag", [false, true, false]),
            ("fin", [false, false, true]),
            ("stream-error", [false; 3]),
            ("syn", [false; 3]),
            ("rst", [false; 3]),
        ] {
            let pattern = Pattern::by_name(name).unwrap();
            assert_eq!([&bare, &data, &fin].map(|segment| pattern.holds(segment)), expected, "{name}");
        }
        assert_eq!(Pattern::by_name("urg"), None);
    }

    #[test]
    fn a_line_of_the_overlay_spaces_packets_and_its_queue_fills() {
        let limit = RateLimit { bits_per_second: 8_000_000, queue_bytes: 3_000 };
        let mut overlay = overlay(Disturbance::Rate(limit), vec![episode(0, 10_000)]);
        assert_eq!(overlay.send(at(0), at(0), 1_500), Some(Micros::new(1_500)));
        assert_eq!(overlay.send(at(0), at(0), 1_500), Some(Micros::new(3_000)));
        assert_eq!(overlay.send(at(0), at(0), 1_500), None);
        assert_eq!(overlay.send(at(10_000), at(10_000), 1_500), Some(Micros::ZERO), "it is over");
    }
}
