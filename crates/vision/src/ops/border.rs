//! Which pixel stands for one outside the image.

/// The index that mirrors `index` at the ends of `0..length`, without repeating the last one: `dcb|abcd|cba`.
///
/// OpenCV's `BORDER_REFLECT_101`, torchvision's and NumPy's `reflect`.
pub(crate) fn reflect(index: i64, length: u32) -> usize {
    let length = i64::from(length);
    if length == 1 {
        return 0;
    }
    let period = 2 * (length - 1);
    let place = index.rem_euclid(period);
    (if place < length {
        place
    } else {
        period - place
    }) as usize
}

/// The index that mirrors `index` and repeats the last one: `dcba|abcd|dcba`.
///
/// OpenCV's `BORDER_REFLECT`, torchvision's and NumPy's `symmetric`.
pub(crate) fn symmetric(index: i64, length: u32) -> usize {
    let length = i64::from(length);
    let place = index.rem_euclid(2 * length);
    (if place < length {
        place
    } else {
        2 * length - 1 - place
    }) as usize
}

/// The nearest index inside: `aaaa|abcd|dddd`. OpenCV's `BORDER_REPLICATE`, torchvision's `edge`.
pub(crate) fn replicate(index: i64, length: u32) -> usize {
    index.clamp(0, i64::from(length) - 1) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_border_continues_the_row_in_its_way() {
        let row = |border: fn(i64, u32) -> usize, length| -> String {
            (-4..8)
                .map(|index| char::from(b'a' + border(index, length) as u8))
                .collect()
        };
        // numpy.pad(list("abcd"), 4, mode): "reflect", "symmetric", "edge"
        assert_eq!(row(reflect, 4), "cdcbabcdcbab");
        assert_eq!(row(symmetric, 4), "dcbaabcddcba");
        assert_eq!(row(replicate, 4), "aaaaabcddddd");
        for border in [reflect, symmetric, replicate] {
            assert_eq!(row(border, 1), "aaaaaaaaaaaa");
        }
    }
}
