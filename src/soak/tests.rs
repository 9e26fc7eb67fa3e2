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
