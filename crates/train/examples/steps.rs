//! How long a step takes: `steps MODEL SIDE BATCH COUNT` prints the milliseconds of each of COUNT training steps,
//! after two to warm up. `cargo xtask bench train` holds them against PyTorch's.

use std::time::Instant;

use nets::{Model, resnet18, resnet50, vgg11_bn};
use tch::{Device, Kind, Tensor};
use train::{CrossEntropy, Optimizer, Sgd};

const CLASSES: i64 = 6;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [model, side, batch, count] = arguments.as_slice() else {
        return Err("steps MODEL SIDE BATCH COUNT".into());
    };
    let net: Box<dyn Model> = match model.as_str() {
        "resnet18" => Box::new(resnet18(CLASSES)?),
        "resnet50" => Box::new(resnet50(CLASSES)?),
        "vgg11_bn" => Box::new(vgg11_bn(CLASSES)?),
        other => return Err(format!("no model {other}").into()),
    };
    let (side, batch): (i64, i64) = (side.parse()?, batch.parse()?);
    let images = Tensor::randn([batch, 3, side, side], (Kind::Float, Device::Cpu));
    let labels = Tensor::randint(CLASSES, [batch], (Kind::Int64, Device::Cpu));
    let loss_of = CrossEntropy::new();
    let mut optimizer = Optimizer::over(net.as_ref(), Sgd::new(0.01).momentum(0.9))?;
    for step in 0..count.parse::<usize>()? + 2 {
        let began = Instant::now();
        let loss = loss_of.loss(&net.try_forward_t(&images, true)?, &labels)?;
        let gradients = optimizer.gradients(&loss)?;
        optimizer.step(&gradients)?;
        if step >= 2 {
            println!("{:.3}", began.elapsed().as_secs_f64() * 1e3);
        }
    }
    Ok(())
}
