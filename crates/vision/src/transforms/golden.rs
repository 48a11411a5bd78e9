//! Each step beside torchvision and Pillow, on the pictures of `tests/fixtures/transforms/make.py`.

use super::colour::{Jitter, Sharpen};
use super::draw::{Draw, Filter, Move, Recolour};
use super::kernels::jitter::Adjust;
use super::kernels::tone::Tone;
use super::moves::{Bend, Flip, Scale, Window};
use super::warp::{Affine, projection, push_warp};
use super::*;
use crate::{Image, VisionError, compose};

const SIZE: (u32, u32) = (40, 32);

fn fixture(name: &str) -> Image {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/transforms");
    Image::open(format!("{folder}/{name}.png")).unwrap()
}

/// What a draw makes of the source.
fn made(add: impl FnOnce(&mut Draw) -> Result<(), VisionError>) -> Image {
    let mut draw = Draw::new(SIZE);
    add(&mut draw).unwrap();
    draw.apply(&fixture("source")).unwrap()
}

fn moved(step: impl Move + 'static) -> Image {
    made(|draw| draw.push_move(step))
}

fn recoloured(step: impl Recolour + 'static) -> Image {
    made(|draw| draw.push_recolour(step))
}

fn filtered(step: impl Filter + 'static) -> Image {
    made(|draw| draw.push_filter(step))
}

fn transformed(transform: impl Transform) -> Image {
    transform.apply(&fixture("source"), 1).unwrap()
}

/// Mean and largest difference of two pictures, of 255.
fn difference(found: &Image, expected: &Image) -> (f64, u8) {
    assert_eq!(
        (found.width(), found.height()),
        (expected.width(), expected.height())
    );
    let pairs = found.as_bytes().iter().zip(expected.as_bytes());
    let differences: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    let sum: f64 = differences.iter().copied().map(f64::from).sum();
    let most = differences.iter().max().copied().unwrap_or(0);
    (sum / differences.len() as f64, most)
}

/// The mean difference is at most `mean` and no value is off by more than `most`.
#[track_caller]
fn close(found: &Image, name: &str, mean: f64, most: u8) {
    let (found_mean, found_most) = difference(found, &fixture(name));
    assert!(
        found_mean <= mean && found_most <= most,
        "{name}: mean {found_mean:.4}, largest {found_most}; allowed {mean} and {most}"
    );
}

#[track_caller]
fn exact(found: &Image, name: &str) {
    close(found, name, 0.0, 0);
}

#[test]
fn flips_are_exact() {
    let source = fixture("source");
    assert_eq!(moved(Flip::Horizontal), source.flip_horizontal());
    assert_eq!(moved(Flip::Vertical), source.flip_vertical());
}

#[test]
fn crops_and_pads_are_exact() {
    let window = Window {
        left: 5,
        top: 3,
        size: (20, 16),
        beyond: Padding::Edge,
    };
    exact(&moved(window), "crop");
    exact(&transformed(CenterCrop::new((25, 19))), "center_crop_odd");
    exact(
        &transformed(CenterCrop::new((45, 30))),
        "center_crop_larger",
    );
    for (mode, name) in [
        (Padding::Constant([10, 20, 30]), "pad_constant"),
        (Padding::Edge, "pad_edge"),
        (Padding::Reflect, "pad_reflect"),
        (Padding::Symmetric, "pad_symmetric"),
    ] {
        exact(&transformed(Pad::sides([3, 5, 7, 2]).mode(mode)), name);
    }
}

#[test]
fn sizes_change_as_in_pillow_and_torchvision() {
    for (mode, name, mean, most) in [
        (Interpolation::Nearest, "resize_nearest", 0.0, 0),
        (Interpolation::Area, "resize_box", 0.2, 1),
        (Interpolation::Lanczos, "resize_lanczos", 0.2, 1),
        (Interpolation::Bilinear, "resize_bilinear", 0.2, 1),
        (Interpolation::Bicubic, "resize_bicubic", 0.2, 1),
    ] {
        let resize = Resize::new((23, 17)).interpolation(mode);
        close(&transformed(resize), name, mean, most);
    }
    let larger = transformed(Resize::new((50, 61)));
    close(&larger, "resize_bilinear_larger", 0.2, 1);
    let plain = transformed(Resize::new((23, 17)).antialias(false));
    close(&plain, "resize_bilinear_plain", 0.2, 1);
    let crop = Scale {
        left: 7,
        top: 4,
        part: (21, 25),
        size: (24, 18),
        interpolation: Interpolation::Bilinear,
        antialias: true,
        whole: false,
    };
    close(&moved(crop), "resized_crop", 0.2, 1);
}

#[test]
fn warps_are_those_of_torchvision() {
    let bilinear = Interpolation::Bilinear;
    let rotation = |degrees: i32| RandomRotation::new((degrees, degrees));
    close(&transformed(rotation(15)), "rotate_nearest", 0.05, 60);
    let turned = transformed(rotation(15).interpolation(bilinear));
    close(&turned, "rotate_bilinear", 0.2, 2);
    let around = rotation(-40).interpolation(bilinear).center(10.0, 6.0);
    close(&transformed(around), "rotate_center", 0.2, 2);
    let expanded = rotation(30).interpolation(bilinear).expand();
    close(&transformed(expanded), "rotate_expand", 0.2, 2);
    let quarter = rotation(90).interpolation(bilinear).expand();
    exact(&transformed(quarter), "rotate_quarter");

    let affine = Affine {
        angle: 10.0,
        translate: [3.0, -2.0],
        scale: 1.2,
        shear: [8.0, -4.0],
        centre: None,
    };
    for (mode, name, mean, most) in [
        (bilinear, "affine_bilinear", 0.2, 2),
        (Interpolation::Nearest, "affine_nearest", 0.05, 60),
    ] {
        let warp = |draw: &mut Draw| {
            push_warp(draw, affine.back(SIZE), SIZE, mode, [0; 3], affine.words())
        };
        close(&made(warp), name, mean, most);
    }

    let starts = [[0.0, 0.0], [39.0, 0.0], [39.0, 31.0], [0.0, 31.0]];
    let ends = [[4.0, 3.0], [35.0, 1.0], [38.0, 28.0], [2.0, 30.0]];
    let back = projection(ends, starts).unwrap();
    let warp = |draw: &mut Draw| push_warp(draw, back, SIZE, bilinear, [0; 3], String::new());
    close(&made(warp), "perspective", 0.2, 2);

    let places = (0..SIZE.1).flat_map(|y| (0..SIZE.0).map(move |x| (f64::from(x), f64::from(y))));
    let bend = Bend {
        dx: places
            .clone()
            .map(|(_, y)| (2.0 * (y / 4.0).sin()) as f32)
            .collect(),
        dy: places
            .map(|(x, _)| (1.5 * (x / 5.0).cos()) as f32)
            .collect(),
        width: SIZE.0 as usize,
        interpolation: bilinear,
        fill: [0; 3],
        words: String::new(),
    };
    close(&moved(bend), "elastic", 0.2, 2);
}

#[test]
fn colours_change_as_in_torchvision() {
    let jittered = |adjustments: &[Adjust]| recoloured(Jitter(adjustments.to_vec()));
    for (adjustment, name) in [
        (Adjust::Brightness(0.6), "brightness_0"),
        (Adjust::Brightness(1.5), "brightness_1"),
        (Adjust::Contrast(0.5), "contrast_0"),
        (Adjust::Contrast(1.6), "contrast_1"),
        (Adjust::Saturation(0.3), "saturation_0"),
        (Adjust::Saturation(1.8), "saturation_1"),
        (Adjust::Hue(0.2), "hue_0"),
        (Adjust::Hue(-0.35), "hue_1"),
        (Adjust::Saturation(0.0), "grayscale"),
    ] {
        // Floats that end near a whole number may fall to either side of it.
        close(&jittered(&[adjustment]), name, 0.1, 1);
    }
    let all = [
        Adjust::Brightness(1.3),
        Adjust::Contrast(0.7),
        Adjust::Saturation(1.4),
        Adjust::Hue(0.1),
    ];
    close(&jittered(&all), "jitter", 0.2, 2);
}

#[test]
fn tones_are_exact() {
    exact(&recoloured(Tone::Posterize(3)), "posterize");
    exact(&recoloured(Tone::Solarize(100.0)), "solarize");
    exact(&recoloured(Tone::Invert), "invert");
    exact(&recoloured(Tone::Equalize), "equalize");
    close(&recoloured(Tone::AutoContrast), "autocontrast", 0.02, 1);
}

#[test]
fn filters_are_those_of_torchvision() {
    close(&filtered(Sharpen(0.0)), "sharpness_0", 0.02, 1);
    close(&filtered(Sharpen(1.7)), "sharpness_1", 0.02, 1);
    close(
        &transformed(GaussianBlur::new(5).sigma(1.1, 1.1)),
        "blur_5",
        0.05,
        1,
    );
    close(
        &transformed(GaussianBlur::new(9).sigma(2.5, 2.5)),
        "blur_9",
        0.05,
        1,
    );
    // Decoders differ in how they widen colour that is stored at half the size: of this picture's colours,
    // which change from pixel to pixel, that is a lot.
    close(&transformed(Jpeg::new(60)), "jpeg", 6.5, 80);
}

#[test]
fn floats_are_those_of_torchvision() {
    let mut out = vec![0.0; 3 * 40 * 32];
    let source = fixture("source");
    compose![ToTensor, Normalize::imagenet()]
        .write_chw(&source, 0, &mut out)
        .unwrap();
    // Printed by make.py.
    let expected: [((usize, usize), [f32; 3]); 3] = [
        ((0, 0), [-1.432_913_9, -0.985_294_04, 1.681_394_7]),
        ((39, 31), [0.827_553_75, 0.520_308_2, -0.218_387_71]),
        ((24, 14), [-0.302_679_93, 1.255_602_2, -0.863_267_84]),
    ];
    for ((x, y), expected) in expected {
        for (channel, expected) in expected.into_iter().enumerate() {
            let found = out[(channel * 32 + y) * 40 + x];
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
