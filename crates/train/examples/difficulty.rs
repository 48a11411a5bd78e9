//! How hard the generated sets are: prints the table in `data/README.md`, row by row.
//!
//! `cargo run --example difficulty` measures everything; `cargo run --example difficulty -- plain animals` only these
//! rows, in their order; [`ROWS`] has their short names. With `loud` every epoch is printed too. What has been learnt
//! of the source task is written to a file beside the set, where the rows that need it find it: `source` learns it anew.

use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use data::{Loader, Recipe, Samples};
use nets::{Cnn, Mlp, Model, Neck, ResNet, StateDict, resnet18, weights};
use train::{
    Adam, AdamW, CrossEntropy, Schedule, Trainer, evaluate, falling_factors, freeze_backbone,
    unfreeze,
};
use vision::transforms::{
    ColorJitter, Compose, RandomHorizontalFlip, RandomResizedCrop, Transform,
};

type Done = Result<(), Box<dyn Error>>;

/// Measures a row and prints it.
type Measure = fn(&Setting) -> Done;

/// Width and height of the pictures that networks see, unless a row has a side of its own.
const SIDE: u32 = 64;

/// What each channel has taken away and is divided by.
const MEAN: [f32; 3] = [0.45; 3];
const STD: [f32; 3] = [0.25; 3];

/// How the source task is learnt.
const SOURCE_EPOCHS: usize = 8;

/// How the sea animals are learnt, by each network: pictures in a batch, epochs.
const ANIMALS: (usize, usize) = (16, 40);

/// How the scenes are learnt by a network that knows the source task: side of the pictures, epochs.
const TUNED: (u32, usize) = (96, 20);

/// The rows of the table by their short names.
const ROWS: [(&str, Measure); 10] = [
    ("linear", linear),
    ("plain", plain),
    ("improved", better),
    ("few", few),
    ("few-augmented", few_augmented),
    ("source", source),
    ("animals-scratch", animals_from_scratch),
    ("animals-small", animals_with_a_small_network),
    ("animals", animals),
    ("tuned", tuned),
];

/// How a run prints.
struct Setting {
    loud: bool,
}

/// Pictures to train with and pictures to test with, as a network sees them.
struct Task {
    train: Samples,
    test: Samples,
    side: u32,
    batch: usize,
}

/// What a row of the table says.
struct Row<'a> {
    what: &'a str,
    net: &'a dyn Model,
    began: Instant,
}

fn main() -> Done {
    let mut asked: Vec<String> = std::env::args().skip(1).collect();
    let loud = asked.iter().any(|word| word == "loud");
    asked.retain(|word| word != "loud");
    let known = ROWS.map(|(name, _)| name);
    if let Some(stray) = asked.iter().find(|word| !known.contains(&word.as_str())) {
        return Err(format!("there is no row {stray}; there are {}", known.join(", ")).into());
    }
    println!("| what | test accuracy | training accuracy | minutes |\n|---|---|---|---|");
    for (name, measure) in ROWS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            measure(&Setting { loud })?;
        }
    }
    Ok(())
}

fn linear(setting: &Setting) -> Done {
    let mut task = Task::of(&Recipe::scenes())?;
    task.side = 32;
    tch::manual_seed(0);
    let net = Mlp::builder(3 * 32 * 32, task.classes()).build()?;
    let row = Row::begin("scenes: linear classifier, 32 x 32 pixels", &net);
    let mut trainer = setting.trainer(Trainer::new(Adam::new(1e-3)));
    trainer.fit(&net, &task.training(), &task.testing(), 12)?;
    row.print(&task)
}

/// The network of the first week.
fn plain(setting: &Setting) -> Done {
    let task = Task::of(&Recipe::scenes())?;
    tch::manual_seed(0);
    let net = Cnn::builder([3, i64::from(SIDE), i64::from(SIDE)], task.classes())
        .channels(&[16, 32, 64])
        .neck(Neck::Flatten(128))
        .build()?;
    let row = Row::begin("scenes: plain CNN", &net);
    let mut trainer = setting.trainer(Trainer::new(Adam::new(1e-3)));
    trainer.fit(&net, &task.training(), &task.testing(), 8)?;
    row.print(&task)
}

fn better(setting: &Setting) -> Done {
    let task = Task::of(&Recipe::scenes())?;
    tch::manual_seed(0);
    let net = improved(task.classes())?;
    let what = "scenes: improved CNN (BN, GAP, dropout, augmentation)";
    let row = Row::begin(what, &net);
    setting
        .one_cycle(3e-3)
        .fit(&net, &task.augmented(0.5), &task.testing(), 20)?;
    row.print(&task)
}

/// Three hundred scenes: how far training and test accuracy are apart, and what augmentation does about it.
fn few(setting: &Setting) -> Done {
    three_hundred(
        setting,
        "300 scenes: improved CNN without augmentation",
        Task::training,
    )
}

fn few_augmented(setting: &Setting) -> Done {
    three_hundred(
        setting,
        "300 scenes: improved CNN with augmentation",
        |task| task.augmented(0.5),
    )
}

fn three_hundred(setting: &Setting, what: &str, training: impl Fn(&Task) -> Loader) -> Done {
    let mut task = Task::of(&Recipe::scenes())?;
    task.train = first_of_each(&task.train, 50);
    tch::manual_seed(0);
    let net = improved(task.classes())?;
    let row = Row::begin(what, &net);
    setting
        .one_cycle(3e-3)
        .fit(&net, &training(&task), &task.testing(), 40)?;
    row.print(&task)
}

/// Trains a ResNet-18 on the source task, and writes down what it knows.
fn source(setting: &Setting) -> Done {
    let task = Task::of(&Recipe::source())?;
    tch::manual_seed(0);
    let net = resnet18(task.classes())?;
    let what = format!("source task: ResNet-18, {SOURCE_EPOCHS} epochs");
    let row = Row::begin(&what, &net);
    let mut trainer = setting.one_cycle(1e-3);
    trainer.fit(&net, &task.augmented(0.5), &task.testing(), SOURCE_EPOCHS)?;
    weights::save(knowledge(), &net.state_dict())?;
    row.print(&task)
}

/// Where the weights of the source task lie: beside the set itself.
fn knowledge() -> PathBuf {
    let set = Recipe::source().root();
    set.with_extension(format!("resnet18-{SOURCE_EPOCHS}.safetensors"))
}

/// The sea animals by a network that knows nothing. It has as many pictures, epochs and steps as the one that knows
/// the source task; its rate is one at which it learns.
fn animals_from_scratch(setting: &Setting) -> Done {
    let task = Task::sea_animals()?;
    tch::manual_seed(0);
    let net = resnet18(task.classes())?;
    let row = Row::begin("sea animals, 60 of each: ResNet-18 from scratch", &net);
    let mut trainer = setting.one_cycle(1e-3);
    trainer.fit(&net, &task.augmented(0.5), &task.testing(), ANIMALS.1)?;
    row.print(&task)
}

/// The sea animals by a network that is small enough for so few pictures.
fn animals_with_a_small_network(setting: &Setting) -> Done {
    let task = Task::sea_animals()?;
    tch::manual_seed(0);
    let net = improved(task.classes())?;
    let row = Row::begin("sea animals, 60 of each: improved CNN from scratch", &net);
    let mut trainer = setting.one_cycle(3e-3);
    trainer.fit(&net, &task.augmented(0.5), &task.testing(), ANIMALS.1)?;
    row.print(&task)
}

/// The sea animals after the source task: `fine_tune`'s recipe, but with the last epoch's weights. It would keep the
/// best epoch's, and which that is the test pictures would decide.
fn animals(setting: &Setting) -> Done {
    let task = Task::sea_animals()?;
    let net = knowing(task.classes(), setting)?;
    let row = Row::begin("sea animals: fine-tuned from the source task", &net);
    let (train, test, rate) = (task.augmented(0.5), task.testing(), 4e-3);
    freeze_backbone(&net)?;
    setting.one_cycle(rate).fit(&net, &train, &test, 1)?;
    unfreeze(&net, "")?;
    setting
        .one_cycle(rate / 2.0)
        .factors(&falling_factors(&net, 100.0))
        .fit(&net, &train, &test, ANIMALS.1 - 1)?;
    row.print(&task)
}

/// The scenes by a network that knows the source task. There are many of them and they are of another kind, so all
/// layers learn at the full rate.
fn tuned(setting: &Setting) -> Done {
    let mut task = Task::of(&Recipe::scenes())?;
    task.side = TUNED.0;
    let net = knowing(task.classes(), setting)?;
    let what = "scenes: ResNet-18, fine-tuned from the source task";
    let row = Row::begin(what, &net);
    setting
        .one_cycle(1e-3)
        .loss(CrossEntropy::new().label_smoothing(0.1))
        .fit(&net, &task.augmented(0.6), &task.testing(), TUNED.1)?;
    row.print(&task)
}

/// A network that knows the source task, with a new head.
fn knowing(classes: i64, setting: &Setting) -> Result<ResNet, Box<dyn Error>> {
    if !knowledge().is_file() {
        source(setting)?;
    }
    let knows: StateDict = weights::load(knowledge())?;
    tch::manual_seed(0);
    let mut net = resnet18(Recipe::source().classes().len() as i64)?;
    net.load_state_dict(&knows)?;
    net.replace_head(classes)?;
    Ok(net)
}

/// Batch normalisation, global average pooling and dropout.
fn improved(classes: i64) -> Result<Cnn, Box<dyn Error>> {
    let side = i64::from(SIDE);
    let net = Cnn::builder([3, side, side], classes)
        .channels(&[32, 64, 128, 128])
        .batch_norm(true)
        .dropout(0.2)
        .build()?;
    Ok(net)
}

impl Setting {
    /// The last epoch counts for every row: the test pictures decide nothing.
    fn trainer(&self, trainer: Trainer) -> Trainer {
        let trainer = trainer.keep_last();
        if self.loud { trainer } else { trainer.quiet() }
    }

    fn one_cycle(&self, rate: f64) -> Trainer {
        self.trainer(Trainer::new(AdamW::new(rate)).schedule(Schedule::one_cycle(rate)))
    }
}

impl Task {
    fn of(recipe: &Recipe) -> Result<Self, Box<dyn Error>> {
        let set = recipe.provide()?;
        Ok(Self {
            train: Samples::image_folder(set.train())?,
            test: Samples::image_folder(set.test())?,
            side: SIDE,
            batch: 32,
        })
    }

    fn sea_animals() -> Result<Self, Box<dyn Error>> {
        let task = Self::of(&Recipe::sea_animals())?;
        Ok(Self {
            batch: ANIMALS.0,
            ..task
        })
    }

    fn classes(&self) -> i64 {
        self.train.classes().len() as i64
    }

    fn training(&self) -> Loader {
        self.loader(&self.train).shuffle(0)
    }

    /// The training pictures, each time another crop of at least so much of the area, mirrored or not, in other light.
    fn augmented(&self, least: f64) -> Loader {
        let change = Compose::new(vec![
            Box::new(RandomResizedCrop::new(self.side).scale(least, 1.0)),
            Box::new(RandomHorizontalFlip::new(0.5)),
            Box::new(ColorJitter::new(0.4, 0.4, 0.4, 0.02)),
        ]);
        self.training()
            .transform(move |image, seed| change.apply(image, seed))
    }

    /// The training pictures as they are, to see what has been learnt of them.
    fn seen(&self) -> Loader {
        self.loader(&self.train)
    }

    fn testing(&self) -> Loader {
        self.loader(&self.test)
    }

    fn loader(&self, samples: &Samples) -> Loader {
        Loader::new(samples.clone(), self.side)
            .batch_size(self.batch)
            .normalize(MEAN, STD)
    }
}

/// The first `count` pictures of each class.
fn first_of_each(samples: &Samples, count: usize) -> Samples {
    let mut seen = vec![0; samples.classes().len()];
    let chosen: Vec<usize> = (0..samples.len())
        .filter(|&index| {
            seen[samples.label(index)] += 1;
            seen[samples.label(index)] <= count
        })
        .collect();
    samples.subset(&chosen)
}

impl<'a> Row<'a> {
    fn begin(what: &'a str, net: &'a dyn Model) -> Self {
        Self {
            what,
            net,
            began: Instant::now(),
        }
    }

    fn print(self, task: &Task) -> Done {
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let accuracy = |set: &Loader| -> Result<f64, Box<dyn Error>> {
            Ok(100.0 * evaluate(self.net, set, &CrossEntropy::new())?.accuracy())
        };
        println!(
            "| {} | {:.1} % | {:.1} % | {minutes:.1} |",
            self.what,
            accuracy(&task.testing())?,
            accuracy(&task.seen())?
        );
        Ok(())
    }
}
