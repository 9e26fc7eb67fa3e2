//! When a closer decides: after a time, at an instant, or after idleness, with the sweep of real servers.

use crate::dist::Distribution;
use crate::rng::Rng;
use crate::time::{Micros, Shift, SimTime};
use crate::xmpp::config::When;

/// What was drawn for one stream, and both its ends know: the closer decides by it, a peer that vanishes or hangs does
/// so within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionPlan {
    /// Never.
    Never,
    /// This long after the closer's own side of the stream is up.
    AfterUp(Micros),
    /// At this instant, or when the stream is up if that is later.
    At(SimTime),
    /// When no stanza has gone either way for a while.
    Idle {
        /// The idle limit.
        idle: Micros,
        /// Streams are looked at only at the multiples of this (of simulated time, the same for all streams, as one
        /// timer of a server goes through all its streams); zero: each stream has a timer of its own.
        sweep: Micros,
    },
}

/// What the wall clock has done since a plan counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Jumped {
    /// All its jumps together.
    pub by: Shift,
    /// When it jumped last.
    pub at: SimTime,
}

impl DecisionPlan {
    /// Draws one stream's plan from its decision generator.
    pub fn draw(when: &When, rng: &mut Rng) -> Self {
        match when {
            When::After(time) => Self::AfterUp(time.draw_micros(rng)),
            When::Idle { idle, sweep } => Self::Idle { idle: idle.draw_micros(rng), sweep: *sweep },
        }
    }

    /// The same plan for two sides that decide in the same moment: the time counts from the opening of the stream,
    /// the one instant that both know. Idleness needs no common clock but the sweep.
    #[must_use]
    pub fn simultaneous(self, opened: SimTime) -> Self {
        match self {
            Self::AfterUp(time) => Self::At(opened + time),
            Self::Never | Self::At(_) | Self::Idle { .. } => self,
        }
    }

    /// When the decision falls. `since` is the instant from which the plan counts: the closer's own up; under an idle
    /// limit the last stanza; after an answered ping that made it stay, the answer.
    pub fn due(self, since: SimTime) -> Option<SimTime> {
        match self {
            Self::Never => None,
            Self::AfterUp(time) => Some(since + time),
            Self::At(instant) => Some(instant.max(since)),
            Self::Idle { idle, sweep } => Some(next_sweep(since + idle, sweep)),
        }
    }

    /// The same where the wall clock, by which idleness is counted, has jumped: not before it did so.
    pub fn due_by_wall_clock(self, since: SimTime, jumped: &Jumped) -> Option<SimTime> {
        match self {
            Self::Idle { idle, sweep } => {
                Some(next_sweep((since + idle).moved(jumped.by.back()).max(jumped.at), sweep))
            }
            Self::Never | Self::AfterUp(_) | Self::At(_) => self.due(since),
        }
    }

    /// The instant at which a peer vanishes or hangs: uniform over the time that its closer leaves it, counted from the
    /// peer's own up. A stream that is never closed has none.
    pub fn moment_within(self, up: SimTime, rng: &mut Rng) -> Option<SimTime> {
        let length = match self {
            Self::Never => return None,
            Self::AfterUp(time) => time,
            Self::At(instant) => instant.since(up),
            Self::Idle { idle, .. } => idle,
        };
        Some(up + Distribution::part_of(length).draw_micros(rng))
    }
}

/// The first multiple of `sweep` at or after `t`.
fn next_sweep(t: SimTime, sweep: Micros) -> SimTime {
    match sweep.get() {
        0 => t,
        interval => SimTime::from_micros(t.as_micros().div_ceil(interval).saturating_mul(interval)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    const fn at(s: u64) -> SimTime {
        SimTime::from_micros(s * 1_000_000)
    }

    #[test]
    fn a_time_counts_from_up_and_an_instant_does_not() {
        assert_eq!(DecisionPlan::AfterUp(Micros::from_secs(3)).due(at(2)), Some(at(5)));
        assert_eq!(DecisionPlan::At(at(4)).due(at(2)), Some(at(4)));
        assert_eq!(DecisionPlan::At(at(4)).due(at(9)), Some(at(9)), "not before the stream is up");
        assert_eq!(DecisionPlan::Never.due(at(2)), None);
    }

    #[test]
    fn both_sides_count_from_the_opening() {
        let plan = DecisionPlan::AfterUp(Micros::from_secs(3)).simultaneous(at(1));
        assert_eq!((plan.due(at(1)), plan.due(at(2))), (Some(at(4)), Some(at(4))));
    }

    #[test]
    fn an_idle_stream_is_found_at_the_next_sweep() {
        let plan = |sweep| DecisionPlan::Idle { idle: Micros::from_secs(300), sweep: Micros::from_secs(sweep) };
        assert_eq!(plan(0).due(at(10)), Some(at(310)));
        assert_eq!(plan(225).due(at(10)), Some(at(450)));
        assert_eq!(plan(225).due(at(150)), Some(at(450)), "a limit that runs out at the sweep has run out");
        assert_eq!(plan(225).due(SimTime::from_micros(150_000_001)), Some(at(675)));
    }

    #[test]
    fn a_wall_clock_that_jumps_moves_an_idle_limit_and_nothing_else() {
        let idle = |sweep| DecisionPlan::Idle { idle: Micros::from_secs(300), sweep: Micros::from_secs(sweep) };
        let jumped = |s: i64, at| Jumped { by: Shift::new(s * 1_000_000), at };
        assert_eq!(idle(0).due_by_wall_clock(at(10), &jumped(30, at(100))), Some(at(280)));
        assert_eq!(idle(0).due_by_wall_clock(at(10), &jumped(-30, at(100))), Some(at(340)));
        assert_eq!(idle(0).due_by_wall_clock(at(10), &jumped(3_600, at(100))), Some(at(100)), "at once, not before");
        assert_eq!(idle(60).due_by_wall_clock(at(10), &jumped(3_600, at(100))), Some(at(120)), "at the next sweep");
        let plan = DecisionPlan::AfterUp(Micros::from_secs(3));
        assert_eq!(plan.due_by_wall_clock(at(2), &jumped(30, at(3))), Some(at(5)));
    }

    #[test]
    fn a_peer_vanishes_within_the_time_it_is_left() {
        let mut rng = Rng::new(1, 1, Purpose::Behaviour);
        let plan = DecisionPlan::AfterUp(Micros::from_secs(100));
        let moments: Vec<u64> = (0..1_000)
            .filter_map(|_| plan.moment_within(at(50), &mut rng))
            .map(|t| t.since(at(50)).get() / 1_000_000)
            .collect();
        assert_eq!(moments.len(), 1_000);
        assert!(moments.iter().all(|&s| s <= 100));
        assert!(moments.iter().any(|&s| s < 5) && moments.iter().any(|&s| s > 95), "they spread over all of it");
        assert_eq!(DecisionPlan::Never.moment_within(at(50), &mut rng), None);
    }

    #[test]
    fn plans_are_drawn_from_the_distribution() {
        let mut rng = Rng::new(1, 1, Purpose::Decision);
        let when = When::After(Distribution::Uniform { low: 2e6, high: 3e6 });
        for _ in 0..100 {
            let DecisionPlan::AfterUp(time) = DecisionPlan::draw(&when, &mut rng) else { panic!("wrong kind of plan") };
            assert!(time >= Micros::from_secs(2) && time <= Micros::from_secs(3));
        }
    }
}
