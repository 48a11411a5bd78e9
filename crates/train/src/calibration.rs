//! [`Calibration`]: whether probabilities mean what they say.

use std::fmt;

use plot::Chart;
use rt::{Bundle, Show};

use crate::error::said;
use crate::{Predictions, TrainError};

/// Predictions whose probability lies in the same range.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Bin {
    /// The mean probability, 0 to 1, that the network gave to what it took the samples for.
    pub confidence: f64,
    /// The share of them, 0 to 1, that was right.
    pub accuracy: f64,
    /// How many there are.
    pub count: usize,
}

/// How sure a network was, beside how often it was right: a reliability diagram.
///
/// Guo et al. 2017, "On Calibration of Modern Neural Networks", arXiv 1706.04599.
#[derive(Clone, PartialEq)]
pub struct Calibration {
    /// From the least sure to the surest, all of the same width; some may be empty.
    pub bins: Vec<Bin>,
}

impl Predictions {
    /// Sorts predictions into ranges of probability; 15 is usual.
    ///
    /// # Errors
    /// [`TrainError::Settings`] for no bins, [`TrainError::Torch`] when torch cannot compute it.
    pub fn calibration(&self, bins: usize) -> Result<Calibration, TrainError> {
        if bins == 0 {
            return Err(TrainError::settings(
                "calibration: there must be at least 1 bin",
            ));
        }
        let tell = said("sorting predictions by probability");
        let (confidence, predicted) = self.probabilities().f_max_dim(1, false).map_err(&tell)?;
        let right = predicted.f_eq_tensor(&self.labels).map_err(&tell)?;
        let confidence =
            Vec::<f64>::try_from(confidence.to_kind(tch::Kind::Double)).map_err(&tell)?;
        let right = Vec::<bool>::try_from(right).map_err(&tell)?;
        let mut sums = vec![Bin::default(); bins];
        for (confidence, right) in confidence.into_iter().zip(right) {
            // Ranges are open on the left, as in the paper: (0.9, 1.0].
            let place = ((confidence * bins as f64).ceil() as usize).clamp(1, bins) - 1;
            let bin = &mut sums[place];
            bin.count += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(right));
        }
        for bin in &mut sums {
            let count = bin.count.max(1) as f64;
            bin.confidence /= count;
            bin.accuracy /= count;
        }
        Ok(Calibration { bins: sums })
    }
}

impl Calibration {
    /// The expected calibration error, 0 to 1: how far confidence and accuracy lie apart, on average over samples.
    pub fn error(&self) -> f64 {
        let samples: usize = self.bins.iter().map(|bin| bin.count).sum();
        let gap = |bin: &Bin| bin.count as f64 * (bin.confidence - bin.accuracy).abs();
        self.bins.iter().map(gap).sum::<f64>() / samples.max(1) as f64
    }

    /// Accuracy by confidence, beside the diagonal of perfect calibration.
    pub fn chart(&self) -> Chart {
        let filled = self.bins.iter().filter(|bin| bin.count > 0);
        Chart::new()
            .title(format!(
                "Calibration, expected error {:.1} %",
                100.0 * self.error()
            ))
            .x_label("confidence")
            .y_label("accuracy")
            .size(460, 400)
            .line_xy("perfect", [(0.0, 0.0), (1.0, 1.0)])
            .line_xy("network", filled.map(|bin| (bin.confidence, bin.accuracy)))
    }
}

impl fmt::Debug for Calibration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected calibration error {:.4}", self.error())?;
        for bin in self.bins.iter().filter(|bin| bin.count > 0) {
            write!(
                f,
                "\nconfidence {:.3}, accuracy {:.3}, {} samples",
                bin.confidence, bin.accuracy, bin.count
            )?;
        }
        Ok(())
    }
}

impl Show for Calibration {
    fn show(&self) -> Bundle {
        self.chart().show().with_text(format!("{self:?}"))
    }
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::*;

    /// Predictions of two classes, the first with the given probability; `right` says whether it is the class.
    fn predictions(samples: &[(f64, bool)]) -> Predictions {
        let logits: Vec<f32> = samples
            .iter()
            .flat_map(|(p, _)| [(p / (1.0 - p)).ln() as f32, 0.0])
            .collect();
        let labels: Vec<i64> = samples.iter().map(|(_, right)| i64::from(!right)).collect();
        Predictions {
            logits: Tensor::from_slice(&logits).view([-1, 2]),
            labels: Tensor::from_slice(&labels),
            indices: (0..samples.len()).collect(),
            classes: vec!["a".into(), "b".into()],
        }
    }

    #[test]
    fn the_error_is_the_gap_weighed_by_samples() {
        // Two at 0.65 of which one is right, two at 0.95 which are both right: (2 * 0.15 + 2 * 0.05) / 4.
        let samples = [(0.65, true), (0.65, false), (0.95, true), (0.95, true)];
        let found = predictions(&samples).calibration(10).unwrap();
        assert!((found.error() - 0.1).abs() < 1e-6, "{found:?}");
        let filled: Vec<_> = (0..10).filter(|&bin| found.bins[bin].count > 0).collect();
        assert_eq!(filled, [6, 9]);
        assert_eq!(found.bins[6].accuracy, 0.5);
    }

    #[test]
    fn there_has_to_be_a_bin() {
        assert!(predictions(&[(0.6, true)]).calibration(0).is_err());
    }
}
