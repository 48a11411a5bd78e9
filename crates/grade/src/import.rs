//! Points that people gave elsewhere, taken from a file: tables, JSON, Gradescope. What it is shows in its shape.
//!
//! | shape | where it comes from |
//! |---|---|
//! | CSV with `student,assignment,notebook,cell,score` | `to-grade.csv` and `cells.csv`, see [`crate::export`] |
//! | a JSON list of sums with their cells | `grades.json` |
//! | a JSON object with `tests` | Gradescope's `results.json`, in `STUDENT/ASSIGNMENT/NOTEBOOK/` as it is written |
//! | CSV with a column `SID` or `Email` | Gradescope's table of a class, a column for each question |

use std::path::Path;

use serde_json::Value;

use crate::error::GradeError;
use crate::export::read_manual;
use crate::gradebook::{GradeRow, ManualGrade};

/// Reads what people gave. `path` is where the text comes from, `rows` what the gradebook has.
///
/// # Errors
/// When the shape is none of those above, or points are out of range.
pub fn read(text: &str, path: &Path, rows: &[GradeRow]) -> Result<Vec<ManualGrade>, GradeError> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with(['[', '{']) {
        let columns = csv::Reader::from_reader(text.as_bytes()).headers()?.clone();
        let has = |name: &str| columns.iter().any(|column| column.trim() == name);
        return match has("cell") {
            true => read_manual(text.as_bytes()),
            false if has("SID") || has("Email") => of_class(text, rows),
            false => Err(unknown()),
        };
    }
    let value: Value = serde_json::from_str(text)
        .map_err(|error| GradeError::Notebook(format!("it is no JSON: {error}")))?;
    match &value {
        Value::Array(sums) => of_sums(sums),
        Value::Object(results) if results.contains_key("tests") => {
            of_results(&value["tests"], path, rows)
        }
        _ => Err(unknown()),
    }
}

fn unknown() -> GradeError {
    GradeError::Notebook(
        "it is no table of cells, no grades.json and nothing of Gradescope's; see `cvstudy report --help`"
            .into(),
    )
}

/// What a person gave in `grades.json`: scores, comments and ticks.
fn of_sums(sums: &[Value]) -> Result<Vec<ManualGrade>, GradeError> {
    let mut grades = Vec::new();
    for sum in sums {
        for cell in sum["cells"].as_array().ok_or_else(unknown)? {
            let row: GradeRow = serde_json::from_value(cell.clone()).map_err(|_| unknown())?;
            if row.manual.is_none() && row.comment.is_none() {
                continue;
            }
            check(row.manual, &row)?;
            grades.push(ManualGrade {
                score: row.manual,
                comment: row.comment.clone(),
                items: Some(row.items.clone()),
                ..blank(&row)
            });
        }
    }
    Ok(grades)
}

/// Points that were changed in a submission's `results.json`. Named checks are the program's own.
fn of_results(
    tests: &Value,
    path: &Path,
    rows: &[GradeRow],
) -> Result<Vec<ManualGrade>, GradeError> {
    let mut folders = path
        .parent()
        .into_iter()
        .flat_map(Path::components)
        .rev()
        .map(|part| part.as_os_str().to_string_lossy());
    let (notebook, assignment, student) = (folders.next(), folders.next(), folders.next());
    let own: Vec<&GradeRow> = rows
        .iter()
        .filter(|row| {
            Some(row.student.as_str()) == student.as_deref()
                && Some(row.assignment.as_str()) == assignment.as_deref()
                && Some(row.notebook.as_str()) == notebook.as_deref()
        })
        .collect();
    if own.is_empty() {
        return Err(GradeError::Notebook(
            "nobody knows whose it is: it has to lie in STUDENT/ASSIGNMENT/NOTEBOOK/, as `cvstudy report --gradescope` writes it"
                .into(),
        ));
    }
    let mut grades = Vec::new();
    for test in tests.as_array().into_iter().flatten() {
        let row = own.iter().find(|row| test["name"] == row.cell.as_str());
        let (Some(row), Some(score)) = (row, test["score"].as_f64()) else {
            continue;
        };
        // An answer that nobody has looked at has 0 points there.
        if score == row.points() {
            continue;
        }
        grades.push(scored(row, score)?);
    }
    Ok(grades)
}

/// A class: a line for each student, columns `2: essay (4.0 pts)`.
fn of_class(text: &str, rows: &[GradeRow]) -> Result<Vec<ManualGrade>, GradeError> {
    let mut table = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let columns = table.headers()?.clone();
    let mut grades = Vec::new();
    for line in table.records() {
        let line = line?;
        let field = |name: &str| {
            let at = columns.iter().position(|column| column == name)?;
            line.get(at).filter(|text| !text.is_empty())
        };
        let email = field("Email").map(|email| email.split('@').next().unwrap_or(email));
        let is_theirs =
            |row: &&GradeRow| [field("SID"), email].contains(&Some(row.student.as_str()));
        for (column, score) in columns.iter().zip(line.iter()) {
            let cell = question(column);
            let mut found = rows.iter().filter(is_theirs).filter(|row| row.cell == cell);
            let (Some(row), Ok(score)) = (found.next(), score.parse::<f64>()) else {
                continue;
            };
            if found.next().is_some() {
                return Err(GradeError::Notebook(format!(
                    "`{cell}` is in more than one notebook of {}: give the points in cells.csv",
                    row.student
                )));
            }
            if score == row.points() && !row.needs_manual {
                continue;
            }
            grades.push(scored(row, score)?);
        }
    }
    Ok(grades)
}

/// Points for a row, if it can have so many.
fn scored(row: &GradeRow, score: f64) -> Result<ManualGrade, GradeError> {
    check(Some(score), row)?;
    Ok(ManualGrade {
        score: Some(score),
        ..blank(row)
    })
}

/// The name of a question in its column's, `2: essay (4.0 pts)`.
fn question(column: &str) -> &str {
    let name = match column.split_once(':') {
        Some((number, name)) if number.bytes().all(|byte| b"0123456789.".contains(&byte)) => name,
        _ => column,
    };
    let name = match name.rsplit_once('(') {
        Some((name, points)) if points.trim_end().ends_with("pts)") => name,
        _ => name,
    };
    name.trim()
}

fn check(score: Option<f64>, row: &GradeRow) -> Result<(), GradeError> {
    match score {
        Some(score) if !(0.0..=row.max).contains(&score) => Err(GradeError::Notebook(format!(
            "{} has {score} points for `{}`, which gives 0 to {}",
            row.student, row.cell, row.max
        ))),
        _ => Ok(()),
    }
}

fn blank(row: &GradeRow) -> ManualGrade {
    ManualGrade {
        student: row.student.clone(),
        assignment: row.assignment.clone(),
        notebook: row.notebook.clone(),
        cell: row.cell.clone(),
        score: None,
        comment: None,
        items: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn row(student: &str, cell: &str) -> GradeRow {
        GradeRow {
            student: student.into(),
            assignment: "w".into(),
            notebook: "w".into(),
            cell: cell.into(),
            max: 4.0,
            auto: None,
            manual: None,
            extra: None,
            needs_manual: true,
            comment: None,
            items: Vec::new(),
        }
    }

    fn rows() -> Vec<GradeRow> {
        vec![row("ada", "essay"), row("ada", "plot"), row("bob", "essay")]
    }

    /// Student, cell and points of what is read.
    fn given(text: &str, path: &str) -> Vec<(String, String, Option<f64>)> {
        let grades = read(text, Path::new(path), &rows()).unwrap();
        let one = |grade: ManualGrade| (grade.student, grade.cell, grade.score);
        grades.into_iter().map(one).collect()
    }

    fn expected(given: &[(&str, &str, f64)]) -> Vec<(String, String, Option<f64>)> {
        let one = |(student, cell, score): &(&str, &str, f64)| {
            ((*student).to_owned(), (*cell).to_owned(), Some(*score))
        };
        given.iter().map(one).collect()
    }

    #[test]
    fn tables_of_cells_are_read() {
        let table =
            "student,assignment,notebook,cell,auto,score,max,comment\nada,w,w,essay,,3.5,4,\n";
        assert_eq!(
            given(table, "cells.csv"),
            expected(&[("ada", "essay", 3.5)])
        );
    }

    #[test]
    fn what_is_written_as_json_is_read_again() {
        let by_hand = GradeRow {
            manual: Some(2.5),
            comment: Some("good".into()),
            items: vec!["2.5: a reason".into()],
            ..row("ada", "essay")
        };
        let mut cells = [json!(by_hand), json!(row("ada", "plot"))];
        cells[0]["points"] = 2.5.into();
        let sums = json!([{ "student": "ada", "score": 2.5, "cells": cells }]).to_string();
        let grades = read(&sums, Path::new("grades.json"), &[]).unwrap();
        assert_eq!(grades.len(), 1);
        assert_eq!(grades[0].items.as_deref(), Some(&by_hand.items[..]));
        assert_eq!(grades[0].comment, by_hand.comment);
        let over = sums.replace("2.5", "4.5");
        assert!(read(&over, Path::new("grades.json"), &[]).is_err());
    }

    #[test]
    fn what_was_changed_for_gradescope_is_read() {
        let tests = json!({ "score": 3.0, "tests": [
            { "name": "essay", "score": 3.0, "max_score": 4.0 },
            { "name": "plot", "score": 0.0, "max_score": 4.0 },
            { "name": "mean-tests: of two", "score": 1.0, "max_score": 1.0 },
        ] })
        .to_string();
        let path = "gradescope/ada/w/w/results.json";
        assert_eq!(given(&tests, path), expected(&[("ada", "essay", 3.0)]));
        let lost = read(&tests, Path::new("results.json"), &rows()).unwrap_err();
        assert!(lost.to_string().contains("STUDENT/ASSIGNMENT"), "{lost}");
    }

    #[test]
    fn a_class_of_gradescopes_is_read() {
        let table = "First Name,SID,Email,Total Score,1: essay (4.0 pts),2: plot (4.0 pts)\n\
                     Ada,,ada@example.org,5,3.0,2.0\nBob,bob,,1,1,\nEve,eve,,1,1,1\n";
        assert_eq!(
            given(table, "class.csv"),
            expected(&[
                ("ada", "essay", 3.0),
                ("ada", "plot", 2.0),
                ("bob", "essay", 1.0)
            ])
        );
        assert_eq!(question("2.1: why: so (2 pts)"), "why: so");
    }

    #[test]
    fn other_files_are_refused() {
        for text in ["name,points\nada,1\n", "{}", "[1]", "{ no"] {
            assert!(read(text, Path::new("x"), &rows()).is_err(), "{text}");
        }
    }
}
