//! Stdin: the kernel's questions to the learner, one at a time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};

use tokio::runtime::Handle;
use zeromq::{RouterRecvHalf, RouterSocket, SocketRecv};

use super::after_error;
use super::message::{InputReply, InputRequest};
use super::reply::Replies;
use super::wire::{Parent, Session};

/// Asks questions: belongs to the thread that runs cells.
pub(super) struct Stdin {
    replies: Replies,
    answers: Receiver<Answer>,
    cancelled: Arc<AtomicU64>,
}

/// Cancels the question that waits for its answer. Cheap to clone.
#[derive(Clone)]
pub(super) struct Cancel {
    answers: Sender<Answer>,
    cancelled: Arc<AtomicU64>,
}

enum Answer {
    Line(String),
    Cancelled,
}

impl Stdin {
    /// Takes a bound socket over.
    pub(super) fn start(socket: RouterSocket, session: Arc<Session>) -> (Self, Cancel) {
        let (send, receive) = socket.split();
        let (answer, answers) = channel();
        let cancelled = Arc::new(AtomicU64::new(0));
        tokio::spawn(listen(receive, session.clone(), answer.clone()));
        let stdin = Self {
            replies: Replies::new(send, session),
            answers,
            cancelled: cancelled.clone(),
        };
        (
            stdin,
            Cancel {
                answers: answer,
                cancelled,
            },
        )
    }

    /// How many times questions have been cancelled so far.
    pub(super) fn cancellations(&self) -> u64 {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Asks whoever sent `parent` and waits. `None` when they cannot be asked, or the question was
    /// cancelled since `cancellations` was counted.
    pub(super) fn ask(
        &self,
        runtime: &Handle,
        parent: &Parent,
        question: &InputRequest<'_>,
        cancellations: u64,
    ) -> Option<String> {
        // Answers to questions that nobody waits for any more.
        while self.answers.try_recv().is_ok() {}
        if self.cancellations() != cancellations {
            return None;
        }
        if !runtime.block_on(self.replies.send(parent, question)) {
            return None;
        }
        match self.answers.recv() {
            Ok(Answer::Line(line)) => Some(line),
            Ok(Answer::Cancelled) | Err(_) => None,
        }
    }
}

impl Cancel {
    /// The question that waits, if one does, will have no answer.
    pub(super) fn cancel(&self) {
        self.cancelled.fetch_add(1, Ordering::SeqCst);
        let _ = self.answers.send(Answer::Cancelled);
    }
}

async fn listen(mut socket: RouterRecvHalf, session: Arc<Session>, answers: Sender<Answer>) {
    loop {
        let message = match socket.recv().await {
            Ok(message) => message,
            Err(error) => {
                after_error("stdin", &error).await;
                continue;
            }
        };
        match session.decode(message) {
            Ok(message) if message.kind == "input_reply" => {
                match serde_json::from_slice::<InputReply>(&message.content) {
                    Ok(reply) => {
                        let _ = answers.send(Answer::Line(reply.value));
                    }
                    Err(error) => tracing::warn!(%error, "unreadable input_reply dropped"),
                }
            }
            Ok(message) => tracing::warn!(kind = message.kind, "unexpected on stdin, dropped"),
            Err(error) => tracing::warn!(%error, "bad message on stdin dropped"),
        }
    }
}
