//! The comparison as JSON, for `--json`: the columns of summary.csv (and of returns.csv and capacity.csv) for every seed, the percentiles over all seeds, the rows of
//! comparison.csv, and the finding in words. What never happened, or cannot be said, is `null`.

use serde_json::{Map, Value, json};

use crate::experiment::cell::Figures;
use crate::experiment::comparison::{Comparison, PointResult};
use crate::experiment::rows::{CapacityRow, Field, ReturnsRow, Row, SummaryRow};
use crate::ledger::metric::Metric;
use crate::scenario::measure::Measure;
use crate::time::Micros;

/// The document.
pub fn document(comparison: &Comparison, finding: &[String], warnings: &[String]) -> Value {
    let points: Vec<Value> = comparison.points.iter().map(|p| point(comparison.engine, p)).collect();
    json!({
        "program": "farewell",
        "version": env!("CARGO_PKG_VERSION"),
        "scenario": comparison.points.first().map(|point| &point.scenario.name),
        "engine": comparison.engine,
        "seeds": comparison.seeds,
        "points": points,
        "finding": finding,
        "warnings": warnings,
    })
}

fn point(engine: &'static str, point: &PointResult) -> Value {
    let varied: Map<String, Value> = point.varied.iter().map(|(k, v)| (k.clone(), json!(v))).collect();
    let strategies = point.contenders.iter().map(|contender| {
        let seeds = contender.seeds.iter().map(|result| {
            row(&SummaryRow { scenario: &point.scenario, engine, strategy: &contender.strategy, result })
        });
        let all: Map<String, Value> =
            Metric::ALL.iter().map(|&metric| (metric.name().to_owned(), figures(contender.figures(metric)))).collect();
        let returns = contender
            .seeds
            .iter()
            .filter_map(|result| ReturnsRow::of(&point.scenario, engine, &contender.strategy, result));
        let capacity = contender
            .seeds
            .iter()
            .filter_map(|result| CapacityRow::of(&point.scenario, engine, &contender.strategy, result));
        json!({
            "strategy": contender.strategy,
            "streams": contender.total.streams,
            "sent": contender.total.sent,
            "lost": contender.total.lost(),
            "streams_with_loss": contender.total.streams_with_loss,
            "all_seeds": all,
            "seeds": seeds.collect::<Vec<_>>(),
            "capacity": capacity.map(|capacity| row(&capacity)).collect::<Vec<_>>(),
            "returns": returns.map(|returns| row(&returns)).collect::<Vec<_>>(),
        })
    });
    let comparison: Vec<Value> = point.comparison(Measure::all()).map(|of_one| row(&of_one)).collect();
    json!({ "varied": varied, "strategies": strategies.collect::<Vec<_>>(), "comparison": comparison })
}

fn figures(figures: &Figures) -> Value {
    let us = |time: Option<Micros>| time.map(Micros::get);
    json!({
        "p50_us": us(figures.p50),
        "p90_us": us(figures.p90),
        "p99_us": us(figures.p99),
        "max_us": us(figures.max),
        "never": figures.never,
        "closings": figures.count,
    })
}

fn row<R: Row>(row: &R) -> Value {
    let names = R::KEYS.iter().chain(R::REST);
    let values = row.keys().into_iter().chain(row.rest()).map(|field| match field {
        Field::Number(number) => json!(number),
        Field::Text(text) => json!(text),
        Field::Owned(text) => json!(text),
        Field::Decimal(number) => json!(number.value()),
        Field::Never => Value::Null,
    });
    Value::Object(names.map(|&name| name.to_owned()).zip(values).collect())
}
