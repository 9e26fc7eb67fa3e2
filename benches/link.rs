//! Verdicts a second of one direction of a link.
//!
//! `cargo bench --bench link`; divan prints the verdicts a second of each kind of link.

use divan::counter::ItemsCount;
use divan::{Bencher, black_box};
use farewell::dist::Distribution;
use farewell::net::link::{Direction, DirectionConfig, LossModel, RateLimit};
use farewell::time::{Micros, SimTime};

/// Packets of a sample, full ones, a millisecond apart.
const PACKETS: u64 = 1_000;
const BYTES: u32 = 1_500;
const GAP: u64 = 1_000;

fn main() {
    divan::main();
}

/// 20 ms and nothing else.
fn plain() -> DirectionConfig {
    DirectionConfig {
        latency: Distribution::Constant(20_000.0),
        latency_floor: Micros::ZERO,
        reorder: false,
        loss: LossModel::Independent(0.0),
        duplicate: 0.0,
        rate: None,
    }
}

fn verdicts(bencher: Bencher<'_, '_>, config: &DirectionConfig) {
    let (mut direction, mut now) = (Direction::new(1, 0, true), SimTime::ZERO);
    bencher.counter(ItemsCount::new(PACKETS)).bench_local(|| {
        for _ in 0..PACKETS {
            now += Micros::new(GAP);
            black_box(direction.verdict(config, now, BYTES));
        }
    });
}

#[divan::bench]
fn constant_latency(bencher: Bencher<'_, '_>) {
    verdicts(bencher, &plain());
}

#[divan::bench]
fn log_normal_latency(bencher: Bencher<'_, '_>) {
    verdicts(
        bencher,
        &DirectionConfig { latency: Distribution::LogNormal { median: 20_000.0, sigma: 0.5 }, ..plain() },
    );
}

#[divan::bench]
fn independent_loss(bencher: Bencher<'_, '_>) {
    verdicts(bencher, &DirectionConfig { loss: LossModel::Independent(0.05), ..plain() });
}

#[divan::bench]
fn gilbert_elliott_loss(bencher: Bencher<'_, '_>) {
    let loss = LossModel::GilbertElliott { p: 0.01, r: 0.2, bad_loss: 0.8, good_loss: 0.01 };
    verdicts(bencher, &DirectionConfig { loss, ..plain() });
}

/// The line is as fast as the packets come: its queue is neither empty nor full for long.
#[divan::bench]
fn limited_rate(bencher: Bencher<'_, '_>) {
    let rate = RateLimit { bits_per_second: 12_000_000, queue_bytes: 64_000 };
    verdicts(bencher, &DirectionConfig { rate: Some(rate), ..plain() });
}
