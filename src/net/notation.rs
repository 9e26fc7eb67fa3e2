//! Segments as people write them: the notation of packetdrill and tcpdump with relative sequence numbers,
//! `P. 1:201(200) ack 1 win 502 <nop,nop,TS val 7 ecr 5>`.

use std::fmt;

use crate::id::Side;
use crate::net::segment::{Options, Segment, Seq};

/// The initial sequence numbers of both ends, learnt from their SYNs: numbers are shown relative to them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Origins([Seq; 2]);

impl Origins {
    /// Notes the initial sequence number that a SYN from this side carries; other segments teach nothing.
    pub fn learn(&mut self, from: Side, segment: &Segment) {
        if segment.flags.syn {
            self.0[from.index()] = segment.seq;
        }
    }

    /// The segment sent by this side, ready to be shown: `{}` in full, `{:#}` without timestamps and padding.
    pub fn show<'a>(&self, from: Side, segment: &'a Segment) -> Notation<'a> {
        segment.relative_to(self.0[from.index()], self.0[from.other().index()])
    }
}

/// A segment that shows itself with relative sequence numbers: `{}` in full, `{:#}` without timestamps and padding.
#[derive(Clone, Copy, Debug)]
pub struct Notation<'a> {
    segment: &'a Segment,
    seq_origin: Seq,
    ack_origin: Seq,
}

impl Segment {
    /// The segment, to be shown with sequence numbers counted from the sender's initial one and acknowledgements
    /// counted from the receiver's.
    pub const fn relative_to(&self, seq_origin: Seq, ack_origin: Seq) -> Notation<'_> {
        Notation { segment: self, seq_origin, ack_origin }
    }
}

impl fmt::Display for Notation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Segment { seq, ack, flags, window, options, payload, .. } = self.segment;
        let letters = [(flags.fin, 'F'), (flags.syn, 'S'), (flags.rst, 'R'), (flags.psh, 'P'), (flags.ack, '.')];
        for (set, letter) in letters {
            if set {
                write!(f, "{letter}")?;
            }
        }
        // A reset without acknowledgement for a segment that met no socket may carry 0 (RFC 9293 §3.10.7.1): that is no
        // place in the stream.
        let first = if flags.rst && seq.0 == 0 { 0 } else { seq.0.wrapping_sub(self.seq_origin.0) };
        #[expect(clippy::cast_possible_truncation, reason = "a payload is at most 64 KiB")]
        let end = first.wrapping_add(payload.len() as u32);
        let gap = if flags == &<_>::default() { "" } else { " " };
        write!(f, "{gap}{first}:{end}({})", payload.len())?;
        if flags.ack {
            write!(f, " ack {}", ack.0.wrapping_sub(self.ack_origin.0))?;
        }
        write!(f, " win {window}")?;
        self.write_options(f, options)
    }
}

impl Notation<'_> {
    /// In the order of the wire, see [`crate::net::wire`].
    fn write_options(&self, f: &mut fmt::Formatter<'_>, options: &Options) -> fmt::Result {
        let full = !f.alternate();
        let mut list = List { started: false };
        if let Some(mss) = options.mss {
            list.item(f, format_args!("mss {mss}"))?;
        }
        if full && options.timestamps.is_some() != options.sack_permitted {
            list.item(f, format_args!("nop,nop"))?;
        }
        if options.sack_permitted {
            list.item(f, format_args!("sackOK"))?;
        }
        if let Some((value, echo)) = options.timestamps.filter(|_| full) {
            list.item(f, format_args!("TS val {value} ecr {echo}"))?;
        }
        if let Some(shift) = options.window_scale {
            let padding = if full { "nop," } else { "" };
            list.item(f, format_args!("{padding}wscale {shift}"))?;
        }
        for (index, (left, right)) in options.sack.iter().flatten().enumerate() {
            let [left, right] = [left, right].map(|edge| edge.0.wrapping_sub(self.ack_origin.0));
            match (index, full) {
                (0, true) => list.item(f, format_args!("nop,nop,sack {left}:{right}"))?,
                (0, false) => list.item(f, format_args!("sack {left}:{right}"))?,
                _ => write!(f, " {left}:{right}")?,
            }
        }
        list.end(f)
    }
}

/// A list in angle brackets that is not there when it is empty.
struct List {
    started: bool,
}

impl List {
    fn item(&mut self, f: &mut fmt::Formatter<'_>, item: fmt::Arguments<'_>) -> fmt::Result {
        f.write_str(if self.started { "," } else { " <" })?;
        self.started = true;
        f.write_fmt(item)
    }

    fn end(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.started { ">" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::segment::Flags;

    fn segment(flags: &str, seq: u32, ack: u32, payload: usize) -> Segment {
        let has = |letter| flags.contains(letter);
        Segment {
            seq: Seq(seq),
            ack: Seq(ack),
            flags: Flags { syn: has('S'), fin: has('F'), rst: has('R'), psh: has('P'), ack: has('.') },
            window: 502,
            payload: vec![b'x'; payload],
            ..Segment::default()
        }
    }

    #[test]
    fn a_connection_reads_as_in_packetdrill() {
        let mut origins = Origins::default();
        let mut syn = segment("S", u32::MAX, 0, 0);
        syn.options = Options {
            mss: Some(1460),
            window_scale: Some(7),
            sack_permitted: true,
            timestamps: Some((1, 0)),
            ..Options::default()
        };
        origins.learn(Side::Client, &syn);
        let shown = origins.show(Side::Client, &syn);
        assert_eq!(shown.to_string(), "S 0:0(0) win 502 <mss 1460,sackOK,TS val 1 ecr 0,nop,wscale 7>");
        assert_eq!(format!("{shown:#}"), "S 0:0(0) win 502 <mss 1460,sackOK,wscale 7>");

        let syn_ack = segment("S.", 5_000, 0, 0);
        origins.learn(Side::Server, &syn_ack);
        assert_eq!(origins.show(Side::Server, &syn_ack).to_string(), "S. 0:0(0) ack 1 win 502");

        // The client's numbers wrap around right after its SYN.
        let mut data = segment("P.", 0, 5_001, 200);
        assert_eq!(origins.show(Side::Client, &data).to_string(), "P. 1:201(200) ack 1 win 502");
        data.options.timestamps = Some((7, 5));
        data.options.sack[0] = Some((Seq(5_101), Seq(5_201)));
        data.options.sack[1] = Some((Seq(5_301), Seq(5_401)));
        let shown = origins.show(Side::Client, &data);
        assert_eq!(
            shown.to_string(),
            "P. 1:201(200) ack 1 win 502 <nop,nop,TS val 7 ecr 5,nop,nop,sack 101:201 301:401>"
        );
        assert_eq!(format!("{shown:#}"), "P. 1:201(200) ack 1 win 502 <sack 101:201 301:401>");

        assert_eq!(origins.show(Side::Server, &segment("F.", 5_001, 0, 0)).to_string(), "F. 1:1(0) ack 1 win 502");
        assert_eq!(origins.show(Side::Server, &segment("R", 0, 0, 0)).to_string(), "R 0:0(0) win 502");
        assert_eq!(origins.show(Side::Server, &segment("", 5_001, 0, 1)).to_string(), "1:2(1) win 502");
    }

    #[test]
    fn sack_permitted_alone_is_padded() {
        let mut syn = segment("S", 0, 0, 0);
        syn.options.sack_permitted = true;
        assert_eq!(syn.relative_to(Seq(0), Seq(0)).to_string(), "S 0:0(0) win 502 <nop,nop,sackOK>");
    }
}
