//! Every case of the corpus in the engine, each in a fresh session.
//!
//! `CASE=words` or the usual test filter picks cases by file and title.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::LazyLock;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use cell::event::{Event, Reply, Sink, StreamName};
use cell::{Config, Engine, Interrupter};
use libtest_mimic::{Arguments, Failed, Trial};
use rt::Bundle;
use tests::cells::corpus::{self, Case, Cell};
use tests::cells::expect;
use tests::cells::outcome::{Failure, Outcome, without_colour};
use tests::pool::Pool;

/// The longest that a cell of the corpus may take.
const PATIENCE: Duration = Duration::from_secs(60);

static WAITING: LazyLock<Pool<Engine>> = LazyLock::new(Pool::new);

fn main() -> anyhow::Result<()> {
    // The engine calls its own program for a worker.
    if std::env::args()
        .nth(1)
        .is_some_and(|argument| argument == cell::worker::SUBCOMMAND)
    {
        cell::worker_main();
    }
    let mut arguments = Arguments::from_args();
    arguments.filter = arguments.filter.or_else(|| std::env::var("CASE").ok());
    let trials = corpus::load()?
        .into_iter()
        .map(|case| Trial::test(case.name.clone(), move || check(&case)));
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    // `exit` would leave the waiting workers behind.
    while let Some(engine) = WAITING.take() {
        engine.shutdown();
    }
    conclusion.exit()
}

fn check(case: &Case) -> Result<(), Failed> {
    let outcomes = run(case).map_err(|error| format!("{error:#}"))?;
    let report = expect::report(case, &outcomes);
    match (report, GAPS.get(case.name.as_str())) {
        (None, None) => Ok(()),
        // A gap that is known does not hide a new one; one that has closed has to leave the list.
        (Some(_), Some(_)) => Ok(()),
        (None, Some(_)) => Err("it passes now: take it off known_gaps.txt".into()),
        (Some(report), None) => Err(format!("\n{report}").into()),
    }
}

/// Cases that the engine does not pass yet, with the reason: `name = reason`, a line each.
static GAPS: LazyLock<BTreeMap<&str, &str>> = LazyLock::new(|| {
    let lines = include_str!("../cells/known_gaps.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "))
        .collect()
});

fn run(case: &Case) -> anyhow::Result<Vec<Outcome>> {
    let mut engine = match WAITING.take() {
        Some(mut engine) => {
            engine.restart()?;
            engine
        }
        None => start()?,
    };
    let cells = case.cells.iter().zip(1..);
    let outcomes = cells
        .map(|(cell, label)| execute(&mut engine, &label.to_string(), cell))
        .collect();
    WAITING.give_back(engine);
    Ok(outcomes)
}

fn start() -> anyhow::Result<Engine> {
    Ok(Engine::start(Config::discover(Path::new(env!(
        "CARGO_MANIFEST_DIR"
    )))?)?)
}

fn execute(engine: &mut Engine, label: &str, cell: &Cell) -> Outcome {
    let mut listener = Listener {
        outcome: Outcome::default(),
        input: cell.input.iter().cloned().collect(),
        clears_next: false,
        interrupter: cell.interrupt.then(|| engine.interrupter()),
    };
    let interrupter = engine.interrupter();
    let (ended, on_end) = channel::<()>();
    let watch = std::thread::spawn(move || {
        let late = on_end.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout);
        if late {
            interrupter.interrupt();
        }
        late
    });
    let reply = engine.execute(label, &cell.code, &mut listener);
    drop(ended);
    if watch.join().unwrap_or(true) {
        listener.offend(format!("it took more than {PATIENCE:?}"));
    }
    listener.close(&reply)
}

/// A front end that takes notes.
struct Listener {
    outcome: Outcome,
    input: VecDeque<String>,
    clears_next: bool,
    /// Used up by the first output.
    interrupter: Option<Interrupter>,
}

impl Sink for Listener {
    fn event(&mut self, event: Event) {
        if self.outcome.error.is_some() {
            self.offend(format!("after the error came {event:?}"));
        }
        if self.clears_next && !matches!(event, Event::Error(_)) {
            self.clear();
        }
        match event {
            Event::Stream { name, text } => {
                self.outcome.shown.push_str(&text);
                match name {
                    StreamName::Stdout => self.outcome.stdout.push_str(&text),
                    StreamName::Stderr => self.outcome.stderr.push_str(&without_colour(&text)),
                }
                if let Some(interrupter) = self.interrupter.take() {
                    // The engine's thread is the one that is here.
                    std::thread::spawn(move || interrupter.interrupt());
                }
            }
            Event::Display { bundle, .. } | Event::UpdateDisplay { bundle, .. } => {
                self.show(&bundle)
            }
            Event::ClearOutput { wait: true } => self.clears_next = true,
            Event::ClearOutput { wait: false } => self.clear(),
            Event::Result { bundle } => {
                self.show(&bundle);
                if self
                    .outcome
                    .result
                    .replace(bundle.plain().to_string())
                    .is_some()
                {
                    self.offend("a second value".to_string());
                }
            }
            // The corpus has no page for widgets.
            Event::Comm(_) => {}
            Event::Error(report) => {
                if report.evalue.contains('\n') {
                    self.offend(format!(
                        "a message of more than one line: {:?}",
                        report.evalue
                    ));
                }
                let text = without_colour(&report.traceback.join("\n"));
                self.outcome.error = Some(Failure {
                    ename: report.ename,
                    evalue: report.evalue,
                    report: text,
                });
            }
        }
    }

    fn input(&mut self, _prompt: &str, _password: bool) -> Option<String> {
        self.input.pop_front()
    }
}

impl Listener {
    fn show(&mut self, bundle: &Bundle) {
        for content in bundle.data.values().filter_map(|content| content.as_str()) {
            self.outcome.shown.push_str(content);
            self.outcome.shown.push('\n');
        }
    }

    fn clear(&mut self) {
        self.clears_next = false;
        self.outcome.stdout.clear();
        self.outcome.stderr.clear();
        self.outcome.shown.clear();
    }

    fn offend(&mut self, offence: String) {
        self.outcome.offences.push(offence);
    }

    /// Checks what holds for every cell.
    fn close(mut self, reply: &Reply) -> Outcome {
        let told = self
            .outcome
            .error
            .as_ref()
            .map(|error| (error.ename.clone(), error.evalue.clone()));
        let replied = reply
            .error
            .as_ref()
            .map(|error| (error.ename.clone(), error.evalue.clone()));
        if told != replied {
            self.offend(format!(
                "the reply says {replied:?}, the event said {told:?}"
            ));
        }
        if self
            .outcome
            .error
            .as_ref()
            .is_some_and(|error| error.report.is_empty())
        {
            self.offend("an error without a report".to_string());
        }
        // Names that the learner has not written and cannot look up.
        let report = self
            .outcome
            .error
            .as_ref()
            .map_or("", |error| &error.report);
        let texts = [report, &self.outcome.stderr];
        let leaks: Vec<_> = ["libcell_", "cell_1.rs"]
            .into_iter()
            .filter(|name| texts.iter().any(|text| text.contains(name)))
            .collect();
        for name in leaks {
            self.offend(format!("it speaks of `{name}`"));
        }
        self.outcome
    }
}
