//! XMPP streams as applications run them: real bytes, really parsed. Knows no TCP and no packet.

pub mod config;
