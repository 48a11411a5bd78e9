//! The containers: zip (PyTorch since 1.6), the format before that, and safetensors.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use tch::{Kind, Tensor};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::pickle::pickle;
use super::storage::{Storages, resolve};
use super::unpickle::unpickle;
use super::{Problem, StateDict, Value, atomic, legacy, problem};

/// The most that the structure of a file may take, its tensors' numbers aside. Thousands of tensors need less than
/// a hundredth of it.
pub(super) const MAX_PICKLE: u64 = 16 << 20;

/// Reads a file of any of the containers, told apart by their first bytes.
pub(super) fn read(path: &Path) -> Result<Value, Problem> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut start = [0; 265];
    let read = read_up_to(&mut file, &mut start)?;
    let start = &start[..read];
    file.seek(SeekFrom::Start(0))?;
    if start.starts_with(b"PK\x03\x04") {
        read_zip(file, length)
    } else if start.starts_with(b"\x80") {
        legacy::read(file, length)
    } else if start.get(8) == Some(&b'{') {
        let tensors: StateDict = Tensor::read_safetensors(path)?.into_iter().collect();
        Ok(tensors.to_value())
    } else if start.get(257..262) == Some(b"ustar") {
        problem(
            "it is in PyTorch's format of 2016, a tar. Let Python read and save it again: \
             torch.save(torch.load(\"old.pth\"), \"new.pth\")",
        )
    } else if start.is_empty() {
        problem("the file is empty")
    } else {
        problem("it is neither a .pth of PyTorch nor a .safetensors")
    }
}

fn read_up_to(file: &mut File, buffer: &mut [u8]) -> Result<usize, Problem> {
    let mut read = 0;
    loop {
        match file.read(&mut buffer[read..])? {
            0 => return Ok(read),
            more => read += more,
        }
    }
}

/// Zip: `NAME/data.pkl` is the structure, `NAME/data/0` and so on the numbers.
fn read_zip(file: File, length: u64) -> Result<Value, Problem> {
    let mut archive = ZipArchive::new(file)?;
    let names: Vec<String> = archive
        .file_names()
        .map(|name| Ok(name?.into_owned()))
        .collect::<Result<_, Problem>>()?;
    let Some(folder) = names.iter().find_map(|name| name.strip_suffix("data.pkl")) else {
        return problem("it is a zip, but not one of PyTorch: there is no data.pkl in it");
    };
    if names
        .iter()
        .any(|name| name == &format!("{folder}constants.pkl"))
    {
        return problem(
            "it is a TorchScript program, not weights: save model.state_dict() instead",
        );
    }
    let mut budget = length;
    let byteorder = format!("{folder}byteorder");
    if names.contains(&byteorder) && entry(&mut archive, &byteorder, &mut budget)? != b"little" {
        return problem("its numbers are in the byte order of other machines");
    }
    let structure = format!("{folder}data.pkl");
    let mut budget_of_structure = MAX_PICKLE.min(length);
    let bytes = entry(&mut archive, &structure, &mut budget_of_structure)?;
    let (pickle, _) = unpickle(&bytes)?;
    let folder = folder.to_owned();
    resolve(
        &pickle,
        &mut Entries {
            archive,
            folder,
            budget,
        },
    )
}

/// The storages of a zip.
struct Entries {
    archive: ZipArchive<File>,
    folder: String,
    /// Bytes that may still be read: as many as the file has, so entries that overlap cannot make more of them.
    budget: u64,
}

impl Storages for Entries {
    fn read(&mut self, key: &str, _: Kind) -> Result<Vec<u8>, Problem> {
        let name = format!("{}data/{key}", self.folder);
        entry(&mut self.archive, &name, &mut self.budget)
    }
}

/// All bytes of an entry, whose number is taken from the budget.
fn entry(archive: &mut ZipArchive<File>, name: &str, budget: &mut u64) -> Result<Vec<u8>, Problem> {
    let mut entry = archive.by_name(name)?;
    if entry.compression() != CompressionMethod::Stored {
        return problem("its entries are compressed, which PyTorch never does");
    }
    let size = entry.size();
    if size > *budget {
        return problem("its entries are larger than the file, or than weights need");
    }
    *budget -= size;
    let mut bytes = vec![0; size as usize];
    entry.read_exact(&mut bytes)?;
    // The end is where the checksum is compared.
    entry
        .read_exact(&mut [0])
        .map_or(Ok(()), |()| problem("an entry is longer than it says"))?;
    Ok(bytes)
}

/// Writes a file as `torch.save` does.
pub(super) fn write(path: &Path, value: &Value) -> Result<(), Problem> {
    atomic::write(path, |file| write_zip(file, value))
}

/// Writes a zip as `torch.save` does.
pub(super) fn write_zip(to: impl Write + Seek, value: &Value) -> Result<(), Problem> {
    let (structure, storages) = pickle(value)?;
    let mut archive = ZipWriter::new(BufWriter::new(UntilFailure {
        to,
        pretended: None,
    }));
    // PyTorch maps files into memory, and wants numbers at multiples of 64 bytes.
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .with_alignment(64)
        .large_file(true);
    let mut entry = |name: &str, bytes: &[u8]| -> Result<(), Problem> {
        archive.start_file(format!("archive/{name}"), options)?;
        Ok(archive.write_all(bytes)?)
    };
    entry("data.pkl", &structure)?;
    entry("byteorder", b"little")?;
    for (key, tensor) in storages.iter().enumerate() {
        rt::checkpoint();
        entry(&format!("data/{key}"), &bytes(tensor)?)?;
    }
    entry("version", b"3\n")?;
    Ok(archive.finish()?.flush()?)
}

/// A file, until a write fails; then it takes everything in silence. For `ZipWriter` writes on while it is dropped, and
/// tells the standard error that it cannot.
struct UntilFailure<W> {
    to: W,
    /// Where it pretends to be after a failure
    pretended: Option<u64>,
}

impl<W: Write + Seek> UntilFailure<W> {
    fn noting<T>(&mut self, outcome: io::Result<T>) -> io::Result<T> {
        if let Err(error) = &outcome
            && error.kind() != io::ErrorKind::Interrupted
        {
            self.pretended = Some(self.to.stream_position().unwrap_or(0));
        }
        outcome
    }
}

impl<W: Write + Seek> Write for UntilFailure<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(position) = &mut self.pretended {
            *position += bytes.len() as u64;
            return Ok(bytes.len());
        }
        let outcome = self.to.write(bytes);
        self.noting(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.pretended.is_some() {
            return Ok(());
        }
        let outcome = self.to.flush();
        self.noting(outcome)
    }
}

impl<W: Write + Seek> Seek for UntilFailure<W> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let Some(position) = &mut self.pretended else {
            return self.to.seek(to);
        };
        *position = match to {
            SeekFrom::Start(place) => place,
            SeekFrom::Current(by) => position.saturating_add_signed(by),
            SeekFrom::End(_) => *position,
        };
        Ok(*position)
    }
}

/// The numbers of a tensor one after the other, little end first.
fn bytes(tensor: &Tensor) -> Result<Vec<u8>, Problem> {
    let tensor = tensor
        .detach()
        .f_to_device(tch::Device::Cpu)?
        .f_contiguous()?;
    let mut bytes = vec![0; tensor.numel() * tensor.f_kind()?.elt_size_in_bytes()];
    tensor.f_copy_data_u8(&mut bytes, tensor.numel())?;
    Ok(bytes)
}

/// Writes safetensors.
pub(super) fn write_safetensors(path: &Path, weights: &StateDict) -> Result<(), Problem> {
    let tensors = weights
        .iter()
        .map(|(name, tensor)| {
            let tensor = tensor
                .detach()
                .f_to_device(tch::Device::Cpu)?
                .f_contiguous()?;
            Ok((name, tensor))
        })
        .collect::<Result<Vec<_>, Problem>>()?;
    atomic::replace(path, |temporary| {
        Ok(Tensor::write_safetensors(&tensors, temporary)?)
    })
}
