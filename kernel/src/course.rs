//! `cvstudy course check`: whether exercises do what exercises have to do.

mod rehearsal;
mod rules;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use ::grade::inject::inject;
use ::grade::score::score;
use ::grade::{Master, MasterCell, Notebook, Submission};
use anyhow::{Result, bail};
use clap::{Args, Subcommand};

use crate::grade::{Course, Supervisor};
use crate::release::released_path;
use crate::run::{default_jobs, in_parallel, print_line};
use crate::setup;
use rehearsal::{Judged, Rehearsal};
use rules::Ids;

/// Fewer wrong answers than this do not show that tests can tell.
const MUTANTS: usize = 2;

/// Options of `cvstudy course`.
#[derive(Debug, Args)]
pub(crate) struct CourseOptions {
    #[command(subcommand)]
    command: CourseCommand,
}

#[derive(Debug, Subcommand)]
enum CourseCommand {
    /// Check that every exercise can be solved, fails unsolved, and catches its wrong answers
    Check(CheckOptions),
}

/// Options of `cvstudy course check`.
#[derive(Debug, Args)]
#[command(after_help = "\
A notebook has 4 to 6 exercises. Each has three hints, checks that learners see, hidden ones, and two wrong answers
or more. No cell of code that is released has more than 25 lines, no id is in two notebooks, and Run All stops
nowhere, solved or not. --lenient leaves these rules out.")]
struct CheckOptions {
    /// Sources, as for `cvstudy release` [default: notebooks/source]
    #[arg(value_name = "SOURCE")]
    sources: Vec<PathBuf>,

    /// The longest that a solved notebook may run
    #[arg(long, value_name = "SECONDS", default_value_t = 300.0)]
    budget: f64,

    /// The longest a cell may take, compiling included
    #[arg(long, value_name = "SECONDS", default_value_t = 30.0)]
    timeout: f64,

    /// A folder that notebooks may read as ../data [default: the course's data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,

    /// Ask only for what grading needs: any number of exercises, hints, hidden checks and lines
    #[arg(long)]
    lenient: bool,
}

/// Runs what is asked for.
///
/// # Errors
/// When an exercise is not what it should be; all are checked.
pub(crate) fn course(options: CourseOptions) -> Result<()> {
    match options.command {
        CourseCommand::Check(options) => check(&options),
    }
}

/// A notebook to be run: one variant of a source.
struct Trial {
    what: What,
    notebook: Notebook,
}

/// What is shown by running a variant.
enum What {
    /// The instructor's own, then every wrong answer: full points for the one, not for the others.
    Solved(Rehearsal),
    /// As released: no exercise has full points.
    Unsolved,
    /// With one wrong answer to an exercise that has not full points then.
    Mutant { exercise: String, name: String },
}

fn check(options: &CheckOptions) -> Result<()> {
    setup::ensure(setup::Need::Course)?;
    let supervisor = Supervisor::standard(options.timeout, options.data.as_deref())?;
    let places = match options.sources.is_empty() {
        true => vec![PathBuf::from("notebooks/source")],
        false => options.sources.clone(),
    };
    let mut wrong = 0;
    let mut ids = Ids::default();
    // A source that cannot be read is one thing to put right among others.
    let mut count = |path: &Path, checked: Result<usize>| {
        wrong += checked.unwrap_or_else(|error| {
            print_line(format!(
                "{}: it cannot be checked: {error:#}",
                path.display()
            ));
            1
        });
    };
    for place in places {
        match Course::files(&place) {
            Ok(paths) => paths.iter().for_each(|path| {
                count(path, check_source(path, &supervisor, options, &mut ids));
            }),
            Err(error) => count(&place, Err(error)),
        }
    }
    if wrong > 0 {
        bail!("{wrong} things to put right");
    }
    Ok(())
}

/// Checks one source and says what is wrong. Gives how much that is.
fn check_source(
    path: &Path,
    supervisor: &Supervisor,
    options: &CheckOptions,
    ids: &mut Ids,
) -> Result<usize> {
    let master = Master::read(path)?;
    crate::data::provide(&[path.to_path_buf()])?;
    let mut problems = in_step(path, &master);
    problems.extend(leaks(&master));
    problems.extend(match options.lenient {
        true => without_hint(&master),
        false => [rules::broken(&master), ids.take(&master)].concat(),
    });
    let run = |trials: Vec<Trial>| {
        let results = in_parallel(default_jobs(), &trials, |trial| {
            run(trial, &master, supervisor, path, options)
        });
        results.into_iter().collect::<Result<Vec<_>>>()
    };
    let rehearsal = Rehearsal::new(&master);
    let mutants = rehearsal.mutants();
    let mut unclear = Vec::new();
    for found in run(vec![solved(rehearsal), unsolved(&master)])? {
        problems.extend(found.problems);
        unclear.extend(found.unclear);
    }
    let alone = unclear.iter().flat_map(|exercise| alone(&master, exercise));
    problems.extend(
        run(alone.collect())?
            .into_iter()
            .flat_map(|found| found.problems),
    );
    let exercises = master
        .cells
        .iter()
        .filter(|cell| is_exercise(cell, &master))
        .count();
    for problem in &problems {
        print_line(format!("{}: {problem}", path.display()));
    }
    if problems.is_empty() {
        print_line(format!(
            "{}: {exercises} exercises, {mutants} wrong answers caught",
            path.display()
        ));
    }
    Ok(problems.len())
}

/// An answer that tests belong to.
fn is_exercise(cell: &MasterCell, master: &Master) -> bool {
    let is_mine = |tests: &&MasterCell| tests.extras.exercise.as_deref() == Some(cell.marking.id());
    cell.marking.solution && !cell.marking.grade && master.cells.iter().any(|tests| is_mine(&tests))
}

fn in_step(path: &Path, master: &Master) -> Vec<String> {
    let released = released_path(path, None);
    match fs::read(&released) {
        Ok(bytes) if bytes == master.released.to_json() => Vec::new(),
        Ok(_) => vec![format!(
            "{} is older than its source: run `cvstudy release`",
            released.display()
        )],
        Err(_) => vec![format!(
            "{} is not there: run `cvstudy release`",
            released.display()
        )],
    }
}

/// Lines of hidden tests and mark schemes that are in the released notebook all the same, in a hint perhaps.
fn leaks(master: &Master) -> Vec<String> {
    let texts: Vec<String> = master
        .released
        .cells()
        .iter()
        .flat_map(|cell| {
            let hints = ::grade::Extras::of(cell).map(|extras| extras.hints);
            hints.unwrap_or_default().into_iter().chain([cell.source()])
        })
        .collect();
    let is_out = |secret: &String| texts.iter().any(|text| text.contains(secret.as_str()));
    let leaked = master.secrets().into_iter().filter(is_out);
    leaked
        .map(|secret| format!("learners get the hidden line `{secret}`"))
        .collect()
}

/// Exercises that leave a learner alone.
fn without_hint(master: &Master) -> Vec<String> {
    let is_bare = |cell: &&MasterCell| is_exercise(cell, master) && cell.extras.hints.is_empty();
    let bare = master.cells.iter().filter(is_bare);
    bare.map(|cell| format!("`{}` has no hint", cell.marking.id()))
        .collect()
}

fn solved(rehearsal: Rehearsal) -> Trial {
    Trial {
        notebook: rehearsal.notebook.clone(),
        what: What::Solved(rehearsal),
    }
}

fn unsolved(master: &Master) -> Trial {
    let mut notebook = master.released.clone();
    inject(master, &mut notebook);
    Trial {
        what: What::Unsolved,
        notebook,
    }
}

/// Each wrong answer to an exercise in a notebook of its own.
fn alone(master: &Master, exercise: &str) -> Vec<Trial> {
    let cells = master.source.cells();
    let Some(at) = cells.iter().position(|cell| cell.id() == Some(exercise)) else {
        return Vec::new();
    };
    let mutants = ::grade::Extras::of(&cells[at]).map(|extras| extras.mutants);
    let trial = |mutant: ::grade::exercise::Mutant| {
        let mut notebook = master.source.clone();
        notebook.cells_mut()[at].set_source(&mutant.source);
        Trial {
            what: What::Mutant {
                exercise: exercise.to_owned(),
                name: mutant.name,
            },
            notebook,
        }
    };
    mutants.unwrap_or_default().into_iter().map(trial).collect()
}

/// What a run has shown.
#[derive(Default)]
struct Found {
    problems: Vec<String>,
    /// Exercises whose wrong answers have to be run one by one.
    unclear: Vec<String>,
}

fn run(
    trial: &Trial,
    master: &Master,
    supervisor: &Supervisor,
    path: &Path,
    options: &CheckOptions,
) -> Result<Found> {
    let began = Instant::now();
    let mut notebook = trial.notebook.clone();
    let submission = Submission {
        student: "course".into(),
        assignment: master.name.clone(),
        notebook: master.name.clone(),
        path: path.to_path_buf(),
        folder: None,
        timestamp: None,
    };
    supervisor.execute(&mut notebook, master, &submission, &mut Vec::new())?;
    let mut found = Found {
        problems: points(trial, master, &notebook),
        unclear: Vec::new(),
    };
    match &trial.what {
        What::Solved(rehearsal) => {
            found.problems.extend(few_mutants(master));
            let (seconds, budget) = (began.elapsed().as_secs_f64(), options.budget);
            if seconds > budget {
                let text = format!("it takes {seconds:.0} s, and its budget is {budget:.0} s");
                found.problems.push(text);
            }
            for (exercise, judged) in rehearsal.judge(master, &notebook) {
                match judged {
                    Judged::Unclear => found.unclear.push(exercise),
                    Judged::Missed(missed) => {
                        let missed = missed.iter().map(|(name, id)| not_caught(id, name));
                        found.problems.extend(missed);
                    }
                }
            }
        }
        What::Unsolved => {
            let broken = notebook.cells().iter().filter_map(broken_stub);
            found.problems.extend(broken);
        }
        What::Mutant { .. } => {}
    }
    let when = match &trial.what {
        What::Solved(_) => "solved",
        What::Unsolved => "unsolved",
        What::Mutant { .. } => return Ok(found),
    };
    if !options.lenient {
        // Behind a solved notebook stand its wrong answers.
        let own = master.source.cells().len();
        found.problems.extend(rules::stops(&notebook, own, when));
    }
    Ok(found)
}

/// Tests whose points are not what the variant should have.
fn points(trial: &Trial, master: &Master, executed: &Notebook) -> Vec<String> {
    let of_one = |score: ::grade::score::CellScore| {
        let known = master.cell(&score.id)?;
        let is_full = score.auto.is_some_and(|points| points >= score.max);
        let id = &score.id;
        match &trial.what {
            _ if !known.marking.is_tests() => None,
            What::Solved(_) if !is_full => Some(format!(
                "`{id}` gives the solution {} of {} points",
                score.auto.unwrap_or(0.0),
                score.max
            )),
            What::Unsolved if is_full && score.max > 0.0 => {
                Some(format!("`{id}` gives full points for the stub"))
            }
            What::Mutant { exercise, name } => (is_full
                && known.extras.exercise.as_ref() == Some(exercise))
            .then(|| not_caught(id, name)),
            _ => None,
        }
    };
    score(master, executed, &mut Vec::new())
        .into_iter()
        .filter_map(of_one)
        .collect()
}

fn not_caught(id: &str, name: &str) -> String {
    format!("`{id}` does not catch the wrong answer \"{name}\"")
}

/// An answer that does not even compile as it was released.
fn broken_stub(cell: &::grade::Cell) -> Option<String> {
    let is_answer = ::grade::Marking::of(cell)
        .ok()
        .flatten()
        .is_some_and(|marking| marking.solution);
    let is_broken = cell
        .outputs()
        .iter()
        .any(|output| output["ename"] == "CompileError");
    let id = cell.id()?;
    (is_answer && is_broken)
        .then(|| format!("`{id}` does not compile with the stub in place of the solution"))
}

fn few_mutants(master: &Master) -> Vec<String> {
    let is_exercise = |id: &str| {
        master
            .cell(id)
            .is_some_and(|cell| is_exercise(cell, master))
    };
    let cells = master
        .source
        .cells()
        .iter()
        .filter(|cell| cell.id().is_some_and(is_exercise));
    let few = cells.filter_map(|cell| {
        let count = ::grade::Extras::of(cell).ok()?.mutants.len();
        let id = cell.id()?;
        (count < MUTANTS).then(|| {
            format!("`{id}` keeps {count} wrong answers; tests are to catch at least {MUTANTS}")
        })
    });
    few.collect()
}
