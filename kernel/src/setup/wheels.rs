//! The Python wheels that hold libtorch: which ones, what is taken out of them, and how it is checked.
//!
//! The wheel for Linux is built for CUDA, but its CPU part stands alone. It wants two small libraries of
//! NVIDIA's to load, which come in wheels of their own, in the versions torch's own metadata asks for.
//! Any platform that has such wheels can be added here.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::place::make_folder;

/// A wheel of one exact content.
pub(super) struct Wheel {
    /// Project and version, as pip wants them. Three signs of equality keep builds such as `2.13.0+cpu` out.
    pub(super) requirement: &'static str,
    pub(super) file: &'static str,
    pub(super) bytes: u64,
    pub(super) sha256: &'static str,
    /// What pip has to be told to pick this file, whichever Python runs it.
    pub(super) tags: &'static [&'static str],
    /// Which members are wanted, and what replaces the start of their name.
    members: &'static [(&'static str, &'static str)],
}

/// libtorch 2.13.0 for the CPU, on Linux on x86-64.
pub(super) const WHEELS: [Wheel; 3] = [
    Wheel {
        requirement: "torch===2.13.0",
        file: "torch-2.13.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        bytes: 526_574_961,
        sha256: "60fcdcb2f3876e21146cb4524ef06397d727ca9ad5f020818547e25075fe3cb7",
        tags: &[
            "--implementation=cp",
            "--python-version=3.11",
            "--abi=cp311",
            "--platform=manylinux_2_28_x86_64",
        ],
        members: &[
            ("torch/lib/libc10.so", "lib/libc10.so"),
            ("torch/lib/libtorch_cpu.so", "lib/libtorch_cpu.so"),
            ("torch/lib/libgomp.so.1", "lib/libgomp.so.1"),
            ("torch/include/", "include/"),
            ("torch/version.py", "version.py"),
            ("torch-2.13.0.dist-info/licenses/LICENSE", "LICENSE"),
        ],
    },
    Wheel {
        requirement: "nvidia-cuda-runtime===13.0.96",
        file: "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        bytes: 2_243_632,
        sha256: "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
        tags: &["--platform=manylinux2014_x86_64"],
        members: &[("nvidia/cu13/lib/libcudart.so.13", "lib/libcudart.so.13")],
    },
    Wheel {
        requirement: "nvidia-cuda-cupti===13.0.85",
        file: "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        bytes: 10_715_597,
        sha256: "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
        tags: &["--platform=manylinux_2_25_x86_64"],
        members: &[
            ("nvidia/cu13/lib/libcupti.so.13", "lib/libcupti.so.13"),
            (
                "nvidia_cuda_cupti-13.0.85.dist-info/licenses/License.txt",
                "LICENSE.nvidia",
            ),
        ],
    },
];

/// The libraries those wheels leave behind, with their sizes in bytes.
pub(super) const LIBRARIES: [(&str, u64); 5] = [
    ("libc10.so", 1_623_185),
    ("libtorch_cpu.so", 438_418_417),
    ("libgomp.so.1", 254_009),
    ("libcudart.so.13", 704_288),
    ("libcupti.so.13", 4_152_208),
];

impl Wheel {
    /// Says whether a file is this wheel, by its size and its SHA-256.
    ///
    /// # Errors
    /// When the file is there and cannot be read.
    pub(super) fn matches(&self, path: &Path) -> Result<bool> {
        let Ok(meta) = path.metadata() else {
            return Ok(false);
        };
        if meta.len() != self.bytes {
            return Ok(false);
        }
        let mut hash = Sha256::new();
        File::open(path)
            .and_then(|mut file| {
                for_each_piece(&mut file, |bytes| {
                    hash.update(bytes);
                    Ok(())
                })
            })
            .with_context(|| format!("cannot read {}", path.display()))?;
        Ok(hex(&hash.finalize()) == self.sha256)
    }

    /// Unpacks the wanted members into `folder` and compares each with the wheel's own record.
    /// `progress` is told the bytes written since the last call, and the bytes there are.
    ///
    /// # Errors
    /// When the wheel is damaged, a member's content is not what the record says, or the disk is full.
    pub(super) fn unpack(
        &self,
        wheel: &Path,
        folder: &Path,
        progress: impl FnMut(u64, u64),
    ) -> Result<()> {
        unpack_members(wheel, self.members, folder, progress)
            .with_context(|| format!("cannot unpack {}", wheel.display()))
    }
}

fn unpack_members(
    wheel: &Path,
    members: &[(&str, &str)],
    folder: &Path,
    mut progress: impl FnMut(u64, u64),
) -> Result<()> {
    let mut archive = ZipArchive::new(BufReader::new(File::open(wheel)?))?;
    let record = read_record(&mut archive)?;
    let mut wanted = Vec::new();
    let mut total = 0;
    for index in 0..archive.len() {
        let member = archive.by_index_raw(index)?;
        if let (true, Some(target)) = (member.is_file(), target_of(&member.name()?, members)) {
            total += member.size();
            wanted.push((index, target));
        }
    }
    for (index, target) in wanted {
        let mut member = archive.by_index(index)?;
        let name = member.name()?.into_owned();
        let digest = write_member(&mut member, &folder.join(target), |bytes| {
            progress(bytes, total);
        })?;
        if record.get(&name) != Some(&digest) {
            bail!("{name} does not match the wheel's record");
        }
    }
    Ok(())
}

/// Where a member goes: the first matching rule's target, or nowhere. A name that would leave the folder goes nowhere.
fn target_of(name: &str, members: &[(&str, &str)]) -> Option<PathBuf> {
    if name.split('/').any(|part| part == "..") {
        return None;
    }
    members.iter().find_map(|(from, to)| {
        let rest = name.strip_prefix(from)?;
        let whole_folder = from.ends_with('/');
        (whole_folder || rest.is_empty()).then(|| PathBuf::from(format!("{to}{rest}")))
    })
}

/// The wheel's own list of its members with their SHA-256, unpadded URL-safe base64, as the wheel format wants it.
fn read_record(archive: &mut ZipArchive<BufReader<File>>) -> Result<HashMap<String, String>> {
    let name = archive
        .file_names()
        .filter_map(Result::ok)
        .find(|name| name.ends_with(".dist-info/RECORD"))
        .context("it has no RECORD")?
        .into_owned();
    let mut text = String::new();
    archive.by_name(&name)?.read_to_string(&mut text)?;
    Ok(text.lines().filter_map(record_line).collect())
}

/// One line of a record, `name,sha256=digest,size`; names with a comma are quoted.
fn record_line(line: &str) -> Option<(String, String)> {
    let mut fields = line.rsplitn(3, ',');
    let (_size, digest, name) = (fields.next()?, fields.next()?, fields.next()?);
    let digest = digest.strip_prefix("sha256=")?;
    Some((name.trim_matches('"').to_owned(), digest.to_owned()))
}

fn write_member(
    member: &mut impl Read,
    target: &Path,
    mut progress: impl FnMut(u64),
) -> Result<String> {
    if let Some(parent) = target.parent() {
        make_folder(parent)?;
    }
    let mut hash = Sha256::new();
    File::create(target)
        .and_then(|mut file| {
            for_each_piece(member, |bytes| {
                hash.update(bytes);
                progress(bytes.len() as u64);
                file.write_all(bytes)
            })
        })
        .with_context(|| format!("cannot write {}", target.display()))?;
    Ok(URL_SAFE_NO_PAD.encode(hash.finalize()))
}

/// Reads to the end, handing over each piece.
fn for_each_piece(
    reader: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut buffer = vec![0; 1 << 20];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(()),
            count => each(&buffer[..count])?,
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use zip::write::{SimpleFileOptions, ZipWriter};

    const MEMBERS: [(&str, &str); 2] = [
        ("torch/lib/a.so", "lib/a.so"),
        ("torch/include/", "include/"),
    ];

    /// A wheel with three members, whose record says `digest` of the first. The digests are Python's
    /// `base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")`.
    fn wheel(path: &Path, digest: &str) {
        let record = format!(
            "torch/lib/a.so,sha256={digest},3\ntorch/include/deep/b.h,sha256=PiPoFgA5WUoziU9lZOGxNIu9egCI1CxKy3PurtWcAJ0,1\n"
        );
        let mut zip = ZipWriter::new(File::create(path).unwrap());
        for (name, content) in [
            ("torch/lib/a.so", "abc"),
            ("torch/include/deep/b.h", "b"),
            ("torch/unwanted.py", "c"),
            ("torch-1.dist-info/RECORD", &record),
        ] {
            zip.start_file(name, SimpleFileOptions::default()).unwrap();
            zip.write_all(content.as_bytes()).unwrap();
        }
        zip.finish().unwrap();
    }

    const DIGEST_OF_ABC: &str = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";

    #[test]
    fn wanted_members_are_unpacked_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let (file, target) = (folder.path().join("w.whl"), folder.path().join("out"));
        wheel(&file, DIGEST_OF_ABC);
        let mut seen = (0, 0);
        unpack_members(&file, &MEMBERS, &target, |bytes, total| {
            seen = (seen.0 + bytes, total);
        })
        .unwrap();
        assert_eq!(seen, (4, 4));
        assert_eq!(std::fs::read(target.join("lib/a.so")).unwrap(), b"abc");
        assert_eq!(
            std::fs::read(target.join("include/deep/b.h")).unwrap(),
            b"b"
        );
        assert_eq!(target.read_dir().unwrap().count(), 2);
    }

    #[test]
    fn a_member_that_differs_from_the_record_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.whl");
        wheel(&file, "AAAA");
        let error = unpack_members(&file, &MEMBERS, folder.path(), |_, _| {}).unwrap_err();
        assert!(
            error.to_string().contains("torch/lib/a.so does not match"),
            "{error}"
        );
    }

    #[test]
    fn a_wheel_cut_short_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("w.whl");
        wheel(&file, DIGEST_OF_ABC);
        let whole = std::fs::read(&file).unwrap();
        std::fs::write(&file, &whole[..whole.len() / 2]).unwrap();
        assert!(unpack_members(&file, &MEMBERS, folder.path(), |_, _| {}).is_err());
        assert!(!WHEELS[0].matches(&file).unwrap());
        assert!(!WHEELS[0].matches(&folder.path().join("absent")).unwrap());
    }

    #[test]
    fn no_member_leaves_the_folder() {
        let rules = [("torch/include/", "include/")];
        assert_eq!(target_of("torch/include/../../x", &rules), None);
        assert_eq!(
            target_of("torch/include/x.h", &rules),
            Some("include/x.h".into())
        );
        assert_eq!(target_of("torch/lib/a.so.1", &MEMBERS), None);
    }
}
