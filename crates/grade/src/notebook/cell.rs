//! One cell.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{Result, lines, object_in, refusal};

/// One cell of a notebook.
#[derive(Debug, Clone)]
pub struct Cell(pub(super) Map<String, Value>);

/// What kinds of cells there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CellKind {
    /// Runs.
    Code,
    /// Is read.
    Markdown,
    /// Is kept as it is, for converters.
    Raw,
}

impl CellKind {
    /// The name in the file.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Markdown => "markdown",
            Self::Raw => "raw",
        }
    }
}

impl Cell {
    pub(super) fn parse(value: Value) -> Result<Self> {
        let Value::Object(cell) = value else {
            return Err(refusal("it is not a JSON object"));
        };
        let kind = cell.get("cell_type").and_then(Value::as_str);
        if !matches!(kind, Some("code" | "markdown" | "raw")) {
            return Err(refusal("its cell_type is neither code, markdown nor raw"));
        }
        let is_text = match cell.get("source") {
            Some(Value::String(_)) => true,
            Some(Value::Array(lines)) => lines.iter().all(Value::is_string),
            _ => false,
        };
        if !is_text {
            return Err(refusal("its source is not text"));
        }
        Ok(Self(cell))
    }

    /// A new cell without outputs.
    pub fn new(kind: CellKind, id: &str, metadata: Map<String, Value>, source: &str) -> Self {
        let mut cell = Map::new();
        cell.insert("cell_type".into(), kind.as_str().into());
        if kind == CellKind::Code {
            cell.insert("execution_count".into(), Value::Null);
        }
        cell.insert("id".into(), id.into());
        cell.insert("metadata".into(), metadata.into());
        if kind == CellKind::Code {
            cell.insert("outputs".into(), Value::Array(Vec::new()));
        }
        cell.insert("source".into(), lines(source));
        Self(cell)
    }

    /// What kind of cell it is.
    pub fn kind(&self) -> CellKind {
        match self.0.get("cell_type").and_then(Value::as_str) {
            Some("code") => CellKind::Code,
            Some("markdown") => CellKind::Markdown,
            _ => CellKind::Raw,
        }
    }

    /// Makes it a cell of another kind; only code has outputs.
    pub fn set_kind(&mut self, kind: CellKind) {
        self.0.insert("cell_type".into(), kind.as_str().into());
        if kind == CellKind::Code {
            self.set_outputs(Vec::new(), None);
        } else {
            self.0.shift_remove("outputs");
            self.0.shift_remove("execution_count");
        }
    }

    /// Its metadata.
    pub fn metadata(&self) -> Option<&Map<String, Value>> {
        self.0.get("metadata").and_then(Value::as_object)
    }

    /// Its metadata, to be changed.
    pub fn metadata_mut(&mut self) -> &mut Map<String, Value> {
        object_in(&mut self.0, "metadata")
    }

    /// Replaces its text.
    pub fn set_source(&mut self, source: &str) {
        self.0.insert("source".into(), lines(source));
    }

    /// The outputs of a code cell, as nbformat 4 has them.
    pub fn outputs(&self) -> &[Value] {
        self.0
            .get("outputs")
            .and_then(Value::as_array)
            .map_or(&[], Vec::as_slice)
    }

    /// Puts back what [`Cell::new`] leaves out: outputs, the execution count, and keys that nbformat has
    /// beside the usual ones.
    pub(crate) fn restore(
        &mut self,
        outputs: Option<Value>,
        count: Option<Value>,
        extra: Map<String, Value>,
    ) {
        if let Some(outputs) = outputs {
            self.0.insert("outputs".into(), outputs);
        }
        if let Some(count) = count {
            self.0.insert("execution_count".into(), count);
        }
        self.0.extend(extra);
    }

    /// Everything in the file about this cell.
    pub fn as_json(&self) -> &Map<String, Value> {
        &self.0
    }

    /// True for a cell with code in it.
    pub fn is_code(&self) -> bool {
        self.kind() == CellKind::Code
    }

    /// Its id, which notebooks before nbformat 4.5 lack.
    pub fn id(&self) -> Option<&str> {
        self.0.get("id").and_then(Value::as_str)
    }

    /// The first line that says something, for messages.
    pub fn first_line(&self) -> String {
        let source = self.source();
        source
            .lines()
            .map(str::trim)
            .find(|line| !line.is_empty())
            .unwrap_or_default()
            .to_owned()
    }

    /// Its text, whole.
    pub fn source(&self) -> String {
        match self.0.get("source") {
            Some(Value::Array(lines)) => lines.iter().filter_map(Value::as_str).collect(),
            source => source
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
        }
    }

    /// Whether it carries this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        let tags = self
            .0
            .get("metadata")
            .and_then(|metadata| metadata.get("tags"));
        tags.and_then(Value::as_array)
            .is_some_and(|tags| tags.iter().any(|own| own == tag))
    }

    /// Replaces the outputs and the execution count.
    pub fn set_outputs(&mut self, outputs: Vec<Value>, execution_count: Option<usize>) {
        self.0
            .insert("execution_count".into(), execution_count.into());
        self.0.insert("outputs".into(), outputs.into());
    }
}
