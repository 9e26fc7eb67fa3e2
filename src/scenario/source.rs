//! Where a scenario's text comes from: a file, or one of the built-in ones.

use std::path::{Path, PathBuf};

use crate::scenario::builtin;
use crate::scenario::data;
use crate::scenario::error::{ScenarioErrors, choices};

/// The text of a scenario with the name it is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceText {
    /// Name for messages: the path as it was given, or `simulations/NAME.toml` for a built-in one.
    pub name: String,
    /// The text.
    pub text: String,
    /// Directory that paths in the scenario are relative to; `None` for a built-in one.
    pub base: Option<PathBuf>,
}

impl SourceText {
    /// The scenario that a command-line argument means: the name of a built-in one, or the path of a file.
    ///
    /// # Errors
    ///
    /// There is neither, or the file is no text.
    pub fn find(argument: &str) -> Result<Self, ScenarioErrors> {
        if let Some(built_in) = builtin::by_name(argument) {
            return Ok(built_in);
        }
        let path = Path::new(argument);
        if !looks_like_a_path(argument) && !path.exists() {
            let label = choices(argument, &builtin::names());
            let title = format!("no built-in scenario and no file is called `{argument}`");
            return Err(ScenarioErrors::unreadable(argument, title, label));
        }
        Self::read(path)
    }

    /// The scenario in a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no text.
    pub fn read(path: &Path) -> Result<Self, ScenarioErrors> {
        let name = path.display().to_string();
        let base = path.parent().map_or_else(PathBuf::new, Path::to_path_buf);
        match data::read_text(path) {
            Ok(text) => Ok(Self { name, text, base: Some(base) }),
            Err(message) => Err(ScenarioErrors::unreadable(&name, format!("the scenario {message}"), String::new())),
        }
    }

    /// The file's name without directory and extension: the scenario's name if it has no other.
    pub(super) fn stem(&self) -> String {
        Path::new(&self.name).file_stem().map_or_else(String::new, |s| s.to_string_lossy().into_owned())
    }
}

fn looks_like_a_path(argument: &str) -> bool {
    argument.contains(['/', '\\']) || Path::new(argument).extension().is_some_and(|e| e.eq_ignore_ascii_case("toml"))
}
