//! A scenario: complete and legal by construction.
//!
//! [`load`] reads a file (or a built-in one) with the values of `--set` and `--vary` into [`Scenario`]s, or says
//! everything that is wrong. The way there: [`SourceText`], then a tree of values that know their places (`value`), the
//! options put into it (`over`, `grid`), the key table (`keys`) held against it (`walk`), and the rules between keys (`resolve`
//! and its neighbours). The same key table yields the JSON Schema ([`schema`]).

pub mod builtin;
mod canonical;
mod catalog;
pub mod chaos;
mod classes;
mod closing;
mod data;
mod entries;
mod error;
mod grid;
mod kernel;
mod keys;
mod links;
mod load;
mod management;
pub mod measure;
mod over;
mod quantity;
mod random_chaos;
pub mod reconnect;
mod resolve;
mod restore;
mod schema;
pub mod server;
pub(crate) mod shape;
pub mod sockets;
mod source;
pub mod span;
mod stanzas;
pub mod study;
#[cfg(test)]
mod tests;
mod tree;
mod units;
mod value;
mod walk;

pub use canonical::{sha256, to_json};
pub(crate) use catalog::{closer_names, responder_names};
pub use error::ScenarioErrors;
pub(crate) use error::choices;
pub(crate) use kernel::keys as kernel_keys;
pub(crate) use keys::SCENARIO;
pub use load::{Loaded, load, load_changed, load_study};
pub use over::Change;
pub use restore::from_json;
pub use schema::schema;
pub use source::SourceText;
pub(crate) use units::bytes;

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::id::Side;
use crate::net::link::LinkConfig;
use crate::scenario::chaos::Chaos;
use crate::scenario::reconnect::Reconnect;
use crate::scenario::server::Server;
use crate::scenario::sockets::Sockets;
use crate::tcp::sysctl::Kernel;
use crate::time::Micros;
use crate::xmpp::config::{
    By, CloserProfile, Negotiation, ResponderProfile, StreamKind, StreamManagement, Traffic, When,
};

/// Everything that one run needs to know, strategy and seed apart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scenario {
    /// Name: the default output directory, and the first column of summary.csv.
    pub name: String,
    /// Simulated time at which the run ends.
    pub duration: Micros,
    /// Peers over all nodes.
    pub peers: u32,
    /// Server nodes; peers are dealt out to them in turn.
    pub nodes: u32,
    /// Default seed.
    pub seed: u64,
    /// Strategies, presets or mixes to compare, in order.
    pub strategies: Vec<Contender>,
    /// Time of a stream's opening after the start of the run.
    pub arrivals: Distribution,
    /// Kind of streams.
    pub kind: StreamKind,
    /// How streams are opened.
    pub negotiation: Negotiation,
    /// Who closes.
    pub by: By,
    /// When: `None` where every contender is a preset that brings its own idle limit.
    pub when: Option<When>,
    /// Classes of peers with their weights.
    pub classes: Vec<Class>,
    /// The simulated kernel of both sides.
    pub kernel: Kernel,
    /// Stream management (XEP-0198), if streams have it.
    pub stream_management: Option<StreamManagement>,
    /// What goes wrong; empty for most.
    pub chaos: Vec<Chaos>,
    /// How clients come back; `None` where they do not.
    pub reconnect: Option<Reconnect>,
    /// What each server node has; `None` where nothing is reckoned.
    pub server: Option<Server>,
    /// Options of the sockets of both sides.
    pub sockets: Sockets,
}

impl Scenario {
    /// Whether streams of a node can disturb each other, so that all of them must be run in the order of time.
    ///
    /// Streams meet at workers, queues and ports of the server, if these are reckoned, in a firewall before it, and in the
    /// listening socket. That refuses a connection
    /// because of others if it counts half-open requests, which it does only without SYN cookies, or if the application does
    /// not accept in the instant of the handshake's end.
    pub fn streams_meet(&self) -> bool {
        !self.kernel.tcp_syncookies
            || self.server.as_ref().is_some_and(Server::is_shared)
            || self.classes.iter().any(|class| class.link.firewall.is_some())
    }

    /// The end of the streams at which the server is whose sockets and streams are counted.
    pub fn server_side(&self) -> Side {
        self.server.as_ref().map_or(Side::Server, Server::side)
    }

    /// The most streams that there can be: a peer that comes back opens further ones.
    pub fn most_streams(&self) -> u32 {
        self.peers * self.reconnect.as_ref().map_or(1, |reconnect| reconnect.times + 1)
    }
}

/// One way of closing under comparison: a plain strategy, a preset, or a mix.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Contender {
    /// Name as written in the scenario: the `strategy` column.
    pub name: String,
    /// The closers among which each stream draws by weight; one entry unless it is a mix.
    pub closers: Vec<WeightedCloser>,
}

/// A closer with its weight.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct WeightedCloser {
    /// Name of the strategy or preset: the `closer` column of streams.csv.
    pub name: String,
    /// Weight, positive.
    pub weight: f64,
    /// What it does.
    pub profile: CloserProfile,
    /// When it decides, if the preset brings that and the scenario does not say.
    pub when: Option<When>,
}

/// A class of peers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Class {
    /// Name: the `class` column.
    pub name: String,
    /// Share of the population, by weight.
    pub weight: f64,
    /// Name of the responder or preset: the `responder` column.
    pub responder_name: String,
    /// What it does when told.
    pub responder: ResponderProfile,
    /// Its link.
    pub link: LinkConfig,
    /// Its traffic.
    pub traffic: Traffic,
}

/// A scenario at one point of a sweep.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SweepPoint {
    /// Each varied key path, in the order of the options, with its value as it stands in a CSV field: times in
    /// microseconds, rates in bits a second, sizes in bytes, everything else as it was written.
    pub varied: Vec<(String, String)>,
    /// The scenario.
    pub scenario: Scenario,
}
