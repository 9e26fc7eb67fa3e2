//! What leaves a party besides bytes: system calls that it wants, and facts for the ledger.

use crate::time::SimTime;
use crate::xmpp::legacy::Origin;
use crate::xmpp::reader::ReadError;
use crate::xmpp::stanza::Item;

/// What a party wants of its kernel, besides sending and receiving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syscall {
    /// `shutdown(SHUT_WR)`.
    ShutdownWrite,
    /// `close()`.
    Close,
    /// `SO_LINGER` 0 and `close()`.
    Abort,
    /// The machine is switched off.
    PowerOff,
}

/// How a closing ended for the closer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The other side's tag came.
    Clean,
    /// It did not come in time.
    Timeout,
    /// End of file came instead.
    PeerFin,
    /// A reset (or another socket error) came instead.
    PeerReset,
    /// Something came that is not XML, or not allowed in a stream.
    BadXml,
    /// The closer did not wait.
    Closed,
}

/// What happened, for the ledger. Only messages are stanzas here: negotiation and pings are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// This side of the stream is up: traffic begins.
    Up,
    /// The kernel took a stanza's first byte.
    Sent {
        /// Its number in its direction, from 0.
        stanza: u32,
        /// Its size in bytes.
        size: u32,
        /// Offset in this side's stream just after its last byte.
        end: u64,
    },
    /// A stanza that is written now would have been written then, had there been a stream: it waited for this one.
    Late {
        /// Its number in its direction.
        stanza: u32,
        /// When it would have been written, or was held back.
        written: SimTime,
    },
    /// A stanza that is written now was written before, on an earlier stream, and nobody acknowledged it.
    Again {
        /// Its number in its direction.
        stanza: u32,
        /// What it was there.
        of: Origin,
    },
    /// So many stanzas were held back: nothing of them was written, the stream is closing.
    Deferred(u32),
    /// A stanza was read whole and processed.
    Delivered {
        /// Its number in its direction.
        stanza: u32,
    },
    /// A stanza was read whole after the application had stopped processing.
    Unprocessed {
        /// Its number in its direction.
        stanza: u32,
    },
    /// The closer decided.
    Decided,
    /// This application knows that the stream is over: it has read the tag, end of file or a reset.
    Noticed,
    /// The closer let go of its socket.
    Released(Outcome),
    /// Something came that cannot come while both sides are ours: an error of the simulator.
    Disorder(Disorder),
}

/// An error of the simulator, seen by the side that reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disorder {
    /// A stanza out of order.
    Number {
        /// The number that was next.
        expected: u32,
        /// The number that it bears.
        found: Option<u32>,
    },
    /// An element that nobody writes at this point.
    Unexpected(Item),
    /// Bytes that cannot be read, from a side that writes none such.
    Unreadable(ReadError),
}
