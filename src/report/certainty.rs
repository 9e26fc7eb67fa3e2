//! How sure the finding is: differences and prices with their intervals, what pairing bought, and what cannot be said from
//! this many seeds.

use crate::experiment::comparison::{ContenderResult, PointResult};
use crate::experiment::estimate::{Difference, Estimate, Gap};
use crate::experiment::statistics::{Interval, SEEDS, SEEDS_FOR_SHARE};
use crate::experiment::until::narrow_enough;
use crate::report::units::{count, digits, micros, share, things};
use crate::report::verdict::{NAMED, by_loss, list, values};
use crate::scenario::measure::{Measure, Rank, Stage};
use crate::scenario::study::Precision;

/// The median of release: the price of waiting, as the application pays it.
const RELEASE: Measure = Measure::Time(Stage::Release, Rank::P50);

/// The median of teardown: what pairing buys in time, since both ways of closing have one that varies.
const TEARDOWN: Measure = Measure::Time(Stage::Teardown, Rank::P50);

/// How surely the strategies differ in loss.
pub(super) fn differences(point: &PointResult) -> Vec<String> {
    let seeds = point.reference().seeds.len();
    if seeds < SEEDS_FOR_SHARE {
        return Vec::new();
    }
    let mut sentences: Vec<String> = if seeds < SEEDS || point.contenders.len() < 2 {
        vec![shares(point, seeds)]
    } else {
        named(point).into_iter().map(|other| difference(point, other, seeds)).collect()
    };
    sentences.extend(point.contenders.iter().filter_map(|contender| nothing_lost(point, contender)));
    sentences
}

/// The other strategies, or of many only the one that differs most from the reference.
fn named(point: &PointResult) -> Vec<&ContenderResult> {
    let others: Vec<&ContenderResult> = point.others().collect();
    if others.len() < NAMED {
        return others;
    }
    let lost = point.reference().total.lost();
    let distance = |other: &&&ContenderResult| other.total.lost().abs_diff(lost);
    others.iter().rev().max_by_key(distance).copied().into_iter().collect()
}

/// Every strategy's share of streams with loss.
fn shares(point: &PointResult, seeds: usize) -> String {
    let mut sorted = by_loss(&point.contenders);
    if sorted.len() > NAMED {
        sorted.drain(1..sorted.len() - 1);
    }
    let parts: Vec<String> = (sorted.into_iter())
        .filter_map(|contender| {
            let interval = point.estimate(Measure::StreamsWithLoss, contender).interval()?;
            let Interval { low, high, .. } = interval;
            Some(format!("between {} and {} under {}", share(low), share(high), contender.strategy))
        })
        .collect();
    let more = if seeds < SEEDS { " An interval for a difference takes `--seeds 10`." } else { "" };
    format!("Over {seeds} seeds the share of streams that lose something is {} (95 %).{more}", list(&parts))
}

/// Which of two strategies loses more, by how much, and how sure that is.
fn difference(point: &PointResult, other: &ContenderResult, seeds: usize) -> String {
    let (name, reference) = (&other.strategy, &point.reference().strategy);
    let estimate = point.estimate(Measure::Lost, other);
    let Some((interval, ratio)) = estimate.difference.as_ref().and_then(|d| Some((d.interval()?, d.ratio))) else {
        return format!("Over {seeds} seeds the difference in loss between {reference} and {name} has no interval.");
    };
    let level = match point.contenders.len() {
        2 => "95 %".to_owned(),
        several => format!("95 % for all {} differences together", several - 1),
    };
    let Interval { low, estimate, high } = interval;
    if low <= 0.0 && high >= 0.0 {
        return format!(
            "Over {seeds} seeds the difference in loss between {reference} and {name} is not certain: {} stanzas a stream, \
             between {} and {} ({level}).",
            digits(estimate),
            digits(low),
            digits(high)
        );
    }
    let (low, high) = if estimate > 0.0 { (low, high) } else { (-high, -low) };
    let times = ratio.map_or(String::new(), |ratio| format!(", {} times as many", digits(ratio)));
    format!(
        "Over {seeds} seeds {name} loses {} stanzas a stream {} than {reference}{times}: between {} and {} ({level}).",
        digits(estimate.abs()),
        if estimate > 0.0 { "more" } else { "fewer" },
        digits(low),
        digits(high)
    )
}

/// The rule of three, in words.
fn nothing_lost(point: &PointResult, contender: &ContenderResult) -> Option<String> {
    let third = contender.total.streams / 3;
    let none = contender.total.sent > 0 && contender.total.lost() == 0 && third > 0;
    let sure = point.estimate(Measure::StreamsWithLoss, contender).interval().is_some();
    (none && sure).then(|| {
        format!(
            "{} lost nothing: fewer than 1 in {} streams would (95 %, one-sided).",
            contender.strategy,
            count(third)
        )
    })
}

/// What the strategy that lost least costs against the one that lost most, with intervals; `None` without them.
pub(super) fn price(point: &PointResult) -> Option<String> {
    let sorted = by_loss(&point.contenders);
    let (safe, hasty) = (sorted.first()?, sorted.last()?);
    let strategies = point.contenders.len();
    let against = |measure| {
        let estimate = crate::experiment::estimate::estimate(measure, safe, Some(hasty), strategies);
        estimate.difference.and_then(|difference| difference.interval())
    };
    let socket = against(Measure::SocketTime).filter(|_| strategies > 1)?;
    let mut parts = Vec::new();
    if let Some(release) = against(RELEASE) {
        parts.push(format!(
            "its application lets go {}",
            more_time(release, "later at the median", "sooner at the median")
        ));
    }
    let socket = more_time(socket, "longer on average", "less long on average");
    parts.push(format!("the closer's kernel holds a socket {socket}"));
    if let Some(Interval { low, estimate, high }) = against(Measure::PeakOpenSockets) {
        let more = if estimate < 0.0 { "fewer" } else { "more" };
        let (low, high) = if estimate < 0.0 { (-high, -low) } else { (low, high) };
        let (low, high) = (digits(low), digits(high));
        parts.push(format!("at the peak {} sockets {more} are open ({low} to {high})", digits(estimate.abs())));
    }
    Some(format!("The price of {} against {}: {}.", safe.strategy, hasty.strategy, list(&parts)))
}

/// `38.4 ms later (38.3 ms to 38.5 ms)`
fn more_time(interval: Interval, more: &str, less: &str) -> String {
    let Interval { low, estimate, high } = interval;
    let (low, high) = if estimate < 0.0 { (-high, -low) } else { (low, high) };
    let word = if estimate < 0.0 { less } else { more };
    format!("{} {word} ({} to {})", micros(estimate.abs()), micros(low), micros(high))
}

/// What pairing bought, and what so many seeds do not say.
pub(super) fn limits(point: &PointResult) -> Vec<String> {
    let seeds = point.reference().seeds.len();
    if seeds < SEEDS_FOR_SHARE {
        return vec![no_interval(seeds)];
    }
    pairing(point).into_iter().chain(unsaid(point, seeds)).collect()
}

fn no_interval(seeds: usize) -> String {
    let give = if seeds == 1 { "gives" } else { "give" };
    format!("{} {give} no interval; `--seeds 10` does.", things(seeds as u64, "seed", "seeds"))
}

/// How much narrower the intervals of differences are because strategies share seeds.
fn pairing(point: &PointResult) -> Option<String> {
    let other = named(point).into_iter().next()?;
    let widths = |measure| {
        let Difference { limits, unpaired_width, .. } = point.estimate(measure, other).difference?;
        let (low, high) = limits.ok()?;
        Some((high - low, unpaired_width?))
    };
    let part = |(measure, what, show): (Measure, &str, fn(f64) -> String)| {
        // A difference that is the same in every seed has no width, and no factor.
        let (paired, unpaired) = widths(measure).filter(|(paired, _)| *paired > 0.0)?;
        let factor = unpaired / paired;
        let worth = digits(factor * factor);
        Some(format!("{} wide instead of {} {what} (worth {worth} times the seeds)", show(paired), show(unpaired)))
    };
    let parts: Vec<String> =
        [(Measure::Lost, "in loss", digits as fn(f64) -> String), (TEARDOWN, "in median teardown", micros)]
            .into_iter()
            .filter_map(part)
            .collect();
    let subject = "Because all strategies meet the same traffic and networks, the interval of the difference";
    (!parts.is_empty()).then(|| {
        format!("{subject} between {} and {} is {}.", point.reference().strategy, other.strategy, list(&parts))
    })
}

/// Which numbers of the table have no interval, and what would give them one.
fn unsaid(point: &PointResult, seeds: usize) -> Option<String> {
    const SHOWN: [Measure; 6] = [
        Measure::Lost,
        Measure::Time(Stage::Release, Rank::P50),
        Measure::Time(Stage::Release, Rank::P99),
        Measure::Time(Stage::Notice, Rank::P50),
        Measure::Time(Stage::Teardown, Rank::P50),
        Measure::Time(Stage::Teardown, Rank::P99),
    ];
    let mut reasons: Vec<(String, Vec<&str>)> = Vec::new();
    for measure in SHOWN {
        for contender in &point.contenders {
            let estimate = point.estimate(measure, contender);
            let Some(reason) = estimate.limits.err().and_then(|gap| because(&estimate, gap)) else { continue };
            match reasons.iter_mut().find(|(earlier, _)| *earlier == reason) {
                Some((_, strategies)) if strategies.contains(&contender.strategy.as_str()) => {}
                Some((_, strategies)) => strategies.push(&contender.strategy),
                None => reasons.push((reason, vec![&contender.strategy])),
            }
        }
    }
    let every = point.contenders.len();
    let in_words = |(reason, strategies): (String, Vec<&str>)| {
        let names: Vec<String> = strategies.iter().map(ToString::to_string).collect();
        if names.len() == every { reason } else { format!("{reason} under {}", list(&names)) }
    };
    let reasons: Vec<String> = reasons.into_iter().map(in_words).collect();
    (!reasons.is_empty()).then(|| format!("Not to be said from {seeds} seeds: {}.", reasons.join("; ")))
}

fn because(estimate: &Estimate, gap: Gap) -> Option<String> {
    let name = estimate.measure.name();
    Some(match gap {
        Gap::Seeds { needed } => format!("how sure losses and times are (`--seeds {needed}` says it)"),
        Gap::Streams { needed } => {
            let rank = name.split('_').find(|part| part.starts_with('p')).unwrap_or(name);
            format!("how sure {rank} is ({} streams a seed would say it)", count(needed))
        }
        Gap::Events { streams: 0 } | Gap::Largest | Gap::Nothing => return None,
        Gap::Events { streams } => {
            format!("how sure the stanzas lost a stream are ({} lost some)", things(streams, "stream", "streams"))
        }
        Gap::Never => format!("{name} (it falls among closings in which it never came)"),
    })
}

/// Whether enough is known where seeds were added until then.
pub(super) fn reached(points: &[PointResult], precision: Precision) -> String {
    let enough = points.iter().filter(|point| narrow_enough(point, precision)).count();
    let most = points.iter().map(|point| point.reference().seeds.len()).max().unwrap_or(0);
    let how = match (enough, points.len()) {
        (0, 1) => format!("was not reached with {most}, the most there may be"),
        (1, 1) => format!("was reached with {most}"),
        (enough, all) => format!("was reached at {enough} of {all} sweep points, with at most {most}"),
    };
    format!(
        "Seeds were added until {precision}, which {how}; intervals so found hold about 1 % less often than they say."
    )
}

/// At how many points of a sweep the strategies surely differ.
pub(super) fn of_sweep(points: &[PointResult]) -> Vec<String> {
    let seeds = points.iter().map(|point| point.reference().seeds.len()).min().unwrap_or(0);
    if seeds < SEEDS {
        let more = if seeds < SEEDS_FOR_SHARE { no_interval(seeds) } else { differences_take_more(seeds) };
        return vec![more];
    }
    let Some(first) = points.first() else { return Vec::new() };
    first.others().map(|other| surely_differs(points, &first.reference().strategy, &other.strategy)).collect()
}

fn differences_take_more(seeds: usize) -> String {
    format!("{seeds} seeds give no interval for a difference; `--seeds 10` does.")
}

fn surely_differs(points: &[PointResult], reference: &str, name: &str) -> String {
    let (mut more, mut fewer, mut unsure) = (0, 0, Vec::new());
    for point in points {
        let other = point.contenders.iter().find(|contender| contender.strategy == name);
        let difference = other.and_then(|other| point.estimate(Measure::Lost, other).difference);
        match difference.and_then(|difference| difference.interval()) {
            Some(interval) if interval.low > 0.0 => more += 1,
            Some(interval) if interval.high < 0.0 => fewer += 1,
            _ => unsure.push(values(point)),
        }
    }
    let mut parts = Vec::new();
    if more > 0 {
        parts.push(format!("surely loses more than {reference} at {more}"));
    }
    if fewer > 0 {
        parts.push(format!("surely loses fewer than {reference} at {fewer}"));
    }
    if !unsure.is_empty() {
        let places = if unsure.len() > NAMED { String::new() } else { format!(" ({})", unsure.join("; ")) };
        parts.push(format!("does not surely differ from {reference} at {}{places}", unsure.len()));
    }
    let of = things(points.len() as u64, "sweep point", "sweep points");
    format!("{name}: {} of {of} (95 % at each point).", list(&parts))
}
