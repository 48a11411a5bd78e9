//! Pixels on their way through a pipeline, and the memory that is used again.

use std::cell::RefCell;

use crate::{Image, VisionError};

/// Width and height in pixels, both at least 1.
pub(crate) type Size = (u32, u32);

/// Bytes of 8-bit RGB pixels, row after row, lent.
#[derive(Clone, Copy)]
pub(crate) struct Pixels<'a> {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: &'a [u8],
}

impl<'a> Pixels<'a> {
    pub(crate) fn of(image: &'a Image) -> Self {
        Self {
            width: image.width() as usize,
            height: image.height() as usize,
            bytes: image.as_bytes(),
        }
    }

    /// Row `y`, from the top.
    #[inline(always)]
    pub(crate) fn row(&self, y: usize) -> &'a [u8] {
        &self.bytes[y * self.width * 3..(y + 1) * self.width * 3]
    }
}

/// Bytes of 8-bit RGB pixels, row after row.
#[derive(Default)]
pub(crate) struct Buffer {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) bytes: Vec<u8>,
}

impl Buffer {
    /// A buffer that takes its memory from an earlier one of this thread.
    pub(crate) fn reused() -> Self {
        let bytes = SPARE.with_borrow_mut(|spare| spare.pop().unwrap_or_default());
        Self {
            width: 0,
            height: 0,
            bytes,
        }
    }

    /// Gives the memory back for the next buffer of this thread.
    pub(crate) fn retire(self) {
        SPARE.with_borrow_mut(|spare| {
            if spare.len() < KEPT && self.bytes.capacity() <= KEPT_BYTES {
                spare.push(self.bytes);
            }
        });
    }

    /// Makes it `width` x `height` pixels of any colour.
    pub(crate) fn reshape(&mut self, width: usize, height: usize) {
        let length = width * height * 3;
        if self.bytes.capacity() < length {
            self.bytes = vec![0; length];
        } else {
            // What is there already stays: clearing it would cost as much as a copy.
            self.bytes.resize(length, 0);
        }
        (self.width, self.height) = (width, height);
    }

    /// Makes it a copy.
    pub(crate) fn copy_from(&mut self, from: Pixels<'_>) {
        self.bytes.clear();
        self.bytes.extend_from_slice(from.bytes);
        (self.width, self.height) = (from.width, from.height);
    }

    /// The pixels, lent.
    pub(crate) fn pixels(&self) -> Pixels<'_> {
        Pixels {
            width: self.width,
            height: self.height,
            bytes: &self.bytes,
        }
    }

    /// The pixels as an image.
    ///
    /// # Errors
    /// When the size is none that an image can have.
    pub(crate) fn into_image(mut self) -> Result<Image, VisionError> {
        // Memory that served a much larger picture would stay with this one as long as it lives.
        if self.bytes.capacity() > self.bytes.len() * 5 / 4 {
            self.bytes.shrink_to_fit();
        }
        Image::from_rgb8(self.width as u32, self.height as u32, self.bytes)
    }
}

/// How many buffers a thread keeps: a step needs two, AugMix two more.
const KEPT: usize = 4;
/// Larger ones are given back to the system.
const KEPT_BYTES: usize = 32 << 20;

thread_local! {
    static SPARE: RefCell<Vec<Vec<u8>>> = const { RefCell::new(Vec::new()) };
}
