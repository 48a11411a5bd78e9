//! What a cell can name with nothing to import.
//!
//! Cells import all of it with a glob, so anything that a learner defines or imports under the same name
//! takes its place without a word. What is here is either used in most lessons or a trait whose methods
//! would otherwise be missing.

// Tensors, layers, optimisers. The traits bring `forward`, `forward_t`, `.i(..)` and `build` of optimisers.
pub use tch::nn::{Module, ModuleT, OptimizerConfig};
pub use tch::{Device, IndexOp, Kind, Tensor, manual_seed, nn, no_grad, no_grad_guard};

// Images: reading, looking, the three ways of Python, image work, augmentation.
pub use vision::transforms::{
    AugMix, AutoAugment, AutoAugmentPolicy, BoundingBox, CenterCrop, ColorJitter, Compose, CutMix,
    ElasticTransform, GaussianBlur, GaussianNoise, Grayscale, Jpeg, KeyPoint, Lambda, Mask, MixUp,
    Normalize, Pad, RandAugment, RandomAdjustSharpness, RandomAffine, RandomApply,
    RandomAutocontrast, RandomChoice, RandomCrop, RandomEqualize, RandomErasing, RandomGrayscale,
    RandomHorizontalFlip, RandomInvert, RandomOrder, RandomPerspective, RandomPosterize,
    RandomResizedCrop, RandomRotation, RandomSolarize, RandomVerticalFlip, Resize, Sample, Seed,
    ToDtype, ToTensor, Transform, TrivialAugmentWide, demo, demo_seeded,
};
pub use vision::{
    Animation, Array, AsArray, ChannelHistogram, Cmap, ColorCode, Dtype, Element, Grid, Image,
    ImreadFlag, ImwriteFlag, Interpolation, Kernel, Overlay, Padding, PilImage, PltImage,
    Threshold, VisionError, Zoom, animate, channel_histogram, channels, compare, compose, convolve,
    cv_cvt_color, cv_imread, cv_imread_as, cv_imshow, cv_imwrite, cv_imwrite_as, difference,
    display, display_with_id, imread, imshow, pil_open, plt_imshow, read_frames, show_grid,
    split_channels, update_display, zoom,
};

// Charts, progress, controls.
pub use live::{Live, Progress, ProgressBar, progress};
pub use plot::{
    Chart, ColourMap, Figure, LearningCurves, PlotError, Theme, bar_chart, batch_lr_map, box_plot,
    confusion_matrix, confusion_rates, gradient_flow, heat_map, histogram, image_matrix,
    learning_curves, line_chart, lr_finder, pr_curve, roc_curve, scatter_chart, set_theme,
    subplots, suggest_lr,
};

// Networks.
pub use nets::{
    Activation, CifarResNet, Cnn, GoogLeNet, Init, Input, Layer, Mlp, Model, ModelBase, Neck,
    NetError, Pass, Pool, ResNet, StateDict, Vgg, alexnet, cost, get_model, googlenet, lenet5,
    list_models, resnet18, resnet34, resnet50, resnet101, resnet152, summary, vgg11, vgg11_bn,
    vgg16, vgg16_bn,
};

// Data and training.
pub use data::{Batch, Batches, DataError, Loader, Samples, TensorData, Warehouse};

pub use train::{
    Adam, AdamW, Backbone, CamMethod, Checkpoint, Confusion, CrossEntropy, History, Metrics,
    Optimizer, Schedule, Sgd, TrainError, Trainer, activations, backbone, best_device,
    cached_features, cam, evaluate, feature_maps, filters, fine_tune, fit, freeze, freeze_backbone,
    grad_cam, layer_gradients, lr_find, predict, sweep, train_head, unfreeze,
};

// Talking to the page.
pub use rt::{Bundle, Show, checkpoint, clear_output, input, password};

// Controls in the page, and pictures that follow them.
pub use widgets::{Control, button, checkbox, dropdown, interact, slider, text_field};

// Exercises, and what lessons claim.
pub use checks::{Checks, attempt, claim};

// The crates, for what is not listed here: `tch::vision`, `plotters::prelude`, `image::imageops`.
pub use crate::{checks, data, image, live, nets, plot, plotters, rt, tch, train, vision, widgets};

// The parts of std that programs of a page or two begin with.
pub use std::cell::RefCell;
pub use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
pub use std::error::Error;
pub use std::path::{Path, PathBuf};
pub use std::rc::Rc;
pub use std::sync::{Arc, Mutex};
pub use std::time::{Duration, Instant};
pub use std::{fmt, fs};
