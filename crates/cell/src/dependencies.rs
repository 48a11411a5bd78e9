//! The crates that a notebook has asked for with `:dep`, linked so that cells can use them.
//!
//! Each becomes a library of its own, which holds the crate and what it needs and the course has not. A later
//! one is linked to the earlier, so that a crate which two of them need is there once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::dependency::{self, Wanted};
use crate::engine::failure;
use crate::event::ErrorReport;
use crate::names::Mentions;
use crate::rustc::{Compiled, Job, Refusal, Rustc};

/// All crates asked for, in order.
#[derive(Default)]
pub(crate) struct Dependencies {
    /// Those that share what they need with the course, and those that have it for themselves.
    wanted: [Vec<Wanted>; 2],
    linked: Vec<Linked>,
}

/// A crate that cells can use.
pub(crate) struct Linked {
    /// Its name in code.
    pub(crate) name: String,
    /// What cargo made: the compiler reads it.
    file: PathBuf,
    /// The library that the worker loads.
    pub(crate) krate: Compiled,
}

impl Linked {
    /// Name and file, for the compiler.
    pub(crate) fn library(&self) -> (&str, &Path) {
        (&self.name, &self.file)
    }
}

impl Dependencies {
    /// Those that code with these names may use, in the order they were asked for.
    pub(crate) fn named_in(&self, mentions: &Mentions) -> Vec<&Linked> {
        self.linked
            .iter()
            .filter(|linked| mentions.names.contains(&linked.name))
            .collect()
    }

    /// Adds one; a second `:dep` of a name takes the place of the first. See [`crate::compile::Compiler::add_dependency`].
    pub(crate) fn add(
        &mut self,
        new: Wanted,
        rustc: &Rustc,
        folder: &Path,
        say: &mut dyn FnMut(&str),
    ) -> Result<Vec<String>, ErrorReport> {
        let course = rustc.course();
        let shares = dependency::fits_the_course(&new, course, folder)?;
        let mut wanted = self.wanted.clone();
        for group in &mut wanted {
            group.retain(|earlier| earlier.ident() != new.ident());
        }
        wanted[usize::from(!shares)].push(new);
        let mut files = BTreeMap::new();
        let mut native = BTreeSet::new();
        for (group, with_course) in wanted.iter().zip([true, false]) {
            if !group.is_empty() {
                let artifacts =
                    dependency::build(group, with_course, course, folder, rustc.stop(), say)?;
                files.extend(artifacts.libraries);
                native.extend(artifacts.native);
            }
        }
        let native: Vec<&Path> = native.iter().map(PathBuf::as_path).collect();
        let mut linked: Vec<Linked> = Vec::new();
        for name in self.in_order(&files) {
            let file = &files[&name];
            let krate = link(rustc, &name, file, linked.last(), &native)?;
            linked.push(Linked {
                name,
                file: file.clone(),
                krate,
            });
        }
        let changed = |before: &&Linked| {
            linked
                .iter()
                .all(|now| now.name != before.name || now.file != before.file)
        };
        let changed = self
            .linked
            .iter()
            .filter(changed)
            .map(|before| before.name.clone())
            .collect();
        self.wanted = wanted;
        self.linked = linked;
        Ok(changed)
    }

    /// The names, those first that were linked before: what is linked already stays as it is.
    fn in_order(&self, files: &BTreeMap<String, PathBuf>) -> Vec<String> {
        let before = self.linked.iter().map(|linked| linked.name.clone());
        let mut names: Vec<String> = before.filter(|name| files.contains_key(name)).collect();
        let new = files.keys().filter(|name| !names.contains(*name));
        let new: Vec<String> = new.cloned().collect();
        names.extend(new);
        names
    }
}

/// Makes the library that the worker loads.
fn link(
    rustc: &Rustc,
    name: &str,
    file: &Path,
    before: Option<&Linked>,
    native: &[&Path],
) -> Result<Compiled, ErrorReport> {
    let mut source = "extern crate course;\n".to_string();
    if let Some(before) = before {
        source.push_str(&format!("extern crate {} as _;\n", before.krate.name));
    }
    source.push_str(&format!("pub extern crate {name};\n"));
    let job = Job {
        source: &source,
        opt_level: 0,
        externs: before.map(|before| &before.krate).into_iter().collect(),
        statics: Vec::new(),
        libraries: vec![(name, file)],
        native: native.to_vec(),
        keeps: false,
    };
    let crate_name = rustc.name_of(&job);
    rustc
        .compile(&job, crate_name)
        .map_err(|refusal| match refusal {
            Refusal::Interrupted => crate::compile::interrupted(),
            Refusal::Broken(error) => failure("DependencyError", &error.to_string()),
            Refusal::Errors(messages) => {
                let first = messages
                    .iter()
                    .find(|message| message.level.starts_with("error"));
                let text = first.map_or("it cannot be linked", |message| &message.message);
                failure(
                    "DependencyError",
                    &format!("`{name}` is built, but cells cannot use it: {text}"),
                )
            }
        })
}
