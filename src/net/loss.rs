//! Which packets a link loses and which it doubles.
//!
//! Every packet takes the same number of draws, whatever becomes of it and whatever the parameters are, so that the
//! fate of the hundredth packet does not depend on the first ninety-nine, and a packet that is lost at a loss of one
//! percent is lost at two percent too.

use serde::{Deserialize, Serialize};

use crate::net::link::DirectionConfig;
use crate::rng::Rng;

/// Which packets are lost.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum LossModel {
    /// Each packet by itself with this probability.
    Independent(f64),
    /// Gilbert-Elliott in the four-parameter form of netem (`loss gemodel p r 1-h 1-k`), stepped once a packet.
    /// The first packet finds the state by its stationary distribution.
    GilbertElliott {
        /// Probability of going from good to bad.
        p: f64,
        /// Probability of going from bad to good.
        r: f64,
        /// Loss probability in the bad state (netem's 1-h).
        bad_loss: f64,
        /// Loss probability in the good state (netem's 1-k).
        good_loss: f64,
    },
}

impl LossModel {
    /// The share of packets that are lost in the long run.
    pub fn mean(&self) -> f64 {
        match *self {
            Self::Independent(p) => p,
            Self::GilbertElliott { p, r, bad_loss, good_loss } => {
                let bad = stationary_bad(p, r);
                bad * bad_loss + (1.0 - bad) * good_loss
            }
        }
    }
}

/// The share of packets that meet the bad state. A model that never moves stays in the good state it begins in.
fn stationary_bad(p: f64, r: f64) -> f64 {
    if p > 0.0 { p / (p + r) } else { 0.0 }
}

/// What becomes of a packet.
pub(crate) enum Copies {
    /// It is lost.
    None,
    /// It goes on.
    One,
    /// It goes on twice; the generator is for the latency of the copy.
    Two(Rng),
}

/// The loss and duplication of one direction of a link.
#[derive(Clone, Debug)]
pub(crate) struct Loss {
    rng: Rng,
    /// Whether the last packet met the bad state; `None` before the first.
    bad: Option<bool>,
}

impl Loss {
    pub(crate) fn new(rng: Rng) -> Self {
        Self { rng, bad: None }
    }

    /// Decides about the next packet. A copy is made of what is not lost.
    pub(crate) fn next(&mut self, config: &DirectionConfig) -> Copies {
        if config.loss == LossModel::Independent(0.0) && config.duplicate == 0.0 {
            return Copies::One;
        }
        let step = self.rng.unit();
        let lost = self.rng.unit() < self.probability(&config.loss, step);
        let doubled = self.rng.happens(config.duplicate);
        let copy = self.rng.next_u64();
        match (lost, doubled) {
            (true, _) => Copies::None,
            (false, false) => Copies::One,
            (false, true) => Copies::Two(Rng::of_copy(copy)),
        }
    }

    /// Moves the state on and returns the probability with which the packet is lost.
    fn probability(&mut self, model: &LossModel, step: f64) -> f64 {
        match *model {
            LossModel::Independent(p) => p,
            LossModel::GilbertElliott { p, r, bad_loss, good_loss } => {
                let becomes_bad = match self.bad {
                    None => stationary_bad(p, r),
                    Some(true) => 1.0 - r,
                    Some(false) => p,
                };
                let bad = step < becomes_bad;
                self.bad = Some(bad);
                if bad { bad_loss } else { good_loss }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Distribution;
    use crate::rng::Purpose;
    use crate::time::Micros;

    fn config(loss: LossModel, duplicate: f64) -> DirectionConfig {
        DirectionConfig {
            latency: Distribution::Constant(1_000.0),
            latency_floor: Micros::ZERO,
            reorder: false,
            loss,
            duplicate,
            rate: None,
        }
    }

    /// Which of the next `n` packets are lost.
    fn pattern(model: LossModel, duplicate: f64, n: usize) -> Vec<bool> {
        let mut loss = Loss::new(Rng::new(7, 3, Purpose::LossUp));
        let config = config(model, duplicate);
        (0..n).map(|_| matches!(loss.next(&config), Copies::None)).collect()
    }

    #[expect(clippy::cast_precision_loss, reason = "counts below a million are exact")]
    fn ratio(count: usize, of: usize) -> f64 {
        count as f64 / of as f64
    }

    fn share(of: &[bool]) -> f64 {
        ratio(of.iter().filter(|&&b| b).count(), of.len())
    }

    const N: usize = 400_000;

    #[test]
    fn independent_loss_has_its_mean_and_no_memory() {
        for p in [0.0, 0.01, 0.3, 1.0] {
            let lost = pattern(LossModel::Independent(p), 0.1, N);
            let deviation = (p * (1.0 - p) / 400_000.0_f64).sqrt();
            assert!((share(&lost) - p).abs() <= 4.0 * deviation, "{p}: {}", share(&lost));
        }
        let lost = pattern(LossModel::Independent(0.3), 0.0, N);
        let after_loss: Vec<bool> = lost.windows(2).filter(|w| w[0]).map(|w| w[1]).collect();
        assert!((share(&after_loss) - 0.3).abs() < 0.006, "{}", share(&after_loss));
    }

    #[test]
    fn gilbert_bursts_have_the_mean_and_the_length_of_the_closed_form() {
        let model = LossModel::GilbertElliott { p: 0.02, r: 0.25, bad_loss: 1.0, good_loss: 0.0 };
        let mean = 0.02 / 0.27;
        assert!((model.mean() - mean).abs() < 1e-12);
        let lost = pattern(model, 0.0, N);
        assert!((share(&lost) - mean).abs() < 0.003, "{}", share(&lost));
        // A burst ends with probability r at each packet: lengths are geometric with mean 1/r.
        let bursts: Vec<usize> = lost.chunk_by(|a, b| a == b).filter(|run| run[0]).map(<[bool]>::len).collect();
        let length = ratio(bursts.iter().sum(), bursts.len());
        assert!((length - 4.0).abs() < 0.15, "{length}");
        let longer_than_4 = ratio(bursts.iter().filter(|&&n| n > 4).count(), bursts.len());
        assert!((longer_than_4 - 0.75_f64.powi(4)).abs() < 0.02, "{longer_than_4}");
    }

    #[test]
    fn elliott_losses_follow_each_other_as_the_closed_form_says() {
        let (p, r, bad_loss, good_loss) = (0.05, 0.2, 0.6, 0.01);
        let model = LossModel::GilbertElliott { p, r, bad_loss, good_loss };
        let bad = p / (p + r);
        let mean = bad * bad_loss + (1.0 - bad) * good_loss;
        let lost = pattern(model.clone(), 0.0, N);
        assert!((model.mean() - mean).abs() < 1e-12 && (share(&lost) - mean).abs() < 0.005, "{}", share(&lost));
        // Two losses in a row: the state before, a loss in it, a step, a loss after it.
        let after_bad = (1.0 - r) * bad_loss + r * good_loss;
        let after_good = p * bad_loss + (1.0 - p) * good_loss;
        let both = bad * bad_loss * after_bad + (1.0 - bad) * good_loss * after_good;
        let seen: Vec<bool> = lost.windows(2).map(|w| w[0] && w[1]).collect();
        assert!((share(&seen) - both).abs() < 0.005, "{} {both}", share(&seen));
    }

    #[test]
    fn the_first_packet_meets_the_stationary_distribution() {
        let config = config(LossModel::GilbertElliott { p: 0.001, r: 0.003, bad_loss: 1.0, good_loss: 0.0 }, 0.0);
        let first: Vec<bool> = (0..20_000)
            .map(|link| matches!(Loss::new(Rng::new(1, link, Purpose::LossDown)).next(&config), Copies::None))
            .collect();
        assert!((share(&first) - 0.25).abs() < 0.0125, "{}", share(&first));
    }

    #[test]
    fn a_model_that_never_moves_stays_good() {
        let model = LossModel::GilbertElliott { p: 0.0, r: 0.0, bad_loss: 1.0, good_loss: 0.0 };
        assert!(!pattern(model, 0.0, 1_000).contains(&true));
    }

    #[test]
    fn what_is_lost_at_a_small_loss_is_lost_at_a_greater_one_too() {
        let rare = pattern(LossModel::Independent(0.1), 0.0, 10_000);
        let frequent = pattern(LossModel::Independent(0.2), 0.3, 10_000);
        assert!(rare.iter().zip(&frequent).all(|(a, b)| !a || *b));
        let gilbert = |p| LossModel::GilbertElliott { p, r: 0.3, bad_loss: 0.8, good_loss: 0.0 };
        let (rare, frequent) = (pattern(gilbert(0.01), 0.0, 10_000), pattern(gilbert(0.05), 0.0, 10_000));
        assert!(rare.iter().zip(&frequent).all(|(a, b)| !a || *b));
    }

    #[test]
    fn copies_have_their_share_and_generators_of_their_own() {
        let mut loss = Loss::new(Rng::new(7, 3, Purpose::LossUp));
        let config = config(LossModel::Independent(0.2), 0.25);
        let mut first_draws: Vec<u64> = Vec::new();
        for _ in 0..20_000 {
            if let Copies::Two(mut rng) = loss.next(&config) {
                first_draws.push(rng.next_u64());
            }
        }
        let share = ratio(first_draws.len(), 20_000);
        assert!((share - 0.8 * 0.25).abs() < 0.012, "{share}");
        let drawn = first_draws.len();
        first_draws.sort_unstable();
        first_draws.dedup();
        assert_eq!(first_draws.len(), drawn);
    }
}
