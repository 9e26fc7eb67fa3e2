//! Scripts that must fail, each with the complaint it must get: a runner that passes everything proves nothing.

use libtest_mimic::{Failed, Trial};

use crate::play;

/// A server with an accepted connection, descriptor 4. Nine lines.
const ACCEPTED: &str = "0 socket(..., SOCK_STREAM, IPPROTO_TCP) = 3
+0 bind(3, ..., ...) = 0
+0 listen(3, 8) = 0
+0 < S 0:0(0) win 32792 <mss 1000>
+0 > S. 0:0(0) ack 1 <...>
+.02 < . 1:1(0) ack 1 win 32792
+0 accept(3, ..., ...) = 4
+0 write(4, ..., 100) = 100
+0 > P. 1:101(100) ack 1
";

/// Name, whether it goes on from [`ACCEPTED`], text, line of the complaint, and a part of it.
const MISTAKES: &[(&str, bool, &str, usize, &str)] = &[
    ("an empty script", false, "// only a comment", 1, "no event"),
    ("an unknown system call", false, "0 mmap(3) = 0", 1, "system call mmap is not supported"),
    ("an unknown TCP option", false, "0 < S 0:0(0) win 1 <FO aabb>", 1, "TCP option `FO` is not supported"),
    ("an unknown flag", false, "0 < SX 0:0(0) win 1", 1, "unknown flag or packet kind `X`"),
    ("an ECN flag", false, "0 < SEW 0:0(0) win 1", 1, "flag `E` in `SEW`: ECN is not supported"),
    ("an ECN field", false, "0 > [ect0] P. 1:2(1) ack 1", 1, "such as [ect0], are not supported"),
    ("urgent data", false, "0 < U. 1:2(1) ack 1 win 1", 1, "urgent data is not supported"),
    ("a UDP packet", false, "0 < udp (100)", 1, "packets of kind `udp` are not supported"),
    ("an ICMP packet", false, "0 < icmp unreachable [0:0(0)]", 1, "packets of kind `icmp` are not supported"),
    ("a call of a structure", true, "+0 sendmsg(4, {msg_iov(1)=[{..., 1}]}, 0) = 1", 10, "system call sendmsg is not"),
    (
        "another congestion signal than the model has",
        false,
        "+0 `sysctl -q net.ipv4.tcp_ecn=1`",
        1,
        "can only do 0 or 2",
    ),
    (
        "any options on an arriving packet",
        false,
        "0 < S 0:0(0) win 1 <...>",
        1,
        "can only stand on a packet that is sent",
    ),
    ("lengths that do not add up", false, "0 < P. 1:100(100) ack 1 win 1", 1, "1:100 is not 100 bytes long"),
    ("a range that runs backwards", false, "+.2~+.1 > S 0:0(0)", 1, "runs backwards"),
    ("a range on a call", false, "0~1 close(3) = 0", 1, "only a packet that is sent can have"),
    ("an unknown command", false, "+0 `tc qdisc show`", 1, "the command `tc` is not supported"),
    ("an unknown sysctl", false, "+0 `sysctl -q net.ipv4.tcp_nonsense=1`", 1, "tcp_nonsense"),
    ("a comment that never ends", false, "0 /* socket", 1, "never ends"),
    ("a descriptor that is not open", false, "0 close(7) = 0", 1, "descriptor 7 is not open"),
    (
        "an unknown socket option",
        true,
        "+0 setsockopt(4, SOL_SOCKET, SO_MARK, [1], 4) = 0",
        10,
        "SO_MARK of SOL_SOCKET is not supported",
    ),
    ("an unknown message flag", true, "+0 send(4, ..., 1, MSG_OOB) = 1", 10, "message flag MSG_OOB is not supported"),
    ("an unknown name in code", true, "+0 %{ assert tcpi_nonsense == 1 }%", 10, "`tcpi_nonsense` is not known"),
    ("code that is not an assertion", true, "+0 %{ print(1) }%", 10, "code can only `assert`"),
    (
        "a false assertion about the window",
        true,
        "+0 %{ assert tcpi_snd_cwnd == 9, 'it is %d' % tcpi_snd_cwnd }%",
        10,
        "assertion failed: tcpi_snd_cwnd == 9 (with tcpi_snd_cwnd = 10)",
    ),
    (
        "a fact that the model does not keep",
        true,
        "+0 %{ assert tcpi_pacing_rate > 0 }%",
        10,
        "`tcpi_pacing_rate` is not",
    ),
    (
        "a second assertion that is false",
        true,
        "+0 %{\nassert tcpi_unacked == 1 # so far\nassert tcpi_lost | tcpi_sacked == 1, \"it is\"\n}%",
        10,
        "assertion failed: tcpi_lost | tcpi_sacked == 1",
    ),
    (
        "a readiness that is not there",
        true,
        "+0 poll([{fd=4, events=POLLIN|POLLOUT, revents=POLLIN}], 1, 0) = 1",
        10,
        "poll finds POLLOUT for descriptor 4, not POLLIN",
    ),
    (
        "an option that has another value",
        true,
        "+0 getsockopt(4, SOL_TCP, TCP_KEEPCNT, [3], [4]) = 0",
        10,
        "TCP_KEEPCNT is 9, not 3",
    ),
    (
        "a value that Linux refuses",
        true,
        "+0 setsockopt(4, SOL_TCP, TCP_KEEPCNT, [200], 4) = 0",
        10,
        "setsockopt returned -1 EINVAL, not 0",
    ),
    (
        "a false assertion",
        true,
        "+0 %{ assert tcpi_state == TCP_CLOSE }%",
        10,
        "assertion failed: tcpi_state == TCP_CLOSE",
    ),
    ("a wrong result", true, "+0 write(4, ..., 100) = 99", 10, "write returned 100, not 99"),
    (
        "a wrong errno",
        true,
        "+0 shutdown(4, SHUT_WR) = 0\n+0 write(4, ..., 1) = -1 ECONNRESET",
        11,
        "-1 EPIPE, not -1 ECONNRESET",
    ),
    (
        "a packet that never comes",
        true,
        "+0 < . 1:1(0) ack 101 win 32792\n+0 > . 101:101(0) ack 1",
        11,
        "nothing was sent until",
    ),
    (
        "a packet too early",
        true,
        "+0 < . 1:1(0) ack 101 win 32792\n+.5 write(4, ..., 1) = 1\n+.5 > P. 101:102(1) ack 1",
        12,
        "it was to be sent between",
    ),
    ("a packet too late", true, "+0 > P. 1:101(100) ack 1", 10, "it was to be sent between"),
    (
        "an unexpected packet before the expected one",
        true,
        "+1 close(4) = 0\n+0 > F. 101:101(0) ack 1",
        11,
        "sent `P. 1:101(100) ack 1",
    ),
    (
        "a wrong length",
        true,
        "+0 < . 1:1(0) ack 101 win 32792\n+0 write(4, ..., 9) = 9\n+0 > P. 101:108(7) ack 1",
        12,
        "payload length is 9, not 7",
    ),
    (
        "a wrong window",
        true,
        "+0 < . 1:1(0) ack 101 win 32792\n+0 write(4, ..., 9) = 9\n+0 > P. 101:110(9) ack 1 win 7",
        12,
        "window is",
    ),
    (
        "missing options",
        true,
        "+0 < . 1:1(0) ack 101 win 32792\n+0 close(4) = 0\n+0 > F. 101:101(0) ack 1 <nop,nop,sack 1:2>",
        12,
        "options are none, not",
    ),
    (
        "a call that blocks for ever",
        true,
        "+0 < . 1:1(0) ack 101 win 32792\n+0 read(4, ..., 100) = 1",
        11,
        "read blocks for ever",
    ),
    (
        "a blocked call that comes back too late",
        true,
        "+0...0.1 read(4, ..., 100) = 1\n+0 < . 1:1(0) ack 101 win 32792\n+.5 < P. 1:2(1) ack 101 win 32792",
        10,
        "read was to return at",
    ),
];

/// One test for each mistake.
pub(crate) fn trials() -> Vec<Trial> {
    let trials = MISTAKES.iter().map(|(name, accepted, text, line, complaint)| {
        Trial::test(format!("complains about {name}"), move || {
            let script = if *accepted { format!("{ACCEPTED}{text}\n") } else { format!("{text}\n") };
            match play(&script) {
                Ok(()) => Err(Failed::from("the script passes")),
                Err((found, said)) if found == *line && said.contains(complaint) => Ok(()),
                Err((found, said)) => Err(format!("line {found}: {said}").into()),
            }
        })
    });
    trials.collect()
}
