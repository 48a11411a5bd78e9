//! Source text to index: items with their declarations and documentation, members, and who re-exports what.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, UseTree, Visibility};

use super::index::{Index, Item, Kind, Module, Target, Type};
use super::show::{self, one_line};

/// How much of a foreign item's documentation is kept, in bytes: its first paragraphs.
const FOREIGN_DOCS: usize = 1200;

/// `use` declarations chain through each other; more rounds than this only a circle would need.
const ROUNDS: usize = 8;

/// Reads crates one after another; [`Reader::finish`] follows their re-exports.
#[derive(Default)]
pub(super) struct Reader {
    index: Index,
    uses: Vec<Import>,
    impls: Vec<Pending>,
    /// `extern crate x as y`: in which crate, `y`, `x`.
    renamed: Vec<(String, String, Target)>,
    /// The crate being read.
    krate: String,
    own: bool,
}

/// A leaf of a `use` that others can see.
struct Import {
    module: String,
    path: String,
    /// `None` for a glob.
    name: Option<String>,
}

/// An `impl`, kept until the types of all crates are known.
struct Pending {
    krate: String,
    module: String,
    self_type: String,
    /// What the self type's parameter has to implement, when the self type is one.
    blanket: Vec<String>,
    of_trait: Option<String>,
    members: Vec<Item>,
}

impl Reader {
    /// Reads a crate from its root file. `own` crates keep all of their documentation.
    pub(super) fn read_crate(&mut self, name: &str, root: &Path, own: bool) {
        self.krate = name.to_owned();
        self.own = own;
        self.file(root, name, root.parent().unwrap_or(Path::new(".")));
    }

    /// Reads text that stands by itself: the items of a notebook.
    pub(super) fn read_text(&mut self, text: &str) {
        self.own = true;
        if let Ok(file) = syn::parse_file(text) {
            self.index.modules.entry(String::new()).or_default();
            self.items(&file.items, "", Path::new("."));
        }
    }

    fn file(&mut self, path: &Path, module: &str, folder: &Path) {
        let Ok(text) = fs::read_to_string(path) else {
            return;
        };
        let file = match syn::parse_file(&text) {
            Ok(file) => file,
            Err(_) if !self.own => match syn::parse_file(&without_experiments(text)) {
                Ok(file) => file,
                Err(_) => return,
            },
            Err(_) => return,
        };
        self.index
            .modules
            .entry(module.to_owned())
            .or_default()
            .docs = self.docs(&file.attrs);
        self.items(&file.items, module, folder);
        // syn keeps every text it has ever read; nothing refers to these spans any more.
        drop(file);
        proc_macro2::extra::invalidate_current_thread_spans();
    }

    fn items(&mut self, items: &[syn::Item], module: &str, folder: &Path) {
        for item in items {
            self.item(item, module, folder);
        }
    }

    fn item(&mut self, item: &syn::Item, module: &str, folder: &Path) {
        let private =
            |vis: &Visibility| !module.is_empty() && !matches!(vis, Visibility::Public(_));
        match item {
            syn::Item::Mod(own) => self.module(own, module, folder),
            syn::Item::Use(own) => {
                let public = !private(&own.vis);
                // What a module imports for itself tells which trait or type its own items mean; nobody else sees it.
                if public {
                    self.imports(&own.tree, String::new(), module);
                }
            }
            syn::Item::ExternCrate(own) => {
                if let Some((_, name)) = &own.rename {
                    let krate = Target::Module(own.ident.to_string());
                    self.renamed
                        .push((self.krate.clone(), name.to_string(), krate));
                }
            }
            syn::Item::Impl(own) => self.implementation(own, module),
            syn::Item::Fn(own) if !private(&own.vis) => {
                let item = self.function(&own.sig, &own.attrs, Kind::Function);
                self.add(module, item);
            }
            syn::Item::Struct(own) if !private(&own.vis) => {
                let members = self.fields(&own.fields, module.is_empty());
                let item = self.plain(&own.ident, Kind::Struct, show::of_struct(own), &own.attrs);
                self.add_type(module, item, &own.generics, members);
            }
            syn::Item::Union(own) if !private(&own.vis) => {
                let item = self.plain(
                    &own.ident,
                    Kind::Union,
                    format!("union {}", own.ident),
                    &own.attrs,
                );
                self.add_type(module, item, &own.generics, Vec::new());
            }
            syn::Item::Enum(own) if !private(&own.vis) => {
                let members = own
                    .variants
                    .iter()
                    .map(|variant| Item {
                        gives: "Self".into(),
                        ..self.plain(
                            &variant.ident,
                            Kind::Variant,
                            show::of_variant(variant),
                            &variant.attrs,
                        )
                    })
                    .collect();
                let item = self.plain(&own.ident, Kind::Enum, show::of_enum(own), &own.attrs);
                self.add_type(module, item, &own.generics, members);
            }
            syn::Item::Trait(own) if !private(&own.vis) => self.of_trait(own, module),
            syn::Item::Type(own) if !private(&own.vis) => {
                let signature = one_line(&format!(
                    "type {}{} = {}",
                    own.ident,
                    own.generics.to_token_stream(),
                    own.ty.to_token_stream()
                ));
                let item = Item {
                    gives: one_line(&own.ty.to_token_stream().to_string()),
                    ..self.plain(&own.ident, Kind::Alias, signature, &own.attrs)
                };
                self.add_type(module, item, &own.generics, Vec::new());
            }
            syn::Item::Const(own) if !private(&own.vis) => {
                let item = self.value("const", &own.ident, &own.ty, Kind::Const, &own.attrs);
                self.add(module, item);
            }
            syn::Item::Static(own) if !private(&own.vis) => {
                let item = self.value("static", &own.ident, &own.ty, Kind::Static, &own.attrs);
                self.add(module, item);
            }
            syn::Item::Macro(own) => self.of_macro(own, module),
            _ => {}
        }
    }

    fn module(&mut self, own: &syn::ItemMod, parent: &str, folder: &Path) {
        if is_test(&own.attrs) {
            return;
        }
        let name = own.ident.to_string();
        let path = join(parent, &name);
        if matches!(own.vis, Visibility::Public(_)) || parent.is_empty() {
            self.refer(parent, &name, Target::Module(path.clone()));
        }
        let inside = folder.join(&name);
        if let Some((_, items)) = &own.content {
            self.index.modules.entry(path.clone()).or_default().docs = self.docs(&own.attrs);
            self.items(items, &path, &inside);
        } else if let Some(file) = module_file(own, folder, &inside) {
            self.file(&file, &path, &inside);
        }
    }

    fn imports(&mut self, tree: &UseTree, before: String, module: &str) {
        match tree {
            UseTree::Path(part) => {
                self.imports(&part.tree, join(&before, &part.ident.to_string()), module);
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.imports(tree, before.clone(), module);
                }
            }
            UseTree::Name(name) if name.ident == "self" => {
                let own = before.rsplit("::").next().unwrap_or_default().to_owned();
                self.import(module, before, Some(own));
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.import(module, join(&before, &name), Some(name));
            }
            UseTree::Rename(leaf) if leaf.rename != "_" => {
                let path = join(&before, &leaf.ident.to_string());
                self.import(module, path, Some(leaf.rename.to_string()));
            }
            UseTree::Rename(_) => {}
            UseTree::Glob(_) => self.import(module, before, None),
        }
    }

    fn import(&mut self, module: &str, path: String, name: Option<String>) {
        self.uses.push(Import {
            module: module.to_owned(),
            path,
            name,
        });
    }

    fn of_trait(&mut self, own: &syn::ItemTrait, module: &str) {
        let members = own
            .items
            .iter()
            .filter_map(|item| match item {
                syn::TraitItem::Fn(own) => Some(self.method(&own.sig, &own.attrs)),
                syn::TraitItem::Const(own) => {
                    Some(self.value("const", &own.ident, &own.ty, Kind::Const, &own.attrs))
                }
                _ => None,
            })
            .collect();
        let item = self.plain(
            &own.ident,
            Kind::Trait,
            one_line(&format!(
                "trait {}{}",
                own.ident,
                own.generics.to_token_stream()
            )),
            &own.attrs,
        );
        self.add_type(module, item, &own.generics, members);
        let demanded = own.supertraits.iter().filter_map(bound_name).collect();
        if let Some(own) = self
            .index
            .types
            .get_mut(&join(module, &own.ident.to_string()))
        {
            own.traits = demanded;
        }
    }

    fn implementation(&mut self, own: &syn::ItemImpl, module: &str) {
        if is_test(&own.attrs) {
            return;
        }
        let Some(self_type) = show::head_of(&own.self_ty) else {
            return;
        };
        let of_trait = own
            .trait_
            .as_ref()
            .and_then(|(_, path, _)| path.segments.last())
            .map(|last| last.ident.to_string());
        let blanket = own
            .generics
            .type_params()
            .filter(|parameter| parameter.ident == self_type)
            .flat_map(|parameter| parameter.bounds.iter().filter_map(bound_name))
            .collect();
        let inherent = of_trait.is_none();
        let members = own
            .items
            .iter()
            .filter_map(|item| match item {
                syn::ImplItem::Fn(own)
                    if inherent
                        && (module.is_empty() || matches!(own.vis, Visibility::Public(_))) =>
                {
                    Some(self.method(&own.sig, &own.attrs))
                }
                syn::ImplItem::Const(own)
                    if inherent
                        && (module.is_empty() || matches!(own.vis, Visibility::Public(_))) =>
                {
                    Some(self.value("const", &own.ident, &own.ty, Kind::Const, &own.attrs))
                }
                _ => None,
            })
            .collect();
        self.impls.push(Pending {
            krate: self.krate.clone(),
            module: module.to_owned(),
            self_type,
            blanket,
            of_trait,
            members,
        });
    }

    fn of_macro(&mut self, own: &syn::ItemMacro, module: &str) {
        let numbers: &[&str] = match own.ident.as_ref().map(ToString::to_string).as_deref() {
            Some("int_impl") if self.krate == "core" => {
                &["i8", "i16", "i32", "i64", "i128", "isize"]
            }
            Some("uint_impl") if self.krate == "core" => {
                &["u8", "u16", "u32", "u64", "u128", "usize"]
            }
            _ => &[],
        };
        for number in numbers {
            if let Some(members) = members_in_macro(own.mac.tokens.clone(), number) {
                self.implementation(&members, module);
            }
        }
        let exported = own
            .attrs
            .iter()
            .any(|attribute| attribute.path().is_ident("macro_export"));
        let Some(name) = own.ident.as_ref().filter(|_| exported || module.is_empty()) else {
            return;
        };
        let root = self.krate.clone();
        let item = self.plain(
            name,
            Kind::Macro,
            format!("macro_rules! {name}"),
            &own.attrs,
        );
        self.add(&root, item);
    }

    fn method(&self, signature: &syn::Signature, attributes: &[Attribute]) -> Item {
        let kind = match signature.receiver() {
            Some(_) => Kind::Method,
            None => Kind::Associated,
        };
        self.function(signature, attributes, kind)
    }

    fn function(&self, signature: &syn::Signature, attributes: &[Attribute], kind: Kind) -> Item {
        let gives = match &signature.output {
            syn::ReturnType::Default => "()".into(),
            syn::ReturnType::Type(_, of_type) => one_line(&of_type.to_token_stream().to_string()),
        };
        Item {
            gives,
            ..self.plain(
                &signature.ident,
                kind,
                show::of_signature(signature),
                attributes,
            )
        }
    }

    fn value(
        &self,
        word: &str,
        name: &syn::Ident,
        of_type: &syn::Type,
        kind: Kind,
        attributes: &[Attribute],
    ) -> Item {
        let gives = one_line(&of_type.to_token_stream().to_string());
        Item {
            signature: format!("{word} {name}: {gives}"),
            gives,
            ..self.plain(name, kind, String::new(), attributes)
        }
    }

    fn fields(&self, fields: &syn::Fields, all: bool) -> Vec<Item> {
        fields
            .iter()
            .enumerate()
            .filter(|(_, field)| all || matches!(field.vis, Visibility::Public(_)))
            .map(|(at, field)| {
                let name = match &field.ident {
                    Some(name) => name.to_string(),
                    None => at.to_string(),
                };
                let gives = one_line(&field.ty.to_token_stream().to_string());
                Item {
                    signature: format!("{name}: {gives}"),
                    name,
                    kind: Kind::Field,
                    krate: self.krate.clone(),
                    docs: self.docs(&field.attrs),
                    gives,
                }
            })
            .collect()
    }

    fn plain(
        &self,
        name: &syn::Ident,
        kind: Kind,
        signature: String,
        attributes: &[Attribute],
    ) -> Item {
        let name = name.to_string();
        Item {
            name: name.strip_prefix("r#").map_or(name.clone(), str::to_owned),
            kind,
            krate: self.krate.clone(),
            signature,
            docs: self.docs(attributes),
            gives: String::new(),
        }
    }

    fn docs(&self, attributes: &[Attribute]) -> String {
        let mut lines: Vec<String> = Vec::new();
        for attribute in attributes {
            if let Meta::NameValue(pair) = &attribute.meta
                && pair.path.is_ident("doc")
                && let Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) = &pair.value
            {
                let text = text.value();
                lines.extend(
                    text.split('\n')
                        .map(|line| line.strip_prefix(' ').unwrap_or(line).to_owned()),
                );
            }
        }
        let mut docs = lines.join("\n").trim().to_owned();
        if !self.own && docs.len() > FOREIGN_DOCS {
            let paragraph = docs
                .match_indices("\n\n")
                .map(|(at, _)| at)
                .take_while(|at| *at <= FOREIGN_DOCS)
                // A paragraph inside a code block is no end.
                .filter(|at| docs[..*at].matches("```").count().is_multiple_of(2))
                .last();
            docs.truncate(paragraph.unwrap_or_else(|| docs.floor_char_boundary(FOREIGN_DOCS)));
        }
        docs
    }

    fn add(&mut self, module: &str, item: Item) {
        let mut name = item.name.clone();
        if item.kind == Kind::Macro {
            name.push('!');
        }
        let path = join(module, &name);
        self.refer(module, &item.name, Target::Item(path.clone()));
        self.index.items.insert(path, item);
    }

    fn add_type(&mut self, module: &str, item: Item, generics: &syn::Generics, members: Vec<Item>) {
        let path = join(module, &item.name);
        self.refer(module, &item.name, Target::Item(path.clone()));
        let parameters = generics
            .type_params()
            .map(|parameter| parameter.ident.to_string())
            .collect();
        let own = Type {
            item,
            parameters,
            members,
            traits: Vec::new(),
        };
        self.index.types.insert(path, own);
    }

    fn refer(&mut self, module: &str, name: &str, target: Target) {
        let module = self.index.modules.entry(module.to_owned()).or_default();
        let targets = module.names.entry(name.to_owned()).or_default();
        if !targets.contains(&target) {
            targets.push(target);
        }
    }

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

/// The standard library is written in a Rust that syn does not know yet.
fn without_experiments(text: String) -> String {
    [
        ("const trait ", "trait "),
        ("const unsafe trait ", "unsafe trait "),
        ("const impl<", "impl<"),
        ("const impl ", "impl "),
        ("const unsafe impl", "unsafe impl"),
        ("[const] ", ""),
    ]
    .iter()
    .fold(text, |text, (new, known)| text.replace(new, known))
}

/// The members that a macro such as `int_impl!` of the standard library writes for each number, with its
/// variables filled in.
fn members_in_macro(tokens: TokenStream, number: &str) -> Option<syn::ItemImpl> {
    let body = tokens.into_iter().filter_map(|token| match token {
        TokenTree::Group(group) if group.delimiter() == Delimiter::Brace => Some(group.stream()),
        _ => None,
    });
    let body = filled_in(body.last()?, number);
    syn::parse_str(&format!("impl {number} {{ {body} }}")).ok()
}

/// `$SelfT` and all other variables as `number`.
fn filled_in(tokens: TokenStream, number: &str) -> TokenStream {
    let mut variable = false;
    let mut out = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Punct(sign) if sign.as_char() == '$' => variable = true,
            TokenTree::Ident(name) if variable => {
                variable = false;
                out.push(TokenTree::Ident(Ident::new(number, name.span())));
            }
            TokenTree::Group(group) => {
                variable = false;
                let inside = filled_in(group.stream(), number);
                out.push(TokenTree::Group(Group::new(group.delimiter(), inside)));
            }
            other => out.push(other),
        }
    }
    out.into_iter().collect()
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

fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.to_token_stream().to_string() == "cfg (test)"
    })
}

fn bound_name(bound: &syn::TypeParamBound) -> Option<String> {
    match bound {
        syn::TypeParamBound::Trait(bound) => bound
            .path
            .segments
            .last()
            .map(|last| last.ident.to_string()),
        _ => None,
    }
}

fn module_file(own: &syn::ItemMod, folder: &Path, inside: &Path) -> Option<PathBuf> {
    let named = own
        .attrs
        .iter()
        .find_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(path),
                    ..
                }) => Some(folder.join(path.value())),
                _ => None,
            },
            _ => None,
        });
    let candidates = [
        named.unwrap_or_else(|| inside.with_extension("rs")),
        inside.join("mod.rs"),
    ];
    candidates.into_iter().find(|file| file.is_file())
}

fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}

fn parent_of(module: &str) -> String {
    module
        .rsplit_once("::")
        .map_or(module, |(parent, _)| parent)
        .to_owned()
}
