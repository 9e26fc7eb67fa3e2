//! The tables of a directory, folded by sweep point and strategy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::ledger::census;
use crate::ledger::fate::Place;
use crate::ledger::metric::Metric;
use crate::report::reading::{ReadError, Study};

/// What one strategy did at one sweep point.
#[derive(Clone, Debug, PartialEq)]
pub struct Results {
    /// Its name.
    pub strategy: String,
    /// Columns of summary.csv that hold whole numbers: one value a seed; `None` is a time that never came.
    pub columns: BTreeMap<String, Vec<Option<u64>>>,
    /// Columns of capacity.csv, where the scenario has a server: one value a seed; `None` where there is nothing to say.
    pub capacity: Columns,
    /// Columns of returns.csv, where peers come back.
    pub returns: Columns,
    /// Percentiles of each metric over all seeds, by [`Metric::index`].
    pub spectra: [Spectrum; 4],
    /// Server sockets second by second, summed over seeds.
    pub timeline: Vec<Second>,
    /// Lost stanzas by place of death, in the order of [`Place::ALL`], summed over seeds.
    pub places: [u64; 5],
}

/// Numbers by the name of their column, one a seed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns(pub BTreeMap<String, Vec<Option<f64>>>);

impl Columns {
    /// One value a seed.
    fn each(&self, column: &str) -> &[Option<f64>] {
        self.0.get(column).map_or(&[], Vec::as_slice)
    }

    /// Whether any seed has a value.
    pub fn has(&self, column: &str) -> bool {
        self.each(column).iter().any(Option::is_some)
    }

    /// The largest of all seeds that have one.
    pub fn most(&self, column: &str) -> f64 {
        self.each(column).iter().flatten().copied().fold(0.0, f64::max)
    }

    /// The sum over seeds.
    pub fn sum(&self, column: &str) -> f64 {
        self.each(column).iter().flatten().sum()
    }

    /// The largest of all seeds, `None` where one has none.
    pub fn longest(&self, column: &str) -> Option<f64> {
        let each = self.each(column);
        each.iter().copied().try_fold(0.0, |most: f64, value| Some(most.max(value?))).filter(|_| !each.is_empty())
    }
}

/// The percentiles of a metric.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Spectrum {
    /// Percentile from 0 to 100, its value in microseconds (`None`: it falls among closings in which it never happened).
    pub points: Vec<(f64, Option<u64>)>,
    /// Closings that were decided.
    pub count: u64,
    /// The largest share, from 0 to 1, of closings at or below a value that is known.
    pub came: f64,
}

impl Spectrum {
    /// The value at a percentile. `None`: there are no closings; `Some(None)`: never.
    pub fn at(&self, percentile: f64) -> Option<Option<u64>> {
        let found = self.points.iter().find(|(p, _)| (p - percentile).abs() < 1e-9);
        found.map(|(_, value)| *value).filter(|_| self.count > 0)
    }
}

/// One second: server sockets by TCP state and stanzas lost so far, summed over seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    /// Sockets in the order of the census's states.
    pub sockets: [u64; census::STATES.len()],
    /// Stanzas that had died.
    pub lost: u64,
}

/// A stream that lost something, or of which streams.csv tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stream {
    /// Index of its sweep point.
    pub point: usize,
    /// Index of its strategy.
    pub strategy: usize,
    /// Its seed.
    pub seed: u64,
    /// Its number.
    pub number: u32,
    /// Stanzas it lost.
    pub lost: u64,
    /// Stanzas lost on their way to the closer.
    pub lost_to_closer: u64,
    /// Its teardown, where streams.csv was there: `Some(None)` never came.
    pub teardown: Option<Option<u64>>,
    /// Class of the peer and outcome, where streams.csv was there.
    pub words: Option<(String, String)>,
}

impl Results {
    pub(super) fn new(strategy: &str) -> Self {
        Self {
            strategy: strategy.to_owned(),
            columns: BTreeMap::new(),
            capacity: Columns::default(),
            returns: Columns::default(),
            spectra: std::array::from_fn(|_| Spectrum::default()),
            timeline: Vec::new(),
            places: [0; 5],
        }
    }

    /// One value a seed.
    pub fn each(&self, column: &str) -> &[Option<u64>] {
        self.columns.get(column).map_or(&[], Vec::as_slice)
    }

    /// The sum over seeds.
    pub fn sum(&self, column: &str) -> u64 {
        self.each(column).iter().flatten().sum()
    }

    /// The largest of all seeds.
    pub fn most(&self, column: &str) -> u64 {
        self.each(column).iter().flatten().copied().max().unwrap_or(0)
    }

    /// Closings that were decided, all seeds.
    pub fn decided(&self) -> u64 {
        self.spectra[Metric::Release.index()].count
    }

    /// Stanzas lost a stream.
    pub fn loss(&self) -> f64 {
        share(self.sum("lost"), self.sum("streams"))
    }

    /// Microseconds of a kernel socket a decided stream.
    pub fn socket_time(&self) -> f64 {
        share(self.sum("socket_us"), self.decided())
    }
}

#[expect(clippy::cast_precision_loss, reason = "for display: beyond 2^53 the last digits do not matter")]
pub(in crate::report) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// A table with the position of every column.
pub(super) struct Table {
    path: PathBuf,
    header: ::csv::StringRecord,
    records: ::csv::StringRecordsIntoIter<std::fs::File>,
}

impl Table {
    pub(super) fn open(path: &Path) -> Result<Self, ReadError> {
        let mut reader = ::csv::Reader::from_path(path).map_err(|error| malformed(path, 1, &error.to_string()))?;
        let header = reader.headers().map_err(|error| malformed(path, 1, &error.to_string()))?.clone();
        Ok(Self { path: path.to_owned(), header, records: reader.into_records() })
    }

    /// The position of a column.
    pub(super) fn column(&self, name: &str) -> Result<usize, ReadError> {
        let found = self.header.iter().position(|column| column == name);
        found.ok_or_else(|| malformed(&self.path, 1, &format!("there is no column `{name}`")))
    }

    pub(super) fn next(&mut self) -> Option<Result<Row, ReadError>> {
        let record = self.records.next()?;
        let record = record.map_err(|error| {
            let line = error.position().map_or(0, ::csv::Position::line);
            malformed(&self.path, line, &error.to_string())
        });
        Some(record.map(|record| Row { path: self.path.clone(), record }))
    }
}

fn malformed(path: &Path, line: u64, what: &str) -> ReadError {
    ReadError::Table { path: path.to_owned(), line, what: what.to_owned() }
}

/// A row of a table.
pub(super) struct Row {
    path: PathBuf,
    record: ::csv::StringRecord,
}

impl Row {
    pub(super) fn text(&self, column: usize) -> &str {
        self.record.get(column).unwrap_or_default()
    }

    pub(super) fn wrong(&self, what: &str) -> ReadError {
        malformed(&self.path, self.record.position().map_or(0, ::csv::Position::line), what)
    }

    /// A whole number; `None` where the field is empty.
    fn number(&self, column: usize) -> Result<Option<u64>, ReadError> {
        self.parsed(column, "a whole number")
    }

    pub(super) fn float(&self, column: usize) -> Result<Option<f64>, ReadError> {
        Ok(self.parsed(column, "a number")?.filter(|number: &f64| number.is_finite()))
    }

    fn parsed<T: std::str::FromStr>(&self, column: usize, what: &str) -> Result<Option<T>, ReadError> {
        match self.text(column) {
            "" => Ok(None),
            text => match text.parse() {
                Ok(value) => Ok(Some(value)),
                Err(_) => Err(self.wrong(&format!("found {text:?}, expected {what} or nothing"))),
            },
        }
    }

    fn count(&self, column: usize) -> Result<u64, ReadError> {
        self.number(column)?.ok_or_else(|| self.wrong("expected a whole number, found nothing"))
    }
}

/// Where a row belongs: the columns of the varied keys and of the strategy.
pub(super) struct Belonging {
    keys: Vec<usize>,
    strategy: usize,
    points: BTreeMap<Vec<String>, usize>,
}

impl Belonging {
    pub(super) fn new(study: &Study, table: &Table) -> Result<Self, ReadError> {
        let keys = study.keys.iter().map(|key| table.column(key)).collect::<Result<_, _>>()?;
        let values = |point: &super::Point| point.varied.iter().map(|(_, value)| value.clone()).collect();
        let points = study.points.iter().enumerate().map(|(i, point)| (values(point), i)).collect();
        Ok(Self { keys, strategy: table.column("strategy")?, points })
    }

    /// Indices of sweep point and strategy.
    pub(super) fn of(&self, study: &Study, row: &Row) -> Result<(usize, usize), ReadError> {
        let values: Vec<String> = self.keys.iter().map(|&key| row.text(key).to_owned()).collect();
        let point = *self.points.get(&values).ok_or_else(|| row.wrong("the manifest has no such sweep point"))?;
        let name = row.text(self.strategy);
        let strategy = study.points[point].strategies.iter().position(|results| results.strategy == name);
        Ok((point, strategy.ok_or_else(|| row.wrong(&format!("the scenario has no strategy `{name}`")))?))
    }
}

pub(super) fn summary(study: &mut Study, path: &Path) -> Result<(), ReadError> {
    let mut table = Table::open(path)?;
    let place = Belonging::new(study, &table)?;
    let first = table.column("peers")?;
    let names: Vec<String> = table.header.iter().skip(first).map(str::to_owned).collect();
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = place.of(study, &row)?;
        let results = &mut study.points[point].strategies[strategy];
        for (i, name) in names.iter().enumerate() {
            let value = row.number(first + i)?;
            if let Some(column) = results.columns.get_mut(name) {
                column.push(value);
            } else {
                results.columns.insert(name.clone(), vec![value]);
            }
        }
    }
    Ok(())
}

/// A table with numbers behind the seed, which `of` takes.
pub(super) fn numbers(study: &mut Study, path: &Path, of: fn(&mut Results) -> &mut Columns) -> Result<(), ReadError> {
    let mut table = Table::open(path)?;
    let place = Belonging::new(study, &table)?;
    let first = table.column("seed")? + 1;
    let names: Vec<String> = table.header.iter().skip(first).map(str::to_owned).collect();
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = place.of(study, &row)?;
        let columns = of(&mut study.points[point].strategies[strategy]);
        for (i, name) in names.iter().enumerate().filter(|(_, name)| !study.keys.contains(name)) {
            columns.0.entry(name.clone()).or_default().push(row.float(first + i)?);
        }
    }
    Ok(())
}

pub(super) fn percentiles(study: &mut Study, path: &Path) -> Result<(), ReadError> {
    let mut table = Table::open(path)?;
    let place = Belonging::new(study, &table)?;
    let [metric, percentile, value, count] =
        ["metric", "percentile", "value_us", "count"].map(|name| table.column(name));
    let (metric, percentile, value, count) = (metric?, percentile?, value?, count?);
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = place.of(study, &row)?;
        let Some(of) = Metric::ALL.into_iter().find(|of| of.name() == row.text(metric)) else { continue };
        let spectrum = &mut study.points[point].strategies[strategy].spectra[of.index()];
        let at = row.float(percentile)?.ok_or_else(|| row.wrong("expected a percentile"))?;
        let (value, count) = (row.number(value)?, row.count(count)?);
        spectrum.points.push((at, value));
        // The last row is that of all closings; those before it with a value say how many were at or below it.
        if value.is_some() {
            spectrum.came = spectrum.came.max(share(count, 1));
        }
        spectrum.count = spectrum.count.max(count);
    }
    for results in study.points.iter_mut().flat_map(|point| &mut point.strategies) {
        for spectrum in &mut results.spectra {
            spectrum.came = if spectrum.count == 0 { 0.0 } else { spectrum.came / share(spectrum.count, 1) };
        }
    }
    Ok(())
}

pub(super) fn timeline(study: &mut Study, path: &Path) -> Result<(), ReadError> {
    let mut table = Table::open(path)?;
    let place = Belonging::new(study, &table)?;
    let (second, lost) = (table.column("second")?, table.column("lost_so_far")?);
    let states: Vec<usize> = census::STATES.iter().map(|state| table.column(state)).collect::<Result<_, _>>()?;
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = place.of(study, &row)?;
        let timeline = &mut study.points[point].strategies[strategy].timeline;
        let second = usize::try_from(row.count(second)?).map_err(|_| row.wrong("a second beyond any run"))?;
        if second > timeline.len() {
            return Err(row.wrong("a second is missing before this one"));
        }
        if second == timeline.len() {
            timeline.push(Second::default());
        }
        for (sockets, column) in timeline[second].sockets.iter_mut().zip(&states) {
            *sockets += row.count(*column)?;
        }
        timeline[second].lost += row.count(lost)?;
    }
    Ok(())
}

/// A stream by sweep point, strategy, seed and number.
type Key = (usize, usize, u64, u32);

pub(super) fn lost(study: &mut Study, path: &Path, streams: &mut BTreeMap<Key, Stream>) -> Result<(), ReadError> {
    let mut table = Table::open(path)?;
    let place = Belonging::new(study, &table)?;
    let (seed, number) = (table.column("seed")?, table.column("stream")?);
    let (direction, died) = (table.column("direction")?, table.column("place")?);
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = place.of(study, &row)?;
        let died = Place::ALL.iter().position(|place| place.name() == row.text(died));
        let died = died.ok_or_else(|| row.wrong("an unknown place of death"))?;
        study.points[point].strategies[strategy].places[died] += 1;
        let stream = entry(streams, (point, strategy, row.count(seed)?, stream_number(&row, number)?));
        stream.lost += 1;
        stream.lost_to_closer += u64::from(row.text(direction) == "to-closer");
    }
    Ok(())
}

pub(super) fn streams(study: &Study, path: &Path, streams: &mut BTreeMap<Key, Stream>) -> Result<(), ReadError> {
    let mut table = Table::open(path)?;
    let place = Belonging::new(study, &table)?;
    let (seed, number) = (table.column("seed")?, table.column("stream")?);
    let (class, outcome) = (table.column("class")?, table.column("outcome")?);
    let (decision, teardown) = (table.column("decision_us")?, table.column("teardown_us")?);
    // A stream that lost nothing is worse than none that did.
    let enough = streams.len() >= WORST;
    while let Some(row) = table.next() {
        let row = row?;
        let (point, strategy) = place.of(study, &row)?;
        let key = (point, strategy, row.count(seed)?, stream_number(&row, number)?);
        if !streams.contains_key(&key) && (enough || row.text(decision).is_empty()) {
            continue;
        }
        let teardown = row.number(teardown)?;
        let stream = entry(streams, key);
        stream.teardown = Some(teardown);
        stream.words = Some((row.text(class).to_owned(), row.text(outcome).to_owned()));
    }
    Ok(())
}

fn stream_number(row: &Row, column: usize) -> Result<u32, ReadError> {
    u32::try_from(row.count(column)?).map_err(|_| row.wrong("a stream's number is below 2^32"))
}

fn entry(streams: &mut BTreeMap<Key, Stream>, key: Key) -> &mut Stream {
    let (point, strategy, seed, number) = key;
    let fresh = || Stream { point, strategy, seed, number, lost: 0, lost_to_closer: 0, teardown: None, words: None };
    streams.entry(key).or_insert_with(fresh)
}

/// Streams that are shown one by one.
const WORST: usize = 10;

/// The worst: most stanzas lost, then the longest teardown (never is longest), then the order of the files.
pub(super) fn worst_first(streams: BTreeMap<Key, Stream>) -> Vec<Stream> {
    let mut worst: Vec<Stream> = streams.into_values().collect();
    let teardown = |stream: &Stream| stream.teardown.map_or(0, |time| time.unwrap_or(u64::MAX));
    worst.sort_by_key(|stream| std::cmp::Reverse((stream.lost, teardown(stream))));
    worst.truncate(WORST);
    worst
}
