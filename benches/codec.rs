//! Stanzas and bytes a second of reading and writing stanzas of 200 bytes, allocations, and memory of a reader at rest.
//!
//! `cargo bench --bench codec`; divan prints the time of a batch of one hundred stanzas, and stanzas and bytes a second.

use divan::counter::{BytesCount, ItemsCount};
use divan::{AllocProfiler, Bencher, black_box};
use farewell::id::Side;
use farewell::xmpp::config::{MAX_STANZA, StreamKind};
use farewell::xmpp::observer::CloseTagObserver;
use farewell::xmpp::reader::Reader;
use farewell::xmpp::writer::StreamWriter;

#[global_allocator]
static ALLOCATIONS: AllocProfiler = AllocProfiler::system();

/// Stanzas in a batch.
const BATCH: u32 = 100;

/// Bytes of a stanza.
const SIZE: u32 = 200;

fn main() {
    divan::main();
}

/// A reader behind its header, and a batch of stanzas for it.
fn stream() -> (Reader, Vec<u8>) {
    let mut bytes = Vec::new();
    let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut bytes);
    let mut reader = Reader::new(MAX_STANZA);
    drain(&mut reader, &bytes);
    bytes.clear();
    (0..BATCH).for_each(|number| writer.message(number, SIZE, &mut bytes));
    (reader, bytes)
}

fn drain(reader: &mut Reader, mut chunk: &[u8]) {
    while let Some(item) = reader.next(&mut chunk).expect("the writer writes what the reader reads") {
        black_box(item);
    }
}

/// Stanzas read, in chunks of so many bytes: byte by byte, a stanza a chunk, a segment a chunk, all in one chunk.
#[divan::bench(args = [1, 64, 200, 1448, 20_000])]
fn read(bencher: Bencher<'_, '_>, chunk: usize) {
    let (mut reader, bytes) = stream();
    bencher.counter(ItemsCount::new(BATCH)).counter(BytesCount::new(BATCH * SIZE)).bench_local(|| {
        bytes.chunks(chunk).for_each(|chunk| drain(&mut reader, chunk));
    });
}

/// Stanzas written.
#[divan::bench]
fn write(bencher: Bencher<'_, '_>) {
    let mut out = Vec::new();
    let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut out);
    out.reserve((BATCH * SIZE) as usize);
    bencher.counter(ItemsCount::new(BATCH)).counter(BytesCount::new(BATCH * SIZE)).bench_local(|| {
        out.clear();
        (0..BATCH).for_each(|number| writer.message(black_box(number), SIZE, &mut out));
    });
}

/// Stanzas seen by the observer of the close tag.
#[divan::bench]
fn observe(bencher: Bencher<'_, '_>) {
    let (_, bytes) = stream();
    let mut observer = CloseTagObserver::new();
    bencher
        .counter(ItemsCount::new(BATCH))
        .counter(BytesCount::new(BATCH * SIZE))
        .bench_local(|| observer.observe(black_box(&bytes)));
}

/// A reader that has read its header and one stanza: what stays allocated is what it costs at rest, itself included.
#[divan::bench]
fn at_rest(bencher: Bencher<'_, '_>) {
    let mut header = Vec::new();
    let writer = StreamWriter::open(StreamKind::ClientToServer, Side::Client, &mut header);
    writer.message(1, SIZE, &mut header);
    bencher.bench_local(|| {
        let mut reader = Box::new(Reader::new(MAX_STANZA));
        drain(&mut reader, &header);
        reader
    });
}
