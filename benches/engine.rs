//! Peers a second of the whole simulator, the files apart: `simulations/benchmark.toml` under both engines.
//!
//! `cargo bench --bench engine`; divan prints the peers a second at so many peers. `scripts/benchmark` measures the program
//! as a user runs it, and its memory.

use divan::Bencher;
use divan::counter::ItemsCount;
use farewell::engine::{Engine, Event, NodeRun, Turmoil, Unwatched};
use farewell::id::NodeId;
use farewell::scenario::Scenario;
use mimalloc::MiMalloc;

/// As the program has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    divan::main();
}

/// Runs every node of the benchmark, one after the other.
fn run(bencher: Bencher<'_, '_>, engine: &dyn Engine, peers: u32) {
    let mut scenario =
        Scenario::from_toml(include_str!("../simulations/benchmark.toml")).expect("a scenario of the project");
    scenario.peers = peers;
    bencher.counter(ItemsCount::new(peers)).bench_local(|| {
        for node in (0..scenario.nodes).map(NodeId) {
            let run = NodeRun { scenario: &scenario, contender: 0, seed: scenario.seed, node };
            engine.run(&run, &Unwatched).expect("the benchmark keeps every invariant");
        }
    });
}

#[divan::bench(args = [1_000, 10_000, 100_000], sample_count = 3, sample_size = 1)]
fn event(bencher: Bencher<'_, '_>, peers: u32) {
    run(bencher, &Event, peers);
}

/// Without 100,000 peers, which take long and tell nothing new.
#[divan::bench(args = [1_000, 10_000], sample_count = 3, sample_size = 1)]
fn turmoil(bencher: Bencher<'_, '_>, peers: u32) {
    run(bencher, &Turmoil, peers);
}
