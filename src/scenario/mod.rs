//! A scenario: complete and legal by construction.

use std::collections::BTreeMap;

use crate::dist::Distribution;
use crate::net::link::LinkConfig;
use crate::tcp::sysctl::Kernel;
use crate::time::Micros;
use crate::xmpp::config::{By, CloserProfile, Negotiation, ResponderProfile, StreamKind, Traffic, When};

/// Everything that one run needs to know, strategy and seed apart.
#[derive(Clone, Debug, PartialEq)]
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
}

/// One way of closing under comparison: a plain strategy, a preset, or a mix.
#[derive(Clone, Debug, PartialEq)]
pub struct Contender {
    /// Name as written in the scenario: the `strategy` column.
    pub name: String,
    /// The closers among which each stream draws by weight; one entry unless it is a mix.
    pub closers: Vec<WeightedCloser>,
}

/// A closer with its weight.
#[derive(Clone, Debug, PartialEq)]
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
#[derive(Clone, Debug, PartialEq)]
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

/// Values of `--vary` at one sweep point: key path and value as it stands in a CSV field.
pub type Varied = BTreeMap<String, String>;

/// A scenario at one point of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepPoint {
    /// Varied keys with their values, as they stand in a CSV field (durations in microseconds); empty where nothing is swept.
    pub varied: Vec<(String, String)>,
    /// The scenario there.
    pub scenario: Scenario,
}
