//! The grid of a sweep: the keys of `[study.vary]` and of `--vary` with their values.

use crate::scenario::error::Problem;
use crate::scenario::over::{self, Options};
use crate::scenario::tree::{Item, Tree};
use crate::scenario::units;
use crate::scenario::value::{Entry, Node, Origin, Value};

/// The most sweep points of one run.
const MOST_POINTS: usize = 10_000;

/// Keys that a sweep cannot vary, and what to use instead.
const NOT_VARIED: [(&str, &str); 4] = [
    ("seed", "use --seeds"),
    ("strategies", "every strategy is run at every point anyway"),
    ("name", "it names the results"),
    ("study", "it describes the whole study"),
];

/// A key of a sweep with its values.
#[derive(Clone, Debug)]
pub(super) struct Vary {
    /// The key path as it is written: a column of the results.
    pub(super) key: String,
    path: Vec<String>,
    values: Vec<Given>,
    origin: Origin,
}

/// A value of a key.
#[derive(Clone, Debug)]
struct Given {
    /// As it was written.
    written: String,
    node: Node,
}

/// The grid: that of the file whose text this is, with the keys of `--vary` in their place where it has them, and after it
/// where it has not.
pub(super) fn grid(
    document: &Node,
    text: &str,
    varies: &[String],
    options: &mut Options,
    problems: &mut Vec<Problem>,
) -> Vec<Vary> {
    let mut grid = of_file(document, text, problems);
    let mut given: Vec<Vec<String>> = Vec::new();
    for text in varies {
        options.push(format!("--vary {text}"));
        let origin = Origin::Option(options.len() - 1);
        match of_option(text, &origin, &given) {
            Ok(vary) => {
                given.push(vary.path.clone());
                match grid.iter_mut().find(|earlier| earlier.path == vary.path) {
                    Some(earlier) => *earlier = vary,
                    None => grid.push(vary),
                }
            }
            Err(title) => problems.push(Problem { title, label: String::new(), origin }),
        }
    }
    let points = grid.iter().fold(1_usize, |n, vary| n.saturating_mul(vary.values.len()));
    if let (true, Some(last)) = (points > MOST_POINTS, grid.last()) {
        let title = format!("the sweep has {points} points, at most {MOST_POINTS} are allowed");
        problems.push(Problem { title, label: String::new(), origin: last.origin.clone() });
    }
    grid
}

/// The grid of `[study.vary]`, in the order of the file.
fn of_file(document: &Node, text: &str, problems: &mut Vec<Problem>) -> Vec<Vary> {
    let Some(Value::Table(entries)) = document.get("study").and_then(|study| study.get("vary")).map(|n| &n.value)
    else {
        return Vec::new();
    };
    let mut leaves = Vec::new();
    collect(entries, &[], &mut leaves);
    leaves.sort_by_key(|(_, entry)| match &entry.key_origin {
        Origin::File(span) => span.start,
        Origin::Whole | Origin::Option(_) | Origin::Default => usize::MAX,
    });
    let mut grid = Vec::new();
    for (path, entry) in leaves {
        match of_entry(path, entry, text) {
            Ok(vary) => grid.push(vary),
            Err((title, origin)) => problems.push(Problem { title, label: String::new(), origin }),
        }
    }
    grid
}

/// Everything below that is not a table itself: TOML makes tables of `links.wire.loss`.
fn collect<'n>(entries: &'n [Entry], above: &[String], leaves: &mut Vec<(Vec<String>, &'n Entry)>) {
    for entry in entries {
        let path = [above, std::slice::from_ref(&entry.key)].concat();
        if let Value::Table(below) = &entry.node.value {
            collect(below, &path, leaves);
        } else {
            leaves.push((path, entry));
        }
    }
}

fn of_entry(path: Vec<String>, entry: &Entry, text: &str) -> Result<Vary, (String, Origin)> {
    let key = path.iter().map(|part| over::quoted(part)).collect::<Vec<_>>().join(".");
    let refuse = |title: String| (title, entry.key_origin.clone());
    allowed(&key).map_err(refuse)?;
    let items = match &entry.node.value {
        Value::List(items) => items.as_slice(),
        Value::Text(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Table(_) => &[],
    };
    if items.is_empty() {
        let found = entry.node.value.found();
        let title = format!("`study.vary.{key}` must be a list of at least 1 value; found {found}");
        return Err((title, entry.node.origin.clone()));
    }
    let values: Vec<Given> =
        items.iter().map(|node| Given { written: written(node, text), node: node.clone() }).collect();
    different(&values).map_err(refuse)?;
    Ok(Vary { key, path, values, origin: entry.key_origin.clone() })
}

/// A value as it stands in the file; one that an option brought, as its kind is written.
fn written(node: &Node, text: &str) -> String {
    let as_it_stands = match &node.origin {
        Origin::File(span) => text.get(span.clone()).map(str::to_owned),
        Origin::Whole | Origin::Option(_) | Origin::Default => None,
    };
    match &node.value {
        Value::Text(text) => text.clone(),
        Value::Integer(number) => number.to_string(),
        Value::Boolean(yes) => yes.to_string(),
        Value::Float(number) => as_it_stands.unwrap_or_else(|| number.to_string()),
        Value::Datetime(_) | Value::List(_) | Value::Table(_) => as_it_stands.unwrap_or_else(|| node.value.found()),
    }
}

fn of_option(text: &str, origin: &Origin, others: &[Vec<String>]) -> Result<Vary, String> {
    let (key, path, list) = over::split(text)?;
    allowed(key)?;
    if others.contains(&path) {
        return Err(format!("`{key}` is varied twice"));
    }
    let values: Vec<Given> = over::commas(list)
        .into_iter()
        .map(|value| Given { written: value.trim().to_owned(), node: Node::given(value, origin) })
        .collect();
    if values.iter().any(|value| value.written.is_empty()) {
        return Err("found an empty value; the values stand between single commas".to_owned());
    }
    different(&values)?;
    Ok(Vary { key: key.to_owned(), path, values, origin: origin.clone() })
}

fn allowed(key: &str) -> Result<(), String> {
    let top = key.split('.').next().unwrap_or(key);
    match NOT_VARIED.iter().find(|(name, _)| *name == key || (*name == "study" && top == "study")) {
        Some((_, advice)) => Err(format!("`{key}` cannot be varied: {advice}")),
        None => Ok(()),
    }
}

fn different(values: &[Given]) -> Result<(), String> {
    let earlier = |i: usize| values[..i].iter().any(|other| other.written == values[i].written);
    match (0..values.len()).find(|&i| earlier(i)) {
        Some(twice) => Err(format!("the value {} stands there twice", values[twice].written)),
        None => Ok(()),
    }
}

/// Every combination of values, the first sweep changing slowest: for each, the index into each sweep's values.
pub(super) fn points(grid: &[Vary]) -> Vec<Vec<usize>> {
    let mut points = vec![Vec::new()];
    for vary in grid {
        points = points
            .iter()
            .flat_map(|point: &Vec<usize>| (0..vary.values.len()).map(move |i| [point.as_slice(), &[i]].concat()))
            .collect();
    }
    points
}

impl Vary {
    /// Whether the command line asks for it.
    pub(super) const fn of_an_option(&self) -> bool {
        matches!(self.origin, Origin::Option(_))
    }

    /// Puts the value of this number into the document.
    pub(super) fn apply(&self, document: &mut Node, value: usize, problems: &mut Vec<Problem>) {
        over::put(document, &self.path, self.values[value].node.clone(), &self.origin, problems);
    }

    /// The value of this number as it stands in a CSV field: times in microseconds, rates in bits a second, sizes in
    /// bytes, everything else as it was written.
    pub(super) fn csv(&self, value: usize, tree: &Tree) -> String {
        let written = self.values[value].written.trim_matches(['"', '\'']).to_owned();
        match find(tree, &self.path) {
            Some(Item::Time(time)) => time.get().to_string(),
            Some(Item::Shift(shift)) => shift.get().to_string(),
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
    if let Some(table) = tree.table() {
        return find(table.get(first)?, rest);
    }
    if let Some(list) = tree.list() {
        return find(list.get(first.parse::<usize>().ok()?)?, rest);
    }
    matches!(tree.item, Item::Kernel(_)).then_some(&tree.item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sweep_changes_slowest() {
        let (mut options, mut problems) = (Vec::new(), Vec::new());
        let document = Node { value: Value::Table(Vec::new()), origin: Origin::Whole };
        let varies = ["a=1,2".to_owned(), "b=x,y,z".to_owned()];
        let grid = grid(&document, "", &varies, &mut options, &mut problems);
        assert_eq!(points(&grid), [[0, 0], [0, 1], [0, 2], [1, 0], [1, 1], [1, 2]]);
        assert!(problems.is_empty());
    }
}
