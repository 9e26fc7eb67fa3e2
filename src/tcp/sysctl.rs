//! One table of everything that can be set: name, unit, default, meaning, source.

/// The configuration of a simulated kernel.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Kernel {}
