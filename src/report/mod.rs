//! Faces of a result: files and texts. They format, they do not compute.

pub mod pcap;
pub mod sequence;
