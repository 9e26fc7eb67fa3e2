//! Classes of peers, with the links and the traffic that they name.

use std::collections::BTreeMap;

use crate::net::link::LinkConfig;
use crate::net::profile;
use crate::scenario::Class;
use crate::scenario::catalog;
use crate::scenario::error::{Problem, choices, choices_and_presets};
use crate::scenario::links::link;
use crate::scenario::quantity;
use crate::scenario::stanzas::traffic;
use crate::scenario::tree::{Table, Tree};
use crate::scenario::value::Origin;
use crate::xmpp::config::{Responder, ResponderProfile, Traffic};

/// Links and traffic by name: `None` where the definition is there but not usable.
pub(super) struct Definitions {
    links: BTreeMap<String, Option<LinkConfig>>,
    traffic: BTreeMap<String, Option<Traffic>>,
}

impl Definitions {
    /// Reads `links` and `traffic`.
    pub(super) fn read(links: &Table, traffics: &Table, problems: &mut Vec<Problem>) -> Self {
        for field in links.fields.iter().filter(|f| profile::by_name(&f.key).is_some()) {
            problems.push(Problem {
                title: format!("`{}` is the name of a built-in link profile", field.key),
                label: "give the link another name".to_owned(),
                origin: field.key_origin.clone(),
            });
        }
        let links = links.fields.iter().map(|f| (f.key.clone(), link(&f.tree, problems))).collect();
        let traffic = traffics.fields.iter().map(|f| (f.key.clone(), traffic(&f.tree, problems))).collect();
        Self { links, traffic }
    }

    fn link(&self, tree: &Tree, problems: &mut Vec<Problem>) -> Option<LinkConfig> {
        let Some(name) = tree.text() else {
            return link(tree, problems);
        };
        if let Some(defined) = self.links.get(name) {
            return defined.clone();
        }
        let found = profile::by_name(name);
        if found.is_none() {
            let known: Vec<&str> = self.links.keys().map(String::as_str).chain(profile::names()).collect();
            problems.push(Problem {
                title: format!("`{}` names no link", tree.path),
                label: format!("found {name:?}; {}", choices(name, &known)),
                origin: tree.origin.clone(),
            });
        }
        found
    }

    fn traffic(&self, tree: &Tree, problems: &mut Vec<Problem>) -> Option<Traffic> {
        let Some(name) = tree.text() else {
            return traffic(tree, problems);
        };
        if let Some(defined) = self.traffic.get(name) {
            return defined.clone();
        }
        let known: Vec<&str> = self.traffic.keys().map(String::as_str).collect();
        problems.push(Problem {
            title: format!("`{}` names no traffic", tree.path),
            label: format!("found {name:?}; {}", choices(name, &known)),
            origin: tree.origin.clone(),
        });
        None
    }
}

/// The classes in order; those that are not usable are left out, with their problems recorded.
pub(super) fn classes(list: &[Tree], definitions: &Definitions, problems: &mut Vec<Problem>) -> Vec<Class> {
    let mut names: Vec<&str> = Vec::new();
    for tree in list {
        let Some(name) = tree.table().and_then(|t| t.get("name")) else { continue };
        let Some(text) = name.text() else { continue };
        if names.contains(&text) {
            let title = format!("`{}` stands for a second class `{text}`", name.path);
            let label = "the names of classes must differ".to_owned();
            problems.push(Problem { title, label, origin: name.origin.clone() });
        }
        names.push(text);
    }
    list.iter().filter_map(|tree| class(tree, definitions, problems)).collect()
}

fn class(tree: &Tree, definitions: &Definitions, problems: &mut Vec<Problem>) -> Option<Class> {
    let table = tree.table()?;
    // Everything is read before anything is given up, so that all problems are found.
    let link = table.get("link").and_then(|t| definitions.link(t, problems));
    let traffic = match table.get("traffic") {
        Some(t) => definitions.traffic(t, problems),
        None => Some(Traffic { client: None, server: None }),
    };
    let responder = table.get("responder").and_then(|t| responder(t, table, problems));
    Some(Class {
        name: table.text("name")?.to_owned(),
        weight: table.quantity("weight")?,
        responder_name: table.text("responder")?.to_owned(),
        responder: responder?,
        link: link?,
        traffic: traffic?,
    })
}

fn responder(tree: &Tree, class: &Table, problems: &mut Vec<Problem>) -> Option<ResponderProfile> {
    let name = tree.text()?;
    let Some(mut profile) = catalog::responder(name) else {
        problems.push(Problem {
            title: format!("`{}` names no responder and no preset that answers", tree.path),
            label: format!(
                "found {name:?}; {}",
                choices_and_presets(name, &catalog::responders(), &catalog::responder_presets())
            ),
            origin: tree.origin.clone(),
        });
        return None;
    };
    let chosen_by_option = matches!(tree.origin, Origin::Option(_));
    let plain = Responder::from_name(name);
    let delays = plain.is_some_and(Responder::delays);
    let drips = plain == Some(Responder::Drips);
    for (key, has, whose) in
        [("delay", delays, "a plain responder that answers has one"), ("drip_interval", drips, "only `drips` has it")]
    {
        let Some(field) = class.field(key) else { continue };
        let overruled = chosen_by_option && matches!(field.tree.origin, Origin::File(_));
        if !has && !overruled {
            problems.push(Problem {
                title: format!("`{}` has no effect on the responder `{name}`", field.tree.path),
                label: whose.to_owned(),
                origin: field.key_origin.clone(),
            });
        }
    }
    if delays {
        profile.delay = quantity::at(class, "delay").unwrap_or(profile.delay);
    }
    if drips {
        profile.drip_interval = class.time("drip_interval").unwrap_or(profile.drip_interval);
    }
    Some(profile)
}
