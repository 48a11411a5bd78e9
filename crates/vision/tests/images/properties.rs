//! Rules that hold for images of any size and content, from 1x1.

use proptest::prelude::*;
use vision::ops::filter::Kernel;
use vision::{
    Array, Cmap, Element, Grid, Image, Interpolation, Overlay, Padding, Threshold, animate,
    channel_histogram, channels, compare, convolve, difference, plt_imshow, zoom,
};

/// An image of up to 12x12 pixels, of any colours.
fn any_image() -> impl Strategy<Value = Image> {
    (1..12u32, 1..12u32).prop_flat_map(|(width, height)| {
        let bytes = prop::collection::vec(any::<u8>(), (width * height * 3) as usize);
        bytes.prop_map(move |bytes| Image::from_rgb8(width, height, bytes).unwrap())
    })
}

fn any_interpolation() -> impl Strategy<Value = Interpolation> {
    prop::sample::select(vec![
        Interpolation::Nearest,
        Interpolation::Bilinear,
        Interpolation::Bicubic,
        Interpolation::Area,
        Interpolation::Lanczos,
    ])
}

fn size(image: &Image) -> (u32, u32) {
    (image.width(), image.height())
}

fn shows_more_than_text(value: &impl rt::Show) -> bool {
    value.show().data.len() > 1
}

/// The least and the greatest number of each image's bytes.
fn range(image: &Image) -> (u8, u8) {
    let bytes = image.as_bytes();
    (*bytes.iter().min().unwrap(), *bytes.iter().max().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn turning_there_and_back_changes_nothing(image in any_image()) {
        prop_assert_eq!(&image.flip_horizontal().flip_horizontal(), &image);
        prop_assert_eq!(&image.flip_vertical().flip_vertical(), &image);
        prop_assert_eq!(&image.rotate90().rotate270(), &image);
        prop_assert_eq!(&image.rotate180().rotate180(), &image);
        prop_assert_eq!(&image.rotate90().flip_horizontal(), &image.flip_vertical().rotate90());
    }

    #[test]
    fn every_layout_leads_back(image in any_image()) {
        let array = image.to_array();
        prop_assert_eq!(&array.to_chw().unwrap().to_hwc().unwrap(), &array);
        prop_assert_eq!(&array.reversed(2).unwrap().reversed(2).unwrap(), &array);
        prop_assert_eq!(&Array::from_tensor(&array.to_tensor()).unwrap(), &array);
        prop_assert_eq!(&Image::from_array(&array.to_float()).unwrap(), &image);
        for tensor in [image.to_tensor(), image.to_tensor_u8()] {
            // An error where the shape can be read in two ways, and never another picture.
            if let Ok(found) = Image::from_tensor(&tensor) {
                prop_assert_eq!(&found, &image);
            }
        }
        prop_assert_eq!(&Image::from_chw(&image.to_tensor()).unwrap(), &image);
        prop_assert_eq!(&Image::from_hwc(&image.to_tensor_u8()).unwrap(), &image);
        prop_assert_eq!(&Image::from_array(&array).unwrap(), &image);
    }

    #[test]
    fn any_size_can_be_made_of_any(
        image in any_image(), width in 1..40u32, height in 1..40u32, how in any_interpolation()
    ) {
        let resized = image.resize_with(width, height, how).unwrap();
        prop_assert_eq!(size(&resized), (width, height));
        // Means stay between what they are means of; cubic and Lanczos may swing beyond.
        if !matches!(how, Interpolation::Bicubic | Interpolation::Lanczos) {
            let ((least, most), (new_least, new_most)) = (range(&image), range(&resized));
            prop_assert!(least <= new_least && new_most <= most);
        }
        prop_assert_eq!(size(&image.resize_aliased(width, height, how).unwrap()), (width, height));
        prop_assert_eq!(image.resize_with(image.width(), image.height(), how).unwrap(), image);
    }

    #[test]
    fn a_margin_can_be_cut_off_again(
        image in any_image(), margin in prop::array::uniform4(0..30u32), fill in any::<[u8; 3]>()
    ) {
        let [left, top, ..] = margin;
        let (width, height) = size(&image);
        for padding in [Padding::Constant(fill), Padding::Edge, Padding::Reflect, Padding::Symmetric] {
            let padded = image.pad(margin, padding).unwrap();
            prop_assert_eq!(&padded.crop(left, top, width, height).unwrap(), &image);
        }
    }

    #[test]
    fn means_medians_and_extremes_stay_in_range(image in any_image(), half in 0..5u32) {
        let kernel_size = 2 * half + 1;
        let element = Element::square(kernel_size).unwrap();
        let disc = Element::disc(kernel_size).unwrap();
        let (least, most) = range(&image);
        for result in [
            image.box_blur(kernel_size).unwrap(),
            image.gaussian_blur(kernel_size, 1.3).unwrap(),
            image.median_blur(kernel_size).unwrap(),
            image.erode(&element),
            image.dilate(&disc),
            image.opening(&disc),
            image.closing(&element),
        ] {
            prop_assert_eq!(size(&result), size(&image));
            let (new_least, new_most) = range(&result);
            prop_assert!(least <= new_least && new_most <= most);
        }
        // Opening twice is opening once.
        let opened = image.opening(&disc);
        prop_assert_eq!(opened.opening(&disc), opened);
    }

    #[test]
    fn one_colour_stays_that_colour(
        colour in any::<[u8; 3]>(), (width, height) in (1..30u32, 1..30u32), half in 0..127u32, sigma in 0.1..42.0f32,
        (new_width, new_height) in (1..90u32, 1..90u32), how in any_interpolation()
    ) {
        let image = Image::filled(width, height, colour).unwrap();
        let kernel_size = 2 * half + 1;
        let small = Element::square(kernel_size.min(9)).unwrap();
        for result in [
            image.box_blur(kernel_size).unwrap(),
            image.gaussian_blur(kernel_size, sigma).unwrap(),
            image.median_blur(kernel_size.min(9)).unwrap(),
            image.sharpen(sigma, 2.0).unwrap(),
            image.erode(&small),
            image.dilate(&small),
        ] {
            prop_assert_eq!(result, image.clone());
        }
        let expected = Image::filled(new_width, new_height, colour).unwrap();
        prop_assert_eq!(&image.resize_with(new_width, new_height, how).unwrap(), &expected);
        prop_assert_eq!(&image.resize_aliased(new_width, new_height, how).unwrap(), &expected);
    }

    #[test]
    fn all_else_works_on_any_image(image in any_image(), level in any::<u8>(), degrees in -720.0..720.0f32) {
        for result in [
            image.rotate(degrees).unwrap(),
            image.sharpen(1.0, 2.0).unwrap(),
            image.filter(&Kernel::emboss()),
            image.sobel(),
            image.canny(f32::from(level), 300.0),
            image.threshold(level, Threshold::Binary),
            image.adaptive_threshold(5, 2.0).unwrap(),
            image.equalise(),
            image.clahe(2.0, 8).unwrap(),
        ] {
            prop_assert_eq!(size(&result), size(&image));
        }
        let expanded = image.rotate_expanded(degrees).unwrap();
        let (width, height) = size(&image);
        prop_assert!(expanded.width() * expanded.height() >= width.max(height));
        prop_assert!(expanded.width().max(expanded.height()) <= width + height + 1);
        let sums = convolve(&image, &Kernel::laplacian()).unwrap();
        prop_assert_eq!(sums.shape(), &[height as usize, width as usize, 3]);
    }

    #[test]
    fn everything_can_be_shown(image in any_image()) {
        let mask = Array::from_u8(
            &[image.height() as usize, image.width() as usize],
            image.threshold(100, Threshold::Binary).luma(),
        ).unwrap();
        prop_assert!(shows_more_than_text(&image));
        prop_assert!(shows_more_than_text(&Grid::new([&image, &image])));
        prop_assert!(shows_more_than_text(&compare(&image, &image.rotate90())));
        prop_assert!(shows_more_than_text(&difference(&image, &image.equalise()).unwrap()));
        prop_assert!(shows_more_than_text(&channels(&image)));
        prop_assert!(shows_more_than_text(&channel_histogram(&image)));
        prop_assert!(shows_more_than_text(&zoom(&image, 0, 0, image.width(), image.height()).unwrap()));
        prop_assert!(shows_more_than_text(&plt_imshow(&mask).unwrap().colorbar()));
        prop_assert!(shows_more_than_text(&animate([&image, &image], 10.0).unwrap()));
        let overlay = Overlay::new(&image)
            .mask(&mask, "bright").unwrap()
            .heatmap(&image.sobel_x(), Cmap::Jet).unwrap()
            .boxes(&[[0.0, 0.0, 3.0, 3.0]])
            .keypoints(&[[1.0, 1.0]]);
        prop_assert!(shows_more_than_text(&overlay));
    }
}
