//! What exactly was run, how to make the page again, and the worst streams one by one.

use serde_json::Value;

use crate::ledger::trace::TraceEvent;
use crate::report::chart::axis::is_time;
use crate::report::chart::lifeline;
use crate::report::html::verdict::shown_time;
use crate::report::html::{Cell, Part, Table, named};
use crate::report::reading::{Stream, Study};
use crate::report::units::{count, things};

/// What is known of a worst stream beside the tables.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Life {
    /// Its events, from running it again.
    Traced(Vec<TraceEvent>),
    /// Why it was not run again.
    Untold(String),
}

/// A worst stream as the page shows it.
pub(super) struct Shown {
    pub heading: String,
    pub command: String,
    /// What the chart shows; nothing where there is no chart.
    pub finding: String,
    pub svg: String,
    /// Why there is no chart.
    pub excuse: String,
    pub table: Table,
}

pub(super) fn part(study: &Study, lives: &[Life], shown: usize) -> Part {
    let mut part = Part::new("provenance", "What was run, and the worst streams");
    part.facts = facts(study);
    part.tables.push(files(study));
    part.source = study.points.first().map(|point| format!("{:#}", point.scenario));
    if study.worst.is_empty() {
        part.texts.push("No stream lost a stanza, so there is none to look at.".to_owned());
        return part;
    }
    let by = if study.has_streams { "stanzas lost, then by teardown" } else { "stanzas lost" };
    part.texts.push(format!(
        "The {} by {by}, each with the command that shows its whole life (add --pcap FILE for Wireshark) and the part of it around the \
         closing: time runs down, an arrow is a packet from one kernel to the other, and c7 is the client's stanza number 7, s7 the server's.",
        things(study.worst.len() as u64, "worst stream", "worst streams")
    ));
    part.lives =
        study.worst.iter().enumerate().map(|(i, stream)| life(study, stream, lives.get(i), i < shown)).collect();
    part
}

fn life(study: &Study, stream: &Stream, life: Option<&Life>, fits: bool) -> Shown {
    let point = &study.points[stream.point];
    let strategy = &point.strategies[stream.strategy].strategy;
    let mut heading = format!("{strategy}, seed {}, stream {}", stream.seed, stream.number);
    if !point.varied.is_empty() {
        heading = format!("{heading}, {}", named(point));
    }
    let lost = format!(
        "{} lost, {} of them to the closer",
        things(stream.lost, "stanza", "stanzas"),
        count(stream.lost_to_closer)
    );
    let mut rows: Vec<Vec<Cell>> = vec![vec!["lost".into(), lost.clone().into()]];
    if let Some((class, outcome)) = &stream.words {
        rows.push(vec!["class of the peer".into(), class.as_str().into()]);
        rows.push(vec!["outcome".into(), outcome.as_str().into()]);
    }
    if let Some(teardown) = stream.teardown {
        rows.push(vec!["teardown".into(), teardown.map_or_else(|| "never".to_owned(), shown_time).into()]);
    }
    let (mut svg, mut excuse, mut finding) = (String::new(), String::new(), String::new());
    match life {
        Some(Life::Traced(_)) if !fits => {
            "It would make the page too large; the command shows it.".clone_into(&mut excuse);
        }
        Some(Life::Traced(events)) => {
            rows.extend(lifeline::instants(events).into_iter().map(|(name, value)| vec![name.into(), value.into()]));
            svg = lifeline::draw(events);
            finding = format!("Sequence chart of stream {}, {strategy}: {lost}.", stream.number);
        }
        Some(Life::Untold(why)) => excuse.clone_from(why),
        None => {}
    }
    let table = Table {
        caption: format!("Stream {}.", stream.number),
        head: vec!["what".into(), "value".into()],
        rows,
        open: false,
    };
    Shown { heading, command: trace_command(study, stream), finding, svg, excuse, table }
}

/// The command that shows a stream's whole life.
pub fn trace_command(study: &Study, stream: &Stream) -> String {
    let options = &study.options;
    let scenario = options["scenario"].as_str().unwrap_or(&study.scenario);
    let mut words = vec!["farewell".to_owned(), "trace".to_owned(), scenario.to_owned()];
    for set in options["set"].as_array().into_iter().flatten().filter_map(Value::as_str) {
        words.extend(["--set".to_owned(), set.to_owned()]);
    }
    if let Some(peers) = options["peers"].as_str() {
        words.extend(["--set".to_owned(), format!("peers={peers}")]);
    }
    for (key, value) in as_written(study, stream.point) {
        words.extend(["--set".to_owned(), format!("{key}={value}")]);
    }
    words.extend(["--strategy".to_owned(), study.points[stream.point].strategies[stream.strategy].strategy.clone()]);
    words.extend(["--seed".to_owned(), stream.seed.to_string(), "--stream".to_owned(), stream.number.to_string()]);
    command(&words)
}

/// The varied values of a point as the options gave them, since the files have durations as bare microseconds.
fn as_written(study: &Study, point: usize) -> Vec<(String, String)> {
    let given = study.options["vary"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let grid: Vec<(&str, Vec<&str>)> =
        given.filter_map(|vary| vary.split_once('=')).map(|(key, values)| (key.trim(), parts(values))).collect();
    let size: usize = grid.iter().map(|(_, values)| values.len()).product();
    let keys = grid.iter().map(|(key, _)| *key);
    if size != study.points.len() || !keys.eq(study.keys.iter().map(String::as_str)) {
        let unit = |key: &str, value: &str| match key.rsplit('.').next() {
            _ if is_time(key) => format!("{value}us"),
            Some("rate") => format!("{value}bit"),
            Some("queue") => format!("{value}B"),
            _ => value.to_owned(),
        };
        return study.points[point].varied.iter().map(|(key, value)| (key.clone(), unit(key, value))).collect();
    }
    // The first key changes slowest.
    let mut rest = point;
    let mut written = Vec::new();
    for (key, values) in grid.iter().rev() {
        written.push(((*key).to_owned(), values[rest % values.len()].trim().to_owned()));
        rest /= values.len();
    }
    written.reverse();
    written
}

/// The values of a `--vary` option: commas within brackets, braces and quotes part nothing.
fn parts(values: &str) -> Vec<&str> {
    let (mut depth, mut quoted, mut start, mut found) = (0_i32, false, 0, Vec::new());
    for (at, letter) in values.char_indices() {
        match letter {
            '"' => quoted = !quoted,
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                found.push(&values[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&values[start..]);
    found
}

/// The command that makes the directory and its page again.
fn again(study: &Study) -> String {
    let mut words = vec!["farewell".to_owned(), "compare".to_owned()];
    let scenario = study.options["scenario"].as_str().unwrap_or(&study.scenario);
    words.push(scenario.to_owned());
    for (key, value) in study.options.as_object().into_iter().flatten().filter(|(key, _)| *key != "scenario") {
        let option = format!("--{}", key.replace('_', "-"));
        match value {
            Value::Null | Value::Bool(false) => {}
            Value::Bool(true) => words.push(option),
            Value::Array(values) => {
                for value in values {
                    words.extend([option.clone(), plain(value)]);
                }
            }
            Value::Number(n) if key == "seeds" && n.as_u64() == Some(1) => {}
            Value::Number(_) | Value::String(_) | Value::Object(_) => words.extend([option, plain(value)]),
        }
    }
    if study.engine != "event" {
        words.extend(["--engine".to_owned(), study.engine.clone()]);
    }
    words.push("--report".to_owned());
    command(&words)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Words as a shell takes them.
fn command(words: &[String]) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-_./=,:+@%".contains(c);
    let quoted = |word: &String| {
        if !word.is_empty() && word.chars().all(safe) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    };
    words.iter().map(quoted).collect::<Vec<_>>().join(" ")
}

fn facts(study: &Study) -> Vec<(String, String)> {
    let fact = |name: &str, value: String| (name.to_owned(), value);
    vec![
        fact("made by", format!("farewell {}, engine {}", study.version, study.engine)),
        fact("scenario", study.scenario.clone()),
        fact("SHA-256 of the scenario", study.scenario_sha256.clone()),
        fact("seeds", seeds(&study.seeds)),
        fact("this page again", again(study)),
        fact("from the files alone", "farewell report DIR".to_owned()),
    ]
}

/// `1 to 10`, or one by one where they are not in a row.
fn seeds(seeds: &[u64]) -> String {
    match seeds {
        [first, .., last] if seeds.windows(2).all(|pair| pair[0].checked_add(1) == Some(pair[1])) => {
            format!("{first} to {last}")
        }
        seeds => seeds.iter().map(u64::to_string).collect::<Vec<_>>().join(", "),
    }
}

fn files(study: &Study) -> Table {
    let rows = study.files.iter().map(|(name, hash)| vec![Cell::from(name.as_str()), Cell::from(hash.as_str())]);
    Table {
        caption: "The files behind this page, checked when it was made.".into(),
        head: vec!["file".into(), "SHA-256".into()],
        rows: rows.collect(),
        open: false,
    }
}
