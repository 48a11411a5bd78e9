//! Pictures of a class side by side, to be looked at:
//! `cargo run -p data --example gallery -- mountain out.png 36`.

use image::{RgbImage, imageops};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let class = arguments.next().unwrap_or("mountain".into());
    let file = arguments.next().unwrap_or("gallery.png".into());
    let count: u32 = arguments.next().map_or(Ok(30), |count| count.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(0), |seed| seed.parse())?;
    let columns = 6;
    let side = 156;
    let mut sheet = RgbImage::from_pixel(
        columns * side,
        count.div_ceil(columns) * side,
        image::Rgb([255; 3]),
    );
    let start = std::time::Instant::now();
    for index in 0..count {
        let picture = data::preview(&class, seed, u64::from(index)).ok_or("no such class")?;
        let (x, y) = (index % columns * side, index / columns * side);
        imageops::replace(&mut sheet, &picture, i64::from(x), i64::from(y));
    }
    println!(
        "{:.1} ms a picture",
        start.elapsed().as_secs_f64() * 1000.0 / f64::from(count)
    );
    sheet.save(file)?;
    Ok(())
}
