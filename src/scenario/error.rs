//! What is wrong with a scenario, shown the way rustc shows it.

use std::fmt;

use annotate_snippets::{AnnotationKind, Group, Level, Origin as Place, Renderer, Snippet, normalize_untrusted_str};

use crate::scenario::value::Origin;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    /// What is wrong, naming the key.
    pub(super) title: String,
    /// What was found and what is allowed.
    pub(super) label: String,
    /// Where.
    pub(super) origin: Origin,
}

/// Everything that is wrong with a scenario, not only the first mistake. Its `Display` is the whole message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioErrors {
    /// Name of the scenario file as the user gave it.
    name: String,
    /// Text of the file, for the excerpts.
    text: String,
    /// The options, as they stood on the command line.
    options: Vec<String>,
    problems: Vec<Problem>,
}

impl std::error::Error for ScenarioErrors {}

impl ScenarioErrors {
    /// The problems of a file's text and of the options given with it.
    pub(super) fn new(name: &str, text: &str, options: Vec<String>, problems: Vec<Problem>) -> Self {
        let mut distinct: Vec<Problem> = Vec::new();
        for problem in problems {
            if !distinct.contains(&problem) {
                distinct.push(problem);
            }
        }
        distinct.sort_by_key(|p| match &p.origin {
            Origin::Whole | Origin::Default => (0, 0),
            Origin::File(span) => (1, span.start),
            Origin::Option(i) => (2, *i),
        });
        // What a terminal would obey is shown, not obeyed.
        let name = normalize_untrusted_str(name);
        Self { name, text: text.to_owned(), options, problems: distinct }
    }

    /// A file that could not be read, found or decoded.
    pub(super) fn unreadable(name: &str, title: String, label: String) -> Self {
        Self::new(name, "", Vec::new(), vec![Problem { title, label, origin: Origin::Whole }])
    }

    /// The same, with what a user wrote in place of an option that was made of it.
    #[must_use]
    pub fn in_words_of(mut self, made: &str, written: &str) -> Self {
        for option in self.options.iter_mut().filter(|option| *option == made) {
            written.clone_into(option);
        }
        self
    }

    /// How many mistakes there are; at least one.
    pub fn count(&self) -> usize {
        self.problems.len()
    }

    /// What is wrong, each naming its key between backticks, without places and advice.
    pub(crate) fn titles(&self) -> impl Iterator<Item = &str> {
        self.problems.iter().map(|problem| problem.title.as_str())
    }

    fn render(&self, problem: &Problem) -> String {
        let title = normalize_untrusted_str(&problem.title);
        let label = normalize_untrusted_str(&problem.label);
        let renderer = Renderer::plain();
        match &problem.origin {
            Origin::File(span) => {
                let start = span.start.min(self.text.len());
                let end = first_line_end(&self.text, start, span.end.min(self.text.len()));
                let annotation = AnnotationKind::Primary.span(start..end).label(label);
                let snippet = Snippet::source(self.text.as_str()).path(self.name.as_str()).annotation(annotation);
                renderer.render(&[Level::ERROR.primary_title(title).element(snippet)])
            }
            Origin::Whole | Origin::Default => {
                let group = Group::with_title(Level::ERROR.primary_title(join(&title, &label)));
                renderer.render(&[group.element(Place::path(self.name.as_str()))])
            }
            Origin::Option(i) => {
                let option = self.options.get(*i).map_or("", String::as_str);
                format!("error: {}: {}", normalize_untrusted_str(&shortened(option)), join(&title, &label))
            }
        }
    }
}

/// An option as it is repeated in a message: a long sweep only by its beginning.
fn shortened(option: &str) -> String {
    const LONGEST: usize = 100;
    match option.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", &option[..end]),
        None => option.to_owned(),
    }
}

/// A value that spans several lines is marked on its first one: the mark is for finding the place, not for measuring it.
fn first_line_end(text: &str, start: usize, end: usize) -> usize {
    text.get(start..end).and_then(|t| t.find('\n')).map_or(end, |n| start + n)
}

fn join(title: &str, label: &str) -> String {
    if label.is_empty() { title.to_owned() } else { format!("{title}; {label}") }
}

impl fmt::Display for ScenarioErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                f.write_str("\n\n")?;
            }
            f.write_str(&self.render(problem))?;
        }
        Ok(())
    }
}

/// The name nearest to what was written, if one is near enough to have been meant.
pub(super) fn nearest<'a>(written: &str, allowed: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = written.to_lowercase();
    allowed
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(&lower, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= (name.len().max(written.len()) / 3).max(1))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// `nearest: X; allowed: a, b, c`, the first part only where something is near.
pub(crate) fn choices(written: &str, allowed: &[&str]) -> String {
    let list = if allowed.is_empty() { "none".to_owned() } else { allowed.join(", ") };
    near(written, allowed, &list)
}

/// The same where presets are allowed too, which are too many to name them all.
pub(super) fn choices_and_presets(written: &str, allowed: &[&str], presets: &[&str]) -> String {
    let all: Vec<&str> = allowed.iter().chain(presets).copied().collect();
    let list = format!("{}, or a preset (see farewell list presets)", allowed.join(", "));
    near(written, &all, &list)
}

fn near(written: &str, names: &[&str], list: &str) -> String {
    match nearest(written, names.iter().copied()) {
        Some(name) => format!("nearest: `{name}`; allowed: {list}"),
        None => format!("allowed: {list}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_one_that_could_have_been_meant() {
        let names = ["handshake", "timeout-error", "abrupt-close"];
        assert_eq!(nearest("handshaek", names), Some("handshake"));
        assert_eq!(nearest("Timeout_error", names), Some("timeout-error"));
        assert_eq!(nearest("politely", names), None);
    }

    #[test]
    fn the_same_mistake_at_every_sweep_point_is_shown_once() {
        let problem = Problem { title: "a".into(), label: String::new(), origin: Origin::Whole };
        assert_eq!(ScenarioErrors::new("x", "", vec![], vec![problem.clone(), problem]).count(), 1);
    }
}
