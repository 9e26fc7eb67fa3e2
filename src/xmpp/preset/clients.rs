//! Client libraries, and a gateway.

use super::{PartialCloser, Preset, Wait};
use crate::dist::Distribution;
use crate::time::Micros;
use crate::xmpp::config::{InWait, Responder, ResponderProfile, Strategy};

const PROCESS: InWait = InWait::Process;
const DISCARD: InWait = InWait::Discard;

/// Tag and `close()`.
const COMPLIANT: ResponderProfile = ResponderProfile::plain(Responder::Compliant);

/// `close()` 1 ms after the tag, without one of its own: to a tag and to an error.
const CLOSES_ONLY: ResponderProfile =
    ResponderProfile::new(Responder::FinOnly, Responder::FinOnly, Distribution::Constant(1_000.0), None);

/// Does not react to a tag alone; after an error its tag and `close()`, `delay_us` later.
const fn deaf_to_a_tag(delay_us: f64) -> ResponderProfile {
    let error_delay = Some(Distribution::Constant(delay_us));
    ResponderProfile::new(Responder::KeepsTalking, Responder::Compliant, Distribution::Constant(0.0), error_delay)
}

/// Tag and `close()`; after an error it does nothing for 15 s.
const FLUUX: ResponderProfile = {
    let error_delay = Some(Distribution::Constant(15e6));
    let mut profile =
        ResponderProfile::new(Responder::Compliant, Responder::Slow, Distribution::Constant(0.0), error_delay);
    profile.reads_in_delay = false;
    profile
};

/// Tag and FIN, `close()` when the other FIN has come.
const AIOXMPP: ResponderProfile = {
    let mut profile = COMPLIANT;
    profile.half_closes = true;
    profile
};

/// The handshake with a limit in seconds.
const fn handshake(timeout_s: u64) -> PartialCloser {
    PartialCloser::waiting(Strategy::Handshake, Wait::AtMost(Micros::from_secs(timeout_s)), PROCESS)
}

/// A client library: none of them closes a stream because it is idle.
const fn client(
    name: &'static str,
    closer: Option<PartialCloser>,
    responder: Option<ResponderProfile>,
    source: &'static str,
    about: &'static str,
) -> Preset {
    Preset { name, closer, idle: None, sweep: None, responder, source, about }
}

pub(super) static PRESETS: [Preset; 15] = [
    client(
        "smack-4.5",
        Some(handshake(5)),
        Some(COMPLIANT),
        "igniterealtime/Smack 0631706 (2025-12, 4.5-rc) XMPPTCPConnection.java, SmackConfiguration.java",
        "flushes its queue, tag, waits 5 s",
    ),
    client(
        "slixmpp-1.17",
        Some(handshake(2)),
        Some(CLOSES_ONLY),
        "poezio/slixmpp 1.17.0 xmlstream/xmlstream.py; observed",
        "tag, waits 2 s; told, it closes without a tag",
    ),
    client(
        "sleekxmpp-2020",
        Some(handshake(4)),
        None,
        "fritzy/SleekXMPP cc1d470 (2020)",
        "tag, waits 4 s; how it answers was not read",
    ),
    client(
        "xmpp.js-0.14",
        Some(handshake(2)),
        Some(deaf_to_a_tag(5_000.0)),
        "xmppjs/xmpp.js 0.14.0 (7035ced, 2026-04) packages/connection/index.js; observed",
        "tag, waits 2 s; a tag alone it does not notice, an error it answers with its tag",
    ),
    client(
        "strophe.js-5.0",
        Some(PartialCloser::at_once(Strategy::TagAndClose, None)),
        Some(ResponderProfile::plain(Responder::FinOnly)),
        "strophe/strophejs 5.0 (a6836f4, 2026-07) src/transports/websocket.ts, src/connection.ts",
        "over WebSocket: closing frame and close at once; told, it drops the socket",
    ),
    client(
        "mellium-2024",
        Some(PartialCloser::waiting(Strategy::Handshake, Wait::ForEver, PROCESS)),
        Some(COMPLIANT),
        "mellium/xmpp 7c118af (2024-12) session.go",
        "tag, waits without a limit of its own",
    ),
    client(
        "fluux-go-xmpp-2026",
        Some(handshake(15)),
        Some(FLUUX),
        "FluuxIO/go-xmpp bc2b7ce (2026-06) xmpp_transport.go, client.go",
        "tag, waits 15 s; after an error it waits 15 s for a tag that only the waiting loop could read",
    ),
    client(
        "xmppo-go-xmpp-2026",
        Some(PartialCloser::waiting(Strategy::Handshake, Wait::AtMost(Micros::from_secs(10)), DISCARD)),
        None,
        "xmppo/go-xmpp 7175c54 (2026-06) xmpp.go",
        "tag, reads to skip until the other tag, 10 s at most; how it answers was not read",
    ),
    client(
        "tokio-xmpp-2025",
        Some(PartialCloser::waiting(Strategy::HandshakeHalfClose, Wait::AtMost(Micros::from_secs(10)), DISCARD)),
        Some(COMPLIANT),
        "xmpp-rs mirror arachnist/xmpp-rs 5ef674b (2025-03) tokio-xmpp/src/stanzastream/{connected,worker}.rs",
        "tag, FIN, reads and drops until the other tag, 10 s at most",
    ),
    client(
        "qxmpp-1.10",
        Some(PartialCloser::at_once(Strategy::TagAndClose, None)),
        Some(COMPLIANT),
        "qxmpp-project/qxmpp 8476ee8 (2025-03, 1.10) src/base/Stream.cpp",
        "tag and close at once",
    ),
    client(
        "libstrophe-0.12",
        Some(handshake(2)),
        Some(CLOSES_ONLY),
        "strophe/libstrophe 0.12.2 and b9eead3 (2025-10) src/conn.c; observed 0.12.2",
        "tag, waits 2 s; told, it closes without a tag",
    ),
    client(
        "gloox-1.0.24",
        Some(PartialCloser::at_once(Strategy::TagAndClose, None)),
        Some(deaf_to_a_tag(0.0)),
        "gloox 1.0.24 src/clientbase.cpp (KaidanIM/gloox-git); observed",
        "tag and close at once; a tag alone it does not notice, an error it answers with its tag",
    ),
    client(
        "nbxmpp-7.2",
        Some(PartialCloser::waiting(Strategy::Handshake, Wait::ForEver, PROCESS)),
        Some(COMPLIANT),
        "gajim/python-nbxmpp cdc6df5 (2026-06, 7.2) nbxmpp/client.py, tcp.py",
        "queue, tag, waits without a limit",
    ),
    client(
        "aioxmpp-2024",
        Some(PartialCloser::waiting(Strategy::HandshakeHalfClose, Wait::AtMost(Micros::from_secs(15)), PROCESS)),
        Some(AIOXMPP),
        "horazont/aioxmpp c17303c (2024-01) aioxmpp/protocol.py",
        "tag, FIN, waits 15 s; told: its tag and FIN, then close",
    ),
    client(
        "biboumi-2022",
        Some(PartialCloser::waiting(Strategy::Handshake, Wait::ForEver, PROCESS)),
        None,
        "louiz/biboumi 0061298 (2022-03) src/xmpp/xmpp_component.cpp, src/main.cpp",
        "a gateway: tag when its IRC side is gone, waits for the server's end without a limit",
    ),
];
