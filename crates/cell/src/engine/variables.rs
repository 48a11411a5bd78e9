//! The notebook's variables: what the session knows of them, brought in line with what the worker has.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Instant;

use rt::frame::{Outcome, ToKernel, ToWorker};

use super::{Engine, PATIENCE, TICK, VariableInfo};
use crate::compile::{self, Built};
use crate::event::{ErrorReport, Event, Sink, StreamName};
use crate::parse::Parsed;
use crate::session::Variable;
use crate::worker::News;

impl Engine {
    /// Brings the notebook's state in line with how the cell ended.
    pub(super) fn settle(
        &mut self,
        outcome: &Outcome,
        stored: Option<Vec<String>>,
        built: Built,
        parsed: &Parsed,
        sink: &mut dyn Sink,
    ) -> Result<(), ErrorReport> {
        let (new, mut unnameable) = compile::kept_variables(&built, parsed);
        let mut session = built.session;
        let outdated = self.withheld.extract_if(.., |_, variable| {
            !variable.mentions.is_disjoint(&built.changed)
        });
        self.stale.extend(outdated.map(|(name, _)| name));
        if *outcome == Outcome::Finished {
            session
                .variables
                .retain(|name, _| !built.moved.contains(name));
            for name in parsed.bindings.iter().map(|binding| &binding.name) {
                session.variables.remove(name);
                self.withheld.remove(name);
                self.lost.remove(name);
            }
            session.variables.extend(new);
        } else {
            unnameable.clear();
        }
        if let Some(stored) = stored {
            let in_place: BTreeSet<String> = stored.into_iter().collect();
            let (here, away) = session
                .variables
                .into_iter()
                .partition(|(name, _)| in_place.contains(name));
            session.variables = here;
            if *outcome == Outcome::Abandoned {
                let away: BTreeMap<String, Variable> = away;
                self.withheld.extend(away);
            }
        }
        let gone: Vec<String> = self
            .session
            .variables
            .keys()
            .filter(|name| !session.variables.contains_key(*name))
            .cloned()
            .collect();
        self.session = session;
        self.forget(&unnameable, sink)?;
        let outdated: Vec<String> = gone
            .into_iter()
            .filter(|name| !built.moved.contains(name) && !self.withheld.contains_key(name))
            .collect();
        self.drop_values(outdated, sink)?;
        self.take_back();
        Ok(())
    }

    /// Takes in what a cell that was left behind has brought back. Not while a cell runs, whose end sets the variables.
    pub(super) fn take_back(&mut self) {
        let mut unwanted = Vec::new();
        for name in std::mem::take(&mut self.returned) {
            let is_stale = self.stale.remove(&name);
            match self.withheld.remove(&name) {
                Some(variable) => {
                    self.session.variables.entry(name).or_insert(variable);
                }
                None if is_stale && !self.session.variables.contains_key(&name) => {
                    unwanted.push(name);
                }
                None => {}
            }
        }
        if !unwanted.is_empty() {
            self.line.send(&ToWorker::Drop { names: unwanted });
        }
    }

    /// Drops values in the worker. What their destructors print is shown before this returns.
    ///
    /// # Errors
    /// How the worker ended, if it did.
    pub(super) fn drop_values(
        &mut self,
        names: Vec<String>,
        sink: &mut dyn Sink,
    ) -> Result<(), ErrorReport> {
        if !names.is_empty() && self.worker.is_some() {
            self.line.send(&ToWorker::Drop { names });
            self.values(sink)?;
        }
        Ok(())
    }

    /// Drops values that no later cell can name.
    fn forget(&mut self, names: &[String], sink: &mut dyn Sink) -> Result<(), ErrorReport> {
        if names.is_empty() {
            return Ok(());
        }
        self.drop_values(names.to_vec(), sink)?;
        if self.config.quiet {
            return Ok(());
        }
        for name in names.iter().filter(|name| !name.starts_with('_')) {
            let text = format!(
                "note: the type of `{name}` has no name, so it lives for this cell only.\n"
            );
            sink.event(Event::Stream {
                name: StreamName::Stderr,
                text,
            });
        }
        Ok(())
    }

    /// A worker is gone, and what was left behind in it too.
    pub(super) fn forget_withheld(&mut self) {
        self.withheld.clear();
        self.returned.clear();
        self.stale.clear();
    }

    /// All variables with their types and short values. What is printed meanwhile goes to `sink`.
    ///
    /// # Errors
    /// How the worker ended, if it has since the last cell.
    pub fn variables(&mut self, sink: &mut dyn Sink) -> Result<Vec<VariableInfo>, ErrorReport> {
        let values = if self.worker.is_none() || self.session.variables.is_empty() {
            BTreeMap::new()
        } else {
            self.values(sink)?
        };
        let info = |(name, variable): (&String, &Variable)| VariableInfo {
            name: name.clone(),
            type_name: rt::display::tail::short_type_name(&variable.type_text),
            value: values.get(name).cloned().unwrap_or_default(),
        };
        Ok(self.session.variables.iter().map(info).collect())
    }

    /// Asks the worker for the short values of all variables.
    fn values(&mut self, sink: &mut dyn Sink) -> Result<BTreeMap<String, String>, ErrorReport> {
        self.line.send(&ToWorker::Describe);
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            match self.wait(TICK, sink) {
                News::Message(ToKernel::Variables { values }) => {
                    return Ok(values.into_iter().collect());
                }
                News::Message(message) => self.serve(message, sink),
                News::Quiet => {}
                News::Died(death) => return Err(self.mourn(&death)),
            }
        }
        Ok(BTreeMap::new())
    }

    /// Variables with their types, as a later cell would name them.
    pub fn variable_types(&self) -> Vec<(String, String)> {
        let of =
            |(name, variable): (&String, &Variable)| (name.clone(), variable.type_text.clone());
        self.session.variables.iter().map(of).collect()
    }
}
