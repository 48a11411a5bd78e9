//! One declaration of a crate as an entry of the index: its text, its documentation, what it gives.

use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Lit, Meta, Visibility};

use super::index::{Item, Kind, Target, Type};
use super::read::{Reader, join};
use super::show::{self, one_line};

/// How much of a foreign item's documentation is kept, in bytes: its first paragraphs.
const FOREIGN_DOCS: usize = 1200;

impl Reader {
    pub(super) fn method(&self, signature: &syn::Signature, attributes: &[Attribute]) -> Item {
        let kind = match signature.receiver() {
            Some(_) => Kind::Method,
            None => Kind::Associated,
        };
        self.function(signature, attributes, kind)
    }

    pub(super) fn function(
        &self,
        signature: &syn::Signature,
        attributes: &[Attribute],
        kind: Kind,
    ) -> Item {
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

    pub(super) fn value(
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

    pub(super) fn fields(&self, fields: &syn::Fields, all: bool) -> Vec<Item> {
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

    pub(super) fn plain(
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

    pub(super) fn docs(&self, attributes: &[Attribute]) -> String {
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

    pub(super) fn add(&mut self, module: &str, item: Item) {
        let mut name = item.name.clone();
        if item.kind == Kind::Macro {
            name.push('!');
        }
        let path = join(module, &name);
        self.refer(module, &item.name, Target::Item(path.clone()));
        self.index.items.insert(path, item);
    }

    pub(super) fn add_type(
        &mut self,
        module: &str,
        item: Item,
        generics: &syn::Generics,
        members: Vec<Item>,
    ) {
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

    pub(super) fn refer(&mut self, module: &str, name: &str, target: Target) {
        let module = self.index.modules.entry(module.to_owned()).or_default();
        let targets = module.names.entry(name.to_owned()).or_default();
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
}
