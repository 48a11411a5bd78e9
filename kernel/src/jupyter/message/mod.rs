//! What messages say, one type a message (Jupyter messaging protocol 5.4).
//!
//! | file | what is in it |
//! |---|---|
//! | `message` | what all have in common |
//! | `request` | what front ends ask |
//! | `reply` | what they are answered, and what a cell asks them |
//! | `broadcast` | what all who listen are told |
//! | `comm` | messages on comms, in both directions |

mod broadcast;
mod comm;
mod reply;
mod request;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;

pub(super) use broadcast::{
    ClearOutput, DisplayData, ExecuteInput, ExecuteResult, ExecutionState, IopubWelcome,
    KernelStatus, Stream, Transient, UpdateDisplayData,
};
pub(super) use comm::Outgoing;
pub(super) use reply::{
    CommInfoReply, CompleteReply, DebugReply, Evaluated, ExecuteReply, HelpLink, HistoryReply,
    InputRequest, InspectReply, InterruptReply, IsCompleteReply, KernelInfoReply, LanguageInfo,
    ShutdownReply,
};
pub(super) use request::{Complete, Execute, HistoryQuery, InputReply, Inspect, Request};

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
