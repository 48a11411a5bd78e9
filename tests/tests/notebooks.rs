//! `cvstudy run` and `cvstudy check` on notebooks of every kind: sound, old, broken, failing, endless.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tests::{programs, python};

/// Notebooks in a folder of their own, so that nothing in the source tree is written to.
struct Folder(TempDir);

impl Folder {
    /// A folder with copies of these files of `tests/notebooks`.
    fn with(names: &[&str]) -> Self {
        let folder = TempDir::new().unwrap();
        for name in names {
            let from = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("notebooks")
                .join(name);
            fs::copy(&from, folder.path().join(from.file_name().unwrap())).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> Value {
        serde_json::from_slice(&fs::read(self.path(name)).unwrap()).unwrap()
    }

    fn cvstudy(&self, arguments: &[&str]) -> Output {
        Command::new(programs::built("cvstudy").unwrap())
            .args(arguments)
            .current_dir(self.0.path())
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn assert_ok(output: &Output) {
    assert!(output.status.success(), "{}", stderr(output));
}

/// Jupyter's own library accepts these notebooks.
fn assert_valid(notebooks: &[PathBuf]) {
    let mut python = python::command().unwrap();
    let output = python
        .arg("notebooks/validate.py")
        .args(notebooks)
        .output()
        .unwrap();
    assert_ok(&output);
}

/// A text that a notebook holds as a list of lines.
fn joined(lines: &Value) -> String {
    let lines = lines.as_array().unwrap().iter();
    lines.map(|line| line.as_str().unwrap()).collect()
}

/// The texts of a cell's outputs: streams, plain text, errors as `name: value`.
fn texts(notebook: &Value, cell: usize) -> Vec<String> {
    let text = |output: &Value| match output["output_type"].as_str().unwrap() {
        "stream" => joined(&output["text"]),
        "error" => format!("{}: {}", output["ename"], output["evalue"]),
        _ => joined(&output["data"]["text/plain"]),
    };
    notebook["cells"][cell]["outputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect()
}

fn json_lines(output: &Output) -> Vec<Value> {
    let text = String::from_utf8_lossy(&output.stdout);
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

#[test]
fn every_kind_of_output_is_kept() {
    let folder = Folder::with(&["tiny.ipynb", "tiny.txt"]);
    assert_ok(&folder.cvstudy(&["run", "tiny.ipynb"]));
    let executed = folder.read("tiny.executed.ipynb");
    let mut printed = texts(&executed, 1);
    printed.sort();
    assert_eq!(printed, ["42", "stderr\n", "stdout\n"]);
    assert_eq!(texts(&executed, 5), ["\r1 of 3\r2 of 3\r3 of 3\n"]);
    assert_eq!(texts(&executed, 6), ["after", "between\n"]);
    assert_eq!(texts(&executed, 7), ["kept\n"]);
    assert!(texts(&executed, 8)[0].contains("expected"));
    assert_eq!(texts(&executed, 9), ["79"]);
    let counts: Vec<_> = executed["cells"]
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| cell["execution_count"].as_u64())
        .collect();
    let expected = [
        None,
        Some(1),
        None,
        None,
        None,
        Some(2),
        Some(3),
        Some(4),
        Some(5),
        Some(6),
    ];
    assert_eq!(counts, expected);
    assert_valid(&[folder.path("tiny.executed.ipynb")]);
}

#[test]
fn what_was_not_executed_stays_byte_for_byte() {
    let folder = Folder::with(&["tiny.ipynb", "tiny.txt"]);
    let before = fs::read_to_string(folder.path("tiny.ipynb")).unwrap();
    assert_ok(&folder.cvstudy(&["run", "tiny.ipynb"]));
    assert_eq!(
        fs::read_to_string(folder.path("tiny.ipynb")).unwrap(),
        before
    );

    // Outputs and counts taken away again, the copy is the notebook.
    let mut executed = folder.read("tiny.executed.ipynb");
    for cell in executed["cells"].as_array_mut().unwrap() {
        if cell["cell_type"] == "code" {
            cell["outputs"] = Value::Array(Vec::new());
            cell["execution_count"] = Value::Null;
        }
    }
    assert_eq!(executed, folder.read("tiny.ipynb"));
    let copy = fs::read_to_string(folder.path("tiny.executed.ipynb")).unwrap();
    assert!(
        copy.starts_with("{\n \"cells\": [\n  {\n   \"cell_type\""),
        "indented as Jupyter does"
    );
    assert!(copy.ends_with("}\n"));
}

#[test]
fn an_old_notebook_becomes_4_5_and_keeps_what_is_unknown() {
    let folder = Folder::with(&["nbformat_4_2.ipynb", "duplicate_ids.ipynb"]);
    assert_ok(&folder.cvstudy(&["run", ".", "--output", "out"]));
    let executed = folder.read("out/nbformat_4_2.ipynb");
    assert_eq!(
        executed["metadata"],
        folder.read("nbformat_4_2.ipynb")["metadata"]
    );
    assert_eq!(texts(&executed, 2), ["3"], "the stale output is gone");
    assert_eq!(
        folder.read("out/duplicate_ids.ipynb")["cells"][0]["id"],
        "same"
    );
    assert_valid(&[
        folder.path("out/nbformat_4_2.ipynb"),
        folder.path("out/duplicate_ids.ipynb"),
    ]);
}

#[test]
fn a_byte_order_mark_and_a_huge_output_are_no_harm() {
    let folder = Folder::with(&["nbformat_4_2.ipynb"]);
    let mut notebook = folder.read("nbformat_4_2.ipynb");
    let picture = "A".repeat(50_000_000);
    notebook["cells"][1]["attachments"]["big.png"]["image/png"] = picture.into();
    fs::write(folder.path("big.ipynb"), format!("\u{feff}{notebook}")).unwrap();
    assert_ok(&folder.cvstudy(&["run", "big.ipynb"]));
    let executed = folder.read("big.executed.ipynb");
    assert_eq!(
        executed["cells"][1]["attachments"],
        notebook["cells"][1]["attachments"]
    );
}

#[test]
fn a_failing_cell_is_named_and_ends_the_notebook() {
    let folder = Folder::with(&["fails.ipynb"]);
    let output = folder.cvstudy(&["run", "fails.ipynb"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for part in [
        "fails.ipynb",
        "cell 2",
        "id two",
        "// A comment first.",
        "E0308",
        "let wrong",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert_eq!(said.matches("E0308").count(), 1, "said once:\n{said}");
    assert!(!said.contains('\u{1b}'), "no colours outside a terminal");
    let executed = folder.read("fails.executed.ipynb");
    assert_eq!(texts(&executed, 0), ["before\n"]);
    assert!(texts(&executed, 1)[0].contains("CompileError"));
    assert!(texts(&executed, 2).is_empty(), "the stale output is gone");
    assert_valid(&[folder.path("fails.executed.ipynb")]);

    assert_ok(&folder.cvstudy(&["run", "fails.ipynb", "--allow-errors"]));
    assert_eq!(
        texts(&folder.read("fails.executed.ipynb"), 2),
        ["after 1\n"]
    );
}

#[test]
fn a_cell_that_takes_too_long_is_interrupted() {
    let folder = Folder::with(&["endless.ipynb"]);
    let output = folder.cvstudy(&["run", "endless.ipynb", "--timeout", "1.5"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("1.5 s"), "{}", stderr(&output));
    let executed = folder.read("endless.executed.ipynb");
    assert_eq!(texts(&executed, 0)[0], "begins\n");
    assert!(texts(&executed, 0)[1].contains("Timeout"));

    assert_ok(&folder.cvstudy(&["run", "endless.ipynb", "--timeout", "1.5", "--allow-errors"]));
    assert_eq!(
        texts(&folder.read("endless.executed.ipynb"), 1),
        ["1"],
        "the engine goes on"
    );
}

#[test]
fn several_notebooks_are_told_apart_as_json() {
    let folder = Folder::with(&["duplicate_ids.ipynb", "fails.ipynb", "broken/empty.ipynb"]);
    let output = folder.cvstudy(&["run", ".", "--jobs", "2", "--json"]);
    assert_eq!(output.status.code(), Some(1));
    let lines = json_lines(&output);
    let of = |event: &str, notebook: &str| -> Vec<&Value> {
        let named = |line: &&Value| line["notebook"].as_str().unwrap().ends_with(notebook);
        lines
            .iter()
            .filter(named)
            .filter(|line| line["event"] == event)
            .collect()
    };
    let statuses = |event, notebook| -> Vec<_> {
        of(event, notebook)
            .iter()
            .map(|line| line["status"].as_str().unwrap())
            .collect()
    };
    assert_eq!(statuses("cell", "duplicate_ids.ipynb"), ["ok"; 3]);
    assert_eq!(statuses("cell", "fails.ipynb"), ["ok", "error"]);
    assert_eq!(statuses("notebook", "duplicate_ids.ipynb"), ["ok"]);
    assert_eq!(statuses("notebook", "empty.ipynb"), ["error"]);
    assert_eq!(of("notebook", "fails.ipynb")[0]["failed_cell"]["id"], "two");
    assert!(stderr(&output).contains("2 of 3 notebooks failed"));
}

#[test]
fn what_is_no_rust_notebook_is_refused_and_not_touched() {
    for (name, said) in [
        ("a_list", "not a notebook"),
        ("another_language", "python"),
        ("cell_without_source", "cell 2"),
        ("cut_short", "not valid JSON"),
        ("edited", "not valid JSON"),
        ("empty", "empty"),
        ("nbformat_3", "old format 3"),
        ("nbformat_5", "format 5"),
        ("no_cells", "no list of cells"),
        ("no_kernelspec", "names no kernel"),
        ("strange_cell", "cell_type"),
        ("utf16", "UTF-8"),
    ] {
        let file = format!("{name}.ipynb");
        let folder = Folder::with(&[&format!("broken/{file}")]);
        let before = fs::read(folder.path(&file)).unwrap();
        for command in ["run", "check"] {
            let output = folder.cvstudy(&[command, &file]);
            assert_eq!(output.status.code(), Some(1), "{command} {name}");
            let stderr = stderr(&output);
            assert!(
                stderr.contains(&file) && stderr.contains(said),
                "{command} {name}: {stderr}"
            );
            assert_eq!(fs::read(folder.path(&file)).unwrap(), before);
            assert_eq!(
                fs::read_dir(folder.0.path()).unwrap().count(),
                1,
                "nothing is written"
            );
        }
    }
}

#[test]
fn no_file_is_written_over_another() {
    let folder = Folder::with(&["duplicate_ids.ipynb", "nbformat_4_2.ipynb"]);
    fs::create_dir(folder.path("other")).unwrap();
    fs::copy(
        folder.path("nbformat_4_2.ipynb"),
        folder.path("other/nbformat_4_2.ipynb"),
    )
    .unwrap();
    let into_itself = folder.cvstudy(&["run", "duplicate_ids.ipynb", "--output", "."]);
    assert!(stderr(&into_itself).contains("would replace it"));
    let twice = [
        "run",
        "nbformat_4_2.ipynb",
        "other/nbformat_4_2.ipynb",
        "--output",
        "out",
    ];
    assert!(stderr(&folder.cvstudy(&twice)).contains("two of the notebooks"));
    assert!(stderr(&folder.cvstudy(&["run", "no_such.ipynb"])).contains("no_such.ipynb"));
}

#[test]
fn check_finds_all_errors_and_runs_nothing() {
    let folder = Folder::with(&["many_errors.ipynb"]);
    let output = folder.cvstudy(&["check", "many_errors.ipynb"]);
    assert_eq!(output.status.code(), Some(1));
    let said = stderr(&output);
    for part in [
        "cell 2 (id type)",
        "E0308",
        "cell 3 (id two-errors)",
        "E0425",
        "2 of 5 cells",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
    assert!(
        !said.contains("id allowed") && !said.contains("id fine"),
        "{said}"
    );
    assert!(!folder.path("ran").exists(), "no cell was run");
}

#[test]
fn what_was_checked_need_not_be_compiled_again() {
    let folder = Folder::with(&["tiny.ipynb", "tiny.txt"]);
    assert_ok(&folder.cvstudy(&["check", "tiny.ipynb"]));
    let output = folder.cvstudy(&["run", "tiny.ipynb", "--json"]);
    assert_ok(&output);
    let cells = json_lines(&output)
        .into_iter()
        .filter(|line| line["event"] == "cell");
    let compiled: Vec<_> = cells.filter(|line| line["cached"] == false).collect();
    assert!(compiled.is_empty(), "{compiled:?}");
}

/// A file or folder of the source tree.
fn in_sources(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)
}

/// A notebook of the course, executed: every cell did what it should, and Jupyter's own library accepts the result.
fn executed(name: &str) -> Value {
    let notebook = in_sources("notebooks").join(name);
    let folder = Folder::with(&[]);
    let out = folder.path("out");
    let output = folder.cvstudy(&[
        "run",
        notebook.to_str().unwrap(),
        "--output",
        out.to_str().unwrap(),
    ]);
    assert_ok(&output);
    assert_valid(&[out.join(name)]);
    folder.read(&format!("out/{name}"))
}

#[test]
fn the_tour_runs_from_top_to_bottom() {
    let executed = executed("tour.ipynb").to_string();
    for format in ["image/png", "image/svg+xml"] {
        assert!(executed.contains(format), "{format} is shown");
    }
}

/// The gallery is leafed through, not waited for: it is to take less than a minute where nothing else runs, and no
/// more than three where the tests share the machine.
const GALLERY: Duration = Duration::from_secs(180);

#[test]
fn the_gallery_runs_from_top_to_bottom() {
    let begin = Instant::now();
    let executed = executed("gallery.ipynb");
    let took = begin.elapsed();
    assert!(took < GALLERY, "the gallery took {took:?}");
    for cell in executed["cells"].as_array().unwrap() {
        for output in cell["outputs"].as_array().into_iter().flatten() {
            let id = &cell["id"];
            assert_ne!(output["name"], "stderr", "cell {id} leaves notes: {output}");
            let Some(data) = output["data"].as_object() else {
                continue;
            };
            let words = joined(&data["text/plain"]);
            assert!(!words.is_empty(), "cell {id}: nothing for who cannot see");
            let html = data.get("text/html").map(joined).unwrap_or_default();
            let described = html.matches(" alt=\"").count();
            assert_eq!(html.matches("<img ").count(), described, "cell {id}");
        }
    }
}

/// What the gallery need not show, and why.
const NOT_SHOWN: [(&[&str], &str); 5] = [
    (
        &[
            "Animation",
            "ChannelHistogram",
            "Draw",
            "MixedBatch",
            "PilImage",
            "PltImage",
            "Progress",
            "Zoom",
        ],
        "what functions return that are shown",
    ),
    (
        &["Rng", "Sides", "Span"],
        "what transforms are made of; who uses them writes numbers",
    ),
    (&["AsArray", "PlotError"], "a trait and an error"),
    (
        &["display_with_id", "update_display"],
        "what `Live` is made of, under Jupyter's names",
    ),
    (
        &["counts", "figure", "to_svg"],
        "numbers, a figure and a text in place of a picture",
    ),
];

#[test]
fn the_gallery_shows_every_view_chart_and_transform() {
    let prelude = in_sources("crates/course/src/prelude.rs");
    let mut names = re_exported(&in_sources("crates/vision/src/transforms/mod.rs"), "");
    for group in ["vision::transforms::{", "vision::{", "plot::{", "live::{"] {
        names.extend(re_exported(&prelude, group));
    }
    for sources in [
        "crates/vision/src/show",
        "crates/vision/src/ops",
        "crates/plot/src/chart.rs",
        "crates/plot/src/detection.rs",
        "crates/plot/src/figure.rs",
        "crates/plot/src/matrices.rs",
        "crates/plot/src/training.rs",
    ] {
        names.extend(public_functions(&in_sources(sources)));
    }
    let gallery = fs::read(in_sources("notebooks/gallery.ipynb")).unwrap();
    let code = code(&serde_json::from_slice(&gallery).unwrap());
    // A function has to be called; of a type or one of its kinds the name is enough.
    let called: HashSet<_> = code.split(['(', '!']).filter_map(last_word).collect();
    let mentioned: HashSet<_> = code.split(|c| !is_of_word(c)).collect();
    let is_shown = |name: &str| match name.starts_with(char::is_lowercase) {
        true => called.contains(name),
        false => mentioned.contains(name),
    };
    let not_shown = || NOT_SHOWN.iter().flat_map(|(names, _)| *names);
    for name in &names {
        let excepted = not_shown().any(|exception| exception == name);
        assert!(
            excepted != is_shown(name),
            "{name}: the gallery shows it, or it stands among the exceptions with the reason why not"
        );
    }
    for exception in not_shown() {
        assert!(
            names.iter().any(|name| name == exception),
            "there is no {exception} any more"
        );
    }
}

/// The names that a source file brings with `pub use` from paths that begin with `from`.
fn re_exported(file: &Path, from: &str) -> Vec<String> {
    let source = fs::read_to_string(file).unwrap();
    let paths = source
        .split(';')
        .filter_map(|statement| Some(statement.split_once("pub use ")?.1));
    let names: Vec<String> = paths
        .filter(|path| path.starts_with(from))
        .flat_map(|path| {
            let names = path.rsplit_once("::").map_or(path, |(_, names)| names);
            names.split(['{', ',', '}'])
        })
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    assert!(!names.is_empty(), "{} from {from:?}", file.display());
    names
}

/// The public functions of a source file, or of all in a folder, but for those of its tests.
fn public_functions(path: &Path) -> Vec<String> {
    if path.is_dir() {
        let entries = fs::read_dir(path).unwrap();
        return entries
            .flat_map(|entry| public_functions(&entry.unwrap().path()))
            .collect();
    }
    if path.extension().is_none_or(|ending| ending != "rs") {
        return Vec::new();
    }
    let source = fs::read_to_string(path).unwrap();
    let source = source.split("#[cfg(test)]\nmod tests").next().unwrap();
    source
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("pub fn "))
        .filter_map(|signature| signature.split(|c| !is_of_word(c)).next())
        .map(str::to_owned)
        .collect()
}

/// The code of a notebook without strings and comments, which show nothing.
fn code(notebook: &Value) -> String {
    let cells = notebook["cells"].as_array().unwrap().iter();
    let mut code = String::new();
    for cell in cells.filter(|cell| cell["cell_type"] == "code") {
        let source = joined(&cell["source"]);
        let outside: Vec<_> = source.split('"').step_by(2).collect();
        for line in outside.join(" ").lines() {
            code.extend([line.split("//").next().unwrap(), "\n"]);
        }
    }
    code
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The word that a text ends with, if it ends with one.
fn last_word(text: &str) -> Option<&str> {
    text.rsplit(|c| !is_of_word(c))
        .next()
        .filter(|word| !word.is_empty())
}
