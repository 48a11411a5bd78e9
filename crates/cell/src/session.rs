//! What a notebook has defined so far: items, `use` declarations, variables.
//!
//! A session is a value: planning a cell works on a copy, which takes the place of the old one when the cell
//! has compiled and run. A cell that fails leaves no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::items::{Impl, Item, ItemKind, ItemName, Use};
use crate::parse::Parsed;
use crate::source::{CellText, Edit};

/// The state of a notebook, as far as compiling is concerned.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// Items that are in force, in the order of their definition.
    pub items: Vec<Arc<Known>>,
    /// `use` declarations that are in force.
    pub uses: Vec<KnownUse>,
    /// Variables by name.
    pub variables: BTreeMap<String, Variable>,
    /// How often each static has been defined anew, so that a new one is not mistaken for the old.
    generations: BTreeMap<String, u32>,
    next_id: u64,
}

/// An item that is in force.
#[derive(Debug, Clone)]
pub struct Known {
    /// Rises with every definition.
    pub id: u64,
    /// Items of one cell share it: they are compiled together.
    pub group: u64,
    /// The cell it stands in.
    pub cell: Arc<CellText>,
    /// The item.
    pub item: Item,
    /// The edits of its cell.
    pub edits: Arc<[Edit]>,
    /// Members of an `impl` that a later `impl` has replaced.
    pub removed: Vec<Range<usize>>,
    /// For a static: which definition of its name this is.
    pub generation: u32,
}

impl Known {
    /// The item's own text.
    pub fn text(&self) -> &str {
        self.cell
            .text
            .get(self.item.range.clone())
            .unwrap_or_default()
    }
}

/// A leaf of a `use` that is in force.
#[derive(Debug, Clone)]
pub struct KnownUse {
    /// The cell it was written in.
    pub group: u64,
    /// That cell.
    pub cell: Arc<CellText>,
    /// The whole declaration in it.
    pub range: Range<usize>,
    /// The leaf.
    pub leaf: Use,
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its type in a form that a later cell can name; the learner's own types stand without a path.
    pub type_text: String,
    /// Whether it was bound with `mut`.
    pub mutable: bool,
    /// The names in its type.
    pub mentions: BTreeSet<String>,
}

/// What defining a cell's items changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// The group of the new items.
    pub group: u64,
    /// Variables that are gone because their type is no longer what it was, with the name of the changed item.
    pub outdated: Vec<(String, String)>,
}

impl Session {
    /// Takes the items of a cell in. An item that is already in force, letter for letter, stays as it is.
    pub fn define(&mut self, parsed: &Parsed) -> Changes {
        let group = self.next_id;
        self.next_id += 1;
        let edits: Arc<[Edit]> = parsed.edits.clone().into();
        let mut changed_types = BTreeSet::new();
        for item in &parsed.items {
            let text = parsed.cell.text.get(item.range.clone()).unwrap_or_default();
            let same = |known: &&Arc<Known>| known.text() == text && known.removed.is_empty();
            if !matches!(item.kind, ItemKind::Use(_)) && self.items.iter().any(|known| same(&known))
            {
                continue;
            }
            self.replace(item, &mut changed_types);
            match &item.kind {
                ItemKind::Use(leaves) => {
                    let known = |leaf: &Use| KnownUse {
                        group,
                        cell: Arc::clone(&parsed.cell),
                        range: item.range.clone(),
                        leaf: leaf.clone(),
                    };
                    self.uses.extend(leaves.iter().map(known));
                }
                _ => self.add(group, &parsed.cell, item, &edits),
            }
        }
        let outdated = self.outdated_variables(&changed_types);
        for (name, _) in &outdated {
            self.variables.remove(name);
        }
        // An item takes its name over from a variable.
        for name in parsed
            .items
            .iter()
            .flat_map(|item| &item.names)
            .filter(|name| !name.is_macro)
        {
            self.variables.remove(&name.text);
        }
        Changes { group, outdated }
    }

    fn add(&mut self, group: u64, cell: &Arc<CellText>, item: &Item, edits: &Arc<[Edit]>) {
        let mut generation = 0;
        if let (ItemKind::Static { .. }, Some(name)) = (&item.kind, item.names.first()) {
            let count = self.generations.entry(name.text.clone()).or_default();
            generation = *count;
            *count += 1;
        }
        let id = self.next_id;
        self.next_id += 1;
        let known = Known {
            id,
            group,
            cell: Arc::clone(cell),
            item: item.clone(),
            edits: Arc::clone(edits),
            removed: Vec::new(),
            generation,
        };
        self.items.push(Arc::new(known));
    }

    /// Puts out of force what `item` replaces.
    fn replace(&mut self, item: &Item, changed_types: &mut BTreeSet<String>) {
        if let ItemKind::Impl(new) = &item.kind {
            self.replace_impl(new);
            return;
        }
        let names: BTreeSet<&ItemName> = item.names.iter().collect();
        self.items.retain(|known| {
            let replaced = known.item.names.iter().any(|name| names.contains(name));
            // What a type looks like may depend on types, constants and aliases, never on functions.
            if replaced && !matches!(known.item.kind, ItemKind::Macro) {
                changed_types.extend(known.item.names.iter().map(|name| name.text.clone()));
            }
            !replaced
        });
        // A glob is repeated rather than replaced; the same one twice would only be twice the work.
        if let ItemKind::Use(leaves) = &item.kind {
            self.uses
                .retain(|known| !leaves.iter().any(|leaf| leaf.path == known.leaf.path));
        }
        self.uses.retain(|known| {
            known
                .leaf
                .name
                .as_ref()
                .is_none_or(|name| !names.iter().any(|new| !new.is_macro && new.text == *name))
        });
    }

    fn replace_impl(&mut self, new: &Impl) {
        let replaced: BTreeSet<&str> = new.members.iter().map(|(name, _)| name.as_str()).collect();
        let mut kept = Vec::with_capacity(self.items.len());
        for known in self.items.drain(..) {
            let ItemKind::Impl(old) = &known.item.kind else {
                kept.push(known);
                continue;
            };
            if old.header != new.header {
                kept.push(known);
                continue;
            }
            if old.of_trait.is_some() {
                continue;
            }
            let outlived: Vec<_> = old
                .members
                .iter()
                .filter(|(name, _)| replaced.contains(name.as_str()))
                .collect();
            if outlived.is_empty() {
                kept.push(known);
            } else if outlived.len() < old.members.len() {
                let mut rest = Known::clone(&known);
                rest.removed
                    .extend(outlived.iter().map(|(_, range)| range.clone()));
                if let ItemKind::Impl(implementation) = &mut rest.item.kind {
                    implementation
                        .members
                        .retain(|(name, _)| !replaced.contains(name.as_str()));
                }
                kept.push(Arc::new(rest));
            }
        }
        self.items = kept;
    }

    /// Variables whose type contains, however deep, one that changed.
    fn outdated_variables(&self, changed: &BTreeSet<String>) -> Vec<(String, String)> {
        if changed.is_empty() {
            return Vec::new();
        }
        let mut affected: BTreeMap<&str, &str> = changed
            .iter()
            .map(|name| (name.as_str(), name.as_str()))
            .collect();
        loop {
            let before = affected.len();
            for known in self.items.iter().filter(|known| shapes_types(&known.item)) {
                let cause = known
                    .item
                    .mentions
                    .names
                    .iter()
                    .find_map(|name| affected.get(name.as_str()).copied());
                if let Some(cause) = cause {
                    for name in &known.item.names {
                        affected.entry(&name.text).or_insert(cause);
                    }
                }
            }
            if affected.len() == before {
                break;
            }
        }
        self.variables
            .iter()
            .filter_map(|(name, variable)| {
                let cause = variable
                    .mentions
                    .iter()
                    .find_map(|mention| affected.get(mention.as_str()))?;
                Some((name.clone(), (*cause).to_string()))
            })
            .collect()
    }

    /// The item that a name stands for.
    pub fn items_named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Arc<Known>> {
        self.items
            .iter()
            .filter(move |known| known.item.names.iter().any(|own| own.text == name))
    }

    /// Whether a name is the learner's: a variable, an item or imported.
    pub fn knows(&self, name: &str) -> bool {
        self.variables.contains_key(name)
            || self.items_named(name).next().is_some()
            || self
                .uses
                .iter()
                .any(|known| known.leaf.name.as_deref() == Some(name))
    }

    /// Puts items out of force.
    pub fn set_aside(&mut self, ids: &BTreeSet<u64>) {
        self.items.retain(|known| !ids.contains(&known.id));
    }
}

/// Whether a change of the item can change the layout of types that mention it. Function bodies cannot.
fn shapes_types(item: &Item) -> bool {
    match item.kind {
        ItemKind::Type | ItemKind::Trait { .. } | ItemKind::MacroCall => true,
        // Aliases, constants (array lengths) and modules; functions are among them, and harmless: no type mentions one.
        ItemKind::Plain => true,
        ItemKind::Static { .. } | ItemKind::Impl(_) | ItemKind::Use(_) | ItemKind::Macro => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn define(session: &mut Session, text: &str) -> Changes {
        session.define(&parse(&CellText::new("1", text)).unwrap())
    }

    fn variable(session: &mut Session, name: &str, type_text: &str) {
        let mentions = crate::names::Mentions::of(type_text.parse().unwrap()).names;
        session.variables.insert(
            name.into(),
            Variable {
                type_text: type_text.into(),
                mutable: false,
                mentions,
            },
        );
    }

    fn texts(session: &Session) -> Vec<&str> {
        session.items.iter().map(|known| known.text()).collect()
    }

    #[test]
    fn the_newest_definition_is_in_force() {
        let mut session = Session::default();
        define(&mut session, "fn f() {} macro_rules! f { () => {} }");
        define(&mut session, "fn f() { 1; }");
        assert_eq!(
            texts(&session),
            ["macro_rules! f { () => {} }", "fn f() { 1; }"]
        );
    }

    #[test]
    fn a_changed_type_takes_its_variables_along() {
        let mut session = Session::default();
        define(&mut session, "struct P; struct Q(P);");
        variable(&mut session, "q", "std::vec::Vec<Q>");
        variable(&mut session, "n", "i32");
        assert!(define(&mut session, "struct P;").outdated.is_empty());
        let changes = define(&mut session, "struct P(i32);");
        assert_eq!(changes.outdated, [("q".to_string(), "P".to_string())]);
        assert_eq!(session.variables.keys().collect::<Vec<_>>(), ["n"]);
    }

    #[test]
    fn an_impl_replaces_what_it_defines_again() {
        let mut session = Session::default();
        define(
            &mut session,
            "impl P { fn a(&self) {} fn b(&self) {} } impl D for P { fn d() {} }",
        );
        define(
            &mut session,
            "impl P { fn b(&self) { 1; } } impl D for P { fn d() { 2; } }",
        );
        assert_eq!(session.items.len(), 3);
        assert_eq!(session.items[0].removed.len(), 1);
        define(
            &mut session,
            "impl P { fn a(&self) { 3; } fn b(&self) { 3; } }",
        );
        assert_eq!(session.items.len(), 2);
    }
}
