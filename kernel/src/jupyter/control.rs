//! Control: requests that must not wait for anything: interrupt and shutdown.

use std::sync::Arc;

use serde_json::Map;
use zeromq::{RouterRecvHalf, SocketRecv};

use super::Kernel;
use super::after_error;
use super::message::{DebugReply, Refusal, Request};
use super::reply::{Replies, answered};
use super::shell::kernel_info;
use super::wire::Incoming;

/// The control channel.
pub(super) struct Control {
    pub(super) socket: RouterRecvHalf,
    pub(super) replies: Replies,
    pub(super) kernel: Arc<Kernel>,
}

impl Control {
    /// Answers until the kernel ends.
    pub(super) async fn run(mut self) {
        loop {
            match self.socket.recv().await {
                Ok(message) => match self.kernel.session.decode(message) {
                    Ok(message) => self.take(message).await,
                    Err(error) => tracing::warn!(%error, "bad message on control dropped"),
                },
                Err(error) => after_error("control", &error).await,
            }
        }
    }

    async fn take(&self, message: Incoming) {
        answered(&self.kernel.iopub, &message, self.answer(&message)).await;
    }

    async fn answer(&self, message: &Incoming) {
        let (replies, parent) = (&self.replies, &message.parent);
        match Request::parse(&message.kind, &message.content) {
            Ok(Request::Interrupt) => self.kernel.interrupt(replies, parent).await,
            Ok(Request::Shutdown(request)) => {
                self.kernel
                    .shut_down(replies, parent, request.restart)
                    .await
            }
            Ok(Request::KernelInfo) => _ = replies.send(parent, &kernel_info()).await,
            Ok(Request::Debug(request)) => {
                let reply = DebugReply {
                    kind: "response",
                    seq: 0,
                    request_seq: request.seq,
                    success: false,
                    command: request.command,
                    message: "this kernel has no debugger",
                    body: Map::new(),
                };
                replies.send(parent, &reply).await;
            }
            Ok(_) => {
                let why = format!("{} is unknown on the control channel", message.kind);
                replies
                    .refuse(message, &Refusal::new("UnknownRequest", why))
                    .await;
            }
            Err(error) => {
                let why = format!("{} cannot be read: {error}", message.kind);
                replies
                    .refuse(message, &Refusal::new("BadRequest", why))
                    .await;
            }
        }
    }
}
