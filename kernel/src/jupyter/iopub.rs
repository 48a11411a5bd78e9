//! IOPub: everything the kernel broadcasts, in one order, from one queue.

use std::collections::HashSet;
use std::future;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cell::StreamName;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};
use zeromq::util::PeerIdentity;
use zeromq::{Socket, SocketEvent, SocketRecv, SocketSend, XPubSocket, ZmqMessage};

use super::after_error;
use super::message::{Content, ExecutionState, IopubWelcome, KernelStatus, Stream};
use super::wire::{Parent, Session};

/// How long text waits for more to go with it.
const BATCH: Duration = Duration::from_millis(40);

/// The size at which text goes at once, in bytes.
const BATCH_SIZE: usize = 1 << 20;

/// How many messages wait for the socket; whoever sends more waits.
const QUEUE: usize = 32;

/// How long a subscriber that has stopped reading can hold up the others.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long to wait for the next subscriber to come back after all have been disconnected.
const RETURN: Duration = Duration::from_millis(500);

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
    Message(ZmqMessage),
    Flush(oneshot::Sender<()>),
}

impl Iopub {
    /// Takes a bound socket over and broadcasts on it until the last handle is gone.
    pub(super) fn start(mut socket: XPubSocket, session: Arc<Session>) -> Self {
        let (queue, items) = mpsc::channel(QUEUE);
        let peers = Peers::watch(&mut socket);
        let broadcaster = Broadcaster {
            socket,
            peers,
            session: session.clone(),
            text: None,
            running: None,
            unwelcomed: Vec::new(),
        };
        tokio::spawn(broadcaster.run(items));
        Self { session, queue }
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
        let message = self.session.broadcast(topic::<C>(), parent, content);
        self.put(Item::Message(message)).await;
    }

    /// Returns when everything sent so far has been handed to the socket.
    pub(super) async fn flush(&self) {
        let (done, flushed) = oneshot::channel();
        self.put(Item::Flush(done)).await;
        let _ = flushed.await;
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

/// The socket's only owner: an XPUB cannot be split, and sees subscriptions only while it is read.
struct Broadcaster {
    socket: XPubSocket,
    peers: Peers,
    session: Arc<Session>,
    text: Option<Text>,
    /// The request whose cell is running.
    running: Option<Parent>,
    /// Subscriptions that came at a bad time.
    unwelcomed: Vec<ZmqMessage>,
}

impl Broadcaster {
    async fn run(mut self, mut items: mpsc::Receiver<Item>) {
        loop {
            while let Some(subscription) = self.unwelcomed.pop() {
                self.welcome(subscription).await;
            }
            tokio::select! {
                biased;
                subscription = self.socket.recv() => match subscription {
                    Ok(message) => self.welcome(message).await,
                    Err(error) => after_error("iopub", &error).await,
                },
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
            Item::Message(message) => {
                self.flush().await;
                self.send(message).await;
            }
            Item::Flush(done) => {
                self.flush().await;
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

    /// Answers a subscription, which comes as a byte 1 before the topic.
    async fn welcome(&mut self, message: ZmqMessage) {
        let Some(frame) = message.get(0).filter(|frame| frame.first() == Some(&1)) else {
            return;
        };
        self.peers.refresh();
        let topic = frame.slice(1..);
        let welcome = IopubWelcome {
            subscription: &String::from_utf8_lossy(&topic),
        };
        let message = self
            .session
            .broadcast(topic.clone(), &Parent::default(), &welcome);
        self.send(message).await;
    }

    async fn publish<C: Content>(&mut self, parent: &Parent, content: &C) {
        let message = self.session.broadcast(topic::<C>(), parent, content);
        self.send(message).await;
    }

    /// Sends to all subscribers. One that has stopped reading is disconnected in the end, with all
    /// others, because the socket cannot say which it is; those that are well come back at once.
    async fn send(&mut self, message: ZmqMessage) {
        match timeout(PATIENCE, self.socket.send(message)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => after_error("iopub", &error).await,
            Err(_) => {
                tracing::warn!("a subscriber does not read: all are disconnected");
                self.peers.disconnect(&self.socket);
                // What is sent before they are back, they miss.
                while let Ok(Ok(message)) = timeout(RETURN, self.socket.recv()).await {
                    self.unwelcomed.push(message);
                }
            }
        }
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

/// Who has connected, as the socket's monitor tells it.
struct Peers {
    next: Box<dyn FnMut() -> Option<PeerIdentity> + Send>,
    known: HashSet<PeerIdentity>,
}

impl Peers {
    fn watch(socket: &mut XPubSocket) -> Self {
        let mut events = socket.monitor();
        let next = move || loop {
            if let SocketEvent::Accepted(_, peer) = events.try_recv().ok()? {
                return Some(peer);
            }
        };
        Self {
            next: Box::new(next),
            known: HashSet::new(),
        }
    }

    /// Takes note of who has come since the last time.
    fn refresh(&mut self) {
        self.known.extend(std::iter::from_fn(&mut self.next));
    }

    fn disconnect(&mut self, socket: &XPubSocket) {
        self.refresh();
        let backend = socket.backend();
        self.known
            .drain()
            .for_each(|peer| backend.peer_disconnected(&peer));
    }
}
