//! Every stanza's fate, every connection's life. Written by hosts, read by reports. Decides nothing.

pub(crate) mod again;
pub(crate) mod ascending;
pub mod balance;
pub mod book;
pub mod capacity;
pub mod census;
pub mod fate;
pub mod metric;
pub mod record;
pub mod returns;
pub mod survival;
pub mod trace;
