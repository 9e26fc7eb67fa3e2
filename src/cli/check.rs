//! `farewell check`: validates a scenario and says what it would run.

use std::io::{self, Write};

use crate::cli::args::CheckArgs;
use crate::cli::{Failure, load, sets};
use crate::dist::Distribution;
use crate::net::link::{DirectionConfig, LossModel};
use crate::scenario::chaos::{Action, Chaos, Instants, Mishap, Target, Way};
use crate::scenario::measure::Measure;
use crate::scenario::reconnect::Reconnect;
use crate::scenario::study::Study;
use crate::scenario::{Class, Loaded, Scenario, SweepPoint, to_json};
use crate::time::Micros;
use crate::xmpp::config::{By, Negotiation, Process, Source, StreamKind, When};

/// Prints what the scenario would run.
pub(super) fn run(args: &CheckArgs, stdout: &mut dyn Write) -> Result<(), Failure> {
    let Loaded { study, points } = load(&args.scenario, &sets(&args.values.sets), &args.varies)?;
    if args.json {
        return Ok(json(&points, stdout)?);
    }
    let Some(first) = points.first() else { return Ok(()) };
    summary(&first.scenario, stdout)?;
    if points.len() > 1 {
        let keys: Vec<&str> = first.varied.iter().map(|(key, _)| key.as_str()).collect();
        writeln!(stdout, "sweep       {} points over {}; the above is the first", points.len(), keys.join(", "))?;
    }
    Ok(described(&study, &first.scenario, stdout)?)
}

/// Seeds, reference and metrics, as far as they are not what every scenario has.
fn described(study: &Study, scenario: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    if let Some(until) = study.until {
        writeln!(out, "study       seeds until {until}, at most {}", study.seeds)?;
    } else if study.seeds > 1 {
        writeln!(out, "study       {} seeds", study.seeds)?;
    }
    if study.reference > 0 {
        writeln!(out, "reference   {}", scenario.strategies[study.reference].name)?;
    }
    if study.metrics.len() < Measure::all().count() {
        let names: Vec<&str> = study.metrics.iter().map(|measure| measure.name()).collect();
        writeln!(out, "metrics     {}", names.join(", "))?;
    }
    Ok(())
}

fn json(points: &[SweepPoint], stdout: &mut dyn Write) -> io::Result<()> {
    match points {
        [only] => writeln!(stdout, "{:#}", to_json(&only.scenario)),
        many => {
            let all: Vec<_> = many.iter().map(|p| to_json(&p.scenario)).collect();
            writeln!(stdout, "{:#}", serde_json::Value::Array(all))
        }
    }
}

fn summary(scenario: &Scenario, out: &mut dyn Write) -> io::Result<()> {
    let kind = match scenario.kind {
        StreamKind::ClientToServer => "client",
        StreamKind::ServerToServer => "server",
    };
    let negotiation = match scenario.negotiation {
        Negotiation::Full => "full",
        Negotiation::Minimal => "minimal",
    };
    let by = match scenario.by {
        By::Server => "the server",
        By::Client => "the client",
        By::Both => "both sides at once",
    };
    writeln!(out, "{}: the scenario is valid", scenario.name)?;
    writeln!(out, "peers       {} {kind} streams on {}", scenario.peers, count(scenario.nodes, "node"))?;
    writeln!(out, "time        {} simulated, {negotiation} negotiation", scenario.duration)?;
    writeln!(out, "arrivals    {}", times(&scenario.arrivals))?;
    writeln!(out, "closing     by {by}, {}", when(scenario.when.as_ref()))?;
    for (i, contender) in scenario.strategies.iter().enumerate() {
        let mut mix = String::new();
        if contender.closers.len() > 1 {
            let parts: Vec<String> = contender.closers.iter().map(|c| format!("{} {}", c.weight, c.name)).collect();
            mix = format!(" = {}", parts.join(" + "));
        }
        let label = if i == 0 { "strategies" } else { "" };
        writeln!(out, "{label:12}{}{mix}", contender.name)?;
    }
    let total: f64 = scenario.classes.iter().map(|c| c.weight).sum();
    for (i, class) in scenario.classes.iter().enumerate() {
        let label = if i == 0 { "classes" } else { "" };
        let share = 100.0 * class.weight / total;
        writeln!(out, "{label:12}{} ({share:.1} %): {}", class.name, peer(class))?;
    }
    for (i, entry) in scenario.chaos.iter().enumerate() {
        let label = if i == 0 { "chaos" } else { "" };
        writeln!(out, "{label:12}{}", chaos(entry, scenario))?;
    }
    if let Some(reconnect) = &scenario.reconnect {
        writeln!(out, "reconnect   {}", back(reconnect, scenario))?;
    }
    writeln!(out, "fastest     {} one way", scenario.fastest_latency())
}

/// How peers come back, in words.
fn back(reconnect: &Reconnect, scenario: &Scenario) -> String {
    let Reconnect { delay, backoff, ceiling, jitter, tries, times, classes } = reconnect;
    let on = classes.as_ref().map_or_else(String::new, |classes| {
        let names: Vec<&str> = classes.iter().map(|class| scenario.classes[*class].name.as_str()).collect();
        format!(", on {}", names.join(", "))
    });
    let tries = tries.map_or_else(String::new, |tries| format!(", given up after {tries} failed tries"));
    let random = 100.0 * jitter;
    format!(
        "{} after the end, then every {backoff} to {ceiling} ({random:.0} % random){tries}, at most {}{on}",
        self::times(delay),
        count(*times, "time")
    )
}

/// An entry of the schedule in words.
fn chaos(entry: &Chaos, scenario: &Scenario) -> String {
    let at = match entry.at {
        Instants::Once(at) => format!("at {at}"),
        Instants::Every { every, jitter: Micros::ZERO } => format!("every {every}"),
        Instants::Every { every, jitter } => format!("every {every}, up to {jitter} late"),
        Instants::Poisson(rate) => format!("{rate} times a second"),
    };
    let lasts = entry.lasts.as_ref().map_or_else(String::new, |lasts| format!(" for {}", times(lasts)));
    let way = match entry.action {
        Action::Link(_, Way::ToServer) | Action::Inject(_, Way::ToServer) => " to the server",
        Action::Link(_, Way::ToClient) | Action::Inject(_, Way::ToClient) => " to the client",
        Action::Link(_, Way::Both) | Action::Inject(_, Way::Both) | Action::Machine(_) | Action::NatExpire => "",
    };
    let on = match entry.on {
        Target::All => "all".to_owned(),
        Target::Server => count(scenario.nodes, "server node"),
        Target::Node(node) => format!("node {}", node.0),
        Target::Class(class) => scenario.classes[class].name.clone(),
        Target::Share(share) => format!("{:.1} % of the peers", 100.0 * share),
    };
    let by = if let Action::Machine(Mishap::ClockJump(shift)) = entry.action {
        format!(" by {shift}")
    } else {
        String::new()
    };
    format!("{}{by}{way} {at}{lasts}, on {on}", entry.action.name())
}

fn count(n: u32, what: &str) -> String {
    if n == 1 { format!("1 {what}") } else { format!("{n} {what}s") }
}

fn when(when: Option<&When>) -> String {
    match when {
        Some(When::After(after)) => format!("{} after the stream is up", times(after)),
        Some(When::Idle { idle, sweep }) if *sweep == Micros::ZERO => format!("idle for {}", times(idle)),
        Some(When::Idle { idle, sweep }) => format!("idle for {}, looked for every {sweep}", times(idle)),
        None => "each preset by its own idle limit".to_owned(),
    }
}

fn peer(class: &Class) -> String {
    let link = if class.link.up == class.link.down {
        direction(&class.link.up)
    } else {
        format!("up {}, down {}", direction(&class.link.up), direction(&class.link.down))
    };
    let traffic = match (&class.traffic.client, &class.traffic.server) {
        (None, None) => "no stanzas".to_owned(),
        (Some(client), None) => format!("client writes {}", source(client)),
        (None, Some(server)) => format!("server writes {}", source(server)),
        (Some(client), Some(server)) => {
            format!("client writes {}, server {}", source(client), source(server))
        }
    };
    format!("{}; {link}; {traffic}", class.responder_name)
}

fn direction(direction: &DirectionConfig) -> String {
    let loss = match direction.loss {
        LossModel::Independent(p) => format!("loss {p}"),
        LossModel::GilbertElliott { p, r, bad_loss, good_loss } => {
            let share = if p + r > 0.0 { (p * bad_loss + r * good_loss) / (p + r) } else { good_loss };
            format!("loss {share:.4} in bursts")
        }
    };
    let rate = direction.rate.map_or(String::new(), |rate| {
        let bits = rate.bits_per_second;
        if bits % 100_000 == 0 {
            format!(", {}.{} Mbit/s", bits / 1_000_000, bits / 100_000 % 10)
        } else {
            format!(", {bits} bit/s")
        }
    });
    format!("{}, {loss}{rate}", times(&direction.latency))
}

fn source(source: &Source) -> String {
    match &source.process {
        Process::Poisson(rate) => format!("{rate} a second"),
        Process::Periodic(every) => format!("one every {every}"),
        Process::Bursts { every, stanzas, .. } => format!("bursts of {stanzas} every {}", times(every)),
        Process::Respond { .. } => "answers".to_owned(),
    }
}

/// A distribution of times in words.
fn times(distribution: &Distribution) -> String {
    match distribution {
        Distribution::Constant(us) => time(*us),
        Distribution::Uniform { low, high } => format!("{} to {}", time(*low), time(*high)),
        Distribution::Exponential { mean } => format!("exponential with mean {}", time(*mean)),
        Distribution::Normal { mean, sd } => format!("normal with mean {} and deviation {}", time(*mean), time(*sd)),
        Distribution::LogNormal { median, .. } => format!("log-normal with median {}", time(*median)),
        Distribution::Gamma { mean, .. } => format!("gamma with mean {}", time(*mean)),
        Distribution::Pareto { minimum, .. } => format!("Pareto from {} on", time(*minimum)),
        Distribution::Weibull { scale, .. } => format!("Weibull with scale {}", time(*scale)),
        Distribution::Empirical(values) => format!("one of {} measured values", values.len()),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a scenario's times are at most a year")]
fn time(us: f64) -> String {
    Micros::new(us.round() as u64).to_string()
}
