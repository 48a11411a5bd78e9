//! Charts of training: learning curves, the search for a learning rate, the gradients of each layer.

use rt::{Bundle, Show};

use crate::axis::brief;
use crate::matrices::rate_name;
use crate::number::numbers;
use crate::{Chart, Figure, Number, PlotError};

/// Loss (and accuracy) of each epoch, in training and validation, with the best epoch marked.
///
/// ```
/// # use plot::LearningCurves;
/// let mut curves = LearningCurves::new();
/// for (train, valid) in [(1.2, 1.3), (0.7, 0.9), (0.4, 1.0)] {
///     curves.push_loss(train, valid);
/// }
/// assert_eq!(curves.best_epoch(), Some(2));
/// ```
///
/// Epochs count from 1. The best is the one with the highest validation accuracy, or where there is none, with
/// the lowest validation loss; of equals, the first.
#[derive(Clone, Debug, Default)]
pub struct LearningCurves {
    title: String,
    loss: [Vec<f64>; 2],
    accuracy: [Vec<f64>; 2],
}

/// The names of the two halves of the data.
const HALVES: [&str; 2] = ["training", "validation"];

impl LearningCurves {
    /// Curves without any epoch.
    pub fn new() -> Self {
        Self::default()
    }

    /// The line above the chart.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// The mean losses of all epochs, replacing what was there.
    pub fn loss<T, V>(mut self, train: T, valid: V) -> Self
    where
        T: IntoIterator<Item: Number>,
        V: IntoIterator<Item: Number>,
    {
        self.loss = [numbers(train), numbers(valid)];
        self
    }

    /// The accuracies of all epochs, each 0-1, replacing what was there.
    pub fn accuracy<T, V>(mut self, train: T, valid: V) -> Self
    where
        T: IntoIterator<Item: Number>,
        V: IntoIterator<Item: Number>,
    {
        self.accuracy = [numbers(train), numbers(valid)];
        self
    }

    /// Adds the mean losses of one more epoch. NaN stands for one that was not measured.
    pub fn push_loss(&mut self, train: impl Number, valid: impl Number) {
        self.loss[0].push(train.to_f64());
        self.loss[1].push(valid.to_f64());
    }

    /// Adds the accuracies of one more epoch, each 0-1. NaN stands for one that was not measured.
    pub fn push_accuracy(&mut self, train: impl Number, valid: impl Number) {
        self.accuracy[0].push(train.to_f64());
        self.accuracy[1].push(valid.to_f64());
    }

    /// The best epoch, counted from 1; `None` before the first validation.
    pub fn best_epoch(&self) -> Option<usize> {
        let finite = |values: &[f64]| values.iter().any(|v| v.is_finite());
        let [_, accuracy] = &self.accuracy;
        let [_, loss] = &self.loss;
        // Of equals `min_by` takes the first.
        let least = |values: Vec<f64>| {
            let epochs = values
                .into_iter()
                .enumerate()
                .filter(|(_, v)| v.is_finite());
            Some(epochs.min_by(|a, b| a.1.total_cmp(&b.1))?.0 + 1)
        };
        if finite(accuracy) {
            least(accuracy.iter().map(|v| -v).collect())
        } else {
            least(loss.clone())
        }
    }

    /// The curves as a chart of losses and, if there are any, one of accuracies beside it.
    pub fn figure(&self) -> Figure {
        let mut figure = Figure::new().title(&self.title).columns(2);
        if !self.accuracy.iter().all(Vec::is_empty) {
            figure = figure
                .add(self.chart("loss", &self.loss))
                .add(self.chart("accuracy", &self.accuracy));
        } else {
            figure = figure.add(self.chart("loss", &self.loss).size(640, 380));
        }
        figure
    }

    fn chart(&self, what: &str, halves: &[Vec<f64>; 2]) -> Chart {
        let mut chart = Chart::new().x_label("epoch").y_label(what);
        for (name, values) in HALVES.iter().zip(halves) {
            chart = chart.line_xy(*name, (1..).zip(values));
        }
        let best = self.best_epoch();
        let value = best.and_then(|epoch| halves[1].get(epoch - 1));
        match (best, value) {
            // In the legend, where the words cover no curve.
            (Some(epoch), Some(value)) if value.is_finite() => chart
                .v_line(format!("best: epoch {epoch}, {}", brief(*value)), epoch)
                .note(epoch, value, ""),
            _ => chart,
        }
    }

    /// The curves as SVG source.
    ///
    /// # Errors
    /// As [`Figure::to_svg`].
    pub fn to_svg(&self) -> Result<String, PlotError> {
        self.figure().to_svg()
    }

    /// Writes the curves to an `.svg` or `.png` file.
    ///
    /// # Errors
    /// As [`Figure::save`].
    pub fn save(&self, path: impl AsRef<std::path::Path>) -> Result<(), PlotError> {
        self.figure().save(path)
    }
}

impl Show for LearningCurves {
    fn show(&self) -> Bundle {
        self.figure().show()
    }
}

/// Losses of training and validation, one for each epoch, with the best epoch marked.
///
/// ```
/// plot::learning_curves([1.2, 0.7, 0.4], [1.3, 0.9, 1.0]);
/// ```
pub fn learning_curves<T, V>(train: T, valid: V) -> LearningCurves
where
    T: IntoIterator<Item: Number>,
    V: IntoIterator<Item: Number>,
{
    LearningCurves::new().loss(train, valid)
}

/// The loss while the learning rate grew from step to step (Smith 2017, arXiv 1506.01186), with a rate to start
/// from, [`suggest_lr`]. The pale line is as measured, the other one smoothed.
pub fn lr_finder<L, V>(rates: L, losses: V) -> Chart
where
    L: IntoIterator<Item: Number>,
    V: IntoIterator<Item: Number>,
{
    finder_chart(&numbers(rates), &numbers(losses))
}

fn finder_chart(rates: &[f64], losses: &[f64]) -> Chart {
    let smooth = smoothed(losses);
    let points = |losses: &[f64]| -> Vec<(f64, f64)> {
        rates.iter().copied().zip(losses.iter().copied()).collect()
    };
    let mut chart = Chart::new()
        .title("Learning rate finder")
        .x_label("learning rate")
        .y_label("loss")
        .x_log()
        .line_xy("", points(losses))
        .faint()
        .tone(0)
        .line_xy("", points(&smooth))
        .tone(0);
    // The explosion at the end would flatten all that matters.
    let finite = || smooth.iter().copied().filter(|v| v.is_finite());
    let (least, first) = (finite().reduce(f64::min), finite().next());
    if let (Some(least), Some(first)) = (least, first)
        && first > least
    {
        let air = first - least;
        chart = chart.y_range(least - 0.15 * air, first + 0.4 * air);
    }
    match steepest(rates, &smooth) {
        Some(index) => {
            let (rate, loss) = (rates[index], smooth[index]);
            chart
                .v_line(format!("steepest at {}", rate_name(rate)), rate)
                .note(rate, loss, "")
        }
        None => chart,
    }
}

/// The learning rate at which the smoothed loss falls steepest; `None` if it never falls, or there are fewer than
/// five steps.
pub fn suggest_lr<L, V>(rates: L, losses: V) -> Option<f64>
where
    L: IntoIterator<Item: Number>,
    V: IntoIterator<Item: Number>,
{
    let (rates, losses) = (numbers(rates), numbers(losses));
    steepest(&rates, &smoothed(&losses)).map(|index| rates[index])
}

/// How large the gradients of each layer are, from the first layer down to the last, on a logarithmic axis: where
/// they shrink by powers of ten towards the first, they vanish. [`Chart::bar`] adds a second network.
///
/// ```
/// plot::gradient_flow([("conv1", 3e-7), ("conv2", 2e-5), ("fc", 1e-2)])
///     .named("sigmoid")
///     .bar("ReLU", [("conv1", 2e-3), ("conv2", 4e-3), ("fc", 1e-2)]);
/// ```
pub fn gradient_flow<S: Into<String>, V: Number>(
    layers: impl IntoIterator<Item = (S, V)>,
) -> Chart {
    Chart::new()
        .title("Gradient flow")
        .x_label("mean |gradient|")
        .x_log()
        .horizontal()
        .bar("", layers)
}

/// Each value as the mean of its neighbours on both sides, the nearer the weightier: unlike an exponential mean it
/// does not lag behind. Values that are not finite stay as they are, and are no neighbours.
fn smoothed(values: &[f64]) -> Vec<f64> {
    let reach = (values.len() / 25).max(1);
    let mean = |index: usize| {
        let (mut sum, mut weights) = (0.0, 0.0);
        let first = index.saturating_sub(reach);
        let neighbours = values
            .iter()
            .enumerate()
            .skip(first)
            .take(index + reach + 1 - first);
        for (other, value) in neighbours.filter(|(_, value)| value.is_finite()) {
            let weight = (reach + 1 - index.abs_diff(other)) as f64;
            sum += weight * value;
            weights += weight;
        }
        sum / weights
    };
    let smooth = |(index, value): (usize, &f64)| {
        if value.is_finite() {
            mean(index)
        } else {
            *value
        }
    };
    values.iter().enumerate().map(smooth).collect()
}

/// Where the loss falls fastest along the logarithm of the rate, before its minimum.
fn steepest(rates: &[f64], losses: &[f64]) -> Option<usize> {
    let usable = |i: &usize| rates[*i] > 0.0 && rates[*i].is_finite() && losses[*i].is_finite();
    let steps: Vec<usize> = (0..rates.len().min(losses.len())).filter(usable).collect();
    if steps.len() < 5 {
        return None;
    }
    let lowest = (0..steps.len()).min_by(|a, b| losses[steps[*a]].total_cmp(&losses[steps[*b]]))?;
    let slope = |i: usize| {
        let (a, b) = (steps[i - 1], steps[i + 1]);
        (losses[b] - losses[a]) / (rates[b].ln() - rates[a].ln())
    };
    // The first few steps say more about the smoothing than about the loss.
    let skipped = steps.len() / 20 + 1;
    (skipped..lowest.min(steps.len() - 1))
        .map(|i| (i, slope(i)))
        .filter(|(_, slope)| *slope < 0.0)
        .min_by(|a, b| a.1.total_cmp(&b.1))
        .map(|(i, _)| steps[i])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_epoch_is_the_first_of_the_best() {
        let curves = learning_curves([3.0, 2.0, 1.0, 0.5], [3.0, 2.0, 2.0, 2.5]);
        assert_eq!(curves.best_epoch(), Some(2));
        let curves = curves.accuracy([0.1, 0.2, 0.3, 0.4], [0.5, f64::NAN, 0.6, 0.6]);
        assert_eq!(curves.best_epoch(), Some(3));
        assert_eq!(LearningCurves::new().best_epoch(), None);
        assert_eq!(learning_curves([1.0], [f64::NAN]).best_epoch(), None);
    }

    #[test]
    fn the_best_epoch_is_marked_in_the_legend() {
        let mut curves = LearningCurves::new();
        curves.push_loss(1.0, 0.5);
        curves.push_loss(0.5, 0.75);
        curves.push_accuracy(0.5, 0.25);
        curves.push_accuracy(0.75, 0.5);
        let svg = curves.to_svg().unwrap();
        assert!(svg.contains("best: epoch 2, 0.750") && svg.contains("best: epoch 2, 0.500"));
    }

    #[test]
    fn the_suggested_rate_is_where_the_loss_falls_fastest() {
        // A logistic curve falls fastest at its middle, here at 1e-3.
        let rates: Vec<f64> = (0..101)
            .map(|i| 1e-6 * 10f64.powf(f64::from(i) * 0.06))
            .collect();
        let losses = rates
            .iter()
            .map(|rate| 2.0 - 1.0 / (1.0 + (-3.0 * (rate.log10() + 3.0)).exp()));
        let losses: Vec<f64> = losses.collect();
        let suggested = suggest_lr(&rates, &losses).unwrap();
        assert!((suggested.log10() + 3.0).abs() < 0.07, "{suggested}");
        // It is not misled by the explosion after it, nor by a value that is missing.
        let mut worse = losses.clone();
        worse[95..].fill(50.0);
        worse[20] = f64::NAN;
        assert_eq!(suggest_lr(&rates, &worse), Some(suggested));
        assert_eq!(suggest_lr(&rates, vec![1.0; 101]), None);
        assert_eq!(suggest_lr([0.1, 0.2], [2.0, 1.0]), None);
        assert_eq!(suggest_lr(Vec::<f64>::new(), Vec::<f64>::new()), None);
    }

    #[test]
    fn layers_of_one_name_share_a_row() {
        let flow =
            gradient_flow([("a", 1e-7), ("b", 1e-2)]).bar("ReLU", [("a", 1e-3), ("b", 1e-2)]);
        assert_eq!(flow.categories, ["a", "b"]);
        assert!(flow.to_svg().unwrap().contains("1e-7"));
    }
}
