//! A host with its agenda: what every engine drives.

use crate::engine::agenda::{Agenda, Due};
use crate::host::{Effects, Host};
use crate::net::packet::Packet;
use crate::time::SimTime;

/// A host and everything that is due at it.
pub(super) struct Station {
    host: Host,
    agenda: Agenda,
}

impl Station {
    pub(super) fn new(host: Host) -> Self {
        let mut agenda = Agenda::new(host.slots());
        for slot in 0..host.slots() {
            agenda.arm(slot, host.next_deadline(slot));
        }
        Self { host, agenda }
    }

    /// A packet that will arrive at its written instant; one that is for nobody here is dropped.
    pub(super) fn hold(&mut self, packet: Packet) {
        if let Some(slot) = self.host.slot_of(&packet) {
            self.agenda.add_packet(slot, packet);
        }
    }

    /// When the next thing is due.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.agenda.next()
    }

    /// Handles everything that is due before `limit`, in order.
    pub(super) fn run_before(&mut self, limit: SimTime, effects: &mut Effects<'_>) {
        while let Some((now, slot, due)) = self.agenda.pop_before(limit) {
            match due {
                Due::Packet(packet) => self.host.handle_packet(now, slot, &packet, effects),
                Due::Deadline if self.host.next_deadline(slot).is_some_and(|d| d <= now) => {
                    self.host.handle_deadline(now, slot, effects);
                }
                Due::Deadline => {}
            }
            if let Some(begun) = self.host.take_begun() {
                self.agenda.add_slot(begun);
                self.agenda.arm(begun, self.host.next_deadline(begun));
            }
            self.agenda.arm(slot, self.host.next_deadline(slot));
            for woken in self.host.take_woken() {
                self.agenda.arm(woken, self.host.next_deadline(woken));
            }
        }
    }

    /// The run is over.
    pub(super) fn into_host(self) -> Host {
        self.host
    }
}
