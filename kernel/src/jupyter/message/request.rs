//! What front ends ask.

use std::collections::BTreeMap;

use rt::frame::CommKind;
use serde::Deserialize;

use super::comm::Comm;

/// A request, as its channel delivers it.
#[derive(Debug)]
pub(in crate::jupyter) enum Request {
    KernelInfo,
    Execute(Execute),
    Complete(Complete),
    Inspect(Inspect),
    IsComplete(IsComplete),
    History(HistoryQuery),
    CommInfo(CommInfo),
    /// A message on a comm, which needs no reply.
    Comm(Comm),
    Interrupt,
    Shutdown(Shutdown),
    Debug(Debug),
    Unknown,
}

impl Request {
    /// Reads the content of a message of type `kind`.
    ///
    /// # Errors
    /// When it lacks a field that the protocol demands.
    pub(in crate::jupyter) fn parse(kind: &str, content: &[u8]) -> Result<Self, serde_json::Error> {
        let read = content;
        Ok(match kind {
            "kernel_info_request" => Self::KernelInfo,
            "execute_request" => Self::Execute(serde_json::from_slice(read)?),
            "complete_request" => Self::Complete(serde_json::from_slice(read)?),
            "inspect_request" => Self::Inspect(serde_json::from_slice(read)?),
            "is_complete_request" => Self::IsComplete(serde_json::from_slice(read)?),
            "history_request" => Self::History(serde_json::from_slice(read)?),
            "comm_info_request" => Self::CommInfo(serde_json::from_slice(read)?),
            "comm_open" => Self::Comm(Comm::parse(CommKind::Open, read)?),
            "comm_msg" => Self::Comm(Comm::parse(CommKind::Message, read)?),
            "comm_close" => Self::Comm(Comm::parse(CommKind::Close, read)?),
            "interrupt_request" => Self::Interrupt,
            "shutdown_request" => Self::Shutdown(serde_json::from_slice(read)?),
            "debug_request" => Self::Debug(serde_json::from_slice(read)?),
            _ => Self::Unknown,
        })
    }
}

/// `execute_request`.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct Execute {
    pub(in crate::jupyter) code: String,
    #[serde(default)]
    pub(in crate::jupyter) silent: bool,
    #[serde(default = "yes")]
    pub(in crate::jupyter) store_history: bool,
    #[serde(default)]
    pub(in crate::jupyter) user_expressions: Option<BTreeMap<String, String>>,
    #[serde(default = "yes")]
    pub(in crate::jupyter) allow_stdin: bool,
    #[serde(default = "yes")]
    pub(in crate::jupyter) stop_on_error: bool,
}

fn yes() -> bool {
    true
}

/// `complete_request`; the cursor counts code points.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct Complete {
    pub(in crate::jupyter) code: String,
    #[serde(default)]
    pub(in crate::jupyter) cursor_pos: Option<usize>,
}

/// `inspect_request`; the cursor counts code points.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct Inspect {
    pub(in crate::jupyter) code: String,
    #[serde(default)]
    pub(in crate::jupyter) cursor_pos: Option<usize>,
    /// 0 for a glance, 1 for everything.
    #[serde(default)]
    pub(in crate::jupyter) detail_level: u8,
}

/// `is_complete_request`.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct IsComplete {
    pub(in crate::jupyter) code: String,
}

/// `history_request`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::jupyter) struct HistoryQuery {
    pub(in crate::jupyter) hist_access_type: String,
    pub(in crate::jupyter) output: bool,
    pub(in crate::jupyter) session: i64,
    pub(in crate::jupyter) start: i64,
    pub(in crate::jupyter) stop: Option<i64>,
    pub(in crate::jupyter) n: Option<usize>,
    pub(in crate::jupyter) pattern: Option<String>,
    pub(in crate::jupyter) unique: bool,
}

/// `comm_info_request`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::jupyter) struct CommInfo {
    /// Only comms of this target, unless empty.
    pub(in crate::jupyter) target_name: Option<String>,
}

/// `shutdown_request`.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct Shutdown {
    #[serde(default)]
    pub(in crate::jupyter) restart: bool,
}

/// `debug_request`, in the terms of the Debug Adapter Protocol.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct Debug {
    #[serde(default)]
    pub(in crate::jupyter) seq: i64,
    #[serde(default)]
    pub(in crate::jupyter) command: String,
}

/// `input_reply`.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct InputReply {
    pub(in crate::jupyter) value: String,
}
