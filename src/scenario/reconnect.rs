//! Peers that come back: the `reconnect` table.
//!
//! Defaults follow RFC 6120 §3.3: an unpredictable number of seconds between 0 and 60 before the first try, then a truncated
//! binary exponential back-off. Clients differ: xmpp.js waits 1 s, Babbler follows the RFC. How long the first back-off is,
//! where it is cut off and how much of it is random is nowhere said: those defaults are assumptions.

use serde::{Deserialize, Serialize};

use crate::dist::Distribution;
use crate::net::addr::MAX_STREAMS;
use crate::rng::Rng;
use crate::scenario::Class;
use crate::scenario::error::{Problem, choices};
use crate::scenario::quantity;
use crate::scenario::tree::Table;
use crate::scenario::value::Origin;
use crate::time::Micros;

/// How a client whose stream has ended comes back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Reconnect {
    /// Time from the end of the stream until the first try.
    pub delay: Distribution,
    /// Wait after the first failed try; it doubles with each further one in a row.
    pub backoff: Micros,
    /// The longest such wait.
    pub ceiling: Micros,
    /// The share of each such wait that is random, from 0 to 1.
    pub jitter: f64,
    /// So many failed tries in a row, and the client gives up; `None`: never.
    pub tries: Option<u32>,
    /// How often a peer may come back.
    pub times: u32,
    /// Indices of the classes whose peers come back; `None`: all.
    pub classes: Option<Vec<usize>>,
}

impl Reconnect {
    /// Whether peers of a class come back at all.
    pub fn concerns(&self, class: usize) -> bool {
        self.classes.as_ref().is_none_or(|classes| classes.contains(&class))
    }

    /// The wait after so many failed tries in a row, at least one of them: always one draw.
    pub fn wait(&self, failed: u32, rng: &mut Rng) -> Micros {
        let doubled =
            self.backoff.get().saturating_mul(1_u64.checked_shl(failed.saturating_sub(1)).unwrap_or(u64::MAX));
        let whole = Distribution::always(Micros::new(doubled.min(self.ceiling.get())));
        let part = self.jitter * rng.unit();
        Distribution::Constant(whole.mean() * (1.0 - part)).draw_micros(rng)
    }

    /// Whether so many failed tries in a row are enough.
    pub fn gives_up(&self, failed: u32) -> bool {
        self.tries.is_some_and(|tries| failed >= tries)
    }
}

/// The most often that each of so many peers may come back, so that every stream has an address.
fn most(peers: u32) -> u32 {
    (MAX_STREAMS / peers).saturating_sub(1)
}

/// The table, if there is one.
pub(super) fn reconnect(root: &Table, classes: &[Class], problems: &mut Vec<Problem>) -> Option<Reconnect> {
    let field = root.field("reconnect")?;
    let table = field.tree.table()?;
    let before = problems.len();
    if root.table("closing").and_then(|closing| closing.text("by")) == Some("both") {
        problems.push(Problem {
            title: "`reconnect` cannot stand beside `closing.by` = \"both\"".to_owned(),
            label: "both sides of a stream that opens later know no common instant; allowed: server, client".to_owned(),
            origin: field.key_origin.clone(),
        });
    }
    let times = times(root, table, &field.key_origin, problems);
    let (backoff, ceiling) = (table.time("backoff"), table.time("ceiling"));
    if let (Some(backoff), Some(ceiling), Some(tree)) = (backoff, ceiling, table.get("ceiling"))
        && ceiling < backoff
    {
        problems.push(Problem {
            title: "`reconnect.ceiling` is below `reconnect.backoff`".to_owned(),
            label: format!("found {ceiling}, the first wait is {backoff}"),
            origin: if tree.origin == Origin::Default { field.key_origin.clone() } else { tree.origin.clone() },
        });
    }
    let concerned = concerned(root, table, classes, problems);
    if problems.len() > before {
        return None;
    }
    Some(Reconnect {
        delay: quantity::at(table, "delay")?,
        backoff: backoff?,
        ceiling: ceiling?,
        jitter: table.quantity("jitter")?,
        tries: table.count("tries"),
        times: times?,
        classes: concerned,
    })
}

/// How often peers come back: as said, or as often as there are addresses.
fn times(root: &Table, table: &Table, key: &Origin, problems: &mut Vec<Problem>) -> Option<u32> {
    let peers = root.count("peers")?;
    let most = most(peers);
    let (times, origin) = match table.get("times") {
        Some(tree) => (table.count("times")?, &tree.origin),
        None => (most.max(1), key),
    };
    if times > most {
        problems.push(Problem {
            title: "there are not addresses enough for all streams".to_owned(),
            label: format!(
                "{peers} peers that come back {times} times open {} streams; allowed: {MAX_STREAMS}",
                u64::from(peers) * (u64::from(times) + 1)
            ),
            origin: origin.clone(),
        });
    }
    Some(times)
}

/// The classes under `on`, by index.
fn concerned(root: &Table, table: &Table, classes: &[Class], problems: &mut Vec<Problem>) -> Option<Vec<usize>> {
    let list = table.get("on")?.list()?;
    // Classes that are not usable have names too.
    let tables = root.get("class").and_then(|tree| tree.list()).unwrap_or(&[]);
    let names: Vec<&str> = tables.iter().filter_map(|tree| tree.table()?.text("name")).collect();
    let mut found = Vec::new();
    for tree in list {
        let Some(name) = tree.text() else { continue };
        if !names.contains(&name) {
            problems.push(Problem {
                title: format!("no class is called `{name}`"),
                label: choices(name, &names),
                origin: tree.origin.clone(),
            });
        } else if let Some(class) = classes.iter().position(|class| class.name == name)
            && !found.contains(&class)
        {
            found.push(class);
        }
    }
    found.sort_unstable();
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Purpose;

    fn reconnect(jitter: f64) -> Reconnect {
        Reconnect {
            delay: Distribution::Constant(0.0),
            backoff: Micros::from_secs(2),
            ceiling: Micros::from_secs(9),
            jitter,
            tries: Some(3),
            times: 1,
            classes: None,
        }
    }

    #[test]
    fn waits_double_up_to_the_ceiling() {
        let mut rng = Rng::new(1, 1, Purpose::Return);
        let waits: Vec<u64> = (1..6).map(|n| reconnect(0.0).wait(n, &mut rng).get() / 1_000_000).collect();
        assert_eq!(waits, [2, 4, 8, 9, 9]);
        assert_eq!(reconnect(0.0).wait(u32::MAX, &mut rng), Micros::from_secs(9));
    }

    #[test]
    fn no_more_than_its_share_of_a_wait_is_random() {
        let mut rng = Rng::new(1, 1, Purpose::Return);
        let waits: Vec<u64> = (0..1_000).map(|_| reconnect(0.25).wait(1, &mut rng).get()).collect();
        assert!(waits.iter().all(|us| (1_500_000..=2_000_000).contains(us)));
        let mean = waits.iter().sum::<u64>() / 1_000;
        assert!((1_740_000..1_760_000).contains(&mean), "{mean}");
    }

    #[test]
    fn it_gives_up_after_its_tries() {
        assert!(!reconnect(0.0).gives_up(2) && reconnect(0.0).gives_up(3));
    }

    #[test]
    fn every_stream_has_an_address() {
        assert_eq!(most(MAX_STREAMS), 0);
        assert_eq!(most(MAX_STREAMS / 2), 1);
        assert!(u64::from(most(1_000) + 1) * 1_000 <= u64::from(MAX_STREAMS));
    }
}
