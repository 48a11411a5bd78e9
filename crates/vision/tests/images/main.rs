//! Images against other libraries, against rules that hold for any image, and against broken files.

#![allow(
    clippy::unwrap_used,
    reason = "these are helpers of tests, which may fail"
)]

mod broken;
mod golden;
mod kinds;
mod properties;

use vision::Image;

/// A picture of `tests/fixtures`.
fn fixture(name: &str) -> Image {
    Image::open(path(name)).unwrap()
}

fn path(name: &str) -> std::path::PathBuf {
    std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name)
}
