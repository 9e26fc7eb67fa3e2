//! Links, from their tables and from built-in profiles.

use crate::dist::Distribution;
use crate::net::firewall::Firewall;
use crate::net::link::{DirectionConfig, LinkConfig, LossModel, RateLimit};
use crate::net::middlebox::{Middlebox, OnExpiry};
use crate::net::profile;
use crate::net::proxy::{OnReset, Proxy};
use crate::scenario::error::Problem;
use crate::scenario::quantity;
use crate::scenario::tree::{Item, Table, Tree};
use crate::scenario::value::Origin;
use crate::time::Micros;

/// Raises the draws of a latency that has no lowest value of its own.
const DEFAULT_FLOOR: Micros = Micros::from_millis(2);

/// Bytes that may wait before a line of limited rate if the scenario does not say.
pub(super) const DEFAULT_QUEUE: u64 = 65_536;

/// One direction while its keys are being collected.
#[derive(Clone, Default)]
struct Draft {
    latency: Option<Distribution>,
    floor: Option<Micros>,
    loss: Option<LossModel>,
    duplicate: Option<f64>,
    reorder: Option<bool>,
    rate: Option<u64>,
    queue: Option<u64>,
}

/// The link that a table describes; `None` if it is not usable, with its problems recorded.
pub(super) fn link(tree: &Tree, problems: &mut Vec<Problem>) -> Option<LinkConfig> {
    let table = tree.table()?;
    let base = table.text("profile").and_then(profile::by_name);
    let up = draft(base.as_ref().map(|b| &b.up), table, "up");
    let down = draft(base.as_ref().map(|b| &b.down), table, "down");
    let own = |direction: &str| table.table(direction).is_some_and(|t| t.has("latency"));
    let has_latency = table.has("profile") || table.has("latency") || (own("up") && own("down"));
    if !has_latency {
        problems.push(Problem {
            title: format!("missing key `{}.latency`", tree.path),
            label: "a link needs `latency`, or `profile`, or a latency under both `up` and `down`".to_owned(),
            origin: tree.origin.clone(),
        });
    }
    let both = [&up, &down].iter().all(|d| d.rate.is_some());
    if !both {
        queue_without_rate(table, &tree.path, &up, &down, problems);
    }
    let middlebox = table.table("middlebox").and_then(middlebox);
    let firewall = table.table("firewall").and_then(|table| firewall(table, problems));
    Some(LinkConfig {
        up: up.finish()?,
        down: down.finish()?,
        middlebox,
        firewall,
        proxy: table.table("proxy").and_then(proxy),
    })
}

fn proxy(table: &Table) -> Option<Proxy> {
    let Item::Bytes(buffer) = table.get("buffer")?.item else { return None };
    Some(Proxy {
        latency: table.time("latency")?,
        half_close: matches!(table.get("half_close")?.item, Item::Boolean(true)),
        on_reset: if table.text("on_reset")? == "close" { OnReset::Close } else { OnReset::Reset },
        idle: table.time("idle"),
        buffer,
    })
}

fn firewall(table: &Table, problems: &mut Vec<Problem>) -> Option<Firewall> {
    let syn_rate = table.count("syn_rate");
    if let (None, Some(field)) = (syn_rate, table.field("burst").filter(|field| field.tree.origin != Origin::Default)) {
        problems.push(Problem {
            title: format!("`{}` has no effect without `syn_rate`", field.tree.path),
            label: "it says how many may come at once of so many a second".to_owned(),
            origin: field.key_origin.clone(),
        });
    }
    let on_full = if table.text("on_full")? == "reset" { OnExpiry::Reset } else { OnExpiry::Drop };
    Some(Firewall { table: table.count("table"), on_full, syn_rate, burst: table.count("burst")? })
}

fn middlebox(table: &Table) -> Option<Middlebox> {
    let on_expiry = if table.text("on_expiry")? == "reset" { OnExpiry::Reset } else { OnExpiry::Drop };
    Some(Middlebox { nat_idle: table.time("nat_idle")?, on_expiry })
}

/// Refuses a queue that no rate makes wait.
fn queue_without_rate(table: &Table, path: &str, up: &Draft, down: &Draft, problems: &mut Vec<Problem>) {
    let none = up.rate.is_none() && down.rate.is_none();
    let places = [
        (Some(table), path.to_owned(), none),
        (table.table("up"), format!("{path}.up"), up.rate.is_none()),
        (table.table("down"), format!("{path}.down"), down.rate.is_none()),
    ];
    for (table, path, idle) in places {
        if let (Some(field), true) = (table.and_then(|t| t.field("queue")), idle) {
            problems.push(Problem {
                title: format!("`{path}.queue` has no effect without `rate`"),
                label: "an infinitely fast line has no queue".to_owned(),
                origin: field.key_origin.clone(),
            });
        }
    }
}

/// What a direction is made of: the profile, then the link's keys, then those of the direction.
fn draft(base: Option<&DirectionConfig>, table: &Table, direction: &str) -> Draft {
    let mut draft = base.map_or_else(Draft::default, Draft::of_profile);
    draft.overlay(table);
    if let Some(own) = table.table(direction) {
        draft.overlay(own);
    }
    draft
}

impl Draft {
    fn of_profile(profile: &DirectionConfig) -> Self {
        Self {
            latency: Some(profile.latency.clone()),
            floor: Some(profile.latency_floor),
            loss: Some(profile.loss.clone()),
            duplicate: Some(profile.duplicate),
            reorder: Some(profile.reorder),
            rate: profile.rate.map(|r| r.bits_per_second),
            queue: profile.rate.map(|r| r.queue_bytes),
        }
    }

    fn overlay(&mut self, table: &Table) {
        if let Some(latency) = quantity::at(table, "latency") {
            // A floor belongs to its latency: another one has its own.
            (self.latency, self.floor) = (Some(latency), None);
        }
        let boolean = |tree: &Tree| if let Item::Boolean(b) = tree.item { Some(b) } else { None };
        let rate = |tree: &Tree| if let Item::Rate(n) = tree.item { Some(n) } else { None };
        let bytes = |tree: &Tree| if let Item::Bytes(n) = tree.item { Some(n) } else { None };
        self.floor = table.time("floor").or(self.floor);
        self.loss = table.get("loss").and_then(loss).or_else(|| self.loss.take());
        self.duplicate = table.quantity("duplicate").or(self.duplicate);
        self.reorder = table.get("reorder").and_then(boolean).or(self.reorder);
        self.rate = table.get("rate").and_then(rate).or(self.rate);
        self.queue = table.get("queue").and_then(bytes).or(self.queue);
    }

    fn finish(self) -> Option<DirectionConfig> {
        let latency = self.latency?;
        let lowest = quantity::lowest(&latency);
        let latency_floor = match (self.floor, lowest) {
            (Some(floor), Some(lowest)) => floor.max(lowest),
            (Some(floor), None) => floor,
            (None, lowest) => lowest.unwrap_or(DEFAULT_FLOOR),
        };
        Some(DirectionConfig {
            latency,
            latency_floor,
            reorder: self.reorder.unwrap_or(false),
            loss: self.loss.unwrap_or(LossModel::Independent(0.0)),
            duplicate: self.duplicate.unwrap_or(0.0),
            rate: self
                .rate
                .map(|bits_per_second| RateLimit { bits_per_second, queue_bytes: self.queue.unwrap_or(DEFAULT_QUEUE) }),
        })
    }
}

fn loss(tree: &Tree) -> Option<LossModel> {
    let Some(table) = tree.table() else {
        return tree.quantity().map(LossModel::Independent);
    };
    let gilbert = table.table("gilbert")?;
    Some(LossModel::GilbertElliott {
        p: gilbert.quantity("p")?,
        r: gilbert.quantity("r")?,
        bad_loss: gilbert.quantity("bad_loss")?,
        good_loss: gilbert.quantity("good_loss")?,
    })
}
