//! The `farewell` command: see [`farewell::cli`].

use std::io;
use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A simulation takes and gives back many small pieces of memory.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    farewell::cli::run(std::env::args_os(), &mut io::stdout().lock(), &mut io::stderr())
}
