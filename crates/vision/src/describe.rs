//! What a tensor or an array is: its shape, kind and device, its values in short, its statistics.

use rt::Bundle;
use rt::display::escape;
use tch::{Kind, TchError, Tensor};

use crate::{Array, table};

/// How a cell whose last expression is a tensor shows it: comes before all other ways, see `rt::display::tail`.
pub trait TensorTail {
    /// The tensor's bundle.
    fn bundle(&self) -> Option<Bundle>;
}

impl TensorTail for &&&&rt::display::tail::Tail<'_, Option<Tensor>> {
    fn bundle(&self) -> Option<Bundle> {
        Some(match self.0 {
            Some(tensor) => {
                let bundle = describe_tensor(tensor);
                let text = format!("Some({})", bundle.plain());
                bundle.with_text(text)
            }
            None => Bundle::text("None"),
        })
    }
}

impl TensorTail for &&&&rt::display::tail::Tail<'_, Tensor> {
    fn bundle(&self) -> Option<Bundle> {
        Some(describe_tensor(self.0))
    }
}

/// What [`display`] takes: whatever shows itself, and tensors. `How` tells the two apart and is found by itself.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be displayed",
    note = "`display` shows text, tensors, pictures and charts; `println!(\"{{value:?}}\")` writes any value that has `Debug`"
)]
pub trait Displayed<How> {
    /// What is shown.
    fn displayed(&self) -> Bundle;
}

/// How a value of a type with [`rt::Show`] is displayed.
pub struct Itself;
/// How a tensor is displayed.
pub struct Described;

impl<T: rt::Show + ?Sized> Displayed<Itself> for T {
    fn displayed(&self) -> Bundle {
        self.show()
    }
}

impl Displayed<Described> for Tensor {
    fn displayed(&self) -> Bundle {
        describe_tensor(self)
    }
}

/// Shows a value below the cell, now.
pub fn display<T: Displayed<How> + ?Sized, How>(value: &T) {
    rt::display(&value.displayed());
}

/// Shows a value that [`update_display`] can later replace.
pub fn display_with_id<T: Displayed<How> + ?Sized, How>(id: &str, value: &T) {
    rt::display_with_id(id, &value.displayed());
}

/// Replaces what stands under `id`, wherever it was shown.
pub fn update_display<T: Displayed<How> + ?Sized, How>(id: &str, value: &T) {
    rt::update_display(id, &value.displayed());
}

/// How a tensor gets into a closure that outlives its cell: another handle on the same values. See `rt::comm::along`.
pub trait TensorAlong {
    /// The closure's own handle.
    fn along(&self) -> Tensor;
}

impl TensorAlong for &rt::comm::along::Along<'_, Tensor> {
    fn along(&self) -> Tensor {
        self.0.shallow_clone()
    }
}

/// Statistics read every value; above this many they are left out.
const MAX_FOR_STATISTICS: usize = 100_000_000;
/// The same where the values have gaps between them in memory: torch copies such tensors first.
const MAX_FOR_COPIES: usize = 10_000_000;

/// Describes a tensor: shape, kind, device, statistics (least, greatest, mean and unbiased standard
/// deviation of floats; least and greatest of integers; how many booleans are true) and its values,
/// printed as PyTorch prints them and cut short where there are many.
///
/// Never panics, leaves the tensor and its gradients alone, and reads large tensors in place. What
/// torch cannot compute for a kind of tensor is left out.
pub fn describe_tensor(tensor: &Tensor) -> Bundle {
    if !tensor.defined() {
        return Bundle::text("Tensor (undefined)");
    }
    let _guard = tch::no_grad_guard();
    bundle("Tensor", &facts(tensor), tensor)
}

/// Describes an array in the same way.
pub(crate) fn describe_array(array: &Array) -> Bundle {
    let facts = [
        ("shape", format!("{:?}", array.shape())),
        ("dtype", array.dtype().to_string()),
    ];
    bundle("Array", &facts, &array.to_tensor())
}

/// The facts under the name of the type, with the statistics and values of the tensor.
fn bundle(name: &str, facts: &[Fact], tensor: &Tensor) -> Bundle {
    let statistics = statistics(tensor).unwrap_or_default();
    let values = table::values(tensor).unwrap_or_else(|error| {
        format!(
            "(values not shown: {})",
            error.to_string().lines().next().unwrap_or_default()
        )
    });
    Bundle::html(
        html(facts, &statistics, &values),
        text(name, facts, &statistics, &values),
    )
}

/// A name and what it is, for example `("mean", "0.4312")`.
type Fact = (&'static str, String);

fn facts(tensor: &Tensor) -> Vec<Fact> {
    let kind = match tensor.f_kind() {
        Ok(kind) => format!("{} (Kind::{kind:?})", dtype(kind)),
        Err(_) => "of a kind tch does not know".into(),
    };
    let mut facts = vec![
        ("shape", format!("{:?}", tensor.size())),
        ("dtype", kind),
        ("device", format!("{:?}", tensor.device()).to_lowercase()),
    ];
    if tensor.requires_grad() {
        facts.push(("gradient", "tracked".into()));
    }
    facts
}

/// PyTorch's name for a kind.
fn dtype(kind: Kind) -> &'static str {
    match kind {
        Kind::Uint8 => "uint8",
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Int => "int32",
        Kind::Int64 => "int64",
        Kind::Half => "float16",
        Kind::Float => "float32",
        Kind::Double => "float64",
        Kind::ComplexHalf => "complex32",
        Kind::ComplexFloat => "complex64",
        Kind::ComplexDouble => "complex128",
        Kind::Bool => "bool",
        Kind::QInt8 => "qint8",
        Kind::QUInt8 => "quint8",
        Kind::QInt32 => "qint32",
        Kind::BFloat16 => "bfloat16",
        Kind::Float8e5m2 => "float8_e5m2",
        Kind::Float8e4m3fn => "float8_e4m3fn",
        Kind::Float8e5m2fnuz => "float8_e5m2fnuz",
        Kind::Float8e4m3fnuz => "float8_e4m3fnuz",
    }
}

/// Empty where there is nothing to say: no values, a single one, too many, or a kind without order.
fn statistics(tensor: &Tensor) -> Result<Vec<Fact>, TchError> {
    let count = tensor.numel();
    let tensor = in_memory_order(&tensor.f_detach()?)?;
    let most = if tensor.is_contiguous() {
        MAX_FOR_STATISTICS
    } else {
        MAX_FOR_COPIES
    };
    if !(2..=most).contains(&count) {
        return Ok(Vec::new());
    }
    match tensor.f_kind()? {
        Kind::Half | Kind::Float | Kind::Double | Kind::BFloat16 => of_floats(&tensor),
        Kind::Uint8 | Kind::Int8 | Kind::Int16 | Kind::Int | Kind::Int64 => {
            let (least, greatest) = tensor.f_aminmax(None, false)?;
            Ok(vec![
                ("min", least.f_int64_value(&[])?.to_string()),
                ("max", greatest.f_int64_value(&[])?.to_string()),
            ])
        }
        Kind::Bool => {
            let number = tensor.f_count_nonzero(None)?.f_int64_value(&[])?;
            Ok(vec![("true", format!("{number} of {count}"))])
        }
        _ => Ok(Vec::new()),
    }
}

/// The same values in another order: transposed tensors are read as fast as others.
fn in_memory_order(tensor: &Tensor) -> Result<Tensor, TchError> {
    if tensor.is_contiguous() {
        return Ok(tensor.shallow_clone());
    }
    let strides = tensor.stride();
    let mut order: Vec<usize> = (0..strides.len()).collect();
    order.sort_by_key(|&dimension| std::cmp::Reverse(strides[dimension]));
    tensor.f_permute(
        order
            .iter()
            .map(|&dimension| dimension as i64)
            .collect::<Vec<_>>(),
    )
}

fn of_floats(tensor: &Tensor) -> Result<Vec<Fact>, TchError> {
    let (least, greatest) = tensor.f_aminmax(None, false)?;
    let least = least.f_double_value(&[])?;
    if least.is_nan() {
        // One NaN makes NaN of everything else; how many there are says more.
        let number = tensor
            .f_isnan()?
            .f_count_nonzero(None)?
            .f_int64_value(&[])?;
        return Ok(vec![("NaN", format!("{number} of {}", tensor.numel()))]);
    }
    Ok(vec![
        ("min", significant(least)),
        ("max", significant(greatest.f_double_value(&[])?)),
        (
            "mean",
            significant(tensor.f_mean(None)?.f_double_value(&[])?),
        ),
        ("std", significant(tensor.f_std(true)?.f_double_value(&[])?)),
    ])
}

/// A number with four significant digits.
fn significant(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return table::decimal(value, 0);
    }
    let scientific = table::scientific(value, 3);
    // Taken from the text, which is rounded: 0.99999 has the exponent of 1.
    let exponent = scientific
        .split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok());
    match exponent {
        Some(exponent @ -4..=5) => table::decimal(value, (3 - exponent).max(0) as usize),
        _ => scientific,
    }
}

fn text(name: &str, facts: &[Fact], statistics: &[Fact], values: &str) -> String {
    let facts: Vec<_> = facts
        .iter()
        .map(|(name, value)| {
            if *name == "gradient" {
                format!("gradient {value}")
            } else {
                value.clone()
            }
        })
        .collect();
    let mut text = format!("{name} {}\n{values}", facts.join(", "));
    if !statistics.is_empty() {
        let statistics: Vec<_> = statistics
            .iter()
            .map(|(name, value)| format!("{name} {value}"))
            .collect();
        text.push('\n');
        text.push_str(&statistics.join(", "));
    }
    text
}

/// A table of one row and the values below it. It sets no colours: the page's theme does.
fn html(facts: &[Fact], statistics: &[Fact], values: &str) -> String {
    let facts = || facts.iter().chain(statistics);
    let names: String = facts()
        .map(|(name, _)| format!(r#"<th style="text-align:left">{name}</th>"#))
        .collect();
    let cells: String = facts()
        .map(|(_, value)| format!(r#"<td style="text-align:left">{}</td>"#, escape(value)))
        .collect();
    let values = escape(values);
    format!(
        r#"<table style="margin:0 0 6px 0"><thead><tr>{names}</tr></thead><tbody><tr>{cells}</tr></tbody></table><pre style="margin:0;line-height:1.3;font-family:monospace">{values}</pre>"#
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::Device;

    fn plain(tensor: &Tensor) -> String {
        describe_tensor(tensor).plain().to_owned()
    }

    #[test]
    fn floats_come_with_their_statistics() {
        let tensor = Tensor::from_slice(&[0.1f32, 0.25, 1.0, 2.5, -3.125, 0.0]).view([2, 3]);
        // torch: t.min(), t.max(), t.mean() = 0.1208, t.std() = 1.8439
        assert_eq!(
            plain(&tensor),
            "Tensor [2, 3], float32 (Kind::Float), cpu\n\
             [[ 0.1000,  0.2500,  1.0000],\n [ 2.5000, -3.1250,  0.0000]]\n\
             min -3.125, max 2.500, mean 0.1208, std 1.844"
        );
        assert!(
            plain(&tensor.set_requires_grad(true))
                .starts_with("Tensor [2, 3], float32 (Kind::Float), cpu, gradient tracked\n")
        );
    }

    #[test]
    fn integers_and_booleans_have_their_own() {
        let integers = Tensor::from_slice(&[1i64, -20, 300]);
        assert_eq!(
            plain(&integers),
            "Tensor [3], int64 (Kind::Int64), cpu\n[  1, -20, 300]\nmin -20, max 300"
        );
        let truths = Tensor::from_slice(&[true, false, true]);
        assert_eq!(
            plain(&truths),
            "Tensor [3], bool (Kind::Bool), cpu\n[ true, false,  true]\ntrue 2 of 3"
        );
    }

    #[test]
    fn one_nan_does_not_hide_how_many_there_are() {
        let tensor = Tensor::from_slice(&[f64::NAN, 1.5, f64::INFINITY, f64::NEG_INFINITY]);
        assert!(plain(&tensor).ends_with("[   nan, 1.5000,    inf,   -inf]\nNaN 1 of 4"));
        let infinite = Tensor::from_slice(&[1.0, f64::INFINITY]);
        assert!(plain(&infinite).contains("min 1.000, max inf, mean inf"));
    }

    #[test]
    fn every_kind_and_layout_is_described() {
        let cpu = Device::Cpu;
        let source = Tensor::from_slice(&[-1.0f32, 0.0, 2.0, 3.0]).view([2, 2]);
        use Kind::*;
        for kind in [
            Uint8,
            Int8,
            Int16,
            Int,
            Int64,
            Half,
            Float,
            Double,
            ComplexHalf,
            ComplexFloat,
            ComplexDouble,
            Bool,
            BFloat16,
            Float8e5m2,
            Float8e4m3fn,
            Float8e5m2fnuz,
            Float8e4m3fnuz,
        ] {
            let text = plain(&source.to_kind(kind));
            assert!(
                text.contains(&format!("Kind::{kind:?}")) && !text.contains("not shown"),
                "{text}"
            );
        }
        let quantised = source.quantize_per_tensor(0.5, 1, Kind::QUInt8);
        assert!(plain(&quantised).contains("3."), "{}", plain(&quantised));
        assert!(plain(&source.to_sparse_sparse_dim(2)).contains("(values not shown: "));
        assert!(plain(&source.tr()).contains("[[-1.,  2.],\n [ 0.,  3.]]"));
        assert_eq!(plain(&Tensor::new()), "Tensor (undefined)");
        assert_eq!(
            plain(&Tensor::from(3.5f32)),
            "Tensor [], float32 (Kind::Float), cpu\n3.5000"
        );
        assert_eq!(
            plain(&Tensor::zeros([0, 3], (Float, cpu))),
            "Tensor [0, 3], float32 (Kind::Float), cpu\n[]"
        );
    }

    #[test]
    fn conjugates_are_shown_as_their_values() {
        let tensor = Tensor::from_slice(&[1.0f32, 2.0, -0.5, -1.25])
            .view([2, 2])
            .view_as_complex();
        // torch: print(torch.tensor([1+2j, -0.5-1.25j])), and .conj()
        assert!(plain(&tensor).ends_with("[ 1.0000+2.0000j, -0.5000-1.2500j]"));
        assert!(plain(&tensor.conj()).ends_with("[ 1.0000-2.0000j, -0.5000+1.2500j]"));
        assert!(plain(&tensor.conj().imag()).contains("[-2.0000,  1.2500]"));
    }

    #[test]
    fn a_tensor_larger_than_memory_is_described_at_once() {
        let one = Tensor::from(1.0f32).expand([1_000_000, 3, 1_000_000], false);
        let text = plain(&one);
        assert!(
            text.starts_with("Tensor [1000000, 3, 1000000], float32") && !text.contains("mean"),
            "{text}"
        );
        assert!(text.lines().count() < 40);
        let turned = Tensor::rand([8_000, 4_000], (Kind::Float, Device::Cpu)).tr();
        assert!(plain(&turned).contains("mean 0."));
    }

    #[test]
    fn html_and_gradients_are_left_alone() {
        let weight = Tensor::ones([2, 2], (Kind::Float, Device::Cpu)).set_requires_grad(true);
        let bundle = describe_tensor(&weight);
        let html = bundle.data["text/html"].as_str().unwrap();
        assert!(
            html.contains("<td style=\"text-align:left\">[2, 2]</td>")
                && html.contains("[[1., 1.],\n [1., 1.]]</pre>")
        );
        assert!(!html.contains("color"));
        (&weight * 3.0).sum(Kind::Float).backward();
        assert_eq!(f64::try_from(weight.grad().mean(Kind::Float)).unwrap(), 3.0);
    }

    #[test]
    fn four_digits_are_significant() {
        let cases = [
            (0.0, "0"),
            (0.99999999, "1.000"),
            (123456.0, "123456"),
            (255.0, "255.0"),
            (0.012345, "0.01235"),
            (-1e-7, "-1.000e-07"),
        ];
        for (value, expected) in cases {
            assert_eq!(significant(value), expected);
        }
    }
}
