//! Curves of a classifier's threshold: ROC and precision against recall.

use crate::axis::brief;
use crate::number::numbers;
use crate::{Chart, Number};

/// The rate of true against that of false alarms, at every threshold: see [`Chart::roc`].
pub fn roc_curve<P, L>(scores: P, labels: L) -> Chart
where
    P: IntoIterator<Item: Number>,
    L: IntoIterator<Item: Number>,
{
    Chart::new().roc("classifier", scores, labels)
}

/// Precision against recall, at every threshold: see [`Chart::pr`].
pub fn pr_curve<P, L>(scores: P, labels: L) -> Chart
where
    P: IntoIterator<Item: Number>,
    L: IntoIterator<Item: Number>,
{
    Chart::new().pr("classifier", scores, labels)
}

impl Chart {
    /// Adds the ROC curve of a classifier, or of one class against the rest, with the area under it in the legend.
    ///
    /// `scores` are the greater, the surer the classifier is; `labels` are true (or 1) for what it should find.
    /// The first curve brings the diagonal, which is guessing. Scores that are not finite are left out.
    pub fn roc<P, L>(self, name: impl Into<String>, scores: P, labels: L) -> Self
    where
        P: IntoIterator<Item: Number>,
        L: IntoIterator<Item: Number>,
    {
        self.add_roc(&name.into(), &Steps::new(numbers(scores), numbers(labels)))
    }

    fn add_roc(self, name: &str, steps: &Steps) -> Self {
        let curve = steps.roc();
        let name = format!("{name} (AUC {})", score(area(&curve)));
        let chart = if self.series.is_empty() {
            self.squarish()
                .x_label("false positive rate")
                .y_label("true positive rate")
                .x_range(0, 1)
                .y_range(0, 1.02)
                .line_xy("", [(0, 0), (1, 1)])
                .dashed()
                .faint()
                .tone(6)
        } else {
            self
        };
        let colour = chart.series.len().saturating_sub(1);
        chart.line_xy(name, curve).tone(colour)
    }

    /// Adds the curve of precision against recall of a classifier, or of one class against the rest, with its
    /// average precision (AP) in the legend. Scores and labels are those of [`roc`](Self::roc).
    pub fn pr<P, L>(self, name: impl Into<String>, scores: P, labels: L) -> Self
    where
        P: IntoIterator<Item: Number>,
        L: IntoIterator<Item: Number>,
    {
        self.add_pr(&name.into(), &Steps::new(numbers(scores), numbers(labels)))
    }

    fn add_pr(self, name: &str, steps: &Steps) -> Self {
        let (curve, precision) = steps.precision_recall();
        let name = format!("{name} (AP {})", score(precision));
        let chart = if self.series.is_empty() {
            self.squarish()
                .x_label("recall")
                .y_label("precision")
                .x_range(0, 1)
                .y_range(0, 1.02)
        } else {
            self
        };
        chart.line_xy(name, curve)
    }

    /// Both axes of these charts run from 0 to 1, which should look alike.
    fn squarish(self) -> Self {
        match self.size {
            None => self.size(480, 460),
            Some(_) => self,
        }
    }
}

/// A score with three digits, or a word for none.
fn score(value: Option<f64>) -> String {
    value.map_or("undefined".into(), brief)
}

/// What a falling threshold lets in: at each distinct score the true and false positives so far.
struct Steps {
    /// True and false positives, from none to all.
    counts: Vec<(f64, f64)>,
}

impl Steps {
    fn new(scores: Vec<f64>, labels: Vec<f64>) -> Self {
        let mut pairs: Vec<_> = scores
            .into_iter()
            .zip(labels)
            .map(|(score, label)| (score, label > 0.5))
            .filter(|(score, _)| score.is_finite())
            .collect();
        pairs.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let (mut yes, mut no) = (0.0, 0.0);
        let mut counts = vec![(0.0, 0.0)];
        for equal in pairs.chunk_by(|a, b| a.0 == b.0) {
            let hits = equal.iter().filter(|(_, label)| *label).count();
            yes += hits as f64;
            no += (equal.len() - hits) as f64;
            counts.push((yes, no));
        }
        Self { counts }
    }

    fn totals(&self) -> (f64, f64) {
        self.counts.last().copied().unwrap_or_default()
    }

    /// False positive rate and true positive rate; empty where one of them has no meaning.
    fn roc(&self) -> Vec<(f64, f64)> {
        let (all_yes, all_no) = self.totals();
        if all_yes == 0.0 || all_no == 0.0 {
            return Vec::new();
        }
        let rates = self.counts.iter();
        rates
            .map(|(yes, no)| (no / all_no, yes / all_yes))
            .collect()
    }

    /// Recall and precision, and the average precision: precision weighted with the growth of recall, without
    /// interpolation, as scikit-learn's `average_precision_score`.
    fn precision_recall(&self) -> (Vec<(f64, f64)>, Option<f64>) {
        let (all_yes, _) = self.totals();
        if all_yes == 0.0 {
            return (Vec::new(), None);
        }
        let mut curve: Vec<_> = self.counts[1..]
            .iter()
            .map(|(yes, no)| (yes / all_yes, yes / (yes + no)))
            .collect();
        let mut recall = 0.0;
        let mut average = 0.0;
        for (next, precision) in &curve {
            average += (next - recall) * precision;
            recall = *next;
        }
        // The curve starts at recall zero, where precision is taken to be one.
        curve.insert(0, (0.0, 1.0));
        (curve, Some(average))
    }
}

/// The area under a curve of points from left to right; `None` if there is no curve.
fn area(curve: &[(f64, f64)]) -> Option<f64> {
    let trapezoid = |pair: &[(f64, f64)]| (pair[1].0 - pair[0].0) * (pair[0].1 + pair[1].1) / 2.0;
    (!curve.is_empty()).then(|| curve.windows(2).map(trapezoid).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORES: [f64; 10] = [0.9, 0.8, 0.8, 0.7, 0.6, 0.55, 0.5, 0.4, 0.4, 0.1];
    const LABELS: [u8; 10] = [1, 1, 0, 1, 0, 1, 0, 0, 1, 0];

    #[test]
    fn the_curves_are_those_of_scikit_learn() {
        let steps = Steps::new(numbers(SCORES), numbers(LABELS));
        // roc_curve(LABELS, SCORES, drop_intermediate=False), roc_auc_score(LABELS, SCORES)
        let fpr = [0.0, 0.0, 0.2, 0.2, 0.4, 0.4, 0.6, 0.8, 1.0];
        let tpr = [0.0, 0.2, 0.4, 0.6, 0.6, 0.8, 0.8, 1.0, 1.0];
        let curve = steps.roc();
        assert_eq!(curve, fpr.into_iter().zip(tpr).collect::<Vec<_>>());
        assert!((area(&curve).unwrap() - 0.72).abs() < 1e-12);
        // precision_recall_curve(LABELS, SCORES), from its end; average_precision_score(LABELS, SCORES)
        let (curve, average) = steps.precision_recall();
        let precision = [1.0, 1.0, 2. / 3., 0.75, 0.6, 2. / 3., 4. / 7., 5. / 9., 0.5];
        for ((_, found), expected) in curve.iter().zip(precision) {
            assert!((found - expected).abs() < 1e-12);
        }
        assert!((average.unwrap() - 0.727_777_777_777_777_9).abs() < 1e-12);
    }

    #[test]
    fn the_order_of_the_examples_does_not_matter() {
        let reversed = Steps::new(numbers(SCORES.iter().rev()), numbers(LABELS.iter().rev()));
        assert_eq!(
            reversed.roc(),
            Steps::new(numbers(SCORES), numbers(LABELS)).roc()
        );
    }

    #[test]
    fn curves_without_a_meaning_say_so() {
        let svg = roc_curve([0.5, 0.6], [1, 1])
            .pr("more", [f64::NAN], [true])
            .to_svg()
            .unwrap();
        assert!(svg.contains("AUC undefined") && svg.contains("AP undefined"));
    }
}
