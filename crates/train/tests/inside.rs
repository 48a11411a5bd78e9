//! Looking into a network: class activation maps as the Python package grad-cam makes them, gradients by finite
//! differences, dead units, and nothing changed by looking.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use data::Batch;
use nets::cnn::Neck;
use nets::{Cnn, Mlp, Model};
use tch::{Device, Kind, Tensor};
use train::{CamMethod, CrossEntropy, Gradients, activations, cam, feature_maps, filters};
use train::{grad_cam, layer_gradients, named_parameters};

/// `wave` of make_cam.py.
fn wave(count: i64, shift: f64) -> Tensor {
    let index = Tensor::arange(count, (Kind::Double, Device::Cpu));
    (index * 0.37 + shift).sin().to_kind(Kind::Float)
}

/// Gives every parameter its wave.
fn filled<M: Model>(net: M) -> M {
    let _guard = tch::no_grad_guard();
    for (index, (_, tensor)) in named_parameters(&net).iter().enumerate() {
        let values = wave(tensor.numel() as i64, index as f64) * 0.5;
        tensor.shallow_clone().copy_(&values.view_as(tensor));
    }
    net
}

/// The network of make_cam.py.
fn network() -> Cnn {
    let builder = Cnn::builder([3, 16, 16], 4).channels(&[4, 6]);
    filled(builder.neck(Neck::Flatten(10)).build().unwrap())
}

fn image() -> Tensor {
    wave(3 * 16 * 16, 0.5).view([3, 16, 16])
}

fn batch() -> Batch {
    Batch {
        images: wave(8 * 3 * 16 * 16, 0.1).view([8, 3, 16, 16]),
        labels: Tensor::arange(8, (Kind::Int64, Device::Cpu)).remainder(4),
        indices: (0..8).collect(),
    }
}

#[test]
fn class_activation_maps_are_those_of_the_python_package() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/cam.json");
    let expected: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    for method in [
        CamMethod::GradCam,
        CamMethod::GradCamPlusPlus,
        CamMethod::HiResCam,
        CamMethod::EigenCam,
    ] {
        let found = cam(&network(), &image(), method, Some("features.5"), Some(1)).unwrap();
        assert_eq!(found.heat.size(), [16, 16]);
        let heat = Vec::<f64>::try_from(found.heat.flatten(0, -1).to_kind(Kind::Double)).unwrap();
        let expected = expected[format!("{method:?}")].as_array().unwrap();
        for (found, expected) in heat.iter().zip(expected) {
            let expected = expected.as_f64().unwrap();
            assert!(
                (found - expected).abs() < 1e-4,
                "{method:?}: {found} instead of {expected}"
            );
        }
    }
}

#[test]
fn the_last_stage_and_the_most_probable_class_are_the_default() {
    let net = network();
    let found = grad_cam(&net, &image()).unwrap();
    let logits = net.try_forward_t(&image().unsqueeze(0), false).unwrap();
    assert_eq!(
        found.class as i64,
        logits.argmax(1, false).int64_value(&[0])
    );
    let named = cam(
        &net,
        &image(),
        CamMethod::GradCam,
        Some("features.5"),
        Some(found.class),
    );
    assert_eq!(found.heat, named.unwrap().heat);
    let picture = found.overlay().unwrap();
    assert_eq!((picture.width(), picture.height()), (16, 16));
}

#[test]
fn networks_of_the_papers_have_maps_where_nothing_is_named() {
    let digit = wave(32 * 32, 0.5).view([1, 32, 32]);
    let found = grad_cam(&nets::lenet5(10).unwrap(), &digit).unwrap();
    assert_eq!(found.heat.size(), [32, 32]);
    let picture = wave(3 * 32 * 32, 0.5).view([3, 32, 32]);
    for name in ["resnet18", "resnet20", "googlenet"] {
        let net = nets::get_model(name, 4).unwrap();
        assert_eq!(grad_cam(&*net, &picture).unwrap().heat.size(), [32, 32]);
    }
    let rows = Mlp::builder(12, 4).hidden(&[3]).build().unwrap();
    let refused = grad_cam(&rows, &wave(12, 0.5).view([3, 2, 2])).unwrap_err();
    assert!(refused.to_string().contains("takes rows"), "{refused}");
}

#[test]
fn a_frozen_network_has_maps_too() {
    let net = network();
    let before = grad_cam(&net, &image()).unwrap();
    train::freeze(&net, "").unwrap();
    assert_eq!(
        before.heat,
        tch::no_grad(|| grad_cam(&net, &image())).unwrap().heat
    );
}

#[test]
fn layers_and_classes_that_are_not_there_are_named() {
    let message = |layer, class| {
        let outcome = cam(&network(), &image(), CamMethod::GradCam, layer, class);
        outcome.unwrap_err().to_string()
    };
    assert!(message(Some("layer4"), None).contains("no layer `layer4`"));
    assert!(message(Some("classifier.1"), None).contains("choose one of features.2, features.5"));
    assert!(message(None, Some(4)).contains("no class 4: the network has 4 outputs"));
}

#[test]
fn gradients_agree_with_finite_differences() {
    let loss_of = CrossEntropy::new().label_smoothing(0.1);
    let mut mlp = filled(
        Mlp::builder(12, 4)
            .hidden(&[7])
            .activation(nets::Activation::Gelu)
            .build()
            .unwrap(),
    );
    let mut cnn = filled(
        Cnn::builder([3, 8, 8], 4)
            .channels(&[4])
            .activation(nets::Activation::Tanh)
            .pool(nets::Pool::Average)
            .batch_norm(true)
            .build()
            .unwrap(),
    );
    let nets: [(&mut dyn Model, &[i64]); 2] = [(&mut mlp, &[8, 12]), (&mut cnn, &[8, 3, 8, 8])];
    for (net, size) in nets {
        net.var_store_mut().double();
        let xs = wave(size.iter().product(), 0.1)
            .view(size)
            .to_kind(Kind::Double);
        let labels = Tensor::arange(8, (Kind::Int64, Device::Cpu)).remainder(4);
        let loss = || {
            loss_of
                .loss(&net.try_forward_t(&xs, true).unwrap(), &labels)
                .unwrap()
        };
        let parameters = named_parameters(net);
        let gradients = Gradients::of(&loss(), &parameters).unwrap();
        for ((name, tensor), (_, gradient)) in parameters.iter().zip(gradients.iter()) {
            let (tensor, gradient) = (tensor.detach().view(-1), gradient.reshape(-1));
            for place in [0, tensor.numel() as i64 - 1] {
                let nudged = |by: f64| {
                    let _shift = tensor.narrow(0, place, 1).g_add_scalar_(by);
                    loss().double_value(&[])
                };
                let (up, down) = (nudged(1e-5), nudged(-2e-5));
                nudged(1e-5);
                let (found, slope) = (gradient.double_value(&[place]), (up - down) / 2e-5);
                assert!(
                    (found - slope).abs() < 1e-7,
                    "{name}[{place}]: {found}, slope {slope}"
                );
            }
        }
    }
}

#[test]
fn vanishing_gradients_show_and_looking_changes_nothing() {
    let deep = |activation| {
        tch::manual_seed(1);
        Mlp::builder(768, 4)
            .hidden(&[32; 8])
            .activation(activation)
            .build()
            .unwrap()
    };
    let (sigmoid, relu) = (
        deep(nets::Activation::Sigmoid),
        deep(nets::Activation::Relu),
    );
    let before = sigmoid.state_dict().snapshot().unwrap();
    let of = |net| layer_gradients(net, &batch()).unwrap().layers;
    let (sigmoid_flow, relu_flow) = (of(&sigmoid), of(&relu));
    assert_eq!(sigmoid_flow.len(), 9);
    let fall = |flow: &[train::LayerGradient]| flow[8].mean / flow[0].mean;
    assert!(fall(&sigmoid_flow) > 1000.0 * fall(&relu_flow));
    for ((_, a), (_, b)) in before.iter().zip(sigmoid.state_dict().iter()) {
        assert_eq!(a, b);
    }
}

#[test]
fn dead_units_are_found() {
    let net = network();
    {
        let _guard = tch::no_grad_guard();
        // Two of the four channels of the first convolution cannot but be negative.
        let bias = &named_parameters(&net)[1].1;
        let _same = bias.narrow(0, 0, 2).fill_(-1e3);
    }
    let found = activations(&net, &batch().images).unwrap();
    let (name, dead) = found.dead_relus()[0];
    assert_eq!((name, dead), ("features.1", 0.5));
    assert!(found.layers[1].zeros.unwrap().0 >= 0.5);
    assert_eq!(found.layers[0].kind, "Conv2d");
}

#[test]
fn filters_and_maps_are_pictures() {
    let text = |grid: &vision::Grid| rt::Show::show(grid).plain().to_owned();
    let net = network();
    assert!(text(&filters(&net).unwrap()).contains("4 images"));
    assert!(text(&feature_maps(&net, &image(), "features.3").unwrap()).contains("6 images"));
    let flat = feature_maps(&net, &image(), "classifier.1")
        .unwrap_err()
        .to_string();
    assert!(flat.contains("choose one of features.2"), "{flat}");
    let mlp = Mlp::builder(12, 4).build().unwrap();
    assert!(
        filters(&mlp)
            .unwrap_err()
            .to_string()
            .contains("no convolution")
    );
}
