//! Items of a cell: what they define, what they mention, and the changes that let later cells use them.
//!
//! A cell is compiled as a library, so that the next one can link against it. For that everything it
//! defines becomes `pub`: items, fields and inherent methods; macros become `#[macro_export]`. What is
//! private inside the learner's own `mod` stays private.

use std::ops::Range;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Fields, Stmt, UseTree, Visibility};

use crate::names::Mentions;
use crate::source::Edit;

/// One item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Where it stands in its cell, with its attributes.
    pub range: Range<usize>,
    /// What sort of item.
    pub kind: ItemKind,
    /// The names it brings into being.
    pub names: Vec<ItemName>,
    /// The names in it.
    pub mentions: Mentions,
    /// Whether it is `fn main()`.
    pub is_main: bool,
}

/// A name with its namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName {
    /// The name, without `r#`.
    pub text: String,
    /// Whether it is a macro's, called with `!`.
    pub is_macro: bool,
}

/// What sort of item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ItemKind {
    /// A function, constant, type alias or module.
    Plain,
    /// A struct, enum or union.
    Type,
    /// A trait with the names of its methods: a call of one needs the trait.
    Trait {
        /// Methods, with and without a default body.
        methods: Vec<String>,
    },
    /// A static that later versions of its crate must share.
    Static {
        /// The bytes of `static NAME: Type`, without the value.
        declaration: Range<usize>,
        /// Where attributes may be put.
        start: usize,
        /// The bytes of the visibility, empty if there is none.
        visibility: Range<usize>,
        /// Whether it is `static mut`.
        mutable: bool,
    },
    /// An implementation.
    Impl(Impl),
    /// `use` declarations, in the form in which later cells repeat them.
    Use(Vec<Use>),
    /// `macro_rules!`.
    Macro,
    /// A macro call that defines items, such as `thread_local!`.
    MacroCall,
}

/// An implementation and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Impl {
    /// `impl Trait for Type`, to recognise the same one again.
    pub header: String,
    /// The last name in the path of the type.
    pub self_type: Option<String>,
    /// The last name in the path of the trait; `None` for an inherent implementation.
    pub of_trait: Option<String>,
    /// Other names in the header, in order.
    pub others: Vec<String>,
    /// Names and places of the functions and constants.
    pub members: Vec<(String, Range<usize>)>,
}

impl Impl {
    /// The type, if this makes a type without parameters an error.
    pub fn plain_error(&self) -> Option<&str> {
        let is_error = self.of_trait.as_deref() == Some("Error") && !self.header.contains('<');
        self.self_type.as_deref().filter(|_| is_error)
    }
}

/// One leaf of a `use`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Use {
    /// `a::b as c`, as one path without braces.
    pub path: String,
    /// The name it brings; `None` for `*` and `_`.
    pub name: Option<String>,
    /// The first name of the path, which may be an item of the learner's.
    pub root: String,
}

/// The item that a statement is, if it is one, with the changes it needs.
pub fn item_of(statement: &Stmt, text: &str) -> Option<(Item, Vec<Edit>)> {
    match statement {
        Stmt::Item(item) => Some(of_item(item)),
        Stmt::Macro(call) if call.mac.path.is_ident("thread_local") => {
            Some(thread_local(call, text))
        }
        _ => None,
    }
}

fn of_item(item: &syn::Item) -> (Item, Vec<Edit>) {
    let mut edits = Vec::new();
    let name = |ident: &syn::Ident| vec![plain_name(ident)];
    let (kind, names) = match item {
        syn::Item::Fn(item) => {
            publish(&item.vis, item.sig.span(), &mut edits);
            (ItemKind::Plain, name(&item.sig.ident))
        }
        syn::Item::Const(item) => {
            publish(&item.vis, item.const_token.span(), &mut edits);
            let names = if item.ident == "_" {
                Vec::new()
            } else {
                name(&item.ident)
            };
            (ItemKind::Plain, names)
        }
        syn::Item::Type(item) => {
            publish(&item.vis, item.type_token.span(), &mut edits);
            (ItemKind::Plain, name(&item.ident))
        }
        syn::Item::Mod(item) => {
            let start = item
                .unsafety
                .map_or(item.mod_token.span(), |word| word.span);
            publish(&item.vis, start, &mut edits);
            (ItemKind::Plain, name(&item.ident))
        }
        syn::Item::Struct(item) => {
            publish(&item.vis, item.struct_token.span(), &mut edits);
            publish_fields(&item.fields, &mut edits);
            (ItemKind::Type, name(&item.ident))
        }
        syn::Item::Enum(item) => {
            publish(&item.vis, item.enum_token.span(), &mut edits);
            (ItemKind::Type, name(&item.ident))
        }
        syn::Item::Union(item) => {
            publish(&item.vis, item.union_token.span(), &mut edits);
            item.fields
                .named
                .iter()
                .for_each(|field| publish_field(field, &mut edits));
            (ItemKind::Type, name(&item.ident))
        }
        syn::Item::Trait(item) => {
            let start = item
                .unsafety
                .map_or(item.trait_token.span(), |unsafety| unsafety.span());
            publish(&item.vis, start, &mut edits);
            (
                ItemKind::Trait {
                    methods: methods_of(item),
                },
                name(&item.ident),
            )
        }
        syn::Item::TraitAlias(item) => (ItemKind::Plain, name(&item.ident)),
        syn::Item::Static(item) => {
            publish(&item.vis, item.static_token.span(), &mut edits);
            let start = item.static_token.span().byte_range().start;
            let visibility = match &item.vis {
                Visibility::Inherited => start..start,
                other => other.span().byte_range(),
            };
            let kind = ItemKind::Static {
                declaration: start..item.ty.span().byte_range().end,
                start: visibility.start,
                visibility,
                mutable: matches!(item.mutability, syn::StaticMutability::Mut(_)),
            };
            (kind, name(&item.ident))
        }
        syn::Item::Impl(item) => (ItemKind::Impl(of_impl(item, &mut edits)), Vec::new()),
        syn::Item::Use(item) => {
            let (uses, names) = of_use(item);
            (ItemKind::Use(uses), names)
        }
        syn::Item::ExternCrate(item) => {
            let name = item
                .rename
                .as_ref()
                .map_or(&item.ident, |(_, rename)| rename);
            let path = match &item.rename {
                Some((_, rename)) => format!("::{} as {rename}", item.ident),
                None => format!("::{}", item.ident),
            };
            let leaf = Use {
                path,
                name: Some(name.to_string()),
                root: item.ident.to_string(),
            };
            (ItemKind::Use(vec![leaf]), vec![plain_name(name)])
        }
        syn::Item::Macro(item) => match &item.ident {
            Some(ident) => {
                if !item
                    .attrs
                    .iter()
                    .any(|attribute| attribute.path().is_ident("macro_export"))
                {
                    let start = item.mac.path.span().byte_range().start;
                    edits.push(Edit::before(start, "#[macro_export] "));
                }
                (
                    ItemKind::Macro,
                    vec![ItemName {
                        text: bare(ident),
                        is_macro: true,
                    }],
                )
            }
            None => (ItemKind::MacroCall, Vec::new()),
        },
        syn::Item::ForeignMod(item) => {
            let names = item
                .items
                .iter()
                .filter_map(|item| publish_foreign(item, &mut edits))
                .collect();
            (ItemKind::Plain, names)
        }
        _ => (ItemKind::Plain, Vec::new()),
    };
    let mentions = Mentions::of(item.to_token_stream());
    let is_main = matches!(item, syn::Item::Fn(function)
        if function.sig.ident == "main" && function.sig.inputs.is_empty() && function.sig.asyncness.is_none());
    (
        Item {
            range: item.span().byte_range(),
            kind,
            names,
            mentions,
            is_main,
        },
        edits,
    )
}

fn bare(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_string()
}

fn plain_name(ident: &syn::Ident) -> ItemName {
    ItemName {
        text: bare(ident),
        is_macro: false,
    }
}

/// Makes an item visible to later cells.
fn publish(visibility: &Visibility, start: proc_macro2::Span, edits: &mut Vec<Edit>) {
    match visibility {
        Visibility::Public(_) => {}
        Visibility::Restricted(restricted) => {
            edits.push(Edit::replace(restricted.span().byte_range(), "pub"))
        }
        Visibility::Inherited => edits.push(Edit::before(start.byte_range().start, "pub ")),
    }
}

fn publish_fields(fields: &Fields, edits: &mut Vec<Edit>) {
    fields.iter().for_each(|field| publish_field(field, edits));
}

fn publish_field(field: &syn::Field, edits: &mut Vec<Edit>) {
    let start = field.ident.as_ref().map_or(field.ty.span(), Spanned::span);
    publish(&field.vis, start, edits);
}

fn publish_foreign(item: &syn::ForeignItem, edits: &mut Vec<Edit>) -> Option<ItemName> {
    match item {
        syn::ForeignItem::Fn(item) => {
            publish(&item.vis, item.sig.span(), edits);
            Some(plain_name(&item.sig.ident))
        }
        syn::ForeignItem::Static(item) => {
            publish(&item.vis, item.static_token.span(), edits);
            Some(plain_name(&item.ident))
        }
        _ => None,
    }
}

fn methods_of(item: &syn::ItemTrait) -> Vec<String> {
    item.items
        .iter()
        .filter_map(|member| match member {
            syn::TraitItem::Fn(function) => Some(bare(&function.sig.ident)),
            syn::TraitItem::Const(constant) => Some(bare(&constant.ident)),
            syn::TraitItem::Type(associated) => Some(bare(&associated.ident)),
            _ => None,
        })
        .collect()
}

fn of_impl(item: &syn::ItemImpl, edits: &mut Vec<Edit>) -> Impl {
    let of_trait = item
        .trait_
        .as_ref()
        .and_then(|(_, path, _)| path.segments.last())
        .map(|last| bare(&last.ident));
    let mut header = item.generics.to_token_stream();
    if let Some((not, path, _)) = &item.trait_ {
        not.to_tokens(&mut header);
        path.to_tokens(&mut header);
    }
    item.self_ty.to_tokens(&mut header);
    let others = idents_in_order(header.clone());
    let mut members = Vec::new();
    for member in &item.items {
        let (visibility, start, name) = match member {
            syn::ImplItem::Fn(function) => {
                let start = function
                    .defaultness
                    .map_or(function.sig.span(), |default| default.span());
                (&function.vis, start, bare(&function.sig.ident))
            }
            syn::ImplItem::Const(constant) => (
                &constant.vis,
                constant.const_token.span(),
                bare(&constant.ident),
            ),
            syn::ImplItem::Type(associated) => (
                &associated.vis,
                associated.type_token.span(),
                bare(&associated.ident),
            ),
            _ => continue,
        };
        // Methods of a trait are as visible as the trait.
        if of_trait.is_none() {
            publish(visibility, start, edits);
        }
        members.push((name, member.span().byte_range()));
    }
    Impl {
        header: header.to_string(),
        self_type: type_name(&item.self_ty),
        of_trait,
        others,
        members,
    }
}

/// The last name in the path of a type, through references, boxes of brackets and the like.
fn type_name(ty: &syn::Type) -> Option<String> {
    match ty {
        syn::Type::Path(path) => path.path.segments.last().map(|last| bare(&last.ident)),
        syn::Type::Reference(reference) => type_name(&reference.elem),
        syn::Type::Paren(paren) => type_name(&paren.elem),
        syn::Type::Group(group) => type_name(&group.elem),
        syn::Type::TraitObject(object) => object.bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => {
                bound.path.segments.last().map(|last| bare(&last.ident))
            }
            _ => None,
        }),
        _ => None,
    }
}

fn idents_in_order(tokens: TokenStream) -> Vec<String> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => found.push(bare(&ident)),
            TokenTree::Group(group) => found.extend(idents_in_order(group.stream())),
            _ => {}
        }
    }
    found
}

fn of_use(item: &syn::ItemUse) -> (Vec<Use>, Vec<ItemName>) {
    let mut uses = Vec::new();
    let prefix = if item.leading_colon.is_some() {
        "::"
    } else {
        ""
    };
    leaves(&item.tree, prefix, None, &mut uses);
    let names = uses
        .iter()
        .filter_map(|leaf| leaf.name.clone())
        .map(|text| ItemName {
            text,
            is_macro: false,
        })
        .collect();
    (uses, names)
}

fn leaves(tree: &UseTree, prefix: &str, root: Option<&str>, found: &mut Vec<Use>) {
    let first = |ident: &syn::Ident| root.map_or_else(|| bare(ident), str::to_string);
    match tree {
        UseTree::Path(path) => {
            let prefix = format!("{prefix}{}::", path.ident);
            leaves(&path.tree, &prefix, Some(&first(&path.ident)), found);
        }
        UseTree::Name(name) if name.ident == "self" => {
            let path = prefix.trim_end_matches("::").to_string();
            let name = path.rsplit("::").next().map(str::to_string);
            found.push(Use {
                path,
                name,
                root: root.unwrap_or_default().to_string(),
            });
        }
        UseTree::Name(name) => {
            let path = format!("{prefix}{}", name.ident);
            found.push(Use {
                path,
                name: Some(bare(&name.ident)),
                root: first(&name.ident),
            });
        }
        UseTree::Rename(rename) => {
            let from = if rename.ident == "self" {
                prefix.trim_end_matches("::").to_string()
            } else {
                format!("{prefix}{}", rename.ident)
            };
            let name = (rename.rename != "_").then(|| bare(&rename.rename));
            found.push(Use {
                path: format!("{from} as {}", rename.rename),
                name,
                root: first(&rename.ident),
            });
        }
        UseTree::Glob(_) => found.push(Use {
            path: format!("{prefix}*"),
            name: None,
            root: root.unwrap_or_default().to_string(),
        }),
        UseTree::Group(group) => group
            .items
            .iter()
            .for_each(|tree| leaves(tree, prefix, root, found)),
    }
}

/// `thread_local! { static NAME: Type = ...; }` defines the statics in it.
fn thread_local(call: &syn::StmtMacro, text: &str) -> (Item, Vec<Edit>) {
    let mut edits = Vec::new();
    let mut names = Vec::new();
    let mut public = false;
    let mut tokens = call.mac.tokens.clone().into_iter().peekable();
    let mut lifetime = false;
    while let Some(token) = tokens.next() {
        let after_quote = std::mem::replace(
            &mut lifetime,
            matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '\''),
        );
        let TokenTree::Ident(word) = token else {
            continue;
        };
        if after_quote {
            continue;
        }
        if word == "pub" {
            public = true;
        } else if word == "static" {
            if !public {
                edits.push(Edit::before(word.span().byte_range().start, "pub "));
            }
            public = false;
            if let Some(TokenTree::Ident(name)) = tokens.peek() {
                names.push(plain_name(name));
            }
        }
    }
    let mut range = call.span().byte_range();
    if matches!(call.mac.delimiter, syn::MacroDelimiter::Brace(_)) {
        // A semicolon after the brace is fine among statements, and a mistake among items.
        range.end = call.mac.span().byte_range().end;
    } else if !text[range.clone()].ends_with(';') {
        edits.push(Edit::after(range.end, ";"));
    }
    let mentions = Mentions::of(call.to_token_stream());
    (
        Item {
            range,
            kind: ItemKind::MacroCall,
            names,
            mentions,
            is_main: false,
        },
        edits,
    )
}

#[cfg(test)]
mod tests {
    use crate::parse::parse;
    use crate::source::{CellText, Source};

    fn published(text: &str) -> String {
        let cell = CellText::new("1", text);
        let parsed = parse(&cell).unwrap();
        let mut source = Source::default();
        for item in &parsed.items {
            source.theirs(&cell, item.range.clone(), &parsed.edits);
            source.ours("\n");
        }
        source.text.trim_end().to_string()
    }

    #[test]
    fn everything_becomes_public() {
        let cases = [
            (
                "#[derive(Debug)] struct P { x: i32, pub(crate) y: i32 }",
                "#[derive(Debug)] pub struct P { pub x: i32, pub y: i32 }",
            ),
            ("struct T(i32, pub f32);", "pub struct T(pub i32, pub f32);"),
            (
                "enum E { A { x: i32 }, B(i32) }",
                "pub enum E { A { x: i32 }, B(i32) }",
            ),
            ("unsafe trait U {}", "pub unsafe trait U {}"),
            ("async unsafe fn f() {}", "pub async unsafe fn f() {}"),
            (
                "impl P { fn f(&self) {} const N: i32 = 1; }",
                "impl P { pub fn f(&self) {} pub const N: i32 = 1; }",
            ),
            (
                "impl Clone for P { fn clone(&self) -> P { *self } }",
                "impl Clone for P { fn clone(&self) -> P { *self } }",
            ),
            ("mod m { fn hidden() {} }", "pub mod m { fn hidden() {} }"),
            (
                "macro_rules! m { () => {} }",
                "#[macro_export] macro_rules! m { () => {} }",
            ),
            (
                "thread_local! { static A: i32 = 1; }",
                "thread_local! { pub static A: i32 = 1; }",
            ),
            (
                "/// Doc\nconst ÄÖ: i32 = 1;",
                "/// Doc\npub const ÄÖ: i32 = 1;",
            ),
        ];
        for (before, after) in cases {
            assert_eq!(published(before), after);
        }
    }

    #[test]
    fn use_trees_become_leaves() {
        let cell = CellText::new(
            "1",
            "use std::{fmt::{self, Write as _}, collections::*, io::Read as R};",
        );
        let parsed = parse(&cell).unwrap();
        let super::ItemKind::Use(uses) = &parsed.items[0].kind else {
            panic!()
        };
        let leaves: Vec<_> = uses
            .iter()
            .map(|leaf| (leaf.path.as_str(), leaf.name.as_deref()))
            .collect();
        let expected = [
            ("std::fmt", Some("fmt")),
            ("std::fmt::Write as _", None),
            ("std::collections::*", None),
            ("std::io::Read as R", Some("R")),
        ];
        assert_eq!(leaves, expected);
        assert!(uses.iter().all(|leaf| leaf.root == "std"));
    }
}
