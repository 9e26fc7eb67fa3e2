//! The way from text to scenario as users see it.

use super::*;
use crate::net::disturbance::{Disturbance, Pattern};
use crate::net::link::{DirectionConfig, LossModel, RateLimit};
use crate::net::middlebox::{Middlebox, OnExpiry};
use crate::scenario::chaos::{Action, Forgery, Instants, Mishap, Target, Way};
use crate::scenario::sockets::{SocketOptions, Sockets};
use crate::time::Micros;
use crate::xmpp::config::{AfterTag, Condition, InWait, Process, Responder, Strategy};

const EVERY_KEY: &str = include_str!("../../tests/good/every-key.toml");

/// Who comes back cannot stand beside a closing by both sides.
const SERVER: &str = include_str!("../../tests/good/server.toml");
const OUTGOING: &str = include_str!("../../tests/good/outgoing.toml");
const RANDOM_CHAOS: &str = include_str!("../../tests/good/random-chaos.toml");
const COMING_BACK: &str = include_str!("../../tests/good/coming-back.toml");

fn every_key() -> SourceText {
    SourceText { name: "every-key.toml".into(), text: EVERY_KEY.into(), base: Some("tests/good".into()) }
}

fn one(source: &SourceText, sets: &[&str]) -> Scenario {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    let points = load(source, &sets, &[]).unwrap_or_else(|e| panic!("{e}"));
    points.into_iter().next().unwrap().scenario
}

fn teardown() -> SourceText {
    builtin::by_name("kernel-teardown").unwrap()
}

fn refused(source: &SourceText, sets: &[&str]) -> String {
    let sets: Vec<String> = sets.iter().map(|s| (*s).to_owned()).collect();
    load(source, &sets, &[]).unwrap_err().to_string()
}

#[test]
fn the_top_keys_arrive() {
    let s = one(&every_key(), &[]);
    assert_eq!(
        (s.name.as_str(), s.duration, s.peers, s.nodes, s.seed),
        ("every-key", Micros::from_secs(5_400), 1_000, 10, 42)
    );
    assert_eq!((s.kind, s.negotiation, s.by), (StreamKind::ServerToServer, Negotiation::Minimal, By::Both));
    // A thousand arrivals at a hundred a second take ten seconds.
    assert_eq!(s.arrivals, Distribution::Uniform { low: 0.0, high: 10e6 });
    let idle = Distribution::Weibull { scale: 120e6, shape: 1.5 };
    assert_eq!(s.when, Some(When::Idle { idle, sweep: Micros::from_secs(30) }));
}

#[test]
fn the_study_arrives_with_its_grid() {
    let Loaded { study, points } = load_study(&every_key(), &[], &[]).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((study.seeds, study.reference), (40, 1));
    let names: Vec<&str> = study.metrics.iter().map(|measure| measure.name()).collect();
    assert_eq!(names, ["lost", "release_p50_us", "streams_with_loss"]);
    assert_eq!(study.until.map(|until| until.to_string()).as_deref(), Some("streams_with_loss=7.5%"));
    let varied: Vec<[&str; 2]> = points.iter().map(|p| [p.varied[0].1.as_str(), p.varied[1].1.as_str()]).collect();
    assert_eq!(varied, [["1000000", "1"], ["1000000", "2.5"], ["none", "1"], ["none", "2.5"]]);
    let keys: Vec<&str> = points[0].varied.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["closing.timeout", "mix.half-deployed.ejabberd-23-c2s"]);
    assert_eq!(points[1].scenario.strategies[1].closers[1].weight.to_bits(), 2.5_f64.to_bits());
    assert_eq!(load(&every_key(), &[], &[]).unwrap().len(), 1, "without its study a scenario is one point");
}

#[test]
fn options_win_over_the_study_of_the_file() {
    let changes = [
        Change::Option { option: "--seeds", key: "study.seeds", value: "12".into() },
        Change::Option { option: "--reference", key: "study.reference", value: "ping-then-handshake".into() },
        Change::List { option: "--metric", key: "study.metrics", values: vec!["resets".into()] },
    ];
    let varies = ["duration=2h,3h".to_owned(), "closing.timeout=2s".to_owned()];
    let Loaded { study, points } = load_study(&every_key(), &changes, &varies).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!((study.seeds, study.reference, study.metrics.len()), (12, 0, 1));
    let first: Vec<(&str, &str)> = points[0].varied.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    let mix = ("mix.half-deployed.ejabberd-23-c2s", "1");
    assert_eq!(first, [("closing.timeout", "2000000"), mix, ("duration", "7200000000")]);
    assert_eq!(points.len(), 4);
    let refused = |option, key, value: &str| {
        let change = Change::Option { option, key, value: value.to_owned() };
        load_study(&every_key(), &[change], &[]).unwrap_err().to_string()
    };
    let text = refused("--reference", "study.reference", "handshaek");
    assert!(text.starts_with("error: --reference handshaek: the reference `handshaek` is not one of"), "{text}");
    let text = refused("--until", "study.until", "10");
    assert!(text.starts_with("error: --until 10: `study.until` must be a precision such as 10% or"), "{text}");
}

#[test]
fn closing_keys_arrive_in_strategies_and_fill_what_presets_leave_open() {
    let s = one(&every_key(), &[]);
    let [ping, mix, preset] = s.strategies.as_slice() else { panic!("three contenders") };
    let profile = &ping.closers[0].profile;
    assert_eq!(
        (profile.strategy, profile.timeout, profile.grace),
        (Strategy::PingThenHandshake, None, Micros::from_millis(100))
    );
    assert_eq!((profile.in_wait, profile.condition), (InWait::Discard, Condition::SystemShutdown));
    assert_eq!(profile.ping.unwrap().timeout, Micros::from_secs(7));
    let weights: Vec<(&str, f64)> = mix.closers.iter().map(|c| (c.name.as_str(), c.weight)).collect();
    assert_eq!(weights, [("handshake", 3.0), ("ejabberd-23-c2s", 1.0)]);
    assert_eq!(mix.closers[0].profile.ping, None);
    let ejabberd = &preset.closers[0].profile;
    assert_eq!((ejabberd.strategy, ejabberd.condition), (Strategy::TimeoutError, Condition::Conflict));
    assert_eq!(ejabberd.timeout, None, "not known of it, so the scenario's");
}

#[test]
fn class_keys_arrive() {
    let s = one(&every_key(), &[]);
    let [slow, drips, quiet] = s.classes.as_slice() else { panic!("three classes") };
    assert_eq!((slow.name.as_str(), slow.weight, slow.responder_name.as_str()), ("slow", 2.5, "slow"));
    assert_eq!(slow.responder.delay, Distribution::Gamma { shape: 2.0, mean: 3e6 });
    assert_eq!(drips.responder.drip_interval, Micros::from_millis(250));
    assert_eq!((quiet.weight, quiet.responder.on_tag), (1.0, Responder::Compliant));
    assert_eq!(quiet.traffic, Traffic { client: None, server: None });
    let client = slow.traffic.client.as_ref().unwrap();
    assert_eq!((client.count, &client.size), (Some(9), &Distribution::Uniform { low: 80.0, high: 400.0 }));
    let bursts = Process::Bursts {
        every: Distribution::Exponential { mean: 10e6 },
        stanzas: 3,
        spacing: Distribution::Constant(50e3),
    };
    assert_eq!(client.process, bursts);
    let answers = Process::Respond { after: Distribution::LogNormal { median: 100e3, sigma: 0.5 } };
    assert_eq!(slow.traffic.server.as_ref().unwrap().process, answers);
    assert_eq!(drips.traffic.server.as_ref().unwrap().size, Distribution::Empirical([120.0, 300.0].into()));
}

#[test]
fn link_keys_arrive_and_directions_override() {
    let s = one(&every_key(), &[]);
    let LinkConfig { up, down, .. } = &s.classes[0].link;
    let expected = DirectionConfig {
        latency: Distribution::Normal { mean: 40e3, sd: 10e3 },
        latency_floor: Micros::from_millis(5),
        reorder: true,
        loss: LossModel::GilbertElliott { p: 0.01, r: 0.25, bad_loss: 0.9, good_loss: 0.001 },
        duplicate: 0.001,
        rate: Some(RateLimit { bits_per_second: 2_000_000, queue_bytes: 32_768 }),
    };
    assert_eq!(up, &expected);
    assert_eq!(down.latency, Distribution::Pareto { minimum: 10e3, shape: 2.5 });
    assert_eq!((&down.loss, down.latency_floor), (&LossModel::Independent(0.02), Micros::from_millis(10)));
    assert_eq!(down.rate, Some(RateLimit { bits_per_second: 10_000_000, queue_bytes: 65_536 }));
}

#[test]
fn a_profile_gives_what_a_link_does_not_say() {
    let s = one(&every_key(), &[]);
    let LinkConfig { up, down, .. } = &s.classes[1].link;
    let lte = crate::net::profile::by_name("lte").unwrap();
    assert_eq!(up.latency, Distribution::Empirical([20e3, 35e3, 1_500.0].into()));
    assert_eq!(up.latency_floor, Micros::new(1_500), "the lowest of the file, not the profile's floor");
    assert_eq!((up.duplicate, up.reorder, &up.loss), (0.25, true, &lte.up.loss));
    assert_eq!((&down.latency, down.rate), (&lte.down.latency, lte.down.rate));
    assert_eq!(s.fastest_latency(), Micros::new(1_500));
}

#[test]
fn chaos_entries_arrive() {
    let s = one(&every_key(), &[]);
    let secs = Micros::from_secs;
    let entry = |n: usize| (&s.chaos[n].at, s.chaos[n].lasts.clone(), &s.chaos[n].action, &s.chaos[n].on);
    let link = |n: usize| {
        let Action::Link(what, way) = &s.chaos[n].action else { panic!("{:?}", s.chaos[n]) };
        (what.clone(), *way)
    };
    let partition = Action::Link(Disturbance::Partition, Way::ToServer);
    assert_eq!(
        entry(0),
        (&Instants::Once(secs(30)), Some(Distribution::always(secs(10))), &partition, &Target::Class(0))
    );
    let every = Instants::Every { every: secs(10), jitter: secs(2) };
    assert_eq!((entry(1).0, entry(1).3), (&every, &Target::Share(0.1)));
    assert_eq!((entry(2).0, entry(2).1, entry(2).3), (&Instants::Poisson(0.1), None, &Target::All));
    let rate = RateLimit { bits_per_second: 64_000, queue_bytes: 16_384 };
    let expected = [
        (Disturbance::Loss(0.3), Way::Both),
        (Disturbance::Latency(Distribution::Uniform { low: 10e3, high: 200e3 }), Way::Both),
        (Disturbance::Rate(rate), Way::Both),
        (Disturbance::Reorder { share: 0.2, by: Micros::from_millis(20) }, Way::Both),
        (Disturbance::Duplicate(0.1), Way::Both),
        (Disturbance::Corrupt(0.05), Way::ToClient),
        (Disturbance::Matching(Pattern::Text("</stream:stream>".into())), Way::Both),
        (Disturbance::Matching(Pattern::Text("<presence".into())), Way::Both),
    ];
    assert_eq!((1..9).map(link).collect::<Vec<_>>(), expected);
    let machine = [Mishap::Freeze, Mishap::Hang, Mishap::Crash, Mishap::Reboot].map(Action::Machine);
    assert_eq!([9, 10, 11, 12].map(|n| s.chaos[n].action.clone()), machine);
    assert_eq!((entry(12).1, entry(12).3), (Some(Distribution::always(secs(60))), &Target::Node(crate::id::NodeId(3))));
    assert_eq!(
        (entry(13).1, entry(13).2),
        (Some(Distribution::Exponential { mean: 20e6 }), &Action::Machine(Mishap::Restart))
    );
    assert_eq!(entry(14).2, &Action::NatExpire);
    assert_eq!(entry(15).2, &Action::Inject(Forgery::Reset, Way::ToClient));
    assert_eq!(entry(17).2, &Action::Machine(Mishap::ClockJump(crate::time::Shift::new(-3_600_000_000))));
    assert_eq!(entry(16).2, &Action::Inject(Forgery::Fin, Way::Both));
    let nat = Middlebox { nat_idle: secs(300), on_expiry: OnExpiry::Reset };
    assert_eq!(s.classes.iter().map(|c| c.link.middlebox).collect::<Vec<_>>(), [None, None, Some(nat)]);
    let json = to_json(&s);
    assert_eq!(
        (json["chaos"].as_array().unwrap().len(), &json["chaos"][1]["do"]["loss"]),
        (18, &serde_json::json!(0.3))
    );
    assert_eq!(json["classes"][2]["link"]["middlebox"]["on_expiry"], "reset");
}

#[test]
fn a_scenario_without_chaos_is_resolved_as_before_there_was_any() {
    let json = to_json(&one(&teardown(), &[]));
    assert!(json.get("chaos").is_none() && json["classes"][0]["link"].get("middlebox").is_none());
    assert_eq!(json, to_json(&one(&teardown(), &["chaos=[]"])));
}

#[test]
fn what_a_strike_costs_can_be_swept() {
    let sets = ["chaos.0.at=20s", "chaos.0.do=partition", "chaos.0.on=all"].map(str::to_owned);
    let points = load(&teardown(), &sets, &["chaos.0.for=1s,10s".to_owned()]).unwrap_or_else(|e| panic!("{e}"));
    let rows: Vec<_> = points.iter().map(|p| (p.varied[0].1.as_str(), p.scenario.chaos[0].lasts.clone())).collect();
    assert_eq!(
        rows,
        [
            ("1000000", Some(Distribution::always(Micros::from_secs(1)))),
            ("10000000", Some(Distribution::always(Micros::from_secs(10))))
        ]
    );
}

#[test]
fn every_key_of_the_table_stands_in_the_test_file() {
    fn keys(shape: &shape::Shape, names: &mut Vec<&'static str>) {
        if let shape::Shape::Table(table) = shape {
            for key in table.all() {
                names.push(key.name);
                keys(&key.shape, names);
            }
        } else if let shape::Shape::Named(each) | shape::Shape::List { each, .. } = shape {
            keys(each, names);
        } else if let shape::Shape::Either(shapes) = shape {
            for shape in *shapes {
                keys(shape, names);
            }
        }
    }
    let mut names = Vec::new();
    keys(&shape::Shape::Table(&SCENARIO), &mut names);
    let elsewhere = ["after", "over", "at"];
    let all = [EVERY_KEY, COMING_BACK, SERVER, OUTGOING, RANDOM_CHAOS].concat();
    for name in names.iter().filter(|n| !elsewhere.contains(n)) {
        assert!(
            all.split(|c: char| !c.is_alphanumeric() && !"_-".contains(c)).any(|w| w == *name),
            "{name} is not tested"
        );
    }
}

#[test]
fn every_key_of_server_arrives_where_it_belongs() {
    let scenario = Scenario::from_toml(SERVER).unwrap_or_else(|e| panic!("{e}"));
    let server = scenario.server.as_ref().unwrap();
    assert_eq!(server.service, Some(Distribution::Exponential { mean: 2_000.0 }));
    assert_eq!((server.workers, server.queue, server.files), (3, Some(50), Some(1_000)));
    assert_eq!((server.accept_gap(), server.backlog), (Micros::new(5_000), Some(16)));
    let memory = server::Memory { socket: 4_000, request: 300, time_wait: 200, stream: 1 << 20 };
    assert_eq!(server.memory, memory);
    assert_eq!(
        (server.limits.sockets, server.limits.memory, server.limits.queue),
        (Some(900), Some(2 << 30), Some(40))
    );
    assert!(scenario.streams_meet());
}

#[test]
fn every_key_of_outgoing_arrives_where_it_belongs() {
    let scenario = Scenario::from_toml(OUTGOING).unwrap_or_else(|e| panic!("{e}"));
    let outgoing = scenario.server.as_ref().unwrap().outgoing.unwrap();
    assert_eq!((outgoing.ports, outgoing.destinations), (Some(28_232), 7));
    assert_eq!((scenario.server_side(), scenario.streams_meet()), (Side::Client, true));
    let plain = one(&teardown(), &["server.outgoing={}"]).server.unwrap();
    assert_eq!(plain.outgoing, Some(server::Outgoing { ports: None, destinations: 1 }));
    assert!(!plain.has_desk());
}

#[test]
fn every_key_of_reconnect_arrives_where_it_belongs() {
    let scenario = Scenario::from_toml(COMING_BACK).unwrap_or_else(|e| panic!("{e}"));
    let management = scenario.stream_management.unwrap();
    assert_eq!((management.request_every, management.resume), (Some(3), Some(Micros::from_secs(120))));
    assert_eq!((management.after_tag, management.resend), (AfterTag::Keep, false));
    let reconnect = scenario.reconnect.as_ref().unwrap();
    assert_eq!(reconnect.delay, Distribution::LogNormal { median: 2e6, sigma: 0.5 });
    assert_eq!((reconnect.backoff, reconnect.ceiling), (Micros::from_secs(3), Micros::from_secs(60)));
    assert_eq!((reconnect.jitter, reconnect.tries, reconnect.times), (0.25, Some(7), 20));
    assert_eq!((reconnect.concerns(0), reconnect.concerns(1)), (false, true));
    assert_eq!(scenario.most_streams(), 300 * 21);
    let plain = one(&teardown(), &["reconnect={}"]).reconnect.unwrap();
    assert_eq!(plain.delay, Distribution::Uniform { low: 0.0, high: 6e7 });
    assert!(plain.times > 1_000 && plain.tries.is_none() && plain.concerns(0));
    assert!(to_json(&one(&teardown(), &[])).get("reconnect").is_none(), "resolved as before there was any");
}

#[test]
fn all_ways_to_arrive() {
    let arrivals = |text: &str| one(&teardown(), &[&format!("arrivals={text}")]).arrivals;
    assert_eq!(arrivals("{ over = \"5s\" }"), Distribution::Uniform { low: 0.0, high: 5e6 });
    assert_eq!(arrivals("{ at = \"5s\" }"), Distribution::Constant(5e6));
    assert_eq!(arrivals("3s"), Distribution::Constant(3e6));
    assert_eq!(arrivals("{ exponential = \"5s\" }"), Distribution::Exponential { mean: 5e6 });
}

#[test]
fn set_changes_any_key_and_makes_new_ones() {
    let s = one(&teardown(), &["closing.timeout=2s", "class.0.responder=hung", "links.wire.down.loss=0.5", "seed=7"]);
    assert_eq!(s.strategies[0].closers[0].profile.timeout, Some(Micros::from_secs(2)));
    assert_eq!((s.classes[0].responder_name.as_str(), s.seed), ("hung", 7));
    assert_eq!(s.classes[0].link.down.loss, LossModel::Independent(0.5));
    assert_eq!(s.classes[0].link.up.loss, LossModel::Independent(0.0));
    let added = one(&teardown(), &["class.1.name=more", "class.1.link=lan", "class.1.weight=0.5"]);
    assert_eq!((added.classes.len(), added.classes[1].name.as_str()), (2, "more"));
    assert_eq!(one(&teardown(), &["mix.m.\"prosody-0.12-c2s\"=1", "strategies=[\"m\"]"]).strategies[0].name, "m");
}

#[test]
fn an_option_overrules_the_keys_that_exclude_its_own() {
    let s = one(&teardown(), &["closing.idle=10s"]);
    assert!(matches!(s.when, Some(When::Idle { .. })), "instead of the file's `after`");
    let s = one(&teardown(), &["closing.after.exponential=2s"]);
    assert_eq!(s.when, Some(When::After(Distribution::Exponential { mean: 2e6 })));
    let s = one(&every_key(), &["class.0.responder=silent", "class.0.link=wifi"]);
    assert_eq!(s.classes[0].responder.on_tag, Responder::Silent, "the file's delay is for another responder");
    assert!(refused(&teardown(), &["closing.idle=10s", "closing.after=5s"]).contains("cannot stand beside"));
    assert!(refused(&teardown(), &["class.0.delay=1s", "class.0.responder=smack-4.5"]).contains("no effect"));
}

#[test]
fn a_preset_brings_its_own_idle_limit_where_the_scenario_has_none() {
    let text = teardown().text.replace("after = { uniform = [\"2s\", \"3s\"] }", "");
    let source = SourceText { text, ..teardown() };
    let idle_only = one(&source, &["strategies=[\"ejabberd-23-s2s-idle\"]", "duration=2h"]);
    let idle = Distribution::always(Micros::from_secs(3_600));
    assert_eq!(idle_only.strategies[0].closers[0].when, Some(When::Idle { idle, sweep: Micros::ZERO }));
    assert!(
        refused(&source, &["strategies=[\"ejabberd-23-s2s-idle\", \"handshake\"]"]).contains("`handshake` brings no")
    );
    let said = one(&teardown(), &["strategies=[\"ejabberd-23-s2s-idle\"]"]);
    assert_eq!(said.strategies[0].closers[0].when, None, "the scenario says when");
}

#[test]
fn a_sweep_has_every_combination_with_its_csv_values() {
    let varies = ["closing.timeout=500ms,2s".to_owned(), "links.wire.loss=0,0.01".to_owned()];
    let points = load(&teardown(), &[], &varies).unwrap();
    let rows: Vec<Vec<&str>> = points.iter().map(|p| p.varied.iter().map(|(_, v)| v.as_str()).collect()).collect();
    assert_eq!(rows, [["500000", "0"], ["500000", "0.01"], ["2000000", "0"], ["2000000", "0.01"]]);
    assert_eq!(points[0].varied[0].0, "closing.timeout");
    assert_eq!(points[3].scenario.classes[0].link.up.loss, LossModel::Independent(0.01));
    assert_eq!(points[0].scenario.strategies[0].closers[0].profile.timeout, Some(Micros::from_millis(500)));
}

#[test]
fn a_sweep_over_a_rate_or_a_link_is_written_as_numbers_or_names() {
    let csv = |vary: &str| -> Vec<String> {
        let points = load(&teardown(), &[], &[vary.to_owned()]).unwrap_or_else(|e| panic!("{e}"));
        points.into_iter().map(|p| p.varied[0].1.clone()).collect()
    };
    assert_eq!(csv("links.wire.rate=512kbit,10Mbit"), ["512000", "10000000"]);
    assert_eq!(csv("class.0.link=wire,lan"), ["wire", "lan"]);
    assert_eq!(csv("closing.timeout=none,1s"), ["none", "1000000"]);
    assert_eq!(csv("closing.after={ exponential = \"2s\" },5s"), ["{ exponential = \"2s\" }", "5000000"]);
}

#[test]
fn named_options_win_and_are_named_in_errors() {
    let changes = [
        Change::Set("peers=5".into()),
        Change::Option { option: "--peers", key: "peers", value: "9".into() },
        Change::strategies(vec!["abrupt-close".into()]),
    ];
    let points = load_changed(&teardown(), &changes, &[]).unwrap();
    assert_eq!((points[0].scenario.peers, points[0].scenario.strategies[0].name.as_str()), (9, "abrupt-close"));
    let changes = [
        Change::Option { option: "--peers", key: "peers", value: "-9".into() },
        Change::strategies(vec!["handshake".into(), "handshaek".into()]),
    ];
    let message = load_changed(&teardown(), &changes, &[]).unwrap_err().to_string();
    assert!(message.contains("error: --peers -9: `peers` must be"), "{message}");
    assert!(message.contains("error: --strategy handshaek: no strategy"), "{message}");
}

#[test]
fn a_default_written_out_changes_nothing() {
    let plain = one(&teardown(), &[]);
    let said =
        one(&teardown(), &["closing.grace=0s", "nodes=1", "closing.in_wait=process", "links.wire.reorder=false"]);
    assert_eq!(to_json(&plain), to_json(&said));
    assert_eq!(sha256(&to_json(&plain)), sha256(&to_json(&said)));
    assert_ne!(sha256(&to_json(&plain)), sha256(&to_json(&one(&teardown(), &["seed=2"]))));
}

#[test]
fn the_resolved_scenario_holds_no_path() {
    let json = to_json(&one(&every_key(), &[]));
    let text = json.to_string();
    assert!(!text.contains(".csv") && !text.contains("tests/good"), "{text}");
    assert_eq!(json["classes"][1]["link"]["up"]["latency_us"]["empirical"]["count"], 3);
}

#[test]
fn a_file_without_a_name_is_called_after_itself() {
    let text = teardown().text.replace("name = \"kernel-teardown\"", "");
    let source = |name: &str| SourceText { name: name.into(), text: text.clone(), base: None };
    assert_eq!(one(&source("dir/mine.toml"), &[]).name, "mine");
    assert!(refused(&source("dir/my scenario.toml"), &[]).contains("missing key `name`"));
}

#[test]
fn no_text_and_no_option_panics() {
    let text = teardown().text;
    for cut in 0..text.len() {
        let source = SourceText { text: text[..cut].to_owned(), ..teardown() };
        if let Err(errors) = load(&source, &[], &[]) {
            assert!(!errors.to_string().is_empty());
        }
    }
    let deep = format!("x = {}1{}", "[".repeat(10_000), "]".repeat(10_000));
    assert!(load(&SourceText { text: deep, ..teardown() }, &[], &[]).is_err());
    for set in [
        "peers=99999999999999999999999999999999999999999",
        "peers=[[[",
        "a.b.c.d.e.f.g.h.i.j.k.l.m.n=1",
        "\"=1",
        "class.99999999999999999999.x=1",
        "closing.timeout=99999999999999999999s",
        "links.wire.rate=1e400Mbit",
    ] {
        assert!(!refused(&teardown(), &[set]).is_empty());
    }
}

#[test]
fn kernel_settings_go_over_their_preset() {
    let set = ["kernel.preset=rfc9293", "kernel.tcp_rmem=[4096, \"64KiB\", \"1MiB\"]", "kernel.tcp_sack=false"];
    let kernel = one(&every_key(), &set).kernel;
    let preset = Kernel::preset("rfc9293").unwrap();
    assert_eq!(kernel.tcp_fin_timeout, Micros::from_secs(30), "the file's");
    assert_eq!((kernel.tcp_rmem, kernel.tcp_sack), ([4_096, 65_536, 1 << 20], false));
    assert_eq!((kernel.time_wait, kernel.tcp_frto), (preset.time_wait, preset.tcp_frto));
    assert_eq!(one(&teardown(), &[]).kernel, Kernel::default());
    let varies = ["kernel.tcp_fin_timeout=1s,60s".to_owned()];
    let points = load(&teardown(), &[], &varies).unwrap();
    assert_eq!(
        (points[0].varied[0].1.as_str(), points[0].scenario.kernel.tcp_fin_timeout),
        ("1000000", Micros::from_secs(1))
    );
}

#[test]
fn kernel_settings_are_checked_by_the_table_of_sysctls() {
    for (set, part) in [
        ("kernel.tcp_fin_timout=1s", "nearest: `tcp_fin_timeout`"),
        ("kernel.tcp_fin_timeout=30", "a duration needs a unit"),
        ("kernel.tcp_fin_timeout=40days", "allowed is"),
        ("kernel.tcp_retries2=256", "a whole number from 0 to 255"),
        ("kernel.tcp_sack=1", "true or false"),
        ("kernel.tcp_congestion_control=bbr", "allowed: cubic, reno"),
        ("kernel.tcp_rmem=[8192, 4096, 65536]", "rising"),
        ("kernel.tcp_rmem=[8192, 9000]", "found a list of 2"),
        ("kernel.tcp_rmem=[8192, 9000, 9000, 9000]", "found a list of 4"),
        ("kernel.preset=linus", "nearest: `linux`"),
    ] {
        let message = refused(&teardown(), &[set]);
        assert!(message.contains(part) && message.contains(set), "{set}: {message}");
    }
}

#[test]
fn socket_options_arrive_at_their_side() {
    let scenario = Scenario::from_toml(COMING_BACK).unwrap();
    let server = SocketOptions { keepalive: false, user_timeout: Some(Micros::from_secs(40)) };
    let client = SocketOptions { keepalive: true, user_timeout: None };
    assert_eq!((scenario.sockets.at(Side::Server), scenario.sockets.at(Side::Client)), (&server, &client));
    assert_eq!(one(&teardown(), &[]).sockets, Sockets::default());
    assert!(refused(&teardown(), &["sockets.server.keepalives=true"]).contains("nearest: `keepalive`"));
}
