//! The `kernel` table: settings by their Linux sysctl names, or a preset.

use serde_json::{Value, json};

use crate::scenario::error::Problem;
use crate::scenario::tree::Tree;
use crate::tcp::sysctl::Kernel;

/// The kernel that the table describes.
pub(super) fn kernel(_tree: &Tree, _problems: &mut Vec<Problem>) -> Option<Kernel> {
    Some(Kernel {})
}
pub(super) fn to_json(_kernel: &Kernel) -> Value {
    json!({})
}
pub(super) fn schema() -> Value {
    json!({})
}
