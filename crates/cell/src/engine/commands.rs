//! What `:vars`, `:dep`, `:replay` and the like do.

use std::sync::Arc;
use std::time::Duration;

use super::{Engine, failure};
use crate::commands::{self, Command};
use crate::compile;
use crate::dependency::Wanted;
use crate::event::{ErrorReport, Event, Reply, Sink, StreamName};
use crate::exercises::{Plan, Test, TestOutcome};
use crate::shell;
use crate::source::CellText;

impl Engine {
    pub(super) fn command(
        &mut self,
        command: &Command,
        sink: &mut dyn Sink,
    ) -> Result<(), ErrorReport> {
        let text = match command {
            Command::Help => commands::HELP.to_string(),
            Command::Vars => commands::table(&self.variables(sink)?),
            Command::Type(name) => self.type_of(name)?,
            Command::Clear => {
                let names = self.session.variables.keys().cloned().collect();
                // Should that end the worker, there is a new one anyway.
                let _ = self.drop_values(names, sink);
                self.restart()
                    .map_err(|error| failure("CommandError", &error.to_string()))?;
                String::new()
            }
            Command::Timing => {
                self.timing = !self.timing;
                format!("timing is {}\n", if self.timing { "on" } else { "off" })
            }
            Command::Opt(level) => {
                self.compiler.opt_level = *level;
                match level {
                    Some(level) => {
                        format!("every cell is compiled at optimisation level {level}\n")
                    }
                    None => {
                        "cells that loop are optimised, others are compiled quickly\n".to_string()
                    }
                }
            }
            Command::Replay => return self.replay(sink),
            Command::Dep(text) => return self.add_dependency(text, sink),
            Command::Shell(_) if !self.config.shell => {
                let text = "commands of the shell do not run here";
                return Err(failure("CommandError", text));
            }
            Command::Shell(line) => {
                return shell::run(line, &self.config.folder, &self.stop, sink);
            }
            Command::Exercise(word, argument) => return self.exercise(word, argument, sink),
            Command::Unknown(word) => {
                return Err(failure("CommandError", &commands::unknown(word)));
            }
        };
        if !text.is_empty() {
            sink.event(Event::Stream {
                name: StreamName::Stdout,
                text,
            });
        }
        Ok(())
    }

    pub(super) fn add_dependency(
        &mut self,
        text: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), ErrorReport> {
        let wanted = Wanted::read(text).map_err(|text| failure("CommandError", &text))?;
        let mut say = |name: StreamName, text: String| sink.event(Event::Stream { name, text });
        let changed = self
            .compiler
            .add_dependency(wanted, &self.config.folder, &mut |line| {
                say(StreamName::Stdout, format!("{line}\n"));
            })?;
        // A variable of a type that is now another one would be taken for what it is not.
        let outdated: Vec<String> = self
            .session
            .variables
            .iter()
            .filter(|(_, variable)| changed.iter().any(|name| variable.mentions.contains(name)))
            .map(|(name, _)| name.clone())
            .collect();
        for name in &outdated {
            self.session.variables.remove(name);
            say(
                StreamName::Stderr,
                format!("note: `{name}` is gone, because the crate of its type was built anew.\n"),
            );
        }
        self.drop_values(outdated, sink)
    }

    /// Does what a command about exercises comes to.
    fn exercise(
        &mut self,
        word: &str,
        argument: &str,
        sink: &mut dyn Sink,
    ) -> Result<(), ErrorReport> {
        let refuse = |text: &str| failure("CommandError", text);
        let exercises = self.config.exercises.clone();
        let exercises = exercises.ok_or_else(|| refuse("there are no exercises here"))?;
        let folder = self.config.folder.clone();
        let tests = match exercises.plan(&folder, word, argument) {
            Ok(Plan::Say(text)) => {
                say(text, sink);
                return Ok(());
            }
            Ok(Plan::Run(tests)) => tests,
            Err(text) => return Err(refuse(&text)),
        };
        for test in tests {
            let outcome = self.run_test(&test, sink);
            if outcome
                .error
                .as_ref()
                .is_some_and(|error| error.ename == "Interrupted")
            {
                return Err(compile::interrupted());
            }
            say(exercises.ended(&test, &outcome), sink);
        }
        Ok(())
    }

    /// Runs a test in a block of its own, so that what it defines does not stay.
    fn run_test(&mut self, test: &Test, sink: &mut dyn Sink) -> TestOutcome {
        let cell = CellText::new(&test.id, &format!("{{ {}\n}}", test.code));
        let mut events = Vec::new();
        let mut reply = Reply {
            error: None,
            compile: Duration::ZERO,
            run: Duration::ZERO,
            cached: true,
        };
        // Warnings about tests are nothing to a learner, and no output of the answer.
        let quiet = std::mem::replace(&mut self.config.quiet, true);
        let error = self.run_cell(&cell, &mut events, &mut reply).err();
        self.config.quiet = quiet;
        let mut result = None;
        let is_stderr = |event: &Event| matches!(event, Event::Stream { name: StreamName::Stderr, text } if !text.is_empty());
        let has_stderr = events.iter().any(is_stderr);
        for event in events {
            match event {
                Event::Result { bundle } => result = Some(bundle.plain().to_owned()),
                Event::Error(_) => {}
                event => sink.event(event),
            }
        }
        TestOutcome {
            error,
            result,
            has_stderr,
        }
    }

    fn type_of(&self, name: &str) -> Result<String, ErrorReport> {
        if name.is_empty() {
            let text = "`:type` takes the name of a variable, as in `:type x`; `:vars` lists all";
            return Err(failure("CommandError", text));
        }
        match self.session.variables.get(name) {
            Some(variable) => Ok(format!(
                "{name}: {}\n",
                rt::display::tail::short_type_name(&variable.type_text)
            )),
            None => Err(failure(
                "CommandError",
                &format!("there is no variable `{name}`; `:vars` lists all"),
            )),
        }
    }

    /// Runs the earlier cells again in a fresh worker, without showing what they show.
    fn replay(&mut self, sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        let cells = std::mem::take(&mut self.history);
        self.begin_anew()
            .map_err(|error| failure("CommandError", &error.to_string()))?;
        let total = cells.len();
        for (done, cell) in cells.iter().enumerate() {
            let text = format!("\rreplaying cell {} of {total}", done + 1);
            sink.event(Event::Stream {
                name: StreamName::Stdout,
                text,
            });
            let mut reply = Reply {
                error: None,
                compile: Duration::ZERO,
                run: Duration::ZERO,
                cached: true,
            };
            let result = self.run_cell(cell, &mut OnlyAsks(sink), &mut reply);
            self.history.push(Arc::clone(cell));
            if let Err(mut error) = result {
                error
                    .traceback
                    .push(format!("`:replay` stopped at cell [{}]", cell.label));
                self.history.extend(cells[done + 1..].iter().cloned());
                return Err(error);
            }
        }
        let text = format!(
            "\rreplayed {total} cells; {} variables are back\n",
            self.session.variables.len()
        );
        sink.event(Event::Stream {
            name: StreamName::Stdout,
            text,
        });
        Ok(())
    }
}

/// Shows nothing, and asks what is asked.
struct OnlyAsks<'a>(&'a mut dyn Sink);

impl Sink for OnlyAsks<'_> {
    fn event(&mut self, _: Event) {}

    fn input(&mut self, prompt: &str, password: bool) -> Option<String> {
        self.0.input(prompt, password)
    }
}

/// Text on standard output.
fn say(text: String, sink: &mut dyn Sink) {
    sink.event(Event::Stream {
        name: StreamName::Stdout,
        text,
    });
}
