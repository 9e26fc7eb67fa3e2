//! `scripts/reproduce --check` finds the committed rows again, and a changed one.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::{root, skip, text};

/// The script with one study and its committed rows, in a directory of their own.
fn tree(edit: impl Fn(String) -> String) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let put = |name: &str, edit: &dyn Fn(String) -> String| {
        let to = dir.path().join(name);
        std::fs::create_dir_all(to.parent().expect("a directory")).expect("a directory");
        let text = std::fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"));
        #[expect(clippy::disallowed_methods, reason = "a test writes its own input")]
        std::fs::write(to, edit(text)).expect("a file in the temporary directory");
    };
    put("scripts/reproduce", &|text| text);
    put("simulations/study-4-clients.toml", &|text| text);
    put("results/study/4-clients.csv", &edit);
    dir
}

fn check(tree: &Path) -> Output {
    let mut command = Command::new("python3");
    command.arg(tree.join("scripts/reproduce")).args(["--check", "--only", "4-clients"]);
    command.env("FAREWELL", env!("CARGO_BIN_EXE_farewell")).output().expect("python3")
}

#[test]
fn the_committed_rows_are_computed_again_and_an_edited_one_is_found() {
    if !Command::new("python3").arg("--version").output().is_ok_and(|found| found.status.success()) {
        return skip("reproduce", "python3 is not here");
    }
    let same = check(tree(|text| text).path());
    assert!(same.status.success(), "{}{}", text(&same.stdout), text(&same.stderr));
    assert!(text(&same.stdout).contains("4-clients: 80 rows as committed"), "{}", text(&same.stdout));

    let row = "ejabberd-23-c2s,release_p50_us,smack-4.5,";
    let edited = check(tree(|text| text.replacen(row, &format!("{row}1"), 1)).path());
    assert_eq!(edited.status.code(), Some(1), "{}{}", text(&edited.stdout), text(&edited.stderr));
    assert!(
        text(&edited.stdout)
            .contains(&format!("1 of 81 rows are not in results/study/4-clients.csv, first\n  ['{row}"))
    );
}

#[test]
fn an_unknown_study_is_refused() {
    let Ok(output) = Command::new(root().join("scripts/reproduce")).args(["--check", "--only", "9"]).output() else {
        return skip("reproduce", "python3 is not here");
    };
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("no study is called ['9']; there are 1-rtt, 2-cost"),
        "{}",
        text(&output.stderr)
    );
}
