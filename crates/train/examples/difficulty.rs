//! How hard the generated sets are: prints the table in `data/README.md`, row by row.
//!
//! `cargo run --example difficulty` measures everything; `cargo run --example difficulty -- scenes animals` only
//! these. The parts: `scenes` (three networks from scratch), `resnet` (one that knows the source task), `few` (300
//! pictures, with augmentation and without), `animals` (from scratch, and after the source task).

use std::error::Error;
use std::time::Instant;

use data::{Loader, Recipe, Samples};
use nets::{Cnn, Mlp, Model, Neck, ResNet, StateDict, resnet18};
use train::{Adam, AdamW, CrossEntropy, Schedule, Trainer, evaluate, fine_tune};
use vision::transforms::{
    ColorJitter, Compose, RandomHorizontalFlip, RandomResizedCrop, Transform,
};

/// Width and height of the pictures that networks see.
const SIDE: u32 = 64;

/// What each channel has taken away and is divided by.
const MEAN: [f32; 3] = [0.45; 3];
const STD: [f32; 3] = [0.25; 3];

/// Pictures to train with and pictures to test with.
struct Task {
    train: Samples,
    test: Samples,
}

/// What a row of the table says.
struct Row<'a> {
    what: &'a str,
    net: &'a dyn Model,
    began: Instant,
}

fn main() -> Result<(), Box<dyn Error>> {
    let parts: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |part: &str| parts.is_empty() || parts.iter().any(|asked| asked == part);
    println!("| what | test accuracy | training accuracy | minutes |\n|---|---|---|---|");
    if wanted("scenes") {
        scenes()?;
    }
    if wanted("few") {
        few()?;
    }
    if wanted("resnet") || wanted("animals") {
        let knows = source()?;
        if wanted("animals") {
            animals(&knows)?;
        }
        if wanted("resnet") {
            resnet(&knows)?;
        }
    }
    Ok(())
}

/// The scenes from scratch: a linear classifier, the plain network of the first week, and an improved one.
fn scenes() -> Result<(), Box<dyn Error>> {
    let task = Task::of(&Recipe::scenes())?;

    tch::manual_seed(0);
    let linear = Mlp::builder(3 * 32 * 32, task.classes()).build()?;
    let row = Row::begin("scenes: linear classifier, 32 x 32 pixels", &linear);
    let mut trainer = Trainer::new(Adam::new(1e-3)).keep_last().quiet();
    let small = |samples: &Samples| Loader::new(samples.clone(), 32).normalize(MEAN, STD);
    let (train, test) = (small(&task.train), small(&task.test));
    trainer.fit(&linear, &small(&task.train).shuffle(0), &test, 12)?;
    row.print(&train, &test)?;

    tch::manual_seed(0);
    let plain = Cnn::builder([3, i64::from(SIDE), i64::from(SIDE)], task.classes())
        .channels(&[16, 32, 64])
        .neck(Neck::Flatten(128))
        .build()?;
    let row = Row::begin("scenes: plain CNN", &plain);
    let mut trainer = Trainer::new(Adam::new(1e-3)).keep_last().quiet();
    trainer.fit(&plain, &task.training(false), &task.testing(), 8)?;
    row.print(&task.seen(), &task.testing())?;

    tch::manual_seed(0);
    let better = improved(task.classes())?;
    let row = Row::begin(
        "scenes: improved CNN (BN, GAP, dropout, augmentation)",
        &better,
    );
    one_cycle(3e-3).fit(&better, &task.training(true), &task.testing(), 20)?;
    row.print(&task.seen(), &task.testing())
}

/// Three hundred scenes: how far training and test accuracy are apart, and what augmentation does about it.
fn few() -> Result<(), Box<dyn Error>> {
    let mut task = Task::of(&Recipe::scenes())?;
    task.train = first_of_each(&task.train, 50);
    for (augmented, what) in [
        (false, "300 scenes: improved CNN without augmentation"),
        (true, "300 scenes: improved CNN with augmentation"),
    ] {
        tch::manual_seed(0);
        let net = improved(task.classes())?;
        let row = Row::begin(what, &net);
        one_cycle(3e-3).fit(&net, &task.training(augmented), &task.testing(), 40)?;
        row.print(&task.seen(), &task.testing())?;
    }
    Ok(())
}

/// Trains a ResNet-18 on the source task, and gives what it knows.
fn source() -> Result<StateDict, Box<dyn Error>> {
    let task = Task::of(&Recipe::source())?;
    tch::manual_seed(0);
    let net = resnet18(task.classes())?;
    let row = Row::begin("source task: ResNet-18 from scratch", &net);
    one_cycle(1e-3).fit(&net, &task.training(true), &task.testing(), 8)?;
    row.print(&task.seen(), &task.testing())?;
    Ok(net.state_dict())
}

/// Sixty sea animals of each class: from scratch, and after the source task.
fn animals(knows: &StateDict) -> Result<(), Box<dyn Error>> {
    let task = Task::of(&Recipe::sea_animals())?;
    tch::manual_seed(0);
    let net = resnet18(task.classes())?;
    let row = Row::begin("sea animals: ResNet-18 from scratch", &net);
    one_cycle(1e-3).fit(&net, &task.training(true), &task.testing(), 21)?;
    row.print(&task.seen(), &task.testing())?;

    let net = knowing(knows, task.classes())?;
    let row = Row::begin("sea animals: ResNet-18 fine-tuned", &net);
    fine_tune(&net, &task.training(true), &task.testing(), 20, 4e-3)?;
    row.print(&task.seen(), &task.testing())
}

/// The scenes by a network that knows the source task. There are many of them and they are of another kind, so all
/// layers learn at the full rate.
fn resnet(knows: &StateDict) -> Result<(), Box<dyn Error>> {
    let task = Task::of(&Recipe::scenes())?;
    let net = knowing(knows, task.classes())?;
    let row = Row::begin("scenes: ResNet-18 fine-tuned", &net);
    one_cycle(1e-3).fit(&net, &task.training(true), &task.testing(), 12)?;
    row.print(&task.seen(), &task.testing())
}

/// A network that knows the source task, with a new head.
fn knowing(knows: &StateDict, classes: i64) -> Result<ResNet, Box<dyn Error>> {
    tch::manual_seed(0);
    let mut net = resnet18(Recipe::source().classes().len() as i64)?;
    net.load_state_dict(knows)?;
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

fn one_cycle(rate: f64) -> Trainer {
    Trainer::new(AdamW::new(rate))
        .schedule(Schedule::one_cycle(rate))
        .keep_last()
        .quiet()
}

impl Task {
    fn of(recipe: &Recipe) -> Result<Self, Box<dyn Error>> {
        let set = recipe.provide()?;
        Ok(Self {
            train: Samples::image_folder(set.train())?,
            test: Samples::image_folder(set.test())?,
        })
    }

    fn classes(&self) -> i64 {
        self.train.classes().len() as i64
    }

    fn training(&self, augmented: bool) -> Loader {
        let ordered = loader(&self.train).shuffle(0);
        if !augmented {
            return ordered;
        }
        let change = Compose::new(vec![
            Box::new(RandomResizedCrop::new(SIDE).scale(0.5, 1.0)),
            Box::new(RandomHorizontalFlip::new(0.5)),
            Box::new(ColorJitter::new(0.4, 0.4, 0.4, 0.02)),
        ]);
        ordered.transform(move |image, seed| change.apply(image, seed))
    }

    /// The training pictures as they are, to see what has been learnt of them.
    fn seen(&self) -> Loader {
        loader(&self.train)
    }

    fn testing(&self) -> Loader {
        loader(&self.test)
    }
}

fn loader(samples: &Samples) -> Loader {
    Loader::new(samples.clone(), SIDE).normalize(MEAN, STD)
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

    fn print(self, train: &Loader, test: &Loader) -> Result<(), Box<dyn Error>> {
        let minutes = self.began.elapsed().as_secs_f64() / 60.0;
        let accuracy = |set: &Loader| -> Result<f64, Box<dyn Error>> {
            Ok(100.0 * evaluate(self.net, set, &CrossEntropy::new())?.accuracy())
        };
        println!(
            "| {} | {:.1} % | {:.1} % | {minutes:.1} |",
            self.what,
            accuracy(test)?,
            accuracy(train)?
        );
        Ok(())
    }
}
