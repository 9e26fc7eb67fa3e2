//! The `kernel` table: settings by their names in the table of sysctls, over a preset.

use serde_json::{Value as Json, json};

use crate::scenario::canonical::object;
use crate::scenario::error::{Problem, nearest};
use crate::scenario::shape::Shape;
use crate::scenario::tree::{Item, Tree};
use crate::scenario::value::Entry;
use crate::scenario::walk::{Walker, join};
use crate::tcp::sysctl::{KEYS, Kernel, Key, Kind, Value};
use crate::time::Micros;

/// The key that names a preset; every other key is a setting.
const PRESET: &str = "preset";

/// What the preset key may hold.
const PRESET_SHAPE: Shape = Shape::Word(Kernel::PRESETS);

/// The kernel that the table describes: its preset, `linux` if it names none, with its settings in their order.
pub(super) fn kernel(tree: &Tree, problems: &mut Vec<Problem>) -> Option<Kernel> {
    let Item::Kernel(entries) = &tree.item else { return None };
    let mut walker = Walker::new(None);
    let preset = entries.iter().find(|e| e.key == PRESET);
    let preset = preset.map(|e| walker.walk(&e.node, &PRESET_SHAPE, &join(&tree.path, PRESET)));
    let mut kernel = preset.as_ref().and_then(Tree::text).and_then(Kernel::preset).unwrap_or_default();
    for entry in entries.iter().filter(|e| e.key != PRESET) {
        set(&mut kernel, entry, &join(&tree.path, &entry.key), &mut walker);
    }
    let good = walker.problems.is_empty();
    problems.append(&mut walker.problems);
    good.then_some(kernel)
}

fn set(kernel: &mut Kernel, entry: &Entry, path: &str, walker: &mut Walker<'_>) {
    let Some(key) = Kernel::key(&entry.key) else {
        let near = nearest(&entry.key, KEYS.iter().map(|k| k.name).chain([PRESET]));
        let near = near.map_or_else(String::new, |name| format!("nearest: `{name}`; "));
        let label = format!("{near}allowed: {PRESET}, or a setting (see farewell list kernel)");
        walker.problem(format!("unknown key `{path}`"), label, &entry.key_origin);
        return;
    };
    let tree = walker.walk(&entry.node, &shape(key), path);
    if let Item::List(sizes) = &tree.item
        && sizes.len() != 3
    {
        let label = format!("found a list of {}", sizes.len());
        walker.problem(format!("`{path}` must be {}", key.kind), label, &entry.node.origin);
        return;
    }
    let Some(value) = value(&tree.item) else { return };
    if let Err(error) = kernel.set(key.name, &value) {
        walker.problem(format!("`{path}` cannot be {value}"), error.to_string(), &entry.node.origin);
    }
}

/// What a setting may hold, in the words of the key table; its exact range is the kernel's to check.
fn shape(key: &Key) -> Shape {
    const BYTES: Shape = Shape::Bytes;
    match key.kind {
        Kind::Duration { .. } => Shape::Duration { low: Micros::new(key.range.0) },
        Kind::Count => Shape::Integer { low: key.range.0, high: key.range.1 },
        Kind::Switch => Shape::Boolean,
        Kind::Bytes => BYTES,
        Kind::Sizes => Shape::List { each: &BYTES, least: 3 },
        Kind::Word(words) => Shape::Word(words),
    }
}

fn value(item: &Item) -> Option<Value> {
    let bytes = |tree: &Tree| if let Item::Bytes(n) = tree.item { Some(n) } else { None };
    match item {
        Item::Time(time) => Some(Value::Duration(*time)),
        Item::Integer(n) => Some(Value::Count(*n)),
        Item::Boolean(on) => Some(Value::Switch(*on)),
        Item::Bytes(n) => Some(Value::Bytes(*n)),
        Item::Text(word) => Some(Value::Word(word.clone())),
        Item::List(sizes) => {
            let sizes: Option<Vec<u64>> = sizes.iter().map(bytes).collect();
            sizes?.try_into().ok().map(Value::Sizes)
        }
        Item::Bad
        | Item::Number(_)
        | Item::Never
        | Item::Rate(_)
        | Item::Values(_)
        | Item::Table(_)
        | Item::Grid
        | Item::Shift(_)
        | Item::Precision(_)
        | Item::Kernel(_) => None,
    }
}

/// Every setting with its value, times in microseconds.
pub(super) fn to_json(kernel: &Kernel) -> Json {
    let json = |value: Value| match value {
        Value::Duration(time) => json!(time.get()),
        Value::Count(n) | Value::Bytes(n) => json!(n),
        Value::Switch(on) => json!(on),
        Value::Sizes(sizes) => json!(sizes),
        Value::Word(word) => json!(word),
    };
    object(KEYS.iter().filter_map(|key| Some((key.name.to_owned(), json(kernel.get(key.name)?)))))
}

/// Each key with what it means, what it may hold and its default as it may be written.
pub(crate) fn keys() -> Vec<(&'static str, String, Shape, Option<Json>)> {
    let about = "A configuration to start from; `linux` if not given.".to_owned();
    let mut keys = vec![(PRESET, about, PRESET_SHAPE, Some(json!("linux")))];
    for key in KEYS {
        let default = match key.default_value() {
            Value::Duration(time) => json!(time.to_string()),
            Value::Count(n) | Value::Bytes(n) => json!(n),
            Value::Switch(on) => json!(on),
            Value::Sizes(sizes) => json!(sizes),
            Value::Word(word) => json!(word),
        };
        keys.push((key.name, format!("{} ({}).", key.meaning, key.source), shape(key), Some(default)));
    }
    keys
}
