//! The document before any rule: values with the place they came from.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Where a key or a value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    /// A range of bytes of the scenario file.
    File(Range<usize>),
    /// The scenario file as a whole: the place of what is missing from it.
    Whole,
    /// An option of the command line, by its place in the list of options.
    Option(usize),
    /// A default of the key table.
    Default,
}

/// A value and its origin.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The value.
    pub(super) value: Value,
    /// Where it came from.
    pub(super) origin: Origin,
}

/// A TOML value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A string.
    Text(String),
    /// An integer.
    Integer(i128),
    /// A floating-point number.
    Float(f64),
    /// `true` or `false`.
    Boolean(bool),
    /// A date or a time of day, which no key takes.
    Datetime(String),
    /// An array, or an array of tables.
    List(Vec<Node>),
    /// A table.
    Table(Vec<Entry>),
}

/// A key of a table with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key came from.
    pub(super) key_origin: Origin,
    /// The value.
    pub(super) node: Node,
}

/// Whose text is being converted: decides what a span becomes.
#[derive(Clone, Copy)]
pub(super) enum Text {
    /// The scenario file.
    File,
    /// An option.
    Option(usize),
    /// A default of the key table.
    Default,
}

impl Text {
    fn origin(self, span: Range<usize>) -> Origin {
        match self {
            Self::File => Origin::File(span),
            Self::Option(i) => Origin::Option(i),
            Self::Default => Origin::Default,
        }
    }
}

impl Node {
    /// The document of a parsed file.
    pub(super) fn document(table: &DeTable<'_>) -> Self {
        Self { value: convert_table(table, Text::File), origin: Origin::Whole }
    }

    /// A parsed value.
    pub(super) fn convert(value: &Spanned<DeValue<'_>>, text: Text) -> Self {
        let origin = text.origin(value.span());
        let value = match value.get_ref() {
            DeValue::String(s) => Value::Text(s.to_string()),
            DeValue::Integer(i) => Value::Integer(parse_integer(i.as_str(), i.radix())),
            DeValue::Float(f) => Value::Float(f.as_str().parse().unwrap_or(f64::NAN)),
            DeValue::Boolean(b) => Value::Boolean(*b),
            DeValue::Datetime(d) => Value::Datetime(d.to_string()),
            DeValue::Array(a) => convert_array(a, text),
            DeValue::Table(t) => convert_table(t, text),
        };
        Self { value, origin }
    }

    /// The value of an option: TOML if it is that, a bare string otherwise, so that `closing.timeout=5s` works.
    pub(super) fn given(text: &str, origin: &Origin) -> Self {
        let bare = || Self { value: Value::Text(text.trim().to_owned()), origin: origin.clone() };
        match (DeValue::parse(text.trim()), origin) {
            (Ok(value), Origin::Option(option)) => Self::convert(&value, Text::Option(*option)),
            _ => bare(),
        }
    }

    /// A default of the key table, written as TOML.
    pub(super) fn from_default(text: &str) -> Option<Self> {
        DeValue::parse(text).ok().map(|value| Self::convert(&value, Text::Default))
    }

    /// The value of `key`, if this is a table that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Value::Table(entries) => entries.iter().find(|e| e.key == key).map(|e| &e.node),
            Value::Text(_)
            | Value::Integer(_)
            | Value::Float(_)
            | Value::Boolean(_)
            | Value::Datetime(_)
            | Value::List(_) => None,
        }
    }
}

/// Integers beyond 128 bits become the extreme value of their sign, which no key allows.
fn parse_integer(digits: &str, radix: u32) -> i128 {
    let extreme = if digits.starts_with('-') { i128::MIN } else { i128::MAX };
    i128::from_str_radix(digits, radix).unwrap_or(extreme)
}

fn convert_array(array: &DeArray<'_>, text: Text) -> Value {
    Value::List(array.iter().map(|v| Node::convert(v, text)).collect())
}

fn convert_table(table: &DeTable<'_>, text: Text) -> Value {
    let mut entries: Vec<(usize, Entry)> = table
        .iter()
        .map(|(key, value)| {
            let key_origin = text.origin(key.span());
            let entry = Entry { key: key.get_ref().to_string(), key_origin, node: Node::convert(value, text) };
            (key.span().start, entry)
        })
        .collect();
    entries.sort_by_key(|(start, _)| *start);
    Value::Table(entries.into_iter().map(|(_, entry)| entry).collect())
}

impl Value {
    /// What was found, for a message: its type and itself.
    pub(super) fn found(&self) -> String {
        match self {
            Self::Text(s) => format!("the string {s:?}"),
            Self::Integer(i) => format!("the integer {i}"),
            Self::Float(f) => format!("the number {f:?}"),
            Self::Boolean(b) => format!("the boolean {b}"),
            Self::Datetime(d) => format!("the date {d}"),
            Self::List(items) => match items.len() {
                0 => "an empty list".to_owned(),
                n => format!("a list of {n}"),
            },
            Self::Table(entries) => match entries.as_slice() {
                [] => "an empty table".to_owned(),
                [one] => format!("a table with the key `{}`", one.key),
                many => format!("a table with {} keys", many.len()),
            },
        }
    }
}
