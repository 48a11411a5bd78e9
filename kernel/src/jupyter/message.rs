//! What messages say, one type a message (Jupyter messaging protocol 5.4).

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rt::Bundle;
use rt::frame::{CommKind, CommMessage};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The version of the protocol this kernel speaks.
pub(super) const PROTOCOL_VERSION: &str = "5.4";

/// The content of a message that this kernel sends.
pub(super) trait Content: Serialize {
    /// The `msg_type` it goes under.
    const KIND: &'static str;

    /// What becomes of it where nobody reads.
    const CARE: Care = Care::Always;

    /// What goes beside the content; few messages have anything.
    fn extra(&self) -> Extra<'_> {
        Extra::default()
    }
}

/// What becomes of a message for a subscriber that reads slowly, or not at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// It goes into the queue at once: status, input, results, errors.
    Always,
    /// It waits for room, and then is put into the queue all the same: comms, of which each change counts.
    Patient,
    /// It waits for room, and is left out if there is none: what a cell shows.
    Output,
}

/// What a message carries beside its content.
#[derive(Debug, Default)]
pub(super) struct Extra<'a> {
    pub(super) metadata: Option<&'a Value>,
    pub(super) buffers: Vec<Bytes>,
}

/// A request, as its channel delivers it.
#[derive(Debug)]
pub(super) enum Request {
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
    pub(super) fn parse(kind: &str, content: &[u8]) -> Result<Self, serde_json::Error> {
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
pub(super) struct Execute {
    pub(super) code: String,
    #[serde(default)]
    pub(super) silent: bool,
    #[serde(default = "yes")]
    pub(super) store_history: bool,
    #[serde(default)]
    pub(super) user_expressions: Option<BTreeMap<String, String>>,
    #[serde(default = "yes")]
    pub(super) allow_stdin: bool,
    #[serde(default = "yes")]
    pub(super) stop_on_error: bool,
}

fn yes() -> bool {
    true
}

/// `complete_request`; the cursor counts code points.
#[derive(Debug, Deserialize)]
pub(super) struct Complete {
    pub(super) code: String,
    #[serde(default)]
    pub(super) cursor_pos: Option<usize>,
}

/// `inspect_request`; the cursor counts code points.
#[derive(Debug, Deserialize)]
pub(super) struct Inspect {
    pub(super) code: String,
    #[serde(default)]
    pub(super) cursor_pos: Option<usize>,
    /// 0 for a glance, 1 for everything.
    #[serde(default)]
    pub(super) detail_level: u8,
}

/// `is_complete_request`.
#[derive(Debug, Deserialize)]
pub(super) struct IsComplete {
    pub(super) code: String,
}

/// `history_request`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HistoryQuery {
    pub(super) hist_access_type: String,
    pub(super) output: bool,
    pub(super) session: i64,
    pub(super) start: i64,
    pub(super) stop: Option<i64>,
    pub(super) n: Option<usize>,
    pub(super) pattern: Option<String>,
    pub(super) unique: bool,
}

/// `comm_info_request`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct CommInfo {
    /// Only comms of this target, unless empty.
    pub(super) target_name: Option<String>,
}

/// `comm_open`, `comm_msg`, `comm_close`.
#[derive(Debug, Deserialize)]
pub(super) struct Comm {
    #[serde(skip)]
    kind: CommKind,
    pub(super) comm_id: String,
    #[serde(default)]
    target_name: String,
    #[serde(default)]
    data: Value,
}

impl Comm {
    fn parse(kind: CommKind, content: &[u8]) -> Result<Self, serde_json::Error> {
        let comm = serde_json::from_slice(content)?;
        Ok(Self { kind, ..comm })
    }

    /// The message as the worker gets it, with what came beside its content.
    pub(super) fn with(self, metadata: &[u8], buffers: &[Bytes]) -> CommMessage {
        CommMessage {
            kind: self.kind,
            comm_id: self.comm_id,
            target_name: self.target_name,
            data: self.data,
            metadata: serde_json::from_slice(metadata).unwrap_or_default(),
            buffers: buffers.iter().map(|bytes| STANDARD.encode(bytes)).collect(),
        }
    }
}

/// `shutdown_request`.
#[derive(Debug, Deserialize)]
pub(super) struct Shutdown {
    #[serde(default)]
    pub(super) restart: bool,
}

/// `debug_request`, in the terms of the Debug Adapter Protocol.
#[derive(Debug, Deserialize)]
pub(super) struct Debug {
    #[serde(default)]
    pub(super) seq: i64,
    #[serde(default)]
    pub(super) command: String,
}

/// `input_reply`.
#[derive(Debug, Deserialize)]
pub(super) struct InputReply {
    pub(super) value: String,
}

/// Ends every reply that says no more than yes.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Status {
    Ok,
    Error,
    Aborted,
}

/// What went wrong, in a reply or on its own as `error`.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Failure {
    pub(super) ename: String,
    pub(super) evalue: String,
    pub(super) traceback: Vec<String>,
}

impl From<cell::ErrorReport> for Failure {
    fn from(report: cell::ErrorReport) -> Self {
        Self {
            ename: report.ename,
            evalue: report.evalue,
            traceback: report.traceback,
        }
    }
}

impl Content for Failure {
    const KIND: &'static str = "error";
}

/// The reply to a request that could not be read.
#[derive(Debug, Serialize)]
pub(super) struct Refusal {
    pub(super) status: Status,
    #[serde(flatten)]
    pub(super) failure: Failure,
}

impl Refusal {
    /// A refusal for this reason.
    pub(super) fn new(ename: &str, evalue: String) -> Self {
        let traceback = vec![format!("{ename}: {evalue}")];
        Self {
            status: Status::Error,
            failure: Failure {
                ename: ename.into(),
                evalue,
                traceback,
            },
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct KernelInfoReply {
    pub(super) status: Status,
    pub(super) protocol_version: &'static str,
    pub(super) implementation: &'static str,
    pub(super) implementation_version: &'static str,
    pub(super) language_info: LanguageInfo,
    pub(super) banner: String,
    pub(super) debugger: bool,
    pub(super) help_links: Vec<HelpLink>,
    /// Only what works: front ends act on it.
    pub(super) supported_features: Vec<&'static str>,
}

#[derive(Debug, Serialize)]
pub(super) struct LanguageInfo {
    pub(super) name: &'static str,
    pub(super) version: &'static str,
    pub(super) mimetype: &'static str,
    pub(super) file_extension: &'static str,
    pub(super) pygments_lexer: &'static str,
    pub(super) codemirror_mode: &'static str,
}

#[derive(Debug, Serialize)]
pub(super) struct HelpLink {
    pub(super) text: &'static str,
    pub(super) url: &'static str,
}

impl Content for KernelInfoReply {
    const KIND: &'static str = "kernel_info_reply";
}

#[derive(Debug, Serialize)]
pub(super) struct ExecuteReply {
    pub(super) status: Status,
    pub(super) execution_count: usize,
    pub(super) user_expressions: Map<String, Value>,
    /// What a front end is to show beside the cell: pages of documentation.
    pub(super) payload: Vec<Value>,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<Failure>,
}

impl Content for ExecuteReply {
    const KIND: &'static str = "execute_reply";
}

/// The value of one of a request's `user_expressions`.
#[derive(Debug, Serialize)]
pub(super) struct Evaluated {
    pub(super) status: Status,
    #[serde(flatten)]
    pub(super) bundle: Bundle,
}

#[derive(Debug, Serialize)]
pub(super) struct CompleteReply {
    pub(super) status: Status,
    pub(super) matches: Vec<String>,
    pub(super) cursor_start: usize,
    pub(super) cursor_end: usize,
    pub(super) metadata: Map<String, Value>,
}

impl Content for CompleteReply {
    const KIND: &'static str = "complete_reply";
}

#[derive(Debug, Serialize)]
pub(super) struct InspectReply {
    pub(super) status: Status,
    pub(super) found: bool,
    #[serde(flatten)]
    pub(super) bundle: Bundle,
}

impl Content for InspectReply {
    const KIND: &'static str = "inspect_reply";
}

#[derive(Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(super) enum IsCompleteReply {
    Complete,
    Incomplete { indent: String },
    Invalid,
}

impl Content for IsCompleteReply {
    const KIND: &'static str = "is_complete_reply";
}

#[derive(Debug, Serialize)]
pub(super) struct HistoryReply {
    pub(super) status: Status,
    pub(super) history: Vec<Value>,
}

impl Content for HistoryReply {
    const KIND: &'static str = "history_reply";
}

#[derive(Debug, Serialize)]
pub(super) struct CommInfoReply {
    pub(super) status: Status,
    pub(super) comms: Map<String, Value>,
}

impl Content for CommInfoReply {
    const KIND: &'static str = "comm_info_reply";
}

/// `comm_open` for the page. This kernel's widgets need no module to be loaded there.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct CommOpen(OutgoingComm);

impl Content for CommOpen {
    const KIND: &'static str = "comm_open";
    const CARE: Care = Care::Patient;

    fn extra(&self) -> Extra<'_> {
        self.0.extra()
    }
}

/// `comm_msg` for the page.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct CommMsg(OutgoingComm);

impl Content for CommMsg {
    const KIND: &'static str = "comm_msg";
    const CARE: Care = Care::Patient;

    fn extra(&self) -> Extra<'_> {
        self.0.extra()
    }
}

/// `comm_close` for the page.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(super) struct CommClose(OutgoingComm);

impl Content for CommClose {
    const KIND: &'static str = "comm_close";
    const CARE: Care = Care::Patient;
}

/// A message on a comm, by what it does.
#[derive(Debug)]
pub(super) enum Outgoing {
    Open(CommOpen),
    Message(CommMsg),
    Close(CommClose),
}

impl From<CommMessage> for Outgoing {
    fn from(message: CommMessage) -> Self {
        let kind = message.kind;
        let comm = OutgoingComm {
            comm_id: message.comm_id,
            target_name: (kind == CommKind::Open).then_some(message.target_name),
            data: message.data,
            metadata: message.metadata,
            buffers: message
                .buffers
                .iter()
                .filter_map(|text| STANDARD.decode(text).ok())
                .map(Bytes::from)
                .collect(),
        };
        match kind {
            CommKind::Open => Self::Open(CommOpen(comm)),
            CommKind::Message => Self::Message(CommMsg(comm)),
            CommKind::Close => Self::Close(CommClose(comm)),
        }
    }
}

#[derive(Debug, Serialize)]
struct OutgoingComm {
    comm_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_name: Option<String>,
    data: Value,
    #[serde(skip)]
    metadata: Value,
    #[serde(skip)]
    buffers: Vec<Bytes>,
}

impl OutgoingComm {
    fn extra(&self) -> Extra<'_> {
        Extra {
            metadata: self.metadata.is_object().then_some(&self.metadata),
            buffers: self.buffers.clone(),
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct InterruptReply {
    pub(super) status: Status,
}

impl Content for InterruptReply {
    const KIND: &'static str = "interrupt_reply";
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct ShutdownReply {
    pub(super) status: Status,
    pub(super) restart: bool,
}

impl Content for ShutdownReply {
    const KIND: &'static str = "shutdown_reply";
}

/// A response as the Debug Adapter Protocol has it.
#[derive(Debug, Serialize)]
pub(super) struct DebugReply {
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    pub(super) seq: i64,
    pub(super) request_seq: i64,
    pub(super) success: bool,
    pub(super) command: String,
    pub(super) message: &'static str,
    pub(super) body: Map<String, Value>,
}

impl Content for DebugReply {
    const KIND: &'static str = "debug_reply";
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ExecutionState {
    Starting,
    Busy,
    Idle,
}

/// `status`.
#[derive(Debug, Serialize)]
pub(super) struct KernelStatus {
    pub(super) execution_state: ExecutionState,
}

impl Content for KernelStatus {
    const KIND: &'static str = "status";
}

#[derive(Debug, Serialize)]
pub(super) struct ExecuteInput<'a> {
    pub(super) code: &'a str,
    pub(super) execution_count: usize,
}

impl Content for ExecuteInput<'_> {
    const KIND: &'static str = "execute_input";
}

#[derive(Debug, Serialize)]
pub(super) struct Stream<'a> {
    pub(super) name: &'static str,
    pub(super) text: &'a str,
}

impl Content for Stream<'_> {
    const KIND: &'static str = "stream";
    const CARE: Care = Care::Output;
}

#[derive(Debug, Serialize)]
pub(super) struct DisplayData {
    #[serde(flatten)]
    pub(super) bundle: Bundle,
    pub(super) transient: Transient,
}

/// What concerns a display but is not kept in the notebook.
#[derive(Debug, Serialize)]
pub(super) struct Transient {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) display_id: Option<String>,
}

impl Content for DisplayData {
    const KIND: &'static str = "display_data";
    const CARE: Care = Care::Output;
}

#[derive(Debug, Serialize)]
pub(super) struct UpdateDisplayData {
    #[serde(flatten)]
    pub(super) bundle: Bundle,
    pub(super) transient: Transient,
}

impl Content for UpdateDisplayData {
    const KIND: &'static str = "update_display_data";
    const CARE: Care = Care::Output;
}

#[derive(Debug, Serialize)]
pub(super) struct ExecuteResult {
    pub(super) execution_count: usize,
    #[serde(flatten)]
    pub(super) bundle: Bundle,
}

impl Content for ExecuteResult {
    const KIND: &'static str = "execute_result";
}

#[derive(Debug, Serialize)]
pub(super) struct ClearOutput {
    pub(super) wait: bool,
}

impl Content for ClearOutput {
    const KIND: &'static str = "clear_output";
}

#[derive(Debug, Serialize)]
pub(super) struct InputRequest<'a> {
    pub(super) prompt: &'a str,
    pub(super) password: bool,
}

impl Content for InputRequest<'_> {
    const KIND: &'static str = "input_request";
}

/// Tells a subscriber that it will miss nothing from here on.
#[derive(Debug, Serialize)]
pub(super) struct IopubWelcome<'a> {
    pub(super) subscription: &'a str,
}

impl Content for IopubWelcome<'_> {
    const KIND: &'static str = "iopub_welcome";
}
