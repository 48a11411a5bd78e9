//! [`Schedule`]: how the learning rate changes over a run.

use std::f64::consts::PI;

use crate::TrainError;

/// How the learning rate changes over a run. The sequences are PyTorch's.
///
/// A schedule multiplies the optimiser's own rate; [`Schedule::one_cycle`] alone brings its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    shape: Shape,
    warm_up: usize,
}

#[derive(Clone, Debug, PartialEq)]
enum Shape {
    Constant,
    Step { every: usize, gamma: f64 },
    Cosine { least: f64 },
    OneCycle { top: f64 },
    Plateau { factor: f64, patience: usize },
}

/// PyTorch's defaults of `OneCycleLR`: the part of the run that goes up, and what the top is divided by at
/// the beginning and, once more, at the end.
const RISE: f64 = 0.3;
const DIV: f64 = 25.0;
const FINAL_DIV: f64 = 1e4;
/// Momentum goes the other way between these.
const MOMENTUM: (f64, f64) = (0.85, 0.95);
/// How much better than the best, relatively, counts as better (`ReduceLROnPlateau`).
const THRESHOLD: f64 = 1e-4;
/// What a warm-up begins with (`LinearLR`).
const WARM_UP_FROM: f64 = 1.0 / 3.0;

impl Schedule {
    /// The same rate from beginning to end.
    pub fn constant() -> Self {
        Self::of(Shape::Constant)
    }

    /// Times `gamma` after each `every` epochs: PyTorch's `StepLR`.
    pub fn step(every: usize, gamma: f64) -> Self {
        Self::of(Shape::Step { every, gamma })
    }

    /// Down to `least` along half a cosine, a little each step: PyTorch's `CosineAnnealingLR` with `T_max`
    /// the steps of the run, called after each batch (Loshchilov and Hutter 2016, arXiv 1608.03983).
    pub fn cosine(least: f64) -> Self {
        Self::of(Shape::Cosine { least })
    }

    /// Up to `top` over the first 30 % of the run, then down to almost nothing, momentum the other way:
    /// PyTorch's `OneCycleLR` with its defaults (Smith and Topin 2017, arXiv 1708.07120).
    pub fn one_cycle(top: f64) -> Self {
        Self::of(Shape::OneCycle { top })
    }

    /// Times `factor` when the validation loss has not become better for more than `patience` epochs:
    /// PyTorch's `ReduceLROnPlateau`.
    pub fn plateau(factor: f64, patience: usize) -> Self {
        Self::of(Shape::Plateau { factor, patience })
    }

    /// Begins with a third of the rate and reaches it after `steps` steps: PyTorch's `LinearLR`, followed by
    /// this schedule (`SequentialLR`), or along with it where this one goes by epochs (`ChainedScheduler`).
    pub fn warm_up(mut self, steps: usize) -> Self {
        self.warm_up = steps;
        self
    }

    fn of(shape: Shape) -> Self {
        Self { shape, warm_up: 0 }
    }

    /// The plan for one run, from the optimiser's own rate.
    ///
    /// # Errors
    /// [`TrainError::Settings`] when a setting makes no sense.
    pub fn plan(
        &self,
        rate: f64,
        steps_per_epoch: usize,
        epochs: usize,
    ) -> Result<Plan, TrainError> {
        self.check()?;
        Ok(Plan {
            schedule: self.clone(),
            rate,
            steps_per_epoch: steps_per_epoch.max(1),
            steps: steps_per_epoch * epochs,
            watch: Watch::default(),
        })
    }

    fn check(&self) -> Result<(), TrainError> {
        let wrong = |problem: &str| Err(TrainError::settings(format!("Schedule: {problem}")));
        match self.shape {
            Shape::Step { every: 0, .. } => wrong("a step needs at least 1 epoch"),
            Shape::Step { gamma, .. } if !(gamma > 0.0 && gamma.is_finite()) => {
                wrong("gamma must be more than 0")
            }
            Shape::Cosine { least } if !(least >= 0.0 && least.is_finite()) => {
                wrong("the least rate must be 0 or more")
            }
            Shape::OneCycle { top } if !(top > 0.0 && top.is_finite()) => {
                wrong("the top rate must be more than 0; lr_find suggests one")
            }
            Shape::OneCycle { .. } if self.warm_up > 0 => {
                wrong("one-cycle has a warm-up of its own; leave warm_up out")
            }
            Shape::Plateau { factor, .. } if !(factor > 0.0 && factor < 1.0) => {
                wrong("the factor of a plateau must be between 0 and 1, 0.1 for example")
            }
            _ => Ok(()),
        }
    }
}

/// A [`Schedule`] laid out over the steps of one run.
#[derive(Clone, Debug)]
pub struct Plan {
    schedule: Schedule,
    rate: f64,
    steps_per_epoch: usize,
    steps: usize,
    pub(crate) watch: Watch,
}

/// What a plateau has seen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Watch {
    /// Infinity before the first epoch.
    pub(crate) best: f64,
    pub(crate) bad_epochs: usize,
    pub(crate) factor: f64,
}

impl Default for Watch {
    fn default() -> Self {
        Self {
            best: f64::INFINITY,
            bad_epochs: 0,
            factor: 1.0,
        }
    }
}

impl Plan {
    /// The rate of a step, counted from 0 over the whole run.
    pub fn rate(&self, step: usize) -> f64 {
        let warm_up = self.schedule.warm_up;
        let warming = if step < warm_up {
            WARM_UP_FROM + (1.0 - WARM_UP_FROM) * step as f64 / warm_up as f64
        } else {
            1.0
        };
        let rate = match self.schedule.shape {
            Shape::Constant => self.rate,
            Shape::Step { every, gamma } => {
                let drops = step / self.steps_per_epoch / every;
                self.rate * gamma.powf(drops as f64)
            }
            Shape::Cosine { least } => {
                let done = step.saturating_sub(warm_up) as f64;
                let all = self.steps.saturating_sub(warm_up).max(1) as f64;
                least + (self.rate - least) * (1.0 + (PI * (done / all).min(1.0)).cos()) / 2.0
            }
            Shape::OneCycle { top } => {
                let bottom = top / DIV;
                self.cycle(step, bottom, top, bottom / FINAL_DIV)
            }
            Shape::Plateau { .. } => self.rate * self.watch.factor,
        };
        rate * warming
    }

    /// The momentum of a step, where the schedule moves it.
    pub fn momentum(&self, step: usize) -> Option<f64> {
        let (least, most) = MOMENTUM;
        matches!(self.schedule.shape, Shape::OneCycle { .. })
            .then(|| self.cycle(step, most, least, most))
    }

    /// From `start` to `top` and on to `end`, both ways along half a cosine.
    fn cycle(&self, step: usize, start: f64, top: f64, end: f64) -> f64 {
        let between =
            |from: f64, to: f64, part: f64| to + (from - to) / 2.0 * (1.0 + (PI * part).cos());
        let last = self.steps.saturating_sub(1) as f64;
        let peak = RISE * self.steps as f64 - 1.0;
        let step = (step as f64).min(last);
        if step <= peak {
            between(start, top, step / peak.max(f64::MIN_POSITIVE))
        } else {
            between(
                top,
                end,
                (step - peak) / (last - peak).max(f64::MIN_POSITIVE),
            )
        }
    }

    /// Tells a plateau how an epoch ended.
    pub fn epoch_ended(&mut self, validation_loss: f64) {
        let Shape::Plateau { factor, patience } = self.schedule.shape else {
            return;
        };
        let watch = &mut self.watch;
        if validation_loss < watch.best * (1.0 - THRESHOLD) {
            watch.best = validation_loss;
            watch.bad_epochs = 0;
        } else {
            watch.bad_epochs += 1;
        }
        if watch.bad_epochs > patience {
            watch.factor *= factor;
            watch.bad_epochs = 0;
        }
    }
}
