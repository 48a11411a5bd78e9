//! rust-analyzer over one growing source file of a project, asked for completions and for what is under the cursor.
//!
//! The crates are those that evcxr brings. evcxr's own interface to them works on cells that it compiles itself;
//! here the source comes from the kernel, which knows the types of all variables, so nothing is compiled at all.

use std::path::Path;

use anyhow::{Context, anyhow};
use crossbeam_channel::Receiver;
use ra_ap_base_db::SourceRoot;
use ra_ap_hir::ChangeWithProcMacros;
use ra_ap_ide::{
    AnalysisHost, CompletionConfig, CompletionFieldsToResolve, CompletionItem, CompletionItemKind,
    FilePosition, FileRange, HoverConfig, HoverDocFormat, RaFixtureConfig, SubstTyLen,
};
use ra_ap_ide_db::imports::insert_use::{ImportGranularity, InsertUseConfig};
use ra_ap_ide_db::{FxHashMap, SymbolKind};
use ra_ap_paths::{AbsPathBuf, Utf8PathBuf};
use ra_ap_project_model::{CargoConfig, ProjectManifest, ProjectWorkspace, RustLibSource};
use ra_ap_syntax::{TextRange, TextSize};
use ra_ap_vfs::file_set::FileSetConfig;
use ra_ap_vfs::loader::{Config, Directories, Entry, Handle, LoadingProgress, Message};
use ra_ap_vfs::{FileId, Vfs, VfsPath};
use ra_ap_vfs_notify::NotifyHandle;
use serde::Serialize;

/// A project with one source file that changes.
pub(crate) struct Analyzer {
    host: AnalysisHost,
    file: FileId,
}

/// Something that could stand at the cursor.
#[derive(Debug, Serialize)]
pub(crate) struct Completion {
    /// What is put in.
    text: String,
    /// The word front ends choose an icon by.
    kind: &'static str,
    /// A type or a declaration.
    detail: String,
}

/// What came of a question.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Answer {
    /// Best first.
    completions: Vec<Completion>,
    /// What is under the cursor, in Markdown.
    hover: Option<String>,
}

impl Analyzer {
    /// Reads a project, whose manifest is `manifest` and whose one source file is `src/lib.rs` beside it.
    ///
    /// # Errors
    /// When cargo cannot say what the project consists of.
    pub(crate) fn open(manifest: &Path) -> anyhow::Result<Self> {
        let manifest = absolute(manifest)?;
        let config = CargoConfig {
            sysroot: Some(RustLibSource::Discover),
            // Crates for other systems need not have been fetched.
            target: Some(format!("{}-unknown-linux-gnu", std::env::consts::ARCH)),
            ..CargoConfig::default()
        };
        let project = ProjectManifest::from_manifest_file(manifest.clone())?;
        let workspace = ProjectWorkspace::load(project, &config, &|_| {})?;
        let mut vfs = Vfs::default();
        load(&workspace, &mut vfs);
        let source = manifest
            .parent()
            .context("a manifest lies in a folder")?
            .join("src/lib.rs");
        let source = VfsPath::from(source);
        let (file, _) = vfs
            .file_id(&source)
            .context("the project has no src/lib.rs")?;
        let mut host = AnalysisHost::default();
        host.apply_change(everything(&workspace, &mut vfs));
        Ok(Self { host, file })
    }

    /// Takes in the whole text of the source file.
    pub(crate) fn set_source(&mut self, text: &str) {
        let mut change = ChangeWithProcMacros::default();
        change.change_file(self.file, Some(text.to_owned()));
        self.host.apply_change(change);
    }

    /// What could stand at `offset`, in bytes.
    pub(crate) fn complete(&self, source: &str, offset: u32) -> Answer {
        let position = FilePosition {
            file_id: self.file,
            offset: TextSize::from(offset),
        };
        let found = self
            .host
            .analysis()
            .completions(&completion_config(), position, None);
        let mut items = found.ok().flatten().unwrap_or_default();
        items.sort_by_key(|item| std::cmp::Reverse(item.relevance.score()));
        let completions = items
            .into_iter()
            .filter_map(|item| completion(item, source));
        Answer {
            completions: completions.collect(),
            hover: None,
        }
    }

    /// What is at `offset`, in bytes.
    pub(crate) fn hover(&self, offset: u32) -> Answer {
        let range = FileRange {
            file_id: self.file,
            range: TextRange::empty(TextSize::from(offset)),
        };
        let found = self.host.analysis().hover(&hover_config(), range);
        Answer {
            completions: Vec::new(),
            hover: found
                .ok()
                .flatten()
                .map(|found| found.info.markup.as_str().to_owned()),
        }
    }
}

fn absolute(path: &Path) -> anyhow::Result<AbsPathBuf> {
    let path = Utf8PathBuf::from_path_buf(path.to_path_buf());
    let path = path.map_err(|path| anyhow!("{} is not UTF-8", path.display()))?;
    AbsPathBuf::try_from(path).map_err(|path| anyhow!("{path} is not absolute"))
}

/// Reads all files of the project and of what it depends on.
fn load(workspace: &ProjectWorkspace, vfs: &mut Vfs) {
    let (sender, messages): (_, Receiver<Message>) = crossbeam_channel::unbounded();
    let mut loader = NotifyHandle::spawn(sender);
    let directories = workspace.to_roots().into_iter().map(|root| {
        Entry::Directories(Directories {
            extensions: vec!["rs".to_owned()],
            include: root.include,
            exclude: root.exclude,
        })
    });
    loader.set_config(Config {
        version: 1,
        load: directories.collect(),
        watch: Vec::new(),
    });
    for message in messages {
        match message {
            Message::Progress {
                n_done: LoadingProgress::Finished,
                ..
            } => break,
            Message::Progress { .. } => {}
            Message::Loaded { files } | Message::Changed { files } => {
                for (path, content) in files {
                    vfs.set_file_contents(path.into(), content);
                }
            }
        }
    }
}

/// The files and how they belong together, as one change.
fn everything(workspace: &ProjectWorkspace, vfs: &mut Vfs) -> ChangeWithProcMacros {
    let mut change = ChangeWithProcMacros::default();
    for (file, changed) in vfs.take_changes() {
        if let ra_ap_vfs::Change::Create(bytes, _) | ra_ap_vfs::Change::Modify(bytes, _) =
            changed.change
        {
            change.change_file(file, String::from_utf8(bytes).ok());
        }
    }
    change.set_roots(source_roots(workspace, vfs));
    let mut id_of = |path: &_| {
        let path: AbsPathBuf = Into::<AbsPathBuf>::into(ToOwned::to_owned(path));
        vfs.file_id(&path.into()).map(|(file, _)| file)
    };
    let (crates, _) = workspace.to_crate_graph(&mut id_of, &FxHashMap::default());
    change.set_crate_graph(crates);
    change
}

/// One root a package. All but the package of the source file are libraries: they do not change, so what has been
/// found out about them is not looked at again after each letter typed.
fn source_roots(workspace: &ProjectWorkspace, vfs: &Vfs) -> Vec<SourceRoot> {
    let roots = workspace.to_roots();
    let own = workspace.workspace_root();
    let mut sets = FileSetConfig::builder();
    let mut changes = Vec::new();
    for root in roots {
        changes.push(root.include.iter().any(|folder| folder.starts_with(own)));
        sets.add_file_set(root.include.into_iter().map(VfsPath::from).collect());
    }
    let sets = sets.build().partition(vfs).into_iter();
    sets.enumerate()
        .map(|(at, set)| match changes.get(at) {
            Some(true) => SourceRoot::new_local(set),
            _ => SourceRoot::new_library(set),
        })
        .collect()
}

/// An item as a front end takes it; `None` for one that is more than a word at the cursor.
fn completion(item: CompletionItem, source: &str) -> Option<Completion> {
    let mut edits = item.text_edit.iter();
    let edit = edits.next().filter(|_| edits.next().is_none())?;
    let typed = source.get(usize::from(edit.delete.start())..usize::from(edit.delete.end()))?;
    item.lookup().starts_with(typed).then(|| Completion {
        text: edit.insert.clone(),
        kind: icon(item.kind),
        detail: item.detail.unwrap_or_default(),
    })
}

fn icon(kind: CompletionItemKind) -> &'static str {
    match kind {
        CompletionItemKind::SymbolKind(symbol) => match symbol {
            SymbolKind::Function
            | SymbolKind::Method
            | SymbolKind::Macro
            | SymbolKind::ProcMacro => "function",
            SymbolKind::Struct
            | SymbolKind::Union
            | SymbolKind::TypeAlias
            | SymbolKind::SelfType => "class",
            SymbolKind::Enum => "enum",
            SymbolKind::Trait => "interface",
            SymbolKind::Module | SymbolKind::CrateRoot => "module",
            SymbolKind::Field => "property",
            SymbolKind::Const | SymbolKind::Static | SymbolKind::Variant => "value",
            _ => "instance",
        },
        CompletionItemKind::Keyword => "keyword",
        CompletionItemKind::BuiltinType => "class",
        _ => "instance",
    }
}

/// Names alone: no snippets, no imports, no invented expressions.
fn completion_config() -> CompletionConfig<'static> {
    CompletionConfig {
        enable_postfix_completions: false,
        enable_imports_on_the_fly: false,
        enable_self_on_the_fly: false,
        enable_auto_iter: false,
        enable_auto_await: false,
        enable_private_editable: false,
        enable_term_search: false,
        term_search_fuel: 0,
        full_function_signatures: true,
        callable: None,
        add_colons_to_module: false,
        add_semicolon_to_unit: false,
        snippet_cap: None,
        insert_use: InsertUseConfig {
            granularity: ImportGranularity::Item,
            enforce_granularity: false,
            prefix_kind: ra_ap_hir::PrefixKind::ByCrate,
            group: false,
            skip_glob_imports: false,
        },
        prefer_no_std: false,
        prefer_prelude: true,
        prefer_absolute: false,
        snippets: Vec::new(),
        limit: None,
        fields_to_resolve: CompletionFieldsToResolve::empty(),
        exclude_flyimport: Vec::new(),
        exclude_traits: &[],
        ra_fixture: RaFixtureConfig::default(),
    }
}

fn hover_config() -> HoverConfig<'static> {
    HoverConfig {
        links_in_hover: false,
        memory_layout: None,
        documentation: true,
        keywords: true,
        format: HoverDocFormat::Markdown,
        max_trait_assoc_items_count: Some(10),
        max_fields_count: Some(8),
        max_enum_variants_count: Some(8),
        max_subst_ty_len: SubstTyLen::Unlimited,
        show_drop_glue: false,
        ra_fixture: RaFixtureConfig::default(),
    }
}
