//! What one end of a stream has to go through: the strikes that hit its machine and its line, and the state they leave
//! it in. Few streams of few scenarios have one; the others pay a look at an empty pointer.

use crate::host::Plan;
use crate::host::schedule::entity;
use crate::id::Side;
use crate::net::disturbance::{Episode, Overlay};
use crate::net::middlebox::Mapping;
use crate::net::packet::Packet;
use crate::net::segment::Segment;
use crate::rng::{Purpose, Rng};
use crate::scenario::chaos::{Action, Forgery, Mishap};
use crate::time::{Shift, SimTime};

/// A strike that hits a machine, or its middlebox, at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Blow {
    /// The machine stands still until then.
    Freeze(SimTime),
    /// The application stands still until then.
    Hang(SimTime),
    /// The machine is off for good.
    Crash,
    /// The machine is off until then.
    Reboot(SimTime),
    /// The application is told to exit, and nobody listens until then.
    Restart(SimTime),
    /// The wall clock jumps.
    ClockJump(Shift),
    /// The middlebox forgets.
    Forget,
    /// A forged segment arrives.
    Forged(Forgery),
}

impl Blow {
    /// The action of the schedule that it belongs to.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Freeze(_) => Action::Machine(Mishap::Freeze).name(),
            Self::Hang(_) => Action::Machine(Mishap::Hang).name(),
            Self::Crash => Action::Machine(Mishap::Crash).name(),
            Self::Reboot(_) => Action::Machine(Mishap::Reboot).name(),
            Self::Restart(_) => Action::Machine(Mishap::Restart).name(),
            Self::ClockJump(shift) => Action::Machine(Mishap::ClockJump(shift)).name(),
            Self::Forget => Action::NatExpire.name(),
            Self::Forged(Forgery::Reset) => "inject-reset",
            Self::Forged(Forgery::Fin) => "inject-fin",
        }
    }
}

/// Something that is due to an end because of chaos.
#[derive(Clone, Debug)]
pub(super) enum Due {
    /// The machine goes on, and finds these packets.
    Thaw(Vec<Packet>),
    /// The application goes on.
    Resume,
    /// The machine is on again.
    Boot,
    /// The middlebox answers what the machine sent.
    Bounce(Segment),
    /// A strike.
    Blow(Blow),
}

/// One end's chaos.
#[derive(Clone, Debug, Default)]
pub(super) struct Ordeal {
    /// Strikes to come, the last of them first.
    blows: Vec<(SimTime, Blow)>,
    frozen: Option<SimTime>,
    hung: Option<SimTime>,
    /// When the machine, which is off, is switched on.
    back: Option<SimTime>,
    /// The application, which stands still, has been told to exit: it finds out when it goes on.
    told: Option<SimTime>,
    /// Nobody listens before this.
    listens: SimTime,
    /// What was due before this is done now.
    pub(super) awake: SimTime,
    /// Packets that came while the machine stood still.
    held: Vec<Packet>,
    /// A RST of the middlebox for its own machine, and when it was made.
    bounced: Option<(SimTime, Segment)>,
    pub(super) overlay: Overlay,
    pub(super) mapping: Mapping,
}

impl Ordeal {
    /// What the schedule has for one side of a stream; `None` if nothing, and no middlebox watches it. A peer's machine is
    /// struck whichever stream it has open.
    pub(super) fn of(side: Side, plan: &Plan, local: usize) -> Option<Box<Self>> {
        let watched = side == Side::Client && plan.class(local).link.middlebox.is_some();
        if plan.scenario().chaos.is_empty() && !watched {
            return None;
        }
        let mut ordeal = Self::default();
        for (n, entry, strikes) in plan.schedule().of_stream(plan, local) {
            match &entry.action {
                Action::Link(what, way) if way.leads_to(side.other()) => {
                    let purpose = if side == Side::Client { Purpose::ChaosUp } else { Purpose::ChaosDown };
                    let rng = Rng::new(plan.seed(), entity(n, plan, local), purpose);
                    ordeal.overlay.add(what.clone(), rng, strikes);
                }
                Action::Machine(Mishap::Restart) if side == Side::Client => {}
                Action::Machine(mishap) if entry.on.strikes_machine(side) => {
                    ordeal.expect(&strikes, |strike| match mishap {
                        Mishap::Freeze => Blow::Freeze(strike.until),
                        Mishap::Hang => Blow::Hang(strike.until),
                        Mishap::Crash => Blow::Crash,
                        Mishap::Reboot => Blow::Reboot(strike.until),
                        Mishap::Restart => Blow::Restart(strike.until),
                        Mishap::ClockJump(shift) => Blow::ClockJump(*shift),
                    });
                }
                Action::NatExpire if watched => ordeal.expect(&strikes, |_| Blow::Forget),
                Action::Inject(what, way) if way.leads_to(side) => ordeal.expect(&strikes, |_| Blow::Forged(*what)),
                Action::Link(..) | Action::Machine(_) | Action::NatExpire | Action::Inject(..) => {}
            }
        }
        // In one instant they come in the order of their entries.
        ordeal.blows.sort_by_key(|(at, _)| *at);
        ordeal.blows.reverse();
        let spared = ordeal.blows.is_empty() && ordeal.overlay.is_empty() && !watched;
        (!spared).then(|| Box::new(ordeal))
    }

    fn expect(&mut self, strikes: &[Episode], blow: impl Fn(&Episode) -> Blow) {
        self.blows.extend(strikes.iter().map(|strike| (strike.from, blow(strike))));
    }

    /// The stream begins now: what struck its machine before. Says whether the machine is on.
    pub(super) fn catch_up(&mut self, born: SimTime) -> bool {
        let (mut off, mut exits) = (None, None);
        while let Some((at, blow)) = self.blows.pop_if(|(at, _)| *at < born) {
            let on = off.is_none_or(|until| until <= at);
            match blow {
                Blow::Freeze(until) if on && until > born => self.freeze(until),
                Blow::Hang(until) if on && until > born => self.hang(until),
                Blow::Restart(until) if on && until > born => exits = exits.max(Some(until)),
                Blow::Crash => (off, exits, self.frozen, self.hung) = (Some(SimTime::MAX), None, None, None),
                Blow::Reboot(until) => (off, exits, self.frozen, self.hung) = (Some(until), None, None, None),
                Blow::Freeze(_)
                | Blow::Hang(_)
                | Blow::Restart(_)
                | Blow::Forget
                | Blow::ClockJump(_)
                | Blow::Forged(_) => {}
            }
        }
        if let Some(until) = exits {
            self.told_to_exit(until);
        }
        let off = off.filter(|until| *until > born);
        self.back = off.filter(|until| *until != SimTime::MAX);
        off.is_none()
    }

    /// Whether the machine, which is off, will be on again.
    pub(super) fn will_boot(&self) -> bool {
        self.back.is_some()
    }

    /// When something is due because of chaos.
    pub(super) fn next_deadline(&self) -> Option<SimTime> {
        let blow = self.blows.last().map(|(at, _)| *at);
        let bounced = self.bounced.as_ref().filter(|_| !self.is_frozen()).map(|(at, _)| *at);
        let ends = [self.frozen, self.hung, self.back].into_iter().flatten().filter(|at| *at != SimTime::MAX);
        ends.chain(blow).chain(bounced).min()
    }

    /// Takes what is due at `now`: what ends before what begins.
    pub(super) fn take_due(&mut self, now: SimTime) -> Option<Due> {
        let over = |until: &mut Option<SimTime>| until.take_if(|until| *until <= now).is_some();
        if over(&mut self.frozen) {
            self.awake = now;
            Some(Due::Thaw(std::mem::take(&mut self.held)))
        } else if over(&mut self.hung) {
            self.awake = now;
            Some(Due::Resume)
        } else if over(&mut self.back) {
            self.awake = now;
            Some(Due::Boot)
        } else if self.told.is_some() && self.goes() {
            self.told.take().map(|until| Due::Blow(Blow::Restart(until)))
        } else if self.bounced.is_some() && !self.is_frozen() {
            self.bounced.take().map(|(_, segment)| Due::Bounce(segment))
        } else {
            self.blows.pop_if(|(at, _)| *at <= now).map(|(_, blow)| Due::Blow(blow))
        }
    }

    /// The machine stands still until then, or longer if it does already.
    pub(super) fn freeze(&mut self, until: SimTime) {
        self.frozen = self.frozen.max(Some(until));
    }

    /// The application stands still until then, or longer if it does already.
    pub(super) fn hang(&mut self, until: SimTime) {
        self.hung = self.hung.max(Some(until));
    }

    /// The machine is off, until `back` if it comes back. What it had not looked at is gone.
    pub(super) fn switch_off(&mut self, back: Option<SimTime>) -> Vec<Packet> {
        self.back = back;
        (self.frozen, self.hung, self.bounced, self.told) = (None, None, None, None);
        self.listens = SimTime::ZERO;
        std::mem::take(&mut self.held)
    }

    /// Whether the machine stands still.
    pub(super) fn is_frozen(&self) -> bool {
        self.frozen.is_some()
    }

    /// Whether the application stands still.
    pub(super) fn is_hung(&self) -> bool {
        self.hung.is_some()
    }

    /// Whether machine and application go on as they should.
    fn goes(&self) -> bool {
        !self.is_frozen() && !self.is_hung()
    }

    /// The application is told to exit, and another one listens from `until` on; whether it hears of that now.
    pub(super) fn told_to_exit(&mut self, until: SimTime) -> bool {
        if self.goes() {
            self.listens = self.listens.max(until);
            return true;
        }
        self.told = self.told.max(Some(until));
        false
    }

    /// Whether somebody listens for connections.
    pub(super) fn listens(&self, now: SimTime) -> bool {
        self.listens <= now
    }

    /// A packet waits until the machine goes on.
    pub(super) fn hold(&mut self, packet: Packet) {
        self.held.push(packet);
    }

    /// The middlebox answers its own machine.
    pub(super) fn bounce(&mut self, now: SimTime, reset: Segment) {
        self.bounced = Some((now, reset));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(us: u64) -> SimTime {
        SimTime::from_micros(us)
    }

    #[test]
    fn the_longer_of_two_freezes_counts_and_what_ends_comes_before_what_begins() {
        let mut ordeal = Ordeal { blows: vec![(at(30), Blow::Crash)], ..Ordeal::default() };
        ordeal.freeze(at(30));
        ordeal.freeze(at(20));
        ordeal.hang(SimTime::MAX);
        assert_eq!(ordeal.next_deadline(), Some(at(30)));
        assert!(ordeal.take_due(at(29)).is_none() && ordeal.is_frozen());
        assert!(matches!(ordeal.take_due(at(30)), Some(Due::Thaw(held)) if held.is_empty()));
        assert!(matches!(ordeal.take_due(at(30)), Some(Due::Blow(Blow::Crash))));
        assert!(ordeal.take_due(at(30)).is_none());
        assert_eq!((ordeal.next_deadline(), ordeal.awake, ordeal.is_hung()), (None, at(30), true));
    }

    #[test]
    fn a_stream_that_begins_late_finds_its_machine_as_the_strikes_left_it() {
        let found = |blows: &[(u64, Blow)], born: u64| {
            let blows = blows.iter().rev().map(|(us, blow)| (at(*us), *blow)).collect();
            let mut ordeal = Ordeal { blows, ..Ordeal::default() };
            let on = ordeal.catch_up(at(born));
            (on, ordeal.will_boot(), ordeal.is_frozen(), ordeal.next_deadline().map(SimTime::as_micros))
        };
        let blows = [(10, Blow::Freeze(at(20))), (30, Blow::Reboot(at(50))), (40, Blow::Freeze(at(60)))];
        assert_eq!(found(&blows, 10), (true, false, false, Some(10)), "a strike of the same instant is still to come");
        assert_eq!(found(&blows, 15), (true, false, true, Some(20)));
        assert_eq!(found(&blows, 45), (false, true, false, Some(50)));
        assert_eq!(found(&blows, 55), (true, false, false, None), "it was off when the freeze struck");
        assert_eq!(found(&[(10, Blow::Crash), (30, Blow::Reboot(at(50)))], 20), (false, false, false, Some(30)));
        assert_eq!(found(&[(10, Blow::Reboot(at(50))), (30, Blow::Crash)], 60), (false, false, false, None));
        let mut ordeal = Ordeal { blows: vec![(at(10), Blow::Restart(at(40)))], ..Ordeal::default() };
        assert!(ordeal.catch_up(at(20)) && !ordeal.listens(at(39)) && ordeal.listens(at(40)));
    }
}
