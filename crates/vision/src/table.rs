//! The values of a tensor as text, in PyTorch's format.
//!
//! Small tensors are printed whole. Of larger ones the last two dimensions keep three values at each
//! end, the one before them two and one, and any further one its first.

use tch::{Device, Kind, TchError, Tensor};

/// Tensors of more values are cut short.
const MAX_VALUES: usize = 200;
/// As are those that would take more lines.
const MAX_LINES: i64 = 24;
/// Where a row is broken, in characters.
const LINE_WIDTH: usize = 80;
/// Digits behind the decimal point.
const PRECISION: usize = 4;

/// The values of a defined tensor, in brackets, aligned.
///
/// # Errors
/// When torch cannot read the values, for example of a sparse tensor.
pub(crate) fn values(tensor: &Tensor) -> Result<String, TchError> {
    if tensor.numel() == 0 {
        return Ok("[]".into());
    }
    let tensor = tensor.f_detach()?;
    let tensor = match tensor.f_kind()? {
        Kind::QInt8 | Kind::QUInt8 | Kind::QInt32 => tensor.f_dequantize()?,
        _ => tensor,
    };
    let block = Block::read(&tensor, &cuts(&tensor.size()))?;
    let mut shown = Vec::new();
    block.collect(&mut shown);
    let format = Format::choose(&shown);
    Ok(match &block {
        Block::Row(row) if tensor.dim() == 0 => row
            .iter()
            .flatten()
            .map(|value| format.plain(*value))
            .collect(),
        block => block.print(&format, 1),
    })
}

/// How many values a dimension keeps at its front and its back.
type Cut = (i64, i64);

fn cuts(size: &[i64]) -> Vec<Cut> {
    let lines: i64 = size.iter().rev().skip(1).product();
    if size.iter().product::<i64>() <= MAX_VALUES as i64 && lines <= MAX_LINES {
        return size.iter().map(|&length| (length, 0)).collect();
    }
    let from_last = |dimension: usize| size.len() - dimension;
    let cut = |dimension| match from_last(dimension) {
        1 | 2 => (3, 3),
        3 => (2, 1),
        _ => (1, 0),
    };
    (0..size.len()).map(cut).collect()
}

/// One value, read from the tensor.
#[derive(Clone, Copy)]
enum Value {
    Float(f64),
    Int(i64),
    Bool(bool),
    Complex(f64, f64),
}

/// What is shown of a tensor; `None` stands for what is left out.
enum Block {
    Row(Vec<Option<Value>>),
    Blocks(Vec<Option<Block>>),
}

impl Block {
    /// Reads what `cuts`, one for each dimension, leave of the tensor.
    fn read(tensor: &Tensor, cuts: &[Cut]) -> Result<Self, TchError> {
        let Some((&(front, back), inner)) = cuts.split_first() else {
            return Ok(Self::Row(read_row(&tensor.f_reshape([1])?)?));
        };
        let length = tensor.size()[0];
        let whole = length <= front + back;
        let (front, back) = if whole { (length, 0) } else { (front, back) };
        if inner.is_empty() {
            let mut row = read_row(&tensor.f_narrow(0, 0, front)?)?;
            if !whole {
                row.push(None);
                row.extend(read_row(&tensor.f_narrow(0, length - back, back)?)?);
            }
            return Ok(Self::Row(row));
        }
        let block =
            |index| Ok::<_, TchError>(Some(Self::read(&tensor.f_select(0, index)?, inner)?));
        let mut blocks = (0..front).map(block).collect::<Result<Vec<_>, _>>()?;
        if !whole {
            blocks.push(None);
            for index in length - back..length {
                blocks.push(block(index)?);
            }
        }
        Ok(Self::Blocks(blocks))
    }

    /// All values, in order.
    fn collect(&self, into: &mut Vec<Value>) {
        match self {
            Self::Row(row) => into.extend(row.iter().flatten()),
            Self::Blocks(blocks) => blocks
                .iter()
                .flatten()
                .for_each(|block| block.collect(into)),
        }
    }

    /// How many dimensions it has.
    fn depth(&self) -> usize {
        match self {
            Self::Row(_) => 1,
            Self::Blocks(blocks) => 1 + blocks.iter().flatten().next().map_or(0, Block::depth),
        }
    }

    /// The text, its first bracket standing before column `indent`.
    fn print(&self, format: &Format, indent: usize) -> String {
        match self {
            Self::Row(row) => {
                let cells: Vec<_> = row
                    .iter()
                    .map(|value| value.map_or(" ...".into(), |v| format.aligned(v)))
                    .collect();
                let per_line = (LINE_WIDTH.saturating_sub(indent) / (format.width + 2)).max(1);
                let lines: Vec<_> = cells.chunks(per_line).map(|line| line.join(", ")).collect();
                format!("[{}]", lines.join(&format!(",\n{}", " ".repeat(indent))))
            }
            Self::Blocks(blocks) => {
                let gap = format!(",{}{}", "\n".repeat(self.depth() - 1), " ".repeat(indent));
                let printed = |block: &Option<Block>| {
                    block
                        .as_ref()
                        .map_or("...".into(), |b| b.print(format, indent + 1))
                };
                format!(
                    "[{}]",
                    blocks.iter().map(printed).collect::<Vec<_>>().join(&gap)
                )
            }
        }
    }
}

/// The values of a tensor of one dimension.
fn read_row(row: &Tensor) -> Result<Vec<Option<Value>>, TchError> {
    // Conjugates and negatives may be noted beside the data only; copying the data needs them done.
    let row = row
        .f_to_device(Device::Cpu)?
        .f_resolve_conj()?
        .f_resolve_neg()?;
    let values: Vec<Value> = match row.f_kind()? {
        Kind::Bool => Vec::<bool>::try_from(&row)?
            .into_iter()
            .map(Value::Bool)
            .collect(),
        Kind::Uint8 | Kind::Int8 | Kind::Int16 | Kind::Int | Kind::Int64 => {
            Vec::<i64>::try_from(&row)?
                .into_iter()
                .map(Value::Int)
                .collect()
        }
        Kind::ComplexHalf | Kind::ComplexFloat | Kind::ComplexDouble => {
            let real = Vec::<f64>::try_from(&row.f_real()?)?;
            let imaginary = Vec::<f64>::try_from(&row.f_imag()?)?;
            real.into_iter()
                .zip(imaginary)
                .map(|(re, im)| Value::Complex(re, im))
                .collect()
        }
        _ => Vec::<f64>::try_from(&row)?
            .into_iter()
            .map(Value::Float)
            .collect(),
    };
    Ok(values.into_iter().map(Some).collect())
}

/// How floats are written.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Notation {
    /// `3.`: all are whole numbers.
    Whole,
    /// `3.1416`
    Decimal,
    /// `3.1416e+00`: some would lose their digits otherwise.
    Scientific,
}

/// One format for all values, so that they align.
struct Format {
    notation: Notation,
    width: usize,
}

impl Format {
    /// PyTorch's choice: by the least and the greatest size of what is shown.
    fn choose(values: &[Value]) -> Self {
        let sizes = values.iter().flat_map(|value| match *value {
            Value::Float(v) => [v, 0.0],
            Value::Complex(re, im) => [re, im],
            Value::Int(_) | Value::Bool(_) => [0.0; 2],
        });
        let sizes: Vec<f64> = sizes
            .map(f64::abs)
            .filter(|size| size.is_finite() && *size != 0.0)
            .collect();
        let least = sizes.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = sizes.iter().copied().fold(0.0, f64::max);
        let whole = sizes.iter().all(|size| size.fract() == 0.0);
        let complex = values
            .iter()
            .any(|value| matches!(value, Value::Complex(..)));
        let spread = greatest / least > 1000.0 || greatest > 1e8;
        let notation = match (whole && !complex, spread || least < 1e-4) {
            (_, true) => Notation::Scientific,
            (true, false) => Notation::Whole,
            (false, false) => Notation::Decimal,
        };
        let mut format = Self { notation, width: 1 };
        format.width = values
            .iter()
            .map(|value| format.plain(*value).len())
            .max()
            .unwrap_or(1);
        format
    }

    fn plain(&self, value: Value) -> String {
        match value {
            Value::Int(v) => v.to_string(),
            Value::Bool(v) => v.to_string(),
            Value::Float(v) => self.float(v),
            Value::Complex(re, im) => {
                let im = self.float(im);
                let sign = if im.starts_with('-') { "" } else { "+" };
                format!("{}{sign}{im}j", self.float(re))
            }
        }
    }

    fn aligned(&self, value: Value) -> String {
        format!("{:>width$}", self.plain(value), width = self.width)
    }

    fn float(&self, value: f64) -> String {
        match self.notation {
            Notation::Whole if value.is_finite() => format!("{value:.0}."),
            Notation::Whole | Notation::Decimal => decimal(value, PRECISION),
            Notation::Scientific => scientific(value, PRECISION),
        }
    }
}

/// `3.14`, or `nan`, `inf`, `-inf`.
pub(crate) fn decimal(value: f64, digits: usize) -> String {
    if value.is_nan() {
        "nan".into()
    } else {
        format!("{value:.digits$}")
    }
}

/// `3.14e+00`: the exponent has a sign and at least two digits.
pub(crate) fn scientific(value: f64, digits: usize) -> String {
    let text = if value.is_finite() {
        format!("{value:.digits$e}")
    } else {
        decimal(value, digits)
    };
    match text.split_once('e') {
        Some((number, exponent)) => {
            let (sign, exponent) = exponent
                .strip_prefix('-')
                .map_or(('+', exponent), |rest| ('-', rest));
            format!("{number}e{sign}{exponent:0>2}")
        }
        None => text,
    }
}

#[cfg(test)]
mod tests {
    //! Expected text: PyTorch's `print(tensor)` with `torch.set_printoptions(threshold=200)`, without
    //! the word `tensor` and the indentation that goes with it.

    use super::*;

    const CPU: (Kind, Device) = (Kind::Float, Device::Cpu);

    #[test]
    fn the_notation_is_that_of_pytorch() {
        let cases: [(&[f64], &str); 6] = [
            (&[1.0, 2.0, 300.0], "[  1.,   2., 300.]"),
            (&[1e-5, 1.0, 250.5], "[1.0000e-05, 1.0000e+00, 2.5050e+02]"),
            (&[-1e-7, 12345678.5], "[-1.0000e-07,  1.2346e+07]"),
            (&[1e9, 2e9], "[1.0000e+09, 2.0000e+09]"),
            (&[f64::NAN, f64::INFINITY], "[nan, inf]"),
            (&[0.0, 0.0], "[0., 0.]"),
        ];
        for (values, expected) in cases {
            assert_eq!(
                super::values(&Tensor::from_slice(values)).unwrap(),
                expected
            );
        }
    }

    #[test]
    fn dimensions_nest() {
        let tensor = Tensor::arange(24, (Kind::Int64, Device::Cpu)).view([2, 3, 4]);
        let expected = "\
[[[ 0,  1,  2,  3],
  [ 4,  5,  6,  7],
  [ 8,  9, 10, 11]],

 [[12, 13, 14, 15],
  [16, 17, 18, 19],
  [20, 21, 22, 23]]]";
        assert_eq!(values(&tensor).unwrap(), expected);
    }

    #[test]
    fn long_tensors_keep_their_ends() {
        let expected = "\
[[  0.,   1.,   2.,  ...,  97.,  98.,  99.],
 [100., 101., 102.,  ..., 197., 198., 199.],
 [200., 201., 202.,  ..., 297., 298., 299.],
 ...,
 [700., 701., 702.,  ..., 797., 798., 799.],
 [800., 801., 802.,  ..., 897., 898., 899.],
 [900., 901., 902.,  ..., 997., 998., 999.]]";
        assert_eq!(
            values(&Tensor::arange(1000, CPU).view([10, 100])).unwrap(),
            expected
        );
        let line = values(&(Tensor::arange(1000, CPU) / 10)).unwrap();
        assert_eq!(
            line,
            "[ 0.0000,  0.1000,  0.2000,  ..., 99.7000, 99.8000, 99.9000]"
        );
    }

    #[test]
    fn long_rows_are_broken_and_deep_tensors_stay_short() {
        let rows = values(&(Tensor::arange(40, CPU) / 7)).unwrap();
        assert!(
            rows.lines().all(|line| line.len() <= LINE_WIDTH + 2) && rows.lines().count() == 5,
            "{rows}"
        );
        let deep = values(&Tensor::zeros([9, 9, 9, 9, 9, 9], CPU)).unwrap();
        assert!(deep.lines().count() < 40, "{deep}");
        assert_eq!(deep.matches('[').count(), deep.matches(']').count());
        assert!(
            values(&Tensor::zeros([100, 1], CPU))
                .unwrap()
                .lines()
                .count()
                == 7
        );
    }
}
