//! Studies made up for the tests of the page.

use serde_json::json;

use crate::report::reading::{IntervalRow, Limits, Point, Results, Second, Stream, Study};

/// A study of so many strategies and seeds, at one sweep point for each pair of values of `keys`.
pub(in crate::report) fn study(strategies: usize, seeds: u64, keys: &[(&str, &[&str])]) -> Study {
    let mut grid: Vec<Vec<(String, String)>> = vec![Vec::new()];
    for (key, values) in keys {
        let longer = |point: &Vec<(String, String)>| {
            let add = |value: &&str| point.iter().cloned().chain([((*key).to_owned(), (*value).to_owned())]).collect();
            values.iter().map(add).collect::<Vec<_>>()
        };
        grid = grid.iter().flat_map(longer).collect();
    }
    let point = |(i, varied): (usize, Vec<(String, String)>)| Point {
        varied,
        scenario: json!({ "name": "made-up", "peers": 100 }),
        scenario_sha256: "0".repeat(64),
        strategies: (0..strategies).map(|n| results(n, seeds, i as u64)).collect(),
    };
    Study {
        version: "0.0.0".into(),
        engine: "event".into(),
        scenario: "made-up".into(),
        scenario_sha256: "0".repeat(64),
        seeds: (1..=seeds).collect(),
        options: json!({ "scenario": "made-up", "seeds": seeds }),
        files: vec![("summary.csv".into(), "f".repeat(64))],
        keys: keys.iter().map(|(key, _)| (*key).to_owned()).collect(),
        points: grid.into_iter().enumerate().map(point).collect(),
        intervals: Vec::new(),
        worst: Vec::new(),
        has_streams: false,
    }
}

/// Strategy `n` loses `n` stanzas in 100 streams a seed, and more at later points.
fn results(n: usize, seeds: u64, point: u64) -> Results {
    let mut results = Results::new(&format!("strategy-{n}"));
    let lost = n as u64 * (point + 1);
    let columns = [
        ("streams", 100),
        ("clean", 90),
        ("timeout", 10),
        ("sent", 500),
        ("lost", lost),
        ("lost_to_peer", lost),
        ("streams_with_loss", lost),
        ("socket_us", 1_000_000 * (100 - n as u64)),
        ("peak_open_sockets", 80),
    ];
    for (name, value) in columns {
        results.columns.insert(name.to_owned(), (0..seeds).map(|_| Some(value)).collect());
    }
    for spectrum in &mut results.spectra {
        spectrum.count = 100 * seeds;
        spectrum.came = 0.9;
        spectrum.points =
            vec![(0.0, Some(1_000)), (50.0, Some(20_000 + n as u64)), (90.0, Some(5_000_000)), (100.0, None)];
    }
    results.places[1] = lost * seeds;
    results.timeline = (0..10).map(|n| Second { sockets: [n * seeds; 9], lost: 0 }).collect();
    results
}

/// Rows of comparison.csv for the loss of every strategy.
pub(in crate::report) fn with_intervals(mut study: Study) -> Study {
    for (point, at) in study.points.iter().enumerate() {
        for (strategy, results) in at.strategies.iter().enumerate() {
            let around = |estimate: f64| Limits {
                estimate: Some(estimate),
                interval: Some((estimate - 0.0125, estimate + 0.0125)),
            };
            let loss = results.loss();
            study.intervals.push(IntervalRow {
                point,
                strategy,
                metric: "lost".into(),
                value: around(loss),
                reference: at.strategies[0].strategy.clone(),
                difference: if strategy == 0 { Limits::default() } else { around(loss - at.strategies[0].loss()) },
                method: "paired t".into(),
            });
        }
    }
    study
}

/// A stream that lost two stanzas.
pub(in crate::report) fn stream(point: usize, number: u32) -> Stream {
    Stream { point, strategy: 1, seed: 7, number, lost: 2, lost_to_closer: 1, teardown: None, words: None }
}
