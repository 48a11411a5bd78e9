//! Epochs from files, as a learner writes them: `epoch load TRAIN TEST SIDE BATCH COUNT` prints the pictures a second
//! that the loader alone brings in each of COUNT epochs of the folder TRAIN; `epoch train TRAIN TEST SIDE BATCH COUNT`
//! prints the seconds of each of COUNT epochs of a ResNet-18, validation on TEST included, and the share of its
//! training, 0-1, that steps waited for data. A first epoch, to warm up, is not printed. `cargo xtask bench train`
//! holds them against PyTorch's.

use std::error::Error;
use std::time::Instant;

use data::{Batches, Loader, Samples};
use nets::resnet18;
use train::{Sgd, Trainer};
use vision::compose;
use vision::transforms::*;

const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const STD: [f32; 3] = [0.229, 0.224, 0.225];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [what, train, test, side, batch, count] = arguments.as_slice() else {
        return Err("epoch load|train TRAIN TEST SIDE BATCH COUNT".into());
    };
    let (side, batch, count) = (side.parse()?, batch.parse()?, count.parse()?);
    let loader = |folder: &str| -> Result<Loader, Box<dyn Error>> {
        let samples = Samples::image_folder(folder)?;
        Ok(Loader::new(samples, side)
            .batch_size(batch)
            .normalize(MEAN, STD))
    };
    let aug = compose![
        RandomResizedCrop::new(side),
        RandomHorizontalFlip::default(),
        ColorJitter::new(0.2, 0.2, 0.2, 0.05),
    ];
    let train = loader(train)?
        .shuffle(1)
        .transform(move |picture, seed| aug.apply(picture, seed));
    match what.as_str() {
        "load" => load(&train, count),
        "train" => fit(&train, &loader(test)?, count),
        other => Err(format!("{other} is neither load nor train").into()),
    }
}

fn load(train: &Loader, count: u64) -> Result<(), Box<dyn Error>> {
    for epoch in 0..=count {
        let began = Instant::now();
        let mut pictures = 0;
        for batch in train.epoch(epoch) {
            pictures += batch?.indices.len();
        }
        if epoch > 0 {
            println!("{:.1}", pictures as f64 / began.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

fn fit(train: &Loader, test: &Loader, count: u64) -> Result<(), Box<dyn Error>> {
    let net = resnet18(train.classes().len() as i64)?;
    let mut trainer = Trainer::new(Sgd::new(0.01).momentum(0.9))
        .keep_last()
        .quiet();
    let history = trainer.fit(&net, train, test, count as usize + 1)?;
    for epoch in history.epochs().iter().skip(1) {
        println!("{:.3} {:.5}", epoch.seconds, epoch.waiting);
    }
    Ok(())
}
