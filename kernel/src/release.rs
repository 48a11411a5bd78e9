//! `cvstudy release`: sources turned into the notebooks that learners get, and notebooks into text.

use std::fs;
use std::path::{Path, PathBuf};

use ::grade::{Master, Notebook, text};
use anyhow::{Context, Result, bail, ensure};
use clap::Args;

use crate::run::print_line;

/// Where sources lie when none are named.
const SOURCES: &str = "notebooks/source";

/// What nbgrader has to be told of Rust.
const NBGRADER_CONFIG: &str = include_str!("release/nbgrader_config.py");

/// Options of `cvstudy release`.
#[derive(Debug, Args)]
#[command(after_help = "\
notebooks/source/week1.md becomes notebooks/week1.ipynb: solutions are replaced by stubs, hidden tests are
removed, tests are locked. The same source always gives the same bytes.

A source is Markdown with fenced Rust cells:

    ```rust id=\"w1-add\" kind=\"answer\"
    fn add(a: i32, b: i32) -> i32 {
        // BEGIN SOLUTION
        a + b
        // END SOLUTION
    }
    ```

    ```rust id=\"w1-add-tests\" kind=\"tests\" points=2
    assert_eq!(add(1, 2), 3);
    // BEGIN HIDDEN TESTS
    assert_eq!(add(-4, 4), 0);
    // END HIDDEN TESTS
    ```

Kinds: answer, tests, written, task, locked; hint and mutant belong to the answer before them.")]
pub(crate) struct ReleaseOptions {
    /// Sources, or folders of them [default: notebooks/source]
    #[arg(value_name = "SOURCE")]
    sources: Vec<PathBuf>,

    /// Write the notebooks into this folder [default: the one above the source's]
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,

    /// Write nothing; fail when a notebook is not what its source gives
    #[arg(long)]
    check: bool,

    /// Also write the sources as nbgrader keeps them, into this course folder
    #[arg(long, value_name = "DIR")]
    nbgrader: Option<PathBuf>,

    /// The other way: turn notebooks into text, beside them
    #[arg(long, conflicts_with_all = ["check", "nbgrader"])]
    to_text: bool,
}

/// Releases sources, or turns notebooks into text.
///
/// # Errors
/// When a source has a mistake (all are tried), or a file cannot be written.
pub(crate) fn release(options: ReleaseOptions) -> Result<()> {
    let mut failed = 0;
    let sources = find(&options)?;
    for source in &sources {
        let done = match options.to_text {
            true => to_text(source, &options),
            false => release_one(source, &options),
        };
        if let Err(error) = done {
            eprintln!("{error:#}");
            failed += 1;
        }
    }
    ensure!(failed == 0, "{failed} of {} failed", sources.len());
    Ok(())
}

fn find(options: &ReleaseOptions) -> Result<Vec<PathBuf>> {
    let wanted = if options.to_text { "ipynb" } else { "md" };
    let named = match options.sources.is_empty() {
        true => vec![PathBuf::from(SOURCES)],
        false => options.sources.clone(),
    };
    let mut found = Vec::new();
    for path in named {
        if !path.is_dir() {
            found.push(path);
            continue;
        }
        let entries = fs::read_dir(&path)
            .with_context(|| format!("cannot read the folder {}", path.display()))?;
        let files = entries.flatten().map(|entry| entry.path());
        let mut inside: Vec<_> = files
            .filter(|file| {
                file.extension()
                    .is_some_and(|extension| extension == wanted)
            })
            .collect();
        inside.sort();
        ensure!(
            !inside.is_empty(),
            "{} has no .{wanted} file in it",
            path.display()
        );
        found.append(&mut inside);
    }
    Ok(found)
}

/// The notebook that a source is released as: `notebooks/week1.ipynb` for `notebooks/source/week1.md`.
pub(crate) fn released_path(source: &Path, output: Option<&Path>) -> PathBuf {
    let folder = source.parent().unwrap_or(Path::new(""));
    let above = match (output, folder.file_name()) {
        (Some(output), _) => output,
        (None, Some(name)) if name == "source" => folder.parent().unwrap_or(folder),
        (None, _) => folder,
    };
    above
        .join(source.file_name().unwrap_or_default())
        .with_extension("ipynb")
}

fn release_one(source: &Path, options: &ReleaseOptions) -> Result<()> {
    let master = Master::read(source)?;
    let path = released_path(source, options.output.as_deref());
    ensure!(
        path != source,
        "{} would be written over itself; give --output",
        path.display()
    );
    let bytes = master.released.to_json();
    if options.check {
        if fs::read(&path).ok().as_ref() != Some(&bytes) {
            bail!(
                "{} is not what {} gives: run `cvstudy release`",
                path.display(),
                source.display()
            );
        }
    } else {
        make_parent(&path)?;
        master.released.write(&path)?;
    }
    let exercises = master
        .cells
        .iter()
        .filter(|cell| cell.max_score() > 0.0)
        .count();
    print_line(format!(
        "{}  {} cells, {exercises} graded, {} points",
        path.display(),
        master.released.cells().len(),
        master.max_score()
    ));
    if let Some(course) = &options.nbgrader {
        export(&master, course)?;
    }
    Ok(())
}

/// Writes the instructor's notebook where nbgrader looks for it, and the configuration it needs.
fn export(master: &Master, course: &Path) -> Result<()> {
    let path = course
        .join("source")
        .join(&master.name)
        .join(format!("{}.ipynb", master.name));
    make_parent(&path)?;
    let mut source = master.source.clone();
    // nbgrader releases a cell's metadata as it is: wrong answers must not be in it.
    for cell in source.cells_mut() {
        let id = cell.id().unwrap_or_default().to_owned();
        if let Some(known) = master.cell(&id) {
            known.extras.put(cell);
        }
    }
    source.write(&path)?;
    let config = course.join("nbgrader_config.py");
    if !config.exists() {
        fs::write(&config, NBGRADER_CONFIG)
            .with_context(|| format!("cannot write {}", config.display()))?;
    }
    print_line(path.display());
    Ok(())
}

fn to_text(notebook: &Path, options: &ReleaseOptions) -> Result<()> {
    let mut read = Notebook::read(notebook)?;
    read.upgrade();
    let beside = notebook.with_extension("md");
    let path = match (&options.output, beside.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => beside,
    };
    ensure!(
        !path.exists(),
        "{} is there already; give --output another folder",
        path.display()
    );
    make_parent(&path)?;
    fs::write(&path, text::write(&read))
        .with_context(|| format!("cannot write {}", path.display()))?;
    print_line(path.display());
    Ok(())
}

fn make_parent(path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the folder {}", folder.display()))
}
