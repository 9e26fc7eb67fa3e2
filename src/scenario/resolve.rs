//! The rules between keys: from the checked document to a [`Scenario`], or to all problems at once.

use std::collections::BTreeSet;

use crate::dist::Distribution;
use crate::scenario::chaos::Chaos;
use crate::scenario::classes::{Definitions, classes};
use crate::scenario::closing;
use crate::scenario::entries::{Surroundings, entries};
use crate::scenario::error::Problem;
use crate::scenario::kernel;
use crate::scenario::management;
use crate::scenario::quantity;
use crate::scenario::random_chaos;
use crate::scenario::reconnect;
use crate::scenario::server;
use crate::scenario::shape::Shape;
use crate::scenario::sockets;
use crate::scenario::study::{self, Study};
use crate::scenario::tree::{Table, Tree};
use crate::scenario::value::{Node, Origin, Value};
use crate::scenario::walk::is_name;
use crate::scenario::{Class, Scenario};
use crate::time::Micros;
use crate::xmpp::config::{By, Negotiation, StreamKind};

/// The scenario that a checked document describes; `None` if there are problems.
pub(super) fn scenario(tree: &Tree, stem: &str, problems: &mut Vec<Problem>) -> Option<Scenario> {
    let before = problems.len();
    let root = tree.table()?;
    let empty = Table::default();
    let table = |key: &str| root.table(key).unwrap_or(&empty);
    let name = name(root, stem, problems);
    let closing_tree = root.get("closing")?;
    let when = closing::when(table("closing"), problems);
    let said = table("closing").has("after") || table("closing").has("idle");
    closing::check_mixes(table("mix"), problems);
    let contenders = match (closing::settings(table("closing")), root.get("strategies").and_then(Tree::list)) {
        (Some(settings), Some(list)) => closing::contenders(list, table("mix"), &settings, said, problems),
        _ => Vec::new(),
    };
    let may_be_misspelt = root.unknown && closing_tree.origin == Origin::Default;
    if !(said || may_be_misspelt) {
        closing::check_when(&contenders, closing_tree, problems);
    }
    let definitions = Definitions::read(table("links"), table("traffic"), problems);
    let classes = classes(root.get("class").and_then(Tree::list).unwrap_or(&[]), &definitions, problems);
    let chaos = chaos(root, &classes, problems);
    let reconnect = reconnect::reconnect(root, &classes, problems);
    management::check(root, problems);
    let server = server::server(root, problems);
    let kernel = root.get("kernel").and_then(|t| kernel::kernel(t, problems));
    let arrivals = arrivals(root, problems);
    check_nodes(root, problems);
    if problems.len() > before {
        return None;
    }
    Some(Scenario {
        name: name?,
        duration: root.time("duration")?,
        peers: root.count("peers")?,
        nodes: root.count("nodes")?,
        seed: root.integer("seed")?,
        strategies: contenders,
        arrivals: arrivals?,
        kind: if root.text("kind")? == "s2s" { StreamKind::ServerToServer } else { StreamKind::ClientToServer },
        negotiation: if root.text("negotiation")? == "minimal" { Negotiation::Minimal } else { Negotiation::Full },
        by: closing::by(table("closing")),
        when,
        classes,
        kernel: kernel?,
        stream_management: root.table("stream_management").and_then(management::settings),
        chaos,
        reconnect,
        server,
        sockets: sockets::sockets(root)?,
    })
}

fn chaos(root: &Table, classes: &[Class], problems: &mut Vec<Problem>) -> Vec<Chaos> {
    let list = |key: &str| root.get(key).and_then(Tree::list).unwrap_or(&[]);
    let names = list("class").iter().map(|t| t.table().and_then(|t| t.text("name")).unwrap_or_default()).collect();
    let (Some(duration), Some(nodes)) = (root.time("duration"), root.count("nodes")) else { return Vec::new() };
    let by = root.table("closing").map_or(By::Server, closing::by);
    let around = Surroundings { duration, nodes, by, names, classes };
    let mut chaos = entries(list("chaos"), &around, problems);
    chaos.extend(random_chaos::entries(root, &around, problems));
    chaos
}

/// The study of a checked document, which describes this scenario; `None` if there are problems.
pub(super) fn study(tree: &Tree, scenario: &Scenario, problems: &mut Vec<Problem>) -> Option<Study> {
    study::study(tree.table()?, &scenario.strategies, problems)
}

fn name(root: &Table, stem: &str, problems: &mut Vec<Problem>) -> Option<String> {
    if root.has("name") {
        return root.text("name").map(str::to_owned);
    }
    if !is_name(stem) {
        problems.push(Problem {
            title: "missing key `name`".to_owned(),
            label: format!("the file's name cannot stand for it: `name` must be {}", Shape::Name.describe()),
            origin: Origin::Whole,
        });
        return None;
    }
    Some(stem.to_owned())
}

/// When streams open. A Poisson process observed until all N peers are there is N independent uniform instants over N
/// divided by its rate: so each stream draws its own, and no other shifts it.
fn arrivals(root: &Table, problems: &mut Vec<Problem>) -> Option<Distribution> {
    let tree = root.get("arrivals")?;
    let table = tree.table();
    let value = |key: &str| table.and_then(|t| t.quantity(key));
    let peers = root.quantity("peers")?;
    let arrivals = if let Some(over) = value("over") {
        Distribution::Uniform { low: 0.0, high: over }
    } else if let Some(rate) = value("poisson") {
        Distribution::Uniform { low: 0.0, high: peers / rate * 1e6 }
    } else if let Some(at) = value("at") {
        Distribution::Constant(at)
    } else {
        quantity::distribution(tree)?
    };
    let last =
        if let Distribution::Constant(last) | Distribution::Uniform { high: last, .. } = arrivals { last } else { 0.0 };
    let duration = root.time("duration")?;
    if last >= Tree::quantity(root.get("duration")?)? {
        problems.push(Problem {
            title: "`arrivals` ends after the run".to_owned(),
            label: format!("the last stream opens at {:.3} s, the run ends at {duration}", last / 1e6),
            origin: if tree.origin == Origin::Default { Origin::Whole } else { tree.origin.clone() },
        });
    }
    Some(arrivals)
}

fn check_nodes(root: &Table, problems: &mut Vec<Problem>) {
    let (Some(nodes), Some(peers), Some(tree)) = (root.integer("nodes"), root.integer("peers"), root.get("nodes"))
    else {
        return;
    };
    if nodes > peers {
        problems.push(Problem {
            title: "`nodes` is more than `peers`".to_owned(),
            label: format!("found {nodes} nodes for {peers} peers; allowed: 1 to {peers}"),
            origin: tree.origin.clone(),
        });
    }
}

/// The names of links and of traffic that classes use.
#[derive(Default)]
pub(super) struct Used {
    links: BTreeSet<String>,
    traffic: BTreeSet<String>,
}

impl Used {
    /// Notes what the classes of a document name. The file as it stands counts, and so does every sweep point, so that
    /// an option may turn to another link.
    pub(super) fn note(&mut self, document: &Node) {
        self.links.extend(named(document, "link").map(str::to_owned));
        self.traffic.extend(named(document, "traffic").map(str::to_owned));
    }

    /// Refuses definitions that nothing uses: more likely a misspelt name than intent.
    pub(super) fn check(&self, document: &Node, problems: &mut Vec<Problem>) {
        for (key, section, used) in [("link", "links", &self.links), ("traffic", "traffic", &self.traffic)] {
            let Some(Value::Table(entries)) = document.get(section).map(|n| &n.value) else { continue };
            for entry in entries.iter().filter(|e| !used.contains(&e.key)) {
                problems.push(Problem {
                    title: format!("`{section}.{}` is not used", entry.key),
                    label: format!("no class has {key} = {:?}", entry.key),
                    origin: entry.key_origin.clone(),
                });
            }
        }
    }
}

fn named<'n>(document: &'n Node, key: &'static str) -> impl Iterator<Item = &'n str> {
    let classes = match document.get("class").map(|n| &n.value) {
        Some(Value::List(classes)) => classes.as_slice(),
        _ => &[],
    };
    classes.iter().filter_map(move |class| match class.get(key).map(|n| &n.value) {
        Some(Value::Text(text)) => Some(text.as_str()),
        _ => None,
    })
}

impl Scenario {
    /// The shortest latency that any packet of the scenario may have: what an engine must be able to keep.
    pub fn fastest_latency(&self) -> Micros {
        let floors = self.classes.iter().flat_map(|c| [c.link.up.latency_floor, c.link.down.latency_floor]);
        floors.min().unwrap_or(Micros::ZERO)
    }
}
