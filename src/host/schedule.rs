//! The chaos of a run, settled before it begins: at which instants each entry strikes, and whom.
//!
//! An entry's strikes are drawn from a generator of its own, so they are the same for all nodes and whatever else the
//! schedule holds; so are, for each stream, the strikes that hit it. Both depend on scenario, seed and number alone.

use crate::dist::Distribution;
use crate::host::Plan;
use crate::id::Side;
use crate::net::disturbance::Episode;
use crate::rng::{Purpose, Rng};
use crate::scenario::Scenario;
use crate::scenario::chaos::{Chaos, Instants, Target};
use crate::time::{Micros, SimTime};

/// When the entries of a scenario's schedule strike.
#[derive(Clone, Debug)]
pub(super) struct Schedule {
    /// For each entry its strikes, in order of time.
    strikes: Vec<Vec<Episode>>,
}

impl Schedule {
    /// Draws the strikes of a run.
    pub(super) fn new(scenario: &Scenario, seed: u64) -> Self {
        let end = SimTime::ZERO + scenario.duration;
        let strikes = (0..).zip(&scenario.chaos).map(|(n, entry)| {
            let mut rng = Rng::new(seed, n, Purpose::ChaosInstants);
            let mut instants = instants(&entry.at, end, &mut rng);
            instants.retain(|from| *from < end);
            instants.sort_unstable();
            let mut lengths = Rng::new(seed, n, Purpose::ChaosLengths);
            // What lasts no time at all would be no strike.
            let mut length = |lasts: &Distribution| lasts.draw_micros(&mut lengths).max(Micros::new(1));
            let mut until = |from| entry.lasts.as_ref().map_or(SimTime::MAX, |lasts| from + length(lasts));
            instants.into_iter().map(|from| Episode { from, until: until(from) }).collect()
        });
        Self { strikes: strikes.collect() }
    }

    /// For each entry that hits a stream of the plan: its number, itself, and the strikes that do.
    pub(super) fn of_stream<'a>(
        &'a self,
        plan: &'a Plan,
        local: usize,
    ) -> impl Iterator<Item = (u32, &'a Chaos, Vec<Episode>)> {
        let entries = (0..).zip(&plan.scenario().chaos).zip(&self.strikes);
        let hit = entries.map(move |((n, entry), strikes)| {
            let hit = match entry.on {
                Target::All | Target::Server => strikes.clone(),
                Target::Node(node) if node == plan.node() => strikes.clone(),
                Target::Class(class) if class == usize::from(plan.of(local).class) => strikes.clone(),
                Target::Node(_) | Target::Class(_) => Vec::new(),
                Target::Share(share) => {
                    let mut rng = Rng::new(plan.seed(), u64::from(n) << 32 | plan.peer(local), Purpose::ChaosTargets);
                    strikes.iter().copied().filter(|_| rng.happens(share)).collect()
                }
            };
            (n, entry, hit)
        });
        hit.filter(|(.., strikes)| !strikes.is_empty())
    }

    /// The entries that hit the server of the plan's node, whatever they do to it, with their strikes.
    pub(super) fn of_server<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (&'a Chaos, &'a [Episode])> {
        let entries = plan.scenario().chaos.iter().zip(&self.strikes);
        let elsewhere = |on: &Target| matches!(on, Target::Node(node) if *node != plan.node());
        let hit = entries.filter(move |(entry, _)| entry.on.strikes_machine(Side::Server) && !elsewhere(&entry.on));
        hit.map(|(entry, strikes)| (entry, strikes.as_slice()))
    }
}

/// The entity of what an entry does to a stream.
pub(super) fn entity(entry: u32, plan: &Plan, local: usize) -> u64 {
    u64::from(entry) << 32 | plan.entity(local)
}

fn instants(at: &Instants, end: SimTime, rng: &mut Rng) -> Vec<SimTime> {
    match *at {
        Instants::Once(at) => vec![SimTime::ZERO + at],
        Instants::Every { every, jitter } => {
            let regular = (1..).map(|k| SimTime::ZERO + every * k).take_while(|from| *from < end);
            regular.map(|from| from + Distribution::part_of(jitter).draw_micros(rng)).collect()
        }
        Instants::Poisson(rate) => {
            let gap = Distribution::Exponential { mean: 1e6 / rate };
            let mut next = SimTime::ZERO;
            let after = move || {
                // Two strikes in the same microsecond are one.
                next += gap.draw_micros(rng).max(Micros::new(1));
                next
            };
            std::iter::repeat_with(after).take_while(|from| *from < end).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::NodeId;
    use crate::scenario::builtin;
    use crate::time::Micros;

    fn scenario(chaos: &str) -> Scenario {
        let text = builtin::by_name("misbehaving").expect("a built-in scenario").text;
        Scenario::from_toml(&format!("{text}\n{chaos}")).unwrap_or_else(|e| panic!("{e}"))
    }

    fn entry(at: &str, on: &str) -> String {
        format!("[[chaos]]\nat = {at}\nfor = \"1s\"\ndo = \"partition\"\non = {on}\n")
    }

    fn from(strikes: &[Episode]) -> Vec<u64> {
        strikes.iter().map(|strike| strike.from.as_micros()).collect()
    }

    #[test]
    fn strikes_come_once_or_regularly_or_as_a_poisson_process() {
        let text = [
            entry("\"7s\"", "\"all\""),
            entry("{ every = \"10s\", jitter = \"2s\" }", "\"all\""),
            entry("{ poisson = 5.0 }", "\"all\""),
        ];
        let schedule = Schedule::new(&scenario(&text.concat()), 1);
        let [once, every, poisson] = [0, 1, 2].map(|n| from(&schedule.strikes[n]));
        assert_eq!(once, [7_000_000]);
        assert_eq!(every.len(), 17, "180 s, the first after 10 s, none at the end");
        assert!(every.iter().zip(1..).all(|(at, k)| (k * 10_000_000..=k * 10_000_000 + 2_000_000).contains(at)));
        assert!(every.iter().any(|at| at % 10_000_000 != 0));
        // 900 are expected, with a deviation of 30.
        assert!((780..1_020).contains(&poisson.len()), "{}", poisson.len());
        assert!(poisson.is_sorted());
    }

    #[test]
    fn an_entry_strikes_as_it_did_whatever_stands_beside_it() {
        let (regular, random) =
            (entry("{ every = \"10s\", jitter = \"9s\" }", "{ share = 0.5 }"), entry("{ poisson = 1.0 }", "\"all\""));
        let alone = scenario(&regular);
        let both = scenario(&[regular, random].concat());
        assert_eq!(Schedule::new(&alone, 3).strikes[0], Schedule::new(&both, 3).strikes[0]);
        assert_ne!(Schedule::new(&alone, 3).strikes[0], Schedule::new(&alone, 4).strikes[0]);
    }

    #[test]
    fn a_stream_is_hit_as_its_node_class_and_luck_say() {
        let text = [
            entry("\"7s\"", "\"node 1\""),
            entry("\"7s\"", "\"drips\""),
            entry("{ every = \"1s\" }", "{ share = 0.25 }"),
        ];
        let scenario = scenario(&text.concat());
        let (mut hits, mut of_all) = (0, 0);
        for node in [NodeId(0), NodeId(1)] {
            let plan = Plan::new(&scenario, 0, 1, node);
            for local in 0..plan.len() {
                let mut seen = [0; 3];
                for (n, _, strikes) in plan.schedule().of_stream(&plan, local) {
                    seen[n as usize] = strikes.len();
                }
                assert_eq!(seen[0], usize::from(node == NodeId(1)));
                assert_eq!(seen[1], usize::from(plan.class(local).name == "drips"));
                hits += seen[2];
                of_all += 179;
            }
        }
        let share = f64::from(u32::try_from(hits).unwrap()) / f64::from(of_all);
        assert!((share - 0.25).abs() < 0.005, "{share}");
    }

    #[test]
    fn lengths_are_drawn_for_each_strike_and_move_none_of_them() {
        let (fixed, drawn) = (entry("{ every = \"1s\" }", "\"all\""), "{ exponential = \"400ms\" }");
        let schedule = |chaos: &str| Schedule::new(&scenario(chaos), 1).strikes.remove(0);
        let strikes = schedule(&fixed.replace("\"1s\"\ndo", &format!("{drawn}\ndo")));
        assert_eq!(from(&strikes), from(&schedule(&fixed)));
        let lengths: Vec<u64> = strikes.iter().map(|s| s.until.since(s.from).get()).collect();
        let mean = lengths.iter().sum::<u64>() / lengths.len() as u64;
        // 179 draws: the mean has a deviation of 30 ms.
        assert!((300_000..500_000).contains(&mean) && lengths[0] != lengths[1], "{mean}");
        assert!(
            schedule(&fixed.replace("\"1s\"\ndo", "{ uniform = [\"0s\", \"0s\"] }\ndo"))
                .iter()
                .all(|s| s.from < s.until)
        );
    }

    #[test]
    fn without_a_length_a_strike_lasts_for_good() {
        let text = entry("\"7s\"", "\"all\"").replace("for = \"1s\"\n", "");
        let strikes = Schedule::new(&scenario(&text), 1).strikes.remove(0);
        assert_eq!(strikes[0].until, SimTime::MAX);
        let timed = Schedule::new(&scenario(&entry("\"7s\"", "\"all\"")), 1).strikes.remove(0);
        assert_eq!(timed[0].until.since(timed[0].from), Micros::from_secs(1));
    }
}
