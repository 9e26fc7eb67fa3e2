//! What lies between the two ends: IPv4 datagrams, and a link that loses, delays, doubles and reorders them.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;

use etherparse::{IpNumber, Ipv4Header, Ipv4HeaderSlice, TcpSlice};
use farewell::net::segment::{IPV4_HEADER, Segment};
use farewell::rng::{Purpose, Rng};
use farewell::time::{Micros, SimTime};

/// Where the checksum stands in a TCP header.
const CHECKSUM: std::ops::Range<usize> = 16..18;

/// Addresses of farewell's end and of smoltcp's.
pub(crate) const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2)];

/// The datagram that carries a segment from farewell's end, with both checksums.
pub(crate) fn datagram(segment: &Segment) -> Vec<u8> {
    let [source, destination] = ADDRESSES.map(|address| address.octets());
    let mut tcp = Vec::new();
    segment.encode(&mut tcp);
    let sum = TcpSlice::from_slice(&tcp).unwrap().calc_checksum_ipv4(source, destination).unwrap();
    tcp[CHECKSUM].copy_from_slice(&sum.to_be_bytes());
    let length = u16::try_from(tcp.len()).unwrap();
    let mut header = Ipv4Header::new(length, 64, IpNumber::TCP, source, destination).unwrap();
    header.header_checksum = header.calc_header_checksum();
    let mut bytes = header.to_bytes().to_vec();
    bytes.extend_from_slice(&tcp);
    bytes
}

/// The segment in a datagram of smoltcp's, both checksums verified.
pub(crate) fn segment(datagram: &[u8]) -> Segment {
    let header = Ipv4HeaderSlice::from_slice(datagram).unwrap().to_header();
    assert_eq!(header.header_checksum, header.calc_header_checksum(), "smoltcp's IPv4 checksum");
    let tcp = &datagram[IPV4_HEADER..usize::from(header.total_len)];
    let slice = TcpSlice::from_slice(tcp).unwrap();
    let sum = slice.calc_checksum_ipv4(header.source, header.destination).unwrap();
    assert_eq!(slice.checksum(), sum, "smoltcp's TCP checksum");
    Segment::decode(tcp).unwrap()
}

/// What a link does to datagrams; the same in both directions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quality {
    /// One-way delay, the least.
    pub(crate) delay: Micros,
    /// Up to this much more, uniformly: reordering.
    pub(crate) jitter: Micros,
    /// Probability of loss.
    pub(crate) loss: f64,
    /// Probability of a second copy, which has its own luck.
    pub(crate) duplicate: f64,
}

/// Datagrams on their way.
pub(crate) struct Link {
    quality: Quality,
    rng: Rng,
    on_the_way: BTreeMap<(SimTime, u64), (usize, Vec<u8>)>,
    /// Datagrams put on it so far.
    pub(crate) sent: u64,
    copies: u64,
}

impl Link {
    pub(crate) fn new(quality: Quality, seed: u64) -> Self {
        let rng = Rng::new(seed, 0, Purpose::LossUp);
        Self { quality, rng, on_the_way: BTreeMap::new(), sent: 0, copies: 0 }
    }

    /// A number below `n`.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.rng.next_u64() % n.max(1)
    }

    pub(crate) fn put(&mut self, now: SimTime, to: usize, datagram: &[u8]) {
        self.sent += 1;
        for _ in 0..=u64::from(self.rng.happens(self.quality.duplicate)) {
            let more = Micros::new(self.below(self.quality.jitter.get() + 1));
            if !self.rng.happens(self.quality.loss) {
                let at = now + self.quality.delay + more;
                self.on_the_way.insert((at, self.copies), (to, datagram.to_vec()));
                self.copies += 1;
            }
        }
    }

    /// When the next datagram arrives.
    pub(crate) fn next(&self) -> Option<SimTime> {
        self.on_the_way.keys().next().map(|(at, _)| *at)
    }

    /// The datagram that has arrived by `now`, and at which end.
    pub(crate) fn take(&mut self, now: SimTime) -> Option<(usize, Vec<u8>)> {
        let entry = self.on_the_way.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(entry.remove())
    }
}
