//! Optimisers: what turns gradients into a step.
//!
//! - [`Sgd`], [`Adam`], [`AdamW`]: the rules, with PyTorch's names and defaults
//! - [`Optimizer`]: a rule at work on the parameters of one network
//! - [`gradients`]: [`Gradients`], what a step is made of
//!
//! Inside, `state` writes down what an optimiser remembers, as PyTorch does.

mod adam;
pub mod gradients;
mod sgd;
mod state;

use tch::{TchError, Tensor};

pub use adam::{Adam, AdamW};
pub use gradients::Gradients;
pub use sgd::Sgd;

use crate::TrainError;
use crate::error::said;

/// How a gradient becomes a step: one of [`Sgd`], [`Adam`], [`AdamW`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

impl From<Sgd> for Rule {
    fn from(rule: Sgd) -> Self {
        Self::Sgd(rule)
    }
}

impl From<Adam> for Rule {
    fn from(rule: Adam) -> Self {
        Self::Adam(rule)
    }
}

impl From<AdamW> for Rule {
    fn from(rule: AdamW) -> Self {
        Self::AdamW(rule)
    }
}

impl Rule {
    /// The learning rate that it was made with.
    pub fn rate(&self) -> f64 {
        match self {
            Self::Sgd(rule) => rule.rate,
            Self::Adam(rule) | Self::AdamW(AdamW(rule)) => rule.rate,
        }
    }

    /// The rule's name and settings, as a learner wrote them.
    pub fn describe(&self) -> String {
        match self {
            Self::Sgd(rule) => format!(
                "SGD, momentum {}, weight decay {}",
                rule.momentum, rule.weight_decay
            ),
            Self::Adam(rule) => format!("Adam, weight decay {}", rule.weight_decay),
            Self::AdamW(AdamW(rule)) => format!("AdamW, weight decay {}", rule.weight_decay),
        }
    }

    fn check(&self) -> Result<(), TrainError> {
        match self {
            Self::Sgd(rule) => rule.check(),
            Self::Adam(rule) | Self::AdamW(AdamW(rule)) => rule.check(),
        }
    }

    /// What is remembered of each parameter, by PyTorch's names.
    fn slots(&self) -> &'static [&'static str] {
        match self {
            Self::Sgd(rule) if rule.momentum == 0.0 => &[],
            Self::Sgd(_) => &["momentum_buffer"],
            Self::Adam(_) | Self::AdamW(_) => &["exp_avg", "exp_avg_sq"],
        }
    }

    fn update(&self, block: Block<'_>, now: &Moment) -> Result<(), TchError> {
        match self {
            Self::Sgd(rule) => rule.update(block, now),
            Self::Adam(rule) => rule.update(block, now, false),
            Self::AdamW(AdamW(rule)) => rule.update(block, now, true),
        }
    }
}

/// A stretch of a parameter with its gradient and what is remembered of it, all of one shape.
struct Block<'a> {
    value: Tensor,
    gradient: &'a Tensor,
    slots: &'a mut [Tensor],
}

/// When a step is made, and how large.
struct Moment {
    /// The learning rate of this parameter.
    rate: f64,
    /// Takes the place of momentum (SGD) or beta1 (Adam), where a schedule moves it.
    momentum: Option<f64>,
    /// The parameter's how manieth step this is, from 1.
    step: u64,
}

/// A [`Rule`] at work on the parameters of one network.
///
/// ```
/// # use tch::{Device, Kind, Tensor};
/// # use train::{Optimizer, Sgd};
/// // One parameter, and a loss that is least where it is 3.
/// let weight = Tensor::zeros([1], (Kind::Float, Device::Cpu)).set_requires_grad(true);
/// let mut optimizer = Optimizer::new(Sgd::new(0.1), vec![("weight".into(), weight.shallow_clone())])?;
/// for _ in 0..50 {
///     let loss = (&weight - 3.0).square().sum(Kind::Float);
///     let gradients = optimizer.gradients(&loss)?; // PyTorch: optimizer.zero_grad(); loss.backward()
///     optimizer.step(&gradients)?;
/// }
/// assert!((weight.double_value(&[0]) - 3.0).abs() < 1e-3);
/// # Ok::<(), train::TrainError>(())
/// ```
#[derive(Debug)]
pub struct Optimizer {
    rule: Rule,
    rate: f64,
    momentum: Option<f64>,
    parameters: Vec<(String, Tensor)>,
    /// How many times the rate each parameter learns with.
    factors: Vec<f64>,
    memory: Vec<Memory>,
}

/// What is remembered of one parameter.
#[derive(Debug, Default)]
struct Memory {
    steps: u64,
    /// In the order of [`Rule::slots`], of the parameter's shape; empty before the first step.
    slots: Vec<Tensor>,
}

/// Numbers that are updated at a stretch: their parts of parameter, gradient and memory stay in the cache
/// between one operation and the next. A step then reads main memory once, not once an operation.
const BLOCK: i64 = 1 << 16;

impl Optimizer {
    /// Puts a rule to work on named parameters; those that are frozen when a step is made stay as they are.
    ///
    /// # Errors
    /// [`TrainError::Settings`] when a setting of the rule makes no sense, or there are no parameters.
    pub fn new(
        rule: impl Into<Rule>,
        parameters: Vec<(String, Tensor)>,
    ) -> Result<Self, TrainError> {
        let rule = rule.into();
        rule.check()?;
        if parameters.is_empty() {
            return Err(TrainError::settings(
                "optimizer: there are no parameters to learn",
            ));
        }
        Ok(Self {
            rule,
            rate: rule.rate(),
            momentum: None,
            factors: vec![1.0; parameters.len()],
            memory: parameters.iter().map(|_| Memory::default()).collect(),
            parameters,
        })
    }

    /// Puts a rule to work on all parameters of a network.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn over(net: &dyn nets::Model, rule: impl Into<Rule>) -> Result<Self, TrainError> {
        Self::new(rule, crate::named_parameters(net))
    }

    /// Discriminative learning rates: parameters whose name begins with a prefix learn with that many times
    /// the rate (Howard and Ruder 2018, arXiv 1801.06146). The last prefix that fits counts; 1 for the others.
    ///
    /// # Errors
    /// [`TrainError::Unknown`] when no parameter begins with a prefix; [`TrainError::Settings`] when a factor
    /// is negative or not a number.
    pub fn factors<S: AsRef<str>>(mut self, factors: &[(S, f64)]) -> Result<Self, TrainError> {
        for (prefix, factor) in factors {
            let (prefix, factor) = (prefix.as_ref(), *factor);
            if !(factor >= 0.0 && factor.is_finite()) {
                return Err(TrainError::settings(format!(
                    "optimizer: the factor of {prefix} must be 0 or more, got {factor}"
                )));
            }
            let chosen = crate::names::matching(&self.parameters, prefix)?;
            for index in chosen {
                self.factors[index] = factor;
            }
        }
        Ok(self)
    }

    /// The derivative of `loss` by each parameter: `zero_grad` and `backward` of PyTorch in one.
    ///
    /// # Errors
    /// As [`Gradients::of`].
    pub fn gradients(&self, loss: &Tensor) -> Result<Gradients, TrainError> {
        Gradients::of(loss, &self.parameters)
    }

    /// Makes one step: every parameter that has a gradient is changed in place.
    ///
    /// # Errors
    /// [`TrainError::Settings`] when the gradients are those of another network; [`TrainError::Torch`] when
    /// torch cannot compute the step.
    pub fn step(&mut self, gradients: &Gradients) -> Result<(), TrainError> {
        let same = gradients.all.len() == self.parameters.len()
            && (gradients.all.iter().zip(&self.parameters)).all(|(a, b)| a.0 == b.0);
        if !same {
            return Err(TrainError::settings(
                "optimizer: these gradients are those of another network",
            ));
        }
        for (index, (_, gradient)) in gradients.all.iter().enumerate() {
            if gradient.defined() {
                self.step_of(index, gradient)
                    .map_err(said("a step of the optimiser"))?;
            }
        }
        Ok(())
    }

    fn step_of(&mut self, index: usize, gradient: &Tensor) -> Result<(), TchError> {
        let value = self.parameters[index].1.f_detach()?;
        let memory = &mut self.memory[index];
        memory.steps += 1;
        let now = Moment {
            rate: self.rate * self.factors[index],
            momentum: self.momentum,
            step: memory.steps,
        };
        for _ in memory.slots.len()..self.rule.slots().len() {
            memory.slots.push(value.f_zeros_like()?);
        }
        if !value.is_contiguous() || value.numel() as i64 <= BLOCK {
            let slots = &mut memory.slots;
            let block = Block {
                value,
                gradient,
                slots,
            };
            return self.rule.update(block, &now);
        }
        let cut = |tensor: &Tensor| tensor.f_reshape([-1])?.f_split(BLOCK, 0);
        let mut slots = Vec::new();
        for slot in &memory.slots {
            slots.push(cut(slot)?.into_iter());
        }
        for (value, gradient) in cut(&value)?.into_iter().zip(cut(gradient)?) {
            let mut slots: Vec<Tensor> = slots.iter_mut().filter_map(Iterator::next).collect();
            let block = Block {
                value,
                gradient: &gradient,
                slots: &mut slots,
            };
            self.rule.update(block, &now)?;
        }
        Ok(())
    }

    /// The rule.
    pub fn rule(&self) -> &Rule {
        &self.rule
    }

    /// The learning rate now, without the factors.
    pub fn rate(&self) -> f64 {
        self.rate
    }

    /// Sets the learning rate of the steps to come; factors go on top.
    pub fn set_rate(&mut self, rate: f64) {
        self.rate = rate;
    }

    /// Sets the momentum (SGD) or beta1 (Adam) of the steps to come; `None` is the rule's own.
    pub fn set_momentum(&mut self, momentum: Option<f64>) {
        self.momentum = momentum;
    }

    /// The parameters it works on, in the network's order.
    pub fn parameters(&self) -> &[(String, Tensor)] {
        &self.parameters
    }
}

/// `target += factor * other`, in one pass over memory. (tch does not pass on `alpha` of torch's `add`.)
fn add_scaled(target: &mut Tensor, other: &Tensor, factor: f64) -> Result<(), TchError> {
    let factor = scalar(factor, target)?;
    target.f_addcmul_(other, &factor).map(drop)
}

/// A number as a tensor of the same kind and device.
fn scalar(value: f64, like: &Tensor) -> Result<Tensor, TchError> {
    Tensor::f_full([], value, (like.f_kind()?, like.device()))
}

fn at_least_zero(rule: &str, settings: &[(&str, f64)]) -> Result<(), TrainError> {
    for (name, value) in settings {
        if !(*value >= 0.0 && value.is_finite()) {
            return Err(TrainError::settings(format!(
                "{rule}: the {name} must be 0 or more, got {value}"
            )));
        }
    }
    Ok(())
}
