//! One process at a time: a lock that the system takes back when its holder is gone.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::DataError;

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(20);

/// Held until it is dropped, or its process has ended in whatever way.
pub(crate) struct Lock {
    /// Closing it ends the lock.
    _file: File,
}

impl Lock {
    /// Waits until no other has the lock of this file, which is made. `tell` is called when there is waiting to do.
    pub(crate) fn take(path: &Path, tell: impl FnOnce()) -> Result<Self, DataError> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(path)
            .map_err(DataError::io("cannot be written", path))?;
        let mut tell = Some(tell);
        loop {
            rt::checkpoint();
            match file.try_lock() {
                Err(TryLockError::WouldBlock) => {
                    if let Some(tell) = tell.take() {
                        tell();
                    }
                    thread::sleep(PAUSE);
                }
                // A file system that knows no locks is used without.
                Ok(()) | Err(TryLockError::Error(_)) => return Ok(Self { _file: file }),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[test]
    fn one_has_it_and_the_next_waits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = Lock::take(&path, || panic!("nobody has it")).unwrap();
        let (sender, told) = channel();
        thread::scope(|scope| {
            let second = scope.spawn(|| {
                let lock = Lock::take(&path, || sender.send(()).unwrap());
                assert!(lock.is_ok());
            });
            told.recv().unwrap();
            assert!(!second.is_finished());
            drop(first);
        });
    }
}
