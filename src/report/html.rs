//! report.html: one page that says what a result directory says, to be sent on.
//!
//! Its parts stand in the order in which a reader asks: who loses how much (with what certainty), how long it takes, where
//! stanzas die, what the difference is, what it costs, who came back, what else was tried, and what exactly was run. The page needs nothing
//! beside itself: no script, no font, no other file. The same files give the same bytes.

mod capacity;
mod differences;
mod frontier;
mod outcomes;
mod places;
mod provenance;
mod returns;
mod sockets;
mod spectrum;
mod sweep;
mod verdict;

use askama::Template;

use crate::report::chart::axis::varied_label;
use crate::report::chart::{Colour, colours, series, swatch};
use crate::report::reading::{IntervalRow, Point, Results, Study};

pub use provenance::{Life, trace_command};

/// The largest page that is written.
pub const LIMIT: usize = 500_000;

/// Strategies that have charts of their own; of more the tables tell.
const DRAWN: usize = 8;

/// Strategies that are named one by one; of more, only the ends.
const NAMED: usize = 4;

/// The page of a study. `lives` are those of its worst streams, in the same order.
///
/// Where it would grow beyond [`LIMIT`], the last of the lives stay away until it does not, and the page says so.
pub fn render(study: &Study, lives: &[Life]) -> String {
    for shown in (0..=lives.len()).rev() {
        let page = page(study, lives, shown);
        if page.len() <= LIMIT || shown == 0 {
            return page;
        }
    }
    String::new()
}

fn page(study: &Study, lives: &[Life], shown: usize) -> String {
    let focus = focus(study);
    let parts = [
        Some(verdict::part(study, focus)),
        Some(spectrum::part(study, focus)),
        Some(places::part(study, focus)),
        differences::part(study, focus),
        Some(sockets::part(study, focus)),
        capacity::part(study, focus),
        returns::part(study, focus),
        Some(frontier::part(study, focus)),
        sweep::part(study),
        Some(outcomes::part(study, focus)),
        Some(provenance::part(study, lives, shown)),
    ];
    let title = format!("{}: which way of closing loses stanzas", study.scenario);
    let page = Page {
        title,
        about: about(study),
        version: &study.version,
        dark: dark(),
        parts: parts.into_iter().flatten().collect(),
    };
    page.render().expect("a template of values in memory renders")
}

/// The whole page as the template takes it.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    title: String,
    about: String,
    version: &'a str,
    dark: String,
    parts: Vec<Part>,
}

/// A section of the page.
struct Part {
    id: &'static str,
    heading: String,
    /// Paragraphs before the figures.
    texts: Vec<String>,
    figures: Vec<Figure>,
    /// Tables without a figure.
    tables: Vec<Table>,
    /// The life of one stream each.
    lives: Vec<provenance::Shown>,
    /// Names with values: what was run.
    facts: Vec<(String, String)>,
    /// The scenario as JSON.
    source: Option<String>,
}

impl Part {
    fn new(id: &'static str, heading: &str) -> Self {
        Self {
            id,
            heading: heading.to_owned(),
            texts: Vec::new(),
            figures: Vec::new(),
            tables: Vec::new(),
            lives: Vec::new(),
            facts: Vec::new(),
            source: None,
        }
    }
}

/// A drawing with the finding it shows, in words, and its numbers.
struct Figure {
    /// What a reader should see in it.
    finding: String,
    svg: String,
    legend: Vec<Sample>,
    table: Table,
}

/// An entry of a legend.
struct Sample {
    swatch: String,
    name: String,
}

impl Sample {
    fn strategy(index: usize, name: &str) -> Self {
        Self { swatch: swatch(Some(index), series(index)), name: name.to_owned() }
    }

    fn part(colour: Colour, name: &str) -> Self {
        Self { swatch: swatch(None, colour), name: name.to_owned() }
    }
}

/// Numbers in rows; the first column names them.
struct Table {
    caption: String,
    head: Vec<String>,
    rows: Vec<Vec<Cell>>,
    /// Shown at once, not on demand.
    open: bool,
}

/// A number with what stands small below it: its interval.
struct Cell {
    text: String,
    interval: String,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), interval: String::new() }
    }
}

/// What was run, in one line below the title.
fn about(study: &Study) -> String {
    let peers = study.points.first().and_then(|point| point.scenario["peers"].as_u64()).unwrap_or(0);
    let seeds = match study.seeds.as_slice() {
        [seed] => format!("seed {seed}"),
        seeds => format!("{} seeds", seeds.len()),
    };
    let sweep = match study.points.len() {
        0 | 1 => String::new(),
        points => format!(", {points} sweep points"),
    };
    format!("{} peers, {seeds}{sweep}, engine {}", super::units::count(peers), study.engine)
}

/// The colours of a dark page, as rules for the attributes that charts have.
fn dark() -> String {
    let rule = |colour: Colour| {
        let (from, to) = (colour.attribute(), format!("#{:06x}", colour.dark));
        format!("svg [fill=\"{from}\"]{{fill:{to}}}svg [stroke=\"{from}\"]{{stroke:{to}}}")
    };
    colours().map(rule).collect::<Vec<_>>().concat()
}

/// The sweep point that stands for all where one must: the one in which strategies differ most in loss.
fn focus(study: &Study) -> &Point {
    let spread = |point: &Point| {
        let losses = point.strategies.iter().map(Results::loss);
        let (low, high) =
            losses.fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), loss| (low.min(loss), high.max(loss)));
        high - low
    };
    let first = &study.points[0];
    study.points.iter().fold(first, |best, point| if spread(point) > spread(best) { point } else { best })
}

/// A sweep point as its values, durations with a unit: `links.wire.latency 50 ms, links.wire.loss 0.01`.
fn named(point: &Point) -> String {
    let value = |(key, value): &(String, String)| format!("{key} {}", varied_label(key, value));
    point.varied.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// A part's first paragraph, which says at which sweep point it is where there are several.
fn opening(study: &Study, focus: &Point, text: &str) -> String {
    let place = format!("At {}, where the strategies differ most in loss: ", named(focus));
    if study.points.len() > 1 { place + text } else { sentence(text) }
}

/// The first letter in upper case: a sentence begins.
fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `a`, `a and b`, `a, b and c`.
fn list(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// What `words` says of each strategy; of many, of those with the least and the most by `key`.
fn each(strategies: &[Results], key: impl Fn(&Results) -> f64, words: impl Fn(&Results) -> String) -> String {
    if strategies.len() <= NAMED {
        return strategies.iter().map(words).collect::<Vec<_>>().join("; ");
    }
    let order = |a: &&Results, b: &&Results| key(a).total_cmp(&key(b));
    let ends = [strategies.iter().min_by(order), strategies.iter().max_by(order)];
    let ends: Vec<String> = ends.into_iter().flatten().map(words).collect();
    format!("of {} strategies, at one end {}", strategies.len(), ends.join(", at the other "))
}

/// The row of comparison.csv for a strategy and metric.
fn interval<'a>(study: &'a Study, point: &Point, strategy: usize, metric: &str) -> Option<&'a IntervalRow> {
    let point = study.points.iter().position(|other| other.varied == point.varied)?;
    study.intervals.iter().find(|row| row.point == point && row.strategy == strategy && row.metric == metric)
}

/// The metrics of comparison.csv that the page knows.
mod metric {
    /// Stanzas lost a stream.
    pub(super) const LOSS: &str = "lost";
    /// Share of streams that lost something.
    pub(super) const WITH_LOSS: &str = "streams_with_loss";
    /// Share of closings of which the peer's application never learned.
    pub(super) const NEVER_NOTICED: &str = "never_noticed";
    /// Time of a kernel socket a stream, in microseconds.
    pub(super) const SOCKET: &str = "socket_us";
}

#[cfg(test)]
mod tests;
