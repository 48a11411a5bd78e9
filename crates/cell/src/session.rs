//! What a notebook has defined so far: items, `use` declarations, variables.
//!
//! A session is a value: planning a cell works on a copy, which takes the place of the old one when the cell
//! has compiled and run. A cell that fails leaves no trace.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use crate::items::{Impl, Item, ItemKind, ItemName, Shape, Spaces, Use};
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
    /// The names that the paths in its type begin with: those of the learner's own types are among them.
    pub mentions: BTreeSet<String>,
}

/// What defining a cell's items changed.
#[derive(Debug, Default)]
pub struct Changes {
    /// The group of the new items.
    pub group: u64,
    /// What its items made out of date.
    pub outdated: Outdated,
}

/// What is no longer what it was because of changed items.
#[derive(Debug, Default)]
pub struct Outdated {
    /// Variables that are gone because of their type, with the name of the changed item.
    pub variables: Vec<(String, String)>,
    /// The names of all items that a type may no longer be the same for.
    pub names: BTreeSet<String>,
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
            // Of two alike in one cell both stay: the compiler says what is wrong with that.
            let same = |known: &Arc<Known>| {
                known.group != group
                    && known.removed.is_empty()
                    && (known.text() == text
                        || item.definition.is_some() && known.item.definition == item.definition)
            };
            if !matches!(item.kind, ItemKind::Use(_)) && self.items.iter().any(same) {
                continue;
            }
            self.replace(group, item, &mut changed_types);
            // A new item is seen by older ones too, in place of one of the prelude.
            if !matches!(item.kind, ItemKind::Use(_) | ItemKind::Macro) {
                changed_types.extend(item.names.iter().map(|name| name.text.clone()));
            }
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
        let outdated = self.outdate(&changed_types);
        // An item takes its name over from a variable.
        for name in parsed
            .items
            .iter()
            .flat_map(|item| &item.names)
            .filter(|name| name.is_value())
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

    /// Puts out of force what `item` of a new group replaces.
    fn replace(&mut self, group: u64, item: &Item, changed_types: &mut BTreeSet<String>) {
        if let ItemKind::Impl(new) = &item.kind {
            self.replace_impl(group, new, changed_types);
            return;
        }
        // Macros of one name may follow each other in one cell; the last one is meant afterwards.
        let is_macro = matches!(item.kind, ItemKind::Macro);
        let names = &item.names;
        self.items.retain(|known| {
            let replaced = (is_macro || known.group != group)
                && (known.item.names.iter()).any(|name| names.iter().any(|new| new.is_like(name)));
            if replaced && !matches!(known.item.kind, ItemKind::Macro) {
                changed_types.extend(known.item.names.iter().map(|name| name.text.clone()));
            }
            !replaced
        });
        // A glob is repeated rather than replaced; the same one twice would only be twice the work.
        if let ItemKind::Use(leaves) = &item.kind {
            self.uses.retain(|known| {
                known.group == group || !leaves.iter().any(|leaf| leaf.path == known.leaf.path)
            });
        }
        self.uses.retain(|known| {
            let hides = |name: &String| {
                let imported = ItemName {
                    text: name.clone(),
                    spaces: Spaces::TypesAndValues,
                };
                names.iter().any(|new| new.is_like(&imported))
            };
            let hidden = known.leaf.name.as_ref().filter(|name| hides(name));
            match hidden.filter(|_| known.group != group) {
                Some(name) => {
                    changed_types.insert(name.clone());
                    false
                }
                None => true,
            }
        });
    }

    fn replace_impl(&mut self, group: u64, new: &Impl, changed_types: &mut BTreeSet<String>) {
        let replaced: BTreeSet<&str> = new.members.iter().map(|(name, _)| name.as_str()).collect();
        let mut kept = Vec::with_capacity(self.items.len());
        let shaped = self.shaped_by(new);
        for known in self.items.drain(..) {
            let ItemKind::Impl(old) = &known.item.kind else {
                kept.push(known);
                continue;
            };
            if old.header != new.header || known.group == group {
                kept.push(known);
                continue;
            }
            if old.of_trait.is_some() {
                if old.shapes != new.shapes {
                    changed_types.extend(shaped.iter().cloned());
                }
                continue;
            }
            let changed =
                |old: &Shape| replaced.contains(old.name.as_str()) && !new.shapes.contains(old);
            if old.shapes.iter().any(changed) {
                changed_types.extend(shaped.iter().cloned());
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
                    implementation
                        .shapes
                        .retain(|shape| !replaced.contains(shape.name.as_str()));
                }
                kept.push(Arc::new(rest));
            }
        }
        self.items = kept;
    }

    /// The learner's names that types have to mention to depend on this impl's associated types and constants: those
    /// in its header, and its trait's if there is no other.
    fn shaped_by(&self, implementation: &Impl) -> Vec<String> {
        let is_item = |name: &&String| self.items_named(name).next().is_some();
        let others = implementation.others.iter();
        let others = others.filter(|name| Some(*name) != implementation.of_trait.as_ref());
        let mut names: Vec<String> = others.filter(is_item).cloned().collect();
        if names.is_empty() {
            names.extend(implementation.of_trait.iter().filter(is_item).cloned());
        }
        names
    }

    /// Takes out the variables whose type contains, however deep, one that changed.
    fn outdate(&mut self, changed: &BTreeSet<String>) -> Outdated {
        let affected = self.affected(changed);
        let outdated = |(name, variable): (&String, &Variable)| {
            let mentions = &variable.mentions;
            let cause = mentions.iter().find_map(|mention| affected.get(mention))?;
            Some((name.clone(), cause.clone()))
        };
        let variables: Vec<_> = self.variables.iter().filter_map(outdated).collect();
        for (name, _) in &variables {
            self.variables.remove(name);
        }
        Outdated {
            variables,
            names: affected.into_keys().collect(),
        }
    }

    /// All names that a type may no longer be the same for, each with the changed name that is to blame.
    fn affected(&self, changed: &BTreeSet<String>) -> BTreeMap<String, String> {
        let mut affected: BTreeMap<String, String> = changed
            .iter()
            .map(|name| (name.clone(), name.clone()))
            .collect();
        loop {
            let before = affected.len();
            for known in &self.items {
                let blame = |mentions: &BTreeSet<String>| {
                    mentions.iter().find_map(|name| affected.get(name).cloned())
                };
                let (cause, names) = match &known.item.kind {
                    ItemKind::Impl(implementation) => {
                        let shapes = implementation.shapes.iter();
                        let cause = shapes.filter_map(|shape| blame(&shape.mentions)).next();
                        (cause, self.shaped_by(implementation))
                    }
                    _ if shapes_types(&known.item) => {
                        let names = known.item.names.iter().map(|name| name.text.clone());
                        (blame(known.item.parts()), names.collect())
                    }
                    _ => continue,
                };
                if let Some(cause) = cause {
                    for name in names {
                        affected.entry(name).or_insert_with(|| cause.clone());
                    }
                }
            }
            if affected.len() == before {
                return affected;
            }
        }
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

    /// Puts items out of force. What types look like may be another thing when they are defined again.
    pub fn set_aside(&mut self, ids: &BTreeSet<u64>) -> Outdated {
        let mut changed = BTreeSet::new();
        for known in self.items.iter().filter(|known| ids.contains(&known.id)) {
            match &known.item.kind {
                ItemKind::Impl(implementation) if implementation.shapes.is_empty() => {}
                ItemKind::Impl(implementation) => changed.extend(self.shaped_by(implementation)),
                _ => changed.extend(known.item.names.iter().map(|name| name.text.clone())),
            }
        }
        let outdated = self.outdate(&changed);
        self.items.retain(|known| !ids.contains(&known.id));
        outdated
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
        let mentions = crate::names::Mentions::heads_of(type_text.parse().unwrap());
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
        let gone = |changes: Changes| changes.outdated.variables;
        assert!(gone(define(&mut session, "/// The same.\nstruct P ;")).is_empty());
        let changes = define(&mut session, "struct P(i32);");
        assert_eq!(gone(changes), [("q".to_string(), "P".to_string())]);
        assert_eq!(session.variables.keys().collect::<Vec<_>>(), ["n"]);
    }

    #[test]
    fn a_changed_associated_type_takes_variables_along() {
        let mut session = Session::default();
        define(
            &mut session,
            "trait S { type I; fn f(); } struct P; struct R; struct W<T: S>(T::I); type Q = u8; impl S for R { type I = u8; fn f() {} }",
        );
        define(&mut session, "impl S for P { type I = Q; fn f() {} }");
        let mut gone = |text: &str| {
            variable(&mut session, "w", "W<P>");
            variable(&mut session, "r", "W<R>");
            let variables = define(&mut session, text).outdated.variables;
            variables
                .into_iter()
                .map(|(name, _)| name)
                .collect::<Vec<_>>()
        };
        assert!(gone("impl S for P { type I = Q; fn f() { loop {} } }").is_empty());
        assert_eq!(gone("type Q = u16;"), ["w"]);
        assert_eq!(gone("impl S for P { type I = String; fn f() {} }"), ["w"]);
    }

    #[test]
    fn an_item_that_hides_one_of_the_prelude_takes_variables_along() {
        let mut session = Session::default();
        define(&mut session, "struct W { kind: Kind }");
        variable(&mut session, "w", "W");
        variable(&mut session, "k", "course::tch::Kind");
        assert!(
            define(&mut session, "fn kind() {}")
                .outdated
                .variables
                .is_empty()
        );
        let gone = define(&mut session, "enum Kind { A }").outdated.variables;
        assert_eq!(gone, [("w".to_string(), "Kind".to_string())]);
    }

    #[test]
    fn items_of_one_name_in_one_cell_both_stay() {
        let mut session = Session::default();
        define(&mut session, "fn f() {} mod f {} fn f() {}");
        assert_eq!(session.items.len(), 3);
        define(&mut session, "fn f() { 1; }");
        assert_eq!(texts(&session), ["mod f {}", "fn f() { 1; }"]);
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
