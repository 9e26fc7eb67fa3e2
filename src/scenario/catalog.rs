//! What a scenario may name: strategies, responders and presets of the cores' tables, with the scenario's own settings
//! where a preset leaves something open.

use crate::dist::Distribution;
use crate::time::Micros;
use crate::xmpp::config::{
    Answered, CloserProfile, Condition, InWait, Ping, Responder, ResponderProfile, Strategy, Unanswered, When,
};
use crate::xmpp::preset::Preset;

/// The settings of the `closing` table that a closer is made of.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Closing {
    pub(super) timeout: Option<Micros>,
    pub(super) in_wait: InWait,
    pub(super) grace: Micros,
    pub(super) ping_timeout: Micros,
    pub(super) condition: Condition,
}

impl Closing {
    /// The profile of a plain strategy.
    fn profile(&self, strategy: Strategy) -> CloserProfile {
        let ping = Ping { timeout: self.ping_timeout, answered: Answered::Close, unanswered: Unanswered::Drop };
        CloserProfile {
            strategy,
            condition: self.condition,
            timeout: self.timeout,
            in_wait: self.in_wait,
            grace: self.grace,
            ping: (strategy == Strategy::PingThenHandshake).then_some(ping),
        }
    }
}

/// The presets that close.
pub(super) fn closer_presets() -> Vec<&'static str> {
    Preset::ALL.into_iter().filter(|p| p.closer.is_some()).map(|p| p.name).collect()
}

/// The presets that answer.
pub(super) fn responder_presets() -> Vec<&'static str> {
    Preset::ALL.into_iter().filter(|p| p.responder.is_some()).map(|p| p.name).collect()
}

/// The strategies.
pub(super) fn strategies() -> Vec<&'static str> {
    Strategy::ALL.into_iter().map(Strategy::name).collect()
}

/// The responders.
pub(super) fn responders() -> Vec<&'static str> {
    Responder::ALL.into_iter().map(Responder::name).collect()
}

/// Names that may stand where a strategy stands, mixes apart.
pub(crate) fn closer_names() -> Vec<&'static str> {
    [strategies(), closer_presets()].concat()
}

/// Names that may stand where a responder stands.
pub(crate) fn responder_names() -> Vec<&'static str> {
    [responders(), responder_presets()].concat()
}

/// The closer of this name, and when it decides if it is a preset that knows.
pub(super) fn closer(name: &str, closing: &Closing) -> Option<(CloserProfile, Option<When>)> {
    if let Some(strategy) = Strategy::from_name(name) {
        return Some((closing.profile(strategy), None));
    }
    let preset = Preset::by_name(name)?;
    let partial = preset.closer.as_ref()?;
    let when = preset
        .idle
        .map(|idle| When::Idle { idle: Distribution::always(idle), sweep: preset.sweep.unwrap_or(Micros::ZERO) });
    Some((partial.over(&closing.profile(partial.strategy)), when))
}

/// The responder of this name, with its defaults.
pub(super) fn responder(name: &str) -> Option<ResponderProfile> {
    match Responder::from_name(name) {
        Some(responder) => Some(ResponderProfile::plain(responder)),
        None => Preset::by_name(name)?.responder.clone(),
    }
}
