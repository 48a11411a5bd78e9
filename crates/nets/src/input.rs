//! [`Input`]: the batch that a network takes, and what is said about another one.

use tch::{Device, Kind, Tensor};

use crate::NetError;

/// The batch that a network takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// `[N, features]`
    Features(i64),
    /// `[N, channels, H, W]`, height and width of at least so many pixels
    Images {
        /// 3 for colour (red, green, blue), 1 for grey
        channels: i64,
        /// The fewest pixels of height and of width that reach the last layer
        at_least: i64,
    },
    /// `[N, channels, height, width]`
    FixedImages {
        /// 3 for colour (red, green, blue), 1 for grey
        channels: i64,
        /// Pixels
        height: i64,
        /// Pixels
        width: i64,
    },
}

impl Input {
    /// Says what is wrong with a batch before torch does, in fewer words.
    pub(crate) fn check(
        &self,
        network: &str,
        xs: &Tensor,
        (kind, device): (Kind, Device),
    ) -> Result<(), NetError> {
        let wrong = |expected: String, found: String, hint: &str| {
            Err(NetError::Input {
                network: network.into(),
                expected,
                found,
                hint: hint.into(),
            })
        };
        if !xs.defined() {
            return wrong(self.shape(), "an undefined tensor".into(), "");
        }
        let size = xs.size();
        if !self.takes(&size) {
            return wrong(self.shape(), format!("{size:?}"), &self.hint(&size));
        }
        let found = xs.f_kind()?;
        if found != kind {
            let hint = match found {
                Kind::Uint8 => format!(": convert with to_kind(Kind::{kind:?}) / 255"),
                _ => format!(": convert with to_kind(Kind::{kind:?})"),
            };
            return wrong(format!("Kind::{kind:?}"), format!("Kind::{found:?}"), &hint);
        }
        if xs.device() != device {
            let hint = ": move the batch with to_device(...), or the network";
            return wrong(
                format!("a batch on {device:?}"),
                format!("one on {:?}", xs.device()),
                hint,
            );
        }
        Ok(())
    }

    fn takes(&self, size: &[i64]) -> bool {
        match (*self, size) {
            (Self::Features(features), [_, found]) => *found == features,
            (Self::Images { channels, at_least }, [_, found, h, w]) => {
                *found == channels && *h >= at_least && *w >= at_least
            }
            (
                Self::FixedImages {
                    channels,
                    height,
                    width,
                },
                [_, rest @ ..],
            ) => rest == [channels, height, width],
            _ => false,
        }
    }

    /// The shape in words: `[N, 3, H, W]`.
    fn shape(&self) -> String {
        match self {
            Self::Features(features) => format!("[N, {features}]"),
            Self::Images { channels, at_least } if *at_least > 1 => {
                format!("[N, {channels}, H, W] with H and W of at least {at_least}")
            }
            Self::Images { channels, .. } => format!("[N, {channels}, H, W]"),
            Self::FixedImages {
                channels,
                height,
                width,
            } => format!("[N, {channels}, {height}, {width}]"),
        }
    }

    /// What most likely happened, and the call that puts it right.
    fn hint(&self, size: &[i64]) -> String {
        match *self {
            Self::Features(features) => features_hint(features, size).into(),
            Self::Images { channels, at_least } => {
                let hint = images_hint(channels, size);
                match size {
                    [_, found, ..] if size.len() == 4 && *found == channels => {
                        format!(": resize the images to at least {at_least} pixels on each side")
                    }
                    _ => hint,
                }
            }
            Self::FixedImages {
                channels,
                height,
                width,
            } => match size {
                [_, found, ..] if size.len() == 4 && *found == channels => {
                    format!(": resize the images to {height} x {width} pixels")
                }
                _ => images_hint(channels, size),
            },
        }
    }
}

fn features_hint(features: i64, size: &[i64]) -> &'static str {
    match size {
        [n] if *n == features => ": add a batch dimension with unsqueeze(0)",
        [n, rest @ ..] if size.len() > 2 && rest.iter().product::<i64>() == features && *n > 0 => {
            ": make one row of each sample with flatten(1, -1)"
        }
        _ => "",
    }
}

fn images_hint(channels: i64, size: &[i64]) -> String {
    match *size {
        [c, _, _] if c == channels => ": add a batch dimension with unsqueeze(0)".into(),
        [_, _, c] if c == channels => {
            ": put the channels first with permute([2, 0, 1]), then add a batch dimension with unsqueeze(0)"
                .into()
        }
        [_, _, _, c] if c == channels => {
            ": put the channels first with permute([0, 3, 1, 2])".into()
        }
        [_, 1, _, _] => {
            format!(": these images are grey; repeat their channel with expand([-1, {channels}, -1, -1], false)")
        }
        [_, 4, _, _] if channels == 3 => {
            ": the fourth channel is transparency; leave it out with narrow(1, 0, 3)".into()
        }
        [_, 3, _, _] if channels == 1 => {
            ": these images are in colour; make them grey with mean_dim(1, true, Kind::Float)".into()
        }
        _ => String::new(),
    }
}
