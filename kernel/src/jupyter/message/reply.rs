//! What front ends are answered, and what a cell asks them.

use rt::Bundle;
use serde::Serialize;
use serde_json::{Map, Value};

use super::{Content, Failure, Status};

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct KernelInfoReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) protocol_version: &'static str,
    pub(in crate::jupyter) implementation: &'static str,
    pub(in crate::jupyter) implementation_version: &'static str,
    pub(in crate::jupyter) language_info: LanguageInfo,
    pub(in crate::jupyter) banner: String,
    pub(in crate::jupyter) debugger: bool,
    pub(in crate::jupyter) help_links: Vec<HelpLink>,
    /// Only what works: front ends act on it.
    pub(in crate::jupyter) supported_features: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct LanguageInfo {
    pub(in crate::jupyter) name: &'static str,
    pub(in crate::jupyter) version: &'static str,
    pub(in crate::jupyter) mimetype: &'static str,
    pub(in crate::jupyter) file_extension: &'static str,
    pub(in crate::jupyter) pygments_lexer: &'static str,
    pub(in crate::jupyter) codemirror_mode: &'static str,
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct HelpLink {
    pub(in crate::jupyter) text: &'static str,
    pub(in crate::jupyter) url: &'static str,
}

impl Content for KernelInfoReply {
    const KIND: &'static str = "kernel_info_reply";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct ExecuteReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) execution_count: usize,
    pub(in crate::jupyter) user_expressions: Map<String, Value>,
    /// What a front end is to show beside the cell: pages of documentation.
    pub(in crate::jupyter) payload: Vec<Value>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(in crate::jupyter) failure: Option<Failure>,
}

impl Content for ExecuteReply {
    const KIND: &'static str = "execute_reply";
}

/// The value of one of a request's `user_expressions`.
#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct Evaluated {
    pub(in crate::jupyter) status: Status,
    #[serde(flatten)]
    pub(in crate::jupyter) bundle: Bundle,
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct CompleteReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) matches: Vec<String>,
    pub(in crate::jupyter) cursor_start: usize,
    pub(in crate::jupyter) cursor_end: usize,
    pub(in crate::jupyter) metadata: Map<String, Value>,
}

impl Content for CompleteReply {
    const KIND: &'static str = "complete_reply";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct InspectReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) found: bool,
    #[serde(flatten)]
    pub(in crate::jupyter) bundle: Bundle,
}

impl Content for InspectReply {
    const KIND: &'static str = "inspect_reply";
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(in crate::jupyter) enum IsCompleteReply {
    Complete,
    Incomplete { indent: String },
    Invalid,
}

impl Content for IsCompleteReply {
    const KIND: &'static str = "is_complete_reply";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct HistoryReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) history: Vec<Value>,
}

impl Content for HistoryReply {
    const KIND: &'static str = "history_reply";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct CommInfoReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) comms: Map<String, Value>,
}

impl Content for CommInfoReply {
    const KIND: &'static str = "comm_info_reply";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct InterruptReply {
    pub(in crate::jupyter) status: Status,
}

impl Content for InterruptReply {
    const KIND: &'static str = "interrupt_reply";
}

#[derive(Debug, Clone, Serialize)]
pub(in crate::jupyter) struct ShutdownReply {
    pub(in crate::jupyter) status: Status,
    pub(in crate::jupyter) restart: bool,
}

impl Content for ShutdownReply {
    const KIND: &'static str = "shutdown_reply";
}

/// A response as the Debug Adapter Protocol has it.
#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct DebugReply {
    #[serde(rename = "type")]
    pub(in crate::jupyter) kind: &'static str,
    pub(in crate::jupyter) seq: i64,
    pub(in crate::jupyter) request_seq: i64,
    pub(in crate::jupyter) success: bool,
    pub(in crate::jupyter) command: String,
    pub(in crate::jupyter) message: &'static str,
    pub(in crate::jupyter) body: Map<String, Value>,
}

impl Content for DebugReply {
    const KIND: &'static str = "debug_reply";
}

#[derive(Debug, Serialize)]
pub(in crate::jupyter) struct InputRequest<'a> {
    pub(in crate::jupyter) prompt: &'a str,
    pub(in crate::jupyter) password: bool,
}

impl Content for InputRequest<'_> {
    const KIND: &'static str = "input_request";
}
