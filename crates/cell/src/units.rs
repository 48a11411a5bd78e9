//! Which items are compiled together.
//!
//! The items of a cell form one crate, so that a static lives once and a type stays the same type however
//! many cells follow. Items of several cells share a crate when they need each other: an `impl` has to be in
//! the crate of its type, and functions may call each other in a circle. What needs each other is found as the
//! strongly connected components of the graph of mentions; the components, in order, are the units.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::items::{Impl, ItemKind, ItemName, Spaces, Use};
use crate::names::Mentions;
use crate::rustc::Compiled;
use crate::session::{Known, KnownUse, Session};

/// Items that are compiled as one crate.
#[derive(Debug, Clone)]
pub struct Unit {
    /// The items, in the order of their definition.
    pub items: Vec<Arc<Known>>,
    /// The cells they come from.
    pub groups: BTreeSet<u64>,
}

/// The units that a cell needs, each after those it needs itself.
pub fn needed(session: &Session, roots: &Mentions, current: Option<u64>) -> Vec<Unit> {
    let graph = Graph::new(session);
    let mut start: Vec<u64> = graph.groups_of(roots).into_iter().collect();
    // The cell's own items come last, so that everything else is there when its statements are compiled.
    start.extend(current.filter(|group| graph.groups.contains_key(group)));
    let mut walk = Tarjan::over(&graph);
    for group in start {
        if !walk.index.contains_key(&group) {
            walk.visit(group);
        }
    }
    walk.components
        .into_iter()
        .map(|groups| {
            let items = session
                .items
                .iter()
                .filter(|known| groups.contains(&known.group))
                .cloned()
                .collect();
            Unit { items, groups }
        })
        .collect()
}

/// The `use` declarations that matter to code of cell `newest` with these names: its own, and earlier ones if wanted.
pub fn uses_for<'a>(session: &'a Session, mentions: &Mentions, newest: u64) -> Vec<&'a KnownUse> {
    let wanted = |known: &KnownUse, roots: &BTreeSet<&str>| {
        known.group == newest
            || known.group < newest
                && (is_wanted(&known.leaf, mentions)
                    || known.leaf.external
                        && known
                            .leaf
                            .name
                            .as_deref()
                            .is_some_and(|name| roots.contains(name)))
    };
    let named = |roots: &BTreeSet<&str>| -> Vec<&'a KnownUse> {
        let uses = session.uses.iter();
        uses.filter(|known| wanted(known, roots)).collect()
    };
    // A path may begin with the name that an `extern crate` has brought.
    let roots = named(&BTreeSet::new())
        .into_iter()
        .map(|known| known.leaf.root.as_str())
        .collect();
    named(&roots)
}

/// Whether a `use` of an earlier cell matters to code with these names: a trait may be needed without being named.
fn is_wanted(leaf: &Use, mentions: &Mentions) -> bool {
    leaf.name
        .as_ref()
        .is_none_or(|name| name.starts_with(char::is_uppercase) || mentions.names.contains(name))
}

/// The names in the items of a unit, and in the macros they may call.
pub(crate) fn mentions_of(session: &Session, unit: &Unit) -> Mentions {
    let mut mentions = Mentions::default();
    for known in &unit.items {
        mentions.extend(&known.item.mentions);
    }
    with_macros(session, &mut mentions);
    mentions
}

/// A macro's body is expanded where it is called, so what it mentions is needed there.
pub(crate) fn with_macros(session: &Session, mentions: &mut Mentions) {
    let mut seen = BTreeSet::new();
    loop {
        let next = session.items.iter().find(|known| {
            let called = |name: &ItemName| {
                name.spaces == Spaces::Macros && mentions.names.contains(&name.text)
            };
            !seen.contains(&known.id) && known.item.names.iter().any(called)
        });
        let Some(known) = next else { return };
        seen.insert(known.id);
        mentions.extend(&known.item.mentions);
    }
}

/// The names to import, by crate.
pub(crate) fn imports(
    session: &Session,
    mentions: &Mentions,
    own: &Unit,
    homes: &BTreeMap<u64, Compiled>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut imports = BTreeMap::<String, BTreeSet<String>>::new();
    let own_names: Vec<&ItemName> = own
        .items
        .iter()
        .flat_map(|known| &known.item.names)
        .collect();
    for known in &session.items {
        let Some(home) = homes
            .get(&known.group)
            .filter(|_| !own.groups.contains(&known.group))
        else {
            continue;
        };
        let by_method = matches!(&known.item.kind, ItemKind::Trait { methods }
            if methods.iter().any(|method| mentions.methods.contains(method)));
        for name in &known.item.names {
            if (by_method || mentions.names.contains(&name.text))
                && !own_names.iter().any(|own| own.is_like(name))
            {
                imports
                    .entry(home.name.clone())
                    .or_default()
                    .insert(name.text.clone());
            }
        }
    }
    imports
}

/// What tells a unit from all others: its items, and the crates it is compiled against.
pub(crate) fn key(unit: &Unit, imports: &BTreeMap<String, BTreeSet<String>>) -> String {
    let items: Vec<String> = unit
        .items
        .iter()
        .map(|known| format!("{}-{}", known.id, known.removed.len()))
        .collect();
    let crates: Vec<&str> = imports.keys().map(String::as_str).collect();
    format!("{} | {}", items.join(" "), crates.join(" "))
}

/// Who mentions whom, by group.
struct Graph<'a> {
    session: &'a Session,
    groups: BTreeMap<u64, Vec<&'a Arc<Known>>>,
    by_name: BTreeMap<&'a str, BTreeSet<u64>>,
    traits_by_method: BTreeMap<&'a str, BTreeSet<u64>>,
    /// From the name of a type or trait to the groups of the impls that belong to it.
    attached: BTreeMap<&'a str, BTreeSet<u64>>,
}

impl<'a> Graph<'a> {
    fn new(session: &'a Session) -> Self {
        let mut graph = Self {
            session,
            groups: BTreeMap::new(),
            by_name: BTreeMap::new(),
            traits_by_method: BTreeMap::new(),
            attached: BTreeMap::new(),
        };
        for known in &session.items {
            graph.groups.entry(known.group).or_default().push(known);
            for name in &known.item.names {
                graph
                    .by_name
                    .entry(&name.text)
                    .or_default()
                    .insert(known.group);
            }
            if let ItemKind::Trait { methods } = &known.item.kind {
                for method in methods {
                    graph
                        .traits_by_method
                        .entry(method)
                        .or_default()
                        .insert(known.group);
                }
            }
        }
        for known in &session.items {
            if let ItemKind::Impl(implementation) = &known.item.kind
                && let Some(home) = graph.home_of(implementation)
            {
                graph.attached.entry(home).or_default().insert(known.group);
            }
        }
        graph
    }

    /// The learner's type or trait in whose crate an impl has to be: its type, else its trait, else the first of the
    /// learner's types in its header.
    fn home_of(&self, implementation: &'a Impl) -> Option<&'a str> {
        let candidates = implementation
            .self_type
            .iter()
            .chain(&implementation.of_trait)
            .chain(&implementation.others);
        candidates
            .map(String::as_str)
            .find(|name| self.by_name.contains_key(name))
    }

    fn groups_of(&self, mentions: &Mentions) -> BTreeSet<u64> {
        let by_name = mentions
            .names
            .iter()
            .filter_map(|name| self.by_name.get(name.as_str()));
        let by_method = mentions
            .methods
            .iter()
            .filter_map(|method| self.traits_by_method.get(method.as_str()));
        by_name.chain(by_method).flatten().copied().collect()
    }

    fn neighbours(&self, group: u64) -> BTreeSet<u64> {
        let mut found = BTreeSet::new();
        for known in self.groups.get(&group).into_iter().flatten() {
            found.extend(self.groups_of(&known.item.mentions));
            for used in uses_for(self.session, &known.item.mentions, group) {
                found.extend(
                    self.by_name
                        .get(used.leaf.root.as_str())
                        .into_iter()
                        .flatten(),
                );
            }
            for name in &known.item.names {
                found.extend(self.attached.get(name.text.as_str()).into_iter().flatten());
            }
        }
        found.remove(&group);
        found
    }
}

/// Tarjan's algorithm, SIAM J. Computing 1 (1972), which yields components in reverse topological order.
struct Tarjan<'a> {
    graph: &'a Graph<'a>,
    index: BTreeMap<u64, usize>,
    low: BTreeMap<u64, usize>,
    stack: Vec<u64>,
    components: Vec<BTreeSet<u64>>,
}

impl<'a> Tarjan<'a> {
    fn over(graph: &'a Graph<'a>) -> Self {
        Self {
            graph,
            index: BTreeMap::new(),
            low: BTreeMap::new(),
            stack: Vec::new(),
            components: Vec::new(),
        }
    }

    fn visit(&mut self, group: u64) {
        let own = self.index.len();
        self.index.insert(group, own);
        self.low.insert(group, own);
        self.stack.push(group);
        for next in self.graph.neighbours(group) {
            let reached = match self.index.get(&next) {
                None => {
                    self.visit(next);
                    self.low.get(&next).copied()
                }
                Some(index) => self.stack.contains(&next).then_some(*index),
            };
            if let (Some(reached), Some(low)) = (reached, self.low.get_mut(&group)) {
                *low = (*low).min(reached);
            }
        }
        if self.low.get(&group) == Some(&own) {
            let at = self
                .stack
                .iter()
                .position(|other| *other == group)
                .unwrap_or(0);
            self.components.push(self.stack.drain(at..).collect());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;
    use crate::source::CellText;

    /// The units that `last` needs, each as the labels of its cells.
    fn units(cells: &[&str], last: &str) -> Vec<Vec<String>> {
        let mut session = Session::default();
        for (index, cell) in cells.iter().enumerate() {
            session.define(&parse(&CellText::new(&(index + 1).to_string(), cell)).unwrap());
        }
        let roots = Mentions::of(last.parse().unwrap());
        let labels = |unit: Unit| {
            let mut labels: Vec<_> = unit
                .items
                .iter()
                .map(|known| known.cell.label.clone())
                .collect();
            labels.dedup();
            labels
        };
        needed(&session, &roots, None)
            .into_iter()
            .map(labels)
            .collect()
    }

    #[test]
    fn only_what_is_mentioned_is_needed() {
        let cells = ["struct P;", "fn f(p: P) {}", "fn g() {}"];
        assert_eq!(units(&cells, "f(x)"), [["1"], ["2"]]);
        assert_eq!(units(&cells, "1 + 1"), Vec::<Vec<String>>::new());
    }

    #[test]
    fn an_impl_joins_its_type() {
        assert_eq!(
            units(&["struct P;", "impl P { fn a(&self) {} }"], "P.a()"),
            [["1", "2"]]
        );
        assert_eq!(
            units(&["struct P;", "impl std::ops::Mul<P> for f32 {}"], "P"),
            [["1", "2"]]
        );
        assert_eq!(
            units(
                &["trait T { fn t(&self); }", "impl<X: Debug> T for X {}"],
                "x.t()"
            ),
            [["1", "2"]]
        );
    }

    #[test]
    fn circles_are_compiled_together() {
        let cells = [
            "struct P;",
            "fn area(p: &P) {}",
            "impl P { fn a(&self) { area(self) } }",
            "fn other() {}",
        ];
        assert_eq!(
            units(&cells, "P; other()"),
            vec![vec!["1", "2", "3"], vec!["4"]]
        );
    }

    #[test]
    fn a_method_brings_its_trait() {
        let cells = [
            "trait Area { fn area(&self) -> f32; }",
            "struct S;",
            "impl Area for S { fn area(&self) -> f32 { 1.0 } }",
        ];
        assert_eq!(units(&cells, "s.area()"), [["1"]]);
        assert_eq!(units(&cells, "S.area()"), vec![vec!["1"], vec!["2", "3"]]);
    }
}
