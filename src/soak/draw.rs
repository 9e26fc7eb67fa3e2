//! A random scenario: the key table of the scenario file, walked with dice. A key, word or name that is added to the table
//! is drawn from then on by itself; [`ranges`](super::ranges) says where the table's own limits are wider than is of use.
//!
//! What comes out is the text of a scenario file that goes through the ordinary loader. Rules between keys are the
//! loader's, and are not repeated here: what it refuses is taken out, and what cannot be mended is drawn anew.

use toml::{Table, Value};

use crate::rng::{Purpose, Rng};
use crate::scenario::shape::{Bounds, Choice, Key, Need, Shape, TableShape};
use crate::scenario::{SCENARIO, Scenario, kernel_keys};
use crate::soak::document;
use crate::soak::ranges::{self, Span};
use crate::time::Micros;

/// How often something that the loader refuses is taken out of one draw.
const MOST_REPAIRS: usize = 12;

/// How often a scenario is drawn anew.
const MOST_DRAWS: u64 = 50;

/// Names that stand where the scenario may define its own: links, traffic tables, mixes, classes.
#[derive(Default)]
struct Names {
    links: Vec<String>,
    traffic: Vec<String>,
    mixes: Vec<String>,
    classes: Vec<String>,
}

/// A legal scenario.
#[derive(Clone, Debug)]
pub(crate) struct Drawn {
    /// Its document.
    pub(crate) document: Table,
    /// What it means.
    pub(crate) scenario: Scenario,
    /// How often it had to be drawn anew.
    pub(crate) redrawn: u64,
}

/// The scenario of a soak's run of this number; the last refusal where the dice gave none that is legal.
pub(crate) fn scenario(seed: u64, run: u64) -> Result<Drawn, String> {
    let mut rng = Rng::new(seed, run, Purpose::Soak);
    let mut refused = String::new();
    for redrawn in 0..MOST_DRAWS {
        let mut document = Dice::throw(&mut rng);
        for _ in 0..MOST_REPAIRS {
            match document::load(&document) {
                Ok(scenario) => return Ok(Drawn { document, scenario, redrawn }),
                Err(errors) => {
                    refused = errors.to_string();
                    if !errors.titles().any(|title| mend(&mut document, title)) {
                        break;
                    }
                }
            }
        }
    }
    Err(refused)
}

/// Takes out what a refusal names, or the table that lacks what it names.
fn mend(document: &mut Table, title: &str) -> bool {
    let mut path = title.split('`').nth(1).unwrap_or_default();
    while !path.is_empty() {
        if document::remove(document, path) {
            return true;
        }
        path = path.rsplit_once('.').map_or("", |(above, _)| above);
    }
    false
}

/// The dice, and what they have settled for the whole scenario.
struct Dice<'r> {
    rng: &'r mut Rng,
    names: Names,
    duration: Micros,
}

impl<'r> Dice<'r> {
    fn throw(rng: &'r mut Rng) -> Table {
        let mut dice = Self { rng, names: Names::default(), duration: Micros::ZERO };
        let luck = dice.rng.unit();
        dice.duration = Micros::new(dice.number(ranges::duration(luck)));
        let mut document = dice.table(&SCENARIO, "");
        document.insert("duration".into(), Value::String(dice.duration.to_string()));
        document
    }

    fn below(&mut self, n: usize) -> usize {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "few")]
        let drawn = (self.rng.unit() * n as f64) as usize;
        drawn.min(n.saturating_sub(1))
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }

    /// Log-uniform, with three digits.
    fn real(&mut self, Span { low, high }: Span) -> f64 {
        if low <= 0.0 {
            return if self.rng.happens(0.15) { 0.0 } else { self.real(Span { low: high / 1e4, high }) };
        }
        let x = libm::exp(libm::log(low) + self.rng.unit() * (libm::log(high) - libm::log(low)));
        let digits = libm::pow(10.0, 2.0 - libm::floor(libm::log10(x)));
        (libm::round(x * digits) / digits).clamp(low, high)
    }

    fn number(&mut self, span: Span) -> u64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "spans are far below 2^53")]
        let number = libm::round(self.real(span)) as u64;
        number
    }

    /// Keys of which others take their names come first.
    fn table(&mut self, shape: &TableShape, path: &str) -> Table {
        let (main, others): (&[&str], &[&str]) = match shape.choice {
            Choice::Free => (&[], &[]),
            Choice::One(names) => (names, names),
            Choice::AtMostOne(names) => (if self.rng.happens(0.1) { &[] } else { names }, names),
            Choice::Some(names) => (names, &[]),
        };
        let main: Vec<&str> = main.iter().copied().filter(|key| ranges::presence(&join(path, key)) > 0.0).collect();
        let main = self.one_of(&main).copied();
        let mut keys: Vec<&Key> = shape.all().collect();
        keys.sort_by_key(|key| ranges::order(path, key.name));
        let mut table = Table::new();
        for key in keys {
            let place = join(path, key.name);
            let wanted = self.rng.unit() < ranges::presence_in(&place, self.duration);
            let needed = matches!(key.need, Need::Required) || main == Some(key.name);
            let excluded = others.contains(&key.name) && main != Some(key.name);
            if (needed || wanted)
                && !excluded
                && let Some(value) = self.value(&key.shape, &place)
            {
                table.insert(key.name.to_owned(), value);
            }
        }
        table
    }

    /// A value of this shape; none where nothing can be drawn.
    fn value(&mut self, shape: &Shape, path: &str) -> Option<Value> {
        let text = |text: String| Some(Value::String(text));
        match shape {
            Shape::Text => text((*self.one_of(&["<message", "</stream:stream>", "<", "stream"])?).to_owned()),
            Shape::Name => text(self.name(path)),
            Shape::Reference { known, open, .. } => self.reference(known(), *open, path),
            Shape::Word(words) => text((*self.one_of(words)?).to_owned()),
            Shape::Boolean => Some(Value::Boolean(self.rng.happens(0.5))),
            Shape::Integer { low, high } => {
                let number = self.number(ranges::integer(path, *low, *high));
                Some(Value::Integer(i64::try_from(number.clamp(*low, *high)).ok()?))
            }
            Shape::Number(Bounds::Probability) => Some(Value::Float(self.probability())),
            Shape::Number(Bounds::Positive | Bounds::NotNegative) => {
                let span = ranges::number(path, self.duration);
                Some(Value::Float(self.real(span)))
            }
            Shape::DurationOrNone if self.rng.happens(0.1) => text("none".to_owned()),
            Shape::Duration { .. } | Shape::DurationOrNone => {
                let low = if let Shape::Duration { low } = shape { *low } else { Micros::ZERO };
                let span = ranges::time(path, self.duration);
                text(Micros::new(self.number(span)).max(low).to_string())
            }
            Shape::Shift => {
                let sign = if self.rng.happens(0.5) { "-" } else { "" };
                text(format!("{sign}{}", Micros::new(self.number(ranges::time(path, self.duration)))))
            }
            Shape::Rate => text(format!("{}kbit", self.number(ranges::rate(path)))),
            Shape::Bytes => text(format!("{}B", self.number(ranges::bytes(path)).max(1))),
            Shape::List { each, least } => {
                let few = ranges::most_in_list(path).saturating_sub(*least) + 1;
                let length = least + self.below(few);
                let mut list: Vec<Value> = Vec::new();
                for _ in 0..length {
                    list.extend(self.value(each, path).filter(|value| value.is_table() || !list.contains(value)));
                }
                Some(Value::Array(list))
            }
            Shape::Range(each) => {
                let pair = [self.value(each, path)?, self.value(each, path)?];
                Some(Value::Array(ranges::ascending(pair).into()))
            }
            Shape::Table(table) => Some(Value::Table(self.table(table, path))),
            Shape::Named(each) => self.named(each, path),
            Shape::Kernel => Some(Value::Table(self.kernel(path))),
            Shape::File(_) | Shape::Grid | Shape::Precision => None,
            Shape::Either(shapes) => {
                let first = self.rng.happens(0.5);
                let of = if first { shapes.first() } else { self.one_of(shapes) };
                self.value(of?, path)
            }
        }
    }

    fn probability(&mut self) -> f64 {
        let most = *self.one_of(&[0.02, 0.1, 0.4, 1.0]).unwrap_or(&1.0);
        match self.below(12) {
            0 => 0.0,
            1 => 1.0,
            _ => libm::round(self.rng.unit() * most * 1e3) / 1e3,
        }
    }

    fn name(&mut self, path: &str) -> String {
        if path == "class.name" {
            self.names.classes.push(format!("c{}", self.names.classes.len()));
            return self.names.classes.last().cloned().unwrap_or_default();
        }
        if path == "reconnect.on"
            && let Some(class) = self.one_of(&self.names.classes.clone())
        {
            return class.clone();
        }
        format!("n{}", self.below(100))
    }

    fn reference(&mut self, known: Vec<&'static str>, open: bool, path: &str) -> Option<Value> {
        let mut names: Vec<String> = known.into_iter().map(str::to_owned).collect();
        if open {
            let own = match path {
                "class.link" => &self.names.links,
                "class.traffic" => &self.names.traffic,
                "strategies" => &self.names.mixes,
                "chaos.on" => &self.names.classes,
                _ => &Vec::new(),
            };
            // Few against many: a name of the scenario's own shall not be rare.
            for _ in 0..3 {
                names.extend(own.iter().cloned());
            }
        }
        self.one_of(&names).cloned().map(Value::String)
    }

    /// A table whose keys are names: those of closers in a mix, new ones elsewhere.
    fn named(&mut self, each: &Shape, path: &str) -> Option<Value> {
        let mut table = Table::new();
        for n in 0..=self.below(2) {
            let below = format!("{path}.*");
            let name = if path == "mix.*" {
                let closers = crate::scenario::closer_names();
                (*self.one_of(&closers)?).to_owned()
            } else {
                format!("{}{n}", path.chars().next().unwrap_or('n'))
            };
            let value = self.value(each, &below)?;
            match path {
                "links" => self.names.links.push(name.clone()),
                "traffic" => self.names.traffic.push(name.clone()),
                "mix" => self.names.mixes.push(name.clone()),
                _ => {}
            }
            table.insert(name, value);
        }
        Some(Value::Table(table))
    }

    fn kernel(&mut self, path: &str) -> Table {
        let keys = kernel_keys();
        let mut table = Table::new();
        for _ in 0..=self.below(5) {
            let Some((name, _, shape, _)) = self.one_of(&keys) else { continue };
            let place = join(path, name);
            let value = if let Shape::List { each, least: 3 } = shape {
                self.sizes(each, &place)
            } else {
                self.value(shape, &place)
            };
            table.extend(value.map(|value| ((*name).to_owned(), value)));
        }
        table
    }

    /// Three sizes, rising.
    fn sizes(&mut self, each: &Shape, path: &str) -> Option<Value> {
        let mut sizes = [self.value(each, path)?, self.value(each, path)?, self.value(each, path)?];
        sizes.sort_by_key(ranges::weight_of);
        Some(Value::Array(sizes.into()))
    }
}

/// The path of a key inside a table.
fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
