//! `poll()`: what the descriptors of a script are ready for (`tcp_poll`).

use farewell::tcp::State;
use farewell::time::{Micros, SimTime};

use crate::calls::{Answer, Arguments, Outcome, Progress, done};
use crate::machine::{Machine, What};
use crate::script::Value;

/// The events a socket can report, as bits.
const EVENTS: [(&str, u16); 7] = [
    ("POLLIN", 0x001),
    ("POLLOUT", 0x004),
    ("POLLERR", 0x008),
    ("POLLHUP", 0x010),
    ("POLLRDNORM", 0x040),
    ("POLLWRNORM", 0x100),
    ("POLLRDHUP", 0x2000),
];
const READ: u16 = 0x041;
const WRITE: u16 = 0x104;
const ERROR: u16 = 0x008;
const HANGUP: u16 = 0x010;
const READ_HANGUP: u16 = 0x2000;

/// What one entry of the list asks for, and what it must get.
struct Entry {
    descriptor: i64,
    wanted: u16,
    expected: u16,
}

impl Machine {
    /// `poll([{fd=4, events=POLLIN, revents=POLLIN}], 1, timeout)`; the timeout is milliseconds, -1 for ever.
    pub(crate) fn poll(&mut self, now: SimTime, arguments: &Arguments<'_>, progress: &mut Progress) -> Answer {
        arguments.count(3)?;
        let Value::List(list) = arguments.at(0)? else { return Err("poll takes a list of descriptors".to_owned()) };
        let entries = list.iter().map(entry).collect::<Result<Vec<_>, _>>()?;
        if i64::try_from(entries.len()).ok() != Some(arguments.number(1)?) {
            return Err(format!("poll names {} descriptors, not {}", entries.len(), arguments.number(1)?));
        }
        let mut found = Vec::new();
        for entry in &entries {
            found.push(self.readiness(now, entry.descriptor)? & (entry.wanted | ERROR | HANGUP));
        }
        let ready = found.iter().filter(|events| **events != 0).count();
        if ready == 0 && self.goes_on(now, arguments.number(2)?, progress) {
            return Ok(Outcome::Blocked);
        }
        self.alarm = None;
        for (entry, found) in entries.iter().zip(found) {
            if entry.expected != found {
                let (number, expected) = (entry.descriptor, shown(entry.expected));
                return Err(format!("poll finds {} for descriptor {number}, not {expected}", shown(found)));
            }
        }
        done(i64::try_from(ready).unwrap_or(i64::MAX))
    }

    /// Whether a poll that found nothing goes on waiting.
    fn goes_on(&mut self, now: SimTime, timeout: i64, progress: &mut Progress) -> bool {
        let Ok(milliseconds) = u64::try_from(timeout) else { return true };
        let until = *progress.until.get_or_insert(now + Micros::from_millis(milliseconds));
        self.alarm = (now < until).then_some(until);
        now < until
    }

    fn readiness(&mut self, now: SimTime, number: i64) -> Result<u16, String> {
        let connection = match self.descriptor(number)?.what {
            What::Fresh => return Ok(HANGUP | WRITE),
            What::Listener(port) => return Ok(if self.has_waiting(port) { READ } else { 0 }),
            What::Connection(connection) => connection,
        };
        let Some((connection, cx)) = self.connection(now, connection) else { return Ok(HANGUP | WRITE | READ) };
        let info = connection.socket.info(cx);
        let state = connection.socket.state();
        let mut events = 0;
        let closed = matches!(state, State::Closed | State::TimeWait);
        if closed || (info.read_closed && info.write_closed) {
            events |= HANGUP;
        }
        if info.read_closed || closed {
            events |= READ | READ_HANGUP;
        }
        if !matches!(state, State::SynSent | State::SynReceived) {
            if connection.socket.is_readable() {
                events |= READ;
            }
            if info.write_closed || closed || connection.socket.send_space() > 0 {
                events |= WRITE;
            }
        }
        if info.error.is_some() {
            events |= ERROR;
        }
        Ok(events)
    }
}

fn entry(value: &Value) -> Result<Entry, String> {
    let wrong = || "expected {fd=..., events=..., revents=...} for poll".to_owned();
    let Value::Fields(fields) = value else { return Err(wrong()) };
    match fields.as_slice() {
        [(a, Value::Number(descriptor)), (b, wanted), (c, expected)]
            if a == "fd" && b == "events" && c == "revents" =>
        {
            Ok(Entry { descriptor: *descriptor, wanted: bits(wanted)?, expected: bits(expected)? })
        }
        _ => Err(wrong()),
    }
}

fn bits(value: &Value) -> Result<u16, String> {
    match value {
        Value::Number(0) => Ok(0),
        Value::Words(words) => words.iter().try_fold(0, |bits, word| {
            let known = EVENTS.iter().find(|(name, _)| name == word);
            known.map(|(_, bit)| bits | bit).ok_or_else(|| format!("poll event {word} is not supported"))
        }),
        _ => Err("expected events such as POLLIN|POLLOUT for poll".to_owned()),
    }
}

fn shown(events: u16) -> String {
    let names: Vec<_> = EVENTS.iter().filter(|(_, bit)| events & bit != 0).map(|(name, _)| *name).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join("|") }
}
