//! The chaos schedule and middleboxes out of a manifest.

use super::{At, Read, as_int};
use crate::id::NodeId;
use crate::net::disturbance::{Disturbance, Pattern};
use crate::net::firewall::Firewall;
use crate::net::link::RateLimit;
use crate::net::middlebox::{Middlebox, OnExpiry};
use crate::net::proxy::{OnReset, Proxy};
use crate::scenario::chaos::{Action, Chaos, Instants, Mishap, Target, Way};
use crate::scenario::entries::plain;
use crate::time::Shift;

impl At<'_> {
    /// An entry of the schedule.
    pub(super) fn chaos(&self) -> Read<Chaos> {
        let lasts = self.key("for_us").optional(At::distribution)?;
        Ok(Chaos { at: self.key("at").instants()?, lasts, action: self.action()?, on: self.key("on").target()? })
    }

    pub(super) fn middlebox(&self) -> Read<Middlebox> {
        let on_expiry = self.key("on_expiry").word(&[("drop", OnExpiry::Drop), ("reset", OnExpiry::Reset)])?;
        Ok(Middlebox { nat_idle: self.key("nat_idle_us").time()?, on_expiry })
    }

    pub(super) fn firewall(&self) -> Read<Firewall> {
        Ok(Firewall {
            table: self.key("table").optional(At::small)?,
            on_full: self.key("on_full").word(&[("drop", OnExpiry::Drop), ("reset", OnExpiry::Reset)])?,
            syn_rate: self.key("syn_rate").optional(At::small)?,
            burst: self.key("burst").small()?,
        })
    }

    pub(super) fn proxy(&self) -> Read<Proxy> {
        Ok(Proxy {
            latency: self.key("latency_us").time()?,
            half_close: self.key("half_close").switch()?,
            on_reset: self.key("on_reset").word(&[("reset", OnReset::Reset), ("close", OnReset::Close)])?,
            idle: self.key("idle_us").optional(At::time)?,
            buffer: self.key("buffer").integer()?,
        })
    }

    fn instants(&self) -> Read<Instants> {
        match self.only()? {
            ("once_us", at) => Ok(Instants::Once(at.time()?)),
            ("every_us", at) => Ok(Instants::Every { every: at.time()?, jitter: self.key("jitter_us").time()? }),
            ("poisson", at) => Ok(Instants::Poisson(at.float()?)),
            (_, at) => at.wrong("no instants that this version knows"),
        }
    }

    fn target(&self) -> Read<Target> {
        if self.json.is_string() {
            return self.word(&[("all", 0), ("server", 1)]).map(|n| if n == 0 { Target::All } else { Target::Server });
        }
        match self.only()? {
            ("node", at) => Ok(Target::Node(NodeId(at.small()?))),
            ("class", at) => at.found(as_int(&at), "the number of a class").map(Target::Class),
            ("share", at) => Ok(Target::Share(at.float()?)),
            (_, at) => at.wrong("no target that this version knows"),
        }
    }

    fn action(&self) -> Read<Action> {
        let ways = [("both", Way::Both), ("to-server", Way::ToServer), ("to-client", Way::ToClient)];
        let way = self.key("way").optional(|at| at.word(&ways))?.unwrap_or_default();
        let what = self.key("do");
        let jump = what.key("clock-jump");
        if !jump.json.is_null() {
            let us = jump.found(jump.json["us"].as_i64(), "microseconds")?;
            return Ok(Action::Machine(Mishap::ClockJump(Shift::new(us))));
        }
        if !what.json.is_string() {
            return Ok(Action::Link(what.disturbance()?, way));
        }
        plain(what.text()?, way).map_or_else(|| what.wrong("no action that this version knows"), Ok)
    }

    fn disturbance(&self) -> Read<Disturbance> {
        let (name, at) = self.only()?;
        Ok(match name {
            "loss" => Disturbance::Loss(at.float()?),
            "duplicate" => Disturbance::Duplicate(at.float()?),
            "corrupt" => Disturbance::Corrupt(at.float()?),
            "latency" => Disturbance::Latency(at.key("us").distribution()?),
            "rate" => Disturbance::Rate(RateLimit {
                bits_per_second: at.key("bits_per_second").integer()?,
                queue_bytes: at.key("queue_bytes").integer()?,
            }),
            "reorder" => Disturbance::Reorder { share: at.key("share").float()?, by: at.key("by_us").time()? },
            "drop-matching" if at.json.is_string() => {
                Disturbance::Matching(at.found(Pattern::by_name(at.text()?), "a kind of packet")?)
            }
            "drop-matching" => Disturbance::Matching(Pattern::Text(at.key("text").text()?.into())),
            _ => return at.wrong("no action that this version knows"),
        })
    }
}
