//! How many pictures a second are read and resized on one core: `decode_bench FOLDER SIDE COUNT` reads every file of
//! FOLDER, resizes it to SIDE x SIDE pixels and prints the pictures a second, COUNT times after once to warm up.
//! `cargo xtask bench data` holds them against Pillow's and torchvision's.

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use vision::Image;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, side, count] = arguments.as_slice() else {
        return Err("decode_bench FOLDER SIDE COUNT".into());
    };
    let side = side.parse()?;
    let files = fs::read_dir(folder)?.map(|entry| Ok(entry?.path()));
    let files: Vec<PathBuf> = files.collect::<Result<_, std::io::Error>>()?;
    for turn in 0..=count.parse::<usize>()? {
        let began = Instant::now();
        for file in &files {
            std::hint::black_box(Image::open(file)?.resize(side, side)?);
        }
        if turn > 0 {
            println!("{:.1}", files.len() as f64 / began.elapsed().as_secs_f64());
        }
    }
    Ok(())
}
