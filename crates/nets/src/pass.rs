//! [`Pass`]: one way through a network, with an ear at every layer.

use std::borrow::Cow;
use std::collections::HashMap;

use tch::Tensor;

use crate::{Layer, NetError};

/// What a hook learns when a layer has computed.
///
/// Layers report from the inside out: `layer1.0.conv1` before `layer1.0` before `layer1`.
#[derive(Debug)]
pub struct Visit<'a> {
    /// The layer's name in the state dict, for example `layer1.0.conv1`.
    pub name: &'a str,
    /// How often the layer has run before in this pass: a residual block calls its one ReLU two or three times.
    pub earlier: usize,
    /// PyTorch's name of its type, for example `Conv2d`.
    pub kind: &'static str,
    /// How deep it lies: 1 for the parts of the model, 2 for their parts.
    pub depth: usize,
    /// Whether no layer lies inside of it.
    pub is_leaf: bool,
    /// How many layers ran inside of it, at any depth: as many reports came since it began.
    pub inside: usize,
    /// The parameters of the layer itself, without those of layers inside: weight first, then bias.
    pub parameters: Vec<&'a Tensor>,
    /// Multiplications (each with its addition) that made the output, without those of layers inside.
    pub macs: u64,
    /// What went in.
    pub input: &'a Tensor,
    /// What came out. A hook that puts something else here changes what the next layer sees.
    pub output: &'a mut Tensor,
}

impl Visit<'_> {
    /// The name of the output, which no other in the pass has: the layer's, with a number from its second run on.
    ///
    /// So they are called by torchvision's `feature_extraction`: `layer1.0.relu`, `layer1.0.relu_1`.
    pub fn output_name(&self) -> Cow<'_, str> {
        match self.earlier {
            0 => Cow::Borrowed(self.name),
            earlier => Cow::Owned(format!("{}_{earlier}", self.name)),
        }
    }
}

/// A function called behind every layer: PyTorch's forward hook.
pub type Hook<'h> = dyn FnMut(Visit<'_>) + 'h;

/// One way through a network: the mode, and the hook if there is one.
pub struct Pass<'h> {
    train: bool,
    hook: Option<&'h mut Hook<'h>>,
    depth: usize,
    calls: usize,
    /// How often each layer has run, while there is a hook to be told.
    runs: HashMap<String, usize>,
}

impl<'h> Pass<'h> {
    /// A pass without a hook. `train` turns dropout on, and lets batch normalisation use and learn the
    /// statistics of the batch.
    pub fn new(train: bool) -> Self {
        Self {
            train,
            hook: None,
            depth: 0,
            calls: 0,
            runs: HashMap::new(),
        }
    }

    /// A pass that calls `hook` behind every layer.
    pub fn hooked(train: bool, hook: &'h mut Hook<'h>) -> Self {
        Self {
            hook: Some(hook),
            ..Self::new(train)
        }
    }

    /// Whether this is a step of training.
    pub fn train(&self) -> bool {
        self.train
    }

    /// Whether a layer may overwrite its input: nobody is told of activations that change afterwards.
    pub(crate) fn may_overwrite(&self) -> bool {
        self.hook.is_none()
    }

    /// Runs one layer and tells the hook; [`Layer::forward`] is the way to call it.
    pub(crate) fn call<L: Layer + ?Sized>(
        &mut self,
        layer: &L,
        xs: &Tensor,
    ) -> Result<Tensor, NetError> {
        rt::checkpoint(); // a pass over a large batch takes seconds
        self.depth += 1;
        self.calls += 1;
        let calls = self.calls;
        let mut ys = layer
            .compute(xs, self)
            .map_err(|error| error.at(|| place(layer, xs)))?;
        if let Some(hook) = &mut self.hook {
            let runs = self.runs.entry(layer.name().to_owned()).or_default();
            *runs += 1;
            hook(Visit {
                name: layer.name(),
                earlier: *runs - 1,
                kind: layer.kind(),
                depth: self.depth,
                is_leaf: calls == self.calls,
                inside: self.calls - calls,
                parameters: layer.parameters(),
                macs: layer.macs(&ys.size()),
                input: xs,
                output: &mut ys,
            });
        }
        self.depth -= 1;
        Ok(ys)
    }
}

fn place<L: Layer + ?Sized>(layer: &L, xs: &Tensor) -> String {
    format!("{} ({}), given {:?}", layer.name(), layer.kind(), xs.size())
}
