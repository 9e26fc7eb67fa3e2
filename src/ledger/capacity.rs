//! The server as a resource: what a node's application, queue and listening socket had to bear, second by second.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::time::{Micros, SimTime};

/// What a node bore. Counts at whole seconds begin with second 0; a second that is missing at the end counts nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capacity {
    /// Streams that the application owned at each whole second.
    pub streams: Vec<u64>,
    /// Stanzas that waited for a worker at each whole second.
    pub waiting: Vec<u64>,
    /// Time that workers spent within each second, summed over workers, in microseconds.
    pub busy_us: Vec<u64>,
    /// Connections that were asked for and not granted within each second.
    pub refused: Vec<u64>,
    /// Stanzas that a worker took up.
    pub served: u64,
    /// Their waits together.
    pub waited: Micros,
    /// The longest of them.
    pub longest_wait: Micros,
    /// The most stanzas that waited at once.
    pub most_waiting: u64,
    /// The most ephemeral ports that were in use at once towards one remote address.
    pub most_ports: u64,
}

/// The live account of a node.
#[derive(Debug, Default)]
pub struct Account {
    sum: Capacity,
    /// Streams that the application owns, since when.
    owned: BTreeMap<usize, SimTime>,
    /// Changes of the number of streams at each whole second.
    changes: Vec<i64>,
    waiting: u64,
}

impl Account {
    /// The application owns a stream from now on.
    pub fn takes(&mut self, local: usize, now: SimTime) {
        self.owned.insert(local, now);
    }

    /// It has let go of it.
    pub fn lets_go(&mut self, local: usize, now: SimTime) {
        if let Some(since) = self.owned.remove(&local) {
            self.change(since, 1);
            self.change(now, -1);
        }
    }

    fn change(&mut self, at: SimTime, by: i64) {
        *place(&mut self.changes, at.as_micros().div_ceil(1_000_000)) += by;
    }

    /// A connection was asked for and not granted.
    pub fn refuses(&mut self, now: SimTime) {
        *place(&mut self.sum.refused, now.as_micros() / 1_000_000) += 1;
    }

    /// So many stanzas wait from now on. Calls come in the order of time.
    pub fn waiting(&mut self, count: u64, now: SimTime) {
        // What waited until now is what the whole seconds before now saw.
        let seen = usize::try_from(now.as_micros().div_ceil(1_000_000)).unwrap_or(usize::MAX);
        if self.sum.waiting.len() < seen {
            self.sum.waiting.resize(seen, self.waiting);
        }
        self.waiting = count;
        self.sum.most_waiting = self.sum.most_waiting.max(count);
    }

    /// So many ports are in use towards one remote address.
    pub fn ports(&mut self, count: u64) {
        self.sum.most_ports = self.sum.most_ports.max(count);
    }

    /// A worker takes up a stanza that came at `came`.
    pub fn serves(&mut self, came: SimTime, now: SimTime) {
        let wait = now.since(came);
        self.sum.served += 1;
        self.sum.waited += wait;
        self.sum.longest_wait = self.sum.longest_wait.max(wait);
    }

    /// A worker works.
    pub fn works(&mut self, from: SimTime, until: SimTime) {
        let (mut from, until) = (from.as_micros(), until.as_micros());
        while from < until {
            let second = from / 1_000_000;
            let end = until.min((second + 1) * 1_000_000);
            *place(&mut self.sum.busy_us, second) += end - from;
            from = end;
        }
    }

    /// The run is over.
    pub fn close(mut self, end: SimTime) -> Capacity {
        let owned: Vec<usize> = self.owned.keys().copied().collect();
        // What is owned at the end was owned at that instant too.
        for local in owned {
            self.lets_go(local, end + Micros::new(1));
        }
        self.waiting(self.waiting, end + Micros::new(1));
        let mut now = 0;
        let counts = self.changes.iter().map(|change| {
            now += change;
            u64::try_from(now).unwrap_or(0)
        });
        self.sum.streams = counts.collect();
        let seconds = usize::try_from(end.as_micros().div_ceil(1_000_000)).unwrap_or(usize::MAX);
        self.sum.busy_us.truncate(seconds);
        self.sum
    }
}

fn place<T: Default>(seconds: &mut Vec<T>, second: u64) -> &mut T {
    let second = usize::try_from(second).unwrap_or(usize::MAX);
    if seconds.len() <= second {
        seconds.resize_with(second + 1, T::default);
    }
    &mut seconds[second]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> SimTime {
        SimTime::from_micros(ms * 1_000)
    }

    #[test]
    fn streams_count_at_the_whole_seconds_at_which_they_are_owned() {
        let mut account = Account::default();
        account.takes(0, at(500));
        account.takes(1, at(1_000));
        account.lets_go(1, at(1_900));
        account.takes(2, at(1_950));
        account.lets_go(0, at(2_000));
        assert_eq!(account.close(at(3_000)).streams, [0, 2, 1, 1, 0]);
    }

    #[test]
    fn work_is_split_at_the_second_and_waits_add_up() {
        let mut account = Account::default();
        account.serves(at(700), at(900));
        account.works(at(900), at(1_150));
        account.serves(at(950), at(1_150));
        account.works(at(1_150), at(1_250));
        account.refuses(at(1_999));
        let capacity = account.close(at(2_000));
        assert_eq!((capacity.busy_us.as_slice(), capacity.refused.as_slice()), (&[100_000, 250_000][..], &[0, 1][..]));
        assert_eq!((capacity.served, capacity.waited), (2, Micros::from_millis(400)));
        assert_eq!(capacity.longest_wait, Micros::from_millis(200));
    }

    #[test]
    fn a_queue_is_seen_at_whole_seconds() {
        let mut account = Account::default();
        account.waiting(3, at(1_000));
        account.waiting(1, at(2_500));
        account.waiting(4, at(2_600));
        let capacity = account.close(at(4_000));
        assert_eq!(capacity.waiting, [0, 3, 3, 4, 4]);
        assert_eq!(capacity.most_waiting, 4);
    }
}
