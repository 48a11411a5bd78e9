//! Points as tables: CSV, JSON, Gradescope.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::GradeError;
use crate::gradebook::{GradeRow, Gradebook, ManualGrade, Total};
use crate::result::Graded;
use crate::verdict::{CellVerdict, Check, Class};

/// Writes one line a submitted notebook: `student,assignment,notebook,score,max_score,late_penalty,needs_manual`.
///
/// # Errors
/// When it cannot be written.
pub fn write_totals(totals: &[Total], to: impl Write) -> Result<(), GradeError> {
    let mut table = csv::Writer::from_writer(to);
    table.write_record([
        "student",
        "assignment",
        "notebook",
        "score",
        "max_score",
        "late_penalty",
        "needs_manual",
    ])?;
    for total in totals {
        let number = |value: f64| crate::html::points(value);
        table.write_record([
            &total.student,
            &total.assignment,
            &total.notebook,
            &number(total.score),
            &number(total.max),
            &number(total.late_penalty),
            &total.needs_manual.to_string(),
        ])?;
    }
    table
        .flush()
        .map_err(|error| GradeError::Table(error.into()))
}

/// Writes one line a graded cell, to be filled in and read again with [`read_manual`]:
/// `student,assignment,notebook,cell,auto,score,max,comment`. With `open_only` only those that wait for a person.
///
/// # Errors
/// When it cannot be written.
pub fn write_cells(rows: &[GradeRow], open_only: bool, to: impl Write) -> Result<(), GradeError> {
    let mut table = csv::Writer::from_writer(to);
    table.write_record([
        "student",
        "assignment",
        "notebook",
        "cell",
        "auto",
        "score",
        "max",
        "comment",
    ])?;
    for row in rows.iter().filter(|row| row.needs_manual || !open_only) {
        let number = |value: Option<f64>| value.map(crate::html::points).unwrap_or_default();
        table.write_record([
            &row.student,
            &row.assignment,
            &row.notebook,
            &row.cell,
            &number(row.auto),
            &number(row.manual),
            &number(Some(row.max)),
            row.comment.as_deref().unwrap_or_default(),
        ])?;
    }
    table
        .flush()
        .map_err(|error| GradeError::Table(error.into()))
}

#[derive(Deserialize)]
struct ManualLine {
    student: String,
    assignment: String,
    notebook: String,
    cell: String,
    score: Option<f64>,
    max: Option<f64>,
    comment: Option<String>,
}

/// Reads points that a person gave: the columns of [`write_cells`], of which `auto` and `max` may be missing.
/// Lines without a score and without a comment are passed over.
///
/// # Errors
/// When a column is missing, a score is no number, below 0 or above the cell's most.
pub fn read_manual(from: impl Read) -> Result<Vec<ManualGrade>, GradeError> {
    let mut table = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(from);
    let mut grades = Vec::new();
    for (at, line) in table.deserialize().enumerate() {
        let line: ManualLine = line?;
        let comment = line.comment.filter(|comment| !comment.is_empty());
        if line.score.is_none() && comment.is_none() {
            continue;
        }
        let most = line.max.unwrap_or(f64::INFINITY);
        if line
            .score
            .is_some_and(|score| !(0.0..=most).contains(&score))
        {
            return Err(GradeError::Source {
                line: at + 2,
                problem: format!("a score for `{}` lies between 0 and {most}", line.cell),
            });
        }
        grades.push(ManualGrade {
            student: line.student,
            assignment: line.assignment,
            notebook: line.notebook,
            cell: line.cell,
            score: line.score,
            comment,
            items: None,
        });
    }
    Ok(grades)
}

/// Everything in the gradebook as JSON: sums with their cells.
///
/// # Errors
/// When the gradebook cannot be read.
pub fn to_json(book: &Gradebook) -> Result<Value, GradeError> {
    let mut cells: BTreeMap<(String, String, String), Vec<Value>> = BTreeMap::new();
    for row in book.rows()? {
        let key = (
            row.student.clone(),
            row.assignment.clone(),
            row.notebook.clone(),
        );
        let points = row.points();
        let mut value = json!(row);
        value["points"] = points.into();
        cells.entry(key).or_default().push(value);
    }
    let totals = book.totals()?.into_iter().map(|total| {
        let key = (
            total.student.clone(),
            total.assignment.clone(),
            total.notebook.clone(),
        );
        let mut value = json!(total);
        value["cells"] = cells.remove(&key).unwrap_or_default().into();
        value
    });
    Ok(totals.collect())
}

/// Gradescope's `results.json` of a submission: an entry for each named check, or for each exercise that has none.
/// Of hidden checks learners see the points in the sum and nothing else: their entries are called by number and
/// have the visibility `hidden`.
pub fn gradescope(graded: &Graded, rows: &[GradeRow], total: &Total) -> Value {
    let tests = rows.iter().flat_map(|row| {
        let verdict = graded.verdicts.iter().find(|known| known.id == row.cell);
        match verdict {
            Some(verdict) if is_sum_of(row, &verdict.checks) => entries_of_checks(row, verdict),
            _ => vec![entry_of_cell(row, verdict)],
        }
    });
    json!({
        "score": total.score,
        "execution_time": graded.seconds,
        "output": graded.refused.clone().unwrap_or_default(),
        "tests": tests.collect::<Vec<_>>(),
    })
}

/// Whether an exercise's points are those of its checks: not if a person has given others.
fn is_sum_of(row: &GradeRow, checks: &[Check]) -> bool {
    let near = |sum: f64, whole: f64| (sum - whole).abs() < 1e-9;
    !checks.is_empty()
        && near(checks.iter().map(|check| check.max).sum(), row.max)
        && near(checks.iter().map(|check| check.points).sum(), row.points())
}

fn entries_of_checks(row: &GradeRow, verdict: &CellVerdict) -> Vec<Value> {
    let entry = |(at, check): (usize, &Check)| {
        let (name, output, visibility) = match check.hidden {
            true => (format!("check {}", at + 1), "", "hidden"),
            false => (check.name.clone(), check.message.as_str(), "visible"),
        };
        json!({
            "name": format!("{}: {name}", row.cell),
            "score": check.points,
            "max_score": check.max,
            "status": status(check.points >= check.max),
            "visibility": visibility,
            "output": output,
        })
    };
    verdict.checks.iter().enumerate().map(entry).collect()
}

fn entry_of_cell(row: &GradeRow, verdict: Option<&CellVerdict>) -> Value {
    let told = verdict.map(|verdict| format!("{}\n{}", verdict.message, verdict.advice));
    let passed =
        verdict.is_some_and(|verdict| verdict.class == Class::Passed) || row.points() >= row.max;
    let mut entry = json!({
        "name": row.cell,
        "score": row.points(),
        "max_score": row.max,
        "visibility": "visible",
        "output": told.unwrap_or_default().trim(),
    });
    match row.needs_manual {
        // Neither right nor wrong, so far.
        true => entry["output"] = "A person is still to give points for this.".into(),
        false => entry["status"] = status(passed).into(),
    }
    entry
}

fn status(passed: bool) -> &'static str {
    if passed { "passed" } else { "failed" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_given_in_a_table_are_read() {
        let table = "student,assignment,notebook,cell,auto,score,max,comment\n\
                     ada,w,w,essay,,2.5,3,\"good, short\"\nbob,w,w,essay,,,3,\ncyd,w,w,essay,,,3,late\n";
        let grades = read_manual(table.as_bytes()).unwrap();
        assert_eq!(grades.len(), 2);
        assert_eq!(
            (grades[0].score, grades[0].comment.as_deref()),
            (Some(2.5), Some("good, short"))
        );
        assert_eq!(grades[1].score, None);
        let over =
            read_manual("student,assignment,notebook,cell,score,max\nada,w,w,e,4,3\n".as_bytes());
        assert!(over.unwrap_err().to_string().starts_with("line 2: a score"));
        assert!(read_manual("student,cell\na,b\n".as_bytes()).is_err());
    }

    #[test]
    fn a_table_that_is_written_can_be_read() {
        let row = GradeRow {
            student: "ada".into(),
            assignment: "w".into(),
            notebook: "w".into(),
            cell: "essay".into(),
            max: 3.0,
            auto: None,
            manual: Some(1.25),
            extra: None,
            needs_manual: true,
            comment: Some("a \"quote\"\nand a line".into()),
            items: Vec::new(),
        };
        let mut text = Vec::new();
        write_cells(std::slice::from_ref(&row), true, &mut text).unwrap();
        let read = read_manual(text.as_slice()).unwrap();
        assert_eq!(
            (read[0].score, read[0].comment.clone()),
            (row.manual, row.comment)
        );
    }

    fn row(points: f64, needs_manual: bool) -> GradeRow {
        GradeRow {
            student: "ada".into(),
            assignment: "w".into(),
            notebook: "w".into(),
            cell: "mean-tests".into(),
            max: 2.5,
            auto: Some(points),
            manual: None,
            extra: None,
            needs_manual,
            comment: None,
            items: Vec::new(),
        }
    }

    fn graded() -> (Graded, Total) {
        let check = |name: &str, points: f64, max: f64, hidden| Check {
            name: name.into(),
            points,
            max,
            message: if points < max {
                format!("{name}: no")
            } else {
                String::new()
            },
            hidden,
        };
        let verdict = CellVerdict {
            id: "mean-tests".into(),
            class: Class::Partial,
            message: String::new(),
            advice: "Look again.".into(),
            checks: vec![
                check("of two", 2.0, 2.0, false),
                check("of none", 0.0, 0.5, true),
            ],
        };
        let total = Total {
            student: "ada".into(),
            assignment: "w".into(),
            notebook: "w".into(),
            raw: 2.0,
            late_penalty: 0.0,
            score: 2.0,
            max: 2.5,
            needs_manual: false,
        };
        let graded = Graded {
            verdicts: vec![verdict],
            ..Graded::default()
        };
        (graded, total)
    }

    #[test]
    fn each_check_is_an_entry_and_a_hidden_one_has_no_name() {
        let (graded, total) = graded();
        let results = gradescope(&graded, &[row(2.0, false)], &total);
        let tests = results["tests"].as_array().unwrap();
        assert_eq!(tests.len(), 2);
        let of = |at: usize, key: &str| tests[at][key].clone();
        assert_eq!(of(0, "name"), "mean-tests: of two");
        assert_eq!(
            (of(0, "status"), of(0, "visibility")),
            (json!("passed"), json!("visible"))
        );
        assert_eq!(
            (of(1, "score"), of(1, "max_score")),
            (json!(0.0), json!(0.5))
        );
        assert_eq!(
            (of(1, "status"), of(1, "visibility")),
            (json!("failed"), json!("hidden"))
        );
        assert!(!results.to_string().contains("of none"));
    }

    #[test]
    fn points_of_a_person_are_no_checks() {
        let (graded, total) = graded();
        let given = GradeRow {
            manual: Some(2.5),
            ..row(2.0, false)
        };
        let results = gradescope(&graded, &[given], &total);
        assert_eq!(results["tests"][0]["score"], 2.5);
        assert_eq!(results["tests"][0]["status"], "passed");
        let open = gradescope(&Graded::default(), &[row(0.0, true)], &total);
        assert_eq!(open["tests"][0].get("status"), None);
    }
}
