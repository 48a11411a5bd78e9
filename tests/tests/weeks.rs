//! The seven weeks: notebooks that are in step with their sources, exercises that tell right answers from wrong
//! ones, and lessons whose claims hold and that keep to their time.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use libtest_mimic::{Arguments, Failed, Trial};
use tests::{programs, python};

/// What is promised of two cores: how long a lesson with its solutions takes, and all seven of them.
const WEEK: Duration = Duration::from_secs(6 * 60);
const ALL: Duration = Duration::from_secs(30 * 60);

/// Weeks that train and say nothing of seconds: a second run has to give the same outputs to the last pixel.
const REPEATED: [&str; 2] = ["week4", "week5"];

/// So many times longer it may take here: the machine may have other things to do.
const SLACK: u32 = 3;

/// `SLACK` times `WEEK`, in seconds.
const BUDGET: &str = "1080";

/// The longest that a week may take while its exercises are graded, in seconds: experiments are tiny then.
const GRADED: &str = "240";

fn main() -> Result<()> {
    let mut trials = vec![
        // First, since it takes longest; in order, since the seventh week begins with what the sixth has trained.
        trial("solved, in time, and written as pages", solved_in_time),
        trial("in step with the sources", || {
            cvstudy(&["release", "--check"])
        }),
        trial("an id belongs to one week", ids_are_unique),
        trial("types: as handed out", || {
            cvstudy(&with(&["check"], &notebooks()?))
        }),
    ];
    for source in sources()? {
        let name = source
            .file_stem()
            .context("a file")?
            .to_string_lossy()
            .into_owned();
        let own = source.clone();
        trials.push(trial(
            &format!("types: {name} with its solutions"),
            move || {
                let folder = tempfile::tempdir()?;
                cvstudy(&["check", &solved(&own, folder.path())?])
            },
        ));
        trials.push(trial(&format!("exercises: {name}"), move || {
            cvstudy(&[
                "course",
                "check",
                "--timeout",
                "120",
                "--budget",
                GRADED,
                &text(&source),
            ])
        }));
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit()
}

/// Runs every week with its solutions, and says how long each has taken.
fn solved_in_time() -> Result<()> {
    let mut all = Duration::ZERO;
    let mut late = Vec::new();
    for source in sources()? {
        let name = text(Path::new(source.file_stem().context("a file")?));
        let took = run(&source).with_context(|| name.clone())?;
        if REPEATED.contains(&name.as_str()) {
            same_again(&source).with_context(|| name.clone())?;
        }
        println!("{name}, solved: {:.0} s", took.as_secs_f64());
        all += took;
        if took > SLACK * WEEK {
            late.push(name);
        }
    }
    println!("all weeks, solved: {:.0} s", all.as_secs_f64());
    ensure!(
        late.is_empty(),
        "longer than {BUDGET} s: {}",
        late.join(", ")
    );
    ensure!(
        all < SLACK * ALL,
        "all weeks take {:.0} s",
        all.as_secs_f64()
    );
    Ok(())
}

/// Runs a week with its solutions, and writes a page of it, as it is handed out where there is no Jupyter. Both stay
/// in `target/tmp/weeks`, to be looked at. Gives how long the run has taken.
fn run(source: &Path) -> Result<Duration> {
    fs::create_dir_all(pages())?;
    let began = Instant::now();
    let executed = execute(source, &pages())?;
    let took = began.elapsed();
    let page = executed.with_extension("html");
    // What an earlier run has written says nothing about this one.
    if page.exists() {
        fs::remove_file(&page)?;
    }
    // Its flag `--coalesce-streams` would write a notebook, whatever `--to` says.
    let output = python::command()?
        .args(["-m", "nbconvert", "--to", "html"])
        .arg("--CoalesceStreamsPreprocessor.enabled=True")
        .arg(&executed)
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{said}");
    let shown = fs::read_to_string(&page)?;
    // Pictures that nobody can see would be left out without a word.
    let pictures = shown.matches("<img").count() + shown.matches("<svg").count();
    ensure!(
        pictures >= 10,
        "{} shows {pictures} pictures",
        page.display()
    );
    Ok(took)
}

/// Runs a week with its solutions, and gives the notebook with the outputs, in `folder`.
fn execute(source: &Path, folder: &Path) -> Result<PathBuf> {
    let scratch = tempfile::tempdir()?;
    let notebook = solved(source, scratch.path())?;
    let output = text(folder);
    cvstudy(&["run", "--timeout", BUDGET, "--output", &output, &notebook])?;
    let name = source.file_stem().context("a file")?;
    Ok(folder.join(name).with_extension("ipynb"))
}

/// Runs a week that has been run, and compares what its cells have shown.
fn same_again(source: &Path) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let again = outputs(&execute(source, folder.path())?)?;
    let name = source.file_stem().context("a file")?;
    let before = outputs(&pages().join(name).with_extension("ipynb"))?;
    ensure!(before.len() == again.len(), "other cells");
    for (index, (one, other)) in before.iter().zip(&again).enumerate() {
        ensure!(
            one == other,
            "code cell {} shows other things in a second run:\n{one}\n{other}",
            index + 1
        );
    }
    Ok(())
}

/// The outputs of the code cells of a notebook.
fn outputs(notebook: &Path) -> Result<Vec<serde_json::Value>> {
    let mut notebook: serde_json::Value = serde_json::from_slice(&fs::read(notebook)?)?;
    let cells = notebook["cells"].as_array_mut().context("no cells")?;
    let code = cells.iter_mut().filter(|cell| cell["cell_type"] == "code");
    Ok(code.map(|cell| cell["outputs"].take()).collect())
}

/// Where executed weeks and their pages stay.
fn pages() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("weeks")
}

/// Hints and checks are asked for by id, so no id may mean two exercises.
fn ids_are_unique() -> Result<()> {
    let mut owners: HashMap<String, PathBuf> = HashMap::new();
    for source in sources()? {
        let name = source.file_name().context("a file")?;
        let path = root().join("notebooks").join(name);
        let notebook = fs::read(path.with_extension("ipynb"))?;
        let notebook: serde_json::Value = serde_json::from_slice(&notebook)?;
        for cell in notebook["cells"].as_array().into_iter().flatten() {
            let Some(id) = cell["metadata"]["nbgrader"]["grade_id"].as_str() else {
                continue;
            };
            if let Some(other) = owners.insert(id.to_owned(), source.clone()) {
                bail!("{id} is in {} and {}", other.display(), source.display());
            }
        }
    }
    ensure!(owners.len() > 7 * 8, "{} ids", owners.len());
    Ok(())
}

fn trial(name: &str, test: impl FnOnce() -> Result<()> + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test().map_err(|error| Failed::from(format!("{error:#}")))
    })
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The files of a folder with this ending, in order.
fn files(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
    let mut files: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == ending)
    });
    files.sort();
    Ok(files)
}

fn sources() -> Result<Vec<PathBuf>> {
    let sources = files(&root().join("notebooks/source"), "md")?;
    ensure!(sources.len() == 7, "{} weeks", sources.len());
    Ok(sources)
}

fn notebooks() -> Result<Vec<String>> {
    Ok(files(&root().join("notebooks"), "ipynb")?
        .iter()
        .map(|path| text(path))
        .collect())
}

/// Writes a week with its solutions, as a course at nbgrader keeps it.
fn solved(source: &Path, folder: &Path) -> Result<String> {
    cvstudy(&[
        "release",
        "--output",
        &text(folder),
        "--nbgrader",
        &text(folder),
        &text(source),
    ])?;
    // Lessons read ../data.
    std::os::unix::fs::symlink(root().join("data"), folder.join("source/data"))?;
    let name = source.file_stem().context("a file")?.to_string_lossy();
    Ok(text(&folder.join(format!("source/{name}/{name}.ipynb"))))
}

fn with(words: &[&'static str], more: &[String]) -> Vec<String> {
    words
        .iter()
        .map(ToString::to_string)
        .chain(more.iter().cloned())
        .collect()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn cvstudy<S: AsRef<str>>(arguments: &[S]) -> Result<()> {
    let output = Command::new(programs::built("cvstudy")?)
        .args(arguments.iter().map(AsRef::as_ref))
        // Here what a lesson claims has to hold.
        .env("CVSTUDY_STRICT", "1")
        .current_dir(root())
        .stdin(Stdio::null())
        .output()?;
    let said = [output.stdout, output.stderr].concat();
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
    Ok(())
}
