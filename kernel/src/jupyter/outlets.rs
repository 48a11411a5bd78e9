//! What a cell says, as messages: called from the cell thread, which may wait for the channels.

use std::sync::Arc;

use cell::{Event, Sink, StreamName};
use rt::Bundle;
use rt::frame::{CommKind, CommMessage};
use serde_json::json;
use tokio::runtime::Handle;

use super::cells::{Cell, Shared, lock};
use super::iopub::Iopub;
use super::message::{
    ClearOutput, Content, DisplayData, ExecuteResult, ExecutionState, Failure, InputRequest,
    Outgoing, Transient, UpdateDisplayData,
};
use super::reply::Replies;
use super::stdin::Stdin;
use super::wire::Parent;

/// Where a cell's words go. Called from the cell thread, which may wait.
pub(super) struct Outlets {
    pub(super) runtime: Handle,
    pub(super) replies: Replies,
    pub(super) iopub: Iopub,
    pub(super) stdin: Stdin,
    pub(super) shared: Arc<Shared>,
}

impl Outlets {
    pub(super) fn status(&self, parent: &Parent, state: ExecutionState) {
        self.runtime
            .block_on(self.iopub.status(parent, state, true));
    }

    pub(super) fn publish<C: Content>(&self, parent: &Parent, content: &C) {
        self.runtime.block_on(self.iopub.send(parent, content));
    }

    fn comm(&self, parent: &Parent, message: CommMessage) {
        lock(&self.shared.comms).note(&message);
        match Outgoing::from(message) {
            Outgoing::Open(open) => self.publish(parent, &open),
            Outgoing::Message(message) => self.publish(parent, &message),
            Outgoing::Close(close) => self.publish(parent, &close),
        }
    }

    pub(super) fn close_comm(&self, parent: &Parent, comm_id: String) {
        self.comm(
            parent,
            CommMessage {
                kind: CommKind::Close,
                comm_id,
                data: json!({}),
                ..CommMessage::default()
            },
        );
    }
}

/// How much text one cell may print, in bytes. A page that has to show more stops answering.
const PRINTED: usize = 32 << 20;

/// Turns one cell's events into messages.
pub(super) struct Broadcast<'a> {
    parent: &'a Parent,
    silent: bool,
    allow_stdin: bool,
    count: usize,
    outlets: &'a Outlets,
    /// Counted before the cell began, so that an interrupt just before its question counts too.
    cancellations: u64,
    /// Bytes of text so far, those that were left out included.
    printed: usize,
}

impl<'a> Broadcast<'a> {
    pub(super) fn of(cell: &'a Cell, count: usize, outlets: &'a Outlets) -> Self {
        Self {
            silent: cell.request.silent,
            allow_stdin: cell.request.allow_stdin,
            ..Self::between(&cell.parent, count, outlets)
        }
    }

    /// For what happens between cells.
    pub(super) fn between(parent: &'a Parent, count: usize, outlets: &'a Outlets) -> Self {
        let cancellations = outlets.stdin.cancellations();
        Self {
            parent,
            silent: false,
            allow_stdin: false,
            count,
            outlets,
            cancellations,
            printed: 0,
        }
    }

    fn print(&mut self, name: StreamName, text: String) {
        let room = PRINTED.saturating_sub(self.printed);
        self.printed += text.len();
        if room > 0 {
            let Outlets { runtime, iopub, .. } = self.outlets;
            runtime.block_on(iopub.stream(self.parent, name, text));
        }
    }

    /// Says what was left out. At the end of the cell.
    pub(super) fn finish(self) {
        if self.silent || self.printed <= PRINTED {
            return;
        }
        let text = format!(
            "\nnote: the cell printed {} MB; a page shows {} MB, the rest was left out.\n",
            self.printed / 1_000_000,
            PRINTED / 1_000_000
        );
        let Outlets { runtime, iopub, .. } = self.outlets;
        runtime.block_on(iopub.stream(self.parent, StreamName::Stderr, text));
    }
}

impl Sink for Broadcast<'_> {
    fn event(&mut self, event: Event) {
        let (outlets, parent) = (self.outlets, self.parent);
        // A widget lives on after a silent cell, and its other end has to know of it.
        if self.silent && !matches!(event, Event::Comm(_)) {
            return;
        }
        match event {
            Event::Stream { name, text } => self.print(name, text),
            Event::Display {
                bundle,
                id: display_id,
            } => {
                outlets.publish(
                    parent,
                    &DisplayData {
                        bundle,
                        transient: Transient { display_id },
                    },
                );
            }
            Event::UpdateDisplay { bundle, id } => {
                let transient = Transient {
                    display_id: Some(id),
                };
                outlets.publish(parent, &UpdateDisplayData { bundle, transient });
            }
            Event::ClearOutput { wait } => outlets.publish(parent, &ClearOutput { wait }),
            Event::Result { bundle } => {
                outlets.publish(
                    parent,
                    &ExecuteResult {
                        execution_count: self.count,
                        bundle,
                    },
                );
            }
            Event::Comm(message) => outlets.comm(parent, message),
            Event::Error(report) => outlets.publish(parent, &Failure::from(report)),
        }
    }

    fn input(&mut self, prompt: &str, password: bool) -> Option<String> {
        if !self.allow_stdin {
            return None;
        }
        let Outlets {
            runtime,
            iopub,
            stdin,
            ..
        } = self.outlets;
        // What the cell has printed so far belongs above the question.
        runtime.block_on(iopub.flush());
        let question = InputRequest { prompt, password };
        stdin.ask(runtime, self.parent, &question, self.cancellations)
    }
}

/// Takes the value of an expression that is evaluated beside a cell, and passes on what concerns its widgets.
pub(super) struct Beside<'a> {
    parent: &'a Parent,
    outlets: &'a Outlets,
    /// The value; empty until there is one.
    pub(super) result: Bundle,
}

impl<'a> Beside<'a> {
    pub(super) fn new(parent: &'a Parent, outlets: &'a Outlets) -> Self {
        Self {
            parent,
            outlets,
            result: Bundle::default(),
        }
    }
}

impl Sink for Beside<'_> {
    fn event(&mut self, event: Event) {
        match event {
            Event::Result { bundle } => self.result = bundle,
            Event::Comm(message) => self.outlets.comm(self.parent, message),
            _ => {}
        }
    }
}
