//! Plays a script against the machine under test, in simulated time.
//!
//! Times mean what they mean to packetdrill: a relative time counts from the moment at which the event before was
//! done; a packet that is sent early waits in a queue and is compared, with the time of its sending, when the
//! script comes to it; only packets of the conversation under test are looked at.

use std::collections::VecDeque;

use farewell::net::segment::Segment;
use farewell::time::SimTime;

use crate::assertion;
use crate::calls::{Outcome, Progress};
use crate::expect::{Sent, compare, join, show_expected, show_sent};
use crate::flow::Flow;
use crate::machine::{Machine, SERVER_PORT};
use crate::script::{Action, Call, Event, Packet, Script, TcpOption, When};

/// What packetdrill allows unless told otherwise; the scripts were recorded with it.
const TOLERANCE: i64 = 15_000;
/// How long after its time an expected packet is still waited for, so that a failure can say when it came.
const PATIENCE: i64 = 2_000_000;
/// Simulated time at the start: no event lies before it.
const START: i64 = 1_000_000;
/// The longest wait for a packet with time `*`.
const FOREVER: i64 = 1_000_000_000_000;

/// A script that fails: the line, and what is wrong there.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) line: usize,
    pub(crate) text: String,
}

/// Plays `script`.
pub(crate) fn run(script: &Script) -> Result<(), Failure> {
    let mut run = Run::new(script);
    for setting in &script.setup {
        run.machine.set(setting).map_err(|text| Failure { line: setting.line, text })?;
    }
    for event in &script.events {
        let done = run.event(event).map_err(|text| Failure { line: event.line, text });
        // A blocking call that went wrong in the meantime is the cause of whatever else went wrong.
        if let Some(failure) = run.background_failure.take() {
            return Err(failure);
        }
        done?;
    }
    run.finish()
}

/// What the script has done with the conversation under test so far; decides how its next packet is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    New,
    Listening,
    PassivePacketReceived,
    Connecting,
    SynSent,
    Running,
}

/// A call that blocks while the script goes on.
struct Blocked<'s> {
    line: usize,
    call: &'s Call,
    progress: Progress,
    until: i64,
    tolerance: i64,
}

struct Run<'s> {
    machine: Machine,
    /// Microseconds; the script's zero is [`START`].
    now: i64,
    tolerance: i64,
    /// The scripted time of the last event, and whether it was an arriving packet.
    last: Option<(i64, bool)>,
    first: Option<i64>,
    under_test: Option<i64>,
    phase: Phase,
    flow: Flow,
    next_peer_port: u16,
    sent: VecDeque<Sent>,
    blocked: Option<Blocked<'s>>,
    background_failure: Option<Failure>,
}

fn instant(us: i64) -> SimTime {
    SimTime::from_micros(u64::try_from(us).unwrap_or(0))
}

fn microseconds(at: SimTime) -> i64 {
    i64::try_from(at.as_micros()).unwrap_or(i64::MAX)
}

fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", us.abs() / 1_000_000, us.abs() % 1_000_000)
}

impl<'s> Run<'s> {
    fn new(script: &Script) -> Self {
        Self {
            machine: Machine::new(),
            now: START,
            tolerance: script.tolerance.unwrap_or(TOLERANCE),
            last: None,
            first: None,
            under_test: None,
            phase: Phase::New,
            flow: Flow::default(),
            next_peer_port: 40_000,
            sent: VecDeque::new(),
            blocked: None,
            background_failure: None,
        }
    }

    fn event(&mut self, event: &'s Event) -> Result<(), String> {
        let inbound = matches!(event.action, Action::Inbound(_));
        let (from, to) = self.scripted_time(event.at, inbound);
        let since_last = self.last.map_or(0, |(last, _)| from.saturating_sub(last));
        let tolerance = self.tolerance.max(since_last / 8);
        self.last = Some((from, inbound));
        if let Action::Outbound(packet) = &event.action {
            let window = (event.at != When::Any).then_some((from - tolerance, to + tolerance));
            return self.outbound(packet, to, window);
        }
        self.simulate(from)?;
        if self.now > from + tolerance {
            let text = "this was to happen at {}, but the script was only ready at {}";
            return Err(text.replacen("{}", &self.shown(from), 1).replacen("{}", &self.shown(self.now), 1));
        }
        match &event.action {
            Action::Inbound(packet) => self.inbound(packet)?,
            Action::Call(call) => self.call(event, call, from, tolerance)?,
            Action::Command(settings) => settings.iter().try_for_each(|setting| self.machine.set(setting))?,
            Action::Code(text) => {
                let (machine, local, remote) = (&self.machine, self.flow.local_port, self.flow.remote_port);
                let now = instant(self.now);
                assertion::check(text, &|name| machine.information(now, local?, remote, name))?;
            }
            Action::Outbound(_) => {}
        }
        self.pump()
    }

    /// The start and the end of an event's time, in simulated microseconds.
    fn scripted_time(&mut self, at: When, inbound: bool) -> (i64, i64) {
        let base = match self.last {
            Some((last, true)) if inbound => last,
            _ => self.now,
        };
        let first = match at {
            When::Absolute(t) | When::AbsoluteRange(t, _) => *self.first.get_or_insert(t),
            When::Relative(_) | When::RelativeRange(..) | When::Any => *self.first.get_or_insert(0),
        };
        match at {
            When::Absolute(t) => (START + t - first, START + t - first),
            When::AbsoluteRange(a, b) => (START + a - first, START + b - first),
            When::Relative(t) => (base + t, base + t),
            When::RelativeRange(a, b) => (base + a, base + b),
            When::Any => (base, base + FOREVER),
        }
    }

    /// A time as the script counts it.
    fn shown(&self, us: i64) -> String {
        format!("{} s", seconds(us - START + self.first.unwrap_or(0)))
    }

    /// Collects what the machine sends now, and lets a blocked call look whether it can finish.
    fn pump(&mut self) -> Result<(), String> {
        let now = instant(self.now);
        for _ in 0..10_000 {
            let before = self.sent.len();
            while let Some(segment) = self.machine.transmit(now) {
                self.sent.push_back(Sent { at: now, segment });
                if self.sent.len() > before + 10_000 {
                    return Err("the socket sends without end".to_owned());
                }
            }
            if !self.poll_blocked() && self.sent.len() == before {
                return Ok(());
            }
        }
        Err("the socket does not come to rest".to_owned())
    }

    /// Lets the machine work until `to`, or until `stop` holds.
    fn simulate_while(&mut self, to: i64, go_on: impl Fn(&Self) -> bool) -> Result<(), String> {
        self.pump()?;
        let mut idle = 0;
        while go_on(self) {
            let deadline = self.machine.next_deadline().map(microseconds).filter(|deadline| *deadline <= to);
            let Some(deadline) = deadline else {
                self.now = self.now.max(to);
                break;
            };
            idle = if deadline > self.now { 0 } else { idle + 1 };
            if idle > 10_000 {
                return Err(format!("the timers of the socket do not come to rest at {}", self.shown(self.now)));
            }
            self.now = self.now.max(deadline);
            self.machine.handle_deadlines(instant(self.now));
            self.pump()?;
        }
        Ok(())
    }

    fn simulate(&mut self, to: i64) -> Result<(), String> {
        self.simulate_while(to, |_| true)
    }

    fn inbound(&mut self, packet: &Packet) -> Result<(), String> {
        if self.phase == Phase::Listening {
            self.flow = Flow {
                local_port: Some(SERVER_PORT),
                remote_port: self.next_peer_port,
                remote_isn: packet.seq,
                ..Flow::default()
            };
            self.next_peer_port += 1;
            self.phase = Phase::PassivePacketReceived;
        } else if self.phase == Phase::SynSent && packet.flags.syn && packet.flags.ack {
            self.flow.remote_isn = packet.seq;
            self.phase = Phase::Running;
        }
        let segment = self.flow.segment(packet)?;
        self.machine.deliver(instant(self.now), &segment);
        Ok(())
    }

    /// Waits for the packet the script expects, joining segments up to its length, and compares.
    fn outbound(&mut self, packet: &Packet, until: i64, window: Option<(i64, i64)>) -> Result<(), String> {
        if packet.ports.is_some() {
            return Err("ports on a packet that is sent are not supported".to_owned());
        }
        if self.phase == Phase::Connecting && packet.flags.syn && !packet.flags.ack {
            self.phase = Phase::SynSent;
        }
        let wanted = show_expected(packet);
        let mut sent = self.next_sent(&wanted, until)?;
        self.learn(packet, &sent.segment);
        let mut parts = 1;
        while sent.segment.payload.len() < packet.length as usize {
            let shown = show_sent(&self.flow, &sent.segment);
            let next = self.next_sent(&wanted, self.now).map_err(|text| format!("{text}; so far `{shown}`"))?;
            join(&mut sent, &next).map_err(|text| {
                let next = show_sent(&self.flow, &next.segment);
                format!("expected `{wanted}`, sent `{shown}` and `{next}` at {}: {text}", self.shown(self.now))
            })?;
            sent.at = next.at;
            parts += 1;
        }
        let at = microseconds(sent.at);
        let shown = show_sent(&self.flow, &sent.segment);
        let context = |text: String| {
            let parts = if parts > 1 { format!(" (in {parts} segments)") } else { String::new() };
            format!("expected `{wanted}`, sent `{shown}`{parts} at {}: {text}", self.shown(at))
        };
        compare(&self.flow, packet, &sent.segment).map_err(context)?;
        if let Some((earliest, latest)) = window.filter(|(earliest, latest)| at < *earliest || at > *latest) {
            let allowed = format!("between {} and {}", self.shown(earliest), self.shown(latest));
            return Err(context(format!("it was to be sent {allowed}")));
        }
        Ok(())
    }

    /// The next packet of the conversation under test, waited for until `until` and a little longer.
    fn next_sent(&mut self, wanted: &str, until: i64) -> Result<Sent, String> {
        loop {
            let limit = until.max(self.now) + PATIENCE;
            self.simulate_while(limit, |run| run.sent.is_empty() && run.background_failure.is_none())?;
            let Some(sent) = self.sent.pop_front() else {
                return Err(format!("expected `{wanted}`, nothing was sent until {}", self.shown(self.now)));
            };
            if self.belongs(&sent.segment) {
                return Ok(sent);
            }
        }
    }

    /// Whether a sent segment is part of the conversation under test.
    fn belongs(&self, segment: &Segment) -> bool {
        let opening = self.phase == Phase::SynSent && segment.flags.syn && !segment.flags.ack;
        segment.destination_port == self.flow.remote_port
            && match self.flow.local_port {
                Some(port) => segment.source_port == port,
                None => opening,
            }
    }

    /// Takes initial sequence numbers, ports and timestamps from a packet that the script shows.
    fn learn(&mut self, packet: &Packet, sent: &Segment) {
        let opens = self.phase == Phase::SynSent && self.flow.local_isn.is_none();
        let answers = self.phase == Phase::PassivePacketReceived && sent.flags.ack;
        if sent.flags.syn && packet.flags.syn && (opens || answers) {
            self.flow.local_isn = Some((sent.seq, packet.seq));
            self.flow.local_port = Some(sent.source_port);
            if answers {
                self.phase = Phase::Running;
            }
        }
        let shown = packet.options.iter().flatten().find_map(|option| match option {
            TcpOption::Timestamps(value, _) => Some(*value),
            _ => None,
        });
        if let (Some(script), Some((wire, _))) = (shown, sent.options.timestamps) {
            self.flow.timestamps.push((script, wire));
            self.flow.first_timestamp.get_or_insert((wire, script));
        }
    }

    fn call(&mut self, event: &'s Event, call: &'s Call, from: i64, tolerance: i64) -> Result<(), String> {
        if self.blocked.is_some() {
            // packetdrill, too, waits for a moment before it complains.
            self.simulate_while(self.now + 1_000_000, |run| run.blocked.is_some())?;
            if let Some(blocked) = &self.blocked {
                return Err(format!("{} of line {} still blocks", blocked.call.name, blocked.line));
            }
        }
        self.follow(call);
        let mut progress = Progress::default();
        if let Some(until) = call.until {
            let length = match event.at {
                When::Absolute(at) | When::Relative(at) => until - at,
                When::AbsoluteRange(..) | When::RelativeRange(..) | When::Any => 0,
            };
            self.blocked = Some(Blocked {
                line: event.line,
                call,
                progress,
                until: from + length,
                tolerance: tolerance.max(length / 8),
            });
            return Ok(());
        }
        let started = self.now;
        loop {
            match self.machine.call(instant(self.now), call, &mut progress)? {
                Outcome::Done(result) => return check_result(call, result),
                Outcome::Blocked => {}
            }
            self.pump()?;
            let Some(deadline) = self.machine.next_deadline().map(microseconds) else {
                return Err(format!("{} blocks for ever (since {})", call.name, self.shown(started)));
            };
            self.simulate(deadline)?;
        }
    }

    /// Keeps track of which conversation the script's packets belong to.
    fn follow(&mut self, call: &Call) {
        let descriptor = call.arguments.first().and_then(crate::script::Value::number);
        match call.name.as_str() {
            "socket" => {
                self.under_test = Some(call.result);
                self.phase = Phase::New;
                self.flow = Flow::default();
            }
            "listen" if descriptor == self.under_test => self.phase = Phase::Listening,
            "connect" if descriptor == self.under_test && self.phase == Phase::New => {
                self.phase = Phase::Connecting;
                self.flow = Flow { remote_port: SERVER_PORT, ..Flow::default() };
            }
            _ => {}
        }
    }

    /// Tries to finish a blocked call; true if it came to an end.
    fn poll_blocked(&mut self) -> bool {
        let Some(mut blocked) = self.blocked.take() else { return false };
        let outcome = self.machine.call(instant(self.now), blocked.call, &mut blocked.progress);
        let result = match outcome {
            Ok(Outcome::Blocked) => {
                self.blocked = Some(blocked);
                return false;
            }
            Ok(Outcome::Done(result)) => check_result(blocked.call, result),
            Err(text) => Err(text),
        };
        let on_time = (self.now - blocked.until).abs() <= blocked.tolerance;
        let verdict = result.and_then(|()| {
            let late = || {
                let (until, now) = (self.shown(blocked.until), self.shown(self.now));
                format!("{} was to return at {until}, it returned at {now}", blocked.call.name)
            };
            if on_time { Ok(()) } else { Err(late()) }
        });
        if let Err(text) = verdict {
            self.background_failure.get_or_insert(Failure { line: blocked.line, text });
        }
        true
    }

    /// The script is over; only a blocked call may still have to come back.
    fn finish(mut self) -> Result<(), Failure> {
        if let Some(blocked) = &self.blocked {
            let (line, limit) = (blocked.line, blocked.until + blocked.tolerance);
            self.simulate_while(limit, |run| run.blocked.is_some()).map_err(|text| Failure { line, text })?;
            if let Some(blocked) = &self.blocked {
                let text = format!("{} has not returned until {}", blocked.call.name, self.shown(limit));
                return Err(Failure { line, text });
            }
        }
        self.background_failure.map_or(Ok(()), Err)
    }
}

/// Compares what a call gave back with what the script says.
fn check_result(call: &Call, result: Result<i64, &'static str>) -> Result<(), String> {
    let is_descriptor = matches!(call.name.as_str(), "socket" | "accept");
    let wanted = call.errno.as_deref().map_or_else(|| call.result.to_string(), |name| format!("-1 {name}"));
    let as_wanted = match result {
        Ok(value) => value == call.result || (is_descriptor && call.result >= 0),
        Err(name) => call.result == -1 && call.errno.as_deref().is_none_or(|wanted| wanted == name),
    };
    if as_wanted {
        return Ok(());
    }
    let found = result.map_or_else(|name| format!("-1 {name}"), |value| value.to_string());
    Err(format!("{} returned {found}, not {wanted}", call.name))
}
