//! How long packets travel, and whether one may overtake another.

use crate::net::link::DirectionConfig;
use crate::rng::Rng;
use crate::time::{Micros, SimTime};

/// The latency of one direction of a link.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    rng: Rng,
    /// Arrival of the last packet that arrives.
    last: SimTime,
}

impl Latency {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, last: SimTime::ZERO }
    }

    /// The latency of the next packet. Every packet draws one, lost or not, so that the latency of a packet does not
    /// depend on the fate of those before it.
    pub(crate) fn draw(&mut self, config: &DirectionConfig) -> Micros {
        draw(config, &mut self.rng)
    }

    /// When a packet arrives that sets out at `departure`: in order, unless the link reorders.
    pub(crate) fn arrival(&mut self, config: &DirectionConfig, departure: SimTime, latency: Micros) -> SimTime {
        let mut arrival = departure + latency;
        if !config.reorder {
            arrival = arrival.max(self.last);
            self.last = arrival;
        }
        arrival
    }
}

/// A latency from any generator, raised to the floor.
pub(crate) fn draw(config: &DirectionConfig, rng: &mut Rng) -> Micros {
    config.latency.draw_micros(rng).max(config.latency_floor)
}
