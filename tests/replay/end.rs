//! One end of a noted stream, replayed.

use farewell::net::segment::{Segment, Seq};
use farewell::tcp::sysctl::Kernel;
use farewell::tcp::{Cx, Identity, Socket, State, reset_for};
use farewell::time::SimTime;

use crate::TICK_US;
use crate::log::{Note, Shape, Side, Told, What};

/// How far apart two packets may be: a tick of the kernel's clock, and what the measuring machine adds.
const TOLERANCE_US: u64 = 6_000;
/// How late the real timers may be.
const LATE_US: u64 = 36_000;

/// The first difference of an end.
#[derive(Debug)]
pub(crate) struct Difference {
    pub(crate) kind: &'static str,
    /// Which packet.
    place: usize,
    pub(crate) text: String,
}

/// What happens to an end.
enum Input<'a> {
    Connect,
    Write(usize, Told),
    Read(Told),
    Close,
    Arrival(&'a Segment),
}

/// Replays one end of the stream.
///
/// # Errors
/// The first packet that differs.
pub(crate) fn replay(notes: &[Note], side: Side) -> Result<(), Difference> {
    let mut inputs = Vec::new();
    let mut real = Vec::new();
    for note in notes {
        match &note.what {
            What::Packet { segment, .. } if note.side == side => real.push((note.at, &**segment)),
            What::Packet { delivered, segment } => {
                inputs.extend(delivered.map(|at| (at, Input::Arrival(segment))));
            }
            _ if note.side != side => {}
            What::Connect => inputs.push((note.at, Input::Connect)),
            What::Write(n, told) => inputs.push((note.at, Input::Write(*n, *told))),
            What::Read(told) => inputs.push((note.at, Input::Read(*told))),
            What::Close => inputs.push((note.at, Input::Close)),
        }
    }
    inputs.sort_by_key(|(at, _)| *at);
    let end = notes.iter().map(|note| note.at).max().unwrap_or(SimTime::ZERO);
    let ours = End::new(&real, side).run(&inputs, end);
    let packets = compare(&real, &ours.sent);
    let place = packets.as_ref().err().map_or(usize::MAX, |difference| difference.place);
    let before = ours.checks.iter().take_while(|check| check.place <= place);
    before.map(Check::verdict).find(Result::is_err).unwrap_or(packets)
}

/// What the real kernel told of its socket, and ours at the same moment.
struct Check {
    at: SimTime,
    /// After how many packets.
    place: usize,
    told: Told,
    window: u64,
    timeout_us: u64,
}

impl Check {
    fn verdict(&self) -> Result<(), Difference> {
        let Self { at, place, told, window, timeout_us } = self;
        let kind = if told.window != *window {
            "window"
        } else if told.timeout_us.abs_diff(*timeout_us) > TICK_US {
            "timeout"
        } else {
            return Ok(());
        };
        let text = format!("at {} after {place} packets: real {told:?}, ours {window} {timeout_us}", at.as_micros());
        Err(Difference { kind, place: *place, text })
    }
}

/// The socket under test and what it has sent.
struct End {
    kernel: Kernel,
    id: Identity,
    socket: Option<Socket>,
    sent: Vec<(SimTime, Segment)>,
    buffer: Vec<u8>,
    /// When the real packets were sent.
    real: Vec<SimTime>,
    checks: Vec<Check>,
}

impl End {
    fn new(real: &[(SimTime, &Segment)], side: Side) -> Self {
        // The real clock of timestamps is in step with the log's.
        let offsets = real.iter().filter_map(|(at, segment)| {
            let (value, _) = segment.options.timestamps?;
            Some(value.wrapping_sub(u32::try_from(at.as_micros() / 1_000 % (1 << 32)).expect("32 bits")))
        });
        let least = offsets.clone().next().unwrap_or(0);
        let ts_offset = offsets.max_by_key(|offset| offset.wrapping_sub(least.wrapping_sub(1_000))).unwrap_or(0);
        let (local_port, remote_port) = if side == Side::Client { (40_000, 5_222) } else { (5_222, 40_000) };
        Self {
            kernel: Kernel { nodelay: true, ..Kernel::default() },
            id: Identity { local_port, remote_port, iss: Seq(0), ts_offset },
            socket: None,
            sent: Vec::new(),
            buffer: Vec::new(),
            real: real.iter().map(|(at, _)| *at).collect(),
            checks: Vec::new(),
        }
    }

    fn run(mut self, inputs: &[(SimTime, Input<'_>)], end: SimTime) -> Self {
        for (at, input) in inputs {
            self.expire(*at);
            if let (Input::Write(_, told) | Input::Read(told), Some(socket)) = (input, &self.socket) {
                self.checks.push(Check {
                    at: *at,
                    place: self.sent.len(),
                    told: *told,
                    window: socket.congestion_window(),
                    timeout_us: socket.retransmission_timeout().get(),
                });
            }
            self.take(*at, input);
            self.flush(*at);
        }
        self.expire(end);
        self
    }

    fn expire(&mut self, until: SimTime) {
        while let Some((at, _)) = self.socket.as_ref().and_then(Socket::next_deadline).filter(|(at, _)| *at < until) {
            // The real timer was late by the load of the machine: ours is as late.
            let there = self.real.get(self.sent.len()).copied().unwrap_or(at);
            let at = if there > at && there.since(at).get() < LATE_US { there } else { at };
            if at >= until {
                break;
            }
            let cx = Cx { now: at, kernel: &self.kernel };
            self.socket.as_mut().expect("it has a deadline").handle_deadline(cx);
            self.flush(at);
        }
    }

    fn take(&mut self, now: SimTime, input: &Input<'_>) {
        let cx = Cx { now, kernel: &self.kernel };
        let live = self.socket.as_mut();
        match (input, live) {
            (Input::Connect, _) => self.socket = Some(Socket::connect(cx, self.id)),
            (Input::Write(n, _), Some(socket)) => _ = socket.send(cx, &vec![b'x'; *n]),
            (Input::Read(_), Some(socket)) => {
                self.buffer.clear();
                _ = socket.recv(cx, &mut self.buffer, 16_384);
            }
            (Input::Close, Some(socket)) => socket.close(cx),
            (Input::Arrival(segment), Some(socket)) if socket.state() != State::Closed => {
                socket.handle_segment(cx, segment);
            }
            (Input::Arrival(segment), None) if segment.flags.syn => {
                self.socket = Some(Socket::accept(cx, self.id, segment));
            }
            (Input::Arrival(segment), _) => self.sent.extend(reset_for(segment).map(|reset| (now, reset))),
            (_, None) => {}
        }
    }

    fn flush(&mut self, now: SimTime) {
        let cx = Cx { now, kernel: &self.kernel };
        while let Some(segment) = self.socket.as_mut().and_then(|socket| socket.poll_transmit(cx)) {
            self.sent.push((now, segment));
        }
    }
}

fn compare(real: &[(SimTime, &Segment)], ours: &[(SimTime, Segment)]) -> Result<(), Difference> {
    for i in 0..real.len().max(ours.len()) {
        let show = |packet: Option<(SimTime, &Segment)>| {
            packet.map_or("nothing".to_owned(), |(at, segment)| format!("{} at {}", Shape::of(segment), at.as_micros()))
        };
        let there = real.get(i).copied();
        let here = ours.get(i).map(|(at, segment)| (*at, segment));
        let text = || format!("packet {i}: real {}, ours {}", show(there), show(here));
        let kind = match (there, here) {
            (Some((then, a)), Some((now, b))) if Shape::of(a) == Shape::of(b) => {
                let apart = then.as_micros().abs_diff(now.as_micros());
                if apart <= TOLERANCE_US {
                    continue;
                }
                if then < now { "late" } else { "early" }
            }
            (Some(_), Some(_)) => "other",
            (Some(_), None) => "missing",
            (None, _) => "superfluous",
        };
        return Err(Difference { kind, text: text(), place: i });
    }
    Ok(())
}
