//! [`sweep`]: batch size by learning rate, each pair tried.

use std::fmt;

use rt::{Bundle, Show};

use crate::TrainError;

/// Runs something for each batch size and each learning rate, and collects the figure it returns: a grid to
/// see how the two belong together.
///
/// The rate that works best grows in proportion to the batch, up to a critical batch size (Goyal et al. 2017,
/// arXiv 1706.02677; McCandlish et al. 2018, arXiv 1812.06162).
///
/// ```
/// use train::sweep;
/// // As a rule the closure builds a network, trains it with `fit` and returns the validation accuracy.
/// let grid = sweep(&[16, 64], &[0.01, 0.1], |batch, rate| Ok(1.0 - (rate * 160.0 - batch as f64).abs() / 1600.0))?;
/// assert_eq!(grid.best(), Some((16, 0.1)));
/// # Ok::<(), train::TrainError>(())
/// ```
///
/// # Errors
/// Those of the closure, but for [`TrainError::Diverged`], which is a result too: NaN.
pub fn sweep(
    batches: &[usize],
    rates: &[f64],
    mut run: impl FnMut(usize, f64) -> Result<f64, TrainError>,
) -> Result<Sweep, TrainError> {
    let mut values = Vec::new();
    for &batch in batches {
        for &rate in rates {
            rt::checkpoint();
            values.push(match run(batch, rate) {
                Err(TrainError::Diverged { .. }) => f64::NAN,
                outcome => outcome?,
            });
        }
    }
    Ok(Sweep {
        batches: batches.to_vec(),
        rates: rates.to_vec(),
        values,
    })
}

/// What [`sweep`] found: a row for each batch size, a column for each rate.
#[derive(Clone, PartialEq)]
pub struct Sweep {
    batches: Vec<usize>,
    rates: Vec<f64>,
    /// Row by row.
    values: Vec<f64>,
}

impl Sweep {
    /// The figure of a batch size and a rate, by their places.
    pub fn value(&self, batch: usize, rate: usize) -> f64 {
        self.values[batch * self.rates.len() + rate]
    }

    /// The batch size and the rate with the highest figure.
    pub fn best(&self) -> Option<(usize, f64)> {
        let finite = self
            .values
            .iter()
            .enumerate()
            .filter(|(_, value)| !value.is_nan());
        let (place, _) = finite.max_by(|a, b| a.1.total_cmp(b.1))?;
        let (batch, rate) = (place / self.rates.len(), place % self.rates.len());
        Some((self.batches[batch], self.rates[rate]))
    }

    /// The titles and the figures as text, a row for each batch size.
    fn rows(&self) -> Vec<Vec<String>> {
        let titles = self.rates.iter().map(|rate| format!("{rate:.0e}"));
        let mut rows = vec![
            [String::from("batch \\ rate")]
                .into_iter()
                .chain(titles)
                .collect(),
        ];
        for (batch, values) in self
            .batches
            .iter()
            .zip(self.values.chunks(self.rates.len().max(1)))
        {
            let values = values.iter().map(|value| format!("{value:.3}"));
            rows.push([batch.to_string()].into_iter().chain(values).collect());
        }
        rows
    }
}

impl fmt::Debug for Sweep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows();
        let lines = rows.iter().map(|row| {
            let cells: Vec<String> = row.iter().map(|cell| format!("{cell:>12}")).collect();
            cells.concat()
        });
        f.write_str(&lines.collect::<Vec<_>>().join("\n"))
    }
}

impl Show for Sweep {
    fn show(&self) -> Bundle {
        let rows = self.values.chunks(self.rates.len().max(1));
        let map = plot::batch_lr_map(&self.batches, &self.rates, rows);
        map.show().with_text(format!("{self:?}"))
    }
}
