//! A cell, or a unit of items, written as the source of one crate.
//!
//! The learner's text goes in as it is; around it stand the imports, the loading of variables, and what
//! keeps them afterwards:
//!
//! ```text
//! use ::course::prelude::*;                      imports: course, earlier cells, `use` of earlier cells
//! pub fn area(r: f64) -> f64 { .. }              the cell's items
//! pub fn cv_run() -> Outcome {
//!     let mut x: Vec<i32> = take("x");           variables that the cell mentions
//!     let outcome = run(|| {
//!         x.push(1); let y = x.len();            its statements
//!         match (y) { ref v => show(v) }         its tail
//!         put::<0, _>("y", y);                   its new variables
//!         Ok(())
//!     });
//!     put_back("x", x);                          also after a panic: that is why they live out here
//!     outcome
//! }
//! ```
//!
//! Ours and the learner's are told apart afterwards by [`Region`]: an error inside one of ours is no mistake
//! of the learner's but an answer to a question that only the compiler can decide, such as whether a variable
//! was moved.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::items::ItemKind;
use crate::parse::Parsed;
use crate::session::{Known, KnownUse, Variable};
use crate::source::{Edit, Part, Source};
use crate::units::Unit;

/// Has an error type of the learner's told by its message, from when its library is loaded.
fn speaks(id: u64, error: &str) -> String {
    format!(
        "const _: () = {{ extern \"C\" fn cv_speaks_{id}() {{ ::course::rt::failure::speaks::<{error}>() }} \
         #[used] #[unsafe(link_section = \".init_array\")] \
         static CV_SPEAKS: extern \"C\" fn() = cv_speaks_{id}; }};\n"
    )
}

/// The symbol of a cell's entry point.
pub const ENTRY: &str = "cv_run";

/// What a crate consists of.
pub struct Plan<'a> {
    /// The items in it.
    pub unit: Option<&'a Unit>,
    /// The statements in it.
    pub body: Option<Body<'a>>,
    /// Crates that only have to be there: they hold the libraries that the cell names.
    pub links: Vec<&'a str>,
    /// Crates of earlier cells, with the names that are needed from each.
    pub imports: BTreeMap<String, BTreeSet<String>>,
    /// `use` declarations of earlier cells that are still in force.
    pub uses: Vec<&'a KnownUse>,
    /// The newest cell in the crate: its `use` declarations stand as they were written.
    pub newest: u64,
    /// Items in it that are statics which live in the crate of an earlier version.
    pub statics: &'a BTreeSet<u64>,
}

/// The statements of a cell and what they need.
pub struct Body<'a> {
    /// The cell.
    pub parsed: &'a Parsed,
    /// Variables it mentions, by name.
    pub loads: Vec<(&'a str, &'a Variable)>,
    /// New variables that are kept, by name.
    pub keeps: Vec<&'a str>,
    /// Loaded variables that were found to be moved: they are not put back.
    pub moved: &'a BTreeSet<String>,
    /// Loaded variables that are moved and assigned again (`s = s + "x"`): the closure has to own them.
    pub inside: &'a BTreeSet<String>,
}

/// Whose text a piece of generated source is, where it is not the learner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Region {
    /// Loads a variable.
    Load(String),
    /// Keeps a new variable.
    Keep(String),
    /// Puts a loaded variable back.
    PutBack(String),
    /// Repeats an earlier `use` of this path.
    Use(String),
    /// Shows the tail.
    Tail,
}

/// Generated source, and which part of it is what.
#[derive(Debug, Default)]
pub struct Lowered {
    /// The source.
    pub source: Source,
    /// Our own parts.
    pub regions: Vec<(Range<usize>, Region)>,
}

/// What the learner is not warned about: what comes from our way of compiling, not from theirs of writing.
const HEADER: &str = "#![allow(unused_imports, private_interfaces, private_bounds, improper_ctypes, dead_code, unused_assignments, unused_unsafe, unused_parens, \
                      macro_expanded_macro_exports_accessed_by_absolute_paths, uncommon_codepoints)]\
                      #![warn(static_mut_refs)] use ::course::prelude::*;\n";

/// Writes the source of one crate.
pub fn lower(plan: &Plan<'_>) -> Lowered {
    let mut lowered = Lowered::default();
    if let Some(body) = &plan.body {
        for attribute in &body.parsed.inner_attributes {
            lowered
                .source
                .theirs(&body.parsed.cell, attribute.clone(), &[]);
            lowered.source.ours("\n");
        }
    }
    lowered.source.ours(HEADER);
    for krate in &plan.links {
        lowered
            .source
            .ours(&format!("extern crate {krate} as _;\n"));
    }
    for (krate, names) in &plan.imports {
        let names: Vec<String> = names.iter().map(|name| raw(name)).collect();
        lowered
            .source
            .ours(&format!("use ::{krate}::{{{}}};\n", names.join(", ")));
    }
    let (own, earlier): (Vec<&KnownUse>, Vec<&KnownUse>) = plan
        .uses
        .iter()
        .partition(|known| known.group == plan.newest);
    for known in earlier {
        let path = &known.leaf.path;
        let text = match path.strip_prefix("::").filter(|_| known.leaf.external) {
            Some(name) => format!("extern crate {name};\n"),
            None => format!("use {path};\n"),
        };
        lowered.region(Region::Use(path.clone()), &text);
    }
    let mut written = BTreeSet::new();
    for known in own
        .into_iter()
        .filter(|known| written.insert(known.range.start))
    {
        lowered.source.theirs(&known.cell, known.range.clone(), &[]);
        lowered.source.ours("\n");
    }
    for known in plan.unit.iter().flat_map(|unit| &unit.items) {
        lowered.item(known, plan.statics.contains(&known.id));
    }
    if let Some(body) = &plan.body {
        lowered.body(body);
    }
    lowered
}

/// The symbol under which all versions of a crate share a static.
pub fn static_symbol(known: &Known) -> String {
    let name = known.item.names.first().map_or("", |name| &name.text);
    let hash = blake3::hash(known.text().as_bytes()).to_hex();
    format!(
        "cv_static_{}_{}_{}",
        &hash[..16],
        known.generation,
        if name.is_ascii() { name } else { "" }
    )
}

/// A name as it may stand in source, also when it is a keyword.
fn raw(name: &str) -> String {
    if syn::parse_str::<syn::Ident>(name).is_ok()
        || matches!(name, "self" | "Self" | "super" | "crate")
    {
        name.to_string()
    } else {
        format!("r#{name}")
    }
}

impl Lowered {
    fn region(&mut self, region: Region, text: &str) {
        let range = self.source.ours(text);
        self.regions.push((range, region));
    }

    /// The region that a range of the source touches.
    pub fn region_of(&self, range: &Range<usize>) -> Option<&Region> {
        self.regions
            .iter()
            .find(|(own, _)| own.start <= range.start && range.start < own.end)
            .map(|(_, region)| region)
    }

    fn item(&mut self, known: &Known, exists_already: bool) {
        let mut edits = known.edits.to_vec();
        // What is left out is not made public either.
        edits.retain(|edit| !known.removed.iter().any(|range| edit.is_in(range)));
        edits.splice(
            0..0,
            known
                .removed
                .iter()
                .map(|range| Edit::replace(range.clone(), "")),
        );
        if let ItemKind::Static {
            declaration,
            start,
            visibility,
            mutable,
        } = &known.item.kind
        {
            let symbol = static_symbol(known);
            if exists_already {
                let safety = if *mutable { "" } else { "safe " };
                let with = vec![
                    Part::Ours(format!(
                        "unsafe extern \"C\" {{ #[link_name = \"{symbol}\"] pub {safety}"
                    )),
                    Part::Theirs(declaration.clone()),
                    Part::Ours("; }".into()),
                ];
                edits.insert(
                    0,
                    Edit {
                        range: visibility.start..known.item.range.end,
                        with,
                        follows: false,
                    },
                );
                // Attributes of the definition have no meaning for a reference to it.
                edits.insert(0, Edit::replace(known.item.range.start..*start, ""));
            } else {
                edits.insert(
                    0,
                    Edit::before(*start, format!("#[unsafe(export_name = \"{symbol}\")] ")),
                );
            }
        }
        self.source
            .theirs(&known.cell, known.item.range.clone(), &edits);
        self.source.ours("\n");
        if let ItemKind::Impl(implementation) = &known.item.kind
            && let Some(error) = implementation.plain_error()
        {
            self.source.ours(&speaks(known.id, error));
        }
    }

    fn body(&mut self, body: &Body<'_>) {
        let parsed = body.parsed;
        self.source.ours(&format!(
            "#[unsafe(no_mangle)] pub fn {ENTRY}() -> ::course::rt::frame::Outcome {{\n"
        ));
        self.load(body, false);
        self.source
            .ours("let cv_outcome = ::course::rt::failure::run(|| ");
        let result = "::core::result::Result::<(), ::course::rt::failure::CellError>";
        self.source.ours(if parsed.awaits {
            "::course::rt::block_on(async {\n"
        } else {
            "{\n"
        });
        self.load(body, true);
        for statement in &parsed.statements {
            self.source
                .theirs(&parsed.cell, statement.clone(), &parsed.edits);
            self.source.ours("\n");
        }
        if parsed.runs_main() {
            self.source
                .ours("::course::rt::failure::MainResult::finish(main())?;\n");
        }
        if let Some(tail) = &parsed.tail {
            self.tail(parsed, tail.clone());
        }
        for (index, name) in body.keeps.iter().enumerate() {
            self.keep(index, name);
        }
        for name in body.inside {
            let text = format!("::course::rt::store::put_back({name:?}, {});\n", raw(name));
            self.region(Region::PutBack(name.clone()), &text);
        }
        self.source
            .ours(&format!("#[allow(unreachable_code)] {result}::Ok(())\n"));
        self.source
            .ours(if parsed.awaits { "}));\n" } else { "});\n" });
        self.put_back(body);
        self.source.ours("cv_outcome\n}\n");
    }

    fn load(&mut self, body: &Body<'_>, inside: bool) {
        for (name, variable) in body
            .loads
            .iter()
            .filter(|(name, _)| body.inside.contains(*name) == inside)
        {
            let mutable = if variable.mutable { "mut " } else { "" };
            let text = format!(
                "#[allow(unused)] let {mutable}{}: {} = unsafe {{ ::course::rt::store::take({name:?}) }};\n",
                raw(name),
                variable.type_text
            );
            self.region(Region::Load((*name).to_string()), &text);
        }
    }

    fn tail(&mut self, parsed: &Parsed, tail: Range<usize>) {
        // The traits come into scope inside the arm: they must not be seen by the learner's own expression.
        self.source.ours("match (");
        self.source.theirs(&parsed.cell, tail, &parsed.edits);
        self.region(
            Region::Tail,
            ") { ref cv_value => { #[allow(unused_imports)] use ::course::{rt::display::tail::*, vision::describe::TensorTail as _}; \
             if !shown(cv_value.evcxr_display()) { result((&&&&&Tail(cv_value)).bundle()); } } };\n",
        );
    }

    fn keep(&mut self, index: usize, name: &str) {
        let variable = raw(name);
        // `H` may be a constant or a variant that a pattern has compared with: those cannot be bound like this.
        let asks = if name.starts_with(char::is_uppercase) {
            format!("{{ #[allow(unused, non_snake_case)] let ref {variable} = {variable}; }} ")
        } else {
            String::new()
        };
        let text = format!(
            "{asks}let _kept = {{ use ::course::rt::store::brief::{{WithDebug as _, WithoutDebug as _}}; \
             let cv_brief = (&&::course::rt::store::brief::of(&{variable})).brief(); \
             ::course::rt::store::put::<{index}, _>({name:?}, {variable}, cv_brief) }};\n"
        );
        self.region(Region::Keep(name.to_string()), &text);
    }

    /// A variable that the cell binds anew is put back only if the cell fails; the others always.
    fn put_back(&mut self, body: &Body<'_>) {
        for (name, _) in body
            .loads
            .iter()
            .filter(|(name, _)| !body.moved.contains(*name) && !body.inside.contains(*name))
        {
            let call = format!("::course::rt::store::put_back({name:?}, {});", raw(name));
            let text = if body
                .parsed
                .bindings
                .iter()
                .any(|binding| binding.name == *name)
            {
                format!("if cv_outcome != ::course::rt::frame::Outcome::Finished {{ {call} }}\n")
            } else {
                format!("{call}\n")
            };
            self.region(Region::PutBack((*name).to_string()), &text);
        }
    }
}

/// Makes a type, as the compiler's listing has it, into one that later cells can name: the learner's own types
/// lose the name of their crate, and come in by import.
///
/// `None` for types without a name: closures, `impl Trait`, function items, types inside a function.
pub fn nameable(listed: &str) -> Option<String> {
    if listed.contains(['{', '@']) || listed.contains("impl ") {
        return None;
    }
    let mut text = String::with_capacity(listed.len());
    let mut rest = listed;
    while let Some(at) = rest.find("cell_") {
        let boundary = !rest[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let end = at + "cell_".len() + 16;
        let is_crate = boundary
            && rest.get(end..).is_some_and(|after| after.starts_with("::"))
            && rest[at + 5..end]
                .bytes()
                .all(|byte| byte.is_ascii_hexdigit());
        if is_crate {
            text.push_str(&rest[..at]);
            rest = &rest[end + 2..];
        } else {
            text.push_str(&rest[..at + 5]);
            rest = &rest[at + 5..];
        }
    }
    text.push_str(rest);
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_without_the_cells_crate() {
        assert_eq!(
            nameable("std::vec::Vec<cell_0123456789abcdef::P>").unwrap(),
            "std::vec::Vec<P>"
        );
        assert_eq!(nameable("cell_0123456789abcdef::m::P").unwrap(), "m::P");
        assert_eq!(nameable("my_cell_x::P").unwrap(), "my_cell_x::P");
        assert_eq!(nameable("cell_phone::P").unwrap(), "cell_phone::P");
        assert_eq!(nameable("{closure@c.rs:9:121: 9:128}"), None);
        assert_eq!(nameable("fn(i32) -> i32 {f}"), None);
        assert_eq!(nameable("impl Iterator<Item = i32>"), None);
        assert_eq!(nameable("fn(i32) -> i32").unwrap(), "fn(i32) -> i32");
    }
}
