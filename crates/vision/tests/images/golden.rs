//! Image work against Pillow, OpenCV and torchvision: `tests/fixtures/ops/make.py` made what is compared with.

use vision::ops::filter::Kernel;
use vision::{Array, Element, Image, Interpolation, Padding, Threshold};

/// The same numbers.
const EXACT: Bar = Bar { mean: 0.0, most: 0 };
/// Rounding of one level here and there.
const ROUNDING: Bar = Bar {
    mean: 0.25,
    most: 1,
};

/// Rounding between the pass across and the pass down, which Pillow does in the other order.
const BETWEEN_PASSES: Bar = Bar {
    mean: 0.25,
    most: 3,
};

/// How far an image may be from the other library's, in levels of 0-255.
struct Bar {
    mean: f64,
    most: u8,
}

fn photo() -> Image {
    super::fixture("ops/photo.png")
}

fn grey() -> Image {
    super::fixture("ops/grey.png")
}

#[track_caller]
fn check(name: &str, found: &Image, bar: Bar) {
    let expected = super::fixture(&format!("ops/{name}.png"));
    assert_eq!(
        (found.width(), found.height()),
        (expected.width(), expected.height()),
        "{name}"
    );
    let off = |(a, b): (&u8, &u8)| a.abs_diff(*b);
    let pairs = || found.as_bytes().iter().zip(expected.as_bytes());
    let most = pairs().map(off).max().unwrap();
    let mean = pairs().map(|pair| f64::from(off(pair))).sum::<f64>() / pairs().len() as f64;
    assert!(
        most <= bar.most && mean <= bar.mean,
        "{name}: mean {mean:.4} (bar {}), most {most} (bar {})",
        bar.mean,
        bar.most
    );
}

/// The numbers of an array as if they were colours.
fn as_image(array: &Array) -> Image {
    Image::from_array(array).unwrap()
}

#[test]
fn resizing_is_that_of_pillow_and_opencv() {
    for (name, interpolation, bar) in [
        ("nearest", Interpolation::Nearest, EXACT),
        ("bilinear", Interpolation::Bilinear, ROUNDING),
        ("bicubic", Interpolation::Bicubic, ROUNDING),
        ("lanczos", Interpolation::Lanczos, BETWEEN_PASSES),
    ] {
        let Bar { mean, most } = bar;
        for (width, height) in [(20, 31), (97, 60)] {
            let resized = photo().resize_with(width, height, interpolation).unwrap();
            check(
                &format!("resize_{name}_{width}"),
                &resized,
                Bar { mean, most },
            );
        }
    }
    let area = photo().resize_with(20, 15, Interpolation::Area).unwrap();
    check("resize_area_20", &area, ROUNDING);
    let aliased = photo()
        .resize_aliased(20, 15, Interpolation::Bilinear)
        .unwrap();
    check("resize_aliased_20", &aliased, ROUNDING);
}

#[test]
fn rotation_is_that_of_pillow() {
    check("rotate_30", &photo().rotate(30.0).unwrap(), ROUNDING_DOWN);
    let expanded = photo().rotate_expanded(30.0).unwrap();
    check("rotate_expanded_30", &expanded, ROUNDING_DOWN);
}

/// Pillow cuts fractions off where we round: half a level on average.
const ROUNDING_DOWN: Bar = Bar { mean: 0.5, most: 1 };

#[test]
fn margins_are_those_of_torchvision() {
    for (name, padding) in [
        ("constant", Padding::Constant([9, 8, 7])),
        ("edge", Padding::Edge),
        ("reflect", Padding::Reflect),
        ("symmetric", Padding::Symmetric),
    ] {
        let padded = photo().pad([7, 3, 11, 5], padding).unwrap();
        check(&format!("pad_{name}"), &padded, EXACT);
    }
}

#[test]
fn colour_spaces_are_those_of_opencv() {
    let photo = photo();
    check("to_hsv", &as_image(&photo.to_hsv()), EXACT);
    check("to_lab", &as_image(&photo.to_lab()), ROUNDING);
    check("to_ycrcb", &as_image(&photo.to_ycrcb()), EXACT);
    let stored = |name| super::fixture(name).to_array();
    let hsv = Image::from_hsv(&stored("ops/to_hsv.png")).unwrap();
    check("from_hsv", &hsv, ROUNDING);
    let lab = Image::from_lab(&stored("ops/to_lab.png")).unwrap();
    check("from_lab", &lab, ROUNDING);
    let ycrcb = Image::from_ycrcb(&stored("ops/to_ycrcb.png")).unwrap();
    check("from_ycrcb", &ycrcb, EXACT);
    check("grey", &photo.grayscale(), EXACT);
}

#[test]
fn filters_are_those_of_opencv_and_torchvision() {
    let photo = photo();
    let blurred = photo.gaussian_blur(5, 1.5).unwrap();
    check("gaussian_5", &blurred, ROUNDING);
    check("gaussian_5_torchvision", &blurred, ROUNDING);
    check("box_5", &photo.box_blur(5).unwrap(), ROUNDING);
    check("median_5", &photo.median_blur(5).unwrap(), EXACT);
    check("sharpen", &photo.sharpen(1.0, 0.7).unwrap(), ROUNDING);
    check("emboss", &photo.filter(&Kernel::emboss()), EXACT);
    let grey = grey();
    check("sobel", &grey.sobel(), ROUNDING);
    for (name, derivative) in [("sobel_x", grey.sobel_x()), ("sobel_y", grey.sobel_y())] {
        let shifted = derivative.to_vec().into_iter().map(|v| v / 8.0 + 128.0);
        let levels = shifted.map(|v| v.round_ties_even() as u8).collect();
        let levels = Array::from_u8(derivative.shape(), levels).unwrap();
        check(name, &as_image(&levels), EXACT);
    }
}

#[test]
fn edges_are_those_of_opencv() {
    check("canny_100_200", &grey().canny(100.0, 200.0), EXACT);
    check("canny_30_250", &grey().canny(30.0, 250.0), EXACT);
}

#[test]
fn thresholds_are_those_of_opencv() {
    let grey = grey();
    check(
        "threshold_100",
        &grey.threshold(100, Threshold::Binary),
        EXACT,
    );
    assert_eq!(grey.otsu(), 154); // printed by make.py
    let adaptive = grey.adaptive_threshold(11, 2.0).unwrap();
    check("adaptive_11", &adaptive, EXACT);
}

#[test]
fn morphology_is_that_of_opencv() {
    let photo = photo();
    for (name, element) in [
        ("square", Element::square(3)),
        ("cross", Element::cross(5)),
        ("disc", Element::disc(5)),
    ] {
        let element = element.unwrap();
        check(&format!("erode_{name}"), &photo.erode(&element), EXACT);
        check(&format!("dilate_{name}"), &photo.dilate(&element), EXACT);
    }
    let square = Element::square(3).unwrap();
    check("opening", &photo.opening(&square), EXACT);
    check("closing", &photo.closing(&square), EXACT);
    check("gradient", &photo.morphological_gradient(&square), EXACT);
}

#[test]
fn contrast_is_that_of_opencv() {
    let grey = grey();
    check("equalise", &grey.equalise(), EXACT);
    check("clahe_8", &grey.clahe(2.0, 8).unwrap(), ROUNDING);
    check("clahe_4", &grey.clahe(3.5, 4).unwrap(), ROUNDING);
    check("clahe_1", &grey.clahe(40.0, 1).unwrap(), ROUNDING);
}
