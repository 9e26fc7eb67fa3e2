//! The server as a resource: the `server` table.
//!
//! Memory follows what an idle socket was measured to cost on Linux 6.18 (socket, inode, file, dentry and epoll entry: 3,850 bytes;
//! a half-open request 320, TIME-WAIT 256). What an application keeps for a stream depends on the application: the default is
//! what ejabberd was reported to take, 160 GB for two million users.

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::id::Side;
use crate::scenario::error::Problem;
use crate::scenario::quantity;
use crate::scenario::tree::Table;
use crate::time::Micros;

/// What each node's server has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// Time that a worker needs for a stanza from a client; `None`: none at all.
    pub service: Option<Distribution>,
    /// Stanzas that can be worked on at once.
    pub workers: u32,
    /// Stanzas that may wait before the application stops reading; `None`: any number.
    pub queue: Option<u32>,
    /// The most sockets that the application may own at once; `None`: any number.
    pub files: Option<u32>,
    /// The most connections that it accepts a second, evenly spaced; `None`: any number.
    pub accept_rate: Option<u32>,
    /// Connections that may wait for `accept()`; `None`: `somaxconn`.
    pub backlog: Option<u64>,
    /// It opens its streams itself, as a server does that has something to say to another; `None`: it listens for them.
    pub outgoing: Option<Outgoing>,
    /// What things cost.
    pub memory: Memory,
    /// What must not be exceeded, as far as anything is said.
    pub limits: Limits,
}

/// What a server has for the streams that it opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// Ephemeral ports, each of which can be in use once towards each remote address; `None`: any number.
    pub ports: Option<u32>,
    /// Remote addresses that the streams lead to, in turn.
    pub destinations: u32,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// A socket, whatever its state beside those below.
    pub socket: u64,
    /// A half-open request.
    pub request: u64,
    /// A connection in TIME-WAIT.
    pub time_wait: u64,
    /// What the application keeps for a stream.
    pub stream: u64,
}

/// The most that a node is meant to hold; `None`: nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Sockets, TIME-WAIT aside.
    pub sockets: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<u64>,
    /// Stanzas that wait.
    pub queue: Option<u64>,
}

impl Server {
    /// Which end of the streams it is.
    pub const fn side(&self) -> Side {
        if self.outgoing.is_some() { Side::Client } else { Side::Server }
    }

    /// Whether one stream can make another wait or fail, so that all must be run in the order of time.
    pub const fn is_shared(&self) -> bool {
        self.has_desk() || self.outgoing.is_some()
    }

    /// Whether streams share workers or the hand that accepts them.
    pub const fn has_desk(&self) -> bool {
        self.service.is_some() || self.files.is_some() || self.accept_rate.is_some() || self.backlog.is_some()
    }

    /// Least time between two calls of `accept()`.
    pub fn accept_gap(&self) -> Micros {
        self.accept_rate.map_or(Micros::ZERO, |rate| Micros::new(1_000_000 / u64::from(rate.max(1))))
    }
}

/// The table, if there is one.
pub(super) fn server(root: &Table, problems: &mut Vec<Problem>) -> Option<Server> {
    let field = root.field("server")?;
    let table = field.tree.table()?;
    let service = quantity::at(table, "service");
    for key in ["queue", "workers"] {
        if let (None, Some(given)) = (&service, table.get(key))
            && given.origin != crate::scenario::value::Origin::Default
        {
            problems.push(Problem {
                title: format!("`server.{key}` without `server.service`"),
                label: "no stanza waits where none takes any time; allowed: a `service` beside it".to_owned(),
                origin: given.origin.clone(),
            });
        }
    }
    let outgoing = table.table("outgoing");
    if outgoing.is_some() {
        refuse_what_listens(table, problems);
    }
    let memory = table.table("memory")?;
    let limits = table.table("limits");
    let limit = |key| limits.and_then(|limits| limits.integer(key).or_else(|| limits.bytes(key)));
    Some(Server {
        service,
        workers: table.count("workers")?,
        queue: table.count("queue"),
        files: table.count("files"),
        accept_rate: table.count("accept_rate"),
        backlog: table.integer("backlog"),
        outgoing: match outgoing {
            Some(outgoing) => {
                Some(Outgoing { ports: outgoing.count("ports"), destinations: outgoing.count("destinations")? })
            }
            None => None,
        },
        memory: Memory {
            socket: memory.bytes("socket")?,
            request: memory.bytes("request")?,
            time_wait: memory.bytes("time_wait")?,
            stream: memory.bytes("stream")?,
        },
        limits: Limits { sockets: limit("sockets"), memory: limit("memory"), queue: limit("queue") },
    })
}

/// What a server that listens has is nothing for one that opens its streams itself.
fn refuse_what_listens(table: &Table, problems: &mut Vec<Problem>) {
    for key in ["service", "queue", "files", "accept_rate", "backlog"] {
        if let Some(given) = table.get(key) {
            problems.push(Problem {
                title: format!("`server.{key}` beside `server.outgoing`"),
                label: "it is reckoned at a server that listens; allowed beside `outgoing`: memory, limits".to_owned(),
                origin: given.origin.clone(),
            });
        }
    }
}
