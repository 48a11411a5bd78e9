//! Training: the loop, and looking at what came out of it.
//!
//! The loop fits on a page. [`fit`](fn@fit) and [`Trainer`] are made of the same pieces:
//!
//! ```
//! use data::{Batches, TensorData};
//! use nets::{Mlp, Model};
//! use train::{CrossEntropy, Metrics, Optimizer, Sgd, evaluate};
//! # use tch::{Kind, Tensor, Device};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # tch::manual_seed(0);
//! # let images = Tensor::randn([256, 1, 4, 4], (Kind::Float, Device::Cpu));
//! # let labels = images.mean_dim([1i64, 2, 3].as_slice(), false, Kind::Float).ge(0.0).to_kind(Kind::Int64);
//! # let train = TensorData::new(images.copy(), labels.copy(), ["dark", "light"])?.shuffle(1);
//! # let valid = TensorData::new(images, labels, ["dark", "light"])?;
//! let net = Mlp::builder(16, 2).hidden(&[8]).build()?;
//! let loss_of = CrossEntropy::new();
//! let mut optimizer = Optimizer::over(&net, Sgd::new(0.1).momentum(0.9))?;
//!
//! for epoch in 0..5 {
//!     let mut seen = Metrics::new(train.classes());
//!     for batch in train.epoch(epoch) {
//!         let batch = batch?;
//!         let images = batch.images.flatten(1, -1);              // [N, 16]
//!         let logits = net.try_forward_t(&images, true)?;        // [N, 2]
//!         let loss = loss_of.loss(&logits, &batch.labels)?;      // []
//!         let gradients = optimizer.gradients(&loss)?;           // PyTorch: zero_grad(), backward()
//!         optimizer.step(&gradients)?;
//!         seen.add(loss.double_value(&[]), &logits, &batch.labels)?;
//!     }
//!     let valid = evaluate(&net, &valid, &loss_of)?;
//!     println!("epoch {epoch}: loss {:.3}, validation accuracy {:.3}", seen.loss(), valid.accuracy());
//! #   assert!(epoch < 4 || valid.accuracy() > 0.9);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The pieces:
//!
//! - [`loss`]: [`CrossEntropy`], how wrong the network is
//! - [`optim`]: [`Sgd`], [`Adam`], [`AdamW`], the [`Optimizer`] they work in, and [`Gradients`]
//! - [`schedule`]: [`Schedule`], how the learning rate changes
//! - [`metrics`]: [`Confusion`], top-k accuracy
//! - [`mod@evaluate`]: [`Metrics`], [`evaluate`](fn@evaluate), [`predict`], top losses
//! - [`history`]: [`History`], what happened in each epoch
//! - [`net`]: parameters by name, the best device
//!
//! What is built on them:
//!
//! - [`fit`](mod@fit): [`Trainer`]; `run` holds where a run is, `report` what it shows
//! - [`checkpoint`]: [`Checkpoint`], a run written down
//! - [`mod@lr_find`], [`mod@sweep`]: which learning rate, which batch size
//! - [`transfer`]: freezing, cached features, fine-tuning; [`backbone`](mod@backbone): a network without its head
//! - [`inspect`]: gradients and activations by layer, filters, feature maps
//! - [`cam`](mod@cam): Grad-CAM and its kin, where a network sees a class
//! - [`calibration`]: whether probabilities mean what they say
//! - [`error`]: everything that can go wrong, said for a learner

pub mod backbone;
pub mod calibration;
pub mod cam;
pub mod checkpoint;
pub mod error;
pub mod evaluate;
pub mod fit;
pub mod history;
pub mod inspect;
pub mod loss;
pub mod lr_find;
pub mod metrics;
mod names;
pub mod net;
pub mod optim;
mod report;
mod run;
pub mod schedule;
pub mod sweep;
pub mod transfer;

pub use backbone::{Backbone, backbone};
pub use calibration::{Bin, Calibration};
pub use cam::{Cam, CamMethod, cam, grad_cam};
pub use checkpoint::Checkpoint;
pub use error::TrainError;
pub use evaluate::{Metrics, Predictions, TopLoss, evaluate, predict};
pub use fit::{Trainer, fit};
pub use history::{Epoch, History};
pub use inspect::{Activations, GradientFlow, LayerActivation, LayerGradient};
pub use inspect::{activations, feature_maps, filters, layer_gradients};
pub use loss::CrossEntropy;
pub use lr_find::{LrFind, lr_find};
pub use metrics::{ClassScore, Confusion, Mistake, top_k_accuracy};
pub use net::{best_device, named_parameters};
pub use optim::{Adam, AdamW, Gradients, Optimizer, Rule, Sgd};
pub use schedule::{Plan, Schedule};
pub use sweep::{Sweep, sweep};
pub use transfer::{cached_features, falling_factors, fine_tune, freeze, freeze_backbone, frozen};
pub use transfer::{train_head, unfreeze};
