//! Adds the page to a result directory, whose manifest then lists it.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use crate::report::reading::REPORT;
use crate::report::{Output, WriteError, at, manifest, sha256};

/// Writes report.html into `dir` and its hash into the manifest; all other files stay as they are.
///
/// The page is put in place before the manifest. A run that is killed between the two leaves a page that the manifest does
/// not know yet, which the next `report` replaces: no result is lost.
///
/// # Errors
/// Where either cannot be written.
pub fn publish(dir: &Path, page: &str) -> Result<PathBuf, WriteError> {
    let path = dir.join(manifest::NAME);
    let mut output = Output::begin(dir)?;
    let text = std::fs::read(&path).map_err(at(&path))?;
    let mut manifest: Value = serde_json::from_slice(&text).map_err(|error| at(&path)(error.into()))?;
    let listed = manifest["files"].as_object().cloned().unwrap_or_default();
    let mut files: Vec<(String, Value)> = listed.into_iter().filter(|(name, _)| name != REPORT).collect();
    files.push((REPORT.to_owned(), json!(sha256(page.as_bytes()))));
    files.sort_by(|a, b| a.0.cmp(&b.0));
    manifest["files"] = Value::Object(files.into_iter().collect::<Map<_, _>>());
    output.write(REPORT, page.as_bytes())?;
    output.write(manifest::NAME, format!("{manifest:#}\n").as_bytes())?;
    output.add()?;
    Ok(dir.join(REPORT))
}
