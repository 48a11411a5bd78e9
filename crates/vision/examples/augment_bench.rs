//! How many pictures a second each transform treats on one core; `cargo xtask bench augment` runs it beside the
//! same transforms of others.
//!
//! The argument is a file, into which raw pictures are written for the others: 224 x 224 RGB pixels each, one after
//! the other. Then it reads lines `NAME SECONDS` and answers each with pictures a second.

use std::io::{self, BufRead as _, Write as _};
use std::num::NonZero;
use std::thread;
use std::time::{Duration, Instant};

use vision::transforms::*;
use vision::{Image, Interpolation, VisionError, compose};

const SIDE: u32 = 224;
const PICTURES: u64 = 64;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(1).ok_or("the argument is a file")?;
    let images = (0..PICTURES).map(picture).collect::<Result<Vec<_>, _>>()?;
    let bytes: Vec<&[u8]> = images.iter().map(Image::as_bytes).collect();
    std::fs::write(file, bytes.concat())?;
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (name, seconds) = line.split_once(' ').ok_or("a line is `NAME SECONDS`")?;
        let time = Duration::from_secs_f64(seconds.parse()?);
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        let rate = match name {
            "training_all_cores" => on_threads(cores, &images, time)?,
            "training_each_core" => on_threads(1, &images, time)? * cores as f64,
            name => measure(name, &images, time)?,
        };
        println!("{rate}");
        io::stdout().flush()?;
    }
    Ok(())
}

/// Smooth noise: photographs have neighbours of similar colours too.
fn picture(index: u64) -> Result<Image, VisionError> {
    let mut rng = Rng::new(index);
    let bytes = (0..SIDE * SIDE * 3).map(|_| rng.bits() as u8).collect();
    let noise = Image::from_rgb8(SIDE, SIDE, bytes)?;
    GaussianBlur::new(7).sigma(3.0, 3.0).apply(&noise, 0)
}

/// Pictures a second of the training pipeline on this many threads together.
fn on_threads(threads: usize, images: &[Image], time: Duration) -> Result<f64, VisionError> {
    thread::scope(|scope| {
        let run = || measure("training", images, time);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        let rates = workers.into_iter().map(|worker| match worker.join() {
            Ok(rate) => rate,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        rates.sum()
    })
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
    once(0)?;
    once(1)?;
    let begin = Instant::now();
    let mut done = 0;
    while begin.elapsed() < time {
        for index in done..done + 8 {
            once(index)?;
        }
        done += 8;
    }
    Ok(done as f64 / begin.elapsed().as_secs_f64())
}

/// A pipeline, and the side of the square of floats that it ends in; 0 for one that ends in a picture.
fn pipeline(name: &str) -> Result<(Compose, usize), VisionError> {
    let bilinear = Interpolation::Bilinear;
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
        "perspective" => (compose![RandomPerspective::new(0.5).p(1.0)], 0),
        "color_jitter" => (compose![ColorJitter::new(0.4, 0.4, 0.4, 0.1)], 0),
        "blur" => (compose![GaussianBlur::new(5)], 0),
        "erasing" => (compose![RandomErasing::new(1.0)], 0),
        "elastic" => (compose![ElasticTransform::new(50.0, 5.0)], 0),
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
        other => return Err(VisionError::Argument(format!("no row is called {other}"))),
    })
}
