//! The Python functions that a file of weights may name, and what they would do.

use tch::Kind;

use super::unpickle::{Id, Machine, Node, StorageRef, TensorRef};
use super::{Problem, problem};

/// A function or class that is known.
#[derive(Clone, Copy, Debug)]
pub(super) enum Global {
    /// `collections.OrderedDict`
    OrderedDict,
    /// `torch._utils._rebuild_tensor`, `_rebuild_tensor_v2`
    RebuildTensor,
    /// `torch._utils._rebuild_parameter`, `_rebuild_parameter_with_state`
    RebuildParameter,
    /// `torch.FloatStorage` and its like
    Storage(Kind),
    /// `torch.Size`
    Size,
    /// `torch.device`
    Device,
    /// A kind, for example `torch.float32`
    Dtype(&'static str),
}

/// Looks a name up.
///
/// # Errors
/// When it is not one that weights need: the moment at which a malicious file is found out.
pub(super) fn find(module: &str, name: &str) -> Result<Global, Problem> {
    Ok(match (module, name) {
        ("collections", "OrderedDict") => Global::OrderedDict,
        ("torch._utils", "_rebuild_tensor" | "_rebuild_tensor_v2") => Global::RebuildTensor,
        ("torch._utils", "_rebuild_parameter" | "_rebuild_parameter_with_state") => {
            Global::RebuildParameter
        }
        ("torch", "Size") => Global::Size,
        ("torch", "device") => Global::Device,
        ("torch", "DoubleStorage") => Global::Storage(Kind::Double),
        ("torch", "FloatStorage") => Global::Storage(Kind::Float),
        ("torch", "HalfStorage") => Global::Storage(Kind::Half),
        ("torch", "BFloat16Storage") => Global::Storage(Kind::BFloat16),
        ("torch", "LongStorage") => Global::Storage(Kind::Int64),
        ("torch", "IntStorage") => Global::Storage(Kind::Int),
        ("torch", "ShortStorage") => Global::Storage(Kind::Int16),
        ("torch", "CharStorage") => Global::Storage(Kind::Int8),
        ("torch", "ByteStorage") => Global::Storage(Kind::Uint8),
        ("torch", "BoolStorage") => Global::Storage(Kind::Bool),
        ("torch", "float64") => Global::Dtype("torch.float64"),
        ("torch", "float32") => Global::Dtype("torch.float32"),
        ("torch", "float16") => Global::Dtype("torch.float16"),
        ("torch", "bfloat16") => Global::Dtype("torch.bfloat16"),
        ("torch", "int64") => Global::Dtype("torch.int64"),
        _ => {
            return problem(format!(
                "it wants to call `{module}.{name}`, which weights never need, so it is not read. If you trust \
                 the file, let Python save the weights alone: torch.save(model.state_dict(), \"weights.pth\")"
            ));
        }
    })
}

/// What Python would get from the call.
pub(super) fn call(
    machine: &Machine<'_>,
    global: Global,
    arguments: &[Id],
) -> Result<Node, Problem> {
    let argument = |index: usize| match arguments.get(index) {
        Some(id) => Ok(machine.node(*id)),
        None => problem("the pickle is damaged: a call lacks an argument"),
    };
    Ok(match global {
        Global::OrderedDict if arguments.is_empty() => Node::Dict(Vec::new()),
        Global::OrderedDict => Node::Dict(pairs(machine, argument(0)?)?),
        Global::RebuildTensor => {
            let Node::Storage(storage) = argument(0)? else {
                return problem("the pickle is damaged: a tensor has no storage");
            };
            let mut storage = storage.clone();
            storage.offset = storage.offset.saturating_add(int(argument(1)?)?);
            Node::Tensor(TensorRef {
                storage,
                size: ints(machine, argument(2)?)?,
                stride: ints(machine, argument(3)?)?,
            })
        }
        Global::RebuildParameter => match argument(0)? {
            Node::Tensor(tensor) => Node::Tensor(tensor.clone()),
            _ => return problem("the pickle is damaged: a parameter is not a tensor"),
        },
        Global::Size => Node::Tuple(items(argument(0)?)?.to_vec()),
        Global::Device => argument(0)?.clone(),
        Global::Storage(_) | Global::Dtype(_) => {
            return problem("the pickle is damaged: it calls what is not a function");
        }
    })
}

/// Reads `("storage", torch.FloatStorage, key, device, elements)`; before 2020 a sixth part may name a view,
/// `(key, offset, elements)`.
pub(super) fn storage(machine: &Machine<'_>, id: Id) -> Result<StorageRef, Problem> {
    let parts: Vec<&Node> = items(machine.node(id))?
        .iter()
        .map(|part| machine.node(*part))
        .collect();
    let [
        Node::Text(tag),
        Node::Global(Global::Storage(kind)),
        Node::Text(key),
        _,
        _,
        view @ ..,
    ] = parts.as_slice()
    else {
        return problem(
            "tensors of this kind are not read: f64, f32, f16, bf16, integers and booleans are",
        );
    };
    if &**tag != "storage" {
        return problem("the pickle is damaged: it refers to what is not a storage");
    }
    let offset = match view.first() {
        Some(Node::Tuple(view)) => match view.get(1) {
            Some(offset) => int(machine.node(*offset))?,
            None => return problem("the pickle is damaged: a view has no offset"),
        },
        _ => 0,
    };
    Ok(StorageRef {
        kind: *kind,
        key: key.clone(),
        offset,
    })
}

/// `[[key, value], ...]`, as Python 2 wrote ordered dictionaries.
fn pairs(machine: &Machine<'_>, node: &Node) -> Result<Vec<(Id, Id)>, Problem> {
    let pair = |id: &Id| match items(machine.node(*id))? {
        [key, value] => Ok((*key, *value)),
        _ => problem("the pickle is damaged: an entry is not a key and a value"),
    };
    items(node)?.iter().map(pair).collect()
}

fn items(node: &Node) -> Result<&[Id], Problem> {
    match node {
        Node::Tuple(items) | Node::List(items) => Ok(items),
        _ => problem("the pickle is damaged: a list is missing"),
    }
}

fn int(node: &Node) -> Result<i64, Problem> {
    match node {
        Node::Int(value) => Ok(*value),
        _ => problem("the pickle is damaged: a number is missing"),
    }
}

fn ints(machine: &Machine<'_>, node: &Node) -> Result<Vec<i64>, Problem> {
    items(node)?
        .iter()
        .map(|id| int(machine.node(*id)))
        .collect()
}
