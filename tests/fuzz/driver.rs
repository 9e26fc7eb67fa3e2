//! Arbitrary bytes as segments and calls to one socket, and what must hold whatever they are. Shared by the fuzz target
//! and the test that runs with all others.

use farewell::net::segment::{Flags, Options, Segment, Seq};
use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Cx, Identity, Socket, State};
use farewell::time::{Micros, SimTime};

const OURS: Seq = Seq(u32::MAX - 1_000);
const THEIRS: Seq = Seq(5);
/// The peer's timestamp in its SYN.
const STAMP: u32 = 1_000;
/// More segments than any window and any flight of ours leave at a time.
const BURST: u32 = 1_000;
/// More bytes than the receive buffer of a kernel at its defaults.
const BUFFER: u64 = 262_144;

/// Bytes read as choices; zeros when they are spent.
struct Choices<'a>(&'a [u8]);

impl Choices<'_> {
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn word(&mut self) -> u32 {
        u32::from_be_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// A number at `base`, near it, or anywhere.
    fn number(&mut self, base: Seq) -> Seq {
        match self.byte() % 8 {
            0..4 => base,
            4 => base.plus(u32::from(self.byte())),
            5 => Seq(base.0.wrapping_sub(u32::from(self.byte()))),
            6 => base.plus((self.word() & 0xf_ffff).wrapping_sub(0x4_0000)),
            _ => Seq(self.word()),
        }
    }

    fn segment(&mut self, seq: Seq, ack: Seq) -> Segment {
        let (rare, bits) = (self.byte(), self.byte());
        let mut segment = Segment {
            source_port: 2,
            destination_port: 1,
            seq: self.number(seq),
            ack: self.number(ack),
            flags: Flags {
                syn: rare & 15 == 1,
                fin: rare & 31 == 2,
                rst: rare == 3,
                psh: bits & 1 != 0,
                ack: rare & 15 != 4,
            },
            // Small windows, and none, as often as large ones.
            window: u16::from_be_bytes([self.byte(), self.byte()]) >> (self.byte() % 17).min(15),
            payload: vec![7; [0, 1, 100, 1_460][usize::from(bits >> 1 & 3)]],
            ..Segment::default()
        };
        if bits & 8 != 0 {
            // Mostly a little newer than the last, now and then from any time.
            let value = self.number(Seq(STAMP));
            segment.options.timestamps = Some((value.0, self.word()));
        }
        for slot in 0..usize::from(bits >> 4 & 3) {
            segment.options.sack[slot] = Some((self.number(ack), self.number(ack)));
        }
        segment
    }
}

/// What was seen of a connection so far, to judge what leaves.
struct Watch {
    /// The highest right edge of a window that any segment gave us, counted from our initial number.
    allowed: u64,
    /// The scale of the peer's windows after its SYN.
    scale: u8,
    /// The end of what we sent, from our initial number.
    sent: u64,
    /// The peer's initial number.
    theirs: Seq,
    /// The next number of ours.
    next: Seq,
    /// The scale of our windows after our SYN.
    our_scale: u8,
    /// The highest right edge of a window that we gave, counted from the peer's initial number.
    granted: u64,
}

fn offset(seq: Seq) -> u64 {
    u64::from(seq.0.wrapping_sub(OURS.0))
}

impl Watch {
    fn arrives(&mut self, socket: &Socket, segment: &Segment) {
        if socket.state() == State::SynSent && segment.flags.syn {
            self.theirs = segment.seq;
            self.scale = segment.options.window_scale.unwrap_or(0);
        }
        let acked = offset(segment.ack);
        if segment.flags.ack && acked <= self.sent {
            let scale = if segment.flags.syn { 0 } else { self.scale };
            self.allowed = self.allowed.max(acked + (u64::from(segment.window) << scale));
        }
    }

    fn leaves(&mut self, socket: &Socket, segment: &Segment) {
        // The numbers of a RST answer those of what it refuses.
        if segment.flags.rst {
            return;
        }
        if segment.flags.syn {
            self.our_scale = segment.options.window_scale.unwrap_or(0);
        }
        let (start, length) = (offset(segment.seq), u64::from(segment.sequence_length()));
        let end = start + length;
        assert!(end <= socket.accepted() + 2, "{segment:?} is beyond the {} bytes written", socket.accepted());
        if !segment.payload.is_empty() {
            // The FIN of a write of several segments may stand just beyond it: `tcp_mss_split_point` counts data only.
            let data_end = end - u64::from(segment.flags.fin);
            assert!(
                data_end <= self.allowed,
                "{start} to {data_end} exceeds the window, which ends at {}",
                self.allowed
            );
        }
        self.sent = self.sent.max(end);
        self.next = OURS.plus(u32::try_from(self.sent).unwrap_or(u32::MAX));
        if segment.flags.ack {
            let received = u64::from(segment.ack.0.wrapping_sub(self.theirs.0));
            assert!(received <= socket.received() + 2, "{segment:?} acknowledges what did not arrive");
            let scale = if segment.flags.syn { 0 } else { self.our_scale };
            self.granted = self.granted.max(received + (u64::from(segment.window) << scale));
        }
    }

    /// Everything that leaves now, judged; how many segments, and how many of them are RSTs.
    fn flush(&mut self, socket: &mut Socket, cx: Cx<'_>) -> (u32, u32) {
        let (mut all, mut resets) = (0, 0);
        while let Some(segment) = socket.poll_transmit(cx) {
            self.leaves(socket, &segment);
            all += 1;
            resets += u32::from(segment.flags.rst);
        }
        assert!(all < BURST, "{all} segments at once");
        (all, resets)
    }
}

fn call(choices: &mut Choices<'_>, socket: &mut Socket, cx: Cx<'_>) {
    let on = choices.byte() & 1 == 1;
    match choices.byte() {
        0 => socket.close(cx),
        1 => socket.abort(cx),
        2 => _ = socket.shutdown_write(cx),
        3 => _ = socket.shutdown_read(cx),
        4 => {
            let (idle, interval) = (Micros::from_millis(300), Micros::from_millis(200));
            socket.set_keepalive(cx, on, Some(idle), Some(interval), Some(2));
        }
        5 => socket.set_fin_timeout(on.then_some(Micros::from_secs(1))),
        6 => socket.set_linger(on.then_some(Micros::new(0))),
        7 => socket.set_user_timeout(on.then_some(Micros::from_secs(3))),
        8 => socket.set_nodelay(cx, on),
        9..110 => _ = socket.send(cx, &[1; 3_000]),
        110..180 => _ = socket.recv(cx, &mut Vec::new(), 700),
        _ => {}
    }
}

/// Runs one socket through what `bytes` say: born by a call or by a SYN, then rounds of time, a call and a segment.
/// Returns a bit for each [`State`] that it was in.
///
/// # Panics
/// If an answer to a RST is a RST, a segment has numbers that were not given out or lies beyond the window, more is taken
/// in than our window allows, or a queue grows without bound.
pub(crate) fn drive(bytes: &[u8]) -> u16 {
    let mut choices = Choices(bytes);
    let options = choices.byte();
    let kernel = Kernel { nodelay: options & 1 != 0, tcp_sack: options & 2 != 0, ..Kernel::default() };
    let active = options & 4 != 0;
    let scale = (options >> 3 & 1) * 7;
    let mut now = SimTime::from_micros(10_000_000);
    let cx = Cx { now, kernel: &kernel };
    let identity = Identity { local_port: 1, remote_port: 2, iss: OURS, ts_offset: 0 };
    let syn = Segment {
        source_port: 2,
        destination_port: 1,
        seq: THEIRS,
        ack: OURS.plus(1),
        flags: Flags { syn: true, ack: active, ..Flags::default() },
        window: 9_000,
        options: Options {
            mss: Some(1_460),
            window_scale: (scale > 0).then_some(scale),
            sack_permitted: true,
            timestamps: (options & 32 != 0).then_some((STAMP, if active { 10_000 } else { 0 })),
            ..Options::default()
        },
        ..Segment::default()
    };
    let mut watch =
        Watch { allowed: 1 + 9_000, scale, sent: 0, theirs: THEIRS, next: OURS.plus(1), our_scale: 0, granted: 0 };
    let mut socket = if active { Socket::connect(cx, identity) } else { Socket::accept(cx, identity, &syn) };
    watch.flush(&mut socket, cx);
    if options & 16 == 0 {
        // Most are to get through the handshake.
        let flags = Flags { ack: true, ..Flags::default() };
        let options = Options { timestamps: syn.options.timestamps, ..Options::default() };
        let ack = Segment { seq: THEIRS.plus(1), flags, options, ..syn.clone() };
        let answer = if active { &syn } else { &ack };
        watch.arrives(&socket, answer);
        socket.handle_segment(cx, answer);

        watch.flush(&mut socket, cx);
    }
    let mut seen = 0;
    while !choices.0.is_empty() {
        now += Micros::new(u64::from(choices.byte()) << (choices.byte() % 20));
        let cx = Cx { now, kernel: &kernel };
        socket.handle_deadline(cx);
        call(&mut choices, &mut socket, cx);
        watch.flush(&mut socket, cx);
        let segment = choices.segment(watch.theirs.plus(1 + u32::try_from(socket.received()).unwrap_or(0)), watch.next);
        watch.arrives(&socket, &segment);
        socket.handle_segment(cx, &segment);
        let (_, resets) = watch.flush(&mut socket, cx);
        assert!(resets == 0 || !segment.flags.rst, "a RST was answered with a RST: {segment:?}");
        let taken = socket.received() + 1;
        assert!(taken <= watch.granted.max(1), "{taken} were taken of a window that ends at {}", watch.granted);
        assert!(socket.received() - socket.read() <= BUFFER || socket.is_orphan(), "unread: {}", socket.received());
        assert!(socket.accepted() - socket.acknowledged() <= 16 * BUFFER || socket.state() == State::Closed);
        assert!(socket.acknowledged() <= socket.transmitted() && socket.transmitted() <= socket.accepted());
        seen |= socket.state().index().map_or(1 << 15, |index| 1 << index);
    }
    seen
}
