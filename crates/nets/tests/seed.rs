//! The same seed gives PyTorch's numbers. Random numbers come from one generator for the whole process, so this test has
//! one to itself.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use nets::{Activation, Mlp, Model};
use tch::nn::ModuleT;
use tch::{Kind, Tensor};

#[test]
fn the_same_seed_gives_the_outputs_of_pytorch() {
    // torch.manual_seed(0)
    // net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))    # nn.Sigmoid(), nn.Tanh(), nn.GELU()
    // net(torch.tensor([[1.0, 2.0, 3.0], [-1.0, 0.5, 0.0]]))
    let xs = Tensor::from_slice(&[1.0f32, 2.0, 3.0, -1.0, 0.5, 0.0]).view([2, 3]);
    let pytorch = [
        (
            Activation::Relu,
            [-0.25428167, 0.00018059462, -0.08138131, 0.052667346],
        ),
        (
            Activation::Sigmoid,
            [-0.23987684, 0.29533803, -0.12274043, 0.44179296],
        ),
        (
            Activation::Tanh,
            [-0.50774884, -0.6050399, -0.12890215, -0.12413292],
        ),
        (
            Activation::Gelu,
            [-0.2416603, -0.13411048, -0.097984716, -0.01926358],
        ),
    ];
    for (activation, expected) in pytorch {
        tch::manual_seed(0);
        let net = Mlp::builder(3, 2)
            .hidden(&[4])
            .activation(activation)
            .build()
            .unwrap();
        assert_close(&net.forward_t(&xs, true), &expected);
        if activation == Activation::Relu {
            // net(xs).pow(2).mean().backward(); net[0].weight.grad
            net.forward_t(&xs, true)
                .square()
                .mean(Kind::Float)
                .backward();
            let gradient = net.var_store().variables()["layers.0.weight"].grad();
            assert_close(&gradient.get(2), &[0.03200451, 0.091717012, 0.12926312]);
        }
    }
}

fn assert_close(found: &Tensor, expected: &[f64]) {
    let found: Vec<f64> = Vec::try_from(found.flatten(0, -1)).unwrap();
    assert_eq!(found.len(), expected.len());
    assert!(
        found
            .iter()
            .zip(expected)
            .all(|(f, e)| (f - e).abs() < 1e-6),
        "{found:?} {expected:?}"
    );
}
