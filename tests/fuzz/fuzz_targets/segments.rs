//! Arbitrary segments and calls to a socket, for as long as one likes: `cargo +nightly fuzz run --fuzz-dir tests/fuzz
//! segments`, with cargo-fuzz installed.

#![no_main]

#[path = "../driver.rs"]
mod driver;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    driver::drive(bytes);
});
