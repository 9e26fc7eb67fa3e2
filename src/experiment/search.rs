//! The end of a range at which something still holds, by bisection.

use crate::scenario::span::Span;

/// Which end is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The smallest value for which it holds.
    Smallest,
    /// The largest.
    Largest,
}

/// The wanted value of `grid` for which `holds`, refined by bisection towards the neighbour for which it does not; `None` if
/// it holds for none. Where it holds in several stretches of the grid, the wanted end of the wanted one.
///
/// # Errors
/// The first that `holds` gives.
pub fn search<E>(
    span: &Span,
    grid: &[f64],
    wanted: Wanted,
    mut holds: impl FnMut(f64) -> Result<bool, E>,
) -> Result<Option<f64>, E> {
    let mut outside = None;
    let ordered: Vec<f64> = match wanted {
        Wanted::Smallest => grid.to_vec(),
        Wanted::Largest => grid.iter().rev().copied().collect(),
    };
    for value in ordered {
        if !holds(value)? {
            outside = Some(value);
            continue;
        }
        let mut inside = value;
        if let Some(mut outside) = outside {
            while let Some(middle) = span.between(inside.min(outside), inside.max(outside)) {
                if holds(middle)? {
                    inside = middle;
                } else {
                    outside = middle;
                }
            }
        }
        return Ok(Some(inside));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    fn found(wanted: Wanted, holds: impl Fn(f64) -> bool) -> (Option<f64>, usize) {
        let span = Span::whole(1, 1_000);
        let mut asked = 0;
        let value = search(&span, &span.grid(5), wanted, |value| {
            asked += 1;
            Ok::<_, Infallible>(holds(value))
        });
        (value.unwrap_or_default(), asked)
    }

    #[test]
    fn the_last_value_that_holds_is_found_from_either_side() {
        for limit in [1.0, 2.0, 7.0, 311.0, 999.0, 1_000.0] {
            assert_eq!(found(Wanted::Largest, |value| value <= limit).0, Some(limit));
            assert_eq!(found(Wanted::Smallest, |value| value >= limit).0, Some(limit));
        }
        assert!(found(Wanted::Largest, |value| value <= 311.0).1 < 15);
    }

    #[test]
    fn what_never_holds_has_no_value_and_what_always_holds_the_end_of_the_range() {
        assert_eq!(found(Wanted::Smallest, |_| false), (None, 5));
        assert_eq!(found(Wanted::Smallest, |_| true), (Some(1.0), 1));
        assert_eq!(found(Wanted::Largest, |_| true), (Some(1_000.0), 1));
    }

    #[test]
    fn of_two_stretches_the_wanted_one_counts() {
        let (value, _) = found(Wanted::Smallest, |value| (5.0..=6.0).contains(&value) || value >= 150.0);
        assert_eq!(value, Some(5.0));
    }
}
