//! XMPP streams as applications run them: real bytes, really parsed. Knows no TCP and no packet.

pub mod closer;
pub mod config;
pub mod fact;
mod hearing;
pub mod idle;
pub mod inbox;
pub mod legacy;
mod managed;
mod management;
mod negotiation;
pub mod observer;
mod outbox;
pub mod party;
mod phase;
pub mod preset;
pub mod reader;
pub mod responder;
pub mod stanza;
#[cfg(test)]
mod testing;
mod traffic;
pub mod writer;
mod writing;
