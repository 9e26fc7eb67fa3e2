//! `--set` and `--vary`: values put into the document before any rule looks at it.

use crate::scenario::error::Problem;
use crate::scenario::tree::{Item, Tree};
use crate::scenario::units;
use crate::scenario::value::{Entry, Node, Origin, Value};

/// A value that the command line puts into a scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `--set path.to.key=value`, unparsed.
    Set(String),
    /// An option with a name of its own that stands for one key.
    Option {
        /// Its name, as in `--peers`.
        option: &'static str,
        /// The key that it sets.
        key: &'static str,
        /// The value as it was given.
        value: String,
    },
    /// `--strategy S`, one for each.
    Strategies(Vec<String>),
}

/// The most sweep points of one run.
const MOST_POINTS: usize = 10_000;

/// Keys that a sweep cannot vary, and what to use instead.
const NOT_VARIED: [(&str, &str); 3] = [
    ("seed", "use --seeds"),
    ("strategies", "every strategy is run at every point anyway"),
    ("name", "it names the results"),
];

/// A key of a sweep with its values.
#[derive(Clone, Debug)]
pub(super) struct Vary {
    /// The key path as it was written: a column of the results.
    pub(super) key: String,
    path: Vec<String>,
    /// The values as they were written.
    pub(super) values: Vec<String>,
    option: usize,
}

/// The options as they stood on the command line, for messages.
pub(super) type Options = Vec<String>;

/// Puts all changes into the document.
pub(super) fn apply(document: &mut Node, changes: &[Change], options: &mut Options, problems: &mut Vec<Problem>) {
    for change in changes {
        match change {
            Change::Set(text) => {
                let option = note(options, format!("--set {text}"));
                match split(text) {
                    Ok((_, path, value)) => {
                        put(document, &path, Node::from_option(value, option), option, problems);
                    }
                    Err(message) => problems.push(at(option, message)),
                }
            }
            Change::Option { option: name, key, value } => {
                let option = note(options, format!("{name} {value}"));
                put(document, &[(*key).to_owned()], Node::from_option(value, option), option, problems);
            }
            Change::Strategies(names) => {
                let list = names.iter().map(|name| {
                    let option = note(options, format!("--strategy {name}"));
                    Node { value: Value::Text(name.clone()), origin: Origin::Option(option) }
                });
                let value = Value::List(list.collect());
                let option = options.len().saturating_sub(1);
                let node = Node { value, origin: Origin::Option(option) };
                put(document, &["strategies".to_owned()], node, option, problems);
            }
        }
    }
}

/// The sweeps that `--vary` options ask for.
pub(super) fn sweeps(varies: &[String], options: &mut Options, problems: &mut Vec<Problem>) -> Vec<Vary> {
    let mut sweeps: Vec<Vary> = Vec::new();
    for text in varies {
        let option = note(options, format!("--vary {text}"));
        match sweep(text, option, &sweeps) {
            Ok(vary) => sweeps.push(vary),
            Err(message) => problems.push(at(option, message)),
        }
    }
    let points = sweeps.iter().fold(1_usize, |n, vary| n.saturating_mul(vary.values.len()));
    if points > MOST_POINTS {
        let message = format!("the sweep has {points} points, at most {MOST_POINTS} are allowed");
        problems.push(at(options.len() - 1, message));
    }
    sweeps
}

fn sweep(text: &str, option: usize, others: &[Vary]) -> Result<Vary, String> {
    let (key, path, list) = split(text)?;
    if let Some((_, advice)) = NOT_VARIED.iter().find(|(name, _)| *name == key) {
        return Err(format!("`{key}` cannot be varied: {advice}"));
    }
    if others.iter().any(|v| v.path == path) {
        return Err(format!("`{key}` is varied twice"));
    }
    let values: Vec<String> = commas(list).into_iter().map(|v| v.trim().to_owned()).collect();
    if values.iter().any(String::is_empty) {
        return Err("found an empty value; the values stand between single commas".to_owned());
    }
    if let Some(twice) = values.iter().enumerate().find(|(i, v)| values[..*i].contains(v)) {
        return Err(format!("the value {} stands there twice", twice.1));
    }
    Ok(Vary { key: key.to_owned(), path, values, option })
}

/// Every combination of values, the first sweep changing slowest: for each, the index into each sweep's values.
pub(super) fn points(sweeps: &[Vary]) -> Vec<Vec<usize>> {
    let mut points = vec![Vec::new()];
    for vary in sweeps {
        points = points
            .iter()
            .flat_map(|point| {
                (0..vary.values.len()).map(move |i| {
                    let mut longer: Vec<usize> = point.clone();
                    longer.push(i);
                    longer
                })
            })
            .collect();
    }
    points
}

impl Vary {
    /// Puts the value of this number into the document.
    pub(super) fn apply(&self, document: &mut Node, value: usize, problems: &mut Vec<Problem>) {
        let node = Node::from_option(&self.values[value], self.option);
        put(document, &self.path, node, self.option, problems);
    }

    /// The value of this number as it stands in a CSV field: times in microseconds, rates in bits a second, sizes in
    /// bytes, everything else as it was written.
    pub(super) fn csv(&self, value: usize, tree: &Tree) -> String {
        let written = self.values[value].trim_matches(['"', '\'']).to_owned();
        match find(tree, &self.path) {
            Some(Item::Time(time)) => time.get().to_string(),
            Some(Item::Rate(n) | Item::Bytes(n) | Item::Integer(n)) => n.to_string(),
            Some(Item::Kernel(_)) => units::duration(&written).map_or(written, |t| t.get().to_string()),
            _ => written,
        }
    }
}

/// The item at a path; for a kernel setting the whole kernel table, whose values are not typed here.
fn find<'t>(tree: &'t Tree, path: &[String]) -> Option<&'t Item> {
    let Some((first, rest)) = path.split_first() else {
        return Some(&tree.item);
    };
    match &tree.item {
        Item::Table(table) => find(table.get(first)?, rest),
        Item::List(list) => find(list.get(first.parse::<usize>().ok()?)?, rest),
        Item::Kernel(_) => Some(&tree.item),
        _ => None,
    }
}

fn note(options: &mut Options, text: String) -> usize {
    options.push(text);
    options.len() - 1
}

fn at(option: usize, title: String) -> Problem {
    Problem { title, label: String::new(), origin: Origin::Option(option) }
}

/// Key as written, its path, and the value, of `path.to.key=value`. A part of the path may stand in quotes.
fn split(text: &str) -> Result<(&str, Vec<String>, &str), String> {
    let shape = "it must have the form path.to.key=value";
    let equals = outside_quotes(text).find(|(_, c, _)| *c == '=').map(|(i, _, _)| i);
    let (key, value) = equals.map(|i| (text[..i].trim(), text[i + 1..].trim())).ok_or(shape)?;
    if value.is_empty() {
        return Err(format!("the value of `{key}` is empty"));
    }
    let mut parts = vec![String::new()];
    for (_, c, quoted) in outside_quotes(key) {
        match (c, quoted) {
            ('.', false) => parts.push(String::new()),
            ('"' | '\'', false) => {}
            (c, _) => {
                if let Some(last) = parts.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    if parts.iter().any(|p| p.trim().is_empty()) {
        return Err(format!("`{key}` has an empty part; {shape}"));
    }
    Ok((key, parts, value))
}

/// Characters with their places and whether they stand in quotes; the quotes themselves do not.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char, bool)> {
    let mut quote = None;
    text.char_indices().map(move |(i, c)| match quote {
        Some(q) if q == c => {
            quote = None;
            (i, c, false)
        }
        Some(_) => (i, c, true),
        None => {
            quote = Some(c).filter(|c| matches!(c, '"' | '\''));
            (i, c, false)
        }
    })
}

/// The parts between commas that stand in no quotes, brackets or braces.
fn commas(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut parts) = (0_i32, 0, Vec::new());
    for (i, c, quoted) in outside_quotes(text) {
        match c {
            '[' | '{' if !quoted => depth += 1,
            ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts
}

/// Puts a node at a path, making tables on the way.
fn put(document: &mut Node, path: &[String], node: Node, option: usize, problems: &mut Vec<Problem>) {
    let mut here = document;
    for (depth, part) in path.iter().enumerate() {
        let place = || path[..depth].join(".");
        here = match &mut here.value {
            Value::Table(entries) => entry(entries, part, option),
            Value::List(items) => match part.parse::<usize>() {
                Ok(i) if i < items.len() => &mut items[i],
                Ok(i) if i == items.len() => {
                    items.push(empty(option));
                    &mut items[i]
                }
                _ => {
                    let allowed = format!("allowed: 0 to {}", items.len());
                    problems.push(at(option, format!("`{}` is a list and has no `{part}`; {allowed}", place())));
                    return;
                }
            },
            scalar
            @ (Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_)) => {
                let found = scalar.found();
                problems.push(at(option, format!("`{}` is {found} and has no key `{part}`", place())));
                return;
            }
        };
    }
    *here = node;
}

fn empty(option: usize) -> Node {
    Node { value: Value::Table(Vec::new()), origin: Origin::Option(option) }
}

fn entry<'n>(entries: &'n mut Vec<Entry>, key: &str, option: usize) -> &'n mut Node {
    let i = entries.iter().position(|e| e.key == key).unwrap_or_else(|| {
        let key_origin = Origin::Option(option);
        entries.push(Entry { key: key.to_owned(), key_origin, node: empty(option) });
        entries.len() - 1
    });
    &mut entries[i].node
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_part_may_stand_in_quotes() {
        let (key, path, value) = split("mix.half.\"prosody-0.12-c2s\"=1").unwrap();
        assert_eq!(key, "mix.half.\"prosody-0.12-c2s\"");
        assert_eq!(path, ["mix", "half", "prosody-0.12-c2s"]);
        assert_eq!(value, "1");
    }

    #[test]
    fn broken_options_are_refused() {
        for text in ["closing.timeout", "=5s", "a..b=1", "a=", "a= "] {
            assert!(split(text).is_err(), "{text}");
        }
    }

    #[test]
    fn values_are_split_at_commas_outside_of_brackets_and_quotes() {
        assert_eq!(commas("1s,2s"), ["1s", "2s"]);
        assert_eq!(commas("{ uniform = [\"1s\", \"2s\"] },\"a,b\""), ["{ uniform = [\"1s\", \"2s\"] }", "\"a,b\""]);
    }

    #[test]
    fn the_first_sweep_changes_slowest() {
        let (mut options, mut problems) = (Vec::new(), Vec::new());
        let sweeps = sweeps(&["a=1,2".to_owned(), "b=x,y,z".to_owned()], &mut options, &mut problems);
        assert_eq!(points(&sweeps), [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert!(problems.is_empty());
    }
}
