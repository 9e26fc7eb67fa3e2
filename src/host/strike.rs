//! What chaos does to an endpoint: a machine that stands still, crashes or comes back, an application that hangs, a
//! middlebox that forgets, a forged segment.

use crate::host::application::Application;
use crate::host::custody::payload_range;
use crate::host::endpoint::Endpoint;
use crate::host::ordeal::{Blow, Due, Ordeal};
use crate::host::visit::Visit;
use crate::id::Side;
use crate::net::link::{DropCause, Verdict};
use crate::net::middlebox::OnExpiry;
use crate::net::packet::Packet;
use crate::net::segment::{Flags, Segment, Seq};
use crate::scenario::chaos::Forgery;
use crate::tcp::{self, State};
use crate::time::{Micros, SimTime};
use crate::xmpp::party::Syscall;

impl Endpoint {
    /// When an endpoint with an ordeal next wants to be called: a machine that stands still does only what chaos brings.
    #[cold]
    pub(super) fn troubled_deadline(&self, ordeal: &Ordeal) -> Option<SimTime> {
        let own = if ordeal.is_frozen() { None } else { self.own_deadline(!ordeal.is_hung()) };
        [own.map(|due| due.max(ordeal.awake)), ordeal.next_deadline()].into_iter().flatten().min()
    }

    /// Everything that is due now because of chaos.
    #[cold]
    pub(super) fn suffer(&mut self, visit: &mut Visit<'_, '_>) {
        while let Some(due) = self.ordeal.as_mut().and_then(|o| o.take_due(visit.now)) {
            match due {
                Due::Thaw(held) => {
                    visit.struck("goes on");
                    for packet in &held {
                        self.take_packet(visit, packet);
                    }
                    self.settle(visit);
                }
                Due::Resume => {
                    visit.struck("application goes on");
                    if !self.is_frozen() {
                        self.settle(visit);
                    }
                }
                Due::Boot => {
                    visit.struck("is on again");
                    self.on = true;
                    self.comes_round(visit);
                }
                Due::Bounce(reset) => self.take_forged(visit, reset),
                Due::Blow(blow) => self.take_blow(visit, blow),
            }
        }
    }

    fn take_blow(&mut self, visit: &mut Visit<'_, '_>, blow: Blow) {
        let on = self.on;
        if on && (self.socket.is_some() || !matches!(blow, Blow::Forged(_))) {
            let machine = !matches!(blow, Blow::Forget | Blow::Forged(_) | Blow::Restart(_));
            visit.witness_chaos(blow.name(), machine);
        }
        let Some(ordeal) = &mut self.ordeal else { return };
        match blow {
            Blow::Freeze(until) if on => {
                visit.struck("stands still");
                ordeal.freeze(until);
            }
            Blow::Hang(until) if on => {
                visit.struck("application hangs");
                ordeal.hang(until);
            }
            Blow::Crash => self.go_off(visit, None),
            Blow::Reboot(back) => self.go_off(visit, Some(back)),
            Blow::Restart(until) if on => {
                if ordeal.told_to_exit(until) {
                    self.exit(visit);
                }
            }
            Blow::Freeze(_) | Blow::Hang(_) | Blow::Restart(_) => {}
            Blow::ClockJump(shift) => {
                visit.struck(&format!("the wall clock jumps by {shift}"));
                self.party.handle_clock_jump(visit.now, shift);
            }
            Blow::Forget => {
                visit.struck("NAT entry expires");
                ordeal.mapping.expire();
            }
            Blow::Forged(forgery) => self.forge(visit, forgery),
        }
    }

    /// The machine goes off. A connection that it had is over for it; one that has not begun may begin when it is back.
    fn go_off(&mut self, visit: &mut Visit<'_, '_>, back: Option<SimTime>) {
        let Some(ordeal) = &mut self.ordeal else { return };
        for packet in ordeal.switch_off(back) {
            self.perished(visit, &packet);
        }
        if !self.on {
            return;
        }
        visit.called(Syscall::PowerOff);
        let begins_anew = self.forget_request(visit) || self.application == Application::Waiting;
        let over = self.application == Application::LetGo;
        self.power_off(visit);
        if begins_anew {
            self.application = Application::Waiting;
        } else if !over {
            self.is_cut_off(visit);
        }
    }

    /// A request is no connection yet: without its listening socket it is gone, and the client's next segment meets a
    /// server that knows nothing of it. Whether there was one.
    fn forget_request(&mut self, visit: &mut Visit<'_, '_>) -> bool {
        let request = visit.side == Side::Server && self.application == Application::Connecting;
        if request && (self.state == State::SynReceived || visit.desk.is_some()) {
            visit.request_gone();
        }
        if request {
            self.drop_socket(visit);
            self.application = Application::Waiting;
        }
        request
    }

    /// The application is told to exit: it closes its listening socket and then its streams, as a server does on SIGTERM.
    fn exit(&mut self, visit: &mut Visit<'_, '_>) {
        visit.struck("told to exit, listens no more");
        self.reset_what_nobody_accepted(visit);
        self.forget_request(visit);
        if matches!(self.application, Application::Owns | Application::ReadAll) {
            self.party.handle_exit(visit.now);
            self.report(visit);
            self.settle(visit);
        }
    }

    /// The kernel resets the connections that wait in the queue of a listening socket that is closed (`inet_csk_listen_stop`).
    fn reset_what_nobody_accepted(&mut self, visit: &mut Visit<'_, '_>) {
        if visit.desk.is_none() || self.application != Application::Connecting || self.state == State::SynReceived {
            return;
        }
        if let Some(socket) = &mut self.socket {
            socket.set_linger(Some(Micros::ZERO));
            socket.close(visit.cx());
        }
        self.transmit(visit);
    }

    /// A packet came to a machine that is off, or never reached it: its data died on the way.
    pub(super) fn perished(&self, visit: &mut Visit<'_, '_>, packet: &Packet) {
        if let Some((from, until)) = self.incoming_range(&packet.segment) {
            visit.effects.book.dropped(visit.local, visit.side.other(), from, until, visit.now);
        }
    }

    /// Whether the firewall before the server lets a packet in. What it keeps out holds no data: it is a SYN.
    #[cold]
    pub(super) fn is_let_in(&mut self, visit: &mut Visit<'_, '_>, packet: &Packet) -> bool {
        let segment = &packet.segment;
        let Some(gate) = &mut visit.gate else { return true };
        if gate.passes(visit.local, Side::Client, segment, visit.now) {
            return true;
        }
        visit.struck("the firewall lets no SYN in");
        visit.refuses();
        let config = visit.plan.class(visit.local).link.firewall;
        if let (Some(OnExpiry::Reset), Some(reset)) = (config.map(|config| config.on_full), tcp::reset_for(segment)) {
            let verdict = self.line.verdict(visit.line(), visit.now, reset.wire_length());
            self.post(visit, reset, verdict);
        }
        false
    }

    /// Whether a packet that arrives is kept from the machine: by its middlebox, or until it no longer stands still.
    #[cold]
    pub(super) fn is_kept_off(&mut self, visit: &mut Visit<'_, '_>, packet: &Packet) -> bool {
        let Some(ordeal) = &mut self.ordeal else { return false };
        if let (Some(config), Side::Client) = (&visit.plan.class(visit.local).link.middlebox, visit.side)
            && !ordeal.mapping.passes(config, visit.now, &packet.segment, false)
        {
            visit.struck("the NAT drops a packet that it has no entry for");
            if config.on_expiry == OnExpiry::Reset
                && let Some(reset) = tcp::reset_for(&packet.segment)
            {
                let verdict = self.line.verdict_under(visit.line(), &mut ordeal.overlay, visit.now, &reset);
                self.post(visit, reset, verdict);
            }
            self.perished(visit, packet);
            return true;
        }
        if self.on && ordeal.is_frozen() {
            ordeal.hold(packet.clone());
            return true;
        }
        false
    }

    /// The verdict on a segment of an endpoint with an ordeal: the middlebox comes first.
    #[cold]
    pub(super) fn troubled_verdict(&mut self, visit: &mut Visit<'_, '_>, segment: &Segment) -> Option<Verdict> {
        let ordeal = self.ordeal.as_mut()?;
        let verdict = self.line.verdict_under(visit.line(), &mut ordeal.overlay, visit.now, segment);
        ordeal.overlay.take_struck(|action| visit.witness_chaos(action, false));
        let (Some(config), Side::Client) = (&visit.plan.class(visit.local).link.middlebox, visit.side) else {
            return Some(verdict);
        };
        if ordeal.mapping.passes(config, visit.now, segment, true) {
            return Some(verdict);
        }
        if config.on_expiry == OnExpiry::Reset
            && let Some(reset) = tcp::reset_for(segment)
        {
            ordeal.bounce(visit.now, reset);
        }
        Some(Verdict::Drop(DropCause::Forgotten))
    }

    /// A segment that claims to come from the peer and fits exactly: whoever forged it sees all that passes.
    fn forge(&mut self, visit: &mut Visit<'_, '_>, forgery: Forgery) {
        let (Some(socket), true) = (&self.socket, self.on) else { return };
        let flags =
            Flags { ack: true, rst: forgery == Forgery::Reset, fin: forgery == Forgery::Fin, ..Flags::default() };
        #[expect(clippy::cast_possible_truncation, reason = "sequence numbers count modulo 2^32")]
        let number = |first: Seq, offset: u64| first.plus(1).plus(offset as u32);
        let segment = Segment {
            source_port: socket.remote_port(),
            destination_port: socket.local_port(),
            seq: number(self.iss[1], socket.received()),
            ack: number(self.iss[0], socket.transmitted()),
            flags,
            window: u16::MAX,
            ..Segment::default()
        };
        visit.struck(match forgery {
            Forgery::Reset => "gets a forged RST",
            Forgery::Fin => "gets a forged FIN",
        });
        self.take_forged(visit, segment);
    }

    /// A segment that no peer sent, with the peer's address on it.
    fn take_forged(&mut self, visit: &mut Visit<'_, '_>, segment: Segment) {
        let mut packet = visit.packet(visit.now, 0, segment);
        std::mem::swap(&mut packet.source, &mut packet.destination);
        if let Some(ordeal) = self.ordeal.as_mut().filter(|o| o.is_frozen()) {
            ordeal.hold(packet);
        } else if self.socket.is_some() {
            self.take_packet(visit, &packet);
        }
    }

    /// Whether the machine stands still.
    pub(super) fn is_frozen(&self) -> bool {
        self.ordeal.as_ref().is_some_and(|o| o.is_frozen())
    }

    /// Whether the application can do anything.
    pub(super) fn acts(&self) -> bool {
        self.ordeal.as_ref().is_none_or(|o| !o.is_hung())
    }

    fn incoming_range(&self, segment: &Segment) -> Option<(u64, u64)> {
        let near = self.socket.as_ref().map_or(self.received, |s| s.received());
        payload_range(segment, self.iss[1], near)
    }
}
