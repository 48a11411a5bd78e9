//! What is generated: classes, folders, how many pictures, and each picture by its number.

use std::io::Cursor;
use std::path::PathBuf;

use image::RgbImage;
use image::codecs::jpeg::JpegEncoder;

use super::{DataSet, home, make};
use crate::scenes::{self, SCENES};
use crate::sealife::{self, SEA_ANIMALS, SOURCE};
use crate::{DataError, Random};

/// Counts up when the same seed gives other pictures than before, or the same ones by other names.
pub const EDITION: u32 = 4;

/// Numbers of pictures in file names are below this.
const NAMES: usize = 1_000_000;

/// A set that can be generated.
///
/// Its pictures hang on the seed, the split, the class and the number of the picture alone: a larger set
/// begins with the pictures of a smaller one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recipe {
    pub(super) kind: Kind,
    /// Which pictures; 0 is the course's.
    pub seed: u64,
    /// Pictures to train with, of each class.
    pub train: usize,
    /// Pictures to test with, of each class.
    pub test: usize,
    /// Pictures without labels, in all.
    pub unlabelled: usize,
}

/// The sets that there are recipes for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scenes,
    SeaAnimals,
    Source,
}

/// A picture of a recipe: where it goes and what it shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Relative to the root of the set, with `/`.
    pub(super) path: String,
    split: u64,
    class: usize,
    index: usize,
}

impl Recipe {
    /// The scenes: 300 of each class to train with, 100 to test with, 60 without labels.
    pub fn scenes() -> Self {
        Self {
            kind: Kind::Scenes,
            seed: 0,
            train: 300,
            test: 100,
            unlabelled: 60,
        }
    }

    /// The sea animals: 60 of each class to train with, 100 to test with.
    pub fn sea_animals() -> Self {
        Self {
            kind: Kind::SeaAnimals,
            seed: 0,
            train: 60,
            test: 100,
            unlabelled: 0,
        }
    }

    /// The source task: 250 of each class to train with, 40 to test with.
    pub fn source() -> Self {
        Self {
            kind: Kind::Source,
            seed: 0,
            train: 250,
            test: 40,
            unlabelled: 0,
        }
    }

    /// All recipes, in their usual sizes.
    pub fn all() -> [Self; 3] {
        [Self::scenes(), Self::sea_animals(), Self::source()]
    }

    /// The recipe of that name.
    ///
    /// # Errors
    /// [`DataError::Setting`] names the recipes there are.
    pub fn named(name: &str) -> Result<Self, DataError> {
        let all = Self::all();
        let names = all.each_ref().map(Self::name).join(", ");
        all.into_iter()
            .find(|recipe| recipe.name() == name)
            .ok_or_else(|| DataError::Setting(format!("there is no set {name}; there are {names}")))
    }

    /// The name of the set.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Scenes => "scenes",
            Kind::SeaAnimals => "sea-animals",
            Kind::Source => "source",
        }
    }

    /// The names of its classes, sorted.
    pub fn classes(&self) -> &'static [&'static str] {
        match self.kind {
            Kind::Scenes => &SCENES,
            Kind::SeaAnimals => &SEA_ANIMALS,
            Kind::Source => &SOURCE,
        }
    }

    /// Where it lies unless told otherwise: in the cache folder.
    pub fn root(&self) -> PathBuf {
        home()
            .join("data")
            .join(format!("{}-{EDITION}", self.name()))
    }

    /// The generated set, even where a real one has been unpacked; made now, with a line of progress, if it is
    /// not there.
    ///
    /// # Errors
    /// When the cache folder cannot be written to.
    pub fn provide(&self) -> Result<DataSet, DataError> {
        let root = self.root();
        if !make::is_complete(self, &root) {
            make::make(self, &root, &make::print_progress)?;
        }
        Ok(self.data_set(root))
    }

    /// How many pictures it has.
    pub fn pictures(&self) -> usize {
        self.classes().len() * (self.train + self.test) + self.unlabelled
    }

    /// The picture of a class at `index`, of the pictures to train with. The same on any machine.
    ///
    /// # Panics
    /// When there is no such class.
    pub fn picture(&self, class: usize, index: usize) -> RgbImage {
        self.paint(&Item {
            path: String::new(),
            split: 0,
            class,
            index,
        })
        .0
    }

    pub(super) fn folders(&self) -> [&'static str; 3] {
        match self.kind {
            // As Kaggle's archive unpacks.
            Kind::Scenes => [
                "seg_train/seg_train",
                "seg_test/seg_test",
                "seg_pred/seg_pred",
            ],
            _ => ["train", "test", "unlabelled"],
        }
    }

    /// The set that the recipe makes at `root`.
    pub(super) fn data_set(&self, root: PathBuf) -> DataSet {
        let [train, test, unlabelled] = self.folders().map(|folder| root.join(folder));
        DataSet {
            name: self.name().into(),
            root,
            real: false,
            train,
            test,
            unlabelled: (self.unlabelled > 0).then_some(unlabelled),
        }
    }

    /// Whether there are names for so many pictures.
    pub(super) fn check(&self) -> Result<(), DataError> {
        let most = NAMES / self.classes().len();
        if self.train.max(self.test) <= most && self.unlabelled <= NAMES {
            return Ok(());
        }
        Err(DataError::Setting(format!(
            "{} can have at most {most} pictures of a class",
            self.name()
        )))
    }

    /// All pictures. Their names say nothing of their classes, nor does the order of their names.
    pub(super) fn items(&self) -> Vec<Item> {
        let classes = self.classes().len();
        let [train, test, unlabelled] = self.folders();
        let usual = Self::all()
            .into_iter()
            .find(|usual| usual.kind == self.kind);
        let usual = usual.map_or([0; 3], |usual| [usual.train, usual.test, usual.unlabelled]);
        let mut items = Vec::with_capacity(self.pictures());
        for (split, (folder, count)) in [(train, self.train), (test, self.test)]
            .into_iter()
            .enumerate()
        {
            for class in 0..classes {
                let names = self.names(split, (class, classes), count, usual[split]);
                let folder = format!("{folder}/{}", self.classes()[class]);
                items.extend(names.iter().enumerate().map(|(index, name)| Item {
                    path: format!("{folder}/{name}"),
                    split: split as u64,
                    class,
                    index,
                }));
            }
        }
        // The first pictures of all classes come first.
        items.sort_by_key(|item| (item.split, item.index, item.class));
        let names = self.names(2, (0, 1), self.unlabelled, usual[2]);
        for (index, name) in names.iter().enumerate() {
            let class = Random::of(self.seed, &[9, index as u64]).below(classes);
            items.push(Item {
                path: format!("{unlabelled}/{name}"),
                split: 2,
                class,
                index,
            });
        }
        items
    }

    /// The names of the first `count` pictures of a class, which is one of so many, in a split.
    ///
    /// The numbers in them are drawn without a look at the class. As many as a class usually has are then handed out so
    /// that their order is that of [`place`]: a lesson that takes some pictures of each class by a seed takes the same
    /// ones whatever the numbers are, and its figures stay.
    fn names(
        &self,
        split: usize,
        (class, classes): (usize, usize),
        count: usize,
        usual: usize,
    ) -> Vec<String> {
        let name = |index: usize| format!("{}.jpg", self.number(split, index * classes + class));
        let mut drawn: Vec<String> = (0..usual).map(name).collect();
        drawn.sort();
        let mut order: Vec<usize> = (0..usual).collect();
        order.sort_by_key(|index| place(split, index * classes + class));
        let mut names = vec![String::new(); usual];
        for (drawn, index) in drawn.into_iter().zip(order) {
            names[index] = drawn;
        }
        names.truncate(count);
        names.extend((usual..count).map(name));
        names
    }

    /// A number below [`NAMES`] for each below it, no two the same: a Feistel network of four rounds on 20 bits, each
    /// number put in again until it is small enough (Black and Rogaway, "Ciphers with arbitrary finite domains", 2002).
    fn number(&self, split: usize, mut number: usize) -> usize {
        let key = [u64::from(EDITION), self.kind as u64, split as u64];
        loop {
            let (mut left, mut right) = (number >> 10, number & 0x3FF);
            for round in 0..4 {
                let parts = [key[0], key[1], key[2], round, right as u64];
                let mixed = Random::of(0, &parts).below(0x400);
                (left, right) = (right, left ^ mixed);
            }
            number = left << 10 | right;
            if number < NAMES {
                return number;
            }
        }
    }

    /// The content of the file of a picture.
    pub(super) fn file(&self, item: &Item) -> Result<Vec<u8>, image::ImageError> {
        let (picture, mut random) = self.paint(item);
        // As different cameras and web sites save them; no class has a quality of its own.
        let quality = random.range(80.0, 96.0) as u8;
        let mut bytes = Cursor::new(Vec::new());
        picture.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, quality))?;
        Ok(bytes.into_inner())
    }

    fn paint(&self, item: &Item) -> (RgbImage, Random) {
        let parts = [
            self.kind as u64,
            item.split,
            item.class as u64,
            item.index as u64,
        ];
        let mut random = Random::of(self.seed, &parts);
        let picture = match self.kind {
            Kind::Scenes => scenes::paint(item.class, &mut random),
            Kind::SeaAnimals => sealife::paint_animal(item.class, &mut random),
            Kind::Source => sealife::paint_source(item.class, &mut random),
        };
        (picture, random)
    }
}

/// Where a picture stands among those of its class: the order of these texts. It has been the same in all editions.
fn place(split: usize, number: usize) -> String {
    format!("{}.jpg", (number + 7919 * split) * 649_657 % NAMES)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_larger_set_begins_with_the_smaller_one_and_no_name_comes_twice() {
        let small = Recipe::scenes();
        let large = Recipe {
            train: 900,
            ..small.clone()
        };
        let names = |recipe: &Recipe| {
            recipe
                .items()
                .into_iter()
                .map(|item| item.path)
                .collect::<BTreeSet<_>>()
        };
        assert!(names(&large).is_superset(&names(&small)));
        assert_eq!(names(&large).len(), large.pictures());
    }

    /// How far the classes are from being mixed evenly over groups of names, in standard deviations of chi-squared.
    fn unevenness(classes: usize, groups: usize, of: &[(usize, usize)]) -> f64 {
        let mut counts = vec![vec![0.0; classes]; groups];
        let mut in_group = vec![0.0; groups];
        for &(class, group) in of {
            counts[group][class] += 1.0;
            in_group[group] += 1.0;
        }
        let mut sum = 0.0;
        for (counts, total) in counts
            .iter()
            .zip(&in_group)
            .filter(|(_, total)| **total > 0.0)
        {
            let expected = total / classes as f64;
            sum += counts
                .iter()
                .map(|count| (count - expected) * (count - expected) / expected)
                .sum::<f64>();
        }
        let used = in_group.iter().filter(|total| **total > 0.0).count();
        let freedom = ((classes - 1) * used.saturating_sub(1)) as f64;
        (sum - freedom) / (2.0 * freedom).sqrt()
    }

    #[test]
    fn no_remainder_and_no_range_of_the_names_tells_the_class() {
        for recipe in Recipe::all() {
            let classes = recipe.classes().len();
            for split in 0..2 {
                let of: Vec<(usize, usize)> = recipe
                    .items()
                    .iter()
                    .filter(|item| item.split == split)
                    .map(|item| {
                        let name = item.path.rsplit('/').next().unwrap();
                        (
                            item.class,
                            name.strip_suffix(".jpg").unwrap().parse().unwrap(),
                        )
                    })
                    .collect();
                let grouped = |group: &dyn Fn(usize) -> usize| -> Vec<(usize, usize)> {
                    of.iter()
                        .map(|&(class, name)| (class, group(name)))
                        .collect()
                };
                for modulus in 2..=400 {
                    let by_rest = unevenness(classes, modulus, &grouped(&|name| name % modulus));
                    let by_range = grouped(&|name| name * modulus / NAMES);
                    let by_range = unevenness(classes, modulus, &by_range);
                    assert!(
                        by_rest < 6.0 && by_range < 6.0,
                        "{} {split}, {modulus}: {by_rest:.1} and {by_range:.1}",
                        recipe.name()
                    );
                }
            }
        }
    }

    #[test]
    fn the_order_of_a_class_is_that_of_all_editions_and_every_name_is_another() {
        for recipe in Recipe::all() {
            let mut items = recipe.items();
            items.retain(|item| item.split < 2);
            items.sort_by(|a, b| a.path.cmp(&b.path));
            for pair in items.windows(2) {
                if (pair[0].split, pair[0].class) == (pair[1].split, pair[1].class) {
                    let at = |item: &Item| {
                        let number = item.index * recipe.classes().len() + item.class;
                        place(item.split as usize, number)
                    };
                    assert!(at(&pair[0]) < at(&pair[1]), "{}", pair[0].path);
                }
            }
        }
        let numbers: BTreeSet<usize> = (0..20_000)
            .map(|number| Recipe::source().number(1, number))
            .collect();
        assert_eq!(numbers.len(), 20_000);
        assert!(numbers.iter().all(|&number| number < NAMES));
    }

    #[test]
    fn every_picture_is_150_pixels_wide_and_carries_nothing_but_its_pixels() {
        for recipe in Recipe::all() {
            for item in recipe.items().iter().take(recipe.classes().len()) {
                let bytes = recipe.file(item).unwrap();
                let picture = image::load_from_memory(&bytes).unwrap();
                assert_eq!((picture.width(), picture.height()), (150, 150));
                // No EXIF (APP1), no comment: only JFIF's own header.
                let marks: Vec<u8> = bytes
                    .windows(2)
                    .filter(|pair| pair[0] == 0xFF)
                    .map(|pair| pair[1])
                    .collect();
                assert!(!marks.contains(&0xE1) && !marks.contains(&0xFE));
            }
        }
    }

    #[test]
    fn the_pictures_are_the_same_on_any_machine() {
        // When this fails because pictures were meant to change, count EDITION up with the new hashes.
        let hashes = [
            (Recipe::scenes(), "9d9f2b29cd637138"),
            (Recipe::sea_animals(), "a39d59a440bea899"),
            (Recipe::source(), "d6c48aa4389a1468"),
        ];
        for (recipe, hash) in hashes {
            let mut first_of_each = blake3::Hasher::new();
            for item in recipe.items().iter().take(recipe.classes().len()) {
                first_of_each.update(&recipe.file(item).unwrap());
            }
            let found = first_of_each.finalize().to_hex();
            assert_eq!(&found[..16], hash, "{}", recipe.name());
        }
    }

    #[test]
    fn an_unknown_set_is_answered_with_the_known_ones() {
        let message = Recipe::named("birds").unwrap_err().to_string();
        assert_eq!(
            message,
            "there is no set birds; there are scenes, sea-animals, source"
        );
    }
}
