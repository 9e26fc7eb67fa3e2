//! The comparison as a table: one row a strategy, or where a terminal is too narrow for that, one column a strategy.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

use crate::experiment::comparison::{Comparison, ContenderResult};
use crate::experiment::statistics::Interval;
use crate::ledger::metric::Metric;
use crate::report::units::{digits, micros, observed, percent, ratio, share, time};
use crate::scenario::measure::{Measure, Rank, Stage, Unit};
use crate::time::Micros;

/// A line under the header, and nothing else.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// The table, no wider than `width` columns if there is a limit. Ends with a line feed.
pub fn render(comparison: &Comparison, width: Option<u16>) -> String {
    let rows = rows(comparison);
    let keys = comparison.points.first().map_or(0, |point| point.varied.len()) + 1;
    let wide = table(&rows, keys);
    let fits = |table: &Table| width.is_none_or(|width| table.lines().all(|l| l.chars().count() <= usize::from(width)));
    if fits(&wide) {
        return finish(&wide);
    }
    let mut tall = table(&transposed(&rows), 1);
    if !fits(&tall) {
        tall.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.unwrap_or(u16::MAX));
    }
    finish(&tall)
}

/// Words in lines of at most `width` columns, as far as words allow, indented by two; without a line feed at the end.
pub fn wrapped(text: &str, width: usize) -> String {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(format!("  {word}")),
        }
    }
    lines.join("\n")
}

/// Rows of text, the first of them the header; the first `keys` columns are names. Ends with a line feed.
pub fn plain(rows: &[Vec<String>], keys: usize) -> String {
    finish(&table(rows, keys))
}

fn finish(table: &Table) -> String {
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// The first row is the header; the first `keys` columns are names.
fn table(rows: &[Vec<String>], keys: usize) -> Table {
    let mut table = Table::new();
    table.load_style(STYLE);
    if let Some((header, body)) = rows.split_first() {
        table.set_header(header).add_rows(body);
    }
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, 1));
        column.set_cell_alignment(if i < keys { CellAlignment::Left } else { CellAlignment::Right });
    }
    table
}

fn rows(comparison: &Comparison) -> Vec<Vec<String>> {
    let varied = comparison.points.first().map_or(&[][..], |point| &point.varied);
    let mut header: Vec<String> = varied.iter().map(|(key, _)| key.clone()).collect();
    header.extend(HEADER.map(str::to_owned));
    let mut rows = vec![header];
    for point in &comparison.points {
        for contender in &point.contenders {
            let mut row: Vec<String> = point.varied.iter().map(|(_, value)| value.clone()).collect();
            row.extend(cells(contender));
            let shown = row.len() - HEADER.len();
            for (cell, measure) in row[shown..].iter_mut().zip(MEASURES) {
                let interval = measure.and_then(|measure| point.estimate(measure, contender).interval());
                if let Some((measure, interval)) = measure.zip(interval) {
                    *cell = with_limits(measure, interval);
                }
            }
            rows.push(row);
        }
    }
    rows
}

const HEADER: [&str; 12] = [
    "strategy",
    "lost a\nstream",
    "streams\nwith loss",
    "release\np50",
    "release\np99",
    "release\nmax",
    "notice\np50",
    "teardown\np50",
    "teardown\np99",
    "teardown\nmax",
    "resets a\nstream",
    "socket time\na stream",
];

/// What has an interval, by column.
const MEASURES: [Option<Measure>; 12] = [
    None,
    Some(Measure::Lost),
    Some(Measure::StreamsWithLoss),
    Some(Measure::Time(Stage::Release, Rank::P50)),
    Some(Measure::Time(Stage::Release, Rank::P99)),
    None,
    Some(Measure::Time(Stage::Notice, Rank::P50)),
    Some(Measure::Time(Stage::Teardown, Rank::P50)),
    Some(Measure::Time(Stage::Teardown, Rank::P99)),
    None,
    Some(Measure::Resets),
    Some(Measure::SocketTime),
];

/// The estimate, and below it its limits.
fn with_limits(measure: Measure, interval: Interval) -> String {
    let (estimate, limits) = shown(measure, interval);
    // Limits that look the same say no more than the number.
    let narrow = limits.split_once('–').is_some_and(|(low, high)| high.strip_prefix(low).is_some_and(is_unit));
    if narrow { estimate } else { format!("{estimate}\n{limits}") }
}

fn is_unit(text: &str) -> bool {
    !text.starts_with(|c: char| c.is_ascii_digit() || c == '.')
}

/// The estimate, and in brackets its limits.
pub fn in_words(measure: Measure, interval: Interval) -> String {
    let (estimate, limits) = shown(measure, interval);
    format!("{estimate} ({limits})")
}

fn shown(measure: Measure, interval: Interval) -> (String, String) {
    let show = |value: f64| match measure.unit() {
        Unit::Micros => micros(value),
        Unit::Share => share(value),
        Unit::EachStream | Unit::Sockets => digits(value),
    };
    let Interval { low, estimate, high } = interval;
    let (low, high) = (show(low), show(high));
    // The unit stands once where both limits have the same.
    let low = match (low.split_once(' '), high.split_once(' ')) {
        (Some((number, unit)), Some((_, same))) if unit == same => number,
        _ => &low,
    };
    (show(estimate), format!("{low}–{high}"))
}

fn cells(contender: &ContenderResult) -> [String; 12] {
    let total = &contender.total;
    let [release, notice, teardown] =
        [Metric::Release, Metric::Notice, Metric::Teardown].map(|metric| contender.figures(metric));
    [
        contender.strategy.clone(),
        ratio(total.lost(), total.streams),
        percent(total.streams_with_loss, total.streams),
        observed(release.p50, release.count),
        observed(release.p99, release.count),
        observed(release.max, release.count),
        observed(notice.p50, notice.count),
        observed(teardown.p50, teardown.count),
        observed(teardown.p99, teardown.count),
        observed(teardown.max, teardown.count),
        ratio(total.resets, total.streams),
        total.socket_time.get().checked_div(total.decided).map_or_else(|| "-".into(), |us| time(Micros::new(us))),
    ]
}

/// Rows become columns; a header that needed two lines gets one.
fn transposed(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    let columns = rows.first().map_or(0, Vec::len);
    let cell =
        |(j, row): (usize, &Vec<String>), i: usize| if j == 0 { row[i].replace('\n', " ") } else { row[i].clone() };
    (0..columns).map(|i| rows.iter().enumerate().map(|row| cell(row, i)).collect()).collect()
}
