//! Source text to index: items with their declarations and documentation, members, and who re-exports what.

use std::fs;
use std::path::{Path, PathBuf};

use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, UseTree, Visibility};

use super::dialect::{members_in_macro, without_experiments};
use super::index::{Index, Item, Kind, Target};
use super::show::{self, one_line};

/// Reads crates one after another; [`Reader::finish`] follows their re-exports.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) index: Index,
    pub(super) uses: Vec<Import>,
    pub(super) impls: Vec<Pending>,
    /// `extern crate x as y`: in which crate, `y`, `x`.
    pub(super) renamed: Vec<(String, String, Target)>,
    /// The crate being read.
    pub(super) krate: String,
    pub(super) own: bool,
}

/// A leaf of a `use` that others can see.
pub(super) struct Import {
    pub(super) module: String,
    pub(super) path: String,
    /// `None` for a glob.
    pub(super) name: Option<String>,
}

/// An `impl`, kept until the types of all crates are known.
pub(super) struct Pending {
    pub(super) krate: String,
    pub(super) module: String,
    pub(super) self_type: String,
    /// What the self type's parameter has to implement, when the self type is one.
    pub(super) blanket: Vec<String>,
    pub(super) of_trait: Option<String>,
    pub(super) members: Vec<Item>,
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
            syn::Item::Fn(own) if !private(&own.vis) && !is_hidden(&own.attrs) => {
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
                syn::TraitItem::Fn(own) if !is_hidden(&own.attrs) => {
                    Some(self.method(&own.sig, &own.attrs))
                }
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
        // `Read for &[u8]` says nothing of slices that a lesson wants to know.
        let borrowed = own.trait_.is_some() && matches!(*own.self_ty, syn::Type::Reference(_));
        if is_test(&own.attrs) || borrowed {
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
                    if !is_hidden(&own.attrs)
                        && inherent
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
}

/// Not for everybody: unstable, or left out of the documentation by its author.
fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("unstable")
            || attribute.path().is_ident("doc")
                && attribute.meta.to_token_stream().to_string() == "doc (hidden)"
    })
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
            .map(|last| last.ident.to_string())
            .filter(|name| !COMMON.contains(&name.as_str())),
        _ => None,
    }
}

/// Bounds that nearly every type meets: what follows from them is in nobody's mind.
const COMMON: &[&str] = &[
    "Sized",
    "PointeeSized",
    "Send",
    "Sync",
    "Copy",
    "Clone",
    "Unpin",
];

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

pub(super) fn join(module: &str, name: &str) -> String {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}::{name}")
    }
}
