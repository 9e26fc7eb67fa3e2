//! Socket options: from the script's symbols to the socket's settings, and back.

use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Cx, Errno};
use farewell::time::{Micros, SimTime};

use crate::calls::{Answer, Arguments, done, failed};
use crate::machine::{Connection, Machine, What};
use crate::script::Value;

/// An option with its value, ready to be applied to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Without effect on a host with one simulated peer: `SO_REUSEPORT`.
    NoEffect,
    /// `SO_REUSEADDR`: the same, but it can be read back.
    ReuseAddress(bool),
    Linger(Option<Micros>),
    Keepalive(bool),
    KeepIdle(Micros),
    KeepInterval(Micros),
    KeepCount(u32),
    NoDelay(bool),
    UserTimeout(Micros),
    /// `TCP_LINGER2`: `None` for a negative value.
    FinTimeout(Option<Micros>),
    ReceiveBuffer(u64),
    SendBuffer(u64),
}

/// Largest values that Linux takes: seconds of a keepalive time, number of probes.
const MOST_SECONDS: i64 = 32_767;
const MOST_PROBES: i64 = 127;

impl Machine {
    pub(crate) fn setsockopt(&mut self, now: SimTime, arguments: &Arguments<'_>) -> Answer {
        arguments.count(5)?;
        let (level, name, value) = (arguments.at(1)?, arguments.at(2)?, arguments.at(3)?);
        let Some(choice) = Choice::read(level, name, value)? else { return failed("EINVAL") };
        let descriptor = self.descriptor(arguments.number(0)?)?;
        descriptor.choices.push(choice);
        match descriptor.what {
            What::Connection(connection) => self.choose(now, connection, choice),
            What::Listener(port) => self.inherit(port, choice),
            What::Fresh => {}
        }
        done(0)
    }

    /// Compares an option's value with the one the script shows.
    pub(crate) fn getsockopt(&mut self, now: SimTime, arguments: &Arguments<'_>) -> Answer {
        arguments.count(5)?;
        let number = arguments.number(0)?;
        let (level, name) = (symbol(arguments.at(1)?)?, symbol(arguments.at(2)?)?);
        let Value::List(list) = arguments.at(3)? else {
            return Err(format!("expected a value in brackets for {name}"));
        };
        if (level, name) == ("SOL_SOCKET", "SO_ERROR") {
            let wanted = match list.as_slice() {
                [Value::Number(0)] => "0",
                [Value::Words(words)] if words.len() == 1 => words[0].as_str(),
                _ => return Err("expected [0] or the name of an error for SO_ERROR".to_owned()),
            };
            let found = self.pending_error(now, number)?.map_or("0", Errno::name);
            return if found == wanted { done(0) } else { Err(format!("SO_ERROR is {found}, not {wanted}")) };
        }
        let [Value::Number(wanted)] = list.as_slice() else {
            return Err(format!("expected one number in brackets for {name}"));
        };
        let kernel = self.kernel().clone();
        let found = get(&kernel, &self.descriptor(number)?.choices, level, name)
            .ok_or_else(|| format!("getsockopt {name} of {level} is not supported"))?;
        if found == *wanted { done(0) } else { Err(format!("{name} is {found}, not {wanted}")) }
    }

    fn pending_error(&mut self, now: SimTime, number: i64) -> Result<Option<Errno>, String> {
        Ok(match self.descriptor(number)?.what {
            What::Fresh | What::Listener(_) => None,
            What::Connection(connection) => self.connection(now, connection).and_then(|(c, _)| c.socket.take_error()),
        })
    }
}

/// The value of an option: as last chosen, or the kernel's; `None` for an option that is not known.
fn get(kernel: &Kernel, choices: &[Choice], level: &str, name: &str) -> Option<i64> {
    let tcp = ["IPPROTO_TCP", "SOL_TCP"].contains(&level);
    let chosen = |pick: fn(Choice) -> Option<i64>| choices.iter().rev().find_map(|choice| pick(*choice));
    let seconds = |time: Micros| i64::try_from(time.get() / 1_000_000).unwrap_or(i64::MAX);
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let (chosen, usual) = match name {
        "SO_REUSEADDR" if level == "SOL_SOCKET" => (chosen(Choice::reuse), 0),
        "SO_KEEPALIVE" if level == "SOL_SOCKET" => (chosen(Choice::keepalive), 0),
        "TCP_NODELAY" if tcp => (chosen(Choice::nodelay), 0),
        "TCP_USER_TIMEOUT" if tcp => (chosen(Choice::user_timeout), 0),
        "TCP_KEEPIDLE" if tcp => (chosen(Choice::keep_idle), seconds(kernel.tcp_keepalive_time)),
        "TCP_KEEPINTVL" if tcp => (chosen(Choice::keep_interval), seconds(kernel.tcp_keepalive_intvl)),
        "TCP_KEEPCNT" if tcp => (chosen(Choice::keep_count), number(kernel.tcp_keepalive_probes)),
        "TCP_LINGER2" if tcp => (chosen(Choice::linger2).filter(|n| *n != 0), seconds(kernel.tcp_fin_timeout)),
        _ => return None,
    };
    Some(chosen.unwrap_or(usual))
}

impl Choice {
    fn reuse(self) -> Option<i64> {
        if let Self::ReuseAddress(on) = self { Some(i64::from(on)) } else { None }
    }

    fn keepalive(self) -> Option<i64> {
        if let Self::Keepalive(on) = self { Some(i64::from(on)) } else { None }
    }

    fn nodelay(self) -> Option<i64> {
        if let Self::NoDelay(on) = self { Some(i64::from(on)) } else { None }
    }

    fn user_timeout(self) -> Option<i64> {
        if let Self::UserTimeout(time) = self { i64::try_from(time.get() / 1_000).ok() } else { None }
    }

    fn keep_idle(self) -> Option<i64> {
        if let Self::KeepIdle(time) = self { i64::try_from(time.get() / 1_000_000).ok() } else { None }
    }

    fn keep_interval(self) -> Option<i64> {
        if let Self::KeepInterval(time) = self { i64::try_from(time.get() / 1_000_000).ok() } else { None }
    }

    fn keep_count(self) -> Option<i64> {
        if let Self::KeepCount(count) = self { Some(i64::from(count)) } else { None }
    }

    fn linger2(self) -> Option<i64> {
        match self {
            Self::FinTimeout(None) => Some(-1),
            Self::FinTimeout(Some(time)) => i64::try_from(time.get() / 1_000_000).ok(),
            _ => None,
        }
    }
}

impl Choice {
    /// Reads `level, name, value` as they stand in a call of setsockopt; `None` for a value that Linux refuses.
    pub(crate) fn read(level: &Value, name: &Value, value: &Value) -> Result<Option<Self>, String> {
        let (level, name) = (symbol(level)?, symbol(name)?);
        if (level, name) == ("SOL_SOCKET", "SO_LINGER") {
            return linger(value).map(Some);
        }
        let number = match value {
            Value::List(list) => match list.as_slice() {
                [Value::Number(n)] => *n,
                _ => return Err(format!("expected one number in brackets for {name}")),
            },
            _ => return Err(format!("expected a number in brackets for {name}")),
        };
        let time = |scale: u64| u64::try_from(number).ok().map(|value| Micros::new(value.saturating_mul(scale)));
        let seconds = || time(1_000_000).filter(|_| (1..=MOST_SECONDS).contains(&number));
        let size = u64::try_from(number).map_err(|_| format!("{name} cannot be {number}"));
        let tcp = ["IPPROTO_TCP", "SOL_TCP"].contains(&level);
        Ok(match name {
            "SO_REUSEADDR" if level == "SOL_SOCKET" => Some(Self::ReuseAddress(number != 0)),
            "SO_REUSEPORT" if level == "SOL_SOCKET" => Some(Self::NoEffect),
            "SO_KEEPALIVE" if level == "SOL_SOCKET" => Some(Self::Keepalive(number != 0)),
            "SO_RCVBUF" if level == "SOL_SOCKET" => Some(Self::ReceiveBuffer(size?)),
            "SO_SNDBUF" if level == "SOL_SOCKET" => Some(Self::SendBuffer(size?)),
            "TCP_KEEPIDLE" if tcp => seconds().map(Self::KeepIdle),
            "TCP_KEEPINTVL" if tcp => seconds().map(Self::KeepInterval),
            "TCP_KEEPCNT" if tcp => {
                u32::try_from(number).ok().filter(|_| (1..=MOST_PROBES).contains(&number)).map(Self::KeepCount)
            }
            "TCP_NODELAY" if tcp => Some(Self::NoDelay(number != 0)),
            "TCP_USER_TIMEOUT" if tcp => time(1_000).map(Self::UserTimeout),
            "TCP_LINGER2" if tcp => Some(Self::FinTimeout(time(1_000_000))),
            _ => return Err(format!("socket option {name} of {level} is not supported")),
        })
    }
}

impl Choice {
    /// Sets the option on a connection.
    pub(crate) fn apply(self, connection: &mut Connection, cx: Cx<'_>) {
        let socket = &mut connection.socket;
        match self {
            Self::NoEffect | Self::ReuseAddress(_) => {}
            Self::Linger(time) => socket.set_linger(time),
            Self::Keepalive(on) => {
                connection.keepalive = on;
                socket.set_keepalive(cx, on, None, None, None);
            }
            Self::KeepIdle(time) => socket.set_keepalive(cx, connection.keepalive, Some(time), None, None),
            Self::KeepInterval(time) => socket.set_keepalive(cx, connection.keepalive, None, Some(time), None),
            Self::KeepCount(count) => socket.set_keepalive(cx, connection.keepalive, None, None, Some(count)),
            Self::NoDelay(on) => socket.set_nodelay(cx, on),
            Self::UserTimeout(time) => socket.set_user_timeout(Some(time)),
            Self::FinTimeout(time) => socket.set_fin_timeout(time),
            Self::ReceiveBuffer(bytes) => socket.set_receive_buffer(bytes),
            Self::SendBuffer(bytes) => socket.set_send_buffer(bytes),
        }
    }
}

fn symbol(value: &Value) -> Result<&str, String> {
    match value {
        Value::Words(words) if words.len() == 1 => Ok(&words[0]),
        _ => Err("expected the name of a level or socket option".to_owned()),
    }
}

/// `{onoff=1, linger=0}`
fn linger(value: &Value) -> Result<Choice, String> {
    let Value::Fields(fields) = value else {
        return Err("expected {onoff=..., linger=...} for SO_LINGER".to_owned());
    };
    match fields.as_slice() {
        [(a, Value::Number(on)), (b, Value::Number(seconds))] if a == "onoff" && b == "linger" => {
            let seconds = u64::try_from(*seconds).map_err(|_| format!("SO_LINGER cannot be {seconds} s"))?;
            Ok(Choice::Linger((*on != 0).then(|| Micros::from_secs(seconds))))
        }
        _ => Err("expected {onoff=..., linger=...} for SO_LINGER".to_owned()),
    }
}
