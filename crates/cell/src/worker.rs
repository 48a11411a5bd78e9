//! The kernel's side of a worker process.

use std::collections::VecDeque;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use rt::frame::{ToKernel, ToWorker, write_frame};

use crate::course::Course;
use crate::error::CellError;
use crate::event::{Event, StreamName};
use crate::output::Decoder;

/// The most that is read from a pipe at once, in bytes: one event.
const CHUNK: usize = 64 << 10;

/// How long to wait for room in a full socket before looking again, in milliseconds.
const FULL: i32 = 1000;
/// How long a process whose line is closed may take to end by itself.
const LAST_MOMENTS: Duration = Duration::from_millis(500);
/// What a stack overflow is called.
const TOO_DEEP: &str =
    "stack overflow: a function called itself too deeply, or a value is too large for the stack";
/// What a disturbed line is called.
const DISTURBED: &str = "its line to the kernel was cut: code in a cell closed or wrote to a file descriptor that it had not opened";

/// A worker process.
#[derive(Debug)]
pub struct Worker {
    process: Process,
    socket: UnixStream,
    /// Where messages to the worker go; shared with whoever interrupts.
    pub line: Line,
    stdout: Stream,
    stderr: Stream,
    received: Vec<u8>,
    frames: VecDeque<ToKernel>,
    ready: bool,
}

/// A process that this one has started, and has to wait for.
#[derive(Debug)]
pub(crate) struct Process {
    id: u32,
    /// How it ended, once that is known.
    status: Option<ExitStatus>,
}

/// One end of a pipe with its decoder.
#[derive(Debug)]
struct Stream {
    pipe: PipeReader,
    decoder: Decoder,
    open: bool,
}

/// A way to send messages to the worker of the day.
#[derive(Debug, Clone, Default)]
pub struct Line(Arc<Mutex<Option<UnixStream>>>);

impl Line {
    /// Sends a message; one that cannot be sent is for a worker that is gone.
    pub fn send(&self, message: &ToWorker) {
        if let Some(socket) = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_mut()
        {
            let _ = write_frame(&mut Patient(socket), message);
        }
    }

    fn connect(&self, socket: Option<UnixStream>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = socket;
    }
}

/// A nonblocking socket that is waited for when it is full; the worker always reads in the end.
struct Patient<'a>(&'a mut UnixStream);

impl Write for Patient<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.0.write(bytes) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut full = libc::pollfd {
                        fd: self.0.as_raw_fd(),
                        events: libc::POLLOUT,
                        revents: 0,
                    };
                    // SAFETY: one valid entry; an interrupted call is like one that timed out.
                    unsafe { libc::poll(&mut full, 1, FULL) };
                }
                other => return other,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// What came of waiting.
#[derive(Debug)]
pub enum News {
    /// A message, after all output that was printed before it.
    Message(ToKernel),
    /// Nothing but output, or nothing at all, in the time given.
    Quiet,
    /// The process has ended.
    Died(Death),
}

/// How a worker ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Death {
    /// One line for the learner.
    pub what: String,
}

/// The name of the hidden subcommand that turns the program into a worker.
pub const SUBCOMMAND: &str = "worker";

impl Worker {
    /// Starts a process. It loads the course by itself; [`Worker::is_ready`] says when it has.
    ///
    /// # Errors
    /// When the process cannot be started.
    pub fn start(
        program: &Path,
        course: &Course,
        folder: &Path,
        line: &Line,
    ) -> Result<Self, CellError> {
        let broken = |error: io::Error| CellError::NoWorker(error.to_string());
        let (ours, theirs) = UnixStream::pair().map_err(broken)?;
        let (stdout, their_stdout) = io::pipe().map_err(broken)?;
        let (stderr, their_stderr) = io::pipe().map_err(broken)?;
        let mut command = Command::new(program);
        command
            .arg(SUBCOMMAND)
            .arg(&course.library)
            .current_dir(folder);
        command
            .stdin(Stdio::from(OwnedFd::from(theirs)))
            .stdout(their_stdout)
            .stderr(their_stderr);
        prepare(&mut command);
        // A group of its own: Ctrl-C in a terminal is for the front end, and what a cell starts ends with it.
        command.process_group(0);
        let process = Process::new(command.spawn().map_err(broken)?.id());
        Self::new(process, ours, stdout, stderr, line).map_err(broken)
    }

    /// Takes a process over whose other ends these are.
    pub(crate) fn new(
        process: Process,
        socket: UnixStream,
        stdout: PipeReader,
        stderr: PipeReader,
        line: &Line,
    ) -> io::Result<Self> {
        for descriptor in [socket.as_raw_fd(), stdout.as_raw_fd(), stderr.as_raw_fd()] {
            set_nonblocking(descriptor)?;
        }
        // Descriptors of one socket share the mode, so writes may find it full: `Patient` waits then.
        line.connect(Some(socket.try_clone()?));
        let stream = |pipe, name| Stream {
            pipe,
            decoder: Decoder::new(name),
            open: true,
        };
        Ok(Self {
            process,
            socket,
            line: line.clone(),
            stdout: stream(stdout, StreamName::Stdout),
            stderr: stream(stderr, StreamName::Stderr),
            received: Vec::new(),
            frames: VecDeque::new(),
            ready: false,
        })
    }

    /// The process's number.
    pub fn process(&self) -> u32 {
        self.process.id
    }

    /// Whether the course is loaded and cells can run.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Ends a process that does not answer any more.
    pub fn end(&mut self, place: Place<'_>, show: &mut dyn FnMut(Event)) -> Death {
        self.process.kill();
        let _ = self.bury(place, show);
        Death {
            what: "it did not answer an interrupt any more, so it was ended".into(),
        }
    }

    /// Waits for output or a message, and passes output on.
    pub fn wait(
        &mut self,
        timeout: Duration,
        place: Place<'_>,
        show: &mut dyn FnMut(Event),
    ) -> News {
        if self.frames.is_empty() {
            self.poll(timeout);
            let closed = self.receive();
            // What it has started may hold the line open after its end.
            let gone = closed || matches!(self.process.try_wait(), Ok(Some(_)));
            if gone && !closed {
                self.receive();
            }
            if gone && self.frames.is_empty() {
                return News::Died(self.bury(place, show));
            }
        }
        // What was printed before the next message is in the pipes by now: it goes first.
        self.drain(place, show);
        match self.frames.pop_front() {
            Some(ToKernel::Ready) => {
                self.ready = true;
                News::Quiet
            }
            Some(message) => News::Message(message),
            None => News::Quiet,
        }
    }

    fn poll(&self, timeout: Duration) {
        let mut waited: Vec<libc::pollfd> = vec![waiting_for(self.socket.as_raw_fd())];
        waited.extend(
            self.stdout
                .open
                .then(|| waiting_for(self.stdout.pipe.as_raw_fd())),
        );
        waited.extend(
            self.stderr
                .open
                .then(|| waiting_for(self.stderr.pipe.as_raw_fd())),
        );
        let timeout = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        // SAFETY: the array is valid for its length; an interrupted call is like one that timed out.
        unsafe { libc::poll(waited.as_mut_ptr(), waited.len() as libc::nfds_t, timeout) };
    }

    /// Reads what the socket has. True when the other end is closed, or what it says is not ours.
    fn receive(&mut self) -> bool {
        let mut chunk = [0; CHUNK];
        let mut closed = loop {
            match self.socket.read(&mut chunk) {
                Ok(0) => break true,
                Ok(length) => self.received.extend_from_slice(&chunk[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break error.kind() != io::ErrorKind::WouldBlock,
            }
        };
        let mut rest = &self.received[..];
        while let Some(length) = complete_frame(rest) {
            let mut frame = &rest[..length];
            match rt::frame::read_frame(&mut frame) {
                Ok(Some(message)) => self.frames.push_back(message),
                _ => closed = true,
            }
            rest = &rest[length..];
        }
        closed |= frame_length(rest).is_some_and(|length| length > rt::frame::MAX_FRAME);
        self.received = rest.to_vec();
        closed
    }

    fn drain(&mut self, place: Place<'_>, show: &mut dyn FnMut(Event)) {
        self.stdout.drain(place, show);
        self.stderr.drain(place, show);
    }

    /// Learns how the process ended, after its last output.
    fn bury(&mut self, place: Place<'_>, show: &mut dyn FnMut(Event)) -> Death {
        self.line.connect(None);
        let status = self.last_status();
        self.drain(place, show);
        for event in self
            .stdout
            .decoder
            .finish(place)
            .into_iter()
            .chain(self.stderr.decoder.finish(place))
        {
            show(event);
        }
        let what = match (self.stderr.decoder.fault.as_deref(), status) {
            (Some(rt::fault::OVERFLOW), _) => TOO_DEEP.into(),
            // Without last words there was no stack left to say them on.
            (None, Some(status)) if self.ready && status.signal() == Some(libc::SIGSEGV) => {
                format!(
                    "{TOO_DEEP}. It was in a thread, which has 2 MiB of stack: `std::thread::Builder` gives it more with `stack_size`"
                )
            }
            (_, Some(status)) => describe(status),
            (_, None) => DISTURBED.into(),
        };
        Death { what }
    }

    /// How the process ended; `None` when it had to be ended because it lives on behind a closed line.
    fn last_status(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + LAST_MOMENTS;
        while Instant::now() < deadline {
            if let Ok(Some(status)) = self.process.try_wait() {
                return Some(status);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        self.process.kill();
        let _ = self.process.wait();
        None
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.line.connect(None);
        self.process.kill();
        let _ = self.process.wait();
    }
}

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self { id, status: None }
    }

    /// Waits for its end.
    pub(crate) fn wait(&mut self) -> io::Result<ExitStatus> {
        loop {
            if let Some(status) = self.ask(0)? {
                return Ok(status);
            }
        }
    }

    /// How it ended, if it has.
    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        self.ask(libc::WNOHANG)
    }

    fn ask(&mut self, options: libc::c_int) -> io::Result<Option<ExitStatus>> {
        if self.status.is_some() {
            return Ok(self.status);
        }
        let id = libc::pid_t::try_from(self.id).map_err(io::Error::other)?;
        let mut status = 0;
        // SAFETY: the status is ours to be written to.
        match unsafe { libc::waitpid(id, &raw mut status, options) } {
            -1 => match io::Error::last_os_error() {
                error if error.kind() == io::ErrorKind::Interrupted => Ok(None),
                error => Err(error),
            },
            ended if ended == id => {
                self.status = Some(ExitStatus::from_raw(status));
                Ok(self.status)
            }
            _ => Ok(None),
        }
    }

    /// Makes it the leader of a group of its own; 0 is the calling process.
    pub(crate) fn lead_a_group(&self) {
        if let Ok(id) = libc::pid_t::try_from(self.id) {
            // SAFETY: changes a number of the process. Parent and child both do it, so that it has been done
            // before either goes on; the second call fails and does no harm.
            unsafe { libc::setpgid(id, id) };
        }
    }

    /// Ends it, and all in its group.
    fn kill(&self) {
        if let Ok(group) = libc::pid_t::try_from(self.id) {
            // SAFETY: sends a signal to the group that was made for it; its leader has not been waited for, or is
            // gone, in which case what it started is still in the group.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
    }
}

/// Names places in cells; see [`crate::output::rename_places`].
pub type Place<'a> = &'a dyn Fn(&str, usize, usize) -> Option<String>;

impl Stream {
    fn drain(&mut self, place: Place<'_>, show: &mut dyn FnMut(Event)) {
        let mut chunk = [0; CHUNK];
        while self.open {
            match self.pipe.read(&mut chunk) {
                Ok(0) => self.open = false,
                Ok(length) => self
                    .decoder
                    .take(&chunk[..length], place)
                    .into_iter()
                    .for_each(&mut *show),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(_) => self.open = false,
            }
        }
    }
}

fn waiting_for(descriptor: RawFd) -> libc::pollfd {
    libc::pollfd {
        fd: descriptor,
        events: libc::POLLIN,
        revents: 0,
    }
}

fn set_nonblocking(descriptor: RawFd) -> io::Result<()> {
    // SAFETY: reads and sets the flags of a descriptor that the caller holds open.
    let done = unsafe {
        let flags = libc::fcntl(descriptor, libc::F_GETFL);
        flags >= 0 && libc::fcntl(descriptor, libc::F_SETFL, flags | libc::O_NONBLOCK) >= 0
    };
    if done {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// The length of the first frame, its own length included, if all of it is there.
fn complete_frame(bytes: &[u8]) -> Option<usize> {
    let length = frame_length(bytes)?;
    (bytes.len() >= 4 + length).then_some(4 + length)
}

/// What the first frame says its length is.
fn frame_length(bytes: &[u8]) -> Option<usize> {
    bytes
        .first_chunk::<4>()
        .map(|length| u32::from_le_bytes(*length) as usize)
}

fn describe(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(rt::frame::LINE_CUT), _) => DISTURBED.into(),
        (Some(code), _) => format!("it exited with code {code} (`std::process::exit`)"),
        (_, Some(libc::SIGSEGV)) => "segmentation fault: memory was used that is not its own (`unsafe` code, most likely)".into(),
        (_, Some(libc::SIGBUS)) => "bus error: memory was used that is not there".into(),
        (_, Some(libc::SIGABRT)) => "it aborted (`std::process::abort`, a panic inside a panic, or memory that could not be had)".into(),
        (_, Some(libc::SIGKILL)) => "it was killed; when the machine runs out of memory, that is how it ends".into(),
        (_, Some(libc::SIGILL)) => "illegal instruction".into(),
        (_, Some(libc::SIGFPE)) => "arithmetic fault".into(),
        (_, Some(libc::SIGTERM)) => "it was told to end (SIGTERM)".into(),
        (_, Some(signal)) => format!("signal {signal}"),
        _ => "it ended".into(),
    }
}

/// Runs the course's own tool in this process, on this process's arguments, and returns its exit status.
///
/// # Errors
/// When the library cannot be loaded or is no course.
pub fn run_tool(library: &Path) -> Result<i32, CellError> {
    let broken = |error: libloading::Error| CellError::NoWorker(error.to_string());
    // SAFETY: the course is ours; loading it runs the initialisers of libtorch, which expect nothing.
    let course = unsafe { libloading::Library::new(library) }.map_err(broken)?;
    // SAFETY: the course defines this symbol with this type, see its `worker` module.
    let tool =
        unsafe { course.get::<extern "C" fn() -> i32>(b"cvstudy_tool\0") }.map_err(broken)?;
    let status = tool();
    // Not unloaded: libtorch's threads may be running still.
    std::mem::forget(course);
    Ok(status)
}

/// What the hidden subcommand does: loads the course named on the command line and hands the process over to it.
pub fn worker_main() -> ! {
    let problem = match std::env::args_os().nth(2) {
        None => "which course?".to_string(),
        Some(library) => match load(Path::new(&library)) {
            Ok(serve) => serve(),
            Err(error) => error.to_string(),
        },
    };
    eprintln!("cvstudy worker: {problem}");
    std::process::exit(2)
}

/// The course's entry point: serves a kernel on standard input.
pub(crate) type Entry = extern "C" fn() -> !;

/// Sets what libtorch reads while it is loaded.
pub(crate) fn prepare(command: &mut Command) {
    // libgomp's threads would wait for each other by spinning, which starves whatever else runs.
    command
        .env("OMP_WAIT_POLICY", "passive")
        .env("GOMP_SPINCOUNT", "0");
}

/// Loads the course for good.
pub(crate) fn load(library: &Path) -> Result<Entry, CellError> {
    let broken = |error: libloading::Error| {
        CellError::NoWorker(format!("cannot load {}: {error}", library.display()))
    };
    // SAFETY: the course is ours; loading it runs the initialisers of libtorch, which expect nothing.
    let course = unsafe { libloading::Library::new(library) }.map_err(broken)?;
    // SAFETY: the course defines this symbol with this type, see its `worker` module.
    let entry = unsafe { course.get::<Entry>(b"cvstudy_worker\0") }.map_err(broken)?;
    let entry = *entry;
    // Not unloaded: the entry point lies in it.
    std::mem::forget(course);
    Ok(entry)
}
