//! What a user is promised, one module a promise, through the binary that a user runs.

#![expect(
    clippy::cast_precision_loss,
    clippy::float_cmp,
    reason = "counts are far below 2^53, and what must be exact is compared exactly"
)]

mod bad_arguments;
mod chaos;
mod closings;
mod coming_back;
mod csv_contract;
mod deterministic;
mod disk_full;
mod engines_agree;
mod help;
mod house;
mod kernel_agreement;
mod killed_run;
mod links;
mod main_job;
mod management;
mod mixes;
mod observed;
mod oracles;
mod plan;
mod plots;
mod proxy;
mod random_scenarios;
mod readers;
mod readme;
mod report;
mod reproduce;
mod server;
mod shards;
mod soak;
mod sockets;
mod studies;
mod support;
mod trace;
mod tune;
