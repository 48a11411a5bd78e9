//! Comms: channels between something in the page and its counterpart here, as Jupyter defines them.
//!
//! Either side opens a comm, under the name of a target; both send messages on it; either closes it. Widgets
//! are built on comms. What the page sends arrives on the cell thread between cells, one message after
//! another, and a handler may do what a cell may: print, show, panic, be interrupted.

use std::collections::BTreeMap;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use crate::failure::{self, CellError};
use crate::frame::{Bundle, CommKind, CommMessage, Outcome, ToKernel};
use crate::link;

/// A comm that is open. Cheap to clone; it stays open until one side closes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comm {
    id: String,
}

/// What the page has sent on a comm.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    /// JSON, as the target wants it.
    pub data: Value,
    /// JSON about the message.
    pub metadata: Value,
    /// Bytes beside the JSON.
    pub buffers: Vec<Vec<u8>>,
}

type Handler = Box<dyn FnMut(&Received) + Send>;
type Opened = fn(Comm, &Received);

/// The comms that are open; a handler is away while it runs.
static COMMS: Mutex<BTreeMap<String, Option<Handler>>> = Mutex::new(BTreeMap::new());

/// Who takes comms that the page opens.
static TARGETS: Mutex<BTreeMap<&'static str, Opened>> = Mutex::new(BTreeMap::new());

impl Comm {
    /// Opens a comm to the page's `target`. Outside of a notebook nobody is there, and nothing happens.
    pub fn open(target: &str, data: Value, metadata: Value, buffers: &[Vec<u8>]) -> Self {
        let comm = Self { id: fresh_id() };
        lock(&COMMS).insert(comm.id.clone(), None);
        send(CommMessage {
            target_name: target.into(),
            metadata,
            ..comm.message(CommKind::Open, data, buffers)
        });
        comm
    }

    /// The comm's name: 32 hexadecimal digits, and no other comm's anywhere.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Calls `handler` with each message from the page, in place of an earlier handler.
    pub fn on_message(&self, handler: impl FnMut(&Received) + Send + 'static) {
        if let Some(place) = lock(&COMMS).get_mut(&self.id) {
            *place = Some(Box::new(handler));
        }
    }

    /// Sends a message to the page.
    pub fn send(&self, data: Value, buffers: &[Vec<u8>]) {
        send(self.message(CommKind::Message, data, buffers));
    }

    /// Closes the comm: what belongs to it in the page goes, and its handler with it.
    pub fn close(&self) {
        // What a handler holds may be anything: it goes when the lock is free again.
        let handler = lock(&COMMS).remove(&self.id);
        if handler.is_some() {
            send(self.message(CommKind::Close, Value::Object(Map::new()), &[]));
        }
    }

    fn message(&self, kind: CommKind, data: Value, buffers: &[Vec<u8>]) -> CommMessage {
        CommMessage {
            kind,
            comm_id: self.id.clone(),
            target_name: String::new(),
            data,
            metadata: Value::Object(Map::new()),
            buffers: buffers.iter().map(|bytes| STANDARD.encode(bytes)).collect(),
        }
    }
}

/// Lets the page open comms to `target`; `opened` is called with each, and the first message.
pub fn accept(target: &'static str, opened: Opened) {
    lock(&TARGETS).insert(target, opened);
}

/// Hands over what the page has sent. On the cell thread.
pub(crate) fn deliver(message: CommMessage) {
    let id = message.comm_id;
    let received = Received {
        data: message.data,
        metadata: message.metadata,
        buffers: message
            .buffers
            .iter()
            .filter_map(|text| STANDARD.decode(text).ok())
            .collect(),
    };
    match message.kind {
        CommKind::Open => {
            let opened = lock(&TARGETS).get(message.target_name.as_str()).copied();
            lock(&COMMS).insert(id.clone(), None);
            let comm = Comm { id };
            match opened {
                Some(opened) => opened(comm, &received),
                None => comm.close(),
            }
        }
        CommKind::Message => call(&id, &received),
        CommKind::Close => {
            let handler = lock(&COMMS).remove(&id);
            drop(handler);
        }
    }
}

/// Calls a comm's handler, which may use comms itself, its own among them, and may panic.
fn call(id: &str, received: &Received) {
    let handler = lock(&COMMS).get_mut(id).and_then(Option::take);
    let Some(handler) = handler else { return };
    let mut away = Away {
        id,
        handler: Some(handler),
    };
    if let Some(handler) = &mut away.handler {
        handler(received);
    }
}

/// A handler that runs, and goes back to its comm afterwards, also after a panic.
struct Away<'a> {
    id: &'a str,
    handler: Option<Handler>,
}

impl Drop for Away<'_> {
    fn drop(&mut self) {
        // It may have closed its comm, or put another handler in its place.
        if let Some(place @ None) = lock(&COMMS).get_mut(self.id) {
            *place = self.handler.take();
        }
    }
}

fn send(message: CommMessage) {
    link::send(&ToKernel::Comm { message });
}

/// Unlike any other: the seed is the process's own, from the operating system.
fn fresh_id() -> String {
    static SEED: OnceLock<RandomState> = OnceLock::new();
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let seed = SEED.get_or_init(RandomState::new);
    let number = NEXT.fetch_add(2, Ordering::Relaxed);
    let half = |number: u64| {
        let mut hasher = seed.build_hasher();
        hasher.write_u64(number);
        hasher.finish()
    };
    format!("{:016x}{:016x}", half(number), half(number + 1))
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What a closure that outlives its cell comes to: what there is to show, or the error that a `?` in it met.
pub fn shown(body: impl FnOnce() -> Result<Option<Bundle>, CellError>) -> Option<Bundle> {
    match body() {
        Ok(bundle) => bundle,
        Err(error) => match failure::run(|| Err(error)) {
            Outcome::Failed {
                error_type,
                message,
                ..
            } => Some(Bundle::text(format!("{message} ({error_type})"))),
            _ => None,
        },
    }
}

/// How a closure that outlives its cell gets values of its own.
///
/// The closure given to `interact` runs long after its cell has ended, so it cannot borrow the cell's
/// variables. The generated code copies each into the closure with `(&&Along(&x)).along()`; method look-up
/// finds the first way that fits.
pub mod along {
    /// A variable on its way into a closure.
    pub struct Along<'a, T: ?Sized>(pub &'a T);

    /// First choice: a clone.
    pub trait ByClone {
        /// What is cloned.
        type Copied;
        /// The closure's own value.
        fn along(&self) -> Self::Copied;
    }
    impl<T: Clone> ByClone for &Along<'_, T> {
        type Copied = T;
        fn along(&self) -> T {
            self.0.clone()
        }
    }

    /// Everything else: the compiler says what to do.
    pub trait ByMove {
        /// What would be copied.
        type Copied;
        /// The closure's own value, if there could be one.
        fn along(&self) -> Self::Copied
        where
            Self::Copied: Copied;
    }
    impl<T> ByMove for Along<'_, T> {
        type Copied = T;
        fn along(&self) -> T
        where
            T: Copied,
        {
            T::copied(self.0)
        }
    }

    /// Implemented by nothing; see [`ByMove`].
    #[diagnostic::on_unimplemented(
        message = "a `{Self}` cannot be copied into the closure, which runs after this cell has ended",
        label = "the closure needs a value of its own",
        note = "write `move` before the closure to give it the variable, which then is no longer there for other cells"
    )]
    pub trait Copied {
        /// Never called.
        fn copied(of: &Self) -> Self;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;

    fn message(kind: CommKind, comm_id: &str) -> CommMessage {
        CommMessage {
            kind,
            comm_id: comm_id.into(),
            ..CommMessage::default()
        }
    }

    #[test]
    fn a_handler_hears_its_comm_until_it_is_closed() {
        let heard = Arc::new(AtomicUsize::new(0));
        let comm = Comm::open("t", Value::Null, Value::Null, &[]);
        let count = Arc::clone(&heard);
        comm.on_message(move |received| {
            assert_eq!(received.buffers, [b"\x00\xff".to_vec()]);
            count.fetch_add(1, Ordering::Relaxed);
        });
        let mut told = message(CommKind::Message, comm.id());
        told.buffers.push("AP8=".into());
        deliver(told.clone());
        deliver(told.clone());
        deliver(message(CommKind::Close, comm.id()));
        deliver(told);
        assert_eq!(heard.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn a_handler_may_panic_or_close_its_own_comm() {
        let comm = Comm::open("t", Value::Null, Value::Null, &[]);
        let own = comm.clone();
        let mut calls = 0;
        comm.on_message(move |_| {
            calls += 1;
            if calls == 1 {
                panic!("at first");
            }
            own.close();
        });
        let told = message(CommKind::Message, comm.id());
        let first = std::panic::catch_unwind(|| deliver(told.clone()));
        assert!(first.is_err());
        deliver(told);
        assert!(!lock(&COMMS).contains_key(comm.id()));
    }

    #[test]
    fn what_a_handler_holds_may_use_comms_when_it_goes() {
        struct Talkative(Comm);
        impl Drop for Talkative {
            fn drop(&mut self) {
                self.0.on_message(|_| {});
                self.0.close();
            }
        }
        let (one, other) = (
            Comm::open("t", Value::Null, Value::Null, &[]),
            Comm::open("t", Value::Null, Value::Null, &[]),
        );
        for comm in [&one, &other] {
            let holds = Talkative(comm.clone());
            comm.on_message(move |_| _ = &holds);
        }
        deliver(message(CommKind::Close, one.id()));
        other.close();
        for comm in [one, other] {
            assert!(!lock(&COMMS).contains_key(comm.id()));
        }
    }

    #[test]
    fn a_comm_to_nobody_is_closed() {
        deliver(message(CommKind::Open, "stranger"));
        assert!(!lock(&COMMS).contains_key("stranger"));
    }

    #[test]
    fn an_error_is_shown_in_place_of_a_value() {
        let text = |body: &dyn Fn() -> Result<Option<Bundle>, CellError>| {
            shown(body).map(|bundle| bundle.plain().to_owned())
        };
        assert_eq!(text(&|| Ok(Some(Bundle::text("x")))).as_deref(), Some("x"));
        let failed = text(&|| Ok(Some(Bundle::text("none".parse::<i32>()?.to_string()))));
        assert!(failed.is_some_and(|text| text.contains("ParseIntError")));
    }

    #[test]
    fn names_are_unlike_each_other() {
        let ids: std::collections::BTreeSet<String> = (0..1000).map(|_| fresh_id()).collect();
        assert_eq!(ids.len(), 1000);
        assert!(ids.iter().all(|id| id.len() == 32));
    }
}
