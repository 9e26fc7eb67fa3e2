//! `farewell trace`: one stream's life as a sequence chart, and as a capture for Wireshark.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::Path;

use crate::cli::Failure;
use crate::cli::args::TraceArgs;
use crate::engine::{Engine, NodeRun, Trace};
use crate::id::{NodeId, Side, StreamId};
use crate::ledger::fate::{Direction, Observed};
use crate::ledger::record::{NodeLedger, StreamRecord};
use crate::ledger::trace::{Mark, StanzaStep, TraceEvent, What};
use crate::report::pcap::{self, CaptureError, Captured};
use crate::report::sequence;
use crate::scenario::{self, Scenario, SourceText, SweepPoint};
use crate::time::SimTime;
use crate::xmpp::config::By;

/// Runs the command: the stream's node is simulated, as far as the engine needs it, and the one stream is observed.
///
/// # Errors
/// Where the scenario is not legal, has no such stream, the run fails, or the capture cannot be written.
pub(super) fn run(args: &TraceArgs, engine: &dyn Engine, stdout: &mut dyn Write) -> Result<(), Failure> {
    // One stream of the scenario as it stands: a study's grid is no matter here.
    let points = scenario::load_changed(&SourceText::find(&args.scenario)?, &args.changes(), &[])?;
    let Some(SweepPoint { scenario, .. }) = points.first() else {
        return Err(Failure::Argument("there is no scenario to trace".to_owned()));
    };
    engine.accepts(scenario).map_err(|e| Failure::Argument(e.to_string()))?;
    let (stream, most) = (args.stream, scenario.most_streams());
    if stream >= most {
        let peers = scenario.peers;
        let lives = if most > peers {
            format!("; a stream from {peers} on is a further one of a peer that came back")
        } else {
            String::new()
        };
        return Err(Failure::Argument(format!(
            "--stream {stream}: scenario {} has {}{most} streams; allowed: 0 to {}{lives}",
            scenario.name,
            if most > peers { "at most " } else { "" },
            most - 1
        )));
    }
    let stream = StreamId(stream);
    let seen = observe(scenario, 0, stream, engine)?;
    headline(scenario, &seen.record, stdout)?;
    stdout.write_all(sequence::render(&seen.events(scenario.by)).as_bytes())?;
    if let Some(path) = &args.pcap {
        write_capture(path, seen.trace)?;
    }
    Ok(())
}

/// What a stream's node left, with what was observed of the stream.
pub(super) struct Seen {
    /// The stream's own record.
    pub(super) record: StreamRecord,
    ledger: NodeLedger,
    trace: Trace,
}

/// Runs the node that has a stream, under the scenario's seed, and observes the stream.
///
/// # Errors
/// Where the run fails.
pub(super) fn observe(
    scenario: &Scenario,
    contender: usize,
    stream: StreamId,
    engine: &dyn Engine,
) -> Result<Seen, Failure> {
    let peer = stream.0 % scenario.peers;
    let node = NodeRun { scenario, contender, seed: scenario.seed, node: NodeId(peer % scenario.nodes) };
    let (ledger, trace) = engine.trace(&node, stream).map_err(|e| Failure::Run(e.to_string()))?;
    let Some(record) = ledger.streams.iter().find(|r| r.stream == stream) else {
        let times = stream.0 / scenario.peers;
        return Err(Failure::Run(match times {
            0 => format!("stream {} left no record", stream.0),
            _ => format!("there is no stream {}: peer {peer} did not come back {times} times", stream.0),
        }));
    };
    Ok(Seen { record: record.clone(), ledger, trace })
}

impl Seen {
    /// The stream's life.
    pub(super) fn events(&self, by: By) -> Vec<TraceEvent> {
        let closer_side = if by == By::Client { Side::Client } else { Side::Server };
        events(&self.trace, &self.record, &self.ledger, closer_side)
    }
}

fn headline(scenario: &Scenario, record: &StreamRecord, stdout: &mut dyn Write) -> Result<(), Failure> {
    let class = &scenario.classes[usize::from(record.class)];
    let closer = &scenario.strategies[0].closers[usize::from(record.closer)];
    let (there, back) = (&record.to_closer, &record.to_peer);
    writeln!(
        stdout,
        "{}, seed {}, stream {}: class {}, closer {}, responder {}, outcome {}",
        scenario.name,
        scenario.seed,
        record.stream.0,
        class.name,
        closer.name,
        class.responder_name,
        record.outcome.name()
    )?;
    writeln!(
        stdout,
        "stanzas to the closer: {} sent, {} delivered, {} lost; to its peer: {} sent, {} delivered, {} lost\n",
        there.sent, there.delivered, there.lost, back.sent, back.delivered, back.lost
    )?;
    Ok(())
}

/// What was observed, with the deaths and the last instants that only the closed ledger knows.
fn events(trace: &Trace, record: &StreamRecord, ledger: &NodeLedger, closer_side: Side) -> Vec<TraceEvent> {
    let mut events = trace.events.clone();
    for lost in ledger.lost.iter().filter(|l| l.stream == record.stream) {
        let from = match lost.direction {
            Direction::ToCloser => closer_side.other(),
            Direction::ToPeer => closer_side,
        };
        let what = What::Stanza { from, number: lost.stanza, step: StanzaStep::Lost(lost.place) };
        events.push(TraceEvent { at: lost.at, what });
    }
    let decision = record.decision.unwrap_or(SimTime::ZERO);
    for (mark, observed) in [(Mark::Teardown, record.teardown), (Mark::Gone, record.gone)] {
        if let Observed::After(time) = observed {
            events.push(TraceEvent { at: decision + time, what: What::Mark(mark) });
        }
    }
    events
}

/// Writes the capture beside its place and moves it there when it is whole. What is there and is no plain file (a device,
/// a pipe, a link to something) must not be replaced: that is written to.
fn write_capture(path: &Path, trace: Trace) -> Result<(), Failure> {
    let refused = |cause: CaptureError| Failure::Run(format!("cannot write {}: {cause}", path.display()));
    let captured: Vec<Captured> = trace.capture.into_iter().map(|(at, packet)| Captured { at, packet }).collect();
    if path.symlink_metadata().is_ok_and(|found| !found.is_file()) {
        return write_to(path, &captured).map_err(refused);
    }
    let mut aside = path.as_os_str().to_owned();
    aside.push(".tmp");
    let aside = Path::new(&aside);
    write_to(aside, &captured).and_then(|()| Ok(std::fs::rename(aside, path)?)).map_err(|cause| {
        // Nothing half-written stays; if it was never created there is nothing to remove.
        std::fs::remove_file(aside).ok();
        refused(cause)
    })
}

fn write_to(path: &Path, captured: &[Captured]) -> Result<(), CaptureError> {
    let mut out = io::BufWriter::new(OpenOptions::new().write(true).create(true).truncate(true).open(path)?);
    pcap::write(&mut out, captured)?;
    Ok(out.flush()?)
}
