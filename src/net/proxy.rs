//! What a proxy before the server does: it ends TCP on both sides and hands bytes from one connection to the other.

use serde::{Deserialize, Serialize};

use crate::time::Micros;

/// How a proxy behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proxy {
    /// One-way latency between proxy and server.
    pub latency: Micros,
    /// Whether end of file on one side is handed on while the other way stays open (as `HAProxy` does), or ends both ways once
    /// what came before it is handed on (as nginx's stream module does without `proxy_half_close`).
    pub half_close: bool,
    /// What the other side sees of a connection that failed.
    pub on_reset: OnReset,
    /// Both connections are closed after this long without a byte either way; `None`: never.
    pub idle: Option<Micros>,
    /// Bytes that it holds of each direction.
    pub buffer: u64,
}

/// What a proxy does to one side when the other failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum OnReset {
    /// It resets it too.
    Reset,
    /// It closes it, as if the other had closed.
    Close,
}
