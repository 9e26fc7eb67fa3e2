//! A scenario as a document: loaded, written, and with something taken out.

use toml::{Table, Value};

use crate::scenario::{Scenario, ScenarioErrors};

/// The scenario that a document describes.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn load(document: &Table) -> Result<Scenario, ScenarioErrors> {
    Scenario::from_toml(&text(document))
}

/// The document as a scenario file.
pub(crate) fn text(document: &Table) -> String {
    // A table of strings, numbers, lists and tables can always be written.
    toml::to_string(document).unwrap_or_default()
}

/// Takes out what stands at a path such as `class.0.link.loss`; whether there was anything. Keys may hold dots.
pub(crate) fn remove(table: &mut Table, path: &str) -> bool {
    if table.remove(path).is_some() {
        return true;
    }
    let below = |key: &str| path.strip_prefix(key).and_then(|rest| rest.strip_prefix('.')).map(str::to_owned);
    let Some((key, rest)) = table.keys().find_map(|key| Some((key.clone(), below(key)?))) else { return false };
    match table.get_mut(&key) {
        Some(Value::Table(inner)) => remove(inner, &rest),
        Some(Value::Array(list)) => remove_from(list, &rest),
        _ => false,
    }
}

fn remove_from(list: &mut Vec<Value>, path: &str) -> bool {
    let (index, rest) = path.split_once('.').map_or((path, None), |(index, rest)| (index, Some(rest)));
    let Some(index) = index.parse::<usize>().ok().filter(|index| *index < list.len()) else { return false };
    match (rest, &mut list[index]) {
        (None, _) => {
            list.remove(index);
            true
        }
        (Some(rest), Value::Table(inner)) => remove(inner, rest),
        (Some(rest), Value::Array(inner)) => remove_from(inner, rest),
        (Some(_), _) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_path_names_is_taken_out_even_if_its_key_holds_dots() {
        let text = "a = 1\n[m.x]\n\"prosody-0.12\" = 2\nother = 3\n[[c]]\nn = 1\n[[c]]\nn = 2\nl = [1, 2]\n";
        let mut table: Table = text.parse().unwrap();
        assert!(remove(&mut table, "m.x.prosody-0.12") && remove(&mut table, "c.1.l.0") && remove(&mut table, "c.0"));
        assert!(!remove(&mut table, "c.7") && !remove(&mut table, "m.x.prosody-0.12") && !remove(&mut table, "b"));
        let left: Table = "a = 1\n[m.x]\nother = 3\n[[c]]\nn = 2\nl = [2]\n".parse().unwrap();
        assert_eq!(table, left);
    }
}
