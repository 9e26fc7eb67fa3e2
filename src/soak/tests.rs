//! The soak of itself.

use super::*;

#[test]
fn a_soak_reaches_the_same_at_any_number_of_threads() {
    let of = |jobs: usize, at_once: u64| {
        let mut soak = Soak::new(7, 0, jobs).unwrap();
        while soak.runs() < 60 {
            let findings = soak.advance(at_once);
            assert_eq!(findings, []);
        }
        soak
    };
    let (one, two) = (of(1, 20), of(2, 30));
    assert_eq!(one.coverage(), two.coverage());
    assert!(one.coverage().amount("streams") > 60 && one.coverage().amount("under both engines") > 0);
}

#[test]
fn a_run_has_a_scenario_of_its_own_that_comes_again() {
    let text = |seed, run| document::text(&draw::scenario(seed, run).unwrap().document);
    assert_eq!(text(1, 0), text(1, 0));
    assert_ne!(text(1, 0), text(1, 1));
    assert_ne!(text(1, 0), text(2, 0));
}

#[test]
fn a_run_that_is_long_is_given_up_and_is_no_finding() {
    let text = "peers = 2\nstrategies = [\"handshake\"]\nduration = \"10s\"\n[[class]]\nname = \"near\"\nlink = \"lan\"\n\
                traffic = { client = { periodic = \"10ms\", size = 5000 } }\n[closing]\nafter = \"8s\"\n";
    let scenario = document::load(&text.parse().unwrap()).unwrap();
    let given_up = |steps: u64| {
        let mut coverage = Coverage::default();
        let depth = Depth { steps, engines: Reference::No, twice: false };
        assert_eq!(check(&scenario, depth, &mut coverage), Ok(()));
        coverage.amount(GIVEN_UP)
    };
    assert_eq!([given_up(2_000), given_up(MOST_STEPS)], [1, 0]);
}

#[test]
fn of_each_promise_only_the_first_runs_are_told() {
    let mut soak = Soak::new(1, 0, 1).unwrap();
    let mut told = |promise: Promise| {
        let broken = |run| Broken { promise, what: format!("as run {run} shows") };
        (0..15).filter(|run| soak.finding(*run, None, broken(*run)).is_some()).count()
    };
    assert_eq!([told(Promise::Ends), told(Promise::Order)], [10, 10]);
}
