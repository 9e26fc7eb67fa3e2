//! Interoperation: farewell's socket talks to smoltcp, an independent TCP, over a bad link, in both roles.
//!
//! Each case draws a link (loss to 25 %, jitter that reorders, duplicates), the set-up of both ends, who calls, how
//! much each writes in which pieces, and how each ends: after all is said, by a half-close or a close at some moment,
//! or by an abort. Time is simulated; a case is a pure function of the values that a failure prints.
//!
//! What holds is the least that TCP promises: what is delivered is a prefix of what was sent, all of it after an
//! orderly end on both sides; what our kernel takes for acknowledged has reached the peer's; and both ends come to rest,
//! closed, after a bounded number of datagrams.
//!
//! Limits of smoltcp 0.14 that the cases allow for: it has no `close()` that refuses what arrives later, so its
//! application always reads on; it sends the RST of an abort only once and has no timeout in FIN-WAIT-2, so keepalive
//! and a timeout are set; a RST in SYN-RECEIVED brings it back to LISTEN, which counts as closed; four gaps in what it
//! received are the most it remembers, so it may drop what arrives out of order; and it throws unread bytes away when its
//! TIME-WAIT of 10 s is over, so its application then reads all there is.

#![expect(clippy::unwrap_used, reason = "whatever fails here fails the test, and the place says what")]

mod ends;
mod hostility;
mod wire;

use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Socket, State};
use farewell::time::{Micros, SimTime};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use smoltcp::socket::tcp::State as Theirs;

use ends::{Ours, Read, Setup};
use wire::{Link, Quality};

/// When both are to be at rest: twice what the longest backoff and the keepalive take.
const LONGEST: Micros = Micros::from_secs(4 * 3_600);
/// The last moment at which an application ends by itself, in milliseconds.
const LAST_DECISION: u64 = 4_000;
const START: SimTime = SimTime::from_micros(1_000_000);

/// How an application ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    /// Half-closes when all is written, reads to the end, closes.
    Finish,
    /// The same, but stops writing at this moment.
    HalfClose(u64),
    /// Closes at this moment, in milliseconds, wherever it is.
    Close(u64),
    /// Aborts at this moment.
    Abort(u64),
}

/// All that a case depends on.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    quality: Quality,
    we_call: bool,
    setup: Setup,
    kernel: [bool; 3],
    bytes: [u64; 2],
    endings: [Ending; 2],
}

/// The application at one end.
#[derive(Debug)]
struct Application {
    to_write: u64,
    written: u64,
    read: Vec<u8>,
    ending: Ending,
    /// No more is written, the FIN is on its way.
    shut: bool,
    /// The peer's FIN was read.
    end: bool,
    /// The socket is let go of, or broke.
    over: bool,
}

impl Application {
    fn new(to_write: u64, ending: Ending) -> Self {
        Self { to_write, written: 0, read: Vec::new(), ending, shut: false, end: false, over: false }
    }

    /// Whether it is to write no more.
    fn is_to_stop(&self, ms: u64) -> bool {
        self.written == self.to_write || matches!(self.ending, Ending::HalfClose(at) if ms >= at)
    }
}

/// Byte `at` of the stream that `end` writes; the period is prime, so a shift shows.
fn byte(end: usize, at: u64) -> u8 {
    u8::try_from((at * 31 + 7 * end as u64) % 251).unwrap()
}

fn text(end: usize, from: u64, len: u64) -> Vec<u8> {
    (from..from + len).map(|at| byte(end, at)).collect()
}

/// Both ends, their applications and the link.
struct World {
    now: SimTime,
    link: Link,
    ours: Ours,
    theirs: ends::Theirs,
    applications: [Application; 2],
}

impl World {
    fn new(case: &Case) -> Self {
        let [nodelay, tcp_sack, tcp_timestamps] = case.kernel;
        let kernel = Kernel { nodelay, tcp_sack, tcp_timestamps, ..Kernel::default() };
        let mut applications = [0, 1].map(|end| Application::new(case.bytes[end], case.endings[end]));
        if let Ending::Close(at) = applications[1].ending {
            applications[1].ending = Ending::HalfClose(at);
        }
        Self {
            now: START,
            link: Link::new(case.quality, case.seed),
            ours: Ours::new(kernel, case.we_call, START),
            theirs: ends::Theirs::new(case.setup, !case.we_call, case.seed, START),
            applications,
        }
    }

    fn ms(&self) -> u64 {
        self.now.since(START).get() / 1_000
    }

    /// Everything that can leave leaves.
    fn flush(&mut self) {
        while let Some(bytes) = self.ours.leave() {
            self.link.put(self.now, 1, &bytes);
        }
        self.theirs.poll(self.now);
        while let Some(bytes) = self.theirs.leave() {
            self.link.put(self.now, 0, &bytes);
        }
    }

    /// The next thing that happens by itself.
    fn next(&mut self) -> Option<SimTime> {
        let theirs = self.theirs.deadline(self.now);
        [self.link.next(), self.ours.deadline(), theirs].into_iter().flatten().min()
    }

    /// Lets what happens by itself happen until `until`; the number of datagrams bounds it.
    fn run(&mut self, until: SimTime) {
        let mut events = 0_u32;
        while let Some(at) = self.next().filter(|at| *at <= until) {
            events += 1;
            assert!(events < 400_000 && self.link.sent < 40_000, "livelock at {}", self.now);
            self.now = self.now.max(at);
            match self.link.take(self.now) {
                Some((0, bytes)) => {
                    if let Some(reset) = self.ours.arrive(self.now, &bytes) {
                        self.link.put(self.now, 1, &reset);
                    }
                }
                Some((_, bytes)) => self.theirs.arrive(bytes),
                None => _ = self.ours.act(self.now, Socket::handle_deadline),
            }
            self.flush();
        }
        self.now = self.now.max(until);
    }

    /// Whether one end still waits for a call, and none will come: the other gave up before its SYN arrived, or after.
    fn is_hopeless(&mut self) -> bool {
        let waits = self.ours.socket.is_none() || self.theirs.socket().state() == Theirs::Listen;
        waits && self.ms() > 2 * LAST_DECISION && self.next().is_none()
    }

    /// One turn of our application.
    fn we_act(&mut self) {
        let (now, ms) = (self.now, self.ms());
        let app = &mut self.applications[0];
        let piece = (1 + self.link.below(4_000)).min(app.to_write - app.written);
        if !app.shut && !app.is_to_stop(ms) {
            app.written += self.ours.write(now, &text(0, app.written, piece)) as u64;
        }
        let max = usize::try_from(1 + self.link.below(9_000)).unwrap();
        match self.ours.read(now, &mut app.read, max) {
            Read::End => app.end = true,
            Read::Broken => app.over = true,
            Read::Bytes(_) | Read::Later => {}
        }
        let opening =
            self.ours.socket.as_ref().is_none_or(|s| matches!(s.state(), State::SynSent | State::SynReceived));
        if !app.shut && app.is_to_stop(ms) && !opening {
            app.shut = self.ours.act(now, Socket::shutdown_write) == Some(Ok(()));
        }
        // An orphan may give up on what is not acknowledged (`tcp_orphan_retries`): who wants it delivered waits.
        let acknowledged = self.ours.socket.as_ref().is_some_and(|socket| socket.acknowledged() == app.written);
        match app.ending {
            Ending::Close(at) if ms >= at => app.over |= self.ours.act(now, Socket::close).is_some(),
            Ending::Abort(at) if ms >= at => app.over |= self.ours.act(now, Socket::abort).is_some(),
            _ if app.end && app.shut && acknowledged => app.over |= self.ours.act(now, Socket::close).is_some(),
            Ending::Finish | Ending::HalfClose(_) | Ending::Close(_) | Ending::Abort(_) => {}
        }
    }

    /// One turn of smoltcp's application.
    fn they_act(&mut self) {
        let ms = self.ms();
        let app = &mut self.applications[1];
        let piece = (1 + self.link.below(4_000)).min(app.to_write - app.written);
        if !app.shut && !app.is_to_stop(ms) {
            app.written += self.theirs.write(&text(1, app.written, piece)) as u64;
        }
        let state = self.theirs.socket().state();
        let most = if state == Theirs::TimeWait { 200_000 } else { 1 + self.link.below(9_000) };
        let max = usize::try_from(most).unwrap();
        let opening = matches!(state, Theirs::Listen | Theirs::SynSent | Theirs::SynReceived);
        match self.theirs.read(&mut app.read, max) {
            Read::End => app.end = true,
            Read::Broken if !opening => app.over = true,
            Read::Broken | Read::Bytes(_) | Read::Later => {}
        }
        if !app.shut && !opening && app.is_to_stop(ms) {
            self.theirs.socket().close();
            app.shut = true;
        }
        if matches!(app.ending, Ending::Abort(at) if ms >= at) && !app.over {
            self.theirs.socket().abort();
            app.over = true;
        }
        app.over |= app.end && app.shut;
    }
}

fn run(case: &Case) {
    let mut world = World::new(case);
    world.flush();
    while world.now.since(START) < LONGEST {
        world.we_act();
        world.they_act();
        world.flush();
        if world.applications.iter().all(|app| app.over) || world.is_hopeless() {
            break;
        }
        // Often at first, and no more often than needed when everything waits for a long timer.
        let pause = 1_000 + world.link.below(20_000 + (world.now.since(START).get() / 50).min(1_000_000));
        world.run(SimTime::from_micros(world.now.as_micros()) + Micros::new(pause));
    }
    world.they_act();
    world.ours.act(world.now, Socket::close);
    world.flush();
    world.run(world.now + LONGEST);
    // What has come after the last turn is there to be read.
    while let Read::Bytes(_) = world.theirs.read(&mut world.applications[1].read, 9_000) {}
    check(case, &mut world);
}

fn check(case: &Case, world: &mut World) {
    let orderly = case.endings.iter().all(|ending| matches!(ending, Ending::Finish | Ending::HalfClose(_)));
    let [us, them] = &world.applications;
    for (end, reader, writer) in [(1, us, them), (0, them, us)] {
        let sent = text(end, 0, writer.written);
        assert!(sent.starts_with(&reader.read), "what end {end} wrote was not what was read");
        if orderly {
            assert_eq!(reader.read.len() as u64, writer.written, "bytes of end {end} are missing");
            assert!(writer.ending != Ending::Finish || writer.written == writer.to_write, "end {end} wrote too little");
        }
    }
    // Without a socket, smoltcp gave up before its SYN arrived.
    if let Some(socket) = &world.ours.socket {
        assert_eq!((socket.state(), socket.next_deadline()), (State::Closed, None), "{socket:?}");
        assert!(socket.acknowledged() <= them.read.len() as u64, "bytes were acknowledged that nobody can read");
        assert!(socket.received() <= them.written, "bytes were received that nobody wrote");
        assert!(us.read.len() as u64 <= socket.received());
    } else {
        assert!(!orderly && us.read.is_empty() && them.read.is_empty());
    }
    let state = world.theirs.socket().state();
    assert!(matches!(state, Theirs::Closed | Theirs::Listen), "smoltcp is left in {state}");
    assert!(world.link.next().is_none(), "datagrams are still on their way");
}

fn quality() -> impl Strategy<Value = Quality> {
    let loss = prop_oneof![Just(0.0), 0.0..0.25];
    let jitter = prop_oneof![Just(0), 0..60_000_u64];
    (1_000..150_000_u64, jitter, loss, prop_oneof![Just(0.0), 0.0..0.1]).prop_map(|(delay, jitter, loss, duplicate)| {
        Quality { delay: Micros::new(delay), jitter: Micros::new(jitter), loss, duplicate }
    })
}

fn setup() -> impl Strategy<Value = Setup> {
    (600_usize..100_000, any::<[bool; 3]>()).prop_map(|(buffer, [nagle, delayed_ack, timestamps])| Setup {
        buffer,
        nagle,
        delayed_ack,
        timestamps,
    })
}

fn case(endings: impl Strategy<Value = [Ending; 2]>) -> impl Strategy<Value = Case> {
    let bytes = [0..60_000_u64, 0..60_000_u64];
    (any::<u64>(), quality(), any::<bool>(), setup(), any::<[bool; 3]>(), bytes, endings).prop_map(
        |(seed, quality, we_call, setup, kernel, bytes, endings)| Case {
            seed,
            quality,
            we_call,
            setup,
            kernel,
            bytes,
            endings,
        },
    )
}

fn orderly() -> impl Strategy<Value = Ending> {
    prop_oneof![2 => Just(Ending::Finish), 1 => (0..LAST_DECISION).prop_map(Ending::HalfClose)]
}

fn any_ending() -> impl Strategy<Value = Ending> {
    prop_oneof![orderly(), (0..LAST_DECISION).prop_map(Ending::Close), (0..LAST_DECISION).prop_map(Ending::Abort),]
}

/// Cases of each property: few for every day, `PROPTEST_CASES` for a long run.
#[expect(clippy::disallowed_methods, reason = "how long to search, not what a case does")]
fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(60)
}

fn config() -> ProptestConfig {
    ProptestConfig {
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        max_shrink_iters: 200,
        ..ProptestConfig::with_cases(cases())
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_orderly_end_delivers_every_byte(case in case([orderly(), orderly()])) {
        run(&case);
    }

    #[test]
    fn any_end_delivers_a_prefix_and_leaves_nothing_behind(case in case([any_ending(), any_ending()])) {
        run(&case);
    }
}
