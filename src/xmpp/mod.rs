//! XMPP streams as applications run them: real bytes, really parsed. Knows no TCP and no packet.

pub mod closer;
pub mod config;
pub mod idle;
mod outbox;
pub mod preset;
pub mod responder;
mod traffic;
