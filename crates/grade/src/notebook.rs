//! Notebook files, nbformat 4: read, checked, changed in place, written as Jupyter writes them.
//!
//! A notebook stays the JSON it was read as, so that whatever this program does not know is kept,
//! in its place.

mod cell;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};
use serde_json::ser::PrettyFormatter;
use serde_json::{Map, Value, json};

use crate::error::GradeError;

pub use cell::{Cell, CellKind};

type Result<T, E = GradeError> = std::result::Result<T, E>;

/// The part of nbformat 4 that is written: 4.5 brought the cell ids.
const NBFORMAT_MINOR: u64 = 5;

/// The kernel names that stand for Rust where a kernelspec does not say its language.
const RUST_KERNELS: [&str; 3] = ["cvstudy", "rust", "evcxr_jupyter"];

/// The marker, between name and extension, of an executed copy.
const EXECUTED: &str = "executed";

/// The same of what a reset has kept, before its number: `week1.mine-1.ipynb`.
const KEPT: &str = "mine";

/// Leaves the function with a refusal of the file.
macro_rules! bail {
    ($($message:tt)*) => {
        return Err(refusal(format!($($message)*)))
    };
}

fn refusal(message: impl Into<String>) -> GradeError {
    GradeError::Notebook(message.into())
}

/// A notebook in memory.
#[derive(Debug, Clone)]
pub struct Notebook {
    /// The file as JSON, with an empty place where `cells` belong.
    root: Map<String, Value>,
    cells: Vec<Cell>,
}

/// The object under `key`, made when there is none.
fn object_in<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let place = map.entry(key).or_insert(Value::Null);
    if !place.is_object() {
        *place = Value::Object(Map::new());
    }
    match place {
        Value::Object(object) => object,
        _ => unreachable!("it has just been made an object"),
    }
}

/// Text as notebooks keep it: line by line, so that differences can be read.
fn lines(text: &str) -> Value {
    text.split_inclusive('\n').collect()
}

impl Notebook {
    /// Reads a Rust notebook.
    ///
    /// # Errors
    /// When the file cannot be read, is no notebook, is of another version than nbformat 4, names no
    /// kernel, or one of another language. Each says what to do.
    pub fn read(path: &Path) -> Result<Self> {
        let bytes = fs::read(path).map_err(GradeError::io("read", path))?;
        Self::parse(&bytes).map_err(|error| error.at(path.display().to_string()))
    }

    /// Reads a Rust notebook from the bytes of its file.
    ///
    /// # Errors
    /// As [`Notebook::read`].
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let notebook = Self::parse_any_kernel(bytes)?;
        check_language(&notebook.root)?;
        Ok(notebook)
    }

    /// Reads a notebook whatever kernel it names: a submission runs with that of its assignment.
    ///
    /// # Errors
    /// As [`Notebook::read`], but for the kernel.
    pub fn parse_any_kernel(bytes: &[u8]) -> Result<Self> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = std::str::from_utf8(bytes).map_err(|_| {
            refusal("the file is not UTF-8 text, so not a notebook as Jupyter saves it; save it again as UTF-8")
        })?;
        if text.trim().is_empty() {
            bail!("the file is empty; fetch the notebook again, or make a new one in JupyterLab");
        }
        let value = serde_json::from_str(text).map_err(|error| {
            refusal(format!(
                "the file is not valid JSON ({error}), as when it was cut short or edited by hand; \
                 fetch the notebook again, or take the copy in .ipynb_checkpoints"
            ))
        })?;
        let Value::Object(mut root) = value else {
            bail!("the file holds JSON, but not a notebook");
        };
        check_version(&root)?;
        let cells = match root.get_mut("cells").map(Value::take) {
            Some(Value::Array(cells)) => cells,
            _ => bail!("the notebook has no list of cells; fetch it again"),
        };
        let cells = cells
            .into_iter()
            .enumerate()
            .map(|(at, cell)| {
                Cell::parse(cell)
                    .map_err(|error| error.at(format!("cell {} of the notebook is broken", at + 1)))
            })
            .collect::<Result<_>>()?;
        Ok(Self { root, cells })
    }

    /// A notebook of this course's kernel with these cells and further metadata of the notebook.
    pub fn new(cells: Vec<Cell>, metadata: Map<String, Value>) -> Self {
        let root = json!({
            "cells": null,
            "metadata": metadata,
            "nbformat": 4,
            "nbformat_minor": NBFORMAT_MINOR,
        });
        match root {
            Value::Object(root) => Self { root, cells },
            _ => Self {
                root: Map::new(),
                cells,
            },
        }
    }

    /// The metadata of the whole notebook: the kernel, the language, what extensions keep there.
    pub fn metadata(&self) -> &Map<String, Value> {
        static NONE: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
        match self.root.get("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => &NONE,
        }
    }

    /// The same, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        object_in(&mut self.root, "metadata")
    }

    /// The cells, in order, to be added to and taken from.
    pub fn cells_vec(&mut self) -> &mut Vec<Cell> {
        &mut self.cells
    }

    /// The cells, in order.
    pub fn cells(&self) -> &[Cell] {
        &self.cells
    }

    /// The cells, in order, to be changed.
    pub fn cells_mut(&mut self) -> &mut [Cell] {
        &mut self.cells
    }

    /// Makes it nbformat 4.5: every cell has metadata and an id of its own. Ids that are there stay,
    /// unless an earlier cell has the same.
    pub fn upgrade(&mut self) {
        let minor = self
            .root
            .get("nbformat_minor")
            .and_then(Value::as_u64)
            .unwrap_or(0);
        self.root
            .insert("nbformat_minor".into(), minor.max(NBFORMAT_MINOR).into());
        let mut taken: HashSet<String> = self
            .cells
            .iter()
            .filter_map(|cell| cell.id())
            .map(str::to_owned)
            .collect();
        let mut seen = HashSet::new();
        for (at, cell) in self.cells.iter_mut().enumerate() {
            let own = cell.id().filter(|id| is_valid_id(id)).map(str::to_owned);
            let id = own
                .filter(|id| !seen.contains(id))
                .unwrap_or_else(|| free_id(at + 1, &taken));
            taken.insert(id.clone());
            seen.insert(id.clone());
            cell.0.insert("id".into(), id.into());
            cell.0
                .entry("metadata")
                .or_insert_with(|| Map::new().into());
        }
    }

    /// Writes the notebook: either the whole new file is there afterwards, or what was there before.
    ///
    /// # Errors
    /// When the folder cannot be written to, or the disk is full.
    pub fn write(&self, path: &Path) -> Result<()> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(format!(".{}.tmp", std::process::id()));
        let written =
            fs::write(&unfinished, self.to_json()).and_then(|()| fs::rename(&unfinished, path));
        if written.is_err() {
            let _ = fs::remove_file(&unfinished);
        }
        written.map_err(GradeError::io("write", path))
    }

    /// The file's text as Jupyter writes it: indented by one space, with a line end at its end.
    pub fn to_json(&self) -> Vec<u8> {
        let mut text = Vec::new();
        let formatter = PrettyFormatter::with_indent(b" ");
        let mut json = serde_json::Serializer::with_formatter(&mut text, formatter);
        // JSON values into memory: there is nothing that could fail.
        let _ = self.serialize(&mut json);
        text.push(b'\n');
        text
    }
}

impl Serialize for Notebook {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.root.len()))?;
        for (key, value) in &self.root {
            if key == "cells" {
                let cells: Vec<_> = self.cells.iter().map(|cell| &cell.0).collect();
                map.serialize_entry(key, &cells)?;
            } else {
                map.serialize_entry(key, value)?;
            }
        }
        map.end()
    }
}

/// The notebooks that `paths` name: files as they are, folders as the notebooks in them, without
/// executed copies and what a reset has kept.
///
/// # Errors
/// When a path does not exist, or a folder has no notebook in it.
pub fn find(paths: &[PathBuf]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let entries =
            fs::read_dir(path).and_then(|entries| entries.collect::<io::Result<Vec<_>>>());
        let entries = entries.map_err(GradeError::io("read the folder", path))?;
        let mut inside: Vec<_> = entries
            .into_iter()
            .map(|entry| entry.path())
            .filter(|file| is_notebook(file))
            .collect();
        if inside.is_empty() {
            bail!("{} has no notebook in it", path.display());
        }
        inside.sort();
        found.append(&mut inside);
    }
    Ok(found)
}

/// Where the executed copy of a notebook goes if nothing else is said: beside it, as
/// `name.executed.ipynb`.
pub fn executed_path(path: &Path) -> PathBuf {
    path.with_extension(format!("{EXECUTED}.ipynb"))
}

/// Where what a notebook was before its `number`-th reset is kept: beside it, as `name.mine-1.ipynb`.
pub fn kept_path(path: &Path, number: usize) -> PathBuf {
    path.with_extension(format!("{KEPT}-{number}.ipynb"))
}

fn is_notebook(path: &Path) -> bool {
    path.is_file() && path.extension() == Some(OsStr::new("ipynb")) && !is_copy(path)
}

fn is_copy(path: &Path) -> bool {
    let marker = path.file_stem().map(Path::new).and_then(Path::extension);
    let marker = marker.unwrap_or_default().to_string_lossy();
    let number = marker
        .strip_prefix(KEPT)
        .and_then(|rest| rest.strip_prefix('-'));
    let is_kept = number
        .is_some_and(|text| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()));
    is_kept || marker == EXECUTED
}

fn check_version(root: &Map<String, Value>) -> Result<()> {
    match root.get("nbformat").and_then(Value::as_u64) {
        Some(4) => Ok(()),
        Some(old @ ..4) => bail!(
            "the notebook is in the old format {old}; open it in JupyterLab and save it, which converts it to format 4"
        ),
        Some(new) => bail!(
            "the notebook is in format {new}, and only format 4 is known; save it as format 4"
        ),
        None => bail!("the file holds JSON, but not a notebook: it says no nbformat"),
    }
}

fn check_language(root: &Map<String, Value>) -> Result<()> {
    let spec = root
        .get("metadata")
        .and_then(|metadata| metadata.get("kernelspec"));
    let field = |name| spec.and_then(|spec| spec.get(name)).and_then(Value::as_str);
    let choose = "open it in JupyterLab, choose the kernel \"Rust (CV study)\" and save it";
    let Some(name) = field("name") else {
        bail!("the notebook names no kernel; {choose}");
    };
    let language = field("language");
    let is_rust = match language {
        Some(language) => language.eq_ignore_ascii_case("rust"),
        None => RUST_KERNELS.contains(&name),
    };
    if !is_rust {
        let what = language.unwrap_or(name);
        bail!(
            "the notebook is written for the kernel {name} ({what}), not for Rust; if its code is Rust, {choose}"
        );
    }
    Ok(())
}

/// What nbformat 4.5 allows.
fn is_valid_id(id: &str) -> bool {
    (1..=64).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b))
}

/// An id for the `at`-th cell that no other cell has.
fn free_id(at: usize, taken: &HashSet<String>) -> String {
    let plain = format!("cell-{at}");
    let numbered = (2..).map(|n| format!("cell-{at}-{n}"));
    std::iter::once(plain)
        .chain(numbered)
        .find(|id| !taken.contains(id))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As JupyterLab saves it, with keys and numbers this program knows nothing of.
    const SAVED: &str = r##"{
 "cells": [
  {
   "cell_type": "markdown",
   "id": "intro",
   "metadata": {},
   "source": [
    "# Größe\n",
    "text"
   ]
  },
  {
   "cell_type": "code",
   "execution_count": null,
   "id": "a1",
   "metadata": {
    "tags": [
     "skip-execution"
    ],
    "zeta": 0.1,
    "alpha": 1e+300
   },
   "outputs": [],
   "source": "let x = 1;"
  }
 ],
 "metadata": {
  "kernelspec": {
   "display_name": "Rust (CV study)",
   "language": "rust",
   "name": "cvstudy"
  }
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
"##;

    fn with(change: impl FnOnce(&mut Value)) -> Result<Notebook> {
        let mut value: Value = serde_json::from_str(SAVED).unwrap();
        change(&mut value);
        Notebook::parse(value.to_string().as_bytes())
    }

    fn refusal(change: impl FnOnce(&mut Value)) -> String {
        format!("{}", with(change).unwrap_err())
    }

    #[test]
    fn what_was_read_is_written_byte_for_byte() {
        let notebook = Notebook::parse(SAVED.as_bytes()).unwrap();
        assert_eq!(String::from_utf8(notebook.to_json()).unwrap(), SAVED);
        let mut upgraded = notebook;
        upgraded.upgrade();
        assert_eq!(String::from_utf8(upgraded.to_json()).unwrap(), SAVED);
    }

    #[test]
    fn cells_say_what_they_are() {
        let notebook = Notebook::parse(SAVED.as_bytes()).unwrap();
        let [text, code] = notebook.cells() else {
            panic!("two cells")
        };
        assert!(!text.is_code() && code.is_code());
        assert_eq!(text.source(), "# Größe\ntext");
        assert_eq!(code.id(), Some("a1"));
        assert!(code.has_tag("skip-execution") && !text.has_tag("skip-execution"));
    }

    #[test]
    fn ids_are_added_and_made_unique() {
        let mut notebook = with(|value| {
            value["nbformat_minor"] = 2.into();
            let mut code = value["cells"][1].clone();
            value["cells"].as_array_mut().unwrap().push(code.clone());
            code["id"] = "no good id".into();
            value["cells"].as_array_mut().unwrap().push(code.clone());
            code.as_object_mut().unwrap().remove("id");
            code["id"] = "cell-3".into();
            value["cells"].as_array_mut().unwrap().push(code);
        })
        .unwrap();
        notebook.upgrade();
        let ids: Vec<_> = notebook.cells().iter().filter_map(Cell::id).collect();
        assert_eq!(ids, ["intro", "a1", "cell-3-2", "cell-4", "cell-3"]);
        assert_eq!(notebook.root["nbformat_minor"], 5);
    }

    #[test]
    fn a_byte_order_mark_is_no_harm() {
        assert!(Notebook::parse(format!("\u{feff}{SAVED}").as_bytes()).is_ok());
    }

    #[test]
    fn what_is_no_rust_notebook_is_refused_with_advice() {
        let cut = Notebook::parse(&SAVED.as_bytes()[..200]).unwrap_err();
        assert!(format!("{cut}").contains("not valid JSON"));
        assert!(format!("{}", Notebook::parse(b" \n").unwrap_err()).contains("empty"));
        assert!(format!("{}", Notebook::parse(b"[1]").unwrap_err()).contains("not a notebook"));
        assert!(format!("{}", Notebook::parse(b"\xff\xfe{\0").unwrap_err()).contains("UTF-8"));
        assert!(refusal(|value| value["nbformat"] = 3.into()).contains("old format 3"));
        assert!(refusal(|value| value["nbformat"] = 5.into()).contains("format 5"));
        assert!(refusal(|value| value["cells"] = Value::Null).contains("no list of cells"));
        assert!(refusal(|value| value["cells"][1]["source"] = 7.into()).contains("cell 2"));
        assert!(refusal(|value| value["metadata"] = Map::new().into()).contains("names no kernel"));
        let python = refusal(|value| value["metadata"]["kernelspec"]["language"] = "python".into());
        assert!(python.contains("python"), "{python}");
    }

    #[test]
    fn a_kernel_without_a_language_is_known_by_name() {
        let named = |name: &str| {
            with(|value| value["metadata"]["kernelspec"] = serde_json::json!({ "name": name }))
        };
        assert!(named("cvstudy").is_ok());
        assert!(named("python3").is_err());
    }

    #[test]
    fn folders_are_their_notebooks_without_copies() {
        let folder = tempfile::tempdir().unwrap();
        for name in [
            "b.ipynb",
            "a.ipynb",
            "a.executed.ipynb",
            "a.mine-1.ipynb",
            "b.mine-12.ipynb",
            "notes.txt",
        ] {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let found = find(&[folder.path().to_owned()]).unwrap();
        assert_eq!(
            found,
            [folder.path().join("a.ipynb"), folder.path().join("b.ipynb")]
        );
        assert_eq!(
            executed_path(&found[0]),
            folder.path().join("a.executed.ipynb")
        );
        assert_eq!(
            kept_path(&found[0], 1),
            folder.path().join("a.mine-1.ipynb")
        );
        assert!(
            find(&[folder.path().join("a.ipynb").join("none")]).is_ok(),
            "read says what is wrong"
        );
    }
}
