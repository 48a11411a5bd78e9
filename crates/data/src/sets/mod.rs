//! The course's data sets: the real one where it has been unpacked, else a generated stand-in.
//!
//! - [`recipe`]: what is generated: classes, folders, how many pictures
//! - [`make`]: generating, resuming, checking against the manifest
//! - [`intel`]: finding the real Intel set
//!
//! Generated sets lie in the cache folder, with a link to each in `data/`.

pub mod intel;
pub mod make;
pub mod recipe;

use std::fmt;
use std::path::{Path, PathBuf};

use crate::DataError;
pub use make::Progress;
pub use recipe::Recipe;

/// A data set on disk, in the ImageFolder layout: a folder for each class.
#[derive(Clone, PartialEq, Eq)]
pub struct DataSet {
    name: String,
    root: PathBuf,
    real: bool,
    train: PathBuf,
    test: PathBuf,
    unlabelled: Option<PathBuf>,
}

impl DataSet {
    /// Its name: `scenes`, `sea-animals` or `source`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The folder that holds all of it.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Whether these are photographs, not generated stand-ins.
    pub fn is_real(&self) -> bool {
        self.real
    }

    /// The pictures to train with: a folder for each class.
    pub fn train(&self) -> &Path {
        &self.train
    }

    /// The pictures to test with: a folder for each class.
    pub fn test(&self) -> &Path {
        &self.test
    }

    /// Pictures without labels, if the set has some.
    pub fn unlabelled(&self) -> Option<&Path> {
        self.unlabelled.as_deref()
    }
}

impl fmt::Debug for DataSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.real {
            "real photographs"
        } else {
            "generated stand-ins"
        };
        write!(f, "{}: {kind}, in {}", self.name, self.root.display())
    }
}

impl rt::Show for DataSet {
    fn show(&self) -> rt::Bundle {
        rt::Bundle::text(format!("{self:?}"))
    }
}

/// The scenes: the real Intel set if it has been unpacked in `data/` or in the cache folder, else the
/// generated one, which is made now if it is not there.
///
/// ```no_run
/// let scenes = data::scenes()?;
/// println!("{scenes:?}");
/// # Ok::<(), data::DataError>(())
/// ```
///
/// # Errors
/// When the cache folder cannot be written to.
pub fn scenes() -> Result<DataSet, DataError> {
    if let Some(real) = intel::find(&intel::usual_places()) {
        return Ok(real);
    }
    Recipe::scenes().provide()
}

/// The sea animals, dolphin, shark and whale: 60 pictures of each to train with, generated if need be.
///
/// # Errors
/// When the cache folder cannot be written to.
pub fn sea_animals() -> Result<DataSet, DataError> {
    Recipe::sea_animals().provide()
}

/// The source task, twelve other things of the sea to pre-train on, generated if need be.
///
/// # Errors
/// When the cache folder cannot be written to.
pub fn source_task() -> Result<DataSet, DataError> {
    Recipe::source().provide()
}

/// The folder for everything that this project generates: `CVSTUDY_HOME`, else `cvstudy` in the user's cache
/// folder.
pub(crate) fn home() -> PathBuf {
    let set = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("CVSTUDY_HOME")
        .or_else(|| set("XDG_CACHE_HOME").map(|cache| cache.join("cvstudy")))
        .or_else(|| set("HOME").map(|home| home.join(".cache/cvstudy")))
        .unwrap_or_else(|| std::env::temp_dir().join("cvstudy"))
}

/// The folder `data/` of the clone that this library was built from, while that is there.
pub(crate) fn project_data() -> Option<PathBuf> {
    let clone = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2)?;
    Some(clone.join("data")).filter(|folder| folder.is_dir())
}
