//! Our networks beside torchvision's: names, shapes, activations, losses, gradients, files.
//!
//! The scripts in `tests/fixtures/nets` make the numbers to compare with. Where a Python with torch and torchvision is at
//! hand (`CVSTUDY_PYTORCH`, or the peers of the benchmarks), activations and gradients are made anew, and files go both
//! ways; otherwise the numbers of the repository serve.

#![allow(clippy::unwrap_used)] // what cannot go on fails the test

#[path = "parity/files.rs"]
mod files;
#[path = "parity/formula.rs"]
mod formula;
#[path = "parity/models.rs"]
mod models;
#[path = "parity/peer.rs"]
mod peer;
#[path = "parity/pytorch.rs"]
mod pytorch;
#[path = "parity/start.rs"]
mod start;
#[path = "parity/tables.rs"]
mod tables;
#[path = "parity/turn.rs"]
mod turn;
