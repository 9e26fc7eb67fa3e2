//! `farewell schema`.

use std::io::Write;

use crate::cli::Failure;
use crate::scenario;

/// Prints the JSON Schema of the scenario file.
pub(super) fn run(stdout: &mut dyn Write) -> Result<(), Failure> {
    writeln!(stdout, "{:#}", scenario::schema())?;
    Ok(())
}
