//! Runs: what they reach, that they are the same again, stop when they should, and go on where they were.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

mod common;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use common::{alone, nonsense, stripes};
use data::{Batch, Batches, DataError, TensorData};
use nets::{Cnn, Mlp, Model, StateDict};
use tch::{Kind, Tensor};
use train::{
    Adam, AdamW, CrossEntropy, Schedule, Sgd, TrainError, Trainer, evaluate, fit, lr_find,
};

fn cnn() -> Cnn {
    tch::manual_seed(5);
    let builder = Cnn::builder([3, 16, 16], 4).channels(&[8, 16]);
    builder.batch_norm(true).dropout(0.2).build().unwrap()
}

fn trainer() -> Trainer {
    let rule = Sgd::new(0.05).momentum(0.9).weight_decay(1e-4);
    Trainer::new(rule)
        .schedule(Schedule::one_cycle(0.1))
        .clip_norm(1.0)
        .seed(3)
        .quiet()
}

fn weights(net: &dyn Model) -> StateDict {
    net.state_dict().snapshot().unwrap()
}

#[track_caller]
fn assert_same(a: &StateDict, b: &StateDict) {
    assert_eq!(a.names(), b.names());
    for ((name, a), (_, b)) in a.iter().zip(b.iter()) {
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn three_families_learn_to_tell_stripes() {
    let _turn = alone();
    tch::manual_seed(0);
    let (train, valid) = (stripes(600, 1).shuffle(1), stripes(200, 2).batch_size(100));
    let mlp = Mlp::builder(3 * 16 * 16, 4).hidden(&[64]).build().unwrap();
    let cnn = Cnn::builder([3, 16, 16], 4)
        .channels(&[8, 16])
        .batch_norm(true)
        .build()
        .unwrap();
    let resnet = nets::resnet20(4).unwrap();
    let accuracy = |net: &dyn Model, epochs, rule: train::Rule| {
        let mut trainer = Trainer::new(rule).quiet();
        trainer
            .fit(net, &train, &valid, epochs)
            .unwrap()
            .best()
            .unwrap()
            .valid_accuracy
    };
    let found = [
        accuracy(&mlp, 8, AdamW::new(1e-3).into()),
        accuracy(&cnn, 5, AdamW::new(3e-3).into()),
        accuracy(&resnet, 1, AdamW::new(1e-3).into()),
    ];
    assert!(
        found[0] > 0.9 && found[1] > 0.95 && found[2] > 0.9,
        "{found:?}"
    );
}

#[test]
fn the_same_seed_gives_the_same_weights_bit_for_bit() {
    let _turn = alone();
    let (train, valid) = (stripes(96, 1).shuffle(1), stripes(32, 2));
    let run = |seed| {
        let net = cnn();
        trainer()
            .seed(seed)
            .keep_last()
            .fit(&net, &train, &valid, 2)
            .unwrap();
        weights(&net)
    };
    let first = run(3);
    assert_same(&first, &run(3));
    let other = run(4); // another dropout
    assert!(
        first
            .iter()
            .zip(other.iter())
            .any(|((_, a), (_, b))| a != b)
    );
}

/// Hands on batches until it is told to stop, as an interrupt does: in the middle of an epoch, by unwinding.
struct Interrupting<'a> {
    set: &'a TensorData,
    left: Cell<usize>,
}

impl Batches for Interrupting<'_> {
    fn classes(&self) -> &[String] {
        self.set.classes()
    }

    fn len(&self) -> usize {
        self.set.len()
    }

    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = Result<Batch, DataError>> + '_> {
        Box::new(self.set.epoch(epoch).inspect(|_| match self.left.get() {
            0 => resume_unwind(Box::new("interrupted")),
            left => self.left.set(left - 1),
        }))
    }
}

#[test]
fn an_interrupted_run_goes_on_as_if_nothing_had_happened() {
    let _turn = alone();
    let (train, valid) = (stripes(96, 1).batch_size(16).shuffle(1), stripes(32, 2));
    let whole = cnn();
    let mut trainer_of_whole = trainer();
    trainer_of_whole.fit(&whole, &train, &valid, 3).unwrap();

    let net = cnn();
    let mut trainer = trainer();
    // Epochs of 6 batches: it stops after the 9th and the 14th, counting those that are skipped after the first stop.
    for (left, epochs) in [(9, 1), (3 + 5, 2)] {
        let set = Interrupting {
            set: &train,
            left: Cell::new(left),
        };
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            trainer.fit(&net, &set, &valid, 3).map(drop)
        }));
        assert!(outcome.is_err());
        assert_eq!(trainer.history().epochs().len(), epochs);
    }
    trainer.fit(&net, &train, &valid, 3).unwrap();
    assert_same(&weights(&whole), &weights(&net));
    for (a, b) in trainer
        .history()
        .epochs()
        .iter()
        .zip(trainer_of_whole.history().epochs())
    {
        assert_eq!(
            (a.train_loss, a.valid_loss, a.rate),
            (b.train_loss, b.valid_loss, b.rate)
        );
    }
}

#[test]
fn a_run_resumes_from_its_checkpoint_with_the_same_next_step() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let (best, last) = (
        folder.path().join("best.pth"),
        folder.path().join("last.pth"),
    );
    let (train, valid) = (stripes(96, 1).shuffle(1), stripes(32, 2));
    for rule in [
        train::Rule::from(Sgd::new(0.05).momentum(0.9)),
        Adam::new(1e-2).into(),
        AdamW::new(1e-2).into(),
    ] {
        let new = || {
            let schedule = Schedule::plateau(0.5, 0);
            Trainer::new(rule)
                .schedule(schedule)
                .seed(9)
                .quiet()
                .save_best(&best)
                .save_last(&last)
        };
        let whole = cnn();
        new().fit(&whole, &train, &valid, 4).unwrap();

        let first = cnn();
        new().fit(&first, &train, &valid, 2).unwrap();
        let mut second = cnn(); // weights that have nothing to do with it
        let mut trainer = new();
        trainer.resume(&mut second, &last).unwrap();
        let history = trainer.fit(&second, &train, &valid, 4).unwrap();
        assert_eq!(history.epochs().len(), 4);
        assert_same(&weights(&whole), &weights(&second));
    }
}

#[test]
fn a_checkpoint_of_another_network_or_rule_is_refused() {
    let _turn = alone();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("last.pth");
    let (train, valid) = (stripes(32, 1), stripes(32, 2));
    trainer()
        .save_last(&path)
        .fit(&cnn(), &train, &valid, 1)
        .unwrap();
    let mut mlp = Mlp::builder(768, 4).build().unwrap();
    assert!(matches!(
        trainer().resume(&mut mlp, &path),
        Err(TrainError::Net(_))
    ));
    let other = Trainer::new(Adam::new(1e-3))
        .resume(&mut cnn(), &path)
        .unwrap_err()
        .to_string();
    assert!(other.contains("another rule than Adam"), "{other}");
    let missing = trainer()
        .resume(&mut cnn(), folder.path().join("no.pth"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("no.pth"), "{missing}");
}

#[test]
fn the_best_epoch_is_put_back_and_early_stop_stops() {
    let _turn = alone();
    let (train, valid) = (nonsense(64, 1), nonsense(64, 2));
    let net = cnn();
    let mut trainer = Trainer::new(Adam::new(1e-2)).early_stop(3).quiet();
    let history = trainer.fit(&net, &train, &valid, 60).unwrap().clone();
    let (best, last) = (history.best().unwrap(), history.last().unwrap());
    assert_eq!(last.epoch, best.epoch + 3);
    let now = evaluate(&net, &valid, &CrossEntropy::new()).unwrap();
    assert_eq!(
        (now.accuracy(), now.loss()),
        (best.valid_accuracy, best.valid_loss)
    );
}

#[test]
fn a_loss_that_is_no_number_stops_with_advice_and_good_weights() {
    let _turn = alone();
    let (train, valid) = (stripes(64, 1), stripes(32, 2));
    let net = cnn();
    let mut trainer = trainer();
    trainer.fit(&net, &train, &valid, 1).unwrap();
    let good = weights(&net);
    let images = Tensor::full_like(train.images(), f64::NAN);
    let broken = TensorData::new(images, train.labels().copy(), common::CLASSES).unwrap();
    let message = trainer
        .fit(&net, &broken, &valid, 2)
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("epoch 2, batch 1: the loss is NaN. The images of this batch"),
        "{message}"
    );
    assert!(
        message.ends_with("The network has the weights of epoch 1, its best, again."),
        "{message}"
    );
    assert_same(&good, &weights(&net));

    let mlp = Mlp::builder(768, 4).hidden(&[32, 32]).build().unwrap();
    let message = fit(&mlp, &train, &valid, 50, Sgd::new(1e30))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("learning rate, 1.0e30, is too high") && message.contains("lr_find"),
        "{message}"
    );
    let loud = TensorData::new(
        train.images() * 1e30,
        train.labels().copy(),
        common::CLASSES,
    )
    .unwrap();
    let message = fit(&mlp, &loud, &valid, 50, Sgd::new(1e-2))
        .unwrap_err()
        .to_string();
    assert!(message.contains("normalise them"), "{message}");
}

#[test]
fn a_validation_loss_that_is_no_number_stops_too() {
    let _turn = alone();
    tch::manual_seed(1);
    // One batch an epoch: what its step did is seen by the validation first.
    let (train, valid) = (stripes(32, 1), stripes(32, 2));
    let folder = tempfile::tempdir().unwrap();
    let best = folder.path().join("best.pth");
    let deep = Mlp::builder(768, 4).hidden(&[32, 32]).build().unwrap();
    let mut trainer = Trainer::new(Sgd::new(1e30)).save_best(&best).quiet();
    let message = trainer
        .fit(&deep, &train, &valid, 1)
        .unwrap_err()
        .to_string();
    assert!(
        message.starts_with("epoch 1, validation: the loss is NaN. The learning rate, 1.0e30,"),
        "{message}"
    );
    assert!(
        message.ends_with("Build the network anew before the next try."),
        "{message}"
    );
    assert!(trainer.history().epochs().is_empty() && !best.exists());

    let net = cnn();
    let mut trainer = self::trainer();
    trainer.fit(&net, &train, &valid, 1).unwrap();
    let good = weights(&net);
    let images = Tensor::full_like(valid.images(), f64::NAN);
    let broken = TensorData::new(images, valid.labels().copy(), common::CLASSES).unwrap();
    let message = trainer
        .fit(&net, &train, &broken, 2)
        .unwrap_err()
        .to_string();
    assert!(
        message
            .starts_with("epoch 2, validation: the loss is NaN. The images of the validation set"),
        "{message}"
    );
    assert!(
        message.ends_with("The network has the weights of epoch 1, its best, again."),
        "{message}"
    );
    assert_same(&good, &weights(&net));
}

#[test]
fn weights_that_have_exploded_are_nobodys_best() {
    let _turn = alone();
    let (train, valid) = (stripes(32, 1), stripes(32, 2));
    let folder = tempfile::tempdir().unwrap();
    let best = folder.path().join("best.pth");
    // Without hidden layers the numbers stay finite, however large they are.
    let flat = Mlp::builder(768, 4).build().unwrap();
    let mut trainer = Trainer::new(Sgd::new(1e15)).save_best(&best).quiet();
    let history = trainer.fit(&flat, &train, &valid, 2).unwrap();
    assert!(
        history.epochs().iter().all(|epoch| epoch.valid_loss > 1e6),
        "{history:?}"
    );
    assert!(!best.exists());
    // In the third epoch it comes to an end: there is nothing good to go back to.
    let images = Tensor::full_like(train.images(), f64::NAN);
    let broken = TensorData::new(images, train.labels().copy(), common::CLASSES).unwrap();
    let message = trainer
        .fit(&flat, &broken, &valid, 3)
        .unwrap_err()
        .to_string();
    assert!(
        message.ends_with("Build the network anew before the next try."),
        "{message}"
    );
    assert!(!best.exists());
}

#[test]
fn epochs_asked_for_later_are_those_asked_for_at_once() {
    let _turn = alone();
    tch::manual_seed(8);
    let (train, valid) = (nonsense(64, 1).batch_size(16).shuffle(1), nonsense(64, 2));
    let new = || Trainer::new(Adam::new(1e-2)).seed(3).quiet();
    let (whole, net) = (cnn(), cnn());
    let mut at_once = new().keep_last();
    at_once.fit(&whole, &train, &valid, 6).unwrap();

    let mut trainer = new();
    let mut gone_back = 0;
    for epochs in 1..=6 {
        let history = trainer.fit(&net, &train, &valid, epochs).unwrap();
        gone_back += usize::from(epochs < 6 && history.best() != history.last());
    }
    assert!(gone_back > 0, "{:?}", trainer.history());
    for (a, b) in at_once
        .history()
        .epochs()
        .iter()
        .zip(trainer.history().epochs())
    {
        assert_eq!((a.train_loss, a.valid_loss), (b.train_loss, b.valid_loss));
    }
    // The best epoch's weights are those that a single call leaves, too.
    let another = cnn();
    new().fit(&another, &train, &valid, 6).unwrap();
    assert_same(&weights(&another), &weights(&net));

    // Weights that were changed in between are meant to be gone on with.
    let mut changed = new();
    let net = cnn();
    let history = changed.fit(&net, &train, &valid, 4).unwrap();
    assert!(history.best() != history.last(), "{history:?}");
    let bias = net
        .state_dict()
        .get(&format!("{}.bias", net.head()))
        .unwrap()
        .shallow_clone();
    let _same = tch::no_grad(|| bias.narrow(0, 0, 1).fill_(100.0));
    let history = changed.fit(&net, &train, &valid, 5).unwrap();
    assert!(history.last().unwrap().train_loss > 10.0, "{history:?}");
}

#[test]
fn what_does_not_fit_together_is_told_before_it_starts() {
    let _turn = alone();
    let (train, valid) = (stripes(32, 1), stripes(32, 2));
    let six = Cnn::builder([3, 16, 16], 6).build().unwrap();
    let message = fit(&six, &train, &valid, 1, Sgd::new(0.1))
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("6 outputs, but the data has 4 classes")
            && message.contains("replace_head(4)")
    );
    let message = fit(&cnn(), &train, &valid, 1, Sgd::new(-0.1))
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "Sgd: the learning rate must be 0 or more, got -0.1"
    );
    let mut used = trainer();
    let net = cnn();
    used.fit(&net, &train, &valid, 1).unwrap();
    let message = used.fit(&cnn(), &train, &valid, 2).unwrap_err().to_string();
    assert!(message.contains("another network"), "{message}");
    let empty = stripes(4, 1).batch_size(8).drop_last();
    let message = trainer()
        .fit(&net, &empty, &valid, 1)
        .unwrap_err()
        .to_string();
    assert!(message.contains("no batches"), "{message}");
    let unknown = trainer()
        .factors(&[("layer9", 0.1)])
        .fit(&net, &train, &valid, 1)
        .unwrap_err();
    assert!(
        unknown
            .to_string()
            .contains("no parameter \"layer9\"; it has features, classifier")
    );
}

#[test]
fn lr_find_suggests_a_rate_that_works_and_puts_the_weights_back() {
    let _turn = alone();
    let train = stripes(128, 1).shuffle(1);
    let net = cnn();
    let before = weights(&net);
    let found = lr_find(&net, &train, Sgd::new(0.1).momentum(0.9)).unwrap();
    assert_same(&before, &weights(&net));
    let rate = found.suggestion().unwrap();
    assert!((1e-4..1.0).contains(&rate), "{found:?}");
    assert!(found.points().windows(2).all(|pair| pair[0].0 < pair[1].0));
}

#[test]
fn classes_that_weigh_nothing_are_not_learnt() {
    let _turn = alone();
    let (train, valid) = (stripes(200, 1).shuffle(1), stripes(100, 2));
    let net = cnn();
    let loss = CrossEntropy::new().class_weights(&[1.0, 0.0, 1.0, 1.0]);
    let mut trainer = Trainer::new(AdamW::new(3e-3))
        .loss(loss)
        .keep_last()
        .quiet();
    trainer.fit(&net, &train, &valid, 4).unwrap();
    let found = train::predict(&net, &valid).unwrap();
    let taken = found
        .logits
        .argmax(1, false)
        .eq(1)
        .sum(Kind::Int64)
        .int64_value(&[]);
    assert_eq!(taken, 0);
    assert_eq!(found.confusion().unwrap().score(1).recall, 0.0);
    assert_eq!(found.top_losses(1).unwrap()[0].actual, "upright");
}
