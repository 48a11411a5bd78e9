//! What histograms and box plots count, as NumPy and Matplotlib count it.

/// The most bins of a histogram.
const MOST_BINS: usize = 1000;

/// The edges of the bins for `values`, all finite: `count` equal bins, or as many as NumPy's `bins="auto"` makes.
pub(crate) fn bin_edges(values: &[f64], count: Option<usize>) -> Vec<f64> {
    let Some(extent) = crate::axis::Extent::of(values.iter().copied()) else {
        return Vec::new();
    };
    let (low, high) = if extent.high > extent.low {
        (extent.low, extent.high)
    } else {
        // One value alone, and room for a bar: half of it, if it is so large that one half would be lost.
        let air = 0.5f64.max(extent.low.abs() * 1e-9);
        (extent.low - air, extent.high + air)
    };
    let count = count
        .unwrap_or_else(|| automatic_bins(values, extent.high - extent.low))
        .clamp(1, MOST_BINS);
    let width = (high - low) / count as f64;
    (0..=count)
        .map(|i| {
            if i == count {
                high
            } else {
                low + i as f64 * width
            }
        })
        .collect()
}

/// The lesser of the widths of Freedman and Diaconis (1981) and of Sturges (1926). Bins of whole numbers are at least
/// 1 wide, as NumPy has it since version 2: narrower ones would be empty between the numbers.
fn automatic_bins(values: &[f64], range: f64) -> usize {
    if values.len() < 2 || range == 0.0 {
        return 1;
    }
    let n = values.len() as f64;
    let sturges = range / (n.log2() + 1.0);
    let spread = Spread::of(values).map_or(0.0, |s| s.upper - s.lower);
    let freedman_diaconis = 2.0 * spread / n.cbrt();
    let width = if freedman_diaconis > 0.0 {
        freedman_diaconis.min(sturges)
    } else {
        sturges
    };
    let whole = || values.iter().all(|value| value.fract() == 0.0);
    let width = if width < 1.0 && whole() { 1.0 } else { width };
    (range / width).ceil().min(MOST_BINS as f64) as usize
}

/// How many of `values` are in each bin; the last bin holds its upper edge too.
pub(crate) fn counts(values: &[f64], edges: &[f64]) -> Vec<usize> {
    let mut counts = vec![0; edges.len().saturating_sub(1)];
    for value in values {
        let bin = edges
            .partition_point(|edge| edge <= value)
            .saturating_sub(1);
        if let Some(last) = counts.len().checked_sub(1) {
            counts[bin.min(last)] += 1;
        }
    }
    counts
}

/// A distribution in five numbers and what lies outside of them.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Spread {
    /// The first quartile.
    pub(crate) lower: f64,
    pub(crate) median: f64,
    /// The third quartile.
    pub(crate) upper: f64,
    /// The least and the greatest value within 1.5 times the box (Tukey 1977).
    pub(crate) whiskers: (f64, f64),
    pub(crate) outliers: Vec<f64>,
}

impl Spread {
    /// The distribution of the finite ones of `values`; `None` if there are none.
    pub(crate) fn of(values: &[f64]) -> Option<Self> {
        let mut values: Vec<_> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let [lower, median, upper] = [0.25, 0.5, 0.75].map(|part| quantile(&mut values, part));
        let (lower, median, upper) = (lower?, median?, upper?);
        let reach = 1.5 * (upper - lower);
        let (inside, mut outliers): (Vec<f64>, Vec<f64>) = values
            .into_iter()
            .partition(|value| (lower - reach..=upper + reach).contains(value));
        outliers.sort_unstable_by(f64::total_cmp);
        let whiskers = crate::axis::Extent::of(inside)?;
        Some(Self {
            lower,
            median,
            upper,
            whiskers: (whiskers.low.min(lower), whiskers.high.max(upper)),
            outliers,
        })
    }
}

/// A quantile between two values is on the straight line between them, as in NumPy's `percentile`. Brings the values
/// into another order, but does not sort them all.
fn quantile(values: &mut [f64], part: f64) -> Option<f64> {
    let place = part * values.len().checked_sub(1)? as f64;
    let (_, low, above) = values.select_nth_unstable_by(place as usize, f64::total_cmp);
    let low = *low;
    // What follows in order is the least of what is above; at the end there is nothing.
    let high = above.iter().copied().fold(f64::INFINITY, f64::min);
    let part = place.fract();
    Some(if part > 0.0 {
        low + (high - low) * part
    } else {
        low
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_are_those_of_numpy() {
        // numpy.histogram([0, 1, 1, 2, 3, 3, 3, 4, 7, 9], bins="auto")
        let values = [0., 1., 1., 2., 3., 3., 3., 4., 7., 9.];
        let edges = bin_edges(&values, None);
        assert_eq!(edges, [0.0, 1.8, 3.6, 5.4, 7.2, 9.0]);
        assert_eq!(counts(&values, &edges), [3, 4, 1, 1, 1]);
        // numpy.histogram(values, bins=3)
        assert_eq!(counts(&values, &bin_edges(&values, Some(3))), [4, 4, 2]);
    }

    #[test]
    fn whole_numbers_make_no_comb() {
        // numpy.histogram(numpy.arange(100_000) % 10, bins="auto"): the last bin holds 8 and 9.
        let values: Vec<f64> = (0..100_000).map(|i| f64::from(i % 10)).collect();
        let edges = bin_edges(&values, None);
        assert_eq!(edges, (0..10).map(f64::from).collect::<Vec<_>>());
        let mut expected = [10_000; 9];
        expected[8] = 20_000;
        assert_eq!(counts(&values, &edges), expected);
        // Of halves NumPy makes as many as it likes.
        let halves: Vec<f64> = values.iter().map(|value| value / 2.0).collect();
        assert!(bin_edges(&halves, None).len() > 20);
    }

    #[test]
    fn boxes_are_those_of_matplotlib() {
        // matplotlib.cbook.boxplot_stats([1, 2, 2, 3, 4, 5, 5.5, 20])
        let spread = Spread::of(&[20.0, 1.0, 2.0, 2.0, 5.5, 3.0, 4.0, 5.0]).unwrap();
        let expected = Spread {
            lower: 2.0,
            median: 3.5,
            upper: 5.125,
            whiskers: (1.0, 5.5),
            outliers: vec![20.0],
        };
        assert_eq!(spread, expected);
    }

    #[test]
    fn odd_values_are_counted_too() {
        assert_eq!(Spread::of(&[f64::NAN]), None);
        assert_eq!(Spread::of(&[3.0]).unwrap().whiskers, (3.0, 3.0));
        assert_eq!(counts(&[5.0; 4], &bin_edges(&[5.0; 4], None)), [4]);
        assert!(bin_edges(&[], None).is_empty());
        let mut wide = vec![0.0; 999];
        wide.push(1e9);
        let edges = bin_edges(&wide, None);
        assert_eq!(counts(&wide, &edges).iter().sum::<usize>(), 1000);
    }
}
