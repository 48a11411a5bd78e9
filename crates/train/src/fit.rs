//! [`Trainer`]: the loop of the first page with everything around it.

use std::path::{Path, PathBuf};
use std::time::Instant;

use data::Batches;
use nets::Model;

use crate::report::Report;
use crate::run::{Best, Run};
use crate::{Checkpoint, CrossEntropy, History, Optimizer, Rule, Schedule, TrainError};

/// Trains a network for so many epochs and puts the best epoch's weights back at the end.
///
/// The short way to a [`Trainer`] without further settings. An interrupt keeps what the network has learnt.
///
/// # Errors
/// As [`Trainer::fit`].
pub fn fit(
    net: &dyn Model,
    train: &dyn Batches,
    valid: &dyn Batches,
    epochs: usize,
    rule: impl Into<Rule>,
) -> Result<History, TrainError> {
    let mut trainer = Trainer::new(rule);
    trainer.fit(net, train, valid, epochs)?;
    Ok(trainer.history)
}

/// Trains a network: the loop, a schedule, clipping, curves, checkpoints, early stop.
///
/// What it has done so far stays in it. When an interrupt stops [`fit`](Self::fit), the network keeps its
/// weights, [`history`](Self::history) its epochs, and calling `fit` again goes on at the next batch.
///
/// The same seed, data and network give the same weights bit for bit on one machine, with the same number of
/// threads, whether the run was interrupted or not: random numbers of a step hang on the seed and its number.
///
/// ```
/// # use data::TensorData;
/// # use nets::Mlp;
/// # use tch::{Device, Kind, Tensor};
/// # use train::{Adam, Schedule, Trainer};
/// # let images = Tensor::randn([64, 1, 4, 4], (Kind::Float, Device::Cpu));
/// # let labels = images.mean_dim([1i64, 2, 3].as_slice(), false, Kind::Float).ge(0.0).to_kind(Kind::Int64);
/// # let train = TensorData::new(images.copy(), labels.copy(), ["dark", "light"])?.shuffle(1);
/// # let valid = TensorData::new(images, labels, ["dark", "light"])?;
/// let net = Mlp::builder(16, 2).hidden(&[8]).build()?;
/// let mut trainer = Trainer::new(Adam::new(1e-2)).schedule(Schedule::one_cycle(1e-1)).quiet();
/// let history = trainer.fit(&net, &train, &valid, 3)?;
/// assert_eq!(history.epochs().len(), 3);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Trainer {
    settings: Settings,
    history: History,
    run: Option<Run>,
}

/// What a learner asked for.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) rule: Rule,
    pub(crate) factors: Vec<(String, f64)>,
    pub(crate) schedule: Schedule,
    pub(crate) loss: CrossEntropy,
    pub(crate) clip: Option<Clip>,
    pub(crate) seed: u64,
    patience: Option<usize>,
    best_file: Option<PathBuf>,
    last_file: Option<PathBuf>,
    keep_last: bool,
    quiet: bool,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Clip {
    Norm(f64),
    Value(f64),
}

impl Trainer {
    /// Trains with a rule at its own rate, without anything else.
    pub fn new(rule: impl Into<Rule>) -> Self {
        Self::with(rule.into())
    }

    fn with(rule: Rule) -> Self {
        Self {
            settings: Settings {
                rule,
                factors: Vec::new(),
                schedule: Schedule::constant(),
                loss: CrossEntropy::new(),
                clip: None,
                seed: 0,
                patience: None,
                best_file: None,
                last_file: None,
                keep_last: false,
                quiet: false,
            },
            history: History::new(),
            run: None,
        }
    }

    /// How the learning rate changes. Default: it does not.
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.settings.schedule = schedule;
        self
    }

    /// What is made small. Default: plain cross entropy.
    pub fn loss(mut self, loss: CrossEntropy) -> Self {
        self.settings.loss = loss;
        self
    }

    /// Discriminative learning rates, as [`Optimizer::factors`].
    pub fn factors<S: AsRef<str>>(mut self, factors: &[(S, f64)]) -> Self {
        let owned = factors
            .iter()
            .map(|(prefix, factor)| (prefix.as_ref().to_owned(), *factor));
        self.settings.factors = owned.collect();
        self
    }

    /// Shortens the gradients of a step to this norm together, as [`crate::optim::Gradients::clip_norm`]; 1 is usual.
    pub fn clip_norm(mut self, max: f64) -> Self {
        self.settings.clip = Some(Clip::Norm(max));
        self
    }

    /// Cuts each gradient number to this size, as [`crate::optim::Gradients::clip_value`].
    pub fn clip_value(mut self, max: f64) -> Self {
        self.settings.clip = Some(Clip::Value(max));
        self
    }

    /// Stops when `patience` epochs in a row were not better than the best before them; at least 1.
    pub fn early_stop(mut self, patience: usize) -> Self {
        self.settings.patience = Some(patience);
        self
    }

    /// The seed of dropout and of all else that is random in a step. Default: 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Writes a [`Checkpoint`] to this `.pth` file after each epoch that is the best so far.
    pub fn save_best(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.best_file = Some(path.as_ref().into());
        self
    }

    /// Writes a [`Checkpoint`] to this `.pth` file after every epoch; [`resume`](Self::resume) goes on from it.
    pub fn save_last(mut self, path: impl AsRef<Path>) -> Self {
        self.settings.last_file = Some(path.as_ref().into());
        self
    }

    /// Leaves the weights of the last epoch in the network, not those of the best one.
    pub fn keep_last(mut self) -> Self {
        self.settings.keep_last = true;
        self
    }

    /// Shows nothing while it trains.
    pub fn quiet(mut self) -> Self {
        self.settings.quiet = true;
        self
    }

    /// What has happened so far.
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The network's optimiser; none before the first step.
    pub fn optimizer(&self) -> Option<&Optimizer> {
        self.run.as_ref().map(|run| &run.optimizer)
    }

    /// Trains until `epochs` epochs have been trained in all, then puts the best epoch's weights back.
    ///
    /// Called again after an interrupt or an error it goes on with the batch that was under way; with a larger
    /// number it trains the epochs that are missing, from the weights of the last one, as if all had been asked for
    /// at once. Only where the weights were changed in between it takes them as they are.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] when the loss, in training or validation, is not a number any more: the best weights
    /// so far are put back, if there are any whose validation loss had not exploded.
    /// [`TrainError::Data`] and [`TrainError::Net`] when a batch cannot be loaded or does not fit,
    /// [`TrainError::Settings`] for settings that make no sense; [`TrainError::Net`] also when a checkpoint cannot
    /// be written.
    pub fn fit(
        &mut self,
        net: &dyn Model,
        train: &dyn Batches,
        valid: &dyn Batches,
        epochs: usize,
    ) -> Result<&History, TrainError> {
        let settings = &self.settings;
        let mut report = Report::new(settings.quiet, epochs);
        // It stays in `self` all the time: an interrupt unwinds from the middle of this function.
        let run = match &mut self.run {
            Some(run) => run,
            none => none.insert(Run::begin(settings, net, train)?),
        };
        run.lay_out(settings, net, train, epochs)?;
        run.reload_last(net)?;
        let mut stop = false;
        while run.epoch < epochs && !stop {
            run.rest_of_epoch(settings, net, train, &mut report)?;
            let began = Instant::now();
            let metrics = run.validate(settings, net, valid)?;
            self.history.push(run.end_epoch(&metrics, began.elapsed()));
            settings.save(run, net, &self.history)?;
            stop = settings.is_enough(&self.history);
            report.epoch_ended(&self.history);
        }
        if !settings.keep_last {
            run.reload_best(net)?;
        }
        report.finish(&self.history, stop);
        Ok(&self.history)
    }

    /// Goes on with a run that [`save_last`](Self::save_last) wrote down: puts its weights into the network, and
    /// its history and the state of its optimiser into this trainer, whose settings should be those of the run.
    ///
    /// Then [`fit`](Self::fit) makes the same next step that the run would have made. The best epoch's weights
    /// come from the file of [`save_best`](Self::save_best), when there is one.
    ///
    /// # Errors
    /// As [`Checkpoint::read`], and [`TrainError::Net`] when the weights are those of another network.
    pub fn resume(
        &mut self,
        net: &mut dyn Model,
        path: impl AsRef<Path>,
    ) -> Result<(), TrainError> {
        let checkpoint = Checkpoint::read(path)?;
        net.load_state_dict(&checkpoint.weights)?;
        let run = self
            .run
            .insert(Run::resume(&self.settings, net, &checkpoint)?);
        run.keep_if_best(net, &checkpoint.history)?;
        if let Some(file) = &self.settings.best_file
            && run.best.is_none()
            && file.is_file()
        {
            let best = Checkpoint::read(file)?;
            let of_this_run =
                checkpoint.history.best().map(|epoch| epoch.epoch) == Some(best.epoch);
            run.best = of_this_run.then_some(Best {
                epoch: best.epoch,
                weights: best.weights,
            });
        }
        self.history = checkpoint.history;
        Ok(())
    }
}

impl Settings {
    /// Writes the checkpoints that were asked for.
    fn save(&self, run: &mut Run, net: &dyn Model, history: &History) -> Result<(), TrainError> {
        let is_best = run.keep_if_best(net, history)?;
        let wanted = [(&self.best_file, is_best), (&self.last_file, true)];
        let wanted = wanted.into_iter().filter(|(_, wanted)| *wanted);
        for path in wanted.filter_map(|(file, _)| file.as_deref()) {
            run.checkpoint(net, history).write(path)?;
        }
        Ok(())
    }

    /// Whether the best epoch lies `patience` epochs back.
    fn is_enough(&self, history: &History) -> bool {
        match (self.patience, history.best(), history.last()) {
            (Some(patience), Some(best), Some(last)) => last.epoch - best.epoch >= patience.max(1),
            _ => false,
        }
    }
}
