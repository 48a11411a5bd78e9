//! `cvstudy report`: gradebook, feedback and class report made from the results of grading.

use std::fs;
use std::path::{Path, PathBuf};

use ::grade::class::class_report;
use ::grade::export;
use ::grade::feedback::feedback;
use ::grade::gradebook::{GradeRow, Gradebook, Total};
use ::grade::import;
use ::grade::late::LatePolicy;
use ::grade::result::write_whole;
use ::grade::similarity::{self, Pair};
use ::grade::{Graded, Marking, Master, Notebook};
use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::grade::Course;
use crate::run::print_line;

/// Answers that share more of their own than this are shown to the teacher.
const ALIKE: f64 = 0.8;

/// The file in the course folder that says when assignments are due.
pub(crate) const LATE: &str = "late.json";

/// Options of `cvstudy report`.
#[derive(Debug, Args)]
#[command(after_help = "\
Made anew in DIR: gradebook.db (nbgrader's format), feedback/ (a page for each learner), report-NAME.html (a page
for the teacher; report-ASSIGNMENT.NAME.html where the two differ), grades.csv, grades.json, cells.csv with every
graded cell, and to-grade.csv with every answer that waits for a person.

To give points by hand, run `cvstudy grade by-hand DIR`, which serves a page for it; or fill in the columns score and
comment of to-grade.csv and run `cvstudy report DIR --import to-grade.csv`; or use nbgrader's formgrader on the same
gradebook.

--import also takes cells.csv, grades.json, Gradescope's results.json in the folders that --gradescope writes, and
Gradescope's table of a class, whose questions are called as cells are.")]
pub(crate) struct ReportOptions {
    /// The folder that `cvstudy grade` wrote its results to
    #[arg(value_name = "DIR")]
    folder: PathBuf,

    /// The instructor's notebooks, as for `cvstudy grade`
    #[arg(long, value_name = "PATH")]
    source: Option<PathBuf>,

    /// Points given by hand: to-grade.csv, cells.csv, grades.json, or a file of Gradescope's
    #[arg(long, value_name = "FILE", visible_alias = "manual")]
    import: Vec<PathBuf>,

    /// When assignments are due and what being late costs [default: late.json in DIR or the folder above]
    #[arg(long, value_name = "JSON")]
    late: Option<PathBuf>,

    /// Also write Gradescope's results.json of every submission, into DIR/gradescope
    #[arg(long)]
    gradescope: bool,
}

/// Makes all reports.
///
/// # Errors
/// When there are no results, a table has a mistake, or a file cannot be written.
pub(crate) fn report(options: ReportOptions) -> Result<()> {
    let course = Course::find(&options.folder, options.source.as_deref())?;
    for path in &options.import {
        take_manual(&options.folder, path)?;
    }
    write_reports(
        &options.folder,
        &course,
        options.late.as_deref(),
        options.gradescope,
    )
}

fn take_manual(root: &Path, table: &Path) -> Result<()> {
    let text =
        fs::read_to_string(table).with_context(|| format!("cannot read {}", table.display()))?;
    let mut book = Gradebook::open(&root.join("gradebook.db"))?;
    let place = || table.display().to_string();
    // Folders above it say whose it is.
    let path = fs::canonicalize(table).with_context(place)?;
    let grades = import::read(&text, &path, &book.rows()?).with_context(place)?;
    for grade in &grades {
        let is_known = book.put_manual(grade)?;
        ensure!(
            is_known,
            "{}: nobody called {} has a cell {} in {}",
            table.display(),
            grade.student,
            grade.cell,
            grade.notebook
        );
    }
    print_line(format!(
        "{} points by hand taken from {}",
        grades.len(),
        table.display()
    ));
    Ok(())
}

/// Makes gradebook, feedback, class reports and tables in a folder from the results that lie there.
pub(crate) fn write_reports(
    root: &Path,
    course: &Course,
    late: Option<&Path>,
    gradescope: bool,
) -> Result<()> {
    let above = root.parent().map(|above| above.join(LATE));
    let usual = [Some(root.join(LATE)), above];
    let usual = usual.into_iter().flatten().find(|path| path.is_file());
    let policy = match late.or(usual.as_deref()) {
        Some(path) => LatePolicy::read(path)?,
        None => LatePolicy::default(),
    };
    let mut results = Graded::all(root)?;
    results.retain(|graded| course.of_result(graded).is_some());
    ensure!(
        !results.is_empty(),
        "no results in {}: run `cvstudy grade` first",
        root.display()
    );
    let mut book = Gradebook::open(&root.join("gradebook.db"))?;
    for (assignment, master) in course.masters() {
        book.put_master(assignment, master)?;
    }
    book.put_results(&results, &policy)?;
    let (rows, totals) = (book.rows()?, book.totals()?);
    for (assignment, master) in course.masters() {
        let of_notebook =
            |graded: &&Graded| graded.assignment == *assignment && graded.notebook == master.name;
        let own: Vec<&Graded> = results.iter().filter(of_notebook).collect();
        if !own.is_empty() {
            write_notebook(root, master, &own, &rows, &totals, gradescope)?;
        }
    }
    tables(root, &book, &rows, &totals)
}

fn write_notebook(
    root: &Path,
    master: &Master,
    results: &[&Graded],
    rows: &[GradeRow],
    totals: &[Total],
    gradescope: bool,
) -> Result<()> {
    let mut code = Vec::new();
    for graded in results {
        let own: Vec<GradeRow> = rows
            .iter()
            .filter(|row| is_of(graded, &row.student, &row.assignment, &row.notebook))
            .cloned()
            .collect();
        let total = totals
            .iter()
            .find(|total| is_of(graded, &total.student, &total.assignment, &total.notebook));
        let Some(total) = total else { continue };
        let executed = graded.executed(root);
        if let Some(executed) = &executed {
            code.push((graded.student.clone(), answers(executed)));
        }
        let place = Path::new(&graded.student).join(&graded.assignment);
        let html = feedback(master, graded, executed.as_ref(), &own, total);
        let path = root
            .join("feedback")
            .join(&place)
            .join(format!("{}.html", graded.notebook));
        write_whole(&path, html.as_bytes())?;
        if gradescope {
            let json = export::gradescope(graded, &own, total).to_string();
            let path = root
                .join("gradescope")
                .join(&place)
                .join(&graded.notebook)
                .join("results.json");
            write_whole(&path, json.as_bytes())?;
        }
    }
    let given = answers(&master.released);
    let pairs: Vec<Pair> = similarity::alike(&code, &[given], ALIKE);
    let Some(first) = results.first() else {
        return Ok(());
    };
    let is_ours = |assignment: &str, notebook: &str| {
        assignment == first.assignment && notebook == first.notebook
    };
    let rows: Vec<&GradeRow> = rows
        .iter()
        .filter(|row| is_ours(&row.assignment, &row.notebook))
        .collect();
    let totals: Vec<&Total> = totals
        .iter()
        .filter(|total| is_ours(&total.assignment, &total.notebook))
        .collect();
    let html = class_report(results, &rows, &totals, &pairs);
    // Two assignments may have a notebook of one name.
    let path = match first.assignment == master.name {
        true => root.join(format!("report-{}.html", master.name)),
        false => root.join(format!("report-{}.{}.html", first.assignment, master.name)),
    };
    write_whole(&path, html.as_bytes())?;
    print_line(format!("class report    {}", path.display()));
    Ok(())
}

fn is_of(graded: &Graded, student: &str, assignment: &str, notebook: &str) -> bool {
    graded.student == student && graded.assignment == assignment && graded.notebook == notebook
}

/// What the learner wrote in answers, one after another.
fn answers(notebook: &Notebook) -> String {
    let is_answer = |cell: &&::grade::Cell| {
        cell.is_code()
            && Marking::of(cell)
                .ok()
                .flatten()
                .is_some_and(|marking| marking.solution)
    };
    notebook
        .cells()
        .iter()
        .filter(is_answer)
        .map(|cell| cell.source() + "\n")
        .collect()
}

fn tables(root: &Path, book: &Gradebook, rows: &[GradeRow], totals: &[Total]) -> Result<()> {
    let mut csv = Vec::new();
    export::write_totals(totals, &mut csv)?;
    write_whole(&root.join("grades.csv"), &csv)?;
    let json = serde_json::to_vec_pretty(&export::to_json(book)?)?;
    write_whole(&root.join("grades.json"), &json)?;
    let mut csv = Vec::new();
    export::write_cells(rows, false, &mut csv)?;
    write_whole(&root.join("cells.csv"), &csv)?;
    let open = rows.iter().filter(|row| row.needs_manual).count();
    let mut csv = Vec::new();
    export::write_cells(rows, true, &mut csv)?;
    write_whole(&root.join("to-grade.csv"), &csv)?;
    print_line(format!(
        "grades          {}",
        root.join("grades.csv").display()
    ));
    if open > 0 {
        print_line(format!(
            "{open} answers wait for points by hand: {}",
            root.join("to-grade.csv").display()
        ));
    }
    Ok(())
}
