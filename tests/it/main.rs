//! What a user is promised, one module a promise, through the binary that a user runs.

mod bad_arguments;
mod closings;
mod csv_contract;
mod deterministic;
mod engines_agree;
mod house;
mod main_job;
mod observed;
mod oracles;
mod support;
