//! [`Gradients`]: how the loss changes with each parameter.

use tch::Tensor;

use crate::TrainError;
use crate::error::said;

/// The derivative of a loss by each parameter of a network.
///
/// This is what PyTorch keeps in `parameter.grad`. Here it is a value of its own: nothing adds up from step
/// to step, so there is no `zero_grad` to forget.
#[derive(Debug)]
pub struct Gradients {
    /// Undefined where a parameter is frozen or the loss does not depend on it.
    pub(crate) all: Vec<(String, Tensor)>,
}

impl Gradients {
    /// Goes back from `loss` through the computation that made it.
    ///
    /// Frozen parameters (`requires_grad` is false) are left out, as are those that the loss does not depend
    /// on. The computation's intermediate results are freed: a loss can be asked once.
    ///
    /// # Errors
    /// [`TrainError::Settings`] when the loss is not one number, or does not depend on any parameter, as
    /// inside of `no_grad`; [`TrainError::Torch`] when it was asked before.
    pub fn of(loss: &Tensor, parameters: &[(String, Tensor)]) -> Result<Self, TrainError> {
        if loss.numel() != 1 {
            return Err(TrainError::settings(format!(
                "gradients: the loss has to be one number, got {:?}: take its mean",
                loss.size()
            )));
        }
        if !loss.requires_grad() {
            return Err(TrainError::settings(
                "gradients: the loss does not depend on any parameter that is being trained: were they all \
                 frozen, or was it computed inside of no_grad?",
            ));
        }
        let trained: Vec<&Tensor> = parameters
            .iter()
            .map(|(_, tensor)| tensor)
            .filter(|tensor| tensor.requires_grad())
            .collect();
        let found = Tensor::f_run_backward(&[loss], &trained, false, false)
            .map_err(said("computing gradients"))?;
        let mut found = found.into_iter();
        let all = parameters
            .iter()
            .map(|(name, tensor)| {
                let gradient = tensor.requires_grad().then(|| found.next()).flatten();
                (name.clone(), gradient.unwrap_or_else(Tensor::new))
            })
            .collect();
        Ok(Self { all })
    }

    /// Name and gradient of every parameter that has one, in the network's order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.all
            .iter()
            .filter(|(_, gradient)| gradient.defined())
            .map(|(name, gradient)| (name.as_str(), gradient))
    }

    /// The length of all gradients together, seen as one long vector (the L2 norm).
    ///
    /// # Errors
    /// [`TrainError::Torch`] when torch cannot compute it.
    pub fn norm(&self) -> Result<f64, TrainError> {
        let norms: Vec<Tensor> = self
            .iter()
            .map(|(_, gradient)| norm(gradient))
            .collect::<Result<_, _>>()?;
        if norms.is_empty() {
            return Ok(0.0);
        }
        let norms = Tensor::f_stack(&norms, 0).map_err(said("measuring gradients"))?;
        norm(&norms)?
            .f_double_value(&[])
            .map_err(said("measuring gradients"))
    }

    /// Shortens all gradients by one factor, so that their [`norm`](Self::norm) is at most `max`. Returns the
    /// norm as it was.
    ///
    /// The same as PyTorch's `clip_grad_norm_` (Pascanu, Mikolov and Bengio 2013, arXiv 1211.5063).
    ///
    /// # Errors
    /// [`TrainError::Torch`] when torch cannot compute it.
    pub fn clip_norm(&mut self, max: f64) -> Result<f64, TrainError> {
        let norm = self.norm()?;
        let factor = max / (norm + 1e-6);
        if factor < 1.0 {
            // Not in place: two parameters may share one gradient.
            self.change(|gradient| gradient.f_mul_scalar(factor))?;
        }
        Ok(norm)
    }

    /// Cuts each number of each gradient to `-max` to `max`, as PyTorch's `clip_grad_value_` does.
    ///
    /// # Errors
    /// [`TrainError::Torch`] when torch cannot compute it.
    pub fn clip_value(&mut self, max: f64) -> Result<(), TrainError> {
        self.change(|gradient| gradient.f_clamp(-max, max))
    }

    fn change(
        &mut self,
        by: impl Fn(&Tensor) -> Result<Tensor, tch::TchError>,
    ) -> Result<(), TrainError> {
        for (_, gradient) in &mut self.all {
            if gradient.defined() {
                *gradient = by(gradient).map_err(said("clipping gradients"))?;
            }
        }
        Ok(())
    }
}

fn norm(tensor: &Tensor) -> Result<Tensor, TrainError> {
    tensor.f_norm().map_err(said("measuring gradients"))
}
