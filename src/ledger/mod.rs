//! Every stanza's fate, every connection's life. Written by hosts, read by reports. Decides nothing.

pub mod census;
pub mod fate;
pub mod metric;
pub mod record;
