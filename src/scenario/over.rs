//! `--set` and the options that stand for single keys: values put into the document before any rule looks at it.

use crate::scenario::error::Problem;
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
    /// An option that is repeated, once for each element of a list.
    List {
        /// Its name, as in `--strategy`.
        option: &'static str,
        /// The key of the list.
        key: &'static str,
        /// The values as they were given.
        values: Vec<String>,
    },
}

impl Change {
    /// `--strategy S`, one for each.
    pub const fn strategies(values: Vec<String>) -> Self {
        Self::List { option: "--strategy", key: "strategies", values }
    }
}

/// The key that holds a list of tables and may be absent: `chaos.0.at` makes it.
const ABSENT_LIST: &str = "chaos";

/// The most parts of a key path: deeper ones exist nowhere.
const DEEPEST: usize = 12;

/// The options as they stood on the command line, for messages.
pub(super) type Options = Vec<String>;

/// Puts all changes into the document.
pub(super) fn apply(document: &mut Node, changes: &[Change], options: &mut Options, problems: &mut Vec<Problem>) {
    for change in changes {
        match change {
            Change::Set(text) => {
                let origin = note(options, format!("--set {text}"));
                match split(text) {
                    Ok((_, path, value)) => put(document, &path, Node::given(value, &origin), &origin, problems),
                    Err(message) => problems.push(at(&origin, message)),
                }
            }
            Change::Option { option: name, key, value } => {
                let origin = note(options, format!("{name} {value}"));
                put(document, &parts(key), Node::given(value, &origin), &origin, problems);
            }
            Change::List { option: name, key, values } => {
                let list: Vec<Node> = values
                    .iter()
                    .map(|value| {
                        let origin = note(options, format!("{name} {value}"));
                        Node { value: Value::Text(value.clone()), origin }
                    })
                    .collect();
                let origin = Origin::Option(options.len().saturating_sub(1));
                put(
                    document,
                    &parts(key),
                    Node { value: Value::List(list), origin: origin.clone() },
                    &origin,
                    problems,
                );
            }
        }
    }
}

/// The path of a key that the program itself names.
fn parts(key: &str) -> Vec<String> {
    key.split('.').map(str::to_owned).collect()
}

/// A part of a path as it is written: in quotes where a dot or a space would cut it.
pub(super) fn quoted(part: &str) -> String {
    let bare = !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-'));
    if bare { part.to_owned() } else { format!("\"{part}\"") }
}

fn note(options: &mut Options, text: String) -> Origin {
    options.push(text);
    Origin::Option(options.len() - 1)
}

fn at(origin: &Origin, title: String) -> Problem {
    Problem { title, label: String::new(), origin: origin.clone() }
}

/// Key as written, its path, and the value, of `path.to.key=value`. A part of the path may stand in quotes.
pub(super) fn split(text: &str) -> Result<(&str, Vec<String>, &str), String> {
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
    if parts.len() > DEEPEST {
        return Err(format!("the path has {} parts; no key of a scenario has more than {DEEPEST}", parts.len()));
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
pub(super) fn commas(text: &str) -> Vec<&str> {
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
pub(super) fn put(document: &mut Node, path: &[String], node: Node, origin: &Origin, problems: &mut Vec<Problem>) {
    let mut here = document;
    for (depth, part) in path.iter().enumerate() {
        let place = || path[..depth].join(".");
        here = match &mut here.value {
            Value::Table(entries) => entry(entries, part, origin),
            Value::List(items) => match part.parse::<usize>() {
                Ok(i) if i < items.len() => &mut items[i],
                Ok(i) if i == items.len() => {
                    items.push(empty(origin));
                    &mut items[i]
                }
                _ => {
                    let allowed = format!("allowed: 0 to {}", items.len());
                    problems.push(at(origin, format!("`{}` is a list and has no `{part}`; {allowed}", place())));
                    return;
                }
            },
            scalar
            @ (Value::Text(_) | Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_)) => {
                let found = scalar.found();
                problems.push(at(origin, format!("`{}` is {found} and has no key `{part}`", place())));
                return;
            }
        };
    }
    *here = node;
}

fn empty(origin: &Origin) -> Node {
    Node { value: Value::Table(Vec::new()), origin: origin.clone() }
}

fn entry<'n>(entries: &'n mut Vec<Entry>, key: &str, origin: &Origin) -> &'n mut Node {
    let i = entries.iter().position(|e| e.key == key).unwrap_or_else(|| {
        let mut node = empty(origin);
        if key == ABSENT_LIST {
            node.value = Value::List(Vec::new());
        }
        entries.push(Entry { key: key.to_owned(), key_origin: origin.clone(), node });
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
}
