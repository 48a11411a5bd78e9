//! Charts of matrices: heat maps, pixels, confusion matrices, and the search for batch size and learning rate.

use crate::axis::brief;
use crate::colour::ColourMap;
use crate::layer::{Marks, Matrix};
use crate::number::numbers;
use crate::{Chart, Number};

/// A matrix as colours, its first row on top, with its numbers where there is room.
///
/// Rows may be vectors, slices or arrays; a shorter row leaves gaps, as does NaN.
///
/// ```
/// plot::heat_map([[0.2, 0.8], [0.9, 0.1]])
///     .x_names(["a", "b"])
///     .y_names(["first", "second"]);
/// ```
pub fn heat_map<R>(rows: impl IntoIterator<Item = R>) -> Chart
where
    R: IntoIterator,
    R::Item: Number,
{
    Chart::new().with(String::new(), Marks::Heat(matrix(rows)))
}

/// The pixels of one channel as grey squares, black for the least value and white for the greatest, with their
/// numbers where there is room: a digit, a kernel, a feature map. [`Chart::vmin`] and [`Chart::vmax`] fix black and
/// white; [`Chart::cmap`] brings colours.
///
/// ```
/// plot::image_matrix([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]).title("Sobel, horizontal");
/// ```
pub fn image_matrix<R>(rows: impl IntoIterator<Item = R>) -> Chart
where
    R: IntoIterator,
    R::Item: Number,
{
    let matrix = Matrix {
        map: ColourMap::Grey,
        square: true,
        ..matrix(rows)
    };
    Chart::new().with(String::new(), Marks::Heat(matrix))
}

/// How often each class (row) was taken for each (column), in counts. Colours are rates: a cell is the darker, the
/// larger its part of its row, so that small classes can be judged as well as large ones.
///
/// ```
/// plot::confusion_matrix([[48, 2], [5, 45]], ["forest", "street"]);
/// ```
pub fn confusion_matrix<R, S>(
    counts: impl IntoIterator<Item = R>,
    classes: impl IntoIterator<Item = S>,
) -> Chart
where
    R: IntoIterator,
    R::Item: Number,
    S: Into<String>,
{
    counts_chart(
        matrix(counts),
        classes.into_iter().map(Into::into).collect(),
    )
}

fn counts_chart(counts: Matrix, classes: Vec<String>) -> Chart {
    let shades = Some(rates(&counts));
    let accuracy = accuracy(&counts);
    let chart = confusion(Matrix { shades, ..counts }, classes);
    accuracy.into_iter().fold(chart, Chart::remark)
}

/// The same in percent of each row: of all images of the class, how many were taken for which.
pub fn confusion_rates<R, S>(
    counts: impl IntoIterator<Item = R>,
    classes: impl IntoIterator<Item = S>,
) -> Chart
where
    R: IntoIterator,
    R::Item: Number,
    S: Into<String>,
{
    rates_chart(
        matrix(counts),
        classes.into_iter().map(Into::into).collect(),
    )
}

fn rates_chart(counts: Matrix, classes: Vec<String>) -> Chart {
    let accuracy = accuracy(&counts);
    let rates = Matrix {
        values: rates(&counts),
        ..counts
    };
    let remark = accuracy.map_or(String::new(), |accuracy| format!("; {accuracy}"));
    confusion(rates, classes).remark(format!("percent of each row{remark}"))
}

/// How good each pair of batch size (row) and learning rate (column) is, the best framed. Greater is better; for
/// losses give their negatives.
///
/// ```
/// plot::batch_lr_map([16, 64], [1e-4, 1e-3, 1e-2], [[0.71, 0.82, 0.40], [0.66, 0.84, 0.75]]);
/// ```
pub fn batch_lr_map<B: Number, L: Number, R>(
    batch_sizes: impl IntoIterator<Item = B>,
    learning_rates: impl IntoIterator<Item = L>,
    scores: impl IntoIterator<Item = R>,
) -> Chart
where
    R: IntoIterator,
    R::Item: Number,
{
    search_chart(
        numbers(batch_sizes),
        numbers(learning_rates),
        matrix(scores),
    )
}

fn search_chart(batch_sizes: Vec<f64>, learning_rates: Vec<f64>, mut scores: Matrix) -> Chart {
    let finite = |index: &usize| scores.values[*index].is_finite();
    let best = (0..scores.values.len())
        .filter(finite)
        .max_by(|a, b| scores.values[*a].total_cmp(&scores.values[*b]));
    scores.framed = best.map(|index| (index / scores.columns, index % scores.columns));
    Chart::new()
        .x_label("learning rate")
        .y_label("batch size")
        .x_names(learning_rates.into_iter().map(rate_name))
        .y_names(batch_sizes.into_iter().map(|size| size.to_string()))
        .with(String::new(), Marks::Heat(scores))
}

/// What charts of matrices can be asked for besides; without a matrix it changes nothing.
impl Chart {
    /// How the numbers of a matrix become colours.
    pub fn cmap(self, map: ColourMap) -> Self {
        self.matrix(|matrix| matrix.map = map)
    }

    /// The value that has the first colour of the map; without it, the least.
    pub fn vmin(self, value: impl Number) -> Self {
        let value = value.to_f64();
        self.matrix(|matrix| matrix.low = value.is_finite().then_some(value))
    }

    /// The value that has the last colour of the map; without it, the greatest.
    pub fn vmax(self, value: impl Number) -> Self {
        let value = value.to_f64();
        self.matrix(|matrix| matrix.high = value.is_finite().then_some(value))
    }

    /// Whether the numbers of a matrix are written into its cells; without it, they are where they have room.
    pub fn annotate(self, written: bool) -> Self {
        self.matrix(|matrix| matrix.written = Some(written))
    }

    /// Names for the columns of a matrix, from left to right.
    pub fn x_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.x.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Names for the rows of a matrix, from top to bottom.
    pub fn y_names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.y.names = names.into_iter().map(Into::into).collect();
        self
    }

    /// Changes the matrix, if there is one.
    fn matrix(mut self, change: impl FnOnce(&mut Matrix)) -> Self {
        let matrix = self
            .series
            .iter_mut()
            .find_map(|series| match &mut series.marks {
                Marks::Heat(matrix) => Some(matrix),
                _ => None,
            });
        if let Some(matrix) = matrix {
            change(matrix);
        }
        self
    }
}

fn matrix<R>(rows: impl IntoIterator<Item = R>) -> Matrix
where
    R: IntoIterator,
    R::Item: Number,
{
    Matrix::new(rows.into_iter().map(numbers).collect())
}

fn confusion(matrix: Matrix, classes: Vec<String>) -> Chart {
    let matrix = Matrix {
        map: ColourMap::Blues,
        low: Some(0.0),
        high: Some(1.0),
        square: true,
        key: false,
        quiet_zeros: true,
        percent: matrix.shades.is_none(),
        ..matrix
    };
    Chart::new()
        .x_label("predicted")
        .y_label("true")
        .x_names(classes.clone())
        .y_names(classes)
        .with(String::new(), Marks::Heat(matrix))
}

/// Each count as a part of its row's sum; rows without any have gaps.
fn rates(matrix: &Matrix) -> Vec<f64> {
    let rows = matrix.values.chunks(matrix.columns.max(1));
    rows.flat_map(|row| {
        let sum: f64 = row.iter().filter(|count| count.is_finite()).sum();
        row.iter().map(move |count| count / sum)
    })
    .collect()
}

/// How many are on the diagonal, in words; `None` if there is nothing to count.
fn accuracy(matrix: &Matrix) -> Option<String> {
    let sum: f64 = matrix.values.iter().filter(|count| count.is_finite()).sum();
    let diagonal = matrix.values.iter().step_by(matrix.columns + 1);
    let right: f64 = diagonal.filter(|count| count.is_finite()).sum();
    let percent = 100.0 * right / sum;
    (sum > 0.0).then(|| format!("{right} of {sum} right, {percent:.1}%"))
}

/// A learning rate as it is usually written.
pub(crate) fn rate_name(rate: f64) -> String {
    match rate {
        0.001..10.0 => {
            let text = format!("{rate:.4}");
            text.trim_end_matches('0').trim_end_matches('.').into()
        }
        rate if rate.is_finite() && rate != 0.0 => format!("{rate:.1e}").replace(".0e", "e"),
        rate => brief(rate),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layout;

    fn words(chart: &Chart) -> Vec<String> {
        let scene = layout::scene(chart).unwrap();
        scene.words().map(|words| words.text.clone()).collect()
    }

    #[test]
    fn a_confusion_matrix_says_all_its_counts() {
        let chart = confusion_matrix([[40, 3], [5, 44]], ["cat", "dog"]);
        let words = words(&chart);
        for word in [
            "40",
            "3",
            "5",
            "44",
            "cat",
            "dog",
            "true",
            "predicted",
            "84 of 92 right, 91.3%",
        ] {
            assert!(
                words.iter().any(|found| found == word),
                "{word} in {words:?}"
            );
        }
    }

    #[test]
    fn rates_are_percents_of_their_row() {
        let words = words(&confusion_rates([[1, 3], [0, 0]], ["a", "b"]));
        for word in ["25", "75", "–", "percent of each row; 1 of 4 right, 25.0%"] {
            assert!(
                words.iter().any(|found| found == word),
                "{word} in {words:?}"
            );
        }
    }

    #[test]
    fn numbers_are_readable_for_two_to_twenty_classes() {
        for classes in 2..=20 {
            let counts = vec![vec![1234; classes]; classes];
            let names = (0..classes).map(|class| format!("class number {class}"));
            let scene = layout::scene(&confusion_matrix(counts, names)).unwrap();
            let numbers = scene.words().filter(|words| words.text == "1234");
            assert_eq!(
                numbers.filter(|words| words.size >= 9.0).count(),
                classes * classes
            );
            assert!(
                scene.width <= 920.0,
                "{classes} classes are {} wide",
                scene.width
            );
        }
    }

    #[test]
    fn the_best_pair_is_framed() {
        let chart = batch_lr_map(
            [16, 64],
            [1e-4, 3e-3, 0.1],
            [[0.7, f64::NAN, 0.4], [0.6, 0.84, 0.7]],
        );
        let Marks::Heat(matrix) = &chart.series[0].marks else {
            panic!("{chart:?}")
        };
        assert_eq!(matrix.framed, Some((1, 1)));
        assert_eq!(chart.x.names, ["1e-4", "0.003", "0.1"]);
        assert_eq!(chart.y.names, ["16", "64"]);
    }

    #[test]
    fn odd_matrices_are_no_trouble() {
        let ragged = heat_map([vec![1.0], vec![], vec![1.0, 2.0, 3.0]]);
        assert_eq!(words(&ragged).iter().filter(|word| *word == "–").count(), 5);
        assert!(words(&heat_map(Vec::<Vec<f64>>::new())).contains(&"no data".into()));
        assert!(words(&confusion_matrix([[0, 0], [0, 0]], ["a", "b"])).contains(&"a".into()));
        let large = heat_map((0..500).map(|row| (0..2100).map(move |column| row * column)));
        assert!(large.to_svg().unwrap().contains("<image "));
    }

    #[test]
    fn a_map_with_two_directions_has_its_middle_at_zero() {
        let chart = heat_map([[-1.0, 0.0, 4.0]]).cmap(ColourMap::RedBlue);
        let Marks::Heat(matrix) = &chart.series[0].marks else {
            panic!("{chart:?}")
        };
        let extent = matrix.extent().unwrap();
        assert_eq!(matrix.shade(1, extent), Some(0.5));
    }
}
