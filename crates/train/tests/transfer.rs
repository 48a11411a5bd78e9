//! Transfer: what is frozen stays, rates differ by layer, cached features are what the head sees.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

mod common;

use common::{alone, stripes};
use data::Batches;
use nets::{Cnn, Model, StateDict};
use train::{AdamW, Sgd, Trainer, backbone, cached_features, falling_factors, fine_tune, freeze};
use train::{freeze_backbone, frozen, predict, train_head, unfreeze};

fn cnn() -> Cnn {
    tch::manual_seed(5);
    Cnn::builder([3, 16, 16], 4)
        .channels(&[8, 16])
        .batch_norm(true)
        .build()
        .unwrap()
}

fn changed(before: &StateDict, net: &dyn Model) -> Vec<String> {
    let now = net.state_dict();
    let pairs = before.iter().zip(now.iter());
    pairs
        .filter(|((_, a), (_, b))| a != b)
        .map(|((name, _), _)| name.to_owned())
        .collect()
}

#[test]
fn frozen_layers_keep_their_weights_and_their_statistics() {
    let _turn = alone();
    let net = cnn();
    assert_eq!(freeze_backbone(&net).unwrap(), 6);
    assert_eq!(frozen(&net).len(), 6);
    let before = net.state_dict().snapshot().unwrap();
    let train = stripes(64, 1);
    Trainer::new(AdamW::new(1e-2))
        .keep_last()
        .quiet()
        .fit(&net, &train, &train, 2)
        .unwrap();
    assert_eq!(
        changed(&before, &net),
        ["classifier.2.weight", "classifier.2.bias"]
    );

    unfreeze(&net, "features.4").unwrap(); // the second convolution
    Trainer::new(AdamW::new(1e-2))
        .keep_last()
        .quiet()
        .fit(&net, &train, &train, 1)
        .unwrap();
    let names = changed(&before, &net);
    assert_eq!(
        names,
        [
            "features.4.weight",
            "classifier.2.weight",
            "classifier.2.bias"
        ]
    );
    assert!(
        freeze(&net, "layer4")
            .unwrap_err()
            .to_string()
            .contains("it has features, classifier")
    );
}

#[test]
fn the_backbone_is_all_but_the_head() {
    let _turn = alone();
    let net = cnn();
    let below = backbone(&net);
    assert_eq!(below.names().len(), 6);
    assert!(
        below
            .names()
            .iter()
            .all(|name| name.starts_with("features."))
    );
    assert_eq!(below.features().unwrap(), 16);
    let images = stripes(4, 1).images().shallow_clone();
    let features = below.forward(&images).unwrap();
    assert_eq!(features.size(), [4, 16]);
    assert_eq!(features, net.embed(&images).unwrap());
    let head = net.state_dict();
    let (weight, bias) = (
        head.get("classifier.2.weight"),
        head.get("classifier.2.bias"),
    );
    let logits = features.linear(weight.unwrap(), bias);
    assert_eq!(logits, net.try_forward_t(&images, false).unwrap());
    // Gradients go through it, and training mode is another matter.
    features.sum(tch::Kind::Float).backward();
    assert!(head.get("features.0.weight").unwrap().grad().defined());
    assert!(below.forward_t(&images, true).unwrap() != features);

    assert_eq!(below.freeze().unwrap(), 6);
    assert_eq!(frozen(&net), below.names());
    assert_eq!(below.unfreeze().unwrap(), 6);
    assert!(frozen(&net).is_empty());

    let google = nets::GoogLeNet::builder()
        .aux_logits(true)
        .build(4)
        .unwrap();
    let names = backbone(&google).names();
    assert!(
        names
            .iter()
            .all(|name| !name.starts_with("aux") && !name.starts_with("fc"))
    );
    assert_eq!(backbone(&google).features().unwrap(), 1024);
}

#[test]
fn everything_frozen_is_told() {
    let _turn = alone();
    let net = cnn();
    freeze(&net, "").unwrap();
    let train = stripes(32, 1);
    let outcome = Trainer::new(Sgd::new(0.1))
        .quiet()
        .fit(&net, &train, &train, 1)
        .map(drop);
    assert!(outcome.unwrap_err().to_string().contains("all frozen"));
}

#[test]
fn factors_fall_towards_the_image_and_slow_layers_down() {
    let _turn = alone();
    let net = cnn();
    let factors = falling_factors(&net, 100.0);
    assert_eq!(factors[0], ("features.0".into(), 0.01));
    assert!(factors.windows(2).all(|pair| pair[0].1 < pair[1].1));
    assert!(
        factors
            .iter()
            .all(|(name, factor)| *factor < 1.0 && !name.starts_with("classifier"))
    );

    let before = net.state_dict().snapshot().unwrap();
    let train = stripes(32, 1).batch_size(32);
    let mut trainer = Trainer::new(Sgd::new(0.1))
        .factors(&[("features", 0.0)])
        .keep_last()
        .quiet();
    trainer.fit(&net, &train, &train, 1).unwrap();
    let names = changed(&before, &net);
    // Statistics move, for the layers are slow, not frozen.
    let learnt: Vec<_> = names
        .iter()
        .filter(|name| !name.contains("running") && !name.contains("num"))
        .collect();
    assert_eq!(learnt, ["classifier.2.weight", "classifier.2.bias"]);
}

#[test]
fn a_head_trained_on_cached_features_belongs_to_the_network() {
    let _turn = alone();
    let net = cnn();
    let set = stripes(200, 1);
    Trainer::new(AdamW::new(3e-3))
        .quiet()
        .fit(&net, &set, &set, 2)
        .unwrap();
    let features = cached_features(&net, &set).unwrap();
    assert_eq!(features.images().size(), [200, 16, 1, 1]);
    let before = net.state_dict().snapshot().unwrap();
    let mut trainer = Trainer::new(AdamW::new(1e-2)).quiet();
    let history = train_head(&net, &mut trainer, &features, &features, 3).unwrap();
    assert_eq!(
        changed(&before, &net),
        ["classifier.2.weight", "classifier.2.bias"]
    );
    let whole = predict(&net, &set).unwrap().accuracy().unwrap();
    assert_eq!(whole, history.best().unwrap().valid_accuracy);
    let wrong = train_head(&net, &mut trainer, &set, &set, 1)
        .unwrap_err()
        .to_string();
    assert!(wrong.contains("cached_features"), "{wrong}");
}

#[test]
fn fine_tuning_beats_its_own_first_epoch() {
    let _turn = alone();
    let mut net = cnn();
    let (train, valid) = (stripes(200, 1).shuffle(1), stripes(100, 2));
    Trainer::new(AdamW::new(3e-3))
        .quiet()
        .fit(&net, &train, &valid, 2)
        .unwrap();
    net.replace_head(4).unwrap();
    let history = fine_tune(&net, &train, &valid, 3, 1e-2).unwrap();
    assert_eq!(
        history
            .epochs()
            .iter()
            .map(|epoch| epoch.epoch)
            .collect::<Vec<_>>(),
        [1, 2, 3, 4]
    );
    assert!(frozen(&net).is_empty());
    assert!(history.best().unwrap().valid_accuracy > 0.9, "{history:?}");
    assert_eq!(train.classes().len(), 4);
}
