//! libtorch for the CPU: a user's own where `LIBTORCH` or `LIBTORCH_USE_PYTORCH` name one, else ours.

use std::env;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use indicatif::DecimalBytes;

use super::console::Console;
use super::place::{
    LIBTORCH_VERSION, Place, bytes_under, folder_from_env, make_folder, remove, write_whole,
};
use super::wheels::{LIBRARIES, WHEELS};
use super::{Part, State, Step, pip, prerequisites, python};

/// Bytes on disk while the wheels and what is taken from them lie side by side; pip copies a wheel once.
const SPACE_TO_PROVIDE: u64 = 1_100_000_000;

/// A header that every complete libtorch has.
const A_HEADER: &str = "include/torch/csrc/api/include/torch/torch.h";

/// Where libtorch comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    /// Ours, in the cache folder.
    Provided,
    /// The user's, named by `LIBTORCH` now or by the link since an earlier run.
    Own(PathBuf),
    /// The torch package of the Python in use, asked for by `LIBTORCH_USE_PYTORCH`.
    Python,
}

impl Source {
    fn of(place: &Place) -> Source {
        if env::var_os("LIBTORCH_USE_PYTORCH").is_some() {
            return Source::Python;
        }
        Source::choose(place, folder_from_env("LIBTORCH"))
    }

    /// A run through cargo has `LIBTORCH` set to the link: that is no choice of the user's.
    fn choose(place: &Place, libtorch: Option<PathBuf>) -> Source {
        let ours = [place.libtorch_link(), place.libtorch()];
        if let Some(own) = libtorch.filter(|path| !ours.contains(path)) {
            return Source::Own(own);
        }
        match fs::read_link(place.libtorch_link()) {
            Ok(linked) if linked != place.libtorch() && fault_of_own(&linked).is_none() => {
                Source::Own(linked)
            }
            _ => Source::Provided,
        }
    }

    /// The folder with `lib` and `include`, and what is wrong with it.
    fn examine(&self, place: &Place) -> (Option<PathBuf>, State) {
        match self {
            Source::Provided => {
                let folder = place.libtorch();
                let state = state_of_provided(&folder);
                (Some(folder), state)
            }
            Source::Own(folder) => {
                let state = match fault_of_own(folder) {
                    None => State::Ok,
                    Some(fault) => State::Wrong(format!(
                        "LIBTORCH is {}, and {fault}. Set it to a libtorch {LIBTORCH_VERSION}, or unset it and one is provided",
                        folder.display()
                    )),
                };
                (Some(folder.clone()), state)
            }
            Source::Python => match torch_of_python() {
                Ok(folder) => (Some(folder), State::Ok),
                Err(error) => (
                    None,
                    State::Wrong(format!("LIBTORCH_USE_PYTORCH is set, and {error:#}")),
                ),
            },
        }
    }
}

/// Whether `LIBTORCH` names a folder of the user's own, so that cargo's setting must not replace it.
pub(super) fn is_own_choice(place: &Place) -> bool {
    folder_from_env("LIBTORCH").is_some_and(|path| path != place.libtorch_link())
}

/// libtorch itself.
pub(super) struct Libtorch;

impl Step for Libtorch {
    fn inspect(&self, place: &Place) -> Part {
        let (path, state) = Source::of(place).examine(place);
        let version = path.as_deref().and_then(version_of);
        Part {
            name: "libtorch",
            state,
            needed: true,
            path,
            version,
        }
    }

    fn provide(&self, place: &Place) -> Result<()> {
        let source = Source::of(place);
        if let (_, State::Wrong(fault)) = source.examine(place)
            && source != Source::Provided
        {
            bail!(fault);
        }
        let there = bytes_under(&place.downloads()) + bytes_under(&place.scratch());
        let space = SPACE_TO_PROVIDE.saturating_sub(there);
        prerequisites::need_space(&place.home, space, "libtorch")?;
        if python::Environment.inspect(place).state != State::Ok {
            python::Environment.provide(place)?;
        }
        let console = Console::begin("libtorch");
        make_folder(&place.downloads())?;
        for wheel in &WHEELS {
            pip::download(place, wheel, &console)?;
        }
        let unpacked = unpack(place, &console);
        remove(&place.scratch())?;
        unpacked?;
        remove(&place.downloads())?;
        let kept: u64 = LIBRARIES.iter().map(|(_, bytes)| bytes).sum();
        console.done(&format!(
            "version {LIBTORCH_VERSION} for the CPU, {} of libraries in {}",
            DecimalBytes(kept),
            place.libtorch().display()
        ));
        Ok(())
    }
}

/// Unpacks the downloaded wheels beside the final folder and moves it there in one step.
fn unpack(place: &Place, console: &Console) -> Result<()> {
    let folder = place.scratch().join("libtorch");
    remove(&folder)?;
    make_folder(&folder)?;
    for wheel in &WHEELS {
        let mut written = 0;
        wheel.unpack(
            &place.downloads().join(wheel.file),
            &folder,
            |bytes, total| {
                written += bytes;
                console.bytes(&format!("unpacking {}", wheel.file), written, total);
            },
        )?;
    }
    symlink("libtorch_cpu.so", folder.join("lib/libtorch.so"))
        .context("cannot make the link libtorch.so")?;
    // torch-sys compares this file with the version it is written for.
    write_whole(&folder.join("build-version"), LIBTORCH_VERSION.as_bytes())?;
    for (library, _) in LIBRARIES {
        // Names must not outlive their content: a crash after the move must not leave an empty library.
        fs::File::open(folder.join("lib").join(library))
            .and_then(|file| file.sync_all())
            .with_context(|| format!("cannot store {library}"))?;
    }
    if let State::Wrong(fault) = state_of_provided(&folder) {
        bail!("what was unpacked is not whole: {fault}");
    }
    remove(&place.libtorch())?;
    fs::rename(&folder, place.libtorch())
        .with_context(|| format!("cannot move libtorch to {}", place.libtorch().display()))
}

/// Compares the folder that we provide with what the wheels leave.
fn state_of_provided(folder: &Path) -> State {
    if !folder.exists() {
        return State::Missing;
    }
    let size = |name: &str| fs::metadata(folder.join("lib").join(name)).map(|meta| meta.len());
    for (library, bytes) in LIBRARIES {
        if !size(library).is_ok_and(|found| found == bytes) {
            return State::Wrong(format!("lib/{library} is not the one that belongs there"));
        }
    }
    if size("libtorch.so").is_err() || !folder.join(A_HEADER).is_file() {
        return State::Wrong("parts of it are gone".to_owned());
    }
    if build_version(folder).as_deref() != Some(LIBTORCH_VERSION) {
        return State::Wrong("its version file is not the one that belongs there".to_owned());
    }
    State::Ok
}

/// What keeps a user's own folder from being used, if anything does.
fn fault_of_own(folder: &Path) -> Option<String> {
    if folder.is_relative() {
        return Some("a build looks at it from elsewhere: give the whole path".to_owned());
    }
    if !folder.join("lib/libtorch_cpu.so").is_file() {
        return Some("it holds no lib/libtorch_cpu.so".to_owned());
    }
    if !folder.join(A_HEADER).is_file() {
        return Some("it holds no headers in include".to_owned());
    }
    if env::var_os("LIBTORCH_BYPASS_VERSION_CHECK").is_some() {
        return None;
    }
    let version = version_of(folder)?;
    let number = version.split('+').next()?;
    (number != LIBTORCH_VERSION)
        .then(|| format!("its version is {version}, not {LIBTORCH_VERSION}"))
}

/// The version a libtorch says it has, such as `2.13.0+cu130`; none where it does not say.
fn version_of(folder: &Path) -> Option<String> {
    build_version(folder).or_else(|| {
        let text = fs::read_to_string(folder.join("version.py")).ok()?;
        version_in_python(&text)
    })
}

fn build_version(folder: &Path) -> Option<String> {
    let text = fs::read_to_string(folder.join("build-version")).ok()?;
    Some(text.trim().to_owned())
}

/// The value in `__version__ = '2.13.0+cu130'`.
fn version_in_python(text: &str) -> Option<String> {
    let value = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("__version__"))?
        .trim_start_matches([' ', '=', ':']);
    Some(value.trim_matches(['\'', '"', ' ']).to_owned())
}

/// The torch package of the Python that torch-sys would ask, found without importing it, which takes seconds.
fn torch_of_python() -> Result<PathBuf> {
    let python = match env::var_os("VIRTUAL_ENV") {
        Some(_) => "python",
        None => "python3",
    };
    let find =
        "import importlib.util as u; print(u.find_spec('torch').submodule_search_locations[0])";
    let output = Command::new(python)
        .args(["-c", find])
        .output()
        .with_context(|| format!("`{python}` cannot be run"))?;
    if !output.status.success() {
        bail!("`{python}` has no torch: `{python} -m pip install torch=={LIBTORCH_VERSION}`");
    }
    let folder = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    match fault_of_own(&folder) {
        None => Ok(folder),
        Some(fault) => bail!(
            "the torch of `{python}` is {}, and {fault}: `{python} -m pip install torch=={LIBTORCH_VERSION}`",
            folder.display()
        ),
    }
}

/// The name in the clone through which cargo, and so every later build, finds libtorch.
pub(super) struct Link;

impl Step for Link {
    fn inspect(&self, place: &Place) -> Part {
        let link = place.libtorch_link();
        let (wanted, _) = Source::of(place).examine(place);
        let state = match fs::read_link(&link) {
            Ok(found) if Some(&found) == wanted.as_ref() => State::Ok,
            Ok(found) => State::Wrong(format!("it points to {}", found.display())),
            Err(_) => State::Missing,
        };
        Part {
            name: "link to libtorch",
            state,
            needed: true,
            path: Some(link),
            version: None,
        }
    }

    fn provide(&self, place: &Place) -> Result<()> {
        let (Some(target), _) = Source::of(place).examine(place) else {
            bail!("no libtorch to link to");
        };
        let link = place.libtorch_link();
        remove(&link)?;
        symlink(&target, &link)
            .with_context(|| format!("cannot link {} to {}", link.display(), target.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(folder: &Path) -> Place {
        let place = Place {
            home: folder.join("home"),
            checkout: folder.join("clone"),
        };
        make_folder(&place.checkout.join(".cargo")).unwrap();
        place
    }

    /// A folder that looks like somebody's libtorch of a version.
    fn own(folder: &Path, version: &str) -> PathBuf {
        let own = folder.join(format!("own-{version}"));
        for file in ["lib/libtorch_cpu.so", A_HEADER] {
            make_folder(own.join(file).parent().unwrap()).unwrap();
            fs::write(own.join(file), "").unwrap();
        }
        fs::write(own.join("build-version"), format!("{version}\n")).unwrap();
        own
    }

    #[test]
    fn libtorch_as_cargo_sets_it_is_no_choice() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let by_cargo = Some(place.libtorch_link());
        assert_eq!(Source::choose(&place, by_cargo), Source::Provided);
        assert_eq!(Source::choose(&place, None), Source::Provided);
        assert_eq!(
            Source::choose(&place, Some(place.libtorch())),
            Source::Provided
        );
    }

    #[test]
    fn a_libtorch_of_ones_own_is_remembered_by_the_link() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let own = own(folder.path(), "2.13.0+cu130");
        let chosen = Source::choose(&place, Some(own.clone()));
        assert_eq!(chosen, Source::Own(own.clone()));
        assert_eq!(chosen.examine(&place).1, State::Ok);
        symlink(&own, place.libtorch_link()).unwrap();
        assert_eq!(Source::choose(&place, None), Source::Own(own.clone()));
        remove(&own).unwrap();
        assert_eq!(Source::choose(&place, None), Source::Provided);
    }

    #[test]
    fn another_version_is_refused_with_both_versions() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        let source = Source::Own(own(folder.path(), "2.9.1+cpu"));
        let (_, State::Wrong(fault)) = source.examine(&place) else {
            panic!("2.9.1 was taken");
        };
        assert!(fault.contains("2.9.1+cpu, not 2.13.0"), "{fault}");
    }

    #[test]
    fn a_cut_off_library_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let place = place(folder.path());
        assert_eq!(state_of_provided(&place.libtorch()), State::Missing);
        make_folder(&place.libtorch().join("lib")).unwrap();
        fs::write(place.libtorch().join("lib/libc10.so"), "short").unwrap();
        let State::Wrong(fault) = state_of_provided(&place.libtorch()) else {
            panic!("a library of five bytes was taken");
        };
        assert!(fault.contains("libc10.so"), "{fault}");
    }

    #[test]
    fn the_version_is_read_from_either_file() {
        let text = "from typing import Optional\n\n__all__ = ['__version__', 'debug']\n__version__ = '2.13.0+cu130'\ndebug = False\n";
        assert_eq!(version_in_python(text).as_deref(), Some("2.13.0+cu130"));
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("version.py"), text).unwrap();
        assert_eq!(version_of(folder.path()).as_deref(), Some("2.13.0+cu130"));
        fs::write(folder.path().join("build-version"), "2.13.0\n").unwrap();
        assert_eq!(version_of(folder.path()).as_deref(), Some("2.13.0"));
    }
}
