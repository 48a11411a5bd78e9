//! PyTorch's format before version 1.6: pickles one after the other, then the numbers.

use std::collections::HashMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};

use tch::Kind;

use super::pth::MAX_PICKLE;
use super::storage::{Storages, resolve};
use super::unpickle::{Node, Pickle, unpickle};
use super::{Problem, Value, problem};

/// The number that such files begin with.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
const PROTOCOL: i64 = 1001;

/// Reads magic number, protocol, system, value, keys of storages; behind them, for each key, how many elements the
/// storage has (an i64), and the elements.
pub(super) fn read(mut file: File, length: u64) -> Result<Value, Problem> {
    let mut start = Vec::new();
    file.by_ref().take(MAX_PICKLE).read_to_end(&mut start)?;
    let mut at = 0;
    let mut next = || {
        let (pickle, length) = unpickle(&start[at..])?;
        at += length;
        Ok::<_, Problem>(pickle)
    };
    match next()?.root_node() {
        Node::Long(magic) if **magic == MAGIC => {}
        _ => return problem("it is a pickle, but not one of PyTorch"),
    }
    match next()?.root_node() {
        Node::Int(PROTOCOL) => {}
        _ => return problem("it is in a version of PyTorch's old format that is not known"),
    }
    if !is_little_endian(&next()?) {
        return problem("its numbers are in the byte order of other machines");
    }
    let value = next()?;
    let keys = next()?;
    let mut storages = Storage {
        file,
        length,
        kinds: kinds(&value),
        places: HashMap::new(),
    };
    storages.find(&keys, at as u64)?;
    resolve(&value, &mut storages)
}

fn is_little_endian(system: &Pickle) -> bool {
    let Node::Dict(entries) = system.root_node() else {
        return false;
    };
    entries.iter().any(|(key, value)| {
        matches!(system.node(*key), Node::Text(key) if &**key == "little_endian")
            && matches!(system.node(*value), Node::Bool(true))
    })
}

/// The kinds of all storages that a pickle mentions: how long they are depends on it.
fn kinds(pickle: &Pickle) -> HashMap<String, Kind> {
    let storage = |node: &Node| match node {
        Node::Storage(storage) => Some((storage.key.as_ref().to_owned(), storage.kind)),
        _ => None,
    };
    pickle.nodes().iter().filter_map(storage).collect()
}

/// The storages of such a file.
struct Storage {
    file: File,
    length: u64,
    kinds: HashMap<String, Kind>,
    /// Where each begins, and its bytes
    places: HashMap<String, (u64, u64)>,
}

impl Storage {
    /// Walks from storage to storage.
    fn find(&mut self, keys: &Pickle, mut at: u64) -> Result<(), Problem> {
        let Node::List(ids) = keys.root_node() else {
            return problem("the file is damaged: its storages have no names");
        };
        for id in ids {
            let Node::Text(key) = keys.node(*id) else {
                return problem("the file is damaged: a storage has no name");
            };
            let Some(kind) = self.kinds.get(&**key) else {
                return problem("the file is damaged: it has a storage that no tensor uses");
            };
            self.file.seek(SeekFrom::Start(at))?;
            let mut elements = [0; 8];
            self.file.read_exact(&mut elements)?;
            at += 8;
            let size = u64::from_le_bytes(elements).checked_mul(kind.elt_size_in_bytes() as u64);
            let Some(size) = size.filter(|size| *size <= self.length.saturating_sub(at)) else {
                return problem("the file ends too early: copy or download it again");
            };
            self.places.insert(key.as_ref().to_owned(), (at, size));
            at += size;
        }
        Ok(())
    }
}

impl Storages for Storage {
    fn read(&mut self, key: &str, _: Kind) -> Result<Vec<u8>, Problem> {
        let Some((at, size)) = self.places.get(key) else {
            return problem("the file is damaged: a tensor's numbers are missing");
        };
        self.file.seek(SeekFrom::Start(*at))?;
        let mut bytes = vec![0; *size as usize];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }
}
