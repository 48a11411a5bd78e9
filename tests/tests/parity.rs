//! Our networks beside torchvision's: names, shapes, activations, losses, gradients, files.
//!
//! `tests/fixtures/nets/models.py` makes the numbers to compare with. Where a Python with torch and torchvision is at
//! hand (`CVSTUDY_PYTORCH`, or the peers of the benchmarks), it makes them now; otherwise those of the repository
//! serve.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

#[path = "parity/files.rs"]
mod files;
#[path = "parity/formula.rs"]
mod formula;
#[path = "parity/models.rs"]
mod models;
#[path = "parity/peer.rs"]
mod peer;
#[path = "parity/start.rs"]
mod start;
