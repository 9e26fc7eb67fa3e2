//! Dialogues of each responder. One way takes 10 ms; the closing server decides at 1,010 ms, so that its tag reaches the
//! client at 1,020 ms and the client's answer the server at 1,030 ms.

#![expect(clippy::wildcard_enum_match_arm, reason = "a test looks for one kind of fact among many")]

use super::*;
use crate::id::Side;
use crate::xmpp::config::{CloserProfile, Source, Strategy};
use crate::xmpp::fact::Fact;
use crate::xmpp::idle::DecisionPlan;
use crate::xmpp::testing::{Builder, Pair, at, poisson};

const PEER: Side = Side::Client;
const TAG: &str = "</stream:stream>";

fn run(builder: Builder) -> Pair {
    let mut pair = builder.open();
    pair.run_until(at(60_000));
    pair.assert_orderly();
    pair
}

fn told(responder: Responder) -> Pair {
    run(Pair::builder().responder(responder).peer_writes(poisson(100.0)))
}

fn sent_after(pair: &Pair, instant: SimTime) -> usize {
    let sent = |&&(at, fact): &&(SimTime, Fact)| at > instant && matches!(fact, Fact::Sent { .. });
    pair.facts(PEER).iter().filter(sent).count()
}

fn deferred_until(pair: &Pair, end: SimTime) -> u32 {
    let deferred = |&(at, fact): &(SimTime, Fact)| match fact {
        Fact::Deferred(count) if at <= end => count,
        _ => 0,
    };
    pair.facts(PEER).iter().map(deferred).sum()
}

#[test]
fn compliant_answers_with_its_tag_and_closes_at_once() {
    let pair = told(Responder::Compliant);
    assert_eq!(pair.syscalls(PEER), [(at(1_020), Syscall::Close)]);
    assert!(pair.transcript(PEER).ends_with(TAG));
    let [sent, deferred, delivered, _] = pair.counts(PEER);
    assert_eq!((sent, deferred), (delivered, 0));
}

#[test]
fn compliant_finishes_what_it_is_writing() {
    let mut pair = Pair::builder().peer_writes(poisson(100.0)).open();
    pair.run_until(at(500));
    pair.limit(PEER, 1_050);
    pair.run_until(at(1_300));
    assert_eq!((pair.noticed(), pair.syscalls(PEER)), (Some(at(1_020)), &[] as &[_]));
    pair.limit(PEER, usize::MAX);
    pair.run_until(at(2_000));
    pair.assert_orderly();
    assert_eq!(pair.syscalls(PEER), [(at(1_300), Syscall::Close)]);
    let [sent, deferred, delivered, _] = pair.counts(PEER);
    assert_eq!(sent, delivered);
    assert!(deferred > 10, "{deferred} held back in 280 ms at 100/s, when it knew");
}

#[test]
fn a_delay_comes_before_the_answer_and_the_application_goes_on_or_not() {
    let delayed = |reads_in_delay| ResponderProfile {
        delay: Distribution::Constant(100_000.0),
        reads_in_delay,
        ..ResponderProfile::plain(Responder::Compliant)
    };
    for reads in [true, false] {
        let mut pair = Pair::builder().told(delayed(reads)).peer_writes(poisson(100.0)).open();
        pair.run_until(at(1_050));
        assert_eq!(pair.party(PEER).wants_to_read(), reads);
        pair.run_until(at(9_000));
        pair.assert_orderly();
        assert_eq!(pair.syscalls(PEER), [(at(1_120), Syscall::Close)]);
        assert_eq!(sent_after(&pair, at(1_020)) > 0, reads);
        assert_eq!(deferred_until(&pair, at(1_120)) > 0, !reads);
    }
}

#[test]
fn an_error_is_answered_in_its_own_way_and_time_when_its_tag_has_come() {
    let two_faced = ResponderProfile {
        on_error: Responder::Compliant,
        error_delay: Some(Distribution::Constant(5_000.0)),
        ..ResponderProfile::plain(Responder::KeepsTalking)
    };
    let bare = run(Pair::builder().told(two_faced.clone()));
    assert!(!bare.transcript(PEER).contains(TAG));
    let error = run(Pair::builder().strategy(Strategy::ErrorHandshake).told(two_faced));
    assert_eq!(error.released(), Some((at(1_035), Outcome::Clean)));
}

#[test]
fn slow_takes_its_time_and_writes_meanwhile() {
    let pair = told(Responder::Slow);
    let (released, outcome) = pair.released().unwrap();
    assert_eq!(outcome, Outcome::Clean);
    assert!(released > at(1_031), "released at {released}");
    let [sent, _, delivered, _] = pair.counts(PEER);
    assert!(sent_after(&pair, at(1_020)) > 0 && sent == delivered);
}

#[test]
fn waits_for_fin_closes_behind_the_closer_and_after_an_error_at_once() {
    let pair = told(Responder::WaitsForFin);
    assert_eq!(pair.released(), Some((at(1_030), Outcome::Clean)));
    assert_eq!(pair.syscalls(PEER), [(at(1_040), Syscall::Close)]);
    assert!(deferred_until(&pair, at(1_040)) > 0, "what comes while it waits is held back");
    let error = run(Pair::builder().strategy(Strategy::ErrorHandshake).responder(Responder::WaitsForFin));
    assert_eq!(error.syscalls(PEER), [(at(1_020), Syscall::Close)]);
}

#[test]
fn a_half_closer_shuts_its_side_and_waits_for_the_other() {
    let profile = ResponderProfile { half_closes: true, ..ResponderProfile::plain(Responder::Compliant) };
    let pair = run(Pair::builder().told(profile));
    assert_eq!(pair.released(), Some((at(1_030), Outcome::Clean)));
    assert_eq!(pair.syscalls(PEER), [(at(1_020), Syscall::ShutdownWrite), (at(1_040), Syscall::Close)]);
}

#[test]
fn silent_says_nothing_and_never_closes() {
    let pair = told(Responder::Silent);
    assert_eq!(pair.released(), Some((at(6_010), Outcome::Timeout)));
    assert_eq!((pair.syscalls(PEER), pair.noticed()), (&[] as &[_], Some(at(1_020))));
    assert_eq!(sent_after(&pair, at(1_020)), 0);
    assert!(deferred_until(&pair, at(60_000)) > 5_000, "it has traffic to the end, and a socket");
    let at_fin = run(Pair::builder().strategy(Strategy::AbruptClose).responder(Responder::Silent));
    assert_eq!(at_fin.syscalls(PEER), &[] as &[_]);
}

#[test]
fn keeps_talking_until_end_of_file() {
    let pair = told(Responder::KeepsTalking);
    assert_eq!(pair.released(), Some((at(6_010), Outcome::Timeout)));
    assert_eq!(pair.syscalls(PEER), [(at(6_020), Syscall::Close)]);
    assert_eq!(pair.noticed(), Some(at(6_020)), "the tag told it nothing");
    assert!(sent_after(&pair, at(1_020)) > 400);
    assert!(!pair.transcript(PEER).contains(TAG));
    let [sent, _, delivered, _] = pair.counts(PEER);
    assert!(sent - delivered < 12, "only the last round trip is lost: {}", sent - delivered);
}

#[test]
fn fin_only_resets_and_truncates_close_without_a_tag() {
    for (responder, call) in [
        (Responder::FinOnly, Syscall::Close),
        (Responder::Resets, Syscall::Abort),
        (Responder::Truncates, Syscall::Close),
    ] {
        let pair = told(responder);
        assert_eq!(pair.syscalls(PEER), [(at(1_020), call)], "{responder:?}");
        assert!(!pair.transcript(PEER).contains(TAG));
        let half = pair.transcript(PEER).ends_with("</message>");
        assert_eq!(half, responder != Responder::Truncates);
    }
}

#[test]
fn writes_after_close_writes_after_its_tag() {
    let silent_source = run(Pair::builder().responder(Responder::WritesAfterClose));
    let transcript = silent_source.transcript(PEER);
    let (_, behind) = transcript.split_once(TAG).unwrap();
    assert!(behind.starts_with("<message ") && behind.len() == EXTRA_SIZE as usize);
    assert_eq!(silent_source.released(), Some((at(1_030), Outcome::Clean)));
    assert_eq!(silent_source.counts(PEER), [1, 0, 0, 0], "sent, and never processed");
    let pair = told(Responder::WritesAfterClose);
    assert!(sent_after(&pair, at(1_020)) > 0, "and those that its traffic brings");
    assert_eq!(pair.syscalls(PEER).len(), 1, "until end of file");
}

#[test]
fn tag_but_no_fin_holds_the_connection() {
    let pair = told(Responder::TagButNoFin);
    assert_eq!(pair.released(), Some((at(1_030), Outcome::Clean)));
    assert_eq!(pair.syscalls(PEER), &[] as &[_]);
    assert!(pair.transcript(PEER).ends_with(TAG));
}

#[test]
fn vanished_and_hung_are_gone_before_the_closing() {
    let mut moments = Vec::new();
    for stream in 0..50 {
        let builder = Pair::builder().responder(Responder::Vanished).peer_writes(poisson(100.0));
        let mut pair = builder.open_stream(stream);
        pair.run_until(at(9_000));
        pair.assert_orderly();
        let [(moment, Syscall::PowerOff)] = *pair.syscalls(PEER) else { panic!("{:?}", pair.syscalls(PEER)) };
        assert!(moment >= at(20) && moment <= at(1_020));
        assert_eq!(pair.released(), Some((at(6_010), Outcome::Timeout)));
        assert_eq!((pair.noticed(), sent_after(&pair, moment)), (None, 0));
        moments.push(moment);
        let mut hung = Pair::builder().responder(Responder::Hung).peer_writes(poisson(100.0)).open_stream(stream);
        hung.run_until(at(9_000));
        assert_eq!(sent_after(&hung, moment), 0, "the same moment");
        assert_eq!((hung.party(PEER).wants_to_read(), hung.noticed()), (false, None));
        assert_eq!((hung.syscalls(PEER), hung.party(PEER).next_deadline()), (&[] as &[_], None));
    }
    moments.sort_unstable();
    assert!(moments[0] < at(120) && moments[49] > at(920), "the moments spread over the whole time");
}

#[test]
fn a_hung_application_is_within_its_idle_limit_too() {
    let idle = DecisionPlan::Idle { idle: Micros::from_secs(4), sweep: Micros::ZERO };
    let pair = run(Pair::builder().responder(Responder::Hung).plan(idle));
    assert_eq!(pair.released(), Some((at(9_010), Outcome::Timeout)));
}

#[test]
fn garbage_is_no_xml_and_its_author_waits_for_the_end() {
    let pair = told(Responder::Garbage);
    assert_eq!(pair.released(), Some((at(1_030), Outcome::BadXml)));
    assert_eq!(pair.syscalls(PEER), [(at(1_040), Syscall::Close)]);
}

#[test]
fn drips_come_one_byte_at_a_time() {
    let pair = told(Responder::Drips);
    assert!(pair.transcript(PEER).ends_with("<message><"), "ten bytes from 1,020 ms to 6,020 ms");
    assert_eq!(pair.released(), Some((at(6_010), Outcome::Timeout)));
    assert_eq!(pair.syscalls(PEER), [(at(6_020), Syscall::Close)]);
}

#[test]
fn those_who_wait_for_the_end_find_it_behind_the_tag() {
    for responder in Responder::ALL {
        let pair = run(Pair::builder().strategy(Strategy::TagAndClose).responder(responder));
        let expected: &[Syscall] = match responder {
            Responder::Silent | Responder::TagButNoFin | Responder::Hung => &[],
            Responder::Vanished => &[Syscall::PowerOff],
            Responder::Resets => &[Syscall::Abort],
            _ => &[Syscall::Close],
        };
        let calls: Vec<Syscall> = pair.syscalls(PEER).iter().map(|&(_, call)| call).collect();
        assert_eq!(calls, expected, "{responder:?}");
    }
}

#[test]
fn a_reset_without_a_tag_closes_all_but_those_who_never_close() {
    for responder in Responder::ALL {
        let pair = run(Pair::builder().strategy(Strategy::AbruptReset).responder(responder));
        let closes = pair.syscalls(PEER).iter().any(|&(at_, call)| at_ == at(1_020) && call == Syscall::Close);
        let never =
            matches!(responder, Responder::Silent | Responder::TagButNoFin | Responder::Hung | Responder::Vanished);
        assert_eq!(closes, !never, "{responder:?}");
    }
}

#[test]
fn a_client_that_closes_is_answered_alike() {
    for kind in [Responder::Compliant, Responder::Slow, Responder::FinOnly] {
        let builder = Pair::builder().closed_by(Side::Client);
        let pair = run(builder.strategy(Strategy::Handshake).responder(kind).peer_writes(poisson(20.0)));
        let expected = if kind == Responder::FinOnly { Outcome::PeerFin } else { Outcome::Clean };
        assert_eq!(pair.released().map(|(_, outcome)| outcome), Some(expected));
    }
}

/// Every strategy against every responder ends, and no stanza is delivered twice or from nowhere.
#[test]
fn every_pair_ends_and_its_stanzas_balance() {
    for strategy in Strategy::ALL {
        for responder in Responder::ALL {
            let source = Source { count: Some(150), ..poisson(100.0) };
            let mut pair = Pair::builder()
                .closer(CloserProfile::plain(strategy))
                .responder(responder)
                .peer_writes(source.clone())
                .closer_writes(source)
                .open();
            pair.run_until(at(60_000));
            pair.assert_orderly();
            assert!(pair.released().is_some(), "{strategy:?} against {responder:?}");
            for side in Side::BOTH {
                let [sent, _, delivered, unprocessed] = pair.counts(side);
                assert!(delivered + unprocessed <= sent, "{strategy:?} against {responder:?}");
            }
        }
    }
}
