//! Messages on comms, in both directions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use rt::frame::{CommKind, CommMessage};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Care, Content, Extra};

/// `comm_open`, `comm_msg`, `comm_close`.
#[derive(Debug, Deserialize)]
pub(in crate::jupyter) struct Comm {
    #[serde(skip)]
    kind: CommKind,
    pub(in crate::jupyter) comm_id: String,
    #[serde(default)]
    target_name: String,
    #[serde(default)]
    data: Value,
}

impl Comm {
    pub(super) fn parse(kind: CommKind, content: &[u8]) -> Result<Self, serde_json::Error> {
        let comm = serde_json::from_slice(content)?;
        Ok(Self { kind, ..comm })
    }

    /// The message as the worker gets it, with what came beside its content.
    pub(in crate::jupyter) fn with(self, metadata: &[u8], buffers: &[Bytes]) -> CommMessage {
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

/// `comm_open` for the page. This kernel's widgets need no module to be loaded there.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(in crate::jupyter) struct CommOpen(OutgoingComm);

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
pub(in crate::jupyter) struct CommMsg(OutgoingComm);

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
pub(in crate::jupyter) struct CommClose(OutgoingComm);

impl Content for CommClose {
    const KIND: &'static str = "comm_close";
    const CARE: Care = Care::Patient;
}

/// A message on a comm, by what it does.
#[derive(Debug)]
pub(in crate::jupyter) enum Outgoing {
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
