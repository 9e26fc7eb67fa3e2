//! The workload of `simulations/benchmark.toml` in turmoil's own TCP, as anyone would write it: a task for each client and
//! one for each connection of the server, reading and writing as many bytes as XMPP would need.
//!
//! `cargo bench --bench plain_turmoil -- 10000` runs 10,000 clients and prints the processor time a client.
//!
//! Nothing here is a simulation of closing streams: no byte is parsed, no packet is lost, and turmoil's TCP knows neither
//! windows nor retransmission. It is the yardstick for what farewell costs.
#![expect(clippy::disallowed_types, reason = "turmoil's TCP is what is measured")]
#![expect(clippy::disallowed_methods, reason = "tokio's sleep waits in turmoil's time here")]
#![expect(clippy::print_stdout, reason = "a program that prints one line")]

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use mimalloc::MiMalloc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::interval;
use turmoil::net::{TcpListener, TcpStream};

/// As farewell has it.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const PORT: u16 = 5_222;
const LATENCY: Duration = Duration::from_millis(20);

/// The clients open within this.
const ARRIVALS: Duration = Duration::from_secs(5);

/// Bytes of the client and of the server in each round trip until the stream is up: headers, SASL, restart, bind.
const NEGOTIATION: [(usize, usize); 4] = [(155, 304), (116, 51), (155, 258), (110, 126)];

/// Bytes of a message and of its answer, how many there are and how far apart.
const MESSAGE: (usize, usize) = (200, 100);
const MESSAGES: usize = 10;
const PERIOD: Duration = Duration::from_millis(500);

/// Bytes of `</stream:stream>`.
const CLOSE_TAG: usize = 16;

/// Clients of one turmoil host, which has 16,384 ports for them.
const CLIENTS_A_HOST: u32 = 10_000;

fn main() -> turmoil::Result {
    // Cargo adds an argument of its own (`--bench`).
    let clients = std::env::args().find_map(|argument| argument.parse().ok()).unwrap_or(1_000);
    simulate(clients)?;
    match processor_time() {
        Some(time) => println!("{clients} clients, {} us a client", time.as_micros() / u128::from(clients.max(1))),
        None => println!("{clients} clients; this system does not say how much processor time that took"),
    }
    Ok(())
}

fn simulate(clients: u32) -> turmoil::Result {
    let mut sim = turmoil::Builder::new()
        .simulation_duration(Duration::from_secs(30))
        .min_message_latency(LATENCY)
        .max_message_latency(LATENCY)
        .rng_seed(1)
        .build();
    sim.host("server", serve);
    for first in (0..clients).step_by(CLIENTS_A_HOST as usize) {
        let here = first..clients.min(first + CLIENTS_A_HOST);
        sim.client(format!("clients-from-{first}"), async move {
            let mut tasks = JoinSet::new();
            for client in here {
                tasks.spawn(run_client(ARRIVALS * client / clients));
            }
            while let Some(done) = tasks.join_next().await {
                done??;
            }
            Ok(())
        });
    }
    sim.run()
}

async fn run_client(opens: Duration) -> io::Result<()> {
    tokio::time::sleep(opens).await;
    let mut stream = TcpStream::connect(("server", PORT)).await?;
    for (ask, answer) in NEGOTIATION {
        exchange(&mut stream, ask, answer).await?;
    }
    let mut clock = interval(PERIOD);
    clock.tick().await;
    for _ in 0..MESSAGES {
        clock.tick().await;
        exchange(&mut stream, MESSAGE.0, MESSAGE.1).await?;
    }
    clock.tick().await;
    exchange(&mut stream, CLOSE_TAG, CLOSE_TAG).await
}

/// Writes some bytes and reads the answer.
async fn exchange(stream: &mut TcpStream, ask: usize, answer: usize) -> io::Result<()> {
    stream.write_all(&[b'x'; 1_000][..ask]).await?;
    read(stream, answer).await
}

async fn read(stream: &mut TcpStream, bytes: usize) -> io::Result<()> {
    stream.read_exact(&mut [0; 1_000][..bytes]).await.map(drop)
}

async fn serve() -> turmoil::Result {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, PORT)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(serve_client(stream));
    }
}

async fn serve_client(mut stream: TcpStream) -> io::Result<()> {
    let messages = std::iter::repeat_n(MESSAGE, MESSAGES);
    for (ask, answer) in NEGOTIATION.into_iter().chain(messages).chain([(CLOSE_TAG, CLOSE_TAG)]) {
        read(&mut stream, ask).await?;
        stream.write_all(&[b'y'; 1_000][..answer]).await?;
    }
    // The client closes first.
    let rest = stream.read(&mut [0]).await?;
    assert_eq!(rest, 0, "a client writes nothing after its close tag");
    Ok(())
}

/// Time that the only thread has spent on a processor so far, where the kernel counts it (Linux).
fn processor_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/self/schedstat").ok()?;
    text.split_whitespace().next()?.parse().ok().map(Duration::from_nanos)
}
