//! When it is time to draw again.

use std::time::{Duration, Instant};

/// The least time between two drawings.
const LEAST: Duration = Duration::from_millis(100);

/// Lets the first drawing through, and then at most ten a second.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    last: Option<Instant>,
}

impl Pace {
    /// Whether to draw at `now`; if so, that is the last drawing.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let due = self
            .last
            .is_none_or(|last| now.saturating_duration_since(last) >= LEAST);
        if due {
            self.last = Some(now);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_ten_drawings() {
        let start = Instant::now();
        let mut pace = Pace::default();
        let drawn = (0..1000u64).filter(|ms| pace.is_due(start + Duration::from_millis(*ms)));
        assert_eq!(
            drawn.collect::<Vec<_>>(),
            [0, 100, 200, 300, 400, 500, 600, 700, 800, 900]
        );
        // After a pause there is no catching up.
        assert!(pace.is_due(start + Duration::from_millis(5000)));
        assert!(!pace.is_due(start + Duration::from_millis(5099)));
    }
}
