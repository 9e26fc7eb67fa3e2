//! farewell
pub mod cli;
pub mod dist;
pub mod engine;
pub mod experiment;
pub mod id;
pub mod ledger;
pub mod net;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod tcp;
pub mod time;
pub mod xmpp;
