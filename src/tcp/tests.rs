//! Dialogues with one socket, and pairs of sockets over bad links. Grouped by what they are about; the packetdrill
//! scripts hold most single behaviours, here stand those that need more than a script can say.

use crate::tcp::sysctl::Kernel;
use crate::tcp::testing::{Dialogue, Link, Pair, Peer, ms};
use crate::tcp::{Errno, Socket, State, Timer};
use crate::time::{Micros, SimTime};

fn plain() -> Dialogue {
    Dialogue::established(Kernel::default(), Peer::Plain)
}

fn modern() -> Dialogue {
    Dialogue::established(Kernel::default(), Peer::Modern)
}

mod closing {
    use super::*;

    #[test]
    fn unread_bytes_make_close_a_reset_and_die_with_the_socket() {
        let mut t = plain();
        t.peer_sends("P.", 200, 1);
        t.we_send(". 1:1(0) ack 201");
        t.act(Socket::close);
        t.we_send("R. 1:1(0) ack 201");
        t.then_silence();
        assert_eq!((t.socket.state(), t.socket.received(), t.socket.read()), (State::Closed, 200, 0));
        assert!(t.socket.holds(199) && !t.socket.holds(200));
    }

    #[test]
    fn data_for_an_orphan_resets_and_purges_what_was_queued() {
        let mut t = plain();
        t.write(120).unwrap();
        t.we_send("P. 1:121(120) ack 1");
        t.act(Socket::close);
        t.we_send("F. 121:121(0) ack 1");
        t.peer_sends("P.", 200, 1);
        t.we_send("R 1:1(0)");
        t.then_silence();
        assert_eq!(t.socket.next_deadline(), None);
        assert_eq!((t.socket.accepted(), t.socket.transmitted(), t.socket.acknowledged()), (120, 120, 0));
        assert!(!t.socket.holds(0), "the orphan did not take the data");
    }

    #[test]
    fn an_orphan_waits_tcp_fin_timeout_for_the_fin() {
        let mut t = plain();
        t.act(Socket::close);
        t.we_send("F. 1:1(0) ack 1");
        t.peer_sends(".", 0, 2);
        assert_eq!(t.socket.state(), State::FinWait2);
        let (at, timer) = t.socket.next_deadline().unwrap();
        assert_eq!((at.since(SimTime::from_micros(1_020_000)), timer), (Micros::from_secs(60), Timer::FinWait2));
        t.wait(Micros::from_secs(60));
        assert_eq!(t.socket.state(), State::Closed);
    }

    #[test]
    fn time_wait_answers_the_repeated_fin_and_starts_anew() {
        let mut t = plain();
        t.act(Socket::close);
        t.we_send("F. 1:1(0) ack 1");
        t.peer_sends(".", 0, 2);
        t.peer_sends("F.", 0, 2);
        t.we_send(". 2:2(0) ack 2");
        assert_eq!(t.socket.state(), State::TimeWait);
        t.wait(Micros::from_secs(59));
        t.peer_sends_at(1, "F.", 0, 2);
        t.we_send(". 2:2(0) ack 2");
        t.wait(Micros::from_secs(59));
        assert_eq!(t.socket.state(), State::TimeWait);
        t.wait(Micros::from_secs(1));
        assert_eq!(t.socket.state(), State::Closed);
    }

    #[test]
    fn a_profile_may_discard_what_a_reset_overtakes() {
        let kernel = Kernel { reset_discards_received: true, ..Kernel::default() };
        let mut t = Dialogue::established(kernel, Peer::Plain);
        t.peer_sends("P.", 200, 1);
        t.we_send(". 1:1(0) ack 201");
        t.peer_sends("R.", 0, 1);
        assert_eq!(t.read(), Err(Errno::ECONNRESET));
        assert_eq!(t.read(), Ok(0));
    }

    #[test]
    fn closing_twice_is_closing_once() {
        let mut t = plain();
        t.act(Socket::close);
        t.we_send("F. 1:1(0) ack 1");
        t.act(Socket::close);
        t.then_silence();
        assert!(t.socket.is_orphan());
    }
}

mod losing {
    use super::*;

    #[test]
    fn a_lone_lost_segment_is_probed_at_the_timeout_and_the_timeout_then_starts_anew() {
        let mut t = modern();
        t.write(100).unwrap();
        t.we_send("P. 1:101(100) ack 1");
        t.later_we_send(ms(216), ms(228), "P. 1:101(100) ack 1");
        assert_eq!(t.socket.next_deadline().map(|(_, timer)| timer), Some(Timer::Retransmit));
        t.later_we_send(ms(216), ms(228), "P. 1:101(100) ack 1");
        t.later_we_send(ms(440), ms(480), "P. 1:101(100) ack 1");
        assert_eq!(t.socket.retransmissions(), 3);
    }

    #[test]
    fn a_gap_reported_by_sack_is_filled_a_quarter_round_trip_later() {
        let mut t = modern();
        t.write(110).unwrap();
        t.we_send("P. 1:111(110) ack 1");
        t.act(Socket::shutdown_write).unwrap();
        t.we_send("F. 111:111(0) ack 1");
        t.wait(ms(20));
        t.peer_sends_sack(1, ".", 0, 1, &[(111, 112)]);
        t.then_silence();
        assert_eq!(t.socket.next_deadline().map(|(_, timer)| timer), Some(Timer::Reorder));
        // 20 ms / 4 and 2 ms of slack, on the next tick but one.
        t.later_we_send(ms(7), ms(12), "P. 1:111(110) ack 1");
        t.wait(ms(20));
        t.peer_sends(".", 0, 112);
        assert_eq!(t.socket.state(), State::FinWait2);
    }

    #[test]
    fn retransmission_stops_after_the_time_of_fifteen_retries() {
        let mut t = plain();
        t.write(100).unwrap();
        t.we_send("P. 1:101(100) ack 1");
        let mut copies = 0;
        while t.socket.state() != State::Closed {
            let (at, _) = t.socket.next_deadline().unwrap();
            let wait = at.since(SimTime::ZERO);
            t.act(|socket, cx| {
                let cx = crate::tcp::Cx { now: SimTime::ZERO + wait, ..cx };
                socket.handle_deadline(cx);
                while socket.poll_transmit(cx).is_some() {
                    copies += 1;
                }
            });
        }
        assert!((14..=16).contains(&copies), "{copies}");
        assert_eq!(t.read(), Err(Errno::ETIMEDOUT));
    }
}

mod limits {
    use super::*;

    #[test]
    fn a_socket_at_rest_is_small_and_allocates_nothing() {
        assert!(size_of::<Socket>() < 1_024, "{} bytes", size_of::<Socket>());
    }

    #[test]
    fn a_full_send_buffer_pushes_back_and_takes_more_when_acknowledged() {
        let mut t = plain();
        let mut taken = 0;
        while let Ok(n) = t.write(10_000) {
            taken += n;
        }
        assert_eq!(t.write(1), Err(Errno::EAGAIN));
        assert!((16_384..200_000).contains(&taken), "{taken}");
        assert_eq!(t.socket.send_space(), 0);
        t.peer_sends(".", 0, 5_001);
        assert!(t.socket.send_space() >= 5_000, "what was acknowledged is free, and the buffer grows with the window");
    }

    #[test]
    fn a_receiver_that_never_reads_closes_its_window_and_keeps_within_it() {
        let link = Link { delay: ms(5), jitter: Micros::ZERO, loss: 0.0, duplicate: 0.0, in_order: true };
        let mut pair = Pair::new(Kernel::default(), link, 1);
        pair.run_until(SimTime::from_micros(100_000));
        for step in 0..200 {
            pair.act(0, |socket, cx| socket.send(cx, &[0; 5_000]).ok());
            pair.run_until(SimTime::from_micros(100_000 + step * 20_000));
        }
        let received = pair.ends[1].as_ref().unwrap().received();
        assert!((60_000..=131_072).contains(&received), "{received}");
        assert_eq!(pair.ends[0].as_ref().unwrap().next_deadline().map(|(_, t)| t), Some(Timer::WindowProbe));
        // Reading opens it again.
        let mut buf = Vec::new();
        pair.act(1, |socket, cx| socket.recv(cx, &mut buf, 100_000).ok());
        pair.run_until(SimTime::from_micros(10_000_000));
        assert!(pair.ends[1].as_ref().unwrap().received() > received);
    }
}

/// Random applications over bad links.
mod chaos {
    use super::*;

    /// What an application does in the end.
    #[derive(Clone, Copy, Debug, PartialEq)]
    enum Ending {
        /// Both shut down and read to the end.
        Graceful,
        /// One closes at once.
        Close,
        /// One aborts.
        Abort,
    }

    fn pattern(end: usize, from: u64, len: u64) -> Vec<u8> {
        (from..from + len).map(|i| u8::try_from((i * 31 + end as u64) % 251).unwrap()).collect()
    }

    struct Application {
        to_write: u64,
        written: u64,
        read: Vec<u8>,
        ended: bool,
        shut: bool,
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
    fn below(pair: &mut Pair, n: u64) -> u64 {
        (pair.unit() * n as f64) as u64
    }

    fn step(pair: &mut Pair, end: usize, app: &mut Application) {
        let chunk = 1 + below(pair, 4_000);
        let len = chunk.min(app.to_write - app.written);
        let data = pattern(end, app.written, len);
        if len > 0
            && let Some(Ok(n)) = pair.act(end, |socket, cx| socket.send(cx, &data))
        {
            app.written += n as u64;
        }
        let max = 1 + usize::try_from(below(pair, 8_000)).unwrap();
        if let Some(Ok(0)) = pair.act(end, |socket, cx| socket.recv(cx, &mut app.read, max)) {
            app.ended = true;
        }
        if app.written == app.to_write && !app.shut {
            app.shut = pair.act(end, Socket::shutdown_write) == Some(Ok(()));
        }
    }

    fn run(seed: u64, ending: Ending, link: Link) {
        let mut pair = Pair::new(Kernel::default(), link, seed);
        let (a, b) = (below(&mut pair, 60_000), below(&mut pair, 60_000));
        let mut apps =
            [a, b].map(|to_write| Application { to_write, written: 0, read: Vec::new(), ended: false, shut: false });
        let last = if ending == Ending::Graceful { u64::MAX } else { below(&mut pair, 400) };
        let mut steps = 0;
        while steps < last && !(apps[0].ended && apps[1].ended && apps.iter().all(|app| app.shut)) {
            let pause = Micros::new(1 + below(&mut pair, 20_000));
            let until = pair.now + pause;
            pair.run_until(until);
            for (end, app) in apps.iter_mut().enumerate() {
                step(&mut pair, end, app);
            }
            steps += 1;
            assert!(steps < 200_000, "seed {seed}: no progress");
            let dead = pair.ends.iter().flatten().any(|socket| socket.state() == State::Closed);
            assert!(ending != Ending::Graceful || !dead || apps.iter().all(|app| app.shut), "seed {seed}: died");
            if dead && ending != Ending::Graceful {
                break;
            }
        }
        match ending {
            Ending::Graceful | Ending::Close => pair.act(0, Socket::close),
            Ending::Abort => pair.act(0, Socket::abort),
        };
        let until = pair.now + ms(3_000);
        pair.run_until(until);
        pair.act(1, Socket::close);
        let until = pair.now + Micros::from_secs(3_600);
        pair.run_until(until);
        check(seed, ending, &pair, &apps);
    }

    fn check(seed: u64, ending: Ending, pair: &Pair, apps: &[Application; 2]) {
        for (end, app) in apps.iter().enumerate() {
            let other = &apps[1 - end];
            let sent = pattern(1 - end, 0, other.written);
            assert!(sent.starts_with(&app.read), "seed {seed}: end {end} read what was not sent");
            if ending == Ending::Graceful {
                assert_eq!(app.read.len() as u64, other.to_write, "seed {seed}: end {end} misses bytes");
            }
        }
        for socket in pair.ends.iter().flatten() {
            assert_eq!(socket.state(), State::Closed, "seed {seed}: {socket:?}");
            assert_eq!(socket.next_deadline(), None, "seed {seed}");
            assert!(socket.acknowledged() <= socket.transmitted() && socket.transmitted() <= socket.accepted());
        }
        assert!(pair.segments < 20_000, "seed {seed}: {} segments", pair.segments);
    }

    fn link(seed: u64) -> Link {
        let loss = [0.0, 0.02, 0.1, 0.3][usize::try_from(seed % 4).unwrap()];
        let jitter = [0, 0, 3_000, 30_000][usize::try_from(seed / 4 % 4).unwrap()];
        let duplicate = if seed.is_multiple_of(3) { 0.05 } else { 0.0 };
        Link { delay: ms(1 + seed % 50), jitter: Micros::new(jitter), loss, duplicate, in_order: false }
    }

    #[test]
    fn a_graceful_end_delivers_every_byte() {
        for seed in 0..200 {
            run(seed, Ending::Graceful, link(seed));
        }
    }

    #[test]
    fn any_other_end_delivers_a_prefix_and_leaves_nothing_behind() {
        for seed in 0..200 {
            run(seed, Ending::Close, link(seed));
            run(seed, Ending::Abort, link(seed));
        }
    }
}

mod keys_that_no_script_can_show {
    use super::*;

    fn with(change: impl FnOnce(&mut Kernel)) -> Dialogue {
        let mut kernel = Kernel::default();
        change(&mut kernel);
        Dialogue::established(kernel, Peer::Plain)
    }

    /// When the next timer is due, from now.
    fn wait_for(t: &mut Dialogue) -> (Micros, Timer) {
        let now = t.act(|_, cx| cx.now);
        let (at, timer) = t.socket.next_deadline().expect("a timer is pending");
        (at.since(now), timer)
    }

    #[test]
    fn mss_bounds_our_segments_and_initial_cwnd_their_number() {
        let mut t = with(|kernel| (kernel.mss, kernel.initial_cwnd) = (500, 2));
        t.write(2_000).unwrap();
        t.we_send(". 1:501(500) ack 1");
        t.we_send(". 501:1001(500) ack 1");
        t.then_silence();
    }

    #[test]
    fn time_wait_lasts_as_long_as_it_says() {
        let mut t = with(|kernel| kernel.time_wait = Micros::from_secs(5));
        t.act(Socket::close);
        t.we_send("F. 1:1(0) ack 1");
        t.peer_sends("F.", 0, 2);
        t.we_send(". 2:2(0) ack 2");
        assert_eq!(wait_for(&mut t), (Micros::from_secs(5), Timer::TimeWait));
    }

    #[test]
    fn an_ack_is_delayed_for_the_shortest_time_at_most_for_the_longest() {
        for (least, most, expected) in [(40, 200, 40), (80, 200, 80), (80, 20, 20)] {
            let mut t = with(|kernel| {
                (kernel.delayed_ack_min, kernel.delayed_ack_max, kernel.tick) = (ms(least), ms(most), Micros::ZERO);
            });
            // The ACK of a FIN with data waits for our own FIN.
            t.peer_sends("PF.", 200, 1);
            assert_eq!(wait_for(&mut t), (ms(expected), Timer::DelayedAck));
        }
    }

    #[test]
    fn tcp_wmem_bounds_what_a_write_takes() {
        let mut t = with(|kernel| kernel.tcp_wmem = [4_096; 3]);
        assert_eq!(t.write(10_000), Ok(4_096));
    }

    #[test]
    fn small_segments_are_merged_when_they_go_again_if_tcp_retrans_collapse_says_so() {
        for (merge, again) in [(true, "P. 1:201(200) ack 1"), (false, "P. 1:101(100) ack 1")] {
            let mut t = with(|kernel| kernel.tcp_retrans_collapse = merge);
            for place in ["P. 1:101(100) ack 1", "P. 101:201(100) ack 1"] {
                t.write(100).unwrap();
                t.we_send(place);
            }
            t.later_we_send(ms(200), ms(260), again);
        }
    }

    #[test]
    fn nodelay_lets_a_second_small_segment_go() {
        let mut t = with(|kernel| kernel.nodelay = false);
        t.write(100).unwrap();
        t.we_send("P. 1:101(100) ack 1");
        t.write(100).unwrap();
        t.then_silence();
    }
}
