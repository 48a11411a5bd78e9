//! [`summary()`] and [`cost`]: what a network is made of, layer by layer, and what it takes to run it.
//!
//! The table is torchinfo's, and so are the sizes in memory. Multiply-adds are counted as in published figures (and in
//! torchvision's): those of convolutions and fully connected layers, without biases and batch normalisation,
//! which torchinfo adds.

use std::collections::HashSet;

use tch::{Device, Kind, Tensor};

use crate::{Layer, Model, NetError, Pass, Visit};

mod table;

/// Runs a network once on zeros of the shape `input` and tells what each layer did.
///
/// ```
/// use nets::{resnet18, summary};
/// # fn main() -> Result<(), nets::NetError> {
/// let table = summary(&resnet18(1000)?, &[1, 3, 224, 224])?;
/// assert_eq!(table.parameters, 11_689_512);
/// assert_eq!(table.macs, 1_814_073_344);
/// println!("{}", table.depth(2));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`NetError::Input`] when the network does not take the shape.
pub fn summary(model: &dyn Model, input: &[i64]) -> Result<Summary, NetError> {
    let mut rows = Rows::default();
    let parameters = model.var_store().trainable_variables();
    let kind = parameters.first().map_or(Kind::Float, Tensor::kind);
    let xs = Tensor::f_zeros(input, (kind, model.device()))?;
    let _guard = tch::no_grad_guard();
    let output = model.forward_hooked(&xs, false, &mut |visit| rows.take(&visit))?;
    let mut rows = rows.rows;
    rows.insert(0, Row::whole(model.name(), &output, &rows));
    let mut table = Summary::of(rows, &xs);
    // Auxiliary heads have parameters too, though they do not run.
    table.parameters = parameters.iter().map(Tensor::numel).sum();
    let trainable = parameters.iter().filter(|tensor| tensor.requires_grad());
    table.trainable = trainable.map(Tensor::numel).sum();
    table.parameter_bytes = parameters.iter().map(bytes).sum();
    Ok(table)
}

/// The same for a single layer or block: the arithmetic of a paper's idea on real layers.
///
/// ```
/// use nets::{Layer, InceptionSpec, cost};
/// use tch::{Device, nn};
/// # fn main() -> Result<(), nets::NetError> {
/// // The 5x5 branch of GoogLeNet's first block: 192 channels, made 16 by a 1x1, then 32 by the 5x5.
/// let vs = nn::VarStore::new(Device::Cpu);
/// let direct = nets::layers::Conv2d::spec(192, 32, 5).padding(2).build(vs.root() / "direct")?;
/// let reduce = nets::layers::Conv2d::spec(192, 16, 1).build(vs.root() / "reduce")?;
/// let conv = nets::layers::Conv2d::spec(16, 32, 5).padding(2).build(vs.root() / "conv")?;
/// assert_eq!(cost(&direct, &[1, 192, 28, 28])?.macs, 120_422_400);
/// assert_eq!(
///     cost(&reduce, &[1, 192, 28, 28])?.macs + cost(&conv, &[1, 16, 28, 28])?.macs,
///     12_443_648
/// );
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// [`NetError::Torch`] when the layer does not take the shape, f32 on the CPU.
pub fn cost(layer: &dyn Layer, input: &[i64]) -> Result<Summary, NetError> {
    let mut rows = Rows::default();
    let xs = Tensor::f_zeros(input, (Kind::Float, Device::Cpu))?;
    let _guard = tch::no_grad_guard();
    let mut hook = |visit: Visit<'_>| rows.take(&visit);
    let _output = layer.forward(&xs, &mut Pass::hooked(false, &mut hook))?;
    for row in &mut rows.rows {
        row.depth -= 1;
    }
    Ok(Summary::of(rows.rows, &xs))
}

/// What a network is made of: a row for each layer, and totals.
///
/// Shown as a table; [`depth`](Self::depth) folds what lies deeper.
#[derive(Clone, Debug)]
pub struct Summary {
    /// The layers in the order in which they begin to run, containers before what is in them; first the whole
    pub rows: Vec<Row>,
    /// All weights and biases
    pub parameters: usize,
    /// Those that training changes: they are not frozen
    pub trainable: usize,
    /// Multiplications, each with its addition, for the whole batch
    pub macs: u64,
    /// Bytes of the batch that went in
    pub input_bytes: usize,
    /// Bytes of the outputs of all layers with parameters, twice: once for the gradients
    pub activation_bytes: usize,
    /// Bytes of the parameters
    pub parameter_bytes: usize,
    shown_depth: usize,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The name in the state dict, for example `layer1.0.conv1`
    pub name: String,
    /// PyTorch's name of its type, for example `Conv2d`
    pub kind: String,
    /// How deep it lies; 0 is the whole
    pub depth: usize,
    /// Whether no layer lies inside of it
    pub is_leaf: bool,
    /// The shape of the output
    pub output: Vec<i64>,
    /// Weights and biases, with those of layers inside; a layer that ran before counts the first time
    pub parameters: usize,
    /// Multiplications, each with its addition, with those of layers inside
    pub macs: u64,
    /// Bytes of the output, or of the outputs of the layers inside
    pub bytes: usize,
    trainable: usize,
    parameter_bytes: usize,
}

/// Rows as a pass reports them.
#[derive(Default)]
struct Rows {
    rows: Vec<Row>,
    /// Where parameters lie that have been counted
    counted: HashSet<usize>,
}

impl Rows {
    fn take(&mut self, visit: &Visit<'_>) {
        // What lies inside has reported before, and stands at the end.
        let begin = self.rows.len() - visit.inside;
        let mut row = Row {
            name: visit.name.into(),
            kind: visit.kind.into(),
            depth: visit.depth,
            is_leaf: visit.is_leaf,
            output: visit.output.size(),
            parameters: 0,
            macs: visit.macs,
            bytes: if visit.is_leaf {
                bytes(visit.output)
            } else {
                0
            },
            trainable: 0,
            parameter_bytes: 0,
        };
        for parameter in &visit.parameters {
            if self.counted.insert(parameter.data_ptr() as usize) {
                row.parameters += parameter.numel();
                row.parameter_bytes += bytes(parameter);
                row.trainable += if parameter.requires_grad() {
                    parameter.numel()
                } else {
                    0
                };
            }
        }
        row.add_up(&self.rows[begin..]);
        self.rows.insert(begin, row);
    }
}

impl Row {
    fn whole(name: &str, output: &Tensor, rows: &[Row]) -> Self {
        let mut row = Self {
            name: String::new(),
            kind: name.into(),
            depth: 0,
            is_leaf: false,
            output: output.size(),
            parameters: 0,
            macs: 0,
            bytes: 0,
            trainable: 0,
            parameter_bytes: 0,
        };
        row.add_up(rows);
        row
    }

    /// Adds what lies directly inside, which has added up its own insides.
    fn add_up(&mut self, inside: &[Row]) {
        for row in inside.iter().filter(|row| row.depth == self.depth + 1) {
            self.parameters += row.parameters;
            self.trainable += row.trainable;
            self.parameter_bytes += row.parameter_bytes;
            self.macs += row.macs;
            self.bytes += row.bytes;
        }
    }

    /// The last part of the name: what it is called by what it lies in.
    fn short_name(&self) -> &str {
        self.name.rsplit('.').next().unwrap_or_default()
    }
}

impl Summary {
    fn of(rows: Vec<Row>, xs: &Tensor) -> Self {
        let with_parameters = rows.iter().filter(|row| row.is_leaf && row.parameters > 0);
        let activation_bytes = with_parameters.map(|row| 2 * row.bytes).sum();
        let whole = rows.first();
        Self {
            parameters: whole.map_or(0, |row| row.parameters),
            trainable: whole.map_or(0, |row| row.trainable),
            macs: whole.map_or(0, |row| row.macs),
            input_bytes: bytes(xs),
            activation_bytes,
            parameter_bytes: whole.map_or(0, |row| row.parameter_bytes),
            rows,
            shown_depth: usize::MAX,
        }
    }

    /// Folds what lies deeper than this: 1 shows the parts of the network, 2 their parts.
    pub fn depth(mut self, depth: usize) -> Self {
        self.shown_depth = depth;
        self
    }

    /// The row of the layer called so.
    pub fn layer(&self, name: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.name == name)
    }
}

fn bytes(tensor: &Tensor) -> usize {
    tensor.numel() * tensor.kind().elt_size_in_bytes()
}

#[cfg(test)]
mod tests {
    use rt::Show;

    use super::*;
    use crate::{Cnn, GoogLeNet, Mlp};

    #[test]
    fn the_table_is_torchinfos() {
        let net = Cnn::builder([3, 8, 8], 4).channels(&[4]).batch_norm(true);
        let table = summary(&net.build().unwrap(), &[2, 3, 8, 8]).unwrap();
        // torchinfo.summary(model, (2, 3, 8, 8)): the same but for the mult-adds of BatchNorm2d and of biases
        let expected = "\
===========================================================================
Layer (name)                  Output shape  Param #  Mult-adds  Memory (MB)
===========================================================================
cnn                           [2, 4]             --         --           --
├─Sequential (features)       [2, 4, 4, 4]       --         --           --
│    └─Conv2d (0)             [2, 4, 8, 8]      108     13,824         0.00
│    └─BatchNorm2d (1)        [2, 4, 8, 8]        8         --         0.00
│    └─ReLU (2)               [2, 4, 8, 8]       --         --         0.00
│    └─MaxPool2d (3)          [2, 4, 4, 4]       --         --         0.00
├─Sequential (classifier)     [2, 4]             --         --           --
│    └─AdaptiveAvgPool2d (0)  [2, 4, 1, 1]       --         --         0.00
│    └─Flatten (1)            [2, 4]             --         --         0.00
│    └─Linear (2)             [2, 4]             20         32         0.00
===========================================================================
Total params: 136
Trainable params: 136
Non-trainable params: 0
Total mult-adds: 0.014 M
===========================================================================
Input size (MB): 0.00
Forward/backward pass size (MB): 0.01
Params size (MB): 0.00
Estimated total size (MB): 0.01
===========================================================================";
        assert_eq!(table.to_string(), expected);
        let folded = table.depth(1).to_string();
        assert!(
            folded.contains("├─Sequential (features)    [2, 4, 4, 4]      116     13,824"),
            "{folded}"
        );
        assert!(!folded.contains("Conv2d"));
    }

    #[test]
    fn frozen_weights_are_told_apart() {
        let mut net = Mlp::builder(4, 2).hidden(&[3]).build().unwrap();
        let weight = net
            .state_dict()
            .get("layers.0.weight")
            .unwrap()
            .shallow_clone();
        let _same = weight.set_requires_grad(false);
        let table = summary(&net, &[1, 4]).unwrap();
        assert_eq!((table.parameters, table.trainable), (23, 11));
        net.var_store_mut().freeze();
        assert_eq!(summary(&net, &[1, 4]).unwrap().trainable, 0);
    }

    #[test]
    fn heads_that_do_not_run_have_parameters() {
        let net = GoogLeNet::builder().aux_logits(true).build(1000).unwrap();
        let table = summary(&net, &[1, 3, 32, 32]).unwrap();
        assert_eq!(table.parameters, 13_004_888);
        assert_eq!(table.rows[0].parameters, 6_624_904);
        assert!(table.layer("aux1").is_none());
        assert_eq!(table.layer("inception3a").unwrap().parameters, 155_872);
    }

    #[test]
    fn markup_shows_every_row() {
        let net = Mlp::builder(4, 2).hidden(&[3]).build().unwrap();
        let bundle = summary(&net, &[1, 4]).unwrap().show();
        let html = bundle.data["text/html"].as_str().unwrap();
        assert_eq!(html.matches("<tr>").count(), 1 + 5 + 8);
        assert!(bundle.plain().contains("Linear (0)"));
    }
}
