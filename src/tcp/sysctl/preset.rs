//! Named configurations. Each says where it differs from Linux 6.18, and each difference says where it was read;
//! what nobody documents stays as Linux has it.

use crate::tcp::sysctl::Kernel;

/// A value in which a preset differs from Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The key.
    pub key: &'static str,
    /// Its value, as a sysctl writes it.
    pub value: &'static str,
    /// Where that was read.
    pub source: &'static str,
}

/// A named configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preset {
    /// Its name.
    pub name: &'static str,
    /// One line: what it stands for.
    pub about: &'static str,
    /// All of its differences.
    pub differences: &'static [Difference],
}

const fn differs(key: &'static str, value: &'static str, source: &'static str) -> Difference {
    Difference { key, value, source }
}

/// The presets.
pub const PRESETS: &[Preset] = &[
    Preset { name: "linux", about: "Linux 6.18 as it comes, the default", differences: &[] },
    Preset {
        name: "rfc9293",
        about: "what the RFCs say where Linux differs",
        differences: &[
            differs("reset_discards_received", "1", "RFC 9293 section 3.10.7.4: a RST flushes all segment queues"),
            differs("time_wait", "240", "RFC 9293 section 3.4.2: two segment lifetimes of 2 minutes"),
            differs("tcp_rto_min_us", "1000000", "RFC 6298 2.4: an RTO below 1 second is rounded up to it"),
            differs("tcp_syn_linear_timeouts", "0", "RFC 6298 5.5: each timeout doubles the next"),
            differs("tcp_syn_retries", "7", "RFC 9293 section 3.8.3: a SYN is tried for 3 minutes at least"),
            differs("tcp_congestion_control", "reno", "RFC 9293 section 3.8.2 asks for RFC 5681"),
            differs("tcp_early_retrans", "0", "RFC 8985, the tail-loss probe, is no part of RFC 9293"),
            differs("tcp_frto", "0", "RFC 5682, F-RTO, is no part of RFC 9293"),
            differs("tick", "0", "no RFC knows a kernel's tick"),
        ],
    },
    Preset {
        name: "freebsd",
        about: "FreeBSD up to 13, as far as its manual and header say it",
        differences: &[
            differs("tcp_keepalive_probes", "8", "FreeBSD tcp(4), keepcnt"),
            differs("tcp_congestion_control", "reno", "FreeBSD tcp(4): cc_newreno(4) is the default"),
            differs("tcp_rto_max_ms", "64000", "FreeBSD netinet/tcp_timer.h, TCPTV_REXMTMAX"),
            differs("tcp_retries2", "12", "FreeBSD netinet/tcp_timer.h, TCP_MAXRXTSHIFT"),
        ],
    },
    Preset {
        name: "windows",
        about: "Windows 2000 and Server 2003, as far as Microsoft documents the registry's defaults",
        differences: &[
            differs("tcp_retries2", "5", "Microsoft, Windows Server 2003, cc780586: TcpMaxDataRetransmissions"),
            differs("tcp_keepalive_probes", "5", "Microsoft, Windows Server 2003, cc780586: TcpMaxDataRetransmissions"),
            differs("tcp_keepalive_intvl", "1", "Microsoft, Windows 2000, cc957548: KeepAliveInterval"),
            differs("time_wait", "240", "Microsoft, Windows 2000, cc938217: TcpTimedWaitDelay"),
        ],
    },
];

impl Kernel {
    /// The names of the presets.
    pub const PRESETS: &[&str] = &["linux", "rfc9293", "freebsd", "windows"];

    /// The configuration of that name, if there is one.
    pub fn preset(name: &str) -> Option<Self> {
        let preset = PRESETS.iter().find(|preset| preset.name == name)?;
        let mut kernel = Self::default();
        for difference in preset.differences {
            kernel.set_sysctl(difference.key, difference.value).ok()?;
        }
        Some(kernel)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tcp::sysctl::KEYS;

    #[test]
    fn every_name_is_a_preset() {
        let names: Vec<_> = PRESETS.iter().map(|preset| preset.name).collect();
        assert_eq!(names, Kernel::PRESETS);
        assert_eq!(Kernel::preset("linux"), Some(Kernel::default()));
        assert_eq!(Kernel::preset("vms"), None);
    }

    #[test]
    fn a_preset_differs_in_what_it_lists_and_in_nothing_else() {
        for preset in PRESETS {
            let kernel = Kernel::preset(preset.name).expect("each value can be set");
            let differing: Vec<_> = KEYS
                .iter()
                .filter(|key| kernel.get(key.name) != Some(key.default_value()))
                .map(|key| key.name)
                .collect();
            let mut listed: Vec<_> = preset.differences.iter().map(|difference| difference.key).collect();
            listed.sort_by_key(|name| KEYS.iter().position(|key| key.name == *name));
            assert_eq!(differing, listed, "{}", preset.name);
        }
    }
}
