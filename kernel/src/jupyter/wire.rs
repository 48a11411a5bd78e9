//! Messages as frames: identities, delimiter, signature, header, parent header, metadata, content.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use uuid::Uuid;
use zeromq::ZmqMessage;

use super::message::{Content, Extra, PROTOCOL_VERSION};

const DELIMITER: &[u8] = b"<IDS|MSG>";
const EMPTY: Bytes = Bytes::from_static(b"{}");

/// How many signatures are remembered, so that a recorded message cannot be played again.
const REMEMBERED: usize = 1 << 16;

type Signature = [u8; 32];

/// Why a message was dropped.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("no <IDS|MSG> delimiter")]
    NoDelimiter,
    #[error("{0} frames after the delimiter, at least 5 are needed")]
    TooShort(usize),
    #[error("wrong signature")]
    Signature,
    #[error("seen before")]
    Replayed,
    #[error("unreadable header: {0}")]
    Header(#[from] serde_json::Error),
}

/// What a reply needs of the message it answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Parent {
    /// Where the message came from; empty for what nobody asked for.
    pub(super) identities: Vec<Bytes>,
    /// Its header, byte for byte, so that fields unknown to this kernel come back as well.
    header: Bytes,
}

/// A message as it came in, its signature checked.
#[derive(Debug)]
pub(super) struct Incoming {
    pub(super) parent: Parent,
    pub(super) kind: String,
    /// JSON, not looked at yet.
    pub(super) metadata: Bytes,
    /// JSON, not looked at yet.
    pub(super) content: Bytes,
    /// What comes behind the JSON.
    pub(super) buffers: Vec<Bytes>,
}

#[derive(Deserialize)]
struct IncomingHeader {
    msg_type: String,
}

#[derive(Serialize)]
struct OutgoingHeader<'a> {
    msg_id: String,
    session: &'a str,
    username: &'a str,
    date: String,
    msg_type: &'a str,
    version: &'a str,
}

/// Turns messages into frames and back: one for the whole kernel, shared by all channels.
pub(super) struct Session {
    id: String,
    mac: Option<Hmac<Sha256>>,
    seen: Mutex<Seen>,
}

impl Session {
    /// A session whose messages are signed with `key`; an empty one leaves them unsigned.
    pub(super) fn new(key: &str) -> Self {
        let mac = (!key.is_empty())
            .then(|| Hmac::new_from_slice(key.as_bytes()).ok())
            .flatten();
        Self {
            id: Uuid::new_v4().to_string(),
            mac,
            seen: Mutex::default(),
        }
    }

    /// Reads one message.
    ///
    /// # Errors
    /// When it is not one, is signed with another key, or has come before.
    pub(super) fn decode(&self, message: ZmqMessage) -> Result<Incoming, WireError> {
        let mut identities = message.into_vec();
        let delimiter = identities
            .iter()
            .position(|frame| frame == DELIMITER)
            .ok_or(WireError::NoDelimiter)?;
        let frames = identities.split_off(delimiter);
        let [
            _,
            signature,
            header,
            parent,
            metadata,
            content,
            buffers @ ..,
        ] = &frames[..]
        else {
            return Err(WireError::TooShort(frames.len() - 1));
        };
        self.verify(signature, &[header, parent, metadata, content])?;
        let kind = serde_json::from_slice::<IncomingHeader>(header)?.msg_type;
        let parent = Parent {
            identities,
            header: header.clone(),
        };
        Ok(Incoming {
            parent,
            kind,
            metadata: metadata.clone(),
            content: content.clone(),
            buffers: buffers.to_vec(),
        })
    }

    /// A message for whoever sent `parent`.
    pub(super) fn reply<C: Content>(&self, parent: &Parent, content: &C) -> ZmqMessage {
        self.encode(
            parent.identities.clone(),
            parent,
            C::KIND,
            content,
            content.extra(),
        )
    }

    /// A reply whose type is not known beforehand.
    pub(super) fn reply_as(
        &self,
        kind: &str,
        parent: &Parent,
        content: &impl Serialize,
    ) -> ZmqMessage {
        self.encode(
            parent.identities.clone(),
            parent,
            kind,
            content,
            Extra::default(),
        )
    }

    /// A message for whoever listens to `topic`.
    pub(super) fn broadcast<C: Content>(
        &self,
        topic: Bytes,
        parent: &Parent,
        content: &C,
    ) -> ZmqMessage {
        self.encode(vec![topic], parent, C::KIND, content, content.extra())
    }

    fn encode(
        &self,
        prefix: Vec<Bytes>,
        parent: &Parent,
        kind: &str,
        content: &impl Serialize,
        extra: Extra<'_>,
    ) -> ZmqMessage {
        let parent = if parent.header.is_empty() {
            EMPTY
        } else {
            parent.header.clone()
        };
        let metadata = extra.metadata.map_or(EMPTY, json);
        let signed = [json(&self.header(kind)), parent, metadata, json(content)];
        let signature = match self.sign(&signed.each_ref()) {
            Some(mac) => hex(&mac.finalize().into_bytes()),
            None => String::new(),
        };
        let mut message = ZmqMessage::from(Bytes::from_static(DELIMITER));
        message.push_back(signature.into());
        signed
            .into_iter()
            .chain(extra.buffers)
            .for_each(|frame| message.push_back(frame));
        prefix
            .into_iter()
            .rev()
            .for_each(|frame| message.push_front(frame));
        message
    }

    fn header<'a>(&'a self, kind: &'a str) -> OutgoingHeader<'a> {
        OutgoingHeader {
            msg_id: Uuid::new_v4().to_string(),
            session: &self.id,
            username: "kernel",
            date: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
            msg_type: kind,
            version: PROTOCOL_VERSION,
        }
    }

    fn sign(&self, frames: &[&Bytes; 4]) -> Option<Hmac<Sha256>> {
        let mut mac = self.mac.clone()?;
        frames.iter().for_each(|frame| mac.update(frame));
        Some(mac)
    }

    fn verify(&self, signature: &[u8], frames: &[&Bytes; 4]) -> Result<(), WireError> {
        let Some(mac) = self.sign(frames) else {
            return Ok(());
        };
        let signature = unhex(signature).ok_or(WireError::Signature)?;
        mac.verify_slice(&signature)
            .map_err(|_| WireError::Signature)?;
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.is_new(signature) {
            Ok(())
        } else {
            Err(WireError::Replayed)
        }
    }
}

/// The latest signatures.
#[derive(Default)]
struct Seen {
    set: HashSet<Signature>,
    order: VecDeque<Signature>,
}

impl Seen {
    fn is_new(&mut self, signature: Signature) -> bool {
        if !self.set.insert(signature) {
            return false;
        }
        self.order.push_back(signature);
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.set.remove(&oldest);
        }
        true
    }
}

/// JSON text. Contents are plain structs and cannot fail; if one ever does, an empty message says so.
fn json(value: &impl Serialize) -> Bytes {
    match serde_json::to_vec(value) {
        Ok(text) => text.into(),
        Err(error) => {
            tracing::error!(%error, "a message cannot be written as JSON");
            EMPTY
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .map(|digit| DIGITS[usize::from(digit)] as char)
        .collect()
}

fn unhex(text: &[u8]) -> Option<Signature> {
    if text.len() != 64 {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(text.chunks(2)) {
        let digit = |at: usize| (pair[at] as char).to_digit(16);
        *byte = (digit(0)? * 16 + digit(1)?) as u8;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Signed by Python: `hmac.new(b"secret", b"".join(frames), "sha256").hexdigest()`.
    const SIGNED: [&[u8]; 7] = [
        b"client",
        b"<IDS|MSG>",
        b"a5a9a29dfe1fc4d0a2790306c57aba33e4305645dda0d2331b4996a3b81a6cdd",
        br#"{"msg_id":"1","msg_type":"kernel_info_request","session":"s","subshell_id":null}"#,
        b"{}",
        b"{}",
        br#"{"caf\u00e9":1}"#,
    ];

    fn message(frames: &[&[u8]]) -> ZmqMessage {
        let frames: Vec<Bytes> = frames
            .iter()
            .map(|frame| Bytes::copy_from_slice(frame))
            .collect();
        ZmqMessage::try_from(frames).unwrap()
    }

    #[test]
    fn what_was_encoded_is_decoded_with_its_identities() {
        let kernel = Session::new("secret");
        let parent = Parent {
            identities: vec!["a".into(), "b".into()],
            header: "{}".into(),
        };
        let frames = kernel.reply_as("status", &parent, &serde_json::json!({"x": 1}));
        let back = Session::new("secret").decode(frames).unwrap();
        assert_eq!(back.kind, "status");
        assert_eq!(back.content, r#"{"x":1}"#);
        assert_eq!(back.parent.identities, parent.identities);
    }

    #[test]
    fn a_message_signed_elsewhere_is_read_once_and_only_unchanged() {
        let session = Session::new("secret");
        let mut frames = SIGNED;
        let read = session.decode(message(&frames)).unwrap();
        assert_eq!(read.kind, "kernel_info_request");
        assert_eq!(read.parent.header, SIGNED[3]);
        assert!(matches!(
            session.decode(message(&frames)),
            Err(WireError::Replayed)
        ));

        frames[6] = b"{}";
        assert!(matches!(
            session.decode(message(&frames)),
            Err(WireError::Signature)
        ));
        frames[2] = b"";
        assert!(matches!(
            session.decode(message(&frames)),
            Err(WireError::Signature)
        ));
        let other = Session::new("another");
        assert!(matches!(
            other.decode(message(&SIGNED)),
            Err(WireError::Signature)
        ));
    }

    #[test]
    fn buffers_are_outside_the_signature() {
        let mut frames = SIGNED.to_vec();
        frames.push(b"a buffer");
        assert!(Session::new("secret").decode(message(&frames)).is_ok());
    }

    #[test]
    fn broken_frames_are_errors() {
        let session = Session::new("");
        assert!(matches!(
            session.decode(message(&[b"x"])),
            Err(WireError::NoDelimiter)
        ));
        for length in 2..7 {
            let error = session.decode(message(&SIGNED[..length])).unwrap_err();
            assert!(
                matches!(error, WireError::TooShort(n) if n == length - 2),
                "{error}"
            );
        }
        let mut frames = SIGNED;
        for header in [&b""[..], b"[]", b"{}", b"\xff", br#"{"msg_type":1}"#] {
            frames[3] = header;
            assert!(matches!(
                session.decode(message(&frames)),
                Err(WireError::Header(_))
            ));
        }
    }

    #[test]
    fn old_signatures_are_forgotten() {
        let mut seen = Seen::default();
        for n in 0..=REMEMBERED as u64 {
            let mut signature = [0; 32];
            signature[..8].copy_from_slice(&n.to_le_bytes());
            assert!(seen.is_new(signature));
        }
        assert_eq!((seen.set.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
    }
}
