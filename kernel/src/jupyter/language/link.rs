//! What is left to do when all crates have been read: follow re-exports, and give types their members.

use std::collections::BTreeMap;

use super::index::{Index, Item, Kind, Module, Target, Type};
use super::read::{Import, Pending, Reader, join};

/// `use` declarations chain through each other; more rounds than this only a circle would need.
const ROUNDS: usize = 8;

impl Reader {
    /// Follows re-exports, and gives every type its members.
    pub(super) fn finish(mut self) -> Index {
        for _ in 0..ROUNDS {
            let mut changed = false;
            for import in std::mem::take(&mut self.uses) {
                changed |= self.follow(&import);
                self.uses.push(import);
            }
            if !changed {
                break;
            }
        }
        self.index.arrange();
        for pending in std::mem::take(&mut self.impls) {
            self.settle(pending);
        }
        self.index
    }

    /// Takes in what an import refers to as far as is known. True when that was new.
    fn follow(&mut self, import: &Import) -> bool {
        let found: BTreeMap<String, Vec<Target>> = match &import.name {
            Some(name) => {
                let targets = self.targets(&import.module, &import.path);
                BTreeMap::from([(name.clone(), targets)])
            }
            None => self
                .targets(&import.module, &import.path)
                .iter()
                .flat_map(|target| self.all_in(target))
                .collect(),
        };
        let Module { names, .. } = self.index.modules.entry(import.module.clone()).or_default();
        let mut changed = false;
        for (name, targets) in found {
            for target in targets {
                let known = names.entry(name.clone()).or_default();
                if !known.contains(&target) {
                    known.push(target);
                    changed = true;
                }
            }
        }
        names.retain(|_, targets| !targets.is_empty());
        changed
    }

    fn all_in(&self, target: &Target) -> BTreeMap<String, Vec<Target>> {
        match target {
            Target::Module(path) => self
                .index
                .modules
                .get(path)
                .map(|module| module.names.clone())
                .unwrap_or_default(),
            Target::Item(path) => self.variants_of(path),
        }
    }

    /// `use Option::*` brings an enum's variants.
    fn variants_of(&self, path: &str) -> BTreeMap<String, Vec<Target>> {
        let of_type = self.index.types.get(path);
        let variants = of_type.into_iter().flat_map(|of_type| &of_type.members);
        variants
            .filter(|member| member.kind == Kind::Variant)
            .map(|member| {
                (
                    member.name.clone(),
                    vec![Target::Item(join(path, &member.name))],
                )
            })
            .collect()
    }

    /// What a path written in a module refers to.
    fn targets(&self, module: &str, path: &str) -> Vec<Target> {
        let root = module.split("::").next().unwrap_or_default();
        let (mut at, rest) = match path.split_once("::").unwrap_or((path, "")) {
            ("crate", rest) => (root.to_owned(), rest),
            ("self", rest) => (module.to_owned(), rest),
            ("super", rest) => (parent_of(module), rest),
            (first, rest) => match self
                .step(module, first)
                .first()
                .or(self.renamed(root, first))
            {
                Some(Target::Module(own)) => (own.clone(), rest),
                Some(item) if rest.is_empty() => return vec![item.clone()],
                _ if self.index.modules.contains_key(first) => (first.to_owned(), rest),
                _ => return Vec::new(),
            },
        };
        if rest.is_empty() {
            return vec![Target::Module(at)];
        }
        let mut parts = rest.split("::").peekable();
        while let Some(part) = parts.next() {
            if part == "super" {
                at = parent_of(&at);
                continue;
            }
            let found = self.step(&at, part);
            if parts.peek().is_none() {
                return found;
            }
            match found.first() {
                Some(Target::Module(own)) => at = own.clone(),
                _ => return Vec::new(),
            }
        }
        vec![Target::Module(at)]
    }

    fn renamed(&self, krate: &str, name: &str) -> Option<&Target> {
        let own = |(within, own, _): &&(String, String, Target)| within == krate && own == name;
        self.renamed.iter().find(own).map(|(.., target)| target)
    }

    fn step(&self, module: &str, name: &str) -> Vec<Target> {
        let shown = self
            .index
            .modules
            .get(module)
            .and_then(|module| module.names.get(name));
        // Inside of its crate a private module can be named as well.
        let inside = join(module, name);
        match shown {
            Some(targets) if !targets.is_empty() => targets.clone(),
            _ if self.index.modules.contains_key(&inside) => vec![Target::Module(inside)],
            _ => Vec::new(),
        }
    }

    fn settle(&mut self, pending: Pending) {
        let Pending {
            krate,
            module,
            self_type,
            blanket,
            of_trait,
            members,
        } = pending;
        if let Some(of_trait) = &of_trait
            && !blanket.is_empty()
        {
            let pairs = blanket.into_iter().map(|bound| (bound, of_trait.clone()));
            self.index.blankets.extend(pairs);
            return;
        }
        let near = join(&module, &self_type);
        let path = if self.index.types.contains_key(&near) {
            near
        } else if let Some(path) = self.path_of(&self_type, &krate) {
            path
        } else if is_primitive(&self_type) {
            self.add_primitive(&self_type)
        } else {
            return;
        };
        if let Some(of_type) = self.index.types.get_mut(&path) {
            of_type.members.extend(members);
            of_type.traits.extend(of_trait);
        }
    }

    fn path_of(&self, name: &str, krate: &str) -> Option<String> {
        let paths = self.index.by_name.get(name)?;
        let own = |path: &&String| path.split("::").next() == Some(krate);
        paths.iter().find(own).or_else(|| paths.first()).cloned()
    }

    fn add_primitive(&mut self, name: &str) -> String {
        let path = join("core", name);
        let item = Item {
            name: name.to_owned(),
            kind: Kind::Primitive,
            krate: "core".into(),
            signature: name.to_owned(),
            docs: String::new(),
            gives: String::new(),
        };
        let own = Type {
            item,
            parameters: match name {
                "[]" => vec!["T".into()],
                _ => Vec::new(),
            },
            members: Vec::new(),
            traits: Vec::new(),
        };
        self.index.types.insert(path.clone(), own);
        self.index
            .by_name
            .insert(name.to_owned(), vec![path.clone()]);
        path
    }
}

fn is_primitive(name: &str) -> bool {
    matches!(
        name,
        "[]" | "str"
            | "bool"
            | "char"
            | "f32"
            | "f64"
            | "i8"
            | "i16"
            | "i32"
            | "i64"
            | "i128"
            | "isize"
            | "u8"
            | "u16"
            | "u32"
            | "u64"
            | "u128"
            | "usize"
    )
}

fn parent_of(module: &str) -> String {
    module
        .rsplit_once("::")
        .map_or(module, |(parent, _)| parent)
        .to_owned()
}
