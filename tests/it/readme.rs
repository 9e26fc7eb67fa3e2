//! What the README shows exists and runs.

use std::path::Path;
use std::process::Command;

use crate::support::{Bench, root, rows, text};

fn readme() -> String {
    std::fs::read_to_string(root().join("README.md")).expect("README.md")
}

/// Command lines of the shell blocks, without comments.
fn commands(readme: &str) -> Vec<String> {
    let blocks = readme.split("```").skip(1).step_by(2);
    let lines = blocks.filter_map(|block| block.strip_prefix("sh\n")).flat_map(str::lines);
    lines
        .map(|line| line.split(" #").next().unwrap_or(line).trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect()
}

/// What stands between backticks, outside of code blocks.
fn in_backticks(readme: &str) -> Vec<String> {
    let prose: String = readme.split("```").step_by(2).collect();
    prose.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// Fewer peers than the README's reader will simulate: the run shows that the command is understood and ends well.
fn small(command: &str) -> String {
    match command.split_whitespace().next() {
        Some("compare") => command.replacen("compare", "compare --peers 20", 1),
        Some("tune") => command.replacen("tune", "tune --peers 20 --seeds 2 --points 3", 1),
        Some("plan") => command.replacen("plan", "plan --set peers=20", 1).replace("GiB", "MiB").replace("00000", "00"),
        Some("chaos") => command.replacen("--runs 1000", "--runs 50", 1),
        Some("trace") => command.replacen("trace", "trace --set peers=20", 1),
        _ => command.to_owned(),
    }
}

#[test]
fn every_command_of_the_readme_runs() {
    let bench = Bench::new();
    bench.file("my.toml", &std::fs::read_to_string(root().join("simulations/idle-c2s.toml")).expect("a scenario"));
    let all = commands(&readme());
    let mut ran = 0;
    for command in &all {
        let program = ["cargo run --release -- ", "farewell "].iter().find_map(|p| command.strip_prefix(p));
        let Some(arguments) = program else {
            let path = root().join(command.split_whitespace().next().expect("a word"));
            assert!(path.is_file(), "the README runs {command:?}, which is no script of the project");
            continue;
        };
        // Through a shell, for the redirections.
        let line = format!("\"$FAREWELL\" {}", small(arguments));
        let mut shell = Command::new("sh");
        shell.args(["-ec", &line]).env("FAREWELL", env!("CARGO_BIN_EXE_farewell")).current_dir(bench.path(""));
        let output = shell.output().expect("sh");
        assert!(output.status.success(), "{command}: {}", text(&output.stderr));
        ran += 1;
    }
    assert!(ran >= 6, "only {ran} commands found: {all:?}");
    for made in ["results/idle-c2s/summary.csv", "results/timeouts/streams.csv", "farewell.schema.json", "stream3.pcap"]
    {
        assert!(bench.path(made).is_file(), "{made}");
    }
}

#[test]
fn every_file_and_directory_that_the_readme_names_exists() {
    let places = ["simulations/", "results/", "scripts/", "tests/", "benches/", "src/"];
    let readme = readme();
    let named: Vec<String> = in_backticks(&readme)
        .iter()
        .flat_map(|code| code.split_whitespace())
        .filter(|word| places.iter().any(|place| word.starts_with(place)))
        .map(str::to_owned)
        .collect();
    assert!(named.len() > 5, "{named:?}");
    let missing: Vec<&String> = named.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "the README names {missing:?}");
    assert!(!readme.contains('@'), "a placeholder is left in the README");
}

#[test]
fn the_readme_names_every_scenario_and_test_and_column_as_it_is() {
    let readme = readme();
    let list = Bench::new().succeed(&["list", "scenarios"]);
    let scenarios: Vec<&str> = list.lines().skip(1).filter_map(|l| l.split_whitespace().next()).collect();
    for name in scenarios.iter().map(|name| name.trim_end_matches(':')) {
        assert!(readme.contains(&format!("| `{name}` |")), "the README does not list {name}");
    }
    for name in ["kernel_agreement", "observed"] {
        assert!(readme.contains(&format!("test `{name}`")), "the README does not name the test {name}");
        assert!(root().join("tests/it").join(name).with_extension("rs").is_file());
    }
    let bench = Bench::new();
    bench.succeed(&["compare", "kernel-teardown", "--peers", "5", "--quiet", "--out", "o"]);
    let row = rows(Path::new(&bench.path("o/summary.csv"))).remove(0);
    let table =
        readme.split("| in the files |").nth(1).and_then(|t| t.split("\n\n").next()).expect("the table of columns");
    let columns: Vec<String> =
        table.lines().flat_map(|line| in_backticks(line.split('|').nth(2).unwrap_or(""))).collect();
    assert!(columns.len() > 6, "{columns:?}");
    for column in columns {
        let (start, end) = column.split_once('*').unwrap_or((&column, ""));
        assert!(row.keys().any(|k| k.starts_with(start) && k.ends_with(end)), "summary.csv has no {column}");
    }
    let list = Bench::new().succeed(&["list"]);
    let counted = |part: &str| {
        let section = list.split(&format!("{part}:\n")).nth(1).expect("a part").split("\n\n").next().unwrap_or("");
        section.lines().take_while(|l| l.starts_with("  ")).count()
    };
    assert_eq!((counted("strategies"), counted("responders")), (8, 14), "as the README says in words");
    assert!(readme.contains("eight closing strategies, fourteen ways to respond"));
}
