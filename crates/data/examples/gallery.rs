//! Pictures of a class side by side, to be looked at:
//! `cargo run -p data --example gallery -- scenes mountain out.png 36 SEED`.

use std::error::Error;

use data::Recipe;
use image::{Rgb, RgbImage, imageops};

const COLUMNS: u32 = 6;
const CELL: u32 = 156;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [set, class, file, rest @ ..] = &arguments[..] else {
        return Err("which set, which class, which file?".into());
    };
    let count: u32 = rest.first().map_or(Ok(30), |count| count.parse())?;
    let mut recipe = Recipe::named(set)?;
    recipe.seed = rest.get(1).map_or(Ok(0), |seed| seed.parse())?;
    let class = recipe
        .classes()
        .iter()
        .position(|name| name == class)
        .ok_or("the set has no such class")?;
    let mut sheet = RgbImage::from_pixel(
        COLUMNS * CELL,
        count.div_ceil(COLUMNS) * CELL,
        Rgb([255; 3]),
    );
    for index in 0..count {
        let picture = recipe.picture(class, index as usize);
        let (x, y) = (index % COLUMNS * CELL, index / COLUMNS * CELL);
        imageops::replace(&mut sheet, &picture, i64::from(x), i64::from(y));
    }
    sheet.save(file)?;
    Ok(())
}
