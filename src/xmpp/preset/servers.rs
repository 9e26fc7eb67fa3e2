//! Servers.

use super::{PartialCloser, Preset, Wait};
use crate::dist::Distribution;
use crate::time::Micros;
use crate::xmpp::config::{Answered, Condition, InWait, Ping, Responder, ResponderProfile, Strategy, Unanswered};

const MINUTE: u64 = 60;
const HOUR: u64 = 3_600;

/// Tag and `close()`, so long after the other tag.
const fn compliant_after(delay_us: f64) -> ResponderProfile {
    ResponderProfile::new(Responder::Compliant, Responder::Compliant, Distribution::Constant(delay_us), None)
}

/// Tag and `close()`.
const COMPLIANT: ResponderProfile = compliant_after(0.0);

/// Tag and `close()`, 1 ms after the other tag; a FIN behind that tag ends the session without an answer.
const PROSODY: ResponderProfile = {
    let mut profile = compliant_after(1_000.0);
    profile.answers_half_close = false;
    profile
};

/// Tag and `close()` 100 ms after the other tag, in which nothing is read.
const EJABBERD_C2S: ResponderProfile = {
    let mut profile = compliant_after(100_000.0);
    profile.reads_in_delay = false;
    profile
};

/// Prosody's close without a reason.
const PROSODY_CLEAN: PartialCloser =
    PartialCloser::waiting(Strategy::Handshake, Wait::AtMost(Micros::from_secs(5)), InWait::Process);

pub(super) static PRESETS: [Preset; 18] = [
    Preset {
        name: "prosody-0.12-c2s",
        closer: Some(PROSODY_CLEAN),
        idle: None,
        sweep: None,
        responder: Some(PROSODY),
        source: "bjc/prosody 0.12.3 and f14f1b3 (2025-05) plugins/mod_c2s.lua, net/server_epoll.lua; observed 0.12.3",
        about: "a client stream closed without a reason: tag, c2s_close_timeout of 5 s",
    },
    Preset {
        name: "prosody-0.12-c2s-kick",
        closer: Some(PartialCloser::at_once(Strategy::TimeoutError, Some(Condition::PolicyViolation))),
        idle: None,
        sweep: None,
        responder: Some(PROSODY),
        source: "bjc/prosody 0.12.3 plugins/mod_c2s.lua; observed 0.12.3",
        about: "a client stream closed with a reason: error, tag and close in one go",
    },
    Preset {
        name: "prosody-0.12-c2s-shutdown",
        closer: Some(PartialCloser::at_once(Strategy::TimeoutError, Some(Condition::SystemShutdown))),
        idle: None,
        sweep: None,
        responder: Some(PROSODY),
        source: "bjc/prosody 0.12.3 plugins/mod_c2s.lua; observed 0.12.3",
        about: "the server stops: system-shutdown, tag and close in one go",
    },
    Preset {
        name: "prosody-0.12-s2s-in",
        closer: Some(PROSODY_CLEAN),
        idle: None,
        sweep: None,
        responder: Some(PROSODY),
        source: "bjc/prosody 0.12.3 plugins/mod_s2s.lua; observed 0.12.3",
        about: "an incoming server stream closed without a reason: tag, s2s_close_timeout of 5 s",
    },
    Preset {
        name: "prosody-0.12-s2s-out",
        closer: Some(PartialCloser::at_once(Strategy::TagAndClose, None)),
        idle: None,
        sweep: None,
        responder: Some(PROSODY),
        source: "bjc/prosody 0.12.3 plugins/mod_s2s.lua; observed 0.12.3",
        about: "an outgoing server stream: tag and close at once",
    },
    Preset {
        name: "prosody-s2s-idle-module",
        closer: Some(PROSODY_CLEAN),
        idle: Some(Micros::from_secs(300)),
        sweep: Some(Micros::from_secs(225)),
        responder: Some(PROSODY),
        source: "Prosody community modules, mod_s2s_idle_timeout; times as plugins/mod_s2s.lua",
        about: "server streams idle for 300 s, looked for every 225 s, closed without a reason",
    },
    Preset {
        name: "metronome-2025-c2s",
        closer: Some(PROSODY_CLEAN),
        idle: None,
        sweep: None,
        responder: Some(COMPLIANT),
        source: "maranda/metronome 3b791f2 (2025-11)",
        about: "a fork of Prosody with the same code and the same 5 s",
    },
    Preset {
        name: "ejabberd-23-c2s",
        closer: Some(PartialCloser {
            condition: Some(Condition::Conflict),
            grace: Some(Micros::from_millis(100)),
            ..PartialCloser::of(Strategy::TimeoutError)
        }),
        idle: None,
        sweep: None,
        responder: Some(EJABBERD_C2S),
        source: "processone/ejabberd 23.01 and 61bf7a9 (2026-08) src/ejabberd_c2s.erl, processone/xmpp 204ac33 \
                 src/xmpp_stream_in.erl; observed 23.01",
        about: "error at once, 100 ms in which nothing is read, tag and close",
    },
    Preset {
        name: "ejabberd-23-s2s-idle",
        closer: Some(PartialCloser::at_once(Strategy::TimeoutError, Some(Condition::ConnectionTimeout))),
        idle: Some(Micros::from_secs(HOUR)),
        sweep: Some(Micros::ZERO),
        responder: Some(COMPLIANT),
        source: "processone/xmpp 1.6.1 and 204ac33 src/xmpp_stream_out.erl, xmpp_stream_in.erl; observed 23.01",
        about: "a server stream idle for an hour: connection-timeout, tag and close",
    },
    Preset {
        name: "ejabberd-23-ping-kill",
        closer: Some(PartialCloser {
            ping: Some(Ping { timeout: Micros::from_secs(32), answered: Answered::Stay, unanswered: Unanswered::Drop }),
            ..PartialCloser::at_once(Strategy::AbruptClose, None)
        }),
        idle: Some(Micros::from_secs(MINUTE)),
        sweep: Some(Micros::ZERO),
        responder: Some(EJABBERD_C2S),
        source: "processone/ejabberd 23.01 mod_ping with timeout_action kill; observed 23.01",
        about: "a client idle for 60 s is pinged; no answer in 32 s: close without a tag",
    },
    Preset {
        name: "mongooseim-6.8-c2s",
        closer: Some(PartialCloser::at_once(Strategy::TimeoutError, None)),
        idle: None,
        sweep: None,
        responder: Some(COMPLIANT),
        source: "esl/MongooseIM 475087c (2026-08) src/c2s/mongoose_c2s.erl",
        about: "error, tag, the process stops, close",
    },
    Preset {
        name: "mongooseim-6.8-s2s-out",
        closer: Some(PartialCloser::at_once(Strategy::AbruptClose, None)),
        idle: Some(Micros::from_secs(10 * MINUTE)),
        sweep: Some(Micros::ZERO),
        responder: Some(COMPLIANT),
        source: "esl/MongooseIM 475087c (2026-08) src/s2s/mongoose_s2s_out.erl",
        about: "an outgoing server stream idle for 10 min: close without a tag",
    },
    Preset {
        name: "openfire-5-c2s-idle",
        closer: Some(PartialCloser {
            ping: Some(Ping {
                timeout: Micros::from_secs(3 * MINUTE),
                answered: Answered::Stay,
                unanswered: Unanswered::Close,
            }),
            ..PartialCloser::at_once(Strategy::TimeoutError, Some(Condition::ConnectionTimeout))
        }),
        idle: Some(Micros::from_secs(3 * MINUTE)),
        sweep: Some(Micros::ZERO),
        responder: Some(COMPLIANT),
        source: "igniterealtime/Openfire 3709dd4 (2026-07, 5.1) nio/NettyConnection.java, net/StanzaHandler.java",
        about: "a client idle for 3 min is pinged; no answer by minute 6: connection-timeout, tag and close",
    },
    Preset {
        name: "openfire-5-s2s-idle",
        closer: Some(PartialCloser::at_once(Strategy::TimeoutError, Some(Condition::ConnectionTimeout))),
        idle: Some(Micros::from_secs(30 * MINUTE)),
        sweep: None,
        responder: Some(COMPLIANT),
        source: "igniterealtime/Openfire 3709dd4 (2026-07, 5.1) nio/NettyConnection.java",
        about: "a server stream idle for 30 min: connection-timeout, tag and close, no ping",
    },
    Preset {
        name: "tigase-8.4-c2s-idle",
        closer: Some(PartialCloser::at_once(Strategy::AbruptClose, None)),
        idle: Some(Micros::from_secs(24 * HOUR)),
        sweep: Some(Micros::from_secs(10 * MINUTE)),
        responder: Some(COMPLIANT),
        source: "tigase/tigase-server 6e5d3b7 (2026-08, 8.4) xmpp/XMPPIOService.java, server/ConnectionManager.java",
        about: "a client idle for 24 h, looked for every 10 min: close without a tag",
    },
    Preset {
        name: "tigase-8.4-idle",
        closer: Some(PartialCloser::at_once(Strategy::AbruptClose, None)),
        idle: Some(Micros::from_secs(120 * MINUTE)),
        sweep: Some(Micros::from_secs(10 * MINUTE)),
        responder: Some(COMPLIANT),
        source: "tigase/tigase-server 6e5d3b7 (2026-08, 8.4) xmpp/XMPPIOService.java, server/ConnectionManager.java",
        about: "a server stream idle for 120 min, looked for every 10 min: close without a tag",
    },
    Preset {
        name: "jabberd2-2018-s2s-idle",
        closer: Some(PartialCloser::of(Strategy::Handshake)),
        idle: Some(Micros::from_secs(24 * HOUR)),
        sweep: Some(Micros::from_secs(MINUTE)),
        responder: None,
        source: "jabberd2/jabberd2 376e632 (2018-11)",
        about: "a server stream idle for 24 h, looked for every 60 s, closed cleanly; how long it waits was not read",
    },
    Preset {
        name: "qxmpp-1.10-server-idle",
        closer: Some(PartialCloser::at_once(Strategy::TagAndClose, None)),
        idle: Some(Micros::from_secs(120)),
        sweep: Some(Micros::ZERO),
        responder: Some(COMPLIANT),
        source: "qxmpp-project/qxmpp 8476ee8 (2025-03, 1.10) src/base/Stream.cpp",
        about: "the library as a server: a client idle for 120 s gets a tag and close at once",
    },
];
