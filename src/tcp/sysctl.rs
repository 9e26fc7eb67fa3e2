//! One table of everything that can be set: name, unit, default, allowed range, meaning, source.
//!
//! [`Kernel`] is the configuration as the socket reads it, [`KEYS`] describes it. The scenario file, `farewell list`,
//! the JSON schema and the packetdrill runner read the table; a key without an effect on the model is not in it.

mod preset;

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::time::{Micros, SimTime};

pub use preset::{Difference, PRESETS, Preset};

/// Which congestion control a socket is born with (`tcp_congestion_control`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// CUBIC (RFC 9438), the default of Linux.
    Cubic,
    /// NewReno (RFC 5681, RFC 6582), `reno` in Linux.
    Reno,
}

impl Algorithm {
    /// The name Linux uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cubic => "cubic",
            Self::Reno => "reno",
        }
    }
}

/// A value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A length of time.
    Duration(Micros),
    /// A number of things.
    Count(u64),
    /// On or off.
    Switch(bool),
    /// A number of bytes.
    Bytes(u64),
    /// Minimum, default and maximum in bytes.
    Sizes([u64; 3]),
    /// A name.
    Word(String),
}

/// The kind of value a key takes, and how a sysctl writes a time of this key as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A length of time; the sysctl of this name counts in this unit.
    Duration {
        /// The length of one.
        unit: Micros,
    },
    /// A number of things.
    Count,
    /// On or off; a sysctl writes 1 or 0.
    Switch,
    /// A number of bytes.
    Bytes,
    /// Three numbers of bytes, rising.
    Sizes,
    /// One of these names.
    Word(&'static [&'static str]),
}

/// One row of the table.
#[derive(Debug)]
pub struct Key {
    /// The name: a Linux sysctl without its prefix, or one of ours.
    pub name: &'static str,
    /// The kind of value.
    pub kind: Kind,
    /// Smallest and largest value: microseconds, things or bytes.
    pub range: (u64, u64),
    /// One line: what it does.
    pub meaning: &'static str,
    /// Where the default comes from.
    pub source: &'static str,
    read: fn(&Kernel) -> Value,
    write: fn(&mut Kernel, &Value),
}

impl Key {
    /// The value in [`Kernel::default`].
    pub fn default_value(&self) -> Value {
        (self.read)(&Kernel::default())
    }
}

/// Why a key could not be set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No key of this name.
    #[error("unknown kernel key `{0}`")]
    Unknown(String),
    /// The value is of another kind.
    #[error("`{name}` takes {expected}, not {found}")]
    Kind {
        /// The key.
        name: &'static str,
        /// What it takes.
        expected: String,
        /// What was given.
        found: String,
    },
    /// The value is outside the allowed range.
    #[error("`{name}` is {found}, allowed is {low} to {high}")]
    Range {
        /// The key.
        name: &'static str,
        /// What was given.
        found: String,
        /// Smallest allowed.
        low: String,
        /// Largest allowed.
        high: String,
    },
}

const US: Micros = Micros::new(1);
const MS: Micros = Micros::new(1_000);
const SECOND: Micros = Micros::new(1_000_000);
const DAY: u64 = 86_400_000_000;
const GIB: u64 = 1 << 30;

macro_rules! kernel {
    ($($(#[doc = $doc:literal])+ $name:ident : $shape:ident $args:tt = $default:expr, $range:expr, $source:literal;)+) => {
        /// The configuration of a simulated kernel. [`KEYS`] gives each field's unit, range, meaning and source.
        #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
        pub struct Kernel {
            $($(#[doc = $doc])+ pub $name: kernel!(@type $shape),)+
        }

        impl Default for Kernel {
            /// Linux 6.18 as it comes.
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        /// Every key, in the order of their meaning.
        pub const KEYS: &[Key] = &[$(Key {
            name: stringify!($name),
            kind: kernel!(@kind $shape $args),
            range: $range,
            meaning: concat!($($doc),+).trim_ascii(),
            source: $source,
            read: |kernel| kernel!(@read $shape kernel.$name),
            write: |kernel, value| kernel!(@write $shape kernel.$name, value),
        },)+];
    };
    (@type time) => { Micros };
    (@type count) => { u64 };
    (@type switch) => { bool };
    (@type bytes) => { u64 };
    (@type sizes) => { [u64; 3] };
    (@type algorithm) => { Algorithm };
    (@kind time ($unit:expr)) => { Kind::Duration { unit: $unit } };
    (@kind count ()) => { Kind::Count };
    (@kind switch ()) => { Kind::Switch };
    (@kind bytes ()) => { Kind::Bytes };
    (@kind sizes ()) => { Kind::Sizes };
    (@kind algorithm ()) => { Kind::Word(&["cubic", "reno"]) };
    (@read time $place:expr) => { Value::Duration($place) };
    (@read count $place:expr) => { Value::Count($place) };
    (@read switch $place:expr) => { Value::Switch($place) };
    (@read bytes $place:expr) => { Value::Bytes($place) };
    (@read sizes $place:expr) => { Value::Sizes($place) };
    (@read algorithm $place:expr) => { Value::Word($place.name().to_owned()) };
    (@write time $place:expr, $value:expr) => { if let Value::Duration(v) = $value { $place = *v; } };
    (@write count $place:expr, $value:expr) => { if let Value::Count(v) = $value { $place = *v; } };
    (@write switch $place:expr, $value:expr) => { if let Value::Switch(v) = $value { $place = *v; } };
    (@write bytes $place:expr, $value:expr) => { if let Value::Bytes(v) = $value { $place = *v; } };
    (@write sizes $place:expr, $value:expr) => { if let Value::Sizes(v) = $value { $place = *v; } };
    (@write algorithm $place:expr, $value:expr) => {
        if let Value::Word(v) = $value {
            $place = if v == "cubic" { Algorithm::Cubic } else { Algorithm::Reno };
        }
    };
}

kernel! {
    /// how long an orphan stays in FIN-WAIT-2
    tcp_fin_timeout: time(SECOND) = Micros::from_secs(60), (0, DAY), "Linux ip-sysctl, TCP_FIN_TIMEOUT";
    /// retransmissions before an orphan is dropped, turned into a time; 0 means 8
    tcp_orphan_retries: count() = 0, (0, 255), "Linux ip-sysctl, tcp_orphan_retries()";
    /// retransmissions before a connection is given up, turned into a time
    tcp_retries2: count() = 15, (0, 255), "Linux ip-sysctl, TCP_RETR2";
    /// retransmissions of a SYN with doubling waits
    tcp_syn_retries: count() = 6, (1, 127), "Linux ip-sysctl, TCP_SYN_RETRIES";
    /// retransmissions of a SYN one second apart, before the doubling ones
    tcp_syn_linear_timeouts: count() = 4, (0, 127), "Linux ip-sysctl, since 6.5";
    /// retransmissions of a SYN-ACK
    tcp_synack_retries: count() = 5, (0, 255), "Linux ip-sysctl, TCP_SYNACK_RETRIES";
    /// selective acknowledgements (RFC 2018)
    tcp_sack: switch() = true, (0, 1), "Linux ip-sysctl";
    /// duplicate selective acknowledgements (RFC 2883)
    tcp_dsack: switch() = true, (0, 1), "Linux ip-sysctl";
    /// timestamps (RFC 7323)
    tcp_timestamps: switch() = true, (0, 1), "Linux ip-sysctl (2, without random offsets, counts as 1)";
    /// window scaling (RFC 7323)
    tcp_window_scaling: switch() = true, (0, 1), "Linux ip-sysctl";
    /// receive buffer: minimum, at birth, maximum
    tcp_rmem: sizes() = [4_096, 131_072, 33_554_432], (1_024, GIB), "Linux ip-sysctl, 6.18";
    /// send buffer: minimum, at birth, maximum
    tcp_wmem: sizes() = [4_096, 16_384, 4_194_304], (1_024, GIB), "Linux ip-sysctl";
    /// tail-loss probe (RFC 8985 section 7) with 3 or 4, none with 0
    tcp_early_retrans: count() = 3, (0, 4), "Linux ip-sysctl";
    /// bits of RACK (RFC 8985): 2 fixes the reordering window, 4 ignores three duplicate ACKs
    tcp_recovery: count() = 1, (0, 7), "Linux ip-sysctl; bit 1 is always on since 6.17";
    /// detection of spurious timeouts (F-RTO, RFC 5682), 0 is off
    tcp_frto: count() = 2, (0, 2), "Linux ip-sysctl";
    /// congestion control
    tcp_congestion_control: algorithm() = Algorithm::Cubic, (0, 0), "Linux, CONFIG_DEFAULT_TCP_CONG";
    /// floor of the variance term of the retransmission timeout
    tcp_rto_min_us: time(US) = Micros::from_millis(200), (1, 60_000_000), "Linux ip-sysctl, TCP_RTO_MIN";
    /// ceiling of the retransmission timeout
    tcp_rto_max_ms: time(MS) = Micros::from_secs(120), (1_000_000, 120_000_000), "Linux ip-sysctl, TCP_RTO_MAX";
    /// idle time before the first keepalive probe
    tcp_keepalive_time: time(SECOND) = Micros::from_secs(7_200), (1_000_000, 32_767_000_000), "Linux ip-sysctl";
    /// time between keepalive probes
    tcp_keepalive_intvl: time(SECOND) = Micros::from_secs(75), (1_000_000, 32_767_000_000), "Linux ip-sysctl";
    /// unanswered keepalive probes before the connection is dropped
    tcp_keepalive_probes: count() = 9, (1, 127), "Linux ip-sysctl";
    /// protect TIME-WAIT from a RST (RFC 1337)
    tcp_rfc1337: switch() = false, (0, 1), "Linux ip-sysctl";
    /// shrink the congestion window after a pause as long as the retransmission timeout
    tcp_slow_start_after_idle: switch() = true, (0, 1), "Linux ip-sysctl, RFC 2861";
    /// challenge ACKs a second (RFC 5961); counted for each socket here, for the whole host in Linux
    tcp_challenge_ack_limit: count() = 2_147_483_647, (1, 2_147_483_647), "Linux ip-sysctl";
    /// smallest time between two ACKs that answer segments which are not acceptable
    tcp_invalid_ratelimit: time(MS) = Micros::from_millis(500), (0, DAY), "Linux ip-sysctl";
    /// answer with a RST when the accept queue is full, instead of waiting for the next attempt
    tcp_abort_on_overflow: switch() = false, (0, 1), "Linux ip-sysctl";
    /// half-open connections of a listener before new SYNs are dropped, where there are no SYN cookies
    tcp_max_syn_backlog: count() = 2_048, (1, 2_147_483_647), "Linux ip-sysctl, by memory";
    /// SYN cookies: a full SYN queue does not refuse
    tcp_syncookies: switch() = true, (0, 1), "Linux ip-sysctl (2, always, counts as 1)";
    /// largest backlog that a listener is granted
    somaxconn: count() = 4_096, (0, 2_147_483_647), "Linux net.core, SOMAXCONN";
    /// segments by which a packet may be late before it counts as lost
    tcp_reordering: count() = 3, (1, 300), "Linux ip-sysctl, TCP_FASTRETRANS_THRESH";
    /// merge small neighbouring segments when they are sent again
    tcp_retrans_collapse: switch() = true, (0, 1), "Linux ip-sysctl";
    /// segment size that is announced: the MTU of 1500 without IPv4 and TCP headers
    mss: bytes() = 1_460, (88, 65_495), "RFC 9293 section 3.7.1 on Ethernet";
    /// congestion window at the start, in segments
    initial_cwnd: count() = 10, (1, 1_000), "Linux TCP_INIT_CWND, RFC 6928";
    /// how long TIME-WAIT lasts
    time_wait: time(SECOND) = Micros::from_secs(60), (0, DAY), "Linux TCP_TIMEWAIT_LEN";
    /// shortest delay of an ACK
    delayed_ack_min: time(MS) = Micros::from_millis(40), (0, 500_000), "Linux TCP_DELACK_MIN, TCP_ATO_MIN";
    /// longest delay of an ACK
    delayed_ack_max: time(MS) = Micros::from_millis(200), (0, 500_000), "Linux TCP_DELACK_MAX";
    /// a received RST discards what the application has not read yet
    reset_discards_received: switch() = false, (0, 1), "Linux tcp_reset() keeps it";
    /// applications switch Nagle's algorithm off, as XMPP software does
    nodelay: switch() = true, (0, 1), "XMPP practice, TCP_NODELAY; a bare Linux socket is born without";
    /// tick of the kernel's timers; 0 makes every timer exact
    tick: time(US) = Micros::from_millis(4), (0, 10_000), "Linux CONFIG_HZ=250, timer wheel";
}

/// How many bits a level of the kernel's timer wheel is coarser than the one below.
const LEVEL_BITS: u32 = 3;
/// Ticks that the finest level of the timer wheel covers.
const LEVEL_TICKS: u64 = 63;

impl Kernel {
    /// The row of a key.
    pub fn key(name: &str) -> Option<&'static Key> {
        KEYS.iter().find(|key| key.name == name)
    }

    /// The value of a key.
    pub fn get(&self, name: &str) -> Option<Value> {
        Self::key(name).map(|key| (key.read)(self))
    }

    /// Sets a key.
    ///
    /// # Errors
    /// When the key is unknown, or the value is of the wrong kind or out of range.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), SetError> {
        let key = Self::key(name).ok_or_else(|| SetError::Unknown(name.to_owned()))?;
        key.check(value)?;
        (key.write)(self, value);
        Ok(())
    }

    /// Sets a key as the `sysctl` command does: `text` is a number in the kernel's own unit (seconds for
    /// `tcp_fin_timeout`), three numbers, or a name. A prefix such as `net.ipv4.` is dropped.
    ///
    /// # Errors
    /// When the key is unknown, or the text is no such value or out of range.
    pub fn set_sysctl(&mut self, name: &str, text: &str) -> Result<(), SetError> {
        let name = name.rsplit(['.', '/']).next().unwrap_or(name);
        let key = Self::key(name).ok_or_else(|| SetError::Unknown(name.to_owned()))?;
        let text = text.trim();
        let wrong = || SetError::Kind { name: key.name, expected: key.kind.to_string(), found: format!("`{text}`") };
        let number = || text.parse::<u64>().map_err(|_| wrong());
        let value = match key.kind {
            Kind::Duration { unit } => Value::Duration(unit * number()?),
            Kind::Count => Value::Count(number()?),
            Kind::Switch => Value::Switch(number()? != 0),
            Kind::Bytes => Value::Bytes(number()?),
            Kind::Sizes => {
                let numbers: Result<Vec<u64>, _> = text.split_whitespace().map(str::parse).collect();
                Value::Sizes(numbers.ok().and_then(|n| n.try_into().ok()).ok_or_else(wrong)?)
            }
            Kind::Word(_) => Value::Word(text.to_owned()),
        };
        self.set(name, &value)
    }

    /// When a timer armed at `now` for `delay` fires: never early, on a tick, and the later the coarser, as
    /// the kernel's timer wheel does it (`calc_wheel_index` of kernel/time/timer.c).
    pub fn expiry(&self, now: SimTime, delay: Micros) -> SimTime {
        let tick = self.tick.get();
        if tick == 0 {
            return now + delay;
        }
        let ticks = delay.get().div_ceil(tick).max(1);
        let mut level = 0;
        while level < 8 && ticks >= LEVEL_TICKS << (LEVEL_BITS * level) {
            level += 1;
        }
        let shift = LEVEL_BITS * level;
        let bucket = (((now.as_micros() / tick + ticks) >> shift) + 1) << shift;
        SimTime::from_micros(bucket.saturating_mul(tick))
    }

    /// `d` rounded up to whole ticks, in which the kernel keeps its timeouts.
    pub(super) fn ticks(&self, d: Micros) -> Micros {
        let tick = self.tick.get();
        if tick == 0 { d } else { Micros::new(d.get().div_ceil(tick).saturating_mul(tick)) }
    }

    /// A length cut down to whole ticks, as the division of a number of ticks does.
    pub(super) fn whole_ticks(&self, d: Micros) -> Micros {
        Micros::new(d.get() - d.get().checked_rem(self.tick.get()).unwrap_or(0))
    }

    /// The instant of the last tick.
    pub(super) fn last_tick(&self, now: SimTime) -> SimTime {
        let tick = self.tick.get();
        SimTime::from_micros(now.as_micros().checked_div(tick).map_or(now.as_micros(), |ticks| ticks * tick))
    }
}

impl Key {
    fn check(&self, value: &Value) -> Result<(), SetError> {
        let (low, high) = self.range;
        let numbers: &[u64] = match (self.kind, value) {
            (Kind::Duration { .. }, Value::Duration(d)) => &[d.get()],
            (Kind::Count, Value::Count(n)) | (Kind::Bytes, Value::Bytes(n)) => &[*n],
            (Kind::Switch, Value::Switch(_)) => &[],
            (Kind::Sizes, Value::Sizes(n)) if n[0] <= n[1] && n[1] <= n[2] => n,
            (Kind::Word(names), Value::Word(word)) if names.contains(&word.as_str()) => &[],
            _ => {
                let expected = self.kind.to_string();
                return Err(SetError::Kind { name: self.name, expected, found: value.to_string() });
            }
        };
        if numbers.iter().all(|n| (low..=high).contains(n)) {
            return Ok(());
        }
        let show = |n: u64| match self.kind {
            Kind::Duration { .. } => Micros::new(n).to_string(),
            Kind::Count | Kind::Switch | Kind::Bytes | Kind::Sizes | Kind::Word(_) => n.to_string(),
        };
        Err(SetError::Range { name: self.name, found: value.to_string(), low: show(low), high: show(high) })
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration(d) => d.fmt(f),
            Self::Count(n) | Self::Bytes(n) => n.fmt(f),
            Self::Switch(on) => on.fmt(f),
            Self::Sizes([low, birth, high]) => write!(f, "{low} {birth} {high}"),
            Self::Word(word) => write!(f, "`{word}`"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duration { .. } => f.write_str("a duration"),
            Self::Count => f.write_str("a number"),
            Self::Switch => f.write_str("true or false"),
            Self::Bytes => f.write_str("a number of bytes"),
            Self::Sizes => f.write_str("three rising numbers of bytes"),
            Self::Word(names) => write!(f, "one of {}", names.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_default_is_within_its_range_and_survives_a_round_trip() {
        let mut kernel = Kernel::default();
        for key in KEYS {
            kernel.set(key.name, &key.default_value()).unwrap();
        }
        assert_eq!(kernel, Kernel::default());
    }

    #[test]
    fn a_sysctl_is_read_in_the_kernels_unit() {
        let mut kernel = Kernel::default();
        kernel.set_sysctl("net.ipv4.tcp_fin_timeout", "5").unwrap();
        kernel.set_sysctl("net.ipv4.tcp_invalid_ratelimit", "0").unwrap();
        kernel.set_sysctl("net.ipv4.tcp_rmem", "4096\t8192  16384").unwrap();
        kernel.set_sysctl("net/ipv4/tcp_sack", "0").unwrap();
        assert_eq!(kernel.tcp_fin_timeout, Micros::from_secs(5));
        assert_eq!(kernel.tcp_invalid_ratelimit, Micros::ZERO);
        assert_eq!(kernel.tcp_rmem, [4_096, 8_192, 16_384]);
        assert!(!kernel.tcp_sack);
    }

    #[test]
    fn a_refusal_names_key_value_and_what_is_allowed() {
        let mut kernel = Kernel::default();
        let texts: Vec<String> = [
            kernel.set("tcp_fin", &Value::Count(1)).unwrap_err().to_string(),
            kernel.set("tcp_sack", &Value::Count(1)).unwrap_err().to_string(),
            kernel.set("tcp_syn_retries", &Value::Count(128)).unwrap_err().to_string(),
            kernel.set_sysctl("tcp_congestion_control", "bbr").unwrap_err().to_string(),
        ]
        .into();
        assert_eq!(
            texts,
            [
                "unknown kernel key `tcp_fin`",
                "`tcp_sack` takes true or false, not 1",
                "`tcp_syn_retries` is 128, allowed is 1 to 127",
                "`tcp_congestion_control` takes one of cubic, reno, not `bbr`",
            ]
        );
    }

    #[test]
    fn timers_fire_on_ticks_never_early_and_coarser_when_far() {
        let kernel = Kernel::default();
        let at = |us, delay| kernel.expiry(SimTime::from_micros(us), Micros::from_millis(delay)).as_micros();
        assert_eq!(at(0, 40), 44_000);
        assert_eq!(at(3_999, 40), 44_000);
        // 1 s is 250 ticks: the second level, eight ticks of 4 ms wide.
        assert_eq!(at(0, 1_000), 1_024_000);
        let exact = Kernel { tick: Micros::ZERO, ..kernel };
        assert_eq!(exact.expiry(SimTime::from_micros(7), Micros::new(5)).as_micros(), 12);
    }
}
