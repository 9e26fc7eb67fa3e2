//! The vocabulary of the key table: what a key may hold, without any rule between keys.

use crate::scenario::value::Value;
use crate::time::Micros;

/// A key of a table.
pub(crate) struct Key {
    /// Its name.
    pub(crate) name: &'static str,
    /// What it means, in one sentence for `farewell schema`.
    pub(crate) about: &'static str,
    /// What it may hold.
    pub(crate) shape: Shape,
    /// Whether it must be given.
    pub(crate) need: Need,
}

/// Whether a key must be given.
#[derive(Clone, Copy)]
pub(crate) enum Need {
    /// It must.
    Required,
    /// It may be absent.
    Optional,
    /// Absent means this, written as TOML.
    Default(&'static str),
}

/// A table with fixed keys.
pub(crate) struct TableShape {
    /// What it is, with its article, for messages.
    pub(crate) what: &'static str,
    /// Its keys, in groups so that tables can share some.
    pub(crate) keys: &'static [&'static [Key]],
    /// Which of them depend on each other.
    pub(crate) choice: Choice,
}

/// Keys of one table of which only some may stand together.
#[derive(Clone, Copy)]
pub(crate) enum Choice {
    /// No such keys.
    Free,
    /// Exactly one of these.
    One(&'static [&'static str]),
    /// One of these or none.
    AtMostOne(&'static [&'static str]),
    /// One of these or more.
    Some(&'static [&'static str]),
}

/// The unit in which a data file is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    /// Durations, kept in microseconds.
    Time,
    /// Sizes in bytes.
    Size,
}

/// Limits of a number.
#[derive(Clone, Copy)]
pub(crate) enum Bounds {
    /// From 0 to 1.
    Probability,
    /// Above zero, at most a million million.
    Positive,
    /// Zero or above, at most a million million.
    NotNegative,
}

/// What a key may hold.
pub(crate) enum Shape {
    /// Any text but the empty one.
    Text,
    /// A name: letters, digits, `.`, `_` and `-`.
    Name,
    /// The name of something: one of these, or one that the scenario defines where `open`.
    Reference {
        /// What is named, with its article.
        what: &'static str,
        /// The built-in ones.
        known: fn() -> Vec<&'static str>,
        /// Whether the scenario may define others.
        open: bool,
    },
    /// One of these words.
    Word(&'static [&'static str]),
    /// `true` or `false`.
    Boolean,
    /// A whole number within limits.
    Integer {
        /// Smallest.
        low: u64,
        /// Largest.
        high: u64,
    },
    /// A number.
    Number(Bounds),
    /// A duration of at least `low`.
    Duration {
        /// Shortest.
        low: Micros,
    },
    /// A duration, or the word `none`.
    DurationOrNone,
    /// A duration that may be negative, and is not zero.
    Shift,
    /// A bit rate.
    Rate,
    /// A size in bytes.
    Bytes,
    /// Path of a data file.
    File(Quantity),
    /// A list of at least `least`.
    List {
        /// What each holds.
        each: &'static Shape,
        /// Fewest.
        least: usize,
    },
    /// Two values, the second not below the first.
    Range(&'static Shape),
    /// A table with fixed keys.
    Table(&'static TableShape),
    /// A table whose keys are names that the scenario invents.
    Named(&'static Shape),
    /// Key paths with lists of values, looked at elsewhere.
    Grid,
    /// A relative precision of a metric.
    Precision,
    /// Kernel settings, checked against the table of sysctls.
    Kernel,
    /// One of these, told apart by the type of the value.
    Either(&'static [Shape]),
}

impl TableShape {
    /// All keys in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.keys.iter().flat_map(|group| group.iter())
    }
}

impl Bounds {
    /// Whether a number is within.
    pub(crate) fn hold(self, x: f64) -> bool {
        match self {
            Self::Probability => (0.0..=1.0).contains(&x),
            Self::Positive => x > 0.0 && x <= 1e12,
            Self::NotNegative => (0.0..=1e12).contains(&x),
        }
    }
}

impl Shape {
    /// Whether a value is of the right TOML type; its content is another matter.
    pub(super) fn fits(&self, value: &Value) -> bool {
        match self {
            Self::Text
            | Self::Name
            | Self::Reference { .. }
            | Self::Word(_)
            | Self::Duration { .. }
            | Self::DurationOrNone
            | Self::Shift
            | Self::Rate
            | Self::Precision
            | Self::File(_) => matches!(value, Value::Text(_)),
            Self::Boolean => matches!(value, Value::Boolean(_)),
            Self::Integer { .. } => matches!(value, Value::Integer(_)),
            Self::Number(_) => matches!(value, Value::Integer(_) | Value::Float(_)),
            Self::Bytes => matches!(value, Value::Text(_) | Value::Integer(_)),
            Self::List { .. } | Self::Range(_) => matches!(value, Value::List(_)),
            Self::Table(_) | Self::Named(_) | Self::Kernel | Self::Grid => matches!(value, Value::Table(_)),
            Self::Either(shapes) => shapes.iter().any(|s| s.fits(value)),
        }
    }

    /// What is allowed, for a message: "a duration such as 250ms or 5s".
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Text => "a text that is not empty".to_owned(),
            Self::Name => "a name of letters, digits, `.`, `_` and `-` that starts with a letter or digit".to_owned(),
            Self::Reference { what, .. } => format!("the name of {what}"),
            Self::Word(words) => format!("one of {}", words.join(", ")),
            Self::Boolean => "true or false".to_owned(),
            Self::Integer { low, high } => format!("a whole number from {low} to {high}"),
            Self::Number(Bounds::Probability) => "a probability from 0 to 1".to_owned(),
            Self::Number(Bounds::Positive) => "a number above 0, at most 1e12".to_owned(),
            Self::Number(Bounds::NotNegative) => "a number from 0 to 1e12".to_owned(),
            Self::Duration { low } if *low == Micros::ZERO => "a duration such as 250ms or 5s".to_owned(),
            Self::Duration { low } => format!("a duration of at least {low}, such as 250ms or 5s"),
            Self::DurationOrNone => "a duration such as 250ms or 5s, or none".to_owned(),
            Self::Shift => "a duration such as 30s or -30s".to_owned(),
            Self::Rate => "a rate such as 512kbit or 10Mbit".to_owned(),
            Self::Bytes => "a size such as 1500B or 64KiB".to_owned(),
            Self::File(_) => "the path of a file with one value a line".to_owned(),
            Self::List { each, least: 0 } => format!("a list, each {}", each.describe()),
            Self::List { each, least } => format!("a list of at least {least}, each {}", each.describe()),
            Self::Range(each) => format!("a list of two, lowest and highest, each {}", each.describe()),
            Self::Table(table) => table.what.to_owned(),
            Self::Named(each) => format!("a table of names, each with {}", each.describe()),
            Self::Kernel => "a table of kernel settings".to_owned(),
            Self::Grid => "a table of keys, each with a list of values".to_owned(),
            Self::Precision => "a precision such as 10% or release_p50_us=2%".to_owned(),
            Self::Either(shapes) => shapes.iter().map(Self::describe).collect::<Vec<_>>().join(", or "),
        }
    }
}
