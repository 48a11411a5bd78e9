//! What holds for every transform, any picture and any seed.

use proptest::prelude::*;

use super::kernels::buffer::Pixels;
use super::kernels::plain::without_vectors;
use super::seed::Rng;
use super::*;
use crate::{Image, compose};

/// Every transform, with its name; those that chance would skip are always done.
fn all() -> Vec<(&'static str, Compose)> {
    let bilinear = Interpolation::Bilinear;
    vec![
        ("flip", compose![RandomHorizontalFlip::new(1.0)]),
        ("upside down", compose![RandomVerticalFlip::new(1.0)]),
        (
            "crop",
            compose![RandomCrop::new((9, 7)).padding(2).pad_if_needed()],
        ),
        (
            "crop, mirrored",
            compose![
                RandomCrop::new(12)
                    .pad_if_needed()
                    .padding_mode(Padding::Reflect)
            ],
        ),
        ("center crop", compose![CenterCrop::new(11)]),
        ("pad", compose![Pad::new(3).mode(Padding::Symmetric)]),
        ("resize", compose![Resize::new(13)]),
        (
            "resize, lanczos",
            compose![Resize::new((8, 21)).interpolation(Interpolation::Lanczos)],
        ),
        ("resized crop", compose![RandomResizedCrop::new(16)]),
        ("rotation", compose![RandomRotation::new(180)]),
        (
            "rotation, expanded",
            compose![RandomRotation::new(180).expand().interpolation(bilinear)],
        ),
        (
            "affine",
            compose![
                RandomAffine::new(30)
                    .translate(0.2, 0.3)
                    .scale(0.5, 2.0)
                    .shear(20)
                    .shear_y(9)
                    .interpolation(bilinear)
            ],
        ),
        ("perspective", compose![RandomPerspective::new(0.6).p(1.0)]),
        ("elastic", compose![ElasticTransform::new(80.0, 3.0)]),
        ("jitter", compose![ColorJitter::new(0.8, 0.8, 0.8, 0.5)]),
        ("grey", compose![RandomGrayscale::new(1.0)]),
        ("posterize", compose![RandomPosterize::new(2).p(1.0)]),
        ("solarize", compose![RandomSolarize::new(99.5).p(1.0)]),
        ("invert", compose![RandomInvert::new(1.0)]),
        ("autocontrast", compose![RandomAutocontrast::new(1.0)]),
        ("equalize", compose![RandomEqualize::new(1.0)]),
        (
            "sharpness",
            compose![RandomAdjustSharpness::new(2.5).p(1.0)],
        ),
        ("blur", compose![GaussianBlur::new(7)]),
        ("noise", compose![GaussianNoise::default()]),
        ("jpeg", compose![Jpeg::between(5, 95)]),
        ("erasing", compose![RandomErasing::new(1.0).random()]),
        ("rand augment", compose![RandAugment::new(3, 20)]),
        ("trivial augment", compose![TrivialAugmentWide::default()]),
        ("auto augment", compose![AutoAugment::default()]),
        (
            "auto augment, cifar",
            compose![AutoAugment::new(AutoAugmentPolicy::Cifar10)],
        ),
        ("augmix", compose![AugMix::default()]),
        (
            "nested",
            compose![
                RandomApply::new(compose![RandomInvert::new(0.5)]).p(0.7),
                RandomChoice::new(compose![Grayscale, RandomRotation::new(9)])
                    .probabilities(&[1.0, 2.0]),
                RandomOrder::new(compose![
                    GaussianBlur::new(3),
                    RandomVerticalFlip::default()
                ]),
            ],
        ),
    ]
}

/// A picture without two equal neighbours.
fn picture(width: u32, height: u32, seed: u64) -> Image {
    let mut rng = Rng::new(seed);
    let bytes = (0..width * height * 3).map(|_| rng.bits() as u8).collect();
    Image::from_rgb8(width, height, bytes).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_picture_of_any_size_is_treated_and_the_seed_says_all(
        width in 1u32..48, height in 1u32..48, seed: u64,
    ) {
        let image = picture(width, height, seed);
        for (name, aug) in all() {
            let draw = aug.draw(width, height, seed).map_err(|e| TestCaseError::fail(format!("{name}: {e}")))?;
            let once = draw.apply(&image).unwrap();
            prop_assert_eq!((once.width(), once.height()), draw.size(), "{}", name);
            prop_assert_eq!(aug.apply(&image, seed).unwrap(), once, "{}", name);
        }
    }

    #[test]
    fn boxes_stay_inside(width in 1u32..60, height in 1u32..60, seed: u64, corners in prop::array::uniform4(0.0f64..1.0)) {
        let (w, h) = (f64::from(width), f64::from(height));
        let [a, b, c, d] = corners;
        let one = BoundingBox::new(a.min(b) * w, c.min(d) * h, a.max(b) * w, c.max(d) * h);
        for (name, aug) in all() {
            let draw = aug.draw(width, height, seed).unwrap();
            let moved = draw.boxes(&[one])[0];
            let (w, h) = (f64::from(draw.size().0), f64::from(draw.size().1));
            prop_assert!(
                0.0 <= moved.x_min && moved.x_min <= moved.x_max && moved.x_max <= w
                    && 0.0 <= moved.y_min && moved.y_min <= moved.y_max && moved.y_max <= h,
                "{}: {:?} of {}x{}", name, moved, w, h
            );
        }
    }

    #[test]
    fn masks_move_as_pictures_do(width in 1u32..40, height in 1u32..40, seed: u64) {
        // Moves that take whole pixels, so that labels and colours can be compared.
        let nearest = Interpolation::Nearest;
        let moves = [
            compose![RandomHorizontalFlip::default()],
            compose![RandomRotation::new(50)],
            compose![RandomCrop::new(20).pad_if_needed()],
            compose![RandomPerspective::new(0.4).p(1.0).interpolation(nearest)],
            compose![ElasticTransform::new(30.0, 2.0).interpolation(nearest)],
            compose![RandomAffine::new(20).translate(0.1, 0.1).shear(10)],
        ];
        let mut image = picture(width, height, seed);
        for aug in moves {
            let (width, height) = (image.width(), image.height());
            let reds = image.as_bytes().chunks(3).map(|pixel| pixel[0]).collect();
            let mask = Mask::new(width, height, reds).unwrap();
            let draw = aug.draw(width, height, seed).unwrap();
            image = draw.apply(&image).unwrap();
            let labels = draw.mask(&mask).unwrap();
            let pairs = image.as_bytes().chunks(3).zip(labels.labels()).enumerate();
            for (index, (pixel, label)) in pairs {
                let (x, y) = (index as u32 % image.width(), index as u32 / image.width());
                let source = draw.source([f64::from(x) + 0.5, f64::from(y) + 0.5]);
                // A place between two pixels may fall to either.
                let between = source.is_some_and(|at| at.iter().any(|v| (v - v.round()).abs() < 0.01));
                prop_assert!(pixel[0] == *label || between, "({x}, {y}) from {source:?} by {draw}");
            }
        }
    }

    #[test]
    fn points_go_where_their_pixels_go(seed: u64, x in 0.0f64..50.0, y in 0.0f64..40.0) {
        let aug = compose![
            RandomResizedCrop::new((30, 70)),
            RandomVerticalFlip::default(),
            RandomRotation::new(40).expand(),
            RandomPerspective::new(0.3).p(1.0),
            RandomAffine::new(20).translate(0.1, 0.1).scale(0.8, 1.3).shear(10),
            RandomCrop::new(25).pad_if_needed(),
        ];
        let draw = aug.draw(50, 40, seed).unwrap();
        let KeyPoint { x: moved_x, y: moved_y } = draw.key_points(&[KeyPoint { x, y }])[0];
        let [back_x, back_y] = draw.source([moved_x, moved_y]).unwrap_or([f64::NAN; 2]);
        let far = (moved_x - 12.5).abs() > 12.5 || (moved_y - 12.5).abs() > 12.5;
        // The crop's window is seen pixel by pixel; beyond it there is nothing to see.
        prop_assert!(far || ((back_x - x).abs() < 5.0 && (back_y - y).abs() < 5.0), "{x} {y} {back_x} {back_y}");
    }

    #[test]
    fn flipped_twice_is_as_before(width in 1u32..50, height in 1u32..50, seed: u64) {
        let image = picture(width, height, seed);
        for flip in [compose![RandomHorizontalFlip::new(1.0)], compose![RandomVerticalFlip::new(1.0)]] {
            let twice = flip.apply(&flip.apply(&image, 0).unwrap(), 0).unwrap();
            prop_assert_eq!(&twice, &image);
        }
    }

    #[test]
    fn floats_are_the_picture_normalised(width in 1u32..70, height in 1u32..40, seed: u64) {
        let image = picture(width, height, seed);
        let mut out = vec![0.0; (width * height * 3) as usize];
        compose![Normalize::new([0.1, 0.2, 0.3], [0.5, 0.25, 2.0])].write_chw(&image, 0, &mut out).unwrap();
        let plane = (width * height) as usize;
        for (index, pixel) in image.as_bytes().chunks(3).enumerate() {
            for (channel, (mean, std)) in [(0.1, 0.5), (0.2, 0.25), (0.3, 2.0)].into_iter().enumerate() {
                let expected = (f32::from(pixel[channel]) / 255.0 - mean) / std;
                prop_assert!((out[channel * plane + index] - expected).abs() < 1e-5);
            }
        }
    }
}

#[test]
fn threads_make_no_difference() {
    let aug = compose![
        RandomResizedCrop::new(24),
        RandomHorizontalFlip::default(),
        ColorJitter::new(0.4, 0.4, 0.4, 0.1),
        RandAugment::default(),
        GaussianNoise::default(),
    ];
    let image = picture(61, 45, 9);
    let seed = Seed::new(3);
    let alone: Vec<Image> = (0..24)
        .map(|i| aug.apply(&image, seed.at(i)).unwrap())
        .collect();
    let (aug, image) = (&aug, &image);
    let together: Vec<Image> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..24)
            .rev()
            .map(|i| scope.spawn(move || aug.apply(image, seed.at(i)).unwrap()))
            .collect();
        threads
            .into_iter()
            .rev()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(alone, together);
    assert!(alone.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn a_transform_at_the_end_changes_nothing_before_it() {
    let short = compose![
        RandomResizedCrop::new(24),
        ColorJitter::new(0.4, 0.4, 0.4, 0.1)
    ];
    let long = compose![
        RandomResizedCrop::new(24),
        ColorJitter::new(0.4, 0.4, 0.4, 0.1),
        RandomErasing::new(1.0)
    ];
    let said = |aug: &Compose| aug.draw(99, 70, 4).unwrap().to_string();
    assert!(said(&long).starts_with(&format!("{}, erased ", said(&short))));
}

#[test]
fn captions_say_what_was_drawn() {
    let said = |aug: &Compose, seed: i32| aug.draw(100, 80, seed).unwrap().to_string();
    assert_eq!(
        said(&compose![RandomHorizontalFlip::new(0.0)], 1),
        "unchanged"
    );
    let fixed = compose![
        RandomHorizontalFlip::new(1.0),
        RandomRotation::new((15, 15)),
        ColorJitter::new((1.25, 1.25), 0, 0, 0),
        GaussianBlur::new(3).sigma(0.5, 0.5),
        Resize::new(40),
        ToTensor,
    ];
    assert_eq!(
        said(&fixed, 1),
        "flipped, turned 15.0°, brightness 1.25, blurred 0.50, to 50x40"
    );
    let sheared = |x: f64, y: f64| RandomAffine::new(0).shear((x, x)).shear_y((y, y));
    for (affine, words) in [
        (sheared(-0.04, 0.0), "not moved"),
        (sheared(-0.06, -0.04), "sheared -0.1°"),
        (sheared(0.0, 2.0), "sheared 2.0° down"),
    ] {
        assert_eq!(said(&compose![affine], 1), words);
    }
}

#[test]
fn what_is_impossible_is_said() {
    let error = |aug: Compose| aug.draw(100, 80, 1).unwrap_err().to_string();
    for (aug, expected) in [
        (
            compose![RandomHorizontalFlip::new(1.5)],
            "a probability is a number from 0 to 1, got 1.5",
        ),
        (
            compose![RandomCrop::new(90)],
            "a crop of 90x90 pixels does not fit into a picture of 100x80",
        ),
        (
            compose![Resize::new((0, 5))],
            "both sides must be at least 1",
        ),
        (
            compose![ColorJitter::new(0.1, 0.1, 0.1, 0.7)],
            "the hue must be a number from -0.5 to 0.5",
        ),
        (
            compose![ColorJitter::new(-1.0, 0, 0, 0)],
            "the brightness must not be negative, got -1",
        ),
        (
            compose![GaussianBlur::new(4)],
            "an odd number of pixels from 1 to 1001, got 4",
        ),
        (compose![Jpeg::new(0)], "a number from 1 to 100"),
        (
            compose![ToTensor, RandomErasing::new(1.0)],
            "put them at the end",
        ),
        (
            compose![Normalize::new([0.0; 3], [1.0, 0.0, 1.0])],
            "must be above 0",
        ),
        (
            compose![RandomRotation::new(f64::NAN)],
            "the angle must be a number",
        ),
        (compose![RandAugment::new(2, 31)], "got 31 of 31"),
        (
            compose![RandomChoice::new(compose![])],
            "a probability for each of its 0 transforms",
        ),
    ] {
        let found = error(aug);
        assert!(found.contains(expected), "{found}");
    }
    let draw = compose![RandomInvert::new(1.0)].draw(10, 10, 1).unwrap();
    let other = picture(11, 10, 1);
    assert!(
        draw.apply(&other)
            .unwrap_err()
            .to_string()
            .contains("drawn for 10x10 pixels, but the picture has 11x10")
    );
    let error = draw
        .write_chw(&picture(10, 10, 1), &mut [0.0; 5])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("3 x 10 x 10 = 300 floats, but there is room for 5"),
        "{error}"
    );
}

/// Whatever is a mean of neighbours: with any weights, a mean of one colour is that colour.
#[test]
fn one_colour_stays_that_colour() {
    let bilinear = Interpolation::Bilinear;
    let resizes = |size: (u32, u32)| {
        [
            Interpolation::Nearest,
            Interpolation::Area,
            Interpolation::Bilinear,
            Interpolation::Bicubic,
            Interpolation::Lanczos,
        ]
        .map(|how| compose![Resize::new((size.1, size.0)).interpolation(how)])
    };
    let shrunk = [
        ((2, 3000), (2, 10)),
        ((2, 4000), (1, 1)),
        ((3000, 2), (10, 2)),
        ((4000, 3), (1, 1)),
        ((1, 60_000), (1, 1)),
        ((1, 60_000), (1, 7)),
        ((60_000, 1), (1, 1)),
        ((700, 500), (5, 3)),
        ((9, 7), (30, 40)),
    ];
    for (from, to) in shrunk {
        for (aug, level) in resizes(to)
            .iter()
            .flat_map(|aug| LEVELS.map(|level| (aug, level)))
        {
            stays(aug, from, level);
        }
    }
    for (kernel_size, sigma) in [
        (1, 1.0),
        (3, 0.1),
        (7, 0.3),
        (23, 2.0),
        (31, 10.0),
        (33, 10.0),
        (255, 1.0),
        (255, 60.0),
        (1001, 2.0),
        (1001, 30.0),
        (1001, 1000.0),
    ] {
        let aug = compose![GaussianBlur::new(kernel_size).sigma(sigma, sigma)];
        for level in LEVELS {
            stays(&aug, (13, 40), level);
        }
    }
    for level in 0..=255 {
        for aug in [
            compose![GaussianBlur::new(9)],
            compose![GaussianBlur::new(31).sigma(10.0, 10.0)],
            compose![RandomAdjustSharpness::new(2.5).p(1.0)],
            compose![
                RandomRotation::new(180)
                    .interpolation(bilinear)
                    .fill([level; 3])
            ],
            compose![ElasticTransform::new(80.0, 3.0).fill([level; 3])],
        ] {
            stays(&aug, (31, 22), level);
        }
        for size in [(7, 1), (7, 8), (80, 3)] {
            stays(&compose![Resize::new(size)], (80, 120), level);
        }
    }
}

const LEVELS: [u8; 9] = [0, 1, 2, 100, 127, 128, 200, 254, 255];

/// A picture of one grey keeps it.
#[track_caller]
fn stays(aug: &Compose, (width, height): (u32, u32), level: u8) {
    let before = Image::filled(width, height, [level; 3]).unwrap();
    let after = aug.apply(&before, 5).unwrap();
    let other = after.as_bytes().iter().find(|&&value| value != level);
    assert_eq!(other, None, "{width}x{height} of {level}: {aug:?}");
}

/// The same numbers on any machine: `sums.txt` holds those of the first one. A change there changes every
/// experiment that learners have written down.
#[test]
fn pictures_are_the_same_everywhere() {
    let image = picture(57, 43, 11);
    let sum = |(name, aug): (&str, Compose)| {
        let sum = checksum(&aug.apply(&image, 20).unwrap());
        format!("{name}: {sum:016x}\n")
    };
    let sums = || -> String { all().into_iter().map(sum).collect() };
    let found = sums();
    assert_eq!(without_vectors(sums), found, "on a processor without AVX2");
    let file = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/fixtures/transforms/sums.txt"
    );
    assert_eq!(
        found,
        std::fs::read_to_string(file).unwrap(),
        "found:\n{found}"
    );
}

/// FNV-1a of size and bytes.
fn checksum(image: &Image) -> u64 {
    let Pixels {
        width,
        height,
        bytes,
    } = Pixels::of(image);
    let size = [width as u8, height as u8];
    size.iter()
        .chain(bytes)
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        })
}
