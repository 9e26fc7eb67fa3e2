//! Ascending numbers written down as their differences: an instant that took five bytes takes two.
//!
//! Any order is kept without loss; only an ascending one is small.

use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serializer};

use crate::time::SimTime;

/// What is a number of microseconds underneath.
pub(crate) trait Number: Copy {
    /// The number.
    fn number(self) -> u64;
    /// What has this number.
    fn of(number: u64) -> Self;
}

impl Number for u64 {
    fn number(self) -> u64 {
        self
    }

    fn of(number: u64) -> Self {
        number
    }
}

impl Number for SimTime {
    fn number(self) -> u64 {
        self.as_micros()
    }

    fn of(number: u64) -> Self {
        Self::from_micros(number)
    }
}

/// For `#[serde(with)]`: each number less the one before it.
pub(crate) fn serialize<S: Serializer, T: Number>(values: &[T], serializer: S) -> Result<S::Ok, S::Error> {
    let mut list = serializer.serialize_seq(Some(values.len()))?;
    let mut before = 0_u64;
    for value in values {
        list.serialize_element(&value.number().wrapping_sub(before))?;
        before = value.number();
    }
    list.end()
}

/// For `#[serde(with)]`: adds the differences up again.
pub(crate) fn deserialize<'de, D: Deserializer<'de>, T: Number>(deserializer: D) -> Result<Vec<T>, D::Error> {
    let differences = Vec::<u64>::deserialize(deserializer)?;
    let sum = |before: &mut u64, difference: u64| {
        *before = before.wrapping_add(difference);
        Some(T::of(*before))
    };
    Ok(differences.into_iter().scan(0, sum).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde::Serialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Times(#[serde(with = "super")] Vec<SimTime>);

    proptest! {
        #[test]
        fn any_numbers_come_back(numbers in prop::collection::vec(any::<u64>(), 0..50)) {
            let times = Times(numbers.into_iter().map(SimTime::from_micros).collect());
            let bytes = postcard::to_stdvec(&times).unwrap();
            prop_assert_eq!(postcard::from_bytes::<Times>(&bytes).unwrap(), times);
        }
    }

    #[test]
    fn ascending_numbers_are_small() {
        let times = Times((0..1_000).map(|i| SimTime::from_micros(60_000_000 + i * 100)).collect());
        let bytes = postcard::to_stdvec(&times).unwrap();
        assert!(bytes.len() < 1_010, "{} bytes for a thousand instants", bytes.len());
    }
}
