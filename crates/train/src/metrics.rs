//! Metrics: how good predictions are.

use std::fmt;

use plot::Chart;
use rt::{Bundle, Show, display::escape};
use tch::{Kind, Tensor};

use crate::TrainError;
use crate::error::said;

/// The share of samples, 0 to 1, whose label is among the `k` highest logits.
///
/// # Shapes
/// logits `[N, classes]`, labels `[N]` i64; NaN for an empty batch
///
/// # Errors
/// [`TrainError::Settings`] when `k` is 0 or more than there are classes.
pub fn top_k_accuracy(logits: &Tensor, labels: &Tensor, k: usize) -> Result<f64, TrainError> {
    let classes = logits.size().last().copied().unwrap_or(0);
    if k == 0 || k as i64 > classes {
        return Err(TrainError::settings(format!(
            "top-k: k must be 1 to {classes} (the classes), got {k}"
        )));
    }
    let hits = || {
        let (_, best) = logits.f_topk(k as i64, 1, true, true)?; // [N, k]
        let hits = best.f_eq_tensor(&labels.f_unsqueeze(1)?)?;
        hits.f_sum(Kind::Float)?
            .f_div_scalar(labels.numel() as f64)?
            .f_double_value(&[])
    };
    hits().map_err(said("top-k accuracy"))
}

/// How often each class was taken for each: all that precision, recall and F1 are made of.
///
/// Rows are what the samples are, columns what they were taken for.
#[derive(Clone, PartialEq, Eq)]
pub struct Confusion {
    classes: Vec<String>,
    /// Row by row.
    counts: Vec<u64>,
}

/// The figures of one class.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClassScore {
    /// Of those taken for this class, the share that is; 0 if none was taken for it.
    pub precision: f64,
    /// Of those that are of this class, the share that was found; 0 if there is none.
    pub recall: f64,
    /// The harmonic mean of precision and recall; 0 if both are.
    pub f1: f64,
    /// How many samples are of this class.
    pub support: u64,
}

/// Two classes and how often the one was taken for the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    /// What the samples are.
    pub actual: String,
    /// What they were taken for.
    pub predicted: String,
    /// How many.
    pub count: u64,
}

impl Confusion {
    /// Of nothing seen yet.
    pub fn new<S: AsRef<str>>(classes: &[S]) -> Self {
        Self {
            classes: classes
                .iter()
                .map(|name| name.as_ref().to_owned())
                .collect(),
            counts: vec![0; classes.len() * classes.len()],
        }
    }

    /// Counts a batch: the class with the highest logit is the prediction.
    ///
    /// # Shapes
    /// logits `[N, classes]`, labels `[N]` i64
    ///
    /// # Errors
    /// [`TrainError::Settings`] when there are more or fewer logits than classes, or a label that is none of them;
    /// nothing of the batch is counted then.
    pub fn add(&mut self, logits: &Tensor, labels: &Tensor) -> Result<(), TrainError> {
        let classes = self.classes.len() as i64;
        if logits.size().get(1) != Some(&classes) || labels.size()[..] != logits.size()[..1] {
            return Err(TrainError::settings(format!(
                "Confusion: {classes} classes need logits [N, {classes}] and labels [N], got {:?} and {:?}",
                logits.size(),
                labels.size()
            )));
        }
        self.check_labels(labels)?;
        let count = || {
            let cells = (labels.f_mul_scalar(classes)?).f_add_(&logits.f_argmax(1, false)?)?;
            let counts = cells.f_bincount(None::<Tensor>, classes * classes)?;
            Vec::<i64>::try_from(counts.to_device(tch::Device::Cpu))
        };
        for (cell, count) in self
            .counts
            .iter_mut()
            .zip(count().map_err(said("counting predictions"))?)
        {
            *cell += count as u64;
        }
        Ok(())
    }

    /// Refuses labels that are no classes.
    fn check_labels(&self, labels: &Tensor) -> Result<(), TrainError> {
        if labels.numel() == 0 {
            return Ok(());
        }
        let ends = || {
            Ok::<_, tch::TchError>((
                labels.f_min()?.f_int64_value(&[])?,
                labels.f_max()?.f_int64_value(&[])?,
            ))
        };
        let (least, most) = ends().map_err(said("looking at labels"))?;
        if least >= 0 && most < self.classes.len() as i64 {
            return Ok(());
        }
        Err(TrainError::settings(format!(
            "Confusion: labels run from {least} to {most}, but there are {} classes, numbered from 0",
            self.classes.len()
        )))
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// How many samples of class `actual` were taken for class `predicted`; 0 for classes there are not.
    pub fn count(&self, actual: usize, predicted: usize) -> u64 {
        let classes = self.classes.len();
        if actual < classes && predicted < classes {
            self.counts[actual * classes + predicted]
        } else {
            0
        }
    }

    /// The counts, row by row.
    pub fn rows(&self) -> impl Iterator<Item = &[u64]> {
        self.counts.chunks(self.classes.len().max(1))
    }

    /// How many samples were counted.
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The share of samples, 0 to 1, that were taken for what they are; NaN before the first.
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.classes.len())
            .map(|class| self.count(class, class))
            .sum();
        right as f64 / self.total() as f64
    }

    /// Precision, recall, F1 and support of one class.
    pub fn score(&self, class: usize) -> ClassScore {
        let all = 0..self.classes.len();
        let right = self.count(class, class);
        let support: u64 = all.clone().map(|other| self.count(class, other)).sum();
        let predicted: u64 = all.map(|other| self.count(other, class)).sum();
        let (precision, recall) = (share(right, predicted), share(right, support));
        ClassScore {
            precision,
            recall,
            f1: share(2 * right, predicted + support),
            support,
        }
    }

    /// Precision, recall and F1, each the mean over the classes, whatever their size (`macro avg`).
    pub fn mean_score(&self) -> ClassScore {
        let scores: Vec<ClassScore> = (0..self.classes.len())
            .map(|class| self.score(class))
            .collect();
        let mean = |of: fn(&ClassScore) -> f64| {
            scores.iter().map(of).sum::<f64>() / scores.len().max(1) as f64
        };
        ClassScore {
            precision: mean(|score| score.precision),
            recall: mean(|score| score.recall),
            f1: mean(|score| score.f1),
            support: self.total(),
        }
    }

    /// The pairs of classes that were confused, the most frequent first.
    pub fn most_confused(&self) -> Vec<Mistake> {
        let mut mistakes = Vec::new();
        for (actual, row) in self.rows().enumerate() {
            for (predicted, &count) in row.iter().enumerate() {
                if count > 0 && actual != predicted {
                    mistakes.push(Mistake {
                        actual: self.classes[actual].clone(),
                        predicted: self.classes[predicted].clone(),
                        count,
                    });
                }
            }
        }
        mistakes.sort_by_key(|mistake| std::cmp::Reverse(mistake.count));
        mistakes
    }

    /// The counts as a chart.
    pub fn chart(&self) -> Chart {
        plot::confusion_matrix(self.rows(), self.classes.iter())
    }

    /// Name and figures of each class, then their mean.
    fn report(&self) -> Vec<(&str, ClassScore)> {
        let classes = self.classes.iter().enumerate();
        classes
            .map(|(class, name)| (name.as_str(), self.score(class)))
            .chain([("mean", self.mean_score())])
            .collect()
    }
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}

/// scikit-learn's `classification_report`: a line for each class, then their mean.
impl fmt::Display for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.classes.iter().map(|name| name.chars().count()).max();
        let width = width.unwrap_or(0).max(4);
        write!(f, "{:width$}  precision  recall    f1  support", "")?;
        for (name, score) in self.report() {
            write!(
                f,
                "\n{name:width$}  {:>9.3}  {:>6.3} {:>5.3}  {:>7}",
                score.precision, score.recall, score.f1, score.support
            )?;
        }
        write!(
            f,
            "\naccuracy {:.4} of {} samples",
            self.accuracy(),
            self.total()
        )
    }
}

impl fmt::Debug for Confusion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The chart, then the report.
impl Show for Confusion {
    fn show(&self) -> Bundle {
        let chart = self
            .chart()
            .to_svg()
            .unwrap_or_else(|error| escape(&error.to_string()));
        let mut html = format!("<div>{chart}</div><table><tr>");
        for title in ["", "precision", "recall", "F1", "support"] {
            html += &format!("<th>{title}</th>");
        }
        for (name, score) in self.report() {
            html += &format!(
                "</tr><tr><th>{}</th><td>{:.3}</td><td>{:.3}</td><td>{:.3}</td><td>{}</td>",
                escape(name),
                score.precision,
                score.recall,
                score.f1,
                score.support
            );
        }
        Bundle::html(html + "</tr></table>", self.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Logits that say each prediction for sure.
    fn sure(predictions: &[i64]) -> Tensor {
        Tensor::from_slice(predictions)
            .one_hot(3)
            .to_kind(Kind::Float)
    }

    fn confusion(labels: &[i64], predictions: &[i64]) -> Confusion {
        let mut confusion = Confusion::new(&["ant", "bee", "cat"]);
        let half = labels.len() / 2; // batches add up
        for part in [0..half, half..labels.len()] {
            let labels = Tensor::from_slice(&labels[part.clone()]);
            confusion.add(&sure(&predictions[part]), &labels).unwrap();
        }
        confusion
    }

    #[test]
    fn scores_are_those_of_scikit_learn() {
        // The example of precision_recall_fscore_support's documentation: macro 0.22, 0.33, 0.26.
        let found = confusion(&[0, 1, 2, 0, 1, 2], &[0, 2, 1, 0, 0, 1]);
        let mean = found.mean_score();
        let close =
            |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
        close(mean.precision, 2.0 / 9.0);
        close(mean.recall, 1.0 / 3.0);
        close(mean.f1, 4.0 / 15.0);
        close(found.accuracy(), 1.0 / 3.0);
        let ant = found.score(0);
        close(ant.precision, 2.0 / 3.0);
        close(ant.f1, 0.8);
        assert_eq!((ant.recall, ant.support, found.total()), (1.0, 2, 6));
        assert_eq!(found.score(1).f1, 0.0);
    }

    #[test]
    fn rows_are_what_samples_are() {
        let found = confusion(&[0, 0, 0, 1, 2, 2], &[1, 1, 0, 1, 2, 0]);
        assert_eq!(
            (found.count(0, 1), found.count(1, 0), found.count(9, 0)),
            (2, 0, 0)
        );
        let worst = &found.most_confused()[0];
        assert_eq!(
            (worst.actual.as_str(), worst.predicted.as_str(), worst.count),
            ("ant", "bee", 2)
        );
        assert_eq!(found.most_confused().len(), 2);
    }

    #[test]
    fn before_the_first_sample_there_is_no_accuracy() {
        let empty = Confusion::new(&["a"]);
        assert!(empty.accuracy().is_nan());
        assert_eq!(empty.score(0).precision, 0.0);
    }

    #[test]
    fn top_k_counts_the_k_highest() {
        let logits = Tensor::from_slice2(&[[0.1f32, 0.7, 0.2], [0.5, 0.3, 0.2]]);
        let labels = Tensor::from_slice(&[2i64, 2]);
        let found = [1, 2, 3].map(|k| top_k_accuracy(&logits, &labels, k).unwrap());
        assert_eq!(found, [0.0, 0.5, 1.0]);
        assert!(
            top_k_accuracy(&logits, &labels, 4)
                .unwrap_err()
                .to_string()
                .contains("1 to 3")
        );
        assert!(top_k_accuracy(&logits, &labels, 0).is_err());
    }

    #[test]
    fn labels_that_are_no_classes_are_refused() {
        for wrong in [3, -1] {
            let mut confusion = Confusion::new(&["ant", "bee", "cat"]);
            let error = confusion.add(&sure(&[0, 1]), &Tensor::from_slice(&[0, wrong]));
            let text = error.unwrap_err().to_string();
            assert!(
                text.contains("but there are 3 classes, numbered from 0"),
                "{text}"
            );
            assert_eq!(confusion.total(), 0);
        }
        let mut confusion = Confusion::new(&["ant", "bee", "cat"]);
        let none = Tensor::zeros([0], (Kind::Int64, tch::Device::Cpu));
        confusion
            .add(
                &Tensor::zeros([0, 3], (Kind::Float, tch::Device::Cpu)),
                &none,
            )
            .unwrap();
        assert_eq!(confusion.total(), 0);
    }

    #[test]
    fn classes_that_do_not_fit_are_refused() {
        let message = Confusion::new(&["a", "b"]).add(&sure(&[0]), &Tensor::from_slice(&[0i64]));
        assert!(
            message
                .unwrap_err()
                .to_string()
                .contains("2 classes need logits [N, 2]")
        );
    }
}
