//! The `farewell` command: see [`farewell::cli`].

use std::io;
use std::process::ExitCode;

fn main() -> ExitCode {
    farewell::cli::run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr())
}
