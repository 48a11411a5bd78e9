//! Points as tables: CSV, JSON, Gradescope.

use std::collections::BTreeMap;
use std::io::{Read, Write};

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::GradeError;
use crate::gradebook::{GradeRow, Gradebook, ManualGrade, Total};
use crate::result::Graded;
use crate::verdict::Class;

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

/// Gradescope's `results.json` of a submission. Hidden tests are told to the learner by their points alone.
pub fn gradescope(graded: &Graded, rows: &[GradeRow], total: &Total) -> Value {
    let test = |row: &GradeRow| {
        let verdict = graded
            .verdicts
            .iter()
            .find(|verdict| verdict.id == row.cell);
        let output = verdict.map(|verdict| {
            [verdict.message.as_str(), verdict.advice.as_str()]
                .join("\n")
                .trim()
                .to_owned()
        });
        let passed = verdict.is_some_and(|verdict| verdict.class == Class::Passed)
            || row.points() >= row.max;
        json!({
            "name": row.cell,
            "score": row.points(),
            "max_score": row.max,
            "status": if passed { "passed" } else { "failed" },
            "visibility": "visible",
            "output": output.unwrap_or_default(),
        })
    };
    json!({
        "score": total.score,
        "execution_time": graded.seconds,
        "output": graded.refused.clone().unwrap_or_default(),
        "tests": rows.iter().map(test).collect::<Vec<_>>(),
    })
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
        };
        let mut text = Vec::new();
        write_cells(std::slice::from_ref(&row), true, &mut text).unwrap();
        let read = read_manual(text.as_slice()).unwrap();
        assert_eq!(
            (read[0].score, read[0].comment.clone()),
            (row.manual, row.comment)
        );
    }
}
