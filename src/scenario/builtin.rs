//! The scenarios of `simulations/`, compiled in.

use crate::scenario::source::SourceText;

/// The scenario that runs when none is named.
pub const DEFAULT: &str = "idle-c2s";

/// A built-in scenario.
struct BuiltIn {
    name: &'static str,
    text: &'static str,
}

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        [$(BuiltIn { name: $name, text: include_str!(concat!("../../simulations/", $name, ".toml")) }),*]
    };
}

const ALL: [BuiltIn; 23] = built_in![
    "idle-c2s",
    "real-closers",
    "kernel-teardown",
    "compliant-only",
    "misbehaving",
    "s2s-idle",
    "simultaneous",
    "partition-during-close",
    "nat-timeout",
    "crash-and-reboot",
    "mobile-dead-peers",
    "resumption",
    "silent-nat",
    "slow-drip-attack",
    "lossy-satellite",
    "restart-storm",
    "rolling-restart",
    "overload",
    "capacity-100k",
    "s2s-mesh",
    "s2s-outgoing",
    "behind-a-proxy",
    "benchmark",
];

/// The names of all built-in scenarios, the default first.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|b| b.name).collect()
}

/// The built-in scenario of this name.
pub fn by_name(name: &str) -> Option<SourceText> {
    ALL.iter().find(|b| b.name == name).map(|b| SourceText {
        name: format!("simulations/{}.toml", b.name),
        text: b.text.to_owned(),
        base: None,
    })
}

/// The question that a built-in scenario asks: its first line.
pub fn question(name: &str) -> Option<&'static str> {
    let text = ALL.iter().find(|b| b.name == name)?.text;
    Some(text.lines().next()?.trim_start_matches('#').trim())
}
