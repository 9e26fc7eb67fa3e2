//! Stream management (XEP-0198): the `stream_management` table.

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
