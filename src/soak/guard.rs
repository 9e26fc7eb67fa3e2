//! Panics that are findings: they are caught and told as such, and are not printed where they happen.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::experiment::panic_text;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread is a finding: a panic hook has nothing to print then.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// What `run` gives, or what it said in its panic.
pub(super) fn guarded<T>(run: impl FnOnce() -> T) -> Result<T, String> {
    let before = GUARDED.replace(true);
    let result = catch_unwind(AssertUnwindSafe(run));
    GUARDED.set(before);
    result.map_err(|panic| panic_text(panic.as_ref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_back_as_what_it_said() {
        assert!(!is_guarded());
        assert_eq!(guarded(is_guarded), Ok(true));
        let nothing: Result<(), String> = guarded(|| panic!("nothing holds of {}", 7));
        assert_eq!(nothing, Err("nothing holds of 7".to_owned()));
        assert!(!is_guarded());
    }
}
