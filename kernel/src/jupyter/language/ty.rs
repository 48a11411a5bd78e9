//! A type as far as declarations tell it: its last name and its arguments, references left out.

use std::collections::BTreeMap;

/// A type by its last name, with arguments: `Result<Image, VisionError>` without the paths.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ty {
    /// `[]` for slices and arrays, `()` for tuples.
    pub(super) name: String,
    /// The crate it was named from, which settles equal names.
    pub(super) krate: String,
    pub(super) arguments: Vec<Ty>,
}

impl Ty {
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            krate: String::new(),
            arguments: Vec::new(),
        }
    }

    pub(super) fn of(name: &str, argument: Ty) -> Self {
        Self {
            arguments: vec![argument],
            ..Self::named(name)
        }
    }

    /// Reads the text of a type, written in `krate`.
    pub(super) fn parse(text: &str, krate: &str) -> Option<Self> {
        // The compiler writes closures and the like in ways that are not Rust.
        Self::from_syn(&syn::parse_str(text).ok()?, krate)
    }

    pub(super) fn from_syn(of_type: &syn::Type, krate: &str) -> Option<Self> {
        match of_type {
            syn::Type::Path(path) => {
                let last = path.path.segments.last()?;
                let arguments = match &last.arguments {
                    syn::PathArguments::AngleBracketed(inside) => inside
                        .args
                        .iter()
                        .filter_map(|argument| match argument {
                            syn::GenericArgument::Type(of_type) => Self::from_syn(of_type, krate),
                            syn::GenericArgument::AssocType(pair) => {
                                Self::from_syn(&pair.ty, krate)
                            }
                            _ => None,
                        })
                        .collect(),
                    _ => Vec::new(),
                };
                // `course::tch::nn::Path` was defined in tch.
                let first = path
                    .path
                    .segments
                    .iter()
                    .find(|part| part.ident != "course" && part.ident != "crate");
                let krate = match first {
                    Some(first) if path.path.segments.len() > 1 && first.ident != last.ident => {
                        first.ident.to_string()
                    }
                    _ => krate.to_owned(),
                };
                Some(Self {
                    name: last.ident.to_string(),
                    krate,
                    arguments,
                })
            }
            syn::Type::Reference(inside) => Self::from_syn(&inside.elem, krate),
            syn::Type::Paren(inside) => Self::from_syn(&inside.elem, krate),
            syn::Type::Group(inside) => Self::from_syn(&inside.elem, krate),
            syn::Type::Slice(inside) => Some(Self::of("[]", Self::from_syn(&inside.elem, krate)?)),
            syn::Type::Array(inside) => Some(Self::of("[]", Self::from_syn(&inside.elem, krate)?)),
            syn::Type::Tuple(parts) => {
                let arguments = parts
                    .elems
                    .iter()
                    .map(|part| Self::from_syn(part, krate))
                    .collect::<Option<_>>()?;
                Some(Self {
                    arguments,
                    ..Self::named("()")
                })
            }
            syn::Type::ImplTrait(bounds) => Self::from_bounds(&bounds.bounds, krate),
            syn::Type::TraitObject(bounds) => Self::from_bounds(&bounds.bounds, krate),
            _ => None,
        }
    }

    fn from_bounds<P>(
        bounds: &syn::punctuated::Punctuated<syn::TypeParamBound, P>,
        krate: &str,
    ) -> Option<Self> {
        bounds.iter().find_map(|bound| match bound {
            syn::TypeParamBound::Trait(bound) => {
                let path = syn::TypePath {
                    qself: None,
                    path: bound.path.clone(),
                };
                Self::from_syn(&syn::Type::Path(path), krate)
            }
            _ => None,
        })
    }

    /// With parameters replaced by what they stand for.
    pub(super) fn with(mut self, parameters: &BTreeMap<String, Ty>) -> Self {
        if let Some(known) = parameters.get(&self.name) {
            return known.clone();
        }
        self.arguments = self
            .arguments
            .into_iter()
            .map(|argument| argument.with(parameters))
            .collect();
        self
    }
}

/// As Rust writes it, without paths and references.
impl std::fmt::Display for Ty {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let arguments = self
            .arguments
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join(", ");
        match (self.name.as_str(), arguments.as_str()) {
            ("[]", inside) => write!(f, "[{inside}]"),
            ("()", inside) => write!(f, "({inside})"),
            (name, "") => f.write_str(name),
            (name, inside) => write!(f, "{name}<{inside}>"),
        }
    }
}
