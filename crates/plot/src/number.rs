//! [`Number`]: whatever a chart can place on an axis.

/// A number, or a reference to one, as an `f64`. Integers beyond 2^53 are rounded.
pub trait Number {
    /// The value.
    fn to_f64(&self) -> f64;
}

/// The values of all numbers.
pub(crate) fn numbers<I: IntoIterator<Item: Number>>(values: I) -> Vec<f64> {
    values.into_iter().map(|value| value.to_f64()).collect()
}

impl<N: Number + ?Sized> Number for &N {
    fn to_f64(&self) -> f64 {
        (**self).to_f64()
    }
}

macro_rules! numbers {
    ($($number:ty),*) => {$(
        impl Number for $number {
            fn to_f64(&self) -> f64 {
                *self as f64
            }
        }
    )*};
}

impl Number for bool {
    /// 1 for true, 0 for false.
    fn to_f64(&self) -> f64 {
        f64::from(u8::from(*self))
    }
}

numbers!(f32, f64, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize);
