//! AlexNet: the network that won ImageNet in 2012.
//!
//! Krizhevsky, Sutskever, Hinton 2012, "ImageNet Classification with Deep Convolutional Neural Networks", in the
//! single-column form of Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", arXiv
//! 1404.5997, which is torchvision's. Parameter names follow torchvision.

use tch::Tensor;

use crate::layers::{
    ActivationLayer, AdaptiveAvgPool2d, Conv2d, Conv2dSpec, Dropout, Layer, Linear, MaxPool2d,
    Sequential,
};
use crate::model::module_t;
use crate::{Activation, Input, Model, ModelBase, NetError, Pass};

/// AlexNet, 61.1 M parameters, 0.714 G multiply-adds at 224 pixels.
///
/// # Shapes
/// images `[N, 3, H, W]`, f32, ImageNet-normalised, of at least 63 x 63 pixels -> logits `[N, num_classes]`
///
/// # Errors
/// [`NetError::Setting`] when `num_classes` is under 1.
pub fn alexnet(num_classes: i64) -> Result<AlexNet, NetError> {
    let input = Input::Images {
        channels: 3,
        at_least: 63,
    };
    let base = ModelBase::new("alexnet", input, num_classes, "classifier.6")?.with_stages([
        "features.0",
        "features.3",
        "features.6",
        "features.8",
        "features.10",
        "features",
    ]);
    Ok(AlexNet {
        features: features(&base)?,
        avgpool: AdaptiveAvgPool2d::new(6, base.root() / "avgpool"),
        classifier: classifier(&base, num_classes)?,
        base,
    })
}

/// Five convolutions, then three fully connected layers, which hold 96 % of the parameters.
#[derive(Debug)]
pub struct AlexNet {
    base: ModelBase,
    features: Sequential,
    avgpool: AdaptiveAvgPool2d,
    classifier: Sequential,
}

impl Model for AlexNet {
    fn base(&self) -> &ModelBase {
        &self.base
    }

    fn base_mut(&mut self) -> &mut ModelBase {
        &mut self.base
    }

    fn compute(&self, xs: &Tensor, pass: &mut Pass<'_>) -> Result<Tensor, NetError> {
        let xs = self.features.forward(xs, pass)?; // [N, 256, 6, 6] from 224 pixels
        let xs = self.avgpool.forward(&xs, pass)?; // [N, 256, 6, 6] from any
        self.classifier.forward(&xs.f_flatten(1, -1)?, pass) // [N, num_classes]
    }

    fn set_head(&mut self, _: &str, layer: Linear) {
        self.classifier.replace_last(layer);
    }
}

module_t!(AlexNet);

fn features(base: &ModelBase) -> Result<Sequential, NetError> {
    // With the pool behind it or not.
    let convolutions: [(Conv2dSpec, bool); 5] = [
        (Conv2d::spec(3, 64, 11).stride(4).padding(2), true),
        (Conv2d::spec(64, 192, 5).padding(2), true),
        (Conv2d::spec(192, 384, 3).padding(1), false),
        (Conv2d::spec(384, 256, 3).padding(1), false),
        (Conv2d::spec(256, 256, 3).padding(1), true),
    ];
    let path = base.root() / "features";
    let mut features = Sequential::new(&path);
    for (conv, pooled) in convolutions {
        features.push(conv.build(&path / features.len())?);
        features.push(ActivationLayer::new(Activation::Relu, &path / features.len()).inplace());
        if pooled {
            features.push(MaxPool2d::new(3, 2, &path / features.len()));
        }
    }
    Ok(features)
}

fn classifier(base: &ModelBase, num_classes: i64) -> Result<Sequential, NetError> {
    let path = base.root() / "classifier";
    let mut classifier = Sequential::new(&path);
    for inputs in [256 * 6 * 6, 4096] {
        classifier.push(Dropout::new(0.5, &path / classifier.len()));
        classifier.push(Linear::spec(inputs, 4096).build(&path / classifier.len())?);
        classifier.push(ActivationLayer::new(Activation::Relu, &path / classifier.len()).inplace());
    }
    classifier.push(Linear::spec(4096, num_classes).build(&path / classifier.len())?);
    Ok(classifier)
}
