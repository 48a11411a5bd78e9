//! Bringing pictures into a warehouse, and parting them into training and testing: plans, as all changes are.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Picture, Plan, Warehouse, finding};
use crate::files::pictures;
use crate::{DataError, Random};

impl Warehouse {
    /// A plan that copies pictures from outside into a folder of the warehouse: a picture, or all pictures below
    /// a folder, which keep their folders. What is in the warehouse already, byte by byte, is left out, and so is
    /// what comes twice. A name that another picture has gets a part of the hash.
    ///
    /// [`undo`](Self::undo) sets the copies aside; the originals are never touched.
    ///
    /// # Errors
    /// When the pictures cannot be read, there are none, they are in the warehouse itself, or a name is no text.
    pub fn plan_import(&self, from: impl AsRef<Path>, folder: &str) -> Result<Plan, DataError> {
        let from = from.as_ref();
        let whole =
            |path: &Path| fs::canonicalize(path).map_err(DataError::io("cannot be read", path));
        let from = whole(from)?;
        if from.starts_with(whole(&self.root)?) {
            let problem = "lies in the warehouse; plan_move is for that";
            return Err(DataError::content(&from, problem));
        }
        let (found, above): (Vec<PathBuf>, &Path) = if from.is_file() {
            (vec![from.clone()], from.parent().unwrap_or(&from))
        } else {
            (pictures(&from)?.files, &from)
        };
        if found.is_empty() {
            return Err(DataError::content(&from, "has no pictures"));
        }
        let (mut known, mut taken) = (HashSet::new(), HashSet::new());
        for picture in self.pictures()? {
            known.insert(picture.hash);
            taken.insert(picture.path);
        }
        let mut moves = Vec::new();
        for path in &found {
            rt::checkpoint();
            let bytes = fs::read(path).map_err(DataError::io("cannot be read", path))?;
            let hash = blake3::hash(&bytes).to_hex().to_string();
            if !known.insert(hash.clone()) {
                continue;
            }
            let inside = path.strip_prefix(above).unwrap_or(path);
            let (Some(source), Some(inside)) = (path.to_str(), inside.to_str()) else {
                let problem = "has a name that is no text; rename it first";
                return Err(DataError::content(path, problem));
            };
            let target = Path::new(folder.trim_matches('/')).join(inside);
            let target = free_name(&target.to_string_lossy(), &hash, &mut taken);
            moves.push((source.to_string(), target));
        }
        let left_out = found.len() - moves.len();
        let what = match left_out {
            0 => format!("import {}", from.display()),
            _ => format!(
                "import {}, without {left_out} that are there already",
                from.display()
            ),
        };
        Ok(Plan { what, moves })
    }

    /// A plan that parts all labelled pictures into splits: they move to `split/label/`. Each label is parted by
    /// the same fractions, and which picture goes where is decided by the seed.
    ///
    /// Pictures of the same content or look stay together, so that nothing leaks from training into testing. Of two
    /// that would get one name the second gets a part of its hash as well.
    ///
    /// ```no_run
    /// # use data::Warehouse;
    /// let mut warehouse = Warehouse::open("photographs")?;
    /// let plan = warehouse.plan_split(&[("train", 0.8), ("val", 0.1), ("test", 0.1)], 1)?;
    /// warehouse.apply(&plan)?;
    /// # Ok::<(), data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Setting`] when the fractions do not add up to 1.
    pub fn plan_split(&self, parts: &[(&str, f64)], seed: u64) -> Result<Plan, DataError> {
        let sum: f64 = parts.iter().map(|(_, fraction)| fraction).sum();
        if (sum - 1.0).abs() > 1e-6 || parts.iter().any(|(_, fraction)| *fraction < 0.0) {
            return Err(DataError::Setting(format!(
                "the fractions of a split add up to 1, these to {sum}: for 80 % write 0.8"
            )));
        }
        let pictures = self.pictures()?;
        let mut placed = Vec::with_capacity(pictures.len());
        let groups = finding::alike(&pictures);
        let mut by_label: BTreeMap<&str, Vec<Vec<&Picture>>> = BTreeMap::new();
        for group in groups {
            let group: Vec<&Picture> = group.into_iter().filter(|p| !p.label.is_empty()).collect();
            if let Some(first) = group.first() {
                by_label.entry(&first.label).or_default().push(group);
            }
        }
        for (number, (_, mut groups)) in by_label.into_iter().enumerate() {
            Random::of(seed, &[number as u64]).shuffle(&mut groups);
            let total = groups.iter().map(Vec::len).sum::<usize>() as f64;
            let (mut taken, mut part, mut until) = (0, 0, parts[0].1);
            for group in groups {
                // The middle of a group decides, so that groups of one are parted as by rounding.
                let middle = taken as f64 + group.len() as f64 / 2.0;
                while middle > until * total && part + 1 < parts.len() {
                    part += 1;
                    until += parts[part].1;
                }
                taken += group.len();
                placed.extend(group.iter().map(|picture| {
                    let name = picture.path.rsplit('/').next().unwrap_or(&picture.path);
                    let target = format!("{}/{}/{name}", parts[part].0, picture.label);
                    (target, *picture)
                }));
            }
        }
        let moves = without_clashes(placed, &pictures);
        let what = format!("split with seed {seed}");
        Ok(Plan { what, moves })
    }
}

/// The moves that bring pictures to these names, in the order of their paths. Who stays keeps its name, and a name that
/// is taken gets a part of the hash.
fn without_clashes(
    mut placed: Vec<(String, &Picture)>,
    pictures: &[Picture],
) -> Vec<(String, String)> {
    placed.sort_by(|a, b| a.1.path.cmp(&b.1.path));
    let moved: HashSet<&str> = placed
        .iter()
        .filter(|(target, picture)| *target != picture.path)
        .map(|(_, picture)| picture.path.as_str())
        .collect();
    let mut taken: HashSet<String> = pictures
        .iter()
        .map(|picture| picture.path.clone())
        .filter(|path| !moved.contains(path.as_str()))
        .collect();
    placed
        .iter()
        .filter(|(_, picture)| moved.contains(picture.path.as_str()))
        .map(|(target, picture)| {
            let target = free_name(target, &picture.hash, &mut taken);
            (picture.path.clone(), target)
        })
        .collect()
}

/// The name itself if it is free, else with as much of the hash as it takes; it is taken from then on.
fn free_name(path: &str, hash: &str, taken: &mut HashSet<String>) -> String {
    let mut name = path.to_string();
    let (stem, ending) = match path.rsplit_once('.') {
        Some((stem, ending)) if !ending.contains('/') => (stem, format!(".{ending}")),
        _ => (path, String::new()),
    };
    for length in 6..hash.len() {
        if !taken.contains(&name) {
            break;
        }
        name = format!("{stem}-{}{ending}", &hash[..length]);
    }
    // Two files of one content and one name have one hash too; a number tells them apart.
    let mut number = 2;
    while !taken.insert(name.clone()) {
        name = format!("{stem}-{number}{ending}");
        number += 1;
    }
    name
}
