//! What the streams of a server share beside its kernel: workers with a queue of stanzas, and the hand that accepts connections.
//!
//! The desk never calls a stream. It says at which instant one wants to be called ([`Desk::next_deadline`]), and of which that
//! instant may have changed ([`Desk::take_woken`]).

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::host::standstill::Standstill;
use crate::ledger::capacity::Account;
use crate::scenario::server::Server;
use crate::time::{Micros, SimTime};

/// A stanza that waits for a worker.
#[derive(Clone, Copy, Debug)]
struct Job {
    local: usize,
    came: SimTime,
    takes: Micros,
}

/// The desk of one node. Streams go by their number in the node.
#[derive(Debug)]
pub(super) struct Desk {
    workers: usize,
    /// When they do nothing.
    still: Standstill,
    /// So many may wait before the application stops reading.
    bound: usize,
    waiting: VecDeque<Job>,
    /// How many wait of each stream that has any.
    waiting_of: BTreeMap<usize, usize>,
    /// Of those that wait, those whose stream is over.
    void: usize,
    over: BTreeSet<usize>,
    /// What workers are at: until when, in the order of taking it up, and for whom.
    serving: Vec<(SimTime, usize)>,
    /// Streams with something to read that found the queue full, in order.
    blocked: VecDeque<usize>,
    is_blocked: BTreeSet<usize>,
    /// The stream that may read now, and since when.
    poked: Option<(usize, SimTime)>,
    /// The most sockets that the application may own.
    files: usize,
    owned: usize,
    /// Least time between two calls of `accept()`.
    gap: Micros,
    next_accept: SimTime,
    /// When the first of those that wait may be accepted, if there is a file for it.
    first_due: SimTime,
    /// Connections that wait for `accept()`, in order.
    lobby: VecDeque<usize>,
    is_in_lobby: BTreeSet<usize>,
    woken: Vec<usize>,
}

impl Desk {
    pub(super) fn new(server: &Server, still: Standstill) -> Self {
        let most = |limit: Option<u32>| limit.map_or(usize::MAX, |limit| limit as usize);
        Self {
            workers: server.workers as usize,
            still,
            bound: most(server.queue),
            waiting: VecDeque::new(),
            waiting_of: BTreeMap::new(),
            void: 0,
            over: BTreeSet::new(),
            serving: Vec::new(),
            blocked: VecDeque::new(),
            is_blocked: BTreeSet::new(),
            poked: None,
            files: most(server.files),
            owned: 0,
            gap: server.accept_gap(),
            next_accept: SimTime::ZERO,
            first_due: SimTime::ZERO,
            lobby: VecDeque::new(),
            is_in_lobby: BTreeSet::new(),
            woken: Vec::new(),
        }
    }

    fn length(&self) -> usize {
        self.waiting.len() - self.void
    }

    /// A stream has something to read: whether the queue has room for it. If not, the stream is called when it has.
    pub(super) fn lets_read(&mut self, local: usize) -> bool {
        if self.length() < self.bound {
            return true;
        }
        if self.is_blocked.insert(local) {
            self.blocked.push_back(local);
        }
        false
    }

    /// A stanza was read that takes so long.
    pub(super) fn arrive(&mut self, local: usize, now: SimTime, takes: Micros, account: &mut Account) {
        self.waiting.push_back(Job { local, came: now, takes });
        *self.waiting_of.entry(local).or_default() += 1;
        self.put_to_work(now, account);
        account.waiting(self.length() as u64, now);
    }

    fn put_to_work(&mut self, now: SimTime, account: &mut Account) {
        while self.serving.len() < self.workers
            && let Some(job) = self.waiting.pop_front()
        {
            if self.over.contains(&job.local) {
                self.void -= 1;
                continue;
            }
            if let Some(count) = self.waiting_of.get_mut(&job.local) {
                *count -= 1;
                if *count == 0 {
                    self.waiting_of.remove(&job.local);
                }
            }
            account.serves(job.came, now);
            let until = self.still.work(now, job.takes, |from, until| account.works(from, until));
            self.serving.push((until, job.local));
            self.woken.push(job.local);
        }
        if self.waiting.is_empty() {
            self.over.clear();
        }
        self.make_room(now);
    }

    /// Calls the next stream that waits to read, if there is room.
    fn make_room(&mut self, now: SimTime) {
        if self.poked.is_none()
            && self.length() < self.bound
            && let Some(local) = self.blocked.pop_front()
        {
            self.is_blocked.remove(&local);
            self.poked = Some((local, now));
            self.woken.push(local);
        }
    }

    /// Takes one stanza of a stream that is done by now off its worker, which takes up the next. Whether there was one.
    pub(super) fn finish(&mut self, local: usize, now: SimTime, account: &mut Account) -> bool {
        let done = self.serving.iter().position(|(until, of)| *of == local && *until <= now);
        if let Some(place) = done {
            self.serving.remove(place);
            self.put_to_work(now, account);
            account.waiting(self.length() as u64, now);
        }
        done.is_some()
    }

    /// Whether a stream was called because it may read again. The next one is called after it has: [`Desk::has_read`].
    pub(super) fn take_poke(&mut self, local: usize) -> bool {
        self.poked.take_if(|(poked, _)| *poked == local).is_some()
    }

    /// A stream that was called has read what it wanted.
    pub(super) fn has_read(&mut self, now: SimTime) {
        self.make_room(now);
    }

    /// A stream is over: nobody works for it any more, except who does already.
    pub(super) fn leaves(&mut self, local: usize, now: SimTime, account: &mut Account) {
        if let Some(count) = self.waiting_of.remove(&local) {
            self.void += count;
            self.over.insert(local);
            account.waiting(self.length() as u64, now);
            self.make_room(now);
        }
    }

    /// Whether the application accepts a connection now. If not, its stream is called when its turn has come.
    pub(super) fn accepts(&mut self, local: usize, now: SimTime) -> bool {
        if self.is_in_lobby.insert(local) {
            self.lobby.push_back(local);
        }
        if self.lobby.front() != Some(&local) || self.owned >= self.files || now < self.next_accept {
            self.wake_first(now);
            return false;
        }
        self.lobby.pop_front();
        self.is_in_lobby.remove(&local);
        self.owned += 1;
        self.next_accept = now + self.gap;
        self.wake_first(now);
        true
    }

    fn wake_first(&mut self, now: SimTime) {
        self.first_due = self.next_accept.max(now);
        self.woken.extend(self.lobby.front());
    }

    /// A connection that waited for `accept()` is gone. Whether it did.
    pub(super) fn gone_from_lobby(&mut self, local: usize, now: SimTime) -> bool {
        let there = self.is_in_lobby.remove(&local);
        if there {
            self.lobby.retain(|other| *other != local);
            self.wake_first(now);
        }
        there
    }

    /// The application has closed a socket.
    pub(super) fn frees(&mut self, now: SimTime) {
        self.owned = self.owned.saturating_sub(1);
        self.wake_first(now);
    }

    /// When a stream is to be called.
    pub(super) fn next_deadline(&self, local: usize) -> Option<SimTime> {
        let poked = self.poked.filter(|(poked, _)| *poked == local).map(|(_, since)| since);
        let accept = (self.lobby.front() == Some(&local) && self.owned < self.files).then_some(self.first_due);
        let done = self.serving.iter().filter(|(_, of)| *of == local).map(|(until, _)| *until).min();
        [poked, accept, done.filter(|until| *until != SimTime::MAX)].into_iter().flatten().min()
    }

    /// Streams whose [`Desk::next_deadline`] may have changed since the last call.
    pub(super) fn take_woken(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.woken)
    }
}
