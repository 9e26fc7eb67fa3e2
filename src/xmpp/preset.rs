//! Presets: what single implementations do, as read in their source or observed on the wire.
//!
//! A parameter that is not known is left out and comes from the scenario. Names are implementation, version, situation;
//! where no released version was read, the year of the commit stands for the version.

mod clients;
mod servers;

use crate::time::Micros;
use crate::xmpp::config::{CloserProfile, Condition, InWait, Ping, ResponderProfile, Strategy};

/// One implementation in one situation.
#[derive(Clone, Debug, PartialEq)]
pub struct Preset {
    /// As written in a scenario.
    pub name: &'static str,
    /// How it closes; `None` where that is not known.
    pub closer: Option<PartialCloser>,
    /// After how long without a stanza it closes, or asks first; `None` where it never does or its version of that is not
    /// known.
    pub idle: Option<Micros>,
    /// How often it looks for idle streams: zero where each stream has a timer of its own.
    pub sweep: Option<Micros>,
    /// How it answers; `None` where that is not known.
    pub responder: Option<ResponderProfile>,
    /// Where that was read: repository, version or commit with its date, file; or that it was observed.
    pub source: &'static str,
    /// What it does, in one line.
    pub about: &'static str,
}

/// As much of a [`CloserProfile`] as is known.
#[derive(Clone, Debug, PartialEq)]
pub struct PartialCloser {
    /// The strategy.
    pub strategy: Strategy,
    /// The condition of its stream error.
    pub condition: Option<Condition>,
    /// How long it waits for the other tag.
    pub timeout: Option<Wait>,
    /// What it does with stanzas that come while it waits.
    pub in_wait: Option<InWait>,
    /// How long it reads nothing before its tag.
    pub grace: Option<Micros>,
    /// Its ping before anything else.
    pub ping: Option<Ping>,
}

/// A known length of a wait, which may be for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// This long.
    AtMost(Micros),
    /// Until the other side does something.
    ForEver,
}

impl PartialCloser {
    /// Only the strategy is known.
    const fn of(strategy: Strategy) -> Self {
        Self { strategy, condition: None, timeout: None, in_wait: None, grace: None, ping: None }
    }

    /// A strategy that waits: how long, and what it does with what comes meanwhile. It reads from the first moment on.
    const fn waiting(strategy: Strategy, timeout: Wait, in_wait: InWait) -> Self {
        let timeout = Some(timeout);
        Self { timeout, in_wait: Some(in_wait), grace: Some(Micros::ZERO), ..Self::of(strategy) }
    }

    /// A strategy that closes at once, without a grace.
    const fn at_once(strategy: Strategy, condition: Option<Condition>) -> Self {
        Self { condition, grace: Some(Micros::ZERO), ..Self::of(strategy) }
    }

    /// The whole profile: what is known of the implementation, the rest from `scenario`.
    pub fn over(&self, scenario: &CloserProfile) -> CloserProfile {
        CloserProfile {
            strategy: self.strategy,
            condition: self.condition.unwrap_or(scenario.condition),
            timeout: match self.timeout {
                Some(Wait::AtMost(limit)) => Some(limit),
                Some(Wait::ForEver) => None,
                None => scenario.timeout,
            },
            in_wait: self.in_wait.unwrap_or(scenario.in_wait),
            grace: self.grace.unwrap_or(scenario.grace),
            ping: self.ping.or(scenario.ping),
        }
    }
}

impl Preset {
    /// All presets, servers first.
    pub const ALL: [&'static Self; servers::PRESETS.len() + clients::PRESETS.len()] = {
        let mut all = [&servers::PRESETS[0]; servers::PRESETS.len() + clients::PRESETS.len()];
        let mut i = 0;
        while i < all.len() {
            all[i] = match i.checked_sub(servers::PRESETS.len()) {
                None => &servers::PRESETS[i],
                Some(client) => &clients::PRESETS[client],
            };
            i += 1;
        }
        all
    };

    /// The preset with this name.
    pub fn by_name(name: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|preset| preset.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_nobody_elses() {
        let mut names: Vec<&str> = Preset::ALL.iter().map(|preset| preset.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a name stands twice");
        for name in names {
            assert!(Strategy::from_name(name).is_none(), "{name} is a strategy");
            assert!(crate::xmpp::config::Responder::from_name(name).is_none(), "{name} is a responder");
            assert_eq!(Preset::by_name(name).map(|preset| preset.name), Some(name));
        }
    }

    #[test]
    fn every_preset_says_something_and_where_it_was_read() {
        for preset in Preset::ALL {
            assert!(preset.closer.is_some() || preset.responder.is_some(), "{} says nothing", preset.name);
            assert!(!preset.source.is_empty() && !preset.about.is_empty());
            assert!(preset.sweep.is_none() || preset.idle.is_some(), "{} sweeps for nothing", preset.name);
        }
    }

    #[test]
    fn what_is_not_known_comes_from_the_scenario() {
        let mut scenario = CloserProfile::plain(Strategy::Handshake);
        scenario.timeout = Some(Micros::from_secs(77));
        scenario.condition = Condition::SystemShutdown;
        let over = |name: &str| Preset::by_name(name).and_then(|p| p.closer.as_ref()).unwrap().over(&scenario);
        let kick = over("prosody-0.12-c2s-kick");
        assert_eq!((kick.strategy, kick.condition), (Strategy::TimeoutError, Condition::PolicyViolation));
        assert_eq!(kick.timeout, Some(Micros::from_secs(77)));
        assert_eq!(over("mongooseim-6.8-c2s").condition, Condition::SystemShutdown);
        assert_eq!(over("nbxmpp-7.2").timeout, None, "for ever is known, not unknown");
        assert_eq!(over("ejabberd-23-c2s").grace, Micros::from_millis(100));
    }
}
