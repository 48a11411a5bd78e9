//! The gradebook: nbgrader's own SQLite file, `gradebook.db`, so that its formgrader shows what was graded
//! here and points given by hand there count here.

mod put;
mod rows;

use std::collections::HashMap;
use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};

use crate::error::GradeError;
use crate::late::LatePolicy;
use crate::release::Master;
use crate::result::{Graded, key};

pub use rows::{GradeRow, ManualGrade, Total};

use put::{drop_others, find_or_make, put_cell, put_result};

/// An open gradebook.
#[derive(Debug)]
pub struct Gradebook {
    database: Connection,
}

impl Gradebook {
    /// Opens a gradebook, nbgrader's or ours; makes one where there is none.
    ///
    /// # Errors
    /// When the file cannot be written, or is no gradebook.
    pub fn open(path: &Path) -> Result<Self, GradeError> {
        let database = Connection::open(path)?;
        database.busy_timeout(std::time::Duration::from_secs(10))?;
        database.execute_batch(include_str!("gradebook/schema.sql"))?;
        Ok(Self { database })
    }

    /// Records an assignment's notebook and its cells. Cells that it does not have any more go, with the points given
    /// for them: nothing would count them again.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_master(&mut self, assignment: &str, master: &Master) -> Result<(), GradeError> {
        let transaction = self.database.transaction()?;
        let assignment_id = find_or_make(
            &transaction,
            "assignment",
            &[("name", assignment)],
            &[("course_id", "default_course")],
        )?;
        let kernel = master
            .released
            .metadata()
            .get("kernelspec")
            .map(ToString::to_string);
        let keys = [
            ("name", master.name.as_str()),
            ("assignment_id", &assignment_id),
        ];
        let notebook = find_or_make(
            &transaction,
            "notebook",
            &keys,
            &[("kernelspec", &kernel.unwrap_or_default())],
        )?;
        for cell in &master.cells {
            put_cell(&transaction, &notebook, cell)?;
        }
        drop_others(&transaction, &notebook, &master.cells)?;
        transaction.commit()?;
        Ok(())
    }

    /// Records the results of submissions; what people gave stays. A penalty for being late is worked out anew.
    ///
    /// # Errors
    /// When the file cannot be written, or an assignment was not recorded before.
    pub fn put_results(
        &mut self,
        results: &[Graded],
        policy: &LatePolicy,
    ) -> Result<(), GradeError> {
        let transaction = self.database.transaction()?;
        for graded in results {
            put_result(&transaction, graded, policy)?;
        }
        transaction.commit()?;
        Ok(())
    }

    /// Records what a person gives. Gives false when there is no such cell or submission.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_manual(&mut self, manual: &ManualGrade) -> Result<bool, GradeError> {
        let found: Option<(String, String)> = self
            .database
            .query_row(
                &format!("SELECT grade.id, grade.cell_id || ' ' || grade.notebook_id {JOINED} WHERE student_id = ?1 AND assignment.name = ?2 AND notebook.name = ?3 AND base_cell.name = ?4"),
                params![manual.student, manual.assignment, manual.notebook, manual.cell],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        let Some((grade, place)) = found else {
            return Ok(false);
        };
        let needs = "UPDATE grade SET manual_score = ?2, needs_manual_grade = (?2 IS NULL AND auto_score IS NULL) WHERE id = ?1";
        self.database.execute(needs, params![grade, manual.score])?;
        if let (Some(comment), Some((cell, notebook))) = (&manual.comment, place.split_once(' ')) {
            let id = key(&[b"comment", cell.as_bytes(), notebook.as_bytes()]);
            self.database.execute(
                "INSERT INTO comment (id, notebook_id, cell_id, manual_comment) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (cell_id, notebook_id) DO UPDATE SET manual_comment = excluded.manual_comment",
                params![id, notebook, cell, comment],
            )?;
        }
        if let (Some(items), Some((cell, notebook))) = (&manual.items, place.split_once(' ')) {
            let one = "DELETE FROM cvstudy_tick WHERE notebook_id = ?1 AND cell_id = ?2";
            self.database.execute(one, [notebook, cell])?;
            for item in items {
                let one = "INSERT OR IGNORE INTO cvstudy_tick VALUES (?1, ?2, ?3)";
                self.database
                    .execute(one, [notebook, cell, item.as_str()])?;
            }
        }
        Ok(true)
    }

    /// Every graded cell of every submission, in order of assignment, student and cell.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn rows(&self) -> Result<Vec<GradeRow>, GradeError> {
        let query = format!(
            "SELECT student_id, assignment.name, notebook.name, base_cell.name,
                COALESCE(grade_cells.max_score, task_cells.max_score, 0), auto_score, manual_score, extra_credit,
                needs_manual_grade,
                (SELECT manual_comment FROM comment WHERE comment.cell_id = grade.cell_id AND comment.notebook_id = grade.notebook_id),
                grade.notebook_id, grade.cell_id
             {JOINED} ORDER BY assignment.name, notebook.name, student_id, base_cell.rowid"
        );
        let ticks = self.ticks()?;
        let mut statement = self.database.prepare(&query)?;
        let rows = statement.query_map([], |row| {
            let place: (String, String) = (row.get(10)?, row.get(11)?);
            Ok(GradeRow {
                student: row.get(0)?,
                assignment: row.get(1)?,
                notebook: row.get(2)?,
                cell: row.get(3)?,
                max: row.get(4)?,
                auto: row.get(5)?,
                manual: row.get(6)?,
                extra: row.get(7)?,
                needs_manual: row.get(8)?,
                comment: row.get(9)?,
                items: ticks.get(&place).cloned().unwrap_or_default(),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// What is ticked in rubrics, by submitted notebook and cell, in the order in which it was ticked.
    fn ticks(&self) -> Result<HashMap<(String, String), Vec<String>>, GradeError> {
        let query = "SELECT notebook_id, cell_id, item FROM cvstudy_tick ORDER BY rowid";
        let mut statement = self.database.prepare(query)?;
        let mut ticks: HashMap<(String, String), Vec<String>> = HashMap::new();
        for row in statement.query_map([], |row| Ok(((row.get(0)?, row.get(1)?), row.get(2)?)))? {
            let (place, item) = row?;
            ticks.entry(place).or_default().push(item);
        }
        Ok(ticks)
    }

    /// The sums of all submitted notebooks.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn totals(&self) -> Result<Vec<Total>, GradeError> {
        let mut totals: Vec<Total> = Vec::new();
        for row in self.rows()? {
            let is_same = |total: &&mut Total| {
                total.student == row.student
                    && total.assignment == row.assignment
                    && total.notebook == row.notebook
            };
            if totals.last_mut().filter(is_same).is_none() {
                let late_penalty = self.penalty(&row)?;
                totals.push(Total {
                    student: row.student.clone(),
                    assignment: row.assignment.clone(),
                    notebook: row.notebook.clone(),
                    raw: 0.0,
                    late_penalty,
                    score: 0.0,
                    max: 0.0,
                    needs_manual: false,
                });
            }
            if let Some(total) = totals.last_mut() {
                total.raw += row.points();
                total.max += row.max;
                total.needs_manual |= row.needs_manual;
                total.score = (total.raw - total.late_penalty).max(0.0);
            }
        }
        Ok(totals)
    }

    fn penalty(&self, row: &GradeRow) -> Result<f64, GradeError> {
        let penalty: Option<Option<f64>> = self
            .database
            .query_row(
                "SELECT late_submission_penalty FROM submitted_notebook
                 JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
                 JOIN assignment ON assignment.id = submitted_assignment.assignment_id
                 JOIN notebook ON notebook.id = submitted_notebook.notebook_id
                 WHERE student_id = ?1 AND assignment.name = ?2 AND notebook.name = ?3",
                params![row.student, row.assignment, row.notebook],
                |row| row.get(0),
            )
            .optional()?;
        Ok(penalty.flatten().unwrap_or(0.0))
    }
}

/// A grade with everything that names it.
const JOINED: &str = "FROM grade
    JOIN base_cell ON base_cell.id = grade.cell_id
    JOIN submitted_notebook ON submitted_notebook.id = grade.notebook_id
    JOIN notebook ON notebook.id = submitted_notebook.notebook_id
    JOIN submitted_assignment ON submitted_assignment.id = submitted_notebook.assignment_id
    JOIN assignment ON assignment.id = submitted_assignment.assignment_id
    LEFT JOIN grade_cells ON grade_cells.id = base_cell.id
    LEFT JOIN task_cells ON task_cells.id = base_cell.id";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::CellScore;

    fn master() -> Master {
        let source = crate::text::parse(include_str!("../tests/week.md")).unwrap();
        Master::release("week", source).unwrap()
    }

    fn graded(student: &str, points: f64) -> Graded {
        let score = |id: &str, auto: Option<f64>, max: f64| CellScore {
            id: id.into(),
            auto,
            max,
            needs_manual: auto.is_none(),
            comment: None,
        };
        Graded {
            student: student.into(),
            assignment: "week".into(),
            notebook: "week".into(),
            scores: vec![
                score("w1-add-tests", Some(points), 2.0),
                score("w1-why", None, 3.0),
                score("w1-plot", None, 1.5),
            ],
            ..Graded::default()
        }
    }

    fn book() -> Gradebook {
        let mut book = Gradebook::open(Path::new(":memory:")).unwrap();
        book.put_master("week", &master()).unwrap();
        book.put_master("week", &master()).unwrap();
        book
    }

    #[test]
    fn results_come_back_as_sums() {
        let mut book = book();
        book.put_results(
            &[graded("bob", 0.5), graded("ada", 2.0)],
            &LatePolicy::default(),
        )
        .unwrap();
        let totals = book.totals().unwrap();
        assert_eq!(
            totals
                .iter()
                .map(|total| (total.student.as_str(), total.score, total.max))
                .collect::<Vec<_>>(),
            [("ada", 2.0, 6.5), ("bob", 0.5, 6.5)]
        );
        assert!(totals[0].needs_manual);
        assert_eq!(book.rows().unwrap().len(), 6);
    }

    #[test]
    fn cells_that_are_gone_count_no_more() {
        let mut book = book();
        book.put_results(&[graded("ada", 2.0)], &LatePolicy::default())
            .unwrap();
        let text = include_str!("../tests/week.md")
            .replace("w1-add-tests", "w1-sum-tests")
            .replace("w1-plot", "w1-chart");
        let renamed = Master::release("week", crate::text::parse(&text).unwrap()).unwrap();
        book.put_master("week", &renamed).unwrap();
        let mut again = graded("ada", 1.0);
        again.scores[0].id = "w1-sum-tests".into();
        again.scores[2].id = "w1-chart".into();
        book.put_results(&[again], &LatePolicy::default()).unwrap();
        let cells: Vec<String> = book
            .rows()
            .unwrap()
            .into_iter()
            .map(|row| row.cell)
            .collect();
        assert_eq!(cells, ["w1-why", "w1-sum-tests", "w1-chart"]);
        let total = &book.totals().unwrap()[0];
        assert_eq!((total.score, total.max), (1.0, 6.5));
    }

    #[test]
    fn what_a_person_gave_stays() {
        let mut book = book();
        book.put_results(&[graded("ada", 2.0)], &LatePolicy::default())
            .unwrap();
        let manual = |cell: &str, score| ManualGrade {
            student: "ada".into(),
            assignment: "week".into(),
            notebook: "week".into(),
            cell: cell.into(),
            score,
            comment: Some("well put".into()),
            items: Some(vec!["1: a reason".into(), "0.5: an example".into()]),
        };
        assert!(book.put_manual(&manual("w1-why", Some(2.5))).unwrap());
        assert!(!book.put_manual(&manual("none", Some(2.5))).unwrap());
        book.put_results(&[graded("ada", 1.0)], &LatePolicy::default())
            .unwrap();
        assert_eq!(book.totals().unwrap()[0].score, 3.5);
        let row = book
            .rows()
            .unwrap()
            .into_iter()
            .find(|row| row.cell == "w1-why")
            .unwrap();
        assert_eq!(
            (row.comment.as_deref(), row.needs_manual),
            (Some("well put"), false)
        );
        assert_eq!(row.items, ["1: a reason", "0.5: an example"]);
    }

    #[test]
    fn another_answer_needs_another_look() {
        let mut book = book();
        let handed_in = |digest: &str| Graded {
            submission: digest.into(),
            ..graded("ada", 2.0)
        };
        let put = |book: &mut Gradebook, digest: &str| {
            book.put_results(&[handed_in(digest)], &LatePolicy::default())
                .unwrap();
            let rows = book.rows().unwrap();
            let waits = rows.iter().filter(|row| row.needs_manual);
            waits.map(|row| row.cell.clone()).collect::<Vec<_>>()
        };
        assert_eq!(put(&mut book, "first"), ["w1-why", "w1-plot"]);
        for cell in ["w1-why", "w1-plot"] {
            let manual = ManualGrade {
                student: "ada".into(),
                assignment: "week".into(),
                notebook: "week".into(),
                cell: cell.into(),
                score: Some(1.0),
                comment: None,
                items: None,
            };
            assert!(book.put_manual(&manual).unwrap());
        }
        assert_eq!(put(&mut book, "first"), [""; 0]);
        assert_eq!(put(&mut book, "second"), ["w1-why", "w1-plot"]);
        // The points stay until a person has looked.
        assert_eq!(book.totals().unwrap()[0].score, 4.0);
        assert_eq!(put(&mut book, "second"), ["w1-why", "w1-plot"]);
    }
}
