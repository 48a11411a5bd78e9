//! What is taken off for being late, from a file of the teacher's.
//!
//! ```json
//! {
//!   "due": { "week1": "2026-11-30 23:59:00 Europe/Berlin" },
//!   "grace_minutes": 15,
//!   "per_day": 0.1,
//!   "most": 0.5,
//!   "nothing_after_days": 7,
//!   "extensions": { "ada": { "week1": 2 } }
//! }
//! ```

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use crate::error::GradeError;
use crate::result::Graded;
use crate::submissions::parse_timestamp;

/// When submissions are due and what being late costs. The default: nothing is ever late.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LatePolicy {
    /// When an assignment is due, as in `2026-11-30 23:59:00 Europe/Berlin`.
    due: BTreeMap<String, String>,
    /// How long after that nothing is taken off, in minutes.
    grace_minutes: f64,
    /// The part of the points (0 to 1) that every begun day costs.
    per_day: f64,
    /// The largest part that is taken off (0 to 1).
    #[serde(default = "everything")]
    most: f64,
    /// After how many days there are no points at all.
    nothing_after_days: Option<f64>,
    /// Days that a student has longer, by student and assignment.
    extensions: BTreeMap<String, BTreeMap<String, f64>>,
}

fn everything() -> f64 {
    1.0
}

const DAY: f64 = 86_400.0;

impl LatePolicy {
    /// Reads a policy.
    ///
    /// # Errors
    /// When the file cannot be read, has a key that means nothing, a time that is none, or a number out of its range.
    pub fn read(path: &Path) -> Result<Self, GradeError> {
        let text = std::fs::read_to_string(path).map_err(GradeError::io("read", path))?;
        let refuse =
            |problem: String| GradeError::Notebook(format!("{}: {problem}", path.display()));
        let policy: Self =
            serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        policy.validate().map_err(refuse)?;
        Ok(policy)
    }

    fn validate(&self) -> Result<(), String> {
        let mut due = self.due.iter();
        if let Some((assignment, time)) = due.find(|(_, time)| parse_timestamp(time).is_none()) {
            return Err(format!(
                "`{time}` (due for {assignment}) is no time; write 2026-11-30 23:59:00 Europe/Berlin"
            ));
        }
        for (name, part) in [("per_day", self.per_day), ("most", self.most)] {
            if !(0.0..=1.0).contains(&part) {
                return Err(format!(
                    "`{name}` is {part}, and is a part of the points from 0 to 1: a tenth is 0.1"
                ));
            }
        }
        let days = self.extensions.values().flat_map(BTreeMap::values);
        let times = [
            ("grace_minutes", self.grace_minutes),
            ("nothing_after_days", self.nothing_after_days.unwrap_or(0.0)),
        ];
        let times = days.map(|days| ("an extension", *days)).chain(times);
        for (name, time) in times {
            if !(time.is_finite() && time >= 0.0) {
                return Err(format!("{name} is {time}, and cannot be below 0"));
            }
        }
        Ok(())
    }

    /// How late a submission is, in seconds; 0 when it is not, or nobody knows.
    pub fn seconds_late(&self, graded: &Graded) -> f64 {
        let due = self
            .due
            .get(&graded.assignment)
            .and_then(|time| parse_timestamp(time));
        let (Some(due), Some(submitted)) = (due, graded.timestamp) else {
            return 0.0;
        };
        let extension = self
            .extensions
            .get(&graded.student)
            .and_then(|own| own.get(&graded.assignment));
        let late = submitted.duration_since(due).as_secs_f64() - extension.unwrap_or(&0.0) * DAY;
        late.max(0.0)
    }

    /// What is taken off a raw score; `None` when nothing is, as nbgrader writes it.
    pub fn penalty(&self, graded: &Graded, raw: f64) -> Option<f64> {
        let late = self.seconds_late(graded);
        if late <= self.grace_minutes * 60.0 {
            return None;
        }
        let days = late / DAY;
        let part = match self.nothing_after_days {
            Some(last) if days > last => 1.0,
            _ => (self.per_day * days.ceil()).min(self.most),
        };
        Some((raw * part).clamp(0.0, raw.max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(text: &str) -> LatePolicy {
        serde_json::from_str(text).unwrap()
    }

    fn at(student: &str, time: &str) -> Graded {
        Graded {
            student: student.into(),
            assignment: "week1".into(),
            timestamp: parse_timestamp(time),
            ..Graded::default()
        }
    }

    #[test]
    fn every_begun_day_costs_up_to_the_most() {
        let policy = policy(
            r#"{ "due": { "week1": "2026-11-30 12:00:00 UTC" }, "grace_minutes": 10, "per_day": 0.1, "most": 0.25,
                "nothing_after_days": 7, "extensions": { "eve": { "week1": 2 } } }"#,
        );
        let penalty = |student: &str, time: &str| policy.penalty(&at(student, time), 10.0);
        assert_eq!(penalty("ada", "2026-11-30 12:05:00 UTC"), None);
        assert_eq!(penalty("ada", "2026-11-30 13:00:00 UTC"), Some(1.0));
        assert_eq!(penalty("ada", "2026-12-02 11:00:00 UTC"), Some(2.0));
        assert_eq!(penalty("ada", "2026-12-05 11:00:00 UTC"), Some(2.5));
        assert_eq!(penalty("ada", "2026-12-09 11:00:00 UTC"), Some(10.0));
        assert_eq!(penalty("eve", "2026-12-02 11:00:00 UTC"), None);
        assert_eq!(
            policy.penalty(
                &Graded {
                    timestamp: None,
                    ..at("ada", "")
                },
                10.0
            ),
            None
        );
    }

    #[test]
    fn a_policy_with_mistakes_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("late.json");
        for (text, what) in [
            ("{\"per_dya\": 1}", "per_dya"),
            ("{\"due\": {\"w\": \"soon\"}}", "is no time"),
            ("{\"per_day\": 10}", "a tenth is 0.1"),
            ("{\"most\": -0.5}", "from 0 to 1"),
            ("{\"grace_minutes\": -1}", "below 0"),
            ("{\"extensions\": {\"ada\": {\"w\": -2}}}", "below 0"),
        ] {
            std::fs::write(&path, text).unwrap();
            assert!(
                LatePolicy::read(&path)
                    .unwrap_err()
                    .to_string()
                    .contains(what)
            );
        }
    }
}
