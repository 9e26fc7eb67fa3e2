//! The JSON Schema of `farewell schema` against the scenarios that exist.

use std::path::{Path, PathBuf};

use serde_json::Value;

#[expect(clippy::disallowed_methods, reason = "sorted right after")]
fn scenarios(directory: &str) -> Vec<PathBuf> {
    let entries =
        std::fs::read_dir(directory).expect("a directory of the project").filter_map(Result::ok).map(|e| e.path());
    let mut paths: Vec<PathBuf> = entries.filter(|p| p.extension().is_some_and(|e| e == "toml")).collect();
    paths.sort();
    paths
}

fn as_json(path: &Path) -> Option<Value> {
    let table: toml::Table = std::fs::read_to_string(path).ok()?.parse().ok()?;
    serde_json::to_value(table).ok()
}

fn validator() -> jsonschema::Validator {
    let schema = farewell::scenario::schema();
    assert!(jsonschema::meta::is_valid(&schema), "the schema is not one");
    jsonschema::draft202012::new(&schema).expect("it is a schema")
}

#[test]
fn it_accepts_every_scenario() {
    let validator = validator();
    for path in scenarios("simulations").into_iter().chain(scenarios("tests/good")) {
        let document = as_json(&path).unwrap();
        let errors: Vec<String> =
            validator.iter_errors(&document).map(|e| format!("{}: {e}", e.instance_path())).collect();
        assert!(errors.is_empty(), "{}: {errors:?}", path.display());
    }
}

#[test]
fn it_refuses_what_is_wrong_with_a_single_value() {
    let validator = validator();
    for name in [
        "above-one",
        "duration-without-unit",
        "empty",
        "misspelt-key",
        "misspelt-table",
        "missing-parameter",
        "negative-count",
        "negative-duration",
        "no-class",
        "no-strategies",
        "tiny-stanza",
        "two-distributions",
        "unknown-distribution",
        "unknown-responder",
        "wrong-type",
        "zero-peers",
        "zero-weight",
        "after-and-idle",
        "chaos-unknown-action",
        "chaos-two-actions",
        "chaos-unknown-packet",
        "middlebox-without-time",
        "unknown-metric",
        "precision-without-percent",
        "no-seeds",
        "misspelt-study-key",
    ] {
        let path = PathBuf::from(format!("tests/bad/{name}.toml"));
        assert!(!validator.is_valid(&as_json(&path).unwrap()), "{name}");
    }
}

/// The names of the scenarios in `simulations/`: those that are built in, and the studies of `scripts/reproduce`.
fn built_in_and_studies() -> (Vec<String>, Vec<String>) {
    let paths = scenarios("simulations");
    let names = paths.iter().filter_map(|p| p.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    names.partition(|name| !name.starts_with("study-"))
}

#[test]
fn every_scenario_is_built_in_and_asks_its_question_first() {
    let mut names: Vec<String> = farewell::scenario::builtin::names().into_iter().map(str::to_owned).collect();
    names.sort();
    assert_eq!(names, built_in_and_studies().0);
    for name in names {
        let source = farewell::scenario::SourceText::find(&name).unwrap();
        assert!(source.text.starts_with("# "), "{name}");
        let points = farewell::scenario::load(&source, &[], &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(points[0].scenario.name, name);
        assert!(farewell::scenario::builtin::question(&name).unwrap().ends_with('?'), "{name}");
    }
}

#[test]
fn every_study_is_legal_and_asks_its_question_first_and_is_committed() {
    let studies = built_in_and_studies().1;
    assert!(studies.len() >= 8, "{studies:?}");
    for name in studies {
        let source = farewell::scenario::SourceText::find(&format!("simulations/{name}.toml")).unwrap();
        let question = source.text.lines().next().unwrap();
        assert!(question.starts_with("# ") && question.ends_with('?'), "{name}: {question}");
        let loaded = farewell::scenario::load_study(&source, &[], &[]).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(loaded.points[0].scenario.name, name);
        // Below ten seeds no difference has an interval.
        assert!(loaded.study.seeds >= 10, "{name}");
        let results = PathBuf::from(format!("results/study/{}.csv", name.trim_start_matches("study-")));
        assert!(results.is_file(), "{} is not committed", results.display());
    }
}
