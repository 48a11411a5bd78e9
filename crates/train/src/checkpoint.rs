//! [`Checkpoint`]: a run written down, so that it can go on later, or be looked at in Python.

use std::collections::BTreeMap;
use std::path::Path;

use nets::{Model, StateDict};

use crate::optim::Memory;
use crate::run::Run;
use crate::schedule::Watch;
use crate::{History, TrainError};

/// A run written down.
#[derive(Debug)]
pub struct Checkpoint {
    /// Epochs trained.
    pub epoch: usize,
    /// Steps made in all.
    pub step: usize,
    /// What happened so far.
    pub history: History,
    /// The names of the classes.
    pub classes: Vec<String>,
    /// The network's weights.
    pub weights: StateDict,
    pub(crate) watch: Watch,
}

impl Checkpoint {
    /// Reads.
    ///
    /// # Errors
    /// None yet.
    pub fn read(_path: impl AsRef<Path>) -> Result<Self, TrainError> {
        Err(TrainError::settings("not yet"))
    }

    pub(crate) fn of_run(
        run: &Run,
        net: &dyn Model,
        history: &History,
    ) -> Result<Self, TrainError> {
        Ok(Self {
            epoch: run.epoch,
            step: run.step,
            history: history.clone(),
            classes: run.classes.clone(),
            weights: net.state_dict(),
            watch: run.plan.watch,
        })
    }

    pub(crate) fn write(&self, _path: &Path) -> Result<(), TrainError> {
        Ok(())
    }

    pub(crate) fn memory(&self) -> Result<BTreeMap<String, Memory>, TrainError> {
        Ok(BTreeMap::new())
    }
}
