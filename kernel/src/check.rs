//! `cvstudy check`: notebooks type-checked without running them, which also fills the cache.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use cell::{Config, Engine, ErrorReport};
use clap::Args;

use crate::notebook::{self, Notebook};
use crate::run::{
    cell_name, default_jobs, for_stderr, in_parallel, is_executed, may_fail, print_line,
};
use crate::setup;

/// Options of `cvstudy check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Every cell is compiled in order, knowing the types of the cells above it, and none is run. What compiles is
kept, so that executing an unedited notebook afterwards compiles nothing.

Cells tagged skip-execution are left out; cells tagged raises-exception may be wrong.")]
pub(crate) struct CheckOptions {
    /// Notebooks, or folders of notebooks
    #[arg(required = true, value_name = "NOTEBOOK")]
    notebooks: Vec<PathBuf>,
}

/// Checks notebooks and says what is wrong with them.
///
/// # Errors
/// When a notebook cannot be read or a cell does not compile.
pub(crate) fn check(options: CheckOptions) -> Result<()> {
    let paths = notebook::find(&options.notebooks)?;
    if paths.iter().any(|path| Notebook::read(path).is_ok()) {
        setup::ensure(setup::Need::Course)?;
    }
    check_paths(&paths, false)
}

/// What was found in one notebook.
struct Findings {
    cells: usize,
    wrong: Vec<Wrong>,
}

/// A cell that does not compile.
struct Wrong {
    /// Its place among the cells that would run, from 1.
    count: usize,
    id: Option<String>,
    report: ErrorReport,
}

/// Checks every notebook that `paths` name, several at a time; folders mean the notebooks in them.
/// Says what it finds on stdout and stderr, or with `quiet` only in the error.
///
/// # Errors
/// When a notebook cannot be read or a cell does not compile; all notebooks are tried.
pub(crate) fn check_paths(paths: &[PathBuf], quiet: bool) -> Result<()> {
    let paths = notebook::find(paths)?;
    let results = in_parallel(default_jobs(), &paths, |path: &PathBuf| check_one(path));
    let mut failed = Vec::new();
    for (path, result) in paths.iter().zip(results) {
        let said = match result {
            Ok(findings) if findings.wrong.is_empty() => {
                if !quiet {
                    print_line(format!("ok  {}  {} cells", path.display(), findings.cells));
                }
                continue;
            }
            Ok(findings) => explain(path, &findings),
            Err(error) => format!("{error:#}"),
        };
        if !quiet {
            eprintln!("{said}");
        }
        failed.push(path.display().to_string());
    }
    match failed.len() {
        0 => Ok(()),
        count => bail!(
            "{count} of {} notebooks have errors: {}",
            paths.len(),
            failed.join(", ")
        ),
    }
}

fn check_one(path: &Path) -> Result<Findings> {
    let notebook = Notebook::read(path)?;
    let cwd = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let config = Config::discover(cwd).with_context(|| path.display().to_string())?;
    let mut engine = Engine::without_worker(config);
    let mut findings = Findings {
        cells: 0,
        wrong: Vec::new(),
    };
    for cell in notebook.cells().iter().filter(|cell| is_executed(cell)) {
        findings.cells += 1;
        let count = findings.cells;
        match engine.check(&count.to_string(), &cell.source()) {
            Err(report) if !may_fail(cell) => {
                findings.wrong.push(Wrong {
                    count,
                    id: cell.id().map(str::to_owned),
                    report,
                });
            }
            _ => {}
        }
    }
    engine.shutdown();
    Ok(findings)
}

fn explain(path: &Path, findings: &Findings) -> String {
    let mut text = String::new();
    for Wrong { count, id, report } in &findings.wrong {
        let cell = cell_name(path, *count, id.as_deref());
        text.push_str(&format!("{cell}\n{}\n\n", for_stderr(report)));
    }
    let (wrong, cells) = (findings.wrong.len(), findings.cells);
    text.push_str(&format!(
        "{}: {wrong} of {cells} cells have errors",
        path.display()
    ));
    text
}
