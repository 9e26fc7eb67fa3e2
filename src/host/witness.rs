//! An observer of every stream of a node, for those who check a run: it sees what passes between applications and kernels
//! and which states were reached, and shares no code with what it watches. Few runs have one; the others pay a look at
//! an empty pointer.

use std::collections::BTreeMap;

use crate::host::visit::Visit;
use crate::id::Side;
use crate::tcp::{State, Timer};
use crate::time::SimTime;
use crate::xmpp::party::Syscall;

/// The close tag as it stands on the wire.
const TAG: &[u8] = b"</stream:stream>";

/// One end of one stream.
#[derive(Clone, Debug, Default)]
pub struct Seen {
    /// When the kernel had taken the last byte of the application's close tag.
    pub tag: Option<SimTime>,
    /// Bytes that the kernel took behind it.
    pub behind_tag: u64,
    /// When the application let go of its socket, or the machine went off.
    pub let_go: Option<SimTime>,
    /// When the last packet came.
    pub last_packet: Option<SimTime>,
    /// The state of its socket, and since when; `None` where the kernel holds nothing.
    pub state: Option<(State, SimTime)>,
    /// Whether chaos struck the machine or its application: its times are then not its own.
    pub struck: bool,
    /// What the application gave its kernel.
    written: Vec<u8>,
    /// How many bytes of the other side it has read.
    read: usize,
}

/// What was seen of a node's run.
#[derive(Clone, Debug)]
pub struct Witness {
    /// Both ends of each stream by its place in the node, by [`Side::index`]; streams that never began may be missing.
    pub streams: Vec<[Seen; 2]>,
    /// How often a socket of each side, by [`Side::index`], entered each of [`State::HELD`].
    pub states: [[u64; State::HELD.len()]; 2],
    /// How often each of [`Timer::ALL`] fired.
    pub timers: [u64; Timer::ALL.len()],
    /// How often each action of the chaos schedule struck: each end of each stream by itself.
    pub struck: BTreeMap<&'static str, u64>,
    /// RSTs that fitted exactly and ended a socket.
    pub resets: u64,
    /// Streams that were up when a later one of their peer took the session over.
    pub replaced: u64,
    /// The first RST that fitted exactly and did not.
    pub survived: Option<String>,
    /// Bytes that applications read, all compared with what the other side had written.
    pub bytes: u64,
    /// The first read that was not what the other side had written.
    pub garbled: Option<String>,
    steps: u64,
    most_steps: u64,
}

impl Witness {
    /// What it says of a run that goes on and on, but carries stanzas.
    pub const LONG: &str = "the run is long";

    /// What it says of a run that goes on and on with next to nothing to show for it.
    pub const BUSY: &str = "the run stays busy";

    /// A witness of a run that is over after `most_steps` packets and deadlines: in a run that goes on it panics, and says whether
    /// that run is [long](Self::LONG) or only [busy](Self::BUSY).
    pub fn new(most_steps: u64) -> Self {
        Self {
            streams: Vec::new(),
            states: Default::default(),
            timers: Default::default(),
            struck: BTreeMap::new(),
            resets: 0,
            replaced: 0,
            survived: None,
            bytes: 0,
            garbled: None,
            steps: 0,
            most_steps,
        }
    }

    /// Packets and deadlines so far.
    pub const fn steps(&self) -> u64 {
        self.steps
    }

    fn ends(&mut self, local: usize) -> &mut [Seen; 2] {
        if self.streams.len() <= local {
            self.streams.resize_with(local + 1, Default::default);
        }
        &mut self.streams[local]
    }

    /// A byte that is read takes less than one packet or deadline, even in segments of the smallest size: a run that took more
    /// was busy with itself.
    fn step(&mut self) {
        self.steps += 1;
        if self.steps > self.most_steps {
            let (steps, bytes) = (self.most_steps, self.bytes);
            let what = if bytes < steps { Self::BUSY } else { Self::LONG };
            panic!("{what}: {steps} packets and deadlines, {bytes} bytes read");
        }
    }

    fn wrote(&mut self, local: usize, side: Side, bytes: &[u8], now: SimTime) {
        let end = &mut self.ends(local)[side.index()];
        if end.tag.is_some() {
            end.behind_tag += bytes.len() as u64;
        }
        let before = end.written.len().saturating_sub(TAG.len() - 1);
        end.written.extend_from_slice(bytes);
        if end.tag.is_none()
            && let Some(at) = end.written[before..].windows(TAG.len()).position(|window| window == TAG)
        {
            end.tag = Some(now);
            end.behind_tag = (end.written.len() - before - at - TAG.len()) as u64;
        }
    }

    fn read(&mut self, local: usize, side: Side, bytes: &[u8]) {
        let ends = self.ends(local);
        let from = ends[side.index()].read;
        let due = &ends[side.other().index()].written[from..];
        let good = due.starts_with(bytes);
        ends[side.index()].read = from + bytes.len();
        self.bytes += bytes.len() as u64;
        if !good {
            let said = format!("the {side:?} read other bytes at offset {from} than the other side wrote");
            self.garbled.get_or_insert(said);
        }
    }
}

/// The hooks. Without a witness they do nothing.
impl Visit<'_, '_> {
    fn witness(&mut self) -> Option<&mut Witness> {
        self.effects.trace.witness.as_deref_mut()
    }

    fn end(&mut self) -> Option<&mut Seen> {
        let (local, side) = (self.local, self.side);
        self.witness().map(|witness| &mut witness.ends(local)[side.index()])
    }

    #[inline]
    pub(super) fn witness_packet(&mut self) {
        if self.effects.trace.witness.is_some() {
            let now = self.now;
            if let Some(witness) = self.witness() {
                witness.step();
            }
            if let Some(end) = self.end() {
                end.last_packet = Some(now);
            }
        }
    }

    #[inline]
    pub(super) fn witness_deadline(&mut self) {
        if let Some(witness) = self.witness() {
            witness.step();
        }
    }

    #[inline]
    pub(super) fn witness_written(&mut self, bytes: &[u8]) {
        let (local, side, now) = (self.local, self.side, self.now);
        if let Some(witness) = self.witness() {
            witness.wrote(local, side, bytes, now);
        }
    }

    /// The application has read what is in the scratch buffer.
    #[inline]
    pub(super) fn witness_read(&mut self) {
        if let Some(witness) = self.effects.trace.witness.as_deref_mut() {
            witness.read(self.local, self.side, self.scratch);
        }
    }

    /// Whether there is a witness.
    #[inline]
    pub(super) fn is_witnessed(&self) -> bool {
        self.effects.trace.witness.is_some()
    }

    /// A RST that fitted exactly has come, and the socket is in this state now.
    pub(super) fn witness_reset(&mut self, state: State) {
        let (stream, side, now) = (self.stream().0, self.side, self.now);
        let Some(witness) = self.witness() else { return };
        if state == State::Closed {
            witness.resets += 1;
        } else {
            let said =
                || format!("stream {stream}: the {side:?} got a RST that fits at {now} and is in {}", state.name());
            witness.survived.get_or_insert_with(said);
        }
    }

    pub(super) fn witness_replaced(&mut self) {
        if let Some(witness) = self.witness() {
            witness.replaced += 1;
        }
    }

    pub(super) fn witness_timer(&mut self, timer: Timer) {
        if let Some(witness) = self.witness() {
            witness.timers[timer as usize] += 1;
        }
    }

    pub(super) fn witness_state(&mut self, state: State) {
        let (side, now) = (self.side, self.now);
        if let Some(end) = self.end() {
            end.state = (state != State::Closed).then_some((state, now));
        }
        if let (Some(witness), Some(index)) = (self.witness(), state.index()) {
            witness.states[side.index()][index] += 1;
        }
    }

    pub(super) fn witness_call(&mut self, call: Syscall) {
        let now = self.now;
        let Some(end) = self.end() else { return };
        match call {
            Syscall::ShutdownWrite => {}
            Syscall::Close | Syscall::Abort => end.let_go = Some(now),
            Syscall::PowerOff => {
                end.let_go = Some(now);
                end.state = None;
            }
        }
    }

    /// An action of the chaos schedule struck this end, its `machine` or only its packets.
    pub(super) fn witness_chaos(&mut self, action: &'static str, machine: bool) {
        if let Some(witness) = self.witness() {
            *witness.struck.entry(action).or_default() += 1;
        }
        if let (true, Some(end)) = (machine, self.end()) {
            end.struck = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> SimTime {
        SimTime::from_micros(us)
    }

    #[test]
    fn a_tag_is_found_across_writes_and_what_follows_it_is_counted() {
        let mut witness = Witness::new(10);
        witness.wrote(2, Side::Server, b"<message/></stream:", at(1));
        assert_eq!(witness.streams[2][Side::Server.index()].tag, None);
        witness.wrote(2, Side::Server, b"stream>", at(2));
        assert_eq!(witness.streams[2][Side::Server.index()].tag, Some(at(2)));
        witness.wrote(2, Side::Server, b"more", at(3));
        witness.wrote(2, Side::Client, b"</stream:stream>!", at(4));
        let [server, client] = [Side::Server, Side::Client].map(|side| witness.streams[2][side.index()].behind_tag);
        assert_eq!([server, client], [4, 1]);
    }

    #[test]
    fn bytes_that_were_not_written_are_noticed() {
        let mut witness = Witness::new(10);
        witness.wrote(0, Side::Client, b"abcdef", at(1));
        witness.read(0, Side::Server, b"abc");
        witness.read(0, Side::Server, b"de");
        assert_eq!(witness.garbled, None);
        witness.read(0, Side::Server, b"x");
        assert!(witness.garbled.as_ref().is_some_and(|said| said.contains("offset 5")), "{:?}", witness.garbled);
    }

    #[test]
    #[should_panic(expected = "stays busy")]
    fn a_run_that_does_not_end_is_stopped() {
        let mut witness = Witness::new(2);
        (0..3).for_each(|_| witness.step());
    }

    #[test]
    #[should_panic(expected = "is long")]
    fn a_run_that_carries_much_is_stopped_too_and_told_from_one_that_does_not_end() {
        let mut witness = Witness::new(2);
        witness.wrote(0, Side::Client, b"abcdef", at(1));
        witness.read(0, Side::Server, b"abcdef");
        (0..3).for_each(|_| witness.step());
    }
}
