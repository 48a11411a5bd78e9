//! What crates offer: modules, items and the members of types, found by name.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The modules whose names need no path in a cell, the nearer first.
pub(super) const PRELUDES: &[&str] = &["course::prelude", "std::prelude::rust_2024"];

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Kind {
    Module,
    Struct,
    Enum,
    Union,
    Trait,
    Alias,
    Primitive,
    Function,
    Macro,
    Const,
    Static,
    /// Called with a dot.
    Method,
    /// Called through the type's path.
    Associated,
    Field,
    Variant,
    /// A variable of the notebook or of the cell.
    Variable,
    Keyword,
}

impl Kind {
    /// A kind with this icon.
    pub(super) fn from_icon(icon: &str) -> Self {
        match icon {
            "module" => Self::Module,
            "class" => Self::Struct,
            "enum" => Self::Enum,
            "interface" => Self::Trait,
            "function" => Self::Function,
            "value" => Self::Const,
            "property" => Self::Field,
            "keyword" => Self::Keyword,
            _ => Self::Variable,
        }
    }

    /// The word front ends choose an icon by.
    pub(super) fn icon(self) -> &'static str {
        match self {
            Self::Module => "module",
            Self::Struct | Self::Union | Self::Alias | Self::Primitive => "class",
            Self::Enum => "enum",
            Self::Trait => "interface",
            Self::Function | Self::Method | Self::Associated | Self::Macro => "function",
            Self::Const | Self::Static | Self::Variant => "value",
            Self::Field => "property",
            Self::Variable => "instance",
            Self::Keyword => "keyword",
        }
    }
}

/// One item or member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Item {
    /// Its own name, without `!`.
    pub(super) name: String,
    /// What it is.
    pub(super) kind: Kind,
    /// The crate it is defined in; empty in the notebook.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) krate: String,
    /// Its declaration, without a body.
    pub(super) signature: String,
    /// Its documentation, in Markdown.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) docs: String,
    /// What a function returns, a field or a constant is, an alias stands for.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) gives: String,
}

/// A type or a trait with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Type {
    /// The type itself.
    pub(super) item: Item,
    /// The names of its type parameters, in order.
    #[serde(default)]
    pub(super) parameters: Vec<String>,
    /// Fields, variants, methods, associated functions and constants.
    #[serde(default)]
    pub(super) members: Vec<Item>,
    /// Names of the traits it implements; of a trait, those it demands.
    #[serde(default)]
    pub(super) traits: Vec<String>,
}

/// What a name in a module refers to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Target {
    /// The module of this path.
    Module(String),
    /// The item of this path: the module's path and the item's name.
    Item(String),
}

/// A module's names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Module {
    pub(super) docs: String,
    pub(super) names: BTreeMap<String, Vec<Target>>,
}

/// Everything known about a set of crates.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Index {
    /// Modules by path, as in `tch::nn`.
    pub(super) modules: BTreeMap<String, Module>,
    /// Functions, macros, constants and statics by path; macros end in `!`.
    pub(super) items: BTreeMap<String, Item>,
    /// Types and traits by path.
    pub(super) types: BTreeMap<String, Type>,
    /// Traits that every type with another trait has: the other's name, the trait's.
    pub(super) blankets: Vec<(String, String)>,
    /// Paths of types by their last name.
    #[serde(skip)]
    pub(super) by_name: BTreeMap<String, Vec<String>>,
    /// The shortest path that a cell can write, by the path of the definition.
    #[serde(skip)]
    public: BTreeMap<String, String>,
}

impl Index {
    /// Makes what is looked up by name findable. After reading or changing an index.
    pub(super) fn arrange(&mut self) {
        self.by_name.clear();
        for path in self.types.keys() {
            let name = path.rsplit("::").next().unwrap_or(path);
            self.by_name
                .entry(name.to_owned())
                .or_default()
                .push(path.clone());
        }
        self.shorten();
    }

    /// The path of an item as others write it, which is often shorter than where it is defined.
    pub(super) fn public_path(&self, path: &str) -> String {
        let shortest = self.public.get(path).map_or(path, String::as_str);
        shortest.trim_end_matches('!').to_owned()
    }

    /// Finds the shortest way to each item.
    fn shorten(&mut self) {
        self.public.clear();
        let length = |path: &str| {
            (
                path.matches("::").count(),
                !path.starts_with("std::"),
                path.len(),
            )
        };
        for (module, own) in &self.modules {
            for (name, targets) in &own.names {
                for target in targets {
                    let Target::Item(full) = target else { continue };
                    let path = format!("{module}::{name}");
                    let known = self
                        .public
                        .entry(full.clone())
                        .or_insert_with(|| path.clone());
                    if length(&path) < length(known) {
                        *known = path;
                    }
                }
            }
        }
    }

    /// The type of this name; of several, the one of the crate that is asked about.
    pub(super) fn type_named(&self, name: &str, krate: Option<&str>) -> Option<&Type> {
        let paths = self.by_name.get(name)?;
        let of_crate =
            |path: &&String| krate.is_some_and(|krate| path.split("::").next() == Some(krate));
        // Without a hint, what a lesson uses counts before what lies deep in the standard library.
        let depth = |path: &&String| (is_std(path), path.matches("::").count());
        let path = paths
            .iter()
            .find(of_crate)
            .or_else(|| paths.iter().min_by_key(depth))?;
        self.types.get(path)
    }

    /// What a path such as `imread` or `nn::VarStore` refers to when it is written in a cell.
    pub(super) fn resolve(&self, path: &str) -> Vec<Target> {
        let mut parts = path.split("::");
        let first = parts.next().unwrap_or_default();
        let mut found: Vec<Target> = PRELUDES
            .iter()
            .filter_map(|prelude| self.modules.get(*prelude)?.names.get(first))
            .flatten()
            .cloned()
            .collect();
        if self.modules.contains_key(first) {
            found.push(Target::Module(first.to_owned()));
        }
        for part in parts {
            found = found
                .iter()
                .filter_map(|target| match target {
                    Target::Module(path) => self.modules.get(path)?.names.get(part),
                    Target::Item(_) => None,
                })
                .flatten()
                .cloned()
                .collect();
        }
        found
    }

    /// The items and modules that a module shows, each under the name it has there.
    pub(super) fn names_in(&self, module: &str) -> impl Iterator<Item = (&str, Found<'_>)> {
        self.modules
            .get(module)
            .into_iter()
            .flat_map(move |module| {
                module.names.iter().flat_map(move |(name, targets)| {
                    targets
                        .iter()
                        .filter_map(move |target| Some((name.as_str(), self.found(target)?)))
                })
            })
    }

    /// What stands behind a target.
    pub(super) fn found<'a>(&'a self, target: &'a Target) -> Option<Found<'a>> {
        match target {
            Target::Module(path) => Some(Found::Module(path, self.modules.get(path)?)),
            Target::Item(path) => match self.types.get(path) {
                Some(of_type) => Some(Found::Type(of_type)),
                None => self.items.get(path).map(Found::Item),
            },
        }
    }
}

/// Whether a path leads into the standard library.
pub(super) fn is_std(path: &str) -> bool {
    matches!(path.split("::").next(), Some("core" | "alloc" | "std"))
}

/// An answer of the index.
#[derive(Debug, Clone, Copy)]
pub(super) enum Found<'a> {
    Module(&'a str, &'a Module),
    Type(&'a Type),
    Item(&'a Item),
}

impl Found<'_> {
    /// What it is.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Module(..) => Kind::Module,
            Self::Type(of_type) => of_type.item.kind,
            Self::Item(item) => item.kind,
        }
    }

    /// Its declaration.
    pub(super) fn signature(&self) -> String {
        match self {
            Self::Module(path, _) => format!("mod {path}"),
            Self::Type(of_type) => of_type.item.signature.clone(),
            Self::Item(item) => item.signature.clone(),
        }
    }

    /// Its documentation.
    pub(super) fn docs(&self) -> &str {
        match self {
            Self::Module(_, module) => &module.docs,
            Self::Type(of_type) => &of_type.item.docs,
            Self::Item(item) => &item.docs,
        }
    }
}
