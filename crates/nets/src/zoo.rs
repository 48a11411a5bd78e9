//! Networks by name, as `torchvision.models.get_model`.

use crate::{Model, NetError};

/// Makes a network of a published architecture by its name, with fresh weights.
type Make = fn(i64) -> Result<Box<dyn Model>, NetError>;

macro_rules! zoo {
    ($($name:ident),+ $(,)?) => {
        &[$((stringify!($name), |classes| Ok(Box::new(crate::$name(classes)?)))),+]
    };
}

const ZOO: &[(&str, Make)] = zoo![
    lenet5, alexnet, vgg11, vgg11_bn, vgg13, vgg13_bn, vgg16, vgg16_bn, vgg19, vgg19_bn, googlenet,
    resnet18, resnet34, resnet50, resnet101, resnet152, resnet20, resnet32, resnet44, resnet56,
    resnet110,
];

/// The names that [`get_model`] knows: torchvision's, LeNet-5, and the ResNets for small images.
pub fn list_models() -> Vec<&'static str> {
    ZOO.iter().map(|(name, _)| *name).collect()
}

/// The network of this name, for so many classes, with fresh weights.
///
/// ```
/// for name in ["vgg11", "resnet18"] {
///     let net = nets::get_model(name, 1000)?;
///     println!("{name}: {} parameters", net.parameters());
/// }
/// # Ok::<(), nets::NetError>(())
/// ```
///
/// # Errors
/// [`NetError::Setting`] when there is none of that name, or `num_classes` is under 1.
pub fn get_model(name: &str, num_classes: i64) -> Result<Box<dyn Model>, NetError> {
    match ZOO.iter().find(|(other, _)| *other == name) {
        Some((_, make)) => make(num_classes),
        None => Err(NetError::Setting {
            network: name.into(),
            problem: format!(
                "there is no such model; there are {}",
                list_models().join(", ")
            ),
        }),
    }
}
