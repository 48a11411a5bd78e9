//! What all who listen are told.

use rt::Bundle;
use serde::Serialize;

use super::{Care, Content};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::jupyter) enum ExecutionState {
    Starting,
    Busy,
    Idle,
}

/// `status`.
#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct KernelStatus {
    pub(in crate::jupyter) execution_state: ExecutionState,
}

impl Content for KernelStatus {
    const KIND: &'static str = "status";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct ExecuteInput<'a> {
    pub(in crate::jupyter) code: &'a str,
    pub(in crate::jupyter) execution_count: usize,
}

impl Content for ExecuteInput<'_> {
    const KIND: &'static str = "execute_input";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct Stream<'a> {
    pub(in crate::jupyter) name: &'static str,
    pub(in crate::jupyter) text: &'a str,
}

impl Content for Stream<'_> {
    const KIND: &'static str = "stream";
    const CARE: Care = Care::Output;
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct DisplayData {
    #[serde(flatten)]
    pub(in crate::jupyter) bundle: Bundle,
    pub(in crate::jupyter) transient: Transient,
}

/// What concerns a display but is not kept in the notebook.
#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct Transient {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::jupyter) display_id: Option<String>,
}

impl Content for DisplayData {
    const KIND: &'static str = "display_data";
    const CARE: Care = Care::Output;
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct UpdateDisplayData {
    #[serde(flatten)]
    pub(in crate::jupyter) bundle: Bundle,
    pub(in crate::jupyter) transient: Transient,
}

impl Content for UpdateDisplayData {
    const KIND: &'static str = "update_display_data";
    const CARE: Care = Care::Output;
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct ExecuteResult {
    pub(in crate::jupyter) execution_count: usize,
    #[serde(flatten)]
    pub(in crate::jupyter) bundle: Bundle,
}

impl Content for ExecuteResult {
    const KIND: &'static str = "execute_result";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct ClearOutput {
    pub(in crate::jupyter) wait: bool,
}

impl Content for ClearOutput {
    const KIND: &'static str = "clear_output";
}

/// Tells a subscriber that it will miss nothing from here on.
#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct IopubWelcome<'a> {
    pub(in crate::jupyter) subscription: &'a str,
}

impl Content for IopubWelcome<'_> {
    const KIND: &'static str = "iopub_welcome";
}
