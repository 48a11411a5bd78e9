//! Writes pickles: protocol 2, with the instructions that PyTorch's own safe reader knows.

use tch::{Kind, Tensor};

use super::{Problem, Value, problem};

/// The pickle of a value, and the tensors whose numbers belong beside it, in the order of their keys.
pub(super) fn pickle(value: &Value) -> Result<(Vec<u8>, Vec<&Tensor>), Problem> {
    let mut writer = Writer {
        out: vec![0x80, 2],
        storages: Vec::new(),
    };
    writer.value(value)?;
    writer.out.push(b'.');
    Ok((writer.out, writer.storages))
}

struct Writer<'v> {
    out: Vec<u8>,
    storages: Vec<&'v Tensor>,
}

impl<'v> Writer<'v> {
    fn value(&mut self, value: &'v Value) -> Result<(), Problem> {
        match value {
            Value::None => self.out.push(b'N'),
            Value::Bool(value) => self.bool(*value),
            Value::Int(value) => self.int(*value),
            Value::Float(value) => {
                self.out.push(b'G');
                self.out.extend(value.to_be_bytes());
            }
            Value::Text(text) => self.text(text)?,
            Value::List(items) => {
                self.out.extend(b"](");
                for item in items {
                    self.value(item)?;
                }
                self.out.push(b'e');
            }
            Value::Tuple(items) => {
                self.out.push(b'(');
                for item in items {
                    self.value(item)?;
                }
                self.out.push(b't');
            }
            Value::Dict(entries) => {
                self.out.extend(b"}(");
                for (key, value) in entries {
                    self.value(key)?;
                    self.value(value)?;
                }
                self.out.push(b'u');
            }
            Value::Tensor(tensor) => self.tensor(tensor)?,
        }
        Ok(())
    }

    fn bool(&mut self, value: bool) {
        self.out.push(if value { 0x88 } else { 0x89 });
    }

    fn int(&mut self, value: i64) {
        match (u8::try_from(value), i32::try_from(value)) {
            (Ok(byte), _) => self.out.extend([b'K', byte]),
            (_, Ok(word)) => {
                self.out.push(b'J');
                self.out.extend(word.to_le_bytes());
            }
            _ => {
                self.out.extend([0x8a, 8]);
                self.out.extend(value.to_le_bytes());
            }
        }
    }

    fn text(&mut self, text: &str) -> Result<(), Problem> {
        let Ok(length) = u32::try_from(text.len()) else {
            return problem("a text is longer than 4 GiB");
        };
        self.out.push(b'X');
        self.out.extend(length.to_le_bytes());
        self.out.extend(text.as_bytes());
        Ok(())
    }

    fn ints(&mut self, values: impl IntoIterator<Item = i64>) {
        self.out.push(b'(');
        values.into_iter().for_each(|value| self.int(value));
        self.out.push(b't');
    }

    /// `torch._utils._rebuild_tensor_v2(storage, 0, size, stride, False, OrderedDict())`; the storage is
    /// `("storage", torch.FloatStorage, key, "cpu", elements)`.
    fn tensor(&mut self, tensor: &'v Tensor) -> Result<(), Problem> {
        if !tensor.defined() {
            return problem("a tensor is undefined");
        }
        let storage = storage_type(tensor.f_kind()?)?;
        let size = tensor.size();
        self.out.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        self.text("storage")?;
        self.out.extend(format!("ctorch\n{storage}\n").bytes());
        self.text(&self.storages.len().to_string())?;
        self.text("cpu")?;
        self.int(tensor.numel() as i64);
        self.out.extend(b"tQK\0");
        self.ints(size.iter().copied());
        self.ints(contiguous_strides(&size));
        self.bool(false);
        self.out.extend(b"ccollections\nOrderedDict\n)RtR");
        self.storages.push(tensor);
        Ok(())
    }
}

fn storage_type(kind: Kind) -> Result<&'static str, Problem> {
    Ok(match kind {
        Kind::Double => "DoubleStorage",
        Kind::Float => "FloatStorage",
        Kind::Half => "HalfStorage",
        Kind::BFloat16 => "BFloat16Storage",
        Kind::Int64 => "LongStorage",
        Kind::Int => "IntStorage",
        Kind::Int16 => "ShortStorage",
        Kind::Int8 => "CharStorage",
        Kind::Uint8 => "ByteStorage",
        Kind::Bool => "BoolStorage",
        other => return problem(format!("tensors of Kind::{other:?} cannot be written")),
    })
}

/// Elements from one index to the next, the last dimension lying together.
fn contiguous_strides(size: &[i64]) -> Vec<i64> {
    let mut strides = vec![1; size.len()];
    for index in (1..size.len()).rev() {
        strides[index - 1] = strides[index] * size[index].max(1);
    }
    strides
}
