//! The conversation under test: how the numbers of a script and those on the wire belong together.

use farewell::net::segment::{Options, Segment, Seq};

use crate::script::{Packet, TcpOption};

/// The conversation whose packets the script talks about: ports, and how its numbers map to the wire's.
#[derive(Clone, Debug, Default)]
pub(crate) struct Flow {
    /// Port of the kernel under test; unknown until its SYN is seen.
    pub(crate) local_port: Option<u16>,
    /// Port of the peer.
    pub(crate) remote_port: u16,
    /// The kernel's initial sequence number on the wire, and in the script.
    pub(crate) local_isn: Option<(Seq, u32)>,
    /// The script's initial sequence number of the peer.
    pub(crate) remote_isn: u32,
    /// First timestamp the kernel sent: on the wire, and in the script.
    pub(crate) first_timestamp: Option<(u32, u32)>,
    /// Timestamps of packets that the script showed: script value, wire value.
    pub(crate) timestamps: Vec<(u32, u32)>,
}

/// Where the peer's numbers lie on the wire: near the end, so that they wrap round in the longer scripts.
pub(crate) const REMOTE_BASE: u32 = u32::MAX - 3_000;

impl Flow {
    /// A sequence number of the kernel, from the wire to the script.
    pub(crate) fn local_to_script(&self, seq: Seq, syn: bool) -> u32 {
        let (wire, script) = self.local_isn.unwrap_or((Seq(0), 0));
        seq.0.wrapping_sub(wire.0).wrapping_add(if syn { script } else { 0 })
    }

    /// A sequence number of the kernel, from the script to the wire.
    pub(crate) fn local_to_wire(&self, number: u32, syn: bool) -> Seq {
        let (wire, script) = self.local_isn.unwrap_or((Seq(0), 0));
        wire.plus(number.wrapping_sub(if syn { script } else { 0 }))
    }

    /// A sequence number of the peer, from the script to the wire.
    pub(crate) fn remote_to_wire(&self, number: u32, syn: bool) -> Seq {
        Seq(REMOTE_BASE).plus(number).plus(if syn { 0 } else { self.remote_isn })
    }

    /// A sequence number of the peer, from the wire to the script.
    pub(crate) fn remote_to_script(&self, seq: Seq, syn: bool) -> u32 {
        seq.0.wrapping_sub(REMOTE_BASE).wrapping_sub(if syn { 0 } else { self.remote_isn })
    }

    /// A timestamp of the kernel that the script lets the peer echo.
    pub(crate) fn echo_to_wire(&self, script: u32) -> Option<u32> {
        let exact = self.timestamps.iter().rev().find(|(shown, _)| *shown == script).map(|(_, wire)| *wire);
        exact.or_else(|| self.first_timestamp.map(|(wire, shown)| script.wrapping_sub(shown).wrapping_add(wire)))
    }

    /// The segment on the wire that the script's packet stands for.
    pub(crate) fn segment(&self, packet: &Packet) -> Result<Segment, String> {
        let Some(local_port) = self.local_port else {
            return Err("no conversation to which this packet could belong".to_owned());
        };
        let (source_port, destination_port) = packet.ports.unwrap_or((self.remote_port, local_port));
        let syn = packet.flags.syn;
        let mut options = Options::default();
        for option in packet.options.iter().flatten() {
            match option {
                TcpOption::Mss(mss) => options.mss = Some(*mss),
                TcpOption::WindowScale(shift) => options.window_scale = Some(*shift),
                TcpOption::SackPermitted => options.sack_permitted = true,
                TcpOption::Timestamps(value, echo) => {
                    let mapped = if packet.flags.ack { self.echo_to_wire(*echo) } else { Some(*echo) };
                    let missing = || format!("no timestamp was sent that `ecr {echo}` could echo");
                    options.timestamps = Some((*value, mapped.ok_or_else(missing)?));
                }
                TcpOption::Sack(blocks) => {
                    for (place, (left, right)) in options.sack.iter_mut().zip(blocks) {
                        *place = Some((self.local_to_wire(*left, syn), self.local_to_wire(*right, syn)));
                    }
                }
                TcpOption::Padding => {}
            }
        }
        let window = packet.window.ok_or("a packet that arrives needs a window (`win`)")?;
        let first = packet.seq.wrapping_sub(1);
        Ok(Segment {
            source_port,
            destination_port,
            seq: self.remote_to_wire(packet.seq, syn),
            ack: if packet.flags.ack { self.local_to_wire(packet.ack, syn) } else { Seq(0) },
            flags: packet.flags,
            window,
            options,
            payload: (0..packet.length).map(|i| pattern(first.wrapping_add(i))).collect(),
        })
    }
}

/// The byte that stands at this offset of any stream in a script; each offset differs from its neighbours.
pub(crate) fn pattern(offset: u32) -> u8 {
    (offset % 251).to_le_bytes()[0]
}
