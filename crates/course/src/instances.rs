//! Generic functions compiled here for the types that lessons call them with.
//!
//! What a cell instantiates is compiled with the cell, unless a library that it links to has the same
//! instance already. `Tensor::randn` is generic (its size may be an array, a slice, a number), so without
//! this page every cell that makes a tensor would compile it again, with its error handling: a fifth of the
//! time of such a cell. Nothing here is ever called.
//!
//! It works because this crate is compiled with `opt-level = "s"` (see the workspace's `Cargo.toml`): the
//! compiler shares instances of crates up to that level, and not above it.

use std::hint::black_box;
use std::ops::{Add, Div, Mul, Range, RangeFrom, RangeFull, RangeTo, Sub};

use tch::nn;
use tch::{Device, IndexOp, Kind, Tensor};

use rt::display::tail::{ByDebug, ByShow, Tail};
use rt::failure::CellError;
use rt::store::brief::{WithDebug as _, of};

/// Takes the address of each function as the type says, which makes the compiler keep that instance.
macro_rules! keep {
    ($($function:expr => $signature:ty,)*) => { $(black_box($function as $signature);)* };
}

type Options = (Kind, Device);

/// Sizes as they are written in lessons.
macro_rules! for_sizes {
    ($($size:ty),*) => { $(
        keep! {
            Tensor::zeros => fn($size, Options) -> Tensor,
            Tensor::ones => fn($size, Options) -> Tensor,
            Tensor::empty => fn($size, Options) -> Tensor,
            Tensor::rand => fn($size, Options) -> Tensor,
            Tensor::randn => fn($size, Options) -> Tensor,
            Tensor::randint => fn(i64, $size, Options) -> Tensor,
            Tensor::randint_low => fn(i64, i64, $size, Options) -> Tensor,
            Tensor::full => fn($size, f64, Options) -> Tensor,
            Tensor::full => fn($size, i64, Options) -> Tensor,
            Tensor::view => fn(&Tensor, $size) -> Tensor,
            Tensor::reshape => fn(&Tensor, $size) -> Tensor,
            Tensor::permute => fn(&Tensor, $size) -> Tensor,
            Tensor::repeat => fn(&Tensor, $size) -> Tensor,
            Tensor::expand => fn(&Tensor, $size, bool) -> Tensor,
            Tensor::flip => fn(&Tensor, $size) -> Tensor,
            Tensor::amax => fn(&Tensor, $size, bool) -> Tensor,
            Tensor::amin => fn(&Tensor, $size, bool) -> Tensor,
            Tensor::adaptive_avg_pool2d => fn(&Tensor, $size) -> Tensor,
        }
    )* };
}

/// Dimensions to reduce over.
macro_rules! for_dimensions {
    ($($dimensions:ty),*) => { $(
        keep! {
            Tensor::mean_dim => fn(&Tensor, $dimensions, bool, Kind) -> Tensor,
            Tensor::sum_dim_intlist => fn(&Tensor, $dimensions, bool, Kind) -> Tensor,
            Tensor::std_dim => fn(&Tensor, $dimensions, bool, bool) -> Tensor,
            Tensor::var_dim => fn(&Tensor, $dimensions, bool, bool) -> Tensor,
        }
    )* };
}

/// Numbers that a tensor is compared with and computed with.
macro_rules! for_scalars {
    ($($scalar:ty),*) => { $(
        keep! {
            Tensor::eq => fn(&Tensor, $scalar) -> Tensor,
            Tensor::ne => fn(&Tensor, $scalar) -> Tensor,
            Tensor::gt => fn(&Tensor, $scalar) -> Tensor,
            Tensor::ge => fn(&Tensor, $scalar) -> Tensor,
            Tensor::lt => fn(&Tensor, $scalar) -> Tensor,
            Tensor::le => fn(&Tensor, $scalar) -> Tensor,
            Tensor::clamp => fn(&Tensor, $scalar, $scalar) -> Tensor,
            Tensor::clamp_min => fn(&Tensor, $scalar) -> Tensor,
            Tensor::clamp_max => fn(&Tensor, $scalar) -> Tensor,
            Tensor::pow_tensor_scalar => fn(&Tensor, $scalar) -> Tensor,
            Tensor::arange => fn($scalar, Options) -> Tensor,
            Tensor::arange_start => fn($scalar, $scalar, Options) -> Tensor,
            Tensor::linspace => fn($scalar, $scalar, i64, Options) -> Tensor,
            Tensor::fill_ => fn(&mut Tensor, $scalar) -> Tensor,
            Tensor::masked_fill => fn(&Tensor, &Tensor, $scalar) -> Tensor,
            <Tensor as Add<$scalar>>::add => fn(Tensor, $scalar) -> Tensor,
            <Tensor as Sub<$scalar>>::sub => fn(Tensor, $scalar) -> Tensor,
            <Tensor as Mul<$scalar>>::mul => fn(Tensor, $scalar) -> Tensor,
            <Tensor as Div<$scalar>>::div => fn(Tensor, $scalar) -> Tensor,
            <&Tensor as Add<$scalar>>::add => fn(&'static Tensor, $scalar) -> Tensor,
            <&Tensor as Sub<$scalar>>::sub => fn(&'static Tensor, $scalar) -> Tensor,
            <&Tensor as Mul<$scalar>>::mul => fn(&'static Tensor, $scalar) -> Tensor,
            <&Tensor as Div<$scalar>>::div => fn(&'static Tensor, $scalar) -> Tensor,
        }
    )* };
}

/// What stands in the brackets of `tensor.i(..)`.
macro_rules! for_indices {
    ($($index:ty),*) => { $(
        keep! { <Tensor as IndexOp<$index>>::i => fn(&Tensor, $index) -> Tensor, }
    )* };
}

/// Elements of vectors that become tensors.
macro_rules! for_elements {
    ($($element:ty),*) => { $(
        keep! { Tensor::from_slice => fn(&[$element]) -> Tensor, }
    )* };
}

/// Values that are kept for the next cell, or end a cell.
macro_rules! for_values {
    ($($value:ty),*) => { $(
        keep! {
            rt::store::put::<0, $value> => fn(&str, $value, rt::store::Brief) -> rt::store::Kept<0, $value>,
            rt::store::put_back::<$value> => fn(&str, $value),
            rt::store::take::<$value> => unsafe fn(&str) -> $value,
            brief_of::<$value> => fn(&$value) -> rt::store::Brief,
            std::mem::drop::<$value> => fn($value),
        }
    )* };
}

/// The same for those shown by `Debug`.
macro_rules! for_plain_values {
    ($($value:ty),*) => {
        for_values!($($value),*);
        $( keep! { <&Tail<'static, $value> as ByDebug>::bundle => *const (), } )*
    };
}

/// Errors that a `?` meets.
macro_rules! for_errors {
    ($($error:ty),*) => { $( keep! { CellError::from => fn($error) -> CellError, } )* };
}

fn brief_of<T: std::fmt::Debug>(value: &T) -> rt::store::Brief {
    (&of(value)).brief()
}

/// All the instances.
pub fn instances() {
    for_sizes!([i64; 1], [i64; 2], [i64; 3], [i64; 4], &'static [i64], i64);
    for_dimensions!(&'static [i64], i64, Vec<i64>);
    for_scalars!(f64, i64);
    for_elements!(f32, f64, i64, i32, u8);
    for_indices!(
        i64,
        Range<i64>,
        RangeFrom<i64>,
        RangeTo<i64>,
        (i64, i64),
        (i64, i64, i64),
        (RangeFull, i64),
        (i64, RangeFull),
        (RangeFull, RangeFull, i64),
        (Range<i64>, Range<i64>),
        (RangeFull, Range<i64>)
    );
    keep! {
        Tensor::mean => fn(&Tensor, Kind) -> Tensor,
        Tensor::sum => fn(&Tensor, Kind) -> Tensor,
        Tensor::softmax => fn(&Tensor, i64, Kind) -> Tensor,
        Tensor::log_softmax => fn(&Tensor, i64, Kind) -> Tensor,
        Tensor::argmax => fn(&Tensor, i64, bool) -> Tensor,
        Tensor::argmin => fn(&Tensor, i64, bool) -> Tensor,
        Tensor::max_pool2d => fn(&Tensor, [i64; 2], [i64; 2], [i64; 2], [i64; 2], bool) -> Tensor,
        Tensor::max_pool2d => fn(&Tensor, i64, i64, i64, i64, bool) -> Tensor,
        Tensor::cat => fn(&[Tensor], i64) -> Tensor,
        Tensor::cat => fn(&[&'static Tensor], i64) -> Tensor,
        Tensor::stack => fn(&[Tensor], i64) -> Tensor,
        Tensor::stack => fn(&[&'static Tensor], i64) -> Tensor,
        nn::linear => fn(nn::Path<'static>, i64, i64, nn::LinearConfig) -> nn::Linear,
        nn::linear => fn(&'static nn::Path<'static>, i64, i64, nn::LinearConfig) -> nn::Linear,
        nn::conv2d => fn(nn::Path<'static>, i64, i64, i64, nn::ConvConfig) -> nn::Conv2D,
        nn::conv2d => fn(&'static nn::Path<'static>, i64, i64, i64, nn::ConvConfig) -> nn::Conv2D,
        nn::batch_norm2d => fn(nn::Path<'static>, i64, nn::BatchNormConfig) -> nn::BatchNorm,
        <nn::Path<'static> as Div<&'static str>>::div => fn(nn::Path<'static>, &'static str) -> nn::Path<'static>,
        <&nn::Path<'static> as Div<&'static str>>::div => fn(&'static nn::Path<'static>, &'static str) -> nn::Path<'static>,
        nn::Sequential::add => fn(nn::Sequential, nn::Linear) -> nn::Sequential,
        nn::Sequential::add => fn(nn::Sequential, nn::Conv2D) -> nn::Sequential,
        nn::SequentialT::add => fn(nn::SequentialT, nn::Linear) -> nn::SequentialT,
        nn::SequentialT::add => fn(nn::SequentialT, nn::Conv2D) -> nn::SequentialT,
        nn::SequentialT::add => fn(nn::SequentialT, nn::BatchNorm) -> nn::SequentialT,
    }
    for_plain_values!(
        i32,
        i64,
        u8,
        u32,
        u64,
        usize,
        f32,
        f64,
        bool,
        char,
        String,
        &'static str,
        (usize, usize),
        (i64, i64),
        (f64, f64),
        Vec<i32>,
        Vec<i64>,
        Vec<u8>,
        Vec<usize>,
        Vec<f32>,
        Vec<f64>,
        Vec<String>,
        Vec<&'static str>
    );
    for_values!(
        Tensor,
        Vec<Tensor>,
        vision::Image,
        plot::Chart,
        nn::VarStore,
        nn::Sequential
    );
    keep! {
        <&&&Tail<'static, vision::Image> as ByShow>::bundle => *const (),
        <&&&Tail<'static, plot::Chart> as ByShow>::bundle => *const (),
    }
    for_errors!(
        tch::TchError,
        std::io::Error,
        vision::VisionError,
        plot::PlotError,
        nets::NetError,
        String,
        &'static str,
        std::num::ParseIntError,
        std::num::ParseFloatError,
        Box<dyn std::error::Error>
    );
    black_box(std::mem::drop::<Result<(), CellError>> as fn(_));
}
