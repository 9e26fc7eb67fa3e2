//! Segments nobody should send, at every state; as many as fit into a day's tests. The fuzz target in `tests/fuzz` runs
//! the same for as long as one likes.

#[path = "../fuzz/driver.rs"]
mod driver;

use farewell::rng::{Purpose, Rng};

const RUNS: u64 = 3_000;
/// Bytes of a run: some two hundred segments.
const LENGTH: usize = 4_000;

#[test]
fn arbitrary_segments_break_no_promise_in_any_state() {
    let mut seen = 0;
    for seed in 0..RUNS {
        let mut rng = Rng::new(seed, 3, Purpose::Behaviour);
        let bytes: Vec<u8> = (0..LENGTH).map(|_| rng.next_u32().to_be_bytes()[0]).collect();
        let run = std::panic::catch_unwind(|| driver::drive(&bytes));
        seen |= run.unwrap_or_else(|_| panic!("seed {seed}: see above"));
    }
    // The nine in which a kernel holds a connection, and CLOSED.
    assert_eq!(seen.count_ones(), 10, "states reached: {seen:016b}");
}
