//! The resolved scenario as JSON: every key with its value, defaults included, in a fixed order and without paths.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::dist::Distribution;
use crate::net::disturbance::{Disturbance, Pattern};
use crate::net::firewall::Firewall;
use crate::net::link::{DirectionConfig, LinkConfig, LossModel};
use crate::net::middlebox::{Middlebox, OnExpiry};
use crate::net::proxy::{OnReset, Proxy};
use crate::scenario::chaos::{Action, Chaos, Instants, Mishap, Target, Way};
use crate::scenario::kernel;
use crate::scenario::reconnect::Reconnect;
use crate::scenario::server::{Memory, Outgoing, Server};
use crate::scenario::sockets::{SocketOptions, Sockets};
use crate::scenario::{Class, Contender, Scenario, WeightedCloser};
use crate::time::Micros;
use crate::xmpp::config::{
    AfterTag, Answered, By, CloserProfile, Condition, InWait, Negotiation, Ping, Process, ResponderProfile, Source,
    StreamKind, StreamManagement, Unanswered, When,
};

/// The resolved scenario. Times are in microseconds, sizes in bytes; what is `null` was not given and has no default.
/// Values read from a file appear as their number and the SHA-256 of the values, so that no path enters.
pub fn to_json(scenario: &Scenario) -> Value {
    let mut value = json!({
        "name": scenario.name,
        "duration_us": scenario.duration.get(),
        "peers": scenario.peers,
        "nodes": scenario.nodes,
        "seed": scenario.seed,
        "strategies": scenario.strategies.iter().map(contender).collect::<Vec<_>>(),
        "arrivals_us": distribution(&scenario.arrivals),
        "kind": match scenario.kind {
            StreamKind::ClientToServer => "c2s",
            StreamKind::ServerToServer => "s2s",
        },
        "negotiation": match scenario.negotiation {
            Negotiation::Full => "full",
            Negotiation::Minimal => "minimal",
        },
        "by": match scenario.by {
            By::Server => "server",
            By::Client => "client",
            By::Both => "both",
        },
        "when": scenario.when.as_ref().map(when),
        "classes": scenario.classes.iter().map(class).collect::<Vec<_>>(),
        "kernel": kernel::to_json(&scenario.kernel),
    });
    // What few scenarios have is not there where it is not, so that others keep the SHA-256 that they had before.
    if let Some(management) = &scenario.stream_management {
        value["stream_management"] = stream_management(management);
    }
    if !scenario.chaos.is_empty() {
        value["chaos"] = scenario.chaos.iter().map(chaos).collect();
    }
    if let Some(back) = &scenario.reconnect {
        value["reconnect"] = reconnect(back);
    }
    if let Some(has) = &scenario.server {
        value["server"] = server(has);
    }
    if scenario.sockets != Sockets::default() {
        value["sockets"] = sockets(&scenario.sockets);
    }
    value
}

/// SHA-256 of the compact text of a JSON value, in hexadecimal: the scenario's in a manifest is that of [`to_json`].
pub fn sha256(value: &Value) -> String {
    hex(&Sha256::digest(value.to_string()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").ok();
        text
    })
}

fn stream_management(management: &StreamManagement) -> Value {
    let StreamManagement { request_every, request_interval, window, resume, after_tag, resend } = management;
    json!({
        "request_every": request_every,
        "request_interval_us": request_interval.map(Micros::get),
        "window": window,
        "resume_us": resume.map(Micros::get),
        "after_tag": match after_tag {
            AfterTag::End => "end",
            AfterTag::Keep => "keep",
        },
        "resend": resend,
    })
}

fn contender(contender: &Contender) -> Value {
    json!({ "name": contender.name, "closers": contender.closers.iter().map(closer).collect::<Vec<_>>() })
}

fn closer(closer: &WeightedCloser) -> Value {
    let CloserProfile { strategy, condition, timeout, in_wait, grace, ping } = &closer.profile;
    json!({
        "name": closer.name,
        "weight": closer.weight,
        "strategy": strategy.name(),
        "condition": match condition {
            Condition::ConnectionTimeout => "connection-timeout",
            Condition::Conflict => "conflict",
            Condition::PolicyViolation => "policy-violation",
            Condition::SystemShutdown => "system-shutdown",
        },
        "timeout_us": timeout.map(Micros::get),
        "in_wait": match in_wait {
            InWait::Process => "process",
            InWait::Discard => "discard",
        },
        "grace_us": grace.get(),
        "ping": ping.as_ref().map(self::ping),
        "when": closer.when.as_ref().map(when),
    })
}

fn ping(ping: &Ping) -> Value {
    json!({
        "timeout_us": ping.timeout.get(),
        "answered": match ping.answered {
            Answered::Close => "close",
            Answered::Stay => "stay",
        },
        "unanswered": match ping.unanswered {
            Unanswered::Drop => "drop",
            Unanswered::Close => "close",
        },
    })
}

fn when(when: &When) -> Value {
    match when {
        When::After(after) => json!({ "after_us": distribution(after) }),
        When::Idle { idle, sweep } => json!({ "idle_us": distribution(idle), "sweep_us": sweep.get() }),
    }
}

fn class(class: &Class) -> Value {
    let ResponderProfile {
        on_tag,
        on_error,
        delay,
        error_delay,
        reads_in_delay,
        half_closes,
        answers_half_close,
        drip_interval,
    } = &class.responder;
    json!({
        "name": class.name,
        "weight": class.weight,
        "responder": {
            "name": class.responder_name,
            "on_tag": on_tag.name(),
            "on_error": on_error.name(),
            "delay_us": distribution(delay),
            "error_delay_us": error_delay.as_ref().map(distribution),
            "reads_in_delay": reads_in_delay,
            "half_closes": half_closes,
            "answers_half_close": answers_half_close,
            "drip_interval_us": drip_interval.get(),
        },
        "link": link(&class.link),
        "traffic": {
            "client": class.traffic.client.as_ref().map(source),
            "server": class.traffic.server.as_ref().map(source),
        },
    })
}

fn link(link: &LinkConfig) -> Value {
    let mut value = json!({ "up": direction(&link.up), "down": direction(&link.down) });
    if let Some(Middlebox { nat_idle, on_expiry }) = link.middlebox {
        let on_expiry = match on_expiry {
            OnExpiry::Drop => "drop",
            OnExpiry::Reset => "reset",
        };
        value["middlebox"] = json!({ "nat_idle_us": nat_idle.get(), "on_expiry": on_expiry });
    }
    if let Some(Firewall { table, on_full, syn_rate, burst }) = link.firewall {
        let on_full = match on_full {
            OnExpiry::Drop => "drop",
            OnExpiry::Reset => "reset",
        };
        value["firewall"] = json!({ "table": table, "on_full": on_full, "syn_rate": syn_rate, "burst": burst });
    }
    if let Some(Proxy { latency, half_close, on_reset, idle, buffer }) = link.proxy {
        value["proxy"] = json!({
            "latency_us": latency.get(),
            "half_close": half_close,
            "on_reset": match on_reset {
                OnReset::Reset => "reset",
                OnReset::Close => "close",
            },
            "idle_us": idle.map(Micros::get),
            "buffer": buffer,
        });
    }
    value
}

fn reconnect(reconnect: &Reconnect) -> Value {
    let Reconnect { delay, backoff, ceiling, jitter, tries, times, classes } = reconnect;
    json!({
        "delay_us": distribution(delay),
        "backoff_us": backoff.get(),
        "ceiling_us": ceiling.get(),
        "jitter": jitter,
        "tries": tries,
        "times": times,
        "on": classes,
    })
}

fn server(server: &Server) -> Value {
    let Server { service, workers, queue, files, accept_rate, backlog, outgoing, memory, limits } = server;
    let Memory { socket, request, time_wait, stream } = memory;
    let mut value = json!({
        "service_us": service.as_ref().map(distribution),
        "workers": workers,
        "queue": queue,
        "files": files,
        "accept_rate": accept_rate,
        "backlog": backlog,
        "memory": { "socket": socket, "request": request, "time_wait": time_wait, "stream": stream },
        "limits": { "sockets": limits.sockets, "memory": limits.memory, "queue": limits.queue },
    });
    if let Some(Outgoing { ports, destinations }) = outgoing {
        value["outgoing"] = json!({ "ports": ports, "destinations": destinations });
    }
    value
}

fn sockets(Sockets { server, client }: &Sockets) -> Value {
    let options = |SocketOptions { keepalive, user_timeout }: &SocketOptions| json!({ "keepalive": keepalive, "user_timeout_us": user_timeout.map(Micros::get) });
    json!({ "server": options(server), "client": options(client) })
}

fn chaos(chaos: &Chaos) -> Value {
    let way = |way: &Way| match way {
        Way::Both => "both",
        Way::ToServer => "to-server",
        Way::ToClient => "to-client",
    };
    let (action, way) = match &chaos.action {
        Action::Link(what, to) => (disturbance(what), Some(way(to))),
        action @ Action::Inject(_, to) => (json!(action.name()), Some(way(to))),
        action @ Action::Machine(Mishap::ClockJump(shift)) => {
            (object([(action.name().to_owned(), json!({ "us": shift.get() }))]), None)
        }
        action @ (Action::Machine(_) | Action::NatExpire) => (json!(action.name()), None),
    };
    json!({
        "at": match chaos.at {
            Instants::Once(at) => json!({ "once_us": at.get() }),
            Instants::Every { every, jitter } => json!({ "every_us": every.get(), "jitter_us": jitter.get() }),
            Instants::Poisson(rate) => json!({ "poisson": rate }),
        },
        "for_us": chaos.lasts.as_ref().map(whole),
        "do": action,
        "way": way,
        "on": match &chaos.on {
            Target::All => json!("all"),
            Target::Server => json!("server"),
            Target::Node(node) => json!({ "node": node.0 }),
            Target::Class(class) => json!({ "class": class }),
            Target::Share(share) => json!({ "share": share }),
        },
    })
}

/// As in the scenario file, in base units.
fn disturbance(what: &Disturbance) -> Value {
    let parameter = match what {
        Disturbance::Partition => return json!(what.name()),
        Disturbance::Loss(p) | Disturbance::Duplicate(p) | Disturbance::Corrupt(p) => json!(p),
        Disturbance::Latency(latency) => json!({ "us": distribution(latency) }),
        Disturbance::Rate(r) => json!({ "bits_per_second": r.bits_per_second, "queue_bytes": r.queue_bytes }),
        Disturbance::Reorder { share, by } => json!({ "share": share, "by_us": by.get() }),
        Disturbance::Matching(Pattern::Syn) => json!("syn"),
        Disturbance::Matching(Pattern::Fin) => json!("fin"),
        Disturbance::Matching(Pattern::Rst) => json!("rst"),
        Disturbance::Matching(Pattern::Ack) => json!("ack"),
        Disturbance::Matching(Pattern::Data) => json!("data"),
        Disturbance::Matching(Pattern::Text(text)) => json!({ "text": text.as_ref() }),
    };
    object([(what.name().to_owned(), parameter)])
}

fn direction(direction: &DirectionConfig) -> Value {
    let DirectionConfig { latency, latency_floor, reorder, loss, duplicate, rate } = direction;
    json!({
        "latency_us": distribution(latency),
        "latency_floor_us": latency_floor.get(),
        "reorder": reorder,
        "loss": match loss {
            LossModel::Independent(p) => json!(p),
            LossModel::GilbertElliott { p, r, bad_loss, good_loss } => {
                json!({ "gilbert": { "p": p, "r": r, "bad_loss": bad_loss, "good_loss": good_loss } })
            }
        },
        "duplicate": duplicate,
        "rate": rate.map(|r| json!({ "bits_per_second": r.bits_per_second, "queue_bytes": r.queue_bytes })),
    })
}

fn source(source: &Source) -> Value {
    let process = match &source.process {
        Process::Poisson(rate) => json!({ "poisson": rate }),
        Process::Periodic(every) => json!({ "periodic_us": every.get() }),
        Process::Bursts { every, stanzas, spacing } => json!({
            "bursts": { "every_us": distribution(every), "stanzas": stanzas, "spacing_us": distribution(spacing) }
        }),
        Process::Respond { after } => json!({ "respond_us": distribution(after) }),
    };
    json!({ "process": process, "size": distribution(&source.size), "count": source.count })
}

/// A constant as its number, everything else as a table with the name of its family.
fn distribution(distribution: &Distribution) -> Value {
    match distribution {
        Distribution::Constant(value) => json!(value),
        Distribution::Uniform { low, high } => json!({ "uniform": [low, high] }),
        Distribution::Exponential { mean } => json!({ "exponential": mean }),
        Distribution::Normal { mean, sd } => json!({ "normal": { "mean": mean, "sd": sd } }),
        Distribution::LogNormal { median, sigma } => json!({ "lognormal": { "median": median, "sigma": sigma } }),
        Distribution::Gamma { shape, mean } => json!({ "gamma": { "shape": shape, "mean": mean } }),
        Distribution::Pareto { minimum, shape } => json!({ "pareto": { "minimum": minimum, "shape": shape } }),
        Distribution::Weibull { scale, shape } => json!({ "weibull": { "scale": scale, "shape": shape } }),
        Distribution::Empirical(values) => {
            let mut hash = Sha256::new();
            for value in values.iter() {
                hash.update(value.to_le_bytes());
            }
            json!({ "empirical": { "count": values.len(), "sha256": hex(&hash.finalize()) } })
        }
    }
}

/// The same, a constant as a whole number.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a scenario's times are at most a year")]
fn whole(times: &Distribution) -> Value {
    if let Distribution::Constant(us) = times { json!(*us as u64) } else { distribution(times) }
}

/// An object from pairs, in their order.
pub(super) fn object(pairs: impl IntoIterator<Item = (String, Value)>) -> Value {
    Value::Object(pairs.into_iter().collect::<Map<_, _>>())
}
