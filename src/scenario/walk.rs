//! The walker: holds a document against the key table and records everything that does not fit.

use std::path::Path;

use crate::scenario::data;
use crate::scenario::error::{Problem, choices};
use crate::scenario::shape::{Choice, Key, Need, Quantity, Shape, TableShape};
use crate::scenario::study;
use crate::scenario::tree::{Field, Item, Table, Tree};
use crate::scenario::units;
use crate::scenario::value::{Entry, Node, Origin, Value};

/// Walks a document and collects its problems.
pub(super) struct Walker<'a> {
    /// Directory that paths in the document are relative to; a built-in scenario has none.
    base: Option<&'a Path>,
    pub(super) problems: Vec<Problem>,
}

/// What a value turned out to be, or the label of its problem.
type Read = Result<Item, String>;

impl<'a> Walker<'a> {
    /// A walker for documents whose paths are relative to `base`.
    pub(super) fn new(base: Option<&'a Path>) -> Self {
        Self { base, problems: Vec::new() }
    }

    /// The checked form of a table.
    pub(super) fn table(&mut self, node: &Node, shape: &TableShape, path: &str) -> Item {
        let Value::Table(entries) = &node.value else {
            return Item::Bad;
        };
        let before = self.problems.len();
        for entry in entries.iter().filter(|e| shape.all().all(|k| k.name != e.key)) {
            let names: Vec<&str> = shape.all().map(|k| k.name).collect();
            self.problem(
                format!("unknown key `{}`", join(path, &entry.key)),
                choices(&entry.key, &names),
                &entry.key_origin,
            );
        }
        let unknown = self.problems.len() > before;
        let overruled = self.choice(node, entries, shape, path);
        let refused = self.problems.len() > before;
        let mut fields = Vec::new();
        for key in shape.all() {
            let place = join(path, key.name);
            match entries.iter().find(|e| e.key == key.name && !overruled.contains(&key.name)) {
                Some(entry) => fields.push(Field {
                    key: entry.key.clone(),
                    key_origin: entry.key_origin.clone(),
                    tree: self.walk(&entry.node, &key.shape, &place),
                }),
                None => fields.extend(self.absent(node, key, &place)),
            }
        }
        // A distribution with a misspelt or a second family is no distribution; other tables stay readable.
        if refused && matches!(shape.choice, Choice::One(_)) {
            Item::Bad
        } else {
            Item::Table(Table { fields, unknown })
        }
    }

    fn absent(&mut self, table: &Node, key: &Key, place: &str) -> Option<Field> {
        match key.need {
            Need::Optional => None,
            Need::Default(text) => {
                let node = Node::from_default(text)?;
                let tree = self.walk(&node, &key.shape, place);
                Some(Field { key: key.name.to_owned(), key_origin: Origin::Default, tree })
            }
            Need::Required => {
                let label = format!("`{}` must be {}", key.name, key.shape.describe());
                self.problem(format!("missing key `{place}`"), label, &table.origin);
                None
            }
        }
    }

    /// Checks which keys stand together. Where an option gives one of several keys that exclude each other, it overrules
    /// those of the file, which are returned.
    fn choice(&mut self, node: &Node, entries: &[Entry], shape: &TableShape, path: &str) -> Vec<&'static str> {
        let (names, most, least) = match shape.choice {
            Choice::Free => return Vec::new(),
            Choice::One(names) => (names, 1, 1),
            Choice::AtMostOne(names) => (names, 1, 0),
            Choice::Some(names) => (names, usize::MAX, 1),
        };
        let mut present: Vec<&Entry> = entries.iter().filter(|e| names.contains(&e.key.as_str())).collect();
        let unknown = entries.iter().any(|e| shape.all().all(|k| k.name != e.key));
        if present.len() < least && !unknown {
            let title = format!("`{path}` lacks its main key");
            self.problem(title, format!("allowed: {}", names.join(", ")), &node.origin);
        }
        if present.len() <= most {
            return Vec::new();
        }
        let from_option = |e: &Entry| matches!(e.node.origin, Origin::Option(_));
        let overruled: Vec<&Entry> = present.iter().copied().filter(|e| !from_option(e)).collect();
        if present.iter().any(|e| from_option(e)) {
            present.retain(|e| from_option(e));
        }
        if let [first, second, ..] = present.as_slice() {
            let title = format!("`{}` cannot stand beside `{}`", join(path, &second.key), first.key);
            self.problem(title, format!("only one of them: {}", names.join(", ")), &second.key_origin);
            return Vec::new();
        }
        names.iter().copied().filter(|name| overruled.iter().any(|e| e.key == **name)).collect()
    }

    /// The checked form of any value.
    pub(super) fn walk(&mut self, node: &Node, shape: &Shape, path: &str) -> Tree {
        let item =
            if shape.fits(&node.value) { self.read(node, shape, path) } else { Err(mistyped(shape, &node.value)) };
        let item = item.unwrap_or_else(|label| {
            self.problem(format!("`{path}` must be {}", shape.describe()), label, &node.origin);
            Item::Bad
        });
        Tree { item, origin: node.origin.clone(), path: path.to_owned() }
    }

    fn read(&mut self, node: &Node, shape: &Shape, path: &str) -> Read {
        match (shape, &node.value) {
            (Shape::Either(shapes), value) => match shapes.iter().find(|s| s.fits(value)) {
                // Who writes a word that is none of these may have meant what needs a table.
                Some(words @ Shape::Word(_)) => self.read(node, words, path),
                Some(shape) => Ok(self.walk(node, shape, path).item),
                None => Err(format!("found {}", value.found())),
            },
            (Shape::Table(table), _) => Ok(self.table(node, table, path)),
            (Shape::Named(each), Value::Table(entries)) => Ok(self.named(entries, each, path)),
            (Shape::Grid, Value::Table(_)) => Ok(Item::Grid),
            (Shape::Kernel, Value::Table(entries)) => Ok(Item::Kernel(entries.clone())),
            (Shape::List { each, least }, Value::List(items)) => {
                if items.len() < *least {
                    return Err(format!("found {}", node.value.found()));
                }
                let walked = items.iter().enumerate().map(|(i, n)| self.walk(n, each, &join(path, &i.to_string())));
                Ok(Item::List(walked.collect()))
            }
            (Shape::Range(each), Value::List(items)) => self.range(items, each, path),
            (Shape::Boolean, Value::Boolean(b)) => Ok(Item::Boolean(*b)),
            (_, Value::Text(text)) => self.text(text, shape),
            (_, value) => number(value, shape),
        }
    }

    fn named(&mut self, entries: &[Entry], each: &Shape, path: &str) -> Item {
        let mut fields = Vec::new();
        for entry in entries {
            if !is_name(&entry.key) {
                let title = format!("`{}` is no name", join(path, &entry.key));
                self.problem(title, format!("allowed is {}", Shape::Name.describe()), &entry.key_origin);
            }
            fields.push(Field {
                key: entry.key.clone(),
                key_origin: entry.key_origin.clone(),
                tree: self.walk(&entry.node, each, &join(path, &entry.key)),
            });
        }
        Item::Table(Table { fields, unknown: false })
    }

    fn range(&mut self, items: &[Node], each: &Shape, path: &str) -> Read {
        let [low, high] = items else {
            return Err(format!("found {} values", items.len()));
        };
        let pair = [self.walk(low, each, &join(path, "0")), self.walk(high, each, &join(path, "1"))];
        match (pair[0].quantity(), pair[1].quantity()) {
            (Some(low), Some(high)) if low > high => Err("the second is below the first".to_owned()),
            (Some(_), Some(_)) => Ok(Item::List(pair.into())),
            _ => Ok(Item::Bad),
        }
    }

    fn text(&self, text: &str, shape: &Shape) -> Read {
        match shape {
            Shape::Name if is_name(text) => Ok(Item::Text(text.to_owned())),
            Shape::Reference { .. } | Shape::Text if !text.is_empty() => Ok(Item::Text(text.to_owned())),
            Shape::Word(words) if words.contains(&text) => Ok(Item::Text(text.to_owned())),
            Shape::Word(words) => Err(format!("found {text:?}; {}", choices(text, words))),
            Shape::DurationOrNone if text == "none" => Ok(Item::Never),
            Shape::DurationOrNone => units::duration(text).map(Item::Time),
            Shape::Duration { low } => match units::duration(text)? {
                time if time < *low => Err(format!("found {text:?}; the least is {low}")),
                time => Ok(Item::Time(time)),
            },
            Shape::Shift => units::shift(text).map(Item::Shift),
            Shape::Precision => study::precision(text).map(Item::Precision),
            Shape::Rate => units::rate(text).map(Item::Rate),
            Shape::Bytes => units::bytes(text).map(Item::Bytes),
            Shape::File(quantity) => self.file(text, *quantity).map(Item::Values),
            Shape::Name
            | Shape::Text
            | Shape::Reference { .. }
            | Shape::Boolean
            | Shape::Integer { .. }
            | Shape::Number(_)
            | Shape::List { .. }
            | Shape::Range(_)
            | Shape::Table(_)
            | Shape::Named(_)
            | Shape::Grid
            | Shape::Kernel
            | Shape::Either(_) => Err(format!("found the string {text:?}")),
        }
    }

    fn file(&self, text: &str, quantity: Quantity) -> Result<std::sync::Arc<[f64]>, String> {
        let Some(base) = self.base else {
            return Err("a built-in scenario has no directory to find files in; copy it to a file first".to_owned());
        };
        data::values(&base.join(text), quantity).map_err(|message| format!("{text} {message}"))
    }

    /// Records a problem.
    pub(super) fn problem(&mut self, title: String, label: String, origin: &Origin) {
        self.problems.push(Problem { title, label, origin: origin.clone() });
    }
}

fn number(value: &Value, shape: &Shape) -> Read {
    let found = || Err(format!("found {}", value.found()));
    match (shape, value) {
        (Shape::Integer { low, high }, Value::Integer(i)) => match u64::try_from(*i) {
            Ok(n) if (*low..=*high).contains(&n) => Ok(Item::Integer(n)),
            _ => found(),
        },
        (Shape::Number(bounds), Value::Float(x)) if bounds.hold(*x) => Ok(Item::Number(*x)),
        #[expect(clippy::cast_precision_loss, reason = "the bounds end at 1e12, where a double is still exact")]
        (Shape::Number(bounds), Value::Integer(i)) if bounds.hold(*i as f64) => Ok(Item::Number(*i as f64)),
        (Shape::Bytes, Value::Integer(i)) => units::bytes(&format!("{i}B")).map(Item::Bytes),
        _ => found(),
    }
}

fn mistyped(shape: &Shape, value: &Value) -> String {
    let timed = |s: &Shape| matches!(s, Shape::Duration { .. } | Shape::DurationOrNone | Shape::Shift);
    let time = if let Shape::Either(shapes) = shape { shapes.iter().any(timed) } else { timed(shape) };
    if time && matches!(value, Value::Integer(_) | Value::Float(_)) {
        format!("found {}; a duration needs a unit, as in 5s or 250ms", value.found())
    } else {
        format!("found {}", value.found())
    }
}

pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= 100
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
}

/// The path of a key inside a table.
pub(super) fn join(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}
