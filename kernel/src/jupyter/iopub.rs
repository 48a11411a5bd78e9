//! IOPub: everything the kernel broadcasts, in one order, from one queue.

use std::future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cell::StreamName;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::message::{Care, Content, ExecutionState, IopubWelcome, KernelStatus, Stream};
use super::publisher::{Broadcast, Publisher, Subscription};
use super::wire::{Parent, Session};

/// How long text waits for more to go with it.
const BATCH: Duration = Duration::from_millis(40);

/// The size at which text goes at once, in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// How many messages wait for the socket; whoever sends more waits. Each may be a picture of many megabytes.
const QUEUE: usize = 8;

/// The queue to the socket. Cheap to clone.
#[derive(Clone)]
pub(super) struct Iopub {
    session: Arc<Session>,
    queue: mpsc::Sender<Item>,
}

/// What waits in the queue.
enum Item {
    Status {
        parent: Parent,
        state: ExecutionState,
        cell: bool,
    },
    Stream {
        parent: Parent,
        name: StreamName,
        text: String,
    },
    Message(Broadcast),
    Flush(oneshot::Sender<()>),
    Drain(oneshot::Sender<()>),
}

impl Iopub {
    /// Opens the socket and broadcasts on it until the last handle is gone.
    ///
    /// # Errors
    /// When the endpoint is taken.
    pub(super) async fn open(endpoint: &str, session: Arc<Session>) -> io::Result<Self> {
        let author = session.clone();
        let publisher = Publisher::bind(endpoint, move |cut| {
            let note = Stream {
                name: StreamName::Stderr.as_str(),
                text: &cut.note(),
            };
            author.broadcast(topic::<Stream>(), &cut.parent, &note)
        })
        .await?;
        let (queue, items) = mpsc::channel(QUEUE);
        let broadcaster = Broadcaster {
            publisher,
            session: session.clone(),
            text: None,
            running: None,
        };
        tokio::spawn(broadcaster.run(items));
        Ok(Self { session, queue })
    }

    /// Says what the kernel is doing because of `parent`; `cell` when that is running a cell.
    pub(super) async fn status(&self, parent: &Parent, state: ExecutionState, cell: bool) {
        self.put(Item::Status {
            parent: parent.clone(),
            state,
            cell,
        })
        .await;
    }

    /// Text of a cell. It may wait a little for more, but for no other message.
    pub(super) async fn stream(&self, parent: &Parent, name: StreamName, text: String) {
        self.put(Item::Stream {
            parent: parent.clone(),
            name,
            text,
        })
        .await;
    }

    /// Any other message.
    pub(super) async fn send<C: Content>(&self, parent: &Parent, content: &C) {
        let broadcast = broadcast(&self.session, parent, content);
        self.put(Item::Message(broadcast)).await;
    }

    /// Returns when everything sent so far has been handed to the socket.
    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.put(Item::Flush(done)).await;
        let _ = flushed.await;
    }

    /// Returns when everything sent so far has left for all who read.
    pub(super) async fn drain(&self) {
        let (done, drained) = oneshot::channel();
        self.put(Item::Drain(done)).await;
        let _ = drained.await;
    }

    async fn put(&self, item: Item) {
        // The queue closes only when the kernel ends, and then nobody listens any more.
        let _ = self.queue.send(item).await;
    }
}

/// Text that waits for more.
struct Text {
    parent: Parent,
    name: StreamName,
    text: String,
    due: Instant,
}

/// The only one who publishes, so that there is one order.
struct Broadcaster {
    publisher: Publisher,
    session: Arc<Session>,
    text: Option<Text>,
    /// The request whose cell is running.
    running: Option<Parent>,
}

impl Broadcaster {
    async fn run(mut self, mut items: mpsc::Receiver<Item>) {
        loop {
            tokio::select! {
                biased;
                subscription = self.publisher.subscription() => self.answer(&subscription),
                () = due(&self.text) => self.flush().await,
                item = items.recv() => match item {
                    Some(item) => self.take(item).await,
                    None => return self.flush().await,
                },
            }
        }
    }

    async fn take(&mut self, item: Item) {
        match item {
            Item::Stream { parent, name, text } => self.gather(parent, name, text).await,
            Item::Status {
                parent,
                state,
                cell,
            } => {
                self.flush().await;
                self.status(parent, state, cell).await;
            }
            Item::Message(broadcast) => {
                self.flush().await;
                self.publisher.send(broadcast).await;
            }
            Item::Flush(done) => {
                self.flush().await;
                let _ = done.send(());
            }
            Item::Drain(done) => {
                self.flush().await;
                self.publisher.drained().await;
                let _ = done.send(());
            }
        }
    }

    async fn gather(&mut self, parent: Parent, name: StreamName, text: String) {
        match &mut self.text {
            Some(waiting) if waiting.name == name && waiting.parent == parent => {
                waiting.text.push_str(&text);
            }
            _ => {
                self.flush().await;
                self.text = Some(Text {
                    parent,
                    name,
                    text,
                    due: Instant::now() + BATCH,
                });
            }
        }
        if self
            .text
            .as_ref()
            .is_some_and(|waiting| waiting.text.len() >= BATCH_SIZE)
        {
            self.flush().await;
        }
    }

    async fn flush(&mut self) {
        if let Some(Text {
            parent, name, text, ..
        }) = self.text.take()
        {
            self.publish(
                &parent,
                &Stream {
                    name: name.as_str(),
                    text: &text,
                },
            )
            .await;
        }
    }

    /// Front ends show the latest status, whatever its parent. So when a short request is answered
    /// while a cell runs, its `idle` is followed by the cell's `busy` once more.
    async fn status(&mut self, parent: Parent, state: ExecutionState, cell: bool) {
        self.publish(
            &parent,
            &KernelStatus {
                execution_state: state,
            },
        )
        .await;
        if cell {
            self.running = (state == ExecutionState::Busy).then_some(parent);
        } else if state == ExecutionState::Idle
            && let Some(running) = self.running.clone()
        {
            self.publish(
                &running,
                &KernelStatus {
                    execution_state: ExecutionState::Busy,
                },
            )
            .await;
        }
    }

    /// Tells a new subscriber that it will miss nothing from here on.
    fn answer(&self, subscription: &Subscription) {
        if !subscription.wanted {
            return self.publisher.dismiss(subscription);
        }
        let parent = Parent::default();
        let welcome = IopubWelcome {
            subscription: &String::from_utf8_lossy(&subscription.topic),
        };
        let topic = subscription.topic.clone();
        let welcome = Broadcast {
            message: self.session.broadcast(topic, &parent, &welcome),
            parent,
            care: Care::Always,
        };
        self.publisher.welcome(subscription, welcome);
    }

    async fn publish<C: Content>(&self, parent: &Parent, content: &C) {
        let broadcast = broadcast(&self.session, parent, content);
        self.publisher.send(broadcast).await;
    }
}

fn broadcast<C: Content>(session: &Session, parent: &Parent, content: &C) -> Broadcast {
    Broadcast {
        message: session.broadcast(topic::<C>(), parent, content),
        parent: parent.clone(),
        care: C::CARE,
    }
}

/// Messages go under their type, so that a listener may ask for some types only.
fn topic<C: Content>() -> Bytes {
    Bytes::from_static(C::KIND.as_bytes())
}

async fn due(text: &Option<Text>) {
    match text {
        Some(text) => sleep_until(text.due).await,
        None => future::pending().await,
    }
}
