//! How long packets travel, and whether one may overtake another.

use crate::dist::Distribution;
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
    draw_micros(&config.latency, rng).max(config.latency_floor)
}

/// Stands in for `Distribution::draw_micros` until that is there.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "latencies are far below 2^63 us")]
fn draw_micros(latency: &Distribution, rng: &mut Rng) -> Micros {
    if let Distribution::Uniform { low, high } = latency {
        Micros::new((low + (high - low) * rng.unit()).round() as u64)
    } else if let Distribution::Constant(us) = latency {
        Micros::new(us.round() as u64)
    } else {
        unreachable!("no draws from {latency:?} yet")
    }
}
