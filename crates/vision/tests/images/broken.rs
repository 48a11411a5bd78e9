//! Broken files: whatever is in them, reading ends with an image or an error that names the file.

use std::fs;
use std::process::{Command, Output};

use proptest::prelude::*;
use vision::{Image, ImreadFlag, VisionError, cv_imread, cv_imread_as, pil_open, read_frames};

/// A sound file of each format and kind of pixels, to be damaged.
const SOUND: [&str; 27] = [
    "gradient.png",
    "gradient.jpg",
    "gradient.bmp",
    "gradient.gif",
    "gradient.webp",
    "gradient.tiff",
    "grey16.png",
    "palette.png",
    "cmyk.jpg",
    "turned.jpg",
    "moving.gif",
    "moving.webp",
    "palette.bmp",
    "progressive.jpg",
    "deflate.tiff",
    "kinds/la.png",
    "kinds/bit.png",
    "kinds/rgba16.png",
    "kinds/interlaced.png",
    "kinds/lossy.webp",
    "kinds/alpha.webp",
    "kinds/lzw.tiff",
    "kinds/cmyk.tiff",
    "kinds/bit.bmp",
    "kinds/four_bits.bmp",
    "kinds/ycck.jpg",
    "kinds/turned_7.jpg",
];

/// The files that are broken already, to be damaged further.
fn broken() -> Vec<String> {
    let entries = fs::read_dir(super::path("broken")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name != "make.py")
        .map(|name| format!("broken/{name}"))
        .collect();
    // The order of a folder is any; a case is found again by its place.
    names.sort();
    names
}

/// A file to damage: half of the cases begin with one that is sound.
fn any_file() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(SOUND.to_vec()).prop_map(str::to_owned),
        prop::sample::select(broken()),
    ]
}

/// What can happen to a file on its way.
#[derive(Clone, Debug)]
enum Damage {
    /// A byte becomes another one.
    Set(prop::sample::Index, u8),
    /// The rest is missing.
    Cut(prop::sample::Index),
    /// A piece is missing.
    Remove(prop::sample::Index, usize),
    /// A piece is there twice.
    Repeat(prop::sample::Index, usize),
    /// Four bytes become a large number: of pixels, of bytes, of entries.
    Huge(prop::sample::Index, bool),
}

fn any_damage() -> impl Strategy<Value = Damage> {
    let place = any::<prop::sample::Index>;
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => place().prop_map(Damage::Cut),
        1 => (place(), 1..20usize).prop_map(|(at, length)| Damage::Remove(at, length)),
        1 => (place(), 1..20usize).prop_map(|(at, length)| Damage::Repeat(at, length)),
        2 => (place(), any::<bool>()).prop_map(|(at, big_endian)| Damage::Huge(at, big_endian)),
    ]
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let length = bytes.len();
        match self {
            Self::Set(at, byte) => bytes[at.index(length)] = *byte,
            Self::Cut(at) => bytes.truncate(at.index(length)),
            Self::Remove(at, count) => {
                let at = at.index(length);
                bytes.drain(at..(at + count).min(length));
            }
            Self::Repeat(at, count) => {
                let at = at.index(length);
                let piece = bytes[at..(at + count).min(length)].to_vec();
                bytes.splice(at..at, piece);
            }
            Self::Huge(at, big_endian) => {
                let at = at.index(length);
                let number: [u8; 4] = if *big_endian {
                    [0, 1, 0x86, 0xA0]
                } else {
                    [0xA0, 0x86, 1, 0]
                };
                let end = (at + 4).min(length);
                bytes[at..end].copy_from_slice(&number[..end - at]);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn no_damage_is_too_much(
        name in any_file(),
        damages in prop::collection::vec(any_damage(), 1..5)
    ) {
        let mut bytes = fs::read(super::path(&name)).unwrap();
        for damage in &damages {
            damage.apply(&mut bytes);
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("damaged");
        fs::write(&path, &bytes).unwrap();
        let by_bytes = Image::from_bytes(&bytes).map_err(|error| error.to_string());
        if let Err(message) = &by_bytes {
            prop_assert!(message.starts_with("the image data: "), "{}", message);
            prop_assert!(message.len() < 500, "{}", message);
        }
        prop_assert_eq!(cv_imread(&path).is_ok(), by_bytes.is_ok());
        let _ = cv_imread_as(&path, ImreadFlag::Unchanged);
        // May succeed where one picture does not, and the other way round; but may not panic.
        let _ = read_frames(&path);
        if let Ok(image) = pil_open(&path) {
            prop_assert!(image.width() > 0 && image.height() > 0);
            let _ = image.load();
            let _ = image.to_image();
            let _ = image.convert("RGBA");
            let _ = image.exif_transpose();
        }
    }

    #[test]
    fn random_bytes_are_no_image(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Image::from_bytes(&bytes).is_err());
    }
}

/// Files of a few bytes that promise up to 100,000 x 100,000 pixels: `fixtures/broken/make.py` made them.
#[test]
fn bombs_are_refused_in_every_format() {
    let mut count = 0;
    for entry in fs::read_dir(super::path("broken")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if !name.starts_with("bomb") {
            continue;
        }
        count += 1;
        for error in [
            Image::open(&path).unwrap_err(),
            cv_imread(&path).unwrap_err(),
            read_frames(&path).unwrap_err(),
        ] {
            let message = error.to_string();
            assert!(message.contains(&name), "{message}");
            assert!(
                matches!(
                    error,
                    VisionError::TooLarge { .. } | VisionError::Damaged { .. }
                ),
                "{message}"
            );
        }
        let late = pil_open(&path).and_then(|image| image.load());
        assert!(late.is_err(), "{name}");
    }
    assert_eq!(count, 6);
}

/// What reading a bomb may take, in KiB of address space: a thousandth and less of what it promises.
const ROOM: u64 = 64 << 10;

/// Each bomb is read by a process of its own that may take little memory, so that "refused" means before it is taken.
#[test]
fn bombs_take_no_memory() {
    // What such a process takes before it reads.
    let output = alone("", None);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let taken = text.lines().find_map(|line| line.strip_prefix("VmSize:"));
    let taken: u64 = taken
        .and_then(|line| line.split_whitespace().next()?.parse().ok())
        .unwrap_or_else(|| panic!("{text}"));
    for name in broken() {
        let output = alone(&name, Some(taken + ROOM));
        assert!(
            output.status.success(),
            "{name}: {}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    // The room is not so large that anything fits.
    assert!(!alone("half a GiB", Some(taken + ROOM)).status.success());
}

/// The file that the process started by [`alone`] reads.
const FILE: &str = "CVSTUDY_TEST_FILE";

/// This test program with [`reads_one_file`] alone, in so many KiB of address space.
fn alone(name: &str, room: Option<u64>) -> Output {
    let room = room.map_or_else(|| "unlimited".into(), |kib| kib.to_string());
    Command::new("sh")
        .args(["-c", "ulimit -v $0 && exec \"$@\"", &room])
        .arg(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "broken::reads_one_file",
            "--ignored",
            "--nocapture",
        ])
        .env(FILE, name)
        .output()
        .unwrap()
}

/// What [`alone`] has done.
#[test]
#[ignore = "a part of bombs_take_no_memory, in a process of its own"]
fn reads_one_file() {
    let Ok(name) = std::env::var(FILE) else {
        return;
    };
    match name.as_str() {
        "" => println!("\n{}", fs::read_to_string("/proc/self/status").unwrap()),
        "half a GiB" => println!(
            "{}",
            vec![1u8; 512 << 20].iter().filter(|v| **v == 1).count()
        ),
        _ => {
            let path = super::path(&name);
            let _ = Image::open(&path);
            let _ = read_frames(&path);
            let _ = cv_imread_as(&path, ImreadFlag::Unchanged);
            let _ = pil_open(&path).map(|image| (image.load(), image.to_image()));
        }
    }
}

/// What people really have in their folders.
#[test]
fn what_is_wrong_with_a_file_is_said() {
    for (name, expected) in [
        ("empty.png", "it is empty (0 bytes)"),
        ("page.jpg", "its content is not PNG"),
        ("zero_width.png", "the PNG data is cut short or damaged"),
        ("zero_height.bmp", "the BMP data is cut short or damaged"),
        ("cut_in_header.jpg", "the JPEG data is cut short or damaged"),
        ("half.jpg", "its end is missing"),
        ("half.png", "the PNG data is cut short or damaged"),
        ("checksum.png", "the PNG data is cut short or damaged"),
        ("picture.heic", "its content is not PNG"),
    ] {
        let message = Image::open(super::path("broken").join(name))
            .unwrap_err()
            .to_string();
        assert!(
            message.contains(name) && message.contains(expected),
            "{message}"
        );
    }
    // A name that lies about the format does no harm.
    assert!(Image::open(super::path("broken/really_a_png.jpg")).is_ok());
}
