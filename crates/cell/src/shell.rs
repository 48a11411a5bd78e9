//! `!ls`: a line for the shell, whose output is the cell's.

use std::io::{self, PipeReader, Read};
use std::os::fd::AsRawFd;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::engine::failure;
use crate::event::{ErrorReport, Sink, StreamName};
use crate::group::Group;
use crate::output::Decoder;
use crate::rustc::Stop;

/// How often the learner's wish to stop is looked at when nothing is printed.
const TICK: Duration = Duration::from_millis(50);

/// How often a line that has closed its output is looked at.
const LAST_TICK: Duration = Duration::from_millis(2);

/// The most that is read at once, in bytes.
const CHUNK: usize = 64 << 10;

/// Runs a line in the shell and shows what it prints, as it comes. What goes to standard output and standard error
/// within the same instant may change places, as in a cell.
///
/// # Errors
/// When it cannot be started, fails, or is interrupted.
pub(crate) fn run(
    line: &str,
    folder: &Path,
    stop: &Stop,
    sink: &mut dyn Sink,
) -> Result<(), ErrorReport> {
    let broken = |error: io::Error| {
        let text = format!("cannot run the shell: {error}");
        failure("CommandError", &text)
    };
    let (stdout, their_stdout) = io::pipe().map_err(broken)?;
    let (stderr, their_stderr) = io::pipe().map_err(broken)?;
    let mut command = Command::new("sh");
    command
        .args(["-c", line])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(their_stdout)
        .stderr(their_stderr);
    let mut group = Group::start(&mut command).map_err(broken)?;
    // It holds the writing ends of the pipes, which would never close.
    drop(command);
    let mut outputs = [
        Output::new(stdout, StreamName::Stdout),
        Output::new(stderr, StreamName::Stderr),
    ];
    let status = loop {
        if stop.is_requested() {
            group.kill();
            let _ = group.leader.wait();
            return Err(crate::compile::interrupted());
        }
        if wait_for(&mut outputs) {
            for output in outputs.iter_mut().filter(|output| output.is_ready) {
                output.pass_on(sink);
            }
        } else if let Some(status) = group.leader.try_wait().map_err(broken)? {
            break status;
        }
    };
    ended(line, status)
}

fn ended(line: &str, status: ExitStatus) -> Result<(), ErrorReport> {
    if status.success() {
        return Ok(());
    }
    let text = format!("`{line}` ended with {status}");
    Err(failure("CommandError", &text))
}

/// One end of a pipe with its decoder.
struct Output {
    pipe: Option<PipeReader>,
    decoder: Decoder,
    /// Whether there is something to read, be it the end.
    is_ready: bool,
}

impl Output {
    fn new(pipe: PipeReader, name: StreamName) -> Self {
        Self {
            pipe: Some(pipe),
            decoder: Decoder::new(name),
            is_ready: false,
        }
    }

    /// Shows what there is, without waiting for more.
    fn pass_on(&mut self, sink: &mut dyn Sink) {
        let Some(pipe) = &mut self.pipe else { return };
        let nowhere = |_: &str, _, _| None;
        let mut chunk = [0; CHUNK];
        let events = match pipe.read(&mut chunk) {
            Ok(length @ 1..) => self.decoder.take(&chunk[..length], &nowhere),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return,
            Ok(0) | Err(_) => {
                self.pipe = None;
                self.decoder.finish(&nowhere)
            }
        };
        events.into_iter().for_each(|event| sink.event(event));
    }
}

/// Waits a little for output, and marks what can be read. False when both pipes are closed.
fn wait_for(outputs: &mut [Output; 2]) -> bool {
    let mut waited = outputs.each_ref().map(|output| libc::pollfd {
        // Negative numbers are passed over.
        fd: output.pipe.as_ref().map_or(-1, AsRawFd::as_raw_fd),
        events: libc::POLLIN,
        revents: 0,
    });
    if waited.iter().all(|one| one.fd < 0) {
        std::thread::sleep(LAST_TICK);
        return false;
    }
    // SAFETY: the array is valid for its length; an interrupted call is like one that timed out.
    unsafe {
        libc::poll(
            waited.as_mut_ptr(),
            waited.len() as libc::nfds_t,
            TICK.as_millis() as libc::c_int,
        )
    };
    for (output, one) in outputs.iter_mut().zip(waited) {
        output.is_ready = one.revents != 0;
    }
    true
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use super::*;
    use crate::event::Event;

    fn run_here(line: &str) -> (Result<(), ErrorReport>, String, String) {
        let mut events = Vec::new();
        let ended = run(line, Path::new("/"), &Stop::default(), &mut events);
        let mut said = (String::new(), String::new());
        for event in events {
            match event {
                Event::Stream {
                    name: StreamName::Stdout,
                    text,
                } => said.0.push_str(&text),
                Event::Stream {
                    name: StreamName::Stderr,
                    text,
                } => said.1.push_str(&text),
                other => panic!("{other:?}"),
            }
        }
        (ended, said.0, said.1)
    }

    #[test]
    fn each_stream_arrives_as_itself_and_whole() {
        let (ended, stdout, stderr) = run_here("seq 100000; echo wrong >&2; printf größe; exit 3");
        assert_eq!(stdout.lines().count(), 100_001);
        assert!(stdout.ends_with("100000\ngröße"));
        assert_eq!(stderr, "wrong\n");
        assert!(ended.unwrap_err().evalue.contains("exit status: 3"));
    }

    #[test]
    fn a_line_that_has_closed_its_output_is_waited_for() {
        let (ended, ..) = run_here("exec >&- 2>&-; sleep 0.1; exit 4");
        assert!(ended.unwrap_err().evalue.contains("exit status: 4"));
    }

    /// Asks for a stop at the first output.
    struct Impatient(Arc<Stop>, usize);

    impl Sink for Impatient {
        fn event(&mut self, event: Event) {
            if let Event::Stream { text, .. } = event {
                self.1 += text.len();
            }
            self.0.request();
        }
    }

    #[test]
    fn a_flood_and_all_that_a_line_has_started_end_with_an_interrupt() {
        let stop = Arc::<Stop>::default();
        let mut sink = Impatient(Arc::clone(&stop), 0);
        let began = Instant::now();
        let line = "sleep 1000 & yes; echo never";
        let ended = run(line, Path::new("/"), &stop, &mut sink);
        assert_eq!(ended.unwrap_err().ename, "Interrupted");
        assert!(sink.1 <= 2 * CHUNK, "{} bytes after the interrupt", sink.1);
        assert!(began.elapsed() < Duration::from_secs(10));
    }
}
