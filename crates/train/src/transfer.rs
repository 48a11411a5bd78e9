//! Transfer learning: freezing, cached features, and the recipe of fine-tuning.

use data::{Batches, TensorData};
use nets::{Mlp, Model};
use tch::{Device, Tensor};

use crate::error::said;
use crate::names::{is_below, matching};
use crate::net::{self, images_for};
use crate::{AdamW, History, Schedule, TrainError, Trainer, named_parameters};

/// Freezes the parameters below a name: `layer1`, or `layer1.0.conv1.weight`; an empty name is all of them.
/// Returns how many parameters (tensors) are frozen by it.
///
/// Batch normalisation below the name is frozen with its statistics: it does in training what it does in
/// evaluation.
///
/// # Errors
/// [`TrainError::Unknown`] when no parameter has such a name.
pub fn freeze(net: &dyn Model, name: &str) -> Result<usize, TrainError> {
    set_trained(net, name, false)
}

/// Lets the parameters below a name learn again; an empty name is all of them.
///
/// # Errors
/// As [`freeze`].
pub fn unfreeze(net: &dyn Model, name: &str) -> Result<usize, TrainError> {
    set_trained(net, name, true)
}

/// Freezes all but the head, so that only the new last layer learns.
///
/// # Errors
/// As [`freeze`].
pub fn freeze_backbone(net: &dyn Model) -> Result<usize, TrainError> {
    let frozen = freeze(net, "")? - unfreeze(net, net.head())?;
    Ok(frozen)
}

/// The names of the parameters that do not learn.
pub fn frozen(net: &dyn Model) -> Vec<String> {
    named_parameters(net)
        .into_iter()
        .filter(|(_, tensor)| !tensor.requires_grad())
        .map(|(name, _)| name)
        .collect()
}

fn set_trained(net: &dyn Model, name: &str, trained: bool) -> Result<usize, TrainError> {
    let mut named = named_parameters(net);
    matching(&named, name)?;
    named.retain(|(other, _)| is_below(other, name));
    net::set_trained(&named, trained)
}

/// Factors of the learning rate that fall from 1 at the head to `1 / span` at the first layer, evenly on a
/// logarithmic scale: what lies near the image changes least (Howard and Ruder 2018, arXiv 1801.06146).
///
/// For [`Trainer::factors`] and [`Optimizer::factors`](crate::Optimizer::factors).
pub fn falling_factors(net: &dyn Model, span: f64) -> Vec<(String, f64)> {
    let mut layers: Vec<String> = Vec::new();
    for (name, _) in named_parameters(net) {
        let layer = name
            .rsplit_once('.')
            .map_or(name.as_str(), |(layer, _)| layer);
        if !is_below(&name, net.head()) && layers.last().map(String::as_str) != Some(layer) {
            layers.push(layer.to_owned());
        }
    }
    let count = layers.len() as f64;
    let factor = |place: usize| span.powf(place as f64 / count - 1.0);
    let layers = layers.into_iter().enumerate();
    layers
        .map(|(place, layer)| (layer, factor(place)))
        .collect()
}

/// What the backbone makes of a data set: the head's input for each image, computed once.
///
/// The backbone runs over the set a single time; training a head on the result, as [`train_head`] does, then
/// takes seconds. Augmentation has no effect: each image is seen as it comes in epoch 0.
///
/// # Shapes
/// images `[N, features, 1, 1]`, labels as those of `set`, in its order of epoch 0
///
/// # Errors
/// As [`evaluate`](fn@crate::evaluate).
pub fn cached_features(net: &dyn Model, set: &dyn Batches) -> Result<TensorData, TrainError> {
    let _guard = tch::no_grad_guard();
    let (mut features, mut labels) = (Vec::new(), Vec::new());
    for batch in set.epoch(0) {
        rt::checkpoint();
        let batch = batch?;
        let embedded = net.embed(&images_for(net, &batch.images)?)?; // [N, features]
        features.push(embedded.to_device(Device::Cpu));
        labels.push(batch.labels.to_device(Device::Cpu));
    }
    if features.is_empty() {
        return Err(TrainError::settings(
            "cached_features: the data set has no batches",
        ));
    }
    let together = |parts: &[Tensor]| Tensor::f_cat(parts, 0).map_err(said("collecting features"));
    let features = together(&features)?.unsqueeze(-1).unsqueeze(-1);
    Ok(TensorData::new(
        features,
        together(&labels)?,
        set.classes(),
    )?)
}

/// Trains the head of a network alone, on cached features, and puts it in its place.
///
/// `train` and `valid` come from [`cached_features`]. Nothing else of the network changes.
///
/// # Errors
/// [`TrainError::Settings`] when the features are not what the head takes, and as [`Trainer::fit`].
pub fn train_head(
    net: &dyn Model,
    trainer: &mut Trainer,
    train: &TensorData,
    valid: &TensorData,
    epochs: usize,
) -> Result<History, TrainError> {
    let head: Vec<Tensor> = named_parameters(net)
        .into_iter()
        .filter(|(name, _)| is_below(name, net.head()))
        .map(|(_, tensor)| tensor)
        .collect();
    let features = train.images().size()[1];
    if head.first().map(Tensor::size) != Some(vec![net.num_classes(), features]) {
        return Err(TrainError::settings(format!(
            "train_head: the head of {} does not take {features} features: make them with cached_features",
            net.name()
        )));
    }
    let mut alone = Mlp::builder(features, net.num_classes()).build()?;
    alone.to_device(net.device());
    copy(&head, &alone, false)?;
    let history = trainer.fit(&alone, train, valid, epochs)?.clone();
    copy(&head, &alone, true)?;
    Ok(history)
}

/// Copies a head's weights into a perceptron without hidden layers, or back.
fn copy(head: &[Tensor], alone: &Mlp, back: bool) -> Result<(), TrainError> {
    let _guard = tch::no_grad_guard();
    for (own, (_, other)) in head.iter().zip(named_parameters(alone)) {
        let (to, from) = if back { (own, &other) } else { (&other, own) };
        to.shallow_clone()
            .f_copy_(from)
            .map_err(said("copying the head"))?;
    }
    Ok(())
}

/// Fine-tunes a pretrained network whose head is new: one epoch of the head alone, then all of it, early
/// layers a hundred times slower, at half the rate.
///
/// The recipe of fastai's `fine_tune`, on [`AdamW`] and one-cycle; a `rate` of 2e-3 is usual. It is these lines:
///
/// ```
/// # use nets::Model;
/// # use train::*;
/// # fn recipe(net: &dyn Model, train: &dyn data::Batches, valid: &dyn data::Batches, epochs: usize, rate: f64)
/// # -> Result<(), TrainError> {
/// freeze_backbone(net)?;
/// Trainer::new(AdamW::new(rate)).schedule(Schedule::one_cycle(rate)).fit(net, train, valid, 1)?;
///
/// unfreeze(net, "")?;
/// let rate = rate / 2.0;
/// Trainer::new(AdamW::new(rate))
///     .schedule(Schedule::one_cycle(rate))
///     .factors(&falling_factors(net, 100.0))
///     .fit(net, train, valid, epochs)?;
/// # Ok(())
/// # }
/// ```
///
/// The history holds both parts. The baseline to compare with is the same network from scratch:
/// [`History::compare`] draws both.
///
/// # Errors
/// As [`Trainer::fit`].
pub fn fine_tune(
    net: &dyn Model,
    train: &dyn Batches,
    valid: &dyn Batches,
    epochs: usize,
    rate: f64,
) -> Result<History, TrainError> {
    freeze_backbone(net)?;
    let mut head = Trainer::new(AdamW::new(rate)).schedule(Schedule::one_cycle(rate));
    let mut history = head.fit(net, train, valid, 1)?.clone();

    unfreeze(net, "")?;
    let rate = rate / 2.0;
    let mut all = Trainer::new(AdamW::new(rate))
        .schedule(Schedule::one_cycle(rate))
        .factors(&falling_factors(net, 100.0));
    history.extend(all.fit(net, train, valid, epochs)?);
    Ok(history)
}
