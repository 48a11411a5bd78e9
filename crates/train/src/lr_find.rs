//! [`lr_find`]: which learning rate suits a network and its data.

use std::fmt;

use data::Batches;
use nets::Model;
use plot::Chart;
use rt::{Bundle, Show};

use crate::error::said;
use crate::net::{PutBack, batch_for, training_loss};
use crate::{CrossEntropy, Optimizer, Rule, TrainError};

/// The first and the last rate that is tried, and how many there are.
const FROM: f64 = 1e-7;
const TO: f64 = 10.0;
const STEPS: usize = 100;
/// How much of the running mean of the loss stays at each step.
const SMOOTHING: f64 = 0.98;
/// The search ends when the loss is so many times the best one.
const TOO_HIGH: f64 = 4.0;

/// Trains for 100 steps at rates from 1e-7 up to 10, and puts the weights back.
///
/// The loss falls once the rate is high enough to matter, and explodes once it is too high; a good rate lies
/// where it falls fastest. The search stops when the loss is four times its best.
///
/// Smith 2015, "Cyclical Learning Rates for Training Neural Networks", arXiv 1506.01186, section 3.3; numbers as
/// in fastai.
///
/// # Errors
/// As [`Trainer::fit`](crate::Trainer::fit).
pub fn lr_find(
    net: &dyn Model,
    train: &dyn Batches,
    rule: impl Into<Rule>,
) -> Result<LrFind, TrainError> {
    let _put_back = PutBack::all(net)?;
    search(net, train, rule.into())
}

fn search(net: &dyn Model, train: &dyn Batches, rule: Rule) -> Result<LrFind, TrainError> {
    if train.is_empty() {
        return Err(TrainError::settings(
            "lr_find: the training set has no batches",
        ));
    }
    let loss_of = CrossEntropy::new();
    let mut optimizer = Optimizer::over(net, rule)?;
    let mut found = LrFind { points: Vec::new() };
    let (mut mean, mut best) = (0.0, f64::INFINITY);
    let mut batches = (0u64..).flat_map(|epoch| train.epoch(epoch));
    for step in 0..STEPS {
        rt::checkpoint();
        let Some(batch) = batches.next() else { break };
        let rate = FROM * (TO / FROM).powf(step as f64 / (STEPS - 1) as f64);
        optimizer.set_rate(rate);
        tch::manual_seed(step as i64); // dropout is the same each time
        let (images, labels) = batch_for(net, &batch?)?;
        let (loss, _) = training_loss(net, &images, &labels, &loss_of)?;
        let value = loss
            .f_double_value(&[])
            .map_err(said("computing the loss"))?;
        mean = SMOOTHING * mean + (1.0 - SMOOTHING) * value;
        let smooth = mean / (1.0 - SMOOTHING.powi(step as i32 + 1)); // it began at 0
        if !smooth.is_finite() || smooth > TOO_HIGH * best {
            break;
        }
        best = best.min(smooth);
        found.points.push((rate, value));
        let gradients = optimizer.gradients(&loss)?;
        optimizer.step(&gradients)?;
    }
    Ok(found)
}

/// What [`lr_find`] has seen.
#[derive(Clone, PartialEq)]
pub struct LrFind {
    points: Vec<(f64, f64)>,
}

impl LrFind {
    /// Rate and loss of each step.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// The rate at which the loss falls fastest, as [`plot::suggest_lr`] finds it: a good top of one-cycle; `None`
    /// when it never falls.
    pub fn suggestion(&self) -> Option<f64> {
        let (rates, losses) = self.columns();
        plot::suggest_lr(rates, losses)
    }

    /// Loss by rate, the rate on a logarithmic scale.
    pub fn chart(&self) -> Chart {
        let (rates, losses) = self.columns();
        plot::lr_finder(rates, losses)
    }

    fn columns(&self) -> (Vec<f64>, Vec<f64>) {
        self.points.iter().copied().unzip()
    }
}

/// `100 rates tried; 2.1e-2 is suggested`
impl fmt::Debug for LrFind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rates tried; ", self.points.len())?;
        match self.suggestion() {
            Some(rate) => write!(f, "{rate:.1e} is suggested"),
            None => f.write_str("the loss never fell: look at the data and the network"),
        }
    }
}

impl Show for LrFind {
    fn show(&self) -> Bundle {
        self.chart()
            .title(format!("{self:?}"))
            .show()
            .with_text(format!("{self:?}"))
    }
}
