//! Items of a cell: what they define, what they mention, and the changes that let later cells use them.
//!
//! A cell is compiled as a library, so that the next one can link against it. For that everything it
//! defines becomes `pub`: items, fields and inherent methods; macros become `#[macro_export]`. What is
//! private inside the learner's own `mod` stays private.

use std::collections::BTreeSet;
use std::ops::Range;

use proc_macro2::{Delimiter, TokenStream, TokenTree};
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
    /// For a type: its definition without what makes no difference to it.
    pub definition: Option<String>,
    /// For a type or trait: the names that what it looks like may depend on.
    pub parts: Option<BTreeSet<String>>,
}

impl Item {
    /// The names that a type which mentions this item may depend on through it.
    pub fn parts(&self) -> &BTreeSet<String> {
        self.parts.as_ref().unwrap_or(&self.mentions.names)
    }
}

/// A name and what it stands for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemName {
    /// The name, without `r#`.
    pub text: String,
    /// Where it is looked for.
    pub spaces: Spaces,
}

/// The namespaces that a name stands in: a function and a module may have one name and are two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Spaces {
    /// Types, traits and modules.
    Types,
    /// Functions, constants and statics.
    Values,
    /// Both: a struct that is called like a function, an import.
    TypesAndValues,
    /// Macros, called with `!`.
    Macros,
}

impl ItemName {
    /// Whether one of two items with these names hides the other.
    pub fn is_like(&self, other: &Self) -> bool {
        use Spaces::{Macros, TypesAndValues};
        let meet = match (self.spaces, other.spaces) {
            (one, another) if one == another => true,
            (Macros, _) | (_, Macros) => false,
            (TypesAndValues, _) | (_, TypesAndValues) => true,
            _ => false,
        };
        meet && self.text == other.text
    }

    /// Whether a variable of this name cannot be seen beside it.
    pub fn is_value(&self) -> bool {
        matches!(self.spaces, Spaces::Values | Spaces::TypesAndValues)
    }
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
    /// Its associated types and constants: what types look like may depend on them.
    pub shapes: Vec<Shape>,
}

/// An associated type or constant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Its name.
    pub name: String,
    /// The whole of it, without spaces and comments.
    pub text: String,
    /// The names in it.
    pub mentions: BTreeSet<String>,
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
    /// Whether it is an `extern crate`.
    pub external: bool,
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
    let name = |ident: &syn::Ident, spaces| vec![named(ident, spaces)];
    let (kind, names) = match item {
        syn::Item::Fn(item) => {
            publish(&item.vis, item.sig.span(), &mut edits);
            (ItemKind::Plain, name(&item.sig.ident, Spaces::Values))
        }
        syn::Item::Const(item) => {
            publish(&item.vis, item.const_token.span(), &mut edits);
            let names = if item.ident == "_" {
                Vec::new()
            } else {
                name(&item.ident, Spaces::Values)
            };
            (ItemKind::Plain, names)
        }
        syn::Item::Type(item) => {
            publish(&item.vis, item.type_token.span(), &mut edits);
            (ItemKind::Plain, name(&item.ident, Spaces::Types))
        }
        syn::Item::Mod(item) => {
            let start = item
                .unsafety
                .map_or(item.mod_token.span(), |word| word.span);
            publish(&item.vis, start, &mut edits);
            let mut names = name(&item.ident, Spaces::Types);
            exported_macros(item, &mut names);
            (ItemKind::Plain, names)
        }
        syn::Item::Struct(item) => {
            publish(&item.vis, item.struct_token.span(), &mut edits);
            publish_fields(&item.fields, &mut edits);
            let spaces = match item.fields {
                Fields::Named(_) => Spaces::Types,
                Fields::Unnamed(_) | Fields::Unit => Spaces::TypesAndValues,
            };
            (ItemKind::Type, name(&item.ident, spaces))
        }
        syn::Item::Enum(item) => {
            publish(&item.vis, item.enum_token.span(), &mut edits);
            (ItemKind::Type, name(&item.ident, Spaces::Types))
        }
        syn::Item::Union(item) => {
            publish(&item.vis, item.union_token.span(), &mut edits);
            item.fields
                .named
                .iter()
                .for_each(|field| publish_field(field, &mut edits));
            (ItemKind::Type, name(&item.ident, Spaces::Types))
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
                name(&item.ident, Spaces::Types),
            )
        }
        syn::Item::TraitAlias(item) => (ItemKind::Plain, name(&item.ident, Spaces::Types)),
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
            (kind, name(&item.ident, Spaces::Values))
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
                external: true,
            };
            let name = named(name, Spaces::Types);
            (ItemKind::Use(vec![leaf]), vec![name])
        }
        syn::Item::Macro(item) => match &item.ident {
            Some(ident) => {
                if !is_exported(item) {
                    let start = item.mac.path.span().byte_range().start;
                    edits.push(Edit::before(start, "#[macro_export] "));
                }
                (ItemKind::Macro, name(ident, Spaces::Macros))
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
            definition: matches!(
                item,
                syn::Item::Struct(_) | syn::Item::Enum(_) | syn::Item::Union(_)
            )
            .then(|| definition(item.to_token_stream())),
            parts: parts_of(item),
        },
        edits,
    )
}

/// The names in the bounds of a type or trait, the types of its fields, its numbers, and its associated types. Names of
/// fields, attributes and the bodies of methods say nothing about what it looks like.
fn parts_of(item: &syn::Item) -> Option<BTreeSet<String>> {
    let mut tokens = TokenStream::new();
    let generics = match item {
        syn::Item::Struct(item) => {
            item.fields
                .iter()
                .for_each(|field| field.ty.to_tokens(&mut tokens));
            &item.generics
        }
        syn::Item::Enum(item) => {
            for variant in &item.variants {
                variant
                    .fields
                    .iter()
                    .for_each(|field| field.ty.to_tokens(&mut tokens));
                if let Some((_, number)) = &variant.discriminant {
                    number.to_tokens(&mut tokens);
                }
            }
            &item.generics
        }
        syn::Item::Union(item) => {
            item.fields
                .named
                .iter()
                .for_each(|field| field.ty.to_tokens(&mut tokens));
            &item.generics
        }
        syn::Item::Trait(item) => {
            item.supertraits.to_tokens(&mut tokens);
            let shapes = |member: &&syn::TraitItem| !matches!(member, syn::TraitItem::Fn(_));
            item.items
                .iter()
                .filter(shapes)
                .for_each(|member| member.to_tokens(&mut tokens));
            &item.generics
        }
        _ => return None,
    };
    generics.to_tokens(&mut tokens);
    generics.where_clause.to_tokens(&mut tokens);
    Some(Mentions::of(tokens).names)
}

/// A type's definition without spaces, comments, documentation, and a comma behind its last field.
fn definition(tokens: TokenStream) -> String {
    let mut words = Vec::new();
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let is_sign =
            |sign: char| matches!(&token, TokenTree::Punct(punct) if punct.as_char() == sign);
        let documents = |next: &TokenTree| {
            let TokenTree::Group(group) = next else {
                return false;
            };
            matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(word)) if word == "doc")
        };
        if is_sign('#') && tokens.next_if(documents).is_some() {
            continue;
        }
        match token {
            TokenTree::Group(group) => {
                let inside = definition(group.stream());
                let (open, close) = match group.delimiter() {
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::None => ("", ""),
                };
                // In round brackets it would make a tuple of what is inside.
                let inside = match group.delimiter() {
                    Delimiter::Brace => inside.strip_suffix(" ,").unwrap_or(&inside),
                    _ => &inside,
                };
                words.push(format!("{open}{inside}{close}"));
            }
            token => words.push(token.to_string()),
        }
    }
    words.join(" ")
}

fn bare(ident: &syn::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_string()
}

fn named(ident: &syn::Ident, spaces: Spaces) -> ItemName {
    ItemName {
        text: bare(ident),
        spaces,
    }
}

fn is_exported(item: &syn::ItemMacro) -> bool {
    let mut attributes = item.attrs.iter();
    attributes.any(|attribute| attribute.path().is_ident("macro_export"))
}

/// The macros that a module exports: wherever they stand, they are called without its name.
fn exported_macros(module: &syn::ItemMod, names: &mut Vec<ItemName>) {
    for item in module.content.iter().flat_map(|(_, items)| items) {
        match item {
            syn::Item::Macro(item) if is_exported(item) => {
                names.extend(item.ident.iter().map(|ident| named(ident, Spaces::Macros)));
            }
            syn::Item::Mod(inner) => exported_macros(inner, names),
            _ => {}
        }
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
            Some(named(&item.sig.ident, Spaces::Values))
        }
        syn::ForeignItem::Static(item) => {
            publish(&item.vis, item.static_token.span(), edits);
            Some(named(&item.ident, Spaces::Values))
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
    let mut shapes = Vec::new();
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
        if !matches!(member, syn::ImplItem::Fn(_)) {
            let tokens = member.to_token_stream();
            shapes.push(Shape {
                name: name.clone(),
                text: tokens.to_string(),
                mentions: Mentions::of(tokens).names,
            });
        }
        members.push((name, member.span().byte_range()));
    }
    Impl {
        header: header.to_string(),
        self_type: type_name(&item.self_ty),
        of_trait,
        others,
        members,
        shapes,
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
            spaces: Spaces::TypesAndValues,
        })
        .collect();
    (uses, names)
}

fn leaves(tree: &UseTree, prefix: &str, root: Option<&str>, found: &mut Vec<Use>) {
    let first = |ident: &syn::Ident| root.map_or_else(|| bare(ident), str::to_string);
    match tree {
        UseTree::Path(path) => {
            let prefix = format!("{prefix}{}::", path.ident);
            // Items of all cells stand at the top of a crate: these words only say so.
            let says_where = root.is_none() && (path.ident == "self" || path.ident == "crate");
            let root = (!says_where).then(|| first(&path.ident));
            leaves(&path.tree, &prefix, root.as_deref(), found);
        }
        UseTree::Name(name) if name.ident == "self" => {
            let path = prefix.trim_end_matches("::").to_string();
            let name = path.rsplit("::").next().map(str::to_string);
            found.push(Use {
                path,
                name,
                root: root.unwrap_or_default().to_string(),
                external: false,
            });
        }
        UseTree::Name(name) => {
            let path = format!("{prefix}{}", name.ident);
            found.push(Use {
                path,
                name: Some(bare(&name.ident)),
                root: first(&name.ident),
                external: false,
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
                external: false,
            });
        }
        UseTree::Glob(_) => found.push(Use {
            path: format!("{prefix}*"),
            name: None,
            root: root.unwrap_or_default().to_string(),
            external: false,
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
                names.push(named(name, Spaces::Values));
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
            definition: None,
            parts: None,
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
    fn a_definition_is_what_counts() {
        let definition = |text: &str| {
            let parsed = parse(&CellText::new("1", text)).unwrap();
            parsed.items[0].definition.clone().unwrap()
        };
        let plain = definition("#[derive(Debug)] struct P { x: Vec<(u8,)>, y: u8 }");
        let long =
            "/// A point.\n#[derive(Debug)]\nstruct P {\n    x: Vec<(u8,)>, // left\n    y: u8,\n}";
        assert_eq!(definition(long), plain);
        for other in [
            "struct P { x: Vec<(u8,)>, y: u8 }",
            "#[derive(Debug)] struct P { x: Vec<(u8)>, y: u8 }",
            "#[derive(Debug)] struct P { y: u8, x: Vec<(u8,)> }",
        ] {
            assert_ne!(definition(other), plain);
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
