//! Batch normalisation.
//!
//! Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
//! Covariate Shift", arXiv 1502.03167.

use std::borrow::Borrow;
use std::fmt;

use tch::{Kind, Tensor, nn};

use super::{Layer, name_of, positive};
use crate::{NetError, Pass};

/// How much of each batch's statistics goes into the running ones: PyTorch's default.
const MOMENTUM: f64 = 0.1;

/// Batch normalisation over images: PyTorch's `nn.BatchNorm2d`, which see [`BatchNorm1d`] for.
///
/// # Shapes
/// `[N, channels, H, W]` -> the same
pub struct BatchNorm2d(BatchNorm);

/// Batch normalisation over vectors: PyTorch's `nn.BatchNorm1d`.
///
/// Training shifts and scales each channel of the batch to mean 0 and variance 1, then by the learnt `bias` and
/// `weight` (which start at 0 and 1); it keeps a running mean and variance, which are used otherwise.
///
/// **Frozen** layers, that is those whose weight has no gradient (`set_requires_grad(false)`), use the running
/// statistics in training as well and leave them alone. In PyTorch that takes an `eval()` call for each of
/// them; forgetting it is a classic.
///
/// # Shapes
/// `[N, channels]` -> the same
///
/// # Names
/// `weight`, `bias`, `running_mean`, `running_var`, each `[channels]`, and `num_batches_tracked`, an i64
pub struct BatchNorm1d(BatchNorm);

impl BatchNorm2d {
    /// A layer for so many channels, its parameters at `path`; eps is 1e-5.
    ///
    /// # Errors
    /// [`NetError::Setting`] when `channels` is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn new<'a>(channels: i64, path: impl Borrow<nn::Path<'a>>) -> Result<Self, NetError> {
        Self::with_eps(channels, 1e-5, path)
    }

    /// The same with another `eps`, the number added to the variance so that none is divided by 0.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_eps<'a>(
        channels: i64,
        eps: f64,
        path: impl Borrow<nn::Path<'a>>,
    ) -> Result<Self, NetError> {
        Ok(Self(BatchNorm::new(channels, eps, path.borrow())?))
    }

    /// Starts the scale at 0, so that the layer gives 0 until it has learnt: the last layer of a residual
    /// branch, which then begins as the identity.
    ///
    /// Goyal et al. 2017, "Accurate, Large Minibatch SGD", arXiv 1706.02677, section 5.1.
    ///
    /// # Errors
    /// [`NetError::Torch`], which nothing is known to cause.
    pub fn zero_scale(&self) -> Result<(), NetError> {
        let _guard = tch::no_grad_guard();
        let _same = self.0.weight.shallow_clone().f_zero_()?;
        Ok(())
    }
}

impl BatchNorm1d {
    /// A layer for so many channels, its parameters at `path`; eps is 1e-5.
    ///
    /// # Errors
    /// [`NetError::Setting`] when `channels` is under 1, [`NetError::Torch`] when there is no memory for it.
    pub fn new<'a>(channels: i64, path: impl Borrow<nn::Path<'a>>) -> Result<Self, NetError> {
        Ok(Self(BatchNorm::new(channels, 1e-5, path.borrow())?))
    }
}

/// What both have in common.
struct BatchNorm {
    name: String,
    channels: i64,
    eps: f64,
    weight: Tensor,
    bias: Tensor,
    running_mean: Tensor,
    running_var: Tensor,
    num_batches_tracked: Tensor,
}

impl BatchNorm {
    fn new(channels: i64, eps: f64, path: &nn::Path) -> Result<Self, NetError> {
        let name = name_of(path);
        positive(&format!("{name} (BatchNorm)"), [("channels", channels)])?;
        let dims = [channels];
        let count = Tensor::f_zeros([], (Kind::Int64, path.device()))?;
        Ok(Self {
            name,
            channels,
            eps,
            weight: path.f_ones("weight", &dims)?,
            bias: path.f_zeros("bias", &dims)?,
            running_mean: path.f_zeros_no_train("running_mean", &dims)?,
            running_var: path.f_ones_no_train("running_var", &dims)?,
            num_batches_tracked: path.add("num_batches_tracked", count, false),
        })
    }

    fn compute(&self, xs: &Tensor, train: bool) -> Result<Tensor, NetError> {
        let train = train && self.weight.requires_grad();
        if train {
            self.refuse_single_value(xs)?;
            let _guard = tch::no_grad_guard();
            let _same = self.num_batches_tracked.shallow_clone().f_add_scalar_(1)?;
        }
        Ok(xs.f_batch_norm(
            Some(&self.weight),
            Some(&self.bias),
            Some(&self.running_mean),
            Some(&self.running_var),
            train,
            MOMENTUM,
            self.eps,
            true,
        )?)
    }

    /// One value has no variance; torch would go on with numbers that mean nothing.
    fn refuse_single_value(&self, xs: &Tensor) -> Result<(), NetError> {
        let size = xs.size();
        if size.len() < 2 || size[1] != self.channels || xs.numel() as i64 != self.channels {
            return Ok(());
        }
        Err(NetError::Input {
            network: format!("{} (BatchNorm)", self.name),
            expected: "more than one value for each channel in training".into(),
            found: format!("{size:?}"),
            hint: ": use batches of at least 2, or leave out the last, smaller one (drop_last)"
                .into(),
        })
    }
}

/// As PyTorch prints it: `BatchNorm2d(64, eps=0.00001)`.
impl fmt::Debug for BatchNorm2d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchNorm2d({}, eps={})", self.0.channels, self.0.eps)
    }
}

impl fmt::Debug for BatchNorm1d {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BatchNorm1d({}, eps={})", self.0.channels, self.0.eps)
    }
}

impl Layer for BatchNorm2d {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn kind(&self) -> &'static str {
        "BatchNorm2d"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        self.0.compute(xs, pass.train())
    }

    fn parameters(&self) -> Vec<&Tensor> {
        vec![&self.0.weight, &self.0.bias]
    }
}

impl Layer for BatchNorm1d {
    fn name(&self) -> &str {
        &self.0.name
    }

    fn kind(&self) -> &'static str {
        "BatchNorm1d"
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        self.0.compute(xs, pass.train())
    }

    fn parameters(&self) -> Vec<&Tensor> {
        vec![&self.0.weight, &self.0.bias]
    }
}
