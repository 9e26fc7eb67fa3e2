//! The way back from [`to_json`]: a resolved scenario out of a manifest, so that one of its streams can be run again.
//!
//! Only a scenario that gives the same JSON again is handed out: what is read here can differ in no key from what was run.

mod chaos;

use serde_json::Value;

use crate::dist::Distribution;
use crate::net::link::{DirectionConfig, LinkConfig, LossModel, RateLimit};
use crate::scenario::canonical::to_json;
use crate::scenario::reconnect::Reconnect;
use crate::scenario::server::{Limits, Memory, Outgoing, Server};
use crate::scenario::sockets::{SocketOptions, Sockets};
use crate::scenario::{Class, Contender, Scenario, WeightedCloser};
use crate::tcp::sysctl::{KEYS, Kernel, Kind, Value as Setting};
use crate::time::Micros;
use crate::xmpp::config::{
    AfterTag, Answered, By, CloserProfile, Condition, InWait, Negotiation, Ping, Process, Responder, ResponderProfile,
    Source, Strategy, StreamKind, StreamManagement, Traffic, Unanswered, When,
};

/// The scenario of which `json` is the resolved form, as it is in a manifest (where the seed stands elsewhere).
///
/// # Errors
/// The key that cannot be read. Distributions that were read from a file are among them: their values are not in the JSON.
pub fn from_json(json: &Value, seed: u64) -> Result<Scenario, String> {
    let scenario = At { json, path: "scenario".to_owned() }.scenario(seed)?;
    let mut again = to_json(&scenario);
    if let Some(keys) = again.as_object_mut() {
        keys.shift_remove("seed");
    }
    if again == *json { Ok(scenario) } else { Err("scenario: it has keys that this version does not know".to_owned()) }
}

/// A value and the way to it, for messages.
struct At<'a> {
    json: &'a Value,
    path: String,
}

type Read<T> = Result<T, String>;

impl<'a> At<'a> {
    fn key(&self, key: &str) -> At<'a> {
        At { json: &self.json[key], path: format!("{}.{key}", self.path) }
    }

    fn wrong<T>(&self, what: &str) -> Read<T> {
        Err(format!("{}: {what}", self.path))
    }

    fn found<T>(&self, value: Option<T>, what: &str) -> Read<T> {
        value.map_or_else(|| self.wrong(&format!("expected {what}")), Ok)
    }

    fn float(&self) -> Read<f64> {
        self.found(self.json.as_f64(), "a number")
    }

    fn integer(&self) -> Read<u64> {
        self.found(self.json.as_u64(), "a whole number")
    }

    fn small(&self) -> Read<u32> {
        self.found(self.json.as_u64().and_then(|n| n.try_into().ok()), "a whole number below 2^32")
    }

    fn time(&self) -> Read<Micros> {
        Ok(Micros::new(self.integer()?))
    }

    fn switch(&self) -> Read<bool> {
        self.found(self.json.as_bool(), "true or false")
    }

    fn text(&self) -> Read<&'a str> {
        self.found(self.json.as_str(), "a text")
    }

    /// One of several names.
    fn word<T: Copy>(&self, words: &[(&str, T)]) -> Read<T> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, value)| *value);
        self.found(found, "a name that this version knows")
    }

    fn optional<T>(&self, read: impl FnOnce(&Self) -> Read<T>) -> Read<Option<T>> {
        if self.json.is_null() { Ok(None) } else { read(self).map(Some) }
    }

    fn each<T>(&self, read: impl Fn(&At<'a>) -> Read<T>) -> Read<Vec<T>> {
        let items = self.found(self.json.as_array(), "a list")?;
        items.iter().enumerate().map(|(i, json)| read(&At { json, path: format!("{}.{i}", self.path) })).collect()
    }

    fn scenario(&self, seed: u64) -> Read<Scenario> {
        let kinds = [("c2s", StreamKind::ClientToServer), ("s2s", StreamKind::ServerToServer)];
        Ok(Scenario {
            name: self.key("name").text()?.to_owned(),
            duration: self.key("duration_us").time()?,
            peers: self.key("peers").small()?,
            nodes: self.key("nodes").small()?,
            seed,
            strategies: self.key("strategies").each(At::contender)?,
            arrivals: self.key("arrivals_us").distribution()?,
            kind: self.key("kind").word(&kinds)?,
            negotiation: self
                .key("negotiation")
                .word(&[("full", Negotiation::Full), ("minimal", Negotiation::Minimal)])?,
            by: self.key("by").word(&[("server", By::Server), ("client", By::Client), ("both", By::Both)])?,
            when: self.key("when").optional(At::when)?,
            classes: self.key("classes").each(At::class)?,
            kernel: self.key("kernel").kernel()?,
            stream_management: self.key("stream_management").optional(At::management)?,
            chaos: self.key("chaos").optional(|at| at.each(At::chaos))?.unwrap_or_default(),
            reconnect: self.key("reconnect").optional(At::reconnect)?,
            server: self.key("server").optional(At::server)?,
            sockets: self.key("sockets").optional(At::sockets)?.unwrap_or_default(),
        })
    }

    fn sockets(&self) -> Read<Sockets> {
        Ok(Sockets { server: self.key("server").socket_options()?, client: self.key("client").socket_options()? })
    }

    fn socket_options(&self) -> Read<SocketOptions> {
        Ok(SocketOptions {
            keepalive: self.key("keepalive").switch()?,
            user_timeout: self.key("user_timeout_us").optional(At::time)?,
        })
    }

    fn reconnect(&self) -> Read<Reconnect> {
        let class = |at: &At<'_>| at.found(as_int(at), "the number of a class");
        Ok(Reconnect {
            delay: self.key("delay_us").distribution()?,
            backoff: self.key("backoff_us").time()?,
            ceiling: self.key("ceiling_us").time()?,
            jitter: self.key("jitter").float()?,
            tries: self.key("tries").optional(At::small)?,
            times: self.key("times").small()?,
            classes: self.key("on").optional(|at| at.each(class))?,
        })
    }

    fn server(&self) -> Read<Server> {
        let (memory, limits) = (self.key("memory"), self.key("limits"));
        Ok(Server {
            service: self.key("service_us").optional(At::distribution)?,
            workers: self.key("workers").small()?,
            queue: self.key("queue").optional(At::small)?,
            files: self.key("files").optional(At::small)?,
            accept_rate: self.key("accept_rate").optional(At::small)?,
            backlog: self.key("backlog").optional(At::integer)?,
            outgoing: self.key("outgoing").optional(At::outgoing)?,
            memory: Memory {
                socket: memory.key("socket").integer()?,
                request: memory.key("request").integer()?,
                time_wait: memory.key("time_wait").integer()?,
                stream: memory.key("stream").integer()?,
            },
            limits: Limits {
                sockets: limits.key("sockets").optional(At::integer)?,
                memory: limits.key("memory").optional(At::integer)?,
                queue: limits.key("queue").optional(At::integer)?,
            },
        })
    }

    fn outgoing(&self) -> Read<Outgoing> {
        Ok(Outgoing { ports: self.key("ports").optional(At::small)?, destinations: self.key("destinations").small()? })
    }

    fn management(&self) -> Read<StreamManagement> {
        Ok(StreamManagement {
            request_every: self.key("request_every").optional(At::small)?,
            request_interval: self.key("request_interval_us").optional(At::time)?,
            window: self.key("window").optional(At::small)?,
            resume: self.key("resume_us").optional(At::time)?,
            after_tag: self.key("after_tag").word(&[("end", AfterTag::End), ("keep", AfterTag::Keep)])?,
            resend: self.key("resend").switch()?,
        })
    }

    fn contender(&self) -> Read<Contender> {
        Ok(Contender { name: self.key("name").text()?.to_owned(), closers: self.key("closers").each(At::closer)? })
    }

    fn closer(&self) -> Read<WeightedCloser> {
        let conditions = [
            ("connection-timeout", Condition::ConnectionTimeout),
            ("conflict", Condition::Conflict),
            ("policy-violation", Condition::PolicyViolation),
            ("system-shutdown", Condition::SystemShutdown),
        ];
        let strategy = self.key("strategy");
        let profile = CloserProfile {
            strategy: strategy.found(Strategy::from_name(strategy.text()?), "a strategy")?,
            condition: self.key("condition").word(&conditions)?,
            timeout: self.key("timeout_us").optional(At::time)?,
            in_wait: self.key("in_wait").word(&[("process", InWait::Process), ("discard", InWait::Discard)])?,
            grace: self.key("grace_us").time()?,
            ping: self.key("ping").optional(At::ping)?,
        };
        Ok(WeightedCloser {
            name: self.key("name").text()?.to_owned(),
            weight: self.key("weight").float()?,
            profile,
            when: self.key("when").optional(At::when)?,
        })
    }

    fn ping(&self) -> Read<Ping> {
        Ok(Ping {
            timeout: self.key("timeout_us").time()?,
            answered: self.key("answered").word(&[("close", Answered::Close), ("stay", Answered::Stay)])?,
            unanswered: self.key("unanswered").word(&[("drop", Unanswered::Drop), ("close", Unanswered::Close)])?,
        })
    }

    fn when(&self) -> Read<When> {
        let (after, idle) = (self.key("after_us"), self.key("idle_us"));
        if idle.json.is_null() {
            Ok(When::After(after.distribution()?))
        } else {
            Ok(When::Idle { idle: idle.distribution()?, sweep: self.key("sweep_us").time()? })
        }
    }

    fn class(&self) -> Read<Class> {
        let (responder, link, traffic) = (self.key("responder"), self.key("link"), self.key("traffic"));
        Ok(Class {
            name: self.key("name").text()?.to_owned(),
            weight: self.key("weight").float()?,
            responder_name: responder.key("name").text()?.to_owned(),
            responder: responder.responder()?,
            link: LinkConfig {
                up: link.key("up").direction()?,
                down: link.key("down").direction()?,
                middlebox: link.key("middlebox").optional(At::middlebox)?,
                firewall: link.key("firewall").optional(At::firewall)?,
                proxy: link.key("proxy").optional(At::proxy)?,
            },
            traffic: Traffic {
                client: traffic.key("client").optional(At::source)?,
                server: traffic.key("server").optional(At::source)?,
            },
        })
    }

    fn responder(&self) -> Read<ResponderProfile> {
        let named = |at: At<'_>| at.found(Responder::from_name(at.text()?), "a responder");
        Ok(ResponderProfile {
            on_tag: named(self.key("on_tag"))?,
            on_error: named(self.key("on_error"))?,
            delay: self.key("delay_us").distribution()?,
            error_delay: self.key("error_delay_us").optional(At::distribution)?,
            reads_in_delay: self.key("reads_in_delay").switch()?,
            half_closes: self.key("half_closes").switch()?,
            answers_half_close: self.key("answers_half_close").switch()?,
            drip_interval: self.key("drip_interval_us").time()?,
        })
    }

    fn direction(&self) -> Read<DirectionConfig> {
        let rate = |at: &At<'_>| {
            let (bits, queue) = (at.key("bits_per_second"), at.key("queue_bytes"));
            let (Some(bits_per_second), Some(queue_bytes)) = (as_int(&bits), as_int(&queue)) else {
                return at.wrong("expected a rate and a queue");
            };
            Ok(RateLimit { bits_per_second, queue_bytes })
        };
        Ok(DirectionConfig {
            latency: self.key("latency_us").distribution()?,
            latency_floor: self.key("latency_floor_us").time()?,
            reorder: self.key("reorder").switch()?,
            loss: self.key("loss").loss()?,
            duplicate: self.key("duplicate").float()?,
            rate: self.key("rate").optional(rate)?,
        })
    }

    fn loss(&self) -> Read<LossModel> {
        if self.json.is_number() {
            return Ok(LossModel::Independent(self.float()?));
        }
        let model = self.key("gilbert");
        Ok(LossModel::GilbertElliott {
            p: model.key("p").float()?,
            r: model.key("r").float()?,
            bad_loss: model.key("bad_loss").float()?,
            good_loss: model.key("good_loss").float()?,
        })
    }

    fn source(&self) -> Read<Source> {
        let (name, at) = self.key("process").only()?;
        let process = match name {
            "poisson" => Process::Poisson(at.float()?),
            "periodic_us" => Process::Periodic(at.time()?),
            "bursts" => Process::Bursts {
                every: at.key("every_us").distribution()?,
                stanzas: at.key("stanzas").small()?,
                spacing: at.key("spacing_us").distribution()?,
            },
            "respond_us" => Process::Respond { after: at.distribution()? },
            _ => return at.wrong("no process of stanzas that this version knows"),
        };
        Ok(Source { process, size: self.key("size").distribution()?, count: self.key("count").optional(At::small)? })
    }

    /// The one key of a table, with its value.
    fn only(&self) -> Read<(&'a str, At<'a>)> {
        let table = self.found(self.json.as_object(), "a table")?;
        let (key, json) = self.found(table.iter().next(), "a table with a key")?;
        Ok((key, At { json, path: format!("{}.{key}", self.path) }))
    }

    fn distribution(&self) -> Read<Distribution> {
        if self.json.is_number() {
            return Ok(Distribution::Constant(self.float()?));
        }
        let (family, at) = self.only()?;
        let of = |key: &str| at.key(key).float();
        Ok(match family {
            "uniform" => match at.each(At::float)?.as_slice() {
                [low, high] => Distribution::Uniform { low: *low, high: *high },
                _ => return at.wrong("expected two numbers"),
            },
            "exponential" => Distribution::Exponential { mean: at.float()? },
            "normal" => Distribution::Normal { mean: of("mean")?, sd: of("sd")? },
            "lognormal" => Distribution::LogNormal { median: of("median")?, sigma: of("sigma")? },
            "gamma" => Distribution::Gamma { shape: of("shape")?, mean: of("mean")? },
            "pareto" => Distribution::Pareto { minimum: of("minimum")?, shape: of("shape")? },
            "weibull" => Distribution::Weibull { scale: of("scale")?, shape: of("shape")? },
            "empirical" => return at.wrong("its values were read from a file and are not in the manifest"),
            _ => return at.wrong("no distribution that this version knows"),
        })
    }

    fn kernel(&self) -> Read<Kernel> {
        let mut kernel = Kernel::default();
        for key in KEYS {
            let at = self.key(key.name);
            let value = match key.kind {
                Kind::Duration { .. } => Setting::Duration(at.time()?),
                Kind::Count => Setting::Count(at.integer()?),
                Kind::Switch => Setting::Switch(at.switch()?),
                Kind::Bytes => Setting::Bytes(at.integer()?),
                Kind::Word(_) => Setting::Word(at.text()?.to_owned()),
                Kind::Sizes => {
                    let sizes = at.each(At::integer)?.try_into();
                    Setting::Sizes(at.found(sizes.ok(), "three sizes")?)
                }
            };
            kernel.set(key.name, &value).map_err(|error| format!("{}: {error}", at.path))?;
        }
        Ok(kernel)
    }
}

fn as_int<T: TryFrom<u64>>(at: &At<'_>) -> Option<T> {
    at.json.as_u64().and_then(|n| n.try_into().ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{SourceText, builtin, load};

    fn manifest_form(scenario: &Scenario) -> Value {
        let mut json = to_json(scenario);
        json.as_object_mut().unwrap().shift_remove("seed");
        // As it is read from a file.
        serde_json::from_str(&json.to_string()).unwrap()
    }

    #[test]
    fn every_built_in_scenario_comes_back_whole() {
        let mut seen = 0;
        for name in builtin::names() {
            let text = SourceText::find(name).unwrap();
            for point in load(&text, &[], &[]).unwrap() {
                let scenario = point.scenario;
                assert_eq!(from_json(&manifest_form(&scenario), scenario.seed), Ok(scenario));
                seen += 1;
            }
        }
        assert!(seen >= 8);
    }

    #[test]
    fn chaos_of_every_kind_comes_back_whole() {
        let text = include_str!("../../tests/good/every-key.toml");
        let plain = text.replace("up = { latency = { file = \"rtt.csv\" } }", "up = { latency = \"9ms\" }");
        let scenario = Scenario::from_toml(&plain.replace("{ file = \"sizes.csv\" }", "100")).unwrap();
        assert_eq!(scenario.chaos.len(), 18);
        assert_eq!(from_json(&manifest_form(&scenario), scenario.seed), Ok(scenario));
    }

    #[test]
    fn a_scenario_whose_peers_come_back_comes_back_whole() {
        let scenario = Scenario::from_toml(include_str!("../../tests/good/coming-back.toml")).unwrap();
        assert!(scenario.reconnect.is_some());
        assert!(scenario.sockets.client.keepalive);
        assert_eq!(from_json(&manifest_form(&scenario), scenario.seed), Ok(scenario));
    }

    #[test]
    fn what_cannot_come_back_is_named() {
        let text = SourceText::find("idle-c2s").unwrap();
        let scenario = load(&text, &[], &[]).unwrap().remove(0).scenario;
        let refused = |change: &dyn Fn(&mut Value)| {
            let mut json = manifest_form(&scenario);
            change(&mut json);
            from_json(&json, 1).unwrap_err()
        };
        let error =
            refused(&|json| json["classes"][1]["link"]["up"]["latency_us"] = serde_json::json!({"empirical": {}}));
        assert!(error.starts_with("scenario.classes.1.link.up.latency_us.empirical: its values"), "{error}");
        assert_eq!(
            refused(&|json| json["by"] = "nobody".into()),
            "scenario.by: expected a name that this version knows"
        );
        let error = refused(&|json| json["invented"] = 1.into());
        assert!(error.contains("keys that this version does not know"), "{error}");
    }
}
