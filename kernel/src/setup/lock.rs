//! One set-up at a time: a lock file in the cache folder.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};

use anyhow::{Context, Result};

use super::console::Console;
use super::place::Place;

/// The right to change the cache folder, held until it is dropped or the process ends.
pub(super) struct Turn {
    _file: File,
}

/// Takes the lock, or waits for the set-up that has it and says so.
///
/// # Errors
/// When the lock file cannot be made: a read-only or full disk, or a file system without locks.
pub(super) fn take(place: &Place) -> Result<Turn> {
    place.make_home()?;
    let path = place.home.join("setup.lock");
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .read(true)
        .write(true)
        .open(&path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) => wait(&mut file),
        Err(TryLockError::Error(error)) => Err(error),
        Ok(()) => Ok(()),
    };
    locked.with_context(|| format!("cannot lock {}", path.display()))?;
    write_owner(&mut file);
    Ok(Turn { _file: file })
}

fn wait(file: &mut File) -> std::io::Result<()> {
    let mut owner = String::new();
    file.read_to_string(&mut owner)?;
    let console = Console::begin("another set-up");
    console.say(&format!(
        "process {} is setting up the same folder; waiting for it to finish",
        owner.trim()
    ));
    file.lock()?;
    console.done("finished, going on");
    Ok(())
}

/// Leaves the process id for whoever waits. It is only told, never relied on, so a failure does not matter.
fn write_owner(file: &mut File) {
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "{}", std::process::id()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn the_second_waits_for_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place {
            home: folder.path().join("home"),
            checkout: folder.path().to_path_buf(),
        };
        let first = take(&place).unwrap();
        let (sender, receiver) = mpsc::channel();
        let second = std::thread::spawn(move || {
            let turn = take(&place).unwrap();
            sender.send(()).unwrap();
            drop(turn);
        });
        assert!(receiver.recv_timeout(Duration::from_millis(300)).is_err());
        drop(first);
        receiver.recv_timeout(Duration::from_secs(10)).unwrap();
        second.join().unwrap();
    }
}
