//! How many pictures a second each transform treats on one core; `cargo xtask bench augment` runs it beside the
//! same transforms of others.
//!
//! Reads lines `NAME SECONDS` and answers each with pictures a second. The argument is a file of raw pictures: 224
//! x 224 RGB pixels each, one after the other.

use std::io::{self, BufRead as _, Write as _};
use std::time::{Duration, Instant};

use vision::transforms::*;
use vision::{Image, VisionError, compose};

const SIDE: u32 = 224;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args()
        .nth(1)
        .ok_or("the argument is a file of pictures")?;
    let bytes = std::fs::read(file)?;
    let images: Vec<Image> = bytes
        .chunks_exact((SIDE * SIDE * 3) as usize)
        .map(|bytes| Image::from_rgb8(SIDE, SIDE, bytes.to_vec()))
        .collect::<Result<_, _>>()?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (name, seconds) = line.split_once(' ').ok_or("a line is `NAME SECONDS`")?;
        let time = Duration::from_secs_f64(seconds.parse()?);
        println!("{}", measure(name, &images, time)?);
        io::stdout().flush()?;
    }
    Ok(())
}

/// Pictures a second.
fn measure(name: &str, images: &[Image], time: Duration) -> Result<f64, VisionError> {
    let (aug, side) = pipeline(name)?;
    let mut floats = vec![0.0; side * side * 3];
    let mut once = |index: usize| -> Result<(), VisionError> {
        let image = &images[index % images.len()];
        if side > 0 {
            aug.write_chw(image, index, &mut floats)
        } else {
            std::hint::black_box(aug.apply(image, index)?);
            Ok(())
        }
    };
    for index in 0..4 {
        once(index)?;
    }
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < time {
        for index in 0..images.len() {
            once(done + index)?;
        }
        done += images.len();
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// A pipeline, and the side of the square of floats that it ends in; 0 for one that ends in a picture.
fn pipeline(name: &str) -> Result<(Compose, usize), VisionError> {
    let bilinear = InterpolationMode::Bilinear;
    Ok(match name {
        "hflip" => (compose![RandomHorizontalFlip::new(1.0)], 0),
        "rotate" => (
            compose![RandomRotation::new((15, 15)).interpolation(bilinear)],
            0,
        ),
        "resize" => (compose![Resize::new((96, 96))], 0),
        "resized_crop" => (compose![RandomResizedCrop::new(128)], 0),
        "affine" => {
            let affine = RandomAffine::new(15)
                .translate(0.1, 0.1)
                .scale(0.9, 1.1)
                .shear(5);
            (compose![affine.interpolation(bilinear)], 0)
        }
        "perspective" => (compose![RandomPerspective::default().p(1.0)], 0),
        "color_jitter" => (compose![ColorJitter::new(0.4, 0.4, 0.4, 0.1)], 0),
        "blur" => (compose![GaussianBlur::new(5)], 0),
        "erasing" => (compose![RandomErasing::new(1.0)], 0),
        "elastic" => (compose![ElasticTransform::default()], 0),
        "normalize" => (compose![Normalize::imagenet()], SIDE as usize),
        "training" => (
            compose![
                RandomResizedCrop::new(128),
                RandomHorizontalFlip::default(),
                ColorJitter::new(0.2, 0.2, 0.2, 0.05),
                Normalize::imagenet(),
            ],
            128,
        ),
        other => return Err(VisionError::Transform(format!("no row is called {other}"))),
    })
}
