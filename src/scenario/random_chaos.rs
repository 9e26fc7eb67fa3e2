//! Random chaos: the `random_chaos` table, which stands for entries of the schedule that strike as Poisson processes.
//!
//! Kinds with a parameter have one that hurts and does not end everything; an entry of the schedule can have any other. Entries
//! come after those of the schedule, so that its strikes stay as they are.

use crate::dist::Distribution;
use crate::net::disturbance::Disturbance;
use crate::net::link::RateLimit;
use crate::scenario::chaos::{Action, Chaos, Instants, Mishap, Target, Way};
use crate::scenario::entries::{self, Surroundings};
use crate::scenario::error::Problem;
use crate::scenario::links::DEFAULT_QUEUE;
use crate::scenario::quantity;
use crate::scenario::tree::{Table, Tree};
use crate::time::{Micros, Shift};
use crate::xmpp::config::By;

/// Kinds in the order of their entries, with what one strike does.
pub(super) const KINDS: [(&str, &str); 17] = [
    ("partition", "Strikes a minute: no packet gets through."),
    ("loss", "Strikes a minute: three packets in ten are lost."),
    ("latency", "Strikes a minute: 200 ms more each way."),
    ("rate", "Strikes a minute: the link has 256 kbit/s."),
    ("reorder", "Strikes a minute: two packets in ten are held back by up to 50 ms."),
    ("duplicate", "Strikes a minute: one packet in ten arrives twice."),
    ("corrupt", "Strikes a minute: one packet in ten is damaged, and so lost."),
    ("freeze", "Strikes a minute: the machine stands still."),
    ("hang", "Strikes a minute: the application stands still."),
    ("crash", "Strikes a minute: the machine is off for good."),
    ("reboot", "Strikes a minute: the machine is off, then knows nothing."),
    ("restart", "Strikes a minute, on all servers whatever `on` says: told to exit, then there again."),
    ("nat-expire", "Strikes a minute: the middlebox forgets."),
    ("inject-reset", "Strikes a minute: a forged RST."),
    ("inject-fin", "Strikes a minute: a forged FIN."),
    ("clock-forward", "Strikes a minute: the wall clock jumps 30 s ahead."),
    ("clock-back", "Strikes a minute: the wall clock jumps 30 s back."),
];

/// The entries that the table stands for, if there is one.
pub(super) fn entries(root: &Table, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Vec<Chaos> {
    let Some(table) = root.table("random_chaos") else { return Vec::new() };
    let on = table.get("on").and_then(|tree| entries::target(tree, around, problems));
    let lasts = quantity::at(table, "for");
    let (Some(on), Some(lasts)) = (on, lasts) else { return Vec::new() };
    let kind = |(name, _): &(&str, &str)| {
        let key = table.get(name)?;
        entry(name, key, &on, &lasts, around, problems)
    };
    KINDS.iter().filter_map(kind).collect()
}

fn entry(
    name: &str,
    key: &Tree,
    on: &Target,
    lasts: &Distribution,
    around: &Surroundings<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Chaos> {
    let rate = key.quantity()? / 60.0;
    entries::check_strikes(rate, key, around, problems)?;
    let action = action(name)?;
    if action == Action::NatExpire {
        entries::check_middleboxes(key, on, around, problems);
    }
    let restarts = action == Action::Machine(Mishap::Restart);
    if restarts && around.by == By::Client {
        entries::refuse_restart(key, problems);
    }
    let instant = matches!(
        action,
        Action::NatExpire | Action::Inject(..) | Action::Machine(Mishap::Crash | Mishap::ClockJump(_))
    );
    Some(Chaos {
        at: Instants::Poisson(rate),
        lasts: (!instant).then(|| lasts.clone()),
        action,
        on: if restarts { Target::Server } else { on.clone() },
    })
}

/// What a strike of a kind does.
fn action(name: &str) -> Option<Action> {
    let link = |what| Some(Action::Link(what, Way::Both));
    let jump = |shift: Shift| Some(Action::Machine(Mishap::ClockJump(shift)));
    let half_a_minute = Shift::new(30_000_000);
    match name {
        "loss" => link(Disturbance::Loss(0.3)),
        "latency" => link(Disturbance::Latency(Distribution::always(Micros::from_millis(200)))),
        "rate" => link(Disturbance::Rate(RateLimit { bits_per_second: 256_000, queue_bytes: DEFAULT_QUEUE })),
        "reorder" => link(Disturbance::Reorder { share: 0.2, by: Micros::from_millis(50) }),
        "duplicate" => link(Disturbance::Duplicate(0.1)),
        "corrupt" => link(Disturbance::Corrupt(0.1)),
        "clock-forward" => jump(half_a_minute),
        "clock-back" => jump(half_a_minute.back()),
        plain => entries::plain(plain, Way::Both),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    fn scenario(random: &str) -> Result<Scenario, String> {
        let text = format!(
            "name = \"n\"\nduration = \"10m\"\npeers = 3\n[closing]\nafter = \"5s\"\n[[class]]\nname = \"all\"\nlink = \"lan\"\n\
             [[chaos]]\nat = \"7s\"\ndo = \"crash\"\non = \"all\"\n[random_chaos]\n{random}\n"
        );
        Scenario::from_toml(&text).map_err(|error| error.to_string())
    }

    #[test]
    fn every_kind_has_an_action_and_becomes_an_entry_behind_the_schedule() {
        let kinds = KINDS.iter().filter(|(name, _)| *name != "nat-expire");
        let all: Vec<String> = kinds.map(|(name, _)| format!("{name} = 0.5\n")).collect();
        let all = all.concat();
        let chaos = scenario(&format!("on = {{ share = 0.2 }}\nfor = \"3s\"\n{all}")).unwrap().chaos;
        assert_eq!(chaos.len(), KINDS.len());
        assert_eq!(chaos[0].at, Instants::Once(Micros::from_secs(7)));
        for entry in &chaos[1..] {
            assert_eq!(entry.at, Instants::Poisson(0.5 / 60.0));
            let restarts = entry.action == Action::Machine(Mishap::Restart);
            assert_eq!(entry.on, if restarts { Target::Server } else { Target::Share(0.2) });
        }
        assert!(KINDS.iter().all(|(name, _)| action(name).is_some()));
    }

    #[test]
    fn what_cannot_apply_is_refused_with_its_place() {
        for (random, why) in [
            ("nat-expire = 1", "has nothing to act on"),
            ("partition = 1e6", "strikes too often"),
            ("partiton = 1", "nearest: `partition`"),
            ("partition = 1\non = \"nobody\"", "names nobody to strike"),
        ] {
            let said = scenario(random).unwrap_err();
            assert!(said.contains(why) && said.contains("scenario.toml:"), "{random}: {said}");
        }
    }
}
