//! Packets as a capture file that Wireshark and tshark open without an option.
//!
//! The tap is at the server's network interface: what the server sends is seen when it leaves, lost on the way or
//! not; what the client sends is seen when it arrives, if it arrives, and twice if the link doubled it. So every
//! complaint of a dissector (a retransmission, a segment not captured) has its reason in the simulated loss.
//!
//! The file is a classic pcap: little-endian, microseconds since the start of the run, raw IPv4 (link type 101). Headers
//! have both checksums, DF is set, TTL is 64 (the network is one hop), and the identification of a packet is its
//! number on its link, so that gaps in it are packets that were lost, and a copy has that of its packet.

use std::io::Write;
use std::time::Duration;

use etherparse::{IpNumber, Ipv4Header, TcpSlice};
use pcap_file::pcap::{PcapHeader, PcapPacket, PcapWriter};
use pcap_file::{DataLink, Endianness, PcapError, TsResolution};
use thiserror::Error;

use crate::id::Side;
use crate::net::packet::Packet;
use crate::net::segment::IPV4_HEADER;
use crate::time::SimTime;

/// Where the checksum stands in a TCP header.
const TCP_CHECKSUM: std::ops::Range<usize> = 16..18;
const TTL: u8 = 64;

/// A packet as the tap saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Captured {
    /// When it passed the tap.
    pub at: SimTime,
    /// The packet.
    pub packet: Packet,
}

impl Captured {
    /// A packet that `sender` sent, as a tap at the server's interface sees it: at its departure if the server sent it,
    /// otherwise at its arrival. Packets of the client that were lost never come by there: leave them out.
    pub const fn at_server(sender: Side, packet: Packet) -> Self {
        let at = match sender {
            Side::Client => packet.arrival,
            Side::Server => packet.departure,
        };
        Self { at, packet }
    }
}

/// Why a capture could not be written.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// Nothing can be written to the destination.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A packet does not fit the format.
    #[error("the packet at {at} s does not fit a capture: {what}")]
    Packet {
        /// When the tap saw it.
        at: SimTime,
        /// What does not fit.
        what: String,
    },
}

/// Writes a capture of these packets in the order of time; those of the same microsecond stay in the order given.
///
/// # Errors
/// If `out` fails, or a packet is too long for IPv4 (65,535 bytes) or too late for the format (4,294,967,295 s).
pub fn write<W: Write>(mut out: W, packets: &[Captured]) -> Result<(), CaptureError> {
    let header = PcapHeader {
        datalink: DataLink::RAW,
        endianness: Endianness::Little,
        ts_resolution: TsResolution::MicroSecond,
        ..PcapHeader::default()
    };
    let mut writer = PcapWriter::with_header(&mut out, header).map_err(|error| failure(SimTime::ZERO, error))?;
    let mut in_order: Vec<&Captured> = packets.iter().collect();
    in_order.sort_by_key(|captured| captured.at);
    let mut bytes = Vec::new();
    for Captured { at, packet } in in_order {
        bytes.clear();
        datagram(packet, &mut bytes).map_err(|what| CaptureError::Packet { at: *at, what })?;
        #[expect(clippy::cast_possible_truncation, reason = "an IPv4 packet has at most 65535 bytes")]
        let record = PcapPacket::new(Duration::from_micros(at.as_micros()), bytes.len() as u32, &bytes);
        writer.write_packet(&record).map_err(|error| failure(*at, error))?;
    }
    out.flush()?;
    Ok(())
}

fn failure(at: SimTime, error: PcapError) -> CaptureError {
    if let PcapError::IoError(error) = error {
        CaptureError::Io(error)
    } else {
        CaptureError::Packet { at, what: error.to_string() }
    }
}

/// Appends the packet as it would stand on a real wire: IPv4 header (RFC 791), TCP header and payload, with checksums.
fn datagram(packet: &Packet, out: &mut Vec<u8>) -> Result<(), String> {
    let (source, destination) = (packet.source.octets(), packet.destination.octets());
    let mut tcp = Vec::new();
    packet.segment.encode(&mut tcp);
    let checksum = TcpSlice::from_slice(&tcp)
        .map_err(|error| error.to_string())?
        .calc_checksum_ipv4(source, destination)
        .map_err(|error| error.to_string())?;
    tcp[TCP_CHECKSUM].copy_from_slice(&checksum.to_be_bytes());

    let length = u16::try_from(tcp.len()).map_err(|error| format!("{} bytes of TCP: {error}", tcp.len()))?;
    let mut ip = Ipv4Header::new(length, TTL, IpNumber::TCP, source, destination).map_err(|error| error.to_string())?;
    ip.dont_fragment = true;
    let [_, _, high, low] = packet.number.to_be_bytes();
    ip.identification = u16::from_be_bytes([high, low]);
    ip.header_checksum = ip.calc_header_checksum();
    out.reserve(IPV4_HEADER + tcp.len());
    out.extend_from_slice(&ip.to_bytes());
    out.extend_from_slice(&tcp);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{NodeId, StreamId};
    use crate::net::addr::{CLIENT_TO_SERVER, client_ip, client_port, server_ip};
    use crate::net::segment::{Flags, Options, Segment, Seq};
    use etherparse::{NetSlice, SlicedPacket, TransportSlice};
    use std::process::Command;

    const STREAM: StreamId = StreamId(300);
    const DELAY: u64 = 20_000;

    /// A dialogue of one stream, written down segment by segment as each side sends them.
    #[derive(Default)]
    struct Dialogue {
        captured: Vec<Captured>,
        next: [u32; 2],
        numbers: [u32; 2],
    }

    impl Dialogue {
        fn says(&mut self, at_us: u64, from: Side, flags: &str, text: &str) -> &mut Self {
            self.packet(at_us, from, flags, text, true)
        }

        fn says_in_vain(&mut self, at_us: u64, from: Side, flags: &str, text: &str) -> &mut Self {
            self.packet(at_us, from, flags, text, false)
        }

        fn packet(&mut self, at_us: u64, from: Side, flags: &str, text: &str, arrives: bool) -> &mut Self {
            let (me, other) = (from.index(), from.other().index());
            let has = |letter| flags.contains(letter);
            let (client, server) = (client_port(STREAM), CLIENT_TO_SERVER);
            let (source_port, destination_port) =
                if from == Side::Client { (client, server) } else { (server, client) };
            let mut options = Options { timestamps: Some((1, 2)), ..Options::default() };
            if has('S') {
                options = Options { mss: Some(1460), window_scale: Some(7), sack_permitted: true, ..options };
            }
            let segment = Segment {
                source_port,
                destination_port,
                seq: Seq(self.next[me]),
                ack: Seq(if has('.') { self.next[other] } else { 0 }),
                flags: Flags { syn: has('S'), fin: has('F'), rst: has('R'), psh: has('P'), ack: has('.') },
                window: 64_240,
                options,
                payload: text.as_bytes().to_vec(),
            };
            if arrives {
                self.next[me] = self.next[me].wrapping_add(segment.sequence_length());
            }
            let (client, server) = (client_ip(STREAM), server_ip(NodeId(0)));
            let (source, destination) = if from == Side::Client { (client, server) } else { (server, client) };
            let departure = SimTime::from_micros(at_us);
            let arrival = SimTime::from_micros(at_us + DELAY);
            let number = self.numbers[me];
            self.numbers[me] += 1;
            if arrives || from == Side::Server {
                let packet = Packet { source, destination, departure, arrival, number, segment };
                self.captured.push(Captured::at_server(from, packet));
            }
            self
        }
    }

    /// A whole life of a stream: three-way handshake, headers, a stanza, a server's packet lost and sent again, tags, FINs.
    fn life() -> Vec<Captured> {
        use Side::{Client, Server};
        let open = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' \
            xmlns:stream='http://etherx.jabber.org/streams' to='example.org' version='1.0'>";
        let answer = "<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='1' \
            xmlns:stream='http://etherx.jabber.org/streams' from='example.org' version='1.0'><stream:features/>";
        let message = "<message to='a@example.org'><body>hello</body></message>";
        let mut dialogue = Dialogue { next: [u32::MAX - 20, 7], ..Dialogue::default() };
        dialogue
            .says(0, Client, "S", "")
            .says(20_000, Server, "S.", "")
            .says(40_000, Client, ".", "")
            .says(40_000, Client, "P.", open)
            .says(60_000, Server, "P.", answer)
            .says(80_000, Client, "P.", message)
            .says(100_000, Server, ".", "")
            .says_in_vain(500_000, Server, "P.", message)
            .says(800_000, Server, "P.", message)
            .says(820_000, Client, ".", "")
            .says(1_000_000, Server, "P.", "</stream:stream>")
            .says(1_020_000, Client, "P.", "</stream:stream>")
            .says(1_020_000, Client, "F.", "")
            .says(1_040_000, Server, "F.", "")
            .says(1_060_000, Client, ".", "");
        std::mem::take(&mut dialogue.captured)
    }

    fn file(packets: &[Captured]) -> Vec<u8> {
        let mut bytes = Vec::new();
        write(&mut bytes, packets).unwrap();
        bytes
    }

    #[test]
    fn the_file_begins_as_every_reader_knows_it() {
        let bytes = file(&[]);
        assert_eq!(bytes.len(), 24);
        assert_eq!(bytes[..8], [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0]);
        assert_eq!(bytes[20..], [101, 0, 0, 0]);
    }

    #[test]
    fn headers_are_those_of_a_real_wire() {
        let life = life();
        let mut bytes = Vec::new();
        datagram(&life[3].packet, &mut bytes).unwrap();
        assert_eq!(bytes.len(), life[3].packet.segment.wire_length() as usize);
        let sliced = SlicedPacket::from_ip(&bytes).unwrap();
        let (Some(NetSlice::Ipv4(ip)), Some(TransportSlice::Tcp(tcp))) = (sliced.net, sliced.transport) else {
            panic!("not TCP over IPv4");
        };
        assert_eq!(ip.header().header_checksum(), ip.header().to_header().calc_header_checksum());
        assert_eq!(tcp.checksum(), tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination()).unwrap());
        assert!(ip.header().dont_fragment());
        assert_eq!((ip.header().ttl(), ip.header().identification()), (64, 2));
        assert_eq!((ip.header().source_addr(), tcp.destination_port()), (client_ip(STREAM), 5222));
        // The sum of all words of a right header is all ones (RFC 1071), counted here without the library.
        let sum: u32 = bytes[..20].chunks(2).map(|word| u32::from(u16::from_be_bytes([word[0], word[1]]))).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
    }

    #[test]
    fn packets_stand_in_the_order_in_which_the_tap_saw_them() {
        let mut packets = life();
        packets.reverse();
        let at: Vec<u64> = {
            let mut seen: Vec<u64> = packets.iter().map(|captured| captured.at.as_micros()).collect();
            seen.sort_unstable();
            seen
        };
        let bytes = file(&packets);
        let mut reader = pcap_file::pcap::PcapReader::new(&bytes[..]).unwrap();
        let mut read = Vec::new();
        while let Some(record) = reader.next_packet() {
            read.push(record.unwrap().timestamp.as_micros());
        }
        assert_eq!(read, at.into_iter().map(u128::from).collect::<Vec<_>>());
    }

    #[test]
    fn a_packet_that_no_capture_can_hold_is_named() {
        let mut packets = life();
        packets[3].packet.segment.payload = vec![b'x'; 65_536];
        let error = write(Vec::new(), &packets).unwrap_err().to_string();
        assert!(error.starts_with("the packet at 0.060000 s does not fit a capture: "), "{error}");
        packets[3].packet.segment.payload.clear();
        packets[3].at = SimTime::MAX;
        let error = write(Vec::new(), &packets).unwrap_err().to_string();
        assert!(error.starts_with("the packet at 18446744073709.551615 s does not fit"), "{error}");
    }

    #[test]
    fn a_destination_that_fails_is_an_error() {
        let error = write(&mut [0_u8; 30][..], &life()).unwrap_err();
        assert!(matches!(error, CaptureError::Io(_)), "{error}");
    }

    /// One line a packet, the given fields separated by `;`; `None` if there is no tshark.
    fn tshark(packets: &[Captured], fields: &[&str]) -> Option<Vec<String>> {
        let file_on_disk = tempfile::NamedTempFile::new().unwrap();
        write(file_on_disk.as_file(), packets).unwrap();
        let mut command = Command::new("tshark");
        command.arg("-r").arg(file_on_disk.path()).args(["-T", "fields", "-E", "separator=;"]);
        // Checksums are looked at only if asked for; everything else is as tshark comes.
        command.args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE"]);
        for field in fields {
            command.args(["-e", field]);
        }
        match command.output() {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                eprintln!("SKIPPED: tshark is not installed, no capture was dissected");
                None
            }
            Err(error) => panic!("{error}"),
            Ok(output) => {
                assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
                Some(String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect())
            }
        }
    }

    #[test]
    fn tshark_finds_right_checksums_and_xmpp() {
        let fields = ["frame.time_relative", "ip.checksum.status", "tcp.checksum.status", "_ws.col.Protocol"];
        let Some(lines) = tshark(&life(), &fields) else { return };
        assert_eq!(lines.len(), 15);
        assert_eq!(lines[0], "0.000000000;1;1;TCP");
        assert!(lines.iter().all(|line| line.contains(";1;1;")), "{lines:#?}");
        // Two stream headers, two stanzas, two tags; the stanza sent again was dissected the first time.
        assert_eq!(lines.iter().filter(|line| line.contains("XMPP")).count(), 6, "{lines:#?}");
    }

    #[test]
    fn tshark_complains_only_of_what_the_loss_explains() {
        let Some(lines) =
            tshark(&life(), &["frame.time_relative", "tcp.analysis.flags", "tcp.analysis.retransmission"])
        else {
            return;
        };
        let complaints: Vec<&String> = lines.iter().filter(|line| line.contains(";1")).collect();
        assert_eq!(complaints, ["0.780000000;1;1"], "{lines:#?}");
    }
}
