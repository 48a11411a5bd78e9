//! `cvstudy data`: the sets from a terminal.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::files::NO_PICTURE;
use crate::sets::{intel, make};
use crate::warehouse::finding::NEAR;
use crate::warehouse::{Findings, Refreshed};
use crate::{DataError, DataSet, Recipe, Warehouse};

/// Data sets: see, make and check them.
#[derive(Debug, Parser)]
#[command(name = "cvstudy data")]
struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show every set: whether it is there, how large, where
    List,
    /// Generate sets; what is there already is kept
    Make(MakeOptions),
    /// Compare a generated set with its manifest, or look for what is wrong in a folder of pictures
    Check(CheckOptions),
    /// Print the folder of a set
    Path {
        /// The name of a set
        set: String,
    },
}

#[derive(Debug, clap::Args)]
struct MakeOptions {
    /// The names of sets; without any, all
    sets: Vec<String>,
    /// Pictures to train with, of each class
    #[arg(long)]
    train: Option<usize>,
    /// Pictures to test with, of each class
    #[arg(long)]
    test: Option<usize>,
    /// Which pictures
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// Where, instead of the cache folder
    #[arg(long, value_name = "FOLDER")]
    to: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
struct CheckOptions {
    /// The name of a set, or a folder
    what: String,
    /// For a folder: print every finding with all its paths, and all that was passed over
    #[arg(long)]
    all: bool,
    /// For a folder: print all that as JSON
    #[arg(long, conflicts_with = "all")]
    json: bool,
    /// For a folder: in how many of 64 bits the looks of near duplicates may differ
    #[arg(long, value_name = "BITS", default_value_t = NEAR)]
    radius: u32,
    /// For a folder: write all findings with pictures to this HTML file
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Does what the arguments of `cvstudy data` ask, and returns the exit status: 0 when all went well, 1 when
/// something was found or failed, 2 when the arguments make no sense.
pub fn cli(arguments: impl IntoIterator<Item = String>) -> i32 {
    let arguments = std::iter::once("cvstudy data".to_string()).chain(arguments);
    let options = match Options::try_parse_from(arguments) {
        Ok(options) => options,
        Err(error) => {
            // Help is printed this way as well.
            let _ = error.print();
            return error.exit_code();
        }
    };
    let done = match options.command {
        Command::List => list(),
        Command::Make(options) => make_sets(&options),
        Command::Check(options) => check(&options),
        Command::Path { set } => path(&set),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error}");
        1
    })
}

fn list() -> Result<i32, DataError> {
    let real = intel::find(&intel::usual_places());
    for recipe in Recipe::all() {
        let root = recipe.root();
        let state = if make::is_complete(&recipe, &root) {
            "made"
        } else {
            "made on first use"
        };
        println!(
            "{:<12} {:>6} pictures, {:>2} classes, generated, {state}: {}",
            recipe.name(),
            recipe.pictures(),
            recipe.classes().len(),
            root.display()
        );
    }
    match real {
        Some(real) => println!(
            "\nThe real Intel set is used for scenes: {}",
            real.root().display()
        ),
        None => println!(
            "\nThe real Intel set has not been found. Unpack Kaggle's archive in data/ to use it for scenes."
        ),
    }
    Ok(0)
}

fn make_sets(options: &MakeOptions) -> Result<i32, DataError> {
    let mut recipes = if options.sets.is_empty() {
        Recipe::all().to_vec()
    } else {
        options
            .sets
            .iter()
            .map(|name| Recipe::named(name))
            .collect::<Result<_, _>>()?
    };
    if options.to.is_some() && recipes.len() != 1 {
        return Err(DataError::Setting("--to takes one set: name it".into()));
    }
    for recipe in &mut recipes {
        recipe.seed = options.seed;
        recipe.train = options.train.unwrap_or(recipe.train);
        recipe.test = options.test.unwrap_or(recipe.test);
        let root = options.to.clone().unwrap_or_else(|| recipe.root());
        let painted = make::make(recipe, &root, &make::print_progress)?;
        println!(
            "{}: {painted} pictures painted, in {}",
            recipe.name(),
            root.display()
        );
    }
    Ok(0)
}

fn check(options: &CheckOptions) -> Result<i32, DataError> {
    match Recipe::named(&options.what) {
        Ok(recipe) => check_set(&recipe),
        Err(_) if Path::new(&options.what).is_dir() => check_folder(options),
        Err(unknown) => Err(unknown),
    }
}

/// Opens the folder as a warehouse and tells what it finds.
fn check_folder(options: &CheckOptions) -> Result<i32, DataError> {
    let warehouse = Warehouse::open_with(&options.what, &mut told())?;
    if let Some(reason) = warehouse.refusal() {
        eprintln!("the folder cannot be written to ({reason}): its index is in the cache folder");
    }
    let findings = warehouse.findings_within(options.radius)?;
    let omissions = Omissions::of(warehouse.refreshed());
    if options.json {
        println!("{:#}", as_json(&findings, &omissions));
    } else {
        println!("{findings:?}");
        if options.all {
            print!("{}", every(&findings));
        }
        print!("{}", omissions.as_text(options.all));
    }
    if let Some(file) = &options.report {
        warehouse.report_of(&findings, file)?;
        eprintln!("\nwith pictures: {}", file.display());
    }
    Ok(i32::from(!findings.all.is_empty() || omissions.are_grave()))
}

/// Prints how many pictures have been read, over the last line; nothing when it is done at once.
fn told() -> impl FnMut(usize, usize) {
    let mut shown = false;
    move |done, of| {
        shown |= done < of;
        if shown {
            let end = if done == of { "\n" } else { "" };
            eprint!("\r{done} of {of} pictures read{end}");
        }
    }
}

/// What a look at a folder has not taken in, by the reasons.
struct Omissions(BTreeMap<String, Vec<String>>);

impl Omissions {
    fn of(refreshed: &Refreshed) -> Self {
        let mut by_reason: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let unnamed = refreshed.unnamed.iter().map(|path| (path, NO_TEXT));
        let passed = refreshed.passed_over.iter();
        let passed = passed.map(|(path, reason)| (path, reason.as_str()));
        for (path, reason) in passed.chain(unnamed) {
            let paths = by_reason.entry(reason.to_string()).or_default();
            paths.push(path.to_string_lossy().into_owned());
        }
        Self(by_reason)
    }

    /// A line for each reason, with the first paths or with all.
    fn as_text(&self, all: bool) -> String {
        let mut text = String::new();
        for (reason, paths) in &self.0 {
            let most = if all { paths.len() } else { 3 };
            // Writing to a text cannot fail.
            let _ = write!(text, "\npassed over, {reason}: {}", paths.len());
            for path in paths.iter().take(most) {
                let _ = write!(text, "\n    {path:?}");
            }
            if paths.len() > most {
                let _ = write!(text, "\n    and {} more (--all)", paths.len() - most);
            }
            text.push('\n');
        }
        text
    }

    /// Whether there may be pictures among them.
    fn are_grave(&self) -> bool {
        self.0.keys().any(|reason| reason != NO_PICTURE)
    }
}

/// Why a picture is passed over whose name the index cannot hold.
const NO_TEXT: &str = "its name is no text; rename it";

/// Every finding with its paths.
fn every(findings: &Findings) -> String {
    let mut text = String::new();
    for finding in &findings.all {
        let _ = write!(text, "\n{}", finding.issue.name());
        if !finding.detail.is_empty() {
            let _ = write!(text, " ({})", finding.detail);
        }
        for path in &finding.paths {
            let _ = write!(text, "\n    {path:?}");
        }
    }
    text.push('\n');
    text
}

fn as_json(findings: &Findings, omissions: &Omissions) -> serde_json::Value {
    let found: Vec<_> = findings
        .all
        .iter()
        .map(|finding| {
            serde_json::json!({
                "issue": finding.issue.name(),
                "paths": finding.paths,
                "detail": finding.detail,
            })
        })
        .collect();
    serde_json::json!({
        "pictures": findings.of,
        "findings": found,
        "passed_over": omissions.0,
    })
}

fn check_set(recipe: &Recipe) -> Result<i32, DataError> {
    let name = recipe.name();
    let root = recipe.root();
    if !make::is_complete(recipe, &root) {
        if let Some(real) = real(recipe) {
            println!(
                "the real set is used for {name}, which has no manifest here: cvstudy data check {:?} looks for what is wrong in it",
                real.root()
            );
            return Ok(0);
        }
        println!("{name} has not been made, or not to its end: cvstudy data make {name}");
        return Ok(1);
    }
    let difference = make::check(&root)?;
    for (what, paths) in [
        ("missing", &difference.missing),
        ("changed", &difference.changed),
        ("extra", &difference.extra),
    ] {
        for path in paths {
            println!("{what}: {path:?}");
        }
    }
    if difference.is_none() {
        println!("{name}: every file is as it was made");
        return Ok(0);
    }
    println!("\ncvstudy data make {name} mends what is missing or changed.");
    Ok(1)
}

/// The photographs that are used instead of what the recipe makes, if there are some.
fn real(recipe: &Recipe) -> Option<DataSet> {
    intel::find(&intel::usual_places()).filter(|set| set.name() == recipe.name())
}

fn path(name: &str) -> Result<i32, DataError> {
    let recipe = Recipe::named(name)?;
    println!(
        "{}",
        real(&recipe)
            .as_ref()
            .map_or(recipe.root(), |set: &DataSet| set.root().to_path_buf())
            .display()
    );
    Ok(0)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn everything_that_was_passed_over_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let picture = vision::Image::filled(9, 9, [40, 90, 9]).unwrap();
        for name in ["sea/a.png", "lake/b.png"] {
            fs::create_dir_all(at(name).parent().unwrap()).unwrap();
            picture.save(at(name)).unwrap();
        }
        let no_text = OsStr::from_bytes(b"sea/\xFF.png");
        fs::copy(at("sea/a.png"), folder.path().join(no_text)).unwrap();
        std::os::unix::fs::symlink("nowhere", at("sea/link.png")).unwrap();
        for number in 0..5 {
            fs::write(at(&format!("notes {number}.txt")), b"").unwrap();
        }
        let warehouse = Warehouse::open(folder.path()).unwrap();
        let omissions = Omissions::of(warehouse.refreshed());
        let text = omissions.as_text(false);
        for told in [
            format!("{NO_PICTURE}: 5").as_str(),
            "and 2 more",
            "is no text; rename it: 1",
            "link.png",
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
        assert!(omissions.are_grave());
        assert!(omissions.as_text(true).contains("notes 4.txt"));

        let findings = warehouse.findings().unwrap();
        let every = every(&findings);
        assert!(every.contains("label conflict") && every.contains("lake/b.png"));
        let json = as_json(&findings, &omissions);
        assert_eq!(json["pictures"], 2);
        assert_eq!(json["findings"][0]["issue"], "label conflict");
        assert_eq!(json["passed_over"][NO_PICTURE].as_array().unwrap().len(), 5);
    }

    #[test]
    fn arguments_that_do_not_fit_together_are_refused() {
        let check = |rest: &[&str]| {
            let words = ["cvstudy data", "check", "."].iter().chain(rest);
            Options::try_parse_from(words)
        };
        assert!(check(&["--all", "--radius", "5"]).is_ok());
        assert!(check(&["--all", "--json"]).is_err());
    }
}
