//! The document after the key table: every key known, every value of its type, defaults filled in.

use std::sync::Arc;

use crate::scenario::study::Precision;
use crate::scenario::value::{Entry, Origin};
use crate::time::{Micros, Shift};

/// A value with its place and its key path.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) item: Item,
    pub(super) origin: Origin,
    pub(super) path: String,
}

/// A value of a checked type.
#[derive(Clone, Debug)]
pub(super) enum Item {
    /// Not usable; its problem has been recorded.
    Bad,
    Text(String),
    Boolean(bool),
    Integer(u64),
    Number(f64),
    Time(Micros),
    Shift(Shift),
    /// The word `none` where a duration may stand.
    Never,
    Rate(u64),
    Bytes(u64),
    /// The values of a data file, in base units.
    Values(Arc<[f64]>),
    List(Vec<Tree>),
    Table(Table),
    /// The grid of a sweep, looked at elsewhere.
    Grid,
    Precision(Precision),
    /// Kernel settings as they were written.
    Kernel(Vec<Entry>),
}

/// A table in the order of the key table, or of the file where the keys are free.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    pub(super) fields: Vec<Field>,
    /// Whether there were keys that do not exist: what seems to be missing may be misspelt.
    pub(super) unknown: bool,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) key: String,
    /// Where the key stands; a default has that of its value.
    pub(super) key_origin: Origin,
    pub(super) tree: Tree,
}

impl Tree {
    /// The table, if this is one.
    pub(super) fn table(&self) -> Option<&Table> {
        if let Item::Table(table) = &self.item { Some(table) } else { None }
    }

    /// The text, if this is one.
    pub(super) fn text(&self) -> Option<&str> {
        if let Item::Text(text) = &self.item { Some(text) } else { None }
    }

    /// The elements, if this is a list.
    pub(super) fn list(&self) -> Option<&[Self]> {
        if let Item::List(list) = &self.item { Some(list) } else { None }
    }

    /// The values of a data file, if these are some.
    pub(super) fn values(&self) -> Option<Arc<[f64]>> {
        if let Item::Values(values) = &self.item { Some(values.clone()) } else { None }
    }

    /// The time, if this is one.
    pub(super) fn time(&self) -> Option<Micros> {
        if let Item::Time(time) = self.item { Some(time) } else { None }
    }

    /// The number, if this is a whole or any other number, a time in microseconds included.
    #[expect(clippy::cast_precision_loss, reason = "times and sizes are far below 2^53")]
    pub(super) fn quantity(&self) -> Option<f64> {
        match self.item {
            Item::Number(x) => Some(x),
            Item::Integer(n) => Some(n as f64),
            Item::Time(t) => Some(t.get() as f64),
            Item::Bad
            | Item::Text(_)
            | Item::Boolean(_)
            | Item::Never
            | Item::Shift(_)
            | Item::Rate(_)
            | Item::Bytes(_)
            | Item::Values(_)
            | Item::List(_)
            | Item::Table(_)
            | Item::Grid
            | Item::Precision(_)
            | Item::Kernel(_) => None,
        }
    }
}

impl Table {
    /// The field of a key.
    pub(super) fn field(&self, key: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.key == key)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Tree> {
        self.field(key).map(|f| &f.tree)
    }

    /// Whether the key is there, usable or not.
    pub(super) fn has(&self, key: &str) -> bool {
        self.field(key).is_some()
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.get(key)?.text()
    }

    /// A time.
    pub(super) fn time(&self, key: &str) -> Option<Micros> {
        self.get(key)?.time()
    }

    /// A number of any kind.
    pub(super) fn quantity(&self, key: &str) -> Option<f64> {
        self.get(key)?.quantity()
    }

    /// A whole number.
    pub(super) fn integer(&self, key: &str) -> Option<u64> {
        if let Item::Integer(n) = self.get(key)?.item { Some(n) } else { None }
    }

    /// A number of bytes.
    pub(super) fn bytes(&self, key: &str) -> Option<u64> {
        if let Item::Bytes(n) = self.get(key)?.item { Some(n) } else { None }
    }

    /// A whole number below 2^32.
    pub(super) fn count(&self, key: &str) -> Option<u32> {
        u32::try_from(self.integer(key)?).ok()
    }

    /// A table.
    pub(super) fn table(&self, key: &str) -> Option<&Self> {
        self.get(key)?.table()
    }
}
