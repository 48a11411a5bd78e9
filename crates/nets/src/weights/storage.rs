//! From a pickle and the bytes beside it to values with tensors.

use std::collections::HashMap;
use std::rc::Rc;

use tch::{Kind, Tensor};

use super::unpickle::{Id, Node, Pickle, TensorRef};
use super::{Problem, Value, problem};

/// How deep values may lie in each other.
const MAX_DEPTH: usize = 100;
/// How many bytes values may take, tensors aside: a pickle can refer to one list a thousand times.
const MAX_BYTES: usize = 64 << 20;

/// Where the bytes of tensors come from.
pub(super) trait Storages {
    /// All bytes of the storage called `key`, whose elements are of this kind.
    fn read(&mut self, key: &str, kind: Kind) -> Result<Vec<u8>, Problem>;
}

/// Turns what a pickle has built into a value.
pub(super) fn resolve(pickle: &Pickle, storages: &mut dyn Storages) -> Result<Value, Problem> {
    let mut resolver = Resolver {
        pickle,
        storages,
        tensors: HashMap::new(),
        bytes: 0,
    };
    resolver.value(pickle.root(), 0)
}

struct Resolver<'p> {
    pickle: &'p Pickle,
    storages: &'p mut dyn Storages,
    /// The storages read so far, each as a tensor of one dimension: tensors that share one share it here too.
    tensors: HashMap<Rc<str>, Tensor>,
    bytes: usize,
}

impl Resolver<'_> {
    fn value(&mut self, id: Id, depth: usize) -> Result<Value, Problem> {
        if depth > MAX_DEPTH {
            return problem(format!(
                "values lie more than {MAX_DEPTH} deep in each other"
            ));
        }
        let pickle = self.pickle;
        let node = pickle.node(id);
        self.bytes += size_of::<Value>()
            + if let Node::Text(text) = node {
                text.len()
            } else {
                0
            };
        if self.bytes > MAX_BYTES {
            return problem(format!("it unfolds to more than {} MiB", MAX_BYTES >> 20));
        }
        let mut values = |ids: &[Id]| -> Result<Vec<Value>, Problem> {
            ids.iter().map(|id| self.value(*id, depth + 1)).collect()
        };
        Ok(match node {
            Node::None => Value::None,
            Node::Bool(value) => Value::Bool(*value),
            Node::Int(value) => Value::Int(*value),
            Node::Float(value) => Value::Float(*value),
            Node::Text(text) => Value::Text(text.as_ref().into()),
            Node::Tuple(items) => Value::Tuple(values(items)?),
            Node::List(items) => Value::List(values(items)?),
            Node::Dict(entries) => {
                let mut dict = Vec::new();
                for (key, value) in entries {
                    dict.push((self.value(*key, depth + 1)?, self.value(*value, depth + 1)?));
                }
                Value::Dict(dict)
            }
            Node::Tensor(tensor) => Value::Tensor(self.tensor(tensor)?),
            Node::Global(super::globals::Global::Dtype(name)) => Value::Text((*name).into()),
            Node::Long(_) => return problem("it holds an integer of more than 64 bits"),
            Node::Global(_) | Node::Storage(_) => {
                return problem("it holds a class or a bare storage, where a value should be");
            }
        })
    }

    /// The view that a tensor is; it lies within its storage, or is refused.
    fn tensor(&mut self, tensor: &TensorRef) -> Result<Tensor, Problem> {
        let storage = &tensor.storage;
        if !self.tensors.contains_key(&storage.key) {
            let bytes = self.storages.read(&storage.key, storage.kind)?;
            let elements = (bytes.len() / storage.kind.elt_size_in_bytes()) as i64;
            let whole = Tensor::f_from_data_size(&bytes, &[elements], storage.kind)?;
            self.tensors.insert(storage.key.clone(), whole);
        }
        let whole = &self.tensors[&storage.key];
        if whole.f_kind()? != storage.kind {
            return problem("two tensors disagree on the kind of the bytes that they share");
        }
        if !fits(
            &tensor.size,
            &tensor.stride,
            storage.offset,
            whole.size()[0],
        ) {
            return problem(format!(
                "a tensor of shape {:?} reaches beyond its {} numbers",
                tensor.size,
                whole.size()[0]
            ));
        }
        Ok(whole.f_as_strided(&tensor.size, &tensor.stride, storage.offset)?)
    }
}

/// Whether every element of a view lies within a storage of so many elements.
pub(super) fn fits(size: &[i64], stride: &[i64], offset: i64, elements: i64) -> bool {
    let sane = size.len() == stride.len() && size.len() <= 64 && offset >= 0;
    if !sane || size.iter().chain(stride).any(|number| *number < 0) {
        return false;
    }
    let Some(count) = size
        .iter()
        .try_fold(1i64, |count, side| count.checked_mul(*side))
    else {
        return false;
    };
    if count == 0 {
        return offset <= elements;
    }
    let last = size
        .iter()
        .zip(stride)
        .try_fold(offset, |last, (side, stride)| {
            last.checked_add((side - 1).checked_mul(*stride)?)
        });
    last.is_some_and(|last| last < elements)
}
