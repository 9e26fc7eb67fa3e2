//! All help texts as one reviewed snapshot: `INSTA_UPDATE=always cargo test --test it help` writes it anew.

use crate::support::{Bench, text};

/// Standard output of a command that must succeed, at a width that does not depend on who runs it.
fn said(args: &[&str]) -> String {
    let output = Bench::new().farewell(args).env("COLUMNS", "100").output().expect("the binary runs");
    assert!(output.status.success() && output.stderr.is_empty(), "farewell {args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

#[test]
fn the_help_texts_are_the_reviewed_ones() {
    let of = |command: &str| {
        let args: Vec<&str> = command.split_whitespace().chain(["--help"]).collect();
        format!("$ farewell {}\n{}\n", args.join(" "), said(&args))
    };
    let all: String = ["", "compare", "merge", "tune", "plan", "check", "list", "schema", "trace", "chaos", "report"]
        .map(of)
        .concat();
    insta::assert_snapshot!("help", all);
}

#[test]
fn every_command_has_its_help_here() {
    let general = said(&["--help"]);
    let commands = general.split("Commands:").nth(1).and_then(|t| t.split("Options:").next()).expect("a list");
    let named: Vec<&str> = commands.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(
        named,
        ["compare", "merge", "tune", "plan", "check", "list", "schema", "trace", "chaos", "report", "help"]
    );
}

#[test]
fn the_version_is_that_of_the_package() {
    assert_eq!(said(&["--version"]), concat!("farewell ", env!("CARGO_PKG_VERSION"), "\n"));
}
