//! Three families of networks on the course's own pictures, from files through the loader: what they reach on pictures
//! that they have not seen, and that it takes no minute each.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

mod common;

use common::alone;
use data::{Loader, Recipe, Samples, sets::make};
use nets::{CifarResNet, Cnn, Mlp, Model};
use train::{AdamW, CrossEntropy, Schedule, Trainer, evaluate};

/// Pixels of the pictures that networks see, each way.
const SIDE: u32 = 32;

/// Pictures of each class: to train with, and to test with.
const EACH: (usize, usize) = (80, 30);

/// Generates the scenes, and gives their six classes in two halves.
fn scenes(folder: &std::path::Path) -> (Samples, Samples) {
    let mut recipe = Recipe::scenes();
    (recipe.train, recipe.test) = EACH;
    recipe.unlabelled = 0;
    make::make(&recipe, folder, &|_| {}).unwrap();
    let [train, test] = ["seg_train/seg_train", "seg_test/seg_test"]
        .map(|half| Samples::image_folder(folder.join(half)).unwrap());
    assert_eq!((train.len(), test.len()), (6 * EACH.0, 6 * EACH.1));
    (train, test)
}

/// Seconds of processor time that this process has used, all threads together.
fn processor_time() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    // The name of the program, in parentheses, may hold anything; behind it, the 12th and 13th are hundredths.
    let fields = stat.rsplit_once(')').unwrap().1.split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .map(|field| field.parse::<f64>().unwrap())
        .sum();
    ticks / 100.0
}

#[test]
#[cfg(target_os = "linux")]
fn three_families_learn_the_scenes_in_a_minute_each() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let (all, test) = scenes(folder.path());
    // One in eight tells how the training goes; the test pictures stay untouched until the end.
    let (valid, train): (Vec<usize>, Vec<usize>) = (0..all.len()).partition(|index| index % 8 == 0);
    let (valid, train) = (all.subset(&valid), all.subset(&train));
    tch::set_num_threads(1); // the time that threads wait for each other would count
    let loader = |samples: &Samples| {
        Loader::new(samples.clone(), SIDE)
            .batch_size(32)
            .normalize([0.45; 3], [0.25; 3])
    };
    let side = i64::from(SIDE);
    tch::manual_seed(0);
    let mlp = Mlp::builder(3 * side * side, 6).hidden(&[128]);
    let cnn = Cnn::builder([3, side, side], 6)
        .channels(&[16, 32, 64])
        .batch_norm(true);
    let resnet = CifarResNet::builder(20);
    // Epochs, rate, accuracy to be exceeded; guessing is right once in six.
    let families: [(Box<dyn Model>, usize, f64, f64); 3] = [
        (Box::new(mlp.build().unwrap()), 10, 1e-3, 0.45),
        (Box::new(cnn.build().unwrap()), 10, 5e-3, 0.6),
        (Box::new(resnet.build(6).unwrap()), 10, 5e-3, 0.6),
    ];
    for (net, epochs, rate, wanted) in families {
        let began = processor_time();
        let mut trainer = Trainer::new(AdamW::new(rate))
            .schedule(Schedule::one_cycle(rate))
            .keep_last()
            .quiet();
        let shuffled = loader(&train).shuffle(0);
        trainer
            .fit(&*net, &shuffled, &loader(&valid), epochs)
            .unwrap();
        let took = processor_time() - began;
        let found = evaluate(&*net, &loader(&test), &CrossEntropy::new()).unwrap();
        println!(
            "{}: accuracy {:.3} in {took:.1} s of processor time",
            net.name(),
            found.accuracy()
        );
        assert!(found.accuracy() > wanted, "{}: {found:?}", net.name());
        assert!(took < 60.0, "{}: {took} s", net.name());
    }
}
