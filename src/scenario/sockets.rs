//! Options that the applications set on their sockets: the `sockets` table.

use serde::{Deserialize, Serialize};

use crate::id::Side;
use crate::scenario::tree::{Item, Table};
use crate::time::Micros;

/// What one application asks of its kernel for each of its connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SocketOptions {
    /// `SO_KEEPALIVE`, with the times of the kernel's `tcp_keepalive_*`.
    pub keepalive: bool,
    /// `TCP_USER_TIMEOUT` (RFC 5482); `None` leaves the kernel's limit.
    pub user_timeout: Option<Micros>,
}

/// The options of both sides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sockets {
    /// The server's.
    pub server: SocketOptions,
    /// Each client's.
    pub client: SocketOptions,
}

impl Sockets {
    /// The options at one side.
    pub fn at(&self, side: Side) -> &SocketOptions {
        match side {
            Side::Server => &self.server,
            Side::Client => &self.client,
        }
    }
}

/// The table of the document, or sockets as they are without one; `None` where it has errors.
pub(super) fn sockets(root: &Table) -> Option<Sockets> {
    let Some(table) = root.table("sockets") else { return Some(Sockets::default()) };
    let options = |side| {
        let side = table.table(side)?;
        let keepalive = matches!(side.get("keepalive")?.item, Item::Boolean(true));
        Some(SocketOptions { keepalive, user_timeout: side.time("user_timeout") })
    };
    Some(Sockets { server: options("server")?, client: options("client")? })
}
