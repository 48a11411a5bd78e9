//! The type of an expression, as far as declarations tell it: enough to offer members at the first keystroke.
//!
//! No compiler: references are left out, and a type parameter is what the receiver's argument says. What cannot
//! be told is `None`, and rust-analyzer has the last word.

use std::collections::BTreeMap;

use quote::ToTokens;
use syn::{Expr, Lit, Member};

use super::index::{Index, Item, Kind, Type};
use super::show::one_line;
use super::ty::Ty;

/// How deep expressions are followed.
const DEPTH: usize = 40;

/// Everything that a name in a cell may mean.
pub(super) struct Scope<'a> {
    /// Types and items, the notebook's before the crates'.
    pub(super) indexes: [&'a Index; 2],
    /// Variables with their types: the cell's own, then those of earlier cells.
    pub(super) variables: BTreeMap<String, Ty>,
}

impl<'a> Scope<'a> {
    /// What a `for` over a value gives each time.
    pub(super) fn item_of(&self, of_type: &Ty) -> Option<Ty> {
        match of_type.name.as_str() {
            "Range" | "RangeInclusive" | "Vec" | "[]" | "Iterator" | "Option" | "HashSet"
            | "BTreeSet" | "VecDeque" | "Iter" | "IntoIter" => of_type.arguments.last().cloned(),
            "HashMap" | "BTreeMap" => Some(Ty {
                arguments: of_type.arguments.clone(),
                ..Ty::named("()")
            }),
            _ => None,
        }
    }

    /// The type behind a name, with members.
    pub(super) fn definition(&self, of_type: &Ty) -> Option<&'a Type> {
        let krate = Some(of_type.krate.as_str()).filter(|krate| !krate.is_empty());
        self.indexes
            .iter()
            .find_map(|index| index.type_named(&of_type.name, krate))
    }

    /// The type itself and what it dereferences to, nearest first.
    pub(super) fn dereferenced(&self, of_type: &Ty) -> Vec<Ty> {
        let mut chain = vec![of_type.clone()];
        while let Some(last) = chain.last().filter(|_| chain.len() < 8) {
            let next = match last.name.as_str() {
                "Vec" => last
                    .arguments
                    .first()
                    .map(|item| Ty::of("[]", item.clone())),
                "String" => Some(Ty::named("str")),
                "PathBuf" => Some(Ty::named("Path")),
                "Box" | "Rc" | "Arc" | "Ref" | "RefMut" | "MutexGuard" | "Cow" => {
                    last.arguments.last().cloned()
                }
                _ => self
                    .definition(last)
                    .filter(|found| found.item.kind == Kind::Alias)
                    .and_then(|alias| Ty::parse(&alias.item.gives, &alias.item.krate)),
            };
            match next {
                Some(next) => chain.push(next),
                None => break,
            }
        }
        chain
    }

    /// Everything that can stand behind the dot of a value: each member with the type it belongs to.
    pub(super) fn members(&self, of_type: &Ty) -> Vec<(&'a Item, Ty)> {
        let mut found = Vec::new();
        for own in self.dereferenced(of_type) {
            let Some(definition) = self.definition(&own) else {
                continue;
            };
            found.extend(
                definition
                    .members
                    .iter()
                    .map(|member| (member, own.clone())),
            );
            for name in self.traits_of(definition) {
                for of_trait in self.traits_named(&name) {
                    found.extend(of_trait.members.iter().map(|member| (member, own.clone())));
                }
            }
        }
        found
    }

    /// The traits of a type, those that others bring along included.
    fn traits_of(&self, definition: &Type) -> Vec<String> {
        let mut names: Vec<String> = definition.traits.clone();
        // `Iterator` as a type is what `impl Iterator` says.
        if definition.item.kind == Kind::Trait {
            names.push(definition.item.name.clone());
        }
        let mut at = 0;
        while at < names.len() && names.len() < 64 {
            let name = names[at].clone();
            let blankets = self.indexes.iter().flat_map(|index| &index.blankets);
            let more: Vec<String> = blankets
                .filter(|(bound, _)| *bound == name)
                .map(|(_, of_trait)| of_trait.clone())
                .chain(
                    self.traits_named(&name)
                        .flat_map(|of_trait| of_trait.traits.clone()),
                )
                .filter(|more| !names.contains(more))
                .collect();
            names.extend(more);
            at += 1;
        }
        // Operators and conversions are not called by name.
        names.retain(|name| {
            !matches!(
                name.as_str(),
                "Drop" | "Deref" | "DerefMut" | "Fn" | "FnMut" | "FnOnce"
            )
        });
        names
    }

    fn traits_named(&self, name: &str) -> impl Iterator<Item = &'a Type> + use<'a> {
        let name = name.to_owned();
        self.indexes
            .into_iter()
            .filter_map(move |index| index.type_named(&name, None))
            .filter(|found| found.item.kind == Kind::Trait)
    }

    /// The type of an expression written in the cell.
    pub(super) fn of_text(&self, text: &str) -> Option<Ty> {
        self.of(&syn::parse_str(text).ok()?, 0)
    }

    pub(super) fn of(&self, expr: &Expr, depth: usize) -> Option<Ty> {
        if depth > DEPTH {
            return None;
        }
        let inner = |expr: &Expr| self.of(expr, depth + 1);
        match expr {
            Expr::Paren(inside) => inner(&inside.expr),
            Expr::Reference(inside) => inner(&inside.expr),
            Expr::Group(inside) => inner(&inside.expr),
            Expr::Unary(inside) => inner(&inside.expr),
            Expr::Lit(literal) => of_literal(&literal.lit),
            Expr::Path(path) => self.of_path(path),
            Expr::Call(call) => self.of_call(call),
            Expr::MethodCall(call) => {
                let receiver = inner(&call.receiver)?;
                if let Some(turbofish) = &call.turbofish
                    && call.method == "collect"
                    && let Some(syn::GenericArgument::Type(of_type)) = turbofish.args.first()
                {
                    return Ty::from_syn(of_type, "");
                }
                self.of_member(&receiver, &call.method.to_string(), false)
            }
            Expr::Field(field) => {
                let receiver = inner(&field.base)?;
                match &field.member {
                    Member::Named(name) => self.of_member(&receiver, &name.to_string(), true),
                    Member::Unnamed(index) if receiver.name == "()" => {
                        receiver.arguments.get(index.index as usize).cloned()
                    }
                    Member::Unnamed(index) => {
                        self.of_member(&receiver, &index.index.to_string(), true)
                    }
                }
            }
            Expr::Index(index) => {
                let indexed = inner(&index.expr)?;
                if matches!(index.index.as_ref(), Expr::Range(_)) {
                    return Some(indexed);
                }
                match indexed.name.as_str() {
                    "HashMap" | "BTreeMap" => indexed.arguments.get(1).cloned(),
                    _ => indexed.arguments.first().cloned(),
                }
            }
            Expr::Try(inside) => inner(&inside.expr)?.arguments.into_iter().next(),
            Expr::Array(array) => Some(Ty::of("[]", inner(array.elems.first()?)?)),
            Expr::Repeat(array) => Some(Ty::of("[]", inner(&array.expr)?)),
            Expr::Tuple(tuple) => Some(Ty {
                arguments: tuple.elems.iter().map(inner).collect::<Option<_>>()?,
                ..Ty::named("()")
            }),
            Expr::Cast(cast) => Ty::from_syn(&cast.ty, ""),
            Expr::Struct(literal) => {
                Some(Ty::named(&literal.path.segments.last()?.ident.to_string()))
            }
            Expr::Range(range) => {
                let end = range.start.as_ref().or(range.end.as_ref())?;
                Some(Ty::of("Range", inner(end)?))
            }
            Expr::Binary(binary) => {
                use syn::BinOp::{And, Eq, Ge, Gt, Le, Lt, Ne, Or};
                match binary.op {
                    And(_) | Or(_) | Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_) => {
                        Some(Ty::named("bool"))
                    }
                    _ => {
                        let left = inner(&binary.left)?;
                        // A number times a tensor is a tensor.
                        match inner(&binary.right) {
                            Some(right) if is_number(&left.name) && !is_number(&right.name) => {
                                Some(right)
                            }
                            _ => Some(left),
                        }
                    }
                }
            }
            Expr::Macro(call) => self.of_macro(&call.mac, depth),
            Expr::If(branch) => match branch.then_branch.stmts.last() {
                Some(syn::Stmt::Expr(last, None)) => inner(last),
                _ => None,
            },
            Expr::Block(block) => match block.block.stmts.last() {
                Some(syn::Stmt::Expr(last, None)) => inner(last),
                _ => None,
            },
            _ => None,
        }
    }

    fn of_path(&self, path: &syn::ExprPath) -> Option<Ty> {
        if let Some(name) = path.path.get_ident() {
            let name = name.to_string();
            if let Some(known) = self.variables.get(&name) {
                return Some(known.clone());
            }
        }
        let names: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        let text = names.join("::");
        match self.item(&text) {
            Some(item) if !item.gives.is_empty() => Ty::parse(&item.gives, &item.krate),
            // A unit struct, or a variant.
            _ => {
                let own = names.last()?;
                let of_type = names.len().checked_sub(2).and_then(|at| names.get(at));
                match of_type {
                    Some(of_type) => self.of_member(&Ty::named(of_type), own, true),
                    None => self
                        .definition(&Ty::named(own))
                        .map(|found| Ty::named(&found.item.name)),
                }
            }
        }
    }

    /// A function, constant or macro by the path it has in a cell.
    pub(super) fn item(&self, path: &str) -> Option<&'a Item> {
        let [notebook, crates] = self.indexes;
        if let Some(item) = notebook.items.get(path) {
            return Some(item);
        }
        crates
            .resolve(path)
            .into_iter()
            .find_map(|target| match target {
                super::index::Target::Item(path) => crates.items.get(&path),
                super::index::Target::Module(_) => None,
            })
    }

    fn of_call(&self, call: &syn::ExprCall) -> Option<Ty> {
        let Expr::Path(path) = call.func.as_ref() else {
            return None;
        };
        let names: Vec<String> = path
            .path
            .segments
            .iter()
            .map(|part| part.ident.to_string())
            .collect();
        match (names.as_slice(), call.args.first()) {
            ([name], Some(inside)) if matches!(name.as_str(), "Some" | "Ok") => {
                let name = if name == "Some" { "Option" } else { "Result" };
                return Some(Ty::of(name, self.of(inside, 1)?));
            }
            _ => {}
        }
        if let Some(item) = self.item(&names.join("::")) {
            return Ty::parse(&item.gives, &item.krate);
        }
        // `Type::function(..)`, `Tuple(..)`.
        let (own, path) = names.split_last()?;
        match path.last() {
            Some(of_type) => {
                let mut receiver = Ty::named(of_type);
                if let Some(krate) = path.first().filter(|_| path.len() > 1) {
                    receiver.krate = krate.clone();
                }
                // `Vec::from([1.0])`, `Box::new(x)`, `Rc::new(x)`.
                if let (true, Some(inside)) = (own == "new" || own == "from", call.args.first())
                    && let Some(definition) = self.definition(&receiver)
                    && definition.parameters.len() == 1
                    && let Some(inside) = self.of(inside, 1)
                {
                    receiver.arguments = if inside.name == "[]" {
                        inside.arguments
                    } else {
                        vec![inside]
                    };
                }
                self.of_member(&receiver, own, true)
            }
            None => self
                .definition(&Ty::named(own))
                .map(|found| Ty::named(&found.item.name)),
        }
    }

    fn of_macro(&self, call: &syn::Macro, depth: usize) -> Option<Ty> {
        let name = call.path.segments.last()?.ident.to_string();
        match name.as_str() {
            "format" => Some(Ty::named("String")),
            "vec" => {
                let text = one_line(&call.tokens.to_token_stream().to_string());
                let first = text.split([',', ';']).next()?;
                let item = syn::parse_str(first)
                    .ok()
                    .and_then(|first| self.of(&first, depth + 1));
                Some(Ty {
                    arguments: item.into_iter().collect(),
                    ..Ty::named("Vec")
                })
            }
            _ => None,
        }
    }

    /// What a member gives; `field` when it is not called.
    fn of_member(&self, receiver: &Ty, name: &str, field: bool) -> Option<Ty> {
        if let Some(known) = shortcut(receiver, name) {
            return Some(known);
        }
        let (member, own) = self
            .members(receiver)
            .into_iter()
            .find(|(member, _)| member.name == name && (field || member.kind != Kind::Field))?;
        let definition = self.definition(&own)?;
        let krate = if member.krate.is_empty() {
            &definition.item.krate
        } else {
            &member.krate
        };
        let mut parameters: BTreeMap<String, Ty> = definition
            .parameters
            .iter()
            .cloned()
            .zip(own.arguments.iter().cloned())
            .collect();
        parameters.insert("Self".into(), own.clone());
        Some(Ty::parse(&member.gives, krate)?.with(&parameters))
    }
}

/// Where declarations say too little: what generic methods of the standard library give.
fn shortcut(receiver: &Ty, name: &str) -> Option<Ty> {
    let first = receiver.arguments.first();
    Some(match (receiver.name.as_str(), name) {
        (
            "Vec" | "[]" | "HashSet" | "BTreeSet" | "VecDeque" | "Option",
            "iter" | "iter_mut" | "into_iter" | "drain",
        ) => Ty::of("Iterator", first?.clone()),
        ("Range" | "RangeInclusive", "rev" | "step_by" | "into_iter") => {
            Ty::of("Iterator", first?.clone())
        }
        (
            "Iterator",
            "rev" | "skip" | "take" | "step_by" | "filter" | "inspect" | "cloned" | "copied"
            | "chain" | "by_ref",
        ) => receiver.clone(),
        ("Iterator", "enumerate") => Ty::of(
            "Iterator",
            Ty {
                arguments: vec![Ty::named("usize"), first?.clone()],
                ..Ty::named("()")
            },
        ),
        ("Iterator", "next" | "last" | "nth" | "max" | "min") => Ty::of("Option", first?.clone()),
        ("Iterator", "map" | "zip" | "flat_map") => Ty::named("Iterator"),
        (_, "clone" | "to_owned") if receiver.name != "str" => receiver.clone(),
        (_, "to_string") | ("str", "to_owned") => Ty::named("String"),
        _ => return None,
    })
}

fn of_literal(literal: &Lit) -> Option<Ty> {
    Some(match literal {
        Lit::Str(_) => Ty::named("str"),
        Lit::Char(_) => Ty::named("char"),
        Lit::Bool(_) => Ty::named("bool"),
        Lit::Int(number) => Ty::named(if number.suffix().is_empty() {
            "i32"
        } else {
            number.suffix()
        }),
        Lit::Float(number) => Ty::named(if number.suffix().is_empty() {
            "f64"
        } else {
            number.suffix()
        }),
        Lit::ByteStr(_) => Ty::of("[]", Ty::named("u8")),
        Lit::Byte(_) => Ty::named("u8"),
        _ => return None,
    })
}

fn is_number(name: &str) -> bool {
    name.starts_with(['f', 'i', 'u']) && name[1..].chars().all(|c| c.is_ascii_digit())
        || matches!(name, "usize" | "isize")
}
