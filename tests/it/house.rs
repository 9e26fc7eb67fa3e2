//! The arrows of the house: who may import whom, read from every `use crate::` and `crate::` path.

use std::path::{Path, PathBuf};

/// For each module what it may import; leaves are allowed everywhere.
const ARROWS: [(&str, &[&str]); 10] = [
    ("cli", &["report", "soak", "experiment", "engine", "scenario", "ledger", "host", "xmpp", "tcp", "net"]),
    ("report", &["experiment", "scenario", "ledger", "net"]),
    ("soak", &["experiment", "engine", "scenario", "ledger", "xmpp", "tcp"]),
    ("experiment", &["engine", "scenario", "ledger"]),
    ("engine", &["host", "ledger", "net", "scenario"]),
    ("host", &["xmpp", "tcp", "net", "ledger", "scenario"]),
    ("scenario", &["xmpp", "tcp", "net"]),
    ("xmpp", &[]),
    ("tcp", &["net"]),
    ("net", &[]),
];
const LEAVES: [&str; 5] = ["time", "id", "rng", "dist", "defect"];

#[expect(clippy::disallowed_methods, reason = "the order of files does not matter to this check")]
fn sources(dir: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

#[test]
fn dependencies_point_one_way() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    assert!(files.len() > 40, "only {} files found", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let inside = file.strip_prefix(&src).expect("below src").to_string_lossy().into_owned();
        let module = inside.split(['/', '.']).next().expect("a name").to_owned();
        let allowed: &[&str] = match ARROWS.iter().find(|(name, _)| *name == module) {
            Some((_, allowed)) => allowed,
            None if module == "lib" || module == "main" => continue,
            None => &[],
        };
        let text = std::fs::read_to_string(&file).expect("source text");
        for (number, line) in text.lines().enumerate().filter(|(_, l)| !l.trim_start().starts_with("//")) {
            for reached in line.split("crate::").skip(1) {
                let target: String = reached.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
                let fine = target.is_empty()
                    || target == module
                    || LEAVES.contains(&target.as_str())
                    || allowed.contains(&target.as_str());
                if !fine {
                    wrong.push(format!("{inside}:{}: {module} may not import {target}", number + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
