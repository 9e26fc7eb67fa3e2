//! The two ends of one stream with what is due at them, in the order (time, packets before deadlines, packet number).

use std::collections::VecDeque;

use crate::host::{Effects, Pair};
use crate::id::Side;
use crate::net::packet::Packet;
use crate::time::SimTime;

/// The agenda of one stream. Few packets of a stream travel at a time, so that a sorted list is the fastest queue. Between
/// streams it is empty and keeps its memory.
#[derive(Debug, Default)]
pub(super) struct Duet {
    /// Packets on their way to each side, by [`Side::index`], the next to arrive first.
    coming: [VecDeque<Packet>; 2],
}

impl Duet {
    /// Runs a stream to the `end` of the run, and finishes it.
    pub(super) fn play(&mut self, mut pair: Pair<'_>, end: SimTime, effects: &mut Effects<'_>) {
        let mut deadlines = Side::BOTH.map(|side| pair.next_deadline(side));
        while let Some((now, side)) = self.next(deadlines).filter(|(now, _)| *now < end) {
            let coming = &mut self.coming[side.index()];
            let arrives = coming.front().is_some_and(|packet| packet.arrival == now);
            if let Some(packet) = arrives.then(|| coming.pop_front()).flatten() {
                pair.handle_packet(now, side, &packet, effects);
            } else {
                pair.handle_deadline(now, side, effects);
            }
            deadlines[side.index()] = pair.next_deadline(side);
            effects.packets.drain(..).for_each(|packet| self.hold(side.other(), packet));
        }
        self.coming.iter_mut().for_each(VecDeque::clear);
        pair.finish(end, effects);
    }

    /// What is due next, and where. The sides cannot disturb each other within one instant: their order is free.
    fn next(&self, deadlines: [Option<SimTime>; 2]) -> Option<(SimTime, Side)> {
        let due = |side: Side| {
            let packet = self.coming[side.index()].front().map_or(SimTime::MAX, |packet| packet.arrival);
            packet.min(deadlines[side.index()].unwrap_or(SimTime::MAX))
        };
        let (server, client) = (due(Side::Server), due(Side::Client));
        let first = if server <= client { (server, Side::Server) } else { (client, Side::Client) };
        (first.0 != SimTime::MAX).then_some(first)
    }

    /// A packet is on its way to a side: behind those that arrive earlier, or at the same time with a lower number.
    fn hold(&mut self, side: Side, packet: Packet) {
        let coming = &mut self.coming[side.index()];
        let later = |other: &Packet| (other.arrival, other.number) > (packet.arrival, packet.number);
        let behind = coming.iter().rev().take_while(|other| later(other)).count();
        coming.insert(coming.len() - behind, packet);
    }
}
