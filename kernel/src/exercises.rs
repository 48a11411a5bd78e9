//! The learner's side of exercises: `:check`, `:hint`, `:solution`, `:progress`, and what is kept of them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ::grade::result::write_whole;
use ::grade::score::{Verdict, from_outputs};
use ::grade::verdict::{CellVerdict, Class, explain_outputs};
use ::grade::{Master, Notebook};
use anyhow::Result;
use cell::Config;
use cell::exercises::{Exercises, Plan, Test, TestOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The file that progress is kept in: in the folder that `XDG_STATE_HOME` names, else in the cache folder.
const PROGRESS: &str = "progress.json";

/// What is known of one exercise's tests.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Points of the last check.
    pub(crate) points: f64,
    /// The most there is.
    pub(crate) max: f64,
    /// What happened.
    pub(crate) class: Class,
}

/// Progress by notebook and tests cell. It belongs to the learner: losing it costs nothing but a check.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Progress {
    notebooks: BTreeMap<String, BTreeMap<String, State>>,
}

impl Progress {
    /// What is kept.
    pub(crate) fn read() -> Self {
        let text = fs::read(Self::path()).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    fn path() -> PathBuf {
        let state = std::env::var_os("XDG_STATE_HOME").filter(|folder| !folder.is_empty());
        let folder = state.map(|folder| PathBuf::from(folder).join("cvstudy"));
        folder.unwrap_or_else(cell::course::home).join(PROGRESS)
    }

    /// What is known of a notebook.
    pub(crate) fn of(&self, notebook: &str) -> Option<&BTreeMap<String, State>> {
        self.notebooks.get(notebook)
    }

    /// Keeps what a check came to. Kernels of several notebooks do that one after another.
    ///
    /// # Errors
    /// When the cache folder cannot be written to.
    pub(crate) fn note(notebook: &str, tests: &str, state: State) -> Result<()> {
        let path = Self::path();
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        let lock = fs::File::create(path.with_extension("lock"))?;
        lock.lock()?;
        let mut progress = Self::read();
        progress
            .notebooks
            .entry(notebook.to_owned())
            .or_default()
            .insert(tests.to_owned(), state);
        Ok(write_whole(&path, &serde_json::to_vec_pretty(&progress)?)?)
    }
}

/// The exercises of the notebooks in the kernel's folder.
#[derive(Debug, Default)]
struct InNotebook {
    /// The notebook, if the program knows which it is.
    served: Option<PathBuf>,
    last: Mutex<Last>,
}

/// What the learner did last.
#[derive(Debug, Clone, Default)]
struct Last {
    /// The exercise checked last.
    exercise: Option<String>,
    /// How many of its hints were shown.
    hints: usize,
    /// Where the notebook lies.
    folder: PathBuf,
}

impl Exercises for InNotebook {
    fn plan(&self, folder: &Path, word: &str, argument: &str) -> Result<Plan, String> {
        let masters = self.masters(folder)?;
        self.last().folder = folder.to_path_buf();
        match word {
            "check" => self.check(&masters, argument),
            "hint" => self.hint(&masters, argument).map(Plan::Say),
            "solution" => self.solution(&masters, argument).map(Plan::Say),
            _ => Ok(Plan::Say(overview(&masters))),
        }
    }

    fn ended(&self, test: &Test, outcome: &TestOutcome) -> String {
        let outputs = as_outputs(outcome);
        let folder = self.last().folder.clone();
        let Ok(masters) = self.masters(&folder) else {
            return String::new();
        };
        let Some((master, known)) = masters
            .iter()
            .find_map(|master| Some((master, master.cell(&test.id)?)))
        else {
            return String::new();
        };
        let max = known.max_score();
        let points = match from_outputs(&outputs, max) {
            Verdict::Points(points) => points,
            Verdict::TooMany(_) => 0.0,
        };
        let verdict = explain_outputs(known, &outputs, points);
        let state = State {
            points,
            max,
            class: verdict.class,
        };
        // Progress is a convenience: a full disk must not fail a check.
        let _ = Progress::note(&master.name, &test.id, state);
        told(&test.id, points, max, &verdict)
    }
}

/// The same configuration, with the exercises of the notebook that runs: `served`, else the one that Jupyter names,
/// else all in its folder.
pub(crate) fn with_exercises(config: Config, served: Option<&Path>) -> Config {
    let exercises = InNotebook {
        served: served.map(Path::to_path_buf),
        ..InNotebook::default()
    };
    Config {
        exercises: Some(Arc::new(exercises)),
        ..config
    }
}

impl InNotebook {
    fn last(&self) -> MutexGuard<'_, Last> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The notebook that runs, else all in its folder.
    fn masters(&self, folder: &Path) -> Result<Vec<Master>, String> {
        let named = || std::env::var_os("JPY_SESSION_NAME").map(PathBuf::from);
        let served = self
            .served
            .clone()
            .or_else(|| Some(folder.join(named()?.file_name()?)))
            .filter(|path| path.is_file());
        let paths = match served {
            Some(path) => vec![path],
            None => ::grade::notebook::find(&[folder.to_path_buf()])
                .map_err(|error| error.to_string())?,
        };
        let read = |path: &PathBuf| {
            Notebook::read(path)
                .ok()
                .and_then(|notebook| Master::of_released(&name_of(path), notebook).ok())
        };
        let masters: Vec<Master> = paths
            .iter()
            .filter_map(read)
            .filter(|master| !master.cells.is_empty())
            .collect();
        match masters.is_empty() {
            true => Err("there are no exercises in this notebook's folder".into()),
            false => Ok(masters),
        }
    }

    fn check(&self, masters: &[Master], argument: &str) -> Result<Plan, String> {
        let is_wanted = |id: &str, exercise: Option<&str>| {
            argument.is_empty() || id == argument || exercise == Some(argument)
        };
        let cells = masters.iter().flat_map(|master| &master.cells);
        let wanted = cells.filter(|cell| {
            cell.marking.is_tests() && is_wanted(cell.marking.id(), cell.extras.exercise.as_deref())
        });
        let mut tests = Vec::new();
        for cell in wanted {
            let mut last = self.last();
            if last.exercise != cell.extras.exercise {
                last.exercise = cell.extras.exercise.clone();
                last.hints = 0;
            }
            tests.push(Test {
                id: cell.marking.id().to_owned(),
                code: cell.source.clone(),
            });
        }
        match tests.is_empty() {
            true => Err(format!(
                "there is no exercise `{argument}`; they are {}",
                names(masters)
            )),
            false => Ok(Plan::Run(tests)),
        }
    }

    /// The exercise that is meant when none is named.
    fn current(&self) -> Result<Last, String> {
        let last = self.last().clone();
        match last.exercise {
            Some(_) => Ok(last),
            None => Err("which exercise? Check it first, with `:check EXERCISE`".into()),
        }
    }

    /// `:hint`, `:hint 2`, `:hint EXERCISE`, `:hint EXERCISE 2`.
    fn hint(&self, masters: &[Master], argument: &str) -> Result<String, String> {
        let words: Vec<&str> = argument.split_whitespace().collect();
        let is_number = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit());
        let (named, number) = match words[..] {
            [] => (None, None),
            [word] if is_number(word) => (None, Some(word)),
            [id] => (Some(id), None),
            [id, number] if is_number(number) => (Some(id), Some(number)),
            _ => {
                return Err(
                    "`:hint EXERCISE 2` shows the second hint of an exercise, `:hint` the next one"
                        .into(),
                );
            }
        };
        let last = match named {
            None => self.current()?,
            Some(id) => self.turn_to(masters, id)?,
        };
        let id = last.exercise.unwrap_or_default();
        let hints = find(masters, &id)
            .map(|cell| cell.extras.hints.as_slice())
            .unwrap_or_default();
        if hints.is_empty() {
            return Err(format!("there are no hints for `{id}`"));
        }
        let number = match number {
            None => Some((last.hints + 1).min(hints.len())),
            Some(number) => number.parse().ok(),
        };
        let found = number.and_then(|number| Some((number, hints.get(number.checked_sub(1)?)?)));
        let (number, hint) = found.ok_or_else(|| format!("`{id}` has {} hints", hints.len()))?;
        self.last().hints = number;
        Ok(format!(
            "Hint {number} of {} for {id}: {hint}\n",
            hints.len()
        ))
    }

    /// Makes an exercise, named by itself or by its tests, the one that is meant from now on.
    fn turn_to(&self, masters: &[Master], id: &str) -> Result<Last, String> {
        let cell = find(masters, id)
            .ok_or_else(|| format!("there is no exercise `{id}`; they are {}", names(masters)))?;
        let id = cell
            .extras
            .exercise
            .clone()
            .unwrap_or_else(|| id.to_owned());
        let mut last = self.last();
        if last.exercise.as_ref() != Some(&id) {
            last.exercise = Some(id);
            last.hints = 0;
        }
        Ok(last.clone())
    }

    fn solution(&self, masters: &[Master], argument: &str) -> Result<String, String> {
        use ::grade::exercise::Reveal;
        let id = match argument.is_empty() {
            true => self.current()?.exercise.unwrap_or_default(),
            false => argument.to_owned(),
        };
        let cell = find(masters, &id).ok_or_else(|| format!("there is no exercise `{id}`"))?;
        let Some(solution) = &cell.extras.solution else {
            return Err(format!(
                "the solution of `{id}` is not part of this notebook"
            ));
        };
        let is_solved = || {
            let progress = Progress::read();
            let of = |master: &Master| {
                let tests = master
                    .cells
                    .iter()
                    .filter(|tests| tests.extras.exercise.as_deref() == Some(&id));
                let states = tests.map(|tests| progress.of(&master.name)?.get(tests.marking.id()));
                let states: Option<Vec<_>> = states.collect();
                states.is_some_and(|states| {
                    !states.is_empty() && states.iter().all(|state| state.points >= state.max)
                })
            };
            masters.iter().any(of)
        };
        match cell.extras.reveal {
            Reveal::Success if !is_solved() => Err(format!(
                "the solution of `{id}` is shown once your own passes `:check {id}`"
            )),
            _ => Ok(format!("{solution}\n")),
        }
    }
}

fn find<'a>(masters: &'a [Master], id: &str) -> Option<&'a ::grade::MasterCell> {
    masters.iter().find_map(|master| master.cell(id))
}

fn names(masters: &[Master]) -> String {
    let cells = masters.iter().flat_map(|master| &master.cells);
    let names: Vec<&str> = cells
        .filter(|cell| cell.marking.is_tests())
        .filter_map(|cell| cell.extras.exercise.as_deref())
        .collect();
    names.join(", ")
}

/// What a notebook is called in progress.
pub(crate) fn name_of(path: &Path) -> String {
    path.file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

fn as_outputs(outcome: &TestOutcome) -> Vec<Value> {
    let mut outputs = Vec::new();
    if outcome.has_stderr {
        outputs.push(json!({ "output_type": "stream", "name": "stderr", "text": "" }));
    }
    if let Some(text) = &outcome.result {
        outputs.push(json!({ "output_type": "execute_result", "data": { "text/plain": text } }));
    }
    if let Some(error) = &outcome.error {
        outputs.push(json!({ "output_type": "error", "ename": error.ename, "evalue": error.evalue, "traceback": error.traceback }));
    }
    outputs
}

/// One exercise's verdict as text.
pub(crate) fn told(id: &str, points: f64, max: f64, verdict: &CellVerdict) -> String {
    let label = verdict.class.label();
    let mut text = match verdict.class {
        Class::Passed => format!("\u{1b}[32mpassed\u{1b}[0m  {id}  {points} of {max} points\n"),
        _ => format!("\u{1b}[31m{label}\u{1b}[0m  {id}  {points} of {max} points\n"),
    };
    for line in [&verdict.message, &verdict.advice] {
        if !line.is_empty() {
            text.push_str(&format!("  {line}\n"));
        }
    }
    if verdict.class != Class::Passed {
        text.push_str("  `:hint` shows a hint.\n");
    }
    text
}

fn overview(masters: &[Master]) -> String {
    let progress = Progress::read();
    masters
        .iter()
        .map(|master| state_of(master, &progress))
        .collect()
}

/// A notebook's exercises, each with what is known of it.
pub(crate) fn state_of(master: &Master, progress: &Progress) -> String {
    let tests: Vec<_> = master
        .cells
        .iter()
        .filter(|cell| cell.marking.is_tests())
        .collect();
    let state = |id: &str| progress.of(&master.name).and_then(|states| states.get(id));
    let passed = tests
        .iter()
        .filter(|cell| state(cell.marking.id()).is_some_and(|state| state.points >= state.max))
        .count();
    let width = 20_usize;
    let full = (passed * width).checked_div(tests.len()).unwrap_or(0);
    let mut text = format!(
        "{}  [{}{}] {passed} of {}\n",
        master.name,
        "#".repeat(full),
        ".".repeat(width - full),
        tests.len()
    );
    for cell in tests {
        let id = cell.marking.id();
        let line = match state(id) {
            Some(state) => format!(
                "  {:<24} {:<20} {} of {}\n",
                id,
                state.class.label(),
                state.points,
                state.max
            ),
            None => format!("  {id:<24} not checked yet\n"),
        };
        text.push_str(&line);
    }
    text
}
