//! Rows written as nbgrader writes them.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::error::GradeError;
use crate::late::LatePolicy;
use crate::release::MasterCell;
use crate::result::{Graded, key};

/// The id of the row with these keys; made, with the other values, when there is none. Ids that are made are
/// the same wherever they are made.
pub(super) fn find_or_make(
    transaction: &Transaction<'_>,
    table: &str,
    keys: &[(&str, &str)],
    others: &[(&str, &str)],
) -> Result<String, GradeError> {
    let condition: Vec<String> = keys
        .iter()
        .enumerate()
        .map(|(at, (name, _))| format!("{name} = ?{}", at + 1))
        .collect();
    let find = format!("SELECT id FROM {table} WHERE {}", condition.join(" AND "));
    let values = || keys.iter().map(|(_, value)| *value);
    let found = transaction
        .query_row(&find, rusqlite::params_from_iter(values()), |row| {
            row.get(0)
        })
        .optional()?;
    if let Some(id) = found {
        return Ok(id);
    }
    let parts: Vec<&[u8]> = std::iter::once(table.as_bytes())
        .chain(values().map(str::as_bytes))
        .collect();
    let id = key(&parts);
    let columns: Vec<&str> = keys.iter().chain(others).map(|(name, _)| *name).collect();
    let places: Vec<String> = (2..columns.len() + 2).map(|at| format!("?{at}")).collect();
    let make = format!(
        "INSERT INTO {table} (id, {}) VALUES (?1, {})",
        columns.join(", "),
        places.join(", ")
    );
    let all = std::iter::once(id.as_str())
        .chain(values())
        .chain(others.iter().map(|(_, value)| *value));
    transaction.execute(&make, rusqlite::params_from_iter(all))?;
    Ok(id)
}

pub(super) fn put_cell(
    transaction: &Transaction<'_>,
    notebook: &str,
    cell: &MasterCell,
) -> Result<(), GradeError> {
    let (name, kind) = (cell.marking.id(), cell.kind.as_str());
    for (table, label) in KINDS {
        if !is_of_kind(cell, label) {
            continue;
        }
        let keys = [("name", name), ("notebook_id", notebook), ("type", label)];
        let id = find_or_make(transaction, "base_cell", &keys, &[])?;
        if table == "solution_cells" {
            transaction.execute("INSERT OR IGNORE INTO solution_cells VALUES (?1)", [&id])?;
        } else {
            let put = format!(
                "INSERT INTO {table} VALUES (?1, ?2, ?3) ON CONFLICT (id) DO UPDATE SET max_score = excluded.max_score, cell_type = excluded.cell_type"
            );
            transaction.execute(&put, params![id, cell.max_score(), kind])?;
        }
    }
    let id = key(&[b"source_cell", name.as_bytes(), notebook.as_bytes()]);
    transaction.execute(
        "INSERT INTO source_cell VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (name, notebook_id) DO UPDATE SET
            cell_type = excluded.cell_type, locked = excluded.locked, source = excluded.source, checksum = excluded.checksum",
        params![id, name, kind, cell.marking.is_locked(), cell.source, cell.marking.checksum, notebook],
    )?;
    Ok(())
}

/// The kinds of rows that a cell has in `base_cell`, each with the table of its own.
const KINDS: [(&str, &str); 3] = [
    ("grade_cells", "GradeCell"),
    ("task_cells", "TaskCell"),
    ("solution_cells", "SolutionCell"),
];

fn is_of_kind(cell: &MasterCell, label: &str) -> bool {
    match label {
        "GradeCell" => cell.marking.grade,
        "TaskCell" => cell.marking.task,
        _ => cell.marking.solution,
    }
}

/// Removes the rows of a notebook's cells that are not among these: renamed, deleted, or of another kind now.
pub(super) fn drop_others(
    transaction: &Transaction<'_>,
    notebook: &str,
    cells: &[MasterCell],
) -> Result<(), GradeError> {
    let known = |name: &str, label: &str| {
        let mut named = cells.iter().filter(|cell| cell.marking.id() == name);
        named.any(|cell| is_of_kind(cell, label))
    };
    let mut find = transaction
        .prepare("SELECT id, name, COALESCE(type, '') FROM base_cell WHERE notebook_id = ?1")?;
    let rows = find.query_map([notebook], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    let rows: Vec<(String, String, String)> = rows.collect::<Result<_, _>>()?;
    for (id, name, label) in rows {
        if known(&name, &label) {
            continue;
        }
        // What refers to a row goes before it.
        for (table, column) in ["grade", "comment", "cvstudy_tick"]
            .map(|table| (table, "cell_id"))
            .into_iter()
            .chain(KINDS.map(|(table, _)| (table, "id")))
            .chain([("base_cell", "id")])
        {
            transaction.execute(&format!("DELETE FROM {table} WHERE {column} = ?1"), [&id])?;
        }
        if !cells.iter().any(|cell| cell.marking.id() == name) {
            transaction.execute(
                "DELETE FROM source_cell WHERE name = ?1 AND notebook_id = ?2",
                [name.as_str(), notebook],
            )?;
        }
    }
    Ok(())
}

pub(super) fn put_result(
    transaction: &Transaction<'_>,
    graded: &Graded,
    policy: &LatePolicy,
) -> Result<(), GradeError> {
    transaction.execute(
        "INSERT OR IGNORE INTO student (id) VALUES (?1)",
        [&graded.student],
    )?;
    let id_of =
        |table: &str, name: &str, within: Option<&str>| -> Result<Option<String>, GradeError> {
            let query = match within {
                Some(_) => format!("SELECT id FROM {table} WHERE name = ?1 AND assignment_id = ?2"),
                None => format!("SELECT id FROM {table} WHERE name = ?1"),
            };
            let values = std::iter::once(name).chain(within);
            Ok(transaction
                .query_row(&query, rusqlite::params_from_iter(values), |row| row.get(0))
                .optional()?)
        };
    let assignment = id_of("assignment", &graded.assignment, None)?;
    let notebook = match &assignment {
        Some(assignment) => id_of("notebook", &graded.notebook, Some(assignment))?,
        None => None,
    };
    let (Some(assignment), Some(notebook)) = (assignment, notebook) else {
        return Err(GradeError::Notebook(format!(
            "the gradebook has no notebook `{}` of an assignment `{}`",
            graded.notebook, graded.assignment
        )));
    };
    let keys = [
        ("assignment_id", assignment.as_str()),
        ("student_id", &graded.student),
    ];
    let submission = find_or_make(transaction, "submitted_assignment", &keys, &[])?;
    if let Some(timestamp) = graded.timestamp {
        // As SQLAlchemy writes it: UTC, without saying so.
        let text = timestamp.strftime("%Y-%m-%d %H:%M:%S.%6f").to_string();
        transaction.execute(
            "UPDATE submitted_assignment SET timestamp = ?2 WHERE id = ?1",
            params![submission, text],
        )?;
    }
    let keys = [
        ("notebook_id", notebook.as_str()),
        ("assignment_id", &submission),
    ];
    let submitted = find_or_make(transaction, "submitted_notebook", &keys, &[])?;
    let is_other = put_digest(transaction, &submitted, &graded.submission)?;
    for score in &graded.scores {
        let cell: Option<String> = transaction
            .query_row(
                "SELECT id FROM base_cell WHERE name = ?1 AND notebook_id = ?2 AND type IN ('GradeCell', 'TaskCell')",
                params![score.id, notebook],
                |row| row.get(0),
            )
            .optional()?;
        let Some(cell) = cell else { continue };
        let id = key(&[b"grade", cell.as_bytes(), submitted.as_bytes()]);
        // nbgrader asks for another look when a person's points stand beside new ones of the program. What was
        // handed in anew needs one as well: the points are for another answer.
        transaction.execute(
            "INSERT INTO grade (id, notebook_id, cell_id, auto_score, needs_manual_grade) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (cell_id, notebook_id) DO UPDATE SET
                needs_manual_grade = CASE WHEN manual_score IS NULL THEN excluded.needs_manual_grade
                    ELSE needs_manual_grade OR auto_score IS NOT excluded.auto_score OR ?6 END,
                auto_score = excluded.auto_score",
            params![id, submitted, cell, score.auto, score.needs_manual, is_other],
        )?;
        let id = key(&[b"comment", cell.as_bytes(), submitted.as_bytes()]);
        transaction.execute(
            "INSERT INTO comment (id, notebook_id, cell_id, auto_comment) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (cell_id, notebook_id) DO UPDATE SET auto_comment = excluded.auto_comment",
            params![id, submitted, cell, score.comment],
        )?;
    }
    let raw: f64 = transaction.query_row(
        "SELECT COALESCE(SUM(COALESCE(manual_score, auto_score, 0) + COALESCE(extra_credit, 0)), 0) FROM grade WHERE notebook_id = ?1",
        [&submitted],
        |row| row.get(0),
    )?;
    let penalty = policy.penalty(graded, raw);
    transaction.execute(
        "UPDATE submitted_notebook SET late_submission_penalty = ?2 WHERE id = ?1",
        params![submitted, penalty],
    )?;
    Ok(())
}

/// Keeps which submission the points of a notebook belong to. True when they belonged to another one before.
fn put_digest(
    transaction: &Transaction<'_>,
    submitted: &str,
    digest: &str,
) -> Result<bool, GradeError> {
    let before: Option<String> = transaction
        .query_row(
            "SELECT digest FROM cvstudy_submission WHERE notebook_id = ?1",
            [submitted],
            |row| row.get(0),
        )
        .optional()?;
    transaction.execute(
        "INSERT INTO cvstudy_submission VALUES (?1, ?2)
         ON CONFLICT (notebook_id) DO UPDATE SET digest = excluded.digest",
        [submitted, digest],
    )?;
    Ok(before.is_some_and(|before| before != digest))
}
