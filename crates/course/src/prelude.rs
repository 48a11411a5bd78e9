//! What a cell can name with nothing to import.
//!
//! Cells import all of it with a glob, so anything that a learner defines or imports under the same name
//! takes its place without a word. What is here is either used in most lessons or a trait whose methods
//! would otherwise be missing.

// Tensors, layers, optimisers. The traits bring `forward`, `forward_t`, `.i(..)` and `build` of optimisers.
pub use tch::nn::{self, Module, ModuleT, OptimizerConfig};
pub use tch::{Device, IndexOp, Kind, Tensor, manual_seed, no_grad, no_grad_guard};

// Images, charts, networks, data.
pub use data::{Batch, Batches, DataError, Loader, Samples, TensorData, Warehouse};
pub use nets::{Activation, Mlp, NetError};
pub use plot::{Chart, PlotError, line_chart};
pub use vision::{Grid, Image, VisionError, imread, imshow, show_grid};

// Talking to the page.
pub use rt::{
    Bundle, Show, checkpoint, clear_output, display, display_with_id, input, password,
    update_display,
};

// The crates, for what is not listed here: `tch::vision`, `plotters::prelude`, `image::imageops`.
pub use crate::{data, image, nets, plot, plotters, rt, tch, vision};

// The parts of std that programs of a page or two begin with.
pub use std::cell::RefCell;
pub use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
pub use std::error::Error;
pub use std::path::{Path, PathBuf};
pub use std::rc::Rc;
pub use std::sync::{Arc, Mutex};
pub use std::time::{Duration, Instant};
pub use std::{fmt, fs};
