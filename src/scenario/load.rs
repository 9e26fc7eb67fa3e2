//! From a scenario's text and the options given with it to scenarios that are legal, or to everything that is wrong.

use toml::de::DeTable;

use crate::scenario::error::{Problem, ScenarioErrors};
use crate::scenario::grid;
use crate::scenario::keys::SCENARIO;
use crate::scenario::over::{self, Change};
use crate::scenario::resolve::{self, Used};
use crate::scenario::shape::Shape;
use crate::scenario::source::SourceText;
use crate::scenario::study::Study;
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
    Ok(load_all(source, changes, varies, false)?.points)
}

/// A scenario's study, and its sweep points.
#[derive(Clone, Debug, PartialEq)]
pub struct Loaded {
    /// How often and by what its strategies are compared.
    pub study: Study,
    /// As [`load`] gives them, the grid of the scenario's study included; at least one.
    pub points: Vec<SweepPoint>,
}

/// As [`load_changed`], with the study of the scenario: the keys of `varies` take the place of the same ones in its grid.
///
/// # Errors
///
/// Everything that is wrong with file and options.
pub fn load_study(source: &SourceText, changes: &[Change], varies: &[String]) -> Result<Loaded, ScenarioErrors> {
    load_all(source, changes, varies, true)
}

fn load_all(
    source: &SourceText,
    changes: &[Change],
    varies: &[String],
    whole_grid: bool,
) -> Result<Loaded, ScenarioErrors> {
    let file = parse(source)?;
    let (mut options, mut problems) = (Vec::new(), Vec::new());
    let mut document = file.clone();
    over::apply(&mut document, changes, &mut options, &mut problems);
    let mut grid = grid::grid(&document, &source.text, varies, &mut options, &mut problems);
    if !whole_grid {
        grid.retain(grid::Vary::of_an_option);
    }
    let mut points = Vec::new();
    let mut study = None;
    if problems.is_empty() {
        let mut used = Used::default();
        used.note(&file);
        for indices in grid::points(&grid) {
            let mut point = document.clone();
            for (vary, index) in grid.iter().zip(&indices) {
                vary.apply(&mut point, *index, &mut problems);
            }
            used.note(&point);
            let mut walker = Walker::new(source.base.as_deref());
            let tree = walker.walk(&point, &Shape::Table(&SCENARIO), "");
            let scenario = resolve::scenario(&tree, &source.stem(), &mut walker.problems);
            if let Some(scenario) = &scenario {
                study = study.or(resolve::study(&tree, scenario, &mut walker.problems));
            }
            if let (Some(scenario), true) = (scenario, walker.problems.is_empty()) {
                let values = grid.iter().zip(&indices).map(|(vary, i)| (vary.key.clone(), vary.csv(*i, &tree)));
                points.push(SweepPoint { varied: values.collect(), scenario });
            }
            problems.append(&mut walker.problems);
        }
        // Beside a misspelt name this would say the same mistake twice.
        if problems.is_empty() {
            used.check(&document, &mut problems);
        }
    }
    if let (true, Some(study)) = (problems.is_empty(), study) {
        return Ok(Loaded { study, points });
    }
    Err(ScenarioErrors::new(&source.name, &source.text, options, problems))
}

fn parse(source: &SourceText) -> Result<Node, ScenarioErrors> {
    let (table, errors) = DeTable::parse_recoverable(&source.text);
    if errors.is_empty() {
        return Ok(Node::document(table.get_ref()));
    }
    let mut problems: Vec<Problem> = Vec::new();
    for error in errors {
        let origin = error.span().map_or(Origin::Whole, Origin::File);
        // What follows at the same place follows from the first.
        if problems.iter().all(|p| p.origin != origin) {
            let label = error.message().replace('\n', ", ");
            problems.push(Problem { title: "this is not TOML".to_owned(), label, origin });
        }
    }
    Err(ScenarioErrors::new(&source.name, &source.text, Vec::new(), problems))
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
