//! What nbgrader knows of a cell: its metadata, schema 3, and its checksum.
//!
//! Source: nbgrader 0.9, `nbgraderformat/v3.json` and `utils.py`.

use md5::{Digest, Md5};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::GradeError;
use crate::notebook::{Cell, CellKind};

/// The key in a cell's metadata that belongs to nbgrader. Nothing of ours goes inside.
pub const KEY: &str = "nbgrader";

/// The only version of the metadata that is read and written.
const SCHEMA_VERSION: u64 = 3;

/// nbgrader's metadata of one cell.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Marking {
    /// It gives points: by its outputs, or with `solution` by hand.
    pub grade: bool,
    /// The learner writes in it.
    pub solution: bool,
    /// It is brought back before grading. See [`Marking::is_locked`].
    pub locked: bool,
    /// It describes a task whose result is graded by hand.
    #[serde(default)]
    pub task: bool,
    /// Its name, unique in the notebook: letters, digits, `-` and `_`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grade_id: Option<String>,
    /// The most points it gives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub points: Option<f64>,
    /// The checksum it was released with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checksum: Option<String>,
    /// What kind of cell it was released as.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cell_type: Option<CellKind>,
    /// The version of this metadata.
    pub schema_version: u64,
}

impl Marking {
    /// A marking of the current version under this name, with every flag off.
    pub fn named(id: &str) -> Self {
        Self {
            grade_id: Some(id.into()),
            schema_version: SCHEMA_VERSION,
            ..Self::default()
        }
    }

    /// What a cell's metadata says; `None` for a cell that nbgrader has no part in.
    ///
    /// # Errors
    /// When the metadata breaks the schema: another version, unknown keys, no name, no points, or a
    /// combination of flags that nbgrader refuses.
    pub fn of(cell: &Cell) -> Result<Option<Self>, GradeError> {
        let Some(value) = cell.metadata().and_then(|metadata| metadata.get(KEY)) else {
            return Ok(None);
        };
        let name = value
            .get("grade_id")
            .and_then(Value::as_str)
            .or(cell.id())
            .unwrap_or("without a name")
            .to_owned();
        let refuse = |problem: String| GradeError::Cell {
            cell: name.clone(),
            problem,
        };
        let version = value.get("schema_version").and_then(Value::as_u64);
        if version.unwrap_or(0) < SCHEMA_VERSION {
            return Err(refuse(
                "its nbgrader metadata is of an old version; `nbgrader update .` converts it"
                    .into(),
            ));
        }
        let marking: Self = serde_json::from_value(value.clone())
            .map_err(|error| refuse(format!("its nbgrader metadata is broken: {error}")))?;
        marking.validate(cell.kind()).map_err(refuse)?;
        Ok(Some(marking))
    }

    /// The rules of the schema that are not in its types.
    fn validate(&self, kind: CellKind) -> Result<(), String> {
        if self.schema_version != SCHEMA_VERSION {
            return Err("its nbgrader metadata is of a newer version than 3".into());
        }
        let has_part = self.grade || self.solution || self.locked || self.task;
        match self.grade_id.as_deref() {
            None | Some("") if has_part => return Err("it has no id (`grade_id`)".into()),
            Some(id) if !is_valid_id(id) => {
                return Err("its id may hold letters, digits, `-` and `_` only".into());
            }
            _ => {}
        }
        if (self.grade || self.task) && self.points.is_none() {
            return Err("it has no points".into());
        }
        if self
            .points
            .is_some_and(|points| points.is_nan() || points < 0.0)
        {
            return Err("its points are below 0".into());
        }
        match kind {
            CellKind::Markdown if self.task => Ok(()),
            _ if self.task => Err("a task has to be text, not code".into()),
            CellKind::Markdown if self.grade != self.solution => Err(
                "text that is graded has to be an answer, and an answer in text has to be graded"
                    .into(),
            ),
            _ => Ok(()),
        }
    }

    /// Puts it into a cell's metadata.
    pub fn put(&self, cell: &mut Cell) {
        let mut object = Map::new();
        let mut set = |key: &str, value: Value| object.insert(key.into(), value);
        if let Some(kind) = self.cell_type {
            set("cell_type", kind.as_str().into());
        }
        if let Some(checksum) = &self.checksum {
            set("checksum", checksum.as_str().into());
        }
        set("grade", self.grade.into());
        if let Some(id) = &self.grade_id {
            set("grade_id", id.as_str().into());
        }
        set("locked", self.locked.into());
        if let Some(points) = self.points {
            set("points", number(points));
        }
        set("schema_version", self.schema_version.into());
        set("solution", self.solution.into());
        set("task", self.task.into());
        cell.metadata_mut().insert(KEY.into(), object.into());
    }

    /// Its name, empty when it has none.
    pub fn id(&self) -> &str {
        self.grade_id.as_deref().unwrap_or_default()
    }

    /// Whether the cell is brought back before grading, which is more than the flag says: an answer never
    /// is, tests always are.
    pub fn is_locked(&self) -> bool {
        !self.solution && (self.grade || self.locked)
    }

    /// Whether points are given by hand.
    pub fn is_manual(&self) -> bool {
        self.task || (self.grade && self.solution)
    }

    /// Whether a program gives the points.
    pub fn is_tests(&self) -> bool {
        self.grade && !self.solution
    }

    /// nbgrader's checksum of a cell with this marking, 32 hexadecimal digits.
    pub fn checksum_of(&self, source: &str, kind: CellKind) -> String {
        let python = |flag: bool| if flag { "True" } else { "False" };
        let mut md5 = Md5::new();
        md5.update(source);
        md5.update(kind.as_str());
        md5.update(python(self.grade));
        md5.update(python(self.solution));
        md5.update(python(self.is_locked()));
        md5.update(self.id());
        if self.grade {
            md5.update(python_float(self.points.unwrap_or(0.0)));
        }
        format!("{:x}", md5.finalize())
    }
}

/// What nbgrader's pattern for `grade_id` allows.
pub fn is_valid_id(id: &str) -> bool {
    id.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// Whole points without a decimal point, as people write them.
fn number(points: f64) -> Value {
    if points.fract() == 0.0 && points.abs() < 1e15 {
        Value::from(points as i64)
    } else {
        Value::from(points)
    }
}

/// `str(float(value))` of Python.
fn python_float(value: f64) -> String {
    let text = format!("{value:?}");
    match text.split_once('e') {
        None => text,
        Some((digits, exponent)) => {
            let (sign, exponent) = match exponent.strip_prefix('-') {
                Some(exponent) => ('-', exponent),
                None => ('+', exponent),
            };
            format!("{digits}e{sign}{exponent:0>2}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// Computed with nbgrader 0.9's `compute_checksum`.
    #[test]
    fn checksums_are_nbgraders() {
        let tests = Marking {
            grade: true,
            locked: true,
            points: Some(2.0),
            ..Marking::named("w1-add-tests")
        };
        assert_eq!(
            tests.checksum_of("assert_eq!(add(1, 2), 3);", CellKind::Code),
            "c0880141709ff48948b3eca5247f72fb"
        );
        let answer = Marking {
            solution: true,
            ..Marking::named("w1-add")
        };
        assert_eq!(
            answer.checksum_of("// YOUR CODE HERE\ntodo!()", CellKind::Code),
            "493caa5289face1b3160571934d78f04"
        );
    }

    /// As Python 3 prints them.
    #[test]
    fn floats_are_written_as_python_does() {
        for (value, text) in [
            (2.0, "2.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e-5, "1e-05"),
            (0.0001, "0.0001"),
            (1.5e300, "1.5e+300"),
            (123456789012345.0, "123456789012345.0"),
        ] {
            assert_eq!(python_float(value), text);
        }
    }

    fn read(kind: CellKind, marking: Value) -> Result<Option<Marking>, GradeError> {
        let Value::Object(metadata) = json!({ "nbgrader": marking }) else {
            return Ok(None);
        };
        Marking::of(&Cell::new(kind, "c", metadata, ""))
    }

    #[test]
    fn what_breaks_the_schema_is_refused() {
        let good = json!({ "grade": true, "solution": false, "locked": true, "grade_id": "a", "points": 1, "schema_version": 3 });
        assert!(read(CellKind::Code, good.clone()).unwrap().is_some());
        let broken = |key: &str, value: Value| {
            let mut marking = good.clone();
            marking[key] = value;
            read(CellKind::Code, marking).unwrap_err().to_string()
        };
        assert!(broken("schema_version", 2.into()).contains("nbgrader update"));
        assert!(broken("schema_version", 4.into()).contains("newer"));
        assert!(broken("points", (-1).into()).contains("below 0"));
        assert!(broken("points", Value::Null).contains("no points"));
        assert!(broken("grade_id", "a b".into()).contains("letters"));
        assert!(broken("grade_id", "".into()).contains("no id"));
        assert!(broken("cvstudy", 1.into()).contains("unknown field"));
        assert!(broken("task", true.into()).contains("has to be text"));
        assert!(read(CellKind::Markdown, good).is_err());
    }

    #[test]
    fn what_is_put_is_read_again() {
        let marking = Marking {
            grade: true,
            solution: true,
            points: Some(2.5),
            checksum: Some("0".repeat(32)),
            cell_type: Some(CellKind::Markdown),
            ..Marking::named("essay")
        };
        let mut cell = Cell::new(CellKind::Markdown, "c", Map::new(), "");
        marking.put(&mut cell);
        assert_eq!(Marking::of(&cell).unwrap(), Some(marking));
    }
}
