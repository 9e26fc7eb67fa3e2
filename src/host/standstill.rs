//! When a node's server stands still: what its workers do then takes longer.

use crate::host::Plan;
use crate::net::disturbance::Episode;
use crate::scenario::chaos::{Action, Mishap};
use crate::time::{Micros, SimTime};

/// Times during which nothing is done, in order and apart from each other.
#[derive(Clone, Debug, Default)]
pub(super) struct Standstill(Vec<Episode>);

impl Standstill {
    /// What the schedule has for the machine of the plan's server: it stands still, or its application does, until it goes on,
    /// goes off or is off.
    pub(super) fn of(plan: &Plan) -> Self {
        let mut strikes: Vec<(Episode, Mishap)> = Vec::new();
        for (entry, hit) in plan.schedule().of_server(plan) {
            if let Action::Machine(mishap) = &entry.action {
                strikes.extend(hit.iter().map(|strike| (*strike, *mishap)));
            }
        }
        strikes.sort_by_key(|(strike, _)| strike.from);
        let mut off = SimTime::ZERO;
        let mut still = Self::default();
        for (strike, mishap) in strikes {
            match mishap {
                Mishap::Freeze | Mishap::Hang if strike.from >= off => still.add(strike),
                Mishap::Crash | Mishap::Reboot => {
                    off = if mishap == Mishap::Crash { SimTime::MAX } else { strike.until };
                    still.ends_by(strike.from);
                }
                Mishap::Freeze | Mishap::Hang | Mishap::Restart | Mishap::ClockJump(_) => {}
            }
        }
        still
    }

    fn add(&mut self, episode: Episode) {
        if !self.0.last_mut().is_some_and(|last| last.takes_in(&episode)) {
            self.0.push(episode);
        }
    }

    fn ends_by(&mut self, at: SimTime) {
        if let Some(last) = self.0.last_mut() {
            last.until = last.until.min(at);
        }
    }

    /// When work that takes so long is done that is begun at `from`, never if the machine does not go on; tells the pieces that it
    /// is done in.
    pub(super) fn work(&self, from: SimTime, takes: Micros, mut piece: impl FnMut(SimTime, SimTime)) -> SimTime {
        let (mut from, mut left) = (from, takes);
        let next = self.0.partition_point(|still| still.until <= from);
        for still in &self.0[next..] {
            if from + left < still.from {
                break;
            }
            if from < still.from {
                piece(from, still.from);
                left = left - still.from.since(from);
            }
            from = still.until;
        }
        if from != SimTime::MAX && left > Micros::ZERO {
            piece(from, from + left);
        }
        from + left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;
    use crate::scenario::{Scenario, builtin};

    fn still(chaos: &str, node: u32) -> Vec<(u64, u64)> {
        let text = builtin::by_name("misbehaving").expect("a built-in scenario").text;
        let scenario = Scenario::from_toml(&format!("{text}\n{chaos}")).unwrap_or_else(|e| panic!("{e}"));
        let plan = Plan::new(&scenario, 0, 1, NodeId(node));
        let seconds = |at: SimTime| if at == SimTime::MAX { u64::MAX } else { at.as_micros() / 1_000_000 };
        Standstill::of(&plan).0.iter().map(|still| (seconds(still.from), seconds(still.until))).collect()
    }

    fn entry(what: &str, at: u32, lasts: u32, on: &str) -> String {
        format!("[[chaos]]\nat = \"{at}s\"\nfor = \"{lasts}s\"\ndo = \"{what}\"\non = {on}\n")
    }

    #[test]
    fn a_server_stands_still_where_the_schedule_strikes_it() {
        let text = [
            entry("freeze", 10, 5, "\"server\""),
            entry("hang", 12, 8, "\"node 0\""),
            entry("hang", 30, 5, "\"node 1\""),
            entry("freeze", 50, 5, "{ share = 1.0 }"),
            entry("freeze", 60, 5, "\"all\""),
        ];
        assert_eq!(still(&text.concat(), 0), [(10, 20), (60, 65)], "peers have machines of their own");
        assert_eq!(still(&text.concat(), 1), [(10, 15), (30, 35), (60, 65)]);
    }

    #[test]
    fn a_machine_that_goes_off_stands_still_no_more() {
        let text = [
            entry("freeze", 10, 50, "\"server\""),
            entry("reboot", 20, 20, "\"server\""),
            entry("hang", 30, 60, "\"server\""),
            entry("hang", 50, 5, "\"server\""),
        ];
        assert_eq!(still(&text.concat(), 0), [(10, 20), (50, 55)]);
        let for_good = "[[chaos]]\nat = \"10s\"\ndo = \"hang\"\non = \"server\"\n";
        assert_eq!(still(for_good, 0), [(10, u64::MAX)]);
    }

    #[test]
    fn work_is_done_around_the_times_in_which_nothing_is() {
        let at = SimTime::from_micros;
        let episode = |(from, until): (u64, u64)| Episode { from: at(from), until: at(until) };
        let still = Standstill([(10, 20), (25, 30), (100, u64::MAX)].map(episode).into());
        let work = |from: u64, takes: u64| {
            let mut pieces = Vec::new();
            let done = still.work(at(from), Micros::new(takes), |from, until| {
                pieces.push((from.as_micros(), until.as_micros()));
            });
            (pieces, done)
        };
        assert_eq!(work(0, 9), (vec![(0, 9)], at(9)));
        assert_eq!(work(5, 12), (vec![(5, 10), (20, 25), (30, 32)], at(32)));
        assert_eq!(work(12, 3), (vec![(20, 23)], at(23)));
        assert_eq!(work(12, 0), (vec![], at(20)));
        assert_eq!(work(30, 4), (vec![(30, 34)], at(34)));
        assert_eq!(work(95, 10), (vec![(95, 100)], SimTime::MAX));
    }
}
