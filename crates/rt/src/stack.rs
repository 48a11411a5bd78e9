//! Which of the learner's lines are on the stack.

use std::collections::BTreeMap;
use std::ffi::{CStr, c_void};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use addr2line::Loader;

use crate::frame::Place;

/// More frames than this are recursion, of which the innermost say enough.
const MOST_FRAMES: usize = 64;

/// The learner's own lines on the stack of this thread, innermost first.
///
/// Only addresses inside of compiled cells are looked up: reading libtorch's symbols would take a second. Each
/// library is read for itself, because what looks up all libraries of a process makes its list of them once,
/// and cells come later.
pub(crate) fn cell_frames() -> Vec<Place> {
    let mut addresses = Vec::new();
    backtrace::trace(|frame| {
        // A return address points behind the call; one byte back is inside it.
        addresses.extend(in_a_cell(frame.ip().wrapping_byte_sub(1)));
        addresses.len() < MOST_FRAMES
    });
    let mut loaders = BTreeMap::new();
    let mut places = Vec::new();
    for (library, address) in addresses {
        let loader = loaders
            .entry(library)
            .or_insert_with_key(|library| Loader::new(library).ok());
        if let Some(loader) = loader {
            places.extend(places_at(loader, address));
        }
    }
    places.dedup();
    places
}

/// The places that one address stands for: a function that was inlined has its own.
fn places_at(loader: &Loader, address: u64) -> Vec<Place> {
    let mut places = Vec::new();
    let Ok(mut frames) = loader.find_frames(address) else {
        return places;
    };
    while let Ok(Some(frame)) = frames.next() {
        let Some(location) = frame.location else {
            continue;
        };
        let file = location.file.and_then(|file| Path::new(file).file_name());
        let Some(file) = file.and_then(|file| file.to_str()) else {
            continue;
        };
        if let (true, Some(line)) = (file.starts_with("cell_"), location.line) {
            places.push(Place {
                file: file.to_string(),
                line,
                column: location.column.unwrap_or(1),
            });
        }
    }
    places
}

/// The cell's library that an address is in, and where in it.
fn in_a_cell(address: *mut c_void) -> Option<(PathBuf, u64)> {
    // SAFETY: a zeroed Dl_info is valid (all pointers null).
    let mut info: libc::Dl_info = unsafe { std::mem::zeroed() };
    // SAFETY: dladdr accepts any address and writes to `info` alone.
    if unsafe { libc::dladdr(address, &mut info) } == 0 || info.dli_fname.is_null() {
        return None;
    }
    // SAFETY: dladdr succeeded, so the name is a C string that lives as long as its library, which is never unloaded.
    let path = unsafe { CStr::from_ptr(info.dli_fname) };
    let path = Path::new(std::ffi::OsStr::from_bytes(path.to_bytes()));
    let is_cell = path
        .file_name()
        .is_some_and(|name| name.as_bytes().starts_with(b"libcell_"));
    is_cell.then(|| {
        let offset = (address as usize).wrapping_sub(info.dli_fbase as usize);
        (path.to_path_buf(), offset as u64)
    })
}
