//! `cvstudy reset`: a notebook, or one of its cells, as it was released.

use std::fs;
use std::path::{Path, PathBuf};

use ::grade::{Cell, Master, Notebook, notebook};
use anyhow::{Context, Result, ensure};
use clap::Args;

use crate::run::print_line;

/// Options of `cvstudy reset`.
#[derive(Debug, Args)]
#[command(after_help = "\
What you have written is kept beside it, as week3.mine-1.ipynb.")]
pub(crate) struct ResetOptions {
    /// The notebook: its file, or its name in notebooks/
    #[arg(value_name = "NOTEBOOK")]
    notebook: PathBuf,

    /// Only this cell
    #[arg(value_name = "CELL")]
    cell: Option<String>,
}

/// Brings the released notebook or cell back.
///
/// # Errors
/// When there is no such notebook or cell, or its source is not there.
pub(crate) fn reset(options: ResetOptions) -> Result<()> {
    let path = match options.notebook.is_file() {
        true => options.notebook.clone(),
        false => Path::new("notebooks")
            .join(&options.notebook)
            .with_extension("ipynb"),
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    let source = folder
        .join("source")
        .join(path.file_name().unwrap_or_default())
        .with_extension("md");
    ensure!(
        source.is_file(),
        "{} is not there, so nobody knows how {} was released",
        source.display(),
        path.display()
    );
    let released = Master::read(&source)?.released;
    let changed = match &options.cell {
        None => released,
        Some(id) => with_cell(Notebook::read(&path)?, &released, id)?,
    };
    if path.is_file() {
        let kept = free_name(&path);
        fs::copy(&path, &kept).with_context(|| format!("cannot write {}", kept.display()))?;
        print_line(format!("what you had is in {}", kept.display()));
    }
    changed.write(&path)?;
    let what = options
        .cell
        .map_or(String::new(), |id| format!(", cell {id}"));
    print_line(format!("{}{what} is as it was released", path.display()));
    Ok(())
}

/// The learner's notebook with one cell as released; a cell that is gone comes back behind the one before it.
fn with_cell(mut mine: Notebook, released: &Notebook, id: &str) -> Result<Notebook> {
    let ids: Vec<&str> = released.cells().iter().filter_map(Cell::id).collect();
    let at = released
        .cells()
        .iter()
        .position(|cell| cell.id() == Some(id));
    let at =
        at.with_context(|| format!("there is no cell `{id}`; there are {}", ids.join(", ")))?;
    let fresh = released.cells()[at].clone();
    let place =
        |mine: &Notebook, id: Option<&str>| mine.cells().iter().position(|cell| cell.id() == id);
    match place(&mine, Some(id)) {
        Some(own) => mine.cells_vec()[own] = fresh,
        None => {
            let before = released.cells()[..at]
                .iter()
                .rev()
                .find_map(|cell| place(&mine, cell.id()));
            mine.cells_vec()
                .insert(before.map_or(0, |before| before + 1), fresh);
        }
    }
    Ok(mine)
}

fn free_name(path: &Path) -> PathBuf {
    let mut numbered = (1..).map(|n| notebook::kept_path(path, n));
    numbered
        .find(|name| !name.exists())
        .unwrap_or_else(|| path.with_extension("mine.ipynb"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::grade::{CellKind, Notebook};
    use serde_json::Map;

    fn notebook(cells: &[(&str, &str)]) -> Notebook {
        let cell = |(id, source): &(&str, &str)| Cell::new(CellKind::Code, id, Map::new(), source);
        Notebook::new(cells.iter().map(cell).collect(), Map::new())
    }

    #[test]
    fn one_cell_comes_back_and_the_others_stay() {
        let released = notebook(&[("a", "1"), ("b", "2"), ("c", "3")]);
        let sources = |notebook: Notebook| {
            notebook
                .cells()
                .iter()
                .map(Cell::source)
                .collect::<Vec<_>>()
        };
        let changed = with_cell(notebook(&[("a", "x"), ("b", "y")]), &released, "b").unwrap();
        assert_eq!(sources(changed), ["x", "2"]);
        let gone = with_cell(
            notebook(&[("a", "x"), ("own", "z"), ("c", "y")]),
            &released,
            "b",
        )
        .unwrap();
        assert_eq!(sources(gone), ["x", "2", "z", "y"]);
        assert!(
            with_cell(notebook(&[]), &released, "q")
                .unwrap_err()
                .to_string()
                .contains("a, b, c")
        );
    }
}
