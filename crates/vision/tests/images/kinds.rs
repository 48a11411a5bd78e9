//! Every kind of file beside Pillow: `tests/fixtures/kinds/make.py` made the files and what Pillow makes of each.

use vision::{Dtype, ImreadFlag, cv_imread_as, pil_open};

/// Pillow's mode, and how far colours may be from Pillow's, of 255: on average and at most.
const KINDS: [(&str, &str, f64, u8); 15] = [
    ("rgba.png", "RGBA", 0.0, 0),
    ("la.png", "LA", 0.0, 0),
    ("bit.png", "1", 0.0, 0),
    // Pillow cuts 16 bits to 8, where we round.
    ("rgb16.png", "RGB", 0.5, 1),
    ("rgba16.png", "RGBA", 0.5, 1),
    ("interlaced.png", "RGB", 0.0, 0),
    ("lossy.webp", "RGB", 0.5, 2),
    ("alpha.webp", "RGBA", 0.0, 0),
    ("lzw.tiff", "RGB", 0.0, 0),
    ("cmyk.tiff", "CMYK", 0.5, 1),
    ("grey.bmp", "L", 0.0, 0),
    ("bit.bmp", "1", 0.0, 0),
    ("four_bits.bmp", "P", 0.0, 0),
    ("half_colour.jpg", "RGB", 0.6, 3),
    ("ycck.jpg", "CMYK", 0.6, 3),
];

fn kind(name: &str) -> std::path::PathBuf {
    super::path("kinds").join(name)
}

#[track_caller]
fn assert_close(name: &str, found: &vision::Image, mean: f64, most: u8) {
    let expected = super::fixture(&format!("kinds/{name}.rgb.png"));
    assert_eq!(
        (found.width(), found.height()),
        (expected.width(), expected.height()),
        "{name}"
    );
    let pairs = found.as_bytes().iter().zip(expected.as_bytes());
    let off: Vec<u8> = pairs.map(|(a, b)| a.abs_diff(*b)).collect();
    let found_mean = off.iter().copied().map(f64::from).sum::<f64>() / off.len() as f64;
    let found_most = off.into_iter().max().unwrap();
    assert!(
        found_mean <= mean && found_most <= most,
        "{name}: mean {found_mean:.3} (bar {mean}), most {found_most} (bar {most})"
    );
}

#[test]
fn every_kind_is_read_as_pillow_reads_it() {
    for (name, mode, mean, most) in KINDS {
        assert_close(name, &super::fixture(&format!("kinds/{name}")), mean, most);
        let lazy = pil_open(kind(name)).unwrap();
        assert_eq!(lazy.mode(), mode, "{name}");
        assert_close(name, &lazy.to_image().unwrap(), mean, most);
    }
}

#[test]
fn every_note_of_a_camera_is_followed() {
    for note in 1..=8 {
        let name = format!("turned_{note}.jpg");
        let lazy = pil_open(kind(&name)).unwrap();
        assert_eq!(lazy.size(), (26, 17), "{name}");
        for upright in [
            super::fixture(&format!("kinds/{name}")),
            lazy.exif_transpose().unwrap().to_image().unwrap(),
        ] {
            assert_close(&name, &upright, 0.5, 2);
        }
    }
}

#[test]
fn unchanged_is_what_opencv_leaves_unchanged() {
    // cv2.imread(name, cv2.IMREAD_UNCHANGED): its shape and dtype
    for (name, shape, dtype) in [
        ("rgba.png", &[17, 26, 4][..], Dtype::Uint8),
        ("la.png", &[17, 26, 4], Dtype::Uint8),
        ("bit.png", &[17, 26], Dtype::Uint8),
        ("rgb16.png", &[17, 26, 3], Dtype::Uint16),
        ("rgba16.png", &[17, 26, 4], Dtype::Uint16),
        ("alpha.webp", &[17, 26, 4], Dtype::Uint8),
        ("lossy.webp", &[17, 26, 3], Dtype::Uint8),
        ("lzw.tiff", &[17, 26, 3], Dtype::Uint8),
        ("grey.bmp", &[17, 26], Dtype::Uint8),
        ("half_colour.jpg", &[17, 26, 3], Dtype::Uint8),
        ("turned_6.jpg", &[17, 26, 3], Dtype::Uint8),
    ] {
        let array = cv_imread_as(kind(name), ImreadFlag::Unchanged).unwrap();
        assert_eq!((array.shape(), array.dtype()), (shape, dtype), "{name}");
    }
    // cv2.imread("rgba16.png", cv2.IMREAD_UNCHANGED)[3, 5]
    let deep = cv_imread_as(kind("rgba16.png"), ImreadFlag::Unchanged).unwrap();
    let pixel = [0, 1, 2, 3].map(|channel| deep.at(&[3, 5, channel]));
    assert_eq!(pixel, [54_326.0, 11_664.0, 12_949.0, 12_336.0]);
    // cv2.imread("la.png", cv2.IMREAD_UNCHANGED)[3, 5]: three greys and alpha
    let grey = cv_imread_as(kind("la.png"), ImreadFlag::Unchanged).unwrap();
    assert_eq!(grey.at(&[3, 5, 0]), grey.at(&[3, 5, 2]));
    assert_eq!(grey.at(&[3, 5, 3]), 48.0);
}
