//! What stays of the header while the stream is open: the root's name and its namespaces.
//!
//! Headers declare nearly always the same, so that a usual one costs nothing: it is a table of constants.

use super::names::Names;
use super::namespace::Namespace;

/// The root's name and declarations.
#[derive(Debug)]
pub(super) enum Root {
    /// The header has not come.
    Absent,
    /// As most headers have them.
    Usual(&'static Usual),
    /// Others.
    Own(Box<Names>),
}

/// The name of the usual root.
const NAME: &[u8] = b"stream:stream";

/// A prefix (empty for the default) and its namespace. All headers declare these.
type Usual = [(&'static [u8], Namespace)];

/// What servers and clients usually declare.
static USUAL: [&Usual; 3] = [
    &[(b"", Namespace::Client), (b"stream", Namespace::Streams)],
    &[(b"", Namespace::Server), (b"stream", Namespace::Streams), (b"db", Namespace::Dialback)],
    &[(b"", Namespace::Server), (b"stream", Namespace::Streams)],
];

impl Root {
    /// The root whose start tag is all that `names` holds.
    pub(super) fn of(names: Names) -> Self {
        let is_same = |usual: &&&Usual| {
            let same = |(prefix, namespace): &(&[u8], Namespace)| names.find(prefix) == Some((*namespace, b""));
            names.declared() == usual.len() && usual.iter().all(same)
        };
        match USUAL.iter().find(is_same) {
            Some(usual) if names.element() == NAME => Self::Usual(usual),
            _ => Self::Own(Box::new(names)),
        }
    }

    /// The usual root with just these declarations, in any order; those of no namespace do not count.
    pub(super) fn usual_of(declarations: &[(&[u8], Namespace)]) -> Option<Self> {
        let count = declarations.iter().filter(|(_, namespace)| *namespace != Namespace::Absent).count();
        let is_same =
            |usual: &&&Usual| count == usual.len() && usual.iter().all(|wanted| declarations.contains(wanted));
        USUAL.iter().find(is_same).map(|usual| Self::Usual(usual))
    }

    /// The root's name.
    pub(super) fn name(&self) -> &[u8] {
        match self {
            Self::Absent => b"",
            Self::Usual(_) => NAME,
            Self::Own(names) => names.element(),
        }
    }

    /// Its declaration of a prefix: the namespace, with its name if it is unknown.
    pub(super) fn find(&self, prefix: &[u8]) -> Option<(Namespace, &[u8])> {
        match self {
            Self::Absent => None,
            Self::Usual(usual) => {
                let declaration = usual.iter().find(|declaration| declaration.0 == prefix)?;
                Some((declaration.1, b""))
            }
            Self::Own(names) => names.find(prefix),
        }
    }

    /// The namespaces of the default and of the prefix `stream`, if the header is a usual one.
    pub(super) fn usual(&self) -> Option<(Namespace, Namespace)> {
        match self {
            Self::Usual([(_, default), (_, streams), ..]) => Some((*default, *streams)),
            Self::Usual(_) | Self::Absent | Self::Own(_) => None,
        }
    }

    /// How many declarations it has.
    pub(super) fn declared(&self) -> usize {
        match self {
            Self::Absent => 0,
            Self::Usual(usual) => usual.len(),
            Self::Own(names) => names.declared(),
        }
    }
}
