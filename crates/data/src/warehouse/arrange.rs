//! Bringing pictures into a warehouse, and parting them into training and testing: plans, as all changes are.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::{Picture, Plan, Warehouse, finding};
use crate::files::pictures;
use crate::{DataError, Random};

impl Warehouse {
    /// A plan that copies pictures from outside into a folder of the warehouse: a picture, or all pictures below
    /// a folder, which keep their folders. What is in the warehouse already, byte by byte, is left out, and so is
    /// what comes twice.
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
        let mut known: BTreeSet<String> = self
            .pictures()?
            .into_iter()
            .map(|picture| picture.hash)
            .collect();
        let mut moves = Vec::new();
        for path in &found {
            rt::checkpoint();
            let bytes = fs::read(path).map_err(DataError::io("cannot be read", path))?;
            if !known.insert(blake3::hash(&bytes).to_hex().to_string()) {
                continue;
            }
            let inside = path.strip_prefix(above).unwrap_or(path);
            let (Some(source), Some(inside)) = (path.to_str(), inside.to_str()) else {
                let problem = "has a name that is no text; rename it first";
                return Err(DataError::content(path, problem));
            };
            let target = Path::new(folder.trim_matches('/')).join(inside);
            moves.push((source.to_string(), target.to_string_lossy().into_owned()));
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
    /// Pictures of the same content or look stay together, so that nothing leaks from training into testing.
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
        let groups = finding::alike(&pictures);
        let mut by_label: BTreeMap<&str, Vec<Vec<&Picture>>> = BTreeMap::new();
        for group in groups {
            let group: Vec<&Picture> = group.into_iter().filter(|p| !p.label.is_empty()).collect();
            if let Some(first) = group.first() {
                by_label.entry(&first.label).or_default().push(group);
            }
        }
        let mut moves = Vec::new();
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
                moves.extend(group.iter().filter_map(|picture| {
                    let name = picture.path.rsplit('/').next().unwrap_or(&picture.path);
                    let target = format!("{}/{}/{name}", parts[part].0, picture.label);
                    (target != picture.path).then(|| (picture.path.clone(), target))
                }));
            }
        }
        moves.sort();
        let what = format!("split with seed {seed}");
        Ok(Plan { what, moves })
    }
}
