//! A cell compiled: which crates it needs, in which order, and what to do when the compiler answers back.
//!
//! Some questions only the compiler can decide: whether a variable was moved, whether a value borrows, whether
//! a type can be named. They are put to it by generated code, and a "no" comes back as an error in that code.
//! Then the cell is lowered once more with the answer taken in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use crate::answers::{Answers, hint, take_in};
use crate::dependencies::Dependencies;
use crate::dependency::Wanted;
use crate::diagnostics::{self, Message, Sources};
use crate::event::ErrorReport;
use crate::items::ItemKind;
use crate::lower::{self, Body, Lowered, Plan, lower};
use crate::names::Mentions;
use crate::parse::{Parsed, parse};
use crate::rustc::{Compiled, Job, Refusal, Rustc};
use crate::session::{Changes, KnownUse, Session};
use crate::source::CellText;
use crate::syntax;
use crate::units::{self, Unit, imports, key, mentions_of, with_macros};

/// What the compiler is asked at most for one cell.
const ROUNDS: usize = 6;
/// The level for cells that loop.
const FAST: u8 = 3;

/// Compiles cells, and remembers what is compiled.
pub struct Compiler {
    rustc: Rustc,
    /// Crates of units, by what is in them.
    units: BTreeMap<String, Compiled>,
    /// The crate in which each static lives, by the item's number.
    statics: BTreeMap<u64, Compiled>,
    /// Sources by file, to find the learner's line again.
    sources: BTreeMap<String, Arc<Lowered>>,
    /// Crates that the learner has asked for.
    dependencies: Dependencies,
    /// The level that `:opt` has set, if it has.
    pub opt_level: Option<u8>,
}

/// A cell that can be run.
#[derive(Debug)]
pub struct Built {
    /// Its crate; `None` when it has nothing to run.
    pub krate: Option<Compiled>,
    /// The notebook as the cell leaves it, but for new variables and moved ones.
    pub session: Session,
    /// New variables with the types the compiler found, by name.
    pub kept: Vec<(String, String)>,
    /// Loaded variables that the cell moves.
    pub moved: BTreeSet<String>,
    /// Names that a type may no longer be the same for.
    pub changed: BTreeSet<String>,
    /// What the learner should know: what is not kept, and why.
    pub notes: Vec<String>,
    /// Warnings, rendered.
    pub warnings: Vec<String>,
    /// True when nothing was compiled.
    pub cached: bool,
}

impl Compiler {
    /// A compiler that has compiled nothing yet.
    pub fn new(rustc: Rustc) -> Self {
        Self {
            rustc,
            units: BTreeMap::new(),
            statics: BTreeMap::new(),
            sources: BTreeMap::new(),
            dependencies: Dependencies::default(),
            opt_level: None,
        }
    }

    /// From now on, has a compiler wait for the next crate.
    pub fn keep_ahead(&mut self) {
        self.rustc.keep_ahead();
    }

    /// Forgets all that is compiled; the cache remains.
    pub fn clear(&mut self) {
        self.dependencies = Dependencies::default();
        self.forget_crates();
    }

    /// Forgets the crates of cells; those asked for by `:dep` stay.
    pub fn forget_crates(&mut self) {
        self.units.clear();
        self.statics.clear();
        self.sources.clear();
    }

    /// Takes a crate out of the cache, and those it needs: one of them cannot be loaded.
    pub fn discard(&mut self, krate: &Compiled) {
        self.units.clear();
        Rustc::discard(krate);
    }

    /// Adds a crate for the cells that follow. Gives the names of crates that are others than before, because
    /// the new one wants more of them: values of their types can no longer be used.
    ///
    /// # Errors
    /// What cargo says.
    pub fn add_dependency(
        &mut self,
        wanted: Wanted,
        folder: &Path,
        say: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>, ErrorReport> {
        let changed = self.dependencies.add(wanted, &self.rustc, folder, say)?;
        if !changed.is_empty() {
            self.units.clear();
        }
        Ok(changed)
    }

    /// The place in a cell behind a place in a generated file, as `[label]:line:column`.
    pub fn place(&self, file: &str, line: usize, column: usize) -> Option<String> {
        let origin = self.origin(file, line, column)?;
        let (line, column) = origin.cell.position(origin.range.start);
        Some(format!("[{}]:{line}:{column}", origin.cell.label))
    }

    /// The place in a cell behind a place in a generated file.
    pub fn origin(&self, file: &str, line: usize, column: usize) -> Option<crate::source::Origin> {
        self.sources
            .get(file)?
            .source
            .origin_of_position(line, column)
    }

    /// Reads a cell. What `syn` cannot read goes to the compiler as it is, if that finds nothing wrong with it.
    ///
    /// # Errors
    /// What is wrong with its syntax.
    pub fn read(&self, cell: &Arc<CellText>) -> Result<Parsed, ErrorReport> {
        if let Some(parsed) = parse(cell) {
            return Ok(parsed);
        }
        syntax::check(&self.rustc, cell)?;
        Ok(Parsed {
            cell: Arc::clone(cell),
            inner_attributes: Vec::new(),
            items: Vec::new(),
            statements: std::iter::once(0..cell.text.len()).collect(),
            tail: None,
            bindings: Vec::new(),
            mentions: Mentions::default(),
            awaits: false,
            loops: false,
            edits: Vec::new(),
        })
    }

    /// Compiles a cell against a notebook.
    ///
    /// # Errors
    /// What to tell the learner.
    pub fn compile(
        &mut self,
        before: &Session,
        parsed: &Parsed,
        lost: &BTreeSet<String>,
    ) -> Result<Built, ErrorReport> {
        let mut session = before.clone();
        let mut changes = session.define(parsed);
        let mut answers = Answers::default();
        answers.outdate(std::mem::take(&mut changes.outdated));
        for binding in &parsed.bindings {
            if let Some(fleeting) = binding.fleeting {
                answers.unkeep(&binding.name, fleeting);
            }
        }
        let mut cached = true;
        for _ in 0..ROUNDS {
            let attempt = self.attempt(&session, parsed, &changes, &answers, &mut cached);
            let (messages, lowered, file) = match attempt {
                Ok(attempt) => return Ok(self.built(session, parsed, attempt, answers, cached)),
                Err(Failure::Errors {
                    messages,
                    lowered,
                    file,
                }) => (messages, lowered, file),
                Err(Failure::Report(report)) => return Err(report),
            };
            cached = false;
            let understood = take_in(
                &messages,
                &lowered,
                &file,
                parsed,
                &mut session,
                &mut answers,
            );
            if !understood {
                let hints = |message: &Message| hint(message, before, lost);
                let sources = self.sources(&lowered, &file);
                return Err(diagnostics::report(&messages, &sources, &hints));
            }
        }
        Err(internal(
            "the compiler and the kernel do not agree about this cell. Splitting the cell in two may help",
        ))
    }

    fn sources<'a>(&'a self, lowered: &'a Lowered, file: &'a str) -> Sources<'a> {
        Sources {
            lowered,
            file,
            earlier: &self.sources,
        }
    }

    fn attempt(
        &mut self,
        session: &Session,
        parsed: &Parsed,
        changes: &Changes,
        answers: &Answers,
        cached: &mut bool,
    ) -> Result<Attempt, Failure> {
        let mut mentions = parsed.mentions.clone();
        let loads: Vec<_> = session
            .variables
            .iter()
            .filter(|(name, _)| parsed.mentions.names.contains(*name))
            .map(|(name, variable)| (name.as_str(), variable))
            .collect();
        for (_, variable) in &loads {
            mentions.names.extend(variable.mentions.iter().cloned());
        }
        with_macros(session, &mut mentions);
        let uses = units::uses_for(session, &mentions, changes.group);
        mentions
            .names
            .extend(uses.iter().map(|known| known.leaf.root.clone()));
        let mut homes = BTreeMap::new();
        let mut own = None;
        for unit in units::needed(session, &mentions, Some(changes.group)) {
            if unit.groups.contains(&changes.group) {
                own = Some(unit);
            } else {
                let compiled = self.unit(session, &unit, &homes, cached)?;
                homes.extend(unit.groups.iter().map(|group| (*group, compiled.clone())));
            }
        }
        let keeps: Vec<&str> = parsed
            .bindings
            .iter()
            .map(|binding| binding.name.as_str())
            .filter(|name| !answers.unkept.contains(*name))
            .collect();
        let runs = parsed.runs();
        let body = runs.then(|| Body {
            parsed,
            loads,
            keeps: keeps.clone(),
            moved: &answers.moved,
            inside: &answers.inside,
        });
        // What a `use` alone comes to is for the compiler to say as well.
        let imports_anything =
            (parsed.items.iter()).any(|item| matches!(item.kind, ItemKind::Use(_)));
        if own.is_none() && body.is_none() && !imports_anything {
            return Ok(Attempt {
                krate: None,
                lowered: Arc::default(),
                keeps: Vec::new(),
            });
        }
        let krate = self.krate(
            session,
            own.as_ref(),
            body,
            &mentions,
            &homes,
            parsed.loops,
            Some(changes.group),
        )?;
        *cached &= krate.0.cached;
        if let Some(unit) = &own {
            let imports = imports(session, &mentions_of(session, unit), unit, &homes);
            self.units.insert(key(unit, &imports), krate.0.clone());
            self.settle_statics(unit, &krate.0);
        }
        Ok(Attempt {
            krate: Some(krate.0),
            lowered: krate.1,
            keeps: keeps.into_iter().map(str::to_string).collect(),
        })
    }

    /// The crate of items of earlier cells.
    fn unit(
        &mut self,
        session: &Session,
        unit: &Unit,
        homes: &BTreeMap<u64, Compiled>,
        cached: &mut bool,
    ) -> Result<Compiled, Failure> {
        let mentions = mentions_of(session, unit);
        let key = key(unit, &imports(session, &mentions, unit, homes));
        if let Some(compiled) = self.units.get(&key) {
            return Ok(compiled.clone());
        }
        let loops = unit.items.iter().any(|known| {
            known.text().contains("for ")
                || known.text().contains("loop ")
                || known.text().contains("while ")
        });
        let (compiled, _) = self.krate(session, Some(unit), None, &mentions, homes, loops, None)?;
        *cached &= compiled.cached;
        self.units.insert(key, compiled.clone());
        self.settle_statics(unit, &compiled);
        Ok(compiled)
    }

    #[allow(clippy::too_many_arguments)] // all of them are needed once, here
    fn krate(
        &mut self,
        session: &Session,
        unit: Option<&Unit>,
        body: Option<Body<'_>>,
        mentions: &Mentions,
        homes: &BTreeMap<u64, Compiled>,
        loops: bool,
        current: Option<u64>,
    ) -> Result<(Compiled, Arc<Lowered>), Failure> {
        let nothing = Unit {
            items: Vec::new(),
            groups: BTreeSet::new(),
        };
        let own = unit.unwrap_or(&nothing);
        let mut all = mentions.clone();
        if unit.is_some() {
            all.extend(&mentions_of(session, own));
        }
        let newest = current
            .or_else(|| own.groups.last().copied())
            .unwrap_or_default();
        let uses: Vec<&KnownUse> = units::uses_for(session, &all, newest);
        all.names
            .extend(uses.iter().map(|known| known.leaf.root.clone()));
        let imports = imports(session, &all, own, homes);
        let statics: BTreeSet<u64> = own
            .items
            .iter()
            .map(|known| known.id)
            .filter(|id| self.statics.contains_key(id))
            .collect();
        // Without repetition, in a fixed order.
        let externs: BTreeMap<&str, &Compiled> = homes
            .values()
            .filter(|compiled| imports.contains_key(&compiled.name))
            .map(|compiled| (compiled.name.as_str(), compiled))
            .collect();
        let owners: Vec<&Compiled> = statics
            .iter()
            .filter_map(|id| self.statics.get(id))
            .collect();
        let keeps = body.as_ref().is_some_and(|body| !body.keeps.is_empty());
        let linked = self.dependencies.named_in(&all);
        let last = linked.last().copied();
        let externs = externs
            .into_values()
            .chain(last.map(|linked| &linked.krate))
            .collect();
        let lowered = Arc::new(lower(&Plan {
            unit,
            body,
            links: last
                .map(|linked| linked.krate.name.as_str())
                .into_iter()
                .collect(),
            imports,
            uses,
            newest,
            statics: &statics,
        }));
        let job = Job {
            source: &lowered.source.text,
            opt_level: self.opt_level.unwrap_or(if loops { FAST } else { 0 }),
            externs,
            statics: owners,
            libraries: linked.iter().map(|linked| linked.library()).collect(),
            native: Vec::new(),
            keeps,
        };
        let name = self.rustc.name_of(&job);
        let file = format!("{name}.rs");
        match self.rustc.compile(&job, name) {
            Ok(compiled) => {
                self.sources.insert(file, Arc::clone(&lowered));
                Ok((compiled, lowered))
            }
            Err(Refusal::Errors(messages)) => Err(Failure::Errors {
                messages,
                lowered,
                file,
            }),
            Err(Refusal::Interrupted) => Err(Failure::Report(interrupted())),
            Err(Refusal::Broken(error)) => Err(Failure::Report(internal(&error.to_string()))),
        }
    }

    /// Notes where statics live that have just been compiled for the first time.
    fn settle_statics(&mut self, unit: &Unit, compiled: &Compiled) {
        for known in &unit.items {
            if matches!(known.item.kind, ItemKind::Static { .. }) {
                self.statics
                    .entry(known.id)
                    .or_insert_with(|| compiled.clone());
            }
        }
    }

    fn built(
        &mut self,
        session: Session,
        parsed: &Parsed,
        attempt: Attempt,
        answers: Answers,
        cached: bool,
    ) -> Built {
        let Attempt {
            krate,
            lowered,
            keeps,
        } = attempt;
        let mut notes = answers.notes;
        let mut kept = Vec::new();
        let mut warnings = Vec::new();
        if let Some(krate) = &krate {
            for (index, name) in keeps.into_iter().enumerate() {
                let listed = krate
                    .types
                    .get(&index)
                    .map(String::as_str)
                    .unwrap_or_default();
                kept.push((name, listed.to_string()));
            }
            let bindings: Vec<_> = parsed
                .bindings
                .iter()
                .map(|binding| binding.range.clone())
                .collect();
            let file = format!("{}.rs", krate.name);
            for message in &krate.warnings {
                if diagnostics::is_worth_showing(message, &lowered, &file, &bindings) {
                    let sources = self.sources(&lowered, &file);
                    warnings.push(diagnostics::render(message, &sources, None));
                }
            }
        }
        notes.dedup();
        let runs = parsed.runs();
        let krate = krate.filter(|_| runs);
        Built {
            krate,
            session,
            kept,
            moved: answers.moved,
            changed: answers.changed,
            notes,
            warnings,
            cached,
        }
    }
}

struct Attempt {
    krate: Option<Compiled>,
    lowered: Arc<Lowered>,
    keeps: Vec<String>,
}

enum Failure {
    Errors {
        messages: Vec<Message>,
        lowered: Arc<Lowered>,
        file: String,
    },
    Report(ErrorReport),
}

fn internal(text: &str) -> ErrorReport {
    ErrorReport {
        ename: "CompileError".into(),
        evalue: text.into(),
        traceback: vec![text.into()],
    }
}

/// The report of a cell that was stopped.
pub fn interrupted() -> ErrorReport {
    let text = "interrupted; all variables are as they were".to_string();
    ErrorReport {
        ename: "Interrupted".into(),
        evalue: text.clone(),
        traceback: vec![text],
    }
}

/// The variables that a session gains from a built cell that has run, and those whose type has no name.
pub fn kept_variables(
    built: &Built,
    parsed: &Parsed,
) -> (Vec<(String, crate::session::Variable)>, Vec<String>) {
    let mut variables = Vec::new();
    let mut unnameable = Vec::new();
    for (name, listed) in &built.kept {
        let named = lower::nameable(listed).and_then(|text| Some((text.parse().ok()?, text)));
        let Some((tokens, type_text)) = named else {
            unnameable.push(name.clone());
            continue;
        };
        let mutable = parsed
            .bindings
            .iter()
            .any(|binding| binding.name == *name && binding.mutable);
        let mentions = Mentions::heads_of(tokens);
        variables.push((
            name.clone(),
            crate::session::Variable {
                type_text,
                mutable,
                mentions,
            },
        ));
    }
    (variables, unnameable)
}
