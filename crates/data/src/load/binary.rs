//! The binary files of MNIST and CIFAR, whole into memory.

use std::fs;
use std::path::Path;

use tch::{Kind, Tensor};

use crate::{DataError, TensorData};

/// MNIST and those like it (Fashion-MNIST): a file of images and one of labels in IDX format, as
/// `train-images-idx3-ubyte` and `train-labels-idx1-ubyte`, unpacked. Images `[N, 1, H, W]`, 0 to 1.
///
/// Format: <http://yann.lecun.com/exdb/mnist/>, "The IDX file format".
///
/// # Errors
/// When a file cannot be read, is no such file, or the two have not the same length.
pub fn mnist(images: impl AsRef<Path>, labels: impl AsRef<Path>) -> Result<TensorData, DataError> {
    let (shape, pixels) = idx(images.as_ref(), 3)?;
    let (_, labels) = idx(labels.as_ref(), 1)?;
    let images = Tensor::from_slice(&pixels).reshape([shape[0], 1, shape[1], shape[2]]);
    let classes = labels
        .iter()
        .max()
        .map_or(0, |&most| usize::from(most) + 1)
        .max(10);
    TensorData::new(
        zero_to_one(&images),
        whole(&labels),
        (0..classes).map(|digit| digit.to_string()),
    )
}

/// The shape and the bytes of an IDX file of unsigned bytes with so many dimensions.
fn idx(path: &Path, dimensions: usize) -> Result<(Vec<i64>, Vec<u8>), DataError> {
    let mut bytes = fs::read(path).map_err(DataError::io("cannot be read", path))?;
    if bytes.starts_with(&[0x1F, 0x8B]) {
        return Err(DataError::content(
            path,
            "is still packed; unpack it with gunzip first",
        ));
    }
    let header = 4 + 4 * dimensions;
    if bytes.len() < header || bytes[..4] != [0, 0, 8, dimensions as u8] {
        return Err(DataError::content(
            path,
            format!("is no IDX file of bytes with {dimensions} dimensions"),
        ));
    }
    let shape: Vec<i64> = bytes[4..header]
        .chunks_exact(4)
        .map(|size| i64::from(u32::from_be_bytes([size[0], size[1], size[2], size[3]])))
        .collect();
    bytes.drain(..header);
    if shape
        .iter()
        .try_fold(1_i64, |all, &size| all.checked_mul(size))
        != Some(bytes.len() as i64)
    {
        return Err(DataError::content(
            path,
            format!(
                "promises {shape:?} but holds {} bytes; download it again",
                bytes.len()
            ),
        ));
    }
    Ok((shape, bytes))
}

/// CIFAR-10 batches, as `data_batch_1.bin`: each picture is a byte of label and 3072 of pixels.
/// Images `[N, 3, 32, 32]`, 0 to 1. <https://www.cs.toronto.edu/~kriz/cifar.html>, "Binary version".
///
/// # Errors
/// When a file cannot be read or is no such file.
pub fn cifar10<P: AsRef<Path>>(
    batches: impl IntoIterator<Item = P>,
) -> Result<TensorData, DataError> {
    let classes = [
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    ];
    cifar(batches, 1, classes.map(String::from).to_vec())
}

/// CIFAR-100, as `train.bin`: a byte of coarse label, one of fine label and 3072 of pixels each. The labels
/// are the fine ones, 0 to 99.
///
/// # Errors
/// When a file cannot be read or is no such file.
pub fn cifar100<P: AsRef<Path>>(
    batches: impl IntoIterator<Item = P>,
) -> Result<TensorData, DataError> {
    cifar(
        batches,
        2,
        (0..100).map(|class| class.to_string()).collect(),
    )
}

fn cifar<P: AsRef<Path>>(
    batches: impl IntoIterator<Item = P>,
    label_bytes: usize,
    classes: Vec<String>,
) -> Result<TensorData, DataError> {
    const PIXELS: usize = 3 * 32 * 32;
    let (mut labels, mut pixels) = (Vec::new(), Vec::new());
    for path in batches {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(DataError::io("cannot be read", path))?;
        if bytes.is_empty() || bytes.len() % (label_bytes + PIXELS) != 0 {
            let problem = format!(
                "is no file of CIFAR's binary version: {} bytes are no multiple of {}",
                bytes.len(),
                label_bytes + PIXELS
            );
            return Err(DataError::content(path, problem));
        }
        for record in bytes.chunks_exact(label_bytes + PIXELS) {
            labels.push(record[label_bytes - 1]);
            pixels.extend_from_slice(&record[label_bytes..]);
        }
    }
    let images = Tensor::from_slice(&pixels).reshape([-1, 3, 32, 32]);
    TensorData::new(zero_to_one(&images), whole(&labels), classes)
}

fn zero_to_one(bytes: &Tensor) -> Tensor {
    bytes.to_kind(Kind::Float) / 255.0
}

fn whole(labels: &[u8]) -> Tensor {
    Tensor::from_slice(labels).to_kind(Kind::Int64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batches;

    #[test]
    fn idx_files_are_read_as_written_down_by_lecun() {
        let folder = tempfile::tempdir().unwrap();
        let (images, labels) = (folder.path().join("images"), folder.path().join("labels"));
        let mut file = vec![0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3];
        file.extend([0, 51, 102, 153, 204, 255, 0, 0, 0, 0, 0, 255]);
        fs::write(&images, &file).unwrap();
        fs::write(&labels, [0, 0, 8, 1, 0, 0, 0, 2, 7, 3]).unwrap();
        let set = mnist(&images, &labels).unwrap();
        assert_eq!(set.images().size(), [2, 1, 2, 3]);
        assert!((set.images().double_value(&[0, 0, 1, 0]) - 0.6).abs() < 1e-6);
        assert_eq!(set.labels().int64_value(&[1]), 3);
        fs::write(&images, &file[..20]).unwrap();
        assert!(
            mnist(&images, &labels)
                .unwrap_err()
                .to_string()
                .contains("promises [2, 2, 3] but holds 4 bytes")
        );
        fs::write(&images, [0x1F, 0x8B, 8]).unwrap();
        assert!(
            mnist(&images, &labels)
                .unwrap_err()
                .to_string()
                .contains("gunzip")
        );
    }

    #[test]
    fn cifar_has_planes_of_red_green_and_blue() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("data_batch_1.bin");
        let record = |label: u8, red: u8| {
            [vec![label], vec![red; 1024], vec![0; 1024], vec![255; 1024]].concat()
        };
        fs::write(&path, [record(9, 51), record(0, 102)].concat()).unwrap();
        let set = cifar10([&path]).unwrap();
        assert_eq!(
            (set.images().size(), set.classes()[9].as_str()),
            (vec![2, 3, 32, 32], "truck")
        );
        let at = |channel: i64| set.images().double_value(&[0, channel, 31, 31]);
        assert!((at(0) - 0.2).abs() < 1e-6 && at(1) == 0.0 && at(2) == 1.0);
        fs::write(&path, b"short").unwrap();
        assert!(
            cifar10([&path])
                .unwrap_err()
                .to_string()
                .contains("no multiple of 3073")
        );
    }
}
