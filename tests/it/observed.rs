//! What was observed of real servers: round trip 50 ms, 200 stanzas a second, no loss.

use crate::support::{Bench, number, one_class};

#[test]
fn the_three_observed_closings_lose_what_was_observed() {
    let scenario = one_class(200, "25ms", 200.0, "compliant", "").replace(
        "strategies = [\"handshake\", \"timeout-error\"]",
        "strategies = [\"prosody-0.12-c2s\", \"prosody-0.12-c2s-kick\", \"ejabberd-23-c2s\"]",
    );
    let results = Bench::new().compare(&scenario, &[]);
    let lost = |strategy| {
        let row = results.summary(strategy);
        number(&row, "lost") / number(&row, "streams")
    };
    assert_eq!(lost("prosody-0.12-c2s"), 0.0);
    let kick = lost("prosody-0.12-c2s-kick");
    assert!((9.0..=12.0).contains(&kick), "a Prosody kick lost {kick} a stream");
    let ejabberd = lost("ejabberd-23-c2s");
    assert!((28.0..=32.0).contains(&ejabberd), "ejabberd lost {ejabberd} a stream");
}

#[test]
fn a_silent_client_costs_prosody_its_close_timeout() {
    let scenario = one_class(20, "25ms", 2.0, "silent", "")
        .replace("strategies = [\"handshake\", \"timeout-error\"]", "strategies = [\"prosody-0.12-c2s\"]");
    // The preset brings its own timeout, whatever the scenario says of others.
    let results = Bench::new().compare(&scenario, &["--set", "closing.timeout=9s"]);
    for stream in results.rows("streams.csv") {
        assert_eq!((stream["outcome"].as_str(), number(&stream, "release_us")), ("timeout", 5_000_000.0));
    }
}
