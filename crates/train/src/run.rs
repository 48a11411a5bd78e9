//! Where a run is, and its next step.

use std::time::{Duration, Instant};

use data::{Batch, Batches, Random};
use nets::{Model, StateDict};
use tch::{Device, Kind, Tensor};

use crate::error::said;
use crate::fit::{Clip, Settings};
use crate::net::{PutBack, batch_for, holds, named_parameters, restore, training_loss};
use crate::report::Report;
use crate::{Checkpoint, Epoch, History, Metrics, Optimizer, Plan, TrainError, evaluate};

/// Where a run is: all that the next step hangs on, besides the network's weights.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) optimizer: Optimizer,
    pub(crate) plan: Plan,
    /// Steps made in all.
    pub(crate) step: usize,
    /// Epochs finished, and batches of the one under way.
    pub(crate) epoch: usize,
    batch: usize,
    pub(crate) classes: Vec<String>,
    /// Of the epoch under way: what was seen, the time of its steps, and the part of it spent waiting for data.
    seen: Metrics,
    spent: Duration,
    waited: Duration,
    pub(crate) best: Option<Best>,
    /// The weights of the last epoch, while the network has the best one's.
    last: Option<StateDict>,
}

/// The weights of the best epoch.
#[derive(Debug)]
pub(crate) struct Best {
    pub(crate) epoch: usize,
    pub(crate) weights: StateDict,
}

impl Run {
    /// Before the first step.
    pub(crate) fn begin(
        settings: &Settings,
        net: &dyn Model,
        train: &dyn Batches,
    ) -> Result<Self, TrainError> {
        let classes = train.classes();
        if classes.len() as i64 != net.num_classes() {
            return Err(TrainError::settings(format!(
                "{} has {} outputs, but the data has {} classes ({}): build it with {}, or replace_head({})",
                net.name(),
                net.num_classes(),
                classes.len(),
                classes.join(", "),
                classes.len(),
                classes.len()
            )));
        }
        Ok(Self {
            optimizer: settings.optimizer(net)?,
            plan: settings.schedule.plan(settings.rule.rate(), 1, 1)?,
            step: 0,
            epoch: 0,
            batch: 0,
            classes: classes.to_vec(),
            seen: Metrics::new(classes),
            spent: Duration::ZERO,
            waited: Duration::ZERO,
            best: None,
            last: None,
        })
    }

    /// After the last step that a checkpoint knows of.
    pub(crate) fn resume(
        settings: &Settings,
        net: &dyn Model,
        checkpoint: &Checkpoint,
    ) -> Result<Self, TrainError> {
        let mut optimizer = settings.optimizer(net)?;
        if let Some(state) = &checkpoint.optimizer {
            optimizer.load_state_dict(state)?;
        }
        let mut plan = settings.schedule.plan(settings.rule.rate(), 1, 1)?;
        plan.watch = checkpoint.watch;
        Ok(Self {
            optimizer,
            plan,
            step: checkpoint.step,
            epoch: checkpoint.epoch,
            batch: 0,
            classes: checkpoint.classes.clone(),
            seen: Metrics::new(&checkpoint.classes),
            spent: Duration::ZERO,
            waited: Duration::ZERO,
            best: None,
            last: None,
        })
    }

    /// Lays the schedule over so many epochs, and checks that network and data are those of the run.
    pub(crate) fn lay_out(
        &mut self,
        settings: &Settings,
        net: &dyn Model,
        train: &dyn Batches,
        epochs: usize,
    ) -> Result<(), TrainError> {
        if train.is_empty() {
            return Err(TrainError::settings("fit: the training set has no batches"));
        }
        if train.classes() != self.classes {
            return Err(TrainError::settings(format!(
                "fit: this run learns {}, but the data has {}",
                self.classes.join(", "),
                train.classes().join(", ")
            )));
        }
        let same = (named_parameters(net)
            .iter()
            .zip(self.optimizer.parameters()))
        .all(|(a, b)| a.0 == b.0 && a.1.data_ptr() == b.1.data_ptr());
        if !same {
            return Err(TrainError::settings(
                "fit: this trainer is at work on another network: make a new Trainer for this one",
            ));
        }
        let watch = self.plan.watch;
        self.plan = settings
            .schedule
            .plan(settings.rule.rate(), train.len(), epochs)?;
        self.plan.watch = watch;
        Ok(())
    }

    /// Trains on the batches that are left of the epoch under way.
    pub(crate) fn rest_of_epoch(
        &mut self,
        settings: &Settings,
        net: &dyn Model,
        train: &dyn Batches,
        report: &mut Report,
    ) -> Result<(), TrainError> {
        if self.batch >= train.len() {
            return Ok(()); // what was interrupted is the validation
        }
        let mut batches = train.epoch(self.epoch as u64).skip(self.batch);
        loop {
            rt::checkpoint();
            let began = Instant::now();
            let Some(batch) = batches.next() else {
                return Ok(());
            };
            let waited = began.elapsed();
            let outcome = self.step(settings, net, &batch?);
            self.waited += waited;
            self.spent += began.elapsed();
            if let Err(error) = outcome {
                return Err(self.without_numbers(net, error));
            }
            report.step(self.epoch, self.batch, train.len(), &self.seen);
        }
    }

    /// One step: loss, gradients, new weights.
    fn step(
        &mut self,
        settings: &Settings,
        net: &dyn Model,
        batch: &Batch,
    ) -> Result<(), TrainError> {
        // Dropout then hangs on the step alone, and a resumed run draws what an uninterrupted one would.
        tch::manual_seed((Random::of(settings.seed, &[self.step as u64]).bits() >> 1) as i64);
        self.optimizer.set_rate(self.plan.rate(self.step));
        self.optimizer.set_momentum(self.plan.momentum(self.step));

        let (images, labels) = batch_for(net, batch)?; // [N, C, H, W], [N]
        let statistics = PutBack::statistics(net)?;
        let (loss, logits) = training_loss(net, &images, &labels, &settings.loss)?; // [], [N, classes]
        let value = loss
            .f_double_value(&[])
            .map_err(said("computing the loss"))?;
        if !value.is_finite() {
            return Err(self.diverged(Some(self.batch + 1), value, &images));
        }
        let mut gradients = self.optimizer.gradients(&loss)?;
        match settings.clip {
            Some(Clip::Norm(max)) => drop(gradients.clip_norm(max)?),
            Some(Clip::Value(max)) => gradients.clip_value(max)?,
            None => {}
        }
        self.optimizer.step(&gradients)?;
        statistics.forget();
        self.seen.add(value, &logits, &labels)?;
        self.step += 1;
        self.batch += 1;
        Ok(())
    }

    /// Loss and predictions on the validation set, after the last batch of an epoch.
    pub(crate) fn validate(
        &self,
        settings: &Settings,
        net: &dyn Model,
        valid: &dyn Batches,
    ) -> Result<Metrics, TrainError> {
        let metrics = evaluate(net, valid, &settings.loss)?;
        if metrics.loss().is_finite() {
            return Ok(metrics);
        }
        // The images are asked for again to tell whether they or the weights are to blame.
        let mut images = Tensor::zeros([1], (Kind::Float, Device::Cpu));
        for batch in valid.epoch(0) {
            images = batch?.images;
            if !is_finite(&images) {
                break;
            }
        }
        Err(self.without_numbers(net, self.diverged(None, metrics.loss(), &images)))
    }

    /// Closes the epoch under way, whose validation took so long.
    pub(crate) fn end_epoch(&mut self, valid: &Metrics, validation: Duration) -> Epoch {
        let training = self.spent.as_secs_f64();
        let epoch = Epoch {
            epoch: self.epoch + 1,
            train_loss: self.seen.loss(),
            train_accuracy: self.seen.accuracy(),
            valid_loss: valid.loss(),
            valid_accuracy: valid.accuracy(),
            rate: self.optimizer.rate(),
            seconds: training + validation.as_secs_f64(),
            waiting: self.waited.as_secs_f64() / training.max(f64::MIN_POSITIVE),
        };
        self.plan.epoch_ended(epoch.valid_loss);
        self.seen = Metrics::new(&self.classes);
        (self.spent, self.waited) = (Duration::ZERO, Duration::ZERO);
        self.epoch += 1;
        self.batch = 0;
        epoch
    }

    /// The run written down. Its tensors are those of the network and the optimiser, not copies.
    pub(crate) fn checkpoint(&self, net: &dyn Model, history: &History) -> Checkpoint {
        let mut checkpoint = Checkpoint::of(net, &self.classes, history).with(&self.optimizer);
        checkpoint.step = self.step;
        checkpoint.watch = self.plan.watch;
        checkpoint
    }

    /// Keeps a copy of the weights when the last epoch is the best one, and its loss has not exploded.
    pub(crate) fn keep_if_best(
        &mut self,
        net: &dyn Model,
        history: &History,
    ) -> Result<bool, TrainError> {
        let is_best = history
            .best()
            .is_some_and(|best| best.epoch == self.epoch && best.is_sound());
        if is_best {
            self.best = Some(Best {
                epoch: self.epoch,
                weights: net.state_dict().snapshot()?,
            });
        }
        Ok(is_best)
    }

    /// Puts the best epoch's weights into the network, and keeps the last one's for the epochs that may follow.
    pub(crate) fn reload_best(&mut self, net: &dyn Model) -> Result<(), TrainError> {
        match &self.best {
            Some(best) if best.epoch != self.epoch => {
                self.last = Some(net.state_dict().snapshot()?);
                restore(net, &best.weights)
            }
            _ => Ok(()),
        }
    }

    /// Puts the last epoch's weights back, which the memory of the optimiser belongs to. A network that no longer
    /// has the numbers that [`reload_best`](Self::reload_best) has put into it is left alone: somebody meant that.
    pub(crate) fn reload_last(&mut self, net: &dyn Model) -> Result<(), TrainError> {
        match (self.last.take(), &self.best) {
            (Some(last), Some(best)) if holds(net, &best.weights)? => restore(net, &last),
            _ => Ok(()),
        }
    }

    /// Why the loss is not a number, as far as can be seen.
    fn diverged(&self, batch: Option<usize>, loss: f64, images: &Tensor) -> TrainError {
        let largest = images.abs().max().double_value(&[]);
        let cause = if !is_finite(images) {
            let owner = batch.map_or("the validation set", |_| "this batch");
            format!(
                "The images of {owner} hold numbers that are not finite: look for a division by zero in the transforms"
            )
        } else if largest > 20.0 {
            format!("The images reach {largest:.0}: bring them to 0-1 and normalise them")
        } else {
            format!(
                "The learning rate, {:.1e}, is too high: try a tenth of it, look for one with lr_find, or add clip_norm(1.0)",
                self.optimizer.rate()
            )
        };
        let kept = match &self.best {
            Some(best) => format!(
                "The network has the weights of epoch {}, its best, again",
                best.epoch
            ),
            None => "Build the network anew before the next try".into(),
        };
        TrainError::Diverged {
            epoch: self.epoch + 1,
            batch,
            loss,
            advice: format!("{cause}. {kept}."),
        }
    }

    /// After a divergence the weights or statistics may hold NaN: takes the best ones again.
    fn without_numbers(&self, net: &dyn Model, error: TrainError) -> TrainError {
        if let (TrainError::Diverged { .. }, Some(best)) = (&error, &self.best)
            && let Err(other) = restore(net, &best.weights)
        {
            return other;
        }
        error
    }
}

/// Whether all numbers are finite.
fn is_finite(images: &Tensor) -> bool {
    images.isfinite().all().int64_value(&[]) == 1
}

impl Settings {
    /// A fresh optimiser for a network.
    fn optimizer(&self, net: &dyn Model) -> Result<Optimizer, TrainError> {
        Optimizer::over(net, self.rule)?.factors(&self.factors)
    }
}
