//! A compiler that has been started before there is anything to compile.
//!
//! Loading the compiler takes a sixth of the time of a small cell, and needs to know nothing of the cell: it gets
//! its arguments through a pipe, and waits for them. The pipe is its leash, too: when the kernel is gone, it closes,
//! and a compiler that is told nothing ends.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Starts compilers, and keeps one that waits if asked to.
#[derive(Debug, Clone)]
pub(crate) struct Compilers {
    rustc: PathBuf,
    /// Where they are started; the names of files that they are given are whole.
    folder: PathBuf,
    waiting: Arc<Mutex<Option<Waiting>>>,
}

impl Compilers {
    pub(crate) fn new(rustc: &Path, folder: &Path) -> Self {
        Self {
            rustc: rustc.to_path_buf(),
            folder: folder.to_path_buf(),
            waiting: Arc::default(),
        }
    }

    /// Starts a compiler that waits for the next crate, unless one does already.
    pub(crate) fn prepare(&self) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.is_none() {
            let folder = self.number_of_folder();
            // What keeps it from starting will be told when it is needed.
            let child = self.start([ARGUMENTS.into()], Stdio::piped()).ok();
            *waiting = child.map(|child| Waiting {
                child: Some(child),
                folder,
            });
        }
    }

    /// A compiler at work with these arguments, its messages on its standard error.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn work(&self, arguments: Vec<OsString>) -> io::Result<Child> {
        let waiting = self
            .waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
            // In a folder that is gone, or another by the same name now, it could do nothing.
            .filter(|waiting| waiting.folder == self.number_of_folder());
        let told = waiting
            .zip(as_text(&arguments))
            .map(|(waiting, text)| waiting.tell(&text));
        match told {
            Some(Ok(child)) => Ok(child),
            // Nobody waits, or it has died meanwhile.
            _ => self.start(arguments, Stdio::null()),
        }
    }

    fn number_of_folder(&self) -> Option<u64> {
        Some(fs::metadata(&self.folder).ok()?.ino())
    }

    fn start(
        &self,
        arguments: impl IntoIterator<Item = OsString>,
        input: Stdio,
    ) -> io::Result<Child> {
        let mut command = Command::new(&self.rustc);
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env_remove("RUSTFLAGS")
            .env("LC_ALL", "C")
            .stdin(input)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .process_group(0);
        end_with_this_process(&mut command);
        command.spawn()
    }
}

/// Where a waiting compiler finds its arguments, a line each.
const ARGUMENTS: &str = "@/dev/stdin";

/// The arguments as they are told to a waiting compiler; `None` if they cannot be.
fn as_text(arguments: &[OsString]) -> Option<String> {
    let mut text = String::new();
    for argument in arguments {
        let argument = argument
            .to_str()
            .filter(|argument| !argument.contains('\n'))?;
        text.push_str(argument);
        text.push('\n');
    }
    Some(text)
}

/// A compiler without work. It is ended when it goes out of scope.
#[derive(Debug)]
struct Waiting {
    child: Option<Child>,
    /// The number of the folder that it was started in.
    folder: Option<u64>,
}

impl Waiting {
    fn tell(mut self, arguments: &str) -> io::Result<Child> {
        let input = self.child.as_mut().and_then(|child| child.stdin.take());
        // It begins when the pipe is closed.
        input
            .ok_or(io::ErrorKind::BrokenPipe)?
            .write_all(arguments.as_bytes())?;
        self.child.take().ok_or(io::ErrorKind::BrokenPipe.into())
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A kernel that is killed takes along a compiler that may never end by itself.
pub(crate) fn end_with_this_process(command: &mut Command) {
    // SAFETY: between fork and exec only a system call is made, which neither allocates nor takes a lock.
    unsafe {
        command.pre_exec(|| {
            libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
            Ok(())
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a compiler says to an argument that there is not.
    fn complaint(compilers: &Compilers) -> String {
        let mut child = compilers.work(vec!["--bogus".into()]).unwrap();
        let said = io::read_to_string(child.stderr.take().unwrap()).unwrap();
        assert!(!child.wait().unwrap().success());
        said
    }

    #[test]
    fn one_that_waits_does_the_same_work() {
        let folder = tempfile::tempdir().unwrap();
        let compilers = Compilers::new(
            &Path::new(env!("CVSTUDY_SYSROOT")).join("bin/rustc"),
            folder.path(),
        );
        let fresh = complaint(&compilers);
        assert!(fresh.contains("bogus"), "{fresh}");
        compilers.prepare();
        assert_eq!(complaint(&compilers), fresh);
        assert!(compilers.waiting.lock().unwrap().is_none());
    }

    #[test]
    fn one_that_has_died_is_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let compilers = Compilers::new(
            &Path::new(env!("CVSTUDY_SYSROOT")).join("bin/rustc"),
            folder.path(),
        );
        compilers.prepare();
        if let Some(child) = compilers
            .waiting
            .lock()
            .unwrap()
            .as_mut()
            .and_then(|waiting| waiting.child.as_mut())
        {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        assert!(complaint(&compilers).contains("bogus"));
    }

    #[test]
    fn arguments_of_more_than_a_line_are_not_told() {
        assert_eq!(as_text(&["a".into(), "b".into()]), Some("a\nb\n".into()));
        assert_eq!(as_text(&["a\nb".into()]), None);
    }
}
