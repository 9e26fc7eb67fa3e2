//! Socket options: from the script's symbols to the socket's settings.

use farewell::tcp::Cx;
use farewell::time::Micros;

use crate::machine::Connection;
use crate::script::Value;

/// An option with its value, ready to be applied to a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// Accepted and without effect on a host with one simulated peer: `SO_REUSEADDR`, `SO_REUSEPORT`.
    NoEffect,
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

impl Choice {
    /// Reads `level, name, value` as they stand in a call of setsockopt.
    pub(crate) fn read(level: &Value, name: &Value, value: &Value) -> Result<Self, String> {
        let (level, name) = (symbol(level)?, symbol(name)?);
        if name == "SO_LINGER" {
            return linger(value);
        }
        let number = match value {
            Value::List(list) => match list.as_slice() {
                [Value::Number(n)] => *n,
                _ => return Err(format!("expected one number in brackets for {name}")),
            },
            _ => return Err(format!("expected a number in brackets for {name}")),
        };
        let positive = |scale: u64| {
            let value = u64::try_from(number).map_err(|_| format!("{name} cannot be {number}"))?;
            Ok::<_, String>(Micros::new(value * scale))
        };
        let size = || u64::try_from(number).map_err(|_| format!("{name} cannot be {number}"));
        match (level, name) {
            ("SOL_SOCKET", "SO_REUSEADDR" | "SO_REUSEPORT") => Ok(Self::NoEffect),
            ("SOL_SOCKET", "SO_KEEPALIVE") => Ok(Self::Keepalive(number != 0)),
            ("SOL_SOCKET", "SO_RCVBUF") => Ok(Self::ReceiveBuffer(size()?)),
            ("SOL_SOCKET", "SO_SNDBUF") => Ok(Self::SendBuffer(size()?)),
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_KEEPIDLE") => Ok(Self::KeepIdle(positive(1_000_000)?)),
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_KEEPINTVL") => Ok(Self::KeepInterval(positive(1_000_000)?)),
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_KEEPCNT") => {
                Ok(Self::KeepCount(u32::try_from(number).map_err(|_| format!("{name} cannot be {number}"))?))
            }
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_NODELAY") => Ok(Self::NoDelay(number != 0)),
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_USER_TIMEOUT") => Ok(Self::UserTimeout(positive(1_000)?)),
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_LINGER2") if number < 0 => Ok(Self::FinTimeout(None)),
            ("IPPROTO_TCP" | "SOL_TCP", "TCP_LINGER2") => Ok(Self::FinTimeout(Some(positive(1_000_000)?))),
            _ => Err(format!("socket option {name} of {level} is not supported")),
        }
    }
}

impl Choice {
    /// Sets the option on a connection.
    pub(crate) fn apply(self, connection: &mut Connection, cx: Cx<'_>) {
        let socket = &mut connection.socket;
        match self {
            Self::NoEffect => {}
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
        _ => Err("expected the name of a socket option".to_owned()),
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
