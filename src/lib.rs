//! **farewell** simulates XMPP peers and measures which way of closing an idle XML stream loses stanzas, and how long each
//! way takes to tear down.
//!
//! The binary is a thin face of this library. The documentation below is for those who change it; users read the README.
//!
//! # The way of one stanza
//!
//! 1. [`xmpp::traffic`](xmpp) draws its instant and size from the stream's own generator ([`rng`]), and the application,
//!    [`xmpp::party`], gives it a number.
//! 2. [`xmpp::writer`] makes bytes of it; [`host`] offers them to the socket. *Sent* is the stanza whose first byte the
//!    kernel took.
//! 3. [`tcp::Socket`] cuts segments, and [`host`] puts addresses round each: a [`net::packet::Packet`].
//! 4. [`net::link`] gives a verdict, the instant of arrival or dropped, to which chaos adds ([`net::disturbance`]). An
//!    [`engine`] only keeps the packet until then and picks what comes next: by time, then stream, then packets before deadlines.
//! 5. The other host finds the socket by arithmetic on the addresses (or answers with RST: *refused*); the socket puts the
//!    bytes in order and acknowledges them.
//! 6. The application reads when it wants to read (*receiver-queue* if it never does); [`xmpp::reader`] yields the stanza;
//!    the party processes it, or has stopped (*unprocessed*).
//! 7. Both hosts write facts into the [`ledger`]; [`ledger::balance`] gives every stanza its one fate, or stops the run.
//! 8. [`experiment`] folds ledgers into rows and rows into intervals, [`report`] writes them. No step calls back an earlier one.
//!
//! What remains of a node between steps 7 and 8 is kept on disk ([`report::cells`]) and found again
//! ([`experiment::kept`]): so a run can be interrupted, and its nodes computed on other machines ([`experiment::shard`],
//! [`report::merge`]).
//!
//! Random scenarios with random chaos are held against what must be so of every run ([`soak`]), with a [`host::Witness`] beside
//! each stream that shares no code with what it watches.
//!
//! # Rules of the house
//!
//! Dependencies point one way: `cli`, `soak` and `report` to `experiment` to `engine` to `host` to `xmpp`, `tcp` and `net`; the ledger
//! is written to and imports none of them; a test reads every import. The cores own no socket, no clock, no task and no
//! global randomness: time, configuration and generators come in as arguments, effects go out as values. That is why the
//! same scenario and seed give the same bytes on every machine, at any number of threads, under any engine.

pub mod cli;
pub mod defect;
pub mod dist;
pub mod engine;
pub mod experiment;
pub mod host;
pub mod id;
pub mod ledger;
pub mod net;
pub mod report;
pub mod rng;
pub mod scenario;
pub mod soak;
pub mod tcp;
pub mod time;
pub mod xmpp;
