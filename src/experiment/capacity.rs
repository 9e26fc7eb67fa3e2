//! What the servers of a cell bore: a row of capacity.csv without its keys, and columns of timeline.csv.

use serde::{Deserialize, Serialize};

use crate::ledger::capacity::Capacity;
use crate::ledger::census::{Census, STATES, SYN_RECEIVED, TIME_WAIT};
use crate::scenario::server::{Memory, Server};
use crate::time::Micros;

/// Peaks and sums of one cell. Peaks, seconds above limits and utilisation are those of its worst node, because a node is a machine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CapacityResult {
    /// Most sockets at once, TIME-WAIT aside.
    pub peak_sockets: u64,
    /// Most connections in TIME-WAIT at a whole second.
    pub peak_time_wait: u64,
    /// Most streams that the application owned at a whole second.
    pub peak_streams: u64,
    /// Most bytes of sockets and streams at a whole second.
    pub peak_memory: u64,
    /// Most stanzas that waited at once.
    pub peak_queue: u64,
    /// Time that workers spent in the busiest second, summed over workers, in microseconds.
    pub peak_busy_us: u64,
    /// The same of the whole run, in the busiest node.
    pub busy_us: u64,
    /// What all workers of a node had in the whole run, in microseconds.
    pub available_us: u64,
    /// Stanzas that workers took up, on all nodes.
    pub served: u64,
    /// Their waits together.
    pub waited: Micros,
    /// The longest of them.
    pub longest_wait: Micros,
    /// Connections that were asked for and not granted, on all nodes.
    pub refused: u64,
    /// The most of them within one second at one node.
    pub peak_refused: u64,
    /// Most ephemeral ports in use at once towards one remote address; `None` of a server that opens no streams.
    pub peak_ports: Option<u64>,
    /// Whole seconds above the limit of sockets, as far as there is one; this and the next count whole seconds of the worst node.
    pub above_sockets: Option<u64>,
    /// Whole seconds above the limit of memory.
    pub above_memory: Option<u64>,
    /// Whole seconds above the limit of the queue.
    pub above_queue: Option<u64>,
}

impl CapacityResult {
    /// Share of the workers' time that was spent, in the busiest node.
    pub fn utilisation(&self) -> Option<f64> {
        share(self.busy_us, self.available_us)
    }

    /// Mean wait before a worker took a stanza up, in microseconds.
    pub fn mean_wait(&self) -> Option<f64> {
        share(self.waited.get(), self.served)
    }
}

/// A quotient, where there is something to divide by.
#[expect(clippy::cast_precision_loss, reason = "microseconds and counts are far below 2^53")]
pub fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Bytes that so many sockets by state (as in [`STATES`]) and so many streams take.
fn bytes(prices: &Memory, sockets: &[u64; STATES.len()], streams: u64) -> u64 {
    let price = |state| match state {
        TIME_WAIT => prices.time_wait,
        SYN_RECEIVED => prices.request,
        _ => prices.socket,
    };
    let kernel: u64 = sockets.iter().enumerate().map(|(state, count)| count * price(state)).sum();
    kernel + streams * prices.stream
}

/// What remains of the capacity of some nodes.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Load {
    pub(super) worst: CapacityResult,
    /// The sum over nodes at each whole second, or within it.
    pub(super) sum: Capacity,
    /// Bytes of memory at each whole second, summed over nodes.
    pub(super) memory: Vec<u64>,
}

impl Load {
    /// That of one node, whose most sockets at once are known.
    pub(super) fn of(
        server: &Server,
        capacity: Option<Capacity>,
        census: &Census,
        peak_sockets: u64,
        duration: Micros,
    ) -> Self {
        let sum = capacity.unwrap_or_default();
        let seconds = duration.get().div_ceil(1_000_000);
        let counted = |states: [i64; STATES.len()]| states.map(|count| u64::try_from(count).unwrap_or(0));
        let mut sockets: Vec<[u64; STATES.len()]> = census.seconds().into_iter().map(counted).collect();
        let length = usize::try_from(seconds).unwrap_or(usize::MAX).min(sockets.len().max(sum.streams.len()));
        sockets.resize(length, [0; STATES.len()]);
        let streams = |second: usize| sum.streams.get(second).copied().unwrap_or(0);
        let memory: Vec<u64> =
            sockets.iter().enumerate().map(|(second, of)| bytes(&server.memory, of, streams(second))).collect();
        let open = |of: &[u64; STATES.len()]| of.iter().sum::<u64>() - of[TIME_WAIT];
        let most = |values: &[u64]| values.iter().copied().max().unwrap_or(0);
        let above = |values: &mut dyn Iterator<Item = u64>, limit: Option<u64>| {
            limit.map(|limit| values.filter(|value| *value > limit).count() as u64)
        };
        let worst = CapacityResult {
            peak_sockets,
            peak_time_wait: sockets.iter().map(|of| of[TIME_WAIT]).max().unwrap_or(0),
            peak_streams: most(&sum.streams),
            peak_memory: most(&memory),
            peak_queue: sum.most_waiting,
            peak_busy_us: most(&sum.busy_us),
            busy_us: sum.busy_us.iter().sum(),
            available_us: if server.service.is_some() { duration.get() * u64::from(server.workers) } else { 0 },
            served: sum.served,
            waited: sum.waited,
            longest_wait: sum.longest_wait,
            refused: sum.refused.iter().sum(),
            peak_refused: most(&sum.refused),
            peak_ports: server.outgoing.map(|_| sum.most_ports),
            above_sockets: above(&mut sockets.iter().map(open), server.limits.sockets),
            above_memory: above(&mut memory.iter().copied(), server.limits.memory),
            above_queue: above(&mut sum.waiting.iter().copied(), server.limits.queue),
        };
        Self { worst, sum, memory }
    }

    /// Adds another node.
    pub(super) fn merge(&mut self, other: &Self) {
        let (mine, theirs) = (&mut self.worst, &other.worst);
        for (mine, theirs) in [
            (&mut mine.peak_sockets, theirs.peak_sockets),
            (&mut mine.peak_time_wait, theirs.peak_time_wait),
            (&mut mine.peak_streams, theirs.peak_streams),
            (&mut mine.peak_memory, theirs.peak_memory),
            (&mut mine.peak_queue, theirs.peak_queue),
            (&mut mine.peak_busy_us, theirs.peak_busy_us),
            (&mut mine.busy_us, theirs.busy_us),
            (&mut mine.available_us, theirs.available_us),
            (&mut mine.peak_refused, theirs.peak_refused),
        ] {
            *mine = (*mine).max(theirs);
        }
        mine.peak_ports = mine.peak_ports.max(theirs.peak_ports);
        mine.longest_wait = mine.longest_wait.max(theirs.longest_wait);
        mine.served += theirs.served;
        mine.waited += theirs.waited;
        mine.refused += theirs.refused;
        mine.above_sockets = mine.above_sockets.max(theirs.above_sockets);
        mine.above_memory = mine.above_memory.max(theirs.above_memory);
        mine.above_queue = mine.above_queue.max(theirs.above_queue);
        add(&mut self.sum.streams, &other.sum.streams);
        add(&mut self.sum.waiting, &other.sum.waiting);
        add(&mut self.sum.busy_us, &other.sum.busy_us);
        add(&mut self.sum.refused, &other.sum.refused);
        add(&mut self.memory, &other.memory);
    }
}

fn add(mine: &mut Vec<u64>, theirs: &[u64]) {
    if mine.len() < theirs.len() {
        mine.resize(theirs.len(), 0);
    }
    mine.iter_mut().zip(theirs).for_each(|(mine, theirs)| *mine += theirs);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::server::Limits;
    use crate::time::SimTime;

    fn server() -> Server {
        Server {
            service: None,
            workers: 2,
            queue: None,
            files: None,
            accept_rate: None,
            backlog: None,
            outgoing: None,
            memory: Memory { socket: 100, request: 10, time_wait: 1, stream: 1_000 },
            limits: Limits { sockets: Some(1), memory: Some(2_000), queue: None },
        }
    }

    #[test]
    fn memory_has_a_price_for_each_kind_of_socket() {
        let mut sockets = [0; STATES.len()];
        (sockets[SYN_RECEIVED], sockets[2], sockets[TIME_WAIT]) = (1, 2, 3);
        assert_eq!(bytes(&server().memory, &sockets, 4), 10 + 200 + 3 + 4_000);
    }

    #[test]
    fn memory_and_seconds_above_limits_are_those_of_a_node_and_series_add_up() {
        let at = SimTime::from_micros;
        let mut census = Census::default();
        census.add(2, at(0), at(2_500_000));
        census.add(2, at(900_000), at(2_000_000));
        census.add(TIME_WAIT, at(2_000_000), at(3_000_000));
        let capacity = Capacity { streams: vec![1, 2, 1], refused: vec![0, 3], ..Capacity::default() };
        let mut load = Load::of(&server(), Some(capacity), &census, 2, Micros::from_secs(5));
        assert_eq!(load.memory, [1_100, 2_200, 1_101, 0]);
        assert_eq!(
            (load.worst.above_sockets, load.worst.above_memory, load.worst.above_queue),
            (Some(1), Some(1), None)
        );
        assert_eq!((load.worst.peak_memory, load.worst.refused, load.worst.peak_streams), (2_200, 3, 2));
        let other = load.clone();
        load.merge(&other);
        assert_eq!((load.worst.peak_memory, load.worst.refused), (2_200, 6));
        assert_eq!((load.memory[1], load.sum.streams[1]), (4_400, 4));
    }
}
