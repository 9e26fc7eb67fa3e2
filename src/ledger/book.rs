//! The live ledger of a node: hosts write facts into it while it runs, and it closes into a [`NodeLedger`].
//!
//! Facts come from both ends of a stream and may come interleaved in any way that respects cause and effect:
//! what is kept does not depend on the interleaving. Only stanzas under way are kept one by one.

use std::collections::VecDeque;

use crate::defect::{self, Defect};
use crate::id::{NodeId, Side, StreamId};
use crate::ledger::again::Again;
use crate::ledger::balance::{self, Imbalance};
use crate::ledger::capacity::Account;
use crate::ledger::census::Census;
use crate::ledger::fate::{Direction, Observed, Outcome};
use crate::ledger::record::{LostStanza, NodeLedger, StreamRecord, Totals};
use crate::ledger::returns::Tide;
use crate::time::{Micros, SimTime};

/// What is known of a stream before it opens.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The stream.
    pub stream: StreamId,
    /// Index of its class.
    pub class: u16,
    /// Index of its closer in the contender.
    pub closer: u16,
    /// The side whose closing is measured.
    pub closer_side: Side,
    /// The side whose sockets the census counts.
    pub server_side: Side,
}

/// What a socket leaves when its life (or the run) ends, in bytes of its data stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Remains {
    /// Highest byte its kernel ever sent, plus one.
    pub transmitted: u64,
    /// Bytes the other kernel acknowledged.
    pub acknowledged: u64,
}

/// The last thing known of a stanza that was not delivered. Ordered: what counts more is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Mark {
    /// Nothing yet: it waits in the sender's kernel or travels.
    None,
    /// A link dropped its last byte.
    Dropped,
    /// Its sender's kernel gave it up.
    Abandoned,
    /// It met a socket that no application owned any more, or none at all.
    Refused,
    /// It was in the receiving kernel when its application let go.
    Unread,
    /// Its application had read it but never made a stanza of it.
    Unparsed,
}

/// A stanza under way.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Underway {
    pub(crate) stanza: u32,
    pub(crate) size: u32,
    /// Offset just behind its last byte in its sender's stream.
    pub(crate) end: u64,
    pub(crate) sent: SimTime,
    pub(crate) mark: Mark,
    pub(crate) marked: SimTime,
}

/// One direction of a stream, named after its sender.
#[derive(Debug, Default)]
pub(crate) struct Lane {
    pub(crate) totals: Totals,
    pub(crate) underway: VecDeque<Underway>,
    pub(crate) remains: Remains,
}

/// One side's socket in the kernel.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Life {
    /// When it came to be.
    pub(crate) from: Option<SimTime>,
    /// When the kernel let go of it, TIME-WAIT aside.
    pub(crate) left: Option<SimTime>,
    /// When TIME-WAIT was over too.
    pub(crate) gone: Option<SimTime>,
    /// Its state in the census, and since when.
    state: Option<(usize, SimTime)>,
}

/// Stanzas of one sender that waited for their stream: number, and since when.
type Late = VecDeque<(u32, SimTime)>;

/// One stream.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) entry: Entry,
    pub(crate) lanes: [Lane; 2],
    pub(crate) lives: [Life; 2],
    pub(crate) decided: Option<SimTime>,
    pub(crate) released: Option<(SimTime, Outcome)>,
    pub(crate) noticed: Option<SimTime>,
    packets: u32,
    bytes: u64,
    retransmissions: u32,
    resets: u32,
    violations: u64,
    /// Stanzas that waited for this stream, by their sender's [`Side::index`].
    late: Option<Box<[Late; 2]>>,
}

/// The live ledger of a node.
#[derive(Debug)]
pub struct Book {
    node: NodeId,
    /// The streams that are still open to facts.
    pages: Vec<Page>,
    /// The number in the node of the first of them.
    first: usize,
    /// Further lives of the peers whose streams are open, those of all of them in turn, as far as they have begun.
    lives: Vec<Option<Box<Page>>>,
    /// Peers of the node.
    peers: usize,
    /// Peers that come back, if any have something to tell.
    returns: Option<Box<Tide>>,
    /// What the server bears, if that is reckoned.
    account: Option<Box<Account>>,
    /// Stanzas that were written again, if any were.
    again: Option<Box<Again>>,
    streams: Vec<StreamRecord>,
    lost: Vec<LostStanza>,
    /// How many of them are of streams that are settled.
    deaths: usize,
    census: Census,
    imbalance: Option<Imbalance>,
}

impl Book {
    /// A ledger for the streams of `node`, in order of their number.
    pub fn new(node: NodeId, entries: impl Iterator<Item = Entry>) -> Self {
        let pages: Vec<Page> = entries.map(Page::new).collect();
        Self {
            node,
            first: 0,
            lives: Vec::new(),
            peers: pages.len(),
            returns: None,
            account: None,
            again: None,
            streams: Vec::with_capacity(pages.len()),
            pages,
            lost: Vec::new(),
            deaths: 0,
            census: Census::default(),
            imbalance: None,
        }
    }

    /// A ledger for `streams` streams of `node` that come one at a time, with [`Book::begin`].
    pub fn one_by_one(node: NodeId, streams: usize) -> Self {
        Self { streams: Vec::with_capacity(streams), peers: streams, ..Self::new(node, std::iter::empty()) }
    }

    /// The `local`-th stream is the next: those before it must have been settled with [`Book::settle`].
    pub fn begin(&mut self, local: usize, entry: Entry) {
        debug_assert!(self.pages.is_empty(), "a stream is settled before the next one begins");
        self.first = local;
        self.pages.push(Page::new(entry));
    }

    /// A peer comes back: its stream `local` begins, while those before it may go on.
    pub fn begin_life(&mut self, local: usize, entry: Entry) {
        let place = self.place_of_life(local);
        if self.lives.len() <= place {
            self.lives.resize_with(place + 1, || None);
        }
        self.lives[place] = Some(Box::new(Page::new(entry)));
    }

    /// Where the page of a further life is: if one peer is open, lives are one node's peers apart.
    fn place_of_life(&self, local: usize) -> usize {
        let beyond = local - self.first - self.pages.len();
        if self.pages.len() == self.peers { beyond } else { (local - self.first) / self.peers - 1 }
    }

    #[inline]
    fn page(&mut self, local: usize) -> &mut Page {
        if local - self.first < self.pages.len() {
            return &mut self.pages[local - self.first];
        }
        let place = self.place_of_life(local);
        self.lives[place].as_mut().expect("a life begins before anything happens to it")
    }

    /// The account of who comes back.
    pub fn returns(&mut self) -> &mut Tide {
        self.returns.get_or_insert_default()
    }

    /// The account of what the server bears.
    pub fn account(&mut self) -> &mut Account {
        self.account.get_or_insert_default()
    }

    /// `side` of the `local`-th stream had the first byte of a stanza accepted by its kernel.
    pub fn sent(&mut self, local: usize, side: Side, stanza: u32, length: u32, end: u64, now: SimTime) {
        let lane = &mut self.page(local).lanes[side.index()];
        if stanza != lane.totals.sent {
            let due = lane.totals.sent;
            let stream = self.page(local).entry.stream;
            self.refuse(Imbalance::Order { stream, side, expected: due, found: stanza });
            return;
        }
        lane.totals.sent += 1;
        lane.underway.push_back(Underway { stanza, size: length, end, sent: now, mark: Mark::None, marked: now });
    }

    /// `side` held back `count` stanzas, knowing that the stream was closing.
    pub fn deferred(&mut self, local: usize, side: Side, count: u32) {
        self.page(local).lanes[side.index()].totals.deferred += count;
    }

    /// A stanza that `side` writes now has waited for this stream since `written`.
    pub fn late(&mut self, local: usize, side: Side, stanza: u32, written: SimTime) {
        self.page(local).late.get_or_insert_default()[side.index()].push_back((stanza, written));
    }

    /// A stanza that `side` writes now was written on another stream of its peer before: which, and its number there.
    pub fn again(&mut self, local: usize, side: Side, stanza: u32, of: (usize, u32)) {
        let direction =
            if side == self.page(local).entry.closer_side { Direction::ToPeer } else { Direction::ToCloser };
        let (copy, first) = (self.stream(local), self.stream(of.0));
        self.again.get_or_insert_default().add((copy, direction, stanza), (first, direction, of.1));
    }

    /// `receiver` processed stanza number `stanza`.
    pub fn delivered(&mut self, local: usize, receiver: Side, stanza: u32, now: SimTime) {
        let forgotten = defect::is(Defect::ConservationOffByOne) && stanza % 50 == 7;
        if self.arrived(local, receiver, stanza).is_some() && !forgotten {
            let page = self.page(local);
            page.lanes[receiver.other().index()].totals.delivered += 1;
            if let Some(late) = &mut page.late {
                let waited = since(&mut late[receiver.other().index()], stanza);
                if let Some(written) = waited {
                    self.returns().delayed(now.since(written));
                }
            }
        }
    }

    /// `receiver` read stanza number `stanza` and threw it away.
    pub fn unprocessed(&mut self, local: usize, receiver: Side, stanza: u32, now: SimTime) {
        if let Some(underway) = self.arrived(local, receiver, stanza) {
            let page = self.page(local);
            page.lanes[receiver.other().index()].totals.lost += 1;
            let lost = balance::unprocessed(&page.entry, receiver, &underway, now);
            self.lost.push(lost);
        }
    }

    /// Takes the stanza that must be next from the lane towards `receiver`.
    fn arrived(&mut self, local: usize, receiver: Side, stanza: u32) -> Option<Underway> {
        let page = self.page(local);
        let next = page.lanes[receiver.other().index()].underway.pop_front();
        if next.is_none_or(|u| u.stanza != stanza) {
            let stream = page.entry.stream;
            let expected = next.map_or(u32::MAX, |u| u.stanza);
            self.refuse(Imbalance::Order { stream, side: receiver.other(), expected, found: stanza });
            return None;
        }
        next
    }

    /// A link dropped the bytes from `from` to `until` of the stream of `sender`.
    pub fn dropped(&mut self, local: usize, sender: Side, from: u64, until: u64, now: SimTime) {
        self.mark(local, sender, from, until, Mark::Dropped, now);
    }

    /// The bytes from `from` to `until` of the stream of `sender` arrived where no application owned the socket.
    pub fn refused(&mut self, local: usize, sender: Side, from: u64, until: u64, now: SimTime) {
        self.mark(local, sender, from, until, Mark::Refused, now);
    }

    /// Marks the stanzas whose last byte is in the range. A mark yields only to one that counts more, a drop also to a later drop.
    fn mark(&mut self, local: usize, sender: Side, from: u64, until: u64, mark: Mark, now: SimTime) {
        for u in &mut self.page(local).lanes[sender.index()].underway {
            let last_byte_within = from < u.end && u.end <= until;
            if last_byte_within && (mark > u.mark || mark == Mark::Dropped && u.mark == Mark::Dropped) {
                (u.mark, u.marked) = (mark, now);
            }
        }
    }

    /// The application of `receiver` let go of its socket (or the run ended) when it had read `read` bytes and its
    /// kernel held those further bytes for which `holds` is true.
    pub fn let_go(&mut self, local: usize, receiver: Side, read: u64, holds: impl Fn(u64) -> bool, now: SimTime) {
        for u in &mut self.page(local).lanes[receiver.other().index()].underway {
            let mark = match u.end {
                end if end <= read => Mark::Unparsed,
                end if holds(end - 1) => Mark::Unread,
                _ => continue,
            };
            if mark > u.mark {
                (u.mark, u.marked) = (mark, now);
            }
        }
    }

    /// `side` has a socket in the kernel from now on; it may have had one before that came to nothing.
    pub fn socket_born(&mut self, local: usize, side: Side, now: SimTime) {
        self.page(local).lives[side.index()] = Life { from: Some(now), ..Life::default() };
    }

    /// The socket of `side` is in state number `state` of the census from now on.
    pub fn socket_state(&mut self, local: usize, side: Side, state: usize, now: SimTime) {
        self.leave_state(local, side, now);
        self.page(local).lives[side.index()].state = Some((state, now));
    }

    fn leave_state(&mut self, local: usize, side: Side, now: SimTime) {
        let page = self.page(local);
        let left = page.lives[side.index()].state.take();
        if let Some((state, since)) = left.filter(|_| side == page.entry.server_side) {
            self.census.add(state, since, now);
        }
    }

    /// The kernel of `side` no longer holds the connection, TIME-WAIT aside.
    pub fn socket_left(&mut self, local: usize, side: Side, now: SimTime) {
        self.page(local).lives[side.index()].left.get_or_insert(now);
    }

    /// The kernel of `side` no longer holds anything of the connection; what it had not got through is abandoned.
    pub fn socket_gone(&mut self, local: usize, side: Side, remains: Remains, now: SimTime) {
        self.socket_left(local, side, now);
        self.leave_state(local, side, now);
        let page = self.page(local);
        page.lives[side.index()].gone.get_or_insert(now);
        let lane = &mut page.lanes[side.index()];
        lane.remains = remains;
        for u in &mut lane.underway {
            if u.end > remains.acknowledged && Mark::Abandoned > u.mark {
                (u.mark, u.marked) = (Mark::Abandoned, now);
            }
        }
    }

    /// What the socket of `side` had done when the run ended with the socket still there.
    pub fn still_there(&mut self, local: usize, side: Side, remains: Remains) {
        self.page(local).lanes[side.index()].remains = remains;
    }

    /// The closer decided.
    pub fn decided(&mut self, local: usize, now: SimTime) {
        self.page(local).decided.get_or_insert(now);
    }

    /// The closer's application let go of its socket.
    pub fn released(&mut self, local: usize, outcome: Outcome, now: SimTime) {
        self.page(local).released.get_or_insert((now, outcome));
    }

    /// The closer's peer knows.
    pub fn noticed(&mut self, local: usize, now: SimTime) {
        self.page(local).noticed.get_or_insert(now);
    }

    /// A packet left a kernel.
    pub fn packet(&mut self, local: usize, wire_bytes: u32, reset: bool) {
        let page = self.page(local);
        page.packets += 1;
        page.bytes += u64::from(wire_bytes);
        page.resets += u32::from(reset);
    }

    /// A socket that ended had sent `count` segments again.
    pub fn retransmissions(&mut self, local: usize, count: u32) {
        self.page(local).retransmissions += count;
    }

    /// The closer's bytes after its close tag, counted by the observer.
    pub fn violations(&mut self, local: usize, bytes: u64) {
        self.page(local).violations += bytes;
    }

    /// Notes a broken invariant; the first one stops the run.
    pub fn refuse(&mut self, imbalance: Imbalance) {
        self.imbalance.get_or_insert(imbalance);
    }

    /// Whether an invariant broke.
    pub fn imbalance(&self) -> Option<&Imbalance> {
        self.imbalance.as_ref()
    }

    /// The stream's number, for messages.
    pub fn stream(&mut self, local: usize) -> StreamId {
        self.page(local).entry.stream
    }

    /// The run of the open streams has come to its `end`: every stanza gets its fate, every stream must balance.
    ///
    /// # Errors
    /// The first stream that does not balance, or the first broken invariant noted while running.
    pub fn settle(&mut self, end: SimTime) -> Result<(), Imbalance> {
        if let Some(imbalance) = &self.imbalance {
            return Err(imbalance.clone());
        }
        // A life of which no SYN was ever sent is none.
        let records = self.streams.len();
        let lives = self.lives.drain(..).flatten().map(|page| *page);
        let lives = lives.filter(|page| page.lives[Side::Client.index()].from.is_some());
        for mut page in self.pages.drain(..).chain(lives) {
            if let Some((state, since)) = page.lives[page.entry.server_side.index()].state {
                self.census.add(state, since, end + Micros::new(1));
            }
            balance::settle(&mut page, end, &mut self.lost)?;
            self.streams.push(page.record(self.node, end));
        }
        if let Some(again) = &mut self.again {
            again.settle(&mut self.streams[records..], &self.lost[self.deaths..]);
        }
        self.deaths = self.lost.len();
        Ok(())
    }

    /// Settles what is still open and closes the book.
    ///
    /// # Errors
    /// As [`Book::settle`].
    pub fn close(mut self, end: SimTime) -> Result<NodeLedger, Imbalance> {
        self.settle(end)?;
        self.lost.sort_by_key(|l| (l.stream, l.direction, l.stanza));
        if !self.streams.is_sorted_by_key(|stream| stream.stream) {
            self.streams.sort_unstable_by_key(|stream| stream.stream);
        }
        let returns = self.returns.map(|tide| tide.close());
        let capacity = self.account.map(|account| account.close(end));
        Ok(NodeLedger { streams: self.streams, lost: self.lost, census: self.census, returns, capacity })
    }
}

/// Since when a stanza waited, if it did; those before it will not arrive any more.
fn since(late: &mut Late, stanza: u32) -> Option<SimTime> {
    while let Some((number, written)) = late.front().copied().filter(|(number, _)| *number <= stanza) {
        late.pop_front();
        if number == stanza {
            return Some(written);
        }
    }
    None
}

impl Page {
    fn new(entry: Entry) -> Self {
        Self {
            entry,
            lanes: [Lane::default(), Lane::default()],
            lives: [Life::default(); 2],
            decided: None,
            released: None,
            noticed: None,
            packets: 0,
            bytes: 0,
            retransmissions: 0,
            resets: 0,
            violations: 0,
            late: None,
        }
    }

    /// The time from the decision to `t`; zero where `t` came before it.
    fn observed(&self, t: Option<SimTime>) -> Observed {
        match (self.decided, t) {
            (Some(decision), Some(t)) => Observed::After(t.since(decision)),
            _ => Observed::Never,
        }
    }

    /// The later of both sides' instants; a side that never had a socket does not count.
    fn both(&self, of: impl Fn(&Life) -> Option<SimTime>) -> Option<SimTime> {
        let mut last = None;
        for life in self.lives.iter().filter(|l| l.from.is_some()) {
            last = Some(of(life)?.max(last.unwrap_or(SimTime::ZERO)));
        }
        last
    }

    fn record(&self, node: NodeId, end: SimTime) -> StreamRecord {
        let closer = self.lives[self.entry.closer_side.index()];
        let server = self.lives[self.entry.server_side.index()];
        let until = |t: Option<SimTime>| t.unwrap_or(end).min(end);
        let socket_time = self.decided.map_or(Micros::ZERO, |d| until(closer.left).since(d));
        StreamRecord {
            stream: self.entry.stream,
            node,
            class: self.entry.class,
            closer: self.entry.closer,
            outcome: self.released.filter(|_| self.decided.is_some()).map_or(Outcome::Unfinished, |(_, o)| o),
            decision: self.decided,
            release: self.observed(self.released.map(|(t, _)| t)),
            notice: self.observed(self.noticed),
            teardown: self.observed(self.both(|l| l.left)),
            gone: self.observed(self.both(|l| l.gone)),
            socket_time,
            time_wait: closer.left.map_or(Micros::ZERO, |left| until(closer.gone).since(left)),
            server_socket: server.from.map(|from| (from, until(server.left))),
            to_closer: self.lanes[self.entry.closer_side.other().index()].totals,
            to_peer: self.lanes[self.entry.closer_side.index()].totals,
            packets: self.packets,
            bytes: self.bytes,
            retransmissions: self.retransmissions,
            resets: self.resets,
            violations: self.violations,
            recovered: 0,
            duplicated: 0,
        }
    }
}
