//! Parts of a list of pictures, and weights for rare classes.

use std::collections::BTreeMap;
use std::path::Path;

use super::Samples;
use crate::{DataError, Random};

impl Samples {
    /// Two parts with the same mix of classes: the first has `fraction` (0-1) of each class, rounded, the
    /// second the rest. Which pictures go where is decided by the seed; both parts keep the order of the list.
    ///
    /// ```no_run
    /// # use data::Samples;
    /// let (train, validation) = Samples::image_folder("scenes")?.split(0.8, 1)?;
    /// # Ok::<(), data::DataError>(())
    /// ```
    ///
    /// # Errors
    /// [`DataError::Setting`] when `fraction` is not between 0 and 1.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), DataError> {
        in_range(fraction)?;
        let mut by_class = vec![Vec::new(); self.classes().len()];
        for index in 0..self.len() {
            by_class[self.label(index)].push(index);
        }
        let mut first = vec![false; self.len()];
        for (class, mut indices) in by_class.into_iter().enumerate() {
            Random::of(seed, &[class as u64]).shuffle(&mut indices);
            let count = (indices.len() as f64 * fraction).round() as usize;
            indices[..count]
                .iter()
                .for_each(|&index| first[index] = true);
        }
        Ok(self.parted(&first))
    }

    /// Two parts that share no group: all pictures for which `group` gives the same text, a photographer or a
    /// day say, go to the same part. The first part has about `fraction` of the pictures.
    ///
    /// # Errors
    /// [`DataError::Setting`] when `fraction` is not between 0 and 1.
    pub fn split_by(
        &self,
        fraction: f64,
        seed: u64,
        group: impl Fn(&Path, usize) -> String,
    ) -> Result<(Self, Self), DataError> {
        in_range(fraction)?;
        let mut groups: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for index in 0..self.len() {
            let name = self.name(index);
            groups
                .entry(group(Path::new(&name), self.label(index)))
                .or_default()
                .push(index);
        }
        let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
        Random::new(seed).shuffle(&mut groups);
        let wanted = (self.len() as f64 * fraction).round() as usize;
        let mut first = vec![false; self.len()];
        let mut taken = 0;
        for indices in groups {
            // A group goes where the parts come nearer to what is wanted.
            if (taken + indices.len()).abs_diff(wanted) < taken.abs_diff(wanted) {
                taken += indices.len();
                indices.iter().for_each(|&index| first[index] = true);
            }
        }
        Ok(self.parted(&first))
    }

    /// At most `count` pictures of each class, chosen by the seed.
    pub fn take_per_class(&self, count: usize, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        Random::new(seed).shuffle(&mut order);
        let mut taken = vec![0; self.classes().len()];
        order.retain(|&index| {
            taken[self.label(index)] += 1;
            taken[self.label(index)] <= count
        });
        order.sort_unstable();
        self.subset(&order)
    }

    /// For each class the weight of a loss that makes all classes count the same: pictures / (classes x
    /// pictures of the class), scikit-learn's "balanced". 0 for a class without pictures.
    pub fn class_weights(&self) -> Vec<f64> {
        let counts = self.counts();
        let mean = self.len() as f64 / counts.len().max(1) as f64;
        counts
            .iter()
            .map(|&count| if count == 0 { 0.0 } else { mean / count as f64 })
            .collect()
    }

    fn parted(&self, first: &[bool]) -> (Self, Self) {
        let pick = |part: bool| {
            let indices: Vec<usize> = (0..self.len())
                .filter(|&index| first[index] == part)
                .collect();
            self.subset(&indices)
        };
        (pick(true), pick(false))
    }
}

fn in_range(fraction: f64) -> Result<(), DataError> {
    if (0.0..=1.0).contains(&fraction) {
        return Ok(());
    }
    Err(DataError::Setting(format!(
        "a fraction is between 0 and 1, got {fraction}: for 80 % write 0.8"
    )))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::PathBuf;

    use super::*;

    /// 40 pictures of `a`, 10 of `b`, from 10 cameras.
    fn samples() -> Samples {
        Samples::labelled((0..50).map(|index| {
            let class = if index < 40 { "a" } else { "b" };
            (
                PathBuf::from(format!("camera{}/{index}.jpg", index % 10)),
                class.to_string(),
            )
        }))
    }

    fn names(samples: &Samples) -> BTreeSet<String> {
        (0..samples.len())
            .map(|index| samples.name(index))
            .collect()
    }

    #[test]
    fn a_split_keeps_the_mix_and_loses_nothing() {
        let all = samples();
        let (train, test) = all.split(0.8, 3).unwrap();
        assert_eq!((train.counts(), test.counts()), (vec![32, 8], vec![8, 2]));
        assert!(names(&train).is_disjoint(&names(&test)));
        assert_eq!(&names(&train) | &names(&test), names(&all));
        assert_eq!(all.split(0.8, 3).unwrap().0, train);
        assert_ne!(all.split(0.8, 4).unwrap().0, train);
        assert!(
            all.split(80.0, 3)
                .unwrap_err()
                .to_string()
                .contains("write 0.8")
        );
    }

    #[test]
    fn groups_stay_together() {
        let group = |path: &Path, _| path.parent().unwrap().display().to_string();
        let (train, test) = samples().split_by(0.7, 1, group).unwrap();
        assert_eq!((train.len(), test.len()), (35, 15));
        let cameras = |samples: &Samples| {
            names(samples)
                .iter()
                .map(|name| name[..7].to_string())
                .collect::<BTreeSet<_>>()
        };
        assert!(cameras(&train).is_disjoint(&cameras(&test)));
    }

    #[test]
    fn rare_classes_weigh_more() {
        // scikit-learn: compute_class_weight("balanced", classes=[0, 1], y=[0] * 40 + [1] * 10)
        assert_eq!(samples().class_weights(), [0.625, 2.5]);
        assert_eq!(samples().take_per_class(15, 2).counts(), [15, 10]);
    }
}
