//! What a front end may ask about code: completion and inspection, from the first keystroke.
//!
//! | file | what is in it |
//! |---|---|
//! | `lex` | a text that need not be complete, as tokens; the cursor |
//! | `read`, `declare`, `link` | source text to index: walk, declarations, re-exports and members |
//! | `show`, `dialect` | declarations as a reader wants them; the Rust of the standard library |
//! | `index` | what crates offer, by name |
//! | `sources` | where the course's sources are; the index kept in the cache |
//! | `ty`, `types`, `bind` | the type of an expression, told from declarations; what the cell binds |
//! | `complete`, `inspect` | the answers |
//! | `analyzer` | rust-analyzer in a process of its own, which adds what declarations do not tell |
//!
//! Nothing here waits for a cell, a compiler or the worker, and for rust-analyzer only once it is awake.

mod analyzer;
mod bind;
mod complete;
mod declare;
mod dialect;
mod index;
mod inspect;
mod lex;
mod link;
mod read;
mod show;
mod sources;
mod ty;
mod types;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use tokio::time::{interval, timeout};

use analyzer::{Analyzer, Question};
use index::Index;
use lex::Place;
use read::Reader;
use ty::Ty;
use types::Scope;

use super::message::{Complete, CompleteReply, Inspect, InspectReply, Status};

/// How long rust-analyzer is waited for when nothing else is known, and when something is.
const PATIENCE: Duration = Duration::from_millis(200);
const GLANCE: Duration = Duration::from_millis(50);

/// How often the helper is looked at, whether it may rest: so many times in the time that it may sit idle.
const LOOKS: u32 = 5;

/// What the cells so far have defined.
#[derive(Debug, Clone, Default)]
pub(super) struct Notebook {
    /// Variables with their types, as a later cell would name them.
    pub(super) variables: Vec<(String, String)>,
    /// The text of each item in force.
    pub(super) items: Vec<String>,
    /// The paths of `use` declarations in force.
    pub(super) uses: Vec<String>,
}

/// Answers questions about code. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Language {
    crates: Arc<OnceLock<Index>>,
    analyzer: Arc<Analyzer>,
}

impl Language {
    /// Begins to read what there is to know; until that is done the notebook's own names are known.
    pub(super) fn start() -> Self {
        let language = Self::default();
        let crates = language.crates.clone();
        let read = move || match sources::index() {
            Ok(index) => drop(crates.set(index)),
            Err(error) => {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "completion knows the notebook alone"
                );
            }
        };
        if let Err(error) = thread::Builder::new().name("index".into()).spawn(read) {
            tracing::warn!(%error, "completion knows the notebook alone");
        }
        let analyzer = language.analyzer.clone();
        tokio::spawn(async move {
            let idle = analyzer::idle();
            let mut beat = interval((idle / LOOKS).max(Duration::from_millis(100)));
            loop {
                beat.tick().await;
                analyzer.rest_after(idle);
            }
        });
        language
    }

    /// Ends the helper, whatever state it is in.
    pub(super) fn end(&self) {
        self.analyzer.end();
    }

    /// Answers a `complete_request`: what declarations tell, and what rust-analyzer adds in time.
    pub(super) async fn complete(&self, request: &Complete, notebook: &Notebook) -> CompleteReply {
        let Complete { code, cursor_pos } = request;
        let place = Place::find(code, *cursor_pos);
        let mut offers = self.with_scope(notebook, |scope| complete::offers(code, &place, scope));
        if complete::is_question(code, &place) {
            // Whoever has something to choose from wants it at once.
            let patience = if offers.is_empty() { PATIENCE } else { GLANCE };
            let asked = self
                .analyzer
                .ask(Question::Complete, notebook, code, place.cursor);
            let answer = timeout(patience, asked).await.ok().flatten();
            let prefix = &code[place.word.start..place.cursor];
            complete::add(&mut offers, answer.unwrap_or_default().completions, prefix);
        }
        complete::reply(code, &place, &offers)
    }

    /// Answers an `inspect_request`: from declarations, else from rust-analyzer.
    pub(super) async fn inspect(&self, request: &Inspect, notebook: &Notebook) -> InspectReply {
        let place = Place::find(&request.code, request.cursor_pos);
        let page = self.with_scope(notebook, |scope| {
            inspect::page(&request.code, &place, scope)
        });
        let bundle = match page {
            Some(page) => Some(page.bundle(request.detail_level > 0)),
            None if place.word.is_empty() => None,
            None => {
                let asked =
                    self.analyzer
                        .ask(Question::Hover, notebook, &request.code, place.word.start);
                let answer = timeout(PATIENCE, asked).await.ok().flatten();
                answer
                    .and_then(|answer| answer.hover)
                    .map(|text| inspect::of_markdown(&text))
            }
        };
        InspectReply {
            status: Status::Ok,
            found: bundle.is_some(),
            bundle: bundle.unwrap_or_default(),
        }
    }

    /// A question must not end the kernel, whatever it is about.
    fn with_scope<T: Default>(
        &self,
        notebook: &Notebook,
        ask: impl FnOnce(&mut Scope<'_>) -> T,
    ) -> T {
        let answer = catch_unwind(AssertUnwindSafe(|| {
            let nothing = Index::default();
            let crates = self.crates.get().unwrap_or(&nothing);
            let mut reader = Reader::default();
            for item in &notebook.items {
                reader.read_text(item);
            }
            let own = reader.finish();
            let variables: BTreeMap<String, Ty> = notebook
                .variables
                .iter()
                .map(|(name, of_type)| {
                    let of_type = Ty::parse(of_type, "").unwrap_or_else(|| Ty::named(of_type));
                    (name.clone(), of_type)
                })
                .collect();
            let mut scope = Scope {
                indexes: [&own, crates],
                variables,
            };
            ask(&mut scope)
        }));
        // syn keeps every text it has ever read; nothing refers to these spans any more.
        proc_macro2::extra::invalidate_current_thread_spans();
        answer.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::Command;

    use super::*;

    /// Everything there is: the sources of the course and the standard library.
    fn language() -> &'static Language {
        static LANGUAGE: OnceLock<Language> = OnceLock::new();
        LANGUAGE.get_or_init(|| {
            let sysroot = Command::new("rustc")
                .args(["--print", "sysroot"])
                .output()
                .unwrap()
                .stdout;
            let sysroot = String::from_utf8(sysroot).unwrap();
            let index = sources::read(&Path::new(sysroot.trim()).join("bin/rustc")).unwrap();
            let mut index: Index =
                serde_json::from_slice(&serde_json::to_vec(&index).unwrap()).unwrap();
            index.arrange();
            let language = Language::default();
            let _ = language.crates.set(index);
            language
        })
    }

    /// The helper is not beside a test program, so nothing is waited for.
    fn answered<T>(answer: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(answer)
    }

    fn notebook() -> Notebook {
        let pair = |name: &str, of_type: &str| (name.to_owned(), of_type.to_owned());
        Notebook {
            variables: vec![
                pair("photo", "course::vision::Image"),
                pair("größe", "u32"),
                pair("pixels", "course::tch::Tensor"),
                pair("losses", "std::vec::Vec<f64>"),
                pair("net", "course::nets::Mlp"),
                pair("point", "Point"),
            ],
            items: vec![
                "/// A place.\nstruct Point { x: f64, name: String }".into(),
                "impl Point { /// How far.\nfn distance(&self, other: &Point) -> f64 { 0.0 } fn origin() -> Self { todo!() } }".into(),
                "/// Twice as much.\nfn double(x: &Tensor) -> Tensor { x * 2 }".into(),
                "macro_rules! twice { () => {} }".into(),
            ],
            uses: Vec::new(),
        }
    }

    fn completed(code: &str) -> Vec<String> {
        let request = Complete {
            code: code.to_owned(),
            cursor_pos: None,
        };
        answered(language().complete(&request, &notebook())).matches
    }

    #[track_caller]
    fn assert_offers(code: &str, expected: &[&str]) {
        let offered = completed(code);
        for name in expected {
            assert!(
                offered.iter().any(|own| own == name),
                "{code}: {name} is not in {offered:?}"
            );
        }
    }

    fn inspected(code: &str) -> String {
        let at = code.find('|').unwrap();
        let request = Inspect {
            code: code.replacen('|', "", 1),
            cursor_pos: Some(code[..at].chars().count()),
            detail_level: 1,
        };
        answered(language().inspect(&request, &notebook()))
            .bundle
            .plain()
            .to_owned()
    }

    #[test]
    fn the_cursor_counts_code_points() {
        let request = Complete {
            code: "\"😀\"; grö".into(),
            cursor_pos: None,
        };
        let reply = answered(language().complete(&request, &notebook()));
        assert_eq!(reply.matches, ["größe"]);
        assert_eq!((reply.cursor_start, reply.cursor_end), (5, 8));
        let types = &reply.metadata["_jupyter_types_experimental"][0];
        assert_eq!(types["type"], "instance");
        assert_eq!(types["signature"], "u32");
    }

    #[test]
    fn names_of_notebook_and_prelude_are_offered() {
        assert_eq!(completed("pho"), ["photo"]);
        assert_eq!(completed("imr"), ["imread"]);
        assert_eq!(completed("doub"), ["double"]);
        assert_eq!(completed("twi"), ["twice!"]);
        assert_offers("prin", &["print!", "println!"]);
        assert_offers("HashM", &["HashMap"]);
        assert_offers("whi", &["while"]);
        assert_eq!(completed("PHOT"), ["photo"], "a capital is forgiven");
        assert!(
            completed("let pho").is_empty(),
            "a new name is the learner's own"
        );
        assert!(completed("// pho").is_empty());
        assert!(completed("\"pho").is_empty());
        assert!(completed("1 + ").is_empty());
    }

    #[test]
    fn members_come_from_the_type_of_the_receiver() {
        assert_offers("photo.", &["resize", "crop", "width", "to_tensor"]);
        assert_offers("photo.resize(2, 3)?.cr", &["crop"]);
        assert_offers("imread(\"a.png\")?.to_tensor().me", &["mean", "mean_dim"]);
        assert_offers("pixels.view([3, -1]).mean_d", &["mean_dim"]);
        assert_offers("losses.pu", &["push"]);
        assert_offers("losses.iter().su", &["sum"]);
        assert_offers("losses[0].sq", &["sqrt"]);
        assert_offers("net.forw", &["forward"]);
        assert_offers("point.", &["x", "name", "distance"]);
        assert_offers("point.name.to_upp", &["to_uppercase"]);
        assert_offers("double(&pixels).sig", &["sigmoid"]);
        assert_offers("(2.0 * &pixels).sq", &["square"]);
        assert_offers("\"a b\".spl", &["split"]);
        assert_offers("größe.po", &["pow"]);
        assert_offers("format!(\"x\").le", &["len"]);
        assert_offers("losses.last().unwr", &["unwrap_or"]);
        assert!(completed("unknown.re").is_empty());
    }

    #[test]
    fn what_the_cell_binds_counts() {
        assert_offers(
            "let small = photo.resize(9, 9)?;\nsmall.fl",
            &["flip_horizontal"],
        );
        assert_offers("for loss in &losses { loss.sq", &["sqrt"]);
        assert_offers("fn f(image: &Image, side: u32) {\n    image.cr", &["crop"]);
        assert_offers("let vs = nn::VarStore::new(Device::Cpu);\nvs.ro", &["root"]);
        assert_offers("let (a, b) = (1.5, photo.clone()); b.cr", &["crop"]);
        assert_eq!(completed("let brightness = 1.0;\nbright"), ["brightness"]);
    }

    #[test]
    fn paths_lead_into_modules_and_types() {
        assert_offers("Tensor::from_sl", &["from_slice"]);
        assert_offers("nn::", &["VarStore", "linear", "Adam"]);
        assert_offers("tch::nn::seq", &["seq"]);
        assert_offers("Device::", &["Cpu", "Cuda"]);
        assert_offers("Kind::Fl", &["Float"]);
        assert_offers("std::f64::consts::P", &["PI"]);
        assert_offers("std::collections::Bi", &["BinaryHeap"]);
        assert_offers("vision::imr", &["imread"]);
        assert_offers("Point::or", &["origin"]);
        assert_offers("Vec::<f64>::with_c", &["with_capacity"]);
        assert_offers("f64::sq", &["sqrt"]);
        assert_offers("use std::collections::Ha", &["HashMap"]);
    }

    #[test]
    fn inspection_shows_declaration_and_documentation() {
        assert_eq!(inspected("größe| + 1"), "größe: u32");
        let shown = inspected("f(im|read(\"x\"))");
        assert!(shown.starts_with("fn imread("), "{shown}");
        assert!(shown.contains("Reads"), "{shown}");
        assert_eq!(
            inspected("dou|ble(&x)"),
            "fn double(x: &Tensor) -> Tensor\n\nTwice as much."
        );
        assert!(inspected("photo.resi|ze(1, 2)").starts_with("fn resize(&self"));
        assert!(inspected("photo.resize(1, |").starts_with("fn resize(&self"));
        assert!(inspected("losses.pu|sh(1.0)").contains("Appends"));
        assert!(
            inspected("Ten|sor::new()").contains("in tch::Tensor"),
            "{}",
            inspected("Ten|sor::new()")
        );
        assert!(inspected("point.dist|ance(&p)").contains("How far."));
        assert!(
            inspected("println!(|").contains("println"),
            "{}",
            inspected("println!(|")
        );
        assert_eq!(inspected("nobo|dy"), "");
        assert_eq!(inspected("|"), "");
    }
}
