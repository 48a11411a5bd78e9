"""Submissions that try to harm the grader, other submissions or the points, and what each is to get.

Each has the points of `add-tests` that it is to get, and what its verdict or findings are to say.
"""

import os

import corpus

SYSTEM = "unsafe extern \"C\" { fn fork() -> i32; fn kill(p: i32, s: i32) -> i32; fn getppid() -> i32; fn ptrace(r: i64, p: i64, a: i64, d: i64) -> i64; fn chmod(p: *const u8, m: u32) -> i32; fn socket(d: i32, t: i32, p: i32) -> i32; }\n"

# Whether the process's memory holds a line of the tests that only their source has. It is written backwards here, so
# that it is not found in what looks for it.
SCAN = r"""
fn holds_the_tests() -> bool {
    use std::io::{Read, Seek, SeekFrom};
    let backwards = b"63- ,)4 ,04-(dda";
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let mut memory = std::fs::File::open("/proc/self/mem").unwrap();
    let mut bytes = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw") && line.split_whitespace().nth(4) == Some("0")) {
        let (from, to) = line.split_whitespace().next().unwrap().split_once('-').unwrap();
        let (from, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
        let mut at = from;
        while at < to {
            bytes.resize(usize::try_from((to - at).min(1 << 20)).unwrap(), 0);
            memory.seek(SeekFrom::Start(at)).unwrap();
            let Ok(length) = memory.read(&mut bytes) else { break };
            if length == 0 { break }
            for start in 0..length.saturating_sub(backwards.len()) {
                if bytes[start] == b'a' && bytes[start..start + backwards.len()].iter().rev().eq(backwards) { return true; }
            }
            at += length as u64;
        }
    }
    false
}
"""


def add(body, before=""):
    return lambda one: one.write("add", before + corpus.ADD.format(body))


SHARED = 'unsafe extern "C" { fn mmap(a: *mut u8, n: usize, p: i32, f: i32, d: i32, o: i64) -> *mut u8; }\n'

# Takes memory that is shared with nobody, 64 MiB at a time, until there is none.
TAKE = """
loop {
    let place = unsafe { mmap(std::ptr::null_mut(), 64 << 20, 3, 0x8021, -1, 0) };
    if place as isize == -1 { return i32::MIN; }
}
"""

# Files that have no name any more, 16 MiB each.
NAMELESS = """
let mut all = Vec::new();
for i in 0..512 {
    let mut file = std::fs::File::create(format!("{i}")).unwrap();
    std::fs::remove_file(format!("{i}")).unwrap();
    std::io::Write::write_all(&mut file, &vec![1_u8; 16 << 20]).unwrap();
    all.push(file);
}
a + b
"""

# Folders in folders, deeper than any path reaches; it stays long enough to be seen.
PIT = """
for _ in 0..20_000 {
    std::fs::create_dir("deeper").unwrap();
    std::env::set_current_dir("deeper").unwrap();
}
std::thread::sleep(std::time::Duration::from_secs(5));
a + b
"""


def pit(path):
    """Some file in a folder with folders in folders beside it."""
    path.write_text(path.parent.name)
    folder = os.open(path.parent, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("deeper", dir_fd=folder)
        inner = os.open("deeper", os.O_RDONLY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)


def assure(condition):
    """Adds up only if an attempt came to nothing."""
    return f"if {condition} {{ a + b }} else {{ i32::MIN }}"


# name: (change, points, word in what is told)
HOSTILE = {
    "loops": (add("loop { std::hint::black_box(a); }"), 0, "over-limit"),
    "sleeps": (add("std::thread::sleep(std::time::Duration::from_secs(3600)); a"), 0, "over-limit"),
    "exits": (add("std::process::exit(0)"), 0, "crashed"),
    "segfaults": (add("unsafe { *(8 as *const i32) }"), 0, "crashed"),
    "stack": (add("fn deep(n: u64) -> u64 { let x = std::hint::black_box([n; 64]); x[3] ^ deep(n) } deep(1) as i32"), 0, "crashed"),
    "memory": (add("let mut all = Vec::new(); loop { all.push(vec![0_u8; 64 << 20]); }"), 0, "crashed"),
    "threads": (add("loop { std::thread::spawn(|| std::thread::sleep(std::time::Duration::from_secs(600))); }"), 0, ""),
    "prints": (add('loop { println!("{}", "x".repeat(1000)); }'), 0, "over-limit"),
    "fills-the-disk": (add('for i in 0.. { std::fs::write(format!("{i}"), vec![1_u8; 16 << 20]).unwrap(); } a'), 0, "over-limit"),
    "large-file": (add('let mut f = std::fs::File::create("big").unwrap(); loop { std::io::Write::write_all(&mut f, &vec![1_u8; 1 << 20]).unwrap(); }'), 0, ""),
    "nameless-files": (add(NAMELESS), 0, "over-limit"),
    "shared-memory": (add(TAKE, SHARED), 0, "of memory and was ended"),
    "deep-pit": (add(PIT), 0, "over-limit"),
    "hands-in-a-pit": (lambda one: setattr(one, "make", pit), 0, "nested more than"),
    "endless-file": (lambda one: setattr(one, "make", lambda path: path.symlink_to("/dev/zero")), 0, "no ordinary file"),
    "pipe": (lambda one: setattr(one, "make", os.mkfifo), 0, "no ordinary file"),
    "forks": (add(assure("unsafe { fork() } == -1"), SYSTEM), 2, "suspicious"),
    "kills-the-grader": (add(assure("unsafe { kill(getppid(), 9) } == -1"), SYSTEM), 2, "suspicious"),
    "traces-the-grader": (add(assure("unsafe { ptrace(16, getppid() as i64, 0, 0) } == -1"), SYSTEM), 2, "suspicious"),
    "opens-a-socket": (add(assure("unsafe { socket(2, 1, 0) } == -1 && std::net::TcpListener::bind(\"127.0.0.1:0\").is_err()"), SYSTEM), 2, "suspicious"),
    "starts-programs": (add(assure('std::process::Command::new("ls").status().is_err()')), 2, "suspicious"),
    "reads-the-system": (add(assure('std::fs::read("/etc/passwd").is_err() && std::fs::read_dir("/").is_err() && std::fs::read_dir("/root").is_err()')), 2, ""),
    "reads-others": (add(assure('std::fs::read_dir("@ROOT@/submitted").is_err() && std::fs::read("@ROOT@/gradebook.db").is_err()')), 2, ""),
    "writes-the-gradebook": (add(assure('std::fs::write("@ROOT@/ours/gradebook.db", "x").is_err() && std::fs::write("@ROOT@/evil", "x").is_err()')), 2, ""),
    "reads-the-data": (add(assure('std::fs::read_dir("@HOME@/data").is_ok() && std::fs::write("@HOME@/data/evil", "x").is_err()')), 2, ""),
    "reads-its-memory": (add(assure("!holds_the_tests()"), SCAN), 2, ""),
    "lists-compiled-tests": (add(assure('std::fs::read_dir("@CELLS@").is_err() && std::fs::write("@CELLS@/evil", "x").is_err()')), 2, ""),
    "includes-the-tests": (add(assure('include_str!("@SOURCE@").is_empty()')), 0, "compile-error"),
    "includes-the-system": (add(assure('include_str!("/etc/passwd").is_empty()')), 0, "compile-error"),
    "shell": (lambda one: one.insert(1, "!touch @ROOT@/evil; rm -rf @ROOT@/submitted"), 2, ""),
    "deep-brackets": (lambda one: one.insert(1, "let x = " + "(" * 30000 + "1" + ")" * 30000 + ";"), 2, ""),
    "endless-type": (lambda one: one.insert(1, "trait T { const N: usize; } struct A<X>(X); impl<X> T for A<X> where A<A<X>>: T { const N: usize = A::<A<X>>::N; } let n = <A<u8> as T>::N;"), 2, ""),
    "endless-constant": (lambda one: one.insert(1, "const N: u64 = { let mut i = 0_u64; while i < u64::MAX { i += 1; } i }; let n = N;"), 2, ""),
    "own-assert": (lambda one: one.write("add", "macro_rules! assert_eq { ($($t:tt)*) => {} }\n" + corpus.ADD.format("0")), 0, "wrong-value"),
    "own-verdict": (add('let mut c = Checks::new(); c.check("all", 2.0, || {}); c.score(); 0'), 0, "wrong-value"),
    "own-result": (add('course::rt::display::tail::result(Some(Bundle::text("2.0"))); 0'), 0, "forged"),
    "tests-replaced": (lambda one: one.write("add-tests", "2.0").write("add", corpus.ADD.format("0")), 0, "locked-changed"),
    "tests-skipped": (lambda one: (one["add-tests"]["metadata"].update(tags=["skip-execution"]), one.write("add", corpus.ADD.format("0"))), 0, "metadata-changed"),
    "flags-changed": (lambda one: (one.mark("add-tests", grade=False, solution=True), one.write("add", corpus.ADD.format("0"))), 0, "metadata-changed"),
    "points-changed": (lambda one: one.mark("add-tests", points=1000), 2, "metadata-changed"),
    "id-taken": (lambda one: (one.mark("add-tests", grade_id="x"), one.insert(3, "2.0", metadata={"nbgrader": {"grade": True, "solution": False, "locked": False, "points": 2, "grade_id": "add-tests", "schema_version": 3}})), 2, "unknown-id"),
    "not-json": (lambda one: setattr(one, "raw", "{"), 0, ""),
    "not-text": (lambda one: setattr(one, "raw", "\x00\x01"), 0, ""),
    "deep-json": (lambda one: setattr(one, "raw", "[" * 100_000), 0, ""),
}


def submissions(released, root, home, cells, source):
    """All of them by name, with the folders that they go for filled in."""
    places = {"@ROOT@": str(root), "@HOME@": str(home), "@CELLS@": str(cells), "@SOURCE@": str(source)}
    found = {}
    for name, (change, _, _) in HOSTILE.items():
        one = corpus.solved(released)
        change(one)
        for cell in one.cells:
            if isinstance(cell["source"], str):
                for mark, place in places.items():
                    cell["source"] = cell["source"].replace(mark, place)
        found[name] = one
    return found
