//! A queue that mostly holds one thing, and then owns no memory beside itself.

use std::collections::VecDeque;

/// First in, first out. The first item lives in the queue itself; only more than one take memory, until they are gone.
#[derive(Clone, Debug)]
pub struct Few<T> {
    first: Option<T>,
    rest: VecDeque<T>,
}

impl<T> Default for Few<T> {
    fn default() -> Self {
        Self { first: None, rest: VecDeque::new() }
    }
}

impl<T> Few<T> {
    /// Appends an item.
    pub fn push_back(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.rest.push_back(item);
        }
    }

    /// Takes the oldest item.
    pub fn pop_front(&mut self) -> Option<T> {
        let item = self.first.take()?;
        self.first = self.rest.pop_front();
        if self.rest.is_empty() && self.rest.capacity() > 0 {
            self.rest = VecDeque::new();
        }
        Some(item)
    }

    /// The newest item.
    pub fn back_mut(&mut self) -> Option<&mut T> {
        self.rest.back_mut().or(self.first.as_mut())
    }

    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.first.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_as_they_went_in_and_memory_goes_with_them() {
        let mut few = Few::default();
        (0..5).for_each(|n| few.push_back(n));
        *few.back_mut().expect("there is a last one") += 10;
        let out: Vec<i32> = std::iter::from_fn(|| few.pop_front()).collect();
        assert_eq!(out, [0, 1, 2, 3, 14]);
        assert!(few.is_empty() && few.rest.capacity() == 0);
        few.push_back(7);
        assert_eq!(few.back_mut(), Some(&mut 7));
        assert_eq!(few.rest.capacity(), 0, "one item takes no memory");
    }
}
