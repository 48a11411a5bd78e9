//! Replies on a ROUTER socket, and the rule for every request: busy, answer, idle, whatever happened.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;
use tracing::Instrument;
use zeromq::{RouterSendHalf, SocketSend, ZmqMessage};

use super::iopub::Iopub;
use super::message::{Content, ExecutionState, Refusal};
use super::wire::{Incoming, Parent, Session};

/// How long a client that does not read can hold up a reply.
const PATIENCE: Duration = Duration::from_secs(5);

/// The sending half of a channel. Cheap to clone.
#[derive(Clone)]
pub(super) struct Replies {
    socket: RouterSendHalf,
    session: Arc<Session>,
}

impl Replies {
    pub(super) fn new(socket: RouterSendHalf, session: Arc<Session>) -> Self {
        Self { socket, session }
    }

    /// Sends to whoever sent `parent`; false when they are gone.
    pub(super) async fn send<C: Content>(&self, parent: &Parent, content: &C) -> bool {
        self.put(self.session.reply(parent, content)).await
    }

    /// Says that a request cannot be answered, under the type its reply would have had.
    pub(super) async fn refuse(&self, request: &Incoming, refusal: &Refusal) {
        let kind = request.kind.replace("_request", "_reply");
        self.send_as(&kind, &request.parent, refusal).await;
    }

    async fn send_as(&self, kind: &str, parent: &Parent, content: &impl Serialize) {
        self.put(self.session.reply_as(kind, parent, content)).await;
    }

    async fn put(&self, message: ZmqMessage) -> bool {
        match timeout(PATIENCE, self.socket.clone().send(message)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "a reply found nobody");
                false
            }
            Err(_) => {
                tracing::warn!("a client does not read its replies");
                false
            }
        }
    }
}

/// Runs `answer` between `busy` and `idle`.
pub(super) async fn answered(iopub: &Iopub, request: &Incoming, answer: impl Future<Output = ()>) {
    let span = tracing::info_span!("request", kind = request.kind);
    iopub
        .status(&request.parent, ExecutionState::Busy, false)
        .await;
    answer.instrument(span).await;
    iopub
        .status(&request.parent, ExecutionState::Idle, false)
        .await;
}
