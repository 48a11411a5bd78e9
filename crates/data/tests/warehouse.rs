//! A warehouse with planted faults: each is found, and nothing else; changes are whole, and undone.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use data::Warehouse;
use data::warehouse::{Issue, Plan};
use image::{ImageEncoder, Rgb, RgbImage, imageops};

/// A busy picture in colour, another for each number.
fn picture(number: u32) -> RgbImage {
    let (a, b, c) = (3 + number % 7, 5 + number % 11, 2 + number % 5);
    RgbImage::from_fn(120, 90, |x, y| {
        let wave = ((x * a + y * b) as f32 * 0.05 + number as f32).sin() * 60.0;
        let block = if (x / (6 + number % 9) + y / (5 + c)).is_multiple_of(2) {
            60.0
        } else {
            -40.0
        };
        // Broad patches of its own give each picture another look.
        let patch = (number * 97 + x / 30 * 57 + y / 30 * 131).wrapping_mul(2_654_435_761) >> 25;
        let block = block * 0.4 + patch as f32 - 64.0;
        let grain = ((x * 7919 + y * 104_729 + number * 31) % 61) as f32;
        Rgb([
            120.0 + wave * 0.4 + block * 0.6 + grain,
            110.0 + block,
            90.0 - wave * 0.4 + block * 0.5 + grain,
        ]
        .map(|v| v.clamp(0.0, 255.0) as u8))
    })
}

fn save(root: &Path, name: &str, picture: &RgbImage) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    picture
        .save_with_format(&path, image::ImageFormat::Png)
        .unwrap();
}

/// Twelve good pictures, and one or two for each fault.
fn plant(root: &Path) -> BTreeMap<Issue, Vec<&'static str>> {
    for number in 0..12 {
        save(
            root,
            &format!("train/sea/good {number}.png"),
            &picture(number),
        );
    }
    let mut expected = BTreeMap::new();
    let mut plant = |issue: Issue, names: &[&'static str]| {
        expected.insert(issue, names.to_vec());
    };
    fs::write(
        root.join("train/sea/broken.png"),
        b"\x89PNG\r\n\x1a\nrubbish",
    )
    .unwrap();
    let whole = fs::read(root.join("train/sea/good 0.png")).unwrap();
    fs::write(
        root.join("train/sea/cut \u{1F42C}.png"),
        &whole[..whole.len() / 2],
    )
    .unwrap();
    plant(
        Issue::Broken,
        &["train/sea/broken.png", "train/sea/cut \u{1F42C}.png"],
    );
    save(root, "train/sea/really a png.jpg", &picture(20));
    plant(Issue::WrongExtension, &["train/sea/really a png.jpg"]);
    save(root, "train/forest/copy.png", &picture(21));
    save(root, "train/sea/original.png", &picture(21));
    plant(
        Issue::LabelConflict,
        &["train/forest/copy.png", "train/sea/original.png"],
    );
    save(root, "train/sea/leak.png", &picture(22));
    save(root, "test/sea/leak.png", &picture(22));
    plant(Issue::Leakage, &["test/sea/leak.png", "train/sea/leak.png"]);
    plant(
        Issue::ExactDuplicate,
        &[
            "test/sea/leak.png",
            "train/forest/copy.png",
            "train/sea/leak.png",
            "train/sea/original.png",
        ],
    );
    save(root, "train/sea/near a.png", &picture(23));
    save(
        root,
        "train/sea/near b.png",
        &imageops::brighten(&picture(23), 3),
    );
    plant(
        Issue::NearDuplicate,
        &["train/sea/near a.png", "train/sea/near b.png"],
    );
    let mut dark = picture(31);
    dark.pixels_mut()
        .for_each(|pixel| pixel.0 = pixel.0.map(|value| value / 4));
    save(root, "train/sea/dark.png", &dark);
    plant(Issue::Dark, &["train/sea/dark.png"]);
    let mut bright = picture(25);
    bright
        .pixels_mut()
        .for_each(|pixel| pixel.0 = pixel.0.map(|value| 246 + value / 29));
    save(root, "train/sea/bright.png", &bright);
    plant(Issue::Bright, &["train/sea/bright.png"]);
    let flat = RgbImage::from_fn(120, 90, |x, _| {
        Rgb(if x < 60 {
            [90, 140, 60]
        } else {
            [200, 90, 120]
        })
    });
    save(root, "train/sea/flat.png", &flat);
    plant(Issue::LowInformation, &["train/sea/flat.png"]);
    save(
        root,
        "train/sea/thin.png",
        &imageops::resize(&picture(26), 240, 45, imageops::FilterType::Triangle),
    );
    plant(Issue::OddAspect, &["train/sea/thin.png"]);
    save(
        root,
        "train/sea/huge.png",
        &imageops::resize(&picture(27), 480, 360, imageops::FilterType::CatmullRom),
    );
    plant(Issue::OddSize, &["train/sea/huge.png"]);
    let mut gray = picture(28);
    gray.pixels_mut()
        .for_each(|pixel| pixel.0 = [pixel.0[0]; 3]);
    save(root, "train/sea/gray.png", &gray);
    plant(Issue::Gray, &["train/sea/gray.png"]);
    // Quite out of focus: nothing but a slow change from corner to corner.
    let blurry = RgbImage::from_fn(120, 90, |x, y| {
        let value = (40 + x * 60 / 119 + y * 40 / 89) as u8;
        Rgb([value, value + 8, value + 20])
    });
    save(root, "train/sea/blurry.png", &blurry);
    plant(Issue::Blurry, &["train/sea/blurry.png"]);
    expected
}

#[test]
fn every_planted_fault_is_found_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let expected = plant(folder.path());
    let warehouse = Warehouse::open(folder.path()).unwrap();
    let findings = warehouse.findings().unwrap();
    for issue in Issue::ALL {
        assert_eq!(
            findings.paths(issue),
            expected[&issue],
            "{issue:?}: {:?}",
            findings.of(issue)
        );
    }
    let page = folder.path().join("report.html");
    warehouse.report(&page).unwrap();
    let page = fs::read_to_string(page).unwrap();
    assert!(page.contains("near b.png") && page.contains("data:image/jpeg;base64,"));
    assert!(page.contains("<h3>forest</h3>") && page.contains("sharpness</text>"));
}

#[test]
fn only_what_has_changed_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    let count = warehouse.pictures().unwrap().len();
    save(folder.path(), "train/sea/new.png", &picture(40));
    save(folder.path(), "train/sea/good 1.png", &picture(41));
    fs::remove_file(folder.path().join("train/sea/good 2.png")).unwrap();
    let refreshed = warehouse.refresh().unwrap();
    assert_eq!(
        (refreshed.read, refreshed.unchanged, refreshed.gone),
        (2, count - 2, 1)
    );
}

#[test]
fn two_files_that_change_places_are_read_again_though_they_have_one_length_and_time() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let time = std::time::SystemTime::now();
    for (name, bytes) in [("a.png", b"one"), ("b.png", b"two")] {
        fs::write(at(name), bytes).unwrap();
        let file = fs::File::options().append(true).open(at(name)).unwrap();
        file.set_modified(time).unwrap();
    }
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    let before = warehouse.picture("a.png").unwrap().hash;
    fs::rename(at("a.png"), at("c")).unwrap();
    fs::rename(at("b.png"), at("a.png")).unwrap();
    fs::rename(at("c"), at("b.png")).unwrap();
    assert_eq!(warehouse.refresh().unwrap().read, 2);
    assert_eq!(warehouse.picture("b.png").unwrap().hash, before);
}

#[test]
fn changes_are_planned_made_and_undone() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let at = |name: &str| folder.path().join(name);
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    let before = warehouse.pictures().unwrap();

    let plan = warehouse
        .plan_relabel(&["train/sea/good 3.png"], "forest")
        .unwrap();
    assert!(at("train/sea/good 3.png").exists(), "a plan does nothing");
    let relabelled = warehouse.apply(&plan).unwrap();
    assert_eq!(
        warehouse.picture("train/forest/good 3.png").unwrap().label,
        "forest"
    );

    let sea: Vec<String> = warehouse
        .labelled("sea")
        .unwrap()
        .into_iter()
        .filter(|p| p.broken.is_none())
        .map(|p| p.path)
        .collect();
    let plan = warehouse
        .plan_rename(&sea, "{split}_{label}_{number}")
        .unwrap();
    let renamed = warehouse.apply(&plan).unwrap();
    assert!(at("test/sea/test_sea_0001.png").exists());

    let plan = warehouse.plan_set_aside(&["train/sea/broken.png"]).unwrap();
    let aside = warehouse.apply(&plan).unwrap();
    assert!(
        !at("train/sea/broken.png").exists() && warehouse.picture("train/sea/broken.png").is_err()
    );

    for change in [aside, renamed, relabelled] {
        warehouse.undo(change).unwrap();
    }
    assert_eq!(warehouse.pictures().unwrap(), before);
    assert!(
        warehouse
            .changes()
            .unwrap()
            .iter()
            .all(|change| change.undone)
    );
    assert!(warehouse.undo(relabelled).is_err());
}

#[test]
fn a_plan_that_would_lose_something_is_refused_whole() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    let before = warehouse.pictures().unwrap();
    let two = ["train/sea/good 1.png", "train/sea/good 2.png"];
    let message = |warehouse: &mut Warehouse, plan| warehouse.apply(&plan).unwrap_err().to_string();
    let same = warehouse.plan_rename(&two, "same").unwrap();
    assert!(message(&mut warehouse, same).contains("as another file would"));
    let taken = warehouse.plan_rename(&two[..1], "good 2").unwrap();
    assert!(message(&mut warehouse, taken).contains("there is such a file"));
    let outside = warehouse.plan_move(&two, "../elsewhere").unwrap();
    assert!(message(&mut warehouse, outside).contains("outside of the warehouse"));
    assert_eq!(warehouse.pictures().unwrap(), before);
}

#[test]
fn what_a_kill_left_half_done_is_finished_by_the_next_who_opens() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    let two = ["train/sea/good 1.png", "train/sea/good 2.png"];
    let plan = warehouse.plan_move(&two, "train/lake").unwrap();
    let change = warehouse.apply(&plan).unwrap();
    drop(warehouse);
    // As after a kill between the first move and the second: one is back, both are to be done.
    fs::rename(
        folder.path().join("train/lake/good 2.png"),
        folder.path().join(two[1]),
    )
    .unwrap();
    let index = rusqlite::Connection::open(folder.path().join(".warehouse/index.sqlite")).unwrap();
    index
        .execute("UPDATE journal SET state = 'planned'", [])
        .unwrap();
    drop(index);
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    assert_eq!(warehouse.labelled("lake").unwrap().len(), 2);
    warehouse.undo(change).unwrap();
    assert!(two.iter().all(|name| folder.path().join(name).exists()));
}

#[test]
fn two_may_open_the_same_warehouse_at_once() {
    let folder = tempfile::tempdir().unwrap();
    plant(folder.path());
    let counts: Vec<usize> = std::thread::scope(|scope| {
        let open = || {
            Warehouse::open(folder.path())
                .unwrap()
                .pictures()
                .unwrap()
                .len()
        };
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(open)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        counts.iter().all(|&count| count == counts[0] && count > 20),
        "{counts:?}"
    );
}

#[test]
fn what_is_exported_can_be_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("pictures");
    plant(&root);
    let warehouse = Warehouse::open(&root).unwrap();
    let whole = warehouse
        .pictures()
        .unwrap()
        .iter()
        .filter(|picture| picture.broken.is_none())
        .count();
    let exported = folder.path().join("exported");
    assert_eq!(warehouse.export_folder(&exported).unwrap(), whole);
    // What was for training stays that.
    let train = data::Samples::image_folder(exported.join("train")).unwrap();
    assert_eq!(
        (train.classes(), train.len()),
        (&["forest".to_string(), "sea".to_string()][..], whole - 1)
    );
    let test = data::Samples::image_folder(exported.join("test")).unwrap();
    assert_eq!((test.classes(), test.len()), (&["sea".to_string()][..], 1));
    let manifest = folder.path().join("list.csv");
    warehouse.export_csv(&manifest).unwrap();
    assert_eq!(data::Samples::csv(&manifest).unwrap().len(), whole + 2);
    assert!(
        warehouse
            .export_folder(&exported)
            .unwrap_err()
            .to_string()
            .contains("is not empty")
    );
}

/// Model "CV 1", orientation 6, taken on 2024:05:06 07:08:09; as Pillow writes it: `Exif.tobytes()`.
const EXIF: &str = "4578696600004d4d002a00000008000301100002000000050000003201120003000000010006000087690004000000010000003800000000435620310000000190030002000000140000004a00000000323032343a30353a30362030373a30383a303900";

#[test]
fn the_mode_and_what_the_camera_wrote_are_known() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("sea");
    fs::create_dir(&root).unwrap();
    let raw: Vec<u8> = (0..EXIF.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&EXIF[at..at + 2], 16).unwrap())
        .collect();
    // Its first six bytes name it inside of a JPEG; the encoder writes them itself.
    let raw = raw.strip_prefix(b"Exif\0\0").unwrap().to_vec();
    let mut encoder =
        image::codecs::jpeg::JpegEncoder::new(fs::File::create(root.join("a.jpg")).unwrap());
    encoder.set_exif_metadata(raw).unwrap();
    encoder.encode_image(&picture(1)).unwrap();
    let grey = image::DynamicImage::ImageRgb8(picture(2)).into_luma8();
    grey.save(root.join("b.png")).unwrap();
    let clear = image::DynamicImage::ImageRgb8(picture(3)).into_rgba8();
    clear.save(root.join("c.png")).unwrap();
    fs::write(root.join("d.png"), b"no picture").unwrap();

    let pictures = Warehouse::open(folder.path()).unwrap().pictures().unwrap();
    let modes: Vec<&str> = pictures.iter().map(|picture| &*picture.mode).collect();
    assert_eq!(modes, ["RGB", "L", "RGBA", ""]);
    let tag = |name: &str| pictures[0].exif.get(name).map(String::as_str);
    assert_eq!(tag("Model"), Some("CV 1"));
    assert_eq!(tag("DateTimeOriginal"), Some("2024:05:06 07:08:09"));
    assert!(tag("Orientation").is_some());
    assert!(pictures[1].exif.is_empty());
}

#[test]
fn an_index_of_an_earlier_edition_is_read_anew_and_tags_stay() {
    let folder = tempfile::tempdir().unwrap();
    save(folder.path(), "sea/a.png", &picture(1));
    let mut warehouse = Warehouse::open(folder.path()).unwrap();
    warehouse.tag("sea/a.png", "mine").unwrap();
    drop(warehouse);
    let index = rusqlite::Connection::open(folder.path().join(".warehouse/index.sqlite")).unwrap();
    index
        .execute_batch(
            "DROP TABLE pictures; CREATE TABLE pictures (path TEXT); PRAGMA user_version = 1",
        )
        .unwrap();
    drop(index);
    let warehouse = Warehouse::open(folder.path()).unwrap();
    assert_eq!(warehouse.tagged("mine").unwrap().len(), 1);
}

#[test]
fn what_is_imported_is_copied_once_and_undone_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let (root, camera) = (
        folder.path().join("set"),
        folder.path().join("camera \u{1F4F7}"),
    );
    save(&root, "sea/a.png", &picture(1));
    for (name, number) in [("day 1/x.png", 2), ("day 1/again.png", 2), ("known.png", 1)] {
        save(&camera, name, &picture(number));
    }
    let mut warehouse = Warehouse::open(&root).unwrap();
    let plan = warehouse.plan_import(&camera, "new/").unwrap();
    // Of two with one content the first by name; the one that is here already is left out.
    let targets: Vec<&str> = plan.moves.iter().map(|(_, to)| to.as_str()).collect();
    assert_eq!(targets, ["new/day 1/again.png"]);
    assert!(plan.what.contains("without 2 that are there already"));
    let change = warehouse.apply(&plan).unwrap();
    assert_eq!(warehouse.pictures().unwrap().len(), 2);
    assert!(camera.join("day 1/again.png").exists());
    assert!(
        warehouse
            .plan_import(&camera, "new")
            .unwrap()
            .moves
            .is_empty()
    );

    assert_eq!(warehouse.undo(change).unwrap(), 1);
    assert_eq!(warehouse.pictures().unwrap().len(), 1);
    let aside = root.join(format!(".warehouse/aside/{change}/new/day 1/again.png"));
    assert_eq!(
        fs::read(aside).unwrap(),
        fs::read(camera.join("day 1/again.png")).unwrap()
    );
    let message = warehouse.plan_import(root.join("sea"), "new").unwrap_err();
    assert!(message.to_string().contains("lies in the warehouse"));
}

#[test]
fn an_import_that_was_killed_is_finished_by_the_next_who_opens() {
    let folder = tempfile::tempdir().unwrap();
    let (root, camera) = (folder.path().join("set"), folder.path().join("camera"));
    save(&root, "sea/a.png", &picture(1));
    save(&camera, "x.png", &picture(2));
    let mut warehouse = Warehouse::open(&root).unwrap();
    let plan = warehouse.plan_import(&camera, "new").unwrap();
    warehouse.apply(&plan).unwrap();
    drop(warehouse);
    // As after a kill between the journal and the copy, with half of a copy left behind.
    fs::remove_file(root.join("new/x.png")).unwrap();
    fs::write(root.join(".warehouse/copy-1-1"), b"half").unwrap();
    let index = rusqlite::Connection::open(root.join(".warehouse/index.sqlite")).unwrap();
    index
        .execute("UPDATE journal SET state = 'planned'", [])
        .unwrap();
    drop(index);
    let warehouse = Warehouse::open(&root).unwrap();
    assert_eq!(warehouse.labelled("new").unwrap().len(), 1);
    assert_eq!(
        fs::read(root.join("new/x.png")).unwrap(),
        fs::read(camera.join("x.png")).unwrap()
    );
}

#[test]
fn a_split_keeps_the_mix_and_what_looks_alike_together() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    for number in 0..20 {
        save(root, &format!("sea/{number:02}.png"), &picture(number));
    }
    for number in 20..30 {
        save(root, &format!("forest/{number}.png"), &picture(number));
    }
    save(root, "sea/copy of 3.png", &picture(3));
    let mut warehouse = Warehouse::open(root).unwrap();
    let parts = [("train", 0.6), ("val", 0.2), ("test", 0.2)];
    let plan = warehouse.plan_split(&parts, 1).unwrap();
    assert_eq!(plan, warehouse.plan_split(&parts, 1).unwrap());
    assert_ne!(plan, warehouse.plan_split(&parts, 2).unwrap());
    warehouse.apply(&plan).unwrap();
    let balance = warehouse.balance().unwrap();
    let count = |split: &str, label: &str| balance[&(split.to_string(), label.to_string())];
    assert_eq!(
        ["train", "val", "test"].map(|split| count(split, "forest")),
        [6, 2, 2]
    );
    let sea = ["train", "val", "test"].map(|split| count(split, "sea"));
    assert_eq!(sea.iter().sum::<usize>(), 21);
    assert!(
        (12..=14).contains(&sea[0]) && (3..=5).contains(&sea[1]),
        "{sea:?}"
    );
    assert!(warehouse.findings().unwrap().of(Issue::Leakage).is_empty());
    // Parted a second time, everything finds its place among what has been parted.
    let again = warehouse.plan_split(&[("train", 1.0)], 1).unwrap();
    warehouse.apply(&again).unwrap();
    assert_eq!(warehouse.balance().unwrap().len(), 2);
    let message = warehouse.plan_split(&[("train", 80.0)], 1).unwrap_err();
    assert!(message.to_string().contains("add up to 1"));
}

#[test]
fn shards_hold_every_picture_with_its_label() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    for number in 0..7 {
        let label = if number < 5 { "sea" } else { "forest" };
        save(&root, &format!("{label}/{number}.png"), &picture(number));
    }
    let warehouse = Warehouse::open(&root).unwrap();
    let shards = folder.path().join("shards");
    assert_eq!(warehouse.export_shards(&shards, 3, 1).unwrap().len(), 3);
    let samples = data::Samples::shards(&shards).unwrap();
    assert_eq!(
        (samples.classes(), samples.counts()),
        (&["forest".to_string(), "sea".to_string()][..], vec![2, 5])
    );
    let message = warehouse.export_shards(&shards, 3, 1).unwrap_err();
    assert!(message.to_string().contains("is not empty"));
}

#[test]
fn shards_of_a_set_that_is_split_are_split() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("set");
    save(&root, "train/sea/1.png", &picture(1));
    save(&root, "train/forest/2.png", &picture(2));
    save(&root, "validation/sea/3.png", &picture(3));
    let warehouse = Warehouse::open(&root).unwrap();
    let shards = folder.path().join("shards");
    assert_eq!(warehouse.export_shards(&shards, 9, 1).unwrap().len(), 2);
    let counts = |split: &str| data::Samples::shards(shards.join(split)).unwrap().counts();
    assert_eq!((counts("train"), counts("val")), (vec![1, 1], vec![0, 1]));
}

/// The journal says that a change has been begun, as after a kill.
fn begun(root: &Path, state: &str) {
    let index = rusqlite::Connection::open(root.join(".warehouse/index.sqlite")).unwrap();
    let text = "UPDATE journal SET state = ?1";
    index.execute(text, [state]).unwrap();
}

/// Where every file is, hidden ones too.
fn files(root: &Path) -> Vec<String> {
    let mut names = Vec::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                names.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    names.retain(|name| !name.starts_with(".warehouse/index") && name != ".warehouse/lock");
    names.sort();
    names
}

#[test]
fn an_undo_that_would_meet_a_new_file_is_refused_and_the_warehouse_stays_open() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "sea/a.png", &picture(1));
    save(root, "sea/b.png", &picture(2));
    let mut warehouse = Warehouse::open(root).unwrap();
    let plan = warehouse
        .plan_relabel(&["sea/a.png", "sea/b.png"], "lake")
        .unwrap();
    let change = warehouse.apply(&plan).unwrap();
    save(root, "sea/a.png", &picture(3));
    let message = warehouse.undo(change).unwrap_err().to_string();
    assert!(
        message.contains("sea/a.png: is a name that another file has"),
        "{message}"
    );
    assert_eq!(files(root), ["lake/a.png", "lake/b.png", "sea/a.png"]);
    drop(warehouse);

    let mut warehouse = Warehouse::open(root).unwrap();
    fs::rename(root.join("sea/a.png"), root.join("sea/c.png")).unwrap();
    assert_eq!(warehouse.undo(change).unwrap(), 2);
    assert_eq!(files(root), ["sea/a.png", "sea/b.png", "sea/c.png"]);
}

#[test]
fn an_undo_that_was_killed_and_cannot_go_on_is_told_and_not_done() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "sea/a.png", &picture(1));
    save(root, "sea/b.png", &picture(2));
    let mut warehouse = Warehouse::open(root).unwrap();
    let plan = warehouse
        .plan_relabel(&["sea/a.png", "sea/b.png"], "lake")
        .unwrap();
    warehouse.apply(&plan).unwrap();
    drop(warehouse);
    begun(root, "undoing");
    // Its last step has gone back; the place of the other is taken.
    fs::rename(root.join("lake/b.png"), root.join("sea/b.png")).unwrap();
    save(root, "sea/a.png", &picture(3));
    let warehouse = Warehouse::open(root).unwrap();
    assert!(warehouse.notices()[0].contains("Change 1 has not been undone"));
    assert_eq!(files(root), ["lake/a.png", "lake/b.png", "sea/a.png"]);
    drop(warehouse);
    assert!(Warehouse::open(root).unwrap().notices().is_empty());
}

#[test]
fn a_plan_that_needs_a_folder_where_a_file_is_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "sea/a.png", &picture(1));
    save(root, "sea/b.png", &picture(2));
    let mut warehouse = Warehouse::open(root).unwrap();
    let plan = warehouse.plan_move(&["sea/b.png"], "sea/a.png").unwrap();
    let message = warehouse.apply(&plan).unwrap_err().to_string();
    assert!(
        message.contains(r#""sea/a.png" is a file, not a folder"#),
        "{message}"
    );
    let moves = [("sea/a.png", "x.png"), ("sea/b.png", "x.png/b.png")];
    let plan = Plan {
        what: "nested".into(),
        moves: moves.map(|(from, to)| (from.into(), to.into())).to_vec(),
    };
    assert!(warehouse.apply(&plan).is_err());
    assert!(warehouse.changes().unwrap().is_empty());
    // As an earlier edition left it: written down, and never to be done.
    let index = rusqlite::Connection::open(root.join(".warehouse/index.sqlite")).unwrap();
    let text = "INSERT INTO journal (change, what, source, target, state) \
         VALUES (7, 'move', 'sea/b.png', 'sea/a.png/b.png', 'planned')";
    index.execute(text, []).unwrap();
    drop((index, warehouse));
    let mut warehouse = Warehouse::open(root).unwrap();
    assert!(warehouse.notices()[0].contains("Nothing has been changed"));
    assert_eq!(files(root), ["sea/a.png", "sea/b.png"]);
    let plan = warehouse.plan_move(&["sea/b.png"], "lake").unwrap();
    assert!(warehouse.apply(&plan).is_ok());
}

#[test]
fn what_fails_on_the_way_is_taken_back() {
    let folder = tempfile::tempdir().unwrap();
    let (root, camera) = (folder.path().join("set"), folder.path().join("camera"));
    save(&root, "sea/a.png", &picture(1));
    save(&camera, "b.png", &picture(2));
    let mut warehouse = Warehouse::open(&root).unwrap();
    warehouse.tag("sea/a.png", "mine").unwrap();
    let copy = camera.join("b.png").display().to_string();
    let plan = Plan {
        what: "import".into(),
        moves: [
            ("sea/a.png", "lake/a.png"),
            (&copy, "lake/b.png"),
            // A file that is there and cannot be read to its end.
            ("/proc/self/mem", "lake/c.png"),
        ]
        .map(|(from, to)| (from.into(), to.into()))
        .to_vec(),
    };
    let message = warehouse.apply(&plan).unwrap_err().to_string();
    assert!(
        message.contains("/proc/self/mem: cannot be copied")
            && message.contains("Nothing has been"),
        "{message}"
    );
    assert_eq!(files(&root), ["sea/a.png"]);
    assert_eq!(warehouse.tagged("mine").unwrap()[0].path, "sea/a.png");
    let change = &warehouse.changes().unwrap()[0];
    assert!(change.failed && !change.undone);
    assert!(warehouse.undo(change.number).is_err());
    assert!(Warehouse::open(&root).unwrap().notices().is_empty());
}

#[test]
fn an_import_whose_camera_is_gone_is_taken_back_without_loss() {
    let folder = tempfile::tempdir().unwrap();
    let (root, camera) = (folder.path().join("set"), folder.path().join("camera"));
    save(&root, "sea/a.png", &picture(1));
    save(&camera, "x.png", &picture(2));
    save(&camera, "y.png", &picture(3));
    let mut warehouse = Warehouse::open(&root).unwrap();
    let plan = warehouse.plan_import(&camera, "new").unwrap();
    let change = warehouse.apply(&plan).unwrap();
    drop(warehouse);
    // As after a kill when one of two had been copied.
    begun(&root, "planned");
    fs::remove_file(root.join("new/y.png")).unwrap();
    fs::remove_dir_all(&camera).unwrap();
    let warehouse = Warehouse::open(&root).unwrap();
    assert!(warehouse.notices()[0].contains("camera/y.png: cannot be copied"));
    // What has been copied may be all there is of it by now.
    let aside = format!(".warehouse/aside/{change}/new/x.png");
    assert_eq!(files(&root), [aside.as_str(), "sea/a.png"]);
}

#[test]
fn names_that_are_being_left_are_free() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let names = ["sea/1.png", "sea/2.png", "sea/3.png", "sea/4.png"];
    for (number, name) in names.iter().enumerate() {
        save(root, name, &picture(number as u32));
    }
    let mut warehouse = Warehouse::open(root).unwrap();
    let before = warehouse.pictures().unwrap();
    warehouse.tag("sea/1.png", "first").unwrap();
    // A swap, and a chain.
    let plan = Plan {
        what: "turn".into(),
        moves: [(0, 1), (1, 0), (2, 3)]
            .map(|(from, to)| (names[from].to_string(), names[to].to_string()))
            .into_iter()
            .chain([(names[3].to_string(), "sea/5.png".to_string())])
            .collect(),
    };
    let change = warehouse.apply(&plan).unwrap();
    let after = warehouse.pictures().unwrap();
    let moved = [1, 0, 2, 3].map(|number: usize| &before[number].hash);
    assert_eq!(after.iter().map(|p| &p.hash).collect::<Vec<_>>(), moved);
    assert_eq!(warehouse.tagged("first").unwrap()[0].path, "sea/2.png");
    assert_eq!(warehouse.changes().unwrap()[0].files, 4);
    assert_eq!(warehouse.undo(change).unwrap(), 4);
    assert_eq!(warehouse.pictures().unwrap(), before);
    assert_eq!(warehouse.tagged("first").unwrap()[0].path, "sea/1.png");
}

#[test]
fn every_change_has_a_number_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "sea/a.png", &picture(1));
    let mut one = Warehouse::open(root).unwrap();
    let mut two = Warehouse::open(root).unwrap();
    let nothing = one.plan_mend_extensions().unwrap();
    let first = one.apply(&nothing).unwrap();
    let second = two.apply(&nothing).unwrap();
    let aside = one.plan_set_aside(&["sea/a.png"]).unwrap();
    let third = two.apply(&aside).unwrap();
    assert!(first < second && second < third);
    assert_eq!(files(root), [format!(".warehouse/aside/{third}/sea/a.png")]);
    assert_eq!(one.undo(first).unwrap(), 0);
    assert_eq!(one.undo(third).unwrap(), 1);
    assert!(one.undo(9).is_err());
}

#[test]
fn a_picture_without_a_label_cannot_get_another() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    save(root, "train/x.png", &picture(1));
    let warehouse = Warehouse::open(root).unwrap();
    let message = warehouse.plan_relabel(&["train/x.png"], "sea").unwrap_err();
    assert!(message.to_string().contains("in no folder of a label"));
}

#[test]
fn pictures_of_one_name_are_kept_apart_by_their_hash() {
    let folder = tempfile::tempdir().unwrap();
    let (root, camera) = (folder.path().join("set"), folder.path().join("camera"));
    save(&root, "new/a.png", &picture(1));
    save(&root, "a/new/b.png", &picture(3));
    save(&root, "b/new/b.png", &picture(4));
    save(&camera, "a.png", &picture(2));
    let mut warehouse = Warehouse::open(&root).unwrap();
    let plan = warehouse.plan_import(&camera, "new").unwrap();
    warehouse.apply(&plan).unwrap();
    assert_eq!(warehouse.pictures().unwrap().len(), 4);
    let plan = warehouse.plan_split(&[("train", 1.0)], 1).unwrap();
    warehouse.apply(&plan).unwrap();
    let pictures = warehouse.pictures().unwrap();
    assert_eq!(pictures.len(), 4);
    assert!(pictures.iter().all(|p| p.path.starts_with("train/new/")));
}

/// Mounts a small disk in memory; says so where that is not allowed.
fn small_disk(at: &Path, size: &str) -> bool {
    fs::create_dir_all(at).unwrap();
    let mut mount = std::process::Command::new("mount");
    mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"]);
    let mounted = mount
        .arg(at)
        .output()
        .is_ok_and(|output| output.status.success());
    if !mounted {
        eprintln!("SKIPPED: this user may not mount a disk");
    }
    mounted
}

/// Takes the disk away again, whatever became of the test.
struct Unmounted<'a>(&'a Path);

impl Drop for Unmounted<'_> {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(self.0)
            .status();
    }
}

#[test]
fn a_full_disk_stops_a_change_and_takes_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let (root, camera) = (folder.path().join("set"), folder.path().join("camera"));
    if !small_disk(&root, "2m") {
        return;
    }
    let _unmounted = Unmounted(&root);
    save(&root, "sea/a.png", &picture(1));
    for number in 0..3 {
        // Noise, which cannot be made smaller.
        let noise = RgbImage::from_fn(600, 600, |x, y| {
            let bits = (x * 7919 + y * 104_729 + number).wrapping_mul(2_654_435_761);
            Rgb([(bits >> 24) as u8, (bits >> 16) as u8, (bits >> 8) as u8])
        });
        save(&camera, &format!("{number}.png"), &noise);
    }
    let mut warehouse = Warehouse::open(&root).unwrap();
    let plan = warehouse.plan_import(&camera, "new").unwrap();
    let message = warehouse.apply(&plan).unwrap_err().to_string();
    assert!(message.contains("make room on that disk"), "{message}");
    assert_eq!(files(&root), ["sea/a.png"]);
    drop(warehouse);
    let mut warehouse = Warehouse::open(&root).unwrap();
    assert!(warehouse.notices().is_empty());
    let plan = warehouse.plan_relabel(&["sea/a.png"], "lake").unwrap();
    assert!(warehouse.apply(&plan).is_ok());
}

/// Set where a test has a cache folder of its own.
const OWN_CACHE: &str = "WAREHOUSE_OWN_CACHE";

#[test]
fn a_folder_that_cannot_be_written_to_is_looked_at_and_not_changed() {
    let folder = tempfile::tempdir().unwrap();
    // In a process of its own, whose cache folder is another.
    if std::env::var_os(OWN_CACHE).is_none() {
        let name = "a_folder_that_cannot_be_written_to_is_looked_at_and_not_changed";
        let done = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name, "--nocapture"])
            .env(OWN_CACHE, "1")
            .env("CVSTUDY_HOME", folder.path())
            .status();
        assert!(done.unwrap().success());
        return;
    }
    let root = folder.path().join("set");
    if !small_disk(&root, "2m") {
        return;
    }
    let _unmounted = Unmounted(&root);
    save(&root, "sea/a.png", &picture(1));
    let mut again = std::process::Command::new("mount");
    let again = again
        .args(["-o", "remount,ro"])
        .arg(&root)
        .status()
        .unwrap();
    assert!(again.success());
    let mut warehouse = Warehouse::open(&root).unwrap();
    assert!(warehouse.refusal().is_some());
    assert_eq!(warehouse.findings().unwrap().of, 1);
    let plan = warehouse.plan_relabel(&["sea/a.png"], "lake").unwrap();
    let message = warehouse.apply(&plan).unwrap_err().to_string();
    assert!(message.contains("cannot be written to"), "{message}");
    // The second time nothing is read again.
    let refreshed = Warehouse::open(&root).unwrap().refreshed().clone();
    assert_eq!((refreshed.read, refreshed.unchanged), (0, 1));
    assert_eq!(files(&root), ["sea/a.png"]);
}
