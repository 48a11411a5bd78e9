//! Looking into a network: gradients and activations by layer, filters, feature maps.

use std::fmt;

use data::Batch;
use nets::Model;
use plot::Chart;
use rt::{Bundle, Show, display::escape};
use tch::{Kind, TchError, Tensor};
use vision::{Grid, Image};

use crate::error::said;
use crate::net::{PutBack, batch_for, images_for, training_loss};
use crate::{CrossEntropy, Gradients, TrainError, named_parameters};

/// How strong the gradient of one layer's weights is.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerGradient {
    /// The parameter's name.
    pub name: String,
    /// The length of the gradient (L2 norm).
    pub norm: f64,
    /// The mean size of its numbers.
    pub mean: f64,
    /// The size of its largest number.
    pub largest: f64,
}

/// The gradients of each layer's weights, from the input on.
#[derive(Clone, PartialEq)]
pub struct GradientFlow {
    /// One entry a layer.
    pub layers: Vec<LayerGradient>,
}

/// The gradients that one batch gives to the weights of each layer: where they vanish or explode.
///
/// Biases and batch normalisation are left out. The network is as it was afterwards.
///
/// # Errors
/// [`TrainError::Net`] when the network does not take the batch, and as [`Gradients::of`].
pub fn layer_gradients(net: &dyn Model, batch: &Batch) -> Result<GradientFlow, TrainError> {
    let _put_back = PutBack::all(net)?;
    let (images, labels) = batch_for(net, batch)?;
    let (loss, _) = training_loss(net, &images, &labels, &CrossEntropy::new())?;
    let gradients = Gradients::of(&loss, &named_parameters(net))?;
    let layers = gradients
        .iter()
        .filter(|(_, gradient)| gradient.dim() > 1)
        .map(|(name, gradient)| layer_gradient(name, gradient))
        .collect::<Result<_, _>>()
        .map_err(said("measuring gradients"))?;
    Ok(GradientFlow { layers })
}

fn layer_gradient(name: &str, gradient: &Tensor) -> Result<LayerGradient, TchError> {
    let sizes = gradient.f_abs()?;
    Ok(LayerGradient {
        name: name.to_owned(),
        norm: gradient.f_norm()?.f_double_value(&[])?,
        mean: sizes.f_mean(Kind::Float)?.f_double_value(&[])?,
        largest: sizes.f_max()?.f_double_value(&[])?,
    })
}

impl GradientFlow {
    /// Name and mean size of each layer's gradient, for [`plot::gradient_flow`] and `Chart::bar`, which compare
    /// several networks.
    pub fn means(&self) -> impl Iterator<Item = (&str, f64)> {
        self.layers
            .iter()
            .map(|layer| (layer.name.as_str(), layer.mean))
    }

    /// The mean size of each layer's gradient, on a logarithmic scale, from the input on.
    pub fn chart(&self) -> Chart {
        plot::gradient_flow(self.means())
    }
}

impl fmt::Debug for GradientFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .layers
            .iter()
            .map(|layer| layer.name.len())
            .max()
            .unwrap_or(0);
        write!(f, "{:width$}       norm       mean    largest", "")?;
        for layer in &self.layers {
            write!(
                f,
                "\n{:width$}  {:>9.2e}  {:>9.2e}  {:>9.2e}",
                layer.name, layer.norm, layer.mean, layer.largest
            )?;
        }
        Ok(())
    }
}

impl Show for GradientFlow {
    fn show(&self) -> Bundle {
        self.chart().show().with_text(format!("{self:?}"))
    }
}

/// What one layer makes of a batch.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerActivation {
    /// The layer's name, with a number from its second run on, as in [`Model::features`].
    pub name: String,
    /// PyTorch's name of its type.
    pub kind: &'static str,
    /// The mean of all its numbers.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// For a ReLU: the share, 0 to 1, of its numbers that are 0, and of its units that are 0 for every image.
    pub zeros: Option<(f64, f64)>,
}

/// What each layer makes of a batch, from the input on.
#[derive(Clone, PartialEq)]
pub struct Activations {
    /// One entry a layer.
    pub layers: Vec<LayerActivation>,
}

/// Mean and spread of every layer's output for a batch of images, in evaluation mode, and how many ReLUs are dead.
///
/// A unit (a channel of a feature map, or one number of a row) is dead when it is 0 for every image of the batch:
/// no gradient reaches it. Judge it by a batch of a hundred images or more.
///
/// # Errors
/// [`TrainError::Net`] when the network does not take the images.
pub fn activations(net: &dyn Model, images: &Tensor) -> Result<Activations, TrainError> {
    let _guard = tch::no_grad_guard();
    let mut layers = Vec::new();
    let _logits = net.forward_hooked(&images_for(net, images)?, false, &mut |visit| {
        if visit.is_leaf {
            let name = visit.output_name();
            layers.push(layer_activation(&name, visit.kind, visit.output));
        }
    })?;
    let layers = layers
        .into_iter()
        .collect::<Result<_, _>>()
        .map_err(said("measuring activations"))?;
    Ok(Activations { layers })
}

fn layer_activation(
    name: &str,
    kind: &'static str,
    output: &Tensor,
) -> Result<LayerActivation, TchError> {
    let zeros = (kind == "ReLU").then(|| zeros(output)).transpose()?;
    Ok(LayerActivation {
        name: name.to_owned(),
        kind,
        mean: output.f_mean(Kind::Float)?.f_double_value(&[])?,
        deviation: output.f_std(false)?.f_double_value(&[])?,
        zeros,
    })
}

/// The share of numbers that are 0, and of units that are 0 throughout.
fn zeros(output: &Tensor) -> Result<(f64, f64), TchError> {
    let zero = output.f_eq(0.0)?;
    let by_unit = zero.f_transpose(0, 1)?.f_flatten(1, -1)?; // [units, N * pixels]
    let dead = by_unit.f_all_dim(1, false)?;
    let share = |of: &Tensor| {
        of.f_to_kind(Kind::Float)?
            .f_mean(Kind::Float)?
            .f_double_value(&[])
    };
    Ok((share(&zero)?, share(&dead)?))
}

impl Activations {
    /// The spread of each layer's output, from the input on: it should neither die out nor explode.
    pub fn chart(&self) -> Chart {
        let deviations = self.layers.iter().enumerate();
        Chart::new()
            .title("Activations")
            .x_label("layer, from the input on")
            .y_label("standard deviation")
            .line_xy(
                "",
                deviations.map(|(place, layer)| (place + 1, layer.deviation)),
            )
    }

    /// Name, and share of dead units (0 to 1), of every ReLU.
    pub fn dead_relus(&self) -> Vec<(&str, f64)> {
        let relus = self.layers.iter();
        relus
            .filter_map(|layer| Some((layer.name.as_str(), layer.zeros?.1)))
            .collect()
    }

    fn rows(&self) -> Vec<[String; 6]> {
        let percent = |share: Option<f64>| {
            share.map_or(String::new(), |share| format!("{:.1} %", 100.0 * share))
        };
        let row = |layer: &LayerActivation| {
            [
                layer.name.clone(),
                layer.kind.to_owned(),
                format!("{:.4}", layer.mean),
                format!("{:.4}", layer.deviation),
                percent(layer.zeros.map(|zeros| zeros.0)),
                percent(layer.zeros.map(|zeros| zeros.1)),
            ]
        };
        let titles = ["layer", "type", "mean", "std", "zeros", "dead"].map(String::from);
        [titles]
            .into_iter()
            .chain(self.layers.iter().map(row))
            .collect()
    }
}

impl fmt::Debug for Activations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let width = |column: usize| rows.iter().map(|row| row[column].len()).max().unwrap_or(0);
        let (name, kind) = (width(0), width(1));
        let lines = rows.iter().map(|[a, b, rest @ ..]| {
            format!("{a:name$}  {b:kind$}")
                + &rest.clone().map(|cell| format!("{cell:>10}")).concat()
        });
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

impl Show for Activations {
    fn show(&self) -> Bundle {
        let mut html = String::from("<table>");
        for row in self.rows() {
            html += &format!(
                "<tr>{}</tr>",
                row.map(|cell| format!("<td>{}</td>", escape(&cell)))
                    .concat()
            );
        }
        Bundle::html(html + "</table>", format!("{self:?}"))
    }
}

/// The most pictures of filters or feature maps that are shown.
const MOST: usize = 64;

/// The filters of the first convolution as pictures, each stretched to the full range of colours or greys.
///
/// # Errors
/// [`TrainError::Settings`] when the first layer is no convolution.
pub fn filters(net: &dyn Model) -> Result<Grid, TrainError> {
    let parameters = named_parameters(net);
    let first = parameters.iter().find(|(_, tensor)| tensor.dim() > 1);
    let Some((name, weight)) = first.filter(|(_, weight)| weight.dim() == 4) else {
        return Err(TrainError::settings(format!(
            "filters: the first layer of {} is no convolution",
            net.name()
        )));
    };
    let count = (weight.size()[0] as usize).min(MOST);
    let weight = weight.detach();
    let pictures = (0..count).map(|index| {
        let filter = weight.get(index as i64); // [C, H, W]
        match filter.size()[0] {
            1 | 3 => picture(&filter),
            _ => picture(&filter.mean_dim(0, true, Kind::Float)),
        }
    });
    let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
    let captions = (0..count).map(|index| format!("{name}[{index}]"));
    Ok(Grid::new(pictures).columns(8).captions(captions))
}

/// What the channels of a layer see in one image, each stretched to the full range of greys; at most 64.
///
/// # Shapes
/// image `[C, H, W]` or `[1, C, H, W]`
///
/// # Errors
/// [`TrainError::Net`] when there is no such layer or the network does not take the image,
/// [`TrainError::Settings`] when the layer makes no maps.
pub fn feature_maps(net: &dyn Model, image: &Tensor, layer: &str) -> Result<Grid, TrainError> {
    let _guard = tch::no_grad_guard();
    let found = net.features(&single(net, image)?, &[layer])?;
    let Some(maps) = found.get(layer).filter(|maps| maps.dim() == 4) else {
        return Err(TrainError::settings(format!(
            "feature_maps: {layer} makes no maps: choose one of {}",
            net.stages().join(", ")
        )));
    };
    let maps = maps.get(0); // [channels, H, W]
    let count = (maps.size()[0] as usize).min(MOST);
    let pictures = (0..count).map(|index| picture(&maps.narrow(0, index as i64, 1)));
    let pictures = pictures.collect::<Result<Vec<_>, _>>()?;
    let captions = (0..count).map(|index| format!("{layer}[{index}]"));
    Ok(Grid::new(pictures).columns(8).captions(captions))
}

/// One image as a batch that the network takes.
pub(crate) fn single(net: &dyn Model, image: &Tensor) -> Result<Tensor, TrainError> {
    let image = match image.size().as_slice() {
        [_, _, _] => image.unsqueeze(0),
        [1, _, _, _] => image.shallow_clone(),
        size => {
            return Err(TrainError::settings(format!(
                "one image is [C, H, W] or [1, C, H, W], got {size:?}"
            )));
        }
    };
    images_for(net, &image)
}

/// `[C, H, W]` with one or three channels as a picture, stretched from its least to its largest number.
fn picture(values: &Tensor) -> Result<Image, TrainError> {
    let stretch = || {
        let values = values.f_to_device(tch::Device::Cpu)?;
        let (least, most) = (values.f_min()?, values.f_max()?);
        let range = (&most - &least).f_clamp_min(1e-12)?;
        (values - least).f_div(&range) // 0-1
    };
    Ok(Image::from_chw(
        &stretch().map_err(said("making a picture"))?,
    )?)
}
