//! How much memory a large set takes: `million COUNT` plants so many pictures, lists them, iterates over them in
//! batches once, and prints the most memory that the process has held, in MB. `cargo xtask bench data` holds it
//! against its bar.

use std::error::Error;
use std::fs;

use data::{Batches, Loader, Samples};
use vision::Image;

/// Pictures in a folder; a file system allows some 65,000 names for one file.
const PER_FOLDER: usize = 25_000;

fn main() -> Result<(), Box<dyn Error>> {
    let count: usize = std::env::args().nth(1).ok_or("how many?")?.parse()?;
    let folder = tempfile::tempdir()?;
    for start in (0..count).step_by(PER_FOLDER) {
        let class = folder
            .path()
            .join(format!("class {:03}", start / PER_FOLDER));
        fs::create_dir(&class)?;
        let first = class.join(format!("{start:07}.png"));
        Image::filled(2, 2, [start as u8, 0, 0])?.save(&first)?;
        // One file by many names: names are what takes memory.
        for index in start + 1..count.min(start + PER_FOLDER) {
            fs::hard_link(&first, class.join(format!("{index:07}.png")))?;
        }
    }
    let samples = Samples::image_folder(folder.path())?;
    let loader = Loader::new(samples, 2).batch_size(256).shuffle(1);
    let mut seen = 0;
    for batch in loader.epoch(0) {
        seen += batch?.indices.len();
    }
    if seen != count {
        return Err(format!("{seen} of {count} pictures were seen").into());
    }
    println!("{:.1}", peak()?);
    Ok(())
}

/// The most memory that this process has held so far, in MB.
fn peak() -> Result<f64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: f64 = line
        .and_then(|line| line.split_whitespace().next())
        .ok_or("the system does not tell")?
        .parse()?;
    Ok(kilobytes / 1e3)
}
