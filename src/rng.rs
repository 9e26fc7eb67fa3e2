//! One small portable generator for each (seed, entity, purpose).
//!
//! Both the state and the stream number of a PCG are derived from a hash of the three, because PCG streams that
//! differ only in their number are correlated. No generator is shared: a strategy, an engine, a thread count or
//! another peer cannot shift the draws of a stream, so that two strategies see the same traffic and the same
//! network until the moment they differ (common random numbers).

use rand::Rng as _;
use rand_pcg::Pcg32;

/// What a generator is for. The numbers are part of the result: never renumber them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Class, link and opening time of a stream.
    Population = 1,
    /// Stanzas written by the client.
    ClientTraffic = 2,
    /// Stanzas written by the server.
    ServerTraffic = 3,
    /// Loss and duplication from client to server.
    LossUp = 4,
    /// Loss and duplication from server to client.
    LossDown = 5,
    /// Latency from client to server.
    LatencyUp = 6,
    /// Latency from server to client.
    LatencyDown = 7,
    /// When the closer decides.
    Decision = 8,
    /// What a responder draws: delays, the moment it vanishes.
    Behaviour = 9,
    /// Initial sequence numbers and other facts of the kernel.
    Kernel = 10,
    /// Which closer of a mix a stream has.
    Mix = 11,
    /// When an entry of the chaos schedule strikes; the entity is the entry's number.
    ChaosInstants = 12,
    /// Whether a stream is among those that an entry strikes; the entity is the entry's number and the stream's.
    ChaosTargets = 13,
    /// What an entry does to packets from client to server; entity as before.
    ChaosUp = 14,
    /// What an entry does to packets from server to client; entity as before.
    ChaosDown = 15,
    /// How long a client waits before it comes back.
    Return = 20,
    /// How long a worker of the server needs for each stanza of a stream.
    Service = 30,
    /// The random scenario of a soak; the entity is the run's number.
    Soak = 40,
    /// How long each strike of an entry of the chaos schedule lasts; the entity is the entry's number.
    ChaosLengths = 50,
}

/// A generator of its own for one purpose of one entity. Sixteen bytes.
#[derive(Clone, Debug)]
pub struct Rng(Pcg32);

/// Finaliser of `SplitMix64`: every input bit changes every output bit with probability near one half.
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

impl Rng {
    /// The generator for `purpose` of `entity` (a stream's number) under `seed`.
    pub fn new(seed: u64, entity: u64, purpose: Purpose) -> Self {
        let a = mix(seed.wrapping_add(GOLDEN));
        let b = mix(a ^ entity.wrapping_add(GOLDEN.wrapping_mul(2)));
        let c = mix(b.wrapping_add((purpose as u64).wrapping_mul(GOLDEN)));
        let state = mix(c ^ 0x5851_f42d_4c95_7f2d);
        let stream = mix(c.wrapping_add(GOLDEN));
        Self(Pcg32::new(state, stream))
    }

    /// The generator for the latency of a packet's copy, from a number drawn for it: the copy may take any number of
    /// draws, and the packets that follow keep theirs.
    pub fn of_copy(number: u64) -> Self {
        Self::new(number, 0, Purpose::LatencyUp)
    }

    /// The next 32 uniform bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// The next 64 uniform bits.
    pub fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Uniform in [0, 1), 53 bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Uniform in (0, 1]: safe to take the logarithm of.
    pub fn positive_unit(&mut self) -> f64 {
        1.0 - self.unit()
    }

    /// Whether an event of probability `p` happens. Always one draw, so that the draws that follow do not depend on `p`.
    pub fn happens(&mut self, p: f64) -> bool {
        self.unit() < p
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_draws_are_pinned() {
        let mut a = Rng::new(1, 0, Purpose::ClientTraffic);
        let mut b = Rng::new(1, 1, Purpose::ClientTraffic);
        let mut c = Rng::new(2, 0, Purpose::LossUp);
        let draws = [a.next_u32(), a.next_u32(), b.next_u32(), c.next_u32()];
        assert_eq!(draws, [3_952_174_624, 119_140_476, 2_055_062_528, 1_215_530_702]);
    }

    #[test]
    fn neighbours_are_not_correlated() {
        let mut sum = 0.0;
        let n = 20_000;
        for i in 0..n {
            let x = Rng::new(1, i, Purpose::LossUp).unit() - 0.5;
            let y = Rng::new(1, i + 1, Purpose::LossUp).unit() - 0.5;
            sum += x * y;
        }
        let correlation = sum / f64::from(u32::try_from(n).unwrap()) * 12.0;
        assert!(correlation.abs() < 0.03, "correlation of neighbours {correlation}");
    }
}
