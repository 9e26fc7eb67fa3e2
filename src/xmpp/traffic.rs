//! When one side writes stanzas, and how big they are.
//!
//! The instants and sizes come from the side's own generator and from nothing else, so that two strategies see the
//! same traffic until the moment they differ. Each instant is counted from the one before it, not from the moment
//! the application got round to it, and rounded once.

use std::collections::VecDeque;

use crate::dist::{Distribution, to_integer};
use crate::rng::Rng;
use crate::time::{Micros, SimTime};
use crate::xmpp::config::{MAX_STANZA, MIN_STANZA, Process, Source};

/// The traffic of one side of one stream. The configuration is shared by all streams, so it is an argument.
#[derive(Debug)]
pub(super) struct Traffic {
    rng: Rng,
    /// When the next stanza of a process of its own comes.
    next: Option<SimTime>,
    /// Where in a burst `next` is.
    burst: Burst,
    /// Answers thought about: when each is written and how big it is, in order of time.
    answers: VecDeque<(SimTime, u32)>,
    /// Stanzas drawn so far.
    drawn: u32,
}

/// A burst's start and how many of its stanzas are to come after the next one.
#[derive(Clone, Copy, Debug, Default)]
struct Burst {
    start: SimTime,
    left: u32,
}

impl Traffic {
    /// Silent until [`Self::start`].
    pub(super) fn new(rng: Rng) -> Self {
        Self { rng, next: None, burst: Burst::default(), answers: VecDeque::new(), drawn: 0 }
    }

    /// The stream is up.
    pub(super) fn start(&mut self, source: &Source, now: SimTime) {
        if source.count == Some(0) {
            return;
        }
        self.next = match source.process {
            Process::Poisson(rate) => self.after_poisson(rate, now),
            Process::Periodic(interval) => Some(now + Distribution::part_of(interval).draw_micros(&mut self.rng)),
            Process::Bursts { ref every, stanzas, .. } => self.next_burst(every, stanzas, now, now),
            Process::Respond { .. } => None,
        };
    }

    /// When the next stanza is to be written.
    pub(super) fn next(&self) -> Option<SimTime> {
        self.answers.front().map(|&(at, _)| at).or(self.next)
    }

    /// Takes a stanza that is due and says when it was and how big it is; `None` when none is (any more).
    pub(super) fn take(&mut self, source: &Source, now: SimTime) -> Option<(SimTime, u32)> {
        if let Some(&answer) = self.answers.front() {
            if answer.0 > now {
                return None;
            }
            self.answers.pop_front();
            return Some(answer);
        }
        let at = self.next.filter(|&at| at <= now)?;
        let size = self.draw_size(source);
        self.next = if source.count.is_some_and(|count| self.drawn >= count) { None } else { self.after(source, at) };
        Some((at, size))
    }

    /// A stanza came from the other side.
    pub(super) fn heard(&mut self, source: &Source, now: SimTime) {
        let Process::Respond { ref after } = source.process else { return };
        if source.count.is_some_and(|count| self.drawn >= count) {
            return;
        }
        let at = now + after.draw_micros(&mut self.rng);
        let size = self.draw_size(source);
        let place = self.answers.partition_point(|&(earlier, _)| earlier <= at);
        self.answers.insert(place, (at, size));
    }

    /// Not one more.
    pub(super) fn stop(&mut self) {
        self.next = None;
        self.answers = VecDeque::new();
    }

    /// The instant after `at`.
    fn after(&mut self, source: &Source, at: SimTime) -> Option<SimTime> {
        match source.process {
            Process::Poisson(rate) => self.after_poisson(rate, at),
            Process::Periodic(interval) => Some(at + interval.max(Micros::new(1))),
            Process::Bursts { ref every, stanzas, ref spacing } => {
                if self.burst.left > 0 {
                    self.burst.left -= 1;
                    return Some(at + spacing.draw_micros(&mut self.rng));
                }
                self.next_burst(every, stanzas, self.burst.start, at)
            }
            Process::Respond { .. } => None,
        }
    }

    fn after_poisson(&mut self, rate: f64, at: SimTime) -> Option<SimTime> {
        let gap = Distribution::Exponential { mean: 1e6 / rate };
        (rate > 0.0).then(|| at + gap.draw_micros(&mut self.rng))
    }

    /// The first stanza of the next burst: `every` after the start of the burst before, but not before `at`, its end.
    fn next_burst(&mut self, every: &Distribution, stanzas: u32, start: SimTime, at: SimTime) -> Option<SimTime> {
        let left = stanzas.checked_sub(1)?;
        let start = (start + every.draw_micros(&mut self.rng).max(Micros::new(1))).max(at);
        self.burst = Burst { start, left };
        Some(start)
    }

    fn draw_size(&mut self, source: &Source) -> u32 {
        self.drawn += 1;
        let size = to_integer(source.size.draw(&mut self.rng)).clamp(MIN_STANZA.into(), MAX_STANZA.into());
        u32::try_from(size).unwrap_or(MAX_STANZA)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn source(process: Process) -> Source {
        Source { process, size: Distribution::Constant(200.0), count: None }
    }

    fn traffic(stream: u64) -> Traffic {
        Traffic::new(Rng::new(1, stream, Purpose::ClientTraffic))
    }

    /// Instants (in microseconds) and sizes of all stanzas until `end`.
    fn run(traffic: &mut Traffic, source: &Source, end: SimTime) -> Vec<(u64, u32)> {
        let mut stanzas = Vec::new();
        while let Some(at) = traffic.next().filter(|&at| at < end) {
            while let Some((_, size)) = traffic.take(source, at) {
                stanzas.push((at.as_micros(), size));
            }
        }
        stanzas
    }

    fn seconds(s: u64) -> SimTime {
        SimTime::from_micros(s * 1_000_000)
    }

    #[test]
    fn a_poisson_process_has_its_rate_and_its_spread() {
        let source = source(Process::Poisson(2.0));
        let mut counts = Vec::new();
        for stream in 0..400 {
            let mut traffic = traffic(stream);
            traffic.start(&source, seconds(1));
            counts.push(f64::from(u32::try_from(run(&mut traffic, &source, seconds(51)).len()).unwrap()));
        }
        let mean = counts.iter().sum::<f64>() / 400.0;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / 400.0;
        assert!((mean - 100.0).abs() < 1.5, "mean {mean}");
        assert!((variance - 100.0).abs() < 22.0, "variance {variance}");
    }

    #[test]
    fn a_rate_of_zero_is_silence() {
        let source = source(Process::Poisson(0.0));
        let mut traffic = traffic(0);
        traffic.start(&source, seconds(1));
        assert_eq!(traffic.next(), None);
    }

    #[test]
    fn periods_are_exact_and_peers_are_not_in_step() {
        let source = source(Process::Periodic(Micros::from_secs(1)));
        let mut firsts = Vec::new();
        for stream in 0..3 {
            let mut traffic = traffic(stream);
            traffic.start(&source, seconds(10));
            let at: Vec<u64> = run(&mut traffic, &source, seconds(15)).iter().map(|s| s.0).collect();
            assert_eq!(at.len(), 5);
            assert!(at.windows(2).all(|pair| pair[1] - pair[0] == 1_000_000));
            firsts.push(at[0]);
        }
        assert!(firsts[0] != firsts[1] && firsts[1] != firsts[2]);
    }

    #[test]
    fn bursts_begin_every_so_often_and_keep_their_spacing() {
        let process = Process::Bursts {
            every: Distribution::Constant(5e6),
            stanzas: 3,
            spacing: Distribution::Constant(100_000.0),
        };
        let source = source(process);
        let mut traffic = traffic(0);
        traffic.start(&source, seconds(0));
        let at: Vec<u64> = run(&mut traffic, &source, seconds(11)).iter().map(|s| s.0 / 1_000).collect();
        assert_eq!(at, [5_000, 5_100, 5_200, 10_000, 10_100, 10_200]);
    }

    #[test]
    fn a_burst_that_outlasts_its_interval_delays_the_next_one() {
        let process = Process::Bursts {
            every: Distribution::Constant(1_000_000.0),
            stanzas: 2,
            spacing: Distribution::Constant(1_500_000.0),
        };
        let source = source(process);
        let mut traffic = traffic(0);
        traffic.start(&source, seconds(0));
        let at: Vec<u64> = run(&mut traffic, &source, seconds(6)).iter().map(|s| s.0 / 1_000).collect();
        assert_eq!(at, [1_000, 2_500, 2_500, 4_000, 4_000, 5_500, 5_500]);
    }

    #[test]
    fn one_answer_comes_for_each_stanza_after_a_think_time() {
        let source = source(Process::Respond { after: Distribution::Uniform { low: 0.0, high: 3e6 } });
        let mut traffic = traffic(3);
        traffic.start(&source, seconds(0));
        assert_eq!(traffic.next(), None);
        (0..20).for_each(|_| traffic.heard(&source, seconds(7)));
        let at: Vec<u64> = run(&mut traffic, &source, seconds(60)).iter().map(|s| s.0).collect();
        assert_eq!(at.len(), 20);
        assert!(at.is_sorted() && at[0] >= 7_000_000 && at[19] <= 10_000_000);
    }

    #[test]
    fn it_stops_after_its_count() {
        for process in [Process::Poisson(10.0), Process::Periodic(Micros::from_secs(1))] {
            let source = Source { count: Some(4), ..source(process) };
            let mut traffic = traffic(0);
            traffic.start(&source, seconds(0));
            assert_eq!(run(&mut traffic, &source, seconds(1_000)).len(), 4);
        }
        let source = Source { count: Some(2), ..source(Process::Respond { after: Distribution::Constant(0.0) }) };
        let mut traffic = traffic(0);
        (0..9).for_each(|_| traffic.heard(&source, seconds(1)));
        assert_eq!(run(&mut traffic, &source, seconds(9)).len(), 2);
    }

    #[test]
    fn sizes_stay_within_what_can_be_written() {
        let size = Distribution::Empirical([1.0, 1_000.0, 1e9].into());
        let source = Source { size, ..source(Process::Poisson(10.0)) };
        let mut traffic = traffic(0);
        traffic.start(&source, seconds(0));
        let mut sizes: Vec<u32> = run(&mut traffic, &source, seconds(10)).iter().map(|s| s.1).collect();
        sizes.sort_unstable();
        sizes.dedup();
        assert_eq!(sizes, [MIN_STANZA, 1_000, MAX_STANZA]);
    }

    #[test]
    fn the_same_generator_gives_the_same_traffic_whenever_it_is_asked() {
        let source = source(Process::Poisson(5.0));
        let (mut steady, mut late) = (traffic(0), traffic(0));
        steady.start(&source, seconds(0));
        late.start(&source, seconds(0));
        let expected = run(&mut steady, &source, seconds(20));
        let mut count = 0;
        while late.next().is_some_and(|at| at < seconds(20)) && late.take(&source, seconds(20)).is_some() {
            count += 1;
        }
        assert_eq!(count, expected.len(), "an application that comes late finds the same stanzas waiting");
    }
}
