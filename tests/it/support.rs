//! Runs the binary in a directory of its own and reads what it wrote.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// A temporary directory to run the binary in.
pub(crate) struct Bench {
    dir: tempfile::TempDir,
}

/// One row of a CSV file by column name.
pub(crate) type Row = BTreeMap<String, String>;

impl Bench {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().expect("a temporary directory") }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        #[expect(clippy::disallowed_methods, reason = "a test writes its own input")]
        std::fs::write(&path, text).expect("a file in the temporary directory");
        path
    }

    /// The binary with arguments, to be run here.
    pub(crate) fn farewell(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_farewell"));
        command.args(args).current_dir(self.dir.path()).stdin(Stdio::null());
        command
    }

    /// Runs the binary here, whatever comes of it.
    pub(crate) fn run(&self, args: &[&str]) -> Output {
        self.farewell(args).output().expect("the binary runs")
    }

    /// Runs the binary here and expects success; gives its standard output.
    pub(crate) fn succeed(&self, args: &[&str]) -> String {
        let output = self.run(args);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert!(output.status.success(), "farewell {args:?} failed with {:?}\n{out}\n{err}", output.status.code());
        out
    }

    /// `compare` of a scenario text with further arguments, into directory `out`.
    pub(crate) fn compare(self, scenario: &str, args: &[&str]) -> Results {
        let path = self.file("scenario.toml", scenario);
        let mut all = vec!["compare", path.to_str().expect("UTF-8"), "--out", "out", "--quiet", "--streams"];
        all.extend(args);
        self.succeed(&all);
        Results { dir: self.path("out"), _bench: self }
    }
}

/// What a run wrote.
pub(crate) struct Results {
    dir: PathBuf,
    _bench: Bench,
}

impl Results {
    pub(crate) fn rows(&self, file: &str) -> Vec<Row> {
        rows(&self.dir.join(file))
    }

    /// The row of summary.csv for a strategy, of a run with one seed.
    pub(crate) fn summary(&self, strategy: &str) -> Row {
        let mut found: Vec<Row> = self.rows("summary.csv").into_iter().filter(|r| r["strategy"] == strategy).collect();
        assert_eq!(found.len(), 1, "rows of {strategy}");
        found.remove(0)
    }
}

pub(crate) fn rows(path: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    reader.deserialize().map(|row| row.expect("a row of the right width")).collect()
}

/// A field as a number; an empty field is infinity, as a time that never came is.
pub(crate) fn number(row: &Row, column: &str) -> f64 {
    let field = row.get(column).unwrap_or_else(|| panic!("no column {column}"));
    if field.is_empty() { f64::INFINITY } else { field.parse().unwrap_or_else(|e| panic!("{column} = {field}: {e}")) }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Every file of a directory by name; what is in its subdirectories, by path.
pub(crate) fn bytes_of(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    #[expect(clippy::disallowed_methods, reason = "the order is restored by the map")]
    let entries = std::fs::read_dir(dir).expect("a directory");
    let mut found = BTreeMap::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            found.extend(bytes_of(&path).into_iter().map(|(inner, bytes)| (format!("{name}/{inner}"), bytes)));
        } else {
            found.insert(name, std::fs::read(&path).expect("a file"));
        }
    }
    found
}

/// Says on the real standard error, past the test harness, that a test did not test what it is named for.
pub(crate) fn skip(test: &str, why: &str) {
    writeln!(std::io::stderr(), "SKIPPED {test}: {why}").expect("standard error");
}

/// The project's root.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A population of `peers` compliant clients on a fixed link, each a Poisson writer: the setting of the oracles.
pub(crate) fn one_class(peers: u32, latency: &str, rate: f64, responder: &str, rest: &str) -> String {
    format!(
        r#"
name = "oracle"
duration = "90s"
peers = {peers}
seed = 1
strategies = ["handshake", "timeout-error"]
arrivals = {{ over = "10s" }}
negotiation = "minimal"

[closing]
by = "server"
after = {{ uniform = ["2s", "3s"] }}
timeout = "5s"

[[class]]
name = "all"
weight = 1
link = "wire"
responder = "{responder}"
traffic = "chatter"

[links.wire]
latency = "{latency}"

[traffic.chatter]
client = {{ poisson = {rate:.3}, size = 200 }}
{rest}
"#
    )
}
