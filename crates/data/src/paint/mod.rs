//! Tools for painting pictures by rule.
//!
//! - [`canvas`]: light in pixels, shapes on it, and the camera that makes a picture of it
//! - [`noise`]: the grain of rock, clouds, leaves and water
//! - [`air`]: sky, sun and haze
//! - [`city`]: houses, cars and lamps as solid bodies
//! - [`land`]: fields of heights, and water
//!
//! Only additions, multiplications, divisions and roots of `f32` are used, and functions of the crate `libm`,
//! never the system's: so a picture is the same on any machine.

pub(crate) mod air;
pub(crate) mod canvas;
pub(crate) mod city;
pub(crate) mod land;
pub(crate) mod noise;
