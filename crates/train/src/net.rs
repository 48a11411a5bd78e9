//! What training asks of a network, whatever its architecture.

use data::Batch;
use nets::{Input, Model, StateDict};
use tch::Tensor;

use crate::error::said;
use crate::{CrossEntropy, TrainError};

/// What batch normalisation counts; everything else in a state dict is learnt.
const STATISTICS: [&str; 3] = ["running_mean", "running_var", "num_batches_tracked"];

fn is_statistic(name: &str) -> bool {
    STATISTICS.iter().any(|statistic| name.ends_with(statistic))
}

/// The parameters of a network by name, in PyTorch's order, frozen ones included. The tensors are its own.
pub fn named_parameters(net: &dyn Model) -> Vec<(String, Tensor)> {
    net.state_dict()
        .iter()
        .filter(|(name, _)| !is_statistic(name))
        .map(|(name, tensor)| (name.to_owned(), tensor.shallow_clone()))
        .collect()
}

/// Lets parameters learn or freezes them; returns how many there are.
pub(crate) fn set_trained(
    parameters: &[(String, Tensor)],
    trained: bool,
) -> Result<usize, TrainError> {
    for (_, tensor) in parameters {
        let _same = tensor
            .f_set_requires_grad(trained)
            .map_err(said("freezing a parameter"))?;
    }
    Ok(parameters.len())
}

/// The images of a batch as the network takes them: on its device, and as rows for one that takes rows.
pub(crate) fn images_for(net: &dyn Model, images: &Tensor) -> Result<Tensor, TrainError> {
    let images = images
        .f_to_device(net.device())
        .map_err(said("moving a batch to the network's device"))?;
    match net.input() {
        Input::Features(_) if images.dim() > 2 => images
            .f_flatten(1, -1)
            .map_err(said("making rows of images")),
        _ => Ok(images),
    }
}

/// Images and labels of a batch as the network takes them.
pub(crate) fn batch_for(net: &dyn Model, batch: &Batch) -> Result<(Tensor, Tensor), TrainError> {
    let labels = batch
        .labels
        .f_to_device(net.device())
        .map_err(said("moving labels to the network's device"))?;
    Ok((images_for(net, &batch.images)?, labels))
}

/// The loss of a batch in training mode, with what auxiliary heads add to it, and the logits.
pub(crate) fn training_loss(
    net: &dyn Model,
    images: &Tensor,
    labels: &Tensor,
    loss: &CrossEntropy,
) -> Result<(Tensor, Tensor), TrainError> {
    let (logits, auxiliary) = net.training_outputs(images)?;
    let mut total = loss.loss(&logits, labels)?;
    for (output, (_, weight)) in auxiliary.iter().zip(net.auxiliary()) {
        total += loss.loss(output, labels)? * *weight;
    }
    Ok((total, logits.detach()))
}

/// Whether the numbers of a network are those of a snapshot of it.
pub(crate) fn holds(net: &dyn Model, snapshot: &StateDict) -> Result<bool, TrainError> {
    for ((_, own), (_, kept)) in net.state_dict().iter().zip(snapshot.iter()) {
        if !own.f_equal(kept).map_err(said("comparing weights"))? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Puts a snapshot of the same network back.
pub(crate) fn restore(net: &dyn Model, snapshot: &StateDict) -> Result<(), TrainError> {
    let _guard = tch::no_grad_guard();
    for ((_, own), (_, kept)) in net.state_dict().iter().zip(snapshot.iter()) {
        own.shallow_clone()
            .f_copy_(kept)
            .map_err(said("putting weights back"))?;
    }
    Ok(())
}

/// Puts numbers of a network back when it goes out of scope, be it by an error or an interrupt.
pub(crate) struct PutBack {
    /// The network's own tensors and their numbers as they were.
    pairs: Vec<(Tensor, Tensor)>,
}

impl PutBack {
    /// Remembers all of a network.
    pub(crate) fn all(net: &dyn Model) -> Result<Self, TrainError> {
        Self::of(net, |_| true)
    }

    /// Remembers the running statistics, which change in a forward pass, before it is known how the step ends.
    pub(crate) fn statistics(net: &dyn Model) -> Result<Self, TrainError> {
        Self::of(net, is_statistic)
    }

    fn of(net: &dyn Model, wanted: impl Fn(&str) -> bool) -> Result<Self, TrainError> {
        let own = net.state_dict();
        let wanted = own.iter().filter(|(name, _)| wanted(name));
        let pair = |(_, tensor): (&str, &Tensor)| {
            let mut kept = tensor.detach().f_zeros_like()?;
            kept.f_copy_(&tensor.detach())?;
            Ok((tensor.shallow_clone(), kept))
        };
        let pairs: Result<_, tch::TchError> = wanted.map(pair).collect();
        Ok(Self {
            pairs: pairs.map_err(said("remembering weights"))?,
        })
    }

    /// Leaves the numbers as they are now.
    pub(crate) fn forget(mut self) {
        self.pairs.clear();
    }
}

impl Drop for PutBack {
    fn drop(&mut self) {
        let _guard = tch::no_grad_guard();
        for (own, kept) in &mut self.pairs {
            // Copying between tensors of the same shape does not fail, and nobody could be told.
            let _ = own.f_copy_(kept);
        }
    }
}

/// The best device that libtorch has here: CUDA, then Apple's MPS, then the CPU.
///
/// `net.to_device(best_device())` moves a network there; batches follow it by themselves.
pub fn best_device() -> tch::Device {
    match tch::Device::cuda_if_available() {
        tch::Device::Cpu if tch::utils::has_mps() => tch::Device::Mps,
        device => device,
    }
}
