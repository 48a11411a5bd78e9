//! What the grader and the process that executes one submission say to each other.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;

use ::grade::sandbox::{Confinement, InForce};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How much a submission may use.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub(super) struct Limits {
    /// For each cell, compiling included, in seconds.
    pub(super) seconds: f64,
    /// Memory of the process that runs the cells, in bytes.
    pub(super) memory: u64,
    /// What a cell may print or show, in bytes.
    pub(super) output: usize,
    /// What all files that it writes may take together, in bytes.
    pub(super) disk: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            seconds: 30.0,
            memory: 4 << 30,
            output: 16 << 20,
            disk: 256 << 20,
        }
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes >> 20;
        write!(
            f,
            "{} s a cell, {} MiB of memory, {} MiB of output, {} MiB of files",
            self.seconds,
            mib(self.memory),
            mib(self.output as u64),
            mib(self.disk)
        )
    }
}

/// What is the same for all submissions that an executing process gets: in its environment, as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Post {
    /// Everything below it counts as written by the submission.
    pub(super) scratch: PathBuf,
    /// What the executing process may do.
    pub(super) confinement: Confinement,
}

impl Post {
    /// The folder that notebooks run in.
    pub(super) fn folder(&self) -> PathBuf {
        self.scratch.join("notebooks")
    }
}

/// One submission to be executed: a line on the standard input of the executing process, after [`CALL`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Job {
    /// The notebook, with the instructor's tests in it.
    pub(super) notebook: Value,
    /// Ids of tests cells, by their place among the cells: a result of theirs is points.
    pub(super) tests: BTreeSet<usize>,
    /// Cells that ended the executing process when it was tried before; they are passed over.
    pub(super) poison: BTreeSet<usize>,
    /// What it may use.
    pub(super) limits: Limits,
}

/// Has the executing process fork before it reads the job itself: nothing of it is in the worker's memory.
pub(super) const CALL: u8 = b'+';

/// What the executing process says, one JSON document a line on its standard output.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(super) enum Said {
    /// It is confined and begins.
    Begin { in_force: Vec<InForce> },
    /// A cell begins.
    CellBegins { at: usize },
    /// A cell has ended. Said again when a later cell changed what it shows.
    Cell(RanCell),
    /// All cells have ended.
    End,
    /// Whatever executed the submission is gone, and how it went.
    Gone { status: String },
}

/// A cell that has run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct RanCell {
    /// Its place among the cells, from 0.
    pub(super) at: usize,
    /// Its outputs as nbformat has them.
    pub(super) outputs: Vec<Value>,
    /// Its number among those that ran, from 1.
    pub(super) count: usize,
    /// How long it took, in seconds.
    pub(super) seconds: f64,
    /// How much of that was compiling.
    pub(super) compile_seconds: f64,
    /// Whether nothing had to be compiled.
    pub(super) cached: bool,
    /// Whether its points came from elsewhere than its last line.
    pub(super) forged: bool,
}
