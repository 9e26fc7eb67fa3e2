//! How long: release, notice and teardown by percentile.

use crate::ledger::metric::Metric;
use crate::report::chart::axis::{AT_ONCE, Axis, log_time, odds};
use crate::report::chart::curves::{Curve, curves};
use crate::report::chart::series;
use crate::report::html::verdict::percentile;
use crate::report::html::{Cell, DRAWN, Figure, Part, Sample, Table, each, opening};
use crate::report::reading::{Point, Results, Spectrum, Study};
use crate::report::units::{float, time};
use crate::time::Micros;

pub(super) fn part(study: &Study, focus: &Point) -> Part {
    let mut part = Part::new("times", "How long it takes");
    part.texts.push(opening(study, focus,
        "each curve says by when that share of the closings was over; to the right are the slow ones. An arrow: for the \
         rest it never happened."
    ));
    part.texts.extend(undrawn(focus));
    for metric in [Metric::Release, Metric::Notice, Metric::Teardown] {
        part.figures.push(figure(focus, metric));
    }
    part
}

/// That not every strategy is drawn, where that is so.
fn undrawn(point: &Point) -> Option<String> {
    let all = point.strategies.len();
    (all > DRAWN).then(|| format!("The first {DRAWN} of {all} strategies are drawn; the tables have them all."))
}

fn figure(point: &Point, metric: Metric) -> Figure {
    let count = point.strategies.iter().map(|results| results.spectrum(metric).count).max().unwrap_or(0);
    let drawn = || point.strategies.iter().take(DRAWN);
    let values = drawn().flat_map(|results| &results.spectrum(metric).points).filter_map(|(_, value)| *value);
    let y = Axis::times(&format!("{} after the decision", metric.name()), values.map(float));
    let lines = drawn().enumerate().map(|(index, results)| curve(index, results.spectrum(metric)));
    let names = point.strategies.iter().map(|results| results.strategy.clone());
    let shown = point.strategies.first().map_or(&[][..], |results| &results.spectrum(metric).points);
    let rows = shown.iter().map(|(p, _)| {
        let name = match p {
            ..=0.0 => "shortest".to_owned(),
            100.0.. => "longest".to_owned(),
            _ => format!("p{p}"),
        };
        let each = point.strategies.iter().map(|results| Cell::from(percentile(results, metric, *p)));
        std::iter::once(Cell::from(name)).chain(each).collect()
    });
    let table = Table {
        caption: format!("{}: {}.", metric.name(), metric.meaning()),
        head: std::iter::once("percentile".to_owned()).chain(names).collect(),
        rows: rows.collect(),
        open: true,
    };
    let x = Axis::percentiles(count);
    Figure {
        finding: finding(point, metric),
        svg: curves(&x, &y, &lines.collect::<Vec<_>>()),
        legend: drawn().enumerate().map(|(index, results)| Sample::strategy(index, &results.strategy)).collect(),
        table,
    }
}

fn curve(index: usize, spectrum: &Spectrum) -> Curve {
    // The longest has the last rank: one closing in so many is above the one before.
    let last = 1.0 - 1.0 / float(spectrum.count.max(1));
    let place = |percentile: f64| odds((percentile / 100.0).min(last));
    let came = spectrum.points.iter().filter_map(|(percentile, value)| Some((*percentile, (*value)?)));
    let points: Vec<(f64, f64)> = came.map(|(percentile, us)| (place(percentile), log_time(float(us)))).collect();
    let censored = spectrum.points.iter().any(|(_, value)| value.is_none()) && spectrum.count > 0;
    Curve { index, colour: series(index), points, band: Vec::new(), censored }
}

/// The median and the slow tail of each strategy.
fn finding(point: &Point, metric: Metric) -> String {
    let words = |results: &Results| {
        let [half, most] = [50.0, 99.0].map(|p| match results.spectrum(metric).at(p) {
            Some(Some(us)) if float(us) <= AT_ONCE => "at once".to_owned(),
            Some(Some(us)) => time(Micros::new(us)),
            Some(None) => "never".to_owned(),
            None => "not measured".to_owned(),
        });
        format!("{} {half} at the median, p99 {most}", results.strategy)
    };
    let median = |results: &Results| results.spectrum(metric).at(50.0).flatten().map_or(f64::INFINITY, float);
    let name = match metric {
        Metric::Release => "Release (the closer's application lets go)",
        Metric::Notice => "Notice (the peer's application knows)",
        Metric::Teardown => "Teardown (neither kernel holds the connection)",
        Metric::Gone => "Gone (TIME-WAIT is over too)",
    };
    format!("{name}: {}.", each(&point.strategies, median, words))
}
