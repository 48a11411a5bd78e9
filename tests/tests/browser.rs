//! JupyterLab and Notebook 7 in a real browser, driven by `tests/browser`: what a learner sees and presses.
//!
//! Skipped, with the reason, where there is no Chromium or no Node. Pictures of the page are left in
//! `target/browser`.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::env;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

/// The names under which Chromium is installed.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];

#[test]
fn jupyterlab_in_a_browser() {
    run("tour.test.mjs");
}

#[test]
fn notebook_7_in_a_browser() {
    run("notebook7.test.mjs");
}

fn run(file: &str) {
    // One page at a time: two would wait for each other's cells.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock();
    match tools() {
        Ok(tools) => tools.run(file),
        Err(reason) => println!("skipped: {reason}"),
    }
}

/// What the tests need that a machine may lack.
struct Tools {
    chromium: PathBuf,
    node: PathBuf,
    /// Where playwright-core is.
    packages: PathBuf,
}

fn tools() -> Result<Tools, String> {
    let chromium = env::var_os("CHROMIUM")
        .map(PathBuf::from)
        .or_else(|| BROWSERS.iter().find_map(|name| on_path(name)))
        .ok_or("no Chromium: `apt install chromium` brings one, or set CHROMIUM")?;
    let node = on_path("node").ok_or("no Node: `apt install nodejs npm` brings it")?;
    let npm = on_path("npm").ok_or("no npm: `apt install npm` brings it")?;
    let packages = tests::python::home()
        .map_err(|error| error.to_string())?
        .join("browser");
    install(&npm, &packages)?;
    tests::python::install("notebook", "7.6.2").map_err(|error| error.to_string())?;
    Ok(Tools {
        chromium,
        node,
        packages,
    })
}

/// Fetches what `tests/browser/package.json` names, the first time.
fn install(npm: &Path, packages: &Path) -> Result<(), String> {
    let wanted = folder().join("package.json");
    let have = packages.join("package.json");
    let same = || Some(std::fs::read(&wanted).ok()? == std::fs::read(&have).ok()?);
    if same() == Some(true) && packages.join("node_modules/playwright-core").is_dir() {
        return Ok(());
    }
    let broken = |error: std::io::Error| error.to_string();
    std::fs::create_dir_all(packages).map_err(broken)?;
    std::fs::copy(&wanted, &have).map_err(broken)?;
    let output = Command::new(npm)
        .args(["install", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(packages)
        .stdin(Stdio::null())
        .output()
        .map_err(broken)?;
    match output.status.success() {
        true => Ok(()),
        false => Err(format!(
            "npm cannot fetch playwright-core: {}",
            String::from_utf8_lossy(&output.stderr)
        )),
    }
}

impl Tools {
    fn run(&self, file: &str) {
        let repository = folder().join("../..").canonicalize().unwrap();
        let screenshots = tests::programs::built("cvstudy")
            .unwrap()
            .with_file_name("../browser");
        std::fs::create_dir_all(&screenshots).unwrap();
        let python = tests::python::command().unwrap();
        let output = Command::new(&self.node)
            .args(["--test", "--test-reporter=spec"])
            .arg(folder().join(file))
            .env("CVSTUDY", tests::programs::built("cvstudy").unwrap())
            .env("PYTHON", python.get_program())
            .env("CHROMIUM", &self.chromium)
            .env("PACKAGES", &self.packages)
            .env("REPOSITORY", repository)
            .env("SCREENSHOTS", &screenshots)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        println!("{said}pictures: {}", screenshots.display());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("browser")
}

/// A program on the search path.
fn on_path(name: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|program| program.is_file())
}
