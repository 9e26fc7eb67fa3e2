//! From a scenario's text and the options given with it to scenarios that are legal, or to everything that is wrong.

use toml::de::DeTable;

use crate::scenario::error::{Problem, ScenarioErrors};
use crate::scenario::keys::SCENARIO;
use crate::scenario::over::{self, Change};
use crate::scenario::resolve::{self, Used};
use crate::scenario::shape::Shape;
use crate::scenario::source::SourceText;
use crate::scenario::value::{Node, Origin};
use crate::scenario::walk::Walker;
use crate::scenario::{Scenario, SweepPoint};

/// The sweep points of a scenario, in the order of its `--vary` options, the first changing slowest; one point if there
/// are none. `sets` are the values of `--set`, `varies` those of `--vary`.
///
/// # Errors
///
/// Everything that is wrong with file and options.
pub fn load(source: &SourceText, sets: &[String], varies: &[String]) -> Result<Vec<SweepPoint>, ScenarioErrors> {
    let changes: Vec<Change> = sets.iter().cloned().map(Change::Set).collect();
    load_changed(source, &changes, varies)
}

/// As [`load`], with changes of every kind: a later one wins over an earlier one.
///
/// # Errors
///
/// Everything that is wrong with file and options.
pub fn load_changed(
    source: &SourceText,
    changes: &[Change],
    varies: &[String],
) -> Result<Vec<SweepPoint>, ScenarioErrors> {
    let file = parse(source)?;
    let (mut options, mut problems) = (Vec::new(), Vec::new());
    let mut changed = file.clone();
    over::apply(&mut changed, changes, &mut options, &mut problems);
    let sweeps = over::sweeps(varies, &mut options, &mut problems);
    let mut points = Vec::new();
    if problems.is_empty() {
        let mut used = Used::default();
        used.note(&file);
        for indices in over::points(&sweeps) {
            let mut document = changed.clone();
            for (vary, index) in sweeps.iter().zip(&indices) {
                vary.apply(&mut document, *index, &mut problems);
            }
            used.note(&document);
            let mut walker = Walker::new(source.base.as_deref());
            let tree = walker.walk(&document, &Shape::Table(&SCENARIO), "");
            let scenario = resolve::scenario(&tree, &source.stem(), &mut walker.problems);
            if let (Some(scenario), true) = (scenario, walker.problems.is_empty()) {
                let varied =
                    sweeps.iter().zip(&indices).map(|(vary, i)| (vary.key.clone(), vary.csv(*i, &tree))).collect();
                points.push(SweepPoint { varied, scenario });
            }
            problems.append(&mut walker.problems);
        }
        used.check(&changed, &mut problems);
    }
    if problems.is_empty() {
        return Ok(points);
    }
    Err(ScenarioErrors::new(&source.name, &source.text, options, problems))
}

fn parse(source: &SourceText) -> Result<Node, ScenarioErrors> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Ok(Node::document(table.get_ref()));
    }
    let problems = errors.iter().map(|error| Problem {
        title: "this is not TOML".to_owned(),
        label: error.message().replace('\n', ", "),
        origin: error.span().map_or(Origin::Whole, Origin::File),
    });
    Err(ScenarioErrors::new(&source.name, &source.text, Vec::new(), problems.collect()))
}

impl Scenario {
    /// The scenario of a file as it stands, for tests and for library users without a command line.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it.
    pub fn from_toml(text: &str) -> Result<Self, ScenarioErrors> {
        let source = SourceText { name: "scenario.toml".to_owned(), text: text.to_owned(), base: None };
        let first = load(&source, &[], &[])?.into_iter().next().map(|point| point.scenario);
        first.ok_or_else(|| ScenarioErrors::unreadable(&source.name, "no scenario".to_owned(), String::new()))
    }
}
