//! Traffic, from its tables.

use crate::scenario::error::Problem;
use crate::scenario::quantity;
use crate::scenario::tree::{Table, Tree};
use crate::xmpp::config::{Process, Source, Traffic};

/// The traffic that a table describes; `None` if it is not usable, with its problems recorded.
pub(super) fn traffic(tree: &Tree, problems: &mut Vec<Problem>) -> Option<Traffic> {
    let table = tree.table()?;
    let responds = |side: &str| table.table(side).is_some_and(|t| t.has("respond"));
    if responds("client") && responds("server") {
        problems.push(Problem {
            title: format!("both sides of `{}` respond", tree.path),
            label: "neither would ever write the first stanza".to_owned(),
            origin: tree.origin.clone(),
        });
        return None;
    }
    for (side, other) in [("client", "server"), ("server", "client")] {
        if responds(side) && !table.has(other) {
            problems.push(Problem {
                title: format!("`{}.{side}.respond` has no effect without `{other}`", tree.path),
                label: "there is nothing to answer".to_owned(),
                origin: table.get(side).map_or(tree.origin.clone(), |t| t.origin.clone()),
            });
        }
    }
    let side = |name: &str| match table.table(name) {
        Some(side) => source(side).map(Some),
        None if table.has(name) => None,
        None => Some(None),
    };
    Some(Traffic { client: side("client")?, server: side("server")? })
}

fn source(table: &Table) -> Option<Source> {
    Some(Source { process: process(table)?, size: quantity::at(table, "size")?, count: table.count("count") })
}

fn process(table: &Table) -> Option<Process> {
    if let Some(rate) = table.quantity("poisson") {
        Some(Process::Poisson(rate))
    } else if let Some(every) = table.time("periodic") {
        Some(Process::Periodic(every))
    } else if let Some(bursts) = table.table("bursts") {
        Some(Process::Bursts {
            every: quantity::at(bursts, "every")?,
            stanzas: bursts.count("stanzas")?,
            spacing: quantity::at(bursts, "spacing")?,
        })
    } else {
        Some(Process::Respond { after: quantity::at(table, "respond")? })
    }
}
