//! `cvstudy data`: the sets from a terminal.

use std::path::{Path, PathBuf};

use clap::{Parser, Subcommand};

use crate::sets::{intel, make};
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
    let warehouse = Warehouse::open(&options.what)?;
    let findings = warehouse.findings()?;
    println!("{findings:?}");
    if let Some(file) = &options.report {
        warehouse.report(file)?;
        println!("\nwith pictures: {}", file.display());
    }
    Ok(i32::from(!findings.all.is_empty()))
}

fn check_set(recipe: &Recipe) -> Result<i32, DataError> {
    let name = recipe.name();
    let root = recipe.root();
    if !make::is_complete(recipe, &root) {
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

fn path(name: &str) -> Result<i32, DataError> {
    let recipe = Recipe::named(name)?;
    let real = intel::find(&intel::usual_places()).filter(|set| set.name() == recipe.name());
    println!(
        "{}",
        real.as_ref()
            .map_or(recipe.root(), |set: &DataSet| set.root().to_path_buf())
            .display()
    );
    Ok(0)
}
