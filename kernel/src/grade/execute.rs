//! The process that executes submissions: confines itself, runs the cells, says what came of each.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use ::grade::Notebook;
use ::grade::sandbox::{Confinement, failed};
use anyhow::{Context, Result, bail};
use cell::nursery::{Forked, leave};
use cell::{Config, Engine, ErrorReport, Event, Nursery, Reply, Sink};
use serde_json::json;

use crate::run::{Outputs, is_executed};

use super::job::{CALL, Job, Post, RanCell, Said};
use super::limits::{report, run};

/// The name of the hidden subcommand.
pub(crate) const SUBCOMMAND: &str = "execute-submissions";

/// What holds for the worker, as JSON; it confines itself before it loads anything.
pub(super) const WORKER: &str = "CVSTUDY_CONFINEMENT";

/// What holds for the executing process itself, as JSON.
pub(super) const POST: &str = "CVSTUDY_POST";

/// Confines the process to what its environment says, if it says anything: called first thing in a worker. A worker
/// that cannot be confined as it should ends.
pub(crate) fn confine_worker() {
    let Some(text) = std::env::var_os(WORKER) else {
        return;
    };
    let confinement: Result<Confinement, _> = serde_json::from_str(&text.to_string_lossy());
    let problem = match confinement {
        Ok(confinement) => failed(&confinement.enter()),
        Err(error) => Some(format!("{WORKER} is not understood: {error}")),
    };
    if let Some(problem) = problem {
        eprintln!("cvstudy worker: it cannot be confined: {problem}");
        leave(2);
    }
}

/// Executes the submissions that standard input describes, one after another, each in processes of its own.
///
/// The course is loaded once. For each submission this process forks: the child forks a worker off before it
/// reads the submission, and has the worker run its cells.
///
/// # Errors
/// When what it is given is not the grader's, or there is no course. What cells do is no error.
pub(crate) fn execute_submissions() -> Result<()> {
    let post = std::env::var(POST).context("this command is for the grader's use")?;
    let post: Post = serde_json::from_str(&post).context("this command is for the grader's use")?;
    // The course is looked for before the doors close.
    let mut config = Config::discover(&post.folder())?;
    config.quiet = true;
    config.shell = false;
    let nursery = Nursery::load(&config.course.library);
    let in_force = post.confinement.enter();
    while is_called()? {
        say(&Said::Begin {
            in_force: in_force.clone(),
        });
        let status = match &nursery {
            Ok(nursery) => fork_and_execute(nursery, &config, &post)?,
            // Without a nursery every worker loads the course for itself.
            Err(_) => execute(Engine::start(config.clone())?, &post).map(|()| String::new())?,
        };
        say(&Said::Gone { status });
    }
    Ok(())
}

/// Waits for the grader's call. False when there is none to come. Reads no more than that, see [`CALL`].
fn is_called() -> Result<bool> {
    let mut call = [0];
    loop {
        match rustix::io::read(std::io::stdin(), &mut call) {
            Ok(0) => return Ok(false),
            Ok(_) if call == [CALL] => return Ok(true),
            Ok(_) => bail!("this command is for the grader's use"),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Executes one submission in a process of its own. Gives how that ended.
fn fork_and_execute(nursery: &Nursery, config: &Config, post: &Post) -> Result<String> {
    match nursery.fork()? {
        Forked::Parent(mut ward) => Ok(ward.wait()?.to_string()),
        Forked::Child => {
            // Whoever forked it may be ended with the grader.
            let ends = rustix::process::Signal::KILL;
            let _ = rustix::process::set_parent_process_death_signal(Some(ends));
            let worker = nursery.worker(&config.folder, confine_worker);
            let executed = worker
                .map_err(anyhow::Error::from)
                .and_then(|worker| execute(Engine::with_worker(config.clone(), worker), post));
            if let Err(error) = executed {
                eprintln!("{error:#}");
                leave(1);
            }
            leave(0)
        }
    }
}

/// Reads the job and runs the cells of its notebook.
fn execute(mut engine: Engine, post: &Post) -> Result<()> {
    let stdin = std::io::stdin().as_fd().try_clone_to_owned()?;
    let mut line = String::new();
    BufReader::new(File::from(stdin)).read_line(&mut line)?;
    let job: Job = serde_json::from_str(&line).context("the job cannot be read")?;
    let notebook = Notebook::parse(job.notebook.to_string().as_bytes())?;
    // Without a worker at all nobody's cells are to blame.
    if let Err(report) = engine.wait_until_ready(&mut Vec::new()) {
        bail!("{}", report.evalue);
    }
    let mut outputs = Outputs::default();
    let mut ran: Vec<RanCell> = Vec::new();
    // Cells whose outputs nothing changes any more.
    let mut settled = 0;
    let cells = notebook.cells().iter().enumerate();
    for (at, cell) in cells.filter(|(_, cell)| is_executed(cell)) {
        let count = ran.len() + 1;
        say(&Said::CellBegins { at });
        if job.tests.contains(&at) {
            // What an earlier cell shows could tell what tests call an answer with.
            say_changes(&mut ran[settled..], &outputs);
            settled = ran.len();
        }
        let mut sink = outputs.of_cell(at, count);
        // A worker that died in the cell before loads the course again: that is not this cell's time.
        let ready = engine.wait_until_ready(&mut sink);
        let began = Instant::now();
        let (reply, results) = match ready {
            Err(report) => (fail(report, &mut sink), 0),
            Ok(()) if job.poison.contains(&at) => {
                let report = report("Crash", "the cell ended the program that compiles it");
                (fail(report, &mut sink), 0)
            }
            Ok(()) => run(
                &mut engine,
                count,
                &cell.source(),
                &mut sink,
                &job.limits,
                &post.scratch,
            ),
        };
        let is_late_result = results > 0 && reply.error.is_some();
        let cell = RanCell {
            at,
            outputs: outputs.to_json(at),
            count,
            seconds: began.elapsed().as_secs_f64(),
            compile_seconds: reply.compile.as_secs_f64(),
            cached: reply.cached,
            forged: job.tests.contains(&at) && (results > 1 || is_late_result),
        };
        say(&Said::Cell(cell.clone()));
        ran.push(cell);
    }
    say_changes(&mut ran[settled..], &outputs);
    engine.shutdown();
    say(&Said::End);
    Ok(())
}

/// Says again what cells show that a later one has changed.
fn say_changes(ran: &mut [RanCell], outputs: &Outputs) {
    for cell in ran {
        let now = outputs.to_json(cell.at);
        if now != cell.outputs {
            cell.outputs = now;
            say(&Said::Cell(cell.clone()));
        }
    }
}

/// One line on stdout. When the grader is gone, so are we, soon.
fn say(said: &Said) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", json!(said));
    let _ = stdout.flush();
}

fn fail(error: ErrorReport, sink: &mut dyn Sink) -> Reply {
    sink.event(Event::Error(error.clone()));
    Reply {
        error: Some(error),
        compile: Duration::ZERO,
        run: Duration::ZERO,
        cached: true,
    }
}
