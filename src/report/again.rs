//! What stream management brought back, in a sentence.

use crate::experiment::comparison::{ContenderResult, PointResult};
use crate::report::units::{count, things};
use crate::report::verdict::NAMED;

/// One sentence for all strategies, where stanzas are written again.
pub(super) fn sentence(point: &PointResult) -> Option<String> {
    let management =
        point.scenario.stream_management.filter(|management| management.resend || management.resume.is_some());
    management.filter(|_| point.scenario.reconnect.is_some())?;
    let parts: Vec<String> = point.contenders.iter().take(NAMED).map(part).collect();
    Some(format!("Written again on later streams: {}.", parts.join("; ")))
}

fn part(contender: &ContenderResult) -> String {
    let total = &contender.total;
    format!(
        "of {} that {} lost {} were delivered after all and {} never, {} twice",
        things(total.lost(), "stanza", "stanzas"),
        contender.strategy,
        count(total.recovered),
        count(total.lost_for_good()),
        things(total.duplicated, "was delivered", "were delivered"),
    )
}
