//! What was varied: lines for one key, a heat map for two.

use crate::report::chart::axis::{Axis, varied_label};
use crate::report::chart::curves::{Curve, curves};
use crate::report::chart::grid::{Side, heat};
use crate::report::chart::series;
use crate::report::html::{Cell, DRAWN, Figure, Part, Sample, Table, each, interval, metric, sentence};
use crate::report::reading::{Point, Results, Study};
use crate::report::units::digits;

pub(super) fn part(study: &Study) -> Option<Part> {
    if study.points.len() < 2 {
        return None;
    }
    let mut part = Part::new("sweep", "The sweep");
    match study.keys.as_slice() {
        [key] => {
            part.texts.push(format!("How the results depend on {key}."));
            part.figures.push(lines(study, key, &LOSS));
            part.figures.push(lines(study, key, &SOCKET));
        }
        [rows, columns] => {
            part.texts.push(format!("Stanzas lost a stream for each pair of {rows} and {columns}; the stronger the colour, the more."));
            let first = &study.points[0].strategies;
            let most = study.points.iter().flat_map(|point| &point.strategies).map(Results::loss).fold(0.0, f64::max);
            part.figures.extend(first.iter().take(DRAWN).map(|of| map(study, rows, columns, &of.strategy, most)));
        }
        keys => part.texts.push(format!(
            "{} keys were varied at once, which is more than a chart can show: the table of the verdict and summary.csv have every \
             point.",
            keys.len()
        )),
    }
    Some(part)
}

/// A quantity that is drawn over the sweep.
struct Quantity {
    title: &'static str,
    metric: &'static str,
    /// What the metric is multiplied by.
    scale: f64,
    of: fn(&Results) -> f64,
}

const LOSS: Quantity = Quantity { title: "stanzas lost a stream", metric: metric::LOSS, scale: 1.0, of: Results::loss };
const SOCKET: Quantity = Quantity {
    title: "socket time a stream in s",
    metric: metric::SOCKET,
    scale: 1e-6,
    of: |results| results.socket_time() / 1e6,
};

fn lines(study: &Study, key: &str, quantity: &Quantity) -> Figure {
    let values: Vec<String> = study.points.iter().map(|point| value(point, 0).to_owned()).collect();
    let (x, places) = Axis::varied(key, &values);
    let mut drawn: Vec<Curve> = Vec::new();
    let first = &study.points[0].strategies;
    for (index, of) in first.iter().take(DRAWN).enumerate() {
        let mut at: Vec<(f64, &Point, &Results)> = Vec::new();
        for (place, point) in places.iter().zip(&study.points) {
            at.extend(
                point
                    .strategies
                    .iter()
                    .find(|results| results.strategy == of.strategy)
                    .map(|found| (*place, point, found)),
            );
        }
        at.sort_by(|a, b| a.0.total_cmp(&b.0));
        let band = at.iter().filter_map(|(place, point, _)| {
            let (low, high) = interval(study, point, index, quantity.metric)?.value.interval?;
            Some((*place, low * quantity.scale, high * quantity.scale))
        });
        let points = at.iter().map(|(place, _, results)| (*place, (quantity.of)(results))).collect();
        drawn.push(Curve { index, colour: series(index), points, band: band.collect(), censored: false });
    }
    let all = drawn.iter().flat_map(|curve| curve.points.iter().map(|p| p.1).chain(curve.band.iter().map(|b| b.2)));
    let y = Axis::linear(quantity.title, all);
    Figure {
        finding: finding(study, quantity),
        svg: curves(&x, &y, &drawn),
        legend: first.iter().take(DRAWN).enumerate().map(|(i, of)| Sample::strategy(i, &of.strategy)).collect(),
        table: table(study, key, quantity),
    }
}

fn value(point: &Point, key: usize) -> &str {
    point.varied.get(key).map_or("", |(_, value)| value)
}

fn table(study: &Study, key: &str, quantity: &Quantity) -> Table {
    let names = study.points[0].strategies.iter().map(|results| results.strategy.clone());
    let rows = study.points.iter().map(|point| {
        let mut row: Vec<Cell> = vec![varied_label(key, value(point, 0)).into()];
        row.extend(point.strategies.iter().enumerate().map(|(i, results)| {
            let ends = interval(study, point, i, quantity.metric).and_then(|row| row.value.interval);
            let show = |end: f64| digits(end * quantity.scale);
            let interval = ends.map_or_else(String::new, |(low, high)| format!("{} to {}", show(low), show(high)));
            Cell { text: digits((quantity.of)(results)), interval }
        }));
        row
    });
    Table {
        caption: format!("{} by {key}.", quantity.title),
        head: std::iter::once(key.to_owned()).chain(names).collect(),
        rows: rows.collect(),
        open: true,
    }
}

/// From where to where each strategy goes.
fn finding(study: &Study, quantity: &Quantity) -> String {
    let range = |of: &Results| {
        let at =
            |point: &Point| point.strategies.iter().find(|results| results.strategy == of.strategy).map(quantity.of);
        let ends = |(low, high): (f64, f64), value: f64| (low.min(value), high.max(value));
        study.points.iter().filter_map(at).fold((f64::INFINITY, 0.0), ends)
    };
    let words = |of: &Results| format!("{} from {} to {}", of.strategy, digits(range(of).0), digits(range(of).1));
    let most = |of: &Results| range(of).1;
    sentence(&format!("{} over the sweep: {}.", quantity.title, each(&study.points[0].strategies, most, words)))
}

fn map(study: &Study, rows: &str, columns: &str, strategy: &str, most: f64) -> Figure {
    let distinct = |key: usize| {
        let mut seen: Vec<&str> = Vec::new();
        for point in &study.points {
            if !seen.contains(&value(point, key)) {
                seen.push(value(point, key));
            }
        }
        seen
    };
    let (down, across) = (distinct(0), distinct(1));
    let loss = |row: &str, column: &str| {
        let point = study.points.iter().find(|point| value(point, 0) == row && value(point, 1) == column)?;
        point.strategies.iter().find(|results| results.strategy == strategy).map(Results::loss)
    };
    let cells: Vec<Vec<Option<f64>>> =
        down.iter().map(|row| across.iter().map(|column| loss(row, column)).collect()).collect();
    let labels = |key: &str, values: &[&str]| values.iter().map(|value| varied_label(key, value)).collect::<Vec<_>>();
    let side = |key: &str, values: &[&str]| Side { title: key.to_owned(), labels: labels(key, values) };
    let all = || cells.iter().flatten().flatten();
    let (low, high) = all().fold((f64::INFINITY, 0.0), |(low, high): (f64, f64), v| (low.min(*v), high.max(*v)));
    let table = Table {
        caption: format!("{strategy}: stanzas lost a stream, {rows} down, {columns} across."),
        head: std::iter::once(format!("{rows} \\ {columns}")).chain(labels(columns, &across)).collect(),
        rows: labels(rows, &down)
            .into_iter()
            .zip(&cells)
            .map(|(name, row)| {
                let numbers = row.iter().map(|value| value.map_or_else(|| "-".to_owned(), digits).into());
                std::iter::once(Cell::from(name)).chain(numbers).collect()
            })
            .collect(),
        open: true,
    };
    Figure {
        finding: format!(
            "{strategy} loses between {} and {} stanzas a stream over the grid.",
            digits(low),
            digits(high)
        ),
        svg: heat(&side(columns, &across), &side(rows, &down), &cells, most),
        legend: Vec::new(),
        table,
    }
}
