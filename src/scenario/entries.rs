//! Entries of the chaos schedule, from their tables.

use crate::id::NodeId;
use crate::net::disturbance::{Disturbance, Pattern};
use crate::net::link::RateLimit;
use crate::scenario::Class;
use crate::scenario::chaos::{Action, Chaos, Forgery, Instants, Mishap, Target, Way};
use crate::scenario::error::{Problem, choices};
use crate::scenario::links::DEFAULT_QUEUE;
use crate::scenario::quantity;
use crate::scenario::tree::{Item, Table, Tree};
use crate::scenario::value::Origin;
use crate::time::Micros;
use crate::xmpp::config::By;

/// The most strikes of one entry: more is a mistake in a unit, not chaos.
const MOST_STRIKES: f64 = 10_000.0;

/// How late a packet is held back at most where the scenario does not say.
const DEFAULT_HOLD: Micros = Micros::from_millis(50);

/// What entries are held against.
pub(super) struct Surroundings<'a> {
    pub(super) duration: Micros,
    pub(super) nodes: u32,
    /// Who closes.
    pub(super) by: By,
    /// Names of all classes, usable or not.
    pub(super) names: Vec<&'a str>,
    /// The classes that are usable.
    pub(super) classes: &'a [Class],
}

/// The entries in order; those that are not usable are left out, with their problems recorded.
pub(super) fn entries(list: &[Tree], around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Vec<Chaos> {
    list.iter().filter_map(|tree| entry(tree, around, problems)).collect()
}

fn entry(tree: &Tree, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Option<Chaos> {
    let table = tree.table()?;
    // Everything is read before anything is given up, so that all problems are found.
    let at = table.get("at").and_then(|t| instants(t, around, problems));
    let on = table.get("on").and_then(|t| target(t, around, problems));
    let way = match table.text("way") {
        Some("to-server") => Way::ToServer,
        Some("to-client") => Way::ToClient,
        _ => Way::Both,
    };
    let action = table.get("do").and_then(|t| action(t, way, problems))?;
    let (name, lasts) = (name_of(table.get("do")?), quantity::at(table, "for"));
    check_length(table, tree, &action, name, problems);
    if let (Some(field), Action::Machine(_) | Action::NatExpire) = (table.field("way"), &action) {
        no_effect(&field.tree, &field.key_origin, name, "it does nothing to packets of one way", problems);
    }
    if action == Action::NatExpire
        && let Some(on) = &on
    {
        check_middleboxes(table.get("do")?, on, around, problems);
    }
    if action == Action::Machine(Mishap::Restart) {
        check_restart(table, on.as_ref(), around, problems);
    }
    Some(Chaos { at: at?, lasts, action, on: on? })
}

/// The action as it was written: the word, or the main key of the table.
fn name_of(tree: &Tree) -> &str {
    let main = || tree.table().and_then(|t| t.fields.iter().find(|f| f.key != "queue" && f.key != "by"));
    tree.text().or_else(|| main().map(|f| f.key.as_str())).unwrap_or_default()
}

fn no_effect(key: &Tree, origin: &Origin, on: &str, why: &str, problems: &mut Vec<Problem>) {
    let title = format!("`{}` has no effect on `{on}`", key.path);
    problems.push(Problem { title, label: why.to_owned(), origin: origin.clone() });
}

/// What is over at once has no length, and what comes back must say when.
fn check_length(table: &Table, entry: &Tree, action: &Action, name: &str, problems: &mut Vec<Problem>) {
    let field = table.field("for");
    let mut missing = |label: &str| {
        problems.push(Problem {
            title: format!("missing key `{}.for`", entry.path),
            label: label.to_owned(),
            origin: table.get("do").map_or(entry.origin.clone(), |t| t.origin.clone()),
        });
    };
    match (action, field) {
        (Action::Machine(Mishap::Crash), Some(field)) => {
            let why = "a machine that crashes stays silent; `reboot` comes back";
            no_effect(&field.tree, &field.key_origin, name, why, problems);
        }
        (Action::NatExpire | Action::Inject(..) | Action::Machine(Mishap::ClockJump(_)), Some(field)) => {
            no_effect(&field.tree, &field.key_origin, name, "it happens in an instant", problems);
        }
        (Action::Machine(Mishap::Reboot), None) => {
            missing("how long `reboot` leaves the machine off; `crash` is for good");
        }
        (Action::Machine(Mishap::Restart), None) => missing("how long nobody listens after `restart`"),
        _ => {}
    }
}

fn instants(tree: &Tree, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Option<Instants> {
    let (first, strikes, instants) = if let Some(table) = tree.table() {
        if let Some(every) = table.time("every") {
            let jitter = table.time("jitter").unwrap_or(Micros::ZERO);
            (every, seconds(around.duration) / seconds(every), Instants::Every { every, jitter })
        } else {
            if let Some(field) = table.field("jitter") {
                let origin = field.key_origin.clone();
                let title = format!("`{}` has no effect without `every`", field.tree.path);
                problems.push(Problem { title, label: "a Poisson process needs none".to_owned(), origin });
            }
            let rate = table.quantity("poisson")?;
            (Micros::ZERO, seconds(around.duration) * rate, Instants::Poisson(rate))
        }
    } else {
        let once = tree.time()?;
        (once, 1.0, Instants::Once(once))
    };
    if first >= around.duration {
        problems.push(Problem {
            title: format!("`{}` is after the end of the run", tree.path),
            label: format!("found {first}, the run ends at {}", around.duration),
            origin: tree.origin.clone(),
        });
        return None;
    }
    check_number(strikes, tree, around, problems)?;
    Some(instants)
}

/// Whether so many strikes a second are a number that somebody may have meant.
pub(super) fn check_strikes(
    rate: f64,
    tree: &Tree,
    around: &Surroundings<'_>,
    problems: &mut Vec<Problem>,
) -> Option<()> {
    check_number(seconds(around.duration) * rate, tree, around, problems)
}

fn check_number(strikes: f64, tree: &Tree, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Option<()> {
    if strikes > MOST_STRIKES {
        problems.push(Problem {
            title: format!("`{}` strikes too often", tree.path),
            label: format!("found some {strikes:.0} strikes in {}; allowed: {MOST_STRIKES}", around.duration),
            origin: tree.origin.clone(),
        });
        return None;
    }
    Some(())
}

#[expect(clippy::cast_precision_loss, reason = "a year in microseconds is below 2^53")]
fn seconds(time: Micros) -> f64 {
    time.get() as f64 / 1e6
}

pub(super) fn target(tree: &Tree, around: &Surroundings<'_>, problems: &mut Vec<Problem>) -> Option<Target> {
    if let Some(table) = tree.table() {
        return table.quantity("share").map(Target::Share);
    }
    let text = tree.text()?;
    let class = around.names.iter().position(|name| *name == text);
    let node = text.strip_prefix("node ").map(|n| n.trim().parse::<u32>().ok().filter(|n| *n < around.nodes));
    let label = match (text, class, node) {
        // A class of this name beside others: nobody can tell which is meant. A class by itself is all there is.
        ("all" | "server", Some(_), _) if around.names.len() > 1 => {
            format!("{text:?} is the name of a class too; give the class another name")
        }
        ("all", ..) => return Some(Target::All),
        ("server", ..) => return Some(Target::Server),
        (_, Some(class), _) => return Some(Target::Class(class)),
        (_, None, Some(Some(n))) => return Some(Target::Node(NodeId(n))),
        (_, None, Some(None)) if around.nodes == 1 => format!("found {text:?}; there is one node, \"node 0\""),
        (_, None, Some(None)) => format!("found {text:?}; allowed: \"node 0\" to \"node {}\"", around.nodes - 1),
        (_, None, None) => {
            let known: Vec<&str> = around.names.iter().copied().chain(["server", "node 0", "all"]).collect();
            format!("found {text:?}; {}, or {{ share = 0.1 }}", choices(text, &known))
        }
    };
    problems.push(Problem {
        title: format!("`{}` names nobody to strike", tree.path),
        label,
        origin: tree.origin.clone(),
    });
    None
}

fn action(tree: &Tree, way: Way, problems: &mut Vec<Problem>) -> Option<Action> {
    let Some(table) = tree.table() else {
        return plain(tree.text()?, way);
    };
    for (key, main) in [("queue", "rate"), ("by", "reorder")] {
        if let (Some(field), false) = (table.field(key), table.has(main)) {
            problems.push(Problem {
                title: format!("`{}` has no effect without `{main}`", field.tree.path),
                label: "it belongs to that action".to_owned(),
                origin: field.key_origin.clone(),
            });
        }
    }
    if let Some(Item::Shift(shift)) = table.get("clock-jump").map(|t| &t.item) {
        return Some(Action::Machine(Mishap::ClockJump(*shift)));
    }
    Some(Action::Link(disturbance(table)?, way))
}

/// The action without a parameter of this name.
pub(super) fn plain(name: &str, way: Way) -> Option<Action> {
    Some(match name {
        "partition" => Action::Link(Disturbance::Partition, way),
        "freeze" => Action::Machine(Mishap::Freeze),
        "hang" => Action::Machine(Mishap::Hang),
        "crash" => Action::Machine(Mishap::Crash),
        "reboot" => Action::Machine(Mishap::Reboot),
        "restart" => Action::Machine(Mishap::Restart),
        "nat-expire" => Action::NatExpire,
        "inject-reset" => Action::Inject(Forgery::Reset, way),
        "inject-fin" => Action::Inject(Forgery::Fin, way),
        _ => return None,
    })
}

fn disturbance(table: &Table) -> Option<Disturbance> {
    let value = |key| table.quantity(key);
    if let Some(p) = value("loss") {
        Some(Disturbance::Loss(p))
    } else if let Some(latency) = quantity::at(table, "latency") {
        Some(Disturbance::Latency(latency))
    } else if let Some(Item::Rate(bits_per_second)) = table.get("rate").map(|t| t.item.clone()) {
        let queue_bytes = match table.get("queue").map(|t| &t.item) {
            Some(Item::Bytes(n)) => *n,
            _ => DEFAULT_QUEUE,
        };
        Some(Disturbance::Rate(RateLimit { bits_per_second, queue_bytes }))
    } else if let Some(share) = value("reorder") {
        Some(Disturbance::Reorder { share, by: table.time("by").unwrap_or(DEFAULT_HOLD) })
    } else if let Some(p) = value("duplicate") {
        Some(Disturbance::Duplicate(p))
    } else if let Some(p) = value("corrupt") {
        Some(Disturbance::Corrupt(p))
    } else {
        let kind = table.get("drop-matching")?;
        let text = kind.table().and_then(|t| t.text("text")).map(|text| Pattern::Text(text.into()));
        text.or_else(|| Pattern::by_name(kind.text()?)).map(Disturbance::Matching)
    }
}

/// It is servers that restart, and what they do then is close.
fn check_restart(table: &Table, on: Option<&Target>, around: &Surroundings<'_>, problems: &mut Vec<Problem>) {
    if let (By::Client, Some(key)) = (around.by, table.get("do")) {
        refuse_restart(key, problems);
    }
    if let (Some(Target::Class(_) | Target::Share(_)), Some(key)) = (on, table.get("on")) {
        problems.push(Problem {
            title: format!("`{}` names peers, and `restart` strikes servers", key.path),
            label: "allowed: \"server\", \"node N\" or \"all\"".to_owned(),
            origin: key.origin.clone(),
        });
    }
}

/// Where clients close, a server that restarts has no strategy.
pub(super) fn refuse_restart(key: &Tree, problems: &mut Vec<Problem>) {
    problems.push(Problem {
        title: format!("`{}` asks for a restart, which has nothing to do", key.path),
        label: "a server that restarts closes its streams by the strategy, but `closing.by` is client".to_owned(),
        origin: key.origin.clone(),
    });
}

/// A middlebox can forget only where there is one.
pub(super) fn check_middleboxes(key: &Tree, on: &Target, around: &Surroundings<'_>, problems: &mut Vec<Problem>) {
    let struck: Vec<&Class> = match on {
        // A class that is not usable has a problem of its own.
        Target::Class(i) => around.classes.iter().filter(|c| around.names.get(*i) == Some(&c.name.as_str())).collect(),
        Target::All | Target::Server | Target::Node(_) | Target::Share(_) => around.classes.iter().collect(),
    };
    if !struck.is_empty() && struck.iter().all(|class| class.link.middlebox.is_none()) {
        problems.push(Problem {
            title: format!("`{}`: \"nat-expire\" has nothing to act on", key.path),
            label: "no link of those it strikes has a `middlebox`".to_owned(),
            origin: key.origin.clone(),
        });
    }
}
