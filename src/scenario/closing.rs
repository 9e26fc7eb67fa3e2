//! Who closes, when and how: the `closing` table, and the contenders with what their presets bring.

use crate::scenario::catalog::{self, Closing};
use crate::scenario::error::{Problem, choices};
use crate::scenario::quantity;
use crate::scenario::tree::{Item, Table, Tree};
use crate::scenario::value::Origin;
use crate::scenario::{Contender, WeightedCloser};
use crate::time::Micros;
use crate::xmpp::config::{By, Condition, InWait, When};

/// Who decides.
pub(super) fn by(table: &Table) -> By {
    match table.text("by") {
        Some("client") => By::Client,
        Some("both") => By::Both,
        _ => By::Server,
    }
}

/// When: `None` where the scenario does not say.
pub(super) fn when(table: &Table, problems: &mut Vec<Problem>) -> Option<When> {
    if let (Some(sweep), false) = (table.field("sweep"), table.has("idle")) {
        let overruled = table.get("after").is_some_and(|t| matches!(t.origin, Origin::Option(_)));
        if !overruled {
            problems.push(Problem {
                title: "`closing.sweep` has no effect without `closing.idle`".to_owned(),
                label: "a sweep looks for idle streams".to_owned(),
                origin: sweep.key_origin.clone(),
            });
        }
    }
    if let Some(after) = quantity::at(table, "after") {
        return Some(When::After(after));
    }
    let sweep = table.time("sweep").unwrap_or(Micros::ZERO);
    quantity::at(table, "idle").map(|idle| When::Idle { idle, sweep })
}

/// What the scenario says for strategies, and for presets where they leave it open.
pub(super) fn settings(table: &Table) -> Option<Closing> {
    let timeout = match table.get("timeout")?.item {
        Item::Never => None,
        Item::Time(time) => Some(time),
        _ => return None,
    };
    let condition = match table.text("condition")? {
        "conflict" => Condition::Conflict,
        "policy-violation" => Condition::PolicyViolation,
        "system-shutdown" => Condition::SystemShutdown,
        _ => Condition::ConnectionTimeout,
    };
    Some(Closing {
        timeout,
        in_wait: if table.text("in_wait")? == "discard" { InWait::Discard } else { InWait::Process },
        grace: table.time("grace")?,
        ping_timeout: table.time("ping_timeout")?,
        condition,
    })
}

/// The contenders in order.
pub(super) fn contenders(
    strategies: &[Tree],
    mixes: &Table,
    closing: &Closing,
    said: bool,
    problems: &mut Vec<Problem>,
) -> Vec<Contender> {
    let mut contenders: Vec<Contender> = Vec::new();
    for tree in strategies {
        let Some(name) = tree.text() else { continue };
        if contenders.iter().any(|c| c.name == name) {
            let title = format!("the strategy `{name}` is listed twice");
            problems.push(Problem { title, label: "each is run once".to_owned(), origin: tree.origin.clone() });
            continue;
        }
        let closers = match mixes.table(name) {
            Some(mix) => mix
                .fields
                .iter()
                .filter_map(|field| closer(&field.key, field.tree.quantity()?, closing, said))
                .collect(),
            None => closer(name, 1.0, closing, said).into_iter().collect::<Vec<_>>(),
        };
        if closers.is_empty() && !mixes.has(name) {
            let known: Vec<&str> =
                catalog::closer_names().into_iter().chain(mixes.fields.iter().map(|f| f.key.as_str())).collect();
            let title = format!("no strategy, preset or mix is called `{name}`");
            problems.push(Problem { title, label: choices(name, &known), origin: tree.origin.clone() });
        }
        contenders.push(Contender { name: name.to_owned(), closers });
    }
    contenders
}

fn closer(name: &str, weight: f64, closing: &Closing, said: bool) -> Option<WeightedCloser> {
    let (profile, own) = catalog::closer(name, closing)?;
    Some(WeightedCloser { name: name.to_owned(), weight, profile, when: own.filter(|_| !said) })
}

/// Checks the names in mixes and those of mixes.
pub(super) fn check_mixes(mixes: &Table, problems: &mut Vec<Problem>) {
    let known = catalog::closer_names();
    for mix in &mixes.fields {
        if known.contains(&mix.key.as_str()) {
            problems.push(Problem {
                title: format!("the mix `{}` has the name of a strategy or preset", mix.key),
                label: "give it another name".to_owned(),
                origin: mix.key_origin.clone(),
            });
        }
        let Some(table) = mix.tree.table() else { continue };
        if table.fields.is_empty() {
            problems.push(Problem {
                title: format!("`{}` is empty", mix.tree.path),
                label: "a mix needs at least one strategy or preset with its weight".to_owned(),
                origin: mix.key_origin.clone(),
            });
        }
        for field in table.fields.iter().filter(|f| !known.contains(&f.key.as_str())) {
            problems.push(Problem {
                title: format!("no strategy or preset is called `{}`", field.key),
                label: choices(&field.key, &known),
                origin: field.key_origin.clone(),
            });
        }
    }
}

/// Without `after` and `idle` every closer must bring an idle limit of its own.
pub(super) fn check_when(contenders: &[Contender], closing: &Tree, problems: &mut Vec<Problem>) {
    let lacking = contenders.iter().flat_map(|c| &c.closers).find(|c| c.when.is_none());
    if let Some(closer) = lacking {
        let origin = if closing.origin == Origin::Default { Origin::Whole } else { closing.origin.clone() };
        problems.push(Problem {
            title: "`closing` has neither `after` nor `idle`".to_owned(),
            label: format!("`{}` brings no idle limit of its own", closer.name),
            origin,
        });
    }
}
