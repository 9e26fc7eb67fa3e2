//! How a client comes back: what it does when its stream has ended, when a try has failed, and when it gives up.
//!
//! A try that fails before TCP is up is a try of the same life, from a fresh port. Every connection that was up is a life of
//! its own: where it ends, the peer *departs* from it to the next one, which opens after a wait. The *absence* of a peer is
//! the time from the instant when its application let go of a stream that was up, or lost it with its machine, until the next
//! stream that is up. A machine that is off for good ends it no more than a peer that has given up.

use crate::host::Plan;
use crate::host::application::Application;
use crate::host::endpoint::Endpoint;
use crate::host::visit::Visit;
use crate::id::Side;
use crate::ledger::book::Book;
use crate::ledger::returns::Parting;
use crate::rng::{Purpose, Rng};
use crate::scenario::reconnect::Reconnect;
use crate::tcp::Errno;
use crate::time::SimTime;

/// A client's own account of its coming and going, one for each life.
#[derive(Debug)]
pub(super) struct Comeback {
    rng: Rng,
    /// Failed tries in a row, those of former lives included.
    failed: u32,
    /// Sockets from which this life tried before.
    pub(super) ports: u32,
    /// Since when the peer has been without the stream that it had.
    away: Option<SimTime>,
    /// Whether the peer has been away before.
    absent_before: bool,
    /// Whether this life's stream is, or was, up.
    up: bool,
    /// Whether the machine went off with the connection.
    cut: bool,
    next: Option<Departure>,
}

/// A peer's way from one life to the next.
#[derive(Clone, Copy, Debug)]
pub(super) struct Departure {
    /// When the next life opens.
    pub(super) opens: SimTime,
    /// Since when stanzas have been waiting for it.
    pub(super) since: SimTime,
    away: Option<SimTime>,
    absent_before: bool,
    failed: u32,
}

impl Comeback {
    /// That of a stream's client, if its peer comes back; `after` is the way from the life before.
    pub(super) fn of(side: Side, plan: &Plan, local: usize, after: Option<&Departure>) -> Option<Box<Self>> {
        if side != Side::Client || plan.scenario().reconnect.is_none() {
            return None;
        }
        plan.reconnect(local)?;
        let rng = Rng::new(plan.seed(), plan.entity(local), Purpose::Return);
        let (failed, away, absent_before) = after.map_or((0, None, false), |d| (d.failed, d.away, d.absent_before));
        Some(Box::new(Self { rng, failed, ports: 0, away, absent_before, up: false, cut: false, next: None }))
    }

    /// The peer is without the stream that it had.
    fn is_away(&mut self, now: SimTime, book: &mut Book) {
        if self.up && self.away.is_none() {
            self.away = Some(now);
            book.returns().left(!std::mem::replace(&mut self.absent_before, true));
        }
    }

    /// The peer will not be back, and why.
    fn parts(&mut self, why: Parting, book: &mut Book) {
        if self.away.take().is_some() {
            book.returns().parted(why);
        }
    }

    /// A try failed: when the next one is made, if it is.
    fn fails(&mut self, reconnect: &Reconnect, now: SimTime, book: &mut Book) -> Option<SimTime> {
        self.failed += 1;
        if reconnect.gives_up(self.failed) {
            self.parts(Parting::GaveUp, book);
            return None;
        }
        Some(now + reconnect.wait(self.failed, &mut self.rng))
    }
}

impl Endpoint {
    /// Takes the way to the peer's next life, if it has just departed from this one.
    #[inline]
    pub(super) fn take_departure(&mut self) -> Option<Departure> {
        self.comeback.as_mut()?.next.take()
    }

    /// The client's stream is up.
    pub(super) fn comes_up(&mut self, visit: &mut Visit<'_, '_>) {
        let Some(comeback) = &mut self.comeback else { return };
        (comeback.up, comeback.failed) = (true, 0);
        if let Some(away) = comeback.away.take() {
            visit.effects.book.returns().returned(away, visit.now);
        }
    }

    /// A connection could not be made: whether the client will try again.
    pub(super) fn tries_again(&mut self, visit: &mut Visit<'_, '_>) -> bool {
        let Some(socket) = self.socket.as_mut().filter(|_| self.comeback.is_some()) else { return false };
        let refused = socket.take_error() == Some(Errno::ECONNREFUSED);
        self.fails_to_connect(visit, refused)
    }

    /// A try has failed, `refused` by the other side: whether there will be another.
    pub(super) fn fails_to_connect(&mut self, visit: &mut Visit<'_, '_>, refused: bool) -> bool {
        let Some(comeback) = &mut self.comeback else { return false };
        let Some(reconnect) = visit.plan.reconnect(visit.local) else { return false };
        let book = &mut *visit.effects.book;
        book.returns().failed(refused);
        let Some(opens) = comeback.fails(reconnect, visit.now, book) else {
            self.comeback = None;
            return false;
        };
        comeback.ports += 1;
        self.opens = opens;
        self.application = Application::Waiting;
        true
    }

    /// The client's application has let go of its socket.
    pub(super) fn departs(&mut self, visit: &mut Visit<'_, '_>) {
        let Some(comeback) = &mut self.comeback else { return };
        let Some(reconnect) = visit.plan.reconnect(visit.local) else { return };
        let (now, book) = (visit.now, &mut *visit.effects.book);
        comeback.is_away(now, book);
        if visit.plan.life(visit.local) >= reconnect.times as usize {
            return comeback.parts(Parting::Stayed, book);
        }
        let cut = std::mem::take(&mut comeback.cut);
        let opens = if comeback.up || cut {
            Some(now + reconnect.delay.draw_micros(&mut comeback.rng))
        } else {
            comeback.fails(reconnect, now, book)
        };
        let Some(opens) = opens else { return };
        comeback.next = Some(Departure {
            opens,
            since: now,
            away: comeback.away.take(),
            absent_before: comeback.absent_before,
            failed: comeback.failed,
        });
    }

    /// The client's machine is off, and the connection with it: it departs when the machine is on again.
    pub(super) fn is_cut_off(&mut self, visit: &mut Visit<'_, '_>) {
        if let Some(comeback) = &mut self.comeback {
            comeback.is_away(visit.now, visit.effects.book);
            comeback.cut = true;
        }
    }

    /// The client's machine is on again.
    pub(super) fn comes_round(&mut self, visit: &mut Visit<'_, '_>) {
        if self.comeback.as_ref().is_some_and(|comeback| comeback.cut) {
            self.departs(visit);
        }
    }

    /// The run is over while the peer is away.
    pub(super) fn stays(&mut self, end: SimTime, book: &mut Book) {
        let will_boot = self.on || self.ordeal.as_ref().is_some_and(|ordeal| ordeal.will_boot());
        let Some(comeback) = &mut self.comeback else { return };
        if !will_boot {
            comeback.parts(Parting::Stayed, book);
        } else if let Some(away) = comeback.away.take() {
            book.returns().still_away(end.since(away));
        }
    }
}
