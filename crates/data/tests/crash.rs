//! A warehouse whose processes are killed at any moment, or meet: no picture is lost, and undo brings all back.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use data::warehouse::Plan;
use data::{Random, Warehouse};

/// What tells the helper what to do, and where.
const WORK: &str = "CRASH_WORK";
const ROOT: &str = "CRASH_ROOT";
const CAMERA: &str = "CRASH_CAMERA";

/// How often each kind of work is killed, and how many pictures it has to do with.
const KILLS: usize = 6;
const PICTURES: usize = 60;

/// Works as a process of its own, when it is asked to by another test of this file; else it does nothing.
#[test]
fn helper() {
    let Ok(work) = std::env::var(WORK) else {
        return;
    };
    let root = std::env::var(ROOT).unwrap();
    if work == "index" {
        say("ready");
        Warehouse::open(root).unwrap();
        return say("done");
    }
    let mut warehouse = Warehouse::open(root).unwrap();
    if work == "undo" {
        let last = warehouse.changes().unwrap()[0].number;
        say("ready");
        warehouse.undo(last).unwrap();
        return say("done");
    }
    let plan = match work.as_str() {
        "import" => warehouse
            .plan_import(std::env::var(CAMERA).unwrap(), "new")
            .unwrap(),
        "turn" => turn(&warehouse),
        label => warehouse.plan_relabel(&paths(&warehouse), label).unwrap(),
    };
    say("ready");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).unwrap();
    match warehouse.apply(&plan) {
        Ok(number) => say(&format!("done {number}")),
        Err(error) => say(&format!("refused {error}")),
    }
}

/// Says something that the test runner does not keep for itself.
fn say(what: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "\nhelper: {what}").unwrap();
    out.flush().unwrap();
}

/// A plan by which every picture gets the name of the next.
fn turn(warehouse: &Warehouse) -> Plan {
    let from = paths(warehouse);
    let mut to = from.clone();
    to.rotate_left(1);
    let what = "turn".into();
    let moves = from.into_iter().zip(to).collect();
    Plan { what, moves }
}

fn paths(warehouse: &Warehouse) -> Vec<String> {
    let pictures = warehouse.pictures().unwrap();
    pictures.into_iter().map(|picture| picture.path).collect()
}

/// A helper that has come to its work.
struct Helper {
    process: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl Helper {
    fn start(work: &str, root: &Path, camera: &Path) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "helper", "--nocapture"])
            .env(WORK, work)
            .env(ROOT, root)
            .env(CAMERA, camera)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut helper = Self { process, said };
        assert_eq!(helper.hear(), "ready");
        helper
    }

    fn go(&mut self) {
        // The work that waits for nothing does not read it.
        let _ = self.process.stdin.as_mut().unwrap().write_all(b"go\n");
    }

    /// What the helper says next; nothing when it is gone.
    fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            if self.said.read_line(&mut line).unwrap() == 0 {
                return String::new();
            }
            if let Some(said) = line.strip_prefix("helper: ") {
                return said.trim_end().to_string();
            }
        }
    }
}

/// Pictures of one colour each, the same for the same number.
fn plant(root: &Path, from: usize, count: usize) {
    for number in from..from + count {
        let path = root.join(format!("{}/{number:03}.png", ["sea", "lake"][number % 2]));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let colour = [(number % 256) as u8, (number / 256) as u8, 90];
        vision::Image::filled(12, 9, colour)
            .unwrap()
            .save(path)
            .unwrap();
    }
}

/// The hashes of all pictures below a folder by their paths, hidden ones too.
fn contents(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "png") || is_waiting(&path) {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let hash = blake3::hash(&fs::read(&path).unwrap()).to_hex().to_string();
                found.insert(name.to_string(), hash);
            }
        }
    }
    found
}

fn is_waiting(path: &Path) -> bool {
    path.parent().unwrap().ends_with(".warehouse/waiting")
}

fn sorted(contents: &BTreeMap<String, String>) -> Vec<String> {
    let mut hashes: Vec<String> = contents.values().cloned().collect();
    hashes.sort();
    hashes
}

/// A stream of random numbers, whose seed is told in case that it finds something.
fn random() -> Random {
    let given = std::env::var("PROPTEST_RNG_SEED").ok();
    let seed = given.and_then(|seed| seed.parse().ok()).unwrap_or_else(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        now.subsec_nanos().into()
    });
    eprintln!("PROPTEST_RNG_SEED={seed}");
    Random::new(seed)
}

/// Has a helper do its work and kills it on the way, somewhere within `within`. How long the work took if it came to
/// its end.
fn kill(work: &str, root: &Path, camera: &Path, within: Duration) -> Option<Duration> {
    let mut helper = Helper::start(work, root, camera);
    let began = Instant::now();
    helper.go();
    if within == Duration::MAX {
        assert!(helper.hear().starts_with("done"));
        helper.process.wait().unwrap();
        return Some(began.elapsed());
    }
    thread::sleep(within);
    helper.process.kill().unwrap();
    helper.process.wait().unwrap();
    None
}

/// A set, and a camera with pictures to import.
fn planted(folder: &Path) -> BTreeMap<String, String> {
    plant(&folder.join("set"), 0, PICTURES);
    plant(&folder.join("camera"), PICTURES, PICTURES);
    contents(&folder.join("set"))
}

/// Undoes what can be, the latest first.
fn undo_all(warehouse: &mut Warehouse) {
    for change in warehouse.changes().unwrap() {
        if !change.undone && !change.failed && change.files > 0 {
            warehouse.undo(change.number).unwrap();
        }
    }
}

#[test]
fn killed_at_any_moment_nothing_is_lost() {
    let mut random = random();
    for work in ["index", "forest", "turn", "undo", "import"] {
        let mut took = Duration::MAX;
        for round in 0..=KILLS {
            let folder = tempfile::tempdir().unwrap();
            let before = planted(folder.path());
            let (root, camera) = (folder.path().join("set"), folder.path().join("camera"));
            let cameras = contents(&camera);
            if work == "undo" {
                let mut warehouse = Warehouse::open(&root).unwrap();
                let plan = turn(&warehouse);
                warehouse.apply(&plan).unwrap();
            }
            // The first time nobody is killed, to see how long it takes.
            let within = match round {
                0 => Duration::MAX,
                _ => took.mul_f32(random.unit()),
            };
            took = kill(work, &root, &camera, within).unwrap_or(took);

            let mut warehouse = Warehouse::open(&root).unwrap();
            assert_eq!(warehouse.notices(), [""; 0], "{work}");
            let after = contents(&root);
            let lost: Vec<String> = sorted(&before)
                .into_iter()
                .filter(|hash| !after.values().any(|other| other == hash))
                .collect();
            assert_eq!(lost, [""; 0], "{work}");
            assert_eq!(contents(&camera), cameras, "{work}");
            let known = warehouse.pictures().unwrap();
            let known = known
                .into_iter()
                .map(|picture| (picture.path, picture.hash));
            assert_eq!(known.collect::<BTreeMap<_, _>>(), after, "{work}");
            // All of the change or nothing.
            if work == "import" {
                assert!(after == before || after.len() == 2 * before.len());
            } else {
                assert_eq!(sorted(&after), sorted(&before), "{work}");
            }
            undo_all(&mut warehouse);
            let mut end = contents(&root);
            end.retain(|path, _| !path.starts_with(".warehouse/aside/"));
            assert_eq!(end, before, "{work}");
            drop(warehouse);
            Warehouse::open(&root).unwrap();
        }
    }
}

#[test]
fn of_two_plans_for_the_same_pictures_one_is_carried_out() {
    for round in 0..3 {
        let folder = tempfile::tempdir().unwrap();
        let before = planted(folder.path());
        let root = folder.path().join("set");
        let camera = folder.path().join("camera");
        Warehouse::open(&root).unwrap();
        let mut helpers =
            ["forest", "turn", "meadow"].map(|work| Helper::start(work, &root, &camera));
        for helper in &mut helpers {
            helper.go();
        }
        let said = helpers.each_mut().map(Helper::hear);
        helpers.iter_mut().for_each(|helper| {
            helper.process.wait().unwrap();
        });
        // Turning keeps the names, so relabelling may come after it.
        let moved = [&said[0], &said[2]].map(|said| said.starts_with("done"));
        assert!(moved[0] != moved[1], "{round}: {said:?}");
        let refused = if moved[0] { &said[2] } else { &said[0] };
        assert!(
            refused.contains("is not there any more"),
            "{round}: {said:?}"
        );
        let mut warehouse = Warehouse::open(&root).unwrap();
        assert_eq!(sorted(&contents(&root)), sorted(&before));
        let numbers: Vec<i64> = warehouse
            .changes()
            .unwrap()
            .iter()
            .map(|c| c.number)
            .collect();
        assert!(
            numbers.windows(2).all(|pair| pair[0] > pair[1]),
            "{numbers:?}"
        );
        undo_all(&mut warehouse);
        assert_eq!(contents(&root), before, "{round}: {said:?}");
    }
}

#[test]
fn many_may_open_a_new_warehouse_at_once() {
    for _ in 0..5 {
        let folder = tempfile::tempdir().unwrap();
        plant(folder.path(), 0, PICTURES);
        thread::scope(|scope| {
            let open = || Warehouse::open(folder.path()).unwrap().pictures().unwrap();
            let threads: Vec<_> = (0..6).map(|_| scope.spawn(open)).collect();
            for thread in threads {
                assert_eq!(thread.join().unwrap().len(), PICTURES);
            }
        });
    }
}
