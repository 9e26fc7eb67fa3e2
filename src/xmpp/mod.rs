//! XMPP streams as applications run them: real bytes, really parsed. Knows no TCP and no packet.

pub mod closer;
pub mod config;
pub mod idle;
pub mod observer;
mod outbox;
pub mod preset;
pub mod reader;
pub mod responder;
pub mod stanza;
mod traffic;
pub mod writer;
