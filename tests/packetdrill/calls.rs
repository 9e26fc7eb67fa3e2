//! System calls of a script, acting on the machine.

use farewell::tcp::{Errno, State};
use farewell::time::{Micros, SimTime};

use crate::flow::pattern;
use crate::machine::{Descriptor, Machine, What};
use crate::script::{Call, Value};
use crate::sockopt::Choice;

/// What became of a call: its return value or errno, or nothing yet.
#[derive(Debug)]
pub(crate) enum Outcome {
    Done(Result<i64, &'static str>),
    Blocked,
}

/// How far a call that blocks has come.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    /// Bytes written so far.
    written: usize,
    /// `connect` has begun.
    connecting: bool,
    /// `close` lingers on this connection until then.
    lingering: Option<(usize, SimTime)>,
    /// When `poll` gives up.
    pub(crate) until: Option<SimTime>,
}

/// An outcome, or a mistake of the script.
pub(crate) type Answer = Result<Outcome, String>;

#[expect(clippy::unnecessary_wraps, reason = "it stands where a mistake can be returned, too")]
pub(crate) fn done(value: i64) -> Answer {
    Ok(Outcome::Done(Ok(value)))
}

#[expect(clippy::unnecessary_wraps, reason = "it stands where a mistake can be returned, too")]
pub(crate) fn failed(errno: &'static str) -> Answer {
    Ok(Outcome::Done(Err(errno)))
}

/// The system calls that a script can make.
pub(crate) const KNOWN: [&str; 18] = [
    "socket",
    "bind",
    "listen",
    "accept",
    "connect",
    "fcntl",
    "setsockopt",
    "getsockopt",
    "read",
    "recv",
    "recvfrom",
    "write",
    "send",
    "sendto",
    "writev",
    "poll",
    "shutdown",
    "close",
];

impl Machine {
    /// Makes a system call, or goes on with one that blocked.
    pub(crate) fn call(&mut self, now: SimTime, call: &Call, progress: &mut Progress) -> Answer {
        let arguments = Arguments { call };
        match call.name.as_str() {
            "socket" => self.socket(&arguments),
            "bind" => {
                arguments.count(3)?;
                let descriptor = self.descriptor(arguments.number(0)?)?;
                if std::mem::replace(&mut descriptor.bound, true) { failed("EINVAL") } else { done(0) }
            }
            "listen" => self.listen_call(&arguments),
            "accept" => self.accept_call(&arguments),
            "connect" => self.connect_call(now, &arguments, progress),
            "fcntl" => self.fcntl(&arguments),
            "setsockopt" => self.setsockopt(now, &arguments),
            "getsockopt" => self.getsockopt(now, &arguments),
            "read" | "recv" | "recvfrom" => self.read(now, &arguments),
            "write" | "send" | "sendto" | "writev" => self.write(now, &arguments, progress),
            "poll" => self.poll(now, &arguments, progress),
            "shutdown" => self.shutdown(now, &arguments),
            "close" => self.close(now, &arguments, progress),
            other => Err(format!("system call {other} is not supported")),
        }
    }

    fn socket(&mut self, arguments: &Arguments<'_>) -> Answer {
        arguments.count(3)?;
        match arguments.at(0)? {
            Value::Ellipsis => {}
            Value::Words(words) if words == &["AF_INET"] => {}
            other => return Err(format!("socket family {other:?} is not supported")),
        }
        let kinds = arguments.words(1)?;
        let protocol = arguments.at(2)?;
        if !kinds.iter().any(|kind| kind == "SOCK_STREAM") {
            return Err(format!("only SOCK_STREAM is supported, found {}", kinds.join("|")));
        }
        if !matches!(protocol, Value::Number(0)) && !matches!(protocol, Value::Words(w) if w == &["IPPROTO_TCP"]) {
            return Err(format!("only IPPROTO_TCP is supported, found {protocol:?}"));
        }
        let nonblocking = kinds.iter().any(|kind| kind == "SOCK_NONBLOCK");
        let descriptor = Descriptor { what: What::Fresh, nonblocking, choices: Vec::new(), bound: false };
        self.open(arguments.call.result, descriptor)?;
        done(arguments.call.result)
    }

    fn listen_call(&mut self, arguments: &Arguments<'_>) -> Answer {
        arguments.count(2)?;
        let (number, backlog) = (arguments.number(0)?, arguments.number(1)?);
        let descriptor = self.descriptor(number)?;
        match descriptor.what {
            What::Fresh => {}
            What::Listener(port) => {
                self.set_backlog(port, backlog);
                return done(0);
            }
            What::Connection(_) => return failed("EINVAL"),
        }
        let (bound, choices) = (descriptor.bound, descriptor.choices.clone());
        let port = self.listen(bound, backlog, choices);
        self.descriptor(number)?.what = What::Listener(port);
        done(0)
    }

    fn accept_call(&mut self, arguments: &Arguments<'_>) -> Answer {
        arguments.count(3)?;
        let descriptor = self.descriptor(arguments.number(0)?)?;
        let (What::Listener(port), nonblocking) = (descriptor.what, descriptor.nonblocking) else {
            return failed("EINVAL");
        };
        let choices = descriptor.choices.clone();
        match self.accept(port) {
            Some(connection) => {
                let what = What::Connection(connection);
                self.open(arguments.call.result, Descriptor { what, nonblocking: false, choices, bound: true })?;
                done(arguments.call.result)
            }
            None if nonblocking => failed("EAGAIN"),
            None => Ok(Outcome::Blocked),
        }
    }

    fn connect_call(&mut self, now: SimTime, arguments: &Arguments<'_>, progress: &mut Progress) -> Answer {
        arguments.count(3)?;
        let number = arguments.number(0)?;
        let descriptor = self.descriptor(number)?;
        let nonblocking = descriptor.nonblocking;
        let connection = match descriptor.what {
            What::Listener(_) => return failed("EISCONN"),
            What::Connection(connection) => connection,
            What::Fresh => {
                let (bound, choices) = (descriptor.bound, descriptor.choices.clone());
                let connection = self.connect(now, bound, &choices);
                self.descriptor(number)?.what = What::Connection(connection);
                progress.connecting = true;
                if nonblocking {
                    return failed("EINPROGRESS");
                }
                connection
            }
        };
        let Some((connection, _)) = self.connection(now, connection) else { return failed("ECONNABORTED") };
        match connection.socket.state() {
            State::SynSent | State::SynReceived if progress.connecting => Ok(Outcome::Blocked),
            State::SynSent | State::SynReceived => failed("EALREADY"),
            State::Closed => match connection.socket.take_error() {
                Some(errno) => failed(errno.name()),
                None => failed("ECONNABORTED"),
            },
            _ if connection.connect_reported => failed("EISCONN"),
            _ => {
                connection.connect_reported = true;
                done(0)
            }
        }
    }

    fn fcntl(&mut self, arguments: &Arguments<'_>) -> Answer {
        let descriptor = self.descriptor(arguments.number(0)?)?;
        match arguments.words(1)? {
            [command] if command == "F_GETFL" => done(if descriptor.nonblocking { 0x802 } else { 2 }),
            [command] if command == "F_SETFL" => {
                let flags = arguments.words(2)?;
                if let Some(other) = flags.iter().find(|flag| !["O_RDWR", "O_NONBLOCK"].contains(&flag.as_str())) {
                    return Err(format!("descriptor flag {other} is not supported"));
                }
                descriptor.nonblocking = flags.iter().any(|flag| flag == "O_NONBLOCK");
                done(0)
            }
            other => Err(format!("fcntl {} is not supported", other.join("|"))),
        }
    }

    fn read(&mut self, now: SimTime, arguments: &Arguments<'_>) -> Answer {
        let no_wait = arguments.message_flags(&["MSG_DONTWAIT"])?;
        let most = arguments.length(2)?;
        let descriptor = self.descriptor(arguments.number(0)?)?;
        let nonblocking = descriptor.nonblocking || no_wait;
        let What::Connection(connection) = descriptor.what else { return failed("ENOTCONN") };
        let Some((connection, cx)) = self.connection(now, connection) else { return failed("ENOTCONN") };
        let mut data = Vec::new();
        match connection.socket.recv(cx, &mut data, most) {
            Ok(length) => {
                let from = connection.read;
                let intact = (from..).zip(&data).all(|(offset, byte)| *byte == pattern(offset));
                if !intact || data.len() != length {
                    return Err(format!("the {length} bytes read are not the ones sent from offset {from}"));
                }
                connection.read += u32::try_from(length).map_err(|_| "too much data".to_owned())?;
                done(i64::try_from(length).unwrap_or(i64::MAX))
            }
            Err(Errno::EAGAIN) if nonblocking => failed("EAGAIN"),
            Err(Errno::EAGAIN) => Ok(Outcome::Blocked),
            Err(errno) => failed(errno.name()),
        }
    }

    fn write(&mut self, now: SimTime, arguments: &Arguments<'_>, progress: &mut Progress) -> Answer {
        let no_wait = arguments.message_flags(&["MSG_DONTWAIT"])?;
        let length = if arguments.call.name == "writev" { arguments.vector()? } else { arguments.length(2)? };
        let descriptor = self.descriptor(arguments.number(0)?)?;
        let nonblocking = descriptor.nonblocking || no_wait;
        let What::Connection(connection) = descriptor.what else { return failed("EPIPE") };
        let Some((connection, cx)) = self.connection(now, connection) else { return failed("EPIPE") };
        let rest = u32::try_from(length - progress.written).map_err(|_| "too much data".to_owned())?;
        let data: Vec<u8> = (0..rest).map(|i| pattern(connection.written.wrapping_add(i))).collect();
        let result = connection.socket.send(cx, &data);
        if let Ok(taken) = result {
            connection.written = connection.written.wrapping_add(u32::try_from(taken).unwrap_or(0));
            progress.written += taken;
        }
        let sofar = i64::try_from(progress.written).unwrap_or(i64::MAX);
        match result {
            Ok(_) if progress.written == length => done(sofar),
            Ok(_) | Err(Errno::EAGAIN) if !nonblocking => Ok(Outcome::Blocked),
            Ok(_) => done(sofar),
            Err(_) if sofar > 0 => done(sofar),
            Err(Errno::EAGAIN) => failed("EAGAIN"),
            Err(errno) => failed(errno.name()),
        }
    }

    fn shutdown(&mut self, now: SimTime, arguments: &Arguments<'_>) -> Answer {
        arguments.count(2)?;
        let how = arguments.words(1)?.join("|");
        let number = arguments.number(0)?;
        let connection = match self.descriptor(number)?.what {
            What::Connection(connection) => connection,
            What::Listener(port) if how == "SHUT_RD" || how == "SHUT_RDWR" => {
                // The socket listens no more, and nothing else (inet_shutdown).
                self.stop_listening(now, port);
                self.descriptor(number)?.what = What::Fresh;
                return done(0);
            }
            What::Listener(_) if how == "SHUT_WR" => return done(0),
            What::Listener(_) | What::Fresh => return failed("ENOTCONN"),
        };
        let Some((connection, cx)) = self.connection(now, connection) else { return failed("ENOTCONN") };
        let reading = if how == "SHUT_WR" { Ok(()) } else { connection.socket.shutdown_read(cx) };
        let writing = if how == "SHUT_RD" { Ok(()) } else { connection.socket.shutdown_write(cx) };
        match reading.and(writing) {
            _ if !["SHUT_RD", "SHUT_WR", "SHUT_RDWR"].contains(&how.as_str()) => {
                Err(format!("shutdown of `{how}` is not supported"))
            }
            Ok(()) => done(0),
            Err(errno) => failed(errno.name()),
        }
    }

    fn close(&mut self, now: SimTime, arguments: &Arguments<'_>, progress: &mut Progress) -> Answer {
        arguments.count(1)?;
        if let Some((connection, until)) = progress.lingering {
            return self.linger(now, connection, until);
        }
        let number = arguments.number(0)?;
        self.descriptor(number)?;
        let Some(descriptor) = self.release(number) else { return failed("EBADF") };
        match descriptor.what {
            What::Fresh => {}
            What::Listener(port) => self.stop_listening(now, port),
            What::Connection(connection) => {
                if let Some((connection, cx)) = self.connection(now, connection) {
                    connection.socket.close(cx);
                }
                self.let_go(connection);
                let linger = descriptor.choices.iter().rev().find_map(|choice| match choice {
                    Choice::Linger(time) => Some(*time),
                    _ => None,
                });
                if let Some(time) = linger.flatten().filter(|time| *time > Micros::ZERO) {
                    progress.lingering = Some((connection, now + time));
                    return self.linger(now, connection, now + time);
                }
            }
        }
        done(0)
    }

    /// A `close` that lingers comes back when our FIN is acknowledged, or at `until`.
    fn linger(&mut self, now: SimTime, connection: usize, until: SimTime) -> Answer {
        let waits = self.connection(now, connection).is_some_and(|(connection, _)| {
            matches!(connection.socket.state(), State::FinWait1 | State::Closing | State::LastAck)
        });
        self.alarm = (waits && now < until).then_some(until);
        if self.alarm.is_some() { Ok(Outcome::Blocked) } else { done(0) }
    }
}

/// The arguments of a call, with complaints that name the call.
pub(crate) struct Arguments<'a> {
    pub(crate) call: &'a Call,
}

impl<'a> Arguments<'a> {
    pub(crate) fn at(&self, place: usize) -> Result<&'a Value, String> {
        self.call.arguments.get(place).ok_or_else(|| format!("{} has too few arguments", self.call.name))
    }

    pub(crate) fn count(&self, wanted: usize) -> Result<(), String> {
        let found = self.call.arguments.len();
        if found == wanted {
            return Ok(());
        }
        Err(format!("{} takes {wanted} arguments, found {found}", self.call.name))
    }

    pub(crate) fn number(&self, place: usize) -> Result<i64, String> {
        let wrong = || format!("argument {} of {} is not a number", place + 1, self.call.name);
        self.at(place)?.number().ok_or_else(wrong)
    }

    fn length(&self, place: usize) -> Result<usize, String> {
        if *self.at(1)? != Value::Ellipsis {
            return Err(format!("the data of {} can only be `...`", self.call.name));
        }
        usize::try_from(self.number(place)?).map_err(|_| format!("a length of {} is negative", self.call.name))
    }

    /// The lengths of `[{..., 10}, {..., 20}], 2`, summed up.
    fn vector(&self) -> Result<usize, String> {
        self.count(3)?;
        let wrong = || format!("expected [{{..., length}}, ...] and their number for {}", self.call.name);
        let Value::List(list) = self.at(1)? else { return Err(wrong()) };
        if i64::try_from(list.len()).ok() != Some(self.number(2)?) {
            return Err(wrong());
        }
        list.iter().try_fold(0, |sum, piece| match piece {
            Value::List(piece) => match piece.as_slice() {
                [Value::Ellipsis, Value::Number(length)] => {
                    usize::try_from(*length).map(|n| sum + n).map_err(|_| wrong())
                }
                _ => Err(wrong()),
            },
            _ => Err(wrong()),
        })
    }

    pub(crate) fn words(&self, place: usize) -> Result<&'a [String], String> {
        match self.at(place)? {
            Value::Words(words) => Ok(words),
            _ => Err(format!("argument {} of {} is not a symbol", place + 1, self.call.name)),
        }
    }

    /// Reads the flags of send, recv and their kin: whether one of `no_wait` is set.
    fn message_flags(&self, no_wait: &[&str]) -> Result<bool, String> {
        let flags = match (self.call.name.as_str(), self.call.arguments.get(3)) {
            ("read" | "write" | "writev", Some(_)) => return Err(format!("{} takes 3 arguments", self.call.name)),
            ("read" | "write" | "writev", None) | (_, Some(Value::Number(0))) => return Ok(false),
            _ => self.words(3)?,
        };
        let unknown = flags.iter().find(|flag| *flag != "MSG_NOSIGNAL" && !no_wait.contains(&flag.as_str()));
        match unknown {
            Some(flag) => Err(format!("message flag {flag} is not supported")),
            None => Ok(flags.iter().any(|flag| no_wait.contains(&flag.as_str()))),
        }
    }
}
