//! Who came back, in a sentence for each strategy.

use crate::experiment::cell::Figures;
use crate::experiment::comparison::{ContenderResult, PointResult};
use crate::experiment::returns::ReturnsResult;
use crate::report::units::{count, percent, things, time};
use crate::report::verdict::NAMED;

/// One sentence a strategy, as long as they are few; none where nobody comes back.
pub(super) fn sentences(point: &PointResult) -> Vec<String> {
    point.contenders.iter().take(NAMED).filter_map(sentence).collect()
}

fn sentence(contender: &ContenderResult) -> Option<String> {
    let results: Vec<&ReturnsResult> = contender.seeds.iter().filter_map(|seed| seed.returns.as_ref()).collect();
    let sum = |of: fn(&ReturnsResult) -> u64| results.iter().map(|result| of(result)).sum::<u64>();
    let (absences, returned) = (sum(|r| r.absences), sum(|r| r.returned));
    let most = |of: fn(&ReturnsResult) -> u64| results.iter().map(|result| of(result)).max();
    let name = &contender.strategy;
    // Absences of several seeds are not ranked together: the slowest seed speaks for all.
    let slowest = results.iter().max_by_key(|result| (result.back.p99.is_none(), result.back.p99, result.back.p50))?;
    if absences == 0 {
        return Some(format!("{name}: nobody was away, so nobody came back."));
    }
    let delayed = sum(|r| r.delay.count);
    let waited = if delayed == 0 {
        String::new()
    } else {
        let longest = results.iter().filter_map(|result| result.delay.max).max().unwrap_or_default();
        format!(
            "; {} waited for the next stream, the longest for {}",
            things(delayed, "stanza", "stanzas"),
            time(longest)
        )
    };
    Some(format!(
        "Coming back after {name}: {} of {} ended with a new stream ({}){}{}; \
         at most {} a second at one node, {} of {} tries refused{waited}.",
        count(returned),
        things(absences, "absence", "absences"),
        percent(returned, absences),
        within(&slowest.back),
        if results.len() > 1 { " in the slowest seed" } else { "" },
        things(most(|r| r.peak_connects)?, "connection", "connections"),
        count(sum(|r| r.refused)),
        count(sum(|r| r.connects)),
    ))
}

/// When half and when nearly all were back, of all who were away.
fn within(back: &Figures) -> String {
    let shares = [("half", back.p50), ("90 %", back.p90), ("99 %", back.p99)];
    let known =
        shares.iter().filter_map(|(share, after)| after.map(|after| format!(", {share} within {}", time(after))));
    known.collect()
}
