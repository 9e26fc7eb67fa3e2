//! What is due when: the order (time, stream, packets before deadlines, packet number) that every engine keeps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use crate::net::packet::Packet;
use crate::time::SimTime;

/// Something that is due at a slot of a host.
#[derive(Debug)]
pub enum Due {
    /// A packet arrives.
    Packet(Packet),
    /// The slot's deadline may be due: ask the host, it may have moved.
    Deadline,
}

/// Time, slot, rank (a packet's number, or after all packets), place in the store.
type Key = (SimTime, u32, u32, u32);

const DEADLINE: u32 = u32::MAX;

/// Length of a page of the calendar in microseconds. Only the page in hand is sorted: what is due much later (a thousand
/// TIME-WAITs) costs nothing until its page is turned to.
const PAGE: u64 = 4_096;

/// The events of one host. Slots must be numbered in the order of their streams.
#[derive(Debug, Default)]
pub struct Agenda {
    /// Everything due before `horizon`; never empty while anything is due later.
    near: BinaryHeap<Reverse<Key>>,
    horizon: SimTime,
    /// Everything else, by page.
    later: BTreeMap<u64, Vec<Reverse<Key>>>,
    packets: Vec<Option<Packet>>,
    free: Vec<u32>,
    /// For each slot the earliest queued deadline: a deadline that moves away is found out when it comes up.
    armed: Vec<SimTime>,
}

impl Agenda {
    /// An empty agenda for so many slots.
    pub fn new(slots: usize) -> Self {
        Self { armed: vec![SimTime::MAX; slots], ..Self::default() }
    }

    /// A packet for a slot, due at its arrival.
    pub fn add_packet(&mut self, slot: usize, packet: Packet) {
        let (arrival, number) = (packet.arrival, packet.number);
        let place = if let Some(place) = self.free.pop() {
            self.packets[place as usize] = Some(packet);
            place
        } else {
            self.packets.push(Some(packet));
            index(self.packets.len() - 1)
        };
        self.push((arrival, index(slot), number, place));
    }

    fn push(&mut self, key: Key) {
        if key.0 < self.horizon {
            self.near.push(Reverse(key));
        } else {
            self.later.entry(key.0.as_micros() / PAGE).or_default().push(Reverse(key));
            self.turn();
        }
    }

    /// Turns to the next page that has anything, if the one in hand is done.
    fn turn(&mut self) {
        if self.near.is_empty()
            && let Some((page, keys)) = self.later.pop_first()
        {
            self.horizon = SimTime::from_micros((page + 1).saturating_mul(PAGE));
            self.near = BinaryHeap::from(keys);
        }
    }

    /// There is a further slot.
    pub fn add_slot(&mut self, slot: usize) {
        if self.armed.len() <= slot {
            self.armed.resize(slot + 1, SimTime::MAX);
        }
    }

    /// The slot wants to be called at `deadline`.
    pub fn arm(&mut self, slot: usize, deadline: Option<SimTime>) {
        if let Some(deadline) = deadline.filter(|d| *d < self.armed[slot]) {
            self.armed[slot] = deadline;
            self.push((deadline, index(slot), DEADLINE, 0));
        }
    }

    /// When the next thing is due.
    pub fn next(&self) -> Option<SimTime> {
        self.near.peek().map(|Reverse((time, ..))| *time)
    }

    /// Takes the next thing that is due before `limit`.
    pub fn pop_before(&mut self, limit: SimTime) -> Option<(SimTime, usize, Due)> {
        while self.next()? < limit {
            let Reverse((time, slot, rank, place)) = self.near.pop()?;
            self.turn();
            let slot = slot as usize;
            if rank == DEADLINE {
                // An entry that an earlier one has overtaken is stale: the slot was armed anew when that one came up.
                if self.armed[slot] == time {
                    self.armed[slot] = SimTime::MAX;
                    return Some((time, slot, Due::Deadline));
                }
            } else if let Some(packet) = self.packets[place as usize].take() {
                self.free.push(place);
                return Some((time, slot, Due::Packet(packet)));
            }
        }
        None
    }
}

#[expect(clippy::cast_possible_truncation, reason = "a node has at most 10 million slots, each with few packets")]
fn index(n: usize) -> u32 {
    n as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::Segment;
    use std::net::Ipv4Addr;

    fn at(us: u64) -> SimTime {
        SimTime::from_micros(us)
    }

    fn packet(arrival: u64, number: u32) -> Packet {
        let ip = Ipv4Addr::LOCALHOST;
        let segment = Segment::default();
        Packet { source: ip, destination: ip, departure: at(0), arrival: at(arrival), number, segment }
    }

    fn drain(agenda: &mut Agenda, limit: u64) -> Vec<(u64, usize, Option<u32>)> {
        let mut seen = Vec::new();
        while let Some((time, slot, due)) = agenda.pop_before(at(limit)) {
            let number = match due {
                Due::Packet(p) => Some(p.number),
                Due::Deadline => None,
            };
            seen.push((time.as_micros(), slot, number));
        }
        seen
    }

    #[test]
    fn things_come_by_time_then_slot_then_packets_by_number_then_deadlines() {
        let mut agenda = Agenda::new(3);
        agenda.arm(1, Some(at(50)));
        agenda.arm(2, Some(at(40)));
        agenda.add_packet(1, packet(50, 7));
        agenda.add_packet(1, packet(50, 6));
        agenda.add_packet(0, packet(50, 9));
        let seen = drain(&mut agenda, 51);
        assert_eq!(seen, [(40, 2, None), (50, 0, Some(9)), (50, 1, Some(6)), (50, 1, Some(7)), (50, 1, None)]);
    }

    #[test]
    fn what_is_due_on_any_page_comes_in_order_of_time() {
        let mut agenda = Agenda::new(200);
        let times: Vec<u64> = (0..200_u64).map(|i| i * 7_919 % 60_000).collect();
        for (slot, time) in times.iter().enumerate() {
            agenda.arm(slot, Some(at(*time)));
        }
        let (early, late) = (drain(&mut agenda, 20_000), drain(&mut agenda, u64::MAX));
        let seen: Vec<u64> = early.iter().chain(&late).map(|(time, ..)| *time).collect();
        let mut sorted = times;
        sorted.sort_unstable();
        assert_eq!(seen, sorted);
        assert!(early.iter().all(|(time, ..)| *time < 20_000) && late.iter().all(|(time, ..)| *time >= 20_000));
    }

    #[test]
    fn nothing_comes_before_its_time_and_an_overtaken_deadline_comes_once() {
        let mut agenda = Agenda::new(1);
        agenda.arm(0, Some(at(100)));
        agenda.arm(0, Some(at(30)));
        agenda.arm(0, Some(at(70)));
        assert_eq!(drain(&mut agenda, 30), []);
        assert_eq!(drain(&mut agenda, 31), [(30, 0, None)]);
        agenda.arm(0, Some(at(100)));
        assert_eq!(drain(&mut agenda, 1_000), [(100, 0, None)], "the stale entry for 100 must not fire a second time");
        assert_eq!(agenda.next(), None);
    }
}
