//! A process together with all that it starts: ended at once, also when this process is killed.
//!
//! What a command starts is in the command's process group, and the group can be sent a signal. A kernel that is
//! killed sends none; so a small shell waits at a pipe of which the kernel holds the other end, its leash. When
//! the pipe closes, the shell ends the group.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use crate::ahead::end_with_this_process;

/// Waits for the end of its input, and ends a group.
const WATCH: &str = "read -r _; kill -9 \"-$1\"";

/// A process that leads a group of its own.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) leader: Child,
    /// Nobody, where there is no shell.
    watch: Option<Child>,
}

impl Group {
    /// Starts a command as the leader of a group.
    ///
    /// # Errors
    /// When it cannot be started.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        command.process_group(0);
        // The leader needs no shell for that, and is watched from its first moment.
        end_with_this_process(command);
        let leader = command.spawn()?;
        let watch = Command::new("sh")
            .args(["-c", WATCH, "sh"])
            .arg(leader.id().to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .ok();
        Ok(Self { leader, watch })
    }

    /// Ends all of it. Its leader must not have been waited for.
    pub(crate) fn kill(&mut self) {
        if let Ok(group) = libc::pid_t::try_from(self.leader.id()) {
            // SAFETY: sends a signal to the group that was made for the leader, whose number is still its own.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
    }
}

impl Drop for Group {
    /// What the leader has left running on purpose goes on; nobody watches it any more.
    fn drop(&mut self) {
        if let Some(watch) = &mut self.watch {
            let _ = watch.kill();
            let _ = watch.wait();
        }
    }
}
