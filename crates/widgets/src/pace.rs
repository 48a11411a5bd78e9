//! How often the page is told of what changes faster than anybody sees.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

/// The least time between two updates.
const LEAST: Duration = Duration::from_millis(100);

/// The parts of a widget's state of which the page has an older value.
#[derive(Debug, Default)]
pub(crate) struct Owed {
    parts: BTreeSet<String>,
    last: Option<Instant>,
}

impl Owed {
    /// Takes note that a part has changed. True when it is time to tell.
    pub(crate) fn add(&mut self, part: &str, now: Instant) -> bool {
        if !self.parts.contains(part) {
            self.parts.insert(part.to_owned());
        }
        let due = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= LEAST);
        if due {
            self.last = Some(now);
        }
        due
    }

    /// What is to be told.
    pub(crate) fn take(&mut self) -> BTreeSet<String> {
        std::mem::take(&mut self.parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_ten_updates_and_the_last_value_is_still_owed() {
        let start = Instant::now();
        let mut owed = Owed::default();
        let told = (0..1050_u64).filter(|ms| {
            let due = owed.add("value", start + Duration::from_millis(*ms));
            due && owed.take().len() == 1
        });
        assert_eq!(told.count(), 11);
        assert_eq!(owed.take().len(), 1);
        assert!(owed.take().is_empty());
    }
}
