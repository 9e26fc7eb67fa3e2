//! The keys of the `sockets` table.

use super::{POSITIVE_TIME, default, optional};
use crate::scenario::shape::{Choice, Shape, TableShape};

const OPTIONS: Shape = Shape::Table(&TableShape {
    what: "a table of socket options",
    keys: &[&[
        default(
            "keepalive",
            "`SO_KEEPALIVE`: an idle connection is probed; `kernel.tcp_keepalive_time` and its like say when.",
            Shape::Boolean,
            "false",
        ),
        optional(
            "user_timeout",
            "`TCP_USER_TIMEOUT`: how long data may stay unacknowledged; the kernel's limit without it.",
            POSITIVE_TIME,
        ),
    ]],
    choice: Choice::Free,
});

pub(super) const SOCKETS: TableShape = TableShape {
    what: "a table with `server` and `client`",
    keys: &[&[
        default("server", "Options of the server's sockets.", OPTIONS, "{}"),
        default("client", "Options of the clients' sockets.", OPTIONS, "{}"),
    ]],
    choice: Choice::Free,
};
