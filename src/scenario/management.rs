//! Stream management (XEP-0198): the `stream_management` table.

use crate::scenario::error::Problem;
use crate::scenario::tree::{Item, Table};
use crate::xmpp::config::{AfterTag, StreamManagement};

/// Stanzas between two requests where a scenario names no occasion for one: what XEP-0198 §8.2 shows and slixmpp does.
const REQUEST_EVERY: u32 = 5;

/// What the table says; `None` where it says that streams have none.
pub(super) fn settings(table: &Table) -> Option<StreamManagement> {
    if matches!(table.get("enable")?.item, Item::Boolean(false)) {
        return None;
    }
    let request_interval = table.time("request_interval");
    let otherwise = request_interval.is_none().then_some(REQUEST_EVERY);
    let request_every = table.count("request_every").or(otherwise);
    let resume = table.time("resume");
    Some(StreamManagement {
        request_every,
        request_interval,
        window: table.count("window"),
        resume,
        after_tag: if table.text("after_tag") == Some("keep") { AfterTag::Keep } else { AfterTag::End },
        // Who keeps sessions keeps what nobody acknowledged.
        resend: table.text("unresumed").map_or(resume.is_some(), |word| word == "resend"),
    })
}

/// Sessions are resumed by streams that come later: without any, nothing of them has an effect.
pub(super) fn check(root: &Table, problems: &mut Vec<Problem>) {
    let Some(table) = root.table("stream_management").filter(|_| !root.has("reconnect")) else { return };
    for key in ["resume", "after_tag", "unresumed"] {
        if let Some(field) = table.field(key) {
            problems.push(Problem {
                title: format!("`{}` has no effect without `reconnect`", field.tree.path),
                label: "it is for the next stream of the same peer".to_owned(),
                origin: field.key_origin.clone(),
            });
        }
    }
}
