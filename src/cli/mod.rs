//! The command line: the only part that knows a terminal.

pub mod compare;
pub mod message;
pub mod progress;
