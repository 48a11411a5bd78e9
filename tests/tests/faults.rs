//! Faults put into the worker, the compiler and the cache while a notebook runs. Whatever happens, the cell says
//! what, and the next one runs.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use cell::event::{Event, Sink};
use cell::{Config, Engine, Interrupter};
use libtest_mimic::{Arguments, Failed, Trial};

/// The longest that a notebook may be out of service, in a machine with other work.
const PATIENCE: Duration = Duration::from_secs(60);

fn main() {
    // The engine calls its own program for a worker.
    if std::env::args()
        .nth(1)
        .is_some_and(|argument| argument == cell::worker::SUBCOMMAND)
    {
        cell::worker_main();
    }
    if std::env::args().nth(1).is_some_and(|word| word == HOST) {
        if let Err(error) = host() {
            println!("{error:#}");
        }
        return;
    }
    let in_cells = IN_CELLS.iter().map(|case| {
        let case = *case;
        Trial::test(format!("in a cell: {}", case.0), move || {
            told(in_a_cell(case))
        })
    });
    let from_outside: [(&str, Fault); 13] = [
        ("from outside: a kill at any moment", killed_at_any_moment),
        (
            "from outside: a kill between two cells",
            killed_between_cells,
        ),
        ("from outside: a kill before `:vars`", killed_before_vars),
        (
            "from outside: a kill of the kernel ends what cells have started",
            kernel_killed,
        ),
        (
            "a cell that was left behind does not slow the next ones down",
            left_behind,
        ),
        (
            "from outside: a kill while it waits for input",
            killed_at_input,
        ),
        (
            "from outside: a worker that is stopped and then interrupted",
            stopped,
        ),
        (
            "from outside: a worker that is stopped before it is ready",
            stopped_early,
        ),
        ("from outside: the compiler is killed", compiler_killed),
        ("cache: a library is cut short", library_cut),
        ("cache: a library is gone", library_gone),
        ("cache: a library is garbage", library_garbage),
        ("cache: the folder cannot be written to", cache_not_writable),
    ];
    let trials = in_cells.chain(
        from_outside
            .into_iter()
            .map(|(name, test)| Trial::test(name, move || told(test()))),
    );
    libtest_mimic::run(&Arguments::from_args(), trials.collect()).exit();
}

/// Puts a fault in and sees what comes of it.
type Fault = fn() -> Result<()>;

fn told(result: Result<()>) -> Result<(), Failed> {
    result.map_err(|error| format!("{error:#}").into())
}

/// What a cell does to its process, the code that does it, and a part of the message that has to come of it.
type InCell = (&'static str, &'static str, &'static str);

const IN_CELLS: &[InCell] = &[
    ("SIGTERM", "raise(15)", "SIGTERM"),
    ("SIGFPE", "raise(8)", "arithmetic"),
    ("SIGILL", "raise(4)", "illegal instruction"),
    ("SIGBUS", "raise(7)", "bus error"),
    ("SIGALRM", "raise(14)", "signal 14"),
    (
        "it closes all of its files",
        "for fd in 3..256 { close(fd); }",
        "line to the kernel",
    ),
    (
        "it writes noise on the kernel's line",
        "for fd in 3..64 { write(fd, b\"noise noise noise noise\".as_ptr().cast(), 23); } pause()",
        "line to the kernel",
    ),
    (
        "it announces a frame of four gigabytes",
        "for fd in 3..64 { write(fd, [255_u8; 8].as_ptr().cast(), 8); } pause()",
        "line to the kernel",
    ),
    (
        "it writes half a frame and ends",
        "for fd in 3..64 { write(fd, [200_u8, 0, 0, 0, 123].as_ptr().cast(), 5); } _exit(3)",
        "code 3",
    ),
    (
        "it ends and leaves a child on the line",
        "if fork() != 0 { _exit(4) } else { pause(); }",
        "code 4",
    ),
    ("its thread ends", "pthread_exit(std::ptr::null_mut())", ""),
    (
        "memory runs out",
        "no_more_memory(); let v = vec![1_u8; 1 << 34]; v.len()",
        "memory",
    ),
    (
        "it ends in a destructor",
        "struct Last; impl Drop for Last { fn drop(&mut self) { unsafe { _exit(9) } } } drop(Last)",
        "code 9",
    ),
];

/// What the cells call, without the libc crate.
const DECLARATIONS: &str = r#"
use std::ffi::{c_int, c_void};
unsafe extern "C" {
    fn raise(signal: c_int) -> c_int;
    fn close(fd: c_int) -> c_int;
    fn pause() -> c_int;
    fn fork() -> c_int;
    fn _exit(code: c_int) -> !;
    fn write(fd: c_int, bytes: *const c_void, length: usize) -> isize;
    fn pthread_exit(value: *mut c_void) -> !;
    fn setrlimit(what: c_int, limit: *const [u64; 2]) -> c_int;
}
fn no_more_memory() {
    unsafe { setrlimit(9, &[12 << 30, 12 << 30]) };
}
let before = 41;
"#;

fn in_a_cell((_, code, message): InCell) -> Result<()> {
    let mut notebook = Notebook::start()?;
    notebook.succeeds(DECLARATIONS)?;
    let error = notebook.fails(&format!("unsafe {{ {code} }};"))?;
    ensure!(error.contains("WorkerDied"), "{error}");
    ensure!(error.contains(message), "{error}");
    ensure!(
        error.contains("before"),
        "it does not say what is lost: {error}"
    );
    notebook.goes_on()?;
    // Items live on, and `:replay` brings the variables back.
    notebook.succeeds("no_more_memory as fn();")?;
    let error = notebook.fails("before + 1")?;
    ensure!(error.contains(":replay"), "{error}");
    notebook.succeeds(":replay")?;
    ensure!(notebook.value("before + 1")? == "42");
    Ok(())
}

fn killed_at_any_moment() -> Result<()> {
    let mut notebook = Notebook::start()?;
    for delay in [0, 1, 3, 10, 30, 60, 100, 150, 250, 400] {
        let worker = notebook.worker()?;
        let killer = thread::spawn(move || {
            thread::sleep(Duration::from_millis(delay));
            signal(worker, "KILL");
        });
        let code = format!(
            "let mut n = 0_u64; for i in 0..40 {{ n += i * {delay}; println!(\"{{i}}\"); \
             std::thread::sleep(std::time::Duration::from_millis(5)); }} n"
        );
        let mut outcome = notebook.run(&code);
        let _ = killer.join();
        if outcome.error.is_none() {
            // The cell was quicker: the next one is told.
            outcome = notebook.run("()");
        }
        if let Some(error) = outcome.error {
            ensure!(error.contains("it was killed"), "after {delay} ms: {error}");
        }
        notebook
            .goes_on()
            .with_context(|| format!("after a kill at {delay} ms"))?;
    }
    Ok(())
}

fn killed_between_cells() -> Result<()> {
    let mut notebook = Notebook::start()?;
    notebook.succeeds("let x = 1;")?;
    signal(notebook.worker()?, "KILL");
    thread::sleep(Duration::from_millis(50));
    let error = notebook.fails("x + 1")?;
    ensure!(
        error.contains("it was killed") && error.contains('x'),
        "{error}"
    );
    notebook.goes_on()
}

fn killed_before_vars() -> Result<()> {
    let mut notebook = Notebook::start()?;
    notebook.succeeds("let precious = 1;")?;
    signal(notebook.worker()?, "KILL");
    thread::sleep(Duration::from_millis(50));
    let error = notebook.fails(":vars")?;
    ensure!(
        error.contains("it was killed") && error.contains("precious"),
        "{error}"
    );
    notebook.goes_on()
}

/// What this program is called with to be a [`host`].
const HOST: &str = "host";

/// A notebook in a process of its own, for another to kill. It says which process its cell has started.
fn host() -> Result<()> {
    let mut notebook = Notebook::start()?;
    let code = "std::process::Command::new(\"sleep\").arg(\"600\").spawn()?.id()";
    println!("{}", notebook.value(code)?);
    thread::sleep(PATIENCE);
    Ok(())
}

fn kernel_killed() -> Result<()> {
    let mut kernel = Command::new(std::env::current_exe()?)
        .arg(HOST)
        .stdout(Stdio::piped())
        .spawn()?;
    let mut said = String::new();
    let output = kernel.stdout.take().context("it has no output")?;
    BufReader::new(output).read_line(&mut said)?;
    kernel.kill()?;
    kernel.wait()?;
    let started: u32 = said.trim().parse().with_context(|| said.clone())?;
    let deadline = Instant::now() + PATIENCE;
    while is_alive(started) {
        if Instant::now() > deadline {
            signal(started, "KILL");
            anyhow::bail!("it lives on");
        }
        thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// Whether a process runs; one that has ended may wait to be asked about that.
fn is_alive(process: u32) -> bool {
    let about = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let state = about.rsplit_once(") ").map_or("", |(_, rest)| rest);
    !state.is_empty() && !state.starts_with('Z')
}

fn left_behind() -> Result<()> {
    let mut notebook = Notebook::start()?;
    let before = time_of_a_loop(&mut notebook)?;
    notebook.interrupt_at_output = true;
    let error = notebook
        .fails("println!(\"begun\"); std::thread::sleep(std::time::Duration::from_secs(600));")?;
    notebook.interrupt_at_output = false;
    ensure!(error.contains("goes on in the background"), "{error}");
    let after = time_of_a_loop(&mut notebook)?;
    // A closer look at every turn would take some fifty times as long.
    ensure!(
        after < before * 10,
        "a loop takes {after:?}, and took {before:?}"
    );
    notebook.goes_on()
}

/// The least time of a few.
fn time_of_a_loop(notebook: &mut Notebook) -> Result<Duration> {
    let code = "let began = std::time::Instant::now(); let mut n = 1_u64; \
                for i in 0..20_000_000_u64 { n = n.wrapping_mul(31) ^ i; } \
                std::hint::black_box(n); began.elapsed().as_micros() as u64";
    let mut least = Duration::MAX;
    for _ in 0..4 {
        least = least.min(Duration::from_micros(notebook.value(code)?.parse()?));
    }
    Ok(least)
}

fn killed_at_input() -> Result<()> {
    let mut notebook = Notebook::start()?;
    notebook.succeeds("1 + 1")?;
    notebook.kill_at_input = true;
    let error = notebook.fails("let name = input(\"who?\"); name")?;
    ensure!(error.contains("it was killed"), "{error}");
    notebook.goes_on()
}

fn stopped() -> Result<()> {
    let mut notebook = Notebook::start()?;
    notebook.succeeds("let x = 1;")?;
    let worker = notebook.worker()?;
    let interrupter = notebook.engine.interrupter();
    let tormentor = thread::spawn(move || {
        thread::sleep(Duration::from_millis(700));
        signal(worker, "STOP");
        interrupter.interrupt();
    });
    let error =
        notebook.fails("loop { std::thread::sleep(std::time::Duration::from_millis(1)); }")?;
    let _ = tormentor.join();
    // On a busy machine the interrupt may be quicker than the stop; then the next cell meets it.
    ensure!(
        error.contains("did not answer") || error.contains("Interrupted"),
        "{error}"
    );
    if !error.contains("did not answer") {
        signal(worker, "CONT");
    }
    notebook.goes_on()
}

fn stopped_early() -> Result<()> {
    let mut notebook = Notebook::start()?;
    signal(notebook.worker()?, "STOP");
    let interrupter = notebook.engine.interrupter();
    let tormentor = thread::spawn(move || {
        thread::sleep(Duration::from_millis(1500));
        interrupter.interrupt();
    });
    let error = notebook.fails("1 + 1")?;
    let _ = tormentor.join();
    ensure!(error.contains("did not answer"), "{error}");
    notebook.goes_on()
}

fn compiler_killed() -> Result<()> {
    let cache = Cache::new()?;
    let mut notebook = cache.notebook()?;
    notebook.succeeds("1 + 1")?;
    let own = std::process::id();
    let folder = fs::canonicalize(cache.cells())?;
    let killer = thread::spawn(move || {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if let Some(compiler) = compiler_at_work(own, &folder) {
                signal(compiler, "KILL");
                return true;
            }
            thread::sleep(Duration::from_millis(1));
        }
        false
    });
    // Long enough to compile for the killer to be in time: each of these is optimised.
    let functions: String = (0..60)
        .map(|i| format!("fn cut_short_by_a_kill_{i}(v: &mut Vec<u64>) {{ for x in v.iter_mut() {{ *x = x.pow(3) % {}; }} v.sort(); v.dedup(); }}\n", i + own))
        .collect();
    let error = notebook.fails(&format!(
        "{functions} let mut v = vec![3]; cut_short_by_a_kill_0(&mut v); v"
    ))?;
    ensure!(
        killer.join().is_ok_and(|found| found),
        "no compiler was found"
    );
    ensure!(error.contains("signal: 9"), "{error}");
    notebook.goes_on()
}

fn library_cut() -> Result<()> {
    damaged("cut", |library| {
        let bytes = fs::read(library)?;
        Ok(fs::write(library, &bytes[..bytes.len() / 2])?)
    })
}

fn library_gone() -> Result<()> {
    damaged("gone", |library| Ok(fs::remove_file(library)?))
}

/// A cell that ran well comes from the cache in another notebook, where its library is no longer what it was.
fn damaged(word: &str, damage: impl Fn(&Path) -> Result<()>) -> Result<()> {
    let code = format!("let {word} = [1, 2, 3]; {word}.len()");
    let cache = Cache::new()?;
    let mut first = cache.notebook()?;
    ensure!(first.value(&code)? == "3");
    for library in cache.libraries()? {
        damage(&library)?;
    }
    let mut second = cache.notebook()?;
    ensure!(second.value(&code)? == "3");
    Ok(())
}

fn library_garbage() -> Result<()> {
    let cache = Cache::new()?;
    let code = "let garbage = [1, 2, 3]; garbage.len()";
    ensure!(cache.notebook()?.value(code)? == "3");
    for library in cache.libraries()? {
        let length = fs::metadata(&library)?.len();
        // Not over the file itself, which the first notebook has in memory.
        fs::remove_file(&library)?;
        fs::write(&library, vec![7; usize::try_from(length)?])?;
    }
    let mut notebook = cache.notebook()?;
    let error = notebook.fails(code)?;
    ensure!(error.contains("run the cell again"), "{error}");
    ensure!(notebook.value(code)? == "3");
    Ok(())
}

fn cache_not_writable() -> Result<()> {
    let cache = Cache::new()?;
    let mut notebook = cache.notebook()?;
    notebook.succeeds("1 + 1")?;
    let cells = cache.cells();
    fs::remove_dir_all(&cells)?;
    fs::write(&cells, "not a folder")?;
    let error = notebook.fails("1 + 2")?;
    let shown = cells.display().to_string();
    ensure!(error.contains(&shown), "it does not say where: {error}");
    fs::remove_file(&cells)?;
    ensure!(notebook.value("1 + 2")? == "3");
    Ok(())
}

/// A cache of compiled cells of its own, in a folder that goes away.
struct Cache(tempfile::TempDir);

impl Cache {
    fn new() -> Result<Self> {
        Ok(Self(tempfile::tempdir()?))
    }

    fn cells(&self) -> PathBuf {
        self.0.path().join("cells")
    }

    fn notebook(&self) -> Result<Notebook> {
        let mut config = Config::discover(self.0.path())?;
        config.course.cells = self.cells();
        Notebook::with(config)
    }

    fn libraries(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for cell in fs::read_dir(self.cells())? {
            for file in fs::read_dir(cell?.path())? {
                let path = file?.path();
                if path.extension().is_some_and(|extension| extension == "so") {
                    found.push(path);
                }
            }
        }
        ensure!(!found.is_empty(), "the cache holds no library");
        Ok(found)
    }
}

/// An engine, and how its cells end.
struct Notebook {
    engine: Engine,
    cells: usize,
    kill_at_input: bool,
    interrupt_at_output: bool,
}

/// What came of a cell.
#[derive(Default)]
struct Ended {
    error: Option<String>,
    value: Option<String>,
    /// The process to kill when the cell asks for input.
    victim: Option<u32>,
    /// What to interrupt the cell with when it prints something.
    interrupter: Option<Interrupter>,
}

impl Sink for Ended {
    fn event(&mut self, event: Event) {
        match event {
            Event::Error(report) => {
                self.error = Some(format!(
                    "{}: {}\n{}",
                    report.ename,
                    report.evalue,
                    report.traceback.join("\n")
                ));
            }
            Event::Result { bundle } => self.value = Some(bundle.plain().to_owned()),
            Event::Stream { .. } => {
                if let Some(interrupter) = self.interrupter.take() {
                    interrupter.interrupt();
                }
            }
            _ => {}
        }
    }

    fn input(&mut self, _prompt: &str, _password: bool) -> Option<String> {
        if let Some(victim) = self.victim {
            signal(victim, "KILL");
        }
        Some("nobody".into())
    }
}

impl Notebook {
    fn start() -> Result<Self> {
        Self::with(Config::discover(Path::new(env!("CARGO_MANIFEST_DIR")))?)
    }

    fn with(config: Config) -> Result<Self> {
        Ok(Self {
            engine: Engine::start(config)?,
            cells: 0,
            kill_at_input: false,
            interrupt_at_output: false,
        })
    }

    fn worker(&self) -> Result<u32> {
        self.engine.worker_process().context("there is no worker")
    }

    fn run(&mut self, code: &str) -> Ended {
        self.cells += 1;
        let mut ended = Ended {
            victim: self.engine.worker_process().filter(|_| self.kill_at_input),
            interrupter: (self.interrupt_at_output).then(|| self.engine.interrupter()),
            ..Ended::default()
        };
        self.engine
            .execute(&self.cells.to_string(), code, &mut ended);
        ended
    }

    fn succeeds(&mut self, code: &str) -> Result<Ended> {
        let ended = self.run(code);
        match &ended.error {
            None => Ok(ended),
            Some(error) => anyhow::bail!("`{code}` failed: {error}"),
        }
    }

    fn value(&mut self, code: &str) -> Result<String> {
        let ended = self.succeeds(code)?;
        ended
            .value
            .with_context(|| format!("`{code}` has no value"))
    }

    fn fails(&mut self, code: &str) -> Result<String> {
        let began = Instant::now();
        let ended = self.run(code);
        ensure!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
        ended
            .error
            .with_context(|| format!("`{code}` did not fail"))
    }

    /// The next cells run, tensors among them, and keep what they define.
    fn goes_on(&mut self) -> Result<()> {
        let began = Instant::now();
        ensure!(
            self.value(
                "let after = Tensor::ones([2, 3], (Kind::Float, Device::Cpu)); after.size()[1]"
            )? == "3"
        );
        ensure!(self.value("after.numel()")? == "6");
        ensure!(began.elapsed() < PATIENCE, "it took {:?}", began.elapsed());
        Ok(())
    }
}

fn signal(process: u32, name: &str) {
    let _ = Command::new("kill")
        .arg(format!("-{name}"))
        .arg(process.to_string())
        .status();
}

/// A child of a process that compiles something in this folder.
fn compiler_at_work(parent: u32, folder: &Path) -> Option<u32> {
    let children = fs::read_dir(format!("/proc/{parent}/task"))
        .ok()?
        .flatten()
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    let children: Vec<u32> = children
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|number| number.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect();
    children.into_iter().find(|child| {
        let is_here = fs::read_link(format!("/proc/{child}/cwd")).is_ok_and(|at| at == folder);
        // One that waits for something to compile has two threads: one only listens for signals.
        let threads = fs::read_dir(format!("/proc/{child}/task")).map_or(0, Iterator::count);
        is_here && threads > 2
    })
}
