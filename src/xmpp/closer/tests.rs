//! Dialogues of each strategy with peers of all kinds. One way takes 10 ms; the server is up at 10 ms and decides 1 s
//! later, so that its tag reaches the client at 1,020 ms.

use super::*;
use crate::dist::Distribution;
use crate::id::Side;
use crate::xmpp::config::{Process, Responder, ResponderProfile, Source};
use crate::xmpp::fact::Fact;
use crate::xmpp::testing::{Builder, Pair, at, poisson};

const CLOSER: Side = Side::Server;
const PEER: Side = Side::Client;
const TAG: &str = "</stream:stream>";

fn run(builder: Builder) -> Pair {
    let mut pair = builder.open();
    pair.run_until(at(60_000));
    pair.assert_orderly();
    pair
}

fn against(strategy: Strategy, responder: Responder) -> Pair {
    run(Pair::builder().strategy(strategy).responder(responder))
}

/// Stanzas on their way to the closer over many streams: sent, deferred, delivered, unprocessed.
fn totals(builder: &Builder, streams: u64) -> [u32; 4] {
    let mut sums = [0; 4];
    for stream in 0..streams {
        let mut pair = builder.clone().open_stream(stream);
        pair.run_until(at(20_000));
        pair.assert_orderly();
        sums.iter_mut().zip(pair.counts(PEER)).for_each(|(sum, count)| *sum += count);
    }
    sums
}

#[test]
fn the_handshake_waits_for_the_other_tag_and_closes() {
    let pair = against(Strategy::Handshake, Responder::Compliant);
    assert_eq!(pair.decided(), Some(at(1_010)));
    assert_eq!(pair.noticed(), Some(at(1_020)));
    assert_eq!(pair.released(), Some((at(1_030), Outcome::Clean)));
    assert_eq!(pair.syscalls(CLOSER), [(at(1_030), Syscall::Close)]);
    assert_eq!(pair.syscalls(PEER), [(at(1_020), Syscall::Close)]);
    assert!(pair.transcript(CLOSER).ends_with(&format!("<stream:features/>{TAG}")));
    assert!(pair.transcript(PEER).ends_with(TAG));
}

#[test]
fn the_half_close_follows_the_tag() {
    let pair = against(Strategy::HandshakeHalfClose, Responder::Compliant);
    assert_eq!(pair.syscalls(CLOSER), [(at(1_010), Syscall::ShutdownWrite), (at(1_030), Syscall::Close)]);
    assert_eq!(pair.released(), Some((at(1_030), Outcome::Clean)));
}

#[test]
fn the_half_close_of_a_peer_that_takes_a_fin_for_the_end_gets_no_tag() {
    let prosody = ResponderProfile {
        delay: Distribution::Constant(1_000.0),
        answers_half_close: false,
        ..ResponderProfile::plain(Responder::Compliant)
    };
    let half = run(Pair::builder().strategy(Strategy::HandshakeHalfClose).told(prosody.clone()));
    assert_eq!(half.released(), Some((at(1_030), Outcome::PeerFin)));
    assert!(!half.transcript(PEER).contains(TAG));
    let whole = run(Pair::builder().strategy(Strategy::Handshake).told(prosody));
    assert_eq!(whole.released(), Some((at(1_031), Outcome::Clean)));
}

#[test]
fn errors_go_out_with_the_tag_and_who_sends_one_may_wait_or_not() {
    let bad = against(Strategy::TimeoutError, Responder::Compliant);
    assert_eq!(bad.released(), Some((at(1_010), Outcome::Closed)));
    let good = against(Strategy::ErrorHandshake, Responder::Compliant);
    assert_eq!(good.released(), Some((at(1_030), Outcome::Clean)));
    for pair in [bad, good] {
        let end = "<stream:error><connection-timeout xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>";
        assert!(pair.transcript(CLOSER).ends_with(&format!("{end}{TAG}")));
        assert_eq!(pair.noticed(), Some(at(1_020)));
    }
}

#[test]
fn the_abrupt_ones_say_nothing() {
    for (strategy, call) in [(Strategy::AbruptClose, Syscall::Close), (Strategy::AbruptReset, Syscall::Abort)] {
        let pair = against(strategy, Responder::Compliant);
        assert_eq!(pair.released(), Some((at(1_010), Outcome::Closed)));
        assert_eq!(pair.syscalls(CLOSER), [(at(1_010), call)]);
        assert_eq!(pair.noticed(), Some(at(1_020)));
        assert!(!pair.transcript(CLOSER).contains(TAG) && !pair.transcript(PEER).contains(TAG));
    }
}

#[test]
fn tag_and_close_does_not_wait() {
    let pair = against(Strategy::TagAndClose, Responder::Compliant);
    assert_eq!(pair.released(), Some((at(1_010), Outcome::Closed)));
    assert!(pair.transcript(CLOSER).ends_with(TAG));
}

#[test]
fn a_ping_goes_first_and_silence_means_dead() {
    let alive = against(Strategy::PingThenHandshake, Responder::Compliant);
    assert_eq!(alive.decided(), Some(at(1_010)));
    assert_eq!(alive.released(), Some((at(1_050), Outcome::Clean)));
    let dead = against(Strategy::PingThenHandshake, Responder::Silent);
    assert_eq!(dead.released(), Some((at(33_010), Outcome::Timeout)));
    assert!(!dead.transcript(CLOSER).contains(TAG), "dropped without a word");
}

fn pinging(strategy: Strategy, unanswered: Unanswered) -> CloserProfile {
    let ping = Ping { timeout: Micros::from_secs(3), answered: Answered::Stay, unanswered };
    CloserProfile { ping: Some(ping), ..CloserProfile::plain(strategy) }
}

#[test]
fn a_ping_that_may_leave_the_stream_open_decides_nothing_while_it_is_answered() {
    let idle = DecisionPlan::Idle { idle: Micros::from_secs(5), sweep: Micros::ZERO };
    let profile = pinging(Strategy::TimeoutError, Unanswered::Close);
    let alive = run(Pair::builder().closer(profile).plan(idle));
    assert_eq!((alive.decided(), alive.released()), (None, None));
    let pings = alive.transcript(CLOSER).matches("urn:xmpp:ping").count();
    assert_eq!(pings, 11, "every 5.02 s in 60 s");
    let dead = run(Pair::builder().closer(profile).responder(Responder::Silent).plan(idle));
    assert_eq!(dead.decided(), Some(at(8_010)));
    assert_eq!(dead.released(), Some((at(8_010), Outcome::Closed)));
    assert!(dead.transcript(CLOSER).ends_with(TAG));
    let killed = run(Pair::builder()
        .closer(pinging(Strategy::AbruptClose, Unanswered::Drop))
        .responder(Responder::Silent)
        .plan(idle));
    assert_eq!(killed.released(), Some((at(8_010), Outcome::Timeout)));
}

#[test]
fn idleness_counts_from_the_last_stanza_either_way_and_is_found_at_a_sweep() {
    let idle = |sweep| DecisionPlan::Idle { idle: Micros::from_secs(4), sweep: Micros::from_secs(sweep) };
    let three = Source { count: Some(3), ..poisson(1.0) };
    let last = |pair: &Pair, side| {
        let sent = |fact: &&(_, Fact)| matches!(fact.1, Fact::Sent { .. } | Fact::Delivered { .. });
        pair.facts(side).iter().filter(sent).map(|&(at, _)| at).next_back()
    };
    let builder = Pair::builder().peer_writes(three.clone()).closer_writes(three);
    let timer = run(builder.clone().plan(idle(0)));
    let heard = last(&timer, CLOSER).unwrap();
    assert_eq!(timer.counts(PEER)[2] + timer.counts(CLOSER)[2], 6);
    assert_eq!(timer.decided(), Some(heard + Micros::from_secs(4)));
    let swept = run(builder.plan(idle(7)));
    let decided = swept.decided().unwrap();
    assert_eq!(decided.as_micros() % 7_000_000, 0);
    assert!(decided.since(heard) >= Micros::from_secs(4) && decided.since(heard) < Micros::from_secs(11));
}

#[test]
fn the_timeout_is_absolute_and_no_drip_extends_it() {
    for responder in [Responder::Silent, Responder::Drips, Responder::KeepsTalking] {
        let pair = run(Pair::builder().responder(responder).peer_writes(poisson(20.0)));
        assert_eq!(pair.released(), Some((at(6_010), Outcome::Timeout)), "{responder:?}");
        assert!(pair.transcript(CLOSER).ends_with(TAG), "and no error after the tag");
    }
}

#[test]
fn without_a_timeout_it_waits_for_ever() {
    let patient = CloserProfile { timeout: None, ..CloserProfile::plain(Strategy::Handshake) };
    let pair = run(Pair::builder().closer(patient).responder(Responder::Silent));
    assert_eq!((pair.decided(), pair.released()), (Some(at(1_010)), None));
}

#[test]
fn what_comes_in_the_wait_is_processed_or_thrown_away() {
    let discarding = CloserProfile { in_wait: InWait::Discard, ..CloserProfile::plain(Strategy::Handshake) };
    let kept = totals(&Pair::builder().peer_writes(poisson(200.0)), 20);
    assert_eq!((kept[0], kept[3]), (kept[2], 0), "the handshake loses nothing");
    let dropped = totals(&Pair::builder().closer(discarding).peer_writes(poisson(200.0)), 20);
    assert_eq!(dropped[0], kept[0], "the same traffic");
    assert_eq!(dropped[2] + dropped[3], dropped[0]);
    // 200 a second for the 20 ms from decision to notice and back, 20 streams.
    assert!(dropped[3] > 55 && dropped[3] < 105, "{} thrown away", dropped[3]);
}

#[test]
fn closing_at_once_loses_the_rate_times_the_round_trip() {
    let builder = Pair::builder().strategy(Strategy::TimeoutError).peer_writes(poisson(200.0));
    let [sent, deferred, delivered, unprocessed] = totals(&builder, 50);
    assert_eq!((deferred, unprocessed), (0, 0));
    let lost = f64::from(sent - delivered) / 50.0;
    assert!((lost - 4.0).abs() < 1.0, "{lost} lost a stream, expected are 200/s x 20 ms");
}

#[test]
fn in_the_grace_nothing_is_read_and_the_error_has_gone() {
    let profile = CloserProfile { grace: Micros::from_millis(100), ..CloserProfile::plain(Strategy::TimeoutError) };
    let mut pair = Pair::builder().closer(profile).peer_writes(poisson(200.0)).closer_writes(poisson(200.0)).open();
    pair.run_until(at(1_050));
    assert!(!pair.party(CLOSER).wants_to_read());
    assert!(pair.transcript(CLOSER).ends_with("</stream:error>"));
    assert_eq!(pair.noticed(), None, "an error alone stops nobody");
    pair.run_until(at(9_000));
    pair.assert_orderly();
    assert_eq!(pair.released(), Some((at(1_110), Outcome::Closed)));
    assert_eq!(pair.noticed(), Some(at(1_120)));
    let [_, deferred, ..] = pair.counts(CLOSER);
    assert!(deferred > 8 && deferred < 35, "{deferred} of its own held back in 100 ms at 200/s");
    let builder = Pair::builder().closer(profile).peer_writes(poisson(200.0));
    let [sent, _, delivered, _] = totals(&builder, 50);
    let lost = f64::from(sent - delivered) / 50.0;
    assert!((lost - 24.0).abs() < 2.0, "{lost} lost a stream, expected are 200/s x (20 + 100) ms");
}

#[test]
fn after_a_grace_a_waiting_strategy_reads_again() {
    let profile = CloserProfile { grace: Micros::from_millis(100), ..CloserProfile::plain(Strategy::Handshake) };
    let pair = run(Pair::builder().closer(profile).peer_writes(poisson(200.0)));
    let [sent, _, delivered, _] = pair.counts(PEER);
    assert_eq!((pair.released(), sent), (Some((at(1_130), Outcome::Clean)), delivered));
}

#[test]
fn a_socket_that_fails_in_the_grace_is_found_when_it_is_over() {
    for (strategy, outcome) in [(Strategy::TimeoutError, Outcome::Closed), (Strategy::Handshake, Outcome::PeerReset)] {
        let profile = CloserProfile { grace: Micros::from_millis(100), ..CloserProfile::plain(strategy) };
        let mut pair = Pair::builder().closer(profile).open();
        pair.run_until(at(1_050));
        pair.reset(CLOSER);
        pair.run_until(at(9_000));
        assert_eq!(pair.released(), Some((at(1_110), outcome)));
    }
}

/// A stanza each 100 ms, and a kernel that takes `room` more bytes from 500 ms on.
fn stuck(strategy: Strategy, room: usize) -> Pair {
    let steady = Source { process: Process::Periodic(Micros::from_millis(100)), ..poisson(0.0) };
    let mut pair = Pair::builder().strategy(strategy).closer_writes(steady).open();
    pair.run_until(at(500));
    pair.limit(CLOSER, room);
    pair.run_until(at(1_500));
    pair
}

#[test]
fn what_waits_for_a_socket_that_fails_in_the_grace_is_held_back() {
    for strategy in [Strategy::Handshake, Strategy::TimeoutError, Strategy::ErrorHandshake] {
        let profile = CloserProfile { grace: Micros::from_millis(100), ..CloserProfile::plain(strategy) };
        let steady = Source { process: Process::Periodic(Micros::from_millis(100)), ..poisson(0.0) };
        let mut pair = Pair::builder().closer(profile).closer_writes(steady).open();
        pair.run_until(at(500));
        pair.limit(CLOSER, 250);
        pair.run_until(at(1_050));
        assert!(!pair.party(CLOSER).pending_bytes().is_empty(), "{}", strategy.name());
        pair.reset(CLOSER);
        assert!(pair.party(CLOSER).pending_bytes().is_empty(), "{}", strategy.name());
        pair.run_until(at(9_000));
        let [sent, deferred, ..] = pair.counts(CLOSER);
        assert_eq!(sent + deferred, 11, "{}", strategy.name());
        assert_eq!(pair.released().map(|(at, _)| at), Some(at(1_110)), "the grace goes on");
    }
}

#[test]
fn a_closer_that_waits_flushes_its_queue_first_and_holds_back_what_comes_after() {
    let mut pair = stuck(Strategy::Handshake, 250);
    assert_eq!((pair.decided(), pair.released()), (Some(at(1_010)), None));
    pair.limit(CLOSER, usize::MAX);
    pair.run_until(at(3_000));
    pair.assert_orderly();
    assert_eq!(pair.released(), Some((at(1_520), Outcome::Clean)));
    let [sent, deferred, delivered, _] = pair.counts(CLOSER);
    assert_eq!((sent, delivered, deferred), (10, 10, 6), "6 from 1,010 ms to 1,520 ms");
}

#[test]
fn a_closer_that_waits_does_not_wait_for_its_kernel_for_ever() {
    let mut pair = stuck(Strategy::Handshake, 250);
    pair.run_until(at(9_000));
    assert_eq!(pair.released(), Some((at(6_010), Outcome::Timeout)));
    let [sent, deferred, ..] = pair.counts(CLOSER);
    assert_eq!(sent + deferred, 60, "what the kernel never took is held back");
    assert!(!pair.transcript(CLOSER).contains(TAG));
}

#[test]
fn a_closer_that_does_not_wait_writes_nothing_into_half_a_stanza() {
    for strategy in [Strategy::TimeoutError, Strategy::TagAndClose, Strategy::AbruptClose, Strategy::AbruptReset] {
        let pair = stuck(strategy, 250);
        assert_eq!(pair.released(), Some((at(1_010), Outcome::Closed)));
        let [sent, deferred, ..] = pair.counts(CLOSER);
        assert_eq!(sent + deferred, 10, "{strategy:?}");
        assert!(deferred >= 3, "{strategy:?} held back {deferred}");
        assert!(!pair.transcript(CLOSER).contains("stream:error"));
    }
}

#[test]
fn a_closer_that_does_not_wait_drops_its_words_when_the_kernel_takes_only_a_part() {
    let mut pair = Pair::builder().strategy(Strategy::TimeoutError).open();
    pair.run_until(at(500));
    pair.limit(CLOSER, 20);
    pair.run_until(at(2_000));
    assert_eq!(pair.released(), Some((at(1_010), Outcome::Closed)));
    assert!(pair.transcript(CLOSER).ends_with("<stream:error><conne"));
}

#[test]
fn what_the_peer_does_instead_of_its_tag_is_the_outcome() {
    for (responder, outcome) in [
        (Responder::FinOnly, Outcome::PeerFin),
        (Responder::Resets, Outcome::PeerReset),
        (Responder::Truncates, Outcome::PeerFin),
        (Responder::Garbage, Outcome::BadXml),
        (Responder::WaitsForFin, Outcome::Clean),
        (Responder::TagButNoFin, Outcome::Clean),
        (Responder::WritesAfterClose, Outcome::Clean),
    ] {
        let pair = against(Strategy::Handshake, responder);
        assert_eq!(pair.released(), Some((at(1_030), outcome)), "{responder:?}");
    }
}

#[test]
fn whatever_ends_the_stream_first_is_the_decision() {
    for (strategy, outcome) in [
        (Strategy::Handshake, Outcome::Clean),
        (Strategy::TimeoutError, Outcome::Clean),
        (Strategy::AbruptClose, Outcome::PeerFin),
        (Strategy::AbruptReset, Outcome::PeerReset),
    ] {
        let pair = run(Pair::builder()
            .role(PEER, Role::Closer(CloserProfile::plain(strategy)))
            .peer_plan(DecisionPlan::AfterUp(Micros::from_millis(480))));
        assert_eq!(pair.decided(), Some(at(510)), "{strategy:?}");
        assert_eq!(pair.released(), Some((at(510), outcome)), "{strategy:?}");
        let answers = matches!(outcome, Outcome::Clean);
        assert_eq!(pair.transcript(CLOSER).ends_with(TAG), answers, "{strategy:?}");
    }
    let mut pair = Pair::builder().open();
    pair.run_until(at(500));
    pair.reset(CLOSER);
    assert_eq!((pair.decided(), pair.released()), (Some(at(500)), Some((at(500), Outcome::PeerReset))));
}

#[test]
fn a_stream_that_never_comes_up_has_no_decision() {
    let mut pair = Pair::builder().open();
    pair.reset(CLOSER);
    pair.run_until(at(9_000));
    assert_eq!((pair.decided(), pair.released()), (None, None));
    assert_eq!(pair.syscalls(CLOSER), [(at(0), Syscall::Close)]);
}

#[test]
fn both_sides_may_decide_in_the_same_moment() {
    for strategy in Strategy::ALL {
        let profile = CloserProfile::plain(strategy);
        let pair = run(Pair::builder()
            .role(CLOSER, Role::Closer(profile))
            .role(PEER, Role::ClosesToo(profile))
            .peer_writes(poisson(200.0))
            .closer_writes(poisson(200.0))
            .plan(DecisionPlan::AfterUp(Micros::from_secs(1)).simultaneous(at(0))));
        assert_eq!(pair.decided(), Some(at(1_000)), "{strategy:?}");
        let (released, outcome) = pair.released().unwrap();
        let (expected, noticed) = if strategy == Strategy::PingThenHandshake {
            ((at(1_030), Outcome::Clean), at(1_030))
        } else if strategy.waits() {
            ((at(1_010), Outcome::Clean), at(1_010))
        } else {
            ((at(1_000), Outcome::Closed), at(1_000))
        };
        assert_eq!((released, outcome), expected, "{strategy:?}");
        assert_eq!(pair.noticed(), Some(noticed), "{strategy:?}");
    }
}
