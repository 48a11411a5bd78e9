//! [`Value`]: what a `.pth` may hold.

use tch::Tensor;

use super::{Problem, StateDict, problem};

/// A Python value, as far as weights and what stands beside them need any.
///
/// ```
/// use nets::weights::Value;
/// let checkpoint = Value::dict([
///     ("epoch", Value::from(3)),
///     ("classes", Value::from(vec!["dolphin", "shark", "whale"])),
/// ]);
/// assert_eq!(checkpoint.get("epoch").and_then(Value::as_i64), Some(3));
/// ```
#[derive(Debug)]
pub enum Value {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// A number without a point
    Int(i64),
    /// A number with a point
    Float(f64),
    /// Text
    Text(String),
    /// `[1, 2]`
    List(Vec<Value>),
    /// `(1, 2)`
    Tuple(Vec<Value>),
    /// `{"a": 1}`, in order
    Dict(Vec<(Value, Value)>),
    /// A tensor
    Tensor(Tensor),
}

impl Value {
    /// A dictionary with text for keys.
    pub fn dict<K: Into<String>>(entries: impl IntoIterator<Item = (K, Value)>) -> Self {
        let entries = entries.into_iter();
        Self::Dict(
            entries
                .map(|(key, value)| (Self::Text(key.into()), value))
                .collect(),
        )
    }

    /// What a dictionary has under a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.entries()
            .find(|(other, _)| *other == key)
            .map(|(_, value)| value)
    }

    /// A dictionary's entries whose key is text; nothing for other values.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Value)> {
        let entries: &[(Value, Value)] = match self {
            Self::Dict(entries) => entries,
            _ => &[],
        };
        entries
            .iter()
            .filter_map(|(key, value)| Some((key.as_str()?, value)))
    }

    /// The elements of a list or a tuple; nothing for other values.
    pub fn elements(&self) -> &[Value] {
        match self {
            Self::List(elements) | Self::Tuple(elements) => elements,
            _ => &[],
        }
    }

    /// A truth value.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// A number without a point.
    pub fn as_i64(&self) -> Option<i64> {
        match self {
            Self::Int(value) => Some(*value),
            _ => None,
        }
    }

    /// A number.
    pub fn as_f64(&self) -> Option<f64> {
        match self {
            Self::Int(value) => Some(*value as f64),
            Self::Float(value) => Some(*value),
            _ => None,
        }
    }

    /// Text.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A tensor.
    pub fn as_tensor(&self) -> Option<&Tensor> {
        match self {
            Self::Tensor(tensor) => Some(tensor),
            _ => None,
        }
    }

    /// A dictionary of tensors by name, if it is one: names that stand for something else are left out.
    pub fn to_state_dict(&self) -> Option<StateDict> {
        let tensor = |(name, value): (&str, &Value)| {
            Some((name.to_owned(), value.as_tensor()?.shallow_clone()))
        };
        let tensors: StateDict = self.entries().filter_map(tensor).collect();
        (!tensors.is_empty()).then_some(tensors)
    }

    /// The weights in a checkpoint: what it has under one of the names that are usual for them, without the `module.`
    /// or `_orig_mod.` that a wrapper has put before every name (`DataParallel`, `torch.compile`).
    pub fn weights_inside(&self) -> Option<StateDict> {
        const USUAL: [&str; 7] = [
            "state_dict",
            "model_state_dict",
            "model",
            "model_state",
            "net",
            "weights",
            "params",
        ];
        let inside = |key: &str| self.get(key)?.to_state_dict();
        Some(USUAL.into_iter().find_map(inside)?.unwrapped())
    }

    /// The weights in a file: those in a checkpoint, or else the value itself. In this order, for checkpoints hold
    /// tensors that are no weights, such as the best accuracy so far.
    pub(crate) fn into_state_dict(self) -> Result<StateDict, Problem> {
        let itself = || Some(self.to_state_dict()?.unwrapped());
        if let Some(weights) = self.weights_inside().or_else(itself) {
            return Ok(weights);
        }
        match self
            .entries()
            .map(|(key, _)| key)
            .collect::<Vec<_>>()
            .as_slice()
        {
            [] => problem("it holds no weights by name"),
            keys => problem(format!(
                "it holds no weights by name, but {}; `load_value` reads it all",
                keys.iter()
                    .take(8)
                    .map(|key| format!("`{key}`"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
        }
    }
}

impl StateDict {
    /// The tensors as a dictionary, to stand in a checkpoint.
    pub fn to_value(&self) -> Value {
        Value::dict(
            self.iter()
                .map(|(name, tensor)| (name, Value::Tensor(tensor.shallow_clone()))),
        )
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Tensor> for Value {
    fn from(value: Tensor) -> Self {
        Self::Tensor(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(values: Vec<T>) -> Self {
        Self::List(values.into_iter().map(Into::into).collect())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}
