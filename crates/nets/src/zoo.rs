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

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::*;
    use crate::{CifarResNet, GoogLeNet, Init, Mlp, ResNet, Vgg};

    #[test]
    fn names_are_the_networks_own() {
        for name in ["lenet5", "googlenet", "resnet18", "resnet20", "alexnet"] {
            assert_eq!(get_model(name, 3).unwrap().name(), name);
        }
        let error = get_model("resnet19", 3).unwrap_err().to_string();
        assert!(
            error.starts_with("resnet19: there is no such model; there are lenet5,"),
            "{error}"
        );
    }

    #[test]
    fn impossible_networks_are_refused() {
        let errors = [
            ResNet::builder(19).build(10).unwrap_err(),
            Vgg::builder(12).build(10).unwrap_err(),
            Vgg::builder(11).dropout(2.0).build(10).unwrap_err(),
            CifarResNet::builder(21).build(10).unwrap_err(),
            CifarResNet::builder(2).build(10).unwrap_err(),
            CifarResNet::builder(8).width(0).build(10).unwrap_err(),
            get_model("lenet5", 0).unwrap_err(),
        ];
        for error in errors {
            let text = error.to_string();
            assert!(text.contains(", got ") && !text.contains("torch"), "{text}");
        }
    }

    #[test]
    fn every_head_is_replaced() {
        let mut net = GoogLeNet::builder().aux_logits(true).build(10).unwrap();
        net.replace_head(3).unwrap();
        let xs = Tensor::rand([2, 3, 32, 32], (Kind::Float, Device::Cpu));
        let (logits, others) = net.training_outputs(&xs).unwrap();
        assert_eq!(logits.size(), [2, 3]);
        assert_eq!(others.len(), net.auxiliary().len());
        assert!(others.iter().all(|logits| logits.size() == [2, 3]));
    }

    #[test]
    fn networks_compute_in_double_precision() {
        let mut net = get_model("resnet20", 10).unwrap();
        net.var_store_mut().double();
        let xs = Tensor::rand([2, 3, 16, 16], (Kind::Double, Device::Cpu));
        assert_eq!(net.try_forward_t(&xs, true).unwrap().kind(), Kind::Double);
        let error = net
            .try_forward_t(&xs.to_kind(Kind::Float), false)
            .unwrap_err();
        assert!(
            error
                .to_string()
                .ends_with("convert with to_kind(Kind::Double)"),
            "{error}"
        );
    }

    #[test]
    fn plain_twins_have_as_many_parameters() {
        let (net, twin) = (CifarResNet::builder(20), CifarResNet::builder(20).plain());
        let (net, twin) = (net.build(10).unwrap(), twin.build(10).unwrap());
        assert_eq!(net.state_dict().names(), twin.state_dict().names());
        assert_eq!((net.name(), twin.name()), ("resnet20", "plain20"));
    }

    #[test]
    fn starts_have_the_variance_of_their_papers() {
        let variance = |init| {
            let net = Mlp::builder(400, 600).init(init).build().unwrap();
            let weights = net.state_dict();
            assert_eq!(
                weights
                    .get("layers.0.bias")
                    .unwrap()
                    .abs()
                    .max()
                    .double_value(&[]),
                0.0
            );
            weights
                .get("layers.0.weight")
                .unwrap()
                .var(false)
                .double_value(&[])
        };
        let expected = [
            (Init::KaimingNormal, 2.0 / 400.0),
            (Init::KaimingUniform, 2.0 / 400.0),
            (Init::KaimingNormalFanOut, 2.0 / 600.0),
            (Init::XavierNormal, 2.0 / 1000.0),
            (Init::XavierUniform, 2.0 / 1000.0),
            (Init::Normal(0.01), 0.0001),
        ];
        for (init, expected) in expected {
            // 240,000 numbers: the variance is known to half a percent
            let ratio = variance(init) / expected;
            assert!((ratio - 1.0).abs() < 0.03, "{init:?}: {ratio}");
        }
        assert_eq!(variance(Init::Constant(0.5)), 0.0);
    }
}
