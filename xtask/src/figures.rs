//! What `cargo xtask bench` measures.

/// What is measured, beside what, and how good it has to be.
pub(crate) struct Figure {
    /// Its name in `bench/GROUP.py`, which measures it.
    pub(crate) id: &'static str,
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) peer: Peer,
    pub(crate) bar: Bar,
}

/// What is measured beside it.
#[derive(Clone, Copy)]
pub(crate) enum Peer {
    /// Measured beside it, and always there.
    Here(&'static str),
    /// ipykernel with torch.
    Ipykernel,
    /// evcxr_jupyter with tch.
    Evcxr,
    /// albumentations or torchvision, whichever is better.
    Augmenters,
    /// Pillow or torchvision, whichever is better.
    Decoders,
    /// PyTorch with torchvision.
    Torch,
    /// nbgrader with evcxr_jupyter.
    Nbgrader,
    /// None: the bar is absolute.
    Nothing,
}

/// How good it has to be.
#[derive(Clone, Copy)]
pub(crate) enum Bar {
    /// At most this many times the peer's figure.
    Times(f64),
    /// At least this many times the peer's figure.
    AtLeastTimes(f64),
    /// At most this much.
    AtMost(f64),
}

pub(crate) const KERNEL: [Figure; 10] = [
    Figure {
        id: "first_tensor",
        name: "start to first tensor printed",
        unit: "ms",
        peer: Peer::Ipykernel,
        bar: Bar::Times(0.3),
    },
    Figure {
        id: "fresh_cell_evcxr",
        name: "tensor cell, compiled afresh",
        unit: "ms",
        peer: Peer::Evcxr,
        bar: Bar::Times(0.25),
    },
    Figure {
        id: "fresh_cell_rustc",
        name: "tensor cell, compiled afresh",
        unit: "ms",
        peer: Peer::Here("rustc alone, empty cdylib"),
        bar: Bar::Times(2.0),
    },
    Figure {
        id: "cached_cell",
        name: "tensor cell in the cache",
        unit: "ms",
        peer: Peer::Nothing,
        bar: Bar::AtMost(15.0),
    },
    Figure {
        id: "late_cell",
        name: "cell 200, after 100 fns and 50 structs",
        unit: "ms",
        peer: Peer::Here("cell 5 of the same notebook"),
        bar: Bar::Times(1.5),
    },
    Figure {
        id: "memory",
        name: "memory after a tensor cell (PSS)",
        unit: "MiB",
        peer: Peer::Ipykernel,
        bar: Bar::Times(0.5),
    },
    Figure {
        id: "completion",
        name: "completion from the index, the slowest",
        unit: "ms",
        peer: Peer::Nothing,
        bar: Bar::AtMost(100.0),
    },
    Figure {
        id: "analyzer_first",
        name: "rust-analyzer's first answer",
        unit: "ms",
        peer: Peer::Nothing,
        bar: Bar::AtMost(15_000.0),
    },
    Figure {
        id: "analyzer_later",
        name: "rust-analyzer's later answers",
        unit: "ms",
        peer: Peer::Nothing,
        bar: Bar::AtMost(200.0),
    },
    Figure {
        id: "loop_cell",
        name: "naive 512^3 f32 matrix product in a cell",
        unit: "ms",
        peer: Peer::Here("rustc -O, the same code"),
        bar: Bar::Times(1.3),
    },
];

/// Pictures of 224 x 224 pixels.
pub(crate) const AUGMENT: [Figure; 13] = [
    augmentation("hflip", "horizontal flip", 1.0),
    augmentation("rotate", "rotation by 15°, bilinear", 1.0),
    augmentation("resize", "resize to 96", 1.0),
    augmentation("resized_crop", "random resized crop to 128", 1.0),
    augmentation("affine", "affine, bilinear", 1.0),
    augmentation("perspective", "perspective, bilinear", 1.0),
    augmentation("color_jitter", "colour jitter", 1.0),
    augmentation("blur", "Gaussian blur, 5x5", 1.0),
    augmentation("erasing", "erasing", 1.0),
    augmentation("elastic", "elastic transform", 1.0),
    augmentation("normalize", "normalise to f32", 1.0),
    augmentation("training", "resized crop, flip, jitter, normalise", 1.5),
    Figure {
        id: "cores",
        name: "the same on all cores",
        unit: "img/s",
        peer: Peer::Here("one core, times the number of cores"),
        bar: Bar::AtLeastTimes(0.9),
    },
];

/// Pictures a second on one core, beside the better peer's.
const fn augmentation(id: &'static str, name: &'static str, times: f64) -> Figure {
    Figure {
        id,
        name,
        unit: "img/s",
        peer: Peer::Augmenters,
        bar: Bar::AtLeastTimes(times),
    }
}

pub(crate) const TRAIN: [Figure; 7] = [
    Figure {
        id: "step_resnet18",
        name: "training step, resnet18, 32 images of 64 px",
        unit: "ms",
        peer: Peer::Torch,
        bar: Bar::Times(1.0),
    },
    Figure {
        id: "step_resnet50",
        name: "training step, resnet50, 16 images of 64 px",
        unit: "ms",
        peer: Peer::Torch,
        bar: Bar::Times(1.0),
    },
    Figure {
        id: "step_vgg11_bn",
        name: "training step, vgg11_bn, 32 images of 64 px",
        unit: "ms",
        peer: Peer::Torch,
        bar: Bar::Times(1.0),
    },
    Figure {
        id: "loader_64",
        name: "loader: JPEG, augmented to 64 px, batches",
        unit: "img/s",
        peer: Peer::Torch,
        bar: Bar::AtLeastTimes(2.0),
    },
    Figure {
        id: "loader_128",
        name: "loader: JPEG, augmented to 128 px, batches",
        unit: "img/s",
        peer: Peer::Torch,
        bar: Bar::AtLeastTimes(2.0),
    },
    Figure {
        id: "epoch_resnet18",
        name: "epoch from 360 files, resnet18 at 64 px",
        unit: "s",
        peer: Peer::Torch,
        bar: Bar::Times(1.0),
    },
    Figure {
        id: "waiting",
        name: "share of it that steps wait for data",
        unit: "%",
        peer: Peer::Nothing,
        bar: Bar::AtMost(5.0),
    },
];

pub(crate) const GRADE: [Figure; 4] = [
    Figure {
        id: "grade_100",
        name: "100 submissions of ten cells",
        unit: "s",
        peer: Peer::Nbgrader,
        bar: Bar::Times(0.05),
    },
    Figure {
        // Other work on the machine does not count here, and neither do several cores.
        id: "grade_time",
        name: "processor time for that",
        unit: "s",
        peer: Peer::Nbgrader,
        bar: Bar::Times(0.1),
    },
    Figure {
        id: "regrade",
        name: "the same after one test changed",
        unit: "s",
        peer: Peer::Here("the first time"),
        bar: Bar::Times(1.0),
    },
    Figure {
        // The tests are compiled once for each answer that they link to.
        id: "regrade_compiled",
        name: "cells compiled for that",
        unit: "cells",
        peer: Peer::Nothing,
        bar: Bar::AtMost(100.0),
    },
];

pub(crate) const DATA: [Figure; 6] = [
    Figure {
        id: "make",
        name: "2,000 pictures generated",
        unit: "s",
        peer: Peer::Nothing,
        bar: Bar::AtMost(30.0),
    },
    Figure {
        id: "decode",
        name: "JPEG of 150x150 read and resized to 64",
        unit: "img/s",
        peer: Peer::Decoders,
        bar: Bar::AtLeastTimes(1.0),
    },
    Figure {
        id: "decode_photo",
        name: "JPEG of 640x480 read and resized to 224",
        unit: "img/s",
        peer: Peer::Decoders,
        bar: Bar::AtLeastTimes(1.0),
    },
    Figure {
        id: "index",
        name: "10,000 pictures indexed and checked",
        unit: "s",
        peer: Peer::Here("cleanvision"),
        bar: Bar::Times(0.2),
    },
    Figure {
        id: "index_again",
        name: "the same, nothing changed",
        unit: "s",
        peer: Peer::Nothing,
        bar: Bar::AtMost(1.0),
    },
    Figure {
        id: "million",
        name: "memory of 1,000,000 pictures in batches",
        unit: "MB",
        peer: Peer::Nothing,
        bar: Bar::AtMost(300.0),
    },
];

impl Peer {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Peer::Here(name) => name,
            Peer::Ipykernel => "ipykernel + torch",
            Peer::Evcxr => "evcxr_jupyter + tch",
            Peer::Augmenters => "albumentations, torchvision",
            Peer::Decoders => "Pillow, torchvision",
            Peer::Torch => "PyTorch",
            Peer::Nbgrader => "nbgrader + evcxr_jupyter",
            Peer::Nothing => "",
        }
    }
}
