//! Declarations as a reader wants them: on one line where they fit, without bodies and attributes.

use quote::ToTokens;

/// The longest declaration that stands on one line, in characters.
const WIDTH: usize = 88;

/// Fields and variants shown of a type; the rest is `..`.
const SHOWN: usize = 8;

/// Tokens with the spaces that a person would put.
pub(super) fn one_line(tokens: &str) -> String {
    let mut out = tokens.to_owned();
    for (from, to) in [
        (" :: ", "::"),
        (":: ", "::"),
        (" < ", "<"),
        ("< ", "<"),
        (" <", "<"),
        (" >", ">"),
        (" , ", ", "),
        (" ,", ","),
        (" : ", ": "),
        (" ;", ";"),
        ("( ", "("),
        (" )", ")"),
        (" (", "("),
        ("[ ", "["),
        (" ]", "]"),
        ("& ", "&"),
        ("* ", "*"),
        (" !", "!"),
        ("-> (", "-> ("),
        ("->(", "-> ("),
        (",(", ", ("),
        (":(", ": ("),
        ("=(", "= ("),
        ("|(", "| ("),
        ("-> ", "-> "),
        (" - >", " ->"),
        ("->", " -> "),
        ("  ", " "),
        ("  ", " "),
        ("=  ", "= "),
        (",)", ")"),
        (", >", ">"),
        (",>", ">"),
        ("&mut(", "&mut ("),
        ("impl(", "impl ("),
        ("dyn(", "dyn ("),
    ] {
        out = out.replace(from, to);
    }
    out.trim().to_owned()
}

/// A function's declaration; one that is too long gets a line for each parameter.
pub(super) fn of_signature(signature: &syn::Signature) -> String {
    let line = one_line(&signature.to_token_stream().to_string());
    if line.chars().count() <= WIDTH || signature.inputs.is_empty() {
        return line;
    }
    let inputs: Vec<String> = signature
        .inputs
        .iter()
        .map(|input| format!("    {},\n", one_line(&input.to_token_stream().to_string())))
        .collect();
    let mut bare = signature.clone();
    bare.inputs.clear();
    bare.variadic = None;
    let bare = one_line(&bare.to_token_stream().to_string());
    bare.replacen("()", &format!("(\n{})", inputs.concat()), 1)
}

/// `struct Point { x: f64, y: f64 }`, with its public fields.
pub(super) fn of_struct(item: &syn::ItemStruct) -> String {
    let name = one_line(&format!(
        "struct {}{}",
        item.ident,
        item.generics.to_token_stream()
    ));
    let public = |field: &&syn::Field| matches!(field.vis, syn::Visibility::Public(_));
    match &item.fields {
        syn::Fields::Named(fields) => {
            let fields: Vec<String> = fields
                .named
                .iter()
                .filter(public)
                .map(|field| {
                    let name = field
                        .ident
                        .as_ref()
                        .map(ToString::to_string)
                        .unwrap_or_default();
                    format!(
                        "{name}: {}",
                        one_line(&field.ty.to_token_stream().to_string())
                    )
                })
                .collect();
            list(&name, fields, item.fields.len())
        }
        _ => name,
    }
}

/// `enum Kind { A, B(u32) }`.
pub(super) fn of_enum(item: &syn::ItemEnum) -> String {
    let name = one_line(&format!(
        "enum {}{}",
        item.ident,
        item.generics.to_token_stream()
    ));
    let variants: Vec<String> = item.variants.iter().map(of_variant).collect();
    let all = variants.len();
    list(&name, variants, all)
}

/// A variant with its fields, without its documentation.
pub(super) fn of_variant(variant: &syn::Variant) -> String {
    let mut bare = variant.clone();
    bare.attrs.clear();
    bare.fields.iter_mut().for_each(|field| field.attrs.clear());
    one_line(&bare.to_token_stream().to_string())
}

fn list(name: &str, mut parts: Vec<String>, all: usize) -> String {
    if parts.is_empty() {
        return name.to_owned();
    }
    parts.truncate(SHOWN);
    if parts.len() < all {
        parts.push("..".into());
    }
    let line = format!("{name} {{ {} }}", parts.join(", "));
    if line.chars().count() <= WIDTH {
        return line;
    }
    let lines: Vec<String> = parts
        .iter()
        .map(|part| format!("    {part}{}\n", if part == ".." { "" } else { "," }))
        .collect();
    format!("{name} {{\n{}}}", lines.concat())
}

/// The name that members of a type are found by: the last of its path; `[]` for slices and arrays.
pub(super) fn head_of(of_type: &syn::Type) -> Option<String> {
    match of_type {
        syn::Type::Path(path) => Some(path.path.segments.last()?.ident.to_string()),
        syn::Type::Reference(reference) => head_of(&reference.elem),
        syn::Type::Paren(paren) => head_of(&paren.elem),
        syn::Type::Group(group) => head_of(&group.elem),
        syn::Type::Slice(_) | syn::Type::Array(_) => Some("[]".into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(code: &str) -> String {
        of_signature(&syn::parse_str(code).unwrap())
    }

    #[test]
    fn declarations_look_as_they_were_written() {
        for code in [
            "fn imread(path: impl AsRef<Path>) -> Result<Image, VisionError>",
            "fn view<T: Shape>(&self, s: T) -> Tensor",
            "fn f(&mut self, a: &[i64], b: (u8, u8)) -> Option<&'static str>",
            "fn g<F>(f: F) where F: Fn(&str) -> bool",
            "fn pair() -> (f64, f64)",
        ] {
            assert_eq!(shown(code), code);
        }
    }

    #[test]
    fn a_long_declaration_has_a_line_for_each_parameter() {
        let code = "fn conv(input: &Tensor, weight: &Tensor, bias: Option<&Tensor>, stride: &[i64], padding: &[i64]) -> Tensor";
        let shown = shown(code);
        assert_eq!(shown.lines().count(), 7, "{shown}");
        assert!(shown.ends_with(") -> Tensor"), "{shown}");
    }
}
