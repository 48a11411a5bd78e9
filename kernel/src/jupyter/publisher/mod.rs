//! A socket that publishes, with a queue for each subscriber, so that one who does not read harms nobody else.
//!
//! | file | what is in it |
//! |---|---|
//! | `publisher` | subscribers, who they are and what they are sent |
//! | `queue` | what waits for one of them |
//! | `zmtp` | the protocol on the wire |
//!
//! The XPUB socket of the zeromq crate writes to one subscriber after the other, so that the slowest decides
//! for all; its PUB socket leaves out whatever finds no place, and says nothing of subscriptions. Here, output
//! and comms wait a little for a slow subscriber, which slows the cell down; from one who has stopped reading
//! output is kept back, and a note says how much. Everything else is kept for it.

mod queue;
mod zmtp;

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, BufWriter};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, timeout, timeout_at};
use zeromq::ZmqMessage;

pub(super) use queue::{Broadcast, Cut};
use queue::{Next, Queue};

use super::after_error;
use super::cells::lock;
use super::listener::{Listener, Stream};
use super::message::Care;

/// How long output and comms wait for a slow subscriber, before output is left out and comms do not wait any more.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// How many topics one subscriber may have.
const TOPICS: usize = 256;

/// Small messages go out together, up to this size in bytes.
const BUFFER: usize = 1 << 16;

/// Makes the message that stands for output that was left out.
type Note = Arc<dyn Fn(&Cut) -> ZmqMessage + Send + Sync>;

/// The socket. Whoever connects and subscribes is told of through [`Publisher::subscription`].
pub(super) struct Publisher {
    subscribers: Arc<Mutex<Vec<Arc<Subscriber>>>>,
    subscriptions: mpsc::Receiver<Subscription>,
}

/// A subscriber has asked for a topic, or wants it no longer.
pub(super) struct Subscription {
    subscriber: Arc<Subscriber>,
    pub(super) topic: Bytes,
    pub(super) wanted: bool,
}

#[derive(Default)]
struct Subscriber {
    topics: Mutex<Vec<Bytes>>,
    queue: Mutex<Queue>,
    /// Something has been put into the queue.
    filled: Notify,
    /// Something has been taken out of it, or the subscriber is gone.
    emptied: Notify,
    /// It is too far behind.
    given_up: Notify,
    is_gone: AtomicBool,
}

impl Publisher {
    /// Listens at an endpoint as ZeroMQ writes it, `tcp://` or `ipc://`. `note` makes the message, topic and all,
    /// that a subscriber gets in the place of output left out.
    ///
    /// # Errors
    /// When the endpoint is taken or unusable.
    pub(super) async fn bind(
        endpoint: &str,
        note: impl Fn(&Cut) -> ZmqMessage + Send + Sync + 'static,
    ) -> io::Result<Self> {
        let listener = Listener::bind(endpoint).await?;
        let subscribers = Arc::default();
        let (told, subscriptions) = mpsc::channel(16);
        let door = Door {
            subscribers: Arc::clone(&subscribers),
            told,
            note: Arc::new(note),
        };
        tokio::spawn(door.open(listener));
        Ok(Self {
            subscribers,
            subscriptions,
        })
    }

    /// Waits for the next subscription.
    pub(super) async fn subscription(&mut self) -> Subscription {
        match self.subscriptions.recv().await {
            Some(subscription) => subscription,
            // Nobody listens any more: the kernel is about to end.
            None => std::future::pending().await,
        }
    }

    /// From now on the subscriber gets what goes under its topic; `welcome` comes first.
    pub(super) fn welcome(&self, subscription: &Subscription, welcome: Broadcast) {
        let subscriber = &subscription.subscriber;
        lock(&subscriber.topics).push(subscription.topic.clone());
        subscriber.take(&Arc::new(welcome));
    }

    /// Ends a subscription.
    pub(super) fn dismiss(&self, subscription: &Subscription) {
        let mut topics = lock(&subscription.subscriber.topics);
        if let Some(at) = topics.iter().position(|own| *own == subscription.topic) {
            topics.swap_remove(at);
        }
    }

    /// Sends to all who want it. Output and comms may wait for those who are slow.
    pub(super) async fn send(&self, broadcast: Broadcast) {
        let broadcast = Arc::new(broadcast);
        let deadline = Instant::now() + PATIENCE;
        for subscriber in self.subscribers() {
            if !subscriber.wants(&broadcast) {
                continue;
            }
            if broadcast.care != Care::Always {
                subscriber.wait_for_room(deadline).await;
            }
            subscriber.take(&broadcast);
        }
    }

    /// Returns when all is sent to those who read.
    pub(super) async fn drained(&self) {
        for subscriber in self.subscribers() {
            subscriber
                .wait_until(|subscriber| lock(&subscriber.queue).is_done())
                .await;
        }
    }

    fn subscribers(&self) -> Vec<Arc<Subscriber>> {
        lock(&self.subscribers).clone()
    }
}

impl Subscriber {
    fn wants(&self, broadcast: &Broadcast) -> bool {
        let topic = broadcast.message.get(0);
        let topics = lock(&self.topics);
        topic.is_some_and(|topic| topics.iter().any(|own| topic.starts_with(own)))
    }

    fn take(&self, broadcast: &Arc<Broadcast>) {
        if lock(&self.queue).push(broadcast) {
            self.filled.notify_one();
        } else {
            self.given_up.notify_one();
        }
    }

    /// Returns when there is room for more, or it is not worth waiting any longer.
    async fn wait_for_room(&self, deadline: Instant) {
        let room = self.wait_until(|subscriber| lock(&subscriber.queue).has_room());
        if timeout_at(deadline, room).await.is_err() {
            tracing::warn!("a subscriber does not read: it gets no more output until it does");
            lock(&self.queue).stop_waiting();
        }
    }

    /// Returns when something holds of the queue, or the subscriber is gone.
    async fn wait_until(&self, holds: impl Fn(&Self) -> bool) {
        while !holds(self) && !self.is_gone.load(Ordering::SeqCst) {
            self.emptied.notified().await;
        }
    }
}

/// Where subscribers come in.
struct Door {
    subscribers: Arc<Mutex<Vec<Arc<Subscriber>>>>,
    told: mpsc::Sender<Subscription>,
    note: Note,
}

impl Door {
    /// Serves whoever connects, each in a task of its own, until the kernel ends.
    async fn open(self, listener: Listener) {
        let door = Arc::new(self);
        loop {
            match listener.accept().await {
                Ok(stream) => drop(tokio::spawn(door.clone().serve(stream))),
                Err(error) => after_error("iopub", &error).await,
            }
        }
    }

    async fn serve(self: Arc<Self>, mut stream: Box<dyn Stream>) {
        match timeout(HANDSHAKE, zmtp::handshake(&mut stream)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return tracing::debug!(%error, "no subscriber"),
            Err(_) => return tracing::debug!("a subscriber that says nothing"),
        }
        let subscriber = Arc::new(Subscriber::default());
        lock(&self.subscribers).push(subscriber.clone());
        let (read, write) = tokio::io::split(stream);
        let ended = tokio::select! {
            ended = self.listen(read, &subscriber) => ended,
            ended = self.speak(write, &subscriber) => ended,
            () = subscriber.given_up.notified() => Err(io::Error::other("it is too far behind")),
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "a subscriber is gone");
        }
        lock(&self.subscribers).retain(|other| !Arc::ptr_eq(other, &subscriber));
        subscriber.is_gone.store(true, Ordering::SeqCst);
        subscriber.emptied.notify_one();
    }

    /// Reads subscriptions: a byte 1 before the topic, or 0 when it is wanted no longer.
    async fn listen(
        &self,
        read: impl AsyncRead + Unpin,
        subscriber: &Arc<Subscriber>,
    ) -> io::Result<()> {
        let mut read = BufReader::new(read);
        loop {
            let frame = zmtp::read_frame(&mut read).await?;
            let wanted = match frame.body.first() {
                Some(first @ (0 | 1)) if !frame.is_command && !frame.is_part => *first == 1,
                _ => continue,
            };
            if wanted && lock(&subscriber.topics).len() >= TOPICS {
                return Err(io::Error::other("too many subscriptions"));
            }
            let subscription = Subscription {
                subscriber: subscriber.clone(),
                topic: frame.body.slice(1..),
                wanted,
            };
            if self.told.send(subscription).await.is_err() {
                return Ok(());
            }
        }
    }

    /// Writes what is in the queue.
    async fn speak(
        &self,
        write: impl AsyncWrite + Unpin,
        subscriber: &Subscriber,
    ) -> io::Result<()> {
        let mut write = BufWriter::with_capacity(BUFFER, write);
        loop {
            let next = lock(&subscriber.queue).pop();
            match next {
                Some(Next::Message(broadcast)) => {
                    zmtp::write_message(&mut write, broadcast.message.iter()).await?;
                }
                Some(Next::Cut(cut)) => {
                    zmtp::write_message(&mut write, (self.note)(&cut).iter()).await?;
                }
                None => {
                    write.flush().await?;
                    lock(&subscriber.queue).sent();
                    subscriber.emptied.notify_one();
                    subscriber.filled.notified().await;
                    continue;
                }
            }
            subscriber.emptied.notify_one();
        }
    }
}
