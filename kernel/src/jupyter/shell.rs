//! Shell: requests and their replies. Cells and comms queue up for the cell thread; all else is answered at once.

use std::panic::catch_unwind;
use std::sync::Arc;

use cell::Completeness;
use zeromq::{RouterRecvHalf, SocketRecv};

use super::Kernel;
use super::after_error;
use super::cells::{Cell, Job};
use super::message::{
    CommInfoReply, HelpLink, HistoryReply, IsCompleteReply, KernelInfoReply, LanguageInfo,
    PROTOCOL_VERSION, Refusal, Request, Status,
};
use super::reply::{Replies, answered};
use super::wire::Incoming;

/// The shell channel.
pub(super) struct Shell {
    pub(super) socket: RouterRecvHalf,
    pub(super) replies: Replies,
    pub(super) kernel: Arc<Kernel>,
}

impl Shell {
    /// Answers until the kernel ends.
    pub(super) async fn run(mut self) {
        loop {
            match self.socket.recv().await {
                Ok(message) => match self.kernel.session.decode(message) {
                    Ok(message) => self.take(message).await,
                    Err(error) => tracing::warn!(%error, "bad message on shell dropped"),
                },
                Err(error) => after_error("shell", &error).await,
            }
        }
    }

    async fn take(&self, message: Incoming) {
        let request = Request::parse(&message.kind, &message.content);
        match request {
            Ok(Request::Execute(request)) => {
                self.kernel.cells.push(Job::Cell(Cell {
                    parent: message.parent,
                    request,
                }));
            }
            Ok(Request::Comm(comm)) => {
                let told = comm.with(&message.metadata, &message.buffers);
                self.kernel.cells.push(Job::Comm(message.parent, told));
            }
            request => {
                answered(&self.kernel.iopub, &message, self.answer(&message, request)).await;
            }
        }
    }

    async fn answer(&self, message: &Incoming, request: Result<Request, serde_json::Error>) {
        let (replies, parent) = (&self.replies, &message.parent);
        let cells = &self.kernel.cells;
        match request {
            Ok(Request::KernelInfo) => _ = replies.send(parent, &kernel_info()).await,
            Ok(Request::Complete(request)) => {
                let reply = self
                    .kernel
                    .language
                    .complete(&request, &cells.notebook())
                    .await;
                replies.send(parent, &reply).await;
            }
            Ok(Request::Inspect(request)) => {
                let reply = self
                    .kernel
                    .language
                    .inspect(&request, &cells.notebook())
                    .await;
                replies.send(parent, &reply).await;
            }
            Ok(Request::IsComplete(request)) => {
                replies.send(parent, &is_complete(&request.code)).await;
            }
            Ok(Request::History(query)) => {
                let history = cells.with_history(|history| history.query(&query));
                replies
                    .send(
                        parent,
                        &HistoryReply {
                            status: Status::Ok,
                            history,
                        },
                    )
                    .await;
            }
            Ok(Request::CommInfo(request)) => {
                let reply = CommInfoReply {
                    status: Status::Ok,
                    comms: cells.with_comms(|comms| comms.of(request.target_name.as_deref())),
                };
                replies.send(parent, &reply).await;
            }
            Ok(Request::Shutdown(request)) => {
                self.kernel
                    .shut_down(replies, parent, request.restart)
                    .await
            }
            Ok(Request::Interrupt) => self.kernel.interrupt(replies, parent).await,
            Ok(Request::Execute(_) | Request::Comm(_) | Request::Debug(_) | Request::Unknown) => {
                let why = format!("{} is unknown on the shell channel", message.kind);
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

/// What this kernel is.
pub(super) fn kernel_info() -> KernelInfoReply {
    KernelInfoReply {
        status: Status::Ok,
        protocol_version: PROTOCOL_VERSION,
        implementation: "cvstudy",
        implementation_version: env!("CARGO_PKG_VERSION"),
        language_info: LanguageInfo {
            name: "rust",
            version: env!("CARGO_PKG_RUST_VERSION"),
            mimetype: "text/x-rustsrc",
            file_extension: ".rs",
            pygments_lexer: "rust",
            codemirror_mode: "rust",
        },
        banner: format!(
            "cvstudy {}: Rust for a study of computer vision. :help lists the commands.",
            env!("CARGO_PKG_VERSION")
        ),
        debugger: false,
        help_links: vec![
            HelpLink {
                text: "The Rust book",
                url: "https://doc.rust-lang.org/book/",
            },
            HelpLink {
                text: "Rust standard library",
                url: "https://doc.rust-lang.org/std/",
            },
            HelpLink {
                text: "tch: tensors and networks",
                url: "https://docs.rs/tch/0.26.0/tch/",
            },
        ],
        supported_features: Vec::new(),
    }
}

fn is_complete(code: &str) -> IsCompleteReply {
    match catch_unwind(|| cell::is_complete(code)) {
        Ok(Completeness::Complete) => IsCompleteReply::Complete,
        Ok(Completeness::Incomplete { indent }) => IsCompleteReply::Incomplete { indent },
        Ok(Completeness::Invalid) | Err(_) => IsCompleteReply::Invalid,
    }
}
