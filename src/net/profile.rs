//! Built-in links by name, between a peer and its server, with the source of each figure.
//!
//! | profile | one-way latency | loss | rate down, up |
//! | --- | --- | --- | --- |
//! | `lan` | 100 to 300 us: assumption | none: assumption | 1 Gbit/s: Gigabit Ethernet |
//! | `broadband` | median 10 ms \[1\] | 0.1 %: assumption, below \[2\] | 39 Mbit/s \[3\], 5 Mbit/s: assumption |
//! | `wifi` | median 20 ms, one in ten above 60 ms \[4\] | 0.5 % in bursts of 2.5: assumption | 20 Mbit/s: assumption |
//! | `lte` | median 26 ms \[5\] | 0.2 % in bursts of 4: assumption \[6\] | 14.7 and 13.6 Mbit/s \[5\] |
//! | `3g` | median 32 ms \[5\] | 1 % in bursts of 5: assumption \[6\] | 5.9 and 1.6 Mbit/s \[5\] |
//! | `satellite` | 280 to 320 ms \[7\] | 0.3 % in bursts of 3: assumption | 25 and 3 Mbit/s: assumption |
//! | `s2s-continental` | median 15 ms \[8\] | 0.1 %: assumption, below \[8\] | 1 Gbit/s: assumption |
//! | `s2s-intercontinental` | median 45 ms \[9\] | 0.2 %: assumption, below \[9\] | 1 Gbit/s: assumption |
//!
//! 1. FCC, Measuring Broadband America, as Verizon quotes the 2016 study for its own lines (verizon.com, "Network
//!    Performance"): round trips of 11.6 to 14.7 ms on fibre and 37 to 40 ms on DSL; 20 ms lies between.
//! 2. FCC, Ninth Measuring Broadband America report, chart 8: counts lines with less than 0.4 % loss at peak times.
//! 3. FCC, Sixth Measuring Broadband America report (2016): median download speed over all providers.
//! 4. Pei and others, "`WiFi` can be the weakest link of round trip network latency in the wild", INFOCOM 2016: on a
//!    campus, the hop alone takes more than 20 ms for half of the packets and more than 100 ms for a tenth, both ways.
//!    Half of that each way, and the 10 ms of `broadband` behind it, gives the median and the 90th percentile.
//! 5. Ofcom, "Measuring mobile broadband performance in the UK", April 2015: mean round trips of 53.1 ms (4G) and
//!    63.5 ms (3G), and mean rates, with the radio awake.
//! 6. Baltrunas and others, INFOCOM 2015, found the loss of mobile (UMTS) links to come in bursts; the parameters here
//!    are not theirs.
//! 7. RFC 2488 section 2: 239.6 to 279.0 ms of propagation each way over a geostationary satellite; with processing
//!    600 ms for the round trip is usual.
//! 8. Verizon, network service level agreement (verizon.com/business/terms): at most 30 ms for the round trip in
//!    Europe and 45 ms in North America, where at least 99.5 % of packets are delivered.
//! 9. The same: at most 90 ms for the round trip between New York and London, and 99.5 % again.
//!
//! Where the spread round a median is not known, it is log-normal with the sigma written in the table below: an
//! assumption, like every lowest latency and every queue length. That loss in bursts suits the two-state model is
//! shown by Hasslinger and Hohlfeld, "The Gilbert-Elliott model for packet loss in real time services on the
//! Internet", MMB 2008.

use crate::dist::Distribution;
use crate::net::link::{DirectionConfig, LinkConfig, LossModel, RateLimit};
use crate::time::Micros;

/// A row of the table.
struct Row {
    name: &'static str,
    about: &'static str,
    latency: Latency,
    loss: Loss,
    /// Down and up.
    rate: [Rate; 2],
}

enum Latency {
    /// Uniform from and to, in microseconds.
    Uniform(u32, u32),
    /// Log-normal: median and lowest in microseconds, and the standard deviation of the logarithm.
    LogNormal { median_us: u32, sigma: f64, lowest_us: u32 },
}

enum Loss {
    /// Of each packet by itself.
    Independent(f64),
    /// In bursts of this mean length that take this share of the packets.
    Bursts { share: f64, length: f64 },
}

struct Rate {
    kbit: u32,
    queue_kib: u32,
}

const fn rate(kbit: u32, queue_kib: u32) -> Rate {
    Rate { kbit, queue_kib }
}

const TABLE: [Row; 8] = [
    Row {
        name: "lan",
        about: "the same building, wired",
        latency: Latency::Uniform(100, 300),
        loss: Loss::Independent(0.0),
        rate: [rate(1_000_000, 512), rate(1_000_000, 512)],
    },
    Row {
        name: "broadband",
        about: "a wired home line",
        latency: Latency::LogNormal { median_us: 10_000, sigma: 0.3, lowest_us: 4_000 },
        loss: Loss::Independent(0.001),
        rate: [rate(39_000, 256), rate(5_000, 128)],
    },
    Row {
        name: "wifi",
        about: "a home line behind a busy wireless hop",
        latency: Latency::LogNormal { median_us: 20_000, sigma: 0.857, lowest_us: 4_000 },
        loss: Loss::Bursts { share: 0.005, length: 2.5 },
        rate: [rate(20_000, 256), rate(20_000, 256)],
    },
    Row {
        name: "lte",
        about: "4G, radio awake",
        latency: Latency::LogNormal { median_us: 26_000, sigma: 0.35, lowest_us: 10_000 },
        loss: Loss::Bursts { share: 0.002, length: 4.0 },
        rate: [rate(14_700, 512), rate(13_600, 256)],
    },
    Row {
        name: "3g",
        about: "UMTS with HSPA, radio awake",
        latency: Latency::LogNormal { median_us: 32_000, sigma: 0.5, lowest_us: 15_000 },
        loss: Loss::Bursts { share: 0.01, length: 5.0 },
        rate: [rate(5_900, 256), rate(1_600, 128)],
    },
    Row {
        name: "satellite",
        about: "geostationary",
        latency: Latency::Uniform(280_000, 320_000),
        loss: Loss::Bursts { share: 0.003, length: 3.0 },
        rate: [rate(25_000, 1_024), rate(3_000, 256)],
    },
    Row {
        name: "s2s-continental",
        about: "two servers on one continent",
        latency: Latency::LogNormal { median_us: 15_000, sigma: 0.1, lowest_us: 5_000 },
        loss: Loss::Independent(0.001),
        rate: [rate(1_000_000, 1_024), rate(1_000_000, 1_024)],
    },
    Row {
        name: "s2s-intercontinental",
        about: "two servers on two sides of an ocean",
        latency: Latency::LogNormal { median_us: 45_000, sigma: 0.1, lowest_us: 35_000 },
        loss: Loss::Independent(0.002),
        rate: [rate(1_000_000, 1_024), rate(1_000_000, 1_024)],
    },
];

/// The names of all profiles.
pub fn names() -> Vec<&'static str> {
    TABLE.iter().map(|row| row.name).collect()
}

/// What a profile stands for, in a few words.
pub fn about(name: &str) -> Option<&'static str> {
    TABLE.iter().find(|row| row.name == name).map(|row| row.about)
}

/// The profile of this name.
pub fn by_name(name: &str) -> Option<LinkConfig> {
    let row = TABLE.iter().find(|row| row.name == name)?;
    let [down, up] = &row.rate;
    Some(LinkConfig { up: row.direction(up), down: row.direction(down), middlebox: None, firewall: None, proxy: None })
}

impl Row {
    fn direction(&self, rate: &Rate) -> DirectionConfig {
        let (latency, lowest_us) = match self.latency {
            Latency::Uniform(low, high) => (Distribution::Uniform { low: f64::from(low), high: f64::from(high) }, low),
            Latency::LogNormal { median_us, sigma, lowest_us } => {
                (Distribution::LogNormal { median: f64::from(median_us), sigma }, lowest_us)
            }
        };
        DirectionConfig {
            latency,
            latency_floor: Micros::new(u64::from(lowest_us)),
            reorder: false,
            loss: match self.loss {
                Loss::Independent(p) => LossModel::Independent(p),
                // Every packet of the bad state is lost: it lasts 1/r packets and is entered for p/(p+r) of them.
                Loss::Bursts { share, length } => LossModel::GilbertElliott {
                    p: share / (1.0 - share) / length,
                    r: 1.0 / length,
                    bad_loss: 1.0,
                    good_loss: 0.0,
                },
            },
            duplicate: 0.0,
            rate: Some(RateLimit {
                bits_per_second: u64::from(rate.kbit) * 1_000,
                queue_bytes: u64::from(rate.queue_kib) * 1_024,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_link_and_no_other() {
        assert_eq!(names().len(), 8);
        for name in names() {
            assert!(by_name(name).is_some() && about(name).is_some(), "{name}");
        }
        assert_eq!(by_name("modem"), None);
    }

    #[test]
    fn bursts_lose_the_share_that_the_table_says() {
        let LossModel::GilbertElliott { p, r, bad_loss, good_loss } = by_name("3g").unwrap().up.loss else {
            panic!("3g loses in bursts");
        };
        let share = bad_loss * p / (p + r) + good_loss * r / (p + r);
        assert!((share - 0.01).abs() < 1e-12, "{share}");
        assert!((1.0 / r - 5.0).abs() < 1e-12);
    }

    #[test]
    fn up_and_down_are_not_confused() {
        let link = by_name("broadband").unwrap();
        assert_eq!(link.down.rate.map(|r| r.bits_per_second), Some(39_000_000));
        assert_eq!(link.up.rate.map(|r| r.bits_per_second), Some(5_000_000));
    }
}
