//! Class activation maps: where in an image a network sees a class.

use std::fmt;

use nets::Model;
use rt::{Bundle, Show};
use tch::{Device, Kind, TchError, Tensor};
use vision::Image;

use crate::TrainError;
use crate::error::said;
use crate::inspect::single;

/// How a class activation map is made of a layer's maps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CamMethod {
    /// Each map weighs as much as the mean of its gradient (Selvaraju et al. 2016, arXiv 1610.02391).
    #[default]
    GradCam,
    /// Gradients weigh more where a map is strong: several objects of one class are all found
    /// (Chattopadhay et al. 2017, arXiv 1710.11063).
    GradCamPlusPlus,
    /// Each place weighs as much as its own gradient: nothing lights up that was not used
    /// (Draelos and Carin 2020, arXiv 2011.08891).
    HiResCam,
    /// The first principal component of the maps: no gradients, and no class
    /// (Muhammad and Yeasin 2020, arXiv 2008.00299).
    EigenCam,
}

/// Where in an image a network sees a class.
pub struct Cam {
    /// `[H, W]` of the image, 0-1.
    pub heat: Tensor,
    /// The class that was looked for.
    pub class: usize,
    /// The probability, 0 to 1, that the network gives it.
    pub probability: f64,
    image: Image,
}

/// Grad-CAM of the class that the network takes an image for, at its last stage.
///
/// `image` is what the network takes, `[C, H, W]`, normalised as in training.
///
/// # Errors
/// As [`cam`].
pub fn grad_cam(net: &dyn Model, image: &Tensor) -> Result<Cam, TrainError> {
    cam(net, image, CamMethod::GradCam, None, None)
}

/// A class activation map; `None` for the layer is the network's last stage, for the class the most probable one.
///
/// # Shapes
/// image `[C, H, W]` or `[1, C, H, W]` -> heat `[H, W]`
///
/// # Errors
/// [`TrainError::Net`] when there is no such layer or the network does not take the image,
/// [`TrainError::Settings`] when the layer makes no maps or there is no such class.
pub fn cam(
    net: &dyn Model,
    image: &Tensor,
    method: CamMethod,
    layer: Option<&str>,
    class: Option<usize>,
) -> Result<Cam, TrainError> {
    let images = single(net, image)?;
    let Some(layer) = layer.or(net.stages().last().map(String::as_str)) else {
        return Err(TrainError::settings(
            "cam: this network has no stages: name a layer",
        ));
    };
    // With gradients from the image on, even if every parameter is frozen or the caller wants none.
    let images = images.detach().set_requires_grad(true);
    tch::with_grad(|| map(net, &images, method, layer, class))
}

fn map(
    net: &dyn Model,
    images: &Tensor,
    method: CamMethod,
    layer: &str,
    class: Option<usize>,
) -> Result<Cam, TrainError> {
    let found = net.features(images, &[layer])?;
    let (Some(maps), Some(logits)) = (found.get(layer), found.get("")) else {
        return Err(TrainError::settings(format!("cam: {layer} has no output")));
    };
    if images.dim() != 4 {
        return Err(TrainError::settings(format!(
            "cam: {} takes rows of numbers, and no layer of it makes maps: take a convolutional network",
            net.name()
        )));
    }
    if maps.dim() != 4 {
        return Err(TrainError::settings(format!(
            "cam: {layer} makes no maps: choose one of {}",
            net.stages().join(", ")
        )));
    }
    let class = match class {
        None => logits.argmax(1, false).int64_value(&[0]),
        Some(class) if (class as i64) < net.num_classes() => class as i64,
        Some(class) => {
            return Err(TrainError::settings(format!(
                "cam: there is no class {class}: the network has {} outputs",
                net.num_classes()
            )));
        }
    };
    let compute = || {
        let score = logits.f_select(1, class)?.f_sum(Kind::Float)?;
        let gradient = Tensor::f_run_backward(&[&score], &[maps], false, false)?;
        let heat = method.heat(&maps.detach().f_get(0)?, &gradient[0].f_get(0)?)?; // [h, w]
        let (height, width) = (images.size()[2], images.size()[3]);
        let heat = unit(&heat)?.f_unsqueeze(0)?.f_unsqueeze(0)?;
        let heat = heat.f_upsample_bilinear2d([height, width], false, None, None)?; // [1, 1, H, W]
        let heat = unit(&heat.f_get(0)?.f_get(0)?)?.f_to_device(Device::Cpu)?;
        let probability = logits
            .f_softmax(-1, Kind::Float)?
            .f_double_value(&[0, class])?;
        Ok((heat, probability))
    };
    let (heat, probability) = compute().map_err(said("computing a class activation map"))?;
    Ok(Cam {
        heat,
        class: class as usize,
        probability,
        image: stretched(&images.detach().get(0))?,
    })
}

impl CamMethod {
    /// From maps and their gradients, both `[C, h, w]`, to `[h, w]`.
    fn heat(self, maps: &Tensor, gradient: &Tensor) -> Result<Tensor, TchError> {
        const PIXELS: [i64; 2] = [1, 2];
        match self {
            Self::GradCam => {
                let weights = gradient.f_mean_dim(PIXELS.as_slice(), true, Kind::Float)?; // [C, 1, 1]
                sum(&(weights * maps))
            }
            Self::GradCamPlusPlus => {
                let (square, cube) = (gradient.f_square()?, gradient.f_pow_tensor_scalar(3)?);
                let strength = maps.f_sum_dim_intlist(PIXELS.as_slice(), true, Kind::Float)?; // [C, 1, 1]
                let share = &square / (&square * 2.0 + strength * cube + 1e-6);
                let weights = (share * gradient.f_relu()?).f_sum_dim_intlist(
                    PIXELS.as_slice(),
                    true,
                    Kind::Float,
                )?;
                sum(&(weights * maps))
            }
            Self::HiResCam => sum(&(gradient * maps)),
            Self::EigenCam => first_component(maps),
        }
    }
}

/// Over channels, without what speaks against the class: `[C, h, w]` -> `[h, w]`.
fn sum(weighted: &Tensor) -> Result<Tensor, TchError> {
    weighted.f_sum_dim_intlist(0, false, Kind::Float)?.f_relu()
}

/// The first principal component of the pixels' channels: `[C, h, w]` -> `[h, w]`.
fn first_component(maps: &Tensor) -> Result<Tensor, TchError> {
    let (channels, height, width) = maps.size3()?;
    let pixels = maps.f_reshape([channels, -1])?.f_tr()?; // [h * w, C]
    let centred = &pixels - pixels.f_mean_dim(0, true, Kind::Float)?;
    let (_, _, directions) = centred.f_svd(true, true)?; // columns, the first is the strongest
    let along = centred.f_mv(&directions.f_select(1, 0)?)?; // [h * w]
    // The direction may point either way: take the one in which the maps are stronger.
    let strength = pixels.f_sum_dim_intlist(1, false, Kind::Float)?;
    let along = match along.f_dot(&strength)?.f_double_value(&[])? < 0.0 {
        true => along.f_neg()?,
        false => along,
    };
    along.f_view([height, width])?.f_relu()
}

/// Stretched to 0-1; all 0 stays so.
fn unit(values: &Tensor) -> Result<Tensor, TchError> {
    let values = values - values.f_min()?;
    let most = values.f_max()?.f_clamp_min(1e-7)?;
    values.f_div(&most)
}

/// The image as a picture, whatever it was normalised by.
fn stretched(image: &Tensor) -> Result<Image, TrainError> {
    let values = unit(&image.to_device(Device::Cpu)).map_err(said("making a picture"))?;
    Ok(Image::from_chw(&values)?)
}

impl Cam {
    /// The image under its heat: blue is cold, red is hot.
    ///
    /// # Errors
    /// [`TrainError::Vision`] when the image has neither one nor three channels.
    pub fn overlay(&self) -> Result<Image, TrainError> {
        let blend = || {
            let image = self.image.to_tensor(); // [3, H, W], 0-1
            let mixed = image * 0.5 + jet(&self.heat)? * 0.5;
            mixed.f_clamp(0.0, 1.0)
        };
        let mixed = blend().map_err(said("laying heat over an image"))?;
        Ok(Image::from_chw(&mixed)?)
    }
}

/// The colours of `matplotlib`'s old `jet` for numbers 0-1: `[H, W]` -> `[3, H, W]`.
fn jet(heat: &Tensor) -> Result<Tensor, TchError> {
    let channel = |centre: f64| (((heat - centre) * 4.0).f_abs()? * -1.0 + 1.5).f_clamp(0.0, 1.0);
    Tensor::f_stack(&[channel(0.75)?, channel(0.5)?, channel(0.25)?], 0)
}

impl fmt::Debug for Cam {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "heat of class {} ({:.1} %), {:?}",
            self.class,
            100.0 * self.probability,
            self.heat.size()
        )
    }
}

impl Show for Cam {
    fn show(&self) -> Bundle {
        match self.overlay() {
            Ok(overlay) => overlay.show().with_text(format!("{self:?}")),
            Err(error) => Bundle::text(error.to_string()),
        }
    }
}
